"""How many units of each order line are where, over all returns of an order."""

from __future__ import annotations

from collections.abc import Iterable

import attrs

from retour.model.returns import Return


@attrs.define
class Tally:
    """Units per order line, none of them zero: ``claimed`` by live returns; ``came_back``, here again, inspected or
    not; ``absent``, counted and not here; ``surplus``, here beyond all that was delivered; ``to_inspect``, here and
    judged by nobody.

    It is added up once, and follows the returns from then on: to go through all of them for each event takes ever
    longer, the more there are.
    """

    claimed: dict[str, int] = attrs.field(factory=dict)
    came_back: dict[str, int] = attrs.field(factory=dict)
    absent: dict[str, int] = attrs.field(factory=dict)
    surplus: dict[str, int] = attrs.field(factory=dict)
    to_inspect: dict[str, int] = attrs.field(factory=dict)

    @classmethod
    def of(cls, returns: Iterable[Return]) -> Tally:
        """All of these together."""
        tally = cls()
        for return_ in returns:
            tally._add(return_, 1)
        return tally

    def copy(self) -> Tally:
        """The same, to go on with."""
        return Tally(
            claimed={**self.claimed},
            came_back={**self.came_back},
            absent={**self.absent},
            surplus={**self.surplus},
            to_inspect={**self.to_inspect},
        )

    def replace(self, before: Return | None, after: Return) -> None:
        """A return is as it is ``after``, and no longer as it was ``before``, None where it was not there."""
        if before is not None:
            self._add(before, -1)
        self._add(after, 1)

    def _add(self, return_: Return, times: int) -> None:
        if not return_.live:
            return
        announced = bool(return_.requested)
        for line_id, units in return_.claimed().items() if announced else ():
            _add(self.claimed, line_id, times * units)
        for line_id, count in return_.counted.items():
            if not announced:  # then it claims what was counted, and no sum has to be made of that first
                _add(self.claimed, line_id, times * count.units)
            _add(self.came_back, line_id, times * count.came_back)
            if count.missing or count.wrong or count.surplus or count.to_inspect:
                _add(self.absent, line_id, times * count.absent)
                _add(self.surplus, line_id, times * count.surplus)
                _add(self.to_inspect, line_id, times * count.to_inspect)


def _add(units: dict[str, int], line_id: str, more: int) -> None:
    number = units.get(line_id, 0) + more
    if number:
        units[line_id] = number
    elif more:
        del units[line_id]
