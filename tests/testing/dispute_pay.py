"""Dispute Pay: Acme Pay where the customer's bank can take a payment back."""

from __future__ import annotations

import json

import attrs
from acme_pay import SIGNATURE, AcmePay, AcmePaySandbox, WireAmount

from retour.providers import (
    Money,
    Payment,
    RawWebhook,
    Refundable,
    ToFetch,
    VerifiedEvents,
    check_signed,
    read_json,
    read_wire,
)
from retour.sandbox import Refused, SandboxRequest, SandboxResponse, SandboxWebhook


@attrs.frozen(kw_only=True)
class WireCharged:
    """As much of a payment as says whether a bank ever took of it."""

    id: str
    disputed: bool


@attrs.frozen(kw_only=True)
class WireChargeBack:
    payment: str
    amount: WireAmount
    given_back: bool


@attrs.frozen(kw_only=True)
class WireChargeBacks:
    charge_backs: list[WireChargeBack]


@attrs.frozen(kw_only=True)
class WireHint:
    charged_back: str


class DisputePay(AcmePay):
    """What is disputed is said by the payment, for ever; what the bank has of it by its charge-backs."""

    def refundable(self, payment: Payment) -> Refundable:
        found = super().refundable(payment)
        taken = self._taken(payment)
        remaining = max(found.remaining - taken, Money.zero(taken.currency))
        reason = "" if remaining else found.reason or "the bank has it"
        return attrs.evolve(
            found,
            captured=payment.captured,
            charged_back=taken,
            remaining=remaining,
            possible=not reason,
            reason=reason,
        )

    def _taken(self, payment: Payment) -> Money:
        """What the bank has."""
        taken = Money.zero(payment.captured.currency)
        charged = self._read(WireCharged, self._path(payment.reference))
        self._about("payment", asked=payment.reference, found=charged.id)
        if not charged.disputed:
            return taken
        for one in self._charge_backs(payment):
            self._about("payment", asked=payment.reference, found=one.payment)
            taken += self._counted(one)
        return taken

    def _charge_backs(self, payment: Payment) -> list[WireChargeBack]:
        return self._read(WireChargeBacks, f"{self._path(payment.reference)}/charge_backs").charge_backs

    def _counted(self, charge_back: WireChargeBack) -> Money:
        amount = charge_back.amount.money
        return Money.zero(amount.currency) if charge_back.given_back else amount

    def parse_webhook(self, webhook: RawWebhook) -> VerifiedEvents | ToFetch:
        body = read_json(webhook.body)
        if not (isinstance(body, dict) and "charged_back" in body):
            return super().parse_webhook(webhook)
        given = webhook.headers.get(SIGNATURE.lower(), "")
        check_signed(self._signed(webhook.body), [given], self._secrets(), setting="webhook_secret")
        return ToFetch(targets=(read_wire(WireHint, body).charged_back,))


class DisputePaySandbox(AcmePaySandbox):
    """Dispute Pay on loopback."""

    def charge_back(self, reference: str, amount: Money | None = None) -> str:
        with self.lock:
            made = self.ledger.charge_back(self.stored(reference), amount, reference=self.new_id("cb"))
            self._tell_of(reference)
            return made.id

    def give_back(self, reference: str) -> None:
        with self.lock:
            self.ledger.give_back(self.stored(reference))
            self._tell_of(reference)

    def _tell_of(self, reference: str) -> None:
        body = json.dumps({"charged_back": reference}).encode()
        self.untaken.append(SandboxWebhook(headers={SIGNATURE: self._signed(body)}, body=body))

    def handle(self, request: SandboxRequest) -> SandboxResponse:
        try:
            answer = super().handle(request)
        except Refused as refused:
            answer = refused.answer
        match request.method, request.path.strip("/").split("/"):
            case "GET", ["payments", payment] if answer.status == 200:
                disputed = bool(self.ledger.payments[payment].charge_backs)
                return attrs.evolve(answer, body={**answer.body, "disputed": disputed})
            case "GET", ["payments", payment, "charge_backs"] if payment in self.ledger.payments:
                return SandboxResponse(status=200, body={"charge_backs": self._charge_backs(payment)})
        return answer

    def _charge_backs(self, payment: str) -> list[object]:
        return [
            {
                "payment": payment,
                "amount": {"value": str(one.amount.decimal), "currency": one.amount.currency},
                "given_back": one.reversed_at is not None,
            }
            for one in self.ledger.payments[payment].charge_backs
        ]
