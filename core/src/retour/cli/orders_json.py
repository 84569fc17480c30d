"""Orders from the project's own JSON: the fields of `retour.model.order.Order`, amounts as text, nothing unknown."""

from __future__ import annotations

import datetime
import json
import re
from collections import Counter
from collections.abc import Collection, Iterator
from decimal import Decimal
from enum import StrEnum
from typing import Any, NoReturn

import attrs
from cattrs import Converter
from cattrs.errors import (
    AttributeValidationNote,
    BaseValidationError,
    ForbiddenExtraKeysError,
    IterableValidationNote,
)
from cattrs.gen import make_dict_structure_fn, override

from retour.cli.orders_faults import OrdersFault, OrdersRead, Wrong, amount, plain, shortened, units, unusable
from retour.cli.orders_woocommerce import is_woocommerce, read_woocommerce
from retour.cli.words import text, texts
from retour.model.errors import InvalidAmount, InvalidOrder, RetourError
from retour.model.exact_types import exactly
from retour.model.money import Money, currency_decimals
from retour.model.order import BankAccount, Delivery, LineKind, Mode, Order, OrderLine, Paid, Payment, TaxPart
from retour.model.text import Text
from retour.providers.wire import refuse_deep

PAYMENT_PROVIDERS = ("mollie", "stripe", "paypal", "manual_transfer")
"""Providers that a payment may name even where their plugin is not installed."""


def read_json(name: str, data: bytes, loaded: Collection[str]) -> OrdersRead:
    """The orders of a JSON file: a list of them, ours or WooCommerce's. ``loaded`` are the names of the loaded payment
    providers.

    Every fault has a path: ``[2].lines[0].paid.gross`` is in the third order. An order with a fault is left out, and
    so is the later one of two with the same id. Raises `InvalidOrdersFile` when the file is no such list at all.
    """
    listed = _parsed(name, data)
    if is_woocommerce(listed):
        return read_woocommerce(listed)
    reader = _Reader(loaded)
    orders: list[Order] = []
    faults: list[OrdersFault] = []
    first: dict[str, int] = {}
    for index, raw in enumerate(listed):
        order, causes = reader.read(raw)
        order_id = _shown_id(raw)
        if isinstance(raw, dict) and isinstance(raw.get("id"), str) and raw["id"].strip():
            other = first.setdefault(raw["id"].strip(), index)
            if other != index:
                causes.append((".id", text("is the id of order [{index}] as well", index=other)))
        if order is not None and not causes:
            orders.append(order)
        faults += [
            OrdersFault(where=text("{path}", path=f"[{index}]{path}"), order_id=order_id, cause=cause)
            for path, cause in causes
        ]
    return OrdersRead(orders=tuple(orders), faults=tuple(faults), bad_orders=len(listed) - len(orders))


def _parsed(name: str, data: bytes) -> list[Any]:
    if not data.strip():
        raise unusable(name, text("The file is empty."))
    try:
        words = data.decode("utf-8-sig")
        refuse_deep(words)
        found = json.loads(words, object_pairs_hook=_object, parse_float=Decimal, parse_constant=_no_number)
    except UnicodeDecodeError as error:
        raise unusable(
            name, text("The file is not in UTF-8 (byte {position}); save it so.", position=error.start)
        ) from None
    except json.JSONDecodeError as error:
        raise unusable(
            name,
            text(
                "The file is not JSON: line {line}, column {column}: {error}.",
                line=error.lineno,
                column=error.colno,
                error=error.msg,
            ),
        ) from None
    except Wrong as wrong:
        raise unusable(name, wrong.cause) from None
    except ValueError:
        raise unusable(name, text("The file is JSON with a number or a nesting that is too large.")) from None
    if not isinstance(found, list):
        raise unusable(name, text("The file holds no list of orders; it begins with [ and ends with ]."))
    return found


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        key = next(key for key, number in Counter(key for key, _ in pairs).items() if number > 1)
        raise Wrong(text("One object has the key {key} twice.", key=shortened(key)))
    return found


def _no_number(words: str) -> NoReturn:
    raise Wrong(text("{number} is not a number in JSON.", number=words))


def _shown_id(raw: object) -> str:
    found = raw.get("id") if isinstance(raw, dict) else None
    words = str(found) if isinstance(found, str | int) else ""
    return words if words.isprintable() and len(words) <= _LONGEST_ID else shortened(words)


_LONGEST_ID = 100

Causes = list[tuple[str, Text]]


class _Reader:
    """Makes an `Order` of what JSON holds, or the list of everything that is wrong with it."""

    def __init__(self, loaded: Collection[str]) -> None:
        self._loaded = sorted(loaded)
        self._currency = "EUR"
        self._converter = self._strict_converter()

    def read(self, raw: object) -> tuple[Order | None, Causes]:
        """The order, or None, and every cause with its path within the order."""
        given = raw.get("currency") if isinstance(raw, dict) else None
        self._currency = given if isinstance(given, str) and _is_currency(given) else "EUR"
        causes = [*_twice(raw, "lines", ("id",)), *_twice(raw, "payments", ("provider", "account", "reference"))]
        try:
            order = self._converter.structure(raw, Order)
        except (BaseValidationError, Wrong) as error:
            says_it_again = isinstance(error, BaseValidationError) and error.subgroup(InvalidOrder) is not None
            if causes and says_it_again:
                return None, causes
            return None, [*causes, *_causes(error, "")]
        return order, causes

    def _strict_converter(self) -> Converter:
        converter = Converter(forbid_extra_keys=True)
        converter.register_structure_hook(str, lambda value, _: plain(_of_kind(value, str)))
        converter.register_structure_hook(int, exactly(int, _wrong_kind))
        converter.register_structure_hook(bool, exactly(bool, _wrong_kind))
        converter.register_structure_hook(Decimal, lambda value, _: _rate(value))
        converter.register_structure_hook(
            Money, lambda value, _: amount(_amount_text(value), self._currency, below_zero=True)
        )
        converter.register_structure_hook(datetime.datetime, lambda value, _: _moment(value))
        converter.register_structure_hook(datetime.date, lambda value, _: _calendar_day(value))
        for choice in (LineKind, Mode):  # each by itself: as a kind of str it would be taken for any text
            converter.register_structure_hook(choice, _choice)
        converter.register_structure_hook_func(
            lambda kind: getattr(kind, "__origin__", None) in (tuple, frozenset),
            lambda value, kind: _several(converter, value, kind),
        )
        filled = override(struct_hook=lambda value, _: _filled(value))
        ordered = override(struct_hook=lambda value, _: units(_quantity(value)))
        fulfilled = override(struct_hook=lambda value, _: _quantity(value))
        captured = override(struct_hook=lambda value, _: amount(_amount_text(value), self._currency))
        fields: dict[type, dict[str, Any]] = {  # the inner ones first: each takes the hooks that are there already
            TaxPart: {},
            Paid: {"unknown": override(omit=True)},  # all amounts are in the order's currency
            BankAccount: {"name": filled, "iban": filled},
            Payment: {
                "provider": override(struct_hook=lambda value, _: self._provider(value)),
                "reference": filled,
                "captured": captured,
            },
            Delivery: {},
            OrderLine: {
                "id": filled,
                "product": filled,
                "ordered": ordered,
                "fulfilled": fulfilled,
                "measure": override(omit=True),  # it comes of what was ordered
            },
            Order: {"id": filled, "currency": override(struct_hook=lambda value, _: _currency(value))},
        }
        for kind, overrides in fields.items():
            structure: Any = make_dict_structure_fn(
                kind,
                converter,
                _cattrs_forbid_extra_keys=True,
                _cattrs_detailed_validation=True,
                **overrides,
            )
            converter.register_structure_hook(kind, _checked(kind, structure))
        return converter

    def _provider(self, value: object) -> str:
        name = _filled(value)
        if name not in PAYMENT_PROVIDERS and name not in self._loaded:
            raise Wrong(
                text(
                    "{provider} is no payment provider here. Known: {known}. Loaded: {loaded}",
                    provider=shortened(name),
                    known=list(PAYMENT_PROVIDERS),
                    loaded=list(self._loaded) or [text("none")],
                )
            )
        return name


# --- one value ------------------------------------------------------------------------------------------

_KINDS: dict[type, Text] = {
    str: text("must be a text, in quotes"),
    int: text("must be a whole number"),
    bool: text("must be true or false"),
    list: text("must be a list"),
    dict: text("must be an object with keys"),
}


def _wrong_kind(kind: type) -> Wrong:
    return Wrong(_KINDS[kind])


def _of_kind(value: object, kind: type) -> Any:
    return exactly(kind, _wrong_kind)(value, kind)


def _filled(value: object) -> str:
    words = plain(_of_kind(value, str))
    if not words:
        raise Wrong(text("is empty"))
    return words


def _quantity(value: object) -> Any:
    """A number of units, whole or not, also below zero: the order says what becomes of it."""
    return value if type(value) is Decimal else _of_kind(value, int)


def _amount_text(value: object) -> str:
    if type(value) is not str:
        raise Wrong(text('must be an amount as text, as in "44.95": numbers without quotes lose cents'))
    return value


def _rate(value: object) -> Decimal:
    words = value.strip() if isinstance(value, str) else ""
    if not _RATE.fullmatch(words):
        raise Wrong(text('must be a percentage as text, as in "21"'))
    return Decimal(words)


_RATE = re.compile(r"-?[0-9]{1,3}(\.[0-9]{1,4})?")


def _is_currency(code: str) -> bool:
    try:
        currency_decimals(code)
    except InvalidAmount:
        return False
    return True


def _currency(value: object) -> str:
    code = plain(_of_kind(value, str))
    if not _is_currency(code):
        raise Wrong(text("{currency} is not a currency of ISO 4217, as EUR is", currency=shortened(code)))
    return code


def _moment(value: object) -> datetime.datetime:
    try:
        at = datetime.datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        at = None
    if at is None or at.tzinfo is None:
        raise Wrong(text('must be a time with its zone, as in "2026-11-16T09:12:00+01:00"'))
    return at


def _calendar_day(value: object) -> datetime.date:
    try:
        return datetime.date.fromisoformat(value if isinstance(value, str) and len(value) == len("2026-11-16") else "")
    except ValueError:
        raise Wrong(text('must be a calendar day, as in "2026-11-16"')) from None


def _choice(value: object, kind: Any) -> StrEnum:
    for one in kind:
        if value == one.value:
            found: StrEnum = one
            return found
    raise Wrong(text("must be one of {choices}", choices=[one.value for one in kind]))


def _several(converter: Converter, value: object, kind: Any) -> Any:
    list_of: Any = list
    items: list[Any] = converter.structure(_of_kind(value, list), list_of[kind.__args__[0]])
    return kind.__origin__(items)


# --- one object -----------------------------------------------------------------------------------------


def _checked(kind: type, structure: Any) -> Any:
    def make(value: object, _: object) -> object:
        _of_kind(value, dict)
        return structure(_with_defaults(kind, value), kind)

    return make


def _with_defaults(kind: type, value: Any) -> Any:
    """An order line without ``fulfilled`` was fulfilled; one without ``name`` is called as its product."""
    if kind is OrderLine:
        given = {"fulfilled": value.get("ordered"), "name": value.get("product")}
        return {**{key: default for key, default in given.items() if default is not None}, **value}
    return value


def _twice(raw: object, key: str, names: tuple[str, ...]) -> Causes:
    """Entries of the list at ``key`` that are called as an earlier one is."""
    listed = raw.get(key) if isinstance(raw, dict) else None
    first: dict[tuple[object, ...], int] = {}
    causes: Causes = []
    for index, entry in enumerate(listed if isinstance(listed, list) else []):
        if isinstance(entry, dict) and isinstance(entry.get(names[-1]), str):
            called = tuple(
                [entry.get(name, "default") if name == "account" else str(entry.get(name)) for name in names]
            )
            other = first.setdefault(called, index)
            if other != index:
                where = f".{key}[{index}].{names[-1]}"
                causes.append((where, text("{name} is named twice", name=shortened(called[-1]))))
    return causes


# --- what went wrong ------------------------------------------------------------------------------------


def _causes(error: BaseException, path: str) -> Iterator[tuple[str, Text]]:
    """Every cause in what cattrs raised, with its path."""
    if isinstance(error, BaseValidationError):
        for one in error.exceptions:
            yield from _causes(one, path + _step(one))
    elif isinstance(error, Wrong):
        yield path, error.cause
    elif isinstance(error, ForbiddenExtraKeysError):
        unknown = sorted(str(key) for key in error.extra_fields)
        known = [field.name for field in attrs.fields(error.cl)]
        yield (
            path,
            texts(
                "the key {keys} is not known; known are {known}",
                "the keys {keys} are not known; known are {known}",
                len(unknown),
                keys=[shortened(key) for key in unknown],
                known=known,
            ),
        )
    elif isinstance(error, KeyError):
        yield path, text("is missing")
    elif isinstance(error, RetourError):
        yield path, error.message
    else:
        yield path, text("cannot be read ({error})", error=type(error).__name__)


def _step(error: BaseException) -> str:
    for note in getattr(error, "__notes__", ()):
        if isinstance(note, AttributeValidationNote):
            return f".{note.name}"
        if isinstance(note, IterableValidationNote):
            return f"[{note.index}]"
    return ""
