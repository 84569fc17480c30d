"""The rows of one call of ours beside what else makes it: ``requests`` with the same bytes, or a provider's own SDK."""

from __future__ import annotations

from collections.abc import Mapping

from benchmarks.rounds import Ratio, Timings
from benchmarks.table import Row, duration

AIM = 1.3
"""Times what ``requests`` alone takes for the same bytes, on the clock and in processor time."""

OURS = "retour"
BARE = ("requests", "requests at its best")


def rows_beside(section: str, timings: Mapping[str, Timings], other: str, version: str) -> list[Row]:
    """Ours beside another: on the clock, and in processor time."""
    ours, theirs = timings[OURS], timings[other]
    beside, bare = f"{OURS} / {other} {version}", other in BARE
    return [
        _row(section, beside, ours.wall, theirs.wall, ours.wall_ratio(theirs), bare=bare),
        _row(section, f"processor time, {beside}", ours.cpu, theirs.cpu, ours.cpu_ratio(theirs), bare=bare),
    ]


def _row(section: str, what: str, ours: float, theirs: float, ratio: Ratio, *, bare: bool) -> Row:
    return Row(
        section=section,
        what=what,
        value=duration(ours),
        against=duration(theirs),
        ratio=str(ratio),
        aim=f"at most {AIM} ×" if bare else "below 1 ×",
        met=ratio.median <= AIM if bare else ratio.median < 1,
    )
