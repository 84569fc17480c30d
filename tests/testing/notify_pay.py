"""Notify Pay, a payment provider that exists nowhere else, and that tells what became of a refund by webhook alone.

It answers "received" to a refund and can be asked nothing: there is no call for what is left, for a refund or for a
list. Later it sends a notification of several items, each signed by itself, in the body. It is what a provider such as
Adyen is for a plugin, and an example to copy from.
"""

from __future__ import annotations

import datetime
import json
import re
from collections.abc import Mapping
from typing import Any, ClassVar

import attrs

from retour import InvalidAmount
from retour.providers import (
    Answer,
    Encoding,
    ErrorCode,
    Idempotency,
    LinkKind,
    LinkRequest,
    Money,
    PaymentCapabilities,
    ProviderError,
    ProviderSession,
    RawWebhook,
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
    VerifiedEvents,
    WebhookRejected,
    WebhookTrust,
    api_address,
    check_signed,
    hmac_sha256,
    own_words,
    read_json,
    read_wire,
    refusal,
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
    SandboxRefund,
    SandboxRequest,
    SandboxResponse,
    SandboxWebhook,
    Step,
)

text = TextDomain("retour_notifypay").text

KEY_WINDOW = datetime.timedelta(days=7)
PAYMENT_ID = re.compile("np_[0-9]+")
REFUSALS = Refusals(
    provider="Notify Pay",
    codes={
        "payment_unknown": ErrorCode.UNKNOWN_PAYMENT,
        "merchant_unknown": ErrorCode.CONFIGURATION,
        "amount_invalid": ErrorCode.INVALID_REQUEST,
        "amount_too_high": ErrorCode.AMOUNT_TOO_HIGH,
        "key_reused": ErrorCode.KEY_REUSED,
    },
)
OUTCOMES = {
    ("refund", "true"): RefundStatus.SUCCEEDED,
    ("refund", "false"): RefundStatus.FAILED,
    ("refund_failed", "true"): RefundStatus.FAILED,
}
"""What an item says by its kind and success. The bank sent the money back: that is a kind, and it is a success."""

REFUND_KINDS = {kind for kind, _ in OUTCOMES}


# --- the provider --------------------------------------------------------------------------------------------


@attrs.frozen(kw_only=True)
class Settings:
    """What a merchant enters. ``webhook_key`` is hexadecimal, as the dashboard shows it."""

    api_key: Secret
    webhook_key: Secret
    merchant: str
    api_url: str = attrs.field(default="https://api.notifypay.example", validator=api_address)

    @property
    def live(self) -> bool:
        return self.api_key.reveal().startswith("live_")


@attrs.frozen(kw_only=True)
class WireRefund:
    refund: str
    payment: str
    reference: str
    value: int
    currency: str
    status: str


@attrs.frozen(kw_only=True)
class WireItem:
    """What is read of an item: nothing but what its signature covers. It also has ``sent_at`` and ``reason``."""

    kind: str
    id: str
    payment: str
    merchant: str
    reference: str
    value: int
    currency: str
    success: str
    signature: str


@attrs.frozen(kw_only=True)
class WireNotification:
    live: bool
    items: list[WireItem]


@attrs.frozen(kw_only=True)
class WireFault:
    code: str
    message: str


class NotifyPay:
    """Notify Pay: any part of a payment can be refunded, and the outcome comes by itself within some days."""

    name: ClassVar[str] = "notifypay"
    display_name: ClassVar[str] = "Notify Pay"
    sandbox: ClassVar[str] = "notify_pay:NotifyPaySandbox"
    api: ClassVar[int] = 2
    settings_type: ClassVar[type[Any]] = Settings
    capabilities: ClassVar[PaymentCapabilities] = PaymentCapabilities(
        refund_page=Support.YES,
        refund_by_api=Support.YES,
        partial_refund=Support.YES,
        refundable=Support.PROVIDER_CANNOT,
        payment_names=Support.PROVIDER_CANNOT,
        fetch_refund=Support.PROVIDER_CANNOT,
        cancel_refund=Support.PROVIDER_CANNOT,
        find_refund=Support.PROVIDER_CANNOT,
        list_refunds=Support.PROVIDER_CANNOT,
        check_settings=Support.PROVIDER_CANNOT,
        webhooks=WebhookTrust.SIGNED,
        outcome_within=datetime.timedelta(days=5),
        late_failure_within=datetime.timedelta(days=30),
        idempotency=Idempotency(header="Idempotency-Key", window=KEY_WINDOW),
    )

    def __init__(self, settings: Settings, http: ProviderSession) -> None:
        self.settings = settings
        self.http = http

    def refund(self, request: RefundRequest) -> RefundResult:
        payment = segment(request.target, PAYMENT_ID, what="payment of Notify Pay, which begins with np_")
        answer = self.http.write(
            "POST",
            f"{self.settings.api_url}/payments/{payment}/refunds",
            headers={"X-Api-Key": self.settings.api_key.reveal(), "Idempotency-Key": request.key},
            json_body={
                "merchant": self.settings.merchant,
                "reference": request.refund_id,
                "value": request.amount.minor,
                "currency": request.amount.currency,
            },
        )
        made = self._received(answer)
        refuse_another_refund(made, request)
        return made

    def parse_webhook(self, webhook: RawWebhook) -> VerifiedEvents:
        """Every item is signed by itself: one that is not rejects all of them, and Notify Pay sends them again.

        What is about something else than a refund of this merchant is passed over, and hides nothing beside it.
        """
        try:
            told = read_wire(WireNotification, read_json(webhook.body))
        except (ValueError, ProviderError):
            raise WebhookRejected("no notification of Notify Pay, so there is no signature in it") from None
        for item in told.items:
            self._check(item)
        if told.live is not self.settings.live:
            return VerifiedEvents(events=())
        return VerifiedEvents(events=tuple([self._event(item) for item in told.items if self._is_ours(item)]))

    def refund_url(self, request: LinkRequest) -> RefundLink:
        reference = request.payment.reference
        page = f"/{reference}" if PAYMENT_ID.fullmatch(reference) else ""
        return RefundLink(
            kind=LinkKind.PROVIDER_PAGE,
            label=text("Refund at Notify Pay"),
            instruction=text("Refund {amount} of {reference} there.", amount=request.amount, reference=reference),
            url=f"https://dashboard.notifypay.example/payments{page}",
        )

    # --- the steps ---------------------------------------------------------------------------------------

    def _received(self, answer: Answer) -> RefundResult:
        """What was answered to a refund. Whatever its word is, it is no outcome."""
        if answer.status != 201:
            words = own_words(WireFault, answer)
            raise refusal(answer, words and Said(codes=words.code, message=words.message), REFUSALS)
        made = read_wire(WireRefund, answer.json())
        return RefundResult(
            reference=made.refund,
            target=made.payment,
            status=RefundStatus.PENDING,
            amount=_money(made.value, made.currency),
            provider_status=made.status,
            refund_id=made.reference,
        )

    def _check(self, item: WireItem) -> None:
        check_signed(
            signed_fields(attrs.asdict(item)),
            [item.signature],
            [self.settings.webhook_key],
            setting="webhook_key",
            written=Encoding.BASE64,
            secret_is=Encoding.HEX,
        )

    def _is_ours(self, item: WireItem) -> bool:
        """One key can be used for all merchants of a company."""
        return item.kind in REFUND_KINDS and item.merchant == self.settings.merchant

    def _event(self, item: WireItem) -> RefundEvent:
        return RefundEvent(
            event_id=f"{item.kind}:{item.id}:{item.success}",  # items have no id of their own
            refund=RefundResult(
                reference=item.id,
                target=item.payment,
                status=OUTCOMES.get((item.kind, item.success), RefundStatus.PENDING),
                amount=_money(item.value, item.currency),
                provider_status=item.success if item.kind == "refund" else item.kind,
                refund_id=item.reference,
            ),
        )


SIGNED = ("kind", "id", "payment", "reference", "merchant", "value", "currency", "success")
"""The fields that a signature is over, in this order."""


def signed_fields(item: Mapping[str, Any]) -> bytes:
    """The signed fields of an item in a row. A ``:`` in one of them is escaped, else it could pass for the next."""
    return ":".join([str(item[name]).replace("\\", "\\\\").replace(":", "\\:") for name in SIGNED]).encode()


def _money(minor: int, currency: str) -> Money:
    try:
        return Money(minor=minor, currency=currency)
    except InvalidAmount as error:
        raise ProviderError(ErrorCode.UNREADABLE_ANSWER, f"an amount that is none: {error}") from None


# --- the sandbox ---------------------------------------------------------------------------------------------


class NotifyPaySandbox(BookkeepingSandbox):
    """Notify Pay on loopback. All that is new goes into one notification, payments among it."""

    provider: ClassVar[str] = "notifypay"
    lifecycle: ClassVar[Lifecycle] = Lifecycle(
        statuses={
            "received": RefundStatus.PENDING,
            "refunded": RefundStatus.SUCCEEDED,
            "refused": RefundStatus.FAILED,
        },
        way=(Step(status="received"), Step(status="refunded", after=datetime.timedelta(days=2))),
    )
    payment_ids: ClassVar[str] = "np"
    refund_ids: ClassVar[str] = "nr"
    references: ClassVar[str] = "np_[0-9]+"
    said_in_dashboard: ClassVar[Mapping[str, Any]] = {"reference": "order:7\\b"}  # what a person wrote

    def __init__(self, *, clock: SandboxClock | None = None, port: int = 0) -> None:
        super().__init__(clock=clock, port=port)
        self._remembered: Remembered[SandboxResponse] = Remembered(self.clock, KEY_WINDOW)
        self._news: list[dict[str, object]] = []

    @property
    def settings(self) -> Mapping[str, object]:
        return {
            "api_key": "test_notify_0123456789",
            "webhook_key": "6e6f74696679207061792c207765626b6579",
            "merchant": "AcmeShop",
            "api_url": self.url,
        }

    def refund_id(self, refund: SandboxRefund) -> str:
        return str(refund.said["reference"])

    # --- its notifications -------------------------------------------------------------------------------

    def pay(self, amount: Money, *, reference: str = "") -> str:
        paid = super().pay(amount, reference=reference)
        with self.lock:
            self._news.append(self._item("payment", paid, "", "", amount))
        return paid

    def tell(self, refund: SandboxRefund) -> None:
        if refund.status != "received":
            self._news.append(self._outcome(refund))

    def take_webhooks(self) -> list[SandboxWebhook]:
        with self.lock:
            self.ledger.settle()
            news, self._news = self._news, []
            return [self._notification(news)] if news else []

    def webhook_about(self, *refunds: str) -> SandboxWebhook:
        with self.lock:
            self.ledger.settle()
            made = [self.ledger.made(refund) for refund in refunds]
            if not made or [refund for refund in made if refund.status == "received"]:
                raise ValueError("Notify Pay tells the outcome of refunds, and there is none yet")
            return self._notification([self._outcome(refund) for refund in made])

    def with_spoilt_signature(self, webhook: SandboxWebhook) -> SandboxWebhook:
        """The last item's is wrong."""
        told = json.loads(webhook.body)
        signature = told["items"][-1]["signature"]
        told["items"][-1]["signature"] = ("B" if signature[0] == "A" else "A") + signature[1:]
        return attrs.evolve(webhook, body=json.dumps(told).encode())

    def _outcome(self, refund: SandboxRefund) -> dict[str, object]:
        came_back = refund.before == "refunded"
        return self._item(
            "refund_failed" if came_back else "refund",
            refund.id,
            refund.payment.id,
            self.refund_id(refund),
            refund.amount,
            success=came_back or refund.status == "refunded",
        )

    def _item(
        self, kind: str, about: str, payment: str, reference: str, amount: Money, *, success: bool = True
    ) -> dict[str, object]:
        item: dict[str, object] = {
            "kind": kind,
            "id": about,
            "payment": payment,
            "merchant": self.settings["merchant"],
            "reference": reference,
            "value": amount.minor,
            "currency": amount.currency,
            "success": "true" if success else "false",
            "reason": "" if success else "the account is closed",
            "sent_at": self.clock.now().isoformat(),
        }
        return item | {"signature": self._signature(item)}

    def _signature(self, item: Mapping[str, object]) -> str:
        key = Secret(str(self.settings["webhook_key"]))
        return hmac_sha256(signed_fields(item), key, written=Encoding.BASE64, secret_is=Encoding.HEX)

    def _notification(self, items: list[dict[str, object]]) -> SandboxWebhook:
        body = json.dumps({"live": False, "items": items}).encode()
        return SandboxWebhook(headers={"Content-Type": "application/json"}, body=body)

    # --- its answers -------------------------------------------------------------------------------------

    def handle(self, request: SandboxRequest) -> SandboxResponse:
        if request.headers.get("x-api-key") != self.settings["api_key"]:
            raise _refused(401, "unauthorized")
        match request.method, request.path.strip("/").split("/"):
            case "POST", ["payments", payment, "refunds"] if payment in self.ledger.payments:
                key, asked = request.headers.get("idempotency-key", ""), (request.path, request.body)
                try:
                    before = self._remembered.find(key, asked)
                except KeyReused:
                    raise _refused(409, "key_reused") from None
                return before or self._remembered.keep(key, self._refund(payment, json.loads(request.body)), asked)
        raise _refused(404, "payment_unknown")

    def _refund(self, payment: str, asked: Any) -> SandboxResponse:
        paid = self.ledger.payments[payment]
        if asked["merchant"] != self.settings["merchant"]:
            raise _refused(403, "merchant_unknown")
        if asked["value"] <= 0 or asked["currency"] != paid.amount.currency:
            raise _refused(422, "amount_invalid")
        amount = Money(minor=asked["value"], currency=asked["currency"])
        if amount > paid.left:
            raise _refused(422, "amount_too_high")
        made = self.make_refund(paid, amount, {"reference": asked["reference"]})
        return SandboxResponse(status=201, body={**asked, "refund": made.id, "payment": payment, "status": made.status})


def _refused(status: int, code: str) -> Refused:
    return Refused(SandboxResponse(status=status, body={"code": code, "message": code.replace("_", " ")}))
