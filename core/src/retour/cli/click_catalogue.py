"""What click says, as its sources have it: listed, so that our catalogue has a translation of it."""

from __future__ import annotations

from retour.cli.words import text, texts

WORDS = (
    text("Usage:"),
    text("[OPTIONS]"),
    text("COMMAND [ARGS]..."),
    text("Options"),
    text("Commands"),
    text("Show this message and exit."),
    text("Show the version and exit."),
    text("default: {default}"),
    text("required"),
    text("Error: {message}"),
    text("Try '{command} {option}' for help."),
    text("No such option {name!r}."),
    text("No such command {name!r}."),
    texts("Did you mean {possibility}?", "(Did you mean one of: {possibilities}?)", 1),
    text("Missing command."),
    text("Missing argument"),
    text("Missing option"),
    text("Missing parameter"),
    text("Choose from:\n\t{choices}"),
    texts("Got unexpected extra argument ({args})", "Got unexpected extra arguments ({args})", 1),
    text("Option {name!r} does not take a value."),
    texts("Option {name!r} requires an argument.", "Option {name!r} requires {nargs} arguments.", 1),
    text("Invalid value: {message}"),
    text("Invalid value for {param_hint}: {message}"),
    texts("{value!r} is not {choice}.", "{value!r} is not one of {choices}.", 1),
    text("{value!r} is not a valid {number_type}."),
    text("{value} is not in the range {range}."),
    text("{name} {filename!r} does not exist."),
    text("{name} {filename!r} is a directory."),
    text("{name} {filename!r} is a file."),
    text("{name} {filename!r} is not readable."),
    text("file"),
    text("File"),
    text("directory"),
    text("path"),
    text("Aborted!"),
    text("integer range"),
    text("float range"),
)
"""Its sentences about deprecated commands, prompts and editors are not: no command of retour has those."""
