"""PayPal as a payment provider: refunds by its API, and where a person refunds a payment by hand."""

from __future__ import annotations

import datetime
import re
from collections.abc import Callable, Sequence
from functools import partial
from typing import ClassVar

from retour.providers import (
    AmountStep,
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
    RefundStatus,
    Support,
    TextDomain,
    ToFetch,
    VerifiedEvents,
    WebhookTrust,
    read_wire,
    refuse_another,
    segment,
    unless_unknown,
)
from retour_paypal.api import Api
from retour_paypal.disputes import DISPUTED, charged_back, in_the_way, not_shown, why_in_the_way
from retour_paypal.settings import Settings
from retour_paypal.webhooks import Webhooks, read_event
from retour_paypal.wire import CURRENCIES, WireCapture, WireOrder, WireRefund, read_money, refund_body

text = TextDomain("retour_paypal").text

ACTIVITY = {Mode.LIVE: "https://www.paypal.com/activity", Mode.TEST: "https://www.sandbox.paypal.com/activity"}

HELP = "https://www.paypal.com/mt/cshelp/article/how-do-i-issue-a-refund-help101"
"""PayPal's help page "How do I issue a refund?"."""

IDEMPOTENCY = Idempotency(header="PayPal-Request-Id", window=datetime.timedelta(days=45))
"""Payments v2 keeps a request's id for 45 days (parameter ``paypal_request_id`` of its description)."""

LATE_FAILURE = datetime.timedelta(days=90)
"""How long after a refund succeeded a bank can send the money back. No page of PayPal names a time, so this is declared
as unconfirmed."""

WHOLE_UNITS = tuple([AmountStep(currency=currency, minor_units=100) for currency in ("HUF", "TWD")])
"""PayPal takes no decimals of these (https://developer.paypal.com/docs/api/reference/currency-codes/); JPY has none."""

_ID = re.compile(r"[A-Z0-9]{1,20}")
"""The shape of a capture's and of an order's id alike: ``related_ids`` in PayPal's description of Payments v2."""

_PATH_ID = re.compile(r"[A-Z0-9]{1,36}")
"""What may become part of an address of the API: parameter ``id`` in PayPal's description of Orders v2."""

MOST_CAPTURES = 20
"""Captures of an order that are named at most."""

_REFUNDABLE = ("COMPLETED", "PARTIALLY_REFUNDED")

_NEVER_REFUNDED = ("COMPLETED", "PENDING", "DECLINED", "FAILED")
"""The statuses of a capture of which nothing was refunded (schema ``capture_status``)."""

_NOT_PAID = ("DECLINED", "FAILED")
"""The statuses of a capture that is no payment."""

_WHY_NOT = {
    "PENDING": text("PayPal has not received this payment yet: it can be refunded once it is completed"),
    "DECLINED": text("this payment was declined"),
    "FAILED": text("this payment failed"),
    "REFUNDED": text("this payment is refunded in full"),
}
"""Why a capture in this status (schema ``capture_status``) has nothing to refund."""

_CODES = {
    "PENDING": ErrorCode.NOT_YET,
    "REFUNDED": ErrorCode.ALREADY_REFUNDED,
}
"""The same in our terms, where we have one."""


class PayPal:
    """Payments by PayPal.

    A payment can be refunded for 180 days, in parts too, but only whole while a dispute is open; a refund cannot be
    taken back (`HELP`, and https://developer.paypal.com/docs/api/payments/v2/).

    A refund is made on a capture, so ``target`` is always a capture's id. PayPal has no call that lists refunds: they
    stand in the order of the capture, and not every capture says which order it is of. So `list_refunds` is partial, as
    is `payment_names`, and a refund that `find_refund` does not find may have been made all the same.
    """

    name: ClassVar = "paypal"
    display_name: ClassVar = "PayPal"
    sandbox: ClassVar[str] = "retour_paypal.sandbox:PayPalSandbox"
    api: ClassVar = 2
    settings_type: ClassVar = Settings
    capabilities: ClassVar = PaymentCapabilities(
        refund_page=Support.YES,
        refund_by_api=Support.YES,
        partial_refund=Support.YES,
        refundable=Support.PARTIAL,
        payment_names=Support.PARTIAL,
        fetch_refund=Support.YES,
        cancel_refund=Support.PROVIDER_CANNOT,
        find_refund=Support.PARTIAL,
        list_refunds=Support.PARTIAL,
        check_settings=Support.YES,
        webhooks=WebhookTrust.SIGNED,
        refund_window_days=180,
        idempotency=IDEMPOTENCY,
        late_failure_within=LATE_FAILURE,
        currencies=CURRENCIES,
        steps=WHOLE_UNITS,
        unconfirmed=frozenset({"late_failure_within"}),
    )

    def __init__(self, settings: Settings, http: ProviderSession) -> None:
        self.settings = settings
        self.http = http
        self._api = Api(settings, http)
        self._webhooks = Webhooks(settings, http, self._api)

    def refundable(self, payment: Payment) -> Refundable:
        """Ask PayPal for the capture and its refunds: both stand in the order, which not every capture names. What the
        capture says is given also where its refunds cannot be read.

        Raises `ProviderError` (configuration) for a payment of the other environment: its ids mean nothing here.
        """
        if payment.mode is not self.settings.mode:
            raise ProviderError(
                ErrorCode.CONFIGURATION,
                f"a {payment.mode} payment, and the settings of PayPal are of its {self.settings.environment}"
                " environment",
            )
        kind, reference = self._read(payment.reference)
        if kind == "order":
            order = self._order(reference)
            captures = _captures(order)
            if len(captures) == 1:
                return self._left(captures[0], _or_none(partial(self._refunds_in, order, captures[0].id)))
            return Refundable(
                target="",
                remaining=Money.zero(payment.captured.currency),
                possible=False,
                reason=_why_none(order, captures),
                choices=tuple([capture.id for capture in captures]),
            )
        capture = self._capture(reference)
        return self._left(capture, _or_none(partial(self._refunds_of, capture)))

    def payment_names(self, name: str) -> Sequence[str]:
        """The capture and its order, each as its bare id and with the word before it, since a shop can have stored
        either; of an order its captures.

        A bare id is looked for among the captures first, whatever the shop stores: webhooks name those.
        """
        kind, reference = _spelled(name)
        asked = {"capture": [self._names_of_capture], "order": [self._names_of_order]}
        for ask in asked.get(kind, [self._names_of_capture, self._names_of_order]):
            found = unless_unknown(partial(ask, reference))
            if found is not None:
                return found
        return ()

    def _names_of_capture(self, reference: str) -> Sequence[str]:
        capture = self._capture(reference)
        return [*_spellings("capture", capture.id), *(_spellings("order", capture.order) if capture.order else ())]

    def _names_of_order(self, reference: str) -> Sequence[str]:
        order = self._order(reference)
        tried = [capture.id for capture in order.captures if capture.status not in _NOT_PAID]
        named = [name for capture in tried[:MOST_CAPTURES] for name in _spellings("capture", capture)]
        return [*_spellings("order", order.id), *named]

    def refund(self, request: RefundRequest) -> RefundResult:
        """Send a refund of an explicit amount (``captures.refund``), recognised by ``PayPal-Request-Id``.

        PayPal answers a repeat of the request with the refund as it is by then, whether 200 or 201.
        """
        path = f"/v2/payments/captures/{_id(request.target)}/refund"
        headers = {IDEMPOTENCY.header: request.key, "Prefer": "return=representation"}
        made = read_wire(WireRefund, self._api.write(path, refund_body(request), headers).json())
        if made.amount is None:
            made = self._complete(made)
        if made.capture:
            refuse_another("capture", asked=request.target, found=made.capture)
        result = made.result()
        if result.amount != request.amount or result.refund_id not in ("", request.refund_id):
            raise ProviderError(
                ErrorCode.KEY_REUSED,
                f"PayPal answered with refund {result.reference} of {result.amount}, which is not the one we sent",
            )
        return result

    def fetch_refund(self, target: str, reference: str) -> RefundResult:
        """The refund as PayPal has it now; raises `ProviderError` where it is one of another capture."""
        refund = self._refund(reference)
        if refund.capture not in ("", target):
            raise ProviderError(
                ErrorCode.UNKNOWN_PAYMENT, f"refund {reference} is of capture {refund.capture}, not of {target}"
            )
        return refund.result()

    def find_refund(self, request: RefundRequest) -> RefundResult | None:
        """The refund whose ``custom_id`` is our id, among those of the capture's order.

        None proves nothing: PayPal does not promise that an order shows a refund at once, and where a capture does not
        name its order, nothing can be looked through.
        """
        found = self._refunds(request.target)
        return next((refund for refund in found or () if refund.refund_id == request.refund_id), None)

    def list_refunds(self, target: str) -> Sequence[RefundResult]:
        """The refunds in the order of the capture, made here or at PayPal.

        Raises `ProviderError` where the capture is called refunded and does not name its order: PayPal shows its
        refunds nowhere then, and while a dispute is open there may be none.
        """
        capture = self._capture(target)
        found = self._refunds_of(capture)
        if found is None:
            raise not_shown(capture)
        return found

    def cancel_refund(self, target: str, reference: str) -> RefundResult:
        """PayPal has no such call (`HELP`): always raises `ProviderError`."""
        raise ProviderError(
            ErrorCode.NOT_REFUNDABLE, f"PayPal cannot take back a refund: {reference} of {target} stays as it is"
        )

    def parse_webhook(self, webhook: RawWebhook) -> VerifiedEvents | ToFetch:
        """Check the signature over the raw bytes, then read the event.

        Raises `WebhookRejected`; `ProviderError` where PayPal could not be asked for what the check needs, so that
        the webhook should come again.
        """
        self._webhooks.check(webhook)
        return read_event(webhook.body)

    def check_settings(self) -> None:
        """Ask for a new access token: shows that the credentials are right and of this environment."""
        self._api.renew()

    def refund_url(self, request: LinkRequest) -> RefundLink:
        """The page of a capture, or of the one that an order was found to have; else all activity of the account.

        The pages are those of woocommerce/woocommerce-paypal-payments, ``TransactionUrlProvider``. An order's id
        leads a merchant nowhere: https://github.com/solidusio/solidus_paypal_commerce_platform/issues/69.
        """
        url = ACTIVITY[request.payment.mode]
        kind, reference = self._read(request.payment.reference)
        if request.page or (kind == "capture" and _ID.fullmatch(reference)):
            url = request.page or f"{url}/payment/{reference}"
            instruction = text(
                "Refund {amount} on the payment's page at PayPal. "
                "Then confirm it here with the transaction ID that PayPal gives the refund.",
                amount=request.amount,
            )
        else:
            instruction = text(
                "PayPal has no page for {reference}: find its payment of {captured} in your activity, by date or "
                "customer, and refund {amount} there. "
                "Then confirm it here with the transaction ID that PayPal gives the refund.",
                reference=reference,
                captured=request.payment.captured,
                amount=request.amount,
            )
        return RefundLink(
            kind=LinkKind.PROVIDER_PAGE,
            label=text("Refund at PayPal"),
            instruction=instruction,
            url=url,
            help_url=HELP,
        )

    def _refunds(self, target: str) -> tuple[RefundResult, ...] | None:
        """The refunds of a capture; None where there are some and PayPal shows them nowhere."""
        return self._refunds_of(self._capture(target))

    def _refunds_of(self, capture: WireCapture) -> tuple[RefundResult, ...] | None:
        if capture.order:
            return self._refunds_in(self._order(capture.order), capture.id)
        return () if capture.status in _NEVER_REFUNDED else None

    def _refunds_in(self, order: WireOrder, capture: str) -> tuple[RefundResult, ...]:
        """The refunds of one capture of an order. One that the order does not show whole is read by itself: without
        an amount or an id, which may be ours, or without its capture where there are several."""
        alone = [one.id for one in order.captures] == [capture]
        found = []
        for refund in order.refunds:
            if refund.capture not in ("", capture):
                continue
            whole = refund.amount and refund.custom_id and (refund.capture or alone)
            read = refund if whole else self._refund(refund.id)
            if read.capture == capture or (alone and not read.capture):
                found.append(read.result())
        return tuple(found)

    def _left(self, capture: WireCapture, refunds: tuple[RefundResult, ...] | None) -> Refundable:
        """What is left of a capture: its amount less its refunds and what was charged back, since PayPal has no field
        for it."""
        paid = read_money(capture.amount)
        left = paid.minor if capture.status != "REFUNDED" else 0
        for refund in refunds or ():
            if refund.amount.currency != paid.currency:
                raise ProviderError(ErrorCode.UNREADABLE_ANSWER, f"refund {refund.reference} is not in {paid.currency}")
            if refund.status in (RefundStatus.SUCCEEDED, RefundStatus.PENDING):
                left -= refund.amount.minor
        taken = charged_back(capture, paid)
        left -= taken.minor if taken is not None else 0
        reason = in_the_way(capture, refunds)
        code = why_in_the_way(capture) if reason else _CODES.get(capture.status)
        if not reason and capture.status not in _REFUNDABLE:
            called = text("PayPal says {status} of this payment", status=capture.status)
            reason = str(_WHY_NOT.get(capture.status, called))
        return Refundable(
            target=capture.id,
            remaining=Money(minor=max(left, 0), currency=paid.currency),
            possible=not reason,
            names=(capture.id,),
            captured=paid,
            charged_back=taken,
            refunds=refunds,
            url=f"{ACTIVITY[self.settings.mode]}/payment/{capture.id}",
            reason=reason,
            code=code if reason else None,
            disputed=capture.reason == DISPUTED,
            only_whole=capture.reason == DISPUTED,
        )

    def _complete(self, made: WireRefund) -> WireRefund:
        """The whole of a refund that was just made; where that cannot be read, its outcome is unclear."""
        try:
            return self._refund(made.id)
        except ProviderError as error:
            raise ProviderError(
                ErrorCode.UNREADABLE_ANSWER, f"refund {made.id} was made, and could not be read: {error.message}"
            ) from error

    def _capture(self, reference: str) -> WireCapture:
        capture = read_wire(WireCapture, self._api.read(f"/v2/payments/captures/{_id(reference)}").json())
        refuse_another("capture", asked=reference, found=capture.id)
        return capture

    def _order(self, reference: str) -> WireOrder:
        order = read_wire(WireOrder, self._api.read(f"/v2/checkout/orders/{_id(reference)}").json())
        refuse_another("order", asked=reference, found=order.id)
        return order

    def _refund(self, reference: str) -> WireRefund:
        refund = read_wire(WireRefund, self._api.read(f"/v2/payments/refunds/{_id(reference)}").json())
        refuse_another("refund", asked=reference, found=refund.id)
        return refund

    def _read(self, stored: str) -> tuple[str, str]:
        """What a stored reference is, a capture or an order, and its id; ``order:5O190127TN364715T`` says it itself."""
        kind, reference = _spelled(stored)
        return kind or self.settings.reference_is, reference


def _or_none(read: Callable[[], tuple[RefundResult, ...] | None]) -> tuple[RefundResult, ...] | None:
    """The refunds of a capture; None where they cannot be read: `list_refunds` says why."""
    try:
        return read()
    except ProviderError:
        return None


def _spelled(stored: str) -> tuple[str, str]:
    """Which word stands before a stored reference, if one does, and its id as PayPal writes it: an id in small letters
    can only mean the one in capitals (`_ID`)."""
    word, _, rest = stored.partition(":")
    kind = word.strip().lower()
    kind, reference = (kind, rest) if kind in ("capture", "order") else ("", stored)
    reference = reference.strip()
    return kind, reference.upper() if reference.isascii() else reference


def _spellings(kind: str, reference: str) -> tuple[str, str]:
    """How a shop can have stored an id."""
    return reference, f"{kind}:{reference}"


def _id(reference: str) -> str:
    return segment(reference, _PATH_ID, what="id of PayPal: those are capitals and digits")


def _captures(order: WireOrder) -> tuple[WireCapture, ...]:
    """The captures of an order that can be meant: those that can be refunded, else those that were, else those that may
    come in, else the last try."""
    for statuses in (_REFUNDABLE, ("REFUNDED",), ("PENDING",)):
        found = tuple([capture for capture in order.captures if capture.status in statuses])
        if found:
            return found
    return order.captures[-1:]


def _why_none(order: WireOrder, captures: Sequence[WireCapture]) -> str:
    """Why there is no telling what to refund of an order."""
    if captures:
        return str(
            text(
                "this order was paid in several captures, {captures}: store the id of the one as the payment's "
                "reference",
                captures=[capture.id for capture in captures],
            )
        )
    if any(payments.authorizations for payments in order.payments):
        return str(
            text("this order was authorised and not captured: void the authorisation at PayPal, nothing was paid")
        )
    return str(text("this order was not paid"))
