"""Hot statements go past SQLAlchemy, and nobody can tell: not who listens, not who has them in a log, not the pool."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from sqlalchemy import Engine, create_engine, event, text

from retour import Actor, MemoryShop, ReturnDesk, connect
from retour.model.errors import StoreNotMigrated, StoreUnavailable
from retour.store import tables
from retour.store.migrations import migrate
from retour.testing import a_line, an_order

ANNA = Actor.staff("anna")
ORDERS = ("1001", "1002")


@pytest.fixture
def engine(database: str) -> Iterator[Engine]:
    engine = connect(database)
    yield engine
    engine.dispose()


def a_desk(engine: Engine) -> ReturnDesk:
    migrate(engine)
    return ReturnDesk(shop=MemoryShop(an_order(a_line("cup", 2), order_id=one) for one in ORDERS), store=engine)


def sent(engine: Engine) -> list[str]:
    """What SQLite's driver gets from here on, without its values."""
    statements: list[str] = []

    @event.listens_for(engine, "checkout")
    def trace(driver: Any, _record: object, _proxy: object) -> None:
        driver.set_trace_callback(lambda sql: statements.append(re.sub(r"'[^']*'|\b\d+\b", "?", sql)))

    return statements


def to_a_listener(engine: Engine) -> Callable[[str], bool]:
    """Lets somebody change each statement."""

    @event.listens_for(engine, "before_cursor_execute", retval=True)
    def mark(_: Any, __: Any, sql: str, values: Any, *___: Any) -> tuple[str, Any]:
        return f"{sql} /* marked */", values

    return lambda sql: sql.endswith("/* marked */")


def test_the_driver_gets_the_same_whether_somebody_listens_or_not(sqlite_url: str) -> None:
    """But for a transaction around a read of one statement, which needs none."""
    engine = connect(sqlite_url)
    desk, statements = a_desk(engine), sent(engine)
    desk.mark_returned("1001", by=ANNA)
    unheard = list(statements)
    statements.clear()
    heard: list[str] = []
    event.listen(engine, "before_cursor_execute", lambda *given: heard.append(given[2]))
    desk.mark_returned("1002", by=ANNA)
    assert [one for one in statements if one not in ("BEGIN", "ROLLBACK")] == unheard
    assert len(heard) == 10
    engine.dispose()


def test_who_changes_statements_gets_all_of_them(sqlite_url: str) -> None:
    engine = connect(sqlite_url)
    desk, statements = a_desk(engine), sent(engine)
    marked = to_a_listener(engine)
    desk.mark_returned("1001", by=ANNA)
    ours = [one for one in statements if "retour_" in one and not one.startswith("SELECT max(number)")]
    assert ours
    assert all(marked(one) for one in ours)
    engine.dispose()


def test_who_logs_statements_has_all_of_them(engine: Engine, caplog: pytest.LogCaptureFixture) -> None:
    desk = a_desk(engine)
    with caplog.at_level(logging.INFO, logger="sqlalchemy.engine.Engine.retour"):
        desk.mark_returned("1001", by=ANNA)
    logged = [record.getMessage() for record in caplog.records if "retour_" in record.getMessage()]
    assert len(logged) == {"sqlite": 10, "postgresql": 3}[engine.dialect.name]  # there each commit is one


def test_a_read_leaves_its_connection_as_others_want_it(engine: Engine) -> None:
    """Also one that failed: what the host writes next is a transaction, and saved by nobody but him."""
    desk = a_desk(engine)
    desk.dossier("1001")
    with engine.begin() as connection:
        connection.execute(text("ALTER TABLE retour_event RENAME TO gone"))
    with pytest.raises(StoreNotMigrated):
        desk.dossier("1001")
    with engine.begin() as connection:
        connection.execute(text("ALTER TABLE gone RENAME TO retour_event"))
    pooled = [engine.connect() for _ in range(3)]
    for connection in pooled:
        with connection.begin() as transaction:
            values = {"shop": "north", "source": "shop", "what": "gone", "times": 1, "first_at": 1, "last_at": 1}
            connection.execute(tables.problem.insert(), values)
            transaction.rollback()
        connection.close()
    assert desk._services.store.problems("north") == []


def test_who_listens_to_errors_hears_of_one(engine: Engine) -> None:
    desk, heard = a_desk(engine), list[str]()
    event.listen(engine, "handle_error", lambda error: heard.append(str(error.statement)))
    with engine.begin() as connection:
        connection.execute(text("ALTER TABLE retour_event RENAME TO gone"))
    with pytest.raises(StoreNotMigrated, match="retour db upgrade"):
        desk.dossier("1001")
    assert len(heard) == 1
    assert "FROM retour_event" in heard[0]
    with engine.begin() as connection:
        connection.execute(text("ALTER TABLE gone RENAME TO retour_event"))


@pytest.mark.postgresql
def test_a_connection_of_the_pool_that_was_closed_behind_its_back_is_replaced(postgresql: str) -> None:
    engine = connect(postgresql)
    desk = a_desk(engine)
    for look in (lambda: desk.dossier("1001"), lambda: desk.list_returns()):
        with engine.connect() as connection:
            driver: Any = connection.connection.dbapi_connection
            driver.close()
        look()
    engine.dispose()


@pytest.mark.postgresql
def test_an_engine_that_commits_each_statement_does_so_after_we_have_read(postgresql: str) -> None:
    engine = create_engine(postgresql, isolation_level="AUTOCOMMIT", pool_size=1, max_overflow=0)
    desk, values = a_desk(engine), {"source": "shop", "what": "gone", "times": 1, "first_at": 1, "last_at": 1}
    looks = {"straight": lambda: desk.dossier("1001"), "by SQLAlchemy": lambda: desk.list_returns()}
    for name, look in looks.items():
        look()
        with engine.connect() as connection:
            connection.execute(tables.problem.insert(), {"shop": name, **values})
        assert [one.what for one in desk._services.store.problems(name)] == ["gone"]
    engine.dispose()


@pytest.mark.postgresql
def test_a_server_that_is_gone_is_asked_to_connect_once(postgresql: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A host's page waits for that as long as the network lets it."""
    engine, tries = connect(postgresql), list[object]()
    desk = a_desk(engine)
    desk.dossier("1001")
    engine.dispose()

    def refuse(*given: object, **named: object) -> None:
        tries.append(given)
        raise engine.dialect.loaded_dbapi.OperationalError("connection refused")

    monkeypatch.setattr(engine.dialect, "connect", refuse)
    with pytest.raises(StoreUnavailable):
        desk.dossier("1001")
    assert len(tries) == 1
    engine.dispose()


@pytest.mark.postgresql
@pytest.mark.parametrize("command", ["read", "write"])
def test_one_connection_that_ended_takes_the_others_of_its_pool_along(postgresql: str, command: str) -> None:
    engine = connect(postgresql)
    desk = a_desk(engine)
    pooled = [engine.connect() for _ in range(4)]
    for connection in pooled:
        connection.close()
    admin = create_engine(postgresql, isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        connection.execute(
            text(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
        )
    if command == "read":
        assert desk.dossier("1001").version == 0
    else:
        desk._services.store.note_problem("north", "shop", "gone")
        assert [one.what for one in desk._services.store.problems("north")] == ["gone"]
    admin.dispose()
    engine.dispose()
