"""What the disputes of a charge mean for its money: what the bank took for good, and whether Stripe refunds now.

A charge says ``disputed`` for ever, also after its dispute was won; only the dispute says how it is now (schema
``dispute``; https://github.com/Automattic/woocommerce-payments/issues/4931).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import attrs

from retour.providers import ErrorCode, Mode, Money, ProviderError, Text, TextDomain, refuse_another
from retour_stripe.api import Api
from retour_stripe.money import from_wire
from retour_stripe.wire import Charge, Dispute, DisputeList

text = TextDomain("retour_stripe").text

MOST_DISPUTES = 100
"""Disputes of a charge that are read, on one page; a charge has one, seldom two."""

_INQUIRIES = ("warning_needs_response", "warning_under_review", "warning_closed")
_OPEN = ("needs_response", "under_review")
_DECIDED = ("won", "lost", "warning_closed")


@attrs.frozen(kw_only=True)
class Disputed:
    """What is known of a disputed charge: how much its bank took for good, None where that cannot be told, why nothing
    of it can be refunded now, empty where that can be, and whether something is ``undecided`` still."""

    charged_back: Money | None
    reason: str = ""
    undecided: bool = False

    @property
    def code(self) -> ErrorCode | None:
        """The same in our terms; None where it can be refunded. What is decided stays as it is."""
        if not self.reason:
            return None
        return ErrorCode.DISPUTED if self.undecided else ErrorCode.NOT_REFUNDABLE


def read_disputes(api: Api, charge: Charge, mode: Mode) -> Disputed:
    """Ask for the disputes of a charge that has some, with one question.

    Raises `ProviderError` where Stripe cannot be asked, and for an answer about another charge or mode.
    """
    query = {"charge": charge.id, "limit": str(MOST_DISPUTES)}
    try:
        page = api.get(DisputeList, "disputes", query)
    except ProviderError as error:
        if error.http_status != 403 or error.code is not ErrorCode.AUTHENTICATION:
            raise
        return _nobody_knows(
            text(
                "the payment is disputed, and this restricted key may not read disputes: give it the permission to "
                "read Disputes in the Stripe dashboard"
            )
        )
    found = {dispute.id: dispute for dispute in page.data}  # each once, however often it stands there
    for dispute in found.values():
        if dispute.livemode is not (mode is Mode.LIVE):
            raise ProviderError(ErrorCode.CONFIGURATION, f"Stripe's answer is not of {mode} mode")
        refuse_another("charge", asked=charge.id, found=dispute.charge)
    if page.has_more:
        return _nobody_knows(
            text(
                "the payment has more than {number} disputes: look at them in the Stripe dashboard",
                number=MOST_DISPUTES,
            )
        )
    return judge(charge, list(found.values()))


def judge(charge: Charge, disputes: Sequence[Dispute]) -> Disputed:
    """What all disputes of a charge say together: those that were lost count as taken, each with its own amount, and
    each has to let a refund through.

    What a dispute says about another currency, or about no amount, is believed of none: a person looks.
    """
    if not disputes:
        return _nobody_knows(
            text("Stripe calls the payment disputed and shows no dispute of it: look at it in the Stripe dashboard")
        )
    captured = from_wire(charge.amount_captured, charge.currency)
    for dispute in disputes:
        amount = _amount(dispute)
        if amount.currency != captured.currency or amount.minor <= 0:
            return _nobody_knows(
                text(
                    "Stripe has dispute {dispute} of {amount} on a payment of {captured}, which cannot be counted: "
                    "look at it in the Stripe dashboard",
                    dispute=dispute.id,
                    amount=str(amount),
                    captured=str(captured),
                )
            )
    taken = min(_taken(disputes, captured), captured)
    reasons = [why for dispute in disputes if (why := _why_not(dispute))]
    undecided = any(dispute.status not in _DECIDED for dispute in disputes)
    return Disputed(charged_back=taken, reason="; ".join(dict.fromkeys(reasons)), undecided=undecided)


def _taken(disputes: Iterable[Dispute], captured: Money) -> Money:
    """What was lost. Where currencies moved that can be more than was captured, and is all of it then."""
    return sum([_amount(one) for one in disputes if one.status == "lost"], Money.zero(captured.currency))


def _why_not(dispute: Dispute) -> str:
    """Why a dispute is in the way of a refund; empty where it is not.

    One that was won is not, whatever it says besides: the money is with the merchant, and a refund that Stripe does not
    want it refuses (https://github.com/Automattic/woocommerce-payments/issues/7960).
    """
    which = {"dispute": dispute.id, "amount": str(_amount(dispute))}
    if dispute.status == "won" or (dispute.is_charge_refundable and dispute.status in (*_INQUIRIES, "lost")):
        return ""
    if dispute.status == "lost":
        why = text("dispute {dispute} of {amount} was lost, and Stripe refunds nothing more of the payment", **which)
    elif dispute.status == "warning_closed":
        why = text("inquiry {dispute} of {amount} is closed, and Stripe refunds nothing more of the payment", **which)
    elif dispute.status in _INQUIRIES:
        why = text(
            "the customer's bank has a question about the payment (inquiry {dispute} of {amount}), and Stripe "
            "refunds nothing meanwhile: answer it in the Stripe dashboard",
            **which,
        )
    elif dispute.status in _OPEN:
        why = text(
            "a dispute is open ({dispute}, {amount}): answer it in the Stripe dashboard, and refund once it is won",
            **which,
        )
    else:
        why = text(
            "Stripe calls dispute {dispute} of {amount} {status}: look at it in the Stripe dashboard",
            status=dispute.status,
            **which,
        )
    return str(why)


def _amount(dispute: Dispute) -> Money:
    return from_wire(dispute.amount, dispute.currency)


def _nobody_knows(reason: Text) -> Disputed:
    return Disputed(charged_back=None, reason=str(reason), undecided=True)
