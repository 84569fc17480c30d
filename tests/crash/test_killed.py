"""A killed process is a crash like any other: what was committed is done, once, and what was not never happened."""

from __future__ import annotations

import random
import signal
import sqlite3
import time
from multiprocessing import Pipe
from pathlib import Path

import forked
import pytest
from crash.merchant import FileShop, mark_all, mark_one
from sqlalchemy import create_engine, text

from retour import Actor, ReturnDesk, StockState
from retour.model.returns import MovementState

ANNA = Actor.staff("anna")


def survivor(database: str, shop_file: Path) -> ReturnDesk:
    """A desk in this process, for which every lease of the dead one has run out."""
    desk = ReturnDesk(shop=FileShop(str(shop_file)), store=database, migrate=True)
    engine = create_engine(database)
    with engine.begin() as connection:
        connection.execute(text("UPDATE retour_effect SET lease_until = 0, not_before = 0 WHERE state = 'waiting'"))
    engine.dispose()
    return desk


def stock(shop_file: Path) -> dict[str, int]:
    with sqlite3.connect(shop_file) as connection:
        rows = dict(connection.execute("SELECT product, sum(quantity) FROM booking GROUP BY product"))
    connection.close()
    return rows


def booked(shop_file: Path) -> int:
    """All units that the shop has booked so far; none before it is open."""
    try:
        return sum(stock(shop_file).values())
    except sqlite3.OperationalError:
        return 0


@pytest.mark.parametrize(
    "moment, committed",
    [
        ("before the intent is committed", False),
        ("after the intent is committed", True),
        ("before the stock is booked", True),
        ("after the stock is booked", True),
        ("before the outcome is committed", True),
        ("after the outcome is committed", True),
    ],
)
def test_a_return_killed_at_any_moment_is_done_once_or_not_at_all(
    database: str, tmp_path: Path, moment: str, committed: bool
) -> None:
    shop_file = tmp_path / "shop.db"
    assert forked.run(mark_one, database, str(shop_file), "order-1", moment) == -signal.SIGKILL
    desk = survivor(database, shop_file)
    desk.work()
    dossier = desk.dossier("order-1")
    if not committed:
        assert dossier.version == 0
        assert stock(shop_file) == {}
        desk.mark_returned("order-1", by=ANNA)
    assert stock(shop_file) == {"cup": 3}
    (return_,) = desk.dossier("order-1").returns.values()
    assert return_.stock is StockState.APPLIED
    assert not desk.mark_returned("order-1", by=ANNA).changed
    assert desk.work().done == 0
    assert stock(shop_file) == {"cup": 3}
    desk.close()


def test_a_merchant_killed_again_and_again_at_random_loses_and_doubles_nothing(database: str, tmp_path: Path) -> None:
    """A process works through 60 orders, is killed after a random number of them, and is started again until done.

    It waits for more orders while it may be killed, so that it lives long enough on a machine where we look too late.
    """
    shop_file = tmp_path / "shop.db"
    chance = random.Random(20261123)
    orders = [f"order-{number}" for number in range(60)]
    kills = 0
    for _ in range(60):
        enough = booked(shop_file) + 3 * chance.randint(2, 15)
        handed, hand_over = Pipe(duplex=False)
        with handed, hand_over:
            process = forked.start(mark_all, database, str(shop_file), handed)
            for order_id in orders:
                hand_over.send(order_id)
            if enough >= 3 * len(orders):
                hand_over.send(None)
                assert forked.ended(process) == 0
                break
            while booked(shop_file) < enough:
                assert process.is_alive()
                time.sleep(0.001)
            time.sleep(chance.uniform(0, 0.01))
            process.kill()
            assert forked.ended(process) == -signal.SIGKILL
        kills += 1
    else:
        pytest.fail("the merchant never got through his orders")
    desk = survivor(database, shop_file)
    desk.work()
    assert kills >= 1
    assert stock(shop_file) == {"cup": 3 * len(orders)}
    for order_id in orders:
        (return_,) = desk.dossier(order_id).returns.values()
        assert {one.state for one in return_.movements.values()} == {MovementState.APPLIED}
    desk.close()
