"""A host's module for `retour worker`, in a folder with ``host.json``: one of its orders ends every process.

``host.json`` has the ``store``, Stripe's ``settings``, the ``orders`` (id: payment), the ``poisoned`` one, ``where`` it
happens and ``how``.
"""

from __future__ import annotations

import json
import os
import signal
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from retour import MemoryShop, Mode, Order, ReturnDesk, hookimpl
from retour.cli import main as retour
from retour.testing import a_line, a_payment, an_order

LISTENING, SENDING = "a plugin that hears of it", "the provider's plugin that sends it"


class Quiet:
    """The plugin that hears of refunds, in the host's web server: there it does nothing."""

    name = "listening"

    @hookimpl
    def on_refund_changed(self) -> None:
        pass


class OwnEnd(BaseException):
    """What a plugin calls its own end."""


def _raise() -> None:
    raise OwnEnd


ENDS: Mapping[str, Callable[[], object]] = {
    "os._exit": lambda: os._exit(1),
    "a kill": lambda: os.kill(os.getpid(), signal.SIGKILL),
    "a BaseException": _raise,
    "nothing, for ever": threading.Event().wait,
}

LONGEST = {"nothing, for ever": 3.0}
"""Seconds until the worker ends itself, where nothing else does."""


def a_desk(told: Mapping[str, Any], *plugins: object) -> ReturnDesk:
    """The desk of a shop with these orders, each of EUR 10.00 and paid at Stripe. It leaves all to the worker."""
    orders = [
        an_order(
            a_line("cup", 1, "10.00"),
            order_id=order_id,
            payments=[a_payment("10.00", provider="stripe", reference=reference, mode=Mode.TEST)],
        )
        for order_id, reference in told["orders"].items()
    ]
    return ReturnDesk(
        shop=MemoryShop(orders),
        store=told["store"],
        plugins=["stripe", *plugins],
        settings={"stripe": told["settings"]},
        migrate=True,
        inline_seconds=0,
    )


def desk() -> ReturnDesk:
    """The worker's, which the poisoned order ends."""
    told = json.loads(Path("host.json").read_text())
    poisoned, end = told["poisoned"], ENDS[told["how"]]

    class Listening:
        name = "listening"

        @hookimpl
        def on_refund_changed(self, order: Order) -> None:
            if told["where"] == LISTENING and order.id == poisoned:
                end()

    made = a_desk(told, Listening())
    kind: Any = made._services.registry.payment["stripe"][0]
    send = kind.refund

    def refund(self: Any, request: Any) -> Any:
        if told["where"] == SENDING and request.order_id == poisoned:
            end()
        return send(self, request)

    kind.refund = refund
    return made


def work_in(folder: Path) -> None:
    """Be `retour worker` in a host's folder."""
    os.chdir(folder)
    longest = LONGEST.get(json.loads(Path("host.json").read_text())["how"], 120)
    retour(["worker", "--desk", "crash.poisoned_host:desk", "--once", "--longest", str(longest)], prog_name="retour")
