"""PayPal's webhooks: whose they are, and what they say of a refund."""

from __future__ import annotations

import base64
import datetime
import json
import re
import zlib
from collections.abc import Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any

import attrs

from retour.providers import (
    Disposition,
    ErrorCode,
    ProviderError,
    ProviderSession,
    RawWebhook,
    RefundEvent,
    ToFetch,
    VerifiedEvents,
    WebhookRejected,
    check_age,
    needs_setting,
    read_json,
    read_wire,
    reading_signed,
)
from retour_paypal.api import Api
from retour_paypal.settings import Settings
from retour_paypal.wire import Link, WireRefund, linked_capture

if TYPE_CHECKING:
    from retour_paypal.certificates import Certificates

VERIFY = "/v1/notifications/verify-webhook-signature"

OLDEST = datetime.timedelta(days=4)
"""How old a transmission may be. PayPal tries for three days (https://developer.paypal.com/api/rest/webhooks/rest/)
and does not say whether a later try carries a new time. It defines no replay window; the event's id is what makes a
webhook that comes twice count once."""

AHEAD = datetime.timedelta(minutes=5)
"""How far PayPal's clock may be ahead of ours."""

CAPTURE = "PAYMENT.CAPTURE."
"""How the names of events about a capture begin."""

NO_MONEY_BACK = frozenset({f"{CAPTURE}{name}" for name in ("COMPLETED", "PENDING", "DENIED", "DECLINED")})
"""Those of a capture of which nothing goes back."""

REFUNDED = "PAYMENT.CAPTURE.REFUNDED"
REVERSED = "PAYMENT.CAPTURE.REVERSED"
REFUND = "PAYMENT.REFUND."
"""How the names of events about a pending or failed refund begin."""

ALGORITHM = "SHA256withRSA"

_ID = re.compile(r"[A-Za-z0-9-]{1,50}")
_TIME = re.compile(r"[0-9T:.Z+-]{1,100}")
_LONGEST_HEADER = 500
_LONGEST_TYPE = 100


@attrs.frozen(kw_only=True)
class Transmission:
    """The five headers that a webhook is signed with (schema ``verify_webhook_signature``)."""

    id: str
    time: str
    signature: str
    certificate: str
    algorithm: str

    @classmethod
    def of(cls, headers: Mapping[str, str]) -> Transmission:
        """Read the headers; raises `WebhookRejected` for a missing one and for any that PayPal would not send."""

        def header(name: str) -> str:
            value = headers.get(name, "")
            if not value or not value.isascii() or not value.isprintable() or len(value) > _LONGEST_HEADER:
                raise WebhookRejected(f"the header {name} is missing or is not PayPal's")
            return value

        sent = cls(
            id=header("paypal-transmission-id"),
            time=header("paypal-transmission-time"),
            signature=header("paypal-transmission-sig"),
            certificate=header("paypal-cert-url"),
            algorithm=header("paypal-auth-algo"),
        )
        if not _ID.fullmatch(sent.id) or sent.algorithm != ALGORITHM:
            raise WebhookRejected("the transmission's id or algorithm is not PayPal's")
        return sent

    def sent_at(self) -> datetime.datetime:
        """When PayPal sent it; raises `WebhookRejected` for what is no time."""
        try:
            time = datetime.datetime.fromisoformat(self.time if _TIME.fullmatch(self.time) else "")
            if time.tzinfo is None:
                raise ValueError
            return time.astimezone(datetime.UTC)
        except (ValueError, OverflowError):
            raise WebhookRejected("the transmission's time is no time") from None

    def message(self, webhook_id: str, body: bytes) -> bytes:
        """What PayPal signs; the body is in it as the decimal CRC-32 of its raw bytes."""
        return f"{self.id}|{self.time}|{webhook_id}|{zlib.crc32(body)}".encode()


class Webhooks:
    """Checks signatures, here or at PayPal (setting ``webhook_check``)."""

    def __init__(self, settings: Settings, http: ProviderSession, api: Api) -> None:
        self._settings = settings
        self._http = http
        self._api = api

    @cached_property
    def _certificates(self) -> Certificates:
        """Made for the first webhook: most processes of a shop check none, and cryptography takes long to import."""
        from retour_paypal.certificates import Certificates

        return Certificates(self._settings, self._http)

    def check(self, webhook: RawWebhook, now: datetime.datetime | None = None) -> None:
        """Raise `WebhookRejected` unless PayPal sent this webhook, to us, within `OLDEST` and `AHEAD` of ``now``."""
        now = now or datetime.datetime.now(datetime.UTC)
        if not self._settings.webhook_id:
            raise needs_setting("webhook_id")
        sent = Transmission.of(webhook.headers)
        check_age(sent.sent_at(), now=now, oldest=OLDEST, ahead=AHEAD)
        if not self._certificates.allowed(sent.certificate):
            raise WebhookRejected("the certificate is not from PayPal")
        if self._settings.webhook_check == "api":
            self._ask(sent, webhook.body)
        else:
            message = sent.message(self._settings.webhook_id, webhook.body)
            self._certificates.verify(sent.certificate, _decoded(sent.signature), message, now)

    def _ask(self, sent: Transmission, body: bytes) -> None:
        """Let PayPal check. The event goes along in its own bytes: written again, PayPal says FAILURE.

        https://github.com/paypal/PayPal-node-SDK/issues/412
        """
        try:
            _event(body)  # one JSON object and nothing after it, so that it cannot speak for the fields around it
        except ValueError:
            raise WebhookRejected("the body is no event, and PayPal is asked about events alone") from None
        fields = {
            "auth_algo": sent.algorithm,
            "cert_url": sent.certificate,
            "transmission_id": sent.id,
            "transmission_sig": sent.signature,
            "transmission_time": sent.time,
            "webhook_id": self._settings.webhook_id,
        }
        try:
            answer = self._api.write_raw(VERIFY, json.dumps(fields).encode()[:-1] + b',"webhook_event":' + body + b"}")
        except ProviderError as error:
            if error.disposition is Disposition.FINAL:
                raise WebhookRejected(f"PayPal does not check this webhook: {error.message}") from None
            raise
        if read_wire(_Verdict, answer.json()).verification_status != "SUCCESS":
            raise WebhookRejected("PayPal says that the signature is wrong")


@attrs.frozen(kw_only=True)
class _Verdict:
    verification_status: str


@attrs.frozen(kw_only=True)
class _Event:
    """A webhook's envelope (schema ``event``)."""

    id: str
    event_type: str
    resource: dict[str, Any]


@attrs.frozen(kw_only=True)
class _Resource:
    """What any resource has."""

    links: tuple[Link, ...] = ()


def read_event(body: bytes) -> VerifiedEvents | ToFetch:
    """What a checked webhook says. Raises `WebhookUnreadable`, also for one about money that does not say of which
    capture it is.

    The resource of ``PAYMENT.CAPTURE.REFUNDED`` is the refund, and its capture is in its links
    (https://developer.paypal.com/api/rest/webhooks/event-names.md); ``PAYMENT.REFUND.*`` is read the same way. What
    comes with ``PAYMENT.CAPTURE.REVERSED`` is not described, so its capture is looked at afresh, as it is where a
    refund cannot be read and where the type of an event about a capture is not known.
    """
    with reading_signed(body):
        event = read_wire(_Event, _event(body))
        if event.event_type in NO_MONEY_BACK or not event.event_type.startswith((CAPTURE, REFUND)):
            return VerifiedEvents(events=())
        capture = linked_capture(read_wire(_Resource, event.resource).links)
        if not capture:
            told = f"{event.event_type[:_LONGEST_TYPE]} does not say which capture it is about"
            raise ProviderError(ErrorCode.UNREADABLE_ANSWER, told)
        if event.event_type == REVERSED:
            return ToFetch(targets=(capture,), taken_back=event.id)
        if event.event_type != REFUNDED and not event.event_type.startswith(REFUND):
            unread = f"no event of type {event.event_type[:_LONGEST_TYPE]} is known"
            return ToFetch(targets=(capture,), unread=unread)
        try:
            refund = read_wire(WireRefund, event.resource).result()
        except ProviderError as error:
            unread = f"{event.event_type[:_LONGEST_TYPE]}: {error.message}"
            return ToFetch(targets=(capture,), unread=unread)
        return VerifiedEvents(events=(RefundEvent(event_id=event.id, refund=refund),))


def _event(body: bytes) -> dict[str, Any]:
    """The event in a webhook's body; raises ValueError for what is not one JSON object in UTF-8."""
    event = read_json(body)
    if not isinstance(event, dict):
        raise ValueError
    return event


def _decoded(signature: str) -> bytes:
    try:
        return base64.b64decode(signature, validate=True)
    except ValueError:
        raise WebhookRejected("the signature is not base64") from None
