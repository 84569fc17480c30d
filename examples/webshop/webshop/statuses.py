"""The statuses of an order, as the merchant sets them. They are the shop's own: retour never writes one."""

from __future__ import annotations

from enum import StrEnum

from flask_babel import lazy_gettext as _l

from retour import OrderStatus


class Status(StrEnum):
    """Where an order is, in the order in which the merchant reads them."""

    PENDING = "pending"
    PAID = "paid"
    SHIPPED = "shipped"
    PICKED_UP = "picked_up"
    PARTLY_RETURNED = "partly_returned"
    RETURNED = "returned"
    CANCELED = "canceled"

    @property
    def words(self) -> str:
        """Its name in the reader's language."""
        return str(_WORDS[self])


_WORDS = {
    Status.PENDING: _l("Pending"),
    Status.PAID: _l("Paid"),
    Status.SHIPPED: _l("Shipped"),
    Status.PICKED_UP: _l("Picked up"),
    Status.PARTLY_RETURNED: _l("Partly returned"),
    Status.RETURNED: _l("Returned"),
    Status.CANCELED: _l("Cancelled"),
}

WITH_THE_CUSTOMER = frozenset({Status.SHIPPED, Status.PICKED_UP})
"""The goods went out."""

BY_RETOUR = {OrderStatus.PARTLY_RETURNED: Status.PARTLY_RETURNED, OrderStatus.RETURNED: Status.RETURNED}
"""What this shop makes of what came back; where nothing is here, an order keeps the status that it has."""
