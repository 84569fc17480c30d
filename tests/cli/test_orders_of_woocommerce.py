"""What WooCommerce's REST API answers is read as it comes; what it does not say is said, or makes an order bad."""

from __future__ import annotations

import datetime
import json
from collections.abc import Callable, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retour import LineKind, MemoryShop, Money, ReturnDesk
from retour.cli.orders_faults import OrdersRead
from retour.cli.orders_file import read_orders
from retour.cli.orders_woocommerce import read_woocommerce
from retour.model.actor import Actor

Json = Mapping[str, Any]


def a_line(total: str = "24.79", tax: str = "5.21", number: int = 1, **more: Any) -> Json:
    """30.00 with 21 percent in it."""
    return {
        "id": number,
        "name": "Theepot",
        "product_id": 93,
        "variation_id": 0,
        "quantity": 2,
        "tax_class": "",
        "subtotal": "28.93",
        "subtotal_tax": "6.07",
        "total": total,
        "total_tax": tax,
        "taxes": [{"id": 1, "total": tax, "subtotal": "6.07"}],
        "meta_data": [],
        "sku": "POT",
        "price": 12.395,
        **more,
    }


def an_order(*lines: Json, **more: Any) -> dict[str, Any]:
    """An order that was paid and sent; its total is the sum of its lines, its delivery and its fees."""
    lines = lines or (a_line(),)
    shipping = [{"id": 9, "method_title": "PostNL", "total": "4.09", "total_tax": "0.86", "taxes": []}]
    fees = more.get("fee_lines", [])
    summed = sum(Decimal(one[key]) for one in [*lines, *shipping, *fees] for key in ("total", "total_tax"))
    return {
        "id": 727,
        "parent_id": 0,
        "number": "1001",
        "order_key": "wc_order_58d2d042d1d",
        "status": "completed",
        "currency": "EUR",
        "date_created": "2026-11-16T09:12:00",
        "date_created_gmt": "2026-11-16T08:12:00",
        "discount_total": "4.14",
        "total": str(summed),
        "total_tax": "6.07",
        "prices_include_tax": True,
        "billing": {"first_name": "J.", "last_name": "Jansen", "email": "j.jansen@example.org"},
        "shipping": {"first_name": "J.", "last_name": "Jansen", "postcode": "1015 CN", "country": "NL"},
        "payment_method": "mollie_wc_gateway_ideal",
        "payment_method_title": "iDEAL",
        "transaction_id": "tr_WDqYK6vllg",
        "date_paid_gmt": "2026-11-16T08:13:00",
        "line_items": list(lines),
        "shipping_lines": shipping,
        "fee_lines": [],
        "coupon_lines": [],
        "refunds": [],
        **more,
    }


Read = Callable[..., OrdersRead]


@pytest.fixture
def read(tmp_path: Path) -> Read:
    """Reads a file with what the API answered."""

    def reading(*orders: object) -> OrdersRead:
        file = tmp_path / "orders.json"
        file.write_text(json.dumps(orders), encoding="utf-8")
        return read_orders(file)

    return reading


def eur(amount: str) -> Money:
    return Money.of(amount, "EUR")


def test_an_order_is_read_as_the_api_gives_it(read: Read) -> None:
    found = read(an_order(a_line(), a_line("8.26", "1.74", number=2, sku="", name="Kop", variation_id=105)))
    [order] = found.orders
    assert found.faults == ()
    assert (order.id, order.currency) == ("1001", "EUR")
    assert order.placed_at == datetime.datetime(2026, 11, 16, 8, 12, tzinfo=datetime.UTC)
    assert [(one.id, one.product, one.name, one.ordered, one.fulfilled, one.paid.gross) for one in order.lines] == [
        ("1", "POT", "Theepot", 2, 2, eur("30.00")),
        ("2", "105", "Kop", 2, 2, eur("10.00")),
    ]
    assert order.delivery is not None
    assert (order.delivery.paid.gross, order.delivery.postal_code, order.delivery.country) == (
        eur("4.95"),
        "1015 CN",
        "NL",
    )
    [payment] = order.payments
    assert (payment.id, payment.captured, payment.method) == (
        "mollie:tr_WDqYK6vllg",
        eur("44.95"),
        "mollie_wc_gateway_ideal",
    )


def test_what_came_back_is_worth_what_was_paid_for_it(read: Read) -> None:
    [order] = read(an_order()).orders
    desk = ReturnDesk(shop=MemoryShop([order]), store="sqlite://")
    desk.mark_returned("1001", {"1": 1}, by=Actor.staff("anna"), request_id="form-1")
    [option] = desk.refund_options("1001")
    assert option.suggested == eur("15.00")


@pytest.mark.parametrize(
    "method, transaction, payment",
    [
        ("mollie_wc_gateway_ideal", "tr_WDqYK6vllg", "mollie:tr_WDqYK6vllg"),
        ("mollie_wc_gateway_klarna", "ord_8wmqcHMN4U", "mollie:ord_8wmqcHMN4U"),
        ("stripe", "ch_3MmlLrLkdIwHu7ix0snN0B15", "stripe:ch_3MmlLrLkdIwHu7ix0snN0B15"),
        ("stripe_ideal", "pi_3MmlLrLkdIwHu7ix0snN0B15", "stripe:pi_3MmlLrLkdIwHu7ix0snN0B15"),
        ("ppcp-gateway", "2GG279541U471931P", "paypal:2GG279541U471931P"),
        ("bacs", "", "manual_transfer:1001"),
        ("cod", "2GG279541U471931P", "manual_transfer:1001"),
        ("another", "tr-1", "manual_transfer:1001"),
    ],
)
def test_a_payment_is_at_the_provider_whose_reference_it_has(
    read: Read, method: str, transaction: str, payment: str
) -> None:
    found = read(an_order(payment_method=method, transaction_id=transaction))
    assert [one.id for one in found.orders[0].payments] == [payment]
    assert any("goes back by bank transfer" in str(note) for note in found.notes) == payment.startswith("manual")


def test_an_order_that_was_not_paid_has_no_payment(read: Read) -> None:
    [order] = read(an_order(date_paid_gmt=None, transaction_id="", status="on-hold")).orders
    assert order.payments == ()


@pytest.mark.parametrize("status, sent", [("completed", 2), ("refunded", 2), ("processing", 0), ("at-the-packer", 0)])
def test_what_was_sent_follows_from_the_state_and_that_is_said(read: Read, status: str, sent: int) -> None:
    found = read(an_order(status=status))
    assert [line.fulfilled for line in found.orders[0].lines] == [sent]
    assert any("WooCommerce zegt niet wat er is verzonden" in note.render("nl") for note in found.notes)


@pytest.mark.parametrize("status", ["cancelled", "failed", "trash", "checkout-draft"])
def test_an_order_in_which_nothing_was_bought_is_left_out_and_counted(read: Read, status: str) -> None:
    found = read(an_order(), an_order(status=status, number="1002"))
    assert [order.id for order in found.orders] == ["1001"]
    assert "1 order was cancelled in WooCommerce or never placed, and is left out." in [str(one) for one in found.notes]


def test_a_fee_is_a_service_and_one_below_zero_a_discount(read: Read) -> None:
    fees = [
        {"id": 3, "name": "Cadeauverpakking", "total": "2.07", "total_tax": "0.43"},
        {"id": 4, "name": "Vaste klant", "total": "-4.13", "total_tax": "-0.87"},
    ]
    [order] = read(an_order(fee_lines=fees)).orders
    assert [(one.id, one.kind, one.paid.gross) for one in order.lines[1:]] == [
        ("fee-3", LineKind.SERVICE, eur("2.50")),
        ("fee-4", LineKind.DISCOUNT, eur("-5.00")),
    ]


def test_a_cent_that_the_total_was_rounded_by_is_a_line_of_its_own(read: Read) -> None:
    [order] = read(an_order(total="34.96")).orders
    assert [(one.kind, one.paid.gross) for one in order.lines[1:]] == [(LineKind.ROUNDING, eur("0.01"))]


def test_half_a_kilo_is_read_as_it_was_ordered(read: Read) -> None:
    [order] = read(an_order(a_line(quantity=0.5))).orders
    assert order.lines[0].measure == Decimal("0.5")


BAD: dict[str, tuple[dict[str, Any], str, str]] = {
    "refunded": (
        an_order(refunds=[{"id": 1, "reason": "", "total": "-10.00"}]),
        "[0].refunds",
        "€10.00 was refunded in WooCommerce already, and the file does not say for which lines",
    ),
    "sums": (an_order(total="50.00"), "[0].total", "the delivery and the fees are €34.95 together"),
    "currency": (an_order(currency="EURO"), "[0].currency", "“EURO” is no currency"),
    "amount": (an_order() | {"line_items": [a_line(tax="5,21")]}, "[0].line_items[0].total_tax", "is not an amount"),
    "no text": (an_order() | {"line_items": [a_line(total_tax=5.21)]}, "[0].line_items[0].total_tax", "must be a text"),
    "no object": (an_order() | {"line_items": ["Theepot"]}, "[0].line_items[0]", "must be an object"),
    "no list": (an_order() | {"fee_lines": None}, "[0].fee_lines", "must be a list"),
    "missing": ({key: one for key, one in an_order().items() if key != "shipping"}, "[0].shipping", "is missing"),
    "quantity": (an_order(a_line(quantity="two")), "[0].line_items[0].quantity", "“two” is not a number"),
    "none": (an_order(a_line(quantity=0)), "[0].line_items[0].quantity", "is not above zero"),
    "day": (an_order(date_created_gmt="16-11-2026"), "[0].date_created_gmt", "is not a day and time as WooCommerce"),
    "no lines": (an_order() | {"line_items": [], "total": "4.95"}, "[0]", "needs at least one line"),
    "characters": (an_order(a_line(name="Thee\u0007pot")), "[0].line_items[0].name", "that cannot be shown"),
}


@pytest.mark.parametrize("what", BAD)
def test_an_order_that_cannot_be_used_is_a_fault_with_its_place(read: Read, what: str) -> None:
    order, place, cause = BAD[what]
    found = read(order, an_order(number="1002"))
    [fault] = found.faults
    assert (str(fault.where), fault.order_id) == (place, "1001")
    assert cause in str(fault.cause)
    assert (found.bad_orders, [one.id for one in found.orders]) == (1, ["1002"])


def test_the_later_of_two_orders_with_one_number_is_a_fault(read: Read) -> None:
    found = read(an_order(), an_order())
    assert [str(one.sentence) for one in found.faults] == ["[1].number, order 1001: is the id of order [0] as well"]


def test_a_list_with_another_thing_in_it_is_no_answer_of_woocommerce(read: Read) -> None:
    found = read(an_order(), {"id": "1002"})
    assert found.orders == ()
    assert any("line_items" in str(fault.cause) for fault in found.faults)


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.decimals(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inside: st.lists(inside, max_size=3) | st.dictionaries(st.text(max_size=9), inside, max_size=3),
    max_leaves=5,
)


@given(st.sampled_from(sorted(an_order())), ANYTHING, st.sampled_from(sorted(a_line())), ANYTHING)
def test_whatever_stands_in_one_place_is_read_or_a_fault_and_costs_no_other_order(
    key: str, value: object, of_line: str, in_line: object
) -> None:
    for order in (an_order() | {key: value}, an_order() | {"line_items": [{**a_line(), of_line: in_line}]}):
        found = read_woocommerce([order, an_order(number="1002")])
        assert "1002" in [one.id for one in found.orders] or order.get("number") == "1002"
        left_out = any("left out" in str(note) for note in found.notes)
        assert len(found.orders) + found.bad_orders + left_out == 2
        assert all(fault.sentence.render("nl") for fault in found.faults)


def test_the_demo_runs_an_answer_and_says_what_it_does_not_say(
    run: Callable[..., Any], read: Read, tmp_path: Path
) -> None:
    read(an_order(), an_order(number="1002", status="cancelled"))
    shown = run("demo", "--lang", "nl", "--orders", str(tmp_path / "orders.json"))
    assert shown.exit_code == 0
    assert "WooCommerce zegt niet wat er is verzonden" in " ".join(shown.stdout.split())
    assert "Bestelling 1001" in shown.stdout
