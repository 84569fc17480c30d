"""When a refund that succeeded is looked at again, by its age and by how long its money can come back."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from zlib import crc32

import attrs
import pytest
from drafts import NOON, a_draft
from hypothesis import given
from hypothesis import strategies as st
from refund_events import MOLLIE, ORDER, confirmed, external, linked, planned, reported

from retour.model.events.event import Event
from retour.model.events.money import RefundMatched
from retour.model.refunds import Refund, Reported
from retour.rules.late_failures import (
    LONGEST,
    can_come_back,
    first_look,
    refunds_that_can_come_back,
    until_next_look,
)

DAY = datetime.timedelta(days=1)


def refund(*known: Event) -> Refund:
    return a_draft(ORDER, *known).dossier.refund("rf")


@pytest.mark.parametrize(
    "known, can",
    [
        ([planned("rf"), reported("rf")], True),
        ([external("rf")], True),
        ([planned("rf"), reported("rf", reference="")], False),
        ([planned("rf"), reported("rf", Reported.PENDING)], False),
        ([planned("rf"), reported("rf"), reported("rf", Reported.FAILED)], False),
        ([linked("rf"), confirmed("rf", "re_1")], False),
    ],
)
def test_a_refund_can_come_back_that_its_provider_said_succeeded(known: Sequence[Event], can: bool) -> None:
    assert can_come_back(refund(*known)) is can
    assert can_come_back(None) is False


def test_the_refunds_that_succeeded_by_some_events_are_each_named_once() -> None:
    draft = a_draft(ORDER, planned("rf-a"), planned("rf-b"), linked("rf-c"), external("found"))
    for event in (
        reported("rf-a", Reported.PENDING),
        reported("rf-a"),
        reported("rf-b", Reported.FAILED),
        RefundMatched(refund_id="rf-c", external_id="found"),
        external("more", "re_8"),
        linked("rf-d"),
    ):
        draft.record(event, MOLLIE)
    assert refunds_that_can_come_back(draft.dossier, draft.events) == ["rf-a", "rf-c", "more"]


def spread(refund_id: str) -> float:
    """By how much the looks of a refund are later: at most a quarter, by a sum over its id."""
    return 1 + 0.25 * crc32(refund_id.encode()) / 4_294_967_296


@given(st.text(min_size=1, max_size=20))
def test_looks_are_spread_by_refund_over_a_quarter_of_their_time(refund_id: str) -> None:
    assert first_look(refund_id) == DAY * spread(refund_id)
    assert DAY <= first_look(refund_id) <= 1.25 * DAY


PLANNED = [1, 3, 7, 14, 30, 60]


@pytest.mark.parametrize("before, look", list(zip([0, *PLANNED], [*PLANNED, None], strict=True)))
def test_a_refund_is_looked_at_ever_more_rarely_and_then_each_month(before: int, look: int | None) -> None:
    """Asked for exactly at one look, it is the time until the next."""
    succeeded = attrs.evolve(refund(planned("rf"), reported("rf")), succeeded_at=NOON)
    age = before * DAY * spread("rf")
    wait = until_next_look(succeeded, NOON + age)
    assert wait == (30 * DAY if look is None else look * DAY * spread("rf") - age)


@pytest.mark.parametrize("within", [10 * DAY, 90 * DAY, LONGEST, 2 * LONGEST])
def test_the_last_look_is_when_its_money_can_no_longer_come_back(within: datetime.timedelta) -> None:
    succeeded = attrs.evolve(refund(planned("rf"), reported("rf")), succeeded_at=NOON)
    over = min(within, LONGEST) + DAY * (spread("rf") - 1)
    almost = NOON + over - datetime.timedelta(seconds=1)
    assert until_next_look(succeeded, almost, within) == datetime.timedelta(seconds=1)
    assert until_next_look(succeeded, NOON + over, within) is None
    assert until_next_look(succeeded, NOON + over + DAY, within) is None
    if within >= LONGEST:
        assert until_next_look(succeeded, almost) == datetime.timedelta(seconds=1)


def test_a_refund_that_did_not_succeed_is_not_looked_at() -> None:
    assert until_next_look(refund(planned("rf")), NOON) is None
