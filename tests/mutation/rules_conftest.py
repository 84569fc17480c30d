"""What `mutation` has tests run with, in place of the `conftest.py` at the root: they are of rules, and need no tables.

What a rule says to a person is a sentence of the Dutch catalogue, with a value for each of its places.
`tests/test_catalogues.py` proves the same of the source, which nobody changes there.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from string import Formatter
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

RULES = "retour.rules."
"""Where sentences are looked at: tests make some of their own."""


def pytest_configure() -> None:
    """Random tests try the same examples each time: a change is noticed in each run, or in none."""
    unhurried = settings(deadline=None, derandomize=True, max_examples=50, suppress_health_check=list(HealthCheck))
    settings.register_profile("mutants", unhurried)
    settings.load_profile("mutants")


@pytest.fixture(autouse=True, scope="module")
def providers_have_their_names() -> Iterator[None]:
    """A sentence reads alike in every file of tests, whichever plugins those before it have loaded."""
    from retour.model import provider_names

    known = dict(provider_names._called)
    for name in ("Mollie", "PayPal", "Sendcloud", "Stripe"):
        provider_names.call(name.lower(), name, f"retour_{name.lower()}")
    provider_names.call("manual_transfer", "Bank transfer", "retour_manual_transfer")
    yield
    provider_names._called.clear()
    provider_names._called.update(known)


@pytest.fixture(autouse=True, scope="session")
def what_rules_say_is_in_the_catalogue() -> Iterator[None]:
    """Whichever test has a rule say something else fails. A sentence that is made without values is one that another
    place fills: it is looked at when it has them, and when it is said."""
    from retour.model.text import RetourError, Text, catalogue

    made: Any = Text.__init__
    raised: Any = RetourError.__init__

    def checked(self: Text, *arguments: Any, **given: Any) -> None:
        made(self, *arguments, **given)
        if _called_from_a_rule():
            message = self.message
            assert (message, 0) in catalogue("retour", "nl") or not _has_words(message), f"{message!r} has no Dutch"
            if self.values:
                _check_values(self)

    def said(self: RetourError, *arguments: Any, **given: Any) -> None:
        raised(self, *arguments, **given)
        if _called_from_a_rule():
            _check_values(self.message)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Text, "__init__", checked)
        patch.setattr(RetourError, "__init__", said)
        yield


def _check_values(told: Any) -> None:
    fields = {name for _, name, _, _ in Formatter().parse(told.message) if name}
    assert fields == set(told.values), f"{told.message!r} is told with {sorted(told.values)}"


def _has_words(message: str) -> bool:
    return any(literal.strip(" ()") for literal, _, _, _ in Formatter().parse(message))


_BETWEEN = frozenset({"retour.model.text", "attr._make", "attr._funcs"})
"""Whose frames are between a rule and what is made: of `text`, and of `attrs.evolve`."""


def _called_from_a_rule() -> bool:
    frame = sys._getframe(2)
    while frame.f_globals.get("__name__") in _BETWEEN and frame.f_back is not None:
        frame = frame.f_back
    return str(frame.f_globals.get("__name__")).startswith(RULES)
