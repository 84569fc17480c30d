"""How the sandbox of PayPal writes what it keeps: the JSON of Payments v2 and Orders v2."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from typing import Any

import attrs

from retour.providers import Money
from retour.sandbox import SandboxPayment, SandboxRefund
from retour_paypal.wire import write_money

Json = dict[str, Any]


@attrs.frozen
class Answers:
    """PayPal's objects, of a sandbox at ``url``."""

    url: str

    def capture(self, capture: SandboxPayment, *, in_order: bool) -> Json:
        """Schema ``capture``; inside an order it does not say which that is."""
        address = f"{self.url}/v2/payments/captures/{capture.id}"
        links = [
            {"href": address, "rel": "self", "method": "GET"},
            {"href": f"{address}/refund", "rel": "refund", "method": "POST"},
        ]
        body: Json = {
            "id": capture.id,
            "status": _status(capture),
            "amount": write_money(capture.amount),
            "final_capture": True,
            "create_time": written(capture.made_at),
            "update_time": written(capture.made_at),
            "links": links,
        }
        if reason := _reason(capture):
            body["status_details"] = {"reason": reason}
        if capture.said["names_order"]:
            order = capture.said["order"]
            links.append({"href": f"{self.url}/v2/checkout/orders/{order}", "rel": "up", "method": "GET"})
            if not in_order:
                body["supplementary_data"] = {"related_ids": {"order_id": order}}
        return body

    def refund(self, refund: SandboxRefund) -> Json:
        """Schema ``refund``."""
        address = f"{self.url}/v2/payments/refunds/{refund.id}"
        body: Json = {
            "id": refund.id,
            "status": refund.status,
            "amount": write_money(refund.amount),
            **refund.said,
            "seller_payable_breakdown": {
                "gross_amount": write_money(refund.amount),
                "paypal_fee": write_money(Money.zero(refund.amount.currency)),
                "net_amount": write_money(refund.amount),
                "total_refunded_amount": write_money(_refunded_until(refund)),
            },
            "create_time": written(refund.made_at),
            "update_time": written(refund.changed_at),
            "links": [
                {"href": address, "rel": "self", "method": "GET"},
                {"href": f"{self.url}/v2/payments/captures/{refund.payment.id}", "rel": "up", "method": "GET"},
            ],
        }
        if refund.status == "PENDING":
            body["status_details"] = {"reason": "ECHECK"}
        return body

    def order(self, order: str, captures: Sequence[SandboxPayment], *, brief: bool) -> Json:
        """Schema ``order``; a ``brief`` one names its refunds and says no more of them."""
        refunds = [self.refund(refund) for capture in captures for refund in capture.refunds]
        if brief:
            refunds = [{name: refund[name] for name in ("id", "status", "links")} for refund in refunds]
        paid = Money(minor=sum(capture.amount.minor for capture in captures), currency=captures[0].amount.currency)
        payments: Json = {"captures": [self.capture(capture, in_order=True) for capture in captures]}
        if refunds:
            payments["refunds"] = refunds
        return {
            "id": order,
            "intent": "CAPTURE",
            "status": "COMPLETED",
            "purchase_units": [{"reference_id": "default", "amount": write_money(paid), "payments": payments}],
            "create_time": written(captures[0].made_at),
            "update_time": written(captures[-1].made_at),
            "links": [{"href": f"{self.url}/v2/checkout/orders/{order}", "rel": "self", "method": "GET"}],
        }


def _reason(capture: SandboxPayment) -> str:
    """Why a capture is as it is, if there is a reason (schema ``capture_status_details``)."""
    if capture.charged_back:
        return "CHARGEBACK"
    if capture.said.get("disputed"):
        return "BUYER_COMPLAINT"
    return "ECHECK" if capture.status == "PENDING" else ""


def _status(capture: SandboxPayment) -> str:
    """The status of a capture, refunds and an open dispute included."""
    if as_disputed := capture.said.get("called"):
        return str(as_disputed)
    if capture.status != "COMPLETED" or not capture.refunded:
        return capture.status
    return "PARTIALLY_REFUNDED" if capture.refunded < capture.amount else "REFUNDED"


def _refunded_until(refund: SandboxRefund) -> Money:
    """What is refunded of the capture with this refund and those before it."""
    refunds = refund.payment.refunds
    until = refunds[: refunds.index(refund) + 1]
    return sum((one.amount for one in until if one.counts), Money.zero(refund.amount.currency))


def written(time: datetime.datetime) -> str:
    """A time as PayPal writes it."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ")
