"""A return that the customer announces at the shop and makes in the portal as well: one where it can be nothing else,
else a person says so; its units count once."""

from __future__ import annotations

import datetime
from collections.abc import Callable
from typing import Any

import pytest
from shipping.small_carrier import signed_webhook
from shipping.world import ANNA, JANSEN, World

from retour import GoodsState, LabelState, Money, ParcelState
from retour.testing import a_line, an_order

NOON = datetime.datetime(2026, 11, 23, 12, 0, tzinfo=datetime.UTC)
HOUR = datetime.timedelta(hours=1)


def in_portal(world: World, reference: str = "P1", *, units: int = 1, sku: str = "cup", **said: str) -> None:
    items = [{"quantity": units, "sku": sku, "reason": "too_small"}]
    given = {"id": f"ev-{reference}", "told": "ready", "reference": reference, "order_id": "1001", **said}
    headers, body = signed_webhook(given, items=items)
    world.desk.receive_webhook("small_carrier", headers, body)


def returns(world: World) -> list[Any]:
    return list(world.desk.dossier("1001").returns.values())


def listed(world: World) -> list[tuple[str, tuple[str, ...]]]:
    return [(one.about, one.can_do) for one in world.desk.attention("announced_twice").items]


def announced(world: World, units: int, form: str = "more", **more: Any) -> str:
    by = more.pop("by", JANSEN)
    return str(world.desk.request_return("1001", {"cup": units}, by=by, request_id=form, **more).return_id)


@pytest.fixture
def world(make_world: Callable[..., World]) -> World:
    """Two cups were delivered, and nothing is announced."""
    made = make_world()
    made.desk.cancel_return("1001", made.return_id, by=ANNA)
    return made


def live(world: World) -> list[Any]:
    return [one for one in returns(world) if one.live]


@pytest.mark.parametrize("units", [1, 2])
def test_where_all_units_are_on_one_return_the_parcel_can_be_nothing_else(world: World, units: int) -> None:
    both = announced(world, 2)
    in_portal(world, units=units)
    [one] = live(world)
    assert (one.id, dict(one.requested), one.goods) == (both, {"cup": 2}, GoodsState.APPROVED)
    label = world.label()
    assert (label.return_id, label.in_portal, label.state) == (both, True, LabelState.READY)
    assert listed(world) == []
    in_portal(world, id="ev-scan", progress="delivered", units=units)
    assert (world.label().progress, len(live(world))) == (ParcelState.DELIVERED, 1)
    world.desk.receive("1001", both, {"cup": units}, by=ANNA, request_id="count")
    [option] = world.desk.refund_options("1001")
    assert option.suggested == Money.of("10.00" if units == 1 else "20.00", "EUR"), "its units count once"
    assert world.desk._services.shops("default").shop.stock == {"cup": units}


def test_where_a_unit_is_in_no_return_both_stand_there_and_a_person_says(world: World) -> None:
    first = announced(world, 1)
    in_portal(world)
    assert [dict(one.requested) for one in live(world)] == [{"cup": 1}, {"cup": 1}]
    assert listed(world) == [(first, ("cancel_return", "acknowledge"))]
    [item] = world.desk.attention("announced_twice").items
    assert live(world)[1].number in item.why.render("en")
    assert live(world)[1].number in item.why.render("nl") != item.why.render("en")

    world.desk.cancel_return("1001", first, by=ANNA)
    assert listed(world) == []
    [portal] = live(world)
    world.desk.receive("1001", portal.id, {"cup": 1}, by=ANNA, request_id="count")
    assert world.desk.refund_options("1001")[0].suggested == Money.of("10.00", "EUR")
    announced(world, 1, "the other cup")


def test_a_person_who_says_that_they_are_two_is_not_asked_again(world: World) -> None:
    first = announced(world, 1)
    in_portal(world)
    world.desk.acknowledge("1001", "announced_twice", first, by=ANNA)
    in_portal(world, id="ev-scan", progress="on_its_way")
    assert listed(world) == []
    assert len(live(world)) == 2


@pytest.mark.parametrize("portal_first", [True, False])
def test_whichever_came_first(world: World, portal_first: bool) -> None:
    if portal_first:
        in_portal(world)
        first = announced(world, 1)
    else:
        first = announced(world, 1)
        in_portal(world)
    assert [about for about, _ in listed(world)] == [first]


def test_one_that_comes_by_itself_is_not_listed_and_gets_no_label_of_the_portal(world: World) -> None:
    """It has a label of the shop's, or the customer has sent it: the portal's parcel is another one."""
    world.return_id = announced(world, 1)
    world.order()
    in_portal(world)
    assert listed(world) == []
    world.desk.cancel_return("1001", live(world)[1].id, by=ANNA)
    sent = announced(world, 1, "second")
    world.desk.mark_sent("1001", sent, by=JANSEN, tracking="3S1")
    in_portal(world, "P2")
    assert listed(world) == []
    label = world.label()
    assert (label.reference, label.return_id in (sent, world.return_id)) == ("P2", False)


def test_units_that_are_on_two_returns_are_for_a_person(world: World) -> None:
    announced(world, 1, "one")
    announced(world, 1, "two")
    in_portal(world)
    found = live(world)[-1]
    assert (found.goods, dict(found.requested)) == (GoodsState.REQUESTED, {})
    assert len(listed(world)) == 1
    assert [one.return_id for one in world.desk.list_returns(waits_for="review").returns] == [found.id]


def test_what_is_more_than_was_announced_is_for_a_person(world: World) -> None:
    both = announced(world, 2)
    in_portal(world, units=3)
    found = live(world)[-1]
    assert (found.id == both, found.goods, dict(found.requested)) == (False, GoodsState.REQUESTED, {})
    assert [about for about, _ in listed(world)] == [both]


def test_two_labels_of_the_portal_for_one_announced_return(world: World) -> None:
    """The second is of units that are on their way already: it is for a person, and the first stays where it is."""
    both = announced(world, 2)
    in_portal(world, "P1")
    in_portal(world, "P2")
    labels = {one.reference: one.return_id for one in world.desk.dossier("1001").labels.values()}
    assert labels["P1"] == both != labels["P2"]
    assert live(world)[-1].goods is GoodsState.REQUESTED


def test_other_goods_are_another_return(world: World) -> None:
    shop: Any = world.desk._services.shops("default").shop
    shop.orders["1001"] = an_order(a_line("cup", 2), a_line("pot", 1), customer="c-1")
    announced(world, 2)
    in_portal(world, sku="pot")
    assert [dict(one.requested) for one in live(world)] == [{"cup": 2}, {"pot": 1}]
    assert listed(world) == []


def test_a_line_of_a_product_that_is_there_twice_is_not_guessed(world: World) -> None:
    shop: Any = world.desk._services.shops("default").shop
    shop.orders["1001"] = an_order(a_line("a", 1, product="cup"), a_line("b", 1, product="cup"), customer="c-1")
    world.desk.request_return("1001", {"a": 1, "b": 1}, by=JANSEN, request_id="both")
    in_portal(world)
    assert len(live(world)) == 2
    assert len(listed(world)) == 1


@pytest.mark.parametrize("hours", [0, 30, -30])
def test_the_last_one_before_it_is_listed_whatever_the_clock_said_of_the_portal(
    make_world: Callable[..., World], hours: int
) -> None:
    now = [NOON]
    world = make_world(desk={"clock": lambda: now[0]})
    shop: Any = world.desk._services.shops("default").shop
    shop.orders["1001"] = an_order(a_line("cup", 5), customer="c-1")
    now[0] += HOUR
    last = announced(world, 1)
    now[0] += hours * HOUR
    in_portal(world)
    now[0] = NOON + 3 * HOUR
    announced(world, 1, "after it")
    assert [about for about, _ in listed(world)] == [last]
