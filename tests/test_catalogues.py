"""Every text that a person can read has a Dutch translation, and every translation is of a text that exists."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from itertools import chain
from typing import Any

import pytest
from babel.messages.pofile import read_po
from sentences import PACKAGES, fields, sentences

from retour.model.reasons import ReasonCode, reason
from retour.model.translations import translations_in
from retour.providers import ErrorCode
from webshop import languages as of_the_webshop


def messages(package: str) -> set[tuple[str, ...]]:
    """Every message in the sources of a package: one text, or two for one that counts."""
    return {one.message for one in sentences(package)}


@pytest.mark.parametrize("package", PACKAGES)
def test_the_dutch_catalogue_is_complete_and_has_nothing_left_over(package: str) -> None:
    with (PACKAGES[package] / "locale/nl.po").open("rb") as stream:
        catalogue = read_po(stream, locale="nl")
    translated = {
        (message.id,) if isinstance(message.id, str) else tuple(message.id): message
        for message in catalogue
        if message.id
    }
    wanted = messages(package)
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


# --- words of a Dutch shop owner -------------------------------------------------------------------------

ANOTHER_WORD = {
    "aanbieder": "provider",
    "betaaldienst": "betaalprovider",
    "verzenddienst": "verzendprovider",
    "referentie": "kenmerk",
    "met de hand": "handmatig",
    "hoogstens": "maximaal",
    "hooguit": "maximaal",
    "vanzelf": "automatisch",
    "terugstorten": "overmaken",
    "goederen": "artikelen",
    "plug-in": "plugin",
    "track-en-tracenummer": "track-en-tracecode",
}
"""What was said twice, with the one word that is used for it."""

CATALOGUES = {
    **{package: folder / "locale/nl.po" for package, folder in PACKAGES.items()},
    "webshop": of_the_webshop.CATALOGUES / "nl" / "LC_MESSAGES" / "messages.po",
}
"""With the webshop's, whose pages show its own sentences beside those of retour."""

SHIPPING = re.compile(r"\b(label|labels|parcel|parcels|carrier|shipping)\b")


@pytest.mark.parametrize("package", CATALOGUES)
def test_one_thing_has_one_word_in_dutch(package: str) -> None:
    for english, dutch in translations(package):
        for word, better in ANOTHER_WORD.items():
            assert re.search(rf"\b{word}", dutch, re.IGNORECASE) is None, f"{dutch!r} ({english!r}): say {better!r}"


@pytest.mark.parametrize("package", CATALOGUES)
def test_who_makes_a_label_is_no_provider_of_payments(package: str) -> None:
    for english, dutch in translations(package):
        if SHIPPING.search(english):
            assert "betaalprovider" not in dutch, f"{dutch!r} ({english!r})"


OF_PAYMENTS_ONLY = {
    ErrorCode.UNKNOWN_PAYMENT,
    ErrorCode.NOT_REFUNDABLE,
    ErrorCode.ALREADY_REFUNDED,
    ErrorCode.AMOUNT_TOO_HIGH,
    ErrorCode.TOO_LATE,
    ErrorCode.DISPUTED,
    ErrorCode.NOT_YET,
    ErrorCode.DUPLICATE,
}


@pytest.mark.parametrize("code", [code for code in ErrorCode if code not in OF_PAYMENTS_ONLY])
def test_what_either_kind_of_provider_can_answer_is_said_of_both(code: ErrorCode) -> None:
    said = reason(ReasonCode(code.value)).words.render("nl")
    assert "betaalprovider" not in said
    if not SHIPPING.search(reason(ReasonCode(code.value)).words.render("en")):
        assert "verzendprovider" not in said


def translations(package: str) -> Iterator[tuple[str, str]]:
    """Each English form of a message with its Dutch one."""
    with CATALOGUES[package].open("rb") as stream:
        for message in read_po(stream, locale="nl"):
            if message.id:
                ids = (message.id,) if isinstance(message.id, str) else message.id
                strings = [message.string] if isinstance(message.string, str) else list(message.string)
                yield from zip(ids, strings, strict=True)


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
