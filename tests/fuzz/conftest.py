"""Where fuzzed webhooks come from: the sandbox of each provider that sends any, and a hand that signs as it does.

Nothing here goes over a socket: what a provider asks, the sandbox answers in the same process.
"""

from __future__ import annotations

import base64
import datetime
import hashlib
import hmac
import time
import zlib
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from typing import Any, ClassVar
from urllib.parse import parse_qsl, urlsplit

import pytest
import requests
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from retour import Mode, Money, ReturnDesk
from retour.providers import Answer, ProviderSession, RawWebhook, ToFetch, VerifiedEvents
from retour.providers.settings import read_settings
from retour.sandbox import PaymentSandbox, SandboxRequest
from retour_mollie.provider import Mollie
from retour_mollie.sandbox import WEBHOOK_SECRET, MollieSandbox
from retour_paypal.provider import PayPal
from retour_paypal.sandbox import PayPalSandbox
from retour_paypal.sandbox_signer import Signer
from retour_stripe.provider import Stripe
from retour_stripe.sandbox import StripeSandbox

TRIED: Counter[str] = Counter()
"""How many webhooks a test tried, by what read them."""

DAY = datetime.timedelta(days=1)


@pytest.fixture(autouse=True)
def tried(tell: Callable[[str, Mapping[str, int]], None]) -> Iterator[None]:
    """How many webhooks the test tried is told at the end."""
    TRIED.clear()
    yield
    tell("webhooks tried", {"in all": TRIED.total()} | {f"by {reader}": number for reader, number in TRIED.items()})


class Sender:
    """A provider with a payment of EUR 100.00, its genuine webhooks, and its way of signing."""

    provider_class: ClassVar[Any]
    says_when: ClassVar[bool] = True
    """Whether a webhook is dated, so that an old one can be told."""

    def __init__(self, sandbox: PaymentSandbox, **settings: str) -> None:
        self.sandbox = sandbox
        self.name = sandbox.provider
        self.settings = {**sandbox.settings, **settings}
        read, faults = read_settings(self.provider_class.settings_type, self.settings, self.name)
        assert faults == []
        self.provider = self.provider_class(read, ProviderSession())
        self.reference = sandbox.pay(Money.of("100.00", "EUR"))
        self.genuine = self._history()

    def _history(self) -> list[RawWebhook]:
        """Webhooks of refunds that were made, settled, and refused by the bank."""
        for minor in (1000, 1500, 500):
            made = self.sandbox.refund_in_dashboard(self.reference, Money(minor=minor, currency="EUR"))
        self.sandbox.advance(3 * DAY)
        self.sandbox.fail(made)
        return [RawWebhook(headers=one.headers, body=one.body) for one in self.sandbox.take_webhooks()]

    def parse(self, webhook: RawWebhook) -> VerifiedEvents | ToFetch:
        """What the provider's class reads in a webhook."""
        TRIED["parse_webhook"] += 1
        told: VerifiedEvents | ToFetch = self.provider.parse_webhook(webhook)
        return told

    def receive(self, desk: ReturnDesk, webhook: RawWebhook) -> None:
        """Hand a webhook to a desk, as a host does."""
        TRIED["receive_webhook"] += 1
        desk.receive_webhook(self.name, webhook.headers, webhook.body, mode=Mode.TEST)

    def of_the_other_mode(self) -> list[RawWebhook]:
        """What the provider would have sent of a live payment; the settings are for test payments."""
        raise NotImplementedError

    def signed(self, body: bytes) -> RawWebhook:
        """A webhook of any body, with a signature that is right."""
        raise NotImplementedError

    def forged(self, body: bytes, how: str) -> RawWebhook:
        """A webhook with a signature that is wrong: by an ``other secret``, or ``old``."""
        raise NotImplementedError

    def is_signed(self, headers: Mapping[str, str], body: bytes) -> bool:
        """Whether a webhook is the provider's, found out in another way than the plugin's."""
        raise NotImplementedError


class MollieSender(Sender):
    """Mollie sends classic webhooks, which nobody signs, and signed events."""

    provider_class = Mollie
    says_when = False

    def __init__(self, sandbox: MollieSandbox) -> None:
        sandbox.subscribe()
        super().__init__(sandbox)

    def signed(self, body: bytes) -> RawWebhook:
        return self._with(WEBHOOK_SECRET, body)

    def forged(self, body: bytes, how: str) -> RawWebhook:
        return self._with("another secret", body)

    def of_the_other_mode(self) -> list[RawWebhook]:
        bodies = [
            one.body.replace(b'"mode": "test"', b'"mode": "live"') for one in self.genuine if one.body[:1] == b"{"
        ]
        return [self.signed(body) for body in bodies]

    def _with(self, secret: str, body: bytes) -> RawWebhook:
        signature = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
        headers = {"content-type": "application/json", "x-mollie-signature": f"sha256={signature}"}
        return RawWebhook(headers=headers, body=body)

    def is_signed(self, headers: Mapping[str, str], body: bytes) -> bool:
        right = hmac.new(WEBHOOK_SECRET.encode(), body, hashlib.sha256).hexdigest()
        return right in headers.get("x-mollie-signature", "")


class StripeSender(Sender):
    """Stripe signs and dates everything."""

    provider_class = Stripe
    sandbox: StripeSandbox

    def signed(self, body: bytes) -> RawWebhook:
        return self._with(self.sandbox.webhook_secret, body, int(time.time()))

    def forged(self, body: bytes, how: str) -> RawWebhook:
        if how == "old":
            return self._with(self.sandbox.webhook_secret, body, int(time.time()) - 302)
        return self._with("whsec_another", body, int(time.time()))

    def of_the_other_mode(self) -> list[RawWebhook]:
        return [self.signed(one.body.replace(b'"livemode": false', b'"livemode": true')) for one in self.genuine]

    def _with(self, secret: str, body: bytes, sent: int) -> RawWebhook:
        return RawWebhook(
            headers={
                "content-type": "application/json",
                "stripe-signature": f"t={sent},v1={_hmac(secret, sent, body)}",
            },
            body=body,
        )

    def is_signed(self, headers: Mapping[str, str], body: bytes) -> bool:
        """Any second of the last five minutes that the header names, signed with the secret."""
        header = headers.get("stripe-signature", "")
        now = int(time.time())
        recent = [sent for sent in range(now - 301, now + 301) if str(sent) in header]
        return any(_hmac(self.sandbox.webhook_secret, sent, body) in header for sent in recent)


class PayPalSender(Sender):
    """PayPal signs with a certificate; ``webhook_check`` says whether it is checked here or asked for."""

    provider_class = PayPal
    sandbox: PayPalSandbox

    def __init__(self, sandbox: PayPalSandbox, **settings: str) -> None:
        super().__init__(sandbox, **settings)
        self._impostor = Signer.make()
        key = x509.load_pem_x509_certificate(sandbox.signer.certificate.encode()).public_key()
        assert isinstance(key, RSAPublicKey)
        self._key = key

    def signed(self, body: bytes) -> RawWebhook:
        return self.sandbox.webhook(body)

    def forged(self, body: bytes, how: str) -> RawWebhook:
        now = datetime.datetime.now(datetime.UTC)
        if how == "old":
            return self.sandbox.webhook(body, sent_at=now - 4 * DAY - datetime.timedelta(seconds=2))
        genuine = self.sandbox.webhook(b"")
        headers = self._impostor.headers(
            body, webhook_id=self.sandbox.webhook_id, cert_url=genuine.headers["paypal-cert-url"], sent_at=now
        )
        return RawWebhook(headers=headers, body=body)

    def of_the_other_mode(self) -> list[RawWebhook]:
        """An app has one webhook, with its own id, in each environment; nothing else tells them apart."""
        url = self.genuine[0].headers["paypal-cert-url"]
        return [
            RawWebhook(
                headers=self.sandbox.signer.headers(
                    one.body, webhook_id="LIVE", cert_url=url, sent_at=datetime.datetime.now(datetime.UTC)
                ),
                body=one.body,
            )
            for one in self.genuine
        ]

    def is_signed(self, headers: Mapping[str, str], body: bytes) -> bool:
        sent = headers.get("paypal-transmission-time", "")
        parts = (headers.get("paypal-transmission-id", ""), sent, self.sandbox.webhook_id, str(zlib.crc32(body)))
        try:
            age = datetime.datetime.now(datetime.UTC) - datetime.datetime.fromisoformat(sent)
            signature = base64.b64decode(headers.get("paypal-transmission-sig", ""))
            self._key.verify(signature, "|".join(parts).encode(), padding.PKCS1v15(), hashes.SHA256())
        except (ValueError, TypeError, InvalidSignature):
            return False
        return age <= 4 * DAY


def _hmac(secret: str, sent: int, body: bytes) -> str:
    return hmac.new(secret.encode(), f"{sent}.".encode() + body, hashlib.sha256).hexdigest()


@pytest.fixture(autouse=True)
def no_sockets(monkeypatch: pytest.MonkeyPatch) -> dict[str, PaymentSandbox]:
    """What providers ask is answered in this process by the sandbox at that address; gives those, by address."""
    sandboxes: dict[str, PaymentSandbox] = {}

    def call(_: ProviderSession, method: str, url: str, ends: float, **arguments: Any) -> Answer:
        del ends
        asked = requests.Request(method, url, **arguments).prepare()
        parts = urlsplit(asked.url or "")
        body = asked.body or b""
        response, fault = sandboxes[f"{parts.scheme}://{parts.netloc}"].server.answer(
            SandboxRequest(
                method=method,
                path=parts.path,
                query=dict(parse_qsl(parts.query, keep_blank_values=True)),
                headers={name.lower(): value for name, value in asked.headers.items()},
                body=body.encode() if isinstance(body, str) else body,
            )
        )
        assert response is not None
        assert fault is None
        headers = {name.lower(): value for name, value in response.headers.items()}
        return Answer(status=response.status, headers=headers, body=response.encoded())

    monkeypatch.setattr(ProviderSession, "_call", call)
    return sandboxes


@pytest.fixture(params=["mollie", "stripe", "paypal", "paypal, asked"])
def sender(request: pytest.FixtureRequest, no_sockets: dict[str, PaymentSandbox]) -> Iterator[Sender]:
    kinds: dict[str, Any] = {
        "mollie": (MollieSandbox, lambda sandbox: MollieSender(sandbox)),
        "stripe": (StripeSandbox, lambda sandbox: StripeSender(sandbox)),
        "paypal": (PayPalSandbox, lambda sandbox: PayPalSender(sandbox)),
        "paypal, asked": (PayPalSandbox, lambda sandbox: PayPalSender(sandbox, webhook_check="api")),
    }
    sandbox_class, make = kinds[request.param]
    with sandbox_class() as sandbox:
        no_sockets[sandbox.url] = sandbox
        yield make(sandbox)
