"""A sandbox of Stripe: a small stateful server on loopback that refunds as Stripe does, by a clock that can be moved.

>>> from retour.providers import Money
>>> with StripeSandbox() as sandbox:
...     payment = sandbox.pay(Money.of("44.95", "EUR"))
...     refund = sandbox.refund_in_dashboard(payment, Money.of("10.00", "EUR"))
>>> payment[:3], refund[:3]
('pi_', 're_')

Every answer has only fields that Stripe's description of version 2024-04-10 has, with values that Stripe could give.
Where nothing public says what Stripe does, the method's docstring says what this does.
"""

from __future__ import annotations

import datetime
import hashlib
import hmac
import json
import re
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from types import TracebackType
from typing import Any, ClassVar
from urllib.parse import parse_qsl

import attrs

from retour.providers import Mode, Money, RawWebhook, RefundStatus
from retour.sandbox import (
    BookedRefund,
    PaymentSandbox,
    SandboxClock,
    SandboxRequest,
    SandboxResponse,
    SandboxServer,
    SandboxWebhook,
)
from retour_stripe.errors import KEY_WINDOW
from retour_stripe.money import from_wire, to_wire
from retour_stripe.sandbox_answers import Answers, Json
from retour_stripe.sandbox_books import AT_ONCE, LATER, SandboxPayment, SandboxRefund, Step
from retour_stripe.wire import REFUND_ID, STATUSES, VERSION

_ALL_REFUNDS_SINCE = "2024-10-28"
"""The version since which ``refund.*`` events are about all refunds; before, cards had ``charge.refund*`` only."""

_REFUND_FIELDS = frozenset(
    {
        "amount",
        "charge",
        "currency",
        "customer",
        "expand",
        "instructions_email",
        "metadata",
        "origin",
        "payment_intent",
        "reason",
        "refund_application_fee",
        "reverse_transfer",
    }
)
_LIST_FIELDS = frozenset({"charge", "payment_intent", "limit", "starting_after", "ending_before", "expand", "created"})
_REASONS = ("duplicate", "fraudulent", "requested_by_customer")
_REFERENCE = re.compile(r"(pi|ch|py|cs_test|cs_live)_[0-9A-Za-z]+")
_SIGNS = {"eur": "€", "usd": "$", "gbp": "£"}


@attrs.frozen(kw_only=True)
class _Kept:
    """An answer that is kept for an idempotency key."""

    asked: object
    answer: SandboxResponse
    at: datetime.datetime


class _Refused(Exception):
    """An error answer. ``begun``: the endpoint's execution began, so that the answer is kept for its key."""

    def __init__(self, status: int, message: str, *, begun: bool = False, **more: str) -> None:
        super().__init__(message)
        self.begun = begun
        self.answer = SandboxResponse(
            status=status, body={"error": {"type": "invalid_request_error", "message": message} | more}
        )


class StripeSandbox:
    """Stripe on loopback: refunds, charges, PaymentIntents, checkout sessions, and webhooks.

    ``url`` is its address and ``settings`` what a desk needs to use it; ``clock`` is the time, ``server`` has the
    faults and all requests. ``plans`` says how the next refunds go, one entry for each, then `AT_ONCE` or `LATER`;
    ``keys_in_use`` are idempotency keys that another request is using right now; ``code_of_too_much`` is the code of
    the refusal of a too high amount, of which only the text is known for sure.

    ``webhook_version`` is the API version of the webhook endpoint, which decides which events there are.
    """

    provider: ClassVar[str] = "stripe"

    def __init__(
        self,
        *,
        clock: SandboxClock | None = None,
        port: int = 0,
        mode: Mode = Mode.TEST,
        webhook_version: str = VERSION,
    ) -> None:
        self.mode = mode
        self.clock = clock or SandboxClock()
        self.server = SandboxServer(self._handle, port=port)
        self.server.error_bodies = {
            429: {
                "error": {"type": "invalid_request_error", "code": "rate_limit", "message": "Too many requests."},
            },
            500: {"error": {"type": "api_error", "message": "An unknown error occurred."}},
            503: {"error": {"type": "api_error", "message": "Stripe is temporarily unavailable."}},
        }
        self.api_key = f"sk_{mode}_sandbox"
        self.restricted_key = f"rk_{mode}_sandbox"
        self.other_mode_key = f"sk_{Mode.LIVE if mode is Mode.TEST else Mode.TEST}_sandbox"
        self.webhook_secret = "whsec_sandbox"  # noqa: S105 - the sandbox's own
        self.webhook_version = webhook_version
        self.plans: deque[Sequence[Step]] = deque()
        self.keys_in_use: set[str] = set()
        self.code_of_too_much = ""
        self.events: list[Json] = []
        self._untaken: list[Json] = []
        self._broken: deque[bool] = deque()
        self._answers = Answers(mode)
        self._payments: list[SandboxPayment] = []
        self._sessions: dict[str, SandboxPayment | None] = {}
        self._refunds: dict[str, SandboxRefund] = {}
        self._balance: dict[str, int] = {}
        self._kept: dict[str, _Kept] = {}
        self._made = 0
        self._held = False
        self._lock = threading.RLock()

    def __enter__(self) -> StripeSandbox:
        self.server.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.server.stop()

    @property
    def url(self) -> str:
        """Where it is: what ``api_url`` is in the settings."""
        return self.server.url

    @property
    def settings(self) -> dict[str, object]:
        """The settings of an account at this sandbox, as a desk takes them."""
        return {"api_key": self.api_key, "webhook_secrets": [self.webhook_secret], "api_url": self.url}

    # --- what people do -------------------------------------------------------------------------------------

    def pay(self, amount: Money, *, reference: str = "", method: str = "", status: str = "succeeded") -> str:
        """A consumer pays; gives the PaymentIntent (``pi_…``).

        ``reference`` makes it that PaymentIntent, that charge without one (``ch_…``, ``py_…``), or that checkout
        session (``cs_…``). ``method`` is one of Stripe's payment method types, ``card`` unless the reference is of a
        bank's (``py_…``); ``status`` a PaymentIntent's.
        """
        kind = reference.partition("_")[0]
        if reference and not _REFERENCE.fullmatch(reference):
            raise ValueError(f"{reference} is no payment (pi_), charge (ch_, py_) or checkout session (cs_) of Stripe")
        if kind == "cs" and not reference.startswith(f"cs_{self.mode}_"):
            raise ValueError(f"{reference} is not of {self.mode} mode")
        method = method or ("ideal" if kind == "py" else "card")
        with self._lock:
            if reference and (reference in self._sessions or self._find(reference)):
                raise ValueError(f"{reference} is there already")
            if kind in ("ch", "py"):
                self._paid(amount, method=method, status=status, intent=None, charge=reference)
                return reference
            payment = self._paid(
                amount, method=method, status=status, intent=reference if kind == "pi" else self._id("pi")
            )
            if kind == "cs":
                self._sessions[reference] = payment
            assert payment.intent is not None  # noqa: S101 - for the type checker
            return reference or payment.intent

    def pay_by_charge(self, amount: Money) -> str:
        """A consumer pays as before there were PaymentIntents; gives the charge (``ch_…``)."""
        with self._lock:
            return self._paid(amount, method="card", status="succeeded", intent=None).charge

    def check_out(self, amount: Money, *, paid: bool = True) -> str:
        """A consumer goes through a checkout; gives the session (``cs_…``), with a payment if it was ``paid``."""
        with self._lock:
            session = self._id(f"cs_{self.mode}")
            if paid:
                return self.pay(amount, reference=session)
            self._sessions[session] = None
            return session

    def charge_of(self, reference: str) -> str:
        """The charge (``ch_…``, ``py_…``) of a payment."""
        return self._stored(reference).charge

    def dispute(self, reference: str) -> None:
        """The consumer has the payment charged back."""
        with self._lock:
            self._stored(reference).disputed = True

    def refund_in_dashboard(self, reference: str, amount: Money) -> str:
        """Somebody refunds in the dashboard; gives the refund (``re_…``)."""
        with self._lock:
            self._let_time_pass()
            payment = self._stored(reference)
            left = from_wire(payment.amount - payment.refunded, payment.currency)
            if payment.status != "succeeded" or amount.currency != left.currency or not 0 < amount.minor <= left.minor:
                raise ValueError(f"{amount} cannot be refunded of {reference}: it is {payment.status}, {left} is left")
            return self._new_refund(payment, to_wire(amount), reason=None, metadata={}, cause={}).id

    def cancel_in_dashboard(self, reference: str) -> None:
        """Somebody cancels a refund in the dashboard."""
        with self._lock:
            self._let_time_pass()
            self._become(self._made_refund(reference), Step(status="canceled"))

    def fail(self, refund: str) -> None:
        """The bank declines a refund: it failed, and the money is back on the balance."""
        with self._lock:
            self._let_time_pass()
            found = self._made_refund(refund)
            if not found.counts:
                raise ValueError(f"{refund} is {found.status} already")
            self._become(found, Step(status="failed", failure_reason="declined"))

    def hold(self) -> None:
        """From now on no refund comes to an end by itself, however long it takes: new ones are pending."""
        with self._lock:
            self._let_time_pass()
            self._held = True

    def release(self) -> None:
        """What was held goes as far as it is due."""
        with self._lock:
            self._held = False
            self._let_time_pass()

    def advance(self, by: datetime.timedelta) -> None:
        """Let time pass; every refund goes as far as its plan says."""
        with self._lock:
            self.clock.advance(by)
            self._let_time_pass()

    def books(self, reference: str) -> Sequence[BookedRefund]:
        """The refunds of a payment, oldest first; ``refund_id`` is what the metadata says."""
        with self._lock:
            self._let_time_pass()
            payment = self._stored(reference)
            return [
                BookedRefund(
                    reference=refund.id,
                    amount=from_wire(refund.amount, payment.currency),
                    status=STATUSES[refund.status],
                    refund_id=refund.metadata.get(REFUND_ID, ""),
                )
                for refund in payment.refunds
            ]

    def set_balance(self, balance: Money) -> None:
        """The balance in one currency, from now on finite. Card refunds that wait for it go on.

        A card refund that is too high for the balance is pending until there is enough; refunds of other methods
        fail (https://docs.stripe.com/refunds).
        """
        with self._lock:
            self._balance[balance.currency.lower()] = to_wire(balance)
            self._let_time_pass()

    def break_next(self, *, done: bool) -> None:
        """The next write answers 500, and that answer is kept and replayed for its key. ``done``: after the work."""
        self._broken.append(done)

    # --- webhooks -------------------------------------------------------------------------------------------

    def webhook(self, event: Mapping[str, Any], *, at: float | None = None) -> RawWebhook:
        """An event as it is sent: signed ``at`` this unix time, by default now by the wall clock, as Stripe's are.

        (The clock of the sandbox may be days ahead of the receiver's.)
        """
        body = json.dumps(event, indent=2).encode()
        sent = str(int(time.time() if at is None else at))
        signature = hmac.new(self.webhook_secret.encode(), sent.encode() + b"." + body, hashlib.sha256).hexdigest()
        return RawWebhook(
            headers={"content-type": "application/json", "stripe-signature": f"t={sent},v1={signature}"}, body=body
        )

    def take_webhooks(self) -> list[SandboxWebhook]:
        """The webhooks that nobody took yet, signed now. Stripe promises neither once nor in order."""
        with self._lock:
            self._let_time_pass()
            taken, self._untaken = self._untaken, []
        signed = [self.webhook(event) for event in taken]
        return [SandboxWebhook(headers=webhook.headers, body=webhook.body) for webhook in signed]

    # --- the server -----------------------------------------------------------------------------------------

    def _handle(self, request: SandboxRequest) -> SandboxResponse:
        with self._lock:
            self._let_time_pass()
            request_id = self._id("req")
            try:
                self._check_key(request)
                answer = self._read(request) if request.method == "GET" else self._write(request, request_id)
            except _Refused as refused:
                answer = refused.answer
        headers = {"Request-Id": request_id, "Stripe-Version": request.headers.get("stripe-version", VERSION)}
        if request.headers.get("idempotency-key"):
            headers["Idempotency-Key"] = request.headers["idempotency-key"]
        return attrs.evolve(answer, headers=headers | dict(answer.headers))

    def _check_key(self, request: SandboxRequest) -> None:
        key = request.headers.get("authorization", "").removeprefix("Bearer ")
        if key == self.restricted_key and "refunds" in request.path:
            raise _Refused(403, "The provided key does not have the required permissions for this endpoint.")
        if key == self.other_mode_key:
            thing = request.path.rpartition("/")[2]
            raise _Refused(
                404 if request.method == "GET" else 400,
                f"No such object: '{thing}'; a similar object exists in {self.mode} mode, but a key of the other "
                "mode was used to make this request.",
                code="resource_missing",
            )
        if key not in (self.api_key, self.restricted_key):
            raise _Refused(401, f"Invalid API Key provided: {key[:8]}***")

    def _read(self, request: SandboxRequest) -> SandboxResponse:
        expanded = {value for name, value in request.query.items() if name.startswith("expand[")}

        def expandable(*names: str) -> set[str]:
            for name in sorted(expanded.difference(names)):
                raise _Refused(400, f"This property cannot be expanded ({name}).")
            return expanded

        routes: list[tuple[str, Callable[[str], Json]]] = [
            (
                r"/v1/refunds/(\w+)",
                lambda name: self._answers.refund(self._refund(name), expandable("charge", "payment_intent")),
            ),
            (r"/v1/charges/(\w+)", lambda name: self._answers.charge(self._payment(name, ("ch_", "py_"), "charge"))),
            (
                r"/v1/payment_intents/(\w+)",
                lambda name: self._answers.intent(
                    self._payment(name, ("pi_",), "payment_intent"), expandable("latest_charge")
                ),
            ),
            (r"/v1/checkout/sessions/(\w+)", self._session),
            (r"/v1/refunds()", lambda _: self._list(request)),
            (r"/v1/balance()", lambda _: self._answers.balance(self._balance)),
        ]
        for path, found in routes:
            if match := re.fullmatch(path, request.path):
                return SandboxResponse(status=200, body=found(match[1]))
        raise _unknown_path(request)

    def _session(self, reference: str) -> Json:
        if reference not in self._sessions:
            raise _missing("checkout.session", reference)
        return self._answers.session(reference, self._sessions[reference], self._now())

    def _write(self, request: SandboxRequest, request_id: str) -> SandboxResponse:
        """A POST, once for each idempotency key (https://docs.stripe.com/api/idempotent_requests)."""
        form = parse_qsl(request.body.decode(), keep_blank_values=True)
        key = request.headers.get("idempotency-key", "")
        asked = (request.path, sorted(form))
        kept = self._kept.get(key)
        if kept is not None and self.clock.now() - kept.at < KEY_WINDOW:
            if kept.asked != asked:
                message = "Keys for idempotent requests can only be used with the same parameters."
                raise _Refused(400, message, type="idempotency_error")
            return attrs.evolve(kept.answer, headers={**kept.answer.headers, "Idempotent-Replayed": "true"})
        if key in self.keys_in_use:
            message = "There is currently another in-progress request using this key."
            raise _Refused(409, message, code="idempotency_key_in_use")
        cause = {"id": request_id, "idempotency_key": key or None}
        answer = self._execute(request, form, cause)
        if key:
            self._kept[key] = _Kept(asked=asked, answer=answer, at=self.clock.now())
        return answer

    def _execute(self, request: SandboxRequest, form: list[tuple[str, str]], cause: Json) -> SandboxResponse:
        """The work itself; a refusal that is not kept is raised."""
        broken = self._broken.popleft() if self._broken else None
        answer = SandboxResponse(status=500, body=self.server.error_bodies[500])
        if broken is not False:
            try:
                done = SandboxResponse(status=200, body=self._post(request, form, cause))
            except _Refused as refused:
                if not refused.begun:
                    raise
                done = refused.answer
            answer = done if broken is None else answer
        return answer

    def _post(self, request: SandboxRequest, form: list[tuple[str, str]], cause: Json) -> Json:
        if request.path == "/v1/refunds":
            return self._answers.refund(self._asked_refund(form, cause))
        if match := re.fullmatch(r"/v1/refunds/(\w+)/cancel", request.path):
            refund = self._refund(match[1])
            if refund.status != "requires_action":
                raise _Refused(400, f"A refund with the status {refund.status} cannot be canceled.", begun=True)
            self._become(refund, Step(status="canceled"), cause)
            return self._answers.refund(refund)
        if match := re.fullmatch(r"/v1/refunds/(\w+)", request.path):
            refund = self._refund(match[1])
            refund.metadata |= _metadata(form)
            self._tell("updated", refund, cause)
            return self._answers.refund(refund)
        raise _unknown_path(request)

    def _list(self, request: SandboxRequest) -> Json:
        """Refunds, the newest first, those of one payment or charge if asked."""
        query = request.query
        for name in query:
            if name.partition("[")[0] not in _LIST_FIELDS:
                raise _Refused(400, f"Received unknown parameter: {name}", code="parameter_unknown", param=name)
        found = list(reversed(self._refunds.values()))
        for name, prefixes in (("charge", ("ch_", "py_")), ("payment_intent", ("pi_",))):
            if name in query:
                payment = self._payment(query[name], prefixes, name)
                found = [refund for refund in found if refund.payment is payment]
        if "starting_after" in query:
            last = self._refund(query["starting_after"])
            found = found[found.index(last) + 1 :]
        asked = query.get("limit", "10")
        if not (asked.isascii() and asked.isdigit() and 1 <= int(asked) <= 100):
            raise _Refused(400, f"Invalid integer: {asked}", code="parameter_invalid_integer", param="limit")
        limit = int(asked)
        return {
            "object": "list",
            "data": [self._answers.refund(refund) for refund in found[:limit]],
            "has_more": len(found) > limit,
            "url": "/v1/refunds",
        }

    # --- refunds --------------------------------------------------------------------------------------------

    def _asked_refund(self, form: list[tuple[str, str]], cause: Json) -> SandboxRefund:
        """A refund by API, refused as Stripe refuses."""
        fields = {name: value for name, value in form if "[" not in name}
        for name, _ in form:
            if name.partition("[")[0] not in _REFUND_FIELDS:
                raise _Refused(400, f"Received unknown parameter: {name}", code="parameter_unknown", param=name)
        given = fields.get("amount")
        if given is not None and not (given.isascii() and given.isdigit()):
            raise _Refused(400, f"Invalid integer: {given}", code="parameter_invalid_integer", param="amount")
        if given is not None and int(given) < 1:
            message = "This value must be greater than or equal to 1."
            raise _Refused(400, message, code="parameter_invalid_integer", param="amount")
        if "reason" in fields and fields["reason"] not in _REASONS:
            raise _Refused(400, f"Invalid reason: must be one of {', '.join(_REASONS)}", param="reason")
        if "payment_intent" in fields:
            payment = self._payment(fields["payment_intent"], ("pi_",), "payment_intent")
        elif "charge" in fields:
            payment = self._payment(fields["charge"], ("ch_", "py_"), "charge")
        else:
            raise _Refused(400, "Missing required param: charge.", code="parameter_missing", param="charge")
        left = payment.amount - payment.refunded
        self._check_amount(payment, left if given is None else int(given), left)
        return self._new_refund(
            payment,
            left if given is None else int(given),
            reason=fields.get("reason"),
            metadata=_metadata(form),
            cause=cause,
        )

    def _check_amount(self, payment: SandboxPayment, amount: int, left: int) -> None:
        name = payment.charge
        if payment.status != "succeeded":
            # what Stripe answers here is not known but for the kind; it certainly refuses
            raise _Refused(400, f"{payment.intent} does not have a successful charge to refund.", begun=True)
        if payment.disputed:
            message = f"Charge {name} has been charged back; cannot issue a refund."
            raise _Refused(400, message, begun=True, code="charge_disputed")
        if left <= 0:
            message = f"Charge {name} has already been refunded."
            raise _Refused(400, message, begun=True, code="charge_already_refunded")
        if amount > left:
            whole = left == payment.amount
            raise _Refused(
                400,
                f"Refund amount ({_shown(amount, payment.currency)}) is greater than "
                f"{'charge amount' if whole else 'unrefunded amount on charge'} ({_shown(left, payment.currency)})",
                begun=True,
                param="amount",
                **({"code": self.code_of_too_much} if self.code_of_too_much else {}),
            )

    def _new_refund(
        self, payment: SandboxPayment, amount: int, *, reason: str | None, metadata: dict[str, str], cause: Json
    ) -> SandboxRefund:
        usual = AT_ONCE if payment.method == "card" else LATER
        steps = deque(self.plans.popleft() if self.plans else usual)
        refund = SandboxRefund(
            id=self._id("re"),
            payment=payment,
            amount=amount,
            reason=reason,
            metadata=metadata,
            created=self._now(),
            status="pending",
            failure_reason="",
            since=self.clock.now(),
            steps=steps,
        )
        self._refunds[refund.id] = refund
        payment.refunds.append(refund)
        if amount > self._balance.get(payment.currency, amount):
            refund.short_of_balance = payment.method == "card"
            if not refund.short_of_balance:
                refund.status, refund.failure_reason = "failed", "insufficient_funds"
                refund.steps.clear()
        else:
            self._take(refund)
            if not (self._held and STATUSES[steps[0].status] is not RefundStatus.PENDING):
                first = refund.steps.popleft()
                refund.status, refund.failure_reason = first.status, first.failure_reason
                if not refund.counts:
                    self._give_back(refund)
        self._tell("created", refund, cause)
        return refund

    def _let_time_pass(self) -> None:
        """Every refund goes on as far as the clock and the balance let it, unless they are held."""
        if self._held:
            return
        for refund in list(self._refunds.values()):
            if refund.short_of_balance:
                if refund.amount > self._balance.get(refund.payment.currency, refund.amount):
                    continue
                self._take(refund)
                refund.short_of_balance = False
                self._become(refund, refund.steps.popleft())
            while refund.steps and self.clock.now() >= refund.since + refund.steps[0].after:
                due = refund.since + refund.steps[0].after
                self._become(refund, refund.steps.popleft(), since=due)

    def _become(
        self, refund: SandboxRefund, step: Step, cause: Json | None = None, since: datetime.datetime | None = None
    ) -> None:
        if step.status in ("failed", "canceled"):
            refund.steps.clear()
            if not refund.short_of_balance:
                self._give_back(refund)
            refund.short_of_balance = False
        refund.status, refund.failure_reason = step.status, step.failure_reason
        refund.since = since or self.clock.now()
        self._tell("failed" if step.status == "failed" else "updated", refund, cause or {})

    def _take(self, refund: SandboxRefund) -> None:
        if refund.payment.currency in self._balance:
            self._balance[refund.payment.currency] -= refund.amount

    def _give_back(self, refund: SandboxRefund) -> None:
        if refund.payment.currency in self._balance:
            self._balance[refund.payment.currency] += refund.amount

    def _tell(self, what: str, refund: SandboxRefund, cause: Json) -> None:
        """The events of a change; which there are depends on the version of the webhook endpoint."""
        if what == "created":
            self._event("charge.refunded", self._answers.charge(refund.payment), cause)
        else:
            self._event("charge.refund.updated", self._answers.refund(refund), cause)
        if self.webhook_version >= _ALL_REFUNDS_SINCE:
            self._event(f"refund.{what}", self._answers.refund(refund), cause)

    def _event(self, kind: str, about: Json, cause: Json) -> None:
        event = {
            "id": self._id("evt"),
            "object": "event",
            "api_version": self.webhook_version,
            "created": self._now(),
            "data": {"object": about},
            "livemode": self.mode is Mode.LIVE,
            "pending_webhooks": 1,
            "request": {"id": None, "idempotency_key": None} | cause,
            "type": kind,
        }
        self.events.append(event)
        self._untaken.append(event)

    # --- finding and naming things ----------------------------------------------------------------------------

    def _paid(self, amount: Money, *, method: str, status: str, intent: str | None, charge: str = "") -> SandboxPayment:
        payment = SandboxPayment(
            charge=charge or self._id("ch" if method == "card" else "py"),
            intent=intent,
            amount=to_wire(amount),
            currency=amount.currency.lower(),
            method=method,
            status=status,
            created=self._now(),
        )
        self._payments.append(payment)
        return payment

    def _payment(self, reference: str, prefixes: tuple[str, ...], kind: str) -> SandboxPayment:
        """The payment of a PaymentIntent or a charge, as a request names it."""
        found = self._find(reference) if reference.startswith(prefixes) else None
        if found is None:
            raise _missing(kind, reference)
        return found

    def _find(self, reference: str) -> SandboxPayment | None:
        return next((one for one in self._payments if reference in (one.intent, one.charge)), None)

    def _stored(self, reference: str) -> SandboxPayment:
        """The payment that a shop stored: a PaymentIntent, a charge, or a paid checkout session."""
        found = self._sessions.get(reference) or self._find(reference)
        if found is None:
            raise ValueError(f"there is no payment {reference}")
        return found

    def _made_refund(self, reference: str) -> SandboxRefund:
        if reference not in self._refunds:
            raise ValueError(f"there is no refund {reference}")
        return self._refunds[reference]

    def _refund(self, reference: str) -> SandboxRefund:
        if reference not in self._refunds:
            raise _missing("refund", reference)
        return self._refunds[reference]

    def _id(self, prefix: str) -> str:
        self._made += 1
        return f"{prefix}_sandbox{self._made:017d}"

    def _now(self) -> int:
        return int(self.clock.now().timestamp())


def _metadata(form: list[tuple[str, str]]) -> dict[str, str]:
    """``metadata[order]=1`` as ``{"order": "1"}``; an empty value unsets its key."""
    pairs = [(name[len("metadata[") : -1], value) for name, value in form if name.startswith("metadata[")]
    return {name: value for name, value in pairs if value}


def _shown(amount: int, currency: str) -> str:
    return f"{_SIGNS.get(currency, currency.upper() + ' ')}{amount / 100:.2f}"


def _missing(kind: str, reference: str) -> _Refused:
    return _Refused(404, f"No such {kind}: '{reference}'", code="resource_missing", param="id")


def _unknown_path(request: SandboxRequest) -> _Refused:
    return _Refused(404, f"Unrecognized request URL ({request.method}: {request.path}).")


_: type[PaymentSandbox] = StripeSandbox  # held by the type checker
