"""Stripe as a payment provider: refunds by API, and where a person refunds a payment."""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterator, Sequence
from functools import partial
from typing import ClassVar
from urllib.parse import quote

from retour.providers import (
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
    RefundLink,
    RefundRequest,
    RefundResult,
    Support,
    TextDomain,
    ToFetch,
    VerifiedEvents,
    WebhookTrust,
    refuse_another,
    refuse_another_refund,
    segment,
    unless_unknown,
)
from retour_stripe.api import KEY_HEADER, Api
from retour_stripe.disputes import Disputed, read_disputes
from retour_stripe.errors import KEY_WINDOW
from retour_stripe.money import CURRENCIES, STEPS, from_wire, to_wire
from retour_stripe.settings import Settings
from retour_stripe.webhooks import check_signature, read_events
from retour_stripe.wire import REFUND_ID, Charge, CheckoutSession, PaymentIntent, Refund, RefundList, SessionList

text = TextDomain("retour_stripe").text

DASHBOARD = {Mode.LIVE: "https://dashboard.stripe.com", Mode.TEST: "https://dashboard.stripe.com/test"}

HELP = "https://docs.stripe.com/refunds?dashboard-or-api=dashboard"
"""Stripe's page "Refund and cancel payments", opened where it is done in the dashboard."""

LATE_FAILURE = datetime.timedelta(days=90)
"""How long after a refund succeeded a bank can send the money back. No page of Stripe names a time, so this is declared
as unconfirmed."""

_INTENT = "pi_"
_CHARGES = ("ch_", "py_")
_SESSION = "cs_"
_PAYMENTS = (_INTENT, *_CHARGES)
"""A PaymentIntent, a charge, and a charge of a bank method: they share one kind of page."""

_ID = re.compile(r"[0-9A-Za-z_]+")

_LONGEST_METADATA = 500
"""Characters in a value of metadata: https://docs.stripe.com/api/metadata."""

MOST_SESSIONS = 10
"""Checkout sessions of a payment that are named at most; a payment has one."""

_PAGE = 100
_MOST_PAGES = 100


class Stripe:
    """Payments by Stripe.

    Several partial refunds are allowed, up to what was paid (https://docs.stripe.com/refunds); no general time limit
    is known. Nothing says how soon a new refund is listed, so one that is not found may still exist. A refund can be
    cancelled by API while it waits for the consumer only (``POST /v1/refunds/{refund}/cancel``); some card refunds
    can be cancelled in the dashboard for a short time: https://support.stripe.com/questions/canceling-a-refund.
    """

    name: ClassVar = "stripe"
    display_name: ClassVar = "Stripe"
    sandbox: ClassVar[str] = "retour_stripe.sandbox:StripeSandbox"
    api: ClassVar = 2
    settings_type: ClassVar = Settings
    capabilities: ClassVar = PaymentCapabilities(
        refund_page=Support.YES,
        refund_by_api=Support.YES,
        partial_refund=Support.YES,
        refundable=Support.YES,
        payment_names=Support.YES,
        fetch_refund=Support.YES,
        cancel_refund=Support.PARTIAL,
        find_refund=Support.YES,
        list_refunds=Support.YES,
        check_settings=Support.YES,
        webhooks=WebhookTrust.SIGNED,
        idempotency=Idempotency(header=KEY_HEADER, window=KEY_WINDOW),
        late_failure_within=LATE_FAILURE,
        currencies=CURRENCIES,
        steps=STEPS,
        unconfirmed=frozenset({"currencies", "late_failure_within", "steps"}),
    )

    def __init__(self, settings: Settings, http: ProviderSession) -> None:
        self.settings = settings
        self._api = Api(settings, http)

    def refund_url(self, request: LinkRequest) -> RefundLink:
        """The page of the payment that a reference was found to be; else of a payment (``pi_…``, ``ch_…``, ``py_…``);
        for anything else a search in the dashboard.

        That a search takes an object's id and can be linked to: https://docs.stripe.com/dashboard/search. No page
        of Stripe's names an address for a checkout session (``cs_…``), so it is searched for too.
        """
        reference = request.payment.reference.strip()
        quoted = quote(reference, safe="", errors="replace")
        if request.page or reference.startswith(_PAYMENTS):
            page = f"payments/{quoted}"
            instruction = text(
                "Refund {amount} on the payment's page at Stripe. "
                "Then confirm it here with the reference that Stripe gives the refund.",
                amount=request.amount,
            )
        else:
            page = f"search?query={quoted}"
            instruction = text(
                "Open the payment that Stripe's search finds for {reference}, or search for one of {captured}, "
                "and refund {amount} there. "
                "Then confirm it here with the reference that Stripe gives the refund.",
                reference=reference,
                captured=request.payment.captured,
                amount=request.amount,
            )
        return RefundLink(
            kind=LinkKind.PROVIDER_PAGE,
            label=text("Refund at Stripe"),
            instruction=instruction,
            url=request.page or f"{DASHBOARD[_mode(reference, request.payment.mode)]}/{page}",
            help_url=HELP,
        )

    def refundable(self, payment: Payment) -> Refundable:
        """What is left of a payment, captured less refunded (schema ``charge``; its ``refunded`` says only "all") and
        less what was lost in disputes, and its refunds, all in one call (``expand[]``). Only a charge that is
        ``disputed`` takes one call more, for its disputes.

        The target is what the shop stored, a PaymentIntent or a charge; of a checkout session its PaymentIntent.
        """
        reference = payment.reference.strip()
        mode = _mode(reference, payment.mode)
        if mode is not self.settings.mode:
            raise ProviderError(
                ErrorCode.CONFIGURATION, f"the payment is of {mode} mode, and the key of {self.settings.mode} mode"
            )
        target, charge, reason = self._charge(reference)
        captured, charged_back, remaining, code = None, None, Money.zero(payment.captured.currency), None
        undecided = False
        if charge is not None:
            captured = from_wire(charge.amount_captured, charge.currency)
            disputed = self._disputed(charge)
            charged_back, undecided = disputed.charged_back, disputed.undecided
            gone = from_wire(charge.amount_refunded, charge.currency) + (charged_back or Money.zero(captured.currency))
            remaining = max(captured - gone, Money.zero(captured.currency))
            code = disputed.code if not reason else None
            reason = reason or disputed.reason or _why_not(charge, remaining, payment)
        return Refundable(
            target=target,
            remaining=remaining,
            possible=not reason,
            reason=reason,
            code=code or _CODES.get(reason),
            disputed=undecided,
            url=f"{DASHBOARD[self.settings.mode]}/payments/{target}" if target else "",
            names=_names(target, charge, reference),
            captured=captured,
            charged_back=charged_back,
            refunds=_all_refunds(charge, target),
        )

    def payment_names(self, name: str) -> Sequence[str]:
        """The PaymentIntent, its charge, and the checkout sessions that it was paid with."""
        return unless_unknown(partial(self._every_name, name.strip())) or ()

    def _every_name(self, name: str) -> Sequence[str]:
        target, charge, _ = self._charge(name)
        known = _names(target, charge, name)
        intent = next((one for one in known if one.startswith(_INTENT)), "")
        return known if name.startswith(_SESSION) or not intent else (*known, *self._sessions(intent))

    def _sessions(self, intent: str) -> Sequence[str]:
        """The checkout sessions of a payment; none where a restricted key may not read them, which says nothing
        against the other names."""
        query = {"payment_intent": intent, "limit": str(MOST_SESSIONS)}
        try:
            found = self._api.get(SessionList, "checkout/sessions", query).data
        except ProviderError as error:
            if error.http_status != 403 or error.code is not ErrorCode.AUTHENTICATION:
                raise
            return ()
        for session in found:
            self._check_mode(session.livemode)
            refuse_another("payment", asked=intent, found=session.payment_intent or "")
        return [session.id for session in found[:MOST_SESSIONS]]

    def refund(self, request: RefundRequest) -> RefundResult:
        """Send a refund. Stripe shows no text of ours to the consumer, so ``description`` stays here.

        The reason is never ``fraudulent``, which also blocks the consumer's card and mail address (``PostRefunds``).
        """
        form = {
            "amount": str(to_wire(request.amount)),
            "metadata[order_id]": request.order_id.encode("utf-8", "replace").decode()[:_LONGEST_METADATA],
            f"metadata[{REFUND_ID}]": request.refund_id,
            "reason": "requested_by_customer",
        } | _selector(request.target)
        made = self._api.post(Refund, "refunds", form, key=request.key).result(request.target)
        refuse_another_refund(made, request)  # it has no currency of its own: Stripe takes the payment's
        return made

    def fetch_refund(self, target: str, reference: str) -> RefundResult:
        """The refund as it is now; one of another payment is unknown."""
        refund = self._api.get(Refund, f"refunds/{_id(reference.strip())}")
        if target not in refund.targets:
            said = refund.payment_intent if target.startswith(_INTENT) else refund.charge
            code = ErrorCode.UNKNOWN_PAYMENT if said else ErrorCode.UNREADABLE_ANSWER
            raise ProviderError(code, f"{refund.id} is a refund of {said or 'a payment that it does not name'}")
        return _of(refund, target, reference)

    def find_refund(self, request: RefundRequest) -> RefundResult | None:
        """The refund whose metadata holds our id."""
        found = (refund for refund in self._refunds(request.target) if refund.refund_id == request.refund_id)
        return next(found, None)

    def list_refunds(self, target: str) -> tuple[RefundResult, ...]:
        """All refunds of the payment or charge, the newest first."""
        return tuple(self._refunds(target))

    def cancel_refund(self, target: str, reference: str) -> RefundResult:
        """Cancel a refund that waits for the consumer (``requires_action``); Stripe refuses it for all others."""
        self.fetch_refund(target, reference)
        return _of(self._api.post(Refund, f"refunds/{_id(reference.strip())}/cancel", {}), target, reference)

    def parse_webhook(self, webhook: RawWebhook) -> VerifiedEvents | ToFetch:
        """Check the signature over the raw body, then read what it says of refunds."""
        check_signature(webhook, self.settings.webhook_secrets, now=datetime.datetime.now(datetime.UTC))
        return read_events(webhook.body, self.settings.mode)

    def check_settings(self) -> None:
        """List one refund: a restricted key that may not do that can do nothing for us."""
        self._api.get(RefundList, "refunds", {"limit": "1"})

    def _charge(self, reference: str) -> tuple[str, Charge | None, str]:
        """The target, its charge if it has one, and why it cannot be refunded, if it cannot; no target where there is
        no payment."""
        if reference.startswith(_SESSION):
            expanded = {"expand[]": "payment_intent.latest_charge.refunds"}
            session = self._api.get(CheckoutSession, f"checkout/sessions/{_id(reference)}", expanded)
            self._check_mode(session.livemode)
            refuse_another("checkout session", asked=reference, found=session.id)
            if session.payment_intent is None:
                return "", None, "the checkout session has no payment"
            return self._charge_of(session.payment_intent)
        if reference.startswith(_INTENT):
            expanded = {"expand[]": "latest_charge.refunds"}
            intent = self._api.get(PaymentIntent, f"payment_intents/{_id(reference)}", expanded)
            refuse_another("payment", asked=reference, found=intent.id)
            return self._charge_of(intent)
        if reference.startswith(_CHARGES):
            charge = self._api.get(Charge, f"charges/{_id(reference)}", {"expand[]": "refunds"})
            self._check_mode(charge.livemode)
            refuse_another("charge", asked=reference, found=charge.id)
            return charge.id, charge, ""
        raise ProviderError(
            ErrorCode.UNKNOWN_PAYMENT, "the reference is no payment (pi_), charge (ch_, py_) or checkout session (cs_)"
        )

    def _charge_of(self, intent: PaymentIntent) -> tuple[str, Charge | None, str]:
        charge = intent.latest_charge
        self._check_mode(intent.livemode)
        if charge is not None:
            self._check_mode(charge.livemode)
            refuse_another("payment", asked=intent.id, found=charge.payment_intent or "")
        unpaid = intent.status != "succeeded" or charge is None
        return intent.id, charge, _NOT_PAID.get(intent.status, "it is not paid") if unpaid else ""

    def _disputed(self, charge: Charge) -> Disputed:
        """What the disputes of a charge say, which are asked for only where it has some."""
        if charge.disputed:
            return read_disputes(self._api, charge, self.settings.mode)
        return Disputed(charged_back=Money.zero(charge.currency.upper()))

    def _refunds(self, target: str) -> Iterator[RefundResult]:
        """All refunds of a payment or charge, page by page."""
        query = {**_selector(target), "limit": str(_PAGE)}
        for _ in range(_MOST_PAGES):
            page = self._api.get(RefundList, "refunds", query)
            for refund in page.data:
                yield _on(refund, target)
            if not page.has_more:
                return
            if not page.data or page.data[-1].id == query.get("starting_after"):
                break
            query["starting_after"] = page.data[-1].id
        raise ProviderError(ErrorCode.UNREADABLE_ANSWER, "the list of refunds has no end")

    def _check_mode(self, livemode: bool) -> None:
        """Never take an object of the other mode for ours."""
        if livemode is not (self.settings.mode is Mode.LIVE):
            raise ProviderError(ErrorCode.CONFIGURATION, f"Stripe's answer is not of {self.settings.mode} mode")


_ALL_REFUNDED, _LOST = (
    str(text("everything is refunded")),
    str(text("everything is refunded, or was lost in a dispute")),
)
_NOT_CAPTURED = "it is authorised and not captured: cancel the payment instead"
_CODES = {
    _ALL_REFUNDED: ErrorCode.ALREADY_REFUNDED,
    _LOST: ErrorCode.ALREADY_REFUNDED,
    _NOT_CAPTURED: ErrorCode.NOT_YET,
}
"""Why a payment cannot be refunded, in our terms."""

_NOT_PAID = {
    "requires_capture": _NOT_CAPTURED,
    "processing": "it is still being paid",
    "canceled": "the payment was cancelled",
}
"""Why a PaymentIntent cannot be refunded, by its status (schema ``payment_intent``)."""


def _why_not(charge: Charge, remaining: Money, payment: Payment) -> str:
    """Why a charge cannot be refunded; empty when it can."""
    if charge.status != "succeeded" or not charge.captured:
        return str(text("the charge is not paid, or not captured"))
    if charge.refunded or remaining.minor <= 0:
        return _LOST if charge.disputed else _ALL_REFUNDED
    if remaining.currency != payment.captured.currency:
        return str(
            text(
                "Stripe has this payment in {currency}, the order in {expected}",
                currency=remaining.currency,
                expected=payment.captured.currency,
            )
        )
    return ""


def _names(target: str, charge: Charge | None, reference: str) -> tuple[str, ...]:
    """The names of a payment that one answer holds, ``reference`` among them, which it was found by."""
    named = (target, charge.payment_intent, charge.id, reference) if charge is not None else (target, reference)
    return tuple(dict.fromkeys([name for name in named if name]))


def _all_refunds(charge: Charge | None, target: str) -> tuple[RefundResult, ...] | None:
    """The refunds that came with a charge; None where those are not all. What has no charge has no refunds."""
    if charge is None:
        return ()
    if charge.refunds is None or charge.refunds.has_more:
        return None
    return tuple([_on(refund, target) for refund in charge.refunds.data])


def _on(refund: Refund, target: str) -> RefundResult:
    """A refund from the list of a payment, and of no other."""
    refuse_another("payment", asked=target, found=refund.targets)
    return refund.result(target)


def _of(refund: Refund, target: str, reference: str) -> RefundResult:
    """The refund that was asked for, and never another of the same payment."""
    refuse_another("refund", asked=reference.strip(), found=refund.id)
    return refund.result(target)


def _id(reference: str) -> str:
    return segment(reference, _ID, what="id of Stripe: those are letters, digits and underscores")


def _selector(target: str) -> dict[str, str]:
    """The parameter that names what is refunded: ``payment_intent`` or ``charge``."""
    if target.startswith(_INTENT):
        return {"payment_intent": target}
    if target.startswith(_CHARGES):
        return {"charge": target}
    raise ProviderError(ErrorCode.UNKNOWN_PAYMENT, "a refund is made on a payment (pi_) or a charge (ch_, py_)")


def _mode(reference: str, stored: Mode) -> Mode:
    """The mode of a payment: a checkout session's id says it itself, for the others the shop does."""
    return next((mode for mode in Mode if reference.startswith(f"cs_{mode.value}_")), stored)
