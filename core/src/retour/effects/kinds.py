"""Every kind of effect: its stored name, its body, its pauses, and how it is done. `KINDS` is the table of them.

A stored name and its body are kept for ever: rows of every release wait in stores.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import ClassVar, Protocol, TypeVar

import attrs

from retour.effects import labelling
from retour.effects.announcements import announce
from retour.effects.attempt import Attempt, Pauses, done, postpone, set_aside
from retour.effects.labelling import Labelling
from retour.effects.looking_again import look_again
from retour.effects.looking_in_portals import look_in_portal
from retour.effects.refunding import Refunding, ended_its_process
from retour.effects.stock import book
from retour.model.dossier import Dossier
from retour.model.events.event import Event, Recorded, announcing_hooks
from retour.model.events.labels import LabelCancelRefused
from retour.model.events.money import RefundCancelRefused, RefundHeld
from retour.model.frozen import frozen
from retour.model.order import Payment
from retour.model.reasons import Reason
from retour.model.refunds import RefundState
from retour.model.returns import StockMovement
from retour.plugins.hooks import Hooks, PluginFailed
from retour.rules.effects import (
    labels_to_cancel,
    labels_to_look_at,
    labels_to_make,
    refunds_to_cancel,
    refunds_to_look_at,
    refunds_to_send,
    stock_to_book,
)
from retour.rules.label_reports import ReportedShipment
from retour.rules.late_failures import first_look, refunds_that_can_come_back
from retour.rules.matching import ReportedRefund
from retour.shop import ShopCaller
from retour.steps.case import Case
from retour.store.clock import SECOND
from retour.store.commit import BEHIND_ALL, NewEffect
from retour.store.effects import ClaimedEffect
from retour.store.records import as_json, read_effect

SOON = Pauses.doubling(datetime.timedelta(seconds=5), datetime.timedelta(hours=1))
EVER_LESS_OFTEN = Pauses((datetime.timedelta(hours=1), datetime.timedelta(hours=6), datetime.timedelta(days=1)))

WHILE_ANNOUNCED = Pauses(
    (
        datetime.timedelta(seconds=30),
        datetime.timedelta(minutes=2),
        datetime.timedelta(minutes=10),
        datetime.timedelta(hours=1),
        datetime.timedelta(hours=6),
    )
)
"""A label is announced within seconds, a parcel is on its way for days."""

WHILE_IT_CAN_BE_USED = Pauses(tuple([datetime.timedelta(hours=hours) for hours in (6, 6, 12, 24, 24, 48, 48, 96, 168)]))
"""Who is led to a return portal mostly uses it on the same day."""

AT_ONCE = datetime.timedelta(0)

LEASE = 120 * SECOND
"""How long an effect belongs to who claimed it: twice the 60 seconds that one call to a shop, a plugin or a provider
may take, connecting and everything that a provider has to ask on the way included (`time_limit`)."""


@frozen(kw_only=True)
class Outside:
    """What effects are done with: the host's shops, the plugins, the payment and shipping providers, and the words of
    an order that are ``kept`` apart from its events, by their id."""

    shops: Callable[[str], ShopCaller]
    hooks: Hooks
    refunding: Refunding
    labelling: Labelling
    kept: Callable[[str, str], Mapping[str, str]]


class Effect(Protocol):
    """Something to be done outside our database. The fields of a kind are its body.

    ``pauses`` follow tries that did not do it. What ``begins_after`` a while is left to whoever works then. A person
    ``may_give_up`` what only asks or tells; what moves money, goods or a label has a way of its own to end.
    """

    kind: ClassVar[str]
    pauses: ClassVar[Pauses]
    may_give_up: ClassVar[bool]

    @property
    def begins_after(self) -> datetime.timedelta:
        """How long it waits at first."""

    def attempt(self, claimed: ClaimedEffect, case: Case, outside: Outside) -> Attempt:
        """Try it, for the order of ``case``."""


# --- stock -----------------------------------------------------------------------------------------------


@frozen(kw_only=True)
class BookStock:
    """Let the host's shop book all stock movements of one command."""

    kind: ClassVar = "book_stock"
    pauses: ClassVar = SOON
    may_give_up: ClassVar = False
    begins_after: ClassVar = AT_ONCE
    movements: tuple[StockMovement, ...]

    def attempt(self, claimed: ClaimedEffect, case: Case, outside: Outside) -> Attempt:
        return book(claimed, outside.shops(claimed.shop), self.movements, case.dossier)


@frozen(kw_only=True)
class ApplyStock:
    """Let the shop book one movement, which is the body: how those of one command waited before they were one effect.
    None is made any more."""

    kind: ClassVar = "apply_stock"
    pauses: ClassVar = SOON
    may_give_up: ClassVar = False
    begins_after: ClassVar = AT_ONCE
    id: str
    order_id: str
    return_id: str
    line_id: str
    product: str
    quantity: int

    def attempt(self, claimed: ClaimedEffect, case: Case, outside: Outside) -> Attempt:
        movements = (StockMovement(**attrs.asdict(self)),)
        return BookStock(movements=movements).attempt(claimed, case, outside)


# --- refunds ---------------------------------------------------------------------------------------------


@frozen(kw_only=True)
class SendRefund:
    """Send a refund, or find out what became of it."""

    kind: ClassVar = "send_refund"
    pauses: ClassVar = SOON
    may_give_up: ClassVar = False
    begins_after: ClassVar = AT_ONCE
    refund_id: str

    def attempt(self, claimed: ClaimedEffect, case: Case, outside: Outside) -> Attempt:
        return outside.refunding.send(claimed, self.refund_id, case)


@frozen(kw_only=True)
class FetchRefund:
    """Look again at a refund that its provider has pending; webhooks are faster."""

    kind: ClassVar = "fetch_refund"
    pauses: ClassVar = EVER_LESS_OFTEN
    may_give_up: ClassVar = True
    begins_after: ClassVar = datetime.timedelta(minutes=10)
    refund_id: str

    def attempt(self, claimed: ClaimedEffect, case: Case, outside: Outside) -> Attempt:
        return outside.refunding.fetch(claimed, self.refund_id, case, self._unheard(claimed))

    def _unheard(self, claimed: ClaimedEffect) -> datetime.timedelta:
        """How long its provider is not heard of at least: since the last look failed, the pause after it went by."""
        if not claimed.failed or not claimed.attempts:
            return AT_ONCE
        return datetime.timedelta(microseconds=self.pauses.after(claimed.attempts - 1, 0))


@frozen(kw_only=True)
class CancelRefund:
    """Ask the provider to take back a refund that it has pending."""

    kind: ClassVar = "cancel_refund"
    pauses: ClassVar = SOON
    may_give_up: ClassVar = True
    begins_after: ClassVar = AT_ONCE
    refund_id: str

    def attempt(self, claimed: ClaimedEffect, case: Case, outside: Outside) -> Attempt:
        return outside.refunding.cancel(claimed, self.refund_id, case)


@frozen(kw_only=True)
class ReconcilePayment:
    """Read all refunds of a payment, named by its id, at the provider: what an unsigned webhook leaves. ``taken_back``
    says that a signed one told of money that was taken back, which the provider's books may not show."""

    kind: ClassVar = "reconcile"
    pauses: ClassVar = SOON
    may_give_up: ClassVar = True
    begins_after: ClassVar = AT_ONCE
    payment: str
    taken_back: bool = False

    def attempt(self, claimed: ClaimedEffect, case: Case, outside: Outside) -> Attempt:
        return outside.refunding.reconcile(claimed, self.payment, case, taken_back=self.taken_back)


@frozen(kw_only=True)
class RecordProviderEvent:
    """Record what a signed webhook said of a refund of a payment, named by its id."""

    kind: ClassVar = "provider_event"
    pauses: ClassVar = SOON
    may_give_up: ClassVar = True
    begins_after: ClassVar = AT_ONCE
    payment: str
    seen: ReportedRefund

    def attempt(self, claimed: ClaimedEffect, case: Case, outside: Outside) -> Attempt:
        return outside.refunding.told(claimed, self.payment, self.seen, case)


@frozen(kw_only=True)
class LookAgain:
    """Look again at a refund that succeeded: its bank can have sent it back, and the webhook that says so gets lost.

    It asks an ``account`` of a provider (`account_of`), behind all else and at a pace. There is one for each refund.
    """

    kind: ClassVar = "look_again"
    pauses: ClassVar = EVER_LESS_OFTEN
    may_give_up: ClassVar = True
    refund_id: str
    account: str = ""

    @property
    def begins_after(self) -> datetime.timedelta:
        """Until the first look."""
        return first_look(self.refund_id)

    @property
    def identity(self) -> str:
        """The id of its row, so that it is there once, however often it is said that the refund succeeded."""
        return f"la{self.refund_id}"

    def attempt(self, claimed: ClaimedEffect, case: Case, outside: Outside) -> Attempt:
        return look_again(claimed, self.refund_id, case, outside.refunding)


# --- labels ----------------------------------------------------------------------------------------------


@frozen(kw_only=True)
class MakeLabel:
    """Have a label made, or find out what became of it."""

    kind: ClassVar = "make_label"
    pauses: ClassVar = SOON
    may_give_up: ClassVar = False
    begins_after: ClassVar = AT_ONCE
    label_id: str

    def attempt(self, claimed: ClaimedEffect, case: Case, outside: Outside) -> Attempt:
        return outside.labelling.make(claimed, self.label_id, case)


@frozen(kw_only=True)
class LookAtLabel:
    """Look at a label and its parcel again; webhooks are faster."""

    kind: ClassVar = "look_at_label"
    pauses: ClassVar = WHILE_ANNOUNCED
    may_give_up: ClassVar = True
    begins_after: ClassVar = datetime.timedelta(seconds=15)
    label_id: str

    @property
    def identity(self) -> str:
        """The id of its row, so that it is there once, however often the label is reported."""
        return f"ll{self.label_id}"

    def attempt(self, claimed: ClaimedEffect, case: Case, outside: Outside) -> Attempt:
        return outside.labelling.look(claimed, self.label_id, case)


@frozen(kw_only=True)
class RecordShipment:
    """Record what a signed webhook said of a label or its parcel, of an ``account`` of a ``provider``."""

    kind: ClassVar = "shipment_event"
    pauses: ClassVar = SOON
    may_give_up: ClassVar = True
    begins_after: ClassVar = AT_ONCE
    provider: str
    account: str
    seen: ReportedShipment

    def attempt(self, claimed: ClaimedEffect, case: Case, outside: Outside) -> Attempt:
        return outside.labelling.words.told(claimed, self.provider, self.account, self.seen, case)


@frozen(kw_only=True)
class CancelLabel:
    """Ask the provider to take a label back."""

    kind: ClassVar = "cancel_label"
    pauses: ClassVar = SOON
    may_give_up: ClassVar = True
    begins_after: ClassVar = AT_ONCE
    label_id: str

    def attempt(self, claimed: ClaimedEffect, case: Case, outside: Outside) -> Attempt:
        return outside.labelling.cancel(claimed, self.label_id, case)


@frozen(kw_only=True)
class LookInPortal:
    """Look for returns that the customer of an order makes in the portal of an ``account`` of a ``provider``, where he
    was led at ``since``; webhooks are faster. Behind all else, and at a pace."""

    kind: ClassVar = "look_in_portal"
    pauses: ClassVar = WHILE_IT_CAN_BE_USED
    may_give_up: ClassVar = True
    begins_after: ClassVar = datetime.timedelta(hours=1)
    provider: str
    account: str
    since: datetime.datetime

    def attempt(self, claimed: ClaimedEffect, case: Case, outside: Outside) -> Attempt:
        shop = outside.shops(claimed.shop)
        return look_in_portal(claimed, self.provider, self.account, self.since, case, outside.labelling.words, shop)


# --- plugins ---------------------------------------------------------------------------------------------


@frozen(kw_only=True)
class Announce:
    """Tell one plugin, through ``hook``, about the event with this ``seq`` of an order."""

    kind: ClassVar = "announce"
    pauses: ClassVar = SOON
    may_give_up: ClassVar = True
    begins_after: ClassVar = AT_ONCE
    order_id: str
    hook: str
    seq: int
    plugin: str

    def attempt(self, claimed: ClaimedEffect, case: Case, outside: Outside) -> Attempt:
        try:
            announce(
                outside.hooks,
                claimed.shop,
                self.plugin,
                self.hook,
                self.order_id,
                case.events[: self.seq],
                lambda: outside.kept(claimed.shop, self.order_id),
            )
        except PluginFailed as failure:
            return Attempt(settled=postpone(claimed, str(failure)))
        return Attempt(settled=done(claimed))


# --- the table -------------------------------------------------------------------------------------------

KINDS: Mapping[str, type[Effect]] = {
    kind.kind: kind
    for kind in (
        BookStock,
        ApplyStock,
        SendRefund,
        FetchRefund,
        CancelRefund,
        ReconcilePayment,
        RecordProviderEvent,
        LookAgain,
        MakeLabel,
        LookAtLabel,
        RecordShipment,
        CancelLabel,
        LookInPortal,
        Announce,
    )
}
"""Every kind, by its stored name. Any other is a newer retour's."""


_E = TypeVar("_E", bound=Effect)


def effect_of(kind: type[_E], order_id: str, effect_id: str, body: str) -> _E:
    """A stored effect of an order. Raises `OrderUnreadable`."""
    return read_effect(kind, kind.kind, order_id, effect_id, body)


def left_to_a_person(claimed: ClaimedEffect, effect: Effect, case: Case) -> Attempt:
    """What becomes of an effect that ended too many processes: a refund or a label is held, all else is set aside."""
    if isinstance(effect, SendRefund):
        return ended_its_process(claimed, effect.refund_id, case)
    if isinstance(effect, MakeLabel):
        return labelling.ended_its_process(claimed, effect.label_id, case)
    return Attempt(settled=set_aside(claimed))


def given_up(effect: Effect, dossier: Dossier, because: Reason) -> Iterator[Event]:
    """What follows from it that a person gives up an effect: what nobody is asked about any more waits for his word,
    and what was to be taken back goes on."""
    if isinstance(effect, FetchRefund) and effect.refund_id in dossier.refunds:
        refund = dossier.refunds[effect.refund_id]
        if refund.state is RefundState.PENDING and (refund.held_for_its_outcome or not refund.needs_person):
            yield RefundHeld(refund_id=refund.id, because=because)
    if isinstance(effect, CancelRefund) and dossier.refunds[effect.refund_id].cancelling:
        yield RefundCancelRefused(refund_id=effect.refund_id, because=because)
    if isinstance(effect, CancelLabel) and dossier.labels[effect.label_id].cancel_asked:
        label = dossier.labels[effect.label_id]
        yield LabelCancelRefused(return_id=label.return_id, label_id=label.id, because=because)


def asked_for(
    dossier: Dossier, events: Sequence[Recorded], listeners: Callable[[str], Iterable[str]]
) -> Iterator[Effect]:
    """The effects that ``events`` ask for, which made a ``dossier`` what it is; ``listeners`` are the plugins that want
    to hear a hook, by name."""
    movements = stock_to_book(events)
    if movements:
        yield BookStock(movements=tuple(movements))
    for refund_id in refunds_to_send(events):
        yield SendRefund(refund_id=refund_id)
    for refund_id in refunds_to_cancel(events):
        yield CancelRefund(refund_id=refund_id)
    for refund_id in refunds_to_look_at(events):
        yield FetchRefund(refund_id=refund_id)
    for refund_id in refunds_that_can_come_back(dossier, events):
        payment = dossier.payments.get(dossier.refunds[refund_id].payment)
        if payment is not None:
            yield LookAgain(refund_id=refund_id, account=account_of(payment))
    for label_id in labels_to_make(events):
        yield MakeLabel(label_id=label_id)
    for label_id in labels_to_look_at(events):
        yield LookAtLabel(label_id=label_id)
    for label_id in labels_to_cancel(events):
        yield CancelLabel(label_id=label_id)
    for recorded in events:
        for hook in announcing_hooks(recorded.event):
            for plugin in listeners(hook):
                yield Announce(order_id=dossier.order_id, hook=hook, seq=recorded.seq, plugin=plugin)


def effects_of(
    hooks: Hooks,
) -> Callable[[Dossier, Sequence[Recorded], Callable[[str], str], str | None], list[NewEffect]]:
    """Makes the effects that events of an order ask for, to be run by an owner where they do not begin later."""

    def made(
        dossier: Dossier, events: Sequence[Recorded], new_id: Callable[[str], str], owner: str | None
    ) -> list[NewEffect]:
        asked = list(asked_for(dossier, events, hooks.announced_to))
        ids = sorted([new_id("ef") for _ in asked])  # so that who claims them by their ids has them in their order
        return [
            to_store(effect, _row_of(effect) or one, owner, LEASE, account=account_asked(dossier, effect))
            for one, effect in zip(ids, asked, strict=True)
        ]

    return made


def _row_of(effect: Effect) -> str:
    """The id of the row of an effect that is there once, however often it is asked for; empty for any other."""
    return effect.identity if isinstance(effect, LookAgain | LookAtLabel) else ""


def account_asked(dossier: Dossier, effect: Effect) -> str:
    """The account of a provider that an effect of an order asks, by what is known of it; empty where it asks none."""
    if isinstance(effect, SendRefund | FetchRefund | CancelRefund):
        refund = dossier.refunds.get(effect.refund_id)
        payment = dossier.payments.get(refund.payment) if refund is not None else None
        return account_of(payment) if payment is not None else ""
    if isinstance(effect, MakeLabel | LookAtLabel | CancelLabel):
        label = dossier.labels.get(effect.label_id)
        return shipping_account(label.provider, label.account) if label is not None else ""
    return effect.account if isinstance(effect, LookAgain) else ""


def to_store(
    effect: Effect, effect_id: str, owner: str | None = None, lease: int = 0, *, account: str = ""
) -> NewEffect:
    """A new effect as it is stored, with the ``account`` that it asks: born claimed by ``owner``, unless it begins
    later."""
    later = int(effect.begins_after.total_seconds() * SECOND)
    claimed = owner is not None and not later
    return NewEffect(
        id=effect_id,
        kind=effect.kind,
        plugin=effect.plugin if isinstance(effect, Announce) else "",
        body=as_json(effect),
        owner=owner if claimed else None,
        lease=lease if claimed else 0,
        delay=later,
        behind=BEHIND_ALL if isinstance(effect, LookAgain | LookInPortal) else 0,
        account=effect.account if isinstance(effect, LookAgain) else account,
    )


def account_of(payment: Payment) -> str:
    """The account of a provider that a payment is of, as what asks it names it: ``mollie/default/live``."""
    return f"{payment.provider}/{payment.account}/{payment.mode.value}"


def shipping_account(provider: str, account: str) -> str:
    """The same of a shipping provider: ``sendcloud/default``."""
    return f"{provider}/{account}"
