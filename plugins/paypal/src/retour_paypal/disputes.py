"""What a capture says of a dispute and of a charge-back: its status, and the reason of that.

That is all there is: PayPal's disputes API is not in the descriptions of Payments v2 and Orders v2, and no field of a
capture says how much of it was taken back (https://developer.paypal.com/docs/api/payments/v2/).
"""

from __future__ import annotations

from collections.abc import Sequence

from retour.providers import Disposition, ErrorCode, Money, ProviderError, RefundResult, TextDomain
from retour_paypal.wire import WireCapture

text = TextDomain("retour_paypal").text

DISPUTED = "BUYER_COMPLAINT"
"""The payer disputes the capture at PayPal (schema ``capture_status_details``). Nothing says what becomes of it."""

CHARGED_BACK = "CHARGEBACK"
"""The bank took the capture back: "The captured funds were reversed in response to the payer disputing this captured
payment with the issuer of the financial instrument used to pay" (the same schema, in PayPal's own words)."""

_HELD = ("PENDING", "DECLINED", "FAILED")
"""What a capture can be while it is disputed, and then has nothing to refund."""

_CALLED_REFUNDED = {"PARTIALLY_REFUNDED": "partly refunded", "REFUNDED": "refunded"}
"""What a capture is called of which something went back, and one under an open dispute of which nothing did
(https://github.com/paypal/Checkout-NodeJS-SDK/issues/31)."""


def charged_back(capture: WireCapture, paid: Money) -> Money | None:
    """What a bank took back of a capture: all that was ``paid``, since nothing says of a part; None where PayPal does
    not say, as while the payer disputes it."""
    if capture.reason == CHARGED_BACK:
        return paid
    return None if capture.reason == DISPUTED or capture.status in _HELD else Money.zero(paid.currency)


def in_the_way(capture: WireCapture, refunds: Sequence[RefundResult] | None) -> str:
    """Which dispute is in the way of every refund of a capture; empty where none is known to be.

    While one is open PayPal refunds the whole payment and no part of it; its refusal says so. One that is called
    refunded, and of which PayPal shows no refund, is for a person: what became of its money is not known.
    """
    if capture.reason == CHARGED_BACK:
        return str(
            text(
                "the customer's bank took this payment back, and PayPal does not say how much of it: look at the case "
                "in PayPal's Resolution Center"
            )
        )
    if capture.reason == DISPUTED and capture.status in _HELD:
        return str(
            text(
                "the customer disputes this payment at PayPal, which calls it {status} meanwhile: answer the case in "
                "PayPal's Resolution Center",
                status=capture.status,
            )
        )
    called = _CALLED_REFUNDED.get(capture.status)
    if called and refunds is not None and not refunds:
        return str(
            text(
                "PayPal calls this payment {status}, and shows no refund of it: a dispute may be open, or have taken "
                "it. Look at the payment at PayPal",
                status=called,
            )
        )
    return ""


def why_in_the_way(capture: WireCapture) -> ErrorCode:
    """The same in our terms: what a bank took back is decided, anything else is a dispute that may be open."""
    return ErrorCode.NOT_REFUNDABLE if capture.reason == CHARGED_BACK else ErrorCode.DISPUTED


def not_shown(capture: WireCapture) -> ProviderError:
    """The error about a capture whose refunds, if it has any, PayPal shows nowhere, in words that say what is so."""
    known = {CHARGED_BACK: "the customer's bank took it back", DISPUTED: "the customer disputes it"}
    because = known.get(capture.reason)
    return ProviderError(
        why_in_the_way(capture) if because else ErrorCode.NOT_REFUNDABLE,
        f"PayPal calls capture {capture.id} {capture.status}, {because or 'as it also does while a dispute is open'}, "
        "and does not say in which order it is: look at it at PayPal, and refund it there",
        disposition=Disposition.RECONCILE,  # which of ours were made is not known
    )
