"""Figures of a shop's last weeks: returns by week and reason, and how long money took."""

from __future__ import annotations

import datetime

from retour.desk.services import Services
from retour.model.errors import InvalidArgument
from retour.model.fields import shown
from retour.model.figures import RefundsAfterDays, ReturnFigures, ReturnsForReason, WeekOfReturns
from retour.model.frozen import frozen
from retour.model.money import Money
from retour.model.refunds import RefundState
from retour.model.text import text
from retour.store.clock import microseconds

MOST_WEEKS = 106
"""Weeks of which figures are made: two years, and the weeks that they begin and end in."""


@frozen
class Figures:
    """The figures of one shop."""

    services: Services
    shop_id: str

    def of_weeks(self, weeks: int, until: datetime.date | None) -> ReturnFigures:
        """Of so many weeks that end with the day ``until``, else with today."""
        if type(weeks) is not int or not 1 <= weeks <= MOST_WEEKS:
            raise InvalidArgument(
                text("Figures are of 1 to {most} weeks, not of {weeks}.", most=MOST_WEEKS, weeks=shown(weeks))
            )
        zone = self.services.zone
        last = self.services.clock().astimezone(zone).date() if until is None else until
        if not 1973 <= last.year <= 9998:
            raise InvalidArgument(text("Figures end with a day of the years 1973 to 9998, not with {day}.", day=last))
        firsts = [last + datetime.timedelta(days=1) - datetime.timedelta(weeks=one) for one in range(weeks, -1, -1)]
        bounds = [microseconds(datetime.datetime.combine(day, datetime.time(), tzinfo=zone)) for day in firsts]
        self.services.completing.all_of(self.shop_id)
        counted = self.services.store.periods.count(self.shop_id, bounds, RefundState.SUCCEEDED)
        refunded: dict[int, list[Money]] = {}
        for (number, currency), minor in sorted(counted.refunded.items()):
            refunded.setdefault(number, []).append(Money(minor=minor, currency=currency))
        reasons = sorted(counted.reasons.items(), key=lambda one: (-one[1], one[0]))
        return ReturnFigures(
            weeks=tuple(
                [
                    WeekOfReturns(
                        first=firsts[number],
                        returns=counted.returns.get(number, 0),
                        refunded=tuple(refunded.get(number, ())),
                    )
                    for number in range(weeks)
                ]
            ),
            reasons=tuple([ReturnsForReason(reason=code, returns=count) for code, count in reasons]),
            days_to_refund=tuple(
                [RefundsAfterDays(days=days, refunds=count) for days, count in sorted(counted.days.items())]
            ),
        )
