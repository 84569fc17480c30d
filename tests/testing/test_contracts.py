"""The contract's tests, tested: a sound provider passes all of them, and none of its promises can be broken unseen."""

from __future__ import annotations

import inspect
import os
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

NOT_ASKED_OF_ACME_PAY = {"test_a_refund_that_waits_for_a_person_is_not_told_as_paid"}
"""What the sound provider is not asked, since it refunds by API."""

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

Outcomes = dict[str, dict[str, set[str]]]


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory: pytest.TempPathFactory) -> Outcomes:
    """What became of each test, by provider and name of the test: those of the sound provider, and for each broken one
    those that its faults should fail. Two runs, side by side."""
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
    found: Outcomes = defaultdict(lambda: defaultdict(set))
    said = [run.communicate(timeout=600)[0][-4000:] for run in runs]
    assert [run.returncode for run in runs] == [0, 1], "\n".join(said)  # all passed, some failed
    for folder in (sound, broken):
        for case in ElementTree.parse(folder / "junit.xml").iter("testcase"):  # noqa: S314 - pytest wrote it just now
            name = case.attrib["classname"].rpartition("test_")[2]
            test = case.attrib["name"].partition("[")[0]
            found[name][test] |= {part.tag for part in case if part.tag in _BAD} or {"passed"}
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


def test_every_promise_says_what_it_is() -> None:
    for promise in PROMISES:
        assert inspect.getdoc(getattr(contracts, promise))
