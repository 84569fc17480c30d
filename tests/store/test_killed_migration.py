"""A migration of a full database: killed wherever it is, nothing has changed, and the next one keeps every row.

``RETOUR_ROWS=1000000`` tries it on a million, as ``make crash`` does, and tells how long it took.
"""

from __future__ import annotations

import os
import random
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest
from sqlalchemy import Engine, create_engine, inspect, text

from retour import connect
from retour.store import migrations
from retour.store.migrations import MIGRATIONS, migrate

pytestmark = pytest.mark.long

ROWS = int(os.environ.get("RETOUR_ROWS", "20000"))
OLD = 5
"""The migration that the database stands at: the next one rebuilds the references, the last one indexes of effects."""

STEP = 6 if "RETOUR_ROWS" not in os.environ else 2
"""Each sixth statement is where it is killed, or each second."""

REFERENCES = """
INSERT INTO retour_reference
WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < :rows)
SELECT 'shop' || i % 10, 'mollie', 'default', 'tr_' || i, 'o' || i FROM n
"""

EFFECTS = """
INSERT INTO retour_effect (id, shop, order_id, kind, plugin, body, state, lease_until, attempts, settled, not_before,
    created_at, problem)
WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < :rows)
SELECT 'ef' || i, 'shop' || i % 10, 'o' || i, 'reconcile', '', '{}',
    CASE WHEN i % 10 = 0 THEN 'waiting' ELSE 'done' END, 0, 0, 0, i, i, '' FROM n
"""

CHILD = """
import sys, time
from sqlalchemy import event
from retour import connect
from retour.store.migrations import migrate

engine, last, statements = connect(sys.argv[1]), int(sys.argv[2]), 0

def changes(statement):
    return statement.lstrip().split()[0] in ("CREATE", "INSERT", "UPDATE", "DROP", "ALTER")

@event.listens_for(engine, "before_cursor_execute")
def begins(connection, cursor, statement, *_):
    global statements
    statements += changes(statement)
    if changes(statement) and statements == last:
        print("begins", flush=True)

@event.listens_for(engine, "after_cursor_execute")
def ends(connection, cursor, statement, *_):
    if changes(statement) and statements == last:
        time.sleep(600)

migrate(engine)
print("done", flush=True)
"""


@pytest.fixture
def full(database: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Engine]:
    """A database of before modes were kept, with as many payments as effects, some of which wait."""
    made = connect(database)
    monkeypatch.setattr(migrations, "MIGRATIONS", MIGRATIONS[:OLD])
    migrate(made)
    monkeypatch.undo()
    made.dispose()
    engine = create_engine(database)  # whose statements may wait for a killed one to be undone
    with engine.begin() as connection:
        for fill in (REFERENCES, EFFECTS):
            connection.execute(text(fill), {"rows": ROWS})
    yield engine
    engine.dispose()


def found(engine: Engine) -> dict[str, Any]:
    """The columns and indexes of each table, and its rows, counted."""
    inspector = inspect(engine)
    tables = {
        table: (
            [one["name"] for one in inspector.get_columns(table)],
            sorted(str(one["name"]) for one in inspector.get_indexes(table)),
        )
        for table in inspector.get_table_names()
    }
    with engine.connect() as connection:
        rows = {
            what: connection.execute(text(f"SELECT {what}")).scalar()
            for what in (
                "count(*) FROM retour_reference",
                "count(DISTINCT reference || order_id || shop) FROM retour_reference",
                "count(*) FROM retour_effect",
                "count(*) FROM retour_effect WHERE state = 'waiting'",
                "max(number) FROM retour_migration",
            )
        }
    return {**tables, **rows}


def test_a_migration_that_is_killed_changes_nothing_and_the_next_one_keeps_every_row(
    database: str, full: Engine, tell: Callable[[str, Mapping[str, int]], None]
) -> None:
    before, kills, chance = found(full), 0, random.Random(20261129)
    while True:
        last = 1 + kills * STEP
        child = subprocess.Popen([sys.executable, "-c", CHILD, database, str(last)], stdout=subprocess.PIPE, text=True)
        assert child.stdout is not None
        with child:
            begun, said = time.monotonic(), child.stdout.readline()
            if said == "done\n":
                break
            time.sleep(chance.random() * ROWS / 1_000_000)
            child.kill()
        kills += 1
        assert said == "begins\n"
        assert found(full) == before
    took = time.monotonic() - begun
    assert kills > 20 / STEP
    tell(f"{ROWS} payments and effects migrated on {full.dialect.name}", {"kills": kills, "seconds": round(took)})
    after = found(full)
    assert after["max(number) FROM retour_migration"] == MIGRATIONS[-1][0]
    for what, rows in before.items():
        if what.startswith("count"):
            assert after[what] == rows
    with full.connect() as connection:
        modes = connection.execute(text("SELECT DISTINCT mode FROM retour_reference")).scalars().all()
        behind = connection.execute(text("SELECT state, behind, count(*) FROM retour_effect GROUP BY state, behind"))
        assert modes == ["any"]
        assert sorted(map(tuple, behind)) == [("done", 0, ROWS - ROWS // 10), ("waiting", 1, ROWS // 10)]
