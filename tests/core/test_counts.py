"""What a count of arrived goods becomes: on which returns, how far it may go, and what a wrong one is corrected to."""

from __future__ import annotations

import datetime
import zoneinfo
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pytest
from drafts import ACTORS, IN_WORDS, a_draft, news, numbered, refused, said_by, words
from goods_events import cancelled, closed, found, order_became, received, requested
from hypothesis import given
from hypothesis import strategies as st

from retour import ActorKind, Counted, Order
from retour.model.dossier import Dossier
from retour.model.errors import InvalidLines, InvalidQuantity, NotAllowed, RetourError, WrongState
from retour.model.events.event import Event
from retour.model.events.goods import GoodsInspected, GoodsReceived, ReceiptCorrected
from retour.model.fields import MOST_UNITS
from retour.model.returns import Extent, OrderStatus, ReceivedLine, ReceivedReturn, Returned, ReturnedLine
from retour.rules.counting import (
    Arrival,
    all_returned,
    arrival_on,
    arrivals,
    as_received,
    changed_counts,
    check_may_count_more,
    check_parcel,
    correct,
    counted_lines,
    end_if_nothing_came,
    everything_outstanding,
    extent_after,
    inspect,
    inspected_lines,
    receive,
    returned,
)
from retour.rules.draft import Draft
from retour.rules.requests import POLICY
from retour.testing import a_line, a_service, an_order

ORDER: Order = an_order(a_line("cup", 5, tags=["fragile"]), a_line("pot", 1, product="teapot"), a_service())
AMSTERDAM = zoneinfo.ZoneInfo("Europe/Amsterdam")


def dossier(*known: Event | datetime.timedelta) -> Dossier:
    return a_draft(ORDER, *known).dossier


# --- what can be counted ---------------------------------------------------------------------------------


def test_a_count_names_units_or_surplus_of_goods() -> None:
    counts = (found("cup", 1), found("pot", 0, surplus=1))
    assert counted_lines(ORDER, counts) == counts
    nothing = (found("cup"), found("pot", 1))
    assert counted_lines(ORDER, nothing, zero_allowed=True) == nothing


NO_UNITS = f"is not a number of units. Use a whole number from {{}} to {MOST_UNITS}."


@pytest.mark.parametrize(
    "counts, more, kind, sentence",
    [
        ((), {"zero_allowed": True}, InvalidLines, "Order 1001: the list of lines is empty. Name at least one line."),
        ((found("cup"),), {}, InvalidQuantity, f"Order 1001, line cup: 0 {NO_UNITS.format(1)}"),
        (
            (found("cup", MOST_UNITS, damaged=1),),
            {},
            InvalidQuantity,
            f"Order 1001, line cup: {MOST_UNITS + 1} {NO_UNITS.format(1)}",
        ),
    ],
)
def test_a_count_of_nothing_or_of_more_than_any_order_has_is_refused(
    counts: tuple[Counted, ...], more: Mapping[str, bool], kind: type[RetourError], sentence: str
) -> None:
    with refused(kind, sentence):
        counted_lines(ORDER, counts, **more)


@pytest.mark.parametrize("name", ["sellable", "damaged", "missing", "wrong", "to_inspect", "surplus"])
def test_every_number_of_a_count_is_a_number_of_units(name: str) -> None:
    """Also where a value was changed past its own check."""
    count = found("cup", 1)
    object.__setattr__(count, name, -1)
    with refused(InvalidQuantity, f"Order 1001, line cup: -1 {NO_UNITS.format(0)}"):
        counted_lines(ORDER, (count,), zero_allowed=True)


SMALLER = an_order(a_line("cup", 3), a_line("pot"))


@pytest.mark.parametrize(
    "order, known, counts",
    [
        (ORDER, [], (found("cup", 5), found("pot", 1))),
        (ORDER, [requested("rt", cup=2)], (found("cup", 5), found("pot", 1))),
        (ORDER, [received("rt", "rc", found("cup", 4), found("pot", 1))], (found("cup", 1),)),
        (ORDER, [requested("rt", cup=5), cancelled("rt"), received("rt-2", "rc", found("pot", 1))], (found("cup", 5),)),
        (ORDER, [received("rt", "rc", found("cup", 3, missing=2), found("pot", 1))], ()),
        (ORDER, [requested("rt", mug=2)], (found("cup", 5), found("pot", 1))),
        (SMALLER, [requested("rt", cup=5), order_became(SMALLER)], (found("cup", 5), found("pot", 1))),
    ],
)
def test_everything_outstanding_is_what_was_not_counted_announced_or_not(
    order: Order, known: Sequence[Event], counts: tuple[Counted, ...]
) -> None:
    assert everything_outstanding(dossier(*known), order) == counts


def test_of_an_order_that_was_never_fulfilled_nothing_can_come_back() -> None:
    order = an_order(a_line("cup", 5, fulfilled=0), a_service())
    sentence = "Order 1001: nothing was delivered, so nothing can come back. Cancel the order instead."
    with refused(WrongState, sentence):
        everything_outstanding(a_draft(order).dossier, order)


# --- on which returns ------------------------------------------------------------------------------------


def on(return_id: str, number: int, *counts: Counted) -> Arrival:
    return Arrival(return_id=return_id, receipt_id=f"rc-{number}", lines=counts)


THREE_WAIT = [requested("rt-a", cup=1), requested("rt-b", cup=2), requested("rt-c", pot=1)]
SOME_ABSENT = [received("rt-z", "rc-z", found("cup", 0, missing=1, wrong=1))]


@pytest.mark.parametrize(
    "known, counts, named, expected",
    [
        pytest.param([], [found("cup", 2)], False, [on("rt-1", 1, found("cup", 2))], id="a new return"),
        pytest.param(
            THREE_WAIT,
            [found("cup", 2, damaged=1), found("pot", 1)],
            False,
            [
                on("rt-a", 1, found("cup", 1)),
                on("rt-b", 2, found("cup", 1, damaged=1)),
                on("rt-c", 3, found("pot", 1)),
            ],
            id="those that announced them, the oldest first",
        ),
        pytest.param(
            THREE_WAIT,
            [found("cup", 5)],
            False,
            [on("rt-a", 1, found("cup", 1)), on("rt-b", 2, found("cup", 2)), on("rt-1", 3, found("cup", 2))],
            id="and a new one for the rest",
        ),
        pytest.param(THREE_WAIT, [found("cup", 1)], False, [on("rt-a", 1, found("cup", 1))], id="none for nothing"),
        pytest.param(
            [requested("rt-a", cup=1), received("rt-a", "rc-a", found("cup", 1))],
            [found("cup", 1)],
            True,
            [on("rt-1", 1, found("cup", 1))],
            id="not one that has all that it waited for",
        ),
        pytest.param(
            [*THREE_WAIT, closed("rt-a")],
            [found("cup", 1)],
            False,
            [on("rt-b", 1, found("cup", 1))],
            id="not one that was closed",
        ),
        pytest.param(
            [*THREE_WAIT, cancelled("rt-a")],
            [found("cup", 1)],
            True,
            [on("rt-b", 1, found("cup", 1))],
            id="not one that was cancelled",
        ),
        pytest.param(
            SOME_ABSENT,
            [found("cup", 4)],
            True,
            [on("rt-z", 1, found("cup", 2)), on("rt-1", 2, found("cup", 2))],
            id="those on which they were missing, where they are named",
        ),
        pytest.param(
            [*SOME_ABSENT, requested("rt-y", cup=1)],
            [found("cup", 2)],
            True,
            [on("rt-z", 1, found("cup", 1)), on("rt-y", 2, found("cup", 1))],
            id="only what nobody announced",
        ),
        pytest.param(
            [*SOME_ABSENT, closed("rt-z")],
            [found("cup", 1)],
            True,
            [on("rt-z", 1, found("cup", 1))],
            id="also on a closed one",
        ),
        pytest.param(
            SOME_ABSENT,
            [found("cup", 3)],
            False,
            [on("rt-1", 1, found("cup", 3))],
            id="a new one, where nobody named them",
        ),
        pytest.param(
            [requested("rt-a", cup=3), received("rt-a", "rc-a", found("cup", 0, missing=2))],
            [found("cup", 2)],
            True,
            [on("rt-a", 1, found("cup", 2))],
            id="one receipt for what was announced and what was missing",
        ),
        pytest.param(
            [requested("rt-a", cup=5, pot=1)],
            [found("cup", 5, surplus=1), found("pot", 1)],
            False,
            [on("rt-a", 1, found("cup", 5, surplus=1), found("pot", 1))],
            id="surplus with the last of them",
        ),
        pytest.param(
            [received("rt-a", "rc-a", found("cup", 5))],
            [found("cup", 0, surplus=2)],
            False,
            [on("rt-1", 1, found("cup", 0, surplus=2))],
            id="surplus alone is a new return",
        ),
        pytest.param(
            [requested("rt-a", cup=2), requested("rt-b", cup=3)],
            [found("cup", 5, surplus=1)],
            False,
            [on("rt-a", 1, found("cup", 2)), on("rt-b", 2, found("cup", 3, surplus=1))],
            id="surplus with the last return",
        ),
        pytest.param(
            [requested("rt-a", cup=2)],
            [Counted(line_id="cup", damaged=1, to_inspect=1, missing=1, wrong=1)],
            False,
            [
                on("rt-a", 1, Counted(line_id="cup", damaged=1, to_inspect=1)),
                on("rt-1", 2, Counted(line_id="cup", missing=1, wrong=1)),
            ],
            id="what is here before what is not",
        ),
    ],
)
def test_counted_units_go_to_those_who_wait_for_them(
    known: Sequence[Event], counts: Sequence[Counted], named: bool, expected: Sequence[Arrival]
) -> None:
    assert arrivals(dossier(*known), ORDER, counts, numbered(), named=named) == tuple(expected)


any_found = st.builds(
    found,
    st.just("cup"),
    st.integers(0, 2),
    damaged=st.integers(0, 1),
    missing=st.integers(0, 1),
    wrong=st.integers(0, 1),
    to_inspect=st.integers(0, 1),
).filter(lambda count: 0 < count.units <= 5)


@given(any_found, st.lists(st.integers(1, 2), max_size=2))
def test_no_unit_is_lost_or_made_where_a_count_is_split(count: Counted, waiting: Sequence[int]) -> None:
    known = [requested(f"rt-a{number}", cup=units) for number, units in enumerate(waiting)]
    split = [line for one in arrivals(dossier(*known), ORDER, [count], numbered(), named=True) for line in one.lines]
    for name in ("sellable", "damaged", "missing", "wrong", "to_inspect", "surplus"):
        assert sum(getattr(line, name) for line in split) == getattr(count, name)
    assert all(not line.empty for line in split)


@pytest.mark.parametrize("named, most", [(True, 5), (False, 3)])
def test_units_that_were_missing_can_be_back_only_where_somebody_named_their_line(named: bool, most: int) -> None:
    now = dossier(*SOME_ABSENT)
    counts = [found("cup", most)]
    assert (
        sum(line.units for one in arrivals(now, ORDER, counts, numbered(), named=named) for line in one.lines) == most
    )
    with pytest.raises(InvalidQuantity, match=f"{most} units? can still come back, so {most + 1} is too many. Of"):
        arrivals(now, ORDER, [found("cup", most + 1)], numbered(), named=named)


def test_more_than_was_delivered_is_told_to_be_counted_as_surplus() -> None:
    with refused(
        InvalidQuantity,
        "Order 1001, line cup (Cup): 5 units can still come back, so 6 is too many. Of 5 delivered: 5 in no "
        "return. What came beyond all that was delivered is counted as surplus.",
    ):
        arrivals(dossier(), ORDER, [found("cup", 6)], numbered(), named=True)


NOT_ALL_HERE = (
    "Order 1001, line cup (Cup): 1 cannot be surplus yet. Delivered: 5; here: 4; not here: 1. "
    "Count as units that came what was delivered, and as surplus only what is beyond that."
)


def test_surplus_begins_where_all_that_was_delivered_is_here() -> None:
    known = dossier(received("rt", "rc", found("cup", 2)))
    with refused(InvalidQuantity, NOT_ALL_HERE):
        arrivals(known, ORDER, [found("cup", 2, surplus=1)], numbered(), named=True)
    assert arrivals(known, ORDER, [found("cup", 2)], numbered(), named=True)
    assert arrivals(known, ORDER, [found("cup", 3, surplus=1)], numbered(), named=True)
    waiting = dossier(requested("rt", cup=5))
    with refused(InvalidQuantity, NOT_ALL_HERE):
        arrival_on(waiting, ORDER, "rt", [found("cup", 4, surplus=1)], numbered(), more_than_requested=False)


# --- on one return ---------------------------------------------------------------------------------------

WAITS = [requested("rt", cup=2)]
HALF = [*WAITS, received("rt", "rc", found("cup", 1, missing=1))]
MISSED = [requested("rt", cup=2), received("rt", "rc", found("cup", 0, missing=1)), closed("rt")]


@pytest.mark.parametrize(
    "known, units, more",
    [
        (WAITS, 2, False),
        (WAITS, 5, True),
        (HALF, 1, False),
        (HALF, 4, True),
        (MISSED, 1, False),
        (MISSED, 1, True),
        ([*WAITS, received("rt-2", "rc-2", found("cup", 3))], 2, False),
    ],
)
def test_a_return_takes_what_it_waits_for_and_more_where_staff_says_so(
    known: Sequence[Event], units: int, more: bool
) -> None:
    arrival = arrival_on(dossier(*known), ORDER, "rt", [found("cup", units)], numbered(), more_than_requested=more)
    assert arrival == on("rt", 1, found("cup", units))


@pytest.mark.parametrize(
    "known, units, more, sentence",
    [
        (
            WAITS,
            3,
            False,
            "Order 1001, line cup (Cup): return rt waits for 2 units, so 3 is too many. "
            "Announced: 2; not counted yet: 2; counted and not here: 0. If more really came, staff can count it as "
            "more than was announced.",
        ),
        (
            WAITS,
            6,
            True,
            "Order 1001, line cup (Cup): 5 units can still come back on return rt, so 6 is too many. Of 5 "
            "delivered: 2 announced on return rt, 3 in no return. What came beyond all that was delivered is counted "
            "as surplus.",
        ),
        (
            [*WAITS, received("rt-2", "rc-2", found("cup", 3))],
            3,
            True,
            "Order 1001, line cup (Cup): 2 units can still come back on return rt, so 3 is too many. Of 5 "
            "delivered: 3 back (receipt rc-2), 2 announced on return rt, 0 in no return. Where a receipt is wrong, "
            "correct it. What came beyond all that was delivered is counted as surplus.",
        ),
        (
            MISSED,
            2,
            True,
            "Order 1001, line cup (Cup): 1 unit can still come back on return rt, so 2 is too many. Of 5 "
            "delivered: 1 counted and not here (return rt), 4 in no return. That return is closed: set the order to "
            "Returned to count the rest.",
        ),
    ],
)
def test_a_return_takes_no_more_than_it_waits_for_or_than_was_delivered(
    known: Sequence[Event], units: int, more: bool, sentence: str
) -> None:
    with refused(InvalidQuantity, sentence):
        arrival_on(dossier(*known), ORDER, "rt", [found("cup", units)], numbered(), more_than_requested=more)


@pytest.mark.parametrize(
    "known, state",
    [([*WAITS, cancelled("rt")], "cancelled"), ([received("rt", "rc", found("cup", 1)), closed("rt")], "closed")],
)
def test_a_return_that_waits_for_nothing_takes_nothing(known: Sequence[Event], state: str) -> None:
    with refused(WrongState, f"Order 1001: return rt is {state}, so nothing more is counted on it."):
        arrival_on(dossier(*known), ORDER, "rt", [found("cup", 1)], numbered(), more_than_requested=True)


# --- parcels ---------------------------------------------------------------------------------------------


def test_a_parcel_is_counted_once_however_its_name_is_typed() -> None:
    known = dossier(received("rt", "rc", found("cup", 1), parcel="3S ABC 123"))
    sentence = (
        "Order 1001: parcel 3S ABC 123 of return rt was counted already, by shop on 23 November 2026 13:00: "
        "receipt rc. If that count is wrong, correct it; another parcel has another number."
    )
    for typed in ("3sabc123", " 3SABC\t123 ", "3S ABC 123"):
        with refused(WrongState, sentence, in_code="correct_receipt('1001', 'rc', ...)"):
            check_parcel(known, typed, AMSTERDAM)
        with refused(WrongState, sentence):
            check_parcel(known, typed, AMSTERDAM, return_id="rt")
        check_parcel(known, typed, AMSTERDAM, return_id="rt-2")


@pytest.mark.parametrize("parcel", ["", "  ", "3SABC124", "3S-ABC-123", "3SABCXXXX123"])
def test_another_parcel_or_none_is_not_that_parcel(parcel: str) -> None:
    unnamed = received("rt-2", "rc-2", found("cup", 1))
    check_parcel(dossier(received("rt", "rc", found("cup", 1), parcel="3SABC123"), unnamed), parcel, AMSTERDAM)


def test_a_parcel_of_a_return_that_never_came_can_be_counted_again() -> None:
    known = [received("rt", "rc", found("cup", 1), parcel="3SABC123"), cancelled("rt")]
    check_parcel(dossier(*known), "3SABC123", AMSTERDAM)
    check_parcel(dossier(*known), "3SABC123", AMSTERDAM, return_id="rt")


# --- recording it ----------------------------------------------------------------------------------------


def test_a_count_is_recorded_with_what_it_makes_of_its_return_and_of_the_order() -> None:
    draft = a_draft(ORDER, requested("rt", cup=5, pot=1))
    receive(draft, ORDER, on("rt", 1, found("cup", 5)), " torn ", " 3SABC ")
    receive(draft, ORDER, on("rt", 2, found("pot", 1)), None)
    note_id = news(draft)[0].subject.note_id
    assert words(draft, note_id) == "torn"
    shared: dict[str, Any] = {"return_id": "rt"}
    assert news(draft) == [
        GoodsReceived(
            receipt_id="rc-1",
            lines=(found("cup", 5),),
            extent=Extent.PART,
            note_id=note_id,
            parcel="3SABC",
            order_status=OrderStatus.PARTLY_RETURNED,
            **shared,
        ),
        GoodsReceived(
            receipt_id="rc-2",
            lines=(found("pot", 1),),
            extent=Extent.FULL,
            completes=True,
            order_status=OrderStatus.RETURNED,
            **shared,
        ),
    ]


@pytest.mark.parametrize(
    "known, arrival, completes, status",
    [
        pytest.param(WAITS, on("rt", 1, found("cup", 1)), False, OrderStatus.PARTLY_RETURNED, id="some of it"),
        pytest.param(WAITS, on("rt", 1, found("cup", 2)), True, OrderStatus.PARTLY_RETURNED, id="all of it"),
        pytest.param(WAITS, on("rt", 1, found("cup", 1, missing=1)), True, OrderStatus.PARTLY_RETURNED, id="a miss"),
        pytest.param(WAITS, on("rt", 1, found("cup", 0, missing=2)), True, None, id="nothing came"),
        pytest.param(HALF, on("rt", 1, found("cup", 1)), False, None, id="what was missing, of one that was received"),
        pytest.param([], on("rt", 1, found("cup", 2)), False, OrderStatus.PARTLY_RETURNED, id="nobody announced it"),
        pytest.param(MISSED, on("rt", 1, found("cup", 1)), False, OrderStatus.PARTLY_RETURNED, id="after its end"),
    ],
)
def test_a_count_completes_an_announced_return_once_and_tells_the_order_where_its_status_changes(
    known: Sequence[Event], arrival: Arrival, completes: bool, status: OrderStatus | None
) -> None:
    draft = a_draft(ORDER, *known)
    receive(draft, ORDER, arrival, None)
    (event,) = news(draft)
    assert isinstance(event, GoodsReceived)
    assert (event.completes, event.order_status, event.parcel) == (completes, status, "")


@pytest.mark.parametrize(
    "command, verb, may",
    [
        (
            lambda draft: receive(draft, ORDER, on("rt", 1, found("cup", 1)), None),
            "count what came back",
            [ActorKind.STAFF, ActorKind.SYSTEM, ActorKind.PROVIDER],
        ),
        (
            lambda draft: inspect(draft, ORDER, "rt", "rc", (found("cup", 1),), None),
            "inspect what came back",
            [ActorKind.STAFF, ActorKind.SYSTEM, ActorKind.PROVIDER],
        ),
        (
            lambda draft: correct(draft, ORDER, "rc", (found("cup", 1),), None),
            "correct a receipt",
            [ActorKind.STAFF],
        ),
        (check_may_count_more, "count more than was announced", [ActorKind.STAFF]),
    ],
)
@pytest.mark.parametrize("kind", ActorKind)
def test_who_may_count_inspect_and_correct(
    kind: ActorKind, command: Callable[[Draft], None], verb: str, may: Sequence[ActorKind]
) -> None:
    draft = a_draft(ORDER, received("rt", "rc", found("cup", 1, to_inspect=1)), by=ACTORS[kind])
    if kind in may:
        command(draft)
        assert said_by(draft) == [ACTORS[kind]] * len(draft.events)
        return
    with refused(NotAllowed, f"Order 1001: {IN_WORDS[kind]} may not {verb}; staff may."):
        command(draft)
    assert draft.events == []


# --- a wrong count ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "known, counts, changed",
    [
        ([received("rt", "rc", found("cup", 2))], [found("cup", 2)], ()),
        ([received("rt", "rc", found("cup", 2))], [found("cup", 3)], (found("cup", 3),)),
        ([received("rt", "rc", found("cup", 2))], [found("cup", 1, damaged=1)], (found("cup", 1, damaged=1),)),
        ([received("rt", "rc", found("cup", 2))], [found("cup", 2), found("pot", 1)], (found("pot", 1),)),
        ([received("rt", "rc", found("cup", 2))], [found("pot")], ()),
        ([received("rt", "rc", found("cup", 2))], [found("cup", 5)], (found("cup", 5),)),
        ([received("rt", "rc", found("cup", 2))], [found("cup", 5, surplus=1)], (found("cup", 5, surplus=1),)),
        (
            [received("rt", "rc", found("cup", 2)), received("rt-2", "rc-2", found("cup", 3))],
            [found("cup", 2, surplus=1)],
            (found("cup", 2, surplus=1),),
        ),
        (
            [received("rt", "rc", found("cup", 5)), order_became(an_order(a_line("cup", 3), a_line("pot")))],
            [found("cup", 4)],
            (found("cup", 4),),
        ),
        (
            [
                received("rt", "rc", found("cup", 5)),
                order_became(an_order(a_line("cup", 5), a_line("pot", fulfilled=0))),
            ],
            [found("pot", 0, surplus=1)],
            (found("pot", 0, surplus=1),),
        ),
    ],
)
def test_a_correction_changes_the_lines_that_were_counted_wrong(
    known: Sequence[Event], counts: Sequence[Counted], changed: tuple[Counted, ...]
) -> None:
    now = dossier(*known)
    order = now.order if now.order is not None else ORDER
    assert changed_counts(now, order, "rc", counts) == changed


@pytest.mark.parametrize(
    "known, counts, sentence",
    [
        (
            [received("rt", "rc", found("cup", 2))],
            [found("cup", 6)],
            "Order 1001, line cup (Cup): receipt rc can count 5 units, so 6 is too many. "
            "In returns there would be 6, and at most 5 can be. What came beyond all that was delivered is counted as "
            "surplus.",
        ),
        (
            [received("rt", "rc", found("cup", 2)), received("rt-2", "rc-2", found("cup", 2))],
            [found("cup", 4)],
            "Order 1001, line cup (Cup): receipt rc can count 3 units, so 4 is too many. "
            "In returns there would be 6, and at most 5 can be. What came beyond all that was delivered is counted as "
            "surplus.",
        ),
        (
            [received("rt", "rc", found("cup", 5)), order_became(SMALLER)],
            [found("cup", 6)],
            "Order 1001, line cup (Cup): receipt rc can count 5 units, so 6 is too many. "
            "In returns there would be 6, and at most 5 can be. What came beyond all that was delivered is counted as "
            "surplus.",
        ),
        (
            [
                received("rt", "rc", found("cup", 2)),
                order_became(an_order(a_line("cup", 5), a_line("pot", fulfilled=0))),
            ],
            [found("pot", 1)],
            "Order 1001, line pot (Pot): receipt rc can count 0 units, so 1 is too many. "
            "In returns there would be 1, and at most 0 can be. What came beyond all that was delivered is counted as "
            "surplus.",
        ),
        ([received("rt", "rc", found("cup", 2))], [found("cup", 4, surplus=1)], NOT_ALL_HERE),
        (
            [received("rt", "rc", found("cup", 2))],
            [found("pot", 0, surplus=1)],
            "Order 1001, line pot (Teapot): 1 cannot be surplus yet. Delivered: 1; here: 0; not here: 1. "
            "Count as units that came what was delivered, and as surplus only what is beyond that.",
        ),
    ],
)
def test_a_correction_counts_no_more_than_was_delivered_or_was_in_returns_before(
    known: Sequence[Event], counts: Sequence[Counted], sentence: str
) -> None:
    now = dossier(*known)
    order = now.order if now.order is not None else ORDER
    with refused(InvalidQuantity, sentence):
        changed_counts(now, order, "rc", counts)


CANCELLED_AFTER = [received("rt", "rc", found("cup", 1, to_inspect=1)), cancelled("rt")]


def test_a_receipt_of_a_return_that_never_came_is_not_corrected_or_inspected() -> None:
    with refused(WrongState, "Order 1001: return rt is cancelled, so its count cannot be corrected any more."):
        changed_counts(dossier(*CANCELLED_AFTER), ORDER, "rc", [found("cup", 2)])
    with refused(WrongState, "Order 1001: return rt is cancelled, so what came of it cannot be inspected any more."):
        inspected_lines(dossier(*CANCELLED_AFTER), ORDER, "rc", (found("cup", 1),))


@pytest.mark.parametrize(
    "known, changed, expected",
    [
        pytest.param(
            [requested("rt", cup=5, pot=1), received("rt", "rc", found("cup", 4, missing=1))],
            (found("cup", 5), found("pot", 1)),
            {"extent": Extent.FULL, "completes": True, "order_status": OrderStatus.RETURNED},
            id="all is here after all",
        ),
        pytest.param(
            [received("rt", "rc", found("cup", 5), found("pot", 1))],
            (found("cup", 4),),
            {"extent": Extent.PART, "order_status": OrderStatus.PARTLY_RETURNED},
            id="not all is here",
        ),
        pytest.param(
            [received("rt", "rc", found("cup", 2))],
            (found("cup", 1),),
            {"extent": Extent.PART},
            id="some is here as before",
        ),
        pytest.param(
            [requested("rt", cup=2), received("rt", "rc", found("cup", 0, missing=2))],
            (found("cup", 1, missing=1),),
            {"extent": Extent.PART, "came_after_all": True, "order_status": OrderStatus.PARTLY_RETURNED},
            id="one came where nothing had",
        ),
        pytest.param(
            [requested("rt", cup=2), received("rt", "rc", found("cup", 0, missing=2))],
            (found("cup", 0, missing=1),),
            {"extent": Extent.PART},
            id="nothing came all the same",
        ),
    ],
)
def test_a_correction_is_recorded_with_what_it_makes_of_its_return_and_of_the_order(
    known: Sequence[Event], changed: tuple[Counted, ...], expected: Mapping[str, Any]
) -> None:
    draft = a_draft(ORDER, *known)
    correct(draft, ORDER, "rc", changed, " typed wrong ")
    (event,) = news(draft)
    assert words(draft, event.subject.note_id) == "typed wrong"
    assert event == ReceiptCorrected(
        return_id="rt", receipt_id="rc", lines=changed, note_id=event.subject.note_id, **expected
    )


@pytest.mark.parametrize(
    "known, ends",
    [
        ([received("rt", "rc", found("cup"))], True),
        ([received("rt", "rc", found("cup", 0, surplus=1))], False),
        ([received("rt", "rc", found("cup", 1))], False),
        ([requested("rt", cup=1), received("rt", "rc", found("cup"))], False),
        ([requested("rt", cup=1)], False),
    ],
)
def test_a_return_that_began_with_its_receipt_ends_where_nothing_of_it_is_left(
    known: Sequence[Event], ends: bool
) -> None:
    draft = a_draft(ORDER, *known)
    end_if_nothing_came(draft, "rt")
    assert news(draft) == ([cancelled("rt")] if ends else [])
    assert said_by(draft) == ([POLICY] if ends else [])


# --- inspection ------------------------------------------------------------------------------------------

UNJUDGED = [received("rt", "rc", found("cup", 1, to_inspect=2))]


def test_an_inspection_judges_units_that_nobody_had_judged() -> None:
    judged = (found("cup", 1, damaged=1),)
    assert inspected_lines(dossier(*UNJUDGED), ORDER, "rc", judged) == judged
    draft = a_draft(ORDER, *UNJUDGED)
    inspect(draft, ORDER, "rt", "rc", judged, " scratched ")
    (event,) = news(draft)
    assert words(draft, event.subject.note_id) == "scratched"
    assert event == GoodsInspected(return_id="rt", receipt_id="rc", lines=judged, note_id=event.subject.note_id)


def test_an_inspection_that_finds_that_nothing_came_tells_the_order() -> None:
    draft = a_draft(ORDER, received("rt", "rc", found("cup", 0, to_inspect=2)))
    inspect(draft, ORDER, "rt", "rc", (Counted(line_id="cup", missing=1, wrong=1),), None)
    (event,) = news(draft)
    assert event == GoodsInspected(
        return_id="rt",
        receipt_id="rc",
        lines=(Counted(line_id="cup", missing=1, wrong=1),),
        order_status=OrderStatus.NOT_RETURNED,
    )


ELSE_IN_THE_PARCEL = (
    "Order 1001, line cup: an inspection says of units whether they are sellable, damaged, missing or wrong. Count "
    "what else was in the parcel where you count what came."
)


@pytest.mark.parametrize(
    "judged, kind, sentence",
    [
        ((), InvalidLines, "Order 1001: the list of lines is empty. Name at least one line."),
        ((found("cup"),), InvalidQuantity, f"Order 1001, line cup: 0 {NO_UNITS.format(1)}"),
        ((found("cup", 0, to_inspect=1),), InvalidLines, ELSE_IN_THE_PARCEL),
        ((found("cup", 0, surplus=1),), InvalidLines, ELSE_IN_THE_PARCEL),
        (
            (found("cup", 3),),
            InvalidQuantity,
            "Order 1001, line cup (Cup): of receipt rc 2 units are still to be inspected, so "
            "3 is too many. Inspected so far: 1 of 3. Where the receipt is wrong, correct it.",
        ),
        (
            (found("pot", 1),),
            InvalidQuantity,
            "Order 1001, line pot (Teapot): of receipt rc 0 units are still to be inspected, so "
            "1 is too many. Inspected so far: 0 of 0. Where the receipt is wrong, correct it.",
        ),
    ],
)
def test_an_inspection_judges_no_more_than_waits_for_it(
    judged: tuple[Counted, ...], kind: type[RetourError], sentence: str
) -> None:
    in_code = "receive(...) or correct_receipt(...)" if sentence is ELSE_IN_THE_PARCEL else None
    with refused(kind, sentence, in_code=in_code):
        inspected_lines(dossier(*UNJUDGED), ORDER, "rc", judged)


def test_as_many_units_are_judged_as_wait_for_it() -> None:
    assert inspected_lines(dossier(*UNJUDGED), ORDER, "rc", (found("cup", 2),))


# --- as the hooks see it ---------------------------------------------------------------------------------


def cups_as_seen(**found_: int) -> ReturnedLine:
    none = dict.fromkeys(("sellable", "damaged", "missing", "wrong"), 0)
    return ReturnedLine(
        line_id="cup", product="cup", name="Cup", tags=frozenset({"fragile"}), stock_tracked=True, **{**none, **found_}
    )


EVERYTHING = Counted(line_id="cup", sellable=1, damaged=1, missing=1, wrong=1, to_inspect=1, surplus=1)


def test_hooks_see_what_an_arrival_counts_before_it_is_recorded() -> None:
    arrival = on("rt", 1, EVERYTHING, found("mug", 1))
    seen = cups_as_seen(sellable=1, damaged=1, missing=1, wrong=1, to_inspect=1, surplus=1)
    assert returned(dossier(), ORDER, arrival) == Returned(
        return_id="rt", receipt_id="rc-1", extent=Extent.PART, lines=(seen,)
    ), "a line that the order does not have is left out"


def test_hooks_see_what_came_back_over_all_live_returns() -> None:
    known = [
        received("rt-1", "rc-1", EVERYTHING),
        received("rt-2", "rc-2", found("cup", 1, damaged=0)),
        received("rt-3", "rc-3", found("cup", 1)),
        cancelled("rt-3"),
    ]
    expected = cups_as_seen(sellable=2, damaged=1, missing=1, wrong=1, to_inspect=1, surplus=1)
    assert all_returned(dossier(*known), ORDER) == (expected,)


@pytest.mark.parametrize(
    "known, counts, extent",
    [
        ([], [found("cup", 5), found("pot", 1)], Extent.FULL),
        ([], [found("cup", 4, to_inspect=1), found("pot", 0, damaged=1)], Extent.FULL),
        ([], [found("cup", 5)], Extent.PART),
        ([], [found("cup", 4), found("pot", 1)], Extent.PART),
        ([], [found("cup", 4, missing=1), found("pot", 1)], Extent.PART),
        ([received("rt", "rc", found("cup", 3))], [found("cup", 2), found("pot", 1)], Extent.FULL),
        ([received("rt", "rc", found("cup", 3))], [found("cup", 1), found("cup", 1), found("pot", 1)], Extent.FULL),
    ],
)
def test_the_extent_of_an_arrival_speaks_of_the_whole_order_after_it(
    known: Sequence[Event], counts: Sequence[Counted], extent: Extent
) -> None:
    assert extent_after(dossier(*known), ORDER, counts) is extent


def test_a_received_return_is_seen_with_what_was_announced_and_what_was_counted() -> None:
    known = [requested("rt", cup=2, pot=1), received("rt", "rc", found("cup", 1), found("mug", 1))]
    assert as_received(dossier(*known).return_("rt")) == ReceivedReturn(
        return_id="rt",
        lines=(
            ReceivedLine(line_id="cup", announced=2, counted=found("cup", 1)),
            ReceivedLine(line_id="pot", announced=1, counted=found("pot")),
            ReceivedLine(line_id="mug", announced=0, counted=found("mug", 1)),
        ),
    )
