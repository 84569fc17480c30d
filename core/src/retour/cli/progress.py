"""How far long work is: a bar at a terminal, and a line every few seconds on stderr where nobody looks at one."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from threading import Event, Thread
from typing import TypeVar

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from retour.cli.language import default_language
from retour.cli.words import text
from retour.model.text import Text

EVERY = 5.0
"""Seconds between two lines: a log is still read, and nobody thinks that it hangs."""

_T = TypeVar("_T")


def counted(things: Sequence[_T], words: str, console: Console, language: str, *, every: float = EVERY) -> Iterator[_T]:
    """Each of the ``things`` that take long, while it is shown how many are done. Nothing of it goes to a pipe."""
    if console.is_terminal:
        columns = TextColumn("… {task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn()
        with Progress(*columns, console=console) as progress:
            yield from progress.track(things, description=words)
        return
    done = 0
    with telling(lambda _: text("{done} of {all} done", done=done, all=len(things)), language, every=every):
        for thing in things:
            yield thing
            done += 1


@contextmanager
def telling(words: Callable[[int], Text], language: str | None = None, *, every: float = EVERY) -> Iterator[None]:
    """Work that may take long. Where it does, ``words`` are said of it on stderr again and again, and are given the
    seconds that it took so far."""
    ended, began = Event(), time.monotonic()

    def tell() -> None:
        while not ended.wait(every):
            click.echo(words(int(time.monotonic() - began)).render(language or default_language()), err=True)

    teller = Thread(target=tell, daemon=True)
    teller.start()
    try:
        yield
    finally:
        ended.set()
        teller.join()
