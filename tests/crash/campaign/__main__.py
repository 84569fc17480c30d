"""Run campaigns: ``python -m crash.campaign --database sqlite --refunds 500 --seed 7``."""

from __future__ import annotations

import argparse
import gc
import json
import logging
import random
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from own_database import own_database

from .audit import audit, parked
from .opening import campaign
from .report import Report
from .settling import Settling

CUT = "postgresql-cut"
"""PostgreSQL behind a proxy that cuts, delays and drops."""

WORKERS = {"sqlite": 2, "postgresql": 4, CUT: 4}
REHEARSED = 20
"""Refunds: so many that each kind of decision is among them."""


@contextmanager
def empty_database(kind: str, folder: Path) -> Iterator[str]:
    """The address of a new database, gone afterwards."""
    if kind == "sqlite":
        yield f"sqlite:///{folder}/retour.db"
        return
    with own_database("retour_crash") as address:
        yield address


def rehearse(kind: str, settle_a_small_one: Callable[[str], None]) -> None:
    """Settle a small campaign in which nobody dies, on a database that is gone afterwards.

    What a process makes when it first needs it is there then for all that are forked: compiled statements, what reads
    stored values and providers' answers, a language's words. Each would make it again in its short life.
    """
    settle_a_small_one(kind)
    gc.collect()  # connections that nobody has any more are closed, and the sandboxes' threads that served them end
    for thread in threading.enumerate():
        if thread is not threading.current_thread():
            thread.join(10)  # the next campaign forks
            if thread.is_alive():
                raise RuntimeError(f"{thread.name} serves a connection that the rehearsal left open")


def _settle_a_small_one(kind: str) -> None:
    """In a function of its own, so that nothing of it is left afterwards."""
    with (
        tempfile.TemporaryDirectory() as name,
        empty_database(kind, Path(name)) as database,
        campaign(database, Path(name), refunds=REHEARSED, seed=1, workers=0, complete=False) as one,
    ):
        settling = Settling(one)
        settling.settle()
        settling.attend()


def found_by(kind: str, report: Report) -> dict[str, Any]:
    """What a campaign found. It has succeeded where nothing is wrong and all happened that is to go wrong in it."""
    every = report.never_happened(cut=kind == CUT, complete=kind == "postgresql")
    never = {what: [*several] for what, several in every.items() if several}
    return {
        "succeeded": report.clean and not never,
        "clean": report.clean,
        "never happened": never,
        "result": report.result(),
        "late": dict(report.late),
        "transferred": report.cents["transferred by hand"],
    }


def one_campaign(kind: str, refunds: int, seed: int) -> dict[str, Any]:
    """Run one and print what it found; gives that. In a function of its own: the next one forks, when nothing of this
    is left."""
    with tempfile.TemporaryDirectory() as name, empty_database(kind, Path(name)) as database:
        began = time.monotonic()
        with campaign(
            database,
            Path(name),
            refunds=refunds,
            seed=seed,
            workers=WORKERS[kind],
            complete=kind == "postgresql",
            cut=kind == CUT,
        ) as one:
            one.rage()
            raged = time.monotonic() - began
            settling = Settling(one)
            settling.settle()
            before = parked(one)
            settling.attend()
            report = audit(one, before)
    print(
        f"\n{kind}, {WORKERS[kind]} workers, seed {seed}: {raged:.0f} s of crashes, "
        f"{time.monotonic() - began:.0f} s in all"
    )
    print(report.text(), flush=True)
    found = found_by(kind, report)
    for what, several in found["never happened"].items():
        print(f"{what}: {', '.join(several)}. So nothing is proved of it: run more refunds.", flush=True)
    return found


def main() -> int:
    options = argparse.ArgumentParser(prog="crash.campaign", description=__doc__)
    options.add_argument("--database", choices=[*WORKERS, "all"], default="all")
    options.add_argument("--refunds", type=int, default=1000, help="over all databases")
    options.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1_000_000))
    options.add_argument("--report", type=Path, metavar="FILE", help="what was found, as JSON")
    given = options.parse_args()
    for name in ("retour", "psycopg"):
        logging.getLogger(name).setLevel(logging.CRITICAL)
    kinds = list(WORKERS) if given.database == "all" else [given.database]
    found = {}
    for kind in kinds:
        rehearse(kind, _settle_a_small_one)
        found[kind] = one_campaign(kind, given.refunds // len(kinds), given.seed)
    if given.report is not None:
        given.report.write_text(json.dumps(found))
    return 0 if all(one["succeeded"] for one in found.values()) else 1


if __name__ == "__main__":
    sys.exit(main())
