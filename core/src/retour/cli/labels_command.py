"""`retour labels`: which labels are to be used, announced or looked at, and until when each can be used."""

from __future__ import annotations

import datetime
import json
from collections.abc import Sequence

import click
from babel.dates import format_date

from retour.cli.language import LANGUAGE, default_language, language_option
from retour.cli.listing import SEARCH_HELP, Column, as_table, console, every_page, moment, of_a_period
from retour.cli.named_desk import desk_at, desk_option
from retour.cli.words import text, texts
from retour.model.label_lists import LabelSummary, LabelWait
from retour.model.labels import LabelState
from retour.model.text import provider_name
from retour.plain.conversion import to_dict
from retour.plugins.values_in_words import in_words

WAITING = (LabelWait.PERSON, LabelWait.CUSTOMER, LabelWait.PROVIDER, LabelWait.CARRIER)
"""What a label can wait for; what a person can do at once first."""

_COLUMNS = (
    Column(text("order"), whole=True),
    Column(text("return"), whole=True),
    Column(text("label of")),
    Column(text("tracking number"), whole=True),
    Column(text("waits for")),
    Column(text("label is")),
    Column(text("parcel is")),
    Column(text("since")),
    Column(text("usable until")),
    Column(text("costs"), number=True),
    Column(text("why")),
)


@click.command(name="labels")
@desk_option
@click.option(
    "--waits-for",
    "waits_for",
    type=click.Choice([*map(str, WAITING), "all"]),
    multiple=True,
    help="Only those that wait for this: customer are those to print or show. For several, name it again. Default: all "
    "that wait, and what has ended too where states, orders or days are named.",
)
@click.option("--state", type=click.Choice([*map(str, LabelState)]), multiple=True, help="Only those in this state.")
@click.option("--provider", metavar="NAME", multiple=True, help="Only those of this shipping provider.")
@click.option("--order", "order_id", metavar="ID", multiple=True, help="Only those of this order.")
@click.option("--search", metavar="TEXT", default="", help=SEARCH_HELP)
@of_a_period
@click.option("--oldest-first", is_flag=True, help="The oldest first.")
@click.option("--json", "as_json", is_flag=True, help="Machine-readable: a list of objects.")
@language_option
@click.pass_context
def command(
    ctx: click.Context,
    where: str,
    waits_for: Sequence[str],
    state: Sequence[str],
    provider: Sequence[str],
    order_id: Sequence[str],
    search: str,
    opened_from: datetime.datetime | None,
    opened_before: datetime.datetime | None,
    oldest_first: bool,
    as_json: bool,
    lang: str | None,
) -> None:
    """List the labels of returns, the newest first: what each waits for, and until when it can be used.

    Nothing is changed.
    """
    language = lang or default_language()
    ctx.meta[LANGUAGE] = language
    whatever = any((state, order_id, opened_from, opened_before))
    all_that_wait = None if whatever else WAITING
    desk = desk_at(where)
    try:
        pages = every_page(
            desk.list_labels,
            waits_for=all_that_wait if not waits_for or "all" in waits_for else waits_for,
            state=state or None,
            provider=provider or None,
            order_id=order_id or None,
            search=search,
            opened_from=opened_from,
            opened_before=opened_before,
            oldest_first=oldest_first,
        )
        listed = [one for page in pages for one in page.labels]
    finally:
        desk.close()
    if as_json:
        click.echo(json.dumps([to_dict(one) for one in listed], indent=2, ensure_ascii=False))
        return
    shown = console()
    if listed:
        shown.print(as_table(_COLUMNS, [_row(one, language) for one in listed], language))
    none = text("There is no such label.") if whatever else text("No label waits for anything.")
    words = texts("{count} label.", "{count} labels.", len(listed)) if listed else none
    shown.print(words.render(language))


def _row(one: LabelSummary, language: str) -> list[str]:
    return [
        one.order_id,
        one.number,
        provider_name(one.provider, language),
        one.tracking_number,
        in_words(one.waits_for, language) if one.waits_for else "",
        in_words(one.state, language),
        in_words(one.progress, language),
        moment(one.since, language),
        "" if one.valid_until is None else format_date(one.valid_until, "d MMM y", locale=language),
        "" if one.cost is None else one.cost.render(language),
        "" if one.why is None else one.why.text(language),
    ]
