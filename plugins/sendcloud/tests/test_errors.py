"""What each of Sendcloud's refusals means, in each of its four shapes."""

from __future__ import annotations

import json
from typing import Any

import pytest

from retour.providers import Answer, Disposition, ErrorCode
from retour_sendcloud.errors import Call, refusal, words_of

FIX, FINAL, RECONCILE, RETRY = Disposition.FIX, Disposition.FINAL, Disposition.RECONCILE, Disposition.RETRY
USED = "External reference has already been used in another return."


def answer(status: int, body: Any) -> Answer:
    return Answer(status=status, headers={}, body=body if isinstance(body, bytes) else json.dumps(body).encode())


@pytest.mark.parametrize(
    "body, code, said",
    [
        (
            {"errors": [{"field": "weight", "code": "required", "message": "Needed"}]},
            "required weight",
            "weight: Needed",
        ),
        (
            {"error": {"code": "invalid_postal_code", "request": "api/v2/x", "message": "Bad"}},
            "invalid_postal_code",
            "Bad",
        ),
        (
            {"error": {"code": 400, "request": "api/v2/parcels", "message": "house_number: blank"}},
            "400",
            "house_number: blank",
        ),
        (
            {"errors": [{"status": "400", "code": "invalid", "detail": "Bad", "source": {"pointer": "/data/weight"}}]},
            "invalid weight",
            "data.weight: Bad",
        ),
        ({"errors": {"status": "400", "code": "invalid", "title": "T", "detail": "Bad"}}, "invalid", "Bad"),
        ([{"status": "404", "code": "not_found", "detail": "No portal"}], "not_found", "No portal"),
        (
            {"errors": {"weight": ["Too heavy", "Odd"], "non_field_errors": ["No"]}},
            "",
            "weight: Too heavy; weight: Odd; No",
        ),
        ({"error": {"code": 400, "message": {"from": {"city": ["Unknown"]}}}}, "400", "from.city: Unknown"),
    ],
)
def test_each_shape_is_read(body: Any, code: str, said: str) -> None:
    error = refusal(answer(400, body))
    assert (error.code, error.disposition) == (ErrorCode.INVALID_REQUEST, FINAL)
    assert (error.provider_code, said in error.message) == (code, True)


def test_a_text_in_place_of_an_error_is_a_gateways_and_proves_nothing() -> None:
    error = refusal(answer(400, {"message": "Forbidden", "error": "no"}), Call.MAKE)
    assert (error.code, error.disposition) == (ErrorCode.UNREADABLE_ANSWER, RECONCILE)


@pytest.mark.parametrize(
    "body",
    [
        {"errors": [{"field": "external_reference", "code": "invalid", "message": USED}]},
        {"error": {"code": "invalid", "request": "api/v3/returns", "message": USED}},
        {"errors": [{"status": "400", "code": "invalid", "detail": USED}]},
        {"errors": {"external_reference": [USED]}},
    ],
)
@pytest.mark.parametrize("call", [Call.MAKE, Call.ANNOUNCE])
def test_a_reference_that_was_used_says_in_each_shape_that_a_label_was_made(body: Any, call: Call) -> None:
    error = refusal(answer(400, body), call)
    assert (error.code, error.disposition) == (ErrorCode.ALREADY_MADE, RECONCILE)


@pytest.mark.parametrize("code", ["required", "invalid", "invalid_choice", "not_found"])
def test_a_contract_that_is_missing_or_wrong_is_told_as_that(code: str) -> None:
    body = {"errors": [{"field": "ship_with.contract", "code": code, "message": "x"}]}
    assert refusal(answer(400, body), Call.MAKE).code is ErrorCode.NO_CONTRACT


def test_what_a_carrier_refuses_while_it_is_waited_for_is_its_refusal() -> None:
    body = {"error": {"code": "whatever", "request": "api/v3/returns", "message": "Zone not served"}}
    error = refusal(answer(400, body), Call.ANNOUNCE)
    assert (error.code, error.disposition, error.message) == (ErrorCode.CARRIER_REFUSED, FINAL, "Zone not served")
    announced = {"errors": [{"status": "400", "code": "parcel_announcement_error", "detail": "Zone not served"}]}
    assert refusal(answer(400, announced), Call.MAKE).code is ErrorCode.CARRIER_REFUSED


@pytest.mark.parametrize(
    "status, code, disposition",
    [
        (401, ErrorCode.AUTHENTICATION, FIX),
        (403, ErrorCode.AUTHENTICATION, FIX),
        (404, ErrorCode.UNKNOWN_SHIPMENT, FINAL),
        (409, ErrorCode.UNREADABLE_ANSWER, RECONCILE),
        (410, ErrorCode.UNREADABLE_ANSWER, RECONCILE),
        (418, ErrorCode.UNREADABLE_ANSWER, RECONCILE),
        (429, ErrorCode.RATE_LIMITED, RETRY),
        (500, ErrorCode.UNAVAILABLE, RECONCILE),
        (503, ErrorCode.UNAVAILABLE, RECONCILE),
    ],
)
@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b"null", b'{"ok": true}', b"\xff"])
def test_a_status_without_words_of_sendcloud(
    status: int, code: ErrorCode, disposition: Disposition, body: bytes
) -> None:
    error = refusal(answer(status, body))
    assert (error.code, error.disposition) == (code, disposition)


@pytest.mark.parametrize(
    "status, code",
    [(409, ErrorCode.NOT_CANCELLABLE), (410, ErrorCode.UNKNOWN_SHIPMENT), (422, ErrorCode.INVALID_REQUEST)],
)
def test_a_status_in_sendclouds_words(status: int, code: ErrorCode) -> None:
    body = {"errors": [{"field": "returns", "code": status, "message": "Return is not cancellable."}]}
    assert refusal(answer(status, body)).code is code


@pytest.mark.parametrize(
    "body, said",
    [
        ([], ""),
        (None, ""),
        ([{"detail": "A"}, {"detail": "A"}, {"detail": "B"}], "A; B"),
        ("Plain", "Plain"),
        ([[[[[["Too deep"]]]]]], ""),
        ({"a": {"b": {"c": {"d": {"e": ["Too deep"]}}}}}, ""),
        ([1, None, True, {"code": True}], ""),
    ],
)
def test_words_are_found_where_they_stand_and_nothing_else_breaks(body: Any, said: str) -> None:
    assert words_of(body) == said


def test_a_customers_address_in_a_refusal_is_not_kept_whole() -> None:
    body = {"errors": [{"field": "from_address.email", "code": "invalid", "message": "anna@example.org is invalid"}]}
    assert "anna@example.org" not in str(refusal(answer(400, body)))
