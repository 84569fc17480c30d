"""The webshop in a browser: the machine's own Chromium, at a shop on loopback with all sandboxes and the worker."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Callable, Iterator
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import attrs
import pytest
from werkzeug.serving import make_server

from retour import Actor, Refund
from retour.sandbox import SandboxClock
from webshop import create_app
from webshop.application import PLUGINS
from webshop.housekeeping import keep_house
from webshop.running import RunningShop
from webshop.sandboxes import Sandboxes, in_the_background, sandboxes_of
from webshop.seed import FIRST, fill

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, Page, StorageState

    from retour.sandbox import BookedRefund

ORDERS = 120
"""So many that each test of a file finds one."""

ROOT = Path(__file__).parent.parent.parent
PICTURES = ROOT / "build" / "browser"
ANNA = Actor.staff("anna")
PASSWORD = "open sesame"

SECONDS = 30
"""How long a page may take to say what is expected of it, also on a machine that does much else."""

ARGUMENTS = (
    "--no-sandbox",  # CI runs as root in a container
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",  # else each start looks for hosts that a closed network does not have
    "--disable-component-update",
    "--disable-sync",
)


@pytest.fixture(scope="session")
def chromium(missing: Callable[[str], NoReturn]) -> Iterator[Browser]:
    """The machine's own Chromium."""
    found = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if find_spec("playwright") is None:
        missing("Playwright (pip install -r requirements-browser.txt)")
    if found is None:
        missing("Chromium (apt-get install chromium)")
    from playwright.sync_api import expect, sync_playwright

    expect.set_options(timeout=SECONDS * 1000)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=list(ARGUMENTS))
        yield browser
        browser.close()


@attrs.frozen(kw_only=True)
class Served:
    """A shop that runs: its address, its parts, and the providers beside it."""

    address: str
    shop: RunningShop
    sandboxes: Sandboxes
    clock: SandboxClock
    """The shop's time and its database's, which a test can let pass."""
    anna: Actor = ANNA
    password: str = PASSWORD
    _taken: set[str] = attrs.field(factory=set)

    def take(self, provider: str, *, products: int = 1) -> str:
        """An order for one test alone, of so many products that went out, paid at this provider."""
        for order_id in map(str, range(FIRST, FIRST + ORDERS)):
            order = self.shop.port.order(order_id)
            assert order is not None
            paid_there = [one for one in order.payments if one.provider == provider]
            if order_id not in self._taken and paid_there and len(order.goods) == products and order.goods[0].fulfilled:
                self._taken.add(order_id)
                return order_id
        raise AssertionError(f"no other order of {products} products is paid at {provider}")

    def payment(self, order_id: str) -> str:
        """What its provider calls the payment of an order."""
        order = self.shop.port.order(order_id)
        assert order is not None
        return order.payments[0].reference

    def refunds(self, order_id: str) -> list[Refund]:
        """What goes back on an order, the oldest first."""
        return list(self.shop.desk.dossier(order_id).refunds.values())

    def books(self, order_id: str) -> list[BookedRefund]:
        """What went back on an order by the books of its provider."""
        order = self.shop.port.order(order_id)
        assert order is not None
        return list(self.sandboxes.payment(order.payments[0].provider).books(order.payments[0].reference))


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A shop on a free port, as `make shop` runs it, for the tests of a file: each takes an order of its own."""
    with sandboxes_of(PLUGINS) as sandboxes:
        app = create_app(
            f"sqlite:///{tmp_path_factory.mktemp('shop')}/shop.db",
            password=PASSWORD,
            secret_key="of the browser's tests",
            settings=sandboxes.settings,
            sandboxes=sandboxes,
            https=False,
        )
        shop: RunningShop = app.extensions["webshop"]
        fill(shop.engine, sandboxes.pay, orders=ORDERS)
        server = make_server("127.0.0.1", 0, app, threaded=True)
        serving = threading.Thread(target=server.serve_forever)
        serving.start()
        address = f"http://127.0.0.1:{server.server_port}"
        try:
            with in_the_background(partial(keep_house, shop), sandboxes, address):
                yield Served(address=address, shop=shop, sandboxes=sandboxes, clock=sandboxes.clock)
        finally:
            server.shutdown()
            serving.join()
            server.server_close()
            shop.engine.dispose()


@pytest.fixture(scope="module")
def logged_in(chromium: Browser, served: Served) -> StorageState:
    """The cookies of the merchant, who logged in once for the tests of a file."""
    context = chromium.new_context(base_url=served.address)
    page = context.new_page()
    page.goto("/login")
    page.locator("#password").fill(PASSWORD)
    page.locator("main button").click()
    page.wait_for_url(lambda url: "/login" not in url)
    cookies = context.storage_state()
    context.close()
    return cookies


OpenPage = Callable[..., "Page"]


@pytest.fixture
def open_page(chromium: Browser, served: Served, logged_in: StorageState) -> Iterator[OpenPage]:
    """Opens a page of the shop for a merchant who is logged in: ``open_page("/orders", language="nl-NL", width=1280)``.
    With ``scripts=False`` the browser runs none, with ``beside=page`` it is another tab of the same browser. A page on
    which a script fails, or that breaks its own content security policy, fails the test."""
    contexts: list[BrowserContext] = []
    problems: list[str] = []

    def open_(
        path: str, *, language: str = "nl-NL", width: int = 1280, scripts: bool = True, beside: Page | None = None
    ) -> Page:
        if beside is None:
            contexts.append(
                chromium.new_context(
                    base_url=served.address,
                    storage_state=logged_in,
                    locale=language,
                    viewport={"width": width, "height": 900},
                    java_script_enabled=scripts,
                )
            )
        page = (beside.context if beside else contexts[-1]).new_page()
        page.on("pageerror", lambda error: problems.append(str(error)))
        page.on("console", lambda said: problems.append(said.text) if "Content Security" in said.text else None)
        page.goto(path)
        return page

    yield open_
    for context in contexts:
        context.close()
    assert problems == []


@pytest.fixture
def picture() -> Callable[[Page, str], None]:
    """Keeps a picture of a page: ``picture(page, "order")`` is build/browser/order.png."""
    PICTURES.mkdir(parents=True, exist_ok=True)

    def keep(page: Page, name: str) -> None:
        whole = not page.locator(
            "dialog:modal"
        ).count()  # what is in front of a page is in front of what one sees of it
        page.screenshot(path=PICTURES / f"{name}.png", full_page=whole)

    return keep
