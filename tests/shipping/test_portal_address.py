"""The customer is led to an https page of a return portal, or is told that he sends the goods himself."""

from __future__ import annotations

from typing import Any

import attrs
import pytest

from retour import MemoryShop, ReturnDesk, hookimpl
from retour.model.order import Delivery, Paid
from retour.model.shipping import ShippingOption, ShippingWay
from retour.providers import ShippingCapabilities, Support, TextDomain
from retour.testing import a_line, an_order

text = TextDomain("retour_parcels").text


@attrs.frozen(kw_only=True)
class NoSettings:
    """It needs none."""


class Parcels:
    name = display_name = "parcels"
    api = 2
    settings_type = NoSettings
    capabilities = ShippingCapabilities(portal=Support.YES)
    url = ""

    def __init__(self, settings: NoSettings, http: object) -> None:
        del settings, http

    def portal_url(self, order: object) -> ShippingOption:
        words = text("Open the link")
        return ShippingOption(way=ShippingWay.PORTAL, provider="parcels", label=words, instruction=words, url=self.url)


@pytest.mark.parametrize(
    "url, ways",
    [
        ("https://parcels.example/returns", ["portal", "self"]),
        ("http://parcels.example/returns", ["self"]),
        ("javascript:alert(1)", ["self"]),
        ("", ["self"]),
    ],
)
def test_a_portal_is_shown_where_its_address_is_https(url: str, ways: list[str]) -> None:
    class Plugin:
        name = "parcels"

        @hookimpl
        def shipping_providers(self) -> list[Any]:
            return [type("OneParcels", (Parcels,), {"url": url})]

    sent = Delivery(provider="parcels", paid=Paid.of("4.95", "EUR"))
    shop = MemoryShop([an_order(a_line("cup", 4, "100.00"), delivery=sent)])
    desk = ReturnDesk(shop=shop, store="sqlite://", plugins=[Plugin()])
    try:
        assert [one.way.value for one in desk.shipping_options("1001")] == ways
    finally:
        desk.close()
