"""What the rows of returns and refunds of a period come to, in four statements of one read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, case, func, select

from retour.model.frozen import frozen
from retour.store import tables
from retour.store.clock import SECOND
from retour.store.database import Database

_DAY = 24 * 3600 * SECOND


@frozen(kw_only=True)
class PeriodCounts:
    """What was counted: returns by the part of the period, refunded minor units by part and currency, returns by
    reason, refunds by whole days from the first return of their order."""

    returns: Mapping[int, int]
    refunded: Mapping[tuple[int, str], int]
    reasons: Mapping[str, int]
    days: Mapping[int, int]


class CountingPeriods:
    """Counts what is in one database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def count(self, shop: str, bounds: Sequence[int], succeeded: str) -> PeriodCounts:
        """Count a period that these ``bounds`` divide, in microseconds: from the first on and before the last. Refunds
        are those whose state is ``succeeded``."""

        def read(reader: Connection) -> PeriodCounts:
            return PeriodCounts(
                returns={row[0]: row[1] for row in reader.execute(_returns(shop, bounds)).all()},
                refunded={
                    (row[0], row[1]): int(row[2])  # PostgreSQL adds them up as decimals
                    for row in reader.execute(_refunded(shop, bounds, succeeded)).all()
                },
                reasons={row[0]: row[1] for row in reader.execute(_reasons(shop, bounds)).all()},
                days={row[0]: row[1] for row in reader.execute(_days(shop, bounds, succeeded)).all()},
            )

        return self._database.read(read)


def _in_period(opened_at: Any, bounds: Sequence[int]) -> tuple[Any, Any]:
    return opened_at >= bounds[0], opened_at < bounds[-1]


def _part(opened_at: Any, bounds: Sequence[int]) -> Any:
    """Which part of the period a moment is in, by its number."""
    return case(*[(opened_at < end, number) for number, end in enumerate(bounds[1:])]).label("part")


def _returns(shop: str, bounds: Sequence[int]) -> Any:
    columns = tables.return_.c
    found = select(_part(columns.opened_at, bounds)).where(columns.shop == shop, *_in_period(columns.opened_at, bounds))
    parts = found.subquery()
    return select(parts.c.part, func.count()).group_by(parts.c.part)


def _refunded(shop: str, bounds: Sequence[int], succeeded: str) -> Any:
    columns = tables.refund.c
    found = select(_part(columns.opened_at, bounds), columns.currency, columns.minor).where(
        columns.shop == shop, columns.state == succeeded, *_in_period(columns.opened_at, bounds)
    )
    parts = found.subquery()
    return select(parts.c.part, parts.c.currency, func.sum(parts.c.minor)).group_by(parts.c.part, parts.c.currency)


def _reasons(shop: str, bounds: Sequence[int]) -> Any:
    columns = tables.return_reason.c
    reason = func.coalesce(columns.reason, "").label("reason")  # which no index has: rows are found by the period
    found = select(reason).where(columns.shop == shop, *_in_period(columns.opened_at, bounds)).subquery()
    return select(found.c.reason, func.count()).group_by(found.c.reason)


def _days(shop: str, bounds: Sequence[int], succeeded: str) -> Any:
    refunds, returns = tables.refund.c, tables.return_.c
    began = (
        select(func.min(returns.opened_at))
        .where(returns.shop == shop, returns.order_id == refunds.order_id, *_in_period(returns.opened_at, bounds))
        .scalar_subquery()
    )
    found = (
        select(refunds.since, began.label("began"))
        .where(refunds.shop == shop, refunds.state == succeeded, *_in_period(refunds.opened_at, bounds))
        .subquery()
    )
    took = case((found.c.since > found.c.began, (found.c.since - found.c.began) // _DAY), else_=0).label("days")
    days = select(took).where(found.c.began.is_not(None)).subquery()
    return select(days.c.days, func.count()).group_by(days.c.days)
