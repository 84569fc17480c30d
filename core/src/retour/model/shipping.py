"""How goods come back: by a provider's return portal, with a label that the shop hands out, or sent by the customer."""

from __future__ import annotations

from enum import StrEnum

from retour.model.fields import Reference, checked
from retour.model.frozen import frozen
from retour.model.parcels import Address
from retour.model.text import Text


class ShippingWay(StrEnum):
    """The ways in which a customer can send goods back."""

    PORTAL = "portal"  #: the provider's return portal
    LABEL = "label"  #: a label that the shop makes
    SELF = "self"  #: the customer sends it himself


@frozen(kw_only=True, field_transformer=checked())
class ShippingOption:
    """One way to send the goods of an order back, in words for whoever sends them.

    >>> from retour.model.text import text
    >>> portal = ShippingOption(
    ...     way=ShippingWay.PORTAL, provider="acme",
    ...     label=text("Make a label"), instruction=text("Choose a drop-off point."),
    ...     url="https://returns.example/1001",
    ... )
    >>> portal.way.value
    'portal'
    """

    way: ShippingWay
    """Which of the ways it is."""

    provider: Reference
    """The plugin's name; empty for one that needs none."""

    label: Text
    """The words for a button."""

    instruction: Text
    """What to do, in a sentence or two."""

    url: str = ""
    """The page of a portal, or where the label is; empty where there is none to open."""

    address: Address | None = None
    """Where goods come back to, for a customer who sends them himself; None where the shop has not said."""
