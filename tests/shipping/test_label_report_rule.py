"""What a provider says of a label and its parcel, in any order and by any way: what is news of it, and what follows."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from typing import Any

import attrs
import pytest
from drafts import HOUR, NOON, SECOND, a_draft, eur, news, said_by
from goods_events import approved, cancelled, closed, found, received, requested, sent
from label_events import CARRIER, kept, lost_answer, moved, ordered, said_made, shown, told, wanted_back

from retour.model.events.event import Event
from retour.model.events.goods import ReturnSent
from retour.model.events.labels import LabelCancelRefused, LabelReported, ParcelMoved
from retour.model.labels import SCANNED, USUALLY_FOLLOWS, LabelState, ParcelState, Told, WhatFollows
from retour.model.reasons import ReasonCode, reason
from retour.model.refunds import Evidence
from retour.model.timeline import Audience
from retour.rules.draft import Draft
from retour.rules.effects import labels_to_look_at
from retour.rules.label_reports import ReportedShipment, report
from retour.rules.timeline import WORDS  # there each event has its words
from retour.testing import a_line, an_order

ORDER = an_order(a_line("cup", 2, "40.00"))
COMES = [requested("rt", cup=1), approved("rt")]
LATER, EARLIER = NOON + HOUR, NOON - HOUR
TODAY = datetime.date(2026, 11, 23)
NO_ANSWER = reason(ReasonCode.OUTCOME_UNKNOWN)


def said(draft: Draft, seen: ReportedShipment, evidence: Evidence = Evidence.LOOKUP) -> list[Event]:
    """What is recorded when the provider says this of the label."""
    before = len(draft.events)
    report(draft, draft.dossier.label("lb"), seen, evidence, USUALLY_FOLLOWS)
    return news(draft)[before:]


def of_label(events: Sequence[Event]) -> list[LabelReported]:
    return [one for one in events if isinstance(one, LabelReported)]


def of_parcel(events: Sequence[Event]) -> list[ParcelState]:
    return [one.progress for one in events if isinstance(one, ParcelMoved)]


# --- what is kept of it -----------------------------------------------------------------------------------

EVERYTHING: dict[str, Any] = {
    "reference": "sc_1",
    "parcel": "p_1",
    "carrier": "postnl",
    "tracking_number": "3S1",
    "tracking_url": "https://postnl.example/3S1",
    "cost": eur("4.95"),
    "valid_until": TODAY,
}


def test_all_that_a_provider_says_of_a_label_and_its_parcel_is_kept_and_is_the_providers_word() -> None:
    draft = a_draft(ORDER, *COMES, ordered("lb"))
    seen = ReportedShipment(
        told=Told.READY,
        because=NO_ANSWER,
        progress=ParcelState.PROBLEM,
        provider_status="customs",
        changed_at=LATER,
        **EVERYTHING,
    )
    assert said(draft, seen, Evidence.RECONCILE) == [
        LabelReported(
            return_id="rt",
            label_id="lb",
            told=Told.READY,
            evidence=Evidence.RECONCILE,
            because=NO_ANSWER,
            said_at=LATER,
            became_ready=True,
            **EVERYTHING,
        ),
        ParcelMoved(
            return_id="rt",
            label_id="lb",
            progress=ParcelState.PROBLEM,
            provider_status="customs",
            follows=WhatFollows.ASK,
            moved_at=LATER,
        ),
    ]
    assert said_by(draft) == [CARRIER, CARRIER]


@pytest.mark.parametrize(
    "seen, is_news",
    [
        ({}, False),
        *[({name: None if name in ("cost", "valid_until") else ""}, False) for name in EVERYTHING],
        ({"reference": "sc_2"}, True),
        ({"parcel": "p_2"}, True),
        ({"carrier": "dhl"}, True),
        ({"tracking_number": "3S2"}, True),
        ({"tracking_url": "https://postnl.example/3S2"}, True),
        ({"cost": eur("5.95")}, True),
        ({"valid_until": TODAY + datetime.timedelta(days=1)}, True),
        ({"told": Told.CANCELLING}, True),
        ({"because": NO_ANSWER}, False),
        ({"provider_status": "other"}, False),
    ],
)
def test_what_is_known_already_or_not_said_is_no_news(seen: dict[str, Any], is_news: bool) -> None:
    draft = a_draft(ORDER, *COMES, ordered("lb"), told("lb", **EVERYTHING))
    again = attrs.evolve(ReportedShipment(told=Told.READY, **EVERYTHING), **seen)
    assert len(said(draft, again)) == is_news
    assert said(draft, again) == []


def test_that_the_same_is_said_of_a_later_time_is_kept_once_and_told_to_nobody() -> None:
    """Else a word of a time between, which comes late, would count for the last one."""
    draft = a_draft(ORDER, *COMES, ordered("lb"), told("lb", **EVERYTHING), moved("lb", moved_at=NOON))
    before = draft.dossier.label("lb")
    again = ReportedShipment(told=Told.READY, progress=ParcelState.ON_ITS_WAY, changed_at=LATER, **EVERYTHING)
    [only] = said(draft, again, Evidence.WEBHOOK)
    assert isinstance(only, LabelReported)
    assert said_by(draft) == [CARRIER]
    assert (only.again, only.said_at, only.step_at, only.became_ready) == (True, LATER, LATER, False)
    assert draft.dossier.label("lb") == attrs.evolve(before, said_at=LATER, told_at=LATER, last_place_at=LATER)
    assert [WORDS[LabelReported, to](draft.dossier, only) for to in Audience] == [None] * len(Audience)
    assert labels_to_look_at(draft.events[-1:]) == []
    for seen in (again, attrs.evolve(again, changed_at=NOON), attrs.evolve(again, changed_at=None)):
        assert said(draft, seen) == []


def test_the_later_time_of_a_word_changes_nothing_that_became_of_its_label_since() -> None:
    """The provider says once more that it is cancelling what it could not cancel."""
    known = [ordered("lb"), told("lb", Told.CANCELLING, said_at=NOON), wanted_back("lb"), kept("lb")]
    draft = a_draft(ORDER, *COMES, *known)
    said(draft, shown(Told.CANCELLING, changed_at=LATER))
    assert (draft.dossier.label("lb").state, draft.dossier.label("lb").said_at) == (LabelState.READY, LATER)


def test_with_a_later_time_of_the_same_word_the_reason_stays_that_which_is_known() -> None:
    because = reason(ReasonCode.INVALID_REQUEST)
    refused_at_noon = told("lb", Told.REFUSED, said_at=NOON, because=because)
    draft = a_draft(ORDER, *COMES, ordered("lb"), refused_at_noon)
    [again] = of_label(said(draft, shown(Told.REFUSED, changed_at=LATER, because=NO_ANSWER)))
    assert (again.again, again.because, draft.dossier.label("lb").because) == (True, because, because)


@pytest.mark.parametrize(
    "known", [[ordered("lb")], [ordered("lb"), lost_answer("lb")], [ordered("lb"), told("lb"), lost_answer("lb")]]
)
def test_that_a_label_is_there_is_news_where_nobody_knew_whether_it_is(known: Sequence[Event]) -> None:
    assert len(of_label(said(a_draft(ORDER, *COMES, *known), shown()))) == 1


@pytest.mark.parametrize(
    "known", [[ordered("lb"), told("lb")], [ordered("lb"), lost_answer("lb"), said_made("lb", "sc_1")]]
)
def test_what_a_person_said_is_news_when_its_provider_says_it_and_what_that_said_is_not(known: Sequence[Event]) -> None:
    assert len(said(a_draft(ORDER, *COMES, *known), shown())) == (len(known) == 3)


# --- that it can be printed -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "known, word, became",
    [
        ([*COMES, ordered("lb")], Told.READY, True),
        ([*COMES, ordered("lb")], Told.ANNOUNCING, False),
        ([*COMES, ordered("lb"), told("lb", Told.ANNOUNCING)], Told.READY, True),
        ([*COMES, ordered("lb"), told("lb"), lost_answer("lb")], Told.READY, False),
        ([*COMES, sent("rt"), ordered("lb")], Told.READY, True),
        (
            [requested("rt", cup=2), approved("rt"), received("rt", "rc", found("cup", 1)), ordered("lb")],
            Told.READY,
            True,
        ),
        ([requested("rt", cup=1), ordered("lb")], Told.READY, False),
        ([*COMES, ordered("lb"), closed("rt")], Told.READY, False),
        ([*COMES, ordered("lb"), cancelled("rt")], Told.READY, False),
        ([ordered("lb")], Told.READY, False),
    ],
)
def test_a_label_becomes_ready_once_and_for_goods_that_may_come(
    known: Sequence[Event], word: Told, became: bool
) -> None:
    """The customer is mailed then: nobody is told to send what is not to come."""
    [known_now] = of_label(said(a_draft(ORDER, *known), shown(word)))
    assert known_now.became_ready is became


# --- words that come late ---------------------------------------------------------------------------------


READY_AT_NOON = [ordered("lb"), told("lb", Told.READY, said_at=NOON)]
CANCELLED_AT_NOON = [ordered("lb"), told("lb", Told.CANCELLED, said_at=NOON)]
CANCELLED_SOME_TIME = [ordered("lb"), told("lb", Told.CANCELLED)]
SCANNED_AT_NOON = [*READY_AT_NOON, moved("lb", moved_at=LATER)]
STEP_BEFORE_WORD = [ordered("lb"), told("lb", Told.READY, said_at=LATER), moved("lb", moved_at=NOON)]


@pytest.mark.parametrize(
    "known, seen, evidence, counts",
    [
        # by its time, whoever says it
        (READY_AT_NOON, shown(Told.CANCELLED, changed_at=LATER), Evidence.WEBHOOK, True),
        (READY_AT_NOON, shown(Told.CANCELLED, changed_at=EARLIER), Evidence.WEBHOOK, False),
        (READY_AT_NOON, shown(Told.CANCELLED, changed_at=EARLIER), Evidence.LOOKUP, False),
        (CANCELLED_AT_NOON, shown(Told.READY, changed_at=LATER), Evidence.WEBHOOK, True),
        (CANCELLED_AT_NOON, shown(Told.READY, changed_at=EARLIER), Evidence.LOOKUP, False),
        # a step of its parcel is a word of a time too
        (SCANNED_AT_NOON, shown(Told.CANCELLED, changed_at=LATER - SECOND), Evidence.LOOKUP, False),
        (SCANNED_AT_NOON, shown(Told.CANCELLED, changed_at=LATER + SECOND), Evidence.LOOKUP, True),
        # without a time, or of the same one, a webhook gets it further only, and what was just read counts
        (READY_AT_NOON, shown(Told.ANNOUNCING), Evidence.WEBHOOK, False),
        (READY_AT_NOON, shown(Told.ANNOUNCING), Evidence.LOOKUP, True),
        (READY_AT_NOON, shown(Told.CANCELLED), Evidence.WEBHOOK, True),
        (READY_AT_NOON, shown(Told.ANNOUNCING, changed_at=NOON), Evidence.WEBHOOK, False),
        (READY_AT_NOON, shown(Told.ANNOUNCING, changed_at=NOON), Evidence.LOOKUP, True),
        (READY_AT_NOON, shown(Told.CANCELLED, changed_at=NOON), Evidence.WEBHOOK, True),
        (CANCELLED_SOME_TIME, shown(Told.READY, changed_at=NOON), Evidence.WEBHOOK, False),
        (CANCELLED_SOME_TIME, shown(Told.READY, changed_at=NOON), Evidence.LOOKUP, True),
        (CANCELLED_SOME_TIME, shown(Told.READY), Evidence.WEBHOOK, False),
        # a carrier had it at a time: a webhook without one may be of before, and one of a later moment is not
        (STEP_BEFORE_WORD, shown(Told.CANCELLED), Evidence.WEBHOOK, False),
        (STEP_BEFORE_WORD, shown(Told.CANCELLED, changed_at=LATER), Evidence.WEBHOOK, True),
        # a carrier has it: it is not cancelled, whatever came before
        (CANCELLED_SOME_TIME, shown(Told.READY, progress=ParcelState.ON_ITS_WAY), Evidence.WEBHOOK, True),
        (CANCELLED_SOME_TIME, shown(Told.READY, progress=ParcelState.PROBLEM), Evidence.WEBHOOK, False),
    ],
)
def test_a_word_of_a_label_that_is_older_than_what_is_known_does_not_count(
    known: Sequence[Event], seen: ReportedShipment, evidence: Evidence, counts: bool
) -> None:
    draft = a_draft(ORDER, *COMES, *known)
    before = draft.dossier.label("lb").told
    said(draft, seen, evidence)
    assert draft.dossier.label("lb").told is (seen.told if counts else before)
    assert len(of_label(news(draft))) == counts


HOW_FAR = [Told.ANNOUNCING, Told.READY, Told.CANCELLING, Told.REFUSED, Told.CANCELLED]


@pytest.mark.parametrize("before", Told)
@pytest.mark.parametrize("word", Told)
def test_a_webhook_without_a_time_gets_a_label_no_further_back(before: Told, word: Told) -> None:
    draft = a_draft(ORDER, *COMES, ordered("lb"), told("lb", before))
    said(draft, shown(word), Evidence.WEBHOOK)
    assert draft.dossier.label("lb").told is max(before, word, key=HOW_FAR.index)


@pytest.mark.parametrize("before", Told)
def test_what_comes_late_still_tells_names_and_leaves_how_far_the_label_is(before: Told) -> None:
    because = reason(ReasonCode.INVALID_REQUEST)
    draft = a_draft(ORDER, *COMES, ordered("lb"), told("lb", before, said_at=NOON, because=because))
    late = shown(Told.READY, parcel="p_1", because=NO_ANSWER, changed_at=EARLIER)
    assert said(draft, late) == [
        LabelReported(
            return_id="rt",
            label_id="lb",
            told=before,
            evidence=Evidence.LOOKUP,
            reference="sc_1",
            parcel="p_1",
            because=because,
            said_at=None,
            became_ready=False,
        )
    ]
    assert draft.dossier.label("lb").said_at == NOON


def test_the_same_word_again_is_not_late_and_its_reason_and_time_count() -> None:
    draft = a_draft(ORDER, *COMES, ordered("lb"), told("lb", Told.REFUSED, because=reason(ReasonCode.INVALID_REQUEST)))
    again = shown(Told.REFUSED, parcel="p_1", because=NO_ANSWER, changed_at=NOON)
    [known] = of_label(said(draft, again, Evidence.WEBHOOK))
    assert (known.told, known.because, known.said_at) == (Told.REFUSED, NO_ANSWER, NOON)


def test_of_a_label_that_became_unclear_even_a_late_word_says_that_it_is_there() -> None:
    draft = a_draft(ORDER, *COMES, ordered("lb"), told("lb", said_at=NOON), lost_answer("lb"))
    [known] = of_label(said(draft, shown(Told.CANCELLING, changed_at=EARLIER)))
    assert (known.told, known.because, known.said_at) == (Told.CANCELLING, NO_ANSWER, None)


def test_of_a_label_of_which_nothing_was_told_the_first_word_counts_whatever_its_time() -> None:
    draft = a_draft(ORDER, *COMES, ordered("lb"), moved("lb", ParcelState.PROBLEM, moved_at=NOON))
    [known] = of_label(said(draft, shown(Told.READY, changed_at=EARLIER), Evidence.WEBHOOK))
    assert (known.told, known.said_at) == (Told.READY, EARLIER)


# --- its times --------------------------------------------------------------------------------------------

TO_COME = NOON.replace(year=2099)


@pytest.mark.parametrize("made_at, believed_made", [(EARLIER, EARLIER), (TO_COME, None), (None, None)])
@pytest.mark.parametrize("changed_at, believed_changed", [(NOON, NOON), (TO_COME, None), (None, None)])
def test_of_two_times_only_the_one_that_cannot_be_is_not_believed(
    made_at: datetime.datetime | None,
    believed_made: datetime.datetime | None,
    changed_at: datetime.datetime | None,
    believed_changed: datetime.datetime | None,
) -> None:
    seen = shown(made_at=made_at, changed_at=changed_at)
    assert seen.believed(NOON) == shown(made_at=believed_made, changed_at=believed_changed)


@pytest.mark.parametrize("evidence", Evidence)
def test_when_a_label_was_made_is_what_its_provider_shows_when_it_is_asked(evidence: Evidence) -> None:
    """A webhook can tell of another label than the one that is read by that number afterwards."""
    [known] = of_label(said(a_draft(ORDER, *COMES, ordered("lb")), shown(made_at=EARLIER), evidence))
    assert known.made_at == (None if evidence is Evidence.WEBHOOK else EARLIER)


@pytest.mark.parametrize(
    "known, step, kept_besides",
    [
        ([], ParcelState.NOT_SENT, True),
        ([], ParcelState.ON_ITS_WAY, False),
        ([], ParcelState.PROBLEM, False),
        ([], ParcelState.UNKNOWN, True),
        ([moved("lb", ParcelState.PROBLEM, moved_at=NOON)], ParcelState.NOT_SENT, True),
    ],
)
def test_a_later_time_is_kept_besides_where_no_step_of_a_place_has_it(
    known: Sequence[Event], step: ParcelState, kept_besides: bool
) -> None:
    draft = a_draft(ORDER, *COMES, ordered("lb"), told("lb", said_at=NOON), *known)
    words = of_label(said(draft, shown(progress=step, changed_at=LATER)))
    assert [(one.again, one.said_at) for one in words] == [(True, LATER)] * kept_besides


# --- the steps of its parcel ------------------------------------------------------------------------------

THERE = [ordered("lb"), told("lb")]
ON_ITS_WAY_AT_NOON = [*THERE, moved("lb", ParcelState.ON_ITS_WAY, moved_at=NOON)]
ON_ITS_WAY = [*THERE, moved("lb", ParcelState.ON_ITS_WAY)]
HELD_UP = [*THERE, moved("lb", ParcelState.PROBLEM)]


@pytest.mark.parametrize(
    "known, step, at, evidence, moves",
    [
        (THERE, ParcelState.ON_ITS_WAY, None, Evidence.WEBHOOK, True),
        (THERE, ParcelState.NOT_SENT, LATER, Evidence.LOOKUP, False),
        (ON_ITS_WAY_AT_NOON, ParcelState.ON_ITS_WAY, LATER, Evidence.LOOKUP, False),
        (ON_ITS_WAY_AT_NOON, ParcelState.DELAYED, LATER, Evidence.WEBHOOK, True),
        (ON_ITS_WAY_AT_NOON, ParcelState.DELAYED, NOON, Evidence.WEBHOOK, True),
        (ON_ITS_WAY_AT_NOON, ParcelState.DELAYED, NOON - SECOND, Evidence.WEBHOOK, False),
        (ON_ITS_WAY_AT_NOON, ParcelState.DELAYED, NOON - SECOND, Evidence.LOOKUP, False),
        (ON_ITS_WAY_AT_NOON, ParcelState.DELAYED, None, Evidence.WEBHOOK, True),
        (ON_ITS_WAY, ParcelState.DELAYED, EARLIER, Evidence.WEBHOOK, True),
        # a scan does not unhappen
        (ON_ITS_WAY, ParcelState.NOT_SENT, LATER, Evidence.LOOKUP, False),
        (ON_ITS_WAY, ParcelState.UNKNOWN, LATER, Evidence.LOOKUP, False),
        (ON_ITS_WAY, ParcelState.PROBLEM, LATER, Evidence.LOOKUP, True),
        (ON_ITS_WAY, ParcelState.CANCELLED, LATER, Evidence.LOOKUP, True),
        ([*ON_ITS_WAY, moved("lb", ParcelState.PROBLEM)], ParcelState.UNKNOWN, LATER, Evidence.LOOKUP, False),
        # what was not scanned goes back when that is read, or has a time
        (HELD_UP, ParcelState.NOT_SENT, None, Evidence.LOOKUP, True),
        (HELD_UP, ParcelState.NOT_SENT, None, Evidence.WEBHOOK, False),
        (HELD_UP, ParcelState.NOT_SENT, LATER, Evidence.WEBHOOK, True),
        (HELD_UP, ParcelState.UNKNOWN, None, Evidence.WEBHOOK, True),
    ],
)
def test_a_parcel_never_goes_back_by_a_word_that_can_be_older(
    known: Sequence[Event], step: ParcelState, at: datetime.datetime | None, evidence: Evidence, moves: bool
) -> None:
    draft = a_draft(ORDER, *COMES, *known)
    assert of_parcel(said(draft, shown(progress=step, changed_at=at), evidence)) == [step] * moves


def stepped(step: ParcelState, at: datetime.datetime | None, status: str) -> ParcelMoved:
    follows = USUALLY_FOLLOWS.get(step, WhatFollows.NOTHING)
    return moved("lb", step, moved_at=at, provider_status=status, follows=follows)


SCAN = stepped(ParcelState.ON_ITS_WAY, NOON, "scan")
TROUBLE, UNDATED = stepped(ParcelState.PROBLEM, LATER, "trouble"), stepped(ParcelState.PROBLEM, None, "trouble")
TROUBLE_BEFORE = stepped(ParcelState.PROBLEM, EARLIER, "trouble")
SILENT = stepped(ParcelState.UNKNOWN, LATER + HOUR, "silent")
WORD_SINCE = told("lb", said_at=LATER + HOUR)


@pytest.mark.parametrize(
    "known, steps",
    [
        pytest.param([TROUBLE], [SCAN, TROUBLE], id="and then the trouble that was told since"),
        pytest.param([TROUBLE, WORD_SINCE], [SCAN, TROUBLE], id="at its own time, not that of a later word"),
        pytest.param(
            [UNDATED, WORD_SINCE],
            [SCAN, attrs.evolve(UNDATED, moved_at=LATER + HOUR)],
            id="or, where it has none, that of the last word",
        ),
        pytest.param([TROUBLE, SILENT], [SCAN, TROUBLE], id="also where a word after it told no place"),
        pytest.param([TROUBLE_BEFORE, SILENT], [SCAN], id="trouble of before it is over"),
        pytest.param([UNDATED, SILENT], [SCAN], id="nor is trouble without a time known to be since"),
        pytest.param([SILENT], [SCAN], id="no place is known"),
    ],
)
def test_a_first_scan_that_is_told_late_is_a_step(known: Sequence[Event], steps: Sequence[ParcelMoved]) -> None:
    draft = a_draft(ORDER, *COMES, *THERE, *known)
    seen = shown(progress=ParcelState.ON_ITS_WAY, provider_status="scan", changed_at=NOON)
    assert [one for one in said(draft, seen, Evidence.WEBHOOK) if isinstance(one, ParcelMoved)] == list(steps)


@pytest.mark.parametrize("step", [one for one in ParcelState if one is not ParcelState.NOT_SENT])
@pytest.mark.parametrize("wanted", WhatFollows)
def test_what_the_host_wants_to_follow_from_a_step_is_kept_with_it(step: ParcelState, wanted: WhatFollows) -> None:
    for follows, expected in (({step: wanted}, wanted), ({}, WhatFollows.NOTHING)):
        draft = a_draft(ORDER, *COMES, *THERE)
        report(draft, draft.dossier.label("lb"), shown(progress=step), Evidence.LOOKUP, follows)
        [known] = [one for one in news(draft) if isinstance(one, ParcelMoved)]
        assert known.follows is expected


@pytest.mark.parametrize(
    "known, step, is_sent",
    [
        (COMES, ParcelState.ON_ITS_WAY, True),
        (COMES, ParcelState.DELIVERED, False),
        (COMES, ParcelState.PROBLEM, False),
        (COMES[:1], ParcelState.ON_ITS_WAY, False),
        ([*COMES, sent("rt", "3S0")], ParcelState.ON_ITS_WAY, False),
        ([*COMES, cancelled("rt")], ParcelState.ON_ITS_WAY, False),
        ([], ParcelState.ON_ITS_WAY, False),
    ],
)
def test_an_approved_return_is_sent_when_its_parcel_is_and_has_the_number_that_is_said_with_it(
    known: Sequence[Event], step: ParcelState, is_sent: bool
) -> None:
    draft = a_draft(ORDER, *known, *THERE)
    events = said(draft, shown(progress=step, tracking_number="3S1"))
    sends = [one for one in events if isinstance(one, ReturnSent)]
    assert sends == [ReturnSent(return_id="rt", tracking="3S1")] * is_sent
    assert set(said_by(draft)) == {CARRIER}


# --- a label that is not wanted any more ------------------------------------------------------------------


def test_a_label_that_came_to_be_there_after_its_return_was_cancelled_is_taken_back() -> None:
    draft = a_draft(ORDER, *COMES, ordered("lb"), cancelled("rt"))
    assert said(draft, shown())[1:] == [wanted_back("lb")]


@pytest.mark.parametrize("step", ParcelState)
def test_a_label_that_a_carrier_has_is_not_cancelled_any_more(step: ParcelState) -> None:
    draft = a_draft(ORDER, *COMES, *THERE, wanted_back("lb"))
    refusals = [one for one in said(draft, shown(progress=step)) if isinstance(one, LabelCancelRefused)]
    assert refusals == [kept("lb")] * (step in SCANNED)


def test_a_label_that_nobody_wants_back_is_used_in_peace() -> None:
    draft = a_draft(ORDER, *COMES, *THERE)
    events = said(draft, shown(progress=ParcelState.ON_ITS_WAY))
    assert not [one for one in events if isinstance(one, LabelCancelRefused)]


@pytest.mark.parametrize(
    "seen, names",
    [
        (shown(reference=""), set()),
        (shown(reference="sc_1"), {"sc_1"}),
        (shown(reference="", parcel="p_1"), {"p_1"}),
        (shown(reference="", tracking_number="3S1"), {"3S1"}),
        (shown(reference="sc_1", parcel="p_1", tracking_number="3S1"), {"sc_1", "p_1", "3S1"}),
    ],
)
def test_a_shipment_is_named_by_its_number_its_parcels_and_the_carriers(
    seen: ReportedShipment, names: set[str]
) -> None:
    assert seen.names == names
