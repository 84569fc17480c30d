"""The webshop in a browser: the machine's own Chromium, at a shop on loopback with all sandboxes and the worker."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import pytest
from browser.shop_served import PASSWORD, Served, serving

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, Page, StorageState

ROOT = Path(__file__).parent.parent.parent
PICTURES = ROOT / "build" / "browser"

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


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A shop of which nothing came back yet, for the tests of a file: each takes an order of its own."""
    with serving(tmp_path_factory.mktemp("shop")) as running:
        yield running


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
