"""Who did something is called as the host calls him: the timeline asks the shop for names, and retour keeps none."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Sequence
from typing import Any

import attrs
import pytest

from retour import Actor, ActorKind, MemoryShop, Payment, ReturnDesk, ShopWithNames, in_words
from retour.model.text import LONGEST_NAME
from retour.testing import a_line, a_payment, an_order

ANNA, BUYER = Actor.staff("u-17"), Actor.customer("c-1")
CALLED = {ANNA: "Anna de Vries", BUYER: "J. Jansen"}


class Named(MemoryShop):
    """A shop with a directory of people, which answers as a test says."""

    def __init__(self, answer: Callable[[Sequence[Actor]], Any], *payments: Payment) -> None:
        super().__init__([an_order(a_line("cup", 2), payments=payments, customer="c-1")])
        self.answer = answer
        self.asked: list[tuple[Actor, ...]] = []

    def name_actors(self, actors: Sequence[Actor]) -> Any:
        self.asked.append(tuple(actors))
        return self.answer(actors)


def returned(shop: MemoryShop) -> ReturnDesk:
    desk = ReturnDesk(shop=shop, store="sqlite://")
    asked = desk.request_return("1001", {"cup": 1}, by=BUYER, request_id="f1")
    desk.receive("1001", asked.return_id, {"cup": 1}, by=ANNA, request_id="f2")
    return desk


def names(desk: ReturnDesk, audience: str = "staff") -> list[tuple[str, str]]:
    return [(entry.by.id, entry.name) for entry in desk.timeline("1001", audience)]


def test_who_did_something_is_called_as_the_shop_calls_him() -> None:
    shop = Named(lambda actors: {one: CALLED[one] for one in actors})
    assert isinstance(shop, ShopWithNames)
    shown = names(returned(shop))
    assert ("c-1", "J. Jansen") in shown
    assert ("u-17", "Anna de Vries") in shown


def test_the_shop_is_asked_once_for_a_whole_timeline_and_of_each_person_once() -> None:
    shop = Named(lambda actors: {one: CALLED[one] for one in actors})
    names(returned(shop))
    (asked,) = shop.asked
    assert sorted(one.id for one in asked) == ["c-1", "u-17"]


def test_a_customer_reads_no_name_of_whom_he_is_not_told() -> None:
    shop = Named(lambda actors: {one: CALLED[one] for one in actors})
    shown = names(returned(shop), "customer")
    assert ("c-1", "J. Jansen") in shown
    assert "Anna de Vries" not in {name for _, name in shown}
    assert ANNA not in shop.asked[0]


def test_events_from_before_the_shop_gave_names_have_names_too() -> None:
    shop = Named(lambda actors: {})
    desk = returned(shop)
    assert {name for _, name in names(desk)} == {""}
    shop.answer = lambda actors: {one: CALLED[one] for one in actors}
    assert ("u-17", "Anna de Vries") in names(desk)


def test_a_shop_without_names_says_what_it_said_before() -> None:
    desk = returned(MemoryShop([an_order(a_line("cup", 2), customer="c-1")]))
    assert {name for _, name in names(desk)} == {""}


def test_a_provider_is_called_in_the_readers_language_and_asked_of_no_shop() -> None:
    payment = attrs.evolve(a_payment("45.00", provider="manual_transfer"), paid_at=datetime.datetime.now(datetime.UTC))
    shop = Named(lambda actors: dict.fromkeys(actors, "somebody"), payment)
    [paid] = [one for one in returned(shop).timeline("1001") if one.by.kind is ActorKind.PROVIDER]
    assert (paid.name, in_words(paid.by), in_words(paid.by, "nl")) == ("", "Bank transfer", "Bankoverschrijving")
    assert not any(one.kind is ActorKind.PROVIDER for asked in shop.asked for one in asked)


def raises(actors: Sequence[Actor]) -> Any:
    raise ConnectionError(f"no directory for {actors[0].id}")


@pytest.mark.parametrize(
    "answer",
    [raises, lambda _: None, lambda _: "Anna", lambda _: {ANNA: 7, BUYER: None}, lambda _: {"u-17": "Anna"}],
    ids=["raises", "None", "a text", "no texts", "by id"],
)
def test_no_timeline_is_lost_for_the_lack_of_a_name(answer: Callable[[Sequence[Actor]], Any]) -> None:
    assert {name for _, name in names(returned(Named(answer)))} == {""}


@pytest.mark.parametrize(
    "given, shown",
    [
        ("Anna\nde\tVries ", "Anna de Vries"),
        ("An\x00na\x1b[31m", "Anna[31m"),
        ("\u202eseirV ed annA", "seirV ed annA"),
        ("x" * 1_000_000, "x" * (LONGEST_NAME - 1) + "…"),
        ("half \ud83d", "half "),
    ],
    ids=["several lines", "control characters", "turned around", "too long", "half a character"],
)
def test_a_name_is_one_bounded_line_that_steers_no_screen(given: str, shown: str) -> None:
    desk = returned(Named(lambda actors: dict.fromkeys(actors, given)))
    assert ("u-17", shown.strip()) in [(by, name.strip()) for by, name in names(desk)]


def test_no_name_is_kept() -> None:
    shop = Named(lambda actors: {one: CALLED[one] for one in actors})
    desk = returned(shop)
    names(desk)
    stored = str(desk.dossier("1001")) + str(desk._services.store.notes("default", "1001"))
    assert "Anna de Vries" not in stored
