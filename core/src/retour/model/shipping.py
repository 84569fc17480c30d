"""How goods come back: by a provider's return portal, with a label that the shop hands out, or sent by the customer."""

from __future__ import annotations

from enum import StrEnum

from retour.model.fields import Reference, checked
from retour.model.frozen import frozen
from retour.model.parcels import Address
from retour.model.text import Text


class ShippingWay(StrEnum):
    """The ways in which a customer can send goods back."""

    PORTAL = "portal"
    LABEL = "label"
    SELF = "self"


@frozen(kw_only=True, field_transformer=checked())
class ShippingOption:
    """One way to send the goods of an order back, in words for whoever sends them, and for a portal its ``url``.

    ``address`` is where goods come back to, for a customer who sends them himself; None where the shop has not said.
    """

    way: ShippingWay
    provider: Reference
    label: Text
    instruction: Text
    url: str = ""
    address: Address | None = None
