"""The database: ours, complete, not newer than we are, writable; or a clear error and nothing changed."""

from __future__ import annotations

import datetime
import re
import sqlite3
import threading
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, Engine, create_engine, event, inspect, select, text

from retour import Actor, MemoryShop, ReturnDesk, connect
from retour.effects.kinds import LookAgain
from retour.model.errors import (
    OrderUnreadable,
    StoreError,
    StoreLocked,
    StoreNewer,
    StoreNotMigrated,
    StoreNotOurs,
    StoreReadOnly,
    StoreUnavailable,
)
from retour.store import connect as connecting
from retour.store import effects, migrations, tables
from retour.store.clock import SECOND
from retour.store.migrations import MIGRATIONS, migrate
from retour.store.pages import LetThrough, PageWanted
from retour.store.prepared import listed
from retour.store.records import from_json
from retour.store.store import Store
from retour.testing import a_line, an_order

ANNA = Actor.staff("anna")


def shop() -> MemoryShop:
    return MemoryShop([an_order(a_line("cup", 2))])


SAID_APART = re.compile(" where | text_pattern_ops")
"""What makes an index one of some rows, or one that sorts texts by code points."""


def schema(url: str) -> dict[str, object]:
    """What a database holds: columns with types and nullability, keys and indexes."""
    engine = create_engine(url)
    inspector = inspect(engine)
    found: dict[str, object] = {}
    for table in sorted(inspector.get_table_names()):
        columns = [(c["name"], str(c["type"]), c["nullable"]) for c in inspector.get_columns(table)]
        key = inspector.get_pk_constraint(table)["constrained_columns"]
        indexes = sorted((i["name"], i["column_names"], bool(i["unique"])) for i in inspector.get_indexes(table))
        found[table] = columns, key, indexes
    with engine.connect() as connection:
        if engine.dialect.name == "sqlite":
            where = connection.execute(text("SELECT sql FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL"))
        else:
            where = connection.execute(text("SELECT indexdef FROM pg_indexes WHERE schemaname = 'public'"))
        found["partial"] = sorted(
            " ".join(row[0].split()).lower() for row in where if SAID_APART.search(row[0].lower())
        )
    engine.dispose()
    return found


def test_all_migrations_give_the_same_schema_as_the_tables(database: str, tmp_path: Path) -> None:
    engine = connect(database)
    migrate(engine)
    by_migrations = schema(database)
    tables.metadata.drop_all(engine)
    tables.metadata.create_all(engine)
    assert schema(database) == by_migrations
    engine.dispose()


def test_migrating_twice_does_nothing(database: str) -> None:
    engine = connect(database)
    assert migrate(engine) == [name for _, name, _ in MIGRATIONS]
    assert migrate(engine) == []
    engine.dispose()


def test_what_was_seen_before_modes_were_kept_is_kept_and_is_of_any_mode(
    database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = connect(database)
    monkeypatch.setattr(migrations, "MIGRATIONS", MIGRATIONS[:5])
    migrate(engine)
    with engine.begin() as connection:
        connection.execute(text("INSERT INTO retour_reference VALUES ('north', 'mollie', 'default', 'tr_1', '1001')"))
    monkeypatch.undo()
    assert migrate(engine) == [name for _, name, _ in MIGRATIONS[5:]]
    with engine.connect() as connection:
        rows = connection.execute(select(tables.reference)).all()
    assert [tuple(row) for row in rows] == [("north", "mollie", "default", "tr_1", "any", "1001")]
    assert Store(engine).find_order("north", "mollie", "default", "live", "tr_1") == "1001"
    assert Store(engine).find_order("north", "mollie", "other", "live", "tr_1") is None
    engine.dispose()


def test_what_succeeded_in_the_last_ninety_days_before_it_was_looked_at_again_is_looked_at_one_after_the_other(
    database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = [name for _, name, _ in MIGRATIONS].index("looks at refunds that succeeded")
    engine = connect(database)
    monkeypatch.setattr(migrations, "MIGRATIONS", MIGRATIONS[:place])
    migrate(engine)
    monkeypatch.undo()
    now = int(datetime.datetime.now(datetime.UTC).timestamp() * SECOND)
    day = 24 * 3600 * SECOND
    payments = [("default", "tr_1", "live"), ("second", "tr_2", "test"), ("default", "tr_3", tables.ANY_MODE)]
    refunds = [
        ("rf1", "mollie:tr_1", "succeeded", now - 89 * day),
        ("rf2", "mollie/second:tr_2", "succeeded", now - day),
        ("rf3", "mollie:tr_3", "succeeded", now - 2 * day),
        ("rf4", "bank:unknown", "succeeded", now - 3 * day),
        ("rf5", "mollie:tr_1", "succeeded", now - 91 * day),
        ("rf6", "mollie:tr_1", "failed", now - day),
    ]
    with engine.begin() as connection:
        for account, reference, mode in payments:
            row = {"shop": "north", "provider": "mollie", "account": account, "reference": reference, "mode": mode}
            connection.execute(tables.reference.insert(), {**row, "order_id": "1001"})
        for refund_id, payment, state, since in refunds:
            row = {"shop": "north", "refund_id": refund_id, "order_id": "1001", "payment": payment, "state": state}
            more = {"minor": 1, "currency": "EUR", "waits_for": "nobody", "since": since, "opened_at": since}
            connection.execute(tables.refund.insert(), {**row, **more})
    migrate(engine)
    columns = tables.effect.c
    query = select(columns.id, columns.kind, columns.body, columns.behind, columns.account, columns.not_before)
    with engine.connect() as connection:
        rows = connection.execute(query.order_by(columns.not_before)).all()
    assert [(row.id, row.account) for row in rows] == [
        ("larf2", "mollie/second/test"),
        ("larf3", "mollie/default/live"),
        ("larf4", ""),
        ("larf1", "mollie/default/live"),
    ]
    assert {(row.kind, row.behind) for row in rows} == {("look_again", 2)}
    assert [from_json(LookAgain, row.body).refund_id for row in rows] == ["rf2", "rf3", "rf4", "rf1"]
    apart = [after.not_before - one.not_before for one, after in pairwise(rows)]
    assert all(abs(one - 2 * SECOND) < SECOND for one in apart)  # the clock of tests goes on within a statement
    engine.dispose()


def test_a_migration_that_breaks_off_changes_nothing(database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    engine = connect(database)
    monkeypatch.setattr(migrations, "MIGRATIONS", MIGRATIONS[:5])
    migrate(engine)
    before = schema(database)

    def broken_off(connection: Connection) -> None:
        MIGRATIONS[5][2](connection)
        raise KeyboardInterrupt

    monkeypatch.setattr(migrations, "MIGRATIONS", (*MIGRATIONS[:5], (6, "broken off", broken_off)))
    with pytest.raises(KeyboardInterrupt):
        migrate(engine)
    assert schema(database) == before
    monkeypatch.undo()
    assert migrate(engine) == [name for _, name, _ in MIGRATIONS[5:]]
    engine.dispose()


def test_several_processes_migrate_at_once_and_one_does_it(database: str) -> None:
    made: list[list[str]] = []

    def one() -> None:
        engine = connect(database)
        made.append(migrate(engine))
        engine.dispose()

    threads = [threading.Thread(target=one) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(made, reverse=True) == [[name for _, name, _ in MIGRATIONS], [], [], [], [], []]


def test_an_empty_database_is_not_migrated_behind_the_hosts_back(database: str) -> None:
    with pytest.raises(StoreNotMigrated, match="retour db upgrade"):
        ReturnDesk(shop=shop(), store=database, migrate=False)
    assert schema(database) == {"partial": []}


def test_a_password_is_not_shown() -> None:
    with pytest.raises(StoreError) as caught:
        ReturnDesk(shop=shop(), store="postgresql+psycopg://u:topsecret@127.0.0.1:1/x")
    assert "topsecret" not in str(caught.value)


def test_a_database_newer_than_the_code_is_left_alone(database: str) -> None:
    engine = connect(database)
    migrate(engine)
    with engine.begin() as connection:
        connection.execute(text("INSERT INTO retour_migration VALUES (99, 'from the future', 0)"))
    with pytest.raises(StoreNewer, match="made by a newer retour"):
        ReturnDesk(shop=shop(), store=database, migrate=True)
    engine.dispose()


def test_an_event_of_a_newer_retour_leaves_that_order_alone_and_says_so(database: str) -> None:
    desk = ReturnDesk(shop=shop(), store=database, migrate=True)
    desk.mark_returned("1001", {"cup": 1}, by=ANNA, request_id="form-1")
    with desk._services.store.engine.begin() as connection:
        connection.execute(text("UPDATE retour_event SET version = 99 WHERE seq = 2"))
    with pytest.raises(OrderUnreadable, match=r"Order 1001 cannot be read: a newer"):
        desk.mark_returned("1001", by=ANNA)
    desk.close()


def test_tables_of_somebody_else_under_our_names_are_left_alone(database: str) -> None:
    engine = create_engine(database)
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE retour_event (x INTEGER)"))
    with pytest.raises(StoreNotOurs, match="not made by retour"):
        ReturnDesk(shop=shop(), store=database, migrate=True)
    engine.dispose()


def test_a_host_can_keep_its_own_tables_beside_ours(database: str) -> None:
    engine = create_engine(database)
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE shop_order (id INTEGER)"))
    desk = ReturnDesk(shop=shop(), store=database, migrate=True)
    desk.mark_returned("1001", by=ANNA)
    desk.close()
    with engine.begin() as connection:
        connection.execute(text("DROP TABLE shop_order"))
    engine.dispose()


@pytest.mark.parametrize(
    "url, match",
    [
        ("returns.db", "is not the address of a database"),
        ("mysql://localhost/x", "SQLite or PostgreSQL, not in mysql"),
        ("sqlite:////no/such/folder/returns.db", "cannot be opened"),
    ],
)
def test_an_address_that_is_no_database_of_ours_is_refused(url: str, match: str) -> None:
    with pytest.raises(StoreNotOurs, match=match):
        ReturnDesk(shop=shop(), store=url)


def test_a_server_that_is_not_there_can_be_tried_again_later() -> None:
    with pytest.raises(StoreUnavailable, match="cannot be reached"):
        ReturnDesk(shop=shop(), store="postgresql+psycopg://127.0.0.1:1/x")


def test_a_file_that_is_no_database_is_left_as_it_is(tmp_path: Path) -> None:
    file = tmp_path / "letter.txt"
    file.write_text("Dear Anna, " * 100)
    with pytest.raises(StoreNotOurs, match="not an SQLite database"):
        ReturnDesk(shop=shop(), store=f"sqlite:///{file}")
    assert file.read_text() == "Dear Anna, " * 100


def test_a_locked_database_says_so_and_nothing_changes(sqlite_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connecting, "SECONDS_TO_WAIT", 0.2)
    desk = ReturnDesk(shop=shop(), store=sqlite_url)
    other = sqlite3.connect(sqlite_url.removeprefix("sqlite:///"), isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreLocked, match="try again"):
        desk.mark_returned("1001", by=ANNA)
    other.execute("ROLLBACK")
    other.close()
    assert desk.dossier("1001").version == 0
    assert desk.mark_returned("1001", by=ANNA).changed
    desk.close()


def test_a_read_only_sqlite_database_says_so(sqlite_url: str) -> None:
    ReturnDesk(shop=shop(), store=sqlite_url).close()
    desk = ReturnDesk(shop=shop(), store=connect(f"{sqlite_url}?mode=ro&uri=true".replace("///", "///file:")))
    with pytest.raises(StoreReadOnly, match="The database is read-only"):
        desk.mark_returned("1001", by=ANNA)
    assert desk.dossier("1001").version == 0


@pytest.mark.postgresql
def test_a_read_only_postgresql_database_says_so(postgresql: str) -> None:
    engine = connect(postgresql)
    migrate(engine)
    reading = connect(postgresql + "?options=-c%20default_transaction_read_only%3Don")
    desk = ReturnDesk(shop=shop(), store=reading)
    with pytest.raises(StoreReadOnly, match="read-only"):
        desk.mark_returned("1001", by=ANNA)
    assert desk.dossier("1001").version == 0
    reading.dispose()
    engine.dispose()


def test_personal_data_is_forgotten_when_its_time_has_come(
    database: str, tell_database: Callable[[datetime.datetime], None]
) -> None:
    now = [datetime.datetime(2026, 11, 23, tzinfo=datetime.UTC)]
    desk = ReturnDesk(shop=shop(), store=database, migrate=True, clock=lambda: now[0])
    desk.mark_returned("1001", by=ANNA, note="the neighbour brought it")
    assert desk.work().forgotten == 0
    now[0] += datetime.timedelta(days=366)
    assert desk.work().forgotten == 0, "the clock of one process is wrong"
    tell_database(now[0])
    assert desk.work().forgotten == 1
    assert not any(entry.note for entry in desk.timeline("1001"))
    assert desk.dossier("1001").version > 1
    desk.close()


@pytest.mark.parametrize(
    "statement, given, index",
    [
        ("_CLAIM_OLDEST", {"holder": "wk", "lease": 1, "limit": 20, "window": 100}, "retour_effect_waiting"),
        ("_CLAIM_BEHIND", {"holder": "wk", "lease": 1, "limit": 20, "window": 100}, "retour_effect_behind"),
        (
            "_CLAIM_OF_SHOP",
            {"holder": "wk", "lease": 1, "limit": 20, "window": 100, "shop": "north", "kind": "announce"},
            "retour_effect_shop",
        ),
        (
            "_CLAIM_LOOKS",
            {"holder": "wk", "lease": 1, "limit": 20, "shop": "north", "account": "mollie/default/live"},
            "retour_effect_account",
        ),
        ("_ACCOUNTS_TO_ASK", {"after": "", "most": 100}, "retour_effect_account"),
        ("_FALLEN", {}, "retour_effect_owned"),
        ("_FALLEN_OF", {}, "retour_effect_owned"),
        ("_DUE_BY_SHOP", {"after": "", "most": 100}, "retour_effect_shop"),
        ("_DUE_BY_ORDER", {"shop": "north", "after": "", "most": 100}, "retour_effect_order"),
        ("_WHAT_IS_DUE", {}, "retour_effect_waiting"),
        ("_WHAT_IS_DUE", {}, "retour_effect_behind"),
        ("_WHAT_IS_DUE", {}, "retour_effect_look"),
        ("_LEFT_ALONE", {}, "retour_effect_waiting"),
    ],
)
def test_what_is_due_is_found_without_reading_what_waits(
    database: str, statement: str, given: dict[str, object], index: str
) -> None:
    engine = connect(database)
    tables.metadata.create_all(engine)
    dialect = engine.dialect.name
    with engine.begin() as connection:
        row = {"shop": "north", "plugin": "", "body": "{}", "state": "waiting", "lease_until": 0, "attempts": 0}
        row |= {"settled": 0, "not_before": 1, "created_at": 1, "problem": "", "kind": "announce"}
        rows = [{**row, "id": f"ef{number}", "order_id": f"o{number % 100}"} for number in range(2000)]
        connection.execute(tables.effect.insert(), rows)
        connection.execute(text("ANALYZE"))
    with engine.connect() as connection:
        compiled = getattr(effects, statement)._of(connection.dialect)
        lists = {"kinds": listed(dialect, ["announce"]), "busy": listed(dialect, ["plugin crm"])}
        bound = compiled.bound({**given, **lists})
        if dialect == "postgresql":
            connection.execute(text("SET LOCAL enable_seqscan = off"))
            connection.execute(text("SET LOCAL enable_bitmapscan = off"))
            plan = "\n".join(connection.exec_driver_sql(f"EXPLAIN {compiled.sql}", bound).scalars())
            found = re.findall(rf"{index} on .*\n\s*Index Cond: (.*)", plan)
        else:
            lines = [row[3] for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {compiled.sql}", bound)]
            found = [line for line in lines if re.search(rf"{index} \(.*[<>]", line)]
        connection.rollback()
    engine.dispose()
    assert any("not_before <" in one or "not_before<" in one or "lease_until" in one for one in found)


OF_AN_ORDER: dict[str, dict[str, list[str]]] = {
    "returns": {"goods": ["received"], "stock": ["applied", "nothing"], "waits_for": ["answer"]},
    "refunds": {"state": ["failed"], "waits_for": ["person", ""]},
}

OF_MANY_ORDERS = {
    "returns": """
INSERT INTO retour_return SELECT 'north', 'rt' || i, 'o' || i, 'received', 'applied', 'answer', i, NULL, i, i
    FROM generate_series(1, 3000) AS i
""",
    "refunds": """
INSERT INTO retour_refund SELECT 'north', 'rf' || i, 'o' || i, 'p', 1, 'EUR', 'failed', 'person', i, i, ''
    FROM generate_series(1, 3000) AS i
""",
}


@pytest.mark.parametrize("made", [migrate, tables.metadata.create_all], ids=["by migrations", "as the tables are"])
@pytest.mark.parametrize("what", OF_AN_ORDER)
def test_what_is_of_one_order_is_found_by_it_and_nothing_else_is_read(
    bare_database: str, what: str, made: Callable[[Engine], object]
) -> None:
    engine = connect(bare_database)
    made(engine)  # of indexes that look alike SQLite chooses the one that was made last
    if engine.dialect.name == "postgresql":  # which chooses by how many rows it will find
        with engine.begin() as connection:
            connection.execute(text(OF_MANY_ORDERS[what]))
            connection.execute(text("ANALYZE"))
    asked: list[tuple[str, Any]] = []
    event.listen(engine, "before_cursor_execute", lambda _, __, sql, given, *___: asked.append((sql, given)))
    listing = getattr(Store(engine).pages, what)
    for name, values in [("shop", []), *OF_AN_ORDER[what].items()]:
        filters = {"order_id": ["1001"], **({name: values} if values else {})}
        for more in ({}, {"after": "2000.x"}, {"before": "2000.x"}, {"oldest_first": True}):
            listing("north", LetThrough(values=filters), PageWanted(limit=50, **more))  # type: ignore[arg-type]
    statements = [one for one in asked if "LIMIT" in one[0]]
    assert len(statements) == 4 * (1 + len(OF_AN_ORDER[what]))
    index = {"returns": "retour_return_order", "refunds": "retour_refund_order"}[what]
    with engine.connect() as connection:
        explain = {"sqlite": "EXPLAIN QUERY PLAN", "postgresql": "EXPLAIN"}[engine.dialect.name]
        for sql, given in statements:
            plan = [str(row[-1]) for row in connection.exec_driver_sql(f"{explain} {sql}", given)]
            assert any(index in line for line in plan), plan
            assert not any("Sort" in line or "B-TREE" in line for line in plan), plan
        connection.rollback()
    engine.dispose()
