"""A return and the order's own status, saved in one transaction."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from flask_babel import gettext as _
from flask_babel import ngettext
from sqlalchemy import Connection

from retour import OrderStatus, Outcome
from webshop.orders import locked_status, set_status
from webshop.running import RunningShop
from webshop.statuses import BY_RETOUR, Status


def saved_with_status(shop: RunningShop, order_id: str, commands: Callable[[Connection], Sequence[Outcome]]) -> Outcome:
    """Let the desk do ``commands`` on a connection of the shop's own, and write the status that follows from them in
    the same transaction: all of it is saved, or nothing is. Nobody else changes the order meanwhile. What follows from
    each is done after that; gives the outcome of the last."""
    with shop.engine.begin() as connection:
        before = locked_status(connection, order_id)
        outcomes = commands(connection)
        after = status_after(before, outcomes[-1].order_status)
        if after is not None and after is not before:
            set_status(connection, order_id, after)
    return [shop.desk.run(one) for one in outcomes][-1]


def status_after(before: Status | None, here: OrderStatus) -> Status | None:
    """What becomes of an order's status by what is here again of it.

    >>> status_after(Status.RETURNED, OrderStatus.NOT_RETURNED).value  # it was counted wrong
    'shipped'
    >>> status_after(Status.PAID, OrderStatus.NOT_RETURNED).value
    'paid'
    """
    if here in BY_RETOUR:
        return BY_RETOUR[here]
    return Status.SHIPPED if before in BY_RETOUR.values() else before


def nothing_changed() -> str:
    """What somebody reads who sent a form again, of which all was saved the first time."""
    return str(_("Nothing has changed: this had been saved before."))


def told(outcome: Outcome) -> str:
    """What a merchant reads after he saved a return."""
    if not outcome.changed:
        return nothing_changed()
    restocked = sum(sum(one.restock.restocked.values()) for one in outcome.returns)
    by_hand = sum(sum(one.restock.by_hand.values()) for one in outcome.returns)
    parts = [_("The return is saved.")]
    if restocked:
        parts.append(ngettext("%(num)d unit is back in stock.", "%(num)d units are back in stock.", restocked))
    if by_hand:
        parts.append(ngettext("Book %(num)d unit in stock yourself.", "Book %(num)d units in stock yourself.", by_hand))
    return " ".join(parts)
