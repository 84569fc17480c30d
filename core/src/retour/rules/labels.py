"""Labels: when one can be ordered or taken back, and what to do where nobody knows whether it was made.

A label costs money once. It is decided on, committed, and then asked for; after a lost answer its provider is asked
first, and another is made only where the first certainly was not.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Iterator, Sequence
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
from retour.model.frozen import frozen
from retour.model.labels import MADE, Label, LabelOption, LabelState, WhoPays
from retour.model.moment import Moment
from retour.model.order import Order
from retour.model.parcels import Address, Parcel, check_route
from retour.model.returns import CAN_TRAVEL, GOODS_WORDS
from retour.model.text import text
from retour.rules.draft import Draft
from retour.rules.label_reports import ReportedShipment
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
    if not label.may_be_made or not label.needs_person:
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
    taken = [one.id for one in there if one is not label and reference and one.reference == reference.strip()]
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


def candidates(dossier: Dossier, label: Label, shipments: Iterable[ReportedShipment]) -> Sequence[ReportedShipment]:
    """The shipments that can be ``label``: that with our id where one has it, else all that are no other label's; none
    where another label is known without its names, since nobody could say which is whose."""
    shipments = list(shipments)
    ours = [one for one in shipments if one.label_id == label.id]
    if ours:
        return ours
    others = [one for one in _labels_of(dossier, label.provider, label.account) if one.id != label.id]
    free = [one for one in shipments if not one.label_id and not any(_named_alike(other, one) for other in others)]
    nameless = [one for one in others if one.told is not None and not (one.reference or one.tracking_number)]
    return () if nameless else free


MADE_BEFORE = datetime.timedelta(minutes=15)
"""How much earlier than our own intent a provider's clock can say that a label was made."""


def recognized(
    dossier: Dossier, provider: str, account: str, shipments: Sequence[ReportedShipment]
) -> list[ReportedShipment]:
    """The shipments of an order, with our id on the one that must be the label which is known without its names: a
    label has none in what is read of it until its carrier has it."""
    nameless = [
        one
        for one in _labels_of(dossier, provider, account)
        if one.told is not None and not (one.in_portal or one.reference or one.parcel or one.tracking_number)
    ]
    if len(nameless) != 1:
        return list(shipments)
    [label] = nameless
    since = (label.begun_at or label.ordered_at) - MADE_BEFORE
    found = candidates(dossier, label, [one for one in shipments if one.made_at is None or one.made_at >= since])
    if len(found) != 1:
        return list(shipments)
    return [attrs.evolve(one, label_id=label.id) if one is found[0] else one for one in shipments]


def follows_a_refusal(dossier: Dossier, label: Label) -> bool:
    """Whether the label that was ordered before it for the same return was refused."""
    of_return = dossier.labels_of(label.return_id)
    before = of_return[: of_return.index(label)]
    return bool(before) and before[-1].state is LabelState.REFUSED


def label_named(dossier: Dossier, provider: str, account: str, seen: ReportedShipment) -> Label | None:
    """The label that a provider speaks of by our id, or by a name that it is known by there."""
    there = [one for one in _labels_of(dossier, provider, account) if not _is_anothers(dossier, one, seen)]
    by_our_id = next((one for one in there if one.id == seen.label_id), None)
    return by_our_id or next((one for one in there if _named_alike(one, seen)), None)


def label_meant(
    dossier: Dossier, provider: str, account: str, seen: ReportedShipment, readable: Iterable[str] = ()
) -> Label | None:
    """Which label a provider speaks of: by our id, or by a name that it has there. What has a number of the label alone
    is the one that is known without one, and what has none is the one that is known by its number alone, if there is
    just one such, and it has no other name that differs. One that is ``readable`` is not taken for that where it has
    the one name and what is seen the other: the provider says itself which number and parcel belong together, and what
    is seen can be of a return that nobody told of."""
    label = label_named(dossier, provider, account, seen)
    if label is not None:
        return label
    there = _labels_of(dossier, provider, account)
    told = [one for one in there if one.told is not None and not _differs(dossier, one, seen)]
    if seen.reference:
        half = [one for one in told if not one.reference]
        if not (seen.parcel or seen.tracking_number):
            half = [one for one in half if one.id not in set(readable) or not (one.parcel or one.tracking_number)]
    else:
        half = [one for one in told if one.open and not (one.parcel or one.tracking_number)]
        half = half if seen.names and all(one.in_portal and one.id not in set(readable) for one in half) else []
    return half[0] if len(half) == 1 else None


def could_be_ours(dossier: Dossier, provider: str, account: str, seen: ReportedShipment) -> bool:
    """Whether what a provider speaks of could be a label of the order that is known by some of its names only, or that
    is being made."""
    return is_being_made(dossier, provider, account) or any(
        (one.told is not None or one.reference)
        and not (one.reference and (one.parcel or one.tracking_number))
        and not _differs(dossier, one, seen)
        for one in _labels_of(dossier, provider, account)
        if one.open or one.parcel or one.tracking_number  # one that was replaced can still be told of by its number
    )


def numbered(dossier: Dossier, provider: str, account: str, seen: ReportedShipment) -> list[Label]:
    """The labels of an order that are known by their number alone, and could have the parcel that is ``seen``."""
    return [
        one
        for one in _labels_of(dossier, provider, account)
        if one.open and one.reference and not (one.parcel or one.tracking_number) and not _differs(dossier, one, seen)
    ]


def known_by_its_parcel(dossier: Dossier, provider: str, account: str) -> bool:
    """Whether a label of the order is known by its parcel alone, and not by its own number."""
    return any(
        not one.reference and bool(one.parcel or one.tracking_number) for one in _labels_of(dossier, provider, account)
    )


def nameless(dossier: Dossier, provider: str, account: str) -> bool:
    """Whether a label of the order is there, or may be, and has no name at its provider by which it could be read."""
    return is_being_made(dossier, provider, account) or any(
        one.open and one.told is not None and not (one.reference or one.parcel or one.tracking_number)
        for one in _labels_of(dossier, provider, account)
    )


def same_parcel(one: ReportedShipment, other: ReportedShipment) -> bool | None:
    """Whether two words are about one parcel, by its number or else its tracking number; None where that is open."""
    for ours, theirs in ((one.parcel, other.parcel), (one.tracking_number, other.tracking_number)):
        if ours and theirs:
            return ours == theirs
    return None


def is_being_made(dossier: Dossier, provider: str, account: str) -> bool:
    """Whether a label of the order may be there, and nobody knows yet: its answer is on its way, or was lost."""
    return any(one.may_be_made for one in _labels_of(dossier, provider, account))


def _is_anothers(dossier: Dossier, label: Label, seen: ReportedShipment) -> bool:
    """Whether what is said is of another order, or carries our id of another label. Of a label that the customer made
    in the portal neither tells: its order can have another number at the provider, and our id it has not."""
    if label.in_portal:
        return False
    return seen.order_id not in ("", dossier.order_id) or seen.label_id not in ("", label.id)


def _differs(dossier: Dossier, label: Label, seen: ReportedShipment) -> bool:
    return _is_anothers(dossier, label, seen) or any(one != other for one, other in _in_common(label, seen))


def _named_alike(label: Label, seen: ReportedShipment) -> bool:
    """Whether a label is named by the first name that both have: its number, else that of its parcel, else its tracking
    number. Numbers of labels and of parcels are two things, and a carrier can give a tracking number again."""
    return next((one == other for one, other in _in_common(label, seen)), False)


def _in_common(label: Label, seen: ReportedShipment) -> Iterator[tuple[str, str]]:
    ours = (label.reference, label.parcel, label.tracking_number)
    theirs = (seen.reference, seen.parcel, seen.tracking_number)
    return ((one, other) for one, other in zip(ours, theirs, strict=True) if one and other)


def _labels_of(dossier: Dossier, provider: str, account: str) -> list[Label]:
    return [one for one in dossier.labels.values() if (one.provider, one.account) == (provider, account)]
