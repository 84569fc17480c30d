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
        return self.wall_ratio(other).median

    def wall_ratio(self, other: Timings) -> Ratio:
        """The ratios of the rounds, on the clock."""
        pairs = zip(self.rounds, other.rounds, strict=True)
        return Ratio.of([mine.wall / others.wall for mine, others in pairs])

    def cpu_ratio(self, other: Timings) -> Ratio:
        """The ratios of the rounds, in processor time."""
        pairs = zip(self.rounds, other.rounds, strict=True)
        return Ratio.of([mine.cpu / others.cpu for mine, others in pairs])


@attrs.frozen
class Ratio:
    """How many times another's: the median of the rounds, and the quarters below and above which a quarter lies."""

    median: float
    low: float
    high: float

    @classmethod
    def of(cls, ratios: Sequence[float]) -> Ratio:
        """From the ratio of each round, of which there are two at least."""
        low, median, high = statistics.quantiles(ratios, n=4, method="inclusive")
        return cls(median, low, high)

    def __str__(self) -> str:
        return f"{self.median:.2f} × ({self.low:.2f}-{self.high:.2f})"


Turn: TypeAlias = Callable[[int], Timing]
"""Does its work of one round, by number, and says itself how long a unit took."""


def take_turns(contestants: Mapping[str, Turn], *, rounds: int, warm: int = 1) -> dict[str, Timings]:
    """Let everyone do each round before the next one begins, each time another one first.

    The first ``warm`` rounds are not counted.
    """
    timings: dict[str, list[Timing]] = {name: [] for name in contestants}
    names = list(contestants)
    for number in range(warm + rounds):
        first = number % len(names)
        for name in names[first:] + names[:first]:
            taken = contestants[name](number)
            if number >= warm:
                timings[name].append(taken)
    return {name: Timings(rounds=rounds) for name, rounds in timings.items()}


def interleave(contestants: Mapping[str, Contestant], *, rounds: int, warm: int = 1) -> dict[str, Timings]:
    """`take_turns` of work in this process, which is timed here.

    The garbage collector works as usual, but what was there before the first round is none of its business, and nobody
    clears away what the one before him left.
    """

    def timed(contestant: Contestant) -> Turn:
        def turn(number: int) -> Timing:
            gc.collect(1)
            wall, cpu = time.perf_counter(), time.process_time()
            units = contestant(number)
            return Timing(wall=(time.perf_counter() - wall) / units, cpu=(time.process_time() - cpu) / units)

        return turn

    gc.collect()
    gc.freeze()
    timings = take_turns({name: timed(one) for name, one in contestants.items()}, rounds=rounds, warm=warm)
    gc.unfreeze()
    return timings
