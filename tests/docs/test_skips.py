"""Each reason for which a rule of the contract suites is skipped stands on the page of its kind, with what it means."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
KIT = ROOT / "core" / "src" / "retour" / "testing"
PAYMENT, SHIPPING = ROOT / "docs" / "add-a-provider.md", ROOT / "docs" / "add-a-shipping-provider.md"


def reasons(suite: str) -> Iterator[tuple[str, ...]]:
    """What is written of each reason, without the names and amounts in it."""
    for module in sorted((KIT / suite).glob("*.py")):
        for call in ast.walk(ast.parse(module.read_text())):
            if isinstance(call, ast.Call) and ast.unparse(call.func) == "pytest.skip":
                yield tuple(words for one in ast.walk(call.args[0]) for words in _written(one))


def _written(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value.strip():
        yield node.value.strip(" :")


def described(*pages: Path) -> list[str]:
    """What stands in backquotes on these pages, code apart."""
    prose = [re.sub(r"^```.*?^```", "", page.read_text(), flags=re.MULTILINE | re.DOTALL) for page in pages]
    return [" ".join(words.split()) for page in prose for words in re.findall(r"`([^`]+)`", page)]


@pytest.mark.parametrize(
    "suite, pages", [("contracts", [PAYMENT]), ("shipping_contracts", [PAYMENT, SHIPPING])], ids=["payment", "shipping"]
)
def test_a_skip_is_described(suite: str, pages: list[Path]) -> None:
    there, found = described(*pages), set(reasons(suite))
    assert len(found) >= 10
    behind_the_name = {words: words[1:] or words for words in found}
    missing = [
        words
        for words, said in behind_the_name.items()
        if not any(all(one in quoted for one in said) for quoted in there)
    ]
    assert missing == []
