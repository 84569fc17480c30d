"""Which transfers wait for the merchant, whom to ask for an account first, and which file for the bank holds them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

import attrs

from retour import Actor, RetourError, WrongState
from retour.providers import BankAccount, Mode, Money, Payment, Text, TextDomain
from retour_manual_transfer.batch import InvalidBatch, Transfer, name_faults, sentences, transfer_faults
from retour_manual_transfer.provider import ManualTransfer

if TYPE_CHECKING:
    from retour import ReturnDesk

PAGE = 500
"""Rows that are asked of the desk at once, the most that it gives."""

text = TextDomain("retour_manual_transfer").text


@attrs.frozen(kw_only=True)
class WaitingRefund:
    """A refund by bank transfer that waits: for the merchant, or for the bank that has it in ``batch``.

    ``payment`` is the payment's id. It can be one of another provider's that cannot refund it any more.
    """

    order_id: str
    refund_id: str
    payment: str
    amount: Money
    batch: str = ""


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
    batch: str = "",
    accounts: Mapping[str, BankAccount] | None = None,
    account: str = "default",
) -> WaitingTransfers:
    """The transfers for the refunds that wait for the merchant, of all orders or of those named, the newest first.

    Those that are in no batch yet; with ``batch``, those that `put_in_batch` put in it, as long as they wait. The
    customer's account is the one that the refund was decided to go to, else the payer that the order names, or the one
    in ``accounts`` by refund id; those are read here, checked, and stored nowhere. ``account`` is which of the
    merchant's own accounts (`Payment.account`) pays; what goes by transfer in place of another provider's refund is
    paid from "default".
    """
    given = accounts or {}
    transfers: list[Transfer] = []
    not_ready: list[NotReady] = []
    payments: dict[str, Mapping[str, Payment] | RetourError] = {}
    for refund in waiting_refunds(desk, order_ids, batch=batch, account=account):
        if refund.order_id not in payments:
            payments[refund.order_id] = _payments(desk, refund.order_id)
        made = _transfer(desk, refund, payments[refund.order_id], given.get(refund.refund_id))
        if isinstance(made, Transfer):
            transfers.append(made)
        else:
            not_ready.append(NotReady(refund=refund, instruction=made))
    return WaitingTransfers(transfers=tuple(transfers), not_ready=tuple(not_ready))


def put_in_batch(desk: ReturnDesk, transfers: Iterable[Transfer], batch_id: str, *, by: Actor) -> Sequence[Transfer]:
    """Record that ``transfers`` are in the file for the bank called ``batch_id``; gives those that are.

    Do this before the file is written, and write what this gives. A refund that another batch took meanwhile, or that
    was confirmed or cancelled, is left out: so nothing is in two files. After a crash the same call goes on, and
    ``transfers_of(desk, batch=batch_id)`` gives the transfers for a second export of the same file. Raises
    `InvalidBatch` for a name that no file can have, before any is in it.
    """
    faults = list(name_faults(batch_id))
    if faults:
        raise InvalidBatch(faults)
    inside = []
    for transfer in transfers:
        try:
            desk.set_refund_batch(transfer.order_id, transfer.refund_id, batch_id, by=by)
        except WrongState:
            continue
        inside.append(transfer)
    return tuple(inside)


def waiting_refunds(
    desk: ReturnDesk,
    order_ids: Iterable[str] | None = None,
    *,
    batch: str | None = None,
    account: str = "default",
) -> Iterator[WaitingRefund]:
    """The refunds by bank transfer that wait, of all orders or of those named, the newest first.

    With ``batch`` only those in the file for the bank that is called so, and with an empty one those in none.
    """
    name = ManualTransfer.name if account == "default" else f"{ManualTransfer.name}/{account}"
    for order_id in [None] if order_ids is None else dict.fromkeys(order_ids):
        after = None
        while True:
            page = desk.list_refunds(
                waits_for=("transfer", "bank"), order_id=order_id, batch=batch, limit=PAGE, after=after
            )
            for row in page.refunds:
                if _pays_from(row.payment) == name:
                    yield WaitingRefund(
                        order_id=row.order_id,
                        refund_id=row.refund_id,
                        payment=row.payment,
                        amount=row.amount,
                        batch=row.batch,
                    )
            after = page.next
            if after is None:
                break


def settled_refunds(desk: ReturnDesk, ids: Sequence[str], *, account: str = "default") -> Iterator[WaitingRefund]:
    """Of the refunds by bank transfer with these ids, in capitals, those that wait no more."""
    name = ManualTransfer.name if account == "default" else f"{ManualTransfer.name}/{account}"
    for start in range(0, len(ids), PAGE):
        known = [f"rf{one.removeprefix('RF')}" for one in ids[start : start + PAGE]]
        for row in desk.list_refunds(refund_id=known, limit=PAGE).refunds:
            if _pays_from(row.payment) == name and row.waits_for not in ("transfer", "bank"):
                yield WaitingRefund(
                    order_id=row.order_id,
                    refund_id=row.refund_id,
                    payment=row.payment,
                    amount=row.amount,
                    batch=row.batch,
                )


def _pays_from(payment_id: str) -> str:
    """Which of the merchant's accounts a refund is paid from: that of a payment by transfer, else the default."""
    provider = payment_id.partition(":")[0]
    return provider if provider.partition("/")[0] == ManualTransfer.name else ManualTransfer.name


def _payments(desk: ReturnDesk, order_id: str) -> Mapping[str, Payment] | RetourError:
    """The payments of an order by each id that they are known to have had, or why it cannot be read: one order must not
    hold up the others."""
    try:
        now = {option.payment.id: option.payment for option in desk.refund_options(order_id)}
        dossier = desk.dossier(order_id)
    except RetourError as error:
        return error
    before = {one: now[stands] for one in dossier.payments if (stands := dossier.stands_for(one)) in now}
    return {**before, **now}


def _transfer(
    desk: ReturnDesk, refund: WaitingRefund, payments: Mapping[str, Payment] | RetourError, to: BankAccount | None
) -> Transfer | Text:
    """The transfer for a refund, or what to do before there can be one."""
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
    try:
        link = desk.refund_link(refund.order_id, refund_id=refund.refund_id, to=to)
    except RetourError as error:
        return error.message
    if link.transfer is None:
        return link.instruction
    transfer = Transfer(
        order_id=refund.order_id,
        refund_id=refund.refund_id,
        amount=refund.amount,
        to=link.transfer.to,
        remittance=link.transfer.remittance,
    )
    faults = list(transfer_faults(transfer))
    return sentences(faults) if faults else transfer
