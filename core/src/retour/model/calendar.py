"""Calendar days as a shop and the law count them."""

from __future__ import annotations

import datetime
from collections.abc import Container
from typing import Any
from zoneinfo import ZoneInfo

from retour.model.errors import InvalidArgument
from retour.model.fields import shown
from retour.model.text import text

_SATURDAY = 5


def zone_of(given: Any) -> ZoneInfo:
    """The zone called so. Raises `InvalidArgument`."""
    try:
        return ZoneInfo(given)
    except Exception as error:  # what it raises depends on the system, and on what is wrong
        raise InvalidArgument(
            text(
                "zone= is the name of a time zone, as Europe/Amsterdam, and not {given}. On a system without time "
                "zones: pip install tzdata.",
                given=shown(given),
            )
        ) from error


def last_day_of_period(since: datetime.date, days: int, holidays: Container[datetime.date] = ()) -> datetime.date:
    """The last of so many calendar days: the day itself is not counted, and a period that would end on a Saturday, a
    Sunday or a public holiday ends with the next working day (Regulation 1182/71, article 3, 1 and 4).

    >>> last_day_of_period(datetime.date(2026, 11, 9), 14)
    datetime.date(2026, 11, 23)
    >>> last_day_of_period(datetime.date(2026, 11, 14), 14)
    datetime.date(2026, 11, 30)
    """
    last = since + datetime.timedelta(days=days)
    while last.weekday() >= _SATURDAY or last in holidays:
        last += datetime.timedelta(days=1)
    return last
