"""The link to the return portal."""

from __future__ import annotations

import json
from collections.abc import Callable
from urllib.parse import parse_qs, urlsplit

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from retour import Paid
from retour.providers import (
    Delivery,
    ErrorCode,
    Order,
    ProviderError,
    ProviderSession,
    ShippingOption,
    ShippingWay,
    Support,
)
from retour.sandbox import Fault, SandboxRequest, SandboxResponse
from retour.testing import a_line, an_order
from retour_sendcloud.provider import Sendcloud
from retour_sendcloud.sandbox import SendcloudSandbox
from retour_sendcloud.settings import Settings

MY_SHOP = Settings(brand="my-shop")
START_PAGE = "https://my-shop.shipping-portal.com/rp/"


def an_order_sent_to(postal_code: str, number: str) -> Order:
    delivery = Delivery(paid=Paid.of("4.95", "EUR"), provider="sendcloud", number=number, postal_code=postal_code)
    return an_order(a_line("teapot"), delivery=delivery)


def portal(settings: Settings, order: Order) -> ShippingOption:
    option = Sendcloud(settings, ProviderSession()).portal_url(order)
    assert option is not None
    assert (option.way, option.provider) == (ShippingWay.PORTAL, "sendcloud")
    return option


@pytest.mark.parametrize(
    ("postal_code", "number", "query"),
    [
        ("1234AB", "1001", "postal_code=1234AB&identifier=1001"),
        ("1234 AB", "3SABCD0123456789", "postal_code=1234%20AB&identifier=3SABCD0123456789"),
        (" 1234 AB ", " 1001 ", "postal_code=1234%20AB&identifier=1001"),
        ("1234 AB&x=1", "1001", "postal_code=1234%20AB%26x%3D1&identifier=1001"),
        ("1234AB#", "#1001/7?a", "postal_code=1234AB%23&identifier=%231001%2F7%3Fa"),
        ("1234AB\r\nSet-Cookie: a", "+1", "postal_code=1234AB%0D%0ASet-Cookie%3A%20a&identifier=%2B1"),
        ("ÅÄ", "ü", "postal_code=%C3%85%C3%84&identifier=%C3%BC"),
    ],
)
def test_the_link_opens_the_portal_at_the_order(postal_code: str, number: str, query: str):
    assert portal(MY_SHOP, an_order_sent_to(postal_code, number)).url == f"{START_PAGE}?{query}"


KEPT = st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=254)
"""Whatever an order can hold."""


@given(postal_code=KEPT, number=KEPT)
def test_whatever_the_order_holds_only_the_two_values_of_the_link_change(postal_code: str, number: str):
    url = portal(MY_SHOP, an_order_sent_to("x" + postal_code, number + "x")).url
    parts = urlsplit(url)
    assert f"{parts.scheme}://{parts.netloc}{parts.path}" == START_PAGE
    assert parse_qs(parts.query) == {
        "postal_code": [("x" + postal_code).strip()],
        "identifier": [(number + "x").strip()],
    }


@pytest.mark.parametrize(("postal_code", "number"), [("", "1001"), ("1234AB", ""), ("", ""), (" ", "\t")])
def test_without_a_postal_code_or_a_number_the_customer_fills_them_in_on_the_start_page(postal_code: str, number: str):
    option = portal(MY_SHOP, an_order_sent_to(postal_code, number))
    assert option.url == START_PAGE
    assert "fill in the order number and the postal code" in option.instruction.render("en")
    assert "vul het bestelnummer en de postcode in" in option.instruction.render("nl")


def test_a_portal_with_an_address_of_its_own_is_used_instead_of_the_brands():
    settings = Settings(brand="my-shop", portal_url="https://returns.my-shop.example/start")
    option = portal(settings, an_order_sent_to("1234AB", "1001"))
    assert option.url == "https://returns.my-shop.example/start?postal_code=1234AB&identifier=1001"


def test_an_order_without_a_delivery_gets_the_start_page():
    assert portal(MY_SHOP, an_order(a_line("teapot"))).url == START_PAGE


def test_without_settings_there_is_no_portal():
    assert Sendcloud(Settings(), ProviderSession()).portal_url(an_order_sent_to("1234AB", "1001")) is None


def test_the_instruction_is_in_dutch_and_in_english():
    option = portal(MY_SHOP, an_order_sent_to("1234AB", "1001"))
    assert option.label.render("en") == "Get a return label"
    assert option.label.render("nl") == "Retourlabel maken"
    assert option.instruction.render("en") == (
        "Open the link and choose the products and the reason. The portal then gives a label for the parcel."
    )
    assert option.instruction.render("nl") == (
        "Open de link en kies de artikelen en de reden. Het portaal geeft daarna een label voor het pakket."
    )


def test_a_link_that_is_ours_where_sendcloud_is_not_asked_is_declared_as_a_part_of_a_portal():
    assert Sendcloud.capabilities.portal is Support.PARTIAL


# --- the portal as Sendcloud has it ----------------------------------------------------------------------


def url(sendcloud: Sendcloud, postal_code: str, number: str) -> str | None:
    option = sendcloud.portal_url(an_order_sent_to(postal_code, number))
    return None if option is None else option.url


@pytest.mark.parametrize("by_tracking_number", [True, False])
@pytest.mark.parametrize("postal_code", ["1012 LM", "1012lm", ""])
def test_the_link_is_the_one_that_sendcloud_has_for_the_parcel(
    sandbox: SendcloudSandbox, sendcloud: Sendcloud, by_tracking_number: bool, postal_code: str
):
    tracking_number = sandbox.send("1001", postal_code="1012 LM")
    found = url(sendcloud, postal_code, tracking_number if by_tracking_number else "1001")
    assert found is not None
    assert found.startswith("https://sandbox.shipping-portal.com/rp/initiate/")
    [shipment] = [one.path for one in sandbox.server.requests if one.path.endswith("/return-portal-url")]
    assert shipment.split("/")[-2] in found


@pytest.mark.parametrize("empty", [True, False])
def test_where_sendcloud_has_none_for_the_parcel_there_is_none_whatever_the_brand(
    sandbox: SendcloudSandbox, provider_with: Callable[..., Sendcloud], empty: bool
):
    sandbox.send("1001", postal_code="1012 LM")
    sandbox.has_portal, sandbox.portal_urls_are_empty = empty, empty
    assert url(provider_with(brand="my-shop"), "1012 LM", "1001") is None


def test_an_order_that_sendcloud_does_not_know_gets_the_brands_link(
    sandbox: SendcloudSandbox, sendcloud: Sendcloud, provider_with: Callable[..., Sendcloud]
):
    sandbox.send("1002", postal_code="1012 LM")
    assert url(sendcloud, "1012 LM", "1001") is None
    assert (
        url(provider_with(brand="my-shop"), "1012 LM", "1001") == f"{START_PAGE}?postal_code=1012%20LM&identifier=1001"
    )
    assert url(provider_with(brand="my-shop"), "", "") == START_PAGE


def test_the_parcel_of_another_customer_is_never_opened(
    sandbox: SendcloudSandbox, provider_with: Callable[..., Sendcloud]
):
    sandbox.send("1001", postal_code="9999 ZZ")
    assert (
        url(provider_with(brand="my-shop"), "1012 LM", "1001") == f"{START_PAGE}?postal_code=1012%20LM&identifier=1001"
    )
    assert all("return-portal-url" not in one.path for one in sandbox.server.requests)


def test_of_an_order_in_several_parcels_the_customer_chooses_in_the_brands_portal(
    sandbox: SendcloudSandbox, provider_with: Callable[..., Sendcloud]
):
    sandbox.send("1001", postal_code="1012 LM")
    second = sandbox.send("1001", postal_code="1012 LM")
    assert (
        url(provider_with(brand="my-shop"), "1012 LM", "1001") == f"{START_PAGE}?postal_code=1012%20LM&identifier=1001"
    )
    found = url(provider_with(brand="my-shop"), "1012 LM", second)
    assert found is not None
    assert "initiate" in found


@pytest.mark.parametrize("address", ["http://my-shop.shipping-portal.com/", "javascript:alert(1)", "//x", "ftp://x"])
def test_an_address_that_is_not_https_is_not_shown(
    sandbox: SendcloudSandbox, sendcloud: Sendcloud, provider_with: Callable[..., Sendcloud], address: str
):
    sandbox.send("1001", postal_code="1012 LM")
    handle = sandbox.handle

    def with_another_address(request: SandboxRequest) -> SandboxResponse:
        response = handle(request)
        asked = request.path.endswith("return-portal-url")
        return attrs.evolve(response, body={"data": {"url": address}}) if asked else response

    sandbox.server.handle = with_another_address
    assert url(sendcloud, "1012 LM", "1001") is None
    assert (url(provider_with(brand="my-shop"), "1012 LM", "1001") or "").startswith(START_PAGE)


@pytest.mark.parametrize("fault", [Fault.REFUSED_429, Fault.ERROR_500_BEFORE, Fault.NO_JSON_AFTER])
def test_while_sendcloud_cannot_be_asked_the_customer_has_the_brands_link(
    sandbox: SendcloudSandbox, sendcloud: Sendcloud, provider_with: Callable[..., Sendcloud], fault: Fault
):
    sandbox.server.faulty = lambda request: request.method == "GET"
    sandbox.server.faults.append(fault)
    assert (url(provider_with(brand="my-shop"), "1012 LM", "1001") or "").startswith(START_PAGE)
    sandbox.server.faults.append(fault)
    with pytest.raises(ProviderError):
        url(sendcloud, "1012 LM", "1001")


@pytest.mark.parametrize("body", [None, [], "x", 1, {"data": None}, {"data": {"url": 1}}, {"url": []}])
def test_an_answer_that_is_none_of_the_portals_is_unreadable(
    sandbox: SendcloudSandbox, sendcloud: Sendcloud, body: object
):
    sandbox.send("1001", postal_code="1012 LM")
    handle = sandbox.handle

    def another(request: SandboxRequest) -> SandboxResponse:
        asked = request.path.endswith("return-portal-url")
        return attrs.evolve(handle(request), body=json.dumps(body).encode()) if asked else handle(request)

    sandbox.server.handle = another
    with pytest.raises(ProviderError) as caught:
        url(sendcloud, "1012 LM", "1001")
    assert caught.value.code is ErrorCode.UNREADABLE_ANSWER
