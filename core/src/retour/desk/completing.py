"""Gives rows of lists that an older retour made what they lack, from their orders' histories: some at a time, so that
nobody waits for an upgrade, and those that somebody looks at first."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping

import attrs

from retour.model.errors import Busy, OrderUnreadable, StoreError
from retour.model.text import text
from retour.steps.case import history_of
from retour.store.commit import ListRows
from retour.store.index import rows_of_lists
from retour.store.store import Store

AT_ONCE = 50
"""Orders in one transaction, which keeps other writers waiting on SQLite."""

MOST = 1000
"""Orders that somebody waits for whose list is by what they lack."""

log = logging.getLogger("retour.desk")


@attrs.define
class Completing:
    """The rows of a store. Once a process has found none that lacks anything it looks no more: all that are written
    from then on are whole."""

    store: Store
    _all_whole: bool = attrs.field(default=False, init=False)
    _whole: set[tuple[str, bool]] = attrs.field(factory=set, init=False)

    def some(self, limit: int, stop: Callable[[], bool]) -> int:
        """Up to ``limit`` orders of all shops; gives how many."""
        return 0 if self._all_whole else self._some(None, limit, stop, all_kinds=True)

    def all_of(self, shop: str, *, all_kinds: bool = False) -> None:
        """All orders of a shop, for a list that would else leave some out: one of returns or refunds by what their rows
        lacked first, or, for ``all_kinds``, any. Raises `Busy` where there are too many for somebody to wait."""
        if self._all_whole or (shop, all_kinds) in self._whole:
            return
        done = self._some(shop, MOST, lambda: False, all_kinds=all_kinds)
        if done == MOST and self.store.old_rows.orders(shop, 1, all_kinds=all_kinds):
            raise Busy(
                text(
                    "After an upgrade the lists are still being filled in, and orders would be missing from this one. "
                    "Try again in a few minutes."
                )
            )

    def of(self, shop: str, orders: Iterable[str]) -> Mapping[str, ListRows]:
        """What the rows of these orders lack, which somebody looks at, by their ids; also of those that could not be
        read before. It is told where it cannot be kept, too: looking needs no more than to read."""
        found, unreadable = self._read([(shop, order_id) for order_id in orders])
        try:
            self.store.old_rows.complete(found, unreadable)
        except StoreError as error:
            log.warning("what rows of lists lack is not kept: %s", error)
        return {rows.order_id: rows for rows in found}

    def _some(self, shop: str | None, limit: int, stop: Callable[[], bool], *, all_kinds: bool) -> int:
        done = 0
        while done < limit and not stop():
            most = min(AT_ONCE, limit - done)
            found = self.store.old_rows.orders(shop, most, all_kinds=all_kinds)
            self.store.old_rows.complete(*self._read(found))
            done += len(found)
            if len(found) < most:
                self._all_whole = self._all_whole or shop is None
                self._whole |= set() if shop is None else {(shop, all_kinds)}
                break
        return done

    def _read(self, orders: Iterable[tuple[str, str]]) -> tuple[list[ListRows], list[tuple[str, str]]]:
        """What rows of these orders lack, and the orders that cannot be read."""
        found: list[ListRows] = []
        unreadable: list[tuple[str, str]] = []
        for shop, order_id in orders:
            try:
                history, _ = history_of(self.store, shop, order_id)
                found.append(rows_of_lists(shop, history.dossier))
            except OrderUnreadable as error:
                log.warning("a list tells less of order %s: %s", order_id, error)
                unreadable.append((shop, order_id))
        return found, unreadable
