"""Commands that retour tells people to type can be typed where they are read."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from retour.cli.program import as_called


@pytest.fixture
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """`retour` in an environment that is not activated, called by its path from the folder above."""
    installed = tmp_path / "my venv" / "bin" / "retour"
    installed.parent.mkdir(parents=True)
    installed.write_text("#!/bin/sh\n")
    installed.chmod(0o755)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PATH", os.defpath)
    return os.path.join("my venv", "bin", "retour")


def test_who_typed_a_path_is_told_to_type_it_again(program: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", [program, "demo"])
    assert as_called() == "'my venv/bin/retour'"


def test_who_has_it_on_the_path_types_its_name_alone(program: str, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = Path(program).parent.absolute()
    monkeypatch.setenv("PATH", str(folder))
    monkeypatch.setattr(sys, "argv", [str(folder / "retour"), "demo"])
    assert as_called() == "retour"


def test_one_of_another_environment_on_the_path_is_not_meant(
    program: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = tmp_path / "other" / "retour"
    other.parent.mkdir()
    other.write_text("#!/bin/sh\n")
    other.chmod(0o755)
    monkeypatch.setenv("PATH", str(other.parent))
    monkeypatch.setattr(sys, "argv", [program, "demo"])
    assert as_called() == "'my venv/bin/retour'"


@pytest.mark.parametrize("called", ["/usr/bin/pytest", "-c", "", "/nowhere/retour"])
def test_what_imports_retour_leaves_its_name_alone(called: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", [called])
    assert as_called() == "retour"
