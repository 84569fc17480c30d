"""Whoever hears that a refund is pending sees to it that somebody looks again: webhooks get lost."""

from __future__ import annotations

import datetime
import logging
from typing import Any

import attrs
import pytest

from retour import Actor, Money
from retour.providers import ErrorCode, ProviderError, RefundStatus

ANNA = Actor.staff("anna")
EUR40 = Money.of("40", "EUR")
EUR1 = Money.of("1", "EUR")
DAY = datetime.timedelta(days=1)
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
    world.desk.match_refund("1001", waiting.id, one.id, by=ANNA)
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


# --- where the provider spoke of something else ----------------------------------------------------------


def spoken_of_wrongly(world: Any, how: str) -> str:
    """A refund on its way of which the provider says another amount, once, to whoever asks or listens first."""
    world.open().ledger.new_status = RefundStatus.PENDING
    refund_id = world.refund().refund_id
    right = world.ledger.refunds["re_1"]
    world.ledger.refunds["re_1"] = attrs.evolve(right, amount=EUR1)
    if how == "webhook":
        told(world, "re_1")
    elif how == "reconcile":
        world.desk.reconcile("1001")
    world.later(DAY)
    assert [one.kind for one in world.desk.attention().items] == ["another_answer"]
    world.ledger.refunds["re_1"] = right
    return str(refund_id)


WAYS = pytest.mark.parametrize("how", ["fetch", "webhook", "reconcile"])


@WAYS
@pytest.mark.parametrize("ends", [RefundStatus.SUCCEEDED, RefundStatus.FAILED])
def test_a_refund_of_which_it_spoke_wrongly_once_is_looked_at_until_it_ends(
    world: Any, how: str, ends: RefundStatus
) -> None:
    refund_id = spoken_of_wrongly(world, how)
    world.desk.acknowledge("1001", "another_answer", refund_id, by=ANNA)
    world.later(DAY)
    assert (world.states, world.desk.attention().items) == (["pending"], ())
    world.ledger.turn("re_1", ends)
    world.later(DAY)
    assert world.states == [ends.value]


@WAYS
def test_what_it_says_rightly_then_is_news_and_takes_it_off_the_list(world: Any, how: str) -> None:
    spoken_of_wrongly(world, how)
    assert world.desk.reconcile("1001").changed
    assert (world.states, world.desk.attention().items) == (["pending"], ())
    version = world.desk.dossier("1001").version
    assert not world.desk.reconcile("1001").changed
    world.later(DAY)
    assert world.desk.dossier("1001").version == version
    world.ledger.turn("re_1", RefundStatus.FAILED)
    world.later(DAY)
    assert world.states == ["failed"]


def test_whoever_looks_reads_it_off_the_list_by_itself(world: Any) -> None:
    spoken_of_wrongly(world, "fetch")
    world.later(DAY)
    assert (world.states, world.desk.attention().items) == (["pending"], ())


@pytest.mark.parametrize("acknowledged", [False, True])
def test_where_it_never_speaks_rightly_a_persons_word_ends_it(world: Any, acknowledged: bool) -> None:
    refund_id = spoken_of_wrongly(world, "fetch")
    world.ledger.refunds["re_1"] = attrs.evolve(world.ledger.refunds["re_1"], amount=EUR1)
    if acknowledged:
        world.desk.acknowledge("1001", "another_answer", refund_id, by=ANNA)
    world.later(DAY)
    world.desk.settle_refund("1001", refund_id, happened=False, evidence="the statement", by=ANNA)
    assert (world.states, world.desk.attention().items) == (["failed"], ())
