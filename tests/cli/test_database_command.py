"""`retour db`: making, upgrading and looking at the tables."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result

from retour.store.migrations import MIGRATIONS, NEWEST

Run = Callable[..., Result]


def test_upgrade_makes_the_tables_and_says_so_once(run: Run, url: str) -> None:
    first = run("db", "upgrade", "--db", url)
    assert first.exit_code == 0
    assert f"{len(MIGRATIONS)} migrations applied (first tables, " in first.stdout
    second = run("db", "upgrade", "--db", url)
    assert second.exit_code == 0
    assert "up to date, nothing to do" in second.stdout


def test_status_tells_whether_it_is_up_to_date(run: Run, url: str, file: Path) -> None:
    sqlite3.connect(file).close()
    file.touch()
    before = run("db", "status", "--db", url)
    assert before.exit_code == 2
    assert f"retour db upgrade --db {url}" in before.stderr
    run("db", "upgrade", "--db", url)
    after = run("db", "status", "--db", url)
    assert after.exit_code == 0
    assert f"up to date (migration {NEWEST})" in after.stdout


def test_asking_for_the_status_makes_no_file(run: Run, url: str, file: Path) -> None:
    result = run("db", "status", "--db", url)
    assert result.exit_code == 2
    assert f"There is no file {file}" in result.stderr
    assert not file.exists()


@pytest.mark.parametrize("command", ["upgrade", "status"])
def test_a_database_of_something_else_is_refused(run: Run, url: str, file: Path, command: str) -> None:
    file.write_bytes(b"a letter to the bank " * 300)
    result = run("db", command, "--db", url)
    assert result.exit_code == 2
    assert "not an SQLite database" in result.stderr


def test_in_dutch_it_is_dutch(run: Run, url: str) -> None:
    assert f"{len(MIGRATIONS)} migraties uitgevoerd" in run("db", "upgrade", "--db", url, lang="nl_NL.UTF-8").stdout


@pytest.mark.postgresql
def test_the_demo_runs_on_postgresql_and_shows_no_password(run: Run, postgresql: str) -> None:
    for expected in (" ok", "already returned"):
        result = run("demo", "--db", postgresql)
        assert result.exit_code == 0, result.output
        assert expected in result.stdout
    assert run("db", "status", "--db", postgresql).exit_code == 0
