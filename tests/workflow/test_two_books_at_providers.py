"""Two books at the sandboxes of the real providers: the short form of what the provider in memory is put through."""

from __future__ import annotations

import datetime
import logging
import os
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

import database_clock
import pytest
from goods_sold import Sale
from hypothesis import strategies as st
from hypothesis.stateful import initialize, precondition, rule
from one_order import AMOUNTS, DAY, Booked, Host, forget_everything
from sqlalchemy import Engine
from two_books import TwoBooks, explore

from retour import MemoryShop, Mode, Money, ReturnDesk, connect
from retour.sandbox import Fault, PaymentSandbox
from retour_mollie.sandbox import MollieSandbox
from retour_paypal.sandbox import PayPalSandbox
from retour_stripe.sandbox import StripeSandbox
from retour_stripe.sandbox_disputes import OVER, disputes_of

EXAMPLES = int(os.environ.get("RETOUR_EXAMPLES", "15")) // 3
SANDBOXES: dict[str, type[PaymentSandbox]] = {
    "mollie": MollieSandbox,
    "stripe": StripeSandbox,
    "paypal": PayPalSandbox,
}
SALES = {
    "mollie": (
        Sale(),
        Sale(bowls=70_00, captured=499_90),
        Sale(currency="HUF", captured=499_00, step=100, method="paypal", bowls=70_00),
        Sale(currency="HUF", captured=499_90, method="ideal", taxed=True),
    ),
    "stripe": (
        Sale(bowls=70_00, sale=33_33),
        Sale(currency="KWD", captured=499_90, step=10, bowls=70_00),
        Sale(currency="MGA", captured=499_00, step=100),
        Sale(currency="ISK", captured=499_99, taxed=True),
    ),
    "paypal": (
        Sale(),
        Sale(currency="HUF", captured=499_00, step=100, bowls=70_00),
        Sale(currency="TWD", captured=499_00, step=100, sale=33_33),
        Sale(currency="JPY", captured=499_90, bowls=70_00),
    ),
}
"""What is sold for money that each of them pays back in steps of its own, and what is not."""

FAULTS = st.sampled_from(
    [None, None, Fault.CUT_AFTER, Fault.CUT_BEFORE, Fault.ERROR_500_AFTER, Fault.ERROR_500_BEFORE, Fault.REFUSED_429]
)


class TwoBooksAtProvider(TwoBooks):
    """A payment in a sandbox, which the shop stores by any of its names, and another one."""

    engines: Sequence[Engine]
    sandbox: Any
    mode = Mode.TEST

    @initialize(free=st.booleans(), stored=st.integers(0, 5), units=st.integers(1, 4), which=st.integers(0, 3))
    def open(self, free: bool, stored: int, units: int, which: int) -> None:
        sale = SALES[self.provider][which]
        forget_everything(self.engines[0])
        self.mend()
        self.sandbox.take_webhooks()
        self.now = self.sandbox.clock.now()
        self.began = self.now
        database_clock.tell(lambda: self.now)
        captured, more = sale.money(sale.captured), {"method": sale.method} if sale.method else {}
        self.payments = (self.sandbox.pay(captured, **more), self.sandbox.pay(captured, **more))
        called = self.sandbox.names(self.payments[0])
        self.names = called[stored % len(called) :] + called[: stored % len(called)]
        self.unrelated = (self.payments[1], "invoice 17")
        self.told: list[tuple[dict[str, str], bytes]] = []
        self.held = False
        self.still_open: dict[str, int] = {}
        self.shop = MemoryShop()
        self.hosts = [self.host(engine, ahead) for engine, ahead in zip(self.engines, (0 * DAY, DAY), strict=True)]
        self.begin(sale, free=free, stored=self.names[0], units=units)

    def host(self, engine: Engine, ahead: datetime.timedelta) -> Host:
        host = Host(desk=None, ahead=ahead)  # type: ignore[arg-type]  # made below, with this host's clocks
        host.desk = ReturnDesk(
            shop=self.shop,
            store=engine,
            plugins=[self.provider, "manual_transfer"],
            settings={self.provider: self.sandbox.settings},
            migrate=False,
            clock=lambda: self.now + host.ahead,
            elapsed=lambda: (self.now - self.began).total_seconds(),
        )
        return host

    # --- the provider ------------------------------------------------------------------------------------

    def books(self) -> Sequence[Booked]:
        return [
            Booked(
                reference=one.reference,
                payment=payment,
                minor=one.amount.minor,
                status=one.status,
                refund_id=one.refund_id,
            )
            for payment in self.payments
            for one in self.sandbox.books(payment)
        ]

    def payment_called(self, name: str) -> str:
        return next((one for one in self.payments if name in (one, *self.sandbox.names(one))), name)

    def refund_in_dashboard(self, payment: str, minor: int) -> str | None:
        if not minor:
            return None
        self.pass_by(datetime.timedelta(seconds=1))
        try:
            made: str = self.sandbox.refund_in_dashboard(payment, self.sale.money(minor))
        except ValueError:  # less is left, or there is no such payment
            return None
        return made

    def what_time_it_is(self) -> datetime.datetime:
        return self.now

    def bank_moves(self, which: int) -> None:
        if which % 3 == 0:
            self.held = not self.held
            (self.sandbox.hold if self.held else self.sandbox.release)()
        elif self.books():
            with suppress(ValueError):  # it failed already, or was cancelled
                self.sandbox.fail(self.books()[-1 - which % len(self.books())].reference)

    def bank_has(self, payment: str) -> int:
        if payment not in self.payments:
            return 0
        still_open = self.still_open.get(payment, 0)
        charged_back: Money = self.sandbox.stored(payment).charged_back
        return charged_back.minor - still_open

    def bank_acts(self, what: str, payment: str, minor: int) -> None:
        """A dispute that is open is decided by what follows: the bank takes what is disputed, or gives it back."""
        with suppress(ValueError):  # it has all of it, or nothing
            BANKS[self.provider](self, what, payment, self.sale.money(minor))

    def webhooks(self) -> Sequence[tuple[dict[str, str], bytes]]:
        self.told += [(dict(one.headers), one.body) for one in self.sandbox.take_webhooks()]
        return self.told

    def pass_by(self, time: datetime.timedelta) -> None:
        self.sandbox.advance(time)
        self.now += time

    def mend(self) -> None:
        self.sandbox.server.faults.clear()
        self.sandbox.release()
        self.held = False

    # --- what the merchant does --------------------------------------------------------------------------

    @rule(fault=FAULTS, times=st.integers(1, 2), tidy=st.booleans())
    def refund_what_is_owed(self, fault: Fault | None, times: int, tidy: bool) -> None:
        self.next_goes_wrong(fault)
        self.refund_what_is_suggested(times, tidy=tidy)

    @precondition(lambda self: self.free)
    @rule(amount=AMOUNTS, fault=FAULTS)
    def refund_what_one_likes(self, amount: int, fault: Fault | None) -> None:
        self.next_goes_wrong(fault)
        self.refund_an_amount(amount)

    def next_goes_wrong(self, fault: Fault | None) -> None:
        self.sandbox.server.faults.clear()
        if fault is not None:
            self.sandbox.server.faults.append(fault)


def _at_mollie(machine: TwoBooksAtProvider, what: str, payment: str, amount: Money) -> None:
    """It has no disputes: a bank takes the money, and may give it back."""
    if what == "takes":
        machine.sandbox.charge_back(payment, amount)
    elif what == "gives back":
        machine.sandbox.give_back(payment)


def _at_stripe(machine: TwoBooksAtProvider, what: str, payment: str, amount: Money) -> None:
    """A dispute takes the money while it is open, an inquiry does not; either is won or lost later."""
    sandbox: StripeSandbox = machine.sandbox
    undecided = [one for one in disputes_of(sandbox.stored(payment)) if one.status not in OVER]
    if what == "opens":
        sandbox.open_inquiry(payment, amount) if amount.minor == 25_00 else sandbox.open_dispute(payment, amount)
    elif what == "takes" and undecided:
        sandbox.move_dispute(undecided[0].id, "lost", refundable=amount.minor != machine.sale.captured)
    elif what == "takes":
        sandbox.charge_back(payment, amount)
    elif undecided:
        sandbox.move_dispute(undecided[0].id, "won")
    else:
        sandbox.give_back(payment)
    machine.still_open[payment] = sum(
        one.amount.minor for one in disputes_of(sandbox.stored(payment)) if one.status not in OVER and one.taken
    )


def _at_paypal(machine: TwoBooksAtProvider, what: str, payment: str, amount: Money) -> None:
    """A case is open, which takes nothing; the bank takes all or nothing."""
    sandbox: PayPalSandbox = machine.sandbox
    if what == "opens":
        sandbox.open_dispute(payment, called="PARTIALLY_REFUNDED" if amount.minor == 25_00 else "")
    elif what == "takes":
        sandbox.charge_back(payment)
    elif sandbox.stored(payment).charged_back:
        sandbox.give_back(payment)
    else:
        sandbox.close_dispute(payment)


BANKS = {"mollie": _at_mollie, "stripe": _at_stripe, "paypal": _at_paypal}


@pytest.mark.long
@pytest.mark.parametrize("provider", SANDBOXES)
def test_what_a_provider_did_and_what_we_say_never_differ(
    provider: str, sqlite_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.CRITICAL, "retour")
    database_clock.install()
    engines = [connect(sqlite_url) for _ in range(2)]
    ReturnDesk(shop=MemoryShop(), store=engines[0], migrate=True)
    try:
        with SANDBOXES[provider]() as sandbox:
            explore(
                type(
                    "AtProvider", (TwoBooksAtProvider,), {"engines": engines, "sandbox": sandbox, "provider": provider}
                ),
                examples=EXAMPLES,
                steps=25,
            )
    finally:
        database_clock.tell(None)
        for engine in engines:
            engine.dispose()
