"""Shopify's export of orders is read as it is; what it does not say is said, or makes an order bad."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from retour import LineKind, MemoryShop, Money, ReturnDesk
from retour.cli.orders_faults import InvalidOrdersFile, OrdersRead
from retour.cli.orders_file import read_orders
from retour.model.actor import Actor

COLUMNS = (
    *("Name", "Email", "Financial Status", "Paid at", "Fulfillment Status", "Fulfilled at"),
    *("Accepts Marketing", "Currency", "Subtotal", "Shipping", "Taxes", "Total", "Discount Code"),
    *("Discount Amount", "Shipping Method", "Created at", "Lineitem quantity", "Lineitem name"),
    *("Lineitem price", "Lineitem compare at price", "Lineitem sku", "Lineitem requires shipping"),
    *("Lineitem taxable", "Lineitem fulfillment status", "Billing Name", "Billing Street", "Billing Zip"),
    *("Billing Country", "Shipping Name", "Shipping Street", "Shipping Zip", "Shipping Country", "Notes"),
    *("Note Attributes", "Cancelled at", "Payment Method", "Payment Reference", "Refunded Amount", "Vendor"),
    *("Outstanding Balance", "Id", "Tags", "Risk Level", "Source", "Lineitem discount", "Tax 1 Name"),
    *("Tax 1 Value", "Duties", "Payment ID", "Payment References"),
)

Line = Mapping[str, object]


def a_line(name: str = "Kop", price: str = "8.00", quantity: int = 1, **more: object) -> Line:
    return {
        "Lineitem name": name,
        "Lineitem price": price,
        "Lineitem quantity": quantity,
        "Lineitem sku": name.upper(),
        "Lineitem requires shipping": "true",
        "Lineitem fulfillment status": "fulfilled",
        "Lineitem discount": "0.00",
        "Vendor": "Theehuis",
        **{key.replace("_", " "): value for key, value in more.items()},
    }


def an_order(
    *lines: Line, name: str = "#1001", off: str = "0.00", shipping: str = "4.95", **more: object
) -> list[Line]:
    """The rows of an order whose sums are right: ``off`` is taken from all of it, and taxes are in its prices."""
    priced = sum(
        Decimal(str(one["Lineitem price"])) * int(str(one["Lineitem quantity"]))
        - Decimal(str(one["Lineitem discount"]))
        for one in lines
    )
    subtotal = priced - Decimal(off)
    first = {
        "Financial Status": "paid",
        "Paid at": "2026-11-16 09:13:00 +0100",
        "Fulfillment Status": "fulfilled",
        "Currency": "EUR",
        "Subtotal": subtotal,
        "Shipping": shipping,
        "Taxes": "3.21",
        "Total": subtotal + Decimal(shipping),
        "Created at": "2026-11-16 09:12:00 +0100",
        "Shipping Name": "J. Jansen",
        "Shipping Zip": "'1015 CN",
        "Shipping Country": "NL",
        "Payment Method": "Mollie - iDEAL",
        "Payment Reference": "rIw4QXqrJbXeyKv4gKSgs2b8P",
        "Refunded Amount": "0.00",
        "Id": "7410991464714",
        **{key.replace("_", " "): value for key, value in more.items()},
    }
    shared = {"Name": name, "Email": "j.jansen@example.org"}
    return [{**shared, **(first if place == 0 else {}), **one} for place, one in enumerate(lines)]


Read = Callable[..., OrdersRead]


@pytest.fixture
def read(tmp_path: Path) -> Read:
    """Reads orders as Shopify writes them, with commas, and as a Dutch Excel saves them again."""

    def reading(*orders: Sequence[Line], columns: Sequence[str] = COLUMNS, separator: str = ",") -> OrdersRead:
        written = io.StringIO()
        writer = csv.writer(written, delimiter=separator)
        writer.writerow(columns)
        for row in [row for order in orders for row in order]:
            if "cut" in row:
                writer.writerow([row["Name"]])
                continue
            cells = [str(row.get(column, "")) for column in columns]
            writer.writerow(
                [one.replace(".", ",") if separator == ";" and "20" not in one[:2] else one for one in cells]
            )
        file = tmp_path / "orders_export.csv"
        file.write_text(written.getvalue(), encoding="utf-8")
        return read_orders(file)

    return reading


def notes(found: OrdersRead, language: str = "en") -> list[str]:
    return [note.render(language) for note in found.notes]


@pytest.mark.parametrize("separator", [",", ";"])
def test_an_order_over_several_rows_is_one(read: Read, separator: str) -> None:
    one = an_order(
        a_line("Theepot", "49.95"),
        a_line("Kop", "8.00", 3, Lineitem_discount="4.00"),
        a_line("Cadeaubon", "10.00", Lineitem_requires_shipping="false"),
        a_line("Schotel", "3.00", Lineitem_fulfillment_status="pending", Lineitem_sku=""),
    )
    found = read(one, an_order(a_line(), name="#1002"), separator=separator)
    assert (found.faults, [order.id for order in found.orders]) == ((), ["#1001", "#1002"])
    order = found.orders[0]
    assert [(line.product, line.kind.value, line.ordered, line.fulfilled) for line in order.lines] == [
        ("THEEPOT", "goods", 1, 1),
        ("KOP", "goods", 3, 3),
        ("CADEAUBON", "service", 1, 1),
        ("Schotel", "goods", 1, 0),
    ]
    assert [str(line.paid.gross.decimal) for line in order.lines] == ["49.95", "20.00", "10.00", "3.00"]
    assert order.paid == order.captured == Money.of("87.90", "EUR")
    [payment] = order.payments
    assert (payment.provider, payment.method, payment.reference) == ("manual_transfer", "Mollie - iDEAL", "#1001")
    assert order.placed_at is not None
    assert payment.paid_at is not None
    assert (payment.paid_at - order.placed_at).total_seconds() == 60
    assert order.delivery is not None
    assert (order.delivery.postal_code, order.delivery.country) == ("1015 CN", "NL")
    assert order.customer == "", "the address of somebody's mail is no id"
    assert order.odd_lines() == {}
    assert notes(found) == [
        "Shopify does not say what a payment is called at its provider, so its money goes back by bank transfer here."
    ]


def test_a_discount_over_the_order_goes_off_each_line_by_what_it_cost(read: Read) -> None:
    found = read(an_order(a_line("Theepot", "30.00"), a_line("Kop", "10.00"), off="4.00", Discount_Code="WELKOM"))
    [order] = found.orders
    assert (order.lines[-1].kind, order.lines[-1].name) == (LineKind.DISCOUNT, "WELKOM")
    assert order.paid == order.captured == Money.of("40.95", "EUR")
    assert notes(found, "nl")[0].startswith("1 bestelling heeft een korting waarvan Shopify niet zegt")
    desk = ReturnDesk(shop=MemoryShop([order]), store="sqlite://", plugins=["manual_transfer"])
    desk.mark_returned("#1001", {"line-1": 1}, by=Actor.staff("anna"), request_id="f")
    [option] = desk.refund_options("#1001")
    assert option.suggested == Money.of("27.00", "EUR"), "30.00 less three quarters of the discount"


@pytest.mark.parametrize(
    "status, more, captured",
    [
        ("paid", {}, "12.95"),
        ("partially_paid", {"Outstanding_Balance": "2.95"}, "10.00"),
        ("pending", {}, None),
        ("authorized", {}, None),
        ("voided", {}, None),
    ],
)
def test_what_was_received_is_what_the_order_says(
    read: Read, status: str, more: dict[str, Any], captured: str | None
) -> None:
    [order] = read(an_order(a_line(), Financial_Status=status, **more)).orders
    assert [str(one.captured.decimal) for one in order.payments] == ([] if captured is None else [captured])


def test_orders_that_were_cancelled_are_left_out_and_counted(read: Read) -> None:
    cancelled = an_order(a_line(), a_line("Theepot"), name="#1002", Cancelled_at="2026-11-17 10:00:00 +0100")
    found = read(an_order(a_line()), cancelled)
    assert [order.id for order in found.orders] == ["#1001"]
    assert notes(found)[0] == "1 order was cancelled in Shopify, and is left out."


def test_what_was_sent_in_part_counts_as_sent_and_is_said(read: Read) -> None:
    found = read(an_order(a_line(quantity=3, Lineitem_fulfillment_status="partial")))
    assert found.orders[0].lines[0].fulfilled == 3
    assert notes(found)[0].startswith("1 order has a line that was sent in part")


BAD: dict[str, tuple[list[Line], str]] = {
    "taxes on top": (
        an_order(a_line(), Taxes="1.68", Total="14.63"),
        "line 2, order #1001: €1.68 of taxes came on top of the prices, and the file does not say for which lines",
    ),
    "refunded already": (
        an_order(a_line(), Refunded_Amount="5.00"),
        "line 2, order #1001: €5.00 was refunded in Shopify already, and the file does not say for which lines",
    ),
    "sums that differ": (
        an_order(a_line(), Total="20.00"),
        "line 2, order #1001: Subtotal and Shipping are €12.95 together, and Total is €20.00",
    ),
    "lines that are missing": (
        an_order(a_line(), Subtotal="30.00", Total="34.95"),
        "line 2, order #1001: its lines cost €22.00 less than its Subtotal says",
    ),
    "no amount": (
        [*an_order(a_line()), {"Name": "#1001", **a_line(price="acht")}],
        "line 3, order #1001: Lineitem price: “acht” is not an amount; write a number with a point, as in 44.95",
    ),
    "no number": (
        [{**an_order(a_line())[0], "Lineitem quantity": "1.5"}],
        "line 2, order #1001: Lineitem quantity: “1.5” is not a number",
    ),
    "no time": (
        an_order(a_line(), Created_at="16-11-2026"),
        "line 2, order #1001: Created at: “16-11-2026” is not a day and time as Shopify writes them",
    ),
    "no currency": (
        an_order(a_line(), Currency="EURO"),
        "line 2, order #1001: Currency: “EURO” is no currency; write its code, as in EUR",
    ),
    "a row that was cut off": (
        [*an_order(a_line()), {"Name": "#1001", "cut": True}],
        "line 3, order #1001: the row has 1 values, not 50",
    ),
    "a name that cannot be kept": (
        [{**an_order(a_line())[0], "Lineitem name": "x" * 10_001}],
        "line 2, order #1001: OrderLine.name must be a text of 0 to 10000 characters, none of them a NUL or "
        "half a character, not a text of 10001 characters.",
    ),
    "a state that nobody knows": (
        an_order(a_line(), Financial_Status="betaald"),
        "line 2, order #1001: Financial Status: “betaald” is not known",
    ),
}


@pytest.mark.parametrize("what", BAD)
def test_an_order_of_which_the_file_cannot_say_what_was_paid_for_a_line_is_a_fault(read: Read, what: str) -> None:
    rows, sentence = BAD[what]
    found = read(rows, an_order(a_line(), name="#1002"))
    assert [fault.sentence.render("en") for fault in found.faults] == [sentence]
    assert (found.bad_orders, [order.id for order in found.orders]) == (1, ["#1002"])


def test_an_export_that_lacks_a_column_says_which(read: Read) -> None:
    less = [column for column in COLUMNS if column not in ("Subtotal", "Lineitem price")]
    with pytest.raises(InvalidOrdersFile) as refused:
        read(an_order(a_line()), columns=less)
    assert "without its columns Subtotal, Lineitem price. Export the orders again." in str(refused.value)


def test_the_demo_runs_an_export_and_says_what_it_does_not_say(
    run: Callable[..., Any], read: Read, tmp_path: Path
) -> None:
    read(
        an_order(a_line("Theepot", "30.00"), a_line("Kop", "10.00"), off="4.00"),
        an_order(a_line(), name="#1002", Refunded_Amount="1.00"),
    )
    file = str(tmp_path / "orders_export.csv")
    assert run("demo", "--lang", "nl", "--orders", file).exit_code == 2
    shown = run("demo", "--lang", "nl", "--orders", file, "--skip-bad")
    assert shown.exit_code == 0
    assert "1 bestelling heeft een korting" in shown.stdout
    assert "#1001" in shown.stdout
