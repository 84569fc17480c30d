"""What of an order's labels and parcels a person must look at."""

from __future__ import annotations

from collections.abc import Iterator

from retour.model.attention import Attention, AttentionKind
from retour.model.dossier import Dossier
from retour.model.labels import Label, LabelState, ParcelState, WhatFollows
from retour.model.reasons import ReasonCode, reason

_LOOK_AT = ("acknowledge",)

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
                since=label.changed_at,
                why=label.because,
                can_do=("settle_label",),
            )


def refused_labels(dossier: Dossier) -> Iterator[Attention]:
    """Labels that were refused, until the return has another one."""
    for label in dossier.labels.values():
        if label.state is LabelState.REFUSED and not label.settled and not _has_a_later_one(dossier, label):
            yield Attention(
                kind=AttentionKind.LABEL_REFUSED,
                about=label.id,
                since=label.changed_at,
                why=label.because,
                can_do=("order_label", *_LOOK_AT),
            )


def labels_not_cancelled(dossier: Dossier) -> Iterator[Attention]:
    """Labels that somebody wanted taken back, and that may be used all the same."""
    for label in dossier.labels.values():
        if label.not_cancelled is not None and label.state is not LabelState.CANCELLED:
            yield Attention(
                kind=AttentionKind.LABEL_NOT_CANCELLED,
                about=label.id,
                since=label.changed_at,
                why=label.not_cancelled,
                can_do=_LOOK_AT,
            )


def parcels(dossier: Dossier) -> Iterator[Attention]:
    """Steps of parcels of which the host wants to be asked."""
    for label in dossier.labels.values():
        if label.follows is WhatFollows.ASK and label.moved_at is not None:
            yield Attention(
                kind=AttentionKind.PARCEL,
                about=label.id,
                since=label.moved_at,
                why=reason(_WHY.get(label.progress, ReasonCode.PARCEL_MOVED), label.provider_status),
                can_do=_LOOK_AT,
            )


def _has_a_later_one(dossier: Dossier, label: Label) -> bool:
    of_return = dossier.labels_of(label.return_id)
    return any(one.state is not LabelState.REFUSED for one in of_return[of_return.index(label) + 1 :])
