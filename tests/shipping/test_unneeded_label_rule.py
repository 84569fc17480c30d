"""Which labels are taken back when nobody needs them: only those that can still be used, and each of them once."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from drafts import a_draft, news
from goods_events import approved, cancelled, requested
from label_events import in_portal, lost_answer, moved, not_made, ordered, said_made, told, wanted_back

from retour.model.events.event import Event
from retour.model.events.goods import ReturnExpired, ReturnRejected
from retour.model.labels import ParcelState, Told
from retour.rules.unneeded_labels import take_back, take_back_late, take_labels_back
from retour.testing import a_line, an_order

ORDER = an_order(a_line("cup", 2, "40.00"))
COMES = [requested("rt", cup=1), approved("rt")]
MADE = [ordered("lb"), told("lb")]


@pytest.mark.parametrize(
    "known, asked",
    [
        ([ordered("lb")], False),
        ([ordered("lb"), lost_answer("lb")], False),
        ([ordered("lb"), not_made("lb")], False),
        (MADE, True),
        ([ordered("lb"), told("lb", Told.ANNOUNCING)], True),
        ([ordered("lb"), told("lb", Told.CANCELLING)], False),
        ([*MADE, told("lb", Told.CANCELLED)], False),
        ([ordered("lb"), told("lb", reference="")], False),
        ([ordered("lb"), lost_answer("lb"), said_made("lb")], False),
        ([ordered("lb"), lost_answer("lb"), said_made("lb", "sc_1")], True),
        ([*MADE, moved("lb")], False),
        ([*MADE, moved("lb", ParcelState.PROBLEM)], True),
        ([*MADE, wanted_back("lb")], False),
        ([in_portal("lb")], True),
    ],
)
def test_a_label_is_taken_back_that_has_a_name_and_was_neither_used_nor_taken_back_before(
    known: Sequence[Event], asked: bool
) -> None:
    draft = a_draft(ORDER, *COMES, *known)
    take_back(draft, draft.dossier.label("lb"))
    assert news(draft) == [wanted_back("lb")] * asked


def test_all_labels_of_a_return_are_taken_back_and_none_of_another() -> None:
    known = [requested("other", cup=1), *MADE, ordered("lb-2"), told("lb-2", reference="sc_2"), ordered("lb-3")]
    draft = a_draft(ORDER, *COMES, *known, in_portal("lb-4", "other"))
    take_labels_back(draft, "rt")
    assert news(draft) == [wanted_back("lb"), wanted_back("lb-2")]


REJECTED = ReturnRejected(return_id="rt", because="worn")
EXPIRED = ReturnExpired(return_id="rt")


@pytest.mark.parametrize(
    "before, ended, since, asked",
    [
        ([ordered("lb")], [cancelled("rt")], [told("lb")], True),
        ([ordered("lb")], [REJECTED], [told("lb")], True),
        ([ordered("lb")], [EXPIRED], [told("lb")], False),
        ([ordered("lb")], [], [told("lb")], False),
        ([ordered("lb")], [cancelled("rt")], [], False),
        ([ordered("lb"), told("lb", reference="")], [cancelled("rt")], [told("lb")], True),
        (MADE, [cancelled("rt")], [told("lb", Told.ANNOUNCING)], False),
    ],
)
def test_a_label_that_came_to_be_known_after_its_return_had_ended_is_taken_back(
    before: Sequence[Event], ended: Sequence[Event], since: Sequence[Event], asked: bool
) -> None:
    """One that was known when the return ended stayed by a decision, and is not asked back with each report."""
    draft = a_draft(ORDER, *COMES, *before, *ended)
    known = draft.dossier.label("lb")
    for event in since:
        draft.record(event)
    take_back_late(draft, known)
    assert news(draft)[len(since) :] == [wanted_back("lb")] * asked


def test_a_label_of_a_return_that_nobody_knows_stays() -> None:
    draft = a_draft(ORDER, ordered("lb", "gone"))
    known = draft.dossier.label("lb")
    draft.record(told("lb", return_id="gone"))
    take_back_late(draft, known)
    assert news(draft)[1:] == []
