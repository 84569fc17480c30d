"""Returns that a customer makes in a provider's own portal, without the shop: they are returns like any other.

Who says so is the provider. What he says is sent back counts as announced as far as the order has it; what it has not,
a person looks at.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

import attrs

from retour.model.actor import Actor
from retour.model.dossier import Dossier
from retour.model.events.goods import ReturnApproved, ReturnRequested
from retour.model.events.labels import PortalLabelFound
from retour.model.frozen import frozen
from retour.model.ids import is_id
from retour.model.labels import ParcelState, WhatFollows
from retour.model.order import Order, OrderLine
from retour.model.reasons import ReasonCode, names_in_a_reason, reason
from retour.model.refunds import Evidence
from retour.model.return_reasons import ReturnReason
from retour.model.returns import GoodsState, Objection, RequestedLine, Return
from retour.rules.draft import Draft
from retour.rules.label_reports import ReportedItem, ReportedShipment, report
from retour.rules.left import units_left
from retour.rules.whose_label import GONE, Answer, Learnt, Nobodys, This, is_listed, known_labels, sorted_out, whose


@frozen(kw_only=True)
class Portal:
    """The portal of an ``account`` of a ``provider``; ``reasons`` are the shop's, with the provider's codes of them."""

    provider: str
    account: str
    reasons: Sequence[ReturnReason]
    follows: Mapping[ParcelState, WhatFollows]


def record_shipment(
    draft: Draft, order: Order, portal: Portal, seen: ReportedShipment, evidence: Evidence, learnt: Learnt
) -> Answer:
    """Record what a provider says of a return shipment of an order: of a label that is known, or one that the customer
    made himself. Gives whose it is: what can be a label that is being made or only half known is recorded of none, nor
    is what carries an id as retour makes them, since another one made it that keeps its own books of the account."""
    dossier = draft.dossier
    answer = whose(known_labels(dossier, portal.provider, portal.account), seen, learnt)
    named = learnt.named(seen)
    if isinstance(answer, This):
        report(draft, dossier.labels[answer.label_id], named, evidence, portal.follows)
    elif answer is Nobodys.NONE and named.names and (seen.reference or is_listed(seen, learnt)):
        now = learnt.itself or seen
        if not ({seen.told, now.told} & GONE or is_id("lb", named.label_id or now.label_id)):
            _found(draft, order, portal, named, evidence)
    return answer


def record_listed(draft: Draft, order: Order, portal: Portal, evidence: Evidence, learnt: Learnt) -> None:
    """Record what a provider says of all return shipments of an order that it listed."""
    labels = known_labels(draft.dossier, portal.provider, portal.account)
    learnt = sorted_out(labels, learnt)
    for seen in learnt.listed or ():
        record_shipment(draft, order, portal, seen, evidence, learnt)


def _found(draft: Draft, order: Order, portal: Portal, seen: ReportedShipment, evidence: Evidence) -> None:
    seen = seen.believed(draft.latest or draft.at)
    announced = _announced_before(draft.dossier, order, seen.items)
    return_id = announced.id if announced is not None else _announce(draft, order, portal, seen)
    chosen, reasons = _chosen_otherwise(announced, order, portal, seen) if announced is not None else ((), ())
    label_id = draft.new_id("lb")
    draft.record(
        PortalLabelFound(
            label_id=label_id,
            return_id=return_id,
            provider=portal.provider,
            account=portal.account,
            told=seen.told,
            evidence=evidence,
            reference=seen.reference,
            parcel=seen.parcel,
            tracking_number=seen.tracking_number,
            made_at=seen.made_at,
            chosen=chosen,
            reasons=reasons,
        ),
        Actor.provider(portal.provider),
    )
    report(draft, draft.dossier.labels[label_id], seen, evidence, portal.follows)


def _announced_before(dossier: Dossier, order: Order, items: Sequence[ReportedItem]) -> Return | None:
    """The return that the customer announced at the shop, where what is in the parcel can be nothing else; None where
    that is not certain.

    All units of those lines that can still come are on that one return: it is approved, and nobody has said how it
    comes. While a unit is in no return, or in another one too, the parcel can be of that, and a person says which.
    """
    units: Counter[str] = Counter()
    for item in items:
        lines = _lines_of(order, item)
        if len(lines) != 1 or not item.quantity:
            return None
        units[lines[0].id] += item.quantity
    left = units_left(dossier, order)
    if not units or any(left[line_id] > 0 for line_id in units):
        return None
    holding = [one for one in dossier.returns.values() if one.open and any(map(one.still_to_come().get, units))]
    if len(holding) != 1:
        return None
    [found] = holding
    fits = all(number <= found.outstanding().get(line_id, 0) for line_id, number in units.items())
    return found if fits and found.goods is GoodsState.APPROVED and not is_under_way(dossier, found) else None


def _chosen_otherwise(
    announced: Return, order: Order, portal: Portal, seen: ReportedShipment
) -> tuple[tuple[RequestedLine, ...], tuple[ReturnReason, ...]]:
    """The units of a return that was ``announced`` for which the customer chose another reason in the portal than it
    has of their line, for each line and reason; and those reasons of the shop's list."""
    said, reasons, _ = _said(announced.outstanding(), order, portal, seen.items)
    known = {(one.line_id, one.reason) for one in announced.announced}
    chosen = tuple([one for one in said if one.reason and (one.line_id, one.reason) not in known])
    named = {one.reason for one in chosen}
    return chosen, tuple([one for one in reasons if one.code in named])


def is_under_way(dossier: Dossier, return_: Return) -> bool:
    """Whether something is known of how a return comes: it has a label, or the customer has said that he sent it."""
    return bool(return_.tracking or return_.carrier or return_.sent_on or return_.receipts) or any(
        label.open for label in dossier.labels_of(return_.id)
    )


def _announce(draft: Draft, order: Order, portal: Portal, seen: ReportedShipment) -> str:
    """A return of what is in the parcel; gives its id."""
    by, return_id = Actor.provider(portal.provider), draft.new_id("rt")
    said, reasons, left_out = _said(units_left(draft.dossier, order), order, portal, seen.items)
    lines = _of_lines(said)
    objections = () if lines and not left_out else (_objection(left_out),)
    draft.record(
        ReturnRequested(
            return_id=return_id,
            lines=lines,
            reasons=reasons,
            objections=objections,
            by_reason=said if len(said) > len(lines) else (),
        ),
        by,
    )
    if not objections:
        draft.record(ReturnApproved(return_id=return_id), by)
    return return_id


def _objection(left_out: Sequence[str]) -> Objection:
    if not left_out:
        return Objection.review(reason(ReasonCode.PORTAL_SAYS_NOTHING))
    return Objection.review(reason(ReasonCode.PORTAL_ITEMS, items=names_in_a_reason(left_out)))


def _said(
    can_come: Mapping[str, int], order: Order, portal: Portal, items: Sequence[ReportedItem]
) -> tuple[tuple[RequestedLine, ...], tuple[ReturnReason, ...], list[str]]:
    """The units of the order's lines that are in a parcel, for each line and reason, as far as they ``can_come``; those
    reasons of the shop's list; and what else the provider says is in it."""
    left = {line_id: max(0, units) for line_id, units in can_come.items()}
    by_code = {
        one.provider_codes[portal.provider]: one for one in portal.reasons if portal.provider in one.provider_codes
    }
    units: dict[tuple[str, str], int] = {}
    reasons: dict[str, ReturnReason] = {}
    left_out = []
    for item in items:
        rest, chosen = item.quantity, by_code.get(item.reason)
        for line in _lines_of(order, item):
            taken = min(rest, left[line.id])
            rest, left[line.id] = rest - taken, left[line.id] - taken
            if taken:
                why = chosen.code if chosen is not None else _as_it_is_called(portal, item)
                units[line.id, why] = units.get((line.id, why), 0) + taken
                reasons |= {chosen.code: chosen} if chosen is not None else {}
        if rest or not item.quantity:
            left_out.append(f"{rest} × {item.sku or item.description}")
    lines = [RequestedLine(line_id=line, quantity=number, reason=why) for (line, why), number in units.items()]
    return tuple(lines), tuple(reasons.values()), left_out


def _as_it_is_called(portal: Portal, item: ReportedItem) -> str:
    """A reason that is not on the shop's list, by what its provider calls it; empty where there is none."""
    return f"{portal.provider}: {item.reason}" if item.reason else ""


def _of_lines(said: Sequence[RequestedLine]) -> tuple[RequestedLine, ...]:
    """The same units by line alone, with the first reason that each has."""
    lines: dict[str, RequestedLine] = {}
    for one in said:
        first = lines.get(one.line_id)
        lines[one.line_id] = one if first is None else _with_units_of(first, one)
    return tuple(lines.values())


def _with_units_of(first: RequestedLine, other: RequestedLine) -> RequestedLine:
    return attrs.evolve(first, quantity=first.quantity + other.quantity, reason=first.reason or other.reason)


def _lines_of(order: Order, item: ReportedItem) -> list[OrderLine]:
    """The goods that an item is, by the shop's product key or the line's own id."""
    return [line for line in order.goods if item.sku and item.sku in (line.product, line.id)]
