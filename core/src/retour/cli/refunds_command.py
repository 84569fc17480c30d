"""`retour refunds`: which refunds wait, for whom, and why."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import click
from babel.dates import format_datetime
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text as Styled

from retour.cli.language import LANGUAGE, default_language, language_option
from retour.cli.named_desk import desk_at, desk_option
from retour.cli.words import text, texts
from retour.desk import ReturnDesk
from retour.model.refunds import RefundState
from retour.model.summaries import RefundSummary, RefundWait
from retour.model.text import Text
from retour.plugins.values_in_words import in_words

WAITING = (RefundWait.PERSON, RefundWait.MERCHANT, RefundWait.TRANSFER, RefundWait.BANK, RefundWait.PROVIDER)
"""What a refund can wait for; the most urgent first."""

_NONE: dict[str, Text] = {
    "person": text("No refund needs a person."),
    "merchant": text("No refund waits for the merchant."),
    "transfer": text("No refund waits for a bank transfer."),
    "bank": text("No refund waits for the bank."),
    "provider": text("No refund waits for its provider."),
    "all": text("No refund waits for anything."),
}

_WHOLE = 3
"""The first columns are never broken: they are what a person copies."""

SEARCH_HELP = (
    "Only those of orders that are called so or begin with it: the id of an order, a return or a refund, a return's "
    "number, or what a payment, a refund or a parcel is called at its provider."
)

_UNLIMITED = 2000
"""Columns where nobody looks at a terminal: a refund is one line of a file."""


@click.command(name="refunds")
@desk_option
@click.option(
    "--waits-for",
    "waits_for",
    type=click.Choice([*map(str, WAITING), "all"]),
    default="person",
    show_default=True,
    help="Those that a person has to decide or mend, that the merchant makes by link or by bank transfer, or that the "
    "bank or the provider has.",
)
@click.option(
    "--failed",
    is_flag=True,
    help="Instead: those that failed, or came back after they had arrived. The customer does not have that money.",
)
@click.option("--search", metavar="TEXT", default="", help=SEARCH_HELP)
@language_option
@click.pass_context
def command(ctx: click.Context, where: str, waits_for: str, failed: bool, search: str, lang: str | None) -> None:
    """List the refunds that wait, the newest first: since when, and why. Nothing is changed."""
    language = lang or default_language()
    ctx.meta[LANGUAGE] = language
    desk = desk_at(where)
    try:
        if failed:
            listed = list(_pages(desk, search=search, state=(RefundState.FAILED, RefundState.REVERSED)))
        else:
            kinds = list(WAITING) if waits_for == "all" else [waits_for]
            listed = [one for kind in kinds for one in _pages(desk, search=search, waits_for=kind)]
        console = Console(highlight=False, emoji=False, markup=False)
        if not console.is_terminal and "COLUMNS" not in os.environ:
            console.width = _UNLIMITED
        if listed:
            console.print(_table(listed, language, whom=waits_for == "all" and not failed))
            if failed:
                words = texts("{count} refund did not arrive.", "{count} refunds did not arrive.", len(listed))
            else:
                words = texts("{count} refund waits.", "{count} refunds wait.", len(listed))
        else:
            words = text("No refund failed or came back.") if failed else _NONE[waits_for]
        console.print(words.render(language))
    finally:
        desk.close()


def _pages(desk: ReturnDesk, **filters: Any) -> Iterator[RefundSummary]:
    """The refunds of every page."""
    after = None
    while True:
        page = desk.list_refunds(**filters, limit=500, after=after)
        yield from page.refunds
        if page.next is None:
            return
        after = page.next


def _table(listed: list[RefundSummary], language: str, *, whom: bool) -> Table:
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=(0, 1, 0, 0))
    heads = [
        text("order"),
        text("refund id"),
        text("amount"),
        text("payment"),
        text("state"),
        text("since"),
        text("why"),
    ]
    if whom:
        heads.insert(4, text("waits for"))
    for number, head in enumerate(heads):
        table.add_column(head.render(language), overflow="fold", no_wrap=number < _WHOLE)
    for one in listed:
        cells = [
            one.order_id,
            one.refund_id,
            one.amount.render(language),
            one.payment,
            in_words(one.state, language),
            format_datetime(one.since.astimezone(), "d MMM y HH:mm", tzinfo=None, locale=language),
            _why(one, language),
        ]
        if whom:
            cells.insert(4, in_words(one.waits_for, language))
        table.add_row(*[Styled(cell) for cell in cells])
    return table


def _why(one: RefundSummary, language: str) -> str:
    """Why a refund waits, where that is known; an order that nobody can read is told in its row."""
    if one.source is None:
        words = text("The order's history cannot be read. Run `retour doctor` to see what can be done.")
        return words.render(language)
    if one.why is not None:
        return one.why.text(language)
    return text("the customer has not agreed to a bank transfer yet").render(language) if one.lacks_consent else ""
