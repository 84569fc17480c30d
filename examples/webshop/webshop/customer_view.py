"""All that a customer's pages show: his order, its returns with their labels, and what he can do about each."""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence

import attrs
from flask import abort

from retour import (
    Actor,
    CanDo,
    DeskStep,
    Dossier,
    Label,
    LabelForm,
    LabelState,
    Order,
    Return,
    Severity,
    Text,
    TimelineEntry,
)
from webshop.running import RunningShop


@attrs.frozen(kw_only=True)
class CustomerReturn:
    """One return as its customer sees it, and what he can do now: ``steps`` with it, ``label_steps`` with the label to
    use. ``today`` is the day in the shop's zone."""

    return_: Return
    steps: Sequence[DeskStep]
    label_steps: Sequence[DeskStep]
    labels: Sequence[Label]
    label: Label | None
    """The label to use, or the one that is being made."""

    tracking_page: str
    history: Sequence[TimelineEntry]
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
    def refused(self) -> Label | None:
        """The newest label, where it was refused."""
        newest = self.labels[-1] if self.labels else None
        return newest if newest is not None and newest.state is LabelState.REFUSED else None

    @property
    def can_be_shown(self) -> bool:
        """Whether its label can be printed, or its code shown."""
        return DeskStep.LABEL_DOCUMENT in self.label_steps

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
        return DeskStep.ORDER_LABEL in (*self.steps, *self.label_steps)

    @property
    def can_cancel_label(self) -> bool:
        """Whether its provider can be asked to take its label back."""
        return DeskStep.CANCEL_LABEL in self.label_steps

    @property
    def can_send_himself(self) -> bool:
        """Whether he can say that he sent it himself, without a label."""
        return DeskStep.MARK_SENT in self.steps and self.label is None

    @property
    def can_cancel(self) -> bool:
        """Whether he can say that it will not come."""
        return DeskStep.CANCEL_RETURN in self.steps

    @property
    def moving(self) -> bool:
        """Whether something of it changes soon without anybody's doing."""
        return any(one.state in _CHANGES_SOON or (one.cancel_asked and one.open) for one in self.labels)


_CHANGES_SOON = frozenset({LabelState.ORDERED, LabelState.UNKNOWN, LabelState.ANNOUNCING, LabelState.CANCELLING})


@attrs.frozen(kw_only=True)
class CustomerOrder:
    """An order as its customer sees it."""

    order: Order
    dossier: Dossier
    can_do: CanDo
    history: Sequence[TimelineEntry]

    @property
    def returns(self) -> Sequence[Return]:
        """Its returns, the oldest first."""
        return list(self.dossier.returns.values())

    @property
    def can_come_back(self) -> Mapping[str, int]:
        """Units per order line that he has, and of which he has not said that they come back."""
        return self.can_do.to_request


def customer_order(shop: RunningShop, order_id: str) -> CustomerOrder:
    """The order, with all that its customer may read of it. 404 where the shop has it no more."""
    order = shop.port.order(order_id) or abort(404)
    return CustomerOrder(
        order=order,
        dossier=shop.desk.dossier(order_id),
        can_do=shop.desk.can_do(order_id, by=Actor.customer(order.customer)),
        history=shop.desk.timeline(order_id, "customer"),
    )


def customer_return(shop: RunningShop, seen: CustomerOrder, return_id: str) -> CustomerReturn:
    """A return of the order; 404 for one that is none of its."""
    return_ = seen.dossier.returns.get(return_id) or abort(404)
    labels = seen.dossier.labels_of(return_id)
    to_use = next((one for one in reversed(labels) if one.open), None)
    return CustomerReturn(
        return_=return_,
        steps=seen.can_do.returns[return_id],
        label_steps=() if to_use is None else seen.can_do.labels[to_use.id],
        labels=labels,
        label=to_use,
        tracking_page=shop.desk.tracking_page(seen.order.id, return_id),
        history=[one for one in seen.history if one.return_number == return_.number],
        today=shop.now.date(),
    )
