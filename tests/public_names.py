"""What a public value speaks of: the types of ours in its annotations, however deep."""

from __future__ import annotations

import ast
import importlib
import inspect
import sys
import types
import typing
from collections.abc import Iterator
from enum import Enum
from functools import cache, cached_property
from pathlib import Path
from typing import Any

import attrs

ATTRS = types.SimpleNamespace(**{**vars(attrs), "Attribute": list})
"""`attrs.Attribute` is generic for type checkers only."""


def is_ours(kind: object) -> bool:
    return isinstance(kind, type) and kind.__module__.partition(".")[0] == "retour"


def reachable(starts: dict[str, object]) -> dict[type, str]:
    """Every type of ours that a caller of ``starts`` can meet, with the way on which it was met first."""
    found: dict[type, str] = {}
    waiting = [(kind, path) for name, value in starts.items() for kind, path in spoken_of(value, name)]
    while waiting:
        kind, path = waiting.pop(0)
        if kind not in found:
            found[kind] = path
            waiting += members(kind, path)
    return found


def spoken_of(value: object, path: str) -> Iterator[tuple[type, str]]:
    """The types of ours that a public value is or speaks of: a class, a function, or anything else."""
    if isinstance(value, type):
        yield from in_annotation(value, path)
    elif isinstance(value, types.FunctionType):
        yield from in_signature(value, path)
    elif not isinstance(value, types.ModuleType):
        yield from in_annotation(type(value), path)


def members(kind: type, path: str) -> Iterator[tuple[type, str]]:
    """What the public members of a class speak of: fields, properties, methods, and how it is made."""
    if issubclass(kind, Enum):
        return
    for name, hint in hints(kind).items():
        if not name.startswith("_"):
            yield from in_annotation(hint, f"{path}.{name}")
    for owner in kind.__mro__:
        if is_ours(owner):
            for name, member in vars(owner).items():
                if not name.startswith("_") or name in ("__init__", "__call__", "__enter__", "__iter__"):
                    yield from in_member(member, f"{path}.{name}")


def in_member(member: object, path: str) -> Iterator[tuple[type, str]]:
    if isinstance(member, classmethod | staticmethod):
        member = member.__func__
    if isinstance(member, property):
        member = member.fget
    if isinstance(member, cached_property):
        member = member.func
    if isinstance(member, types.FunctionType):
        yield from in_signature(member, path)


def in_signature(function: types.FunctionType, path: str) -> Iterator[tuple[type, str]]:
    for name, hint in hints(inspect.unwrap(function)).items():
        yield from in_annotation(hint, f"{path}({name})" if name != "return" else f"{path}()")


def in_annotation(hint: object, path: str) -> Iterator[tuple[type, str]]:
    """The types of ours in an annotation, however deep: unions, generics, callables, bounds of variables."""
    if isinstance(hint, list | tuple):
        for one in hint:
            yield from in_annotation(one, path)
    elif isinstance(hint, typing.TypeVar):
        yield from in_annotation((hint.__bound__, *hint.__constraints__), path)
    else:
        if is_ours(hint):
            yield typing.cast("type", hint), path
        if parts := typing.get_args(hint):
            yield from in_annotation((typing.get_origin(hint), *parts), path)


def hints(thing: Any) -> dict[str, Any]:
    """The annotations of a class or a function, names that are imported for type checkers only included."""
    classes = [one for one in thing.__mro__ if is_ours(one)] if isinstance(thing, type) else [thing]
    names: dict[str, Any] = {"attrs": ATTRS}
    for one in classes:
        names |= for_type_checkers(one.__module__)
    return typing.get_type_hints(thing, localns=names)


def for_type_checkers(module: str) -> dict[str, Any]:
    """What a module imports under ``if TYPE_CHECKING:``."""
    source = sys.modules[module].__file__
    if source is None or "TYPE_CHECKING" not in (written := Path(source).read_text()):
        return {}
    return imported_for_type_checkers(written)


@cache
def imported_for_type_checkers(written: str) -> dict[str, Any]:
    """Each module is read once: it is asked of for every method in it."""
    names = {}
    for block in ast.walk(ast.parse(written)):
        if isinstance(block, ast.If) and "TYPE_CHECKING" in ast.dump(block.test):
            for node in block.body:
                if isinstance(node, ast.ImportFrom) and node.module is not None:
                    home = importlib.import_module(node.module)
                    names |= {alias.asname or alias.name: getattr(home, alias.name) for alias in node.names}
    return names
