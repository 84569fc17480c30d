"""The bank's statement: which refunds it says were paid, paid twice, or came back."""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

import attrs

from retour import Actor, RefundState, RetourError
from retour.providers import PERSONAL, Money, Text, TextDomain
from retour_manual_transfer.waiting import WaitingRefund, settled_refunds, waiting_refunds

if TYPE_CHECKING:
    from retour import ReturnDesk

text = TextDomain("retour_manual_transfer").text

_LONGEST_REQUEST_ID = 200

_ID = re.compile(r"(?=(RF[0-9A-HJKMNP-TV-Z]{26}))")
"""A refund's id in capitals, wherever it begins."""


@attrs.frozen(kw_only=True)
class StatementLine:
    """One line of a bank statement.

    ``reference`` is what the bank calls it, ``amount`` is below zero where money left the account, ``words`` is all
    text on the line, the EndToEndId included.
    """

    reference: str
    amount: Money
    words: str = attrs.field(repr=False, metadata=PERSONAL)
    booked: datetime.date


@attrs.frozen(kw_only=True)
class Paid:
    """A waiting refund and the line that says it was paid."""

    refund: WaitingRefund
    line: StatementLine


@attrs.frozen(kw_only=True)
class CameBack:
    """A refund whose money the bank sent back, and the line that says so. ``paid`` is the line that says that it was
    paid, None for a refund that had been confirmed before, and where that line is on a statement that was not read
    yet."""

    refund: WaitingRefund
    line: StatementLine
    paid: StatementLine | None = None


@attrs.frozen(kw_only=True)
class ToLookAt:
    """A refund that the statement names without making clear what became of it, or that went wrong."""

    refund: WaitingRefund
    lines: tuple[StatementLine, ...]
    because: Text


@attrs.frozen(kw_only=True)
class StatementMatch:
    """What a statement says of refunds; those that it does not name, or tells nothing new of, are in no list."""

    paid: tuple[Paid, ...]
    to_look_at: tuple[ToLookAt, ...]
    came_back: tuple[CameBack, ...] = ()


def match_statement(lines: Iterable[StatementLine], waiting: Iterable[WaitingRefund]) -> StatementMatch:
    """Say which waiting refunds a statement confirms: by the refund's id on the line, never by the amount alone.

    A refund is paid when exactly one line names it, that line names no other refund, and its amount left the
    account. It came back when one more line says that the same amount did, also where that is the only one: what came
    back was paid, on a statement that is read later or never. `confirm_statement` records it.
    """
    refunds = list(waiting)
    found = [(line, _named(line, refunds)) for line in dict.fromkeys(lines)]
    paid: list[Paid] = []
    to_look_at: list[ToLookAt] = []
    came_back: list[CameBack] = []
    for refund in refunds:
        naming = [(line, named) for line, named in found if refund.refund_id in named]
        if not naming:
            continue
        on = tuple([line for line, _ in naming])
        shared = any(len(named) > 1 for _, named in naming)
        amounts = {line.amount: line for line in on}
        left = Money(minor=-refund.amount.minor, currency=refund.amount.currency)
        because = _doubt(refund, on, shared=shared)
        whole = not shared and len(on) == len(amounts) and refund.amount in amounts
        if whole and amounts.keys() <= {left, refund.amount}:
            came_back.append(CameBack(refund=refund, line=amounts[refund.amount], paid=amounts.get(left)))
        elif because is None:
            paid.append(Paid(refund=refund, line=on[0]))
        else:
            to_look_at.append(ToLookAt(refund=refund, lines=on, because=because))
    return StatementMatch(paid=tuple(paid), to_look_at=tuple(to_look_at), came_back=tuple(came_back))


def confirm_statement(
    desk: ReturnDesk, lines: Iterable[StatementLine], *, by: Actor, account: str = "default"
) -> StatementMatch:
    """Confirm every waiting refund that a statement says was paid; gives them, and what a person has to look at.

    Of a refund that was confirmed before, a line with its whole amount coming in reverses it, so that it can be
    refunded again; another line that pays it once more is for a person. The same statement again changes nothing.
    ``account`` is which of the merchant's accounts the statement is of.
    """
    booked = list(dict.fromkeys(lines))
    waiting = list(waiting_refunds(desk, account=account))
    match = match_statement(booked, waiting)
    after = _after_the_confirmation(desk, booked, waiting, account, by)
    paid, to_look_at, came_back = [], [*match.to_look_at, *after.to_look_at], list(after.came_back)
    for one in match.paid:
        because = _confirm(desk, one.refund, one.line, by)
        if because is None:
            paid.append(one)
        else:
            to_look_at.append(ToLookAt(refund=one.refund, lines=(one.line,), because=because))
    for back in match.came_back:
        because = _confirm(desk, back.refund, back.paid, by) if back.paid else _confirm_by_its_return(desk, back, by)
        because = because or _reverse(desk, back.refund, back.line, by, shared=False)
        if because is None:
            came_back.append(back)
        else:
            to_look_at.append(ToLookAt(refund=back.refund, lines=(back.line,), because=because))
    return StatementMatch(paid=tuple(paid), to_look_at=tuple(to_look_at), came_back=tuple(came_back))


def _confirm(desk: ReturnDesk, refund: WaitingRefund, line: StatementLine, by: Actor) -> Text | None:
    """Confirm a refund that a line says was paid; gives why a person has to look at it, else None."""
    try:
        desk.confirm_refund(
            refund.order_id,
            refund.payment,
            refund.amount,
            refund_id=refund.refund_id,
            reference=line.reference,
            by=by,
            request_id=_request_id(refund.refund_id, line.reference),
        )
    except RetourError as error:
        return error.message
    return None


def _confirm_by_its_return(desk: ReturnDesk, back: CameBack, by: Actor) -> Text | None:
    """Confirm a refund whose money came back before anything was read of its payment, which has the refund's own id as
    its EndToEndId; gives why a person has to look at it, else None."""
    try:
        desk.confirm_refund(
            back.refund.order_id,
            back.refund.payment,
            back.refund.amount,
            refund_id=back.refund.refund_id,
            reference=back.refund.refund_id,
            by=by,
            request_id=_back(back.refund.refund_id, back.line.booked.isoformat()),
        )
    except RetourError as error:
        return error.message
    return None


def _after_the_confirmation(
    desk: ReturnDesk, lines: Sequence[StatementLine], waiting: Iterable[WaitingRefund], account: str, by: Actor
) -> StatementMatch:
    """What a statement says of refunds that wait no more: of money that came back, and of money that left again."""
    waits = {refund.refund_id.upper() for refund in waiting}
    named = {line: _ids(line) for line in lines}
    ids = frozenset[str]().union(*named.values()) - waits
    came_back: list[CameBack] = []
    to_look_at: list[ToLookAt] = []
    for refund in settled_refunds(desk, sorted(ids), account=account):
        dossier = desk.dossier(refund.order_id)
        known = dossier.refund(refund.refund_id)
        on = [line for line, names in named.items() if refund.refund_id.upper() in names]
        out = tuple([line for line in on if line.amount.minor < 0 and line.reference != known.reference])
        by_statement = _request_id(refund.refund_id, known.reference) in dossier.requests
        by_hand = known.state is RefundState.SUCCEEDED and not by_statement
        if len(out) > (1 if by_hand or _was_paid_before(dossier.requests, refund, out) else 0):
            to_look_at.append(ToLookAt(refund=refund, lines=out, because=_paid_again(refund, known.state)))
        for line in on:
            if line.amount.minor > 0 and known.state is not RefundState.REVERSED:
                because = _reverse(desk, refund, line, by, shared=len(named[line]) > 1)
                if because is None:
                    came_back.append(CameBack(refund=refund, line=line))
                    break
                to_look_at.append(ToLookAt(refund=refund, lines=(line,), because=because))
    return StatementMatch(paid=(), to_look_at=tuple(to_look_at), came_back=tuple(came_back))


def _paid_again(refund: WaitingRefund, state: RefundState) -> Text:
    if state is RefundState.SUCCEEDED:
        return text("Order {order}: {amount} was paid more than once.", order=refund.order_id, amount=refund.amount)
    return text(
        "Order {order}: {amount} was paid, though its refund was given up or had come back.",
        order=refund.order_id,
        amount=refund.amount,
    )


def _reverse(desk: ReturnDesk, refund: WaitingRefund, line: StatementLine, by: Actor, *, shared: bool) -> Text | None:
    """Reverse a refund whose money came back by a line; gives why a person has to look at the line, else None."""
    if shared:
        return text("Order {order}: a line names several refunds at once.", order=refund.order_id)
    if line.amount != refund.amount:
        return text(
            "Order {order}: {paid} of the {amount} came back.",
            order=refund.order_id,
            paid=line.amount,
            amount=refund.amount,
        )
    try:
        desk.reverse_refund(refund.order_id, refund.refund_id, reference=line.reference, by=by)
    except RetourError as error:
        return error.message
    return None


def _request_id(refund_id: str, reference: str) -> str:
    return f"statement {reference} {refund_id}"[:_LONGEST_REQUEST_ID]


def _was_paid_before(requests: Iterable[str], refund: WaitingRefund, out: Sequence[StatementLine]) -> bool:
    """Whether one of the lines is the payment of a refund of which it was read first that its money came back."""
    begins = _back(refund.refund_id)
    days = [one.removeprefix(begins) for one in requests if one.startswith(begins)]
    left = Money(minor=-refund.amount.minor, currency=refund.amount.currency)
    whole = [line.booked.isoformat() for line in out if line.amount == left]
    return any(paid <= day for paid in whole for day in days)


def _back(refund_id: str, day: str = "") -> str:
    """The identity of a confirmation by a line with which the money came back on a ``day``."""
    return f"statement back {refund_id} {day}"


def _ids(line: StatementLine) -> frozenset[str]:
    """What on a line looks like a refund's id, in capitals."""
    return frozenset(_ID.findall("".join(line.words.split()).upper()))


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
