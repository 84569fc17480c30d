"""The language of the terminal: what the environment prefers, and `--lang`."""

from __future__ import annotations

import click

from retour.cli.click_words import asked_for
from retour.cli.words import text
from retour.model.errors import UnknownLanguage
from retour.model.languages import OWN, preferred_language
from retour.model.text import speaking

LANGUAGE = "retour.cli.language"
"""Where a command leaves the language of its messages, in ``click.Context.meta``."""

AGAIN = "retour.cli.again"
"""Where a command leaves the command that goes on with what it was doing, where that is not the same one again."""


def default_language() -> str:
    """What the command line or the environment asks for, English where nobody speaks that."""
    return preferred_language(asked_for())


class _Spoken(click.ParamType[str]):
    """A language that there are words in, however it is written."""

    name = "language"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Its locale."""
        try:
            return speaking(value).locale
        except UnknownLanguage as error:
            self.fail(error.text(default_language()), param, ctx)


def stopped(ctx: click.Context) -> str:
    """What Ctrl-C leaves, and the command with which to go on, in the language of the command that it stopped."""
    again = ctx.meta.get(AGAIN)
    if again is None:
        words = text("Stopped. What was saved stays; run the same command again to go on.")
    else:
        words = text("Stopped. What was saved stays. To go on: {command}", command=again)
    return words.render(ctx.meta.get(LANGUAGE, default_language()))


language_option = click.option(
    "--lang",
    type=_Spoken(),
    metavar=f"[{'|'.join(OWN)}]",
    help="The language, as in nl, nl-BE or en_GB. Default: what LC_ALL, LC_MESSAGES or LANG asks for, else en.",
)
