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
from retour.effects.attempt import Attempt, done, given_back, put_off
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
from retour.effects.stock import record_applied, stock_failed
from retour.model.actor import Actor
from retour.model.errors import Busy, RetourError, StockRefused
from retour.model.events.event import Recorded
from retour.model.history import History
from retour.model.ids import id_maker
from retour.model.returns import StockMovement
from retour.model.text import text
from retour.plugins.hooks import Hooks, PluginFailed
from retour.providers.http import time_limit
from retour.rules.draft import Draft
from retour.rules.effects import (
    Announce,
    refunds_to_cancel,
    refunds_to_look_at,
    refunds_to_send,
    stock_effects,
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
    Store,
    VersionMoved,
)

log = logging.getLogger("retour.effects")

LEASE = 120 * SECOND
"""How long an effect belongs to who claimed it: twice the 60 seconds that one call to a shop, a plugin or a provider
may take, connecting and everything that a provider has to ask on the way included (`time_limit`)."""

APPLY_STOCK = "apply_stock"
ANNOUNCE = "announce"

RETOUR = Actor.system("retour")


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
        found = [
            NewEffect(
                id=new_id("ef"),
                kind=APPLY_STOCK,
                plugin="",
                body=as_json(effect.movement),
                owner=owner,
                lease=lease,
            )
            for effect in stock_effects(events)
        ]
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
            hook = recorded.event.announced_by
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
        tries: list[Attempt] = []
        try:
            for effect in effects:
                tries.append(self._try(effect, known, until))
        except KeyboardInterrupt:
            self._stopped(effects, tries, known)
            raise
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
            batches = by_order(claimed)
            while batches:
                try:
                    batch_done, batch_failed = self._run_safely(batches.pop(0), until)
                except KeyboardInterrupt:
                    for batch in batches:
                        with suppress(RetourError, LeaseLost):
                            self.store.settle([given_back(effect) for effect in batch])
                    raise
                done, failed = done + batch_done, failed + batch_failed
        return done, failed

    def _stopped(self, effects: Sequence[ClaimedEffect], tries: Sequence[Attempt], history: History) -> None:
        """A person stopped the process in the middle of ``effects``: what came of ``tries`` is recorded, and nobody
        knows how far the one after them came. All that is left goes to the next worker, who need not wait."""
        shop, order_id = effects[0].shop, effects[0].order_id
        log.warning("stopped in the middle of the effects of order %s", order_id)
        left = [given_back(effect, unclear=not number) for number, effect in enumerate(effects[len(tries) :])]
        if left:
            with suppress(RetourError, LeaseLost):  # then the leases run out, as after any crash
                self.store.settle(left)
        if tries:
            with suppress(RetourError):
                self._record(shop, order_id, tries, history, None)

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
            return Attempt(settled=given_back(effect))
        if effect.kind == APPLY_STOCK:
            return self._apply_stock(effect)
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
            # No provider does this (`retour.plugins.providers`): it is a bug of ours, and nobody knows how far it came.
            # The claim stays unsettled: the lease runs out, and the next worker asks the provider first.
            log.warning("effect %s of order %s failed", effect.kind, effect.order_id, exc_info=True)
            return Attempt(settled=attrs.evolve(put_off(effect, repr(error)), state="unsettled"))

    def _announce(self, effect: ClaimedEffect, history: History) -> Attempt:
        try:
            announce(self.hooks, effect.shop, history.events, from_json(Announce, effect.body))
        except PluginFailed as failure:
            return Attempt(settled=put_off(effect, str(failure)))
        return Attempt(settled=done(effect))

    def _apply_stock(self, effect: ClaimedEffect) -> Attempt:
        movement = from_json(StockMovement, effect.body)
        try:
            self.shops(effect.shop).apply_stock(movement)
        except StockRefused as refusal:
            return Attempt(settled=done(effect), record=stock_failed(movement, str(refusal), final=True))
        except (Exception, SystemExit) as error:
            log.warning("movement %s of order %s failed", movement.id, effect.order_id, exc_info=True)
            because = f"{type(error).__name__}: {error}"
            return Attempt(settled=put_off(effect, because), record=stock_failed(movement, because, final=False))
        return Attempt(settled=done(effect), applied=movement)

    # --- recording what became of them ---------------------------------------------------------------

    def _record(
        self, shop: str, order_id: str, tries: Sequence[Attempt], history: History, owner: str | None
    ) -> tuple[History, list[ClaimedEffect]]:
        """Commit the outcome: what the tries found out, the effects settled, and what follows from both: to be run by
        ``owner``, or by any worker."""
        settled = [one.settled for one in tries if one.settled.state != "unsettled"]
        for _ in range(_ROUNDS):
            now = self.clock()
            draft = Draft(dossier=history.dossier, at=now, by=RETOUR, new_id=id_maker(microseconds(now) // 1000))
            record_applied(draft, [one.applied for one in tries if one.applied is not None])
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
