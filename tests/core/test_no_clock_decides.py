"""Which of two events was first, their numbers say: nowhere is a time of one compared with a time of another.

Each process has a clock of its own, and a host's can be hours ahead of another's. Times are for people.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

CORE = Path(__file__).parents[2] / "core/src/retour"
DECIDE = ("model", "rules", "steps", "effects", "desk")
"""Where it is decided what happens."""

WITH_CLOCKS_OF_OTHERS = {
    ("rules/timeline.py", "entries"): "when an order was placed and paid, the shop says: it has no number among ours",
    ("rules/label_reports.py", "_is_older"): "both are words of the provider, by its own clock",
    ("rules/whose_label.py", "_can_be"): "a provider's clock and ours, with a quarter of an hour between them",
    ("desk/attention.py", "_item"): "a refund is unknown since a time of the database's clock, and so is what is now",
}
"""Where a time of an event is compared all the same, each with the reason."""

ORDER = (ast.Lt, ast.LtE, ast.Gt, ast.GtE)
IN_ORDER = {"min", "max", "sorted", "sort"}


def names_of_times(source: str) -> set[str]:
    """The properties that give what a clock said of an event: ``return self.opened.at``."""
    return {
        one.name
        for one in ast.walk(ast.parse(source))
        if isinstance(one, ast.FunctionDef) and ast.unparse(one.body[-1]).endswith(".at")
    }


TIMES = {"at"}.union(*[names_of_times(source.read_text()) for source in (CORE / "model").rglob("*.py")])
"""What the times of events are called."""


def is_a_time(node: ast.expr) -> bool:
    """Whether an expression is the time of an event, or something that its method gives."""
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
        return is_a_time(node.func.value)
    if isinstance(node, ast.Tuple):
        return any(is_a_time(one) for one in node.elts)
    return isinstance(node, ast.Attribute) and node.attr in TIMES


def put_in_order(node: ast.Call) -> bool:
    """Whether times of events are put in an order, or the first or last is taken."""
    name = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
    if name not in IN_ORDER:
        return False
    given = [*node.args, *[one.value for one in node.keywords]]
    given += [one for many in given if isinstance(many, ast.List | ast.Tuple) for one in many.elts]
    given += [one.value for one in given if isinstance(one, ast.Starred)]
    each = [one.elt for one in given if isinstance(one, ast.GeneratorExp | ast.ListComp | ast.SetComp)]
    keys = [one.body for one in given if isinstance(one, ast.Lambda)]
    return any(is_a_time(one) for one in (*given, *each, *keys))


def compares_times(node: ast.AST) -> bool:
    """Whether something is decided by the time of an event."""
    if isinstance(node, ast.Compare):
        return any(isinstance(one, ORDER) for one in node.ops) and any(map(is_a_time, (node.left, *node.comparators)))
    if isinstance(node, ast.BinOp):
        return isinstance(node.op, ast.Sub) and (is_a_time(node.left) or is_a_time(node.right))
    return isinstance(node, ast.Call) and put_in_order(node)


def comparisons(source: str) -> Iterator[tuple[str, int]]:
    """The function and the line of each comparison of times in a module."""
    for function in ast.walk(ast.parse(source)):
        if isinstance(function, ast.FunctionDef):
            for node in ast.walk(function):
                if compares_times(node):
                    yield function.name, node.lineno  # type: ignore[attr-defined]


def test_nothing_is_decided_by_the_times_of_events() -> None:
    found = {
        (source.relative_to(CORE).as_posix(), function): line
        for folder in DECIDE
        for source in sorted((CORE / folder).rglob("*.py"))
        for function, line in comparisons(source.read_text())
    }
    assert found.keys() - WITH_CLOCKS_OF_OTHERS.keys() == set(), found
    assert WITH_CLOCKS_OF_OTHERS.keys() - found.keys() == set(), "an exception that is none any more"


def test_the_times_of_events_are_known_by_their_names() -> None:
    assert {"at", "changed_at", "opened_at", "moved_at", "since"} <= TIMES


@pytest.mark.parametrize(
    "decides",
    [
        "other.at >= refund.at",
        "label.moved_at > return_.changed_at",
        "now - refund.changed_at",
        "abs(return_.opened_at - at)",
        "max(label.changed_at, return_.changed_at)",
        "max([refund.changed_at, *known])",
        "max([*[one.at for one in refunds]])",
        "min(one.at for one in refunds)",
        "sorted(receipts, key=lambda one: one.at)",
        "sorted(receipts, key=lambda one: (one.at, one.id))",
        "refunds.sort(key=lambda one: one.changed_at)",
        "begun >= refund.at.replace(microsecond=0)",
    ],
)
def test_a_comparison_of_times_is_found(decides: str) -> None:
    assert [name for name, _ in comparisons(f"def decide():\n    return {decides}")] == ["decide"]


@pytest.mark.parametrize(
    "says", ["refund.begun_at or refund.at", "one.at == other.at", "sorted(receipts, key=lambda one: one.opened)"]
)
def test_what_is_told_to_people_may_be_a_time(says: str) -> None:
    assert list(comparisons(f"def tell():\n    return {says}")) == []
