"""Files of the host's that belong to a return: kept apart, because a file's name can be about a person."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from sqlalchemy import text

from retour import (
    Actor,
    EvidenceFile,
    InvalidArgument,
    InvalidReference,
    InvalidValue,
    NotAllowed,
    Objection,
    RequestReused,
    ReturnDesk,
    UnknownReturn,
    hookimpl,
)
from retour.testing import a_line, an_order

ANNA = Actor.staff("anna")
CUSTOMER = Actor.customer("c-17")
LEFT = EvidenceFile(reference="file-1", name="Jan de Vries, links.jpg")
RIGHT = EvidenceFile(reference="file-2")


def asked(desk: ReturnDesk, *evidence: EvidenceFile) -> str:
    one = desk.request_return("1001", {"shoe": 1}, by=CUSTOMER, request_id="form-1", evidence=evidence)
    return one.return_id


@pytest.fixture
def desk(make_desk: Callable[..., ReturnDesk]) -> ReturnDesk:
    return make_desk(an_order(a_line("shoe", 2)))


def test_files_are_shown_to_staff_and_the_customer_reads_how_many(desk: ReturnDesk) -> None:
    return_id = asked(desk, LEFT, RIGHT)
    requested = desk.timeline("1001")[0]
    assert requested.evidence == (LEFT, RIGHT)
    assert requested.text("nl").endswith("2 bestanden toegevoegd")
    shown = desk.timeline("1001", "customer")[0]
    assert shown.text("en").endswith("2 files added")
    assert shown.evidence == ()
    assert desk.evidence("1001", return_id) == (LEFT, RIGHT)


def test_neither_the_reference_nor_the_name_of_a_file_is_in_an_event(desk: ReturnDesk) -> None:
    return_id = asked(desk, LEFT)
    desk.add_evidence("1001", return_id, [RIGHT], by=ANNA, request_id="form-2")
    with desk._services.store.engine.connect() as connection:
        bodies = "".join(connection.execute(text("SELECT body FROM retour_event")).scalars())
    assert "file-" not in bodies
    assert "Vries" not in bodies
    assert "Vries" not in repr(LEFT) + repr(desk.timeline("1001"))


def test_files_are_forgotten_with_notes_and_how_many_there_were_stays_known(
    tell_database: Callable[[datetime.datetime], None], make_desk: Callable[..., Any]
) -> None:
    now = [datetime.datetime(2026, 11, 23, 12, 0, tzinfo=datetime.UTC)]
    desk = make_desk(an_order(a_line("shoe", 2)), clock=lambda: now[0])
    return_id = asked(desk, LEFT)
    now[0] += datetime.timedelta(days=366)
    tell_database(now[0])
    assert desk.work().forgotten == 1
    assert desk.evidence("1001", return_id) == ()
    (requested, _) = desk.timeline("1001")
    assert requested.evidence == ()
    assert "1 file added" in requested.text("en")
    assert len(desk.dossier("1001").return_(return_id).evidence_ids) == 1


def test_staff_and_customer_add_files_later_and_the_same_form_adds_them_once(desk: ReturnDesk) -> None:
    return_id = asked(desk)
    for _ in range(2):
        desk.add_evidence("1001", return_id, [LEFT], by=CUSTOMER, request_id="form-2")
    with pytest.raises(RequestReused):
        desk.add_evidence("1001", return_id, [RIGHT], by=CUSTOMER, request_id="form-2")
    desk.cancel_return("1001", return_id, by=CUSTOMER)
    desk.add_evidence("1001", return_id, [RIGHT], by=ANNA, request_id="form-3", note="from her mail")
    assert desk.evidence("1001", return_id) == (LEFT, RIGHT)
    added = desk.timeline("1001")[-1]
    assert (added.by, added.text("nl"), added.note) == (ANNA, "1 bestand toegevoegd", "from her mail")
    assert "evidence_added" not in [entry.code for entry in desk.timeline("1001", "customer")]


def test_a_policy_knows_how_many_files_came_with_a_request(make_desk: Callable[..., Any]) -> None:
    class APhotoPlease:
        @hookimpl
        def return_policy(self, request: Any) -> Objection | None:
            return None if request.files else Objection.review("no photo")

    desk = make_desk(an_order(a_line("shoe", 2)), plugins=[APhotoPlease()])
    without = asked(desk)
    with_one = desk.request_return("1001", {"shoe": 1}, by=CUSTOMER, request_id="form-2", evidence=[LEFT]).return_id
    returns = desk.dossier("1001").returns
    assert (returns[without].goods, returns[with_one].goods) == ("requested", "approved")


MANY = [EvidenceFile(reference=f"file-{number}") for number in range(51)]
WRONG: list[tuple[Sequence[Any], type[Exception], str]] = [
    (MANY, InvalidArgument, "at most 50 files, and these make 51"),
    (["file-1"], InvalidArgument, "evidence must be"),
    ("file-1", InvalidArgument, "evidence must be"),
    ([EvidenceFile(reference="f", name="4111 1111 1111 1111.jpg")], InvalidReference, "looks like a card number"),
]


@pytest.mark.parametrize("evidence, error, says", WRONG)
def test_evidence_that_cannot_be_is_refused_and_nothing_is_changed(
    desk: ReturnDesk, evidence: Any, error: type[Exception], says: str
) -> None:
    with pytest.raises(error, match=says):
        desk.request_return("1001", {"shoe": 1}, by=CUSTOMER, request_id="form-1", evidence=evidence)
    assert desk.dossier("1001").version == 0
    return_id = asked(desk, LEFT)
    before = desk.dossier("1001").version
    more = evidence[:50] if len(evidence) == 51 else evidence
    with pytest.raises(error, match=says):
        desk.add_evidence("1001", return_id, more, by=ANNA, request_id="form-2")
    assert desk.dossier("1001").version == before
    assert desk.evidence("1001", return_id) == (LEFT,)


def test_no_files_at_all_an_unknown_return_and_a_provider_are_refused(desk: ReturnDesk) -> None:
    return_id = asked(desk)
    with pytest.raises(InvalidArgument, match="the list of files is empty"):
        desk.add_evidence("1001", return_id, [], by=ANNA, request_id="form-2")
    with pytest.raises(UnknownReturn):
        desk.add_evidence("1001", "rt1", [LEFT], by=ANNA, request_id="form-2")
    with pytest.raises(UnknownReturn):
        desk.evidence("1001", "rt1")
    with pytest.raises(NotAllowed):
        desk.add_evidence("1001", return_id, [LEFT], by=Actor.provider("acme"), request_id="form-2")
    with pytest.raises(InvalidValue):
        EvidenceFile(reference="")


def test_a_request_of_before_there_were_files_is_still_the_same_request(desk: ReturnDesk) -> None:
    """Its digest is stored: an upgrade between two clicks is no other request."""
    asked(desk)
    with desk._services.store.engine.connect() as connection:
        digest = connection.execute(text("SELECT request_digest FROM retour_event WHERE seq = 1")).scalar_one()
    assert digest == "8d8c86c6c8d398ec8c0d134ce049736e75c2420bb886fd11c0e3935103fdadde"
