"""A worker's process that is suspended while it sends a refund, as a paused container or a swapped-out process is."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import database_clock
import urllib3.util.connection
from crash.campaign.clock import CampaignClock
from urllib3.connection import HTTPConnection

from retour import MemoryShop, Mode, ReturnDesk
from retour.testing import a_line, a_payment, an_order


def a_desk(
    database: str, provider: str, reference: str, settings: dict[str, object], clock: CampaignClock
) -> ReturnDesk:
    """The desk of a shop with one order of EUR 40.00, paid by ``reference`` at ``provider``, on a ``clock`` that all
    share: the process, the database, the provider, and what elapses."""
    database_clock.install()
    database_clock.tell(clock.now)
    payment = a_payment("40.00", provider=provider, reference=reference, mode=Mode.TEST)
    return ReturnDesk(
        shop=MemoryShop([an_order(a_line("cup", 2, "40.00"), payments=[payment])]),
        store=database,
        plugins=[provider],
        settings={provider: settings},
        migrate=True,
        clock=clock.now,
        elapsed=clock.elapsed,
        inline_seconds=0,
    )


def suspended_once(connect: Callable[..., Any], *, before: bool) -> Callable[..., Any]:
    """``connect``, which suspends this process the first time, ``before`` a connection stands or right after."""
    left = [1]

    def call(*arguments: Any, **more: Any) -> Any:
        first = bool(left) and bool(left.pop())
        if first and before:
            os.kill(os.getpid(), signal.SIGSTOP)
        connection = connect(*arguments, **more)
        if first and not before:
            os.kill(os.getpid(), signal.SIGSTOP)
        return connection

    return call


def suspended_before_the_body(send: Callable[..., Any]) -> Callable[..., Any]:
    """``send``, which suspends this process when the head of a write is out and its time was looked at for the last
    time: what it sends then, nobody can take back."""
    heads: list[object] = []

    def call(connection: Any, data: Any) -> None:
        if getattr(connection, "_writes", False):
            heads.append(data)
            if len(heads) == 2:
                os.kill(os.getpid(), signal.SIGSTOP)
        send(connection, data)

    return call


def work(
    database: str, provider: str, reference: str, settings: dict[str, object], clock_file: Path, moment: str | None
) -> None:
    """Do what is due, and be suspended at a moment of that, or at none."""
    desk = a_desk(database, provider, reference, settings, CampaignClock(clock_file))
    if moment == "too late to stop":
        HTTPConnection.send = suspended_before_the_body(HTTPConnection.send)  # type: ignore[method-assign]  # its process
    elif moment is not None:
        module: Any = urllib3.util.connection
        module.create_connection = suspended_once(module.create_connection, before=moment == "before")
    desk.work()
