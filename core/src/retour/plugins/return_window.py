"""For how long a customer may send back what he bought: a `return_policy` that a host gives its desk."""

from __future__ import annotations

import datetime
from collections.abc import Container

from retour.model.calendar import last_day_of_period, zone_of
from retour.model.errors import InvalidArgument
from retour.model.fields import shown
from retour.model.order import Order
from retour.model.reasons import ReasonCode, reason
from retour.model.returns import Objection
from retour.model.text import Text, text, texts
from retour.plugins.context import HookContext
from retour.plugins.markers import hookimpl

_LONGEST = 3660


class ReturnWindow:
    """Objects to a return that is asked for later than ``days`` calendar days after the order was delivered. Given to
    a desk among its ``plugins``.

    The day of delivery is the order's `Delivery.delivered_on`, and is not counted. A window that would end on a
    Saturday, a Sunday or one of ``holidays`` ends with the next working day: ``holidays.country_holidays("NL")`` of the
    package holidays will do, or a set of days. Days are those of ``zone``, the same as the desk's.

    The objection says when the window ended and from which day that was counted. Where no delivery date is known that
    is the day of the order, and where that is not known either nobody can tell; both wait for staff, also when
    ``refuses``, which lets the policy refuse what is late after a known delivery. A consumer has at least 14 days from
    the delivery to withdraw (Directive 2011/83/EU, article 9), up to 12 months more when the shop did not tell him
    (article 10): a shorter window is no ground to refuse a withdrawal.

    Raises `InvalidArgument` for days that are no whole number from 1 to 3,660, and for a zone that is none.
    """

    def __init__(
        self,
        days: int = 14,
        *,
        refuses: bool = False,
        zone: str = "Europe/Amsterdam",
        holidays: Container[datetime.date] = (),
    ) -> None:
        if type(days) is not int or not 1 <= days <= _LONGEST:
            raise InvalidArgument(
                text(
                    "days= is a whole number of days, from 1 to {most}, and not {given}.",
                    most=_LONGEST,
                    given=shown(days),
                )
            )
        self._days = days
        self._refuses = refuses
        self._zone = zone_of(zone)
        self._holidays = holidays

    @property
    def words(self) -> Text:
        """What it decides, in a sentence: see `Plugin.words`."""
        if self._refuses:
            return texts(
                "What is asked for later than {count} day after the delivery is refused.",
                "What is asked for later than {count} days after the delivery is refused.",
                self._days,
            )
        return texts(
            "What is asked for later than {count} day after the delivery waits for staff to decide.",
            "What is asked for later than {count} days after the delivery waits for staff to decide.",
            self._days,
        )

    @hookimpl
    def return_policy(self, order: Order, ctx: HookContext) -> Objection | None:
        """Nothing while the window is open."""
        delivered_on = None if order.delivery is None else order.delivery.delivered_on
        ordered_on = None if order.placed_at is None else order.placed_at.astimezone(self._zone).date()
        counted_from = delivered_on or ordered_on
        if counted_from is None:
            return Objection.review(reason(ReasonCode.WINDOW_UNKNOWN, days=str(self._days)))
        ended = last_day_of_period(counted_from, self._days, self._holidays)
        if ctx.at.astimezone(self._zone).date() <= ended:
            return None
        values = {"days": str(self._days), "ended": ended.isoformat(), "since": counted_from.isoformat()}
        if delivered_on is None:
            return Objection.review(reason(ReasonCode.WINDOW_ENDED_SINCE_ORDER, **values))
        object_to_it = Objection.refuse if self._refuses else Objection.review
        return object_to_it(reason(ReasonCode.WINDOW_ENDED, **values))
