"""The dependency rule: nothing imports upward, there are no circles, and plugins keep to the public names."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
CORE = ROOT / "core/src/retour"

FLOORS = [
    {"process_lock"},  # keeps threads apart, which is no part of any value or rule
    {"model"},
    {"rules", "providers", "store", "shop", "sandbox"},
    {"plugins"},
    {"plain"},
    {"steps"},
    {"effects"},
    {"desk"},
    {"cli", "testing"},
]
"""From the ground up; a package may import its own floor's packages and those below."""

PUBLIC = {
    "retour",
    "retour.providers",
    "retour.sandbox",
    "retour.testing",
    "retour.testing.contracts",
    "retour.testing.shipping_contracts",
}
"""What a plugin may import of the core; its tests may use the test kit as well."""


def floor_of(package: str) -> int:
    return next(number for number, floor in enumerate(FLOORS) if package in floor)


def imports(source: Path) -> Iterator[tuple[str, int]]:
    """Every module that a file imports, anywhere in it, with its line."""
    for node in ast.walk(ast.parse(source.read_text())):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.name, node.lineno
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0 or "plugins" in source.parts, f"{source}:{node.lineno} imports relatively"
            if node.module is not None and node.level == 0:
                yield node.module, node.lineno
                for alias in node.names:
                    yield f"{node.module}.{alias.name}", node.lineno


def core_imports() -> Iterator[tuple[Path, str, str]]:
    """(file, its package, imported package) for every import inside the core; `retour/__init__` is lazy and exempt."""
    for source in sorted(CORE.rglob("*.py")):
        parts = source.relative_to(CORE).with_suffix("").parts
        if parts == ("__init__",):
            continue
        for module, line in imports(source):
            names = module.split(".")
            if (
                names[0] == "retour"
                and len(names) > 1
                and (CORE / names[1]).exists() | (CORE / f"{names[1]}.py").exists()
            ):
                yield Path(f"{source}:{line}"), parts[0], names[1]


def test_nothing_in_the_core_imports_upward() -> None:
    upward = [
        f"{source} imports retour.{imported}"
        for source, package, imported in core_imports()
        if floor_of(imported) > floor_of(package)
    ]
    assert upward == []


def circle_in(edges: dict[str, set[str]]) -> list[str]:
    """The way from a name over what it imports back to itself; empty where there is none."""
    for start in sorted(edges):
        waiting = [[start]]
        seen: set[str] = set()
        while waiting:
            way = waiting.pop()
            for imported in sorted(edges.get(way[-1], set()) - seen):
                if imported == start:
                    return [*way, start]
                seen.add(imported)
                waiting.append([*way, imported])
    return []


def modules_in(folder: Path) -> dict[str, set[str]]:
    """Every module below a folder of modules, with those that it imports, for type checkers only included."""
    sources = {}
    for source in folder.rglob("*.py"):
        parts = source.relative_to(folder.parent).with_suffix("").parts
        sources[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = source
    edges: dict[str, set[str]] = {}
    for name, source in sources.items():
        found = set(imports(source))
        from_packages = {(module.rpartition(".")[0], line) for module, line in found}
        named = {module for module, _ in found - from_packages}
        edges[name] = {one if one in sources else one.rpartition(".")[0] for one in named} & sources.keys() - {name}
    return edges


def test_the_core_has_no_circles() -> None:
    packages: dict[str, set[str]] = {}
    for _, package, imported in core_imports():
        if imported != package:
            packages.setdefault(package, set()).add(imported)
    assert circle_in(packages) == []


def test_no_two_modules_of_the_core_import_each_other_not_even_for_type_checkers() -> None:
    modules = modules_in(CORE)
    del modules["retour"]  # lazy and exempt
    assert circle_in(modules) == []


def test_a_circle_of_modules_is_found(tmp_path: Path) -> None:
    (tmp_path / "house").mkdir()
    (tmp_path / "house/__init__.py").write_text("")
    (tmp_path / "house/door.py").write_text("import house.key")
    (tmp_path / "house/key.py").write_text("def turn():\n    from house import lock")
    (tmp_path / "house/lock.py").write_text("if TYPE_CHECKING:\n    from house.door import Door")
    assert circle_in(modules_in(tmp_path / "house")) == ["house.door", "house.key", "house.lock", "house.door"]


def test_the_core_has_no_package_outside_its_floors() -> None:
    packages = {entry.stem for entry in CORE.iterdir() if not entry.name.startswith(("_", "py.typed"))}
    assert packages - {"locale"} <= set().union(*FLOORS)


def test_rules_and_model_import_no_database_no_network_and_no_clock() -> None:
    forbidden = {"sqlalchemy", "sqlite3", "psycopg", "requests", "socket", "time", "random", "threading"}
    for folder in ("model", "rules"):
        for source in (CORE / folder).rglob("*.py"):
            assert not {module.split(".")[0] for module, _ in imports(source)} & forbidden, source
            assert ".now(" not in source.read_text(), source


@pytest.mark.parametrize("plugin", sorted(path.name for path in (ROOT / "plugins").iterdir() if path.is_dir()))
def test_a_plugin_imports_public_names_and_no_other_plugin(plugin: str) -> None:
    own = f"retour_{plugin}"
    for source in (ROOT / "plugins" / plugin).rglob("*.py"):
        for module, line in imports(source):
            names = module.split(".")
            if names[0].startswith("retour_"):
                assert names[0] == own, f"{source}:{line} imports another plugin: {module}"
            if names[0] == "retour" and len(names) > 1:
                allowed = any(module == public or module.rpartition(".")[0] == public for public in PUBLIC)
                assert allowed, f"{source}:{line} imports a private module: {module}"


def test_importing_retour_imports_neither_the_store_nor_a_network_library() -> None:
    import subprocess
    import sys

    heavy = "sqlalchemy", "requests", "cattrs", "babel", "rich", "click", "pluggy", "retour.desk"
    command = f"import sys, retour; print([name for name in {heavy!r} if name in sys.modules])"
    said = subprocess.run([sys.executable, "-c", command], capture_output=True, text=True, check=True)
    assert said.stdout.strip() == "[]"


def test_every_public_name_can_be_imported_and_says_what_it_is() -> None:
    import retour

    for name in retour.__all__:
        value = getattr(retour, name)
        assert value.__doc__ or name == "hookimpl", name
    assert set(retour.__all__) <= set(dir(retour))
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        retour.nonsense  # noqa: B018
