"""Signatures of webhooks: whether an HMAC is right, with SHA-256 or SHA-512, and whether what it is of is not too old.

A plugin finds the signatures, in a header or in the body, and says what they are over: the raw bytes, a time and the
raw bytes, or some fields in a row. Whether one of them is right is decided here, and always in the same time.
"""

from __future__ import annotations

import base64
import datetime
import hashlib
import hmac
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from enum import StrEnum

from retour.providers.settings import Secret
from retour.providers.webhooks import WebhookRejected


class Encoding(StrEnum):
    """How bytes are written as a text: a signature, or a secret that is not itself the key."""

    HEX = "hex"  #: hexadecimal digits
    BASE64 = "base64"  #: base64, with its padding

    def write(self, raw: bytes) -> str:
        """Bytes as a text, in small letters or with the padding."""
        return raw.hex() if self is Encoding.HEX else base64.b64encode(raw).decode()

    def read(self, written: str) -> bytes:
        """The bytes of a text; raises ValueError where it is none of this kind."""
        return bytes.fromhex(written) if self is Encoding.HEX else base64.b64decode(written, validate=True)


def hmac_sha256(
    signed: bytes, secret: Secret, *, written: Encoding = Encoding.HEX, secret_is: Encoding | None = None
) -> str:
    """The signature of ``signed`` (RFC 2104 with SHA-256), as a provider and its sandbox write it.

    The key is the secret's own bytes in UTF-8, or those that it is the ``secret_is`` of. Raises ValueError for a
    secret that is not written so, or that is of no bytes at all.

    >>> hmac_sha256(b"what do ya want for nothing?", Secret("Jefe"))
    '5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843'
    """
    return written.write(hmac.digest(_key(secret, secret_is), signed, hashlib.sha256))


def hmac_sha512(
    signed: bytes, secret: Secret, *, written: Encoding = Encoding.HEX, secret_is: Encoding | None = None
) -> str:
    """The same with SHA-512, as MultiSafepay signs (https://docs.multisafepay.com/docs/handle-notifications).

    >>> hmac_sha512(b"what do ya want for nothing?", Secret("Jefe"))[:32]
    '164b7a7bfcf819e2e395fbe73b56e0a3'
    """
    return written.write(hmac.digest(_key(secret, secret_is), signed, hashlib.sha512))


def _key(secret: Secret, secret_is: Encoding | None) -> bytes:
    key = secret.reveal().encode() if secret_is is None else secret_is.read(secret.reveal())
    if not key:
        raise ValueError("the secret is of no bytes")
    return key


def check_signed(
    signed: bytes,
    given: Iterable[str],
    secrets: Iterable[Secret | None],
    *,
    setting: str,
    written: Encoding = Encoding.HEX,
    secret_is: Encoding | None = None,
    by: Callable[..., str] = hmac_sha256,
) -> None:
    """Raise `WebhookRejected` unless one of the signatures that were ``given`` is right by one of the ``secrets``.

    There can be several of each while one secret replaces another. All are compared with all, always, and each takes
    the same time whether it fits or not. An optional secret that is not there is None. Without any, nothing is signed,
    and the refusal names the ``setting`` that a merchant has to fill. ``by`` is how it is signed: `hmac_sha256` or
    `hmac_sha512`.

    The signature may stand in the body, over some of its fields, as Adyen has it:

    >>> fields = ["8313547924770610", "", "AcmeMerchant", "order:7", "1130", "EUR", "REFUND", "true"]
    >>> signed = ":".join([field.replace("\\\\", "\\\\\\\\").replace(":", "\\\\:") for field in fields]).encode()
    >>> key, form = Secret("0f1e2d3c4b5a69788796a5b4c3d2e1f0"), {"written": Encoding.BASE64, "secret_is": Encoding.HEX}
    >>> check_signed(signed, [hmac_sha256(signed, key, **form)], [key], setting="hmac_keys", **form)
    """
    known = [secret for secret in secrets if secret is not None]
    fits: bool | None = None
    with suppress(ValueError):
        fits = _fits([by(signed, one, written=written, secret_is=secret_is) for one in known], list(given))
    del signed, given  # a host may log the variables of this frame, and these can be about people
    if not known:
        raise needs_setting(setting)
    if fits is None:
        raise WebhookRejected(f"a secret in the setting {setting} is not {secret_is}: copy it again from the provider")
    if not fits:
        raise WebhookRejected(f"no signature of it is by a secret in the setting {setting}")


def _fits(right: Sequence[str], given: Sequence[str]) -> bool:
    """Apart from what raises: a host may log the variables of that frame, and a right signature is none to be shown."""
    ours = [signature.encode() for signature in right]
    theirs = [signature.encode(errors="replace") for signature in given]
    fits = [hmac.compare_digest(one, other) for one in ours for other in theirs]  # all, not up to the first
    return any(fits)


def check_age(
    sent: datetime.datetime, *, now: datetime.datetime, oldest: datetime.timedelta, ahead: datetime.timedelta
) -> None:
    """Raise `WebhookRejected` for what was ``sent`` more than ``oldest`` before ``now``, or more than ``ahead`` after
    it, since clocks differ. Both times have their offset; what is just at a bound is taken.

    Ask it of a time that is signed too: one that is not proves nothing.

    >>> noon = datetime.datetime(2026, 5, 12, 12, tzinfo=datetime.UTC)
    >>> five = datetime.timedelta(minutes=5)
    >>> check_age(noon, now=noon + five, oldest=five, ahead=five)
    >>> check_age(noon, now=noon + 2 * five, oldest=five, ahead=five)
    Traceback (most recent call last):
    ...
    retour.providers.webhooks.WebhookRejected: the signature is too old
    """
    age = now - sent
    if age > oldest:
        raise WebhookRejected("the signature is too old")
    if -age > ahead:
        raise WebhookRejected("the signature is from the future: look whether the clock of this machine is right")


def needs_setting(setting: str) -> WebhookRejected:
    """The refusal of a webhook that cannot be checked, since the ``setting`` for it is empty.

    >>> raise needs_setting("webhook_secrets")
    Traceback (most recent call last):
    ...
    retour.providers.webhooks.WebhookRejected: the setting webhook_secrets is empty, ...
    """
    return WebhookRejected(f"the setting {setting} is empty, and nothing can be checked without it: fill it in")
