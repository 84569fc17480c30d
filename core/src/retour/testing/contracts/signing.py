"""Signatures that a forger, or next year's provider, would make: the suite signs as the sandbox does.

It sees how while a genuine webhook is checked: with which secret, over which bytes. That goes for HMAC, which nearly
all providers use, in a header or in the body. Where a webhook is signed in another way, the rules that need this are
skipped, and say so.
"""

from __future__ import annotations

import base64
import hmac
import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any

import attrs
import pytest

from retour.providers import signatures
from retour.providers.errors import ProviderError
from retour.providers.webhooks import RawWebhook, WebhookRejected
from retour.sandbox import SandboxWebhook, TellsOfRefunds
from retour.testing.contracts.answers import changed_at, fields, value_at
from retour.testing.contracts.any_account import AnyAccount
from retour.testing.contracts.provider_modules import replaced

Path = tuple[str | int, ...]
"""Where something stands in some JSON."""


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

    def stands_in(self, words: bytes) -> bool:
        """Whether it stands in some words, however it is written."""
        return any(form.encode() in words for form in self.forms())

    def is_by(self, secret: str) -> bool:
        """Whether its key is this secret, or what the secret is the hexadecimal or base64 of."""
        return self.key in keys_of(secret)


def keys_of(secret: str) -> list[bytes]:
    """The keys that a secret can stand for: its own bytes, or those that it is the hexadecimal or base64 of."""
    found = [secret.encode()]
    for read in (bytes.fromhex, lambda written: base64.b64decode(written, validate=True)):
        with suppress(ValueError):
            found.append(read(secret))
    return found


@contextmanager
def noting_signatures(account: AnyAccount) -> Iterator[list[Signing]]:
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


@attrs.frozen(kw_only=True)
class Signed:
    """A genuine ``webhook`` with the HMACs that stand in it: in its headers, or, at ``places``, in the JSON of its
    body."""

    account: AnyAccount
    webhook: RawWebhook
    signings: tuple[Signing, ...]
    places: tuple[Path, ...] = ()

    @property
    def items(self) -> list[Path]:
        """What is signed by itself: for each signature in the body the element of a list that it stands in, or the
        whole body."""
        return [_element(place) for place in self.places]

    def is_by(self, secret: str) -> bool:
        """Whether a signature in it was made with this secret."""
        return any(signing.is_by(secret) for signing in self.signings)

    def with_key(self, key: bytes) -> RawWebhook:
        """The same, signed with another key."""
        return self._written_anew(self.webhook, {one: attrs.evolve(one, key=key) for one in self.signings})

    def with_body(self, other: Any) -> RawWebhook:
        """The webhook with other JSON, signed as the provider signs, with its own key."""
        body = json.dumps(other).encode()
        if not self.places:
            by = self.webhook.body or body
            anew = {one: attrs.evolve(one, message=one.message.replace(by, body)) for one in self.signings}
            return attrs.evolve(self._written_anew(self.webhook, anew), body=body)
        before = json.loads(self.webhook.body)
        form = self._form(before)
        unsigned = [
            place
            for place, item in zip(self.places, self.items, strict=True)
            if value_at(before, item) != value_at(other, item)
        ]
        while unsigned:  # what a signature is over is seen where it is asked for, and that may end with the first
            body = json.dumps(other).encode()
            noted = dict.fromkeys(noted_in(self.account, attrs.evolve(self.webhook, body=body)))
            asked = [one for one in noted if not one.stands_in(body)]
            if not asked:
                break
            for place, made in zip(unsigned, asked, strict=False):
                other = changed_at(other, place, made.forms()[form])
            unsigned = unsigned[len(asked) :]
        return attrs.evolve(self.webhook, body=json.dumps(other).encode())

    def _form(self, body: Any) -> int:
        """Which of its forms the signatures are written in. One alone may read the same in two of them."""
        there = {value_at(body, place) for place in self.places}
        forms = zip(*[one.forms() for one in self.signings], strict=True)
        return next((number for number, written in enumerate(forms) if there.issuperset(written)), 0)

    def _written_anew(self, webhook: RawWebhook, made: dict[Signing, Signing]) -> RawWebhook:
        headers, body = dict(webhook.headers), webhook.body
        for genuine, other in made.items():
            for before, after in zip(genuine.forms(), other.forms(), strict=True):
                headers = {name: value.replace(before, after) for name, value in headers.items()}
                body = body.replace(before.encode(), after.encode()) if self.places else body
        return RawWebhook(headers=headers, body=body)


def _element(place: Path) -> Path:
    """The innermost element of a list that something stands in; the whole where it stands in none."""
    return place[: max((at + 1 for at, step in enumerate(place) if isinstance(step, int)), default=0)]


def noted_in(account: AnyAccount, webhook: RawWebhook) -> list[Signing]:
    """Every HMAC that the provider asks for while it reads a webhook, whatever it makes of it."""
    provider = account.provider()
    with noting_signatures(account) as noted, suppress(WebhookRejected, ProviderError):
        provider.parse_webhook(webhook)
    return list(noted)


def hmacs_of(account: AnyAccount, webhooks: Sequence[RawWebhook]) -> list[Signed]:
    """The webhooks that hold an HMAC which is asked for when they are checked, with how it was made."""
    found = []
    for webhook in webhooks:
        noted = dict.fromkeys(noted_in(account, webhook))
        said = "\n".join(webhook.headers.values())
        if in_headers := [one for one in noted if one.stands_in(said.encode())]:
            found.append(Signed(account=account, webhook=webhook, signings=tuple(in_headers[:1])))
        elif in_body := [one for one in noted if one.stands_in(webhook.body)]:
            places = _places(webhook.body, {form for one in in_body for form in one.forms()})
            found.append(Signed(account=account, webhook=webhook, signings=tuple(in_body), places=places))
    return found


def _places(body: bytes, signatures: set[str]) -> tuple[Path, ...]:
    """Where signatures stand in some JSON: these, and what stands in the same place of other elements of a list, which
    a provider may forget to ask for."""
    try:
        texts = [(path, value) for path, value in fields(json.loads(body)) if isinstance(value, str)]
    except ValueError:
        pytest.skip("the webhooks are no JSON")
    shapes = {_shape(path) for path, value in texts if value in signatures}
    return tuple([path for path, _ in texts if _shape(path) in shapes])


def _shape(path: Path) -> Path:
    """A path, whichever element of a list it leads through."""
    return tuple([0 if isinstance(step, int) else step for step in path])


def signed_by_hmac(account: AnyAccount, webhooks: Sequence[RawWebhook]) -> list[Signed]:
    """The webhooks that are signed by HMAC. A rule is skipped where there are none."""
    found = hmacs_of(account, webhooks)
    if not found:
        pytest.skip(f"webhooks of {account.kind.name} are not signed in a way that the suite can sign in (HMAC)")
    return found


def signed_in_the_body(account: AnyAccount, webhooks: Sequence[RawWebhook]) -> list[Signed]:
    """The webhooks with signatures in their body. A rule is skipped where there are none."""
    found = [one for one in signed_by_hmac(account, webhooks) if one.places]
    if not found:
        pytest.skip(f"the signature of a webhook of {account.kind.name} stands in a header, over all of it")
    return found


def stands_in_the_body(account: AnyAccount, webhook: RawWebhook) -> bool:
    """Whether the signature of a webhook stands in its body, as the sandbox says: where it is spoilt, the body is
    another."""
    sandbox = account.sandbox
    if not isinstance(sandbox, TellsOfRefunds):
        return False
    try:
        spoilt = sandbox.with_spoilt_signature(SandboxWebhook(headers=webhook.headers, body=webhook.body))
    except ValueError:
        return False
    return spoilt.body != webhook.body


@contextmanager
def watching_comparisons(account: AnyAccount, compared: list[str]) -> Iterator[None]:
    """Notes in ``compared`` where the provider compares a signature that it made as a whole, as `Watched` does with one
    that came."""
    digest, new, made, encode = hmac.digest, hmac.new, hmac.HMAC, base64.b64encode

    class Told(made):  # type: ignore[valid-type, misc]  # the class as it was before it is replaced
        def digest(self) -> bytes:
            return WatchedBytes(super().digest(), compared)

        def hexdigest(self) -> str:
            return Watched(super().hexdigest(), compared)

    def at_once(key: Any, msg: Any, digestmod: Any) -> bytes:
        return WatchedBytes(digest(key, msg, digestmod), compared)

    def in_base64(raw: Any, *arguments: Any) -> bytes:
        written = encode(raw, *arguments)
        return WatchedBytes(written, compared) if isinstance(raw, WatchedBytes) else written

    def watched(signs: Callable[..., str]) -> Callable[..., str]:
        return lambda *arguments, **more: Watched(signs(*arguments, **more), compared)

    theirs: dict[int, Any] = {id(one): watched(one) for one in (signatures.hmac_sha256, signatures.hmac_sha512)}
    theirs |= {id(new): Told, id(made): Told}
    theirs |= {id(digest): at_once, id(encode): in_base64}
    hmac.digest, hmac.new, hmac.HMAC, base64.b64encode = at_once, Told, Told, in_base64  # type: ignore[assignment, misc]
    try:
        with replaced(account.kind, theirs):
            yield
    finally:
        hmac.digest, hmac.new, hmac.HMAC, base64.b64encode = digest, new, made, encode  # type: ignore[misc]


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
    """The same of bytes. What is written of them is watched too."""

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

    def hex(self, *arguments: Any) -> Any:
        return Watched(super().hex(*arguments), self.compared)

    def decode(self, *arguments: Any, **more: Any) -> Any:
        return Watched(super().decode(*arguments, **more), self.compared)


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
