"""Two Celery workers on one store: a task that calls ``desk.work()`` books every movement once.

Real processes, a real broker and PostgreSQL. RETOUR_TEST_BROKER names another broker than those on loopback.
"""

from __future__ import annotations

import importlib.util
import os
import sqlite3
import subprocess
import sys
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType

import pytest
from kombu import Connection, Exchange, Queue
from sqlalchemy import create_engine, text

from retour import Actor, ReturnDesk, StockState

ANNA = Actor.staff("anna")
ORDERS = [f"order-{number}" for number in range(20)]
BROKERS = ["redis://127.0.0.1:6379/0", "amqp://guest:guest@127.0.0.1:5672//"]

MODULE = '''
import functools, os, sqlite3, time
from pathlib import Path

from celery import Celery
from celery.signals import worker_ready

from retour import ReturnDesk
from retour.testing import a_line, an_order

HERE = Path(__file__).parent
STORE = {store!r}


class FileShop:
    """Its stock is a file. It counts every call: a movement that is booked twice is two rows."""

    def order(self, order_id):
        return an_order(a_line("1", 2, product="cup"), a_line("2", 1, product="cup"), order_id=order_id)

    def find_order(self, provider, reference):
        return None

    def book_stock(self, movements):
        time.sleep(0.02)
        shop = sqlite3.connect(HERE / "shop.db", timeout=30)
        with shop:
            shop.executemany(
                "INSERT INTO booking VALUES (?, ?, ?, ?)",
                [(movement.id, movement.product, movement.quantity, os.getpid()) for movement in movements],
            )
        shop.close()


@functools.cache
def desk():
    return ReturnDesk(shop=FileShop(), store=STORE, migrate=False, inline_seconds=0)


app = Celery("shop_on_celery", broker={broker!r})
app.conf.update(
    broker_connection_retry_on_startup=True,
    task_ignore_result=True,
    worker_enable_remote_control=False,
    worker_prefetch_multiplier=1,
)


@app.task(name="shop.work")
def work():
    desk().work(limit=3)


@worker_ready.connect
def ready(sender, **_):
    (HERE / ("ready-" + sender.hostname)).touch()
'''


@pytest.fixture(scope="module")
def broker(missing: Callable[[str], None]) -> str:
    """The first broker that answers."""
    for url in [os.environ["RETOUR_TEST_BROKER"]] if "RETOUR_TEST_BROKER" in os.environ else BROKERS:
        with Connection(url, connect_timeout=2) as connection:
            try:
                connection.ensure_connection(max_retries=1, timeout=3)
                return url
            except Exception as error:  # noqa: BLE001 - each broker's client has errors of its own
                print(f"{url}: {error}")
    missing("a message broker on loopback: Redis on port 6379 or RabbitMQ on port 5672 (RETOUR_TEST_BROKER)")
    raise AssertionError


@pytest.fixture
def queues(broker: str) -> Iterator[list[str]]:
    """The names of two queues of this run's own, deleted at the end."""
    run = uuid.uuid4().hex[:12]
    names = [f"retour-test-{run}-{number}" for number in (1, 2)]
    yield names
    with Connection(broker) as connection:
        for name in names:
            queue = Queue(name, Exchange(name), routing_key=name)(connection.default_channel)
            queue.declare()  # only what this channel knows of can be deleted with its bindings
            queue.delete()
            queue.exchange.delete()


@pytest.fixture
def host(tmp_path: Path, broker: str, postgresql: str) -> Iterator[ModuleType]:
    """The host's module, with its empty tables and its shop's file."""
    source = tmp_path / "shop_on_celery.py"
    source.write_text(MODULE.format(store=postgresql, broker=broker))
    with sqlite3.connect(tmp_path / "shop.db") as shop:
        shop.execute("CREATE TABLE booking (id TEXT, product TEXT, quantity INTEGER, pid INTEGER)")
    shop.close()
    spec = importlib.util.spec_from_file_location("shop_on_celery", source)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    ReturnDesk(shop=module.FileShop(), store=postgresql, migrate=True).close()
    yield module
    module.app.close()
    module.desk().close()


@pytest.fixture
def workers(tmp_path: Path, host: ModuleType, queues: list[str]) -> Iterator[list[subprocess.Popen[bytes]]]:
    """A worker process for each queue, ready to take tasks; stopped at the end."""
    processes = []
    for queue in queues:
        command = [sys.executable, "-m", "celery", "-A", "shop_on_celery", "worker", "--pool=solo", "--concurrency=1"]
        command += ["--without-mingle", "--without-gossip", "--without-heartbeat", "-Q", queue, "-n", queue]
        with (tmp_path / f"said-{queue}").open("w") as said:
            processes.append(subprocess.Popen(command, cwd=tmp_path, stdout=said, stderr=said))
    try:
        wait(lambda: len(list(tmp_path.glob("ready-*"))) == len(queues), tmp_path, processes)
        yield processes
    finally:
        for process in processes:
            process.terminate()
        for process in processes:
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def wait(
    done: Callable[[], object], folder: Path, processes: list[subprocess.Popen[bytes]], seconds: float = 25
) -> None:
    """Wait until ``done``, or fail with what the workers said."""
    deadline = time.monotonic() + seconds
    while not done():
        late, dead = time.monotonic() > deadline, any(process.poll() is not None for process in processes)
        if late or dead:
            said = "\n".join([file.read_text() for file in sorted(folder.glob("said-*"))])
            pytest.fail(f"the workers {'died' if dead else 'did not get there'}: {said}")
        time.sleep(0.05)


def left(store: str) -> int:
    """Effects that wait, or that somebody holds."""
    engine = create_engine(store)
    with engine.connect() as connection:
        found: int = connection.execute(text("SELECT count(*) FROM retour_effect WHERE state <> 'done'")).scalar_one()
    engine.dispose()
    return found


@pytest.mark.postgresql
def test_two_celery_workers_book_every_movement_exactly_once(
    host: ModuleType, workers: list[subprocess.Popen[bytes]], queues: list[str], tmp_path: Path
) -> None:
    desk = host.desk()
    for order in ORDERS:
        desk.mark_returned(order, by=ANNA)
    movements = {
        movement.booking.id: movement.booking.quantity
        for order in ORDERS
        for return_ in desk.dossier(order).returns.values()
        for movement in return_.movements.values()
    }
    assert len(movements) == 2 * len(ORDERS)  # two lines of one product: two movements each, booked in one call
    assert left(host.STORE) == len(ORDERS)

    for _ in range(len(movements)):  # far more tasks than are needed, all at once
        for queue in queues:
            host.app.send_task("shop.work", queue=queue)
    wait(lambda: left(host.STORE) == 0, tmp_path, workers)

    with sqlite3.connect(tmp_path / "shop.db") as shop:
        booked = shop.execute("SELECT id, quantity, pid FROM booking").fetchall()
    shop.close()
    assert Counter([row[0] for row in booked]) == Counter(list(movements))
    assert {row[0]: row[1] for row in booked} == movements
    assert {row[2] for row in booked} == {process.pid for process in workers}, "one of the workers booked nothing"
    for order in ORDERS:
        (return_,) = desk.dossier(order).returns.values()
        assert return_.stock is StockState.APPLIED
    assert desk.work().done == 0
