"""What is read is of its type already, wherever it comes from: no text becomes a number, and no number a yes."""

from __future__ import annotations

import json
from collections.abc import Callable
from decimal import Decimal
from enum import IntEnum
from typing import Any

import attrs
import pytest

from retour.model.exact_types import exactly
from retour.providers import ProviderError, read_wire
from retour.providers.settings import read_settings
from retour.store.records import from_json


class Answer(IntEnum):
    YES = 1


VALUES: tuple[object, ...] = ("12", "", 12, 0, 12.9, 12.0, True, False, None, Decimal(12), [12], {}, b"12", Answer.YES)


@attrs.frozen(kw_only=True)
class Whole:
    value: int


@attrs.frozen(kw_only=True)
class YesOrNo:
    value: bool


@attrs.frozen(kw_only=True)
class Words:
    value: str


def wire(kind: Any, value: object) -> object:
    try:
        return read_wire(kind, {"value": value}).value
    except ProviderError:
        return None


def settings(kind: Any, value: object) -> object:
    found, faults = read_settings(kind, {"value": value}, "acmepay")
    assert (found is None) == bool(faults)
    return found and found.value


def stored(kind: Any, value: object) -> object:
    try:
        return from_json(kind, json.dumps({"value": value})).value
    except TypeError:
        return None


@pytest.mark.parametrize("kind", [int, bool, str])
@pytest.mark.parametrize("value", VALUES, ids=repr)
def test_a_value_is_taken_if_it_is_of_exactly_this_type(kind: type, value: object) -> None:
    if type(value) is kind:
        assert exactly(kind)(value, kind) is value
        return
    with pytest.raises(TypeError, match=r"^must be (a text|a whole number|true or false)$"):
        exactly(kind)(value, kind)


@pytest.mark.parametrize(
    "read, kinds",
    [(wire, (Whole, YesOrNo, Words)), (settings, (Whole, YesOrNo, Words)), (stored, (Whole, YesOrNo))],
)
def test_answers_settings_and_what_is_stored_are_read_alike(
    read: Callable[[Any, object], object], kinds: tuple[Any, ...]
) -> None:
    for kind in kinds:
        wanted = {Whole: int, YesOrNo: bool, Words: str}[kind]
        for value in ("12", "", 12, 0, 12.9, 12.0, True, False, None, [12], {}):
            found = read(kind, value)
            assert (found, type(found)) == ((value, wanted) if type(value) is wanted else (None, type(None)))


def test_a_reader_with_words_of_its_own_says_them() -> None:
    with pytest.raises(LookupError, match="int"):
        exactly(int, lambda kind: LookupError(kind.__name__))("12", int)
