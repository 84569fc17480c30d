"""How the sandbox of Stripe writes what it keeps: Stripe's JSON, of version 2024-04-10."""

from __future__ import annotations

import datetime
from collections.abc import Collection, Sequence
from typing import Any

import attrs

from retour.providers import Mode, Money
from retour.sandbox import SandboxPayment, SandboxRefund
from retour_stripe.money import to_wire
from retour_stripe.sandbox_disputes import SandboxDispute, disputes_of

Json = dict[str, Any]


def intent_of(payment: SandboxPayment) -> str | None:
    """The PaymentIntent of a payment; None of a charge from before there were PaymentIntents."""
    return payment.id if payment.names else None


def charge_of(payment: SandboxPayment) -> str:
    """The charge of a payment, which is all there is of it where it has no PaymentIntent."""
    return payment.names[0] if payment.names else payment.id


@attrs.frozen
class Answers:
    """Stripe's objects, of an account in one mode. ``expanded`` names the fields that hold an object, not its id, and
    in those the further ones: ``latest_charge.refunds``."""

    mode: Mode

    def refund(self, refund: SandboxRefund, expanded: Collection[str] = ()) -> Json:
        """Schema ``refund``."""
        payment = refund.payment
        body = {
            "id": refund.id,
            "object": "refund",
            "amount": to_wire(refund.amount),
            "balance_transaction": None,
            "charge": self.charge(payment) if "charge" in expanded else charge_of(payment),
            "created": _written(refund.made_at),
            "currency": refund.amount.currency.lower(),
            "metadata": refund.said["metadata"],
            "payment_intent": self.intent(payment) if "payment_intent" in expanded else intent_of(payment),
            "reason": refund.said["reason"],
            "receipt_number": None,
            "source_transfer_reversal": None,
            "status": refund.status,
            "transfer_reversal": None,
        }
        return body | ({"failure_reason": refund.reason} if refund.reason else {})

    def charge(self, payment: SandboxPayment, expanded: Collection[str] = ()) -> Json:
        """Schema ``charge``. What a failed or cancelled refund took counts as not refunded again.

        Its ``refunds``, where they are expanded, are the ten newest ones (https://docs.stripe.com/api/refunds/list).
        """
        captured = payment.status == "succeeded"
        refunds = [self.refund(refund) for refund in reversed(payment.refunds)] if "refunds" in expanded else []
        body = {
            "id": charge_of(payment),
            "object": "charge",
            "amount": to_wire(payment.amount),
            "amount_captured": to_wire(payment.amount) if captured else 0,
            "amount_refunded": to_wire(payment.refunded),
            "balance_transaction": None,
            "billing_details": {"address": None, "email": None, "name": None, "phone": None},
            "captured": captured,
            "created": _written(payment.made_at),
            "currency": payment.amount.currency.lower(),
            "customer": None,
            "description": None,
            "disputed": bool(disputes_of(payment)),
            "livemode": self.mode is Mode.LIVE,
            "metadata": {},
            "paid": captured,
            "payment_intent": intent_of(payment),
            "payment_method_details": {"type": payment.method},
            "refunded": captured and payment.refunded == payment.amount,
            "status": {"succeeded": "succeeded", "canceled": "failed"}.get(payment.status, "pending"),
        }
        if "refunds" in expanded:
            body["refunds"] = page(refunds, f"/v1/charges/{charge_of(payment)}/refunds")
        return body

    def intent(self, payment: SandboxPayment, expanded: Collection[str] = ()) -> Json:
        """Schema ``payment_intent``."""
        paid = payment.status == "succeeded"
        charged = paid or payment.status in ("requires_capture", "processing")
        charge: Json | str = charge_of(payment)
        if "latest_charge" in expanded:
            charge = self.charge(payment, _within("latest_charge", expanded))
        amount = to_wire(payment.amount)
        return {
            "id": payment.id,
            "object": "payment_intent",
            "amount": amount,
            "amount_capturable": amount if payment.status == "requires_capture" else 0,
            "amount_received": amount if paid else 0,
            "capture_method": "manual" if payment.status == "requires_capture" else "automatic_async",
            "confirmation_method": "automatic",
            "created": _written(payment.made_at),
            "currency": payment.amount.currency.lower(),
            "latest_charge": charge if charged else None,
            "livemode": self.mode is Mode.LIVE,
            "metadata": {},
            "payment_method_types": [payment.method],
            "status": payment.status,
        }

    def session(self, reference: str, payment: SandboxPayment | None, now: int, expanded: Collection[str] = ()) -> Json:
        """Schema ``checkout.session``, paid if it has a payment; ``now`` in unix seconds."""
        created = _written(payment.made_at) if payment else now
        intent: Json | str | None = intent_of(payment) if payment else None
        if payment and "payment_intent" in expanded:
            intent = self.intent(payment, _within("payment_intent", expanded))
        return {
            "id": reference,
            "object": "checkout.session",
            "automatic_tax": {"enabled": False, "liability": None, "status": None},
            "created": created,
            "custom_fields": [],
            "custom_text": {
                "after_submit": None,
                "shipping_address": None,
                "submit": None,
                "terms_of_service_acceptance": None,
            },
            "expires_at": created + 24 * 60 * 60,
            "livemode": self.mode is Mode.LIVE,
            "mode": "payment",
            "payment_intent": intent,
            "payment_method_types": ["card"],
            "payment_status": "paid" if payment else "unpaid",
            "shipping_options": [],
            "status": "complete" if payment else "open",
        }

    def dispute(self, dispute: SandboxDispute) -> Json:
        """Schema ``dispute``, with what was withdrawn and reinstated by it ("zero, one, or two" of these)."""
        moved = [(one.made_at, -1) for one in dispute.withdrawals]
        moved += [(one.reversed_at, 1) for one in dispute.withdrawals if one.reversed_at is not None]
        return {
            "id": dispute.id,
            "object": "dispute",
            "amount": to_wire(dispute.amount),
            "balance_transactions": [
                _moved(dispute, at, sign, number) for number, (at, sign) in enumerate(moved[:2], start=1)
            ],
            "charge": charge_of(dispute.payment),
            "created": _written(dispute.made_at),
            "currency": dispute.amount.currency.lower(),
            "evidence": {},
            "evidence_details": {"due_by": None, "has_evidence": False, "past_due": False, "submission_count": 0},
            "is_charge_refundable": dispute.refundable,
            "livemode": self.mode is Mode.LIVE,
            "metadata": {},
            "payment_intent": intent_of(dispute.payment),
            "reason": "general",
            "status": dispute.status,
        }

    def balance(self, balance: Sequence[Money]) -> Json:
        """Schema ``balance``: what there is of each currency."""
        return {
            "object": "balance",
            "available": [{"amount": to_wire(one), "currency": one.currency.lower()} for one in balance],
            "livemode": self.mode is Mode.LIVE,
            "pending": [],
        }


def _moved(dispute: SandboxDispute, at: datetime.datetime, sign: int, number: int) -> Json:
    """Schema ``balance_transaction``: a dispute's money is withdrawn, or reinstated."""
    amount = sign * to_wire(dispute.amount)
    return {
        "id": f"txn_{dispute.id.partition('_')[2]}{number}",
        "object": "balance_transaction",
        "amount": amount,
        "available_on": _written(at),
        "created": _written(at),
        "currency": dispute.amount.currency.lower(),
        "description": None,
        "exchange_rate": None,
        "fee": 0,
        "fee_details": [],
        "net": amount,
        "reporting_category": "dispute" if sign < 0 else "dispute_reversal",
        "source": None,
        "status": "available",
        "type": "adjustment",
    }


def page(found: Sequence[Json], url: str, *, limit: int = 10) -> Json:
    """The first page of a list; ``limit`` is how many there are on one."""
    return {"object": "list", "data": list(found[:limit]), "has_more": len(found) > limit, "url": url}


def with_outer(expanded: Collection[str]) -> set[str]:
    """What is expanded when these are: ``latest_charge.refunds`` expands ``latest_charge`` too."""
    parts = [name.split(".") for name in expanded]
    return {".".join(names[:depth]) for names in parts for depth in range(1, len(names) + 1)}


def _within(field: str, expanded: Collection[str]) -> set[str]:
    """What is expanded in an object that is expanded itself."""
    return {name.removeprefix(f"{field}.") for name in expanded if name.startswith(f"{field}.")}


def _written(time: datetime.datetime) -> int:
    return int(time.timestamp())
