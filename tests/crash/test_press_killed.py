"""Goods and money by one press: a process that is killed at any step of it has done all of it, or nothing."""

from __future__ import annotations

import logging
import signal
from collections.abc import Iterator

import forked
import pytest
from crash.presser import EUR40, STEPS, opened, press, press_and_die
from sqlalchemy import create_engine, text

from retour import RefundState
from retour_stripe.sandbox import StripeSandbox

DECIDED_FROM = "after the intent is committed"
MOMENTS = [f"{when} {step}" for step in STEPS for when in ("before", "after")]


@pytest.fixture(autouse=True)
def quiet(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.CRITICAL, "retour")


@pytest.fixture
def tables(database: str) -> Iterator[None]:
    yield
    engine = create_engine(database)
    with engine.begin() as connection:
        for table in ("press_status", "press_stock"):
            connection.execute(text(f"DROP TABLE IF EXISTS {table}"))
    engine.dispose()


def end_leases(database: str) -> None:
    engine = create_engine(database)
    with engine.begin() as connection:
        connection.execute(text("UPDATE retour_effect SET lease_until = 0, not_before = 0 WHERE state = 'waiting'"))
        connection.execute(text("UPDATE retour_looks SET next_at = 0"))
    engine.dispose()


@pytest.mark.parametrize("moment", MOMENTS)
def test_a_press_killed_at_any_moment_is_done_whole_and_once(database: str, tables: None, moment: str) -> None:
    in_order = ["the order", "the stock", "the intent"]
    decided = moment == DECIDED_FROM or not any(one in moment for one in in_order)
    with StripeSandbox() as sandbox:
        reference = sandbox.pay(EUR40)
        assert forked.run(press_and_die, database, reference, dict(sandbox.settings), moment) == -signal.SIGKILL
        desk, shop = opened(database, reference, sandbox.settings)
        assert shop.found() == ((["returned"], 2) if decided else ([], 0))
        assert bool(desk.dossier("1001").returns) is bool(desk.dossier("1001").refunds) is decided
        for _ in range(2):
            end_leases(database)
            desk.work()
        assert press(desk, shop, reference).changed is not decided
        assert shop.found() == (["returned"], 2)
        assert [one.amount for one in sandbox.books(reference)] == [EUR40]
        assert [one.state for one in desk.dossier("1001").refunds.values()] == [RefundState.SUCCEEDED]
        assert not desk.reconcile("1001").changed
        desk.close()
        shop.engine.dispose()
