"""A webshop on loopback with all sandboxes and the worker, as `make shop` runs it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import attrs
from werkzeug.serving import make_server

from retour import Actor, Refund
from retour.sandbox import BookedRefund, SandboxClock
from webshop import create_app
from webshop.application import PLUGINS
from webshop.housekeeping import keep_house
from webshop.past import live_through
from webshop.running import RunningShop
from webshop.sandboxes import Sandboxes, in_the_background, sandboxes_of
from webshop.seed import FIRST, fill

ORDERS = 120
"""So many that each test of a file finds one."""

ANNA = Actor.staff("anna")
PASSWORD = "open sesame"


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


@contextmanager
def serving(folder: Path, *, past: bool = False) -> Iterator[Served]:
    """A shop on a free port, until the end of ``with``; with the returns of the past weeks, as `make shop` runs it, or
    with none."""
    with sandboxes_of(PLUGINS) as sandboxes:
        app = create_app(
            f"sqlite:///{folder}/shop.db",
            password=PASSWORD,
            secret_key="of the browser's tests",
            settings=sandboxes.settings,
            sandboxes=sandboxes,
            https=False,
        )
        shop: RunningShop = app.extensions["webshop"]
        fill(shop.engine, sandboxes.pay, orders=ORDERS)
        if past:
            live_through(shop)
        server = make_server("127.0.0.1", 0, app, threaded=True)
        running = threading.Thread(target=server.serve_forever)
        running.start()
        address = f"http://127.0.0.1:{server.server_port}"
        try:
            with in_the_background(partial(keep_house, shop), sandboxes, address):
                yield Served(address=address, shop=shop, sandboxes=sandboxes, clock=sandboxes.clock)
        finally:
            server.shutdown()
            running.join()
            server.server_close()
            shop.engine.dispose()
