"""A commit has three ends: saved, not saved, not known. Real faults between a desk and PostgreSQL, nothing patched."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import cutting_proxy as proxies
import pytest
from database_clock import TESTS_THEMSELVES
from sqlalchemy import Connection, Engine, create_engine, text

from retour import (
    Actor,
    Busy,
    MemoryShop,
    Money,
    Outcome,
    PerhapsSaved,
    RefundState,
    RetourError,
    ReturnDesk,
    StockMovement,
    StockState,
    StoreError,
    StoreNotMigrated,
    StoreUnavailable,
    connect,
    hookimpl,
)
from retour.store import connect as connecting
from retour.store import database as databases
from retour.store import tables
from retour.store.migrations import MIGRATIONS, NEWEST, migrate
from retour.testing import a_line, an_order

pytestmark = pytest.mark.postgresql

ANNA = Actor.staff("anna")


@pytest.fixture
def database(postgresql: str) -> str:
    """PostgreSQL alone: SQLite has nobody who could go away."""
    return postgresql


OTHERS = (
    "FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid() "
    f"AND application_name <> '{TESTS_THEMSELVES}'"
)


def end_connections(server: Engine) -> None:
    """What an administrator, a fail-over or a restart does to every connection of the desk's."""
    with server.connect() as connection:
        connection.execute(text(f"SELECT pg_terminate_backend(pid, 2000) {OTHERS}"))


def wait_until_nobody_is_connected(server: Engine) -> None:
    """The server has heard that its clients are gone, and has undone what they left open."""
    until = time.monotonic() + 10
    with server.connect() as connection:
        connection = connection.execution_options(isolation_level="AUTOCOMMIT")
        while connection.execute(text(f"SELECT count(*) {OTHERS}")).scalar_one():
            assert time.monotonic() < until
            time.sleep(0.02)


def refund(world: Any) -> Outcome:
    return world.refund(request_id="form")


def mark_returned(world: Any) -> Outcome:
    return world.desk.mark_returned("1001", {"cup": 1}, by=ANNA, request_id="parcel")


def confirm_refund(world: Any) -> Outcome:
    return world.desk.confirm_refund("1001", "p_1", Money.of("1", "EUR"), reference="r1", by=ANNA, request_id="form")


def refunded_once(world: Any) -> None:
    assert world.states == ["succeeded"]
    assert world.went_back == 40_00


def booked_once(world: Any) -> None:
    assert world.shop.stock == {"cup": 1}
    (one,) = world.desk.dossier("1001").returns.values()
    assert one.stock is StockState.APPLIED


def confirmed_once(world: Any) -> None:
    (one,) = world.refunds
    assert one.state is RefundState.SUCCEEDED


Do = Callable[[Any], Outcome]
COMMANDS: dict[str, tuple[Do, Callable[[Any], None], int]] = {
    "refund": (refund, refunded_once, 2),
    "mark_returned": (mark_returned, booked_once, 2),
    "confirm_refund": (confirm_refund, confirmed_once, 1),
}
AT_COMMIT = [
    (name, commit, how) for name in COMMANDS for commit in range(1, COMMANDS[name][2] + 1) for how in proxies.CUTS
]


@pytest.mark.parametrize("name, commit, how", AT_COMMIT)
def test_a_connection_that_ends_at_a_commit_loses_nothing_and_doubles_nothing(
    world: Any, proxy: Any, name: str, commit: int, how: str
) -> None:
    do, once, _ = COMMANDS[name]
    world.open().desk.dossier("1001")
    proxy.cut(how, commit)
    first = do(world)
    assert proxy.done == 1
    assert first.changed
    once(world)
    seen = world.desk.dossier("1001").version
    again = do(world)
    assert not again.changed
    assert (again.return_id, again.refund_id) == (first.return_id, first.refund_id)
    world.later()
    once(world)
    assert world.desk.dossier("1001").version == seen


class ShopOfATable(MemoryShop):
    """Keeps a row for each movement that it booked, in the transaction that it is given, and may not find one twice."""

    def book_stock_on(self, connection: Connection, movements: Sequence[StockMovement]) -> None:
        for one in movements:
            connection.execute(text("INSERT INTO shop_booking VALUES (:id)"), {"id": one.id})


@pytest.mark.parametrize("how", proxies.CUTS)
def test_stock_in_the_same_database_is_booked_once_where_a_connection_ends_at_the_commit(
    world: Any, proxy: Any, server: Engine, how: str
) -> None:
    world.shop = ShopOfATable([an_order(a_line("cup", 1))])
    with server.begin() as connection:
        connection.execute(text("CREATE TABLE shop_booking (id VARCHAR(40) PRIMARY KEY)"))
    try:
        world.open().desk.dossier("1001")
        proxy.cut(how)
        assert mark_returned(world).changed
        assert proxy.done == 1
        assert not mark_returned(world).changed
        with server.connect() as connection:
            assert connection.execute(text("SELECT count(*) FROM shop_booking")).scalar_one() == 1
    finally:
        with server.begin() as connection:
            connection.execute(text("DROP TABLE shop_booking"))
    (one,) = world.desk.dossier("1001").returns.values()
    assert one.stock is StockState.APPLIED
    assert not world.shop.stock


@pytest.mark.parametrize("how", [proxies.BEFORE, proxies.AFTER])
def test_somebody_who_changes_the_order_before_it_is_settled_takes_nothing_and_loses_nothing(
    world: Any, proxy: Any, database: str, how: str
) -> None:
    world.open().desk.dossier("1001")
    another = ReturnDesk(shop=world.shop, store=database)
    proxy.meanwhile = lambda: another.mark_returned("1001", {"cup": 1}, by=ANNA, request_id="parcel")
    proxy.cut(how)
    assert refund(world).changed
    another.close()
    proxy.meanwhile = lambda: None
    world.later()
    refunded_once(world)
    booked_once(world)


@pytest.mark.parametrize("name", COMMANDS)
def test_what_nobody_can_say_is_an_error_of_its_own_and_the_same_form_does_it_once(
    world: Any, proxy: Any, server: Engine, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connecting, "SECONDS_TO_WAIT", 0.5)
    monkeypatch.setattr(databases, "SECONDS_TO_WAIT", 0.5)
    do, once, _ = COMMANDS[name]
    world.open().desk.dossier("1001")
    proxy.cut(proxies.NEVER)
    with pytest.raises(PerhapsSaved, match=r"Order 1001: .*the same request_id"):
        do(world)
    proxy.let_go()
    wait_until_nobody_is_connected(server)
    do(world)
    world.later()
    once(world)


@pytest.mark.parametrize("how", proxies.CUTS)
def test_what_goes_wrong_is_counted_once_whatever_becomes_of_its_commit(world: Any, proxy: Any, how: str) -> None:
    store = world.open().desk._services.store
    for times in (1, 2, 3):
        proxy.cut(how)
        store.note_problem("default", "webhooks of ledger", "it broke")
        assert proxy.done == times
        assert [one.times for one in store.problems("default")] == [times]


@pytest.mark.parametrize("how", proxies.CUTS)
def test_what_a_migration_did_is_known_whatever_becomes_of_its_commit(
    bare_database: str, proxy: Any, server: Engine, how: str
) -> None:
    with closing(connect(proxy.url)) as engine:
        proxy.cut(how)
        assert migrate(engine) == [name for _, name, _ in MIGRATIONS]
        assert proxy.done == 1
        assert migrate(engine) == []


def test_a_migration_of_which_nobody_can_say_is_an_error_of_its_own(bare_database: str, proxy: Any) -> None:
    def away() -> None:
        proxy.away = True

    with closing(connect(proxy.url)) as engine:
        proxy.meanwhile = away
        proxy.cut(proxies.AFTER)
        with pytest.raises(PerhapsSaved, match="Run it again"):
            migrate(engine)
        proxy.away = False
        assert migrate(engine) == []


@pytest.mark.parametrize("how", proxies.CUTS)
def test_a_server_that_stays_away_after_a_commit_leaves_it_open_and_the_same_form_tells(
    world: Any, proxy: Any, how: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(databases, "SECONDS_TO_WAIT", 0.5)
    world.open().desk.dossier("1001")
    proxy.cut(how)
    proxy.away = True
    with pytest.raises(PerhapsSaved):
        refund(world)
    time.sleep(proxies.SECONDS_LATE)
    proxy.away = False
    refund(world)
    world.later()
    refunded_once(world)


def test_a_connection_that_ends_when_the_provider_has_answered_costs_no_second_refund(
    world: Any, server: Engine
) -> None:
    world.open().ledger.watch = lambda call, _: end_connections(server) if call == "refund" else None
    outcome = refund(world)
    assert outcome.refund is not None
    assert outcome.refund.state is RefundState.SUCCEEDED
    assert not refund(world).changed
    world.later()
    refunded_once(world)


def test_a_server_that_goes_away_when_the_money_went_leaves_an_outcome_that_says_what_is_known(
    world: Any, proxy: Any
) -> None:
    def away(call: str, _: object) -> None:
        if call == "refund":
            proxy.away = True
            proxy.let_go()

    world.open().ledger.watch = away
    outcome = refund(world)
    assert outcome.changed
    assert outcome.refund is not None
    assert outcome.refund.state is RefundState.SUBMITTING
    world.ledger.watch = lambda _, __: None
    with pytest.raises(StoreUnavailable, match="cannot be reached"):
        world.desk.dossier("1001")
    proxy.away = False
    assert refund(world).refund_id == outcome.refund_id
    world.later()
    refunded_once(world)


def test_a_server_that_goes_away_while_stock_is_booked_leaves_an_outcome_and_books_once(world: Any, proxy: Any) -> None:
    world.open()
    book = world.shop.book_stock

    def away(movements: Any) -> None:
        book(movements)
        proxy.away = True
        proxy.let_go()

    world.shop.book_stock = away
    outcome = mark_returned(world)
    assert outcome.changed
    world.shop.book_stock, proxy.away = book, False
    assert mark_returned(world).return_id == outcome.return_id
    world.later()
    booked_once(world)


def test_an_outcome_is_run_after_the_hosts_commit_and_tells_what_is_known_when_the_server_goes(
    world: Any, proxy: Any, server: Engine
) -> None:
    world.open()
    book = world.shop.book_stock

    def away(movements: Any) -> None:
        book(movements)
        proxy.away = True
        proxy.let_go()

    world.shop.book_stock = away
    with server.begin() as connection:
        outcome = world.desk.mark_returned("1001", {"cup": 1}, by=ANNA, request_id="form", connection=connection)
    assert world.desk.run(outcome).return_id == outcome.return_id
    world.shop.book_stock, proxy.away = book, False
    world.later()
    booked_once(world)


def test_a_hosts_own_connection_that_ended_is_an_error_of_ours(world: Any, server: Engine) -> None:
    desk = world.open().desk
    mine = create_engine(world.database)
    with closing(mine), mine.connect() as connection:
        connection.execute(text("SELECT 1"))
        end_connections(server)
        for _ in range(2):
            with pytest.raises(StoreUnavailable):
                desk.mark_returned("1001", by=ANNA, connection=connection)
    assert desk.mark_returned("1001", by=ANNA).changed


def test_a_hosts_own_connection_that_ends_before_we_write_is_an_error_of_ours(world: Any, server: Engine) -> None:
    class Ends:
        name = "ends"

        @hookimpl
        def return_policy(self) -> None:
            end_connections(server)

    desk = world.open(Ends()).desk
    mine = create_engine(world.database)
    with closing(mine), mine.connect() as connection:
        connection.execute(text("SELECT 1"))
        with pytest.raises(StoreUnavailable):
            desk.request_return("1001", {"cup": 1}, by=ANNA, request_id="form", connection=connection)
    assert desk.dossier("1001").version == 0


def test_connections_that_the_server_ended_in_the_pool_are_noticed_by_nobody(world: Any, server: Engine) -> None:
    world.open()
    doings: list[Callable[[], object]] = [
        lambda: world.desk.dossier("1001"),
        lambda: world.desk.list_returns(),
        lambda: refund(world),
        lambda: mark_returned(world),
        lambda: world.desk.work(),
    ]
    for one in doings:
        end_connections(server)
        one()
    refunded_once(world)
    booked_once(world)


# --- locks ---------------------------------------------------------------------------------------------------


@pytest.fixture
def left_open(world: Any, server: Engine, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Order 1001 has stock that waits to be booked, and a host has left its own transaction on it open; so has 1002
    stock that waits, and nobody is in its way."""
    monkeypatch.setattr(connecting, "SECONDS_TO_WAIT", 0.5)
    world.open(inline_seconds=0)
    world.shop.orders["1002"] = an_order(a_line("pot", 2), order_id="1002")
    for order_id, line in (("1001", "cup"), ("1002", "pot")):
        world.desk.mark_returned(order_id, {line: 1}, by=ANNA, request_id="parcel")
    with server.connect() as connection:
        connection.begin()
        world.desk.mark_returned("1001", {"cup": 1}, by=ANNA, request_id="other", connection=connection)
        yield
        connection.rollback()


@pytest.mark.usefixtures("left_open")
def test_a_command_on_an_order_that_a_host_keeps_locked_says_so_in_time(world: Any) -> None:
    begun = time.monotonic()
    with pytest.raises(Busy, match="left it open"):
        refund(world)
    assert time.monotonic() - begun < 20
    assert world.went_back == 0


@pytest.mark.usefixtures("left_open")
def test_work_puts_an_order_off_that_a_host_keeps_locked_and_does_the_rest(world: Any) -> None:
    begun = time.monotonic()
    report = world.desk.work()
    assert time.monotonic() - begun < 20
    assert [(one.order_id, "Busy" in one.problem) for one in report.postponed] == [("1001", True)]
    assert world.shop.stock == {"cup": 1, "pot": 1}
    (one,) = world.desk.dossier("1002").returns.values()
    assert one.stock is StockState.APPLIED


@contextmanager
def kept_locked_by_another(world: Any, mine: Engine) -> Iterator[None]:
    """Another request of the host's has written about the order and is still open."""
    with mine.connect() as another:
        another.begin()
        world.desk.mark_returned("1001", {"cup": 1}, by=ANNA, request_id="other", connection=another)
        yield
        another.rollback()


@pytest.mark.parametrize("given", ["0", "700ms"])
def test_two_transactions_of_the_host_on_one_order_do_not_wait_for_each_other_without_limit(
    world: Any, database: str, monkeypatch: pytest.MonkeyPatch, given: str
) -> None:
    """The limit is ours and for our statements; a host that has one keeps it, and what it has written stays."""
    monkeypatch.setattr(connecting, "SECONDS_TO_WAIT", 0.5)
    desk = world.open().desk
    mine = create_engine(database)
    with closing(mine), kept_locked_by_another(world, mine), mine.connect() as connection:
        connection.execute(text("CREATE TEMPORARY TABLE of_the_host (said TEXT)"))
        connection.execute(text(f"SET LOCAL lock_timeout = '{given}'"))
        connection.execute(text("INSERT INTO of_the_host VALUES ('kept')"))
        begun = time.monotonic()
        with pytest.raises(Busy, match="left it open"):
            desk.mark_returned("1001", {"cup": 1}, by=ANNA, request_id="mine", connection=connection)
        assert time.monotonic() - begun < 20
        assert connection.execute(text("SHOW lock_timeout")).scalar_one() == given
        assert connection.execute(text("SELECT said FROM of_the_host")).scalar_one() == "kept"


@pytest.mark.parametrize("given", ["0", "700ms"])
def test_a_limit_of_ours_does_not_stay_on_the_hosts_connection(world: Any, database: str, given: str) -> None:
    desk = world.open().desk
    mine = create_engine(database)
    with closing(mine), mine.connect() as connection:
        connection.execute(text(f"SET lock_timeout = '{given}'"))
        desk.mark_returned("1001", {"cup": 1}, by=ANNA, request_id="mine", connection=connection)
        assert connection.execute(text("SHOW lock_timeout")).scalar_one() == given
        connection.commit()
        assert connection.execute(text("SHOW lock_timeout")).scalar_one() == given


def test_a_migration_on_the_hosts_engine_does_not_wait_without_limit(
    world: Any, database: str, server: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Meanwhile it would keep everybody waiting behind it."""
    monkeypatch.setattr(connecting, "SECONDS_TO_WAIT", 0.5)
    world.open()
    mine = create_engine(database)
    with closing(mine), kept_locked_by_another(world, mine):
        with server.begin() as connection:
            connection.execute(tables.migration.delete().where(tables.migration.c.number == NEWEST))
        with pytest.raises(Busy):
            migrate(mine)


def test_a_host_sets_its_own_limit_in_the_address(database: str) -> None:
    with closing(connect(database)) as usual, closing(connect(f"{database}?options=-c%20lock_timeout%3D9s")) as own:
        assert [shown(one, "lock_timeout") for one in (usual, own)] == ["5s", "9s"]


# --- what a driver or a pool can say --------------------------------------------------------------------------


@contextmanager
def closing(engine: Engine) -> Iterator[Engine]:
    yield engine
    engine.dispose()


def shown(engine: Engine, setting: str) -> str:
    with engine.connect() as connection:
        return str(connection.execute(text(f"SHOW {setting}")).scalar_one())


@pytest.fixture
def migrated(database: str) -> str:
    """The database with its tables."""
    ReturnDesk(shop=MemoryShop(), store=database, migrate=True).close()
    return database


def said_by(desk: ReturnDesk) -> list[type[Exception]]:
    """What a command, a list and the work raise."""
    raised: list[RetourError] = []
    for one in (lambda: desk.mark_returned("1001", by=ANNA), lambda: desk.list_returns(), lambda: desk.work()):
        try:
            one()  # type: ignore[no-untyped-call]
        except RetourError as error:
            raised.append(error)
    assert all(error.text("nl") != error.text("en") for error in raised)
    return [type(error) for error in raised]


def shop() -> MemoryShop:
    return MemoryShop([an_order(a_line("cup", 2))])


def test_a_pool_that_has_no_connection_left_is_an_error_of_ours(migrated: str) -> None:
    engine = create_engine(migrated, pool_size=1, max_overflow=0, pool_timeout=0.1)
    desk = ReturnDesk(shop=shop(), store=engine)
    with closing(engine), engine.connect():
        assert said_by(desk) == [StoreUnavailable] * 3
    assert desk.mark_returned("1001", by=ANNA).changed
    engine.dispose()


def test_a_statement_that_takes_too_long_is_an_error_of_ours(migrated: str, server: Engine) -> None:
    with closing(connect(f"{migrated}?options=-c%20statement_timeout%3D200%20-c%20lock_timeout%3D0")) as engine:
        desk = ReturnDesk(shop=shop(), store=engine)
        with server.begin() as connection:
            connection.execute(text("LOCK TABLE retour_event, retour_return, retour_personal"))
            assert said_by(desk) == [StoreUnavailable] * 3
        assert desk.mark_returned("1001", by=ANNA).changed


def test_missing_rights_are_an_error_of_ours(migrated: str, server: Engine) -> None:
    role = f"retour_clerk_{uuid.uuid4().hex[:8]}"
    with server.begin() as connection:
        connection.execute(text(f"CREATE ROLE {role}"))
        connection.execute(text(f"GRANT SELECT ON retour_migration TO {role}"))
    with closing(connect(f"{migrated}?options=-c%20role%3D{role}")) as engine:
        assert said_by(ReturnDesk(shop=shop(), store=engine)) == [StoreError] * 3
    with server.begin() as connection:
        connection.execute(text(f"DROP OWNED BY {role}"))
        connection.execute(text(f"DROP ROLE {role}"))


def test_tables_that_are_gone_are_an_error_of_ours(migrated: str, server: Engine) -> None:
    desk = ReturnDesk(shop=shop(), store=migrated)
    tables.metadata.drop_all(server)
    assert said_by(desk) == [StoreNotMigrated] * 3
    desk.close()


SQLSTATES = ["08006", "22003", "23505", "25P02", "28000", "3D000", "40003", "42601", "53100", "53300", "54000", "55006"]
SQLSTATES += ["57P01", "57P03", "57014", "58030", "0A000", "F0000", "HV000", "P0001", "XX000", "XX001"]


@pytest.mark.parametrize("state", SQLSTATES)
def test_whatever_a_server_says_is_an_error_of_ours(migrated: str, server: Engine, state: str) -> None:
    desk = ReturnDesk(shop=shop(), store=migrated)
    with server.begin() as connection:
        connection.execute(
            text(
                "CREATE FUNCTION says() RETURNS trigger LANGUAGE plpgsql AS "
                f"$$ BEGIN RAISE EXCEPTION 'no' USING ERRCODE = '{state}', DETAIL = 'a customer wrote this'; END $$"
            )
        )
        connection.execute(
            text("CREATE TRIGGER says BEFORE INSERT ON retour_dossier FOR EACH ROW EXECUTE FUNCTION says()")
        )
    with pytest.raises(RetourError) as caught:
        desk.mark_returned("1001", by=ANNA)
    assert "a customer" not in str(caught.value)
    assert desk.dossier("1001").version == 0
    desk.close()
    with server.begin() as connection:
        connection.execute(text("DROP FUNCTION says CASCADE"))


def test_a_commit_that_the_server_refuses_is_known_not_to_be_saved(migrated: str, server: Engine) -> None:
    desk = ReturnDesk(shop=shop(), store=migrated)
    with server.begin() as connection:
        connection.execute(
            text("CREATE FUNCTION says() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'no'; END $$")
        )
        connection.execute(
            text(
                "CREATE CONSTRAINT TRIGGER says AFTER INSERT ON retour_dossier DEFERRABLE INITIALLY DEFERRED "
                "FOR EACH ROW EXECUTE FUNCTION says()"
            )
        )
    with pytest.raises(StoreError, match="P0001: no") as caught:
        desk.mark_returned("1001", by=ANNA)
    assert not isinstance(caught.value, PerhapsSaved)
    assert desk.dossier("1001").version == 0
    desk.close()
    with server.begin() as connection:
        connection.execute(text("DROP FUNCTION says CASCADE"))
