"""Plugins hear each step of what a bank does with a payment: with how much, and again where telling one failed."""

from __future__ import annotations

import datetime
from typing import Any

import pytest

from retour import HookContext, Money, Order, PaymentDispute, hookimpl


def eur(amount: str) -> Money:
    return Money.of(amount, "EUR")


class Listener:
    """Hears of disputes; fails as often as it is told to."""

    def __init__(self, name: str = "listener", failures: int = 0) -> None:
        self.name, self.failures = name, failures
        self.heard: list[PaymentDispute] = []
        self.events: list[str | None] = []

    @hookimpl
    def on_payment_disputed(self, order: Order, dispute: PaymentDispute, ctx: HookContext) -> None:
        assert order.id == "1001"
        if self.failures:
            self.failures -= 1
            raise ConnectionError("not now")
        self.heard.append(dispute)
        self.events.append(ctx.event)

    @property
    def steps(self) -> list[tuple[str, str, str]]:
        """Of each step: what it was, how much more the bank has, and how much in all."""
        return [(one.step.value, str(one.difference), str(one.taken_back)) for one in self.heard]


def bank_has(world: Any, amount: str, *, disputed: bool = False) -> None:
    """What the provider says when it is asked now."""
    world.ledger.taken_back["p_1"] = eur(amount)
    world.ledger.paid["p_1"] = eur("100") - eur(amount)
    world.ledger.disputed = {"p_1"} if disputed else set()
    world.desk.reconcile("1001")


def test_every_step_is_told_with_what_the_bank_has_since(world: Any) -> None:
    listener = Listener()
    world.open(listener)
    for amount in ("25.00", "40.00", "10.00", "0"):
        bank_has(world, amount)
        bank_has(world, amount)  # read again, and nothing is new
    assert listener.steps == [
        ("taken_back", "EUR 25.00", "EUR 25.00"),
        ("taken_back", "EUR 15.00", "EUR 40.00"),
        ("given_back", "EUR -30.00", "EUR 10.00"),
        ("given_back", "EUR -10.00", "EUR 0.00"),
    ]
    assert ({one.payment for one in listener.heard}, len(set(listener.events))) == ({"ledger:p_1"}, 4)


@pytest.mark.parametrize(("taken", "end"), [("0", "won"), ("100", "lost"), ("25", "lost")])
def test_a_dispute_is_told_when_it_is_opened_and_how_it_ended(world: Any, taken: str, end: str) -> None:
    listener = Listener()
    world.open(listener)
    bank_has(world, "0", disputed=True)
    bank_has(world, taken)
    steps = [step for step, _, _ in listener.steps]
    assert steps == (["opened", end] if end == "won" else ["opened", "taken_back", end])
    assert listener.heard[-1].taken_back == eur(taken)
    assert listener.heard[-1].difference == eur("0")


def test_a_dispute_that_is_won_is_not_lost_by_what_the_bank_had_before_it(world: Any) -> None:
    listener = Listener()
    world.open(listener)
    bank_has(world, "30")
    bank_has(world, "30", disputed=True)
    bank_has(world, "20")
    bank_has(world, "20", disputed=True)
    bank_has(world, "60")
    assert [step for step, _, _ in listener.steps] == [
        "taken_back",
        "opened",
        "given_back",
        "won",
        "opened",
        "taken_back",
        "lost",
    ]


def test_that_meanwhile_only_the_whole_can_go_back_is_a_step_of_the_same_dispute(world: Any) -> None:
    listener = Listener()
    world.open(listener)
    bank_has(world, "0", disputed=True)
    world.ledger.only_whole = {"p_1"}
    bank_has(world, "0", disputed=True)
    assert [(one.step.value, one.only_whole) for one in listener.heard] == [("opened", False), ("changed", True)]


def test_a_plugin_that_failed_is_told_again_and_alone(world: Any) -> None:
    failing, steady = Listener("failing", failures=2), Listener("steady")
    world.open(failing, steady)
    bank_has(world, "25.00")
    assert (failing.steps, steady.steps) == ([], [("taken_back", "EUR 25.00", "EUR 25.00")])
    bank_has(world, "40.00")
    for _ in range(3):
        world.later(datetime.timedelta(hours=1))
    assert sorted(failing.steps) == sorted(steady.steps), "each step as it was then"
    assert len(steady.heard) == 2
    assert set(failing.events) == set(steady.events)


def test_what_nobody_told_in_a_process_that_died_is_told_by_the_next(world: Any) -> None:
    """Nothing is done at once: all that was told is in the store, where another worker finds it."""
    listener = Listener()
    world.open(listener, inline_seconds=0)
    bank_has(world, "25.00")
    assert listener.steps == []
    world._enter([world.provider.plugin(world.provider.make_provider(world.ledger)), listener], 0)
    world.later()
    assert listener.steps == [("taken_back", "EUR 25.00", "EUR 25.00")]
