"""How a command flows: read the order, decide, commit, run the effects, tell what became of it."""

from __future__ import annotations

import datetime
import time
from collections.abc import Callable, Sequence
from contextlib import suppress

import attrs
from sqlalchemy import Connection

from retour.desk.house import House
from retour.effects.kinds import KINDS
from retour.effects.runner import LEASE, as_claimed, by_order
from retour.model.actor import Actor
from retour.model.dossier import Dossier
from retour.model.errors import (
    Busy,
    MissingRequestId,
    NotAllowed,
    RequestReused,
    UnknownOrder,
)
from retour.model.events.event import Recorded, touched_refunds, touched_returns
from retour.model.events.goods import GoodsReceived
from retour.model.events.stock import RestockAsked
from retour.model.history import History, fold
from retour.model.ids import id_maker
from retour.model.order import Order
from retour.model.outcome import (
    Outcome,
    ReturnOutcome,
    return_outcome,
)
from retour.model.returns import (
    Return,
)
from retour.model.text import text
from retour.plugins.context import HookContext
from retour.rules import stock
from retour.rules.draft import Draft, Note
from retour.shop import Shop
from retour.store.clock import microseconds
from retour.store.connect import check_host_connection
from retour.store.index import merged_refunds, reference_rows, refund_rows, return_rows
from retour.store.records import digest, event_row
from retour.store.store import Commit, VersionMoved

DAYS_NOTES_ARE_KEPT = 365
"""Calendar days after which notes are forgotten: they are operational data, no books and no evidence."""

_ROUNDS = 3
"""How often the hooks are asked and the rules applied while others keep changing the same order."""


@attrs.frozen
class Flow:
    """Commands on the orders of one shop."""

    house: House
    shop_id: str

    @property
    def shop(self) -> Shop:
        """The host's shop."""
        return self.house.shops(self.shop_id)

    def order(self, order_id: str) -> Order:
        order = self.shop.order(order_id)
        if order is None or order.id != order_id:
            raise UnknownOrder(text("The shop has no order {order}. Check the number.", order=str(order_id)))
        return order

    def read(self, order_id: str) -> tuple[Order, Dossier]:
        order = self.order(order_id)
        return order, fold(order_id, self.house.store.events(self.shop_id, order_id))

    def history(self, order_id: str) -> tuple[Order, History]:
        """The order as it is now, and all that happened to it."""
        order = self.order(order_id)
        return order, History.of(order_id, self.house.store.events(self.shop_id, order_id))

    def context(self, draft: Draft) -> HookContext:
        return HookContext(shop=self.shop_id, by=draft.by, at=draft.at)

    def until(self) -> float:
        return time.monotonic() + self.house.inline_seconds

    def _note_row(self, order: Order, note: Note, now: datetime.datetime) -> dict[str, object]:
        return {
            "shop": self.shop_id,
            "id": note.id,
            "order_id": order.id,
            "customer": note.customer,
            "class": "operational",
            "expires_at": microseconds(now + datetime.timedelta(days=DAYS_NOTES_ARE_KEPT)),
            "body": note.words,
        }

    def command(
        self,
        order_id: str,
        by: Actor,
        decide: Callable[[Draft, Order], object],
        *,
        request: Request | None = None,
        connection: Connection | None = None,
        shows: str | None = None,
        shows_received: bool = False,
        keeps_order: bool = False,
    ) -> Outcome:
        """Read the order, decide, commit; then run the effects and tell what became of it.

        Decides again, hooks included, when somebody else changed the order in between. On a host's ``connection``
        the order is locked first, so that cannot happen there.
        """
        _check_actor(by)
        order = self.order(order_id)
        if connection is not None:
            check_host_connection(connection)
            with connection.begin_nested():
                self.house.store.lock(connection, self.shop_id, order_id)
                return self._round(order_id, order, by, decide, request, connection, shows, shows_received, keeps_order)
        for _ in range(_ROUNDS):
            try:
                return self._round(order_id, order, by, decide, request, None, shows, shows_received, keeps_order)
            except VersionMoved:
                order = self.order(order_id)
        raise self._busy(order_id)

    def as_last_seen(self, order_id: str, by: Actor, decide: Callable[[Draft, Order], object]) -> Outcome:
        """Decide on the order as it was last seen, for what needs no more: the shop may not have it any more."""
        for _ in range(_ROUNDS):
            with suppress(VersionMoved):
                return self._round(order_id, None, by, decide, None, None, None, False, False)
        raise self._busy(order_id)

    def _busy(self, order_id: str) -> Busy:
        return Busy(
            text(
                "Order {order} was changed by somebody else at the same moment. Nothing was changed; try again.",
                order=order_id,
            )
        )

    def _draft(self, given: Order | None, dossier: Dossier, by: Actor, request: Request | None = None) -> Draft:
        _check_actor(by)
        now = self.house.clock()
        draft = Draft(
            dossier=dossier,
            at=now,
            by=by,
            new_id=id_maker(microseconds(now) // 1000),
            request_id=request.id if request is not None else None,
            request_digest=request.digest if request is not None else None,
        )
        if given is not None:
            draft.see(given)
        return draft

    def _round(
        self,
        order_id: str,
        given: Order | None,
        by: Actor,
        decide: Callable[[Draft, Order], object],
        request: Request | None,
        connection: Connection | None,
        shows: str | None,
        shows_received: bool,
        keeps_order: bool,
    ) -> Outcome:
        house = self.house
        history = History.of(order_id, house.store.events(self.shop_id, order_id, connection))
        dossier = history.dossier
        order = given if given is not None else dossier.order
        if order is None:
            raise UnknownOrder(text("The shop has no order {order}. Check the number.", order=order_id))
        if request is not None and request.id in dossier.requests:
            return self._first_outcome(order, history, request)
        draft = self._draft(given, dossier, by, request)
        seen = 0 if keeps_order else len(draft.events)
        decide(draft, order)
        changed = len(draft.events) > seen
        if not changed:
            return self._outcome(order, draft.dossier, [], (), shows, shows_received)
        inline = connection is None and house.inline_seconds > 0
        owner = draft.new_id("wk") if inline else None
        effects = house.runner.new_effects(order.id, draft.events, draft.new_id, owner)
        house.store.save(
            Commit(
                shop=self.shop_id,
                order_id=order.id,
                expected=dossier.version,
                events=[event_row(self.shop_id, order.id, one) for one in draft.events],
                returns=return_rows(self.shop_id, draft.dossier, draft.events),
                refunds=refund_rows(self.shop_id, draft.dossier, draft.events),
                merged_refunds=merged_refunds(draft.events),
                references=reference_rows(self.shop_id, draft.dossier, draft.events),
                personal=[self._note_row(order, note, draft.at) for note in draft.notes],
                effects=effects,
                withdrawn=draft.withdrawn,
            ),
            connection,
        )
        history = history.after(draft.events, draft.dossier)
        claimed = as_claimed(self.shop_id, order.id, effects)
        if claimed:
            history = house.runner.run(claimed, history, until=self.until()).history or history
        ids = () if inline else tuple([effect.id for effect in effects if not effect.delay])
        return self._outcome(order, history.dossier, draft.events, ids, shows, shows_received)

    def first_outcome(self, order: Order, history: History, request: Request) -> Outcome | None:
        """The outcome of a request_id that was used before, None for a new one. Raises `RequestReused`."""
        return self._first_outcome(order, history, request) if request.id in history.dossier.requests else None

    def rehearse(self, order: Order, history: History, by: Actor, decide: Callable[[Draft, Order], object]) -> None:
        """Decide on a draft that nobody keeps: raises what the decision would raise as things are known now.

        So that who may not do it, and what cannot be, is refused before anybody outside is asked.
        """
        decide(self._draft(order, history.dossier, by), order)

    def _first_outcome(self, order: Order, history: History, request: Request) -> Outcome:
        """The outcome of a request_id that was used before; an error if it was used for something else."""
        digest, command = history.dossier.requests[request.id]
        if digest != request.digest:
            raise RequestReused(
                text(
                    "Order {order}: request_id {request} was used before for something else. "
                    "Make a new one for each form that is shown.",
                    order=order.id,
                    request=request.id,
                )
            )
        own = [recorded for recorded in history.events if recorded.command == command]
        outcome = self._outcome(order, history.dossier, own, (), None, False)
        return attrs.evolve(outcome, changed=False, version=own[-1].seq)

    def _outcome(
        self,
        order: Order,
        dossier: Dossier,
        events: Sequence[Recorded],
        effect_ids: tuple[str, ...],
        shows: str | None,
        shows_received: bool,
    ) -> Outcome:
        """What a command's own events made of the returns they speak of.

        Where nothing changed, a command can show what it is about: one return, or all that goods were received on.
        """
        receipts = {
            recorded.event.return_id: recorded.event.receipt_id
            for recorded in events
            if isinstance(recorded.event, GoodsReceived)
        }
        because = {
            recorded.event.return_id: recorded.event.because
            for recorded in events
            if isinstance(recorded.event, RestockAsked)
        }
        touched = touched_returns(events)
        if not events and shows is not None:
            touched = [shows]
        if not events and shows_received:
            touched = [one.id for one in dossier.returns.values() if one.live and one.receipts]
        refunded = touched_refunds(events)
        return Outcome(
            order_id=order.id,
            version=dossier.version,
            changed=bool(events),
            returns=tuple(
                [
                    return_outcome(
                        dossier.returns[return_id],
                        stock.undecided(dossier.returns[return_id], order),
                        receipt_id=receipts.get(return_id),
                        because=because.get(return_id),
                    )
                    for return_id in touched
                    if return_id in dossier.returns
                ]
            ),
            refund=dossier.refunds.get(refunded[-1]) if refunded else None,
            effect_ids=effect_ids,
        )

    def run_effects(self, ids: Sequence[str]) -> None:
        owner = id_maker(time.time_ns() // 1_000_000)("wk")
        claimed = self.house.store.claim(owner, lease=LEASE, limit=len(ids), kinds=KINDS, ids=ids)
        for batch in by_order(claimed):
            self.house.runner.run(batch, until=self.until())


@attrs.frozen
class Request:
    """The identity of a command that adds something: the host's request_id, and a digest of the arguments."""

    id: str
    digest: str

    @classmethod
    def of(cls, order_id: str, request_id: str | None, arguments: tuple[object, ...]) -> Request:
        if not isinstance(request_id, str) or not 1 <= len(request_id) <= 200:
            raise MissingRequestId(
                text(
                    "Order {order}: this needs a request_id, 1 to 200 characters, made when the form is shown, "
                    "so that a double click does it once.",
                    order=str(order_id),
                )
            )
        return cls(request_id, digest(arguments))


def _check_actor(by: object) -> None:
    if not isinstance(by, Actor):
        raise NotAllowed(text('Say who does this: by=Actor.staff("anna").'))


def as_it_is_now(return_: Return, order: Order, before: ReturnOutcome) -> ReturnOutcome:
    """A return of an outcome after its effects ran."""
    question = before.restock.question
    return return_outcome(
        return_,
        stock.undecided(return_, order),
        receipt_id=before.receipt_id,
        because=question.because if question is not None else None,
    )
