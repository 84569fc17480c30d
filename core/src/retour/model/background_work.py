"""What is done in the background, in words: each kind of effect, by its stored name."""

from __future__ import annotations

from collections.abc import Mapping

from retour.model.text import Text, text

WORK_WORDS: Mapping[str, Text] = {
    "book_stock": text("booking the stock in the shop"),
    "apply_stock": text("booking the stock in the shop"),
    "send_refund": text("sending a refund"),
    "fetch_refund": text("asking the provider what became of a refund"),
    "cancel_refund": text("asking the provider to cancel a refund"),
    "reconcile": text("reading the refunds of a payment at the provider"),
    "provider_event": text("recording what the provider reported of a refund"),
    "look_again": text("asking the provider whether a refund stayed with the customer"),
    "make_label": text("having a label made"),
    "look_at_label": text("following a label and its parcel"),
    "shipment_event": text("recording what the provider reported of a parcel"),
    "look_in_portal": text("looking for returns that the customer made in a return portal"),
    "cancel_label": text("asking the provider to cancel a label"),
    "announce": text("telling a plugin what happened"),
}
"""Every kind of `retour.effects.kinds`."""


def work_in_words(kind: str) -> Text | str:
    """A kind of effect in words; one of a newer retour by its name."""
    return WORK_WORDS.get(kind, kind)
