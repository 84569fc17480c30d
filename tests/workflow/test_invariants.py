"""Invariants 1, 2, 8, 9, 10 and 11 under random commands, on both databases."""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Callable, Sequence
from typing import Any

import attrs
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from retour import (
    Actor,
    Counted,
    MemoryShop,
    Money,
    Objection,
    Order,
    RestockDecision,
    RetourError,
    ReturnDesk,
    StockMovement,
    StockRefused,
    hookimpl,
)
from retour.model.returns import GoodsState, MovementState, Return
from retour.testing import a_line, a_service, an_order

ANNA = Actor.staff("anna")
CUSTOMER = Actor.customer("c-17")
LINES = ("teapot", "cup", "card")
EXAMPLES = int(os.environ.get("RETOUR_EXAMPLES", "15"))
"""How many random orders; ``make campaign`` tries many more."""


SENSIBLE = {
    GoodsState.REQUESTED: ["approve", "approve", "reject", "cancel"],
    GoodsState.APPROVED: ["send", "send", "cancel"],
    GoodsState.IN_TRANSIT: ["send", "cancel"],
    GoodsState.PARTLY_RECEIVED: ["close"],
    GoodsState.RECEIVED: ["close"],
    GoodsState.REJECTED: ["reopen"],
    GoodsState.CANCELLED: ["reopen"],
    GoodsState.CLOSED: ["reopen"],
}
"""The steps that a return can take. Hands that never know them would hardly get beyond a request."""

SHOP_MOODS = ["well", "well", "well", "fails before", "fails after", "refuses", "refuses one product"]
PLUGIN_MOODS = st.one_of(
    st.none(),
    st.none(),
    st.sampled_from([ValueError("moody"), SystemExit(1), "nonsense", 7]),
    st.sampled_from([RestockDecision.all(), RestockDecision.by_hand(), RestockDecision.lines({"cup": 2})]),
    st.sampled_from([Objection.review("look"), Objection.refuse("no")]),
)


class Moody:
    """A plugin that answers well, badly, or not at all, as the test draws it."""

    name = "moody"

    def __init__(self) -> None:
        self.mood: object = None

    def _answer(self) -> object:
        if isinstance(self.mood, BaseException):
            raise self.mood
        return self.mood

    @hookimpl
    def restock_policy(self) -> object:
        return self._answer()

    @hookimpl
    def return_policy(self) -> object:
        return self._answer()

    @hookimpl
    def on_order_returned(self) -> None:
        self._answer()

    @hookimpl
    def on_restocked(self) -> None:
        self._answer()


class MoodyShop(MemoryShop):
    """A shop that sometimes fails, before or after it has booked, and sometimes refuses for ever."""

    def __init__(self) -> None:
        super().__init__()
        self.mood = "well"

    def book_stock(self, movements: Sequence[StockMovement]) -> None:
        if self.mood == "fails before":
            raise ConnectionError("no connection to the shop")
        new = [movement.id for movement in movements if movement.id not in self.bookings]
        if self.mood == "refuses" and new:
            raise StockRefused("this product is gone", movements=new)
        gone = [movement.id for movement in movements if movement.id in new and movement.product == "a"]
        if self.mood == "refuses one product" and gone:
            raise StockRefused("this product is gone", movements=gone)
        super().book_stock(movements)
        if self.mood == "fails after":
            raise TimeoutError("no answer from the shop")


class Returns(RuleBasedStateMachine):
    """Random commands on one order, by hands that are not careful."""

    url: str
    plain: Any
    """The second fold, with which the product's is compared."""
    numbers = 0

    @initialize(
        units=st.tuples(*[st.integers(1, 6)] * 3),
        products=st.sampled_from([("a", "b", "c"), ("a", "a", "a"), ("a", "a", "b")]),
        tracked=st.booleans(),
        shop_mood=st.sampled_from(SHOP_MOODS),
        plugin_mood=PLUGIN_MOODS,
    )
    def open(
        self, units: tuple[int, ...], products: tuple[str, ...], tracked: bool, shop_mood: str, plugin_mood: object
    ) -> None:
        Returns.numbers += 1
        self.order_id = f"{id(self)}-{Returns.numbers}"
        lines = [
            a_line(line_id, number, f"{7 * number}.01", product=product, stock_tracked=tracked or line_id != "card")
            for line_id, number, product in zip(LINES, units, products, strict=True)
        ]
        self.shop = MoodyShop()
        self.shop.orders[self.order_id] = an_order(*lines, a_service("postage"), order_id=self.order_id)
        self.plugin = Moody()
        self.desk = ReturnDesk(shop=self.shop, store=self.url, plugins=[self.plugin], migrate=True)
        with self.desk._services.store.engine.begin() as connection:
            connection.exec_driver_sql("DELETE FROM retour_effect")  # what an earlier order left is not ours
        self.requests = 0
        self.version = 0
        self.shop.mood, self.plugin.mood = shop_mood, plugin_mood

    def teardown(self) -> None:
        if hasattr(self, "desk"):
            self.desk.close()

    # --- moods -----------------------------------------------------------------------------------------

    @rule(mood=st.sampled_from(SHOP_MOODS))
    def shop_mood(self, mood: str) -> None:
        self.shop.mood = mood

    @rule(mood=PLUGIN_MOODS)
    def plugin_mood(self, mood: object) -> None:
        self.plugin.mood = mood

    @rule(data=st.data(), really=st.sampled_from([False, False, True]))
    def change_order(self, data: st.DataObject, really: bool) -> None:
        """The host changes what was fulfilled, up or down."""
        if not really:
            return
        order = self.shop.orders[self.order_id]
        lines = [
            attrs.evolve(line, fulfilled=data.draw(st.integers(0, line.ordered))) if line.id in LINES else line
            for line in order.lines
        ]
        self.shop.orders[self.order_id] = attrs.evolve(order, lines=tuple(lines))

    # --- commands --------------------------------------------------------------------------------------

    def attempt(self, command: Callable[[str], object]) -> None:
        """Run a command; when it is refused, nothing has changed."""
        before = self.desk.dossier(self.order_id)
        self.requests += 1
        try:
            command(f"form-{self.requests}")
        except RetourError:
            assert self.desk.dossier(self.order_id) == before
        else:
            after = self.desk.dossier(self.order_id)
            assert after.version >= before.version

    def pick(self, data: st.DataObject) -> Return | None:
        returns = list(self.desk.dossier(self.order_id).returns.values())
        return data.draw(st.sampled_from(returns)) if returns else None

    sensible = st.lists(
        st.builds(
            Counted,
            line_id=st.sampled_from(LINES),
            sellable=st.integers(0, 2),
            damaged=st.integers(0, 1),
            missing=st.sampled_from([0, 0, 0, 1]),
            wrong=st.sampled_from([0, 0, 0, 1]),
            to_inspect=st.sampled_from([0, 0, 0, 1]),
            surplus=st.sampled_from([0, 0, 0, 0, 0, 1]),
        ),
        min_size=1,
        max_size=3,
        unique_by=lambda count: count.line_id,
    )
    careless = st.lists(
        st.builds(
            Counted,
            line_id=st.sampled_from([*LINES, "postage", "mug"]),
            sellable=st.integers(0, 9),
            damaged=st.integers(0, 2),
        ),
        max_size=3,
    )
    counts = st.one_of(sensible, sensible, sensible, careless)

    @rule(really=st.sampled_from([False, False, True]))
    def mark_returned(self, really: bool) -> None:
        """Not often: nothing is left to happen afterwards."""
        if really:
            self.attempt(lambda _: self.desk.mark_returned(self.order_id, by=ANNA))

    @rule(counts=counts)
    def mark_part_returned(self, counts: list[Counted]) -> None:
        self.attempt(
            lambda request: [
                self.desk.mark_returned(self.order_id, counts, by=ANNA, request_id=request) for _ in range(2)
            ]
        )

    @rule(
        lines=st.dictionaries(st.sampled_from(LINES), st.integers(1, 2), min_size=1, max_size=2),
        by=st.sampled_from([ANNA, CUSTOMER]),
    )
    def request(self, lines: dict[str, int], by: Actor) -> None:
        self.attempt(lambda request: self.desk.request_return(self.order_id, lines, by=by, request_id=request))

    @rule(data=st.data(), careful=st.sampled_from([True, True, False]))
    def step(self, data: st.DataObject, careful: bool) -> None:
        chosen = self.pick(data)
        if chosen is not None:
            self.take_a_step(data, chosen, careful)

    def take_a_step(self, data: st.DataObject, chosen: Return, careful: bool) -> None:
        any_step = ["approve", "reject", "send", "cancel", "close", "reopen"]
        step = data.draw(st.sampled_from(SENSIBLE.get(chosen.goods, any_step) if careful else any_step))
        desk, order_id = self.desk, self.order_id
        steps: dict[str, Callable[[str], object]] = {
            "approve": lambda _: desk.approve_return(order_id, chosen.id, by=ANNA),
            "reject": lambda _: desk.reject_return(order_id, chosen.id, by=ANNA, because="no"),
            "send": lambda _: desk.mark_sent(order_id, chosen.id, by=CUSTOMER),
            "cancel": lambda _: desk.cancel_return(order_id, chosen.id, by=CUSTOMER),
            "close": lambda _: desk.close_return(order_id, chosen.id, by=ANNA),
            "reopen": lambda _: desk.reopen_return(order_id, chosen.id, by=ANNA),
        }
        self.attempt(steps[step])

    @rule(data=st.data(), lines=st.dictionaries(st.sampled_from(LINES), st.integers(1, 2), min_size=1, max_size=2))
    def send_a_parcel_back(self, data: st.DataObject, lines: dict[str, int]) -> None:
        """A return's whole way, as it mostly goes: a random story alone seldom gets far."""
        before = self.desk.dossier(self.order_id).returns.keys()
        self.request(lines, CUSTOMER)
        for return_id in self.desk.dossier(self.order_id).returns.keys() - before:
            for _ in range(data.draw(st.integers(1, 3))):
                self.take_a_step(data, self.desk.dossier(self.order_id).return_(return_id), careful=True)
            self.count_a_parcel(data, self.desk.dossier(self.order_id).return_(return_id), None, more=False)

    @rule(data=st.data(), counts=st.none() | counts, more=st.booleans())
    def receive(self, data: st.DataObject, counts: list[Counted] | None, more: bool) -> None:
        """Count a parcel of a return: anything, or part of what was announced."""
        chosen = self.pick(data)
        if chosen is not None:
            self.count_a_parcel(data, chosen, counts, more)

    def count_a_parcel(self, data: st.DataObject, chosen: Return, counts: list[Counted] | None, more: bool) -> None:
        found = counts or [
            Counted(line_id=line_id, sellable=data.draw(st.integers(0, units)), damaged=data.draw(st.integers(0, 1)))
            for line_id, units in chosen.requested.items()
        ]
        self.attempt(
            lambda request: self.desk.receive(
                self.order_id, chosen.id, found, by=ANNA, request_id=request, more_than_requested=more
            )
        )

    @rule(data=st.data(), counts=st.none() | counts)
    def correct(self, data: st.DataObject, counts: list[Counted] | None) -> None:
        """Correct a receipt: to anything, or to no more than was counted."""
        chosen = self.pick(data)
        if chosen is not None and chosen.receipts:
            receipt = data.draw(st.sampled_from(list(chosen.receipts.values())))
            right = counts or [
                Counted(line_id=old.line_id, sellable=data.draw(st.integers(0, max(0, old.sellable))))
                for old in receipt.lines.values()
            ]
            self.attempt(lambda _: self.desk.correct_receipt(self.order_id, receipt.id, right, by=ANNA))

    @rule(data=st.data(), found=sensible)
    def inspect(self, data: st.DataObject, found: list[Counted]) -> None:
        """Of a receipt's units that nobody has judged: all of a line, or whatever somebody says."""
        chosen = self.pick(data)
        if chosen is not None and chosen.receipts:
            receipt = data.draw(st.sampled_from(list(chosen.receipts.values())))
            waiting = [Counted(line_id=one.line_id, sellable=one.to_inspect) for one in receipt.lines.values()]
            judged = [one for one in waiting if one.sellable] or found
            self.attempt(
                lambda request: self.desk.inspect_receipt(
                    self.order_id, receipt.id, judged, by=ANNA, request_id=request
                )
            )

    @rule(
        data=st.data(),
        decision=st.one_of(
            st.just(RestockDecision.all()),
            st.just(RestockDecision.by_hand()),
            st.dictionaries(st.sampled_from(LINES), st.integers(1, 2), min_size=1).map(RestockDecision.lines),
        ),
    )
    def answer(self, data: st.DataObject, decision: RestockDecision) -> None:
        chosen = self.pick(data)
        if chosen is not None:
            self.attempt(lambda _: self.desk.answer_restock(self.order_id, chosen.id, decision, by=ANNA))

    @rule(minor=st.integers(-10, 400))
    def confirm(self, minor: int) -> None:
        amount = Money(minor=minor, currency="EUR")
        self.attempt(
            lambda request: self.desk.confirm_refund(
                self.order_id, f"tr_{self.order_id}", amount, reference=f"re_{request}", by=ANNA, request_id=request
            )
        )

    @rule()
    def work(self) -> None:
        with self.desk._services.store.engine.begin() as connection:
            connection.exec_driver_sql(
                "UPDATE retour_effect SET not_before = 0, lease_until = 0 WHERE state = 'waiting'"
            )
        self.desk.work()

    # --- invariants ------------------------------------------------------------------------------------

    @property
    def order(self) -> Order:
        return self.shop.orders[self.order_id]

    @precondition(lambda self: hasattr(self, "desk"))
    @invariant()
    def one_units_in_live_returns_never_pass_those_fulfilled_by_a_decision_of_ours(self) -> None:
        """The host can take fulfilled units away afterwards; then nothing more is let in."""
        dossier = self.desk.dossier(self.order_id)
        ordered = {line.id: line.ordered for line in self.order.lines}
        assert all(units <= ordered[line_id] for line_id, units in dossier.claimed().items())
        for return_ in dossier.returns.values():
            assert all(count.units >= 0 for count in return_.counted.values())

    @precondition(lambda self: hasattr(self, "desk"))
    @invariant()
    def each_return_is_found_by_its_number_and_no_two_have_the_same(self) -> None:
        numbers = {one.number: one.id for one in self.desk.dossier(self.order_id).returns.values()}
        assert len(numbers) == len(self.desk.dossier(self.order_id).returns)
        for number, return_id in list(numbers.items())[-1:]:
            found = self.desk.find_return(number.lower())
            assert found is not None
            assert (found.order_id, found.return_id) == (self.order_id, return_id)

    @precondition(lambda self: hasattr(self, "desk"))
    @invariant()
    def two_each_sellable_unit_is_restocked_at_most_once_and_the_shop_agrees(self) -> None:
        dossier = self.desk.dossier(self.order_id)
        applied: dict[str, int] = {}
        for return_ in dossier.returns.values():
            counted, moved = return_.counted, return_.moved()
            for line in self.order.lines:
                sellable = counted[line.id].sellable if line.id in counted else 0
                known = moved.get(line.id, 0) + return_.by_hand.get(line.id, 0)
                assert known <= sellable
                if not any(one.state is MovementState.REFUSED for one in return_.movements.values()):
                    assert 0 <= moved.get(line.id, 0) <= sellable
                if not line.stock_tracked:
                    assert line.id not in moved
            for movement in return_.movements.values():
                if movement.state is MovementState.APPLIED:
                    product = movement.booking.product
                    applied[product] = applied.get(product, 0) + movement.booking.quantity
                    assert self.shop.bookings[movement.booking.id] == movement.booking
        pending = {
            one.booking.id
            for return_ in dossier.returns.values()
            for one in return_.movements.values()
            if one.state is not MovementState.APPLIED
        }
        booked: dict[str, int] = {}
        for booking in self.shop.bookings.values():
            if booking.id not in pending:
                booked[booking.product] = booked.get(booking.product, 0) + booking.quantity
        assert booked == applied

    @precondition(lambda self: hasattr(self, "desk"))
    @invariant()
    def eight_every_change_is_one_event_and_folding_them_gives_the_dossier(self) -> None:
        events = self.plain.stored_events(self.desk._services.store.engine, self.order_id)
        dossier = self.desk.dossier(self.order_id)
        assert [seq for seq, _, _ in events] == list(range(1, len(events) + 1))
        assert self.plain.plain_fold(events) == self.plain.plain_dossier(dossier)
        assert dossier.version == len(events) >= self.version
        self.version = dossier.version
        shown = [entry.seq for entry in self.desk.timeline(self.order_id) if entry.seq]
        assert shown == list(range(2, len(events) + 1))
        listed = {one.return_id: one for one in self.desk.list_returns(order_id=self.order_id, limit=500).returns}
        assert listed.keys() == dossier.returns.keys()
        for return_id, return_ in dossier.returns.items():
            assert (listed[return_id].goods, listed[return_id].stock) == (return_.goods, return_.stock)

    @precondition(lambda self: hasattr(self, "desk"))
    @invariant()
    def nine_a_rejected_or_cancelled_return_never_counts(self) -> None:
        for return_ in self.desk.dossier(self.order_id).returns.values():
            if return_.goods in (GoodsState.REJECTED, GoodsState.CANCELLED, GoodsState.EXPIRED):
                assert return_.claimed() == {}
                assert not any(count.units for count in return_.counted.values())

    @precondition(lambda self: hasattr(self, "desk"))
    @invariant()
    def eleven_amounts_are_whole_minor_units_and_no_float_is_stored(self) -> None:
        with self.desk._services.store.engine.connect() as connection:
            statement = "SELECT body FROM retour_event WHERE order_id = '" + self.order_id + "'"  # noqa: S608 - the test's own
            bodies = [row[0] for row in connection.exec_driver_sql(statement)]
        for body in bodies:
            json.loads(body, parse_float=pytest.fail)
        refunded = self.desk.dossier(self.order_id).refunded(f"mollie:tr_{self.order_id}", "EUR")
        assert 0 <= refunded.minor <= self.order.captured.minor


def test_no_command_plugin_or_shop_breaks_an_invariant(
    database: str, plain_fold: Any, caplog: pytest.LogCaptureFixture
) -> None:
    """Number 10 is in the moods: a plugin or a shop that raises or exits leaves no half step and stops nobody."""
    caplog.set_level(logging.CRITICAL, "retour")
    machine = type("Returns", (Returns,), {"url": database, "plain": plain_fold})
    run_state_machine_as_test(  # type: ignore[no-untyped-call]
        machine,
        settings=settings(
            max_examples=EXAMPLES if database.startswith("sqlite") else EXAMPLES // 2,
            stateful_step_count=25,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
