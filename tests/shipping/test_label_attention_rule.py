"""What of an order's labels and parcels a person must look at, since which event, and what he can do."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import pytest
from drafts import a_draft
from goods_events import approved, cancelled, closed, found, received, requested, sent
from label_events import in_portal, kept, lost_answer, moved, not_made, ordered, said_made, told, wanted_back

from retour.model.attention import Attention, AttentionKind
from retour.model.dossier import Dossier
from retour.model.events.event import Event
from retour.model.events.goods import ReturnExpired, ReturnRejected
from retour.model.events.labels import LabelHeld
from retour.model.labels import ParcelState, Told, WhatFollows
from retour.model.reasons import ReasonCode, reason
from retour.model.return_number import return_number
from retour.rules import label_attention
from retour.testing import a_line, an_order

ORDER = an_order(a_line("cup", 5, "100.00"), a_line("pot", 5, "100.00"))
COMES: list[Event] = [requested("rt", cup=2), approved("rt")]
MADE = [ordered("lb"), told("lb")]
LOOK = ("acknowledge",)
FIRST = 2
"""The number of the first event of a test: the order was seen before."""


def held(label_id: str) -> LabelHeld:
    return LabelHeld(return_id="rt", label_id=label_id, because=reason(ReasonCode.ADDRESS_FORGOTTEN))


def listed(rule: Callable[[Dossier], Iterator[Attention]], *known: Event) -> list[Attention]:
    return list(rule(a_draft(ORDER, *known).dossier))


def item(
    kind: AttentionKind, known: Sequence[Event], since: Event, why: object, *can_do: str, about: str = "lb"
) -> tuple[AttentionKind, str, int, object, tuple[str, ...]]:
    """What is listed: since one of the events that are known."""
    return kind, about, FIRST + list(known).index(since), why, (*can_do,)


def told_of(items: Sequence[Attention]) -> list[tuple[AttentionKind, str, int, object, tuple[str, ...]]]:
    return [(one.kind, one.about, one.when.seq, one.why, one.can_do) for one in items]


# --- labels -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "known, is_listed",
    [
        ([ordered("lb"), held("lb")], True),
        ([ordered("lb"), lost_answer("lb"), held("lb")], True),
        ([ordered("lb")], False),
        ([ordered("lb"), lost_answer("lb")], False),
        ([*MADE, held("lb")], False),
        ([ordered("lb"), held("lb"), told("lb")], False),
    ],
)
def test_a_label_of_which_nobody_can_tell_whether_it_was_made_waits_for_a_person(
    known: Sequence[Event], is_listed: bool
) -> None:
    events = [*COMES, *known]
    why = reason(ReasonCode.ADDRESS_FORGOTTEN)
    waits = item(AttentionKind.LABEL_UNKNOWN, events, held("lb"), why, "settle_label") if is_listed else None
    assert told_of(listed(label_attention.undecided_labels, *events)) == ([] if waits is None else [waits])


REFUSED = [ordered("lb"), not_made("lb")]
ENDED: list[Event] = [cancelled("rt"), ReturnRejected(return_id="rt", because="worn"), ReturnExpired(return_id="rt")]


@pytest.mark.parametrize(
    "known, about",
    [
        (REFUSED, ["lb"]),
        (MADE, []),
        ([ordered("lb"), lost_answer("lb"), said_made("lb", made=False)], []),
        ([*REFUSED, ordered("lb2")], []),
        ([ordered("lb2"), *REFUSED], ["lb"]),
        ([*REFUSED, ordered("lb2"), not_made("lb2")], ["lb", "lb2"]),
        ([*REFUSED, requested("other", cup=1), ordered("lb2", "other")], ["lb"]),
        *[([*REFUSED, end], []) for end in ENDED],
        ([*REFUSED, received("rt", "rc", found("cup", 1))], ["lb"]),
        ([*REFUSED, received("rt", "rc", found("cup", 1)), closed("rt")], []),
    ],
)
def test_a_label_that_was_refused_is_listed_until_its_return_has_another_or_needs_none(
    known: Sequence[Event], about: Sequence[str]
) -> None:
    events = [*COMES, *known]
    why = reason(ReasonCode.INVALID_REQUEST)
    assert told_of(listed(label_attention.refused_labels, *events)) == [
        item(AttentionKind.LABEL_REFUSED, events, not_made(one), why, "order_label", *LOOK, about=one) for one in about
    ]


STAYS, NOT_CANCELLABLE = reason(ReasonCode.LABEL_STAYS), reason(ReasonCode.NOT_CANCELLABLE)
NOT_WANTED = [*MADE, wanted_back("lb"), kept("lb")]


@pytest.mark.parametrize(
    "known, since, why, can_do",
    [
        (MADE, None, None, ()),
        # its return has ended, and it can still be used
        ([*MADE, ENDED[0]], ENDED[0], STAYS, ("cancel_label", *LOOK)),
        ([*MADE, ENDED[1]], ENDED[1], STAYS, ("cancel_label", *LOOK)),
        ([*MADE, ENDED[2]], None, None, ()),
        ([ordered("lb"), ENDED[0], told("lb")], told("lb"), STAYS, ("cancel_label", *LOOK)),
        ([ordered("lb"), told("lb", reference=""), ENDED[0]], ENDED[0], STAYS, LOOK),
        ([ordered("lb"), ENDED[0]], None, None, ()),
        ([*REFUSED, ENDED[0]], None, None, ()),
        ([*MADE, moved("lb"), ENDED[0]], None, None, ()),
        ([*MADE, ENDED[0], wanted_back("lb")], None, None, ()),
        ([*NOT_WANTED, ENDED[0]], ENDED[0], NOT_CANCELLABLE, ("cancel_label", *LOOK)),
        # somebody wanted it taken back
        (NOT_WANTED, kept("lb"), NOT_CANCELLABLE, LOOK),
        ([*NOT_WANTED, told("lb", Told.CANCELLED)], None, None, ()),
        ([*MADE, moved("lb"), kept("lb")], kept("lb"), NOT_CANCELLABLE, LOOK),
        ([*MADE, moved("lb"), ENDED[0], kept("lb")], None, None, ()),
        ([*NOT_WANTED, ENDED[2]], kept("lb"), NOT_CANCELLABLE, LOOK),
    ],
)
def test_a_label_that_is_not_wanted_and_may_be_used_all_the_same_is_listed(
    known: Sequence[Event], since: Event | None, why: object, can_do: Sequence[str]
) -> None:
    """Where its parcel is on its way the list has that parcel."""
    events = [*COMES, *known]
    expected = [] if since is None else [item(AttentionKind.LABEL_NOT_CANCELLED, events, since, why, *can_do)]
    assert told_of(listed(label_attention.labels_not_cancelled, *events)) == expected


# --- parcels ----------------------------------------------------------------------------------------------

WHY = {
    ParcelState.LOST: ReasonCode.PARCEL_LOST,
    ParcelState.RETURNED_TO_SENDER: ReasonCode.PARCEL_GOES_BACK,
    ParcelState.PROBLEM: ReasonCode.PARCEL_HELD_UP,
}


@pytest.mark.parametrize("step", ParcelState)
@pytest.mark.parametrize("follows", WhatFollows)
def test_a_step_of_a_parcel_is_listed_where_the_host_wants_to_be_asked(step: ParcelState, follows: WhatFollows) -> None:
    step_now = moved("lb", step, follows=follows, provider_status="word")
    events = [*COMES, *MADE, step_now]
    why = reason(WHY.get(step, ReasonCode.PARCEL_MOVED), "word")
    asked = follows is WhatFollows.ASK
    expected = [item(AttentionKind.PARCEL, events, step_now, why, *LOOK)] * asked
    assert told_of(listed(label_attention.parcels, *events)) == expected
    assert listed(label_attention.parcels_not_expected, *events) == []


COMING = (ParcelState.ON_ITS_WAY, ParcelState.AT_PICKUP_POINT, ParcelState.DELAYED, ParcelState.DELIVERED)


@pytest.mark.parametrize("step", ParcelState)
@pytest.mark.parametrize("end", ENDED)
def test_a_parcel_of_a_return_that_has_ended_is_listed_once_while_it_comes_or_came(
    end: Event, step: ParcelState
) -> None:
    step_now = moved("lb", step, follows=WhatFollows.ASK)
    came = step is ParcelState.DELIVERED
    why = reason(ReasonCode.PARCEL_CAME_AFTER_THE_END if came else ReasonCode.PARCEL_COMES_AFTER_THE_END)
    for events in ([*COMES, *MADE, step_now, end], [*COMES, *MADE, end, step_now]):
        expected = item(AttentionKind.PARCEL_NOT_EXPECTED, events, step_now, why, "reopen_return", *LOOK)
        assert told_of(listed(label_attention.parcels_not_expected, *events)) == [expected] * (step in COMING)
        assert len(listed(label_attention.parcels, *events)) == (step not in COMING)
    assert listed(label_attention.parcels_not_expected, *COMES, *MADE, end) == []


HERE = received("rt", "rc", found("cup", 1))
SECOND_ONE = [ordered("lb2"), told("lb2", reference="sc_2")]


@pytest.mark.parametrize(
    "known, about",
    [
        ([*MADE, moved("lb"), HERE, closed("rt")], []),
        ([*MADE, HERE, closed("rt"), moved("lb")], []),
        ([*MADE, *SECOND_ONE, moved("lb"), HERE, closed("rt"), moved("lb2")], ["lb2"]),
        ([*MADE, *SECOND_ONE, HERE, closed("rt"), moved("lb2")], []),
        ([*MADE, *SECOND_ONE, moved("lb"), moved("lb2"), HERE, closed("rt")], []),
        ([*MADE, *SECOND_ONE, HERE, closed("rt"), moved("lb"), moved("lb2")], ["lb", "lb2"]),
        ([*MADE, *SECOND_ONE, moved("lb", ParcelState.LOST), HERE, closed("rt"), moved("lb2")], []),
        (
            [*MADE, *SECOND_ONE, moved("lb"), HERE, received("rt", "rc2", found("cup", 1)), closed("rt"), moved("lb2")],
            [],
        ),
    ],
)
def test_of_a_return_that_staff_closed_the_parcels_that_moved_since_and_are_more_than_were_counted(
    known: Sequence[Event], about: Sequence[str]
) -> None:
    """Carriers tell late of one that was counted."""
    assert [one.about for one in listed(label_attention.parcels_not_expected, *COMES, *known)] == about


# --- announced twice --------------------------------------------------------------------------------------

PORTAL: list[Event] = [requested("pt", cup=1), approved("pt"), in_portal("lb", "pt")]


def twice(events: Sequence[Event], about: str, since: Event, portal: str = "pt") -> object:
    why = reason(ReasonCode.ALSO_IN_PORTAL, return_number=return_number(portal))
    return item(AttentionKind.ANNOUNCED_TWICE, events, since, why, "cancel_return", *LOOK, about=about)


@pytest.mark.parametrize(
    "known, about",
    [
        ([*COMES, *PORTAL], ["rt"]),
        ([*PORTAL, *COMES], ["rt"]),
        ([COMES[0], *PORTAL], ["rt"]),
        (PORTAL, []),
        (COMES, []),
        # another parcel, or none any more
        ([*COMES, sent("rt", "3S1"), *PORTAL], []),
        ([*COMES, ordered("lb2"), *PORTAL], []),
        ([*COMES, cancelled("rt"), *PORTAL], []),
        ([*COMES, *PORTAL, cancelled("pt")], []),
        ([*COMES, *PORTAL, received("rt", "rc", found("cup", 1))], []),
        ([received("rt", "rc", found("cup", 1)), *PORTAL], []),
        # whose goods can be the same
        ([requested("rt", pot=1), *PORTAL], []),
        ([requested("rt", cup=1), *PORTAL], ["rt"]),
        ([requested("rt", cup=1, pot=1), *PORTAL], ["rt"]),
        ([requested("rt", cup=1), requested("pt", cup=2), in_portal("lb", "pt")], ["rt"]),
        ([requested("rt", cup=1), requested("pt", pot=2), in_portal("lb", "pt")], []),
        ([requested("rt", cup=2), requested("pt", cup=1, pot=2), in_portal("lb", "pt")], []),
        ([requested("rt", cup=2), requested("pt"), in_portal("lb", "pt")], ["rt"]),
        # of several the last one before it, else the first one after
        ([requested("a", cup=1), requested("b", cup=1), *PORTAL, requested("c", cup=1)], ["b"]),
        ([requested("a", cup=1), *PORTAL, requested("b", cup=1)], ["a"]),
        ([*PORTAL, requested("a", cup=1), requested("b", cup=1)], ["a"]),
        # each of them is beside one
        (
            [
                requested("a", cup=1),
                requested("b", cup=1),
                *PORTAL,
                requested("pt2", cup=1),
                in_portal("lb2", "pt2", reference="sc_2"),
            ],
            ["b", "a"],
        ),
        ([requested("a", cup=1), *PORTAL, requested("pt2", cup=1), in_portal("lb2", "pt2", reference="sc_2")], ["a"]),
    ],
)
def test_a_return_beside_one_of_a_portal_of_which_the_goods_can_be_the_same_is_listed(
    known: Sequence[Event], about: Sequence[str]
) -> None:
    assert [one.about for one in listed(label_attention.announced_twice, *known)] == about


@pytest.mark.parametrize("known, since", [([*COMES, *PORTAL], PORTAL[0]), ([*PORTAL, *COMES], COMES[0])])
def test_a_return_that_is_announced_twice_is_so_since_the_later_of_the_two(
    known: Sequence[Event], since: Event
) -> None:
    assert told_of(listed(label_attention.announced_twice, *known)) == [twice(known, "rt", since)]


def test_one_that_was_announced_long_before_is_nearer_than_one_just_after() -> None:
    between = [requested(f"o{number}", pot=1) for number in range(3)]
    known = [requested("a", cup=1), *between, *PORTAL, requested("b", cup=1)]
    assert [one.about for one in listed(label_attention.announced_twice, *known)] == ["a"]
