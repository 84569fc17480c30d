"""Mollie as a payment provider: refunds by API, and where a person refunds a payment by hand."""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import ClassVar, TypeVar
from urllib.parse import quote

import attrs

from retour import InvalidAmount
from retour.providers import (
    AmountStep,
    Disposition,
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
    Text,
    TextDomain,
    ToFetch,
    VerifiedEvents,
    WebhookTrust,
    read_wire,
    refuse_another,
    refuse_another_refund,
    segment,
    unless_unknown,
)
from retour_mollie import webhooks, wire
from retour_mollie.errors import Call, refusal
from retour_mollie.settings import Settings

_T = TypeVar("_T")
_Page = TypeVar("_Page", wire.RefundPage, wire.ChargebackPage)

text = TextDomain("retour_mollie").text

DASHBOARD = "https://my.mollie.com/dashboard"
"""The same for live and test payments; Mollie takes who is logged in to the right organisation."""

HELP = "https://help.mollie.com/hc/en-us/articles/115000014489"
"""Mollie's help page "How do I refund a payment?"."""


IDEMPOTENCY_WINDOW = datetime.timedelta(hours=1)
"""How long Mollie keeps a key (source/overview/api-idempotency.rst of 2024)."""

LARGEST_PAGE = 250
"""Refunds on one page of a list at most (parameter ``list-limit``)."""

MOST_PAYMENTS = 20
"""Paid payments of an order that are named at most."""

LATE_FAILURE = datetime.timedelta(days=90)
"""How long after a refund succeeded a bank can send the money back. No page of Mollie names a time, so this is declared
as unconfirmed."""

WHOLE_UNITS = (
    AmountStep(currency="HUF", minor_units=100, method="paypal"),
    AmountStep(currency="TWD", minor_units=100, method="paypal"),
)
"""Mollie writes HUF and TWD with two decimals, and rounds them to whole units where the method is PayPal
(source/payments/multicurrency.rst of 2024)."""

WITHOUT_REFUNDS = frozenset({"giftcard", "paysafecard", "voucher"})
"""Methods of which nothing goes back by Mollie (https://docs.mollie.com/docs/refunds), in its own words (schema
``method``)."""

_PAYMENT, _ORDER, _REFUND = (re.compile(f"{prefix}_.+") for prefix in ("tr", "ord", "re"))
"""How Mollie's ids begin, and all that is known of them (schemas ``paymentToken``, ``orderToken``, ``refundToken``)."""

WHY_NOT: Mapping[str, Text] = {
    "authorized": text(
        "the payment is authorised, not paid: capture it first, or release it in the dashboard of Mollie"
    ),
    "paid": text(
        "Mollie cannot refund this payment: it is of a method without refunds, such as a gift card or a voucher"
    ),
}
"""Why Mollie gives no amount that can be refunded, by the payment's status."""

CODES: Mapping[str, ErrorCode] = {"paid": ErrorCode.NOT_REFUNDABLE, "authorized": ErrorCode.NOT_YET}
"""The same in our terms. One that is neither was never paid."""


class Mollie:
    """Payments by Mollie: iDEAL, cards, Bancontact and the rest.

    Any part of a payment can be refunded, but nothing of gift cards, vouchers and paysafecard; the time limit depends
    on the method (`HELP`). A refund waits for two hours, in which it can be cancelled:
    https://help.mollie.com/hc/en-us/articles/360011073860.

    The target of a refund is the payment, ``tr_…``. "Not found" never proves that a refund was not made: nothing says
    how soon a new one is in the list. What a webhook is worth depends on its kind; the classic one, which is all that
    an API key gets, is a hint.
    """

    name: ClassVar = "mollie"
    display_name: ClassVar = "Mollie"
    sandbox: ClassVar[str] = "retour_mollie.sandbox:MollieSandbox"
    api: ClassVar = 2
    settings_type: ClassVar = Settings
    capabilities: ClassVar = PaymentCapabilities(
        refund_page=Support.YES,
        refund_by_api=Support.YES,
        partial_refund=Support.YES,
        refundable=Support.PARTIAL,
        payment_names=Support.YES,
        fetch_refund=Support.YES,
        cancel_refund=Support.YES,
        find_refund=Support.YES,
        list_refunds=Support.YES,
        check_settings=Support.YES,
        webhooks=WebhookTrust.FETCH,
        idempotency=Idempotency(header="Idempotency-Key", window=IDEMPOTENCY_WINDOW),
        late_failure_within=LATE_FAILURE,
        currencies=wire.CURRENCIES,
        steps=WHOLE_UNITS,
        never_refunded=WITHOUT_REFUNDS,
        unconfirmed=frozenset({"late_failure_within"}),
    )

    def __init__(self, settings: Settings, http: ProviderSession) -> None:
        self.settings = settings
        self.http = http

    # --- refunds by API ----------------------------------------------------------------------------------

    def refundable(self, payment: Payment) -> Refundable:
        """What Mollie would still refund of a payment (``tr_…``), or of the one paid payment of an order (``ord_…``).

        The payment's refunds come in the same answer (``embed=refunds``), and its chargebacks in one more, where it has
        some. Of what is no payment there is no target.
        ``remaining`` may be more than was paid, by 25 euros for some methods (create-payment-refund.rst).
        """
        if payment.mode is not self._mode:
            raise ProviderError(
                ErrorCode.CONFIGURATION,
                f"Payment {payment.reference} is a {payment.mode.value} payment, and the key is for "
                f"{self._mode.value} ones. Set a {payment.mode.value} key.",
            )
        reference = payment.reference.strip()
        if reference.startswith("tr_"):
            return self._refundable(reference, payment.captured)
        if reference.startswith("ord_"):
            return self._refundable_of_order(reference, payment.captured)
        return _no_payment(
            payment.captured, f"{reference} is no payment of Mollie: those begin with tr_, its orders with ord_."
        )

    def _refundable(self, target: str, captured: Money, *, order: str = "") -> Refundable:
        """What is left of a payment, which is the only paid one of ``order`` if that is given.

        The order that the answer names is no name of it otherwise: it can have other paid payments.
        """
        found = self._read_payment(target, {"embed": "refunds"})
        refunds = None if found.refunds is None else tuple([self._result(one, target) for one in found.refunds])
        nothing = Money.zero(captured.currency)
        charged_back = self._charged_back(found)
        left = found.left(charged_back)
        code = None
        if found.amount.currency != captured.currency:
            remaining = nothing
            reason = str(
                text(
                    "payment {reference} is in {currency}, and the order says {expected}",
                    reference=target,
                    currency=found.amount.currency,
                    expected=captured.currency,
                )
            )
        elif left is None:
            remaining = nothing
            not_paid = text("the payment is not paid: Mollie calls it {status}", status=found.status)
            reason = str(WHY_NOT.get(found.status, not_paid))
            code = CODES.get(found.status)
        else:
            remaining = left
            reason = "" if remaining.minor > 0 else _nothing_left(charged_back)
            code = ErrorCode.ALREADY_REFUNDED if reason else None
        return Refundable(
            target=target,
            remaining=remaining,
            possible=not reason,
            reason=reason,
            code=code,
            url=found.dashboard,
            names=(target, order) if order else (target,),
            method=found.method or "",
            captured=found.captured,
            charged_back=charged_back,
            refunds=refunds,
        )

    def _charged_back(self, found: wire.Payment) -> Money:
        """What a bank has of a payment: what it took back and did not give back since.

        The chargebacks say which of them were reversed, and are asked for only where there are some. Where they cannot
        be read, or do not explain the total that the payment has, they are not believed for less.
        """
        total = found.charged_back
        if not total:
            return total
        try:
            listed = list(self._chargebacks(found.id) if found.chargebacks is None else found.chargebacks)
            every = sum([one.amount.money for one in listed], Money.zero(total.currency))
            kept = sum([one.amount.money for one in listed if one.reversedAt is None], Money.zero(total.currency))
        except (ProviderError, InvalidAmount):
            return total
        return kept if total in (kept, every) else max(total, kept)

    def _chargebacks(self, target: str) -> Iterator[wire.Chargeback]:
        """The chargebacks of a payment, page by page."""
        path = f"payments/{_payment(target)}/chargebacks"
        for page in self._pages(wire.ChargebackPage, path, Call.PAYMENT):
            for chargeback in page.chargebacks:
                refuse_another("payment", asked=target, found=chargeback.paymentId)
                yield chargeback

    def _refundable_of_order(self, reference: str, captured: Money) -> Refundable:
        """By amount on the order's payment; ``GET /v2/orders`` is not in the description of 2026 any more."""
        order = self._read_order(reference)
        paid = [payment.id for payment in order.paid]
        if len(paid) == 1:
            return self._refundable(paid[0], captured, order=order.id)
        found = f"{len(paid)} paid payments at Mollie: {', '.join(paid)}" if paid else "no paid payment at Mollie"
        return _no_payment(
            captured, f"Order {reference} has {found}. Refund it there, or store a payment (tr_…).", choices=paid
        )

    def payment_names(self, name: str) -> Sequence[str]:
        """The payment (``tr_…``) and the order that it was made for (``ord_…``); of an order its paid payments."""
        return unless_unknown(partial(self._names, name.strip())) or ()

    def _names(self, name: str) -> Sequence[str]:
        if name.startswith("ord_"):
            order = self._read_order(name)
            return [order.id, *[payment.id for payment in order.paid[:MOST_PAYMENTS]]]
        payment = self._read_payment(name)
        return [payment.id, payment.orderId] if payment.orderId else [payment.id]

    def _read_payment(self, reference: str, query: Mapping[str, str] | None = None) -> wire.Payment:
        found = self._read(wire.Payment, f"payments/{_payment(reference)}", query)
        wire.of_mode(found.mode, self._mode)
        refuse_another("payment", asked=reference, found=found.id)
        return found

    def _read_order(self, reference: str) -> wire.Order:
        found = self._read(wire.Order, f"orders/{_order(reference)}", {"embed": "payments"})
        wire.of_mode(found.mode, self._mode)
        refuse_another("order", asked=reference, found=found.id)
        return found

    def refund(self, request: RefundRequest) -> RefundResult:
        """Send a refund. A low balance is no refusal: the refund is queued, which is pending with a reason.

        The same amount on the same payment is refused for an hour, also with another key: `DUPLICATE`.
        """
        answer = self.http.write(
            "POST",
            self._url(f"payments/{_payment(request.target)}/refunds"),
            headers=self._headers | {"Idempotency-Key": request.key},
            json_body=wire.refund_body(request, testmode=self._says_testmode),
        )
        if not 200 <= answer.status < 300:
            raise refusal(answer, Call.MAKE)
        made = self._result(read_wire(wire.Refund, answer.json()), request.target)
        refuse_another_refund(made, request)
        return made

    def fetch_refund(self, target: str, reference: str) -> RefundResult:
        """A refund as it is now. A cancelled one may be gone for itself, and is then looked for in the list
        (operation ``get-refund``, 404: "No item with this ID exists, or the refund was canceled")."""
        try:
            found = self._read(
                wire.Refund, f"payments/{_payment(target)}/refunds/{_refund(reference)}", call=Call.REFUND
            )
        except ProviderError as error:
            if error.http_status != 404:
                raise
            return self._listed(target, reference, error)
        refuse_another("refund", asked=reference, found=found.id)
        return self._result(found, target)

    def _listed(self, target: str, reference: str, gone: ProviderError) -> RefundResult:
        for refund in self._walk(target):
            if refund.reference == reference:
                return refund
        raise ProviderError(
            ErrorCode.UNKNOWN_PAYMENT,
            f"Mollie has no refund {reference} on payment {target}: it was cancelled, or never there.",
            disposition=Disposition.RECONCILE,
            provider_code=gone.provider_code,
            http_status=gone.http_status,
        )

    def find_refund(self, request: RefundRequest) -> RefundResult | None:
        """The refund whose metadata holds our id. Mollie has no search: the list is walked until it is there."""
        return next((found for found in self._walk(request.target) if found.refund_id == request.refund_id), None)

    def list_refunds(self, target: str) -> Sequence[RefundResult]:
        """All refunds of a payment, newest first, those of the dashboard and of other systems included."""
        return list(self._walk(target))

    def cancel_refund(self, target: str, reference: str) -> RefundResult:
        """Cancel a refund that waits: queued, or pending for its first two hours (operation ``cancel-refund``).

        It is read before, since it may be gone afterwards (see `fetch_refund`), and cancelling answers nothing.
        """
        before = self.fetch_refund(target, reference)
        if before.status is RefundStatus.CANCELLED:
            return before
        if before.provider_status not in wire.CANCELLABLE:
            raise _too_late(before)
        url = self._url(f"payments/{_payment(target)}/refunds/{_refund(reference)}")
        answer = self.http.write(
            "DELETE", f"{url}?testmode=true" if self._says_testmode else url, headers=self._headers
        )
        if 200 <= answer.status < 300:
            return self._after_cancelling(target, before)
        if answer.status not in (404, 409, 422):
            raise refusal(answer, Call.REFUND)
        now = self.fetch_refund(target, reference)  # it moved on while we asked
        if now.status is RefundStatus.CANCELLED:
            return now
        raise _too_late(now, refusal(answer, Call.REFUND))

    def _after_cancelling(self, target: str, before: RefundResult) -> RefundResult:
        try:
            return self.fetch_refund(target, before.reference)
        except ProviderError as error:
            if error.http_status != 404:
                raise
            return attrs.evolve(before, status=RefundStatus.CANCELLED, provider_status="canceled", reason="")

    def _walk(self, target: str) -> Iterator[RefundResult]:
        """The refunds of a payment, newest first, each once, page by page."""
        seen: set[str] = set()
        for page in self._pages(wire.RefundPage, f"payments/{_payment(target)}/refunds", Call.REFUND):
            for refund in page.refunds:
                if refund.id not in seen:
                    seen.add(refund.id)
                    yield self._result(refund, target)

    def _pages(self, kind: type[_Page], path: str, call: Call) -> Iterator[_Page]:
        """The pages of a list, each of which names the beginning of the next."""
        start: str | None = ""
        begun: set[str] = set()
        while start is not None:
            if start in begun:
                raise ProviderError(ErrorCode.UNREADABLE_ANSWER, "the pages of the list go round in a circle")
            begun.add(start)
            query = {"limit": str(LARGEST_PAGE)} | ({"from": start} if start else {})
            page = self._read(kind, path, query, call=call)
            yield page
            start = page.next

    def _result(self, refund: wire.Refund, target: str) -> RefundResult:
        refuse_another("payment", asked=target, found=refund.paymentId)
        return refund.result(self._mode)

    # --- webhooks and settings ---------------------------------------------------------------------------

    def parse_webhook(self, webhook: RawWebhook) -> VerifiedEvents | ToFetch:
        """A classic webhook names a payment to fetch; a signed one says how a refund is (`webhooks`)."""
        return webhooks.parse(webhook, self.settings.webhook_secrets, self._mode)

    def check_settings(self) -> None:
        """Ask who we are: the profile of an API key, the organisation of a token."""
        if self.settings.mode is None:
            self._read(wire.Organization, "organizations/me", has_testmode=False)
            return
        wire.of_mode(self._read(wire.Profile, "profiles/me").mode, self._mode)

    # --- the calls ---------------------------------------------------------------------------------------

    @property
    def _mode(self) -> Mode:
        return self.settings.mode_used

    @property
    def _says_testmode(self) -> bool:
        """Only a token needs to be told, and must be; with an API key the parameter must not be sent."""
        return self.settings.mode is None and self._mode is Mode.TEST

    @property
    def _headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.settings.api_key.reveal()}", "Accept": "application/hal+json"}

    def _url(self, path: str) -> str:
        return f"{self.settings.api_url.rstrip('/')}/v2/{path}"

    def _read(
        self,
        kind: type[_T],
        path: str,
        query: Mapping[str, str] | None = None,
        *,
        call: Call = Call.PAYMENT,
        has_testmode: bool = True,
    ) -> _T:
        testmode = {"testmode": "true"} if has_testmode and self._says_testmode else {}
        answer = self.http.read(self._url(path), headers=self._headers, query={**(query or {}), **testmode})
        if answer.status != 200:
            raise refusal(answer, call)
        return read_wire(kind, answer.json())

    # --- refunds by hand ---------------------------------------------------------------------------------

    def refund_url(self, request: LinkRequest) -> RefundLink:
        """The page that Mollie itself named for the payment (``_links.dashboard``), if it was read; else that of a
        payment (``tr_…``) or an Orders API order (``ord_…``); for anything else all payments.

        Mollie's own shop modules link to the same pages: ``DashboardUrlProvider`` in mollie/PrestaShop.
        """
        reference = request.payment.reference.strip()
        if reference.startswith("tr_"):
            page = f"payments/{_quoted(reference)}"
            instruction = text(
                "Refund {amount} on the payment's page at Mollie. "
                "Then confirm it here with the reference that Mollie gives the refund.",
                amount=request.amount,
            )
        elif reference.startswith("ord_"):
            page = f"orders/{_quoted(reference)}"
            instruction = text(
                "The link leads to the order at Mollie: refund {amount} on its lines or on its payment. "
                "Then confirm it here with the reference that Mollie gives the refund.",
                amount=request.amount,
            )
        else:
            page = "payments"
            instruction = text(
                "Look up {reference} among the payments at Mollie, or one of {captured}, and refund {amount} there. "
                "Then confirm it here with the reference that Mollie gives the refund.",
                reference=reference,
                captured=request.payment.captured,
                amount=request.amount,
            )
        return RefundLink(
            kind=LinkKind.PROVIDER_PAGE,
            label=text("Refund at Mollie"),
            instruction=instruction,
            url=request.page or f"{DASHBOARD}/{page}",
            help_url=HELP,
        )


def _nothing_left(charged_back: Money) -> str:
    """Why nothing is left of a payment."""
    if charged_back:
        return str(
            text("nothing is left of this payment: the customer's bank took back {amount}", amount=str(charged_back))
        )
    return str(text("everything of this payment was refunded"))


def _no_payment(captured: Money, reason: str, choices: Sequence[str] = ()) -> Refundable:
    """Where there is no one payment to refund."""
    nothing = Money.zero(captured.currency)
    return Refundable(target="", remaining=nothing, possible=False, reason=reason, choices=tuple(choices))


def _too_late(refund: RefundResult, said: ProviderError | None = None) -> ProviderError:
    return ProviderError(
        ErrorCode.TOO_LATE,
        f"Refund {refund.reference} cannot be cancelled any more: Mollie calls it {refund.provider_status}.",
        provider_code=said.provider_code if said else "",
        http_status=said.http_status if said else None,
    )


def _payment(target: str) -> str:
    return segment(target, _PAYMENT, what="payment of Mollie: those begin with tr_")


def _order(reference: str) -> str:
    return segment(reference, _ORDER, what="order of Mollie: those begin with ord_")


def _refund(reference: str) -> str:
    return segment(reference, _REFUND, what="refund of Mollie: those begin with re_")


def _quoted(reference: str) -> str:
    """One part of a page's address, whatever the shop stored."""
    return quote(reference, safe="", errors="replace")
