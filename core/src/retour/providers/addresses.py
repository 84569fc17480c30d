"""Which addresses of a provider are called: what a setting holds, and what a plugin makes of it."""

from __future__ import annotations

import re
from contextlib import suppress
from urllib.parse import urlsplit

from retour.model.text import text
from retour.providers.wrong_setting import WrongSetting

LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
"""Hosts that are this machine, where a sandbox runs."""

_NEVER_WRITTEN = r"[\x00-\x20\x7f\\]"
"""Control characters, blanks and ``\\``: what one reader of an address leaves out is a part of it to another."""


def refuse_other_addresses(address: str) -> None:
    """Raise `WrongSetting` for an address that is not called: https is, and plain http to this machine, with no name or
    password and no fragment in it."""
    if not re.search(_NEVER_WRITTEN, address) and "#" not in address:
        with suppress(ValueError):  # of a host or a port that is none
            parts = urlsplit(address)
            schemes = ("http", "https") if parts.hostname in LOOPBACK else ("https",)
            if parts.scheme in schemes and parts.hostname and parts.port != 0 and "@" not in parts.netloc:
                return
    raise WrongSetting(  # says nothing of the address, which can hold a password
        text(
            "must be an address that begins with https:// (http:// only to this machine), with no name, password or # "
            "in it"
        )
    )
