"""The sandbox, the provider and Sendcloud's own API description: everything is checked, and what checks it can fail."""

from __future__ import annotations

import datetime
import json
from collections.abc import Callable
from functools import partial
from typing import Any

import attrs
import pytest
from jsonschema import Draft202012Validator, ValidationError

from retour import InvalidValue, Paid
from retour.providers import Delivery, LabelForm, LabelRequest, Parcel, ParcelItem, ProviderError, read_wire
from retour.sandbox import SandboxRequest, SandboxResponse
from retour.testing import a_line, an_order
from retour_sendcloud import requests, statuses, wire
from retour_sendcloud.provider import Sendcloud
from retour_sendcloud.sandbox import SendcloudSandbox
from retour_sendcloud.settings import Settings

RETURN, RETURNS = "v3/returns/{id}", "v3/returns"


def all_that_we_ask(sendcloud: Sendcloud, sandbox: SendcloudSandbox, request_for: Callable[..., LabelRequest]) -> None:
    """Every call of the provider, with an answer and with a refusal."""
    request, began = request_for(), sandbox.clock.now()
    sendcloud.check_settings()
    sendcloud.options(request.sender, request.recipient, request.parcel)
    sendcloud.validate_label(request)
    with pytest.raises(ProviderError):
        sendcloud.validate_label(attrs.evolve(request, contract="999"))
    made = sendcloud.create_label(request)
    code = request_for(2, option="postnl:standard/return,labelless", form=LabelForm.QR_CODE)
    without_label = sendcloud.create_label(code)
    sendcloud.create_label(request_for(3, instead_of_refused=True))
    for wrong in (request, attrs.evolve(request_for(4), contract="999")):
        for waits in (False, True):
            with pytest.raises(ProviderError):
                sendcloud.create_label(attrs.evolve(wrong, instead_of_refused=waits))
    with pytest.raises(ProviderError):
        sendcloud.fetch_label(made.reference, made.parcel, LabelForm.PDF)
    sandbox.advance(datetime.timedelta(minutes=1))
    sendcloud.fetch_label(made.reference, made.parcel, LabelForm.PDF)
    sendcloud.fetch_label(without_label.reference, without_label.parcel, LabelForm.QR_CODE)
    sendcloud.list_shipments("1001", began)
    sendcloud.cancel_label(made.reference, made.parcel)
    sendcloud.fetch_shipment("", made.parcel)
    sandbox.scan(without_label.reference)
    for reference in (without_label.reference, "7"):
        with pytest.raises(ProviderError):
            sendcloud.cancel_label(reference, "")
    for number, empty in (("1001", False), ("1002", True), ("1001", True)):
        sandbox.send(number, postal_code="1012 LM")
        sandbox.portal_urls_are_empty = empty
        delivery = Delivery(paid=Paid.of("4.95", "EUR"), provider="sendcloud", number=number, postal_code="1012 LM")
        sendcloud.portal_url(an_order(a_line("teapot"), delivery=delivery))
    sandbox.portal_urls_are_empty = sandbox.has_portal = False
    sandbox.send("1003", postal_code="1012 LM")
    delivery = Delivery(paid=Paid.of("4.95", "EUR"), provider="sendcloud", number="1003", postal_code="1012 LM")
    assert sendcloud.portal_url(an_order(a_line("teapot"), delivery=delivery)) is None


def test_all_that_we_ask_and_all_that_is_answered_is_as_described(
    description: Any, sandbox: SendcloudSandbox, sendcloud: Sendcloud, request_for: Callable[..., LabelRequest]
) -> None:
    exchanges: list[tuple[SandboxRequest, SandboxResponse]] = []
    handle = sandbox.server.handle

    def noted(request: SandboxRequest) -> SandboxResponse:
        exchanges.append((request, handle(request)))
        return exchanges[-1][1]

    sandbox.server.handle = noted
    all_that_we_ask(sendcloud, sandbox, request_for)

    description.checked.clear()
    for request, response in exchanges:
        description.check(request, response)
    assert description.checked == {
        ("GET", "v3/user/auth/metadata", 200),
        ("POST", "v3/shipping-options", 200),
        ("POST", "v3/returns/validate", 200),
        ("POST", "v3/returns/validate", 400),
        ("POST", RETURNS, 201),
        ("POST", RETURNS, 400),
        ("POST", "v3/returns/announce-synchronously", 201),
        ("POST", "v3/returns/announce-synchronously", 400),
        ("GET", RETURN, 200),
        ("GET", RETURNS, 200),
        ("GET", "v3/parcels/{id}/documents/{type}", 200),
        ("GET", "v3/parcels/{id}/documents/{type}", 404),
        ("PATCH", "v3/returns/{id}/cancel", 202),
        ("PATCH", "v3/returns/{id}/cancel", 404),
        ("PATCH", "v3/returns/{id}/cancel", 409),
        ("GET", "v2/parcels", 200),
        ("GET", "v2/parcels/{id}", 200),
        ("GET", "v3/shipments/{id}/return-portal-url", 200),
        ("GET", "v3/shipments/{id}/return-portal-url", 404),
        ("GET", "v2/parcels/{id}/return_portal_url", 200),
    }


def test_every_status_of_the_description_has_a_meaning_and_none_is_made_up(description: Any) -> None:
    listed = description.documents["v3"]["paths"]["/returns"]["get"]["parameters"]
    [parameter] = [one for one in listed if one.get("name") == "parent_parcel_status"]
    assert set(statuses.MEANINGS) == set(parameter["schema"]["enum"])
    assert set(statuses.WORDS.values()) <= set(parameter["schema"]["enum"])
    assert {"open", *statuses.RETURN_STATUSES} == set(description.named("Return")["properties"]["status"]["enum"])


def test_every_reason_of_the_description_is_known(description: Any) -> None:
    said = description.documents["v3"]["paths"]["/returns"]["post"]["x-mint"]["content"]
    rows = [line.split("|")[1].strip() for line in said.splitlines() if line.startswith("| ")]
    assert {row for row in rows if row.isdigit()} == requests.REASONS
    assert f"| {requests.OTHER_REASON}                | Other (explain in message)" in said


def test_the_longest_hs_code_that_an_item_can_have_is_the_longest_that_is_taken(description: Any) -> None:
    longest = description.named("parcel-item-returns-create")["properties"]["hs_code"]["maxLength"]
    item = partial(ParcelItem, line_id="1", description="Teapot", quantity=1)
    assert item(hs_code="6" * longest).hs_code
    with pytest.raises(InvalidValue, match="hs_code"):
        item(hs_code="6" * (longest + 1))


def test_every_form_of_handing_in_and_every_time_of_charging_is_in_the_description(description: Any) -> None:
    assert set(requests.DELIVERY_OPTIONS.values()) <= set(description.named("DeliveryOption")["enum"])
    charging = description.named("shipping-option")["properties"]["charging_type"]["enum"]
    assert set(wire.CHARGED) == set(charging)


def test_the_address_of_the_api_is_that_of_the_description(description: Any) -> None:
    [server] = description.documents["v3"]["servers"]
    assert server["url"] == f"{Settings().api_url}/api/v3"


def test_the_example_of_the_synchronous_announcement_is_read(description: Any) -> None:
    announce = description.documents["v3"]["paths"]["/returns/announce-synchronously"]["post"]
    example = announce["responses"]["201"]["content"]["application/json"]["examples"]["example-1"]["value"]
    shipment = read_wire(wire.Created, example).shipment
    assert (shipment.reference, shipment.parcel) == ("12345", "67880")


def test_the_examples_of_options_are_read_with_their_exact_prices(description: Any) -> None:
    operation = description.documents["v3"]["paths"]["/shipping-options"]["post"]
    examples = operation["responses"]["200"]["content"]["application/json"]["examples"]
    assert read_wire(wire.Options, examples["EmptyResponse"]["value"]).data == ()
    [option] = read_wire(wire.Options, examples["ShippingOptions"]["value"]).data or ()
    assert not option.is_for_returns
    assert str(option.option(2000).price) == "EUR 17.50"
    assert option.option(24_000).price is None


# --- what checks it can fail -----------------------------------------------------------------------------


@pytest.mark.parametrize("version", ["v3", "v2"])
def test_no_schema_is_skipped(description: Any, version: str) -> None:
    for schema in description.documents[version]["components"]["schemas"].values():
        Draft202012Validator.check_schema(schema)


@pytest.mark.parametrize(
    "change",
    [
        {"from_address": ...},
        {"weight": {"value": "1200", "unit": "g"}},
        {"weight": {"value": 1200, "unit": "gram"}},
        {"ship_with": {"type": "option"}},
        {"ship_with": {"type": "shipping_option_code", "properties": {}}},
        {"delivery_option": "by_bike"},
        {"parcel_items": [{"return_reason_id": 1}]},
        {"parcel_items": [{"hs_code": "1234567890123"}]},
        {"made_up": 1},
    ],
)
def test_a_request_that_is_wrong_is_caught(
    description: Any, request_for: Callable[..., LabelRequest], change: dict[str, Any]
) -> None:
    schema = description.at("v3", "/components/requestBodies/CreateReturn/content/application~1json/schema")
    right = requests.return_body(request_for())
    description.validate(schema, right)
    wrong = {name: value for name, value in (right | change).items() if value is not ...}
    with pytest.raises((ValidationError, AssertionError)):
        description.validate(schema, wrong)


@pytest.mark.parametrize(
    "change",
    [
        {"status_history": []},
        {"status": "done"},
        {"is_cancellable": "yes"},
        {"label_cost": {"value": "5.45", "currency": "EUR"}},
        {"label": None},
        {"id": 1},
    ],
)
def test_an_answer_that_is_wrong_or_made_up_is_caught(
    description: Any,
    sandbox: SendcloudSandbox,
    sendcloud: Sendcloud,
    request_for: Callable[..., LabelRequest],
    change: dict[str, Any],
) -> None:
    made = sendcloud.create_label(request_for())
    right = json.loads(sandbox.handle(a_read(sandbox, f"/api/v3/returns/{made.reference}")).encoded())
    description.validate(description.named("Return"), right)
    with pytest.raises((ValidationError, AssertionError)):
        description.validate(description.named("Return"), right | change)


def a_read(sandbox: SendcloudSandbox, path: str) -> SandboxRequest:
    headers = {"authorization": sandbox.server.requests[-1].headers["authorization"]}
    return SandboxRequest(method="GET", path=path, query={}, headers=headers, body=b"")


def test_a_parcel_without_all_its_sides_is_sent_without_any(request_for: Callable[..., LabelRequest]) -> None:
    parcel = Parcel(weight_grams=1, length_mm=10, width_mm=10)
    assert "dimensions" not in requests.return_body(request_for(parcel=parcel))
