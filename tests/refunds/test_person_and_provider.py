"""One refund, and two who speak of it: a person and its provider, each at its own time."""

from __future__ import annotations

from typing import Any

import pytest

from retour import Actor, InvalidAmount, Money
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


# --- they say different things ---------------------------------------------------------------------------

NOT_MADE = pytest.mark.parametrize("denied", [RefundStatus.FAILED, RefundStatus.CANCELLED])


def settled(world: Any) -> None:
    """An unknown refund that a person said was made, since its plugin was gone."""
    world.open().ledger.after.append(ProviderError(ErrorCode.OUTCOME_UNKNOWN, "no answer"))
    refund_id = world.refund().refund_id
    world.open_without_the_plugin()
    world.desk.settle_refund("1001", refund_id, happened=True, evidence="the dashboard", reference="re_1", by=ANNA)
    world.open()


def confirmed_at_the_provider(world: Any) -> None:
    """A link that a person followed, and a refund that he confirmed."""
    world.open().open_link()
    world.ledger.add("p_1", EUR40)
    world.desk.confirm_refund("1001", "p_1", EUR40, reference="re_1", by=ANNA, request_id="form-9")


def settled_on_its_way(world: Any) -> None:
    """A refund that the provider had pending, and that a person said was made, since its plugin was gone."""
    world.open().ledger.new_status = RefundStatus.PENDING
    refund_id = world.refund().refund_id
    world.open_without_the_plugin()
    world.desk.settle_refund("1001", refund_id, happened=True, evidence="the customer has it", by=ANNA)
    world.open()


WORDS = pytest.mark.parametrize(
    "said", [settled, confirmed_at_the_provider, settled_on_its_way], ids=lambda one: one.__name__
)


def left(world: Any) -> Money:
    return world.desk.refund_options("1001")[0].left  # type: ignore[no-any-return]


def settle(world: Any, *, happened: bool) -> Any:
    return world.desk.settle_refund(
        "1001", world.refunds[0].id, happened=happened, evidence="the bank's statement", by=ANNA
    )


@WORDS
@NOT_MADE
@pytest.mark.parametrize("told", ["reconcile", "webhook"])
def test_where_a_person_says_it_was_made_and_the_provider_that_it_was_not_the_money_counts_and_he_is_asked(
    world: Any, said: Any, denied: RefundStatus, told: str
) -> None:
    said(world)
    world.ledger.turn("re_1", denied)
    if told == "reconcile":
        world.desk.reconcile("1001")
    else:
        say(world, "re_1", denied)
    [refund] = world.refunds
    assert (refund.state, denied in refund.reported) == ("succeeded", True)
    assert left(world) == Money.of("60", "EUR")
    [item] = world.desk.attention().items
    assert (item.kind, item.about, item.can_do) == ("refund_contradicted", refund.id, ("settle_refund",))
    assert not world.desk.reconcile("1001").changed, "the same is no news"
    staff, customer = (world.desk.timeline("1001", audience)[-1].text("en") for audience in ("staff", "customer"))
    assert "somebody here had said something else, so it counts as refunded for now" in staff
    assert customer == "The shop is looking at a refund of €40.00"


@WORDS
@NOT_MADE
@pytest.mark.parametrize("happened", [True, False])
def test_until_he_says_which_it_is_and_then_that_counts(
    world: Any, said: Any, denied: RefundStatus, happened: bool
) -> None:
    said(world)
    world.ledger.turn("re_1", denied)
    world.desk.reconcile("1001")
    settle(world, happened=happened)
    assert world.states == ["succeeded" if happened else "failed"]
    assert left(world) == Money.of("60" if happened else "100", "EUR")
    assert world.desk.attention().items == ()
    assert not settle(world, happened=happened).changed
    assert not world.desk.reconcile("1001").changed
    settle(world, happened=not happened)
    assert world.states == ["failed" if happened else "succeeded"], "his last word counts"


@NOT_MADE
def test_what_the_provider_says_anew_after_that_is_asked_about_again(world: Any, denied: RefundStatus) -> None:
    settled(world)
    world.ledger.turn("re_1", denied)
    world.desk.reconcile("1001")
    settle(world, happened=True)
    other = RefundStatus.CANCELLED if denied is RefundStatus.FAILED else RefundStatus.FAILED
    world.ledger.turn("re_1", other)
    world.desk.reconcile("1001")
    assert [one.kind for one in world.desk.attention().items] == ["refund_contradicted"]
    assert left(world) == Money.of("60", "EUR")


@WORDS
def test_a_success_that_the_provider_tells_too_is_no_contradiction_and_a_failure_after_it_a_reversal(
    world: Any, said: Any
) -> None:
    said(world)
    world.ledger.turn("re_1", RefundStatus.SUCCEEDED)
    world.desk.reconcile("1001")
    assert (world.states, world.desk.attention().items) == (["succeeded"], ())
    world.ledger.turn("re_1", RefundStatus.FAILED)
    world.desk.reconcile("1001")
    assert (world.states, left(world)) == (["reversed"], Money.of("100", "EUR"))
    assert [one.kind for one in world.desk.attention().items] == ["refund_reversed"]


def test_where_a_person_says_it_came_back_and_the_provider_that_it_was_made_he_is_asked_too(world: Any) -> None:
    confirmed_at_the_provider(world)
    world.desk.reverse_refund("1001", world.refunds[0].id, reference="BANK-9", by=ANNA)
    assert left(world) == Money.of("100", "EUR")
    world.desk.reconcile("1001")
    assert (world.states, left(world)) == (["succeeded"], Money.of("60", "EUR"))
    assert [one.kind for one in world.desk.attention().items] == ["refund_contradicted"]
    settle(world, happened=False)
    assert (world.states, left(world)) == (["failed"], Money.of("100", "EUR"))
    assert not world.desk.reconcile("1001").changed


def test_what_waits_for_that_decision_is_refunded_no_second_time(world: Any) -> None:
    settled(world)
    world.ledger.turn("re_1", RefundStatus.FAILED)
    world.desk.reconcile("1001")
    with pytest.raises(InvalidAmount, match="more than the €60"):
        world.refund("100.00")


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
