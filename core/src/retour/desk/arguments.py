"""What a desk and its methods are called with, checked before anything happens: all of it here, by annotation."""

from __future__ import annotations

import datetime
import inspect
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial, wraps
from math import isfinite
from typing import Any, TypeVar, get_type_hints

import attrs
from sqlalchemy import Engine

from retour.effects.pruning import SHORTEST_KEPT
from retour.model.asking import asking
from retour.model.errors import InvalidArgument, InvalidSettings
from retour.model.fields import Id, check_again, fault_of, shown
from retour.model.labels import USUALLY_FOLLOWS, ParcelState, WhatFollows
from retour.model.parcels import Address
from retour.model.text import Text, text

_T = TypeVar("_T", bound=type)

_HAVE_THEIR_OWN = frozenset(
    [
        *("self", "by", "request_id", "lines", "amount", "connection", "headers", "goods", "stock", "state"),
        *("waits_for", "reason", "stop"),
    ]
)
"""Arguments that are refused with errors and words of their own, where they are first used."""

_NEVER_RAISE = frozenset(["check_settings"])
"""Methods that answer whatever they are called with."""


# --- methods ---------------------------------------------------------------------------------------------


def arguments_checked(kind: _T) -> _T:
    """Every public method of a class is called with arguments that its annotations allow, or raises
    `InvalidArgument`; values in them are what their classes allow, however they were made."""
    for name, method in inspect.getmembers(kind, inspect.isfunction):
        if not name.startswith("_") and name not in _NEVER_RAISE:
            setattr(kind, name, _checked(method))
    return kind


def _checked(method: Callable[..., Any]) -> Callable[..., Any]:
    faults = _Faults(method)

    @wraps(method)
    def call(*given: Any, **named: Any) -> Any:
        fault, called = faults.first(given, named), [partial(method, *given, **named)]
        if fault is None:
            check_values([*given[1:], *named.values()])
        del given, named  # a host may log the variables of an error's frames, and a note is about a person
        if fault is not None:
            raise InvalidArgument(fault)
        return called.pop()()

    return call


class _Faults:
    """What is wrong with the arguments of a method."""

    def __init__(self, method: Callable[..., Any]) -> None:
        self._method = method
        self._names: Sequence[str] = ()
        self._kinds: dict[str, Any] | None = None

    def first(self, given: Sequence[object], named: Mapping[str, object]) -> Text | None:
        """The first argument that its annotation does not allow, in a sentence; None where there is none."""
        if self._kinds is None:  # when it is first called: annotations are texts, and cost something to read
            hints = get_type_hints(self._method, localns={"Session": object})  # imported for type checkers only
            self._names = tuple(inspect.signature(self._method).parameters)
            self._kinds = {name: kind for name, kind in hints.items() if name not in _HAVE_THEIR_OWN}
        arguments = {**dict(zip(self._names, given, strict=False)), **named}
        for name, value in arguments.items():
            fault = fault_of(name, value, self._kinds[name]) if name in self._kinds else None
            if fault is not None:
                order = arguments.get("order_id")
                of_an_order = name != "order_id" and isinstance(order, str)
                return text("Order {order}: {fault}", order=shown(order), fault=fault) if of_an_order else fault
        return None


def check_values(arguments: Iterable[object]) -> None:
    """Raise what the class of a value refuses with, for one that was made behind its back: a host can set a field past
    it, or turn the checks of attrs off."""
    for given in arguments:
        for one in given if type(given) in (list, tuple) else (given,):  # type: ignore[attr-defined]  # as was asked
            if attrs.has(type(one)):
                check_again(one)


def check_shop_id(given: object) -> None:
    """Raise `InvalidArgument` for what is no shop's id."""
    _check("shop_id", given, Id)


def _check(name: str, value: object, kind: Any) -> None:
    fault = fault_of(name, value, kind)
    if fault is not None:
        raise InvalidArgument(fault)


def header_names_and_values(given: Any) -> dict[str, str]:
    """A request's headers. Raises `InvalidArgument` for what is no mapping of texts, as those of an ASGI request are
    before somebody decodes them."""
    try:
        headers = dict(given.items())
    except Exception:  # noqa: BLE001 - whatever a host has handed over
        headers = {None: given}
    if all(issubclass(type(one), str) for pair in headers.items() for one in pair):
        return headers
    raise InvalidArgument(text("headers must be a mapping of texts to texts: decode their names and values."))


# --- the desk itself -------------------------------------------------------------------------------------


def check_store(given: object) -> None:
    """Raise `InvalidArgument` for what is neither an address nor an engine."""
    if not isinstance(given, Engine):
        _check("store", given, str)


def check_settings(given: object) -> None:
    """Raise `InvalidSettings` for what is neither settings nor a function that gives them."""
    if given is not None and not callable(given) and not issubclass(type(given), Mapping):
        raise InvalidSettings(
            text(
                "settings= is a mapping of provider name to its settings, or a function from a shop's id to one, "
                "and no {given}.",
                given=type(given).__name__,
            )
        )


def listed_plugins(given: Any) -> list[object]:
    """The plugins that were named. Raises `InvalidArgument` for what is no list of them, and for a None in it."""
    if issubclass(type(given), str):
        return given  # type: ignore[no-any-return]  # the registry refuses it, and says what to write
    try:
        listed = list(given)
    except Exception as error:
        raise InvalidArgument(
            text(
                'plugins= is a list of names and plugin objects, plugins=["mollie"], and no {given}.',
                given=type(given).__name__,
            )
        ) from error
    if any(one is None for one in listed):
        raise InvalidArgument(
            text("plugins= has a None in it: is there a function that makes a plugin and returns none?")
        )
    return listed


def check_seconds(given: Any) -> None:
    """Raise `InvalidArgument` for what is no number of seconds, zero or more."""
    if type(given) not in (int, float) or not isfinite(given) or given < 0:
        raise InvalidArgument(
            text("inline_seconds= is a number of seconds, 0 or more, not {given}.", given=shown(given))
        )


def check_keep_done(given: Any) -> None:
    """Raise `InvalidArgument` for what is no time, or shorter than effects have to be kept."""
    _check("keep_done_effects", given, datetime.timedelta)
    if given < SHORTEST_KEPT:
        raise InvalidArgument(
            text(
                "keep_done_effects= is {days} days at least: what a webhook said is known again by its effect, and "
                "providers send one again for weeks.",
                days=SHORTEST_KEPT.days,
            )
        )


def check_migrate(given: object) -> None:
    """Raise `InvalidArgument` for what is neither yes, no nor None."""
    _check("migrate", given, bool | None)


def check_clock(given: Any) -> None:
    """Raise `InvalidArgument` for a clock that does not tell the time with its zone."""
    try:
        told = given()
    except Exception as error:
        raise _no_clock(given) from error
    if not issubclass(type(told), datetime.datetime) or told.utcoffset() is None:
        raise _no_clock(told)


def check_elapsed(given: Any) -> None:
    """Raise `InvalidArgument` for what does not tell how many seconds went by."""
    try:
        told = given()
    except Exception as error:
        raise _no_elapsed(given) from error
    if type(told) not in (int, float) or not isfinite(told):
        raise _no_elapsed(told)


def _no_elapsed(given: object) -> InvalidArgument:
    return InvalidArgument(
        text(
            "elapsed= is a function that gives the seconds that go by as a number, as time.monotonic does, and no "
            "{given}.",
            given=type(given).__name__,
        )
    )


def _no_clock(given: object) -> InvalidArgument:
    return InvalidArgument(
        text(
            "clock= is a function that gives the time with its zone, as datetime.now(UTC) does, and no {given}.",
            given=type(given).__name__,
        )
    )


def return_address_of(given: Any) -> Callable[[str], Address | None]:
    """Where the goods of each shop come back to. Raises `InvalidArgument` for what is neither an address nor a function
    that gives one."""
    if given is None or type(given) is Address:
        return lambda _: given
    if not callable(given):
        raise InvalidArgument(
            text(
                "return_address is an Address, or a function from a shop's id to one, not {given}.",
                given=type(given).__name__,
            )
        )

    def ask(shop_id: str) -> Address | None:
        with asking("the return_address function", shop_id):
            found = given(shop_id)
        if found is not None and type(found) is not Address:
            raise InvalidArgument(
                text(
                    "The return_address function gave {given}. It gives an Address, or None where goods come back "
                    "nowhere.",
                    given=type(found).__name__,
                )
            )
        return found

    return ask


def parcel_steps_of(given: Any) -> Callable[[str], Mapping[ParcelState, WhatFollows]]:
    """What follows from the steps of a shop's parcels: what the host says, else the usual. Raises `InvalidArgument`."""
    if not callable(given):
        _check_steps(given)
        return lambda _: {**USUALLY_FOLLOWS, **(given or {})}

    def ask(shop_id: str) -> Mapping[ParcelState, WhatFollows]:
        with asking("the parcel_steps function", shop_id):
            found = given(shop_id)
        _check_steps(found)
        return {**USUALLY_FOLLOWS, **(found or {})}

    return ask


def _check_steps(given: Any) -> None:
    fault = fault_of("parcel_steps", given, Mapping[ParcelState, WhatFollows] | None)
    if fault is not None:
        raise InvalidArgument(fault)
