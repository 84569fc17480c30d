"""A payment provider on loopback but for its own words: every handle of `PaymentSandbox`, over a ledger and a server.

What is left to a provider's own sandbox is what its documentation says: paths and fields, words, refusals, webhooks.
"""

from __future__ import annotations

import datetime
import re
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from typing import Any, ClassVar

import attrs

from retour.model.money import Money
from retour.model.refunds import Reported
from retour.model.text import Text, text
from retour.sandbox.dashboard_contract import DashboardAction, DashboardTable, Words
from retour.sandbox.ledger import Ledger, SandboxPayment, SandboxRefund
from retour.sandbox.lifecycle import Lifecycle
from retour.sandbox.loopback_sandbox import LoopbackSandbox
from retour.sandbox.movable_clock import SandboxClock
from retour.sandbox.not_possible import NotPossible
from retour.sandbox.payment_dashboard import PAYMENT_ACTIONS, PAYMENT_TABLES, standing
from retour.sandbox.payments import BookedRefund, SandboxWebhook


class BookkeepingSandbox(LoopbackSandbox):
    """A provider from ``with`` until its end, at ``url``. Its class says the rest:

    - ``provider`` and ``lifecycle``: its name, and how its refunds go on by themselves;
    - ``payment_ids`` and ``refund_ids``: how its ids begin, before ``id_digits``;
    - ``references``, a regular expression, and ``references_are``, a sentence about how they begin: what a shop can
      have stored, if that is not only such an id;
    - ``currencies`` and ``smallest_steps``: the amounts that can be paid there, if those are not all of them;
    - `LoopbackSandbox.settings`, and ``handle``, which answers a request or raises `Refused`;
    - ``tell``, if it has webhooks, and ``sign``, if they are signed only when they are sent;
    - ``dashboard_actions``, if people can do more at the provider than with these books, and ``dashboard_tables``.

    ``ledger`` are its books. ``handle`` and ``tell`` are called with the ``lock`` held and the books brought up to now;
    whatever else a sandbox adds takes the lock itself.
    """

    lifecycle: ClassVar[Lifecycle]
    """How its refunds go on by themselves."""

    payment_ids: ClassVar[str] = "pay"
    """How the ids of payments begin."""

    refund_ids: ClassVar[str] = "re"
    """How the ids of refunds begin."""

    id_digits: ClassVar[int] = 8
    """How many digits stand behind that."""

    references: ClassVar[str] = ""
    references_are: ClassVar[Words] = ""
    currencies: ClassVar[Collection[str]] = frozenset()
    """The currencies (ISO 4217) that the provider has; every one where none is named."""

    smallest_steps: ClassVar[Mapping[str, int]] = {}
    """Minor units of the smallest step in which amounts of a currency go there, where that is not one of them:
    ``{"HUF": 100}`` of a provider that takes whole forints only."""

    said_in_dashboard: ClassVar[Mapping[str, Any]] = {}
    """What a refund says that a person makes in the dashboard."""

    dashboard_tables: ClassVar[Sequence[DashboardTable]] = PAYMENT_TABLES
    dashboard_actions: ClassVar[Sequence[DashboardAction]] = PAYMENT_ACTIONS

    def __init__(self, *, clock: SandboxClock | None = None, port: int = 0) -> None:
        super().__init__(clock=clock, port=port)
        self.ledger = Ledger(lifecycle=self.lifecycle, clock=self.clock, tell=self.tell, check_amount=self.check_amount)
        self._made: Counter[str] = Counter()

    # --- the provider's own ------------------------------------------------------------------------------

    def tell(self, refund: SandboxRefund) -> None:
        """A refund is new or has another status: put what the provider sends of it in ``untaken``."""

    def refund_id(self, refund: SandboxRefund) -> str:
        """Our id of a refund, if it carries it."""
        metadata = refund.said.get("metadata")
        return str(metadata.get("refund_id", "")) if isinstance(metadata, Mapping) else ""

    def refundable(self, payment: SandboxPayment) -> Money:
        """What a person can refund of a payment in the dashboard: what is left, if anything can be."""
        return payment.left

    def standing(self, payment: SandboxPayment) -> Text:
        """How a payment is, in the words that its dashboard shows."""
        return standing(payment)

    def new_id(self, prefix: str) -> str:
        """Another id that begins like this."""
        self._made[prefix] += 1
        made = f"{prefix}_{self._made[prefix]:0{self.id_digits}d}"
        return self.new_id(prefix) if self.ledger.knows(made) else made

    # --- the handles that every sandbox has --------------------------------------------------------------

    def pay(self, amount: Money, *, reference: str = "") -> str:
        """A customer pays; gives the reference that a shop stores."""
        with self.lock:
            self.check_new(reference)
            made = reference or self.new_id(self.payment_ids)
            return self.ledger.add(SandboxPayment(id=made, amount=amount, made_at=self.clock.now())).id

    def refund_in_dashboard(self, reference: str, amount: Money, **said: Any) -> str:
        """A person refunds in the provider's dashboard; gives the id of the refund. ``said`` are the provider's fields
        of a refund."""
        with self.lock:
            self.settle()
            payment = self.stored(reference)
            left = self.refundable(payment)
            if amount.currency != left.currency or not 0 < amount.minor <= left.minor:
                raise NotPossible(self._why_no_refund(payment, amount, left, reference))
            return self.make_refund(payment, amount, {**self.said_in_dashboard, **said}).id

    def cancel_in_dashboard(self, refund: str) -> None:
        """A person cancels a refund in the dashboard. Raises `ValueError` for one that is not there, and for one that
        can be cancelled no more."""
        with self.lock:
            self.settle()
            self.cancel(self.ledger.made(refund))

    def fail(self, refund: str) -> None:
        """The bank refuses a refund, or sends back one that had succeeded; the money is on the balance again."""
        with self.lock:
            self.settle()
            self.ledger.end(self.ledger.made(refund), Reported.FAILED, reason=self.lifecycle.refusal)

    def delay(self, refund: str, by: datetime.timedelta) -> None:
        """What comes next of a refund comes so much later. Raises `ValueError` for one that goes no further."""
        with self.lock:
            self.settle()
            self.ledger.delay(self.ledger.made(refund), by)

    def hasten(self, refund: str) -> None:
        """All that comes by itself of a refund comes at once, and it is no later anywhere. Raises `ValueError` for one
        that is not there."""
        with self.lock:
            self.settle()
            self.ledger.hasten(self.ledger.made(refund))

    def pay_out(self, currency: str) -> str:
        """The provider pays out all that is on the balance in a currency; gives the payout. Refunds that are made then
        find nothing there, until customers pay again. Raises `ValueError` where there is nothing to pay out."""
        with self.lock:
            self.settle()
            return self.ledger.pay_out(currency, reference=self.new_id("po")).id

    @property
    def held(self) -> bool:
        """Whether refunds stay as they are."""
        return self.ledger.held

    def hold(self) -> None:
        """From now on refunds stay as they are, however long it takes, and new ones are pending."""
        with self.lock:
            self.ledger.hold()

    def release(self) -> None:
        """What was held goes its way again."""
        with self.lock:
            self.ledger.release()

    def set_balance(self, balance: Money) -> None:
        """What the merchant has at the provider in one currency; without it there is always enough."""
        with self.lock:
            self.check_amount(balance)
            self.ledger.balance[balance.currency] = balance
            self.settle()

    def books(self, reference: str) -> Sequence[BookedRefund]:
        """The refunds of a payment, whatever became of them, the oldest first."""
        with self.lock:
            self.settle()
            return [
                BookedRefund(
                    reference=refund.id,
                    amount=refund.amount,
                    status=self.lifecycle.meaning(refund.status),
                    refund_id=self.refund_id(refund),
                )
                for refund in self.stored(reference).refunds
            ]

    # --- the steps ---------------------------------------------------------------------------------------

    def settle(self) -> None:
        """Let every refund go as far as it is due."""
        self.ledger.settle()

    def check_new(self, reference: str) -> None:
        """Raise `ValueError` for a reference that the provider does not give, or has given before."""
        shape = self.references or f"{self.payment_ids}_[0-9A-Za-z]+"
        if reference and not re.fullmatch(shape, reference):
            raise NotPossible(
                text(
                    "{reference} is no payment of {provider}. {shape}",
                    reference=reference,
                    provider=self.called,
                    shape=self.references_are or text("Its payments have the shape {shape}.", shape=shape),
                )
            )
        if self.ledger.knows(reference):
            raise NotPossible(text("{reference} is there already.", reference=reference))

    def takes(self, currency: str) -> bool:
        """Whether the provider has a currency at all: one of ``currencies``, if some are named."""
        return not self.currencies or currency in self.currencies

    def check_amount(self, amount: Money) -> None:
        """Raise `NotPossible` for an amount that the provider cannot have, since it has no words for it: in a currency
        that it does not take, or between two steps. Its books ask before anything comes into them."""
        if not self.takes(amount.currency):
            raise NotPossible(
                text("{provider} takes no payments in {currency}.", provider=self.called, currency=amount.currency)
            )
        step = self.smallest_steps.get(amount.currency, 1)
        if amount.minor % step:
            raise NotPossible(
                text(
                    "{amount} cannot be paid at {provider}: there, amounts in {currency} go in steps of {step}.",
                    amount=amount,
                    provider=self.called,
                    currency=amount.currency,
                    step=Money(minor=step, currency=amount.currency),
                )
            )

    def stored(self, reference: str) -> SandboxPayment:
        """The payment that a shop stored; raises `NoSuchPayment` if there is none."""
        return self.ledger.stored(reference)

    def make_refund(self, payment: SandboxPayment, amount: Money, said: Mapping[str, Any]) -> SandboxRefund:
        """A refund, made without a question; a provider with other ways than the usual one gives it here."""
        return self.ledger.refund(payment, amount, reference=self.new_id(self.refund_ids), said=said)

    def one_refund(self, refunds: Sequence[str]) -> SandboxRefund:
        """The refund that a webhook is to be about, as it is now; raises `ValueError` if that is none or several."""
        self.settle()
        made = [self.ledger.made(refund) for refund in refunds]
        if len(made) != 1:
            raise ValueError(f"a webhook of {self.provider} is about one refund")
        return made[0]

    def cancel(self, refund: SandboxRefund) -> None:
        """Cancel a refund; raises `ValueError` where that is not possible any more."""
        cancellable = self.lifecycle.cancellable
        if cancellable is not None and refund.status not in cancellable:
            raise NotPossible(
                text(
                    "{refund} is {state}: it is too late to cancel it.",
                    refund=refund.id,
                    state=self.lifecycle.in_words(refund.status),
                )
            )
        self.ledger.end(refund, Reported.CANCELLED)

    def _why_no_refund(self, payment: SandboxPayment, amount: Money, left: Money, reference: str) -> Text:
        return text(
            "{amount} of {payment} cannot be refunded: {left} can be. How the payment is: {state}.",
            amount=amount,
            payment=reference,
            left=left,
            state=self.standing(payment),
        )


def spoilt(webhook: SandboxWebhook, header: str) -> SandboxWebhook:
    """The same webhook with one character changed in the middle of the signature that stands in this header.

    Raises `ValueError` for a webhook without it.
    """
    signature = webhook.headers.get(header, "")
    if not signature:
        raise ValueError(f"a webhook without the header {header} has no signature")
    middle = len(signature) // 2
    other = "0" if signature[middle] != "0" else "1"
    changed = signature[:middle] + other + signature[middle + 1 :]
    return attrs.evolve(webhook, headers={**webhook.headers, header: changed})
