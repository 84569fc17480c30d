"""Unsigned hints of one payment are one question: anybody can send them, as many as he likes."""

from __future__ import annotations

from typing import Any

from retour import Money
from retour.testing import a_line, a_payment, an_order

SIGNED = {"Signature": "right"}


def questions(world: Any) -> list[tuple[str, str]]:
    with world.desk._services.store.engine.connect() as connection:
        rows = connection.exec_driver_sql("SELECT body, state FROM retour_effect WHERE kind = 'reconcile' ORDER BY id")
        return [(row[0], row[1]) for row in rows]


def test_a_thousand_hints_of_a_payment_before_it_is_asked_about_are_one_question(world: Any) -> None:
    asked: list[str] = []
    world.open(inline_seconds=0)
    world.ledger.add("p_1", Money.of("40", "EUR"))
    for _ in range(1000):
        assert world.desk.receive_webhook("ledger", SIGNED, b"fetch:p_1").kept == 1
    world.ledger.watch = lambda call, _: asked.append(call)
    assert world.desk.work().done == 1
    assert asked == ["refundable", "list_refunds"]
    assert world.states == ["succeeded"]


def test_hints_of_two_payments_are_two_questions(world: Any) -> None:
    world.open(inline_seconds=0)
    payments = [a_payment("50.00", provider="ledger", reference=name) for name in ("p_1", "p_2")]
    world.shop.orders["1001"] = an_order(a_line("cup", 4, "100.00"), payments=payments)
    for body in (b"fetch:p_1", b"fetch:p_2") * 3:
        world.desk.receive_webhook("ledger", SIGNED, body)
    assert len(questions(world)) == 2


def test_hints_that_come_while_it_is_asked_ask_once_more(world: Any) -> None:
    """What is hinted at can have happened after the provider answered."""
    world.open(inline_seconds=0)
    world.desk.receive_webhook("ledger", SIGNED, b"fetch:p_1")

    def meanwhile(call: str, _: object) -> None:
        if call == "list_refunds":
            world.ledger.watch = lambda *_: None
            for _ in range(5):
                world.desk.receive_webhook("ledger", SIGNED, b"fetch:p_1")

    world.ledger.watch = meanwhile
    world.desk.work(limit=1)
    assert sorted(state for _, state in questions(world)) == ["done", "waiting"]
    world.ledger.add("p_1", Money.of("40", "EUR"))
    world.desk.work()
    assert world.states == ["succeeded"]


def test_a_hint_after_it_was_asked_is_a_new_question(world: Any) -> None:
    world.open()
    for amount in ("10", "20"):
        world.ledger.add("p_1", Money.of(amount, "EUR"))
        assert world.desk.receive_webhook("ledger", SIGNED, b"fetch:p_1").kept == 1
    assert world.states == ["succeeded", "succeeded"]


def test_a_question_that_is_set_aside_takes_in_no_hint(world: Any) -> None:
    world.open(inline_seconds=0)
    world.desk.receive_webhook("ledger", SIGNED, b"fetch:p_1")
    with world.desk._services.store.engine.begin() as connection:
        connection.exec_driver_sql(
            "UPDATE retour_effect SET owner = 'wk gone', attempts = 3, died = 2, lease_until = 0"
        )
    assert world.desk.work().done == 0
    world.ledger.add("p_1", Money.of("40", "EUR"))
    world.desk.receive_webhook("ledger", SIGNED, b"fetch:p_1")
    assert world.desk.work().done == 1
    assert world.states == ["succeeded"]
    assert world.desk.retry_set_aside("1001") == 1
