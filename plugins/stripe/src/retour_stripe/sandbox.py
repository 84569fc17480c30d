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
import itertools
import json
import re
import time
from collections import deque
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, ClassVar
from urllib.parse import parse_qsl

import attrs

from retour.providers import Mode, Money, ProviderError, RawWebhook, Text
from retour.sandbox import (
    BookkeepingSandbox,
    DashboardAction,
    DashboardTable,
    KeyInUse,
    KeyReused,
    Lifecycle,
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
from retour_stripe import sandbox_dashboard
from retour_stripe.errors import KEY_WINDOW
from retour_stripe.money import CURRENCIES, STEPS, from_wire, to_wire
from retour_stripe.sandbox_answers import Answers, Json, charge_of, page, with_outer
from retour_stripe.sandbox_dashboard import text
from retour_stripe.sandbox_disputes import OVER, WITHDRAWN, SandboxDispute, disputes_of
from retour_stripe.sandbox_disputes import STATUSES as STATUSES_OF_DISPUTES
from retour_stripe.wire import STATUSES, VERSION

AT_ONCE = (Step(status="succeeded"),)
"""How a card is refunded, unless the sandbox is told otherwise."""

LATER = (Step(status="pending"), Step(status="succeeded", after=datetime.timedelta(days=1)))
"""How any other way of paying is refunded. How many days it takes at Stripe depends on the bank."""

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
_SESSION_LIST_FIELDS = frozenset(
    {
        "created",
        "customer",
        "customer_details",
        "ending_before",
        "expand",
        "limit",
        "payment_intent",
        "payment_link",
        "starting_after",
        "status",
        "subscription",
    }
)
_REASONS = ("duplicate", "fraudulent", "requested_by_customer")
_SIGNATURE = "stripe-signature"
_SIGNS = {"EUR": "€", "USD": "$", "GBP": "£"}


class _Refused(Refused):
    """An error answer. ``begun``: the endpoint's execution began, so that the answer is kept for its key."""

    def __init__(self, status: int, message: str, *, begun: bool = False, **more: str) -> None:
        error = {"type": "invalid_request_error", "message": message} | more
        super().__init__(SandboxResponse(status=status, body={"error": error}))
        self.begun = begun


class StripeSandbox(BookkeepingSandbox):
    """Stripe on loopback: refunds, charges, PaymentIntents, checkout sessions, disputes, and webhooks.

    ``url`` is its address and ``settings`` what a desk needs to use it; ``clock`` is the time, ``server`` has the
    faults and all requests. ``plans`` says how the next refunds go, one entry for each, then ``AT_ONCE`` or ``LATER``;
    ``keys_in_use`` are idempotency keys that another request is using right now; ``code_of_too_much`` is the code of
    the refusal of a too high amount, of which only the text is known for sure.

    ``webhook_version`` is the API version of the webhook endpoint, which decides which events there are.
    ``restricted_from`` is what the ``restricted_key`` may not do, as parts of paths.

    A card refund that is too high for the balance is pending until there is enough; refunds of other methods fail
    (https://docs.stripe.com/refunds).
    """

    provider: ClassVar[str] = "stripe"
    dashboard_title: ClassVar[str] = "Stripe"
    dashboard_tables: ClassVar[Sequence[DashboardTable]] = sandbox_dashboard.TABLES
    dashboard_actions: ClassVar[Sequence[DashboardAction]] = sandbox_dashboard.ACTIONS
    lifecycle: ClassVar[Lifecycle] = Lifecycle(
        statuses={word: meaning for word, meaning in STATUSES.items() if word},
        way=AT_ONCE,
        waits_for_balance="pending",
        refusal="declined",
    )
    references: ClassVar[str] = "(pi|ch|py|cs_test|cs_live)_[0-9A-Za-z]+"
    references_are: ClassVar[Text] = sandbox_dashboard.REFERENCES_ARE
    currencies: ClassVar[Collection[str]] = CURRENCIES
    smallest_steps: ClassVar[Mapping[str, int]] = {step.currency: step.minor_units for step in STEPS}
    said_in_dashboard: ClassVar[Mapping[str, Any]] = {"reason": None, "metadata": {}}

    def __init__(
        self,
        *,
        clock: SandboxClock | None = None,
        port: int = 0,
        mode: Mode = Mode.TEST,
        webhook_version: str = VERSION,
    ) -> None:
        super().__init__(clock=clock, port=port)
        self.mode = mode
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
        self.restricted_from: Collection[str] = ("refunds",)
        self.plans: deque[Sequence[Step]] = deque()
        self.code_of_too_much = ""
        self.events: list[Json] = []
        self._broken: deque[bool] = deque()
        self._answers = Answers(mode)
        self._remembered: Remembered[SandboxResponse] = Remembered(self.clock, KEY_WINDOW)
        self.keys_in_use = self._remembered.in_use
        self._cause: Json = {}
        self._numbers = itertools.count(1)

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
        method = method or ("ideal" if kind == "py" else "card")
        with self.lock:
            self.check_new(reference)
            if kind == "cs" and not reference.startswith(f"cs_{self.mode}_"):
                raise NotPossible(text("{reference} is not of {mode} mode.", reference=reference, mode=self.mode.value))
            charge_alone = kind in ("ch", "py")
            intent = "" if charge_alone else reference if kind == "pi" else self.new_id("pi")
            charge = reference if charge_alone else self.new_id("ch" if method == "card" else "py")
            paid = self._paid(amount, intent, charge, method=method, status=status)
            self.ledger.add(paid, order=reference if kind == "cs" else "")
            return reference or paid.id

    def pay_by_charge(self, amount: Money) -> str:
        """A consumer pays as before there were PaymentIntents; gives the charge (``ch_…``)."""
        with self.lock:
            return self.pay(amount, reference=self.new_id("ch"))

    def check_out(self, amount: Money, *, paid: bool = True) -> str:
        """A consumer goes through a checkout; gives the session (``cs_…``), with a payment if it was ``paid``."""
        with self.lock:
            session = self.new_id(f"cs_{self.mode}")
            if paid:
                return self.pay(amount, reference=session)
            self.ledger.orders[session] = []
            return session

    def names(self, reference: str) -> Sequence[str]:
        """The PaymentIntent and its charge, and the checkout session if it went through one."""
        with self.lock:
            return self.ledger.names(self.stored(reference))

    def charge_of(self, reference: str) -> str:
        """The charge (``ch_…``, ``py_…``) of a payment."""
        return charge_of(self.stored(reference))

    def open_dispute(self, reference: str, amount: Money | None = None) -> str:
        """The consumer disputes the payment, by default all of it, and his bank takes the money; gives the dispute
        (``dp_…``), which is to be answered."""
        return self._dispute(reference, amount, "needs_response")

    def open_inquiry(self, reference: str, amount: Money | None = None) -> str:
        """The consumer's bank has a question and takes nothing yet; gives the dispute (``dp_…``)."""
        return self._dispute(reference, amount, "warning_needs_response")

    def move_dispute(self, dispute: str, status: str, *, refundable: bool | None = None) -> None:
        """A dispute becomes ``status``, one of Stripe's: it is won or lost, an inquiry is closed or becomes a dispute.

        ``refundable`` is what Stripe says of the charge then, the usual of that status unless it is given. Raises
        `ValueError` for a dispute that is not there, and for a status that is none.
        """
        if status not in STATUSES_OF_DISPUTES:
            raise ValueError(f"{status} is no status of a dispute")
        with self.lock:
            self.ledger.settle()
            found = self._disputed(dispute)
            if found is None:
                raise NotPossible(text("There is no dispute {dispute}.", dispute=dispute))
            self._become(found, status, refundable)

    def charge_back(self, reference: str, amount: Money | None = None) -> str:
        """The consumer disputes the payment, and the dispute is lost; gives it (``dp_…``)."""
        with self.lock:
            dispute = self.open_dispute(reference, amount)
            self.move_dispute(dispute, "lost")
            return dispute

    def give_back(self, reference: str) -> None:
        """Every dispute of the payment is won that took something, those included that were lost before.

        That a lost one is won after all is seen: https://github.com/Automattic/woocommerce-payments/issues/4931.
        """
        with self.lock:
            self.ledger.settle()
            taken = [one for one in disputes_of(self.stored(reference)) if one.taken is not None]
            if not taken:
                raise NotPossible(text("The bank has nothing of {payment} to give back.", payment=reference))
            for dispute in taken:
                self._become(dispute, "won", None)

    def _dispute(self, reference: str, amount: Money | None, status: str) -> str:
        with self.lock:
            self.ledger.settle()
            payment = self.stored(reference)
            made = SandboxDispute(
                id=self.new_id("dp"),
                payment=payment,
                amount=amount or payment.amount - payment.charged_back,
                made_at=self.clock.now(),
                status="",
            )
            self.check_amount(made.amount)
            self._become(made, status, None)
            return made.id

    def _become(self, dispute: SandboxDispute, status: str, refundable: bool | None) -> None:
        """A dispute is new or becomes something else: its money moves, and it is told."""
        told = ["updated" if dispute.status else "created"]
        if status in OVER:
            told = ["closed"]
        if status in WITHDRAWN and dispute.taken is None:
            taken = self.ledger.charge_back(dispute.payment, dispute.amount, reference=dispute.id)
            dispute.withdrawals.append(taken)
            told.append("funds_withdrawn")
        elif status not in WITHDRAWN and dispute.taken is not None:
            self.ledger.reverse(dispute.taken)
            told.append("funds_reinstated")
        if not dispute.status:
            disputes_of(dispute.payment).append(dispute)
        dispute.status = status
        dispute.refundable = status not in WITHDRAWN if refundable is None else refundable
        for what in told:
            self._event(f"charge.dispute.{what}", self._answers.dispute(dispute))

    def make_refund(self, payment: SandboxPayment, amount: Money, said: Mapping[str, Any]) -> SandboxRefund:
        """A refund that goes the way that was planned for it, or that of its method."""
        way = self.plans.popleft() if self.plans else AT_ONCE if payment.method == "card" else LATER
        if payment.method != "card" and not self.ledger.covers(amount):
            way = (Step(status="failed", reason="insufficient_funds"),)
        return self.ledger.refund(payment, amount, reference=self.new_id("re"), said=said, way=way)

    def break_next(self, *, done: bool) -> None:
        """The next write answers 500, and that answer is kept and replayed for its key. ``done``: after the work."""
        self._broken.append(done)

    # --- webhooks -------------------------------------------------------------------------------------------

    def webhook(self, event: Mapping[str, Any], *, at: float | None = None) -> RawWebhook:
        """An event as it is sent: signed ``at`` this unix time, by default now by the wall clock, as Stripe's are.

        (The clock of the sandbox may be days ahead of the receiver's.)
        """
        body = json.dumps(event, indent=2).encode()
        return RawWebhook(headers=self._headers(body, at), body=body)

    def sign(self, webhook: SandboxWebhook) -> SandboxWebhook:
        """The webhook, signed now. Stripe promises neither once nor in order."""
        return attrs.evolve(webhook, headers=self._headers(webhook.body))

    def webhook_about(self, *refunds: str) -> SandboxWebhook:
        """An event of one refund; of several of one charge the event of that charge, which does not list them."""
        with self.lock:
            self.ledger.settle()
            made = [self.ledger.made(refund) for refund in refunds]
            if len({refund.payment.id for refund in made}) != 1:
                raise ValueError("an event of Stripe is about the refunds of one charge")
            if len(made) > 1:
                event = self._made_event("charge.refunded", self._answers.charge(made[0].payment))
            else:
                event = self._made_event("charge.refund.updated", self._answers.refund(made[0]))
            return self.sign(_unsigned(event))

    def with_spoilt_signature(self, webhook: SandboxWebhook) -> SandboxWebhook:
        """The same webhook, signed wrong."""
        return spoilt(webhook, _SIGNATURE)

    def tell(self, refund: SandboxRefund) -> None:
        """The events of a new refund, or of another status."""
        what = "failed" if refund.status == "failed" else "updated"
        self._tell(what if refund.before else "created", refund)

    def _headers(self, body: bytes, at: float | None = None) -> dict[str, str]:
        sent = str(int(time.time() if at is None else at))
        signature = hmac.new(self.webhook_secret.encode(), sent.encode() + b"." + body, hashlib.sha256).hexdigest()
        return {"content-type": "application/json", _SIGNATURE: f"t={sent},v1={signature}"}

    # --- the server -----------------------------------------------------------------------------------------

    def handle(self, request: SandboxRequest) -> SandboxResponse:
        """The answer to a request, with the headers that every answer has."""
        request_id = self.new_id("req")
        key = request.headers.get("idempotency-key", "")
        self._cause = {"id": request_id, "idempotency_key": key or None}
        try:
            self._check_key(request)
            answer = self._read(request) if request.method == "GET" else self._write(request, key)
        except _Refused as refused:
            answer = refused.answer
        finally:
            self._cause = {}
        headers = {"Request-Id": request_id, "Stripe-Version": request.headers.get("stripe-version", VERSION)}
        if key:
            headers["Idempotency-Key"] = key
        return attrs.evolve(answer, headers=headers | dict(answer.headers))

    def _check_key(self, request: SandboxRequest) -> None:
        key = request.headers.get("authorization", "").removeprefix("Bearer ")
        if key == self.restricted_key and any(part in request.path for part in self.restricted_from):
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
            for name in sorted(expanded.difference(with_outer(names))):
                raise _Refused(400, f"This property cannot be expanded ({name}).")
            return with_outer(expanded)

        routes: list[tuple[str, Callable[[str], Json]]] = [
            (
                r"/v1/refunds/(\w+)",
                lambda name: self._answers.refund(self._refund(name), expandable("charge", "payment_intent")),
            ),
            (
                r"/v1/charges/(\w+)",
                lambda name: self._answers.charge(self._payment(name, ("ch_", "py_"), "charge"), expandable("refunds")),
            ),
            (
                r"/v1/payment_intents/(\w+)",
                lambda name: self._answers.intent(
                    self._payment(name, ("pi_",), "payment_intent"), expandable("latest_charge.refunds")
                ),
            ),
            (
                r"/v1/checkout/sessions/(\w+)",
                lambda name: self._session(name, expandable("payment_intent.latest_charge.refunds")),
            ),
            (r"/v1/disputes/(\w+)", self._read_dispute),
            (r"/v1/checkout/sessions()", lambda _: self._list_sessions(request)),
            (r"/v1/refunds()", lambda _: self._list_refunds(request)),
            (r"/v1/disputes()", lambda _: self._list_disputes(request)),
            (r"/v1/balance()", lambda _: self._answers.balance(list(self.ledger.balance.values()))),
        ]
        for path, found in routes:
            if match := re.fullmatch(path, request.path):
                return SandboxResponse(status=200, body=found(match[1]))
        raise _unknown_path(request)

    def _session(self, reference: str, expanded: Collection[str]) -> Json:
        if reference not in self.ledger.orders:
            raise _missing("checkout.session", reference)
        return self._answers.session(reference, self.ledger.find(reference), self._now(), expanded)

    def _read_dispute(self, reference: str) -> Json:
        found = self._disputed(reference)
        if found is None:
            raise _missing("dispute", reference)
        return self._answers.dispute(found)

    def _disputed(self, reference: str) -> SandboxDispute | None:
        """A dispute by its id."""
        every = [one for payment in self.ledger.payments.values() for one in disputes_of(payment)]
        return next((one for one in every if one.id == reference), None)

    def _write(self, request: SandboxRequest, key: str) -> SandboxResponse:
        """A POST, once for each idempotency key (https://docs.stripe.com/api/idempotent_requests)."""
        form = parse_qsl(request.body.decode(), keep_blank_values=True)
        asked = (request.path, sorted(form))
        try:
            kept = self._remembered.find(key, asked)
        except KeyReused:
            message = "Keys for idempotent requests can only be used with the same parameters."
            raise _Refused(400, message, type="idempotency_error") from None
        except KeyInUse:
            message = "There is currently another in-progress request using this key."
            raise _Refused(409, message, code="idempotency_key_in_use") from None
        if kept is not None:
            return attrs.evolve(kept, headers={**kept.headers, "Idempotent-Replayed": "true"})
        return self._remembered.keep(key, self._execute(request, form), asked)

    def _execute(self, request: SandboxRequest, form: list[tuple[str, str]]) -> SandboxResponse:
        """The work itself; a refusal that is not kept is raised."""
        broken = self._broken.popleft() if self._broken else None
        answer = SandboxResponse(status=500, body=self.server.error_bodies[500])
        if broken is not False:
            try:
                done = SandboxResponse(status=200, body=self._post(request, form))
            except _Refused as refused:
                if not refused.begun:
                    raise
                done = refused.answer
            answer = done if broken is None else answer
        return answer

    def _post(self, request: SandboxRequest, form: list[tuple[str, str]]) -> Json:
        if request.path == "/v1/refunds":
            return self._answers.refund(self._asked_refund(form))
        if match := re.fullmatch(r"/v1/refunds/(\w+)/cancel", request.path):
            refund = self._refund(match[1])
            if refund.status != "requires_action":
                raise _Refused(400, f"A refund with the status {refund.status} cannot be canceled.", begun=True)
            self.cancel(refund)
            return self._answers.refund(refund)
        if match := re.fullmatch(r"/v1/refunds/(\w+)", request.path):
            refund = self._refund(match[1])
            refund.said["metadata"] = refund.said["metadata"] | _metadata(form)
            self._tell("updated", refund)
            return self._answers.refund(refund)
        raise _unknown_path(request)

    def _list_refunds(self, request: SandboxRequest) -> Json:
        """Refunds, the newest first, those of one payment or charge if asked."""
        payment = self._listed_of(request)
        found = list(self.ledger.refunds.values()) if payment is None else payment.refunds
        return self._page(request, [self._answers.refund(refund) for refund in reversed(found)])

    def _list_disputes(self, request: SandboxRequest) -> Json:
        """Disputes, the newest first, those of one payment or charge if asked."""
        asked = self._listed_of(request)
        of = list(self.ledger.payments.values()) if asked is None else [asked]
        found = [self._answers.dispute(dispute) for payment in of for dispute in disputes_of(payment)]
        return self._page(request, sorted(found, key=lambda dispute: str(dispute["id"]), reverse=True))

    def _list_sessions(self, request: SandboxRequest) -> Json:
        """Checkout sessions, the newest first, those of one PaymentIntent if asked."""
        asked = self._listed_of(request, _SESSION_LIST_FIELDS)
        found = [
            self._answers.session(name, payments[0] if payments else None, self._now())
            for name, payments in reversed(self.ledger.orders.items())
            if asked is None or asked in payments
        ]
        return self._page(request, found)

    def _listed_of(self, request: SandboxRequest, known: Collection[str] = _LIST_FIELDS) -> SandboxPayment | None:
        """The payment that a list is to be of; ``known`` are the parameters that the list has."""
        query = request.query
        for name in query:
            if name.partition("[")[0] not in known:
                raise _Refused(400, f"Received unknown parameter: {name}", code="parameter_unknown", param=name)
        for name, prefixes in (("charge", ("ch_", "py_")), ("payment_intent", ("pi_",))):
            if name in query:
                return self._payment(query[name], prefixes, name)
        return None

    def _page(self, request: SandboxRequest, found: list[Json]) -> Json:
        """A page of a list, behind the one that is named in ``starting_after``."""
        if "starting_after" in request.query:
            last = request.query["starting_after"]
            ids = [one["id"] for one in found]
            if last not in ids:
                raise _missing(request.path.rpartition("/")[2].removesuffix("s"), last)
            found = found[ids.index(last) + 1 :]
        asked = request.query.get("limit", "10")
        if not (asked.isascii() and asked.isdigit() and 1 <= int(asked) <= 100):
            raise _Refused(400, f"Invalid integer: {asked}", code="parameter_invalid_integer", param="limit")
        return page(found, request.path, limit=int(asked))

    # --- refunds --------------------------------------------------------------------------------------------

    def _asked_refund(self, form: list[tuple[str, str]]) -> SandboxRefund:
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
        amount = payment.left if given is None else _amount(given, payment.amount.currency)
        self._check_amount(payment, amount)
        return self.make_refund(payment, amount, {"reason": fields.get("reason"), "metadata": _metadata(form)})

    def _check_amount(self, payment: SandboxPayment, amount: Money) -> None:
        name = charge_of(payment)
        if payment.status != "succeeded":
            # what Stripe answers here is not known but for the kind; it certainly refuses
            raise _Refused(400, f"{payment.id} does not have a successful charge to refund.", begun=True)
        if _stands_in_the_way(payment):
            message = f"Charge {name} has been charged back; cannot issue a refund."
            raise _Refused(400, message, begun=True, code="charge_disputed")
        if not payment.left:
            message = f"Charge {name} has already been refunded."
            raise _Refused(400, message, begun=True, code="charge_already_refunded")
        if amount > payment.left:
            whole = payment.left == payment.amount
            raise _Refused(
                400,
                f"Refund amount ({_shown(amount)}) is greater than "
                f"{'charge amount' if whole else 'unrefunded amount on charge'} ({_shown(payment.left)})",
                begun=True,
                param="amount",
                **({"code": self.code_of_too_much} if self.code_of_too_much else {}),
            )

    def refundable(self, payment: SandboxPayment) -> Money:
        """What is left of a payment that succeeded and that no dispute stands in the way of."""
        can = payment.status == "succeeded" and not _stands_in_the_way(payment)
        return payment.left if can else Money.zero(payment.amount.currency)

    def standing(self, payment: SandboxPayment) -> Text:
        """How a payment is, the last dispute of it first."""
        disputes = disputes_of(payment)
        if disputes:
            return sandbox_dashboard.STATES[disputes[-1].status]
        return super().standing(payment) if payment.status == "succeeded" else sandbox_dashboard.NOT_PAID

    # --- events ---------------------------------------------------------------------------------------------

    def _tell(self, what: str, refund: SandboxRefund) -> None:
        """The events of a change; which there are depends on the version of the webhook endpoint."""
        if what == "created":
            self._event("charge.refunded", self._answers.charge(refund.payment))
        else:
            self._event("charge.refund.updated", self._answers.refund(refund))
        if self.webhook_version >= _ALL_REFUNDS_SINCE:
            self._event(f"refund.{what}", self._answers.refund(refund))

    def _event(self, kind: str, about: Json) -> None:
        event = self._made_event(kind, about)
        self.events.append(event)
        self.untaken.append(_unsigned(event))

    def _made_event(self, kind: str, about: Json) -> Json:
        return {
            "id": self.new_id("evt"),
            "object": "event",
            "api_version": self.webhook_version,
            "created": self._now(),
            "data": {"object": about},
            "livemode": self.mode is Mode.LIVE,
            "pending_webhooks": 1,
            "request": {"id": None, "idempotency_key": None} | self._cause,
            "type": kind,
        }

    # --- finding and naming things ----------------------------------------------------------------------------

    def _paid(self, amount: Money, intent: str, charge: str, *, method: str, status: str) -> SandboxPayment:
        return SandboxPayment(
            id=intent or charge,
            names=(charge,) if intent else (),
            mode=self.mode,
            amount=amount,
            method=method,
            status=status,
            made_at=self.clock.now(),
        )

    def _payment(self, reference: str, prefixes: tuple[str, ...], kind: str) -> SandboxPayment:
        """The payment of a PaymentIntent or a charge, as a request names it."""
        found = self.ledger.find(reference) if reference.startswith(prefixes) else None
        if found is None:
            raise _missing(kind, reference)
        return found

    def _refund(self, reference: str) -> SandboxRefund:
        if reference not in self.ledger.refunds:
            raise _missing("refund", reference)
        return self.ledger.refunds[reference]

    def new_id(self, prefix: str) -> str:
        """Another id; the later one is the greater one."""
        return f"{prefix}_sandbox{next(self._numbers):017d}"

    def _now(self) -> int:
        return int(self.clock.now().timestamp())


def _stands_in_the_way(payment: SandboxPayment) -> bool:
    """Whether a dispute of a payment lets no refund through."""
    return not all(dispute.refundable for dispute in disputes_of(payment))


def _unsigned(event: Json) -> SandboxWebhook:
    return SandboxWebhook(headers={}, body=json.dumps(event, indent=2).encode())


def _amount(given: str, currency: str) -> Money:
    """An amount in Stripe's smallest unit; what is no whole amount of the currency is refused."""
    try:
        amount = from_wire(int(given), currency)
        to_wire(amount)
    except ProviderError:
        raise _Refused(400, f"Invalid integer: {given}", code="parameter_invalid_integer", param="amount") from None
    return amount


def _metadata(form: list[tuple[str, str]]) -> dict[str, str]:
    """``metadata[order]=1`` as ``{"order": "1"}``; an empty value unsets its key."""
    pairs = [(name[len("metadata[") : -1], value) for name, value in form if name.startswith("metadata[")]
    return {name: value for name, value in pairs if value}


def _shown(amount: Money) -> str:
    return f"{_SIGNS.get(amount.currency, amount.currency + ' ')}{amount.decimal}"


def _missing(kind: str, reference: str) -> _Refused:
    return _Refused(404, f"No such {kind}: '{reference}'", code="resource_missing", param="id")


def _unknown_path(request: SandboxRequest) -> _Refused:
    return _Refused(404, f"Unrecognized request URL ({request.method}: {request.path}).")


_: type[PaymentSandbox] = StripeSandbox  # held by the type checker
