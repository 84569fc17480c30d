"""`retour plugins`: what is installed, what it can do, and why one does not work."""

from __future__ import annotations

import datetime
import json
import sys
from collections.abc import Sequence
from contextlib import redirect_stdout
from typing import Any

import attrs
import click
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text as Styled

from retour.cli.capability_matrix import show_matrix
from retour.cli.capability_words import declared_by, in_a_cell
from retour.cli.language import default_language
from retour.cli.named_desk import desk_at
from retour.cli.words import text
from retour.model.errors import PluginClash
from retour.model.text import Text
from retour.plugins.registry import Plugin, PluginStatus, installed_plugins, load
from retour.plugins.values_in_words import capability_name, in_words
from retour.providers.contract import PaymentProvider, ShippingProvider

_KINDS: dict[str, Text] = {
    "payment": text("payment"),
    "shipping": text("shipping"),
    "hooks": text("hooks"),
}


@click.command(name="plugins")
@click.option("--json", "as_json", is_flag=True, help="Machine-readable: a list of objects.")
@click.option("--matrix", is_flag=True, help="What every provider can do, side by side.")
@click.option(
    "--desk",
    "where",
    metavar="MODULE:NAME",
    help="The plugins of your ReturnDesk instead, with what is wrong with their settings.",
)
@click.option("--shop", metavar="ID", help="With --desk: the settings of this shop.")
def command(as_json: bool, matrix: bool, where: str | None, shop: str | None) -> None:
    """List the installed plugins, what they can do, and why one does not work.

    A broken plugin, or one with wrong settings, is a row with its reason; it does not stop the rest.
    """
    clash: PluginClash | None = None
    with redirect_stdout(sys.stderr):  # what a plugin prints while it is imported is no part of the list
        if where is not None:
            plugins = _of_desk(where, shop)
        else:
            plugins = [_loaded(name) for name in sorted(installed_plugins())]
            clash = _clash(plugins)
    if as_json:
        click.echo(json.dumps([_as_data(plugin) for plugin in plugins], indent=2, ensure_ascii=False, default=_as_json))
    elif matrix:
        show_matrix(plugins, default_language())
    else:
        _show(plugins)
    if clash is not None:
        click.echo(clash.text(default_language()), err=True)


def _of_desk(where: str, shop: str | None) -> list[Plugin]:
    desk = desk_at(where)
    try:
        return list((desk if shop is None else desk.for_shop(shop)).plugins)
    finally:
        desk.close()


def _loaded(name: str) -> Plugin:
    """One plugin, loaded by itself, so that it cannot stand in another's way."""
    return load([name]).plugins[name]


def _clash(plugins: Sequence[Plugin]) -> PluginClash | None:
    """Why not all of them can be in one desk, if they cannot."""
    try:
        load([plugin.name for plugin in plugins if plugin.status is PluginStatus.LOADED])
    except PluginClash as clash:
        return clash
    return None


def _kinds(plugin: Plugin) -> list[str]:
    kinds = []
    if plugin.payment_providers:
        kinds.append("payment")
    if plugin.shipping_providers:
        kinds.append("shipping")
    if set(plugin.hooks) - {"payment_providers", "shipping_providers"}:
        kinds.append("hooks")
    return kinds


def _providers(plugin: Plugin) -> list[type[PaymentProvider] | type[ShippingProvider]]:
    return [*plugin.payment_providers, *plugin.shipping_providers]


def _as_data(plugin: Plugin) -> dict[str, Any]:
    return {
        "name": plugin.name,
        "version": plugin.version,
        "distribution": plugin.distribution,
        "kinds": _kinds(plugin),
        "status": plugin.status.value,
        "reason": plugin.reason,
        "settings_faults": [str(fault) for fault in plugin.settings_faults],
        "providers_off": [
            {"name": off.name, "display_name": off.display_name, "api": off.api, "reason": str(off.reason)}
            for off in plugin.providers_off
        ],
        "hooks": list(plugin.hooks),
        "providers": [
            {
                "name": provider.name,
                "display_name": provider.display_name,
                "capabilities": declared_by(provider),
            }
            for provider in _providers(plugin)
        ],
    }


def _show(plugins: Sequence[Plugin]) -> None:
    language = default_language()
    console = Console(highlight=False)
    if not plugins:
        words = text("No plugins are installed. Start with: pip install retour-mollie")
        console.print(words.render(language), markup=False)
        return
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False)
    for head in (text("plugin"), text("kind"), text("can"), text("status")):
        table.add_column(head.render(language), overflow="fold")
    for plugin in plugins:
        table.add_row(
            _named(plugin),
            Styled("\n".join([_KINDS[kind].render(language) for kind in _kinds(plugin)])),
            Styled(plugin.reason or "\n".join(_what_is_wrong(plugin, language) or _abilities(plugin, language))),
            _status(plugin, language),
            end_section=True,
        )
    console.print(table)


def _named(plugin: Plugin) -> Styled:
    named = Styled(plugin.name, style="bold")
    if plugin.distribution:
        named.append(f"\n{plugin.distribution} {plugin.version}", style="not bold dim")
    return named


def _what_is_wrong(plugin: Plugin, language: str) -> list[str]:
    """What is off of a plugin that is loaded."""
    wrong = [*[off.reason for off in plugin.providers_off], *plugin.settings_faults]
    return [words.render(language) for words in wrong]


def _status(plugin: Plugin, language: str) -> Styled:
    works = plugin.status is PluginStatus.LOADED and not plugin.settings_faults and not plugin.providers_off
    words = in_words(plugin.status, language)
    if plugin.providers_off:
        words = text("another contract").render(language)
    elif plugin.settings_faults:
        words = text("wrong settings").render(language)
    return Styled(words, style="green" if works else "bold red")


def _abilities(plugin: Plugin, language: str) -> list[str]:
    """Every capability in words: ``refund page: yes``. For a plugin without a provider: its hooks."""
    found = []
    for provider in _providers(plugin):
        declared = declared_by(provider)
        unconfirmed = declared.pop("unconfirmed", ())
        for name, value in declared.items():
            words = in_a_cell(value, language)
            if words:
                mark = f" ({text('not confirmed').render(language)})" if name in unconfirmed else ""
                found.append(f"{capability_name(name, language)}: {words}{mark}")
    return found or [", ".join(plugin.hooks)]


def _as_json(value: Any) -> object:
    """What JSON itself cannot hold: a set as a list, a period as seconds, a value as an object."""
    if isinstance(value, frozenset):
        return sorted(value)
    if isinstance(value, datetime.timedelta):
        return value.total_seconds()
    return attrs.asdict(value, recurse=False) if attrs.has(type(value)) else str(value)
