"""What every provider can do, side by side: one table of those for payments, one of those for parcels."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import attrs
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text as Styled

from retour.cli.capability_words import declared_by, in_a_cell
from retour.cli.words import text
from retour.plugins.registry import Plugin, PluginStatus
from retour.plugins.values_in_words import capability_name
from retour.providers.capabilities import PaymentCapabilities, ShippingCapabilities


def show_matrix(plugins: Sequence[Plugin], language: str) -> None:
    """Print both tables; one of which there is no provider is left out."""
    loaded = [plugin for plugin in plugins if plugin.status is PluginStatus.LOADED]
    console = Console(highlight=False)
    kinds: tuple[tuple[Any, Any, list[type[Any]]], ...] = (
        (text("payment"), PaymentCapabilities, [one for plugin in loaded for one in plugin.payment_providers]),
        (text("shipping"), ShippingCapabilities, [one for plugin in loaded for one in plugin.shipping_providers]),
    )
    for title, capabilities, providers in kinds:
        if providers:
            console.print(_table(title.render(language), capabilities, providers, language))
    if any(providers for _, _, providers in kinds):
        words = text("?: no page of the provider confirms it")
        console.print(words.render(language), markup=False)


def _table(title: str, capabilities: type[Any], providers: Sequence[type[Any]], language: str) -> Table:
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False)
    table.add_column(title, overflow="fold")
    for provider in providers:
        table.add_column(provider.display_name, overflow="fold")
    declared = [declared_by(provider) for provider in providers]
    for field in attrs.fields(capabilities):
        if field.name == "unconfirmed":
            continue
        cells = [_cell(one, field.name, language) for one in declared]
        if any(cells):
            table.add_row(capability_name(field.name, language), *[Styled(cell) for cell in cells])
    return table


def _cell(declared: dict[str, Any], name: str, language: str) -> str:
    words = in_a_cell(declared.get(name), language)
    return f"{words} ?" if words and name in declared.get("unconfirmed", ()) else words
