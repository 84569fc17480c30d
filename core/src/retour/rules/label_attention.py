"""What of an order's labels and parcels a person must look at."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from retour.model.attention import Attention, AttentionKind
from retour.model.dossier import Dossier
from retour.model.labels import MADE, Label, LabelState, ParcelState, WhatFollows
from retour.model.reasons import ReasonCode, reason
from retour.model.returns import GoodsState, Return
from retour.model.when import When
from retour.rules.portal_returns import is_under_way
from retour.rules.unneeded_labels import NOT_TO_COME

_LOOK_AT = ("acknowledge",)

_COMES = frozenset({ParcelState.ON_ITS_WAY, ParcelState.AT_PICKUP_POINT, ParcelState.DELAYED, ParcelState.DELIVERED})
"""Where a parcel is that comes to the shop, or came."""

_WHY = {
    ParcelState.LOST: ReasonCode.PARCEL_LOST,
    ParcelState.RETURNED_TO_SENDER: ReasonCode.PARCEL_GOES_BACK,
    ParcelState.PROBLEM: ReasonCode.PARCEL_HELD_UP,
}


def undecided_labels(dossier: Dossier) -> Iterator[Attention]:
    """Labels of which nobody can tell whether they were made."""
    for label in dossier.labels.values():
        if label.may_be_made and label.needs_person:
            yield Attention(
                kind=AttentionKind.LABEL_UNKNOWN,
                about=label.id,
                when=label.changed,
                why=label.because,
                can_do=("settle_label",),
            )


def refused_labels(dossier: Dossier) -> Iterator[Attention]:
    """Labels that were refused, until the return has another one, or needs none."""
    for label in dossier.labels.values():
        refused = label.state is LabelState.REFUSED and not label.settled
        if refused and _return_of(dossier, label).open and not _has_a_later_one(dossier, label):
            yield Attention(
                kind=AttentionKind.LABEL_REFUSED,
                about=label.id,
                when=label.changed,
                why=label.because,
                can_do=("order_label", *_LOOK_AT),
            )


def labels_not_cancelled(dossier: Dossier) -> Iterator[Attention]:
    """Labels that somebody wanted taken back, by itself or with their return, and that may be used all the same."""
    for label in dossier.labels.values():
        return_ = _return_of(dossier, label)
        unused = return_.goods in NOT_TO_COME and label.state in MADE and not (label.scanned or label.cancel_asked)
        wanted = label.not_cancelled is not None and label.state is not LabelState.CANCELLED
        told_as_parcel = label.scanned and not return_.live
        if unused or (wanted and not told_as_parcel):
            yield Attention(
                kind=AttentionKind.LABEL_NOT_CANCELLED,
                about=label.id,
                when=max(label.changed, return_.changed) if unused else label.changed,
                why=label.not_cancelled or reason(ReasonCode.LABEL_STAYS),
                can_do=("cancel_label", *_LOOK_AT) if unused and label.reference else _LOOK_AT,
            )


def parcels(dossier: Dossier) -> Iterator[Attention]:
    """Steps of parcels of which the host wants to be asked."""
    for label in dossier.labels.values():
        asked = label.follows is WhatFollows.ASK and not _is_not_expected(dossier, label)
        if asked and label.moved is not None:
            yield Attention(
                kind=AttentionKind.PARCEL,
                about=label.id,
                when=label.moved,
                why=reason(_WHY.get(label.progress, ReasonCode.PARCEL_MOVED), label.provider_status),
                can_do=_LOOK_AT,
            )


def parcels_not_expected(dossier: Dossier) -> Iterator[Attention]:
    """Parcels of returns that have ended: nobody waits for them, and no list of returns has them."""
    for label in dossier.labels.values():
        if _is_not_expected(dossier, label) and label.moved is not None:
            came = label.progress is ParcelState.DELIVERED
            code = ReasonCode.PARCEL_CAME_AFTER_THE_END if came else ReasonCode.PARCEL_COMES_AFTER_THE_END
            yield Attention(
                kind=AttentionKind.PARCEL_NOT_EXPECTED,
                about=label.id,
                when=label.moved,
                why=reason(code),
                can_do=("reopen_return", *_LOOK_AT),
            )


def announced_twice(dossier: Dossier) -> Iterator[Attention]:
    """Returns that were announced at the shop, of which nobody has said how they come, beside one that the customer
    made in a portal: where the goods can be the same, a person says whether they are. Of several, that is the last one
    before it, else the first one after."""
    in_portal = {label.return_id for label in dossier.labels.values() if label.in_portal}
    at_the_shop = [
        one
        for one in dossier.returns.values()
        if one.goods in _ANNOUNCED and one.requested and one.id not in in_portal and not is_under_way(dossier, one)
    ]
    for portal in [one for one in dossier.returns.values() if one.id in in_portal and one.live]:
        same = [one for one in at_the_shop if _can_be_the_same(portal, one)]
        if same:
            nearest = min(same, key=partial(_from, portal.opened))
            at_the_shop.remove(nearest)
            yield Attention(
                kind=AttentionKind.ANNOUNCED_TWICE,
                about=nearest.id,
                when=max(nearest.opened, portal.opened),
                why=reason(ReasonCode.ALSO_IN_PORTAL, return_number=portal.number),
                can_do=("cancel_return", *_LOOK_AT),
            )


def _from(portal: When, return_: Return) -> tuple[bool, int]:
    """How far a return is from one in a portal: what was announced before is nearer than all that was after."""
    return portal < return_.opened, abs(return_.opened.seq - portal.seq)


_ANNOUNCED = frozenset({GoodsState.REQUESTED, GoodsState.APPROVED})


def _can_be_the_same(one: Return, other: Return) -> bool:
    """Whether the goods of one return can be among those of the other. A portal that says nothing says everything."""
    less, more = sorted((one.requested, other.requested), key=lambda units: sum(units.values()))
    return all(units <= more.get(line_id, 0) for line_id, units in less.items())


def _is_not_expected(dossier: Dossier, label: Label) -> bool:
    """Whether a parcel comes, or came, of a return that has ended. Of one that staff closed, the parcels that moved
    since, as far as there are more than were counted: carriers tell late of one that was."""
    return_ = _return_of(dossier, label)
    if return_.open or label.progress not in _COMES or label.moved is None:
        return False
    if return_.goods is not GoodsState.CLOSED:
        return True
    coming = [one for one in dossier.labels_of(return_.id) if one.progress in _COMES]
    return label.moved > return_.changed and len(coming) > len(return_.receipts)


def _return_of(dossier: Dossier, label: Label) -> Return:
    return dossier.returns[label.return_id]


def _has_a_later_one(dossier: Dossier, label: Label) -> bool:
    of_return = dossier.labels_of(label.return_id)
    return any(one.state is not LabelState.REFUSED for one in of_return[of_return.index(label) + 1 :])
