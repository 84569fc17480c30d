"""Texts for people: an English sentence with values, shown in the reader's language.

A text is a value. It is written in English in the code, kept as its parts (message and values), and becomes words
only where somebody reads it: ``text.render("nl")``. The Dutch words live in gettext catalogues beside the package
that wrote the message (``locale/nl.po``), read as they are: there is no build step.
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any, Protocol, TypeAlias

import attrs

from retour.model import languages, provider_names
from retour.model.frozen import frozen
from retour.model.languages import OWN, Reader
from retour.model.translations import translations_in


class Renderable(Protocol):
    """A value that a reader of any language can be shown, as a `Text` or an amount of `Money` can."""

    def render(self, language: str = "en") -> str:
        """The value in words of ``language``, as `Text.render` takes it."""


TextValue: TypeAlias = "str | int | datetime.date | datetime.datetime | Renderable | Sequence[Renderable | str]"


@frozen(kw_only=True)
class Text:
    """A sentence for a person, in a language that is chosen when it is read."""

    message: str
    """The English sentence, with the names of its values in braces."""

    domain: str = "retour"
    """The package whose catalogue translates it: the folder ``locale`` beside its code."""

    values: Mapping[str, Any] = attrs.field(factory=dict)
    """What stands in the braces: names, amounts, dates, numbers, or other texts. A ``{provider}`` is given by the name
    of its plugin (``manual_transfer``) and a ``{payment}`` by its `Payment.id`; people read what the provider calls
    itself."""

    plural: str | None = None
    """The English sentence for every ``count`` but one; None where nothing is counted."""

    count: int | None = None
    """The number that chooses between the two; None where nothing is counted."""

    def render(self, language: str = "en") -> str:
        """The sentence in ``language``, money and dates as CLDR writes them there: "en", "nl", one of these with a
        region as in "nl-BE", or one that the host added. Raises `UnknownLanguage` for any other; what a reader only
        prefers goes through `preferred_language` first."""
        reader = speaking(language)
        template = self._template(reader)
        if self.values:
            say = _SAY_IN_THE_CORE if self.domain == "retour" else _SAY
            values = {name: localised(_as_said(say, name, value), reader.locale) for name, value in self.values.items()}
            template = template.format_map(values)
        return template if can_be_stored(template) else that_can_be_stored(template)

    def in_zone(self, zone: datetime.tzinfo) -> Text:
        """The same sentence with its times as the clocks of a ``zone`` show them.

        >>> noon = text("Tried again from {time}", time=datetime.datetime(2026, 11, 23, 11, 0, tzinfo=datetime.UTC))
        >>> noon.in_zone(datetime.timezone(datetime.timedelta(hours=1))).render("en")
        'Tried again from 23 November 2026 12:00'
        """
        there = {name: _in_zone(value, zone) for name, value in self.values.items()}
        same = all(there[name] is value for name, value in self.values.items())
        return self if same else attrs.evolve(self, values=there)

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
            return all(isinstance(self.render(language), str) for language in OWN)
        except Exception:  # noqa: BLE001 - a text can hold values of foreign code
            return False

    def _template(self, reader: Reader) -> str:
        own = languages.in_the_hosts_words(self.message, None if self.plural is None else self.count, reader)
        if own is not None:
            return own
        form = 0 if self.plural is None or self.count == 1 else 1
        translated = None if reader.words == "en" else catalogue(self.domain, reader.words).get((self.message, form))
        return translated or (self.plural if form and self.plural is not None else self.message)

    def __str__(self) -> str:
        return self.render("en")


_READABLE: dict[tuple[object, ...], bool] = {}
"""Which sentences can be shown, by their words and the types of their values, texts and amounts: the
same link is made again and again."""

_MOST_SHAPES = 10_000


class RetourError(Exception):
    """The base of all errors of retour; catch it to show a merchant the reason.

    The sentence is for a person and says what he can do. ``in_code`` is how an application does that, as in
    ``desk.settle_refund(...)``; empty where there is nothing to call. A traceback shows it below the sentence.
    """

    def __init__(self, message: Text, *, in_code: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.in_code = in_code
        if in_code:
            self.add_note(f"In code: {in_code}")

    def text(self, language: str = "en") -> str:
        """The reason in ``language``, as `Text.render` takes it."""
        return self.message.render(language)

    def __str__(self) -> str:
        return self.message.render("en")


class UnknownLanguage(RetourError):
    """A language was set that there are no words in. Name one of `languages`, let `preferred_language` choose, or add
    one with `add_catalogue`."""


def speaking(language: str) -> Reader:
    """How somebody is written to in a language that was set. Raises `UnknownLanguage`."""
    reader = languages.reader_of(language) if isinstance(language, str) else None
    if reader is None:
        raise UnknownLanguage(
            text(
                "There are no words in the language {language}. Give one of {languages}, or let "
                "retour.preferred_language choose. A language of your own is added with retour.add_catalogue.",
                language=str(language)[:40],
                languages=list(languages.languages()),
            )
        )
    return reader


def text(message: str, /, **values: TextValue) -> Text:
    """A sentence of the core: ``text("Order {order} is unknown.", order="1001")``.

    >>> text("Order {order} is unknown.", order="1001").render("en")
    'Order 1001 is unknown.'
    """
    return Text(message=message, values=values)


def texts(one: str, many: str, count: int, /, **values: TextValue) -> Text:
    """A sentence of the core that counts: ``texts("{count} unit", "{count} units", 3)``."""
    return Text(message=one, plural=many, count=count, values={"count": count, **values})


def one_after_the_other(sentences: Sequence[Text]) -> Text:
    """Several sentences as one text, with semicolons: what each says can have commas of its own.

    >>> one_after_the_other([text("it is empty"), text("it is late")]).render()
    'it is empty; it is late'
    """
    values = {f"sentence{number}": one for number, one in enumerate(sentences)}
    return Text(message="; ".join([f"{{{name}}}" for name in values]), values=values)


@frozen
class TextDomain:
    """The same two functions for the texts of another package: ``text = TextDomain("retour_mollie").text``."""

    package: str
    """The package whose ``locale`` folder holds the catalogues."""

    def text(self, message: str, /, **values: TextValue) -> Text:
        """A sentence of ``package``, translated by its ``locale/<language>.po``."""
        return Text(message=message, domain=self.package, values=values)

    def texts(self, one: str, many: str, count: int, /, **values: TextValue) -> Text:
        """A sentence of ``package`` that counts."""
        return Text(message=one, plural=many, count=count, domain=self.package, values={"count": count, **values})


# --- providers -------------------------------------------------------------------------------------------


def provider_name(provider: str, language: str = "en") -> str:
    """What people call a provider, by the name of its plugin, in ``language`` as `Text.render` takes it; of one account
    of several by the name that its settings have. One of which this process loaded no class has the name of its plugin,
    written as a name; those of retour's own keep theirs.

    >>> provider_name("mollie:second")
    'Mollie (second)'

    >>> provider_name("acme_pay")
    'Acme pay'
    """
    return localised(_provider(provider), speaking(language).locale)


def payment_name(payment: str, language: str = "en") -> str:
    """What people call a payment, by its `Payment.id`: its reference, and whose it is, in ``language`` as `Text.render`
    takes it. What is no such id stays as it is.

    >>> payment_name("mollie:tr_1"), payment_name("acme_pay/second:p_1")
    ('tr_1 (Mollie)', 'p_1 (Acme pay, second)')
    """
    return payment_text(payment).render(language)


def payment_text(payment: str) -> Text:
    """A payment in a sentence, where what stands there can be something else too."""
    return Text(message="{payment}", values={"payment": payment})


def _as_said(ways: Mapping[str, Callable[[Any], Any]], hole: str, value: Any) -> Any:
    """What stands in a hole of a sentence: of a provider or a payment, what people call it."""
    say = ways.get(hole)
    if say is None:
        return value
    return [say(one) for one in value] if isinstance(value, list | tuple) else say(value)


def _provider(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    name, colon, account = value.partition(":")
    called = _called(name)
    if called is None:
        return value
    return Text(message=_ONE_OF_SEVERAL, values={"provider": name, "account": account}) if colon else called


def _called(provider: str) -> Renderable | None:
    """What the class calls itself that this process loaded, or, where it loaded none, what is known without; None for
    what can be no plugin's name."""
    called = provider_names.called(provider)
    if called is not None:
        return Text(message=called.display_name, domain=called.package)
    if provider in _PUBLISHED:
        return _PUBLISHED[provider]
    return _Name(provider) if re.fullmatch(_A_PLUGIN, provider) else None


_A_PLUGIN = "[a-z][a-z0-9_-]*"
"""How plugins are called: whoever wrote something else meant something else."""


@frozen
class _Name:
    """A plugin's name, written as the name of something."""

    in_code: str

    def render(self, language: str = "en") -> str:
        del language  # a name is one in each of them
        words = self.in_code.replace("_", " ").strip()
        return words[:1].upper() + words[1:]


def _payment(value: Any) -> Any:
    """A `Payment.id`, or several with commas, each as its reference and whose it is: ``tr_1 (Mollie)``. What is none
    stays as it is."""
    if not isinstance(value, str):
        return value
    several = [_payment_of(one) for one in value.split(", ")]
    return several if all(several) else _payment_of(value) or value


def _payment_of(payment: str) -> Text | None:
    whose, colon, reference = payment.partition(":")
    provider, _, account = whose.partition("/")
    if not (colon and reference) or _called(provider) is None:
        return None
    values = {"reference": reference, "provider": provider, "account": account}
    return Text(message=_OF_ACCOUNT if account else _OF_PROVIDER, values=values)


_OF_PROVIDER, _OF_ACCOUNT = "{reference} ({provider})", "{reference} ({provider}, {account})"
_ONE_OF_SEVERAL = "{provider} ({account})"

_PUBLISHED: Mapping[str, Text] = {
    **{name.lower(): Text(message=name) for name in ("Mollie", "PayPal", "Sendcloud", "Stripe")},
    "manual_transfer": text("Bank transfer"),
}
"""What the providers are called whose plugins come with retour: their payments and labels outlive a plugin that a host
took away, in its own process and in every other that only reads."""


def _return(value: Any) -> Any:
    """The id of a return as the number that people call it by."""
    if not (isinstance(value, str) and re.fullmatch(_A_RETURN, value)):
        return value
    from retour.model.return_number import return_number  # no sentence but of a return needs it

    return return_number(value)


_A_RETURN = "rt[0-9A-HJKMNP-TV-Z]{26}"

_SAY = {
    "provider": _provider,
    "providers": _provider,
    "payment": _payment,
    "payments": _payment,
    "became": _payment,
    "return_id": _return,
    "returns": _return,
    "other": _return,
}
"""How the values of some holes are said, whoever wrote the sentence: they are given by what they are called in code."""


@frozen
class _Decimal:
    """A number with decimals, kept with a point, as the reader's language writes it."""

    kept: str

    def render(self, language: str = "en") -> str:
        from babel.numbers import format_decimal

        return format_decimal(self.kept, locale=language, decimal_quantization=False)


def _number(value: Any) -> Any:
    return _Decimal(value) if isinstance(value, str) and re.fullmatch(_DECIMALS, value, re.ASCII) else value


_DECIMALS = r"-?\d{1,30}\.\d{1,30}"
_SAY_IN_THE_CORE = {**_SAY, "quantity": _number, "rate": _number}
"""In sentences of the core, numbers of an order too; those of the terminal and of plugins repeat what was typed."""


# --- characters ------------------------------------------------------------------------------------------


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


LONGEST_NAME = 100
"""Characters of a name that are shown; more is no name."""


def as_a_name(words: str) -> str:
    """A name that somebody else gave, as it can stand in a line: one line, nothing that steers a screen or turns the
    direction of writing, and bounded.

    >>> as_a_name("Anna\\n de\\u202e Vries")
    'Anna de Vries'
    """
    line = " ".join(words[: 2 * LONGEST_NAME].split())
    shown = "".join([one for one in line if one.isprintable()])
    return shown if len(shown) <= LONGEST_NAME else f"{shown[: LONGEST_NAME - 1]}…"


def _in_zone(value: Any, zone: datetime.tzinfo) -> Any:
    if isinstance(value, datetime.datetime):
        return value.astimezone(zone)
    return value.in_zone(zone) if isinstance(value, Text) else value


def localised(value: Any, language: str) -> str:
    """A value as it stands in a sentence; ``language`` is a locale of CLDR, and an amount's or a text's own too."""
    if isinstance(value, str):
        return value
    if value is None or isinstance(value, int):
        return str(value)
    if isinstance(value, datetime.datetime | datetime.date):
        return _formatted_date(value, language)
    if isinstance(value, Sequence):
        return ", ".join(localised(item, language) for item in value)
    return str(value.render(language))


def _formatted_date(value: datetime.date, language: str) -> str:
    from babel.dates import format_date, format_datetime

    if isinstance(value, datetime.datetime):
        return format_datetime(value, "d MMMM y HH:mm", tzinfo=value.tzinfo, locale=language)
    return format_date(value, "d MMMM y", locale=language)


@lru_cache(maxsize=256)
def catalogue(domain: str, language: str) -> Mapping[tuple[str, int], str]:
    """The translations of ``domain``: (English message, plural form) to the sentence in ``language``.

    A sentence can come from anywhere, with any domain: its package is looked up and not imported, which runs its code,
    and of one below another neither is.
    """
    from importlib.util import find_spec
    from pathlib import Path

    package, *below = domain.split(".")
    if not all(one.isidentifier() for one in (package, *below)):
        return {}
    words = (*below, "locale", f"{language}.po")
    try:
        found: Any = find_spec(package)
        for folder in found.submodule_search_locations or ():
            source = Path(folder, *words)
            if source.is_file():
                return translations_in(source.read_bytes())
        packed = found.loader.get_resource_reader(package).files().joinpath(*words)
        return translations_in(packed.read_bytes()) if packed.is_file() else {}  # of a package in an archive
    except (ImportError, LookupError, ValueError, TypeError, AttributeError):  # no package, or none with words
        return {}
