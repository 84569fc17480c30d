"""The days on which banks pay SEPA transfers: those on which TARGET, where they settle in euros, is open."""

from __future__ import annotations

import datetime

_SATURDAY = 5


def next_target_day(day: datetime.date) -> datetime.date:
    """``day`` itself where TARGET is open on it, else the first day after it on which it is; calendar days.

    TARGET is closed on Saturdays and Sundays, 1 January, Good Friday, Easter Monday, 1 May, 25 and 26 December
    (https://www.ecb.europa.eu/ecb/contacts/working-hours/html/index.en.html), and a transfer is executed on its days
    only (EPC125-05, SEPA Credit Transfer rulebook, "Banking Business Day"). A bank's own holidays do not count.

    >>> next_target_day(datetime.date(2026, 12, 25))
    datetime.date(2026, 12, 28)
    """
    from holidays import financial_holidays

    closed = financial_holidays("XECB")
    day = datetime.date.fromordinal(day.toordinal())  # a datetime is a date too, and its time is not wanted
    while day.weekday() >= _SATURDAY or day in closed:
        day += datetime.timedelta(days=1)
    return day
