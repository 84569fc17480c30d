"""What has to be done outside the database follows from the events of one commit, and from nothing else."""

from __future__ import annotations

import datetime
from collections.abc import Sequence

import pytest
from drafts import ACTORS, NOON
from goods_events import requested
from label_events import in_portal, kept, moved, ordered, said_made, told, wanted_back
from refund_events import confirmed, external, held, linked, planned, reported, unclear

from retour import Actor, ActorKind, RestockDecision, StockMovement
from retour.model.events.event import Event, Recorded
from retour.model.events.money import RefundCancelAsked, RefundMatched, RefundSubmitted
from retour.model.events.stock import RestockAsked, RestockDecided, StockApplied
from retour.model.refunds import Evidence, Reported
from retour.rules.effects import (
    labels_to_cancel,
    labels_to_look_at,
    labels_to_make,
    refunds_to_cancel,
    refunds_to_look_at,
    refunds_to_send,
    stock_to_book,
)

CRON = ACTORS[ActorKind.SYSTEM]
ELSEWHERE: Sequence[Event] = (requested("rt", cup=1), held("rf-other"), linked("rf-link"), kept("lb-other"))
"""Of none of these follows anything."""


def committed(*events: Event, by: Actor = CRON) -> list[Recorded]:
    """The events of one commit, between others of which nothing follows."""
    every = [*ELSEWHERE, *events, *ELSEWHERE]
    at = [NOON + datetime.timedelta(seconds=number) for number in range(len(every))]
    return [Recorded(seq=seq, command=1, at=at[seq - 1], by=by, event=one) for seq, one in enumerate(every, 1)]


def test_a_refund_is_sent_when_it_is_planned_or_submitted_and_not_while_it_is_held() -> None:
    events = committed(
        planned("rf-1"),
        planned("rf-2", hold="look at it"),
        RefundSubmitted(refund_id="rf-3"),
        confirmed("rf-4", "re_4"),
        reported("rf-5"),
    )
    assert refunds_to_send(events) == ["rf-1", "rf-3"]


@pytest.mark.parametrize("kind", ActorKind)
def test_an_unknown_refund_is_looked_up_at_once_where_a_person_of_the_shop_wants_that(kind: ActorKind) -> None:
    """Where a try ended unclear, what comes next is decided by what tried it."""
    assert refunds_to_send(committed(unclear("rf"), by=ACTORS[kind])) == ["rf"] * (kind is ActorKind.STAFF)


@pytest.mark.parametrize("kind", ActorKind)
def test_who_decided_on_a_refund_does_not_matter_for_sending_it(kind: ActorKind) -> None:
    assert refunds_to_send(committed(planned("rf"), held("rf-2"), by=ACTORS[kind])) == ["rf"]


def test_a_refund_is_taken_back_where_somebody_asks_that() -> None:
    asked = [RefundCancelAsked(refund_id="rf-1"), planned("rf-2"), RefundCancelAsked(refund_id="rf-3")]
    assert refunds_to_cancel(committed(*asked)) == ["rf-1", "rf-3"]


@pytest.mark.parametrize(
    "event, looked_at",
    [
        (reported("rf", Reported.PENDING), True),
        (external("rf", status=Reported.PENDING), True),
        (RefundMatched(refund_id="rf", external_id="found"), True),
        (planned("rf"), False),
        (confirmed("rf", "re_1"), False),
        *[(reported("rf", one), False) for one in Reported if one is not Reported.PENDING],
        *[(external("rf", status=one), False) for one in Reported if one is not Reported.PENDING],
    ],
)
def test_a_refund_is_looked_at_again_that_its_provider_has_pending_by_whoever_said_so(
    event: Event, looked_at: bool
) -> None:
    assert refunds_to_look_at(committed(event)) == ["rf"] * looked_at


def test_a_label_is_made_that_was_ordered() -> None:
    assert labels_to_make(committed(ordered("lb-1"), told("lb-2"), ordered("lb-3"))) == ["lb-1", "lb-3"]


@pytest.mark.parametrize(
    "event, looked_at",
    [
        *[(told("lb", evidence=one), one is not Evidence.LOOKUP) for one in Evidence],
        (said_made("lb"), True),
        (said_made("lb", made=False), False),
        (in_portal("lb"), True),
        (ordered("lb"), False),
        (moved("lb"), False),
    ],
)
def test_a_label_is_looked_at_again_that_came_to_be_there_and_not_by_looking_at_it(
    event: Event, looked_at: bool
) -> None:
    """Who looks at it plans the next look himself."""
    assert labels_to_look_at(committed(event)) == ["lb"] * looked_at


def test_a_label_of_which_much_was_told_at_once_is_looked_at_once() -> None:
    assert labels_to_look_at(committed(in_portal("lb"), told("lb-2"), told("lb"))) == ["lb", "lb-2"]


def test_a_label_is_taken_back_where_somebody_asks_that() -> None:
    events = committed(wanted_back("lb-1"), told("lb-2"), wanted_back("lb-3"))
    assert labels_to_cancel(events) == ["lb-1", "lb-3"]


def movement(movement_id: str) -> StockMovement:
    return StockMovement(id=movement_id, order_id="1001", return_id="rt", line_id="cup", product="cup", quantity=1)


def decided(*movements: StockMovement) -> RestockDecided:
    return RestockDecided(return_id="rt", decision=RestockDecision.all(), movements=movements)


def booked(*movement_ids: str) -> StockApplied:
    return StockApplied(return_id="rt", movement_ids=movement_ids)


def test_what_goes_back_in_stock_is_booked_in_its_order() -> None:
    first, second, third = map(movement, ["mv-1", "mv-2", "mv-3"])
    events = committed(RestockAsked(return_id="rt"), decided(first, second), decided(), decided(third))
    assert stock_to_book(events) == [first, second, third]


def test_what_was_booked_in_the_same_commit_is_not_booked_again() -> None:
    first, second, third = map(movement, ["mv-1", "mv-2", "mv-3"])
    events = committed(decided(first, second, third), booked("mv-1"), booked("mv-3"))
    assert stock_to_book(events) == [second]
