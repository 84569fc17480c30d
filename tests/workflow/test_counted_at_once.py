"""Two people count one parcel at the same moment, each in a process of his own: it is counted once."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from retour import Actor, MemoryShop, ReturnDesk
from retour.model.return_number import return_number
from retour.testing import a_line, an_order

COUNTER = Path(__file__).with_name("counter.py")
PARCELS = 12


@pytest.fixture
def url(database: str, tmp_path: Path) -> str:
    """A database that two processes can open."""
    return database if database.startswith("postgresql") else f"sqlite:///{tmp_path / 'returns.db'}"


def test_two_processes_that_count_the_same_parcels_count_each_once(url: str, tmp_path: Path) -> None:
    orders = [f"at-once-{number}" for number in range(PARCELS)]
    shop = MemoryShop([an_order(a_line("cup", 9), order_id=one) for one in orders])
    desk = ReturnDesk(shop=shop, store=url, migrate=True)
    asked = {
        one: desk.request_return(one, {"cup": 6}, by=Actor.customer("c-17"), request_id="asked").return_id
        for one in orders
    }
    begin, returns = tmp_path / "begin", [f"{order_id}={return_id}" for order_id, return_id in asked.items()]
    counters = [
        subprocess.Popen(
            [sys.executable, str(COUNTER), url, name, str(begin), *returns], stdout=subprocess.PIPE, text=True
        )
        for name in ("anna", "ben")
    ]
    for one in counters:
        assert one.stdout is not None
        assert one.stdout.readline() == "ready\n"
    begin.touch()
    said = [line for one in counters for line in one.communicate(timeout=60)[0].splitlines()]
    assert [one.returncode for one in counters] == [0, 0]
    for order_id, return_id in asked.items():
        (receipt,) = desk.dossier(order_id).return_(return_id).receipts.values()
        assert desk.dossier(order_id).came_back() == {"cup": 2}
        told = sorted(line.removeprefix(f"{order_id} ") for line in said if line.startswith(f"{order_id} "))
        assert len(told) == 2
        assert told[1] == "counted"
        assert (
            f"parcel 3SABC123 of return {return_number(return_id)} was counted already, by {receipt.by.id} " in told[0]
        )
        assert f"receipt {receipt.id}" in told[0]
    desk.close()
