"""What happened to the labels of one order's return, with what a test is not about filled in."""

from __future__ import annotations

from typing import Any

from retour import Actor
from retour.model.events.labels import (
    LabelCancelAsked,
    LabelCancelRefused,
    LabelOrdered,
    LabelRefused,
    LabelReported,
    LabelSettled,
    LabelUnclear,
    ParcelMoved,
    PortalLabelFound,
)
from retour.model.labels import LabelOption, ParcelState, Told
from retour.model.parcels import Parcel
from retour.model.reasons import ReasonCode, reason
from retour.model.refunds import Evidence
from retour.rules.label_reports import ReportedShipment

CARRIER = Actor.provider("sendcloud")

DROP_OFF = LabelOption(code="postnl:drop_off", name="PostNL drop-off", carrier="postnl")


def ordered(label_id: str, return_id: str = "rt", **more: Any) -> LabelOrdered:
    """A label was decided on, and is being asked for."""
    return LabelOrdered(
        **{
            "label_id": label_id,
            "return_id": return_id,
            "provider": "sendcloud",
            "option": DROP_OFF,
            "parcel": Parcel(weight_grams=1000),
            "addresses_id": "nt-addresses",
            **more,
        }
    )


def told(label_id: str, word: Told = Told.READY, reference: str = "sc_1", **more: Any) -> LabelReported:
    """The provider said what became of it, when we asked."""
    return LabelReported(
        **{
            "return_id": "rt",
            "label_id": label_id,
            "told": word,
            "evidence": Evidence.ANSWER,
            "reference": reference,
            **more,
        }
    )


def moved(label_id: str, progress: ParcelState = ParcelState.ON_ITS_WAY, **more: Any) -> ParcelMoved:
    """Its parcel got further."""
    return ParcelMoved(**{"return_id": "rt", "label_id": label_id, "progress": progress, **more})


def lost_answer(label_id: str) -> LabelUnclear:
    """No answer came: it may have been made."""
    return LabelUnclear(return_id="rt", label_id=label_id, because=reason(ReasonCode.OUTCOME_UNKNOWN))


def not_made(label_id: str) -> LabelRefused:
    """The provider refused it for good."""
    return LabelRefused(return_id="rt", label_id=label_id, because=reason(ReasonCode.INVALID_REQUEST))


def said_made(label_id: str, reference: str = "", *, made: bool = True) -> LabelSettled:
    """A person said whether it was made, and what it is called."""
    return LabelSettled(return_id="rt", label_id=label_id, made=made, reference=reference)


def wanted_back(label_id: str, return_id: str = "rt") -> LabelCancelAsked:
    """The provider is asked to take it back."""
    return LabelCancelAsked(return_id=return_id, label_id=label_id)


def kept(label_id: str) -> LabelCancelRefused:
    """It could not be taken back."""
    return LabelCancelRefused(return_id="rt", label_id=label_id, because=reason(ReasonCode.NOT_CANCELLABLE))


def in_portal(label_id: str, return_id: str = "rt", reference: str = "sc_9", **more: Any) -> PortalLabelFound:
    """The customer made it in the provider's portal."""
    return PortalLabelFound(
        **{
            "label_id": label_id,
            "return_id": return_id,
            "provider": "sendcloud",
            "told": Told.READY,
            "evidence": Evidence.WEBHOOK,
            "reference": reference,
            **more,
        }
    )


def shown(word: Told = Told.READY, reference: str = "sc_1", **more: Any) -> ReportedShipment:
    """A label and its parcel as the provider shows them."""
    return ReportedShipment(told=word, reference=reference, **more)
