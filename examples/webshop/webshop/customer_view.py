"""All that a customer's pages show: his order, its returns with their labels, and what he can do about each."""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence
from zoneinfo import ZoneInfo

import attrs
from flask import abort

from retour import Dossier, GoodsState, Label, LabelForm, LabelState, Order, Return, Severity, Text, TimelineEntry
from webshop.running import RunningShop


@attrs.frozen(kw_only=True)
class CustomerReturn:
    """One return as its customer sees it. ``today`` is the day in the shop's zone."""

    return_: Return
    labels: Sequence[Label]
    tracking_page: str
    history: Sequence[TimelineEntry]
    carrier_has_it: bool
    today: datetime.date

    @property
    def instructions(self) -> str:
        """What the shop told him last to do; empty where it told nothing."""
        return next((one.instructions for one in reversed(self.history) if one.instructions), "")

    @property
    def refusals(self) -> Sequence[Text]:
        """Why the shop's rules refuse it, each in words for the customer. What is only to be looked at is the staff's
        to read."""
        return [one.because.words for one in self.return_.objections if one.severity is Severity.REFUSE and one.because]

    @property
    def label(self) -> Label | None:
        """The label to use, or the one that is being made."""
        return next((one for one in reversed(self.labels) if one.open), None)

    @property
    def refused(self) -> Label | None:
        """The newest label, where it was refused."""
        newest = self.labels[-1] if self.labels else None
        return newest if newest is not None and newest.state is LabelState.REFUSED else None

    @property
    def can_be_shown(self) -> bool:
        """Whether its label can be printed, or its code shown."""
        label = self.label
        return label is not None and label.state is LabelState.READY and not label.cancel_asked and not self.is_too_late

    @property
    def is_too_late(self) -> bool:
        """Whether the last day of its label has passed."""
        until = None if self.label is None else self.label.valid_until
        return until is not None and until < self.today

    @property
    def is_code(self) -> bool:
        """Whether there is a code to show, and nothing to print."""
        option = None if self.label is None else self.label.option
        return option is not None and option.form is LabelForm.QR_CODE

    @property
    def can_order_label(self) -> bool:
        """Whether a label can be made for it, the first or another one in the place of one that nobody used."""
        if self.return_.goods is not GoodsState.APPROVED:
            return False
        return self.label is None or not (self.label.scanned or self.label.may_be_made or self.label.cancel_asked)

    @property
    def can_cancel_label(self) -> bool:
        """Whether its provider can be asked to take its label back."""
        label = self.label
        return (
            label is not None
            and label.state in (LabelState.ANNOUNCING, LabelState.READY)
            and bool(label.reference)
            and not (label.scanned or label.cancel_asked)
        )

    @property
    def can_send_himself(self) -> bool:
        """Whether he can say that he sent it himself."""
        on_its_way = self.return_.goods in (GoodsState.APPROVED, GoodsState.IN_TRANSIT)
        return on_its_way and self.label is None and not self.carrier_has_it

    @property
    def can_cancel(self) -> bool:
        """Whether he can say that it will not come."""
        return self.return_.goods in _CAN_BE_CANCELLED and not self.carrier_has_it

    @property
    def moving(self) -> bool:
        """Whether something of it changes soon without anybody's doing."""
        return any(one.state in _CHANGES_SOON or (one.cancel_asked and one.open) for one in self.labels)


_CAN_BE_CANCELLED = frozenset({GoodsState.REQUESTED, GoodsState.APPROVED, GoodsState.IN_TRANSIT})
_CHANGES_SOON = frozenset({LabelState.ORDERED, LabelState.UNKNOWN, LabelState.ANNOUNCING, LabelState.CANCELLING})


@attrs.frozen(kw_only=True)
class CustomerOrder:
    """An order as its customer sees it."""

    order: Order
    dossier: Dossier
    history: Sequence[TimelineEntry]

    @property
    def returns(self) -> Sequence[Return]:
        """Its returns, the oldest first."""
        return list(self.dossier.returns.values())

    @property
    def can_come_back(self) -> Mapping[str, int]:
        """Units per order line that he has, and of which he has not said that they come back."""
        taken = self.dossier.claimed()
        left = {line.id: line.fulfilled - taken.get(line.id, 0) for line in self.order.goods}
        return {line_id: units for line_id, units in left.items() if units > 0}


def customer_order(shop: RunningShop, order_id: str) -> CustomerOrder:
    """The order, with all that its customer may read of it. 404 where the shop has it no more."""
    order = shop.port.order(order_id) or abort(404)
    return CustomerOrder(
        order=order, dossier=shop.desk.dossier(order_id), history=shop.desk.timeline(order_id, "customer")
    )


def customer_return(shop: RunningShop, seen: CustomerOrder, return_id: str) -> CustomerReturn:
    """A return of the order; 404 for one that is none of its."""
    return_ = seen.dossier.returns.get(return_id) or abort(404)
    return CustomerReturn(
        return_=return_,
        labels=seen.dossier.labels_of(return_id),
        tracking_page=shop.desk.tracking_page(seen.order.id, return_id),
        history=[one for one in seen.history if one.return_number == return_.number],
        carrier_has_it=seen.dossier.carrier_has(return_id),
        today=datetime.datetime.now(ZoneInfo(shop.zone)).date(),
    )
