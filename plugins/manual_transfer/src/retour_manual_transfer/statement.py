"""The bank's statement: which waiting refunds it says were paid."""

from __future__ import annotations

import datetime
from collections.abc import Iterable
from typing import TYPE_CHECKING

import attrs

from retour import Actor, RetourError
from retour.providers import Money, Text, TextDomain
from retour_manual_transfer.waiting import WaitingRefund, waiting_refunds

if TYPE_CHECKING:
    from retour import ReturnDesk

text = TextDomain("retour_manual_transfer").text

_LONGEST_REQUEST_ID = 200


@attrs.frozen(kw_only=True)
class StatementLine:
    """One line of a bank statement.

    ``reference`` is what the bank calls it, ``amount`` is below zero where money left the account, ``words`` is all
    text on the line, the EndToEndId included.
    """

    reference: str
    amount: Money
    words: str = attrs.field(repr=False)
    booked: datetime.date


@attrs.frozen(kw_only=True)
class Paid:
    """A waiting refund and the line that says it was paid."""

    refund: WaitingRefund
    line: StatementLine


@attrs.frozen(kw_only=True)
class ToLookAt:
    """A waiting refund that the statement names without making clear that it was paid."""

    refund: WaitingRefund
    lines: tuple[StatementLine, ...]
    because: Text


@attrs.frozen(kw_only=True)
class StatementMatch:
    """What a statement says of the refunds that wait; those that it does not name are in neither list."""

    paid: tuple[Paid, ...]
    to_look_at: tuple[ToLookAt, ...]


def match_statement(lines: Iterable[StatementLine], waiting: Iterable[WaitingRefund]) -> StatementMatch:
    """Say which waiting refunds a statement confirms: by the refund's id on the line, never by the amount alone.

    A refund is paid when exactly one line names it, that line names no other refund, and its amount left the
    account. `confirm_statement` records it.
    """
    refunds = list(waiting)
    found = [(line, _named(line, refunds)) for line in dict.fromkeys(lines)]
    paid: list[Paid] = []
    to_look_at: list[ToLookAt] = []
    for refund in refunds:
        naming = [(line, named) for line, named in found if refund.refund_id in named]
        if not naming:
            continue
        on = tuple([line for line, _ in naming])
        because = _doubt(refund, on, shared=any(len(named) > 1 for _, named in naming))
        if because is None:
            paid.append(Paid(refund=refund, line=on[0]))
        else:
            to_look_at.append(ToLookAt(refund=refund, lines=on, because=because))
    return StatementMatch(paid=tuple(paid), to_look_at=tuple(to_look_at))


def confirm_statement(
    desk: ReturnDesk, lines: Iterable[StatementLine], *, by: Actor, account: str = "default"
) -> StatementMatch:
    """Confirm every waiting refund that a statement says was paid; gives them, and what a person has to look at.

    The same statement again changes nothing. ``account`` is which of the merchant's accounts the statement is of.
    """
    match = match_statement(lines, waiting_refunds(desk, account=account))
    paid, to_look_at = [], list(match.to_look_at)
    for one in match.paid:
        refund = one.refund
        try:
            desk.confirm_refund(
                refund.order_id,
                refund.payment,
                refund.amount,
                refund_id=refund.refund_id,
                reference=one.line.reference,
                by=by,
                request_id=f"statement {one.line.reference} {refund.refund_id}"[:_LONGEST_REQUEST_ID],
            )
        except RetourError as error:
            to_look_at.append(ToLookAt(refund=refund, lines=(one.line,), because=error.message))
        else:
            paid.append(one)
    return StatementMatch(paid=tuple(paid), to_look_at=tuple(to_look_at))


def _named(line: StatementLine, refunds: Iterable[WaitingRefund]) -> frozenset[str]:
    """The ids of the refunds that a line names; a bank writes them in capitals or breaks them over two lines."""
    words = "".join(line.words.split()).upper()
    return frozenset([refund.refund_id for refund in refunds if refund.refund_id.upper() in words])


def _doubt(refund: WaitingRefund, lines: tuple[StatementLine, ...], *, shared: bool) -> Text | None:
    """Why lines that name a refund do not confirm it, or None when they do."""
    if shared:
        return text("Order {order}: a line names several refunds at once.", order=refund.order_id)
    if any(line.amount.minor > 0 for line in lines):
        return text(
            "Order {order}: the {amount} came back. Ask the customer for another account before you pay again.",
            order=refund.order_id,
            amount=refund.amount,
        )
    if len(lines) > 1:
        return text("Order {order}: {amount} was paid more than once.", order=refund.order_id, amount=refund.amount)
    left = Money(minor=-lines[0].amount.minor, currency=lines[0].amount.currency)
    if left != refund.amount:
        return text(
            "Order {order}: {paid} was paid, not {amount}.", order=refund.order_id, paid=left, amount=refund.amount
        )
    return None
