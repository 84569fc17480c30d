"""The part of `ReturnDesk` that lists what a shop has, over all orders."""

from __future__ import annotations

import datetime
from abc import abstractmethod
from collections.abc import Sequence
from typing import TYPE_CHECKING

from retour.desk.list_filters import Filters
from retour.model.figures import ReturnFigures
from retour.model.label_lists import LabelPage, LabelWait
from retour.model.labels import LabelState
from retour.model.refunds import RefundState
from retour.model.returns import GoodsState, StockState
from retour.model.summaries import (
    RefundPage,
    RefundTotal,
    RefundWait,
    ReturnCount,
    ReturnPage,
    ReturnSummary,
    ReturnWait,
)
from retour.store.pages import PageWanted

if TYPE_CHECKING:
    from retour.desk.figures import Figures
    from retour.desk.lists import Lists


class ListDesk:
    """Pages of a shop's returns, refunds and labels, and how many there are: rows that are written with the events they
    follow from, in queries that cost the same however many orders there are."""

    @property
    @abstractmethod
    def _lists(self) -> Lists:
        """What reads them."""

    @property
    @abstractmethod
    def _figures(self) -> Figures:
        """What counts them by week."""

    def list_returns(
        self,
        *,
        goods: GoodsState | Sequence[GoodsState] | None = None,
        stock: StockState | Sequence[StockState] | None = None,
        waits_for: ReturnWait | Sequence[ReturnWait] | str | Sequence[str] | None = None,
        reason: str | Sequence[str] | None = None,
        order_id: str | Sequence[str] | None = None,
        search: str | None = None,
        opened_from: datetime.datetime | None = None,
        opened_before: datetime.datetime | None = None,
        oldest_first: bool = False,
        limit: int = 50,
        after: str | None = None,
        before: str | None = None,
    ) -> ReturnPage:
        """A page of the shop's returns, by when they were opened: the newest first unless it is to be the oldest.

        Filters, of which all have to fit: goods and stock states, what they wait for (see `ReturnSummary`), codes of
        the shop's list for which a line comes back, one order or several, as those of a customer, and a period:
        ``opened_from`` this moment on and ``opened_before`` that one. ``search`` is what somebody typed: an order's id
        or the beginning of one, a return's id or number, a refund's id, what a payment, a refund, a label or a parcel
        is called there, or its beginning; what is called exactly so is found alone, and an empty text looks for
        nothing.

        ``after`` is the ``next`` of a page, for the one after it, and ``before`` its ``previous``, for the one before
        it, in the same order: rows that come meanwhile move none to another page. ``limit`` is 1 to 500. A shop with
        ``read_orders`` is asked once for the orders of the page.

        Raises `InvalidArgument` for a value that there is not, which would else be an empty list, and for a search that
        finds more than 100 orders; `Busy` while the first lists by reason or search after an upgrade cannot be whole.
        """
        filters = Filters(
            columns={"goods": goods, "stock": stock, "waits_for": waits_for, "order_id": order_id},
            reason=reason,
            opened_from=opened_from,
            opened_before=opened_before,
            search=search,
        )
        return self._lists.returns(
            filters, PageWanted(limit=limit, after=after, before=before, oldest_first=oldest_first)
        )

    def list_refunds(
        self,
        *,
        state: RefundState | Sequence[RefundState] | None = None,
        waits_for: RefundWait | Sequence[RefundWait] | str | Sequence[str] | None = None,
        order_id: str | Sequence[str] | None = None,
        refund_id: str | Sequence[str] | None = None,
        batch: str | None = None,
        search: str | None = None,
        opened_from: datetime.datetime | None = None,
        opened_before: datetime.datetime | None = None,
        oldest_first: bool = False,
        limit: int = 50,
        after: str | None = None,
        before: str | None = None,
    ) -> RefundPage:
        """A page of the shop's refunds, the newest first unless it is to be the oldest. Filters: states, what they wait
        for (see `RefundSummary`), orders and refunds by their id, one batch for the bank; all else is as of
        `list_returns`."""
        filters = Filters(
            columns={
                "state": state,
                "waits_for": waits_for,
                "order_id": order_id,
                "refund_id": refund_id,
                "batch": batch,
            },
            opened_from=opened_from,
            opened_before=opened_before,
            search=search,
        )
        return self._lists.refunds(
            filters, PageWanted(limit=limit, after=after, before=before, oldest_first=oldest_first)
        )

    def list_labels(
        self,
        *,
        state: LabelState | Sequence[LabelState] | None = None,
        waits_for: LabelWait | Sequence[LabelWait] | str | Sequence[str] | None = None,
        provider: str | Sequence[str] | None = None,
        order_id: str | Sequence[str] | None = None,
        search: str | None = None,
        opened_from: datetime.datetime | None = None,
        opened_before: datetime.datetime | None = None,
        oldest_first: bool = False,
        limit: int = 50,
        after: str | None = None,
        before: str | None = None,
    ) -> LabelPage:
        """A page of the labels of the shop's returns, also of those that customers made in a portal, by when they were
        asked for. Filters: states, what they wait for (see `LabelSummary`), providers by name, orders; all else is
        as of `list_returns`. Those to print are ``waits_for="customer"``: until which day each can be used says its
        ``valid_until``.

        Raises `InvalidArgument` also for a provider that is not loaded and never made a label of the shop; `Busy` while
        the first lists of labels after an upgrade cannot be whole.
        """
        filters = Filters(
            columns={"state": state, "waits_for": waits_for, "provider": provider, "order_id": order_id},
            opened_from=opened_from,
            opened_before=opened_before,
            search=search,
        )
        return self._lists.labels(
            filters, PageWanted(limit=limit, after=after, before=before, oldest_first=oldest_first)
        )

    def count_returns(
        self,
        *,
        goods: GoodsState | Sequence[GoodsState] | None = None,
        stock: StockState | Sequence[StockState] | None = None,
        waits_for: ReturnWait | Sequence[ReturnWait] | str | Sequence[str] | None = None,
        reason: str | Sequence[str] | None = None,
        order_id: str | Sequence[str] | None = None,
        search: str | None = None,
        opened_from: datetime.datetime | None = None,
        opened_before: datetime.datetime | None = None,
    ) -> Sequence[ReturnCount]:
        """How many returns the same filters let through, by their states and what they wait for: one query, however
        many there are.

        Without a period, an order or a search it counts those that wait for something; what has ended is counted over a
        period that begins with ``opened_from``.
        """
        return self._lists.count_returns(
            Filters(
                columns={"goods": goods, "stock": stock, "waits_for": waits_for, "order_id": order_id},
                reason=reason,
                opened_from=opened_from,
                opened_before=opened_before,
                search=search,
            )
        )

    def total_refunds(
        self,
        *,
        state: RefundState | Sequence[RefundState] | None = None,
        waits_for: RefundWait | Sequence[RefundWait] | str | Sequence[str] | None = None,
        order_id: str | Sequence[str] | None = None,
        batch: str | None = None,
        search: str | None = None,
        opened_from: datetime.datetime | None = None,
        opened_before: datetime.datetime | None = None,
    ) -> Sequence[RefundTotal]:
        """How many refunds the same filters let through and their amounts together, by state, what they wait for and
        currency: one query. Without a period, an order, a batch or a search it is of those that wait for something, as
        for `count_returns`."""
        return self._lists.total_refunds(
            Filters(
                columns={"state": state, "waits_for": waits_for, "order_id": order_id, "batch": batch},
                opened_from=opened_from,
                opened_before=opened_before,
                search=search,
            )
        )

    def figures(self, *, weeks: int = 12, until: datetime.date | None = None) -> ReturnFigures:
        """What the returns of the last ``weeks`` come to, 1 to 106 weeks of seven days that end with the day ``until``
        in the shop's zone, by default today: how many there were and what was refunded, by week, for which reasons, and
        how many days money took. One read, however many returns there are.

        Raises `InvalidArgument` for weeks or a day that figures cannot be of, and `Busy` while they cannot be whole
        after an upgrade.
        """
        return self._figures.of_weeks(weeks, until)

    def find_return(self, number: str) -> ReturnSummary | None:
        """The return of this shop with the ``number`` that somebody typed from a label, a mail or a bank line; None
        where there is none. Small letters, blanks, hyphens, O for 0 and I or L for 1 are taken for what was meant.
        Raises `InvalidArgument` for what can be no number: one wrong character, or two that changed places, are seen.
        """
        return self._lists.find_return(number)
