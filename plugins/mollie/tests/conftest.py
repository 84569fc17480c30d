"""What the tests of Mollie share: a sandbox whose every answer is checked against Mollie's own API description."""

from __future__ import annotations

import copy
import json
import os
import re
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import attrs
import pytest
from jsonschema import Draft202012Validator
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012

from retour.providers import Mode, Money, Payment, ProviderSession, RefundRequest, Secret
from retour.sandbox import SandboxRequest, SandboxResponse, SandboxWebhook
from retour_mollie.provider import Mollie
from retour_mollie.sandbox import MollieSandbox
from retour_mollie.settings import Settings

SPEC = Path(__file__).parents[3].parent / "shared/specs/mollie.json"

NOT_DESCRIBED = re.compile(r"/v2/orders/[^/]+")
"""The Orders API is not in the description of 2026 any more."""


class Description:
    """Mollie's API description: checks requests and answers, and never skips a schema."""

    def __init__(self, document: dict[str, Any]) -> None:
        self.document = _honest(document)
        self.checked: set[tuple[str, str, int]] = set()
        resource = Resource.from_contents(self.document, default_specification=DRAFT202012)
        self._validators: dict[str, Draft202012Validator] = {}
        self._registry: Registry[Any] = Registry().with_resource("mollie", resource)

    def check(self, request: SandboxRequest, response: SandboxResponse) -> None:
        """Check one exchange. A request that was refused may be wrong; everything else may not."""
        if NOT_DESCRIBED.fullmatch(request.path) or request.path == "/v2/unknown":
            return
        template = self._template(request.path)
        operation = self.document["paths"][template][request.method.lower()]
        if response.status < 300:
            self._check_request(operation, request)
        self._check_response(operation, response)
        self.checked.add((request.method, template, response.status))

    def validate(self, pointer: str, value: object) -> None:
        """Check a value against the schema at ``pointer``, and that it holds nothing that is not described."""
        if pointer not in self._validators:
            Draft202012Validator.check_schema(self._at(pointer))
            self._validators[pointer] = Draft202012Validator({"$ref": f"mollie#{pointer}"}, registry=self._registry)
        self._validators[pointer].validate(value)
        made_up = sorted(self._made_up(self._at(pointer), value, "$"))
        assert made_up == [], f"not in Mollie's description: {made_up}"

    def resolves(self, pointer: str) -> None:
        """Follow every reference in a schema; raises KeyError for one that leads nowhere."""
        waiting: list[Any] = [self._at(pointer)]
        while waiting:
            part = waiting.pop()
            if isinstance(part, dict):
                if isinstance(part.get("$ref"), str):
                    self._at(part["$ref"].removeprefix("#"))
                waiting += part.values()
            elif isinstance(part, list):
                waiting += part

    def _check_request(self, operation: dict[str, Any], request: SandboxRequest) -> None:
        described = {self._resolved(parameter)["name"] for parameter in operation.get("parameters", [])}
        assert set(request.query) <= described, f"{request.path} has no parameters {set(request.query) - described}"
        if request.method == "POST":
            assert request.headers["content-type"] == "application/json"
            schema = operation["requestBody"]["content"]["application/json"]["schema"]
            self.validate(schema["$ref"].removeprefix("#"), json.loads(request.body))
        else:
            assert request.body == b""

    def _check_response(self, operation: dict[str, Any], response: SandboxResponse) -> None:
        if str(response.status) in operation["responses"]:
            described = self._resolved(operation["responses"][str(response.status)])
            if "content" not in described:
                assert response.encoded() == b""
                return
            [(content_type, content)] = described["content"].items()
            assert response.content_type == content_type
            schema = content["schema"]
            pointer = schema["$ref"].removeprefix("#") if "$ref" in schema else self._kept(schema)
        else:  # 400, 401 and 5xx are documented for all calls, and described for few
            assert response.status in (400, 401, 422, 500, 503)
            pointer = "/components/schemas/error-response"
        self.validate(pointer, json.loads(response.encoded()))

    def _template(self, path: str) -> str:
        for template in sorted(self.document["paths"], key=lambda known: "{" in known):
            if re.fullmatch(re.sub(r"\{[^}]+\}", "[^/]+", template), path):
                return str(template)
        raise AssertionError(f"{path} is not in Mollie's description")

    def _kept(self, schema: dict[str, Any]) -> str:
        """A place for a schema that stands in the middle of an operation."""
        for name, kept in self.document["components"]["schemas"].items():
            if kept is schema:
                return f"/components/schemas/{name}"
        raise AssertionError("a schema without a name")

    def _at(self, pointer: str) -> dict[str, Any]:
        found = self.document
        for part in pointer.strip("/").split("/"):
            found = found[part.replace("~1", "/").replace("~0", "~")]
        return found

    def _resolved(self, thing: dict[str, Any]) -> dict[str, Any]:
        return self._resolved(self._at(thing["$ref"].removeprefix("#"))) if "$ref" in thing else thing

    def _made_up(self, schema: dict[str, Any], value: object, path: str) -> Iterator[str]:
        """The paths of fields that no part of the schema describes."""
        parts = list(self._parts(schema))
        if isinstance(value, dict) and any("properties" in part for part in parts):
            if any(part.get("additionalProperties") for part in parts):
                return
            known: dict[str, dict[str, Any]] = {}
            for part in parts:
                for name, described in part.get("properties", {}).items():
                    known[name] = {"allOf": [known[name], described]} if name in known else described
            for name, inner in value.items():
                if name in known:
                    yield from self._made_up(known[name], inner, f"{path}.{name}")
                else:
                    yield f"{path}.{name}"
        if isinstance(value, list):
            for number, inner in enumerate(value):
                for part in parts:
                    yield from self._made_up(part.get("items", {}), inner, f"{path}[{number}]")

    def _parts(self, schema: dict[str, Any]) -> Iterator[dict[str, Any]]:
        yield schema
        if "$ref" in schema:
            yield from self._parts(self._at(schema["$ref"].removeprefix("#")))
        for word in ("allOf", "anyOf", "oneOf"):
            for part in schema.get(word, []):
                yield from self._parts(part)


def _honest(document: dict[str, Any]) -> dict[str, Any]:
    """The description with four things put right, so that it says what Mollie does.

    A refund's request is the schema of its answer: fields that are read-only cannot be required of it, and our own
    two, description and metadata, are optional. A list counts from 0, not from 1. The lists of refunds and chargebacks
    get names. What can be embedded in a payment is described as a parameter of the call only, and becomes a field.
    """
    document = copy.deepcopy(document)
    schemas = document["components"]["schemas"]
    fields = {"properties": schemas["entity-refund"]["properties"]}
    request = copy.deepcopy(schemas["entity-refund"])
    request["required"] = [
        name
        for name in request["required"]
        if not _is_read_only(fields["properties"][name], schemas) and name not in ("description", "metadata")
    ]
    for name in [name for name, field in request["properties"].items() if _is_read_only(field, schemas)]:
        del request["properties"][name]
    assert request["required"] == ["amount"]
    schemas["refund-request"]["allOf"][0] = request
    schemas["list-count"]["minimum"] = 0
    listed = document["paths"]["/v2/payments/{paymentId}/refunds"]["get"]["responses"]["200"]["content"]
    schemas["list-of-refunds"] = listed["application/hal+json"]["schema"]
    listed = document["paths"]["/v2/payments/{paymentId}/chargebacks"]["get"]["responses"]["200"]["content"]
    schemas["list-of-chargebacks"] = listed["application/hal+json"]["schema"]
    schemas["entity-payment-response"]["properties"]["_embedded"] = {
        "properties": {
            "refunds": schemas["list-of-refunds"]["properties"]["_embedded"]["properties"]["refunds"],
            "chargebacks": schemas["list-of-chargebacks"]["properties"]["_embedded"]["properties"]["chargebacks"],
        },
        "additionalProperties": False,
    }
    return document


def _is_read_only(field: dict[str, Any], schemas: dict[str, Any]) -> bool:
    named = schemas.get(field.get("$ref", "").rpartition("/")[2], {})
    return bool(field.get("readOnly") or named.get("readOnly"))


@cache
def _description() -> Description | None:
    if not SPEC.exists():
        return None
    return Description(json.loads(SPEC.read_text()))


@pytest.fixture
def description() -> Description:
    """Mollie's API description; the test is skipped where it is not at hand, but not in CI."""
    found = _description()
    if found is None:
        if os.environ.get("CI") == "true":
            pytest.fail(f"Mollie's API description is missing: {SPEC.name}")
        pytest.skip(f"Mollie's API description is not at hand: {SPEC.name}")
    return found


@pytest.fixture
def sandbox() -> Iterator[MollieSandbox]:
    """Mollie on this machine. Whatever it answers in a test is checked against the description afterwards."""
    with MollieSandbox() as made:
        exchanges: list[tuple[SandboxRequest, SandboxResponse]] = []
        handle = made.server.handle

        def noted(request: SandboxRequest) -> SandboxResponse:
            response = handle(request)
            exchanges.append((request, response))
            return response

        made.server.handle = noted
        webhooks: list[SandboxWebhook] = []
        take = made.take_webhooks

        def noted_webhooks() -> list[SandboxWebhook]:
            taken = take()
            webhooks.extend(taken)
            return taken

        made.take_webhooks = noted_webhooks  # type: ignore[method-assign]
        yield made
        made.take_webhooks()
    found = _description()
    if found is not None:
        for request, response in exchanges:
            found.check(request, response)
        for webhook in webhooks:
            if webhook.headers["content-type"] == "application/json":
                found.validate("/components/schemas/entity-webhook-event", json.loads(webhook.body))


@pytest.fixture
def mollie(sandbox: MollieSandbox) -> Mollie:
    """The provider with a test key. It has time, on a slow machine too."""
    return provider(sandbox)


@pytest.fixture
def hasty(sandbox: MollieSandbox) -> Mollie:
    """One that waits a second for an answer, where one is held back."""
    return provider(sandbox, deadline=1.0)


@pytest.fixture
def provider_with(sandbox: MollieSandbox) -> Callable[..., Mollie]:
    """Makes the provider with other settings."""
    return lambda **settings: provider(sandbox, **settings)


def provider(sandbox: MollieSandbox, *, deadline: float = 30.0, **settings: Any) -> Mollie:
    chosen: dict[str, Any] = {"api_key": Secret(sandbox.test_key), "api_url": sandbox.url} | settings
    return Mollie(Settings(**chosen), ProviderSession(deadline=deadline))


@pytest.fixture
def paid(sandbox: MollieSandbox) -> Payment:
    """A test payment of 94.95 by iDEAL."""
    return shop_payment(sandbox.pay(Money.of("94.95", "EUR")))


@pytest.fixture
def request_for(paid: Payment) -> Callable[..., RefundRequest]:
    """Makes requests to refund some of that payment: each number is another refund."""

    def make(amount: str = "44.95", number: int = 1, **changes: Any) -> RefundRequest:
        request = RefundRequest(
            refund_id=f"rf{number:026d}",
            key=f"rf{number:026d}-1",
            order_id="1001",
            target=paid.reference,
            amount=Money.of(amount, "EUR"),
            description="Retour 1001",
        )
        return attrs.evolve(request, **changes)

    return make


@pytest.fixture
def shop_payment_of() -> Callable[..., Payment]:
    """Makes a payment as a shop stored it."""
    return shop_payment


def shop_payment(reference: str, captured: str = "94.95", currency: str = "EUR", mode: Mode = Mode.TEST) -> Payment:
    return Payment(provider="mollie", reference=reference, captured=Money.of(captured, currency), mode=mode)
