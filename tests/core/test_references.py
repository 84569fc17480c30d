"""A reference becomes a part of an address or nothing, and an answer about something else is not believed."""

from __future__ import annotations

import re
from collections.abc import Collection
from functools import partial
from urllib.parse import quote, urljoin

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retour.providers import (
    Disposition,
    ErrorCode,
    Money,
    ProviderError,
    RefundRequest,
    RefundResult,
    RefundStatus,
    refuse_another,
    refuse_another_refund,
    segment,
    unless_unknown,
)

AN_ID, ANYTHING = re.compile("ap_[0-9]+"), re.compile(".*", re.DOTALL)

REQUEST = RefundRequest(
    refund_id="rf_1", key="k", order_id="1001", target="ap_1", amount=Money.of("44.95", "EUR"), description=""
)


def made(amount: str = "44.95", refund_id: str = "rf_1", currency: str = "EUR", target: str = "ap_1") -> RefundResult:
    return RefundResult(
        reference="re_1",
        target=target,
        status=RefundStatus.PENDING,
        amount=Money.of(amount, currency),
        provider_status="open",
        refund_id=refund_id,
    )


# --- a part of an address ----------------------------------------------------------------------------------------


def test_an_id_of_the_providers_shape_is_taken_as_it_is() -> None:
    assert segment("ap_12", AN_ID, what="payment of Acme Pay") == "ap_12"


@pytest.mark.parametrize(
    "reference", ["", "ap_", "ap_1 ", " ap_1", "ap_1\n", "AP_1", "ap_1/2", "ap_1?x", "ap_١", "xap_1", "ap_1%2f"]
)
def test_another_shape_is_unknown_and_says_what_it_should_be(reference: str) -> None:
    with pytest.raises(ProviderError, match="is no payment of Acme Pay") as caught:
        segment(reference, AN_ID, what="payment of Acme Pay")
    assert (caught.value.code, caught.value.disposition) == (ErrorCode.UNKNOWN_PAYMENT, Disposition.FINAL)


@given(st.text() | st.from_regex(r"[A-Za-z0-9._~/%?#\\-]{0,300}", fullmatch=True))
def test_whatever_the_shape_lets_through_is_one_part_of_the_path_written_as_it_is(reference: str) -> None:
    try:
        part = segment(reference, ANYTHING, what="payment")
    except ProviderError:
        return
    folder = f"https://acmepay.example/v1/payments/{part}/"
    assert part == reference == quote(reference, safe="")
    assert urljoin(folder, "refunds") == f"{folder}refunds"


@pytest.mark.parametrize("reference", [".", "..", "", "x" * 5000, "ap\x00", "\ud800", "é", "a/b"])
def test_what_leads_elsewhere_is_refused_whatever_the_shape_says(reference: str) -> None:
    with pytest.raises(ProviderError) as caught:
        segment(reference, ANYTHING, what="payment")
    assert len(caught.value.message) < 200


# --- what an answer is about -------------------------------------------------------------------------------------


@pytest.mark.parametrize("found", ["ap_1", ("ap_1",), ["ch_1", "ap_1"], {"ap_1", "ch_1"}])
def test_an_answer_about_what_was_asked_is_taken(found: str | Collection[str]) -> None:
    refuse_another("payment", asked="ap_1", found=found)


@pytest.mark.parametrize("found", ["ap_2", "", "ap_11", "AP_1", "xap_1x", (), ("ap_2", "ch_1"), ["ap_12"]])
def test_an_answer_about_something_else_is_unreadable_and_says_about_what(found: str | Collection[str]) -> None:
    with pytest.raises(ProviderError, match="about another payment than ap_1: ") as caught:
        refuse_another("payment", asked="ap_1", found=found)
    assert (caught.value.code, caught.value.disposition) == (ErrorCode.UNREADABLE_ANSWER, Disposition.RECONCILE)


@given(st.text(), st.text() | st.lists(st.text()))
def test_only_the_very_same_id_is_the_same(asked: str, found: str | list[str]) -> None:
    same = asked == found if isinstance(found, str) else asked in found
    try:
        refuse_another("refund", asked=asked, found=found)
    except ProviderError:
        assert not same
    else:
        assert same


def test_the_refund_that_was_asked_for_is_taken() -> None:
    refuse_another_refund(made(), REQUEST)
    refuse_another_refund(made(target=""), REQUEST)


@pytest.mark.parametrize(
    "other, said",
    [
        (made(refund_id="rf_2"), "another refund than ours: re_1"),
        (made(refund_id=""), "another refund than ours: re_1"),
        (made(amount="44.94"), "was asked for"),
        (made(currency="USD"), "was asked for"),
        (made(target="ap_2"), "another payment than ap_1: ap_2"),
    ],
)
def test_another_refund_than_was_asked_for_is_unreadable(other: RefundResult, said: str) -> None:
    with pytest.raises(ProviderError, match=said) as caught:
        refuse_another_refund(other, REQUEST)
    assert (caught.value.code, caught.value.disposition) == (ErrorCode.UNREADABLE_ANSWER, Disposition.RECONCILE)


def test_that_a_name_is_unknown_is_an_answer_and_every_other_refusal_is_raised() -> None:
    def refused(code: ErrorCode) -> str:
        raise ProviderError(code, "no")

    assert unless_unknown(lambda: "ap_1") == "ap_1"
    assert unless_unknown(lambda: segment("?", re.compile("ap_[0-9]+"), what="payment of Acme Pay")) is None
    for code in ErrorCode:
        if code is ErrorCode.UNKNOWN_PAYMENT:
            assert unless_unknown(partial(refused, code)) is None
        else:
            with pytest.raises(ProviderError) as caught:
                unless_unknown(partial(refused, code))
            assert caught.value.code is code
