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


@pytest.fixture(autouse=True, scope="session")
def what_rules_say_is_in_the_catalogue() -> Iterator[None]:
    """Whichever test has a rule say something else fails."""
    from retour.model.text import Text, catalogue

    made: Any = Text.__init__

    def checked(self: Text, *arguments: Any, **given: Any) -> None:
        made(self, *arguments, **given)
        if _called_from_a_rule():
            message = self.message
            fields = {name for _, name, _, _ in Formatter().parse(message) if name}
            assert (message, 0) in catalogue("retour", "nl") or not _has_words(message), f"{message!r} has no Dutch"
            assert fields == set(self.values), f"{message!r} is told with {sorted(self.values)}"

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Text, "__init__", checked)
        yield


def _has_words(message: str) -> bool:
    return any(literal.strip(" ()") for literal, _, _, _ in Formatter().parse(message))


def _called_from_a_rule() -> bool:
    frame = sys._getframe(2)
    if frame.f_globals.get("__name__") == "retour.model.text" and frame.f_back is not None:
        frame = frame.f_back
    return str(frame.f_globals.get("__name__")).startswith(RULES)
