"""A transaction pooler between desk and PostgreSQL gives each transaction whichever server is free: nothing may be kept
on one. With a real PgBouncer, and two servers for all threads."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, create_engine, text
from sqlalchemy.pool import NullPool

from retour import Actor, Busy, MemoryShop, Money, ReturnDesk, StoreError, connect
from retour.store import connect as connecting
from retour.store import tables
from retour.testing import a_line, a_payment, an_order

pytestmark = pytest.mark.postgresql

ANNA = Actor.staff("anna")
THREADS = 6
ROUNDS = 5
PROGRAM = "pgbouncer"
SECONDS_TO_START = 20

Pooler = Callable[..., str]


@pytest.fixture
def database(postgresql: str) -> str:
    """PostgreSQL itself, past the pooler, with the tables."""
    ReturnDesk(shop=MemoryShop(), store=postgresql, migrate=True).close()
    return postgresql


@pytest.fixture
def server(database: str) -> Iterator[Engine]:
    """The server itself; who begins there has ended there."""
    engine = create_engine(database, poolclass=NullPool)
    yield engine
    engine.dispose()


@pytest.fixture
def pooler(server: Engine, tmp_path: Path, two_ports: int, missing: Callable[[str], None]) -> Iterator[Pooler]:
    """Starts a PgBouncer with some settings, and gives the address of the database through it."""
    program = shutil.which(PROGRAM) or shutil.which(PROGRAM, path="/usr/sbin")
    if program is None:
        missing("PgBouncer (Debian's package pgbouncer)")
    to = server.url
    with server.connect() as connection:
        user = connection.execute(text("SELECT current_user")).scalar_one()
    with ExitStack() as ended:

        def start(mode: str = "transaction", **settings: str) -> str:
            written = {
                "listen_addr": "127.0.0.1",
                "listen_port": str(two_ports),
                "unix_socket_dir": "",
                "auth_type": "any",
                "pool_mode": mode,
                "default_pool_size": "2",
                **settings,
            }
            config = tmp_path / "pgbouncer.ini"
            config.write_text(
                f"[databases]\n* = host={to.host} port={to.port or 5432} user={user}\n[pgbouncer]\n"
                + "".join(f"{name} = {value}\n" for name, value in written.items())
            )
            as_nobody = ["-u", "nobody"] if os.geteuid() == 0 else []
            process = subprocess.Popen([program, "-q", *as_nobody, config])  # type: ignore[list-item]
            ended.callback(process.wait)
            ended.callback(process.terminate)
            until = time.monotonic() + SECONDS_TO_START
            while True:
                with suppress(OSError), socket.create_connection(("127.0.0.1", two_ports)):
                    break
                assert process.poll() is None
                assert time.monotonic() < until
                time.sleep(0.02)
            return to.set(host="127.0.0.1", port=two_ports).render_as_string(hide_password=False)

        yield start


@pytest.fixture(params=[{}, {"ignore_startup_parameters": "options"}], ids=["as it comes", "options ignored"])
def address(request: pytest.FixtureRequest, pooler: Pooler) -> str:
    """The database through a pooler in transaction mode."""
    return pooler(**request.param)


@pytest.fixture(params=[str, connect, create_engine], ids=["an address", "our engine", "the host's engine"])
def store(request: pytest.FixtureRequest, address: str) -> Iterator[Any]:
    """What the desk is given."""
    made = request.param(address)
    yield made
    if isinstance(made, Engine):
        made.dispose()


def at_once(doings: Sequence[Callable[[], object]]) -> list[BaseException]:
    """Do all of them at the same time; gives what they raised."""
    raised: list[BaseException] = []

    def do(one: Callable[[], object]) -> None:
        try:
            one()
        except BaseException as error:  # noqa: BLE001 - whatever it is, the test must see it
            raised.append(error)

    threads = [threading.Thread(target=do, args=(one,)) for one in doings]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return raised


def test_threads_that_share_two_servers_refund_and_restock_each_order_once(world: Any, store: Any) -> None:
    world.database = store
    desk = world.open(inline_seconds=0.5).desk
    numbers = range(THREADS * ROUNDS)
    for number in numbers:
        paid = a_payment("100.00", provider="ledger", reference=f"p-{number}")
        world.shop.orders[f"o-{number}"] = an_order(a_line(f"cup-{number}", 4), order_id=f"o-{number}", payments=[paid])
        world.ledger.paid[f"p-{number}"] = Money.of("100", "EUR")

    def serve(first: int) -> None:
        for number in numbers[first::THREADS]:
            order_id, payment = f"o-{number}", f"p-{number}"
            desk.refund(order_id, payment, Money.of("40", "EUR"), by=ANNA, request_id="form")
            desk.mark_returned(order_id, {f"cup-{number}": 1}, by=ANNA, request_id="parcel", note="a note")
            desk.timeline(order_id)
            desk.list_refunds(limit=5)
            desk.find_order("ledger", payment)

    def work() -> None:
        for _ in range(ROUNDS):
            assert not desk.work().failed

    assert at_once([*[lambda first=one: serve(first) for one in range(THREADS)], work, work]) == []  # type: ignore[misc]
    world.later()
    assert {world.ledger.total(f"p-{number}") for number in numbers} == {40_00}
    assert world.shop.stock == {f"cup-{number}": 1 for number in numbers}


@pytest.fixture(params=["direct", "through a pooler"])
def hosts_engine(request: pytest.FixtureRequest, database: str) -> Iterator[Engine]:
    """An engine that the host made as it makes its own, with no limit on locks."""
    through = request.param != "direct"
    engine = create_engine(request.getfixturevalue("pooler")() if through else database)
    yield engine
    engine.dispose()


def test_nobody_waits_for_ever_on_an_engine_of_the_hosts_and_nothing_is_left_set_on_it(
    hosts_engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connecting, "SECONDS_TO_WAIT", 0.5)
    desk = ReturnDesk(shop=MemoryShop([an_order(a_line("cup", 2))]), store=hosts_engine)
    with hosts_engine.connect() as connection:
        desk.mark_returned("1001", {"cup": 1}, by=ANNA, request_id="a", connection=begun(connection))
        with pytest.raises(Busy, match="left it open"):
            desk.mark_returned("1001", {"cup": 1}, by=ANNA, request_id="b")
        connection.rollback()
    assert desk.mark_returned("1001", {"cup": 1}, by=ANNA, request_id="b").changed
    with hosts_engine.connect() as connection:
        assert connection.execute(text("SHOW lock_timeout")).scalar_one() == "0"


def begun(connection: Any) -> Any:
    connection.begin()
    return connection


@pytest.fixture
def impatient(server: Engine) -> Iterator[Engine]:
    """A host's engine on a database whose own limit on locks is 0.3 seconds."""
    limit = f'ALTER DATABASE "{server.url.database}" {{}}'
    with server.begin() as connection:
        connection.execute(text(limit.format("SET lock_timeout = 300")))
    engine = create_engine(server.url)
    yield engine
    engine.dispose()
    with server.begin() as connection:
        connection.execute(text(limit.format("RESET lock_timeout")))


def test_a_limit_that_the_database_has_stays_as_it_is(impatient: Engine) -> None:
    desk = ReturnDesk(shop=MemoryShop([an_order(a_line("cup", 2))]), store=impatient)
    with impatient.connect() as connection:
        desk.mark_returned("1001", {"cup": 1}, by=ANNA, request_id="a", connection=begun(connection))
        asked = time.monotonic()
        with pytest.raises(Busy):
            desk.mark_returned("1001", {"cup": 1}, by=ANNA, request_id="b")
        assert time.monotonic() - asked < connecting.SECONDS_TO_WAIT


def test_the_tables_are_made_through_a_pooler(pooler: Pooler, server: Engine) -> None:
    with server.begin() as connection:
        tables.metadata.drop_all(connection)
    desk = ReturnDesk(shop=MemoryShop([an_order(a_line("cup", 1))]), store=pooler(), migrate=True)
    assert desk.mark_returned("1001", by=ANNA).changed
    desk.close()


def test_options_of_the_hosts_own_are_not_dropped_where_a_pooler_refuses_them(pooler: Pooler) -> None:
    with pytest.raises(StoreError, match="unsupported startup parameter"):
        ReturnDesk(shop=MemoryShop(), store=f"{pooler()}?options=-c%20search_path%3Dretour")


def test_a_pooler_in_statement_mode_is_refused_in_a_sentence(pooler: Pooler) -> None:
    with pytest.raises(StoreError, match=r"statement mode.*pool_mode to transaction or session"):
        ReturnDesk(shop=MemoryShop(), store=pooler("statement"))


def test_a_pooler_in_session_mode_works_as_the_server_does(pooler: Pooler) -> None:
    desk = ReturnDesk(shop=MemoryShop([an_order(a_line("cup", 1))]), store=pooler("session"))
    assert desk.mark_returned("1001", by=ANNA).changed
    desk.close()
