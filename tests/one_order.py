"""One order with both its books, the provider's and ours: what a machine of `two_books` knows of it, what a provider's
machine says, what may be suggested, and what must hold when money goes out.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

import attrs
from goods_sold import BOWLS, CUPS, OF_LINES, Goods, Sale
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine
from sqlalchemy import Engine

from retour import (
    Actor,
    MemoryShop,
    Mode,
    ReasonCode,
    Refund,
    RefundOption,
    RefundState,
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


class OneOrder(RuleBasedStateMachine):
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
        self.steps_unknown: set[str] = set()
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

    # --- what came back, and what is suggested for it ----------------------------------------------------

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
        what no step can pay is told; where the provider's plugin is away, nobody knows its steps."""
        if not self.desk.plugins:
            return
        went = self.desk.dossier("1001").refunded_in_all(self.sale.currency).minor
        went += sum(one.charged_back.minor for one in options)
        said = self.desk.dossier("1001").identities
        known = [one.payment.id in said and bool(said[one.payment.id].method) for one in options]
        shares, rest = self.suggested_of(went, [one.left.minor for one in options], known)
        told = [one.suggested.minor for one in options]
        assert told == shares, f"{shares} fit what is known, and {told} are suggested"
        never = sum(left % self.sale.step for left in [one.left.minor for one in options])
        remainder = sum(one.remainder.minor for one in options if one.remainder is not None)
        if len(options) == 1 and options[0].left.minor <= rest + shares[0]:
            assert remainder == min(rest, never), f"{remainder} are left over by retour, and {min(rest, never)} really"

    def suggested_of(self, went: int, left: Sequence[int], known: Sequence[bool] = ()) -> tuple[list[int], int]:
        """What of that can be paid on payments of which so much is left, and what of it is left over. It is ``known``
        how each of them was paid, or the largest step holds."""
        captured = sum(one.captured.minor for one in self.shop.orders["1001"].payments)
        rest = max(min(self.goods.owed - went, captured - went - self.goods.due_for_the_rest), 0)
        shares = []
        for each, method_known in zip(left, known or [True] * len(left), strict=True):
            shares.append(self.sale.payable(rest, each, method_known=method_known))
            rest = max(rest - shares[-1], 0)
        return shares, rest

    def reference_of(self, refund: Refund) -> str:
        """What the shop called the payment of a refund when it was made."""
        return self.desk.dossier("1001").payments[refund.payment].reference

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

    # --- what the provider and the banks do --------------------------------------------------------------

    def with_payments(self) -> Sequence[str]:
        """The provider's payments."""
        return sorted({self.payment_called(one) for one in (self.names[0], self.unrelated[0])})

    # --- the end -----------------------------------------------------------------------------------------

    def known_here(self, payment: str) -> int:
        """What a bank has of a payment of the order as its provider has it, by the store."""
        dossier = self.desk.dossier("1001")
        here = next(one for one in self.shop.orders["1001"].payments if self.payment_called(one.reference) == payment)
        return dossier.charged_back_there(here.id, self.sale.currency).minor
