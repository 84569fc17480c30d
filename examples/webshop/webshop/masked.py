"""The settings of the providers as a page may show them: what is no secret in full, of a secret its last characters."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, get_type_hints

import attrs

from retour import Plugin
from retour.providers import PaymentProvider, Secret, ShippingProvider

DOTS, SHORTEST = "••••", 12
"""What stands for a secret; of one that is shorter no character is shown."""


@attrs.frozen(kw_only=True)
class ShownSetting:
    """One setting of an account: ``key`` names the account as the settings do, as in ``stripe:second``."""

    key: str
    name: str
    value: str


def masked_settings(
    plugins: Iterable[Plugin], settings: Mapping[str, Mapping[str, object]]
) -> tuple[ShownSetting, ...]:
    """What was given for each account of the providers that work. The secrets themselves are in none of it."""
    types = {one.name: one.settings_type for plugin in plugins for one in providers_in(plugin)}
    return tuple(
        [
            ShownSetting(key=key, name=name, value=_shown(value, open_=name in _open_fields(types[of])))
            for key, given in settings.items()
            if (of := key.partition(":")[0]) in types
            for name, value in given.items()
        ]
    )


def providers_in(plugin: Plugin) -> Sequence[type[PaymentProvider] | type[ShippingProvider]]:
    """The providers of both kinds that a plugin handed over."""
    return [*plugin.payment_providers, *plugin.shipping_providers]


def _open_fields(kind: type[Any]) -> frozenset[str]:
    """The fields of a provider's settings that anybody may see: numbers, addresses, and what the class shows itself."""
    hints = get_type_hints(kind)
    return frozenset(
        field.name
        for field in attrs.fields(kind)
        if Secret.__name__ not in str(hints[field.name])
        and (field.repr or hints[field.name] is int or field.name.endswith("_url"))
    )


def _shown(value: object, *, open_: bool) -> str:
    if open_:
        return str(value)
    several = value if isinstance(value, list | tuple) else [value]
    return ", ".join(_masked(one.reveal() if isinstance(one, Secret) else str(one)) for one in several)


def _masked(secret: str) -> str:
    return f"{DOTS}{secret[-4:]}" if len(secret) >= SHORTEST else DOTS
