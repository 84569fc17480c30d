"""Values made of what was checked before: from the store, of another value, or apart from it. Nothing is checked again.

Each of these functions is written for its class, as attrs writes ``__init__``, so that folding an order costs what it
would cost without checks. It makes a value of a class of its own, whose fields can be set as those of any object, and
then gives it to the frozen one: that is several times faster than to go round what freezes each field.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from enum import Enum
from functools import cache
from types import NoneType, UnionType
from typing import Any, TypeVar, Union, get_args, get_origin

import attrs

from retour.model.field_types import types_of
from retour.model.frozen import frozen

_T = TypeVar("_T")


def unchecked(kind: type[_T]) -> Callable[..., _T]:
    """Makes values of an attrs class from fields that were checked before, and does not check them again.

    `attrs.validators.disabled` would do it for all threads at once.
    """
    fields = fields_of(kind)
    defaults = {field.name: field.default for field in fields if field.default is not attrs.NOTHING}
    factories = {name: default.factory for name, default in defaults.items() if isinstance(default, _Factory)}
    takes, sets = [], []
    for field in fields:
        name = field.alias or field.name
        if field.name in factories:
            takes.append(f"{name}=_nothing")
            anew = "{}" if factories[field.name] is dict else f"_factories[{field.name!r}]()"
            sets.append(_set(field.name, f"{anew} if {name} is _nothing else {name}"))
        else:
            takes.append(f"{name}=_defaults[{field.name!r}]" if field.name in defaults else name)
            sets.append(_set(field.name, name))
    if all(field.kw_only for field in fields):
        takes.insert(0, "*")
    given = {"_nothing": attrs.NOTHING, "_defaults": defaults, "_factories": factories}
    return _makes(kind, ", ".join(takes), sets, given)


@frozen
class Reading:
    """How one field is read: what is of one of these types stands there ``as_it_is``, what is ``known`` stands for
    something, and all else is given to ``read``, together with the field's ``kind``."""

    kind: Any
    as_it_is: tuple[type, ...]
    known: Mapping[Any, Any]
    read: Callable[[Any, Any], Any]


def unchecked_from(kind: type[_T], readings: Mapping[str, Reading]) -> Callable[[Mapping[str, Any], Any], _T]:
    """Makes values of an attrs class from mappings by the names of its fields, as `unchecked` does from arguments.

    Keys that are no field are passed over; raises KeyError where a field that has no default is missing. What it makes
    takes a second argument and has no use for it, as cattrs' hooks do.
    """
    given: dict[str, Any] = {}
    sets = []
    for field in fields_of(kind):
        name, reading = field.name, readings[field.name]
        given |= {f"_kind_{name}": reading.kind, f"_read_{name}": reading.read, f"_known_{name}": reading.known}
        tests = ["value is None" if one is NoneType else f"type(value) is {one.__name__}" for one in reading.as_it_is]
        read = f"_read_{name}(value, _kind_{name})"
        if reading.known:
            read = f"_known_{name}[value] if type(value) is str and value in _known_{name} else {read}"
        read = f"value if {' or '.join(tests)} else {read}" if tests else read
        lines = [f"    value = given[{name!r}]", _set(name, read)]
        if field.default is not attrs.NOTHING:
            default: Any = field.default
            made_anew = isinstance(default, _Factory)
            given[f"_default_{name}"] = default.factory if made_anew else default
            lines = [f"    if {name!r} in given:", *[f"    {line}" for line in lines]]
            lines += ["    else:", f"    {_set(name, f'_default_{name}()' if made_anew else f'_default_{name}')}"]
        sets += lines
    return _makes(kind, "given, _", sets, given)


def changed(value: _T, **fields: Any) -> _T:
    """A value with other ``fields``, as `attrs.evolve` gives it, where all of them were checked before: nothing is
    checked again."""
    kind: Any = type(value)
    made: Any = _copy_to_change(kind)(value)
    for name, field in fields.items():
        setattr(made, name, field)
    made.__class__ = kind
    whole: _T = made
    return whole


def apart(value: _T) -> _T:
    """A value equal to this one that shares nothing which could be written into, however deep it lies.

    For whatever crosses to foreign code or comes from it: `object.__setattr__` writes into a frozen value all the same,
    at once or much later. What cannot be written into (texts, numbers, times, members of enums) is shared.
    """
    kind: Any = type(value)
    made: _T = _copy_of(kind)(value)
    return made


@cache
def _copy_to_change(kind: Any) -> Callable[[Any], Any]:
    """Copies a value to one that is still being made."""
    sets = [_set(field.name, f"value.{field.name}") for field in fields_of(kind)]
    return _makes(kind, "value", sets, {}, whole=False)


@cache
def _copy_of(kind: Any) -> Callable[[Any], Any]:
    if attrs.has(kind):
        return _copy_of_fields(kind)
    if issubclass(kind, Mapping):
        return lambda given: {key: apart(item) for key, item in given.items()}
    for several in (tuple, list, set, frozenset):
        if issubclass(kind, several):
            return _copy_of_several(several)
    return lambda given: given


def _copy_of_several(kind: Callable[[list[Any]], Any]) -> Callable[[Any], Any]:
    return lambda given: kind([apart(item) for item in given])


def _copy_of_fields(kind: type) -> Callable[[Any], Any]:
    """Written out for the class, as `unchecked` is; what a field may hold by its annotation says if it is shared."""
    types = types_of(kind)
    sets = [
        _set(field.name, f"given.{field.name}" if is_shared(types[field.name]) else f"_apart(given.{field.name})")
        for field in fields_of(kind)
    ]
    return _makes(kind, "given", sets, {"_apart": apart})


def is_shared(kind: Any) -> bool:
    """Whether a field of this annotation holds nothing that could be written into."""
    if get_origin(kind) in (Union, UnionType):
        return all(is_shared(one) for one in get_args(kind))
    if get_origin(kind) in (frozenset, tuple):
        return all(one is Ellipsis or is_shared(one) for one in get_args(kind))
    plain = (str, int, bool, bytes, Decimal, NoneType, datetime.date, datetime.timedelta)
    return kind in plain or (isinstance(kind, type) and issubclass(kind, Enum | datetime.date))


def _set(name: str, value: str) -> str:
    """The line that sets a field."""
    return f"    made.{name} = {value}"


def _makes(
    kind: type[_T], takes: str, sets: Iterable[str], given: Mapping[str, Any], *, whole: bool = True
) -> Callable[..., _T]:
    """A function that makes values of ``kind``, written as attrs writes ``__init__``: of the names of its fields. Those
    that are not to be ``whole`` yet are of the class whose fields can be set."""
    lines = [
        f"def make({takes}):",
        "    made = _new(_unfinished)",
        *sets,
        *(["    made.__class__ = _kind"] if whole else []),
        "    return made",
    ]
    names: dict[str, Any] = {"_new": object.__new__, "_unfinished": unfinished(kind), "_kind": kind, **given}
    exec("\n".join(lines), names)  # noqa: S102 - of the names of fields, and nothing that came from outside
    make: Callable[..., _T] = names["make"]
    make.__name__, make.__qualname__, make.__module__ = kind.__name__, kind.__qualname__, kind.__module__
    return make


class _Unfrozen:
    """What makes the fields of a subclass of a frozen class ones that can be set; whatever that says of subclasses."""

    __slots__ = ()
    __setattr__ = object.__setattr__
    __delattr__ = object.__delattr__

    def __init_subclass__(cls) -> None:
        pass


def unfinished(kind: type) -> Any:
    """The class of a value that is still being made: its fields can be set, until ``kind`` becomes its class."""
    return type(kind)(kind.__name__, (_Unfrozen, kind), {"__slots__": (), "__module__": kind.__module__})


_Factory: Any = type(attrs.Factory(dict))


def fields_of(kind: Any) -> tuple[attrs.Attribute[Any], ...]:
    """The fields of an attrs class."""
    fields: tuple[attrs.Attribute[Any], ...] = attrs.fields(kind)
    return fields
