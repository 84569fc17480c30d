"""What a provider can do, as data."""

from __future__ import annotations

import datetime
from enum import StrEnum

import attrs

from retour.providers.webhooks import WebhookTrust


class Support(StrEnum):
    """How far something is supported. "The provider can't" and "we don't yet" are different answers."""

    YES = "yes"
    PARTIAL = "partial"
    PROVIDER_CANNOT = "provider_cannot"
    NOT_YET = "not_yet"
    UNKNOWN = "unknown"

    @property
    def usable(self) -> bool:
        """Whether it is there to be used, in full or in part."""
        return self in (Support.YES, Support.PARTIAL)


@attrs.frozen(kw_only=True)
class Idempotency:
    """How a provider recognises a repeated request: the ``header`` that carries the key, and for how long (``window``)
    it answers a repeat with the first outcome. After the window the same key is a new request."""

    header: str
    window: datetime.timedelta


@attrs.frozen(kw_only=True)
class PaymentCapabilities:
    """What a payment provider can do.

    ``refund_page``: a link to the payment's own page, where a person refunds. ``refund_by_api``: refunds that
    retour sends itself. ``refund_by_person``: refunds that a person makes outside, by bank transfer; ``refund`` moves
    no money then and answers ``AWAITING_MERCHANT``. ``partial_refund``: less than the whole payment.
    ``cancel_refund``: take one back before it is paid out. ``find_refund``: look a refund up by our own id after a
    lost answer. ``list_refunds``: all refunds of a payment, whoever made them. ``currencies`` are ISO 4217 codes,
    empty for "whatever the account can". ``refund_window_days`` are calendar days from the payment, None where there
    is no general limit.

    ``idempotency`` is None where a repeated request is a second refund. ``lookup_complete_after`` says how old a try
    must be before "not found" proves that it did not happen; None: it never does. It counts only where ``find_refund``
    is a full ``Support.YES``. ``webhooks`` is what they are worth.
    """

    refund_page: Support = Support.UNKNOWN
    refund_by_api: Support = Support.UNKNOWN
    refund_by_person: Support = Support.PROVIDER_CANNOT
    partial_refund: Support = Support.UNKNOWN
    cancel_refund: Support = Support.UNKNOWN
    find_refund: Support = Support.UNKNOWN
    list_refunds: Support = Support.UNKNOWN
    webhooks: WebhookTrust = WebhookTrust.NONE
    currencies: frozenset[str] = frozenset()
    refund_window_days: int | None = None
    idempotency: Idempotency | None = None
    lookup_complete_after: datetime.timedelta | None = None

    @property
    def refunds(self) -> bool:
        """Whether ``refund`` can be called: it refunds by API, or plans what a person makes."""
        return Support.YES in (self.refund_by_api, self.refund_by_person)

    @property
    def reads_webhooks(self) -> bool:
        """Whether ``parse_webhook`` can be called."""
        return self.webhooks is not WebhookTrust.NONE

    @property
    def methods(self) -> tuple[str, ...]:
        """The methods of the contract that a class with these capabilities has."""
        declared = {
            ("refund_url",): True,
            ("refundable", "refund"): self.refunds,
            ("find_refund",): self.find_refund.usable,
            ("list_refunds",): self.list_refunds.usable,
            ("cancel_refund",): self.cancel_refund.usable,
            ("parse_webhook",): self.reads_webhooks,
        }
        return tuple([method for methods, there in declared.items() if there for method in methods])


@attrs.frozen(kw_only=True)
class ShippingCapabilities:
    """What a shipping provider can do: a return ``portal`` for the customer, return ``labels`` that retour makes."""

    portal: Support = Support.UNKNOWN
    labels: Support = Support.UNKNOWN

    @property
    def methods(self) -> tuple[str, ...]:
        """The methods of the contract that a class with these capabilities has."""
        return ("portal_url",) if self.portal.usable else ()
