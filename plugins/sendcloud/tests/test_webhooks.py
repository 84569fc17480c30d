"""Webhooks: what a signature is over, what each says, and what none of them may say."""

from __future__ import annotations

import datetime
import json
from collections.abc import Callable
from typing import Any

import attrs
import pytest

from retour.providers import (
    LabelRequest,
    ParcelState,
    RawWebhook,
    Secret,
    SentItem,
    Shipment,
    ShipmentEvent,
    Told,
    WebhookRejected,
    WebhookUnreadable,
    hmac_sha256,
)
from retour.sandbox import SandboxWebhook
from retour_sendcloud import webhooks
from retour_sendcloud.provider import Sendcloud
from retour_sendcloud.sandbox import SendcloudSandbox

KEY = Secret("secretkey")
MINUTE = datetime.timedelta(minutes=1)


def raw(webhook: SandboxWebhook) -> RawWebhook:
    return RawWebhook(headers=webhook.headers, body=webhook.body)


def signed(body: Any, key: Secret = KEY) -> RawWebhook:
    written = body if isinstance(body, bytes) else json.dumps(body).encode()
    return RawWebhook(headers={webhooks.SIGNATURE: hmac_sha256(written, key)}, body=written)


def said(body: Any) -> Shipment:
    [event] = webhooks.parse(signed(body), [KEY]).events
    return event.shipment


def moved(**parcel: Any) -> dict[str, Any]:
    whole = {"id": 8, "status": {"id": 11, "message": "Delivered"}, "order_number": "1001", **parcel}
    return {"action": "parcel_status_changed", "timestamp": 1734946171662, "parcel": whole}


def test_the_printed_example_of_a_signature_verifies() -> None:
    """https://sendcloud.dev/api/v3/webhooks/index"""
    body = b'{"key": "value"}'
    printed = "1eed4b3d41f4653ac64fd56f1bf1cbfd349e4482cbc11dff7134bd93e5da4b0a"
    assert hmac_sha256(body, KEY) == printed
    with pytest.raises(
        WebhookRejected, match="signed, but not readable"
    ):  # it is no webhook, though its signature is right
        webhooks.parse(RawWebhook(headers={webhooks.SIGNATURE: printed}, body=body), [KEY])
    with pytest.raises(WebhookRejected, match="no signature of it is by a secret"):
        webhooks.parse(RawWebhook(headers={webhooks.SIGNATURE: printed}, body=body + b" "), [KEY])


@pytest.mark.parametrize("headers", [{}, {webhooks.SIGNATURE: ""}, {webhooks.SIGNATURE: "0" * 64}])
def test_a_webhook_that_is_not_signed_is_rejected(headers: dict[str, str]) -> None:
    with pytest.raises(WebhookRejected):
        webhooks.parse(RawWebhook(headers=headers, body=json.dumps(moved()).encode()), [KEY])


def test_without_a_key_a_webhook_names_the_settings_that_are_missing() -> None:
    with pytest.raises(WebhookRejected, match="secret_key or webhook_keys"):
        webhooks.parse(signed(moved()), [None])


def test_an_integration_with_keys_of_its_own_for_webhooks_is_signed_by_those_alone(
    sandbox: SendcloudSandbox, sendcloud: Sendcloud, provider_with: Callable[..., Sendcloud]
) -> None:
    sandbox.send("1001", postal_code="1012 LM")
    sandbox.return_in_portal("1001", {"teapot": 1})
    genuine = raw(sandbox.take_webhooks()[-1])
    assert sendcloud.parse_webhook(genuine).events
    with_keys = provider_with(webhook_keys=(Secret("new-key"), Secret("old-key")))
    with pytest.raises(WebhookRejected):
        with_keys.parse_webhook(genuine)
    for key in ("new-key", "old-key"):
        assert with_keys.parse_webhook(signed(moved(), Secret(key))).events


def test_a_signature_that_is_spoilt_is_rejected(sandbox: SendcloudSandbox, sendcloud: Sendcloud) -> None:
    sandbox.send("1001", postal_code="1012 LM")
    [webhook] = sandbox.take_webhooks()
    with pytest.raises(WebhookRejected):
        sendcloud.parse_webhook(raw(sandbox.with_spoilt_signature(webhook)))


# --- what is said ----------------------------------------------------------------------------------------


def test_a_label_is_followed_by_its_webhooks(
    sandbox: SendcloudSandbox, sendcloud: Sendcloud, request_for: Callable[..., LabelRequest]
) -> None:
    made = sendcloud.create_label(request_for())
    sandbox.advance(MINUTE)
    sandbox.scan(made.reference)
    sandbox.deliver(made.reference)
    events = [one for webhook in sandbox.take_webhooks() for one in sendcloud.parse_webhook(raw(webhook)).events]
    assert [(one.shipment.told, one.shipment.progress) for one in events] == [
        (Told.ANNOUNCING, ParcelState.NOT_SENT),
        (Told.ANNOUNCING, ParcelState.NOT_SENT),
        (Told.READY, ParcelState.NOT_SENT),
        (Told.READY, ParcelState.ON_ITS_WAY),
        (Told.READY, ParcelState.DELIVERED),
    ]
    created, *others = events
    assert (created.shipment.reference, created.shipment.order_id) == (made.reference, "1001")
    assert {one.shipment.parcel for one in others} == {made.parcel}
    assert len({one.event_id for one in events}) == 5


def test_a_return_that_the_customer_makes_in_the_portal_is_told_with_its_lines_and_reasons(
    sandbox: SendcloudSandbox, sendcloud: Sendcloud
) -> None:
    sandbox.send("1001", postal_code="1012 LM")
    first = sandbox.return_in_portal("1001", {"teapot": 1, "cup": 2}, reason="22")
    second = sandbox.return_in_portal("1001", {"cup": 1}, reason="22")
    events = [one for webhook in sandbox.take_webhooks() for one in sendcloud.parse_webhook(raw(webhook)).events]
    created = [one.shipment for one in events if one.shipment.reference]
    assert [one.reference for one in created] == [first, second]  # two with the same reason are two
    assert created[0].items == (
        SentItem(quantity=1, sku="teapot", description="teapot", reason="22"),
        SentItem(quantity=2, sku="cup", description="cup", reason="22"),
    )


def test_a_return_that_staff_make_in_the_panel_is_not_told(sandbox: SendcloudSandbox, sendcloud: Sendcloud) -> None:
    began = sandbox.clock.now()
    sandbox.send("1001", postal_code="1012 LM")
    sandbox.take_webhooks()
    sandbox.return_in_panel("1001")
    assert sandbox.take_webhooks() == []
    assert len(sendcloud.list_shipments("1001", began)) == 1


def test_what_was_delivered_to_the_customer_is_said_of_no_label(
    sandbox: SendcloudSandbox, sendcloud: Sendcloud
) -> None:
    """Webhooks of parcels to customers are like those of returns: only the number of the parcel tells which it is."""
    sandbox.send("1001", postal_code="1012 LM")
    [webhook] = sandbox.take_webhooks()
    [event] = sendcloud.parse_webhook(raw(webhook)).events
    assert event.shipment.progress is ParcelState.DELIVERED
    assert (event.shipment.order_id, event.shipment.reference, event.shipment.label_id) == ("1001", "", "")
    assert webhooks.parse(signed(moved(is_return=False)), [KEY]).events == ()
    assert said(moved(is_return=True)).parcel == "8"


def test_the_same_webhook_twice_is_the_same_event_and_another_is_another() -> None:
    def event(body: dict[str, Any]) -> ShipmentEvent:
        [found] = webhooks.parse(signed(body), [KEY]).events
        return found

    again = json.loads(json.dumps(moved(), indent=1))
    assert event(moved()).event_id == event(again).event_id
    others = [
        moved(),
        moved(id=9),
        moved(status={"id": 1, "message": "Sorted"}),
        {**moved(), "timestamp": 1734946171663},
    ]
    assert len({event(one).event_id for one in others}) == 4


@pytest.mark.parametrize("action", ["integration_connected", "integration_updated", "integration_deleted", "anything"])
def test_what_is_about_something_else_says_nothing(action: str) -> None:
    assert webhooks.parse(signed({"action": action, "timestamp": 1}), [KEY]).events == ()


@pytest.mark.parametrize(
    "status, told, progress",
    [
        ("Ready to send", Told.READY, ParcelState.NOT_SENT),
        ("Announcement failed", Told.REFUSED, ParcelState.NOT_SENT),
        ("Cancelled", Told.CANCELLED, ParcelState.CANCELLED),
        ("Returned to sender", Told.READY, ParcelState.RETURNED_TO_SENDER),
        ("Zugestellt", Told.ANNOUNCING, ParcelState.UNKNOWN),
        ("Delivered to a neighbour", Told.ANNOUNCING, ParcelState.UNKNOWN),
    ],
)
def test_a_status_is_read_by_its_words_and_an_unknown_one_is_kept(
    status: str, told: Told, progress: ParcelState
) -> None:
    found = said(moved(status={"id": 11, "message": status}))
    assert (found.told, found.progress) == (told, progress)
    if progress is ParcelState.UNKNOWN:
        assert found.provider_status == status


@pytest.mark.parametrize(
    "timestamp, at",
    [
        (1734946171662, datetime.datetime(2024, 12, 23, 9, 29, 31, 662000, tzinfo=datetime.UTC)),
        (1734946171, datetime.datetime(2024, 12, 23, 9, 29, 31, tzinfo=datetime.UTC)),
        (1734946171.5, datetime.datetime(2024, 12, 23, 9, 29, 31, 500000, tzinfo=datetime.UTC)),
        (None, None),
        ("yesterday", None),
        (True, None),
        (10**30, None),
        (-(10**30), None),
    ],
)
def test_a_time_is_read_in_seconds_and_in_milliseconds(timestamp: object, at: datetime.datetime | None) -> None:
    assert said({**moved(), "timestamp": timestamp}).changed_at == at


def test_the_carriers_own_time_is_the_better_one() -> None:
    found = said({**moved(), "carrier_status_change_timestamp": 1734946000})
    assert found.changed_at == datetime.datetime(2024, 12, 23, 9, 26, 40, tzinfo=datetime.UTC)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"no json",
        b"[]",
        b'"text"',
        b"\xff",
        b"[" * 100_000,
        {},
        {"action": 1},
        {"action": "parcel_status_changed"},
        {"action": "parcel_status_changed", "parcel": {"id": "8", "status": {"message": "Delivered"}}},
        {"action": "parcel_status_changed", "parcel": {"id": 8, "status": "Delivered"}},
        {"action": "return_created", "data": {}},
        {"action": "return_created", "data": {"id": "x"}},
        {"action": "return_created", "data": {"id": 0}},
        {"action": "return_created", "data": {"id": 1.5}},
        {"action": "return_created", "data": {"id": 1, "items": [{"quantity": -1}]}},
        {"action": "return_created", "data": {"id": 1, "items": [{"quantity": "many"}]}},
        {"action": "return_created", "data": {"id": 1, "order_number": "9" * 300}},
    ],
)
def test_what_is_signed_and_cannot_be_read_is_told_as_such(body: Any) -> None:
    with pytest.raises(WebhookUnreadable):
        webhooks.parse(signed(body), [KEY])


def test_a_webhook_shows_nothing_of_the_customer(sandbox: SendcloudSandbox, sendcloud: Sendcloud) -> None:
    sandbox.send("1001", postal_code="1012 LM")
    sandbox.return_in_portal("1001", {"teapot": 1})
    for webhook in sandbox.take_webhooks():
        shown = repr(sendcloud.parse_webhook(raw(webhook)))
        assert "Damrak" not in shown
        assert "1012 LM" not in shown
    assert attrs.fields_dict(Shipment).keys().isdisjoint({"name", "address", "postal_code"})
