"""Processes that tests kill, suspend, or wait for: real ones, each forked from a parent that has imported retour.

A Python that begins anew imports for the better part of a second of one processor; a fork does not. The parent is
Python's own fork server: it has no threads and no connections, which a test's process has.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import warnings
from collections.abc import Callable
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from types import ModuleType

_FORKING = multiprocessing.get_context("forkserver")
_FORKING.set_forkserver_preload(
    [
        "psycopg",
        "retour.cli.worker_command",
        "retour.desk",
        "retour.providers.requests_session",
        "retour.testing.builders",
        "retour_manual_transfer.provider",
        "retour_mollie.provider",
        "retour_paypal.provider",
        "retour_sendcloud.provider",
        "retour_stripe.provider",
        "sqlalchemy.dialects.postgresql.psycopg",
        "sqlalchemy.dialects.sqlite.pysqlite",
    ]
)

MOST_SECONDS = 120


def start(does: Callable[..., object], *given: object) -> ForkServerProcess:
    """Start a process that does something and ends. ``does`` is a function of a module, and what is ``given`` can be
    pickled. It is killed with the test's process, if it is still there then."""
    process = _FORKING.Process(target=does, args=given, daemon=True)
    process.start()
    return process


def ended(process: ForkServerProcess) -> int:
    """Wait for a process; gives its exit code, or below zero the signal that killed it."""
    process.join(MOST_SECONDS)
    if process.exitcode is None:
        process.kill()
        raise AssertionError(f"a process had not ended after {MOST_SECONDS} seconds")
    return process.exitcode


def run(does: Callable[..., object], *given: object) -> int:
    """`start` one and wait until it `ended`."""
    return ended(start(does, *given))


def wake(process: ForkServerProcess) -> None:
    """Let a process go on that was suspended."""
    assert process.pid is not None
    os.kill(process.pid, signal.SIGCONT)


def run_code(code: str, folder: Path, errors: Path, said: Path | None = None) -> int:
    """Run code as ``python -W error`` in a folder does; gives its exit code. What goes wrong is written to a file, and
    what it prints to another, where one is ``said``."""
    return run(_as_main, code, folder, errors, said)


def _as_main(code: str, folder: Path, errors: Path, said: Path | None) -> None:
    os.chdir(folder)
    os.dup2(os.open(errors, os.O_WRONLY | os.O_CREAT), 2)
    if said is not None:
        sys.stdout = said.open("w", encoding="utf-8")
    warnings.simplefilter("error")
    sys.path.insert(0, "")
    main = sys.modules["__main__"] = ModuleType("__main__")
    exec(compile(code, "<code>", "exec"), vars(main))  # noqa: S102 - a test's own
