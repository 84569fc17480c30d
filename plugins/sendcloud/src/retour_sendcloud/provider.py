"""Sendcloud's return portal: the customer chooses what goes back and why, and gets a label."""

from __future__ import annotations

from typing import ClassVar
from urllib.parse import quote, urlencode

from retour.providers import (
    Order,
    ProviderSession,
    ShippingCapabilities,
    ShippingOption,
    ShippingWay,
    Support,
    TextDomain,
)
from retour_sendcloud.settings import Settings

text = TextDomain("retour_sendcloud").text


class Sendcloud:
    """Parcels that were sent with Sendcloud.

    The portal is there in part: we write its link ourselves, in the form that is seen in the wild. Only Sendcloud's
    API knows whether a shipment has a portal (https://sendcloud.dev/api/v3/shipments, ``return-portal-url``).
    """

    name: ClassVar[str] = "sendcloud"
    display_name: ClassVar[str] = "Sendcloud"
    api: ClassVar[int] = 2
    settings_type: ClassVar[type[Settings]] = Settings
    capabilities: ClassVar[ShippingCapabilities] = ShippingCapabilities(portal=Support.PARTIAL, labels=Support.NOT_YET)

    def __init__(self, settings: Settings, http: ProviderSession) -> None:
        del http  # the portal's link is written here: nothing is asked
        self.settings = settings

    def portal_url(self, order: Order) -> ShippingOption | None:
        """The portal for the parcel of ``order``, or None where the shop has no portal.

        The portal finds a parcel by postal code and by order or tracking number
        (https://sendcloud.dev/api/v2/return-portal). Where we miss one of them, the customer fills in both.
        """
        portal, delivery = self.settings.portal, order.delivery
        if not portal:
            return None
        parcel = {}
        if delivery is not None:
            parcel = {"postal_code": delivery.postal_code.strip(), "identifier": delivery.number.strip()}
        if parcel and all(parcel.values()):
            url = f"{portal}?{urlencode(parcel, quote_via=quote, safe='')}"
            instruction = text(
                "Open the link and choose the products and the reason. The portal then gives a label for the parcel."
            )
        else:
            url = portal
            instruction = text(
                "Open the link, fill in the order number and the postal code, and choose the products and the reason. "
                "The portal then gives a label for the parcel."
            )
        return ShippingOption(
            way=ShippingWay.PORTAL,
            provider=self.name,
            label=text("Get a return label"),
            instruction=instruction,
            url=url,
        )
