"""A webshop on each database, with the sandboxes of all providers and a merchant who is logged in."""

from __future__ import annotations

from collections.abc import Iterator
from types import CodeType

import pytest
from flask import Flask
from jinja2.bccache import Bucket, BytecodeCache
from scriptless_browser import ShopBrowser

from webshop import create_app, tables
from webshop.application import PLUGINS
from webshop.running import RunningShop
from webshop.sandboxes import Sandboxes, sandboxes_of
from webshop.seed import fill

PASSWORD = "open sesame"


class _CompiledOnce(BytecodeCache):
    """What was made of each template, for all shops: a shop keeps that for itself alone, and nearly every test opens
    one, which would compile its pages anew for longer than the test takes otherwise."""

    def __init__(self) -> None:
        self.kept: dict[tuple[str, str], CodeType] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        bucket.code = self.kept.get((bucket.key, bucket.checksum))

    def dump_bytecode(self, bucket: Bucket) -> None:
        assert bucket.code is not None
        self.kept[bucket.key, bucket.checksum] = bucket.code


@pytest.fixture(autouse=True, scope="session")
def templates_compiled_once() -> Iterator[None]:
    """Each template is compiled once."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Flask, "jinja_options", {**Flask.jinja_options, "bytecode_cache": _CompiledOnce()})
        yield


@pytest.fixture(scope="session")
def sandboxes() -> Iterator[Sandboxes]:
    """Those of all providers; each test pays at them anew."""
    with sandboxes_of(PLUGINS) as started:
        yield started


@pytest.fixture
def app(database: str, sandboxes: Sandboxes) -> Iterator[Flask]:
    """The shop with fourteen orders. 1001 is of one product, paid with Mollie; 1002 of two, with Stripe; 1004 of one,
    by invoice; 1005 was never sent; 1007 is of one, with Stripe; 1008 of two, with PayPal."""
    app = create_app(
        database,
        password=PASSWORD,
        secret_key="only of this test",
        settings=sandboxes.settings,
        sandboxes=sandboxes,
        https=False,
    )
    app.testing = True
    shop: RunningShop = app.extensions["webshop"]
    fill(shop.engine, sandboxes.pay, orders=14)
    yield app
    with shop.engine.begin() as connection:
        for table in reversed(tables.metadata.sorted_tables):  # faster than making them anew for the next test
            connection.execute(table.delete())
    shop.engine.dispose()


@pytest.fixture
def shop(app: Flask) -> RunningShop:
    """What the shop is made of."""
    running: RunningShop = app.extensions["webshop"]
    return running


@pytest.fixture
def merchant(app: Flask) -> ShopBrowser:
    """The merchant's browser."""
    browser = ShopBrowser(app)
    assert browser.log_in(PASSWORD).path == "/attention"
    return browser
