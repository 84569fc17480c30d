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
import re
import threading
from collections.abc import Iterator, Mapping, Sequence
from types import TracebackType
from typing import ClassVar
from urllib.parse import urlencode

import attrs

from retour.providers import Mode, Money, Secret, hmac_sha256
from retour.sandbox import (
    BookedRefund,
    PaymentSandbox,
    SandboxClock,
    SandboxRequest,
    SandboxResponse,
    SandboxServer,
    SandboxWebhook,
)
from retour_mollie import webhooks, wire
from retour_mollie.sandbox_answers import HAL, Answers, Json, error
from retour_mollie.sandbox_books import SandboxPayment, SandboxRefund

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

_REFERENCE = re.compile(r"(tr|ord)_[0-9A-Za-z]+")
_CLASSIC_STATUSES = frozenset({"processing", "refunded", "failed"})
_LONGEST_DESCRIPTION = 255


@attrs.frozen(kw_only=True)
class _Kept:
    """The first answer to a key, and what was asked."""

    asked: tuple[str, str, bytes]
    at: datetime.datetime
    response: SandboxResponse


class _Refused(Exception):
    """An error as Mollie writes it."""

    def __init__(self, status: int, detail: str, field: str = "") -> None:
        super().__init__(detail)
        self.response = SandboxResponse(status=status, body=error(status, detail, field), content_type=HAL)


class MollieSandbox:
    """Mollie, from ``with`` until its end, at ``url``.

    It knows three keys: ``test_key``, ``live_key``, and the organisation ``token``. ``clock`` stands still until
    `advance`; ``server`` has the ``faults`` to make and the ``requests`` that came in. What a person does in Mollie's
    dashboard is a method here. Where a method takes a payment, the id of an order with one payment does too.
    ``cancelled_are_gone`` answers 404 for a cancelled refund, as the description says; else it is still there with its
    status ``canceled``, as the documentation says. A key in ``keys_in_progress`` is being worked on, for ever.
    """

    provider: ClassVar[str] = "mollie"
    test_key = TEST_KEY
    live_key = LIVE_KEY
    token = TOKEN

    def __init__(self, *, clock: SandboxClock | None = None, port: int = 0) -> None:
        self.clock = clock or SandboxClock()
        self.server = SandboxServer(self._handle, port=port)
        self.server.error_bodies = {
            429: error(429, "You have exceeded the rate limit. Please slow down your requests."),
            500: error(500, "An internal error has occurred."),
            503: error(503, "Payment platform for this payment method temporarily not available"),
        }
        self.cancelled_are_gone = False
        self.keys_in_progress: set[str] = set()
        self._answers = Answers(self.server.url)
        self._payments: dict[str, SandboxPayment] = {}
        self._orders: dict[str, tuple[str, ...]] = {}
        self._kept: dict[str, _Kept] = {}
        self._balance: dict[str, Money] = {}
        self._subscriptions: list[tuple[str, Secret]] = []
        self._webhooks: list[SandboxWebhook] = []
        self._held = False
        self._made: dict[str, int] = {}
        self._lock = threading.RLock()

    def __enter__(self) -> MollieSandbox:
        self.server.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.server.stop()

    @property
    def url(self) -> str:
        """Where it is; ``api_url`` in the settings."""
        return self.server.url

    @property
    def settings(self) -> dict[str, object]:
        """Settings of the plugin for test payments here: ``settings={"mollie": sandbox.settings}``.

        They know `WEBHOOK_SECRET`, and the secrets of the subscriptions that there are by now.
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
        if reference and not _REFERENCE.fullmatch(reference):
            raise ValueError(f"{reference} is no payment of Mollie: those begin with tr_, its orders with ord_")
        with self._lock:
            if reference in self._payments or reference in self._orders:
                raise ValueError(f"{reference} is there already")
            payment = SandboxPayment(
                id=reference if reference.startswith("tr_") else self._id("tr"),
                mode=mode,
                amount=amount,
                status=status,
                method=method,
                description=description,
                created_at=self.clock.now(),
                webhook_url=webhook_url,
                extra=extra or Money.zero(amount.currency),
            )
            self._payments[payment.id] = payment
            if reference.startswith("ord_"):
                self._orders[reference] = (payment.id,)
            return reference or payment.id

    def order(self, *payments: str) -> str:
        """An order of the Orders API with these payments; gives its id."""
        with self._lock:
            reference = self._id("ord")
            self._orders[reference] = payments
            return reference

    def subscribe(self, url: str = "", secret: str = WEBHOOK_SECRET) -> None:
        """From now on there are next-gen events of refunds too, for ``url`` and signed with ``secret``."""
        with self._lock:
            self._subscriptions.append((url, Secret(secret)))

    # --- what a person does in the dashboard, and the bank -----------------------------------------------

    def refund_in_dashboard(self, payment: str, amount: Money, description: str = "Refund") -> str:
        """A refund made by a person, which no key and no duplicate check looks at; gives its id."""
        with self._lock:
            self._settle()
            found = self._stored(payment)
            left = found.remaining or Money.zero(found.amount.currency)
            if amount.currency != left.currency or not 0 < amount.minor <= left.minor:
                raise ValueError(f"{amount} cannot be refunded of {payment}: {left} is left")
            return self._make(found, amount, description, metadata=None).id

    def cancel_in_dashboard(self, refund: str) -> None:
        """A person cancels a refund that is queued or pending; raises ValueError if it is neither."""
        with self._lock:
            self._settle()
            payment, found = self._refund(refund)
            self._cancel(payment, found)

    def fail(self, refund: str) -> None:
        """The bank refuses a refund: it failed, and the money is back on the balance."""
        with self._lock:
            self._settle()
            payment, found = self._refund(refund)
            if found.status in ("failed", "canceled"):
                raise ValueError(f"{refund} is {found.status} already")
            self._give_back(found)
            self._becomes(payment, found, "failed")

    def hold(self) -> None:
        """The bank stands still: from now on every refund stays as it is, however long it takes."""
        with self._lock:
            self._settle()
            self._held = True

    def release(self) -> None:
        """The bank works again: what was held goes as far as it is due."""
        with self._lock:
            self._held = False
            self._settle()

    def set_balance(self, amount: Money) -> None:
        """What is on the balance in a currency; without it there is always enough. Queued refunds go on if they can."""
        with self._lock:
            self._balance[amount.currency] = amount
            self._settle()

    def balance(self, currency: str) -> Money | None:
        """What is on the balance in a currency, None where it has no end."""
        with self._lock:
            self._settle()
            return self._balance.get(currency)

    def refunds(self, payment: str) -> list[Json]:
        """The refunds of a payment as the API shows them, newest first."""
        with self._lock:
            self._settle()
            found = self._stored(payment)
            return [self._answers.refund(found, refund, in_list=True) for refund in reversed(found.refunds)]

    def books(self, reference: str) -> Sequence[BookedRefund]:
        """The refunds of a payment, oldest first; ``refund_id`` is what the metadata says."""
        with self._lock:
            self._settle()
            return [
                BookedRefund(
                    reference=refund.id,
                    amount=refund.amount,
                    status=wire.STATUSES[refund.status],
                    refund_id=str(refund.metadata.get("refund_id", "")) if isinstance(refund.metadata, dict) else "",
                )
                for refund in self._stored(reference).refunds
            ]

    def advance(self, by: datetime.timedelta) -> None:
        """Let time pass: refunds go to the bank after two hours and arrive a day later."""
        with self._lock:
            self.clock.advance(by)
            self._settle()

    def take_webhooks(self) -> list[SandboxWebhook]:
        """The webhooks that nobody took yet: the classic ones, and the signed ones if somebody subscribed."""
        with self._lock:
            self._settle()
            taken, self._webhooks = self._webhooks, []
            return taken

    # --- the API -----------------------------------------------------------------------------------------

    def _handle(self, request: SandboxRequest) -> SandboxResponse:
        with self._lock:
            self._settle()
            try:
                mode = self._mode(request)
                key = request.headers.get("idempotency-key", "") if request.method == "POST" else ""
                return self._once(request, mode, key) if key else self._route(request, mode)
            except _Refused as refused:
                return refused.response

    def _once(self, request: SandboxRequest, mode: Mode, key: str) -> SandboxResponse:
        """A request with a key: the first answer again within the hour, whatever it was."""
        if key in self.keys_in_progress:
            raise _Refused(409, "Another request with this Idempotency-Key is already being processed.")
        asked = request.method, request.path, request.body
        scope = f"{request.headers['authorization']} {key}"
        kept = self._kept.get(scope)
        if kept is not None and self.clock.now() - kept.at < KEY_WINDOW:
            if kept.asked != asked:
                raise _Refused(400, "This Idempotency-Key was used with other parameters.")
            return attrs.evolve(kept.response, headers={**kept.response.headers, "Idempotent-Replayed": "true"})
        try:
            response = self._route(request, mode)
        except _Refused as refused:
            response = refused.response
        self._kept[scope] = _Kept(asked=asked, at=self.clock.now(), response=response)
        return response

    def _mode(self, request: SandboxRequest) -> Mode:
        """The mode that a request is of: a key's own, or what a token's ``testmode`` says."""
        key = request.headers.get("authorization", "").removeprefix("Bearer ")
        modes = {self.test_key: Mode.TEST, self.live_key: Mode.LIVE, self.token: Mode.LIVE}
        if key not in modes:
            raise _Refused(401, "Missing authentication, or failed to authenticate")
        body = _body(request)
        if key == self.token:
            return Mode.TEST if request.query.get("testmode") == "true" or body.get("testmode") is True else Mode.LIVE
        if "testmode" in request.query or "testmode" in body:
            raise _Refused(422, 'Non-existent body parameter "testmode" for this API call.', "testmode")
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
                return _answer(self._answers.payment(self._payment(payment, mode)))
            case "POST", "v2", "payments", payment, "refunds":
                return self._create(self._payment(payment, mode), _body(request))
            case "GET", "v2", "payments", payment, "refunds":
                return self._list(self._payment(payment, mode), request.query)
            case "GET", "v2", "payments", payment, "refunds", refund:
                found = self._payment(payment, mode)
                return _answer(self._answers.refund(found, self._readable(found, refund)))
            case "DELETE", "v2", "payments", payment, "refunds", refund:
                return self._delete(self._payment(payment, mode), refund)
        raise _Refused(404, "The resource does not exist")

    def _payment(self, reference: str, mode: Mode) -> SandboxPayment:
        """A payment; one of the other mode is as unknown as one that was never there."""
        payment = self._payments.get(reference)
        if payment is None or payment.mode is not mode:
            raise _Refused(404, f"No entity exists with token '{reference}'")
        return payment

    def _order(self, reference: str, mode: Mode, *, embed: str) -> SandboxResponse:
        if reference not in self._orders:
            raise _Refused(404, f"No order exists with token {reference}.")
        payments = [self._payment(payment, mode) for payment in self._orders[reference]]
        return _answer(self._answers.order(reference, mode, payments, embed=embed))

    def _readable(self, payment: SandboxPayment, reference: str) -> SandboxRefund:
        for refund in payment.refunds:
            if refund.id == reference and not (self.cancelled_are_gone and refund.status == "canceled"):
                return refund
        raise _Refused(404, f"No entity exists with token '{reference}'")

    def _create(self, payment: SandboxPayment, body: Json) -> SandboxResponse:
        amount = _amount(body, payment.amount.currency)
        description = body.get("description", "")
        if not isinstance(description, str) or len(description) > _LONGEST_DESCRIPTION:
            raise _Refused(422, "The description is too long", "description")
        if any(_is_duplicate(refund, amount, self.clock.now()) for refund in payment.refunds):
            raise _Refused(409, "A duplicate refund has been detected")
        if payment.remaining is None or amount > payment.remaining or amount.minor <= 0:
            raise _Refused(422, "The specified amount cannot be refunded", "amount.value")
        made = self._make(payment, amount, description, body.get("metadata"))
        return _answer(self._answers.refund(payment, made), status=201)

    def _list(self, payment: SandboxPayment, query: Mapping[str, str]) -> SandboxResponse:
        """A page of refunds, newest first; ``from`` is the first on it."""
        limit = query.get("limit", "50")
        if not limit.isdecimal() or not 1 <= int(limit) <= 250:
            raise _Refused(400, "Invalid limit value", "limit")
        shown = [
            refund
            for refund in reversed(payment.refunds)
            if not (self.cancelled_are_gone and refund.status == "canceled")
        ]
        ids = [refund.id for refund in shown]
        if query.get("from", ids[0] if ids else "") not in (ids or [""]):
            raise _Refused(400, "Invalid cursor value", "from")
        first = ids.index(query["from"]) if "from" in query else 0
        return _answer(self._answers.refunds(payment, shown, first=first, limit=int(limit)))

    def _delete(self, payment: SandboxPayment, reference: str) -> SandboxResponse:
        """Cancel a refund. What is too late to cancel is answered as an unknown one, the one refusal described."""
        try:
            self._cancel(payment, self._readable(payment, reference))
        except ValueError:
            raise _Refused(404, f"No entity exists with token '{reference}'") from None
        return SandboxResponse(status=204)

    # --- what happens by itself --------------------------------------------------------------------------

    def _make(self, payment: SandboxPayment, amount: Money, description: str, metadata: object) -> SandboxRefund:
        refund = SandboxRefund(
            id=self._id("re"),
            amount=amount,
            description=description,
            metadata=metadata,
            created_at=self.clock.now(),
            status="",
        )
        payment.refunds.append(refund)
        self._becomes(payment, refund, "pending" if self._fund(refund) else "queued")
        return refund

    def _cancel(self, payment: SandboxPayment, refund: SandboxRefund) -> None:
        if refund.status not in wire.CANCELLABLE:
            raise ValueError(f"{refund.id} is {refund.status}, too late to cancel")
        self._give_back(refund)
        self._becomes(payment, refund, "canceled")

    def _settle(self) -> None:
        """Bring every refund up to now: funded once there is money, sent after two hours, arrived after a day."""
        now = self.clock.now()
        for payment, refund in self._all():
            if refund.status == "queued" and self._fund(refund):
                self._becomes(payment, refund, "pending")
            if self._held:
                continue
            if refund.status == "pending" and refund.funded_at is not None and now - refund.funded_at >= WAITS:
                refund.sent_at = refund.funded_at + WAITS
                self._becomes(payment, refund, "processing")
            if refund.status == "processing" and refund.sent_at is not None and now - refund.sent_at >= BANK_TAKES:
                self._becomes(payment, refund, "refunded")

    def _fund(self, refund: SandboxRefund) -> bool:
        """Take the money for a refund from the balance, if there is enough of it."""
        balance = self._balance.get(refund.amount.currency)
        if balance is not None:
            if balance < refund.amount:
                return False
            self._balance[refund.amount.currency] = balance - refund.amount
        refund.funded_at = self.clock.now()
        return True

    def _give_back(self, refund: SandboxRefund) -> None:
        balance = self._balance.get(refund.amount.currency)
        if balance is not None and refund.funded_at is not None:
            self._balance[refund.amount.currency] = balance + refund.amount

    def _becomes(self, payment: SandboxPayment, refund: SandboxRefund, status: str) -> None:
        refund.status = status
        if status in _CLASSIC_STATUSES:
            body = urlencode({"id": payment.id}).encode()
            self._webhooks.append(
                SandboxWebhook(url=payment.webhook_url, headers={"content-type": webhooks.FORM}, body=body)
            )
        for url, secret in self._subscriptions:
            body = json.dumps(self._answers.event(payment, refund, self.clock.now())).encode()
            signed = webhooks.PREFIX + hmac_sha256(body, secret)
            headers = {"content-type": "application/json", webhooks.SIGNATURE: signed}
            self._webhooks.append(SandboxWebhook(url=url, headers=headers, body=body))

    def _all(self) -> Iterator[tuple[SandboxPayment, SandboxRefund]]:
        for payment in self._payments.values():
            for refund in payment.refunds:
                yield payment, refund

    def _refund(self, reference: str) -> tuple[SandboxPayment, SandboxRefund]:
        for payment, refund in self._all():
            if refund.id == reference:
                return payment, refund
        raise ValueError(f"there is no refund {reference}")

    def _stored(self, reference: str) -> SandboxPayment:
        """The payment that a shop stored: by its own id, or as the one payment of an order."""
        of_order = self._orders.get(reference, ())
        payment = self._payments.get(of_order[0] if len(of_order) == 1 else reference)
        if payment is None:
            raise ValueError(f"there is no payment {reference}, or no one payment of it")
        return payment

    def _id(self, prefix: str) -> str:
        number = self._made[prefix] = self._made.get(prefix, 0) + 1
        made = f"{prefix}_{number:010d}"
        return self._id(prefix) if made in self._payments or made in self._orders else made


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
        raise _Refused(422, "The 'amount' field is missing", "amount")
    if given.get("currency") != currency:
        raise _Refused(422, "The currency is not that of the payment", "amount.currency")
    value = given.get("value")
    try:
        amount = wire.Amount(currency=currency, value=value if isinstance(value, str) else "").money
    except Exception:  # noqa: BLE001 - whatever is wrong with it, it is the same to Mollie
        amount = Money.zero(currency)
    if wire.amount_of(amount) != given:
        raise _Refused(422, "The amount is no text with the decimals of its currency", "amount.value")
    return amount


def _is_duplicate(refund: SandboxRefund, amount: Money, now: datetime.datetime) -> bool:
    """Whether a refund of the same amount was made within the hour, in whatever way, and still stands."""
    recent = now - refund.created_at < DUPLICATE_WINDOW
    return recent and refund.amount == amount and refund.status not in ("failed", "canceled")
