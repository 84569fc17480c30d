"""A refund that its provider has, and of which the provider is not heard any more: a person's word ends it."""

from __future__ import annotations

import datetime
import logging
from collections.abc import Callable
from typing import Any

import pytest
from shipping.small_carrier import OPTION, Carrier, plugin_of
from shipping.world import BOX, HOME
from sqlalchemy import text

from retour import Actor, AttentionItem, Busy, InvalidReference, Money, WrongState
from retour.model.reasons import ReasonCode
from retour.providers import ErrorCode, ProviderError, RefundStatus, Support

ANNA = Actor.staff("anna")
EUR40 = Money.of("40", "EUR")
DAY = datetime.timedelta(days=1)
LOST = ProviderError(ErrorCode.OUTCOME_UNKNOWN, "no answer")


@pytest.fixture(autouse=True)
def quiet(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.CRITICAL, "retour")


def pending(world: Any, **capabilities: object) -> str:
    """A refund that the provider has, and has not paid out yet."""
    world.open(**capabilities).ledger.new_status = RefundStatus.PENDING
    refund_id: str = world.refund("40.00").refund_id
    return refund_id


def pending_of_a_colleague(world: Any) -> str:
    """A refund that somebody made in the dashboard, which the provider has not paid out yet."""
    world.open().ledger.new_status = RefundStatus.PENDING
    world.ledger.add("p_1", EUR40)
    world.desk.reconcile("1001")
    [found] = world.refunds
    return str(found.id)


EVERY = (pending, pending_of_a_colleague)


def reopen(world: Any, api: int = 2) -> None:
    """Open the desk again with the provider's class of that contract."""
    made = world.provider.make_provider(world.ledger)
    made.api = api
    world._enter([world.provider.plugin(made)], 10.0)


def plugin_gone(world: Any) -> None:
    world.open_without_the_plugin()


def another_contract(world: Any) -> None:
    reopen(world, 1)


def account_closed(world: Any) -> None:
    def refuse(call: str, _: object) -> None:
        if call in ("fetch_refund", "list_refunds", "refundable"):
            raise ProviderError(ErrorCode.AUTHENTICATION, "the account was closed")

    world.ledger.watch = refuse


def out_of_order(world: Any) -> None:
    world.ledger.lookup_fails = 1000


SILENT: tuple[Callable[[Any], None], ...] = (plugin_gone, another_contract, account_closed, out_of_order)
OFF = (plugin_gone, another_contract)


def for_days(world: Any, number: int = 5) -> None:
    for _ in range(number):
        world.later(DAY)


def listed(world: Any) -> AttentionItem:
    [item] = world.desk.attention("refund_unknown").items
    return item


def settle(world: Any, refund_id: str, *, happened: bool, reference: str = "") -> Any:
    return world.desk.settle_refund(
        "1001", refund_id, happened=happened, evidence="the bank's statement", reference=reference, by=ANNA
    )


def confirm(world: Any, refund_id: str, reference: str = "BANK-7") -> Any:
    return world.desk.confirm_refund(
        "1001", "p_1", EUR40, reference=reference, refund_id=refund_id, by=ANNA, request_id="confirmed"
    )


def waiting(world: Any, kind: str = "fetch_refund") -> int:
    with world.desk._services.store.engine.connect() as connection:
        asked = text("SELECT count(*) FROM retour_effect WHERE state = 'waiting' AND kind = :kind")
        return int(connection.execute(asked, {"kind": kind}).scalar_one())


@pytest.mark.parametrize("silent", SILENT, ids=lambda one: one.__name__)
def test_where_it_is_not_heard_of_for_a_day_the_refund_is_listed_with_what_ends_it(world: Any, silent: Any) -> None:
    refund_id = pending(world)
    silent(world)
    for_days(world)
    item = listed(world)
    assert (item.about, item.can_do) == (refund_id, ("settle_refund", "confirm_refund"))
    assert item.why.render("nl") != item.why.render("en")
    assert world.states == ["pending"]
    assert world.desk.dossier("1001").refunded("ledger:p_1", "EUR") == EUR40, "the money still counts"
    told = [one for one in world.desk.timeline("1001") if "waits for you" in one.text("en")]
    assert len(told) == 1, "said once"


@pytest.mark.parametrize("silent", SILENT, ids=lambda one: one.__name__)
@pytest.mark.parametrize("happened", [True, False])
def test_then_a_persons_word_counts_and_nobody_looks_any_more(world: Any, silent: Any, happened: bool) -> None:
    refund_id = pending(world)
    silent(world)
    for_days(world)
    refund = settle(world, refund_id, happened=happened).refund
    assert (refund.state, refund.settled) == ("succeeded" if happened else "failed", happened)
    assert refund.reference == "re_1"
    assert world.desk.attention("refund_unknown").items == ()
    assert waiting(world) == 0
    left = world.desk.refund_options("1001")[0].left
    assert left == Money.of("60" if happened else "100", "EUR")


@pytest.mark.parametrize("off", OFF, ids=lambda one: one.__name__)
def test_where_the_plugin_is_off_a_persons_word_counts_at_once(world: Any, off: Any) -> None:
    refund_id = pending(world)
    off(world)
    assert settle(world, refund_id, happened=False).refund.state == "failed"


@pytest.mark.parametrize("off", OFF, ids=lambda one: one.__name__)
def test_what_was_begun_with_a_plugin_that_is_off_is_confirmed_by_hand(world: Any, off: Any) -> None:
    refund_id = pending(world)
    off(world)
    confirm(world, refund_id)
    ours, by_hand = world.refunds
    assert (ours.state, ours.settled, ours.reference) == ("failed", False, "re_1")
    assert (by_hand.state, by_hand.source, by_hand.in_place_of) == ("succeeded", "person", refund_id)
    assert world.desk.refund_options("1001")[0].refunded == EUR40


def test_who_confirms_it_by_the_providers_own_reference_speaks_of_that_refund(world: Any) -> None:
    refund_id = pending(world)
    plugin_gone(world)
    confirm(world, refund_id, reference="re_1")
    assert [(one.state, one.settled, one.reference) for one in world.refunds] == [("succeeded", True, "re_1")]


@pytest.mark.parametrize("silent", [account_closed, out_of_order], ids=lambda one: one.__name__)
@pytest.mark.parametrize("do", [lambda world, one: settle(world, one, happened=False), confirm])
def test_until_it_is_not_heard_of_for_a_day_its_word_can_still_come(world: Any, silent: Any, do: Any) -> None:
    refund_id = pending(world)
    silent(world)
    with pytest.raises(WrongState, match=r"can still say.*not heard of for 24 hours") as caught:
        do(world, refund_id)
    assert "24 uur" in caught.value.text("nl")
    assert world.states == ["pending"]


def test_a_provider_that_answers_between_is_heard_of(world: Any) -> None:
    """Each failing look is followed by one that works: never a day of silence."""
    pending(world)
    for _ in range(5):
        world.ledger.lookup_fails = 1
        world.later(DAY)
        world.later(DAY)
    assert world.desk.attention().items == ()


@pytest.mark.parametrize("do", [lambda world, one: settle(world, one, happened=False), confirm])
def test_what_the_provider_says_is_on_its_way_no_person_settles(world: Any, do: Any) -> None:
    refund_id = pending(world)
    with pytest.raises(WrongState, match=r"is being processed, so it cannot be (settled|confirmed)"):
        do(world, refund_id)
    assert world.states == ["pending"]


@pytest.mark.parametrize("status", [RefundStatus.SUCCEEDED, RefundStatus.FAILED])
def test_the_provider_is_asked_first_and_its_word_is_recorded_instead(world: Any, status: RefundStatus) -> None:
    refund_id = pending(world)
    world.ledger.turn("re_1", status)
    refund = settle(world, refund_id, happened=status is RefundStatus.FAILED, reference="re_1").refund
    assert (refund.state.value, refund.settled) == (status.value, None)


@pytest.mark.parametrize("ends", [RefundStatus.SUCCEEDED, RefundStatus.FAILED])
@pytest.mark.parametrize("made", EVERY, ids=lambda one: one.__name__)
def test_a_provider_that_is_heard_of_again_takes_it_off_the_list_and_is_asked_until_it_ends(
    world: Any, made: Any, ends: RefundStatus
) -> None:
    refund_id = made(world)
    plugin_gone(world)
    for_days(world)
    assert listed(world).about == refund_id
    reopen(world)
    world.later(DAY)
    assert (world.states, world.desk.attention().items) == (["pending"], ())
    assert waiting(world) == 1
    told = world.desk.timeline("1001")
    for_days(world)
    assert world.desk.timeline("1001") == told, "that it is still on its way is said once"
    world.ledger.turn("re_1", ends)
    for_days(world)
    assert world.states == [ends.value]


@pytest.mark.parametrize("made", EVERY, ids=lambda one: one.__name__)
def test_a_person_who_looks_while_it_is_heard_of_again_reads_that_it_is_on_its_way(world: Any, made: Any) -> None:
    refund_id = made(world)
    plugin_gone(world)
    for_days(world)
    reopen(world)
    refund = settle(world, refund_id, happened=False).refund
    assert (refund.state, refund.needs_person, refund.settled) == ("pending", False, None)
    assert waiting(world) == 1


def test_a_refund_that_was_said_not_to_have_happened_counts_again_when_the_provider_still_has_it(world: Any) -> None:
    refund_id = pending(world)
    plugin_gone(world)
    settle(world, refund_id, happened=False)
    reopen(world)
    world.desk.reconcile("1001")
    assert world.states == ["pending"]
    assert world.desk.refund_options("1001")[0].left == Money.of("60", "EUR")
    version = world.desk.dossier("1001").version
    world.desk.reconcile("1001")
    assert world.desk.dossier("1001").version == version, "the same is no news"
    world.ledger.turn("re_1", RefundStatus.SUCCEEDED)
    for_days(world)
    assert world.states == ["succeeded"]


def test_what_was_paid_by_hand_in_its_place_and_happened_too_was_paid_twice(world: Any) -> None:
    refund_id = pending(world)
    plugin_gone(world)
    confirm(world, refund_id)
    reopen(world)
    world.ledger.turn("re_1", RefundStatus.SUCCEEDED)
    world.desk.reconcile("1001")
    assert world.states == ["succeeded", "succeeded"]
    assert [one.kind for one in world.desk.attention().items] == ["refund_paid_twice"]


def test_another_word_of_the_same_person_is_his_word_from_now_on(world: Any) -> None:
    refund_id = pending(world)
    plugin_gone(world)
    settle(world, refund_id, happened=False)
    assert not settle(world, refund_id, happened=False).changed
    assert settle(world, refund_id, happened=True).refund.state == "succeeded"


def test_it_keeps_the_reference_by_which_the_provider_knows_it(world: Any) -> None:
    refund_id = pending(world)
    plugin_gone(world)
    with pytest.raises(InvalidReference, match="found under the reference re_1"):
        settle(world, refund_id, happened=True, reference="BANK-7")
    settle(world, refund_id, happened=True)
    reopen(world)
    world.ledger.turn("re_1", RefundStatus.SUCCEEDED)
    world.desk.reconcile("1001")
    assert [(one.state, one.reference) for one in world.refunds] == [("succeeded", "re_1")]


def test_one_that_was_being_cancelled_is_settled_too(world: Any) -> None:
    refund_id = pending(world, cancel_refund=Support.YES)
    world.ledger.cancelling = [("lost before", ProviderError(ErrorCode.OUTCOME_UNKNOWN, "no answer"))] * 99
    world.desk.cancel_refund("1001", refund_id, by=ANNA)
    plugin_gone(world)
    refund = settle(world, refund_id, happened=False).refund
    assert (refund.state, refund.cancelling) == ("failed", False)
    assert waiting(world, "cancel_refund") == 0


def test_what_a_colleague_made_there_is_settled_and_nobody_made_it_in_its_place(world: Any) -> None:
    found = pending_of_a_colleague(world)
    plugin_gone(world)
    for_days(world)
    assert listed(world).can_do == ("settle_refund",)
    with pytest.raises(InvalidReference, match="found under the reference re_1"):
        confirm(world, found)
    assert settle(world, found, happened=True).refund.state == "succeeded"


def test_of_a_provider_that_tells_by_webhook_alone_he_reads_from_when_on_his_word_counts(world: Any) -> None:
    cannot = Support.PROVIDER_CANNOT
    asks_nothing = dict.fromkeys(("refundable", "fetch_refund", "find_refund", "list_refunds"), cannot)
    refund_id = pending(world, outcome_within=3 * DAY, **asks_nothing)
    with pytest.raises(WrongState, match=r"can still say.*From .*26 Nov.* on you can settle it yourself"):
        settle(world, refund_id, happened=True)
    world.later(3 * DAY)
    assert listed(world).can_do == ("settle_refund", "confirm_refund")
    assert settle(world, refund_id, happened=True).refund.state == "succeeded"


def test_a_provider_that_speaks_of_something_else_has_not_said_what_became_of_it(world: Any) -> None:
    refund_id = pending(world)
    world.ledger.refunds["re_1"] = world.ledger.add("p_1", Money.of("1", "EUR"))
    refund = settle(world, refund_id, happened=False).refund
    assert (refund.state, refund.problem.code) == ("failed", ReasonCode.SETTLED)


# --- labels ----------------------------------------------------------------------------------------------


def ordered(world: Any, *faults: ErrorCode) -> tuple[Carrier, str]:
    """A carrier, and a label that was ordered of him for an approved return while he answers with these errors."""
    carrier = Carrier()
    carrier.faults += [lambda code=code: ProviderError(code, "no answer") for code in faults]
    world.open(plugin_of(carrier))
    return_id = world.desk.request_return("1001", {"cup": 1}, by=ANNA, request_id="to send").return_id
    return carrier, order(world, return_id, "label").label.id


def order(world: Any, return_id: str, request_id: str) -> Any:
    given: Any = {"sender": HOME, "parcel": BOX, "by": ANNA, "request_id": request_id}
    return world.desk.order_label("1001", return_id, OPTION, **given)


def unanswered(world: Any) -> str:
    """Its carrier may have made it, and is not heard of."""
    _, label_id = ordered(world, *[ErrorCode.OUTCOME_UNKNOWN] * 99)
    return label_id


def unreachable(world: Any) -> str:
    """Its carrier cannot be reached, so it was certainly not made."""
    _, label_id = ordered(world, *[ErrorCode.NOT_SENT] * 99)
    return label_id


def ordered_and_the_plugin_is_gone(world: Any) -> str:
    """Nobody has asked for it yet."""
    _, label_id = ordered(world, ErrorCode.NOT_SENT)
    world.open_without_the_plugin()
    return label_id


NOT_MADE = (unanswered, unreachable, ordered_and_the_plugin_is_gone)


@pytest.mark.parametrize("not_made", NOT_MADE, ids=lambda one: one.__name__)
def test_a_label_that_is_not_made_for_a_day_is_settled_and_another_is_ordered(world: Any, not_made: Any) -> None:
    label_id = not_made(world)
    world.later(DAY / 2)
    assert world.desk.attention("label_unknown").items == ()
    for_days(world, 2)
    [item] = world.desk.attention("label_unknown").items
    assert (item.about, item.can_do) == (label_id, ("settle_label",))
    world.desk.settle_label("1001", label_id, by=ANNA, made=False)
    assert world.desk.attention("label_unknown").items == ()
    assert waiting(world, "make_label") == 0
    world.open(plugin_of(Carrier()))
    [return_id] = world.desk.dossier("1001").returns
    assert order(world, return_id, "another").label.state == "ready"


def test_a_label_that_waits_for_a_person_is_made_all_the_same_when_its_carrier_can(world: Any) -> None:
    carrier, label_id = ordered(world, *[ErrorCode.NOT_SENT] * 99)
    for_days(world, 3)
    assert [one.about for one in world.desk.attention("label_unknown").items] == [label_id]
    carrier.faults.clear()
    world.later(DAY)
    label = world.desk.dossier("1001").labels[label_id]
    assert (label.state, label.needs_person, len(carrier.bought)) == ("ready", False, 1)
    assert world.desk.attention("label_unknown").items == ()


def test_a_label_that_a_worker_asks_for_at_this_moment_is_not_settled(world: Any) -> None:
    carrier, label_id = ordered(world, *[ErrorCode.OUTCOME_UNKNOWN] * 99)
    for_days(world, 3)
    refused: list[str] = []

    def person() -> ProviderError:
        with pytest.raises(Busy, match="being asked for at this moment") as caught:
            world.desk.settle_label("1001", label_id, by=ANNA, made=False)
        refused.append(caught.value.text("nl"))
        return LOST

    carrier.faults.clear()
    carrier.faults.append(person)
    world.later(DAY)
    assert len(refused) == 1
