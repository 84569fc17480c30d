"""The desk that a command line names, and the option that names it.

Nothing here imports the desk before it is asked for: a command that needs none ends before that would be done.
"""

from __future__ import annotations

import importlib
import logging
import os
import signal
import sys
from contextlib import redirect_stdout
from types import ModuleType
from typing import TYPE_CHECKING

import click

from retour.cli.words import text
from retour.model.errors import RetourError

if TYPE_CHECKING:
    from retour.desk import ReturnDesk

log = logging.getLogger("retour.worker")

SIGNALS = (signal.SIGTERM, signal.SIGINT)
"""What asks a command that goes on to end."""

desk_option = click.option(
    "--desk",
    "where",
    required=True,
    metavar="MODULE:NAME",
    help="Your ReturnDesk: a module that can be imported here, and the desk in it or a function that makes one.",
)


class NoDesk(RetourError):
    """What ``--desk`` names is no desk: why, and what to write instead."""


def desk_at(where: str) -> ReturnDesk:
    """The desk at ``module:name``, or the one that a function there makes. Raises `NoDesk`, and what the desk raises
    while it is made, where that is an error for people."""
    from retour.desk import ReturnDesk

    module_name, colon, name = where.partition(":")
    if not (colon and name.isidentifier() and all(part.isidentifier() for part in module_name.split("."))):
        raise NoDesk(text("{where} is no module:name. Write for example --desk shop.returns:desk", where=where))
    if os.getcwd() not in sys.path:
        sys.path.insert(0, os.getcwd())
    with redirect_stdout(sys.stderr):  # what a host prints while it is imported is no part of our output
        module = _module(module_name)
        if not hasattr(module, name):
            raise NoDesk(text("Module {module} has nothing called {name}.", module=module_name, name=name))
        found: object = getattr(module, name)
        if callable(found) and not isinstance(found, ReturnDesk):
            try:
                found = found()
            except RetourError:
                raise
            except (Exception, SystemExit) as error:
                raise _failed(where, error) from error
    if not isinstance(found, ReturnDesk):
        raise NoDesk(
            text(
                "{where} is no ReturnDesk but {kind}. "
                "Name a ReturnDesk, or a function without arguments that makes one.",
                where=where,
                kind=type(found).__name__,
            )
        )
    return found


def _module(name: str) -> ModuleType:
    try:
        return importlib.import_module(name)
    except RetourError:
        raise
    except ModuleNotFoundError as error:
        if error.name is not None and (name == error.name or name.startswith(f"{error.name}.")):
            raise NoDesk(
                text(
                    "There is no module {module}. It is looked for in {folder} and among what is installed.",
                    module=name,
                    folder=os.getcwd(),
                )
            ) from None
        raise _failed(name, error) from error
    except (Exception, SystemExit) as error:
        raise _failed(name, error) from error


def _failed(what: str, error: BaseException) -> NoDesk:
    log.debug("%s failed", what, exc_info=error)
    return NoDesk(
        text(
            "{what} failed: {error}. Run it as `retour --debug …` to see where.",
            what=what,
            error=f"{type(error).__name__}: {error}",
        )
    )
