"""`retour attention`: what a person must look at, of all kinds, and what decides it."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator

import click
from babel.dates import format_datetime
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text as Styled

from retour.cli.language import LANGUAGE, default_language, language_option
from retour.cli.named_desk import desk_at, desk_option
from retour.cli.words import text
from retour.desk import ReturnDesk
from retour.model.attention import ATTENTION_WORDS, AttentionItem, AttentionKind

_UNLIMITED = 2000
"""Columns where nobody looks at a terminal: an item is one line of a file."""


@click.command(name="attention")
@desk_option
@click.option(
    "--kind",
    type=click.Choice([kind.value for kind in AttentionKind]),
    metavar="KIND",
    help="Those of this kind alone, by the name that --json gives it. Default: of all kinds.",
)
@click.option("--json", "as_json", is_flag=True, help="Machine-readable: a list of objects.")
@language_option
@click.pass_context
def command(ctx: click.Context, where: str, kind: str | None, as_json: bool, lang: str | None) -> None:
    """List what a person must look at, the oldest first: since when, why, and what can be done.

    Above it stands how much there is of each kind. No event is changed.
    """
    language = lang or default_language()
    ctx.meta[LANGUAGE] = language
    desk = desk_at(where)
    try:
        listed = list(_pages(desk, kind))
        if as_json:
            click.echo(json.dumps([_as_data(one, language) for one in listed], indent=2, ensure_ascii=False))
            return
        console = Console(highlight=False, emoji=False, markup=False)
        if not console.is_terminal and "COLUMNS" not in os.environ:
            console.width = _UNLIMITED
        if not listed:
            console.print(text("Nothing waits for a person.").render(language))
            return
        for of_kind, count in desk.attention_counts().items():
            if kind in (None, of_kind):
                words = text("{count} × {what}", count=count, what=ATTENTION_WORDS[of_kind])
                console.print(words.render(language))
        console.print()
        console.print(_table(listed, language))
    finally:
        desk.close()


def _pages(desk: ReturnDesk, kind: str | None) -> Iterator[AttentionItem]:
    """The items of every page."""
    after = None
    while True:
        page = desk.attention(kind, limit=500, after=after)
        yield from page.items
        if page.next is None:
            return
        after = page.next


def _table(listed: list[AttentionItem], language: str) -> Table:
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=(0, 1, 0, 0))
    heads = [text("since"), text("order"), text("kind"), text("about"), text("why"), text("what to do")]
    for number, head in enumerate(heads):
        table.add_column(head.render(language), overflow="fold", no_wrap=number == 1)  # what a person copies
    for one in listed:
        cells = [
            _time(one, language),
            one.order_id,
            one.what.render(language),
            one.about,
            one.why.render(language),
            _what_to_do(one, language),
        ]
        table.add_row(*[Styled(cell) for cell in cells])
    return table


def _what_to_do(one: AttentionItem, language: str) -> str:
    steps = one.steps or [text("it goes on when its cause is mended")]
    return ", ".join([step.render(language) for step in steps])


def _time(one: AttentionItem, language: str) -> str:
    if one.since is None:
        return ""
    return str(format_datetime(one.since.astimezone(), "d MMM y HH:mm", tzinfo=None, locale=language))


def _as_data(one: AttentionItem, language: str) -> dict[str, object]:
    return {
        "kind": one.kind.value,
        "order_id": one.order_id,
        "about": one.about,
        "since": None if one.since is None else one.since.isoformat(),
        "what": one.what.render(language),
        "why": one.why.render(language),
        "can_do": list(one.can_do),
        "steps": [step.render(language) for step in one.steps],
        "others": list(one.others),
    }
