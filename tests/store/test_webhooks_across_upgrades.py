"""A webhook that was delivered before an upgrade and again after it is acted on once.

The inbox of an earlier release named what was said in another way: by ``shop|provider|account|event|refund|status``,
and not by the mode. Its rows are kept by every migration as they are, so the same is kept once more under its new name;
what it says is no news then, whatever was done with the first.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

import pytest
from fuzz.one_life import LEDGER
from sqlalchemy import Connection, Engine, MetaData, insert, select

from retour import Actor, MemoryShop, Money, Refund, ReturnDesk, connect, hookimpl
from retour.model.ids import crockford
from retour.providers import RefundStatus
from retour.store import migrations, tables
from retour.testing import a_line, a_payment, an_order

ANNA = Actor.staff("anna")
EUR40 = Money.of("40", "EUR")
OLD = 5
"""The newest migration of that release."""

CARRIED = ("retour_dossier", "retour_event", "retour_reference", "retour_refund", "retour_effect")
"""What an order with a refund that a webhook told of consists of."""


class Bookkeeping:
    """Hears of refunds."""

    name = "bookkeeping"

    def __init__(self) -> None:
        self.heard: list[str] = []

    @hookimpl
    def on_refund_changed(self, refund: Refund) -> None:
        self.heard.append(f"{refund.reference} {refund.state.value}")


def old_identity(event_id: str, reference: str, status: str) -> str:
    """What the earlier release called a thing that a webhook says."""
    said = f"default|ledger|default|{event_id}|{reference}|{status}".encode()
    return "ev" + crockford(int.from_bytes(hashlib.sha256(said).digest()[:17]) >> 6, 26)


def make_desk(store: Any, ledger: Any, *plugins: object) -> ReturnDesk:
    order = an_order(a_line("cup", 4, "100.00"), payments=[a_payment("100", provider="ledger", reference="p_1")])
    provider = LEDGER.plugin(LEDGER.make_provider(ledger))
    return ReturnDesk(shop=MemoryShop([order]), store=store, plugins=[provider, *plugins], migrate=True)


def tell(desk: ReturnDesk, ledger: Any, reference: str) -> int:
    body = f"event:{reference}".encode()
    return desk.receive_webhook("ledger", {"signature": "right"}, body).kept


def as_it_was(old: Connection, new: Connection, event_effect: Mapping[str, Any]) -> None:
    """Write an order of today's tables into those of the earlier release, with its name of what the webhook said."""
    then = MetaData()
    then.reflect(old)
    for name in CARRIED:
        columns = then.tables[name].columns.keys()
        for row in new.execute(select(tables.metadata.tables[name])).mappings():
            if name == "retour_effect" and row["kind"] != "provider_event":
                continue
            own = event_effect if name == "retour_effect" else {}
            old.execute(insert(then.tables[name]).values({key: {**row, **own}[key] for key in columns}))


@pytest.mark.parametrize("state", ["done", "waiting"])
@pytest.mark.parametrize("status", [RefundStatus.SUCCEEDED, RefundStatus.PENDING, RefundStatus.FAILED])
def test_what_was_told_before_an_upgrade_and_again_after_it_is_acted_on_once(
    bare_database: str, monkeypatch: pytest.MonkeyPatch, state: str, status: RefundStatus
) -> None:
    """Also where the earlier release had kept it, and not acted on it yet."""
    ledger = LEDGER.Ledger(clock=lambda: desk._services.clock(), paid={"p_1": Money.of("100", "EUR")})
    desk = make_desk("sqlite://", ledger)
    desk.mark_returned("1001", by=ANNA)
    made = ledger.add("p_1", EUR40).reference
    ledger.turn(made, status)
    assert tell(desk, ledger, made) == 1
    known = desk.dossier("1001")
    assert [(one.reference, one.reported) for one in known.refunds.values()] == [(made, frozenset({status}))]

    old = upgraded_from(bare_database, monkeypatch, desk, old_identity(f"{made}-{status}", made, status), state)
    bookkeeping = Bookkeeping()
    upgraded = make_desk(old, ledger, bookkeeping)
    try:
        assert inbox(old) == [state]
        for _ in range(2):
            assert tell(upgraded, ledger, made) == 1
            upgraded.work()
        again = upgraded.dossier("1001")
        assert (again.version, again.refunds) == (known.version, known.refunds)
        assert bookkeeping.heard == []
        assert inbox(old) == ["done", "done"]
    finally:
        upgraded.close()
        old.dispose()
        desk.close()


def inbox(engine: Engine) -> list[str]:
    """How far what webhooks said is."""
    said = select(tables.effect.c.state).where(tables.effect.c.kind == "provider_event")
    with engine.connect() as connection:
        return sorted(connection.execute(said).scalars())


def upgraded_from(
    database: str, monkeypatch: pytest.MonkeyPatch, desk: ReturnDesk, identity: str, state: str
) -> Engine:
    """The order in a database of the earlier release, whose inbox calls what the webhook said by ``identity``."""
    engine = connect(database)
    with monkeypatch.context() as then:
        then.setattr(migrations, "MIGRATIONS", migrations.MIGRATIONS[:OLD])
        migrations.migrate(engine)
    with engine.begin() as old, desk._services.store.engine.connect() as new:
        as_it_was(old, new, {"id": identity, "state": state, "lease_until": 0, "owner": None})
    return engine
