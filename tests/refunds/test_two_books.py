"""Two books at a provider in memory that does everything a provider can do wrong, on each database."""

from __future__ import annotations

import datetime
import logging
import os
from collections.abc import Sequence
from typing import Any

import pytest
from goods_sold import Sale
from hypothesis import strategies as st
from hypothesis.stateful import initialize, precondition, rule
from one_order import AMOUNTS, DAY, MINUTE, NOON, WHICH, Booked, Host, forget_everything
from sqlalchemy import Engine
from two_books import TwoBooks, explore

from retour import MemoryShop, Money, RefundState, ReturnDesk, connect
from retour.providers import AmountStep, Disposition, ErrorCode, ProviderError, RefundRequest, RefundStatus, Support
from retour.providers.errors import DISPOSITIONS

EXAMPLES = int(os.environ.get("RETOUR_EXAMPLES", "15"))
NOT_DONE = [code for code in ErrorCode if DISPOSITIONS[code] is not Disposition.RECONCILE]
UNCLEAR = [code for code in ErrorCode if DISPOSITIONS[code] is Disposition.RECONCILE]
FAULTS = st.one_of(
    st.none(),
    st.tuples(st.sampled_from(UNCLEAR), st.booleans()),
    st.tuples(st.sampled_from(NOT_DONE), st.just(False)),
    st.tuples(st.just(ErrorCode.RATE_LIMITED), st.just(False)),
)
"""How a refund can go wrong, and whether it was done all the same."""

STAND_STILL = st.tuples(
    st.sampled_from(["refund", "refundable", "list_refunds", "find_refund"]),
    st.sampled_from([1 * MINUTE, 3 * MINUTE, 70 * MINUTE, DAY + MINUTE]),
    st.booleans(),
    st.booleans(),
)
"""In the middle of which call, for how long, whether its own clock counts it, whether the other host works then."""

STEPS = (
    AmountStep(currency="HUF", minor_units=100, method="paypal"),
    AmountStep(currency="MGA", minor_units=100),
    AmountStep(currency="KWD", minor_units=10),
)
SALES = (
    Sale(),
    Sale(bowls=70_00),
    Sale(captured=499_90, bowls=70_01, sale=33_33),
    Sale(currency="HUF", captured=499_00, step=100, method="paypal", bowls=70_00),
    Sale(currency="HUF", captured=499_90, safe_step=100, method="ideal"),
    Sale(currency="MGA", captured=499_40, step=100, bowls=70_00, sale=33_33),
    Sale(currency="KWD", captured=499_90, step=10, taxed=True),
    Sale(currency="JPY", captured=499_90, bowls=70_00, taxed=True),
)
"""Of one of them a part is left over that no step can pay."""

SPELLED = ("p_1", "s_1", "ch_1", " p_1", "P_1", "charge:ch_1")


def read_as(name: str) -> str:
    """What the plugin makes of a name as a shop spells it."""
    return name.rpartition(":")[2].strip().lower()


class TwoBooksInMemory(TwoBooks):
    """The provider refunds no more than it has of a payment, which can be more than the shop sold for it."""

    world: Any
    engines: Sequence[Engine]
    provider = "ledger"
    names = SPELLED
    unrelated = ("p_2", "x_9")

    @initialize(
        free=st.booleans(),
        lookup=st.sampled_from(
            [
                (Support.YES, None),
                (Support.YES, datetime.timedelta(hours=3)),
                (Support.PARTIAL, None),
                (Support.PROVIDER_CANNOT, None),
            ]
        ),
        tells_names=st.sampled_from([Support.YES, Support.PROVIDER_CANNOT]),
        stored=st.sampled_from(SPELLED),
        times_captured=st.sampled_from([1, 2]),
        sale=st.sampled_from(SALES),
        inline=st.sampled_from([0.0, 10.0, 10.0]),
        units=st.integers(1, 4),
    )
    def open(
        self,
        free: bool,
        lookup: tuple[Support, datetime.timedelta | None],
        tells_names: Support,
        stored: str,
        times_captured: int,
        sale: Sale,
        inline: float,
        units: int,
    ) -> None:
        world = self.world
        forget_everything(self.engines[0])
        world.now = NOON
        paid = {name: sale.money(times_captured * sale.captured) for name in ("p_1", "p_2")}
        self.ledger = world.provider.Ledger(clock=lambda: world.now, paid=paid)
        self.ledger.called, self.ledger.read_as = {"s_1": "p_1", "ch_1": "p_1"}, read_as
        self.ledger.methods = dict.fromkeys(paid, sale.method)
        self.ledger.watch, self.ledger.connecting = self.watch, lambda: self.perhaps_stand_still("refund")
        self.shop = world.shop = MemoryShop()
        find, complete = lookup
        self.may_be_blind = complete is None or find is not Support.YES
        self.plugin = world.provider.plugin(
            world.provider.make_provider(
                self.ledger,
                find_refund=find,
                lookup_complete_after=complete,
                payment_names=tells_names,
                cancel_refund=Support.YES,
                late_failure_within=90 * DAY,
                steps=STEPS,
            )
        )
        self.inline = inline
        self.stands_still: tuple[str, datetime.timedelta, bool, bool] | None = None
        self.hosts = [self.host(engine, ahead) for engine, ahead in zip(self.engines, (0 * DAY, DAY), strict=True)]
        self.begin(sale, free=free, stored=stored, units=units)

    def host(self, engine: Engine, ahead: datetime.timedelta, plugins: Sequence[object] | None = None) -> Host:
        host = Host(desk=None, ahead=ahead)  # type: ignore[arg-type]  # made below, with this host's clocks
        host.desk = ReturnDesk(
            shop=self.shop,
            store=engine,
            plugins=[self.plugin, "manual_transfer"] if plugins is None else plugins,
            migrate=False,
            clock=lambda: self.world.now + host.ahead,
            elapsed=lambda: (self.world.now - NOON - host.stood_still).total_seconds(),
            inline_seconds=self.inline,
        )
        return host

    # --- the provider ------------------------------------------------------------------------------------

    def books(self) -> Sequence[Booked]:
        return [
            Booked(
                reference=reference,
                payment=self.ledger.targets[reference],
                minor=one.amount.minor,
                status=one.status,
                refund_id=one.refund_id,
            )
            for reference, one in self.ledger.refunds.items()
        ]

    def payment_called(self, name: str) -> str:
        target: str = self.ledger.target(name)
        return target

    def refund_in_dashboard(self, payment: str, minor: int) -> str | None:
        if payment not in self.ledger.paid or self.ledger.total(payment) + minor > self.sale.captured or not minor:
            return None
        self.world.now += datetime.timedelta(seconds=1)
        reference: str = self.ledger.add(payment, self.sale.money(minor)).reference
        return reference

    def what_time_it_is(self) -> datetime.datetime:
        now: datetime.datetime = self.world.now
        return now

    def bank_moves(self, which: int) -> None:
        movable = [
            (reference, status)
            for reference, one in self.ledger.refunds.items()
            for status in _THEN.get(one.status, ())
        ]
        if movable:
            self.ledger.turn(*movable[-1 - which % len(movable)])

    def bank_has(self, payment: str) -> int:
        taken: Money | None = self.ledger.taken_back.get(payment)
        return taken.minor if taken is not None else 0

    def bank_acts(self, what: str, payment: str, minor: int) -> None:
        """This provider knows no disputes that are open. What a bank takes can be more than is left of it."""
        took = self.bank_has(payment)
        if payment not in self.ledger.paid or what == "opens":
            return
        now = 0 if what == "gives back" else min(took + minor, self.sale.captured)
        self.ledger.taken_back[payment] = self.sale.money(now)

    def webhooks(self) -> Sequence[tuple[dict[str, str], bytes]]:
        told = []
        for number, (reference, status) in enumerate(self.ledger.said):
            payment = self.ledger.targets[reference]
            name = ("p_1", "s_1", "ch_1")[number % 3] if payment == "p_1" else payment
            told += [f"refund:{reference}:{status.value}:{name}", f"fetch:{name}"]
        return [({"signature": "right"}, one.encode()) for one in told]

    def pass_by(self, time: datetime.timedelta) -> None:
        self.world.now += time

    def mend(self) -> None:
        self.ledger.lookup_fails, self.ledger.blind = 0, False
        self.ledger.before, self.ledger.after = [], []
        self.stands_still = None
        for number, host in enumerate(self.hosts):
            if not host.desk.plugins:
                self.hosts[number].desk = self.host(self.engines[number], host.ahead).desk
                self.hosts[number].stood_still = datetime.timedelta(0)

    def watch(self, call: str, request: RefundRequest | None) -> None:
        """At the moment of each call. What is raised here would be taken for the provider's own error, so it is
        noted."""
        if call == "refund" and request is not None:
            self.about_to_send(request.refund_id, request.target, request.amount.minor)
        else:
            self.perhaps_stand_still(call)

    # --- what goes wrong on the way ----------------------------------------------------------------------

    def next_goes_wrong(self, fault: tuple[ErrorCode, bool] | None) -> None:
        """The next refund is refused, or its answer is lost, and it was done all the same."""
        self.ledger.before, self.ledger.after = [], []
        if fault is not None:
            code, done = fault
            errors = [ProviderError(code, "wrong", not_before=10 * MINUTE)]
            self.ledger.before, self.ledger.after = ([], errors) if done else (errors, [])

    @rule(fault=FAULTS, times=st.integers(1, 2), tidy=st.booleans())
    def refund_what_is_owed(self, fault: tuple[ErrorCode, bool] | None, times: int, tidy: bool) -> None:
        self.next_goes_wrong(fault)
        self.refund_what_is_suggested(times, tidy=tidy)

    @rule(
        code=st.sampled_from([ErrorCode.RATE_LIMITED, ErrorCode.OUTCOME_UNKNOWN, ErrorCode.UNAVAILABLE]),
        done=st.booleans(),
        minutes=st.sampled_from([2, 50, 90, 240, 1500]),
        meanwhile=st.sampled_from(["nobody refunds", "nobody refunds", "nobody tells", "somebody tells"]),
        stands_still=st.booleans(),
    )
    def a_refund_is_late_or_its_answer_is_lost(
        self, code: ErrorCode, done: bool, minutes: int, meanwhile: str, stands_still: bool
    ) -> None:
        """Or its machine stands still when the connection stands, while another host works. More goods come back, and
        are to be refunded too. Perhaps a colleague refunds meanwhile, and somebody tells of that or nobody does; then
        workers come."""
        self.next_goes_wrong((code, done and code is not ErrorCode.RATE_LIMITED))
        self.ledger.blind = self.may_be_blind
        if stands_still:
            self.stands_still = ("refund", minutes * MINUTE, True, True)
        self.refund_what_is_suggested(tidy=True)
        self.goods_arrive(1)
        self.refund_what_is_suggested()
        if meanwhile != "nobody refunds":
            for payment in sorted(self.stored):
                self.colleague_refunds(payment, 500)
        if meanwhile == "somebody tells":
            self.compare_the_books(once_more=False)
        for part in (minutes - 1, 1):
            self.pass_by(part * MINUTE)
            self.desk.work()

    @precondition(lambda self: self.free)
    @rule(amount=AMOUNTS, fault=FAULTS)
    def refund_what_one_likes(self, amount: int, fault: tuple[ErrorCode, bool] | None) -> None:
        self.next_goes_wrong(fault)
        self.refund_an_amount(amount)

    @rule(
        data=st.data(),
        what=st.sampled_from(["lookups fail", "pending", "pending", "a machine", "a machine", "a clock", "the plugin"]),
    )
    def something_is_not_as_it_should_be(self, data: st.DataObject, what: str) -> None:
        """Lookups fail or see nothing, though one that promises to be complete keeps its promise; new refunds are
        pending, or are made at once again; a clock is set; the plugin goes away or comes back. A machine is going to
        stand still in the middle of a call, its own clock counts that or not, and the other host works meanwhile."""
        if what == "lookups fail":
            self.ledger.lookup_fails = data.draw(st.integers(0, 2))
            self.ledger.blind = data.draw(st.booleans()) and self.may_be_blind
        elif what == "pending":
            pending = self.ledger.new_status is RefundStatus.PENDING
            self.ledger.new_status = RefundStatus.SUCCEEDED if pending else RefundStatus.PENDING
        elif what == "a machine":
            self.stands_still = data.draw(STAND_STILL)
        elif what == "a clock":
            self.set_clock(data.draw(st.sampled_from([-24, -1, 1, 24])))
        else:
            host = self.hosts[self.turn]
            plugins = [] if host.desk.plugins else [self.plugin]
            self.hosts[self.turn] = self.host(self.engines[self.turn], host.ahead, plugins)

    def perhaps_stand_still(self, call: str) -> None:
        if self.stands_still is None or self.stands_still[0] != call:
            return
        (_, time, counted, meanwhile), self.stands_still = self.stands_still, None
        if call == "refund":  # what no clock of its own counted here nobody could notice any more
            counted = True
        until_others_may = min(time, 3 * MINUTE)
        self.pass_by(until_others_may)
        if meanwhile:
            self.turn = 1 - self.turn
            self.desk.work()
            self.turn = 1 - self.turn
        self.pass_by(time - until_others_may)
        if not counted:
            self.hosts[self.turn].stood_still += time

    @precondition(lambda self: any(one.gone for one in self.books()))
    @rule(which=WHICH)
    def a_bank_sends_money_back_and_nobody_tells(self, which: int) -> None:
        """Within the time in which a bank can, of a refund that succeeded by the provider's word: workers find it."""
        recently = self.what_time_it_is() - 60 * DAY
        known = [
            one
            for one in self.refunds
            if one.state is RefundState.SUCCEEDED and one.succeeded_at is not None and one.succeeded_at > recently
        ]
        there = [one for one in known if self.ledger.refunds[one.reference].status is RefundStatus.SUCCEEDED]
        if not there:
            return
        chosen = there[which % len(there)]
        self.mend()
        self.ledger.turn(chosen.reference, RefundStatus.FAILED)
        for _ in range(12):
            self.pass_by(10 * DAY)
            self.work_until_idle()
        now = self.desk.dossier("1001").refunds.get(chosen.id)
        assert now is None or now.state is RefundState.REVERSED, f"{chosen.reference} came back, and is {now.state}"

    @precondition(lambda self: any(one.gone for one in self.books()))
    @rule(days=st.sampled_from([2, 9, 40, 100]))
    def days_pass_and_nobody_tells_anything(self, days: int) -> None:
        """Workers alone find what banks sent back, of all that had succeeded by the provider's word."""
        for _ in range(min(days, 10)):
            self.pass_by(days * DAY / min(days, 10))
            self.desk.work()


_THEN = {
    RefundStatus.PENDING: (RefundStatus.SUCCEEDED, RefundStatus.FAILED, RefundStatus.CANCELLED),
    RefundStatus.SUCCEEDED: (RefundStatus.FAILED,),
}
"""What can become of a refund: nothing comes back from the dead."""


@pytest.mark.long
def test_what_the_provider_did_and_what_we_say_never_differ(world: Any, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.CRITICAL, "retour")
    engines = [connect(world.database) for _ in range(2)]
    ReturnDesk(shop=MemoryShop(), store=engines[0], migrate=True)
    explore(
        type("TwoBooksInMemory", (TwoBooksInMemory,), {"world": world, "engines": engines}),
        examples=EXAMPLES if world.database.startswith("sqlite") else EXAMPLES // 3,
        steps=40,
    )
    for engine in engines:
        engine.dispose()
