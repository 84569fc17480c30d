"""When a label is ordered, taken back or settled by a person, and which label a provider speaks of."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Sequence
from typing import Any

import attrs
import pytest
from drafts import ACTORS, DATABASE, HOUR, IN_WORDS, NOON, SECOND, a_draft, news, refused, words
from goods_events import approved, cancelled, closed, found, received, requested, sent
from label_events import DROP_OFF, lost_answer, moved, not_made, ordered, told, wanted_back

from retour import ActorKind, Order
from retour.model.dossier import Dossier
from retour.model.errors import InvalidArgument, NotAllowed, RetourError, UnknownLine, WrongState
from retour.model.events.event import Event
from retour.model.events.labels import LabelCancelAsked, LabelHeld, LabelOrdered, LabelSettled
from retour.model.labels import Told, WhoPays
from retour.model.moment import Moment
from retour.model.parcels import Address, Parcel, ParcelItem
from retour.model.reasons import ReasonCode, reason
from retour.rules import labels
from retour.rules.draft import Draft
from retour.rules.labels import NextForLabel, WantedLabel
from retour.testing import a_line, an_order

ORDER: Order = an_order(a_line("cup", 2, "40.00"))
REQUESTED: list[Event] = [requested("rt", cup=2)]
COMES = [*REQUESTED, approved("rt")]
HOME = Address(name="J. Jansen", street="Dam 1", postal_code="1012 JS", city="Amsterdam", country="NL")
SHOP = Address(name="Webshop", street="Kade 1", postal_code="1011 AA", city="Amsterdam", country="NL")
PARCEL = Parcel(weight_grams=1000, items=(ParcelItem(line_id="cup", description="Cup", quantity=1),))
WANTED = WantedLabel(
    return_id="rt",
    provider="sendcloud",
    account="second",
    option=DROP_OFF,
    parcel=PARCEL,
    sender=HOME,
    recipient=SHOP,
    payer=WhoPays.CUSTOMER,
)
MADE = [ordered("lb"), told("lb")]
UNCLEAR = [ordered("lb"), lost_answer("lb")]


def held(label_id: str) -> LabelHeld:
    return LabelHeld(return_id="rt", label_id=label_id, because=reason(ReasonCode.OUTCOME_UNKNOWN))


def order(draft: Draft, **wanted: Any) -> None:
    labels.order_label(draft, ORDER, attrs.evolve(WANTED, **wanted))


def cancel(draft: Draft, note: str | None = None) -> None:
    labels.cancel_label(draft, ORDER, "lb", note)


def settle(draft: Draft, *, made: bool = True, reference: str = "sc_1", note: str | None = None) -> None:
    labels.settle_label(draft, ORDER, "lb", made=made, reference=reference, note=note)


@pytest.mark.parametrize("kind", ActorKind)
@pytest.mark.parametrize(
    "known, step, may, refusal",
    [
        ([], order, "customer staff system", "may not order a label; the customer and staff may."),
        (MADE, cancel, "customer staff system", "may not cancel a label; the customer and staff may."),
        ([*UNCLEAR, held("lb")], settle, "staff", "may not settle a label; staff may."),
    ],
)
def test_each_step_of_a_label_is_for_who_may_take_it(
    known: Sequence[Event], step: Callable[[Draft], object], may: str, refusal: str, kind: ActorKind
) -> None:
    draft = a_draft(ORDER, *COMES, *known, by=ACTORS[kind])
    if kind.value in may.split():
        step(draft)
        assert len(news(draft)) == 1
    else:
        with refused(NotAllowed, f"Order 1001: {IN_WORDS[kind]} {refusal}"):
            step(draft)


# --- ordering one -----------------------------------------------------------------------------------------


def test_all_that_a_label_is_ordered_with_is_kept() -> None:
    draft = a_draft(ORDER, *COMES)
    order(draft, note="fragile")
    assert news(draft) == [
        LabelOrdered(
            label_id="lb-1",
            return_id="rt",
            provider="sendcloud",
            account="second",
            option=DROP_OFF,
            parcel=PARCEL,
            addresses_id="ad-1",
            payer=WhoPays.CUSTOMER,
            note_id="nt-1",
            database_at=DATABASE.earliest,
        )
    ]
    assert words(draft, "nt-1") == "fragile"
    addresses = str(words(draft, "ad-1"))
    assert 0 <= addresses.index("J. Jansen") < addresses.index("Webshop")


@pytest.mark.parametrize(
    "known, state",
    [
        (COMES, ""),
        ([*COMES, sent("rt")], ""),
        ([*COMES, received("rt", "rc", found("cup", 1))], ""),
        (REQUESTED, "requested"),
        ([*COMES, received("rt", "rc", found("cup", 2))], "received"),
        ([*COMES, cancelled("rt")], "cancelled"),
        ([*COMES, received("rt", "rc", found("cup", 1)), closed("rt")], "closed"),
    ],
)
def test_a_label_is_ordered_for_goods_that_are_to_come(known: Sequence[Event], state: str) -> None:
    draft = a_draft(ORDER, *known)
    if not state:
        order(draft)
        return
    with refused(
        WrongState,
        f"Order 1001: return rt is {state}, and a label is made for one that is approved and not all received.",
    ):
        order(draft)


def test_a_label_is_for_a_way_that_a_carrier_takes_and_lines_of_the_order() -> None:
    for wrong in ({"sender": attrs.evolve(HOME, street="Dam")}, {"recipient": attrs.evolve(SHOP, street="Kade")}):
        with pytest.raises(InvalidArgument, match=r"Order 1001: no label can be made: .* has no house number"):
            order(a_draft(ORDER, *COMES), **wrong)
    abroad = attrs.evolve(HOME, country="CH")
    with pytest.raises(InvalidArgument, match="no label can be made"):
        order(a_draft(ORDER, *COMES), sender=abroad)
    vase = Parcel(weight_grams=1, items=(ParcelItem(line_id="vase", description="Vase", quantity=1),))
    with pytest.raises(UnknownLine, match="Order 1001 has no line vase"):
        order(a_draft(ORDER, *COMES), parcel=vase)


HAS_ONE = (
    "Order 1001: return rt has label {label}, which is {state}. Show that one, replace it, or say that "
    "another parcel goes with this one."
)
OF_ANOTHER = [requested("rt2", cup=1), ordered("lb", "rt2"), told("lb", return_id="rt2")]
REPLACED = [*MADE, ordered("lb2", replaces="lb")]


IN_CODE = {
    "label lb, which": "order_label(..., replaces='lb') or order_label(..., another_parcel=True)",
    "label lb2, which": "order_label(..., replaces='lb2') or order_label(..., another_parcel=True)",
    "on its way": "order_label(..., another_parcel=True)",
    "not known yet": "settle_label('1001', 'lb', ...)",
}
"""What is said to who writes the application, by words of the sentence."""


@pytest.mark.parametrize(
    "known, wanted, error",
    [
        (MADE, {}, HAS_ONE.format(label="lb", state="ready")),
        ([ordered("lb")], {}, HAS_ONE.format(label="lb", state="being made")),
        ([*MADE, ordered("lb2")], {}, HAS_ONE.format(label="lb2", state="being made")),
        (MADE, {"beside": True}, ""),
        ([ordered("lb"), not_made("lb")], {}, ""),
        ([*MADE, told("lb", Told.CANCELLED)], {}, ""),
        ([ordered("lb", "rt2")], {}, ""),
        (MADE, {"replaces": "lb"}, ""),
        ([*MADE, ordered("lb2")], {"replaces": "lb"}, ""),
        ([ordered("lb"), not_made("lb")], {"replaces": "lb"}, ""),
        (OF_ANOTHER, {"replaces": "lb"}, "Order 1001: label lb is of return rt2, not of rt."),
        (REPLACED, {"replaces": "lb"}, "Order 1001: label lb was replaced by lb2 already. Show that one."),
        (
            [*MADE, moved("lb")],
            {"replaces": "lb"},
            "Order 1001: the parcel of label lb is on its way, so it needs no other label. If another parcel goes "
            "with it, say so.",
        ),
        (
            UNCLEAR,
            {"replaces": "lb"},
            "Order 1001: whether label lb was made is not known yet. Wait for it, or settle it yourself, so that no "
            "two are bought.",
        ),
    ],
)
def test_one_parcel_has_one_label_that_can_be_replaced_while_it_is_not_used(
    known: Sequence[Event], wanted: dict[str, Any], error: str
) -> None:
    draft = a_draft(ORDER, *COMES, *known)
    if not error:
        order(draft, **wanted)
        assert isinstance(news(draft)[0], LabelOrdered)
        return
    with pytest.raises(RetourError) as caught:
        order(draft, **wanted)
    assert str(caught.value) == error
    assert type(caught.value) is (InvalidArgument if known is OF_ANOTHER else WrongState)
    assert next((code for words, code in IN_CODE.items() if words in error), "") == caught.value.in_code


def test_a_label_that_is_replaced_is_taken_back() -> None:
    draft = a_draft(ORDER, *COMES, *MADE)
    order(draft, replaces="lb")
    first, second = news(draft)
    assert isinstance(first, LabelOrdered)
    assert (first.replaces, second) == ("lb", wanted_back("lb"))


# --- taking one back, and a person's word -----------------------------------------------------------------


def not_now(state: str) -> str:
    return f"Order 1001: label lb is {state}, so it cannot be cancelled now."


@pytest.mark.parametrize(
    "known, error",
    [
        (MADE, ""),
        ([ordered("lb"), told("lb", Told.ANNOUNCING)], ""),
        ([*MADE, moved("lb")], "Order 1001: the carrier has the parcel of label lb, so it cannot be cancelled."),
        ([ordered("lb")], not_now("being made")),
        ([ordered("lb"), not_made("lb")], not_now("refused")),
        ([*MADE, wanted_back("lb")], not_now("being cancelled")),
        ([*MADE, told("lb", Told.CANCELLED)], not_now("cancelled")),
        (
            [ordered("lb"), told("lb", reference="")],
            "Order 1001: Sendcloud has not said yet what it calls label lb, so it cannot be cancelled from here. "
            "Cancel it there, or wait until it is told.",
        ),
    ],
)
def test_a_label_is_cancelled_that_is_there_not_used_and_has_a_name(known: Sequence[Event], error: str) -> None:
    draft = a_draft(ORDER, *COMES, *known)
    if error:
        with refused(WrongState, error):
            cancel(draft)
        return
    cancel(draft, "not needed")
    assert news(draft) == [LabelCancelAsked(return_id="rt", label_id="lb", note_id="nt-1")]
    assert words(draft, "nt-1") == "not needed"


WAITS = [*UNCLEAR, held("lb")]
OTHER = [ordered("lb2"), told("lb2", reference="sc_2")]


@pytest.mark.parametrize(
    "known, state", [(UNCLEAR, "not known to be made"), (MADE, "ready"), ([*MADE, held("lb")], "ready")]
)
def test_a_label_is_settled_that_waits_for_a_person(known: Sequence[Event], state: str) -> None:
    with refused(
        WrongState,
        f"Order 1001: label lb is {state}. Only one that waits for a person is settled by hand.",
    ):
        settle(a_draft(ORDER, *COMES, *known))


@pytest.mark.parametrize("known", [WAITS, [ordered("lb"), held("lb")]])
@pytest.mark.parametrize("made, reference", [(True, "sc_1"), (False, "")])
def test_a_person_says_whether_a_label_was_made_and_what_it_is_called(
    known: Sequence[Event], made: bool, reference: str
) -> None:
    draft = a_draft(ORDER, *COMES, *known)
    settle(draft, made=made, reference=" sc_1 ", note="I looked")
    assert news(draft) == [LabelSettled(return_id="rt", label_id="lb", made=made, reference=reference, note_id="nt-1")]
    assert words(draft, "nt-1") == "I looked"


@pytest.mark.parametrize("reference", ["", "  "])
def test_a_label_that_was_made_has_a_name_and_one_that_was_not_needs_none(reference: str) -> None:
    settle(a_draft(ORDER, *COMES, *WAITS), made=False, reference=reference)
    sentence = "Order 1001: say what Sendcloud calls label lb."
    with refused(InvalidArgument, sentence, in_code="settle_label(..., reference=...)"):
        settle(a_draft(ORDER, *COMES, *WAITS), reference=reference)


def test_the_name_of_another_label_there_is_not_given_to_this_one() -> None:
    with refused(InvalidArgument, "Order 1001: sc_2 is label lb2 already."):
        settle(a_draft(ORDER, *COMES, *OTHER, *WAITS), reference=" sc_2 ")
    with refused(InvalidArgument, "Order 1001: SC_2 is label lb2 already."):
        settle(a_draft(ORDER, *COMES, *OTHER, *WAITS), reference="SC_2")
    settle(a_draft(ORDER, *COMES, *OTHER, *WAITS), made=False, reference="sc_2")
    elsewhere = [ordered("lb2", account="other"), told("lb2", reference="sc_2")]
    settle(a_draft(ORDER, *COMES, *elsewhere, *WAITS), reference="sc_2")
    its_own = [*MADE, lost_answer("lb"), held("lb")]
    settle(a_draft(ORDER, *COMES, *its_own), reference="sc_1")


# --- finding out ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "repeats, complete_after, after, step",
    [
        (True, None, SECOND, NextForLabel.ASK_AGAIN),
        (True, HOUR, 2 * HOUR, NextForLabel.ASK_AGAIN),
        (False, None, 2 * HOUR, NextForLabel.HOLD),
        (False, HOUR, HOUR, NextForLabel.WAIT),
        (False, HOUR, HOUR + SECOND, NextForLabel.MAKE_ANEW),
    ],
)
def test_what_follows_when_a_label_is_not_found(
    repeats: bool, complete_after: datetime.timedelta | None, after: datetime.timedelta, step: NextForLabel
) -> None:
    label = a_draft(ORDER, *COMES, *UNCLEAR).dossier.label("lb")
    now = Moment(earliest=NOON + after, latest=NOON + after + HOUR)
    assert labels.next_for_label(label, now, refuses_repeats=repeats, lookup_complete_after=complete_after) is step
    undated = attrs.evolve(label, unclear_at=None)
    held_or_asked = NextForLabel.ASK_AGAIN if repeats else NextForLabel.HOLD
    assert (
        labels.next_for_label(undated, now, refuses_repeats=repeats, lookup_complete_after=complete_after)
        is held_or_asked
    )


def dossier(*known: Event) -> Dossier:
    return a_draft(ORDER, *COMES, *known).dossier


@pytest.mark.parametrize(
    "known, follows",
    [
        ([ordered("lb")], False),
        ([ordered("lb1"), not_made("lb1"), ordered("lb")], True),
        ([ordered("lb1"), told("lb1"), ordered("lb")], False),
        ([ordered("lb1"), not_made("lb1"), ordered("lb2"), told("lb2"), ordered("lb")], False),
        ([ordered("lb1"), told("lb1"), ordered("lb2"), not_made("lb2"), ordered("lb")], True),
        ([ordered("lb"), ordered("lb1"), not_made("lb1")], False),
        ([ordered("lb1", "rt2"), not_made("lb1"), ordered("lb")], False),
    ],
)
def test_a_label_follows_a_refusal_where_the_one_before_it_was_refused(known: Sequence[Event], follows: bool) -> None:
    here = dossier(*known)
    assert labels.follows_a_refusal(here, here.label("lb")) is follows
