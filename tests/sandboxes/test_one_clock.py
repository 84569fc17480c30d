"""One clock for a shop and all of its sandboxes: whoever moves it, on any dashboard, moves it for all of them."""

from __future__ import annotations

import datetime
from pathlib import Path

import pytest
from scriptless_browser import Browser
from sqlalchemy import text

from retour import Actor, MemoryShop, Mode, ReturnDesk
from retour.cli.dashboard import Dashboard
from retour.cli.demo_cases import CASES, Press
from retour.cli.demo_flow import DemoFlow
from retour.cli.demo_providers import Providers
from retour.sandbox import SandboxClock
from retour.testing import a_line, a_payment, an_order
from retour_mollie.sandbox import MollieSandbox
from retour_stripe.sandbox import StripeSandbox
from webshop import create_app
from webshop.application import PLUGINS
from webshop.running import RunningShop
from webshop.sandboxes import Sandboxes, sandboxes_of
from webshop.seed import fill

MONTH = datetime.timedelta(days=30)
MOMENT = datetime.timedelta(minutes=5)
"""More than a test takes, and less than any button moves the clock by."""

DATABASE_TIME = text("SELECT (julianday('now') - 2440587.5) * 86400")


def shop_beside(sandboxes: Sandboxes, folder: Path) -> RunningShop:
    """A shop that keeps the time of these sandboxes."""
    app = create_app(
        f"sqlite:///{folder}/shop.db",
        password="x",
        secret_key="y",
        settings=sandboxes.settings,
        sandboxes=sandboxes,
        https=False,
    )
    shop: RunningShop = app.extensions["webshop"]
    return shop


@pytest.mark.parametrize("provider", ["mollie", "stripe", "paypal", "sendcloud", "manual_transfer"])
def test_a_press_on_any_dashboard_moves_the_shop_its_database_and_every_sandbox(tmp_path: Path, provider: str) -> None:
    with sandboxes_of(PLUGINS) as sandboxes:
        shop = shop_beside(sandboxes, tmp_path)
        began = sandboxes.clock.now()
        browser = Browser()
        after = browser.send(browser.get(sandboxes.dashboards[provider]).form("month-later"))
        assert after.said() == "It is 30 days later now, wherever this clock counts."
        now = datetime.datetime.now(datetime.UTC) + MONTH
        assert began + MONTH <= sandboxes.clock.now() <= began + MONTH + MOMENT
        for one in sandboxes.running.values():
            assert abs(one.clock.now() - now) < MOMENT
        with shop.engine.connect() as connection:
            assert abs(connection.execute(DATABASE_TIME).scalar_one() - now.timestamp()) < MOMENT.total_seconds()
        shop.engine.dispose()


def test_the_history_of_the_shop_goes_by_the_clock_of_its_sandboxes(tmp_path: Path) -> None:
    with sandboxes_of(PLUGINS) as sandboxes:
        sandboxes.clock.advance(MONTH)
        shop = shop_beside(sandboxes, tmp_path)
        fill(shop.engine, sandboxes.pay, orders=3)
        shop.desk.mark_returned("1001", by=Actor.staff("anna"))
        assert abs(shop.desk.timeline("1001")[-1].at - datetime.datetime.now(datetime.UTC) - MONTH) < MOMENT
        shop.engine.dispose()


@pytest.mark.parametrize(
    "language, heading, alone, shared",
    [
        ("en", "Where this clock counts", "at this sandbox only", "in your shop and at all of its sandboxes"),
        ("nl", "Waar deze klok geldt", "alleen bij deze sandbox", "in je winkel en bij alle sandboxen daarvan"),
    ],
)
def test_a_dashboard_says_where_its_clock_counts(language: str, heading: str, alone: str, shared: str) -> None:
    for clock, where in ((None, alone), (SandboxClock.of_shop(), shared)):
        with MollieSandbox(clock=clock) as mollie:
            assert f"{heading} {where}" in Browser(language).get(mollie.dashboard_url).words


def test_the_demo_has_one_clock_too_and_a_refund_that_arrives_does_not_move_it() -> None:
    """A file of a thousand orders would come years after one another, past every provider's time for refunds."""
    with Providers(kinds={"mollie": MollieSandbox, "stripe": StripeSandbox}) as providers:
        mollie, stripe = providers.payments["mollie"], providers.payments["stripe"]
        payment = a_payment("94.95", reference="tr_7UhSN1zuXS", mode=Mode.TEST)
        order = an_order(a_line("teapot", 1, "94.95"), payments=[payment])
        providers.pay([order])
        desk = ReturnDesk(
            shop=MemoryShop([order]),
            store="sqlite://",
            plugins=["mollie"],
            settings={"mollie": mollie.settings},
            clock=providers.clock.now,
        )
        flow = DemoFlow(desk=desk, providers=providers)
        result = flow.run(next(one for one in CASES if one.press is Press.REFUND and one.sends_by is None), order)
        assert (result.problem, str(result.refunded)) == (None, "EUR 94.95")
        assert abs(stripe.clock.now() - datetime.datetime.now(datetime.UTC)) < MOMENT
        mollie.advance(MONTH)
        assert stripe.clock.now() > datetime.datetime.now(datetime.UTC) + MONTH - MOMENT
        desk.close()


def test_a_period_that_is_typed_goes_by_once_for_sandboxes_of_one_clock() -> None:
    clock = SandboxClock()
    with MollieSandbox(clock=clock) as mollie, StripeSandbox(clock=clock) as stripe, MollieSandbox() as other:
        before, apart = clock.now(), other.clock.now()
        Dashboard(sandboxes={"mollie": mollie, "stripe": stripe, "other": other}).do("advance 2d")
        assert clock.now() - before == datetime.timedelta(days=2)
        assert other.clock.now() - apart == datetime.timedelta(days=2)
