"""The keys of an object that is read: those that it needs are there, and none that nobody knows."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from retour.model.fields import fault_of, shown
from retour.model.text import text
from retour.plain.shapes import Json, Misfit, at, wanted


def keys_of(given: Json, needed: Collection[str], others: Collection[str] | None) -> dict[str, Json]:
    """An object with all keys that are ``needed``, and no other than these and the ``others``; None: any others."""
    if not issubclass(type(given), dict):
        raise wanted(text("an object"), given)
    for key in given:
        if type(key) is not str or (others is not None and key not in needed and key not in others):
            raise _unknown(key, [*needed, *(others or ())])
    for key in needed:
        if key not in given:
            raise missing(key)
    return dict(given)


def missing(key: str, *, personal: bool = False) -> Misfit:
    """The misfit that a key is not there; with what to do where it was left out for being about a person."""
    if personal:
        return Misfit(
            lambda where: text(
                "{path}.{key} is missing. It is about a person: to_dict writes it with personal=True.",
                path=where,
                key=key,
            )
        )
    return Misfit(lambda where: text("{path}.{key} is missing.", path=where, key=key))


def _unknown(key: object, known: list[str]) -> Misfit:
    name = shown(key) if type(key) is str else type(key).__name__
    return Misfit(lambda where: text("{path} has no “{key}”. It has: {keys}.", path=where, key=name, keys=known))


def plain_at(keys: dict[str, Json], key: str, kind: Any, default: Any = None) -> Any:
    """What stands at a key that JSON has a type for: a text or a number, or what is there where nothing is said."""
    given = keys.get(key, default)
    if fault_of("", given, kind) is not None:
        with at(f".{key}"):
            raise Misfit(lambda where: fault_of(where, given, kind) or text("nothing"))
    return given


def check_beside(keys: dict[str, Json]) -> None:
    """What was written beside a value for a screen is passed over, and is texts all the same."""
    if "text" in keys and type(keys["text"]) is not str:
        with at(".text"):
            raise wanted(text("a text"), keys["text"])
    with at(".in_words"):
        for name, words in keys_of(keys.get("in_words", {}), (), None).items():
            if type(words) is not str:
                with at(f".{shown(name)}"):
                    raise wanted(text("a text"), words)
