"""What is decided about the stock of a return, on units of an order as they are: the rule by itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import attrs
import pytest
from drafts import ACTORS, ANNA, IN_WORDS, a_draft, news, refused, said_by
from goods_events import found, received
from hypothesis import given
from hypothesis import strategies as st

from retour import ActorKind, Counted, Order, RestockDecision
from retour.model.errors import InvalidLines, InvalidQuantity, NotAllowed, UnknownLine, WrongState
from retour.model.events.event import Event
from retour.model.events.goods import ReceiptCorrected
from retour.model.events.stock import RestockAsked, RestockDecided, StockApplied, StockFailed
from retour.model.reasons import ReasonCode, reason
from retour.model.returns import Extent, StockMovement
from retour.rules.requests import POLICY
from retour.rules.stock import after_correction, after_receipt, answer, default_decision, record_applied
from retour.testing import a_line, a_service, an_order

ORDER: Order = an_order(
    a_line("cup", 4), a_line("pot", 2, product="teapot"), a_line("card", 2, stock_tracked=False), a_service()
)
CUPS, POT = found("cup", 3, damaged=1), found("pot", 1)
ALL, BY_HAND, ASK = RestockDecision.all(), RestockDecision.by_hand(), RestockDecision.ask()


def moved(line: str, units: int, movement_id: str) -> StockMovement:
    product = {"pot": "teapot"}.get(line, line)
    return StockMovement(id=movement_id, order_id="1001", return_id="rt", line_id=line, product=product, quantity=units)


def decided(
    decision: RestockDecision,
    *movements: StockMovement,
    by_hand: Mapping[str, int] | None = None,
    corrects: bool = False,
) -> RestockDecided:
    return RestockDecided(
        return_id="rt", decision=decision, movements=movements, by_hand=dict(by_hand or {}), corrects=corrects
    )


def corrected(*counts: Counted) -> ReceiptCorrected:
    return ReceiptCorrected(return_id="rt", receipt_id="rc", lines=counts, extent=Extent.PART)


CAME = received("rt", "rc", CUPS, POT, found("card", 1))
ASKED = RestockAsked(return_id="rt")


# --- the default -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "order, decision",
    [
        (an_order(a_line("cup", 4)), ALL),
        (an_order(a_line("1", product="cup"), a_line("2", product="cup"), a_service()), ALL),
        (an_order(a_line("cup"), a_line("pot")), ASK),
        (an_order(a_line("cup"), a_line("pot"), a_line("mug")), ASK),
        (an_order(a_service()), ASK),
    ],
)
def test_one_product_is_restocked_at_once_and_several_are_asked(order: Order, decision: RestockDecision) -> None:
    assert default_decision(order) == decision


# --- what is undecided -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "known, units",
    [
        ([CAME], {"cup": 3, "pot": 1}),
        ([CAME, decided(ALL, moved("cup", 3, "a"), moved("pot", 1, "b"))], {}),
        ([CAME, decided(ALL, moved("cup", 1, "a"))], {"cup": 2, "pot": 1}),
        ([CAME, decided(BY_HAND, by_hand={"cup": 2, "pot": 1})], {"cup": 1}),
        ([CAME, decided(ALL, moved("cup", 1, "a"), by_hand={"cup": 1})], {"cup": 1, "pot": 1}),
        ([received("rt", "rc", found("cup", 0, damaged=2))], {}),
        ([received("rt", "rc", found("card", 2))], {}),
    ],
)
def test_units_are_undecided_that_are_sellable_tracked_and_in_no_decision(
    known: Sequence[Event], units: Mapping[str, int]
) -> None:
    assert a_draft(ORDER, *known).dossier.return_("rt").undecided(ORDER) == units


# --- after a receipt -------------------------------------------------------------------------------------

NOT_THERE = reason(ReasonCode.UNITS_NOT_THERE, number="4", line="cup", left="3")


@pytest.mark.parametrize(
    "known, policy, expected",
    [
        pytest.param([CAME], ALL, [decided(ALL, moved("cup", 3, "mv-1"), moved("pot", 1, "mv-2"))], id="all"),
        pytest.param([CAME], BY_HAND, [decided(BY_HAND, by_hand={"cup": 3, "pot": 1})], id="by hand"),
        pytest.param(
            [CAME],
            RestockDecision.lines({"cup": 2}),
            [decided(RestockDecision.lines({"cup": 2}), moved("cup", 2, "mv-1"), by_hand={"cup": 1, "pot": 1})],
            id="per line, and the rest by hand",
        ),
        pytest.param([CAME], ASK, [ASKED], id="ask"),
        pytest.param(
            [CAME],
            RestockDecision.ask("the plugin does not know"),
            [RestockAsked(return_id="rt", because="the plugin does not know")],
            id="ask, and why",
        ),
        pytest.param(
            [CAME],
            RestockDecision.lines({"cup": 4}, because="most of them"),
            [RestockAsked(return_id="rt", because=NOT_THERE)],
            id="a policy that names more than came is not followed",
        ),
        pytest.param([CAME, ASKED], ALL, [], id="an open question covers them"),
        pytest.param([received("rt", "rc", found("card", 2))], ALL, [], id="nothing to decide"),
        pytest.param(
            [CAME, decided(BY_HAND, by_hand={"cup": 3, "pot": 1}), received("rt", "rc-2", found("cup", 1))],
            ALL,
            [decided(ALL, moved("cup", 1, "mv-1"), by_hand={"cup": 3, "pot": 1})],
            id="what is on the list by hand stays there",
        ),
        pytest.param(
            [CAME, decided(BY_HAND, by_hand={"cup": 3, "pot": 1}), received("rt", "rc-2", found("cup", 1))],
            BY_HAND,
            [decided(BY_HAND, by_hand={"cup": 4, "pot": 1})],
            id="and newly received ones join it",
        ),
        pytest.param(
            [CAME, decided(BY_HAND, by_hand={"cup": 3, "pot": 1}), received("rt", "rc-2", CUPS, POT)],
            ALL,
            [decided(ALL, moved("cup", 3, "mv-1"), moved("pot", 1, "mv-2"), by_hand={"cup": 3, "pot": 1})],
            id="also where as many are received as are on it",
        ),
        pytest.param(
            [CAME, decided(BY_HAND, by_hand={"cup": 3}), received("rt", "rc-2", found("cup", 1))],
            BY_HAND,
            [decided(BY_HAND, by_hand={"cup": 4, "pot": 1})],
            id="with what nobody had decided about",
        ),
    ],
)
def test_a_policy_decides_about_newly_received_units_or_the_merchant_is_asked(
    known: Sequence[Event], policy: RestockDecision, expected: Sequence[Event]
) -> None:
    draft = a_draft(ORDER, *known)
    after_receipt(draft, ORDER, "rt", policy)
    assert news(draft) == list(expected)
    assert said_by(draft) == [POLICY] * len(expected)


@given(came=st.integers(1, 4), named=st.integers(-2, 7))
def test_a_policy_per_line_is_followed_within_what_came_and_nowhere_else(came: int, named: int) -> None:
    draft = a_draft(ORDER, received("rt", "rc", found("cup", came)))
    policy = RestockDecision.lines({"cup": max(0, named)})
    after_receipt(draft, ORDER, "rt", policy)
    followed = isinstance(news(draft)[0], RestockDecided)
    assert followed is (0 < named <= came)


# --- the merchant's answer -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "known, decision, expected",
    [
        pytest.param([CAME, ASKED], ALL, [decided(ALL, moved("cup", 3, "mv-1"), moved("pot", 1, "mv-2"))], id="OK"),
        pytest.param([CAME, ASKED], BY_HAND, [decided(BY_HAND, by_hand={"cup": 3, "pot": 1})], id="Cancel"),
        pytest.param(
            [CAME, ASKED],
            RestockDecision.lines({"cup": 3}),
            [decided(RestockDecision.lines({"cup": 3}), moved("cup", 3, "mv-1"), by_hand={"pot": 1})],
            id="per line",
        ),
        pytest.param([CAME, ASKED, decided(ALL, moved("cup", 3, "a"))], ALL, [], id="the same once more"),
        pytest.param(
            [CAME, ASKED, decided(RestockDecision.lines({"cup": 3}), moved("cup", 3, "a"), by_hand={"pot": 1})],
            RestockDecision.lines({"cup": 3}),
            [],
            id="the same lines once more",
        ),
        pytest.param(
            [CAME, ASKED, decided(BY_HAND, by_hand={"cup": 3, "pot": 1})],
            ALL,
            [decided(ALL, moved("cup", 3, "mv-1"), moved("pot", 1, "mv-2"))],
            id="what is by hand is restocked later",
        ),
        pytest.param(
            [CAME, ASKED, decided(BY_HAND, by_hand={"cup": 3, "pot": 1})],
            RestockDecision.lines({"cup": 1}),
            [decided(RestockDecision.lines({"cup": 1}), moved("cup", 1, "mv-1"), by_hand={"cup": 2, "pot": 1})],
            id="and some of it",
        ),
        pytest.param(
            [CAME, ASKED, decided(RestockDecision.lines({"pot": 1}), moved("pot", 1, "a"), by_hand={"cup": 1})],
            RestockDecision.lines({"cup": 1}),
            [decided(RestockDecision.lines({"cup": 1}), moved("cup", 1, "mv-1"))],
            id="the last one of it",
        ),
        pytest.param(
            [CAME, decided(BY_HAND, by_hand={"cup": 2}), ASKED],
            ALL,
            [decided(ALL, moved("cup", 1, "mv-1"), moved("pot", 1, "mv-2"), by_hand={"cup": 2})],
            id="a question is about what nobody decided, and not about the list",
        ),
        pytest.param(
            [received("rt", "rc", found("cup", 2)), decided(BY_HAND, by_hand={"cup": 1}), ASKED],
            BY_HAND,
            [decided(BY_HAND, by_hand={"cup": 2})],
            id="as many on the list as are asked about",
        ),
    ],
)
def test_the_merchant_answers_once_and_restocks_later_what_he_had_left_by_hand(
    known: Sequence[Event], decision: RestockDecision, expected: Sequence[Event]
) -> None:
    draft = a_draft(ORDER, *known)
    answer(draft, ORDER, "rt", decision)
    assert news(draft) == list(expected)
    assert said_by(draft) == [ANNA] * len(expected)


NOTHING_WAITS = (
    "Order 1001: nothing of return rt waits for an answer about the stock. "
    "To take units out again, correct the receipt."
)
NO_ANSWER = "Order 1001, return rt: answer with all, by hand, or at least one line with its units."


def too_many(number: int, line: str, left: int) -> str:
    return (
        f"Order 1001, return rt: line {line}: {number} cannot go back in stock; sellable and not in stock yet: {left}"
    )


TAKEN_OUT = decided(BY_HAND, moved("cup", -2, "a"), by_hand={"cup": 2})
IN_VAIN = StockFailed(return_id="rt", movement_id="a", because="sold already", final=True)


@pytest.mark.parametrize(
    "known, decision, kind, sentence",
    [
        ([CAME], ALL, WrongState, NOTHING_WAITS),
        ([CAME, decided(ALL, moved("cup", 3, "a"))], BY_HAND, WrongState, NOTHING_WAITS),
        (
            [CAME, decided(ALL, moved("cup", 2, "a"), by_hand={"cup": 1, "pot": 1})],
            BY_HAND,
            WrongState,
            NOTHING_WAITS,
        ),
        ([CAME, decided(BY_HAND)], ALL, WrongState, NOTHING_WAITS),
        ([CAME, TAKEN_OUT, IN_VAIN], ALL, WrongState, NOTHING_WAITS),
        ([CAME, ASKED], ASK, InvalidLines, NO_ANSWER),
        ([CAME, ASKED], RestockDecision.lines({}), InvalidLines, NO_ANSWER),
        ([CAME, ASKED], RestockDecision.lines({"cup": 4}), InvalidQuantity, too_many(4, "cup", 3)),
        ([CAME, ASKED], RestockDecision.lines({"cup": 0}), InvalidQuantity, too_many(0, "cup", 3)),
        ([CAME, ASKED], RestockDecision.lines({"card": 1}), InvalidQuantity, too_many(1, "card", 0)),
        (
            [CAME, ASKED, decided(BY_HAND, by_hand={"cup": 2})],
            RestockDecision.lines({"cup": 3}),
            InvalidQuantity,
            too_many(3, "cup", 2),
        ),
        (
            [CAME, ASKED],
            RestockDecision.lines({"mug": 1}),
            UnknownLine,
            "Order 1001 has no line mug. Its lines are cup, pot, card, postage.",
        ),
    ],
)
def test_an_answer_that_nothing_waits_for_or_that_does_not_fit_is_refused(
    known: Sequence[Event], decision: RestockDecision, kind: type[Exception], sentence: str
) -> None:
    draft = a_draft(ORDER, *known)
    with refused(kind, sentence):  # type: ignore[arg-type]
        answer(draft, ORDER, "rt", decision)
    assert news(draft) == []


@pytest.mark.parametrize("kind", [ActorKind.CUSTOMER, ActorKind.PROVIDER, ActorKind.SYSTEM])
def test_staff_alone_answers_for_the_stock(kind: ActorKind) -> None:
    draft = a_draft(ORDER, CAME, ASKED, by=ACTORS[kind])
    sentence = f"Order 1001: {IN_WORDS[kind]} may not answer the question about the stock; staff may."
    with refused(NotAllowed, sentence):
        answer(draft, ORDER, "rt", ALL)


# --- after a correction ----------------------------------------------------------------------------------

FOLLOWS = RestockDecision.lines({}, because=reason(ReasonCode.RECEIPT_CORRECTED))
NOTHING_LEFT = RestockDecision.by_hand(reason(ReasonCode.NOTHING_TO_DECIDE))
BOOKED = decided(ALL, moved("cup", 3, "a"), moved("pot", 1, "b"))
LISTED = decided(BY_HAND, by_hand={"cup": 3, "pot": 1})
SOME_LISTED = decided(ALL, moved("cup", 1, "a"), moved("pot", 1, "b"), by_hand={"cup": 2})


@pytest.mark.parametrize(
    "known, policy, expected",
    [
        pytest.param([CAME, BOOKED, corrected(CUPS)], ALL, [], id="nothing changes"),
        pytest.param(
            [CAME, BOOKED, corrected(found("cup", 1))],
            ALL,
            [decided(FOLLOWS, moved("cup", -2, "mv-1"), corrects=True)],
            id="what was booked is taken out again",
        ),
        pytest.param(
            [CAME, BOOKED, corrected(found("cup"), found("pot"))],
            ALL,
            [decided(FOLLOWS, moved("cup", -3, "mv-1"), moved("pot", -1, "mv-2"), corrects=True)],
            id="all of it",
        ),
        pytest.param(
            [CAME, LISTED, corrected(found("cup", 1))],
            ALL,
            [decided(FOLLOWS, by_hand={"cup": 1, "pot": 1}, corrects=True)],
            id="the list by hand gets shorter",
        ),
        pytest.param(
            [CAME, LISTED, corrected(found("pot"))],
            ALL,
            [decided(FOLLOWS, by_hand={"cup": 3}, corrects=True)],
            id="and has no line of nothing",
        ),
        pytest.param(
            [CAME, SOME_LISTED, corrected(found("cup", 2))],
            ALL,
            [decided(FOLLOWS, by_hand={"cup": 1}, corrects=True)],
            id="first the list",
        ),
        pytest.param(
            [CAME, SOME_LISTED, corrected(found("cup", 1))],
            ALL,
            [decided(FOLLOWS, corrects=True)],
            id="all of the list, and nothing that was booked",
        ),
        pytest.param(
            [CAME, SOME_LISTED, corrected(found("cup"))],
            ALL,
            [decided(FOLLOWS, moved("cup", -1, "mv-1"), corrects=True)],
            id="then what was booked",
        ),
        pytest.param(
            [CAME, BOOKED, corrected(found("cup", 4))],
            ALL,
            [decided(ALL, moved("cup", 1, "mv-1"))],
            id="more than was counted is decided like what is received",
        ),
        pytest.param(
            [CAME, BOOKED, corrected(found("cup", 4), found("pot"))],
            ASK,
            [decided(FOLLOWS, moved("pot", -1, "mv-1"), corrects=True), ASKED],
            id="less of one and more of another",
        ),
        pytest.param(
            [CAME, ASKED, corrected(found("cup"), found("pot"))],
            ALL,
            [decided(NOTHING_LEFT)],
            id="nothing is left to ask",
        ),
        pytest.param([CAME, ASKED, corrected(found("cup", 1))], ALL, [], id="the question is about what is left"),
        pytest.param(
            [CAME, decided(BY_HAND, by_hand={"cup": 2}), ASKED, corrected(found("cup", 2), found("pot"))],
            ALL,
            [decided(NOTHING_LEFT, by_hand={"cup": 2})],
            id="the list stays when nothing is left to ask",
        ),
        pytest.param(
            [received("rt", "rc", found("cup", 1)), decided(ALL, moved("cup", 1, "a")), corrected(found("cup"))],
            ALL,
            [decided(FOLLOWS, moved("cup", -1, "mv-1"), corrects=True)],
            id="the only unit",
        ),
    ],
)
def test_a_corrected_receipt_shortens_the_list_first_and_then_takes_units_out_again(
    known: Sequence[Event], policy: RestockDecision, expected: Sequence[Event]
) -> None:
    draft = a_draft(ORDER, *known)
    after_correction(draft, ORDER, "rt", policy)
    assert news(draft) == list(expected)
    by_policy = {RestockAsked: POLICY, RestockDecided: POLICY}
    for one, by in zip(news(draft), said_by(draft), strict=True):
        assert by == (ANNA if isinstance(one, RestockDecided) and one.corrects else by_policy[type(one)])


# --- what the shop booked --------------------------------------------------------------------------------

CUPS_IN, POT_IN = moved("cup", 3, "a"), moved("pot", 1, "b")
OTHER_IN = attrs.evolve(moved("cup", 1, "c"), return_id="other")
IN_TWO_RETURNS = [
    received("rt", "rc", CUPS, POT),
    decided(ALL, CUPS_IN, POT_IN),
    received("other", "rc-2", found("cup", 1)),
    RestockDecided(return_id="other", decision=ALL, movements=(OTHER_IN,)),
]


def applied(return_id: str, *ids: str) -> StockApplied:
    return StockApplied(return_id=return_id, movement_ids=ids)


def could_not(movement_id: str, *, final: bool) -> StockFailed:
    return StockFailed(return_id="rt", movement_id=movement_id, because="closed", final=final)


@pytest.mark.parametrize(
    "before, booked, recorded",
    [
        ([], [CUPS_IN, POT_IN, OTHER_IN], {"rt": ("a", "b"), "other": ("c",)}),
        ([], [POT_IN], {"rt": ("b",)}),
        ([applied("rt", "a")], [CUPS_IN, POT_IN], {"rt": ("b",)}),
        ([applied("rt", "a", "b")], [CUPS_IN, POT_IN, OTHER_IN], {"other": ("c",)}),
        ([could_not("a", final=False)], [CUPS_IN], {"rt": ("a",)}),
        ([could_not("a", final=True)], [CUPS_IN], {}),
        ([], [], {}),
    ],
)
def test_what_the_shop_booked_is_recorded_once_in_one_event_for_each_return(
    before: Sequence[Event], booked: Sequence[StockMovement], recorded: Mapping[str, tuple[str, ...]]
) -> None:
    draft = a_draft(ORDER, *IN_TWO_RETURNS, *before)
    for _ in range(2):
        record_applied(draft, booked, by=ACTORS[ActorKind.SYSTEM])
    assert news(draft) == [applied(return_id, *ids) for return_id, ids in recorded.items()]
    assert said_by(draft) == [ACTORS[ActorKind.SYSTEM]] * len(recorded)


def test_who_had_it_booked_says_so_where_nobody_else_is_named() -> None:
    draft = a_draft(ORDER, *IN_TWO_RETURNS)
    record_applied(draft, [CUPS_IN])
    assert said_by(draft) == [ANNA]


# --- corrected again and again ---------------------------------------------------------------------------

counts = st.builds(found, st.just("cup"), st.integers(0, 4))
policies = st.sampled_from([ALL, BY_HAND, ASK, RestockDecision.lines({"cup": 1})])


@given(st.lists(st.tuples(counts, policies), max_size=6))
def test_every_sellable_unit_is_booked_or_listed_or_asked_about_once(
    steps: Sequence[tuple[Counted, RestockDecision]],
) -> None:
    """However often a receipt is corrected, and whatever is decided between."""
    draft = a_draft(ORDER, received("rt", "rc", found("cup", 2)))
    after_receipt(draft, ORDER, "rt", ALL)
    for count, policy in steps:
        draft.record(corrected(count))
        after_correction(draft, ORDER, "rt", policy)
        return_ = draft.dossier.return_("rt")
        taken = return_.moved().get("cup", 0) + return_.by_hand.get("cup", 0)
        waiting = count.sellable - taken
        assert waiting >= 0
        assert return_.question_open is (waiting > 0)
