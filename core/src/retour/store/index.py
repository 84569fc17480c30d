"""The rows of the indexes that are written in the same transaction as the events they follow from."""

from __future__ import annotations

import datetime
import hashlib
from collections.abc import Collection, Iterable, Sequence
from typing import Any

from retour.model.attention import Attention
from retour.model.dossier import Dossier
from retour.model.events.event import Recorded, touched_labels, touched_refunds, touched_returns
from retour.model.events.goods import OrderSeen, ReturnRequested
from retour.model.events.labels import PortalLabelFound
from retour.model.events.money import RefundMatched, RefundPlanned
from retour.model.events.payment_identity import PaymentIdentified
from retour.model.label_lists import label_details, label_waits_for
from retour.model.labels import Label, WhatFollows
from retour.model.money import Money
from retour.model.order import Mode
from retour.model.refunds import Refund
from retour.model.returns import GoodsState, Return
from retour.model.summaries import refund_details, refund_waits_for, return_details, waits_for
from retour.rules.amounts import order_amounts
from retour.rules.quote import values_of_returns
from retour.store.clock import microseconds
from retour.store.commit import AttentionRows, ListRows
from retour.store.records import as_json


def return_rows(shop: str, before: Dossier, dossier: Dossier, events: Sequence[Recorded]) -> list[dict[str, Any]]:
    """A row of ``retour_return`` for each return that ``events`` speak of, or whose units have another value than
    ``before``; for all when the order changed."""
    seen = any(isinstance(recorded.event, OrderSeen) for recorded in events)
    spoken_of = [one for one in (dossier.returns if seen else touched_returns(events)) if one in dossier.returns]
    if not spoken_of:
        return []
    if seen or not _only_more_came_back(before, dossier):
        values = values_of_returns(dossier)
        others = [one for one in dossier.returns.values() if one.receipts and one.id not in set(spoken_of)]
        were = values_of_returns(before) if others else {}
        spoken_of += [one.id for one in others if values.get(one.id) != were.get(one.id)]
    else:
        values = values_of_returns(dossier, spoken_of)
    beyond = dossier.excess_over_order().keys()
    return [_return_row(shop, dossier, dossier.returns[one], beyond, values.get(one)) for one in spoken_of]


def _only_more_came_back(before: Dossier, dossier: Dossier) -> bool:
    """Whether what had come back came back first, as it did: what a unit is worth depends on those that came before it,
    so that no other return has another value then. The last of them may have been counted on."""
    if before.order is None or dossier.order is None:
        return False
    were, are = before.counted_on_returns(before.order), dossier.counted_on_returns(dossier.order)
    if len(are) < len(were):
        return False
    last = len(were) - 1
    return all(
        was[0] == now[0] and was[1].lines is now[1].lines and (was[2] == now[2] or index == last)
        for index, (was, now) in enumerate(zip(were, are, strict=False))
    )


def _return_row(
    shop: str, dossier: Dossier, return_: Return, beyond: Collection[str], value: Money | None
) -> dict[str, Any]:
    waits = _waits_for(dossier, return_, beyond)
    waits_to_be_sent = return_.goods is GoodsState.APPROVED and not dossier.carrier_has(return_.id)
    return {
        "shop": shop,
        "return_id": return_.id,
        "order_id": dossier.order_id,
        "goods": return_.goods.value,
        "stock": return_.stock.value,
        "waits_for": waits,
        "since": microseconds(_since(dossier, return_, waits)),
        "due": return_.send_by.isoformat() if waits_to_be_sent and return_.send_by is not None else None,
        "opened_at": microseconds(return_.opened_at),
        "number": return_.number,
        "details": as_json(return_details(dossier, return_, value)),
    }


def label_rows(shop: str, before: Dossier, dossier: Dossier) -> list[dict[str, Any]]:
    """A row of ``retour_label`` for each label of which something is another than ``before``, or of its return."""
    return [
        _label_row(shop, dossier, one)
        for one in dossier.labels.values()
        if before.labels.get(one.id) is not one
        or before.returns.get(one.return_id) is not dossier.returns[one.return_id]
    ]


def _label_row(shop: str, dossier: Dossier, label: Label) -> dict[str, Any]:
    return {
        "shop": shop,
        "label_id": label.id,
        "order_id": dossier.order_id,
        "return_id": label.return_id,
        "provider": label.provider,
        "state": label.state.value,
        "waits_for": label_waits_for(dossier, label),
        "since": microseconds(label.changed_at),
        "opened_at": microseconds(label.ordered_at),
        "details": as_json(label_details(label)),
    }


def reason_rows(shop: str, dossier: Dossier, events: Iterable[Recorded]) -> list[dict[str, Any]]:
    """A row of ``retour_return_reason`` for each reason of the shop's list that somebody chose, here or in a portal."""
    asked = [
        one.event.return_id
        for one in events
        if isinstance(one.event, ReturnRequested | PortalLabelFound) and one.event.reasons
    ]
    return [row for one in dict.fromkeys(asked) for row in _reason_rows(shop, dossier, dossier.returns[one])]


def _reason_rows(shop: str, dossier: Dossier, return_: Return) -> list[dict[str, Any]]:
    row = {"shop": shop, "opened_at": microseconds(return_.opened_at), "return_id": return_.id}
    row |= {"order_id": dossier.order_id}
    return [{**row, "reason": one.code} for one in return_.reasons_chosen]


def rows_of_lists(shop: str, dossier: Dossier) -> ListRows:
    """What rows of before their details were kept lack, of all that a dossier has."""
    values = values_of_returns(dossier)
    return ListRows(
        shop=shop,
        order_id=dossier.order_id,
        version=dossier.version,
        amounts=as_json(order_amounts(dossier)),
        returns=[
            {"return_id": one.id, "details": as_json(return_details(dossier, one, values.get(one.id)))}
            for one in dossier.returns.values()
        ],
        refunds=[
            {"refund_id": one.id, "reference": one.reference, "details": as_json(refund_details(one))}
            for one in dossier.refunds.values()
        ],
        reasons=[row for one in dossier.returns.values() for row in _reason_rows(shop, dossier, one)],
        labels=[_label_row(shop, dossier, one) for one in dossier.labels.values()],
    )


def _waits_for(dossier: Dossier, return_: Return, beyond: Collection[str]) -> str:
    """What a return waits for: somebody who looks, where the order has less now than came back; somebody who counts,
    where a parcel of it was delivered."""
    if beyond and not return_.claimed().keys().isdisjoint(beyond):
        return "order"
    waits = waits_for(return_)
    delivered = _delivered(dossier, return_)
    return "counting" if waits == "goods" and len(delivered) > len(return_.receipts) else waits


def _since(dossier: Dossier, return_: Return, waits: str) -> datetime.datetime:
    """Since when it waits for that: to be counted, since the first parcel came that was not."""
    if waits != "counting":
        return return_.changed_at
    came = sorted(one.changed_at for one in _delivered(dossier, return_))
    return max(return_.changed_at, came[len(return_.receipts)])


def _delivered(dossier: Dossier, return_: Return) -> list[Label]:
    """Its labels whose parcel is here."""
    return [one for one in dossier.labels_of(return_.id) if one.follows is WhatFollows.COUNT]


def reference_rows(shop: str, dossier: Dossier, events: Iterable[Recorded]) -> list[dict[str, Any]]:
    """A row of ``retour_reference`` for each name of each payment of an order that was seen anew, for what a refund is
    made on, which can be another reference than the shop stored, for all that a provider calls a payment, and for what
    names a label and its parcel there, by its provider's word."""
    events = list(events)
    seen = [
        (payment, name)
        for recorded in events
        if isinstance(recorded.event, OrderSeen)
        for payment in recorded.event.order.payments
        for name in payment.names
    ]
    sent = [
        (dossier.payments[recorded.event.payment], recorded.event.sent.target)
        for recorded in events
        if isinstance(recorded.event, RefundPlanned) and recorded.event.payment in dossier.payments
    ]
    told = [
        (dossier.payments[recorded.event.payment], name)
        for recorded in events
        if isinstance(recorded.event, PaymentIdentified) and recorded.event.payment in dossier.payments
        for name in recorded.event.identity.names
    ]
    of_payments = [
        (payment.provider, payment.account, payment.mode, reference)
        for payment, reference in dict.fromkeys(seen + sent + told)
    ]
    labels = [dossier.labels[label_id] for label_id in touched_labels(events)] if dossier.labels else []
    of_labels = [
        (label.provider, label.account, Mode.LIVE, name)
        for label in labels
        for name in ("" if label.unconfirmed else label.reference, label.parcel, label.tracking_number)
        if name
    ]
    return [
        {
            "shop": shop,
            "provider": provider,
            "account": account,
            "reference": reference,
            "mode": mode.value,
            "order_id": dossier.order_id,
        }
        for provider, account, mode, reference in (*of_payments, *of_labels)
    ]


def refund_rows(shop: str, dossier: Dossier, events: Sequence[Recorded]) -> list[dict[str, Any]]:
    """A row of ``retour_refund`` for each refund that ``events`` speak of."""
    touched = [dossier.refunds[one] for one in touched_refunds(events) if one in dossier.refunds]
    return [_refund_row(shop, dossier, refund) for refund in touched]


def _refund_row(shop: str, dossier: Dossier, refund: Refund) -> dict[str, Any]:
    return {
        "shop": shop,
        "refund_id": refund.id,
        "order_id": dossier.order_id,
        "payment": refund.payment,
        "minor": refund.amount.minor,
        "currency": refund.amount.currency,
        "state": refund.state.value,
        "waits_for": refund_waits_for(refund),
        "since": microseconds(refund.changed_at),
        "opened_at": microseconds(refund.at),
        "batch": refund.batch,
        "reference": refund.reference,
        "details": as_json(refund_details(refund)),
    }


def merged_refunds(events: Iterable[Recorded]) -> list[str]:
    """The external refunds that turned out to be refunds of ours, and are no rows of their own any more."""
    return [recorded.event.external_id for recorded in events if isinstance(recorded.event, RefundMatched)]


def attention_rows(
    shop: str, order_id: str, before: Sequence[Attention], after: Sequence[Attention], rules: int
) -> AttentionRows:
    """The rows of ``retour_attention`` that say what a person must look at ``after`` a commit, and not ``before``, and
    the items that are no more; made by the rules of this number."""
    every = {_item(one): _attention_row(shop, order_id, one) for one in after}
    known = {_item(one): one for one in before}
    now = {_item(one): one for one in after}
    return AttentionRows(
        rules=rules,
        every=list(every.values()),
        changed=[row for item, row in every.items() if known.get(item) != now[item]],
        gone=[item for item in known if item not in every],
    )


def _item(found: Attention) -> str:
    """What stands for a kind and what it is about, however long that is."""
    return hashlib.sha256(f"{found.kind.value}\0{found.about}".encode()).hexdigest()[:32]


def _attention_row(shop: str, order_id: str, found: Attention) -> dict[str, Any]:
    return {
        "shop": shop,
        "order_id": order_id,
        "item": _item(found),
        "kind": found.kind.value,
        "about": found.about,
        "since": microseconds(found.since),
        "why": as_json(found.why),
        "can_do": as_json(found.can_do),
    }
