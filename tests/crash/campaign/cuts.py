"""What goes wrong between a campaign's processes and PostgreSQL: cuts, delays and lost answers, at random."""

from __future__ import annotations

import random
import threading
import time
from collections import Counter
from collections.abc import Mapping

from cutting_proxy import AFTER, BEFORE, COMMIT, LATE, NEVER, SLOW, CuttingProxy

AT_COMMIT: Mapping[str, float] = {BEFORE: 0.01, AFTER: 0.01, LATE: 0.004, NEVER: 0.002, SLOW: 0.005}
"""How likely each is at a COMMIT."""

AT_STATEMENT: Mapping[str, float] = {BEFORE: 0.001, AFTER: 0.001, SLOW: 0.001}
"""And at any other statement."""

FIRST = 10.0
"""By how much likelier each is that nobody has met yet."""

OUTAGES_PER_SECOND = 0.08
FIRST_OUTAGE_WITHIN = 5.0
LONGEST_OUTAGE = 7.0
"""Seconds: longer than a commit that nobody answered is asked for, so that some stay unknown. Most are short."""

OUTAGE = "the server is away, and all connections end"


def _named(commit: bool, how: str) -> str:
    return f"{'COMMIT' if commit else 'statement'}: {how}"


EVERY_CUT = (*[_named(True, how) for how in AT_COMMIT], *[_named(False, how) for how in AT_STATEMENT], OUTAGE)
"""All that can go wrong with the database, by the names under which it is counted."""


class Cuts(CuttingProxy):
    """Passes everything on but what it cuts, delays or drops at random, each ``made`` counted, until it is `over`."""

    def __init__(self, url: str, chance: random.Random) -> None:
        self.made: Counter[str] = Counter()
        self._chance = chance
        self._on = True
        super().__init__(url)
        threading.Thread(target=self._outages, daemon=True).start()

    def how(self, message: bytes) -> str:
        """What is to be done with a message that was just read."""
        if not self._on or message[:1] not in (b"Q", b"S"):  # query, sync
            return ""
        odds, drawn = AT_COMMIT if message == COMMIT else AT_STATEMENT, self._chance.random()
        for how, likely in odds.items():
            drawn -= likely if self.made[_named(message == COMMIT, how)] else FIRST * likely
            if drawn < 0:
                self.made[_named(message == COMMIT, how)] += 1
                return how
        return ""

    def _outages(self) -> None:
        """One now and then. It also ends the transactions that were kept open."""
        while self._on:
            until = self._chance.expovariate(OUTAGES_PER_SECOND)
            time.sleep(until if self.made[OUTAGE] else min(until, FIRST_OUTAGE_WITHIN))
            self.away = self._on
            self.let_go()
            self.made[OUTAGE] += self.away
            time.sleep(LONGEST_OUTAGE * self._chance.random() ** 4)
            self.away = False

    def over(self) -> None:
        """From now on everything works, and nothing is kept open."""
        self._on = self.away = False
        self.let_go()
