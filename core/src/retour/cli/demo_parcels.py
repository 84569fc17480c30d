"""How goods come back in the demo: by the return portal, with a label or a code, sent by the customer, or brought."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from typing import Protocol
from uuid import uuid4

import attrs

from retour.cli.demo_cases import Arrival, SendsBy
from retour.cli.demo_providers import Providers
from retour.cli.demo_refunds import MERCHANT
from retour.cli.orders_file import ZONE
from retour.cli.words import text
from retour.desk import ReturnDesk
from retour.model.actor import Actor
from retour.model.dossier import Dossier
from retour.model.errors import InvalidArgument, ProviderUnavailable
from retour.model.evidence import EvidenceFile
from retour.model.labels import Charged, Label, LabelForm, LabelOption, LabelState
from retour.model.money import Money
from retour.model.order import Order
from retour.model.parcels import Address, Parcel, ParcelItem
from retour.model.returns import Return
from retour.model.shipping import ShippingOption, ShippingWay
from retour.model.text import Text
from retour.providers.label_request import LabelDocument
from retour.sandbox import ShippingSandbox

RETURNS_TO = Address(
    name="Voorbeeldwinkel, retouren",
    street="Keizersgracht",
    house_number="1",
    postal_code="1015 CJ",
    city="Amsterdam",
    country="NL",
)
"""Where the goods of the demo come back to."""

CARRIER = "PostNL"
"""With whom the demo's customers send parcels themselves."""

TRACKING = "3SDEMO0000001"
"""The tracking number of every parcel that a customer of the demo sends himself."""

PROOF = EvidenceFile(reference="demo/verzendbewijs.jpg", name="verzendbewijs.jpg")
"""The photo of the receipt that he gets for it."""

REASON = "not_as_expected"
"""Why goods come back that are announced in a portal."""

GRAMS = 1000
"""What a parcel of the demo weighs: an orders file knows no weights."""

ANNOUNCED = datetime.timedelta(minutes=1)
"""After this a sandbox's carrier has announced every label that it takes."""

CANCELLED = datetime.timedelta(hours=1)
"""After this every label is cancelled that can be."""

_FORMS = {SendsBy.LABEL: LabelForm.PDF, SendsBy.QR_CODE: LabelForm.QR_CODE, SendsBy.LABEL_CANCELLED: LabelForm.PDF}
_TAKEN_BACK = frozenset({LabelState.REFUSED, LabelState.CANCELLED})


class ParcelWatch(Protocol):
    """Somebody who looks on while goods come back."""

    def shipping(self, options: Sequence[ShippingOption], chosen: ShippingOption) -> None:
        """The customer was shown how to send the goods, and chose."""

    def sent_by_himself(self, return_: Return, page: str) -> None:
        """He sent them; ``page`` is where the carrier shows the parcel, if that is known."""

    def made_in_portal(self, label: Label, return_: Return) -> None:
        """He made the return in the portal, and the provider told of it."""

    def label_options(
        self, provider: str, options: Sequence[LabelOption], chosen: LabelOption, *, another: bool
    ) -> None:
        """Which labels could be bought for his parcel, or ``another`` one of the same return, and the one that was."""

    def label_is(self, label: Label, *, read: bool = False) -> None:
        """How far a label is, as the provider said by webhook, or as it was ``read`` there."""

    def not_made(self, label: Label) -> None:
        """The provider, or the carrier, makes no label for the parcel."""

    def label_cancelled(self, label: Label) -> None:
        """The merchant had a label taken back, and the provider said by webhook whether it could."""

    def opened(self, document: LabelDocument | None, why_not: Text | None) -> None:
        """The customer opened the document of his label; where that could not be, ``why_not``."""

    def parcel_is(self, label: Label) -> None:
        """The provider said by webhook where a parcel is."""


@attrs.define(kw_only=True)
class Customer:
    """The customer of one order, who announces a return and sends it. ``made`` are the ids of the labels that were
    asked for now, ``note`` says what was not as the case has it."""

    desk: ReturnDesk
    order: Order
    providers: Providers
    sends_by: SendsBy
    watch: ParcelWatch | None
    made: list[str] = attrs.field(factory=list)
    note: Text | None = None
    _return_id: str = ""

    def send(self, arrival: Arrival) -> str:
        """Send a parcel with what will arrive; the first one announces the return of the whole order. Gives what the
        parcel is called, empty where it has no label."""
        if self.sends_by is SendsBy.PORTAL:
            return self._by_portal()
        if self.sends_by is SendsBy.SELF:
            self._by_himself()
            return ""
        return self._with_label(arrival)

    # --- sent by the customer ----------------------------------------------------------------------------

    def _by_himself(self) -> None:
        if self._return_id:
            return  # another parcel of the same return: he has said that the goods are on their way
        options = self.desk.shipping_options(self.order.id)
        self._announce()
        self._sent(options, options[-1])

    def _sent(self, options: Sequence[ShippingOption], chosen: ShippingOption) -> None:
        self._shown(options, chosen)
        self.desk.mark_sent(
            self.order.id,
            self._return_id,
            by=self._customer,
            tracking=TRACKING,
            carrier=CARRIER,
            sent_on=self.providers.clock.now().astimezone(ZONE).date(),
            proof=PROOF,
        )
        if self.watch is not None:
            page = self.desk.tracking_page(self.order.id, self._return_id)
            self.watch.sent_by_himself(self._dossier.return_(self._return_id), page)

    def _instead(self, note: Text) -> str:
        """What the case shows is not possible for this order: the customer sends the goods himself."""
        self.note, self.sends_by = note, SendsBy.SELF
        if self._return_id:
            options = self.desk.shipping_options(self.order.id)
            self._sent(options, options[-1])
        else:
            self._by_himself()
        return ""

    # --- the portal --------------------------------------------------------------------------------------

    def _by_portal(self) -> str:
        """The customer makes the return where the shop does not see him, and its provider tells of it."""
        options = self.desk.shipping_options(self.order.id)
        portal = next((option for option in options if option.way is ShippingWay.PORTAL), None)
        sandbox = self.providers.portals.get(portal.provider) if portal is not None else None
        if portal is None or sandbox is None:
            return self._instead(text("no portal for this order"))
        self._shown(options, portal)
        units: dict[str, int] = {}
        for line in self.order.goods:
            if line.fulfilled:
                units[line.product] = units.get(line.product, 0) + line.fulfilled
        why = next((one for one in self.desk.return_reasons if one.code == REASON), None)
        reference = sandbox.return_in_portal(
            self.order.id, units, reason=why.provider_codes.get(portal.provider, "") if why is not None else ""
        )
        self.providers.parcels[portal.provider].advance(ANNOUNCED)
        self.providers.tell_of_parcels(self.desk, portal.provider)
        label = next(one for one in self._dossier.labels.values() if one.reference == reference)
        self.made.append(label.id)
        self._return_id = label.return_id
        if self.watch is not None:
            self.watch.made_in_portal(label, self._dossier.return_(label.return_id))
        self.desk.reconcile_labels(self.order.id)  # the webhook names the return there, and not yet its parcel
        label = self._dossier.label(label.id)
        if self.watch is not None:
            self.watch.label_is(label, read=True)
        return self._travel(label)

    # --- labels of the shop ------------------------------------------------------------------------------

    def _with_label(self, arrival: Arrival) -> str:
        if not self._return_id:
            self._announce()
        form, home = _FORMS[self.sends_by], self._home
        try:
            parcel = self._parcel(arrival)
            options = self.desk.label_options(self.order.id, sender=home, parcel=parcel, by=self._customer)
        except (InvalidArgument, ProviderUnavailable):
            return self._instead(text("no label for this order"))
        chosen = next((one for one in options if one.form is form and not one.pick_up), None)
        if chosen is None:
            return self._instead(text("no label for this order"))
        outcome = self.desk.order_label(
            self.order.id,
            self._return_id,
            chosen,
            sender=home,
            parcel=parcel,
            by=self._customer,
            another_parcel=bool(self.made),
            request_id=uuid4().hex,
        )
        assert outcome.label is not None  # noqa: S101 - for the type checker: the command was about a label
        label = outcome.label
        if self.watch is not None:
            self.watch.label_options(label.provider, options, chosen, another=bool(self.made))
        self.made.append(label.id)
        label = self._after(label, ANNOUNCED)
        if label.state is not LabelState.READY:
            if self.watch is not None:
                self.watch.not_made(label)
            return self._instead(text("no label for this order"))
        if self.watch is not None:
            self.watch.label_is(label)
            self._open(label)
        if self.sends_by is SendsBy.LABEL_CANCELLED:
            self.desk.cancel_label(self.order.id, label.id, by=MERCHANT)
            label = self._after(label, CANCELLED)
            self.desk.reconcile_labels(self.order.id)
            if self.watch is not None:
                self.watch.label_cancelled(label)
            return ""
        return self._travel(label)

    def _open(self, label: Label) -> None:
        """The customer opens what he has to print or to show. A sandbox draws it only where the packages for that are
        installed."""
        document = why_not = None
        try:
            document = self.desk.label_document(self.order.id, label.id, by=self._customer)
        except ProviderUnavailable as error:
            why_not = error.message
        if self.watch is not None:
            self.watch.opened(document, why_not)

    def _travel(self, label: Label) -> str:
        """The carrier gets the parcel and brings it to the shop; then it is known what the label cost."""
        sandbox = self._at(label)
        for step in (sandbox.scan, sandbox.deliver):
            step(label.reference)
            label = self._after(label)
            if self.watch is not None:
                self.watch.parcel_is(label)
        self.desk.reconcile_labels(self.order.id)
        return label.tracking_number

    # --- pieces ------------------------------------------------------------------------------------------

    def _announce(self) -> None:
        lines = {line.id: line.fulfilled for line in self.order.goods if line.fulfilled}
        outcome = self.desk.request_return(self.order.id, lines, by=self._customer, request_id=uuid4().hex)
        self._return_id = outcome.return_id

    def _after(self, label: Label, time: datetime.timedelta = datetime.timedelta(0)) -> Label:
        """The label when a time has passed and its provider's webhooks have come."""
        self._at(label).advance(time)
        self.providers.tell_of_parcels(self.desk, label.provider)
        return self._dossier.label(label.id)

    def _at(self, label: Label) -> ShippingSandbox:
        return self.providers.parcels[label.provider]

    def _parcel(self, arrival: Arrival) -> Parcel:
        """A parcel with the units that will be counted, or with all that are still at the customer's."""
        if arrival is None:
            units = {line.id: line.fulfilled for line in self.order.goods}
            for return_ in self._dossier.returns.values():
                for count in return_.counted.values():
                    units[count.line_id] -= count.units
        else:
            units = {count.line_id: count.units for count in arrival}
        lines = [self.order.line(line_id) for line_id, number in units.items() if number > 0]
        return Parcel(
            weight_grams=GRAMS,
            items=[
                ParcelItem(line_id=one.id, description=one.name or one.product, sku=one.product, quantity=units[one.id])
                for one in lines
            ],
        )

    @property
    def _home(self) -> Address:
        """Where the customer lives: an orders file knows his postal code and his country."""
        delivery = self.order.delivery
        return Address(
            name="Klant Voorbeeld",
            street="Voorbeeldstraat",
            house_number="1",
            postal_code=(delivery.postal_code if delivery is not None else "") or "1012 JS",
            city="Voorbeeldstad",
            country=(delivery.country if delivery is not None else "") or "NL",
        )

    @property
    def _customer(self) -> Actor:
        return Actor.customer(self.order.customer)

    @property
    def _dossier(self) -> Dossier:
        return self.desk.dossier(self.order.id)

    def _shown(self, options: Sequence[ShippingOption], chosen: ShippingOption) -> None:
        if self.watch is not None:
            self.watch.shipping(options, chosen)

    # --- afterwards --------------------------------------------------------------------------------------

    def in_doubt(self, dossier: Dossier) -> Text | None:
        """Where the labels of the order and the providers' own books differ, one bought twice included; None where
        they agree, to the cent."""
        if not self.made:
            return None
        mine = [label for label in dossier.labels.values() if label.provider in self.providers.parcels]
        if sorted(label.id for label in mine) != sorted(self.made):
            return text("labels were made that this shop did not order; look at its history")
        for provider, sandbox in self.providers.parcels.items():
            ours = sorted((one.reference, charged(one)) for one in mine if one.provider == provider and one.reference)
            theirs = sorted((one.reference, one.charged.minor) for one in sandbox.books(self.order.id))
            if ours != theirs:
                return text("{provider}'s books differ; look at its history", provider=provider)
        return None

    def labels(self, dossier: Dossier) -> int:
        """How many of the labels that were asked for now are there."""
        return sum(bool(dossier.labels[one].reference) for one in self.made)

    def cost(self, dossier: Dossier) -> Money | None:
        """What the labels that were made now cost; None without one. Labels of one order are paid in one currency."""
        costs = [one.cost for one in dossier.labels.values() if one.id in self.made and one.cost is not None]
        if not costs:
            return None
        minor = sum(charged(dossier.labels[one]) for one in self.made)
        return Money(minor=minor, currency=costs[0].currency)


def charged(label: Label) -> int:
    """What a label costs in minor units, by what its provider said: nothing where it was taken back, or where only its
    first scan is charged and there was none."""
    used = label.scanned or label.option is None or label.option.charged is not Charged.WHEN_SCANNED
    return label.cost.minor if label.cost is not None and used and label.state not in _TAKEN_BACK else 0
