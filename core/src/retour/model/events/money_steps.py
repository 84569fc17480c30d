"""How each event of the money changes the dossier."""

from __future__ import annotations

import datetime

from retour.model.dossier import Dossier
from retour.model.events.event import Recorded
from retour.model.events.folding import Changes, new_refund, step, unexplained, with_refund
from retour.model.events.money import (
    ExternalRefundFound,
    RefundCancelAsked,
    RefundCancelled,
    RefundCancelRefused,
    RefundConfirmed,
    RefundFellBack,
    RefundHandedOver,
    RefundHeld,
    RefundLinkOpened,
    RefundMatched,
    RefundPaidOnce,
    RefundPaidTwice,
    RefundPlanned,
    RefundPutOff,
    RefundRefused,
    RefundReported,
    RefundReversed,
    RefundSettled,
    RefundSubmitted,
    RefundUnclear,
)
from retour.model.making import changed
from retour.model.reasons import ReasonCode, reason
from retour.model.refunds import NO_MONEY_MOVED, RefundSource, RefundState, Reported, state_of

_NOT_SENT = frozenset({RefundState.PLANNED, RefundState.SUBMITTING})
"""States in which a refund that waits for a person is not sent meanwhile."""


@step(RefundPlanned)
def _refund_planned(dossier: Dossier, event: RefundPlanned, at: Recorded) -> Changes:
    planned = new_refund(
        at,
        id=event.refund_id,
        payment=event.payment,
        amount=event.amount,
        state=RefundState.PLANNED if event.hold else RefundState.SUBMITTING,
        source=RefundSource.API,
        return_id=event.return_id,
        instruction=event.sent,
        begun_at=event.database_at,
        sent_at=None if event.hold else event.database_at or at.at,
        problem=event.hold,
        needs_person=bool(event.hold),
        page=event.page,
        read_at=(event.read_at or at.at) if event.books_read else None,
        step=event.step,
    )
    return planned | unexplained(dossier, event.payment, event.hold, at)


@step(RefundLinkOpened)
def _refund_link_opened(dossier: Dossier, event: RefundLinkOpened, at: Recorded) -> Changes:
    del dossier
    return new_refund(
        at,
        id=event.refund_id,
        payment=event.payment,
        amount=event.amount,
        state=RefundState.AWAITING_MERCHANT,
        source=RefundSource.LINK,
        return_id=event.return_id,
        begun_at=event.database_at,
        by_transfer=event.by_transfer,
        step=event.step,
        lacks_consent=event.lacks_consent,
    )


@step(RefundSubmitted)
def _refund_submitted(dossier: Dossier, event: RefundSubmitted, at: Recorded) -> Changes:
    before = dossier.refunds[event.refund_id]
    return with_refund(
        dossier,
        event.refund_id,
        at,
        state=RefundState.SUBMITTING,
        let_go_after=before.problem if before.needs_person else before.let_go_after,
        sent_at=event.database_at or at.at,
        read_at=(event.read_at or at.at) if event.books_read else None,
        unclear_at=None,
        unknown_since=None,
        problem=None,
        needs_person=False,
        waits_until=None,
    )


@step(RefundPutOff)
def _refund_put_off(dossier: Dossier, event: RefundPutOff, at: Recorded) -> Changes:
    before = dossier.refunds[event.refund_id]
    again = event.because is not None and event.because.repeats(before.problem)
    return with_refund(
        dossier,
        event.refund_id,
        at,
        problem=event.because,
        waits_until=event.not_before,
        put_off_again=before.put_off_again + 1 if again else 0,
    )


@step(RefundUnclear)
def _refund_unclear(dossier: Dossier, event: RefundUnclear, at: Recorded) -> Changes:
    before, now = dossier.refunds[event.refund_id], event.database_at or at.at
    return with_refund(
        dossier,
        event.refund_id,
        at,
        state=RefundState.UNKNOWN,
        unclear_at=now if event.tried else before.unclear_at or now,
        unknown_since=before.unknown_since or now,
        problem=event.because,
        needs_person=False,
        waits_until=None,
    )


@step(RefundHeld)
def _refund_held(dossier: Dossier, event: RefundHeld, at: Recorded) -> Changes:
    before = dossier.refunds[event.refund_id]
    again = event.because is not None and event.because.repeats(before.problem)
    held = with_refund(
        dossier,
        event.refund_id,
        at,
        state=RefundState.PLANNED if before.state in _NOT_SENT else before.state,
        problem=event.because,
        put_off_again=before.put_off_again + 1 if again else 0,
        needs_person=True,
        waits_until=None,
    )
    return held | unexplained(dossier, before.payment, event.because, at)


@step(RefundRefused)
def _refund_refused(dossier: Dossier, event: RefundRefused, at: Recorded) -> Changes:
    return with_refund(
        dossier,
        event.refund_id,
        at,
        state=RefundState.FAILED,
        problem=event.because,
        waits_until=None,
    )


@step(RefundFellBack)
def _refund_fell_back(dossier: Dossier, event: RefundFellBack, at: Recorded) -> Changes:
    return with_refund(
        dossier,
        event.refund_id,
        at,
        state=RefundState.AWAITING_MERCHANT,
        by_transfer=True,
        lacks_consent=True,
        problem=event.because,
        needs_person=False,
        waits_until=None,
    )


@step(RefundHandedOver)
def _refund_handed_over(dossier: Dossier, event: RefundHandedOver, at: Recorded) -> Changes:
    return with_refund(dossier, event.refund_id, at, batch=event.batch)


@step(RefundCancelAsked)
def _refund_cancel_asked(dossier: Dossier, event: RefundCancelAsked, at: Recorded) -> Changes:
    return with_refund(dossier, event.refund_id, at, cancelling=True)


@step(RefundCancelRefused)
def _refund_cancel_refused(dossier: Dossier, event: RefundCancelRefused, at: Recorded) -> Changes:
    return with_refund(dossier, event.refund_id, at, cancelling=False, problem=event.because)


def _told_at(event: RefundReported | ExternalRefundFound, at: Recorded) -> datetime.datetime:
    return event.database_at or at.at


@step(RefundReported)
def _refund_reported(dossier: Dossier, event: RefundReported, at: Recorded) -> Changes:
    before = dossier.refunds[event.refund_id]
    reported = before.reported | {event.status}
    if event.beside:
        return with_refund(
            dossier,
            event.refund_id,
            at,
            state=RefundState.SUCCEEDED,
            reported=reported,
            reference=event.reference or before.reference,
            problem=reason(ReasonCode.CONTRADICTED, "" if event.because is None else event.because.said),
            needs_person=True,
        )
    pending = state_of(reported) is RefundState.PENDING
    ends = state_of(reported) in NO_MONEY_MOVED
    stays = before.source is RefundSource.EXTERNAL and before.held_beside_its_outcome and not ends
    return with_refund(
        dossier,
        event.refund_id,
        at,
        state=state_of(reported),
        reported=reported,
        pending_since=before.pending_since or (event.database_at if pending else None),
        succeeded_at=before.succeeded_at or (_told_at(event, at) if event.status is Reported.SUCCEEDED else None),
        reference=event.reference or before.reference,
        problem=before.problem if stays else event.because,
        needs_person=stays,
        waits_until=None,
        by_transfer=state_of(reported) is RefundState.AWAITING_MERCHANT,
        cancelling=before.cancelling and pending,
    )


@step(ExternalRefundFound)
def _external_refund_found(dossier: Dossier, event: ExternalRefundFound, at: Recorded) -> Changes:
    """One that nobody can count with the rest of the order waits until a person has seen it and confirms it."""
    state = state_of(frozenset({event.status}))
    other = dossier.order is not None and event.amount.currency != dossier.order.currency
    uncounted = other and state not in NO_MONEY_MOVED
    return new_refund(
        at,
        id=event.refund_id,
        payment=event.payment,
        amount=event.amount,
        state=state,
        source=RefundSource.EXTERNAL,
        reference=event.reference,
        reported=frozenset({event.status}),
        pending_since=event.database_at if state is RefundState.PENDING else None,
        succeeded_at=_told_at(event, at) if event.status is Reported.SUCCEEDED else None,
        problem=reason(ReasonCode.OTHER_CURRENCY) if uncounted else None,
        needs_person=uncounted,
    )


@step(RefundCancelled)
def _refund_cancelled(dossier: Dossier, event: RefundCancelled, at: Recorded) -> Changes:
    return with_refund(
        dossier,
        event.refund_id,
        at,
        state=RefundState.CANCELLED,
        problem=event.because,
        needs_person=False,
        waits_until=None,
    )


@step(RefundMatched)
def _refund_matched(dossier: Dossier, event: RefundMatched, at: Recorded) -> Changes:
    external = dossier.refunds[event.external_id]
    ours = changed(
        dossier.refunds[event.refund_id],
        changed=at.when,
        state=external.state,
        reported=external.reported,
        pending_since=external.pending_since,
        succeeded_at=external.succeeded_at,
        reference=external.reference,
        problem=None,
        needs_person=False,
        by_transfer=False,
    )
    return {"refunds": {ours.id: ours, external.id: None}}


@step(RefundReversed)
def _refund_reversed(dossier: Dossier, event: RefundReversed, at: Recorded) -> Changes:
    return with_refund(dossier, event.refund_id, at, state=RefundState.REVERSED, problem=None, needs_person=False)


@step(RefundConfirmed)
def _refund_confirmed(dossier: Dossier, event: RefundConfirmed, at: Recorded) -> Changes:
    if event.refund_id in dossier.refunds:
        return with_refund(
            dossier,
            event.refund_id,
            at,
            state=RefundState.SUCCEEDED,
            reference=event.reference,
            problem=None,
            needs_person=False,
        )
    return new_refund(
        at,
        id=event.refund_id,
        payment=event.payment,
        amount=event.amount,
        state=RefundState.SUCCEEDED,
        source=RefundSource.PERSON,
        reference=event.reference,
        return_id=event.return_id,
        in_place_of=event.in_place_of,
    )


@step(RefundSettled)
def _refund_settled(dossier: Dossier, event: RefundSettled, at: Recorded) -> Changes:
    return with_refund(
        dossier,
        event.refund_id,
        at,
        state=RefundState.SUCCEEDED if event.happened else RefundState.FAILED,
        settled=event.happened,
        reference=event.reference or dossier.refunds[event.refund_id].reference,
        problem=reason(ReasonCode.SETTLED),
        needs_person=False,
        waits_until=None,
        cancelling=False,
    )


@step(RefundPaidTwice)
def _refund_paid_twice(dossier: Dossier, event: RefundPaidTwice, at: Recorded) -> Changes:
    other = dossier.refunds.get(event.other_id)
    said = other.reference or other.id if other is not None else event.other_id
    problem = reason(ReasonCode.PAID_TWICE, said, other=event.other_id)
    return with_refund(dossier, event.refund_id, at, problem=problem, needs_person=True)


@step(RefundPaidOnce)
def _refund_paid_once(dossier: Dossier, event: RefundPaidOnce, at: Recorded) -> Changes:
    return with_refund(dossier, event.refund_id, at, problem=None, needs_person=False)
