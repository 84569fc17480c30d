"""The one table, on the screen and as RESULTS.md. Every number in it was measured by the run that wrote it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import groupby
from pathlib import Path

from rich.console import Console
from rich.table import Table

from benchmarks.table import Row

_HOW = """\
Everything that is compared was done by turns, round after round, each round begun by another one; the time of a unit
is the median of the rounds, a ratio the median of the ratios within each round. So another load on the machine
touches all alike, but it does touch them: times are for this machine at that time, ratios travel better.

- **A whole return** is an order of three products and postage, seven units: its goods counted, all of them restocked,
  and all that was paid refunded by a provider that is in the partner's own process and answers at once. Each partner is
  a process with a database of its own, where the host's orders, payments and stock are tables, with the same rows for
  all. **retour** embeds the desk by its public names, with the host's tables in the desk's database; a policy restocks
  all. It counts and refunds by one press (`return_and_refund`), with which the host sets its order's status; **two
  presses** sets that in a transaction of its own, and then says `mark_returned` and `refund`. **Core** is written by
  hand and as safe: units and money are counted, the intent is committed with the stock before the provider is called,
  the outcome after, a repeated request is seen, each step is a row. **Django** is written by hand without any of that:
  the order is read, a return added, the stock raised, the provider called, the order saved, each statement for itself.
  Afterwards the stock, the returns and the provider's books of all of them show that each order came back once, also
  those that retour and Core were asked for twice.
- **From its start to the first return** is a process that is started, imports, connects and returns one order; beside
  it stands one that imports SQLAlchemy and connects.
- **Where it spends it** is where samples of the running code fell, one in each 4 ms of processor time: in which
  package, or in the driver, whose C code counts where it is called. Python's own modules, attrs and pluggy are their
  caller's. The time is that share of the processor time above.
- **The desk** is `desk.mark_returned(order, by=staff)` for an order of one product: the intent is committed, the
  stock booked in a shop in memory, the outcome committed.
- **SQLAlchemy Core** replays the statements that the desk was recorded to send, with the same values, in the same
  transactions, on an engine made by `retour.connect`, through ordinary constructs and without any logic. It builds its
  constructs for every call, as hand-written code does, or just once.
- **The bare driver** (`sqlite3`, `psycopg`) sends the recorded texts at the same durability.
- **Full stores** are copies of rows that the desk wrote; one order in ten waits for an answer and has a note.
- **Value and against** are the desk and the other, the small store and the large one.
- **Processor time** is user and system time of the measuring process, without the PostgreSQL server's; that of a fresh
  process is its whole life, the start of Python included.
- **Peak memory** is the most that a process held at any time, as the kernel counts it.
"""


def show(console: Console, rows: Sequence[Row]) -> None:
    """Print the table."""
    table = Table(title="What retour costs", title_justify="left", header_style="bold")
    for heading in ("", "value", "against", "ratio", "aim", ""):
        table.add_column(heading, justify="left" if heading in ("", "aim") else "right", no_wrap=True)
    for section, several in groupby(rows, key=lambda row: row.section):
        table.add_section()
        table.add_row(f"[bold]{section}[/bold]")
        for row in several:
            style = "red" if row.met is False else "green"
            verdict = f"[{style}]{row.verdict}[/{style}]" if row.verdict else ""
            table.add_row(f"  {row.what}", row.value, row.against, row.ratio, row.aim, verdict)
    console.print(table)


def markdown(rows: Sequence[Row], facts: Mapping[str, str], notes: Sequence[str], *, date: str, seconds: float) -> str:
    """RESULTS.md: date, machine, how it was measured, the table, and the aims."""
    lines = [
        "# What retour costs, measured",
        "",
        f"Written by `python -m benchmarks` on {date}, in {seconds:.0f} seconds; no number is typed by hand.",
        "",
        *[f"- {name}: {value}" for name, value in facts.items()],
        "",
        "## How it was measured",
        "",
        _HOW.rstrip(),
        *[f"- {note}" for note in dict.fromkeys(notes)],
        "",
        "## The table",
        "",
    ]
    for section, several in groupby(rows, key=lambda row: row.section):
        lines += [
            f"### {section}",
            "",
            "| | value | against | ratio | aim | |",
            "| --- | ---: | ---: | ---: | --- | --- |",
        ]
        lines += [
            f"| {row.what} | {row.value} | {row.against} | {row.ratio} | {row.aim} | {row.verdict} |" for row in several
        ]
        lines.append("")
    return "\n".join([*lines, "## The aims", "", *_aims(rows), ""])


def write(path: Path, written: str) -> None:
    """Replace RESULTS.md."""
    path.write_text(written, encoding="utf-8")


def _aims(rows: Sequence[Row]) -> list[str]:
    return [
        f"- {row.verdict}: {row.section}: {row.what}: {row.ratio or row.value}, {row.aim}"
        for row in rows
        if row.met is not None
    ]
