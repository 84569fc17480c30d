"""The contract between the core and a provider: typed protocols. The core picks one provider and calls a method.

A plugin hands over the class; the core makes one instance per shop, account and mode on first use, so a provider is
stateless but for its settings, and must be safe to call from several threads.
"""

from __future__ import annotations

from typing import Any, ClassVar, Protocol

from retour.model.order import Order
from retour.model.refunds import LinkRequest, RefundLink
from retour.model.shipping import ShippingOption
from retour.providers.capabilities import PaymentCapabilities, ShippingCapabilities

API = 1
"""The number of this contract. A provider class declares the one that it was written for."""


class PaymentProvider(Protocol):
    """Mollie, Stripe, PayPal, a manual transfer.

    ``name`` is what a shop's payments call it, ``display_name`` what people do. ``settings_type`` is a frozen attrs
    class, keyword-only; its fields are checked before the provider is made.
    """

    name: ClassVar[str]
    display_name: ClassVar[str]
    api: ClassVar[int]
    settings_type: ClassVar[type[Any]]
    capabilities: ClassVar[PaymentCapabilities]

    def __init__(self, settings: Any) -> None: ...

    def refund_url(self, request: LinkRequest) -> RefundLink:
        """Where a person goes to refund this payment, and what to do there in two sentences.

        No network call, no money moved. Never raises for a reference of a shape it does not know: it gives the
        nearest page that helps, and says what is missing.
        """


class ShippingProvider(Protocol):
    """Sendcloud."""

    name: ClassVar[str]
    display_name: ClassVar[str]
    api: ClassVar[int]
    settings_type: ClassVar[type[Any]]
    capabilities: ClassVar[ShippingCapabilities]

    def __init__(self, settings: Any) -> None: ...

    def portal_url(self, order: Order) -> ShippingOption | None:
        """The return portal for the parcels of ``order``; None where the settings or the order do not allow one."""
