"""Unsigned hints of one payment are one question, behind all else: anybody can send them, as many as he likes."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from retour import Actor, Busy, Money, ReturnDesk
from retour.desk.hints import LOOKUPS_AT_ONCE, Hints
from retour.effects.inbox import Sender
from retour.effects.kinds import KINDS
from retour.model.order import Mode
from retour.providers import WebhookTrust
from retour.store.clock import SECOND
from retour.store.commit import LONGEST_PAUSE, QUESTIONS_AT_ONCE, SHORTEST_PAUSE
from retour.testing import a_line, a_payment, an_order

GENUINE = {"Signature": "right"}


@pytest.fixture
def asked(world: Any) -> list[str]:
    """What is asked of a provider whose webhooks are unsigned hints, at a desk that leaves all to ``work()``."""
    calls: list[str] = []
    world.open(inline_seconds=0, webhooks=WebhookTrust.FETCH)
    world.ledger.watch = lambda call, _: calls.append(call)
    return calls


def hint(world: Any, payment: str = "p_1") -> int:
    kept: int = world.desk.receive_webhook("ledger", GENUINE, f"fetch:{payment}".encode()).kept
    return kept


def rows(world: Any, what: str, where: str = "kind = 'reconcile'") -> list[Any]:
    query = f"SELECT {what} FROM retour_effect WHERE {where} ORDER BY id"  # noqa: S608 - the words are the tests'
    with world.desk._services.store.engine.connect() as connection:
        return [tuple(row) for row in connection.exec_driver_sql(query)]


def sql(world: Any, statement: str) -> None:
    with world.desk._services.store.engine.begin() as connection:
        connection.exec_driver_sql(statement)


def pass_by(world: Any, seconds: float) -> None:
    """Let time pass, as the database has it."""
    by = int(seconds * SECOND)
    sql(world, f"UPDATE retour_effect SET not_before = not_before - {by}, created_at = created_at - {by}")  # noqa: S608 - the test's own
    sql(world, f"UPDATE retour_effect SET again = again - {by} WHERE again > 0")  # noqa: S608 - the test's own
    sql(world, f"UPDATE retour_hints SET next_at = next_at - {by}")  # noqa: S608 - the test's own


def many_payments(world: Any, number: int, of_one_order: int = 1) -> list[str]:
    """So many payments, all of which can be hinted at; the first is of order 1001."""
    names = [f"p_{place}" for place in range(1, number + 1)]
    for place in range(0, number, of_one_order):
        order_id, paid = str(1001 + place), names[place : place + of_one_order]
        payments = [a_payment("1.00", provider="ledger", reference=name) for name in paid]
        lines = a_line("cup", 1, f"{of_one_order}.00")
        world.shop.orders[order_id] = an_order(lines, order_id=order_id, payments=payments)
    world.ledger.paid = {name: Money.of("1", "EUR") for name in names}
    return names


# --- one question ----------------------------------------------------------------------------------------


def test_a_thousand_hints_of_a_payment_before_it_is_asked_about_are_one_question(world: Any, asked: list[str]) -> None:
    world.ledger.add("p_1", Money.of("40", "EUR"))
    read: list[str] = []
    order = world.shop.order

    def counted(order_id: str) -> Any:
        read.append(order_id)
        return order(order_id)

    world.shop.order = counted
    assert [hint(world) for _ in range(1000)] == [1] * 1000
    assert len(read) == 1  # nor is the shop asked a thousand times
    asked.clear()
    assert world.desk.work().done == 1
    assert asked == ["refundable", "list_refunds"]
    assert world.states == ["succeeded"]


def test_a_thousand_hints_beside_a_worker_ask_once_and_once_more_after_a_pause(world: Any, asked: list[str]) -> None:
    for number in range(1000):
        hint(world)
        if number % 50 == 0:
            world.desk.work(limit=5)
    assert asked.count("list_refunds") == 1
    assert len(rows(world, "id")) == 1
    world.ledger.add("p_1", Money.of("40", "EUR"))
    pass_by(world, SHORTEST_PAUSE / SECOND)
    assert world.desk.work().done == 1
    assert world.states == ["succeeded"]
    pass_by(world, 10 * LONGEST_PAUSE / SECOND)
    assert world.desk.work().done == 0


def test_hints_that_come_in_at_once_are_one_question(world: Any, asked: list[str]) -> None:
    first, ready, kept = world.desk, threading.Barrier(8), list[int]()
    world.desk = None
    world.open(inline_seconds=0, webhooks=WebhookTrust.FETCH)

    def one(desk: ReturnDesk) -> None:
        ready.wait()
        kept.append(desk.receive_webhook("ledger", GENUINE, b"fetch:p_1").kept)

    threads = [threading.Thread(target=one, args=[desk]) for desk in (first, world.desk) * 4]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    first.close()
    assert kept == [1] * 8
    assert len(rows(world, "id")) == 1
    world.desk.work()
    assert asked.count("list_refunds") == 1


def test_hints_of_two_payments_are_two_questions(world: Any, asked: list[str]) -> None:
    payments = [a_payment("50.00", provider="ledger", reference=name) for name in ("p_1", "p_2")]
    world.shop.orders["1001"] = an_order(a_line("cup", 4, "100.00"), payments=payments)
    for name in ("p_1", "p_2") * 3:
        hint(world, name)
    assert len(rows(world, "id")) == 2


def test_hints_that_come_while_it_is_asked_ask_once_more(world: Any, asked: list[str]) -> None:
    """What is hinted at can have happened after the provider answered."""
    hint(world)

    def meanwhile(call: str, _: object) -> None:
        if call == "list_refunds":
            world.ledger.watch = lambda *_: None
            for _ in range(5):
                hint(world)

    world.ledger.watch = meanwhile
    world.desk.work()
    assert rows(world, "state, again") == [("waiting", 0)]
    world.ledger.add("p_1", Money.of("40", "EUR"))
    assert world.desk.work().done == 0
    pass_by(world, SHORTEST_PAUSE / SECOND)
    assert world.desk.work().done == 1
    assert world.states == ["succeeded"]
    assert rows(world, "state") == [("done",)]


def test_hints_that_go_on_ask_ever_less_often_and_at_once_again_after_a_rest(world: Any, asked: list[str]) -> None:
    pauses = []
    hint(world)
    for _ in range(8):
        world.desk.work()
        ((answered,),) = rows(world, "not_before", "state = 'done'")
        hint(world)
        ((begins,),) = rows(world, "not_before", "state = 'waiting'")
        pauses.append((begins - answered) / SECOND)
        pass_by(world, pauses[-1])
    assert pauses == pytest.approx([30, 30, 60, 120, 240, 480, 600, 600], rel=0.1, abs=5)
    world.desk.work()
    assert asked.count("list_refunds") == 9
    pass_by(world, LONGEST_PAUSE / SECOND)
    hint(world)
    assert world.desk.work().done == 1


def test_a_question_that_is_set_aside_stays_so_and_takes_in_hints(world: Any, asked: list[str]) -> None:
    """What ended three processes is not tried again because somebody on the internet asks for it."""
    hint(world)
    sql(world, "UPDATE retour_effect SET owner = 'wk gone', attempts = 3, died = 2, lease_until = 0")
    assert world.desk.work().done == 0
    world.ledger.add("p_1", Money.of("40", "EUR"))
    assert hint(world) == 1
    assert world.desk.work().done == 0
    assert world.desk.retry_set_aside("1001", by=Actor.staff("anna")) == 1
    assert world.desk.work().done == 1
    assert world.states == ["succeeded"]


def test_a_hint_while_a_worker_is_dead_with_the_question_is_not_lost(world: Any, asked: list[str]) -> None:
    hint(world)
    assert world.desk._services.store.effects.claim("wk gone", lease=0, limit=1, kinds=KINDS, behind=True)
    world.ledger.add("p_1", Money.of("40", "EUR"))
    assert hint(world) == 1
    assert world.desk.work().done == 1
    assert world.states == ["succeeded"]


# --- behind ----------------------------------------------------------------------------------------------


def test_a_refund_behind_five_hundred_hints_is_sent_first(world: Any, asked: list[str]) -> None:
    for name in many_payments(world, 500, of_one_order=10):
        hint(world, name)
    sql(world, "UPDATE retour_effect SET not_before = 0 WHERE state = 'waiting'")
    world.refund("1.00")
    world.desk.work(limit=5)
    assert world.states == ["succeeded"]


def test_what_is_signed_goes_before_hints(world: Any, asked: list[str]) -> None:
    names = many_payments(world, 100)
    for name in names:
        hint(world, name)
    world.ledger.add("p_1", Money.of("1", "EUR"))
    sql(world, "UPDATE retour_effect SET not_before = 0 WHERE state = 'waiting'")
    world.desk.receive_webhook("ledger", GENUINE, b"event:re_1")
    world.desk.work(limit=1)
    assert rows(world, "state", "kind = 'provider_event'") == [("done",)]


def test_hints_have_a_turn_beside_a_flood_of_other_work(world: Any, asked: list[str]) -> None:
    world.ledger.add("p_1", Money.of("40", "EUR"))
    world.desk.receive_webhook("ledger", GENUINE, b"event:re_1")
    for number in range(100):
        sql(
            world,
            "INSERT INTO retour_effect (id, shop, order_id, kind, plugin, body, state, lease_until, attempts, settled, "  # noqa: S608 - the test's own
            f"not_before, created_at, problem) SELECT 'flood' || {number}, shop, 'o' || {number}, kind, plugin, body, "
            "state, 0, 0, 0, 0, 0, '' FROM retour_effect WHERE kind = 'provider_event' AND order_id = '1001'",
        )
    hint(world)
    for _ in range(4):
        world.desk.work(limit=5)
    assert "list_refunds" in asked


def test_hints_that_are_signed_wait_for_no_turn(world: Any) -> None:
    """A provider that signs all its webhooks asks for every one of them."""
    world.open()
    for amount in ("10", "20"):
        world.ledger.add("p_1", Money.of(amount, "EUR"))
        assert hint(world) == 1
    assert world.states == ["succeeded", "succeeded"]
    assert rows(world, "behind, state") == [(0, "done")]


# --- at an account's pace --------------------------------------------------------------------------------


def test_hints_of_many_payments_ask_at_the_pace_of_their_account(world: Any, asked: list[str]) -> None:
    for name in many_payments(world, 100):
        assert hint(world, name) == 1
    world.desk.work(limit=200)
    first = asked.count("list_refunds")
    assert QUESTIONS_AT_ONCE <= first < 100
    pass_by(world, 10)
    world.desk.work(limit=200)
    assert first + 10 <= asked.count("list_refunds") < 100
    pass_by(world, 100)
    world.desk.work(limit=200)
    assert asked.count("list_refunds") == 100  # none is lost


def test_made_up_references_ask_the_shop_no_more_than_it_can_be_asked(world: Any, asked: list[str]) -> None:
    looked_up: list[str] = []
    world.shop.find_order = lambda provider, reference: looked_up.append(reference)
    refused: list[str] = []
    for number in range(1000):
        try:
            assert hint(world, f"made_up_{number}") == 0
        except Busy as error:
            refused.append(str(error))
    assert LOOKUPS_AT_ONCE <= len(looked_up) == 1000 - len(refused) < 1000
    assert "Answer 503, so that they are sent again" in refused[0]
    assert rows(world, "id", "1 = 1") == []


def test_an_account_that_was_quiet_may_ask_again_and_others_all_the_time() -> None:
    now = [0.0]
    hints = Hints(monotonic=lambda: now[0])
    one, other = (Sender(shop="north", provider=name, account="default", mode=Mode.LIVE) for name in ("a", "b"))
    assert [hints.may_look_up(one) for _ in range(LOOKUPS_AT_ONCE + 1)] == [True] * LOOKUPS_AT_ONCE + [False]
    assert hints.may_look_up(other)
    now[0] = 0.25
    assert [hints.may_look_up(one) for _ in range(3)] == [True, True, False]
