"""What is wrong with an orders file, in words, and the checks that both kinds of file share."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from decimal import Decimal
from typing import TypeVar

from retour.cli.words import lines, text
from retour.model.errors import RetourError
from retour.model.fields import shown
from retour.model.frozen import frozen
from retour.model.money import Money, currency_decimals
from retour.model.order import Order
from retour.model.text import Text


class InvalidOrdersFile(RetourError):
    """An orders file that cannot be used: every fault at once, each with its place."""


class Wrong(ValueError):
    """One value that cannot be used; ``cause`` says why."""

    def __init__(self, cause: Text) -> None:
        super().__init__(str(cause))
        self.cause = cause


@frozen(kw_only=True)
class OrdersFault:
    """One fault: ``where`` it is in the file, in which order (empty: unknown), and its ``cause``."""

    where: Text
    order_id: str
    cause: Text

    @property
    def sentence(self) -> Text:
        """The fault as one line."""
        if not self.order_id:
            return text("{where}: {cause}", where=self.where, cause=self.cause)
        return text("{where}, order {order}: {cause}", where=self.where, order=self.order_id, cause=self.cause)


@frozen(kw_only=True)
class OrdersRead:
    """What a file holds: its good ``orders``, the ``faults`` of the others, and how many ``cancellations`` it has.

    ``bad_orders`` counts the orders that the faults make unusable; ``notes`` are what the file does not say, and what
    was taken for it.
    """

    orders: tuple[Order, ...]
    faults: tuple[OrdersFault, ...] = ()
    bad_orders: int = 0
    cancellations: int = 0
    notes: tuple[Text, ...] = ()


def invalid(name: str, faults: Sequence[OrdersFault]) -> InvalidOrdersFile:
    """The error that lists all ``faults`` of the file called ``name``."""
    return InvalidOrdersFile(
        text(
            "{file} cannot be used; nothing was changed. What is wrong:\n{faults}\n"
            "Mend it, or use --skip-bad to leave these orders out.",
            file=name,
            faults=lines([fault.sentence for fault in faults]),
        )
    )


def unusable(name: str, cause: Text) -> InvalidOrdersFile:
    """The error for a file of which no order can be read at all."""
    return InvalidOrdersFile(text("{file}: {cause} Nothing was changed.", file=name, cause=cause))


_AMOUNT = re.compile(r"-?[0-9]{1,15}(\.[0-9]+)?")
_CURRENCY = re.compile(r"[A-Z]{3}|[€$£¥]")
_SIGNS = {"€": "EUR", "£": "GBP"}


def amount(given: str, currency: str, *, below_zero: bool = False) -> Money:
    """The amount that ``given`` (``44.95``) says in ``currency``: zero or more, or also below it. Raises `Wrong`."""
    words = given.strip()
    if not _AMOUNT.fullmatch(words):
        raise Wrong(_no_amount(words, currency))
    if words.startswith("-") and not below_zero:
        raise Wrong(text("{amount} is below zero", amount=words))
    decimals = currency_decimals(currency)
    if len(words.partition(".")[2]) > decimals:
        raise Wrong(
            text(
                "{amount} has more decimals than {currency} has ({decimals})",
                amount=words,
                currency=currency,
                decimals=decimals,
            )
        )
    return Money.of(words, currency)


def _no_amount(words: str, currency: str) -> Text:
    named = _CURRENCY.search(words)
    if named is not None and _SIGNS.get(named[0], named[0]) != currency:
        return text(
            "{amount} is of another currency; the order is in {currency}", amount=shortened(words), currency=currency
        )
    return text("{amount} is not an amount; write a number with a point, as in 44.95", amount=shortened(words))


_Q = TypeVar("_Q", int, Decimal)

MOST_UNITS = 999_999_999
"""More units than this on one line are a slip of the keyboard."""


def units(given: _Q) -> _Q:
    """A number of ordered units, whole or not: not zero, and believable. Raises `Wrong`."""
    if not given:
        raise Wrong(text("{quantity} is not above zero", quantity=shown(given)))
    if abs(given) > MOST_UNITS:
        raise Wrong(text("more than {most} units cannot be right", most=MOST_UNITS))
    return given


def plain(given: str) -> str:
    """``given`` without blanks around it. Raises `Wrong` for characters that can not be shown or stored."""
    for character in given:
        if unicodedata.category(character) in ("Cc", "Cs"):
            raise Wrong(text("{words} holds a character that cannot be shown", words=shortened(given)))
    return given.strip()


def shortened(given: object) -> str:
    """What somebody wrote, quoted, without control characters, at most 40 characters of it."""
    words = str(given) if len(str(given)) <= _LONGEST else f"{str(given)[:_LONGEST]}…"
    return ascii(words) if not words.isprintable() else f"“{words}”"


_LONGEST = 40
