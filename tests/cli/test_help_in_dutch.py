"""Help and errors of the command line in the language that ``--lang`` or the environment asks for, as processes say
them."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
from pathlib import Path

import click
import pytest

from retour.cli import _COMMANDS, click_catalogue

RETOUR = Path(sys.executable).parent / "retour"
WITHOUT = ("LC_ALL", "LC_MESSAGES", "LANG", "LANGUAGE")


def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    others = {name: value for name, value in os.environ.items() if name not in WITHOUT}
    return subprocess.run(
        [str(RETOUR), *arguments],
        env={**others, **environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_the_help_is_in_the_language_of_the_environment() -> None:
    said = run("--help", LANG="nl_NL.UTF-8").stdout
    assert said.startswith("Gebruik: retour [OPTIES] OPDRACHT")
    assert "Opdrachten:" in said
    assert "  --version   Toon de versie en stop." in said
    assert "  -h, --help  Toon deze tekst en stop." in said


@pytest.mark.parametrize("command", _COMMANDS)
def test_no_english_is_left_in_the_help_of_a_command(command: str) -> None:
    said = run(command, "--help", LC_ALL="nl_NL.UTF-8").stdout
    assert said.startswith(f"Gebruik: retour {command}")
    for english in ("Usage", "Options", "Commands:", "Show this", "Default:", "[OPTIONS]", " the ", " and "):
        assert english not in said


@pytest.mark.parametrize("arguments", [("demo", "--lang", "nl", "--help"), ("demo", "--help", "--lang=nl")])
def test_the_language_can_be_named_before_the_help_and_after_it(arguments: tuple[str, ...]) -> None:
    assert run(*arguments, LANG="en_US.UTF-8").stdout.startswith("Gebruik: retour demo [OPTIES]")


def test_a_language_on_the_command_line_counts_more_than_the_environment() -> None:
    assert run("demo", "--lang", "en", "--help", LANG="nl_NL.UTF-8").stdout.startswith("Usage: retour demo [OPTIONS]")


@pytest.mark.parametrize(
    "arguments, said",
    [
        (["demo", "--hep"], "Fout: Er is geen optie '--hep'. Bedoelde je '--help'?"),
        (["nonsense"], "Fout: Er is geen opdracht 'nonsense'."),
        (["demo", "extra"], "Fout: Er is een argument te veel (extra)"),
        (["attention"], "Fout: Er ontbreekt een optie '--desk'."),
        (["demo", "--orders"], "Fout: Bij optie '--orders' hoort een waarde."),
        (["sandbox", "--port", "0"], "Fout: Ongeldige waarde voor '--port': 0 ligt niet in 1<=x<=65535."),
        (
            ["sandbox", "--port", "x"],
            "Fout: Ongeldige waarde voor '--port': 'x' is geen geldige waarde (geheel getal).",
        ),
        (
            ["worker", "--every", "x"],
            "Fout: Ongeldige waarde voor '--every': 'x' is geen geldige waarde (getal).",
        ),
        (["refunds", "--desk", "a:b", "--kind"], "Fout: Er is geen optie '--kind'."),
    ],
)
def test_what_was_typed_wrong_is_said_in_dutch(arguments: list[str], said: str) -> None:
    result = run(*arguments, LANG="nl_NL.UTF-8")
    assert result.returncode == 2
    assert said in result.stderr
    assert not re.search(r"Usage|Error|Try '|No such", result.stderr)


def test_what_is_needed_is_marked_in_dutch() -> None:
    help_of_returns = run("returns", "--help", LANG="nl_NL.UTF-8").stdout
    assert "[verplicht]" in help_of_returns
    assert "[required]" not in help_of_returns


def test_how_it_is_called_and_where_help_is_are_in_dutch_too() -> None:
    said = run("demo", "--hep", LANG="nl_NL.UTF-8").stderr
    assert said.startswith("Gebruik: retour demo [OPTIES]\nProbeer 'retour demo --help' voor hulp.\n")


def test_the_same_is_said_where_the_command_line_names_the_language() -> None:
    assert "Fout: Er is geen optie '--hep'." in run("demo", "--lang", "nl", "--hep").stderr


@pytest.mark.parametrize("environment", [{}, {"LANG": "C"}, {"LANG": "fr_FR.UTF-8"}, {"LC_ALL": "en_GB", "LANG": "nl"}])
def test_it_is_english_where_nobody_asks_for_a_language_that_there_are_words_in(environment: dict[str, str]) -> None:
    assert run("--help", **environment).stdout.startswith("Usage: retour [OPTIONS] COMMAND [ARGS]...")


def test_what_click_says_is_in_the_catalogue_as_it_says_it() -> None:
    """A newer click that says something in other words fails here, and not in front of a Dutch reader."""
    said = set()
    for source in Path(click.__file__).parent.glob("*.py"):
        for node in ast.walk(ast.parse(source.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in ("_", "ngettext"):
                said |= {one.value for one in node.args if isinstance(one, ast.Constant)}
    not_by_gettext = {"[OPTIONS]", "COMMAND [ARGS]...", "File"}  # attributes of a command, and the name of a type
    not_by_gettext |= {"required", "integer range", "float range"}  # looked up as values: other tests here read them
    assert {one.message for one in click_catalogue.WORDS} - not_by_gettext <= said
