"""What a provider can do, as data."""

from __future__ import annotations

import datetime
from collections.abc import Iterable
from enum import StrEnum

import attrs

from retour.model.destinations import Destination
from retour.model.fields import checked
from retour.model.frozen import frozen
from retour.model.labels import LabelForm
from retour.providers.webhooks import WebhookTrust


class Support(StrEnum):
    """How far something is supported. "The provider can't" and "we don't yet" are different answers."""

    YES = "yes"  #: in full
    PARTIAL = "partial"  #: in part: the field says which
    PROVIDER_CANNOT = "provider_cannot"  #: the provider has no such thing
    NOT_YET = "not_yet"  #: the provider has it, the plugin does not use it yet
    UNKNOWN = "unknown"  #: nobody has looked

    @property
    def usable(self) -> bool:
        """Whether it is there to be used, in full or in part."""
        return self in (Support.YES, Support.PARTIAL)


@frozen(kw_only=True, field_transformer=checked())
class Idempotency:
    """How a provider recognises a repeated request: by a key in a ``header``, as most do, or in a ``field`` of the
    body, as Square has it. Raises ValueError for both."""

    header: str = ""
    """The header that carries the key."""

    field: str = ""
    """The field of the body that carries it, at its top level: of JSON, or of a form."""

    window: datetime.timedelta
    """How long a repeat is answered with the first outcome. Afterwards the same key is a new request."""

    def __attrs_post_init__(self) -> None:
        if self.header and self.field:
            raise ValueError(f"the key of a request stands in the header {self.header} or in the field {self.field}")


@frozen(kw_only=True, field_transformer=checked())
class AmountStep:
    """The smallest step in which amounts of a currency can go back. HUF in whole forints is
    ``AmountStep(currency="HUF", minor_units=100)``."""

    currency: str
    """Of ISO 4217."""

    minor_units: int
    """The step: 100 for HUF in whole forints."""

    method: str = ""
    """The way of paying in the provider's own word (`Refundable.method`); empty for all of them."""


@frozen(kw_only=True, field_transformer=checked())
class PaymentCapabilities:
    """What a payment provider can do. The core asks for nothing that is not declared.

    Raises `InvalidValue` for a field of another type, and ValueError for what cannot be true together: the class that
    declares it is off, and says why.
    """

    refund_page: Support = Support.UNKNOWN
    """A link to the payment's own page, where a person refunds. Where there is none, the merchant is told where to
    look."""

    refund_by_api: Support = Support.UNKNOWN
    """Refunds that retour sends itself. Where it is no ``YES``, `ReturnDesk.refund` is refused, and the merchant gets
    the link."""

    refund_by_person: Support = Support.PROVIDER_CANNOT
    """Refunds that a person makes outside, by bank transfer: ``refund`` moves no money then and answers
    ``AWAITING_MERCHANT``, and the refund waits until somebody confirms it."""

    partial_refund: Support = Support.UNKNOWN
    """Less than the whole payment. Shown to people; what is sent, the provider decides."""

    refundable: Support = Support.UNKNOWN
    """What is left of a payment can be read before anything is sent: ``YES`` where the provider's figure is exact,
    ``PARTIAL`` where it is a hint. Where it cannot be read, what the shop stored is what is refunded."""

    payment_names: Support = Support.UNKNOWN
    """Every name that a payment has there and that a shop can have stored, asked by one of them: how a webhook that
    uses another name finds its order. ``PARTIAL`` where some payments do not say all of theirs."""

    fetch_refund: Support = Support.UNKNOWN
    """One refund as it is now: asked while it is pending, and again after it succeeded."""

    cancel_refund: Support = Support.UNKNOWN
    """Take a refund back before it is paid out: `ReturnDesk.cancel_refund` of one that the provider has."""

    find_refund: Support = Support.UNKNOWN
    """Look a refund up by our own id, after a lost answer. Without it a person looks."""

    list_refunds: Support = Support.UNKNOWN
    """All refunds of a payment, whoever made them: how a refund in the provider's dashboard is found, and what is read
    before money goes out."""

    check_settings: Support = Support.UNKNOWN
    """One cheap call that shows that the settings work: `ReturnDesk.check_settings`."""

    webhooks: WebhookTrust = WebhookTrust.NONE
    """What its webhooks are worth. A provider that tells the outcome by webhook alone has no ``fetch_refund``."""

    outcome_within: datetime.timedelta | None = None
    """How long a webhook with the outcome can take, where nobody can be asked: after it a person looks. None where
    ``fetch_refund`` is there."""

    late_failure_within: datetime.timedelta | None = None
    """How long after a success a bank can still send the money back; None: never, or not known. Until then
    ``fetch_refund`` is asked again, ever more rarely: webhooks get lost."""

    idempotency: Idempotency | None = None
    """How a repeated request is recognised: inside its window the same request is sent again after a lost answer. None
    where a repeat is a second refund: it is never sent twice."""

    lookup_complete_after: datetime.timedelta | None = None
    """How old a try must be before "not found" proves that it did not happen; None: it never does. It counts only where
    ``find_refund`` is a full ``YES``."""

    currencies: frozenset[str] = frozenset()
    """ISO 4217 codes that can go back; empty for whatever the account can. Another currency goes by bank transfer."""

    steps: tuple[AmountStep, ...] = ()
    """Currencies of which not every minor unit can be paid: amounts are suggested in these steps, and others
    refused."""

    never_refunded: frozenset[str] = frozenset()
    """Ways of paying, in the provider's own word (`Refundable.method`), of which nothing ever goes back by it: a bank
    transfer is offered."""

    destinations: frozenset[Destination] = frozenset({Destination.ORIGINAL_PAYMENT})
    """Where a refund can go. `RefundRequest.to` is given only where a bank account is among them."""

    refund_window_days: int | None = None
    """Calendar days from the payment in which it can be refunded; None where there is no general limit. After them a
    bank transfer is offered."""

    unconfirmed: frozenset[str] = frozenset()
    """Fields of this class that no page of the provider confirms: ``retour plugins`` marks them."""

    def __attrs_post_init__(self) -> None:
        for contradiction in self._contradictions():
            raise ValueError(contradiction)

    def _contradictions(self) -> Iterable[str]:
        if self.refund_by_api is Support.YES and not self.fetch_refund.usable and self.outcome_within is None:
            yield (
                "refund_by_api without fetch_refund needs outcome_within: nobody can be asked what became of a "
                "refund, so after that time a person looks"
            )
        if self.webhooks is WebhookTrust.FETCH and not self.list_refunds.usable:
            yield "webhooks=WebhookTrust.FETCH needs list_refunds: a hint is believed only when it was looked up"
        unknown = sorted(self.unconfirmed - {field.name for field in attrs.fields(PaymentCapabilities)})
        if unknown:
            yield f"unconfirmed names fields of PaymentCapabilities, and {', '.join(unknown)} is none"
        for step in self.steps:
            if step.minor_units < 2:
                yield f"a step of {step.minor_units} minor units of {step.currency} says nothing"

    @property
    def refunds(self) -> bool:
        """Whether ``refund`` can be called: it refunds by API, or plans what a person makes."""
        return Support.YES in (self.refund_by_api, self.refund_by_person)

    @property
    def reads_webhooks(self) -> bool:
        """Whether ``parse_webhook`` can be called."""
        return self.webhooks is not WebhookTrust.NONE

    def step(self, currency: str, method: str = "") -> int:
        """The smallest step, in minor units, of an amount of ``currency`` that was paid by ``method``."""
        fits = [one.minor_units for one in self.steps if one.currency == currency and one.method in ("", method)]
        return max(fits, default=1)

    def largest_step(self, currency: str) -> int:
        """The largest that the step of an amount of ``currency`` can be, however it was paid."""
        return max([one.minor_units for one in self.steps if one.currency == currency], default=1)

    @property
    def methods(self) -> tuple[str, ...]:
        """The methods of the contract that a class with these capabilities has."""
        declared = {
            "refund_url": True,
            "refund": self.refunds,
            "refundable": self.refundable.usable,
            "payment_names": self.payment_names.usable,
            "fetch_refund": self.fetch_refund.usable,
            "find_refund": self.find_refund.usable,
            "list_refunds": self.list_refunds.usable,
            "cancel_refund": self.cancel_refund.usable,
            "check_settings": self.check_settings.usable,
            "parse_webhook": self.reads_webhooks,
        }
        return tuple([method for method, there in declared.items() if there])


@frozen(kw_only=True, field_transformer=checked())
class ShippingCapabilities:
    """What a shipping provider can do. The core asks for nothing that is not declared.

    Raises `InvalidValue` for a field of another type, and ValueError for what cannot be true together: the class that
    declares it is off, and says why.
    """

    portal: Support = Support.UNKNOWN
    """A return portal, where the customer makes a label himself: its link is among `ReturnDesk.shipping_options`."""

    labels: Support = Support.UNKNOWN
    """Return labels that retour makes: `ReturnDesk.order_label`."""

    options: Support = Support.UNKNOWN
    """Which labels the account can buy for a parcel: `ReturnDesk.label_options`."""

    prices: Support = Support.UNKNOWN
    """The options say what they cost. Shown to people."""

    validate_label: Support = Support.UNKNOWN
    """Says what is wrong with a label before it is bought, and buys nothing: it is asked first."""

    fetch_label: Support = Support.UNKNOWN
    """The document of a label, in one of ``forms``: `ReturnDesk.label_document`."""

    fetch_shipment: Support = Support.UNKNOWN
    """A label and its parcel as they are now: asked while a label is on its way, since webhooks get lost."""

    find_shipment: Support = Support.UNKNOWN
    """Look a label up by our own id, after a lost answer."""

    list_shipments: Support = Support.UNKNOWN
    """All return shipments of an order, whoever made them: how a return in the portal, or in the panel, is found."""

    cancel_label: Support = Support.UNKNOWN
    """Take a label back before it is used: `ReturnDesk.cancel_label`."""

    check_settings: Support = Support.UNKNOWN
    """One cheap call that shows that the settings work: `ReturnDesk.check_settings`."""

    webhooks: WebhookTrust = WebhookTrust.NONE
    """What its webhooks are worth: signed, or there are none."""

    forms: frozenset[LabelForm] = frozenset()
    """What the customer gets: a document to print, a QR code, or nothing."""

    refuses_repeats: bool = False
    """``create_label`` refuses a ``label_id`` that was used before, for ever: the same request sent again after a lost
    answer then makes no second label."""

    lookup_complete_after: datetime.timedelta | None = None
    """How old a try must be before "not found" by ``find_shipment`` proves that no label was made; None: it never
    does."""

    cancel_within: datetime.timedelta | None = None
    """How long after it was made a label can be cancelled; None: no general limit, or not known. Shown to people."""

    unconfirmed: frozenset[str] = frozenset()
    """Fields of this class that no page of the provider confirms: ``retour plugins`` marks them."""

    def __attrs_post_init__(self) -> None:
        for contradiction in self._contradictions():
            raise ValueError(contradiction)

    def _contradictions(self) -> Iterable[str]:
        if self.labels.usable and not self.fetch_shipment.usable:
            yield "labels need fetch_shipment: a label is announced after it was made, and nobody else says how it went"
        if self.labels.usable and not (self.fetch_label.usable and self.forms):
            yield "labels need fetch_label, and forms that say what the customer gets"
        if self.labels.usable and not (self.refuses_repeats or self.find_shipment.usable or self.list_shipments.usable):
            yield (
                "labels need refuses_repeats, find_shipment or list_shipments: after a lost answer nobody could say "
                "whether a label was bought"
            )
        if self.validate_label.usable and not self.labels.usable:
            yield "validate_label needs labels: nothing is bought that could be asked about before"
        if self.webhooks is WebhookTrust.FETCH:
            yield "webhooks of a shipping provider are signed, or there are none"
        unknown = sorted(self.unconfirmed - {field.name for field in attrs.fields(ShippingCapabilities)})
        if unknown:
            yield f"unconfirmed names fields of ShippingCapabilities, and {', '.join(unknown)} is none"

    @property
    def reads_webhooks(self) -> bool:
        """Whether ``parse_webhook`` can be called."""
        return self.webhooks is not WebhookTrust.NONE

    @property
    def methods(self) -> tuple[str, ...]:
        """The methods of the contract that a class with these capabilities has."""
        declared = {
            "portal_url": self.portal.usable,
            "create_label": self.labels.usable,
            "options": self.options.usable,
            "validate_label": self.validate_label.usable,
            "fetch_label": self.fetch_label.usable,
            "fetch_shipment": self.fetch_shipment.usable,
            "find_shipment": self.find_shipment.usable,
            "list_shipments": self.list_shipments.usable,
            "cancel_label": self.cancel_label.usable,
            "check_settings": self.check_settings.usable,
            "parse_webhook": self.reads_webhooks,
        }
        return tuple([method for method, there in declared.items() if there])
