"""`retour returns`: which returns are open, what each waits for, since when, and what money goes with it."""

from __future__ import annotations

import datetime
import json
from collections.abc import Sequence

import click
from babel.dates import format_date

from retour.cli.language import LANGUAGE, default_language, language_option
from retour.cli.listing import SEARCH_HELP, Column, amounts, as_table, console, every_page, moment, of_a_period
from retour.cli.named_desk import desk_at, desk_option
from retour.cli.words import text, texts
from retour.model.money import Money
from retour.model.returns import GoodsState, StockState
from retour.model.summaries import ReturnSummary, ReturnWait
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

_COLUMNS = (
    Column(text("order"), whole=True),
    Column(text("return"), whole=True),
    Column(text("units")),
    Column(text("goods")),
    Column(text("stock booking")),
    Column(text("waits for")),
    Column(text("since")),
    Column(text("send by")),
    Column(text("value"), number=True),
    Column(text("on its way"), number=True),
    Column(text("suggested"), number=True),
)


@click.command(name="returns")
@desk_option
@click.option(
    "--waits-for",
    "waits_for",
    type=click.Choice([*map(str, WAITING), "all"]),
    multiple=True,
    help="Only those that wait for this; for several, name it again. Default: all that wait, and what has ended too "
    "where states, orders or days are named.",
)
@click.option("--goods", type=click.Choice([*map(str, GoodsState)]), multiple=True, help="Only those with goods here.")
@click.option("--stock", type=click.Choice([*map(str, StockState)]), multiple=True, help="Only those with stock here.")
@click.option("--order", "order_id", metavar="ID", multiple=True, help="Only those of this order.")
@click.option("--reason", metavar="CODE", multiple=True, help="Only those for this reason of your list.")
@click.option("--search", metavar="TEXT", default="", help=SEARCH_HELP)
@of_a_period
@click.option("--newest-first", is_flag=True, help="The newest first.")
@click.option("--json", "as_json", is_flag=True, help="Machine-readable: a list of objects.")
@language_option
@click.pass_context
def command(
    ctx: click.Context,
    where: str,
    waits_for: Sequence[str],
    goods: Sequence[str],
    stock: Sequence[str],
    order_id: Sequence[str],
    reason: Sequence[str],
    search: str,
    opened_from: datetime.datetime | None,
    opened_before: datetime.datetime | None,
    newest_first: bool,
    as_json: bool,
    lang: str | None,
) -> None:
    """List the open returns, the oldest first: what each waits for, since when, and what money goes with it.

    Nothing is changed.
    """
    language = lang or default_language()
    ctx.meta[LANGUAGE] = language
    whatever = any((goods, stock, order_id, opened_from, opened_before))
    all_that_wait = None if whatever else WAITING
    desk = desk_at(where)
    try:
        pages = list(
            every_page(
                desk.list_returns,
                waits_for=all_that_wait if not waits_for or "all" in waits_for else waits_for,
                goods=goods or None,
                stock=stock or None,
                order_id=order_id or None,
                reason=reason or None,
                search=search,
                opened_from=opened_from,
                opened_before=opened_before,
                oldest_first=not newest_first,
            )
        )
    finally:
        desk.close()
    listed = [one for page in pages for one in page.returns]
    if as_json:
        click.echo(json.dumps([to_dict(one) for one in listed], indent=2, ensure_ascii=False))
        return
    shown = console()
    if listed:
        shown.print(as_table(_COLUMNS, [_row(one, language) for one in listed], language))
    without = [page.without_orders.render(language) for page in pages if page.without_orders is not None]
    for sentence in dict.fromkeys(without):
        click.echo(sentence, err=True)
    none = text("There is no such return.") if whatever else text("No return waits.")
    words = texts("{count} return.", "{count} returns.", len(listed)) if listed else none
    shown.print(words.render(language))


def _row(one: ReturnSummary, language: str) -> list[str]:
    return [
        one.order_id,
        one.number,
        _units(one),
        in_words(one.goods, language),
        in_words(one.stock, language),
        in_words(one.waits_for, language) if one.waits_for else "",
        moment(one.since, language),
        "" if one.due is None else format_date(one.due, "d MMM y", locale=language),
        _amount(one.value, language),
        amounts(one.waiting or (), language),
        _amount(one.suggested, language),
    ]


def _units(one: ReturnSummary) -> str:
    """What is in it: the units that came back, or were announced, by the names that the shop has for them."""
    names = {} if one.order is None else {line.id: line.name for line in one.order.lines}
    return ", ".join(
        [f"{line.came_back or line.announced} × {names.get(line.line_id, line.line_id)}" for line in one.lines or ()]
    )


def _amount(amount: Money | None, language: str) -> str:
    """An amount; nothing where nothing came back or is owed, or nobody can say."""
    return amount.render(language) if amount else ""
