"""The `retour` command. Each command's module is imported when the command runs, so that ``--help`` is fast."""

from __future__ import annotations

import logging
import sys
from collections.abc import Sequence
from importlib import import_module
from io import TextIOWrapper
from typing import Any

import click

from retour.cli.click_words import in_language, speak, translated

_COMMANDS = {
    "demo": ("demo_command", "Take real orders through the flow of a return, and show every step."),
    "plugins": (
        "plugins_command",
        "List the installed plugins, what they can do, and why one does not work.",
    ),
    "attention": ("attention_command", "List what a person must look at, since when, why, and what decides it."),
    "returns": ("returns_command", "List the open returns, what each waits for, and since when."),
    "refunds": ("refunds_command", "List the refunds that wait for a person, and why."),
    "labels": ("labels_command", "List the labels of returns, what each waits for, and until when it can be used."),
    "doctor": ("doctor_command", "List the orders that cannot be read, why, and what can be done."),
    "worker": ("worker_command", "Do what is due, again and again: stock, refunds, returns that expire."),
    "sandbox": (
        "sandbox_command",
        "Run payment providers on this machine, to build a shop without an account.",
    ),
    "catalogue": ("catalogue_command", "Print every sentence of retour, to be translated into your language."),
    "schema": ("schema_command", "Print the JSON Schema of a value, for screens in another language."),
    "db": ("database_command", "Make or upgrade retour's tables in a database, and tell how new they are."),
}
"""Each command: the module beside this one that holds it, and its line in the help."""


_INTERRUPTED = 130
"""The exit code of what Ctrl-C stopped, as a shell gives it: 128 and the number of SIGINT."""


class Retour(click.Group):
    """A group that imports a command when it is called, and turns errors into a sentence and an exit code."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The commands' names."""
        del ctx
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command called ``cmd_name``."""
        del ctx
        if cmd_name not in _COMMANDS:
            return None
        command: click.Command = import_module(f"retour.cli.{_COMMANDS[cmd_name][0]}").command
        return in_language(command)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The commands with their help lines, without importing them."""
        del ctx
        with formatter.section(translated("Commands")):
            formatter.write_dl([(name, translated(line)) for name, (_, line) in _COMMANDS.items()])

    def format_usage(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """How it is called, in the language that is asked for."""
        super(Retour, in_language(self)).format_usage(ctx, formatter)

    def format_help(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The help, in the language that is asked for."""
        super(Retour, in_language(self)).format_help(ctx, formatter)

    def main(self, args: Sequence[str] | None = None, *others: Any, **extra: Any) -> Any:
        """Run the command line; `speak` first, since help and errors come before ``--lang`` is read."""
        given = sys.argv[1:] if args is None else list(args)
        speak(given)
        return super().main(given, *others, **extra)

    def invoke(self, ctx: click.Context) -> object:
        """Run the command. Exit code 2: something given was wrong, said in a sentence. 1: we did not expect this. 130:
        Ctrl-C stopped it."""
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            from retour.cli.language import stopped

            click.echo(f"\n{stopped(ctx)}", err=True)
            ctx.exit(_INTERRUPTED)
        except (click.exceptions.Exit, click.Abort, click.ClickException, BrokenPipeError):
            raise
        except Exception as error:
            from retour.cli.language import LANGUAGE, default_language
            from retour.model.errors import RetourError

            if isinstance(error, RetourError):
                click.echo(error.text(ctx.meta.get(LANGUAGE, default_language())), err=True)
                for note in getattr(error, "__notes__", ()):  # what a driver said, or what to write in code
                    click.echo(f"  {note}", err=True)
                ctx.exit(2)
            if ctx.params.get("debug"):
                raise
            from retour.cli.words import text

            words = text(
                "retour stopped at something it did not expect: {error}\nRun it as `retour --debug …` to see where, "
                "and report that.",
                error=f"{type(error).__name__}: {error}",
            )
            click.echo(words.render(ctx.meta.get(LANGUAGE, default_language())), err=True)
            ctx.exit(1)


@click.group(cls=Retour, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="retour", message="%(prog)s %(version)s", help="Show the version and exit.")
@click.option("--debug", is_flag=True, help="Show where an unexpected error came from, and log to the terminal.")
def main(debug: bool) -> None:
    """Returns for webshops: what came back, what goes back in stock, and where to refund.

    Exit code 0: done. 2: something given was wrong; the message says what. 1: an unexpected error. 130: stopped by
    Ctrl-C.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="replace")  # a terminal without € still shows the rest
    if debug:
        logging.basicConfig(level=logging.DEBUG)
    else:
        logging.getLogger("retour").addHandler(logging.NullHandler())
