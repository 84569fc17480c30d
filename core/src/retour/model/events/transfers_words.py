"""How refunds by bank transfer read."""

from __future__ import annotations

from retour.model.destinations import CONSENT_WORDS
from retour.model.dossier import Dossier
from retour.model.events.telling import CUSTOMER, told
from retour.model.events.transfers import (
    PaymentNotRefundable,
    RefundConsentRecorded,
    RefundTransferPlanned,
    RefundTransferReleased,
)
from retour.model.text import Text, text


@told(RefundTransferPlanned)
def _planned(dossier: Dossier, event: RefundTransferPlanned) -> Text:
    del dossier
    if event.hold is not None:
        return text("Refund of {amount} waits for you: {because}", amount=event.amount, because=event.hold.words)
    return text("{amount} waits for your bank transfer", amount=event.amount)


@told(RefundTransferPlanned, to=CUSTOMER)
def _planned_for_customer(dossier: Dossier, event: RefundTransferPlanned) -> Text:
    del dossier
    if event.hold is not None:
        return text("The shop is looking at a refund of {amount}", amount=event.amount)
    return text("The shop transfers {amount} to you", amount=event.amount)


@told(RefundConsentRecorded)
def _consent(dossier: Dossier, event: RefundConsentRecorded) -> Text:
    return text(
        "The customer agreed {how} to get {amount} by bank transfer",
        how=CONSENT_WORDS[event.how],
        amount=dossier.refunds[event.refund_id].amount,
    )


@told(RefundConsentRecorded, to=CUSTOMER)
def _consent_for_customer(dossier: Dossier, event: RefundConsentRecorded) -> Text:
    return text(
        "You agreed {how} to get {amount} by bank transfer",
        how=CONSENT_WORDS[event.how],
        amount=dossier.refunds[event.refund_id].amount,
    )


@told(RefundTransferReleased)
def _released(dossier: Dossier, event: RefundTransferReleased) -> Text:
    return text("{amount} waits for your bank transfer", amount=dossier.refunds[event.refund_id].amount)


@told(RefundTransferReleased, to=CUSTOMER)
def _released_for_customer(dossier: Dossier, event: RefundTransferReleased) -> Text:
    return text("The shop transfers {amount} to you", amount=dossier.refunds[event.refund_id].amount)


@told(PaymentNotRefundable)
def _not_refundable(dossier: Dossier, event: PaymentNotRefundable) -> Text:
    del dossier
    if event.because is None:
        return text("Payment {payment} can be refunded at its provider now", payment=event.payment)
    return text("Payment {payment}: {because}", payment=event.payment, because=event.because.words)
