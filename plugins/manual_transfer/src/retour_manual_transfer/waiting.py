"""Which transfers wait for the merchant, and whom to ask for an account first."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING

import attrs

from retour import RetourError
from retour.providers import BankAccount, LinkRequest, Mode, Money, Payment, Text, TextDomain
from retour_manual_transfer.batch import Transfer, sentences, transfer_faults
from retour_manual_transfer.provider import ManualTransfer, refund_link

if TYPE_CHECKING:
    from retour import ReturnDesk

PAGE = 500
"""Rows that are asked of the desk at once, the most that it gives."""

text = TextDomain("retour_manual_transfer").text


@attrs.frozen(kw_only=True)
class WaitingRefund:
    """A refund by bank transfer that waits for the merchant. ``payment`` is the payment's id."""

    order_id: str
    refund_id: str
    payment: str
    amount: Money


@attrs.frozen(kw_only=True)
class NotReady:
    """A waiting refund that cannot be in a batch, and what to do about it."""

    refund: WaitingRefund
    instruction: Text


@attrs.frozen(kw_only=True)
class WaitingTransfers:
    """What can be handed to the bank, and what cannot yet."""

    transfers: tuple[Transfer, ...]
    not_ready: tuple[NotReady, ...]


def transfers_of(
    desk: ReturnDesk,
    order_ids: Iterable[str] | None = None,
    *,
    accounts: Mapping[str, BankAccount] | None = None,
    without: Collection[str] = (),
    account: str = "default",
) -> WaitingTransfers:
    """The transfers for the refunds that wait for the merchant, of all orders or of those named, the newest first.

    The customer's account is the payer that the order names, or the one in ``accounts`` by refund id; it is read
    here, checked, and stored nowhere. ``without`` are the ids of refunds that an earlier batch holds: until they are
    confirmed they wait, and in a second batch they would be paid twice. ``account`` is which of the merchant's own
    accounts (`Payment.account`) pays.
    """
    given = accounts or {}
    transfers: list[Transfer] = []
    not_ready: list[NotReady] = []
    payments: dict[str, Mapping[str, Payment] | RetourError] = {}
    for refund in waiting_refunds(desk, order_ids, account=account):
        if refund.refund_id in without:
            continue
        if refund.order_id not in payments:
            payments[refund.order_id] = _payments(desk, refund.order_id)
        made = _transfer(refund, payments[refund.order_id], given.get(refund.refund_id))
        if isinstance(made, Transfer):
            transfers.append(made)
        else:
            not_ready.append(NotReady(refund=refund, instruction=made))
    return WaitingTransfers(transfers=tuple(transfers), not_ready=tuple(not_ready))


def waiting_refunds(
    desk: ReturnDesk, order_ids: Iterable[str] | None = None, *, account: str = "default"
) -> Iterator[WaitingRefund]:
    """The refunds by bank transfer that wait for the merchant, of all orders or of those named, the newest first."""
    name = ManualTransfer.name if account == "default" else f"{ManualTransfer.name}/{account}"
    for order_id in [None] if order_ids is None else dict.fromkeys(order_ids):
        after = None
        while True:
            page = desk.list_refunds(waits_for="merchant", order_id=order_id, limit=PAGE, after=after)
            for row in page.refunds:
                if row.payment.partition(":")[0] == name:
                    yield WaitingRefund(
                        order_id=row.order_id, refund_id=row.refund_id, payment=row.payment, amount=row.amount
                    )
            after = page.next
            if after is None:
                break


def _payments(desk: ReturnDesk, order_id: str) -> Mapping[str, Payment] | RetourError:
    """The payments of an order by id, or why it cannot be read: one order must not hold up the others."""
    try:
        return {option.payment.id: option.payment for option in desk.refund_options(order_id)}
    except RetourError as error:
        return error


def _transfer(
    refund: WaitingRefund, payments: Mapping[str, Payment] | RetourError, to: BankAccount | None
) -> Transfer | Text:
    """The transfer for a refund, or what to do before there can be one.

    ``desk.refund_link`` cannot say it: the refund that waits has reserved its amount, so nothing is left to link to.
    """
    if isinstance(payments, RetourError):
        return payments.message
    payment = payments.get(refund.payment)
    if payment is None:
        return text(
            "Order {order} does not name payment {payment} any more. Look into the order, then cancel this refund "
            "or transfer it by hand.",
            order=refund.order_id,
            payment=refund.payment,
        )
    if payment.mode is Mode.TEST:
        return text(
            "Payment {payment} of order {order} is a test: no money came in, so none goes back.",
            payment=refund.payment,
            order=refund.order_id,
        )
    link = refund_link(
        LinkRequest(
            order_id=refund.order_id,
            payment=payment,
            amount=refund.amount,
            remittance=f"Retour {refund.order_id}",
            to=to or payment.payer,
        )
    )
    if link.transfer is None:
        return link.instruction
    transfer = Transfer(
        refund_id=refund.refund_id,
        amount=refund.amount,
        to=link.transfer.to,
        remittance=link.transfer.remittance,
    )
    faults = list(transfer_faults(transfer))
    return sentences(faults) if faults else transfer
