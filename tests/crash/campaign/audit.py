"""The audit: every refund in the store against the books of its provider, the timeline, the lists and the stock."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

import attrs

from retour import Payment
from retour.model.dossier import Dossier
from retour.model.events.event import Event
from retour.model.events.money import (
    ExternalRefundFound,
    RefundHeld,
    RefundReported,
    RefundSubmitted,
    RefundUnclear,
)
from retour.model.reasons import ReasonCode
from retour.model.refunds import REFUND_WORDS, Evidence, MatchedBy, Refund, RefundSource, RefundState, Reported
from retour.sandbox import BookedRefund

from .cuts import EVERY_CUT
from .deaths import AT_RANDOM, ODDS
from .people import decided
from .plan import LINK, REFUND, RETURN
from .run import Campaign, summary
from .shop import booked

BRANCHES: Mapping[str, Callable[[Event], bool]] = {
    "found by our key": lambda event: _found(event, Evidence.LOOKUP),
    "not found: the same request again": lambda event: _found(event, Evidence.REPEATED),
    "not found, too early to tell: wait": lambda event: _says(event, RefundUnclear, ReasonCode.NOT_KNOWN_YET),
    "not found, and that is proof: sent anew": lambda event: _says(event, RefundSubmitted, ReasonCode.DID_NOT_HAPPEN),
    "not found, and no proof: parked": lambda event: _says(event, RefundHeld, ReasonCode.CANNOT_TELL),
    "not made in its window: begun anew": lambda event: _says(event, RefundSubmitted, ReasonCode.NOT_MADE_BEFORE),
    "matched by our key": lambda event: _matched(event, MatchedBy.KEY),
    "matched by reference": lambda event: _matched(event, MatchedBy.REFERENCE),
    "matched by amount": lambda event: _matched(event, MatchedBy.AMOUNT),
    "matched by nothing: external": lambda event: isinstance(event, ExternalRefundFound),
}
"""Every branch of the recovery rule and of the matching rule, and the event that it leaves."""

BY_PROOF = ("not found, too early to tell: wait", "not found, and that is proof: sent anew")
"""Branches that only a provider takes whose lookup is complete."""


def _found(event: Event, evidence: Evidence) -> bool:
    return isinstance(event, RefundReported) and event.evidence is evidence


def _matched(event: Event, matched: MatchedBy) -> bool:
    return (
        isinstance(event, RefundReported)
        and event.matched is matched
        and event.evidence in (Evidence.WEBHOOK, Evidence.RECONCILE)
    )


def _says(event: Event, kind: type[Any], code: ReasonCode) -> bool:
    return isinstance(event, kind) and event.because is not None and event.because.code is code


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


@attrs.define(kw_only=True)
class Report:
    """What an audit found. ``parked`` are refunds that wait for a person, each with its evidence."""

    happened: Mapping[str, int]
    deaths: Counter[str]
    faults: Counter[str]
    cuts: Counter[str]
    branches: Counter[str]
    refunds: Counter[str] = attrs.field(factory=Counter)
    cents: Counter[str] = attrs.field(factory=Counter)
    lost: list[str] = attrs.field(factory=list)
    paid_twice: list[str] = attrs.field(factory=list)
    restocked_twice: list[str] = attrs.field(factory=list)
    not_restocked: list[str] = attrs.field(factory=list)
    differs: list[str] = attrs.field(factory=list)
    timeline_differs: list[str] = attrs.field(factory=list)
    forgotten: list[str] = attrs.field(factory=list)
    unasked: list[str] = attrs.field(factory=list)
    failures: list[str] = attrs.field(factory=list)
    parked: list[str] = attrs.field(factory=list)

    @property
    def never_died_at(self) -> list[str]:
        """The points at which no process died, so that nothing is proved of them."""
        return [point for point in (*ODDS, AT_RANDOM) if not self.deaths[point]]

    @property
    def never_cut(self) -> list[str]:
        """What never went wrong with the database."""
        return [cut for cut in EVERY_CUT if not self.cuts[cut]]

    @property
    def never_taken(self) -> list[str]:
        """The branches of the rules that no refund took, so that nothing is proved of them."""
        return [branch for branch, times in self.branches.items() if not times]

    @property
    def faults_found(self) -> Mapping[str, Sequence[str]]:
        """Everything that must be empty."""
        return {
            "refunds lost": self.lost,
            "paid twice": self.paid_twice,
            "restocked twice": self.restocked_twice,
            "not restocked": self.not_restocked,
            "state or amount differs from the books": self.differs,
            "timeline differs from the books": self.timeline_differs,
            "pending and looked at by nobody": self.forgotten,
            "unknown at some moment and asked by nobody": self.unasked,
            "raw errors, each of which ended a process": self.failures,
        }

    @property
    def clean(self) -> bool:
        """Whether nothing was found."""
        return not any(self.faults_found.values())

    def result(self) -> Mapping[str, int]:
        """What was found, in numbers: everything but the last must be zero."""
        numbers = {name: len(found) for name, found in self.faults_found.items()}
        return {**numbers, "parked for a person": len(self.parked)}

    def text(self) -> str:
        """The report as a table."""
        rows = [f"  {name:<44}{number:>8}" for name, number in self.happened.items()]
        rows += ["died", *(f"  {point:<44}{self.deaths[point]:>8}" for point in (*ODDS, AT_RANDOM))]
        rows += ["providers failed", *(f"  {fault:<44}{number:>8}" for fault, number in sorted(self.faults.items()))]
        if self.cuts:
            rows += ["the database failed", *(f"  {cut:<66}{self.cuts[cut]:>8}" for cut in EVERY_CUT)]
        rows += ["branches taken", *(f"  {branch:<44}{number:>8}" for branch, number in self.branches.items())]
        rows += ["refunds in the store", *(f"  {name:<44}{number:>8}" for name, number in sorted(self.refunds.items()))]
        rows += ["in cents", *(f"  {name:<44}{number:>8}" for name, number in self.cents.items())]
        rows += ["result", *(f"  {name:<44}{number:>8}" for name, number in self.result().items())]
        for name, found in self.faults_found.items():
            rows += [f"\n{name}:", *(f"  {one}" for one in found[:20])] if found else []
        rows += ["\nparked for a person:", *self.parked] if self.parked else []
        return "\n".join(rows)


def audit(campaign: Campaign) -> Report:
    """Compare everything."""
    campaign.ask_who_asks()
    report = Report(
        happened=summary(campaign),
        deaths=campaign.deaths,
        faults=campaign.faults,
        cuts=campaign.cuts.made if campaign.cuts is not None else Counter(),
        branches=Counter({one: 0 for one in BRANCHES if campaign.world.complete or one not in BY_PROOF}),
        forgotten=list(campaign.forgotten),
        unasked=list(campaign.unasked.values()),
        failures=list(campaign.failures),
    )
    for order_id, order in campaign.world.plan.orders.items():
        dossier = campaign.desk.dossier(order_id)
        told = dict(_told(campaign, dossier))
        _count_branches(report, campaign, order_id)
        for payment in order.payments:
            books = campaign.sandboxes[payment.provider].books(payment.reference)
            _compare(report, dossier, payment, books, told)
    _compare_decisions(report, campaign)
    _compare_lists(report, campaign)
    _compare_stock(report, campaign)
    return report


def _count_branches(report: Report, campaign: Campaign, order_id: str) -> None:
    for recorded in campaign.desk._services.store.events(campaign.desk.shop_id, order_id):
        for branch, left in BRANCHES.items():
            if left(recorded.event):
                report.branches[branch] += 1


# --- money -----------------------------------------------------------------------------------------------


def _compare(
    report: Report,
    dossier: Dossier,
    payment: Payment,
    books: Sequence[BookedRefund],
    told: Mapping[str, list[str]],
) -> None:
    """One payment: each refund in the books is one of the store's and the reverse, and the sums are the same."""
    refunds = {refund.id: refund for refund in dossier.refunds.values() if refund.payment == payment.id}
    where = f"order {dossier.order_id}, {payment.id}"
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
        if sum(entry.status in STANDING for entry in own) > 1:
            report.paid_twice.append(f"{where}: {refund.id} of {refund.amount} is in the books as {own}")
        if refund.needs_person or (refund.state is RefundState.UNKNOWN):
            report.parked += _evidence(where, refund, own, told[refund.id])
            if any(entry.status in STANDING for entry in own):
                report.differs.append(f"{where}: {refund.id} is parked, and the books have it: {own}")
            continue
        _compare_refund(report, f"{where}: {refund.id} of {refund.amount} is {refund.state}", refund, own)
        _compare_told(report, f"{where}: {refund.id} of {refund.amount} is {refund.state}", refund, told[refund.id])
    in_books = sum(entry.amount.minor for entry in books if entry.status in STANDING)
    in_store = sum(one.amount.minor for one in refunds.values() if one.state in GOES_BACK)
    in_timeline = sum(_went_back(told[refund.id]) for refund in refunds.values() if told.get(refund.id))
    report.cents["in the providers' books"] += in_books
    report.cents["in the store"] += in_store
    report.cents["on the timelines"] += in_timeline
    if in_books > payment.captured.minor:
        report.paid_twice.append(f"{where}: {in_books} of {payment.captured} went back")
    if in_books != in_store:
        report.differs.append(f"{where}: {in_books} in the books, {in_store} in the store")
    if in_books != in_timeline:
        report.timeline_differs.append(f"{where}: {in_books} in the books, {in_timeline} on the timeline")


def _whose(entry: BookedRefund, refunds: Iterable[Refund]) -> str | None:
    """The refund in the store that an entry in the books belongs to: by our id, else by the provider's reference."""
    for refund in refunds:
        if entry.refund_id == refund.id if entry.refund_id else refund.reference == entry.reference:
            return refund.id
    return None


def _compare_refund(report: Report, what: str, refund: Refund, own: Sequence[BookedRefund]) -> None:
    """A refund that is not parked against its entries in the books."""
    if not own:
        if refund.state not in (RefundState.FAILED, RefundState.CANCELLED):
            report.lost.append(f"{what}, and the books have nothing of it")
        elif refund.state is RefundState.FAILED:
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
    """What the staff's timeline tells of each refund, the oldest first, each with the kind of event before it."""
    events = {
        recorded.seq: recorded.event
        for recorded in campaign.desk._services.store.events(campaign.desk.shop_id, dossier.order_id)
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
    " refunded, reference ",
    " was refunded at the provider, reference ",
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
        if decision.kind in (REFUND, LINK):
            by_order[decision.order_id].append(decision)
    for order_id, decisions in by_order.items():
        dossier = campaign.desk.dossier(order_id)
        for decision in decisions:
            refund_id = told.get(decision.number)
            if refund_id is not None and refund_id not in dossier.refunds:
                report.lost.append(f"order {order_id}: the merchant was told of {refund_id}")
        forms = [one.request_id for one in decisions if one.request_id in dossier.requests]
        made = [one for one in dossier.refunds.values() if one.source in (RefundSource.API, RefundSource.LINK)]
        if len(made) != len(forms):
            report.paid_twice.append(f"order {order_id}: {len(forms)} decisions made {len(made)} refunds")


def _compare_lists(report: Report, campaign: Campaign) -> None:
    """The rows of the list of refunds are the refunds of the dossiers."""
    rows = {(row.order_id, row.refund_id): (row.state, row.amount) for row in campaign._rows()}
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
    came_back: Counter[str] = Counter()
    for decision in campaign.world.plan.decisions:
        if decision.kind == RETURN and decision.request_id in campaign.desk.dossier(decision.order_id).requests:
            came_back[decision.order_id] += decision.units
    for order_id in campaign.world.plan.orders:
        returned = came_back[order_id]
        found = units.get(f"cup-{order_id}", 0)
        if found > returned:
            report.restocked_twice.append(f"order {order_id}: {returned} came back, {found} were booked")
        elif found < returned:
            report.not_restocked.append(f"order {order_id}: {returned} came back, {found} were booked")
        report.refunds["(units restocked)"] += found
