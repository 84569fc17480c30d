"""The reasons for a return that a host offers its customers: one list, or one for each of its shops."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

from retour.model.asking import asking
from retour.model.errors import InvalidArgument
from retour.model.return_reasons import ReturnReason
from retour.model.text import text

ReturnReasons: TypeAlias = Sequence[ReturnReason] | Callable[[str], Sequence[ReturnReason]]
"""A list of reasons, or a function from a shop's id to its list."""


def return_reasons_of(given: ReturnReasons | None) -> Callable[[str], tuple[ReturnReason, ...] | None]:
    """The list of the shop with an id; None where the host has none. Raises `InvalidArgument` for what is no list of
    reasons: at once, or when a function gives it."""
    if given is None:
        return lambda _: None
    if not callable(given):
        listed = _checked(given)
        return lambda _: listed
    function: Callable[[str], Any] = given

    def of(shop_id: str) -> tuple[ReturnReason, ...] | None:
        with asking("the function of the return reasons", shop_id, most=1):
            found = function(shop_id)
        return None if found is None else _checked(found)

    return of


def _checked(given: Any) -> tuple[ReturnReason, ...]:
    try:
        listed = None if issubclass(type(given), str) else tuple(given)
    except Exception as error:  # whatever a host has handed over
        raise _no_list(type(given).__name__) from error
    if listed is None or any(type(one) is not ReturnReason for one in listed):
        raise _no_list(type(given).__name__ if listed is None else [type(one).__name__ for one in listed])
    codes = [one.code for one in listed]
    twice = [code for code in dict.fromkeys(codes) if codes.count(code) > 1]
    if twice:
        raise InvalidArgument(
            text("return_reasons= has {codes} more than once. Give each reason a code of its own.", codes=twice)
        )
    return listed


def _no_list(given: str | list[str]) -> InvalidArgument:
    return InvalidArgument(
        text(
            "return_reasons= is a list of ReturnReason values, or a function from a shop's id to one, and no {given}.",
            given=given,
        )
    )
