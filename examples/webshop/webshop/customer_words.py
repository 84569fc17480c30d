"""What a customer reads where something could not be done. The desk's own sentence is for staff: it names what they can
do about it, and he cannot."""

from __future__ import annotations

from flask_babel import gettext as _

from retour import Busy, InvalidQuantity, ProviderUnavailable, RequestReused, RetourError, StoreUnavailable, WrongState


def sentence_for_customer(error: RetourError) -> str:
    """The error in words for him, in his language."""
    if isinstance(error, RequestReused):
        return str(_("This form was sent before, with something else in it. What was sent first is saved."))
    if isinstance(error, WrongState):
        return str(_("That is no longer possible. This page shows how it is now."))
    if isinstance(error, ProviderUnavailable):
        return str(_("The carrier's service does not answer at the moment. Try again in a few minutes."))
    if isinstance(error, Busy | StoreUnavailable):
        return str(_("It is busy at the moment. Try again in a minute."))
    if isinstance(error, InvalidQuantity):
        return str(_("Not so many units can come back. Look again at what you chose."))
    return str(_("That could not be done. Look again at what you typed, or ask the shop."))
