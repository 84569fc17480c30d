"""A desk that runs while another process migrates the database to a newer retour writes nothing more."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from sqlalchemy import Connection, Engine, event, select, text

from retour import Actor, ReturnDesk, StoreNewer, StoreNotMigrated, connect
from retour.store import migrations, tables
from retour.store.migrations import MIGRATIONS, migrate
from retour.testing import a_line, an_order

ANNA = Actor.staff("anna")


@pytest.fixture
def other(database: str) -> Iterator[Engine]:
    """Another process's engine."""
    engine = connect(database)
    yield engine
    engine.dispose()


@pytest.fixture
def desk(make_desk: Callable[..., ReturnDesk]) -> ReturnDesk:
    """It has stock to book that waits."""
    made = make_desk(an_order(a_line("cup", 2)), inline_seconds=0)
    made.mark_returned("1001", {"cup": 1}, by=ANNA, request_id="first")
    return made


def newer(connection: Connection) -> None:
    """What the migration of a newer retour leaves."""
    connection.execute(text("INSERT INTO retour_migration VALUES (99, 'from the future', 0)"))


def rows(engine: Engine) -> dict[str, object]:
    with engine.connect() as connection:
        return {one.name: connection.execute(select(one)).all() for one in tables.metadata.sorted_tables}


WRITES: dict[str, Callable[[ReturnDesk], object]] = {
    "a command": lambda desk: desk.mark_returned("1001", {"cup": 1}, by=ANNA, request_id="next"),
    "work": lambda desk: desk.work(),
    "again what was set aside": lambda desk: desk.retry_set_aside("1001", by=ANNA),
}


@pytest.mark.parametrize("name", WRITES)
def test_nothing_is_written_into_a_database_that_became_newer(desk: ReturnDesk, other: Engine, name: str) -> None:
    with other.begin() as connection:
        if name == "again what was set aside":
            connection.execute(text("UPDATE retour_effect SET not_before = 300000000000000000"))
        newer(connection)
    before = rows(other)
    with pytest.raises(StoreNewer, match="Upgrade retour; nothing was changed"):
        WRITES[name](desk)
    assert rows(other) == before


def test_nothing_is_written_into_an_older_database_that_was_put_in_place(desk: ReturnDesk, other: Engine) -> None:
    with other.begin() as connection:
        connection.execute(text("DELETE FROM retour_migration WHERE number > 5"))
    with pytest.raises(StoreNotMigrated, match="has become older"):
        WRITES["a command"](desk)


def test_nothing_is_written_in_a_hosts_own_transaction_either(desk: ReturnDesk, other: Engine) -> None:
    with other.begin() as connection:
        newer(connection)
    with other.connect() as connection:
        connection.begin()
        with pytest.raises(StoreNewer):
            desk.mark_returned("1001", {"cup": 1}, by=ANNA, request_id="next", connection=connection)


def test_a_migration_waits_for_who_is_writing_and_who_writes_next_is_refused(
    desk: ReturnDesk, other: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(migrations, "MIGRATIONS", (*MIGRATIONS, (99, "from the future", lambda _: None)))
    applied = threading.Event()
    migrations.check(other)

    def upgrade() -> None:
        migrate(other)
        applied.set()

    thread = threading.Thread(target=upgrade)
    too_early: list[bool] = []

    @event.listens_for(desk._services.store.engine, "before_cursor_execute")
    def now(_: Any, __: Any, statement: str, *___: Any) -> None:
        if "INSERT INTO retour_event" in statement and not too_early:
            thread.start()
            too_early.append(applied.wait(1))

    desk.mark_returned("1001", {"cup": 1}, by=ANNA, request_id="next")
    thread.join()
    assert too_early == [False]
    assert len(desk.dossier("1001").returns) == 2
    with pytest.raises(StoreNewer):
        desk.work()
