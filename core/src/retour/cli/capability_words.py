"""What a provider declares, as a cell of a table."""

from __future__ import annotations

from typing import Any

import attrs

from retour.model.errors import InvalidArgument
from retour.plugins.values_in_words import in_words
from retour.providers import Support
from retour.providers.contract import PaymentProvider, ShippingProvider


def declared_by(provider: type[PaymentProvider] | type[ShippingProvider]) -> dict[str, Any]:
    """The capabilities by name; none where the plugin hands over something else than a set of capabilities."""
    given: Any = provider.capabilities
    return attrs.asdict(given, recurse=False) if attrs.has(type(given)) else {}


def in_a_cell(value: Any, language: str) -> str:
    """A capability's value; empty where it says nothing, and as Python writes it where only the plugin knows it."""
    if value is None or value is False or value is Support.UNKNOWN:
        return ""
    try:
        return in_words(value, language)
    except InvalidArgument:
        if attrs.has(type(value)):
            parts = [in_a_cell(one, language) for one in attrs.asdict(value, recurse=False).values()]
            return ", ".join([part for part in parts if part])
        return str(value)
