"""Reading a file of orders: the project's own JSON, or CSV in the columns of the "Online Retail" data set."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from importlib.resources import files
from pathlib import Path
from zoneinfo import ZoneInfo

from retour.cli.orders_csv import read_csv
from retour.cli.orders_faults import OrdersRead, unusable
from retour.cli.orders_json import read_json
from retour.cli.words import text

ZONE = ZoneInfo("Europe/Amsterdam")
"""The zone of times in a file that names none."""


def read_orders(path: str | Path, loaded: Collection[str] = (), columns: Mapping[str, str] | None = None) -> OrdersRead:
    """The orders of the file at ``path`` (``.json`` or ``.csv``), and every fault of those that cannot be used.

    ``loaded`` are the names of the loaded payment providers, ``columns`` what a CSV file calls our columns. Raises
    `InvalidOrdersFile` when nothing in the file can be read.
    """
    given = Path(path)
    name = str(path)
    kind = given.suffix.lower()
    if kind not in (".json", ".csv"):
        raise unusable(name, text("Orders are read from a file that ends in .json or .csv."))
    if columns and kind == ".json":
        raise unusable(name, text("--columns is for a file that ends in .csv."))
    try:
        data = given.read_bytes()
    except FileNotFoundError:
        raise unusable(name, text("There is no such file.")) from None
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise unusable(name, text("The file cannot be opened: {reason}.", reason=reason)) from None
    read = read_json(name, data, loaded) if kind == ".json" else read_csv(name, data, ZONE, columns)
    if not read.orders and not read.faults:
        raise unusable(name, text("The file holds no orders."))
    return read


def bundled_orders() -> OrdersRead:
    """The orders that come with retour: one for each case of the demo."""
    return read_json("orders.json", files("retour.cli").joinpath("orders.json").read_bytes(), ())
