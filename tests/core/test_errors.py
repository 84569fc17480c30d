"""Errors say what to do: give another argument, wait for a provider, or leave it, since the state forbids it."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import retour

CORE = Path(retour.__file__).parent


@pytest.mark.parametrize(
    "error, base",
    [
        (retour.WrongState, retour.NotPossibleNow),
        (retour.ProviderUnavailable, retour.NotPossibleNow),
        (retour.InvalidArgument, retour.InvalidReference),
        (retour.MissingRequestId, retour.RequestReused),
    ],
)
def test_an_error_is_caught_by_the_wider_name_too(error: type[Exception], base: type[Exception]) -> None:
    assert issubclass(error, base)


def test_what_is_not_possible_now_says_whether_the_state_or_a_provider_is_in_the_way() -> None:
    made = [
        f"{source}:{node.lineno}"
        for source in CORE.rglob("*.py")
        for node in ast.walk(ast.parse(source.read_text()))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "NotPossibleNow"
    ]
    assert made == []
