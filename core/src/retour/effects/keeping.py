"""Keeps what a webhook says of one payment of an order, in one commit with the order as it is seen then."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager

import attrs

from retour.effects.inbox import Notice, Sender, identity_of, payment_named
from retour.effects.kinds import LookInPortal, RecordShipment, shipping_account, to_store
from retour.effects.labelling import WATCHED
from retour.effects.labels_read import as_reported_shipment
from retour.model.actor import Actor
from retour.model.errors import Busy, OrderUnreadable, PerhapsSaved, StoreError, UnknownOrder
from retour.model.frozen import frozen
from retour.model.text import text
from retour.providers.label_request import ShipmentEvent
from retour.rules.payment_identity import identify
from retour.steps.case import Case, Cases
from retour.steps.commit import Commits
from retour.store.commit import VersionMoved

_ROUNDS = 10
"""How often a webhook is kept anew while others keep changing the same order."""


@frozen(kw_only=True)
class Kept:
    """What became of one thing that a webhook says: whether it was kept, and the new effects that act on it.
    ``question`` is the effect that a hint asks by; ``unknown`` says that it waits until somebody knows the payment."""

    number: int = 0
    to_run: Sequence[str] = ()
    question: str = ""
    unknown: bool = False


@contextmanager
def the_rest_of(kept: Sequence[Kept]) -> Iterator[None]:
    """Keep what else a webhook says. Where the store cannot and something of it is ``kept`` already, raises
    `PerhapsSaved`."""
    try:
        yield
    except (OrderUnreadable, PerhapsSaved):
        raise
    except StoreError:
        if not any(one.number for one in kept):
            raise
        raise PerhapsSaved(
            text(
                "Something of what this webhook says was kept, and then the database could not be used any more. "
                "Answer 503, so that it is sent again: what was kept is not kept twice."
            )
        ) from None


@frozen(kw_only=True)
class Keeping:
    """Keeps it for all shops of one store. ``clock`` tells the time in UTC."""

    cases: Cases
    commits: Commits
    clock: Callable[[], datetime.datetime]

    def case(self, shop: str, order_id: str) -> Case | None:
        """The order as it is now, or as it was last seen where the shop has it no more; None where nobody knows it."""
        try:
            return self.cases.known(shop, order_id)
        except UnknownOrder:
            return None

    def keep(self, order_id: str, sender: Sender, notice: Notice, names: Collection[str] = ()) -> Kept:
        """Keep it, where the order has such a payment. ``names`` are those by which its provider says that a shop can
        have stored it: they lead to the payment, and the webhook's own are kept as names of it. Raises `Busy`."""
        for _ in range(_ROUNDS):
            case = self.case(sender.shop, order_id)
            if case is None:
                return Kept()
            payment = payment_named(case.order, case.dossier, sender, [*notice.names, *names])
            if payment is None:
                return Kept()
            effect, question = notice.as_effect(payment), None
            if effect is None:
                question = sender.question(order_id, payment, signed=notice.signed)
                effect = question.effect
                if self.commits.store.effects.asked(effect.id):
                    return Kept(number=1, question=effect.id)
            draft = case.draft(Actor.system(), self.clock())
            if names:
                identify(draft, payment, "", notice.names)
            try:
                self.commits.write(
                    case,
                    draft,
                    effects=[effect] if question is None else [],
                    questions=[] if question is None else [question],
                )
            except VersionMoved:  # somebody else saw the order at the same moment
                continue
            return Kept(number=1, to_run=(effect.id,), question=effect.id if question is not None else "")
        raise _changed_all_the_time(order_id)

    def keep_shipment(self, order_id: str, sender: Sender, event: ShipmentEvent) -> Kept:
        """Keep what a signed webhook says of a shipment of an order, once. Raises `Busy`."""
        shipment = event.shipment
        identity = identity_of(*attrs.astuple(sender), "shipment", event.event_id, shipment.told, shipment.progress)
        told = RecordShipment(provider=sender.provider, account=sender.account, seen=as_reported_shipment(shipment))
        effect = to_store(told, identity, account=shipping_account(sender.provider, sender.account))
        for _ in range(_ROUNDS):
            case = self.case(sender.shop, order_id)
            if case is None:
                return Kept()
            try:
                self.commits.write(case, case.draft(Actor.system(), self.clock()), effects=[effect])
            except VersionMoved:  # somebody else saw the order at the same moment
                continue
            return Kept(number=1, to_run=(effect.id,))
        raise _changed_all_the_time(order_id)

    def keep_looking(self, shop: str, order_id: str, provider: str, account: str) -> None:
        """See to it that somebody looks for what the customer of an order does in a provider's portal, now that he is
        led there. Said again, it is looked for once; a look ends, so it is another one some months later."""
        period = self.clock().date().toordinal() // WATCHED.days
        identity = identity_of("portal", shop, order_id, provider, account, str(period))
        if self.commits.store.effects.asked(identity):
            return
        case = self.cases.as_last_seen(shop, order_id)
        look = LookInPortal(provider=provider, account=account, since=case.time.now().earliest)
        effect = to_store(look, identity, account=shipping_account(provider, account))
        self.commits.write(case, case.draft(Actor.system(), self.clock()), effects=[effect])


def _changed_all_the_time(order_id: str) -> Busy:
    return Busy(text("Order {order} keeps being changed. Answer 503, so that it is sent again.", order=order_id))
