"""The contract's tests, tested: a sound provider passes all of them, and none of its promises can be broken unseen."""

from __future__ import annotations

import inspect
import os
import re
import subprocess
import sys
from collections import defaultdict
from pathlib import Path
from xml.etree import ElementTree

import pytest
from costly_mistakes import BROKEN

from retour.testing import contracts

pytestmark = pytest.mark.long

PROMISES = sorted(name for name in contracts.__all__ if name.startswith("test_"))

NOT_ASKED_OF_ACME_PAY = {
    "test_a_refund_that_waits_for_a_person_is_not_told_as_paid",
    "test_a_webhook_of_the_other_mode_says_nothing",
    "test_each_of_several_secrets_counts",
}
"""What the sound provider is not asked: it refunds by API, has one secret for webhooks, and those name no mode."""

CONFTEST = """
import pytest
from broken_providers import Broken
from costly_mistakes import BROKEN
from acme_pay import AcmePay

SOUND = Broken(provider=AcmePay, caught_by=())
failed = set()

@pytest.fixture
def played(request):
    return BROKEN.get(request.module.__name__.removeprefix("test_"), SOUND)

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
    """Those of the sound provider, and of each broken one those that its faults should fail: two runs, side by side."""
    place = tmp_path_factory.mktemp("contract")
    sound, broken = place / "sound", place / "broken"
    modules = {broken / f"test_{name}.py": one.caught_by for name, one in BROKEN.items()}
    modules[sound / "test_AcmePay.py"] = tuple(PROMISES)
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
    return subprocess.Popen(
        [
            *(sys.executable, "-W", "error", "-m", "pytest", "-q", "--tb=short", "-p", "no:cacheprovider"),
            *("--rootdir", folder, "-o", "addopts=", "-o", "retour_loopback_only=true"),
            *("--junitxml", folder / "junit.xml", folder),
        ],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parent)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def test_a_sound_provider_keeps_every_promise(outcomes: Outcomes) -> None:
    assert {test for test, became in outcomes["AcmePay"].items() if became != {"passed"}} == NOT_ASKED_OF_ACME_PAY
    assert sorted(outcomes["AcmePay"]) == PROMISES


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
