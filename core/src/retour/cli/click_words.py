"""What click itself says, and the help of commands and options, in the language of whoever types.

click takes its words from gettext, which wants compiled catalogues in a folder. retour has its own, read as they are:
what click looks up is looked up there. It says little, but it says it first: to somebody who typed something wrong.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextvars import ContextVar
from copy import copy
from importlib import import_module
from inspect import cleandoc
from typing import Any, TypeVar

import click

_CLICK = ("core", "decorators", "exceptions", "formatting", "parser", "termui", "types")
"""The modules of click that say something to people."""

_named: ContextVar[str | None] = ContextVar("_named", default=None)
"""What ``--lang`` names, before anything else of the command line is read."""

ENVIRONMENT = ("LC_ALL", "LC_MESSAGES", "LANG")
"""Which variable counts, the first that is set and not empty (POSIX.1-2024, Base Definitions, section 8.2)."""

_Command = TypeVar("_Command", bound=click.Command)


def speak(arguments: Sequence[str]) -> None:
    """Let click say what it says in the language that the command line names, or the environment."""
    _named.set(_named_in(arguments))
    for name in _CLICK:
        module: Any = import_module(f"click.{name}")
        for function, ours in (("_", translated), ("ngettext", _translated_count)):
            if hasattr(module, function):
                setattr(module, function, ours)


def asked_for() -> str | None:
    """The language that is asked for, as it was written: by ``--lang``, else by the environment."""
    return _named.get() or next(filter(None, (os.environ.get(name) for name in ENVIRONMENT)), None)


def in_language(command: _Command) -> _Command:
    """A command whose help is in the language that is asked for."""
    if _is_english():
        return command
    shown: Any = copy(command)
    shown.help = translated(cleandoc(command.help)) if command.help else command.help
    shown.options_metavar = translated(command.options_metavar) if command.options_metavar else None
    shown.params = [_parameter(one) for one in command.params]
    shown._help_option = None  # click keeps it, in the language of who asked first
    if isinstance(shown, click.Group):
        shown.subcommand_metavar = translated(shown.subcommand_metavar)
        shown.commands = {name: in_language(one) for name, one in shown.commands.items()}
    made: _Command = shown
    return made


def _parameter(one: click.Parameter) -> Any:
    shown: Any = copy(one)
    if getattr(one, "help", None):
        shown.help = translated(shown.help)
    if one.metavar:
        shown.metavar = translated(one.metavar)
    if isinstance(one.type, click.IntRange | click.FloatRange):  # it says itself what it is, where it is none
        shown.type = copy(one.type)
        shown.type.name = translated(one.type.name)
    return shown


def _named_in(arguments: Sequence[str]) -> str | None:
    """What follows ``--lang``, wherever it stands: help and errors come before the rest is read."""
    for number, one in enumerate(arguments):
        if one == "--":
            return None
        if one == "--lang" and number + 1 < len(arguments):
            return arguments[number + 1]
        if one.startswith("--lang="):
            return one.partition("=")[2]
    return None


def _is_english() -> bool:
    """Whether English is asked for, or nothing: without anything that has to be imported first."""
    asked = asked_for()
    return asked is None or asked.partition(".")[0].upper() in ("C", "POSIX", "EN", "EN_US", "EN_GB", "EN-US", "EN-GB")


def translated(words: str) -> str:
    """Words of a command line, as `retour.cli` has them in the language that is asked for."""
    return _translated_count(words, None, 1)


def _translated_count(one: str, several: str | None, count: int) -> str:
    if _is_english():
        return one if count == 1 or several is None else several
    from retour.model.languages import preferred_language
    from retour.model.text import Text

    of_several = None if several is None else count
    return Text(message=one, plural=several, count=of_several, domain="retour.cli").render(
        preferred_language(asked_for())
    )
