"""Every text that a person can read has a Dutch translation, and every translation is of a text that exists."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from string import Formatter

import pytest
from babel.messages.pofile import read_po

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


def messages(package: str) -> Iterator[tuple[str, ...]]:
    """Every message in the sources of a package: one text, or two for one that counts.

    Read from the syntax tree: Babel's own reader of Python passes by a text that is an argument of another.
    """
    folder = PACKAGES[package]
    inner = [other for other in PACKAGES.values() if other != folder and other.is_relative_to(folder)]
    for source in sorted(folder.rglob("*.py")):
        if any(source.is_relative_to(other) for other in inner):
            continue
        for call in ast.walk(ast.parse(source.read_text(encoding="utf-8"))):
            if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id in MESSAGES_OF:
                given = [one.value for one in call.args[: MESSAGES_OF[call.func.id]] if isinstance(one, ast.Constant)]
                if given:
                    yield tuple(given)


@pytest.mark.parametrize("package", PACKAGES)
def test_the_dutch_catalogue_is_complete_and_has_nothing_left_over(package: str) -> None:
    with (PACKAGES[package] / "locale/nl.po").open("rb") as stream:
        catalogue = read_po(stream, locale="nl")
    translated = {
        (message.id,) if isinstance(message.id, str) else tuple(message.id): message
        for message in catalogue
        if message.id
    }
    wanted = set(messages(package))
    assert wanted - translated.keys() == set()
    assert translated.keys() - wanted == set()
    for ids, message in translated.items():
        strings = [message.string] if isinstance(message.string, str) else list(message.string)
        assert all(strings), f"{ids} is not translated"
        for original, string in zip(ids, strings, strict=True):
            assert fields(original) == fields(string), f"{string!r} has other fields than {original!r}"


GRAMMAR = {"verb", "cannot", "may", "kinds", "on", "its", "his", "her", "it", "they", "them", "whom"}
"""Names of values that are a piece of the grammar of one language: a verb, a pronoun, a preposition."""

AFTER_A_MODAL = re.compile(r"\b(can|cannot|could|may|might|must|shall|should|will|would)( not)? \{")


@pytest.mark.parametrize("package", PACKAGES)
def test_the_values_of_a_sentence_are_no_part_of_its_grammar(package: str) -> None:
    """A name, an amount, a date, a count and a state stand in any sentence; another verb or pronoun is another
    sentence, which a language may have to build differently."""
    for one in chain.from_iterable(messages(package)):
        assert fields(one) & GRAMMAR == set(), f"{one!r}: write one whole sentence for each case"
        assert AFTER_A_MODAL.search(one) is None, f"{one!r} has a hole where a verb stands: write a sentence for each"
        assert re.match(r" \S", one) is None, f"{one!r} goes on what stands before it: write one whole sentence"


def fields(message: str) -> set[str | None]:
    return {name for _, name, _, _ in Formatter().parse(message) if name}
