"""Settings of Sendcloud: where the shop's return portal is."""

from __future__ import annotations

import re
from typing import Any

import attrs

_BRAND = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")  # one part of a host name, RFC 1123 section 2.1
_ADDRESS = re.compile(r"https://[A-Za-z0-9.-]+(:[0-9]+)?(/[A-Za-z0-9._~%/-]*)?")


def _matches(pattern: re.Pattern[str], fault: str) -> Any:
    def check(_: object, __: attrs.Attribute[str], value: str) -> None:
        if value and not pattern.fullmatch(value):
            raise ValueError(fault)

    return check


@attrs.frozen(kw_only=True)
class Settings:
    """``brand`` is the domain name of the shop's brand in Sendcloud, which names its portal.

    ``portal_url`` is for a portal that has another address, and is then used instead. Without both there is no
    portal, and the customer sends the goods himself.
    """

    brand: str = attrs.field(
        default="", validator=_matches(_BRAND, "must be lower-case letters, digits and hyphens, as in my-shop")
    )
    portal_url: str = attrs.field(
        default="", validator=_matches(_ADDRESS, "must be an address that begins with https://, without ? and #")
    )

    @property
    def portal(self) -> str:
        """The address of the portal's start page; empty where there is none."""
        if self.portal_url or not self.brand:
            return self.portal_url
        return f"https://{self.brand}.shipping-portal.com/rp/"
