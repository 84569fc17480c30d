"""What a provider says of a label and its parcel, and what that is worth: its words come twice, late, in any order."""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence

import attrs

from retour.model.actor import Actor
from retour.model.events.goods import ReturnSent
from retour.model.events.labels import NOT_SAID, VALUES_OF_A_LABEL, LabelCancelRefused, LabelReported, ParcelMoved
from retour.model.frozen import frozen
from retour.model.labels import NOWHERE, SCANNED, Label, LabelState, ParcelState, Told, WhatFollows
from retour.model.moment import is_to_come
from retour.model.money import Money
from retour.model.reasons import Reason, ReasonCode, reason
from retour.model.refunds import Evidence
from retour.model.returns import CAN_TRAVEL, GoodsState
from retour.rules.draft import Draft
from retour.rules.said_again import MOST_SAID_AGAIN
from retour.rules.unneeded_labels import take_back_late

_MAY_BE_MADE = frozenset({LabelState.ORDERED, LabelState.UNKNOWN})
"""Labels of which nobody knows yet that they are there."""

_WORD_OF: Mapping[LabelState, Told] = {
    LabelState.ANNOUNCING: Told.ANNOUNCING,
    LabelState.READY: Told.READY,
    LabelState.REFUSED: Told.REFUSED,
    LabelState.CANCELLING: Told.CANCELLING,
    LabelState.CANCELLED: Told.CANCELLED,
}

_HOW_FAR = (Told.ANNOUNCING, Told.READY, Told.CANCELLING, Told.REFUSED, Told.CANCELLED)
"""In which order a label gets there, where no time says which of two words came first."""

_PLACES = (
    ParcelState.NOT_SENT,
    ParcelState.UNKNOWN,
    ParcelState.ON_ITS_WAY,
    ParcelState.DELAYED,
    ParcelState.PROBLEM,
    ParcelState.AT_PICKUP_POINT,
    ParcelState.LOST,
    ParcelState.CANCELLED,
    ParcelState.RETURNED_TO_SENDER,
    ParcelState.DELIVERED,
)
"""In which order a parcel gets there, where two words are of one moment."""


@frozen(kw_only=True)
class ReportedItem:
    """What a provider says is in a parcel: see `retour.providers.SentItem`."""

    quantity: int
    sku: str = ""
    description: str = ""
    reason: str = ""


@frozen(kw_only=True)
class ReportedShipment:
    """A label and its parcel as a provider has them, as a value of ours: see `retour.providers.Shipment`."""

    told: Told
    reference: str = ""
    parcel: str = ""
    label_id: str = ""
    order_id: str = ""
    progress: ParcelState = ParcelState.NOT_SENT
    provider_status: str = ""
    because: Reason | None = None
    carrier: str = ""
    tracking_number: str = ""
    tracking_url: str = ""
    cost: Money | None = None
    valid_until: datetime.date | None = None
    made_at: datetime.datetime | None = None
    changed_at: datetime.datetime | None = None
    items: tuple[ReportedItem, ...] = ()

    @property
    def names(self) -> set[str]:
        """What names it at the provider."""
        return {name for name in (self.reference, self.parcel, self.tracking_number) if name}

    def believed(self, now: datetime.datetime) -> ReportedShipment:
        """The same without times that cannot be: nothing that is told ``now`` is of a time to come, and all that is
        told later would be older than that for ever."""
        made_at, changed_at = (
            None if at is None or is_to_come(at, now) else at for at in (self.made_at, self.changed_at)
        )
        if (made_at, changed_at) == (self.made_at, self.changed_at):
            return self
        return attrs.evolve(self, made_at=made_at, changed_at=changed_at)


def report(
    draft: Draft,
    label: Label,
    seen: ReportedShipment,
    evidence: Evidence,
    follows: Mapping[ParcelState, WhatFollows],
) -> None:
    """Record what a provider says of one label, where that is news, and what ``follows`` from a step of its parcel.

    Of words with a time the latest counts, in whatever order they come, and a parcel never goes back to where it was by
    one that is older than what we know. One that is on its way has a label that is not cancelled any more, whoever says
    so first, and was scanned, however late that is told. A time tells a word from one of before it that comes late, and
    other values are worth knowing; but both are kept so often only where each look gives others
    (`retour.rules.said_again`).
    """
    by, seen = Actor.provider(label.provider), seen.believed(draft.latest or draft.at)
    late = _is_late(label, seen, evidence)
    steps = _steps(label, seen, evidence, follows)
    facts = LabelReported(
        return_id=label.return_id,
        label_id=label.id,
        told=_WORD_OF.get(label.state, seen.told) if late else seen.told,
        evidence=evidence,
        reference=seen.reference,
        parcel=seen.parcel,
        carrier=seen.carrier,
        tracking_number=seen.tracking_number,
        tracking_url=seen.tracking_url,
        cost=seen.cost,
        valid_until=seen.valid_until,
        because=label.because if late else seen.because,
        said_at=None if late else seen.changed_at,
        step_at=_repeated_at(label, seen),
        made_at=None if evidence is Evidence.WEBHOOK else seen.made_at,
        became_ready=seen.told is Told.READY
        and label.told is not Told.READY
        and not late
        and _may_travel(draft, label),
    )
    often_enough = evidence is Evidence.LOOKUP and label.read_again >= MOST_SAID_AGAIN
    if _is_news(label, facts, late=late) or (not often_enough and _tells_other_values(label, facts)):
        draft.record(facts, by)
    elif not often_enough and _tells_when(label, seen, facts, steps, late=late):
        draft.record(attrs.evolve(facts, because=label.because, again=True), by)
    for step in steps:
        draft.record(step, by)
        _follow(draft, draft.dossier.label(label.id), by)
    take_back_late(draft, label)
    now = draft.dossier.label(label.id)
    if now.cancel_asked and now.scanned:
        because = reason(ReasonCode.NOT_CANCELLABLE)
        draft.record(LabelCancelRefused(return_id=now.return_id, label_id=now.id, because=because))


def _tells_when(
    label: Label, seen: ReportedShipment, facts: LabelReported, steps: Sequence[ParcelMoved], *, late: bool
) -> bool:
    """Whether a word that is no news is of a later time than the one before it, which no step keeps."""
    return facts.step_at is not None or (not late and _is_later(label, seen) and not _tell_when(steps))


def _may_travel(draft: Draft, label: Label) -> bool:
    """Whether the goods of its return may come: nobody is told to send what was cancelled, or is not approved yet."""
    return_ = draft.dossier.returns.get(label.return_id)
    return return_ is not None and return_.goods in CAN_TRAVEL


def _follow(draft: Draft, label: Label, by: Actor) -> None:
    """What follows from a step of a parcel at once; all else is for a list, where the label is read."""
    return_ = draft.dossier.returns.get(label.return_id)
    if label.follows is WhatFollows.SENT and return_ is not None and return_.goods is GoodsState.APPROVED:
        draft.record(ReturnSent(return_id=return_.id, tracking=label.tracking_number), by)


def _is_news(label: Label, facts: LabelReported, *, late: bool) -> bool:
    """Whether it says what was not known of a label."""
    return facts.says_more_than(label) or (facts.told is not label.told and not late) or label.state in _MAY_BE_MADE


def _tells_other_values(label: Label, facts: LabelReported) -> bool:
    return any(getattr(facts, name) not in (*NOT_SAID, getattr(label, name)) for name in VALUES_OF_A_LABEL)


def _is_late(label: Label, seen: ReportedShipment, evidence: Evidence) -> bool:
    """Whether a word of the label itself is older than the last one that is known. What a webhook says without a time,
    or of the same moment, can be older too, and gets the label no further back; what was just read cannot."""
    if label.told is None:
        return False
    known = _heard(label)
    dated = known is not None and seen.changed_at is not None
    if dated and seen.changed_at != known:
        return _is_before(seen.changed_at, known)
    has_it = label.scanned and (not dated or label.told_at == known)
    told, before = (seen.progress in SCANNED, seen.told), (has_it, label.told)
    return evidence is Evidence.WEBHOOK and _how_far(*told) < _how_far(*before)


def _how_far(used: bool, word: Told) -> tuple[bool, int]:
    """How far a label is: one that a carrier has is further than any other, also than one that is cancelled."""
    return used, _HOW_FAR.index(word)


def _heard(label: Label) -> datetime.datetime | None:
    """The latest time of which a word about a label or its parcel is known."""
    return max([time for time in (label.said_at, label.told_at) if time is not None], default=None)


def _is_later(label: Label, seen: ReportedShipment) -> bool:
    """Whether what is said is of a later time than all that is known. Said again, that matters all the same: else a
    word of a time between, which comes late, would count for the last one."""
    return seen.changed_at is not None and _is_before(_heard(label), seen.changed_at)


def _is_before(one: datetime.datetime | None, other: datetime.datetime | None) -> bool:
    return other is not None and (one is None or one < other)


def _tell_when(steps: Sequence[ParcelMoved]) -> bool:
    """Whether steps keep the time of what is said, so that it need not be kept besides."""
    return any(step.progress not in NOWHERE for step in steps)


# --- the steps of its parcel -----------------------------------------------------------------------------


def _steps(
    label: Label, seen: ReportedShipment, evidence: Evidence, follows: Mapping[ParcelState, WhatFollows]
) -> list[ParcelMoved]:
    """The steps to record: where the parcel is now. A first scan that is told late is one too, and then it is again
    where it is known to be since. So is trouble that is told late of a parcel of which no place is known: a scan before
    it, that comes later still, makes it the last that is known."""
    if seen.progress is label.progress or _says_nothing(label, seen, evidence):
        return []
    step = ParcelMoved(
        return_id=label.return_id,
        label_id=label.id,
        progress=seen.progress,
        provider_status=seen.provider_status,
        follows=follows.get(seen.progress, WhatFollows.NOTHING),
        moved_at=seen.changed_at,
    )
    if not _is_older(label, seen, evidence):
        return [step]
    if label.scanned or seen.progress in NOWHERE:
        return []
    if seen.progress in SCANNED:
        since = _place_since(label, seen)
        if since is not None:
            status, at = label.last_place_status, label.last_place_at
            follow = follows.get(since, WhatFollows.NOTHING)
            return [step, attrs.evolve(step, progress=since, provider_status=status, follows=follow, moved_at=at)]
        if label.progress in NOWHERE:
            return [step]
    elif label.progress not in NOWHERE or _place_since(label, seen) is not None:
        return []
    again = attrs.evolve(
        step,
        progress=label.progress,
        provider_status=label.provider_status,
        follows=label.follows,
        moved_at=label.told_at or _heard(label),
    )
    return [step, again]


def _place_since(label: Label, seen: ReportedShipment) -> ParcelState | None:
    """The last place that was told of a parcel, where that is no earlier than what is said now: also where a word after
    it told none, since that is worth nothing once it is known that the parcel was scanned."""
    at = label.last_place_at
    return label.last_place if at is not None and not _is_before(at, seen.changed_at) else None


def _repeated_at(label: Label, seen: ReportedShipment) -> datetime.datetime | None:
    """When a parcel was told to be where it is known to be, if that is later than what is known of it."""
    moved = label.moved is not None and seen.progress is label.progress
    return seen.changed_at if moved and _is_before(label.told_at, seen.changed_at) else None


def _says_nothing(label: Label, seen: ReportedShipment, evidence: Evidence) -> bool:
    """Whether a word says nothing of where the parcel is: a scan does not unhappen, and without a time "not sent" is
    the first thing that is said of any parcel, so that a webhook may be that."""
    if seen.changed_at is None and evidence is Evidence.WEBHOOK and seen.progress is ParcelState.NOT_SENT:
        return True
    return label.scanned and seen.progress in NOWHERE


def _is_older(label: Label, seen: ReportedShipment, evidence: Evidence) -> bool:
    """Whether an answer speaks of an earlier moment than what is known of the parcel: webhooks come in any order. Of
    two webhooks of one moment the further step counts."""
    known = label.told_at if label.scanned else _heard(label)
    if known is None or seen.changed_at is None or seen.changed_at > known:
        return False
    if seen.changed_at == known:
        moved = label.told_at == known
        return evidence is Evidence.WEBHOOK and moved and _PLACES.index(seen.progress) < _PLACES.index(label.progress)
    return True
