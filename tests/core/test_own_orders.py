"""A customer acts on his own orders only, where the shop says whose they are."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import attrs
import pytest
from shipping.small_carrier import OPTION, Carrier, plugin_of
from shipping.world import BOX, HOME, SHOP

from retour import Actor, Counted, EvidenceFile, MemoryShop, Money, NotAllowed, RestockDecision, ReturnDesk
from retour.testing import a_line, an_order

EUR1 = Money.of("1", "EUR")
COMMANDS: dict[str, Callable[..., Any]] = {
    "can_do": lambda desk, one, by: desk.can_do("1001", by=by),
    "request_return": lambda desk, one, by: desk.request_return("1001", {"cup": 1}, by=by, request_id="f1"),
    "add_evidence": lambda desk, one, by: desk.add_evidence(
        "1001", one, [EvidenceFile(reference="f")], by=by, request_id="f6"
    ),
    "reopen_return": lambda desk, one, by: desk.reopen_return("1001", one, by=by),
    "approve_return": lambda desk, one, by: desk.approve_return("1001", one, by=by),
    "reject_return": lambda desk, one, by: desk.reject_return("1001", one, by=by, because="no"),
    "mark_sent": lambda desk, one, by: desk.mark_sent("1001", one, by=by),
    "cancel_return": lambda desk, one, by: desk.cancel_return("1001", one, by=by),
    "close_return": lambda desk, one, by: desk.close_return("1001", one, by=by),
    "receive": lambda desk, one, by: desk.receive("1001", one, {"cup": 1}, by=by, request_id="f2"),
    "mark_returned": lambda desk, one, by: desk.mark_returned("1001", by=by),
    "correct_receipt": lambda desk, one, by: desk.correct_receipt("1001", "rc1", [Counted(line_id="cup")], by=by),
    "inspect_receipt": lambda desk, one, by: desk.inspect_receipt("1001", "rc1", {"cup": 1}, by=by, request_id="f6"),
    "answer_restock": lambda desk, one, by: desk.answer_restock("1001", one, RestockDecision.all(), by=by),
    "confirm_refund": lambda desk, one, by: desk.confirm_refund(
        "1001", "mollie:tr_1001", EUR1, reference="r", by=by, request_id="f3"
    ),
    "refund": lambda desk, one, by: desk.refund("1001", "mollie:tr_1001", EUR1, by=by, request_id="f4"),
    "return_and_refund": lambda desk, one, by: desk.return_and_refund(
        "1001", "mollie:tr_1001", EUR1, by=by, request_id="f7"
    ),
    "open_refund_link": lambda desk, one, by: desk.open_refund_link(
        "1001", "mollie:tr_1001", EUR1, by=by, request_id="f5"
    ),
    "reverse_refund": lambda desk, one, by: desk.reverse_refund("1001", "rf1", reference="r", by=by),
    "cancel_refund": lambda desk, one, by: desk.cancel_refund("1001", "rf1", by=by),
    "set_refund_batch": lambda desk, one, by: desk.set_refund_batch("1001", "rf1", "B1", by=by),
    "retry_refund": lambda desk, one, by: desk.retry_refund("1001", "rf1", by=by),
    "match_refund": lambda desk, one, by: desk.match_refund("1001", "rf1", "rf2", by=by),
    "acknowledge": lambda desk, one, by: desk.acknowledge("1001", "refund_failed", "rf1", by=by),
    "settle_refund": lambda desk, one, by: desk.settle_refund("1001", "rf1", happened=False, evidence="looked", by=by),
    "label_options": lambda desk, one, by: desk.label_options("1001", sender=HOME, parcel=BOX, by=by),
    "order_label": lambda desk, one, by: desk.order_label(
        "1001", one, OPTION, sender=HOME, parcel=BOX, by=by, request_id="f6"
    ),
    "label_document": lambda desk, one, by: desk.label_document("1001", "lb1", by=by),
    "cancel_label": lambda desk, one, by: desk.cancel_label("1001", "lb1", by=by),
    "settle_label": lambda desk, one, by: desk.settle_label("1001", "lb1", by=by, made=False),
    "explain_payment": lambda desk, one, by: desk.explain_payment("1001", "p1", became=None, by=by),
}
"""Every command that takes an actor, on the order that c-61 asked to send a cup back of."""


FOR_NO_CUSTOMER: dict[str, Callable[..., Any]] = {
    "set_unreadable_aside": lambda desk, by: desk.set_unreadable_aside("1001", by=by, because="so"),
    "take_unreadable_back": lambda desk, by: desk.take_unreadable_back("1001", by=by),
    "retry_set_aside": lambda desk, by: desk.retry_set_aside("1001", by=by),
}
"""What is the shop's own business, whosever the order is."""


def test_no_command_that_takes_an_actor_is_left_out() -> None:
    methods = inspect.getmembers(ReturnDesk, inspect.isfunction)
    taking = {name for name, method in methods if "by" in inspect.signature(method).parameters and name[0] != "_"}
    assert taking == COMMANDS.keys() | FOR_NO_CUSTOMER.keys()


@pytest.mark.parametrize("name", FOR_NO_CUSTOMER)
def test_no_customer_does_what_is_the_shops_own_business(name: str) -> None:
    desk = ReturnDesk(shop=MemoryShop([an_order(a_line("cup", 4), customer="c-61")]), store="sqlite://")
    desk.request_return("1001", {"cup": 1}, by=Actor.customer("c-61"), request_id="f1")
    with pytest.raises(NotAllowed, match=r"staff sets an order aside, by name|have work tried again .*; staff may"):
        FOR_NO_CUSTOMER[name](desk, Actor.customer("c-61"))


@pytest.mark.parametrize("name", COMMANDS)
def test_a_customer_is_refused_on_the_order_of_another(name: str) -> None:
    desk = ReturnDesk(
        shop=MemoryShop([an_order(a_line("cup", 4), customer="c-61")]),
        store="sqlite://",
        plugins=[plugin_of(Carrier())],
        return_address=SHOP,
    )
    asked = desk.request_return("1001", {"cup": 1}, by=Actor.customer("c-61"), request_id="f1")
    with pytest.raises(NotAllowed, match="Order 1001 is another customer's"):
        COMMANDS[name](desk, asked.return_id, Actor.customer("c-99"))
    assert desk.dossier("1001").version == asked.version


def test_what_his_own_form_gave_is_not_shown_to_another_who_has_its_request_id() -> None:
    desk = ReturnDesk(shop=MemoryShop([an_order(a_line("cup", 4), customer="c-61")]), store="sqlite://")
    own = desk.request_return("1001", {"cup": 1}, by=Actor.customer("c-61"), request_id="f1")
    again = desk.request_return("1001", {"cup": 1}, by=Actor.customer("c-61"), request_id="f1")
    assert (again.return_id, again.changed) == (own.return_id, False)
    with pytest.raises(NotAllowed):
        desk.request_return("1001", {"cup": 1}, by=Actor.customer("c-99"), request_id="f1")


def test_where_the_shop_says_nothing_of_whose_an_order_is_every_customer_acts() -> None:
    shop = MemoryShop([an_order(a_line("cup", 4))])
    desk = ReturnDesk(shop=shop, store="sqlite://")
    assert desk.request_return("1001", {"cup": 1}, by=Actor.customer("c-99"), request_id="f1").changed
    shop.orders["1001"] = attrs.evolve(shop.orders["1001"], customer="c-61")
    assert desk.request_return("1001", {"cup": 1}, by=Actor.staff("anna"), request_id="f2").changed
