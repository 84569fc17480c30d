"""What happened to refunds of one order with two payments of EUR 100.00, with what a test is not about filled in."""

from __future__ import annotations

import datetime

from drafts import eur

from retour import Actor, Money, Order
from retour.model.events.charge_backs import PaymentChargedBack
from retour.model.events.event import Event
from retour.model.events.money import (
    ExternalRefundFound,
    RefundConfirmed,
    RefundHeld,
    RefundLinkOpened,
    RefundPaidTwice,
    RefundPlanned,
    RefundRefused,
    RefundReported,
    RefundSettled,
    RefundUnclear,
)
from retour.model.reasons import Reason, ReasonCode, reason
from retour.model.refunds import RefundInstruction, Reported
from retour.rules.matching import ReportedRefund
from retour.testing import a_line, a_payment, an_order

ORDER: Order = an_order(
    a_line("cup", 2, "200.00"),
    payments=[a_payment("100.00", reference="p_1"), a_payment("100.00", reference="p_2")],
)
ONE, OTHER = ORDER.payments
MOLLIE = Actor.provider("mollie")


def planned(
    refund_id: str,
    amount: str = "40.00",
    payment: str = ONE.id,
    *,
    currency: str = "EUR",
    hold: str | Reason | None = None,
    database_at: datetime.datetime | None = None,
) -> RefundPlanned:
    """A refund by API was decided, and is being sent unless it is on ``hold``."""
    return RefundPlanned(
        refund_id=refund_id,
        payment=payment,
        amount=Money.of(amount, currency),
        sent=RefundInstruction(target="p_1", key=refund_id, description="Return"),
        hold=hold,
        database_at=database_at,
    )


def linked(
    refund_id: str,
    amount: str = "40.00",
    payment: str = ONE.id,
    *,
    by_transfer: bool = False,
    lacks_consent: bool = False,
) -> RefundLinkOpened:
    """A person opened the link, or took the bank transfer."""
    return RefundLinkOpened(
        refund_id=refund_id,
        payment=payment,
        amount=eur(amount),
        by_transfer=by_transfer,
        lacks_consent=lacks_consent,
    )


def confirmed(
    refund_id: str, reference: str, amount: str = "40.00", *, in_place_of: str | None = None
) -> RefundConfirmed:
    """A person said that he made it."""
    return RefundConfirmed(
        refund_id=refund_id, payment=ONE.id, amount=eur(amount), reference=reference, in_place_of=in_place_of
    )


def external(
    refund_id: str,
    reference: str = "re_9",
    amount: str = "40.00",
    *,
    payment: str = ONE.id,
    currency: str = "EUR",
    status: Reported = Reported.SUCCEEDED,
) -> ExternalRefundFound:
    """It was found at the provider, where a colleague made it."""
    return ExternalRefundFound(
        refund_id=refund_id, payment=payment, amount=Money.of(amount, currency), status=status, reference=reference
    )


def reported(refund_id: str, status: Reported = Reported.SUCCEEDED, reference: str = "re_1") -> RefundReported:
    """The provider said what became of it."""
    return RefundReported(refund_id=refund_id, status=status, reference=reference)


def unclear(refund_id: str) -> RefundUnclear:
    """No answer came."""
    return RefundUnclear(refund_id=refund_id, because=reason(ReasonCode.OUTCOME_UNKNOWN))


def settled(refund_id: str, *, happened: bool) -> list[Event]:
    """No answer came, and a person said what became of it."""
    return [unclear(refund_id), RefundSettled(refund_id=refund_id, happened=happened)]


def held(refund_id: str, because: str | Reason = "look at it") -> RefundHeld:
    """It waits for a person."""
    return RefundHeld(refund_id=refund_id, because=because)


def failed(refund_id: str) -> RefundRefused:
    """The provider refused it for good."""
    return RefundRefused(refund_id=refund_id, because=reason(ReasonCode.INVALID_REQUEST))


def twice(refund_id: str, other_id: str) -> RefundPaidTwice:
    """It and the other were both made."""
    return RefundPaidTwice(refund_id=refund_id, other_id=other_id)


def taken_back(amount: str, payment: str = ONE.id) -> PaymentChargedBack:
    """The customer's bank has taken back so much of a payment in all."""
    return PaymentChargedBack(payment=payment, amount=eur(amount))


def seen(
    reference: str,
    status: Reported = Reported.SUCCEEDED,
    amount: str = "40.00",
    *,
    currency: str = "EUR",
    ours: str = "",
) -> ReportedRefund:
    """A refund as the provider shows it; one that carries our id is ``ours``."""
    return ReportedRefund(reference=reference, status=status, amount=Money.of(amount, currency), refund_id=ours)
