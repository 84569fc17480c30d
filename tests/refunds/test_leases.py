"""Who holds the lease, and what a pause says, holds for everybody: for a worker, a command, and a person who cancels.

Losing one lease costs one effect. What a provider answered is a fact, whoever holds it.
"""

from __future__ import annotations

import datetime
import logging
from contextlib import suppress
from typing import Any

import pytest

from retour import Actor, Order, Refund, hookimpl
from retour.effects.kinds import KINDS, SendRefund, to_store
from retour.model.errors import WrongState
from retour.model.events.money import RefundUnclear
from retour.providers import ErrorCode, ProviderError
from retour.store.commit import Commit
from retour.store.effects import Effects
from retour.store.store import Store

ANNA = Actor.staff("anna")


@pytest.fixture(autouse=True)
def quiet(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.CRITICAL, "retour")


class PowerCut(BaseException):
    """Ends a process in the middle: nothing of ours catches it."""


class Listener:
    """Hears of refunds, and does ``then`` when it hears of the first."""

    name = "listener"

    def __init__(self) -> None:
        self.then: Any = None

    @hookimpl
    def on_refund_changed(self, order: Order, refund: Refund) -> None:
        if self.then is not None:
            then, self.then = self.then, None
            then()


def lose_lease(world: Any, kind: str) -> None:
    """Another worker takes the effects of a kind: their leases had run out."""
    with world.desk._services.store.engine.begin() as connection:
        connection.exec_driver_sql(
            f"UPDATE retour_effect SET owner = 'wk another', attempts = attempts + 1 "  # noqa: S608 - the test's own
            f"WHERE state = 'waiting' AND kind = '{kind}'"
        )


def pauses_are_over(world: Any) -> None:
    """Every pause is over; who has a lease keeps it."""
    with world.desk._services.store.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE retour_effect SET not_before = 0 WHERE state = 'waiting'")


def rows(world: Any, what: str) -> list[Any]:
    with world.desk._services.store.engine.connect() as connection:
        return [tuple(row) for row in connection.exec_driver_sql(f"SELECT {what} FROM retour_effect ORDER BY id")]  # noqa: S608 - the test's own


# --- losing one lease costs one effect -------------------------------------------------------------------


def test_a_lost_lease_of_another_effect_does_not_cost_the_answer_of_a_refund(world: Any) -> None:
    listener = Listener()
    world.open(listener)
    listener.then = lambda: lose_lease(world, "announce")
    assert world.refund().refund.state == "succeeded"
    assert world.ledger.calls == 1
    assert ("send_refund", "done") in rows(world, "kind, state")
    assert ("announce", "waiting", "wk another") in rows(world, "kind, state, owner")


def test_an_answer_that_came_after_our_lease_was_lost_is_a_fact_and_recorded(world: Any) -> None:
    world.open()
    world.ledger.watch = lambda call, _: lose_lease(world, "send_refund") if call == "refund" else None
    assert world.refund().refund.state == "succeeded"
    assert rows(world, "kind, state, owner") == [
        ("send_refund", "waiting", "wk another"),
        ("look_again", "waiting", None),
    ]
    world.later()
    assert (world.ledger.calls, world.states) == (1, ["succeeded"])
    assert rows(world, "state") == [("done",), ("done",)]


@pytest.mark.parametrize(
    "error",
    [
        ProviderError(ErrorCode.ALREADY_REFUNDED, "nothing left"),
        ProviderError(ErrorCode.RATE_LIMITED, "slow down"),
        ProviderError(ErrorCode.OUTCOME_UNKNOWN, "no answer"),
        ProviderError(ErrorCode.TOO_LATE, "too late"),
    ],
    ids=lambda error: error.code.value,
)
def test_without_a_lease_no_refusal_changes_the_state_of_a_refund(world: Any, error: ProviderError) -> None:
    """Who holds it now may be sending it at this moment."""
    world.open().ledger.before = [error]
    world.ledger.watch = lambda call, _: lose_lease(world, "send_refund") if call == "refund" else None
    assert world.refund().refund.state == "submitting"
    assert rows(world, "kind, state, owner, problem") == [("send_refund", "waiting", "wk another", "")]
    world.ledger.watch = lambda *_: None
    world.later()
    assert (world.states, world.went_back) == (["succeeded"], 4000)


def test_a_pending_refund_that_a_worker_without_a_lease_found_is_looked_at_again(world: Any) -> None:
    """What follows from a fact follows, whoever recorded it."""
    world.open().ledger.new_status = world.provider.RefundStatus.PENDING
    world.ledger.watch = lambda call, _: lose_lease(world, "send_refund") if call == "refund" else None
    assert world.refund().refund.state == "pending"
    assert ("fetch_refund", "waiting") in rows(world, "kind, state")


@pytest.mark.parametrize("seconds, sent", [(59, 1), (121, 0)])
def test_who_read_the_books_for_longer_than_its_lease_sends_nothing(world: Any, seconds: int, sent: int) -> None:
    """Whatever it was that took so long: a provider, or a machine that was asleep."""
    world.open(inline_seconds=0).refund()
    world.now += datetime.timedelta(minutes=2)  # so that they are read again

    def slowly(call: str, _: object) -> None:
        if call == "list_refunds":
            world.now += datetime.timedelta(seconds=seconds)

    world.ledger.watch = slowly
    world.desk.work()
    assert world.ledger.calls == sent
    world.ledger.watch = lambda *_: None
    world.later()
    assert (world.states, world.went_back, world.ledger.calls) == (["succeeded"], 4000, 1)


@pytest.mark.parametrize("seconds, sent", [(100, 1), (121, 0)])
def test_a_machine_that_was_stopped_from_outside_after_it_claimed_sends_nothing(
    world: Any, monkeypatch: pytest.MonkeyPatch, seconds: int, sent: int
) -> None:
    """No clock of its own counted it; the database's did, which is read with the order."""
    world.open(inline_seconds=0).refund()
    claim = Effects.claim

    def then_it_is_stopped(*arguments: Any, **more: Any) -> Any:
        claimed = claim(*arguments, **more)
        if claimed:
            world.now += datetime.timedelta(seconds=seconds)
            world.stopped += datetime.timedelta(seconds=seconds)
        return claimed

    with monkeypatch.context() as patch:
        patch.setattr(Effects, "claim", then_it_is_stopped)
        world.desk.work(limit=1)
    assert world.ledger.calls == sent
    world.later()
    assert (world.states, world.went_back, world.ledger.calls) == (["succeeded"], 4000, 1)


# --- cancelling ------------------------------------------------------------------------------------------


def test_a_process_that_dies_while_it_cancels_leaves_the_refund_to_whoever_works(
    world: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    outcome = world.open(inline_seconds=0).refund()

    def dying(*_: Any) -> None:
        raise PowerCut

    with monkeypatch.context() as patch:
        patch.setattr(Store, "save", dying)
        patch.setattr(Effects, "settle", dying)  # nothing is put back by the dead
        with pytest.raises(PowerCut):
            world.desk.cancel_refund("1001", outcome.refund_id, by=ANNA)
    world.desk.work()
    assert (world.states, world.went_back) == (["succeeded"], 4000)


def test_a_refund_that_became_unknown_under_a_person_who_cancels_keeps_its_question(
    world: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A worker sends it between the person's look and his word, and gets no answer; then the person's process dies."""
    outcome = world.open(inline_seconds=0).refund()
    world.ledger.after = [ProviderError(ErrorCode.OUTCOME_UNKNOWN, "no answer")]
    looked, claim, save = Effects.waiting, Effects.claim, Store.save
    working: list[bool] = []

    def then_a_worker_sends_it(*arguments: Any) -> Any:
        found = looked(*arguments)
        if not world.ledger.calls:
            working.append(True)
            world.desk.work()
            working.clear()
        return found

    with monkeypatch.context() as patch:
        patch.setattr(Effects, "waiting", then_a_worker_sends_it)
        patch.setattr(Effects, "claim", lambda *a, **more: claim(*a, **more) if working else _die(claim(*a, **more)))
        patch.setattr(Store, "save", lambda *a: save(*a) if working else _die(save(*a)))
        with suppress(PowerCut, WrongState):
            world.desk.cancel_refund("1001", outcome.refund_id, by=ANNA)
    assert world.states == ["unknown"]
    pauses_are_over(world)
    world.desk.work()
    assert (world.states, world.went_back, world.ledger.calls) == (["succeeded"], 4000, 1)


def _die(_: object) -> None:
    raise PowerCut


@pytest.mark.parametrize("lease", [60_000_000, 0], ids=["has it", "had it, and is late"])
def test_a_worker_that_takes_a_refund_under_a_person_who_cancels_is_let_alone(
    world: Any, monkeypatch: pytest.MonkeyPatch, lease: int
) -> None:
    outcome = world.open(inline_seconds=0).refund()
    store, looked = world.desk._services.store, Effects.waiting
    taken: list[Any] = []

    def then_a_worker_takes_it(*arguments: Any) -> Any:
        found = looked(*arguments)
        taken.extend(store.effects.claim("wk another", lease=lease, limit=1, kinds=KINDS))
        return found

    with monkeypatch.context() as patch:
        patch.setattr(Effects, "waiting", then_a_worker_takes_it)
        with pytest.raises(WrongState, match="is being sent right now"):
            world.desk.cancel_refund("1001", outcome.refund_id, by=ANNA)
    assert world.states == ["submitting"]
    world.desk._services.runner.run(taken, until=60.0)
    assert world.went_back == (4000 if lease else 0)  # who is late sends nothing
    world.later()
    assert (world.states, world.went_back) == (["succeeded"], 4000)


def test_a_refund_with_two_effects_is_not_given_up_while_a_worker_has_one_of_them(world: Any) -> None:
    """A person had it tried again while an older effect still waited."""
    outcome = world.open(inline_seconds=0).refund()
    store = world.desk._services.store
    again = to_store(SendRefund(refund_id=outcome.refund_id), "ef another", "wk another", 60_000_000)
    store.save(Commit(id="cm", shop="default", order_id="1001", expected=0, events=(), effects=[again]))
    with pytest.raises(WrongState, match="is being sent right now"):
        world.desk.cancel_refund("1001", outcome.refund_id, by=ANNA)
    assert {state for (state,) in rows(world, "state")} == {"waiting"}


# --- what is unclear, said again -------------------------------------------------------------------------


def unclear(world: Any) -> list[str]:
    events = [one.event for one in world.desk._services.store.events("default", "1001")]
    return [str(one.because) for one in events if isinstance(one, RefundUnclear)]


def test_a_provider_that_cannot_be_asked_again_and_again_is_one_event(world: Any) -> None:
    world.open().ledger.after = [ProviderError(ErrorCode.OUTCOME_UNKNOWN, "no answer")]
    world.refund()
    world.ledger.lookup_fails = 3
    for _ in range(3):
        world.later()
    assert len(unclear(world)) == 2
    assert unclear(world)[1].startswith("the provider cannot be asked")
    world.later()
    assert (world.states, world.ledger.calls) == (["succeeded"], 1)


@pytest.mark.parametrize("complete_after, events", [(None, 1), (datetime.timedelta(minutes=20), 2)])
def test_a_later_try_that_ends_the_same_is_news_only_where_its_time_counts(
    world: Any, complete_after: datetime.timedelta | None, events: int
) -> None:
    lost = ProviderError(ErrorCode.OUTCOME_UNKNOWN, "no answer")
    world.open(lookup_complete_after=complete_after).ledger.before = [lost, lost]
    world.refund()
    first = world.refunds[0].unclear_at
    world.later()
    assert len(unclear(world)) == events
    assert (world.refunds[0].unclear_at > first) == (events == 2)
    world.later()
    assert (world.states, world.went_back) == (["succeeded"], 4000)
