"""`retour attention`: what a person must look at, of all kinds, and what decides it."""

from __future__ import annotations

import json

import click

from retour.cli.language import LANGUAGE, default_language, language_option
from retour.cli.listing import Column, as_table, console, every_page, moment
from retour.cli.named_desk import desk_at, desk_option
from retour.cli.words import text
from retour.model.attention import ATTENTION_WORDS, OF_PAYMENTS, OF_RETURNS, AttentionItem, AttentionKind
from retour.model.return_number import return_number
from retour.model.text import payment_name, provider_name

_COLUMNS = (
    Column(text("since")),
    Column(text("order"), whole=True),
    Column(text("kind")),
    Column(text("about")),
    Column(text("why")),
    Column(text("what to do")),
)


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
        listed = [one for page in every_page(desk.attention, kind) for one in page.items]
        if as_json:
            click.echo(json.dumps([_as_data(one, language) for one in listed], indent=2, ensure_ascii=False))
            return
        shown = console()
        if not listed:
            shown.print(text("Nothing waits for a person.").render(language))
            return
        for of_kind, count in desk.attention_counts().items():
            if kind in (None, of_kind):
                words = text("{count} × {what}", count=count, what=ATTENTION_WORDS[of_kind])
                shown.print(words.render(language))
        shown.print()
        shown.print(as_table(_COLUMNS, [_row(one, language) for one in listed], language))
    finally:
        desk.close()


def _row(one: AttentionItem, language: str) -> list[str]:
    return [
        moment(one.since, language),
        one.order_id,
        one.what.render(language),
        _about(one, language),
        one.why.render(language),
        _what_to_do(one, language),
    ]


def _about(one: AttentionItem, language: str) -> str:
    """What it is about: an id to copy, but for what people have a name for."""
    if one.kind is AttentionKind.PROVIDER_OFF:
        return provider_name(one.about, language)
    if one.kind in OF_RETURNS:
        return return_number(one.about)
    return payment_name(one.about, language) if one.kind in OF_PAYMENTS else one.about


def _what_to_do(one: AttentionItem, language: str) -> str:
    steps = one.steps or [text("it goes on when its cause is mended")]
    return ", ".join([step.render(language) for step in steps])


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
