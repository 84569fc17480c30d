"""Every public name says what it is, every field what it holds, every member of an enumeration what it means."""

from __future__ import annotations

import inspect
import re
import types
from collections.abc import Iterator
from enum import Enum
from functools import cached_property
from importlib import import_module
from pathlib import Path

import attrs
import pytest
from described import described
from public_names import hints, in_annotation

import retour
import retour.providers
import retour.sandbox
import retour.testing
from retour.plugins import specs
from retour.providers import MakesLabels, PaymentProvider, RefundsByApi

ROOT = Path(__file__).parent.parent.parent
HOMES = (retour, retour.providers, retour.sandbox, retour.testing)
NAMES = {f"{home.__name__}.{name}": getattr(home, name) for home in HOMES for name in home.__all__}
PLUGINS = ("mollie", "stripe", "paypal", "manual_transfer", "sendcloud")
NAMES |= {f"retour_{one}.settings.Settings": import_module(f"retour_{one}.settings").Settings for one in PLUGINS}
CLASSES = {name: kind for name, kind in NAMES.items() if isinstance(kind, type)}
DESCRIBED_BY_THEIR_SENTENCE = {retour.ReasonCode}
"""Each of its members has a sentence in the reader's language, and docs/errors.md has them all."""


def words_of(kind: type) -> str:
    """What a class says of itself, and of its fields where it says that in a list."""
    return inspect.getdoc(kind) or ""


def fields_of(kind: type) -> list[str]:
    """The names of what a value is made of, or of what a protocol asks for."""
    if attrs.has(kind):
        return [field.name for field in attrs.fields(kind) if not field.name.startswith("_")]
    return [name for name in vars(kind).get("__annotations__", {}) if not name.startswith("_")]


def members_of(kind: type) -> Iterator[tuple[str, object]]:
    """The public methods and properties that are written in a class."""
    for name, member in vars(kind).items():
        if isinstance(member, classmethod | staticmethod):
            member = member.__func__
        if isinstance(member, property):
            member = member.fget
        if isinstance(member, cached_property):
            member = member.func
        if isinstance(member, types.FunctionType) and not name.startswith("_"):
            yield name, member


@pytest.mark.parametrize("name", NAMES)
def test_a_public_name_says_what_it_is(name: str) -> None:
    value = NAMES[name]
    if callable(value):
        assert (value.__doc__ or "").strip(), name
        assert not (value.__doc__ or "").startswith(f"{name.rpartition('.')[2]}("), f"{name} says what attrs made up"


@pytest.mark.parametrize("name", [name for name, kind in CLASSES.items() if not issubclass(kind, Enum)])
def test_each_field_is_described_below_itself_or_in_the_words_of_its_class(name: str) -> None:
    kind = CLASSES[name]
    inherited = {one for base in kind.__mro__[1:] for one in fields_of(base) if base.__module__.startswith("retour")}
    for field in fields_of(kind):
        in_its_words = re.search(rf"``{field}\b", words_of(kind))
        assert in_its_words or described(kind, field) or field in inherited, f"{name}.{field}: what does it hold?"


MOST_BARE = 2
"""Fields with no words of their own, only a place among those of their class: fewer each time, and never more."""


def test_fields_have_words_of_their_own_and_ever_fewer_have_none() -> None:
    kinds = {kind for kind in CLASSES.values() if not issubclass(kind, Enum)}
    bare = sorted(
        f"{kind.__name__}.{field}"
        for kind in kinds
        for field in fields_of(kind)
        if not described(kind, field) and field in vars(kind).get("__annotations__", {})
    )
    assert len(bare) <= MOST_BARE, f"say below it what it holds, its unit and when it is empty: {bare}"
    assert len(bare) == MOST_BARE, f"MOST_BARE is {len(bare)} now"


@pytest.mark.parametrize("name", [name for name, kind in CLASSES.items() if issubclass(kind, Enum)])
def test_each_member_of_an_enumeration_says_what_it_means(name: str) -> None:
    kind = CLASSES[name]
    if kind not in DESCRIBED_BY_THEIR_SENTENCE:
        for member in kind.__members__:
            assert described(kind, member), f"{name}.{member}: what does it mean?"


@pytest.mark.parametrize("name", CLASSES)
def test_each_public_method_says_what_it_does(name: str) -> None:
    for member, function in members_of(CLASSES[name]):
        inherited = any(getattr(getattr(base, member, None), "__doc__", None) for base in CLASSES[name].__mro__[1:])
        assert function.__doc__ or inherited, f"{name}.{member}: what does it do?"


@pytest.mark.parametrize("home", HOMES, ids=[home.__name__ for home in HOMES])
def test_each_public_name_has_its_line_on_a_page_of_the_reference(home: types.ModuleType) -> None:
    pages = "".join([page.read_text() for page in sorted((ROOT / "docs/reference").glob("*.rst"))])
    homes = "|".join([re.escape(one.__name__) for one in HOMES])
    lines = {line[1] for line in re.finditer(rf"^\.\. auto\w+:: (?:{homes})\.(\w+)$", pages, re.MULTILINE)}
    assert set(home.__all__) <= lines, f"on no page: {sorted(set(home.__all__) - lines)}"


# --- examples --------------------------------------------------------------------------------------------


def made_by_callers() -> dict[str, object]:
    """What somebody else than retour makes or calls: arguments of the desk's methods, what a `Shop` gives, what hooks
    and providers answer, and every public function."""
    asked = [method for _, method in members_of(retour.ReturnDesk)]
    answered = [
        *[hook for hook in vars(specs).values() if hasattr(hook, "retour_spec")],
        *[method for one in (retour.Shop, RefundsByApi, PaymentProvider, MakesLabels) for _, method in members_of(one)],
    ]
    met: dict[type, str] = {}
    for function in asked:
        for name, hint in hints(function).items():
            if name != "return":
                met |= dict.fromkeys([kind for kind, _ in in_annotation(hint, name)], name)
    for function in answered:
        met |= dict.fromkeys([kind for kind, _ in in_annotation(hints(function).get("return"), "")], "")
    made = {kind for kind in met if not issubclass(kind, Enum) and not getattr(kind, "_is_protocol", False)}
    return {
        name: value
        for name, value in NAMES.items()
        if (isinstance(value, type) and value in made)
        or (isinstance(value, types.FunctionType) and not name.startswith("retour.sandbox"))
    }


EXAMPLES = made_by_callers()


@pytest.mark.parametrize("name", EXAMPLES)
def test_whatever_somebody_makes_or_calls_has_an_example_that_runs(name: str) -> None:
    """With its description: pytest runs it with the doctests."""
    value = EXAMPLES[name]
    words = [value.__doc__ or ""]
    if isinstance(value, type):
        words += [method.__doc__ or "" for _, method in members_of(value)]
    assert any(">>> " in one for one in words), f"{name}: show how it is made or called"
