"""The audit: every label in the store against the sandbox's books and ledger, the timeline, the list, and what people
were told."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping

import attrs
from crash.campaign.deaths import AT_RANDOM
from crash.campaign.trouble import WEIGHTS

from retour import ActorKind, Label, LabelState, Money
from retour.model.events.labels import LabelCancelAsked, LabelOrdered, LabelReported
from retour.model.labels import SCANNED, Told
from retour.sandbox import BookedLabel

from .people import ODDS
from .run import MADE_IN_PORTAL, SCANS_MADE, Campaign
from .world import OF_CUSTOMERS, OF_STAFF

SAME: Mapping[LabelState, tuple[Told, ...]] = {
    LabelState.ANNOUNCING: (Told.ANNOUNCING,),
    LabelState.READY: (Told.READY,),
    LabelState.REFUSED: (Told.REFUSED,),
    LabelState.CANCELLING: (Told.CANCELLING,),
    LabelState.CANCELLED: (Told.CANCELLED,),
}
"""What the books say of a label that is so in the store."""

COUNT = (LabelState.READY, LabelState.CANCELLING)
"""Labels that cost what they cost."""


GOES_ON = (SCANS_MADE, MADE_IN_PORTAL, "webhooks", "  lost")
"""What a campaign counts that goes on without anybody of the shop."""


@attrs.define(kw_only=True)
class Report:
    """What an audit found. ``numbers`` is what happened; everything in ``found`` must be empty, and so must be what
    ``never_happened``, for of that a clean audit proves nothing. ``stories`` are the events of the orders of which
    something was found, and what the books have of them."""

    numbers: Counter[str] = attrs.field(factory=Counter)
    found: dict[str, list[str]] = attrs.field(factory=lambda: {name: [] for name in FAULTS})
    never_happened: dict[str, list[str]] = attrs.field(factory=dict)
    stories: dict[str, list[str]] = attrs.field(factory=dict)

    @property
    def clean(self) -> bool:
        """Whether nothing was found."""
        return not any(self.found.values())

    @property
    def result(self) -> Mapping[str, int]:
        """What was found, in numbers."""
        return {name: len(several) for name, several in self.found.items()}

    def text(self) -> str:
        """The report as a table."""
        rows = [f"  {name:<48}{number:>8}" for name, number in self.numbers.items()]
        rows += ["result", *(f"  {name:<48}{number:>8}" for name, number in self.result.items())]
        for name, several in self.found.items():
            rows += [f"\n{name}:", *(f"  {one}" for one in several[:20])] if several else []
        for order_id, story in self.stories.items():
            rows += [f"\nthe story of order {order_id}:", *(f"  {one}" for one in story)]
        return "\n".join(rows)


TAKEN_BACK = "labels that customers replaced or cancelled"
"""Who may order a label may take it back."""

TWICE = "labels bought twice"
LOST = "labels lost"
UNKNOWN = "in the ledger, and nobody knows it"
SCANNED_AND_CANCELLED = "cancelled while scanned"
SILENT = "not cancelled, and nobody is told"
DIFFERS = "state differs from the books"
TIMELINE = "timeline differs from the books"
MONEY = "money differs from the ledger"
TWO_LABELS = "one page ordered two labels, or two pages one"
TOO_MANY = "a parcel has more labels than it was given"
UNTOLD = "waits for a person who is not told"
ERRORS = "raw errors, each of which ended a process"
FAULTS = (
    TWICE, LOST, UNKNOWN, SCANNED_AND_CANCELLED, SILENT, DIFFERS, TIMELINE, MONEY, TWO_LABELS, TOO_MANY, UNTOLD, ERRORS
)  # fmt: skip


def audit(campaign: Campaign) -> Report:
    """Compare everything."""
    report = Report()
    report.found[SILENT] += campaign.unsaid
    report.found[ERRORS] += campaign.failures
    asked_of_a_person = {item.about for item in campaign.desk.attention(limit=500).items}
    for order_id in campaign.world.returns:
        before = dict(report.result)
        _compare(report, campaign, order_id, asked_of_a_person)
        if before != report.result:
            recorded = campaign.desk._services.store.events(campaign.desk.shop_id, order_id)
            report.stories[order_id] = [f"{one.seq} {one.by.kind.value}: {one.event}" for one in recorded]
            report.stories[order_id] += [str(one) for one in campaign.sandbox.books(order_id)]
    _compare_told(report, campaign)
    _compare_money(report, campaign)
    report.numbers["processes started"] = sum(campaign.lives.values())
    report.numbers["killed"] = sum(campaign.deaths.values())
    report.numbers.update({f"  {point}": times for point, times in sorted(campaign.deaths.items())})
    never = {
        "nobody ever died": [point for point in (*ODDS, AT_RANDOM) if not campaign.deaths[point]],
        "Sendcloud never failed": [fault.value for fault in WEIGHTS if not campaign.faults[fault.value]],
        "nobody ever asked for this": [kind for kind in {**OF_STAFF, **OF_CUSTOMERS} if kind not in campaign.acted],
        "this never went on at the carrier": [what for what in GOES_ON if not campaign.counts[what]],
    }
    report.never_happened = {what: several for what, several in never.items() if several}
    report.numbers["Sendcloud failed"] = sum(campaign.faults.values())
    report.numbers.update(campaign.counts)
    report.numbers.update({f"waited for a person: {kind}": times for kind, times in campaign.attended.items()})
    return report


def _compare(report: Report, campaign: Campaign, order_id: str, asked_of_a_person: set[str]) -> None:
    """One order: every label in the books is one of the store's, and the reverse."""
    dossier = campaign.desk.dossier(order_id)
    recorded = campaign.desk._services.store.events(campaign.desk.shop_id, order_id)
    events = [one.event for one in recorded]
    for by_customer in [one.event for one in recorded if one.by.kind is ActorKind.CUSTOMER]:
        replaced = isinstance(by_customer, LabelOrdered) and by_customer.replaces is not None
        report.numbers[TAKEN_BACK] += replaced or isinstance(by_customer, LabelCancelAsked)
    books: defaultdict[str, list[BookedLabel]] = defaultdict(list)
    for booked in campaign.sandbox.books(order_id):
        label = _whose(booked, dossier.labels.values())
        if label is None and not booked.label_id and booked.told is Told.REFUSED:
            report.numbers["of the portal, refused, and no news"] += 1
        elif label is None:
            report.found[UNKNOWN].append(f"order {order_id}: {booked}")
        else:
            books[label.id].append(booked)
    for label in dossier.labels.values():
        where = f"order {order_id}, {label.id}, {label.state.value}"
        report.numbers[f"labels {label.state.value}"] += 1
        report.numbers["  found without their names"] += bool(label.told and not label.reference)
        if len(books[label.id]) > 1:
            report.found[TWICE].append(f"{where}: {books[label.id]}")
        elif books[label.id]:
            _compare_one(report, where, label, books[label.id][0])
            said = [one.told for one in events if isinstance(one, LabelReported) and one.label_id == label.id]
            if said and said[-1] not in SAME.get(label.state, ()) and not label.not_cancelled:
                report.found[TIMELINE].append(f"{where}: it says {said[-1]}")
        elif label.state is not LabelState.REFUSED:
            report.found[LOST].append(f"{where}: not in the books")
        if label.state in (LabelState.UNKNOWN, LabelState.ORDERED) and label.id not in asked_of_a_person:
            report.found[UNTOLD].append(where)
    open_ones = [one for one in dossier.labels_of(campaign.world.returns[order_id]) if one.open]
    others = [one for one in campaign.told if one["order"] == order_id and one["kind"] == "another"]
    if len(open_ones) > 1 + len({one["label"] for one in others}):
        report.found[TOO_MANY].append(f"order {order_id}: {[one.id for one in open_ones]}")
    ordered = {one.label_id for one in events if isinstance(one, LabelOrdered)}
    if ordered != {one.id for one in dossier.labels.values() if not one.in_portal}:
        report.found[TIMELINE].append(f"order {order_id}: ordered {sorted(ordered)}")


def _compare_one(report: Report, where: str, label: Label, booked: BookedLabel) -> None:
    if booked.told not in SAME.get(label.state, ()):
        report.found[DIFFERS].append(f"{where}: {booked}")
    if booked.progress in SCANNED and label.state is LabelState.CANCELLED:
        report.found[SCANNED_AND_CANCELLED].append(f"{where}: {booked}")
    if (booked.progress in SCANNED) is not label.scanned:
        report.found[DIFFERS].append(f"{where}, {label.progress.value}: {booked}")
    cost = label.cost if label.state in COUNT and label.cost is not None else Money.zero("EUR")
    if cost != booked.charged:
        report.found[MONEY].append(f"{where}: {cost}, and the ledger has {booked.charged}")


def _whose(booked: BookedLabel, labels: Iterable[Label]) -> Label | None:
    for label in labels:
        if booked.label_id == label.id:
            return label
        if (
            not booked.label_id
            and label.in_portal
            and (label.reference == booked.reference or label.parcel == booked.parcel)
        ):
            return label
    return None


def _compare_told(report: Report, campaign: Campaign) -> None:
    """One page orders one label, however often it is sent, and what anybody was told is there."""
    by_request: defaultdict[str, set[str]] = defaultdict(set)
    by_label: defaultdict[str, set[str]] = defaultdict(set)
    for one in campaign.told:
        by_request[one["request"]].add(one["label"])
        by_label[one["label"]].add(one["request"])
    report.numbers["labels that people were told of"] = len(by_label)
    for request, labels in by_request.items():
        if len(labels) > 1:
            report.found[TWO_LABELS].append(f"{request}: {sorted(labels)}")
    for label, requests in by_label.items():
        if len(requests) > 1:
            report.found[TWO_LABELS].append(f"{label}: {sorted(requests)}")
    there = {label_id for order_id in campaign.world.returns for label_id in campaign.desk.dossier(order_id).labels}
    report.found[LOST] += [f"{label}: told, and not in the store" for label in sorted(set(by_label) - there)]


def _compare_money(report: Report, campaign: Campaign) -> None:
    """What the ledger charged in all is what the labels cost that count."""
    zero = Money.zero("EUR")
    labels = [label for order_id in campaign.world.returns for label in campaign.desk.dossier(order_id).labels.values()]
    ours = sum((label.cost or zero for label in labels if label.state in COUNT), zero)
    theirs = sum((charge.amount for charge in campaign.sandbox.ledger), zero)
    report.numbers["cents in the ledger"] = theirs.minor
    if ours != theirs:
        report.found[MONEY].append(f"all labels that count cost {ours}, and the ledger has {theirs}")
