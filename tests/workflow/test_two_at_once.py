"""Two writers on one order, and many on many: everything is counted once, nobody is lost."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Sequence
from functools import partial

import pytest

from retour import Actor, Busy, HookContext, MemoryShop, Money, ReturnDesk, StockMovement, hookimpl
from retour.desk.turns import Turns
from retour.model.errors import InvalidAmount, InvalidQuantity, RetourError, StoreLocked
from retour.testing import a_line, an_order

ANNA = Actor.staff("anna")


def together(commands: list[Callable[[], object]]) -> list[object]:
    """Run the commands at the same moment; gives what each returned or raised."""
    barrier = threading.Barrier(len(commands))
    results: list[object] = [None] * len(commands)

    def one(number: int, command: Callable[[], object]) -> None:
        barrier.wait()
        try:
            results[number] = command()
        except RetourError as error:
            results[number] = error

    threads = [threading.Thread(target=one, args=item) for item in enumerate(commands)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


def test_two_people_mark_one_order_returned_and_it_is_restocked_once(database: str) -> None:
    shop = MemoryShop([an_order(a_line("cup", 3))])
    desks = [ReturnDesk(shop=shop, store=database, migrate=True) for _ in range(2)]
    for round_number in range(5):
        order_id = f"order-{round_number}"
        shop.orders[order_id] = an_order(a_line(f"cup-{round_number}", 3), order_id=order_id)
        results = together([partial(desk.mark_returned, order_id, by=ANNA) for desk in desks])
        assert not [one for one in results if isinstance(one, Exception)]
        assert shop.stock[f"cup-{round_number}"] == 3
        assert len(desks[0].dossier(order_id).returns) == 1
    for desk in desks:
        desk.close()


def test_units_and_money_that_two_people_want_go_to_one(database: str) -> None:
    shop = MemoryShop([an_order(a_line("cup", 3, "30.00"))])
    desk = ReturnDesk(shop=shop, store=database, migrate=True)
    results = together(
        [
            lambda name=name: desk.mark_returned("1001", {"cup": 2}, by=Actor.staff(name), request_id=name)  # type: ignore[misc]
            for name in ("anna", "ben")
        ]
    )
    assert [type(one) for one in results if isinstance(one, Exception)] == [InvalidQuantity]
    assert shop.stock == {"cup": 2}
    results = together(
        [
            lambda name=name: desk.confirm_refund(  # type: ignore[misc]
                "1001", "tr_1001", Money.of("20", "EUR"), reference=name, by=ANNA, request_id=f"refund-{name}"
            )
            for name in ("one", "two")
        ]
    )
    assert [type(one) for one in results if isinstance(one, Exception)] == [InvalidAmount]
    desk.close()


def test_a_double_click_on_one_form_counts_once(database: str) -> None:
    shop = MemoryShop([an_order(a_line("cup", 4))])
    desk = ReturnDesk(shop=shop, store=database, migrate=True)
    results = together([lambda: desk.mark_returned("1001", {"cup": 1}, by=ANNA, request_id="form-1")] * 4)
    assert not [one for one in results if isinstance(one, Exception) and not isinstance(one, Busy | StoreLocked)]
    assert shop.stock == {"cup": 1}
    desk.close()


@pytest.mark.parametrize("workers", [1, 4])
def test_any_number_of_workers_do_each_effect_once(database: str, workers: int) -> None:
    """A movement is claimed by one worker; the shop counts how often it was asked."""

    class CountingShop(MemoryShop):
        def __init__(self) -> None:
            super().__init__([an_order(a_line("cup", 2), order_id=f"o{number}") for number in range(24)])
            self.asked: Counter[str] = Counter()

        def book_stock(self, movements: Sequence[StockMovement]) -> None:
            self.asked.update(movement.id for movement in movements)
            super().book_stock(movements)

    shop = CountingShop()
    desk = ReturnDesk(shop=shop, store=database, migrate=True, inline_seconds=0)
    for order_id in shop.orders:
        assert desk.mark_returned(order_id, by=ANNA).effect_ids
    assert shop.stock == {}
    reports = together([desk.work] * workers)
    assert not [one for one in reports if isinstance(one, Exception)]
    assert sum(one.done for one in reports) == 24  # type: ignore[attr-defined]
    assert shop.stock == {"cup": 48}
    assert set(shop.asked.values()) == {1}
    desk.close()


@pytest.mark.parametrize("desks", [1, 2])
def test_sixteen_who_change_one_order_at_once_all_get_their_turn(database: str, desks: int) -> None:
    """Each counts another unit, and nobody is told to try again: in one process, and as in two."""
    shop = MemoryShop([an_order(a_line("cup", 16))])
    made = [ReturnDesk(shop=shop, store=database, migrate=True) for _ in range(desks)]

    def press(number: int) -> Callable[[], object]:
        desk = made[number % desks]
        return lambda: desk.mark_returned("1001", {"cup": 1}, by=ANNA, request_id=f"form-{number}")

    results = together([press(number) for number in range(16)])
    assert not [one for one in results if isinstance(one, Exception)]
    assert shop.stock == {"cup": 16}
    assert made[0].dossier("1001").came_back() == {"cup": 16}
    for desk in made:
        desk.close()


def test_who_waits_for_his_turn_behind_one_that_never_ends_goes_on_without_it() -> None:
    turns, never = Turns(), threading.Event()

    def holds() -> None:
        with turns.taken("default", "1001", 1.0):
            began.set()
            never.wait(30)

    began = threading.Event()
    holder = threading.Thread(target=holds)
    holder.start()
    assert began.wait(30)
    with turns.taken("default", "1001", 0.01):
        assert turns.wanted("default", "1001")
        assert not turns.wanted("default", "1002"), "another order waits for nobody"
    never.set()
    holder.join()
    assert not turns.wanted("default", "1001")


def test_a_hook_that_commands_the_order_it_is_asked_about_does_not_wait_for_itself() -> None:
    turns = Turns()
    with turns.taken("default", "1001", 30.0), turns.taken("default", "1001", 30.0):
        assert turns.wanted("default", "1001")
    assert not turns.wanted("default", "1001")


def test_an_order_that_changes_all_the_time_is_refused_and_says_so(database: str) -> None:
    """The policy itself changes the order each time it is asked, as somebody else might."""

    class Restless:
        calls = 0

        @hookimpl
        def restock_policy(self, ctx: HookContext) -> None:
            if ctx.by == ANNA:
                self.calls += 1
                other.mark_returned("1001", {"cup": 1}, by=Actor.staff("ben"), request_id=f"{self.calls}")

    shop = MemoryShop([an_order(a_line("cup", 9))])
    restless = Restless()
    other = ReturnDesk(shop=shop, store=database, migrate=True)
    desk = ReturnDesk(shop=shop, store=database, plugins=[restless], migrate=True)
    with pytest.raises(Busy, match="Order 1001 was changed by somebody else"):
        desk.mark_returned("1001", {"cup": 1}, by=ANNA, request_id="anna-1")
    assert restless.calls == 3
    assert shop.stock == {"cup": 3}
    for one in (desk, other):
        one.close()


def test_two_shops_in_one_store_do_not_see_each_other(database: str) -> None:
    shops = {name: MemoryShop([an_order(a_line("cup", 2))]) for name in ("north", "south")}
    desk = ReturnDesk(shop=lambda name: shops[name], store=database, migrate=True, shop_id="north", inline_seconds=0)
    south = desk.for_shop("south")
    desk.mark_returned("1001", by=ANNA)
    assert south.dossier("1001").version == 0
    south.mark_returned("1001", {"cup": 1}, by=ANNA, request_id="form-1")
    assert (len(desk.list_returns().returns), len(south.list_returns().returns)) == (1, 1)
    assert desk.find_order("mollie", "tr_1001") == "1001"
    desk.work()
    assert (shops["north"].stock, shops["south"].stock) == ({"cup": 2}, {"cup": 1})
    desk.close()
