"""Reading lists from outside: only a list is one."""

from __future__ import annotations

from collections.abc import MutableSequence
from types import GenericAlias
from typing import Any, get_args, get_origin

from cattrs import Converter


def is_list_of_any_length(kind: Any) -> bool:
    """Whether a type is ``tuple[X, ...]``, as values that we keep have their lists, or ``list[X]``."""
    return get_origin(kind) is list or (get_origin(kind) is tuple and get_args(kind)[1:] == (Ellipsis,))


def from_a_list(kind: Any, converter: Converter) -> Any:
    """A hook that takes a list: a text would become its letters, each of them a secret that anybody guesses, and an
    empty object a list of nothing."""
    made = get_origin(kind)
    items: Any = GenericAlias(MutableSequence, get_args(kind)[:1])

    def structure(value: object, _: object) -> object:
        if not isinstance(value, list | tuple):
            raise TypeError("must be a list")
        return made(converter.structure(value, items))

    return structure
