"""What the source says of the fields of a class and of the members of an enumeration: a docstring below one, or a
comment ``#: …`` behind it, which is where tools for documentation look too."""

from __future__ import annotations

import ast
import inspect
import sys
from collections.abc import Mapping
from functools import cache
from pathlib import Path


@cache
def _of_module(module: str) -> Mapping[tuple[str, str], str]:
    source = Path(str(sys.modules[module].__file__)).read_text()
    lines, found = source.splitlines(), {}
    for kind in ast.walk(ast.parse(source)):
        if isinstance(kind, ast.ClassDef):
            name = ""
            for node in kind.body:
                if isinstance(node, ast.Assign | ast.AnnAssign):
                    target = node.targets[0] if isinstance(node, ast.Assign) else node.target
                    name = target.id if isinstance(target, ast.Name) else ""
                    _, mark, words = lines[(node.end_lineno or 0) - 1][node.end_col_offset :].partition("#: ")
                    if mark:
                        found[kind.name, name] = words
                elif isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and name:
                    found[kind.name, name] = inspect.cleandoc(str(node.value.value))
    return found


def described(kind: type, name: str) -> str:
    """What is said of a field or a member of ``kind`` where it stands; empty where nothing is."""
    for owner in kind.__mro__:
        if owner.__module__.startswith("retour") and (owner.__name__, name) in _of_module(owner.__module__):
            return _of_module(owner.__module__)[owner.__name__, name]
    return ""
