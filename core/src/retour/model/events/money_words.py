"""How each event of the money reads: for the staff with every reason and all evidence, for the customer without."""

from __future__ import annotations

from collections.abc import Mapping

from retour.model.dossier import Dossier
from retour.model.events.event import EVERYBODY
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
from retour.model.events.telling import CUSTOMER, told
from retour.model.money import Money
from retour.model.reasons import Reason
from retour.model.refunds import REFUND_WORDS, Evidence, RefundSource, RefundState, state_of
from retour.model.text import Text, text

_EVIDENCE: Mapping[Evidence, Text] = {
    Evidence.ANSWER: text("its answer says so"),
    Evidence.REPEATED: text("its answer to the same request says so"),
    Evidence.LOOKUP: text("found when it was asked"),
    Evidence.WEBHOOK: text("told by its webhook"),
    Evidence.RECONCILE: text("found when all its refunds were read"),
}


@told(RefundPlanned)
def _planned(dossier: Dossier, event: RefundPlanned) -> Text:
    del dossier
    if event.hold is not None:
        return text("Refund of {amount} waits for you: {because}", amount=event.amount, because=event.hold.words)
    return text("Refund of {amount} started", amount=event.amount)


@told(RefundPlanned, to=CUSTOMER)
def _planned_for_customer(dossier: Dossier, event: RefundPlanned) -> Text:
    del dossier
    if event.hold is not None:
        return text("The shop is looking at a refund of {amount}", amount=event.amount)
    return text("Refund of {amount} started", amount=event.amount)


@told(RefundLinkOpened)
def _link_opened(dossier: Dossier, event: RefundLinkOpened) -> Text:
    del dossier
    return text("{amount} is being refunded by hand", amount=event.amount)


@told(RefundSubmitted)
def _submitted(dossier: Dossier, event: RefundSubmitted) -> Text:
    if event.because is None:
        return text("Refund of {amount} started again", amount=_amount(dossier, event.refund_id))
    return text(
        "Refund of {amount} started again: {because}",
        amount=_amount(dossier, event.refund_id),
        because=event.because.words,
    )


@told(RefundPutOff)
def _put_off(dossier: Dossier, event: RefundPutOff) -> Text:
    return text(
        "Refund of {amount} was not made yet and is tried again from {time}: {because}",
        amount=_amount(dossier, event.refund_id),
        time=event.not_before,
        because=_because(event.because),
    )


@told(RefundUnclear)
def _unclear(dossier: Dossier, event: RefundUnclear) -> Text:
    return text(
        "It is not clear whether {amount} was refunded; the provider is asked: {because}",
        amount=_amount(dossier, event.refund_id),
        because=_because(event.because),
    )


@told(RefundHeld)
def _held(dossier: Dossier, event: RefundHeld) -> Text:
    return text(
        "Refund of {amount} waits for you: {because}",
        amount=_amount(dossier, event.refund_id),
        because=_because(event.because),
    )


@told(RefundHeld, to=CUSTOMER)
def _held_for_customer(dossier: Dossier, event: RefundHeld) -> Text:
    return text("The shop is looking at a refund of {amount}", amount=_amount(dossier, event.refund_id))


@told(RefundRefused)
def _refused(dossier: Dossier, event: RefundRefused) -> Text:
    return text(
        "Refund of {amount} was refused: {because}",
        amount=_amount(dossier, event.refund_id),
        because=_because(event.because),
    )


@told(RefundFellBack)
def _fell_back(dossier: Dossier, event: RefundFellBack) -> Text:
    return text(
        "{amount} waits for your bank transfer, since the provider cannot refund it any more: {because}",
        amount=_amount(dossier, event.refund_id),
        because=_because(event.because),
    )


@told(RefundHandedOver)
def _handed_over(dossier: Dossier, event: RefundHandedOver) -> Text:
    if not event.batch:
        return text("Bank transfer of {amount} taken out of its batch", amount=_amount(dossier, event.refund_id))
    return text(
        "Bank transfer of {amount} handed to the bank in batch {batch}",
        amount=_amount(dossier, event.refund_id),
        batch=event.batch,
    )


@told(RefundCancelAsked)
def _cancel_asked(dossier: Dossier, event: RefundCancelAsked) -> Text:
    return text("The provider is asked to cancel the refund of {amount}", amount=_amount(dossier, event.refund_id))


@told(RefundCancelRefused)
def _cancel_refused(dossier: Dossier, event: RefundCancelRefused) -> Text:
    return text(
        "The refund of {amount} cannot be cancelled any more: {because}",
        amount=_amount(dossier, event.refund_id),
        because=_because(event.because),
    )


@told(RefundReported)
def _reported(dossier: Dossier, event: RefundReported) -> Text:
    refund = dossier.refunds[event.refund_id]
    if refund.state is RefundState.AWAITING_MERCHANT:
        return text("{amount} waits for your bank transfer", amount=refund.amount)
    said = text(
        "Refund of {amount}: {state}, reference {reference}",
        amount=refund.amount,
        state=REFUND_WORDS[state_of(refund.reported)],
        reference=event.reference,
    )
    if event.beside:
        said = text("{said}; somebody here had said something else, so it counts as refunded for now", said=said)
    return _with(said, event.because, event.evidence)


@told(RefundReported, to=CUSTOMER)
def _reported_for_customer(dossier: Dossier, event: RefundReported) -> Text:
    refund = dossier.refunds[event.refund_id]
    if event.beside:
        return text("The shop is looking at a refund of {amount}", amount=refund.amount)
    return _for_customer(refund.amount, state_of(refund.reported), event.reference)


@told(ExternalRefundFound)
def _external_found(dossier: Dossier, event: ExternalRefundFound) -> Text:
    del dossier
    state = state_of(frozenset({event.status}))
    if state is RefundState.SUCCEEDED:
        said = text(
            "{amount} was refunded at the provider, reference {reference}; it was not requested from this shop",
            amount=event.amount,
            reference=event.reference,
        )
    else:
        said = text(
            "A refund of {amount} at the provider, reference {reference}: {state}; it was not requested from this shop",
            amount=event.amount,
            reference=event.reference,
            state=REFUND_WORDS[state],
        )
    return _with(said, None, event.evidence)


@told(ExternalRefundFound, to=CUSTOMER)
def _external_for_customer(dossier: Dossier, event: ExternalRefundFound) -> Text:
    del dossier
    return _for_customer(event.amount, state_of(frozenset({event.status})), event.reference)


@told(RefundCancelled)
def _cancelled(dossier: Dossier, event: RefundCancelled) -> Text:
    if event.because is None:
        return text("Refund of {amount} cancelled", amount=_amount(dossier, event.refund_id))
    return text(
        "Refund of {amount} cancelled: {because}",
        amount=_amount(dossier, event.refund_id),
        because=event.because.words,
    )


@told(RefundCancelled, to=CUSTOMER)
def _cancelled_for_customer(dossier: Dossier, event: RefundCancelled) -> Text | None:
    """Of a link that was opened in the shop he never read."""
    if dossier.refunds[event.refund_id].source is RefundSource.LINK:
        return None
    return text("Refund of {amount} cancelled", amount=_amount(dossier, event.refund_id))


@told(RefundMatched)
def _matched(dossier: Dossier, event: RefundMatched) -> Text:
    refund = dossier.refunds[event.refund_id]
    return text(
        "{amount} found at the provider is this refund, reference {reference}",
        amount=refund.amount,
        reference=refund.reference,
    )


@told(RefundConfirmed, to=EVERYBODY)
def _confirmed(dossier: Dossier, event: RefundConfirmed) -> Text:
    del dossier
    return text("{amount} refunded, reference {reference}", amount=event.amount, reference=event.reference)


@told(RefundSettled)
def _settled(dossier: Dossier, event: RefundSettled) -> Text:
    amount = _amount(dossier, event.refund_id)
    if event.happened:
        return text(
            "Refund of {amount} settled by hand: it was made, reference {reference}",
            amount=amount,
            reference=event.reference,
        )
    return text("Refund of {amount} settled by hand: it was not made", amount=amount)


@told(RefundPaidTwice)
def _paid_twice(dossier: Dossier, event: RefundPaidTwice) -> Text:
    return text(
        "{amount} went back twice: {one} and {other} were both made",
        amount=_amount(dossier, event.refund_id),
        one=_called(dossier, event.refund_id),
        other=_called(dossier, event.other_id),
    )


@told(RefundPaidOnce)
def _paid_once(dossier: Dossier, event: RefundPaidOnce) -> Text:
    return text(
        "{amount} went back once after all: {other} did not reach the customer",
        amount=_amount(dossier, event.refund_id),
        other=_called(dossier, event.other_id),
    )


@told(RefundReversed)
def _reversed(dossier: Dossier, event: RefundReversed) -> Text:
    return text(
        "The bank sent the {amount} back, reference {reference}",
        amount=_amount(dossier, event.refund_id),
        reference=event.reference,
    )


@told(RefundReversed, to=CUSTOMER)
def _reversed_for_customer(dossier: Dossier, event: RefundReversed) -> Text:
    return _for_customer(_amount(dossier, event.refund_id), RefundState.REVERSED, event.reference)


def _for_customer(amount: Money, state: RefundState, reference: str) -> Text:
    """What a provider says of a refund, as far as it concerns who gets the money."""
    if state is RefundState.SUCCEEDED:
        return text("{amount} refunded, reference {reference}", amount=amount, reference=reference)
    if state is RefundState.AWAITING_MERCHANT:
        return text("The shop transfers {amount} to you", amount=amount)
    if state is RefundState.PENDING:
        return text("Refund of {amount} is on its way", amount=amount)
    if state is RefundState.CANCELLED:
        return text("Refund of {amount} cancelled", amount=amount)
    return text("Refund of {amount} did not reach you; the shop looks into it", amount=amount)


def _with(said: Text, because: Reason | None, evidence: Evidence | None) -> Text:
    beside: list[Text | str] = []
    if because is not None:
        beside.append(because.words)
    if evidence is not None:
        beside.append(_EVIDENCE[evidence])
    return Text(message="{said} ({beside})", values={"said": said, "beside": beside}) if beside else said


def _because(reason: Reason | None) -> Text:
    return reason.words if reason is not None else text("no reason was given")


def _called(dossier: Dossier, refund_id: str) -> str:
    """What the provider or the bank calls a refund, else what we do."""
    refund = dossier.refunds.get(refund_id)
    return refund.reference or refund.id if refund is not None else refund_id


def _amount(dossier: Dossier, refund_id: str) -> Money:
    return dossier.refunds[refund_id].amount
