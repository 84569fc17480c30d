"""Whatever comes in place of a field: it is read, or refused as unreadable, and nothing else happens."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from retour.providers import (
    Answer,
    ErrorCode,
    ProviderError,
    RawWebhook,
    Secret,
    WebhookRejected,
    hmac_sha256,
    read_json,
    read_wire,
)
from retour_sendcloud import webhooks, wire
from retour_sendcloud.errors import Call, refusal

KEY = Secret("secretkey")

RETURN: dict[str, Any] = {
    "status_history": [
        {
            "parent_status": "ready-to-send",
            "carrier_update_timestamp": "2026-11-29T10:00:00+00:00",
            "carrier_code": "dpd",
        }
    ],
    "created_at": "2026-11-29T10:00:00+00:00",
    "is_cancellable": True,
    "order_number": "1001",
    "label": {"label_printer": "https://panel.sendcloud.sc/api/v3/parcels/8/documents/label"},
    "label_url": "https://panel.sendcloud.sc/api/v3/parcels/8/documents/label",
    "label_cost": {"value": 5.45, "currency": "EUR"},
    "tracking_number": "3S1",
    "tracking_url": "https://tracking.example/3S1",
    "parcel_items": [{"quantity": 1, "sku": "teapot", "return_reason": {"id": 11}}],
    "reason": {"id": 11},
    "status": "open",
    "errors": [{"code": "invalid", "detail": "x", "source": {"pointer": "/data"}}],
}
OPTION: dict[str, Any] = {
    "data": [
        {
            "code": "dpd:return/return",
            "name": "DPD",
            "carrier": {"code": "dpd"},
            "contract": {"id": 1},
            "functionalities": {"returns": True, "labelless": False, "first_mile": "pickup"},
            "charging_type": "first_scan",
            "quotes": [
                {
                    "weight": {"min": {"value": "0.001", "unit": "kg"}, "max": {"value": "5", "unit": "kg"}},
                    "price": {"total": {"value": "5.45", "currency": "EUR"}},
                }
            ],
        }
    ]
}
MOVED: dict[str, Any] = {
    "action": "parcel_status_changed",
    "timestamp": 1734946171662,
    "carrier_status_change_timestamp": 1734946171662,
    "parcel": {"id": 8, "status": {"id": 11, "message": "Delivered"}, "tracking_number": "3S1", "is_return": True},
}
CREATED: dict[str, Any] = {
    "action": "return_created",
    "timestamp": 1734946171,
    "data": {"id": 42, "order_number": "1001", "return_reason_id": 11, "items": [{"quantity": 1, "sku": "teapot"}]},
}
PARCEL: dict[str, Any] = {
    "parcel": {
        "id": 8,
        "order_number": "1001",
        "status": {"id": 11, "message": "Delivered"},
        "tracking_number": "3S1",
        "tracking_url": "https://tracking.example/3S1",
        "is_return": True,
    }
}
ERRORS: dict[str, Any] = {
    "error": {"code": "invalid", "message": {"weight": ["x"]}},
    "errors": [{"status": "400", "code": "invalid", "detail": "x", "field": "a.b", "source": {"pointer": "/a"}}],
}

WORDS = ["http://[", "https://[x", "//[", "https://a/parcels/9/documents/label", "\x00", "9" * 300, "", "1e9", "\ud800"]
HOSTILE = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(min_value=-(10**40), max_value=10**40),
    st.sampled_from(WORDS),
    st.text(max_size=20),
    st.lists(st.integers(), max_size=2),
    st.dictionaries(st.text(max_size=5), st.integers(), max_size=2),
)
NUMBERS = ["1e999999999", "-1e999999999", "1e-999999999", "1e400000", "0.1e-400000", "9" * 4000, "-0.0", "1e5"]
"""As they stand in JSON: what makes an integer of one of them takes all memory."""


def places(body: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The way to everything in a body."""
    if path:
        yield path
    if isinstance(body, dict | list):
        for key, inner in body.items() if isinstance(body, dict) else enumerate(body):
            yield from places(inner, (*path, key))


def with_another(body: Any, path: tuple[Any, ...], value: Any) -> Any:
    changed = copy.deepcopy(body)
    within = changed
    for key in path[:-1]:
        within = within[key]
    within[path[-1]] = value
    return changed


def read(which: str, written: bytes) -> None:
    """Read a body as what it is; raises what no plugin may raise, and `ProviderError` for what is not unreadable."""
    if which in ("moved", "created"):
        with suppress(WebhookRejected):
            webhooks.parse(RawWebhook(headers={webhooks.SIGNATURE: hmac_sha256(written, KEY)}, body=written), [KEY])
    elif which == "errors":
        for call in Call:
            assert isinstance(refusal(Answer(status=400, headers={}, body=written), call), ProviderError)
    else:
        refused = None
        try:
            read_answer(which, read_json(written))
        except ProviderError as error:
            refused = error
        assert refused is None or refused.code is ErrorCode.UNREADABLE_ANSWER


def read_answer(which: str, body: Any) -> None:
    if which == "return":
        assert read_wire(wire.Return, body).shipment.names is not None
    elif which == "parcel":
        assert read_wire(wire.ParcelAnswer, body).parcel.shipment.names
    else:
        for one in read_wire(wire.Options, body).data or ():
            assert one.option(1000).code


BODIES = {"return": RETURN, "parcel": PARCEL, "options": OPTION, "moved": MOVED, "created": CREATED, "errors": ERRORS}


@pytest.mark.parametrize("which", BODIES)
def test_each_body_is_read_as_it_is(which: str) -> None:
    read(which, json.dumps(BODIES[which]).encode())


@pytest.mark.parametrize("which", BODIES)
@given(data=st.data())
@settings(max_examples=50, deadline=None)
def test_anything_in_place_of_anything_is_read_or_refused(which: str, data: st.DataObject) -> None:
    body = BODIES[which]
    path = data.draw(st.sampled_from(list(places(body))))
    read(which, json.dumps(with_another(body, path, data.draw(HOSTILE))).encode())


@pytest.mark.parametrize("number", NUMBERS)
@pytest.mark.parametrize("which", BODIES)
def test_a_number_of_any_size_in_place_of_anything_is_read_or_refused(which: str, number: str) -> None:
    body = BODIES[which]
    for path in places(body):
        written = json.dumps(with_another(body, path, "@number@")).replace('"@number@"', number)
        read(which, written.encode())


@pytest.mark.parametrize("which", BODIES)
def test_words_of_any_kind_in_place_of_anything_are_read_or_refused(which: str) -> None:
    body = BODIES[which]
    for path in places(body):
        for words in WORDS:
            read(which, json.dumps(with_another(body, path, words)).encode())
