"""What a refusal means for the money is read from a table, the same way for every provider."""

from __future__ import annotations

import datetime
from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from retour.providers import Answer, Disposition, ErrorCode, ProviderError, Refusals, Said, own_words, refusal
from retour.providers.errors import DISPOSITIONS
from retour.providers.refusals import LONGEST_CODE, LONGEST_MESSAGE, LONGEST_WAIT, STATUSES

RETRY, FIX, FINAL, RECONCILE = Disposition.RETRY, Disposition.FIX, Disposition.FINAL, Disposition.RECONCILE
SECOND, HOUR, DAY = datetime.timedelta(seconds=1), datetime.timedelta(hours=1), datetime.timedelta(days=1)

ACME = Refusals(
    provider="Acme Pay",
    codes={
        "too_much": ErrorCode.AMOUNT_TOO_HIGH,
        "no_such_refund": ErrorCode.UNKNOWN_PAYMENT,
        "wait": ErrorCode.NOT_YET,
        "broke": ErrorCode.INSUFFICIENT_BALANCE,
        "key": ErrorCode.KEY_REUSED,
        (409, "key"): ErrorCode.IN_PROGRESS,
    },
    words={"Other Mode": ErrorCode.CONFIGURATION, (409, "too alike"): ErrorCode.DUPLICATE},
    statuses={410: ErrorCode.UNKNOWN_PAYMENT},
    fallback=ErrorCode.INVALID_REQUEST,
    in_any_words={403},
    unclear={"no_such_refund"},
    waits={ErrorCode.DUPLICATE: HOUR},
)

refused = st.integers(400, 499)
any_said = st.builds(
    Said,
    codes=st.lists(st.sampled_from(["", "too_much", "no_such_refund", "wait", "broke", "key", "new"])).map(tuple),
    message=st.sampled_from(["", "No.", "in the OTHER mode", "too alike"]) | st.text(),
    for_support=st.text(),
    own=st.booleans(),
)


def answer(status: int, **headers: str) -> Answer:
    return Answer(status=status, headers={name.replace("_", "-"): value for name, value in headers.items()}, body=b"")


def error(status: int, *codes: str, message: str = "", own: bool = True, **headers: str) -> ProviderError:
    return refusal(answer(status, **headers), Said(codes=codes, message=message, own=own), ACME)


# --- what it means -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "status, codes, message, code, disposition",
    [
        (422, ("too_much",), "", ErrorCode.AMOUNT_TOO_HIGH, FINAL),
        (400, ("new", "too_much"), "", ErrorCode.AMOUNT_TOO_HIGH, FINAL),
        (400, ("key",), "", ErrorCode.KEY_REUSED, RECONCILE),
        (409, ("key",), "", ErrorCode.IN_PROGRESS, RECONCILE),
        (404, ("no_such_refund",), "", ErrorCode.UNKNOWN_PAYMENT, RECONCILE),
        (404, (), "", ErrorCode.UNKNOWN_PAYMENT, FINAL),
        (404, ("wait",), "", ErrorCode.NOT_YET, RECONCILE),
        (422, ("wait",), "", ErrorCode.NOT_YET, RETRY),
        (404, ("too_much",), "It is of the other MODE.", ErrorCode.CONFIGURATION, FIX),
        (409, (), "Too alike an earlier one", ErrorCode.DUPLICATE, RETRY),
        (400, (), "Too alike an earlier one", ErrorCode.INVALID_REQUEST, FINAL),
        (401, ("new",), "", ErrorCode.AUTHENTICATION, FIX),
        (403, (), "", ErrorCode.AUTHENTICATION, FIX),
        (408, (), "", ErrorCode.OUTCOME_UNKNOWN, RECONCILE),
        (409, (), "", ErrorCode.IN_PROGRESS, RECONCILE),
        (410, (), "", ErrorCode.UNKNOWN_PAYMENT, FINAL),
        (425, (), "", ErrorCode.OUTCOME_UNKNOWN, RECONCILE),
        (429, (), "", ErrorCode.RATE_LIMITED, RETRY),
        (418, ("new",), "", ErrorCode.INVALID_REQUEST, FINAL),
    ],
)
def test_words_decide_before_codes_and_codes_before_statuses(
    status: int, codes: tuple[str, ...], message: str, code: ErrorCode, disposition: Disposition
) -> None:
    found = error(status, *codes, message=message)
    assert (found.code, found.disposition, found.http_status) == (code, disposition, status)


def test_where_a_table_says_nothing_it_is_looked_up() -> None:
    found = refusal(answer(400), Said(codes=("new",)), Refusals(provider="Acme Pay"))
    assert (found.code, found.disposition) == (ErrorCode.UNREADABLE_ANSWER, RECONCILE)


@given(st.integers(500, 599), any_said | st.none())
def test_a_5xx_is_unclear_whatever_stands_in_it(status: int, said: Said | None) -> None:
    found = refusal(answer(status, retry_after="3600"), said, ACME)
    assert (found.code, found.disposition, found.http_status) == (ErrorCode.UNAVAILABLE, RECONCILE, status)
    assert found.not_before is None, "what is unclear is not put off: its key may be forgotten by then"


@given(st.integers(100, 399), any_said | st.none())
def test_what_is_no_refusal_is_unreadable(status: int, said: Said | None) -> None:
    found = refusal(answer(status), said, ACME)
    assert (found.code, found.disposition) == (ErrorCode.UNREADABLE_ANSWER, RECONCILE)


@given(refused, any_said | st.none())
def test_a_gateways_refusal_refuses_nothing_but_for_the_statuses_that_are_believed(
    status: int, said: Said | None
) -> None:
    found = refusal(answer(status), said and attrs.evolve(said, own=False), ACME)
    believed = {403: (ErrorCode.AUTHENTICATION, FIX), 429: (ErrorCode.RATE_LIMITED, RETRY)}
    assert (found.code, found.disposition) == believed.get(status, (ErrorCode.UNREADABLE_ANSWER, RECONCILE))


@given(any_said, st.sampled_from(Disposition))
def test_a_404_never_says_send_it_again(said: Said, advice: Disposition) -> None:
    assert refusal(answer(404), said, ACME, advised=lambda usual: advice).disposition is not RETRY


@given(st.integers(100, 599), any_said | st.none(), st.sampled_from(Disposition))
def test_advice_is_asked_for_where_the_provider_speaks_itself_and_nowhere_else(
    status: int, said: Said | None, advice: Disposition
) -> None:
    asked: list[Disposition] = []

    def advised(usual: Disposition) -> Disposition:
        asked.append(usual)
        return advice

    found = refusal(answer(status), said, ACME, advised=advised)
    if said is None or not said.own:
        assert (asked, found.disposition) == ([], DISPOSITIONS[found.code])
    else:
        assert len(asked) == 1
        assert found.disposition is (RECONCILE if (status, advice) == (404, RETRY) else advice)


def test_the_statuses_are_the_same_for_all_unless_a_table_says_otherwise() -> None:
    assert error(410).code is ErrorCode.UNKNOWN_PAYMENT
    assert {status: error(status).code for status in STATUSES} == STATUSES
    other = attrs.evolve(ACME, statuses={409: ErrorCode.TOO_LATE})
    assert refusal(answer(409), Said(), other).code is ErrorCode.TOO_LATE


# --- what is kept ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "codes, kept", [((), ""), (("", "new"), "new"), (("new", "too_much"), "too_much"), (("new", "newer"), "new")]
)
def test_the_code_that_decided_is_kept_else_the_first(codes: tuple[str, ...], kept: str) -> None:
    assert error(422, *codes).provider_code == kept


def test_one_code_may_stand_alone() -> None:
    assert Said(codes="too_much") == Said(codes=("too_much",))
    assert Said(codes="") == Said()


@pytest.mark.parametrize(
    "status, said, words",
    [
        (422, Said(message="No."), "No."),
        (422, Said(message="No.", for_support="id 7"), "No. [id 7]"),
        (422, Said(), "Acme Pay answered 422"),
        (422, None, "Acme Pay answered 422, not in its own words"),
        (302, None, "Acme Pay answered 302, not in its own words"),
        (429, Said(message="Slow down.", own=False), "Slow down."),
        (503, None, "Acme Pay answered 503"),
        (503, Said(message="Back soon."), "Back soon."),
    ],
)
def test_the_providers_words_are_kept_or_ours_say_what_came(status: int, said: Said | None, words: str) -> None:
    assert refusal(answer(status), said, ACME).message == words


@given(any_said, st.integers(0, 3000))
def test_long_words_are_cut_and_what_support_asks_for_is_not_lost(said: Said, more: int) -> None:
    long = attrs.evolve(said, message="x" * more, codes=("c" * more,), for_support="id 7")
    found = refusal(answer(422), long, ACME)
    assert len(found.message) <= LONGEST_MESSAGE + len(" [id 7]")
    assert found.message.endswith(" [id 7]")
    assert len(found.provider_code) <= LONGEST_CODE


@pytest.mark.parametrize("secret", ["NL91ABNA0417164300", "anna.de.vries@example.org"])
def test_what_is_masked_is_masked_before_it_is_cut(secret: str) -> None:
    for begins in range(LONGEST_MESSAGE - len(secret) - 2, LONGEST_MESSAGE + 2):
        assert secret[:6] not in error(422, message=f"{' ' * begins}{secret} is closed").message


def test_a_body_in_another_shape_is_none() -> None:
    @attrs.frozen(kw_only=True)
    class Fault:
        code: str

    def of(body: bytes) -> Fault | None:
        return own_words(Fault, Answer(status=400, headers={}, body=body))

    assert of(b'{"code": "no", "more": 1}') == Fault(code="no")
    for body in (b"", b"<html>", b"\xff", b"[]", b"null", b"{}", b'{"code": 1}', b"[" * 100_000):
        assert of(body) is None


# --- how long to wait --------------------------------------------------------------------------------------------

SUNDAY = "Sun, 29 Nov 2026 12:00:00 GMT"


@pytest.mark.parametrize(
    "said, wait",
    [
        ("7", 7 * SECOND),
        (" 7 ", 7 * SECOND),
        ("0", 0 * SECOND),
        ("86401", DAY),
        ("999999999", DAY),
        ("Sun, 29 Nov 2026 12:00:30 GMT", 30 * SECOND),
        ("Sunday, 29-Nov-26 12:00:30 GMT", 30 * SECOND),
        ("Sun Nov 29 12:00:30 2026", 30 * SECOND),
        ("Sun, 29 Nov 2026 11:00:00 GMT", 0 * SECOND),
        ("Fri, 31 Dec 2027 23:59:59 GMT", DAY),
        *[(odd, None) for odd in ("", "soon", "-5", "1.5", "1e9", "7, 7", "²", "٧", "9" * 40, "Sun", "Sun, 99 Nov")],
        ("Sun, 99 Nov 2026 12:00:00 GMT", None),
        ("Sun, 29 Nov 99999 12:00:00 GMT", None),
    ],
)
def test_a_wait_is_read_in_seconds_and_as_a_date(said: str, wait: datetime.timedelta | None) -> None:
    """RFC 9110, 10.2.3 and 5.6.7: a recipient takes the three shapes of a date."""
    assert error(429, retry_after=said, date=SUNDAY).not_before == wait


@pytest.mark.parametrize("date", ["", "yesterday", "2026-11-29"])
def test_without_a_date_of_the_answer_it_is_counted_from_now(date: str) -> None:
    until = datetime.datetime.now(datetime.UTC) + HOUR
    wait = error(429, retry_after=f"{until:%a, %d %b %Y %H:%M:%S} GMT", date=date).not_before
    assert wait is not None
    assert HOUR - 60 * SECOND < wait <= HOUR


@given(st.text() | st.from_regex(r"(Mon|Sunday),? [ -~]{0,40}"), st.text() | st.from_regex(r"Mon, [ -~]{0,40}"))
def test_no_wait_is_an_accident(said: str, date: str) -> None:
    wait = error(429, retry_after=said, date=date).not_before
    assert wait is None or datetime.timedelta(0) <= wait <= LONGEST_WAIT


def test_a_rule_of_the_provider_outlasts_what_it_asks_for_but_for_too_many_requests() -> None:
    assert error(409, message="too alike", retry_after="7").not_before == HOUR
    usual = attrs.evolve(ACME, waits={ErrorCode.RATE_LIMITED: 30 * SECOND})
    assert refusal(answer(429), None, usual).not_before == 30 * SECOND
    assert refusal(answer(429, retry_after="7"), None, usual).not_before == 7 * SECOND


@pytest.mark.parametrize("status", [400, 401, 404, 408, 409, 425, 500, 503])
def test_a_wait_is_told_only_where_the_same_request_comes_again(status: int) -> None:
    assert error(status, retry_after="3600").not_before is None
    assert error(422, "wait", retry_after="3600").not_before == HOUR


# --- a table that is wrong ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "wrong, said",
    [
        ({"codes": {"no": "unknown_payment"}}, "codes['no'] is 'unknown_payment', which is no ErrorCode"),
        ({"codes": {"no": Disposition.FINAL}}, "which is no ErrorCode"),
        ({"codes": {"": ErrorCode.TOO_LATE}}, "codes[''] is no text"),
        ({"codes": {404: ErrorCode.TOO_LATE}}, "codes[404] is no text"),
        ({"codes": {(500, "no"): ErrorCode.TOO_LATE}}, "codes[(500, 'no')] is of no status from 400 to 499"),
        ({"codes": {(404, "no"): ErrorCode.NOT_YET}}, "codes[(404, 'no')] is NOT_YET, which says"),
        ({"codes": {"no": ErrorCode.NOT_SENT}}, "codes['no'] is NOT_SENT, and what is answered was sent"),
        ({"words": {"": ErrorCode.TOO_LATE}}, "words[''] is no text, which would fit everything"),
        ({"words": {"no": None}}, "words['no'] is None, which is no ErrorCode"),
        ({"statuses": {"404": ErrorCode.TOO_LATE}}, "statuses['404'] is of no status from 400 to 499"),
        ({"statuses": {399: ErrorCode.TOO_LATE}}, "statuses[399] is of no status from 400 to 499"),
        ({"statuses": {500: ErrorCode.RATE_LIMITED}}, "statuses[500] is of no status from 400 to 499"),
        ({"statuses": {404: ErrorCode.NOT_YET}}, "statuses[404] is NOT_YET, which says"),
        ({"fallback": ErrorCode.RATE_LIMITED}, "fallback is RATE_LIMITED, which says that it is certainly not done"),
        ({"fallback": "final"}, "fallback is 'final', which is no ErrorCode"),
        ({"in_any_words": {418}}, "in_any_words has 418"),
        ({"in_any_words": {502}}, "in_any_words has 502"),
        ({"unclear": {"nowhere"}}, "unclear has 'nowhere', which is none of the codes"),
        ({"waits": {ErrorCode.DUPLICATE: 3600}}, "must be a timedelta for an ErrorCode"),
        ({"waits": {"duplicate": HOUR}}, "must be a timedelta for an ErrorCode"),
    ],
)
def test_a_table_that_cannot_be_right_is_told_when_it_is_made(wrong: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match="the refusals of Acme Pay: ") as caught:
        Refusals(provider="Acme Pay", **wrong)
    assert said in str(caught.value)


def test_all_that_is_wrong_is_told_at_once() -> None:
    with pytest.raises(ValueError) as caught:
        Refusals(provider="Acme Pay", codes={"a": "x", "b": "y"}, statuses={200: ErrorCode.TOO_LATE})  # type: ignore[dict-item]  # what is tested
    assert str(caught.value).count(";") == 2


def test_a_table_does_not_change_once_it_is_made() -> None:
    given: dict[Any, ErrorCode] = {"no": ErrorCode.TOO_LATE}
    table = Refusals(provider="Acme Pay", codes=given)
    given.clear()
    assert dict(table.codes) == {"no": ErrorCode.TOO_LATE}
    with pytest.raises(TypeError):
        table.codes["no"] = ErrorCode.DISPUTED  # type: ignore[index]  # what is tested
