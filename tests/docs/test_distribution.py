"""The distribution that the page for authors of a provider shows, built from that page alone, works when installed."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
PAGE = (ROOT / "docs/add-a-provider.md").read_text()


def block(language: str, begins: str) -> str:
    """The first block of a language that begins so."""
    found = re.search(rf"^```{language}\n({re.escape(begins)}.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    assert found is not None, begins
    return found[1]


def test_its_pyproject_is_like_those_of_our_own_plugins() -> None:
    shown = tomllib.loads(block("toml", "[build-system]"))
    ours = [tomllib.loads(path.read_text()) for path in sorted(ROOT.glob("plugins/*/pyproject.toml"))]
    assert len(ours) == 5
    for one in ours:
        assert one["build-system"] == shown["build-system"]
        assert one["project"].keys() <= shown["project"].keys()
        assert one["project"]["requires-python"] == shown["project"]["requires-python"]
        assert set(shown["project"]["dependencies"]) <= set(one["project"]["dependencies"])
        assert one["project"]["entry-points"].keys() == shown["project"]["entry-points"].keys()


@pytest.mark.long
def test_what_the_page_shows_can_be_installed_and_is_a_plugin_that_works(
    tmp_path: Path, missing: Callable[[str], None]
) -> None:
    source, package = tmp_path / "retour-acmepay", tmp_path / "retour-acmepay/src/retour_acmepay"
    package.mkdir(parents=True)
    (source / "pyproject.toml").write_text(block("toml", "[build-system]"))
    (source / "README.md").write_text("# retour-acmepay\n")
    (package / "__init__.py").write_text(block("text", '"""Acme Pay for retour.'))
    (package / "provider.py").write_text(block("python", "import attrs\n").partition("class AcmePlugin:")[0])
    (package / "py.typed").touch()
    installed = tmp_path / "installed"
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target", str(installed), str(source)]
    done = subprocess.run(pip, capture_output=True, text=True, check=False)
    if "Could not find a version" in done.stderr or "No matching distribution" in done.stderr:
        missing("a package index")
    assert done.returncode == 0, done.stderr
    told = subprocess.run(
        [Path(sys.executable).with_name("retour"), "plugins", "--json"],
        capture_output=True,
        text=True,
        check=True,
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(installed)},
    )
    [acmepay] = [plugin for plugin in json.loads(told.stdout) if plugin["name"] == "acmepay"]
    assert acmepay["status"] == "loaded", acmepay
