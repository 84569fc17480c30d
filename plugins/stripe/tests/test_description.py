"""The sandbox and our requests are as Stripe's official description says, and what checks that is not blind.

Every test that uses the fixture ``sandbox`` is held against the description as well.
"""

from __future__ import annotations

import datetime
import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

import attrs
import pytest

from retour.providers import Money, Payment, ProviderSession, RefundRequest
from retour.sandbox import SandboxRequest, SandboxResponse, Step
from retour_stripe.provider import Stripe
from retour_stripe.sandbox import StripeSandbox

if TYPE_CHECKING:
    from conftest import Description

PAID = Money.of("94.95", "EUR")


def calls_of_every_kind(
    sandbox: StripeSandbox, stripe: Stripe, payment: Callable[..., Payment], refund_of: Callable[..., RefundRequest]
) -> list[tuple[SandboxRequest, SandboxResponse]]:
    """One call to each path that the provider uses, and what came back."""
    made: list[tuple[SandboxRequest, SandboxResponse]] = []
    answer = sandbox.server.handle

    def recorded(request: SandboxRequest) -> SandboxResponse:
        response = answer(request)
        made.append((request, response))
        return response

    sandbox.server.handle = recorded
    sandbox.plans.append([Step(status="requires_action")])
    session = sandbox.check_out(PAID)
    target = stripe.refundable(payment(session)).target
    stripe.refundable(payment(sandbox.charge_of(target)))
    waiting = stripe.refund(refund_of(target, "10.00"))
    stripe.cancel_refund(target, waiting.reference)
    stripe.check_settings()
    stripe.find_refund(refund_of(target))
    stripe.refundable(payment(target))
    stripe.payment_names(target)
    sandbox.charge_back(target)
    stripe.refundable(payment(target))
    return made


def test_every_path_that_we_call_is_stripes_and_nothing_in_an_answer_is_made_up(
    description: Description,
    sandbox: StripeSandbox,
    stripe: Stripe,
    payment: Callable[..., Payment],
    refund_of: Callable[..., RefundRequest],
) -> None:
    calls = calls_of_every_kind(sandbox, stripe, payment, refund_of)
    assert {(request.method, request.path.split("/")[2]) for request, _ in calls} == {
        ("GET", "checkout"),
        ("GET", "payment_intents"),
        ("GET", "charges"),
        ("POST", "refunds"),
        ("GET", "refunds"),
        ("GET", "disputes"),
    }
    for request, response in calls:
        assert description.operation(request) is not None, request.path
        description.check(request, response)


def test_no_schema_is_skipped_every_wrong_answer_is_noticed(
    description: Description,
    sandbox: StripeSandbox,
    stripe: Stripe,
    payment: Callable[..., Payment],
    refund_of: Callable[..., RefundRequest],
) -> None:
    for request, response in calls_of_every_kind(sandbox, stripe, payment, refund_of):
        operation = description.operation(request)
        assert operation is not None
        schema = description.answer_schema(operation, response.status)
        body: Any = response.body
        assert description.faults(schema, body) == []
        assert description.faults(schema, {**body, "made_up": 1}) != []
        for field in body:
            assert description.faults(schema, {**body, field: {"made_up": [1]}}) != [], field
        assert description.faults(schema, {name: body[name] for name in body if name != "object"}) != []


@pytest.mark.parametrize(
    "form",
    [
        b"amount=10.00&charge=ch_1",
        b"amount=-1&charge=ch_1",
        b"amount=&charge=ch_1",
        b"charge=ch_1&note=hello",
        b"charge=ch_1&reason=return",
        b"charge[id]=ch_1",
    ],
)
def test_no_wrong_form_passes(description: Description, form: bytes) -> None:
    request = SandboxRequest(method="POST", path="/v1/refunds", query={}, headers={}, body=form)
    refund = {"id": "re_1", "object": "refund", "amount": 1, "created": 1, "currency": "eur"}
    description.check(attrs.evolve(request, body=b"amount=1&charge=ch_1"), SandboxResponse(status=200, body=refund))
    with pytest.raises(AssertionError):
        description.check(request, SandboxResponse(status=200, body=refund))


def test_null_is_only_where_stripe_allows_it(description: Description) -> None:
    refund = {"id": "re_1", "object": "refund", "amount": 1, "created": 1, "currency": "eur"}
    schema = {"$ref": "#/components/schemas/refund"}
    for field in ("reason", "charge", "metadata", "status"):  # beside enum, anyOf, an object and a plain text
        assert description.faults(schema, {**refund, field: None}) == [], field
    for field in ("id", "amount", "failure_reason", "next_action"):
        assert description.faults(schema, {**refund, field: None}) != [], field


@pytest.mark.parametrize("version", ["2024-04-10", "2024-10-28.acacia"])
def test_every_event_is_one_of_stripes_and_holds_a_whole_object(description: Description, version: str) -> None:
    days = datetime.timedelta(days=3)
    with StripeSandbox(webhook_version=version) as sandbox:
        sandbox.plans.append([Step(status="succeeded"), Step(status="failed", after=days, reason="declined")])
        reference = sandbox.pay(PAID)
        sandbox.refund_in_dashboard(reference, Money.of("10.00", "EUR"))
        sandbox.advance(days)
        sandbox.cancel_in_dashboard(sandbox.refund_in_dashboard(reference, Money.of("10.00", "EUR")))
        sandbox.charge_back(reference)
        sandbox.give_back(reference)
        sandbox.open_inquiry(reference)
        assert len(sandbox.events) >= 6
    names = json.dumps(description.paths["/v1/webhook_endpoints"])
    for event in sandbox.events:
        assert description.faults({"$ref": "#/components/schemas/event"}, {**event, "data": {"object": {}}}) == []
        about = event["data"]["object"]
        assert description.faults({"$ref": f"#/components/schemas/{about['object']}"}, about) == []
        assert f'"{event["type"]}"' in names or event["type"] == "refund.failed", "which is newer than 2024-04-10"


def test_a_dispute_is_read_and_listed_and_its_charge_says_that_it_is_disputed(sandbox: StripeSandbox) -> None:
    http = ProviderSession()
    headers = {"Authorization": f"Bearer {sandbox.api_key}"}

    def read(path: str, **query: str) -> Any:
        return http.read(f"{sandbox.url}/v1/{path}", headers=headers, query=query).json()

    other, reference = sandbox.pay(PAID), sandbox.pay(PAID)
    first, second = (sandbox.charge_back(reference, Money.of(euros, "EUR")) for euros in ("10.00", "84.95"))
    charge = sandbox.charge_of(reference)
    assert (read(f"charges/{charge}")["disputed"], read(f"charges/{charge}")["amount_refunded"]) == (True, 0)
    assert [one["id"] for one in read("disputes", charge=charge)["data"]] == [second, first]
    assert read("disputes", payment_intent=other)["data"] == []
    page = read("disputes", limit="1")
    assert ([one["id"] for one in page["data"]], page["has_more"]) == ([second], True)
    assert [one["id"] for one in read("disputes", starting_after=second)["data"]] == [first]
    dispute = read(f"disputes/{first}")
    assert (dispute["amount"], dispute["charge"], dispute["is_charge_refundable"]) == (1000, charge, False)
    assert read("disputes/dp_unknown")["error"]["code"] == "resource_missing"


def test_what_is_to_be_expanded_is_down_to_the_ten_newest_refunds_of_a_charge(sandbox: StripeSandbox) -> None:
    http, headers = ProviderSession(), {"Authorization": f"Bearer {sandbox.api_key}"}

    def read(path: str, *expand: str) -> Any:
        query = {f"expand[{number}]": name for number, name in enumerate(expand)}
        return http.read(f"{sandbox.url}/v1/{path}", headers=headers, query=query).json()

    session = sandbox.check_out(PAID)
    intent, charge, _ = sandbox.names(session)
    made = [sandbox.refund_in_dashboard(intent, Money.of("1.00", "EUR")) for _ in range(11)]
    assert read(f"checkout/sessions/{session}")["payment_intent"] == intent
    assert read(f"payment_intents/{intent}")["latest_charge"] == charge
    assert "refunds" not in read(f"charges/{charge}")
    assert "refunds" not in read(f"payment_intents/{intent}", "latest_charge")["latest_charge"]
    expanded = read(f"charges/{charge}", "refunds")
    assert [refund["id"] for refund in expanded["refunds"]["data"]] == made[:0:-1]
    assert expanded["refunds"]["has_more"] is True
    whole = read(f"payment_intents/{intent}", "latest_charge", "latest_charge.refunds")
    assert whole["latest_charge"] == expanded
    assert read(f"checkout/sessions/{session}", "payment_intent.latest_charge.refunds")["payment_intent"] == whole


@pytest.mark.parametrize(
    "method, path, form, status",
    [
        ("POST", "/v1/refunds", "charge={charge}", 200),
        ("POST", "/v1/refunds", "payment_intent={intent}&expand[]=charge", 200),
        ("POST", "/v1/refunds", "", 400),
        ("POST", "/v1/refunds", "charge={charge}&amount=10.00", 400),
        ("POST", "/v1/refunds", "charge={charge}&amount=0", 400),
        ("POST", "/v1/refunds", "charge={charge}&description=x", 400),
        ("POST", "/v1/refunds", "charge={charge}&reason=return", 400),
        ("POST", "/v1/refunds", "charge={intent}", 404),
        ("POST", "/v1/refunds/{refund}", "metadata[order]=7", 200),
        ("POST", "/v1/refunds/{refund}/cancel", "", 400),
        ("GET", "/v1/refunds/{refund}?expand[]=charge", "", 200),
        ("GET", "/v1/refunds/{refund}?expand[]=nonsense", "", 400),
        ("GET", "/v1/charges/{charge}?expand[]=refunds", "", 200),
        ("GET", "/v1/charges/{charge}?expand[]=nonsense", "", 400),
        ("GET", "/v1/payment_intents/{intent}?expand[]=latest_charge.refunds", "", 200),
        ("GET", "/v1/payment_intents/{intent}?expand[]=refunds", "", 400),
        ("GET", "/v1/refunds?limit=101", "", 400),
        ("GET", "/v1/refunds?limit=x", "", 400),
        ("GET", "/v1/refunds?nonsense=1", "", 400),
        ("GET", "/v1/refunds?starting_after=re_unknown", "", 404),
        ("GET", "/v1/checkout/sessions/cs_unknown", "", 404),
        ("GET", "/v1/balance", "", 200),
        ("GET", "/v1/nonsense", "", 404),
        ("POST", "/v1/charges", "", 404),
    ],
)
def test_the_sandbox_answers_any_client_as_stripe_does(
    sandbox: StripeSandbox, method: str, path: str, form: str, status: int
) -> None:
    intent = sandbox.pay(PAID)
    names = {"intent": intent, "charge": sandbox.charge_of(intent)}
    names["refund"] = sandbox.refund_in_dashboard(intent, Money.of("1.00", "EUR"))
    session, url = ProviderSession(), sandbox.url + path.format(**names)
    headers = {"Authorization": f"Bearer {sandbox.api_key}"}
    if method == "GET":
        answer = session.read(url, headers=headers)
    else:
        answer = session.write("POST", url, headers=headers, form=dict(parse_qsl(form.format(**names))))
    assert answer.status == status
    assert answer.headers["request-id"].startswith("req_")
    if status != 200:
        assert answer.json()["error"]["type"] == "invalid_request_error"


def test_a_replay_says_that_it_is_one_and_repeats_the_key(
    sandbox: StripeSandbox, stripe: Stripe, refund_of: Callable[..., RefundRequest]
) -> None:
    request = refund_of(sandbox.pay(PAID))
    stripe.refund(request)
    answer = ProviderSession().write(
        "POST",
        f"{sandbox.url}/v1/refunds",
        headers={"Authorization": f"Bearer {sandbox.api_key}", "Idempotency-Key": request.key},
        form=dict(parse_qsl(sandbox.server.requests[-1].body.decode())),
    )
    assert answer.status == 200
    assert answer.headers["idempotent-replayed"] == "true"
    assert answer.headers["idempotency-key"] == request.key
