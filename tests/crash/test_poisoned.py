"""One order ends every process that touches it: real workers die by it three times, and all others are served."""

from __future__ import annotations

import json
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import attrs
import forked
import pytest
from crash import poisoned_host as host
from sqlalchemy import create_engine, text

from retour import Actor, Money, RefundState, ReturnDesk
from retour.effects.runner import MOST_DEATHS
from retour_stripe.sandbox import StripeSandbox

pytestmark = pytest.mark.long

ANNA = Actor.staff("anna")
ORDERS = [f"o{number:03}" for number in range(40)]
POISONED = "o007"
WAITING = "FROM retour_effect WHERE state = 'waiting' AND kind <> 'look_again'"
EUR10 = Money.of("10", "EUR")


@attrs.frozen
class Workers:
    """A host whose orders have a refund each that waits to be sent, and the workers that it starts again and again."""

    folder: Path
    sandbox: StripeSandbox
    told: dict[str, Any]
    desk: ReturnDesk

    def run(self, where: str, how: str) -> list[int]:
        """Start a worker, and another after each that died, when the dead one's leases are over; gives how each
        ended."""
        (self.folder / "host.json").write_text(json.dumps({**self.told, "where": where, "how": how}))
        ended: list[int] = []
        while not ended or ended[-1] != 0:
            assert len(ended) <= MOST_DEATHS, "they die on and on"
            ended.append(forked.run(host.work_in, self.folder))
            self.sql("UPDATE retour_effect SET lease_until = 0 WHERE state = 'waiting'")
        return ended

    def sql(self, statement: str) -> list[Any]:
        engine = create_engine(self.told["store"])
        with engine.begin() as connection:
            done = connection.execute(text(statement))
            rows = [tuple(row) for row in done] if done.returns_rows else []
        engine.dispose()
        return rows

    def refund(self, order_id: str) -> Any:
        (one,) = self.desk.dossier(order_id).refunds.values()
        return one

    def went_back(self, order_id: str) -> int:
        return sum(one.amount.minor for one in self.sandbox.books(self.told["orders"][order_id]))


@pytest.fixture
def workers(request: pytest.FixtureRequest, database: str, tmp_path: Path) -> Iterator[Workers]:
    with StripeSandbox() as sandbox:
        orders = {order_id: sandbox.pay(EUR10) for order_id in ORDERS}
        told = {"store": database, "settings": dict(sandbox.settings), "orders": orders, "poisoned": POISONED}
        desk = host.a_desk(told, *getattr(request, "param", []))
        for order_id, reference in orders.items():
            desk.refund(order_id, reference, EUR10, by=ANNA, request_id="form")
        yield Workers(tmp_path, sandbox, told, desk)
        desk.close()


def all_others_are_refunded_once(workers: Workers) -> None:
    others = [order_id for order_id in ORDERS if order_id != POISONED]
    assert {workers.refund(order_id).state for order_id in others} == {RefundState.SUCCEEDED}
    assert {workers.went_back(order_id) for order_id in others} == {EUR10.minor}


@pytest.mark.parametrize(
    "how, code, database",
    [
        ("os._exit", 1, "sqlite"),
        pytest.param("a kill", -signal.SIGKILL, "postgresql", marks=pytest.mark.postgresql),
    ],
    indirect=["database"],
)
def test_a_plugin_that_ends_every_process_that_tells_it_of_one_order_costs_that_telling_alone(
    workers: Workers, how: str, code: int
) -> None:
    assert workers.run(host.LISTENING, how) == [code] * MOST_DEATHS + [0]
    all_others_are_refunded_once(workers)
    assert (workers.refund(POISONED).state, workers.went_back(POISONED)) == (RefundState.SUCCEEDED, EUR10.minor)
    ((order_id, kind, problem),) = workers.sql(f"SELECT order_id, kind, problem {WAITING}")
    assert (order_id, kind) == (POISONED, "announce")
    assert problem == "it ended 3 processes; it is not tried again until a person has looked at it"
    assert workers.desk.retry_set_aside(POISONED, by=ANNA) == 1


@pytest.mark.parametrize("workers", [[host.Quiet()]], indirect=True)
@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_a_hook_that_never_returns_for_an_order_ends_three_workers_however_often_it_is_told_of_it(
    workers: Workers,
) -> None:
    """It has to hear twice of each refund: that it is being sent, and that it was made."""
    assert workers.run(host.LISTENING, "nothing, for ever") == [1] * MOST_DEATHS + [0]
    all_others_are_refunded_once(workers)
    assert (workers.refund(POISONED).state, workers.went_back(POISONED)) == (RefundState.SUCCEEDED, EUR10.minor)
    told = workers.sql(f"SELECT order_id, kind, problem {WAITING}")
    assert (
        told
        == [(POISONED, "announce", "it ended 3 processes; it is not tried again until a person has looked at it")] * 2
    )
    assert workers.desk.retry_set_aside(POISONED, by=ANNA) == 2


def test_a_refund_that_ends_every_process_that_sends_it_is_held_for_a_person_and_costs_no_other(
    workers: Workers,
) -> None:
    assert workers.run(host.SENDING, "os._exit") == [1] * MOST_DEATHS + [0]
    all_others_are_refunded_once(workers)
    assert workers.went_back(POISONED) == 0
    assert workers.refund(POISONED).needs_person
    (row,) = workers.desk.list_refunds(waits_for="person").refunds
    assert row.order_id == POISONED


def test_a_plugin_that_raises_what_ends_processes_ends_none(workers: Workers) -> None:
    assert workers.run(host.LISTENING, "a BaseException") == [0]
    all_others_are_refunded_once(workers)
    assert workers.refund(POISONED).state is RefundState.SUCCEEDED
    ((order_id, kind, problem),) = workers.sql(f"SELECT order_id, kind, problem {WAITING}")
    assert (order_id, kind) == (POISONED, "announce")
    assert "OwnEnd" in problem
