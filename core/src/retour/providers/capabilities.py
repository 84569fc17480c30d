"""What a provider can do, as data."""

from __future__ import annotations

from enum import StrEnum

import attrs


class Support(StrEnum):
    """How far something is supported. "The provider can't" and "we don't yet" are different answers."""

    YES = "yes"
    PARTIAL = "partial"
    PROVIDER_CANNOT = "provider_cannot"
    NOT_YET = "not_yet"
    UNKNOWN = "unknown"


@attrs.frozen(kw_only=True)
class PaymentCapabilities:
    """What a payment provider can do.

    ``refund_page``: a link to the payment's own page, where a person refunds. ``refund_by_api``: refunds that
    retour sends itself. ``partial_refund``: less than the whole payment. ``cancel_refund``: take one back before it
    is paid out. ``currencies`` are ISO 4217 codes, empty for "whatever the account can". ``refund_window_days`` are
    calendar days from the payment, None where there is no general limit.
    """

    refund_page: Support = Support.UNKNOWN
    refund_by_api: Support = Support.UNKNOWN
    partial_refund: Support = Support.UNKNOWN
    cancel_refund: Support = Support.UNKNOWN
    currencies: frozenset[str] = frozenset()
    refund_window_days: int | None = None


@attrs.frozen(kw_only=True)
class ShippingCapabilities:
    """What a shipping provider can do: a return ``portal`` for the customer, return ``labels`` that retour makes."""

    portal: Support = Support.UNKNOWN
    labels: Support = Support.UNKNOWN
