"""``work()`` goes on: what one order, effect, return or shop does wrong costs that one, and nobody else."""

from __future__ import annotations

import datetime
import logging
import time
from collections.abc import Callable, Sequence
from typing import Any

import attrs
import pytest

from retour import Actor, MemoryShop, Objection, Order, ReturnDesk, StockMovement, hookimpl
from retour.effects.attempt import Pauses
from retour.effects.kinds import KINDS, SOON
from retour.model.errors import StoreLocked
from retour.model.outcome import WorkReport
from retour.model.text import text
from retour.store.commit import Commit, NewEffect
from retour.store.effects import Effects
from retour.store.records import proven_row
from retour.testing import a_line, an_order

ANNA = Actor.staff("anna")
CUSTOMER = Actor.customer("c-1")
TODAY = datetime.datetime(2026, 11, 23, 12, tzinfo=datetime.UTC)
SECOND = datetime.timedelta(seconds=1)
DAY = datetime.timedelta(days=1)

MakeDesk = Callable[..., ReturnDesk]
TellDatabase = Callable[[datetime.datetime], None]


@pytest.fixture(autouse=True)
def quiet(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.CRITICAL, "retour")


@attrs.define
class Clock:
    now: datetime.datetime = TODAY

    def __call__(self) -> datetime.datetime:
        return self.now


def cups(*order_ids: str) -> list[Order]:
    return [an_order(a_line("cup", 2), order_id=order_id) for order_id in order_ids]


class Review:
    """Somebody has to approve each return, and says until when it can be sent."""

    @hookimpl
    def return_policy(self) -> Objection:
        return Objection.review("look at it")


def to_expire(desk: ReturnDesk, order_id: str, days: int = 0) -> str:
    """An approved return that has to be sent within ``days``; gives its id."""
    return_id = desk.request_return(order_id, {"cup": 1}, by=CUSTOMER, request_id="form-1").return_id
    desk.approve_return(order_id, return_id, by=ANNA, send_by=TODAY.date() + days * DAY)
    return return_id


def sql(desk: ReturnDesk, statement: str) -> None:
    with desk._services.store.engine.begin() as connection:
        connection.exec_driver_sql(statement)


def rows(desk: ReturnDesk, what: str) -> list[Any]:
    with desk._services.store.engine.connect() as connection:
        return [tuple(row) for row in connection.exec_driver_sql(f"SELECT {what} FROM retour_effect ORDER BY id")]  # noqa: S608 - the test's own


def from_the_future(desk: ReturnDesk, order_id: str) -> None:
    """A newer retour was here, and wrote an event that this one does not know."""
    sql(desk, f"UPDATE retour_event SET version = 99 WHERE order_id = '{order_id}' AND seq = 1")  # noqa: S608 - the test's own


# --- returns that expire, and personal data --------------------------------------------------------------


def test_an_overdue_return_of_an_order_that_was_deleted_expires_and_stops_nobody(
    tell_database: TellDatabase, make_desk: MakeDesk
) -> None:
    clock, shop = Clock(), MemoryShop(cups("1001", "1002"))
    desk = make_desk(shop=shop, plugins=[Review()], clock=clock, inline_seconds=0)
    return_id = to_expire(desk, "1001")
    desk.mark_returned("1002", by=ANNA, note="the neighbour brought it")
    deleted = shop.orders.pop("1001")
    clock.now += 366 * DAY
    tell_database(clock.now)
    report = desk.work()
    assert (report.expired, report.forgotten, report.done, report.postponed) == (1, 1, 1, ())
    assert shop.stock == {"cup": 2}
    shop.orders["1001"] = deleted
    assert desk.dossier("1001").return_(return_id).goods == "expired"


def test_a_return_expires_when_its_day_is_over_by_the_database_too(
    tell_database: TellDatabase, make_desk: MakeDesk
) -> None:
    clock = Clock()
    desk = make_desk(*cups("1001"), plugins=[Review()], clock=clock)
    return_id = to_expire(desk, "1001")
    clock.now += 30 * DAY  # this process's own clock is wrong
    assert desk.work().expired == 0
    assert desk.dossier("1001").return_(return_id).goods == "approved"
    tell_database(clock.now)
    assert desk.work().expired == 1


def test_a_process_whose_clock_is_behind_erases_no_note_early(tell_database: TellDatabase, make_desk: MakeDesk) -> None:
    clock = Clock()
    desk = make_desk(*cups("1001"), clock=lambda: clock.now - 400 * DAY)
    desk.mark_returned("1001", by=ANNA, note="the neighbour brought it")
    at_the_right_time = make_desk(*cups("1001"), clock=clock)
    assert at_the_right_time.work().forgotten == 0
    assert [entry.note for entry in at_the_right_time.timeline("1001") if entry.note] == ["the neighbour brought it"]


def test_an_overdue_return_that_nobody_can_read_stops_no_other(make_desk: MakeDesk) -> None:
    clock = Clock()
    desk = make_desk(*cups("1001", "1002", "1003"), plugins=[Review()], clock=clock)
    for days, order_id in enumerate(("1001", "1002", "1003")):
        to_expire(desk, order_id, days)
    from_the_future(desk, "1001")
    from_the_future(desk, "1002")
    clock.now += 3 * DAY
    report = desk.work(limit=1)
    assert report.expired == 1
    assert [(one.order_id, one.what) for one in report.postponed] == [
        ("1001", "expire a return"),
        ("1002", "expire a return"),
    ]
    assert "a newer retour wrote it" in report.postponed[0].problem
    again = desk.work()
    assert (again.expired, len(again.postponed), again.idle) == (0, 2, True)


def test_more_overdue_returns_than_one_page_all_expire(make_desk: MakeDesk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("retour.store.pages._PAGE", 2)
    clock = Clock()
    order_ids = [f"o{number}" for number in range(5)]
    desk = make_desk(*cups(*order_ids), plugins=[Review()], clock=clock)
    for order_id in order_ids:
        to_expire(desk, order_id)
    from_the_future(desk, "o0")
    clock.now += DAY
    assert [desk.work(limit=3).expired, desk.work(limit=3).expired] == [3, 1]


def test_personal_data_is_erased_before_everything_that_can_fail(
    tell_database: TellDatabase, make_desk: MakeDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = Clock()
    desk = make_desk(*cups("1001"), clock=clock)
    desk.mark_returned("1001", by=ANNA, note="the neighbour brought it")
    clock.now += 366 * DAY
    tell_database(clock.now)

    def locked(*_: Any, **__: Any) -> None:
        raise StoreLocked(text("The database stayed locked."))

    monkeypatch.setattr(Effects, "what_is_due", locked)
    assert desk.work() == WorkReport(forgotten=1)
    assert not any(entry.note for entry in desk.timeline("1001"))
    with pytest.raises(StoreLocked):
        desk.work()


# --- effects ---------------------------------------------------------------------------------------------


def test_a_shop_that_cannot_be_had_stops_no_other_shop(make_desk: MakeDesk) -> None:
    shops = {name: MemoryShop(cups("1001")) for name in ("north", "south")}
    desk = make_desk(shop=lambda name: shops[name], shop_id="north", inline_seconds=0)
    desk.for_shop("south").mark_returned("1001", by=ANNA)
    desk.mark_returned("1001", by=ANNA)
    south = shops.pop("south")
    report = desk.work()
    assert (report.done, report.failed, report.idle) == (1, 1, False)
    assert [(one.shop, one.order_id, one.what, one.problem) for one in report.postponed] == [
        ("south", "1001", "book_stock", "KeyError: 'south'")
    ]
    shops["south"] = south
    sql(desk, "UPDATE retour_effect SET not_before = 0 WHERE state = 'waiting'")
    assert desk.work().done == 1
    assert (shops["north"].stock, shops["south"].stock) == ({"cup": 2}, {"cup": 2})


def test_an_order_that_cannot_be_read_keeps_its_effects_for_later_and_stops_no_other(make_desk: MakeDesk) -> None:
    shop = MemoryShop(cups("1001", "1002"))
    desk = make_desk(shop=shop, inline_seconds=0)
    for order_id in shop.orders:
        desk.mark_returned(order_id, by=ANNA)
    from_the_future(desk, "1001")
    report = desk.work()
    assert (report.done, [one.order_id for one in report.postponed]) == (1, ["1001"])
    assert "a newer retour wrote it" in report.postponed[0].problem
    assert desk.work() == WorkReport()  # its pause holds


class Crm:
    """A plugin that hears of everything."""

    name = "crm"

    def __init__(self) -> None:
        self.heard: list[str] = []

    @hookimpl
    def on_order_returned(self) -> None:
        self.heard.append("returned")

    @hookimpl
    def on_restocked(self) -> None:
        self.heard.append("restocked")


def test_an_effect_whose_body_is_not_ours_costs_no_other_of_its_order(make_desk: MakeDesk) -> None:
    shop, crm = MemoryShop(cups("1001")), Crm()
    desk = make_desk(shop=shop, plugins=[crm], inline_seconds=0)
    desk.mark_returned("1001", by=ANNA)
    sql(desk, "UPDATE retour_effect SET body = '{\"movements\":7}' WHERE kind = 'book_stock'")
    report = desk.work()
    assert (report.done, [one.what for one in report.postponed]) == (1, ["book_stock"])
    assert crm.heard == ["returned"]
    assert ("waiting", report.postponed[0].problem) in rows(desk, "state, problem")


@pytest.mark.parametrize("place", ["retour.effects.stock.record_applied", "retour.steps.commit.proven_row"])
def test_an_outcome_that_cannot_be_recorded_costs_no_other_effect(
    make_desk: MakeDesk, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    shop, crm = MemoryShop(cups("1001")), Crm()
    desk = make_desk(shop=shop, plugins=[crm])

    def bug(*given: Any) -> Any:
        if place.endswith("proven_row") and given[2].event.type != "stock_applied":
            return proven_row(*given)
        raise ZeroDivisionError("a bug of ours")

    with monkeypatch.context() as patch:
        patch.setattr(place, bug)
        desk.mark_returned("1001", by=ANNA)
    assert crm.heard == ["returned"]
    assert sorted(rows(desk, "kind, state, problem")) == [
        ("announce", "done", ""),
        ("book_stock", "waiting", "ZeroDivisionError: a bug of ours"),
    ]
    sql(desk, "UPDATE retour_effect SET not_before = 0 WHERE state = 'waiting'")
    assert desk.work().done == 2
    assert (shop.stock, crm.heard) == ({"cup": 2}, ["returned", "restocked"])


def test_a_kind_that_only_a_newer_retour_knows_is_left_alone_and_reported(
    make_desk: MakeDesk, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING, "retour.desk")
    desk = make_desk(*cups("1001"))
    new = [NewEffect(id=f"ef{one}", kind="print_label", plugin="", body="{}", owner=None, lease=0) for one in range(30)]
    commit = Commit(id="cm", shop="default", order_id="1001", expected=0, events=(), effects=new)
    desk._services.store.save(commit)
    desk.mark_returned("1001", by=ANNA)
    before = rows(desk, "*")
    report = desk.work()
    assert (report.left_alone, report.failed, report.idle) == ({"print_label": 30}, 0, True)
    assert rows(desk, "*") == before
    assert "30 effects of kind print_label are left alone: a newer retour made them" in caplog.text


def test_every_kind_of_effect_is_in_the_table_under_its_stored_name() -> None:
    """These names are in stores, for ever."""
    assert sorted(KINDS) == [
        *("announce", "apply_stock", "book_stock", "cancel_label", "cancel_refund"),
        *("fetch_refund", "look_again", "look_at_label", "look_in_portal", "make_label", "provider_event"),
        *("reconcile", "send_refund", "shipment_event"),
    ]
    assert all(kind.kind == name for name, kind in KINDS.items())


# --- pauses ----------------------------------------------------------------------------------------------


def test_pauses_double_up_to_an_hour_and_then_stay() -> None:
    waits = [SOON.after(tries, 0.0) / 1_000_000 for tries in range(13)]
    assert waits == [5, 10, 20, 40, 80, 160, 320, 640, 1280, 2560, 3600, 3600, 3600]


def test_chance_makes_a_pause_longer_by_up_to_a_quarter_and_never_shorter() -> None:
    pauses = Pauses((8 * SECOND,))
    assert [pauses.after(0, chance) for chance in (0.0, 0.5, 1.0)] == [8_000_000, 9_000_000, 10_000_000]


@pytest.mark.parametrize("chance, longer", [(0.0, 1.0), (1.0, 1.25)])
def test_what_fails_waits_twice_as_long_after_each_try(make_desk: MakeDesk, chance: float, longer: float) -> None:
    class Away(MemoryShop):
        def book_stock(self, movements: Sequence[StockMovement]) -> None:
            raise ConnectionError("the stock is away")

    desk = make_desk(shop=Away(cups("1001")), inline_seconds=0)
    desk._services.runner.chance = lambda: chance
    desk.mark_returned("1001", by=ANNA)
    for pause in (5, 10, 20, 40):
        assert desk.work().failed == 1
        began = time.time()
        assert desk.work() == WorkReport()
        ((until,),) = rows(desk, "not_before")
        assert until / 1_000_000 - began == pytest.approx(pause * longer, abs=2)
        sql(desk, "UPDATE retour_effect SET not_before = 0 WHERE state = 'waiting'")


# --- how long a command runs its own effects -------------------------------------------------------------


class SlowShop(MemoryShop):
    """One for whose booking some seconds go by."""

    elapsed = 0.0

    def __init__(self, orders: Sequence[Order], seconds: float) -> None:
        super().__init__(orders)
        self.seconds = seconds

    def book_stock(self, movements: Sequence[StockMovement]) -> None:
        self.elapsed += self.seconds
        super().book_stock(movements)


def test_without_inline_seconds_a_command_runs_nothing_and_leaves_all_to_work(make_desk: MakeDesk) -> None:
    shop, crm = MemoryShop(cups("1001")), Crm()
    desk = make_desk(shop=shop, plugins=[crm], inline_seconds=0)
    outcome = desk.mark_returned("1001", by=ANNA)
    assert (shop.stock, crm.heard, len(outcome.effect_ids)) == ({}, [], 2)
    assert rows(desk, "attempts, lease_until <= created_at") in ([(0, True)] * 2, [(0, 1)] * 2)
    assert desk.work().done == 3  # what follows from the booking is told at once
    assert (shop.stock, sorted(crm.heard)) == ({"cup": 2}, ["restocked", "returned"])


def test_what_a_command_has_no_time_for_is_left_to_work(make_desk: MakeDesk) -> None:
    shop, crm = SlowShop(cups("1001"), 0.2), Crm()
    desk = make_desk(shop=shop, plugins=[crm], inline_seconds=0.1, elapsed=lambda: shop.elapsed)
    assert desk.mark_returned("1001", by=ANNA).restock.state == "applied"
    assert crm.heard == []
    assert desk.work().done == 2
    assert sorted(crm.heard) == ["restocked", "returned"]


@pytest.mark.parametrize("seconds, heard", [(59, 2), (61, 0)])
def test_nobody_begins_an_effect_that_could_outlive_its_lease(make_desk: MakeDesk, seconds: int, heard: int) -> None:
    """Half of its 120 seconds went by, whatever the process did in them: it may have been asleep."""
    shop, crm = SlowShop(cups("1001"), seconds), Crm()
    desk = make_desk(shop=shop, plugins=[crm], inline_seconds=1_000_000, elapsed=lambda: shop.elapsed)
    desk.mark_returned("1001", by=ANNA)
    assert (shop.stock, len(crm.heard)) == ({"cup": 2}, heard)
    desk.work()
    assert len(crm.heard) == 2


@pytest.mark.parametrize("seconds, booked", [(29, 3), (61, 1)])
def test_a_worker_begins_no_effect_that_could_outlive_its_lease(make_desk: MakeDesk, seconds: int, booked: int) -> None:
    shop = SlowShop(cups("1001", "1002", "1003"), seconds)
    desk = make_desk(shop=shop, plugins=[], inline_seconds=0, elapsed=lambda: shop.elapsed)
    for order_id in ("1001", "1002", "1003"):
        desk.mark_returned(order_id, by=ANNA)
    desk.work(limit=3)
    assert shop.stock == {"cup": 2 * booked}


# --- what failed too often -------------------------------------------------------------------------------


def test_the_store_lists_what_failed_more_than_so_many_times_with_the_reason(make_desk: MakeDesk) -> None:
    class Away(MemoryShop):
        def book_stock(self, movements: Sequence[StockMovement]) -> None:
            if movements[0].order_id == "1001":
                raise ConnectionError("the stock is away")
            super().book_stock(movements)

    desk = make_desk(shop=Away(cups("1001", "1002")))
    desk.mark_returned("1001", by=ANNA)
    desk.mark_returned("1002", by=ANNA)
    for _ in range(2):
        sql(desk, "UPDATE retour_effect SET not_before = 0 WHERE state = 'waiting'")
        desk.work()
    store = desk._services.store
    assert store.effects.failed("default", more_than=3, limit=10) == []
    assert store.effects.failed("another", more_than=2, limit=10) == []
    assert store.effects.failed("default", more_than=2, limit=0) == []
    (failed,) = store.effects.failed("default", more_than=2, limit=10)
    assert (failed.order_id, failed.kind, failed.attempts) == ("1001", "book_stock", 3)
    assert failed.problem == "ConnectionError: the stock is away"
    assert failed.created_at < failed.not_before
