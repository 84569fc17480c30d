"""`retour sandbox`: payment and shipping providers on this machine, for a shop that is being built, until they are
stopped."""

from __future__ import annotations

import json
import os
import queue
import signal
import sys
import threading
import webbrowser
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, redirect_stdout, suppress
from http.client import HTTPException
from types import FrameType
from typing import Any
from urllib.parse import urlsplit

import attrs
import click
from rich import box
from rich.console import Console
from rich.table import Table

from retour.cli.dashboard import Dashboard, NotUnderstood
from retour.cli.language import LANGUAGE, default_language, language_option
from retour.cli.named_desk import SIGNALS
from retour.cli.words import text, texts
from retour.model.errors import RetourError
from retour.model.money import Money
from retour.model.text import Text
from retour.plugins.registry import Plugin, PluginStatus, installed_plugins, load
from retour.providers.addresses import LOOPBACK
from retour.providers.contract import PaymentProvider, ShippingProvider
from retour.sandbox import (
    HasDashboard,
    HasPortal,
    PaymentSandbox,
    SandboxClock,
    SandboxWebhook,
    ShippingSandbox,
    sandbox_at,
    send_webhook,
)

EXAMPLE = Money.of("44.95", "EUR")
"""The payment that is there from the start at each sandbox of a payment provider."""

EXAMPLE_ORDER, EXAMPLE_POSTAL_CODE = "1001", "1012 LM"
"""The parcel to a customer that is there from the start at each sandbox with a return portal."""

AnySandbox = PaymentSandbox | ShippingSandbox

_TRIES = 30
"""How often a webhook is sent that nobody takes; Stripe's signatures are too old after five minutes anyway."""

_PAUSE = 5.0
"""Seconds between two tries."""


class NoSandbox(RetourError):
    """A sandbox that cannot be run: why, and what to do about it."""


@click.command(name="sandbox")
@click.argument("names", nargs=-1, metavar="[PLUGIN]...")
@click.option(
    "--port",
    type=click.IntRange(1, 65535),
    metavar="PORT",
    help="The port of the first sandbox; the others have the ports after it. Default: free ports.",
)
@click.option(
    "--webhooks",
    "hook",
    metavar="URL",
    help="Where your shop takes webhooks on this machine; {provider} in it becomes the provider's name.",
)
@click.option(
    "--open",
    "open_dashboards",
    is_flag=True,
    help="Open the dashboards in the browser.",
)
@click.option(
    "--json",
    "as_json",
    is_flag=True,
    help="Machine-readable: one line of JSON, by the provider's name. All else goes to stderr.",
)
@language_option
@click.pass_context
def command(
    ctx: click.Context,
    names: tuple[str, ...],
    port: int | None,
    hook: str | None,
    open_dashboards: bool,
    as_json: bool,
    lang: str | None,
) -> None:
    """Run payment and shipping providers on this machine, to build a shop without an account: all that are installed,
    or PLUGINs.

    Each begins with one payment that can be refunded, or one parcel that can come back. Each has a dashboard for your
    browser, to pay, refund or dispute, to move a parcel, or to let days pass; or type that here, help shows how. Ctrl-C
    or SIGTERM stops them, and everything in them is gone."""
    language = lang or default_language()
    ctx.meta[LANGUAGE] = language
    _check_hook(hook)
    console = Console(highlight=False, emoji=False, markup=False, stderr=as_json)
    with ExitStack() as running, _lines() as lines:
        sandboxes = _started(running, sandboxes_of(names), port)
        examples = {name: _example(sandbox) for name, sandbox in sandboxes.items()}
        if as_json:
            click.echo(json.dumps(_as_data(sandboxes, examples)))
        else:
            _introduce(console, language, sandboxes, examples, hook)
        if open_dashboards:
            _open(sandboxes)
        if hook is not None:
            running.enter_context(_Sender(console=console, language=language, hook=hook, sandboxes=sandboxes))
        _obey(lines, Dashboard(sandboxes=sandboxes), console, language)
    console.print(text("The sandboxes have stopped.").render(language))


# --- which there are, and starting them -------------------------------------------------------------------


def sandboxes_of(names: Sequence[str]) -> dict[str, type[AnySandbox]]:
    """The sandboxes of the plugins with these names, by the provider's name; of all that have one, if none is named.

    Raises `NoSandbox` for a plugin that is not installed, is broken or has none, and where there is none at all.
    """
    with redirect_stdout(sys.stderr):  # what a plugin prints while it is imported is no part of our output
        installed = sorted(installed_plugins())
        found: dict[str, type[AnySandbox]] = {}
        for name in dict.fromkeys(names) or installed:
            if name not in installed:
                raise NoSandbox(
                    text(
                        "No plugin {name} is installed. Installed are: {installed}",
                        name=name,
                        installed=list(installed) or [text("none")],
                    )
                )
            plugin = load([name]).plugins[name]
            try:
                mine = [one for one in _providers(plugin) if hasattr(one, "sandbox")]
                found |= {provider.name: sandbox_of(provider) for provider in mine}
            except NoSandbox as error:
                if names:
                    raise
                click.echo(str(error), err=True)  # one broken plugin does not stop the others
            else:
                if names and not mine:
                    raise NoSandbox(_why_none(plugin))
    if not found:
        raise NoSandbox(text("No installed plugin has a sandbox. Start with: pip install retour-mollie"))
    return found


def sandbox_of(provider: type[PaymentProvider] | type[ShippingProvider]) -> type[Any]:
    """The sandbox that a provider class names. Raises `NoSandbox` where it names none or it cannot be imported."""
    where = getattr(provider, "sandbox", None)
    if not isinstance(where, str):
        raise NoSandbox(text("{provider} has no sandbox.", provider=provider.name))
    try:
        return sandbox_at(where)
    except (Exception, SystemExit) as error:
        raise NoSandbox(
            text(
                "{provider}'s sandbox cannot be imported: {error}",
                provider=provider.name,
                error=f"{type(error).__name__}: {error}",
            )
        ) from error


def _why_none(plugin: Plugin) -> Text:
    if plugin.status is not PluginStatus.LOADED:
        return text("Plugin {name} is broken: {reason}", name=plugin.name, reason=plugin.reason)
    if not _providers(plugin):
        return text("Plugin {name} has no provider, so it has no sandbox.", name=plugin.name)
    return text("Plugin {name} has no sandbox.", name=plugin.name)


def _providers(plugin: Plugin) -> Sequence[type[PaymentProvider] | type[ShippingProvider]]:
    return [*plugin.payment_providers, *plugin.shipping_providers]


def _started(running: ExitStack, kinds: Mapping[str, type[AnySandbox]], first: int | None) -> dict[str, AnySandbox]:
    """The sandboxes, each on its port, with one clock that runs: a shop outside lives by the wall clock."""
    started: dict[str, AnySandbox] = {}
    clock = SandboxClock(runs=True, counts=text("at all sandboxes that were started together, and not in your shop"))
    for number, (name, kind) in enumerate(kinds.items()):
        port = 0 if first is None else first + number
        try:
            made: Any = kind(clock=clock, port=port)
            started[name] = running.enter_context(made)
        except (OSError, OverflowError) as error:
            reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
            raise NoSandbox(
                text(
                    "{provider}'s sandbox cannot have port {port}: {reason}. "
                    "Choose another with --port, or leave it out to get free ports.",
                    provider=name,
                    port=port,
                    reason=reason,
                )
            ) from error
    return started


def _check_hook(hook: str | None) -> None:
    """Raise `NoSandbox` for an address that a sandbox does not send to."""
    if hook is None:
        return
    try:
        target = urlsplit(hook.replace("{provider}", "provider"))
        on_this_machine = target.scheme == "http" and target.hostname in LOOPBACK and target.port != 0
    except ValueError:
        on_this_machine = False
    if not on_this_machine:
        raise NoSandbox(
            text(
                "Webhooks go to this machine only, as in {example}, and not to {url}.",
                example="http://127.0.0.1:8000/webhooks/{provider}",
                url=hook,
            )
        )


# --- what is shown -----------------------------------------------------------------------------------------


def _example(sandbox: AnySandbox) -> str:
    """What is there from the start, by its name: a payment, or the tracking number of a parcel; empty for nothing."""
    if not isinstance(sandbox, ShippingSandbox):
        return sandbox.pay(EXAMPLE)
    return sandbox.send(EXAMPLE_ORDER, postal_code=EXAMPLE_POSTAL_CODE) if isinstance(sandbox, HasPortal) else ""


def _as_data(sandboxes: Mapping[str, AnySandbox], examples: Mapping[str, str]) -> dict[str, object]:
    dashboards = _dashboards(sandboxes)
    return {
        name: {
            "url": sandbox.url,
            "settings": dict(sandbox.settings),
            **({"dashboard": dashboards[name]} if name in dashboards else {}),
            **_example_as_data(sandbox, examples[name]),
        }
        for name, sandbox in sandboxes.items()
    }


def _example_as_data(sandbox: AnySandbox, example: str) -> dict[str, object]:
    if not isinstance(sandbox, ShippingSandbox):
        return {"payment": {"reference": example, "amount": str(EXAMPLE.decimal), "currency": EXAMPLE.currency}}
    parcel = {"tracking_number": example, "order_id": EXAMPLE_ORDER, "postal_code": EXAMPLE_POSTAL_CODE}
    return {"parcel": parcel} if example else {}


def _introduce(
    console: Console,
    language: str,
    sandboxes: Mapping[str, AnySandbox],
    examples: Mapping[str, str],
    hook: str | None,
) -> None:
    def say(words: Text) -> None:
        console.print(words.render(language), soft_wrap=True)

    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False)
    for head in (text("provider"), text("address"), text("there from the start"), text("amount")):
        table.add_column(head.render(language), overflow="fold")
    amount = text("{amount}", amount=EXAMPLE).render(language)
    for name, sandbox in sandboxes.items():
        about_parcels = isinstance(sandbox, ShippingSandbox)
        table.add_row(name, sandbox.url, examples[name], "" if about_parcels else amount)
    console.print(table)
    console.print()
    dashboards = _dashboards(sandboxes)
    if dashboards:
        say(text("Dashboards for your browser, to refund, dispute, move parcels and let days pass:"))
        for address in dashboards.values():
            console.print(f"  {address}", soft_wrap=True)
        console.print()
    say(text("The settings of your desk, with payments in test mode:"))
    settings = {name: dict(sandbox.settings) for name, sandbox in sandboxes.items()}
    console.print(f"settings = {json.dumps(settings, indent=4)}", soft_wrap=True)
    console.print()
    if hook is not None:
        say(text("Webhooks go to {url}.", url=hook))
    say(text("Type a command, or help. Ctrl-C stops the sandboxes, and everything in them is gone."))


def _dashboards(sandboxes: Mapping[str, AnySandbox]) -> dict[str, str]:
    """The addresses of the dashboards, by the provider's name; one of a sandbox with books of its own may have none."""
    return {name: one.dashboard_url for name, one in sandboxes.items() if isinstance(one, HasDashboard)}


def _open(sandboxes: Mapping[str, AnySandbox]) -> None:
    for address in _dashboards(sandboxes).values():
        webbrowser.open(address)


# --- obeying -----------------------------------------------------------------------------------------------


def _obey(lines: queue.SimpleQueue[str | None], dashboard: Dashboard, console: Console, language: str) -> None:
    """Do what each line says, until there is a None."""
    while True:
        try:
            line = lines.get(timeout=0.5)  # with an end, so that a signal gets its turn on every system
        except queue.Empty:
            continue
        if line is None:
            return
        try:
            answer = dashboard.do(line)
        except NotUnderstood as error:
            answer = [error.message]
        for words in answer:
            console.print(words if isinstance(words, str) else words.render(language), soft_wrap=True)


@contextmanager
def _lines() -> Iterator[queue.SimpleQueue[str | None]]:
    """The lines that are typed; None is a stop, by a signal or by the end of what a person types.

    A second signal has its usual effect. The end of a file is no stop: the sandboxes can run without a terminal.
    """
    lines: queue.SimpleQueue[str | None] = queue.SimpleQueue()

    def stop(_: int, __: FrameType | None) -> None:
        for one in SIGNALS:
            signal.signal(one, signal.SIG_DFL)
        lines.put(None)

    before = {one: signal.signal(one, stop) for one in SIGNALS}
    threading.Thread(target=_read, args=(lines,), daemon=True).start()
    try:
        yield lines
    finally:
        for one, handler in before.items():
            signal.signal(one, signal.SIG_DFL if handler is None else handler)


def _read(lines: queue.SimpleQueue[str | None]) -> None:
    """Read the input by its descriptor: a thread that waits in `sys.stdin` itself would break the end of Python."""
    with suppress(OSError, ValueError):
        number = sys.stdin.fileno()
        rest = b""
        while piece := os.read(number, 4096):
            *whole, rest = (rest + piece).split(b"\n")
            for line in whole:
                lines.put(line.decode(errors="replace"))
        if rest:
            lines.put(rest.decode(errors="replace"))
        if os.isatty(number):
            lines.put(None)


# --- webhooks ----------------------------------------------------------------------------------------------


@attrs.define(kw_only=True)
class _Sender:
    """Sends the webhooks of all sandboxes in the order in which they were made, and again until somebody takes them."""

    console: Console
    language: str
    hook: str
    sandboxes: Mapping[str, AnySandbox]
    _stopped: threading.Event = attrs.field(factory=threading.Event)
    _threads: list[threading.Thread] = attrs.field(factory=list)

    def __enter__(self) -> _Sender:
        for name, sandbox in self.sandboxes.items():
            self._threads.append(threading.Thread(target=self._send_all, args=(name, sandbox), daemon=True))
            self._threads[-1].start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopped.set()
        for thread in self._threads:
            thread.join(timeout=1)

    def _send_all(self, name: str, sandbox: AnySandbox) -> None:
        while not self._stopped.wait(0.2):
            for webhook in sandbox.take_webhooks():
                if not self._stopped.is_set():
                    self._send(name, webhook)

    def _send(self, name: str, webhook: SandboxWebhook) -> None:
        url = self.hook.replace("{provider}", name)
        for tries in range(1, _TRIES + 1):
            try:
                status = send_webhook(url, webhook.headers, webhook.body)
                taken, answer = 200 <= status < 300, str(status)
            except (OSError, HTTPException) as error:
                taken, answer = False, f"{type(error).__name__}: {error}"
            if taken:
                self._say(text("{provider}: webhook to {url}, answer {answer}", provider=name, url=url, answer=answer))
                return
            if tries == 1:
                self._say(
                    text(
                        "{provider}: webhook to {url} was not taken ({answer}), and is sent again",
                        provider=name,
                        url=url,
                        answer=answer,
                    )
                )
            if self._stopped.wait(_PAUSE):
                return
        self._say(
            texts(
                "{provider}: webhook to {url} given up after {count} try",
                "{provider}: webhook to {url} given up after {count} tries",
                _TRIES,
                provider=name,
                url=url,
            )
        )

    def _say(self, words: Text) -> None:
        self.console.print(words.render(self.language), soft_wrap=True)
