"""Long work says how far it is: with a bar at a terminal, in lines on stderr where its output goes to a pipe."""

from __future__ import annotations

import io
import time

import pytest
from rich.console import Console

from retour.cli.progress import counted, telling
from retour.cli.words import text
from retour.model.text import Text


def test_long_work_in_a_pipe_says_how_far_it_is_on_stderr(capsys: pytest.CaptureFixture[str]) -> None:
    out = io.StringIO()
    for number in counted(range(4), "orders", Console(file=out), "en", every=0.05):
        time.sleep(0.2 if number == 2 else 0)
    said = capsys.readouterr().err.splitlines()
    assert "2 of 4 done" in said
    assert set(said) <= {f"{done} of 4 done" for done in range(1, 4)}
    assert out.getvalue() == "", "what the command prints is its result alone"


def test_it_says_so_in_dutch(capsys: pytest.CaptureFixture[str]) -> None:
    for _ in counted(range(1), "bestellingen", Console(file=io.StringIO()), "nl", every=0.05):
        time.sleep(0.2)
    assert capsys.readouterr().err.startswith("0 van 1 klaar\n")


def test_at_a_terminal_there_is_a_bar_and_no_line(capsys: pytest.CaptureFixture[str]) -> None:
    out = io.StringIO()
    for _ in counted(range(3), "orders", Console(file=out, force_terminal=True, width=80), "en", every=0.01):
        time.sleep(0.03)
    assert "3/3" in out.getvalue()
    assert capsys.readouterr().err == ""


def test_short_work_says_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    with telling(lambda seconds: text("{db}: upgrading, {seconds} seconds so far", db="x", seconds=seconds), "en"):
        pass
    assert capsys.readouterr().err == ""


def test_nothing_more_is_said_when_the_work_fails(capsys: pytest.CaptureFixture[str]) -> None:
    def words(seconds: int) -> Text:
        return text("{db}: upgrading, {seconds} seconds so far", db="x", seconds=seconds)

    def work() -> None:
        with telling(words, "en", every=0.05):
            time.sleep(0.12)
            raise ValueError("broken")

    with pytest.raises(ValueError, match="broken"):
        work()
    said = capsys.readouterr().err
    assert said.startswith("x: upgrading, 0 seconds so far\n")
    time.sleep(0.12)
    assert capsys.readouterr().err == ""
