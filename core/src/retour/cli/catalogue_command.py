"""`retour catalogue`: a file with every sentence that retour shows, for a host that translates them."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.util import find_spec
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

import click

from retour.cli.language import default_language
from retour.cli.words import texts
from retour.model.catalogues import locale_called, read_catalogue
from retour.plugins.registry import installed_plugins

if TYPE_CHECKING:
    from babel.messages.catalog import Message

_OURS = ("retour", "retour.cli")


@click.command(name="catalogue")
@click.argument("language")
@click.option(
    "--update",
    "known",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Keep what this file translates: after an upgrade its new sentences are those without a translation.",
)
def command(language: str, known: Path | None) -> None:
    """Print a gettext catalogue (.po) with every sentence of retour and of the installed plugins, to be translated.

    LANGUAGE is the code of yours, as in de. Each sentence has the Dutch one above it. An application reads the file
    with retour.add_catalogue(LANGUAGE, FILE).
    """
    from babel.messages.catalog import Catalog
    from babel.messages.pofile import read_po, write_po

    locale = locale_called(language)
    printed = Catalog(locale, header_comment=f"# The sentences of retour, to be read in {locale}.", fuzzy=False)
    for package in (*_OURS, *sorted(_of_plugins())):
        for message in _dutch(package):
            forms = [message.string] if isinstance(message.string, str) else list(message.string or ())
            printed.add(message.id, auto_comments=[f"nl: {words}" for words in forms[-1:]])
    if known is not None:
        read_catalogue(locale, known)  # it is refused here, and not when the application starts
        with known.open("rb") as stream:
            translated = read_po(stream, locale=locale)
        for message in printed:
            before = translated.get(message.id) if message.id else None
            if before is not None and not before.fuzzy:
                message.string = before.string
    written = BytesIO()
    write_po(written, printed, width=0)
    click.echo(written.getvalue().decode(), nl=False)
    left = sum(not message.string or not any(message.string) for message in printed if message.id)
    words = texts(
        "{count} sentence of {all} is to be translated.",
        "{count} sentences of {all} are to be translated.",
        left,
        all=len(printed),
    )
    click.echo(words.render(default_language()), err=True)


def _of_plugins() -> Iterator[str]:
    """The packages of the installed plugins."""
    for entry_point in installed_plugins().values():
        yield entry_point.module.partition(".")[0]


def _dutch(package: str) -> list[Message]:
    """The sentences of a package with their Dutch, which has every one of them; none where it brings no catalogue. A
    plugin that cannot be imported has them all the same."""
    from babel.messages.pofile import read_po

    spec = find_spec(package)
    folders = spec.submodule_search_locations if spec is not None else None
    source = Path(folders[0]) / "locale" / "nl.po" if folders else None
    if source is None or not source.is_file():
        return []
    with source.open("rb") as stream:
        return [message for message in read_po(stream, locale="nl") if message.id]
