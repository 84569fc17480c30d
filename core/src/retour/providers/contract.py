"""The contract between the core and a provider: typed protocols. The core picks one provider and calls a method.

A plugin hands over the class; the core makes one instance per shop, account and mode on first use, so a provider is
stateless but for its settings, and must be safe to call from several threads.

``API`` is the number of the contract, one for payment and shipping. What changed with it: docs/contract.md.
"""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar, Protocol

from retour.model.labels import LabelForm, LabelOption
from retour.model.order import Order, Payment
from retour.model.parcels import Address, Parcel
from retour.model.refunds import LinkRequest, RefundLink
from retour.model.shipping import ShippingOption
from retour.providers.capabilities import PaymentCapabilities, ShippingCapabilities
from retour.providers.http import ProviderSession
from retour.providers.label_request import LabelDocument, LabelRequest, Shipment, ShipmentEvents
from retour.providers.refund_request import Refundable, RefundRequest, RefundResult
from retour.providers.webhooks import RawWebhook, ToFetch, VerifiedEvents

API = 2
"""The number of this contract. A provider class declares the one that it was written for; with any other it is off."""

WHAT_CHANGED = str(Path(__file__).with_name("contract.md"))
"""The page that says what changed from one number to the next, and what an author does about it."""


class PaymentProvider(Protocol):
    """Mollie, Stripe, PayPal, a manual transfer.

    A class may also have ``sandbox: ClassVar[str]``, where its `retour.sandbox.PaymentSandbox` is, as
    ``"retour_acmepay.sandbox:AcmePaySandbox"``. ``retour sandbox``, ``retour demo`` and the test kit then run it;
    without one they say so and leave the provider out. It is imported when it is run, never before.
    """

    name: ClassVar[str]
    """What a shop's payments call it, as ``mollie``."""

    display_name: ClassVar[str]
    """What people call it, in English: they read it wherever a sentence names the provider, and in Dutch what the
    catalogue of its package says for it. A brand needs no translation."""

    api: ClassVar[int]
    """The number of the contract that it was written for: 2."""

    settings_type: ClassVar[type[Any]]
    """A frozen attrs class, keyword-only: its fields are checked before the provider is made."""

    capabilities: ClassVar[PaymentCapabilities]
    """What it can do."""

    def __init__(self, settings: Any, http: ProviderSession) -> None: ...

    def refund_url(self, request: LinkRequest) -> RefundLink:
        """Where a person goes to refund this payment, and what to do there in two sentences.

        No network call, no money moved. Never raises for a reference of a shape it does not know: it gives the
        nearest page that helps, and says what is missing.
        """


class RefundsByApi(PaymentProvider, Protocol):
    """A payment provider whose capabilities say ``refund_by_api``. Its methods raise `ProviderError` and nothing else.

    Only ``refund`` and what the capabilities declare has to be there; a provider that tells the outcome by webhook
    alone has ``refund`` and ``parse_webhook``.

    The core calls what the capabilities declare and nothing else. What ``refund`` or ``cancel_refund`` raises besides,
    and an answer of another type than is written here, is taken for ``OUTCOME_UNKNOWN``; of the others for
    ``UNAVAILABLE``. Its words are not kept.

    A refund is identified by ``target`` (what it is made on, see `Refundable`) and ``reference`` (the provider's id).
    """

    def refundable(self, payment: Payment) -> Refundable:
        """Ask the provider what can be refunded of a payment, and resolve what the shop stored to the target.

        One call where the provider allows it: what else its answer holds (names, refunds, charge-backs) is given too.
        """

    def payment_names(self, name: str) -> Sequence[str]:
        """Every name by which a shop can have stored the payment that is called ``name``: its id, its charge or
        capture, the order or session that it was paid with, in every spelling that the plugin documents. ``name`` is
        among them, and can be spelled in any of these ways. Of an order, it has the names of the payments in it.

        Empty only where the provider certainly has nothing of that name (`unless_unknown`): what is not paid yet has
        its own. Whatever else goes wrong is raised. Two calls at most, and as many names as a person would look at.

        The core asks when a webhook names a payment that neither it nor the shop knows, and asks the shop for each
        name. They lead to an order, and prove nothing of which payments are one: that is `Refundable.names`.
        """

    def refund(self, request: RefundRequest) -> RefundResult:
        """Send a refund, once. The same request always gives the same bytes and the same idempotency key."""

    def fetch_refund(self, target: str, reference: str) -> RefundResult:
        """The refund as the provider has it now."""

    def find_refund(self, request: RefundRequest) -> RefundResult | None:
        """The refund that carries our ``refund_id``, or None. Never one that is only alike."""

    def list_refunds(self, target: str) -> Sequence[RefundResult]:
        """All refunds of a payment, whoever made them."""

    def cancel_refund(self, target: str, reference: str) -> RefundResult:
        """Take a refund back before it is paid out; gives it as it is then."""

    def parse_webhook(self, webhook: RawWebhook) -> VerifiedEvents | ToFetch:
        """Read a webhook, its signature checked over the raw bytes. Raises `WebhookRejected`, and for one that
        is signed rightly and cannot be read `WebhookUnreadable`."""

    def check_settings(self) -> None:
        """Make one cheap call that shows that the settings work; raises `ProviderError` if they do not."""


class ShippingProvider(Protocol):
    """Sendcloud, a carrier of one's own.

    Its names, ``settings_type`` and ``sandbox`` are as those of a `PaymentProvider`; its sandbox is a
    `retour.sandbox.ShippingSandbox`.

    Only what the capabilities declare has to be there, and the core calls nothing else. Every method but
    ``parse_webhook`` raises `ProviderError` and nothing else: what one of the writes (``create_label``,
    ``cancel_label``) raises besides, and an answer of another type, is taken for ``OUTCOME_UNKNOWN``, of the others for
    ``UNAVAILABLE``.

    Of a label that nobody has, or of a reference that cannot be one, each raises `ErrorCode.UNKNOWN_SHIPMENT`.

    A shipment is identified by ``reference`` (the provider's id of the label) and ``parcel`` (that of its parcel): each
    call gets both, empty where they are not known.
    """

    name: ClassVar[str]
    """What a shop's deliveries call it, as ``sendcloud``."""

    display_name: ClassVar[str]
    """What people call it, in English: they read it wherever a sentence names the provider, and in Dutch what the
    catalogue of its package says for it. A brand needs no translation."""

    api: ClassVar[int]
    """The number of the contract that it was written for: 2."""

    settings_type: ClassVar[type[Any]]
    """A frozen attrs class, keyword-only: its fields are checked before the provider is made."""

    capabilities: ClassVar[ShippingCapabilities]
    """What it can do."""

    def __init__(self, settings: Any, http: ProviderSession) -> None: ...


class MakesLabels(ShippingProvider, Protocol):
    """What a shipping provider has of this is what its `ShippingCapabilities` declare."""

    def portal_url(self, order: Order) -> ShippingOption | None:
        """The return portal for the parcels of ``order``; None where the settings or the order do not allow one. Its
        address is https."""

    def options(self, sender: Address, recipient: Address, parcel: Parcel) -> Sequence[LabelOption]:
        """The labels that this account can buy for a parcel from the customer to the shop, the cheapest first where
        prices are known; empty where no contract goes there."""

    def validate_label(self, request: LabelRequest) -> None:
        """Say what is wrong with a label before it is bought: nothing is made, charged or reserved, and ``label_id`` is
        as unused as it was. What the provider refuses is its own refusal, certain and in its words; whatever else goes
        wrong passes (RETRY or RECONCILE), and the label is asked for all the same."""

    def create_label(self, request: LabelRequest) -> Shipment:
        """Make a label, once. The same request always gives the same bytes. What refuses ``label_id`` because it was
        used before raises `ErrorCode.ALREADY_MADE`: a label exists."""

    def fetch_label(self, reference: str, parcel: str, form: LabelForm) -> LabelDocument:
        """The document of a label. `ErrorCode.LABEL_NOT_READY` while there is none."""

    def fetch_shipment(self, reference: str, parcel: str) -> Shipment:
        """The label and its parcel as the provider has them now."""

    def find_shipment(self, request: LabelRequest) -> Shipment | None:
        """The shipment that carries our ``label_id``, or None. Never one that is only alike."""

    def list_shipments(self, order_id: str, since: datetime.datetime) -> Sequence[Shipment]:
        """Every return shipment of an order that was made after ``since``, whoever made it: we, the customer in the
        portal, staff in the panel."""

    def cancel_label(self, reference: str, parcel: str) -> Shipment:
        """Ask that a label is cancelled; gives it as it is then, which may be ``CANCELLING``. One that is
        cancelled already is told as it is. `ErrorCode.NOT_CANCELLABLE` for one that was used, or that cannot be
        cancelled any more."""

    def parse_webhook(self, webhook: RawWebhook) -> ShipmentEvents:
        """Read a webhook, its signature checked over the raw bytes. Raises `WebhookRejected`, and for one that
        is signed rightly and cannot be read `WebhookUnreadable`."""

    def check_settings(self) -> None:
        """Make one cheap call that shows that the settings work; raises `ProviderError` if they do not."""
