"""A sandbox whose whole traffic is held against Stripe's official description, and a provider that uses it."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import attrs
import pytest
from jsonschema import Draft202012Validator

from retour.providers import Mode, Money, Payment, ProviderSession, RefundRequest, Secret
from retour.sandbox import SandboxRequest, SandboxResponse
from retour_stripe.provider import Stripe
from retour_stripe.sandbox import StripeSandbox
from retour_stripe.settings import Settings

FILE = Path(__file__).parents[3].parent / "shared/specs/stripe.json"

Json = dict[str, Any]


def honest(schema: Json) -> Json:
    """An OpenAPI 3.0 schema as JSON Schema: ``nullable`` also beside ``enum``, ``anyOf`` and ``$ref``, where
    validators forget it; and no field that the description does not name."""
    made = {key: value for key, value in schema.items() if key not in ("nullable", "description", "title")}
    if "properties" in schema:
        made["properties"] = {name: honest(one) for name, one in schema["properties"].items()}
        made.setdefault("additionalProperties", False)
    for key in ("items", "additionalProperties"):
        if isinstance(schema.get(key), dict):
            made[key] = honest(schema[key])
    if "anyOf" in schema:
        made["anyOf"] = [honest(one) for one in schema["anyOf"]]
    return {"anyOf": [made, {"type": "null"}]} if schema.get("nullable") else made


class Description:
    """Stripe's official description, version 2024-04-10, as something that says what is wrong with a call."""

    def __init__(self, document: Json) -> None:
        self.paths = document["paths"]
        self._schemas = {name: honest(schema) for name, schema in document["components"]["schemas"].items()}

    def operation(self, request: SandboxRequest) -> Json | None:
        for path, operations in self.paths.items():
            if re.fullmatch(re.sub(r"\{\w+\}", r"[^/]+", path), request.path):
                found: Json | None = operations.get(request.method.lower())
                return found
        return None

    def faults(self, schema: Json, value: object) -> list[str]:
        whole = {**honest(schema), "components": {"schemas": self._schemas}}
        return [f"{error.json_path}: {error.message}" for error in Draft202012Validator(whole).iter_errors(value)]

    def answer_schema(self, operation: Json, status: int) -> Json:
        answers = operation["responses"]
        schema: Json = answers.get(str(status), answers["default"])["content"]["application/json"]["schema"]
        return schema

    def check(self, request: SandboxRequest, response: SandboxResponse) -> None:
        """Fail if a request that was accepted, or any answer, is not as Stripe describes it."""
        operation = self.operation(request)
        if operation is None:
            assert response.status in (401, 404), f"{request.method} {request.path} is on no path of Stripe's"
            assert self.faults({"$ref": "#/components/schemas/error"}, response.body) == []
            return
        assert self.faults(self.answer_schema(operation, response.status), response.body) == []
        if response.status == 200:
            known = {one["name"]: one["schema"] for one in operation.get("parameters", ()) if one["in"] == "query"}
            assert self.faults({"type": "object", "properties": known}, typed(list(request.query.items()), known)) == []
            if request.method == "POST":
                form = operation["requestBody"]["content"]["application/x-www-form-urlencoded"]["schema"]
                pairs = parse_qsl(request.body.decode(), keep_blank_values=True, strict_parsing=bool(request.body))
                assert self.faults(form, typed(pairs, form["properties"])) == []


def typed(pairs: list[tuple[str, str]], properties: Json) -> Json:
    """A form as the value it stands for. Only digits are an integer, so that ``10.00`` stays a text, and is a fault."""
    made: Json = {}
    for name, value in pairs:
        outer, _, inner = name.partition("[")
        number = properties.get(outer, {}).get("type") == "integer" and re.fullmatch(r"[0-9]+", value)
        if not inner:
            made[outer] = int(value) if number else value
        elif re.fullmatch(r"[0-9]*\]", inner):
            made.setdefault(outer, []).append(value)
        else:
            made.setdefault(outer, {})[inner.removesuffix("]")] = value
    return made


def read_description() -> Description | None:
    return Description(json.loads(FILE.read_text())) if FILE.exists() else None


@pytest.fixture(scope="session")
def maybe_description() -> Description | None:
    return read_description()


@pytest.fixture
def description(maybe_description: Description | None) -> Description:
    """The description; without it the test is skipped, and fails in CI."""
    if maybe_description is None:
        (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)(f"{FILE} is not there")
    return maybe_description


@pytest.fixture
def watch(maybe_description: Description | None) -> Iterator[Callable[[StripeSandbox], StripeSandbox]]:
    """Hold everything that passes through a sandbox against the description, if it is there."""
    wrong: list[str] = []

    def begin(sandbox: StripeSandbox) -> StripeSandbox:
        answer = sandbox.server.handle

        def checked(request: SandboxRequest) -> SandboxResponse:
            response = answer(request)
            if maybe_description is not None:
                try:
                    maybe_description.check(request, response)
                except AssertionError as error:
                    wrong.append(f"{request.method} {request.path}: {error}")
            return response

        sandbox.server.handle = checked
        return sandbox

    yield begin
    assert wrong == []


@pytest.fixture
def sandbox(watch: Callable[[StripeSandbox], StripeSandbox]) -> Iterator[StripeSandbox]:
    with StripeSandbox() as made:
        yield watch(made)


@pytest.fixture
def stripe(sandbox: StripeSandbox) -> Stripe:
    return provider(sandbox)


@pytest.fixture
def hasty(sandbox: StripeSandbox) -> Stripe:
    """One that waits a second for an answer, where one is held back."""
    return provider(sandbox, deadline=1.0)


@pytest.fixture
def provider_with() -> Callable[..., Stripe]:
    return provider


def provider(sandbox: StripeSandbox, *, deadline: float = 30.0, **settings: Any) -> Stripe:
    """A provider of one sandbox, with other settings where the test is about those. It has time, on a slow machine too;
    what is sent to the sandbox is held against the description meanwhile."""
    usual = {
        "api_key": Secret(sandbox.api_key),
        "webhook_secrets": (Secret(sandbox.webhook_secret),),
        "api_url": sandbox.url,
    }
    return Stripe(Settings(**{**usual, **settings}), ProviderSession(deadline=deadline))


@pytest.fixture
def payment() -> Callable[..., Payment]:
    def make(reference: str, captured: str = "94.95", currency: str = "EUR", mode: Mode = Mode.TEST) -> Payment:
        return Payment(provider="stripe", reference=reference, captured=Money.of(captured, currency), mode=mode)

    return make


@pytest.fixture
def refund_of() -> Callable[..., RefundRequest]:
    """A refund request, the same for the same number."""

    def make(target: str, amount: str = "44.95", currency: str = "EUR", number: int = 1, **more: Any) -> RefundRequest:
        request = RefundRequest(
            refund_id=f"rf{number:026d}",
            key=f"key-{number:026d}",
            order_id="1001",
            target=target,
            amount=Money.of(amount, currency),
            description="Retour 1001",
        )
        return attrs.evolve(request, **more)

    return make
