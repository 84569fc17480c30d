"""Whose label a number is: the whole rule as a table, which the documentation shows, and where its edges are."""

from __future__ import annotations

import datetime
import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import attrs
import pytest
from drafts import HOUR, NOON, SECOND, a_draft
from goods_events import approved, requested
from label_events import in_portal, lost_answer, not_made, ordered, said_made, shown, told

from retour.model.events.event import Event
from retour.model.labels import Told
from retour.rules.label_reports import ReportedShipment
from retour.rules.whose_label import (
    MADE_BEFORE,
    About,
    Answer,
    Ask,
    Known,
    Learnt,
    Nobodys,
    This,
    Wait,
    among,
    are_settled,
    by_name,
    known_labels,
    same_parcel,
    sorted_out,
    whose,
)
from retour.testing import a_line, an_order

TABLE = Path(__file__).with_name("whose_label.md")
"""The table as it was last read by somebody; `docs/test_whose_label_page.py` has the documentation show it."""


def a_label(label_id: str = "lb", **more: Any) -> Known:
    return Known(id=label_id, order_id="1001", **{"there": True, "since": NOON, **more})


BEING_MADE = a_label(there=False, making=True)
NAMELESS = a_label()
ENDED = a_label(ended=True)
BY_NUMBER = a_label(reference="1")
ENDED_BY_NUMBER = a_label(reference="1", ended=True)
BY_PARCEL = a_label(parcel="p1")
BY_BOTH = a_label(reference="1", parcel="p1")
BY_TRACKING = a_label(reference="sc_1", tracking_number="3S")
NOT_MADE = a_label(there=False)

LABELS: Mapping[str, Known] = {
    "is being made, or its answer was lost": BEING_MADE,
    "is there, without a name": NAMELESS,
    "ended without a name": ENDED,
    "has its number alone": BY_NUMBER,
    "ended with its number alone": ENDED_BY_NUMBER,
    "has its parcel alone": BY_PARCEL,
    "has both": BY_BOTH,
    "was not made": NOT_MADE,
}
WORDS: Mapping[str, ReportedShipment] = {
    "a name that it has": shown(reference="1", parcel="p1"),
    "another number": shown(Told.ANNOUNCING, reference="2"),
    "another parcel": shown(reference="", parcel="p2"),
}


def tellings(ask: Ask, label: Known, seen: ReportedShipment, learnt: Learnt) -> Iterator[tuple[str, Learnt]]:
    """What a provider can tell when it is asked that, in words."""
    if ask.about is About.ITSELF:
        theirs = {"it has the label's parcel": shown(parcel=label.parcel)} if label.parcel else {}
        reads: dict[str, ReportedShipment] = {
            **theirs,
            f"it has {'another' if label.parcel else 'a'} parcel": shown(parcel="p2"),
            "it has no parcel yet": shown(Told.ANNOUNCING),
            "it ended": shown(Told.REFUSED),
        }
        for words, read in reads.items():
            yield words, attrs.evolve(learnt, itself=read)
    elif ask.about is About.A_LABEL:
        answers = {
            "it has this parcel": shown(parcel=seen.parcel),
            "it has another": shown(parcel="p9"),
            "it has none yet": shown(Told.ANNOUNCING),
            "it ended": shown(Told.CANCELLED),
            "there is no such": None,
        }
        for words, answer in answers.items():
            yield words, attrs.evolve(learnt, labels={**learnt.labels, ask.label_id: answer})
    else:
        own = attrs.evolve(learnt.named(seen), reference="")
        other = shown(reference="", parcel="p7")
        lists = {
            "it is all of the order": [own],
            "it is one of two that can be the label": [own, shown(Told.ANNOUNCING, reference="")],
            "it is one of two, and both have a parcel": [own, other],
            "it is not there yet": [] if not own.parcel else [other],
        }
        for words, listed in lists.items():
            if own.parcel or "both" not in words:
                yield words, attrs.evolve(learnt, listed=listed, when_listed=frozenset({"lb"}))


def paths(label: Known, seen: ReportedShipment, learnt: Learnt, before: Sequence[str] = ()) -> Iterator[list[str]]:
    answer = whose([label], seen, learnt)
    if not isinstance(answer, Ask):
        yield [*before, IN_WORDS[type(answer) if isinstance(answer, This) else answer]]
        return
    for words, more in tellings(answer, label, seen, learnt):
        yield from paths(label, seen, more, [*before, f"{ASKED[answer.about]}: {words}"])


ASKED = {
    About.ITSELF: "the number is read",
    About.A_LABEL: "the label is read",
    About.THE_ORDER: "the order is listed",
}
IN_WORDS: Mapping[object, str] = {
    This: "**this label**",
    Nobodys.NONE: "none of ours",
    **{wait: f"waits {wait.value}" for wait in Wait},
}


def the_table() -> str:
    """The rule of one label and one word, to the end of each way that it can go."""
    lines = ["| a label | is spoken of by | and then | it is |", "| --- | --- | --- | --- |"]
    for label_words, label in LABELS.items():
        for words, seen in WORDS.items():
            if seen.parcel == "p1" and not (label.reference or label.parcel):
                continue
            for path in paths(label, seen, Learnt()):
                lines.append(f"| {label_words} | {words} | {'; '.join(path[:-1])} | {path[-1]} |")
    return "\n".join(lines) + "\n"


def test_the_whole_rule_is_as_it_was_last_read() -> None:
    if os.environ.get("RETOUR_WRITE_DOCS"):
        TABLE.write_text(the_table())
    assert TABLE.read_text() == the_table(), "write it anew, and read it: RETOUR_WRITE_DOCS=1 pytest tests/shipping"


def test_no_way_through_the_rule_is_without_an_end_and_each_answer_is_one_of_them() -> None:
    ends = {path[-1] for label in LABELS.values() for seen in WORDS.values() for path in paths(label, seen, Learnt())}
    assert ends == set(IN_WORDS.values())


# --- what is known of a label -----------------------------------------------------------------------------

COMES = [requested("rt", cup=2), approved("rt")]


def of_events(*known: Event, account: str = "default") -> list[Known]:
    draft = a_draft(an_order(a_line("cup", 2)), *COMES, *known)
    return known_labels(draft.dossier, "sendcloud", account)


@pytest.mark.parametrize(
    "events, expected",
    [
        ([], []),
        ([ordered("lb", database_at=NOON)], [BEING_MADE]),
        ([ordered("lb", database_at=NOON + HOUR)], [attrs.evolve(BEING_MADE, since=NOON + HOUR)]),
        ([ordered("lb")], [BEING_MADE]),  # stored before the database's time was kept: by the process's clock
        ([ordered("lb", database_at=NOON), lost_answer("lb")], [BEING_MADE]),
        ([ordered("lb", database_at=NOON), not_made("lb")], [NOT_MADE]),
        ([ordered("lb", database_at=NOON), told("lb", reference="")], [NAMELESS]),
        ([ordered("lb", database_at=NOON), told("lb", Told.REFUSED, reference="")], [ENDED]),
        ([ordered("lb", database_at=NOON), told("lb", Told.CANCELLED, reference="1")], [ENDED_BY_NUMBER]),
        ([ordered("lb", database_at=NOON), told("lb", reference="1")], [BY_NUMBER]),
        ([ordered("lb", database_at=NOON), told("lb", reference="1", parcel="p1")], [BY_BOTH]),
        ([ordered("lb", database_at=NOON), told("lb", Told.CANCELLED, reference="1", parcel="p1")], [BY_BOTH]),
        ([ordered("lb", database_at=NOON), lost_answer("lb"), said_made("lb", "1")], [BY_NUMBER]),
        (
            [ordered("lb", database_at=NOON), told("lb", tracking_number="3S")],
            [a_label(reference="sc_1", tracking_number="3S")],
        ),
        ([ordered("lb", database_at=NOON), told("lb", reference=""), lost_answer("lb")], [BEING_MADE]),
        ([in_portal("lb", reference="1", parcel="p1")], [attrs.evolve(BY_BOTH, since=None)]),
        ([ordered("lb", account="other")], []),
    ],
)
def test_what_is_known_of_a_label_is_what_its_events_say(events: Sequence[Event], expected: Sequence[Known]) -> None:
    assert of_events(*events) == expected


@pytest.mark.parametrize(
    "label, nameless, of_a_parcel, theirs",
    [
        (BEING_MADE, False, False, False),
        (NAMELESS, True, False, False),
        (BY_NUMBER, False, False, False),
        (BY_PARCEL, False, True, False),
        (a_label(tracking_number="3S"), False, True, False),
        (a_label(reference="1", since=None), False, False, True),
    ],
)
def test_what_follows_from_that(label: Known, nameless: bool, of_a_parcel: bool, theirs: bool) -> None:
    assert (label.nameless, label.of_a_parcel, label.in_portal) == (nameless, of_a_parcel, theirs)


def test_a_label_has_what_it_had_and_what_was_read_of_it_besides() -> None:
    read = shown(reference="", parcel="p1", tracking_number="3S1", made_at=NOON)
    learnt = Learnt(labels={"lb": read, "lb2": None})
    assert learnt.names_of(BY_NUMBER) == attrs.evolve(BY_NUMBER, parcel="p1", tracking_number="3S1", made_at=NOON)
    had = a_label(parcel="p0", tracking_number="3S0", made_at=NOON + HOUR)
    assert learnt.names_of(had) == had
    assert learnt.names_of(a_label("lb2")) == a_label("lb2")
    assert learnt.names_of(a_label("lb3")) == a_label("lb3")


@pytest.mark.parametrize(
    "names, word, ended",
    [
        ({}, Told.CANCELLED, True),
        ({}, Told.READY, False),
        ({"parcel": "p1"}, Told.CANCELLED, False),
        ({"tracking_number": "3S1"}, Told.REFUSED, False),
    ],
)
def test_a_label_ended_when_that_is_read_and_it_has_no_parcel(names: dict[str, str], word: Told, ended: bool) -> None:
    learnt = Learnt(labels={"lb": shown(word, reference="", **names)})
    assert learnt.names_of(BY_NUMBER).ended is ended
    [known] = of_events(ordered("lb"), told("lb", word, **names, made_at=NOON))
    assert (known.ended, known.made_at) == (ended, NOON)


def test_what_is_spoken_of_has_the_names_that_it_was_said_with_and_those_that_were_read() -> None:
    read = shown(reference="", parcel="p1", tracking_number="3S1")
    assert Learnt(itself=read).named(NUMBER) == attrs.evolve(NUMBER, parcel="p1", tracking_number="3S1")
    said = attrs.evolve(NUMBER, parcel="p0", tracking_number="3S0")
    assert Learnt(itself=read).named(said) == said


@pytest.mark.parametrize(
    "shipments, settled",
    [
        ([], True),
        ([shown(reference="", parcel="p1"), shown(reference="", tracking_number="3S1")], True),
        ([shown(Told.REFUSED, reference=""), shown(Told.CANCELLED, reference="")], True),
        ([shown(reference="", parcel="p1"), shown(Told.ANNOUNCING, reference="")], False),
    ],
)
def test_shipments_are_settled_when_none_of_them_gets_another_name(
    shipments: Sequence[ReportedShipment], settled: bool
) -> None:
    assert are_settled(shipments) is settled


# --- names ------------------------------------------------------------------------------------------------

PORTAL = a_label(reference="1", since=None)
SECOND_ONE = a_label("lb2", reference="2", parcel="p2")


@pytest.mark.parametrize(
    "labels, seen, name",
    [
        ([BY_NUMBER], shown(reference="1"), "lb"),
        ([BY_NUMBER], shown(reference="9"), None),
        ([BY_NUMBER], shown(reference="9", label_id="lb"), "lb"),
        ([NOT_MADE], shown(reference="9", label_id="lb"), "lb"),
        ([BY_NUMBER], shown(reference="1", label_id="lb9"), None),
        ([BY_NUMBER], shown(reference="1", order_id="1001"), "lb"),
        ([BY_NUMBER], shown(reference="1", order_id="1002"), None),
        ([BY_NUMBER], shown(reference="9", label_id="lb", order_id="1002"), None),
        ([PORTAL], shown(reference="1", order_id="1002", label_id="lb9"), "lb"),
        ([BY_BOTH, SECOND_ONE], shown(reference="2"), "lb2"),
        ([BY_BOTH, SECOND_ONE], shown(reference="1", label_id="lb2"), "lb2"),
        ([BY_BOTH, SECOND_ONE], shown(reference="", parcel="p2"), "lb2"),
        ([BY_BOTH, SECOND_ONE], shown(reference="1", parcel="p2"), "lb"),
        ([a_label(tracking_number="3S1")], shown(reference="", tracking_number="3S1"), "lb"),
        ([a_label(reference="1", tracking_number="3S1")], shown(reference="9", tracking_number="3S1"), None),
    ],
)
def test_a_label_is_named_by_our_id_or_the_first_name_that_both_have(
    labels: Sequence[Known], seen: ReportedShipment, name: str | None
) -> None:
    label = by_name(labels, seen)
    assert (None if label is None else label.id) == name
    assert (whose(labels, seen, Learnt()) == This(name or "")) is (name is not None)


@pytest.mark.parametrize(
    "one, other, same",
    [
        ({"parcel": "p1"}, {"parcel": "p1"}, True),
        ({"parcel": "p1"}, {"parcel": "p2"}, False),
        ({"parcel": "p1", "tracking_number": "3S1"}, {"parcel": "p1", "tracking_number": "3S2"}, True),
        ({"parcel": "p1", "tracking_number": "3S1"}, {"parcel": "p2", "tracking_number": "3S1"}, False),
        ({"parcel": "p1", "tracking_number": "3S1"}, {"tracking_number": "3S1"}, True),
        ({"tracking_number": "3S1"}, {"tracking_number": "3S2"}, False),
        ({"parcel": "p1"}, {"tracking_number": "3S1"}, None),
        ({"parcel": "p1"}, {}, None),
        ({}, {"parcel": "p1", "tracking_number": "3S1"}, None),
    ],
)
def test_two_words_are_of_one_parcel_by_its_number_or_else_its_tracking_number(
    one: dict[str, str], other: dict[str, str], same: bool | None
) -> None:
    assert same_parcel(shown(reference="", **one), shown(reference="", **other)) is same


# --- the edges of the rule --------------------------------------------------------------------------------

NUMBER, PARCEL = shown(Told.ANNOUNCING, reference="2"), shown(reference="", parcel="p2")
TRACKED = shown(reference="", tracking_number="3S2")
ASKED_ALL = Learnt(itself=NUMBER, listed=[], when_listed=frozenset({"lb", "lb2"}))
NOTHING = Learnt(reads=False, lists=False)
NAMELESS_TOO = a_label("lb2")
OTHER_PARCEL = shown(reference="", parcel="p7")
AT_NOON, LATER = shown(reference="", made_at=NOON), a_label(made_at=NOON + HOUR)


def read_at(read: datetime.datetime | None, *, listed_at: datetime.datetime) -> Learnt:
    """The number was read, and one shipment listed, which were made then."""
    listed = [shown(Told.ANNOUNCING, reference="", made_at=listed_at)]
    return attrs.evolve(ASKED_ALL, itself=attrs.evolve(NUMBER, made_at=read), listed=listed)


@pytest.mark.parametrize(
    "labels, seen, learnt, answer",
    [
        ([], NUMBER, Learnt(), Nobodys.NONE),
        ([BY_BOTH], NUMBER, Learnt(), Nobodys.NONE),
        # of another order, or with our id of another label
        ([NAMELESS], shown(reference="2", order_id="1002"), Learnt(), Nobodys.NONE),
        ([NAMELESS], shown(reference="2", label_id="lb9"), Learnt(), Nobodys.NONE),
        # made before it was asked for, by any clock
        ([BEING_MADE], shown(reference="2", made_at=NOON - MADE_BEFORE), Learnt(), Wait.FOR_AN_ANSWER),
        ([BEING_MADE], shown(reference="2", made_at=NOON - MADE_BEFORE - SECOND), Learnt(), Nobodys.NONE),
        ([PORTAL], shown(reference="", parcel="p2", made_at=NOON - HOUR), Learnt(), Ask(About.A_LABEL, "lb")),
        # while one is being made, a parcel can still be another's
        ([BEING_MADE, a_label("lb2", reference="2")], PARCEL, Learnt(), Ask(About.A_LABEL, "lb2")),
        ([BEING_MADE, BY_BOTH], PARCEL, Learnt(), Wait.FOR_AN_ANSWER),
        ([BY_PARCEL], TRACKED, Learnt(), Ask(About.A_LABEL, "lb")),
        ([BY_PARCEL, NAMELESS_TOO], TRACKED, Learnt(labels={"lb": None}), Wait.FOR_A_PARCEL),
        ([a_label(tracking_number="3S1")], PARCEL, Learnt(), Wait.FOR_A_PARCEL),
        ([NAMELESS], PARCEL, Learnt(), Wait.FOR_A_PARCEL),
        # a list in which the parcel is not says nothing of it
        ([NAMELESS], PARCEL, attrs.evolve(ASKED_ALL, itself=None, listed=[OTHER_PARCEL]), Wait.FOR_A_PARCEL),
        # a list that was read before the label was known to be there, or is late
        ([NAMELESS], NUMBER, attrs.evolve(ASKED_ALL, listed=[PARCEL], when_listed=frozenset()), Wait.FOR_A_PARCEL),
        ([NAMELESS], NUMBER, ASKED_ALL, Wait.FOR_A_PARCEL),
        # of another time than the one that is listed, so it is not that
        ([NAMELESS], NUMBER, read_at(NOON + HOUR, listed_at=NOON), Nobodys.NONE),
        ([NAMELESS], NUMBER, read_at(NOON, listed_at=NOON), This("lb")),
        ([NAMELESS], NUMBER, read_at(None, listed_at=NOON), This("lb")),
        ([LATER], AT_NOON, Learnt(listed=[AT_NOON], when_listed=frozenset({"lb"})), Nobodys.NONE),
        ([LATER], AT_NOON, Learnt(), Wait.FOR_A_PARCEL),
        # of another parcel than the one that is listed
        ([NAMELESS], attrs.evolve(NUMBER, parcel="p2"), attrs.evolve(ASKED_ALL, listed=[OTHER_PARCEL]), Nobodys.NONE),
        # two without names, and one shipment: the list is late
        ([NAMELESS, a_label("lb2")], NUMBER, attrs.evolve(ASKED_ALL, listed=[shown(reference="")]), Wait.FOR_A_PARCEL),
        # who can be asked nothing is believed, where one alone can be meant
        ([BY_PARCEL], NUMBER, NOTHING, This("lb")),
        ([NAMELESS], NUMBER, NOTHING, This("lb")),
        ([NAMELESS], NUMBER, attrs.evolve(ASKED_ALL, lists=False, listed=None), This("lb")),
        ([NAMELESS, a_label("lb2", parcel="p1")], NUMBER, NOTHING, Wait.FOR_A_PERSON),
        ([PORTAL], PARCEL, NOTHING, This("lb")),
        ([PORTAL, attrs.evolve(PORTAL, id="lb2", reference="2")], PARCEL, NOTHING, Nobodys.NONE),
        ([BY_NUMBER], PARCEL, NOTHING, Nobodys.NONE),
        ([BY_NUMBER, NAMELESS], PARCEL, NOTHING, Wait.FOR_A_PARCEL),
        # the number of what ended is its own only if that ended too
        ([ENDED], NUMBER, Learnt(itself=NUMBER), Nobodys.NONE),
        ([ENDED], shown(Told.REFUSED, reference="2"), Learnt(), Ask(About.ITSELF)),
        ([ENDED], shown(reference="2", tracking_number="3S2"), Learnt(), Nobodys.NONE),
    ],
)
def test_the_edges_of_the_rule(labels: Sequence[Known], seen: ReportedShipment, learnt: Learnt, answer: Answer) -> None:
    assert whose(labels, seen, learnt) == answer


# --- among the shipments of an order ----------------------------------------------------------------------

A, B = shown(reference="1"), shown(reference="2")
UNNAMED, REFUSED = shown(Told.ANNOUNCING, reference=""), shown(Told.REFUSED, reference="")
OURS, THEIRS = shown(reference="3", label_id="lb"), shown(reference="4", label_id="lb9")


@pytest.mark.parametrize(
    "others, listed, can",
    [
        ([], [A, B], [A, B]),
        ([], [A, OURS, B], [OURS]),
        ([], [A, THEIRS], [A]),
        ([SECOND_ONE], [A, B], [A]),
        # of one that is listed without its names nobody can tell that it is not that
        ([attrs.evolve(SECOND_ONE, tracking_number="3S2")], [UNNAMED], [UNNAMED]),
        ([SECOND_ONE], [UNNAMED], []),
        ([a_label("lb2", reference="2", since=None)], [UNNAMED], []),
        ([a_label("lb2", reference="2", since=None)], [UNNAMED, PARCEL], [UNNAMED, PARCEL]),
        ([a_label("lb2", made_at=NOON + HOUR)], [AT_NOON], [AT_NOON]),
        ([a_label("lb2")], [A], []),
        ([a_label("lb2")], [A, B], [A, B]),
        ([a_label("lb2")], [A, OURS], [OURS]),
        ([a_label("lb2", ended=True)], [UNNAMED], [UNNAMED]),
        ([a_label("lb2", there=False, making=True)], [A], [A]),
        ([], [shown(made_at=NOON - MADE_BEFORE)], [shown(made_at=NOON - MADE_BEFORE)]),
        ([], [shown(made_at=NOON - MADE_BEFORE - SECOND)], []),
    ],
)
@pytest.mark.parametrize("label", [BEING_MADE, NAMELESS])
def test_shipments_that_can_be_a_label_have_our_id_or_are_no_other_labels(
    label: Known, others: Sequence[Known], listed: Sequence[ReportedShipment], can: Sequence[ReportedShipment]
) -> None:
    assert list(among([label, *others], label, listed)) == can


@pytest.mark.parametrize("made_at, can", [(NOON, True), (NOON + SECOND, False), (None, False)])
def test_a_label_without_names_is_known_by_when_it_was_made_also_beside_others(
    made_at: datetime.datetime | None, can: bool
) -> None:
    """Another label, of which nothing is listed, could else be the one shipment that there is."""
    label, other = a_label(made_at=made_at), a_label("lb2", reference="2", since=None)
    assert list(among([label, other], label, [AT_NOON])) == [AT_NOON] * can


@pytest.mark.parametrize(
    "labels, listed, which",
    [
        ([NAMELESS], [A], 0),
        ([NAMELESS], [A, B], None),
        ([NAMELESS], [], None),
        ([NAMELESS, SECOND_ONE], [B, A], 1),
        ([NAMELESS, SECOND_ONE], [B], None),
        ([NAMELESS, a_label("lb2")], [A], None),
        ([BEING_MADE], [A], None),
        ([BY_NUMBER], [B], None),
        ([BY_PARCEL], [A], None),
        ([ENDED], [A], None),
        ([PORTAL], [B], None),
    ],
)
def test_the_one_label_without_names_is_the_one_shipment_that_it_can_be(
    labels: Sequence[Known], listed: Sequence[ReportedShipment], which: int | None
) -> None:
    learnt = Learnt(listed=listed, when_listed=frozenset({"lb", "lb2"}))
    expected = [attrs.evolve(one, label_id="lb") if at == which else one for at, one in enumerate(listed)]
    assert list(sorted_out(labels, learnt).listed or ()) == expected
    unknown_then = attrs.evolve(learnt, when_listed=frozenset())
    assert list(sorted_out(labels, unknown_then).listed or ()) == list(listed)
