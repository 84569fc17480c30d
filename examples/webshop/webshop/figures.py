"""What the returns of a period come to: how many there were, why, how long money took, what waits, and what comes back
most. Each figure costs a bounded number of queries, however many returns there are."""

from __future__ import annotations

import datetime
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cached_property

import attrs
from flask_babel import format_date, ngettext
from flask_babel import gettext as _

from retour import RefundTotal, ReturnDesk, ReturnFigures, ReturnSummary

MOST = 500
"""Returns of which a figure is made that looks at them one by one: the newest of the period."""

SHOWN = 10
"""Products at most in the figure of those that come back most."""

DAYS = ((0, 1), (2, 3), (4, 7), (8, 14), (15, None))
"""Days from a return to its refund, in groups; a consumer who withdraws has his money within 14 days (directive
2011/83/EU, article 13(1))."""


@attrs.frozen(kw_only=True)
class Row:
    """One bar: what it is of, how long it is, and the same in words for the table beside the plot."""

    label: str
    value: float
    words: str


def _as_tuple(rows: Iterable[Row]) -> tuple[Row, ...]:
    return tuple(rows)


@attrs.frozen(kw_only=True)
class Figure:
    """A figure, and what it is ``over``: which returns or refunds its numbers are of, in a sentence."""

    title: str
    over: str
    rows: tuple[Row, ...] = attrs.field(converter=_as_tuple)

    @property
    def empty(self) -> bool:
        """Whether there is nothing to see."""
        return not any(row.value for row in self.rows)


@attrs.frozen(kw_only=True)
class Asked:
    """Of which ``weeks`` until ``now`` figures are made, for a reader who gets values in words by ``say``."""

    desk: ReturnDesk
    weeks: int
    now: datetime.datetime
    language: str
    say: Callable[[object], str]

    @property
    def begin(self) -> datetime.datetime:
        """The first moment of the first of the weeks."""
        today = self.now.replace(hour=0, minute=0, second=0, microsecond=0)
        return today + datetime.timedelta(days=1) - datetime.timedelta(weeks=self.weeks)

    @cached_property
    def figures(self) -> ReturnFigures:
        """What the desk counts: read once for all figures of a page."""
        return self.desk.figures(weeks=self.weeks, until=self.now.date())

    @property
    def began(self) -> int:
        """How many returns began in the period."""
        return sum(one.returns for one in self.figures.weeks)

    @cached_property
    def newest(self) -> Sequence[ReturnSummary]:
        """The newest returns of the period, `MOST` of them at most."""
        return self.desk.list_returns(opened_from=self.begin, limit=MOST).returns


def over_time(asked: Asked) -> Figure:
    """Returns by the week in which they began."""
    rows = [_counted(str(format_date(one.first, "d MMM")), one.returns) for one in asked.figures.weeks]
    over = ngettext(
        "%(num)d return, which began from %(first)s to %(last)s. A week is named by its first day.",
        "%(num)d returns, which began from %(first)s to %(last)s. A week is named by its first day.",
        asked.began,
        first=format_date(asked.begin, "long"),
        last=format_date(asked.now, "long"),
    )
    return Figure(title=_("Returns by week"), over=over, rows=rows)


def by_reason(asked: Asked) -> Figure:
    """Returns by the reason that was chosen, the most frequent first."""
    words = {one.code: one.text(asked.language) for one in asked.desk.return_reasons}
    rows = [_counted(words.get(one.reason, one.reason), one.returns) for one in asked.figures.reasons]
    over = ngettext(
        "Of %(num)d return of this period. One for which several reasons were given counts for each of them, and one "
        "without a reason for none.",
        "Of %(num)d returns of this period. One for which several reasons were given counts for each of them, and one "
        "without a reason for none.",
        asked.began,
    )
    return Figure(title=_("Reasons"), over=over, rows=rows)


def days_to_refund(asked: Asked) -> Figure:
    """How many days went by from a return's beginning to the refund of its order."""
    took = asked.figures.days_to_refund
    rows = []
    for first, last in DAYS:
        label = _("%(first)d to %(last)d", first=first, last=last) if last else _("%(first)d or more", first=first)
        among = [one.refunds for one in took if first <= one.days and (last is None or one.days <= last)]
        rows.append(_counted(label, sum(among)))
    over = ngettext(
        "Of %(num)d refund that was started in this period and has gone back, for an order of which a return began in "
        "it.",
        "Of %(num)d refunds that were started in this period and have gone back, for orders of which a return began in "
        "it.",
        sum(one.refunds for one in took),
    )
    return Figure(title=_("Days from the return to the refund"), over=over, rows=rows)


def money_waiting(asked: Asked) -> Figure:
    """What is on its way back now, by what it waits for: one query, whatever the period."""
    rows = [
        Row(
            label=_("Waits for %(what)s", what=asked.say(one.waits_for)),
            value=float(one.amount.decimal),
            words=f"{asked.say(one.amount)} ({one.count})",
        )
        for one in _together(asked)
    ]
    return Figure(
        title=_("Money that waits now"),
        over=_("Of all orders, whatever the period; the number of refunds is in brackets."),
        rows=rows,
    )


def products(asked: Asked) -> Figure:
    """Which products come back most, in units."""
    units: Counter[str] = Counter()
    for one in asked.newest:
        names = {} if one.order is None else {line.id: line.name for line in one.order.lines}
        for line in one.lines or ():
            if line.line_id in names:
                units[names[line.line_id]] += line.came_back
    rows = [_counted(name, count) for name, count in units.most_common(SHOWN) if count]
    if asked.began > MOST:
        over = _("Of the newest %(newest)d of %(all)d returns of this period.", newest=MOST, all=asked.began)
    else:
        over = ngettext("Of %(num)d return of this period.", "Of %(num)d returns of this period.", asked.began)
    came_back = sum(1 for count in units.values() if count)
    if came_back > SHOWN:
        more = _("Units of %(all)d products came back; these are the %(shown)d with most.", all=came_back, shown=SHOWN)
        over = f"{over} {more}"
    return Figure(title=_("Products that come back most, in units"), over=over, rows=rows)


FIGURES: Mapping[str, Callable[[Asked], Figure]] = {
    "over-time": over_time,
    "reasons": by_reason,
    "days-to-refund": days_to_refund,
    "money-waiting": money_waiting,
    "products": products,
}
"""Every figure by the name that its picture has."""


def _counted(label: str, count: int) -> Row:
    return Row(label=label, value=count, words=str(count))


def _together(asked: Asked) -> Sequence[RefundTotal]:
    """What waits, of all states of one kind of waiting together."""
    sums: dict[tuple[str, str], RefundTotal] = {}
    for one in asked.desk.total_refunds():
        key = (one.waits_for, one.amount.currency)
        known = sums.get(key)
        sums[key] = (
            one if known is None else attrs.evolve(one, count=known.count + one.count, amount=known.amount + one.amount)
        )
    return list(sums.values())
