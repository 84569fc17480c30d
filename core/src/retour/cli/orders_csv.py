"""Orders from a CSV file in the columns of the public "Online Retail" data set."""

from __future__ import annotations

import datetime
import re
from collections.abc import Mapping
from contextlib import suppress
from decimal import ROUND_HALF_UP, Decimal
from functools import lru_cache
from zoneinfo import ZoneInfo

from retour.cli.orders_faults import OrdersFault, OrdersRead, Wrong, amount, shortened, units
from retour.cli.orders_records import Records, read_records, read_table
from retour.cli.orders_shopify import RECOGNISED, read_shopify
from retour.cli.words import text
from retour.model.frozen import frozen
from retour.model.money import Money, is_currency, total
from retour.model.order import LineKind, Order, OrderLine, Paid, Payment
from retour.model.text import Text

CURRENCY = "GBP"
"""Of a file that names no currency: the shop of the data set sold in pounds."""

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


def read_csv(name: str, data: bytes, zone: ZoneInfo, columns: Mapping[str, str] | None = None) -> OrdersRead:
    """The orders of a CSV file: one per InvoiceNo, paid by invoice; or those of Shopify's export. Times are of
    ``zone``.

    ``columns`` says what the file calls our columns, each by ours; those that nobody named are then passed over.
    Documents that begin with C are cancellations: counted, no orders. A row with a fault makes its whole order bad.
    Raises `InvalidOrdersFile` when the file is no such CSV at all.
    """
    table = read_table(name, data)
    if not columns and RECOGNISED.issubset(table.header):
        return read_shopify(name, table)
    records = read_records(name, table, columns or {})
    rows: dict[str, list[_Row]] = {}
    bad: dict[str, None] = {}
    cancellations: set[str] = set()
    faults: list[OrdersFault] = []
    for line, fields, found in records.rows:
        order_id = fields[0].strip() if fields else ""
        if order_id.startswith("C"):
            cancellations.add(order_id)
            continue
        causes: list[Text] = []
        row = _row(fields, found, records, zone, causes)
        first = rows.get(order_id)
        if row is not None and first is not None and row.price.currency != first[0].price.currency:
            causes.append(_another_currency(row, first[0]))
            row = None
        if row is not None:
            rows.setdefault(order_id, []).append(row)
        else:
            bad[order_id] = None
            where = text("line {line}", line=line)
            shown = order_id if order_id.isprintable() else ascii(order_id)
            faults += [OrdersFault(where=where, order_id=shown, cause=cause) for cause in causes]
    orders = [_order(order_id, lines) for order_id, lines in rows.items() if order_id not in bad]
    return OrdersRead(orders=tuple(orders), faults=tuple(faults), bad_orders=len(bad), cancellations=len(cancellations))


def _row(fields: list[str], found: int, records: Records, zone: ZoneInfo, causes: list[Text]) -> _Row | None:
    """The row, or None with every cause why it cannot be used."""
    if found != records.width:
        causes.append(text("the row has {number} values, not {wanted}", number=found, wanted=records.width))
        return None
    number, code, description, quantity, date, price, customer, _, currency = [field.strip() for field in fields]
    if not number:
        causes.append(text("InvoiceNo is empty"))
    if not code:
        causes.append(text("StockCode is empty"))
    if records.decimal_comma:
        quantity, price = _with_point("Quantity", quantity, causes), _with_point("UnitPrice", price, causes)
        if causes:
            return None
    ordered = _units(quantity, causes)
    at = _moment(date, zone)
    if at is None:
        causes.append(
            text("InvoiceDate: {date} is not a day and time; write 01-12-10 8:26 (dd-mm-yy h:mm)", date=shortened(date))
        )
    paid = Money.zero(CURRENCY)
    if currency and not is_currency(currency):
        causes.append(text("Currency: {code} is no currency; write its code, as in EUR", code=shortened(currency)))
    else:
        try:
            paid = amount(price, currency or CURRENCY, below_zero=True)
        except Wrong as wrong:
            causes.append(text("UnitPrice: {cause}", cause=wrong.cause))
    if causes or at is None:
        return None
    return _Row(product=code, name=description or code, units=ordered, price=paid, at=at, customer=customer)


def _another_currency(row: _Row, first: _Row) -> Text:
    return text(
        "Currency: {currency} is not that of the order's first row, {first}",
        currency=row.price.currency,
        first=first.price.currency,
    )


def _with_point(column: str, number: str, causes: list[Text]) -> str:
    """A number of a file that writes decimals with a comma. One with a point could be a thousand times as much."""
    if "." in number:
        causes.append(
            text(
                "{column}: {number} has a point in a file that writes decimals with a comma; write 1234,56, with no "
                "point between thousands",
                column=column,
                number=shortened(number),
            )
        )
    return number.replace(",", ".", 1)


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
    for form in ("%d-%m-%y %H:%M", "%d-%m-%Y %H:%M"):
        with suppress(ValueError):
            return datetime.datetime.strptime(date, form).replace(tzinfo=zone)
    return None


def _order(order_id: str, rows: list[_Row]) -> Order:
    lines = tuple([_line(f"line-{number}", row) for number, row in enumerate(rows, start=1)])
    currency = rows[0].price.currency
    captured = total([line.paid.gross for line in lines], currency)
    received = max(captured, Money.zero(currency))
    payment = Payment(provider="manual_transfer", method="invoice", reference=order_id, captured=received)
    return Order(
        id=order_id,
        currency=currency,
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
        paid=Paid(gross=Money(minor=minor, currency=row.price.currency)),
        kind=LineKind.SERVICE if is_service else LineKind.GOODS,
    )
