"""The sandbox and Mollie's own API description: everything is checked, and what checks it can fail."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import attrs
import pytest
from jsonschema import Draft202012Validator, ValidationError

from retour.providers import Mode, Money, Payment, ProviderError, RefundRequest, Secret, read_wire
from retour.sandbox import SandboxRequest, SandboxResponse
from retour_mollie import wire
from retour_mollie.provider import Mollie
from retour_mollie.sandbox import MollieSandbox

REFUNDS = "/v2/payments/{paymentId}/refunds"
REFUND = f"{REFUNDS}/{{refundId}}"


def all_that_we_ask(sandbox: MollieSandbox, mollie: Mollie, payment: Payment, request: RefundRequest) -> None:
    """Every call of the provider, with an answer and with a refusal."""
    mollie.check_settings()
    mollie.refundable(payment)
    assert mollie.find_refund(request) is None
    sent = mollie.refund(request)
    mollie.list_refunds(request.target)
    mollie.fetch_refund(request.target, sent.reference)
    for again in (
        attrs.evolve(request, key="another"),
        attrs.evolve(request, key="more", amount=Money.of("99.99", "EUR")),
        attrs.evolve(request, key="lost", target="tr_missing"),
    ):
        with pytest.raises(ProviderError):
            mollie.refund(again)
    with pytest.raises(ProviderError):
        mollie.fetch_refund(request.target, "re_missing")
    mollie.cancel_refund(request.target, sent.reference)


def test_all_that_we_ask_and_all_that_is_answered_is_as_described(
    description: Any, sandbox: MollieSandbox, provider_with: Callable[..., Mollie], request_for: Callable[..., Any]
) -> None:
    exchanges: list[tuple[SandboxRequest, SandboxResponse]] = []
    handle = sandbox.server.handle

    def noted(request: SandboxRequest) -> SandboxResponse:
        exchanges.append((request, handle(request)))
        return exchanges[-1][1]

    sandbox.server.handle = noted
    for settings in ({}, {"api_key": Secret(sandbox.token), "token_mode": "test"}):
        reference = sandbox.pay(Money.of("94.95", "EUR"), webhook_url="https://example.org/webhook")
        payment = Payment(provider="mollie", reference=reference, captured=Money.of("94.95", "EUR"), mode=Mode.TEST)
        all_that_we_ask(sandbox, provider_with(**settings), payment, request_for("44.95", target=reference))

    description.checked.clear()
    for request, response in exchanges:
        description.check(request, response)
    assert description.checked == {
        ("GET", "/v2/profiles/me", 200),
        ("GET", "/v2/organizations/me", 200),
        ("GET", "/v2/payments/{paymentId}", 200),
        ("GET", REFUNDS, 200),
        ("POST", REFUNDS, 201),
        ("POST", REFUNDS, 404),
        ("POST", REFUNDS, 409),
        ("POST", REFUNDS, 422),
        ("GET", REFUND, 200),
        ("GET", REFUND, 404),
        ("DELETE", REFUND, 204),
    }


def test_what_the_server_answers_by_itself_is_as_described(description: Any, sandbox: MollieSandbox) -> None:
    for body in sandbox.server.error_bodies.values():
        description.validate("/components/schemas/error-response", body)


def test_every_status_and_every_way_of_cancelling_is_in_the_description(description: Any) -> None:
    assert set(description.document["components"]["schemas"]["refund-status"]["enum"]) == set(wire.STATUSES)
    cancel = description.document["paths"][REFUND]["delete"]["description"]
    assert all(f"`{status}`" in cancel for status in wire.CANCELLABLE)


def test_the_examples_of_the_description_are_read(description: Any) -> None:
    examples = description.document["components"]["examples"]
    assert read_wire(wire.Refund, examples["get-refund"]["value"]).result(Mode.LIVE).amount == Money.of("5.95", "EUR")
    payment = read_wire(wire.Payment, examples["get-payment"]["value"])
    assert payment.amountRemaining is None
    assert payment.dashboard.endswith(f"/payments/{payment.id}")


# --- what checks it can fail -----------------------------------------------------------------------------


def test_no_schema_is_skipped(description: Any) -> None:
    for name, schema in description.document["components"]["schemas"].items():
        Draft202012Validator.check_schema(schema)
        description.resolves(f"/components/schemas/{name}")


@pytest.mark.parametrize(
    "change, error",
    [
        ({"id": ...}, ValidationError),
        ({"id": "tr_1"}, ValidationError),
        ({"status": "done"}, ValidationError),
        ({"amount": {"currency": "EUR", "value": 5.95}}, ValidationError),
        ({"metadata": True}, ValidationError),
        ({"_links": {}}, ValidationError),
        ({"made_up": 1}, AssertionError),
        ({"amount": {"currency": "EUR", "value": "5.95", "cents": "595"}}, AssertionError),
    ],
)
def test_an_answer_that_is_wrong_or_made_up_is_caught(
    description: Any, sandbox: MollieSandbox, change: dict[str, Any], error: type[Exception]
) -> None:
    payment = sandbox.pay(Money.of("94.95", "EUR"))
    sandbox.refund_in_dashboard(payment, Money.of("10.00", "EUR"))
    right = sandbox.refunds(payment)[0]
    description.validate("/components/schemas/list-entity-refund", right)
    wrong = {name: value for name, value in (right | change).items() if value is not ...}
    with pytest.raises(error):
        description.validate("/components/schemas/list-entity-refund", wrong)


@pytest.mark.parametrize("change", [{"amount": ...}, {"amount": {"value": "5.95"}}, {"id": "re_1"}, {"reason": "x"}])
def test_a_request_that_is_wrong_is_caught(
    description: Any, request_for: Callable[..., RefundRequest], change: dict[str, Any]
) -> None:
    right = wire.refund_body(request_for())
    description.validate("/components/schemas/refund-request", right)
    wrong = {name: value for name, value in (right | change).items() if value is not ...}
    with pytest.raises((ValidationError, AssertionError)):
        description.validate("/components/schemas/refund-request", wrong)
