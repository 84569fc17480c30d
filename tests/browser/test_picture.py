"""The picture of the README: the question about the stock in front of its order, at a fixed time, so that its
words are the same each time. ``RETOUR_WRITE_DOCS=1 make browser`` writes it anew."""

from __future__ import annotations

import datetime
import os
import struct
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import database_clock
import pytest
from werkzeug.serving import make_server

from webshop import create_app
from webshop.application import PLUGINS
from webshop.sandboxes import sandboxes_of
from webshop.seed import fill

if TYPE_CHECKING:
    from playwright.sync_api import Browser

pytestmark = pytest.mark.browser

PICTURE = Path(__file__).parent.parent.parent / "docs" / "images" / "webshop.png"
THEN = datetime.datetime(2026, 11, 23, 13, 2, tzinfo=datetime.UTC)
WIDTH, HEIGHT = 1200, 760
LARGEST = 150_000


def test_the_picture_of_the_readme_is_what_the_shop_shows(chromium: Browser, tmp_path: Path) -> None:
    (first, words), (_, words_again) = (taken(chromium, tmp_path / name) for name in ("first.db", "again.db"))
    assert words == words_again
    if os.environ.get("RETOUR_WRITE_DOCS"):
        PICTURE.parent.mkdir(exist_ok=True)
        PICTURE.write_bytes(first)
    kept = PICTURE.read_bytes()
    assert len(kept) < LARGEST
    assert struct.unpack(">II", kept[16:24]) == (WIDTH, HEIGHT)  # letters differ from machine to machine, the size not


def taken(chromium: Browser, file: Path) -> tuple[bytes, str]:
    """A picture of a shop in which it is always the same time and nothing has happened but this, and its words."""
    database_clock.install()
    database_clock.tell(lambda: THEN)
    with sandboxes_of(PLUGINS) as sandboxes:
        app = create_app(
            f"sqlite:///{file}",
            password="open sesame",
            secret_key="of the picture",
            settings=sandboxes.settings,
            https=False,
            clock=lambda: THEN,
        )
        engine = app.extensions["webshop"].engine
        fill(engine, sandboxes.pay, orders=30, now=THEN)
        server = make_server("127.0.0.1", 0, app, threaded=True)
        serving = threading.Thread(target=server.serve_forever)
        serving.start()
        context = chromium.new_context(
            base_url=f"http://127.0.0.1:{server.server_port}",
            locale="en-GB",
            viewport={"width": WIDTH, "height": HEIGHT},
            reduced_motion="reduce",
        )
        try:
            page = context.new_page()
            page.goto("/login?next=/orders/1026")
            page.get_by_label("Password").fill("open sesame")
            page.get_by_role("button", name="Log in").click()
            page.get_by_role("combobox", name="Order status").select_option("Returned")
            page.get_by_role("button", name="Save", exact=True).click()
            page.locator("dialog:modal").wait_for()
            page.evaluate(ONE_NUMBER)
            return page.screenshot(), page.locator("body").inner_text()
        finally:
            context.close()
            server.shutdown()
            serving.join()
            server.server_close()
            engine.dispose()
            database_clock.tell(None)


ONE_NUMBER = """() => {
  const words = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (words.nextNode()) {
    const one = words.currentNode;
    one.data = one.data.replace(/\\b([A-Z0-9]{3}-){2}[A-Z0-9]{3}\\b/, "K7M-2QD-9XT");
  }
}"""
"""The number of a return is drawn anew each time; in the picture it is always this one."""
