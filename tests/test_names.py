"""Same name, same thing: who knows a module or a class from one room meets no other one so called."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

CORE = Path(__file__).parent.parent / "core/src/retour"

SAME_THING = {
    "stock": "the stock track: its events in the model, its rules, its effect",
    "money": "what an amount is, and the track that it moves on",
    "refunds": "refunds: the values, and the rules about them",
    "timeline": "the timeline: its entries, and the rule that writes them for a reader",
    "charge_backs": "charge-backs: the value, and what a provider tells of them in events",
    "payment_identity": "which payment is which: the value, what is learnt of it in events, the rules about it",
    "books": "a provider's books: what it says in events of what they show, and the rules about what was read in them",
    "transfers": "refunds by bank transfer: their events, and the rules about them",
    "effects": "effects: which of them events ask for (a rule), the room that runs them, and their rows",
    "commit": "a commit: what is in it, and how its rows are written",
    "attention": "what a person must look at: its kinds, its event, the rule, its rows, the list of a desk",
    "figures": "figures of weeks: the value, how they are counted in the store, the desk's room for them",
    "can_do": "what somebody can do about an order now: its value, and the rule",
    "unreadable": "what cannot be read: which row and why, and where that is kept",
    "providers": "providers: the room of those who write one, and the caller of what they wrote",
    "errors": "errors: those that a host catches, and those that a provider raises",
    "labels": "labels: their values, events, rules, and the room of the desk",
    "shipping": "how goods travel: the ways there are, and the caller of who carries them",
    "webhooks": "webhooks: their types, the room that receives them, and the tests of a provider that parses them",
}
"""Names that several rooms share, since each has its part of one thing."""


def shared(names: Iterator[tuple[str, str]]) -> dict[str, set[str]]:
    """The names that occur in more than one place."""
    places: dict[str, set[str]] = {}
    for name, place in names:
        places.setdefault(name, set()).add(place)
    return {name: found for name, found in places.items() if len(found) > 1}


def modules_and_rooms(core: Path) -> Iterator[tuple[str, str]]:
    """Every module with its package, and every package; the module that a room is called after is the room."""
    for source in core.rglob("*.py"):
        place = source.relative_to(core).parent
        if source.stem == "__init__":
            yield place.name, str(place)
        else:
            yield source.stem, str(place / source.stem) if source.stem != place.name else str(place)


def public_classes(core: Path) -> Iterator[tuple[str, str]]:
    for source in core.rglob("*.py"):
        for node in ast.parse(source.read_text()).body:
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                yield node.name, str(source.relative_to(core))


def test_modules_of_one_name_are_about_one_thing() -> None:
    found = shared(modules_and_rooms(CORE))
    assert found.keys() - SAME_THING.keys() == set(), f"one name for several things? {found}"
    assert SAME_THING.keys() - found.keys() == set(), "these need no reason any more"


def test_no_two_public_classes_have_one_name() -> None:
    assert shared(public_classes(CORE)) == {}


def test_a_second_module_and_a_second_class_of_one_name_are_found(tmp_path: Path) -> None:
    for room in ("desk", "cli"):
        (tmp_path / room).mkdir()
        (tmp_path / room / "__init__.py").write_text("")
        (tmp_path / room / "flow.py").write_text("class Flow: ...\nclass _Step: ...")
    (tmp_path / "desk/desk.py").write_text("class Desk: ...")
    (tmp_path / "cli/desk.py").write_text("")
    assert shared(modules_and_rooms(tmp_path)) == {"flow": {"cli/flow", "desk/flow"}, "desk": {"desk", "cli/desk"}}
    assert shared(public_classes(tmp_path)) == {"Flow": {"cli/flow.py", "desk/flow.py"}}
