"""The contract's tests, tested: sound providers pass all of them, and none of its promises can be broken unseen."""

from __future__ import annotations

import inspect
import os
import re
import subprocess
import sys
from collections import defaultdict
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from acme_pay import AcmePay
from charge_back_mistakes import BROKEN
from notify_pay import NotifyPay

from retour.testing import contracts
from retour.testing.contracts.any_account import lacks

pytestmark = pytest.mark.long

PROMISES = sorted(name for name in contracts.__all__ if name.startswith("test_"))

SOUND = {kind.__name__: kind for kind in (AcmePay, NotifyPay)}

NOT_ASKED = {
    "AcmePay": {
        "test_a_method_raises_provider_errors_and_nothing_else",
        "test_a_refund_that_waits_for_a_person_is_not_told_as_paid",
        "test_a_signed_field_cannot_pass_for_the_next",
        "test_a_webhook_about_a_charge_back_leads_to_its_payment",
        "test_a_webhook_of_the_other_mode_says_nothing",
        "test_a_webhook_that_names_another_account_says_nothing",
        "test_each_item_of_a_webhook_is_told_by_itself",
        "test_each_item_of_a_webhook_needs_its_own_signature",
        "test_each_of_several_secrets_counts",
        "test_of_a_part_that_a_bank_took_back_that_part_is_told",
        "test_the_answer_about_another_payment_gives_no_charge_back",
        "test_what_a_bank_gave_back_is_told_as_given_back_and_can_be_refunded",
        "test_what_a_bank_took_back_is_refused_when_it_is_refunded_all_the_same",
        "test_what_a_bank_took_back_is_told_and_cannot_be_refunded",
        "test_what_a_bank_took_is_not_told_as_nothing_where_it_cannot_be_read",
        "test_what_a_bank_took_of_one_payment_is_not_told_of_another",
        "test_what_a_signature_does_not_cover_is_not_believed",
        "test_what_cannot_be_asked_is_told",
        "test_what_was_refunded_before_is_not_told_as_charged_back",
    },
    "NotifyPay": {
        "test_a_method_raises_provider_errors_and_nothing_else",
        "test_a_question_that_is_not_answered_decides_nothing",
        "test_a_refund_that_waits_for_a_person_is_not_told_as_paid",
        "test_a_refund_that_was_paid_is_never_told_as_cancelled",
        "test_a_signed_webhook_that_cannot_be_read_is_told_as_such",
        "test_an_answer_of_the_other_mode_is_not_believed",
        "test_each_of_several_secrets_counts",
        "test_threads_that_ask_are_told_of_their_own",
    },
}
"""What a sound provider is not asked, or not all of, besides what it declares that it cannot.

Both refund by API, and have one secret for webhooks. Acme Pay's are signed in a header, over the whole body, and name
no mode and no account; its payments have one name each, no bank takes one back, and it has no method that tells more.
Notify Pay can be asked nothing: it has two methods only, and no answer of it has a mode.
"""

CONFTEST = """
import pytest
from broken_providers import Broken
from charge_back_mistakes import BROKEN
from acme_pay import AcmePay, AcmePaySandbox
from notify_pay import NotifyPay, NotifyPaySandbox

SOUND = {
    "AcmePay": Broken(provider=AcmePay, caught_by=(), sandbox=AcmePaySandbox),
    "NotifyPay": Broken(provider=NotifyPay, caught_by=(), sandbox=NotifyPaySandbox),
}
failed = set()

@pytest.fixture
def played(request):
    return (BROKEN | SOUND)[request.module.__name__.removeprefix("test_")]

@pytest.fixture
def payment_provider(played):
    return played.provider

@pytest.fixture
def payment_sandbox(played):
    with played.sandbox() as sandbox:
        yield sandbox

def pytest_runtest_setup(item):
    if (item.path, item.originalname) in failed:
        pytest.skip("it was caught")

def pytest_runtest_makereport(item, call):
    if call.excinfo and not call.excinfo.errisinstance(pytest.skip.Exception):
        failed.add((item.path, item.originalname))
"""


class Outcomes(dict[str, dict[str, set[str]]]):
    """What became of each test, by provider and name of the test; ``said`` is what each failure says."""

    def __init__(self) -> None:
        super().__init__()
        self.said: dict[str, dict[str, str]] = defaultdict(dict)


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory: pytest.TempPathFactory) -> Outcomes:
    """Those of the sound ones, and of each broken one those that its faults should fail: two runs, side by side."""
    place = tmp_path_factory.mktemp("contract")
    sound, broken = place / "sound", place / "broken"
    modules = {broken / f"test_{name}.py": one.caught_by for name, one in BROKEN.items()}
    modules |= {sound / f"test_{name}.py": tuple(PROMISES) for name in SOUND}
    for module, tests in modules.items():
        module.parent.mkdir(exist_ok=True)
        module.with_name("conftest.py").write_text(CONFTEST)
        names = ", ".join([*(name for name in contracts.FIXTURES if name != "payment_provider"), *tests])
        module.write_text(f"from retour.testing.contracts import {names}\n")
    runs = [_run(folder) for folder in (sound, broken)]
    found = Outcomes()
    said = [run.communicate(timeout=600)[0][-4000:] for run in runs]
    assert [run.returncode for run in runs] == [0, 1], "\n".join(said)  # all passed, some failed
    for folder in (sound, broken):
        for case in ElementTree.parse(folder / "junit.xml").iter("testcase"):  # noqa: S314 - pytest wrote it just now
            name = case.attrib["classname"].rpartition("test_")[2]
            test = case.attrib["name"].partition("[")[0]
            became = found.setdefault(name, {}).setdefault(test, set())
            became |= {part.tag for part in case if part.tag in _BAD} or {"passed"}
            for failure in case.iter("failure"):
                found.said[name][test] = failure.text or ""
    return found


_BAD = ("failure", "error", "skipped")


def _run(folder: Path) -> subprocess.Popen[str]:
    """With Python's own tracebacks: pytest's parse the source of each frame, and hundreds fail as they should."""
    return subprocess.Popen(
        [
            *(sys.executable, "-W", "error", "-m", "pytest", "-q", "--tb=native", "-p", "no:cacheprovider"),
            *("--rootdir", folder, "-o", "addopts=", "-o", "retour_loopback_only=true"),
            *("--junitxml", folder / "junit.xml", folder),
        ],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parent)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


@pytest.mark.parametrize("name, provider", SOUND.items(), ids=list(SOUND))
def test_a_sound_provider_keeps_every_promise(outcomes: Outcomes, name: str, provider: type[Any]) -> None:
    declared = provider.capabilities
    cannot = {test for test in PROMISES if [one for one in _needs(test) if lacks(declared, one)]}
    assert {test for test, became in outcomes[name].items() if became != {"passed"}} == cannot | NOT_ASKED[name]
    assert sorted(outcomes[name]) == PROMISES


def _needs(test: str) -> tuple[str, ...]:
    """The capabilities that a rule names."""
    named: tuple[str, ...] = getattr(contracts, test).__dict__.get("needs", ())
    return named


@pytest.mark.parametrize(
    "provider, test", [(name, test) for name, broken in BROKEN.items() for test in broken.caught_by]
)
def test_a_broken_promise_is_caught(outcomes: Outcomes, provider: str, test: str) -> None:
    assert "failure" in outcomes[provider][test]


def test_every_promise_can_be_broken() -> None:
    """A test that fails for no provider proves nothing of any."""
    assert sorted({test for broken in BROKEN.values() for test in broken.caught_by}) == PROMISES


@pytest.mark.parametrize("promise", PROMISES)
def test_every_promise_says_what_it_is_and_what_breaking_it_costs(promise: str) -> None:
    said = inspect.getdoc(getattr(contracts, promise)) or ""
    assert len(re.findall(r"[.!?)](?:\s|$)", said)) >= 2, f"one sentence only: {said}"


def test_every_failure_says_what_its_promise_is(outcomes: Outcomes) -> None:
    """Also where an assertion is bare: who reads `2 == 5` reads below it what a customer would notice."""
    silent = [
        (provider, test)
        for provider, tests in outcomes.said.items()
        for test, said in tests.items()
        if (inspect.getdoc(getattr(contracts, test)) or "").splitlines()[0] not in said
    ]
    assert silent == []
