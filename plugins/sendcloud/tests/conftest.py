"""What the tests of Sendcloud share: a sandbox whose every answer is checked against Sendcloud's own API
description."""

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

from retour.providers import Address, LabelForm, LabelRequest, Money, Parcel, ParcelItem, ProviderSession, Secret
from retour.sandbox import SandboxRequest, SandboxResponse, SandboxWebhook
from retour_sendcloud.provider import Sendcloud
from retour_sendcloud.sandbox import SendcloudSandbox
from retour_sendcloud.settings import Settings

SPECS = Path(__file__).parents[3].parent / "shared/specs"
VERSIONS = {"v3": "sendcloud.json", "v2": "sendcloud-v2.json"}

WEBHOOKS = {"parcel_status_changed": "ParcelStatusChangedWebhook", "return_created": "ReturnCreatedWebhook"}

NOT_DESCRIBED = frozenset({401, 429, 500, 503})
"""Statuses whose body no document has."""


class Description:
    """Sendcloud's API description, v3 and v2: checks requests and answers, and never skips a schema."""

    def __init__(self, documents: dict[str, dict[str, Any]]) -> None:
        self.documents = {version: _honest(version, document) for version, document in documents.items()}
        self.checked: set[tuple[str, str, int]] = set()
        self._validators: dict[str, Draft202012Validator] = {}
        self._registry: Registry[Any] = Registry()
        for version, document in self.documents.items():
            resource = Resource.from_contents(document, default_specification=DRAFT202012)
            self._registry = self._registry.with_resource(version, resource)

    def check(self, request: SandboxRequest, response: SandboxResponse) -> None:
        """Check one exchange. A request that was refused may be wrong; everything else may not."""
        _, api, version, *_ = request.path.split("/")
        path = request.path.removeprefix(f"/{api}/{version}")
        template = self._template(version, path)
        item = self.documents[version]["paths"][template]
        operation = item[request.method.lower()]
        if response.status < 300:
            self._check_request(version, item, operation, request)
        self._check_response(version, operation, response)
        self.checked.add((request.method, f"{version}{template}", response.status))

    def validate(self, schema: dict[str, Any], value: object, version: str = "v3") -> None:
        """Check a value against a schema, and that it holds nothing that is not described."""
        words = json.dumps(schema).replace('"$ref": "#', f'"$ref": "{version}#')
        if words not in self._validators:
            Draft202012Validator.check_schema(held := json.loads(words))
            self._validators[words] = Draft202012Validator(held, registry=self._registry)
        self._validators[words].validate(value)
        made_up = sorted(self._made_up(version, schema, value, "$"))
        assert made_up == [], f"not in Sendcloud's description: {made_up}"

    def named(self, name: str, version: str = "v3") -> dict[str, Any]:
        """The schema with a name."""
        return dict(self.documents[version]["components"]["schemas"][name])

    def at(self, version: str, pointer: str) -> dict[str, Any]:
        found = self.documents[version]
        for part in pointer.strip("#/").split("/"):
            found = found[part.replace("~1", "/").replace("~0", "~")]
        return found

    def _check_request(
        self, version: str, item: dict[str, Any], operation: dict[str, Any], request: SandboxRequest
    ) -> None:
        given = operation.get("parameters", []) + item.get("parameters", [])
        parameters = [self._resolved(version, one) for one in given]
        queried = {one["name"]: one["schema"] for one in parameters if one["in"] == "query"}
        assert set(request.query) <= set(queried), f"{request.path} has no {set(request.query) - set(queried)}"
        needed = {one["name"] for one in parameters if one["in"] == "query" and one.get("required")}
        assert needed <= set(request.query), f"{request.path} needs {needed - set(request.query)}"
        for name, value in request.query.items():
            number = queried[name].get("type") in ("integer", "number")
            self.validate(queried[name], int(value) if number else value, version)
        accepts = [one["schema"] for one in parameters if (one["in"], one["name"]) == ("header", "Accept")]
        for schema in accepts:
            self.validate(schema, request.headers["accept"], version)
        body = self._resolved(version, operation.get("requestBody", {})).get("content", {})
        if body:
            assert request.headers["content-type"] == "application/json"
            self.validate(body["application/json"]["schema"], json.loads(request.body), version)
        else:
            assert request.body == b""

    def _check_response(self, version: str, operation: dict[str, Any], response: SandboxResponse) -> None:
        if response.status in NOT_DESCRIBED and str(response.status) not in operation["responses"]:
            return
        described = self._resolved(version, operation["responses"][str(response.status)]).get("content")
        if described is None:
            return
        assert response.content_type in described
        if response.content_type == "application/json":
            self.validate(described["application/json"]["schema"], json.loads(response.encoded()), version)

    def _template(self, version: str, path: str) -> str:
        for template in sorted(self.documents[version]["paths"], key=lambda known: "{" in known):
            if re.fullmatch(re.sub(r"\{[^}]+\}", "[^/]+", template), path):
                return str(template)
        raise AssertionError(f"{path} is not in Sendcloud's description of API {version}")

    def _resolved(self, version: str, thing: dict[str, Any]) -> dict[str, Any]:
        return self._resolved(version, self.at(version, thing["$ref"])) if "$ref" in thing else thing

    def _made_up(self, version: str, schema: dict[str, Any], value: object, path: str) -> Iterator[str]:
        """The paths of fields that no part of the schema describes."""
        parts = list(self._parts(version, schema))
        if isinstance(value, dict) and any("properties" in part for part in parts):
            if any(part.get("additionalProperties") for part in parts):
                return
            known: dict[str, dict[str, Any]] = {}
            for part in parts:
                for name, described in part.get("properties", {}).items():
                    known[name] = {"allOf": [known[name], described]} if name in known else described
            for name, inner in value.items():
                if name in known:
                    yield from self._made_up(version, known[name], inner, f"{path}.{name}")
                else:
                    yield f"{path}.{name}"
        if isinstance(value, list):
            for number, inner in enumerate(value):
                for part in parts:
                    yield from self._made_up(version, part.get("items", {}), inner, f"{path}[{number}]")

    def _parts(self, version: str, schema: dict[str, Any]) -> Iterator[dict[str, Any]]:
        yield schema
        if "$ref" in schema:
            yield from self._parts(version, self.at(version, schema["$ref"]))
        for word in ("allOf", "anyOf", "oneOf"):
            for part in schema.get(word, []):
                yield from self._parts(version, part)


def _honest(version: str, document: dict[str, Any]) -> dict[str, Any]:
    """The description with two things put right.

    API v2 says that a list of parcels has at least one: nothing says what it answers where there is none. And its copy
    lost the marks of what can be null (``next`` and ``previous`` of a list), which v3 has.
    """
    document = copy.deepcopy(document)
    if version == "v2":
        listed = document["paths"]["/parcels"]["get"]["responses"]["200"]["content"]["application/json"]["schema"]
        del listed["properties"]["parcels"]["minItems"]
        for name in ("next", "previous"):
            listed["properties"][name] = {"type": ["integer", "null"]}
        portal = document["paths"]["/parcels/{id}/return_portal_url"]["get"]["responses"]["200"]["content"]
        del portal["application/json"]["schema"]["properties"]["url"]["minLength"]  # a recording has an empty one
    return document


@cache
def _description() -> Description | None:
    if not all((SPECS / name).exists() for name in VERSIONS.values()):
        return None
    return Description({version: json.loads((SPECS / name).read_text()) for version, name in VERSIONS.items()})


@pytest.fixture
def description() -> Description:
    """Sendcloud's API description; the test is skipped where it is not at hand, but not in CI."""
    found = _description()
    if found is None:
        if os.environ.get("CI") == "true":
            pytest.fail("Sendcloud's API description is missing")
        pytest.skip("Sendcloud's API description is not at hand")
    return found


@pytest.fixture
def sandbox() -> Iterator[SendcloudSandbox]:
    """Sendcloud on this machine. Whatever it answers and sends in a test is checked against the description."""
    with SendcloudSandbox() as made:
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
            body = json.loads(webhook.body)
            found.validate(found.named(WEBHOOKS[body["action"]]), body)


@pytest.fixture
def sendcloud(sandbox: SendcloudSandbox) -> Sendcloud:
    """The provider with the sandbox's keys. It has time, on a slow machine too."""
    return provider(sandbox)


@pytest.fixture
def hasty(sandbox: SendcloudSandbox) -> Sendcloud:
    """One that waits a second for an answer, where one is held back."""
    return provider(sandbox, deadline=1.0)


@pytest.fixture
def provider_with(sandbox: SendcloudSandbox) -> Callable[..., Sendcloud]:
    """Makes the provider with other settings."""
    return lambda **settings: provider(sandbox, **settings)


def provider(sandbox: SendcloudSandbox, *, deadline: float = 30.0, **settings: Any) -> Sendcloud:
    given: dict[str, Any] = dict(sandbox.settings)
    given["secret_key"] = Secret(given["secret_key"])
    return Sendcloud(Settings(**{**given, **settings}), ProviderSession(deadline=deadline))


CUSTOMER = Address(
    name="Customer",
    street="Damrak",
    house_number="70",
    addition="2 hoog",
    postal_code="1012 LM",
    city="Amsterdam",
    country="NL",
    email="customer@example.org",
    phone="+31201234567",
)
SHOP = Address(
    name="Returns",
    company="Shop",
    street="Keizersgracht 1",
    postal_code="1015 CJ",
    city="Amsterdam",
    country="NL",
)


@pytest.fixture
def request_for() -> Callable[..., LabelRequest]:
    """Makes requests for labels of order 1001: each number is another label."""

    def make(number: int = 1, **changes: Any) -> LabelRequest:
        teapot = ParcelItem(
            line_id="1",
            description="Teapot",
            quantity=1,
            weight_grams=900,
            price=Money.of("44.95", "EUR"),
            sku="teapot",
            hs_code="691110",
            origin_country="NL",
            reason="11",
        )
        request = LabelRequest(
            label_id=f"lb{number:026d}",
            order_id="1001",
            return_number="R1001-1",
            option="postnl:standard/return",
            contract="101",
            form=LabelForm.PDF,
            sender=CUSTOMER,
            recipient=SHOP,
            parcel=Parcel(weight_grams=1200, items=(teapot,), length_mm=300, width_mm=200, height_mm=150),
        )
        return attrs.evolve(request, **changes)

    return make
