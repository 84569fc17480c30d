"""`retour worker`: it does what is due, stops when it is told to, and outlives the store's bad moments."""

from __future__ import annotations

import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import Result
from sqlalchemy import create_engine, text

from retour import Actor, MemoryShop, ReturnDesk, StockState
from retour.store import connect as connecting
from retour.testing import a_line, an_order

Run = Callable[..., Result]

RETOUR = Path(sys.executable).with_name("retour")
ANNA = Actor.staff("anna")
ORDERS = [f"order-{number}" for number in range(12)]

HOST = """
import ctypes, sqlite3, time
from pathlib import Path

import retour.store.connect
from retour import ReturnDesk
from retour.testing import a_line, an_order

retour.store.connect.SECONDS_TO_WAIT = {patience}


class HostShop:
    def order(self, order_id):
        return an_order(a_line("cup", 3), order_id=order_id)

    def find_order(self, provider, reference):
        return None

    def book_stock(self, movements):
        note("began")
        time.sleep({seconds})
        note("booked", *[movement.id for movement in movements])
        note("began", "ended")


def note(file, *words):
    with open(file, "a") as noted:
        noted.write("".join([word + chr(10) for word in words or ("began",)]))


def make():
    return ReturnDesk(shop=HostShop(), store={store!r})


def make_in_memory():
    return ReturnDesk(shop=HostShop(), store="sqlite://")


def make_one_that_stumbles():
    desk, left = make(), [ValueError("the host's own code")]
    work = desk.work
    desk.work = lambda **asked: (_ for _ in ()).throw(left.pop()) if left else work(**asked)
    return desk


def make_one_that_keeps_the_interpreter():
    desk = make()
    desk.work = lambda **asked: ctypes.PyDLL(None).sleep(60)
    return desk


class NotADesk:
    pass


other = NotADesk()
print("a host that talks while it is imported")
"""


class Host:
    """A host in a folder: its module, the orders that it left to the worker, and the workers it started."""

    def __init__(self, folder: Path, store: str, seconds: float = 0.0, patience: float = 5.0) -> None:
        self.folder, self.store = folder, store
        (folder / "host_of_a_worker.py").write_text(HOST.format(seconds=seconds, store=store, patience=patience))
        self.desk = ReturnDesk(
            shop=MemoryShop([an_order(a_line("cup", 3), order_id=one) for one in ORDERS]),
            store=store,
            migrate=True,
            inline_seconds=0,
        )
        self.workers: list[subprocess.Popen[str]] = []

    def leave(self, *orders: str) -> None:
        """Mark orders returned, with their stock left to ``work()``."""
        for one in orders:
            self.desk.mark_returned(one, by=ANNA)

    def start(self, *options: str, name: str = "make") -> subprocess.Popen[str]:
        """Start a worker; what it says goes to the file `said`."""
        with (self.folder / "said").open("w") as said:
            self.workers.append(
                subprocess.Popen(
                    [str(RETOUR), "worker", "--desk", f"host_of_a_worker:{name}", "--lang", "en", *options],
                    cwd=self.folder,
                    stderr=said,
                    text=True,
                )
            )
        return self.workers[-1]

    def said(self) -> str:
        return (self.folder / "said").read_text()

    def booked(self) -> list[str]:
        """The movements that the shop booked, as often as it did."""
        file = self.folder / "booked"
        return file.read_text().split() if file.exists() else []

    def most_at_once(self) -> int:
        """How many bookings its shop was asked for at the same time."""
        at_once = [0]
        for word in (self.folder / "began").read_text().split():
            at_once.append(at_once[-1] + (1 if word == "began" else -1))
        return max(at_once)

    def applied(self) -> list[str]:
        """The movements that the store knows to be booked."""
        dossiers = [self.desk.dossier(one) for one in ORDERS]
        returns = [one for dossier in dossiers for one in dossier.returns.values()]
        return [name for one in returns if one.stock is StockState.APPLIED for name in one.movements]

    def wait(self, done: Callable[[], object], seconds: float = 20) -> None:
        """Wait until ``done``, or fail with what the worker said."""
        deadline = time.monotonic() + seconds
        while not done():
            assert time.monotonic() < deadline, self.said()
            time.sleep(0.02)

    def close(self) -> None:
        for worker in self.workers:
            if worker.poll() is None:
                worker.kill()
            worker.wait()
        self.desk.close()


@pytest.fixture
def host(tmp_path: Path, sqlite_url: str) -> Iterator[Host]:
    made = Host(tmp_path, sqlite_url)
    yield made
    made.close()


@pytest.fixture
def impatient_host(tmp_path: Path, sqlite_url: str) -> Iterator[Host]:
    """One that waits for a locked database for a fifth of a second."""
    made = Host(tmp_path, sqlite_url, patience=0.2)
    yield made
    made.close()


@pytest.fixture
def slow_host(tmp_path: Path, sqlite_url: str) -> Iterator[Host]:
    made = Host(tmp_path, sqlite_url, seconds=0.3)
    yield made
    made.close()


@pytest.fixture
def host_on_postgresql(tmp_path: Path, postgresql: str) -> Iterator[Host]:
    made = Host(tmp_path, postgresql)
    yield made
    made.close()


def test_once_does_everything_that_is_due_and_ends(host: Host) -> None:
    host.leave(*ORDERS)
    assert host.start("--once").wait(20) == 0
    assert sorted(host.booked()) == sorted(host.applied())
    assert len(host.booked()) == len(ORDERS)
    assert host.said().count(" done") == 1  # all of it in one round
    assert host.start("--once").wait(20) == 0
    assert " done" not in host.said()
    assert len(host.booked()) == len(ORDERS)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_its_pause_at_once_with_exit_code_0(host: Host, number: signal.Signals) -> None:
    worker = host.start("--every", "600")
    host.wait(lambda: "has started" in host.said())
    worker.send_signal(number)
    assert worker.wait(20) == 0
    assert "has stopped" in host.said()


def test_work_that_comes_later_is_done_after_a_pause(host: Host) -> None:
    host.start("--every", "0.1")
    host.wait(lambda: "has started" in host.said())
    host.leave("order-0")
    host.wait(host.applied)
    host.leave("order-1")
    host.wait(lambda: len(host.applied()) == 2)


@pytest.mark.parametrize("concurrency", ["1", "4"])
def test_stopped_in_the_middle_it_finishes_the_work_at_hand_and_leaves_the_rest(
    slow_host: Host, concurrency: str
) -> None:
    slow_host.leave(*ORDERS)
    worker = slow_host.start("--concurrency", concurrency)
    slow_host.wait((slow_host.folder / "began").exists)
    worker.terminate()
    assert worker.wait(20) == 0
    assert "Stopping when the work at hand is finished" in slow_host.said()
    assert sorted(slow_host.booked()) == sorted(slow_host.applied())
    assert 1 <= len(slow_host.booked()) < len(ORDERS)
    assert slow_host.desk.work().done == len(ORDERS) - len(slow_host.booked())  # nothing is held by the one that left


def test_it_works_on_many_orders_at_once(slow_host: Host) -> None:
    slow_host.leave(*ORDERS)
    assert slow_host.start("--once").wait(20) == 0
    assert 1 < slow_host.most_at_once() <= 8
    assert sorted(slow_host.booked()) == sorted(slow_host.applied())
    assert len(slow_host.booked()) == len(ORDERS)


def test_it_works_on_one_order_after_the_other_where_it_is_told_to(slow_host: Host) -> None:
    slow_host.leave(*ORDERS[:4])
    assert slow_host.start("--once", "--concurrency", "1").wait(20) == 0
    assert (slow_host.most_at_once(), len(slow_host.booked())) == (1, 4)


def test_a_database_in_memory_takes_one_order_after_the_other_and_the_worker_says_so(host: Host) -> None:
    assert host.start("--once", name="make_in_memory").wait(20) == 0
    assert "The database is in memory: one order is worked on after the other." in host.said()
    assert host.start("--once", "--concurrency", "1", name="make_in_memory").wait(20) == 0
    assert "in memory" not in host.said()
    assert host.start("--once", "--concurrency", "8", name="make_in_memory").wait(20) == 2
    assert "A database in memory has one connection" in host.said()


def test_a_second_signal_ends_it_at_once(tmp_path: Path, sqlite_url: str) -> None:
    host = Host(tmp_path, sqlite_url, seconds=60)
    try:
        host.leave("order-0")
        worker = host.start()
        host.wait((host.folder / "began").exists)
        worker.terminate()
        host.wait(lambda: "Stopping" in host.said())
        assert worker.poll() is None
        worker.terminate()
        assert worker.wait(20) == -signal.SIGTERM
        assert host.booked() == []
    finally:
        host.close()


def test_a_worker_that_stands_still_ends_itself_and_says_where(tmp_path: Path, sqlite_url: str) -> None:
    """What never returns is in the host's own code, and nothing but the end of the process ends it."""
    host = Host(tmp_path, sqlite_url, seconds=60)
    try:
        host.leave("order-0")
        assert host.start("--longest", "0.5").wait(20) == 1
        assert "in book_stock" in host.said()
        assert host.booked() == []
        with host.desk._services.store.engine.begin() as connection:
            assert connection.execute(text("SELECT owner IS NOT NULL, died FROM retour_effect")).all() == [(1, 0)]
            connection.execute(text("UPDATE retour_effect SET lease_until = 0"))
        assert host.desk.work().done == 1  # by another, when the lease is over
    finally:
        host.close()


def test_it_does_so_too_where_a_call_keeps_the_interpreter_from_every_other_thread(host: Host) -> None:
    worker = host.start("--longest", "0.2", name="make_one_that_keeps_the_interpreter")
    assert worker.wait(20) == 1
    assert "in <lambda>" in host.said()


def test_a_round_that_ends_in_time_ends_nothing(host: Host) -> None:
    host.leave("order-0")
    worker = host.start("--longest", "5", "--every", "0.1")  # a busy machine needs some seconds for one round
    host.wait(host.applied)
    with pytest.raises(subprocess.TimeoutExpired):
        worker.wait(6)


def test_a_locked_store_is_told_and_tried_again(impatient_host: Host) -> None:
    host = impatient_host
    host.leave("order-0")
    holder = sqlite3.connect(host.folder / "retour.db", isolation_level=None)
    worker = host.start("--every", "0.1")
    host.wait(host.applied)
    holder.execute("BEGIN IMMEDIATE")
    host.wait(lambda: "stayed locked" in host.said() and "Tried again in 0.1 seconds." in host.said())
    assert "Traceback" not in host.said()
    holder.execute("ROLLBACK")
    holder.close()
    host.leave("order-1")
    host.wait(lambda: len(host.applied()) == 2)
    worker.terminate()
    assert worker.wait(20) == 0


@pytest.mark.postgresql
def test_a_store_that_goes_away_and_comes_back_is_worked_on_again(host_on_postgresql: Host) -> None:
    host = host_on_postgresql
    host.leave("order-0")
    worker = host.start("--every", "0.1")
    host.wait(host.applied)
    url = create_engine(host.store).url
    server = create_engine(url.set(database="postgres"), isolation_level="AUTOCOMMIT")
    gone = text("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = :name")
    host.desk.close()
    with server.connect() as admin:
        admin.execute(text(f"ALTER DATABASE {url.database} ALLOW_CONNECTIONS false"))
        try:
            admin.execute(gone, {"name": url.database})
            host.wait(lambda: "cannot be reached" in host.said())
            assert worker.poll() is None
        finally:
            admin.execute(text(f"ALTER DATABASE {url.database} ALLOW_CONNECTIONS true"))
    server.dispose()
    host.leave("order-1")
    host.wait(lambda: len(host.applied()) == 2)
    assert "Traceback" not in host.said()
    worker.terminate()
    assert worker.wait(20) == 0


def test_an_error_of_the_hosts_own_code_is_shown_with_its_place_and_ends_nothing(host: Host) -> None:
    host.leave("order-0")
    worker = host.start("--every", "0.1", name="make_one_that_stumbles")
    host.wait(host.applied)
    assert "Traceback" in host.said()
    assert "ValueError: the host's own code" in host.said()
    worker.terminate()
    assert worker.wait(20) == 0


@pytest.mark.parametrize(
    "where, said",
    [
        ("host_of_a_worker", "is no module:name"),
        ("host_of_a_worker:", "is no module:name"),
        ("host/of.py:make", "is no module:name"),
        ("nowhere_to_be_found:make", "There is no module nowhere_to_be_found"),
        ("host_of_a_worker:nothing", "Module host_of_a_worker has nothing called nothing"),
        ("host_of_a_worker:other", "is no ReturnDesk but NotADesk"),
        ("host_of_a_worker:NotADesk", "is no ReturnDesk but NotADesk"),
        ("broken_host_of_a_worker:desk", "ZeroDivisionError"),
        ("host_without_a_part:desk", "No module named 'a_part_that_is_missing'"),
        ("json:loads", "json:loads failed: TypeError"),
    ],
)
def test_a_desk_that_is_none_is_told_in_a_sentence(
    run: Run, host: Host, monkeypatch: pytest.MonkeyPatch, where: str, said: str
) -> None:
    (host.folder / "broken_host_of_a_worker.py").write_text("1 / 0")
    (host.folder / "host_without_a_part.py").write_text("import a_part_that_is_missing")
    monkeypatch.chdir(host.folder)
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.setattr(connecting, "SECONDS_TO_WAIT", connecting.SECONDS_TO_WAIT)  # the host sets its own
    for command in ("worker", "refunds"):
        monkeypatch.delitem(sys.modules, "host_of_a_worker", raising=False)
        result = run(command, "--desk", where)
        assert result.exit_code == 2, result.output
        assert said in result.stderr
        assert "Traceback" not in result.output
    monkeypatch.delitem(sys.modules, "host_of_a_worker", raising=False)


def test_a_desk_that_cannot_be_made_says_why_in_the_language_asked_for(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "host_elsewhere.py").write_text(
        "from retour import MemoryShop, ReturnDesk\n"
        "def desk(): return ReturnDesk(shop=MemoryShop(), store='mysql://nowhere')\n"
    )
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    result = run("worker", "--desk", "host_elsewhere:desk", "--lang", "nl")
    assert result.exit_code == 2
    assert "retour bewaart zijn gegevens in SQLite of PostgreSQL" in result.stderr
    monkeypatch.delitem(sys.modules, "host_elsewhere", raising=False)


def test_an_error_of_one_round_only_is_the_exit_of_once(impatient_host: Host) -> None:
    host = impatient_host
    host.leave("order-0")
    holder = sqlite3.connect(host.folder / "retour.db", isolation_level=None)
    source = host.folder / "host_of_a_worker.py"
    source.write_text(source.read_text().replace(f"store={host.store!r})", f"store={host.store!r}, migrate=False)"))
    holder.execute("BEGIN IMMEDIATE")
    assert host.start("--once").wait(20) == 2
    assert "stayed locked" in host.said()
    holder.execute("ROLLBACK")
    holder.close()
    assert host.start("--once").wait(20) == 0
    assert len(host.booked()) == 1


@pytest.mark.parametrize("many", ["0", "65", "many"])
def test_a_number_of_orders_that_is_none_is_refused(run: Run, many: str) -> None:
    result = run("worker", "--desk", "shop:desk", "--concurrency", many)
    assert result.exit_code == 2
    assert "--concurrency" in result.stderr


@pytest.mark.parametrize("pause", ["0", "-1", "soon"])
def test_a_pause_that_is_none_is_refused(run: Run, pause: str) -> None:
    result = run("worker", "--desk", "shop:desk", "--every", pause)
    assert result.exit_code == 2
    assert "--every" in result.stderr
