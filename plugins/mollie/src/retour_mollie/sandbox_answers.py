"""How the sandbox of Mollie writes what it keeps: Mollie's JSON, its links and its errors."""

from __future__ import annotations

import datetime
import hashlib
from collections.abc import Collection, Sequence
from typing import Any
from urllib.parse import urlencode

import attrs

from retour.providers import Mode, Money
from retour.sandbox import SandboxChargeBack, SandboxPayment, SandboxRefund
from retour_mollie import wire

HAL = "application/hal+json"
_PROFILE = "pfl_QkEhN94Ba"
_ORGANIZATION = "org_12345678"
_DASHBOARD = f"https://www.mollie.com/dashboard/{_ORGANIZATION}"
_DOCUMENTATION = "https://docs.mollie.com/reference"
_WITHOUT_REFUNDS = frozenset({"paysafecard", "giftcard", "voucher"})
"""Methods of which nothing can be refunded (https://docs.mollie.com/docs/refunds)."""

_TITLES = {
    400: "Bad Request",
    401: "Unauthorized Request",
    404: "Not Found",
    409: "Conflict",
    422: "Unprocessable Entity",
    429: "Too Many Requests",
    500: "Internal Server Error",
    503: "Service Unavailable",
}

Json = dict[str, Any]


def is_refundable(payment: SandboxPayment) -> bool:
    """Whether anything of a payment can be refunded; else Mollie does not say what is left of it."""
    return payment.status == "paid" and payment.method not in _WITHOUT_REFUNDS


@attrs.frozen
class Answers:
    """Mollie's answers, of a sandbox at ``url``."""

    url: str

    def payment(
        self,
        payment: SandboxPayment,
        shown: Sequence[SandboxRefund] = (),
        *,
        charged_back: Money | None = None,
        embed: Collection[str] = (),
    ) -> Json:
        """Schema ``payment-response``, with what was ``charged_back`` in all, if it is given, and in it what it is to
        ``embed``: the ``refunds`` that are ``shown``, and the ``chargebacks``."""
        links = {
            "self": self._link(f"payments/{payment.id}"),
            "dashboard": _page(f"{_DASHBOARD}/payments/{payment.id}"),
            "documentation": _documentation("get-payment"),
        }
        if payment.refunds:
            links["refunds"] = self._link(f"payments/{payment.id}/refunds")
        if payment.charge_backs:
            links["chargebacks"] = self._link(f"payments/{payment.id}/chargebacks")
        answer: Json = {
            "resource": "payment",
            "id": payment.id,
            "mode": payment.mode.value,
            "createdAt": _written(payment.made_at),
            "amount": wire.amount_of(payment.amount),
            **payment.said,
            "method": payment.method,
            "metadata": None,
            "status": payment.status,
            "profileId": _PROFILE,
            "sequenceType": "oneoff",
            "_links": links,
        }
        if payment.status == "paid":
            answer["paidAt"] = _written(payment.made_at)
        if is_refundable(payment):
            answer["amountRefunded"] = wire.amount_of(payment.refunded)
            answer["amountRemaining"] = wire.amount_of(payment.left)
        if charged_back:
            answer["amountChargedBack"] = wire.amount_of(charged_back)
        embedded: Json = {}
        if "refunds" in embed:
            embedded["refunds"] = [self.refund(refund, in_list=True) for refund in shown]
        if "chargebacks" in embed:
            embedded["chargebacks"] = [self.chargeback(payment, one) for one in payment.charge_backs]
        return answer | ({"_embedded": embedded} if embedded else {})

    def chargeback(self, payment: SandboxPayment, charge_back: SandboxChargeBack) -> Json:
        """Schema ``list-entity-chargeback``."""
        return {
            "resource": "chargeback",
            "id": charge_back.id,
            "amount": wire.amount_of(charge_back.amount),
            "paymentId": payment.id,
            "createdAt": _written(charge_back.made_at),
            "reversedAt": charge_back.reversed_at and _written(charge_back.reversed_at),
            "_links": {
                "self": self._link(f"payments/{payment.id}/chargebacks/{charge_back.id}"),
                "payment": self._link(f"payments/{payment.id}"),
            },
        }

    def chargebacks(self, payment: SandboxPayment, *, first: int, limit: int) -> Json:
        """A page of so many of the chargebacks of a payment, from the ``first`` on."""
        shown = payment.charge_backs[first : first + limit]
        ids = [one.id for one in payment.charge_backs]
        return {
            "count": len(shown),
            "_embedded": {"chargebacks": [self.chargeback(payment, one) for one in shown]},
            "_links": self._links_of_page(f"payments/{payment.id}/chargebacks", ids, first, limit, "list-chargebacks"),
        }

    def _links_of_page(self, here: str, ids: Sequence[str], first: int, limit: int, documentation: str) -> Json:
        """The links of a page of a list, from the ``first`` on."""

        def page_from(number: int) -> Json:
            return self._link(here, **{"from": ids[number], "limit": str(limit)})

        return {
            "self": page_from(first) if first else self._link(here, limit=str(limit)),
            "previous": page_from(max(0, first - limit)) if first else None,
            "next": page_from(first + limit) if first + limit < len(ids) else None,
            "documentation": _documentation(documentation),
        }

    def refund(self, refund: SandboxRefund, *, in_list: bool = False) -> Json:
        """Schema ``entity-refund-response``."""
        payment = refund.payment
        links = {
            "self": self._link(f"payments/{payment.id}/refunds/{refund.id}"),
            "payment": self._link(f"payments/{payment.id}"),
        }
        if not in_list:
            links["documentation"] = _documentation("get-refund")
        return {
            "resource": "refund",
            "id": refund.id,
            "mode": payment.mode.value,
            "description": refund.said["description"],
            "amount": wire.amount_of(refund.amount),
            "metadata": refund.said["metadata"],
            "paymentId": payment.id,
            "status": refund.status,
            "createdAt": _written(refund.made_at),
            "_links": links,
        }

    def refunds(self, payment: SandboxPayment, shown: Sequence[SandboxRefund], *, first: int, limit: int) -> Json:
        """A page of so many of the refunds that are ``shown``, from the ``first`` on."""
        on_it = shown[first : first + limit]
        ids = [refund.id for refund in shown]
        return {
            "count": len(on_it),
            "_embedded": {"refunds": [self.refund(refund, in_list=True) for refund in on_it]},
            "_links": self._links_of_page(f"payments/{payment.id}/refunds", ids, first, limit, "list-refunds"),
        }

    def event(self, refund: SandboxRefund, at: datetime.datetime) -> Json:
        """A next-gen event; the same status of the same refund is the same event."""
        told = hashlib.sha256(f"{refund.id} {refund.status}".encode()).hexdigest()[:21]
        return {
            "resource": "event",
            "id": f"event_{told}",
            "type": f"refund.{refund.status}",
            "entityId": refund.id,
            "createdAt": _written(at),
            "_embedded": {"entity": self.refund(refund)},
            "_links": {
                "self": self._link(f"events/event_{told}"),
                "documentation": _documentation("get-webhook-event"),
                "entity": self._link(f"payments/{refund.payment.id}/refunds/{refund.id}"),
            },
        }

    def order(self, reference: str, mode: Mode, payments: Sequence[SandboxPayment], *, embed: str) -> Json:
        """An order as it was documented (source/reference/v2/orders-api/get-order.rst), as far as it is asked for."""
        answer: Json = {
            "resource": "order",
            "id": reference,
            "profileId": _PROFILE,
            "mode": mode.value,
            "_links": {"self": self._link(f"orders/{reference}")},
        }
        if embed == "payments":
            answer["_embedded"] = {"payments": [self.payment(payment) for payment in payments]}
        return answer

    def profile(self, mode: Mode) -> Json:
        """The website profile that a key is of."""
        return {
            "resource": "profile",
            "id": _PROFILE,
            "mode": mode.value,
            "name": "Teapots and Cups",
            "website": "https://webshop.example.org",
            "email": "shop@example.org",
            "phone": "+31208202070",
            "businessCategory": "OTHER_MERCHANDISE",
            "status": "verified",
            "createdAt": "2023-03-20T09:13:37+00:00",
            "_links": {
                "self": self._link("profiles/me"),
                "dashboard": _page(f"{_DASHBOARD}/settings/profiles/{_PROFILE}"),
                "documentation": _documentation("get-current-profile"),
            },
        }

    def organization(self) -> Json:
        """The organisation that a token is of."""
        return {
            "resource": "organization",
            "id": _ORGANIZATION,
            "name": "Teapots and Cups",
            "email": "shop@example.org",
            "locale": "nl_NL",
            "_links": {
                "self": self._link("organizations/me"),
                "dashboard": _page(f"{_DASHBOARD}/"),
                "documentation": _documentation("get-current-organization"),
            },
        }

    def _link(self, path: str, **query: str) -> Json:
        return {"href": f"{self.url}/v2/{path}" + (f"?{urlencode(query)}" if query else ""), "type": HAL}


def error(status: int, detail: str, field: str = "") -> Json:
    """An error in Mollie's shape (schema ``error-response``)."""
    said: Json = {"status": status, "title": _TITLES[status], "detail": detail}
    if field:
        said["field"] = field
    return said | {"_links": {"documentation": _page("https://docs.mollie.com/overview/handling-errors")}}


def _page(address: str) -> Json:
    return {"href": address, "type": "text/html"}


def _documentation(page: str) -> Json:
    return _page(f"{_DOCUMENTATION}/{page}")


def _written(time: datetime.datetime) -> str:
    return time.isoformat(timespec="seconds")
