"""What was begun on an order that the shop has no more is finished as it was last seen, and nothing new is begun."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from retour import Actor, Money, Objection, UnknownOrder, hookimpl
from retour.providers import Support
from retour.testing import a_line, a_payment, an_order

ANNA = Actor.staff("anna")
CUSTOMER = Actor.customer("c-61")
EUR40 = Money.of("40", "EUR")


def gone(world: Any) -> None:
    del world.shop.orders["1001"]


def announced(world: Any, *plugins: object) -> str:
    """A customer announced two cups."""
    world.open(*plugins)
    payment = a_payment("100.00", provider="ledger", reference="p_1")
    world.shop.orders["1001"] = an_order(a_line("cup", 4, "100.00"), payments=[payment], customer=CUSTOMER.id)
    return str(world.desk.request_return("1001", {"cup": 2}, by=CUSTOMER, request_id="form").return_id)


def test_who_did_what_is_still_read(world: Any) -> None:
    refund_id = world.open().refund().refund_id
    before = [one.text("en") for one in world.desk.timeline("1001")]
    gone(world)
    assert [one.text("en") for one in world.desk.timeline("1001")] == before
    assert world.desk.dossier("1001").refund(refund_id).amount == EUR40


@pytest.mark.parametrize("ends", ["cancel_return", "close_return"])
def test_a_return_of_which_nothing_more_comes_ends(world: Any, ends: str) -> None:
    return_id = announced(world)
    if ends == "close_return":
        world.desk.receive("1001", return_id, {"cup": 1}, by=ANNA, request_id="one of two")
    gone(world)
    assert getattr(world.desk, ends)("1001", return_id, by=ANNA).changed


def test_a_return_that_was_only_asked_for_is_rejected(world: Any) -> None:
    class NeedsReview:
        @hookimpl
        def return_policy(self, order: Any, request: Any, ctx: Any) -> Any:
            return Objection.review("look at it first")

    return_id = announced(world, NeedsReview())
    gone(world)
    assert world.desk.reject_return("1001", return_id, by=ANNA, because="too late").changed


def test_a_refund_that_a_person_is_to_make_is_made_confirmed_and_taken_back(world: Any) -> None:
    refund_id = world.open().open_link().refund_id
    gone(world)
    assert world.desk.refund_link("1001", refund_id=refund_id).url
    confirm = world.desk.confirm_refund
    confirm("1001", "p_1", EUR40, refund_id=refund_id, reference="b-1", by=ANNA, request_id="made")
    assert world.states == ["succeeded"]
    world.desk.reverse_refund("1001", refund_id, reference="b-2", by=ANNA)
    assert world.states == ["reversed"]


def test_a_refund_that_waits_for_a_person_is_given_up(world: Any) -> None:
    refund_id = world.open().open_link().refund_id
    gone(world)
    world.desk.cancel_refund("1001", refund_id, by=ANNA)
    assert world.states == ["cancelled"]


def test_a_transfer_goes_to_the_bank_and_out_of_its_file_again(world: Any) -> None:
    refund_id = world.open(refund_by_person=Support.YES).open_link().refund_id
    gone(world)
    for batch in ("B1", ""):
        world.desk.set_refund_batch("1001", refund_id, batch, by=ANNA)
        assert world.refunds[0].batch == batch


NEW: dict[str, Callable[[Any, str], Any]] = {
    "refund": lambda world, _: world.refund(),
    "open_refund_link": lambda world, _: world.open_link(),
    "refund_options": lambda world, _: world.desk.refund_options("1001"),
    "request_return": lambda world, _: world.desk.request_return("1001", {"cup": 1}, by=ANNA, request_id="more"),
    "mark_returned": lambda world, _: world.desk.mark_returned("1001", by=ANNA),
    "receive": lambda world, one: world.desk.receive("1001", one, {"cup": 1}, by=ANNA, request_id="more"),
}


@pytest.mark.parametrize("method", NEW)
def test_nothing_new_is_begun(world: Any, method: str) -> None:
    return_id = announced(world)
    version = world.desk.dossier("1001").version
    gone(world)
    with pytest.raises(UnknownOrder):
        NEW[method](world, return_id)
    assert world.desk.dossier("1001").version == version


def test_whose_it_was_nobody_can_say_so_no_customer_acts_on_it(world: Any) -> None:
    return_id = announced(world)
    gone(world)
    for customer in (CUSTOMER, Actor.customer("c-99")):
        with pytest.raises(UnknownOrder):
            world.desk.cancel_return("1001", return_id, by=customer)


def test_an_order_that_nobody_ever_saw_is_unknown(world: Any) -> None:
    world.open()
    for read in (world.desk.timeline, world.desk.dossier, world.desk.reconcile):
        with pytest.raises(UnknownOrder):
            read("1002")
    with pytest.raises(UnknownOrder):
        world.desk.cancel_refund("1002", "rf1", by=ANNA)
