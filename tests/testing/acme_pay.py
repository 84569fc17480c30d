"""Acme Pay, a payment provider that exists nowhere else: a whole one, with its sandbox, to try the contract on."""

from __future__ import annotations

import datetime
import json
import re
import threading
from collections.abc import Iterator, Mapping
from types import TracebackType
from typing import Any, ClassVar, TypeVar
from urllib.parse import quote

import attrs

from retour import InvalidAmount
from retour.providers import (
    Answer,
    ErrorCode,
    Idempotency,
    LinkKind,
    LinkRequest,
    Mode,
    Money,
    Payment,
    PaymentCapabilities,
    ProviderError,
    ProviderSession,
    RawWebhook,
    Refundable,
    RefundEvent,
    RefundLink,
    RefundRequest,
    RefundResult,
    RefundStatus,
    Refusals,
    Said,
    Secret,
    Support,
    TextDomain,
    ToFetch,
    VerifiedEvents,
    WebhookTrust,
    api_address,
    check_signed,
    hmac_sha256,
    own_words,
    read_json,
    read_wire,
    refusal,
    refuse_another,
    refuse_another_refund,
    segment,
)
from retour.sandbox import (
    BookedRefund,
    SandboxClock,
    SandboxRequest,
    SandboxResponse,
    SandboxServer,
    SandboxWebhook,
)

_T = TypeVar("_T")

text = TextDomain("retour_acmepay").text

DASHBOARD = "https://dashboard.acmepay.example"
KEY_HEADER = "Idempotency-Key"
KEY_WINDOW = datetime.timedelta(hours=24)
SIGNATURE = "Acme-Signature"
PAGE = 100
PAYMENT_ID, REFUND_ID = re.compile("ap_[0-9a-z]+"), re.compile("rf_[0-9]+")

REFUSALS = Refusals(
    provider="Acme Pay",
    codes={
        "payment_unknown": ErrorCode.UNKNOWN_PAYMENT,
        "refund_unknown": ErrorCode.UNKNOWN_PAYMENT,
        "amount_invalid": ErrorCode.INVALID_REQUEST,
        "amount_too_high": ErrorCode.AMOUNT_TOO_HIGH,
        "key_reused": ErrorCode.KEY_REUSED,
        "paid_out": ErrorCode.TOO_LATE,
    },
    fallback=ErrorCode.INVALID_REQUEST,
    unclear={"refund_unknown"},
)
STATUSES: Mapping[str, RefundStatus] = {
    "waiting": RefundStatus.PENDING,
    "paid": RefundStatus.SUCCEEDED,
    "refused": RefundStatus.FAILED,
    "cancelled": RefundStatus.CANCELLED,
}
"""Acme's words; one that is not here is pending."""


# --- the provider --------------------------------------------------------------------------------------------


@attrs.frozen(kw_only=True)
class Settings:
    """What a merchant enters."""

    api_key: Secret
    webhook_secret: Secret
    api_url: str = attrs.field(default="https://api.acmepay.example", validator=api_address)

    @property
    def mode(self) -> Mode:
        return Mode.LIVE if self.api_key.reveal().startswith("live_") else Mode.TEST


@attrs.frozen(kw_only=True)
class WireAmount:
    value: str
    currency: str

    @property
    def money(self) -> Money:
        try:
            return Money.of(self.value, self.currency)
        except InvalidAmount as error:
            raise ProviderError(ErrorCode.UNREADABLE_ANSWER, f"an amount that is none: {error}") from None


@attrs.frozen(kw_only=True)
class WirePayment:
    id: str
    mode: str
    amount: WireAmount
    refunded: WireAmount


@attrs.frozen(kw_only=True)
class WireRefund:
    id: str
    payment: str
    status: str
    amount: WireAmount
    created_at: datetime.datetime
    metadata: dict[str, str]


@attrs.frozen(kw_only=True)
class WirePage:
    refunds: list[WireRefund]
    next: str | None


@attrs.frozen(kw_only=True)
class WireEvent:
    id: str
    refund: WireRefund


@attrs.frozen(kw_only=True)
class WireFault:
    code: str
    message: str


@attrs.frozen(kw_only=True)
class WireError:
    error: WireFault


@attrs.frozen(kw_only=True)
class WireAccount:
    mode: str


class AcmePay:
    """Acme Pay: any part of a payment can be refunded, and a refund can be cancelled until it is paid out."""

    name: ClassVar[str] = "acmepay"
    display_name: ClassVar[str] = "Acme Pay"
    sandbox: ClassVar[str] = "acme_pay:AcmePaySandbox"
    api: ClassVar[int] = 2
    settings_type: ClassVar[type[Any]] = Settings
    capabilities: ClassVar[PaymentCapabilities] = PaymentCapabilities(
        refund_page=Support.YES,
        refund_by_api=Support.YES,
        partial_refund=Support.YES,
        refundable=Support.YES,
        fetch_refund=Support.YES,
        cancel_refund=Support.YES,
        find_refund=Support.YES,
        list_refunds=Support.YES,
        check_settings=Support.YES,
        webhooks=WebhookTrust.SIGNED,
        idempotency=Idempotency(header=KEY_HEADER, window=KEY_WINDOW),
        lookup_complete_after=datetime.timedelta(0),
    )

    def __init__(self, settings: Settings, http: ProviderSession) -> None:
        self.settings = settings
        self.http = http

    def refundable(self, payment: Payment) -> Refundable:
        if payment.mode is not self.settings.mode:
            raise ProviderError(ErrorCode.CONFIGURATION, f"a {payment.mode} payment, and a {self.settings.mode} key")
        found = self._read(WirePayment, self._path(payment.reference))
        if found.mode != self.settings.mode:
            raise ProviderError(ErrorCode.UNREADABLE_ANSWER, "the payment is of the other mode")
        self._about("payment", asked=payment.reference, found=found.id)
        remaining = self._left(found)
        reason = "everything is refunded" if remaining.minor <= 0 else ""
        if remaining.currency != payment.captured.currency:
            reason = f"Acme Pay has it in {remaining.currency}"
        return Refundable(target=found.id, remaining=remaining, possible=not reason, reason=reason)

    def refund(self, request: RefundRequest) -> RefundResult:
        answer = self.http.write(
            "POST",
            self._url(f"{self._path(request.target)}/refunds"),
            headers=self._headers | {KEY_HEADER: self._key(request)},
            json_body=self._body(request),
        )
        made = self._result(self._parsed(WireRefund, answer), request.target)
        self._check(made, request)
        return made

    def fetch_refund(self, target: str, reference: str) -> RefundResult:
        return self._same(self._read(WireRefund, self._path(target, reference)), target, reference)

    def find_refund(self, request: RefundRequest) -> RefundResult | None:
        return next((one for one in self._walk(request.target) if one.refund_id == request.refund_id), None)

    def list_refunds(self, target: str) -> list[RefundResult]:
        return list(self._walk(target))

    def cancel_refund(self, target: str, reference: str) -> RefundResult:
        answer = self.http.write("DELETE", self._url(self._path(target, reference)), headers=self._headers)
        return self._same(self._parsed(WireRefund, answer), target, reference)

    def parse_webhook(self, webhook: RawWebhook) -> VerifiedEvents | ToFetch:
        given = webhook.headers.get(SIGNATURE.lower(), "")
        check_signed(self._signed(webhook.body), [given], [self.settings.webhook_secret], setting="webhook_secret")
        event = read_wire(WireEvent, read_json(webhook.body))
        return VerifiedEvents(events=(self._event(event),))

    def check_settings(self) -> None:
        if self._read(WireAccount, "account").mode != self.settings.mode:
            raise ProviderError(ErrorCode.UNREADABLE_ANSWER, "the account is of the other mode")

    def refund_url(self, request: LinkRequest) -> RefundLink:
        reference = request.payment.reference
        page = f"payments/{quote(reference)}" if PAYMENT_ID.fullmatch(reference) else "payments"
        return RefundLink(
            kind=LinkKind.PROVIDER_PAGE,
            label=text("Refund at Acme Pay"),
            instruction=text("Refund {amount} of {reference} there.", amount=request.amount, reference=reference),
            url=f"{DASHBOARD}/{page}",
        )

    # --- the steps ---------------------------------------------------------------------------------------

    def _path(self, target: str, reference: str = "") -> str:
        """The path of a payment or refund. Only what has the shape of an id becomes part of an address."""
        path = f"payments/{segment(target, PAYMENT_ID, what='payment of Acme Pay')}"
        return f"{path}/refunds/{segment(reference, REFUND_ID, what='refund of Acme Pay')}" if reference else path

    def _left(self, payment: WirePayment) -> Money:
        return payment.amount.money - payment.refunded.money

    def _key(self, request: RefundRequest) -> str:
        return request.key

    def _amount(self, amount: Money) -> object:
        return {"value": str(amount.decimal), "currency": amount.currency}

    def _body(self, request: RefundRequest) -> dict[str, object]:
        return {
            "amount": self._amount(request.amount),
            "description": _plain(request.description)[:200],
            "metadata": {"refund_id": request.refund_id, "order_id": _plain(request.order_id)[:200]},
        }

    def _check(self, made: RefundResult, request: RefundRequest) -> None:
        refuse_another_refund(made, request)

    def _about(self, what: str, *, asked: str, found: str) -> None:
        refuse_another(what, asked=asked, found=found)

    def _result(self, refund: WireRefund, target: str) -> RefundResult:
        self._about("payment", asked=target, found=refund.payment)
        return RefundResult(
            reference=refund.id,
            target=refund.payment,
            status=self._status(refund.status),
            amount=refund.amount.money,
            provider_status=refund.status,
            refund_id=refund.metadata.get("refund_id", ""),
            created_at=refund.created_at,
        )

    def _same(self, refund: WireRefund, target: str, reference: str) -> RefundResult:
        self._about("refund", asked=reference, found=refund.id)
        return self._result(refund, target)

    def _status(self, word: str) -> RefundStatus:
        return STATUSES.get(word, RefundStatus.PENDING)

    def _walk(self, target: str) -> Iterator[RefundResult]:
        after: str | None = ""
        while after is not None:
            page = self._read(WirePage, f"{self._path(target)}/refunds", {"after": after})
            yield from (self._result(refund, target) for refund in page.refunds)
            if page.next is not None and page.next <= after:
                raise ProviderError(ErrorCode.UNREADABLE_ANSWER, "the pages go round in a circle")
            after = page.next

    def _signed(self, body: bytes) -> bytes:
        return body

    def _event(self, event: WireEvent) -> RefundEvent:
        return RefundEvent(event_id=event.id, refund=self._result(event.refund, event.refund.payment))

    # --- the calls ---------------------------------------------------------------------------------------

    @property
    def _headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.settings.api_key.reveal()}"}

    def _url(self, path: str) -> str:
        return f"{self.settings.api_url}/{path}"

    def _read(self, kind: type[_T], path: str, query: Mapping[str, str] | None = None) -> _T:
        return self._parsed(kind, self.http.read(self._url(path), headers=self._headers, query=query))

    def _parsed(self, kind: type[_T], answer: Answer) -> _T:
        if answer.status not in (200, 201):
            raise self._refusal(answer)
        return read_wire(kind, answer.json())

    def _refusal(self, answer: Answer) -> ProviderError:
        return refusal(answer, _said(answer), REFUSALS)


def _said(answer: Answer) -> Said | None:
    """What Acme says in its own words. Where there are none a gateway answered, and that proves nothing."""
    body = own_words(WireError, answer)
    return body and Said(codes=body.error.code, message=body.error.message)


def _plain(words: str) -> str:
    """Without halves of characters, which cannot be sent."""
    return words.encode(errors="replace").decode()


# --- the sandbox ---------------------------------------------------------------------------------------------


@attrs.define(kw_only=True)
class Booked:
    id: str
    payment: str
    amount: Money
    created_at: datetime.datetime
    metadata: Mapping[str, str]
    status: str = "waiting"
    held: bool = False


class AcmePaySandbox:
    """Acme Pay on loopback. A refund waits until time passes, and is then paid."""

    provider: ClassVar[str] = "acmepay"

    def __init__(self, *, clock: SandboxClock | None = None, port: int = 0) -> None:
        self.clock = clock or SandboxClock()
        self.server = SandboxServer(self._handle, port=port)
        self._lock = threading.RLock()
        self._payments: dict[str, Money] = {}
        self._refunds: dict[str, Booked] = {}
        self._kept: dict[str, tuple[datetime.datetime, tuple[str, bytes], SandboxResponse]] = {}
        self._webhooks: list[SandboxWebhook] = []
        self._events = 0
        self._holds = False

    def __enter__(self) -> AcmePaySandbox:
        self.server.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.server.stop()

    @property
    def url(self) -> str:
        return self.server.url

    @property
    def settings(self) -> Mapping[str, object]:
        return {"api_key": "test_acme_0123456789", "webhook_secret": "whsec_acme_9876543210", "api_url": self.url}

    def pay(self, amount: Money, *, reference: str = "") -> str:
        with self._lock:
            reference = reference or f"ap_{len(self._payments) + 1:08d}"
            if not PAYMENT_ID.fullmatch(reference) or reference in self._payments:
                raise ValueError(f"Acme Pay gives no payment the reference {reference}.")
            self._payments[reference] = amount
            return reference

    def refund_in_dashboard(self, reference: str, amount: Money) -> str:
        with self._lock:
            if reference not in self._payments or amount > self._left(reference):
                raise ValueError(f"There is no payment {reference} with {amount} left.")
            return self._book(reference, amount, {}).id

    def fail(self, refund: str) -> None:
        with self._lock:
            self._becomes(self._refunds[refund], "refused")

    def hold(self) -> None:
        with self._lock:
            self._holds = True

    def release(self) -> None:
        with self._lock:
            self._holds = False
            for refund in self._refunds.values():
                refund.held = False

    def advance(self, by: datetime.timedelta) -> None:
        with self._lock:
            self.clock.advance(by)
            for refund in self._refunds.values():
                if by and refund.status == "waiting" and not refund.held:
                    self._becomes(refund, "paid")

    def books(self, reference: str) -> list[BookedRefund]:
        with self._lock:
            return [
                BookedRefund(
                    reference=refund.id,
                    amount=refund.amount,
                    status=STATUSES[refund.status],
                    refund_id=refund.metadata.get("refund_id", ""),
                )
                for refund in self._of(reference)
            ]

    def take_webhooks(self) -> list[SandboxWebhook]:
        with self._lock:
            taken, self._webhooks = self._webhooks, []
            return taken

    # --- its books ---------------------------------------------------------------------------------------

    def _of(self, payment: str) -> list[Booked]:
        return [refund for refund in self._refunds.values() if refund.payment == payment]

    def _refunded(self, payment: str) -> Money:
        given = [one.amount.minor for one in self._of(payment) if one.status in ("waiting", "paid")]
        return Money(minor=sum(given), currency=self._payments[payment].currency)

    def _left(self, payment: str) -> Money:
        return self._payments[payment] - self._refunded(payment)

    def _book(self, payment: str, amount: Money, metadata: Mapping[str, str]) -> Booked:
        refund = Booked(
            id=f"rf_{len(self._refunds) + 1:06d}",
            payment=payment,
            amount=amount,
            created_at=self.clock.now(),
            metadata=metadata,
            held=self._holds,
        )
        self._refunds[refund.id] = refund
        self._becomes(refund, "waiting")
        return refund

    def _becomes(self, refund: Booked, status: str) -> None:
        refund.status = status
        self._events += 1
        body = json.dumps({"id": f"ev_{self._events}", "refund": _refund_json(refund)}).encode()
        headers = {SIGNATURE: self._signed(body), "Content-Type": "application/json"}
        self._webhooks.append(SandboxWebhook(headers=headers, body=body))

    def _signed(self, body: bytes) -> str:
        return hmac_sha256(body, Secret(str(self.settings["webhook_secret"])))

    # --- its answers -------------------------------------------------------------------------------------

    def _handle(self, request: SandboxRequest) -> SandboxResponse:
        with self._lock:
            if request.headers.get("authorization") != f"Bearer {self.settings['api_key']}":
                return _refused(401, "unauthorized")
            match request.method, request.path.strip("/").split("/"):
                case "GET", ["account"]:
                    return SandboxResponse(status=200, body={"mode": "test"})
                case method, ["payments", payment, *rest] if payment in self._payments:
                    return self._on_payment(method, payment, rest, request)
            return _refused(404, "payment_unknown")

    def _on_payment(self, method: str, payment: str, rest: list[str], request: SandboxRequest) -> SandboxResponse:
        match method, rest:
            case "GET", []:
                return SandboxResponse(status=200, body=self._payment_json(payment))
            case "GET", ["refunds"]:
                return SandboxResponse(status=200, body=self._page(payment, request.query.get("after", "")))
            case "POST", ["refunds"]:
                return self._once(payment, request)
            case _, ["refunds", refund] if refund in [one.id for one in self._of(payment)]:
                found = self._refunds[refund]
                if method == "DELETE" and found.status != "waiting":
                    return _refused(409, "paid_out")
                if method == "DELETE":
                    self._becomes(found, "cancelled")
                return SandboxResponse(status=200, body=_refund_json(found))
        return _refused(404, "refund_unknown")

    def _once(self, payment: str, request: SandboxRequest) -> SandboxResponse:
        """The answer to a key is kept for a day, and given again to the same request."""
        key, asked = request.headers.get(KEY_HEADER.lower(), ""), (request.path, request.body)
        at, before, answer = self._kept.get(key, (None, None, None))
        if at is None or answer is None or self.clock.now() - at >= KEY_WINDOW:
            answer = self._make(payment, json.loads(request.body))
            self._kept[key] = (self.clock.now(), asked, answer)
        elif before != asked:
            return _refused(409, "key_reused")
        return answer

    def _make(self, payment: str, asked: Any) -> SandboxResponse:
        try:
            amount = Money.of(asked["amount"]["value"], asked["amount"]["currency"])
        except InvalidAmount:
            return _refused(422, "amount_invalid")
        if amount.minor <= 0 or amount.currency != self._payments[payment].currency:
            return _refused(422, "amount_invalid")
        if amount > self._left(payment):
            return _refused(422, "amount_too_high")
        return SandboxResponse(status=201, body=_refund_json(self._book(payment, amount, asked["metadata"])))

    def _payment_json(self, payment: str) -> object:
        return {
            "id": payment,
            "mode": "test",
            "amount": _amount_json(self._payments[payment]),
            "refunded": _amount_json(self._refunded(payment)),
        }

    def _page(self, payment: str, after: str) -> object:
        later = [refund for refund in self._of(payment) if refund.id > after]
        page = later[:PAGE]
        return {
            "refunds": [_refund_json(refund) for refund in page],
            "next": page[-1].id if len(later) > PAGE else None,
        }


def _refund_json(refund: Booked) -> object:
    return {
        "id": refund.id,
        "payment": refund.payment,
        "status": refund.status,
        "amount": _amount_json(refund.amount),
        "created_at": refund.created_at.isoformat(),
        "metadata": dict(refund.metadata),
    }


def _amount_json(amount: Money) -> object:
    return {"value": str(amount.decimal), "currency": amount.currency}


def _refused(status: int, code: str) -> SandboxResponse:
    return SandboxResponse(status=status, body={"error": {"code": code, "message": code.replace("_", " ")}})
