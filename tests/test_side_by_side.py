"""Tests in several workers at once: none takes what another one has, and what they tell is said in the end."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from textwrap import dedent

import pytest

pytest_plugins = ["pytester"]

ROOT = Path(__file__).parent.parent

Run = Callable[..., list[str]]


@pytest.fixture
def run(pytester: pytest.Pytester) -> Run:
    """Runs tests with what ours share, in two workers or in none; gives what was said."""
    (pytester.path / "tests").mkdir()
    for shared in ("pyproject.toml", "conftest.py", "tests/conftest.py"):
        (pytester.path / shared).write_text((ROOT / shared).read_text())

    def ran(tests: str, *options: str) -> list[str]:
        for file in ("test_one.py", "test_other.py"):
            (pytester.path / "tests" / file).write_text(dedent(tests))
        done = pytester.runpytest_subprocess("-p", "no:cacheprovider", *options)
        assert done.ret == pytest.ExitCode.OK
        return done.outlines

    return ran


IN_TWO = ("--numprocesses", "2", "--dist", "loadfile", "--no-loadscope-reorder")


@pytest.mark.parametrize("options", [IN_TWO, ()], ids=["in two workers", "in none"])
def test_what_tests_tell_is_summed_in_the_last_lines_whoever_ran_them(run: Run, options: tuple[str, ...]) -> None:
    said = run(
        """
        def test_a(tell):
            tell("cups", {"counted": 3, "broken": 0})

        def test_b(tell):
            tell("cups", {"counted": 2, "broken": 0})
            tell("teapots", {"counted": 1})
        """,
        *options,
    )
    assert [line for line in said if line.startswith(("cups", "teapots"))] == [
        "cups: counted 10, broken 0",
        "teapots: counted 2",
    ]


@pytest.mark.postgresql
def test_each_worker_has_a_database_and_ports_of_its_own(run: Run, postgresql_url: str, tmp_path: Path) -> None:
    del postgresql_url  # it is asked for so that this is skipped where there is none
    run(
        f"""
        import os
        from pathlib import Path

        def test_what_it_has(postgresql_url, two_ports):
            worker = os.environ["PYTEST_XDIST_WORKER"]
            (Path({str(tmp_path)!r}) / worker).write_text(f"{{postgresql_url}} {{two_ports // 1000}}")
        """,
        *IN_TWO,
    )
    had = [(tmp_path / worker).read_text().split() for worker in ("gw0", "gw1")]
    assert had[0][0] != had[1][0]
    assert had[0][1] != had[1][1]


def test_what_takes_long_is_begun_first(run: Run) -> None:
    said = run(
        """
        import pytest

        def test_short():
            pass

        @pytest.mark.long
        def test_long():
            pass
        """,
        "-v",
    )
    assert [line.split("::")[1].split()[0] for line in said if "::" in line] == ["test_long"] * 2 + ["test_short"] * 2
