"""The runner: does what a command or an earlier failure left to do, and records what became of it.

The intent is committed before the runner starts, and nothing here runs inside a transaction. Every effect can be run
more than once: a stock movement by its id, an announcement by its event.
"""

from __future__ import annotations

import datetime
import logging
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from itertools import groupby

import attrs

from retour.effects.announcements import announce
from retour.effects.attempt import Attempt, done, put_off
from retour.effects.refunding import (
    CANCEL_REFUND,
    FETCH_REFUND,
    LOOK_AGAIN,
    PROVIDER_EVENT,
    RECONCILE,
    SEND_REFUND,
    OfRefund,
    Refunding,
)
from retour.effects.stock import book
from retour.model.actor import Actor
from retour.model.dossier import History
from retour.model.errors import Busy, RetourError
from retour.model.events import Recorded
from retour.model.ids import id_maker
from retour.model.returns import StockMovement
from retour.model.text import text
from retour.plugins.hooks import Hooks, PluginFailed
from retour.providers.http import time_limit
from retour.rules.draft import Draft
from retour.rules.effects import (
    ANNOUNCED_BY,
    Announce,
    refunds_to_cancel,
    refunds_to_look_at,
    refunds_to_send,
    stock_to_book,
)
from retour.shop import Shop
from retour.store.clock import SECOND, microseconds
from retour.store.index import refund_rows, return_rows
from retour.store.records import as_json, event_row, from_json
from retour.store.store import (
    ClaimedEffect,
    Commit,
    LeaseLost,
    NewEffect,
    SettledEffect,
    Store,
    VersionMoved,
)

log = logging.getLogger("retour.effects")

LEASE = 120 * SECOND
"""How long an effect belongs to who claimed it: twice the 60 seconds that one call to a shop, a plugin or a provider
may take, connecting and everything that a provider has to ask on the way included (`time_limit`)."""

BOOK_STOCK = "book_stock"
APPLY_STOCK = "apply_stock"
"""How one movement was left before those of one command became one effect: such rows wait in stores."""

ANNOUNCE = "announce"

RETOUR = Actor.system("retour")


@attrs.frozen(kw_only=True)
class BookStock:
    """The body of the effect that books all movements of one command."""

    movements: tuple[StockMovement, ...]


@attrs.define
class Runner:
    """Runs effects for all shops of one store."""

    store: Store
    hooks: Hooks
    shops: Callable[[str], Shop]
    refunding: Refunding
    clock: Callable[[], datetime.datetime]

    # --- making effects ------------------------------------------------------------------------------

    def new_effects(
        self, order_id: str, events: Sequence[Recorded], new_id: Callable[[str], str], owner: str | None
    ) -> list[NewEffect]:
        """The effects that ``events`` ask for: stock movements, refunds to send and to cancel, an announcement per
        plugin that listens, all to be run by ``owner``; and a later look at what the provider has pending."""
        lease = LEASE if owner is not None else 0
        movements = stock_to_book(events)
        found = [
            NewEffect(
                id=new_id("ef"),
                kind=BOOK_STOCK,
                plugin="",
                body=as_json(BookStock(movements=tuple(movements))),
                owner=owner,
                lease=lease,
            )
        ][: len(movements)]
        of_refunds = [(SEND_REFUND, refund_id) for refund_id in refunds_to_send(events)]
        of_refunds += [(CANCEL_REFUND, refund_id) for refund_id in refunds_to_cancel(events)]
        found += [
            NewEffect(
                id=new_id("ef"),
                kind=kind,
                plugin="",
                body=as_json(OfRefund(refund_id=refund_id)),
                owner=owner,
                lease=lease,
            )
            for kind, refund_id in of_refunds
        ]
        found += [
            NewEffect(
                id=new_id("ef"),
                kind=FETCH_REFUND,
                plugin="",
                body=as_json(OfRefund(refund_id=refund_id)),
                owner=None,
                lease=0,
                delay=int(LOOK_AGAIN[0].total_seconds() * SECOND),
            )
            for refund_id in refunds_to_look_at(events)
        ]
        for recorded in events:
            hook = ANNOUNCED_BY.get(type(recorded.event))
            for plugin in self.hooks.announced_to(hook) if hook is not None else ():
                effect = Announce(order_id=order_id, hook=str(hook), seq=recorded.seq, plugin=plugin)
                found.append(
                    NewEffect(
                        id=new_id("ef"),
                        kind=ANNOUNCE,
                        plugin=plugin,
                        body=as_json(effect),
                        owner=owner,
                        lease=lease,
                    )
                )
        return found

    # --- running them --------------------------------------------------------------------------------

    def run(
        self,
        effects: Sequence[ClaimedEffect],
        history: History | None = None,
        *,
        until: float,
    ) -> tuple[int, int, History]:
        """Run claimed effects of one order; gives how many were done, how many failed, and the order's history now.

        ``history`` is the order's, if the caller has it. After ``until`` (monotonic seconds) what is left goes back
        to ``work()``.
        """
        shop, order_id = effects[0].shop, effects[0].order_id
        known = history if history is not None else self._load(shop, order_id)
        tries = [self._try(effect, known, until) for effect in effects]
        known, new = self._record(shop, order_id, tries, known, effects[0].owner)
        done = sum(1 for one in tries if one.settled.state == "done")
        failed = len(tries) - done
        if new:
            more_done, more_failed, _ = self.run(new, known, until=until)
            done, failed = done + more_done, failed + more_failed
        return done, failed, known

    def work(self, limit: int) -> tuple[int, int]:
        """Claim and run effects that are due, up to ``limit``; gives how many were done and how many failed."""
        owner = id_maker(time.time_ns() // 1_000_000)("wk")
        done = failed = taken = 0
        while taken < limit:
            claimed = self.store.claim(owner, lease=LEASE, limit=min(_BATCH, limit - taken))
            if not claimed:
                break
            taken += len(claimed)
            until = time.monotonic() + LEASE / SECOND / 2  # what begins then still ends within the lease
            for batch in by_order(claimed):
                batch_done, batch_failed = self._run_safely(batch, until)
                done, failed = done + batch_done, failed + batch_failed
        return done, failed

    def _run_safely(self, batch: Sequence[ClaimedEffect], until: float) -> tuple[int, int]:
        """Run one order's effects; an order that cannot be read or is busy keeps them for later."""
        history = None
        try:
            history = self._load(batch[0].shop, batch[0].order_id)
            done, failed, _ = self.run(batch, history, until=until)
        except RetourError as error:
            log.warning("effects of order %s wait: %s", batch[0].order_id, error)
            tried = history is not None  # and what came of it could not be recorded
            with suppress(LeaseLost):
                self.store.settle(
                    [attrs.evolve(put_off(effect, str(error)), unclear=tried or effect.crashed) for effect in batch]
                )
            return 0, len(batch)
        return done, failed

    def _load(self, shop: str, order_id: str) -> History:
        return History.of(order_id, self.store.events(shop, order_id))

    def _try(self, effect: ClaimedEffect, history: History, until: float) -> Attempt:
        if time.monotonic() > until:
            back = SettledEffect(id=effect.id, owner=effect.owner, state="waiting", unclear=effect.crashed)
            return Attempt(settled=back)
        if effect.kind == BOOK_STOCK:
            return book(effect, self.shops(effect.shop), from_json(BookStock, effect.body).movements, history.dossier)
        if effect.kind == APPLY_STOCK:
            return book(effect, self.shops(effect.shop), [from_json(StockMovement, effect.body)], history.dossier)
        if effect.kind == ANNOUNCE:
            return self._announce(effect, history)
        refunding = {
            SEND_REFUND: self.refunding.send,
            FETCH_REFUND: self.refunding.fetch,
            CANCEL_REFUND: self.refunding.cancel,
            RECONCILE: self.refunding.reconcile,
            PROVIDER_EVENT: self.refunding.told,
        }
        try:
            with time_limit(LEASE / SECOND / 2):
                return refunding[effect.kind](effect, history)
        except (Exception, SystemExit) as error:
            # A provider that raises anything but ProviderError: nobody knows how far it came, so the claim stays
            # unsettled. The lease runs out, and the next worker treats it as a crash and asks the provider first.
            log.warning("effect %s of order %s failed", effect.kind, effect.order_id, exc_info=True)
            return Attempt(settled=attrs.evolve(put_off(effect, repr(error)), state="unsettled"))

    def _announce(self, effect: ClaimedEffect, history: History) -> Attempt:
        try:
            announce(self.hooks, effect.shop, history.events, from_json(Announce, effect.body))
        except PluginFailed as failure:
            return Attempt(settled=put_off(effect, str(failure)))
        return Attempt(settled=done(effect))

    # --- recording what became of them ---------------------------------------------------------------

    def _record(
        self, shop: str, order_id: str, tries: Sequence[Attempt], history: History, owner: str
    ) -> tuple[History, list[ClaimedEffect]]:
        """Commit the outcome: what the tries found out, the effects settled, and what follows from both."""
        settled = [one.settled for one in tries if one.settled.state != "unsettled"]
        for _ in range(_ROUNDS):
            now = self.clock()
            draft = Draft(dossier=history.dossier, at=now, by=RETOUR, new_id=id_maker(microseconds(now) // 1000))
            for one in tries:
                if one.record is not None:
                    one.record(draft)
            new = self.new_effects(order_id, draft.events, draft.new_id, owner)
            try:
                self.store.save(
                    Commit(
                        shop=shop,
                        order_id=order_id,
                        expected=history.dossier.version,
                        events=[event_row(shop, order_id, one) for one in draft.events],
                        returns=return_rows(shop, draft.dossier, draft.events),
                        refunds=refund_rows(shop, draft.dossier, draft.events),
                        effects=new,
                        settled=settled,
                    )
                )
            except VersionMoved:
                history = self._load(shop, order_id)
                continue
            except LeaseLost:
                log.warning("another worker took over effects of order %s", order_id)
                return self._load(shop, order_id), []
            return history.after(draft.events, draft.dossier), as_claimed(shop, order_id, new)
        raise Busy(text("Order {order} is changed all the time; its effects wait.", order=order_id))


_BATCH = 20
_ROUNDS = 10


def as_claimed(shop: str, order_id: str, effects: Iterable[NewEffect]) -> list[ClaimedEffect]:
    """Effects that were born claimed, as their owner runs them."""
    return [
        ClaimedEffect(
            id=effect.id,
            shop=shop,
            order_id=order_id,
            kind=effect.kind,
            plugin=effect.plugin,
            body=effect.body,
            attempts=0,
            owner=effect.owner,
        )
        for effect in effects
        if effect.owner is not None
    ]


def by_order(effects: Sequence[ClaimedEffect]) -> list[list[ClaimedEffect]]:
    """Effects grouped by shop and order."""

    def key(effect: ClaimedEffect) -> tuple[str, str]:
        return effect.shop, effect.order_id

    return [list(group) for _, group in groupby(sorted(effects, key=key), key=key)]
