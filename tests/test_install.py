"""`pip install .` at the root gives a user the core and its five providers, and nothing of the tests."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


@pytest.mark.long
def test_installing_the_root_installs_the_core_and_five_working_providers(
    tmp_path: Path, missing: Callable[[str], None]
) -> None:
    source = tmp_path / "source"
    shutil.copytree(
        ROOT, source, ignore=shutil.ignore_patterns(".venv", ".sdks", ".git", "__pycache__", ".*_cache", ".hypothesis")
    )
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(tmp_path / "venv")], check=True)
    binaries = tmp_path / "venv" / "bin"
    pip = [sys.executable, "-m", "pip", "--python", str(binaries / "python")]
    installed = subprocess.run(
        [*pip, "install", "--quiet", "--no-compile", str(source)], capture_output=True, text=True, check=False
    )
    if "Could not find a version" in installed.stderr or "No matching distribution" in installed.stderr:
        missing("a package index")
    assert installed.returncode == 0, installed.stderr
    listed = subprocess.run(
        [str(binaries / "retour"), "plugins", "--json"], capture_output=True, text=True, check=True, cwd=tmp_path
    )
    plugins = {plugin["name"]: plugin["status"] for plugin in json.loads(listed.stdout)}
    assert plugins == dict.fromkeys(["mollie", "stripe", "paypal", "manual_transfer", "sendcloud"], "loaded")
    absent = subprocess.run([str(binaries / "python"), "-c", "import pytest"], capture_output=True, check=False)
    assert absent.returncode != 0
