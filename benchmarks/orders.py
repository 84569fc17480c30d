"""The orders that are returned: one of a single product, which is restocked at once, one that has to ask, and one that
can come back in many parts."""

from __future__ import annotations

from decimal import Decimal

import attrs

from retour import Delivery, LineKind, Money, Order, OrderLine, Paid, Payment, TaxPart


def order_id(number: int) -> str:
    """The id of order ``number``: always eight digits, so that every copy of a row is as long as its original."""
    return f"{number:08d}"


def one_product(number: int) -> Order:
    """Two units of one product, with postage: its return is restocked without a question."""
    return _order(number, (_goods("1", "mug", "Enamel mug, white", 2, "29.90"), _postage()))


def several_products(number: int) -> Order:
    """Three products: the merchant is asked what goes back in stock."""
    lines = (
        _goods("1", "mug", "Enamel mug, white", 2, "29.90"),
        _goods("2", "teapot", "Teapot with strainer, 1.2 litres", 1, "44.95"),
        _goods("3", "towel", "Tea towel, linen, blue check", 4, "35.80"),
        _postage(),
    )
    return _order(number, lines)


def many_units(number: int) -> Order:
    """Two thousand units of one product whose stock is not counted, at 1.00 each: it can come back in many parts."""
    goods = attrs.evolve(_goods("1", "screw", "Screw, 4 x 40 mm", 2_000, "2000.00"), stock_tracked=False)
    return _order(number, (goods, _postage()))


def _order(number: int, lines: tuple[OrderLine, ...]) -> Order:
    paid = sum((line.paid.gross for line in lines), Money.zero("EUR"))
    return Order(
        id=order_id(number),
        currency="EUR",
        lines=lines,
        payments=(Payment(provider="mollie", reference=f"tr_{order_id(number)}", captured=paid, method="ideal"),),
        delivery=Delivery(paid=_paid("0.00"), provider="sendcloud", number=order_id(number), country="NL"),
        customer=f"customer-{order_id(number)}",
    )


def _goods(line_id: str, product: str, name: str, units: int, gross: str) -> OrderLine:
    return OrderLine(id=line_id, product=product, name=name, ordered=units, fulfilled=units, paid=_paid(gross))


def _postage() -> OrderLine:
    return OrderLine(
        id="postage",
        product="postage",
        name="Postage",
        ordered=1,
        fulfilled=1,
        paid=_paid("4.95"),
        kind=LineKind.SERVICE,
    )


def _paid(gross: str) -> Paid:
    """``gross`` with the 21 % of tax that it includes."""
    whole = Money.of(gross, "EUR")
    net = Money(minor=round(whole.minor * 100 / 121), currency="EUR")
    return Paid(gross=whole, taxes=(TaxPart(rate=Decimal("21"), net=net, tax=whole - net),))
