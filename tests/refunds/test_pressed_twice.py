"""The same form twice, an answer that was lost, a page that is loaded again: every command does it once.

The commands, what is there before each, and the call are those of the costs; which there are says the desk itself.
"""

from __future__ import annotations

import inspect
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from refunds import test_costs as costs
from sqlalchemy import select

from retour import Actor, Outcome, RequestReused, ReturnDesk
from retour.store import tables

CHANGES_NOTHING_TWICE = {
    "acknowledge": "an item that was acknowledged is acknowledged",
    "reconcile": "what was found is known",
    "reconcile_labels": "what was found is known",
    "run": "effects that were run are done",
}
"""Commands of which the same twice changes nothing, however it is pressed: they say what is, and need no identity."""


def outcomes() -> set[str]:
    """The methods of the desk that tell what became of a command."""
    methods = inspect.getmembers(ReturnDesk, inspect.isfunction)
    return {name for name, one in methods if name[0] != "_" and one.__annotations__.get("return") == "Outcome"}


WITH_IDENTITY = sorted(outcomes() - CHANGES_NOTHING_TWICE.keys())

SAY_HOW_MANY = {
    "retry_set_aside": "none is set aside any more",
    "set_unreadable_aside": "the same wait as before",
    "take_unreadable_back": "all were let go",
}
"""Commands that tell how many they are about, and what they tell the second time."""


def counting() -> set[str]:
    """The methods of the desk by which somebody does a thing, and is told a number."""
    methods = inspect.getmembers(ReturnDesk, inspect.isfunction)
    numbers = {name for name, one in methods if name[0] != "_" and one.__annotations__.get("return") == "int"}
    return {name for name in numbers if "by" in inspect.signature(getattr(ReturnDesk, name)).parameters}


def stored(world: Any) -> list[list[tuple[Any, ...]]]:
    """All that is stored of what waits, what was set aside, and what happened."""
    kept = (tables.event, tables.effect, tables.aside, tables.dossier)
    with world.desk._services.store.engine.connect() as connection:
        return [sorted(tuple(map(str, row)) for row in connection.execute(select(one))) for one in kept]


class Pressed:
    """A desk on which every command that takes a ``request_id`` is given this one."""

    def __init__(self, desk: ReturnDesk, request_id: str) -> None:
        self._desk, self._request_id = desk, request_id

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._desk, name)
        if name not in WITH_IDENTITY:
            return method

        def call(*given: Any, **named: Any) -> Any:
            return method(*given, **{**named, "request_id": self._request_id})

        return call


def events(world: Any) -> list[str]:
    return [type(one.event).__name__ for one in world.desk._commands.known("1001").events]


def told(outcome: Outcome) -> tuple[object, ...]:
    """What an outcome is about."""
    label = outcome.label
    return outcome.order_id, outcome.return_id, outcome.receipt_id, outcome.refund_id, label and label.id


def test_every_command_has_an_identity_or_says_only_what_is() -> None:
    for name in outcomes():
        has_identity = "request_id" in inspect.signature(getattr(ReturnDesk, name)).parameters
        assert has_identity is (name not in CHANGES_NOTHING_TWICE), name


@pytest.mark.parametrize("name", WITH_IDENTITY)
def test_the_same_form_twice_is_done_once_and_told_as_it_was_the_first_time(world: Any, name: str) -> None:
    before, do, _ = costs.COMMANDS[name]
    given = before(world)
    first = do(Pressed(world.desk, "pressed-1"), given)
    recorded, went_back = events(world), world.went_back
    again = do(Pressed(world.desk, "pressed-1"), given)
    assert first.changed
    assert not again.changed
    assert told(again) == told(first)
    assert (events(world), world.went_back) == (recorded, went_back)


@pytest.mark.parametrize("name", WITH_IDENTITY)
def test_a_form_that_comes_again_after_all_that_followed_does_nothing(world: Any, name: str) -> None:
    """Days later, from a page that stood open: as it is by then, the command may be possible once more."""
    before, do, _ = costs.COMMANDS[name]
    given = before(world)
    first = do(Pressed(world.desk, "pressed-1"), given)
    world.later()
    recorded, went_back = events(world), world.went_back
    again = do(Pressed(world.desk, "pressed-1"), given)
    assert (again.changed, told(again)) == (False, told(first))
    assert (events(world), world.went_back) == (recorded, went_back)


@pytest.mark.parametrize("name", CHANGES_NOTHING_TWICE)
def test_what_says_only_what_is_changes_nothing_twice(world: Any, name: str) -> None:
    before, do, _ = costs.COMMANDS[name]
    given = before(world)
    do(world.desk, given)
    recorded, went_back = events(world), world.went_back
    do(world.desk, given)
    assert (events(world), world.went_back) == (recorded, went_back)


def test_every_command_that_tells_a_number_is_tried_twice() -> None:
    assert counting() == SAY_HOW_MANY.keys()


@pytest.mark.parametrize("name", SAY_HOW_MANY)
def test_what_tells_a_number_changes_nothing_the_second_time_and_says_so(world: Any, name: str) -> None:
    before, do, _ = costs.COMMANDS[name]
    given = before(world)
    first = do(world.desk, given)
    assert first > 0
    was = stored(world)
    assert do(world.desk, given) == (first if name == "set_unreadable_aside" else 0)
    assert stored(world) == was


def test_of_two_who_take_an_order_back_the_second_changes_nothing(world: Any) -> None:
    costs.aside(world)
    assert world.desk.take_unreadable_back("1001", by=costs.ANNA) == 1
    was = stored(world)
    assert world.desk.take_unreadable_back("1001", by=Actor.staff("bob")) == 0
    assert stored(world) == was


@pytest.mark.parametrize("name", ["set_unreadable_aside", "take_unreadable_back"])
def test_of_several_who_press_at_once_each_is_told_what_is_so(world: Any, name: str) -> None:
    costs.unread(world)
    more: dict[str, str] = {"because": "seen"}
    if name == "take_unreadable_back":
        world.desk.set_unreadable_aside("1001", by=costs.ANNA, **more)
        more = {}
    at_once = threading.Barrier(4)

    def press(number: int) -> int:
        at_once.wait()
        waiting: int = getattr(world.desk, name)("1001", by=Actor.staff(f"clerk-{number}"), **more)
        return waiting

    with ThreadPoolExecutor(4) as clerks:
        said = sorted(clerks.map(press, range(4)))
    assert said == ([0, 0, 0, 1] if name == "take_unreadable_back" else [1, 1, 1, 1])
    words = stored(world)[2]
    assert len(words) == (2 if name == "take_unreadable_back" else 4), "who said so is kept of each"


UNDONE: dict[str, tuple[str, Callable[[Any, Any], Any]]] = {
    "cancel_return": ("reopen_return", lambda desk, one: desk.reopen_return("1001", one, by=costs.ANNA)),
    "reject_return": ("reopen_return", lambda desk, one: desk.reopen_return("1001", one, by=costs.ANNA)),
    "close_return": ("reopen_return", lambda desk, one: desk.reopen_return("1001", one.return_id, by=costs.ANNA)),
    "reopen_return": ("cancel_return", lambda desk, one: desk.cancel_return("1001", one, by=costs.ANNA)),
    "set_refund_batch": ("set_refund_batch", lambda desk, one: desk.set_refund_batch("1001", one, "", by=costs.ANNA)),
    "correct_receipt": (
        "correct_receipt",
        lambda desk, one: desk.correct_receipt("1001", one.receipt_id, {"cup": 1}, by=costs.ANNA),
    ),
}
"""What somebody undoes, and how."""


@pytest.mark.parametrize("name", UNDONE)
def test_a_form_that_comes_again_does_not_do_anew_what_was_undone_meanwhile(world: Any, name: str) -> None:
    before, do, _ = costs.COMMANDS[name]
    given = before(world)
    first = do(Pressed(world.desk, "pressed-1"), given)
    assert UNDONE[name][1](world.desk, given).changed
    recorded = events(world)
    again = do(Pressed(world.desk, "pressed-1"), given)
    assert (again.changed, told(again)) == (False, told(first))
    assert events(world) == recorded


def test_an_identity_is_of_one_command_alone(world: Any) -> None:
    refund_id = costs.transfer(world)
    desk = world.desk
    desk.set_refund_batch("1001", refund_id, "B1", by=costs.ANNA, request_id="pressed-1")
    with pytest.raises(RequestReused):
        desk.set_refund_batch("1001", refund_id, "", by=costs.ANNA, request_id="pressed-1")
    with pytest.raises(RequestReused):
        desk.cancel_refund("1001", refund_id, by=costs.ANNA, request_id="pressed-1")
