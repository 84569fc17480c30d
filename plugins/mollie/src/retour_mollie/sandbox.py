"""Mollie on this machine: the part of its API that refunds need, with its statuses, keys, errors and webhooks.

    >>> from retour.providers import Money
    >>> with MollieSandbox() as sandbox:
    ...     payment = sandbox.pay(Money.of("44.95", "EUR"))
    ...     sandbox.refund_in_dashboard(payment, Money.of("10.00", "EUR"))
    ...     sandbox.refunds(payment)[0]["status"]
    're_0000000001'
    'pending'

Every answer is of Mollie's API description, except an order: those are documented, but not described any more. How
long a bank takes, and the words of errors that are not documented, are the sandbox's own.
"""

from __future__ import annotations

import datetime
import json
from collections.abc import Collection, Mapping, Sequence
from typing import Any, ClassVar
from urllib.parse import urlencode

import attrs

from retour.providers import Mode, Money, Secret, Text, TextDomain, hmac_sha256
from retour.sandbox import (
    BookkeepingSandbox,
    KeyInUse,
    KeyReused,
    Lifecycle,
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
from retour_mollie import webhooks, wire
from retour_mollie.sandbox_answers import HAL, Answers, Json, error, is_refundable

text = TextDomain("retour_mollie").text

NOT_PAID = text("not paid")

TEST_KEY = "test_sandboxSandboxSandboxSandbox00"
LIVE_KEY = "live_sandboxSandboxSandboxSandbox00"
TOKEN = "access_sandboxSandboxSandboxSandbox"  # noqa: S105 - it opens nothing
WEBHOOK_SECRET = "sandboxSandboxSandboxSandbox"  # noqa: S105

KEY_WINDOW = datetime.timedelta(hours=1)
"""How long a key is kept (source/overview/api-idempotency.rst)."""

DUPLICATE_WINDOW = datetime.timedelta(hours=1)
"""How long the same amount is refused on the same payment (source/payments/refunds.rst)."""

WAITS = datetime.timedelta(hours=2)
"""How long a refund can be cancelled before it goes out (operation ``cancel-refund``)."""

BANK_TAKES = datetime.timedelta(days=1)
"""How long a refund is with the bank here; Mollie does not say how long it is."""

_CLASSIC_STATUSES = frozenset({"processing", "refunded", "failed"})
_LONGEST_DESCRIPTION = 255


def _refused(status: int, detail: str, field: str = "") -> Refused:
    """An error as Mollie writes it."""
    return Refused(_answer(error(status, detail, field), status=status))


class MollieSandbox(BookkeepingSandbox):
    """Mollie, from ``with`` until its end, at ``url``.

    It knows three keys: ``test_key``, ``live_key``, and the organisation ``token``. ``clock`` stands still until
    `LoopbackSandbox.advance`; ``server`` has the ``faults`` to make and the ``requests`` that came in. What a person
    does in Mollie's dashboard is a method here. Where a method takes a payment, the id of an order with one payment
    does too. ``cancelled_are_gone`` answers 404 for a cancelled refund, as the description says; else it is still there
    with its status ``canceled``, as the documentation says. A key in ``keys_in_progress`` is being worked on, for ever.
    """

    provider: ClassVar[str] = "mollie"
    dashboard_title: ClassVar[str] = "Mollie"
    lifecycle: ClassVar[Lifecycle] = Lifecycle(
        statuses=wire.STATUSES,
        way=(
            Step(status="pending"),
            Step(status="processing", after=WAITS),
            Step(status="refunded", after=BANK_TAKES),
        ),
        waits_for_balance="queued",
        cancellable=wire.CANCELLABLE,
    )
    payment_ids: ClassVar[str] = "tr"
    id_digits: ClassVar[int] = 10
    references: ClassVar[str] = "(tr|ord)_[0-9A-Za-z]+"
    references_are: ClassVar[Text] = text("Its payments begin with tr_, its orders with ord_.")
    currencies: ClassVar[Collection[str]] = wire.CURRENCIES
    said_in_dashboard: ClassVar[Mapping[str, Any]] = {"description": "Refund", "metadata": None}
    test_key = TEST_KEY
    live_key = LIVE_KEY
    token = TOKEN

    def __init__(self, *, clock: SandboxClock | None = None, port: int = 0) -> None:
        super().__init__(clock=clock, port=port)
        self.server.error_bodies = {
            429: error(429, "You have exceeded the rate limit. Please slow down your requests."),
            500: error(500, "An internal error has occurred."),
            503: error(503, "Payment platform for this payment method temporarily not available"),
        }
        self.cancelled_are_gone = False
        self.reversal_lowers_the_total = True
        self._answers = Answers(self.server.url)
        self._remembered: Remembered[SandboxResponse] = Remembered(self.clock, KEY_WINDOW)
        self.keys_in_progress = self._remembered.in_use
        self._subscriptions: list[tuple[str, Secret]] = []

    @property
    def settings(self) -> dict[str, object]:
        """Settings of the plugin for test payments here: ``settings={"mollie": sandbox.settings}``.

        They know ``WEBHOOK_SECRET``, and the secrets of the subscriptions that there are by now.
        """
        secrets = list(dict.fromkeys([WEBHOOK_SECRET, *[secret.reveal() for _, secret in self._subscriptions]]))
        return {"api_key": self.test_key, "api_url": self.url, "webhook_secrets": secrets}

    # --- what a customer and a shop do -------------------------------------------------------------------

    def pay(
        self,
        amount: Money,
        *,
        reference: str = "",
        mode: Mode = Mode.TEST,
        status: str = "paid",
        method: str = "ideal",
        description: str = "Order 1001",
        webhook_url: str = "",
        extra: Money | None = None,
    ) -> str:
        """A payment, paid unless ``status`` says otherwise; gives its id (``tr_…``).

        ``reference`` makes it that payment, or the one payment of that order (``ord_…``). ``webhook_url`` is where its
        classic webhooks go. ``extra`` is what Mollie would refund beyond it: up to 25 euros for some methods, to pay
        for the parcel back.
        """
        with self.lock:
            self.check_new(reference)
            payment = SandboxPayment(
                id=reference if reference.startswith("tr_") else self.new_id("tr"),
                mode=mode,
                amount=amount,
                status=status,
                method=method,
                made_at=self.clock.now(),
                extra=extra,
                said={"description": description} | ({"webhookUrl": webhook_url} if webhook_url else {}),
            )
            order = reference if reference.startswith("ord_") else ""
            if order:
                payment.said["orderId"] = order
            self.ledger.add(payment, order=order)
            return reference or payment.id

    def order(self, *payments: str) -> str:
        """An order of the Orders API with these payments; gives its id."""
        with self.lock:
            reference = self.new_id("ord")
            self.ledger.orders[reference] = [self.ledger.payments[payment] for payment in payments]
            for payment in self.ledger.orders[reference]:
                payment.said["orderId"] = reference
            return reference

    def names(self, reference: str) -> Sequence[str]:
        """The payment's id, and the orders that have no other payment."""
        with self.lock:
            return self.ledger.names(self.stored(reference))

    def charge_back(self, reference: str, amount: Money | None = None) -> str:
        """The customer's bank takes money back; gives the id of the chargeback (``chb_…``).

        How it counts in ``amountRemaining`` is not documented; here it is gone, like what was refunded.
        """
        with self.lock:
            payment = self.stored(reference)
            made = self.ledger.charge_back(payment, amount, reference=self.new_id("chb"))
            self._tell_of(payment)
            return made.id

    def give_back(self, reference: str) -> None:
        """The bank gives back all that it took: the chargebacks are reversed (``reversedAt``).

        Whether ``amountChargedBack`` falls with that is not documented: it does, unless ``reversal_lowers_the_total``
        is False.
        """
        with self.lock:
            payment = self.stored(reference)
            self.ledger.give_back(payment)
            self._tell_of(payment)

    def subscribe(self, url: str = "", secret: str = WEBHOOK_SECRET) -> None:
        """From now on there are next-gen events of refunds too, for ``url`` and signed with ``secret``."""
        with self.lock:
            self._subscriptions.append((url, Secret(secret)))

    # --- what a person sees in the dashboard -------------------------------------------------------------

    def refundable(self, payment: SandboxPayment) -> Money:
        """What is left, unless nothing of the payment can be refunded at all."""
        return payment.left if is_refundable(payment) else Money.zero(payment.amount.currency)

    def standing(self, payment: SandboxPayment) -> Text:
        """How a payment is: of one that nobody paid nothing can go back."""
        return super().standing(payment) if payment.status == "paid" else NOT_PAID

    def balance(self, currency: str) -> Money | None:
        """What is on the balance in a currency, None where it has no end."""
        with self.lock:
            self.ledger.settle()
            return self.ledger.balance.get(currency)

    def refunds(self, payment: str) -> list[Json]:
        """The refunds of a payment as the API shows them, newest first."""
        with self.lock:
            self.ledger.settle()
            return [self._answers.refund(refund, in_list=True) for refund in reversed(self.stored(payment).refunds)]

    # --- webhooks ----------------------------------------------------------------------------------------

    def tell(self, refund: SandboxRefund) -> None:
        """The classic webhook, and an event for each subscription."""
        if refund.status in _CLASSIC_STATUSES:
            self._tell_of(refund.payment)
        self.untaken += [self._event(refund, url, secret) for url, secret in self._subscriptions]

    def webhook_about(self, *refunds: str) -> SandboxWebhook:
        """The next-gen event of a refund as it is now, signed with the first secret of the settings. One event is about
        one refund; the same status of the same refund is the same event."""
        with self.lock:
            return self._event(self.one_refund(refunds), "", Secret(WEBHOOK_SECRET))

    def with_spoilt_signature(self, webhook: SandboxWebhook) -> SandboxWebhook:
        """The same event, signed wrong; a classic webhook has no signature."""
        return spoilt(webhook, webhooks.SIGNATURE)

    def _tell_of(self, payment: SandboxPayment) -> None:
        body = urlencode({"id": payment.id}).encode()
        headers = {"content-type": webhooks.FORM}
        self.untaken.append(SandboxWebhook(url=payment.said.get("webhookUrl", ""), headers=headers, body=body))

    def _event(self, refund: SandboxRefund, url: str, secret: Secret) -> SandboxWebhook:
        body = json.dumps(self._answers.event(refund, self.clock.now())).encode()
        signed = webhooks.PREFIX + hmac_sha256(body, secret)
        headers = {"content-type": "application/json", webhooks.SIGNATURE: signed}
        return SandboxWebhook(url=url, headers=headers, body=body)

    # --- the API -----------------------------------------------------------------------------------------

    def handle(self, request: SandboxRequest) -> SandboxResponse:
        """A request; one with a key gets its first answer again within the hour, whatever that was."""
        mode = self._mode(request)
        key = request.headers.get("idempotency-key", "") if request.method == "POST" else ""
        if not key:
            return self._route(request, mode)
        whose, asked = request.headers["authorization"], (request.method, request.path, request.body)
        try:
            kept = self._remembered.find(key, asked, of=whose)
        except KeyInUse:
            raise _refused(409, "Another request with this Idempotency-Key is already being processed.") from None
        except KeyReused:
            raise _refused(400, "This Idempotency-Key was used with other parameters.") from None
        if kept is not None:
            return attrs.evolve(kept, headers={**kept.headers, "Idempotent-Replayed": "true"})
        try:
            answer = self._route(request, mode)
        except Refused as refused:
            answer = refused.answer
        return self._remembered.keep(key, answer, asked, of=whose)

    def _mode(self, request: SandboxRequest) -> Mode:
        """The mode that a request is of: a key's own, or what a token's ``testmode`` says."""
        key = request.headers.get("authorization", "").removeprefix("Bearer ")
        modes = {self.test_key: Mode.TEST, self.live_key: Mode.LIVE, self.token: Mode.LIVE}
        if key not in modes:
            raise _refused(401, "Missing authentication, or failed to authenticate")
        body = _body(request)
        if key == self.token:
            return Mode.TEST if request.query.get("testmode") == "true" or body.get("testmode") is True else Mode.LIVE
        if "testmode" in request.query or "testmode" in body:
            raise _refused(422, 'Non-existent body parameter "testmode" for this API call.', "testmode")
        return modes[key]

    def _route(self, request: SandboxRequest, mode: Mode) -> SandboxResponse:
        match request.method, *request.path.strip("/").split("/"):
            case "GET", "v2", "profiles", "me":
                return _answer(self._answers.profile(mode))
            case "GET", "v2", "organizations", "me":
                return _answer(self._answers.organization())
            case "GET", "v2", "orders", order:
                return self._order(order, mode, embed=request.query.get("embed", ""))
            case "GET", "v2", "payments", payment:
                return self._read_payment(self._payment(payment, mode), request.query.get("embed", ""))
            case "POST", "v2", "payments", payment, "refunds":
                return self._create(self._payment(payment, mode), _body(request))
            case "GET", "v2", "payments", payment, "refunds":
                return self._list(self._payment(payment, mode), request.query)
            case "GET", "v2", "payments", payment, "refunds", refund:
                return _answer(self._answers.refund(self._readable(self._payment(payment, mode), refund)))
            case "DELETE", "v2", "payments", payment, "refunds", refund:
                return self._delete(self._payment(payment, mode), refund)
            case "GET", "v2", "payments", payment, "chargebacks":
                return self._list_chargebacks(self._payment(payment, mode), request.query)
        raise _refused(404, "The resource does not exist")

    def _payment(self, reference: str, mode: Mode) -> SandboxPayment:
        """A payment; one of the other mode is as unknown as one that was never there."""
        payment = self.ledger.payments.get(reference)
        if payment is None or payment.mode is not mode:
            raise _refused(404, f"No entity exists with token '{reference}'")
        return payment

    def _read_payment(self, payment: SandboxPayment, embed: str) -> SandboxResponse:
        """A payment. All its refunds are embedded, as described; that it says of no limit is taken at its word."""
        total = payment.charged_back
        if not self.reversal_lowers_the_total:
            total = sum([one.amount for one in payment.charge_backs], Money.zero(total.currency))
        answer = self._answers.payment(payment, self._shown(payment), charged_back=total, embed=embed.split(","))
        return _answer(answer)

    def _shown(self, payment: SandboxPayment) -> list[SandboxRefund]:
        """The refunds of a payment that can be read, newest first."""
        return [
            refund
            for refund in reversed(payment.refunds)
            if not (self.cancelled_are_gone and refund.status == "canceled")
        ]

    def _order(self, reference: str, mode: Mode, *, embed: str) -> SandboxResponse:
        if reference not in self.ledger.orders:
            raise _refused(404, f"No order exists with token {reference}.")
        payments = [self._payment(payment.id, mode) for payment in self.ledger.orders[reference]]
        return _answer(self._answers.order(reference, mode, payments, embed=embed))

    def _readable(self, payment: SandboxPayment, reference: str) -> SandboxRefund:
        for refund in self._shown(payment):
            if refund.id == reference:
                return refund
        raise _refused(404, f"No entity exists with token '{reference}'")

    def _create(self, payment: SandboxPayment, body: Json) -> SandboxResponse:
        amount = _as_paid(_amount(body, payment.amount.currency), payment.method)
        description = body.get("description", "")
        if not isinstance(description, str) or len(description) > _LONGEST_DESCRIPTION:
            raise _refused(422, "The description is too long", "description")
        if any(_is_duplicate(refund, amount, self.clock.now()) for refund in payment.refunds):
            raise _refused(409, "A duplicate refund has been detected")
        if amount > self.refundable(payment) or amount.minor <= 0:
            raise _refused(422, "The specified amount cannot be refunded", "amount.value")
        said = {"description": description, "metadata": body.get("metadata")}
        return _answer(self._answers.refund(self.make_refund(payment, amount, said)), status=201)

    def _list(self, payment: SandboxPayment, query: Mapping[str, str]) -> SandboxResponse:
        """A page of refunds, newest first; ``from`` is the first on it."""
        shown = self._shown(payment)
        first, limit = _page_of([refund.id for refund in shown], query)
        return _answer(self._answers.refunds(payment, shown, first=first, limit=limit))

    def _list_chargebacks(self, payment: SandboxPayment, query: Mapping[str, str]) -> SandboxResponse:
        """A page of chargebacks; ``from`` is the first on it."""
        first, limit = _page_of([one.id for one in payment.charge_backs], query)
        return _answer(self._answers.chargebacks(payment, first=first, limit=limit))

    def _delete(self, payment: SandboxPayment, reference: str) -> SandboxResponse:
        """Cancel a refund. What is too late to cancel is answered as an unknown one, the one refusal described."""
        try:
            self.cancel(self._readable(payment, reference))
        except ValueError:
            raise _refused(404, f"No entity exists with token '{reference}'") from None
        return SandboxResponse(status=204)


_: type[PaymentSandbox] = MollieSandbox  # held by the type checker


def _answer(body: Json, *, status: int = 200) -> SandboxResponse:
    return SandboxResponse(status=status, body=body, content_type=HAL)


def _body(request: SandboxRequest) -> Json:
    """The fields of a request; none of a body that is no JSON object."""
    try:
        body = json.loads(request.body)
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {}


def _amount(body: Json, currency: str) -> Money:
    """The amount to refund: a text with exactly the decimals of the payment's currency, never a number."""
    given = body.get("amount")
    if not isinstance(given, dict):
        raise _refused(422, "The 'amount' field is missing", "amount")
    if given.get("currency") != currency:
        raise _refused(422, "The currency is not that of the payment", "amount.currency")
    value = given.get("value")
    try:
        amount = wire.Amount(currency=currency, value=value if isinstance(value, str) else "").money
    except Exception:  # noqa: BLE001 - whatever is wrong with it, it is the same to Mollie
        amount = Money.zero(currency)
    if wire.amount_of(amount) != given:
        raise _refused(422, "The amount is no text with the decimals of its currency", "amount.value")
    return amount


def _as_paid(amount: Money, method: str) -> Money:
    """What of an amount really moves: "HUF and TWD … are rounded" to whole units where the method is PayPal
    (source/payments/multicurrency.rst of 2024). Which way half of one goes is not said: up, here."""
    if method != "paypal" or amount.currency not in _WHOLE_BY_PAYPAL:
        return amount
    return attrs.evolve(amount, minor=(amount.minor + 50) // 100 * 100)


_WHOLE_BY_PAYPAL = ("HUF", "TWD")


def _page_of(ids: Sequence[str], query: Mapping[str, str]) -> tuple[int, int]:
    """The place of the first one on the page of a list that is asked for, and how many are on it."""
    limit = query.get("limit", "50")
    if not limit.isdecimal() or not 1 <= int(limit) <= 250:
        raise _refused(400, "Invalid limit value", "limit")
    if query.get("from", ids[0] if ids else "") not in (ids or [""]):
        raise _refused(400, "Invalid cursor value", "from")
    return (ids.index(query["from"]) if "from" in query else 0), int(limit)


def _is_duplicate(refund: SandboxRefund, amount: Money, now: datetime.datetime) -> bool:
    """Whether a refund of the same amount was made within the hour, in whatever way, and still stands."""
    return now - refund.made_at < DUPLICATE_WINDOW and refund.amount == amount and refund.counts
