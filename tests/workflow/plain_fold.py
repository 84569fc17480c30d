"""A second fold: what the rows of an order's events mean, from their type and JSON alone, and for states only.

It knows nothing of the product's classes, of its fold and of its words, so that the two can be compared.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from sqlalchemy import Engine, text

GOODS = {
    "return_requested": "requested",
    "return_approved": "approved",
    "return_rejected": "rejected",
    "return_sent": "in_transit",
    "return_cancelled": "cancelled",
    "return_expired": "expired",
    "return_closed": "closed",
}
ENDS = ("return_rejected", "return_cancelled", "return_expired", "return_closed")
REFUNDS = {
    "refund_link_opened": "awaiting_merchant",
    "refund_submitted": "submitting",
    "refund_unclear": "unknown",
    "refund_refused": "failed",
    "refund_fell_back": "awaiting_merchant",
    "refund_transfer_released": "awaiting_merchant",
    "refund_cancelled": "cancelled",
    "refund_confirmed": "succeeded",
    "refund_reversed": "reversed",
}
"""What an event makes of a refund, whatever it was before."""

NO_NEW_STATE = (
    "refund_put_off",
    "refund_handed_over",
    "refund_cancel_asked",
    "refund_cancel_refused",
    "refund_paid_twice",
    "refund_paid_once",
    "refund_consent_recorded",
    "attention_acknowledged",
)
REPORTS = ("failed", "cancelled", "succeeded", "pending", "awaiting_merchant")
"""What a provider can say; the first of these that it ever said is what counts."""

FOUND = ("sellable", "damaged", "missing", "wrong", "to_inspect")
"""What a count can say of a unit; each of them settles one that was announced."""


OF_THE_BOOKS = ("refunds_not_shown", "remainder_unexplained", "reversal_not_shown")
"""What is told of a provider's books, and moves nothing."""


def stored_events(engine: Engine, order_id: str) -> list[tuple[int, str, str]]:
    """The rows of an order's events, (seq, type, body), in their order."""
    statement = text("SELECT seq, type, body FROM retour_event WHERE order_id = :order ORDER BY seq")
    with engine.connect() as connection:
        return [(row.seq, row.type, row.body) for row in connection.execute(statement, {"order": order_id})]


def plain_fold(rows: Iterable[tuple[int, str, str]]) -> dict[str, Any]:
    """The states that (seq, type, body) rows make, in their order. Raises KeyError for a type that is not here."""
    states: dict[str, Any] = {"version": 0, "fulfilled": {}, "returns": {}, "refunds": {}}
    for seq, kind, body in rows:
        event = json.loads(body)
        states["version"] = seq
        if kind == "order_seen":
            states["fulfilled"] = {line["id"]: line["fulfilled"] for line in event["order"]["lines"]}
        elif kind.startswith("payment_") or kind in OF_THE_BOOKS:
            continue  # what a payment is called, whose it is and what its provider shows of it change no state
        elif "label_id" in event:
            continue  # a label and its parcel change no count: what follows for a return is an event of its own
        elif "refund_id" in event:
            _money(kind, event, states["refunds"])
        elif kind not in ("attention_acknowledged", "set_aside_retried", "evidence_added"):  # looked at, or shown
            empty = {"goods": "", "announced": {}, "counts": {}, "question": False, "movements": {}, "by_hand": {}}
            one = states["returns"].setdefault(event["return_id"], empty)
            (_stock if kind.startswith(("restock_", "stock_")) else _goods)(kind, event, one)
    return states | {"returns": {return_id: _told(one) for return_id, one in states["returns"].items()}}


def _goods(kind: str, event: dict[str, Any], one: dict[str, Any]) -> None:
    if kind == "goods_inspected":
        return  # of units that are counted: it moves none
    if kind in ENDS:
        one["before_end"] = one["goods"]
    if kind == "return_reopened":
        one["goods"] = one["before_end"]
        if not any(one["counts"].values()):
            return
    elif kind not in ("goods_received", "receipt_corrected"):
        one["goods"] = GOODS[kind]
        one["announced"] |= {line["line_id"]: line["quantity"] for line in event.get("lines", ())}
        return
    for line in event.get("lines", ()):
        one["counts"][event["receipt_id"], line["line_id"]] = sum(line.get(found, 0) for found in FOUND)
    settled: dict[str, int] = {}
    for (_, line_id), units in one["counts"].items():
        settled[line_id] = settled.get(line_id, 0) + units
    if one["goods"] != "closed":
        complete = all(settled.get(line_id, 0) >= units for line_id, units in one["announced"].items())
        nothing = one["announced"] and not any(settled.values())
        one["goods"] = "approved" if nothing else "received" if complete else "partly_received"


def _stock(kind: str, event: dict[str, Any], one: dict[str, Any]) -> None:
    if kind == "restock_asked":
        one["question"] = True
    elif kind == "restock_decided":
        one["question"] = one["question"] and event.get("corrects", False)
        one["by_hand"] = dict(event.get("by_hand", {}))
        for made in event.get("movements", ()):
            one["movements"][made["id"]] = [made["line_id"], made["quantity"], "planned"]
    elif kind == "stock_applied":
        for movement_id in event["movement_ids"]:
            one["movements"][movement_id][2] = "applied"
    else:
        line_id, units, _ = movement = one["movements"][event["movement_id"]]
        movement[2] = {"stock_failed": "refused" if event["final"] else "failed"}[kind]
        if event["final"]:
            one["by_hand"][line_id] = one["by_hand"].get(line_id, 0) + units


def _money(kind: str, event: dict[str, Any], refunds: dict[str, Any]) -> None:
    one = refunds.setdefault(event["refund_id"], {"reports": set(), "state": ""})
    if "amount" not in one:
        one |= {"payment": event["payment"], "amount": (event["amount"]["minor"], event["amount"]["currency"])}
    if kind == "refund_planned":
        one["state"] = "planned" if event.get("hold") else "submitting"
    elif kind == "refund_transfer_planned":
        one["state"] = "planned" if event.get("hold") else "awaiting_merchant"
    elif kind == "refund_held":
        one["state"] = "planned" if one["state"] in ("planned", "submitting") else one["state"]
    elif kind == "refund_settled":
        one["state"] = "succeeded" if event["happened"] else "failed"
    elif kind == "refund_matched":
        other = refunds.pop(event["external_id"])
        one |= {"state": other["state"], "reports": other["reports"]}
    elif kind in ("refund_reported", "external_refund_found"):
        one["reports"].add(event["status"])
        came_back = {"succeeded", "failed"} <= one["reports"]
        told = "reversed" if came_back else min(one["reports"], key=REPORTS.index)
        one["state"] = "succeeded" if event.get("beside") else told
    elif kind not in NO_NEW_STATE:
        one["state"] = REFUNDS[kind]


def _told(one: dict[str, Any]) -> tuple[Any, ...]:
    """Of a return its goods, its question, its list by hand, and the units moved per line: all, and those applied."""
    moved: dict[str, int] = {}
    applied: dict[str, int] = {}
    for line_id, units, state in one["movements"].values():
        if state != "refused":
            moved[line_id] = moved.get(line_id, 0) + units
        if state == "applied":
            applied[line_id] = applied.get(line_id, 0) + units
    return (one["goods"], one["question"], one["by_hand"], moved, applied)


def plain_dossier(dossier: Any) -> dict[str, Any]:
    """The same of a dossier as the product folds it."""
    return {
        "version": dossier.version,
        "fulfilled": {line.id: line.fulfilled for line in dossier.order.lines} if dossier.order is not None else {},
        "returns": {
            one.id: (one.goods, one.question_open, one.by_hand, one.moved(), one.moved(applied_only=True))
            for one in dossier.returns.values()
        },
        "refunds": {
            one.id: {
                "state": one.state,
                "reports": set(one.reported),
                "payment": one.payment,
                "amount": (one.amount.minor, one.amount.currency),
            }
            for one in dossier.refunds.values()
        },
    }
