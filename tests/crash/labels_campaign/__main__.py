"""Run campaigns of labels: ``python -m crash.labels_campaign --database sqlite --orders 40 --seed 7``."""

from __future__ import annotations

import argparse
import json
import logging
import random
import sys
import tempfile
import time
from pathlib import Path

from crash.campaign.__main__ import empty_database, rehearse

from .audit import Report, audit
from .run import campaign
from .world import ANNA, BOX, HOME

WORKERS = {"sqlite": 2, "postgresql": 3}


def _settle_a_small_one(kind: str) -> None:
    """A label is ordered and taken back."""
    with (
        tempfile.TemporaryDirectory() as name,
        empty_database(kind, Path(name)) as database,
        campaign(database, Path(name), orders=1, seed=1, workers=0) as one,
    ):
        [(order_id, return_id)] = one.world.returns.items()
        made = one.desk.order_label(
            order_id, return_id, one.world.option, sender=HOME, parcel=BOX, by=ANNA, request_id="page"
        )
        assert made.label_id is not None
        one.settle()
        one.desk.cancel_label(order_id, made.label_id, by=ANNA)
        one.settle()
        audit(one)


def _run(kind: str, given: argparse.Namespace) -> Report:
    """One campaign; in a function of its own, so that nothing of it is open when the next one forks."""
    rehearse(kind, _settle_a_small_one)
    with tempfile.TemporaryDirectory() as name, empty_database(kind, Path(name)) as database:
        began = time.monotonic()
        with campaign(database, Path(name), orders=given.orders, seed=given.seed, workers=WORKERS[kind]) as one:
            one.rage(given.seconds)
            raged = time.monotonic() - began
            one.settle()
            report = audit(one)
    print(
        f"\nlabels on {kind}, {WORKERS[kind]} workers, seed {given.seed}: {raged:.0f} s of crashes, "
        f"{time.monotonic() - began:.0f} s in all"
    )
    return report


def main() -> int:
    options = argparse.ArgumentParser(prog="crash.labels_campaign", description=__doc__)
    options.add_argument("--database", choices=[*WORKERS, "all"], default="all")
    options.add_argument("--orders", type=int, default=40, help="on each database")
    options.add_argument("--seconds", type=float, default=300.0, help="at most, until all is settled")
    options.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1_000_000))
    options.add_argument("--report", type=Path, metavar="FILE", help="what was found, as JSON")
    given = options.parse_args()
    for name in ("retour", "psycopg"):
        logging.getLogger(name).setLevel(logging.CRITICAL)
    clean, found = True, {}
    for kind in list(WORKERS) if given.database == "all" else [given.database]:
        report = _run(kind, given)
        print(report.text(), flush=True)
        for what, several in report.never_happened.items():
            print(f"{what}: {', '.join(several)}. So nothing is proved of it: take more orders.", flush=True)
        clean = clean and report.clean and not report.never_happened
        found[kind] = {
            "clean": report.clean,
            "result": report.result,
            "never happened": report.never_happened,
            "numbers": dict(report.numbers),
        }
    if given.report is not None:
        given.report.write_text(json.dumps(found))
    return 0 if clean else 1


if __name__ == "__main__":
    sys.exit(main())
