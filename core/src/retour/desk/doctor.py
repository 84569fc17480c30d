"""The doctor: which orders cannot be read, and setting one aside by a person's name. He adds, and never edits."""

from __future__ import annotations

import datetime
from collections.abc import Iterator
from contextlib import suppress

from retour.desk.commands import check_actor
from retour.effects.kinds import KINDS, effect_of
from retour.model.actor import Actor, ActorKind
from retour.model.errors import InvalidReference, NotAllowed, OrderUnreadable, StoreError, WrongState
from retour.model.fields import Id, shown, wanted_instead
from retour.model.frozen import frozen
from retour.model.outcome import UnreadableOrder, UnreadablePage
from retour.model.text import text
from retour.model.unreadable import UnreadableRow
from retour.rules.draft import refuse_card_number
from retour.steps.case import history_of
from retour.store.pages import no_page
from retour.store.store import Store

_PAGE = 100


@frozen
class Doctor:
    """The doctor of one store."""

    store: Store

    def examine(self, shop: str, order_id: str) -> tuple[UnreadableRow, ...]:
        """The rows of an order that cannot be read now: an event, and effects."""
        found = []
        try:
            history_of(self.store, shop, order_id)
        except OrderUnreadable as error:
            found.append(error.row)
        for effect_id, kind, body in self.store.effects.bodies(shop, order_id):
            try:
                if kind in KINDS:
                    effect_of(KINDS[kind], order_id, effect_id, body)
            except OrderUnreadable as error:
                found.append(error.row)
        return tuple(found)

    def examine_all(self, shop: str | None) -> None:
        """Read every order of a shop, or of all, and keep what cannot be read."""
        for of_shop, order_id in self.store.orders(shop):
            for row in self.examine(of_shop, order_id):
                self.store.unreadable.keep(of_shop, row)

    def unreadable(self, shop: str | None) -> Iterator[tuple[str, UnreadableOrder]]:
        """All unreadable orders of a shop, or of all, each with its shop."""
        after: tuple[str, str] | None = None
        while found := self.store.unreadable.orders(shop, after, _PAGE):
            for of_shop, order_id, since in found:
                order = self._as_it_is_now(of_shop, order_id, since)
                if order is not None:
                    yield of_shop, order
            after = found[-1][:2]

    def page(self, shop: str, *, limit: int, after: str | None) -> UnreadablePage:
        """A page of the unreadable orders of a shop."""
        if after is not None and wanted_instead(after, Id) is not None:
            raise no_page(after)
        found = self.store.unreadable.orders(shop, None if after is None else (shop, after), limit + 1)
        orders = [self._as_it_is_now(*one) for one in found[:limit]]
        return UnreadablePage(
            orders=tuple([one for one in orders if one is not None]),
            next=found[limit - 1][1] if len(found) > limit else None,
        )

    def _as_it_is_now(self, shop: str, order_id: str, since: datetime.datetime) -> UnreadableOrder | None:
        """The order as it is read now; None, and forgotten, where all of it reads and nobody has set it aside."""
        rows, aside = self.examine(shop, order_id), self.store.unreadable.aside(shop, order_id)
        if not rows and aside is None:
            with suppress(StoreError):  # then the next to look forgets it
                self.store.unreadable.forget(shop, order_id)
            return None
        return UnreadableOrder(order_id=order_id, rows=rows, since=since, set_aside=aside)

    # --- what a person can do ------------------------------------------------------------------------

    def set_aside(self, shop: str, order_id: str, by: Actor, because: str) -> int:
        """Let what cannot be read of an order wait until it is taken back; gives how many effects wait."""
        _check_who(by, order_id)
        wanted = wanted_instead(because, str)
        words = because.strip() if wanted is None else ""
        if not words:
            raise InvalidReference(
                text("Order {order}: say why it is set aside, for whoever looks next.", order=shown(order_id))
            )
        refuse_card_number(order_id, words)
        rows = self.examine(shop, order_id)
        if not rows:
            raise WrongState(
                text("Order {order} can be read, with all its work: there is nothing to set aside.", order=order_id)
            )
        for row in rows:
            self.store.unreadable.keep(shop, row)
        whole = any(row.seq for row in rows)
        effects = None if whole else [row.effect_id for row in rows]
        return self.store.unreadable.set_aside(shop, order_id, by, words, effects)

    def take_back(self, shop: str, order_id: str, by: Actor) -> int:
        """Let the effects of an order that was set aside be tried again; gives how many: said again, none."""
        _check_who(by, order_id)
        retried = self.store.unreadable.take_back(shop, order_id, by)
        if retried is None:
            raise WrongState(text("Nobody has set order {order} aside.", order=order_id))
        return retried


def _check_who(by: Actor, order_id: str) -> None:
    check_actor(by)
    if by.kind not in (ActorKind.STAFF, ActorKind.SYSTEM) or not by.id:
        raise NotAllowed(text("Order {order}: staff sets an order aside, by name.", order=shown(order_id)))
