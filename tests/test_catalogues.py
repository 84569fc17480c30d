"""Every text that a person can read has a Dutch translation, and every translation is of a text that exists."""

from __future__ import annotations

import ast
import io
from collections.abc import Iterator
from pathlib import Path
from string import Formatter
from typing import Any

import pytest
from babel.messages.pofile import read_po

from retour.model.translations import translations_in

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


def as_babel_reads(file: bytes) -> dict[tuple[str, int], str]:
    read: dict[tuple[str, int], str] = {}
    for message in read_po(io.BytesIO(file), locale="nl"):
        ids: Any = message.id
        strings: Any = message.string
        read |= {(ids, 0): strings} if isinstance(ids, str) else {(ids[0], n): one for n, one in enumerate(strings)}
    head = "", 0  # Babel writes its own
    return {key: string for key, string in read.items() if key != head}


def as_we_read(file: bytes) -> dict[tuple[str, int], str]:
    return {key: string for key, string in translations_in(file).items() if key != ("", 0)}


@pytest.mark.parametrize("package", PACKAGES)
def test_a_catalogue_is_read_as_babel_reads_it(package: str) -> None:
    file = (PACKAGES[package] / "locale/nl.po").read_bytes()
    assert as_we_read(file) == as_babel_reads(file) != {}


ODD = r"""
# of a translator
msgid ""
msgstr ""
"Project-Id-Version: odd\n"
"Content-Type: text/plain; charset=CHARSET\n"
"Plural-Forms: nplurals=2; plural=(n != 1);\n"

#: over/several.py:1
msgid ""
"over several "
"lines"
msgstr "over meer "

"regels"

#, fuzzy
msgid "a \"quoted\" word\tand a \\ slash\n"
msgstr "een woord tussen \"aanhalingstekens\"\ten een \\ streep\n"
#~ msgid "gone"
#~ msgstr "weg"
msgctxt "menu"
msgid "{count} unit"
msgid_plural "{count} units"
msgstr[0] "één {count} stuk"
msgstr[1] "{count} "
"stuks"
msgid "not yet"
msgstr ""
"""


@pytest.mark.parametrize("charset", ["utf-8", "iso-8859-1"])
@pytest.mark.parametrize("end", ["\n", "\r\n"], ids=["of Unix", "of Windows"])
def test_an_odd_catalogue_is_read_as_babel_reads_it(charset: str, end: str) -> None:
    file = ODD.replace("CHARSET", charset).replace("\n", end).encode(charset)
    read = as_we_read(file)
    assert read == as_babel_reads(file)
    assert read["{count} unit", 0] == "één {count} stuk"
    assert read["over several lines", 0] == "over meer regels"
    assert ("gone", 0) not in read


def fields(message: str) -> set[str | None]:
    return {name for _, name, _, _ in Formatter().parse(message) if name}
