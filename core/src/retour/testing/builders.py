"""Builders: orders for tests, with what the test is not about filled in."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from retour.model.money import Money, total
from retour.model.order import (
    BankAccount,
    Delivery,
    LineKind,
    Mode,
    Order,
    OrderLine,
    Paid,
    Payment,
    TaxPart,
)


def a_line(
    line_id: str,
    units: int = 1,
    gross: str = "20.00",
    *,
    product: str = "",
    fulfilled: int | None = None,
    stock_tracked: bool = True,
    tags: Sequence[str] = (),
    currency: str = "EUR",
    vat: str | None = None,
) -> OrderLine:
    """A goods line of ``units`` for which ``gross`` was paid in all; its product is called as the line is.

    ``vat`` is the rate in percent that ``gross`` includes; without it the tax is unknown.

    >>> line = a_line("cup", 2, "40.00", vat="21")
    >>> line.fulfilled, str(line.paid.gross), str(line.paid.taxes[0].tax)
    (2, 'EUR 40.00', 'EUR 6.94')
    """
    return OrderLine(
        id=line_id,
        product=product or line_id,
        name=(product or line_id).capitalize(),
        ordered=units,
        fulfilled=units if fulfilled is None else fulfilled,
        paid=_paid(gross, currency, vat),
        stock_tracked=stock_tracked,
        tags=frozenset(tags),
    )


def a_service(line_id: str = "postage", gross: str = "4.95", *, currency: str = "EUR") -> OrderLine:
    """A line that is no goods: postage, gift wrap.

    >>> a_service("postage", "4.95").kind.value
    'service'
    """
    return OrderLine(
        id=line_id,
        product=line_id,
        name=line_id.capitalize(),
        ordered=1,
        fulfilled=1,
        paid=Paid.of(gross, currency),
        kind=LineKind.SERVICE,
    )


def a_payment(
    captured: str,
    *,
    provider: str = "mollie",
    reference: str = "tr_1",
    currency: str = "EUR",
    mode: Mode = Mode.LIVE,
    method: str = "",
    payer: BankAccount | None = None,
) -> Payment:
    """A payment of which ``captured`` was received.

    >>> a_payment("40.00", reference="tr_7").id
    'mollie:tr_7'
    """
    return Payment(
        provider=provider,
        reference=reference,
        captured=Money.of(captured, currency),
        mode=mode,
        method=method,
        payer=payer,
    )


def an_order(
    *lines: OrderLine,
    order_id: str = "1001",
    payments: Sequence[Payment] | None = None,
    delivery: Delivery | None = None,
    customer: str = "",
) -> Order:
    """An order of ``lines``, paid in full by one Mollie payment unless ``payments`` say otherwise.

    >>> order = an_order(a_line("cup", 2, "40.00"), a_service("postage", "4.95"))
    >>> order.id, str(order.captured)
    ('1001', 'EUR 44.95')
    """
    currency = lines[0].paid.gross.currency
    amounts = [line.paid.gross for line in lines]
    if delivery is not None:
        amounts.append(delivery.paid.gross)
    paid = total(amounts, currency)
    by_default = [Payment(provider="mollie", reference=f"tr_{order_id}", captured=paid)] if paid else []
    return Order(
        id=order_id,
        currency=currency,
        lines=lines,
        payments=tuple(by_default if payments is None else payments),
        delivery=delivery,
        customer=customer,
    )


def _paid(gross: str, currency: str, vat: str | None) -> Paid:
    amount = Money.of(gross, currency)
    if vat is None:
        return Paid(gross=amount)
    rate = Decimal(vat)
    tax = Money(minor=int((amount.minor * rate / (100 + rate)).quantize(Decimal(1))), currency=currency)
    return Paid(gross=amount, taxes=(TaxPart(rate=rate, net=amount - tax, tax=tax),))
