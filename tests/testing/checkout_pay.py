"""Checkout Pay: Acme Pay where each payment went through a checkout, so that it has two names."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import partial

import attrs
from acme_pay import AcmePay, AcmePaySandbox

from retour.providers import Money, Payment, Refundable, Support, segment, unless_unknown
from retour.sandbox import Refused, SandboxRequest, SandboxResponse

CHECKOUT_ID = re.compile("co_[0-9]+")


@attrs.frozen(kw_only=True)
class WireCheckout:
    id: str
    payment: str


@attrs.frozen(kw_only=True)
class WirePaid:
    """As much of a payment as says how it was paid."""

    id: str
    checkout: str


class CheckoutPay(AcmePay):
    """A checkout (``co_…``) is refunded on its payment (``ap_…``)."""

    capabilities = attrs.evolve(AcmePay.capabilities, payment_names=Support.YES)

    def refundable(self, payment: Payment) -> Refundable:
        return super().refundable(attrs.evolve(payment, reference=self._payment(payment.reference)))

    def payment_names(self, name: str) -> Sequence[str]:
        return unless_unknown(partial(self._names, name.strip())) or ()

    def _names(self, name: str) -> Sequence[str]:
        if name.startswith("co_"):
            return [self._payment(name), name]
        found = self._read(WirePaid, self._path(name))
        self._about("payment", asked=name, found=found.id)
        return [found.id, found.checkout]

    def _payment(self, reference: str) -> str:
        """The payment of a checkout; what is none is the payment itself."""
        if not reference.startswith("co_"):
            return reference
        found = self._read(WireCheckout, f"checkouts/{segment(reference, CHECKOUT_ID, what='checkout of Acme Pay')}")
        self._about("checkout", asked=reference, found=found.id)
        return found.payment


class CheckoutPaySandbox(AcmePaySandbox):
    """Checkout Pay on loopback; the shop stores the payment."""

    def pay(self, amount: Money, *, reference: str = "") -> str:
        with self.lock:
            paid = super().pay(amount, reference=reference)
            self.ledger.orders[self.new_id("co")] = [self.ledger.payments[paid]]
            return paid

    def names(self, reference: str) -> Sequence[str]:
        with self.lock:
            return self.ledger.names(self.stored(reference))

    def handle(self, request: SandboxRequest) -> SandboxResponse:
        try:
            answer = super().handle(request)
        except Refused as refused:
            answer = refused.answer
        match request.method, request.path.strip("/").split("/"):
            case "GET", ["payments", payment] if answer.status == 200:
                checkout = self.ledger.names(self.ledger.payments[payment])[-1]
                return attrs.evolve(answer, body={**answer.body, "checkout": checkout})
            case "GET", ["checkouts", checkout] if answer.status == 404 and checkout in self.ledger.orders:
                [paid] = self.ledger.orders[checkout]
                return SandboxResponse(status=200, body={"id": checkout, "payment": paid.id})
        return answer
