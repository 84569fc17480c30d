"""What several test folders share: a desk on each database."""

from __future__ import annotations

import importlib.util
import os
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.exc import OperationalError

from retour import MemoryShop, Order, ReturnDesk
from retour.store import tables

ROOT = Path(__file__).parent.parent
SHARED = ROOT.parent / "shared"


@pytest.fixture(scope="session")
def postgresql_url(missing: Callable[[str], None]) -> Iterator[str]:
    """A PostgreSQL database of this run's own, dropped at the end."""
    server = os.environ.get("RETOUR_TEST_POSTGRESQL", "postgresql+psycopg://127.0.0.1:5432/postgres")
    admin = create_engine(server, isolation_level="AUTOCOMMIT")
    name = f"retour_test_{uuid.uuid4().hex[:12]}"
    try:
        with admin.connect() as connection:
            connection.execute(text(f"CREATE DATABASE {name}"))
    except OperationalError:
        missing("a PostgreSQL server on loopback (RETOUR_TEST_POSTGRESQL)")
    yield admin.url.set(database=name).render_as_string(hide_password=False)
    with admin.connect() as connection:
        connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
    admin.dispose()


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    """A fresh SQLite file."""
    return f"sqlite:///{tmp_path}/retour.db"


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)])
def database(request: pytest.FixtureRequest) -> Iterator[str]:
    """The address of an empty database, once for each kind."""
    if request.param == "sqlite":
        yield request.getfixturevalue("sqlite_url")
        return
    url = request.getfixturevalue("postgresql_url")
    _empty(url)  # another test may have used it without this fixture
    yield url
    _empty(url)


def _empty(url: str) -> None:
    engine = create_engine(url)
    tables.metadata.drop_all(engine)
    engine.dispose()


@pytest.fixture(scope="session")
def plain_fold() -> ModuleType:
    """The second fold of an order's events, which knows nothing of the product's: ``tests/workflow/plain_fold.py``."""
    spec = importlib.util.spec_from_file_location("plain_fold", Path(__file__).parent / "workflow/plain_fold.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


MakeDesk = Callable[..., ReturnDesk]


@pytest.fixture
def make_desk(database: str) -> Iterator[MakeDesk]:
    """Makes desks on the database, and closes them."""
    made: list[ReturnDesk] = []

    def make(*orders: Order, **more: object) -> ReturnDesk:
        arguments = {"shop": MemoryShop(orders), "store": database, "migrate": True, **more}
        made.append(ReturnDesk(**arguments))  # type: ignore[arg-type]
        return made[-1]

    yield make
    for desk in made:
        desk.close()
