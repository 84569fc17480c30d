"""No clock of a process decides about money: what is sent, sent again, held or settled runs on the database's clock.

In each of these the clock of the process is wrong, `World.wrong`, while the database, the provider and what elapses
are right; and each has its control, the same with a clock that is right.
"""

from __future__ import annotations

import datetime
import logging
from typing import Any

import attrs
import pytest

from retour import Actor, Money, Outcome, RefundState, WrongState
from retour.providers import ErrorCode, ProviderError, Support
from retour.store.clock import DatabaseTime, seconds_gone_by
from retour.store.store import Store

ANNA = Actor.staff("anna")
SECOND = datetime.timedelta(seconds=1)
MINUTE = datetime.timedelta(minutes=1)
HOUR = datetime.timedelta(hours=1)
DAY = datetime.timedelta(days=1)
RIGHT = datetime.timedelta(0)

LOST = ProviderError(ErrorCode.OUTCOME_UNKNOWN, "the answer was lost")


@pytest.fixture(autouse=True)
def quiet(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.CRITICAL, "retour")


@pytest.fixture
def forgetful(world: Any) -> Any:
    """A provider that knows a request for an hour, and cannot look a refund up."""
    return world.open(find_refund=Support.PROVIDER_CANNOT, list_refunds=Support.PROVIDER_CANNOT)


# --- the window ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "at_the_click, afterwards, later, held",
    [
        (RIGHT, RIGHT, 2 * HOUR, True),
        (DAY, RIGHT, 2 * HOUR, True),
        (70 * MINUTE, RIGHT, 61 * MINUTE, True),
        (-DAY, RIGHT, 10 * MINUTE, False),
        (RIGHT, -DAY, 2 * HOUR, True),
        (RIGHT, DAY, 10 * MINUTE, False),
        (RIGHT, RIGHT, 10 * MINUTE, False),
    ],
    ids=[
        "a right clock, and a worker who comes after 2 h",
        "a day ahead at the click, and put right",
        "two hosts, one 70 min ahead",
        "a day behind at the click, and put right",
        "put a day back after the click",
        "put a day ahead after the click",
        "a right clock, and a worker who comes within the window",
    ],
)
def test_a_refund_whose_answer_was_lost_is_paid_once_whatever_the_process_believes_the_time_to_be(
    forgetful: Any,
    at_the_click: datetime.timedelta,
    afterwards: datetime.timedelta,
    later: datetime.timedelta,
    held: bool,
) -> None:
    forgetful.ledger.after = [LOST]
    forgetful.wrong = at_the_click
    forgetful.refund()
    forgetful.wrong = afterwards
    forgetful.later(later)
    assert forgetful.went_back == 4000
    assert [(one.state.value, one.needs_person) for one in forgetful.refunds] == [
        ("unknown", True) if held else ("succeeded", False)
    ]


@pytest.mark.parametrize("wrong", [RIGHT, DAY, -DAY])
def test_a_clock_that_is_put_right_in_the_middle_of_a_refund_changes_nothing(
    forgetful: Any, wrong: datetime.timedelta
) -> None:
    def put_right(call: str, _: object) -> None:
        if call == "refund":
            forgetful.wrong = RIGHT

    forgetful.wrong, forgetful.ledger.watch = wrong, put_right
    forgetful.ledger.after = [LOST]
    forgetful.refund()
    forgetful.later(2 * HOUR)
    assert (forgetful.went_back, forgetful.states, forgetful.ledger.calls) == (4000, ["unknown"], 1)


@pytest.mark.parametrize("wrong", [RIGHT, DAY, -DAY])
def test_a_refund_that_waited_for_a_worker_longer_than_its_window_begins_anew_before_it_is_sent(
    world: Any, wrong: datetime.timedelta
) -> None:
    """So that an answer which is lost then can still be asked for again."""
    world.open(inline_seconds=0, find_refund=Support.PROVIDER_CANNOT, list_refunds=Support.PROVIDER_CANNOT)
    world.wrong = wrong
    world.refund()
    world.wrong = RIGHT
    world.ledger.after = [LOST]
    world.later(2 * HOUR)
    assert (world.states, world.went_back) == (["unknown"], 4000)
    world.later(50 * MINUTE)
    assert (world.states, world.went_back) == (["succeeded"], 4000)


@pytest.mark.parametrize("wrong", [RIGHT, DAY, -DAY])
def test_what_a_complete_lookup_proves_is_proven_by_the_databases_clock(world: Any, wrong: datetime.timedelta) -> None:
    world.open(idempotency=None, lookup_complete_after=HOUR)
    world.ledger.before = [LOST]
    world.wrong = wrong
    world.refund()
    world.wrong = -wrong
    world.later(30 * MINUTE)
    assert (world.states, world.ledger.calls) == (["unknown"], 1)
    world.later(31 * MINUTE)
    assert (world.states, world.went_back, world.ledger.calls) == (["succeeded"], 4000, 2)


# --- how old a reading is --------------------------------------------------------------------------------


@pytest.mark.parametrize("wrong", [RIGHT, DAY, -DAY])
@pytest.mark.parametrize("later, read_again", [(50 * SECOND, False), (70 * SECOND, True)])
def test_the_books_are_read_again_where_the_reading_is_old_by_the_databases_clock(
    world: Any, wrong: datetime.timedelta, later: datetime.timedelta, read_again: bool
) -> None:
    calls: list[str] = []
    world.open(inline_seconds=0)
    world.wrong = wrong
    world.refund()
    world.ledger.watch = lambda call, _: calls.append(call)
    world.wrong = RIGHT
    world.later(later)
    assert (world.states, world.went_back) == (["succeeded"], 4000)
    assert ("list_refunds" in calls) == read_again


def test_a_reading_is_as_old_as_when_it_began_however_long_it_took(world: Any) -> None:
    """A policy that is asked after it, and takes its time, makes it no newer."""
    calls: list[str] = []

    def slow(call: str, _: object) -> None:
        calls.append(call)
        if call == "list_refunds" and calls.count(call) == 1:
            world.now += 40 * SECOND

    world.open(inline_seconds=0).ledger.watch = slow
    world.refund()
    world.later(30 * SECOND)
    assert calls.count("list_refunds") == 2
    assert (world.states, world.went_back) == (["succeeded"], 4000)


# --- a person's word, and an outcome that does not come --------------------------------------------------


@pytest.mark.parametrize("wrong", [RIGHT, DAY, -DAY])
def test_a_person_settles_a_refund_a_day_after_it_became_unknown_by_the_databases_clock(
    world: Any, wrong: datetime.timedelta
) -> None:
    world.open().ledger.before = [LOST]
    refund_id = world.refund().refund_id
    world.ledger.lookup_fails = 100

    def settle() -> Outcome:
        outcome: Outcome = world.desk.settle_refund("1001", refund_id, happened=False, evidence="looked", by=ANNA)
        return outcome

    world.wrong = wrong
    world.now += 23 * HOUR
    with pytest.raises(WrongState, match=r"From 24 November 2026 .* on you can settle it yourself"):
        settle()
    world.now += 2 * HOUR
    assert settle().refund.state is RefundState.FAILED


@pytest.mark.parametrize("wrong", [RIGHT, 30 * DAY, -30 * DAY])
def test_an_outcome_that_does_not_come_is_missed_by_the_databases_clock(world: Any, wrong: datetime.timedelta) -> None:
    world.open(
        fetch_refund=Support.PROVIDER_CANNOT,
        find_refund=Support.PROVIDER_CANNOT,
        list_refunds=Support.PROVIDER_CANNOT,
        outcome_within=3 * DAY,
    ).ledger.new_status = world.provider.RefundStatus.PENDING
    world.refund()
    world.wrong = wrong
    world.later(2 * DAY)
    assert [(one.state.value, one.needs_person) for one in world.refunds] == [("pending", False)]
    world.later(1 * DAY + SECOND)
    assert [(one.state.value, one.needs_person) for one in world.refunds] == [("pending", True)]


@pytest.mark.parametrize("wrong", [RIGHT, DAY, -DAY])
def test_a_refund_that_is_put_off_says_when_it_is_tried_again_by_the_databases_clock(
    world: Any, wrong: datetime.timedelta
) -> None:
    world.open().ledger.before = [ProviderError(ErrorCode.RATE_LIMITED, "later", not_before=HOUR)]
    world.wrong = wrong
    world.refund()
    (refund,) = world.refunds
    assert refund.waits_until is not None
    assert abs(refund.waits_until - (world.now + HOUR)) < SECOND


# --- what is found at the provider -----------------------------------------------------------------------


@pytest.mark.parametrize("wrong", [RIGHT, DAY, -DAY])
@pytest.mark.parametrize(
    "made, found",
    [
        ("before the link", {"link": "awaiting_merchant", "external": "succeeded"}),
        ("after the link", {"link": "succeeded"}),
    ],
)
def test_a_refund_in_the_dashboard_is_the_one_of_a_link_that_was_opened_before_it(
    world: Any, wrong: datetime.timedelta, made: str, found: dict[str, str]
) -> None:
    world.open().ledger.lookup_fails = 1  # the books cannot be read where the link is opened
    if made == "before the link":
        world.ledger.add("p_1", Money.of("40", "EUR"))
    world.now += MINUTE
    world.wrong = wrong
    world.open_link()
    world.wrong = RIGHT
    world.now += MINUTE
    if made == "after the link":
        world.ledger.add("p_1", Money.of("40", "EUR"))
    world.desk.reconcile("1001")
    assert {one.source.value: one.state.value for one in world.refunds} == found


# --- telling the time ------------------------------------------------------------------------------------


def test_the_databases_time_is_counted_on_by_what_elapsed() -> None:
    elapsed = [7.0]
    time = DatabaseTime(told=0, asked=5.0, answered=6.5, elapsed=lambda: elapsed[0])
    told = datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)
    assert (time.now().earliest, time.now().latest) == (told + SECOND / 2, told + 2 * SECOND)
    elapsed[0] += 60
    assert (time.now().earliest, time.now().latest) == (told + 60.5 * SECOND, told + 62 * SECOND)


def test_what_elapses_is_counted_by_no_clock_that_anybody_sets() -> None:
    first = seconds_gone_by()
    assert 0 <= seconds_gone_by() - first < 10


def test_who_was_suspended_while_it_read_the_order_leaves_the_refund_to_who_reads_it_anew(
    world: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It cannot tell whether the window of what it decides is over already."""
    world.open(find_refund=Support.PROVIDER_CANNOT, list_refunds=Support.PROVIDER_CANNOT)
    read, left = Store.events_now, [2 * HOUR]

    def suspended(store: Store, *arguments: Any) -> Any:
        events, time = read(store, *arguments)
        if left:
            world.now += left.pop()
            time = attrs.evolve(time, answered=store.elapsed())
        return events, time

    with monkeypatch.context() as patch:
        patch.setattr(Store, "events_now", suspended)
        world.ledger.after = [LOST]
        world.refund()
    assert (world.states, world.ledger.calls) == (["submitting"], 0)
    assert len(world.desk._services.store.events("default", "1001")) == 2
    world.later()
    assert (world.states, world.went_back) == (["unknown"], 4000)
    world.later(50 * MINUTE)
    assert (world.states, world.went_back) == (["succeeded"], 4000)


def test_a_process_that_was_suspended_while_it_read_the_order_knows_the_time_only_so_far(world: Any) -> None:
    """Between the question and its answer two hours went by: when the refund was decided counts as early as it can
    have been, and so its window is over as early."""
    store = world.open(find_refund=Support.PROVIDER_CANNOT, list_refunds=Support.PROVIDER_CANNOT).desk._services.store
    elapsed, slow = store.elapsed, [0.0, 7200.0]
    asked_at = elapsed()
    store.elapsed = lambda: elapsed() + (slow.pop(0) if slow else 7200.0)
    _, time = store.events_now("default", "1001")
    assert (time.asked, time.answered) == (asked_at, asked_at + 7200)
    assert time.now().latest - time.now().earliest == 2 * HOUR
