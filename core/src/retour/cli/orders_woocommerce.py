"""Orders as WooCommerce's REST API gives them (``GET /wp-json/wc/v3/orders``), saved as they came.

Its fields: https://woocommerce.github.io/woocommerce-rest-api-docs/#order-properties. Amounts are after discounts and
without tax, which stands beside each. What the answer does not say is said, or makes its order bad.
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from decimal import Decimal
from typing import Any, TypeVar

from retour.cli.orders_faults import OrdersFault, OrdersRead, Wrong, amount, plain, shortened, units
from retour.cli.words import text, texts
from retour.model.errors import RetourError
from retour.model.money import Money, is_currency, total
from retour.model.order import Delivery, LineKind, Order, OrderLine, Paid, Payment
from retour.model.text import Text

_LEFT_OUT = ("cancelled", "failed", "trash", "auto-draft", "checkout-draft")
"""States in which nothing was bought."""

_SENT = ("completed", "refunded")
"""States in which everything was sent: WooCommerce knows no others of a parcel."""

_REFERENCES = {"mollie": r"(?:tr|ord)_[0-9A-Za-z]+", "stripe": r"(?:pi|ch|py)_[0-9A-Za-z]+"}
"""What the payments of a provider are called there, whichever plugin of WooCommerce took them."""

_OF_PAYPAL = re.compile(r"(?:ppcp|paypal)")
"""How the ways of paying begin whose ``transaction_id`` is a capture of PayPal."""

_Object = Mapping[str, Any]
_T = TypeVar("_T")
_R = TypeVar("_R")


def is_woocommerce(listed: Sequence[object]) -> bool:
    """Whether a list is of WooCommerce's orders."""
    return bool(listed) and all(isinstance(one, dict) and {"order_key", "line_items"} <= one.keys() for one in listed)


def read_woocommerce(listed: Sequence[Any]) -> OrdersRead:
    """The orders of the list. One with a fault is left out, as is one in which nothing was bought."""
    orders: list[Order] = []
    faults: list[OrdersFault] = []
    first: dict[str, int] = {}
    cancelled = 0
    for index, raw in enumerate(listed):
        number = str(raw.get("number", ""))
        if raw.get("status") in _LEFT_OUT:
            cancelled += 1
            continue
        try:
            order = _order(raw)
            with _at(".number"):
                other = first.setdefault(order.id, index)
                if other != index:
                    raise Wrong(text("is the id of order [{index}] as well", index=other))
        except _Misplaced as fault:
            faults.append(_fault(f"[{index}]{fault.path}", number, fault.cause))
        except RetourError as error:  # what no order can have
            faults.append(_fault(f"[{index}]", number, error.message))
        else:
            orders.append(order)
    return OrdersRead(
        orders=tuple(orders), faults=tuple(faults), bad_orders=len(faults), notes=_notes(orders, cancelled)
    )


def _fault(path: str, order_id: str, cause: Text) -> OrdersFault:
    shown = order_id if order_id.isprintable() else ascii(order_id)
    return OrdersFault(where=text("{path}", path=path), order_id=shown[:100], cause=cause)


# --- an order --------------------------------------------------------------------------------------------


def _order(raw: _Object) -> Order:
    """Raises `_Misplaced`."""
    order_id, currency = plain(_get(raw, "number", str)), _get(raw, "currency", str)
    with _at(".currency"):
        if not is_currency(currency):
            raise Wrong(text("{code} is no currency; write its code, as in EUR", code=shortened(currency)))
    back = total(_each(raw, "refunds", lambda one: _amount(one, "total", currency)), currency)
    if back:  # below zero, as WooCommerce writes it
        went = Money(minor=abs(back.minor), currency=currency)
        raise _Misplaced(
            ".refunds",
            text(
                "{amount} was refunded in WooCommerce already, and the file does not say for which lines", amount=went
            ),
        )
    sent = _get(raw, "status", str) in _SENT
    lines = _each(raw, "line_items", lambda one: _line(one, currency, sent=sent))
    lines += _each(raw, "fee_lines", lambda one: _fee(one, currency))
    delivery = total(_each(raw, "shipping_lines", lambda one: _gross(one, currency)), currency)
    whole = _amount(raw, "total", currency)
    lines += _rounding(whole, total([*[line.paid.gross for line in lines], delivery], currency), len(lines) + 1)
    shipping = _get(raw, "shipping", dict)
    return Order(
        id=order_id,
        currency=currency,
        lines=lines,
        payments=_payments(raw, order_id, whole),
        delivery=Delivery(
            paid=Paid(gross=delivery),
            number=order_id,
            postal_code=_get(shipping, "postcode", str),
            country=_get(shipping, "country", str),
        ),
        placed_at=_moment(raw, "date_created_gmt"),
    )


def _rounding(whole: Money, parts: Money, number: int) -> list[OrderLine]:
    """What the total was rounded by, a minor unit for each part at most. Raises `_Misplaced` for more."""
    rest = whole - parts
    if abs(rest.minor) > number:
        with _at(".total"):
            raise Wrong(
                text(
                    "the lines, the delivery and the fees are {sum} together, and the total is {amount}",
                    sum=parts,
                    amount=whole,
                )
            )
    if not rest:
        return []
    return [
        OrderLine(
            id="rounding",
            product="rounding",
            name="Rounding",
            ordered=1,
            fulfilled=1,
            paid=Paid(gross=rest),
            kind=LineKind.ROUNDING,
        )
    ]


def _payments(raw: _Object, order_id: str, whole: Money) -> Sequence[Payment]:
    if not raw.get("date_paid_gmt") or whole.minor <= 0:
        return ()
    method, reference = _get(raw, "payment_method", str), _get(raw, "transaction_id", str)
    provider = next((one for one, shape in _REFERENCES.items() if re.fullmatch(shape, reference)), "")
    if not provider and _OF_PAYPAL.match(method) and re.fullmatch("[A-Z0-9]{17}", reference):
        provider = "paypal"
    if not provider:
        provider, reference = _BY_TRANSFER, order_id
    paid_at = _moment(raw, "date_paid_gmt")
    return [Payment(provider=provider, method=method, reference=reference, captured=whole, paid_at=paid_at)]


_BY_TRANSFER = "manual_transfer"


# --- its lines -------------------------------------------------------------------------------------------


def _line(raw: _Object, currency: str, *, sent: bool) -> OrderLine:
    line_id, name = _id(raw), _get(raw, "name", str)
    with _at(".quantity"):
        given = units(_number(raw.get("quantity")))
    number = int(given) if given == int(given) else given
    product = _get(raw, "sku", str) or str(raw.get("variation_id") or raw.get("product_id") or "") or name
    return OrderLine(
        id=line_id,
        product=product,
        name=name,
        ordered=number,
        fulfilled=number if sent else number - number,
        paid=Paid(gross=_gross(raw, currency)),
    )


def _fee(raw: _Object, currency: str) -> OrderLine:
    gross, name = _gross(raw, currency), _get(raw, "name", str)
    kind = LineKind.DISCOUNT if gross.minor < 0 else LineKind.SERVICE
    return OrderLine(
        id=f"fee-{_id(raw)}",
        product="fee",
        name=name or "Fee",
        ordered=1,
        fulfilled=1,
        paid=Paid(gross=gross),
        kind=kind,
    )


def _gross(raw: _Object, currency: str) -> Money:
    return _amount(raw, "total", currency) + _amount(raw, "total_tax", currency)


# --- one value of it -------------------------------------------------------------------------------------


class _Misplaced(Exception):
    """What is wrong with an order, and where in it."""

    def __init__(self, path: str, cause: Text) -> None:
        super().__init__(str(cause))
        self.path, self.cause = path, cause


@contextmanager
def _at(path: str) -> Iterator[None]:
    """Say where it was that something is wrong."""
    try:
        yield
    except Wrong as wrong:
        raise _Misplaced(path, wrong.cause) from None
    except _Misplaced as fault:
        raise _Misplaced(f"{path}{fault.path}", fault.cause) from None


_WANTED: Mapping[type, Text] = {
    str: text("must be a text, in quotes"),
    list: text("must be a list"),
    dict: text("must be an object with keys"),
}


def _get(raw: _Object, key: str, kind: type[_T]) -> _T:
    with _at(f".{key}"):
        if key not in raw:
            raise Wrong(text("is missing"))
        value = raw[key]
        if not isinstance(value, kind):
            raise Wrong(_WANTED[kind])
        if isinstance(value, str):
            plain(value)
        return value


def _each(raw: _Object, key: str, read: Callable[[_Object], _R]) -> list[_R]:
    """What is read of each object of a list; a fault of one has its place."""
    found = []
    for index, one in enumerate(_get(raw, key, list)):
        with _at(f".{key}[{index}]"):
            if not isinstance(one, dict):
                raise Wrong(_WANTED[dict])
            found.append(read(one))
    return found


def _id(raw: _Object) -> str:
    with _at(".id"):
        return str(_number(raw.get("id")))


def _number(given: object) -> Decimal:
    """A number as JSON has it. Raises `Wrong`."""
    if isinstance(given, bool) or not isinstance(given, int | Decimal):
        raise Wrong(text("{quantity} is not a number", quantity=shortened(given)))
    return Decimal(given)


def _amount(raw: _Object, key: str, currency: str) -> Money:
    given = _get(raw, key, str)
    with _at(f".{key}"):
        return amount(given, currency, below_zero=True)


def _moment(raw: _Object, key: str) -> datetime.datetime:
    given = _get(raw, key, str)
    with _at(f".{key}"):
        try:
            return datetime.datetime.strptime(given, "%Y-%m-%dT%H:%M:%S").replace(tzinfo=datetime.UTC)
        except ValueError:
            raise Wrong(
                text("{date} is not a day and time as WooCommerce writes them", date=shortened(given))
            ) from None


# --- what the answer does not say ------------------------------------------------------------------------


def _notes(orders: Sequence[Order], cancelled: int) -> tuple[Text, ...]:
    told = []
    if cancelled:
        told.append(
            texts(
                "{count} order was cancelled in WooCommerce or never placed, and is left out.",
                "{count} orders were cancelled in WooCommerce or never placed, and are left out.",
                cancelled,
            )
        )
    if orders:
        told.append(
            text(
                "WooCommerce does not say what was sent: of an order that is completed all of it is taken as sent, of "
                "any other nothing."
            )
        )
    by_transfer = sum(one.provider == _BY_TRANSFER for order in orders for one in order.payments)
    if by_transfer:
        told.append(
            texts(
                "{count} payment is at no provider that is known here, so its money goes back by bank transfer.",
                "{count} payments are at no provider that is known here, so their money goes back by bank transfer.",
                by_transfer,
            )
        )
    return tuple(told)
