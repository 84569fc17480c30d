"""The dossier: all that is known of one order's returns. The unit that is loaded, decided on and saved.

It is its events, folded: `retour.model.history`.
"""

from __future__ import annotations

import datetime
from collections.abc import Mapping

import attrs

from retour.model.attention import Acknowledgement, UnexplainedRemainder
from retour.model.errors import UnknownPayment, UnknownReceipt, UnknownRefund, UnknownReturn
from retour.model.fields import is_text, shown
from retour.model.money import Money, total
from retour.model.order import Order, Payment
from retour.model.refunds import Refund
from retour.model.returns import Extent, Return
from retour.model.text import text


@attrs.frozen(kw_only=True)
class Dossier:
    """All of one order's returns, stock movements and refunds as they are now.

    ``version`` is the ``seq`` of the last event, 0 where nothing happened yet; ``order`` is the order as it was last
    seen, without personal data, and ``payments`` every payment that it ever had, by its id, as that was last seen.
    ``returns`` and ``refunds`` are by their id, the oldest first. ``requests`` are the request_ids that were used:
    their digest and the ``seq`` of the command's first event.

    ``order_changed_at`` is when the shop's order was last seen to be another than before, None where it never was.
    ``unexplained`` are the payments of which less is left than anything explains, by the payment's id, and
    ``acknowledged`` is what a person has looked at, the last time for each.
    """

    order_id: str
    version: int = 0
    order: Order | None = None
    payments: Mapping[str, Payment] = attrs.field(factory=dict)
    returns: Mapping[str, Return] = attrs.field(factory=dict)
    refunds: Mapping[str, Refund] = attrs.field(factory=dict)
    requests: Mapping[str, tuple[str, int]] = attrs.field(factory=dict)
    order_changed_at: datetime.datetime | None = None
    unexplained: Mapping[str, UnexplainedRemainder] = attrs.field(factory=dict)
    acknowledged: tuple[Acknowledgement, ...] = ()

    def return_(self, return_id: str) -> Return:
        """The return called ``return_id``; raises `UnknownReturn`, naming the returns there are."""
        found = self.returns.get(return_id) if is_text(return_id) else None
        if found is None:
            raise UnknownReturn(
                text(
                    "Order {order} has no return {return_id}. Its returns: {returns}.",
                    order=self.order_id,
                    return_id=shown(return_id),
                    returns=list(self.returns) or [text("none")],
                )
            )
        return found

    def return_of_receipt(self, receipt_id: str) -> Return:
        """The return that ``receipt_id`` belongs to; raises `UnknownReceipt`."""
        for return_ in self.returns.values():
            if is_text(receipt_id) and receipt_id in return_.receipts:
                return return_
        raise UnknownReceipt(
            text(
                "Order {order} has no receipt {receipt}. Its receipts: {receipts}.",
                order=self.order_id,
                receipt=shown(receipt_id),
                receipts=[one for return_ in self.returns.values() for one in return_.receipts] or [text("none")],
            )
        )

    def claimed(self) -> dict[str, int]:
        """Units of each order line that are in live returns."""
        units: dict[str, int] = {}
        for return_ in self.returns.values():
            for line_id, claimed in return_.claimed().items():
                units[line_id] = units.get(line_id, 0) + claimed
        return units

    def came_back(self) -> dict[str, int]:
        """Units of each order line's own product that are really here again, sellable or damaged."""
        units: dict[str, int] = {}
        for return_ in self.returns.values():
            if return_.live:
                for line_id, count in return_.counted.items():
                    units[line_id] = units.get(line_id, 0) + count.came_back
        return units

    def absent(self) -> dict[str, int]:
        """Units of each order line that were counted and are not here: they can still come."""
        units: dict[str, int] = {}
        for return_ in self.returns.values():
            for line_id, absent in return_.absent().items() if return_.live else ():
                units[line_id] = units.get(line_id, 0) + absent
        return units

    @property
    def extent(self) -> Extent:
        """How much of the order, as last seen, is here again."""
        if self.order is None:
            return Extent.PART
        here = self.came_back()
        return extent_of(self.order, here)

    def excess_over_order(self) -> dict[str, int]:
        """What already happened beyond the shop's order as last seen.

        Per line the units in returns above those fulfilled, per payment the minor units refunded above what was
        captured, or all of them where some are of another currency and cannot be counted with the rest; empty when the
        order agrees. Somebody has to look at it.
        """
        if self.order is None:
            return {}
        fulfilled = {line.id: line.fulfilled for line in self.order.lines}
        captured = {payment.id: payment.captured.minor for payment in self.order.payments}
        refunded: dict[str, int] = {}
        for refund in self.refunds.values():
            if refund.counts_against_payment:
                refunded[refund.payment] = refunded.get(refund.payment, 0) + refund.amount.minor
        for refund in self.in_another_currency(self.order.currency):
            captured.pop(refund.payment, None)
        over = {line_id: units - fulfilled.get(line_id, 0) for line_id, units in self.claimed().items()}
        over |= {payment: minor - captured.get(payment, 0) for payment, minor in refunded.items()}
        return {name: excess for name, excess in over.items() if excess > 0}

    def refunded(self, payment_id: str, currency: str) -> Money:
        """What went back on one payment in ``currency``, or is on its way: what has not certainly failed."""
        amounts = [
            one.amount for one in self.refunds.values() if one.payment == payment_id and one.counts_against_payment
        ]
        return total([amount for amount in amounts if amount.currency == currency], currency)

    def in_another_currency(self, currency: str, payment_id: str | None = None) -> list[Refund]:
        """The refunds that have not certainly failed and cannot be counted in ``currency``: the order is in another one
        than when they were made. Of one payment, or of all."""
        return [
            one
            for one in self.refunds.values()
            if one.counts_against_payment and one.amount.currency != currency and payment_id in (None, one.payment)
        ]

    def page(self, payment_id: str) -> str:
        """A payment's page as its provider last named it; empty where it never did."""
        pages = [one.page for one in self.refunds.values() if one.payment == payment_id and one.page]
        return pages[-1] if pages else ""

    def payment_of(self, order: Order, name: str) -> Payment:
        """A payment of ``order``, by its id or reference, also one that has left it: as it was last seen then. Raises
        `UnknownPayment`, naming those that it has now."""
        try:
            return order.payment(name)
        except UnknownPayment:
            for payment in self.payments.values():
                if is_text(name) and name in (payment.id, payment.reference):
                    return payment
            raise

    def refund(self, refund_id: str) -> Refund:
        """The refund called ``refund_id``; raises `UnknownRefund`, naming the refunds there are."""
        found = self.refunds.get(refund_id) if is_text(refund_id) else None
        if found is None:
            raise UnknownRefund(
                text(
                    "Order {order} has no refund {refund}. Its refunds: {refunds}.",
                    order=self.order_id,
                    refund=shown(refund_id),
                    refunds=list(self.refunds) or [text("none")],
                )
            )
        return found


def extent_of(order: Order, here: Mapping[str, int]) -> Extent:
    """How much of an order is here again, given the units of each of its lines that are: of one of which nothing was
    fulfilled, never all."""
    fulfilled = [line for line in order.goods if line.fulfilled]
    complete = bool(fulfilled) and all(here.get(line.id, 0) >= line.fulfilled for line in fulfilled)
    return Extent.FULL if complete else Extent.PART
