"""Stock movements of one command are booked together: all of them or none, and without those that never will be."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from retour import Actor, MemoryShop, RestockDecision, ReturnDesk, StockMovement, StockRefused, StockState
from retour.model.errors import InvalidShop
from retour.model.returns import MovementState
from retour.store.commit import Commit, NewEffect
from retour.store.records import as_json
from retour.testing import a_line, an_order

ANNA = Actor.staff("anna")

MakeDesk = Callable[..., ReturnDesk]


@pytest.fixture(autouse=True)
def quiet(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.CRITICAL, "retour")


class ListeningShop(MemoryShop):
    """Keeps every call; does ``problems`` instead of booking while it has some."""

    def __init__(self, *problems: Callable[[Sequence[StockMovement]], Exception]) -> None:
        super().__init__([an_order(a_line("cup", 2), a_line("pot", 1), a_line("lid", 3))])
        self.calls: list[list[str]] = []
        self.problems = list(problems)

    def book_stock(self, movements: Sequence[StockMovement]) -> None:
        self.calls.append([movement.product for movement in movements])
        if self.problems:
            raise self.problems.pop(0)(movements)
        super().book_stock(movements)


def never(*products: str) -> Callable[[Sequence[StockMovement]], Exception]:
    return lambda movements: StockRefused(
        f"no {' and '.join(products)} any more", movements=[one.id for one in movements if one.product in products]
    )


def away(_: object) -> Exception:
    return ConnectionError("the stock is away")


def restocked(desk: ReturnDesk) -> str:
    """Everything came back and goes back in stock; gives the return's id."""
    outcome = desk.mark_returned("1001", by=ANNA)
    desk.answer_restock("1001", outcome.return_id, RestockDecision.all(), by=ANNA)
    return outcome.return_id


def stored(desk: ReturnDesk) -> list[str]:
    types = [one.event.type for one in desk._services.store.events("default", "1001")]
    return [one for one in types if one in ("stock_applied", "stock_failed")]


def later(desk: ReturnDesk) -> None:
    with desk._services.store.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE retour_effect SET not_before = 0 WHERE state = 'waiting'")
    desk.work()


def test_all_movements_of_one_command_reach_the_shop_in_one_call(make_desk: MakeDesk) -> None:
    shop = ListeningShop()
    desk = make_desk(shop=shop)
    return_id = restocked(desk)
    assert shop.calls == [["cup", "pot", "lid"]]
    assert desk.dossier("1001").return_(return_id).stock is StockState.APPLIED
    assert stored(desk) == ["stock_applied"]


def test_what_never_will_be_booked_goes_to_the_list_by_hand_and_the_rest_is_asked_again(make_desk: MakeDesk) -> None:
    shop = ListeningShop(never("pot"), never("lid"))
    desk = make_desk(shop=shop)
    return_id = restocked(desk)
    return_ = desk.dossier("1001").return_(return_id)
    assert shop.calls == [["cup", "pot", "lid"], ["cup", "lid"], ["cup"]]
    assert shop.stock == {"cup": 2}
    assert return_.by_hand == {"pot": 1, "lid": 3}
    assert [str(one.why) for one in return_.movements.values() if one.why] == ["no pot any more", "no lid any more"]
    assert stored(desk) == ["stock_failed", "stock_failed", "stock_applied"]


def test_a_shop_that_is_away_books_nothing_and_is_asked_for_all_of_it_later(make_desk: MakeDesk) -> None:
    shop = ListeningShop(away)
    desk = make_desk(shop=shop)
    return_id = restocked(desk)
    return_ = desk.dossier("1001").return_(return_id)
    assert {one.state for one in return_.movements.values()} == {MovementState.FAILED}
    assert stored(desk) == ["stock_failed"] * 3
    later(desk)
    assert shop.calls == [["cup", "pot", "lid"]] * 2
    assert shop.stock == {"cup": 2, "pot": 1, "lid": 3}


def test_what_was_refused_for_ever_is_not_asked_again_when_the_rest_is(make_desk: MakeDesk) -> None:
    shop = ListeningShop(never("pot"), away)
    desk = make_desk(shop=shop)
    return_id = restocked(desk)
    later(desk)
    assert shop.calls == [["cup", "pot", "lid"], ["cup", "lid"], ["cup", "lid"]]
    assert shop.stock == {"cup": 2, "lid": 3}
    assert desk.dossier("1001").return_(return_id).by_hand == {"pot": 1}


def test_a_refusal_that_names_nothing_that_was_asked_means_later(make_desk: MakeDesk) -> None:
    shop = ListeningShop(lambda _: StockRefused("no such product", movements=["mv_of_another"]))
    desk = make_desk(shop=shop)
    return_id = restocked(desk)
    return_ = desk.dossier("1001").return_(return_id)
    assert {one.state for one in return_.movements.values()} == {MovementState.FAILED}
    assert return_.by_hand == {}
    later(desk)
    assert shop.stock == {"cup": 2, "pot": 1, "lid": 3}


def test_movements_that_waited_as_effects_of_their_own_are_booked(make_desk: MakeDesk) -> None:
    """As an earlier retour left them: the kind ``apply_stock``, its body one movement."""
    shop = ListeningShop()
    desk = make_desk(shop=shop, inline_seconds=0)
    return_id = restocked(desk)
    store = desk._services.store
    with store.engine.begin() as connection:
        connection.exec_driver_sql("DELETE FROM retour_effect")
    movements = [one.booking for one in desk.dossier("1001").return_(return_id).movements.values()]
    old = [
        NewEffect(id=f"ef{one.line_id}", kind="apply_stock", plugin="", body=as_json(one), owner=None, lease=0)
        for one in movements
    ]
    assert old[0].body.startswith('{"id":"mv')
    store.save(Commit(id="cm", shop="default", order_id="1001", expected=0, events=(), effects=old))
    assert desk.work().done == 3
    assert shop.stock == {"cup": 2, "pot": 1, "lid": 3}
    assert desk.dossier("1001").return_(return_id).stock is StockState.APPLIED


@pytest.mark.parametrize(
    "answer, states",
    [(never("pot"), {"applied", "refused"}), (away, {"planned"})],
    ids=["an answer is a fact", "no answer changes nothing"],
)
def test_what_the_shop_says_after_the_lease_was_lost(
    make_desk: MakeDesk, answer: Callable[[Sequence[StockMovement]], Exception], states: set[str]
) -> None:
    def too_late(movements: Sequence[StockMovement]) -> Exception:
        with desk._services.store.engine.begin() as connection:
            connection.exec_driver_sql(
                "UPDATE retour_effect SET owner = 'wk another', attempts = attempts + 1 WHERE state = 'waiting'"
            )
        return answer(movements)

    desk = make_desk(shop=ListeningShop(too_late))
    return_id = restocked(desk)
    assert {one.state for one in desk.dossier("1001").return_(return_id).movements.values()} == states


# --- a shop of the old kind ------------------------------------------------------------------------------


class OldShop:
    def order(self, order_id: str) -> None: ...

    def find_order(self, provider: str, reference: str) -> None: ...

    def apply_stock(self, movement: StockMovement) -> None: ...


def test_a_shop_that_books_one_movement_at_a_time_is_refused_with_the_lines_to_write(sqlite_url: str) -> None:
    old: Any = OldShop()
    with pytest.raises(InvalidShop, match="OldShop has apply_stock, and book_stock took its place") as refused:
        ReturnDesk(shop=old, store=sqlite_url)
    assert "def book_stock(self, movements: Sequence[StockMovement]) -> None:" in str(refused.value)
    assert "OldShop heeft apply_stock" in refused.value.text("nl")


def test_a_shop_of_one_of_many_is_refused_when_it_is_first_met(make_desk: MakeDesk) -> None:
    shops: dict[str, Any] = {"north": MemoryShop([an_order(a_line("cup", 2))]), "south": OldShop()}
    desk = make_desk(shop=lambda name: shops[name], shop_id="north")
    desk.mark_returned("1001", by=ANNA)
    with pytest.raises(InvalidShop, match="OldShop has apply_stock, and book_stock took its place"):
        desk.for_shop("south").mark_returned("1001", by=ANNA)


def test_what_is_no_shop_at_all_is_refused_and_told_what_it_lacks(sqlite_url: str) -> None:
    nothing: Any = object()
    with pytest.raises(InvalidShop, match="object is no Shop: it has no order, find_order, book_stock"):
        ReturnDesk(shop=nothing, store=sqlite_url)


def test_a_class_is_a_function_from_a_shops_id_to_its_shop(make_desk: MakeDesk) -> None:
    class OneOfMany(MemoryShop):
        def __init__(self, shop_id: str) -> None:
            super().__init__([an_order(a_line("cup", 2), order_id=shop_id)])

    assert make_desk(shop=OneOfMany, shop_id="north").mark_returned("north", by=ANNA).changed
