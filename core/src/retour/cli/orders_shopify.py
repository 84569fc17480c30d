"""Orders from Shopify's own export (Orders, Export): a row for each line, what is of the order in the first of them.

Its columns: https://help.shopify.com/en/manual/fulfillment/managing-orders/exporting-orders. A discount over the order
stands there as one amount, so it is one here; and what the file does not say is said, or makes its order bad.
"""

from __future__ import annotations

import datetime
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal

from retour.cli.orders_faults import OrdersFault, OrdersRead, Wrong, amount, shortened, units, unusable
from retour.cli.orders_records import CsvTable
from retour.cli.words import text, texts
from retour.model.errors import RetourError
from retour.model.money import Money, is_currency, total
from retour.model.order import Delivery, LineKind, Order, OrderLine, Paid, Payment
from retour.model.text import Text

RECOGNISED = frozenset({"Financial Status", "Lineitem name", "Lineitem quantity"})
"""Columns by which the file is known."""

_NEEDED = (
    *("Name", "Financial Status", "Currency", "Subtotal", "Shipping", "Total", "Created at"),
    *("Lineitem quantity", "Lineitem name", "Lineitem price"),
)

_CAPTURED = frozenset({"paid", "partially_refunded", "refunded"})
"""Financial states in which all of the order was received."""

_NOT_CAPTURED = frozenset({"pending", "authorized", "voided", "expired", "unpaid"})

_Row = Mapping[str, str]
_Note = Callable[[int], Text]
"""What is said of so many orders."""


def read_shopify(name: str, table: CsvTable) -> OrdersRead:
    """The orders of the file. A row with a fault makes its whole order bad, and one that was cancelled is left out.
    Raises `InvalidOrdersFile` where a column is missing."""
    missing = [column for column in _NEEDED if column not in table.header]
    if missing:
        raise unusable(
            name,
            texts(
                "This is an export of orders by Shopify, without its column {columns}. Export the orders again.",
                "This is an export of orders by Shopify, without its columns {columns}. Export the orders again.",
                len(missing),
                columns=missing,
            ),
        )
    orders: list[Order] = []
    faults: list[OrdersFault] = []
    noted = Counter[_Note]()
    for order_id, rows in _by_order(table).items():
        line, fields = rows[0]
        if len(fields) == len(table.header) and _named(table, fields).get("Cancelled at"):
            noted[_cancelled] += 1
            continue
        try:
            order, of_it = _order(order_id, [(one, _whole(table, found, one)) for one, found in rows])
        except _Bad as fault:
            line = fault.line or line
            faults.append(_fault(line, order_id, fault.cause))
        except RetourError as error:  # what no order can have
            faults.append(_fault(line, order_id, error.message))
        else:
            orders.append(order)
            noted.update(of_it)
    notes = [note(noted[note]) for note in (_cancelled, _over_the_order, _sent_in_part) if noted[note]]
    if any(order.payments for order in orders):
        notes.append(_PAYMENTS)
    return OrdersRead(orders=tuple(orders), faults=tuple(faults), bad_orders=len(faults), notes=tuple(notes))


class _Bad(Exception):
    """Why an order cannot be used, and the line of the file, 0 for that of the order."""

    def __init__(self, cause: Text, line: int = 0) -> None:
        super().__init__(str(cause))
        self.cause, self.line = cause, line


def _by_order(table: CsvTable) -> Mapping[str, Sequence[tuple[int, list[str]]]]:
    """The rows of each order, which stand below each other, with their lines of the file."""
    place = table.header.index("Name")
    found: dict[str, list[tuple[int, list[str]]]] = {}
    for line, fields in table.rows:
        order_id = fields[place].strip() if place < len(fields) else ""
        found.setdefault(order_id, []).append((line, fields))
    return found


def _whole(table: CsvTable, fields: Sequence[str], line: int) -> _Row:
    if len(fields) != len(table.header):
        raise _Bad(
            text("the row has {number} values, not {wanted}", number=len(fields), wanted=len(table.header)), line
        )
    return _named(table, fields)


def _named(table: CsvTable, fields: Sequence[str]) -> _Row:
    return dict(zip(table.header, [field.strip() for field in fields], strict=True))


def _fault(line: int, order_id: str, cause: Text) -> OrdersFault:
    shown = order_id if order_id.isprintable() else ascii(order_id)
    return OrdersFault(where=text("line {line}", line=line), order_id=shown, cause=cause)


# --- what is of the order ---------------------------------------------------------------------------------


def _order(order_id: str, rows: Sequence[tuple[int, _Row]]) -> tuple[Order, list[_Note]]:
    """An order, and what has to be said of it. Raises `_Bad`."""
    first, notes = rows[0][1], list[_Note]()
    currency = first["Currency"]
    if not order_id:
        raise _Bad(text("{column} is empty", column="Name"))
    if not is_currency(currency):
        raise _Bad(text("Currency: {code} is no currency; write its code, as in EUR", code=shortened(currency)))
    paid = {column: _amount(first, column, currency) for column in ("Subtotal", "Shipping", "Total")}
    _check_total(first, paid)
    lines = [_line(f"line-{number}", row, line, currency) for number, (line, row) in enumerate(rows, start=1)]
    if any(row.get("Lineitem fulfillment status") == "partial" for _, row in rows):
        notes.append(_sent_in_part)
    rest = total([line.paid.gross for line in lines], currency) - paid["Subtotal"]
    if rest.minor < 0:
        raise _Bad(
            text("its lines cost {sum} less than its Subtotal says", sum=Money(minor=-rest.minor, currency=currency))
        )
    if rest:
        notes.append(_over_the_order)
        lines.append(_discount(first.get("Discount Code", ""), rest))
    return (
        Order(
            id=order_id,
            currency=currency,
            lines=lines,
            payments=_payments(order_id, first, paid["Total"]),
            delivery=_delivery(order_id, first, paid["Shipping"]),
            placed_at=_moment(first, "Created at"),
        ),
        notes,
    )


def _check_total(first: _Row, paid: Mapping[str, Money]) -> None:
    """Raise `_Bad` where the file cannot say what was paid for each line: for taxes on top of the prices, for money
    that went back already, and where its sums do not add up."""
    currency = paid["Total"].currency
    refunded = _amount(first, "Refunded Amount", currency)
    if refunded:
        raise _Bad(
            text("{amount} was refunded in Shopify already, and the file does not say for which lines", amount=refunded)
        )
    priced = paid["Subtotal"] + paid["Shipping"] + _amount(first, "Duties", currency)
    taxes = _amount(first, "Taxes", currency)
    if priced == paid["Total"]:
        return
    if priced + taxes == paid["Total"]:
        raise _Bad(
            text("{amount} of taxes came on top of the prices, and the file does not say for which lines", amount=taxes)
        )
    raise _Bad(
        text("Subtotal and Shipping are {sum} together, and Total is {amount}", sum=priced, amount=paid["Total"])
    )


def _payments(order_id: str, first: _Row, whole: Money) -> Sequence[Payment]:
    """What was received, by the order's own number: Shopify's reference of a payment is none of its provider's."""
    status = first["Financial Status"]
    if status in _NOT_CAPTURED:
        return ()
    captured = whole
    if status == "partially_paid" and first.get("Outstanding Balance"):
        captured = whole - _amount(first, "Outstanding Balance", whole.currency)
    elif status not in _CAPTURED:
        raise _Bad(
            text(
                "{column}: {cause}",
                column="Financial Status",
                cause=text("{value} is not known", value=shortened(status)),
            )
        )
    if captured.minor <= 0:
        return ()
    paid_at = _moment(first, "Paid at") if first.get("Paid at") else None
    method = first.get("Payment Method", "")
    return [Payment(provider="manual_transfer", method=method, reference=order_id, captured=captured, paid_at=paid_at)]


def _delivery(order_id: str, first: _Row, paid: Money) -> Delivery:
    return Delivery(
        paid=Paid(gross=paid),
        number=order_id,
        postal_code=first.get("Shipping Zip", "").lstrip("'"),  # which keeps a spreadsheet from reading a number
        country=first.get("Shipping Country", ""),
    )


def _discount(code: str, rest: Money) -> OrderLine:
    """What the lines cost more than the order did, over all of its goods."""
    return OrderLine(
        id="discount",
        product="discount",
        name=code or "Discount",
        ordered=1,
        fulfilled=1,
        paid=Paid(gross=Money(minor=-rest.minor, currency=rest.currency)),
        kind=LineKind.DISCOUNT,
    )


# --- what is of a line ------------------------------------------------------------------------------------


def _line(line_id: str, row: _Row, line: int, currency: str) -> OrderLine:
    try:
        number = _units(row)
        price = _amount(row, "Lineitem price", currency)
        less = _amount(row, "Lineitem discount", currency)
    except _Bad as fault:
        raise _Bad(fault.cause, line) from None
    status = row.get("Lineitem fulfillment status", "")
    name = row["Lineitem name"]
    return OrderLine(
        id=line_id,
        product=row.get("Lineitem sku") or name or line_id,
        name=name,
        ordered=number,
        fulfilled=number if status in ("fulfilled", "partial") else 0,
        paid=Paid(gross=Money(minor=price.minor * number - less.minor, currency=currency)),
        kind=LineKind.SERVICE if row.get("Lineitem requires shipping") == "false" else LineKind.GOODS,
    )


def _units(row: _Row) -> int:
    given = row["Lineitem quantity"]
    try:
        if not (given.isascii() and given.isdigit() and len(given) < 19):
            raise Wrong(text("{quantity} is not a number", quantity=shortened(given)))
        return units(int(given))
    except Wrong as wrong:
        raise _Bad(text("{column}: {cause}", column="Lineitem quantity", cause=wrong.cause)) from None


def _amount(row: _Row, column: str, currency: str) -> Money:
    """The amount in a column; zero where it is empty or not there."""
    given = row.get(column, "")
    if not given:
        return Money.zero(currency)
    words = given.replace(",", ".") if "." not in given else given
    try:
        return amount(words if Decimal(words) else "0", currency)
    except ArithmeticError:
        pass
    except Wrong as wrong:
        raise _Bad(text("{column}: {cause}", column=column, cause=wrong.cause)) from None
    cause = text("{amount} is not an amount; write a number with a point, as in 44.95", amount=shortened(given))
    raise _Bad(text("{column}: {cause}", column=column, cause=cause))


def _moment(row: _Row, column: str) -> datetime.datetime:
    given = row[column]
    try:
        return datetime.datetime.strptime(given, "%Y-%m-%d %H:%M:%S %z")
    except ValueError:
        cause = text("{date} is not a day and time as Shopify writes them", date=shortened(given))
        raise _Bad(text("{column}: {cause}", column=column, cause=cause)) from None


# --- what the file does not say ---------------------------------------------------------------------------


def _cancelled(count: int) -> Text:
    return texts(
        "{count} order was cancelled in Shopify, and is left out.",
        "{count} orders were cancelled in Shopify, and are left out.",
        count,
    )


def _over_the_order(count: int) -> Text:
    return texts(
        "{count} order has a discount of which Shopify does not say for which lines it was: it is taken as over all "
        "of them, by what they cost.",
        "{count} orders have a discount of which Shopify does not say for which lines it was: it is taken as over all "
        "of them, by what they cost.",
        count,
    )


def _sent_in_part(count: int) -> Text:
    return texts(
        "{count} order has a line that was sent in part, and Shopify does not say how much of it: all of it is taken "
        "as sent.",
        "{count} orders have a line that was sent in part, and Shopify does not say how much of it: all of it is taken "
        "as sent.",
        count,
    )


_PAYMENTS = text(
    "Shopify does not say what a payment is called at its provider, so its money goes back by bank transfer here."
)
