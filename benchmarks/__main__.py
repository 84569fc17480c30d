"""``python -m benchmarks``: measure what retour costs, print one table, and compare it with RESULTS.md.

It ends with exit code 1 where a ratio is more than 10 % worse than the one recorded there, and names it. ``--record``
writes RESULTS.md anew. ``--million`` measures what grows with a million orders, and with ``--record`` writes
MILLION.md. ``--only`` measures and compares some parts alone; ``--quick`` prints the same table from fewer
rounds and smaller stores, which are compared with nothing.
"""

from __future__ import annotations

import argparse
import datetime
import os
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TypeAlias

from rich.console import Console
from sqlalchemy import Engine

from benchmarks import compare, machine, report
from benchmarks.databases import NewDatabase, NoServer, postgresql_databases, sqlite_databases
from benchmarks.demo_orders import demo_orders
from benchmarks.folding import folding
from benchmarks.growth import growth
from benchmarks.label_calls import label_calls
from benchmarks.label_flow import label_flow
from benchmarks.many_at_once import many_at_once
from benchmarks.one_long_order import one_long_order
from benchmarks.processes import processes
from benchmarks.reading_first import reading_first
from benchmarks.refund_calls import refund_calls
from benchmarks.refund_work import refund_work
from benchmarks.scale import MILLION, QUICK, WHOLE, Scale
from benchmarks.slow_provider import slow_provider
from benchmarks.starvation import starvation
from benchmarks.table import Part, Row
from benchmarks.throughput import throughput
from benchmarks.whole_return.measure import whole_return

_WIDTH = 132
"""Characters of the table where its width is not a terminal's."""

RESULTS = Path(__file__).parent / "RESULTS.md"
OF_A_MILLION = RESULTS.with_name("MILLION.md")

Measure: TypeAlias = Callable[[str, NewDatabase, Scale], Part]
"""Measures one thing on one kind of database."""

_MEASURES: tuple[Measure, ...] = (
    whole_return,
    throughput,
    growth,
    one_long_order,
    starvation,
    many_at_once,
    refund_work,
    reading_first,
    slow_provider,
    label_flow,
)

_WITHOUT_DATABASE: tuple[Callable[[Scale], Part], ...] = (
    refund_calls,
    label_calls,
    processes,
    folding,
    demo_orders,
)

_PARTS = [measure.__name__ for measure in (*_MEASURES, *_WITHOUT_DATABASE)]
"""What `--only` knows."""


def main() -> int:
    """Measure, print, compare, write; gives the exit code."""
    options = _options()
    scale = QUICK if options.quick else MILLION if options.million else WHOLE
    console = Console()
    if not console.is_terminal:
        console = Console(width=_WIDTH)
    started, load_before = time.monotonic(), machine.load()
    parts = [_alone(console, measure, scale) for measure in _WITHOUT_DATABASE if measure.__name__ in options.only]
    measures = [measure for measure in _MEASURES if measure.__name__ in options.only]
    on_sqlite = _on(console, "SQLite", sqlite_databases(options.folder), measures, scale)
    on_postgresql, why_not = [], ""
    try:
        on_postgresql = _on(console, "PostgreSQL", postgresql_databases(options.postgresql), measures, scale)
    except NoServer as problem:
        why_not = str(problem)
    by_measure = [part for several in zip(on_sqlite, on_postgresql or on_sqlite, strict=True) for part in several]
    every = [*(by_measure if on_postgresql else on_sqlite), *parts]
    rows = [row for part in every for row in part.rows]
    if why_not:
        rows.append(Row(section="PostgreSQL", what="skipped: no server"))
    report.show(console, rows)
    if why_not:
        console.print(f"PostgreSQL was skipped: {why_not}")
    seconds = time.monotonic() - started
    console.print(f"Measured in {seconds:.0f} seconds.")
    if options.record:
        facts = machine.facts(options.folder, None if why_not else options.postgresql)
        facts["Load of the machine"] = (
            f"{load_before} in the minute before, {machine.load()} at the end, this run included"
        )
        date = datetime.datetime.now(datetime.UTC).date().isoformat()
        notes = [note for part in every for note in part.notes]
        if why_not:
            notes.append(f"PostgreSQL was skipped: {why_not}")
        written = OF_A_MILLION if options.million else RESULTS
        report.write(written, report.markdown(rows, facts, notes, date=date, seconds=seconds))
        console.print(f"Written: {written.name}")
        return 0
    return (
        0
        if options.quick or options.million
        else _compared(console, rows, whole=len(options.only) == len(_PARTS) and not why_not)
    )


def _compared(console: Console, rows: Sequence[Row], *, whole: bool) -> int:
    """Say what is worse than it was recorded; gives the exit code."""
    before = compare.recorded(RESULTS)
    worse, missing = compare.worse(before, rows), compare.missing(before, rows) if whole else []
    for one in worse:
        console.print(f"WORSE: {one}", soft_wrap=True, highlight=False, markup=False)
    for lost in missing:
        console.print(f"NOT MEASURED: {lost}", soft_wrap=True, highlight=False, markup=False)
    if worse or missing:
        console.print(
            f"More than {compare.MOST:.0%} worse than {RESULTS.name} says, or lost. Is the machine busy? Measure that "
            "part again, alone: --only. Is it a price that was decided on? Record it: --record.",
            soft_wrap=True,
        )
        return 1
    console.print(f"No ratio is more than {compare.MOST:.0%} worse than {RESULTS.name} says.")
    return 0


def _alone(console: Console, measure: Callable[[Scale], Part], scale: Scale) -> Part:
    """One measure that needs no database."""
    return _said(console, measure.__name__, lambda: measure(scale))


def _on(
    console: Console,
    database: str,
    databases: AbstractContextManager[NewDatabase],
    measures: Sequence[Measure],
    scale: Scale,
) -> list[Part]:
    """Measures on one kind of database."""
    with databases as new:
        return [_measured(console, measure, database, new, scale) for measure in measures]


def _measured(console: Console, measure: Measure, database: str, new: NewDatabase, scale: Scale) -> Part:
    """One measure; its scratch databases carry its name."""
    what = measure.__name__

    def named(label: str) -> Engine:
        return new(f"{what}_{label}")

    return _said(console, f"{what} on {database}", lambda: measure(database, named, scale))


def _said(console: Console, what: str, measure: Callable[[], Part]) -> Part:
    with console.status(f"Measuring {what} …"):
        return measure()


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="Measure what retour costs.")
    parser.add_argument("--quick", action="store_true", help="about a minute; prints, and writes no RESULTS.md")
    parser.add_argument(
        "--million", action="store_true", help="what grows, with a million orders; prints, and compares with nothing"
    )
    parser.add_argument(
        "--only", nargs="+", choices=_PARTS, default=_PARTS, metavar="PART", help=f"print some of: {', '.join(_PARTS)}"
    )
    parser.add_argument("--record", action="store_true", help="write RESULTS.md anew, from a whole run")
    parser.add_argument("--folder", type=Path, help="where the SQLite files go (default: with temporary files)")
    parser.add_argument(
        "--postgresql",
        metavar="URL",
        default=os.environ.get("RETOUR_TEST_POSTGRESQL", "postgresql+psycopg://127.0.0.1:5432/postgres"),
        help="a server on which databases of this run's own may be made, and are dropped (RETOUR_TEST_POSTGRESQL)",
    )
    options = parser.parse_args()
    if options.million:
        if options.quick or len(options.only) != len(_PARTS):
            parser.error("--million has its own scale and its own part: without --quick and --only")
        options.only = [growth.__name__]
    elif options.record and (options.quick or len(options.only) != len(_PARTS)):
        parser.error("--record takes a whole run: without --quick and --only")
    return options


if __name__ == "__main__":
    sys.exit(main())
