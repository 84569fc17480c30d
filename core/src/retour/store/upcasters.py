"""Upcasters: how the body of an earlier version of an event becomes the next version's. Pure, and kept for ever."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from retour.model.reasons import reason_from_words

Body: TypeAlias = dict[str, Any]
Upcaster: TypeAlias = Callable[[Body], Body]


def _reason(words: str) -> Body | None:
    """A reason that was stored as words, as it is stored now."""
    found = reason_from_words(words)
    if found is None:
        return None
    body: Body = {"code": found.code.value, "values": dict(found.values), "said": found.said}
    return {name: value for name, value in body.items() if value}


def _with_reason(*names: str) -> Upcaster:
    """Turns the words in the fields called ``names`` into reasons."""

    def upcast(body: Body) -> Body:
        return {**body, **{name: _reason(body[name]) for name in names if name in body}}

    return upcast


def _objections(body: Body) -> Body:
    return {**body, "objections": [_with_reason("because")(one) for one in body.get("objections", ())]}


def _decision(body: Body) -> Body:
    return {**body, "decision": _with_reason("because")(body["decision"])}


def _as_it_was(body: Body) -> Body:
    """What a newer version can say and this one could not is not in it."""
    return body


_EVIDENCE = {
    "answer": "answer",
    "answer to the same request": "repeated",
    "cancel": "answer",
    "lookup": "lookup",
    "look": "lookup",
}
_MATCHED = {"key", "reference", "amount"}


def _evidence(body: Body) -> Body:
    """``found`` told in one word either how we know, or how the refund was recognised."""
    rest = {name: value for name, value in _with_reason("because")(body).items() if name != "found"}
    found = body.get("found", "")
    if found in _EVIDENCE:
        rest["evidence"] = _EVIDENCE[found]
    if found in _MATCHED:
        rest["matched"] = found
    return rest


UPCASTERS: Mapping[tuple[str, int], Upcaster] = {
    ("return_requested", 1): _objections,
    ("restock_asked", 1): _with_reason("because"),
    ("restock_decided", 1): _decision,
    ("stock_failed", 1): _with_reason("because"),
    ("goods_received", 1): _as_it_was,
    ("receipt_corrected", 1): _as_it_was,
    ("refund_planned", 1): _with_reason("hold"),
    ("refund_submitted", 1): _with_reason("because"),
    ("refund_put_off", 1): _with_reason("because"),
    ("refund_unclear", 1): _with_reason("because"),
    ("refund_held", 1): _with_reason("because"),
    ("refund_refused", 1): _with_reason("because"),
    ("refund_fell_back", 1): _with_reason("because"),
    ("refund_cancel_refused", 1): _with_reason("because"),
    ("refund_reported", 1): _evidence,
    ("refund_cancelled", 1): _with_reason("because"),
}
"""(type, version) to what turns such a body into the next version's."""
