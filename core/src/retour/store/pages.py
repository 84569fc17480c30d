"""Pages of returns and of refunds, from the rows that are written with the events they follow from."""

from __future__ import annotations

import datetime
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Any

from sqlalchemy import Connection, RowMapping, bindparam, func, select, tuple_

from retour.model.errors import InvalidArgument
from retour.model.fields import Reference, shown, wanted_instead
from retour.model.frozen import frozen
from retour.model.text import text
from retour.store import tables
from retour.store.clock import as_datetime
from retour.store.database import Database
from retour.store.prepared import Insert, Prepared


@frozen(kw_only=True)
class ReturnRow:
    """One return as lists show it."""

    shop: str
    return_id: str
    order_id: str
    goods: str
    stock: str
    waits_for: str
    since: datetime.datetime
    due: datetime.date | None
    opened_at: datetime.datetime


@frozen(kw_only=True)
class RefundRow:
    """One refund as lists show it."""

    refund_id: str
    order_id: str
    payment: str
    minor: int
    currency: str
    state: str
    waits_for: str
    since: datetime.datetime
    opened_at: datetime.datetime
    batch: str


class Pages:
    """Pages of the lists of one database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def returns(
        self,
        shop: str,
        filters: Mapping[str, Sequence[str]],
        *,
        limit: int,
        after: str | None,
        oldest_first: bool = False,
    ) -> tuple[list[ReturnRow], str | None]:
        """A page of returns, the newest or the oldest first, and the cursor of the next page if there is one. Those of
        one order are few, and are found by it whatever else they have to be."""
        rows, following = self._page(tables.return_, "return_id", shop, filters, limit, after, oldest_first)
        return [_return_row(row) for row in rows], following

    def return_with_number(self, shop: str, number: str) -> ReturnRow | None:
        """The return of a shop with this number, None where there is none."""
        columns = tables.return_.c
        rows = self._database.rows(
            select(tables.return_).where(columns.shop == shop, columns.number == number).limit(1)
        )
        return _return_row(rows[0]) if rows else None

    def refunds(
        self, shop: str, filters: Mapping[str, Sequence[str]], *, limit: int, after: str | None
    ) -> tuple[list[RefundRow], str | None]:
        """A page of refunds, the newest first, and the cursor of the next page if there is one."""
        rows, following = self._page(tables.refund, "refund_id", shop, filters, limit, after)
        return [_refund_row(row) for row in rows], following

    def _page(
        self,
        table: Any,
        key: str,
        shop: str,
        filters: Mapping[str, Sequence[str]],
        limit: int,
        after: str | None,
        oldest_first: bool = False,
    ) -> tuple[Sequence[RowMapping], str | None]:
        columns = table.c
        query = select(table).where(columns.shop == shop)
        for name, values in filters.items():
            of_an_order = name != "order_id" and "order_id" in filters
            column = func.coalesce(columns[name], "") if of_an_order else columns[name]  # which no index has
            query = query.where(column == values[0] if len(values) == 1 else column.in_(values))
        place = (columns.opened_at, columns[key])
        if after is not None:
            seen = tuple_(*_cursor(after))
            query = query.where(tuple_(*place) > seen if oldest_first else tuple_(*place) < seen)
        query = query.order_by(*(place if oldest_first else [one.desc() for one in place])).limit(limit + 1)
        rows = self._database.rows(query)
        following = f"{rows[limit - 1]['opened_at']}.{rows[limit - 1][key]}" if len(rows) > limit else None
        return rows[:limit], following

    def overdue(self, today: datetime.date) -> Iterator[tuple[str, str, str]]:
        """Returns whose last day to send has passed, the longest ago first: shop, order, return. Those that are still
        overdue when the caller has seen them do not come again."""
        after, more = {"due": "", "shop": "", "return_id": ""}, True
        while more:
            given = {"today": today.isoformat(), "most": _PAGE, **after}
            rows: Sequence[Any] = self._database.read(partial(_overdue_page, given))
            yield from [(shop, order_id, return_id) for _, shop, return_id, order_id in rows]
            more = len(rows) == _PAGE
            if more:
                after = dict(zip(after, rows[-1], strict=False))


_PAGE = 100


def _select_overdue(_: str, __: Insert) -> Any:
    columns = tables.return_.c
    place = (columns.due, columns.shop, columns.return_id)
    after = tuple_(*[bindparam(column.name) for column in place])
    return (
        select(*place, columns.order_id)
        .where(columns.due < bindparam("today"), tuple_(*place) > after)
        .order_by(*place)
        .limit(bindparam("most"))
    )


_OVERDUE = Prepared(_select_overdue)


def _overdue_page(given: Mapping[str, Any], reader: Connection) -> Sequence[Any]:
    return _OVERDUE.rows(reader, **given)


def _cursor(after: str) -> tuple[int, str]:
    opened_at, _, return_id = after.partition(".") if wanted_instead(after, Reference) is None else ("", "", "")
    if not (opened_at.isascii() and opened_at.isdigit() and len(opened_at) < 19) or not return_id:
        raise no_page(after)
    return int(opened_at), return_id


def no_page(after: object) -> InvalidArgument:
    """The error for what is no page of a list."""
    return InvalidArgument(
        text("{cursor} is no page of this list. Use the next that a page gave, or none.", cursor=shown(after))
    )


def _return_row(row: RowMapping) -> ReturnRow:
    due = row["due"]
    return ReturnRow(
        shop=row["shop"],
        return_id=row["return_id"],
        order_id=row["order_id"],
        goods=row["goods"],
        stock=row["stock"],
        waits_for=row["waits_for"],
        since=as_datetime(row["since"]),
        due=None if due is None else datetime.date.fromisoformat(due),
        opened_at=as_datetime(row["opened_at"]),
    )


def _refund_row(row: RowMapping) -> RefundRow:
    return RefundRow(
        refund_id=row["refund_id"],
        order_id=row["order_id"],
        payment=row["payment"],
        minor=row["minor"],
        currency=row["currency"],
        state=row["state"],
        waits_for=row["waits_for"],
        since=as_datetime(row["since"]),
        opened_at=as_datetime(row["opened_at"]),
        batch=row["batch"],
    )
