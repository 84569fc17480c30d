"""Settings of Sendcloud: the keys of an integration, what signs its webhooks, where the shop's return portal is."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import attrs

from retour.providers import Secret, Text, TextDomain, WrongSetting, api_address

text = TextDomain("retour_sendcloud").text

API = "https://panel.sendcloud.sc"
"""Sendcloud's one address; there is no other for tests (servers of every document of API v3)."""

READS_A_MINUTE, WRITES_A_MINUTE, WRITES_A_SECOND = 1000, 100, 15
"""Requests that an account may send (https://sendcloud.dev/docs/getting-started/rate-limits)."""

_BRAND = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")  # one part of a host name, RFC 1123 section 2.1
_ADDRESS = re.compile(r"https://[A-Za-z0-9.-]+(:[0-9]+)?(/[A-Za-z0-9._~%/-]*)?")
_KEY = re.compile(r"[!-9;-~]+")  # no blank, and no colon: it ends the name in HTTP's Basic (RFC 7617, 2)
_AT_MOST = 1_000_000


def _matches(pattern: re.Pattern[str], fault: Text) -> Any:
    def check(_: object, __: attrs.Attribute[str], value: str) -> None:
        if value and not pattern.fullmatch(value):
            raise WrongSetting(fault)

    return check


def _is_limit(_: object, __: attrs.Attribute[int], value: int) -> None:
    if not 1 <= value <= _AT_MOST:
        raise WrongSetting(text("must be a whole number from {least} to {most}", least=1, most=_AT_MOST))


@attrs.frozen(kw_only=True)
class Settings:
    """What a shop enters of its Sendcloud account.

    Without keys there are no labels, and the portal's link is written here. Without keys, ``brand`` and ``portal_url``
    there is no portal, and the customer sends the goods himself.
    """

    public_key: str = attrs.field(
        default="", repr=False, validator=_matches(_KEY, text("has a blank, a colon or a letter with an accent in it"))
    )
    """Of one integration in Sendcloud's panel."""

    secret_key: Secret | None = None
    """Of the same integration."""

    webhook_keys: tuple[Secret, ...] = attrs.field(default=(), repr=False)
    """For an integration with a webhook signature key of its own, several while one replaces another; without them its
    secret key signs."""

    brand: str = attrs.field(
        default="", validator=_matches(_BRAND, text("must be lower-case letters, digits and hyphens, as in my-shop"))
    )
    """The domain name of the shop's brand in Sendcloud, which names its portal."""

    portal_url: str = attrs.field(
        default="",
        validator=_matches(
            _ADDRESS, text("must be an address that begins with https://, without a question mark and #")
        ),
    )
    """For a portal with another address, which is then used instead."""

    api_url: str = attrs.field(default=API, repr=False, validator=api_address)
    """Sendcloud's address, or that of a sandbox on this machine."""

    reads_a_minute: int = attrs.field(default=READS_A_MINUTE, repr=False, validator=_is_limit)
    """What one process may ask in a minute: where several share an account, give each its part."""

    writes_a_minute: int = attrs.field(default=WRITES_A_MINUTE, repr=False, validator=_is_limit)
    """What one process may order or cancel in a minute."""

    writes_a_second: int = attrs.field(default=WRITES_A_SECOND, repr=False, validator=_is_limit)
    """The same, in a second."""

    def __attrs_post_init__(self) -> None:
        if bool(self.public_key) != (self.secret_key is not None):
            missing = "secret_key" if self.public_key else "public_key"
            raise WrongSetting(
                text("{setting} is missing: the two keys of an integration belong together", setting=missing)
            )

    @property
    def keys(self) -> tuple[str, str] | None:
        """The public and the secret key, None without them."""
        return None if self.secret_key is None else (self.public_key, self.secret_key.reveal())

    @property
    def signing(self) -> Sequence[Secret | None]:
        """What the integration's webhooks can be signed with: its webhook signature keys, else its secret key."""
        return self.webhook_keys or (self.secret_key,)

    @property
    def portal(self) -> str:
        """The address of the portal's start page; empty where there is none."""
        if self.portal_url or not self.brand:
            return self.portal_url
        return f"https://{self.brand}.shipping-portal.com/rp/"
