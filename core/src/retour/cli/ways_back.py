"""How the goods of an order came back, as its returns and labels have it."""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum

from retour.model.carriers import carrier_of
from retour.model.dossier import Dossier
from retour.model.frozen import frozen
from retour.model.labels import Label, LabelForm
from retour.model.returns import Return


class CameBy(Enum):
    """How goods came back."""

    PORTAL = "portal"
    LABEL = "label"
    QR_CODE = "qr code"
    SELF = "self"
    BROUGHT = "brought"


@frozen(order=True)
class WayBack:
    """How goods came back, and ``who`` made the label or brought the parcel: a provider's name, or a carrier as people
    call it."""

    by: CameBy
    who: str = ""


def ways_back(dossier: Dossier) -> frozenset[WayBack]:
    """How the goods of an order came back that are there."""
    found = set()
    for return_ in dossier.returns.values():
        if return_.live and any(count.came_back for count in return_.counted.values()):
            found |= _ways_of(return_, [label for label in dossier.labels_of(return_.id) if label.scanned])
    return frozenset(found)


def _ways_of(return_: Return, labels: Sequence[Label]) -> set[WayBack]:
    if labels:
        return {WayBack(_came_by(label), label.provider) for label in labels}
    if return_.sent_on is not None or return_.carrier:
        known = carrier_of(return_.carrier)
        return {WayBack(CameBy.SELF, return_.carrier if known is None else known.name)}
    return {WayBack(CameBy.BROUGHT)}


def _came_by(label: Label) -> CameBy:
    if label.in_portal:
        return CameBy.PORTAL
    code = label.option is not None and label.option.form is LabelForm.QR_CODE
    return CameBy.QR_CODE if code else CameBy.LABEL
