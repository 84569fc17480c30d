"""A host's own connection: its order row and our events commit together, or neither does."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pytest
from sqlalchemy import Engine, create_engine, text

from retour import (
    Actor,
    HookContext,
    MemoryShop,
    RestockDecision,
    RetourError,
    ReturnDesk,
    StockMovement,
    StockState,
    StoreError,
    connect,
    hookimpl,
)
from retour.store import tables
from retour.testing import a_line, an_order

ANNA = Actor.staff("anna")


@pytest.fixture
def host(database: str) -> Iterator[tuple[Engine, MemoryShop, ReturnDesk]]:
    engine = connect(database)
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE shop_order (id TEXT, status TEXT)"))
        connection.execute(text("INSERT INTO shop_order VALUES ('1001', 'shipped')"))
    shop = MemoryShop([an_order(a_line("cup", 2)), an_order(a_line("pot"), a_line("mug"), order_id="1002")])
    yield engine, shop, ReturnDesk(shop=shop, store=engine, migrate=True)
    with engine.begin() as connection:
        connection.execute(text("DROP TABLE shop_order"))
    tables.metadata.drop_all(engine)
    engine.dispose()


def status(engine: Engine) -> str:
    with engine.connect() as connection:
        return str(connection.execute(text("SELECT status FROM shop_order")).scalar_one())


SET_RETURNED = text("UPDATE shop_order SET status = 'returned'")


def test_order_row_and_events_commit_together_and_the_effects_follow(
    host: tuple[Engine, MemoryShop, ReturnDesk],
) -> None:
    engine, shop, desk = host
    with engine.begin() as connection:
        connection.execute(SET_RETURNED)
        outcome = desk.mark_returned("1001", by=ANNA, connection=connection)
        assert shop.stock == {}
    assert status(engine) == "returned"
    after = desk.run(outcome)
    assert shop.stock == {"cup": 2}
    assert after.restock.state is StockState.APPLIED
    assert desk.run(after) == after


def test_a_rollback_of_the_host_takes_the_events_with_it(host: tuple[Engine, MemoryShop, ReturnDesk]) -> None:
    engine, shop, desk = host
    with engine.connect() as connection:
        connection.execute(SET_RETURNED)
        outcome = desk.mark_returned("1001", by=ANNA, connection=connection)
        connection.rollback()
    assert status(engine) == "shipped"
    assert desk.dossier("1001").version == 0
    desk.run(outcome)
    desk.work()
    assert shop.stock == {}


def test_effects_of_a_host_that_died_after_its_commit_are_done_by_work(
    host: tuple[Engine, MemoryShop, ReturnDesk],
) -> None:
    engine, shop, desk = host
    with engine.begin() as connection:
        desk.mark_returned("1001", by=ANNA, connection=connection)
    assert desk.work().done == 1
    assert shop.stock == {"cup": 2}


def test_what_was_put_off_is_left_to_its_pause_by_whoever_runs_the_outcome_again(
    host: tuple[Engine, MemoryShop, ReturnDesk], monkeypatch: pytest.MonkeyPatch
) -> None:
    engine, shop, desk = host
    book, asked = shop.book_stock, []

    def away_at_first(movements: Sequence[StockMovement]) -> None:
        asked.append(movements)
        if len(asked) == 1:
            raise ConnectionError("the stock is away")
        book(movements)

    monkeypatch.setattr(shop, "book_stock", away_at_first)
    with engine.begin() as connection:
        outcome = desk.mark_returned("1001", by=ANNA, connection=connection)
    desk.run(outcome)
    assert desk.run(outcome).restock.state is StockState.FAILED
    assert len(asked) == 1
    with engine.begin() as connection:
        connection.execute(text("UPDATE retour_effect SET not_before = 0"))
    assert desk.run(outcome).restock.state is StockState.APPLIED


def test_a_refused_command_leaves_the_hosts_transaction_usable_and_writes_nothing(
    host: tuple[Engine, MemoryShop, ReturnDesk],
) -> None:
    engine, _, desk = host
    with engine.begin() as connection:
        connection.execute(SET_RETURNED)
        with pytest.raises(RetourError, match="99 units"):
            desk.mark_returned("1001", {"cup": 99}, by=ANNA, request_id="form-1", connection=connection)
    assert status(engine) == "returned"
    with engine.connect() as connection:
        assert connection.execute(text("SELECT count(*) FROM retour_dossier")).scalar_one() == 0


def test_the_answer_about_the_stock_can_be_in_the_hosts_transaction(
    host: tuple[Engine, MemoryShop, ReturnDesk],
) -> None:
    engine, shop, desk = host
    with engine.begin() as connection:
        asked = desk.mark_returned("1002", by=ANNA, connection=connection)
        answered = desk.answer_restock("1002", asked.return_id, RestockDecision.all(), by=ANNA, connection=connection)
    desk.run(answered)
    assert shop.stock == {"pot": 1, "mug": 1}


def test_a_connection_without_a_transaction_is_refused(host: tuple[Engine, MemoryShop, ReturnDesk]) -> None:
    engine, _, desk = host
    with engine.connect() as connection, pytest.raises(StoreError, match="in no transaction"):
        desk.mark_returned("1001", by=ANNA, connection=connection)


def test_an_sqlite_connection_that_could_lose_events_is_refused_before_any_write(sqlite_url: str) -> None:
    desk = ReturnDesk(shop=MemoryShop([an_order(a_line("cup", 2))]), store=sqlite_url)
    careless = create_engine(sqlite_url)
    with careless.connect() as connection:
        connection.execute(text("SELECT 1"))
        with pytest.raises(StoreError, match="must be in BEGIN IMMEDIATE"):
            desk.mark_returned("1001", by=ANNA, connection=connection)
    careless.dispose()
    assert desk.dossier("1001").version == 0
    desk.close()


def test_a_hook_that_reads_the_desk_while_the_host_holds_the_lock_is_no_deadlock(database: str) -> None:
    class Curious:
        desk: ReturnDesk | None = None
        seen: list[int] = []  # noqa: RUF012 - one test, one list

        @hookimpl
        def restock_policy(self, ctx: HookContext) -> None:
            assert self.desk is not None
            self.seen.append(self.desk.dossier("1001").version)

    curious = Curious()
    engine = connect(database)
    desk = ReturnDesk(shop=MemoryShop([an_order(a_line("cup", 2))]), store=engine, plugins=[curious], migrate=True)
    curious.desk = desk
    with engine.begin() as connection:
        desk.mark_returned("1001", by=ANNA, connection=connection)
    assert curious.seen == [0]
    tables.metadata.drop_all(engine)
    engine.dispose()
