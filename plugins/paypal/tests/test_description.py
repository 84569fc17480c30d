"""The sandbox and our requests are as PayPal describes them; and the check itself would notice if they were not."""

from __future__ import annotations

import json
import re
from typing import Any

import jsonschema
import pytest

from retour.providers import Money, ProviderError
from retour_paypal.provider import PayPal
from retour_paypal.sandbox import PayPalSandbox
from retour_paypal.wire import refund_body

CALLS = {
    "captures.refund 201",
    "captures.refund 200",
    "captures.refund 400",
    "captures.refund 401",
    "captures.refund 403",
    "captures.refund 404",
    "captures.refund 409",
    "captures.refund 422",
    "captures.get 200",
    "captures.get 404",
    "refunds.get 200",
    "refunds.get 404",
    "orders.get 200",
    "orders.get 404",
    "verify-webhook-signature.post 200",
}


def test_every_call_and_every_answer_is_held_against_the_description(
    description: Any, connect: Any, sandbox: PayPalSandbox, a: Any
) -> None:
    """What the sandbox answers is checked when a test ends; this one makes every kind of answer there is."""
    seen = []
    handle = sandbox.server.handle

    def watched(request: Any) -> Any:
        seen.append((request, handle(request)))
        return seen[-1][1]

    sandbox.server.handle = watched
    paypal: PayPal = connect(webhook_check="api")
    capture = sandbox.pay(Money.of("94.95", "EUR"))
    sandbox.pay(Money.of("5.00", "EUR"), status="PENDING", order=sandbox.order_of(capture))
    made = paypal.refund(a.request(capture))
    paypal.refund(a.request(capture))
    paypal.fetch_refund(capture, made.reference)
    sandbox.refund_in_dashboard(capture, Money.of("1.00", "EUR"))
    paypal.list_refunds(capture)
    for brief in (False, True):
        sandbox.brief_orders = brief
        paypal.refundable(a.payment(f"order:{sandbox.order_of(capture)}"))
    paypal.payment_names(capture)
    assert paypal.payment_names("3C679366HH908993F") == ()
    for webhook in sandbox.take_webhooks():
        paypal.parse_webhook(webhook)
    sandbox.hold()
    paypal.refund(a.request(capture, "2.00", number=2))
    sandbox.refuse_next("INVALID_ACCOUNT_STATUS")
    paypal.refund(a.request(capture, "3.00", number=3))
    for issue in ("INVALID_PARAMETER_SYNTAX", "PERMISSION_DENIED", "REFUND_NOT_ALLOWED"):
        sandbox.refuse_next(issue)
        with pytest.raises(ProviderError):
            paypal.refund(a.request(capture, number=4))
    sandbox.refuse_next("PREVIOUS_REQUEST_IN_PROGRESS")
    unknown = "3C679366HH908993F"
    for call in (
        lambda: paypal.refund(a.request(capture, number=5)),
        lambda: paypal.refund(a.request(unknown, number=6)),
        lambda: paypal.list_refunds(unknown),
        lambda: paypal.fetch_refund(capture, unknown),
        lambda: paypal.refundable(a.payment(f"order:{unknown}")),
    ):
        with pytest.raises(ProviderError):
            call()

    made_now = set()
    for request, response in seen:
        if request.path.startswith("/v2/") or "verify" in request.path:
            assert description.exchange(request, response) == []
            operation = description.operation(request)
            made_now.add(f"{operation['operationId']} {response.status}")
    assert made_now == CALLS


def test_the_bodies_of_faults_are_paypals(description: Any, sandbox: PayPalSandbox) -> None:
    assert set(sandbox.server.error_bodies) == {429, 500, 503}
    for status, body in sandbox.server.error_bodies.items():
        name = "error" if status == 429 else f"error_{status}"
        assert description.faults(body, description.schema(name)) == []
        assert description.faults(body, description.schema("error")) == []


def test_every_event_is_as_described_and_its_resource_is_what_it_says(description: Any, sandbox: PayPalSandbox) -> None:
    sandbox.hold()
    capture = sandbox.pay(Money.of("94.95", "EUR"))
    sandbox.fail(sandbox.refund_in_dashboard(capture, Money.of("1.00", "EUR")))
    sandbox.charge_back(capture)
    events = [json.loads(webhook.body) for webhook in sandbox.take_webhooks()]
    assert [event["event_type"] for event in events] == [
        "PAYMENT.REFUND.PENDING",
        "PAYMENT.REFUND.FAILED",
        "PAYMENT.CAPTURE.REVERSED",
    ]
    for event in events:
        assert description.faults(event, description.schema("event")) == []
        schema = "refund" if event["resource_type"] == "refund" else "capture-2"
        assert description.faults(event["resource"], description.schema(schema)) == []


@pytest.mark.parametrize("currency", ["EUR", "JPY", "HUF"])
def test_what_we_send_is_a_refund_request(description: Any, a: Any, currency: str) -> None:
    body = refund_body(a.request("3C679366HH908993F", "44", currency=currency))
    assert description.faults(body, description.schema("refund_request")) == []


# --- the check is honest ---------------------------------------------------------------------------------


def test_no_schema_is_skipped(description: Any) -> None:
    """Every schema is one, every pattern in it compiles, and every reference leads somewhere."""
    count = 0

    def walk(part: Any) -> None:
        nonlocal count
        if isinstance(part, dict):
            if isinstance(part.get("pattern"), str):
                re.compile(part["pattern"])
                count += 1
            if "$ref" in part:
                assert isinstance(description.resolved(part), dict)
            for inner in part.values():
                walk(inner)
        if isinstance(part, list):
            for inner in part:
                walk(inner)

    walk(description.document)
    assert count > 50
    for name, schema in description.document["components"]["schemas"].items():
        assert not {"nullable", "discriminator"} & schema.keys(), name  # draft 4 does not know these
        jsonschema.Draft4Validator.check_schema(schema)


MONEY = {"currency_code": "EUR", "value": "1.00"}
REFUND = {"id": "1JU08902781691411", "status": "COMPLETED", "amount": MONEY}


@pytest.mark.parametrize(
    "schema, value",
    [
        ("refund_request", {"amount": {"currency_code": "EUR", "value": 1.0}}),
        ("refund_request", {"amount": {"currency_code": "EUR", "value": "1,00"}}),
        ("refund_request", {"amount": "1.00"}),
        ("refund_request", {"metadata": {"our": "id"}}),
        ("refund_request", {"note_to_payer": "x" * 256}),
        ("refund", {**REFUND, "status": "SUCCEEDED"}),
        ("refund", {**REFUND, "mode": "test"}),
        ("refund", {**REFUND, "amount": {**MONEY, "cents": "100"}}),
        ("refund", {**REFUND, "links": [{"href": "https://x"}]}),
        ("refund", {**REFUND, "create_time": "yesterday"}),
        ("capture-2", {"id": "X", "remaining_amount": MONEY}),
        ("order", {"id": "X", "purchase_units": [{"payments": {"refunds": [{**REFUND, "new": 1}]}}]}),
        ("order", {"id": "X", "purchase_units": [{"payments": {"refunds": [{**REFUND, "status": "NEW"}]}}]}),
        ("error_422", {"name": "UNPROCESSABLE_ENTITY", "message": "Other words."}),
        ("event", {"id": 1}),
        ("verify_webhook_signature_response", {"verification_status": "MAYBE"}),
    ],
)
def test_a_wrong_value_or_a_field_that_is_made_up_is_noticed(description: Any, schema: str, value: object) -> None:
    assert description.faults(value, description.schema(schema))


def test_an_empty_object_and_paypals_own_example_are_refund_requests(description: Any) -> None:
    assert description.faults({}, description.schema("refund_request")) == []
    operation = description.document["paths"]["/v2/payments/captures/{capture_id}/refund"]["post"]
    example = operation["requestBody"]["content"]["application/json"]["examples"]["refund_request"]["value"]
    assert description.faults(example, description.schema("refund_request")) == []
