"""How much is measured: the whole run, and the quick form for somebody who changes code."""

from __future__ import annotations

import attrs


@attrs.frozen(kw_only=True)
class Scale:
    """Numbers of one run. ``rounds`` are counted rounds; ``returns``, ``calls``, ``refunds``,
    ``work_refunds``, ``whole_returns``, ``slow_refunds`` and ``at_once_returns`` are units per round and turn;
    ``demo_rounds`` is how often the demo's own orders are run once more."""

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
    refund_rounds: int
    refunds: int
    work_rounds: int
    work_refunds: int
    whole_rounds: int
    whole_returns: int
    whole_starts: int
    whole_samples: int
    slow_rounds: int
    slow_refunds: int
    at_once_returns: int
    demo_rounds: int


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
    refund_rounds=15,
    refunds=25,
    work_rounds=5,
    work_refunds=400,
    whole_rounds=15,
    whole_returns=40,
    whole_starts=7,
    whole_samples=600,
    slow_rounds=5,
    slow_refunds=50,
    at_once_returns=400,
    demo_rounds=15,
)
"""What RESULTS.md reports."""

MILLION = attrs.evolve(WHOLE, large=1_000_000)
"""A million orders, nine in ten with an effect that is done: only what grows is measured on so many."""

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
    refund_rounds=3,
    refunds=6,
    work_rounds=2,
    work_refunds=60,
    whole_rounds=5,
    whole_returns=10,
    whole_starts=2,
    whole_samples=60,
    slow_rounds=1,
    slow_refunds=7,
    at_once_returns=80,
    demo_rounds=2,
)
"""The same table in about a minute, from a smaller store and fewer rounds: its verdicts are rough."""
