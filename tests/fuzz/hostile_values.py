"""Values of somebody who means no good, and a hand that puts one of them into a value that is right.

What is put there is either of the right type and at its edge, which may well be taken, or of any type at all.
"""

from __future__ import annotations

import copy
import datetime
import enum
import random
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any, TypeAlias

import attrs

from retour import LineKind, Money, Text

NOW = datetime.datetime(2026, 11, 23, 12, 0, tzinfo=datetime.UTC)


class Odd(Exception):
    """An exception whose words are as bad as can be."""

    def __str__(self) -> str:
        return "half \ud800 and \0" + "x" * 11_000

    __repr__ = __str__


class Raises:
    """A value of nobody's: whatever is asked of it fails."""

    def __fail(self, *_: object) -> Any:
        raise RuntimeError("half \ud800")

    __eq__ = __ne__ = __hash__ = __repr__ = __str__ = __bool__ = __len__ = __iter__ = __lt__ = __fail


class PlainText(str):
    """A text as a web framework marks it safe: one in all but its type."""


class Liar(str):
    """A text that is equal to nothing, and says so with a bang."""

    __slots__ = ()

    def __eq__(self, other: object) -> bool:
        raise RuntimeError("compared")

    __hash__ = str.__hash__


class PlainNumber(int):
    """A number in all but its type."""


class OwnMoney(Money):  # type: ignore[misc]
    """A host's own kind of amount."""


class LyingMoney(Money):  # type: ignore[misc]
    """An amount that is equal to every other."""

    def __eq__(self, other: object) -> bool:
        return True

    __hash__ = Money.__hash__


WORDS = [
    *("", " ", "x", "\0", "a\0b", "\ud800", "half \udfff", "x" * 255, "x" * 256, "x" * 10_001),
    *("\N{GRINNING FACE}" * 255, "4111 1111 1111 1111", "{", "{0}", "{a.b}", "%s", "NL91ABNA0417164300"),
    *("a@example.org", "\u202e", "\u2028", "1001", "p_1"),
]
NUMBERS = [0, 1, -1, 2, 2**31, 2**53, 2**63 - 1, 2**63, -(2**63), 10**30, 1.5, float("nan"), True, Decimal(1)]
TIMES = [
    NOW.date(),
    NOW,
    NOW.replace(tzinfo=None),
    datetime.datetime.min.replace(tzinfo=datetime.UTC),
    datetime.datetime.max.replace(tzinfo=datetime.timezone(-datetime.timedelta(hours=12))),
    datetime.datetime(2026, 10, 25, 2, 30, fold=1, tzinfo=datetime.timezone(datetime.timedelta(hours=1))),
    datetime.date.max,
    datetime.date.min,
]
OTHERS = [None, b"x", Decimal("21"), Decimal("NaN"), Decimal("1E+99"), Decimal("0.1"), Text, object(), Odd()]
OTHERS += [Raises(), PlainText("x"), PlainText("1001"), Liar("x"), Liar("1001"), PlainNumber(1), LineKind.GOODS]
OTHERS += [OwnMoney(minor=500, currency="EUR"), LyingMoney(minor=500, currency="EUR"), {"cup": Raises()}, [Raises()]]
OTHERS += [{"cup": 1}, {"cup": -1}, {1: 1}, {"\0": 1}, ["cup"], [1], [], {}, (), "bogus", "succeeded", "all"]

KINDS: tuple[list[Any], ...] = (WORDS, OTHERS, NUMBERS, TIMES)
"""All of them, by kind."""

Path: TypeAlias = tuple[object, ...]
"""The way to a place in a value: names of fields, keys of mappings, and numbers of items."""


def spoiled(choose: random.Random, value: object) -> Any:
    """A value with something hostile in one place of it, or in its own. Raises what the class of it refuses with."""
    places = list(_places(value))
    place = () if choose.random() < 0.2 else choose.choice(places)
    return _with(choose, value, place)


def odd(choose: random.Random) -> Any:
    """Anything at all."""
    return choose.choice(choose.choice(KINDS))


def _places(value: object, depth: int = 4) -> Iterator[Path]:
    yield ()
    if not depth:
        return
    for key, item in _parts(value):
        for rest in _places(item, depth - 1):
            yield (key, *rest)


def _parts(value: Any) -> list[tuple[object, object]]:
    if attrs.has(type(value)):
        return [(field.name, getattr(value, field.name)) for field in attrs.fields(type(value)) if field.init]
    if isinstance(value, Mapping):
        return list(value.items())
    if isinstance(value, list | tuple):
        return list(enumerate(value))
    return []


def _with(choose: random.Random, value: Any, place: Path) -> Any:
    if not place:
        return _instead_of(choose, value)
    key: Any = place[0]
    if isinstance(value, Mapping):
        item = _with(choose, value[key], place[1:])
        own = odd(choose) if len(place) == 1 and choose.random() < 0.3 else key
        try:
            return {**{name: one for name, one in value.items() if name != key}, own: item}
        except (TypeError, RuntimeError):  # of what can be no key
            return {**value, key: item}
    item = _with(choose, dict(_parts(value))[key], place[1:])
    if isinstance(value, list | tuple):
        return type(value)([*value[:key], item, *value[key + 1 :]])
    field = attrs.fields_dict(type(value))[key]
    if choose.random() < 0.6:  # by its class, as everybody makes it
        fields = {(one.alias or one.name): getattr(value, one.name) for one in attrs.fields(type(value)) if one.init}
        return type(value)(**{**fields, field.alias or field.name: item})
    changed = copy.copy(value)
    object.__setattr__(changed, field.name, item)  # behind the back of its class
    return changed


def _instead_of(choose: random.Random, value: Any) -> Any:
    """What somebody gives for a value: for the most part of its type, and at the edge of it."""
    if choose.random() < 0.3:
        return odd(choose)
    if isinstance(value, enum.Enum):
        return choose.choice([*type(value), value.value, "bogus"])
    if isinstance(value, bool):
        return not value
    if isinstance(value, str):
        return choose.choice([*WORDS, f"{value} ", f"{value}\0", value.upper(), value * 2])
    if isinstance(value, int | float | Decimal):
        return choose.choice([*NUMBERS, value + 1, -value])
    if isinstance(value, datetime.date):
        return choose.choice(TIMES)
    if isinstance(value, bytes):
        return choose.choice([b"", b"\xff\x00", b"x" * 100_000, "x"])
    if isinstance(value, Money):
        currency = choose.choice([value.currency, value.currency, "USD", "JPY", "KWD"])
        return Money(minor=choose.choice([0, 1, -1, -value.minor, value.minor + 1, 10**14]), currency=currency)
    if isinstance(value, Mapping):
        return choose.choice([{}, {**value, "mug": 1}, {"\0": 1}, dict.fromkeys(value, 0), list(value)])
    if isinstance(value, list | tuple):
        return choose.choice([(), [*value, *value], [*value, None], iter(value), "abc", {}])
    return odd(choose)
