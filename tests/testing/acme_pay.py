"""Acme Pay, a payment provider that exists nowhere else: a whole one, with its sandbox, to try the contract on."""

from __future__ import annotations

import datetime
import json
import re
from collections.abc import Iterator, Mapping
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
    reading_signed,
    refusal,
    refuse_another,
    refuse_another_refund,
    segment,
)
from retour.sandbox import (
    BookkeepingSandbox,
    KeyReused,
    Lifecycle,
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
        payment_names=Support.PROVIDER_CANNOT,
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
        code = ErrorCode.ALREADY_REFUNDED if reason else None
        return Refundable(target=found.id, remaining=remaining, possible=not reason, reason=reason, code=code)

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
        check_signed(self._signed(webhook.body), [given], self._secrets(), setting="webhook_secret")
        with reading_signed(webhook.body):
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

    def _secrets(self) -> list[Secret]:
        return [self.settings.webhook_secret]

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


class AcmePaySandbox(BookkeepingSandbox):
    """Acme Pay on loopback. A refund waits until time passes, and is then paid."""

    provider: ClassVar[str] = "acmepay"
    lifecycle: ClassVar[Lifecycle] = Lifecycle(
        statuses=STATUSES,
        way=(Step(status="waiting"), Step(status="paid", after=datetime.timedelta(seconds=1))),
        cancellable=frozenset({"waiting"}),
    )
    payment_ids: ClassVar[str] = "ap"
    refund_ids: ClassVar[str] = "rf"
    references: ClassVar[str] = "ap_[0-9a-z]+"
    said_in_dashboard: ClassVar[Mapping[str, Any]] = {"metadata": {}}

    def __init__(self, *, clock: SandboxClock | None = None, port: int = 0) -> None:
        super().__init__(clock=clock, port=port)
        self._remembered: Remembered[SandboxResponse] = Remembered(self.clock, KEY_WINDOW)
        self._events = 0

    @property
    def settings(self) -> Mapping[str, object]:
        return {"api_key": "test_acme_0123456789", "webhook_secret": "whsec_acme_9876543210", "api_url": self.url}

    # --- its webhooks ------------------------------------------------------------------------------------

    def tell(self, refund: SandboxRefund) -> None:
        self.untaken.append(self._event(refund))

    def webhook_about(self, *refunds: str) -> SandboxWebhook:
        with self.lock:
            return self._event(self.one_refund(refunds))

    def with_spoilt_signature(self, webhook: SandboxWebhook) -> SandboxWebhook:
        return spoilt(webhook, SIGNATURE)

    def _event(self, refund: SandboxRefund) -> SandboxWebhook:
        self._events += 1
        body = json.dumps({"id": f"ev_{self._events}", "refund": _refund_json(refund)}).encode()
        headers = {SIGNATURE: self._signed(body), "Content-Type": "application/json"}
        return SandboxWebhook(headers=headers, body=body)

    def _signed(self, body: bytes) -> str:
        return hmac_sha256(body, Secret(str(self.settings["webhook_secret"])))

    # --- its answers -------------------------------------------------------------------------------------

    def handle(self, request: SandboxRequest) -> SandboxResponse:
        if request.headers.get("authorization") != f"Bearer {self.settings['api_key']}":
            raise _refused(401, "unauthorized")
        match request.method, request.path.strip("/").split("/"):
            case "GET", ["account"]:
                return SandboxResponse(status=200, body={"mode": "test"})
            case method, ["payments", payment, *rest] if payment in self.ledger.payments:
                return self._on_payment(method, payment, rest, request)
        raise _refused(404, "payment_unknown")

    def _on_payment(self, method: str, payment: str, rest: list[str], request: SandboxRequest) -> SandboxResponse:
        found = self.ledger.payments[payment]
        refunds = {refund.id: refund for refund in found.refunds}
        match method, rest:
            case "GET", []:
                return SandboxResponse(status=200, body=_payment_json(found))
            case "GET", ["refunds"]:
                return SandboxResponse(status=200, body=_page(found.refunds, request.query.get("after", "")))
            case "POST", ["refunds"]:
                return self._once(payment, request)
            case "GET", ["refunds", refund] if refund in refunds:
                return SandboxResponse(status=200, body=_refund_json(refunds[refund]))
            case "DELETE", ["refunds", refund] if refund in refunds:
                try:
                    self.cancel(refunds[refund])
                except ValueError:
                    raise _refused(409, "paid_out") from None
                return SandboxResponse(status=200, body=_refund_json(refunds[refund]))
        raise _refused(404, "refund_unknown")

    def _once(self, payment: str, request: SandboxRequest) -> SandboxResponse:
        """The answer to a key is kept for a day, and given again to the same request."""
        key, asked = request.headers.get(KEY_HEADER.lower(), ""), (request.path, request.body)
        try:
            kept = self._remembered.find(key, asked)
        except KeyReused:
            raise _refused(409, "key_reused") from None
        return kept or self._remembered.keep(key, self._make(payment, json.loads(request.body)), asked)

    def _make(self, payment: str, asked: Any) -> SandboxResponse:
        try:
            amount = Money.of(asked["amount"]["value"], asked["amount"]["currency"])
        except InvalidAmount:
            return _refused(422, "amount_invalid").answer
        if amount.minor <= 0 or amount.currency != self._left(payment).currency:
            return _refused(422, "amount_invalid").answer
        if amount > self._left(payment):
            return _refused(422, "amount_too_high").answer
        made = self.make_refund(self.ledger.payments[payment], amount, {"metadata": asked["metadata"]})
        return SandboxResponse(status=201, body=_refund_json(made))

    def _left(self, payment: str) -> Money:
        return self.ledger.payments[payment].left


def _payment_json(payment: SandboxPayment) -> object:
    return {
        "id": payment.id,
        "mode": "test",
        "amount": _amount_json(payment.amount),
        "refunded": _amount_json(payment.refunded),
    }


def _page(refunds: list[SandboxRefund], after: str) -> object:
    later = [refund for refund in refunds if refund.id > after]
    page = later[:PAGE]
    return {
        "refunds": [_refund_json(refund) for refund in page],
        "next": page[-1].id if len(later) > PAGE else None,
    }


def _refund_json(refund: SandboxRefund) -> object:
    return {
        "id": refund.id,
        "payment": refund.payment.id,
        "status": refund.status,
        "amount": _amount_json(refund.amount),
        "created_at": refund.made_at.isoformat(),
        **refund.said,
    }


def _amount_json(amount: Money) -> object:
    return {"value": str(amount.decimal), "currency": amount.currency}


def _refused(status: int, code: str) -> Refused:
    body = {"error": {"code": code, "message": code.replace("_", " ")}}
    return Refused(SandboxResponse(status=status, body=body))
