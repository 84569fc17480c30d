"""What of the audit is of bank transfers that staff made by hand: no provider has them in its books, so the store and
the timeline are compared with what the bank paid from the merchant's account."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from retour.model.attention import AttentionKind
from retour.model.dossier import Dossier
from retour.model.events.attention import AttentionAcknowledged
from retour.model.refunds import Refund, RefundSource, RefundState

from .account import PaidTransfer
from .plan import PlannedPayment
from .report import Report
from .run import Campaign

STANDING = ("pending", "succeeded")

ABOUT_TOO_MUCH = (AttentionKind.BEYOND_ORDER, AttentionKind.CHARGED_BACK, AttentionKind.REFUND_PAID_TWICE)
"""The kinds of what waits for a person by which he is told that more of a payment is gone than there was."""


def transfers_of(dossier: Dossier) -> list[Refund]:
    """The refunds of an order that go by bank transfer in place of the way the money came in."""
    return [one for one in dossier.refunds.values() if one.source is RefundSource.TRANSFER]


def standing(campaign: Campaign, refund: Refund) -> list[PaidTransfer]:
    """What the bank paid for a refund, and nobody sent back."""
    return [one for one in campaign.account.transfers(refund.id) if not one.came_back]


def compare_transfers(report: Report, campaign: Campaign, dossier: Dossier) -> int:
    """Each transfer in the store against the bank's list, and what else the money went out by. Gives the minor units
    that went out by transfer."""
    out = 0
    for refund in transfers_of(dossier):
        where = f"order {dossier.order_id}: transfer {refund.id} of {refund.amount} is {refund.state}"
        report.refunds[f"{refund.source}, {refund.state}"] += 1
        _compare_list(report, campaign, where, refund)
        report.paid_twice += [f"{where}, and {other}" for other in _other_ways(campaign, dossier, refund)]
        minor = sum(one.minor for one in standing(campaign, refund))
        out += minor
        report.cents["transferred by hand"] += minor
        report.cents["transferred by hand, in the store"] += (
            refund.amount.minor if refund.state is RefundState.SUCCEEDED else 0
        )
    return out


def unknown_transfers(campaign: Campaign) -> list[str]:
    """What the bank paid for a refund that the store does not have."""
    known = {one.id for order in campaign.world.plan.orders for one in campaign.desk.dossier(order).refunds.values()}
    return [
        f"{one} was paid, and the store knows no such refund" for one in _all(campaign) if one.refund_id not in known
    ]


def timeline_of(campaign: Campaign, order_id: str) -> str:
    """The timeline of an order, so that it can be seen how it came to what it should not."""
    entries = campaign.desk.timeline(order_id)
    return "\n".join(
        f"    | {one.at:%d %H:%M:%S} {one.by.id or one.by.kind.value}: {one.text('en')}" for one in entries
    )


def _all(campaign: Campaign) -> Sequence[PaidTransfer]:
    return campaign.account.transfers()


def _compare_list(report: Report, campaign: Campaign, where: str, refund: Refund) -> None:
    paid, stands = campaign.account.transfers(refund.id), standing(campaign, refund)
    if len(stands) > 1:
        report.paid_twice.append(f"{where}, and the bank paid it {len(stands)} times: {stands}")
    if refund.state is RefundState.SUCCEEDED and not stands:
        report.lost.append(f"{where}, and the bank has {paid or 'nothing of it'}")
    elif refund.state is not RefundState.SUCCEEDED and stands:
        report.lost.append(f"{where}, and the bank paid {stands}")
    elif refund.state is RefundState.REVERSED and not paid:
        report.differs.append(f"{where}, and the bank never paid it")
    if any(one.amount != refund.amount for one in paid):
        report.differs.append(f"{where}, and the bank paid {paid}")
    if refund.state is RefundState.SUCCEEDED and stands and refund.reference != stands[0].reference:
        report.differs.append(f"{where} with reference {refund.reference}, and the bank calls it {stands[0].reference}")


def _other_ways(campaign: Campaign, dossier: Dossier, refund: Refund) -> Iterator[str]:
    """By what else the same money went out as by a transfer that stands, and nobody was told: by the refund in whose
    place it was made, or by that of a colleague who made it before the transfer was paid."""
    if not standing(campaign, refund):
        return
    payment = campaign.world.plan.payment(dossier.order_id, refund.payment)
    books = [one for one in campaign.sandboxes[payment.provider].books(payment.reference) if one.status in STANDING]
    beside = campaign.dashboards.beside.get(refund.id)
    replaced = dossier.refunds.get(refund.in_place_of or "")
    for entry in books:
        if entry.reference == beside and not _taken_for_a_link(dossier, entry.reference):
            yield f"a colleague had refunded {entry} before it was paid\n{timeline_of(campaign, dossier.order_id)}"
        if replaced is None or _was_told(campaign, dossier, AttentionKind.PERHAPS_OURS):
            continue
        followed = campaign.dashboards.made.get(replaced.id)
        if entry.refund_id == replaced.id or entry.reference in {replaced.reference, followed} - {""}:
            yield f"{entry}, in whose place it was made, went out too"


def _taken_for_a_link(dossier: Dossier, reference: str) -> bool:
    """Whether what a colleague refunded beside a transfer was taken for the refund of a link of the same amount, which
    nobody makes any more then: nothing tells the two apart, and the money is the same."""
    return any(one.reference == reference and one.source is RefundSource.LINK for one in dossier.refunds.values())


def beyond_with_transfers(
    campaign: Campaign, dossier: Dossier, payment: PlannedPayment, in_books: int
) -> Iterator[str]:
    """What went out of a payment in its provider's books and by transfer, and what the customer's bank has of it, where
    that is more than was captured and no person was told. None of the others knows of the transfers."""
    by_hand = sum(
        one.minor
        for refund in transfers_of(dossier)
        if refund.provider == payment.provider
        for one in standing(campaign, refund)
    )
    held = campaign.banks.hold(payment).minor
    if by_hand and in_books + by_hand + held > payment.captured.minor and not _was_told(campaign, dossier):
        yield (
            f"order {dossier.order_id}, {payment.provider} {payment.reference}: {in_books} in the books, {by_hand} by "
            f"transfer and {held} with a bank, of {payment.captured}, and nobody was told"
        )


def _was_told(campaign: Campaign, dossier: Dossier, *more: AttentionKind) -> bool:
    """Whether a person has seen that more of a payment of the order is gone than there was, or something ``more``."""
    return any(
        isinstance(recorded.event, AttentionAcknowledged) and recorded.event.kind in (*ABOUT_TOO_MUCH, *more)
        for recorded in campaign.desk.events(dossier.order_id)
    )


def transfers_told_otherwise(campaign: Campaign, dossier: Dossier, told: Mapping[str, Sequence[str]]) -> Iterator[str]:
    """The transfers of which the timeline ends with something else than the bank's list: an amount that went out under
    the bank's reference, or none."""
    for refund in transfers_of(dossier):
        last = told[refund.id][-1] if told[refund.id] else ""
        stands = standing(campaign, refund)
        says = f"€{refund.amount.decimal:,.2f} refunded, reference "
        if any(not last.startswith(f"{says}{one.reference}") for one in stands) or (not stands and says in last):
            where = f"order {dossier.order_id}: the bank has {stands or 'nothing'} of {refund.id}"
            yield f"{where}, and the timeline ends with: {last}"
