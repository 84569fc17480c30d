"""What was measured beside what RESULTS.md has: which ratios have become worse. Times are of a machine and a day."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import attrs

from benchmarks.table import Row

MOST = 0.10
"""By which part of itself a ratio may be worse than the one that was recorded."""

_RATIO = re.compile(r"^(\d+(?:\.\d+)?) ?(%|×)")
_VERSION = re.compile(r" \d+(?:\.\d+)+")


@attrs.frozen(kw_only=True)
class Worse:
    """A ratio that has become worse by ``part`` of what it was."""

    section: str
    what: str
    before: str
    now: str
    part: float

    def __str__(self) -> str:
        return f"{self.section}: {self.what}: {self.now}, and {self.before} was recorded: {self.part:.0%} worse"


def recorded(path: Path) -> list[Row]:
    """The rows of a RESULTS.md, as they were written; none where there is no such file."""
    return list(_rows(path.read_text(encoding="utf-8"))) if path.exists() else []


def _rows(written: str) -> Iterator[Row]:
    section = ""
    for line in written.splitlines():
        if line.startswith("## "):
            section = ""
        elif line.startswith("### "):
            section = line.removeprefix("### ")
        elif section and line.startswith("| ") and not line.startswith(("| | ", "| --- ")):
            what, value, against, ratio, aim, _ = [cell.strip() for cell in line.strip().strip("|").split("|")]
            yield Row(section=section, what=what, value=value, against=against, ratio=ratio, aim=aim)


def worse(before: Sequence[Row], now: Sequence[Row], most: float = MOST) -> list[Worse]:
    """The ratios of ``now`` that are worse than they were by more than ``most``. Of what is done per second more is
    better, of all else less. A row that only one of them has is compared with nothing, and neither is a share of a
    whole: where one becomes smaller, the others grow."""
    known = _by_name(before)
    found = []
    for row in now:
        old = known.get(_name(row))
        was, is_ = _number(old), _number(row)
        if old is None or was is None or is_ is None or not was or not is_:
            continue
        part = was / is_ - 1 if row.value.endswith("/s") else is_ / was - 1
        if round(part, 6) > most:
            found.append(Worse(section=row.section, what=row.what, before=old.ratio, now=row.ratio, part=part))
    return found


def missing(before: Sequence[Row], now: Sequence[Row]) -> list[str]:
    """What was recorded with a ratio, and was not measured now: a lost row must not pass for a good one."""
    there = _by_name(now)
    return [f"{row.section}: {row.what}" for row in before if _number(row) is not None and _name(row) not in there]


def _by_name(rows: Sequence[Row]) -> Mapping[tuple[str, str], Row]:
    return {_name(row): row for row in rows}


def _name(row: Row) -> tuple[str, str]:
    """Without the versions of others' packages."""
    return row.section, _VERSION.sub("", row.what)


def _number(row: Row | None) -> float | None:
    """A ratio as a number: ``156%`` and ``0.97 × (0.93-1.01)`` alike, by their median; None for a share of a whole,
    which is measured against nothing."""
    found = _RATIO.match(row.ratio) if row is not None and row.against else None
    if found is None:
        return None
    return float(found[1]) / 100 if found[2] == "%" else float(found[1])
