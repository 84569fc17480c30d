"""What is decided of an order is the same whichever host did what, however far their clocks are apart."""

from __future__ import annotations

import datetime
import json
import logging
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from retour import Actor, Money
from retour.model.events.event import Recorded
from retour.model.history import Folding
from retour.providers import ErrorCode, ProviderError, RefundStatus, Support
from retour.rules.attention import needs_attention
from retour.rules.refunds import quote
from retour.store.records import read_event

ANNA = Actor.staff("anna")
HOUR = datetime.timedelta(hours=1)
EUR40 = Money.of("40", "EUR")
DISPUTED = ProviderError(ErrorCode.DISPUTED, "a case is open")
LOST = ProviderError(ErrorCode.OUTCOME_UNKNOWN, "no answer")
GOLDEN = json.loads((Path(__file__).parents[1] / "store/golden_events.json").read_text())


SHOWS_NOTHING = dict.fromkeys(("find_refund", "list_refunds", "refundable"), Support.PROVIDER_CANNOT)
"""A provider whose books nobody can read: it tells by webhook."""

AHEAD = [0, 5, 30, -5, -30]
"""By how many hours the clock of one host is ahead of the other's."""


@pytest.fixture(autouse=True)
def quiet(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.CRITICAL, "retour")


@pytest.fixture(params=AHEAD)
def other_host(request: pytest.FixtureRequest, world: Any) -> Callable[[], None]:
    """From now on a host acts whose clock is so many hours ahead of that of the one before."""

    def acts() -> None:
        world.wrong = request.param * HOUR

    return acts


def listed(world: Any) -> list[tuple[str, str]]:
    return [(one.kind.value, one.about) for one in world.desk.attention().items]


def test_what_one_host_refunds_anew_is_not_offered_once_more(world: Any, other_host: Callable[[], None]) -> None:
    world.open().ledger.before = [DISPUTED]
    failed = world.refund().refund_id
    assert listed(world) == [("refund_failed", failed)]
    other_host()
    world.refund()
    assert listed(world) == []


def test_a_refund_from_before_is_none_that_was_made_anew(world: Any, other_host: Callable[[], None]) -> None:
    """They are alike, and the first one reached the customer: the second is still owed."""
    world.open().refund()
    other_host()
    world.ledger.before = [DISPUTED]
    failed = world.refund().refund_id
    assert listed(world) == [("refund_failed", failed)]


def test_what_was_refunded_in_place_of_what_happened_after_all_was_paid_twice(
    world: Any, other_host: Callable[[], None]
) -> None:
    world.open(**SHOWS_NOTHING).ledger.after = [LOST]
    first = world.refund("30.00").refund_id
    world.later(2 * HOUR)
    world.desk.settle_refund("1001", first, happened=False, evidence="looked at the dashboard", by=ANNA)
    other_host()
    anew = world.refund("30.00").refund_id
    world.desk.receive_webhook("ledger", {"signature": "right"}, b"event:re_1")
    assert listed(world) == [("refund_paid_twice", first)]
    assert world.desk.dossier("1001").refund(first).problem.values["other"] == anew


def test_what_was_refunded_before_it_is_not_paid_in_its_place(world: Any, other_host: Callable[[], None]) -> None:
    world.open(**SHOWS_NOTHING).refund("30.00")
    other_host()
    world.ledger.after = [LOST]
    second = world.refund("30.00").refund_id
    world.later(2 * HOUR)
    world.desk.settle_refund("1001", second, happened=False, evidence="looked at the dashboard", by=ANNA)
    world.desk.receive_webhook("ledger", {"signature": "right"}, b"event:re_2")
    assert listed(world) == []


def test_what_happens_anew_is_listed_anew_though_a_clock_says_that_it_was_before(
    world: Any, other_host: Callable[[], None]
) -> None:
    """One that came back and was acknowledged is not looked at again; another like it is, and so is the one of which a
    bank takes more."""
    world.open().refund()
    world.ledger.turn("re_1", RefundStatus.FAILED)
    world.desk.reconcile("1001")
    [(kind, about)] = listed(world)
    world.desk.acknowledge("1001", kind, about, by=ANNA)
    assert listed(world) == []
    other_host()
    world.ledger.taken_back["p_1"] = Money.of("5", "EUR")
    world.desk.reconcile("1001")
    [(taken, payment)] = listed(world)
    world.desk.acknowledge("1001", taken, payment, by=ANNA)
    world.wrong = 0 * HOUR
    for again in (Money.of("0", "EUR"), Money.of("5", "EUR")):
        world.ledger.taken_back["p_1"] = again
        world.desk.reconcile("1001")
    assert listed(world) == [(taken, payment)]


# --- every story that there ever was, with other clocks --------------------------------------------------


def by_other_clocks(events: Sequence[Recorded], seconds: list[int]) -> list[Recorded]:
    """What happened, recorded by processes whose clocks are wrong by so many seconds, one after the other."""
    wrong = [datetime.timedelta(seconds=seconds[place % len(seconds)]) for place in range(len(events))]
    return [attrs.evolve(one, at=one.at + by) for one, by in zip(events, wrong, strict=True)]


def decided(order: str, events: Sequence[Recorded]) -> Iterator[object]:
    """What is decided of an order after each event: what a person must look at, in its order, and what is owed."""
    folding = Folding(order)
    for recorded in events:
        folding.take(recorded)
        dossier = folding.dossier
        items = [(one.kind, one.about, one.when.seq, one.why, one.can_do) for one in needs_attention(dossier)]
        yield items, None if dossier.order is None else quote(dossier, dossier.order)


@pytest.mark.parametrize("story", GOLDEN, ids=lambda story: story["order"])
def test_whatever_the_clocks_said_the_same_is_decided(story: dict[str, Any]) -> None:
    order = story["order"]
    events = [read_event(order, row) for row in story["rows"]]
    usual = list(decided(order, events))

    @settings(max_examples=25, deadline=None)
    @given(seconds=st.lists(st.integers(-5_000_000, 5_000_000), min_size=1, max_size=12))
    def by_any_clocks(seconds: list[int]) -> None:
        assert list(decided(order, by_other_clocks(events, seconds))) == usual

    by_any_clocks()
