"""A request with a key that comes twice is done once: the same request gets the first answer within the window."""

from __future__ import annotations

import datetime

import pytest

from retour.sandbox import KeyInUse, KeyReused, Remembered, SandboxClock

HOUR = datetime.timedelta(hours=1)


@pytest.fixture
def clock() -> SandboxClock:
    return SandboxClock()


@pytest.fixture
def remembered(clock: SandboxClock) -> Remembered[str]:
    return Remembered(clock, HOUR)


def test_the_first_answer_comes_again_until_the_window_ends(remembered: Remembered[str], clock: SandboxClock) -> None:
    assert remembered.find("key", "refund 5") is None
    assert remembered.keep("key", "made", "refund 5") == "made"
    clock.advance(HOUR - datetime.timedelta(seconds=1))
    assert remembered.find("key", "refund 5") == "made"
    clock.advance(datetime.timedelta(seconds=1))
    assert remembered.find("key", "refund 6") is None


def test_a_key_with_another_request_is_told(remembered: Remembered[str]) -> None:
    remembered.keep("key", "made", "refund 5")
    with pytest.raises(KeyReused):
        remembered.find("key", "refund 6")


def test_the_same_key_of_another_account_is_another_key(remembered: Remembered[str]) -> None:
    remembered.keep("key", "made", "refund 5", of="anna")
    assert remembered.find("key", "refund 6", of="bram") is None
    assert remembered.find("key", "refund 5", of="anna") == "made"


def test_a_key_that_is_being_worked_on_is_told_whatever_came_before(remembered: Remembered[str]) -> None:
    remembered.keep("key", "made")
    remembered.in_use.add("key")
    with pytest.raises(KeyInUse):
        remembered.find("key")
    remembered.in_use.clear()
    assert remembered.find("key") == "made"


def test_what_has_no_key_is_not_remembered(remembered: Remembered[str]) -> None:
    remembered.keep("", "made")
    assert remembered.find("") is None
