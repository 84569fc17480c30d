"""A merchant in trouble and his two books, the provider's and ours: a machine that does at random what people, shops,
providers, hosts and clocks do to one order, and compares the books.

What it does and what must hold is the same for every provider; where the provider is, its machine says.
"""

from __future__ import annotations

import datetime
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from functools import partial
from typing import Any

import attrs
from goods_sold import AS_SOLD, BOWLS, CUPS, OF_LINES, THE_BOWLS, Goods, Sale
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.errors import FlakyStrategyDefinition
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test
from money_told import banks_told, money_told
from sqlalchemy import Engine

from retour import (
    Actor,
    AttentionItem,
    BankAccount,
    Consent,
    ConsentWay,
    MemoryShop,
    Mode,
    Money,
    ReasonCode,
    Refund,
    RefundOption,
    RefundSource,
    RefundState,
    RestockDecision,
    RetourError,
    ReturnDesk,
)
from retour.providers import RefundStatus
from retour.store import tables
from retour.testing import a_payment

ANNA = Actor.staff("anna")
NOON = datetime.datetime(2026, 11, 23, 12, 0, tzinfo=datetime.UTC)
MINUTE = datetime.timedelta(minutes=1)
DAY = datetime.timedelta(days=1)

WHICH = st.integers(0, 30)
"""Which of those there are. How many that is can be by chance, as ids are, and what is drawn must not be."""

ALL = 0
"""Of a payment."""

AMOUNTS = st.sampled_from([25_00, 10_00, 33_33, 50_00, 100_00, ALL])
"""In minor units."""

GONE = (RefundStatus.SUCCEEDED, RefundStatus.PENDING)
CAN_BE_REPLACED = (RefundState.AWAITING_MERCHANT, RefundState.PLANNED, RefundState.FAILED, RefundState.REVERSED)
JANSEN = BankAccount(name="J. Jansen", iban="NL91ABNA0417164300")
AGREED = Consent(how=ConsentWay.PHONE)
WAITS_TO_BE_SENT = (RefundState.PLANNED, RefundState.SUBMITTING)
MOST_DECISIONS = 40
BOOKS_ARE_FRESH, LEASE = MINUTE, 2 * MINUTE


def forget_everything(engine: Engine) -> None:
    """Nothing happened in the database yet."""
    with engine.begin() as connection:
        for table in tables.metadata.sorted_tables:
            if table is not tables.migration:
                connection.execute(table.delete())


@attrs.frozen(kw_only=True)
class Booked:
    """A refund in a provider's books: of which payment, how much in minor units, and whose id it carries."""

    reference: str
    payment: str
    minor: int
    status: RefundStatus
    refund_id: str = ""

    @property
    def gone(self) -> bool:
        """Whether its money is with the customer, or on its way."""
        return self.status in GONE


@attrs.define
class Host:
    """A computer with a desk on the shop's database: its wall clock is ``ahead`` of the others, and it ``stood_still``
    for so long without a clock of its own that counted it."""

    desk: ReturnDesk
    ahead: datetime.timedelta = datetime.timedelta(0)
    stood_still: datetime.timedelta = datetime.timedelta(0)


class TwoBooks(RuleBasedStateMachine):
    """One order, paid once, and everybody who has to do with its goods and its money.

    The merchant refunds by retour, by link and in the provider's dashboard, where a colleague does so too, and is told
    by webhooks that come late, twice, in another order, or never. Some merchants are ``free`` to refund what they like
    and to say what they only believe; the others pay nothing but what is suggested, and look before they say something.
    """

    hosts: Sequence[Host]
    shop: MemoryShop
    provider: str
    mode = Mode.LIVE
    names: Sequence[str]
    """All that the payment can be called, the first of which the shop stored in the beginning."""
    unrelated: Sequence[str]
    """Another payment at the provider, and a name that it does not know."""

    def begin(self, sale: Sale, *, free: bool, stored: str, units: int) -> None:
        """The order was paid, and so many cups of it came back."""
        self.sale = sale
        self.goods = Goods(sale)
        self.free = free
        self.turn = 0
        self.forms = 0
        self.made_for: dict[str, str] = {}
        self.by_hand: dict[str, tuple[str, int]] = {}
        self.said_gone: set[str] = set()
        self.became: dict[str, str] = {}
        self.came_again = False
        self.faults: list[str] = []
        self.by_colleagues: dict[str, datetime.datetime] = {}
        self.made_before_the_click: set[str] = set()
        self.with_banks: dict[str, list[tuple[datetime.datetime, int]]] = {}
        self.clicked_at: datetime.datetime | None = None
        self.shop_stores(stored)
        self.goods_arrive(units)

    # --- what a provider's machine says ------------------------------------------------------------------

    def books(self) -> Sequence[Booked]:
        """The provider's books of all payments."""
        raise NotImplementedError

    def payment_called(self, name: str) -> str:
        """Which payment of the provider's a shop means by ``name``; the name itself where it has none."""
        raise NotImplementedError

    def refund_in_dashboard(self, payment: str, minor: int) -> str | None:
        """Somebody refunds in the dashboard; gives the reference, None where the provider refuses."""
        raise NotImplementedError

    def what_time_it_is(self) -> datetime.datetime:
        """By the provider's clock, which is the database's."""
        raise NotImplementedError

    def bank_moves(self, which: int) -> None:
        """A refund that was pending becomes something, or a bank sends one back that had succeeded."""
        raise NotImplementedError

    def webhooks(self) -> Sequence[tuple[dict[str, str], bytes]]:
        """All that the provider ever had to tell."""
        raise NotImplementedError

    def bank_has(self, payment: str) -> int:
        """What the customer's bank took back of a payment for good and has, in minor units, by the provider's books."""
        raise NotImplementedError

    def bank_acts(self, what: str, payment: str, minor: int) -> None:
        """The customer's bank opens a dispute, takes so much back, or gives back what it took, as far as this provider
        knows such a thing; what cannot be is not done."""
        raise NotImplementedError

    def pass_by(self, time: datetime.timedelta) -> None:
        """Time passes, for everybody."""
        raise NotImplementedError

    def mend(self) -> None:
        """What stood in the way of provider, plugin and network is gone."""

    # --- who acts ----------------------------------------------------------------------------------------

    @property
    def desk(self) -> ReturnDesk:
        """The desk of the host whose turn it is."""
        return self.hosts[self.turn].desk

    def attempt(self, command: Callable[[], Any]) -> Any:
        """Do something that retour may refuse."""
        with suppress(RetourError):
            return command()
        return None

    def form(self) -> str:
        self.forms += 1
        return f"form-{self.forms}"

    @property
    def refunds(self) -> list[Refund]:
        return list(self.desk.dossier("1001").refunds.values())

    @property
    def owed(self) -> int:
        """The most that was ever owed for goods that came back, and what goes back beyond it in whole steps."""
        return self.goods.most + self.sale.slack

    @property
    def stored(self) -> set[str]:
        """The provider's payments that the shop has on the order now."""
        return {self.payment_called(one.reference) for one in self.shop.orders["1001"].payments}

    def one_with(self, payment: str) -> set[str]:
        """A payment, and those of which a person said that they became it or it became them: they are one for good."""
        group = {payment}
        for _ in self.became:
            for pair in self.became.items():
                if group & {*pair}:
                    group |= {*pair}
        return group

    def is_left_behind(self, payment: str) -> bool:
        """Whether a person said of a payment that it is no part of the order, which does not have it again."""
        group = self.one_with(payment)
        return bool(group & self.said_gone) and not group & self.stored

    # --- the rule about suggestions ----------------------------------------------------------------------

    def sent_by_us(self) -> int:
        """What counts as sent by us: refunds in the provider's books that carry our id, those that a person made there
        after he opened a link, and what he paid by hand instead.

        What failed, was cancelled or was sent back counts no more: the money is the shop's again, and owed again. What
        a colleague refunds in the dashboard on his own counts as his: nobody can stop him, and he can do it a moment
        after we sent. What is on a payment of which a person said that it is no part of the order counts too: the
        customer has it.
        """
        ours = {*self.made_for.values()}
        by_provider = sum(one.minor for one in self.books() if one.gone and (one.refund_id or one.reference in ours))
        return by_provider + sum(minor for _, minor in self.by_hand.values())

    def about_to_send(self, refund_id: str, payment: str, minor: int) -> None:
        """What must hold when a refund goes out to the provider, which has not made it before.

        Per payment, whatever it is called, what we sent and this one never pass what was captured. Where merchants only
        pay suggestions, what we sent and this one never pass what was owed; nor do they with what colleagues had
        refunded, as far as retour knew it by then or had to: what they made on this payment before the merchant's
        click, or longer ago than a reading of the books may be and a lease lasts.

        What the customer's bank has counts in both, as far as retour knew it by then or had to.

        One that may have been made already is asked for and sent again whatever colleagues did. A payment that came
        back to the order after a person had said that it was none of it is his mistake, and not counted against us.
        """
        if any(one.refund_id == refund_id for one in self.books()):
            return
        unclear = self.desk.dossier("1001").refund(refund_id).state is RefundState.UNKNOWN
        ours = sum(one.minor for one in self.books() if one.gone and one.refund_id and one.payment == payment)
        bank = 0 if unclear else self.known_of_the_bank(payment)
        if minor % self.sale.step:
            self.faults.append(f"{minor} are sent, in steps of {self.sale.step}")
        if ours + minor > self.sale.captured - bank:
            self.faults.append(f"{minor} are sent on {payment}, of which we sent {ours} already, and a bank has {bank}")
        if self.free or self.came_again or self.is_left_behind(payment):
            return
        if self.sent_by_us() + minor > self.owed:
            self.faults.append(f"{minor} are sent of {self.owed} owed, of which we sent {self.sent_by_us()} already")
        known = self.known_of_colleagues(payment)
        if unclear:
            return
        if self.sent_by_us() + known + bank + minor > self.owed:
            self.faults.append(
                f"{minor} are sent of {self.owed} owed, though colleagues had refunded {known}, and a bank has {bank}"
            )

    def known_of_the_bank(self, payment: str) -> int:
        """What the customer's bank has of a payment, as far as retour has to know, who pays on it: the least that it
        had since the merchant's click, or for as long as a reading of the books may be old and a lease lasts."""
        since = self.what_time_it_is() - BOOKS_ARE_FRESH - LEASE
        if self.clicked_at is not None:
            since = self.clicked_at
        moves = self.with_banks.get(payment, [])
        before = [minor for at, minor in moves if at < since]
        return min([*before[-1:], *[minor for at, minor in moves if at >= since]] if before else [0])

    def known_of_colleagues(self, payment: str) -> int:
        """What colleagues refunded in the dashboard, as far as retour knows or has to, who pays on ``payment``."""
        known = {one.reference for one in self.refunds if one.counts_against_payment}
        long_ago = self.what_time_it_is() - BOOKS_ARE_FRESH - LEASE
        read = {one for one, made_at in self.by_colleagues.items() if made_at < long_ago} | self.made_before_the_click
        return sum(
            one.minor
            for one in self.books()
            if one.gone
            and one.reference in self.by_colleagues
            and (one.reference in known or (one.reference in read and one.payment == payment))
        )

    def colleague_refunds(self, payment: str, minor: int) -> None:
        """A colleague refunds in the dashboard, if the provider lets him."""
        made = self.refund_in_dashboard(payment, minor)
        if made is not None:
            self.by_colleagues[made] = self.what_time_it_is()

    # --- what the merchant does --------------------------------------------------------------------------

    @rule(units=st.integers(1, 2), line=st.sampled_from(["cup", "cup", "bowl"]))
    def goods_come_back(self, units: int, line: str) -> None:
        self.goods_arrive(units, line)

    def goods_arrive(self, units: int, line: str = "cup") -> None:
        units = min(units, (CUPS if line == "cup" else BOWLS) - self.goods.back(line))
        if units and self.attempt(
            lambda: self.desk.mark_returned("1001", {line: units}, by=ANNA, request_id=self.form())
        ):
            self.goods.came(line, units)

    def suggestion(self) -> RefundOption | None:
        """What is suggested now. Where money went back on a payment of which nobody can say what it became, that is
        nothing, and it says why."""
        nobody_can_say = self.has_vanished()
        options = self.attempt(lambda: self.desk.refund_options("1001")) or ()
        suggested = [one for one in options if one.suggested]
        if nobody_can_say:
            assert not suggested, "money is suggested while nobody can say where some of it went"
            assert all(one.because for one in options)
        elif options and not self.nobody_counts(options):
            self.says_which_lines_a_person_decides_about(options)
            self.fits_what_is_known(options)
        return suggested[0] if suggested else None

    @staticmethod
    def nobody_counts(options: Sequence[RefundOption]) -> bool:
        """Whether nothing is suggested on any payment, since nobody can count what went back."""
        return any(one.because and one.because.code not in {*OF_LINES, ReasonCode.REMAINDER} for one in options)

    def says_which_lines_a_person_decides_about(self, options: Sequence[RefundOption]) -> None:
        """Of those of which units came back, and of no others."""
        lines = self.goods.to_decide()
        because = options[0].because
        named = because is not None and because.code in OF_LINES
        assert named is bool(lines), f"a person decides about {lines or 'nothing'}, and is told: {because}"

    def has_vanished(self) -> bool:
        """Whether money went back on a payment that is not on the order, and nobody has said what it became."""
        went = {self.payment_called(self.reference_of(one)) for one in self.refunds if one.counts_against_payment}
        dossier = self.desk.dossier("1001")
        went |= {self.payment_called(dossier.payments[name].reference) for name in dossier.charge_backs}
        return any(not self.one_with(one) & self.stored and not self.is_left_behind(one) for one in went)

    def is_doubled(self) -> bool:
        """Whether the order has one payment under two names."""
        return len(self.stored) < len(self.shop.orders["1001"].payments)

    def fits_what_is_known(self, options: Sequence[RefundOption]) -> None:
        """What is suggested is what is owed for the goods less all that retour knows to be gone, in whole steps, and
        what no step can pay is told."""
        went = self.desk.dossier("1001").refunded_in_all(self.sale.currency).minor
        went += sum(one.charged_back.minor for one in options)
        shares, rest = self.suggested_of(went, [one.left.minor for one in options])
        told = [one.suggested.minor for one in options]
        assert told == shares, f"{shares} fit what is known, and {told} are suggested"
        never = sum(left % self.sale.step for left in [one.left.minor for one in options])
        remainder = sum(one.remainder.minor for one in options if one.remainder is not None)
        if len(options) == 1 and options[0].left.minor <= rest + shares[0]:
            assert remainder == min(rest, never), f"{remainder} are left over by retour, and {min(rest, never)} really"

    def suggested_of(self, went: int, left: Sequence[int]) -> tuple[list[int], int]:
        """What of that can be paid on payments of which so much is left, and what of it is left over."""
        captured = sum(one.captured.minor for one in self.shop.orders["1001"].payments)
        rest = max(min(self.goods.owed - went, captured - went - self.goods.due_for_the_rest), 0)
        shares = []
        for each in left:
            shares.append(self.sale.payable(rest, each))
            rest = max(rest - shares[-1], 0)
        return shares, rest

    def press(self, payment: str, amount: Money, times: int = 1) -> None:
        """Refund, perhaps with a double click."""
        form, before = self.form(), {*self.desk.dossier("1001").refunds}
        nobody_can_say = self.has_vanished() or self.is_doubled()
        unclear = self.unclear_on(payment)
        self.made_before_the_click = {*self.by_colleagues}
        self.clicked_at = self.what_time_it_is()
        for _ in range(times):
            self.attempt(lambda: self.desk.refund("1001", payment, amount, by=ANNA, request_id=form))
        self.made_before_the_click, self.clicked_at = set(), None
        decided = [one for one in self.refunds if one.id not in before and one.source is RefundSource.API]
        assert len(decided) <= 1, "a double click decided two refunds"
        assert not (decided and nobody_can_say), "it was decided while nobody can say where money of the order went"
        assert not (decided and unclear & self.unclear_on(payment)), "it was decided while another is unclear"

    def unclear_on(self, payment: str) -> set[str]:
        """The refunds of a payment, by their ids, of which nobody knows what became."""
        dossier = self.desk.dossier("1001")
        return {one.id for one in dossier.on_payment(payment) if one.state is RefundState.UNKNOWN}

    def refund_what_is_suggested(self, times: int = 1, *, tidy: bool = False) -> None:
        """One who is tidy decides before what stands in the way."""
        if tidy:
            self.a_person_does_what_the_list_says(5)
        option = self.suggestion()
        if option is not None:
            self.press(option.payment.id, option.suggested, times)

    def refund_an_amount(self, amount: int) -> None:
        payments = self.shop.orders["1001"].payments
        if payments:
            self.press(payments[-1].id, self.sale.money(amount or self.sale.captured))

    @rule(others=st.sampled_from(["the same", "half of it"]))
    def refund_while_a_colleague_is_faster(self, others: str) -> None:
        """He refunds just what is about to be refunded, a moment before, and no webhook comes."""
        option = self.suggestion()
        if option is None:
            return
        minor = option.suggested.minor if others == "the same" else option.suggested.minor // 2
        minor -= minor % self.sale.step
        self.colleague_refunds(self.payment_called(option.payment.reference), minor)
        self.press(option.payment.id, option.suggested)

    @rule(amount=st.sampled_from([5_00, 10_00, 25_00, 5_00]))
    def a_colleague_refunds_in_the_dashboard(self, amount: int) -> None:
        self.a_colleague_pays(amount)

    def a_colleague_pays(self, amount: int) -> None:
        for payment in sorted(self.stored):
            self.colleague_refunds(payment, amount)

    @rule(which=WHICH, then=st.sampled_from(["opened", "followed", "followed", "confirmed", "refunded instead"]))
    def a_person_refunds_by_link(self, which: int, then: str) -> None:
        """He opens a link where something is suggested, and makes in the dashboard, or at his bank, what waits for him;
        he says so, or nothing, or refunds by retour after all."""
        option = self.suggestion()
        if option is not None:
            payment, suggested, form = option.payment.id, option.suggested, self.form()
            opened = self.desk.open_refund_link
            self.attempt(lambda: opened("1001", payment, suggested, by=ANNA, request_id=form))
        waiting = [one for one in self.refunds if one.state is RefundState.AWAITING_MERCHANT]
        if not waiting or then == "opened":
            return
        chosen = waiting[which % len(waiting)]
        if then == "refunded instead":
            self.refund_instead_of(chosen)
            return
        if chosen.by_transfer:
            self.transfer(chosen)
            return
        self.follow(chosen)
        if then == "confirmed":
            self.confirm(chosen)

    @rule(which=WHICH, instead=st.booleans(), pays=st.booleans())
    def a_refund_goes_by_bank_transfer(self, which: int, instead: bool, pays: bool) -> None:
        """What is suggested, or what waits or did not arrive; the customer has agreed. Perhaps the merchant pays it at
        once, or another that waits, or none."""
        replaced = [one for one in self.refunds if one.state in CAN_BE_REPLACED]
        if instead and replaced:
            chosen = replaced[which % len(replaced)]
            if self.free or (chosen.counts_against_payment and self.is_still_owed(chosen)):
                self.decide_transfer(chosen.payment, chosen.amount, instead_of=chosen.id)
        elif (option := self.suggestion()) is not None:
            self.decide_transfer(option.payment.id, option.suggested)
        elif (option := self.what_no_step_can_pay()) is not None and option.remainder is not None:
            self.decide_transfer(option.payment.id, option.remainder)
        waiting = [one for one in self.refunds if one.state is RefundState.AWAITING_MERCHANT and one.by_transfer]
        if waiting and pays:
            self.transfer(waiting[which % len(waiting)])

    @rule(who=st.sampled_from(["a colleague", "a colleague", "a bank"]), is_told=st.booleans())
    def a_transfer_waits_while_others_pay(self, who: str, is_told: bool) -> None:
        """Then the merchant pays what still waits, if he is still told where to."""
        option = self.suggestion()
        if option is None:
            return
        self.decide_transfer(option.payment.id, option.suggested)
        if who == "a bank":
            self.a_bank_acts("takes", 100_00, is_told=is_told)
        else:
            self.a_colleague_pays(5_00)
        if is_told:
            self.compare_the_books(once_more=False)
        for waiting in [one for one in self.refunds if one.state is RefundState.AWAITING_MERCHANT and one.by_transfer]:
            self.transfer(waiting)

    def what_no_step_can_pay(self) -> RefundOption | None:
        """What is left over of a payment that its provider never pays."""
        options = self.attempt(lambda: self.desk.refund_options("1001")) or ()
        return next((one for one in options if one.remainder), None)

    def decide_transfer(self, payment: str, amount: Money, instead_of: str | None = None) -> None:
        self.made_before_the_click = {*self.by_colleagues}
        form, unclear = self.form(), self.unclear_on(payment)
        nobody_can_say = self.has_vanished() or self.is_doubled()
        refund = partial(self.desk.refund, "1001", payment, amount, by=ANNA, request_id=form, instead_of=instead_of)
        assert self.attempt(partial(refund, to=JANSEN)) is None, "a transfer was decided without the customer's consent"
        done = [self.attempt(partial(refund, to=JANSEN, consent=AGREED)) for _ in range(2)]
        made = {one.refund_id for one in done if one is not None}
        assert len(made) <= 1, "a double click decided two transfers"
        assert not (made and (nobody_can_say or unclear)), "it was decided while nobody can say where money went"

    def transfer(self, refund: Refund) -> None:
        """He pays from his bank account what retour says that he can, and confirms it under the bank's reference."""
        link = self.attempt(lambda: self.desk.refund_link("1001", refund_id=refund.id))
        if link is None or link.transfer is None:
            return
        payment, minor = self.payment_called(self.reference_of(refund)), refund.amount.minor
        known = {one.reference for one in self.refunds if one.counts_against_payment}
        there = [one for one in self.books() if one.gone and one.payment == payment and one.reference in known]
        by_hand = [paid for on, paid in self.by_hand.values() if on == payment]
        bank = min(self.known_here(payment), self.bank_has(payment)) if payment in self.stored else 0
        gone = sum(one.minor for one in there) + sum(by_hand) + bank
        if gone + minor > self.sale.captured:
            self.faults.append(f"{minor} are transferred of {payment}, of which {gone} are known to be gone")
        colleagues = sum(
            one.minor for one in self.books() if one.gone and one.reference in known & self.by_colleagues.keys()
        )
        his_mistake = self.free or self.came_again or self.is_left_behind(payment)
        if not his_mistake and self.sent_by_us() + colleagues + bank + minor > self.owed:
            self.faults.append(
                f"{minor} are transferred of {self.owed} owed, though colleagues had refunded {colleagues}, and a bank "
                f"has {bank}"
            )
        self.confirm(refund)

    def refund_instead_of(self, refund: Refund) -> None:
        payment, amount, form = refund.payment, refund.amount, self.form()
        self.attempt(lambda: self.desk.refund("1001", payment, amount, instead_of=refund.id, by=ANNA, request_id=form))

    def follow(self, refund: Refund) -> None:
        if refund.id in self.made_for or refund.by_transfer:
            return
        if refund.amount.minor % self.sale.step:
            self.faults.append(f"{refund.amount} is to be refunded at a provider in steps of {self.sale.step}")
        made = self.refund_in_dashboard(self.payment_called(self.reference_of(refund)), refund.amount.minor)
        if made is not None:
            self.made_for[refund.id] = made

    def reference_of(self, refund: Refund) -> str:
        """What the shop called the payment of a refund when it was made."""
        return self.desk.dossier("1001").payments[refund.payment].reference

    def confirm(self, refund: Refund) -> None:
        """A person says that he made it, and under which reference: the provider's, or that of his bank."""
        reference = self.made_for.get(refund.id) or f"bank-{self.form()}"
        said = self.attempt(
            lambda: self.desk.confirm_refund(
                "1001",
                refund.payment,
                refund.amount,
                reference=reference,
                refund_id=refund.id,
                by=ANNA,
                request_id=self.form(),
            )
        )
        if said is not None and reference.startswith("bank-"):
            self.by_hand[reference] = (self.payment_called(self.reference_of(refund)), refund.amount.minor)

    @rule(which=WHICH, cancel=st.booleans())
    def cancel_or_retry_a_refund(self, which: int, cancel: bool) -> None:
        if self.refunds:
            chosen = self.refunds[-1 - which % len(self.refunds)]
            if cancel:
                self.attempt(lambda: self.desk.cancel_refund("1001", chosen.id, by=ANNA))
            else:
                self.let_go(chosen)

    def let_go(self, refund: Refund) -> None:
        """A person lets go what waits for him: one who only pays suggestions looks first whether it is still owed."""
        if self.free or refund.state is RefundState.UNKNOWN or self.is_still_owed(refund):
            self.attempt(lambda: self.desk.retry_refund("1001", refund.id, by=ANNA))

    def is_still_owed(self, refund: Refund) -> bool:
        """By both books: what went back at the provider, and what is on its way here."""
        there = sum(one.minor for one in self.books() if one.gone) + sum(minor for _, minor in self.by_hand.values())
        there += sum(self.bank_has(payment) for payment in self.stored)
        here = self.desk.dossier("1001").refunded_in_all(self.sale.currency).minor
        return there + refund.amount.minor <= self.owed and here <= self.owed

    # --- what the shop does ------------------------------------------------------------------------------

    def shop_stores(self, *names: str) -> None:
        captured = str(self.sale.money(self.sale.captured).decimal)
        self.shop.orders["1001"] = self.goods.order(
            [
                a_payment(
                    captured,
                    provider=self.provider,
                    reference=name,
                    mode=self.mode,
                    currency=self.sale.currency,
                    method=self.sale.method,
                )
                for name in names
            ]
        )
        self.came_again = self.came_again or bool(self.said_gone & self.stored)

    @precondition(lambda self: self.sale.bowls)
    @rule(how=st.sampled_from([AS_SOLD, AS_SOLD, *THE_BOWLS]), comes_back=st.booleans())
    def the_shop_changes_the_bowls(self, how: str, comes_back: bool) -> None:
        """It makes them cheaper, takes some or all of them off, or has a line that cannot be right; or it sets all that
        right again. Perhaps one comes back just before."""
        if comes_back:
            self.goods_arrive(1, "bowl")
        self.goods.change(how)
        self.shop_stores(*[one.reference for one in self.shop.orders["1001"].payments])

    @rule(
        which=WHICH,
        how=st.sampled_from(
            ["anew", "as it was", "anew", "another", "anew", "another too", "as it was", "twice", "not at all"]
        ),
    )
    def the_shop_stores_the_payment(self, which: int, how: str) -> None:
        """Anew: with a blank, a prefix, in another case, or by another of its provider's names. Another: in its place,
        or beside it."""
        other = self.unrelated[which % len(self.unrelated)]
        anew = self.names[which % len(self.names)]
        self.shop_stores(
            *{
                "anew": (anew,),
                "as it was": (self.names[0],),
                "another": (other,),
                "another too": (self.names[0], other),
                "twice": self.names[:2],
                "not at all": (),
            }[how]
        )

    # --- what the provider and the banks do --------------------------------------------------------------

    @rule(which=WHICH)
    def the_provider_moves_on(self, which: int) -> None:
        self.bank_moves(which)

    @rule(
        what=st.sampled_from(["opens", "takes", "gives back", "gives back"]),
        amount=st.sampled_from([25_00, 100_00, ALL]),
        is_told=st.booleans(),
    )
    def the_customers_bank_acts(self, what: str, amount: int, is_told: bool) -> None:
        """It opens a dispute, which it wins or loses later, or takes money back at once, and perhaps gives it back."""
        self.a_bank_acts(what, amount, is_told=is_told)

    def a_bank_acts(self, what: str, amount: int, *, is_told: bool) -> None:
        for payment in sorted(self.stored & {*self.with_payments()}):
            self.pass_by(datetime.timedelta(seconds=1))
            self.bank_acts(what, payment, amount or self.sale.captured)
            self.with_banks.setdefault(payment, []).append((self.what_time_it_is(), self.bank_has(payment)))
        if is_told:
            self.attempt(lambda: self.desk.reconcile("1001"))

    @rule(which=WHICH, then=st.sampled_from(["takes", "gives back"]), is_told=st.booleans())
    def a_bank_goes_on_when_the_payment_has_another_name(self, which: int, then: str, is_told: bool) -> None:
        """What it has of one payment was told under two names, and is what was told last."""
        self.a_bank_acts("takes", 25_00, is_told=True)
        self.shop_stores(self.names[which % len(self.names)])
        self.a_bank_acts(then, 25_00, is_told=is_told)

    def with_payments(self) -> Sequence[str]:
        """The provider's payments."""
        return sorted({self.payment_called(one) for one in (self.names[0], self.unrelated[0])})

    @rule(which=WHICH, times=st.integers(1, 2), by=st.sampled_from(["webhook", "webhook", "its books"]))
    def the_provider_is_heard(self, which: int, times: int, by: str) -> None:
        """By a webhook about anything that ever happened: late, twice, in any order; most never come. Or in its
        books."""
        if by == "its books":
            self.compare_the_books(once_more=times > 1)
            return
        told = self.webhooks()
        if told:
            headers, body = told[-1 - which % len(told)]
            for _ in range(times):
                self.attempt(lambda: self.desk.receive_webhook(self.provider, headers, body, mode=self.mode))

    # --- hosts, workers and clocks -----------------------------------------------------------------------

    @rule(minutes=st.sampled_from([0, 1, 3, 30, 58, 90, 600, 2000]), works=st.booleans(), other=st.booleans())
    def time_passes(self, minutes: int, works: bool, other: bool) -> None:
        """Then it is perhaps another host's turn, and a worker's."""
        self.pass_by(minutes * MINUTE)
        if other:
            self.turn = 1 - self.turn
        if works:
            self.desk.work()

    def set_clock(self, hours: int) -> None:
        """Somebody sets the clock of the host whose turn it is."""
        self.hosts[self.turn].ahead += datetime.timedelta(hours=hours)

    def compare_the_books(self, *, once_more: bool) -> None:
        """Where the provider can be asked, no refund is said to be done that its books do not have done; and who asks
        once more learns nothing."""
        done = self.attempt(lambda: self.desk.reconcile("1001"))
        if done is not None and not done.not_asked and self.is_doubled():
            assert "payment_doubled" in self.desk.attention_counts()
        if done is not None and not done.not_asked and once_more:
            again = self.attempt(lambda: self.desk.reconcile("1001"))
            assert again is None or again.not_asked or not again.changed
        if done is None or done.not_asked:
            return
        there = {one.reference: one for one in self.books()}
        for refund in self.refunds:
            if refund.reference in there and not self.asks_in_vain(refund):
                theirs = there[refund.reference]
                if refund.state is RefundState.SUCCEEDED and refund.reported:
                    assert theirs.gone, f"{refund.reference} is told as done, and is {theirs.status}"

    def asks_in_vain(self, refund: Refund) -> bool:
        """Whether the payment of a refund is one that a reconcile cannot ask about."""
        return refund.payment not in {one.id for one in self.shop.orders["1001"].payments}

    # --- what a person does who looks at the list --------------------------------------------------------

    @rule(most=st.integers(1, 5))
    def a_person_does_what_the_list_says(self, most: int) -> None:
        for item in self.listed()[:most]:
            self.decide(item)

    def listed(self) -> list[AttentionItem]:
        return sorted(self.desk.attention(limit=500).items, key=lambda one: (one.kind, one.since or NOON))

    def decide(self, item: AttentionItem) -> None:
        """One thing that a person does about an item, by a method that it names."""
        for method in item.can_do:
            if self.attempt(partial(getattr(self, f"by_{method}", lambda _: None), item)):
                return

    def refund_named(self, item: AttentionItem) -> Refund:
        return self.desk.dossier("1001").refund(item.about)

    def by_settle_refund(self, item: AttentionItem) -> Any:
        """He looked in the provider's books first; one who is free may believe that it did not happen."""
        refund = self.refund_named(item)
        made = next((one for one in self.books() if one.refund_id == refund.id), None)
        if made is not None and made.status in (RefundStatus.FAILED, RefundStatus.CANCELLED):
            made = None
        return self.desk.settle_refund(
            "1001",
            refund.id,
            happened=made is not None,
            reference=made.reference if made is not None else "",
            evidence="I looked in the dashboard",
            by=ANNA,
        )

    def by_retry_refund(self, item: AttentionItem) -> Any:
        """What he let go before and waits again is not let go once more."""
        refund = self.refund_named(item)
        if refund.state is not RefundState.UNKNOWN and (
            refund.let_go_after is not None or not (self.free or self.is_still_owed(refund))
        ):
            return None
        return self.desk.retry_refund("1001", item.about, by=ANNA)

    def by_cancel_refund(self, item: AttentionItem) -> Any:
        return self.desk.cancel_refund("1001", item.about, by=ANNA)

    def by_match_refund(self, item: AttentionItem) -> Any:
        """He knows which one he made after which link."""
        external = self.refund_named(item)
        ours = next((one for one, made in self.made_for.items() if made == external.reference), None)
        return None if ours is None else self.desk.match_refund("1001", ours, item.about, by=ANNA)

    def by_explain_payment(self, item: AttentionItem) -> Any:
        """What has another name now became that; what another payment took the place of may be of another order."""
        gone = self.payment_called(self.desk.dossier("1001").payments[item.about].reference)
        now = list(self.shop.orders["1001"].payments)
        same = next((one for one in now if self.payment_called(one.reference) == gone), None)
        became = same or (now[0] if now and self.forms % 2 else None)
        done = self.desk.explain_payment("1001", item.about, became=became.id if became else None, by=ANNA)
        if became is None:
            self.said_gone.add(gone)
            self.became.pop(gone, None)
        elif same is None:
            self.said_gone.discard(gone)
            self.became[gone] = self.payment_called(became.reference)
        return done

    def by_reconcile(self, item: AttentionItem) -> Any:
        if item.kind == "payment_doubled":
            self.shop_stores(self.names[0])
        return self.desk.reconcile("1001") if "acknowledge" not in item.can_do else None

    def by_acknowledge(self, item: AttentionItem) -> Any:
        return self.desk.acknowledge("1001", item.kind, item.about, by=ANNA)

    def by_answer_restock(self, item: AttentionItem) -> Any:
        return self.desk.answer_restock("1001", item.about, RestockDecision.all(), by=ANNA)

    def by_check_settings(self, item: AttentionItem) -> Any:
        self.mend()
        return True

    def by_retry_set_aside(self, item: AttentionItem) -> Any:
        return self.desk.retry_set_aside("1001")

    # --- invariants --------------------------------------------------------------------------------------

    @precondition(lambda self: hasattr(self, "faults"))
    @invariant()
    def nothing_went_out_that_must_not(self) -> None:
        assert not self.faults, self.faults

    @precondition(lambda self: hasattr(self, "faults"))
    @invariant()
    def no_refund_of_ours_was_made_twice(self) -> None:
        made = Counter(one.refund_id for one in self.books() if one.refund_id)
        assert not {one: times for one, times in made.items() if times > 1}

    @precondition(lambda self: hasattr(self, "faults"))
    @invariant()
    def a_refund_whose_money_is_out_always_counts(self) -> None:
        """Whatever we believe of a refund of ours: if the provider made it, it counts, unless a person said before that
        it did not happen, or the provider had said that it failed."""
        out = {one.refund_id for one in self.books() if one.gone and one.refund_id}
        for refund in self.refunds:
            if refund.id in out and refund.settled is None:
                assert refund.counts_against_payment, f"{refund.id} is out, and {refund.state} here"

    # --- the end -----------------------------------------------------------------------------------------

    def teardown(self) -> None:
        """All that was lost is found, all that waits for a person is decided by one, and the books are the same."""
        if not hasattr(self, "faults"):
            return
        self.mend()
        self.find_what_is_lost()
        self.decide_everything()
        self.the_books_agree()
        self.what_is_suggested_is_what_is_owed()

    def find_what_is_lost(self) -> None:
        """No webhook comes any more. Reading the books and waiting for a day is enough."""
        for pause in (0 * MINUTE, 1 * MINUTE, 15 * MINUTE, 90 * MINUTE, 7 * 60 * MINUTE, DAY + MINUTE):
            self.pass_by(pause)
            self.attempt(lambda: self.desk.reconcile("1001"))
            self.work_until_idle()

    def work_until_idle(self) -> None:
        for _ in range(50):
            if self.desk.work().idle:
                return
        raise AssertionError("there is work without an end")

    def decide_everything(self) -> None:
        """Everything on the list can be decided, by a method that it names."""
        for _ in range(MOST_DECISIONS):
            items = self.listed()
            if not items and not self.give_up_open_links():
                break
            for item in items:
                self.decide(item)
            self.pass_by(DAY + MINUTE)
            self.attempt(lambda: self.desk.reconcile("1001"))
            self.work_until_idle()
        waits = [f"{one.what}: {one.why} {one.can_do}" for one in self.listed()]
        assert not waits, waits

    def give_up_open_links(self) -> bool:
        """What nobody made in the dashboard is not going to be made."""
        given_up = False
        for refund in self.refunds:
            if refund.state is RefundState.AWAITING_MERCHANT:
                self.desk.cancel_refund("1001", refund.id, by=ANNA)
                given_up = True
        return given_up

    def the_books_agree(self) -> None:
        """The provider's books with what a person paid by hand, what the store counts, and what the timeline's
        sentences tell are the same, refund by refund; nothing is unknown and nothing waits."""
        asked = {*self.stored, *[self.payment_called(self.reference_of(one)) for one in self.refunds]}
        there = {one.reference: one.minor for one in self.books() if one.gone and one.payment in asked}
        there |= {reference: minor for reference, (_, minor) in self.by_hand.items()}
        here = {one.reference: one.amount.minor for one in self.refunds if one.counts_against_payment}
        told = money_told(self.desk.timeline("1001"), self.sale.currency)
        assert here == there, f"the store has {here}, and the provider's books {there}"
        assert told == there, f"the timeline tells {told}, and the provider's books {there}"
        for payment in sorted(self.stored & {*self.with_payments()}):
            has, knows, tells = self.bank_has(payment), self.known_here(payment), self.told_here(payment)
            assert knows == has, f"the store has {knows} at the bank of {payment}, and the provider's books {has}"
            assert tells == has, f"the timeline tells of {tells} at the bank of {payment}, and it has {has}"
        assert len(here) == len([one for one in self.refunds if one.counts_against_payment])
        waits = [one for one in self.refunds if one.needs_person or one.state not in _ENDED]
        assert not waits, f"{[one.state.value for one in waits]} after all was decided"

    def known_here(self, payment: str) -> int:
        """What a bank has of a payment of the order as its provider has it, by the store."""
        dossier = self.desk.dossier("1001")
        here = next(one for one in self.shop.orders["1001"].payments if self.payment_called(one.reference) == payment)
        return dossier.charged_back_there(here.id, self.sale.currency).minor

    def told_here(self, payment: str) -> int:
        """What a bank has of it by the timeline: the last sentence about it, by any of its names."""
        references = {one.id: one.reference for one in self.desk.dossier("1001").payments.values()}
        told = banks_told(self.desk.timeline("1001"), self.sale.currency)
        of_it = [minor for name, minor in told if self.payment_called(references[name]) == payment]
        return of_it[-1] if of_it else 0

    def what_is_suggested_is_what_is_owed(self) -> None:
        """What is owed for the goods and did not go back yet, as far as it is left on the payments; or nothing, and
        why."""
        options = self.desk.refund_options("1001")
        if self.nobody_counts(options):
            assert not any(one.suggested for one in options)
            return
        gone: Counter[str] = Counter()
        for payment, minor in self._money_of_the_order():
            gone[payment] += minor
        banks = Counter({payment: self.bank_has(payment) for payment in self.with_payments()})
        on_order = {one for payment in self.stored for one in self.one_with(payment)}
        went = sum(gone.values()) + sum(banks[payment] for payment in on_order)
        lefts = []
        for option in options:
            on_it = self.one_with(self.payment_called(option.payment.reference))
            lefts.append(max(self.sale.captured - sum(gone[payment] + banks[payment] for payment in on_it), 0))
            assert option.left.minor == lefts[-1], f"{option.left} of {option.payment.id} here, and {lefts[-1]} there"
        told, (shares, _) = [one.suggested.minor for one in options], self.suggested_of(went, lefts)
        assert told == shares, f"{shares} are owed by both books, and {told} are suggested"

    def _money_of_the_order(self) -> Iterator[tuple[str, int]]:
        asked = {*self.stored, *[self.payment_called(self.reference_of(one)) for one in self.refunds]}
        for one in self.books():
            if one.gone and one.payment in asked:
                yield one.payment, one.minor
        yield from self.by_hand.values()


_ENDED = frozenset(
    {RefundState.SUCCEEDED, RefundState.PENDING, RefundState.FAILED, RefundState.CANCELLED, RefundState.REVERSED}
)


def explore(machine: type[TwoBooks], *, examples: int, steps: int) -> None:
    """Run a machine of two books. Time really passes here as well: where a second more makes the same choices go
    another way, Hypothesis stops before it has found anything, and begins again with others."""
    for tries_left in (3, 2, 1, 0):
        try:
            run_state_machine_as_test(  # type: ignore[no-untyped-call]
                machine,
                settings=settings(
                    max_examples=examples,
                    stateful_step_count=steps,
                    deadline=None,
                    phases=[Phase.generate],
                    suppress_health_check=list(HealthCheck),
                ),
            )
        except FlakyStrategyDefinition:
            if not tries_left:
                raise
        else:
            return
