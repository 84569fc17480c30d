"""What the tests of PayPal share: a sandbox, the provider on it, and PayPal's own description of its API.

Everything that passes between the two is held against the description, in every test that uses the sandbox.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import attrs
import jsonschema
import pytest
from referencing import Registry
from referencing.jsonschema import DRAFT4

from retour.providers import Mode, Money, Payment, ProviderSession, RefundRequest, Secret
from retour.sandbox import SandboxRequest, SandboxResponse
from retour_paypal.provider import PayPal
from retour_paypal.sandbox import PayPalSandbox
from retour_paypal.settings import Settings

DESCRIPTION = Path(__file__).parents[4] / "shared/specs/paypal.json"

NAME = "urn:paypal"

NOT_DESCRIBED = ("/v1/oauth2/token", "/v1/notifications/certs/")
"""What PayPal's descriptions leave out: the token and the certificates."""


class Description:
    """PayPal's description of its API (OpenAPI 3.0, whose schemas are those of JSON Schema draft 4)."""

    def __init__(self, text: str) -> None:
        self.document = json.loads(text.replace('"#/components', f'"{NAME}#/components'))
        self.registry = Registry().with_resource(NAME, DRAFT4.create_resource(self.document)).crawl()

    def schema(self, name: str) -> dict[str, Any]:
        return {"$ref": f"{NAME}#/components/schemas/{name}"}

    def faults(self, value: object, schema: dict[str, Any]) -> list[str]:
        """What is wrong with a value: what the schema forbids, and every field that it does not describe."""
        validator = jsonschema.Draft4Validator(schema, registry=self.registry)
        wrong = [f"{error.json_path}: {error.message}" for error in validator.iter_errors(value)]
        return wrong + [f"{path}: is not described" for path in self._undescribed(value, [schema], "$")]

    def exchange(self, request: SandboxRequest, response: SandboxResponse) -> list[str]:
        """What is wrong with a request and its answer."""
        operation = self.operation(request)
        if operation is None:
            return [] if response.status == 404 else [f"{request.method} {request.path}: is not described"]
        found = []
        if "requestBody" in operation and response.status < 400:
            sent = operation["requestBody"]["content"]["application/json"]["schema"]
            found += self.faults(json.loads(request.body or b"{}"), sent)
        return found + self.faults(json.loads(response.encoded()), self._answer(operation, response.status))

    def _answer(self, operation: dict[str, Any], status: int) -> dict[str, Any]:
        answers = operation["responses"]
        described = answers.get(str(status))
        if described is None and status == 200:
            described = answers["201"]  # a repeated request: PayPal's SDK names 200
        if described is None and status == 429:
            return self.schema("error")
        content = self.resolved(described or answers["default"])["content"]
        return content["application/json"]["schema"]

    def operation(self, request: SandboxRequest) -> dict[str, Any] | None:
        for template, methods in self.document["paths"].items():
            pattern = re.sub(r"\\{\w+\\}", "[^/]+", re.escape(template))
            if re.fullmatch(pattern, request.path) and request.method.lower() in methods:
                return methods[request.method.lower()]
        return None

    def resolved(self, schema: dict[str, Any]) -> dict[str, Any]:
        while "$ref" in schema:
            part: Any = self.document
            for step in schema["$ref"].removeprefix(f"{NAME}#/").split("/"):
                part = part[step]
            schema = part
        return schema

    def _parts(self, schema: dict[str, Any]) -> Iterator[dict[str, Any]]:
        """A schema and all that it is made of."""
        schema = self.resolved(schema)
        yield schema
        for word in ("allOf", "anyOf", "oneOf"):
            for part in schema.get(word, ()):
                yield from self._parts(part)

    def _undescribed(self, value: object, schemas: list[dict[str, Any]], path: str) -> Iterator[str]:
        parts = [part for schema in schemas for part in self._parts(schema)]
        if isinstance(value, dict) and not any(part.get("additionalProperties") for part in parts):
            for name, inner in value.items():
                described = [part["properties"][name] for part in parts if name in part.get("properties", {})]
                if described:
                    yield from self._undescribed(inner, described, f"{path}.{name}")
                else:
                    yield f"{path}.{name}"
        if isinstance(value, list):
            items = [part["items"] for part in parts if "items" in part]
            for number, inner in enumerate(value):
                yield from self._undescribed(inner, items, f"{path}[{number}]")


def _read_description() -> Description | None:
    return Description(DESCRIPTION.read_text()) if DESCRIPTION.exists() else None


@pytest.fixture(scope="session")
def description() -> Description:
    """PayPal's description; where it is missing the test is skipped, and fails where CI=true."""
    found = _read_description()
    if found is None:
        reason = f"PayPal's description is missing ({DESCRIPTION.name})"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    return found


_description = _read_description()


@pytest.fixture
def sandbox() -> Iterator[PayPalSandbox]:
    """A sandbox whose every exchange is as PayPal describes it."""
    faults: list[str] = []
    with PayPalSandbox() as made:
        handle = made.server.handle

        def watched(request: SandboxRequest) -> SandboxResponse:
            response = handle(request)
            if _description is not None and not request.path.startswith(NOT_DESCRIBED):
                faults.extend(_description.exchange(request, response))
            return response

        made.server.handle = watched
        yield made
    assert faults == []


Connect = Callable[..., PayPal]


@pytest.fixture
def connect(sandbox: PayPalSandbox) -> Connect:
    """Makes providers on the sandbox, with other settings where a test needs them."""

    def make(*, deadline: float = 30.0, **more: str) -> PayPal:
        given: dict[str, Any] = sandbox.settings | more
        settings = Settings(**{**given, "client_secret": Secret(given["client_secret"])})
        return PayPal(settings, ProviderSession(deadline=deadline))

    return make


@pytest.fixture
def paypal(connect: Connect) -> PayPal:
    """PayPal on the sandbox. It has time, on a slow machine too."""
    return connect()


@pytest.fixture
def hasty(connect: Connect) -> PayPal:
    """One that waits a second for an answer, where one is held back."""
    return connect(deadline=1.0)


@attrs.frozen(kw_only=True)
class Values:
    """Builders of the values that the tests hand over."""

    def payment(self, reference: str, amount: str = "94.95", mode: Mode = Mode.TEST) -> Payment:
        return Payment(provider="paypal", reference=reference, captured=Money.of(amount, "EUR"), mode=mode)

    def request(self, target: str, amount: str = "44.95", *, currency: str = "EUR", number: int = 1) -> RefundRequest:
        return RefundRequest(
            refund_id=f"rf01JD3MZ8000000000000000{number:03}",
            key=f"rf01JD3MZ8000000000000000{number:03}.refund",
            order_id="1001",
            target=target,
            amount=Money.of(amount, currency),
            description="Retour 1001",
        )


@pytest.fixture
def a() -> Values:
    """Builders: ``a.payment(...)``, ``a.request(...)``."""
    return Values()
