"""The books of a sandbox: payments, what went back of them and how far it is, and what there is on the balance."""

from __future__ import annotations

import datetime
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import attrs

from retour.model.money import Money
from retour.model.order import Mode
from retour.model.refunds import Reported
from retour.model.text import Text, text
from retour.sandbox.lifecycle import Lifecycle, Step
from retour.sandbox.movable_clock import SandboxClock
from retour.sandbox.not_possible import NotPossible


class NoSuchPayment(NotPossible):
    """A sandbox has no payment of the name ``reference``, nor an order of this name with one payment."""

    def __init__(self, reference: str) -> None:
        super().__init__(text("There is no payment {payment}.", payment=reference))
        self.reference = reference


@attrs.define(kw_only=True, eq=False)
class SandboxRefund:
    """A refund, as far as it is by the sandbox's clock."""

    id: str
    """Its name in the API."""

    payment: SandboxPayment = attrs.field(repr=False)
    """What it is of."""

    amount: Money
    """What goes back."""

    made_at: datetime.datetime
    """When, by the sandbox's clock."""

    since: datetime.datetime
    """When its status was due, by the sandbox's clock: before ``changed_at`` if refunds were held then."""

    changed_at: datetime.datetime
    """When it got its status, by the sandbox's clock."""

    said: dict[str, Any]
    """What was said of it when it was made, in the provider's fields."""

    steps: deque[Step]
    """The way that it still has to go by itself."""

    status: str = ""
    """The provider's word."""

    before: str = ""
    """The status before this one; empty for a new refund."""

    reason: str = ""
    """Why it has this status, in the provider's words; empty where there is no reason."""

    counts: bool = True
    """Whether it takes from what is left of its payment: until it failed or was cancelled."""

    funded: bool = False
    """Whether it took from the balance."""


@attrs.define(kw_only=True, eq=False)
class SandboxChargeBack:
    """Money that the customer's bank took back."""

    id: str
    """Its name in the API."""

    amount: Money
    """What was taken back."""

    made_at: datetime.datetime
    """When, by the sandbox's clock."""

    reversed_at: datetime.datetime | None = None
    """When it was given back; None while it is not."""


@attrs.frozen(kw_only=True)
class SandboxPayout:
    """Money that the provider paid out to the merchant's bank account, all that was on the balance."""

    id: str
    """Its name in the books."""

    amount: Money
    """What was paid out."""

    made_at: datetime.datetime
    """When, by the sandbox's clock."""


@attrs.define(kw_only=True, eq=False)
class SandboxPayment:
    """A payment, with what went back of it."""

    id: str
    """Its name in the API."""

    amount: Money
    """What was paid."""

    made_at: datetime.datetime
    """When, by the sandbox's clock."""

    mode: Mode = Mode.TEST
    """Real money, or a test."""

    status: str = ""
    """The provider's word."""

    method: str = ""
    """The way of paying, in the provider's word."""

    names: tuple[str, ...] = ()
    """Others that it has in the API."""

    extra: Money | None = None
    """What can be refunded beyond what was paid; None for nothing."""

    said: dict[str, Any] = attrs.field(factory=dict)
    """What was said of it when it was made, in the provider's fields."""

    refunds: list[SandboxRefund] = attrs.field(factory=list)
    """What went back, the oldest first."""

    charge_backs: list[SandboxChargeBack] = attrs.field(factory=list)
    """What the bank took back, the oldest first."""

    @property
    def refunded(self) -> Money:
        """What was refunded or is under way; what a failed or cancelled refund took is not."""
        return self._sum(refund.amount for refund in self.refunds if refund.counts)

    @property
    def charged_back(self) -> Money:
        """What the bank took back and did not give back since."""
        return self._sum(one.amount for one in self.charge_backs if one.reversed_at is None)

    @property
    def left(self) -> Money:
        """What can still be refunded. What the bank took back is gone like what was refunded."""
        nothing = Money.zero(self.amount.currency)
        return max(self.amount + (self.extra or nothing) - self.refunded - self.charged_back, nothing)

    def _sum(self, amounts: Iterable[Money]) -> Money:
        return sum(amounts, Money.zero(self.amount.currency))


class Ledger:
    """All payments and refunds of a sandbox, which `settle` brings up to now; not safe to use from several threads.

    ``payments`` and ``refunds`` are there by their id, ``orders`` are names for any number of payments. ``balance`` is
    what the merchant has at the provider, per currency; where nothing is said of one there is always enough. What was
    paid out is in ``payouts``, the oldest first; from the first one of a currency on, payments in it go to the balance.
    While it is ``held`` no refund goes on by itself. ``tell`` is called for every change, with the refund and the
    status that it had before: none, for a new one. ``check_amount`` raises `NotPossible` for an amount that the
    provider cannot have, before anything comes into the books.
    """

    def __init__(
        self,
        *,
        lifecycle: Lifecycle,
        clock: SandboxClock,
        tell: Callable[[SandboxRefund], None],
        check_amount: Callable[[Money], None] = lambda _: None,
    ) -> None:
        self.lifecycle = lifecycle
        self.payments: dict[str, SandboxPayment] = {}
        self.orders: dict[str, list[SandboxPayment]] = {}
        self.refunds: dict[str, SandboxRefund] = {}
        self.balance: dict[str, Money] = {}
        self.payouts: list[SandboxPayout] = []
        self.held = False
        self._released_at: datetime.datetime | None = None
        self._clock = clock
        self._tell = tell
        self._check_amount = check_amount
        self._named: dict[str, SandboxPayment] = {}
        self._under_way: list[SandboxRefund] = []

    # --- payments ----------------------------------------------------------------------------------------

    def add(self, payment: SandboxPayment, *, order: str = "") -> SandboxPayment:
        """A payment comes in, as one of an ``order`` if that is given. Raises `NotPossible` for less than nothing."""
        if payment.amount.minor < 0:
            raise NotPossible(text("An amount is never below zero."))
        self._check_amount(payment.amount)
        self.payments[payment.id] = payment
        self._named |= dict.fromkeys((payment.id, *payment.names), payment)
        if order:
            self.orders.setdefault(order, []).append(payment)
        if any(payout.amount.currency == payment.amount.currency for payout in self.payouts):
            self._move(payment.amount)
        return payment

    def knows(self, name: str) -> bool:
        """Whether there is a payment or an order of this name."""
        return name in self._named or name in self.orders

    def find(self, name: str) -> SandboxPayment | None:
        """A payment by any name of its own, or as the one payment of an order."""
        of_order = self.orders.get(name, ())
        return of_order[0] if len(of_order) == 1 else self._named.get(name)

    def stored(self, name: str) -> SandboxPayment:
        """The payment that a shop stored; raises `NoSuchPayment` if there is none."""
        found = self.find(name)
        if found is None:
            raise NoSuchPayment(name)
        return found

    def names(self, payment: SandboxPayment) -> Sequence[str]:
        """Every name that means this payment and no other, its id first."""
        return [payment.id, *payment.names, *[order for order, paid in self.orders.items() if paid == [payment]]]

    def charge_back(self, payment: SandboxPayment, amount: Money | None, *, reference: str) -> SandboxChargeBack:
        """The customer's bank takes back an amount, by default all that it did not take yet: from the balance, and
        whatever was refunded. Raises `ValueError` for more than there is."""
        most = payment.amount - payment.charged_back
        taken = most if amount is None else amount
        if taken.currency != most.currency or not 0 < taken.minor <= most.minor:
            raise NotPossible(
                text(
                    "{amount} of {payment} cannot be charged back: {left} is not charged back yet.",
                    amount=taken,
                    payment=payment.id,
                    left=most,
                )
            )
        self._check_amount(taken)
        made = SandboxChargeBack(id=reference, amount=taken, made_at=self._clock.now())
        payment.charge_backs.append(made)
        self._move(Money.zero(taken.currency) - taken)
        return made

    def give_back(self, payment: SandboxPayment) -> None:
        """The customer's bank gives back all that it took of a payment. Raises `ValueError` if it has nothing of it."""
        taken = [one for one in payment.charge_backs if one.reversed_at is None]
        if not taken:
            raise NotPossible(text("The bank has nothing of {payment} to give back.", payment=payment.id))
        for one in taken:
            self.reverse(one)

    def reverse(self, charge_back: SandboxChargeBack) -> None:
        """The bank gives back what it took by one charge-back, which it has not given back before."""
        charge_back.reversed_at = self._clock.now()
        self._move(charge_back.amount)

    def on_balance(self, currency: str) -> Money:
        """What there is to pay out: the balance, or, where nothing is said of it, what was paid and is not gone."""
        paid = [one for one in self.payments.values() if one.amount.currency == currency]
        counted = sum([one.amount - one.refunded - one.charged_back for one in paid], Money.zero(currency))
        return self.balance.get(currency, counted)

    def pay_out(self, currency: str, *, reference: str) -> SandboxPayout:
        """The provider pays out all that is on the balance, so that nothing is left there to refund from. Raises
        `ValueError` where there is nothing."""
        amount = self.on_balance(currency)
        if amount.minor <= 0:
            raise NotPossible(text("There is nothing to pay out: the balance is {balance}.", balance=amount))
        made = SandboxPayout(id=reference, amount=amount, made_at=self._clock.now())
        self.payouts.append(made)
        self.balance[currency] = Money.zero(currency)
        return made

    # --- refunds -----------------------------------------------------------------------------------------

    def refund(
        self,
        payment: SandboxPayment,
        amount: Money,
        *,
        reference: str,
        said: Mapping[str, Any],
        way: Sequence[Step] = (),
    ) -> SandboxRefund:
        """A refund with this ``reference``, made without a question; it goes its ``way``, the usual one unless one is
        given. Raises `NotPossible` in another currency than that of the payment."""
        if amount.currency != payment.amount.currency:
            raise NotPossible(
                text(
                    "{amount} cannot go back on {payment}, which was paid in {currency}.",
                    amount=amount,
                    payment=payment.id,
                    currency=payment.amount.currency,
                )
            )
        self._check_amount(amount)
        now = self._clock.now()
        made = SandboxRefund(
            id=reference,
            payment=payment,
            amount=amount,
            made_at=now,
            since=now,
            changed_at=now,
            said=dict(said),
            steps=deque(way or self.lifecycle.way),
        )
        self.refunds[made.id] = made
        payment.refunds.append(made)
        self._under_way.append(made)
        if not self.lifecycle.counts(made.steps[0].status) or self._fund(made):
            self._begin(made)
        else:
            self.become(made, self.lifecycle.waits_for_balance)
        return made

    def made(self, reference: str) -> SandboxRefund:
        """A refund by its id; raises `ValueError` if there is none."""
        if reference not in self.refunds:
            raise NotPossible(text("There is no refund {refund}.", refund=reference))
        return self.refunds[reference]

    def end(self, refund: SandboxRefund, meaning: Reported, *, reason: str = "") -> None:
        """A refund fails or is cancelled, also after it succeeded. Raises `ValueError` for one that ended so before."""
        if not refund.counts:
            raise NotPossible(text("{refund} has ended already: {state}.", refund=refund.id, state=self._state(refund)))
        self.become(refund, self.lifecycle.word(meaning), reason=reason)

    def _state(self, refund: SandboxRefund) -> Text:
        return self.lifecycle.in_words(refund.status)

    def delay(self, refund: SandboxRefund, by: datetime.timedelta) -> None:
        """What comes next of a refund comes so much later. Raises `ValueError` where nothing comes by itself."""
        if not refund.steps or not refund.funded:
            raise NotPossible(
                text(
                    "{refund} is {state}: nothing comes by itself that could be delayed.",
                    refund=refund.id,
                    state=self._state(refund),
                )
            )
        refund.steps[0] = attrs.evolve(refund.steps[0], after=refund.steps[0].after + by)

    def hasten(self, refund: SandboxRefund) -> None:
        """All that comes by itself of a refund comes at once, as if the time had gone by for it alone."""
        refund.steps = deque([attrs.evolve(one, after=datetime.timedelta(0)) for one in refund.steps])
        self.settle()

    def become(
        self, refund: SandboxRefund, status: str, *, reason: str = "", since: datetime.datetime | None = None
    ) -> None:
        """A refund gets another status. One that counts no more gives back what it took, and goes no further."""
        changed = refund.status != status
        if changed:
            refund.before = refund.status
        refund.status, refund.reason, refund.since = status, reason, since or self._clock.now()
        refund.changed_at = max(refund.since, self._released_at or refund.since)
        refund.counts = self.lifecycle.counts(status)
        if not refund.counts:
            refund.steps.clear()
            self._give_back(refund)
        if changed:
            self._tell(refund)

    def settle(self) -> None:
        """Bring every refund up to now: one that waits for balance goes on once there is enough, and each makes all
        the steps that are due, unless they are held."""
        for refund in self._under_way:
            if refund.counts and not refund.funded and self._fund(refund):
                self._begin(refund)
            while refund.funded and refund.steps and not self.held:
                due = refund.since + refund.steps[0].after
                if self._clock.now() < due:
                    break
                step = refund.steps.popleft()
                self.become(refund, step.status, reason=step.reason, since=due)
        self._under_way = [refund for refund in self._under_way if refund.steps]

    def hold(self) -> None:
        """From now on no refund goes on by itself, and a new one is pending."""
        self.settle()
        self.held = True

    def release(self) -> None:
        """What was held goes as far as it is due. It changes now: what nobody saw before did not happen before."""
        self.held = False
        self._released_at = self._clock.now()
        self.settle()

    def covers(self, amount: Money) -> bool:
        """Whether there is enough on the balance."""
        return amount <= self.balance.get(amount.currency, amount)

    def _begin(self, refund: SandboxRefund) -> None:
        """The first step; while refunds are held it is made only if it leaves the refund pending."""
        first = refund.steps[0]
        if self.held and self.lifecycle.meaning(first.status) is not Reported.PENDING:
            self.become(refund, self.lifecycle.word(Reported.PENDING))
        else:
            refund.steps.popleft()
            self.become(refund, first.status, reason=first.reason)

    def _fund(self, refund: SandboxRefund) -> bool:
        """Take the money for a refund from the balance. Where it is too low a refund waits, if the provider lets it,
        and is else taken all the same: the provider refuses such a refund before it is made."""
        if self.lifecycle.waits_for_balance and not self.covers(refund.amount):
            return False
        refund.funded = True
        self._move(Money.zero(refund.amount.currency) - refund.amount)
        return True

    def _give_back(self, refund: SandboxRefund) -> None:
        if refund.funded:
            refund.funded = False
            self._move(refund.amount)

    def _move(self, amount: Money) -> None:
        if amount.currency in self.balance:
            self.balance[amount.currency] += amount
