"""A list at the terminal: which period it is of, every page of it, and the table that it is printed as."""

from __future__ import annotations

import datetime
import os
from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeVar

import click
from babel.dates import format_datetime
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text as Styled

from retour.cli.language import default_language
from retour.cli.words import text
from retour.model.frozen import frozen
from retour.model.money import Money
from retour.model.text import Text

SEARCH_HELP = (
    "Only those of orders that are called so or begin with it: the id of an order, a return or a refund, a return's "
    "number, or what a payment, a refund or a parcel is called at its provider."
)

_UNLIMITED = 2000
"""Columns where nobody looks at a terminal: what is listed is one line of a file."""

_Command = TypeVar("_Command", bound=Callable[..., object])


class _Day(click.ParamType[datetime.datetime]):
    """A calendar day, from the moment on which it begins on this computer."""

    name = "day"

    def convert(
        self, value: str | datetime.datetime, param: click.Parameter | None, ctx: click.Context | None
    ) -> datetime.datetime:
        """When it begins."""
        if isinstance(value, datetime.datetime):
            return value
        try:
            return datetime.datetime.combine(datetime.date.fromisoformat(value), datetime.time()).astimezone()
        except (ValueError, OverflowError):
            words = text("{day} is not a day; write it as 2026-11-27.", day=value)
            self.fail(words.render(default_language()), param, ctx)


def of_a_period(command: _Command) -> _Command:
    """``--from`` and ``--before``: what was opened in a period, as a list of the desk takes it."""
    return _from(_before(command))


_from = click.option(
    "--from",
    "opened_from",
    type=_Day(),
    metavar="DAY",
    help="Only what was opened on this day or later: 2026-11-01.",
)
_before = click.option(
    "--before",
    "opened_before",
    type=_Day(),
    metavar="DAY",
    help="Only what was opened before this day: 2026-12-01.",
)


def every_page(listed: Callable[..., Any], *given: object, **filters: object) -> Iterator[Any]:
    """The pages of a list of the desk, from the first to the last."""
    after = None
    while True:
        page = listed(*given, **filters, limit=500, after=after)
        yield page
        after = page.next
        if after is None:
            return


@frozen
class Column:
    """A column of a list: what stands above it, ``whole`` for what a person copies, which is never broken, and
    ``number`` for what stands to the right."""

    head: Text
    whole: bool = False
    number: bool = False


def console() -> Console:
    """Where lists are printed."""
    made = Console(highlight=False, emoji=False, markup=False)
    if not made.is_terminal and "COLUMNS" not in os.environ:
        made.width = _UNLIMITED
    return made


def as_table(columns: Sequence[Column], rows: Sequence[Sequence[str]], language: str) -> Table:
    """Rows in columns."""
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=(0, 1, 0, 0))
    for column in columns:
        table.add_column(
            column.head.render(language),
            overflow="fold",
            no_wrap=column.whole,
            justify="right" if column.number else "left",
        )
    for row in rows:
        table.add_row(*[Styled(cell) for cell in row])
    return table


def moment(at: datetime.datetime | None, language: str) -> str:
    """A time, in the zone of the computer; nothing where nobody knows it."""
    if at is None:
        return ""
    return str(format_datetime(at.astimezone(), "d MMM y HH:mm", tzinfo=None, locale=language))


def amounts(several: Sequence[Money], language: str) -> str:
    """Amounts in one cell, one for each currency."""
    return " + ".join([one.render(language) for one in several])
