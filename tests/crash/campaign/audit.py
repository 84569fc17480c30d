"""The audit: every refund in the store against the books of its provider, the timeline, the lists and the stock."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence

import attrs

from retour.model.attention import AttentionKind
from retour.model.dossier import Dossier
from retour.model.events.attention import AttentionAcknowledged
from retour.model.events.charge_backs import PaymentChargedBack
from retour.model.events.money import (
    RefundLinkOpened,
    RefundPlanned,
)
from retour.model.events.transfers import RefundTransferPlanned
from retour.model.reasons import ReasonCode
from retour.model.refunds import REFUND_WORDS, Refund, RefundSource, RefundState, Reported
from retour.sandbox import BookedRefund

from .audit_transfers import (
    beyond_with_transfers,
    compare_transfers,
    timeline_of,
    transfers_told_otherwise,
    unknown_transfers,
)
from .people import decided
from .plan import COMES_BACK, GOES_OUT, UNITS, Decision, PlannedPayment
from .read_once import read_once
from .report import BRANCHES, BY_PROOF, Report, summary
from .run import Campaign
from .shop import booked

STANDING = (Reported.PENDING, Reported.SUCCEEDED)
"""What the books say of money that went back, or is on its way."""

SAME: Mapping[Reported, tuple[RefundState, ...]] = {
    Reported.PENDING: (RefundState.PENDING,),
    Reported.SUCCEEDED: (RefundState.SUCCEEDED,),
    Reported.FAILED: (RefundState.FAILED, RefundState.REVERSED),
    Reported.CANCELLED: (RefundState.CANCELLED,),
}
"""Which states of the store say the same as the books."""

GOES_BACK = (RefundState.PENDING, RefundState.SUCCEEDED)

_AMOUNT = re.compile(r"€([0-9,]+\.[0-9]{2})")


def parked(campaign: Campaign) -> Report:
    """What waits for a person before anybody attends to it: each refund with its evidence, and those that the books
    have all the same."""
    campaign = read_once(campaign)
    report = _empty(campaign)
    for order_id in campaign.world.plan.orders:
        dossier = campaign.desk.dossier(order_id)
        for refund in dossier.refunds.values():
            if refund.needs_person or refund.state is RefundState.UNKNOWN:
                own = [one for one in _books(campaign, order_id, refund) if _whose(one, [refund])]
                where = f"order {order_id}, {refund.payment}"
                report.parked += _evidence(where, refund, own, dict(_told(campaign, dossier))[refund.id])
                if refund.state is RefundState.UNKNOWN and any(entry.status in STANDING for entry in own):
                    report.differs.append(f"{where}: {refund.id} is parked, and the books have it: {own}")
    return report


def audit(campaign: Campaign, before: Report) -> Report:
    """Compare everything, when a person has attended to all that was `parked` before."""
    campaign.ask_who_asks()
    campaign = read_once(campaign)
    report = attrs.evolve(
        _empty(campaign),
        parked=list(before.parked),
        differs=list(before.differs),
        untold=list(campaign.untold),
        locked=list(campaign.locked),
        attended={**campaign.listed, **{f"  by {name}": times for name, times in campaign.attended.items()}},
    )
    for order_id in campaign.world.plan.orders:
        dossier = campaign.desk.dossier(order_id)
        told = dict(_told(campaign, dossier))
        _count_branches(report, campaign, order_id)
        out = compare_transfers(report, campaign, dossier)
        report.timeline_differs += transfers_told_otherwise(campaign, dossier, told)
        for payment in campaign.world.plan.payments[order_id]:
            books = campaign.sandboxes[payment.provider].books(payment.reference)
            out += _compare(report, campaign, dossier, payment, books, told)
        _compare_suggested(report, campaign, order_id, out)
    report.lost += unknown_transfers(campaign)
    _compare_decisions(report, campaign)
    _compare_lists(report, campaign)
    _compare_stock(report, campaign)
    return report


def _empty(campaign: Campaign) -> Report:
    return Report(
        happened=summary(campaign),
        deaths=campaign.deaths,
        faults=campaign.faults,
        cuts=campaign.cuts.made if campaign.cuts is not None else Counter(),
        suspensions=campaign.suspensions,
        late=campaign.late,
        branches=Counter({one: 0 for one in BRANCHES if campaign.world.complete or one not in BY_PROOF}),
        forgotten=list(campaign.forgotten),
        unasked=list(campaign.unasked.values()),
        failures=list(campaign.failures),
    )


def _books(campaign: Campaign, order_id: str, refund: Refund) -> Sequence[BookedRefund]:
    payment = campaign.world.plan.payment(order_id, refund.payment)
    books: Sequence[BookedRefund] = campaign.sandboxes[payment.provider].books(payment.reference)
    return books


def _count_branches(report: Report, campaign: Campaign, order_id: str) -> None:
    for recorded in campaign.desk.events(order_id):
        for branch, left in BRANCHES.items():
            if left(recorded.event):
                report.branches[branch] += 1


# --- money -----------------------------------------------------------------------------------------------


def _compare(
    report: Report,
    campaign: Campaign,
    dossier: Dossier,
    payment: PlannedPayment,
    books: Sequence[BookedRefund],
    told: Mapping[str, list[str]],
) -> int:
    """One payment, whatever it was called when: each refund in the books is one of the store's and the reverse, and the
    sums are the same. Gives what went back by the books, but for what was paid twice and is on the list."""
    refunds = {
        one.id: one
        for one in dossier.refunds.values()
        if one.provider == payment.provider and one.source is not RefundSource.TRANSFER
    }
    where = f"order {dossier.order_id}, {payment.provider} {payment.reference}"
    entries: dict[str, list[BookedRefund]] = defaultdict(list)
    for entry in books:
        refund_id = _whose(entry, refunds.values())
        if refund_id is not None:
            entries[refund_id].append(entry)
        elif entry.status in STANDING:
            report.lost.append(f"{where}: {entry} is in the books, and the store does not know it")
    for refund in refunds.values():
        own = entries[refund.id]
        report.refunds[f"{refund.source}, {refund.state}"] += 1
        _compare_refund(report, f"{where}: {refund.id} of {refund.amount} is {refund.state}", refund, own)
        _compare_told(report, f"{where}: {refund.id} of {refund.amount} is {refund.state}", refund, told[refund.id])
    in_books = sum(entry.amount.minor for entry in books if entry.status in STANDING)
    in_store = sum(one.amount.minor for one in refunds.values() if one.state in GOES_BACK)
    in_timeline = sum(_went_back(told[refund.id]) for refund in refunds.values() if told.get(refund.id))
    report.cents["in the providers' books"] += in_books
    report.cents["in the store"] += in_store
    report.cents["on the timelines"] += in_timeline
    if in_books > payment.captured.minor:
        report.beyond_captured.append(f"{where}: {in_books} of {payment.captured} went back")
    report.beyond_captured += beyond_with_transfers(campaign, dossier, payment, in_books)
    if in_books != in_store:
        report.differs.append(f"{where}: {in_books} in the books, {in_store} in the store")
    if in_books != in_timeline:
        report.timeline_differs.append(f"{where}: {in_books} in the books, {in_timeline} on the timeline")
    _compare_identity(report, campaign, dossier, payment, where)
    _compare_taken_back(report, campaign, dossier, payment, where)
    return in_books - _paid_twice(report, campaign, dossier, books, where)


def _compare_identity(
    report: Report, campaign: Campaign, dossier: Dossier, payment: PlannedPayment, where: str
) -> None:
    """All that went back on a payment counts on the one that the order has now."""
    (now,) = campaign.spellings.payments(payment)
    counted = {one.id for one in dossier.on_payment(now.id)}
    missed = [
        one
        for one in dossier.refunds.values()
        if one.provider == payment.provider and one.counts_against_payment and one.id not in counted
    ]
    report.split += [f"{where}: {one.id} on {one.payment!r} does not count on {now.id!r}" for one in missed]


def _compare_taken_back(
    report: Report, campaign: Campaign, dossier: Dossier, payment: PlannedPayment, where: str
) -> None:
    """What a customer's bank has of a payment is known, is on its timeline, and is on the list or was seen."""
    (now,) = campaign.spellings.payments(payment)
    held = campaign.banks.hold(payment)
    report.cents["with the customers' banks"] += held.minor
    known = dossier.charged_back(now.id, held.currency)
    if known != held:
        report.differs.append(f"{where}: a bank has {held} of it, and the store says {known}")
    names = {f"payment {one.reference} (" for one in dossier.payments.values() if dossier.stands_for(one.id) == now.id}
    last = [
        entry.text("en")
        for entry in campaign.desk.timeline(dossier.order_id, "staff")
        if entry.code == "payment_charged_back" and any(name in entry.text("en") for name in names)
    ]
    if held and not any(f"took back €{held.decimal:,.2f} " in said for said in last):
        report.timeline_differs.append(f"{where}: a bank has {held} of it, and the timeline says {last}")


def _paid_twice(report: Report, campaign: Campaign, dossier: Dossier, books: Sequence[BookedRefund], where: str) -> int:
    """Refunds that the books have twice with one id of ours: minor units of those that a person was told of."""
    by_id: dict[str, list[BookedRefund]] = defaultdict(list)
    for entry in books:
        if entry.refund_id and entry.status in STANDING:
            by_id[entry.refund_id].append(entry)
    told = 0
    listed = {about for order_id, about in campaign.known_twice if order_id == dossier.order_id}
    for recorded in campaign.desk.events(dossier.order_id):
        event = recorded.event  # a merchant may have acknowledged it while others still died
        if isinstance(event, AttentionAcknowledged) and event.kind == AttentionKind.REFUND_PAID_TWICE:
            listed.add(event.about)
    for refund_id, made in by_id.items():
        references = {entry.reference for entry in made}
        known = [one for one in dossier.refunds.values() if one.id in listed]
        for entry in made[1:]:
            if any(one.reference in references for one in known):
                told += entry.amount.minor
                report.known_twice.append(f"  {where}: {refund_id} is in the books as {made}")
            else:
                report.paid_twice.append(f"{where}: {refund_id} is in the books as {made}")
    return told


def _compare_suggested(report: Report, campaign: Campaign, order_id: str, out: int) -> None:
    """Where merchants only pay what is suggested, no more went back than was paid for the goods that came back."""
    if order_id not in campaign.world.plan.suggesting:
        return
    paid = sum(payment.captured.minor for payment in campaign.world.plan.payments[order_id])
    units = sum(decision.units for decision in _came_back(campaign, order_id))
    most = paid // UNITS * units + min(units, paid % UNITS)  # the cents that are over belong to the first units
    report.cents["suggested at most"] += most
    report.cents["of that paid"] += out
    if out > most:
        report.beyond_suggested.append(
            f"order {order_id}: {units} of {UNITS} units came back, {out} of {paid} went back"
            f"\n{timeline_of(campaign, order_id)}"
        )
    if (beside := _decided_beside_the_bank(campaign, order_id)) > most:
        report.beyond_suggested.append(
            f"order {order_id}: {units} of {UNITS} units came back, and {beside} of {paid} was refunded or known to be "
            f"with a bank when it was decided\n{timeline_of(campaign, order_id)}"
        )


def _decided_beside_the_bank(campaign: Campaign, order_id: str) -> int:
    """The most that went back by retour and was known to be with a bank together, whenever a refund was decided."""
    dossier, refunds, most = campaign.desk.dossier(order_id), 0, 0
    taken: dict[str, int] = {}
    for recorded in campaign.desk.events(order_id):
        event = recorded.event
        if isinstance(event, PaymentChargedBack):
            taken[dossier.stands_for(event.payment)] = event.amount.minor
        elif (
            isinstance(event, (RefundPlanned, RefundLinkOpened, RefundTransferPlanned))
            and dossier.refunds[event.refund_id].state in GOES_BACK
        ):
            refunds += event.amount.minor
            most = max(most, refunds + sum(taken.values()))
    return most


def _came_back(campaign: Campaign, order_id: str) -> list[Decision]:
    requests = campaign.desk.dossier(order_id).requests
    return [
        one
        for one in campaign.world.plan.decisions
        if one.order_id == order_id and one.kind in COMES_BACK and one.goods_request_id in requests
    ]


def _whose(entry: BookedRefund, refunds: Iterable[Refund]) -> str | None:
    """The refund in the store that an entry in the books belongs to: by the provider's reference, else by our id; two
    that carry the same id are two."""
    refunds = list(refunds)
    named = [refund.id for refund in refunds if refund.reference == entry.reference]
    return next(iter(named or [refund.id for refund in refunds if entry.refund_id == refund.id]), None)


def _compare_refund(report: Report, what: str, refund: Refund, own: Sequence[BookedRefund]) -> None:
    """A refund that is not parked against its entries in the books."""
    if not own:
        if refund.state not in (RefundState.FAILED, RefundState.CANCELLED):
            report.lost.append(f"{what}, and the books have nothing of it")
        elif refund.state is RefundState.FAILED and not _is_known_not_made(refund):
            report.differs.append(f"{what} ({refund.problem}), and the provider never had it")
        return
    entry = own[-1]
    if entry.amount != refund.amount:
        report.differs.append(f"{what}, and the books say {entry.amount}")
    if refund.state not in SAME[entry.status]:
        report.differs.append(f"{what}, and the books say {entry.status}")
    by_statement = refund.payment.startswith("manual_transfer:")  # the line of the statement, not the bank's transfer
    if not by_statement and refund.reference != entry.reference:
        report.differs.append(f"{what} with reference {refund.reference}, and the books say {entry.reference}")


def _is_known_not_made(refund: Refund) -> bool:
    """Whether a person settled that it was not made, or its provider could say so at last, or refused it."""
    return refund.settled is False or (refund.problem is not None and refund.problem.code in _NOT_MADE)


_NOT_MADE = (
    ReasonCode.DID_NOT_HAPPEN,
    ReasonCode.AMOUNT_TOO_HIGH,
    ReasonCode.ALREADY_REFUNDED,
    ReasonCode.DISPUTED,
    ReasonCode.NOT_REFUNDABLE,
)


def _evidence(where: str, refund: Refund, own: Sequence[BookedRefund], told: Sequence[str]) -> list[str]:
    """All that a person has to go by."""
    return [
        "\n".join(
            [
                f"  {where}: {refund.id} of {refund.amount} is {refund.state}: {refund.problem}",
                f"    sent {refund.sent_at}, unclear {refund.unclear_at}; the books have {own or 'nothing'}",
                *[f"    | {line}" for line in told],
            ]
        )
    ]


# --- the timeline ----------------------------------------------------------------------------------------


def _told(campaign: Campaign, dossier: Dossier) -> Iterator[tuple[str, list[str]]]:
    """What the staff's timeline tells of each refund, the oldest first, but for who has looked at it."""
    events = {
        recorded.seq: recorded.event
        for recorded in campaign.desk.events(dossier.order_id)
        if not isinstance(recorded.event, AttentionAcknowledged)
    }
    told: dict[str, list[str]] = {refund_id: [] for refund_id in dossier.refunds}
    for entry in campaign.desk.timeline(dossier.order_id, "staff"):
        refund_id = getattr(events.get(entry.seq), "refund_id", None)
        if refund_id in told:
            told[refund_id].append(entry.text("en"))
    yield from told.items()


def _went_back(told: Sequence[str]) -> int:
    """Minor units that went back by the last sentence about a refund, as a reader would understand it."""
    last = told[-1]
    (amount,) = _AMOUNT.findall(last)[:1]
    minor = int(amount.replace(",", "").replace(".", ""))
    return minor if any(words in last for words in _BACK) else 0


_BACK = (
    f": {REFUND_WORDS[RefundState.SUCCEEDED]}, reference",
    f": {REFUND_WORDS[RefundState.PENDING]}, reference",
    " went back twice: ",
    " refunded, reference ",
    " was refunded at the provider, reference ",
    ": being processed; it was not requested from this shop",
    " found at the provider is this refund, reference ",
    "The provider is asked to cancel the refund of ",
    " cannot be cancelled any more: ",
)
"""How sentences go that say that money went back, or is on its way."""


def _compare_told(report: Report, what: str, refund: Refund, told: Sequence[str]) -> None:
    """The last sentence about a refund names its amount, and says what became of it."""
    last = told[-1] if told else ""
    if f"€{refund.amount.decimal:,.2f}" not in last or (_went_back(told) > 0) is not (refund.state in GOES_BACK):
        report.timeline_differs.append(f"{what}, and the timeline ends with: {last}")


# --- decisions, lists and stock --------------------------------------------------------------------------


def _compare_decisions(report: Report, campaign: Campaign) -> None:
    """What a merchant was told is made is in the store, and no decision made two refunds."""
    told = decided(campaign.world)
    by_order = defaultdict(list)
    for decision in campaign.world.plan.decisions:
        if decision.kind in GOES_OUT:
            by_order[decision.order_id].append(decision)
    for order_id, decisions in by_order.items():
        dossier = campaign.desk.dossier(order_id)
        for decision in decisions:
            refund_id = told.get(decision.number)
            if refund_id is not None and refund_id not in dossier.refunds:
                report.lost.append(f"order {order_id}: the merchant was told of {refund_id}")
        forms = [one.request_id for one in decisions if one.request_id in dossier.requests]
        made = [one for one in dossier.refunds.values() if one.source in _OURS]
        if len(made) != len(forms):
            report.decided_twice.append(f"order {order_id}: {len(forms)} decisions made {len(made)} refunds")


_OURS = (RefundSource.API, RefundSource.LINK, RefundSource.TRANSFER)
"""How merchants decide that money goes back."""


def _compare_lists(report: Report, campaign: Campaign) -> None:
    """The rows of the list of refunds are the refunds of the dossiers."""
    rows = {(row.order_id, row.refund_id): (row.state, row.amount) for row in campaign.rows()}
    refunds = {
        (order_id, refund.id): (refund.state, refund.amount)
        for order_id in campaign.world.plan.orders
        for refund in campaign.desk.dossier(order_id).refunds.values()
    }
    for key in rows.keys() | refunds.keys():
        if rows.get(key) != refunds.get(key):
            report.differs.append(f"{key}: {rows.get(key)} on the list, {refunds.get(key)} in the dossier")


def _compare_stock(report: Report, campaign: Campaign) -> None:
    """Every unit that was counted is booked once."""
    units = booked(campaign.world.folder / "stock.db")
    for order_id in campaign.world.plan.orders:
        returned = sum(decision.units for decision in _came_back(campaign, order_id))
        found = units.get(f"cup-{order_id}", 0)
        if found > returned:
            report.restocked_twice.append(f"order {order_id}: {returned} came back, {found} were booked")
        elif found < returned:
            report.not_restocked.append(f"order {order_id}: {returned} came back, {found} were booked")
        report.refunds["(units restocked)"] += found
