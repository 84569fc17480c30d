"""Settings of plugins: checked all at once, with the path of every fault, and secrets never shown."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NoReturn, TypeVar

import attrs
from cattrs import Converter, transform_error
from cattrs.errors import BaseValidationError

_T = TypeVar("_T")


class Secret:
    """A key or password: masked wherever it is shown, and refused wherever it is written.

    >>> Secret("live_1234")
    Secret(***)
    >>> Secret("live_1234").reveal()
    'live_1234'
    """

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        if not isinstance(value, str) or not value.strip():
            raise ValueError("is empty")
        self._value = value.strip()

    def reveal(self) -> str:
        """The secret itself; only for the call that needs it."""
        return self._value

    def __repr__(self) -> str:
        return "Secret(***)"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and self._value == other._value

    def __hash__(self) -> int:
        return hash(self._value)

    def __reduce__(self) -> NoReturn:
        raise TypeError("a Secret is not written anywhere")


def _strict(kind: type) -> Any:
    def structure(value: object, _: object) -> object:
        if type(value) is not kind:
            raise TypeError(f"must be {_KIND_WORDS[kind]}")
        return value

    return structure


_KIND_WORDS = {str: "a text", int: "a whole number", bool: "true or false"}


def _no_writing(_: Secret) -> NoReturn:
    raise TypeError("a Secret is not written anywhere")


def _make_converter() -> Converter:
    converter = Converter(forbid_extra_keys=True)
    for kind in _KIND_WORDS:
        converter.register_structure_hook(kind, _strict(kind))
    converter.register_structure_hook(Secret, lambda value, _: value if isinstance(value, Secret) else Secret(value))
    converter.register_unstructure_hook(Secret, _no_writing)
    return converter


_converter = _make_converter()


def read_settings(kind: type[_T], given: object, path: str) -> tuple[_T | None, list[str]]:
    """Settings of type ``kind`` from what the host gave, or every fault in them: ``mollie.api_key: is missing``."""
    if isinstance(given, kind):
        return given, []
    if not isinstance(given, Mapping):
        return None, [f"{path}: must be a mapping of settings"]
    try:
        return _converter.structure(given, kind), []
    except BaseValidationError as error:
        return None, [_sentence(fault, path) for fault in transform_error(error, path, _fault)]


def _fault(error: BaseException, type_: object) -> str:
    """A fault in words that never repeat the value, which may be a secret."""
    del type_
    if isinstance(error, KeyError):
        return "is missing"
    if isinstance(error, ValueError | TypeError) and error.args:
        return str(error.args[0])
    return f"cannot be read ({type(error).__name__})"


def _sentence(fault: str, path: str) -> str:
    """``is missing @ mollie.api_key`` turned around: ``mollie.api_key: is missing``."""
    words, _, where = fault.rpartition(" @ ")
    return f"{where or path}: {words or fault}"


def choice(*allowed: str) -> Any:
    """A validator for a setting that takes one of a few words: ``attrs.field(validator=choice("live", "sandbox"))``."""

    def check(_: object, attribute: attrs.Attribute[str], value: str) -> None:
        if value not in allowed:
            raise ValueError(f"{attribute.name} must be one of {', '.join(allowed)}")

    return check
