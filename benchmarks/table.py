"""The rows of the one table that a run prints and writes."""

from __future__ import annotations

import attrs


@attrs.frozen(kw_only=True)
class Row:
    """One line: ``value`` against ``against`` gives ``ratio``; ``met`` says whether ``aim`` is, None where none is
    set."""

    section: str
    what: str
    value: str = ""
    against: str = ""
    ratio: str = ""
    aim: str = ""
    met: bool | None = None

    @property
    def verdict(self) -> str:
        """Whether the aim is met, in a word."""
        return {True: "met", False: "NOT MET", None: ""}[self.met]


@attrs.frozen(kw_only=True)
class Part:
    """What one part of a run gave: its rows, and sentences about how they came about."""

    rows: tuple[Row, ...]
    notes: tuple[str, ...] = ()


def duration(seconds: float) -> str:
    """Seconds as a person reads them: ``850 µs``, ``2.31 ms``, ``0.09 s``."""
    if seconds < 0.001:
        return f"{seconds * 1e6:,.0f} µs" if seconds >= 0.00001 else f"{seconds * 1e6:.2f} µs"
    if seconds < 0.1:
        return f"{seconds * 1e3:.2f} ms"
    return f"{seconds:.2f} s"
