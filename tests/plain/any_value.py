"""Any value of any public class: what its annotations allow, made at random, as far as its class takes it."""

from __future__ import annotations

import datetime
import string
import types
from collections.abc import Mapping
from decimal import Decimal
from enum import Enum
from typing import Annotated, Any, Union, get_args, get_origin, get_type_hints

import attrs
from hypothesis import reject
from hypothesis import strategies as st

import retour
import retour.providers
import retour_manual_transfer.batch
import retour_manual_transfer.statement
import retour_manual_transfer.waiting
from retour import (
    Delivery,
    InvalidArgument,
    Money,
    Order,
    OrderLine,
    Payment,
    Reason,
    ReasonCode,
    RetourError,
    ReturnReason,
    Text,
)
from retour.model.fields import Between, Characters
from retour.model.order import Paid
from retour.model.reasons import _WORDS
from retour.plain.conversion import json_schema
from retour.providers import ErrorCode

NO_VALUES = {
    "Answer": "what came over the wire can hold secrets",
    "RawWebhook": "what came over the wire can hold secrets",
    "Refusals": "the table by which a provider's author reads errors",
}
"""Public classes with fields that have no form in JSON, and why."""

OF_PLUGINS = (
    retour_manual_transfer.batch.Debtor,
    retour_manual_transfer.batch.Transfer,
    retour_manual_transfer.statement.CameBack,
    retour_manual_transfer.statement.Paid,
    retour_manual_transfer.statement.StatementLine,
    retour_manual_transfer.statement.StatementMatch,
    retour_manual_transfer.statement.ToLookAt,
    retour_manual_transfer.waiting.NotReady,
    retour_manual_transfer.waiting.WaitingRefund,
    retour_manual_transfer.waiting.WaitingTransfers,
)
"""What a host gets of a plugin in hand: bank transfers and statements."""


def public_classes() -> dict[str, Any]:
    """Every public class with fields, by its name and whose it is."""
    found: dict[str, Any] = {}
    for home in (retour, retour.providers):
        for name in home.__all__:
            kind = getattr(home, name)
            if isinstance(kind, type) and attrs.has(kind) and kind not in found.values():
                found[name] = kind
    return found | {f"manual_transfer.{kind.__name__}": kind for kind in OF_PLUGINS}


KINDS = {name: kind for name, kind in public_classes().items() if name not in NO_VALUES}
"""The classes of all public values."""

_LETTERS = st.sampled_from(string.ascii_letters + string.digits + " .-éßЖ中😀\u202e\"'<&{}\\\n")
_EARLY, _LATE = (datetime.datetime(year, 1, 1, tzinfo=datetime.UTC).replace(tzinfo=None) for year in (1900, 9000))
_ZONES = st.sampled_from([datetime.UTC, datetime.timezone(datetime.timedelta(hours=2))])
_PERIODS = st.timedeltas(datetime.timedelta(days=-10_000), datetime.timedelta(days=10_000))
_PLAIN: Mapping[Any, st.SearchStrategy[Any]] = {
    int: st.integers(-(2**63) + 1, 2**63 - 1),
    bool: st.booleans(),
    type(None): st.none(),
    bytes: st.binary(min_size=1, max_size=40),
    Decimal: st.decimals(-(10**9), 10**9, allow_nan=False, allow_infinity=False, places=3),
    datetime.date: st.dates(),
    datetime.timedelta: _PERIODS,
    datetime.datetime: st.datetimes(_EARLY, _LATE, timezones=_ZONES),
}


@st.composite
def any_value(draw: st.DrawFn, kind: Any) -> Any:
    """A value of an annotation. What its class refuses is no example."""
    try:
        return _of(draw, kind)
    except (RetourError, retour.providers.ProviderError, ValueError):
        reject()


def _of(draw: st.DrawFn, kind: Any) -> Any:
    origin, parts = get_origin(kind), get_args(kind)
    if origin is Annotated:
        return draw(_within(parts[1]))
    if origin in (Union, types.UnionType):
        return _of(draw, draw(st.sampled_from(parts)))
    if origin is tuple and parts[-1] is not Ellipsis:
        return tuple([_of(draw, part) for part in parts])
    if origin in (tuple, frozenset):
        return origin([_of(draw, parts[0]) for _ in range(draw(st.integers(0, 2)))])
    if isinstance(origin, type) and issubclass(origin, Mapping):
        return {_of(draw, parts[0]): _of(draw, parts[1]) for _ in range(draw(st.integers(0, 2)))}
    if origin is type or getattr(kind, "_is_protocol", False):
        return None
    if kind is str:
        return draw(_texts(0, 30))
    if kind in _PLAIN:
        return draw(_PLAIN[kind])
    if isinstance(kind, type) and issubclass(kind, Enum):
        return draw(st.sampled_from(list(kind)))
    return _of_class(draw, kind)


_HOLES = {name for words in _WORDS.values() for _, name, _, _ in string.Formatter().parse(words.message) if name}
"""The values that reasons tell of."""


def _texts(least: int, most: int) -> st.SearchStrategy[str]:
    return st.text(_LETTERS, min_size=least, max_size=min(most, max(least, 30)))


def _within(bounds: Characters | Between) -> st.SearchStrategy[Any]:
    if isinstance(bounds, Between):
        return st.integers(bounds.least, bounds.most)
    return _texts(bounds.least, bounds.most).filter(lambda words: not set(words) & set(bounds.never))


def _of_class(draw: st.DrawFn, kind: Any) -> Any:
    if kind is Money:
        return Money(minor=draw(st.integers(-(10**9), 10**9)), currency=draw(st.sampled_from(["EUR"] * 9 + ["JPY"])))
    if kind is Text:
        return _text(draw)
    if kind is Reason:
        code, values = draw(st.sampled_from(list(ReasonCode))), dict.fromkeys(_HOLES, draw(_texts(0, 9)))
        values |= {"error": draw(st.sampled_from(list(ErrorCode))).value, "work": "book_stock"}
        return Reason(code=code, values=values, said=draw(_texts(0, 30)))
    if kind is Order:
        return _order(draw)
    hints = get_type_hints(kind, include_extras=True)
    names = {field.alias or field.name: hints[field.name] for field in attrs.fields(kind) if field.init}
    given = {name: _of(draw, hint) for name, hint in names.items() if not _of_classes(hint)}
    return kind(**given)


def _of_classes(hint: Any) -> bool:
    """Whether it is of classes of providers, which are shown and not read."""
    return any(get_origin(part) is type for part in get_args(hint))


def _text(draw: st.DrawFn, depth: int = 3) -> Text:
    values = {name: _text_value(draw, depth) for name in draw(st.sets(st.sampled_from(["a", "b", "order"])))}
    message = " ".join(["Say", *[f"{{{name}}}" for name in values]])
    plural, count = draw(st.sampled_from([(None, None), (f"{message} again", 3)]))
    return Text(message=message, values=values, plural=plural, count=count, domain=draw(_DOMAINS))


_DOMAINS = st.sampled_from(["retour", "retour_mollie", "nobody_has_this"])


def _text_value(draw: st.DrawFn, depth: int) -> Any:
    if depth and draw(st.booleans()):
        more = [_text_value(draw, depth - 1) for _ in range(draw(st.integers(0, 2)))]
        return draw(st.sampled_from([more, tuple(more), _text(draw, depth - 1)]))
    kinds = (str, int, datetime.date, datetime.datetime, Money, ReturnReason)
    naive = st.datetimes(_EARLY, _LATE)
    return draw(naive) if draw(st.integers(0, 9)) == 9 else _of(draw, draw(st.sampled_from(kinds)))


def _order(draw: st.DrawFn) -> Order:
    """One that does not contradict itself: payments of other names, in its own currency, and not too large."""
    number = draw(st.integers(1, 2))
    lines = [attrs.evolve(_of(draw, OrderLine), id=f"line {place}") for place in range(number)]
    payments = [
        attrs.evolve(_of(draw, Payment), reference=f"p {place}", captured=Money(minor=place, currency="EUR"))
        for place in range(draw(st.integers(0, 2)))
    ]
    return Order(
        id=draw(_texts(1, 30)),
        currency="EUR",
        lines=tuple(lines),
        payments=tuple(payments),
        delivery=_of(draw, Delivery | None),
        placed_at=_of(draw, datetime.datetime | None),
        customer=draw(_texts(0, 30)),
    )


def test_what_has_no_form_is_known() -> None:
    """So that a public class is not forgotten."""
    refused = set()
    for name, kind in public_classes().items():
        try:
            json_schema(kind)
        except InvalidArgument:
            refused.add(name)
    assert refused == set(NO_VALUES)
    assert Paid in KINDS.values()
