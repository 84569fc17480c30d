"""How refunds by bank transfer change the dossier."""

from __future__ import annotations

from retour.model.destinations import RecordedConsent
from retour.model.dossier import Dossier
from retour.model.events.event import Recorded
from retour.model.events.folding import Changes, new_refund, step, unexplained, with_refund
from retour.model.events.transfers import (
    PaymentNotRefundable,
    RefundConsentRecorded,
    RefundTransferPlanned,
    RefundTransferReleased,
)
from retour.model.refunds import RefundSource, RefundState


@step(RefundTransferPlanned)
def _transfer_planned(dossier: Dossier, event: RefundTransferPlanned, at: Recorded) -> Changes:
    planned = new_refund(
        dossier,
        at,
        id=event.refund_id,
        payment=event.payment,
        amount=event.amount,
        state=RefundState.PLANNED if event.hold else RefundState.AWAITING_MERCHANT,
        source=RefundSource.TRANSFER,
        return_id=event.return_id,
        in_place_of=event.in_place_of,
        begun_at=event.database_at,
        problem=event.hold,
        needs_person=bool(event.hold),
        by_transfer=True,
        to=event.to,
    )
    return planned | unexplained(dossier, event.payment, event.hold, at)


@step(RefundConsentRecorded)
def _consent_recorded(dossier: Dossier, event: RefundConsentRecorded, at: Recorded) -> Changes:
    consent = RecordedConsent(how=event.how, by=at.by, at=at.at, note_id=event.note_id)
    return with_refund(dossier, event.refund_id, at, consent=consent, lacks_consent=False)


@step(RefundTransferReleased)
def _transfer_released(dossier: Dossier, event: RefundTransferReleased, at: Recorded) -> Changes:
    return with_refund(
        dossier,
        event.refund_id,
        at,
        state=RefundState.AWAITING_MERCHANT,
        let_go_after=dossier.refunds[event.refund_id].problem,
        problem=None,
        needs_person=False,
    )


@step(PaymentNotRefundable)
def _not_refundable(dossier: Dossier, event: PaymentNotRefundable, at: Recorded) -> Changes:
    del at
    same = dossier.same_there()
    there = same.get(event.payment, event.payment)
    known = {name: why for name, why in dossier.not_refundable.items() if same.get(name, name) != there}
    if event.because is not None:
        known[event.payment] = event.because
    return {"not_refundable": known}
