"""What the tests of the command line share: running it, and looking into the database that it used."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from retour.cli import main

Run = Callable[..., Result]


@pytest.fixture
def run() -> Run:
    """Runs ``retour`` with the given arguments, on a terminal of ``columns``, in the environment of ``lang``."""

    def invoke(*arguments: str, typed: str | None = None, lang: str = "en_GB.UTF-8", columns: int = 200) -> Result:
        runner = CliRunner(env={"LC_ALL": None, "LC_MESSAGES": None, "LANG": lang, "COLUMNS": str(columns)})
        return runner.invoke(main, arguments, input=typed)

    return invoke


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Where the demo's database will be."""
    return tmp_path / "demo.db"


@pytest.fixture
def url(file: Path) -> str:
    """Its address."""
    return f"sqlite:///{file}"


@pytest.fixture
def events(file: Path) -> Callable[[], int]:
    """Counts the events in the database; 0 when it was not even made."""

    def count() -> int:
        if not file.exists():
            return 0
        connection = sqlite3.connect(file)
        try:
            found: int = connection.execute("SELECT count(*) FROM retour_event").fetchone()[0]
        finally:
            connection.close()
        return found

    return count
