"""A desk with a provider in memory, on each database, with clocks that the test moves: all of them together."""

from __future__ import annotations

import datetime
import importlib.util
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

import attrs
import database_clock
import pytest
from cutting_proxy import CuttingProxy
from shipping.world import SHOP
from sqlalchemy import Engine, create_engine

from retour import Actor, MemoryShop, Money, Outcome, Refund, ReturnDesk
from retour.testing import a_line, a_payment, an_order

ANNA = Actor.staff("anna")


def _own(name: str) -> ModuleType:
    """A module in which a test may set what it likes."""
    own = ModuleType(name)
    vars(own).update(vars(_load(name)))
    return own


@cache
def _load(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, Path(__file__).with_name(f"{name}.py"))
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


NOON = datetime.datetime(2026, 11, 23, 12, 0, tzinfo=datetime.UTC)


@attrs.define
class World:
    """One order of EUR 100.00 paid by ``p_1``, its desk, and the provider's ledger.

    ``now`` is what every clock tells, the database's, the provider's, the process's, and what elapses. ``wrong`` is how
    far the clock of the process is ahead of the others, ``stopped`` how long its machine stood still from outside,
    which no clock of its own counts.
    """

    provider: ModuleType
    database: str
    server: Engine | None = None
    _now: datetime.datetime = NOON
    wrong: datetime.timedelta = datetime.timedelta(0)
    stopped: datetime.timedelta = datetime.timedelta(0)
    desk: ReturnDesk = None  # type: ignore[assignment]
    shop: MemoryShop = attrs.field(factory=MemoryShop)
    ledger: object = None
    forms: int = 0
    settings: dict[str, object] = attrs.field(factory=dict)

    def open(self, *plugins: object, inline_seconds: float = 10.0, **capabilities: object) -> World:
        """Open the desk; ``capabilities`` are other ones than the usual."""
        if self.ledger is None:
            self.ledger = self.provider.Ledger(clock=lambda: self.now, paid={"p_1": Money.of("100", "EUR")})
        order = an_order(a_line("cup", 4, "100.00"), payments=[a_payment("100.00", provider="ledger", reference="p_1")])
        self.shop.orders["1001"] = order
        made = self.provider.make_provider(self.ledger, **capabilities)
        self._enter([self.provider.plugin(made), *plugins], inline_seconds)
        return self

    def open_without_the_plugin(self) -> None:
        """Open the desk again, and nobody offers the payment's provider any more."""
        self._enter([], 10.0)

    def _enter(self, plugins: list[object], inline_seconds: float) -> None:
        if self.desk is not None:
            self.desk.close()
        self.desk = ReturnDesk(
            shop=self.shop,
            store=self.database,
            plugins=plugins,
            settings=self.settings,
            migrate=True,
            clock=lambda: self.now + self.wrong,
            elapsed=lambda: (self.now - NOON - self.stopped).total_seconds(),
            inline_seconds=inline_seconds,
            return_address=SHOP,
        )

    @property
    def now(self) -> datetime.datetime:
        """What time it is."""
        return self._now

    @now.setter
    def now(self, now: datetime.datetime) -> None:
        self._now = now
        self.tell()

    def tell(self) -> None:
        """Let the database tell this world's time."""
        if self.server is not None:
            database_clock.tell_postgresql(self.server, self._now)

    def refund(self, amount: str = "40.00", **more: object) -> Outcome:
        """Refund by API, with a form of its own."""
        self.forms += 1
        return self.desk.refund(
            "1001",
            "p_1",
            Money.of(amount, "EUR"),
            by=ANNA,
            **{"request_id": f"form-{self.forms}", **more},  # type: ignore[arg-type]
        )

    def open_link(self, amount: str = "40.00") -> Outcome:
        """Open the refund link, with a form of its own."""
        self.forms += 1
        return self.desk.open_refund_link(
            "1001", "p_1", Money.of(amount, "EUR"), by=ANNA, request_id=f"form-{self.forms}"
        )

    def later(self, by: datetime.timedelta = datetime.timedelta(minutes=1)) -> None:
        """Let time pass, every pause and every lease be over, and a worker do what is due."""
        self.now += by
        self.end_leases()
        self.desk.work()

    def end_leases(self) -> None:
        """Every pause and every lease is over, and nobody has done anything yet."""
        with self.desk._services.store.engine.begin() as connection:
            connection.exec_driver_sql(
                "UPDATE retour_effect SET not_before = 0, lease_until = 0 WHERE state = 'waiting'"
            )

    @property
    def refunds(self) -> list[Refund]:
        """All refunds of the order, the oldest first."""
        return list(self.desk.dossier("1001").refunds.values())

    @property
    def states(self) -> list[str]:
        """Their states."""
        return [refund.state.value for refund in self.refunds]

    @property
    def went_back(self) -> int:
        """Minor units that really went back."""
        total: int = self.ledger.total("p_1")  # type: ignore[attr-defined]
        return total


@pytest.fixture
def server(database: str) -> Iterator[Engine]:
    """The server itself, past the proxy."""
    engine = create_engine(database)
    yield engine
    engine.dispose()


@pytest.fixture
def proxy(world: Any, database: str) -> Iterator[CuttingProxy]:
    """Stands between the world's desk and the server."""
    made = CuttingProxy(database)
    world.database = made.url
    yield made
    made.close()


@pytest.fixture
def world(database: str, request: pytest.FixtureRequest) -> Iterator[World]:
    made = World(
        provider=_own("ledger_provider"),
        database=database,
        server=request.getfixturevalue("kept_connection") if database.startswith("postgresql") else None,
    )
    database_clock.install()
    database_clock.tell(lambda: made.now)
    made.tell()
    yield made
    if made.desk is not None:
        made.desk.close()
    database_clock.tell(None)
    if made.server is not None:
        database_clock.tell_postgresql(made.server, None)
