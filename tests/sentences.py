"""Every sentence of the catalogues, as people read it: found in the sources, put in order, rendered with samples."""

from __future__ import annotations

import ast
import fnmatch
import inspect
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path
from string import Formatter
from typing import NamedTuple

from sentence_samples import samples_for

from retour.model.text import Text

ROOT = Path(__file__).parent.parent
MESSAGES_OF = {"text": 1, "texts": 2}
"""How many messages each function takes, as its first arguments."""

PACKAGES = {
    "retour": ROOT / "core/src/retour",
    "retour.cli": ROOT / "core/src/retour/cli",
    "retour_mollie": ROOT / "plugins/mollie/src/retour_mollie",
    "retour_stripe": ROOT / "plugins/stripe/src/retour_stripe",
    "retour_paypal": ROOT / "plugins/paypal/src/retour_paypal",
    "retour_manual_transfer": ROOT / "plugins/manual_transfer/src/retour_manual_transfer",
    "retour_sendcloud": ROOT / "plugins/sendcloud/src/retour_sendcloud",
}


class Sentence(NamedTuple):
    """A message in the sources of a package: one text, or two for one that counts; the ``place`` is the file that says
    it, from the folder of its package, and the error that it is raised with."""

    package: str
    message: tuple[str, ...]
    place: str


@cache
def sentences(package: str) -> Sequence[Sentence]:
    """Every message in the sources of a package, file by file and from the top.

    Read from the syntax tree: Babel's own reader of Python passes by a text that is an argument of another.
    """
    return tuple(_of_package(package))


def _of_package(package: str) -> Iterator[Sentence]:
    folder = PACKAGES[package]
    inner = [other for other in PACKAGES.values() if other != folder and other.is_relative_to(folder)]
    for source in sorted(folder.rglob("*.py")):
        if any(source.is_relative_to(other) for other in inner):
            continue
        place = f"{package}/{source.relative_to(folder)}"
        yield from _of_tree(package, place, ast.parse(source.read_text(encoding="utf-8")))


def _of_tree(package: str, place: str, tree: ast.AST) -> Iterator[Sentence]:
    for node in ast.iter_child_nodes(tree):
        called = node.func if isinstance(node, ast.Call) else None
        name = called.id if isinstance(called, ast.Name) else ""
        if place.startswith("retour.cli/"):
            yield from (Sentence(package, (words,), place) for words in _of_help(node))
        if isinstance(node, ast.Call) and name in MESSAGES_OF:
            given = [one.value for one in node.args[: MESSAGES_OF[name]] if isinstance(one, ast.Constant)]
            if given:
                yield Sentence(package, tuple(given), place)
        within = f"{place.partition('!')[0]}!{name}" if name[:1].isupper() else place
        yield from _of_tree(package, within, node)


def holes(package: str) -> Iterator[tuple[str, str, str]]:
    """What fills the sentences that a package makes: the file, the name of a hole, and the code of its value."""
    for source in sorted(PACKAGES[package].rglob("*.py")):
        for node in ast.walk(ast.parse(source.read_text(encoding="utf-8"))):
            called = node.func if isinstance(node, ast.Call) else None
            if isinstance(node, ast.Call) and isinstance(called, ast.Name) and called.id in MESSAGES_OF:
                yield from ((source.name, one.arg or "", ast.unparse(one.value)) for one in node.keywords)


def _of_help(node: ast.AST) -> Iterator[str]:
    """The help of a command, which is the docstring of its function, of an option, and of the list of commands."""
    made_by = [ast.unparse(one) for one in node.decorator_list] if isinstance(node, ast.FunctionDef) else []
    if any(".command" in one or ".group" in one for one in made_by):
        yield inspect.cleandoc(ast.get_docstring(node) or "")
    if isinstance(node, ast.Call):
        words = [one.value for one in node.keywords if one.arg == "help"]
        yield from (one.value for one in words if isinstance(one, ast.Constant))
    if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]).endswith("_HELP"):
        yield ast.literal_eval(node.value)
    if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "_COMMANDS":
        yield from (line for _, line in ast.literal_eval(node.value).values())


def fields(message: str) -> set[str]:
    """The names of the values of a message."""
    return {name for _, name, _, _ in Formatter().parse(message) if name}


# --- where a person reads it -----------------------------------------------------------------------------


class Section(NamedTuple):
    """What one kind of person reads in one place: the sentences of these sources, in this order."""

    title: str
    reader: str
    places: Sequence[str]


OWNER, DEVELOPER, TERMINAL = "a shop owner", "a developer", "somebody at the terminal"

_OF_CODE = (
    "InvalidShop",
    "InvalidSettings",
    "InvalidValue",
    "MissingRequestId",
    "NotCommitted",
    "NotReadable",
    "PluginClash",
    "RequestReused",
    "UnknownLanguage",
    "AskedWithin",
)
"""Errors that only whoever wrote the application can mend."""

DASHBOARDS = ("mollie", "stripe", "paypal", "manual_transfer", "sendcloud")
"""The plugins whose sandbox says something of its own on its dashboard."""

SECTIONS: Sequence[Section] = (
    Section(
        "The timeline of an order",
        OWNER,
        ("retour/model/events/*", "retour/rules/timeline.py"),
    ),
    Section("The question about the stock", OWNER, ("retour/model/outcome.py",)),
    Section(
        "How to refund",
        OWNER,
        (
            "retour/desk/links.py",
            "retour_mollie/provider.py",
            "retour_stripe/provider.py",
            "retour_paypal/provider.py",
            "retour_manual_transfer/provider.py",
            "retour_manual_transfer/waiting.py",
        ),
    ),
    Section(
        "What a provider says of a payment, or of a refund",
        OWNER,
        (
            "retour_mollie/wire.py",
            "retour_stripe/wire.py",
            "retour_stripe/disputes.py",
            "retour_paypal/wire.py",
            "retour_paypal/disputes.py",
        ),
    ),
    Section("How to send it back", OWNER, ("retour_sendcloud/provider.py",)),
    Section(
        "What a person must look at",
        OWNER,
        (
            "retour/model/attention.py",
            "retour/model/can_do.py",
            "retour/model/background_work.py",
            "retour/desk/attention.py",
            "retour/plugins/accounts.py",
            "retour/plugins/registry.py",
            "retour/effects/refunding.py",
            "retour/effects/runner.py",
        ),
    ),
    Section("Why something happened, or waits", OWNER, ("retour/model/reasons.py",)),
    Section("What a policy decides", OWNER, ("retour/plugins/return_window.py",)),
    Section(
        "Words for values",
        OWNER,
        (
            "retour/model/returns.py",
            "retour/model/refunds.py",
            "retour/model/labels.py",
            "retour/model/destinations.py",
            "retour/model/text.py",
            "retour/plugins/values_in_words.py",
        ),
    ),
    Section(
        "What was asked cannot be done",
        OWNER,
        (
            "retour/rules/*",
            "retour/model/dossier.py",
            "retour/model/errors.py",
            "retour/model/order.py!UnknownLine",
            "retour/model/order.py!UnknownPayment",
            "retour/model/parcels.py",
            "retour/model/typed_return_number.py",
            "retour/steps/case.py!UnknownOrder",
            "retour/desk/commands.py!NotAllowed",
            "retour/desk/commands.py!Busy",
            "retour/desk/*!WrongState",
            "retour/desk/*!ProviderUnavailable",
            "retour/desk/*!NotAllowed",
            "retour/desk/*!Busy",
            "retour/desk/label*",
            "retour/desk/refund_*",
            "retour/desk/doctor.py",
            "retour/desk/reconcile.py",
            "retour/shop.py",
        ),
    ),
    Section(
        "A file for the bank, or from it",
        OWNER,
        ("retour_manual_transfer/batch.py", "retour_manual_transfer/statement*"),
    ),
    Section(
        "What answers a webhook",
        DEVELOPER,
        (
            "retour/*!InvalidWebhook",
            "retour/*!UnreadableWebhook",
            "retour/effects/inbox.py",
            "retour/effects/inbox.py!ProviderUnavailable",
            "retour/effects/keeping.py",
        ),
    ),
    Section(
        "What an application hands in",
        DEVELOPER,
        (
            *[f"retour/*!{name}" for name in _OF_CODE],
            "retour/model/money.py",
            "retour/rules/lines.py!InvalidLines",
            "retour/plugins/registry.py!InvalidArgument",
            "retour/desk/attention.py!InvalidArgument",
            "retour/model/order.py",
            "retour/steps/case.py",
            "retour/desk/*",
            "retour/plugins/return_window.py!InvalidArgument",
            "retour/model/calendar.py",
            "retour/model/catalogues.py",
            "retour/model/fields.py",
            "retour/plain/*",
            "retour/shop.py!InvalidOrder",
            "retour/desk/lists.py!InvalidArgument",
        ),
    ),
    Section(
        "What is wrong with a setting, behind its name",
        DEVELOPER,
        ("retour*!WrongSetting", "retour/providers/settings.py", "retour_sendcloud/settings.py"),
    ),
    Section("The database", DEVELOPER, ("retour/store/*", "retour/steps/commit.py!StoreError")),
    Section(
        "The demo",
        TERMINAL,
        (
            "retour.cli/demo*",
            "retour.cli/screen.py",
            "retour.cli/ask.py",
            "retour.cli/parcels_screen.py",
            "retour.cli/closing_table.py",
        ),
    ),
    Section("Files of orders", TERMINAL, ("retour.cli/orders*",)),
    Section(
        "Lists",
        TERMINAL,
        (
            "retour.cli/listing.py",
            "retour.cli/attention*",
            "retour.cli/returns*",
            "retour.cli/refunds*",
            "retour.cli/labels*",
            "retour.cli/doctor*",
            "retour/model/unreadable.py",
        ),
    ),
    Section("Sandboxes", TERMINAL, ("retour.cli/sandbox*", "retour.cli/dashboard.py")),
    Section(
        "Dashboards of sandboxes",
        OWNER,
        ("retour/sandbox/*", *[f"retour_{plugin}/sandbox*" for plugin in DASHBOARDS]),
    ),
    Section("Other commands", TERMINAL, ("retour.cli/*",)),
)
"""From what a shop owner reads every day to what a developer reads once. The first section that has a place of a
sentence, in the order of the places, is its own; one that is said in several is there once."""


def section_of(place: str) -> tuple[int, int] | None:
    """The first section and place in it that fit where a sentence is said; those of an error before those of a file."""
    fits = [
        (0 if "!" in pattern else 1, number, order)
        for number, section in enumerate(SECTIONS)
        for order, pattern in enumerate(section.places)
        if fnmatch.fnmatchcase(place, pattern)
        or ("!" not in pattern and fnmatch.fnmatchcase(place.partition("!")[0], pattern))
    ]
    return min(fits)[1:] if fits else None


def in_order() -> Iterator[tuple[Section, list[Sentence]]]:
    """Each section with its sentences, as they are read from top to bottom."""
    placed: dict[tuple[str, tuple[str, ...]], tuple[tuple[int, int], int, Sentence]] = {}
    number = 0
    for package in PACKAGES:
        for one in sentences(package):
            number += 1
            section = section_of(one.place)
            assert section is not None, f"{one.place}: say in SECTIONS where this is read: {one.message[0]!r}"
            known = placed.get((package, one.message))
            if known is None or section < known[0]:
                placed[package, one.message] = (section, number, one)
    first: dict[tuple[int, str], int] = {}
    for (section_number, order), _, one in placed.values():
        of_file = section_number, _file(one)
        first[of_file] = min(order, first.get(of_file, order))
    for index, section_ in enumerate(SECTIONS):
        found = sorted((first[index, _file(one)], order, one) for (at, order, one) in placed.values() if at[0] == index)
        yield section_, [one for _, _, one in found]


def _file(one: Sentence) -> str:
    return one.place.partition("!")[0]


# --- as it reads ------------------------------------------------------------------------------------------


def rendered(one: Sentence, language: str) -> list[str]:
    """A sentence with sample values, in each form that it has: for one, and for several."""
    first, *plural = one.message
    if not plural:
        return [Text(message=first, domain=one.package, values=samples_for(fields(first), first)).render(language)]
    return [
        Text(
            message=first,
            plural=plural[0],
            domain=one.package,
            count=count,
            values={**samples_for(fields(plural[0]), plural[0]), **samples_for(fields(first), first), "count": count},
        ).render(language)
        for count in (1, 3)
    ]


@cache
def page() -> str:
    """All sentences from top to bottom, as people read them."""
    parts = [
        "Every sentence of retour and its plugins, with samples for names, amounts, dates, counts and states.\n"
        "Written by tests/test_golden_sentences.py: RETOUR_WRITE_DOCS=1 pytest tests/test_golden_sentences.py"
    ]
    for section, found in in_order():
        parts.append(f"{'=' * 100}\n{section.title} (read by {section.reader})\n{'=' * 100}")
        place = ""
        for one in found:
            if _file(one) != place:
                place = _file(one)
                parts.append(f"--- {place}")
            both = [*rendered(one, "en"), *rendered(one, "nl")]
            parts.append("\n".join(words.replace("\n", "\n    ") for words in both))
    return "\n\n".join(parts) + "\n"
