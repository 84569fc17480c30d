"""The provider that answers at once, as a plugin of retour: it declares what those of Mollie, Stripe and PayPal do."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from typing import Any, ClassVar

import attrs

from benchmarks.whole_return.provider import InstantProvider, Made
from retour import hookimpl
from retour.providers import (
    ErrorCode,
    Idempotency,
    LinkKind,
    LinkRequest,
    Money,
    Payment,
    PaymentCapabilities,
    ProviderError,
    ProviderSession,
    Refundable,
    RefundLink,
    RefundRequest,
    RefundResult,
    RefundStatus,
    Support,
    TextDomain,
)

text = TextDomain("retour_instant").text

PROVIDER = "instant"
"""What the shop's payments call it."""


@attrs.frozen(kw_only=True)
class Settings:
    """It needs none."""


class InstantPlugin:
    """Hands over the provider with its books."""

    name = PROVIDER

    def __init__(self, books: InstantProvider) -> None:
        self._books = books

    @hookimpl
    def payment_providers(self) -> Sequence[type[Any]]:
        """The provider, as a class with these books."""
        return [type("Instant", (_Instant,), {"books": self._books})]


_CURRENCY = "EUR"


class _Instant:
    """Refunds by API in this process."""

    name: ClassVar[str] = PROVIDER
    display_name: ClassVar[str] = "Instant"
    api: ClassVar[int] = 2
    settings_type: ClassVar[type[Any]] = Settings
    capabilities: ClassVar[PaymentCapabilities] = PaymentCapabilities(
        refund_page=Support.PROVIDER_CANNOT,
        refund_by_api=Support.YES,
        partial_refund=Support.YES,
        refundable=Support.YES,
        find_refund=Support.YES,
        fetch_refund=Support.YES,
        list_refunds=Support.YES,
        idempotency=Idempotency(header="Idempotency-Key", window=datetime.timedelta(hours=24)),
        late_failure_within=datetime.timedelta(days=90),
    )
    books: ClassVar[InstantProvider]

    def __init__(self, settings: Settings, http: ProviderSession) -> None:
        """Nothing to keep: it has no settings and no network."""

    def refundable(self, payment: Payment) -> Refundable:
        """What is left, and all that was refunded."""
        made = self.books.refunds(payment.reference)
        captured = self.books.captured(payment.reference)
        return Refundable(
            target=payment.reference,
            remaining=Money(minor=captured - sum(one.amount for one in made), currency=_CURRENCY),
            names=(payment.reference,),
            captured=Money(minor=captured, currency=_CURRENCY),
            refunds=tuple([_result(one) for one in made]),
        )

    def refund(self, request: RefundRequest) -> RefundResult:
        """Make it."""
        return _result(self.books.refund(request.target, request.amount.minor, request.key, request.refund_id))

    def find_refund(self, request: RefundRequest) -> RefundResult | None:
        """The refund that carries our id."""
        made = self.books.refunds(request.target)
        return next((_result(one) for one in made if one.note == request.refund_id), None)

    def fetch_refund(self, target: str, reference: str) -> RefundResult:
        """The refund as it was made: nothing becomes of it any more."""
        for one in self.list_refunds(target):
            if one.reference == reference:
                return one
        raise ProviderError(ErrorCode.UNKNOWN_PAYMENT, f"there is no refund {reference}")

    def list_refunds(self, target: str) -> Sequence[RefundResult]:
        """All refunds of a payment."""
        return [_result(one) for one in self.books.refunds(target)]

    def refund_url(self, request: LinkRequest) -> RefundLink:
        """It has no pages."""
        return RefundLink(
            kind=LinkKind.PROVIDER_PAGE,
            label=text("Refund"),
            instruction=text("Refund {amount}.", amount=request.amount),
        )


def _result(made: Made) -> RefundResult:
    return RefundResult(
        reference=made.reference,
        target=made.payment,
        status=RefundStatus.SUCCEEDED,
        amount=Money(minor=made.amount, currency=_CURRENCY),
        provider_status="paid",
        refund_id=made.note,
    )
