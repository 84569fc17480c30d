"""Texts for people: an English sentence with values, shown in the reader's language.

A text is a value. It is written in English in the code, kept as its parts (message and values), and becomes words
only where somebody reads it: ``text.render("nl")``. The Dutch words live in gettext catalogues beside the package
that wrote the message (``locale/nl.po``), read as they are: there is no build step.
"""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any, Protocol, TypeAlias

import attrs

from retour.model.frozen import frozen
from retour.model.translations import translations_in

LANGUAGES = ("en", "nl")


class Renderable(Protocol):
    """A value that a reader of any language can be shown, as a `Text` or an amount of `Money` can."""

    def render(self, language: str = "en") -> str:
        """The value in words of ``language`` ("en" or "nl")."""


TextValue: TypeAlias = "str | int | datetime.date | datetime.datetime | Renderable | Sequence[Renderable | str]"


@frozen(kw_only=True)
class Text:
    """A sentence for a person, in a language that is chosen when it is read.

    ``message`` is the English sentence with ``{names}``; ``plural`` is its form for a ``count`` other than one;
    ``domain`` is the package whose catalogue translates it.
    """

    message: str
    domain: str = "retour"
    values: Mapping[str, Any] = attrs.field(factory=dict)
    plural: str | None = None
    count: int | None = None

    def render(self, language: str = "en") -> str:
        """The sentence in ``language`` ("en" or "nl"; any other gives English), money and dates by CLDR."""
        template = self._template(language)
        if self.values:
            template = template.format_map({name: _formatted(value, language) for name, value in self.values.items()})
        return template if can_be_stored(template) else that_can_be_stored(template)

    @property
    def readable(self) -> bool:
        """Whether it can be shown in every language: nothing is missing, and nothing in it fails."""
        kinds = [type(value) for value in self.values.values()]
        if not all(kind is str or hasattr(kind, "minor") for kind in kinds):  # another may fail for what it is
            return self._renders()
        shape = (self.message, self.plural, self.count == 1, self.domain, *self.values, *kinds)
        try:
            known = _READABLE.get(shape)
        except TypeError:  # a message or a domain that is no text
            return False
        if known is None:
            known = self._renders()
            if len(_READABLE) < _MOST_SHAPES:
                _READABLE[shape] = known
        return known

    def _renders(self) -> bool:
        try:
            return all(isinstance(self.render(language), str) for language in LANGUAGES)
        except Exception:  # noqa: BLE001 - a text can hold values of foreign code
            return False

    def _template(self, language: str) -> str:
        form = 0 if self.plural is None or self.count == 1 else 1
        translated = None if language == "en" else catalogue(self.domain, language).get((self.message, form))
        return translated or (self.plural if form and self.plural is not None else self.message)

    def __str__(self) -> str:
        return self.render("en")


_READABLE: dict[tuple[object, ...], bool] = {}
"""Which sentences can be shown, by their words and the types of their values, texts and amounts: the
same link is made again and again."""

_MOST_SHAPES = 10_000


def text(message: str, /, **values: TextValue) -> Text:
    """A sentence of the core: ``text("Order {order} is unknown.", order="1001")``."""
    return Text(message=message, values=values)


def texts(one: str, many: str, count: int, /, **values: TextValue) -> Text:
    """A sentence of the core that counts: ``texts("{count} unit", "{count} units", 3)``."""
    return Text(message=one, plural=many, count=count, values={"count": count, **values})


@frozen
class TextDomain:
    """The same two functions for the texts of another package: ``text = TextDomain("retour_mollie").text``."""

    package: str

    def text(self, message: str, /, **values: TextValue) -> Text:
        """A sentence of ``package``, translated by its ``locale/<language>.po``."""
        return Text(message=message, domain=self.package, values=values)

    def texts(self, one: str, many: str, count: int, /, **values: TextValue) -> Text:
        """A sentence of ``package`` that counts."""
        return Text(message=one, plural=many, count=count, domain=self.package, values={"count": count, **values})


def can_be_stored(words: str) -> bool:
    """Whether both databases keep a text: PostgreSQL has no place for a NUL, and no encoding for half a character."""
    if words.isascii():
        return "\0" not in words
    try:
        return b"\0" not in words.encode()
    except UnicodeEncodeError:
        return False


def that_can_be_stored(words: str) -> str:
    """The words with a question mark for each NUL and each half of a character.

    >>> that_can_be_stored("half \\ud83d")
    'half ?'
    """
    return words.encode(errors="replace").decode().replace("\0", "?")


def _formatted(value: Any, language: str) -> str:
    if isinstance(value, str):
        return value
    if value is None or isinstance(value, int):
        return str(value)
    if isinstance(value, datetime.datetime | datetime.date):
        return _formatted_date(value, language)
    if isinstance(value, Sequence):
        return ", ".join(_formatted(item, language) for item in value)
    return str(value.render(language))


def _formatted_date(value: datetime.date, language: str) -> str:
    from babel.dates import format_date, format_datetime

    if isinstance(value, datetime.datetime):
        return format_datetime(value, "d MMMM y HH:mm", tzinfo=value.tzinfo, locale=language)
    return format_date(value, "d MMMM y", locale=language)


@cache
def catalogue(domain: str, language: str) -> Mapping[tuple[str, int], str]:
    """The translations of ``domain``: (English message, plural form) to the sentence in ``language``."""
    from importlib.resources import files

    try:
        source = files(domain).joinpath("locale", f"{language}.po")
    except (ImportError, ValueError, TypeError):  # no package of this name, so nobody translated it
        return {}
    return translations_in(source.read_bytes()) if source.is_file() else {}
