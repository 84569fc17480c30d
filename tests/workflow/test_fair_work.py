"""What one order, plugin or shop does costs that one: nobody else waits for it, and nothing ends every process."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from retour import Actor, MemoryShop, Order, ReturnDesk, StockMovement, hookimpl
from retour.effects.kinds import KINDS, Announce, BookStock, Effect, to_store
from retour.effects.runner import MOST_DEATHS
from retour.store.clock import NOW
from retour.store.commit import Commit
from retour.store.effects import Effects
from retour.store.store import Store
from retour.testing import a_line, an_order

ANNA = Actor.staff("anna")

MakeDesk = Callable[..., ReturnDesk]


@pytest.fixture(autouse=True)
def quiet(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.CRITICAL, "retour")


def cups(*order_ids: str) -> list[Order]:
    return [an_order(a_line("cup", 2), order_id=order_id) for order_id in order_ids]


def sql(desk: ReturnDesk, statement: str) -> None:
    with desk._services.store.engine.begin() as connection:
        connection.exec_driver_sql(statement)


def rows(desk: ReturnDesk, what: str, where: str = "1 = 1") -> list[Any]:
    query = f"SELECT {what} FROM retour_effect WHERE {where} ORDER BY id"  # noqa: S608 - the test's own
    with desk._services.store.engine.connect() as connection:
        return [tuple(row) for row in connection.exec_driver_sql(query)]


# --- whatever is raised ----------------------------------------------------------------------------------


class OwnEnd(BaseException):
    """What a plugin calls its own end."""


@pytest.mark.parametrize("error", [asyncio.CancelledError, GeneratorExit, SystemExit, OwnEnd])
@pytest.mark.parametrize("raises", ["the shop", "the function that gives the shop"])
def test_whatever_a_shop_raises_costs_its_own_order_alone(
    make_desk: MakeDesk, error: type[BaseException], raises: str
) -> None:
    class Raising(MemoryShop):
        def book_stock(self, movements: Sequence[StockMovement]) -> None:
            raise error

    good, bad = MemoryShop(cups("1001")), (Raising if raises == "the shop" else MemoryShop)(cups("1001"))
    working: list[bool] = []

    def shops(name: str) -> MemoryShop:
        if working and name == "bad" and raises != "the shop":
            raise error
        return good if name == "good" else bad

    desk = make_desk(shop=shops, shop_id="good", inline_seconds=0)
    desk.for_shop("bad").mark_returned("1001", by=ANNA)
    desk.mark_returned("1001", by=ANNA)
    working.append(True)
    report = desk.work()
    assert (report.done, [one.shop for one in report.postponed]) == (1, ["bad"])
    assert error.__name__ in report.postponed[0].problem
    assert good.stock == {"cup": 2}


def test_a_keyboard_interrupt_still_stops_a_worker_and_costs_no_effect(make_desk: MakeDesk) -> None:
    class Stopped(MemoryShop):
        stops = True

        def book_stock(self, movements: Sequence[StockMovement]) -> None:
            if self.stops:
                raise KeyboardInterrupt
            super().book_stock(movements)

    shop = Stopped(cups("1001", "1002"))
    desk = make_desk(shop=shop, inline_seconds=0)
    for order_id in shop.orders:
        desk.mark_returned(order_id, by=ANNA)
    with pytest.raises(KeyboardInterrupt):
        desk.work()
    shop.stops = False
    assert desk.work().done == 2


# --- what ends its process -------------------------------------------------------------------------------


class Died(Exception):
    """The process is gone: nothing of it records anything any more."""


class Poisoned:
    """A plugin that ends the process on some orders."""

    name = "poisoned"

    def __init__(self, *order_ids: str) -> None:
        self.order_ids = {*order_ids}
        self.heard: list[str] = []
        self.deaths = 0
        self.dead = False

    @hookimpl
    def on_order_returned(self, order: Order) -> None:
        if order.id in self.order_ids:
            self.deaths += not self.dead
            self.dead = True
            raise Died
        self.heard.append(order.id)


def until_it_dies(desk: ReturnDesk, plugin: Poisoned, monkeypatch: pytest.MonkeyPatch, leases: str = "0") -> bool:
    """A process works until nothing is due, or until it ends; then its leases run out. Whether it ended. What it died
    with is tried at once, unless the leases ended just now."""
    plugin.dead = False

    def dead(method: Callable[..., Any]) -> Callable[..., Any]:
        def call(*given: Any, **more: Any) -> Any:
            if plugin.dead:
                raise KeyboardInterrupt  # no word leaves a process that is gone
            return method(*given, **more)

        return call

    with monkeypatch.context() as patch:
        for kind, name in ((Store, "save"), (Effects, "settle"), (Effects, "claim")):
            patch.setattr(kind, name, dead(getattr(kind, name)))
        try:
            desk.work()
        except KeyboardInterrupt:
            sql(desk, f"UPDATE retour_effect SET lease_until = {leases} WHERE state = 'waiting' AND owner IS NOT NULL")  # noqa: S608 - the test's own
            return True
        return False


def test_one_poisoned_order_among_a_thousand_ends_three_processes_and_costs_no_other(
    make_desk: MakeDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    order_ids = [f"o{number:04}" for number in range(1000)]
    plugin = Poisoned("o0000")
    desk = make_desk(*cups(*order_ids), plugins=[plugin], inline_seconds=0)
    template = desk.mark_returned("o0000", by=ANNA)
    sql(desk, "DELETE FROM retour_effect")
    of_each = "FROM retour_event WHERE order_id = 'o0000'"
    for order_id in order_ids[1:]:
        sql(
            desk,
            "INSERT INTO retour_event (shop, order_id, seq, command, at, actor_kind, actor_id, type, version, body) "
            f"SELECT shop, '{order_id}', seq, command, at, actor_kind, actor_id, type, version, "
            f"replace(body, 'o0000', '{order_id}') {of_each}",
        )
        values = f"'default', '{order_id}', {template.version}, 1"
        sql(desk, f"INSERT INTO retour_dossier (shop, order_id, version, attention) VALUES ({values})")  # noqa: S608 - the test's own
    seq = next(one.seq for one in desk._services.store.events("default", "o0000") if one.event.announced_by)
    for order_id in order_ids:
        effect = to_store(
            Announce(order_id=order_id, hook="on_order_returned", seq=seq, plugin="poisoned"), f"ef{order_id}"
        )
        commit = Commit(id="cm", shop="default", order_id=order_id, expected=0, events=(), effects=[effect])
        desk._services.store.save(commit)
    sql(desk, "UPDATE retour_effect SET not_before = 1 WHERE order_id = 'o0000'")  # it is the oldest
    served = []
    while until_it_dies(make_desk(plugins=[plugin], shop=desk._services.shops("default").shop), plugin, monkeypatch):
        served.append(len(plugin.heard))
    assert served == [0, 0, 19 + 20]  # what was taken with it, one by one; then it waits for its turn after others
    assert sorted(plugin.heard) == order_ids[1:]
    assert plugin.deaths == MOST_DEATHS
    ((order_id, state, problem),) = rows(desk, "order_id, state, problem", "state = 'waiting'")
    assert (order_id, state) == ("o0000", "waiting")
    assert problem == "it ended 3 processes; it is not tried again until a person has looked at it"
    assert desk.work().idle
    plugin.order_ids = set()  # it was mended
    assert tuple([desk.retry_set_aside(one, by=ANNA) for one in ("o0001", "o0000")]) == (0, 1)
    assert desk.work().done == 1
    assert "o0000" in plugin.heard


def test_all_that_a_plugin_has_to_hear_of_a_poisoned_order_ends_three_processes_and_is_set_aside_together(
    make_desk: MakeDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each receipt is told by itself. Two are told before the order came to be poisoned, and the other four are not."""
    plugin = Poisoned()
    desk = make_desk(an_order(a_line("cup", 9), order_id="1001"), *cups("1002"), plugins=[plugin], inline_seconds=0)
    for number in range(2):
        desk.mark_returned("1001", {"cup": 1}, by=ANNA, request_id=f"quiet {number}")
    assert desk.work().failed == 0
    plugin.order_ids = {"1001"}
    for number in range(4):
        desk.mark_returned("1001", {"cup": 1}, by=ANNA, request_id=f"poisoned {number}")
    desk.mark_returned("1002", by=ANNA)
    shop = desk._services.shops("default").shop
    while until_it_dies(make_desk(plugins=[plugin], shop=shop), plugin, monkeypatch):
        assert plugin.deaths <= MOST_DEATHS
    assert plugin.deaths == MOST_DEATHS
    assert (plugin.heard, shop.stock) == (["1001", "1001", "1002"], {"cup": 8})
    assert len(rows(desk, "id", "state = 'waiting' AND order_id = '1001' AND kind = 'announce'")) == 4
    assert desk.work().idle
    assert {one.order_id for one in desk.attention("effect_stuck").items} == {"1001"}
    plugin.order_ids = set()  # it was mended
    assert desk.retry_set_aside("1001", by=ANNA) == 4
    assert desk.work().done == 4


def test_a_plugin_that_ends_the_process_on_every_order_is_asked_no_more_while_it_is_in_doubt(
    make_desk: MakeDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So what is not its own goes on, however many orders it has to hear of."""
    order_ids = [f"o{number:02}" for number in range(60)]
    plugin = Poisoned(*order_ids)
    desk = make_desk(*cups(*order_ids), plugins=[plugin], inline_seconds=0)
    for order_id in order_ids:
        desk.mark_returned(order_id, by=ANNA)
    shop, store = desk._services.shops("default").shop, desk._services.store
    now = NOW[store.engine.dialect.name]
    while until_it_dies(make_desk(plugins=[plugin], shop=shop), plugin, monkeypatch, leases=now):
        assert plugin.deaths <= MOST_DEATHS
    assert plugin.deaths == MOST_DEATHS  # once with all that was taken with it, and twice alone, of two orders
    assert shop.stock == {"cup": 120}
    assert store.effects.fallen(KINDS).doubted == {"plugin poisoned"}
    assert desk.work().idle
    plugin.order_ids = set()  # it was mended
    sql(desk, "UPDATE retour_effect SET lease_until = 0 WHERE owner IS NOT NULL")  # some minutes later
    assert desk.work().failed == 0
    assert sorted(plugin.heard) == order_ids


# --- whose turn it is ------------------------------------------------------------------------------------


def test_a_shop_with_a_flood_of_effects_is_one_turn_among_others(make_desk: MakeDesk) -> None:
    heard: list[str] = []

    class Listening(MemoryShop):
        def __init__(self, name: str, orders: list[Order]) -> None:
            super().__init__(orders)
            self.name = name

        def book_stock(self, movements: Sequence[StockMovement]) -> None:
            heard.append(self.name)

    small_ids = [f"s{number}" for number in range(10)]
    shops = {"big": Listening("big", cups("1001")), "small": Listening("small", cups(*small_ids))}
    desk = make_desk(shop=lambda name: shops[name], shop_id="small", inline_seconds=0)
    desk.for_shop("big").mark_returned("1001", by=ANNA)
    flood = (
        "INSERT INTO retour_effect (id, shop, order_id, kind, plugin, body, state, owner, lease_until, attempts, "
        "settled, not_before, created_at, problem) "
        "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100000) "
        "SELECT 'flood' || i, shop, 'o' || i, kind, plugin, body, state, NULL, 0, 0, 0, 1, 1, '' "
        "FROM retour_effect, n WHERE shop = 'big'"
    )
    sql(desk, flood)
    for order_id in small_ids:
        desk.mark_returned(order_id, by=ANNA)
    while heard.count("small") < 10:
        desk.work(limit=5)  # as the worker does
    assert heard.count("big") <= 60


def test_an_order_with_many_effects_does_not_hold_up_the_others_of_its_shop(make_desk: MakeDesk) -> None:
    desk = make_desk(*cups("1001", "1002"), inline_seconds=0)
    store = desk._services.store
    for order_id, many in (("1001", 40), ("1002", 1)):
        effects = [
            to_store(Announce(order_id=order_id, hook="on_restocked", seq=1, plugin="crm"), f"ef{order_id}{number:02}")
            for number in range(many)
        ]
        store.save(Commit(id="cm", shop="default", order_id=order_id, expected=0, events=(), effects=effects))
    claimed = store.effects.claim("wk1", lease=60_000_000, limit=20, kinds=KINDS)
    assert [one.order_id for one in claimed] == ["1001"] * 5 + ["1002"]


def test_shops_take_turns_from_where_the_last_look_ended(make_desk: MakeDesk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("retour.store.effects._SHOPS", 2)
    shops = {name: MemoryShop(cups("1001")) for name in ("a", "b", "c")}
    desk = make_desk(shop=lambda name: shops[name], shop_id="a", inline_seconds=0)
    for name in shops:
        desk.for_shop(name).mark_returned("1001", by=ANNA)
    due = desk._services.store.effects.due_by_shop
    assert due("", KINDS) == ([("a", "book_stock"), ("b", "book_stock")], "b")
    assert due("b", KINDS) == ([("c", "book_stock")], "")
    sql(desk, "UPDATE retour_effect SET not_before = 9000000000000000 WHERE shop = 'a'")
    assert due("", KINDS) == ([("b", "book_stock")], "b")


def flood(desk: ReturnDesk, effect: Effect, many: int, order_id: str = "'o' || i") -> None:
    """``many`` effects that are due since long ago, each of an order of its own or all of one."""
    made = to_store(effect, "ef")
    values = f"'{made.kind}', '{made.plugin}', '{made.body}', 'waiting', 0, 0, 0, 1, 1, ''"
    sql(
        desk,
        "INSERT INTO retour_effect (id, shop, order_id, kind, plugin, body, state, lease_until, attempts, settled, "  # noqa: S608 - the values are the test's
        "not_before, created_at, problem) WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n "
        f"WHERE i < {many}) SELECT 'flood' || i, 'default', {order_id}, {values} FROM n",
    )


def test_an_order_with_a_hundred_thousand_effects_is_one_among_the_others_of_its_shop(make_desk: MakeDesk) -> None:
    order_ids = [f"s{number}" for number in range(30)]
    desk = make_desk(*cups("big", *order_ids), inline_seconds=0)
    desk.mark_returned("big", by=ANNA)
    flood(desk, BookStock(movements=()), 100_000, order_id="'big'")
    for order_id in order_ids:
        desk.mark_returned(order_id, by=ANNA)
    for _ in range(20):
        desk.work(limit=5)  # as the worker does
    assert rows(desk, "order_id", "state = 'waiting' AND order_id <> 'big'") == []
    assert 0 < len(rows(desk, "id", "state = 'done' AND order_id = 'big'")) <= 100


def test_a_flood_of_one_kind_does_not_hold_up_another(make_desk: MakeDesk) -> None:
    desk = make_desk(*cups("1001"), inline_seconds=0)
    flood(desk, Announce(order_id="o1", hook="on_restocked", seq=1, plugin="crm"), 100_000)
    desk.mark_returned("1001", by=ANNA)
    for _ in range(3):
        desk.work(limit=5)
    assert rows(desk, "state", "kind = 'book_stock'") == [("done",)]


def test_what_a_dead_worker_had_is_done_in_one_round_where_nothing_else_is_due(make_desk: MakeDesk) -> None:
    order_ids = [f"o{number}" for number in range(20)]
    desk = make_desk(*cups(*order_ids), inline_seconds=0)
    for order_id in order_ids:
        desk.mark_returned(order_id, by=ANNA)
    assert len(desk._services.store.effects.claim("wk gone", lease=0, limit=20, kinds=KINDS)) == 20
    assert desk.work(limit=20).done == 20
