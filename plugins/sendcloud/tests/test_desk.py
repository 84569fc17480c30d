"""The plugin in a desk: the ways in which a customer can send goods back, and settings that are wrong."""

from __future__ import annotations

import pytest

from retour import Delivery, MemoryShop, Paid, RetourError, ReturnDesk
from retour.testing import a_line, an_order


def a_desk(
    settings: object = None, *, sent_with: str = "sendcloud", plugins: tuple[str, ...] = ("sendcloud",)
) -> ReturnDesk:
    delivery = Delivery(paid=Paid.of("4.95", "EUR"), provider=sent_with, number="1001", postal_code="1234 AB")
    shop = MemoryShop([an_order(a_line("teapot"), delivery=delivery)])
    return ReturnDesk(
        shop=shop, store="sqlite://", plugins=plugins, settings=None if settings is None else {"sendcloud": settings}
    )


def ways(desk: ReturnDesk) -> list[str]:
    return [option.way.value for option in desk.shipping_options("1001")]


def test_the_portal_comes_first_and_sending_it_oneself_second():
    portal, myself = a_desk({"brand": "my-shop"}).shipping_options("1001")
    assert portal.url == "https://my-shop.shipping-portal.com/rp/?postal_code=1234%20AB&identifier=1001"
    assert (portal.provider, myself.way.value, myself.url) == ("sendcloud", "self", "")


def test_an_order_that_was_sent_without_a_provider_can_only_be_sent_back_by_the_customer():
    assert ways(a_desk({"brand": "my-shop"}, sent_with="")) == ["self"]


def test_without_the_plugin_the_customer_can_still_send_it_himself():
    assert ways(a_desk(plugins=())) == ["self"]


def test_without_settings_the_customer_can_still_send_it_himself():
    assert ways(a_desk()) == ["self"]


@pytest.mark.parametrize(
    "brand",
    ["My-Shop", "my shop", "my.shop", "my-shop.example/", "-my-shop", "my-shop-", "mijn_shop", "müsli", "a" * 64],
)
def test_a_brand_that_is_no_domain_name_is_refused(brand: str):
    with pytest.raises(RetourError, match=r"sendcloud\.brand: must be lower-case letters, digits and hyphens"):
        a_desk({"brand": brand})


@pytest.mark.parametrize("brand", ["my-shop", "shop24", "a", "a" * 63])
def test_a_domain_name_is_a_brand(brand: str):
    assert ways(a_desk({"brand": brand})) == ["portal", "self"]


@pytest.mark.parametrize(
    "address",
    [
        "http://returns.example/",
        "returns.example",
        "javascript:alert(1)",
        "https://",
        "https://returns.example/?shop=1",
        "https://returns.example/#start",
        "https://user:word@returns.example/",
        "https://returns.example/\nHost: evil",
        ' https://returns.example/"onclick=',
    ],
)
def test_a_portal_that_is_no_plain_https_address_is_refused(address: str):
    with pytest.raises(RetourError, match=r"sendcloud\.portal_url: must be an address that begins with https://"):
        a_desk({"portal_url": address})


@pytest.mark.parametrize("address", ["https://returns.example", "https://returns.example:8443/nl/start~1"])
def test_a_plain_https_address_is_a_portal(address: str):
    assert ways(a_desk({"portal_url": address})) == ["portal", "self"]


@pytest.mark.parametrize(
    "settings",
    [
        {"brand": "My Shop", "portal_url": "http://returns.example/"},
        {"brand": 1, "portal_url": None},
        {"brand": ["my-shop"], "portal_url": "returns.example"},
    ],
)
def test_every_fault_in_the_settings_is_told_at_once_with_the_name_of_its_field(settings: dict[str, object]):
    with pytest.raises(RetourError, match=r"sendcloud\.brand: must be .*; sendcloud\.portal_url: must be "):
        a_desk(settings)


def test_a_setting_that_does_not_exist_is_refused():
    with pytest.raises(RetourError, match=r"sendcloud\.api_key: is no setting"):
        a_desk({"api_key": "x"})
