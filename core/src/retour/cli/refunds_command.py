"""`retour refunds`: which refunds wait, for whom, and why."""

from __future__ import annotations

import datetime
import json
from collections.abc import Mapping, Sequence

import click

from retour.cli.language import LANGUAGE, default_language, language_option
from retour.cli.listing import SEARCH_HELP, Column, as_table, console, every_page, moment, of_a_period
from retour.cli.named_desk import desk_at, desk_option
from retour.cli.words import text, texts
from retour.model.refunds import RefundState
from retour.model.summaries import RefundSummary, RefundWait
from retour.model.text import Text, payment_name
from retour.plain.conversion import to_dict
from retour.plugins.values_in_words import in_words

WAITING = (RefundWait.PERSON, RefundWait.MERCHANT, RefundWait.TRANSFER, RefundWait.BANK, RefundWait.PROVIDER)
"""What a refund can wait for; the most urgent first."""

_NONE: Mapping[Sequence[str], Text] = {
    (RefundWait.PERSON,): text("No refund needs a person."),
    (RefundWait.MERCHANT,): text("No refund waits for the merchant."),
    (RefundWait.TRANSFER,): text("No refund waits for a bank transfer."),
    (RefundWait.BANK,): text("No refund waits for the bank."),
    (RefundWait.PROVIDER,): text("No refund waits for its provider."),
    WAITING: text("No refund waits for anything."),
}

_WHOM = Column(text("waits for"))
_COLUMNS = (
    Column(text("order"), whole=True),
    Column(text("refund id"), whole=True),
    Column(text("amount"), whole=True, number=True),
    Column(text("payment")),
    _WHOM,
    Column(text("state")),
    Column(text("since")),
    Column(text("why")),
)


@click.command(name="refunds")
@desk_option
@click.option(
    "--waits-for",
    "waits_for",
    type=click.Choice([*map(str, WAITING), "all"]),
    multiple=True,
    help="Those that a person has to decide or mend, that the merchant makes by link or by bank transfer, or that the "
    "bank or the provider has; for several, name it again. Default: person, and whatever they wait for where states, "
    "orders, a batch or days are named.",
)
@click.option(
    "--failed",
    is_flag=True,
    help="Instead: those that failed, or came back after they had arrived. The customer does not have that money.",
)
@click.option("--state", type=click.Choice([*map(str, RefundState)]), multiple=True, help="Only those in this state.")
@click.option("--order", "order_id", metavar="ID", multiple=True, help="Only those of this order.")
@click.option("--batch", metavar="NAME", help="Only those of this batch for the bank.")
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
    failed: bool,
    state: Sequence[str],
    order_id: Sequence[str],
    batch: str | None,
    search: str,
    opened_from: datetime.datetime | None,
    opened_before: datetime.datetime | None,
    oldest_first: bool,
    as_json: bool,
    lang: str | None,
) -> None:
    """List the refunds that wait, the newest first: since when, and why. Nothing is changed."""
    language = lang or default_language()
    ctx.meta[LANGUAGE] = language
    whatever = failed or any((state, order_id, batch, opened_from, opened_before))
    kinds = _kinds(waits_for, whatever=whatever)
    filters = {
        "state": (RefundState.FAILED, RefundState.REVERSED) if failed else state or None,
        "order_id": order_id or None,
        "batch": batch,
        "search": search,
        "opened_from": opened_from,
        "opened_before": opened_before,
        "oldest_first": oldest_first,
    }
    desk = desk_at(where)
    try:
        listed = [
            one
            for kind in kinds or (None,)
            for page in every_page(desk.list_refunds, waits_for=kind, **filters)
            for one in page.refunds
        ]
    finally:
        desk.close()
    if as_json:
        click.echo(json.dumps([to_dict(one) for one in listed], indent=2, ensure_ascii=False))
        return
    shown = console()
    if listed:
        columns, rows = list(_COLUMNS), [_row(one, language) for one in listed]
        if len(kinds) == 1 or failed:  # then all wait for the same, or for nothing
            whom = _COLUMNS.index(_WHOM)
            columns, rows = [*columns[:whom], *columns[whom + 1 :]], [[*row[:whom], *row[whom + 1 :]] for row in rows]
        shown.print(as_table(columns, rows, language))
    shown.print(_how_many(len(listed), kinds, failed=failed).render(language))


def _kinds(waits_for: Sequence[str], *, whatever: bool) -> Sequence[RefundWait]:
    """What is waited for by those to list, the most urgent first; none of it where it does not matter."""
    if not waits_for:
        return () if whatever else (RefundWait.PERSON,)
    return tuple([kind for kind in WAITING if kind in waits_for or "all" in waits_for])


def _how_many(count: int, kinds: Sequence[RefundWait], *, failed: bool) -> Text:
    if failed and count:
        return texts("{count} refund did not arrive.", "{count} refunds did not arrive.", count)
    if failed:
        return text("No refund failed or came back.")
    if not kinds:
        return texts("{count} refund.", "{count} refunds.", count) if count else text("There is no such refund.")
    if not count:
        return _NONE.get(kinds, text("No refund waits for any of these."))
    return texts("{count} refund waits.", "{count} refunds wait.", count)


def _row(one: RefundSummary, language: str) -> list[str]:
    return [
        one.order_id,
        one.refund_id,
        one.amount.render(language),
        payment_name(one.payment, language),
        in_words(one.waits_for, language) if one.waits_for else "",
        in_words(one.state, language),
        moment(one.since, language),
        _why(one, language),
    ]


def _why(one: RefundSummary, language: str) -> str:
    """Why a refund waits, where that is known; an order that nobody can read is told in its row."""
    if one.source is None:
        words = text("The order's history cannot be read. Run `retour doctor` to see what can be done.")
        return words.render(language)
    if one.why is not None:
        return one.why.text(language)
    return text("the customer has not agreed to a bank transfer yet").render(language) if one.lacks_consent else ""
