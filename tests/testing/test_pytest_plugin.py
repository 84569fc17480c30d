"""The plugin is loaded in every pytest run beside retour, so it costs nothing and changes nothing until it is asked."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from importlib.metadata import entry_points

import pytest

import retour.testing

pytest_plugins = ["pytester"]

PLUGIN = "retour.testing.pytest_plugin"


def test_the_plugin_is_found_by_its_entry_point() -> None:
    [found] = entry_points(group="pytest11", name="retour")
    assert found.value == PLUGIN


def test_importing_the_plugin_imports_nothing_but_pytest() -> None:
    script = f"""
import sys, pytest
before = set(sys.modules)
import {PLUGIN}
print(sorted(set(sys.modules) - before))
"""
    said = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert said.stdout.strip() == str(["retour", "retour.testing", PLUGIN])


def test_a_run_that_asks_for_nothing_imports_nothing_and_patches_nothing(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        import socket, sys

        def test_a_stranger():
            heavy = {"attrs", "requests", "urllib3", "vcr", "yaml", "retour.providers", "retour.testing.loopback"}
            assert not heavy & set(sys.modules)
            assert "connect" not in vars(socket.socket)
            assert socket.getaddrinfo.__module__ == "socket"
            assert not hasattr(socket.getaddrinfo, "__wrapped__")
        """
    )
    pytester.runpytest_subprocess("-W", "error").assert_outcomes(passed=1)


def test_the_setting_guards_every_test_and_a_project_without_it_is_left_alone(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        import socket, pytest

        @pytest.mark.retour_refused("192.0.2.1")
        def test_guarded():
            from retour.testing import NotLoopback
            with pytest.raises(NotLoopback), socket.socket() as tcp:
                tcp.connect(("192.0.2.1", 443))
        """
    )
    pytester.makeini("[pytest]\nretour_loopback_only = true")
    pytester.runpytest_subprocess("-W", "error").assert_outcomes(passed=1)


HIDES = """
import socket, threading
import pytest

def hide():
    try:
        socket.create_connection(("192.0.2.1", 443))
    except Exception:
        pass
"""
"""Code that goes out and takes every failure for having no connection."""


@pytest.fixture
def guarded(pytester: pytest.Pytester) -> Callable[[str], pytest.RunResult]:
    """Runs tests of code that hides what was refused, under the guard."""
    pytester.makeini("[pytest]\nretour_loopback_only = true\nfilterwarnings = error")

    def run(tests: str) -> pytest.RunResult:
        pytester.makepyfile(HIDES + tests)
        return pytester.runpytest_inprocess("-p", "no:cacheprovider", "-p", "no:hypothesispytest", "--strict-markers")

    return run


Guarded = Callable[[str], pytest.RunResult]

TOLD = [
    "*Refused, and nothing was sent:",
    "*getaddrinfo of 192.0.2.1",
    '*Play a cassette or start a sandbox instead; *: @pytest.mark.retour_refused("192.0.2.1")',
]


@pytest.mark.parametrize(
    "test",
    [
        "def test_it(): hide()",
        "def test_it():\n    thread = threading.Thread(target=hide)\n    thread.start()\n    thread.join()",
        "@pytest.fixture\ndef early(): hide()\ndef test_it(early): pass",
        "import unittest\nclass TestIt(unittest.TestCase):\n    def test_it(self): hide()",
        "def test_it():\n    hide()\n    pytest.skip('no network here')",
    ],
    ids=["test", "thread", "fixture", "unittest", "skipped"],
)
def test_what_was_refused_fails_the_test_though_the_code_under_test_hides_it(guarded: Guarded, test: str) -> None:
    result = guarded(test)
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(TOLD)


def test_what_is_refused_in_the_end_of_a_fixture_is_an_error_and_the_next_test_is_left_alone(guarded: Guarded) -> None:
    result = guarded(
        "@pytest.fixture\ndef late():\n    yield\n    hide()\ndef test_it(late): pass\ndef test_next(): pass"
    )
    result.assert_outcomes(passed=2, errors=1)
    result.stdout.fnmatch_lines(["*ERROR at teardown of test_it*", *TOLD])


def test_a_test_that_fails_anyway_fails_as_it_did_and_shows_what_was_refused(guarded: Guarded) -> None:
    result = guarded("def test_it():\n    hide()\n    assert 1 == 2\ndef test_next(): pass")
    result.assert_outcomes(failed=1, passed=1)
    result.stdout.fnmatch_lines(["*assert 1 == 2", "*loopback*", *TOLD])


def test_a_fixture_that_fails_shows_what_was_refused_once(guarded: Guarded) -> None:
    result = guarded("@pytest.fixture\ndef early():\n    hide()\n    raise OSError('odd')\ndef test_it(early): pass")
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*OSError: odd", "*loopback*", *TOLD])


def test_a_test_that_is_about_the_refusal_says_so_and_fails_without_it(guarded: Guarded) -> None:
    guarded('@pytest.mark.retour_refused("192.0.2.1")\ndef test_it(): hide()').assert_outcomes(passed=1)
    guarded("@pytest.mark.retour_refused\ndef test_it(): hide()").assert_outcomes(passed=1)
    result = guarded('@pytest.mark.retour_refused("192.0.2.9")\ndef test_it(): hide()')
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(TOLD)
    result = guarded('@pytest.mark.retour_refused("192.0.2.1")\ndef test_it(): pass')
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*expects a refusal, and there was none of 192.0.2.1"])


def test_help_tells_what_the_option_and_the_setting_do(pytester: pytest.Pytester) -> None:
    said = " ".join(pytester.runpytest_inprocess("--help").stdout.str().split())
    assert "--retour-record Record the cassettes of the chosen tests anew" in said
    assert "retour_loopback_only (bool): Refuse every socket" in said


def test_without_vcrpy_a_cassette_says_what_to_install_and_other_tests_run(pytester: pytest.Pytester) -> None:
    pytester.makeconftest("import sys\nsys.modules['vcr'] = None")
    pytester.makepyfile(
        """
        def test_other(): pass
        def test_played(cassette): pass
        """
    )
    result = pytester.runpytest_subprocess()
    result.assert_outcomes(passed=1, errors=1)
    result.stdout.fnmatch_lines(["*cassettes need the package vcr: pip install 'retour?testing?'*"])


def test_every_name_of_the_test_kit_can_be_imported_and_says_what_it_is() -> None:
    for name in retour.testing.__all__:
        assert getattr(retour.testing, name).__doc__, name
    assert set(retour.testing.__all__) <= set(dir(retour.testing))
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        retour.testing.nonsense  # noqa: B018
