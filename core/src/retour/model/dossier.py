"""The dossier: all that is known of one order's returns. The unit that is loaded, decided on and saved.

It is its events, folded: `retour.model.history`.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar, cast

import attrs

from retour.model.attention import Acknowledgement, AttentionKind, HiddenRefunds, OddLine, UnexplainedRemainder
from retour.model.charge_backs import ChargeBack, Dispute
from retour.model.errors import UnknownLabel, UnknownPayment, UnknownReceipt, UnknownRefund, UnknownReturn
from retour.model.fields import is_text, shown
from retour.model.frozen import frozen
from retour.model.labels import Label
from retour.model.money import Money, total
from retour.model.order import Order, Payment
from retour.model.outcome import RestockQuestion, restock_question
from retour.model.payment_identity import PaymentIdentity, one_payment
from retour.model.prices import changes_of_price, prices_of
from retour.model.reasons import Reason
from retour.model.refunds import Refund, RefundState
from retour.model.returns import Extent, OrderStatus, Return
from retour.model.tally import Tally
from retour.model.text import text
from retour.model.when import When

_Told = TypeVar("_Told")
_Reckoned = TypeVar("_Reckoned")


@frozen(kw_only=True)
class Dossier:
    """All of one order's returns, stock movements and refunds as they are now."""

    order_id: str
    """The host's id of the order."""

    version: int = 0
    """The ``seq`` of the last event; 0 where nothing happened yet."""

    order: Order | None = None
    """The order as it was last seen, without personal data; None where it was never read."""

    payments: Mapping[str, Payment] = attrs.field(factory=dict)
    """Every payment that the order ever had, by its id, as that was last seen."""

    identities: Mapping[str, PaymentIdentity] = attrs.field(factory=dict)
    """What its provider calls a payment, by its id."""

    one_with: Mapping[str, str] = attrs.field(factory=dict)
    """Of a payment that is one with another, which of them stands for both; both by their ids."""

    explained: Mapping[str, str] = attrs.field(factory=dict)
    """What a person said that a payment became which left the order; both by their ids."""

    left_behind: frozenset[str] = frozenset()
    """The ids of payments of which a person said that they are no part of the order any more."""

    returns: Mapping[str, Return] = attrs.field(factory=dict)
    """By their id, the oldest first."""

    refunds: Mapping[str, Refund] = attrs.field(factory=dict)
    """By their id, the oldest first."""

    labels: Mapping[str, Label] = attrs.field(factory=dict)
    """By their id, the oldest first."""

    counted_on: Mapping[str, Order] = attrs.field(factory=dict)
    """The order as it was when a receipt was counted, by the receipt's id, where it is another now."""

    odd_lines: Mapping[str, OddLine] = attrs.field(factory=dict)
    """Those of the order that cannot be right, by the line's id."""

    requests: Mapping[str, tuple[str, int]] = attrs.field(factory=dict)
    """The request_ids that were used: the digest of what was asked, and the ``seq`` of the command's first event."""

    charge_backs: Mapping[str, ChargeBack] = attrs.field(factory=dict)
    """What banks have taken back of payments, by the payment's id."""

    disputes: Mapping[str, Dispute] = attrs.field(factory=dict)
    """Those about payments that nobody has decided yet, by the payment's id."""

    not_refundable: Mapping[str, Reason] = attrs.field(factory=dict)
    """Why nothing of a payment can go back by its provider, now or ever, by the payment's id."""

    reversals: Mapping[str, When] = attrs.field(factory=dict)
    """Since when a provider tells that money of a payment was taken back, and does not show how much, by the payment's
    id."""

    payments_known: When | None = None
    """When something of its payments was last learnt, from the shop or a provider; None where nothing was."""

    order_changed: When | None = None
    """When the shop's order was last seen to be another than before; None where it never was."""

    unexplained: Mapping[str, UnexplainedRemainder] = attrs.field(factory=dict)
    """The payments of which less is left than anything explains, by the payment's id."""

    hidden_refunds: Mapping[str, HiddenRefunds] = attrs.field(factory=dict)
    """The payments of which the provider shows no refunds, whether there are any or not, by the payment's id."""

    acknowledged: tuple[Acknowledgement, ...] = ()
    """What a person has looked at, the last time for each."""

    _tally: Tally | None = attrs.field(default=None, init=False, eq=False, repr=False)
    _reckoned: dict[Any, tuple[object, Any]] = attrs.field(factory=dict, init=False, eq=False, repr=False)

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
                ),
                in_code=f"return_id: {', '.join([repr(one) for one in self.returns])}" if self.returns else "",
            )
        return found

    def restock_question(self, return_id: str) -> RestockQuestion | None:
        """The question about the stock of a return, as its command gave it: for a page that shows it later, or again.
        None where nothing is asked; ``because`` is of the command alone. Raises `UnknownReturn`."""
        return_ = self.return_(return_id)
        if self.order is None or not return_.question_open:
            return None
        return restock_question(return_.undecided(self.order))

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

    def label(self, label_id: str) -> Label:
        """The label called ``label_id``; raises `UnknownLabel`, naming the labels there are."""
        found = self.labels.get(label_id) if is_text(label_id) else None
        if found is None:
            raise UnknownLabel(
                text(
                    "Order {order} has no label {label}. Its labels: {labels}.",
                    order=self.order_id,
                    label=shown(label_id),
                    labels=list(self.labels) or [text("none")],
                )
            )
        return found

    def carrier_has(self, return_id: str) -> bool:
        """Whether a carrier has, or had, a parcel of a return by one of its labels."""
        return any(label.scanned for label in self.labels_of(return_id))

    def labels_of(self, return_id: str) -> list[Label]:
        """The labels of a return, the oldest first."""
        return [label for label in self.labels.values() if label.return_id == return_id]

    def _all_units(self) -> Tally:
        """How many units of each line are where, added up when it is first asked for."""
        if self._tally is None:
            object.__setattr__(self, "_tally", Tally.of(self.returns.values()))  # it follows from what is frozen
        return cast("Tally", self._tally)

    def _tally_with(self, returns: Mapping[str, Return]) -> Tally:
        """The units of all returns when these, by their id, have taken the place of what was there."""
        if not returns:
            return self._all_units()
        tally = self._all_units().copy()
        for return_id, return_ in returns.items():
            tally.replace(self.returns.get(return_id), return_)
        return tally

    def reckoned(self, reckon: Callable[[Dossier, Order], _Reckoned], order: Order) -> _Reckoned:
        """What ``reckon`` makes of the units that came back and of the lines of ``order``, reckoned once for both: one
        command asks for it several times. It must read nothing else of the dossier or of the order, and nobody may
        write into what it gives."""
        of = reckon, id(order.lines), order.currency
        found = self._reckoned.get(of)
        if found is None:
            found = self._reckoned[of] = order.lines, reckon(self, order)  # kept, nothing else can get the lines' id
        return cast("_Reckoned", found[1])

    def claimed(self) -> dict[str, int]:
        """Units of each order line that are in live returns."""
        return {**self._all_units().claimed}

    def came_back(self) -> dict[str, int]:
        """Units of each order line's own product that are really here again, sellable, damaged or not inspected yet."""
        return {**self._all_units().came_back}

    def counted(self, order: Order) -> list[tuple[Order, dict[str, int]]]:
        """The units that `came_back`, the oldest first and apart where the order was changed between: with the order as
        it was when they were counted. ``order`` is as it is now: it stands for a line that had no price then."""
        if not self.counted_on:  # then all of them were counted on the same order
            here = self.came_back()
            return [(order, here)] if here else []
        found: list[tuple[Order, dict[str, int]]] = []
        for _, on, counted in self.counted_on_returns(order):
            if not found or found[-1][0] is not on:
                found.append((on, {}))
            units = found[-1][1]
            for line_id, number in counted.items():
                units[line_id] = units.get(line_id, 0) + number
        return found

    def counted_on_returns(self, order: Order) -> list[tuple[str, Order, dict[str, int]]]:
        """The same apart for each return, named by its id: a return is there as often as units of others came
        between."""
        return self.reckoned(Dossier._counted_on_returns, order)

    def _counted_on_returns(self, order: Order) -> list[tuple[str, Order, dict[str, int]]]:
        found: list[tuple[str, Order, dict[str, int]]] = []
        priced = {id(was): prices_of(was).paid.keys() for was in self.counted_on.values()}
        for return_id, was, line_id, number in self.reckoned(Dossier._came_back_one_by_one, order):
            on = was if line_id in priced.get(id(was), ()) else order
            if not found or found[-1][0] != return_id or found[-1][1] is not on:
                found.append((return_id, on, {}))
            units = found[-1][2]
            units[line_id] = units.get(line_id, 0) + number
        return found

    def _came_back_one_by_one(self, order: Order) -> list[tuple[str, Order, str, int]]:
        """How many units of a line came back with each receipt, the oldest first: the return, the order as it was then,
        the line and the units."""
        live = [(one.id, receipt) for one in self.returns.values() if one.live for receipt in one.receipts.values()]
        live.sort(key=lambda one: one[1].opened)
        return [
            (return_id, self.counted_on.get(receipt.id, order), line_id, count.came_back)
            for return_id, receipt in live
            for line_id, count in receipt.lines.items()
        ]

    def back_and_on(self, order: Order) -> dict[str, int]:
        """The units that `came_back` and are still on ``order``, as it is now: a shop that takes as many off a line has
        taken those, each once."""
        if not self.counted_on:
            return self.came_back()
        ordered_on = {id(one.lines): _ordered(one) for one in (order, *self.counted_on.values())}
        came: dict[str, list[tuple[int, int]]] = {}
        for _, was, line_id, number in self.reckoned(Dossier._came_back_one_by_one, order):
            came.setdefault(line_id, []).append((ordered_on[id(was.lines)].get(line_id, 0), number))
        ordered = _ordered(order)
        return {line_id: _still_on(counts, ordered.get(line_id, 0)) for line_id, counts in came.items()}

    def changed_lines(self, order: Order) -> dict[str, Reason]:
        """The lines that are gone from ``order``, as it is now, or have another price there than when units of them
        came back and were counted; each with what is to be said of it."""
        changed: dict[str, Reason] = {}
        for counted_on, units in self.counted(order) if self.counted_on else ():
            if counted_on.lines is not order.lines:
                came = [line_id for line_id, number in units.items() if number]
                changed |= changes_of_price(counted_on, order, came)
        return changed

    def absent(self) -> dict[str, int]:
        """Units of each order line that were counted and are not here: they can still come."""
        return {**self._all_units().absent}

    def surplus(self) -> dict[str, int]:
        """Units of each order line's product that came beyond all that was delivered on it."""
        return {**self._all_units().surplus}

    def to_inspect(self) -> dict[str, int]:
        """Units of each order line that are here and that nobody has judged yet."""
        return {**self._all_units().to_inspect}

    @property
    def extent(self) -> Extent:
        """How much of the order, as last seen, is here again."""
        return Extent.PART if self.order is None else self.reckoned(Dossier._extent, self.order)

    def _extent(self, order: Order) -> Extent:
        return extent_of(order, self._all_units().came_back)

    @property
    def order_status(self) -> OrderStatus:
        """What the host can make of its own order's status."""
        if self.extent is Extent.FULL:
            return OrderStatus.RETURNED
        return OrderStatus.PARTLY_RETURNED if self._all_units().came_back else OrderStatus.NOT_RETURNED

    def excess_over_order(self) -> dict[str, int]:
        """What already happened beyond the shop's order as last seen.

        Per line the units in returns above those fulfilled, per payment the minor units that went back above what was
        captured, by refunds and by a bank, or all of them where some are of another currency and cannot be counted with
        the rest; empty when the order agrees. Somebody has to look at it.
        """
        if self.order is None:
            return {}
        fulfilled = {line.id: line.fulfilled for line in self.order.lines}
        captured = {payment.id: payment.captured.minor for payment in self.order.payments}
        refunded: dict[str, int] = {}
        for refund in self.refunds.values():
            if refund.counts_against_payment and not self.is_left_behind(refund.payment):
                stands = self.stands_for(refund.payment)
                refunded[stands] = refunded.get(stands, 0) + refund.amount.minor
        for payment in refunded if self.charge_backs else ():
            refunded[payment] += self.charged_back(payment, self.order.currency).minor
        for refund in self.in_another_currency(self.order.currency):
            captured.pop(self.stands_for(refund.payment), None)
        over = {line_id: units - fulfilled.get(line_id, 0) for line_id, units in self._all_units().claimed.items()}
        over |= {payment: minor - captured.get(payment, 0) for payment, minor in refunded.items()}
        return {name: excess for name, excess in over.items() if excess > 0}

    # --- payments, each counted once however it is spelled -----------------------------------------------

    def stands_for(self, payment_id: str) -> str:
        """The id of the payment that stands for this one and all that are one with it."""
        return self.one_with.get(payment_id, payment_id)

    def on_payment(self, payment_id: str) -> list[Refund]:
        """The refunds of one payment, by whatever name it had when they were made."""
        stands = self.stands_for(payment_id)
        return [one for one in self.refunds.values() if self.stands_for(one.payment) == stands]

    def refunded(self, payment_id: str, currency: str) -> Money:
        """What went back on one payment in ``currency``, or is on its way: what has not certainly failed."""
        counting = self._once([one for one in self.on_payment(payment_id) if one.counts_against_payment])
        return total([one.amount for one in counting if one.amount.currency == currency], currency)

    def charged_back(self, payment_id: str, currency: str) -> Money:
        """What a bank has taken back of one payment in ``currency``, by whatever name it has: of each payment at its
        provider what was told last, and all of those together that a person calls one."""
        stands = self.stands_for(payment_id)
        return self._charged_back(currency, lambda name: self.stands_for(name) == stands)

    def charged_back_there(self, payment_id: str, currency: str) -> Money:
        """What a bank has taken back of one payment as its provider has it, whatever a person said that it became."""
        same = self.same_there()
        there = same.get(payment_id, payment_id)
        return self._charged_back(currency, lambda name: same.get(name, name) == there)

    def _charged_back(self, currency: str, is_meant: Callable[[str], bool]) -> Money:
        if not self.charge_backs:
            return Money.zero(currency)
        same = self.same_there()
        last: dict[str, ChargeBack] = {}
        for name, one in self.charge_backs.items():
            before = last.get(same.get(name, name))
            if is_meant(name) and one.amount.currency == currency and (before is None or before.told < one.told):
                last[same.get(name, name)] = one
        return total([one.amount for one in last.values()], currency)

    def same_there(self) -> Mapping[str, str]:
        """Of each payment that is the same as another at its provider, the id of the one that stands for them."""
        return one_payment(self.order, self.payments, self.identities, {}) if self.explained else self.one_with

    def charge_backs_on(self, payment_id: str) -> list[ChargeBack]:
        """What was told of banks about one payment, by each name that it has or had."""
        stands = self.stands_for(payment_id)
        return [one for name, one in self.charge_backs.items() if self.stands_for(name) == stands]

    def dispute(self, payment_id: str) -> Dispute | None:
        """The dispute about one payment, by whatever name it has, that nobody has decided; None where there is none."""
        stands = self.stands_for(payment_id)
        return next((one for name, one in self.disputes.items() if self.stands_for(name) == stands), None)

    def dispute_there(self, payment_id: str) -> Dispute | None:
        """The same of one payment as its provider has it, whatever a person said that it became."""
        return self._there(self.disputes, payment_id)

    def not_refundable_because(self, payment_id: str) -> Reason | None:
        """Why nothing of one payment can go back by its provider, by whatever name it has; None where it can, or nobody
        said."""
        stands = self.stands_for(payment_id)
        return next((why for name, why in self.not_refundable.items() if self.stands_for(name) == stands), None)

    def not_refundable_there(self, payment_id: str) -> Reason | None:
        """The same of one payment as its provider has it, whatever a person said that it became."""
        return self._there(self.not_refundable, payment_id)

    def reversal(self, payment_id: str) -> datetime.datetime | None:
        """Since when nobody knows how much of one payment was taken back, by whatever name it has: its provider told of
        it, and no person has looked yet. None where nothing is unknown."""
        stands = self.stands_for(payment_id)
        looked = {one.about: one.when for one in self.acknowledged if one.kind == AttentionKind.REVERSAL_NOT_SHOWN}
        for name, told in self.reversals.items():
            if self.stands_for(name) == stands and (name not in looked or looked[name] < told):
                return told.at
        return None

    def method_of(self, payment: Payment) -> str:
        """How a payment was paid: in its provider's own word where that is known, else in the shop's."""
        identity = self.identities.get(payment.id)
        return identity.method if identity is not None and identity.method else payment.method

    def _there(self, told: Mapping[str, _Told], payment_id: str) -> _Told | None:
        same = self.same_there() if told else {}
        there = same.get(payment_id, payment_id)
        return next((one for name, one in told.items() if same.get(name, name) == there), None)

    def unexplained_there(self, payment_id: str) -> Reason | None:
        """Why nobody knows where money of one payment went, by whatever name it has at its provider; None where that is
        known."""
        found = self._there(self.unexplained, payment_id)
        return None if found is None else found.why

    def refunds_not_shown(self, payment_id: str) -> Reason | None:
        """Why nobody can see which refunds of one payment were made, by whatever name it has; None where they can be
        seen."""
        stands = self.stands_for(payment_id)
        return next((one.why for name, one in self.hidden_refunds.items() if self.stands_for(name) == stands), None)

    def refunded_in_all(self, currency: str) -> Money:
        """What went back on the order in ``currency``, or is on its way, also on payments that have left it: the
        customer has that money, whatever a person said of the payment."""
        return total([one.amount for one in self._counting(currency)], currency)

    def waiting_in_all(self, currency: str) -> Money:
        """How much of that nobody knows yet to have gone back: it is decided, on its way or unclear."""
        return total(
            [one.amount for one in self._counting(currency) if one.state is not RefundState.SUCCEEDED], currency
        )

    def _counting(self, currency: str) -> list[Refund]:
        counting = self._once([one for one in self.refunds.values() if one.counts_against_payment])
        return [one for one in counting if one.amount.currency == currency]

    def _once(self, refunds: Sequence[Refund]) -> Sequence[Refund]:
        """The refunds without those that are there once more: found again, under the same reference and with the same
        amount, on a payment that turned out to be one with theirs."""
        if not self.one_with:
            return refunds
        found: dict[tuple[str, str, Money], Refund] = {}
        several = []
        for refund in refunds:
            key = (self.stands_for(refund.payment), refund.reference, refund.amount)
            again = found.get(key) if refund.reference else None
            if again is None or again.payment == refund.payment:
                found[key] = refund
                several.append(refund)
        return several

    def in_another_currency(self, currency: str, payment_id: str | None = None) -> list[Refund]:
        """The refunds that have not certainly failed and cannot be counted in ``currency``: the order is in another one
        than when they were made. Of one payment, or of all."""
        candidates = self.refunds.values() if payment_id is None else self.on_payment(payment_id)
        return [
            one
            for one in candidates
            if one.counts_against_payment and one.amount.currency != currency and not self.is_left_behind(one.payment)
        ]

    def is_left_behind(self, payment_id: str) -> bool:
        """Whether a person said of a payment that it is no part of the order any more, and the order does not have it
        again."""
        if not self.left_behind or self._is_on_the_order(payment_id):
            return False
        stands = self.stands_for(payment_id)
        return any(self.stands_for(one) == stands for one in self.left_behind)

    def vanished(self) -> list[Payment]:
        """The payments that have left the order with money gone back on them, by a refund or by a bank, each once:
        nobody has said what they became."""
        refunded = dict.fromkeys([one.payment for one in self.refunds.values() if one.counts_against_payment])
        gone = {
            self.stands_for(payment): None
            for payment in {**refunded, **self.charge_backs}
            if not self._is_on_the_order(payment)
        }
        return [self.payments[one] for one in gone if one in self.payments and not self.is_left_behind(one)]

    def doubled(self) -> list[Payment]:
        """The payments that the order has under more than one name, all of them."""
        if self.order is None or not self.one_with:
            return []
        stands = [self.stands_for(payment.id) for payment in self.order.payments]
        return [payment for payment, one in zip(self.order.payments, stands, strict=True) if stands.count(one) > 1]

    def _is_on_the_order(self, payment_id: str) -> bool:
        stands = self.stands_for(payment_id)
        return self.order is not None and any(payment.id == stands for payment in self.order.payments)

    def page(self, payment_id: str) -> str:
        """A payment's page as its provider last named it; empty where it never did."""
        pages = [one.page for one in self.on_payment(payment_id) if one.page]
        return pages[-1] if pages else ""

    def payment_of(self, order: Order, name: str) -> Payment:
        """A payment of ``order``, by its id or reference or by one that it had before, also one that has left it: as it
        was last seen then. Raises `UnknownPayment`, naming those that it has now."""
        try:
            return order.payment(name)
        except UnknownPayment:
            for payment in self.payments.values():
                if is_text(name) and name in (payment.id, payment.reference):
                    stands = self.stands_for(payment.id)
                    return next((one for one in order.payments if one.id == stands), payment)
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


def _ordered(order: Order) -> dict[str, int]:
    return {line.id: line.ordered for line in order.lines}


def _still_on(counts: Sequence[tuple[int, int]], ordered: int) -> int:
    """How many units that came back are still on a line of which so many are ``ordered`` now, given how many were when
    each number of them was counted. What was taken off is of those that were back by then; what was put on again was
    never taken off."""
    still = units = 0
    most = ordered
    for ordered_then, number in reversed(counts):
        units += number
        most = max(most, ordered_then)
        still = max(still, units - (most - ordered))
    return still


def extent_of(order: Order, here: Mapping[str, int]) -> Extent:
    """How much of an order is here again, given the units of each of its lines that are: of one of which nothing was
    fulfilled, never all."""
    fulfilled = [line for line in order.goods if line.fulfilled]
    missing = [line for line in fulfilled if here.get(line.id, 0) < line.fulfilled]
    return Extent.FULL if fulfilled and not missing else Extent.PART
