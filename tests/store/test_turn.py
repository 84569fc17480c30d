"""Threads of one process take turns to write an SQLite database."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from retour import MemoryShop, ReturnDesk
from retour.model.errors import StoreLocked
from retour.store import connect as connecting
from retour.store.turn import Turn


def test_a_thread_that_writes_for_too_long_is_told_of_and_others_write_when_it_has_ended(
    sqlite_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connecting, "SECONDS_TO_WAIT", 0.2)
    desk = ReturnDesk(shop=MemoryShop(), store=sqlite_url)
    store = desk._services.store
    writes, may_end = threading.Event(), threading.Event()

    def slowly(_: object) -> None:
        writes.set()
        may_end.wait(30)

    with ThreadPoolExecutor() as threads:
        first = threads.submit(store._database.write, slowly)
        assert writes.wait(30)
        with pytest.raises(StoreLocked, match="stayed locked"):
            store.note_problem("default", "a test", "too early")
        may_end.set()
        first.result()
    store.note_problem("default", "a test", "in time")
    assert [one.what for one in store.problems(None)] == ["in time"]
    desk.close()


def test_who_has_the_turn_has_it_still_where_it_takes_it_again() -> None:
    turn = Turn()
    with turn.taken(), turn.taken():
        pass


FORKING = """
import os, threading
from retour.store import connect
from retour.store.turn import Turn

connect.SECONDS_TO_WAIT = 0.2
turn, taken, done = Turn(), threading.Event(), threading.Event()

def hold():
    with turn.taken():
        taken.set()
        done.wait(30)

thread = threading.Thread(target=hold)
thread.start()
taken.wait(30)
child = os.fork()
if child == 0:
    with turn.taken():
        os._exit(7)
print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
done.set()
thread.join()
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
def test_a_child_of_a_process_whose_thread_writes_has_a_turn_of_its_own() -> None:
    ran = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", FORKING], capture_output=True, text=True, check=False, timeout=120
    )
    assert (ran.stdout, ran.stderr) == ("7\n", "")
