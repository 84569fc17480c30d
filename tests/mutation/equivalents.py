"""What was changed in the rules without any test noticing, and the list of changes that nothing can notice."""

from __future__ import annotations

import difflib
import tomllib
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import attrs

EQUIVALENT = Path(__file__).parent / "equivalent.toml"
"""The changes that nothing can notice, and why of each; its first lines say how it is read."""


@attrs.frozen(order=True)
class Change:
    """A change of one place in a rule: ``function`` is its module and name, as in ``quote._between``; the lines that
    differ, ``before`` and ``after``, without their indentation, one a line."""

    function: str
    before: str
    after: str

    def __str__(self) -> str:
        lines = [f"    - {line}" for line in self.before.splitlines()]
        return "\n".join([f"  {self.function}", *lines, *[f"    + {line}" for line in self.after.splitlines()]])


def change_of(function: str, original: str, changed: str) -> Change:
    """The change between two texts of a function: all lines that one of them has and the other has not.

    >>> change_of("stock._same", "def _same():\\n    return 1", "def _same():\\n    return 2")
    Change(function='stock._same', before='return 1', after='return 2')
    """
    lines = list(difflib.ndiff(original.splitlines(), changed.splitlines()))
    before, after = ("\n".join(line[2:].strip() for line in lines if line.startswith(sign)) for sign in ("- ", "+ "))
    return Change(function, before, after)


@attrs.frozen
class Verdict:
    """``unproved`` changes stayed without a test that fails and are not named as equivalent; ``noticed`` ones are named
    so, and a test failed all the same or nobody makes them any more."""

    unproved: Sequence[Change]
    noticed: Sequence[Change]


def judge(survived: Iterable[Change], equivalent: Iterable[Change]) -> Verdict:
    """What survived against what is named: one name is for one change, also where two places are changed alike."""
    found, named = Counter(survived), Counter(equivalent)
    return Verdict(unproved=sorted((found - named).elements()), noticed=sorted((named - found).elements()))


def read_equivalents(file: Path = EQUIVALENT) -> list[Change]:
    """The changes that are named as equivalent. Raises ValueError where one has no reason."""
    groups: list[dict[str, Any]] = tomllib.loads(file.read_text(encoding="utf-8")).get("equivalent", [])
    for group in groups:
        if not str(group.get("why", "")).strip():
            raise ValueError(f"{file.name}: say why these are equivalent: {group}")
    return [Change(one["function"], one["before"], one["after"]) for group in groups for one in group["changes"]]
