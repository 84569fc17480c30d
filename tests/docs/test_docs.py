"""Every block of code in the README and the docs runs, and every hook is on its page as it is in the code."""

from __future__ import annotations

import inspect
import os
import re
import shlex
import subprocess
import sys
import tomllib
from importlib.util import find_spec
from pathlib import Path

import forked
import pytest

from retour.plugins import specs

ROOT = Path(__file__).parent.parent.parent
PAGES = sorted(
    page
    for pattern in (
        *("README.md", "docs/**/*.md", "core/README.md", "plugins/*/README.md", "benchmarks/README.md"),
        "examples/*/README.md",
    )
    for page in ROOT.glob(pattern)
)
BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
FILE = re.compile(r"# (\w+\.py)\n")
"""The first line of a block that is a file. The other blocks of its page find it where they run."""

PRINTED = re.compile(r"^\s*print\(.*\)  # (.*)$", re.MULTILINE)
"""What a reader is told that a line prints: three dots stand for what is left out."""

TESTED_ELSEWHERE = ("make ", "python3 -m venv", ".venv/bin/pip", ".venv/bin/pytest", "pip install")
"""Commands that install, or that run these tests: .ci/run and tests/test_install.py run them."""


RUNS_UNTIL_IT_IS_STOPPED = ("retour sandbox",)
"""Commands that are stopped as soon as they say something."""


def blocks(*languages: str) -> list[object]:
    found = []
    for page in PAGES:
        for number, match in enumerate(BLOCK.finditer(page.read_text()), start=1):
            if match[1] in languages:
                found.append(pytest.param(match[2], id=f"{page.relative_to(ROOT)}-{number}"))
    return found


@pytest.fixture
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """Where a block runs: with the files of its page."""
    page = ROOT / request.node.callspec.id.rpartition("-")[0]
    for match in BLOCK.finditer(page.read_text()):
        if file := FILE.match(match[2]):
            (tmp_path / file[1]).write_text(match[2])
    return tmp_path


def test_every_block_says_its_language() -> None:
    for page in PAGES:
        for match in BLOCK.finditer(page.read_text()):
            assert match[1] in {"python", "console", "toml", "json", "csv", "text"}, f"{page}: {match[0][:40]}"


FRAMEWORKS = ("fastapi", "flask", "django")
"""What a host brings: the blocks that show retour in one of them run where it is installed."""


def needs_installed(code: str) -> None:
    """Skip a block of a framework that is not here; a build server has all of them."""
    for name in FRAMEWORKS:
        if re.search(rf"^(?:from|import) {name}\b", code, re.MULTILINE) and find_spec(name) is None:
            missing = f"{name} is not installed: pip install -r requirements-dev.txt"
            assert os.environ.get("CI") != "true", missing
            pytest.skip(missing)


def test_a_page_of_a_framework_that_is_not_installed_is_skipped_and_fails_on_a_build_server(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(f"{__name__}.find_spec", lambda _: None)
    monkeypatch.delenv("CI", raising=False)
    needs_installed("import sqlite3")
    with pytest.raises(pytest.skip.Exception, match="flask is not installed"):
        needs_installed("from flask import Flask")
    monkeypatch.setenv("CI", "true")
    with pytest.raises(AssertionError, match="flask is not installed"):
        needs_installed("from flask import Flask")


@pytest.mark.parametrize("code", blocks("python"))
def test_a_python_block_runs(code: str, place: Path) -> None:
    needs_installed(code)
    errors, said = place / "errors.txt", place / "said.txt"
    assert forked.run_code(code, place, errors, said) == 0, errors.read_text()
    printed = re.sub("[\N{NO-BREAK SPACE}\N{NARROW NO-BREAK SPACE}]", " ", said.read_text())
    for line in PRINTED.findall(code):
        assert re.search("^" + ".*".join(map(re.escape, line.split("..."))) + "$", printed, re.MULTILINE), (
            f"{line!r} is not what is printed: {printed}"
        )


@pytest.mark.long
@pytest.mark.parametrize("session", blocks("console"))
def test_the_commands_of_a_console_block_run(session: str, place: Path) -> None:
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    for line in session.splitlines():
        if not line.startswith("$ "):
            continue
        command = line.removeprefix("$ ").partition(" #")[0].strip()
        if command.startswith(TESTED_ELSEWHERE):
            continue
        running = subprocess.Popen(
            shlex.split(command.removeprefix(".venv/bin/")),
            cwd=place,
            env={**os.environ, "PATH": path},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        if command.startswith(RUNS_UNTIL_IT_IS_STOPPED):
            assert running.stdout is not None
            assert running.stdout.readline(), running.communicate(timeout=60)
            running.terminate()
        said, errors = running.communicate(timeout=300)
        assert running.returncode == 0, f"{command}: {said}{errors}"


@pytest.mark.parametrize("code", blocks("toml"))
def test_a_toml_block_is_toml(code: str) -> None:
    tomllib.loads(code)


def test_links_between_pages_lead_somewhere() -> None:
    for page in PAGES:
        for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text()):
            assert (page.parent / target).exists(), f"{page.relative_to(ROOT)} links to {target}"


def test_every_test_that_a_page_names_is_there() -> None:
    for page in PAGES:
        for file, name in re.findall(r"`((?:tests|plugins)/[\w/]+\.py)::(\w+)`", page.read_text()):
            assert f"def {name}(" in (ROOT / file).read_text(), f"{page.relative_to(ROOT)} names {file}::{name}"


def actors() -> list[tuple[str, str]]:
    """Each part of the page of threats: about whom it is, and what it says."""
    parts = (ROOT / "docs/threats.md").read_text().split("\n## ")[1:]
    return [(name, text) for name, _, text in (part.partition("\n") for part in parts)]


def test_the_page_of_threats_has_a_part_for_each_who_can_do_something() -> None:
    """The customer, staff, the host's developer, a plugin's author, another tenant, the internet, the provider, the
    database."""
    assert len(actors()) == 8


@pytest.mark.parametrize("name, text", actors(), ids=[name for name, _ in actors()])
def test_each_threat_says_what_follows_and_which_test_shows_it_and_what_is_out_of_scope(name: str, text: str) -> None:
    rows = [[cell.strip() for cell in line.strip("|").split(" | ")] for line in text.splitlines() if line[:1] == "|"]
    head, _, *threats = rows
    assert head[2] == "shown by"
    assert threats
    for threat in threats:
        assert len(threat) == 3, f"{name}: {threat[0]}"
        assert all(threat), f"{name}: {threat[0]}"
        assert re.search(r"`(?:tests|plugins)/[\w/]+\.py::test_\w+`", threat[2]), (
            f"{name}: {threat[0]} is shown by no test"
        )
    assert re.search(r"^Out of scope: \w", text, re.MULTILINE), f"{name}: what is out of scope?"


def hooks_page() -> str:
    """The page of hooks, made from their specifications."""
    parts = ["# Every hook\n", f"{inspect.cleandoc(str(specs.__doc__))}\n"]
    for name, hook in vars(specs).items():
        if hasattr(hook, "retour_spec"):
            arguments = ", ".join(inspect.signature(hook).parameters)
            words, code = [], []
            for line in inspect.cleandoc(str(hook.__doc__)).splitlines():
                if line.startswith((">>> ", "... ")):
                    code.append(line[4:])
                else:
                    words.append(line)
            if "AcmePay" in "\n".join(code):
                code = [*code[:1], "", "class AcmePay: ...  # see add-a-provider.md", "", *code[1:]]
            if "AcmeShipping" in "\n".join(code):
                code = [*code[:1], "", "class AcmeShipping: ...  # see add-a-shipping-provider.md", "", *code[1:]]
            example = "\n".join(code)
            parts.append(f"## {name}({arguments})\n\n" + "\n".join(words).strip() + f"\n\n```python\n{example}\n```\n")
    return "\n".join(parts)


def test_the_page_of_hooks_is_made_from_the_specifications() -> None:
    """Run with RETOUR_WRITE_DOCS=1 to write it."""
    page = ROOT / "docs/hooks.md"
    if os.environ.get("RETOUR_WRITE_DOCS"):
        page.write_text(hooks_page())
    assert page.read_text() == hooks_page()
