"""The webshop in a browser: the machine's own Chromium, at a shop on loopback with all sandboxes and the worker."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import attrs
import pytest
from werkzeug.serving import make_server

from webshop import create_app
from webshop.application import PLUGINS
from webshop.running import RunningShop
from webshop.sandboxes import Sandboxes, in_the_background, sandboxes_of
from webshop.seed import fill

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, Page

ROOT = Path(__file__).parent.parent.parent
PICTURES = ROOT / "build" / "browser"
PASSWORD = "open sesame"

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
    from playwright.sync_api import sync_playwright

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


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    """A shop with thirty orders on a free port, as `make shop` runs it. 1026 is of two products, paid with Mollie."""
    with sandboxes_of(PLUGINS) as sandboxes:
        app = create_app(
            f"sqlite:///{tmp_path}/shop.db",
            password=PASSWORD,
            secret_key="of the browser's tests",
            settings=sandboxes.settings,
            sandboxes=sandboxes,
            https=False,
        )
        shop: RunningShop = app.extensions["webshop"]
        fill(shop.engine, sandboxes.pay, orders=30)
        server = make_server("127.0.0.1", 0, app, threaded=True)
        serving = threading.Thread(target=server.serve_forever)
        serving.start()
        address = f"http://127.0.0.1:{server.server_port}"
        try:
            with in_the_background(shop.desk, sandboxes, address):
                yield Served(address=address, shop=shop, sandboxes=sandboxes)
        finally:
            server.shutdown()
            serving.join()
            server.server_close()
            shop.engine.dispose()


OpenPage = Callable[..., "Page"]


@pytest.fixture
def open_page(chromium: Browser, served: Served) -> Iterator[OpenPage]:
    """Opens a page of the shop for a merchant who is logged in: ``open_page("/orders", language="nl-NL", width=1280)``.
    With ``scripts=False`` the browser runs none. A page on which a script fails, or that breaks its own content
    security policy, fails the test."""
    contexts: list[BrowserContext] = []
    problems: list[str] = []

    def open_(path: str, *, language: str = "nl-NL", width: int = 1280, scripts: bool = True) -> Page:
        context = chromium.new_context(
            base_url=served.address,
            locale=language,
            viewport={"width": width, "height": 900},
            java_script_enabled=scripts,
        )
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: problems.append(str(error)))
        page.on("console", lambda said: problems.append(said.text) if "Content Security" in said.text else None)
        page.goto("/login")
        page.locator("#password").fill(PASSWORD)
        page.locator("main button").click()
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
        page.screenshot(path=PICTURES / f"{name}.png", full_page=True)

    return keep
