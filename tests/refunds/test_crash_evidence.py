"""That a try may have happened is never forgotten: not while its plugin is away, not in a queue, not by a lock.

Each of these pays back, loses the outcome, and goes on after the provider's idempotency window: only who knows that
a try may have happened asks first.
"""

from __future__ import annotations

import datetime
import logging
from typing import Any

import pytest

from retour import Actor, ReturnDesk
from retour.effects import refunding
from retour.effects.kinds import KINDS
from retour.model.errors import StoreLocked
from retour.model.text import text
from retour.store.commit import Commit
from retour.store.effects import Effects
from retour.store.store import Store

HOUR = datetime.timedelta(hours=1)


@pytest.fixture(autouse=True)
def quiet(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.CRITICAL, "retour")


class PowerCut(BaseException):
    """Ends a process in the middle: who catches it can record nothing any more."""


def _die(*_: Any) -> None:
    raise PowerCut


def crash(world: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """A worker pays a refund and dies before it is recorded."""
    save, saved = Store.save, []

    def dying(store: Store, commit: Commit, *more: Any) -> None:
        saved.append(commit)
        if len(saved) == 2:
            raise PowerCut
        save(store, commit, *more)

    with monkeypatch.context() as patch:
        patch.setattr(Store, "save", dying)
        patch.setattr(Effects, "settle", _die)  # nothing is put back by the dead
        with pytest.raises(PowerCut):
            world.refund()


def leases_are_over(desk: ReturnDesk) -> None:
    with desk._services.store.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE retour_effect SET lease_until = 0, not_before = 0 WHERE state = 'waiting'")


def test_a_crash_is_remembered_while_the_plugin_is_away(world: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    world.open()
    crash(world, monkeypatch)
    with monkeypatch.context() as patch:
        patch.setattr(type(world.desk._services.accounts), "refunding", lambda *_: text("its settings are wrong"))
        world.later()
        assert world.states == ["unknown"]
    world.later(2 * HOUR)
    assert (world.states, world.went_back) == (["succeeded"], 4000)


def test_a_crash_is_remembered_by_who_had_no_time_for_it(world: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    world.open()
    crash(world, monkeypatch)
    leases_are_over(world.desk)
    (effect,) = world.desk._services.store.effects.claim_fallen("wk1", lease=1, kinds=KINDS)
    assert effect.crashed
    world.desk._services.runner.run([effect], until=-1.0)
    world.later(2 * HOUR)
    assert (world.states, world.went_back) == (["succeeded"], 4000)


def test_a_refund_whose_outcome_could_not_be_recorded_counts_as_unclear(
    world: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.open(inline_seconds=0)
    world.refund()

    def locked(*_: Any) -> None:
        raise StoreLocked(text("The database stayed locked."))

    with monkeypatch.context() as patch:
        patch.setattr(Store, "save", locked)
        world.desk.work()
    assert world.went_back == 4000
    world.later(2 * HOUR)
    assert (world.states, world.went_back) == (["succeeded"], 4000)


def test_an_order_that_cannot_be_read_for_a_while_makes_no_refund_unclear(
    world: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.open(inline_seconds=0)
    world.refund()

    def locked(*_: Any) -> None:
        raise StoreLocked(text("The database stayed locked."))

    with monkeypatch.context() as patch:
        patch.setattr(Store, "events", locked)
        world.desk.work()
    world.ledger.lookup_fails = 1  # whoever asks first, fails
    world.later()
    assert (world.states, world.went_back) == (["succeeded"], 4000)


def test_a_crash_is_remembered_by_who_could_not_read_the_order(world: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    world.open()
    crash(world, monkeypatch)
    leases_are_over(world.desk)

    def locked(*_: Any) -> None:
        raise StoreLocked(text("The database stayed locked."))

    with monkeypatch.context() as patch:
        patch.setattr(Store, "events", locked)
        world.desk.work()
    world.later(2 * HOUR)
    assert (world.states, world.went_back) == (["succeeded"], 4000)


def test_an_answer_that_a_bug_of_ours_keeps_from_being_recorded_counts_as_unclear(
    world: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def bug(*_: Any, **__: Any) -> None:
        raise ZeroDivisionError

    world.open()
    with monkeypatch.context() as patch:
        patch.setattr(refunding, "report", bug)
        assert world.refund().refund.state == "submitting"
    assert world.went_back == 4000
    world.later(2 * HOUR)
    assert (world.states, world.went_back) == (["succeeded"], 4000)


def test_a_command_whose_outcome_cannot_be_recorded_says_what_was_committed(
    world: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An error would mean that nothing was changed, and the money is gone."""
    world.open()
    save, saved = Store.save, []

    def locked_later(store: Store, commit: Commit, *more: Any) -> None:
        saved.append(commit)
        if len(saved) > 1:
            raise StoreLocked(text("The database stayed locked."))
        save(store, commit, *more)

    with monkeypatch.context() as patch:
        patch.setattr(Store, "save", locked_later)
        outcome = world.refund()
    assert outcome.refund.state == "submitting"
    assert world.went_back == 4000
    world.later(2 * HOUR)
    assert (world.states, world.went_back) == (["succeeded"], 4000)


def test_a_refund_that_ended_three_processes_is_held_and_goes_on_when_a_person_says_so(world: Any) -> None:
    outcome = world.open(inline_seconds=0).refund()
    with world.desk._services.store.engine.begin() as connection:
        connection.exec_driver_sql(
            "UPDATE retour_effect SET owner = 'wk gone', attempts = 3, died = 2, lease_until = 0"
        )
    world.desk.work()
    assert (world.states, world.ledger.calls) == (["unknown"], 0)
    (waiting,) = world.desk.list_refunds(waits_for="person").refunds
    assert waiting.refund_id == outcome.refund_id
    assert "retour was stopped while it was being sent" in world.desk.timeline("1001")[-1].text("en")
    world.desk.retry_refund("1001", outcome.refund_id, by=Actor.staff("anna"))
    world.later()
    assert (world.states, world.went_back) == (["succeeded"], 4000)
