"""What Sendcloud's words for a parcel mean to us.

Of a return it says the ``parent_status`` (parameter ``parent_parcel_status`` of ``GET /returns``), in a webhook the
words that people read. What each means: https://sendcloud.dev/docs/tracking/tracking-statuses."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import attrs

from retour.providers import ParcelState, Told


@attrs.frozen
class Meaning:
    """How far the label is and how far the parcel is; None where the word says nothing of it."""

    told: Told | None
    progress: ParcelState | None = None


_READY = Meaning(Told.READY, ParcelState.NOT_SENT)
_ON_ITS_WAY = Meaning(Told.READY, ParcelState.ON_ITS_WAY)
_PROBLEM = Meaning(Told.READY, ParcelState.PROBLEM)
_CHANGED = Meaning(Told.READY)

MEANINGS: Mapping[str, Meaning] = {
    "no-label": Meaning(Told.ANNOUNCING, ParcelState.NOT_SENT),
    "announcing": Meaning(Told.ANNOUNCING, ParcelState.NOT_SENT),
    "announced": _READY,
    "ready-to-send": _READY,
    "announced-uncollected": _READY,
    "announcement-failed": Meaning(Told.REFUSED, ParcelState.NOT_SENT),
    "collect-error": _PROBLEM,
    "picked-up-by-driver": _ON_ITS_WAY,
    "shipment-on-route": _ON_ITS_WAY,
    "to-sorting": _ON_ITS_WAY,
    "at-sorting-centre": _ON_ITS_WAY,
    "sorting": _ON_ITS_WAY,
    "sorted": _ON_ITS_WAY,
    "unsorted": _ON_ITS_WAY,
    "unsorted2": _ON_ITS_WAY,
    "at-customs": _ON_ITS_WAY,
    "driver-on-route": _ON_ITS_WAY,
    "delayed": Meaning(Told.READY, ParcelState.DELAYED),
    "delivery-failed": Meaning(Told.READY, ParcelState.DELAYED),  # an attempt: there will be another
    "awaiting-customer-pickup": Meaning(
        Told.READY, ParcelState.AT_PICKUP_POINT
    ),  # the customer is who gets it: the shop
    "collected-by-customer": Meaning(Told.READY, ParcelState.DELIVERED),
    "delivered": Meaning(Told.READY, ParcelState.DELIVERED),
    "refused-by-recipient": _PROBLEM,
    "undeliverable": _PROBLEM,
    "address-invalid": _PROBLEM,
    "exception": _PROBLEM,  # lost, damaged, destroyed: only the carrier's words tell which
    "returned-to-sender": Meaning(Told.READY, ParcelState.RETURNED_TO_SENDER),
    "cancelling": Meaning(Told.CANCELLING),
    "cancelling-upstream": Meaning(Told.CANCELLING),
    "cancelled-upstream": Meaning(Told.CANCELLING),  # it still waits for the carrier to say "cancelled"
    "cancelled": Meaning(Told.CANCELLED, ParcelState.CANCELLED),
    "delivery-method-changed": _CHANGED,
    "delivery-date-changed": _CHANGED,
    "delivery-address-changed": _CHANGED,
    # No page says what it means: it is kept, and not taken for delivered.
    "delivery-forced": Meaning(None, ParcelState.UNKNOWN),
    "unknown": Meaning(None, ParcelState.UNKNOWN),
}

WORDS: Mapping[str, str] = {
    "address invalid": "address-invalid",
    "announced": "announced",
    "announced: not collected": "announced-uncollected",
    "announcement failed": "announcement-failed",
    "at customs": "at-customs",
    "at sorting centre": "at-sorting-centre",
    "awaiting customer pickup": "awaiting-customer-pickup",
    "being announced": "announcing",
    "being sorted": "sorting",
    "cancellation requested": "cancelling",
    "cancelled": "cancelled",
    "cancelled upstream": "cancelled-upstream",
    "delivered": "delivered",
    "delivery address changed": "delivery-address-changed",
    "delivery attempt failed": "delivery-failed",
    "delivery date changed": "delivery-date-changed",
    "delivery delayed": "delayed",
    "delivery method changed": "delivery-method-changed",
    "driver en route": "driver-on-route",
    "en route to sorting center": "to-sorting",
    "error collecting": "collect-error",
    "exception": "exception",
    "no label": "no-label",
    "not sorted": "unsorted",
    "parcel en route": "shipment-on-route",
    "ready to send": "ready-to-send",
    "refused by recipient": "refused-by-recipient",
    "returned to sender": "returned-to-sender",
    "shipment collected by customer": "collected-by-customer",
    "shipment picked up by driver": "picked-up-by-driver",
    "sorted": "sorted",
    "submitting cancellation request": "cancelling-upstream",
    "unable to deliver": "undeliverable",
}
"""The words of a webhook. Its number beside them is not read: the one example of it (id 1, "Ready to send") is the
number of another status."""

RETURN_STATUSES: Mapping[str, Told] = {
    "requested": Told.ANNOUNCING,
    "awaiting_payment": Told.ANNOUNCING,
    "payment_failed": Told.ANNOUNCING,  # the customer can pay again
    "request_rejected": Told.REFUSED,
}
"""What ``status`` says of a return that is not ``open`` (schema ``Return``): it stands before that of its parcel."""


def parent_status(words: str) -> str:
    """The ``parent_status`` that people read as ``words``; the words themselves where none is known."""
    return WORDS.get(words.strip().casefold(), words)


def standing(history: Sequence[str]) -> Meaning:
    """What the statuses of a parcel, the oldest first, come to: of each half the last that says something of it.

    What no word tells is that nothing is known to be ready, and that nobody knows where the parcel is.
    """
    told: Told | None = None
    progress: ParcelState | None = None
    for status in history:
        meaning = MEANINGS.get(status, Meaning(None, ParcelState.UNKNOWN))
        told, progress = meaning.told or told, meaning.progress or progress
    return Meaning(told or Told.ANNOUNCING, progress or ParcelState.UNKNOWN)
