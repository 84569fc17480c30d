"""Whoever hears that a refund is pending sees to it that somebody looks again: webhooks get lost."""

from __future__ import annotations

import datetime
import logging
from typing import Any

import pytest

from retour import Actor, Money
from retour.providers import ErrorCode, ProviderError, RefundStatus

EUR40 = Money.of("40", "EUR")
MINUTE = datetime.timedelta(minutes=1)


@pytest.fixture(autouse=True)
def quiet(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.CRITICAL, "retour")


def told(world: Any, reference: str) -> None:
    world.desk.receive_webhook("ledger", {"Signature": "right"}, f"event:{reference}".encode())


def by_itself(world: Any) -> None:
    """Time passes until there is nothing left to look at."""
    for _ in range(3):
        world.later(20 * MINUTE)


def test_a_refund_of_which_a_webhook_told_before_the_answer_came(world: Any) -> None:
    world.open().ledger.new_status = RefundStatus.PENDING
    world.ledger.after = [ProviderError(ErrorCode.OUTCOME_UNKNOWN, "no answer")]
    world.refund()
    told(world, "re_1")
    assert world.states == ["pending"]
    world.ledger.turn("re_1", RefundStatus.SUCCEEDED)
    by_itself(world)
    assert world.states == ["succeeded"]


def test_a_refund_that_was_found_by_a_reconcile(world: Any) -> None:
    world.open().ledger.new_status = RefundStatus.PENDING
    world.ledger.add("p_1", EUR40)
    world.desk.reconcile("1001")
    assert world.states == ["pending"]
    world.ledger.turn("re_1", RefundStatus.SUCCEEDED)
    by_itself(world)
    assert world.states == ["succeeded"]


def test_a_refund_in_the_dashboard_of_which_a_webhook_told(world: Any) -> None:
    world.open().open_link("40.00")
    world.now += MINUTE
    world.ledger.new_status = RefundStatus.PENDING
    world.ledger.add("p_1", EUR40)
    told(world, "re_1")
    assert world.states == ["pending"]
    world.ledger.turn("re_1", RefundStatus.FAILED)
    by_itself(world)
    assert world.states == ["failed"]


def test_a_refund_that_a_person_matched_while_it_was_pending(world: Any) -> None:
    world.open().open_link("40.00")
    world.ledger.new_status = RefundStatus.PENDING
    world.ledger.add("p_1", EUR40)
    world.ledger.add("p_1", EUR40)
    world.now += MINUTE
    world.desk.reconcile("1001")
    waiting, one, other = world.refunds
    world.desk.match_refund("1001", waiting.id, one.id, by=Actor.staff("anna"))
    world.ledger.turn(one.reference, RefundStatus.SUCCEEDED)
    world.ledger.turn(other.reference, RefundStatus.SUCCEEDED)
    by_itself(world)
    assert world.states == ["succeeded", "succeeded"]


def test_nothing_is_looked_at_once_it_has_ended(world: Any) -> None:
    world.open().ledger.new_status = RefundStatus.PENDING
    world.refund()
    world.ledger.turn("re_1", RefundStatus.SUCCEEDED)
    told(world, "re_1")
    by_itself(world)
    assert world.desk.work().done == 0
    with world.desk._services.store.engine.connect() as connection:
        waiting = connection.exec_driver_sql("SELECT count(*) FROM retour_effect WHERE state = 'waiting'")
        assert waiting.scalar_one() == 0
