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

from retour.cli import default_language
from retour.cli.words import text, texts
from retour.cli.worker_command import desk_at
from retour.model.destinations import Destination
from retour.model.errors import PluginClash
from retour.model.labels import LabelForm
from retour.model.money import Money
from retour.model.text import Text
from retour.plugins.registry import Plugin, PluginStatus, installed_plugins, load
from retour.providers.capabilities import AmountStep, Support
from retour.providers.contract import PaymentProvider, ShippingProvider

_SUPPORT: dict[Support, Text] = {
    Support.YES: text("yes"),
    Support.PARTIAL: text("in part"),
    Support.PROVIDER_CANNOT: text("the provider cannot"),
    Support.NOT_YET: text("not yet"),
    Support.UNKNOWN: text("unknown"),
}

_CAPABILITIES: dict[str, Text] = {
    "refund_page": text("refund page"),
    "refund_by_api": text("refund by API"),
    "refund_by_person": text("refund by a person"),
    "partial_refund": text("partial refund"),
    "refundable": text("what is left can be read"),
    "payment_names": text("names of a payment"),
    "fetch_refund": text("look at a refund"),
    "cancel_refund": text("cancel refund"),
    "find_refund": text("find a refund again"),
    "list_refunds": text("list refunds"),
    "check_settings": text("check the settings"),
    "webhooks": text("webhooks"),
    "outcome_within": text("outcome within"),
    "late_failure_within": text("can fail afterwards within"),
    "idempotency": text("repeats recognised"),
    "lookup_complete_after": text("lookup complete after"),
    "currencies": text("currencies"),
    "steps": text("only in steps of"),
    "destinations": text("money goes to"),
    "refund_window_days": text("days to refund"),
    "portal": text("return portal"),
    "labels": text("labels"),
    "options": text("labels to choose from"),
    "prices": text("prices of labels"),
    "fetch_label": text("documents of labels"),
    "fetch_shipment": text("look at a parcel"),
    "find_shipment": text("find a label again"),
    "list_shipments": text("list return parcels"),
    "cancel_label": text("cancel a label"),
    "forms": text("forms of labels"),
    "refuses_repeats": text("refuses repeats"),
    "cancel_within": text("cancel within"),
}

_DESTINATIONS: dict[Destination, Text] = {
    Destination.ORIGINAL_PAYMENT: text("the payment that it came from"),
    Destination.BANK_ACCOUNT: text("a bank account"),
}

_FORMS: dict[LabelForm, Text] = {
    LabelForm.PDF: text("PDF"),
    LabelForm.QR_CODE: text("QR code"),
    LabelForm.NONE: text("no label needed"),
}

_TRUST: dict[str, Text] = {
    "signed": text("signed"),
    "fetch": text("to be fetched"),
    "none": text("none"),
}

_STATUS: dict[PluginStatus, Text] = {
    PluginStatus.LOADED: text("works"),
    PluginStatus.BROKEN: text("broken"),
    PluginStatus.MISSING: text("missing"),
}

_KINDS: dict[str, Text] = {
    "payment": text("payment"),
    "shipping": text("shipping"),
    "hooks": text("hooks"),
}


@click.command(name="plugins")
@click.option("--json", "as_json", is_flag=True, help="Machine-readable: a list of objects.")
@click.option(
    "--desk",
    "where",
    metavar="MODULE:NAME",
    help="The plugins of your ReturnDesk instead, with what is wrong with their settings.",
)
@click.option("--shop", metavar="ID", help="With --desk: the settings of this shop.")
def command(as_json: bool, where: str | None, shop: str | None) -> None:
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


def _capabilities(provider: type[PaymentProvider] | type[ShippingProvider]) -> dict[str, Any]:
    """The capabilities by name; none where the plugin hands over something else than a set of capabilities."""
    given: Any = provider.capabilities
    return attrs.asdict(given, recurse=False) if attrs.has(type(given)) else {}


def _as_data(plugin: Plugin) -> dict[str, Any]:
    return {
        "name": plugin.name,
        "version": plugin.version,
        "distribution": plugin.distribution,
        "kinds": _kinds(plugin),
        "status": plugin.status.value,
        "reason": plugin.reason,
        "settings_faults": list(plugin.settings_faults),
        "providers_off": [
            {"name": off.name, "display_name": off.display_name, "api": off.api, "reason": str(off.reason)}
            for off in plugin.providers_off
        ],
        "hooks": list(plugin.hooks),
        "providers": [
            {
                "name": provider.name,
                "display_name": provider.display_name,
                "capabilities": _capabilities(provider),
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
    return [*[off.reason.render(language) for off in plugin.providers_off], *plugin.settings_faults]


def _status(plugin: Plugin, language: str) -> Styled:
    works = plugin.status is PluginStatus.LOADED and not plugin.settings_faults and not plugin.providers_off
    words = _STATUS[plugin.status]
    if plugin.providers_off:
        words = text("another contract")
    elif plugin.settings_faults:
        words = text("wrong settings")
    return Styled(words.render(language), style="green" if works else "bold red")


def _abilities(plugin: Plugin, language: str) -> list[str]:
    """Every capability in words: ``refund page: yes``. For a plugin without a provider: its hooks."""
    found = []
    for provider in _providers(plugin):
        declared = _capabilities(provider)
        unconfirmed = declared.pop("unconfirmed", ())
        for name, value in declared.items():
            words = _in_words(value, language)
            if words:
                label = _CAPABILITIES[name].render(language) if name in _CAPABILITIES else name.replace("_", " ")
                mark = f" ({text('not confirmed').render(language)})" if name in unconfirmed else ""
                found.append(f"{label}: {words}{mark}")
    return found or [", ".join(plugin.hooks)]


def _in_words(value: Any, language: str) -> str:
    """A capability's value; empty where it says nothing."""
    if value is None or value is Support.UNKNOWN:
        return ""
    if isinstance(value, Support):
        return _SUPPORT[value].render(language)
    if isinstance(value, bool):
        return text("yes").render(language) if value else ""
    if isinstance(value, LabelForm):
        return _FORMS[value].render(language)
    if isinstance(value, Destination):
        return _DESTINATIONS[value].render(language)
    if isinstance(value, AmountStep):
        step = str(Money(minor=value.minor_units, currency=value.currency))
        return f"{step} ({value.method})" if value.method else step
    if isinstance(value, frozenset | tuple):
        return ", ".join(sorted([_in_words(one, language) for one in value]))
    if isinstance(value, datetime.timedelta):
        if value.days > 2:
            return texts("{count} day", "{count} days", value.days).render(language)
        hours = int(value.total_seconds()) // 3600
        return texts("{count} hour", "{count} hours", hours).render(language) if hours else str(value)
    if attrs.has(type(value)):
        parts = [_in_words(one, language) for one in attrs.asdict(value, recurse=False).values()]
        return ", ".join([part for part in parts if part])
    return _TRUST[str(value)].render(language) if str(value) in _TRUST else str(value)


def _as_json(value: Any) -> object:
    """What JSON itself cannot hold: a set as a list, a period as seconds, a value as an object."""
    if isinstance(value, frozenset):
        return sorted(value)
    if isinstance(value, datetime.timedelta):
        return value.total_seconds()
    return attrs.asdict(value, recurse=False) if attrs.has(type(value)) else str(value)
