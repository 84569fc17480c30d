"""Returns over all orders as a board: a column for each state of one track, and a page of any column."""

from __future__ import annotations

import datetime
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum
from typing import Any
from zoneinfo import ZoneInfo

import attrs
from flask import Blueprint, render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from retour import (
    GoodsState,
    InvalidArgument,
    Order,
    ReturnCount,
    ReturnDesk,
    ReturnReason,
    ReturnSummary,
    ReturnWait,
    StockState,
    reading,
)
from webshop.forms import day_of
from webshop.languages import reader_language
from webshop.orders import MOST_NAMED, TooManyNamed, customers_of, orders_of
from webshop.running import the_shop

pages = Blueprint("board", __name__)

IN_A_COLUMN, PAGE = 5, 25
"""Returns that a column shows of its oldest, and those on a page of one column."""

TRACKS: Mapping[str, tuple[object, Sequence[StrEnum]]] = {
    "waits_for": (
        _l("What they wait for"),
        (
            ReturnWait.REVIEW,
            ReturnWait.GOODS,
            ReturnWait.COUNTING,
            ReturnWait.INSPECTION,
            ReturnWait.ANSWER,
            ReturnWait.STOCK,
            ReturnWait.ORDER,
        ),
    ),
    "goods": (_l("The goods"), tuple(GoodsState)),
    "stock": (_l("The stock"), tuple(StockState)),
}
"""What the columns can be: filters of the desk's lists, each with its name and the values that returns go through."""


@attrs.frozen(kw_only=True)
class Wanted:
    """What somebody wants to see of the returns. ``of`` are the orders of the customers that were looked for by their
    name, which the desk does not know; None where something else was looked for."""

    track: str
    column: StrEnum | None
    reason: str
    search: str
    first: datetime.date | None
    last: datetime.date | None
    of: Sequence[str] | None = None

    def filters(self, zone: datetime.tzinfo) -> dict[str, Any]:
        """The same as the desk's lists take it; days are of the shop's zone, the last one included."""
        given: dict[str, Any] = {}
        if self.reason:
            given["reason"] = self.reason
        if self.of is not None:
            given["order_id"] = self.of
        elif self.search:
            given["search"] = self.search
        if self.first is not None:
            given["opened_from"] = _begin(self.first, zone)
        if self.last is not None:
            given["opened_before"] = _begin(self.last + datetime.timedelta(days=1), zone)
        return given

    def rows(self, zone: datetime.tzinfo, state: StrEnum) -> dict[str, Any]:
        """The filters of one column. What has ended is shown where it is counted too: over a period, or by a search."""
        given = self.filters(zone)
        if not self.shows_ended:
            given["waits_for"] = [one for one in ReturnWait if one is not ReturnWait.NOTHING]
        return {**given, self.track: state}

    @property
    def shows_ended(self) -> bool:
        """Whether returns that wait for nothing are among them."""
        return self.first is not None or bool(self.search)

    @property
    def address(self) -> dict[str, str]:
        """The same as an address holds it, without the column."""
        named = {"track": self.track, "reason": self.reason, "search": self.search}
        days = {"from": self.first.isoformat() if self.first else "", "to": self.last.isoformat() if self.last else ""}
        return {name: value for name, value in {**named, **days}.items() if value}


@attrs.frozen(kw_only=True)
class Column:
    """A column of the board: how many returns are in it, and the oldest of them."""

    state: StrEnum
    count: int
    returns: Sequence[ReturnSummary]


@pages.get("/returns")
def show() -> ResponseReturnValue:
    """The board; or one of its columns, page by page."""
    wanted, desk, zone = _wanted(), the_shop().desk, ZoneInfo(the_shop().zone)
    try:
        wanted, counts = _found(wanted, desk, zone)
        return _board(wanted, counts) if wanted.column is None else _column(wanted, wanted.column)
    except InvalidArgument as error:  # a search that finds too much, a reason that there is not
        return _shown(wanted, problem=error.text(reader_language())), 422
    except TooManyNamed:
        sentence = _("More than %(most)d orders are of customers with this name. Type more of it.", most=MOST_NAMED)
        return _shown(wanted, problem=sentence), 422


def _found(wanted: Wanted, desk: ReturnDesk, zone: datetime.tzinfo) -> tuple[Wanted, Sequence[ReturnCount]]:
    """What somebody looks for, and how many there are: what something is called, else whose it is."""
    if wanted.column is not None and not wanted.search:
        return wanted, ()
    counts = desk.count_returns(**wanted.filters(zone))
    if counts or not wanted.search:
        return wanted, counts
    with reading(the_shop().engine) as connection:
        wanted = attrs.evolve(wanted, of=orders_of(connection, wanted.search))
    return wanted, desk.count_returns(**wanted.filters(zone)) if wanted.of else ()


def _board(wanted: Wanted, counts: Sequence[ReturnCount]) -> str:
    """All columns in which there is something: one query says how many, and each column is a list of its own."""
    shop = the_shop()
    zone = ZoneInfo(shop.zone)
    counted: Counter[str] = Counter()
    for one in counts:
        counted[getattr(one, wanted.track)] += one.count
    columns = []
    for state in TRACKS[wanted.track][1]:
        if counted[state]:
            rows = shop.desk.list_returns(**wanted.rows(zone, state), oldest_first=True, limit=IN_A_COLUMN).returns
            columns.append(Column(state=state, count=counted[state], returns=rows))
    return _shown(wanted, columns=columns)


def _column(wanted: Wanted, column: StrEnum) -> str:
    """A page of one column, the oldest first."""
    shop = the_shop()
    after = request.args.get("after") or None
    rows = wanted.rows(ZoneInfo(shop.zone), column)
    page = shop.desk.list_returns(**rows, oldest_first=True, limit=PAGE, after=after)
    return _shown(wanted, rows=page.returns, following=page.next, after=after)


def _shown(
    wanted: Wanted,
    *,
    columns: Sequence[Column] = (),
    rows: Sequence[ReturnSummary] = (),
    following: str | None = None,
    after: str | None = None,
    problem: str = "",
) -> str:
    shop = the_shop()
    reasons = shop.desk.return_reasons
    return render_template(
        "board.html",
        wanted=wanted,
        tracks=TRACKS,
        reasons=reasons,
        reason_words=_reason_words(reasons),
        columns=columns,
        rows=rows,
        customers=_customers([*rows, *[one for column in columns for one in column.returns]]),
        following=following,
        after=after,
        problem=problem,
    )


def _wanted() -> Wanted:
    """What the address says; what no filter can be is passed over."""
    given = request.args
    track = given.get("track", "")
    track = track if track in TRACKS else "waits_for"
    column = next((one for one in TRACKS[track][1] if one.value == given.get("column")), None)
    return Wanted(
        track=track,
        column=column,
        reason=given.get("reason", "")[:100].replace("\0", ""),
        search=given.get("search", "").strip()[:200].replace("\0", ""),
        first=day_of(given.get("from", "")),
        last=day_of(given.get("to", "")),
    )


def _customers(rows: Iterable[ReturnSummary]) -> Mapping[str, str]:
    """Who ordered, by the order: one query for all that the page shows."""
    order_ids = list(dict.fromkeys(one.order_id for one in rows))
    with reading(the_shop().engine) as connection:
        return customers_of(connection, order_ids)


def _reason_words(reasons: Sequence[ReturnReason]) -> Mapping[str, str]:
    """A reason in the reader's language, by its code."""
    return {one.code: one.text(reader_language()) for one in reasons}


def _begin(day: datetime.date, zone: datetime.tzinfo) -> datetime.datetime:
    return datetime.datetime.combine(day, datetime.time(), tzinfo=zone)


@pages.app_template_global("lines_of")
def lines_of(order: Order) -> Mapping[str, str]:
    """What the lines of an order are called, by their id."""
    return {line.id: line.name for line in order.lines}
