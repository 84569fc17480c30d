"""The public surface: whatever a caller gets in hand, or has to make, can be imported from where it is documented."""

from __future__ import annotations

import ast
import importlib
import importlib.util
import inspect
import sys
import types
import typing
from collections.abc import Callable
from pathlib import Path

import pytest
from public_names import reachable

import retour
import retour.providers
from retour.model.events.event import Event, Recorded
from retour.plugins import specs

HOMES = (retour, retour.providers)
OFFERED_BY_BOTH = {
    "Address",
    "BankAccount",
    "Charged",
    "Delivery",
    "LabelForm",
    "LabelOption",
    "LinkKind",
    "Mode",
    "Money",
    "Order",
    "Parcel",
    "ParcelItem",
    "ParcelState",
    "Payment",
    "RefundLink",
    "Text",
    "TextDomain",
}
"""What a provider author meets of the shop's side, so that one import is enough: the same objects, and no others."""

UNDER_ANOTHER_NAME = {"Reported": "RefundStatus"}
"""What a provider says of a refund has the contract's name in public."""

HOOKS = [value for value in vars(specs).values() if hasattr(value, "retour_spec")]


def is_public(kind: type) -> bool:
    """Whether a type can be imported from a public module under its own name."""
    name = UNDER_ANOTHER_NAME.get(kind.__name__, kind.__name__)
    return any(name in home.__all__ and getattr(home, name) is kind for home in HOMES)


def public_starts() -> dict[str, object]:
    """All public names, and every hook."""
    names = {f"{home.__name__}.{name}": getattr(home, name) for home in HOMES for name in home.__all__}
    return names | {f"the hook {hook.__name__}": hook for hook in HOOKS}


def hidden(starts: dict[str, object]) -> list[str]:
    return sorted(
        f"{kind.__module__}.{kind.__qualname__}, met at {path}"
        for kind, path in reachable(starts).items()
        if not is_public(kind)
    )


# --- the surface -----------------------------------------------------------------------------------------


def test_every_type_that_a_caller_meets_can_be_imported_from_a_public_module() -> None:
    assert hidden(public_starts()) == []


def test_no_event_is_met_by_a_caller() -> None:
    """Events are how it is stored; a caller reads the dossier and the timeline."""
    events = {*typing.get_args(Event), Recorded}
    assert not events & reachable(public_starts()).keys()


def test_a_name_has_one_home_but_for_what_providers_are_offered_too() -> None:
    both = set(retour.__all__) & set(retour.providers.__all__)
    assert both == OFFERED_BY_BOTH
    assert all(getattr(retour, name) is getattr(retour.providers, name) for name in both)


def test_type_checkers_are_told_the_same_names_as_are_imported_when_they_are_used() -> None:
    (block,) = [node for node in ast.parse(inspect.getsource(retour)).body if isinstance(node, ast.If)]
    told = {
        str(node.module).removeprefix("retour."): tuple([alias.asname for alias in node.names])
        for node in block.body
        if isinstance(node, ast.ImportFrom)
    }
    assert told == retour._HOMES
    assert sorted(name for names in told.values() for name in names if name) == retour.__all__


# --- the walk finds what is planted ----------------------------------------------------------------------

PLANTED = {
    "an argument": "def planted(one: Hidden) -> None: ...",
    "an answer, or none": "def planted() -> Hidden | None: ...",
    "a generic in a generic": "def planted() -> Mapping[str, Sequence[tuple[int, Hidden]]]: ...",
    "an argument of a callable": "def planted(tell: Callable[[str, Hidden], None]) -> None: ...",
    "a class itself": "def planted() -> type[Hidden]: ...",
    "a bound of a variable": "T = TypeVar('T', bound=Hidden)\ndef planted(one: T) -> T: ...",
    "an alias": "Alias: TypeAlias = 'Mapping[str, Hidden]'\ndef planted(one: Alias) -> None: ...",
    "a value": "planted = Hidden()",
    "a field": "@attrs.frozen\nclass planted:\n    one: tuple[Hidden, ...]",
    "a class variable": "class planted:\n    one: ClassVar[type[Hidden]]",
    "a field of a field": "class Inner:\n    one: Hidden\n\nclass planted:\n    inner: Inner",
    "a property": "class planted:\n    @property\n    def one(self) -> Hidden: ...",
    "a cached property": "class planted:\n    @cached_property\n    def one(self) -> Hidden: ...",
    "a class method": "class planted:\n    @classmethod\n    def of(cls) -> Hidden: ...",
    "a static method": "class planted:\n    @staticmethod\n    def of() -> Hidden: ...",
    "an inherited method": "class Base:\n    def one(self) -> Hidden: ...\n\nclass planted(Base): ...",
    "a member of a protocol": "class planted(Protocol):\n    def one(self, given: Hidden) -> None: ...",
    "how it is made": "class planted:\n    def __init__(self, one: Hidden) -> None: ...",
}
IMPORTS = """
from __future__ import annotations
import attrs
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, ClassVar, Protocol, TypeAlias, TypeVar
"""
AT_RUN_TIME = "from retour.hidden import Hidden\n"
FOR_TYPE_CHECKERS = "if TYPE_CHECKING:\n    from retour.hidden import Hidden\n"

Plant = Callable[[str], object]


@pytest.fixture
def plant(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Plant:
    """Makes a module of ours in which ``Hidden``, which nobody can import in public, is spoken of as the test says."""

    def module(name: str, source: str) -> types.ModuleType:
        path = tmp_path / f"{name}.py"
        path.write_text(IMPORTS + source)
        spec = importlib.util.spec_from_file_location(f"retour.{name}", path)
        assert spec is not None
        assert spec.loader is not None
        made = importlib.util.module_from_spec(spec)
        monkeypatch.setitem(sys.modules, f"retour.{name}", made)
        spec.loader.exec_module(made)
        return made

    module("hidden", "class Hidden: ...")
    return lambda source: module("planted", source).planted


@pytest.mark.parametrize("where", PLANTED)
def test_a_planted_type_is_found(plant: Plant, where: str) -> None:
    found = hidden({"planted": plant(AT_RUN_TIME + PLANTED[where])})
    assert any(words.startswith("retour.hidden.Hidden, met at planted") for words in found), found


@pytest.mark.parametrize("where", ["an argument", "a field", "a property", "how it is made"])
def test_a_planted_type_that_is_imported_for_type_checkers_only_is_found(plant: Plant, where: str) -> None:
    found = hidden({"planted": plant(FOR_TYPE_CHECKERS + PLANTED[where])})
    assert any(words.startswith("retour.hidden.Hidden, met at planted") for words in found), found


@pytest.mark.parametrize(
    "source",
    [
        "class planted:\n    _one: Hidden",
        "class planted:\n    def _one(self, given: Hidden) -> None: ...",
        "def planted() -> None:\n    one: Hidden",
    ],
)
def test_what_is_private_may_speak_of_anything(plant: Plant, source: str) -> None:
    assert not any("Hidden" in words for words in hidden({"planted": plant(AT_RUN_TIME + source)}))
