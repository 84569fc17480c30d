"""The cassettes of this repository are what the sandboxes say today: all are recorded again, and nothing may differ.

The sandboxes' clocks stand still and their ids are counted, so nothing is random: not a byte but the date of the
recording may be another. Those that came from a real API cannot be recorded here and are not compared.
"""

from __future__ import annotations

import difflib
import os
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from retour.sandbox import SandboxResponse

pytest_plugins = ["pytester"]

ROOT = Path(__file__).parents[2]
MODULES = sorted((ROOT / "plugins").glob("*/tests/test_cassettes.py"))


def cassettes(module: Path) -> dict[str, str]:
    """The cassettes of a test module by name, each without the date of its recording."""
    found = {}
    for path in (module.parent / "cassettes" / module.stem).glob("*.yaml"):
        words = path.read_text()
        date = yaml.safe_load(words)["metadata"]["recorded"]["date"]
        found[path.name] = words.replace(f"    date: '{date}'\n", "", 1)
    return found


@pytest.fixture
def changed(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> Callable[[Path], list[str]]:
    """Records a module's cassettes again, somewhere else; gives the differences to those that are kept."""

    def record_again(module: Path) -> list[str]:
        for variable in os.environ:
            if variable.startswith(f"{module.parents[1].name}_".upper()):
                monkeypatch.delenv(variable)
        kept = {name: words for name, words in cassettes(module).items() if "    from: the sandbox " in words}
        copied = pytester.path / module.name
        copied.write_text(module.read_text())
        done = pytester.runpytest_inprocess("--retour-record", "-p", "no:cacheprovider", "-p", "no:hypothesispytest")
        assert done.ret == pytest.ExitCode.OK
        today = cassettes(copied)
        assert kept.keys() <= today.keys()
        return [f"{name}\n{difference(words, today[name])}" for name, words in kept.items() if words != today[name]]

    return record_again


def difference(kept: str, now: str) -> str:
    """The lines that differ, with what is around them."""
    return "\n".join(difflib.unified_diff(kept.splitlines(), now.splitlines(), "kept", "today", lineterm=""))


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.parents[1].name)
def test_every_cassette_is_what_its_sandbox_says_today(changed: Callable[[Path], list[str]], module: Path) -> None:
    found = changed(module)
    meant = f"The sandbox answers otherwise today. If that is meant: pytest {module.relative_to(ROOT)} --retour-record"
    assert not found, "\n\n".join([meant, *found])


def test_what_a_sandbox_says_otherwise_is_found_and_shown(
    changed: Callable[[Path], list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else that nothing differs would mean nothing."""
    said = SandboxResponse.encoded
    monkeypatch.setattr(SandboxResponse, "encoded", lambda self: said(self).replace(b"webshop.example", b"new.example"))
    [found] = changed(ROOT / "plugins/mollie/tests/test_cassettes.py")
    assert found.startswith("test_the_settings_are_checked.yaml\n--- kept\n+++ today\n")
    assert '\n-          "website": "https://webshop.example.org",\n' in found
    assert '\n+          "website": "https://new.example.org",\n' in found
