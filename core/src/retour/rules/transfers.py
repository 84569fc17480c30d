"""Refunds that go by bank transfer in place of the way the money came in: when they are offered, and with what."""

from __future__ import annotations

import datetime

from retour.model.actor import ActorKind
from retour.model.destinations import Consent, Destination, RefundDestination
from retour.model.dossier import Dossier
from retour.model.errors import ConsentMissing, WrongState
from retour.model.events.transfers import RefundConsentRecorded, RefundTransferPlanned
from retour.model.money import Money
from retour.model.order import BankAccount, Order, Payment
from retour.model.reasons import NEVER_AT_THE_PROVIDER, Reason, ReasonCode, reason
from retour.model.refunds import Refund, RefundSource, RefundState, Reported
from retour.model.text import Text, text
from retour.providers.capabilities import PaymentCapabilities
from retour.rules.amount_steps import known_step, less_than_a_step
from retour.rules.books import gone_since_decided, holds_up
from retour.rules.closed_ways import why_nobody_knows
from retour.rules.draft import Draft
from retour.rules.matching import why_no_longer
from retour.rules.refunds import cancel_waiting, check_decision

# --- deciding it -----------------------------------------------------------------------------------------


def plan_transfer(
    draft: Draft,
    order: Order,
    payment: Payment,
    amount: Money,
    to: BankAccount,
    consent: Consent | None,
    *,
    hold: Reason | None = None,
    return_id: str | None = None,
    instead_of: str | None = None,
    note: str | None = None,
) -> str:
    """Decide a refund that the merchant makes by bank transfer. Gives the refund's id.

    It counts on the payment that the money came in by, in no step of its provider. ``hold`` says why it waits for a
    person. ``instead_of`` is a refund that waits for the merchant, and is cancelled by this, or one that did not
    arrive.
    """
    draft.only(
        ActorKind.STAFF, ActorKind.SYSTEM, refusal=text("Order {order}: {actor} may not make a refund; staff may.")
    )
    if instead_of is not None:
        _take_the_place_of(draft, instead_of)
    check_decision(draft, order, payment, amount, return_id)
    refund_id = draft.new_id("rf")
    draft.record(
        RefundTransferPlanned(
            refund_id=refund_id,
            payment=payment.id,
            amount=amount,
            to=RefundDestination(kind=Destination.BANK_ACCOUNT, account_id=draft.account(order, to)),
            return_id=return_id,
            in_place_of=instead_of,
            hold=hold,
            note_id=draft.note(order, note),
            database_at=draft.earliest,
        )
    )
    if consent is not None:
        consent_note = draft.note(order, consent.note)
        draft.record(RefundConsentRecorded(refund_id=refund_id, how=consent.how, note_id=consent_note))
    return refund_id


def _take_the_place_of(draft: Draft, refund_id: str) -> None:
    """Replace a refund: one that waits is cancelled, of one that did not arrive there is nothing to cancel. Each is
    replaced once."""
    refund = draft.dossier.refund(refund_id)
    for other in draft.dossier.refunds.values():
        if other.in_place_of == refund_id and other.counts_against_payment:
            raise WrongState(
                text(
                    "Order {order}: refund {other} of {amount} was made in place of refund {refund} already.",
                    order=draft.dossier.order_id,
                    other=other.id,
                    amount=other.amount,
                    refund=refund_id,
                )
            )
    if refund.state not in (RefundState.FAILED, RefundState.REVERSED):
        cancel_waiting(draft, refund_id, reason(ReasonCode.REPLACED))


def check_consent(
    order: Order, payment: Payment, amount: Money, to: BankAccount, consent: Consent | None, *, by_transfer: bool
) -> None:
    """Raise `ConsentMissing` where money would go another way than it came in and nobody has recorded that the customer
    agreed: directive 2011/83/EU, article 13(1); BW 6:230r lid 2."""
    if consent is not None or not is_another_way(payment, to, by_transfer=by_transfer):
        return
    raise ConsentMissing(
        text(
            "Order {order}: {amount} of payment {payment} would go back another way than the customer paid, and that "
            "needs his consent. Ask him, and record how he agreed. Nothing was changed.",
            order=order.id,
            amount=amount,
            payment=payment.id,
        ),
        in_code="consent=Consent(how=ConsentWay.EMAIL)",
    )


def is_another_way(payment: Payment, to: BankAccount, *, by_transfer: bool) -> bool:
    """Whether money of a payment would go to an account another way than it came in. ``by_transfer`` says that refunds
    of such payments are bank transfers anyway: then that is so to another account than the order names as the payer's.
    """
    if not by_transfer:
        return True
    return payment.payer is not None and payment.payer.compact_iban != to.compact_iban


# --- when it is the way ----------------------------------------------------------------------------------


def is_past_window(payment: Payment, days: int | None, now: datetime.datetime) -> bool:
    """Whether a payment was made more calendar days ago than its provider refunds, wherever a day begins."""
    return (
        days is not None and payment.paid_at is not None and now - payment.paid_at > datetime.timedelta(days=days + 1)
    )


def why_by_transfer(
    dossier: Dossier,
    payment: Payment,
    amount: Money,
    declared: PaymentCapabilities | None,
    now: datetime.datetime,
) -> Reason | None:
    """Why an amount of a payment goes back by bank transfer and not by its provider; None where the provider can.

    By what the provider said when it was asked, by what it ``declared`` (currencies, days, ways of paying, steps; None
    where no plugin does), and by what became of the last refund there: one that did not reach the customer would not
    again.
    """
    because = dossier.not_refundable_because(payment.id)
    if because is not None and because.code in NEVER_AT_THE_PROVIDER:
        return because
    never = _why_never(dossier, payment, amount, declared, now) if declared is not None else None
    if never is not None:
        return never
    there = [one for one in dossier.on_payment(payment.id) if _was_tried_there(one)]
    return _why_it_did_not(there[-1]) if there else None


def _why_never(
    dossier: Dossier, payment: Payment, amount: Money, declared: PaymentCapabilities, now: datetime.datetime
) -> Reason | None:
    currency, method = payment.captured.currency, dossier.method_of(payment)
    if declared.currencies and currency not in declared.currencies:
        return reason(ReasonCode.CURRENCY_NOT_REFUNDED, currency=currency)
    if method in declared.never_refunded:
        return reason(ReasonCode.NOT_REFUNDABLE, method)
    if is_past_window(payment, declared.refund_window_days, now):
        return reason(ReasonCode.TOO_LATE)
    return less_than_a_step(amount, known_step(dossier, payment, declared))


def _was_tried_there(refund: Refund) -> bool:
    """Whether what became of a refund says something of the way back by its provider."""
    at_the_provider = refund.source in (RefundSource.API, RefundSource.EXTERNAL) or bool(refund.reported)
    return at_the_provider and refund.state is not RefundState.CANCELLED


def _why_it_did_not(refund: Refund) -> Reason | None:
    because = refund.problem
    if because is not None and because.code in NEVER_AT_THE_PROVIDER:
        return because
    if refund.state in (RefundState.FAILED, RefundState.REVERSED) and Reported.FAILED in refund.reported:
        return reason(ReasonCode.DID_NOT_ARRIVE, because.said if because is not None else "")
    return None


def why_not_transferred(dossier: Dossier, payment: Payment, refund: Refund) -> Reason | None:
    """Why a bank transfer that waits must not be made as things are now: with it, more would go back than is there, or
    the customer may get the money by a dispute, or a colleague refunded something since it was decided, or may have
    where nobody can see it, and nobody has let it go after that."""
    found = (
        why_no_longer(dossier, payment) if dossier.dispute(payment.id) is None else reason(ReasonCode.DISPUTED),
        gone_since_decided(dossier, payment, refund),
        why_nobody_knows(dossier, payment),
    )
    return next((because for because in found if because is not None and holds_up(because, refund)), None)


def refuse_transfer(dossier: Dossier, payment: Payment, refund: Refund) -> None:
    """Raise `WrongState` for a bank transfer that must not be made as things are now."""
    why = why_not_transferred(dossier, payment, refund)
    if why is not None:
        raise WrongState(
            text(
                "Order {order}: refund {refund} of {amount} must not be transferred as things are now: {why}. {advice}",
                order=dossier.order_id,
                refund=refund.id,
                amount=refund.amount,
                why=why.words,
                advice=instead_of_transferring(why),
            )
        )


def instead_of_transferring(why: Reason) -> Text:
    """What to do about a bank transfer that must not be made as things are now."""
    if why.code is ReasonCode.DISPUTED:
        return text("Wait until the dispute is decided; if the customer wins it, cancel this refund.")
    return text("Look at the other refunds of the payment; cancel this one, and refund anew what is still owed.")
