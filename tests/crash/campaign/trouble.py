"""What a provider does wrong in a campaign: faults at random requests, each counted."""

from __future__ import annotations

import random
from collections import Counter, deque
from collections.abc import Mapping
from socketserver import BaseServer

from retour.sandbox import Fault, PaymentSandbox, SandboxRequest

WEIGHTS: Mapping[Fault, int] = {
    Fault.REFUSED_429: 4,
    Fault.ERROR_500_BEFORE: 4,
    Fault.ERROR_500_AFTER: 4,
    Fault.UNAVAILABLE_503: 4,
    Fault.CUT_BEFORE: 4,
    Fault.CUT_AFTER: 4,
    Fault.NO_JSON_AFTER: 3,
    Fault.SILENT_AFTER: 2,
    Fault.TRICKLE_AFTER: 1,
}

WRITES, READS = 0.15, 0.02
"""How likely a request goes wrong."""

AT_FIRST = 0.5
"""And while some fault was never made, so that none is left out of a short campaign."""


class Trouble(deque[Fault]):
    """The faults of one sandbox: never used up, made until it is over."""

    def __init__(self, sandbox: PaymentSandbox, chance: random.Random, made: Counter[str]) -> None:
        super().__init__([Fault.CUT_BEFORE])
        self._chance = chance
        self._made = made
        self._on = True
        sandbox.server.faults = self
        sandbox.server.faulty = self._strikes

    def popleft(self) -> Fault:
        """The next fault: one that nobody has made yet, where there is one, so that none is left out."""
        faults = [fault for fault in WEIGHTS if not self._made[fault.value]] or list(WEIGHTS)
        (fault,) = self._chance.choices(faults, [WEIGHTS[one] for one in faults])
        self._made[fault.value] += 1
        return fault

    def over(self) -> None:
        """From now on everything works."""
        self._on = False

    def _strikes(self, request: SandboxRequest) -> bool:
        if not self._on:
            return False
        if len(self._made) < len(WEIGHTS):
            return self._chance.random() < AT_FIRST
        return self._chance.random() < (READS if request.method == "GET" else WRITES)


def pass_over_the_dead() -> None:
    """A killed process's connection ends in the middle; that is no news for the terminal."""
    BaseServer.handle_error = lambda *_: None  # type: ignore[method-assign]
