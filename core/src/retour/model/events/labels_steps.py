"""How labels and their parcels change the dossier."""

from __future__ import annotations

from typing import Any

from retour.model.dossier import Dossier
from retour.model.events.event import Recorded
from retour.model.events.folding import Changes, step, with_label, with_return
from retour.model.events.labels import (
    LabelCancelAsked,
    LabelCancelRefused,
    LabelDocumentKept,
    LabelHeld,
    LabelMisnamed,
    LabelOrdered,
    LabelPutOff,
    LabelRefused,
    LabelReported,
    LabelSettled,
    LabelUnclear,
    ParcelMoved,
    PortalLabelFound,
)
from retour.model.labels import NOWHERE, SCANNED, Label, LabelState, Told, WhoPays
from retour.model.making import changed
from retour.model.refunds import Evidence

_STATES = {
    Told.ANNOUNCING: LabelState.ANNOUNCING,
    Told.READY: LabelState.READY,
    Told.REFUSED: LabelState.REFUSED,
    Told.CANCELLING: LabelState.CANCELLING,
    Told.CANCELLED: LabelState.CANCELLED,
}


def _with_label(dossier: Dossier, label_id: str, at: Recorded, **changes: Any) -> Changes:
    return with_label(changed(dossier.labels[label_id], changed=at.when, **changes))


@step(LabelOrdered)
def _ordered(dossier: Dossier, event: LabelOrdered, at: Recorded) -> Changes:
    label = Label(
        id=event.label_id,
        return_id=event.return_id,
        provider=event.provider,
        account=event.account,
        option=event.option,
        parcel_sent=event.parcel,
        addresses_id=event.addresses_id,
        state=LabelState.ORDERED,
        ordered_at=at.at,
        changed=at.when,
        begun_at=event.database_at,
        payer=event.payer,
        replaces=event.replaces,
    )
    if event.replaces is None or event.replaces not in dossier.labels:
        return with_label(label)
    replaced = changed(dossier.labels[event.replaces], replaced_by=label.id)
    return {"labels": {replaced.id: replaced, label.id: label}}


@step(LabelPutOff)
def _put_off(dossier: Dossier, event: LabelPutOff, at: Recorded) -> Changes:
    known = dossier.labels[event.label_id]
    again = event.because is not None and event.because.repeats(known.because)
    return _with_label(
        dossier, event.label_id, at, because=event.because, put_off_again=known.put_off_again + 1 if again else 0
    )


@step(LabelUnclear)
def _unclear(dossier: Dossier, event: LabelUnclear, at: Recorded) -> Changes:
    since = event.database_at or at.at
    return _with_label(dossier, event.label_id, at, state=LabelState.UNKNOWN, because=event.because, unclear_at=since)


@step(LabelRefused)
def _refused(dossier: Dossier, event: LabelRefused, at: Recorded) -> Changes:
    return _with_label(dossier, event.label_id, at, state=LabelState.REFUSED, because=event.because, needs_person=False)


@step(LabelHeld)
def _held(dossier: Dossier, event: LabelHeld, at: Recorded) -> Changes:
    return _with_label(dossier, event.label_id, at, because=event.because, needs_person=True)


@step(LabelReported)
def _reported(dossier: Dossier, event: LabelReported, at: Recorded) -> Changes:
    known = dossier.labels[event.label_id]
    times = {"said_at": event.said_at or known.said_at, "told_at": event.step_at or known.told_at}
    if event.step_at is not None and known.progress is known.last_place:
        times["last_place_at"] = event.step_at
    is_new = event.told is not known.told or event.says_more_than(known)
    read_again = 0 if is_new and not event.again else known.read_again + (event.evidence is Evidence.LOOKUP)
    if event.again:
        return with_label(changed(known, **times, read_again=read_again))
    return _with_label(
        dossier,
        event.label_id,
        at,
        **times,
        read_again=read_again,
        state=_STATES[event.told],
        told=event.told,
        reference=event.reference or known.reference,
        parcel=event.parcel or known.parcel,
        carrier=event.carrier or known.carrier,
        tracking_number=event.tracking_number or known.tracking_number,
        tracking_url=event.tracking_url or known.tracking_url,
        cost=event.cost if event.cost is not None else known.cost,
        valid_until=event.valid_until or known.valid_until,
        because=event.because,
        needs_person=False,
        cancel_asked=known.cancel_asked and event.told is not Told.CANCELLED,
        made_at=known.made_at or event.made_at,
    )


@step(ParcelMoved)
def _moved(dossier: Dossier, event: ParcelMoved, at: Recorded) -> Changes:
    known = dossier.labels[event.label_id]
    scanned_at = known.scanned_at or ((event.moved_at or at.at) if event.progress in SCANNED else None)
    place: dict[str, Any] = {
        "last_place": event.progress,
        "last_place_status": event.provider_status,
        "last_place_at": event.moved_at,
    }
    if event.progress in NOWHERE:
        place = {}
    return _with_label(
        dossier,
        event.label_id,
        at,
        progress=event.progress,
        provider_status=event.provider_status,
        scanned_at=scanned_at,
        follows=event.follows,
        moved=at.when,
        told_at=event.moved_at or known.told_at,
        read_again=0,
        **place,
    )


@step(LabelCancelAsked)
def _cancel_asked(dossier: Dossier, event: LabelCancelAsked, at: Recorded) -> Changes:
    return _with_label(dossier, event.label_id, at, cancel_asked=True, because=None)


@step(LabelCancelRefused)
def _cancel_refused(dossier: Dossier, event: LabelCancelRefused, at: Recorded) -> Changes:
    known = dossier.labels[event.label_id]
    state = LabelState.READY if known.state is LabelState.CANCELLING else known.state
    return _with_label(dossier, event.label_id, at, state=state, cancel_asked=False, not_cancelled=event.because)


@step(LabelSettled)
def _settled(dossier: Dossier, event: LabelSettled, at: Recorded) -> Changes:
    known = dossier.labels[event.label_id]
    return _with_label(
        dossier,
        event.label_id,
        at,
        state=LabelState.ANNOUNCING if event.made else LabelState.REFUSED,
        told=None if event.made else known.told,
        reference=event.reference or known.reference,
        settled=True,
        because=None,
        needs_person=False,
    )


@step(LabelMisnamed)
def _misnamed(dossier: Dossier, event: LabelMisnamed, at: Recorded) -> Changes:
    return _with_label(
        dossier,
        event.label_id,
        at,
        state=LabelState.UNKNOWN,
        reference="",
        settled=False,
        cancel_asked=False,
        because=event.because,
        needs_person=True,
    )


@step(LabelDocumentKept)
def _document_kept(dossier: Dossier, event: LabelDocumentKept, at: Recorded) -> Changes:
    return _with_label(dossier, event.label_id, at, document_id=event.document_id)


@step(PortalLabelFound)
def _found_in_portal(dossier: Dossier, event: PortalLabelFound, at: Recorded) -> Changes:
    label = Label(
        id=event.label_id,
        return_id=event.return_id,
        provider=event.provider,
        account=event.account,
        state=_STATES[event.told],
        told=event.told,
        ordered_at=event.made_at or at.at,
        changed=at.when,
        reference=event.reference,
        parcel=event.parcel,
        tracking_number=event.tracking_number,
        payer=WhoPays.CUSTOMER,
    )
    if not event.chosen:
        return with_label(label)
    return_ = dossier.returns[event.return_id]
    known = {one.code for one in return_.reasons_chosen}
    return_ = changed(
        return_,
        chosen_in_portal=(*return_.chosen_in_portal, *event.chosen),
        reasons_chosen=(*return_.reasons_chosen, *[one for one in event.reasons if one.code not in known]),
    )
    return {**with_label(label), **with_return(return_)}
