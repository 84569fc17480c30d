"""The language of the terminal: what the environment prefers, and `--lang`."""

from __future__ import annotations

import os

import click

from retour.model.errors import UnknownLanguage
from retour.model.languages import OWN, preferred_language
from retour.model.text import speaking

LANGUAGE = "retour.cli.language"
"""Where a command leaves the language of its messages, in ``click.Context.meta``."""

_ENVIRONMENT = ("LC_ALL", "LC_MESSAGES", "LANG")
"""Which variable counts, the first that is set and not empty (POSIX.1-2024, Base Definitions, section 8.2)."""


def default_language() -> str:
    """What the environment asks for, English where nobody speaks that."""
    asked = next(filter(None, (os.environ.get(name) for name in _ENVIRONMENT)), None)
    return preferred_language(asked)


class _Spoken(click.ParamType[str]):
    """A language that there are words in, however it is written."""

    name = "language"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Its locale."""
        try:
            return speaking(value).locale
        except UnknownLanguage as error:
            self.fail(error.text(default_language()), param, ctx)


language_option = click.option(
    "--lang",
    type=_Spoken(),
    metavar=f"[{'|'.join(OWN)}]",
    help="The language, as in nl, nl-BE or en_GB. Default: what LC_ALL, LC_MESSAGES or LANG asks for, else en.",
)
