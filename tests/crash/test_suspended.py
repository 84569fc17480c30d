"""A worker that is suspended right before it sends a refund, for longer than its lease and than the provider knows the
request, sends nothing when it wakes: another one has paid meanwhile."""

from __future__ import annotations

import datetime
import importlib
import time
from collections.abc import Callable, Iterator
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from typing import Any

import database_clock
import forked
import pytest
from at_each_provider import AT_EACH_PROVIDER
from crash import sleeper
from crash.campaign.clock import CampaignClock
from sqlalchemy import create_engine

from retour import Actor, AttentionKind, Money, ReturnDesk

SANDBOXES = {
    "mollie": ("retour_mollie.sandbox", "MollieSandbox", datetime.timedelta(hours=1.1)),
    "stripe": ("retour_stripe.sandbox", "StripeSandbox", datetime.timedelta(hours=24.5)),
    "paypal": ("retour_paypal.sandbox", "PayPalSandbox", datetime.timedelta(days=45.5)),
}
"""Each provider's sandbox, and a time after which it knows a request no more."""

A_LEASE = datetime.timedelta(minutes=2, seconds=1)


class Shop:
    """A payment of EUR 40.00 at a provider's sandbox, of which EUR 10.00 are to go back, and a clock for all."""

    def __init__(self, provider: str, folder: Path, database: str) -> None:
        module, name, self.forgotten_after = SANDBOXES[provider]
        self.clock = CampaignClock(folder / "clock")
        self.sandbox: Any = getattr(importlib.import_module(module), name)(clock=self.clock)
        self.provider, self.database, self.folder = provider, database, folder

    def open(self) -> None:
        self.sandbox.__enter__()
        self.reference = self.sandbox.pay(Money.of("40.00", "EUR"))
        self.desk: ReturnDesk = sleeper.a_desk(
            self.database, self.provider, self.reference, self.sandbox.settings, self.clock
        )

    def close(self) -> None:
        self.desk.close()
        self.sandbox.__exit__(None, None, None)

    def pass_time(self, by: datetime.timedelta) -> None:
        """For everybody, asleep or not."""
        self.clock.advance(by)
        if self.database.startswith("postgresql"):
            engine = create_engine(self.database)
            database_clock.tell_postgresql(engine, None, self.clock.ahead)
            engine.dispose()

    def start_worker(self, moment: str | None) -> ForkServerProcess:
        """Start another worker's process, which is suspended at a moment, or not at all."""
        settings, clock = dict(self.sandbox.settings), self.folder / "clock"
        return forked.start(sleeper.work, self.database, self.provider, self.reference, settings, clock, moment)

    @property
    def books(self) -> list[str]:
        """What the provider has really paid back."""
        return [str(one.amount) for one in self.sandbox.books(self.reference)]

    @property
    def refunds(self) -> list[tuple[str, str]]:
        """What the store knows."""
        return [(one.state.value, one.reference) for one in self.desk.dossier("1001").refunds.values()]


def until_suspended(worker: ForkServerProcess) -> None:
    deadline = time.monotonic() + 30
    while Path(f"/proc/{worker.pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "T":
        assert worker.is_alive(), "it ended, and was never suspended"
        assert time.monotonic() < deadline
        time.sleep(0.02)


pytestmark = AT_EACH_PROVIDER


@pytest.fixture
def shop(
    request: pytest.FixtureRequest, tmp_path: Path, database: str, missing: Callable[[str], None]
) -> Iterator[Shop]:
    if not Path("/proc/self/stat").exists():
        missing("a system that tells in /proc which process is suspended")
    made = Shop(request.param, tmp_path, database)
    made.open()
    yield made
    made.close()
    database_clock.tell(None)
    if database.startswith("postgresql"):
        engine = create_engine(database)
        database_clock.tell_postgresql(engine, None)
        engine.dispose()


@pytest.mark.parametrize("moment", ["before", "after"])
def test_a_worker_that_was_suspended_where_it_connects_pays_nothing_when_it_wakes(shop: Shop, moment: str) -> None:
    shop.desk.refund("1001", shop.reference, Money.of("10.00", "EUR"), by=Actor.staff("anna"), request_id="one click")
    worker = shop.start_worker(moment)
    try:
        until_suspended(worker)
        assert shop.books == []
        shop.pass_time(A_LEASE)
        shop.desk.work()
        assert shop.books == ["EUR 10.00"]
        (told,) = shop.refunds
        shop.pass_time(shop.forgotten_after)
        forked.wake(worker)
        assert forked.ended(worker) == 0
    finally:
        worker.kill()
    assert shop.books == ["EUR 10.00"]
    assert shop.refunds == [told]
    shop.desk.reconcile("1001")
    assert [reference for _, reference in shop.refunds] == [told[1]]


def test_what_a_worker_sends_that_was_suspended_after_its_last_look_is_on_the_list_if_it_paid_twice(shop: Shop) -> None:
    """Between that look and the last bytes are microseconds, and nobody can take them away."""
    shop.desk.refund("1001", shop.reference, Money.of("10.00", "EUR"), by=Actor.staff("anna"), request_id="one click")
    worker = shop.start_worker("too late to stop")
    try:
        until_suspended(worker)
        shop.pass_time(A_LEASE)
        shop.desk.work()
        assert shop.books == ["EUR 10.00"]
        shop.pass_time(shop.forgotten_after)
        forked.wake(worker)
        assert forked.ended(worker) == 0
    finally:
        worker.kill()
    shop.desk.reconcile("1001")
    twice = shop.provider != "paypal"  # whose token is in the head, and has expired
    assert shop.books == ["EUR 10.00"] * (1 + twice)
    assert len(shop.refunds) == len(shop.books)
    assert shop.desk.attention_counts().get(AttentionKind.REFUND_PAID_TWICE, 0) == twice


def test_a_worker_that_was_not_suspended_pays(shop: Shop) -> None:
    shop.desk.refund("1001", shop.reference, Money.of("10.00", "EUR"), by=Actor.staff("anna"), request_id="one click")
    assert forked.ended(shop.start_worker(None)) == 0
    assert shop.books == ["EUR 10.00"]
