"""One expression that tells whether a field holds what its annotation asks for, for nearly all values that are right.

A check is a function for each field and one more for each part of its annotation; a class of ten fields calls thirty of
them for every value that is made. Written out they are one function without a call. An expression may say no to what
is right all the same: the check is asked then, and it alone says what is wrong.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from enum import Enum
from types import NoneType, UnionType
from typing import Annotated, Any, Union, get_args, get_origin

import attrs

from retour.model.text import Text

FEW_DIGITS = 20
"""A decimal number of no more characters, and no more places before or behind its point, has few enough digits."""


def written_out(
    annotations: Mapping[str, Any], judge: Callable[[str, object], None], bounds: Mapping[type, Any]
) -> Callable[[object], None]:
    """A function that tests all fields of a value and has those judged that it says no to. ``bounds`` are those of
    texts and numbers whose annotation names none."""
    names: dict[str, Any] = {"judge": judge}
    lines = ["def test(value):"]
    for name, annotation in annotations.items():
        test = _test(annotation, "field", names, bounds)
        lines.append(f"    field = value.{name}")
        lines.append(f"    {'' if test is None else f'if not ({test}): '}judge({name!r}, field)")
    exec("\n".join(lines), names)  # noqa: S102 - of the names of fields, and nothing that came from outside
    test_all: Callable[[object], None] = names["test"]
    return test_all


def _test(kind: Any, value: str, names: dict[str, Any], bounds: Mapping[type, Any]) -> str | None:
    """An expression about the variable ``value``; None where there is no short one. What it needs is put in ``names``.

    It compares types: an object can say of itself that it is of any class, and `isinstance` believes it.
    """
    origin, parts = get_origin(kind), get_args(kind)
    if origin is Annotated:
        return _within(parts[0], parts[1], value, names)
    if origin in (Union, UnionType):
        return _any_of([_test(one, value, names, bounds) for one in sorted(parts, key=_nothing_first)])
    if origin is tuple and parts[1:] == (Ellipsis,):
        each = _test(parts[0], f"{value}_item", names, bounds)
        right = f"all([{each} for {value}_item in {value}])" if each is not None else f"not {value}"
        return f"type({value}) is tuple and {right}"
    if origin is frozenset:
        return f"type({value}) is frozenset and not {value}"
    if kind is None or kind is NoneType:
        return f"{value} is None"
    if kind in bounds:
        return _within(kind, bounds[kind], value, names)
    if kind is datetime.datetime:
        year = f"1 < {value}.year < {datetime.MAXYEAR}"
        return f"type({value}) is {_named(kind, names)} and {value}.tzinfo is {_named(datetime.UTC, names)} and {year}"
    if isinstance(kind, type) and (kind is bool or issubclass(kind, Enum) or _is_checked(kind)):
        return f"type({value}) is {_named(kind, names)}"
    return None


def _is_checked(kind: type) -> bool:
    """Whether all that its check asks of a value is its class."""
    return attrs.has(kind) and kind is not Text


def _within(kind: type, bounds: Any, value: str, names: dict[str, Any]) -> str | None:
    if kind is int:
        return f"type({value}) is int and {bounds.least} <= {value} <= {bounds.most}"
    if kind is Decimal:
        size = f"{value}.is_finite() and {bounds.least} <= {value} <= {bounds.most}"
        short = f"abs({value}.adjusted()) <= {FEW_DIGITS} and len(str({value})) <= {FEW_DIGITS}"
        return f"type({value}) is {_named(kind, names)} and {size} and {short}"
    if kind is not str:
        return None
    size = f"{bounds.least} <= len({value}) <= {bounds.most}"
    without = "".join([f" and {one!r} not in {value}" for one in f"\0{bounds.never}"])
    return f"type({value}) is str and {size} and {value}.isascii(){without}"


def _any_of(tests: Sequence[str | None]) -> str | None:
    short = [f"({test})" for test in tests if test is not None]
    return " or ".join(short) if short else None


def _nothing_first(kind: Any) -> bool:
    return kind not in (None, NoneType)


def _named(one: object, names: dict[str, Any]) -> str:
    name = f"_{len(names)}"
    names[name] = one
    return name
