"""Tests in several workers at once: none takes what another one has, and what they tell is said in the end."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent

TESTS = """
import os
from pathlib import Path

import pytest

def test_short(tell):
    tell("cups", {"counted": 2, "broken": 0})
    tell("teapots", {"counted": 1})

@pytest.mark.long
def test_long(tell, two_ports):
    tell("cups", {"counted": 3, "broken": 0})
    Path(os.environ.get("PYTEST_XDIST_WORKER", "alone") + ".ports").write_text(str(two_ports))

@pytest.mark.postgresql
def test_on_postgresql(postgresql_url):
    Path(os.environ.get("PYTEST_XDIST_WORKER", "alone") + ".database").write_text(postgresql_url)
"""

IN_ALL_TESTS = ("conftest", "database_clock", "own_database")
IN_TWO = ("--numprocesses", "2", "--dist", "loadfile", "--no-loadscope-reorder")


def run(folder: Path, *options: str) -> list[str]:
    """Run two files of these tests with what ours share; gives the lines that were said."""
    (folder / "tests").mkdir()
    for shared in ("pyproject.toml", "conftest.py", *(f"tests/{name}.py" for name in IN_ALL_TESTS)):
        (folder / shared).write_text((ROOT / shared).read_text())
    for file in ("test_one.py", "test_other.py"):
        (folder / "tests" / file).write_text(TESTS)
    command = [sys.executable, "-m", "pytest", "-v", "-p", "no:cacheprovider", *options]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout.splitlines()


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """What is said without workers."""
    return run(tmp_path_factory.mktemp("alone"), "-m", "not postgresql")


@pytest.fixture(scope="module")
def place_of_two(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where two workers ran, and left what they had; what was said is in the file `said`."""
    place = tmp_path_factory.mktemp("in_two")
    (place / "said").write_text("\n".join(run(place, *IN_TWO)))
    return place


def told(said: list[str]) -> list[str]:
    return [line for line in said if line.startswith(("cups", "teapots"))]


def test_what_tests_tell_is_summed_in_the_last_lines_whoever_ran_them(alone: list[str], place_of_two: Path) -> None:
    assert sorted(told(alone)) == ["cups: counted 10, broken 0", "teapots: counted 2"]
    assert sorted(told((place_of_two / "said").read_text().splitlines())) == sorted(told(alone))


def test_each_worker_has_ports_of_its_own(place_of_two: Path) -> None:
    one, other = [int((place_of_two / f"{worker}.ports").read_text()) for worker in ("gw0", "gw1")]
    assert one // 1000 != other // 1000


@pytest.mark.postgresql
def test_each_worker_has_a_database_of_its_own(postgresql_url: str, place_of_two: Path) -> None:
    databases = [(place_of_two / f"{worker}.database").read_text() for worker in ("gw0", "gw1")]
    assert len({*databases, postgresql_url}) == 3


def test_what_takes_long_is_begun_first(alone: list[str]) -> None:
    begun = [line.split("::")[1].split()[0] for line in alone if "::" in line]
    assert begun == ["test_long"] * 2 + ["test_short"] * 2
