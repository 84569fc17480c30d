"""Which lines and units a command can name, how many of them can still come back, and what is said of more."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import attrs
import pytest
from drafts import a_draft, refused
from goods_events import approved, asked, cancelled, closed, found, order_became, received, requested

from retour import Counted, Order, RequestedLine
from retour.model.dossier import Dossier
from retour.model.errors import InvalidLines, InvalidQuantity, RetourError, UnknownLine
from retour.model.events.event import Event
from retour.model.fields import MOST_UNITS
from retour.rules.left import (
    LineAccount,
    account_of,
    more_than_a_receipt_can_count,
    more_than_announced,
    more_than_left,
    more_than_to_inspect,
    no_surplus_yet,
    units_left,
)
from retour.rules.lines import check_names, check_units, given_lines
from retour.testing import a_line, a_service, an_order

ORDER: Order = an_order(a_line("cup", 5), a_line("pot", 2), a_service())


def dossier(*known: Event) -> Dossier:
    return a_draft(ORDER, *known).dossier


# --- lines as they are given -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "lines, kind, given",
    [
        ({"cup": 2, "pot": 0}, Counted, (found("cup", 2), found("pot"))),
        ({"cup": 2, "pot": 1}, RequestedLine, asked({"cup": 2, "pot": 1})),
        ([found("cup", 0, damaged=1)], Counted, (found("cup", 0, damaged=1),)),
        ({}, Counted, ()),
        ([], RequestedLine, ()),
    ],
)
def test_a_mapping_of_units_and_values_are_the_same_lines(lines: Any, kind: Any, given: Sequence[object]) -> None:
    assert given_lines("1001", lines, kind) == given


def test_lines_may_come_one_by_one() -> None:
    assert given_lines("1001", iter(asked({"cup": 1})), RequestedLine) == asked({"cup": 1})


def broken() -> Iterator[object]:
    yield found("cup", 1)
    raise RuntimeError("the database is gone")


def test_lines_that_break_off_are_none() -> None:
    with refused(InvalidLines, "Order 1001: the list of lines cannot be read to its end."):
        given_lines("1001", broken(), Counted)


@pytest.mark.parametrize(
    "lines, kind, error, sentence",
    [
        (
            [found("cup")],
            RequestedLine,
            InvalidLines,
            "Order 1001: lines are a mapping of line to units, or RequestedLine values, not Counted.",
        ),
        (
            "cup",
            Counted,
            InvalidLines,
            "Order 1001: lines are a mapping of line to units, or Counted values, not str.",
        ),
        (7, Counted, InvalidLines, "Order 1001: lines are a mapping of line to units, or Counted values, not int."),
        (
            {"cup": 1.5},
            Counted,
            InvalidQuantity,
            f"Order 1001, line cup: 1.5 is not a number of units. Use a whole number from 0 to {MOST_UNITS}.",
        ),
        (
            {7: 1},
            Counted,
            InvalidLines,
            "Order 1001: lines are a mapping of line to units. Counted.line_id must be a text of 1 to 255 characters, "
            "none of them a NUL or half a character, not 7.",
        ),
    ],
)
def test_what_are_no_lines_is_told_with_the_order(
    lines: Any, kind: Any, error: type[RetourError], sentence: str
) -> None:
    with refused(error, sentence):
        given_lines("1001", lines, kind)


@pytest.mark.parametrize(
    "names, error, sentence",
    [
        ([], InvalidLines, "Order 1001: the list of lines is empty. Name at least one line."),
        (["cup", "mug"], UnknownLine, "Order 1001 has no line mug. Its lines are cup, pot, postage."),
        (["postage"], UnknownLine, "Order 1001: line postage (Postage) is a service and cannot come back."),
        (["cup", "pot", "cup"], InvalidLines, "Order 1001: line cup is named twice. Put all its units in one entry."),
    ],
)
def test_lines_are_goods_of_the_order_each_named_once(
    names: Sequence[str], error: type[RetourError], sentence: str
) -> None:
    with refused(error, sentence):
        check_names(ORDER, names)


def test_lines_that_are_goods_of_the_order_can_be_named() -> None:
    check_names(ORDER, ["cup", "pot"])


@pytest.mark.parametrize("units", [1, 2, MOST_UNITS])
def test_units_are_a_whole_number(units: int) -> None:
    check_units("1001", "cup", units)
    check_units("1001", "cup", 0, zero_allowed=True)


@pytest.mark.parametrize("units", [-1, MOST_UNITS + 1, True, 1.0, "2", None])
def test_what_is_no_number_of_units_is_refused(units: object) -> None:
    use = f"Use a whole number from {{}} to {MOST_UNITS}."
    with refused(InvalidQuantity, f"Order 1001, line cup: {units} is not a number of units. {use.format(1)}"):
        check_units("1001", "cup", units)
    with refused(InvalidQuantity, f"Order 1001, line cup: {units} is not a number of units. {use.format(0)}"):
        check_units("1001", "cup", units, zero_allowed=True)


def test_no_units_are_none_unless_they_may_be() -> None:
    with refused(
        InvalidQuantity,
        f"Order 1001, line cup: 0 is not a number of units. Use a whole number from 1 to {MOST_UNITS}.",
    ):
        check_units("1001", "cup", 0)


# --- where the units of a line are -----------------------------------------------------------------------

ANNOUNCED = [requested("rt-1", cup=2)]
MISSING = [requested("rt-2", cup=2), received("rt-2", "rc-2", found("cup", 1, missing=1))]
BACK = [received("rt-3", "rc-3", found("cup", 1, damaged=1))]
SHRUNK = order_became(an_order(a_line("cup", 5, fulfilled=3), a_line("pot", 2), a_service()))


@pytest.mark.parametrize(
    "known, account",
    [
        ([], LineAccount(fulfilled=5, back={}, away={}, announced={}, free=5)),
        (ANNOUNCED, LineAccount(fulfilled=5, back={}, away={}, announced={"rt-1": 2}, free=3)),
        (MISSING, LineAccount(fulfilled=5, back={"rc-2": 1}, away={"rt-2": 1}, announced={}, free=3)),
        (BACK, LineAccount(fulfilled=5, back={"rc-3": 2}, away={}, announced={}, free=3)),
        ([*ANNOUNCED, cancelled("rt-1")], LineAccount(fulfilled=5, back={}, away={}, announced={}, free=5)),
        (
            [*MISSING, requested("rt-4", cup=1), approved("rt-4"), received("rt-4", "rc-4", found("pot"))],
            LineAccount(fulfilled=5, back={"rc-2": 1}, away={"rt-2": 1}, announced={"rt-4": 1}, free=2),
        ),
        (
            [requested("rt-1", cup=2), received("rt-1", "rc-1", found("cup", 1)), closed("rt-1")],
            LineAccount(fulfilled=5, back={"rc-1": 1}, away={}, announced={}, free=4),
        ),
    ],
)
def test_each_unit_of_a_line_is_in_one_place(known: Sequence[Event], account: LineAccount) -> None:
    found_ = account_of(dossier(*known), ORDER, "cup")
    assert found_ == account
    places = [*found_.back.values(), *found_.away.values(), *found_.announced.values(), found_.free]
    assert sum(places) == account.fulfilled
    assert units_left(dossier(*known), ORDER) == {"cup": account.free, "pot": 2}


# --- what is said of more than can come back ------------------------------------------------------------

OF_CUPS = "Order 1001, line cup (Cup): {} can still come back{}, so {} is too many. {} {}"
NO_MORE = "No more than was delivered can come back."
CORRECT = "Where a receipt is wrong, correct it."
CANCEL = "What is announced is free again when its return is cancelled, approved or not."
LATER = "What was not here is counted on its return when it comes."
CLOSED = "That return is closed: set the order to Returned to count the rest."
ELSEWHERE = "Count on each return what belongs to it, or cancel the one that is not to come."
SURPLUS = "What came beyond all that was delivered is counted as surplus."
METHODS = {CORRECT: "correct_receipt", CANCEL: "cancel_return", CLOSED: "mark_returned", ELSEWHERE: "cancel_return"}
"""What an application calls to follow an advice; the others are nothing to call."""


@pytest.mark.parametrize(
    "known, units, left, counted_on, told, advice",
    [
        pytest.param([], 6, 5, None, "Of 5 delivered: 5 in no return.", NO_MORE, id="announced, and nothing is"),
        pytest.param(
            ANNOUNCED,
            4,
            3,
            None,
            "Of 5 delivered: 2 announced on return rt-1, 3 in no return.",
            CANCEL,
            id="announced, and some are",
        ),
        pytest.param(
            MISSING,
            4,
            3,
            None,
            "Of 5 delivered: 1 back (receipt rc-2), 1 counted and not here (return rt-2), 3 in no return.",
            f"{CORRECT} {LATER}",
            id="announced, and some are back",
        ),
        pytest.param(
            [received("rt-5", "rc-5", found("cup", 0, missing=2))],
            4,
            3,
            None,
            "Of 5 delivered: 2 counted and not here (return rt-5), 3 in no return.",
            LATER,
            id="announced, and some are not here",
        ),
        pytest.param(
            BACK,
            4,
            3,
            None,
            "Of 5 delivered: 2 back (receipt rc-3), 3 in no return.",
            CORRECT,
            id="announced, and the others are back",
        ),
        pytest.param([], 6, 5, "", "Of 5 delivered: 5 in no return.", SURPLUS, id="counted, and nothing was announced"),
        pytest.param(
            ANNOUNCED,
            5,
            4,
            "",
            "Of 5 delivered: 2 announced on return rt-1, 3 in no return.",
            "",
            id="counted on whichever return, not more than was delivered",
        ),
        pytest.param(
            [*ANNOUNCED, *MISSING],
            5,
            2,
            "rt-1",
            "Of 5 delivered: 1 back (receipt rc-2), 1 counted and not here (return rt-2), "
            "2 announced on return rt-1, 1 in no return.",
            f"{CORRECT} {ELSEWHERE} {SURPLUS}",
            id="counted on a return, and some are elsewhere",
        ),
        pytest.param(
            [*ANNOUNCED, *MISSING],
            4,
            2,
            "rt-1",
            "Of 5 delivered: 1 back (receipt rc-2), 1 counted and not here (return rt-2), "
            "2 announced on return rt-1, 1 in no return.",
            f"{CORRECT} {ELSEWHERE}",
            id="as many as are not back",
        ),
        pytest.param(
            ANNOUNCED,
            6,
            5,
            "rt-1",
            "Of 5 delivered: 2 announced on return rt-1, 3 in no return.",
            SURPLUS,
            id="counted on the return that has them all",
        ),
        pytest.param(
            [*MISSING, closed("rt-2")],
            2,
            1,
            "rt-2",
            "Of 5 delivered: 1 back (receipt rc-2), 1 counted and not here (return rt-2), 3 in no return.",
            f"{CORRECT} {CLOSED}",
            id="counted on a closed one",
        ),
        pytest.param(
            [*ANNOUNCED, *BACK, SHRUNK],
            3,
            -1,
            "rt-1",
            "Delivered by the order as it is now: 3, which is 1 fewer than in returns: 2 back (receipt rc-3), "
            "2 announced on return rt-1.",
            f"{CORRECT} {SURPLUS}",
            id="the order shrank",
        ),
        pytest.param(
            [*ANNOUNCED, requested("rt-4", cup=1), SHRUNK],
            1,
            0,
            None,
            "Of 3 delivered: 2 announced on return rt-1, 1 announced on return rt-4, 0 in no return.",
            CANCEL,
            id="none is free",
        ),
    ],
)
def test_more_than_can_come_back_is_told_with_where_all_units_are_and_what_can_be_done(
    known: Sequence[Event], units: int, left: int, counted_on: str | None, told: str, advice: str
) -> None:
    now = dossier(*known)
    order = attrs.evolve(ORDER, lines=now.order.lines) if now.order is not None else ORDER
    on = f" on return {counted_on}" if counted_on else ""
    error = more_than_left(now, order, "cup", units, left, counted_on=counted_on)
    assert str(error) == OF_CUPS.format(f"{max(0, left)} unit{'' if left == 1 else 's'}", on, units, told, advice)
    assert error.in_code == ", ".join([method for words, method in METHODS.items() if words in advice])


def test_more_than_a_return_announced_is_told_with_what_it_waits_for() -> None:
    known = [requested("rt", cup=3), received("rt", "rc", found("cup", 1, missing=1))]
    error = more_than_announced(ORDER, dossier(*known).return_("rt"), found("cup", 3))
    assert str(error) == (
        "Order 1001, line cup (Cup): return rt waits for 2 units, so 3 is too many. "
        "Announced: 3; not counted yet: 1; counted and not here: 1. If more really came, staff can count it as "
        "more than was announced."
    )
    assert error.in_code == "more_than_requested=True"
    other = more_than_announced(ORDER, dossier(*known).return_("rt"), found("pot", 1))
    assert str(other) == (
        "Order 1001, line pot (Pot): return rt waits for 0 units, so 1 is too many. "
        "Announced: 0; not counted yet: 0; counted and not here: 0. If more really came, staff can count it as "
        "more than was announced."
    )


def test_more_than_a_receipt_can_count_is_told_with_what_it_can() -> None:
    error = more_than_a_receipt_can_count(ORDER, "rc", found("cup", 4, damaged=2), claimed=7, most=5)
    assert str(error) == (
        "Order 1001, line cup (Cup): receipt rc can count 4 units, so 6 is too many. "
        "In returns there would be 7, and at most 5 can be. What came beyond all that was delivered is counted as "
        "surplus."
    )


def test_surplus_before_all_is_here_is_told_with_what_is_not() -> None:
    assert str(no_surplus_yet(ORDER, found("cup", 1, surplus=2), 3)) == (
        "Order 1001, line cup (Cup): 2 cannot be surplus yet. Delivered: 5; here: 3; not here: 2. "
        "Count as units that came what was delivered, and as surplus only what is beyond that."
    )


def test_more_judged_than_waits_for_it_is_told_with_what_waits() -> None:
    error = more_than_to_inspect(ORDER, "rc", found("cup", 1, damaged=2), found("cup", 2, to_inspect=2))
    assert str(error) == (
        "Order 1001, line cup (Cup): of receipt rc 2 units are still to be inspected, so "
        "3 is too many. Inspected so far: 2 of 4. Where the receipt is wrong, correct it."
    )
    assert error.in_code == "correct_receipt('1001', 'rc', ...)"
