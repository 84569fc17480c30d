"""The rows of a CSV file of orders, whichever program saved it: its characters, its separator, its column names."""

from __future__ import annotations

import codecs
import csv
import io
import re
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice

import attrs

from retour.cli.orders_faults import InvalidOrdersFile, shortened, unusable
from retour.cli.words import text, texts
from retour.model.text import Text

COLUMNS = (
    *("InvoiceNo", "StockCode", "Description", "Quantity", "InvoiceDate", "UnitPrice", "CustomerID", "Country"),
    "Currency",
)
"""Those of the "Online Retail" data set, and one that it has not, since its shop sold in one currency."""

CAN_BE_LEFT_OUT = frozenset({"Description", "CustomerID", "Country", "Currency"})
"""The columns that a file with names of its own need not have."""

_NUMBERS = ("Quantity", "UnitPrice")


@attrs.frozen(kw_only=True)
class Records:
    """The ``rows`` of a file, each with the number of its first line, its values, and how many those are.

    A row with as many values as the file has columns (``width``) gives them in the order of `COLUMNS`, any other as
    they stand. ``decimal_comma``: whether the file writes 3,75 for what is 3.75.
    """

    rows: Iterable[tuple[int, list[str], int]]
    width: int
    decimal_comma: bool = False


def named_columns(given: str) -> Mapping[str, str]:
    """What ``--columns`` says: ``InvoiceNo=Factuur,UnitPrice=Prijs``. Raises `InvalidOrdersFile`.

    A name that holds a comma stands in double quotes with its pair: ``"UnitPrice=Prijs, incl."``.
    """
    named: dict[str, str] = {}
    try:
        [pairs] = csv.reader([given], strict=True, skipinitialspace=True)
    except (csv.Error, ValueError):
        pairs = [given]
    for pair in pairs or [given]:
        ours, equals, theirs = [part.strip() for part in pair.partition("=")]
        if not equals or not theirs:
            raise unusable(
                "--columns", text("{pair} is no pair; write one as UnitPrice=Prijs.", pair=shortened(pair.strip()))
            )
        if ours not in COLUMNS:
            raise unusable(
                "--columns",
                text("{column} is no column of ours; those are {columns}.", column=shortened(ours), columns=COLUMNS),
            )
        if ours in named or theirs in named.values():
            raise unusable(
                "--columns", text("{column} is named twice.", column=shortened(ours if ours in named else theirs))
            )
        named[ours] = theirs
    return named


@attrs.frozen(kw_only=True)
class CsvTable:
    """A file as it stands: its column names, and its ``rows`` as they are read, each with the number of its first
    line."""

    header: list[str]
    rows: Iterator[tuple[int, list[str]]]
    separator: str


def read_table(name: str, data: bytes) -> CsvTable:
    """A CSV file, whatever its columns are; raises `InvalidOrdersFile` for what is none."""
    lines = list(io.StringIO(_decoded(name, data), newline=""))
    separator, skipped = _separator(lines)
    rows = _rows(name, lines[skipped:], separator, skipped)
    header = [field.strip() for field in next(rows, (0, []))[1]]
    return CsvTable(header=header, rows=rows, separator=separator)


def read_records(name: str, table: CsvTable, columns: Mapping[str, str]) -> Records:
    """The rows of a file, whose columns are called as ``columns`` says; raises `InvalidOrdersFile`."""
    header = table.header
    ordered = _ordered(table.rows, _positions(name, table, columns), len(header))
    if table.separator == ",":
        return Records(rows=ordered, width=len(header))
    kept = list(ordered)
    return Records(rows=kept, width=len(header), decimal_comma=_decimal_comma(kept, len(header)))


# --- its characters --------------------------------------------------------------------------------------


def _decoded(name: str, data: bytes) -> str:
    """The text of the file: UTF-8 where it is that, else Windows-1252, which has all of latin-1 and the euro sign."""
    if not data.strip():
        raise unusable(name, text("The file is empty."))
    if data.startswith(b"PK\x03\x04"):
        raise unusable(name, text("The file is a workbook of Excel (.xlsx) or a ZIP file; save it as “CSV UTF-8”."))
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        raise unusable(name, text("The file is in UTF-16; save it as “CSV UTF-8”."))
    strange = _CONTROL.search(data)
    if strange is None:
        try:
            return data.removeprefix(codecs.BOM_UTF8).decode()
        except UnicodeDecodeError as error:
            if data.startswith(codecs.BOM_UTF8):
                raise _not_in(name, data, error.start + len(codecs.BOM_UTF8), "UTF-8") from None
        strange = _NOT_WINDOWS_1252.search(data)
    if strange is not None:
        raise _not_in(name, data, strange.start(), "Windows-1252")
    return data.decode("cp1252")


_CONTROL = re.compile(rb"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_NOT_WINDOWS_1252 = re.compile(rb"[\x81\x8d\x8f\x90\x9d]")


def _not_in(name: str, data: bytes, place: int, encoding: str) -> InvalidOrdersFile:
    return unusable(
        name,
        text(
            "Line {line} has a byte {byte} that {encoding} does not have; save it as “CSV UTF-8”.",
            line=data.count(b"\n", 0, place) + 1,
            byte=f"0x{data[place]:02X}",
            encoding=encoding,
        ),
    )


# --- its rows --------------------------------------------------------------------------------------------


def _separator(lines: list[str]) -> tuple[str, int]:
    """What stands between the values, and how many lines come before the column names.

    Excel takes it from the region of the computer, a semicolon in Dutch, and writes it in a line ``sep=;`` at times.
    """
    for number, line in enumerate(lines):
        told = _TOLD.fullmatch(line.strip())
        if told is not None:
            return told[1], number + 1
        if line.strip():
            unquoted = re.sub('"[^"]*"', "", line)
            return max(",;\t", key=unquoted.count), 0
    return ",", 0


_TOLD = re.compile(r"sep=([,;\t])", re.IGNORECASE)


def _rows(name: str, lines: list[str], separator: str, skipped: int) -> Iterator[tuple[int, list[str]]]:
    """Each row that is not blank, with the number of its first line in the file."""
    reader = csv.reader(lines, strict=True, delimiter=separator)
    begins = skipped + 1
    try:
        for fields in reader:
            line, begins = begins, skipped + reader.line_num + 1
            if fields:
                yield line, fields
    except csv.Error as error:
        raise unusable(
            name, text("Line {line} cannot be read as CSV: {error}.", line=begins, error=str(error))
        ) from None


def _ordered(
    rows: Iterator[tuple[int, list[str]]], positions: list[int], width: int
) -> Iterator[tuple[int, list[str], int]]:
    """The rows with their values in our order; one that is left out is empty."""
    for line, fields in rows:
        found = len(fields)
        if found == width:
            fields.append("")
            fields = [fields[position] for position in positions]
        yield line, fields, found


def _decimal_comma(rows: list[tuple[int, list[str], int]], width: int) -> bool:
    """Whether a file that has no comma between its values has one in its numbers: if one of them has, all do."""
    places = [COLUMNS.index(column) for column in _NUMBERS]
    numbers = [[fields[place] for place in places] for _, fields, found in rows if found == width]
    if any("," in number for row in numbers for number in row):
        return True
    return not any("." in price for _, price in numbers)  # 1.500 units alone are no fifteen hundred, nor one and a half


# --- its columns -----------------------------------------------------------------------------------------


def _positions(name: str, table: CsvTable, columns: Mapping[str, str]) -> list[int]:
    """Where each of our columns stands; past the end for one that is left out."""
    header = table.header
    called = {column: columns.get(column, column) for column in COLUMNS}
    missing = [
        theirs
        for ours, theirs in called.items()
        if theirs not in header and (ours in columns or ours not in (CAN_BE_LEFT_OUT if columns else {"Currency"}))
    ]
    if missing:
        raise unusable(name, _export_of_a_shop(table) or _missing(missing, header))
    unknown = [shortened(column) for column in header if column not in called.values()]
    if unknown and not columns:
        raise unusable(
            name,
            texts(
                "The column {columns} is not known; leave it out.",
                "The columns {columns} are not known; leave them out.",
                len(unknown),
                columns=unknown,
            ),
        )
    if any(header.count(theirs) > 1 for theirs in called.values()):
        raise unusable(name, text("A column stands twice in the first line."))
    return [header.index(theirs) if theirs in header else len(header) for theirs in called.values()]


def _missing(missing: list[str], header: list[str]) -> Text:
    cause = texts(
        "The column {columns} is missing.", "The columns {columns} are missing.", len(missing), columns=missing
    )
    if len(header) < 2:
        return text("{cause} The first line is no line of column names.", cause=cause)
    return text("{cause} If they have other names there, say which: --columns OURS=THEIRS,….", cause=cause)


_BY_PLUGINS = (
    {"order_id", "order_number", "order_currency"},
    {"Order Number", "Order Status", "Order Date"},
)
"""Columns of the two plugins that many use to export WooCommerce's orders:
https://woocommerce.com/document/import-and-export-of-woocommerce-orders/ and
https://wordpress.org/plugins/woo-order-export-lite/."""

_OF_ANALYTICS = {"Order #", "Product(s)", "Coupon(s)"}
"""Columns of WooCommerce's own list, on a site in English: woocommerce/woocommerce on GitHub,
``src/Admin/API/Reports/Orders/Controller.php`` (``get_export_columns``); the page itself writes the same."""

_PRODUCTS = re.compile("[0-9]+× .+")
"""What stands there under products, in one cell: ``2× Cup, 1× Pot``. So the list is known whatever language its columns
are in."""

_LOOKED_AT = 20
"""Rows of a file in which that is looked for: an order without products is none to know it by."""


def _export_of_a_shop(table: CsvTable) -> Text | None:
    """What to do with a file that a shop's own software wrote, where its columns say so."""
    names = set(table.header)
    if any(names >= known for known in _BY_PLUGINS):
        return text(
            "This is an export of orders by a plugin of WooCommerce. What was paid for each product, with tax and "
            "after discounts, has no column of its own; docs/orders-file.md, “Orders of WooCommerce”, says how to save "
            "the orders instead."
        )
    if names >= _OF_ANALYTICS or _has_products_in_a_cell(table.rows):
        return text(
            "This is the list of orders from WooCommerce's Analytics. It has the total of an order, and not what was "
            "paid for each product; docs/orders-file.md, “Orders of WooCommerce”, says how to save the orders instead."
        )
    return None


def _has_products_in_a_cell(rows: Iterator[tuple[int, list[str]]]) -> bool:
    return any(_PRODUCTS.fullmatch(field.strip()) for _, fields in islice(rows, _LOOKED_AT) for field in fields)
