"""The provider's books are read before money goes out: what a colleague refunded there is never paid once more."""

from __future__ import annotations

import datetime
from typing import Any

import pytest

from retour import Actor, InvalidAmount, Money, ProviderUnavailable, WrongState
from retour.model.reasons import ReasonCode
from retour.providers import ErrorCode, ProviderError, RefundStatus, Support

ANNA = Actor.staff("anna")
EUR40 = Money.of("40", "EUR")
EUR20 = Money.of("20", "EUR")
MINUTES = datetime.timedelta(minutes=2)


def by_colleague(world: Any, amount: Money = EUR40) -> None:
    """A colleague refunds in the provider's dashboard, and no webhook comes."""
    world.ledger.add("p_1", amount)


def reads(world: Any) -> list[str]:
    """The calls from now on."""
    calls: list[str] = []
    world.ledger.watch = lambda call, _: calls.append(call)
    return calls


def test_what_a_colleague_refunded_is_recorded_and_the_refund_waits_naming_it(world: Any) -> None:
    world.open()
    by_colleague(world)
    outcome = world.refund("40.00")
    external, ours = world.refunds
    assert (external.source, external.reference, external.amount) == ("external", "re_1", EUR40)
    assert (ours.id, ours.state, ours.needs_person) == (outcome.refund_id, "planned", True)
    assert (ours.problem.code, ours.problem.said) == (ReasonCode.REFUNDED_MEANWHILE, "EUR 40.00 re_1")
    assert world.ledger.calls == 0


def test_a_double_click_gets_the_same_answer_and_sends_nothing(world: Any) -> None:
    world.open()
    by_colleague(world)
    first = world.refund("40.00", request_id="one form")
    again = world.refund("40.00", request_id="one form")
    assert (again.refund_id, again.refund.state, again.changed) == (first.refund_id, "planned", False)
    assert world.ledger.calls == 0


def test_who_was_told_and_wants_it_all_the_same_lets_it_go(world: Any) -> None:
    world.open()
    by_colleague(world)
    refund_id = world.refund("40.00").refund_id
    assert world.desk.retry_refund("1001", refund_id, by=ANNA).refund.state == "succeeded"
    assert world.went_back == 80_00


def test_what_no_longer_fits_is_refused_with_the_providers_refund_and_that_is_recorded(world: Any) -> None:
    world.open()
    by_colleague(world, Money.of("80", "EUR"))
    with pytest.raises(InvalidAmount, match=r"€20.00 that is left .* At the provider went back: €80.00 \(re_1\)"):
        world.refund("40.00")
    assert [(one.source, one.reference) for one in world.refunds] == [("external", "re_1")]
    assert (world.ledger.calls, world.went_back) == (0, 80_00)
    assert world.refund("20.00").refund.state == "succeeded"


def test_a_refund_that_was_opened_by_link_and_made_there_is_closed_and_counts_once(world: Any) -> None:
    world.open()
    link = world.open_link("40.00").refund_id
    world.now += MINUTES
    by_colleague(world)
    outcome = world.refund("60.00")
    assert (outcome.refund.state, world.desk.dossier("1001").refunds[link].state) == ("succeeded", "succeeded")
    assert world.went_back == 100_00


@pytest.mark.parametrize("status", [RefundStatus.FAILED, RefundStatus.CANCELLED])
def test_a_colleagues_refund_that_failed_holds_nothing_up(world: Any, status: RefundStatus) -> None:
    world.open()
    by_colleague(world)
    world.ledger.turn("re_1", status)
    assert world.refund("40.00").refund.state == "succeeded"


def test_one_that_we_knew_of_holds_nothing_up(world: Any) -> None:
    world.open()
    by_colleague(world)
    world.desk.reconcile("1001")
    assert world.refund("40.00").refund.state == "succeeded"


def test_where_the_books_cannot_be_read_nothing_is_sent_and_nothing_is_changed(world: Any) -> None:
    world.open()
    world.ledger.lookup_fails = 1
    with pytest.raises(ProviderUnavailable, match="Nothing was decided"):
        world.refund("40.00")
    assert (world.refunds, world.ledger.calls) == ([], 0)


# --- whoever sends later ---------------------------------------------------------------------------------


def test_a_worker_who_sends_within_the_minute_reads_nothing_again(world: Any) -> None:
    world.open(inline_seconds=0)
    world.refund("40.00")
    calls = reads(world)
    world.desk.work()
    assert calls == ["refund"]


def test_a_worker_who_sends_later_reads_again_and_finds_the_colleague(world: Any) -> None:
    world.open(inline_seconds=0)
    world.refund("40.00")
    by_colleague(world)
    world.later(MINUTES)
    ours, external = world.refunds
    assert (external.source, external.reference) == ("external", "re_1")
    assert (ours.state, ours.needs_person, ours.problem.code) == ("planned", True, ReasonCode.REFUNDED_MEANWHILE)
    assert (world.ledger.calls, world.went_back) == (0, 40_00)


@pytest.mark.parametrize("told", ["by a webhook", "by a bookkeeper"])
@pytest.mark.parametrize("sent_after", [MINUTES, datetime.timedelta(seconds=20)])
def test_what_a_colleague_refunded_since_it_was_decided_holds_it_whoever_told(
    world: Any, told: str, sent_after: datetime.timedelta
) -> None:
    world.open()
    world.ledger.before = [ProviderError(ErrorCode.RATE_LIMITED, "later")]
    world.refund("40.00")
    by_colleague(world, EUR20)
    if told == "by a webhook":
        world.desk.receive_webhook("ledger", {"signature": "right"}, b"event:re_1")
    else:
        world.desk.reconcile("1001")
    world.later(sent_after)
    ours, external = world.refunds
    assert (external.source, external.reference) == ("external", "re_1")
    assert (ours.state, ours.needs_person, ours.problem.code) == ("planned", True, ReasonCode.REFUNDED_MEANWHILE)
    assert ours.problem.said == "EUR 20.00 re_1"
    assert world.went_back == 20_00
    world.desk.retry_refund("1001", ours.id, by=ANNA)
    assert (world.states, world.went_back) == (["succeeded", "succeeded"], 60_00), "a person has seen it"


def test_what_is_found_before_a_waiting_refund_is_replaced_holds_the_one_in_its_place(world: Any) -> None:
    world.open()
    link = world.open_link("40.00").refund_id
    by_colleague(world, EUR20)
    ours = world.refund("40.00", instead_of=link).refund
    assert (ours.state, ours.problem.code, ours.problem.said) == (
        "planned",
        ReasonCode.REFUNDED_MEANWHILE,
        "EUR 20.00 re_1",
    )
    assert world.went_back == 20_00
    assert world.desk.retry_refund("1001", ours.id, by=ANNA).refund.state == "succeeded", "a person has seen it"


def test_what_a_colleague_refunded_before_it_was_decided_holds_nothing_up(world: Any) -> None:
    world.open(inline_seconds=0)
    by_colleague(world, EUR20)
    world.desk.reconcile("1001")
    world.refund("40.00")
    world.later(MINUTES)
    assert (world.states, world.went_back) == (["succeeded", "succeeded"], 60_00)


def test_a_held_refund_is_not_let_go_past_a_colleague_whom_a_webhook_told_of(world: Any) -> None:
    world.open()
    world.ledger.before = [ProviderError(ErrorCode.INSUFFICIENT_BALANCE, "top up")]
    refund_id = world.refund("40.00").refund_id
    by_colleague(world)
    world.desk.receive_webhook("ledger", {"signature": "right"}, b"event:re_1")
    held = world.desk.retry_refund("1001", refund_id, by=ANNA).refund
    assert (held.state, held.problem.code) == ("planned", ReasonCode.REFUNDED_MEANWHILE)
    assert world.desk.retry_refund("1001", refund_id, by=ANNA).refund.state == "succeeded"


def test_a_worker_who_finds_nothing_new_sends(world: Any) -> None:
    world.open(inline_seconds=0)
    world.refund("40.00")
    calls = reads(world)
    world.later(MINUTES)
    assert (world.states, calls) == (["succeeded"], ["refundable", "list_refunds", "refund"])


def test_a_try_that_certainly_was_not_made_is_read_for_again_when_it_goes_out_later(world: Any) -> None:
    world.open()
    world.ledger.before = [ProviderError(ErrorCode.NOT_SENT, "no connection")]
    assert world.refund("40.00").refund.state == "submitting"
    by_colleague(world)
    world.later(MINUTES)
    assert (world.states, world.went_back) == (["planned", "succeeded"], 40_00)


def test_where_a_worker_cannot_read_the_books_it_is_put_off_and_goes_out_when_he_can(world: Any) -> None:
    world.open(inline_seconds=0)
    world.refund("40.00")
    world.ledger.lookup_fails = 1
    world.later(MINUTES)
    [refund] = world.refunds
    assert (refund.state, refund.problem.code, world.ledger.calls) == ("submitting", ReasonCode.CANNOT_BE_ASKED, 0)
    world.later(MINUTES)
    assert world.states == ["succeeded"]


def test_a_held_refund_is_read_for_before_it_is_let_go(world: Any) -> None:
    world.open()
    world.ledger.before = [ProviderError(ErrorCode.INSUFFICIENT_BALANCE, "top up")]
    refund_id = world.refund("40.00").refund_id
    by_colleague(world)
    held = world.desk.retry_refund("1001", refund_id, by=ANNA).refund
    assert (held.state, held.needs_person) == ("planned", True)
    assert world.went_back == 40_00


def test_where_nothing_can_be_read_a_refund_goes_out_unread(world: Any) -> None:
    cannot = Support.PROVIDER_CANNOT
    world.open(refundable=cannot, list_refunds=cannot, find_refund=cannot)
    by_colleague(world)
    assert world.refund("40.00").refund.state == "succeeded"


# --- a remainder that nothing explains -------------------------------------------------------------------


def test_a_remainder_that_no_refund_explains_is_held_with_both_figures(world: Any) -> None:
    world.open(list_refunds=Support.PROVIDER_CANNOT)
    world.ledger.paid["p_1"] = Money.of("70", "EUR")
    [refund] = [world.refund("40.00").refund]
    assert (refund.state, refund.problem.code) == ("planned", ReasonCode.NOT_EXPLAINED)
    assert refund.problem.values == {"left": "EUR 70.00", "expected": "EUR 100.00"}
    assert world.desk.retry_refund("1001", refund.id, by=ANNA).refund.state == "succeeded", "a person has seen it"


def test_what_a_person_has_seen_and_let_go_is_not_held_again_by_a_worker_who_comes_later(world: Any) -> None:
    world.open(inline_seconds=0, list_refunds=Support.PROVIDER_CANNOT)
    world.ledger.paid["p_1"] = Money.of("70", "EUR")
    refund_id = world.refund("40.00").refund_id
    world.desk.retry_refund("1001", refund_id, by=ANNA)
    world.later(MINUTES)
    assert (world.states, world.went_back) == (["succeeded"], 40_00)


def test_what_changed_after_a_person_let_it_go_holds_it_again(world: Any) -> None:
    world.open(inline_seconds=0, list_refunds=Support.PROVIDER_CANNOT)
    world.ledger.paid["p_1"] = Money.of("70", "EUR")
    refund_id = world.refund("40.00").refund_id
    world.desk.retry_refund("1001", refund_id, by=ANNA)
    world.ledger.paid["p_1"] = Money.of("60", "EUR")
    world.later(MINUTES)
    [refund] = world.refunds
    assert (refund.state, refund.problem.values["left"], world.went_back) == ("planned", "EUR 60.00", 0)


# --- a refusal means what it says ------------------------------------------------------------------------


@pytest.mark.parametrize("code", [ErrorCode.AMOUNT_TOO_HIGH, ErrorCode.ALREADY_REFUNDED, ErrorCode.NOT_REFUNDABLE])
def test_a_clear_refusal_of_a_first_try_is_failed_at_once_in_the_providers_words(world: Any, code: ErrorCode) -> None:
    world.open()
    world.ledger.before = [ProviderError(code, "not more than EUR 39.99")]
    refund = world.refund("40.00").refund
    assert (refund.state, refund.problem.code, refund.problem.said) == ("failed", code, "not more than EUR 39.99")
    assert world.refund("39.99").refund.state == "succeeded", "the money is free again"


def test_a_refusal_for_a_colleague_who_was_faster_names_his_refund(world: Any) -> None:
    world.open()

    def faster(call: str, _: object) -> None:
        if call == "refund":
            world.ledger.watch = lambda *_: None
            by_colleague(world)

    world.ledger.watch = faster
    world.ledger.before = [ProviderError(ErrorCode.AMOUNT_TOO_HIGH, "nothing is left")]
    refund = world.refund("40.00").refund
    assert (refund.state, refund.problem.said) == ("failed", "nothing is left; EUR 40.00 re_1")
    assert [one.source for one in world.refunds] == ["api", "external"]
    assert world.went_back == 40_00


@pytest.mark.parametrize("code", [ErrorCode.AMOUNT_TOO_HIGH, ErrorCode.ALREADY_REFUNDED])
def test_after_an_unclear_try_the_same_refusal_proves_nothing(world: Any, code: ErrorCode) -> None:
    world.open(find_refund=Support.PROVIDER_CANNOT)
    world.ledger.before = [ProviderError(ErrorCode.OUTCOME_UNKNOWN, "no answer"), ProviderError(code, "no")]
    world.refund("40.00")
    world.later(MINUTES)
    assert world.states == ["unknown"]
    with pytest.raises(WrongState, match="not clear yet"):
        world.refund("40.00")


# --- a person who goes there himself ---------------------------------------------------------------------


def test_a_link_is_not_opened_for_what_a_colleague_just_refunded_and_says_which(world: Any) -> None:
    world.open()
    by_colleague(world)
    with pytest.raises(WrongState, match=r"went back at the provider meanwhile: EUR 40\.00 re_1"):
        world.open_link("40.00")
    assert [(one.source, one.reference) for one in world.refunds] == [("external", "re_1")]
    assert world.open_link("40.00").refund.state == "awaiting_merchant", "now he knows"


def test_a_link_is_opened_where_the_provider_cannot_be_asked(world: Any) -> None:
    world.open()
    world.ledger.lookup_fails = 1
    assert world.open_link("40.00").refund.state == "awaiting_merchant"
