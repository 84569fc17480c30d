"""What Sendcloud's words for a parcel come to."""

from __future__ import annotations

import datetime
import itertools

import pytest

from retour.providers import ParcelState, Told
from retour_sendcloud.statuses import MEANINGS, WORDS, parent_status, standing
from retour_sendcloud.wire import Return, Step, in_order

TEN = datetime.datetime(2026, 11, 29, 10, tzinfo=datetime.UTC)


@pytest.mark.parametrize(
    "history, told, progress",
    [
        ([], Told.ANNOUNCING, ParcelState.UNKNOWN),
        (["announcing"], Told.ANNOUNCING, ParcelState.NOT_SENT),
        (["announcing", "ready-to-send"], Told.READY, ParcelState.NOT_SENT),
        (["ready-to-send", "cancelling"], Told.CANCELLING, ParcelState.NOT_SENT),
        (["ready-to-send", "cancelling", "cancelled-upstream"], Told.CANCELLING, ParcelState.NOT_SENT),
        (["ready-to-send", "cancelling", "cancelled"], Told.CANCELLED, ParcelState.CANCELLED),
        (["ready-to-send", "cancelling", "shipment-on-route"], Told.READY, ParcelState.ON_ITS_WAY),
        (["sorted", "delivery-date-changed"], Told.READY, ParcelState.ON_ITS_WAY),
        (["sorted", "teleported"], Told.READY, ParcelState.UNKNOWN),
        (["teleported"], Told.ANNOUNCING, ParcelState.UNKNOWN),
        (["delivered", "delivery-forced"], Told.READY, ParcelState.UNKNOWN),
    ],
)
def test_the_last_word_that_says_something_counts(history: list[str], told: Told, progress: ParcelState) -> None:
    stands = standing(history)
    assert (stands.told, stands.progress) == (told, progress)


def test_only_what_arrived_is_delivered() -> None:
    arrived = {status for status, meaning in MEANINGS.items() if meaning.progress is ParcelState.DELIVERED}
    assert arrived == {"delivered", "collected-by-customer"}


@pytest.mark.parametrize("words", ["Delivered", " delivered ", "DELIVERED"])
def test_words_are_known_in_any_case(words: str) -> None:
    assert parent_status(words) == "delivered"


def test_other_words_are_kept_as_they_are() -> None:
    assert parent_status("Zugestellt") == "Zugestellt"
    assert set(WORDS.values()) <= set(MEANINGS)


def steps(*given: tuple[str, int | None]) -> tuple[Step, ...]:
    return tuple(
        Step(
            parent_status=status,
            carrier_update_timestamp=None
            if minutes is None
            else (TEN + minutes * datetime.timedelta(minutes=1)).isoformat(),
        )
        for status, minutes in given
    )


def test_a_history_is_read_in_the_order_of_its_times_whichever_way_it_is_written() -> None:
    history = steps(("announcing", 0), ("ready-to-send", 1), ("sorted", 2), ("delivered", 3))
    for written in itertools.permutations(history):
        assert [step.parent_status for step in in_order(written)][-1] == "delivered"


def test_of_two_at_one_time_the_way_that_the_history_is_written_decides() -> None:
    oldest_first = steps(("announcing", 0), ("ready-to-send", 0), ("sorted", 2))
    newest_first = tuple(reversed(oldest_first))
    for written in (oldest_first, newest_first):
        assert [step.parent_status for step in in_order(written)] == ["announcing", "ready-to-send", "sorted"]


def test_a_history_without_all_its_times_is_taken_as_it_stands() -> None:
    history = steps(("announcing", 5), ("ready-to-send", None), ("sorted", 1))
    assert list(in_order(history)) == list(history)


@pytest.mark.parametrize(
    "status, told",
    [
        ("open", Told.READY),
        ("requested", Told.ANNOUNCING),
        ("awaiting_payment", Told.ANNOUNCING),
        ("payment_failed", Told.ANNOUNCING),
        ("request_rejected", Told.REFUSED),
        ("made_up", Told.READY),
    ],
)
def test_a_return_that_is_not_open_is_not_ready(status: str, told: Told) -> None:
    found = Return(
        status_history=steps(("ready-to-send", 0)), created_at=TEN.isoformat(), order_number="1001", status=status
    ).shipment
    assert found.told is told
    assert found.provider_status == ("ready-to-send" if told is Told.READY else status)


def test_errors_without_a_label_are_a_refusal_unless_it_is_still_being_announced() -> None:
    for status, told in (("no-label", Told.REFUSED), ("announcing", Told.ANNOUNCING), ("ready-to-send", Told.READY)):
        found = Return(
            status_history=steps((status, 0)),
            created_at=TEN.isoformat(),
            order_number="1001",
            errors=[{"detail": "Zone not served"}],
        ).shipment
        assert (found.told, found.because) == (told, "Zone not served")
