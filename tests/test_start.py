"""What a process pays to start is what it uses: nothing else is imported, and no class has its methods written.

Processor time is measured by the benchmarks; here stands what makes it short, which no busy machine can blur.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

A_RETURN = """
from retour import Actor, MemoryShop, Order, OrderLine, Paid, ReturnDesk

mug = OrderLine(id="1", product="mug", name="Mug", ordered=1, fulfilled=1, paid=Paid.of("19.95", "EUR"))
shop = MemoryShop([Order(id="1001", currency="EUR", lines=[mug])])
ReturnDesk(shop=shop, store=store).mark_returned("1001", by=Actor.staff("anna"))
assert shop.stock == {"mug": 1}
"""

NEEDLESS = [
    *("sqlalchemy.dialects.postgresql", "psycopg", "sqlalchemy.orm", "babel", "requests", "rich", "click", "difflib"),
    *("retour.plain", "retour.cli", "retour.sandbox", "retour.testing", "retour.providers.requests_session"),
    *("retour.desk.attention", "retour.desk.doctor", "retour.desk.figures", "retour.desk.labels", "retour.desk.links"),
    *("retour.desk.lists", "retour.desk.possible", "retour.desk.webhooks", "retour.desk.work", "retour.rules.timeline"),
    *("retour.desk.refund_by_person", "retour.desk.refund_by_transfer", "retour.desk.refund_offers"),
    *("retour_mollie", "retour_stripe", "retour_paypal", "retour_sendcloud", "retour_manual_transfer"),
]
"""What one return on SQLite, with no provider, has no use for."""

LOOK = """
import gc, json, re, sys
from retour.model.frozen import _Unwritten

classes = [one for one in gc.get_objects() if isinstance(one, type) and str(one.__module__).startswith("retour.")]
waiting = [one for one in classes if type(vars(one).get("__init__")) is _Unwritten]
written = [one for one in classes if "__attrs_attrs__" in vars(one) and one not in waiting]
compared = [one for one in written if "__eq__" in vars(one) and type(vars(one)["__eq__"]) is not _Unwritten]
ours = [vars(module) for name, module in sys.modules.items() if name.startswith("retour.")]
patterns = [value.pattern for names in ours for value in names.values() if isinstance(value, re.Pattern)]
counts = {"written": len(written), "waiting": len(waiting), "compared": len(compared)}
print(json.dumps({"modules": sorted(sys.modules), "patterns": patterns, **counts}))
"""


def seen_after(program: str) -> Any:
    """What a fresh process has imported and written when it has run a program."""
    command = [sys.executable, "-c", program + LOOK]
    said = subprocess.run(command, capture_output=True, text=True, check=False)
    assert said.returncode == 0, said.stderr
    return json.loads(said.stdout)


def imported_of(names: list[str], modules: list[str]) -> list[str]:
    return [name for name in names if any(one == name or one.startswith(f"{name}.") for one in modules)]


def test_a_first_return_imports_nothing_that_it_does_not_need(tmp_path: Path) -> None:
    seen = seen_after(f"store = 'sqlite:///{tmp_path}/returns.db'\n{A_RETURN}")
    assert imported_of(["retour.desk", "sqlalchemy.dialects.sqlite"], seen["modules"])
    assert imported_of(NEEDLESS, seen["modules"]) == []


def test_importing_the_desk_writes_few_classes_and_a_first_return_not_half_of_them(tmp_path: Path) -> None:
    desk = seen_after("from retour import ReturnDesk\n")
    assert 5 * desk["written"] < desk["waiting"]
    first = seen_after(f"store = 'sqlite:///{tmp_path}/returns.db'\n{A_RETURN}")
    assert desk["written"] < first["written"] < first["waiting"]
    assert 2 * first["compared"] < first["written"]


def test_a_first_return_compiles_no_pattern_before_something_is_looked_for_with_it(tmp_path: Path) -> None:
    """A pattern of ours is a text: `re` compiles it when it is first used, and keeps it."""
    assert seen_after(f"store = 'sqlite:///{tmp_path}/returns.db'\n{A_RETURN}")["patterns"] == []


@pytest.mark.parametrize("command", [["plugins"], ["sandbox", "--help"], ["--help"]], ids=" ".join)
def test_a_command_imports_nothing_that_it_does_not_need(command: list[str]) -> None:
    program = f"""
import contextlib, io
from retour.cli import main
with contextlib.redirect_stdout(io.StringIO()):
    main({command!r}, standalone_mode=False)
"""
    needless = ["retour.desk", "sqlalchemy", "cryptography", "requests"]
    needless += [] if command == ["plugins"] else ["babel"]  # it shows amounts
    assert imported_of(needless, seen_after(program)["modules"]) == []
