"""The lines of a command as a host gives them: what they must be before anything is counted with them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TypeAlias, TypeVar

from retour.model.errors import InvalidLines, InvalidQuantity, InvalidValue, UnknownLine
from retour.model.fields import MOST_UNITS, shown
from retour.model.order import LineKind, Order
from retour.model.returns import Counted, RequestedLine
from retour.model.text import text

LinesToSend: TypeAlias = Mapping[str, int] | Iterable[RequestedLine]
LinesCounted: TypeAlias = Mapping[str, int] | Iterable[Counted]
_L = TypeVar("_L", RequestedLine, Counted)


def given_lines(order_id: str, lines: object, kind: type[_L]) -> tuple[_L, ...]:
    """Lines as a host gives them, a mapping of units (requested, or sellable) or values, always as values."""
    if isinstance(lines, Mapping):
        name = "sellable" if kind is Counted else "quantity"
        return tuple([_given_line(order_id, kind, name, line_id, units) for line_id, units in lines.items()])
    try:
        values = tuple(lines) if isinstance(lines, Iterable) and not isinstance(lines, str) else (lines,)
    except Exception as error:
        raise InvalidLines(
            text("Order {order}: the list of lines cannot be read to its end.", order=shown(order_id))
        ) from error
    for value in values:
        if not issubclass(type(value), kind):
            raise InvalidLines(
                text(
                    "Order {order}: lines are a mapping of line to units, or {kind} values, not {given}.",
                    order=shown(order_id),
                    kind=kind.__name__,
                    given=type(value).__name__,
                )
            )
    return values


def _given_line(order_id: str, kind: type[_L], name: str, line_id: str, units: int) -> _L:
    """One entry of a mapping; the error of one that cannot be names the order."""
    check_units(order_id, line_id, units, zero_allowed=True)
    try:
        return kind(line_id=line_id, **{name: units})  # type: ignore[arg-type]
    except InvalidValue as error:
        raise InvalidLines(
            text(
                "Order {order}: lines are a mapping of line to units. {fault}",
                order=shown(order_id),
                fault=error.message,
            )
        ) from None


def check_names(order: Order, names: Sequence[str]) -> None:
    """Raise `InvalidLines` or `UnknownLine` where lines are not goods of the order, each named once."""
    if not names:
        raise InvalidLines(text("Order {order}: the list of lines is empty. Name at least one line.", order=order.id))
    for name in names:
        line = order.line(name)
        if line.kind is not LineKind.GOODS:
            raise UnknownLine(
                text(
                    "Order {order}: line {line} ({name}) is a service and cannot come back.",
                    order=order.id,
                    line=name,
                    name=line.name,
                )
            )
        if names.count(name) > 1:
            raise InvalidLines(
                text(
                    "Order {order}: line {line} is named twice. Put all its units in one entry.",
                    order=order.id,
                    line=name,
                )
            )


def check_units(order_id: str, line_id: str, units: object, *, zero_allowed: bool = False) -> None:
    """Raise `InvalidQuantity` for what is no number of units."""
    if type(units) is not int or not 0 <= units <= MOST_UNITS or (units == 0 and not zero_allowed):
        raise InvalidQuantity(
            text(
                "Order {order}, line {line}: {units} is not a number of units. Use a whole number from {least} to "
                "{most}.",
                order=shown(order_id),
                line=shown(line_id),
                units=shown(units),
                least=0 if zero_allowed else 1,
                most=MOST_UNITS,
            )
        )
