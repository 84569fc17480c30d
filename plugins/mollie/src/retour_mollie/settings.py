"""Settings of Mollie."""

from __future__ import annotations

import re

import attrs

from retour.providers import Mode, Secret, TextDomain, WrongSetting, api_address, choice

text = TextDomain("retour_mollie").text

API = "https://api.mollie.com"
"""Mollie's one address, for live and test alike: the key decides (https://docs.mollie.com/reference/authentication)."""

_MODES = {"test": Mode.TEST, "live": Mode.LIVE, "access": None}
"""What stands before the first underscore of a key or token, and the mode it is of.

https://docs.mollie.com/reference/authentication
"""

_HEADER_SAFE = re.compile(r"[!-~]+")


def _prefix(key: Secret) -> str:
    return key.reveal().partition("_")[0]


def _is_key(_: object, __: attrs.Attribute[Secret], key: Secret) -> None:
    if "_" not in key.reveal() or _prefix(key) not in _MODES:
        raise WrongSetting(text("must begin with test_ or live_ (an API key), or access_ (an organisation token)"))
    if not _HEADER_SAFE.fullmatch(key.reveal()):
        raise WrongSetting(text("has a blank or a letter with an accent in it, which no key of Mollie has"))


@attrs.frozen(kw_only=True)
class Settings:
    """What a shop enters of its Mollie account."""

    api_key: Secret = attrs.field(validator=_is_key)
    """A profile's API key (``test_…``, ``live_…``) or an organisation access token (``access_…``)."""

    token_mode: str = attrs.field(default=Mode.LIVE.value, repr=False, validator=choice(*[mode.value for mode in Mode]))
    """Which payments a token is used for (``live`` or ``test``), since a token can do both; a key knows by itself."""

    webhook_secrets: tuple[Secret, ...] = attrs.field(default=(), repr=False)
    """Those of next-gen webhook subscriptions, several while one is replaced."""

    api_url: str = attrs.field(default=API, repr=False, validator=api_address)
    """Mollie's address, or that of a sandbox on this machine."""

    @property
    def mode(self) -> Mode | None:
        """The mode that the key works in; None for an organisation token, which is not bound to one."""
        return _MODES[_prefix(self.api_key)]

    @property
    def mode_used(self) -> Mode:
        """The mode that we work in: the key's, or the one chosen for a token."""
        return self.mode or Mode(self.token_mode)
