"""Scratch databases: made for one run under names of its own, and gone at its end."""

from __future__ import annotations

import tempfile
import uuid
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TypeAlias

from sqlalchemy import Engine, create_engine, text
from sqlalchemy.exc import OperationalError

from retour import connect
from retour.store.migrations import migrate

NewDatabase: TypeAlias = Callable[[str], Engine]
"""Makes a database with retour's tables, and gives its engine, as the desk would make it."""


class NoServer(Exception):
    """There is no PostgreSQL server to measure on; its text says why."""


@contextmanager
def sqlite_databases(folder: Path | None) -> Iterator[NewDatabase]:
    """Files in a folder of this run's own, inside ``folder`` or where temporary files go."""
    engines: list[Engine] = []
    with tempfile.TemporaryDirectory(prefix="retour-bench-", dir=folder) as own:

        def new(label: str) -> Engine:
            engines.append(_with_tables(f"sqlite:///{own}/{label}.db"))
            return engines[-1]

        try:
            yield new
        finally:
            for engine in engines:
                engine.dispose()


@contextmanager
def postgresql_databases(server: str) -> Iterator[NewDatabase]:
    """Databases of this run's own on ``server``; raises `NoServer`."""
    admin = create_engine(server, isolation_level="AUTOCOMMIT")
    run = f"retour_bench_{uuid.uuid4().hex[:8]}"
    engines: list[Engine] = []
    names: list[str] = []

    def new(label: str) -> Engine:
        name = f"{run}_{label}"
        _say(admin, f"CREATE DATABASE {name}")
        names.append(name)
        engines.append(_with_tables(admin.url.set(database=name).render_as_string(hide_password=False)))
        return engines[-1]

    try:
        _say(admin, "SELECT 1")
    except OperationalError as error:
        raise NoServer(str(error.orig).strip().splitlines()[0]) from error
    try:
        yield new
    finally:
        for engine in engines:
            engine.dispose()
        for name in names:
            _say(admin, f"DROP DATABASE {name} WITH (FORCE)")
        admin.dispose()


def settle(engine: Engine) -> None:
    """Get what bulk loading left to do out of the way of what is timed. PostgreSQL's planner has its statistics, as it
    has them in a shop: of tables with rows, since it looks at no others by itself, and what is prepared on a table that
    it knows to be empty reads all of that table later on. SQLite's has none, since nobody asks for them there either.
    """
    if engine.dialect.name == "sqlite":
        with closing(engine.raw_connection()) as connection:
            connection.cursor().execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    else:
        with engine.execution_options(isolation_level="AUTOCOMMIT").connect() as connection:
            for name in connection.exec_driver_sql(_WITH_ROWS).scalars().all():
                connection.exec_driver_sql(f"VACUUM ANALYZE {name}")
    engine.dispose()


_WITH_ROWS = (
    "SELECT oid::regclass::text FROM pg_class "
    "WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace AND pg_relation_size(oid) > 0"
)


def _with_tables(url: str) -> Engine:
    engine = connect(url)
    migrate(engine)
    return engine


def _say(admin: Engine, statement: str) -> None:
    with admin.connect() as connection:
        connection.execute(text(statement))
