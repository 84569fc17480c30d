"""Words that a provider's plugin gave: read in the reader's language where its package has them in its catalogue."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from string import Formatter

from retour.model import provider_names
from retour.model.frozen import frozen
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
    for sentence in with_values:
        found = _values_between(sentence, words)
        if found is not None:
            values = {name: amount_or_words(value) for name, value in found.items()}
            return Text(message=sentence.message, domain=package, values=values)
    return None


@frozen
class _Sentence:
    """A message with values: what stands before, between and after them, and their names."""

    message: str
    literals: Sequence[str]
    names: Sequence[str]


@lru_cache(maxsize=256)
def _sentences(package: str) -> tuple[frozenset[str], Sequence[_Sentence]]:
    """The sentences that a package has in Dutch: those without values, and those with, each with the words around
    them. What has hardly any words is no sentence, and would be found in everything."""
    read = [_read(message) for message, form in catalogue(package, "nl") if form == 0]
    sentences = [one for one in read if one is not None]
    fixed = frozenset([one.message for one in sentences if not one.names])
    return fixed, [one for one in sentences if one.names and sum(map(len, one.literals)) > _HARDLY_ANY]


def _read(message: str) -> _Sentence | None:
    """A message of somebody's catalogue; None for one that no values can be put in."""
    try:
        parts = [(literal, name) for literal, name, _, _ in Formatter().parse(message)]
    except ValueError:  # a brace alone
        return None
    names = [name for _, name in parts if name is not None]
    literals = [literal for literal, _ in parts] + [""] * (len(names) + 1 - len(parts))
    return _Sentence(message, literals, names) if all(map(str.isidentifier, names)) else None


def _values_between(sentence: _Sentence, words: str) -> Mapping[str, str] | None:
    """What stands between the words of a sentence, each value as short as it can be; None where it is not that one.
    Nothing is looked through twice: words from outside can be long."""
    first, *following = sentence.literals
    if not (words.startswith(first) and words.endswith(sentence.literals[-1])):
        return None
    values: dict[str, str] = {}
    at, last = len(first), len(words) - len(sentence.literals[-1])
    for place, (name, literal) in enumerate(zip(sentence.names, following, strict=True), start=1):
        end = last if place == len(following) else words.find(literal, at + 1, last)
        if end <= at or values.setdefault(name, words[at:end]) != words[at:end]:
            return None
        at = end + len(literal)
    return values


_HARDLY_ANY = 15
"""Characters of words; a sentence has more."""
