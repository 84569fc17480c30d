"""How labels and their parcels read."""

from __future__ import annotations

from retour.model.dossier import Dossier
from retour.model.events.event import EVERYBODY
from retour.model.events.labels import (
    LabelCancelAsked,
    LabelCancelRefused,
    LabelDocumentKept,
    LabelHeld,
    LabelMisnamed,
    LabelOrdered,
    LabelPutOff,
    LabelRefused,
    LabelReported,
    LabelSettled,
    LabelUnclear,
    ParcelMoved,
    PortalLabelFound,
)
from retour.model.events.telling import CUSTOMER, told, units_and_reasons
from retour.model.labels import ParcelState, Told, WhoPays
from retour.model.reasons import Reason
from retour.model.text import Text, text

_NOT_SAID = text("no reason was given")


def _because(reason: Reason | None) -> Text:
    return reason.words if reason is not None else _NOT_SAID


@told(LabelOrdered)
def _ordered(dossier: Dossier, event: LabelOrdered) -> Text:
    del dossier
    if event.replaces is not None:
        return text(
            "New label ordered from {provider}, in place of the one before: {option}",
            provider=event.provider,
            option=event.option.name,
        )
    if event.payer is WhoPays.CUSTOMER:
        return text(
            "Label ordered from {provider}, at the customer's expense: {option}",
            provider=event.provider,
            option=event.option.name,
        )
    return text("Label ordered from {provider}: {option}", provider=event.provider, option=event.option.name)


@told(LabelOrdered, to=CUSTOMER)
def _ordered_for_customer(dossier: Dossier, event: LabelOrdered) -> Text:
    del dossier
    if event.payer is WhoPays.CUSTOMER:
        return text("The shop is making a return label for you, at your expense")
    return text("The shop is making a return label for you")


@told(LabelPutOff)
def _put_off(dossier: Dossier, event: LabelPutOff) -> Text:
    del dossier
    return text("No label was made yet; it is ordered again automatically: {because}", because=_because(event.because))


@told(LabelUnclear)
def _unclear(dossier: Dossier, event: LabelUnclear) -> Text:
    del dossier
    return text("Whether the label was made is being looked up: {because}", because=_because(event.because))


@told(LabelRefused)
def _refused(dossier: Dossier, event: LabelRefused) -> Text:
    del dossier
    return text("No label was made: {because}", because=_because(event.because))


@told(LabelHeld)
def _held(dossier: Dossier, event: LabelHeld) -> Text:
    del dossier
    return text("The label waits for you: {because}", because=_because(event.because))


@told(LabelReported)
def _reported(dossier: Dossier, event: LabelReported) -> Text | None:
    label = dossier.labels[event.label_id]
    if event.again:
        return None
    if event.told is Told.REFUSED:
        return text("The carrier refused the label: {because}", because=_because(event.because))
    if event.told is Told.READY and event.cost is not None:
        return text("Label from {provider} ready; it costs {cost}", provider=label.provider, cost=event.cost)
    return text(_OF_LABEL[event.told].message, provider=label.provider)


@told(LabelReported, to=CUSTOMER)
def _reported_for_customer(dossier: Dossier, event: LabelReported) -> Text | None:
    del dossier
    what_it_costs = event.told is Told.READY and event.cost is not None and not event.became_ready
    return None if event.again or what_it_costs else _OF_LABEL_FOR_CUSTOMER.get(event.told)


@told(ParcelMoved, to=EVERYBODY)
def _moved(dossier: Dossier, event: ParcelMoved) -> Text:
    number = dossier.labels[event.label_id].tracking_number
    if number and event.progress in (ParcelState.ON_ITS_WAY, ParcelState.DELIVERED):
        return text(_WITH_NUMBER[event.progress].message, number=number)
    return _OF_PARCEL[event.progress]


@told(LabelCancelAsked)
def _cancel_asked(dossier: Dossier, event: LabelCancelAsked) -> Text:
    return text("{provider} was asked to cancel the label", provider=dossier.labels[event.label_id].provider)


@told(LabelCancelRefused)
def _cancel_refused(dossier: Dossier, event: LabelCancelRefused) -> Text:
    del dossier
    return text("The label could not be cancelled: {because}", because=_because(event.because))


@told(LabelSettled)
def _settled(dossier: Dossier, event: LabelSettled) -> Text:
    provider = dossier.labels[event.label_id].provider
    if event.made:
        return text("By hand: the label was made at {provider}", provider=provider)
    return text("By hand: no label was made at {provider}", provider=provider)


@told(LabelMisnamed)
def _misnamed(dossier: Dossier, event: LabelMisnamed) -> Text:
    provider = dossier.labels[event.label_id].provider
    return text(
        "{reference} is no label of this order at {provider}, so the label waits for you: {because}",
        reference=event.reference,
        provider=provider,
        because=_because(event.because),
    )


@told(LabelDocumentKept)
def _document_kept(dossier: Dossier, event: LabelDocumentKept) -> Text:
    del dossier, event
    return text("The label is kept here, since its provider gives it out only once")


@told(PortalLabelFound)
def _found_in_portal(dossier: Dossier, event: PortalLabelFound) -> Text:
    if not event.chosen:
        return text("The customer made a label in {provider}'s portal", provider=event.provider)
    return text(
        "The customer made a label in {provider}'s portal, and gave as his reason there: {lines}",
        provider=event.provider,
        lines=units_and_reasons(dossier, event.chosen, event.reasons, told_all=True),
    )


@told(PortalLabelFound, to=CUSTOMER)
def _found_in_portal_for_customer(dossier: Dossier, event: PortalLabelFound) -> Text:
    del dossier, event
    return text("You made a return label in the portal")


_OF_LABEL = {
    Told.ANNOUNCING: text("{provider} made the label and announces it to the carrier"),
    Told.READY: text("Label from {provider} ready"),
    Told.CANCELLING: text("{provider} is cancelling the label"),
    Told.CANCELLED: text("Label from {provider} cancelled"),
}

_OF_LABEL_FOR_CUSTOMER = {
    Told.READY: text("Your return label is ready"),
    Told.CANCELLED: text("Your return label cannot be used any more"),
}

_WITH_NUMBER = {
    ParcelState.ON_ITS_WAY: text("The carrier has the parcel: {number}"),
    ParcelState.DELIVERED: text("The parcel was delivered at the shop: {number}"),
}

_OF_PARCEL = {
    ParcelState.NOT_SENT: text("The parcel was not handed in yet"),
    ParcelState.ON_ITS_WAY: text("The carrier has the parcel"),
    ParcelState.AT_PICKUP_POINT: text("The parcel is at a pick-up point, where the shop fetches it"),
    ParcelState.DELAYED: text("The parcel is delayed"),
    ParcelState.DELIVERED: text("The parcel was delivered at the shop"),
    ParcelState.RETURNED_TO_SENDER: text("The parcel is on its way back to the customer"),
    ParcelState.LOST: text("The carrier says that the parcel is lost"),
    ParcelState.PROBLEM: text("The carrier holds the parcel up"),
    ParcelState.CANCELLED: text("The parcel was cancelled"),
    ParcelState.UNKNOWN: text("The carrier reports something about the parcel that is not known here"),
}
