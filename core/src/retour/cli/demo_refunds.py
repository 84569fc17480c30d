"""How the demo gives money back: through the providers' sandboxes, by API, in their dashboards, or from the bank."""

from __future__ import annotations

import datetime
from enum import Enum
from typing import Protocol
from uuid import uuid4

import attrs

from retour.cli.demo_cases import Press
from retour.cli.demo_providers import Providers
from retour.cli.words import text
from retour.desk import ReturnDesk
from retour.model.actor import Actor
from retour.model.destinations import Consent, ConsentWay
from retour.model.dossier import Dossier
from retour.model.order import BankAccount, Order, Payment
from retour.model.refunds import Refund, RefundOption, RefundSource, RefundState
from retour.model.text import Text
from retour.sandbox import BookkeepingSandbox, ChargesBack, Fault, PaymentSandbox

MERCHANT = Actor.staff("anna")
"""Who does the merchant's work in the demo."""

NEW_ACCOUNT = BankAccount(name="Klant Voorbeeld", iban="NL91ABNA0417164300")
"""Where a customer of the demo wants his money who closed the account that he paid from."""

DAYS = datetime.timedelta(days=2)
"""After these every refund of a sandbox that can arrive has arrived."""


class How(Enum):
    """How money goes back."""

    API = "api"
    LINK = "link"
    TRANSFER = "transfer"
    BY_HAND = "by hand"


class KnownFrom(Enum):
    """From where the merchant knows what became of a refund."""

    ANSWER = "answer"
    LOST = "lost"
    WEBHOOK = "webhook"
    RECONCILED = "reconciled"
    LATER = "later"
    SENT_BACK = "sent back"
    BANK = "bank"
    PERSON = "person"


class RefundWatch(Protocol):
    """Somebody who looks on while money goes back."""

    def refund(self, option: RefundOption, how: How) -> None:
        """The merchant sees what is suggested, and how it goes back."""

    def charged_back(self, option: RefundOption) -> None:
        """The customer's bank took money of the payment back, and this is what can go back now."""

    def agreed(self, option: RefundOption, to: BankAccount) -> None:
        """The customer agreed to get the money on this bank account."""

    def refund_is(self, option: RefundOption, refund: Refund, known_from: KnownFrom) -> None:
        """What became of it, and who said so."""


def _by_the_bank(refund: Refund) -> bool:
    """Whether a refund is in no provider's books: it went by bank transfer in place of another way."""
    return refund.source is RefundSource.TRANSFER


def _there(refund: Refund) -> str:
    """What a provider calls the state of a refund: one that came back has failed."""
    return (RefundState.FAILED if refund.state is RefundState.REVERSED else refund.state).value


def _pass_days(sandbox: PaymentSandbox, refund: Refund) -> None:
    """Let a refund go as far as it goes by itself: for it alone, where its sandbox can do that, so that the orders of a
    large file do not come years after one another."""
    if isinstance(sandbox, BookkeepingSandbox):
        sandbox.hasten(refund.reference)
    else:
        sandbox.advance(DAYS)


@attrs.define(kw_only=True)
class Merchant:
    """Refunds for one order what the desk suggests. ``made`` are the refunds' ids, ``ways`` how they were made."""

    desk: ReturnDesk
    order: Order
    providers: Providers
    press: Press
    watch: RefundWatch | None
    made: list[str] = attrs.field(factory=list)
    ways: set[How] = attrs.field(factory=set)

    def refund(self, option: RefundOption) -> None:
        """Give the suggested amount of one payment back, in the way that the case shows and the payment allows."""
        sandbox = self.providers.at(option.payment)
        if sandbox is None:
            self._by_hand(option)
        elif option.payment.provider == "manual_transfer":
            self._by_transfer(option, sandbox)
        elif self.press is Press.LINK:
            self._by_link(option, sandbox)
        elif self.press is Press.CHARGED_BACK and isinstance(sandbox, ChargesBack):
            self._not_once_more(option, sandbox)
        elif self.press is Press.SENT_BACK:
            self._by_transfer_instead(option, self._by_api(option, sandbox), sandbox)
        else:
            self._by_api(option, sandbox)

    def _by_api(self, option: RefundOption, sandbox: PaymentSandbox) -> Refund:
        self._shown(option, How.API)
        if self.press is Press.ANSWER_LOST:
            sandbox.server.faults.append(Fault.CUT_AFTER)
        outcome = self.desk.refund(
            self.order.id, option.payment.id, option.suggested, by=MERCHANT, request_id=uuid4().hex
        )
        refund = self._made(outcome.refund)
        self._seen(option, refund, KnownFrom.LOST if refund.state is RefundState.UNKNOWN else KnownFrom.ANSWER)
        return self._until_settled(option, refund, sandbox)

    def _not_once_more(self, option: RefundOption, sandbox: ChargesBack) -> None:
        """The customer had his bank take the money back before the goods came: it is not paid to him twice."""
        sandbox.charge_back(option.payment.reference)
        self.providers.deliver(self.desk, option.payment)
        self.desk.reconcile(self.order.id)
        if self.watch is not None:
            self.watch.charged_back(self._option(option.payment))

    def _by_transfer_instead(self, option: RefundOption, refund: Refund, sandbox: PaymentSandbox) -> None:
        """The bank sends the refund back, and the customer agrees to get the money on another account."""
        sandbox.fail(refund.reference)
        self.providers.deliver(self.desk, option.payment)
        self.desk.reconcile(self.order.id)
        self._seen(option, self.desk.dossier(self.order.id).refund(refund.id), KnownFrom.SENT_BACK)
        self.ways.clear()  # nothing went back that way
        self._shown(self._option(option.payment), How.TRANSFER)
        if self.watch is not None:
            self.watch.agreed(option, NEW_ACCOUNT)
        outcome = self.desk.refund(
            self.order.id,
            option.payment.id,
            option.suggested,
            to=NEW_ACCOUNT,
            consent=Consent(how=ConsentWay.PHONE),
            instead_of=refund.id,
            by=MERCHANT,
            request_id=uuid4().hex,
        )
        confirmed = self.desk.confirm_refund(
            self.order.id,
            option.payment.id,
            option.suggested,
            reference="DEMO-1",
            by=MERCHANT,
            request_id=uuid4().hex,
            refund_id=self._made(outcome.refund).id,
        )
        self._seen(option, confirmed.refund, KnownFrom.BANK)

    def _option(self, payment: Payment) -> RefundOption:
        """What is offered for a payment now."""
        return next(one for one in self.desk.refund_options(self.order.id) if one.payment.id == payment.id)

    def _by_link(self, option: RefundOption, sandbox: PaymentSandbox) -> None:
        """The link is opened, the money goes back in the dashboard, and retour finds it there by itself."""
        outcome = self.desk.open_refund_link(
            self.order.id, option.payment.id, option.suggested, by=MERCHANT, request_id=uuid4().hex
        )
        self._shown(option, How.LINK)
        sandbox.refund_in_dashboard(option.payment.reference, option.suggested)
        self._until_settled(option, self._made(outcome.refund), sandbox)

    def _by_transfer(self, option: RefundOption, sandbox: PaymentSandbox) -> None:
        """The refund waits for the merchant, who transfers it and confirms it by what the bank calls the transfer."""
        outcome = self.desk.refund(
            self.order.id, option.payment.id, option.suggested, by=MERCHANT, request_id=uuid4().hex
        )
        self._shown(option, How.TRANSFER)
        number = sandbox.refund_in_dashboard(option.payment.reference, option.suggested)
        confirmed = self.desk.confirm_refund(
            self.order.id,
            option.payment.id,
            option.suggested,
            reference=number,
            by=MERCHANT,
            request_id=uuid4().hex,
            refund_id=self._made(outcome.refund).id,
        )
        self._seen(option, confirmed.refund, KnownFrom.BANK)

    def _by_hand(self, option: RefundOption) -> None:
        """No sandbox knows the payment: the merchant says that he refunded it, under a reference that is made up."""
        self._shown(option, How.BY_HAND)
        confirmed = self.desk.confirm_refund(
            self.order.id,
            option.payment.id,
            option.suggested,
            reference=f"DEMO-{len(self.desk.dossier(self.order.id).refunds) + 1}",
            by=MERCHANT,
            request_id=uuid4().hex,
        )
        self._seen(option, self._made(confirmed.refund), KnownFrom.PERSON)

    def _until_settled(self, option: RefundOption, refund: Refund, sandbox: PaymentSandbox) -> Refund:
        """What the provider reports by webhook, what a look at it finds that no webhook told, and what some days bring
        to a refund on its way. Gives it as it is then: of one that has arrived nothing more is heard."""
        refund = self._told(option, refund, KnownFrom.WEBHOOK)
        if refund.state is RefundState.AWAITING_MERCHANT:
            self.desk.reconcile(self.order.id)
            refund = self._told(option, refund, KnownFrom.RECONCILED)
        if refund.state is RefundState.PENDING:
            _pass_days(sandbox, refund)
            refund = self._told(option, refund, KnownFrom.LATER)
        if refund.state is not RefundState.SUCCEEDED:  # no days passed for the desk: a second hint waits
            self.desk.reconcile(self.order.id)
            refund = self._told(option, refund, KnownFrom.LATER)
        return refund

    def _told(self, option: RefundOption, refund: Refund, known_from: KnownFrom) -> Refund:
        """The refund when the webhooks of its provider have come."""
        self.providers.deliver(self.desk, option.payment)
        now = self.desk.dossier(self.order.id).refund(refund.id)
        if now.state is not refund.state:
            self._seen(option, now, known_from)
        return now

    def _shown(self, option: RefundOption, how: How) -> None:
        self.ways.add(how)
        if self.watch is not None:
            self.watch.refund(option, how)

    def _seen(self, option: RefundOption, refund: Refund | None, known_from: KnownFrom) -> None:
        if self.watch is not None and refund is not None:
            self.watch.refund_is(option, refund, known_from)

    def _made(self, refund: Refund | None) -> Refund:
        assert refund is not None  # noqa: S101 - for the type checker: the command was about a refund
        self.made.append(refund.id)
        return refund

    # --- afterwards ----------------------------------------------------------------------------------

    def in_doubt(self, dossier: Dossier) -> Text | None:
        """Where our refunds and the providers' own books differ; None where they agree, to the cent."""
        refunds = dossier.refunds
        for payment in self.order.payments:
            sandbox = self.providers.at(payment)
            if sandbox is None:
                continue
            mine = [refunds[one] for one in self.made if refunds[one].payment == payment.id]
            ours = sorted((one.reference, one.amount.minor, _there(one)) for one in mine if not _by_the_bank(one))
            theirs = sorted(
                (one.reference, one.amount.minor, one.status.value) for one in sandbox.books(payment.reference)
            )
            if ours != theirs:
                return text("{provider}'s books differ; look at its history", provider=payment.provider)
        return None
