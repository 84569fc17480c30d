"""The contract's tests of shipping providers, tested: none of its promises can be broken unseen. That a sound carrier
passes all of them is shown by docs/add-a-shipping-provider.md, whose console block runs, and by Sendcloud's."""

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
from broken_carriers import BROKEN
from small_post import PAGE, SmallPost

from retour.testing import shipping_contracts
from retour.testing.contracts.any_account import lacks

pytestmark = pytest.mark.long

PROMISES = sorted(
    name
    for name in shipping_contracts.RULES
    if getattr(shipping_contracts, name).__module__.startswith("retour.testing.shipping_contracts")
)
"""The rules of labels. Those that payment providers keep too are broken in test_contracts.py."""

CONFTEST = """
import pytest
from broken_carriers import BROKEN

failed = set()

@pytest.fixture
def played(request):
    return BROKEN[request.module.__name__.removeprefix("test_")]

@pytest.fixture
def shipping_provider(played):
    return played.provider

@pytest.fixture
def shipping_sandbox(played):
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
    """What became of each test, by carrier and name of the test; ``said`` is what each failure says."""

    def __init__(self) -> None:
        super().__init__()
        self.said: dict[str, dict[str, str]] = defaultdict(dict)


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory: pytest.TempPathFactory) -> Outcomes:
    """Of each broken carrier the tests that its faults should fail, all in one run."""
    place = tmp_path_factory.mktemp("shipping_contract")
    (place / "conftest.py").write_text(CONFTEST)
    for name, broken in BROKEN.items():
        others = [fixture for fixture in shipping_contracts.FIXTURES if fixture != "shipping_provider"]
        names = ", ".join([*others, *broken.caught_by])
        (place / f"test_{name}.py").write_text(f"from retour.testing.shipping_contracts import {names}\n")
    done = subprocess.run(
        [
            *(sys.executable, "-W", "error", "-m", "pytest", "-q", "--tb=short", "-p", "no:cacheprovider"),
            *("--rootdir", place, "-o", "addopts=", "-o", "retour_loopback_only=true"),
            *("--junitxml", place / "junit.xml", place),
        ],
        cwd=place,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parent)},
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
    )
    assert done.returncode == 1, done.stdout[-4000:] + done.stderr[-4000:]
    found = Outcomes()
    for case in ElementTree.parse(place / "junit.xml").iter("testcase"):  # noqa: S314 - pytest wrote it just now
        name = case.attrib["classname"].rpartition("test_")[2]
        test = case.attrib["name"].partition("[")[0]
        became = found.setdefault(name, {}).setdefault(test, set())
        became |= {part.tag for part in case if part.tag in _BAD} or {"passed"}
        for failure in case.iter("failure"):
            found.said[name][test] = failure.text or ""
    return found


_BAD = ("failure", "error", "skipped")


@pytest.mark.parametrize(
    "carrier, test", [(name, test) for name, broken in BROKEN.items() for test in broken.caught_by]
)
def test_a_broken_promise_is_caught(outcomes: Outcomes, carrier: str, test: str) -> None:
    assert "failure" in outcomes[carrier][test]


def test_every_promise_can_be_broken() -> None:
    """A test that fails for no carrier proves nothing of any."""
    caught = {test for broken in BROKEN.values() for test in broken.caught_by}
    assert sorted(set(PROMISES) - caught) == []
    assert caught <= set(shipping_contracts.RULES)


@pytest.mark.parametrize("promise", PROMISES)
def test_every_promise_says_what_it_is_and_what_breaking_it_costs(promise: str) -> None:
    said = inspect.getdoc(getattr(shipping_contracts, promise)) or ""
    assert len(re.findall(r"[.!?)](?:\s|$)", said)) >= 2, f"one sentence only: {said}"


def test_every_failure_says_what_its_promise_is(outcomes: Outcomes) -> None:
    silent = [
        (carrier, test)
        for carrier, tests in outcomes.said.items()
        for test, said in tests.items()
        if (inspect.getdoc(getattr(shipping_contracts, test)) or "").splitlines()[0] not in said
    ]
    assert silent == []


def test_the_pages_carrier_declares_all_but_a_portal() -> None:
    """So the page's run of the suite leaves out the rules about portals, and no others."""
    needed = {need for test in PROMISES for need in getattr(shipping_contracts, test).__dict__.get("needs", ())}
    assert {need for need in needed if lacks(SmallPost.capabilities, need)} == {"portal"}
    assert "$ pytest -q -rs test_contract.py" in PAGE.read_text()
