"""Pages of returns, of refunds and of labels, from the rows that are written with the events they follow from."""

from __future__ import annotations

import datetime
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Any

import attrs
from sqlalchemy import Connection, RowMapping, Select, bindparam, exists, func, literal_column, select, tuple_, union
from sqlalchemy import text as sql

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
    """One return as lists show it. ``details`` are JSON, or what stands in their place."""

    shop: str
    return_id: str
    order_id: str
    goods: str
    stock: str
    waits_for: str
    since: datetime.datetime
    due: datetime.date | None
    opened_at: datetime.datetime
    details: str


@frozen(kw_only=True)
class RefundRow:
    """One refund as lists show it. ``details`` are JSON, or what stands in their place."""

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
    reference: str
    details: str


@frozen(kw_only=True)
class LabelRow:
    """One label as lists show it. ``details`` are JSON."""

    label_id: str
    return_id: str
    order_id: str
    provider: str
    state: str
    waits_for: str
    since: datetime.datetime
    opened_at: datetime.datetime
    details: str


@frozen(kw_only=True)
class LetThrough:
    """What a list lets through: rows that have one of the ``values`` in each of these columns, that were opened from
    ``opened_from`` on and before ``opened_before`` (microseconds), of returns for one of these ``reasons``; and of
    these ``orders`` alone, which a search has found. None lets all through."""

    values: Mapping[str, Sequence[str]] = attrs.field(factory=dict)
    opened_from: int | None = None
    opened_before: int | None = None
    reasons: Sequence[str] | None = None
    orders: Sequence[str] | None = None

    @property
    def bounded(self) -> bool:
        """Whether so little is let through that it can be counted: what waits, what belongs to a period or to orders
        that are named."""
        named = self.orders is not None or any("" not in self.values.get(name, ("",)) for name in _NAMED)
        return named or self.opened_from is not None or "" not in self.values.get("waits_for", ("",))


_NAMED = ("order_id", "refund_id", "batch")


@frozen(kw_only=True)
class PageWanted:
    """Which page of a list: up to ``limit`` rows after a cursor, or just before one; the newest or the oldest first."""

    limit: int
    after: str | None = None
    before: str | None = None
    oldest_first: bool = False


@frozen(kw_only=True)
class Around:
    """The cursors of the pages before and after one, None where there is none."""

    previous: str | None = None
    next: str | None = None


class Pages:
    """Pages of the lists of one database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def returns(self, shop: str, let_through: LetThrough, page: PageWanted) -> tuple[list[ReturnRow], Around]:
        """A page of returns, and where the pages around it begin."""
        rows, around = self._page(tables.return_, "return_id", shop, let_through, page)
        return [_return_row(row) for row in rows], around

    def return_with_number(self, shop: str, number: str) -> ReturnRow | None:
        """The return of a shop with this number, None where there is none."""
        columns = tables.return_.c
        rows = self._database.rows(
            select(tables.return_).where(columns.shop == shop, columns.number == number).limit(1)
        )
        return _return_row(rows[0]) if rows else None

    def refunds(self, shop: str, let_through: LetThrough, page: PageWanted) -> tuple[list[RefundRow], Around]:
        """A page of refunds, and where the pages around it begin."""
        rows, around = self._page(tables.refund, "refund_id", shop, let_through, page)
        return [_refund_row(row) for row in rows], around

    def labels(self, shop: str, let_through: LetThrough, page: PageWanted) -> tuple[list[LabelRow], Around]:
        """A page of labels, and where the pages around it begin."""
        rows, around = self._page(tables.label, "label_id", shop, let_through, page)
        return [_label_row(row) for row in rows], around

    def has_label_of(self, shop: str, provider: str) -> bool:
        """Whether a label of a shop was ever this provider's."""
        columns = tables.label.c
        query = select(columns.label_id).where(columns.shop == shop, columns.provider == provider).limit(1)
        return bool(self._database.rows(query))

    def amounts(self, shop: str, orders: Sequence[str]) -> dict[str, str]:
        """What is known of the money of a few orders, as JSON or what stands in its place, by their ids."""
        columns = tables.dossier.c
        query = select(columns.order_id, columns.amounts).where(columns.shop == shop, columns.order_id.in_(orders))
        return {row["order_id"]: row["amounts"] for row in self._database.rows(query)}

    def count_returns(self, shop: str, let_through: LetThrough) -> list[tuple[str, str, str, int]]:
        """How many returns are let through: by goods, stock and what they wait for. One query."""
        columns = tables.return_.c
        by = columns.goods, columns.stock, columns.waits_for
        return [tuple(row) for row in self._counted(tables.return_, by, (func.count(),), shop, let_through)]

    def total_refunds(self, shop: str, let_through: LetThrough) -> list[tuple[str, str, str, int, int]]:
        """How many refunds are let through, and their minor units together: by state, what they wait for and currency.
        One query."""
        columns = tables.refund.c
        by = columns.state, columns.waits_for, columns.currency
        together = func.count(), func.sum(columns.minor)
        rows = self._counted(tables.refund, by, together, shop, let_through)
        return [(*row[:4], int(row[4])) for row in rows]  # PostgreSQL adds them up as decimals

    def reason_is_known(self, shop: str, reason: str) -> bool:
        """Whether a return was ever for this reason."""
        columns = tables.return_reason.c
        query = select(columns.return_id).where(columns.shop == shop, columns.reason == reason).limit(1)
        return bool(self._database.rows(query))

    def _page(
        self, table: Any, key: str, shop: str, let_through: LetThrough, page: PageWanted
    ) -> tuple[Sequence[RowMapping], Around]:
        """The rows of a page. Those before a cursor are found from it backwards, by the same index."""
        back = page.before is not None
        cursor = page.before if back else page.after
        seen = None if cursor is None else _cursor(cursor)
        up = page.oldest_first is not back

        def placed(query: Select[Any], place: Sequence[Any]) -> Select[Any]:
            """The rows beyond the cursor, as many as a page needs to know whether there are more."""
            if seen is not None:
                query = query.where(tuple_(*place) > tuple_(*seen) if up else tuple_(*place) < tuple_(*seen))
            return query.order_by(*(place if up else [one.desc() for one in place])).limit(page.limit + 1)

        parts = [placed(one.query, one.place) for one in _parts(table, key, shop, let_through)]
        if not parts:
            return [], Around()
        query = parts[0]
        if len(parts) > 1:  # each found by an index, in the order of the page
            every = union(*[select(one.subquery()) for one in parts]).subquery()
            query = placed(select(every), (every.c.opened_at, every.c[key]))
        found = self._database.rows(query)
        rows, more = found[: page.limit], len(found) > page.limit
        if back:
            rows = rows[::-1]
        if not rows:
            return [], Around()
        first, last = [f"{row['opened_at']}.{row[key]}" for row in (rows[0], rows[-1])]
        return rows, Around(
            previous=first if (more if back else seen is not None) else None,
            next=last if (seen is not None if back else more) else None,
        )

    def _counted(
        self, table: Any, by: Sequence[Any], together: Sequence[Any], shop: str, let_through: LetThrough
    ) -> Sequence[Any]:
        query = select(*by, *together).where(table.c.shop == shop, *_period(table.c.opened_at, let_through))
        for name, values in let_through.values.items():
            query = query.where(_among(table.c[name], values))
        if let_through.orders is not None:
            query = query.where(table.c.order_id.in_(let_through.orders))
        if let_through.reasons is not None:
            chosen = tables.return_reason.c
            found = select(chosen.return_id).where(chosen.shop == shop, chosen.reason.in_(let_through.reasons))
            query = query.where(table.c.return_id.in_(found.where(*_period(chosen.opened_at, let_through))))
        if not let_through.bounded:
            query = query.where(table.c.waits_for > "")
        grouped = query.group_by(*by)
        return self._database.read(lambda reader: reader.execute(grouped).all())

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


@frozen(kw_only=True)
class _Part:
    """Rows of a list that one index finds in the order of its ``place``."""

    query: Select[Any]
    place: Sequence[Any]


_FIRST = ("order_id", "refund_id", "batch", "waits_for", "goods", "state", "stock", "provider")
"""By which of several filters rows are found: what lets the fewest through is first."""

_FEW = ("order_id", "refund_id")
"""Filters that let a few rows through for each value: those of all values are sorted."""


_ITS_OWN = ("provider",)
"""Filters by whose own index rows are found where it lets fewer through than the first."""


def _parts(table: Any, key: str, shop: str, let_through: LetThrough) -> Iterator[_Part]:
    """The rows that a list lets through: a part for each value of the filter that finds them; what the others say is
    asked of each row that it finds."""
    columns, values = table.c, dict(let_through.values)
    if let_through.orders is not None:
        values["order_id"] = [one for one in let_through.orders if one in values.get("order_id", let_through.orders)]
    if any(not one for one in (*values.values(), let_through.reasons if let_through.reasons is not None else ("any",))):
        return
    if let_through.reasons is not None and "order_id" not in values:
        yield from _for_reasons(shop, let_through.reasons, values, let_through)
        return
    by = next((name for name in _FIRST if name in values and not (name == "batch" and "" in values[name])), None)
    few = by in _FEW and len(values[by]) > 1
    opened_at = columns.opened_at + literal_column("0") if few else columns.opened_at  # which no index has
    found = select(table).where(columns.shop == shop, *_period(opened_at, let_through))
    if let_through.reasons is not None:
        found = found.where(_is_for(shop, let_through.reasons))
    for name, given in values.items():
        if name != by:
            asked = columns[name] if name in _ITS_OWN else func.coalesce(columns[name], "")  # which no index has
            found = found.where(_among(asked, given))
    if by is None:
        yield _Part(query=found, place=(opened_at, columns[key]))
    elif by in _FEW:
        yield _Part(query=found.where(_among(columns[by], values[by])), place=(opened_at, columns[key]))
    else:
        if by == "batch":
            found = found.where(sql("retour_refund.batch <> ''"))  # so its index is found
        for value in dict.fromkeys(values[by]):
            yield _Part(query=found.where(columns[by] == value), place=(opened_at, columns[key]))


def _for_reasons(
    shop: str, reasons: Sequence[str], values: Mapping[str, Sequence[str]], let_through: LetThrough
) -> Iterator[_Part]:
    chosen, columns = tables.return_reason.c, tables.return_.c
    found = (
        select(tables.return_)
        .select_from(tables.return_reason)
        .join(tables.return_, (columns.shop == chosen.shop) & (columns.return_id == chosen.return_id))
        .where(chosen.shop == shop, *_period(chosen.opened_at, let_through))
    )
    for name, given in values.items():
        found = found.where(_among(func.coalesce(columns[name], ""), given))
    for reason in dict.fromkeys(reasons):
        yield _Part(query=found.where(chosen.reason == reason), place=(chosen.opened_at, chosen.return_id))


def _is_for(shop: str, reasons: Sequence[str]) -> Any:
    chosen, columns = tables.return_reason.c, tables.return_.c
    return exists().where(
        chosen.shop == shop,
        chosen.reason.in_(reasons),
        chosen.opened_at == columns.opened_at,
        chosen.return_id == columns.return_id,
    )


def _among(column: Any, values: Sequence[str]) -> Any:
    return column == values[0] if len(values) == 1 else column.in_(values)


def _period(opened_at: Any, let_through: LetThrough) -> list[Any]:
    since, until = let_through.opened_from, let_through.opened_before
    return [*([] if since is None else [opened_at >= since]), *([] if until is None else [opened_at < until])]


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
        details=row["details"],
    )


def _label_row(row: RowMapping) -> LabelRow:
    return LabelRow(
        label_id=row["label_id"],
        return_id=row["return_id"],
        order_id=row["order_id"],
        provider=row["provider"],
        state=row["state"],
        waits_for=row["waits_for"],
        since=as_datetime(row["since"]),
        opened_at=as_datetime(row["opened_at"]),
        details=row["details"],
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
        reference=row["reference"],
        details=row["details"],
    )
