"""A sandbox of PayPal: a small server with PayPal's paths, fields, statuses, errors, webhooks and memory.

What it answers is checked against PayPal's descriptions of Payments v2, Orders v2 and Webhooks v1. Where those are
silent and PayPal's behaviour is not known, the docstrings say what the sandbox does.
"""

from __future__ import annotations

import base64
import binascii
import datetime
import json
import re
import threading
import uuid
import zlib
from collections import deque
from collections.abc import Sequence
from types import TracebackType
from typing import ClassVar
from urllib.parse import parse_qs

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from retour.providers import Money, RawWebhook
from retour.sandbox import (
    BookedRefund,
    PaymentSandbox,
    SandboxClock,
    SandboxRequest,
    SandboxResponse,
    SandboxServer,
    SandboxWebhook,
)
from retour_paypal.sandbox_answers import Answers, Json, written
from retour_paypal.sandbox_books import SandboxCapture, SandboxRefund
from retour_paypal.sandbox_issues import ISSUES, error_body
from retour_paypal.sandbox_signer import Signer, sandbox_signer
from retour_paypal.wire import STATUSES

KEEPS_KEYS = datetime.timedelta(days=45)
"""Parameter ``paypal_request_id`` of Payments v2."""

REFUND_WINDOW = datetime.timedelta(days=180)
"""https://www.paypal.com/mt/cshelp/article/how-do-i-issue-a-refund-help101"""

TOKEN_SECONDS = 32_400
"""How long an access token is good in PayPal's own samples."""

CREDENTIALS = ("sandbox-client", "sandbox-secret")
"""The only client id and secret that the sandbox knows."""

_WHOLE_UNITS = ("HUF", "JPY", "TWD")
_REFERENCE = re.compile(r"(capture:|order:)?[A-Z0-9]{1,36}")
_VALUE = re.compile(r"-?[0-9]+|-?[0-9]*\.[0-9]+")
_LONGEST = {"custom_id": 127, "invoice_id": 127, "note_to_payer": 255}


class _Refused(Exception):
    """An answer that says no."""

    def __init__(self, issue: str, field: str = "") -> None:
        super().__init__(issue)
        self.issue = issue
        self.field = field


class PayPalSandbox:
    """PayPal on this machine, from ``with`` until its end.

    >>> with PayPalSandbox() as sandbox:
    ...     capture = sandbox.pay(Money.of("44.95", "EUR"))
    ...     sandbox.order_of(capture) != capture
    True

    ``url`` is its address, ``settings`` what a shop needs to use it, ``clock`` its time, which stands still until it
    is moved; ``server.faults`` makes the next refund go wrong, ``server.requests`` is everything that came in.
    A payment is named as a shop stores it: a capture by its id, an order of one capture as ``order:`` and its id.

    Switches, for what PayPal leaves open or does now and then:

    - ``refunds_take``: how long a refund is pending first. By default it is completed at once.
    - ``brief_orders``: the refunds of an order come without amount and ``custom_id``.
    - ``replay_status``: what a repeated request is answered with; PayPal's description knows 201, its SDK 200 too.
    - ``max_refunds``: how many refunds a capture may have; PayPal has such a number and does not publish it.
    """

    provider: ClassVar[str] = "paypal"

    def __init__(self, *, clock: SandboxClock | None = None, port: int = 0) -> None:
        self.clock = clock or SandboxClock()
        self.server = SandboxServer(self._handle, port=port)
        self.server.faulty = lambda request: request.path.endswith("/refund")
        self.server.error_bodies = {status: error_body(status) for status in (429, 500, 503)}
        self.signer: Signer = sandbox_signer()
        self.webhook_id = _new_id()
        self.refunds_take = datetime.timedelta(0)
        self.brief_orders = False
        self.replay_status = 200
        self.max_refunds: int | None = None
        self._answers = Answers(self.server.url)
        self._captures: dict[str, SandboxCapture] = {}
        self._refunds: dict[str, SandboxRefund] = {}
        self._keys: dict[str, tuple[datetime.datetime, str]] = {}
        self._tokens: dict[str, datetime.datetime] = {}
        self._balance: dict[str, int] | None = None
        self._refusals: deque[str] = deque()
        self._untaken: list[bytes] = []
        self._held = False
        self._lock = threading.RLock()

    def __enter__(self) -> PayPalSandbox:
        self.server.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.server.stop()

    @property
    def url(self) -> str:
        """Where the sandbox is: the setting ``api_url``."""
        return self.server.url

    @property
    def settings(self) -> dict[str, str]:
        """The settings of PayPal that use this sandbox: ``settings={"paypal": sandbox.settings}``."""
        client_id, client_secret = CREDENTIALS
        return {
            "client_id": client_id,
            "client_secret": client_secret,
            "environment": "sandbox",
            "api_url": self.url,
            "webhook_id": self.webhook_id,
            "webhook_root": self.signer.root,
        }

    # --- what happens at PayPal without the API ------------------------------------------------------------

    def pay(
        self,
        amount: Money,
        *,
        reference: str = "",
        order: str = "",
        status: str = "COMPLETED",
        names_order: bool = True,
    ) -> str:
        """A customer pays; gives the id of the capture.

        ``reference`` makes it that capture, or the one capture of that order (``order:…``). ``order`` makes it a
        further capture of an order that is there; ``status`` is one of PayPal's for captures; without ``names_order``
        the capture does not say which order it is of.
        """
        if reference and not _REFERENCE.fullmatch(reference):
            raise ValueError(f"{reference} is no capture or order of PayPal: their ids are capitals and digits")
        kind, _, given = reference.rpartition(":")
        with self._lock:
            if given in self._captures or (kind == "order" and self._captures_of(given)):
                raise ValueError(f"{reference} is there already")
            capture = SandboxCapture(
                id=given if given and kind != "order" else _new_id(),
                order=given if kind == "order" else order or _new_id(),
                amount=amount,
                made_at=self.clock.now(),
                status=status,
                names_order=names_order,
            )
            self._captures[capture.id] = capture
            return reference or capture.id

    def order_of(self, capture: str) -> str:
        """The id of a capture's order."""
        with self._lock:
            return self._stored(capture).order

    def complete_payment(self, capture: str) -> None:
        """A pending payment comes in."""
        with self._lock:
            self._stored(capture).status = "COMPLETED"

    def refund_in_dashboard(self, reference: str, amount: Money) -> str:
        """The merchant refunds at PayPal; gives the id of the refund. It has no ``custom_id``."""
        with self._lock:
            self._settle()
            capture = self._stored(reference)
            left = capture.left
            if capture.status != "COMPLETED":
                raise ValueError(f"{reference} is {capture.status.lower()} and cannot be refunded")
            if amount.currency != left.currency or not 0 < amount.minor <= left.minor:
                raise ValueError(f"{amount} cannot be refunded of {reference}: {left} is left")
            return self._make(capture, amount, {}).id

    def fail(self, refund: str) -> None:
        """A refund fails at PayPal after all, and the money is back with the merchant."""
        self._end(refund, "FAILED", "PAYMENT.REFUND.FAILED")

    def cancel_in_dashboard(self, refund: str) -> None:
        """A refund is cancelled at PayPal. No event is known to tell."""
        self._end(refund, "CANCELLED", "")

    def hold(self) -> None:
        """From now on no refund is completed, however long it takes: new ones are pending."""
        with self._lock:
            self._settle()
            self._held = True

    def release(self) -> None:
        """What was held is completed when it is due, now at the earliest."""
        with self._lock:
            self._held = False
            for refund in self._refunds.values():
                refund.done_at = max(refund.done_at, self.clock.now())
            self._settle()

    def advance(self, by: datetime.timedelta) -> None:
        """Let time pass: pending refunds are completed after ``refunds_take``."""
        with self._lock:
            self.clock.advance(by)
            self._settle()

    def books(self, reference: str) -> Sequence[BookedRefund]:
        """The refunds of a payment, the oldest first; ``refund_id`` is their ``custom_id``."""
        with self._lock:
            self._settle()
            return [
                BookedRefund(
                    reference=refund.id,
                    amount=refund.amount,
                    status=STATUSES[refund.status],
                    refund_id=refund.said.get("custom_id", ""),
                )
                for refund in self._stored(reference).refunds
            ]

    def open_dispute(self, capture: str) -> None:
        """The customer opens a case: only a full refund is possible."""
        with self._lock:
            self._stored(capture).disputed = True

    def charge_back(self, capture: str) -> None:
        """The customer's bank takes the money back: no refund is possible, and PayPal tells of the reversal.

        The resource of that event is not described; the sandbox sends the capture.
        """
        with self._lock:
            self._settle()
            found = self._stored(capture)
            found.charged_back = True
            self._tell("PAYMENT.CAPTURE.REVERSED", "capture", self._answers.capture(found, in_order=False))

    def set_balance(self, *amounts: Money) -> None:
        """What the merchant has at PayPal, per currency; until this is called there is always enough."""
        with self._lock:
            self._balance = {amount.currency: amount.minor for amount in amounts}

    def refuse_next(self, issue: str) -> None:
        """The next refund is answered with this one of `ISSUES`, and not made."""
        if issue not in ISSUES:
            raise ValueError(f"{issue} is no issue of a refund")
        with self._lock:
            self._refusals.append(issue)

    def revoke_tokens(self) -> None:
        """Every access token that was given out is worth nothing from now on."""
        with self._lock:
            self._tokens.clear()

    # --- webhooks ------------------------------------------------------------------------------------------

    def take_webhooks(self) -> list[SandboxWebhook]:
        """The webhooks that nobody took yet, the oldest event first, signed now.

        ``PAYMENT.CAPTURE.REFUNDED`` and ``.REVERSED`` are on PayPal's list of events; ``PAYMENT.REFUND.PENDING`` and
        ``.FAILED`` are what others receive from it.
        """
        with self._lock:
            self._settle()
            taken, self._untaken = self._untaken, []
        signed = [self.webhook(body) for body in taken]
        return [SandboxWebhook(headers=webhook.headers, body=webhook.body) for webhook in signed]

    def webhook(self, event: bytes, *, sent_at: datetime.datetime | None = None) -> RawWebhook:
        """A transmission of an event, signed; the same event again is another transmission.

        It is dated by the clock of this machine unless ``sent_at`` says otherwise: who receives it has no other.
        """
        url = f"{self.url}/v1/notifications/certs/CERT-{zlib.crc32(self.signer.certificate.encode()):08x}"
        sent_at = sent_at or datetime.datetime.now(datetime.UTC)
        headers = self.signer.headers(event, webhook_id=self.webhook_id, cert_url=url, sent_at=sent_at)
        return RawWebhook(headers=headers | {"content-type": "application/json"}, body=event)

    def _tell(self, event_type: str, resource_type: str, resource: Json) -> None:
        event_id = f"WH-{_new_id()}-{_new_id()}"
        address = f"{self.url}/v1/notifications/webhooks-events/{event_id}"
        event = {
            "id": event_id,
            "event_version": "1.0",
            "create_time": written(self.clock.now()),
            "resource_type": resource_type,
            "resource_version": "2.0",
            "event_type": event_type,
            "summary": event_type.capitalize(),
            "resource": resource,
            "links": [
                {"href": address, "rel": "self", "method": "GET"},
                {"href": f"{address}/resend", "rel": "resend", "method": "POST"},
            ],
        }
        self._untaken.append(json.dumps(event).encode())

    # --- the API -------------------------------------------------------------------------------------------

    def _handle(self, request: SandboxRequest) -> SandboxResponse:
        with self._lock:
            self._settle()
            try:
                if request.path == "/v1/oauth2/token" and request.method == "POST":
                    return self._token(request)
                if request.path.startswith("/v1/notifications/certs/") and request.method == "GET":
                    return self._certificate(request)
                if not self._is_authorized(request):
                    return SandboxResponse(status=401, body=error_body(401))
                return self._route(request)
            except _Refused as refused:
                status = ISSUES[refused.issue][0]
                return SandboxResponse(status=status, body=error_body(status, refused.issue, refused.field))

    def _route(self, request: SandboxRequest) -> SandboxResponse:
        parts = request.path.strip("/").split("/")
        match request.method, parts:
            case "POST", ["v2", "payments", "captures", capture, "refund"]:
                return self._refund(capture, request)
            case "GET", ["v2", "payments", "captures", capture] if capture in self._captures:
                return SandboxResponse(status=200, body=self._answers.capture(self._captures[capture], in_order=False))
            case "GET", ["v2", "payments", "refunds", refund] if refund in self._refunds:
                return SandboxResponse(status=200, body=self._answers.refund(self._refunds[refund]))
            case "GET", ["v2", "checkout", "orders", order] if self._captures_of(order):
                return SandboxResponse(
                    status=200, body=self._answers.order(order, self._captures_of(order), brief=self.brief_orders)
                )
            case "POST", ["v1", "notifications", "verify-webhook-signature"]:
                return self._verify(request)
        raise _Refused("INVALID_RESOURCE_ID")

    def _token(self, request: SandboxRequest) -> SandboxResponse:
        """https://developer.paypal.com/api/rest/authentication/; not in PayPal's descriptions."""
        form = parse_qs(request.body.decode(errors="replace"))
        if _basic(request.headers.get("authorization", "")) != CREDENTIALS:
            body = {"error": "invalid_client", "error_description": "Client Authentication failed"}
            return SandboxResponse(status=401, body=body)
        if form.get("grant_type") != ["client_credentials"]:
            body = {"error": "unsupported_grant_type", "error_description": "unsupported grant_type"}
            return SandboxResponse(status=400, body=body)
        token = uuid.uuid4().hex
        self._tokens[token] = self.clock.now() + datetime.timedelta(seconds=TOKEN_SECONDS)
        return SandboxResponse(
            status=200,
            body={
                "scope": "https://uri.paypal.com/services/payments/refund "
                "https://uri.paypal.com/services/payments/payment/authcapture",
                "access_token": token,
                "token_type": "Bearer",
                "app_id": "APP-80W284485P519543T",
                "expires_in": TOKEN_SECONDS,
                "nonce": uuid.uuid4().hex,
            },
        )

    def _is_authorized(self, request: SandboxRequest) -> bool:
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        return scheme == "Bearer" and self._tokens.get(token, self.clock.now()) > self.clock.now()

    def _refund(self, capture: str, request: SandboxRequest) -> SandboxResponse:
        """``captures.refund``. A known ``PayPal-Request-Id`` gives the refund as it is now, whatever the body says:
        what PayPal does with another body is not known. A refused request is not remembered."""
        key = request.headers.get("paypal-request-id", "")
        seen = self._keys.get(key)
        if key and seen and self.clock.now() - seen[0] < KEEPS_KEYS:
            return self._made(self._refunds[seen[1]], request, self.replay_status)
        if self._refusals:
            raise _Refused(self._refusals.popleft())
        if capture not in self._captures:
            raise _Refused("INVALID_RESOURCE_ID", "capture_id")
        found = self._captures[capture]
        amount, said = self._read(request.body, found)
        self._check(found, amount)
        refund = self._make(found, amount, said)
        if key:
            self._keys[key] = (self.clock.now(), refund.id)
        return self._made(refund, request, 201)

    def _made(self, refund: SandboxRefund, request: SandboxRequest, status: int) -> SandboxResponse:
        whole = self._answers.refund(refund)
        if request.headers.get("prefer") != "return=representation":
            whole = {name: whole[name] for name in ("id", "status", "links")}
        return SandboxResponse(status=status, body=whole)

    def _read(self, body: bytes, capture: SandboxCapture) -> tuple[Money, dict[str, str]]:
        """A refund request (schema ``refund_request``). An empty body is taken for ``{}``, as PayPal's SDK sends it."""
        try:
            fields = json.loads(body or b"{}")
        except ValueError:
            raise _Refused("INVALID_PARAMETER_SYNTAX") from None
        if not isinstance(fields, dict):
            raise _Refused("INVALID_PARAMETER_SYNTAX")
        said = {name: fields[name] for name in _LONGEST if name in fields}
        for name, value in said.items():
            if not isinstance(value, str) or "\n" in value:
                raise _Refused("INVALID_PARAMETER_SYNTAX", f"/{name}")
            if not 1 <= len(value) <= _LONGEST[name]:
                raise _Refused("INVALID_STRING_LENGTH", f"/{name}")
        if "invoice_id" in said and any(
            refund.said.get("invoice_id") == said["invoice_id"] for refund in self._refunds.values()
        ):
            raise _Refused("DUPLICATE_INVOICE_ID", "/invoice_id")
        if "amount" not in fields:
            return capture.left, said
        return _read_amount(fields["amount"], capture.amount.currency), said

    def _check(self, capture: SandboxCapture, amount: Money) -> None:
        left = capture.left
        if capture.status == "PENDING":
            raise _Refused("PENDING_CAPTURE")
        if capture.status in ("DECLINED", "FAILED"):
            raise _Refused("REFUND_NOT_ALLOWED")
        if capture.charged_back:
            raise _Refused("REFUND_NOT_PERMITTED_DUE_TO_CHARGEBACK")
        if not left:
            raise _Refused("CAPTURE_FULLY_REFUNDED")
        if self.clock.now() - capture.made_at > REFUND_WINDOW:
            raise _Refused("REFUND_TIME_LIMIT_EXCEEDED")
        if amount > left:
            raise _Refused("REFUND_AMOUNT_EXCEEDED", "/amount/value")
        if capture.disputed and amount != capture.amount:
            raise _Refused("TRANSACTION_DISPUTED")
        if self.max_refunds is not None and len(capture.refunds) >= self.max_refunds:
            raise _Refused("MAX_NUMBER_OF_REFUNDS_EXCEEDED")
        if self._balance is not None and self._balance.get(amount.currency, 0) < amount.minor:
            raise _Refused("REFUND_FAILED_INSUFFICIENT_FUNDS")

    def _make(self, capture: SandboxCapture, amount: Money, said: dict[str, str]) -> SandboxRefund:
        now = self.clock.now()
        pending = self._held or bool(self.refunds_take)
        refund = SandboxRefund(
            id=_new_id(),
            capture=capture.id,
            amount=amount,
            made_at=now,
            changed_at=now,
            status="PENDING" if pending else "COMPLETED",
            total=capture.amount - capture.left + amount,
            done_at=now + self.refunds_take,
            said=said,
        )
        self._refunds[refund.id] = refund
        capture.refunds.append(refund)
        if self._balance is not None:
            self._balance[amount.currency] = self._balance.get(amount.currency, 0) - amount.minor
        event = ("PAYMENT.REFUND.PENDING" if pending else "PAYMENT.CAPTURE.REFUNDED", "refund")
        self._tell(*event, self._answers.refund(refund))
        return refund

    def _end(self, refund: str, status: str, event: str) -> None:
        with self._lock:
            self._settle()
            found = self._refunds.get(refund)
            if found is None:
                raise ValueError(f"there is no refund {refund}")
            if found.status in ("FAILED", "CANCELLED"):
                raise ValueError(f"{refund} is {found.status.lower()} already")
            found.status, found.changed_at = status, self.clock.now()
            if self._balance is not None:
                self._balance[found.amount.currency] = self._balance.get(found.amount.currency, 0) + found.amount.minor
            if event:
                self._tell(event, "refund", self._answers.refund(found))

    def _settle(self) -> None:
        """Complete the refunds whose time has come, unless they are held."""
        for refund in [] if self._held else self._refunds.values():
            if refund.status == "PENDING" and refund.done_at <= self.clock.now():
                refund.status, refund.changed_at = "COMPLETED", refund.done_at
                self._tell("PAYMENT.CAPTURE.REFUNDED", "refund", self._answers.refund(refund))

    def _certificate(self, request: SandboxRequest) -> SandboxResponse:
        known = f"CERT-{zlib.crc32(self.signer.certificate.encode()):08x}"
        if not request.path.endswith(f"/{known}"):
            raise _Refused("INVALID_RESOURCE_ID")
        return SandboxResponse(status=200, body=self.signer.certificate.encode(), content_type="application/x-pem-file")

    def _verify(self, request: SandboxRequest) -> SandboxResponse:
        """``verify-webhook-signature.post``: over the event's own bytes, as they stand in the request."""
        text = request.body.decode(errors="replace")
        try:
            fields = json.loads(text)
            begin = text.index('"webhook_event":') + len('"webhook_event":')
            _, end = json.JSONDecoder().raw_decode(text, begin + len(text[begin:]) - len(text[begin:].lstrip()))
            event = text[begin:end].strip().encode()
            message = "|".join(
                (fields["transmission_id"], fields["transmission_time"], fields["webhook_id"], str(zlib.crc32(event)))
            )
            signature = base64.b64decode(fields["transmission_sig"], validate=True)
        except (ValueError, KeyError, TypeError):
            raise _Refused("MISSING_REQUIRED_PARAMETER") from None
        key = x509.load_pem_x509_certificate(self.signer.certificate.encode()).public_key()
        verdict = "FAILURE"
        if isinstance(key, RSAPublicKey) and fields["webhook_id"] == self.webhook_id:
            try:
                key.verify(signature, message.encode(), padding.PKCS1v15(), hashes.SHA256())
                verdict = "SUCCESS"
            except InvalidSignature:
                pass
        return SandboxResponse(status=200, body={"verification_status": verdict})

    # --- finding things ------------------------------------------------------------------------------------

    def _stored(self, reference: str) -> SandboxCapture:
        """The capture that a shop stored: by its own id, or as the one capture of an order."""
        kind, _, given = reference.rpartition(":")
        captures = self._captures_of(given) if kind == "order" else []
        found = captures[0] if len(captures) == 1 else self._captures.get(given)
        if found is None:
            raise ValueError(f"there is no payment {reference}, or no one payment of it")
        return found

    def _captures_of(self, order: str) -> list[SandboxCapture]:
        return [capture for capture in self._captures.values() if capture.order == order]


_: type[PaymentSandbox] = PayPalSandbox  # held by the type checker


def _read_amount(wire: object, currency: str) -> Money:
    """An amount (schema ``money``), held to the decimals of its currency."""
    if not isinstance(wire, dict):
        raise _Refused("INVALID_PARAMETER_SYNTAX", "/amount")
    code, value = wire.get("currency_code"), wire.get("value")
    if code is None or value is None:
        raise _Refused("MISSING_REQUIRED_PARAMETER", "/amount/value" if value is None else "/amount/currency_code")
    if not isinstance(value, str) or len(value) > 32 or not _VALUE.fullmatch(value):
        raise _Refused("INVALID_PARAMETER_SYNTAX", "/amount/value")
    if not isinstance(code, str) or not re.fullmatch(r"[A-Z]{3}", code):
        raise _Refused("INVALID_CURRENCY_CODE", "/amount/currency_code")
    if code != currency:
        raise _Refused("REFUND_CAPTURE_CURRENCY_MISMATCH", "/amount/currency_code")
    decimals = len(value.partition(".")[2])
    if code in _WHOLE_UNITS and decimals:
        raise _Refused("DECIMALS_NOT_SUPPORTED", "/amount/value")
    if decimals > 2:
        raise _Refused("DECIMAL_PRECISION", "/amount/value")
    amount = Money.of(value, code)
    if amount.minor <= 0:
        raise _Refused("CANNOT_BE_ZERO_OR_NEGATIVE", "/amount/value")
    return amount


def _basic(header: str) -> tuple[str, str]:
    """The name and password of HTTP Basic."""
    try:
        name, _, password = base64.b64decode(header.removeprefix("Basic ")).decode().partition(":")
    except (binascii.Error, ValueError):
        return "", ""
    return name, password


def _new_id() -> str:
    """17 capitals and digits, as PayPal's ids are."""
    return uuid.uuid4().hex[:17].upper()
