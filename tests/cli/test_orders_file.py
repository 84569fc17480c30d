"""Reading orders: strict, every fault at once, each with its place, and nothing written while one is left."""

from __future__ import annotations

import datetime
import json
import re
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import attrs
import pytest
from click.testing import Result
from hypothesis import given
from hypothesis import strategies as st

from retour import BankAccount, Delivery, LineKind, Mode, Money, Order, OrderLine, Paid, Payment, TaxPart
from retour.cli.orders_csv import SERVICES
from retour.cli.orders_faults import InvalidOrdersFile
from retour.cli.orders_file import read_orders
from retour.cli.orders_records import named_columns

Run = Callable[..., Result]

HEADER = "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country\n"
GOOD_ROW = "536365,85123A,WHITE HANGING HEART T-LIGHT HOLDER,6,01-12-10 8:26,2.55,17850,United Kingdom\n"


def csv_file(tmp_path: Path, *rows: str, header: str = HEADER) -> Path:
    path = tmp_path / "orders.csv"
    path.write_bytes((header + "".join(rows)).encode("latin-1"))
    return path


def a_row(**changed: str) -> str:
    values = dict(zip(HEADER.strip().split(","), GOOD_ROW.strip().split(","), strict=True)) | changed
    return ",".join(values.values()) + "\n"


def an_order(**changed: Any) -> dict[str, Any]:
    return {
        "id": "1001",
        "currency": "EUR",
        "lines": [{"id": "line-1", "product": "cup", "name": "Cup", "ordered": 2, "paid": {"gross": "9.90"}}],
        "payments": [{"provider": "mollie", "reference": "tr_WDqYK6vllg", "captured": "9.90"}],
        **changed,
    }


def a_json_line(**changed: Any) -> dict[str, Any]:
    return {**an_order()["lines"][0], **changed}


def json_file(tmp_path: Path, *orders: Any) -> Path:
    path = tmp_path / "orders.json"
    path.write_text(json.dumps(orders))
    return path


# --- what is read ---------------------------------------------------------------------------------------


def test_a_csv_document_is_one_order_paid_by_invoice(tmp_path: Path) -> None:
    postage = a_row(StockCode="POST", Description="POSTAGE", Quantity="1", UnitPrice="18")
    [order] = read_orders(csv_file(tmp_path, GOOD_ROW, GOOD_ROW, postage)).orders
    assert order.id == "536365"
    assert [(line.product, line.ordered, line.fulfilled) for line in order.goods] == [("85123A", 6, 6)] * 2
    assert order.lines[2].kind is LineKind.SERVICE
    assert order.paid == order.captured == Money.of("48.60", "GBP")
    [payment] = order.payments
    assert (payment.provider, payment.method, payment.reference) == ("manual_transfer", "invoice", "536365")
    assert order.placed_at == datetime.datetime(2010, 12, 1, 8, 26, tzinfo=ZoneInfo("Europe/Amsterdam"))


@pytest.mark.parametrize("code", ["POST", "D", "M", "m", "DOT", "BANK CHARGES", "C2"])
def test_a_stock_code_that_is_no_goods_is_a_service(tmp_path: Path, code: str) -> None:
    [order] = read_orders(csv_file(tmp_path, GOOD_ROW, a_row(StockCode=code))).orders
    assert [line.kind for line in order.lines] == [LineKind.GOODS, LineKind.SERVICE]


def test_a_document_for_which_nothing_was_paid_has_no_payment(tmp_path: Path) -> None:
    [order] = read_orders(csv_file(tmp_path, a_row(UnitPrice="0", Description=""))).orders
    assert order.payments == ()
    assert order.lines[0].name == "85123A"


def test_documents_that_begin_with_c_are_counted_and_no_orders(run: Run, url: str, tmp_path: Path) -> None:
    cancellation = a_row(InvoiceNo="C536379", Quantity="-1")
    path = csv_file(tmp_path, GOOD_ROW, cancellation, cancellation, a_row(InvoiceNo="C536383", Quantity="x"))
    assert read_orders(path).cancellations == 2
    result = run("demo", "--db", url, "--orders", str(path))
    assert result.exit_code == 0
    assert "2 documents are cancellations" in result.stdout


def test_the_columns_may_stand_in_any_order(tmp_path: Path) -> None:
    names = list(reversed(HEADER.strip().split(",")))
    row = ",".join(reversed(GOOD_ROW.strip().split(",")))
    [order] = read_orders(csv_file(tmp_path, row, header=",".join(names) + "\n")).orders
    assert order == read_orders(csv_file(tmp_path, GOOD_ROW)).orders[0]


def test_a_json_order_has_all_that_the_model_has(tmp_path: Path) -> None:
    given = an_order(
        customer="customer-1",
        placed_at="2026-11-16T09:12:00+01:00",
        lines=[
            a_json_line(
                fulfilled=1,
                tags=["hygiene"],
                stock_tracked=False,
                paid={"gross": "9.90", "taxes": [{"rate": "21", "net": "8.18", "tax": "1.72"}]},
            ),
            a_json_line(id="gift", kind="service", name=""),
        ],
        payments=[
            {
                "provider": "manual_transfer",
                "reference": "F-1",
                "captured": "9.90",
                "account": "second",
                "mode": "test",
                "method": "invoice",
                "paid_at": "2026-11-16T08:12:00Z",
                "payer": {"name": "Example", "iban": "NL91ABNA0417164300"},
            }
        ],
        delivery={
            "paid": {"gross": "4.95"},
            "provider": "sendcloud",
            "number": "1",
            "postal_code": "1012 JS",
            "country": "NL",
        },
    )
    [order] = read_orders(json_file(tmp_path, given)).orders
    line, gift = order.lines
    assert (line.ordered, line.fulfilled, line.stock_tracked, line.tags) == (2, 1, False, frozenset({"hygiene"}))
    assert line.paid.taxes[0].tax == Money.of("1.72", "EUR")
    assert (gift.kind, gift.fulfilled) == (LineKind.SERVICE, 2)
    assert (order.payments[0].id, order.payments[0].mode) == ("manual_transfer/second:F-1", Mode.TEST)
    assert order.delivery is not None
    assert order.delivery.postal_code == "1012 JS"


def test_a_payment_by_any_loaded_plugin_is_read(tmp_path: Path) -> None:
    payment = {"provider": "acmepay", "reference": "1", "captured": "9.90"}
    assert read_orders(json_file(tmp_path, an_order(payments=[payment])), ["acmepay"]).orders


# --- a line that cannot be right costs itself alone ------------------------------------------------------

ODD_JSON_LINES: dict[str, tuple[dict[str, Any], str]] = {
    "fraction": (a_json_line(ordered=0.5), "line line-1: 0.5 is no whole number of units"),
    "fulfilled fraction": (a_json_line(fulfilled=1.5), "line line-1: 1.5 is no whole number of units"),
    "below zero": (a_json_line(ordered=-1), "line line-1: -1 units were ordered, which is below zero"),
    "a part below zero": (a_json_line(ordered=-1.5), "line line-1: -1.5 units were ordered"),
    "fulfilled below zero": (a_json_line(fulfilled=-1), "line line-1: -1 units were ordered, which is below zero"),
    "a rate below zero": (
        a_json_line(paid={"gross": "9.90", "taxes": [{"rate": "-21", "net": "8.18", "tax": "1.72"}]}),
        "line line-1: -21 percent cannot be a rate of tax",
    ),
    "too much": (a_json_line(fulfilled=3), "line line-1: delivered 3, and ordered only 2"),
    "negative price": (a_json_line(paid={"gross": "-9.90"}), "line line-1: -€9.90 was paid for goods"),
    "taxes": (
        a_json_line(paid={"gross": "9.90", "taxes": [{"rate": "21", "net": "8", "tax": "1"}]}),
        "line line-1: its tax parts differ by €0.90 from the €9.90",
    ),
}
ODD_ROWS = {
    "fraction": (a_row(Quantity="1.5"), "line line-2: 1.5 is no whole number of units"),
    "negative": (a_row(Quantity="-6"), "line line-2: -£15.30 was paid for goods"),
    "negative price": (a_row(UnitPrice="-2.55"), "line line-2: -£15.30 was paid for goods"),
}


@pytest.mark.parametrize("line, words", ODD_JSON_LINES.values(), ids=ODD_JSON_LINES)
def test_an_order_in_json_with_a_line_that_cannot_be_right_runs_and_the_line_is_named(
    run: Run, url: str, tmp_path: Path, line: dict[str, Any], words: str
) -> None:
    path = json_file(tmp_path, an_order(lines=[line, a_json_line(id="line-2")]))
    assert list(read_orders(path).orders[0].odd_lines()) == ["line-1"]
    result = run("demo", "--db", url, "--orders", str(path))
    assert result.exit_code == 0, result.output
    assert f"Order 1001, {words}" in " ".join(result.stdout.split())


@pytest.mark.parametrize("row, words", ODD_ROWS.values(), ids=ODD_ROWS)
def test_an_order_in_csv_with_a_line_that_cannot_be_right_runs_and_the_line_is_named(
    run: Run, url: str, tmp_path: Path, row: str, words: str
) -> None:
    path = csv_file(tmp_path, GOOD_ROW, row)
    assert list(read_orders(path).orders[0].odd_lines()) == ["line-2"]
    result = run("demo", "--db", url, "--orders", str(path))
    assert result.exit_code == 0, result.output
    assert f"Order 536365, {words}" in " ".join(result.stdout.split())


def test_a_discount_and_a_rounding_in_json_and_cents_of_tax_are_nothing_odd(tmp_path: Path) -> None:
    discount = a_json_line(id="sale", kind="discount", paid={"gross": "-1.00"}, spread_over=["line-1"])
    rounding = a_json_line(id="cents", kind="rounding", paid={"gross": "-0.01"})
    taxes = [{"rate": "21", "net": "8.18", "tax": "1.71"}]
    line = a_json_line(paid={"gross": "9.90", "taxes": taxes})
    [order] = read_orders(json_file(tmp_path, an_order(lines=[line, discount, rounding], currency="BGN"))).orders
    assert order.odd_lines() == {}
    assert order.paid == Money.of("8.89", "BGN")
    assert order.lines[1].spread_over == ("line-1",)
    assert order.lines[0].paid.rounding == Money.of("0.01", "BGN")


@pytest.mark.parametrize("fields", [{"Quantity": "-1", "UnitPrice": "5"}, {"Quantity": "1", "UnitPrice": "-5"}])
def test_a_discount_in_csv_lowers_what_was_paid(tmp_path: Path, fields: dict[str, str]) -> None:
    [order] = read_orders(csv_file(tmp_path, GOOD_ROW, a_row(StockCode="D", Description="Discount", **fields))).orders
    assert order.odd_lines() == {}
    assert order.captured == Money.of("10.30", "GBP")


def test_a_csv_document_that_is_below_zero_as_a_whole_was_paid_by_nothing(tmp_path: Path) -> None:
    [order] = read_orders(csv_file(tmp_path, a_row(Quantity="-6"))).orders
    assert order.payments == ()


def test_what_a_line_measures_is_no_key_of_the_file(tmp_path: Path) -> None:
    [fault] = read_orders(json_file(tmp_path, an_order(lines=[a_json_line(measure="0.5")]))).faults
    assert "the key “measure” is not known" in str(fault.sentence)


# --- every kind of fault --------------------------------------------------------------------------------

BAD_ROWS = {
    "zero": (a_row(Quantity="0"), "Quantity: 0 is not above zero"),
    "no quantity": (a_row(Quantity=""), "Quantity: “” is not a number"),
    "endless quantity": (a_row(Quantity="9" * 5000), "is not a number"),
    "quantity in words": (a_row(Quantity="six"), "Quantity: “six” is not a number"),
    "too many decimals": (a_row(UnitPrice="2.555"), "UnitPrice: 2.555 has more decimals than GBP has (2)"),
    "comma": (a_row(UnitPrice='"2,55"'), "UnitPrice: “2,55” is not an amount"),
    "exponent": (a_row(UnitPrice="1e3"), "UnitPrice: “1e3” is not an amount"),
    "not a number": (a_row(UnitPrice="NaN"), "is not an amount"),
    "another currency": (a_row(UnitPrice="$2.55"), "“$2.55” is of another currency; the order is in GBP"),
    "another code": (a_row(UnitPrice="2.55 USD"), "“2.55 USD” is of another currency; the order is in GBP"),
    "no date": (a_row(InvoiceDate="2010-12-01"), "InvoiceDate: “2010-12-01” is not a day and time"),
    "no product": (a_row(StockCode=" "), "StockCode is empty"),
    "too short": ("536365,85123A\n", "the row has 2 values, not 8"),
}


@pytest.mark.parametrize("row, cause", BAD_ROWS.values(), ids=BAD_ROWS)
def test_a_bad_row_is_named_with_its_line_and_order_and_nothing_is_written(
    run: Run, url: str, file: Path, tmp_path: Path, row: str, cause: str
) -> None:
    path = csv_file(tmp_path, a_row(InvoiceNo="536364"), row)
    result = run("demo", "--db", url, "--orders", str(path))
    assert result.exit_code == 2
    assert "line 3, order 536365: " in result.stderr
    assert cause in result.stderr
    assert result.stdout == ""
    assert not file.exists()


def test_the_line_number_counts_lines_of_the_file_not_rows(tmp_path: Path) -> None:
    path = csv_file(tmp_path, a_row(Description='"two\nlines"'), "\n", a_row(InvoiceNo="2", Quantity="0"))
    [fault] = read_orders(path).faults
    assert str(fault.sentence).startswith("line 5, order 2: ")


def test_a_bad_row_makes_its_whole_order_bad_and_no_other(tmp_path: Path) -> None:
    path = csv_file(tmp_path, GOOD_ROW, a_row(InvoiceNo="2"), a_row(Quantity="0"), GOOD_ROW)
    read = read_orders(path)
    assert [order.id for order in read.orders] == ["2"]
    assert read.bad_orders == 1


BAD_ORDERS: dict[str, tuple[list[Any], str]] = {
    "zero": ([an_order(lines=[a_json_line(ordered=0)])], "[0].lines[0].ordered, order 1001: 0 is not above zero"),
    "far too few": ([an_order(lines=[a_json_line(ordered=-(10**10))])], "more than 999999999 units cannot"),
    "text units": ([an_order(lines=[a_json_line(ordered="1")])], ".ordered, order 1001: must be a whole number"),
    "true units": ([an_order(lines=[a_json_line(ordered=True)])], ".ordered, order 1001: must be a whole number"),
    "too many decimals": (
        [an_order(lines=[a_json_line(paid={"gross": "9.905"})])],
        "[0].lines[0].paid.gross, order 1001: 9.905 has more decimals than EUR has (2)",
    ),
    "decimals of the yen": (
        [an_order(currency="JPY", lines=[a_json_line(paid={"gross": "9.9"})], payments=[])],
        "9.9 has more decimals than JPY has (0)",
    ),
    "paid less than nothing": (
        [an_order(payments=[{"provider": "mollie", "reference": "1", "captured": "-1.00"}])],
        "[0].payments[0].captured, order 1001: -1.00 is below zero",
    ),
    "float": ([an_order(lines=[a_json_line(paid={"gross": 9.9})])], "must be an amount as text"),
    "another currency": (
        [an_order(lines=[a_json_line(paid={"gross": "USD 9.90"})])],
        "“USD 9.90” is of another currency; the order is in EUR",
    ),
    "no currency": ([an_order(currency="EURO")], "“EURO” is not a currency of ISO 4217"),
    "unknown provider": (
        [an_order(payments=[{"provider": "adyen", "reference": "1", "captured": "1"}])],
        "[0].payments[0].provider, order 1001: “adyen” is no payment provider here. "
        "Known: mollie, stripe, paypal, manual_transfer. Loaded: manual_transfer, mollie, paypal, stripe",
    ),
    "line twice": ([an_order(lines=[a_json_line(), a_json_line()])], "[0].lines[1].id, order 1001: “line-1” is named"),
    "payment twice": ([an_order(payments=an_order()["payments"] * 2)], "[0].payments[1].reference, order 1001:"),
    "order twice": ([an_order(), an_order()], "[1].id, order 1001: is the id of order [0] as well"),
    "unknown key": ([an_order(status="paid")], "[0], order 1001: the key “status” is not known"),
    "unknown inner key": ([an_order(lines=[a_json_line(sku="1")])], "[0].lines[0], order 1001: the key “sku” is not"),
    "missing key": ([{"id": "1001", "lines": []}], "[0].currency, order 1001: is missing"),
    "no lines": ([an_order(lines=[])], "at least one line"),
    "numeric id": ([an_order(id=1001)], "[0].id, order 1001: must be a text, in quotes"),
    "empty id": ([an_order(id=" ")], "[0].id"),
    "no order": (["1001"], "[0]: must be an object with keys"),
    "escape sequence": ([an_order(customer="a\x1b[2J")], "holds a character that cannot be shown"),
    "local time": ([an_order(placed_at="2026-11-16T09:12:00")], "[0].placed_at, order 1001: must be a time with its"),
    "kind": ([an_order(lines=[a_json_line(kind="food")])], "must be one of goods, service"),
}


@pytest.mark.parametrize("orders, cause", BAD_ORDERS.values(), ids=BAD_ORDERS)
def test_a_bad_order_is_named_with_its_path_and_nothing_is_written(
    run: Run, url: str, file: Path, tmp_path: Path, orders: list[Any], cause: str
) -> None:
    result = run("demo", "--db", url, "--orders", str(json_file(tmp_path, *orders)))
    assert result.exit_code == 2
    assert cause in result.stderr
    assert "Traceback" not in result.output
    assert not file.exists()


BAD_FILES: dict[str, tuple[str, bytes, str]] = {
    "empty csv": ("orders.csv", b"", "The file is empty."),
    "blank csv": ("orders.csv", b" \n\n", "The file is empty."),
    "only a header": ("orders.csv", HEADER.encode(), "The file holds no orders."),
    "missing column": ("orders.csv", HEADER.replace("Quantity,", "").encode(), "The column Quantity is missing."),
    "unknown column": ("orders.csv", b"Note," + HEADER.encode(), "The column “Note” is not known"),
    "column twice": ("orders.csv", b"Country," + HEADER.encode(), "A column stands twice"),
    "workbook": ("orders.csv", b"PK\x03\x04\x14", "The file is a workbook of Excel (.xlsx)"),
    "utf-16": ("orders.csv", (HEADER + GOOD_ROW).encode("utf-16"), "The file is in UTF-16"),
    "no windows": ("orders.csv", HEADER.encode() + b"1,\x81", "Line 2 has a byte 0x81 that Windows-1252 does not have"),
    "no utf-8": (
        "orders.csv",
        b"\xef\xbb\xbf" + HEADER.encode() + b"1,\xe9,",
        "Line 2 has a byte 0xE9 that UTF-8 does",
    ),
    "no text": ("orders.csv", HEADER.encode() + b"1,\x00", "Line 2 has a byte 0x00"),
    "no names": ("orders.csv", b"hello\nyou\n", "The first line is no line of column names."),
    "other names": (
        "orders.csv",
        HEADER.replace("Quantity", "Aantal").encode(),
        "Quantity is missing. If they have other",
    ),
    "open quote": ("orders.csv", (HEADER + '1,"').encode(), "Line 2 cannot be read as CSV"),
    "empty json": ("orders.json", b"", "The file is empty."),
    "no orders": ("orders.json", b"[]", "The file holds no orders."),
    "no list": ("orders.json", b"{}", "The file holds no list of orders"),
    "not json": ("orders.json", b'[{"id": }]', "The file is not JSON: line 1, column 9"),
    "json in latin-1": ("orders.json", '[{"id": "é"}]'.encode("latin-1"), "The file is not in UTF-8 (byte 9)"),
    "key twice": ("orders.json", b'[{"id": "1", "id": "2"}]', "One object has the key “id” twice."),
    "nan": ("orders.json", b'[{"id": NaN}]', "NaN is not a number in JSON."),
    "deep": ("orders.json", b"[" * 100_000, "a nesting that is too large"),
    "long number": ("orders.json", b"[" + b"9" * 5000 + b"]", "a number or a nesting that is too large"),
    "excel": ("orders.xlsx", b"PK", "Orders are read from a file that ends in .json or .csv."),
    "no extension": ("orders", b"[]", "Orders are read from a file that ends in .json or .csv."),
}


@pytest.mark.parametrize("name, data, cause", BAD_FILES.values(), ids=BAD_FILES)
@pytest.mark.parametrize("skip", [[], ["--skip-bad"]], ids=["strict", "skip-bad"])
def test_a_file_that_is_no_orders_file_is_said_and_nothing_is_written(
    run: Run, url: str, file: Path, tmp_path: Path, name: str, data: bytes, cause: str, skip: list[str]
) -> None:
    path = tmp_path / name
    path.write_bytes(data)
    result = run("demo", "--db", url, "--orders", str(path), *skip)
    assert result.exit_code == 2
    assert str(path) in result.stderr
    assert cause in result.stderr
    assert not file.exists()


@pytest.mark.parametrize("name", ["missing.json", "folder.csv"])
def test_a_file_that_cannot_be_opened_is_said(run: Run, tmp_path: Path, name: str) -> None:
    (tmp_path / "folder.csv").mkdir()
    result = run("demo", "--orders", str(tmp_path / name))
    assert result.exit_code == 2
    assert "There is no such file." in result.stderr or "The file cannot be opened" in result.stderr


def test_all_faults_are_said_at_once(run: Run, tmp_path: Path) -> None:
    path = csv_file(tmp_path, a_row(Quantity="0", UnitPrice="x"), GOOD_ROW, a_row(InvoiceNo="2", InvoiceDate="x"))
    faults = [str(fault.sentence) for fault in read_orders(path).faults]
    assert [fault.partition(": ")[0] for fault in faults] == ["line 2, order 536365"] * 2 + ["line 4, order 2"]
    bad = an_order(id=" ", lines=[a_json_line(ordered=0, paid={"gross": 1}), a_json_line(kind="x")], currency="?")
    result = run("demo", "--orders", str(json_file(tmp_path, bad, {}, 1)))
    for place in (
        "[0].id",
        "[0].currency",
        "[0].lines[0].ordered",
        "[0].lines[0].paid.gross",
        "[0].lines[1].id",
        "[0].lines[1].kind",
        "[1].id",
        "[1].currency",
        "[1].lines",
        "[2]",
    ):
        assert f"\n{place}" in result.stderr, place


def test_in_dutch_the_faults_are_in_dutch(run: Run, tmp_path: Path) -> None:
    result = run("demo", "--lang", "nl", "--orders", str(csv_file(tmp_path, a_row(Quantity="0"))))
    assert "regel 2, bestelling 536365: Quantity: 0 is niet meer dan nul" in result.stderr


# --- leaving the bad ones out ---------------------------------------------------------------------------


def test_skip_bad_runs_the_good_orders_and_lists_the_others(run: Run, url: str, tmp_path: Path) -> None:
    path = csv_file(tmp_path, GOOD_ROW, a_row(InvoiceNo="2", Quantity="0"), a_row(InvoiceNo="3"))
    result = run("demo", "--db", url, "--orders", str(path), "--skip-bad")
    assert result.exit_code == 0
    assert "1 order is left out:" in result.stdout
    assert "line 3, order 2: Quantity: 0 is not above zero" in result.stdout
    assert "Order 536365" in result.stdout
    assert "Order 3" in result.stdout
    assert "Order 2 " not in result.stdout


def test_skip_bad_with_no_good_order_left_is_bad_input(run: Run, url: str, file: Path, tmp_path: Path) -> None:
    path = csv_file(tmp_path, a_row(Quantity="0"))
    result = run("demo", "--db", url, "--orders", str(path), "--skip-bad")
    assert result.exit_code == 2
    assert "No order in the file can be used." in result.stderr
    assert not file.exists()


def test_of_two_orders_with_one_id_the_first_is_used(tmp_path: Path) -> None:
    read = read_orders(json_file(tmp_path, an_order(customer="first"), an_order(customer="second")))
    assert [order.customer for order in read.orders] == ["first"]
    assert read.bad_orders == 1


def test_the_readers_error_is_one_of_ours(tmp_path: Path) -> None:
    with pytest.raises(InvalidOrdersFile, match="There is no such file"):
        read_orders(tmp_path / "nothing.json")


# --- the page that describes it -------------------------------------------------------------------------

PAGE = Path(__file__).parents[2] / "docs/orders-file.md"


@pytest.mark.parametrize("kind", ["json", "csv"])
def test_the_example_on_the_page_can_be_read(tmp_path: Path, kind: str) -> None:
    example, *_ = re.findall(rf"^```{kind}\n(.*?)^```$", PAGE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    path = tmp_path / f"orders.{kind}"
    path.write_text(example, encoding="utf-8")
    read = read_orders(path)
    assert len(read.orders) == 1
    assert read.faults == ()


def test_the_page_names_every_key() -> None:
    named = set(re.findall(r"`(\w+)`", PAGE.read_text(encoding="utf-8")))
    kinds = (Order, OrderLine, Paid, TaxPart, Payment, BankAccount, Delivery)
    fields = {field.name for kind in kinds for field in attrs.fields(kind)}
    assert fields - {"measure", "unknown"} <= named  # which come of what is odd


def test_the_page_names_every_stock_code_that_is_a_service() -> None:
    [words] = re.findall(r"- The stock codes (.*?) are services", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    assert set(re.split(r", | and ", re.sub(r" \(.*?\)", "", words.replace("\n  ", " ")))) == SERVICES


# --- whatever is in it ----------------------------------------------------------------------------------


@given(data=st.binary(max_size=400) | st.text(max_size=200).map(str.encode), kind=st.sampled_from(["json", "csv"]))
def test_no_bytes_at_all_make_the_reader_fail_otherwise(
    tmp_path_factory: pytest.TempPathFactory, data: bytes, kind: str
) -> None:
    path = tmp_path_factory.getbasetemp() / f"any.{kind}"
    path.write_bytes(HEADER.encode() * (kind == "csv") + data)
    with suppress(InvalidOrdersFile):
        read_orders(path)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)


@given(data=st.data())
def test_no_value_in_an_order_makes_the_reader_fail_otherwise(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    order = an_order(placed_at="2026-11-16T09:12:00Z", delivery={"paid": {"gross": "1", "taxes": []}})
    spot: Any = order
    while True:
        keys = list(spot) if isinstance(spot, dict) else list(range(len(spot)))
        key = data.draw(st.sampled_from(keys))
        if not isinstance(spot[key], dict | list) or not spot[key] or data.draw(st.booleans()):
            break
        spot = spot[key]
    spot[key] = data.draw(JSON)
    path = tmp_path_factory.getbasetemp() / "any-order.json"
    path.write_text(json.dumps([order]), encoding="utf-8")
    with suppress(InvalidOrdersFile):
        read = read_orders(path)
        assert len(read.orders) == 1 - read.bad_orders


# --- as shops have them ---------------------------------------------------------------------------------


DUTCH_HEADER = HEADER.replace(",", ";")
DUTCH_ROW = "1001;TP;Theepot rosé;2;23-11-26 10:15;3,75;7;Nederland\n"


def a_file(tmp_path: Path, words: str, encoding: str) -> Path:
    path = tmp_path / "orders.csv"
    path.write_bytes(words.encode(encoding))
    return path


@pytest.mark.parametrize("encoding", ["cp1252", "utf-8", "utf-8-sig"])
@pytest.mark.parametrize("separator", [";", "\t"])
def test_what_a_dutch_excel_saves_is_the_same_order_as_in_english(
    tmp_path: Path, encoding: str, separator: str
) -> None:
    dutch = a_file(tmp_path, (DUTCH_HEADER + DUTCH_ROW).replace(";", separator), encoding)
    [order] = read_orders(dutch).orders
    in_english = (HEADER + DUTCH_ROW.replace(",", ".").replace(";", ",")).encode("latin-1")
    (tmp_path / "english.csv").write_bytes(in_english)
    assert order == read_orders(tmp_path / "english.csv").orders[0]
    assert (order.lines[0].name, order.paid) == ("Theepot rosé", Money.of("7.50", "GBP"))


def test_a_dutch_file_runs_at_the_terminal(run: Run, tmp_path: Path) -> None:
    result = run("demo", "--lang", "en", "--orders", str(a_file(tmp_path, DUTCH_HEADER + DUTCH_ROW, "cp1252")))
    assert (result.exit_code, result.stderr) == (0, "")


@pytest.mark.parametrize("encoding", ["cp1252", "utf-8"])
def test_a_euro_sign_in_a_name_is_kept(tmp_path: Path, encoding: str) -> None:
    [order] = read_orders(a_file(tmp_path, HEADER + a_row(Description="Bon € 5"), encoding)).orders
    assert order.lines[0].name == "Bon € 5"


def test_a_line_separator_within_a_name_ends_no_row(tmp_path: Path) -> None:
    [order] = read_orders(a_file(tmp_path, HEADER + a_row(Description="A\u2028B"), "utf-8")).orders
    assert order.lines[0].name == "A\u2028B"


def test_the_line_in_which_excel_says_its_separator_is_heeded_and_counted(tmp_path: Path) -> None:
    bad = DUTCH_ROW.replace("1001", "1002").replace(";2;", ";0;")
    read = read_orders(a_file(tmp_path, "sep=;\n" + DUTCH_HEADER + DUTCH_ROW + bad, "utf-8-sig"))
    assert [order.id for order in read.orders] == ["1001"]
    assert str(read.faults[0].sentence).startswith("line 4, order 1002: Quantity")


@pytest.mark.parametrize(
    "separator, quantity, price, cause",
    [
        (";", "2", "1.234,56", "UnitPrice: “1.234,56” has a point in a file that writes decimals with a comma"),
        (";", "1.500", "3,75", "Quantity: “1.500” has a point in a file"),
        (";", "1.500", "4", "Quantity: “1.500” has a point in a file"),
        (";", "2", "3,75,1", "is not an amount"),
        (",", "2", '"3,75"', "“3,75” is not an amount; write a number with a point"),
    ],
)
def test_a_number_that_could_be_another_is_named_and_not_guessed(
    tmp_path: Path, separator: str, quantity: str, price: str, cause: str
) -> None:
    row = separator.join(["1001", "TP", "Theepot", quantity, "23-11-26 10:15", price, "7", "Nederland"])
    read = read_orders(a_file(tmp_path, HEADER.replace(",", separator) + row, "utf-8"))
    assert not read.orders
    assert cause in str(read.faults[0].sentence)


def test_semicolons_with_points_in_the_prices_are_read_with_points(tmp_path: Path) -> None:
    [order] = read_orders(a_file(tmp_path, DUTCH_HEADER + DUTCH_ROW.replace("3,75", "3.75"), "utf-8")).orders
    assert order.paid == Money.of("7.50", "GBP")


def test_a_year_in_full_is_the_same_day(tmp_path: Path) -> None:
    long, short = [
        read_orders(csv_file(tmp_path, a_row(InvoiceDate=date))).orders for date in ("01-12-2010 8:26", "01-12-10 8:26")
    ]
    assert long == short


EURO_HEADER = DUTCH_HEADER.replace("\n", ";Currency\n")


def in_currency(code: str, order_id: str = "1001") -> str:
    return DUTCH_ROW.replace("\n", f";{code}\n").replace("1001", order_id)


def test_a_shop_in_euros_says_so_in_a_column(tmp_path: Path) -> None:
    words = EURO_HEADER + in_currency("EUR") * 2 + in_currency("", "1002")
    euros, pounds = read_orders(a_file(tmp_path, words, "cp1252")).orders
    assert euros.paid == euros.captured == Money.of("15.00", "EUR")
    assert (euros.currency, pounds.paid) == ("EUR", Money.of("7.50", "GBP"))


@pytest.mark.parametrize(
    "rows, cause",
    [
        (["€"], "line 2, order 1001: Currency: “€” is no currency; write its code, as in EUR"),
        (["EUR", "USD"], "line 3, order 1001: Currency: USD is not that of the order's first row, EUR"),
    ],
)
def test_a_currency_that_cannot_be_is_named_and_the_order_is_bad(tmp_path: Path, rows: list[str], cause: str) -> None:
    read = read_orders(a_file(tmp_path, EURO_HEADER + "".join(map(in_currency, rows)), "cp1252"))
    assert ([str(fault.sentence) for fault in read.faults], read.orders) == ([cause], ())


OWN_NAMES = "Factuur;Kleur;Artikel;Aantal;Datum;Prijs, incl.\n1001;rood;TP;2;23-11-2026 10:15;3,75\n"
NAMED = 'InvoiceNo=Factuur,StockCode=Artikel, Quantity=Aantal,InvoiceDate=Datum,"UnitPrice=Prijs, incl."'


def test_columns_with_names_of_their_own_are_read_and_others_passed_over(run: Run, tmp_path: Path) -> None:
    path = a_file(tmp_path, OWN_NAMES, "utf-8")
    [order] = read_orders(path, columns=named_columns(NAMED)).orders
    assert (order.id, order.lines[0].product, order.paid) == ("1001", "TP", Money.of("7.50", "GBP"))
    result = run("demo", "--lang", "en", "--orders", str(path), "--columns", NAMED)
    assert result.exit_code == 0
    assert "--columns" in result.stdout, "the command that runs it again says the columns as well"


@pytest.mark.parametrize(
    "columns, cause",
    [
        ("InvoiceNo", "“InvoiceNo” is no pair"),
        ("", "is no pair"),
        ("Invoice=Factuur", "“Invoice” is no column of ours; those are InvoiceNo"),
        ("InvoiceNo=Factuur,InvoiceNo=Bon", "“InvoiceNo” is named twice"),
        ("InvoiceNo=Factuur,StockCode=Factuur", "“Factuur” is named twice"),
        (NAMED.replace("Aantal", "Stuks"), "The column Stuks is missing."),
        ("InvoiceNo=Factuur", "The columns StockCode, Quantity, InvoiceDate, UnitPrice are missing."),
    ],
)
def test_columns_that_cannot_be_found_are_named(run: Run, tmp_path: Path, columns: str, cause: str) -> None:
    path = a_file(tmp_path, OWN_NAMES, "utf-8")
    result = run("demo", "--lang", "en", "--orders", str(path), "--columns", columns)
    assert result.exit_code == 2
    assert cause in result.stderr


def test_columns_without_a_csv_file_are_refused(run: Run, tmp_path: Path) -> None:
    no_file = run("demo", "--lang", "en", "--columns", NAMED)
    no_csv = run("demo", "--lang", "en", "--orders", str(json_file(tmp_path, an_order())), "--columns", NAMED)
    assert "Name the file as well" in no_file.stderr
    assert "--columns is for a file that ends in .csv" in no_csv.stderr


BY_A_PLUGIN = "This is an export of orders by a plugin of WooCommerce."
OF_ANALYTICS = "This is the list of orders from WooCommerce's Analytics."

A_DOWNLOAD = """\
Date,"Order #","N. Revenue (formatted)",Status,Customer,"Customer type","Product(s)","Items sold","Coupon(s)",\
"Net Sales",Attribution
"2026-11-16 09:12:00",1001,"€44,95",completed,"J. Jansen",new,"2× Cup, 1× Teapot, red",3,,33.06,Direct
"2026-11-17 10:00:00",1002,"€0,00",refunded,,returning,,0,WELCOME10,0,
"""
"""As WooCommerce sends it by mail where the list is long."""

ON_THE_PAGE = """\
Date,Order #,Status,Customer,Customer type,Product(s),Items sold,Coupon(s),Net sales,Origin
2026-11-16 09:12:00,1001,completed,J. Jansen,new,"2× Cup, 1× Teapot",3,,33.06,Direct
"""

IN_DUTCH = """\
Datum,Bestelnr.,Status,Klant,Soort klant,Producten,Verkocht,Waardebonnen,Netto
2026-11-17 10:00:00,1002,refunded,,returning,,0,WELKOM10,0
2026-11-16 09:12:00,1001,completed,J. Jansen,new,"2× Kop, 1× Theepot",3,,33.06
"""
"""Whatever a translation calls its columns."""


@pytest.mark.parametrize(
    "content, sentence",
    [
        ("order_id,order_number,order_date,status,order_currency,line_item_1\n", BY_A_PLUGIN),
        ("Order Number,Order Status,Order Date,Item Name\n", BY_A_PLUGIN),
        (A_DOWNLOAD, OF_ANALYTICS),
        (A_DOWNLOAD.splitlines()[0] + "\n", OF_ANALYTICS),
        (ON_THE_PAGE, OF_ANALYTICS),
        (ON_THE_PAGE.replace(",", ";"), OF_ANALYTICS),
        (IN_DUTCH, OF_ANALYTICS),
    ],
)
def test_an_export_of_woocommerce_is_known_and_the_page_says_what_to_do(
    run: Run, tmp_path: Path, content: str, sentence: str
) -> None:
    result = run("demo", "--lang", "en", "--orders", str(a_file(tmp_path, content, "utf-8")))
    assert result.exit_code == 2
    assert sentence in result.stderr
    assert "“Orders of WooCommerce”" in result.stderr
    assert "\n## Orders of WooCommerce\n" in PAGE.read_text(encoding="utf-8")


def test_columns_that_are_missing_are_named_where_no_shop_wrote_the_file(run: Run, tmp_path: Path) -> None:
    own = "Datum,Bestelnr.,Producten\n2026-11-16,1001,2 × Kop\n"
    result = run("demo", "--lang", "en", "--orders", str(a_file(tmp_path, own, "utf-8")))
    assert "The columns InvoiceNo, StockCode" in result.stderr
    assert "WooCommerce" not in result.stderr


def test_the_dutch_example_on_the_page_is_the_english_one(tmp_path: Path) -> None:
    english, dutch = re.findall(r"^```csv\n(.*?)^```", PAGE.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)
    assert read_orders(a_file(tmp_path, dutch, "cp1252")) == read_orders(a_file(tmp_path, english, "cp1252"))
