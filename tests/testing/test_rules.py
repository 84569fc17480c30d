"""A rule of the contract ends, whatever the provider does, and its failure says what it was for."""

from __future__ import annotations

import datetime
import os
import subprocess
import sys
import time
from pathlib import Path

import acme_pay
import pytest

from retour.testing.contracts.in_threads import Call, at_once, within
from retour.testing.contracts.promises import rule
from retour.testing.contracts.provider_modules import in_the_zone, later

HANGS = """
import threading
import pytest
from acme_pay import AcmePay, AcmePaySandbox
from retour.testing.contracts import *

class Hangs(AcmePay):
    def refundable(self, payment):
        {how}

@pytest.fixture
def payment_provider():
    return Hangs

@pytest.fixture
def payment_sandbox():
    with AcmePaySandbox() as sandbox:
        yield sandbox
"""

RULES = (
    "test_the_class_says_who_it_is or test_a_payment_resolves or test_what_was_refunded or test_two_accounts_refund"
    " or test_a_payment_without_refunds"
)


@pytest.mark.parametrize("how", ["threading.Event().wait()", "while True: pass"], ids=["waits", "goes round"])
def test_a_provider_that_hangs_fails_and_does_not_stop_the_run(tmp_path: Path, how: str) -> None:
    (tmp_path / "test_hangs.py").write_text(HANGS.format(how=how))
    began = time.monotonic()
    done = subprocess.run(
        [
            *(sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-k", RULES, "--rootdir", tmp_path),
            *("-o", "addopts=", tmp_path),
        ],
        cwd=tmp_path,
        env={
            **{name: value for name, value in os.environ.items() if name != "CI"},  # pytest says everything twice there
            "PYTHONPATH": str(Path(__file__).parent),
            "RETOUR_LONGEST_RULE": "2",
        },
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert "6 failed, 1 passed" in done.stdout, done.stdout[-3000:]
    assert done.stdout.count("did not end within 2 seconds, and the provider waits for what does not come") == 3
    assert done.stdout.count("not tried: 3 rules hung before this one, mend those first") >= 2
    assert "in refundable" in done.stdout, "it is not said where it stands"
    assert "leads to what a refund is made on" in done.stdout, "the promise is not said"
    assert time.monotonic() - began < 60


def test_a_failure_says_what_the_rule_is_for() -> None:
    @rule
    def test_something() -> None:
        """Two cups are two. Else a customer pays for one that he has not."""
        assert [2] == [5], "there are others"

    with pytest.raises(AssertionError, match="there are others") as failed:
        test_something()
    assert "Else a customer pays" in "".join(failed.value.__notes__)


def test_a_call_gives_what_it_gives_and_raises_what_it_raises() -> None:
    assert within(5, lambda: 3, "it hangs") == 3
    with pytest.raises(ValueError, match="no"):
        within(5, lambda: int("no"), "it hangs")
    given = at_once([lambda: 1, lambda: int("no"), lambda: 3])
    assert [given[0], type(given[1]), given[2]] == [1, ValueError, 3]


def test_a_call_that_does_not_end_is_told_and_gives_up() -> None:
    ended = []

    def goes_round() -> None:
        try:
            while True:
                try:
                    time.sleep(0.01)
                except Exception as error:
                    raise AssertionError from error
        finally:
            ended.append(True)

    made = Call(goes_round)
    assert not made.ends_within(0.1)
    assert "goes_round" in made.give_up()
    assert made.ends_within(10)
    assert ended == [True]


def test_the_provider_reads_a_later_clock_and_nobody_else_does(monkeypatch: pytest.MonkeyPatch) -> None:
    now = datetime.datetime.now(datetime.UTC)
    monkeypatch.setattr(acme_pay, "moment", datetime.datetime, raising=False)
    monkeypatch.setattr(acme_pay, "tells", time.time, raising=False)
    with later(acme_pay.AcmePay, datetime.timedelta(days=10)):
        seen = acme_pay.datetime.datetime.now(datetime.UTC)
        assert datetime.timedelta(days=9) < seen - now < datetime.timedelta(days=11)
        assert type(seen) is datetime.datetime
        assert isinstance(now, acme_pay.datetime.datetime)
        assert acme_pay.datetime.date.today() - datetime.date.today() == datetime.timedelta(days=10)  # noqa: DTZ011
        assert acme_pay.moment.fromisoformat("2026-03-04T05:06:07+00:00").year == 2026  # type: ignore[attr-defined]
        assert acme_pay.tells() - time.time() > 9 * 24 * 3600  # type: ignore[attr-defined]
        assert datetime.datetime.now(datetime.UTC) - now < datetime.timedelta(hours=1)
    assert acme_pay.datetime is datetime


def test_the_process_is_in_another_zone_for_a_while() -> None:
    before = datetime.datetime.now().astimezone().utcoffset()
    with in_the_zone("Asia/Kathmandu"):
        if hasattr(time, "tzset"):
            assert datetime.datetime.now().astimezone().utcoffset() == datetime.timedelta(hours=5, minutes=45)
    assert datetime.datetime.now().astimezone().utcoffset() == before
