"""A provider that tells the outcome by webhook alone: it cannot be asked, so what it never says a person looks at."""

from __future__ import annotations

import datetime
from typing import Any

import pytest

from retour import Actor, Money
from retour.model.reasons import ReasonCode
from retour.providers import ErrorCode, PaymentCapabilities, ProviderError, RefundStatus, Support, WebhookTrust

WITHIN = datetime.timedelta(days=3)
SIGNED = {"signature": "right"}
LOST = ProviderError(ErrorCode.OUTCOME_UNKNOWN, "no answer")


@pytest.fixture
def told(world: Any) -> Any:
    """A desk whose provider answers "received", and can be asked nothing."""
    cannot = Support.PROVIDER_CANNOT
    world.open(
        refundable=cannot,
        fetch_refund=cannot,
        find_refund=cannot,
        list_refunds=cannot,
        check_settings=cannot,
        outcome_within=WITHIN,
    )
    world.ledger.new_status = RefundStatus.PENDING
    return world


def asked(world: Any) -> list[str]:
    """Every call but that of the refund itself."""
    calls: list[str] = []
    world.ledger.watch = lambda call, _: calls.append(call)
    return calls


def test_a_refund_is_made_on_what_the_shop_stored_and_nobody_is_asked(told: Any) -> None:
    calls = asked(told)
    outcome = told.refund("40.00")
    assert (outcome.refund.state, calls) == ("pending", ["refund"])
    [sent] = told.ledger.sent.values()
    assert b'"target": "p_1"' in sent[0]


@pytest.mark.parametrize("status, state", [("succeeded", "succeeded"), ("failed", "failed")])
def test_a_signed_webhook_is_its_outcome(told: Any, status: str, state: str) -> None:
    told.refund("40.00")
    told.ledger.turn("re_1", RefundStatus(status))
    told.desk.receive_webhook("ledger", SIGNED, b"event:re_1")
    assert told.states == [state]


def test_until_the_time_for_an_outcome_is_over_nothing_is_asked_and_nobody_is_called(told: Any) -> None:
    told.refund("40.00")
    calls = asked(told)
    told.later(WITHIN - datetime.timedelta(hours=1))
    assert (told.states, calls, told.refunds[0].needs_person) == (["pending"], [], False)


def test_what_was_never_told_waits_for_a_person_and_stays_on_its_way(told: Any) -> None:
    told.refund("40.00")
    told.later(WITHIN + datetime.timedelta(hours=1))
    [refund] = told.refunds
    assert (refund.state, refund.needs_person, refund.problem.code) == ("pending", True, ReasonCode.NO_OUTCOME)
    assert told.desk.dossier("1001").refunded("ledger:p_1", "EUR") == Money.of("40", "EUR"), "the money still counts"
    assert len(told.desk.list_refunds(waits_for="person").refunds) == 1
    told.later(WITHIN)
    assert len([one for one in told.desk.timeline("1001") if "never said" in one.text("en")]) == 1, "said once"


@pytest.mark.parametrize("status", ["succeeded", "failed"])
def test_a_webhook_that_comes_late_still_settles_it(told: Any, status: str) -> None:
    told.refund("40.00")
    told.later(WITHIN + datetime.timedelta(hours=1))
    told.ledger.turn("re_1", RefundStatus(status))
    told.desk.receive_webhook("ledger", SIGNED, b"event:re_1")
    [refund] = told.refunds
    assert (refund.state, refund.needs_person) == (status, False)


def test_a_failure_that_is_told_after_a_success_is_a_reversal(told: Any) -> None:
    told.refund("40.00")
    for status in (RefundStatus.SUCCEEDED, RefundStatus.FAILED):
        told.ledger.turn("re_1", status)
        told.desk.receive_webhook("ledger", SIGNED, b"event:re_1")
    assert told.states == ["reversed"]


def test_a_lost_answer_is_sent_again_while_the_key_is_known_and_pays_once(told: Any) -> None:
    told.ledger.after = [LOST]
    assert told.refund("40.00").refund.state == "unknown"
    told.later(datetime.timedelta(minutes=10))
    assert (told.states, told.went_back) == (["pending"], 40_00)


def test_a_lost_answer_whose_key_is_forgotten_waits_for_a_person(told: Any) -> None:
    told.ledger.after = [LOST]
    told.refund("40.00")
    told.later(datetime.timedelta(hours=2))
    assert (told.states, told.refunds[0].needs_person, told.went_back) == (["unknown"], True, 40_00)


def test_a_cancellation_that_is_refused_needs_no_second_call(told: Any) -> None:
    told.open(
        fetch_refund=Support.PROVIDER_CANNOT,
        find_refund=Support.PROVIDER_CANNOT,
        list_refunds=Support.PROVIDER_CANNOT,
        cancel_refund=Support.YES,
        outcome_within=WITHIN,
    )
    outcome = told.refund("40.00")
    told.ledger.cancelling = [("lost before", ProviderError(ErrorCode.NOT_REFUNDABLE, "it is paid out"))]
    told.desk.cancel_refund("1001", outcome.refund_id, by=Actor.staff("anna"))
    [refund] = told.refunds
    assert (refund.state, refund.cancelling) == ("pending", False)


def test_a_webhook_that_says_several_things_is_kept_thing_by_thing(told: Any) -> None:
    told.refund("40.00")
    told.refund("10.00")
    told.ledger.turn("re_1", RefundStatus.SUCCEEDED)
    told.ledger.turn("re_2", RefundStatus.FAILED)
    assert told.desk.receive_webhook("ledger", SIGNED, b"events:re_1,re_2").kept == 2
    assert told.states == ["succeeded", "failed"]


def test_a_provider_that_can_be_asked_nothing_has_to_say_how_long_an_outcome_takes() -> None:
    with pytest.raises(ValueError, match="needs outcome_within"):
        PaymentCapabilities(refund_by_api=Support.YES, webhooks=WebhookTrust.SIGNED)
