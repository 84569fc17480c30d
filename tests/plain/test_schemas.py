"""The schemas of all public values, as they were promised: a change is seen in review, and only adds."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from plain.any_value import KINDS

import retour
from retour import Dossier, Money, Order, Text
from retour_manual_transfer.statement import Paid, StatementMatch

GOLDEN = Path(__file__).parent / "schemas.json"


def without_words(schema: Any) -> Any:
    """A schema without its descriptions, which may be said better at any time."""
    if isinstance(schema, dict):
        return {key: without_words(one) for key, one in schema.items() if key != "description" or isinstance(one, dict)}
    return [without_words(one) for one in schema] if isinstance(schema, list) else schema


def definitions() -> dict[str, Any]:
    """The definition of each public value, and of each type that is met in one."""
    found: dict[str, Any] = {}
    for name, kind in KINDS.items():
        schema = without_words(retour.json_schema(kind))
        own = schema["$ref"].removeprefix("#/$defs/")
        found[name] = schema["$defs"].pop(own)
        found |= {other: one for other, one in schema["$defs"].items() if other not in found}
    return dict(sorted(found.items()))


def broken(before: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """What somebody relies on who reads or writes what ``before`` describes, and cannot any more.

    What may change is in docs/decisions/0036-plain-json.md: a type, a key that can be left out, a member more.
    """
    return [words for name, schema in before.items() for words in _broken(name, schema, now.get(name))]


def _broken(where: str, before: Any, now: Any) -> Iterator[str]:
    if now is None:
        yield f"{where} is gone"
        return
    for key, one in before.get("properties", {}).items():
        is_now = now.get("properties", {}).get(key)
        if key in before.get("required", []) and is_now is not None:
            one = {**one, "default": is_now.get("default")}  # who was told to give it gives it still
        yield from _broken(f"{where}.{key}", one, is_now)
    for key in now.get("required", []):
        if key not in before.get("required", []):
            yield f"{where}.{key} is needed now"
    for member in before.get("enum", []):
        if member not in now.get("enum", []):
            yield f"{where}: {member} is gone"
    if before.get("default") != now.get("default"):
        yield f"{where} is {now.get('default')!r} where nothing is said, and was {before.get('default')!r}"
    if before.get("x-personal") and not now.get("x-personal"):
        yield f"{where} is written without being asked for"
    others = ("properties", "required", "enum", "default", "x-personal", "maximum", "maxLength", "minimum")
    if {k: v for k, v in before.items() if k not in others} != {k: v for k, v in now.items() if k not in others}:
        yield f"{where} has another form"
    for bound in ("maximum", "maxLength"):
        if before.get(bound, 0) > now.get(bound, 0):
            yield f"{where} takes less"
    if before.get("minimum", 0) < now.get("minimum", 0):
        yield f"{where} takes less"


def test_every_schema_is_as_it_was_promised() -> None:
    """Run with RETOUR_WRITE_DOCS=1 to write it, after a change that only adds; remove it first where nothing of it was
    released yet."""
    now = definitions()
    if GOLDEN.exists():
        assert broken(json.loads(GOLDEN.read_text()), now) == []
    if os.environ.get("RETOUR_WRITE_DOCS"):
        GOLDEN.write_text(json.dumps(now, indent=1, ensure_ascii=False) + "\n")
    assert json.loads(GOLDEN.read_text()) == now


MONEY = {
    "type": "object",
    "properties": {"minor": {"type": "integer", "maximum": 9}, "kind": {"type": "string", "enum": ["a", "b"]}},
    "required": ["minor"],
}


@pytest.mark.parametrize(
    "change, says",
    [
        (lambda one: one["properties"].pop("kind"), "Money.kind is gone"),
        (lambda one: one["required"].append("kind"), "Money.kind is needed now"),
        (lambda one: one["properties"]["kind"]["enum"].remove("b"), "Money.kind: b is gone"),
        (lambda one: one["properties"]["minor"].update(type="string"), "Money.minor has another form"),
        (lambda one: one["properties"]["minor"].update(maximum=8), "Money.minor takes less"),
        (lambda one: one["properties"]["kind"].update(default="b"), "Money.kind is 'b' where nothing is said, and was"),
    ],
)
def test_a_change_that_breaks_who_relies_on_it_is_found(change: Any, says: str) -> None:
    now = json.loads(json.dumps(MONEY))
    change(now)
    (found,) = broken({"Money": MONEY}, {"Money": now})
    assert found.startswith(says)


def test_a_change_that_adds_breaks_nobody() -> None:
    now = json.loads(json.dumps(MONEY))
    now["properties"]["note"] = {"type": "string", "default": ""}
    now["properties"]["kind"]["enum"].append("c")
    now["required"].remove("minor")
    now["properties"]["minor"]["default"] = 0
    assert broken({"Money": MONEY}, {"Money": now, "More": {}}) == []


def test_what_becomes_about_a_person_is_left_out_and_the_other_way_round_is_found() -> None:
    marked = {"x": {"properties": {"a": {"type": "string", "x-personal": True}}}}
    bare = {"x": {"properties": {"a": {"type": "string"}}}}
    assert broken(marked, bare) == ["x.a is written without being asked for"]
    assert broken(bare, marked) == []


@pytest.mark.parametrize("name", KINDS)
def test_every_schema_is_a_schema_and_finds_all_that_it_refers_to(name: str) -> None:
    schema = retour.json_schema(KINDS[name])
    Draft202012Validator.check_schema(schema)
    referred = {word.partition('"')[0] for word in json.dumps(schema).split('"#/$defs/')[1:]}
    assert referred <= schema["$defs"].keys()


def test_definitions_can_be_put_where_a_document_of_openapi_has_them() -> None:
    schema = retour.json_schema(Dossier, definitions="#/components/schemas/")
    assert schema["$ref"] == "#/components/schemas/Dossier"
    assert {"Dossier", "Order", "Refund", "RefundState"} <= schema["$defs"].keys()
    assert "#/$defs/" not in json.dumps(schema)


def test_a_schema_says_what_is_about_a_person_and_what_is_only_beside() -> None:
    schema = retour.json_schema(Order)["$defs"]
    assert schema["Order"]["properties"]["customer"]["x-personal"] is True
    assert schema["Payment"]["properties"]["payer"]["x-personal"] is True
    assert schema["Money"]["properties"]["decimal"]["readOnly"] is True
    assert "x-personal" not in schema["Order"]["properties"]["id"]


def test_a_sentence_in_a_sentence_is_described_once() -> None:
    assert retour.json_schema(Text)["$defs"].keys() == {"Text", "TextValue", "Money", "ReturnReason"}


def test_two_classes_of_one_name_are_told_apart() -> None:
    assert retour.json_schema(Paid)["$ref"] == "#/$defs/Paid"
    both = retour.json_schema(StatementMatch)["$defs"]
    assert both["Paid"]["required"] == ["refund", "line"]
    assert retour.json_schema(Money)["$schema"] == "https://json-schema.org/draft/2020-12/schema"
