"""`retour db`: the tables in a database."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click
from sqlalchemy import Engine

from retour.cli.language import default_language
from retour.cli.progress import telling
from retour.cli.words import text, texts
from retour.model.errors import StoreNotOurs
from retour.model.text import Text
from retour.store.connect import connect
from retour.store.migrations import NEWEST, check, migrate

db_option = click.option(
    "--db",
    "url",
    required=True,
    metavar="URL",
    help="The database: sqlite:///returns.db or postgresql+psycopg://user:password@host/name",
)


@contextmanager
def opened(url: str) -> Iterator[Engine]:
    """The engine for ``url``, closed at the end; what a database says becomes an error for people."""
    engine = connect(url)
    try:
        yield engine
    finally:
        engine.dispose()


def address(engine: Engine) -> str:
    """The engine's address, without its password."""
    return engine.url.render_as_string(hide_password=True)


@click.group(name="db")
def command() -> None:
    """Make or upgrade retour's tables in a database, and tell how new they are."""


@command.command()
@db_option
def upgrade(url: str) -> None:
    """Bring a database up to date. Nothing happens when it already is."""
    with opened(url) as engine:
        where = address(engine)
        with telling(lambda so_far: text("{db}: upgrading, {seconds} seconds so far", db=where, seconds=so_far)):
            applied = migrate(engine)
        if applied:
            _say(
                texts(
                    "{db}: {count} migration applied ({names}).",
                    "{db}: {count} migrations applied ({names}).",
                    len(applied),
                    db=address(engine),
                    names=list(applied),
                )
            )
        else:
            _say(text("{db}: up to date, nothing to do.", db=address(engine)))


@command.command()
@db_option
def status(url: str) -> None:
    """Tell whether a database is up to date; exit code 2 when it is not."""
    refuse_missing_file(url)
    with opened(url) as engine:
        check(engine)
        _say(text("{db}: up to date (migration {newest}).", db=address(engine), newest=NEWEST))


def refuse_missing_file(url: str) -> None:
    """Raise `StoreNotOurs` for an SQLite file that is not there: opening it would make it."""
    engine = connect(url)
    file = engine.url.database or ":memory:"
    in_a_file = engine.dialect.name == "sqlite" and file != ":memory:" and not file.startswith("file:")
    if in_a_file and not Path(file).exists():
        raise StoreNotOurs(text("There is no file {file}. Make it: retour db upgrade --db {url}", file=file, url=url))


def _say(words: Text) -> None:
    click.echo(words.render(default_language()))
