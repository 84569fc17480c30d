"""What ``make mutants`` says of changes that no test notices, and that its list speaks of rules as they are."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from pathlib import Path

import pytest

from mutation.equivalents import Change, Verdict, change_of, judge, read_equivalents

RULES = Path(__file__).parent.parent.parent / "core/src/retour/rules"
ONE = Change("stock._same", "return 1", "return 2")
OTHER = Change("stock._same", "return 1", "return 3")


@pytest.mark.parametrize(
    "survived, named, verdict",
    [
        ([], [], Verdict([], [])),
        ([ONE], [ONE], Verdict([], [])),
        ([ONE], [], Verdict([ONE], [])),
        ([], [ONE], Verdict([], [ONE])),
        ([ONE], [OTHER], Verdict([ONE], [OTHER])),
        ([OTHER, ONE], [], Verdict([ONE, OTHER], [])),
        ([ONE, ONE], [ONE], Verdict([ONE], [])),
        ([ONE, ONE], [ONE, ONE], Verdict([], [])),
        ([ONE], [ONE, ONE], Verdict([], [ONE])),
    ],
)
def test_what_survives_is_named_and_what_is_named_survives(
    survived: Sequence[Change], named: Sequence[Change], verdict: Verdict
) -> None:
    assert judge(survived, named) == verdict


def test_a_change_is_told_by_the_lines_that_differ() -> None:
    before = "def f(a):\n    if (\n        a\n    ):\n        return 1\n    return 2\n"
    after = "def f(a):\n    if (\n        not a\n    ):\n        return 1\n    return 2\n"
    change = change_of("m.f", before, after)
    assert change == Change("m.f", "a", "not a")
    assert str(change) == "  m.f\n    - a\n    + not a"
    assert change_of("m.f", "x\ny\n", "x\n") == Change("m.f", "y", "")


def test_a_change_is_named_with_the_reason_why_nothing_can_notice_it(tmp_path: Path) -> None:
    file = tmp_path / "named.toml"
    change = 'changes = [{ function = "stock._same", before = "return 1", after = "return 2" }]'
    file.write_text(f'[[equivalent]]\nwhy = "both are the same"\n{change}\n')
    assert read_equivalents(file) == [ONE]
    for without in ("", 'why = " "\n'):
        file.write_text(f"[[equivalent]]\n{without}{change}\n")
        with pytest.raises(ValueError, match="say why these are equivalent"):
            read_equivalents(file)


def functions() -> dict[str, list[str]]:
    """The lines of each function of the rules, without their indentation."""
    found = {}
    for file in RULES.glob("*.py"):
        source = file.read_text(encoding="utf-8")
        tree = ast.parse(source)
        classes = [("", tree), *[(f"{one.name}.", one) for one in tree.body if isinstance(one, ast.ClassDef)]]
        for prefix, place in classes:
            for one in ast.iter_child_nodes(place):
                if isinstance(one, ast.FunctionDef):
                    lines = source.splitlines()[one.lineno - 1 : one.end_lineno]
                    found[f"{file.stem}.{prefix}{one.name}"] = [line.strip() for line in lines]
    return found


def test_what_is_named_as_equivalent_is_in_the_rules() -> None:
    """So it is found at once, and not by the next run, that a rule was changed of which something is named."""
    lines = functions()
    for change in read_equivalents():
        assert set(change.before.splitlines()) <= set(lines[change.function]), f"not there any more:\n{change}"
