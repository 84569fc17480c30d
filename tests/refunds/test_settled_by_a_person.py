"""A person's word on a refund of which nobody knows whether it happened: when it counts, and what stands beside it."""

from __future__ import annotations

import datetime
from typing import Any

import pytest

from retour import Actor, InvalidArgument, InvalidReference, Money, NotAllowed, WrongState
from retour.model.reasons import ReasonCode
from retour.providers import ErrorCode, ProviderError, RefundStatus, Support

ANNA = Actor.staff("anna")
EUR40 = Money.of("40", "EUR")
HOUR = datetime.timedelta(hours=1)
LOST = ProviderError(ErrorCode.OUTCOME_UNKNOWN, "no answer")
UNREACHABLE = 1000


def unknown(world: Any, *, made: bool, find: Support = Support.PROVIDER_CANNOT, after: datetime.timedelta) -> str:
    """A refund whose answer was lost, before or after the provider made it, so long ago."""
    world.open(find_refund=find)
    (world.ledger.after if made else world.ledger.before).append(LOST)
    refund_id: str = world.refund("40.00").refund_id
    world.ledger.blind = True
    world.ledger.before = [LOST] * UNREACHABLE
    world.later(after)
    assert world.desk.dossier("1001").refunds[refund_id].state == "unknown"
    return refund_id


def settle(world: Any, refund_id: str, happened: bool, reference: str = "") -> Any:
    return world.desk.settle_refund(
        "1001", refund_id, happened=happened, evidence="looked at the dashboard", reference=reference, by=ANNA
    )


def confirm(world: Any, refund_id: str, reference: str = "BANK-77") -> Any:
    return world.desk.confirm_refund(
        "1001", "p_1", EUR40, reference=reference, refund_id=refund_id, by=ANNA, request_id="confirmed"
    )


def test_while_the_provider_can_still_say_it_a_persons_word_does_not_count_and_he_reads_from_when_on(
    world: Any,
) -> None:
    refund_id = unknown(world, made=True, find=Support.YES, after=HOUR / 6)
    with pytest.raises(WrongState, match=r"can still say.*From 24 November 2026 13:00 on you can settle it yourself"):
        settle(world, refund_id, happened=False)  # noon in UTC, by the shop's clocks
    with pytest.raises(WrongState, match="can still say"):
        confirm(world, refund_id)
    assert world.states == ["unknown"]


def test_the_timeline_says_by_the_shops_clocks_from_when_on_it_is_tried_again(world: Any) -> None:
    wait = datetime.timedelta(hours=2)
    world.open().ledger.before = [ProviderError(ErrorCode.RATE_LIMITED, "later", not_before=wait)]
    world.refund()
    told = [entry.text("en") for entry in world.desk.timeline("1001")]
    assert any("is tried again from 23 November 2026 15:00" in one for one in told), told


@pytest.mark.parametrize("how", ["24 hours without an answer", "the plugin is gone", "the key is forgotten"])
def test_where_the_providers_word_is_not_to_be_had_a_persons_counts(world: Any, how: str) -> None:
    find = Support.YES if how == "24 hours without an answer" else Support.PROVIDER_CANNOT
    refund_id = unknown(world, made=False, find=find, after=HOUR / 6 if how == "the plugin is gone" else 2 * HOUR)
    if how == "24 hours without an answer":
        world.ledger.lookup_fails = UNREACHABLE
        world.now += 24 * HOUR
    if how == "the plugin is gone":
        world.open_without_the_plugin()
    refund = settle(world, refund_id, happened=False).refund
    assert (refund.state, refund.settled, refund.problem.code) == ("failed", False, ReasonCode.SETTLED)
    told = [entry for entry in world.desk.timeline("1001") if "settled by hand" in entry.text("en")]
    assert [entry.by.id for entry in told] == ["anna"]
    assert "looked at the dashboard" in str(told[0].note)


def test_what_did_not_happen_frees_the_money_under_a_new_key(world: Any) -> None:
    refund_id = unknown(world, made=False, after=2 * HOUR)
    settle(world, refund_id, happened=False)
    world.ledger.before = []
    assert world.refund("100.00").refund.state == "succeeded"
    assert world.went_back == 100_00
    assert len(world.ledger.keys) == 1


def test_what_happened_has_the_reference_that_the_person_gave(world: Any) -> None:
    refund_id = unknown(world, made=True, find=Support.PARTIAL, after=2 * HOUR)
    refund = settle(world, refund_id, happened=True, reference="re_1").refund
    assert (refund.state, refund.reference) == ("succeeded", "re_1")
    world.ledger.blind = False
    world.desk.reconcile("1001")
    assert (world.states, world.went_back) == (["succeeded"], 40_00)


def test_the_provider_is_asked_first_and_its_word_is_recorded_instead(world: Any) -> None:
    refund_id = unknown(world, made=True, find=Support.YES, after=2 * HOUR)
    world.ledger.blind = False
    refund = settle(world, refund_id, happened=False).refund
    assert (refund.state, refund.settled, refund.reference) == ("succeeded", None, "re_1")


def test_a_lookup_that_is_complete_is_the_providers_word_too(world: Any) -> None:
    world.open(lookup_complete_after=datetime.timedelta(0))
    world.ledger.before = [LOST]
    refund_id = world.refund("40.00").refund_id
    world.now += 2 * HOUR
    refund = settle(world, refund_id, happened=True, reference="re_9").refund
    assert (refund.state, refund.problem.code) == ("failed", ReasonCode.DID_NOT_HAPPEN)


def test_with_a_persons_word_no_worker_asks_or_sends_any_more(world: Any) -> None:
    refund_id = unknown(world, made=False, after=2 * HOUR)
    settle(world, refund_id, happened=False)
    world.ledger.before = []
    calls = world.ledger.calls
    for _ in range(3):
        world.later(24 * HOUR)
    assert (world.ledger.calls, world.went_back) == (calls, 0)


def test_the_same_word_twice_changes_nothing_and_another_word_is_his_word_from_now_on(world: Any) -> None:
    refund_id = unknown(world, made=False, after=2 * HOUR)
    settle(world, refund_id, happened=False)
    assert not settle(world, refund_id, happened=False).changed
    assert settle(world, refund_id, happened=True, reference="re_7").refund.state == "succeeded"


def test_a_refund_whose_end_is_known_is_not_settled(world: Any) -> None:
    world.open()
    refund_id = world.refund("40.00").refund_id
    with pytest.raises(WrongState, match="settle"):
        settle(world, refund_id, happened=False)


def test_a_word_without_evidence_or_reference_is_none(world: Any) -> None:
    refund_id = unknown(world, made=False, after=2 * HOUR)
    with pytest.raises(InvalidArgument, match="say how you know"):
        world.desk.settle_refund("1001", refund_id, happened=False, evidence=" ", by=ANNA)
    with pytest.raises(InvalidReference):
        settle(world, refund_id, happened=True)
    with pytest.raises(NotAllowed):
        world.desk.settle_refund("1001", refund_id, happened=False, evidence="I say", by=Actor.customer("c"))
    assert world.states == ["unknown"]


# --- two facts are two records ---------------------------------------------------------------------------


def test_a_confirmation_is_a_record_of_its_own_with_its_own_reference(world: Any) -> None:
    refund_id = unknown(world, made=False, after=2 * HOUR)
    confirm(world, refund_id)
    ours, by_hand = world.refunds
    assert (ours.state, ours.reference, ours.settled) == ("failed", "", False)
    assert (by_hand.state, by_hand.source, by_hand.reference, by_hand.in_place_of) == (
        "succeeded",
        "person",
        "BANK-77",
        refund_id,
    )
    assert world.desk.refund_options("1001")[0].refunded == EUR40


def test_where_the_provider_made_it_too_it_was_paid_twice_and_a_person_is_asked(world: Any) -> None:
    refund_id = unknown(world, made=True, after=2 * HOUR)
    world.ledger.blind = False
    confirm(world, refund_id)
    world.desk.reconcile("1001")
    ours, by_hand = world.refunds
    assert (ours.state, ours.reference, by_hand.state, by_hand.reference) == (
        "succeeded",
        "re_1",
        "succeeded",
        "BANK-77",
    )
    assert {one.problem.code for one in world.refunds if one.needs_person} == {ReasonCode.PAID_TWICE}
    assert len(world.desk.list_refunds(waits_for="person").refunds) == 1
    assert world.desk.refund_options("1001")[0].refunded == Money.of("80", "EUR")


def test_where_the_providers_own_refund_fails_it_was_paid_once_and_nobody_is_asked(world: Any) -> None:
    refund_id = unknown(world, made=True, after=2 * HOUR)
    world.ledger.blind = False
    confirm(world, refund_id)
    world.desk.reconcile("1001")
    world.ledger.turn("re_1", RefundStatus.FAILED)
    world.desk.reconcile("1001")
    assert [one.state for one in world.refunds] == ["reversed", "succeeded"]
    assert world.desk.list_refunds(waits_for="person").refunds == ()
    assert world.desk.refund_options("1001")[0].refunded == EUR40


def test_a_person_who_names_the_providers_own_refund_speaks_of_one(world: Any) -> None:
    refund_id = unknown(world, made=True, after=HOUR / 6)
    world.ledger.blind = False
    confirm(world, refund_id, reference="re_1")
    [ours] = world.refunds
    assert (ours.state, ours.reference) == ("succeeded", "re_1")


def test_what_the_provider_reports_of_a_settled_refund_counts_beside_what_was_paid_instead(world: Any) -> None:
    refund_id = unknown(world, made=True, after=2 * HOUR)
    settle(world, refund_id, happened=False)
    world.desk.confirm_refund(
        "1001", "p_1", Money.of("100", "EUR"), reference="BANK-78", by=ANNA, request_id="all of it"
    )
    world.ledger.blind = False
    world.desk.reconcile("1001")
    assert world.desk.refund_options("1001")[0].refunded == Money.of("140", "EUR")
    assert ReasonCode.PAID_TWICE in {one.problem.code for one in world.refunds if one.problem is not None}


def test_two_refunds_with_our_id_are_two_and_the_history_says_so_once(world: Any) -> None:
    world.open()
    refund_id = world.refund("40.00").refund_id
    world.ledger.add("p_1", EUR40, refund_id)
    for _ in range(3):
        world.desk.reconcile("1001")
    ours, second = world.refunds
    assert (ours.reference, second.reference, second.source) == ("re_1", "re_2", "external")
    assert (second.needs_person, second.problem.code, second.problem.said) == (True, ReasonCode.PAID_TWICE, "re_1")
    assert world.desk.refund_options("1001")[0].refunded == Money.of("80", "EUR")
    before = world.desk.dossier("1001").version
    world.desk.reconcile("1001")
    assert world.desk.dossier("1001").version == before


def test_what_a_person_said_did_not_happen_and_did_is_paid_twice_with_what_he_paid_instead(world: Any) -> None:
    """Both fit the payment, so that nothing but this tells of it."""
    refund_id = unknown(world, made=True, after=25 * HOUR)
    settle(world, refund_id, happened=False)
    world.desk.confirm_refund("1001", "p_1", EUR40, reference="BANK-78", by=ANNA, request_id="by bank")
    world.desk.reconcile("1001")
    assert sorted(world.states) == ["succeeded", "succeeded"]
    [item] = world.desk.attention("refund_paid_twice").items
    assert item.order_id == "1001"


def test_what_a_person_said_did_not_happen_and_did_is_paid_once_where_nobody_paid_it_again(world: Any) -> None:
    refund_id = unknown(world, made=True, after=25 * HOUR)
    settle(world, refund_id, happened=False)
    world.desk.reconcile("1001")
    assert (world.states, world.desk.attention().items) == (["succeeded"], ())


def test_two_persons_who_say_that_each_of_them_made_it_have_paid_it_twice(world: Any) -> None:
    refund_id = unknown(world, made=False, after=25 * HOUR)
    confirm(world, refund_id)
    settle(world, refund_id, happened=True, reference="re_77")
    assert sorted(world.states) == ["succeeded", "succeeded"]
    assert [item.kind for item in world.desk.attention().items] == ["refund_paid_twice"]
