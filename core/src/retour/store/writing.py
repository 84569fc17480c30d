"""How a value is written: as what JSON knows, by the types of its fields. A field that holds its default is left out.

A function is written for each class when the first value of it is, as attrs writes ``__init__``. cattrs can do this
too, and takes several times as long to write one, which every process would pay for each class that it stores.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable, Mapping
from decimal import Decimal
from enum import Enum
from functools import cache
from operator import attrgetter
from types import NoneType, UnionType
from typing import Any, TypeAlias, Union, get_args, get_origin

import attrs

from retour.model.field_types import types_of
from retour.model.making import fields_of

Writer: TypeAlias = Callable[[Any], Any]
"""Gives what is written of a value."""


def as_plain(value: object) -> Any:
    """A value as texts, numbers, lists and mappings. What is nothing that we store stays as it is."""
    kind: Any = type(value)
    write = _writer_of(kind)
    return value if write is None else write(value)


@cache
def _writer_of(kind: Any) -> Writer | None:
    """How what has this type is written; None where it is written as it is."""
    origin, arguments = get_origin(kind) or kind, get_args(kind)
    if origin in (Union, UnionType):
        return _writer_of_several(arguments)
    if not isinstance(origin, type) or issubclass(origin, Enum):
        return attrgetter("value") if isinstance(origin, type) else as_plain
    if attrs.has(origin):
        return _writer_of_class(origin)
    if issubclass(origin, str | int):
        return None
    if issubclass(origin, datetime.date):
        return origin.isoformat
    if issubclass(origin, Decimal):
        return str
    if issubclass(origin, Mapping):
        return _writer_of_mapping(arguments)
    if issubclass(origin, frozenset):
        return sorted
    if issubclass(origin, tuple | list):
        return _writer_of_list(arguments)
    return None


def _writer_of_several(kinds: tuple[Any, ...]) -> Writer | None:
    """Of a value of one of these types: mostly one of them, or nothing."""
    others = [one for one in kinds if one is not NoneType]
    writers = {_writer_of(one) for one in others}
    if len(writers) > 1:
        return as_plain
    (write,) = writers
    return None if write is None else _or_nothing(write)


def _or_nothing(write: Writer) -> Writer:
    return lambda value: None if value is None else write(value)


def _writer_of_list(arguments: tuple[Any, ...]) -> Writer:
    write = _writer_of(arguments[0]) if arguments[1:] in ((), (Ellipsis,)) and arguments else as_plain
    return list if write is None else lambda several: [write(one) for one in several]


def _writer_of_mapping(arguments: tuple[Any, ...]) -> Writer:
    if arguments and all(_writer_of(one) is None for one in arguments):
        return dict
    return lambda given: {as_plain(key): as_plain(one) for key, one in given.items()}


def _writer_of_class(kind: type) -> Writer:
    types = types_of(kind)
    always, unless_default = [], []
    names: dict[str, Any] = {}
    for field in [one for one in fields_of(kind) if one.init]:
        name, write = field.name, _writer_of(types[field.name])
        names |= {f"_write_{name}": write, f"_default_{name}": field.default}
        written = f"value.{name}" if write is None else f"_write_{name}(value.{name})"
        if field.default is attrs.NOTHING:
            always.append(f"{name!r}: {written}")
            continue
        default = f"_default_{name}"
        if isinstance(field.default, _Factory):
            names[default] = field.default.factory
            default += "()"
        unless_default += [f"    if value.{name} != {default}:", f"        written[{name!r}] = {written}"]
    lines = ["def write(value):", f"    written = {{{', '.join(always)}}}", *unless_default, "    return written"]
    exec("\n".join(lines), names)  # noqa: S102 - of the names of fields, and nothing that came from outside
    written_out: Writer = names["write"]
    return written_out


_Factory: Any = type(attrs.Factory(dict))
