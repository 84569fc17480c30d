"""What the dashboard of Sendcloud's sandbox has beyond that of others: parcels to customers, and returns by hand."""

from __future__ import annotations

from retour.providers import TextDomain
from retour.sandbox import LABEL_ACTIONS, LABEL_TABLES, DashboardAction, DashboardField, DashboardTable

text = TextDomain("retour_sendcloud").text

PARCELS = DashboardTable(
    name="parcels",
    title=text("Parcels to customers"),
    things=lambda sandbox: sandbox.parcels_sent,
    called=lambda parcel: parcel.tracking_number,
    columns=(
        (text("Order"), lambda _, parcel: parcel.order_number),
        (text("Postal code"), lambda _, parcel: parcel.postal_code),
        (text("Page of the return portal"), lambda _, parcel: parcel.portal),
    ),
)

TABLES = (*LABEL_TABLES, PARCELS)

ACTIONS = (
    *LABEL_ACTIONS,
    DashboardAction(
        name="panel",
        label=text("Make a return by hand"),
        method="return_in_panel",
        fields=(DashboardField(name="order_id", label=text("Order")),),
        explains=text("As in the panel's own form. No webhook tells of it."),
        done=text("Return {made} is made."),
    ),
)
