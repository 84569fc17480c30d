"""Which language a reader is shown: that of his choice, or the one he prefers most of those that there are words in.

Dutch and English are retour's own. With `retour.add_catalogue` a host adds another, or says something in its own
words.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import TypeAlias

from retour.model.frozen import frozen

OWN = ("en", "nl")
"""The languages that there are words in wherever retour runs."""

Words: TypeAlias = "Callable[[str, int | None], str | None]"
"""What a host says: an English sentence, and the count where it counts, to the sentence in its language, or None."""

_MOST_PREFERRED = 50
"""Entries of a header that are looked at: a browser sends some five, and anybody can send a thousand."""


@frozen
class Reader:
    """How a reader is written to: ``words`` says whose catalogue, ``locale`` how CLDR writes amounts and dates."""

    words: str
    locale: str


_added: dict[str, Words] = {}
"""Never changed, but replaced: readers go through it while a host adds to it."""


def languages() -> tuple[str, ...]:
    """Every language that there are words in, retour's own first: ``("en", "nl")`` where no host added one.

    >>> languages()[:2]
    ('en', 'nl')
    """
    return (*OWN, *(language for language in _added if language not in OWN))


def preferred_language(asked: str | Iterable[str] | None) -> str:
    """The language to show a reader who prefers ``asked``, for every method that takes one: English where nothing of it
    is spoken. Never raises.

    ``asked`` is a locale as a browser, a user's profile or an environment writes it, several in the reader's order, or
    a whole ``Accept-Language`` header (RFC 9110, section 12.5.4). The region stays: it says how amounts are written.

    >>> preferred_language("nl-BE"), preferred_language("NL"), preferred_language("nl_NL.UTF-8")
    ('nl_BE', 'nl', 'nl_NL')
    >>> preferred_language("fr-CH, fr;q=0.9, nl;q=0.8, en;q=0.7")
    'nl'
    >>> preferred_language(["fr", "tlh"]), preferred_language(None)
    ('en', 'en')
    """
    for one in _in_order(asked):
        reader = reader_of(one)
        if reader is not None:
            return reader.locale
    return "en"


def in_the_hosts_words(message: str, count: int | None, reader: Reader) -> str | None:
    """A sentence as a host's own catalogue has it, for the reader's region or else for his language; None where none
    has it. ``count`` is None for a sentence that does not count."""
    for language in (reader.locale, reader.words) if _added else ():
        said = _added.get(language)
        words = None if said is None else said(message, count)
        if words is not None:
            return words
    return None


def speak(locale: str, words: Words) -> None:
    """Let readers of a locale read what ``words`` has, in every desk of this process."""
    global _added
    _added = {**_added, locale: words}
    reader_of.cache_clear()


def spellings(language: str) -> tuple[str, ...]:
    """A language as hosts write it in tables of their own, the nearest first: ``nl_BE``, ``nl-BE``, ``nl``."""
    locale = locale_of(language) or language
    return tuple(dict.fromkeys((language, locale, locale.replace("_", "-"), locale.partition("_")[0])))


@lru_cache(maxsize=256)
def reader_of(language: str) -> Reader | None:
    """The reader of a language, however it is written; None where there are no words in it."""
    if language in OWN:  # as nearly always, and Babel takes long to load
        return Reader(language, language)
    locale = locale_of(language)
    if locale is None:
        return None
    for words in (locale, locale.partition("_")[0]):
        if words in OWN or words in _added:
            return Reader(words, locale)
    return None


def locale_of(asked: str) -> str | None:
    """The locale that CLDR has for an identifier, or for its language alone; None where it knows neither."""
    from babel import Locale, UnknownLocaleError

    identifier = asked.strip().partition(".")[0].partition("@")[0].replace("-", "_")
    if identifier.upper() in ("C", "POSIX"):
        return None
    for one in (identifier, identifier.partition("_")[0]):
        try:
            return str(Locale.parse(one))
        except (ValueError, TypeError, UnknownLocaleError):
            continue
    return None


def _in_order(asked: str | Iterable[str] | None) -> Iterable[str]:
    """What is preferred, most of all first."""
    if asked is None:
        return ()
    if not isinstance(asked, str):
        return [one for one in asked if isinstance(one, str)]
    weighed = [_weighed(one) for one in asked.split(",", _MOST_PREFERRED)[:_MOST_PREFERRED]]
    return [one for one, weight in sorted(weighed, key=lambda of: -of[1]) if weight > 0]


def _weighed(entry: str) -> tuple[str, float]:
    """An entry of an ``Accept-Language`` header and its quality value, 1 where it has none, 0 where that is none."""
    language, _, parameter = entry.partition(";")
    name, _, given = parameter.partition("=")
    if name.strip().lower() != "q":
        return language, 1.0
    try:
        weight = float(given)
    except ValueError:
        return language, 0.0
    return language, weight if 0 <= weight <= 1 else 0.0
