"""A shop whose stock lies in our database books it in the transaction that saves what was decided: both or neither."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest
from sqlalchemy import Connection, Engine, event, text

from retour import (
    Actor,
    MemoryShop,
    Order,
    Outcome,
    ReturnDesk,
    ShopInSameDatabase,
    StockMovement,
    StockRefused,
    StockState,
    StoreLocked,
    connect,
    hookimpl,
)
from retour.testing import a_line, an_order

ANNA = Actor.staff("anna")

_KEEP = text("INSERT INTO shop_booking VALUES (:id) ON CONFLICT DO NOTHING")
_ADD = text("UPDATE shop_stock SET units = units + :units WHERE product = :product")

Way = Callable[["ShopOfTables", Connection, Sequence[StockMovement]], None]


@pytest.fixture(autouse=True)
def quiet(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.CRITICAL, "retour")


class ShopOfTables(MemoryShop):
    """Keeps its stock in two tables beside ours. ``on_connection`` is done in place of booking on ours, where there is
    something; ``alone`` are the calls in which it booked by itself."""

    def __init__(self, engine: Engine, orders: Sequence[Order]) -> None:
        super().__init__(orders)
        self.engine = engine
        self.on_connection: Way = ShopOfTables.book
        self.never: tuple[str, ...] = ()
        self.alone = 0

    def book(self, connection: Connection, movements: Sequence[StockMovement]) -> None:
        for one in movements:
            if one.product in self.never:
                raise StockRefused(f"no {one.product} any more", movements=[one.id])
            added = connection.execute(_KEEP, {"id": one.id})
            if added.rowcount:
                values = {"product": one.product, "units": one.quantity}
                connection.execute(_ADD, values)

    def book_stock(self, movements: Sequence[StockMovement]) -> None:
        self.alone += 1
        with self.engine.begin() as connection:
            self.book(connection, movements)

    def book_stock_on(self, connection: Connection, movements: Sequence[StockMovement]) -> None:
        self.on_connection(self, connection, movements)

    def units(self, product: str = "cup") -> int:
        with self.engine.connect() as connection:
            query = text("SELECT units FROM shop_stock WHERE product = :product")
            return int(connection.execute(query, {"product": product}).scalar_one())


@pytest.fixture
def shop(database: str) -> Iterator[ShopOfTables]:
    engine = connect(database)
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE shop_booking (id VARCHAR(40) PRIMARY KEY)"))
        connection.execute(text("CREATE TABLE shop_stock (product VARCHAR(40) PRIMARY KEY, units INTEGER)"))
        connection.execute(text("INSERT INTO shop_stock VALUES ('cup', 0), ('pot', 0)"))
    yield ShopOfTables(engine, [an_order(a_line("cup", 2)), an_order(a_line("pot"), order_id="1002")])
    with engine.begin() as connection:
        connection.execute(text("DROP TABLE shop_booking"))
        connection.execute(text("DROP TABLE shop_stock"))
    engine.dispose()


def opened(shop: ShopOfTables, *plugins: object) -> ReturnDesk:
    return ReturnDesk(shop=shop, store=shop.engine, migrate=True, plugins=plugins)


def events(desk: ReturnDesk, order_id: str = "1001") -> list[tuple[str, str]]:
    told = desk._services.store.events("default", order_id)
    return [(one.event.type, one.by.id) for one in told if one.event.type.startswith(("goods_rec", "restock", "stock"))]


AT_ONCE = [("goods_received", "anna"), ("restock_decided", "policy"), ("stock_applied", "retour")]


def effects(shop: ShopOfTables) -> int:
    with shop.engine.connect() as connection:
        return int(connection.execute(text("SELECT count(*) FROM retour_effect")).scalar_one())


def state(desk: ReturnDesk, outcome: Outcome) -> StockState:
    return desk.dossier(outcome.order_id).return_(outcome.return_id).stock


def test_the_decision_the_stock_and_its_outcome_are_saved_by_one_commit(shop: ShopOfTables) -> None:
    desk = opened(shop)
    commits: list[object] = []
    event.listen(shop.engine, "commit", commits.append)
    outcome = desk.mark_returned("1001", by=ANNA)
    assert len(commits) == 1
    assert isinstance(shop, ShopInSameDatabase)
    assert (shop.units(), shop.alone, effects(shop)) == (2, 0, 0)
    assert events(desk) == AT_ONCE
    assert outcome.returns[0].restock.state is state(desk, outcome) is StockState.APPLIED
    assert not desk.mark_returned("1001", by=ANNA).changed
    assert shop.units() == 2


def half(shop: ShopOfTables, connection: Connection, movements: Sequence[StockMovement]) -> None:
    shop.book(connection, movements)
    raise RuntimeError("in the middle")


def exits(shop: ShopOfTables, connection: Connection, movements: Sequence[StockMovement]) -> None:
    shop.book(connection, movements)
    raise SystemExit(1)


def fails_in_the_database(shop: ShopOfTables, connection: Connection, movements: Sequence[StockMovement]) -> None:
    shop.book(connection, movements)
    connection.execute(text("UPDATE no_table_of_ours SET units = 1"))


def commits_by_itself(shop: ShopOfTables, connection: Connection, movements: Sequence[StockMovement]) -> None:
    shop.book(connection, movements)
    connection.commit()


def takes_back(shop: ShopOfTables, connection: Connection, movements: Sequence[StockMovement]) -> None:
    shop.book(connection, movements)
    connection.rollback()


@pytest.mark.parametrize("way", [half, exits, fails_in_the_database, commits_by_itself, takes_back])
def test_what_cannot_be_booked_so_is_booked_by_itself_and_once(shop: ShopOfTables, way: Way) -> None:
    desk, shop.on_connection = opened(shop), way
    outcome = desk.mark_returned("1001", by=ANNA)
    assert (shop.units(), shop.alone) == (2, 1)
    assert state(desk, outcome) is StockState.APPLIED
    assert events(desk) == AT_ONCE


def test_what_never_will_be_booked_goes_to_the_list_by_hand(shop: ShopOfTables) -> None:
    desk, shop.never = opened(shop), ("cup",)
    outcome = desk.mark_returned("1001", by=ANNA)
    assert shop.units() == 0
    assert desk.dossier("1001").return_(outcome.return_id).by_hand == {"cup": 2}
    assert [kind for kind, _ in events(desk)] == ["goods_received", "restock_decided", "stock_failed"]


def test_a_person_who_stops_the_process_meanwhile_finds_nothing_changed(shop: ShopOfTables) -> None:
    def stopped(shop: ShopOfTables, connection: Connection, movements: Sequence[StockMovement]) -> None:
        shop.book(connection, movements)
        raise KeyboardInterrupt

    desk, shop.on_connection = opened(shop), stopped
    with pytest.raises(KeyboardInterrupt):
        desk.mark_returned("1001", by=ANNA)
    assert (shop.units(), effects(shop), events(desk)) == (0, 0, [])


def test_a_shop_that_hangs_there_holds_up_who_writes_the_same_rows_and_nobody_who_reads(shop: ShopOfTables) -> None:
    """On SQLite all rows of a database are the same, to who writes."""
    desk, began, over = opened(shop), threading.Event(), threading.Event()

    def hangs(shop: ShopOfTables, connection: Connection, movements: Sequence[StockMovement]) -> None:
        if movements[0].order_id == "1001":
            began.set()
            assert over.wait(60)
        shop.book(connection, movements)

    shop.on_connection = hangs
    stuck = threading.Thread(target=lambda: desk.mark_returned("1001", by=ANNA))
    stuck.start()
    assert began.wait(10)
    assert not desk.dossier("1001").returns
    assert not desk.list_returns().returns
    if shop.engine.dialect.name == "postgresql":
        assert desk.mark_returned("1002", by=ANNA).changed
        desk.work()
    else:
        with pytest.raises(StoreLocked):
            desk.mark_returned("1002", by=ANNA)
    over.set()
    stuck.join()
    assert desk.mark_returned("1002", by=ANNA).changed is (shop.engine.dialect.name == "sqlite")
    assert (shop.units(), shop.units("pot"), shop.alone) == (2, 1, 0)


def test_two_who_mark_it_returned_at_once_book_it_once(shop: ShopOfTables) -> None:
    other = ReturnDesk(shop=shop, store=shop.engine)
    desk = opened(shop)

    class Faster:
        name = "faster"

        @hookimpl
        def restock_policy(self) -> None:
            if not shop.units():
                other.mark_returned("1001", by=Actor.staff("bea"))

    outcome = opened(shop, Faster()).mark_returned("1001", by=ANNA)
    assert not outcome.changed
    assert shop.units() == 2
    assert [kind for kind, _ in events(desk)] == [kind for kind, _ in AT_ONCE]


def test_a_desk_that_is_used_meanwhile_changes_another_order_or_says_why_not(shop: ShopOfTables) -> None:
    desk = opened(shop)

    def nested(shop: ShopOfTables, connection: Connection, movements: Sequence[StockMovement]) -> None:
        shop.on_connection = ShopOfTables.book
        desk.mark_returned("1002", by=ANNA)  # on SQLite refused: there is one writer, which waits for this
        shop.book(connection, movements)

    shop.on_connection = nested
    outcome = desk.mark_returned("1001", by=ANNA)
    desk.mark_returned("1002", by=ANNA)
    assert state(desk, outcome) is StockState.APPLIED
    assert (shop.units(), shop.units("pot")) == (2, 1)


def test_in_the_hosts_own_transaction_nothing_is_left_to_run(shop: ShopOfTables) -> None:
    desk = opened(shop)
    with shop.engine.connect() as connection:
        with connection.begin() as transaction:
            desk.mark_returned("1001", by=ANNA, connection=connection)
            transaction.rollback()
        assert (shop.units(), events(desk)) == (0, [])
        with connection.begin():
            outcome = desk.mark_returned("1001", by=ANNA, connection=connection)
    assert outcome.effect_ids == ()
    assert (shop.units(), shop.alone, effects(shop)) == (2, 0, 0)
    assert desk.run(outcome).returns[0].restock.state is StockState.APPLIED


def test_what_fails_in_the_hosts_own_transaction_takes_back_no_row_of_the_host(shop: ShopOfTables) -> None:
    desk, shop.on_connection = opened(shop), half
    with shop.engine.begin() as connection:
        connection.execute(text("UPDATE shop_stock SET units = 7 WHERE product = 'pot'"))
        outcome = desk.mark_returned("1001", by=ANNA, connection=connection)
    assert (shop.units(), shop.units("pot")) == (0, 7)
    desk.run(outcome)
    assert (shop.units(), state(desk, outcome)) == (2, StockState.APPLIED)


def test_a_shop_that_writes_into_what_it_is_handed_changes_nothing_of_ours(shop: ShopOfTables) -> None:
    def writes(shop: ShopOfTables, connection: Connection, movements: Sequence[StockMovement]) -> None:
        shop.book(connection, movements)
        for one in movements:
            object.__setattr__(one, "quantity", 99)

    desk, shop.on_connection = opened(shop), writes
    outcome = desk.mark_returned("1001", by=ANNA)
    moved = desk.dossier("1001").return_(outcome.return_id).movements.values()
    assert [one.booking.quantity for one in moved] == [2]
    assert shop.units() == 2


def test_who_listens_hears_of_it_once(shop: ShopOfTables) -> None:
    heard: list[Any] = []

    class Listens:
        name = "listens"

        @hookimpl
        def on_restocked(self, order: Order) -> None:
            heard.append(order.id)

    desk = opened(shop, Listens())
    desk.mark_returned("1001", by=ANNA)
    desk.work()
    assert heard == ["1001"]


def test_units_that_were_counted_wrong_are_taken_out_with_the_correction(shop: ShopOfTables) -> None:
    desk = opened(shop)
    outcome = desk.mark_returned("1001", by=ANNA)
    (receipt,) = desk.dossier("1001").return_(outcome.return_id).receipts
    desk.correct_receipt("1001", receipt, {"cup": 1}, by=ANNA)
    assert (shop.units(), shop.alone) == (1, 0)
