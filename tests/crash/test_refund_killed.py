"""A process that is killed while it refunds pays once or not at all, and never says what is not so."""

from __future__ import annotations

import datetime
import importlib
import logging
import signal
from collections.abc import Iterator
from typing import Any

import forked
import pytest
from at_each_provider import AT_EACH_PROVIDER
from crash import refunder
from sqlalchemy import create_engine, text

from retour import Actor, Money, ReturnDesk
from retour.sandbox import Fault, PaymentSandbox

SANDBOXES = {
    "mollie": ("retour_mollie.sandbox", "MollieSandbox"),
    "stripe": ("retour_stripe.sandbox", "StripeSandbox"),
    "paypal": ("retour_paypal.sandbox", "PayPalSandbox"),
}


pytestmark = AT_EACH_PROVIDER


@pytest.fixture(autouse=True)
def quiet(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.CRITICAL, "retour")


class Shop:
    """A payment of EUR 100.00 at a provider's sandbox, and the process that refunds EUR 40.00 of it."""

    def __init__(self, provider: str, sandbox: PaymentSandbox, database: str) -> None:
        self.provider, self.sandbox, self.database = provider, sandbox, database
        self.settings = sandbox.settings
        self.reference = sandbox.pay(Money.of("100", "EUR"))

    def run(self, moment: str) -> int:
        """Run the process; gives its exit code."""
        return forked.run(refunder.refund, self.database, self.provider, self.reference, dict(self.settings), moment)

    def desk(self) -> ReturnDesk:
        """A desk in this process."""
        return refunder.a_desk(self.database, self.provider, self.reference, self.settings)

    def work(self, desk: ReturnDesk) -> None:
        """Let every lease and pause be over, and do what is due."""
        self.end_pauses()
        desk.work()

    def end_pauses(self) -> None:
        """Every lease and pause is over, and no account has to rest."""
        engine = create_engine(self.database)
        with engine.begin() as connection:
            connection.execute(text("UPDATE retour_effect SET lease_until = 0, not_before = 0 WHERE state = 'waiting'"))
            connection.execute(text("UPDATE retour_looks SET next_at = 0"))
        engine.dispose()

    def paid_back(self, desk: ReturnDesk) -> list[int]:
        """Minor units of every refund that the provider has on the payment."""
        payment = desk._commands.read("1001").order.payments[0]
        provider: Any = desk._services.accounts.refunding("default", payment)
        return [one.amount.minor for one in provider.list_refunds(provider.refundable(payment).target)]


@pytest.fixture
def shop(request: pytest.FixtureRequest, database: str) -> Iterator[Shop]:
    module, name = SANDBOXES[request.param]
    with getattr(importlib.import_module(module), name)() as sandbox:
        yield Shop(request.param, sandbox, database)


@pytest.mark.parametrize(
    "moment, decided",
    [
        ("before the intent is committed", False),
        ("after the intent is committed", True),
        ("before the provider is called", True),
        ("after the provider is called", True),
        ("before the outcome is committed", True),
        ("after the outcome is committed", True),
    ],
)
def test_a_refund_killed_at_any_moment_is_paid_once_or_not_at_all(shop: Shop, moment: str, decided: bool) -> None:
    assert shop.run(moment) == -signal.SIGKILL
    desk = shop.desk()
    for _ in range(2):
        shop.work(desk)
    refunds = list(desk.dossier("1001").refunds.values())
    if not decided:
        assert refunds == []
        assert shop.paid_back(desk) == []
        desk.refund("1001", shop.reference, Money.of("40", "EUR"), by=Actor.staff("anna"), request_id="form-1")
        refunds = list(desk.dossier("1001").refunds.values())
    assert shop.paid_back(desk) == [4000]
    assert [refund.state in ("succeeded", "pending") for refund in refunds] == [True]
    assert not desk.reconcile("1001").changed
    again = desk.refund("1001", shop.reference, Money.of("40", "EUR"), by=Actor.staff("anna"), request_id="form-1")
    assert not again.changed
    assert shop.paid_back(desk) == [4000]
    desk.close()


@pytest.mark.parametrize("moment", ["before the look", "after the look"])
def test_a_worker_that_is_killed_while_it_looks_again_leaves_the_look_to_another(shop: Shop, moment: str) -> None:
    desk = shop.desk()
    desk.refund("1001", shop.reference, Money.of("40", "EUR"), by=Actor.staff("anna"), request_id="form-1")
    shop.sandbox.advance(datetime.timedelta(days=4))
    shop.work(desk)  # it has succeeded by now
    shop.sandbox.fail(shop.sandbox.books(shop.reference)[0].reference)
    shop.end_pauses()
    assert shop.run(moment) == -signal.SIGKILL
    assert [one.state.value for one in desk.dossier("1001").refunds.values()] == ["succeeded"]
    shop.work(desk)
    assert [one.state.value for one in desk.dossier("1001").refunds.values()] == ["reversed"]
    desk.close()


@pytest.mark.parametrize(
    "fault", [fault for fault in Fault if fault not in (Fault.SILENT_AFTER, Fault.TRICKLE_AFTER)], ids=str
)
def test_a_provider_that_fails_in_any_way_is_paid_once_in_the_end(shop: Shop, fault: Fault) -> None:
    """The two slow faults are each plugin's own tests': here they would wait for the whole deadline."""
    shop.sandbox.server.faulty = lambda request: request.method == "POST" and "oauth2" not in request.path
    shop.sandbox.server.faults.append(fault)
    desk = shop.desk()
    desk.refund("1001", shop.reference, Money.of("40", "EUR"), by=Actor.staff("anna"), request_id="form-1")
    assert [one.state.value for one in desk.dossier("1001").refunds.values()] != ["failed"]
    for _ in range(3):
        shop.work(desk)
    assert shop.paid_back(desk) == [4000]
    (refund,) = desk.dossier("1001").refunds.values()
    assert refund.state in ("succeeded", "pending")
    desk.close()


def test_a_refund_in_the_dashboard_after_the_link_was_opened_closes_it(shop: Shop) -> None:
    desk = shop.desk()
    desk.open_refund_link("1001", shop.reference, Money.of("40", "EUR"), by=Actor.staff("anna"), request_id="form-1")
    shop.sandbox.advance(datetime.timedelta(seconds=60))
    shop.sandbox.refund_in_dashboard(shop.reference, Money.of("40", "EUR"))
    desk.reconcile("1001")
    (refund,) = desk.dossier("1001").refunds.values()
    assert refund.source == "link"
    assert refund.state in ("succeeded", "pending")
    desk.close()


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_transfer_that_is_decided_by_a_process_that_is_killed_is_there_whole_or_not_at_all(
    shop: Shop, when: str
) -> None:
    """Refund, account and consent are one commit, and nothing is left to do for a worker. The same form goes on."""
    assert shop.run(f"{when} the transfer is committed") == -signal.SIGKILL
    desk = shop.desk()
    assert bool(desk.dossier("1001").refunds) is (when == "after")
    again = refunder.transfer(desk, shop.reference).refund_id
    shop.work(desk)
    [refund] = desk.dossier("1001").refunds.values()
    assert (refund.id, refund.state, refund.consent.how) == (again, "awaiting_merchant", "phone")
    assert desk.refund_link("1001", refund_id=refund.id).transfer is not None
    assert shop.paid_back(desk) == []
    desk.close()
