"""An error about units says which rule it broke, in figures that add up for who reads them, and what to do."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial

import attrs
import pytest

from retour import Actor, Counted, MemoryShop, ReturnDesk
from retour.model.errors import InvalidQuantity
from retour.model.return_number import return_number
from retour.model.returns import Return
from retour.testing import a_line, an_order

ANNA, BUYER = Actor.staff("anna"), Actor.customer("c-17")
FULFILLED = 5


@attrs.define
class World:
    """An order of five cups, in some state."""

    shop: MemoryShop
    desk: ReturnDesk
    forms: int = 0

    def form(self) -> str:
        self.forms += 1
        return f"form-{self.forms}"

    def ask(self, units: int) -> str:
        return self.desk.request_return("1001", {"cup": units}, by=BUYER, request_id=self.form()).return_id

    def count(self, return_id: str, **found: int) -> None:
        counts = [Counted(line_id="cup", **found)]
        self.desk.receive("1001", return_id, counts, by=ANNA, request_id=self.form(), more_than_requested=True)

    def mark(self, **found: int) -> None:
        self.desk.mark_returned("1001", [Counted(line_id="cup", **found)], by=ANNA, request_id=self.form())

    @property
    def returns(self) -> list[Return]:
        return list(self.desk.dossier("1001").returns.values())


def nothing_yet(world: World) -> None:
    pass


def one_announced(world: World) -> None:
    world.ask(2)


def two_announced(world: World) -> None:
    world.ask(2)
    world.ask(3)


def part_counted(world: World) -> None:
    world.count(world.ask(3), sellable=1)
    world.ask(1)


def some_missing(world: World) -> None:
    world.count(world.ask(2), sellable=1, missing=1)
    world.ask(1)


def more_than_announced_with_some_missing(world: World) -> None:
    world.count(world.ask(1), sellable=1, missing=2)


def another_article_in_its_place(world: World) -> None:
    world.mark(wrong=2, damaged=1)


def all_back(world: World) -> None:
    world.mark(sellable=3)
    world.mark(to_inspect=2)


def closed_with_missing(world: World) -> None:
    asked = world.ask(3)
    world.count(asked, sellable=1, missing=1)
    world.desk.close_return("1001", asked, by=ANNA)


def the_order_shrank(world: World) -> None:
    world.count(world.ask(3), sellable=2)
    world.ask(2)
    world.shop.orders["1001"] = an_order(a_line("cup", FULFILLED, fulfilled=3))


STATES = (
    *(nothing_yet, one_announced, two_announced, part_counted, some_missing, more_than_announced_with_some_missing),
    *(another_article_in_its_place, all_back, closed_with_missing, the_order_shrank),
)


def said(attempt: Callable[[], object]) -> str | None:
    """What it says where it is refused for its units, in sentences of both languages."""
    refused: InvalidQuantity | None = None
    try:
        attempt()
    except InvalidQuantity as error:
        refused = error
    if refused is None:
        return None
    assert "{" not in refused.text("nl") + refused.text("en")
    assert refused.text("nl") != refused.text("en")
    return f"{refused} {refused.in_code}"


def figure(pattern: str, sentence: str) -> int:
    found = re.search(pattern, sentence)
    return int(next(filter(None, found.groups()))) if found else 0


def every(pattern: str, sentence: str) -> dict[str, int]:
    return {one[1]: int(one[0]) for one in re.findall(pattern, sentence)}


def check(sentence: str, units: int, return_id: str | None) -> None:
    """What the sentence says adds up, and is what the command that raised it can still do."""
    assert figure(r"so (\d+) is too many", sentence) == units
    left = figure(r"(\d+) units? can still|waits for (\d+) unit", sentence)
    assert units > left
    if "waits for" in sentence:
        waiting, away = figure(r"counted yet: (\d+)", sentence), figure(r"not here: (\d+)", sentence)
        assert left == waiting + away
        assert waiting <= figure(r"Announced: (\d+)", sentence)
        assert "more_than_requested=True" in sentence
        return
    back = every(r"(\d+) back \(receipt (\w+)\)", sentence)
    away_by = every(r"(\d+) counted and not here \(return ([\w-]+)\)", sentence)
    announced = every(r"(\d+) announced on return ([\w-]+)", sentence)
    free = figure(r"(\d+) in no return", sentence)
    places = sum(back.values()) + sum(away_by.values()) + sum(announced.values()) + free
    if "fewer than in returns" in sentence:
        fewer = figure(r"which is (\d+) fewer", sentence)
        assert places == figure(r"as it is now: (\d+)", sentence) + fewer
    else:
        assert places == figure(r"Of (\d+) delivered", sentence)
    if return_id is None:
        assert left == free
    elif not return_id:
        assert left == free + sum(away_by.values()) + sum(announced.values())
    else:
        closed, number = "That return is closed" in sentence, return_number(return_id)
        own = away_by.get(number, 0) + announced.get(number, 0)
        assert left == own + (0 if closed else free)
        assert f"come back on return {number}, " in sentence
    assert not back or "correct_receipt" in sentence
    assert not (return_id is None and announced) or "cancel_return" in sentence
    assert "_" not in sentence.rpartition(".")[0], "what a person reads names no method"


def attempts(world: World, units: int) -> list[tuple[str | None, Callable[[], object]]]:
    """Every command that says how many came or are to come, with the return that it names."""
    desk, count = world.desk, {"cup": units}

    def receive(return_id: str, more: bool) -> object:
        form = f"{return_id}-{more}"
        return desk.receive("1001", return_id, count, by=ANNA, request_id=form, more_than_requested=more)

    return [
        (None, lambda: desk.request_return("1001", count, by=BUYER, request_id="asked")),
        ("", lambda: desk.mark_returned("1001", count, by=ANNA, request_id="marked")),
        *[(one.id, partial(receive, one.id, more)) for one in world.returns for more in (False, True)],
    ]


@pytest.mark.parametrize("state", STATES, ids=lambda one: one.__name__)
def test_the_figures_of_every_error_about_units_add_up(state: Callable[[World], None]) -> None:
    found = 0
    for units in range(1, 9):
        shop = MemoryShop([an_order(a_line("cup", FULFILLED))])
        world = World(shop, ReturnDesk(shop=shop, store="sqlite://"))
        state(world)
        version = world.desk.dossier("1001").version
        for return_id, attempt in attempts(world, units):
            if world.desk.dossier("1001").version == version:  # else one was no error, and it is another state now
                sentence = said(attempt)
                if sentence is not None:
                    check(sentence, units, return_id)
                    found += 1
        world.desk.close()
    assert found


@pytest.mark.parametrize("state", STATES, ids=lambda one: one.__name__)
def test_the_figures_of_a_correction_that_is_too_much_add_up(state: Callable[[World], None]) -> None:
    shop = MemoryShop([an_order(a_line("cup", FULFILLED))])
    world = World(shop, ReturnDesk(shop=shop, store="sqlite://"))
    state(world)
    for return_ in world.returns:
        for receipt in return_.receipts:
            sentence = said(partial(world.desk.correct_receipt, "1001", receipt, {"cup": 9}, by=ANNA))
            assert sentence is not None
            left, would = figure(r"can count (\d+) unit", sentence), figure(r"would be (\d+)", sentence)
            most = figure(r"at most (\d+) can be", sentence)
            assert 9 - left == would - most > 0
            assert receipt in sentence
            world.desk.correct_receipt("1001", receipt, {"cup": left}, by=ANNA)
    world.desk.close()


def test_units_that_are_back_say_where_they_were_counted_and_what_changes_that() -> None:
    desk = ReturnDesk(shop=MemoryShop([an_order(a_line("cup", 3))]), store="sqlite://")
    receipt = desk.mark_returned("1001", {"cup": 2}, by=ANNA, request_id="f1").receipt_id
    asked = desk.request_return("1001", {"cup": 1}, by=BUYER, request_id="f2").return_id
    with pytest.raises(InvalidQuantity) as raised:
        desk.request_return("1001", {"cup": 1}, by=BUYER, request_id="f3")
    assert str(raised.value) == (
        "Order 1001, line cup (Cup): 0 units can still come back, so 1 is too many. Of 3 delivered: 2 back "
        f"(receipt {receipt}), 1 announced on return {return_number(asked)}, 0 in no return. Where a receipt is wrong, "
        "correct it. What is announced is free again when its return is cancelled, approved or not."
    )
    desk.cancel_return("1001", asked, by=BUYER)
    desk.request_return("1001", {"cup": 1}, by=BUYER, request_id="f4")


@pytest.mark.parametrize(("units", "least"), [(-1, 0), (10**10, 0), (0, 1)])
def test_what_is_no_number_of_units_is_told_in_its_own_bounds(units: int, least: int) -> None:
    desk = ReturnDesk(shop=MemoryShop([an_order(a_line("cup", 3))]), store="sqlite://")
    with pytest.raises(InvalidQuantity, match=f"{units} is not a number of units. .* from {least} to 1000000000"):
        desk.mark_returned("1001", {"cup": units}, by=ANNA, request_id="f1")
