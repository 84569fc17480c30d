"""Every public value goes to plain JSON and comes back equal, and its schema says what it looks like."""

from __future__ import annotations

import json
import os
from typing import Any

import attrs
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from plain.any_value import KINDS, any_value

import retour
from retour.plain.annotations import Record, shape_of

few = settings(
    max_examples=int(os.environ.get("RETOUR_EXAMPLES", "5")),
    derandomize="RETOUR_EXAMPLES" not in os.environ,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
VALIDATORS = {name: Draft202012Validator(retour.json_schema(kind)) for name, kind in KINDS.items()}


def over_the_wire(plain: Any) -> Any:
    return json.loads(json.dumps(plain, allow_nan=False))


def about_a_person(kind: Any) -> bool:
    return shape_of(kind).about_a_person


def without_personal_data(value: Any) -> Any:
    """A value whose personal fields are as if nobody had said anything, however deep they lie."""
    kind: Any = type(value)
    if isinstance(value, dict):
        return {key: without_personal_data(one) for key, one in value.items()}
    if isinstance(value, tuple | frozenset):
        return type(value)(without_personal_data(one) for one in value)
    shape = shape_of(kind) if attrs.has(kind) else None
    if not isinstance(shape, Record):
        return value
    kept = [part for part in shape.parts.values() if not part.personal]
    return kind(**{part.given_as: without_personal_data(getattr(value, part.name)) for part in kept})


@pytest.mark.parametrize("name", KINDS)
@few
@given(st.data())
def test_a_value_comes_back_equal_and_is_as_its_schema_says(name: str, data: st.DataObject) -> None:
    kind = KINDS[name]
    value = data.draw(any_value(kind))
    language = data.draw(st.sampled_from([None, "en", "nl"]))
    plain = over_the_wire(retour.to_dict(value, personal=True, language=language))
    back = retour.from_dict(kind, plain)
    assert back == value
    assert retour.to_dict(back, personal=True) == retour.to_dict(value, personal=True)
    VALIDATORS[name].validate(plain)


@pytest.mark.parametrize("name", [name for name, kind in KINDS.items() if not about_a_person(kind)])
@few
@given(st.data())
def test_without_what_is_about_a_person_it_comes_back_as_if_nobody_had_said_it(name: str, data: st.DataObject) -> None:
    kind = KINDS[name]
    value = data.draw(any_value(kind))
    plain = over_the_wire(retour.to_dict(value))
    assert retour.from_dict(kind, plain) == without_personal_data(value)
    VALIDATORS[name].validate(plain)
