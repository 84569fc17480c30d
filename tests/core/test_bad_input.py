"""Bad input gives an error that names the order and the cause, and nothing is changed."""

from __future__ import annotations

import datetime
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import attrs
import pytest

from retour import (
    Actor,
    Counted,
    MemoryShop,
    Money,
    Objection,
    Order,
    Payment,
    RequestedLine,
    RetourError,
    ReturnDesk,
    hookimpl,
)
from retour.model.errors import (
    InvalidArgument,
    InvalidLines,
    InvalidOrder,
    InvalidQuantity,
    InvalidReference,
    MissingRequestId,
    NotAllowed,
    UnknownLine,
    UnknownOrder,
    UnknownReceipt,
    UnknownReturn,
    WrongState,
)
from retour.model.return_number import return_number
from retour.testing import a_line, a_payment, a_service, an_order

ANNA = Actor.staff("anna")
ORDER = an_order(a_line("teapot", 2), a_line("cup", 3), a_service("postage"))


@pytest.fixture
def desk() -> ReturnDesk:
    return ReturnDesk(shop=MemoryShop([ORDER]), store="sqlite://")


WRONG_LINES = [
    ({}, InvalidLines, "list of lines is empty"),
    ([], InvalidLines, "list of lines is empty"),
    ({"mug": 1}, UnknownLine, "has no line mug. Its lines are teapot, cup, postage"),
    ({"postage": 1}, UnknownLine, "is a service and cannot come back"),
    ({"cup": 0}, InvalidQuantity, "line cup: 0 is not a number of units"),
    ({"cup": -1}, InvalidQuantity, "line cup: -1 is not a number of units"),
    ({"cup": 1.5}, InvalidQuantity, "line cup: 1.5 is not a number of units"),
    ({"cup": Decimal(1)}, InvalidQuantity, "line cup: 1 is not a number of units"),
    ({"cup": True}, InvalidQuantity, "line cup: True is not a number of units"),
    ({"cup": "2"}, InvalidQuantity, "line cup: 2 is not a number of units"),
    ({"cup": None}, InvalidQuantity, "line cup: None is not a number of units"),
    ({"cup": 4}, InvalidQuantity, r"3 units.*, so 4 is too many"),
    ({1: 1}, InvalidLines, "line_id must be a text of 1 to 255 characters.*, not 1"),
    ({"\ud800": 1}, InvalidLines, "none of them a NUL or half a character"),
    ({"cup": 10**5000}, InvalidQuantity, "is not a number of units"),
    ("cup", InvalidLines, "not str"),
    ([("cup", 1)], InvalidLines, "not tuple"),
    (7, InvalidLines, "not int"),
]


def unchanged(desk: ReturnDesk, command: Callable[[], object], error: type[Exception], match: str) -> None:
    """The command fails as it should, names order 1001, and leaves no trace in the database."""
    with pytest.raises(error, match=match) as caught:
        command()
    assert "1001" in str(caught.value)
    assert isinstance(caught.value, RetourError)
    assert caught.value.text("nl")
    assert desk.dossier("1001").version == 0
    assert desk.list_returns().returns == ()


@pytest.mark.parametrize("lines, error, match", WRONG_LINES)
def test_wrong_lines_of_a_receipt_are_refused(
    desk: ReturnDesk, lines: object, error: type[Exception], match: str
) -> None:
    unchanged(
        desk,
        lambda: desk.mark_returned("1001", lines, by=ANNA, request_id="form-1"),  # type: ignore[arg-type]
        error,
        match,
    )


@pytest.mark.parametrize("lines, error, match", WRONG_LINES)
def test_wrong_lines_of_a_request_are_refused(
    desk: ReturnDesk, lines: object, error: type[Exception], match: str
) -> None:
    unchanged(
        desk,
        lambda: desk.request_return("1001", lines, by=ANNA, request_id="form-1"),  # type: ignore[arg-type]
        error,
        match,
    )


def test_the_same_line_twice_is_refused(desk: ReturnDesk) -> None:
    counted = [Counted(line_id="cup", sellable=1), Counted(line_id="cup", damaged=1)]
    asked = [RequestedLine(line_id="cup", quantity=1), RequestedLine(line_id="cup", quantity=1)]
    match = "line cup is named twice"
    unchanged(desk, lambda: desk.mark_returned("1001", counted, by=ANNA, request_id="1"), InvalidLines, match)
    unchanged(desk, lambda: desk.request_return("1001", asked, by=ANNA, request_id="1"), InvalidLines, match)


@pytest.mark.parametrize("request_id", [None, "", "x" * 201, 7])
def test_what_adds_something_needs_a_request_id(desk: ReturnDesk, request_id: str) -> None:
    unchanged(
        desk,
        lambda: desk.mark_returned("1001", {"cup": 1}, by=ANNA, request_id=request_id),
        MissingRequestId,
        "needs a request_id",
    )


@pytest.mark.parametrize(
    "order_id, error, match",
    [
        ("1002", UnknownOrder, "has no order 1002"),
        ("", UnknownOrder, "has no order "),
        (None, InvalidArgument, "order_id must be a text of 0 to 10000 characters, .* not nothing"),
        (1001, InvalidArgument, "order_id must be a text of 0 to 10000 characters, .* not 1001"),
    ],
)
def test_an_unknown_order_is_refused(desk: ReturnDesk, order_id: str, error: type[Exception], match: str) -> None:
    for command in (
        lambda: desk.mark_returned(order_id, by=ANNA),
        lambda: desk.refund_options(order_id),
        lambda: desk.timeline(order_id),
        lambda: desk.shipping_options(order_id),
        lambda: desk.dossier(order_id),
    ):
        with pytest.raises(error, match=match):
            command()


def test_an_unknown_return_or_receipt_is_refused_and_the_known_ones_are_named(desk: ReturnDesk) -> None:
    outcome = desk.mark_returned("1001", by=ANNA)
    with pytest.raises(
        UnknownReturn, match=f"Order 1001 has no return rt_x. Its returns: {return_number(outcome.return_id)}"
    ):
        desk.close_return("1001", "rt_x", by=ANNA)
    with pytest.raises(UnknownReceipt, match=f"Order 1001 has no receipt rc_x. Its receipts: {outcome.receipt_id}"):
        desk.correct_receipt("1001", "rc_x", {"cup": 1}, by=ANNA)


def test_an_order_of_which_nothing_was_fulfilled_cannot_come_back() -> None:
    desk = ReturnDesk(shop=MemoryShop([an_order(a_line("cup", 2, fulfilled=0))]), store="sqlite://")
    unchanged(desk, lambda: desk.mark_returned("1001", by=ANNA), WrongState, "nothing was delivered")


def test_who_does_it_must_be_an_actor(desk: ReturnDesk) -> None:
    with pytest.raises(NotAllowed, match=r"by=Actor.staff"):
        desk.mark_returned("1001", by="anna")  # type: ignore[arg-type]


def test_an_order_that_is_another_than_was_asked_for_is_refused() -> None:
    class Confused(MemoryShop):
        def order(self, order_id: str) -> Order | None:
            return ORDER

    desk = ReturnDesk(shop=Confused(), store="sqlite://")
    with pytest.raises(UnknownOrder, match="no order 1002"):
        desk.mark_returned("1002", by=ANNA)


@pytest.mark.parametrize("words", ["4111 1111 1111 1111", "card 5500-0000-0000-0004, thanks"])
def test_a_note_with_a_card_number_is_refused(desk: ReturnDesk, words: str) -> None:
    unchanged(
        desk, lambda: desk.mark_returned("1001", by=ANNA, note=words), InvalidReference, "looks like a card number"
    )


@pytest.mark.parametrize("words", ["order 1234567890123", "call 0612345678", "4111 1111 1111 1112", "1 2 3"])
def test_other_numbers_in_a_note_are_kept(desk: ReturnDesk, words: str) -> None:
    desk.mark_returned("1001", by=ANNA, note=words)
    assert desk.timeline("1001")[0].note == words


@pytest.mark.parametrize(
    "make, match",
    [
        (lambda: an_order(a_line("cup"), a_line("cup")), "two have the same name: line cup"),
        (lambda: an_order(attrs.evolve(a_line("cup"), stock_tracked=0)), "stock_tracked must be true or false, not 0"),  # type: ignore[arg-type]
        (lambda: an_order(a_line("cup"), payments=[a_payment("1", currency="USD")]), "captured USD 1.00"),
        (
            lambda: an_order(a_line("cup"), payments=[a_payment("1", reference="")]),
            "reference must be a text of 1 to 255",
        ),
        (lambda: an_order(a_line("cup"), payments=[a_payment("1"), a_payment("1")]), "payment mollie:tr_1"),
        (lambda: an_order(a_line("cup"), order_id=""), "Order.id must be a text of 1 to 255"),
        (lambda: Order(id="1", currency="EUR", lines=()), "at least one line"),
    ],
)
def test_an_order_that_contradicts_itself_is_refused(make: Callable[[], Order], match: str) -> None:
    with pytest.raises(InvalidOrder, match=match):
        make()


@pytest.mark.parametrize("send_by", [datetime.datetime(2026, 12, 24, 12, tzinfo=datetime.UTC), "2026-12-24", 24])
def test_the_last_day_to_send_is_a_calendar_day(send_by: object) -> None:
    class Policy:
        @hookimpl
        def return_policy(self) -> Objection:
            return Objection.review("look")

    desk = ReturnDesk(shop=MemoryShop([ORDER]), store="sqlite://", plugins=[Policy()])
    return_id = desk.request_return("1001", {"cup": 1}, by=ANNA, request_id="form-1").return_id
    with pytest.raises(InvalidReference, match="Order 1001: send_by must be a calendar day, a date without a time"):
        desk.approve_return("1001", return_id, by=ANNA, send_by=send_by)  # type: ignore[arg-type]
    assert desk.dossier("1001").return_(return_id).send_by is None
    assert desk.list_returns().returns


def test_an_order_of_lists_is_the_same_order_when_it_is_read_again() -> None:
    line = attrs.evolve(a_line("cup", 3), tags=["hygiene"])
    order = Order(id="1001", currency="EUR", lines=[line], payments=[a_payment("20.00")])
    desk = ReturnDesk(shop=MemoryShop([order]), store="sqlite://")
    for number in range(3):
        desk.mark_returned("1001", {"cup": 1}, by=ANNA, request_id=f"form-{number}")
    assert "order_seen" not in [entry.code for entry in desk.timeline("1001")]


# --- values of nobody's ----------------------------------------------------------------------------------


class Fails:
    """Whatever is asked of it fails."""

    def _fail(self, *_: object) -> Any:
        raise RuntimeError("half \ud800")

    __eq__ = __hash__ = __str__ = __repr__ = __bool__ = _fail  # type: ignore[assignment]


class Dollars(Money):  # type: ignore[misc]
    """A host's own kind of amount."""


@pytest.mark.parametrize("answer", ["1001", object(), Fails()], ids=["text", "object", "fails"])
def test_a_shop_that_gives_no_order_is_told(answer: object) -> None:
    shop = MemoryShop()
    shop.order = lambda _: answer  # type: ignore[assignment, method-assign, return-value]
    with pytest.raises(InvalidOrder, match=r"Order 1001: the shop gave .* Shop.order gives an Order"):
        ReturnDesk(shop=shop, store="sqlite://").mark_returned("1001", by=ANNA)


def test_a_value_of_a_class_of_the_hosts_own_is_refused_before_anything_is_stored() -> None:
    with pytest.raises(InvalidOrder, match=r"Payment\.captured must be Money as it is made by its class, not Dollars"):
        Payment(provider="mollie", reference="tr_1", captured=Dollars(minor=100, currency="USD"))


def test_a_frameworks_safe_text_is_a_text() -> None:
    class SafeText(str):
        """As a template engine marks what it has escaped."""

    desk = ReturnDesk(shop=MemoryShop([an_order(a_line("cup", 3))]), store="sqlite://")
    assert desk.mark_returned(SafeText("1001"), {SafeText("cup"): 1}, by=ANNA, request_id=SafeText("f")).changed
    assert desk.dossier("1001").version
