"""Why a customer sends something back: reasons of a list that the host maintains, in words of each language."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, TypeAlias

import attrs

from retour.model.errors import InvalidValue
from retour.model.fields import Characters, Id, PluginName, checked
from retour.model.frozen import frozen
from retour.model.languages import spellings
from retour.model.text import text

ReasonName: TypeAlias = Annotated[str, Characters(1, 64)]
"""What a host calls a reason: it is stored with each line that has it."""

Language: TypeAlias = Annotated[str, Characters(2, 35)]
"""A language as IETF BCP 47 writes it: ``nl``, ``en``, ``nl-BE``."""

ReasonWords: TypeAlias = Annotated[str, Characters(1, 200)]


def _copied(given: Any) -> Any:
    return dict(given) if isinstance(given, Mapping) else given


@frozen(kw_only=True, field_transformer=checked())
class ReturnReason:
    """One reason that a customer can give for a line.

    What a customer chose is stored with its words, so that it reads the same when the host has changed its list since.

    >>> reason = ReturnReason(code="too_small", words={"en": "Too small", "nl": "Te klein"})
    >>> reason.text("nl"), reason.text("nl-BE"), reason.text("de")
    ('Te klein', 'Te klein', 'Too small')
    """

    code: ReasonName
    """The host's own name of it, unique in its list."""

    words: Mapping[Language, ReasonWords] = attrs.field(converter=_copied)
    """What the customer reads, by the code of a language, as ``nl`` or ``pt_BR``; at least one."""

    provider_codes: Mapping[PluginName, Id] = attrs.field(factory=dict, converter=_copied)
    """What shipping providers call it, by the plugin's name: a portal's choice is read by it, and a label tells it."""

    def __attrs_post_init__(self) -> None:
        if not self.words:
            raise InvalidValue(
                text('ReturnReason.words has no language. Give one at least, as in words=dict(nl="Te klein").')
            )

    def text(self, language: str = "en") -> str:
        """The words in ``language``, or in that without its region; else in English, else in the first there is."""
        found = (self.words.get(one) for one in (*spellings(language), "en"))
        return next(filter(None, found), None) or next(iter(self.words.values()))

    def render(self, language: str = "en") -> str:
        """The same, as a value of a `Text` is shown."""
        return self.text(language)


def _ours(code: str, sendcloud: int, en: str, nl: str) -> ReturnReason:
    return ReturnReason(code=code, words={"en": en, "nl": nl}, provider_codes={"sendcloud": str(sendcloud)})


DEFAULT_RETURN_REASONS = (
    _ours("too_small", 31, "Too small", "Te klein"),
    _ours("too_large", 30, "Too large", "Te groot"),
    _ours("several_sizes", 19, "Ordered several sizes or colours to choose from", "Meerdere maten of kleuren besteld"),
    _ours("not_as_described", 6, "Not as described or shown", "Anders dan de omschrijving of foto"),
    _ours("not_as_expected", 1, "Not as expected", "Anders dan verwacht"),
    _ours("damaged_on_arrival", 25, "Damaged on arrival", "Beschadigd aangekomen"),
    _ours("does_not_work", 10, "Does not work", "Werkt niet"),
    _ours("wrong_product_received", 24, "Received another product than ordered", "Verkeerd artikel ontvangen"),
    _ours("wrong_product_ordered", 4, "Ordered the wrong product", "Verkeerd artikel besteld"),
    _ours("arrived_too_late", 20, "Arrived too late", "Te laat bezorgd"),
    _ours("changed_mind", 11, "Changed my mind", "Van gedachten veranderd"),
    _ours("better_price", 14, "Cheaper elsewhere", "Ergens anders goedkoper"),
    _ours("other", 3, "Another reason", "Een andere reden"),
    _ours("no_reason", 8, "I would rather not say", "Zeg ik liever niet"),
)
"""The reasons of a host that gives no list of its own, with Sendcloud's ids of them (its return reasons, API v3).

A consumer who withdraws from a contract at a distance need not give any: directive 2011/83/EU, article 9(1).
"""
