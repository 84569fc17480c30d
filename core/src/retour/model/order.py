"""The host's order, as read: lines, what was paid per line, delivery, payments."""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Sequence
from decimal import Decimal
from enum import StrEnum
from typing import Annotated

import attrs

from retour.model.errors import InvalidOrder, UnknownLine, UnknownPayment
from retour.model.fields import (
    Between,
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
from retour.model.making import changed
from retour.model.money import LARGEST_AMOUNT, Money, total
from retour.model.text import Text, text


class LineKind(StrEnum):
    """Goods can come back and count as products; services (postage, gift wrap, installation) cannot and do not."""

    GOODS = "goods"
    SERVICE = "service"


class Mode(StrEnum):
    """Whether a payment is real money or a provider's test."""

    LIVE = "live"
    TEST = "test"


@attrs.frozen(kw_only=True, field_transformer=checked(InvalidOrder))
class TaxPart:
    """The part of a paid amount at one tax rate: ``rate`` in percent (``Decimal("21")``), net and tax as invoiced."""

    rate: Annotated[Decimal, Between(0, 1000)]
    net: Money
    tax: Money

    @property
    def gross(self) -> Money:
        """Net and tax together."""
        return self.net + self.tax


def _tax_parts(given: Sequence[TaxPart]) -> tuple[TaxPart, ...]:
    return as_tuple(given)


@attrs.frozen(kw_only=True, field_transformer=checked(InvalidOrder))
class Paid:
    """What was paid, as invoiced: ``gross`` after discounts, and its parts per tax rate.

    ``taxes`` is empty where the host does not know them; otherwise its parts sum to ``gross``.
    """

    gross: Money
    taxes: tuple[TaxPart, ...] = attrs.field(default=(), converter=_tax_parts)

    @classmethod
    def of(cls, amount: str | int | Decimal, currency: str) -> Paid:
        """Paid without tax parts: ``Paid.of("44.95", "EUR")``."""
        return cls(gross=Money.of(amount, currency))


def _tags(given: Iterable[str]) -> frozenset[str]:
    return as_frozenset(given)


@attrs.frozen(kw_only=True, field_transformer=checked(InvalidOrder))
class OrderLine:
    """One line of an order: ``ordered`` and ``fulfilled`` units of ``product``, for which ``paid`` was paid in all.

    ``product`` is the host's product key: two lines of one product carry the same. ``stock_tracked`` says whether
    the host keeps stock of it. ``tags`` are the host's own marks, for its policies.
    """

    id: Id
    product: Id
    name: str
    ordered: Units
    fulfilled: Units
    paid: Paid
    kind: LineKind = LineKind.GOODS
    stock_tracked: bool = True
    tags: frozenset[str] = attrs.field(default=frozenset(), converter=_tags)


@attrs.frozen(kw_only=True, field_transformer=checked(InvalidOrder))
class BankAccount:
    """Where money can go back to: the holder's name and the IBAN, unchecked. Personal data: never in an event, and not
    shown where somebody logs an order or the variables of a traceback."""

    name: Reference = attrs.field(repr=False)
    iban: Reference = attrs.field(repr=False)

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


@attrs.frozen(kw_only=True, field_transformer=checked(InvalidOrder))
class Payment:
    """A payment on an order.

    ``provider`` is the plugin's name, ``reference`` what the shop stored of it (``tr_…``, ``pi_…``, an invoice
    number), ``account`` which of the merchant's accounts at that provider, ``captured`` what was really received.
    ``method`` is the way of paying in the host's words (``ideal``, ``invoice``, ``bank_transfer_in_advance``).
    ``payer`` is who to transfer money back to where no provider can.
    """

    provider: PluginName
    reference: Id
    captured: Money
    account: Annotated[str, Characters(1, 64)] = "default"
    mode: Mode = Mode.LIVE
    method: Reference = ""
    paid_at: datetime.datetime | None = None
    payer: BankAccount | None = None

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


@attrs.frozen(kw_only=True, field_transformer=checked(InvalidOrder))
class Delivery:
    """How the goods went out: what was ``paid`` for it, the shipping ``provider`` (empty: none), which parcel.

    ``number`` is the order or tracking number that the shipping provider knows; ``postal_code`` and ``country``
    (ISO 3166-1 alpha-2) are the address's, personal data that never enters an event.
    """

    paid: Paid
    provider: Reference = ""
    number: Reference = ""
    postal_code: Reference = attrs.field(default="", repr=False)
    country: Reference = ""


def _lines(given: Sequence[OrderLine]) -> tuple[OrderLine, ...]:
    return as_tuple(given)


def _payments(given: Sequence[Payment]) -> tuple[Payment, ...]:
    return as_tuple(given)


@attrs.frozen(kw_only=True, field_transformer=checked(InvalidOrder))
class Order:
    """The host's order as it is now. Raises `InvalidOrder` when it contradicts itself.

    Lists will do for its tuples and sets: they are kept as these, so that an order equals itself when it is read again.
    """

    id: Id
    currency: Annotated[str, Characters(3, 3)]
    lines: tuple[OrderLine, ...] = attrs.field(converter=_lines)
    payments: tuple[Payment, ...] = attrs.field(default=(), converter=_payments)
    delivery: Delivery | None = None
    placed_at: datetime.datetime | None = None
    customer: Reference = attrs.field(default="", repr=False)

    def __attrs_post_init__(self) -> None:
        for fault in _faults(self):
            raise InvalidOrder(text("Order {order}: {fault}", order=str(self.id), fault=fault))

    @property
    def goods(self) -> tuple[OrderLine, ...]:
        """The lines that can come back."""
        return tuple([line for line in self.lines if line.kind is LineKind.GOODS])

    @property
    def paid(self) -> Money:
        """Everything the order costs, as invoiced: all lines and the delivery."""
        return total(_all_paid(self), self.currency)

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
                "Order {order}: {payment} does not name one of its payments. They are {payments}.",
                order=self.id,
                payment=shown(name),
                payments=[payment.id for payment in self.payments],
            )
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
        if line.fulfilled > line.ordered:
            yield text(
                "line {line} has {fulfilled} of {ordered} units fulfilled, more than were ordered.",
                line=line.id,
                fulfilled=str(line.fulfilled),
                ordered=str(line.ordered),
            )
        if not _is_bool(line.stock_tracked):
            yield text(
                "line {line} has stock_tracked {given}; it is True or False.",
                line=line.id,
                given=repr(line.stock_tracked),
            )
        yield from _paid_faults(text("line {line}", line=line.id), line.paid, order.currency)
    for payment in order.payments:
        if payment.captured.currency != order.currency or payment.captured.minor < 0:
            yield text(
                "payment {payment} has captured {amount}; it must be zero or more, in {currency}.",
                payment=payment.id,
                amount=str(payment.captured),
                currency=order.currency,
            )
    if order.delivery is not None:
        yield from _paid_faults(text("the delivery"), order.delivery.paid, order.currency)
    together = (sum(payment.captured.minor for payment in order.payments), sum(paid.minor for paid in _all_paid(order)))
    if max(together) > LARGEST_AMOUNT:
        yield text("its amounts together are larger than {largest} minor units.", largest=LARGEST_AMOUNT)


def _all_paid(order: Order) -> list[Money]:
    amounts = [line.paid.gross for line in order.lines]
    return [*amounts, order.delivery.paid.gross] if order.delivery is not None else amounts


def _paid_faults(what: Text, paid: Paid, currency: str) -> Iterable[Text]:
    if paid.gross.currency != currency or paid.gross.minor < 0:
        yield text(
            "what was paid for {what} is {amount}; it must be zero or more, in {currency}.",
            what=what,
            amount=str(paid.gross),
            currency=currency,
        )
    elif paid.taxes and total([part.gross for part in paid.taxes], currency) != paid.gross:
        yield text(
            "the tax parts of {what} do not sum to the {amount} that was paid.",
            what=what,
            amount=str(paid.gross),
        )


def _repeated(what: Text, names: list[str]) -> Iterable[Text]:
    if len(set(names)) != len(names):
        twice = next(name for name in names if names.count(name) > 1)
        yield text("two have the same name: {what} {name}.", what=what, name=str(twice))


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
