"""One refund, and two who speak of it: a person and its provider, each at its own time."""

from __future__ import annotations

from typing import Any

import pytest

from retour import Actor, Money
from retour.providers import ErrorCode, ProviderError, RefundStatus, Support

ANNA = Actor.staff("anna")
EUR40 = Money.of("40", "EUR")


def event_types(world: Any) -> list[str]:
    return [one.event.type for one in world.desk._services.store.events("default", "1001")]


def say(world: Any, reference: str, status: RefundStatus) -> None:
    """The provider's signed webhook about one of its refunds, as it was when that was its status."""
    receipt = world.desk.receive_webhook("ledger", {"signature": "right"}, f"refund:{reference}:{status}".encode())
    assert receipt.kept == 1


# --- a person was faster ---------------------------------------------------------------------------------


@pytest.fixture
def confirmed(world: Any) -> Any:
    """A refund in the dashboard that the provider has pending, and that a person has confirmed already."""
    world.open().ledger.new_status = RefundStatus.PENDING
    world.open_link()
    world.ledger.add("p_1", EUR40)
    world.desk.confirm_refund("1001", "p_1", EUR40, reference="re_1", by=ANNA, request_id="form-9")
    assert world.states == ["succeeded"]
    return world


def test_pending_is_no_news_of_a_refund_that_a_person_confirmed(confirmed: Any) -> None:
    before = event_types(confirmed)
    assert not confirmed.desk.reconcile("1001").changed
    say(confirmed, "re_1", RefundStatus.PENDING)
    assert (confirmed.states, event_types(confirmed)) == (["succeeded"], before)
    (refund,) = confirmed.refunds
    assert refund.reported == frozenset()


def test_what_comes_after_pending_is_news_of_a_refund_that_a_person_confirmed(confirmed: Any) -> None:
    confirmed.ledger.turn("re_1", RefundStatus.SUCCEEDED)
    assert confirmed.desk.reconcile("1001").changed
    (refund,) = confirmed.refunds
    assert (refund.state, refund.reported) == ("succeeded", {"succeeded"})


def test_a_failure_of_a_refund_that_a_person_confirmed_is_believed(confirmed: Any) -> None:
    confirmed.ledger.turn("re_1", RefundStatus.FAILED)
    confirmed.desk.reconcile("1001")
    assert confirmed.states == ["failed"]


def test_a_late_pending_is_kept_with_the_success_that_the_provider_itself_told_and_changes_no_state(world: Any) -> None:
    world.open().refund()
    say(world, "re_1", RefundStatus.PENDING)
    (refund,) = world.refunds
    assert (refund.state, refund.reported) == ("succeeded", {"pending", "succeeded"})


# --- cancelling, and what is reported meanwhile ----------------------------------------------------------


@pytest.fixture
def cancelling(world: Any) -> Any:
    """A pending refund that its provider was asked to take back, and could not be reached for that."""
    world.open(cancel_refund=Support.YES).ledger.new_status = RefundStatus.PENDING
    refund = world.refund().refund
    world.ledger.cancelling = [("lost before", ProviderError(ErrorCode.OUTCOME_UNKNOWN, "no answer"))]
    world.desk.cancel_refund("1001", refund.id, by=ANNA)
    assert [(one.state, one.cancelling) for one in world.refunds] == [("pending", True)]
    return world


def test_a_refund_that_is_still_pending_is_still_being_cancelled(cancelling: Any) -> None:
    say(cancelling, "re_1", RefundStatus.PENDING)
    (refund,) = cancelling.refunds
    assert (refund.state, refund.cancelling, refund.reference) == ("pending", True, "re_1")
    cancelling.later()
    assert (cancelling.states, cancelling.went_back) == (["cancelled"], 0)


@pytest.mark.parametrize("status", [RefundStatus.SUCCEEDED, RefundStatus.FAILED, RefundStatus.CANCELLED])
def test_a_refund_that_ended_is_no_longer_being_cancelled_and_nothing_more_is_said_of_it(
    cancelling: Any, status: RefundStatus
) -> None:
    cancelling.ledger.turn("re_1", status)
    say(cancelling, "re_1", status)
    (refund,) = cancelling.refunds
    assert (refund.state, refund.cancelling) == (status.value, False)
    before = event_types(cancelling)
    cancelling.later()
    assert event_types(cancelling) == before
