"""What several test folders share: a desk on each database."""

from __future__ import annotations

import datetime
import importlib.util
import os
import random
import shutil
import socket
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from types import ModuleType

import database_clock
import pytest
from database_clock import TESTS_THEMSELVES
from own_database import own_database
from sqlalchemy import Engine, MetaData, create_engine
from sqlalchemy.exc import DBAPIError, OperationalError

from retour import MemoryShop, Order, ReturnDesk
from retour.store import tables
from retour.store.connect import connect
from retour.store.migrations import NEWEST, NEWEST_APPLIED, migrate

ROOT = Path(__file__).parent.parent
SHARED = ROOT.parent / "shared"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What takes long is begun first, so that at the end no worker is left with it while the others wait."""
    items.sort(key=lambda item: item.get_closest_marker("long") is None)


@pytest.fixture(scope="session")
def postgresql_url(missing: Callable[[str], None]) -> Iterator[str]:
    """A PostgreSQL database of this worker's own, dropped at the end."""
    with ExitStack() as dropped:
        try:
            made = dropped.enter_context(own_database("retour_test"))
        except OperationalError:
            missing("a PostgreSQL server on loopback (RETOUR_TEST_POSTGRESQL)")
        yield made


@pytest.fixture(scope="session")
def file_with_tables(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An SQLite file with our tables and nothing else, to be copied: making them takes as long as most tests."""
    file = tmp_path_factory.mktemp("tables") / "retour.db"
    engine = connect(f"sqlite:///{file}")
    migrate(engine)
    engine.dispose()
    return file


@pytest.fixture
def sqlite_url(tmp_path: Path, file_with_tables: Path) -> str:
    """An SQLite file of this test's own, in which nothing happened yet."""
    return f"sqlite:///{shutil.copyfile(file_with_tables, tmp_path / 'retour.db')}"


@pytest.fixture(scope="session")
def kept_connection(postgresql_url: str) -> Iterator[Engine]:
    """The tests' own connection to this worker's PostgreSQL database, beside those that they test: the server takes as
    long to begin one as for a short test. It is made anew where a test ended it."""
    engine = create_engine(
        postgresql_url,
        pool_size=1,
        pool_pre_ping=True,
        connect_args={"application_name": TESTS_THEMSELVES, "prepare_threshold": None},
    )
    yield engine
    engine.dispose()


@pytest.fixture
def postgresql(postgresql_url: str, kept_connection: Engine) -> str:
    """This worker's PostgreSQL database, in which nothing happened yet. It may have our tables already: making them
    anew takes longer than most tests."""
    _empty(kept_connection)
    return postgresql_url


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)])
def database(request: pytest.FixtureRequest) -> str:
    """The address of a database in which nothing happened yet, once for each kind. It may have our tables already."""
    return str(request.getfixturevalue("sqlite_url" if request.param == "sqlite" else "postgresql"))


@pytest.fixture
def bare_database(database: str) -> str:
    """The address of a database without any table, once for each kind; on SQLite without its file."""
    if database.startswith("sqlite"):
        Path(database.removeprefix("sqlite:///")).unlink()
    else:
        engine, found = create_engine(database), MetaData()
        found.reflect(engine)  # a host's too, which a test left here
        found.drop_all(engine)
        engine.dispose()
    return database


_EMPTY = "; ".join(
    f"DELETE FROM {table.name}"  # noqa: S608 - our own names
    for table in tables.metadata.sorted_tables
    if table is not tables.migration
)


def _empty(engine: Engine) -> None:
    """In two statements: it is done for each of thousands of tests."""
    try:
        with engine.begin() as connection:
            if connection.exec_driver_sql(NEWEST_APPLIED).scalar() == NEWEST:
                connection.exec_driver_sql(_EMPTY)
                return
    except DBAPIError:  # a test left it as no release of ours does
        pass
    tables.metadata.drop_all(engine)


@pytest.fixture(scope="session")
def plain_fold() -> ModuleType:
    """The second fold of an order's events, which knows nothing of the product's: ``tests/workflow/plain_fold.py``."""
    spec = importlib.util.spec_from_file_location("plain_fold", Path(__file__).parent / "workflow/plain_fold.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


TellDatabase = Callable[[datetime.datetime], None]


@pytest.fixture
def tell_database(database: str, request: pytest.FixtureRequest) -> Iterator[TellDatabase]:
    """Lets the database tell a time, at first that at which tests begin: what is over for good is so only where its
    clock says so, too. Ask for it before the database is opened."""
    server = request.getfixturevalue("kept_connection") if database.startswith("postgresql") else None
    database_clock.install()

    def told(at: datetime.datetime) -> None:
        if server is None:
            database_clock.tell(lambda: at)
        else:
            database_clock.tell_postgresql(server, at)

    told(datetime.datetime(2026, 11, 23, tzinfo=datetime.UTC))
    yield told
    database_clock.tell(None)
    if server is not None:
        database_clock.tell_postgresql(server, None)


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


@pytest.fixture
def two_ports() -> int:
    """A port that is free, as the one after it is.

    From below those that a system gives to whoever asks for any, and for each worker from others: so nobody takes them
    before the test does.
    """
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    first = 10_000 + worker % 20 * 1000
    for _ in range(100):
        port = random.SystemRandom().randrange(first, first + 1000, 2)
        with ExitStack() as closed:
            try:
                for one in (port, port + 1):
                    closed.enter_context(socket.socket()).bind(("127.0.0.1", one))
            except OSError:
                continue
        return port
    raise AssertionError("no two free ports")


Tell = Callable[[str, Mapping[str, int]], None]

_TOLD = "told at the end"


@pytest.fixture
def tell(record_property: Callable[[str, object], None]) -> Tell:
    """Tells numbers in the last lines of the run: ``tell("webhooks tried", {"by parse_webhook": 60})``.

    Those of several tests under one title are summed. They travel in the test's report, so any worker may run it.
    """
    return lambda title, numbers: record_property(_TOLD, (title, dict(numbers)))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """The last lines: what the tests told."""
    told: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for report in [one for reports in terminalreporter.stats.values() for one in reports]:
        if isinstance(report, pytest.TestReport) and report.when == "teardown":  # the last one of each test has it all
            for name, value in report.user_properties:
                if name == _TOLD:
                    title, numbers = value  # type: ignore[misc]
                    told[title].update(numbers)
    for title, counted in told.items():
        terminalreporter.write_line(f"{title}: {', '.join(f'{name} {number}' for name, number in counted.items())}")
