"""The providers on this machine: every plugin's sandbox, the webhooks that they send, and the worker of the desk."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from http.client import HTTPException
from typing import Any, cast

import attrs
from sqlalchemy import Engine, event

from retour import MemoryShop, Mode, Money, PluginStatus, RetourError, ReturnDesk
from retour.sandbox import HasDashboard, PaymentSandbox, SandboxClock, ShippingSandbox, sandbox_at, send_webhook

log = logging.getLogger("webshop")

PAUSE = 0.5
"""Seconds between two looks for webhooks and for work."""


class NoSandbox(Exception):
    """A plugin cannot be played on this machine: which, and why."""


@attrs.frozen(kw_only=True)
class Told:
    """A webhook that a ``provider`` sends to the address of its account of a ``mode``."""

    provider: str
    mode: Mode
    headers: Mapping[str, str]
    body: bytes = attrs.field(repr=False)


@attrs.frozen
class Sandboxes:
    """The sandboxes, by provider, while they run, and the one clock of them all, which is the shop's too."""

    running: Mapping[str, PaymentSandbox | ShippingSandbox]
    clock: SandboxClock

    @property
    def settings(self) -> Mapping[str, Mapping[str, object]]:
        """The settings of an account at each."""
        return {name: sandbox.settings for name, sandbox in self.running.items()}

    def pay(self, provider: str, amount: Money) -> str:
        """A customer pays; gives what the provider calls the payment."""
        sandbox = self.payment(provider)
        return sandbox.pay(amount)

    def set_clock(self, engine: Engine) -> None:
        """Let the shop's database tell the time of the sandboxes. Only SQLite lets somebody else tell it the time."""
        if engine.dialect.name == "sqlite":
            event.listen(engine, "connect", lambda connection, _: self.clock.tell_sqlite(connection))

    @property
    def of_payments(self) -> Sequence[str]:
        """The providers that customers can pay at."""
        return [name for name, sandbox in self.running.items() if not isinstance(sandbox, ShippingSandbox)]

    @property
    def dashboards(self) -> Mapping[str, str]:
        """Where each provider's dashboard is, by the provider."""
        return {name: one.dashboard_url for name, one in self.running.items() if isinstance(one, HasDashboard)}

    def page(self, provider: str, reference: str) -> str:
        """A payment in its provider's dashboard; empty for one that none of them took."""
        sandbox = self.running.get(provider)
        return sandbox.dashboard_page(reference) if isinstance(sandbox, HasDashboard) else ""

    def payment(self, provider: str) -> PaymentSandbox:
        """The sandbox of a payment provider."""
        return cast("PaymentSandbox", self.running[provider])

    def shipping(self, provider: str) -> ShippingSandbox:
        """The sandbox of a shipping provider."""
        return cast("ShippingSandbox", self.running[provider])

    def take_webhooks(self) -> Iterator[Told]:
        """What each of them has to tell that nobody took yet, one provider after the other."""
        for name, sandbox in self.running.items():
            mode = Mode.LIVE if isinstance(sandbox, ShippingSandbox) else Mode.TEST
            for one in sandbox.take_webhooks():
                yield Told(provider=name, mode=mode, headers=one.headers, body=one.body)


@contextmanager
def sandboxes_of(plugins: Sequence[str]) -> Iterator[Sandboxes]:
    """Every sandbox of these plugins on a free port of this machine, until the end of ``with``. Raises `NoSandbox`."""
    clock = SandboxClock.of_shop()
    with ExitStack() as running:
        started: dict[str, Any] = {}
        # A desk knows what is in a plugin; this one has no settings yet, since the sandboxes tell them.
        desk = ReturnDesk(shop=MemoryShop(), store="sqlite://", plugins=plugins, settings=lambda _: {})
        running.callback(desk.close)
        for plugin in desk.plugins:
            if plugin.status is not PluginStatus.LOADED:
                raise NoSandbox(f"plugin {plugin.name}: {plugin.reason}")
            providers: tuple[Any, ...] = (*plugin.payment_providers, *plugin.shipping_providers)
            for provider in providers:
                started[provider.name] = running.enter_context(_kind(provider)(clock=clock))
        yield Sandboxes(started, clock)


@contextmanager
def in_the_background(work: Callable[[], object], sandboxes: Sandboxes, address: str) -> Iterator[None]:
    """Do the ``work`` of a shop and bring it, at ``address``, the webhooks of the sandboxes, until the end of
    ``with``."""
    stop = threading.Event()
    threads = [
        threading.Thread(target=_until, args=(stop, lambda: _try(work)), name="worker"),
        threading.Thread(target=_until, args=(stop, lambda: _deliver(sandboxes, address)), name="webhooks"),
    ]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        stop.set()
        for thread in threads:
            thread.join()


def _kind(provider: Any) -> type[Any]:
    where = getattr(provider, "sandbox", "")
    if not where:
        raise NoSandbox(f"provider {provider.name} has no sandbox: its class names one as sandbox, module:Class")
    try:
        return sandbox_at(where)
    except ImportError as error:
        raise NoSandbox(f"provider {provider.name}: {error}") from error


def _until(stop: threading.Event, round_: Any) -> None:
    while not stop.wait(PAUSE):
        round_()


def _try(work: Callable[[], object]) -> None:
    try:
        work()
    except RetourError as error:
        log.error("%s", error)


def _deliver(sandboxes: Sandboxes, address: str) -> None:
    for one in sandboxes.take_webhooks():
        try:
            status = send_webhook(f"{address}/webhooks/{one.provider}/default/{one.mode.value}", one.headers, one.body)
        except (OSError, HTTPException) as error:
            log.error("a webhook of %s could not be brought: %s", one.provider, error)
            continue
        if status != 200:
            log.warning("a webhook of %s was answered with %s", one.provider, status)
