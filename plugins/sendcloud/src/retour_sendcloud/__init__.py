"""Sendcloud: its return portal, for goods that the customer sends back."""

from retour import hookimpl
from retour_sendcloud.provider import Sendcloud


@hookimpl
def shipping_providers() -> list[type[Sendcloud]]:
    """The one provider of this plugin."""
    return [Sendcloud]
