"""How the sandbox of Stripe writes what it keeps: Stripe's JSON, of version 2024-04-10."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

import attrs

from retour.providers import Mode
from retour_stripe.sandbox_books import SandboxPayment, SandboxRefund

Json = dict[str, Any]


@attrs.frozen
class Answers:
    """Stripe's objects, of an account in one mode. ``expanded`` names the fields that hold an object, not its id."""

    mode: Mode

    def refund(self, refund: SandboxRefund, expanded: Collection[str] = ()) -> Json:
        """Schema ``refund``."""
        payment = refund.payment
        body = {
            "id": refund.id,
            "object": "refund",
            "amount": refund.amount,
            "balance_transaction": None,
            "charge": self.charge(payment) if "charge" in expanded else payment.charge,
            "created": refund.created,
            "currency": payment.currency,
            "metadata": refund.metadata,
            "payment_intent": self.intent(payment) if "payment_intent" in expanded else payment.intent,
            "reason": refund.reason,
            "receipt_number": None,
            "source_transfer_reversal": None,
            "status": refund.status,
            "transfer_reversal": None,
        }
        return body | ({"failure_reason": refund.failure_reason} if refund.failure_reason else {})

    def charge(self, payment: SandboxPayment) -> Json:
        """Schema ``charge``. What a failed or cancelled refund took counts as not refunded again."""
        captured = payment.status == "succeeded"
        return {
            "id": payment.charge,
            "object": "charge",
            "amount": payment.amount,
            "amount_captured": payment.amount if captured else 0,
            "amount_refunded": payment.refunded,
            "balance_transaction": None,
            "billing_details": {"address": None, "email": None, "name": None, "phone": None},
            "captured": captured,
            "created": payment.created,
            "currency": payment.currency,
            "customer": None,
            "description": None,
            "disputed": payment.disputed,
            "livemode": self.mode is Mode.LIVE,
            "metadata": {},
            "paid": captured,
            "payment_intent": payment.intent,
            "payment_method_details": {"type": payment.method},
            "refunded": captured and payment.refunded == payment.amount,
            "status": {"succeeded": "succeeded", "canceled": "failed"}.get(payment.status, "pending"),
        }

    def intent(self, payment: SandboxPayment, expanded: Collection[str] = ()) -> Json:
        """Schema ``payment_intent``."""
        paid = payment.status == "succeeded"
        charged = paid or payment.status in ("requires_capture", "processing")
        charge = self.charge(payment) if "latest_charge" in expanded else payment.charge
        return {
            "id": payment.intent,
            "object": "payment_intent",
            "amount": payment.amount,
            "amount_capturable": payment.amount if payment.status == "requires_capture" else 0,
            "amount_received": payment.amount if paid else 0,
            "capture_method": "manual" if payment.status == "requires_capture" else "automatic_async",
            "confirmation_method": "automatic",
            "created": payment.created,
            "currency": payment.currency,
            "latest_charge": charge if charged else None,
            "livemode": self.mode is Mode.LIVE,
            "metadata": {},
            "payment_method_types": [payment.method],
            "status": payment.status,
        }

    def session(self, reference: str, payment: SandboxPayment | None, now: int) -> Json:
        """Schema ``checkout.session``, paid if it has a payment; ``now`` in unix seconds."""
        return {
            "id": reference,
            "object": "checkout.session",
            "automatic_tax": {"enabled": False, "liability": None, "status": None},
            "created": payment.created if payment else now,
            "custom_fields": [],
            "custom_text": {
                "after_submit": None,
                "shipping_address": None,
                "submit": None,
                "terms_of_service_acceptance": None,
            },
            "expires_at": (payment.created if payment else now) + 24 * 60 * 60,
            "livemode": self.mode is Mode.LIVE,
            "mode": "payment",
            "payment_intent": payment.intent if payment else None,
            "payment_method_types": ["card"],
            "payment_status": "paid" if payment else "unpaid",
            "shipping_options": [],
            "status": "complete" if payment else "open",
        }

    def balance(self, balance: Mapping[str, int]) -> Json:
        """Schema ``balance``: what there is of each currency."""
        return {
            "object": "balance",
            "available": [{"amount": amount, "currency": currency} for currency, amount in balance.items()],
            "livemode": self.mode is Mode.LIVE,
            "pending": [],
        }
