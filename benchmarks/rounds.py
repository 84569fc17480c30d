"""Fair rounds on a machine that does other things too: everyone by turns, and medians of ratios within a round."""

from __future__ import annotations

import gc
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from typing import TypeAlias

import attrs

Contestant: TypeAlias = Callable[[int], int]
"""Does its work of one round, by number, and gives how many units that was."""


@attrs.frozen(kw_only=True)
class Timing:
    """Seconds per unit of one round: on the clock, and of this process's processor time."""

    wall: float
    cpu: float


@attrs.frozen(kw_only=True)
class Timings:
    """All rounds of one contestant."""

    rounds: Sequence[Timing]

    @property
    def wall(self) -> float:
        """Seconds per unit on the clock, the median of the rounds."""
        return statistics.median(one.wall for one in self.rounds)

    @property
    def cpu(self) -> float:
        """Seconds per unit of processor time, the median of the rounds."""
        return statistics.median(one.cpu for one in self.rounds)

    def times(self, other: Timings) -> float:
        """How many times the other's seconds a unit takes: the median of the ratios of the rounds."""
        pairs = zip(self.rounds, other.rounds, strict=True)
        return statistics.median(mine.wall / others.wall for mine, others in pairs)


def interleave(contestants: Mapping[str, Contestant], *, rounds: int, warm: int = 1) -> dict[str, Timings]:
    """Let everyone do each round before the next one begins, each time another one first.

    The first ``warm`` rounds are not counted. The garbage collector works as usual, but what was there before the
    first round is none of its business, and nobody clears away what the one before him left.
    """
    gc.collect()
    gc.freeze()
    timings: dict[str, list[Timing]] = {name: [] for name in contestants}
    names = list(contestants)
    for number in range(warm + rounds):
        first = number % len(names)
        for name in names[first:] + names[:first]:
            gc.collect(1)
            wall, cpu = time.perf_counter(), time.process_time()
            units = contestants[name](number)
            taken = Timing(wall=(time.perf_counter() - wall) / units, cpu=(time.process_time() - cpu) / units)
            if number >= warm:
                timings[name].append(taken)
    gc.unfreeze()
    return {name: Timings(rounds=rounds) for name, rounds in timings.items()}
