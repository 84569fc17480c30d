"""Labels: when one can be ordered or taken back, and what to do where nobody knows whether it was made.

A label costs money once. It is decided on, committed, and then asked for; after a lost answer its provider is asked
first, and another is made only where the first certainly was not.
"""

from __future__ import annotations

import datetime
from enum import StrEnum

import attrs

from retour.model.actor import ActorKind
from retour.model.dossier import Dossier
from retour.model.errors import InvalidArgument, WrongState
from retour.model.events.labels import (
    LabelCancelAsked,
    LabelOrdered,
    LabelSettled,
)
from retour.model.fields import typed_alike
from retour.model.frozen import frozen
from retour.model.labels import MADE, Label, LabelOption, LabelState, WhoPays
from retour.model.moment import Moment
from retour.model.order import Order
from retour.model.parcels import Address, Parcel, check_route
from retour.model.returns import CAN_TRAVEL, GOODS_WORDS
from retour.model.text import text
from retour.rules.draft import Draft
from retour.rules.unneeded_labels import take_back


@frozen(kw_only=True)
class WantedLabel:
    """The label that somebody wants. ``beside`` says that the return has another parcel, which has its own label
    already; ``replaces`` names the label that it stands for."""

    return_id: str
    provider: str
    account: str
    option: LabelOption
    parcel: Parcel
    sender: Address = attrs.field(repr=False)
    recipient: Address = attrs.field(repr=False)
    payer: WhoPays = WhoPays.SHOP
    beside: bool = False
    replaces: str | None = None
    note: str | None = attrs.field(default=None, repr=False)


def order_label(draft: Draft, order: Order, wanted: WantedLabel) -> None:
    """Decide on a label, and take the one back that it replaces, if that can be. Raises `WrongState` for a return of
    which nothing is to come, and where it has a label: one parcel is sent with one label."""
    draft.only(
        ActorKind.CUSTOMER,
        ActorKind.STAFF,
        ActorKind.SYSTEM,
        refusal=text("Order {order}: {actor} may not order a label; the customer and staff may."),
    )
    dossier = draft.dossier
    return_ = dossier.return_(wanted.return_id)
    if return_.goods not in CAN_TRAVEL:
        raise WrongState(
            text(
                "Order {order}: return {return_id} is {state}, and a label is made for one that is approved and not "
                "all received.",
                order=order.id,
                return_id=return_.id,
                state=GOODS_WORDS[return_.goods],
            )
        )
    check_route(order.id, wanted.sender, wanted.recipient, wanted.parcel)
    _check_items(order, wanted.parcel)
    _check_no_other(dossier, wanted)
    draft.record(
        LabelOrdered(
            label_id=draft.new_id("lb"),
            return_id=return_.id,
            provider=wanted.provider,
            account=wanted.account,
            option=wanted.option,
            parcel=wanted.parcel,
            addresses_id=draft.addresses(order, wanted.sender, wanted.recipient),
            payer=wanted.payer,
            replaces=wanted.replaces,
            note_id=draft.note(order, wanted.note),
            database_at=draft.earliest,
        )
    )
    if wanted.replaces is not None:
        take_back(draft, dossier.label(wanted.replaces))


def _check_items(order: Order, parcel: Parcel) -> None:
    for item in parcel.items:
        order.line(item.line_id)


def _check_no_other(dossier: Dossier, wanted: WantedLabel) -> None:
    """One label for each parcel: another one needs a word that there is another parcel, or which one it replaces."""
    if wanted.replaces is not None:
        _check_replaced(dossier, wanted, dossier.label(wanted.replaces))
        return
    others = [label for label in dossier.labels_of(wanted.return_id) if label.open]
    if others and not wanted.beside:
        raise WrongState(
            text(
                "Order {order}: return {return_id} has label {label}, which is {state}. Show that one, replace it, or "
                "say that another parcel goes with this one.",
                order=dossier.order_id,
                return_id=wanted.return_id,
                label=others[-1].id,
                state=others[-1].words,
            ),
            in_code=f"order_label(..., replaces={others[-1].id!r}) or order_label(..., another_parcel=True)",
        )


def may_be_replaced(label: Label) -> bool:
    """Whether another label can be ordered in the place of this one: nobody used it, and it is known what became of
    it."""
    return label.replaced_by is None and not label.scanned and not label.may_be_made


def may_be_used(dossier: Dossier, label: Label, today: datetime.date) -> bool:
    """Whether a label can be printed or shown: it is there, it can be used ``today`` and its return goes on."""
    there = label.state in MADE and not label.cancel_asked and label.replaced_by is None
    late = label.valid_until is not None and label.valid_until < today
    return there and not late and dossier.return_(label.return_id).live


def may_be_settled(label: Label) -> bool:
    """Whether a person's word on a label counts: it waits for one, and nobody else can tell what became of it."""
    return label.may_be_made and label.needs_person


def _check_replaced(dossier: Dossier, wanted: WantedLabel, label: Label) -> None:
    if label.return_id != wanted.return_id:
        raise InvalidArgument(
            text(
                "Order {order}: label {label} is of return {other}, not of {return_id}.",
                order=dossier.order_id,
                label=label.id,
                other=label.return_id,
                return_id=wanted.return_id,
            )
        )
    if label.replaced_by is not None:
        raise WrongState(
            text(
                "Order {order}: label {label} was replaced by {other} already. Show that one.",
                order=dossier.order_id,
                label=label.id,
                other=label.replaced_by,
            )
        )
    if label.scanned:
        raise WrongState(
            text(
                "Order {order}: the parcel of label {label} is on its way, so it needs no other label. If another "
                "parcel goes with it, say so.",
                order=dossier.order_id,
                label=label.id,
            ),
            in_code="order_label(..., another_parcel=True)",
        )
    if label.may_be_made:
        raise WrongState(
            text(
                "Order {order}: whether label {label} was made is not known yet. Wait for it, or settle it yourself, "
                "so that no two are bought.",
                order=dossier.order_id,
                label=label.id,
            ),
            in_code=f"settle_label({dossier.order_id!r}, {label.id!r}, ...)",
        )


# --- cancelling ------------------------------------------------------------------------------------------


def cancel_label(draft: Draft, order: Order, label_id: str, note: str | None) -> None:
    """Want a label taken back: who may order one may. Raises `WrongState` for one that was scanned, is not there, or
    has no name there."""
    draft.only(
        ActorKind.CUSTOMER,
        ActorKind.STAFF,
        ActorKind.SYSTEM,
        refusal=text("Order {order}: {actor} may not cancel a label; the customer and staff may."),
    )
    label = draft.dossier.label(label_id)
    if label.scanned:
        raise WrongState(
            text(
                "Order {order}: the carrier has the parcel of label {label}, so it cannot be cancelled.",
                order=order.id,
                label=label.id,
            )
        )
    if label.state not in MADE or label.cancel_asked:
        raise WrongState(
            text(
                "Order {order}: label {label} is {state}, so it cannot be cancelled now.",
                order=order.id,
                label=label.id,
                state=label.words,
            )
        )
    if not label.reference:
        raise WrongState(
            text(
                "Order {order}: {provider} has not said yet what it calls label {label}, so it cannot be cancelled "
                "from here. Cancel it there, or wait until it is told.",
                order=order.id,
                provider=label.provider,
                label=label.id,
            )
        )
    draft.record(
        LabelCancelAsked(return_id=label.return_id, label_id=label.id, note_id=draft.note(order, note)),
    )


# --- a person's word -------------------------------------------------------------------------------------


def settle_label(draft: Draft, order: Order, label_id: str, *, made: bool, reference: str, note: str | None) -> None:
    """Say what became of a label of which nobody could tell, by what was seen at the provider."""
    draft.only(ActorKind.STAFF, refusal=text("Order {order}: {actor} may not settle a label; staff may."))
    label = draft.dossier.label(label_id)
    if not may_be_settled(label):
        raise WrongState(
            text(
                "Order {order}: label {label} is {state}. Only one that waits for a person is settled by hand.",
                order=order.id,
                label=label.id,
                state=label.words,
            )
        )
    if made and not reference.strip():
        raise InvalidArgument(
            text(
                "Order {order}: say what {provider} calls label {label}.",
                order=order.id,
                provider=label.provider,
                label=label.id,
            ),
            in_code="settle_label(..., reference=...)",
        )
    there = _labels_of(draft.dossier, label.provider, label.account)
    taken = [one.id for one in there if one is not label and reference and typed_alike(one.reference, reference)]
    if made and taken:
        raise InvalidArgument(
            text(
                "Order {order}: {reference} is label {label} already.",
                order=order.id,
                reference=reference.strip(),
                label=taken[0],
            )
        )
    draft.record(
        LabelSettled(
            return_id=label.return_id,
            label_id=label.id,
            made=made,
            reference=reference.strip() if made else "",
            note_id=draft.note(order, note),
        )
    )


# --- finding out -----------------------------------------------------------------------------------------


class NextForLabel(StrEnum):
    """What happens to a label of which nobody knows whether it was made, and that its provider did not find."""

    ASK_AGAIN = "ask again"  # the same request: the provider refuses it if a label is there
    MAKE_ANEW = "make anew"  # it certainly was not made
    WAIT = "wait"
    HOLD = "hold"


def next_for_label(
    label: Label, now: Moment, *, refuses_repeats: bool, lookup_complete_after: datetime.timedelta | None
) -> NextForLabel:
    """What to do with an unclear label that was not found. Asking again is safe where a repeated request is refused for
    ever; "not found" proves something only after the provider's own time."""
    if refuses_repeats:
        return NextForLabel.ASK_AGAIN
    if lookup_complete_after is None or label.unclear_at is None:
        return NextForLabel.HOLD
    return NextForLabel.MAKE_ANEW if now.earliest > label.unclear_at + lookup_complete_after else NextForLabel.WAIT


def follows_a_refusal(dossier: Dossier, label: Label) -> bool:
    """Whether the label that was ordered before it for the same return was refused."""
    of_return = dossier.labels_of(label.return_id)
    before = of_return[: of_return.index(label)]
    return bool(before) and before[-1].state is LabelState.REFUSED


def _labels_of(dossier: Dossier, provider: str, account: str) -> list[Label]:
    return [one for one in dossier.labels.values() if (one.provider, one.account) == (provider, account)]
