"""A host's own connection: its order row and our events commit together, or neither does."""

from __future__ import annotations

import inspect
import sqlite3
import time
from collections.abc import Callable, Iterator, Sequence

import attrs
import pytest
from sqlalchemy import Connection, Engine, create_engine, text
from sqlalchemy.orm import Session

from retour import (
    Actor,
    Counted,
    EvidenceFile,
    HookContext,
    MemoryShop,
    NotCommitted,
    Objection,
    Order,
    Outcome,
    RestockDecision,
    RetourError,
    ReturnDesk,
    StockMovement,
    StockState,
    StoreError,
    StoreLocked,
    connect,
    hookimpl,
)
from retour.testing import a_line, an_order

ANNA = Actor.staff("anna")


@pytest.fixture
def host(database: str) -> Iterator[tuple[Engine, MemoryShop, ReturnDesk]]:
    engine = connect(database)
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE hosts_order (id TEXT, status TEXT)"))
        connection.execute(text("INSERT INTO hosts_order VALUES ('1001', 'shipped')"))
    shop = MemoryShop([an_order(a_line("cup", 2)), an_order(a_line("pot"), a_line("mug"), order_id="1002")])
    yield engine, shop, ReturnDesk(shop=shop, store=engine, migrate=True)
    with engine.begin() as connection:
        connection.execute(text("DROP TABLE hosts_order"))
    engine.dispose()


def status(engine: Engine) -> str:
    with engine.connect() as connection:
        return str(connection.execute(text("SELECT status FROM hosts_order")).scalar_one())


SET_RETURNED = text("UPDATE hosts_order SET status = 'returned'")


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
    with pytest.raises(NotCommitted, match="is not in the database"):
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
        with pytest.raises(RetourError, match="99 is too many"):
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
    engine.dispose()


# --- every command of goods and stock --------------------------------------------------------------------

ON_A_RETURN: dict[str, Callable[[ReturnDesk, str, str, Connection], object]] = {
    "request_return": lambda desk, _, __, own: desk.request_return(
        "1001", {"cup": 1}, by=ANNA, request_id="own", connection=own
    ),
    "approve_return": lambda desk, one, _, own: desk.approve_return("1001", one, by=ANNA, connection=own),
    "add_evidence": lambda desk, one, _, own: desk.add_evidence(
        "1001", one, [EvidenceFile(reference="f")], by=ANNA, request_id="own", connection=own
    ),
    "reopen_return": lambda desk, one, _, own: desk.reopen_return("1001", one, by=ANNA, connection=own),
    "reject_return": lambda desk, one, _, own: desk.reject_return("1001", one, by=ANNA, because="no", connection=own),
    "mark_sent": lambda desk, one, _, own: desk.mark_sent("1001", one, by=ANNA, connection=own),
    "cancel_return": lambda desk, one, _, own: desk.cancel_return("1001", one, by=ANNA, connection=own),
    "close_return": lambda desk, one, _, own: desk.close_return("1001", one, by=ANNA, connection=own),
    "receive": lambda desk, one, _, own: desk.receive(
        "1001", one, {"cup": 1}, by=ANNA, request_id="own", connection=own
    ),
    "mark_returned": lambda desk, _, __, own: desk.mark_returned("1001", by=ANNA, connection=own),
    "correct_receipt": lambda desk, _, receipt, own: desk.correct_receipt(
        "1001", receipt, {"cup": 0}, by=ANNA, connection=own
    ),
    "inspect_receipt": lambda desk, _, receipt, own: desk.inspect_receipt(
        "1001", receipt, {"cup": 1}, by=ANNA, request_id="own", connection=own
    ),
    "answer_restock": lambda desk, one, _, own: desk.answer_restock(
        "1001", one, RestockDecision.all(), by=ANNA, connection=own
    ),
}
"""Every command that takes the host's connection; given a return, a receipt and the connection."""

NEEDS_A_LOOK = {"approve_return", "reject_return"}
NEEDS_GOODS = {"close_return", "correct_receipt", "inspect_receipt", "answer_restock"}


class LookAndAsk:
    """Nothing is approved and nothing restocked by itself, where the test says so."""

    name = "look-and-ask"
    look = False

    @hookimpl
    def return_policy(self) -> Objection | None:
        return Objection.review("look") if self.look else None

    @hookimpl
    def restock_policy(self) -> RestockDecision:
        return RestockDecision.ask()


def test_every_command_that_asks_no_provider_takes_the_hosts_connection() -> None:
    takes = {
        name
        for name, method in inspect.getmembers(ReturnDesk, inspect.isfunction)
        if not name.startswith("_") and "connection" in inspect.signature(method).parameters
    }
    assert takes == ON_A_RETURN.keys()


@pytest.mark.parametrize("commits", [True, False], ids=["committed", "rolled back"])
@pytest.mark.parametrize("name", ON_A_RETURN)
def test_a_command_is_in_the_hosts_transaction_or_not_at_all(
    host: tuple[Engine, MemoryShop, ReturnDesk], name: str, commits: bool
) -> None:
    engine, shop, _ = host
    policy = LookAndAsk()
    policy.look = name in NEEDS_A_LOOK
    desk = ReturnDesk(shop=shop, store=engine, plugins=[policy], migrate=True)
    return_id = desk.request_return("1001", {"cup": 1}, by=ANNA, request_id="r").return_id
    receipt = ""
    if name in NEEDS_GOODS:
        count = Counted(line_id="cup", **{"to_inspect" if name == "inspect_receipt" else "sellable": 1})
        counted = desk.receive("1001", return_id, [count], by=ANNA, request_id="c")
        receipt = counted.receipt_id or ""
        if name == "close_return":
            desk.answer_restock("1001", return_id, RestockDecision.by_hand(), by=ANNA)
    if name == "reopen_return":
        desk.cancel_return("1001", return_id, by=ANNA)
    before = desk.dossier("1001")
    with engine.connect() as connection:
        transaction = connection.begin()
        connection.execute(SET_RETURNED)
        outcome = ON_A_RETURN[name](desk, return_id, receipt, connection)
        assert isinstance(outcome, Outcome)
        assert outcome.changed
        with pytest.raises(NotCommitted):
            desk.run(outcome)
        transaction.commit() if commits else transaction.rollback()
    assert status(engine) == ("returned" if commits else "shipped")
    if commits:
        assert desk.run(outcome).version >= outcome.version > before.version
    else:
        assert desk.dossier("1001") == before


def test_a_session_is_as_good_as_a_connection(host: tuple[Engine, MemoryShop, ReturnDesk]) -> None:
    engine, shop, desk = host
    with Session(engine) as session:
        session.execute(SET_RETURNED)
        outcome = desk.mark_returned("1001", by=ANNA, connection=session)
        session.commit()
    desk.run(outcome)
    assert (status(engine), shop.stock) == ("returned", {"cup": 2})
    with Session(engine) as session, pytest.raises(StoreError, match="in no transaction"):
        desk.mark_returned("1002", by=ANNA, connection=session)


@attrs.define
class DjangoConnection:
    """A connection of another library: it has a cursor, and is in a transaction of its own."""

    in_atomic_block: bool = True

    def cursor(self) -> None:
        raise AssertionError("it was used")


@pytest.mark.parametrize("make", [DjangoConnection, lambda: sqlite3.connect(":memory:"), object])
def test_a_connection_of_another_library_is_refused_in_a_sentence(
    host: tuple[Engine, MemoryShop, ReturnDesk], make: Callable[[], object]
) -> None:
    _, _, desk = host
    given = make()
    with pytest.raises(StoreError, match="takes SQLAlchemy's Connection or Session, not"):
        desk.mark_returned("1001", by=ANNA, connection=given)  # type: ignore[arg-type]
    assert desk.dossier("1001").version == 0
    if isinstance(given, sqlite3.Connection):
        given.close()


def test_a_psycopg_connection_is_refused_in_a_sentence(host: tuple[Engine, MemoryShop, ReturnDesk]) -> None:
    engine, _, desk = host
    with engine.connect() as connection, pytest.raises(StoreError, match="Connection or Session, not"):
        desk.mark_returned("1001", by=ANNA, connection=connection.connection.dbapi_connection)  # type: ignore[arg-type]


# --- hooks and the shop, while the host's transaction is open --------------------------------------------


class Commanding:
    """A policy, and a shop, that commands the same order once."""

    name = "commanding"

    def __init__(self) -> None:
        self.desk: ReturnDesk | None = None
        self.raised: list[RetourError] = []
        self.calls = 0

    def command(self) -> None:
        if self.desk is not None:
            desk, self.desk = self.desk, None
            self.calls += 1
            try:
                desk.mark_returned("1001", {"cup": 1}, by=Actor.staff("ben"), request_id="inner")
            except RetourError as error:
                self.raised.append(error)

    @hookimpl
    def restock_policy(self) -> None:
        self.command()


@pytest.mark.parametrize("where", ["a hook", "the shop"])
def test_a_hook_or_a_shop_that_commands_the_order_meets_no_lock_of_ours(database: str, where: str) -> None:
    """PostgreSQL lets it, and the outer command decides again; SQLite has one writer, and says so at once."""
    commanding = Commanding()

    class CommandingShop(MemoryShop):
        def order(self, order_id: str) -> Order | None:
            if where == "the shop":
                commanding.command()
            return super().order(order_id)

    engine = connect(database)
    shop = CommandingShop([an_order(a_line("cup", 3))])
    plugins = [commanding] if where == "a hook" else []
    desk = ReturnDesk(shop=shop, store=engine, plugins=plugins, migrate=True)
    began = time.monotonic()
    with engine.begin() as connection:
        commanding.desk = desk
        outcome = desk.mark_returned("1001", by=ANNA, connection=connection)
    assert time.monotonic() - began < 4, "it waited for a lock"
    desk.run(outcome)
    assert (commanding.calls, shop.stock) == (1, {"cup": 3})
    if engine.dialect.name == "sqlite":
        assert [type(one) for one in commanding.raised] == [StoreLocked]
        assert "waits for this hook or shop" in str(commanding.raised[0])
    else:
        assert commanding.raised == []
    engine.dispose()
