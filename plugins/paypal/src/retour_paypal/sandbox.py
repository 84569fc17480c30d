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
import uuid
import zlib
from collections import deque
from collections.abc import Collection, Mapping, Sequence
from typing import Any, ClassVar
from urllib.parse import parse_qs

import attrs
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from retour import InvalidAmount
from retour.providers import Money, RawWebhook, Text
from retour.sandbox import (
    BookkeepingSandbox,
    DashboardAction,
    Lifecycle,
    NoSuchPayment,
    NotPossible,
    PaymentSandbox,
    Refused,
    Remembered,
    SandboxClock,
    SandboxPayment,
    SandboxRefund,
    SandboxRequest,
    SandboxResponse,
    SandboxWebhook,
    Step,
    spoilt,
)
from retour_paypal import sandbox_dashboard, wire
from retour_paypal.provider import WHOLE_UNITS
from retour_paypal.sandbox_answers import Answers, Json, written
from retour_paypal.sandbox_dashboard import text
from retour_paypal.sandbox_issues import ISSUES, error_body
from retour_paypal.sandbox_signer import Signer, sandbox_signer
from retour_paypal.wire import CURRENCIES, STATUSES

KEEPS_KEYS = datetime.timedelta(days=45)
"""Parameter ``paypal_request_id`` of Payments v2."""

REFUND_WINDOW = datetime.timedelta(days=180)
"""https://www.paypal.com/mt/cshelp/article/how-do-i-issue-a-refund-help101"""

TOKEN_SECONDS = 32_400
"""How long an access token is good in PayPal's own samples."""

CREDENTIALS = ("sandbox-client", "sandbox-secret")
"""The only client id and secret that the sandbox knows."""

_VALUE = re.compile(r"-?[0-9]+|-?[0-9]*\.[0-9]+")
_LONGEST = {"custom_id": 127, "invoice_id": 127, "note_to_payer": 255}
_EVENTS = {
    "PENDING": "PAYMENT.REFUND.PENDING",
    "COMPLETED": "PAYMENT.CAPTURE.REFUNDED",
    "FAILED": "PAYMENT.REFUND.FAILED",
}
"""The event of a refund that has this status; none is known of a cancelled one. ``PAYMENT.CAPTURE.REFUNDED`` is on
PayPal's list of events, the others are what others receive from it."""


def _refused(issue: str, field: str = "") -> Refused:
    """An answer that says no."""
    status = ISSUES[issue][0]
    return Refused(SandboxResponse(status=status, body=error_body(status, issue, field)))


class PayPalSandbox(BookkeepingSandbox):
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
    dashboard_title: ClassVar[str] = "PayPal"
    dashboard_actions: ClassVar[Sequence[DashboardAction]] = sandbox_dashboard.ACTIONS
    lifecycle: ClassVar[Lifecycle] = Lifecycle(statuses=STATUSES, way=(Step(status="COMPLETED"),))
    references: ClassVar[str] = "(capture:|order:)?[A-Z0-9]{1,36}"
    references_are: ClassVar[Text] = sandbox_dashboard.REFERENCES_ARE
    currencies: ClassVar[Collection[str]] = CURRENCIES
    smallest_steps: ClassVar[Mapping[str, int]] = {step.currency: step.minor_units for step in WHOLE_UNITS}

    def __init__(self, *, clock: SandboxClock | None = None, port: int = 0) -> None:
        super().__init__(clock=clock, port=port)
        self.server.faulty = lambda request: request.path.endswith("/refund")
        self.server.error_bodies = {status: error_body(status) for status in (429, 500, 503)}
        self.signer: Signer = sandbox_signer()
        self.webhook_id = self.new_id()
        self.refunds_take = datetime.timedelta(0)
        self.brief_orders = False
        self.replay_status = 200
        self.max_refunds: int | None = None
        self._answers = Answers(self.server.url)
        self._remembered: Remembered[SandboxRefund] = Remembered(self.clock, KEEPS_KEYS)
        self._tokens: dict[str, datetime.datetime] = {}
        self._refusals: deque[str] = deque()
        self._disputed: set[str] = set()

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
        kind, _, given = reference.rpartition(":")
        with self.lock:
            self.check_new(reference)
            if self.ledger.knows(given):
                raise NotPossible(text("{reference} is there already.", reference=reference))
            made = given if given and kind != "order" else self.new_id()
            order = given if kind == "order" else order or self.new_id()
            capture = SandboxPayment(
                id=made,
                amount=amount,
                made_at=self.clock.now(),
                status=status,
                said={"order": order, "names_order": names_order},
            )
            self.ledger.add(capture, order=order)
            return reference or capture.id

    def order_of(self, capture: str) -> str:
        """The id of a capture's order."""
        with self.lock:
            return str(self.stored(capture).said["order"])

    def names(self, reference: str) -> Sequence[str]:
        """The capture as its id and with the word before it, and its order if that has no other capture."""
        with self.lock:
            capture = self.stored(reference)
            made, *orders = self.ledger.names(capture)
            return [made, f"capture:{made}", *[f"order:{order}" for order in orders]]

    def complete_payment(self, capture: str) -> None:
        """A pending payment comes in."""
        with self.lock:
            self.stored(capture).status = "COMPLETED"

    def refundable(self, payment: SandboxPayment) -> Money:
        """What is left of a capture that is completed."""
        return payment.left if payment.status == "COMPLETED" else Money.zero(payment.amount.currency)

    def is_disputed(self, capture: SandboxPayment) -> bool:
        """Whether the customer has an open case about a capture."""
        return capture.id in self._disputed

    def standing(self, payment: SandboxPayment) -> Text:
        """How a capture is: whether it came in, and whether there is a case about it."""
        if payment.status == "PENDING":
            return sandbox_dashboard.PENDING
        return sandbox_dashboard.DISPUTED if self.is_disputed(payment) else super().standing(payment)

    def refund_id(self, refund: SandboxRefund) -> str:
        """Our id is its ``custom_id``."""
        return str(refund.said.get("custom_id", ""))

    def open_dispute(self, capture: str, *, called: str = "", says_so: bool = True) -> None:
        """The customer opens a case: only a full refund is possible.

        How a capture reads meanwhile is not described. Here it keeps its status, with the reason ``BUYER_COMPLAINT``
        (schema ``capture_status_details``) if it ``says_so``, unless it is ``called`` otherwise: others saw
        ``PARTIALLY_REFUNDED`` (https://github.com/paypal/Checkout-NodeJS-SDK/issues/31).
        """
        with self.lock:
            found = self.stored(capture)
            self._disputed.add(found.id)
            found.said |= {"disputed": says_so, "called": called}

    def close_dispute(self, capture: str) -> None:
        """The case is closed in the merchant's favour. Raises `ValueError` for a payment that has none."""
        with self.lock:
            found = self.stored(capture)
            if found.id not in self._disputed:
                raise NotPossible(text("There is no open case about {payment}.", payment=capture))
            self._close(found)

    def charge_back(self, reference: str, amount: Money | None = None) -> str:
        """The customer's bank takes all of the money back, which ends an open case: no refund is possible, and PayPal
        tells of the reversal. It gives no id of it here, and its descriptions say nothing of a part.

        The resource of that event is not described; the sandbox sends the capture. Nor is the status that such a
        capture has: it keeps its own, with the reason ``CHARGEBACK`` (schema ``capture_status_details``).
        """
        with self.lock:
            self.ledger.settle()
            capture = self.stored(reference)
            if amount not in (None, capture.amount):
                raise NotPossible(
                    text(
                        "{amount} of {payment} cannot be charged back: PayPal takes back a payment as a whole.",
                        amount=amount,
                        payment=reference,
                    )
                )
            self.ledger.charge_back(capture, amount, reference="")
            self._close(capture)
            event = self._event("PAYMENT.CAPTURE.REVERSED", "capture", self._answers.capture(capture, in_order=False))
            self.untaken.append(event)
            return ""

    def give_back(self, reference: str) -> None:
        """The bank gives back what it took: the capture has no reason any more. No event is known to tell of it."""
        with self.lock:
            self.ledger.settle()
            self.ledger.give_back(self.stored(reference))

    def _close(self, capture: SandboxPayment) -> None:
        self._disputed.discard(capture.id)
        capture.said |= {"disputed": False, "called": ""}

    def refuse_next(self, issue: str) -> None:
        """The next refund is answered with this one of ``ISSUES``, and not made."""
        if issue not in ISSUES:
            raise ValueError(f"{issue} is no issue of a refund")
        with self.lock:
            self._refusals.append(issue)

    def revoke_tokens(self) -> None:
        """Every access token that was given out is worth nothing from now on."""
        with self.lock:
            self._tokens.clear()

    # --- webhooks ------------------------------------------------------------------------------------------

    def tell(self, refund: SandboxRefund) -> None:
        """The event of a status; when a refund is cancelled no event is known to tell."""
        if refund.status in _EVENTS:
            self.untaken.append(self._event_of(refund))

    def sign(self, webhook: SandboxWebhook) -> SandboxWebhook:
        """A transmission, now."""
        return attrs.evolve(webhook, headers=self.webhook(webhook.body).headers)

    def webhook_about(self, *refunds: str) -> SandboxWebhook:
        """The event of one refund; no event of PayPal is about several, nor about a cancelled one."""
        with self.lock:
            refund = self.one_refund(refunds)
            if refund.status not in _EVENTS:
                raise ValueError(f"no event of PayPal tells that {refund.id} is {refund.status}")
            return self.sign(self._event_of(refund))

    def with_spoilt_signature(self, webhook: SandboxWebhook) -> SandboxWebhook:
        """The same transmission, signed wrong."""
        return spoilt(webhook, "paypal-transmission-sig")

    def webhook(self, event: bytes, *, sent_at: datetime.datetime | None = None) -> RawWebhook:
        """A transmission of an event, signed; the same event again is another transmission.

        It is dated by the clock of this machine unless ``sent_at`` says otherwise: who receives it has no other.
        """
        url = f"{self.url}/v1/notifications/certs/CERT-{zlib.crc32(self.signer.certificate.encode()):08x}"
        sent_at = sent_at or datetime.datetime.now(datetime.UTC)
        headers = self.signer.headers(event, webhook_id=self.webhook_id, cert_url=url, sent_at=sent_at)
        return RawWebhook(headers=headers | {"content-type": "application/json"}, body=event)

    def _event_of(self, refund: SandboxRefund) -> SandboxWebhook:
        return self._event(_EVENTS[refund.status], "refund", self._answers.refund(refund))

    def _event(self, event_type: str, resource_type: str, resource: Json) -> SandboxWebhook:
        event_id = f"WH-{self.new_id()}-{self.new_id()}"
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
        return SandboxWebhook(headers={}, body=json.dumps(event).encode())

    # --- the API -------------------------------------------------------------------------------------------

    def handle(self, request: SandboxRequest) -> SandboxResponse:
        """A token and a certificate are for everybody, the rest is for those with a token."""
        if request.path == "/v1/oauth2/token" and request.method == "POST":
            return self._token(request)
        if request.path.startswith("/v1/notifications/certs/") and request.method == "GET":
            return self._certificate(request)
        if not self._is_authorized(request):
            return SandboxResponse(status=401, body=error_body(401))
        return self._route(request)

    def _route(self, request: SandboxRequest) -> SandboxResponse:
        parts = request.path.strip("/").split("/")
        match request.method, parts:
            case "POST", ["v2", "payments", "captures", capture, "refund"]:
                return self._refund(capture, request)
            case "GET", ["v2", "payments", "captures", capture] if found := self.ledger.payments.get(capture):
                return SandboxResponse(status=200, body=self._answers.capture(found, in_order=False))
            case "GET", ["v2", "payments", "refunds", refund] if refund in self.ledger.refunds:
                return SandboxResponse(status=200, body=self._answers.refund(self.ledger.refunds[refund]))
            case "GET", ["v2", "checkout", "orders", order] if captures := self.ledger.orders.get(order):
                return SandboxResponse(status=200, body=self._answers.order(order, captures, brief=self.brief_orders))
            case "POST", ["v1", "notifications", "verify-webhook-signature"]:
                return self._verify(request)
        raise _refused("INVALID_RESOURCE_ID")

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
        before = self._remembered.find(key)
        if before is not None:
            return self._made_answer(before, request, self.replay_status)
        if self._refusals:
            raise _refused(self._refusals.popleft())
        if capture not in self.ledger.payments:
            raise _refused("INVALID_RESOURCE_ID", "capture_id")
        found = self.ledger.payments[capture]
        amount, said = self._read(request.body, found)
        self._check(found, amount)
        return self._made_answer(self._remembered.keep(key, self.make_refund(found, amount, said)), request, 201)

    def _made_answer(self, refund: SandboxRefund, request: SandboxRequest, status: int) -> SandboxResponse:
        whole = self._answers.refund(refund)
        if request.headers.get("prefer") != "return=representation":
            whole = {name: whole[name] for name in ("id", "status", "links")}
        return SandboxResponse(status=status, body=whole)

    def _read(self, body: bytes, capture: SandboxPayment) -> tuple[Money, dict[str, str]]:
        """A refund request (schema ``refund_request``). An empty body is taken for ``{}``, as PayPal's SDK sends it."""
        try:
            fields = json.loads(body or b"{}")
        except ValueError:
            raise _refused("INVALID_PARAMETER_SYNTAX") from None
        if not isinstance(fields, dict):
            raise _refused("INVALID_PARAMETER_SYNTAX")
        said = {name: fields[name] for name in _LONGEST if name in fields}
        for name, value in said.items():
            if not isinstance(value, str) or "\n" in value:
                raise _refused("INVALID_PARAMETER_SYNTAX", f"/{name}")
            if not 1 <= len(value) <= _LONGEST[name]:
                raise _refused("INVALID_STRING_LENGTH", f"/{name}")
        if "invoice_id" in said and any(
            refund.said.get("invoice_id") == said["invoice_id"] for refund in self.ledger.refunds.values()
        ):
            raise _refused("DUPLICATE_INVOICE_ID", "/invoice_id")
        if "amount" not in fields:
            return capture.left, said
        return _read_amount(fields["amount"], capture.amount.currency), said

    def _check(self, capture: SandboxPayment, amount: Money) -> None:
        left = capture.left
        if capture.status == "PENDING":
            raise _refused("PENDING_CAPTURE")
        if capture.status in ("DECLINED", "FAILED"):
            raise _refused("REFUND_NOT_ALLOWED")
        if capture.charged_back:
            raise _refused("REFUND_NOT_PERMITTED_DUE_TO_CHARGEBACK")
        if not left:
            raise _refused("CAPTURE_FULLY_REFUNDED")
        if self.clock.now() - capture.made_at > REFUND_WINDOW:
            raise _refused("REFUND_TIME_LIMIT_EXCEEDED")
        if amount > left:
            raise _refused("REFUND_AMOUNT_EXCEEDED", "/amount/value")
        if capture.id in self._disputed and amount != capture.amount:
            raise _refused("TRANSACTION_DISPUTED")
        if self.max_refunds is not None and len(capture.refunds) >= self.max_refunds:
            raise _refused("MAX_NUMBER_OF_REFUNDS_EXCEEDED")
        if not self.ledger.covers(amount):
            raise _refused("REFUND_FAILED_INSUFFICIENT_FUNDS")

    def make_refund(self, payment: SandboxPayment, amount: Money, said: Mapping[str, Any]) -> SandboxRefund:
        """A refund that is pending first, if ``refunds_take`` says so."""
        later = (Step(status="PENDING"), Step(status="COMPLETED", after=self.refunds_take))
        way = later if self.refunds_take else self.lifecycle.way
        return self.ledger.refund(payment, amount, reference=self.new_id(), said=said, way=way)

    def _certificate(self, request: SandboxRequest) -> SandboxResponse:
        known = f"CERT-{zlib.crc32(self.signer.certificate.encode()):08x}"
        if not request.path.endswith(f"/{known}"):
            raise _refused("INVALID_RESOURCE_ID")
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
            raise _refused("MISSING_REQUIRED_PARAMETER") from None
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

    def stored(self, reference: str) -> SandboxPayment:
        """The capture that a shop stored: by its own id, or as the one capture of an order."""
        kind, _, given = reference.rpartition(":")
        found = self.ledger.find(given) if kind == "order" else self.ledger.payments.get(given)
        if found is None:
            raise NoSuchPayment(reference)
        return found

    def new_id(self, prefix: str = "") -> str:
        """17 capitals and digits, as PayPal's ids are, whatever they are of."""
        del prefix
        return uuid.uuid4().hex[:17].upper()


_: type[PaymentSandbox] = PayPalSandbox  # held by the type checker


def _read_amount(given: object, currency: str) -> Money:
    """An amount (schema ``money``), held to the decimals of its currency."""
    if not isinstance(given, dict):
        raise _refused("INVALID_PARAMETER_SYNTAX", "/amount")
    code, value = given.get("currency_code"), given.get("value")
    if code is None or value is None:
        raise _refused("MISSING_REQUIRED_PARAMETER", "/amount/value" if value is None else "/amount/currency_code")
    if not isinstance(value, str) or len(value) > 32 or not _VALUE.fullmatch(value):
        raise _refused("INVALID_PARAMETER_SYNTAX", "/amount/value")
    if not isinstance(code, str) or code not in CURRENCIES:
        raise _refused("INVALID_CURRENCY_CODE", "/amount/currency_code")
    if code != currency:
        raise _refused("REFUND_CAPTURE_CURRENCY_MISMATCH", "/amount/currency_code")
    decimals = len(value.partition(".")[2])
    if code in wire.WHOLE_UNITS and decimals:
        raise _refused("DECIMALS_NOT_SUPPORTED", "/amount/value")
    if decimals > 2:
        raise _refused("DECIMAL_PRECISION", "/amount/value")
    try:
        amount = Money.of(value, code)
    except InvalidAmount:  # more than any payment is
        raise _refused("REFUND_AMOUNT_EXCEEDED", "/amount/value") from None
    if amount.minor <= 0:
        raise _refused("CANNOT_BE_ZERO_OR_NEGATIVE", "/amount/value")
    return amount


def _basic(header: str) -> tuple[str, str]:
    """The name and password of HTTP Basic."""
    try:
        name, _, password = base64.b64decode(header.removeprefix("Basic ")).decode().partition(":")
    except (binascii.Error, ValueError):
        return "", ""
    return name, password
