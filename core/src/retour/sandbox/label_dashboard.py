"""The dashboard of a shipping provider, as far as what all of them have goes: labels, and what carriers do."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from retour.model.labels import LABEL_WORDS, PARCEL_WORDS, LabelState, Told
from retour.model.text import Text, text
from retour.sandbox.dashboard_contract import DashboardAction, DashboardField, DashboardTable, FieldKind
from retour.sandbox.every_dashboard import EVERYWHERE, HOLD
from retour.sandbox.shipping_sandbox import BookedLabel, HasPortal

CARRIED = (Told.READY, Told.CANCELLING)
"""How far a label is whose parcel a carrier can have."""


LABELS = DashboardTable(
    name="labels",
    title=text("Labels"),
    things=lambda sandbox: sandbox.books(),
    called=lambda label: label.reference,
    columns=(
        (text("Order"), lambda _, label: label.order_id),
        (text("Label"), lambda _, label: LABEL_WORDS[LabelState(label.told.value)]),
        (text("Parcel"), lambda _, label: PARCEL_WORDS[label.progress]),
        (text("Charged"), lambda _, label: label.charged),
        (text("Number in your shop"), lambda _, label: label.label_id),
    ),
    details=lambda sandbox, label: sandbox.asked_of(label.reference),
)

LABEL_TABLES: Sequence[DashboardTable] = (LABELS,)


def _can_be_carried(_: Any, label: BookedLabel) -> bool:
    return label.told in CARRIED


def _moves(name: str, label: Text, method: str, done: Text) -> DashboardAction:
    return DashboardAction(name=name, label=label, method=method, table="labels", offered=_can_be_carried, done=done)


MOVES = (
    _moves("scan", text("Scan it"), "scan", text("The carrier has the parcel of {of}.")),
    _moves("deliver", text("Deliver it to the shop"), "deliver", text("The parcel of {of} is at the shop.")),
    _moves("lose", text("Lose it"), "lose", text("The carrier has lost the parcel of {of}.")),
    _moves("send-back", text("Send it back to the customer"), "send_back", text("The parcel of {of} goes back.")),
)
"""What a carrier says of a parcel."""

REFUSE = DashboardAction(
    name="refuse",
    label=text("Let the carrier refuse the next label"),
    method="refuse",
    fields=(DashboardField(name="because", label=text("What the carrier says"), suggested="Address is not served"),),
    done=text("The carrier refuses the next label."),
)

SEND = DashboardAction(
    name="send",
    label=text("Send a parcel to a customer"),
    method="send",
    needs=HasPortal,
    fields=(
        DashboardField(name="order_id", label=text("Order")),
        DashboardField(name="postal_code", label=text("Postal code"), suggested="1012 LM"),
    ),
    done=text("Order {order_id} was sent: {made}"),
)

RETURN_IN_PORTAL = DashboardAction(
    name="portal",
    label=text("Return as the customer, in the portal"),
    method="return_in_portal",
    needs=HasPortal,
    fields=(
        DashboardField(name="order_id", label=text("Order")),
        DashboardField(
            name="items",
            label=text("What comes back"),
            kind=FieldKind.UNITS,
            hint=text("The product's SKU and how many, one on each line, as in: teapot 2"),
        ),
    ),
    done=text("The customer has made return {made} in the portal."),
)

LABEL_ACTIONS: Sequence[DashboardAction] = (SEND, RETURN_IN_PORTAL, REFUSE, *EVERYWHERE, *HOLD, *MOVES)
