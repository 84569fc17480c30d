"""The certificates that PayPal signs webhooks with: from where they may come, and what makes one trusted."""

from __future__ import annotations

import datetime
import functools
import re
import ssl
import threading
from collections import OrderedDict

import attrs
import certifi
from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.x509.oid import NameOID
from cryptography.x509.verification import PolicyBuilder, Store, VerificationError

from retour.providers import ErrorCode, ProviderError, ProviderSession, WebhookRejected
from retour_paypal.errors import refusal
from retour_paypal.settings import Settings

PATH = "/v1/notifications/certs/"
HOSTS = ("https://api.paypal.com", "https://api.sandbox.paypal.com")
"""Where PayPal keeps certificates; nothing else is ever fetched because a webhook says so."""

OWNER = ".paypal.com"
"""How the common name of the certificate ends (PayPal's retired ``paypalrestsdk``, ``notifications.py``)."""

SMALLEST_KEY = 2048

_NAME = re.compile(r"[A-Za-z0-9_-]{1,200}")
_KEPT = 8


@attrs.frozen(kw_only=True)
class _Trusted:
    """What is kept of a certificate that was found in order: its key, and between when it is valid."""

    key: RSAPublicKey
    since: datetime.datetime
    until: datetime.datetime


class Certificates:
    """PayPal's certificates, fetched once and kept by address. Thread-safe.

    A certificate is trusted when its common name is PayPal's, it is valid now, and its chain leads to a root: those of
    certifi, or ``webhook_root`` for a sandbox on this machine. PayPal's own libraries shipped the certificate between
    the two, so PayPal may serve its certificate alone. Then there is no chain to check, and what vouches for it is
    where it came from: one of PayPal's two hosts, whose TLS certificate was checked when it was fetched.
    Revocation is not checked.
    """

    def __init__(self, settings: Settings, http: ProviderSession) -> None:
        self._http = http
        self._origins = (*HOSTS, settings.api_url.rstrip("/")) if settings.is_local else HOSTS
        self._root = settings.webhook_root
        self._kept: OrderedDict[str, _Trusted] = OrderedDict()
        self._lock = threading.Lock()

    def allowed(self, url: str) -> bool:
        """Whether a certificate may come from ``url``."""
        return any(
            url.startswith(origin + PATH) and _NAME.fullmatch(url.removeprefix(origin + PATH))
            for origin in self._origins
        )

    def verify(self, url: str, signature: bytes, message: bytes, now: datetime.datetime) -> None:
        """Check an RSA PKCS #1 v1.5 signature with SHA-256; raises `WebhookRejected` unless it is right, and
        `ProviderError` where the certificate cannot be had now."""
        try:
            self._trusted(url, now).key.verify(signature, message, padding.PKCS1v15(), hashes.SHA256())
        except InvalidSignature:
            raise WebhookRejected("the signature is wrong") from None

    def _trusted(self, url: str, now: datetime.datetime) -> _Trusted:
        with self._lock:
            kept = self._kept.get(url)
        if kept is None:
            kept = self._fetch(url, now)
            with self._lock:
                self._kept[url] = kept
                while len(self._kept) > _KEPT:
                    self._kept.popitem(last=False)
        if not kept.since <= now <= kept.until:
            raise WebhookRejected("the certificate is not valid now")
        return kept

    def _fetch(self, url: str, now: datetime.datetime) -> _Trusted:
        if not self.allowed(url):
            raise WebhookRejected("the certificate is not from PayPal")
        answer = self._http.read(url)
        if answer.status != 200:
            if answer.status == 429 or answer.status >= 500:
                raise refusal(answer)
            raise WebhookRejected(f"PayPal has no such certificate ({answer.status})")
        try:
            first, *more = x509.load_pem_x509_certificates(answer.body)
        except ValueError:  # PayPal's own host, so it is no forgery: the webhook has to come again
            raise ProviderError(ErrorCode.UNREADABLE_ANSWER, "PayPal answered with no certificate") from None
        try:
            names = first.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
            name = str(names[0].value).lower() if len(names) == 1 else ""
            if not name.endswith(OWNER):
                raise WebhookRejected("the certificate is not PayPal's")
            if more or self._root or not url.startswith(HOSTS):
                verifier = PolicyBuilder().store(self._store(url)).time(now).build_server_verifier(x509.DNSName(name))
                verifier.verify(first, more)
            key = first.public_key()
        except (ValueError, VerificationError, UnsupportedAlgorithm) as error:
            raise WebhookRejected(f"the certificate is not to be trusted ({type(error).__name__})") from None
        if not isinstance(key, RSAPublicKey) or key.key_size < SMALLEST_KEY:
            raise WebhookRejected("the certificate has no RSA key of 2048 bits or more")
        return _Trusted(key=key, since=first.not_valid_before_utc, until=first.not_valid_after_utc)

    def _store(self, url: str) -> Store:
        if self._root and not url.startswith(HOSTS):
            return Store(x509.load_pem_x509_certificates(self._root.encode()))
        return _public_roots()


@functools.cache
def _public_roots() -> Store:
    """The roots of certifi but for a few whose serial number is 0: RFC 5280 forbids it, and so does cryptography."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(certifi.where())
    said, written = context.get_ca_certs(), context.get_ca_certs(binary_form=True)
    return Store(
        [
            x509.load_der_x509_certificate(root)
            for about, root in zip(said, written, strict=True)
            if int(str(about["serialNumber"]), 16) > 0
        ]
    )
