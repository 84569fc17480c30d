"""Lists over all orders of a shop, page by page."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from typing import TypeVar, cast

from retour.desk.services import Services
from retour.model.errors import InvalidArgument, RetourError
from retour.model.fields import fault_of, shown
from retour.model.frozen import frozen
from retour.model.money import Money
from retour.model.refunds import RefundState
from retour.model.return_number import read_return_number, return_number
from retour.model.returns import GoodsState, StockState
from retour.model.summaries import (
    RefundPage,
    RefundSummary,
    RefundWait,
    ReturnPage,
    ReturnSummary,
    ReturnWait,
)
from retour.model.text import text
from retour.store.pages import RefundRow, ReturnRow

log = logging.getLogger("retour.desk")

_Row = TypeVar("_Row", RefundRow, ReturnRow)
_Summary = TypeVar("_Summary")


@frozen
class Lists:
    """The lists of one shop."""

    services: Services
    shop_id: str

    def returns(
        self, *, limit: int, after: str | None, oldest_first: bool, **filters: str | Sequence[str] | None
    ) -> ReturnPage:
        """A page of the returns that the filters let through, the newest or the oldest first."""
        check_page(limit)
        given = _given(_RETURNS, filters)
        rows, following = self.services.store.pages.returns(
            self.shop_id, given, limit=limit, after=after, oldest_first=oldest_first
        )
        return ReturnPage(returns=tuple(self._readable(rows, _return_summary)), next=following)

    def find_return(self, typed: str) -> ReturnSummary | None:
        """The return with the number that somebody typed. Raises `InvalidArgument` for what can be none."""
        row = self.services.store.pages.return_with_number(self.shop_id, read_return_number(typed))
        return next(self._readable([] if row is None else [row], _return_summary), None)

    def refunds(self, *, limit: int, after: str | None, **filters: str | Sequence[str] | None) -> RefundPage:
        """A page of the refunds that the filters let through, the newest first."""
        check_page(limit)
        given = _given(_REFUNDS, filters)
        rows, following = self.services.store.pages.refunds(self.shop_id, given, limit=limit, after=after)
        return RefundPage(refunds=tuple(self._readable(rows, _refund_summary)), next=following)

    def _readable(self, rows: Iterable[_Row], summary: Callable[[_Row], _Summary]) -> Iterator[_Summary]:
        """The rows that this retour can read: one that a newer retour wrote costs its own place on the page and no
        other. Its order is read, so that it is known to be unreadable."""
        for row in rows:
            try:
                yield summary(row)
            except (ValueError, RetourError) as error:
                log.warning("order %s is not listed: %s", row.order_id, error)
                with suppress(RetourError):
                    self.services.cases.as_last_seen(self.shop_id, row.order_id)


def _return_summary(row: ReturnRow) -> ReturnSummary:
    return ReturnSummary(
        order_id=row.order_id,
        return_id=row.return_id,
        number=return_number(row.return_id),
        goods=GoodsState(row.goods),
        stock=StockState(row.stock),
        waits_for=ReturnWait(row.waits_for),
        since=row.since,
        due=row.due,
        opened_at=row.opened_at,
    )


def _refund_summary(row: RefundRow) -> RefundSummary:
    return RefundSummary(
        order_id=row.order_id,
        refund_id=row.refund_id,
        payment=row.payment,
        amount=Money(minor=row.minor, currency=row.currency),
        state=RefundState(row.state),
        waits_for=RefundWait(row.waits_for),
        since=row.since,
        opened_at=row.opened_at,
        batch=row.batch,
    )


def _given(known: Mapping[str, Iterable[str]], filters: dict[str, str | Sequence[str] | None]) -> dict[str, list[str]]:
    """The filters that were given, each as the values that it lets through; an empty one lets none.

    Raises `InvalidArgument` for a value that there is not: a list that is empty for a typing error would say that
    nothing waits.
    """
    given = {name: _values(name, value) for name, value in filters.items() if value is not None}
    for name, values in given.items():
        for value in values:
            if name in known and value not in (*known[name], _NOTHING):
                raise InvalidArgument(
                    text(
                        "{name} is one of {known}, not {value}.",
                        name=name,
                        known=[one for one in known[name] if one],
                        value=value,
                    )
                )
    return given


def _values(name: str, value: object) -> list[str]:
    """What a filter lets through, as texts: one, or each of several."""
    several = [value] if issubclass(type(value), str) else value
    fault = fault_of(name, several, Sequence[str])
    if fault is not None:
        raise InvalidArgument(fault)
    return [str(one) for one in cast("Sequence[str]", several)] or [_NOTHING]


_NOTHING = "-"
"""A value that no row has."""

_RETURNS: Mapping[str, Iterable[str]] = {"goods": GoodsState, "stock": StockState, "waits_for": ReturnWait}
_REFUNDS: Mapping[str, Iterable[str]] = {"state": RefundState, "waits_for": RefundWait}


def check_page(limit: int) -> None:
    """Raise `InvalidArgument` for what is no size of a page."""
    if type(limit) is not int or not 1 <= limit <= 500:
        raise InvalidArgument(text("A page holds 1 to 500 rows, not {limit}.", limit=shown(limit)))
