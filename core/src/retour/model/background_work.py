"""What is done in the background, in words: each kind of effect, by its stored name."""

from __future__ import annotations

from collections.abc import Mapping

from retour.model.text import Text, text

WORK_WORDS: Mapping[str, Text] = {
    "book_stock": text("Booking the stock in the shop"),
    "apply_stock": text("Booking the stock in the shop"),
    "send_refund": text("Sending a refund"),
    "fetch_refund": text("Asking the provider what became of a refund"),
    "cancel_refund": text("Asking the provider to cancel a refund"),
    "reconcile": text("Reading the refunds of a payment at the provider"),
    "provider_event": text("Recording what the provider reported of a refund"),
    "look_again": text("Asking the provider whether a refund stayed with the customer"),
    "make_label": text("Having a label made"),
    "look_at_label": text("Following a label and its parcel"),
    "shipment_event": text("Recording what the provider reported of a parcel"),
    "look_in_portal": text("Looking for returns that the customer made in a return portal"),
    "cancel_label": text("Asking the provider to cancel a label"),
    "announce": text("Telling a plugin what happened"),
}
"""Every kind of `retour.effects.kinds`."""


def work_in_words(kind: str) -> Text | str:
    """A kind of effect in words; one of a newer retour by its name."""
    return WORK_WORDS.get(kind, kind)
