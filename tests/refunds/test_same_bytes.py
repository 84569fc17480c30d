"""Invariant 5 on the wire: however often a refund is sent to a real provider's API, it is the same bytes and key."""

from __future__ import annotations

import datetime
import importlib
import logging
from collections.abc import Iterator

import pytest
from sqlalchemy import create_engine, text

from retour import Actor, MemoryShop, Mode, Money, ReturnDesk
from retour.providers import ProviderSession
from retour.sandbox import Fault, PaymentSandbox
from retour.testing import a_line, a_payment, an_order

ANNA = Actor.staff("anna")
SANDBOXES = {
    "mollie": ("retour_mollie.sandbox", "MollieSandbox", "idempotency-key"),
    "stripe": ("retour_stripe.sandbox", "StripeSandbox", "idempotency-key"),
    "paypal": ("retour_paypal.sandbox", "PayPalSandbox", "paypal-request-id"),
}


@pytest.fixture(params=sorted(SANDBOXES))
def sandbox(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[PaymentSandbox]:
    monkeypatch.setitem(ProviderSession.__init__.__kwdefaults__ or {}, "deadline", 0.5)
    module, name, _ = SANDBOXES[request.param]
    with getattr(importlib.import_module(module), name)() as made:
        yield made


def a_worker_comes_by(desk: ReturnDesk, store: str) -> None:
    """Every pause is over."""
    engine = create_engine(store)
    with engine.begin() as connection:
        connection.execute(text("UPDATE retour_effect SET lease_until = 0, not_before = 0 WHERE state = 'waiting'"))
    engine.dispose()
    desk.work()


@pytest.mark.parametrize(
    "faults",
    [
        [Fault.REFUSED_429, Fault.UNAVAILABLE_503, Fault.REFUSED_429],
        [Fault.CUT_BEFORE, Fault.ERROR_500_BEFORE, Fault.CUT_BEFORE],
        [Fault.REFUSED_429, Fault.CUT_BEFORE, Fault.NO_JSON_AFTER],
    ],
)
def test_a_refund_is_the_same_bytes_and_key_however_often_it_is_sent_and_by_whom(
    sandbox: PaymentSandbox, faults: list[Fault], sqlite_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.CRITICAL, "retour")
    name = sandbox.provider
    reference = sandbox.pay(Money.of("100", "EUR"))
    shop = MemoryShop(
        [
            an_order(
                a_line("cup", 1, "100.00"),
                payments=[a_payment("100.00", provider=name, reference=reference, mode=Mode.TEST)],
            )
        ]
    )

    def open_desk() -> ReturnDesk:
        return ReturnDesk(
            shop=shop,
            store=sqlite_url,
            plugins=[name],
            settings={name: sandbox.settings},
            clock=sandbox.clock.now,
        )

    desk = open_desk()
    desk.reconcile("1001")  # PayPal's access token is fetched by a POST too
    sandbox.server.faults.extend(faults)
    refund_id = desk.refund("1001", reference, Money.of("40", "EUR"), by=ANNA, request_id="form-1").refund_id
    for _ in range(6):
        desk.close()
        sandbox.clock.advance(datetime.timedelta(minutes=1))
        desk = open_desk()  # another process, another day: what is sent comes from the database alone
        a_worker_comes_by(desk, sqlite_url)
    state = desk.dossier("1001").refund(str(refund_id)).state
    desk.close()
    header = SANDBOXES[name][2]
    sent = [
        (one.path, one.headers[header], one.headers["content-type"], one.body)
        for one in sandbox.server.requests
        if one.method == "POST" and header in one.headers
    ]
    assert len(sent) >= 3
    assert len(set(sent)) == 1
    assert refund_id is not None
    assert sent[0][1] == refund_id
    assert state in ("succeeded", "pending")
    assert [str(one.amount) for one in sandbox.books(reference)] == ["EUR 40.00"]
