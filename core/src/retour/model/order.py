"""The host's order, as read: lines, what was paid per line, delivery, payments."""

from __future__ import annotations

import datetime
import math
from collections.abc import Iterable, Sequence
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, TypeGuard

import attrs

from retour.model.errors import InvalidOrder, UnknownLine, UnknownPayment
from retour.model.fields import (
    LONGEST_ID,
    MOST_UNITS,
    Characters,
    Id,
    PluginName,
    Reference,
    Units,
    as_frozenset,
    as_tuple,
    checked,
    is_text,
    shown,
)
from retour.model.frozen import frozen
from retour.model.making import changed
from retour.model.money import LARGEST_AMOUNT, WITH_MOST_DECIMALS, Money, is_currency, total
from retour.model.personal import PERSONAL
from retour.model.reasons import Reason, ReasonCode, names_in_a_reason, reason
from retour.model.text import Text, text


class LineKind(StrEnum):
    """Goods can come back and count as products; the other kinds cannot and do not.

    Services are postage, gift wrap, installation. A discount is below zero and is spread over goods; a service below
    zero is one too, as many shops have no kind of line for it. What an order was rounded by, up or down, is of no
    goods: it goes with the last of them.
    """

    GOODS = "goods"  #: what can come back
    SERVICE = "service"  #: postage, gift wrap, installation
    DISCOUNT = "discount"  #: below zero, spread over goods
    ROUNDING = "rounding"  #: what the order was rounded by


class Mode(StrEnum):
    """Whether a payment is real money or a provider's test."""

    LIVE = "live"  #: real money
    TEST = "test"  #: a provider's test


@frozen(kw_only=True, field_transformer=checked(InvalidOrder))
class TaxPart:
    """The part of a paid amount at one tax rate, as invoiced. With a rate that is none (below zero, above 1000) its
    line is odd: see `Order.odd_lines`."""

    rate: Decimal
    """Percent: ``Decimal("21")``."""

    net: Money
    """Without the tax."""

    tax: Money
    """The tax alone."""

    @property
    def gross(self) -> Money:
        """Net and tax together."""
        return self.net + self.tax


def _tax_parts(given: Sequence[TaxPart]) -> tuple[TaxPart, ...]:
    return as_tuple(given)


@frozen(kw_only=True, field_transformer=checked(InvalidOrder))
class Paid:
    """What was paid, as invoiced: ``taxes`` sum to ``gross``, or miss it by what was rounded on the invoice. Where the
    currency is ``unknown``, ``gross`` is zero, and the line is odd.
    """

    gross: Money
    """After discounts, with tax."""

    taxes: tuple[TaxPart, ...] = attrs.field(default=(), converter=_tax_parts)
    """Its parts per tax rate; empty where the host does not know them."""

    unknown: Reference = ""
    """The amount in the shop's own words, where its currency is none that there is; else empty."""

    @classmethod
    def of(cls, amount: str | int | Decimal, currency: str) -> Paid:
        """Paid without tax parts: ``Paid.of("44.95", "EUR")``.

        In a currency that there is not (``Paid.of("8", "XBT")``) nothing can be counted: it is kept as ``unknown``, and
        costs that line alone. Raises `InvalidAmount` for what is no amount.
        """
        if not is_text(currency) or is_currency(currency):
            return cls(gross=Money.of(amount, currency))
        Money.of(amount, WITH_MOST_DECIMALS)  # what is no number is none in any currency
        return cls(gross=Money.zero(WITH_MOST_DECIMALS), unknown=f"{amount} {currency}"[:LONGEST_ID])

    @property
    def rounding(self) -> Money:
        """By how much ``gross`` is above its tax parts: what the invoice was rounded by. Zero where they are unknown.

        Raises `InvalidAmount` where one of them is of another currency.
        """
        if not self.taxes:
            return Money.zero(self.gross.currency)
        return self.gross - total([part.gross for part in self.taxes], self.gross.currency)


def _tags(given: Iterable[str]) -> frozenset[str]:
    return as_frozenset(given)


def _spread_over(given: Sequence[str]) -> tuple[str, ...]:
    return as_tuple(given)


@frozen(kw_only=True, init=False, field_transformer=checked(InvalidOrder))
class OrderLine:
    """One line of an order: units of a product, and what was paid for them.

    A line whose quantity is a ``measure`` counts as one unit, or as none where it is below zero, no stock of it is
    booked, and it is odd: see `Order.odd_lines`.
    """

    id: Id
    """Names the line within its order."""

    product: Id
    """The host's product key: two lines of one product carry the same."""

    name: str
    """What people call it."""

    ordered: Units
    """Units, from zero on. A quantity that is no whole number is taken too, and kept as ``measure``."""

    fulfilled: Units
    """Units that went out. More cannot come back."""

    paid: Paid
    """What was paid for all units of the line together."""

    kind: LineKind = LineKind.GOODS
    """Goods, or something else that was paid for."""

    stock_tracked: bool = True
    """Whether the host keeps stock of it: else nothing is booked."""

    tags: frozenset[str] = attrs.field(default=frozenset(), converter=_tags)
    """The host's own marks, for its policies."""

    spread_over: tuple[Id, ...] = attrs.field(default=(), converter=_spread_over)
    """Of a discount, the ids of the goods that it is over; none: all goods of the order."""

    measure: Decimal | None = None
    """A quantity that is no whole number from zero on (half a kilo, minus one); None for all others."""

    def __init__(
        self,
        *,
        id: str,  # noqa: A002 - the field's name
        product: str,
        name: str,
        ordered: float | Decimal,
        fulfilled: float | Decimal,
        paid: Paid,
        kind: LineKind = LineKind.GOODS,
        stock_tracked: bool = True,
        tags: Iterable[str] = frozenset(),
        spread_over: Sequence[str] = (),
        measure: Decimal | None = None,
    ) -> None:
        units, sent = _as_decimal(ordered), _as_decimal(fulfilled)
        if _is_part(units):
            measure = units
            sent = Decimal(units > 0 and sent > 0) if _is_quantity(sent) else sent
            units = Decimal(units > 0)
        elif _is_part(sent):
            measure, sent = sent, Decimal(max(0, int(sent)))
        self.__attrs_init__(
            id=id,
            product=product,
            name=name,
            ordered=_as_int(units),
            fulfilled=_as_int(sent),
            paid=paid,
            kind=kind,
            stock_tracked=stock_tracked if measure is None else False,
            tags=tags,
            spread_over=spread_over,
            measure=measure,
        )

    @property
    def is_discount(self) -> bool:
        """Whether it makes other lines cheaper."""
        return self.kind is LineKind.DISCOUNT or (self.kind is LineKind.SERVICE and self.paid.gross.minor < 0)


def _as_decimal(given: object) -> object:
    """A number of units as a decimal, exactly as it is written; all else as it is, which the field's check refuses."""
    if type(given) is float and math.isfinite(given):
        return Decimal(repr(given))
    return Decimal(given) if type(given) is int else given


def _is_quantity(given: object) -> TypeGuard[Decimal]:
    """Whether it is a number that can be believed."""
    return type(given) is Decimal and given.is_finite() and abs(given) <= MOST_UNITS


def _is_part(given: object) -> TypeGuard[Decimal]:
    """Whether a quantity is believable and no number of units: part of one, or below zero."""
    return _is_quantity(given) and (given < 0 or given != int(given))


def _as_int(given: object) -> int:
    """A whole number that a database keeps as a decimal, as one; all else as it is, which the field's check refuses."""
    if type(given) is Decimal and given.is_finite() and given == given.to_integral_value():
        return int(given)
    return given  # type: ignore[return-value]  # the field's check refuses it


@frozen(kw_only=True, field_transformer=checked(InvalidOrder))
class BankAccount:
    """Where money can go back to: the holder's name and the IBAN, unchecked. Personal data: never in an event, and not
    shown where somebody logs an order or the variables of a traceback."""

    name: Reference = attrs.field(repr=False, metadata=PERSONAL)
    """Of its holder."""

    iban: Reference = attrs.field(repr=False, metadata=PERSONAL)
    """With or without blanks, not checked yet."""

    @property
    def masked(self) -> str:
        """As it is shown to who only has to recognise it: the holder, the country and the end of the IBAN.

        >>> BankAccount(name="J. Jansen", iban="NL91 ABNA 0417 1643 00").masked
        'J. Jansen, NL…4300'
        """
        return f"{self.name}, {self.compact_iban[:2]}…{self.compact_iban[-4:]}"

    @property
    def compact_iban(self) -> str:
        """The IBAN as banks compare it: without blanks, in capitals."""
        return "".join(self.iban.split()).upper()


@frozen(kw_only=True, field_transformer=checked(InvalidOrder))
class Payment:
    """A payment on an order."""

    provider: PluginName
    """The plugin's name: ``mollie``."""

    reference: Id
    """What the shop stored of it: ``tr_…``, ``pi_…``, an invoice number."""

    captured: Money
    """What was really received."""

    account: Annotated[str, Characters(1, 64)] = "default"
    """Which of the merchant's accounts at that provider."""

    mode: Mode = Mode.LIVE
    """Real money, or a test."""

    method: Reference = ""
    """The way of paying in the host's words: ``ideal``, ``invoice``, ``bank_transfer_in_advance``."""

    paid_at: datetime.datetime | None = None
    """When it was paid (with a zone): what the refund window counts from. None where it is not known."""

    payer: BankAccount | None = attrs.field(default=None, repr=False, metadata=PERSONAL)
    """Who to transfer money back to where no provider can; None where nobody knows."""

    @property
    def id(self) -> str:
        """What names this payment on its order: ``mollie:tr_1``, or ``mollie/second-account:tr_1``."""
        account = "" if self.account == "default" else f"/{self.account}"
        return f"{self.provider}{account}:{self.reference}"

    @property
    def names(self) -> tuple[str, ...]:
        """What its provider may call it: the reference, and the reference without the prefix by which a shop says
        what it stored (``capture:2GG279541U471931P``)."""
        bare = self.reference.rpartition(":")[2].strip()
        return (self.reference, bare) if bare and bare != self.reference else (self.reference,)


@frozen(kw_only=True, field_transformer=checked(InvalidOrder))
class Delivery:
    """How the goods went out, and what was paid for that."""

    paid: Paid
    """What was paid for it."""

    provider: Reference = ""
    """The shipping provider's plugin: ``sendcloud``; empty for none."""

    number: Reference = ""
    """The order or tracking number that the shipping provider knows."""

    postal_code: Reference = attrs.field(default="", repr=False, metadata=PERSONAL)
    """The address's: personal data, which never enters an event."""

    country: Reference = attrs.field(default="", repr=False, metadata=PERSONAL)
    """The address's, ISO 3166-1 alpha-2: ``NL``."""

    delivered_on: datetime.date | None = None
    """The calendar day on which the customer had the last of the goods; None while nobody knows."""


def _lines(given: Sequence[OrderLine]) -> tuple[OrderLine, ...]:
    return as_tuple(given)


def _payments(given: Sequence[Payment]) -> tuple[Payment, ...]:
    return as_tuple(given)


@frozen(kw_only=True, field_transformer=checked(InvalidOrder))
class Order:
    """The host's order as it is now. Raises `InvalidOrder` when it contradicts itself as a whole; what is wrong with
    one line is in `odd_lines`, and costs that line alone.

    Lists will do for its tuples and sets: they are kept as these, so that an order equals itself when it is read again.

    >>> cup = OrderLine(id="1", product="cup", name="Cup", ordered=2, fulfilled=2, paid=Paid.of("40.00", "EUR"))
    >>> paid = Payment(provider="mollie", reference="tr_1", captured=Money.of("40.00", "EUR"), mode=Mode.TEST)
    >>> order = Order(id="1001", currency="EUR", lines=[cup], payments=[paid])
    >>> str(order.paid), order.payments[0].id
    ('EUR 40.00', 'mollie:tr_1')
    """

    id: Id
    """The host's id of the order, as it is in every command."""

    currency: Annotated[str, Characters(3, 3)]
    """ISO 4217, as ``"EUR"``."""

    lines: tuple[OrderLine, ...] = attrs.field(converter=_lines)
    """Goods, services and discounts."""

    payments: tuple[Payment, ...] = attrs.field(default=(), converter=_payments)
    """How it was paid; several for a gift card and a card, none before it is paid."""

    delivery: Delivery | None = None
    """How the goods went out, and what that cost; None where nothing was sent."""

    placed_at: datetime.datetime | None = None
    """When the customer ordered (with a zone)."""

    customer: Reference = attrs.field(default="", repr=False, metadata=PERSONAL)
    """The host's id of the customer: who asks as another one is refused. Empty where it has none."""

    def __attrs_post_init__(self) -> None:
        for fault in _faults(self):
            raise InvalidOrder(text("Order {order}: {fault}", order=str(self.id), fault=fault))

    @property
    def goods(self) -> tuple[OrderLine, ...]:
        """The lines that can come back."""
        return tuple([line for line in self.lines if line.kind is LineKind.GOODS])

    @property
    def paid(self) -> Money:
        """Everything the order costs, as invoiced: all lines and the delivery, but for what is of another currency."""
        return total(_all_paid(self), self.currency)

    def odd_lines(self) -> dict[str, Reason]:
        """The lines that cannot be right, by their id, each with what is odd about it and what to do; and the delivery,
        as ``"delivery"``. What goes back for them, and for what an odd discount is over, a person decides."""
        odd = {} if self.delivery is None else {DELIVERY: _odd_amount(DELIVERY, self.delivery.paid, 1, self.currency)}
        odd |= {line.id: _odd_line(self, line) for line in self.lines}
        return {line_id: why for line_id, why in odd.items() if why is not None}

    def discounted(self, discount: OrderLine) -> list[OrderLine]:
        """The goods that a discount is over."""
        return [line for line in self.goods if not discount.spread_over or line.id in discount.spread_over]

    @property
    def captured(self) -> Money:
        """Everything that was received on the order's payments."""
        return total([payment.captured for payment in self.payments], self.currency)

    def line(self, line_id: str) -> OrderLine:
        """The line called ``line_id``; raises `UnknownLine`, naming the lines there are."""
        named = is_text(line_id)
        for line in self.lines:
            if named and line.id == line_id:
                return line
        raise UnknownLine(
            text(
                "Order {order} has no line {line}. Its lines are {lines}.",
                order=self.id,
                line=shown(line_id),
                lines=[line.id for line in self.lines],
            )
        )

    def payment(self, name: str) -> Payment:
        """The payment whose id or reference is ``name``; raises `UnknownPayment`."""
        named = is_text(name)
        found = [payment for payment in self.payments if named and name in (payment.id, payment.reference)]
        if len(found) == 1:
            return found[0]
        if not found and not self.payments:
            raise UnknownPayment(text("Order {order} has no payments.", order=self.id))
        raise UnknownPayment(
            text(
                "Order {order}: {given} does not name one of its payments. They are {payments}.",
                order=self.id,
                given=shown(name),
                payments=[payment.id for payment in self.payments],
            ),
            in_code=f"payment: {', '.join([repr(payment.id) for payment in self.payments])}",
        )

    def without_personal_data(self) -> Order:
        """The order as an event may hold it: no payers, no address, no customer."""
        return changed(
            self,
            customer="",
            payments=tuple([changed(payment, payer=None) for payment in self.payments]),
            delivery=self.delivery and changed(self.delivery, postal_code="", country=""),
        )


def _faults(order: Order) -> Iterable[Text]:
    """What is wrong with an order, in the order in which it should be mended."""
    if not order.lines:
        yield text("an order needs at least one line.")
    yield from _repeated(text("line"), [line.id for line in order.lines])
    yield from _of_two_modes(order.payments)
    yield from _repeated(text("payment"), [payment.id for payment in order.payments])
    for line in order.lines:
        if not _is_bool(line.stock_tracked):
            yield text(
                "line {line} has stock_tracked {given}; it is True or False.",
                line=line.id,
                given=repr(line.stock_tracked),
            )
    for payment in order.payments:
        if payment.captured.currency != order.currency or payment.captured.minor < 0:
            yield text(
                "payment {payment} has captured {amount}; it must be zero or more, in {currency}.",
                payment=payment.id,
                amount=str(payment.captured),
                currency=order.currency,
            )
    paid = sum(abs(one.minor) for one in _all_paid(order))
    together = (sum(payment.captured.minor for payment in order.payments), paid)
    if max(together) > LARGEST_AMOUNT:
        yield text("its amounts together are larger than {largest} minor units.", largest=LARGEST_AMOUNT)


def _all_paid(order: Order) -> list[Money]:
    paid = [line.paid.gross for line in order.lines]
    if order.delivery is not None:
        paid.append(order.delivery.paid.gross)
    return [amount for amount in paid if amount.currency == order.currency]


# --- odd lines -------------------------------------------------------------------------------------------

_NO_TAX, _HIGHEST_TAX = Decimal(0), Decimal(1000)
"""Percent of tax that can be right."""

DELIVERY = "delivery"
"""What the delivery is called among the odd lines."""


def _odd_line(order: Order, line: OrderLine) -> Reason | None:
    """What is odd about a line, None where nothing is."""
    odd = _odd_amount(line.id, line.paid, line.ordered, order.currency)
    if odd is None and line.kind is LineKind.GOODS:
        return _odd_goods(line)
    if odd is None and line.is_discount:
        return _odd_discount(order, line)
    return odd


def _odd_amount(line_id: str, paid: Paid, units: int, currency: str) -> Reason | None:
    if paid.unknown:
        return reason(ReasonCode.LINE_CURRENCY_UNKNOWN, line=line_id, amount=paid.unknown)
    for amount in _amounts(paid):
        if amount.currency != currency:
            return reason(ReasonCode.LINE_CURRENCY, line=line_id, amount=str(amount), currency=currency)
    rounding = paid.gross.minor if paid.taxes else 0
    for part in paid.taxes:
        if not _NO_TAX <= part.rate <= _HIGHEST_TAX:
            return reason(ReasonCode.LINE_TAX_RATE, line=line_id, rate=f"{part.rate:f}")
        rounding -= part.net.minor + part.tax.minor
    if rounding and abs(rounding) > _most_rounding(paid, units):
        difference = str(paid.rounding)
        return reason(ReasonCode.LINE_TAXES, line=line_id, amount=str(paid.gross), difference=difference)
    return None


def _amounts(paid: Paid) -> list[Money]:
    """All of it, and all of which it is made."""
    amounts = [paid.gross]
    for part in paid.taxes:
        amounts += (part.net, part.tax)
    return amounts


def _most_rounding(paid: Paid, units: int) -> int:
    """By how many minor units the tax parts of ``units`` units can miss what was paid for them, rounded as shops do.

    Half a minor unit for the net and the tax of each part; where a shop rounds each unit, as much for each of them, but
    no more than a hundredth of the amount.
    """
    parts = len(paid.taxes)
    return max(parts, min(parts * units, abs(paid.gross.minor) // 100))


def _odd_goods(line: OrderLine) -> Reason | None:
    if line.measure is not None and line.measure < 0:
        return reason(ReasonCode.LINE_UNITS_BELOW_ZERO, line=line.id, quantity=f"{line.measure:f}")
    if line.measure is not None:
        return reason(ReasonCode.LINE_PART_OF_A_UNIT, line=line.id, quantity=f"{line.measure:f}")
    if line.paid.gross.minor < 0:
        return reason(ReasonCode.LINE_BELOW_ZERO, line=line.id, amount=str(line.paid.gross))
    if line.paid.gross and not line.ordered:
        return reason(ReasonCode.LINE_WITHOUT_UNITS, line=line.id, amount=str(line.paid.gross))
    if line.fulfilled > line.ordered:
        units = {"ordered": str(line.ordered), "fulfilled": str(line.fulfilled)}
        return reason(ReasonCode.LINE_MORE_FULFILLED, line=line.id, **units)
    return None


def _odd_discount(order: Order, line: OrderLine) -> Reason | None:
    if line.paid.gross.minor > 0:
        return reason(ReasonCode.DISCOUNT_ABOVE_ZERO, line=line.id, amount=str(line.paid.gross))
    unknown = [one for one in line.spread_over if one not in [goods.id for goods in order.goods]]
    if unknown:
        return reason(ReasonCode.DISCOUNT_OVER_NO_GOODS, line=line.id, others=names_in_a_reason(unknown))
    return None


def _repeated(what: Text, names: list[str]) -> Iterable[Text]:
    if len(set(names)) != len(names):
        twice = next(name for name in names if names.count(name) > 1)
        yield text(
            "two have the same name: {what} {name}. Give each a name of its own: what is counted, paid and refunded is "
            "named by it.",
            what=what,
            name=str(twice),
        )


def _of_two_modes(payments: Iterable[Payment]) -> Iterable[Text]:
    """A payment's id says nothing of its mode: two that differ by it alone would be one to everybody who names them."""
    modes: dict[str, Mode] = {}
    for payment in payments:
        if modes.setdefault(payment.id, payment.mode) is not payment.mode:
            yield text(
                "payment {payment} is there in live and in test mode. Give the payments of each mode an account of "
                "their own.",
                payment=payment.id,
            )


def _is_bool(value: object) -> bool:
    """Whether a value is True or False, and no 1 or 0 of a database that has no such type."""
    return type(value) is bool
