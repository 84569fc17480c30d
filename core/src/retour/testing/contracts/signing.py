"""Signatures that a forger, or next year's provider, would make: the suite signs as the sandbox does.

It sees how while a genuine webhook is checked: with which secret, over which bytes. That goes for HMAC, which nearly
all providers use. Where a webhook is signed in another way, the rules that need this are skipped, and say so.
"""

from __future__ import annotations

import base64
import hmac
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import attrs
import pytest

from retour.providers.webhooks import RawWebhook
from retour.testing.contracts.account import Account
from retour.testing.contracts.provider_modules import replaced


@attrs.frozen(kw_only=True)
class Signing:
    """One HMAC that was asked for."""

    key: bytes = attrs.field(repr=False)
    message: bytes
    digest: Any

    def forms(self) -> list[str]:
        """Its value, in the ways in which it is written."""
        value = hmac.digest(self.key, self.message, self.digest)
        written = base64.b64encode(value).decode()
        safe = base64.urlsafe_b64encode(value).decode()
        return [value.hex(), value.hex().upper(), written, safe, safe.rstrip("=")]


@contextmanager
def noting_signatures(account: Account) -> Iterator[list[Signing]]:
    """Every HMAC that the provider asks for."""
    noted: list[Signing] = []
    new, digest, made = hmac.new, hmac.digest, hmac.HMAC

    class Noted(made):  # type: ignore[valid-type, misc]  # the class as it was before it is replaced
        def __init__(self, key: Any, msg: Any = None, digestmod: Any = "") -> None:
            super().__init__(key, msg, digestmod)
            self.place = len(noted)
            noted.append(Signing(key=bytes(key), message=bytes(msg or b""), digest=digestmod))

        def update(self, msg: Any) -> None:
            super().update(msg)
            if hasattr(self, "place"):
                noted[self.place] = attrs.evolve(noted[self.place], message=noted[self.place].message + bytes(msg))

    def at_once(key: Any, msg: Any, digestmod: Any) -> bytes:
        noted.append(Signing(key=bytes(key), message=bytes(msg), digest=digestmod))
        return digest(key, msg, digestmod)

    hmac.new, hmac.digest, hmac.HMAC = Noted, at_once, Noted  # type: ignore[assignment, misc]
    try:
        with replaced(account.kind, {id(new): Noted, id(digest): at_once, id(made): Noted}):
            yield noted
    finally:
        hmac.new, hmac.digest, hmac.HMAC = new, digest, made  # type: ignore[misc]


def signed_by_hmac(account: Account, webhooks: list[RawWebhook]) -> list[tuple[RawWebhook, Signing]]:
    """The webhooks whose headers hold an HMAC that is asked for when they are checked, with how it was made. A rule is
    skipped where there are none."""
    provider = account.provider()
    found = []
    for webhook in webhooks:
        with noting_signatures(account) as noted:
            provider.parse_webhook(webhook)
        said = "\n".join(webhook.headers.values())
        found += [(webhook, one) for one in noted if [form for form in one.forms() if form in said]][:1]
    if not found:
        pytest.skip(f"webhooks of {account.kind.name} are not signed in a way that the suite can sign in (HMAC)")
    return found


def signed_anew(
    webhook: RawWebhook, signing: Signing, *, body: bytes | None = None, key: bytes | None = None
) -> RawWebhook:
    """The webhook with another body, or signed with another key, as the provider signs."""
    body = webhook.body if body is None else body
    other = attrs.evolve(
        signing,
        key=signing.key if key is None else key,
        message=signing.message.replace(webhook.body, body) if webhook.body else signing.message,
    )
    headers = dict(webhook.headers)
    for before, after in zip(signing.forms(), other.forms(), strict=True):
        headers = {name: value.replace(before, after) for name, value in headers.items()}
    return RawWebhook(headers=headers, body=body)


class Watched(str):
    """A text that notes whether it is compared as a whole, as its parts do. `hmac.compare_digest` does not ask it."""

    compared: list[str]

    def __new__(cls, words: str, compared: list[str]) -> Watched:
        made = super().__new__(cls, words)
        made.compared = compared
        return made

    def __eq__(self, other: object) -> bool:
        if isinstance(other, str | bytes) and len(other) == len(self) >= _SHORTEST:
            self.compared.append("==")
        return super().__eq__(other)

    def __ne__(self, other: object) -> bool:
        return not self == other

    __hash__ = str.__hash__

    def __getitem__(self, place: Any) -> Any:
        return _watched(super().__getitem__(place), self.compared)

    def encode(self, *arguments: Any, **more: Any) -> Any:
        return WatchedBytes(super().encode(*arguments, **more), self.compared)


class WatchedBytes(bytes):
    """The same of bytes."""

    compared: list[str]

    def __new__(cls, value: bytes, compared: list[str]) -> WatchedBytes:
        made = super().__new__(cls, value)
        made.compared = compared
        return made

    def __eq__(self, other: object) -> bool:
        if isinstance(other, bytes) and len(other) == len(self) >= _SHORTEST:
            self.compared.append("==")
        return super().__eq__(other)

    def __ne__(self, other: object) -> bool:
        return not self == other

    __hash__ = bytes.__hash__


_SHORTEST = 16
"""Characters. What is shorter is a version or a name."""


def _watched(value: Any, compared: list[str]) -> Any:
    if type(value) is str:
        return Watched(value, compared)
    if isinstance(value, tuple | list):
        return type(value)([_watched(one, compared) for one in value])
    return value


def _keeps_watch(name: str) -> Callable[..., Any]:
    def method(self: Watched, *arguments: Any, **more: Any) -> Any:
        return _watched(getattr(str, name)(self, *arguments, **more), self.compared)

    return method


for _name in ("strip", "lstrip", "rstrip", "lower", "upper", "casefold", "partition", "rpartition", "split", "rsplit"):
    setattr(Watched, _name, _keeps_watch(_name))
for _name in ("removeprefix", "removesuffix", "replace", "splitlines"):
    setattr(Watched, _name, _keeps_watch(_name))
