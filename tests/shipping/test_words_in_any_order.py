"""What a provider says of one label, told in every order, again and again: the last word counts, by its own time."""

from __future__ import annotations

import random
from collections.abc import Sequence
from itertools import permutations
from typing import Any

import attrs
import pytest
from drafts import HOUR, NOON, a_draft
from goods_events import approved, requested
from hypothesis import given
from hypothesis import strategies as st
from label_events import ordered

from retour import Money
from retour.model.labels import NOWHERE, SCANNED, USUALLY_FOLLOWS, Label, ParcelState, Told
from retour.model.refunds import Evidence
from retour.rules.draft import Draft
from retour.rules.label_reports import ReportedShipment, report
from retour.rules.said_again import MOST_SAID_AGAIN
from retour.testing import a_line, an_order

ORDER = an_order(a_line("cup", 2, "40.00"))
HOW_FAR = [Told.ANNOUNCING, Told.READY, Told.CANCELLING, Told.REFUSED, Told.CANCELLED]


def word(told: Told, progress: ParcelState = ParcelState.NOT_SENT, hours: int | None = None) -> ReportedShipment:
    at = None if hours is None else NOON + hours * HOUR
    return ReportedShipment(told=told, progress=progress, reference="sc_1", changed_at=at)


def after(words: Sequence[ReportedShipment], evidence: Evidence = Evidence.WEBHOOK) -> Draft:
    """The order when a carrier has said all this of its label, in this order."""
    draft = a_draft(ORDER, requested("rt", cup=1), approved("rt"), ordered("lb"))
    for one in words:
        report(draft, draft.dossier.label("lb"), one, evidence, USUALLY_FOLLOWS)
    return draft


def stands(draft: Draft) -> tuple[Told | None, ParcelState, bool]:
    label: Label = draft.dossier.label("lb")
    return label.told, label.progress, label.scanned


def last(words: Sequence[ReportedShipment]) -> tuple[Told, ParcelState, bool]:
    """Where words of different times leave a label: with the last, except that what was scanned is somewhere."""
    by_time = sorted(words, key=lambda one: one.changed_at or NOON)
    scanned = any(one.progress in SCANNED for one in words)
    steps = [one.progress for one in by_time if not scanned or one.progress not in NOWHERE]
    return by_time[-1].told, steps[-1], scanned


DATED = st.lists(
    st.builds(word, st.sampled_from(Told), st.sampled_from(ParcelState), st.integers(0, 12)),
    min_size=1,
    max_size=6,
    unique_by=lambda one: one.changed_at,
)


@given(words=DATED, chance=st.randoms(use_true_random=False), evidence=st.sampled_from(Evidence))
def test_of_words_with_a_time_the_last_counts_in_whatever_order_and_however_often_they_come(
    words: list[ReportedShipment], chance: random.Random, evidence: Evidence
) -> None:
    told = [*words, *words]
    chance.shuffle(told)
    draft = after(told, evidence)
    assert stands(draft) == last(words)
    again = after([*told, *words, *reversed(words)], evidence)
    assert [one.event for one in again.events] == [one.event for one in draft.events], "said again, nothing is kept"


@pytest.mark.parametrize("hours", list(permutations([12, 13, 14])))
def test_a_cancellation_that_the_carrier_refused_is_over_in_whatever_order_that_is_told(hours: list[int]) -> None:
    said = {12: Told.READY, 13: Told.CANCELLING, 14: Told.READY}
    assert stands(after([word(said[hour], hours=hour) for hour in hours]))[0] is Told.READY


@given(words=st.lists(st.sampled_from(Told), min_size=1), chance=st.randoms(use_true_random=False))
def test_without_times_what_webhooks_say_comes_to_the_furthest_in_any_order(
    words: list[Told], chance: random.Random
) -> None:
    told = [word(one) for one in (*words, *words)]
    chance.shuffle(told)
    assert after(told).dossier.label("lb").told is max(words, key=HOW_FAR.index)


@pytest.mark.parametrize("hours", [None, 12])
@pytest.mark.parametrize("word_of_it", Told)
def test_a_label_that_a_carrier_has_is_used_whichever_webhook_of_one_moment_comes_first(
    hours: int | None, word_of_it: Told
) -> None:
    both = [word(Told.READY, ParcelState.ON_ITS_WAY, hours), word(word_of_it, hours=hours)]
    assert {stands(after(told)) for told in permutations(both)} == {(Told.READY, ParcelState.ON_ITS_WAY, True)}


@pytest.mark.parametrize("one", ParcelState)
@pytest.mark.parametrize("other", ParcelState)
def test_of_two_steps_of_one_moment_the_further_counts_whichever_is_told_first(
    one: ParcelState, other: ParcelState
) -> None:
    both = [word(Told.READY, one, 12), word(Told.READY, other, 12)]
    assert len({stands(after(told)) for told in permutations(both)}) == 1


def test_a_scan_that_is_told_after_the_trouble_that_followed_it_is_on_the_timeline_before_it() -> None:
    draft = after([word(Told.READY, ParcelState.PROBLEM, 13), word(Told.READY, ParcelState.ON_ITS_WAY, 12)])
    moves = [(one.event.progress, one.event.moved_at) for one in draft.events if one.event.type == "parcel_moved"]
    scan, trouble = (ParcelState.ON_ITS_WAY, NOON + 12 * HOUR), (ParcelState.PROBLEM, NOON + 13 * HOUR)
    assert moves == [trouble, scan, trouble]
    assert draft.dossier.label("lb").scanned_at == scan[1]


def test_who_is_asked_again_and_again_records_nothing_while_nothing_changes() -> None:
    same = [word(Told.READY, ParcelState.ON_ITS_WAY, 12)] * 50
    assert len(after(same, Evidence.LOOKUP).events) == len(after(same[:1], Evidence.LOOKUP).events)


@pytest.mark.parametrize("silent", sorted(NOWHERE))
@pytest.mark.parametrize("trouble", [ParcelState.PROBLEM, ParcelState.CANCELLED])
@pytest.mark.parametrize("hours", list(permutations([11, 12, 13])))
def test_trouble_after_a_scan_is_known_in_whatever_order_though_a_later_word_says_nothing_of_the_parcel(
    hours: list[int], trouble: ParcelState, silent: ParcelState
) -> None:
    said = {11: ParcelState.ON_ITS_WAY, 12: trouble, 13: silent}
    assert stands(after([word(Told.READY, said[hour], hour) for hour in hours])) == (Told.READY, trouble, True)


@pytest.mark.parametrize("hours", list(permutations([11, 12])))
def test_trouble_before_any_scan_is_over_when_a_later_word_says_that_nothing_was_sent(hours: list[int]) -> None:
    said = {11: ParcelState.PROBLEM, 12: ParcelState.NOT_SENT}
    assert stands(after([word(Told.READY, said[hour], hour) for hour in hours]))[1] is ParcelState.NOT_SENT


@pytest.mark.parametrize("progress", ParcelState)
def test_a_provider_that_tells_another_time_at_each_look_does_not_make_the_order_longer_for_ever(
    progress: ParcelState,
) -> None:
    draft = after([word(Told.READY, progress, hour) for hour in range(-500, -300)], Evidence.LOOKUP)
    assert len(draft.events) <= MOST_SAID_AGAIN + 3
    report(draft, draft.dossier.label("lb"), word(Told.READY, ParcelState.DELIVERED, -300), Evidence.LOOKUP, {})
    assert stands(draft) == (Told.READY, ParcelState.DELIVERED, True), "what is news is heard all the same"
    before = len(draft.events)
    for hour in range(-299, -100):
        report(draft, draft.dossier.label("lb"), word(Told.READY, ParcelState.DELIVERED, hour), Evidence.LOOKUP, {})
    assert len(draft.events) <= before + MOST_SAID_AGAIN


@pytest.mark.parametrize(
    "field, value",
    [
        ("reference", "sc_{}"),
        ("parcel", "p_{}"),
        ("carrier", "post-{}"),
        ("tracking_number", "3S{}"),
        ("tracking_url", "https://post.example/3S1?token={}"),
        ("cost", lambda number: Money(minor=400 + number, currency="EUR")),
        ("valid_until", lambda number: (NOON + number * 24 * HOUR).date()),
    ],
)
def test_a_provider_that_tells_another_value_at_each_look_does_not_make_the_order_longer_for_ever(
    field: str, value: Any
) -> None:
    def told(number: int, progress: ParcelState = ParcelState.ON_ITS_WAY) -> ReportedShipment:
        given = value(number) if callable(value) else value.format(number)
        return attrs.evolve(word(Told.READY, progress), **{field: given})

    draft = after([told(number) for number in range(200)], Evidence.LOOKUP)
    assert len(draft.events) <= MOST_SAID_AGAIN + 3
    report(draft, draft.dossier.label("lb"), told(300, ParcelState.DELIVERED), Evidence.LOOKUP, {})
    assert stands(draft) == (Told.READY, ParcelState.DELIVERED, True), "what is news is heard all the same"
    report(draft, draft.dossier.label("lb"), told(301, ParcelState.DELIVERED), Evidence.LOOKUP, {})
    assert getattr(draft.dossier.label("lb"), field) == getattr(told(301), field), "and then it begins anew"


def test_what_was_never_told_of_a_label_is_news_however_often_something_else_moved() -> None:
    moving = [
        attrs.evolve(word(Told.READY), tracking_url=f"https://post.example/?token={number}") for number in range(50)
    ]
    draft = after(moving, Evidence.LOOKUP)
    report(draft, draft.dossier.label("lb"), attrs.evolve(moving[0], parcel="p_1"), Evidence.LOOKUP, {})
    assert draft.dossier.label("lb").parcel == "p_1"


@pytest.mark.parametrize("evidence", Evidence)
def test_a_time_that_cannot_have_been_yet_hides_nothing_that_is_told_later(evidence: Evidence) -> None:
    """One answer of the year 2099 made every word after it an older one: no parcel ever arrived."""
    wrong = attrs.evolve(word(Told.READY, ParcelState.ON_ITS_WAY), changed_at=NOON.replace(year=2099))
    draft = after(
        [wrong, word(Told.READY, ParcelState.AT_PICKUP_POINT, -2), word(Told.READY, ParcelState.DELIVERED, -1)]
    )
    assert stands(draft) == (Told.READY, ParcelState.DELIVERED, True)
    before = len(draft.events)
    report(draft, draft.dossier.label("lb"), word(Told.READY, ParcelState.DELIVERED, -1), evidence, {})
    assert len(draft.events) == before
