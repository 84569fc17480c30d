"""`retour demo`: real orders in, the whole flow of a return out."""

from __future__ import annotations

import datetime
import shlex
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

import attrs
import click
from rich.console import Console
from sqlalchemy import event

from retour.cli.ask import Person
from retour.cli.closing_table import ClosingTable
from retour.cli.database_command import address, opened
from retour.cli.demo_cases import CASES, DemoCase, deal
from retour.cli.demo_flow import DemoFlow, Result
from retour.cli.demo_parcels import RETURNS_TO
from retour.cli.demo_providers import Providers
from retour.cli.language import AGAIN, LANGUAGE, default_language, language_option
from retour.cli.orders_faults import OrdersRead, invalid, unusable
from retour.cli.orders_file import ZONE, bundled_orders, read_orders
from retour.cli.orders_records import named_columns
from retour.cli.program import as_called
from retour.cli.progress import counted
from retour.cli.sandbox_command import AnySandbox, NoSandbox, sandbox_of
from retour.cli.screen import Screen
from retour.cli.terminal import Terminal
from retour.cli.words import text, texts
from retour.desk import ReturnDesk
from retour.model.order import Order
from retour.model.text import Text
from retour.plugins.registry import Plugin, PluginStatus, load
from retour.providers.contract import PaymentProvider, ShippingProvider
from retour.shop import MemoryShop

SHOP = "demo"
"""The demo's shop in the store."""

SETTINGS: Mapping[str, Mapping[str, str]] = {
    "mollie": {"api_key": "test_demo0000000000000000000000000"},
    "stripe": {"api_key": "sk_test_demo"},
    "paypal": {"client_id": "demo", "client_secret": "demo", "environment": "sandbox"},
    "manual_transfer": {},
    "sendcloud": {"brand": "voorbeeldwinkel"},
}
"""The plugins of the demo, with settings that reach nobody's account, for those that have no sandbox here."""

DASHBOARDS = "sandbox --open"
"""What `retour` is given to show the dashboards of the sandboxes in a browser."""

BAR_FROM = 20
"""With more orders than this beyond those that are shown, a progress bar shows them."""


@click.command(name="demo")
@click.option(
    "--orders",
    "path",
    metavar="FILE",
    help="Orders of your own, .json or .csv (docs/orders-file.md). Default: the orders that come with retour.",
)
@click.option(
    "--columns",
    metavar="OURS=THEIRS,…",
    help="What a .csv file calls the columns: InvoiceNo=Factuur,UnitPrice=Prijs. Others are then passed over.",
)
@click.option("--db", "url", metavar="URL", help="The database. Default: a new SQLite file in the temporary folder.")
@language_option
@click.option("--ask", is_flag=True, help="Answer the question about the stock yourself, for each order that is shown.")
@click.option("--skip-bad", is_flag=True, help="Leave out orders with faults instead of stopping.")
@click.pass_context
def command(
    ctx: click.Context,
    path: str | None,
    columns: str | None,
    url: str | None,
    lang: str | None,
    ask: bool,
    skip_bad: bool,
) -> None:
    """Take real orders through the flow of a return, and show every step.

    Each order runs one case: one product, several products with OK or Cancel, per product, in parts, each payment
    method, each way of sending. The money goes back through the providers' sandboxes, which run on this computer
    while the demo does: nothing leaves it and no money moves. The first order of each case is shown; a table with all
    cases closes.
    """
    language = lang or default_language()
    ctx.meta[LANGUAGE] = language
    plugins = load(list(SETTINGS)).plugins
    read = _read(path, plugins, columns, skip_bad=skip_bad)
    with opened(url or _new_file()) as engine, Providers(kinds=_sandboxes(plugins)) as providers:
        if url is None:  # nobody else uses it, so that it can tell the time of the demo
            event.listen(engine, "connect", lambda connection, _: providers.clock.tell_sqlite(connection))
        providers.pay(read.orders)
        providers.ship(read.orders)
        desk = ReturnDesk(
            shop=MemoryShop(read.orders),
            store=engine,
            plugins=list(SETTINGS),
            settings=_settings(plugins, read.orders, providers),
            shop_id=SHOP,
            return_address=RETURNS_TO,
            zone=str(ZONE),
            migrate=True,
            clock=providers.clock.now,
        )
        console = Console(highlight=False, emoji=False, markup=False)
        terminal = Terminal(console=console, language=language)
        screen = Screen(
            terminal=terminal,
            zone=ZONE,
            now=providers.clock.now(),
        )
        ctx.meta[AGAIN] = again = _again(path, address(engine), lang, columns, skip_bad=skip_bad)
        _introduce(screen, address(engine), path, read, desk.plugins)
        person = Person(console=console, language=language, again=again) if ask else None
        results, nothing = _run(screen, DemoFlow(desk=desk, providers=providers), read.orders, person)
        table = ClosingTable(terminal=terminal)
        table.show(results, nothing, providers.labels())
        terminal.command(
            text("Refund, dispute and send parcels yourself, in the providers' dashboards:"),
            f"{as_called()} {DASHBOARDS}",
        )
        terminal.command(text("Again, on the same database:"), again)
    stopped = sum(one.problem is not None for several in results.values() for one in several)
    if stopped:
        words = texts(
            "{count} order has a problem; the table says which.",
            "{count} orders have a problem; the table says which.",
            stopped,
        )
        click.echo(words.render(language), err=True)
        ctx.exit(2)


def _sandboxes(plugins: Mapping[str, Plugin]) -> dict[str, type[AnySandbox]]:
    """The sandboxes of the plugins that are loaded. One that cannot be imported is named, and the demo goes on."""
    found: dict[str, type[AnySandbox]] = {}
    for provider in _providers(plugins.values()):
        try:
            found[provider.name] = sandbox_of(provider)
        except NoSandbox as error:
            click.echo(str(error), err=True)
    return found


def _settings(
    plugins: Mapping[str, Plugin], orders: Sequence[Order], providers: Providers
) -> dict[str, Mapping[str, object]]:
    """Settings for the plugins that are loaded, and for each account that a payment names."""
    known: dict[str, Mapping[str, object]] = {
        name: {**SETTINGS[name], **providers.settings(name)}
        for name, plugin in plugins.items()
        if plugin.status is PluginStatus.LOADED
    }
    accounts = {(payment.provider, payment.account) for order in orders for payment in order.payments}
    return known | {
        f"{provider}:{account}": known[provider]
        for provider, account in sorted(accounts)
        if provider in known and account != "default"
    }


def _read(path: str | None, plugins: Mapping[str, Plugin], columns: str | None, *, skip_bad: bool) -> OrdersRead:
    """The orders to run; raises `InvalidOrdersFile` with all faults unless the bad ones are to be skipped."""
    if path is None:
        if columns is not None:
            raise unusable("--columns", text("Name the file as well: --orders FILE."))
        return _as_of_last_week(bundled_orders())
    loaded = [provider.name for plugin in plugins.values() for provider in plugin.payment_providers]
    read = read_orders(path, loaded, None if columns is None else named_columns(columns))
    if read.faults and not skip_bad:
        raise invalid(path, read.faults)
    if not read.orders:
        raise unusable(path, text("No order in the file can be used."))
    return read


def _as_of_last_week(read: OrdersRead) -> OrdersRead:
    """The bundled orders, moved by whole days so that the newest was placed a week ago."""
    newest = max(order.placed_at for order in read.orders if order.placed_at is not None)
    days = (datetime.datetime.now(ZONE).date() - newest.date()).days - 7
    move = datetime.timedelta(days=days)
    return attrs.evolve(read, orders=tuple([_moved(order, move) for order in read.orders]))


def _moved(order: Order, by: datetime.timedelta) -> Order:
    return attrs.evolve(
        order,
        placed_at=order.placed_at and order.placed_at + by,
        payments=tuple(
            [attrs.evolve(payment, paid_at=payment.paid_at and payment.paid_at + by) for payment in order.payments]
        ),
    )


def _new_file() -> str:
    """The address of a new SQLite file in the temporary folder."""
    stamp = datetime.datetime.now(ZONE).strftime("%Y%m%d-%H%M%S")
    with tempfile.NamedTemporaryFile(prefix=f"retour-demo-{stamp}-", suffix=".db", delete=False) as made:
        return f"sqlite:///{Path(made.name).as_posix()}"


def _again(path: str | None, url: str, lang: str | None, columns: str | None, *, skip_bad: bool) -> str:
    """The command that runs the same orders on the same database."""
    parts = [f"{as_called()} demo"]
    if path is not None:
        parts.append(f"--orders {shlex.quote(path)}")
    if columns is not None:
        parts.append(f"--columns {shlex.quote(columns)}")
    if skip_bad:
        parts.append("--skip-bad")
    if lang is not None:
        parts.append(f"--lang {lang}")
    return " ".join([*parts, f"--db {shlex.quote(url)}"])


def _providers(plugins: Iterable[Plugin]) -> list[type[PaymentProvider] | type[ShippingProvider]]:
    found: list[type[PaymentProvider] | type[ShippingProvider]] = []
    for plugin in plugins:
        found += [*plugin.payment_providers, *plugin.shipping_providers]
    return found


def _introduce(screen: Screen, url: str, path: str | None, read: OrdersRead, plugins: Sequence[Plugin]) -> None:
    """What runs, where it is kept, and what is missing."""
    terminal = screen.terminal
    terminal.line(text("Returns of {source}, as the merchant sees them.", source=_source(path)), style="bold")
    terminal.line(text("Database: {db}", db=url))
    for plugin in plugins:
        if plugin.status is not PluginStatus.LOADED:
            terminal.line(
                text("Without plugin {name}: {reason}", name=plugin.name, reason=plugin.reason), style="yellow"
            )
    if read.cancellations:
        terminal.line(
            texts(
                "{count} document is a cancellation (its number begins with C), no order.",
                "{count} documents are cancellations (their numbers begin with C), no orders.",
                read.cancellations,
            )
        )
    for note in read.notes:
        terminal.line(note)
    for order in read.orders:
        for why in order.odd_lines().values():
            terminal.line(text("Order {order}, {odd}.", order=order.id, odd=why.words), style="yellow")
    if read.faults:
        screen.left_out(read.faults, read.bad_orders)


def _source(path: str | None) -> Text | str:
    return path if path is not None else text("the orders that come with retour")


def _run(
    screen: Screen, quiet: DemoFlow, orders: Sequence[Order], person: Person | None
) -> tuple[dict[str, list[Result]], list[Order]]:
    """Every order through its case: the first of each is shown, the others run behind a progress bar."""
    dealt, nothing = deal(orders)
    shown = attrs.evolve(quiet, ask=person)
    results = {case.name: [shown.run(case, order, screen) for order in dealt[case.name][:1]] for case in CASES}
    rest = [(case, order) for case in CASES for order in dealt[case.name][1:]]
    for case, order in _with_bar(screen, rest):
        results[case.name].append(quiet.run(case, order))
    return results, nothing


def _with_bar(screen: Screen, rest: Sequence[tuple[DemoCase, Order]]) -> Iterator[tuple[DemoCase, Order]]:
    """The other orders, and how many of them are done when they are many."""
    if not rest:
        return
    words = texts("and {count} more order", "and {count} more orders", len(rest)).render(screen.terminal.language)
    screen.terminal.console.print()
    if len(rest) <= BAR_FROM:
        screen.terminal.console.print(f"… {words}")
        yield from rest
        return
    if not screen.terminal.console.is_terminal:
        screen.terminal.console.print(f"… {words}")
    yield from counted(rest, words, screen.terminal.console, screen.terminal.language)
