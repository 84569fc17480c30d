"""The shape of a type in JSON: how its values are written, how they are read, and its schema, said in one place.

A shape is made of a type's annotation, so that the three cannot differ. What does not fit is a `Misfit`: whoever holds
it adds where it is, and `retour.plain.conversion` makes a sentence of it.
"""

from __future__ import annotations

import base64
import binascii
import datetime
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from decimal import Decimal
from enum import Enum
from typing import Any, Protocol, TypeAlias

from retour.model.fields import fault_of, given_instead, shown
from retour.model.frozen import frozen
from retour.model.text import Text, text

Json: TypeAlias = Any
"""What `json.dumps` writes: dicts with texts as keys, lists, texts, whole numbers, true, false and null."""


@frozen(kw_only=True)
class Extras:
    """What a caller wants to have: ``personal`` data too, and the words of a ``language`` beside the values."""

    personal: bool = False
    language: str | None = None


class Shape(Protocol):
    """How a type looks in JSON."""

    @property
    def about_a_person(self) -> bool:
        """Whether no value of it can be made without personal data."""

    def plain(self, value: Any, extras: Extras, /) -> Json:
        """A value as JSON. Raises `Misfit`."""

    def value(self, given: Json, /) -> Any:
        """The value that JSON stands for. Raises `Misfit`."""

    def schema(self, named: Definitions, /) -> dict[str, Json]:
        """Its JSON Schema, draft 2020-12."""


class Definitions(Protocol):
    """The definitions of a schema."""

    def refer(self, kind: type | str, schema: Callable[[Definitions], dict[str, Json]]) -> dict[str, Json]:
        """A reference to the definition of a class, or of what is called so; made when it is first referred to."""


class Misfit(Exception):
    """Something does not fit its shape: ``way`` leads to it, the innermost first, ``say`` tells what is wrong there."""

    def __init__(self, say: Callable[[str], Text]) -> None:
        super().__init__()
        self.say = say
        self.way: list[str] = []

    def under(self, step: str) -> Misfit:
        """The same, one step further out."""
        self.way.append(step)
        return self

    def sentence(self, start: str) -> Text:
        """What is wrong, and where."""
        return self.say(start + "".join(reversed(self.way)))


def wanted(what: Text, given: object) -> Misfit:
    """The misfit that ``what`` is wanted, and something else given: its kind is told, for it may be about a person."""
    return Misfit(
        lambda where: text(
            "{field} must be {wanted}, not {given}.", field=where, wanted=what, given=given_instead(given)
        )
    )


@contextmanager
def at(step: str) -> Iterator[None]:
    """What does not fit inside is at this step of the way."""
    try:
        yield
    except Misfit as misfit:
        raise misfit.under(step) from None


# --- what JSON has by itself -----------------------------------------------------------------------------


@frozen(kw_only=True)
class AsItIs:
    """A text, a whole number, true or false, or nothing: of the type ``kind``, within the bounds of ``annotation``."""

    kind: type
    annotation: Any
    bounds: Mapping[str, Json]
    about_a_person: bool = False

    def plain(self, value: Any, _: Extras, /) -> Json:
        """The value itself, of JSON's own type: no member of an enum, no marked text of a framework."""
        return _own(self.kind, self.value(value))

    def value(self, given: Json, /) -> Any:
        """The same."""
        if fault_of("", given, self.annotation) is not None:
            raise Misfit(lambda where: fault_of(where, given, self.annotation) or text("nothing"))
        return given

    def schema(self, _: Definitions, /) -> dict[str, Json]:
        """Its type and its bounds."""
        return dict(self.bounds)


def _own(kind: type, value: Any) -> Any:
    return str.__str__(value) if kind is str else value


# --- what is written as a text ---------------------------------------------------------------------------


@frozen(kw_only=True)
class Written:
    """A value that JSON has no type for, written as a text. ``read`` raises ValueError for a text that is none."""

    annotation: Any
    write: Callable[[Any], str]
    read: Callable[[str], Any]
    what: Text
    described: Mapping[str, Json]
    about_a_person: bool = False

    def plain(self, value: Any, _: Extras, /) -> Json:
        """Its text."""
        self._check(value, value)
        try:
            return self.write(value)
        except (OverflowError, ValueError):  # a time before the first day
            raise wanted(self.what, value) from None

    def value(self, given: Json, /) -> Any:
        """What the text stands for."""
        if not issubclass(type(given), str) or len(given) > _LONGEST.get(self.annotation, 100):
            raise wanted(self.what, given)
        try:
            value = self.read(str.__str__(given))
        except (ValueError, ArithmeticError):
            raise wanted(self.what, given) from None
        self._check(value, given)
        return value

    def _check(self, value: Any, given: Any) -> None:
        if fault_of("", value, self.annotation) is not None:
            raise wanted(self.what, given)

    def schema(self, _: Definitions, /) -> dict[str, Json]:
        """A text of a format."""
        return {"type": "string", **self.described}


_LONGEST: Mapping[Any, int] = {bytes: 100_000_000}
"""Characters of a text that is read at all; a hundred for whatever is not named."""

_TIME = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,6})?(Z|[+-][0-9]{2}:[0-9]{2})")
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_NUMBER = re.compile(r"-?[0-9]+(\.[0-9]+)?")
_PERIOD = re.compile(r"(-?)P([0-9]{1,9})DT([0-9]{1,5})(\.[0-9]{6})?S")


def _matching(pattern: re.Pattern[str], given: str) -> re.Match[str]:
    found = pattern.fullmatch(given)
    if found is None:
        raise ValueError(given)
    return found


def write_time(value: datetime.datetime) -> str:
    """A time in UTC (RFC 3339)."""
    return value.astimezone(datetime.UTC).replace(tzinfo=None).isoformat() + "Z"


def read_time(given: str) -> datetime.datetime:
    """A time with its zone, in UTC. Raises ValueError."""
    return datetime.datetime.fromisoformat(_matching(_TIME, given)[0]).astimezone(datetime.UTC)


def read_day(given: str) -> datetime.date:
    """A calendar day. Raises ValueError."""
    return datetime.date.fromisoformat(_matching(_DAY, given)[0])


def _write_period(value: datetime.timedelta) -> str:
    """Days and seconds, the form of ISO 8601 that has no months.

    >>> _write_period(datetime.timedelta(days=45)), _write_period(datetime.timedelta(hours=1))
    ('P45DT0S', 'P0DT3600S')
    """
    sign, size = ("-", -value) if value < datetime.timedelta(0) else ("", value)
    fraction = f".{size.microseconds:06}" if size.microseconds else ""
    return f"{sign}P{size.days}DT{size.seconds}{fraction}S"


def _read_period(given: str) -> datetime.timedelta:
    sign, days, seconds, fraction = _matching(_PERIOD, given).groups()
    size = datetime.timedelta(days=int(days), seconds=int(seconds), microseconds=int((fraction or ".0")[1:]))
    return -size if sign else size


def _read_bytes(given: str) -> bytes:
    try:
        return base64.b64decode(given, validate=True)
    except binascii.Error:
        raise ValueError from None


WRITTEN: Mapping[Any, Written] = {
    datetime.datetime: Written(
        annotation=datetime.datetime,
        write=write_time,
        read=read_time,
        what=text("a time with its zone, as in 2026-11-23T12:00:00Z"),
        described={"format": "date-time", "pattern": f"^{_TIME.pattern}$"},
    ),
    datetime.date: Written(
        annotation=datetime.date,
        write=datetime.date.isoformat,
        read=read_day,
        what=text("a calendar day, as in 2026-11-23"),
        described={"format": "date", "pattern": f"^{_DAY.pattern}$"},
    ),
    datetime.timedelta: Written(
        annotation=datetime.timedelta,
        write=_write_period,
        read=_read_period,
        what=text("a period of days and seconds, as in P45DT0S"),
        described={"format": "duration", "pattern": f"^{_PERIOD.pattern}$"},
    ),
    Decimal: Written(
        annotation=Decimal,
        write=lambda value: f"{value:f}",
        read=lambda given: Decimal(_matching(_NUMBER, given)[0]),
        what=text("a decimal number in a text, as in 21.5"),
        described={"pattern": f"^{_NUMBER.pattern}$"},
    ),
    bytes: Written(
        annotation=bytes,
        write=lambda value: base64.b64encode(value).decode(),
        read=_read_bytes,
        what=text("bytes in Base64"),
        described={"contentEncoding": "base64"},
    ),
}


# --- one of a few ----------------------------------------------------------------------------------------


@frozen(kw_only=True)
class Member:
    """A member of an enum, by its value."""

    kind: type[Enum]
    members: Mapping[str, Enum]
    about_a_person: bool = False

    def plain(self, value: Any, _: Extras, /) -> Json:
        """The value of the member."""
        if type(value) is not self.kind:
            raise self._wanted(value)
        return str.__str__(value.value)

    def value(self, given: Json, /) -> Any:
        """The member of this value. Other than in what is stored, one that is not known is refused."""
        member = self.members.get(given) if type(given) is str else None
        if member is None:
            raise self._wanted(given)
        return member

    def _wanted(self, given: object) -> Misfit:
        names = [f"“{one}”" for one in self.members]
        few = names if len(names) <= _MOST_CHOICES else [*names[:_MOST_CHOICES], "…"]
        return wanted(text("one of {choices}", choices=few), given)

    def schema(self, named: Definitions, /) -> dict[str, Json]:
        """All values that there are."""
        return named.refer(self.kind, lambda _: {"type": "string", "enum": list(self.members)})


_MOST_CHOICES = 12


@frozen(kw_only=True)
class ClassName:
    """A class of a provider, by the provider's name: it can be shown, and nobody makes a class of a name."""

    about_a_person: bool = False

    def plain(self, value: Any, _: Extras, /) -> Json:
        """The provider's name."""
        return str(value.name)

    def value(self, _: Json, /) -> Any:
        """Never anything."""
        raise Misfit(lambda where: text("{path} names a class, which is written and not read.", path=where))

    def schema(self, _: Definitions, /) -> dict[str, Json]:
        """A text."""
        return {"type": "string", "readOnly": True}


@frozen(kw_only=True)
class OrNothing:
    """A value of a shape, or null."""

    shape: Shape
    about_a_person: bool = False

    def plain(self, value: Any, extras: Extras, /) -> Json:
        """Null for nothing."""
        return None if value is None else self.shape.plain(value, extras)

    def value(self, given: Json, /) -> Any:
        """None for null."""
        return None if given is None else self.shape.value(given)

    def schema(self, named: Definitions, /) -> dict[str, Json]:
        """Either."""
        return {"anyOf": [self.shape.schema(named), {"type": "null"}]}


# --- several ---------------------------------------------------------------------------------------------


@frozen(kw_only=True)
class Several:
    """A tuple or a frozenset, as a list. A set is written in the order of its texts, so that equal ones look alike."""

    kind: type[tuple[Any, ...]] | type[frozenset[Any]]
    each: Shape

    @property
    def about_a_person(self) -> bool:
        """Whether its items are."""
        return self.each.about_a_person

    def plain(self, value: Any, extras: Extras, /) -> Json:
        """A list."""
        if not issubclass(type(value), self.kind):
            raise wanted(text("a {kind}", kind=self.kind.__name__), value)
        items = of_each(self.each.plain, value, extras)
        return sorted(items) if self.kind is frozenset else items

    def value(self, given: Json, /) -> Any:
        """What the list stands for; raises `Misfit` for what is twice in a set."""
        if not issubclass(type(given), list):
            raise wanted(text("a list"), given)
        made = self.kind(of_each(self.each.value, given))
        if self.kind is frozenset and len(made) != len(given):
            raise wanted(text("a list in which nothing is twice"), given)
        return made

    def schema(self, named: Definitions, /) -> dict[str, Json]:
        """An array."""
        unique = {"uniqueItems": True} if self.kind is frozenset else {}
        return {"type": "array", "items": self.each.schema(named), **unique}


def of_each(do: Callable[..., Any], items: Iterable[Any], *more: Any) -> list[Any]:
    """What comes of each item; the place of one that does not fit is on its way."""
    found = []
    for place, item in enumerate(items):
        try:
            found.append(do(item, *more))
        except Misfit as misfit:
            raise misfit.under(f"[{place}]") from None
    return found


@frozen(kw_only=True)
class Row:
    """A tuple of so many values, each of its own shape, as a list."""

    shapes: tuple[Shape, ...]

    @property
    def about_a_person(self) -> bool:
        """Whether one of them is."""
        return any(shape.about_a_person for shape in self.shapes)

    def plain(self, value: Any, extras: Extras, /) -> Json:
        """A list of as many."""
        pairs = self._pairs(value, tuple)
        return of_each(lambda pair: pair[0].plain(pair[1], extras), pairs)

    def value(self, given: Json, /) -> Any:
        """The tuple."""
        return tuple(of_each(lambda pair: pair[0].value(pair[1]), self._pairs(given, list)))

    def _pairs(self, given: Any, kind: type) -> list[tuple[Shape, Any]]:
        if not issubclass(type(given), kind) or len(given) != len(self.shapes):
            raise wanted(text("a list of {count}", count=len(self.shapes)), given)
        return list(zip(self.shapes, given, strict=True))

    def schema(self, named: Definitions, /) -> dict[str, Json]:
        """An array of as many."""
        each = [shape.schema(named) for shape in self.shapes]
        return {"type": "array", "prefixItems": each, "minItems": len(each), "maxItems": len(each)}


@frozen(kw_only=True)
class Table:
    """A mapping whose keys are texts, or members of an enum."""

    key: Shape
    each: Shape

    @property
    def about_a_person(self) -> bool:
        """Whether what is in it is."""
        return self.each.about_a_person

    def plain(self, value: Any, extras: Extras, /) -> Json:
        """An object, in the order of the mapping."""
        if not issubclass(type(value), Mapping):
            raise wanted(text("a mapping"), value)
        return self._pairs(value, lambda shape, one: shape.plain(one, extras))

    def value(self, given: Json, /) -> Any:
        """A dict."""
        if not issubclass(type(given), dict):
            raise wanted(text("an object"), given)
        return self._pairs(given, lambda shape, one: shape.value(one))

    def _pairs(self, given: Mapping[Any, Any], convert: Callable[[Shape, Any], Any]) -> dict[Any, Any]:
        found = {}
        for key, item in given.items():
            try:
                found[convert(self.key, key)] = convert(self.each, item)
            except Misfit as misfit:
                raise misfit.under(f"[“{shown(key)}”]") from None
        return found

    def schema(self, named: Definitions, /) -> dict[str, Json]:
        """An object with any keys that fit."""
        return {
            "type": "object",
            "propertyNames": self.key.schema(named),
            "additionalProperties": self.each.schema(named),
        }
