"""What a field of a value may hold: its annotation says so, and it is checked when the value is made.

`checked` gives every field of a class the check that its annotation asks for, and the annotations here say what a type
alone does not: how long, how large. What nobody could store or read again is refused where it comes in. What is read
back from the store was checked when it was made: `retour.model.making` makes it without asking again.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from decimal import Decimal
from enum import Enum
from functools import cache
from types import FunctionType, NoneType, UnionType
from typing import Annotated, Any, TypeAlias, TypeGuard, TypeVar, Union, get_args, get_origin

import attrs

from retour.model.errors import InvalidValue
from retour.model.field_types import limited_types_of, types_of
from retour.model.frozen import frozen
from retour.model.making import fields_of, is_shared
from retour.model.quick_tests import written_out
from retour.model.text import Text, can_be_stored, text

_T = TypeVar("_T")

Wanted: TypeAlias = tuple[Text, object]
"""What must be there, and what is there instead: the value, or the one in it that is wrong."""

Check: TypeAlias = Callable[[object], Wanted | None]
"""None where a value is right."""

Refusal: TypeAlias = Callable[[Text], Exception]
"""Makes the error for a field that holds what it cannot."""


# --- what annotations say --------------------------------------------------------------------------------


@frozen
class Characters:
    """A text of so many characters, none of them in ``never``."""

    least: int
    most: int
    never: str = ""


@frozen
class Between:
    """A number from ``least`` to ``most``, both included."""

    least: int
    most: int


LONGEST_ID = 255
"""Characters of an id or a reference. Three of them, each character four bytes, fit a row of an index in PostgreSQL."""

LONGEST_WORDS = 10_000
"""Characters of what somebody wrote or said."""

MOST_UNITS = 10**9
"""Units of one product in one place."""

Id: TypeAlias = Annotated[str, Characters(1, LONGEST_ID)]
"""What names something: never empty."""

Reference: TypeAlias = Annotated[str, Characters(0, LONGEST_ID)]
"""What may name something, or a short text; empty where there is none."""

PluginName: TypeAlias = Annotated[str, Characters(1, 64, never=":/")]
"""What a provider's plugin is called: the id of a payment begins with it."""

Units: TypeAlias = Annotated[int, Between(0, MOST_UNITS)]
"""A number of units."""

LARGEST_INTEGER = 2**63 - 1
"""The largest whole number that both databases keep."""

_WORDS = Characters(0, LONGEST_WORDS)
_INTEGER = Between(-LARGEST_INTEGER, LARGEST_INTEGER)
_DECIMAL = Between(-(10**12), 10**12)
_UNLESS_NAMED: Mapping[type, Characters | Between] = {str: _WORDS, int: _INTEGER, Decimal: _DECIMAL}
"""The bounds of a field whose annotation names none."""

_OFTEN = 20
"""How many values of a class are made before its checks are written out, which costs about as much as fifty of them."""

_MOST_DIGITS = 28
"""Digits with which Python counts decimals unless it is told otherwise."""


# --- values that check themselves ------------------------------------------------------------------------


def checked(refuse: Refusal = InvalidValue) -> Callable[[type, list[attrs.Attribute[Any]]], list[attrs.Attribute[Any]]]:
    """A ``field_transformer`` of attrs: every field of the class is checked, and ``refuse`` makes the error.

    >>> @attrs.frozen(kw_only=True, field_transformer=checked())
    ... class Parcel:
    ...     id: Id
    >>> Parcel(id="")
    Traceback (most recent call last):
    ...
    retour.model.errors.InvalidValue: Parcel.id must be a text of 1 to 255 characters..., not an empty text.
    """

    def transform(kind: type, fields: list[attrs.Attribute[Any]]) -> list[attrs.Attribute[Any]]:
        names = [field.name for field in fields]
        transformed = []
        for field in fields:
            validator = _validator(kind, names, refuse) if field.name == names[-1] else None
            converter = field.converter or _converter(str(field.type))
            as_it_is = validator is field.validator and converter is field.converter  # to evolve one takes its time
            transformed.append(field if as_it_is else field.evolve(validator=validator, converter=converter))
        return transformed

    return transform


def check_again(value: object) -> None:
    """Check a value all over, and what is in it, as if it were made now; raises what its class refuses with.

    For what foreign code hands over: it may have been made behind the back of its class.
    """
    kind: Any = type(value)
    again = _again_of(kind)
    if again is not None:
        again(value)


@cache
def _again_of(kind: type) -> Callable[[Any], None] | None:
    """How values of a class are checked again; None where nothing is in them that was checked when it was made."""
    if issubclass(kind, Mapping):
        return _each_again(lambda given: (*given.keys(), *given.values()))
    if issubclass(kind, list | tuple | set | frozenset):
        return _each_again(lambda given: given)
    if attrs.has(kind) and not issubclass(kind, Text):
        return _fields_again(kind)
    return None


def _each_again(items: Callable[[Any], Iterable[object]]) -> Callable[[Any], None]:
    def again(value: Any) -> None:
        for item in items(value):
            check_again(item)

    return again


def _fields_again(kind: type) -> Callable[[Any], None]:
    """Each field, then what is in each, and then the value as a whole, which reads what is in its fields."""
    validators = [(field, field.name, field.validator) for field in fields_of(kind) if field.validator is not None]
    hints = types_of(kind) if validators else {}  # of which something is known once they were checked
    names = [field.name for field in fields_of(kind) if not is_shared(hints.get(field.name))]
    as_a_whole = getattr(kind, "__attrs_post_init__", None)

    def again(value: Any) -> None:
        for field, name, validator in validators:
            validator(value, field, getattr(value, name))
        for name in names:  # those in whose values something was checked
            held: Any = getattr(value, name)
            kind_of_held: Any = type(held)
            held_again = _again_of(kind_of_held)
            if held_again is not None:
                held_again(held)
        if as_a_whole is not None:
            as_a_whole(value)

    return again


def wanted_instead(value: object, kind: Any) -> Text | None:
    """What an annotation asks for in place of ``value``; None where the value is that."""
    wanted = _check_of(kind)(value)
    return None if wanted is None else wanted[0]


def fault_of(name: str, value: object, kind: Any) -> Text | None:
    """The sentence that ``name`` holds ``value`` in place of what an annotation asks for; None where it may."""
    wanted = _check_of(kind)(value)
    return None if wanted is None else _fault(name, wanted)


def typed_alike(one: str, other: str) -> bool:
    """Whether two references are the same where a person typed one of them: capitals are no difference.

    >>> typed_alike("RE_4711", "re_4711"), typed_alike("re_4711", "re_4712")
    (True, False)
    """
    return without_case(one) == without_case(other)


def without_case(name: str) -> str:
    """A name as it is compared where neither blanks nor capitals tell two of them apart."""
    return " ".join(name.split()).casefold()


def shown(value: object) -> str:
    """A value of a caller in a sentence for him: short, and whatever it is."""
    try:
        words = str(value)
    except Exception:  # noqa: BLE001 - an error about a value is not to fail over it
        return type(value).__name__
    return words if len(words) <= 60 else f"{words[:60]}…"


def _converter(annotation: str) -> Callable[[Any], Any] | None:
    """What makes a field's value one that nobody can change, and that is equal to the one that is read back."""
    for beginning, convert in _CONVERTERS.items():
        if annotation.startswith(beginning):
            return _annotated(convert, annotation)
    return None


def _annotated(convert: FunctionType, annotation: str) -> Callable[[Any], Any]:
    """The same, with the annotation of its field, which attrs gives to the argument of ``__init__``."""
    convert_field = FunctionType(convert.__code__, convert.__globals__, convert.__name__)
    convert_field.__annotations__ = {"given": annotation}
    return convert_field


def as_tuple(given: Iterable[_T]) -> tuple[_T, ...]:
    """A list as a tuple, and all else as it is: what it is instead, the field's own check tells."""
    return tuple(given) if isinstance(given, list) else given  # type: ignore[return-value]  # the check refuses it


def as_frozenset(given: Iterable[_T]) -> frozenset[_T]:
    """A set, list or tuple as a frozenset, and all else as it is: the field's own check tells what can be in no set."""
    if isinstance(given, set | list | tuple):
        with suppress(Exception):  # what is in it can fail at being put there
            return frozenset(given)
    return given  # type: ignore[return-value]  # the check refuses it


def _as_utc(given: Any) -> Any:
    if type(given) is datetime.datetime and given.tzinfo is datetime.UTC:
        return given
    if isinstance(given, datetime.datetime) and given.tzinfo is not None:
        with suppress(OverflowError, ValueError, TypeError):  # the check tells of a time that is none
            return given.astimezone(datetime.UTC)
    return given


_CONVERTERS: Mapping[str, Any] = {"tuple[": as_tuple, "frozenset[": as_frozenset, "datetime.datetime": _as_utc}
"""By how an annotation begins: they are all texts (PEP 563)."""


def _validator(kind: type, names: Sequence[str], refuse: Refusal) -> Callable[[Any, Any, Any], None]:
    """Checks all fields of a value. It is the validator of the last one: attrs calls it when all of them are set, and
    one call for a value costs half of what one for each field does."""
    checks: dict[str, Check] = {}
    seen = 0
    test: Callable[[object], None] | None = None

    def judge(name: str, held: object) -> None:
        wanted = checks[name](held)
        if wanted is not None:
            raise refuse(_fault(f"{kind.__name__}.{name}", wanted)) from None

    def one_by_one(value: object) -> None:
        """Annotations are read when the first value is made: they can name what is defined further down."""
        nonlocal test, seen
        if not checks:
            hints = limited_types_of(kind)
            checks.update({name: _check_of(hints[name]) for name in names})
        seen += 1
        if seen >= _OFTEN:
            hints = limited_types_of(kind)
            test = written_out({name: hints[name] for name in names}, judge, _UNLESS_NAMED)
        for name in names:
            judge(name, getattr(value, name))

    def validate(value: object, _: object, __: object) -> None:
        (test or one_by_one)(value)

    return validate


def _fault(field: str, wanted: Wanted) -> Text:
    return text("{field} must be {wanted}, not {given}.", field=field, wanted=wanted[0], given=given_instead(wanted[1]))


def given_instead(value: Any) -> Text | str:
    """What was given in place of what is wanted: its kind, for it may be a secret or about a person."""
    if issubclass(type(value), str):
        return text("a text of {count} characters", count=len(value)) if value else text("an empty text")
    if value is None:
        return text("nothing")
    if issubclass(type(value), int):
        return shown(value)
    return type(value).__name__


# --- checks ----------------------------------------------------------------------------------------------
# They ask for the type of a value: an object can say of itself that it is of any class, and `isinstance` believes it.


@cache
def _check_of(kind: Any) -> Check:
    """The check that an annotation asks for."""
    origin = get_origin(kind)
    if kind is Any or getattr(kind, "_is_protocol", False):
        return lambda _: None
    if kind is None or kind is NoneType:
        return _nothing
    if origin is Annotated:
        return _bounded(*get_args(kind))
    if origin in (Union, UnionType):
        return _one_of([_check_of(one) for one in get_args(kind)])
    if origin is Callable:
        return _function
    if isinstance(origin, type) and issubclass(origin, Mapping):
        return _mapping(*[_check_of(one) for one in get_args(kind)])
    if origin is not None:
        return _several(origin, _check_of(get_args(kind)[0]))
    return _plain(kind)


def _plain(kind: type) -> Check:
    if kind in (str, int, Decimal):
        return _bounded(kind, _UNLESS_NAMED[kind])
    if issubclass(kind, Enum):
        return _member(kind)
    found: Check | None = {datetime.datetime: _time, datetime.date: _day, Text: _readable}.get(kind)
    return found if found is not None else _instance(kind)


def _bounded(kind: type, bounds: Any) -> Check:
    if kind is str:
        return _words(bounds)
    return _whole(bounds) if kind is int else _decimal(bounds)


def is_text(value: object) -> TypeGuard[str]:
    """Whether a value is a text, or of a kind of text that is compared as one: a framework's safe text is, and one that
    has its own idea of being equal is not."""
    kind = type(value)
    return kind is str or (issubclass(kind, str) and kind.__eq__ is str.__eq__ and kind.__hash__ is str.__hash__)


def _words(bounds: Characters) -> Check:
    least, most, never = bounds.least, bounds.most, bounds.never

    def check(value: Any) -> Wanted | None:
        if type(value) is str and not never and least <= len(value) <= most and value.isascii() and "\0" not in value:
            return None  # nearly all of them are such
        fits = is_text(value) and least <= len(value) <= most and can_be_stored(value)
        if fits and not (never and set(never) & set(value)):
            return None
        wanted = text(
            "a text of {least} to {most} characters, none of them a NUL or half a character", least=least, most=most
        )
        return text("{wanted}, nor one of {never}", wanted=wanted, never=never) if never else wanted, value

    return check


def _whole(bounds: Between) -> Check:
    least, most = bounds.least, bounds.most

    def check(value: object) -> Wanted | None:
        if type(value) is int and least <= value <= most:
            return None
        return text("a whole number from {least} to {most}", least=least, most=most), value

    return check


def _decimal(bounds: Between) -> Check:
    least, most = bounds.least, bounds.most

    def check(value: Any) -> Wanted | None:
        finite = issubclass(type(value), Decimal) and value.is_finite() and least <= value <= most
        if finite and max(len(value.as_tuple().digits), abs(value.adjusted())) <= _MOST_DIGITS:
            return None
        return text('a decimal number from {least} to {most}, as in Decimal("21")', least=least, most=most), value

    return check


def _time(value: Any) -> Wanted | None:
    if (
        issubclass(type(value), datetime.datetime)
        and value.utcoffset() is not None
        and 1 < value.year < datetime.MAXYEAR
    ):
        return None
    return text("a time with its zone"), value


def _day(value: object) -> Wanted | None:
    if issubclass(type(value), datetime.date) and not issubclass(type(value), datetime.datetime):
        return None
    return text("a calendar day, a date without a time"), value


def _readable(value: Any) -> Wanted | None:
    return (
        None
        if issubclass(type(value), Text) and value.readable
        else (text("a Text that every language can show"), value)
    )


def _function(value: object) -> Wanted | None:
    return None if callable(value) and not isinstance(value, type) else (text("a function"), value)


def _nothing(value: object) -> Wanted | None:
    return None if value is None else (text("nothing"), value)


def _member(kind: type[Enum]) -> Check:
    wanted = text("one of {choices}", choices=[f"{kind.__name__}.{one.name}" for one in kind])
    return lambda value: None if issubclass(type(value), kind) else (wanted, value)


def _instance(kind: type) -> Check:
    wanted = text("{kind} as it is made by its class", kind=kind.__name__)
    if kind is bool:
        wanted = text("true or false")
    if attrs.has(kind):  # a kind of its own is never equal to what is read back
        return lambda value: None if type(value) is kind else (wanted, value)
    return lambda value: None if issubclass(type(value), kind) else (wanted, value)


def _one_of(checks: list[Check]) -> Check:
    optional = _nothing in checks

    def check(value: object) -> Wanted | None:
        if value is None and optional:  # before a sentence is made of what else it could be
            return None
        wanted: Wanted | None = None
        for one in checks:
            instead = one(value)
            if instead is None:
                return None
            wanted = instead if wanted is None else (text("{one} or {other}", one=wanted[0], other=instead[0]), value)
        return wanted

    return check


def _several(kind: Any, of_each: Check) -> Check:
    def check(value: Any) -> Wanted | None:
        if not issubclass(type(value), kind) or issubclass(type(value), str | bytes):
            return text("a {kind}", kind=kind.__name__), value
        for item in value:
            wanted = of_each(item)
            if wanted is not None:
                return text("a {kind} in which each is {wanted}", kind=kind.__name__, wanted=wanted[0]), wanted[1]
        return None

    return check


def _mapping(of_key: Check, of_value: Check) -> Check:
    def check(value: Any) -> Wanted | None:
        if not issubclass(type(value), Mapping):
            return text("a mapping"), value
        for key, item in value.items():
            wanted = of_key(key)
            if wanted is not None:
                return text("a mapping in which each key is {wanted}", wanted=wanted[0]), wanted[1]
            wanted = of_value(item)
            if wanted is not None:
                return text("a mapping in which each value is {wanted}", wanted=wanted[0]), wanted[1]
        return None

    return check
