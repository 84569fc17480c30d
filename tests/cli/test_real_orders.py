"""All orders of the real sample, through whole and partial returns, through the public API.

The sample: real sales of a British gift shop (Daqing Chen, "Online Retail", UCI Machine Learning Repository, CC BY
4.0), read from beside the project.
"""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import Result

from retour import Actor, MemoryShop, Money, Order, RestockDecision, ReturnDesk
from retour.cli.orders_file import read_orders

SAMPLE = Path(__file__).parents[2].parent / "shared/data/online-retail-sample.csv"

anna = Actor.staff("anna")


@pytest.fixture(scope="module")
def orders() -> tuple[Order, ...]:
    if not SAMPLE.exists():
        if os.environ.get("CI") == "true":
            pytest.fail(f"{SAMPLE} is missing, and CI=true")
        pytest.skip(f"the real sample is not there: {SAMPLE}")
    read = read_orders(SAMPLE)
    assert (len(read.orders), read.cancellations, read.faults) == (62, 4, ())
    return read.orders


@pytest.fixture
def shop(orders: tuple[Order, ...]) -> MemoryShop:
    return MemoryShop(orders)


@pytest.fixture
def desk(shop: MemoryShop, url: str) -> Iterator[ReturnDesk]:
    made = ReturnDesk(shop=shop, store=url, plugins=["manual_transfer"])
    yield made
    made.close()


def fulfilled(order: Order) -> Counter[str]:
    """Units per product that went out."""
    units: Counter[str] = Counter()
    for line in order.goods:
        units[line.product] += line.fulfilled
    return units


def goods_value(order: Order) -> int:
    """What was paid for the goods, in pence."""
    return sum(line.paid.gross.minor for line in order.goods)


def suggested(desk: ReturnDesk, order: Order) -> Money:
    found = [option.suggested for option in desk.refund_options(order.id)]
    return sum(found, Money.zero(order.currency))


def test_each_order_returned_whole_is_in_stock_once_and_refunded_exactly(
    orders: tuple[Order, ...], desk: ReturnDesk, shop: MemoryShop
) -> None:
    expected: Counter[str] = Counter()
    for order in orders:
        outcome = desk.mark_returned(order.id, by=anna)
        assert outcome.restock.needs_answer == (len({line.product for line in order.goods}) > 1)
        if outcome.restock.needs_answer:
            desk.answer_restock(order.id, outcome.return_id, RestockDecision.all(), by=anna)
        expected += fulfilled(order)
        assert Counter(shop.stock) == expected, order.id
        again = desk.mark_returned(order.id, by=anna)
        assert not again.changed
        assert Counter(shop.stock) == expected, order.id
        assert suggested(desk, order).minor == goods_value(order)


def test_each_order_returned_in_two_parts_is_in_stock_once_and_refunded_exactly(
    orders: tuple[Order, ...], desk: ReturnDesk, shop: MemoryShop
) -> None:
    expected: Counter[str] = Counter()
    for order in orders:
        part = {line.id: (line.fulfilled + 1) // 2 for line in order.goods}
        refunded = 0
        for number, lines in enumerate((part, None)):
            outcome = desk.mark_returned(order.id, lines, by=anna, request_id=f"form-{number}")
            if outcome.restock.needs_answer:
                desk.answer_restock(order.id, outcome.return_id, RestockDecision.all(), by=anna)
            for option in desk.refund_options(order.id):
                if option.suggested:
                    refunded += option.suggested.minor
                    desk.confirm_refund(
                        order.id,
                        option.payment.id,
                        option.suggested,
                        reference=f"bank {number}",
                        by=anna,
                        request_id=f"refund-{number}",
                    )
        expected += fulfilled(order)
        assert Counter(shop.stock) == expected, order.id
        assert not desk.mark_returned(order.id, by=anna).changed
        assert Counter(shop.stock) == expected, order.id
        assert refunded == goods_value(order), order.id
        assert suggested(desk, order).minor == 0


def test_the_demo_takes_all_of_them_through(
    orders: tuple[Order, ...], run: Callable[..., Result], url: str, events: Callable[[], int]
) -> None:
    first = run("demo", "--db", url, "--orders", str(SAMPLE))
    assert first.exit_code == 0, first.output
    assert "4 documents are cancellations" in first.stdout
    counts = re.findall(r" (\d+) orders +(\d+) +(\d+) +(\d+) ", first.stdout)
    assert sum(int(count) for count, *_ in counts) == len(orders)
    assert sum(int(back) for _, back, *_ in counts) == sum(fulfilled(order).total() for order in orders)
    before = events()
    second = run("demo", "--db", url, "--orders", str(SAMPLE))
    assert second.exit_code == 0
    assert "62 orders were already returned: nothing booked twice." in second.stdout
    assert events() == before
