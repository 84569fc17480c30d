"""Labels as the rows of a list over all orders, what each waits for, and the pages of this list."""

from __future__ import annotations

import datetime
from enum import StrEnum

from retour.model.carriers import carrier_name
from retour.model.dossier import Dossier
from retour.model.frozen import frozen
from retour.model.labels import Label, LabelForm, LabelState, ParcelState, WhoPays
from retour.model.money import Money
from retour.model.order import Order
from retour.model.reasons import Reason
from retour.model.returns import CAN_TRAVEL
from retour.model.text import Text


class LabelWait(StrEnum):
    """What a label can wait for."""

    PERSON = "person"  #: who has to look at it
    PROVIDER = "provider"  #: who makes it, announces it or takes it back
    CUSTOMER = "customer"  #: who can print or show it, and has not handed his parcel in
    CARRIER = "carrier"  #: who has the parcel
    NOTHING = ""  #: its parcel is there, or nobody is to use it


@frozen(kw_only=True)
class LabelDetails:
    """What a row of a list tells of a label besides its state; see `LabelSummary`."""

    account: str
    progress: ParcelState = ParcelState.NOT_SENT
    name: str = ""
    form: LabelForm | None = None
    carrier: str = ""
    tracking_number: str = ""
    tracking_url: str = ""
    valid_until: datetime.date | None = None
    payer: WhoPays = WhoPays.SHOP
    cost: Money | None = None
    why: Reason | None = None


@frozen(kw_only=True)
class LabelSummary:
    """One label on a list over all orders."""

    order_id: str
    """The order."""

    return_id: str
    """The return that it is for."""

    label_id: str
    """The label."""

    number: str
    """What people call the return, and what `ReturnDesk.find_return` finds it by."""

    provider: str
    """Who makes it: the name of the plugin."""

    account: str
    """The account there that pays for it."""

    state: LabelState
    """How far it is."""

    waits_for: LabelWait
    """What has to happen next."""

    since: datetime.datetime
    """When something of it last changed (UTC)."""

    opened_at: datetime.datetime
    """When it was asked for, or first seen (UTC)."""

    progress: ParcelState
    """How far its parcel is."""

    name: str
    """What people call the kind of label; empty where the customer made it in the provider's portal."""

    form: LabelForm | None
    """What the customer gets; None where he made it in the provider's portal."""

    carrier: str
    """The carrier's code at the provider."""

    tracking_number: str
    """The carrier's number of the parcel; empty until there is one."""

    tracking_url: str
    """The page on which the parcel can be followed; empty until there is one."""

    valid_until: datetime.date | None
    """The last calendar day it can be used, in the shop's zone, where the provider says so."""

    payer: WhoPays
    """Who bears its cost."""

    cost: Money | None
    """What the provider charges for it; None until it has said."""

    why: Reason | None
    """Why it waits, was refused or is unclear."""

    order: Order | None = None
    """The shop's order; None where the shop was not asked for a whole page, or did not tell."""

    @property
    def carrier_name(self) -> str:
        """What people call its carrier, as far as retour knows it: else the ``carrier`` code."""
        return carrier_name(self.carrier)


@frozen(kw_only=True)
class LabelPage:
    """A page of a list of labels."""

    labels: tuple[LabelSummary, ...]
    """Those of this page."""

    next: str | None
    """What to hand back as ``after`` for the page after this one; None on the last."""

    previous: str | None = None
    """What to hand back as ``before`` for the page before this one; None on the first."""

    without_orders: Text | None = None
    """Why rows have no ``order`` although the shop was asked for them."""


_WITH_THE_CARRIER = frozenset({ParcelState.ON_ITS_WAY, ParcelState.AT_PICKUP_POINT, ParcelState.DELAYED})


def label_waits_for(dossier: Dossier, label: Label) -> LabelWait:
    """What a label waits for; see `LabelSummary`."""
    if not label.open:
        return LabelWait.NOTHING
    if label.needs_person:
        return LabelWait.PERSON
    if label.scanned:
        return LabelWait.CARRIER if label.progress in _WITH_THE_CARRIER else LabelWait.NOTHING
    if label.state is not LabelState.READY or label.cancel_asked:
        return LabelWait.PROVIDER
    return LabelWait.CUSTOMER if dossier.returns[label.return_id].goods in CAN_TRAVEL else LabelWait.NOTHING


def label_details(label: Label) -> LabelDetails:
    """What a row tells of a label."""
    option = label.option
    return LabelDetails(
        account=label.account,
        progress=label.progress,
        name="" if option is None else option.name,
        form=None if option is None else option.form,
        carrier=label.carrier,
        tracking_number=label.tracking_number,
        tracking_url=label.tracking_url,
        valid_until=label.valid_until,
        payer=label.payer,
        cost=label.cost,
        why=label.because,
    )
