"""Orders from a CSV file in the columns of the public "Online Retail" data set."""

from __future__ import annotations

import csv
import datetime
import re
from collections.abc import Iterator
from decimal import ROUND_HALF_UP, Decimal
from functools import lru_cache
from zoneinfo import ZoneInfo

from retour.cli.orders_faults import OrdersFault, OrdersRead, Wrong, amount, shortened, units, unusable
from retour.cli.words import text, texts
from retour.model.frozen import frozen
from retour.model.money import Money, total
from retour.model.order import LineKind, Order, OrderLine, Paid, Payment
from retour.model.text import Text

COLUMNS = ("InvoiceNo", "StockCode", "Description", "Quantity", "InvoiceDate", "UnitPrice", "CustomerID", "Country")

CURRENCY = "GBP"
"""The file names no currency: the shop of the data set sold in pounds."""

SERVICES = frozenset({"POST", "DOT", "C2", "D", "M", "B", "S", "BANK CHARGES", "AMAZONFEE", "CRUK"})
"""Stock codes that are no goods: postage, carriage, discount, manual, bad debt, samples, fees, charity."""


@frozen(kw_only=True)
class _Row:
    """One good row: one order line."""

    product: str
    name: str
    units: Decimal
    price: Money
    at: datetime.datetime
    customer: str


def read_csv(name: str, data: bytes, zone: ZoneInfo) -> OrdersRead:
    """The orders of a CSV file: one per InvoiceNo, paid by invoice. Times are of ``zone``.

    Documents that begin with C are cancellations: counted, no orders. A row with a fault makes its whole order bad.
    Raises `InvalidOrdersFile` when the file is no such CSV at all.
    """
    words = _decoded(name, data)
    rows: dict[str, list[_Row]] = {}
    bad: dict[str, None] = {}
    cancellations: set[str] = set()
    faults: list[OrdersFault] = []
    for line, fields in _records(name, words):
        order_id = fields[0].strip() if fields else ""
        if order_id.startswith("C"):
            cancellations.add(order_id)
            continue
        causes: list[Text] = []
        row = _row(fields, zone, causes)
        if row is not None:
            rows.setdefault(order_id, []).append(row)
        else:
            bad[order_id] = None
            where = text("line {line}", line=line)
            shown = order_id if order_id.isprintable() else ascii(order_id)
            faults += [OrdersFault(where=where, order_id=shown, cause=cause) for cause in causes]
    orders = [_order(order_id, lines) for order_id, lines in rows.items() if order_id not in bad]
    return OrdersRead(orders=tuple(orders), faults=tuple(faults), bad_orders=len(bad), cancellations=len(cancellations))


def _decoded(name: str, data: bytes) -> str:
    """The text of the file: latin-1, and nothing that only looks like it."""
    if not data.strip():
        raise unusable(name, text("The file is empty."))
    if data.startswith((b"\xff\xfe", b"\xfe\xff", b"\xef\xbb\xbf")) or _is_utf_8(data):
        raise unusable(name, text("The file is in Unicode; save it in latin-1 (ISO 8859-1)."))
    strange = _NOT_LATIN_1.search(data)
    if strange is not None:
        line = data.count(b"\n", 0, strange.start()) + 1
        byte = f"0x{strange[0][0]:02X}"
        raise unusable(
            name,
            text("Line {line} has a byte {byte} that latin-1 (ISO 8859-1) does not have.", line=line, byte=byte),
        )
    return data.decode("latin-1")


_NOT_LATIN_1 = re.compile(rb"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")


def _is_utf_8(data: bytes) -> bool:
    """Whether the bytes are more than ASCII and read as UTF-8, which hardly any latin-1 text does."""
    if data.isascii():
        return False
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True


def _records(name: str, words: str) -> Iterator[tuple[int, list[str]]]:
    """Each row with the number of its first line, its fields in the order of `COLUMNS`."""
    reader = csv.reader(words.splitlines(keepends=True), strict=True)
    begins = 1
    positions: list[int] | None = None
    try:
        for fields in reader:
            line, begins = begins, reader.line_num + 1
            if not fields:
                continue
            if positions is None:
                positions = _positions(name, [field.strip() for field in fields])
            elif len(fields) != len(COLUMNS):
                yield line, fields
            else:
                yield line, [fields[position] for position in positions]
    except csv.Error as error:
        raise unusable(
            name, text("Line {line} cannot be read as CSV: {error}.", line=begins, error=str(error))
        ) from None


def _positions(name: str, header: list[str]) -> list[int]:
    missing = [column for column in COLUMNS if column not in header]
    if missing:
        raise unusable(
            name,
            texts(
                "The column {columns} is missing.", "The columns {columns} are missing.", len(missing), columns=missing
            ),
        )
    unknown = [shortened(column) for column in header if column not in COLUMNS]
    if unknown:
        raise unusable(
            name,
            texts(
                "The column {columns} is not known; leave it out.",
                "The columns {columns} are not known; leave them out.",
                len(unknown),
                columns=unknown,
            ),
        )
    if len(header) != len(COLUMNS):
        raise unusable(name, text("A column stands twice in the first line."))
    return [header.index(column) for column in COLUMNS]


def _row(fields: list[str], zone: ZoneInfo, causes: list[Text]) -> _Row | None:
    """The row, or None with every cause why it cannot be used."""
    if len(fields) != len(COLUMNS):
        causes.append(text("the row has {number} values, not {wanted}", number=len(fields), wanted=len(COLUMNS)))
        return None
    number, code, description, quantity, date, price, customer, _ = [field.strip() for field in fields]
    if not number:
        causes.append(text("InvoiceNo is empty"))
    if not code:
        causes.append(text("StockCode is empty"))
    ordered = _units(quantity, causes)
    at = _moment(date, zone)
    if at is None:
        causes.append(
            text("InvoiceDate: {date} is not a day and time; write 01-12-10 8:26 (dd-mm-yy h:mm)", date=shortened(date))
        )
    paid = Money.zero(CURRENCY)
    try:
        paid = amount(price, CURRENCY, below_zero=True)
    except Wrong as wrong:
        causes.append(text("UnitPrice: {cause}", cause=wrong.cause))
    if causes or at is None:
        return None
    return _Row(product=code, name=description or code, units=ordered, price=paid, at=at, customer=customer)


def _units(quantity: str, causes: list[Text]) -> Decimal:
    """How many units a row says, below zero where it takes something off the order, and perhaps no whole number."""
    if _NUMBER.fullmatch(quantity) is None:
        causes.append(text("Quantity: {quantity} is not a number", quantity=shortened(quantity)))
        return Decimal(0)
    given = Decimal(quantity)
    try:
        units(abs(given))
    except Wrong as wrong:
        causes.append(text("Quantity: {cause}", cause=wrong.cause))
    return given


_NUMBER = re.compile(r"-?[0-9]{1,18}(\.[0-9]{1,6})?")


@lru_cache(maxsize=4096)
def _moment(date: str, zone: ZoneInfo) -> datetime.datetime | None:
    try:
        return datetime.datetime.strptime(date, "%d-%m-%y %H:%M").replace(tzinfo=zone)
    except ValueError:
        return None


def _order(order_id: str, rows: list[_Row]) -> Order:
    lines = tuple([_line(f"line-{number}", row) for number, row in enumerate(rows, start=1)])
    captured = total([line.paid.gross for line in lines], CURRENCY)
    received = max(captured, Money.zero(CURRENCY))
    payment = Payment(provider="manual_transfer", method="invoice", reference=order_id, captured=received)
    return Order(
        id=order_id,
        currency=CURRENCY,
        lines=lines,
        payments=(payment,) if captured.minor > 0 else (),
        placed_at=rows[0].at,
        customer=rows[0].customer,
    )


def _line(line_id: str, row: _Row) -> OrderLine:
    """A row as an order line. Goods of which fewer than none were sold are no units, and an amount below zero."""
    is_service = row.product.upper() in SERVICES
    sold = Decimal(0) if row.units < 0 and not is_service else abs(row.units)
    minor = int((row.price.minor * row.units).quantize(Decimal(1), rounding=ROUND_HALF_UP))
    return OrderLine(
        id=line_id,
        product=row.product,
        name=row.name,
        ordered=sold,
        fulfilled=sold,
        paid=Paid(gross=Money(minor=minor, currency=CURRENCY)),
        kind=LineKind.SERVICE if is_service else LineKind.GOODS,
    )
