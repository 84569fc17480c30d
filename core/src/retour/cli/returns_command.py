"""`retour returns`: which returns are open, what each waits for, and since when."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from typing import Any

import click
from babel.dates import format_date, format_datetime
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text as Styled

from retour.cli.language import LANGUAGE, default_language, language_option
from retour.cli.named_desk import desk_at, desk_option
from retour.cli.refunds_command import SEARCH_HELP
from retour.cli.words import text, texts
from retour.desk import ReturnDesk
from retour.model.summaries import ReturnPage, ReturnSummary, ReturnWait
from retour.plain.conversion import to_dict
from retour.plugins.values_in_words import in_words

WAITING = (
    ReturnWait.ORDER,
    ReturnWait.REVIEW,
    ReturnWait.ANSWER,
    ReturnWait.COUNTING,
    ReturnWait.INSPECTION,
    ReturnWait.STOCK,
    ReturnWait.GOODS,
)
"""What a return can wait for; what a person can do at once first."""

_WHOLE = 2
"""The first columns are never broken: they are what a person copies."""

_UNLIMITED = 2000
"""Columns where nobody looks at a terminal: a return is one line of a file."""


@click.command(name="returns")
@desk_option
@click.option(
    "--waits-for",
    "waits_for",
    type=click.Choice([*map(str, WAITING), "all"]),
    default="all",
    show_default=True,
    help="Only those that wait for this.",
)
@click.option("--order", "order_id", metavar="ID", help="Only those of this order, what has ended included.")
@click.option("--reason", metavar="CODE", help="Only those for this reason of your list.")
@click.option("--search", metavar="TEXT", default="", help=SEARCH_HELP)
@click.option("--json", "as_json", is_flag=True, help="Machine-readable: a list of objects.")
@language_option
@click.pass_context
def command(
    ctx: click.Context,
    where: str,
    waits_for: str,
    order_id: str | None,
    reason: str | None,
    search: str,
    as_json: bool,
    lang: str | None,
) -> None:
    """List the open returns, the oldest first: what each waits for, and since when. Nothing is changed."""
    language = lang or default_language()
    ctx.meta[LANGUAGE] = language
    desk = desk_at(where)
    try:
        kinds = None if order_id is not None and waits_for == "all" else _kinds(waits_for)
        pages = list(_pages(desk, waits_for=kinds, order_id=order_id, reason=reason, search=search))
        listed = [one for page in pages for one in page.returns]
    finally:
        desk.close()
    if as_json:
        click.echo(json.dumps([to_dict(one) for one in listed], indent=2, ensure_ascii=False))
        return
    console = Console(highlight=False, emoji=False, markup=False)
    if not console.is_terminal and "COLUMNS" not in os.environ:
        console.width = _UNLIMITED
    if listed:
        console.print(_table(listed, language))
    without = [page.without_orders.render(language) for page in pages if page.without_orders is not None]
    for sentence in dict.fromkeys(without):
        click.echo(sentence, err=True)
    words = texts("{count} return.", "{count} returns.", len(listed)) if listed else text("No return waits.")
    console.print(words.render(language))


def _kinds(waits_for: str) -> list[str]:
    return list(WAITING) if waits_for == "all" else [waits_for]


def _pages(desk: ReturnDesk, **filters: Any) -> Iterator[ReturnPage]:
    """Every page, the oldest first."""
    after = None
    while True:
        page = desk.list_returns(**filters, oldest_first=True, limit=500, after=after)
        yield page
        after = page.next
        if after is None:
            return


def _units(one: ReturnSummary) -> str:
    """What is in it: the units that came back, or were announced, by the names that the shop has for them."""
    names = {} if one.order is None else {line.id: line.name for line in one.order.lines}
    return ", ".join(
        [f"{line.came_back or line.announced} × {names.get(line.line_id, line.line_id)}" for line in one.lines or ()]
    )


def _table(listed: list[ReturnSummary], language: str) -> Table:
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=(0, 1, 0, 0))
    heads = [
        text("order"),
        text("return"),
        text("units"),
        text("goods"),
        text("stock"),
        text("waits for"),
        text("since"),
        text("send by"),
    ]
    for number, head in enumerate(heads):
        table.add_column(head.render(language), overflow="fold", no_wrap=number < _WHOLE)
    for one in listed:
        cells = [
            one.order_id,
            one.number,
            _units(one),
            in_words(one.goods, language),
            in_words(one.stock, language),
            in_words(one.waits_for, language) if one.waits_for else "",
            format_datetime(one.since.astimezone(), "d MMM y HH:mm", tzinfo=None, locale=language),
            "" if one.due is None else format_date(one.due, "d MMM y", locale=language),
        ]
        table.add_row(*[Styled(cell) for cell in cells])
    return table
