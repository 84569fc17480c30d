"""Words that a provider's plugin gave: read in the reader's language where its package has them in its catalogue."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from string import Formatter

from retour.model import provider_names
from retour.model.money import amount_or_words
from retour.model.text import Text, catalogue


def in_its_words(said: str) -> Text | str:
    """What somebody said, as it can stand in a sentence: one of a provider's package is read in the reader's language,
    though what is stored of it is its English; any other as it was given."""
    found = [one for package in provider_names.packages() if (one := _sentence_of(package, said))]
    return found[0] if found else said


def _sentence_of(package: str, words: str) -> Text | None:
    """The sentence of a package that makes these English words, with the values that stand in them."""
    fixed, with_values = _sentences(package)
    if words in fixed:
        return Text(message=words, domain=package)
    for message, shape in with_values:
        found = shape.fullmatch(words)
        if found is not None:
            values = {name: amount_or_words(value) for name, value in found.groupdict().items()}
            return Text(message=message, domain=package, values=values)
    return None


@lru_cache(maxsize=256)
def _sentences(package: str) -> tuple[frozenset[str], Sequence[tuple[str, re.Pattern[str]]]]:
    """The sentences that a package has in Dutch: those without values, and those with, each with the words around
    them. What has hardly any words is no sentence, and would be found in everything."""
    messages = [message for message, form in catalogue(package, "nl") if form == 0]
    shapes = [(one, [(literal, hole) for literal, hole, _, _ in Formatter().parse(one)]) for one in messages]
    return frozenset([one for one, parts in shapes if all(hole is None for _, hole in parts)]), [
        (one, _shape(parts))
        for one, parts in shapes
        if any(hole is not None for _, hole in parts) and sum(len(literal) for literal, _ in parts) > _HARDLY_ANY
    ]


def _shape(parts: Sequence[tuple[str, str | None]]) -> re.Pattern[str]:
    known: set[str] = set()
    shape = ""
    for literal, hole in parts:
        shape += re.escape(literal)
        if hole is not None:
            shape += f"(?P={hole})" if hole in known else f"(?P<{hole}>.+?)"
            known.add(hole)
    return re.compile(shape, re.DOTALL)


_HARDLY_ANY = 15
"""Characters of words; a sentence has more."""
