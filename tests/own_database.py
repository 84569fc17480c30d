"""PostgreSQL databases that tests have for themselves."""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager

from database_clock import make_movable
from sqlalchemy import create_engine, text

SERVER = os.environ.get("RETOUR_TEST_POSTGRESQL", "postgresql+psycopg://127.0.0.1:5432/postgres")


@contextmanager
def own_database(prefix: str) -> Iterator[str]:
    """The address of a new database, whose clock tests can move, gone afterwards. Raises SQLAlchemy's OperationalError
    where there is no server.

    Nobody waits there until what he commits is on the disk: only the end of the server itself could lose it, and that
    no test brings about. Whatever else ends, a connection or a process, it is there for all who look.
    """
    admin = create_engine(SERVER, isolation_level="AUTOCOMMIT")
    name = f"{prefix}_{uuid.uuid4().hex[:12]}"
    with admin.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
        connection.execute(text(f"ALTER DATABASE {name} SET synchronous_commit = off"))
    try:
        movable = create_engine(admin.url.set(database=name))
        make_movable(movable)
        movable.dispose()
        yield admin.url.set(database=name).render_as_string(hide_password=False)
    finally:
        with admin.connect() as connection:
            connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
        admin.dispose()
