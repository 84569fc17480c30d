"""How many orders a second `retour demo --orders` takes through their cases: of a table without a provider, and of a
file like the demo's own, with its providers' sandboxes and labels."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from importlib.resources import files
from pathlib import Path

from benchmarks.scale import Scale
from benchmarks.table import Part, Row

AIM = 150
"""Orders a second."""

_COLUMNS = ("InvoiceNo", "StockCode", "Description", "Quantity", "InvoiceDate", "UnitPrice", "CustomerID", "Country")
_PRODUCTS = (("mug", "Enamel mug", 2, "14.95"), ("teapot", "Teapot", 1, "44.95"), ("towel", "Tea towel", 4, "8.95"))


def demo_orders(scale: Scale) -> Part:
    """The command, as a person types it, with a few orders and with more of them: what it takes longer is theirs."""
    few = len(_orders_of_the_demo())
    many = few * (1 + scale.demo_rounds)
    kinds: dict[str, Callable[[Path, int], Path]] = {
        "a table of orders without a provider": _table,
        "a file as the demo's own": _file,
    }
    rows = []
    with tempfile.TemporaryDirectory(prefix="retour-bench-") as folder:
        for what, written in kinds.items():
            longer = _seconds(written(Path(folder), many)) - _seconds(written(Path(folder), few))
            rate = (many - few) / longer
            aimed = written is _table
            rows.append(
                Row(
                    section="`retour demo --orders`, SQLite",
                    what=what,
                    value=f"{rate:,.0f}/s",
                    against=f"{many - few:,} orders",
                    aim=f"at least {AIM}/s" if aimed else "",
                    met=rate >= AIM if aimed else None,
                )
            )
    note = (
        f"**`retour demo --orders`** is a process of its own that takes each order through one case, step by step, and "
        f"compares its dossier with the sandboxes' books. It ran with {few} and with {many:,} orders, once each: the "
        "rate is that of the orders between."
    )
    return Part(rows=tuple(rows), notes=(note,))


def _seconds(orders: Path) -> float:
    """How long the command takes. Raises `CalledProcessError` where an order did not end as its case says."""
    program = "from retour.cli import main; main()"
    began = time.perf_counter()
    command = [sys.executable, "-c", program, "demo", "--orders", str(orders), "--lang", "en"]
    subprocess.run(command, check=True, capture_output=True)
    return time.perf_counter() - began


def _table(folder: Path, orders: int) -> Path:
    """Orders of three products each, as a shop exports its sales."""
    path = folder / "orders.csv"
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(_COLUMNS)
        for number in range(orders):
            for code, name, units, price in _PRODUCTS:
                writer.writerow((500_000 + number, code, name, units, "01-11-26 8:26", price, 17_000 + number, "NL"))
    return path


def _file(folder: Path, orders: int) -> Path:
    """The demo's own orders, again and again, each with an id and payments of its own."""
    own, written = _orders_of_the_demo(), []
    for number in range(orders):
        again, which = divmod(number, len(own))
        order = json.loads(own[which])
        order["id"] = f"{order['id']}-{again}"
        for payment in order.get("payments", ()):
            payment["reference"] = f"{payment['reference']}{again:04d}"
        if order.get("delivery", {}).get("number"):
            order["delivery"]["number"] += f"-{again}"
        written.append(order)
    path = folder / "orders.json"
    path.write_text(json.dumps(written), encoding="utf-8")
    return path


def _orders_of_the_demo() -> list[str]:
    orders = json.loads(files("retour.cli").joinpath("orders.json").read_text(encoding="utf-8"))
    return [json.dumps(one) for one in orders]
