"""What nobody looks into: a webhook that is too large or too deep is refused before any plugin sees it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest

from retour import LARGEST_WEBHOOK, InvalidWebhook, Money
from retour.effects.inbox import LARGEST_HEADERS, MOST_HEADERS
from retour.providers.wire import DEEPEST

SIGNED = {"Signature": "right"}

DEEP = b"[" * (DEEPEST + 1) + b"]" * (DEEPEST + 1)

TOO_MUCH: dict[str, tuple[Mapping[str, str], bytes, str]] = {
    "a large body": (SIGNED, b"x" * (LARGEST_WEBHOOK + 1), "is too large"),
    "a deep body": (SIGNED, DEEP, "is nested too deep"),
    "a very deep body": (SIGNED, b'{"a":' * 150_000, "is nested too deep"),
    "a deep body in UTF-16": (SIGNED, DEEP.decode().encode("utf-16"), "is nested too deep"),
    "a deep body in UTF-32": (SIGNED, DEEP.decode().encode("utf-32-be"), "is nested too deep"),
    "a deep body behind a broken text": (SIGNED, b'"\xff\\"",' + DEEP, "is nested too deep"),
    "many headers": (SIGNED | {f"x-{number}": "" for number in range(MOST_HEADERS)}, b"", "has too many headers"),
    "large headers": (SIGNED | {"x": "x" * LARGEST_HEADERS}, b"", "has headers that are too large"),
    "a header twice": (SIGNED | {"signature": "wrong"}, b"", "has a header twice"),
}


@pytest.mark.parametrize("headers, body, why", TOO_MUCH.values(), ids=list(TOO_MUCH))
def test_what_is_too_much_is_refused_before_any_plugin_sees_it(
    world: Any, headers: Mapping[str, str], body: bytes, why: str
) -> None:
    world.open()
    seen: list[str] = []
    world.ledger.watch = lambda call, _: seen.append(call)
    with pytest.raises(InvalidWebhook, match=why):
        world.desk.receive_webhook("ledger", headers, body)
    assert seen == []


@pytest.mark.parametrize(
    "body",
    [
        json.dumps({"a": "[{" * 1000}).encode(),
        b"[" * DEEPEST + b"]" * DEEPEST,
        b"[]," * 1000,
    ],
    ids=["brackets in a text", "as deep as may be", "many, and none in another"],
)
def test_what_only_looks_deep_comes_to_the_plugin(world: Any, body: bytes) -> None:
    world.open()
    with pytest.raises(InvalidWebhook, match="wrong signature"):
        world.desk.receive_webhook("ledger", {"Signature": "wrong"}, body)


def test_a_webhook_with_all_that_a_server_may_pass_on_is_taken(world: Any) -> None:
    world.open()
    world.ledger.add("p_1", Money.of("40", "EUR"))
    headers = SIGNED | {f"x-{number}": "x" * 200 for number in range(MOST_HEADERS - 1)}
    assert world.desk.receive_webhook("ledger", headers, b"event:re_1").kept == 1
