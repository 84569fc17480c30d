"""Lists over all orders of a shop: pages of returns, refunds and labels, how many there are, and what is found."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any, TypeVar, cast

import attrs

from retour.desk.list_filters import Filters, check_page
from retour.desk.services import Services
from retour.model.errors import InvalidArgument, RetourError
from retour.model.fields import Reference, fault_of, shown
from retour.model.frozen import frozen
from retour.model.label_lists import LabelDetails, LabelPage, LabelSummary, LabelWait
from retour.model.labels import LabelState
from retour.model.money import Money
from retour.model.order import Order
from retour.model.refunds import RefundState
from retour.model.return_number import return_number
from retour.model.return_reasons import DEFAULT_RETURN_REASONS
from retour.model.returns import GoodsState, StockState
from retour.model.summaries import (
    OrderAmounts,
    RefundDetails,
    RefundPage,
    RefundSummary,
    RefundTotal,
    RefundWait,
    ReturnCount,
    ReturnDetails,
    ReturnPage,
    ReturnSummary,
    ReturnWait,
)
from retour.model.text import Text, text
from retour.model.typed_return_number import read_return_number
from retour.store.clock import microseconds
from retour.store.commit import ListRows
from retour.store.pages import LabelRow, LetThrough, PageWanted, RefundRow, ReturnRow
from retour.store.records import from_json
from retour.store.search import MOST_FOUND, TooManyFound
from retour.store.tables import NOT_YET, UNREADABLE

log = logging.getLogger("retour.desk")

_LACKING = (NOT_YET, UNREADABLE)

_Row = TypeVar("_Row", RefundRow, ReturnRow, LabelRow)
_Old = TypeVar("_Old", RefundRow, ReturnRow)
_Summary = TypeVar("_Summary", RefundSummary, ReturnSummary, LabelSummary)


@frozen
class Lists:
    """The lists of one shop."""

    services: Services
    shop_id: str

    # --- returns -------------------------------------------------------------------------------------

    def returns(self, wanted: Filters, page: PageWanted) -> ReturnPage:
        """A page of the returns that are let through."""
        check_page(page.limit, page)
        let_through = self._let_through(_RETURNS, wanted)
        rows, around = self.services.store.pages.returns(self.shop_id, let_through, page)
        returns, without = self._with_orders(self._return_summaries(rows))
        return ReturnPage(returns=tuple(returns), previous=around.previous, next=around.next, without_orders=without)

    def find_return(self, typed: str) -> ReturnSummary | None:
        """The return with the number that somebody typed. Raises `InvalidArgument` for what can be none."""
        row = self.services.store.pages.return_with_number(self.shop_id, read_return_number(typed))
        return next(iter(self._with_orders(self._return_summaries([] if row is None else [row]))[0]), None)

    def count_returns(self, wanted: Filters) -> tuple[ReturnCount, ...]:
        """How many returns are let through, by their states and what they wait for."""
        rows = self.services.store.pages.count_returns(self.shop_id, self._countable(_RETURNS, wanted))
        counts = [
            ReturnCount(goods=GoodsState(goods), stock=StockState(stock), waits_for=ReturnWait(waits), count=count)
            for goods, stock, waits, count in rows
            if _are_members((GoodsState, goods), (StockState, stock), (ReturnWait, waits))
        ]
        return tuple(sorted(counts, key=lambda one: (_place(one.waits_for), _place(one.goods), _place(one.stock))))

    # --- refunds -------------------------------------------------------------------------------------

    def refunds(self, wanted: Filters, page: PageWanted) -> RefundPage:
        """A page of the refunds that are let through."""
        check_page(page.limit, page)
        let_through = self._let_through(_REFUNDS, wanted)
        rows, around = self.services.store.pages.refunds(self.shop_id, let_through, page)
        told = self._told_anew(rows)
        refunds, without = self._with_orders(self._readable([_completed(row, told) for row in rows], _refund_summary))
        return RefundPage(refunds=tuple(refunds), previous=around.previous, next=around.next, without_orders=without)

    def total_refunds(self, wanted: Filters) -> tuple[RefundTotal, ...]:
        """How many refunds are let through and their amounts together, by state, what they wait for and currency."""
        rows = self.services.store.pages.total_refunds(self.shop_id, self._countable(_REFUNDS, wanted))
        totals = [
            RefundTotal(
                state=RefundState(state),
                waits_for=RefundWait(waits),
                count=count,
                amount=Money(minor=minor, currency=currency),
            )
            for state, waits, currency, count, minor in rows
            if _are_members((RefundState, state), (RefundWait, waits))
        ]
        return tuple(sorted(totals, key=lambda one: (_place(one.waits_for), _place(one.state), one.amount.currency)))

    # --- labels --------------------------------------------------------------------------------------

    def labels(self, wanted: Filters, page: PageWanted) -> LabelPage:
        """A page of the labels that are let through."""
        check_page(page.limit, page)
        self.services.completing.all_of(self.shop_id, all_kinds=True)
        let_through = self._let_through(_LABELS, wanted)
        self._check_providers(let_through.values.get("provider", ()))
        rows, around = self.services.store.pages.labels(self.shop_id, let_through, page)
        labels, without = self._with_orders(self._readable(rows, _label_summary))
        return LabelPage(labels=tuple(labels), previous=around.previous, next=around.next, without_orders=without)

    def _check_providers(self, given: Iterable[str]) -> None:
        """Raise `InvalidArgument` for a provider that is not loaded and never made a label of the shop."""
        loaded = sorted(self.services.registry.shipping)
        for name in given:
            if name not in loaded and not self.services.store.pages.has_label_of(self.shop_id, name):
                raise _no_member("provider", name, loaded)

    # --- what is let through -------------------------------------------------------------------------

    def _let_through(self, known: Mapping[str, Iterable[str]], wanted: Filters) -> LetThrough:
        values = _given(known, wanted.columns)
        reasons = None if wanted.reason is None else self._reasons(wanted.reason)
        return LetThrough(
            values=values,
            opened_from=None if wanted.opened_from is None else microseconds(wanted.opened_from),
            opened_before=None if wanted.opened_before is None else microseconds(wanted.opened_before),
            reasons=reasons,
            orders=self._orders(wanted.search or ""),
        )

    def _countable(self, known: Mapping[str, Iterable[str]], wanted: Filters) -> LetThrough:
        let_through = self._let_through(known, wanted)
        if not let_through.bounded and "waits_for" in let_through.values:
            raise InvalidArgument(
                text(
                    "What waits for nothing is counted over a period: give opened_from, the moment from which on it "
                    "was opened."
                )
            )
        return let_through

    def _reasons(self, given: str | Sequence[str]) -> list[str]:
        """The reasons that are asked for. Raises `InvalidArgument` for one that is neither on the shop's list nor was
        ever chosen."""
        chosen = _values("reason", given)
        self.services.completing.all_of(self.shop_id)
        offered = self.services.return_reasons(self.shop_id)
        listed = [one.code for one in (DEFAULT_RETURN_REASONS if offered is None else offered)]
        for code in chosen:
            if code not in listed and not self.services.store.pages.reason_is_known(self.shop_id, code):
                raise _no_member("reason", code, listed)
        return chosen

    def _orders(self, typed: str) -> list[str] | None:
        """The orders that somebody looks for; None where nothing is looked for."""
        typed = typed.strip()
        if not typed:
            return None
        fault = fault_of("search", typed, Reference)
        if fault is not None:
            raise InvalidArgument(fault)
        self.services.completing.all_of(self.shop_id)
        number = None
        with suppress(InvalidArgument):
            number = read_return_number(typed)
        try:
            return self.services.store.search.orders(self.shop_id, typed, number)
        except TooManyFound:
            raise InvalidArgument(
                text(
                    "More than {most} orders are called {typed} or begin with it. Type more of it.",
                    most=MOST_FOUND,
                    typed=shown(typed),
                )
            ) from None

    # --- what a row tells ----------------------------------------------------------------------------

    def _told_anew(self, rows: Sequence[RefundRow | ReturnRow], orders: Sequence[str] = ()) -> Mapping[str, ListRows]:
        """What rows of before lack, and these ``orders``, by their orders."""
        lacking = dict.fromkeys([*orders, *[row.order_id for row in rows if row.details in _LACKING]])
        return self.services.completing.of(self.shop_id, lacking) if lacking else {}

    def _return_summaries(self, rows: Sequence[ReturnRow]) -> list[ReturnSummary]:
        """The returns of a page, with the money of their orders: one query for all of these."""
        orders = list(dict.fromkeys([row.order_id for row in rows]))
        amounts = self.services.store.pages.amounts(self.shop_id, orders) if orders else {}
        told = self._told_anew(rows, [one for one in orders if amounts.get(one, NOT_YET) in _LACKING])
        amounts |= {order_id: one.amounts for order_id, one in told.items()}
        returns = self._readable([_completed(row, told) for row in rows], _return_summary)
        return [_with_amounts(one, amounts.get(one.order_id, NOT_YET)) for one in returns]

    def _readable(self, rows: Iterable[_Row], summary: Callable[[_Row], _Summary]) -> list[_Summary]:
        """The rows that this retour can read: one that a newer retour wrote costs its own place on the page and no
        other. Its order is read, so that it is known to be unreadable."""
        return list(self._read(rows, summary))

    def _read(self, rows: Iterable[_Row], summary: Callable[[_Row], _Summary]) -> Iterator[_Summary]:
        for row in rows:
            try:
                yield summary(row)
            except (ValueError, TypeError, LookupError, RetourError) as error:
                log.warning("order %s is not listed: %s", row.order_id, error)
                with suppress(RetourError):
                    self.services.cases.as_last_seen(self.shop_id, row.order_id)

    def _with_orders(self, rows: list[_Summary]) -> tuple[list[_Summary], Text | None]:
        """The rows of a page with their orders, for which the shop is asked once; without them, and why, where it
        cannot tell."""
        shop = self.services.shops(self.shop_id)
        if not rows or not shop.reads_several:
            return rows, None
        orders, without = shop.read_orders(list(dict.fromkeys([one.order_id for one in rows])))
        return [_with_order(one, orders.get(one.order_id)) for one in rows], without


def _completed(row: _Old, told: Mapping[str, ListRows]) -> _Old:
    """A row of before with what it lacked."""
    if row.order_id not in told:
        return row
    if isinstance(row, ReturnRow):
        return _with(row, [one for one in told[row.order_id].returns if one["return_id"] == row.return_id])
    return _with(row, [one for one in told[row.order_id].refunds if one["refund_id"] == row.refund_id])


def _with(row: _Old, found: Sequence[Mapping[str, Any]]) -> _Old:
    return attrs.evolve(row, **found[0]) if found else row


def _with_order(row: _Summary, order: Order | None) -> _Summary:
    return attrs.evolve(row, order=order)


def _with_amounts(row: ReturnSummary, kept: str) -> ReturnSummary:
    if kept in _LACKING:
        return attrs.evolve(row, value=None, refunded=None, waiting=None, suggested=None)
    amounts = from_json(OrderAmounts, kept)
    return attrs.evolve(row, refunded=amounts.refunded, waiting=amounts.waiting, suggested=amounts.suggested)


def _return_summary(row: ReturnRow) -> ReturnSummary:
    details = None if row.details in _LACKING else from_json(ReturnDetails, row.details)
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
        lines=None if details is None else details.lines,
        references=None if details is None else details.references,
        value=None if details is None else details.value,
    )


def _refund_summary(row: RefundRow) -> RefundSummary:
    details = None if row.details in _LACKING else from_json(RefundDetails, row.details)
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
        reference=row.reference,
        source=None if details is None else details.source,
        return_id=None if details is None else details.return_id,
        page="" if details is None else details.page,
        why=None if details is None else details.why,
        lacks_consent=details is not None and details.lacks_consent,
    )


def _label_summary(row: LabelRow) -> LabelSummary:
    details = from_json(LabelDetails, row.details)
    return LabelSummary(
        order_id=row.order_id,
        return_id=row.return_id,
        label_id=row.label_id,
        number=return_number(row.return_id),
        provider=row.provider,
        account=details.account,
        state=LabelState(row.state),
        waits_for=LabelWait(row.waits_for),
        since=row.since,
        opened_at=row.opened_at,
        progress=details.progress,
        name=details.name,
        form=details.form,
        carrier=details.carrier,
        tracking_number=details.tracking_number,
        tracking_url=details.tracking_url,
        valid_until=details.valid_until,
        payer=details.payer,
        cost=details.cost,
        why=details.why,
    )


def _are_members(*values: tuple[Iterable[str], str]) -> bool:
    """Whether all of these are states that this retour knows: what a newer one wrote is in no list of this one."""
    return all(value in list(kind) for kind, value in values)


def _place(member: GoodsState | StockState | ReturnWait | RefundState | RefundWait) -> int:
    """Where a value stands among its kind."""
    return list(type(member)).index(member)


def _given(
    known: Mapping[str, Iterable[str]], filters: Mapping[str, str | Sequence[str] | None]
) -> dict[str, list[str]]:
    """The filters that were given, each as the values that it lets through; an empty one lets none.

    Raises `InvalidArgument` for a value that there is not: a list that is empty for a typing error would say that
    nothing waits.
    """
    given = {name: _values(name, value) for name, value in filters.items() if value is not None}
    for name, values in given.items():
        for value in values:
            if name in known and value not in list(known[name]):
                raise _no_member(name, value, [one for one in known[name] if one])
    return given


def _no_member(name: str, value: str, known: Sequence[str]) -> InvalidArgument:
    return InvalidArgument(
        text(
            "{name} is one of {known}, not {value}.",
            name=name,
            known=list(known) or [text("none")],
            value=shown(value),
        )
    )


def _values(name: str, value: object) -> list[str]:
    """What a filter lets through, as texts: one, or each of several."""
    several = [value] if issubclass(type(value), str) else value
    fault = fault_of(name, several, Sequence[str])
    if fault is not None:
        raise InvalidArgument(fault)
    return [str(one) for one in cast("Sequence[str]", several)]


_RETURNS: Mapping[str, Iterable[str]] = {"goods": GoodsState, "stock": StockState, "waits_for": ReturnWait}
_REFUNDS: Mapping[str, Iterable[str]] = {"state": RefundState, "waits_for": RefundWait}
_LABELS: Mapping[str, Iterable[str]] = {"state": LabelState, "waits_for": LabelWait}
