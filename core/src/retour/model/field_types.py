"""What the fields of a class may hold, by its annotations: read once for each class, since they are texts."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache, reduce
from operator import or_
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin, get_type_hints


@cache
def limited_types_of(kind: Any) -> Mapping[str, Any]:
    """The types of a class's fields by their names, with how long and how large."""
    return get_type_hints(kind, include_extras=True)


@cache
def types_of(kind: Any) -> Mapping[str, Any]:
    """The same without how long and how large, which only checks ask for."""
    return {name: _without_limits(one) for name, one in limited_types_of(kind).items()}


def _without_limits(kind: Any) -> Any:
    if get_origin(kind) is Annotated:
        return _without_limits(get_args(kind)[0])
    arguments = get_args(kind)
    bare = tuple([_without_limits(one) for one in arguments])
    if bare == arguments:
        return kind
    return reduce(or_, bare) if get_origin(kind) in (Union, UnionType) else get_origin(kind)[bare]
