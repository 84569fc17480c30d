"""How much is measured: the whole run, and the quick form for somebody who changes code."""

from __future__ import annotations

import attrs


@attrs.frozen(kw_only=True)
class Scale:
    """Numbers of one run. ``rounds`` are counted rounds; ``returns`` and ``calls`` are units per round and turn."""

    rounds: int
    returns: int
    small: int
    large: int
    growth_rounds: int
    growth_returns: int
    calls: int
    processes: int
    returns_in_process: int
    folds: int


WHOLE = Scale(
    rounds=21,
    returns=100,
    small=1_000,
    large=100_000,
    growth_rounds=31,
    growth_returns=20,
    calls=15,
    processes=11,
    returns_in_process=1_000,
    folds=300,
)
"""What RESULTS.md reports."""

QUICK = Scale(
    rounds=7,
    returns=20,
    small=1_000,
    large=10_000,
    growth_rounds=11,
    growth_returns=6,
    calls=5,
    processes=2,
    returns_in_process=300,
    folds=100,
)
"""The same table in half a minute, from a smaller store and fewer rounds: its verdicts are rough."""
