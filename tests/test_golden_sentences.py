"""Every sentence that people read, in English and Dutch, as it reads with values in it: tests/golden_sentences.txt."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sentence_samples import ALL_SAMPLES, SAMPLES
from sentences import (
    DEVELOPER,
    OWNER,
    PACKAGES,
    SECTIONS,
    Sentence,
    fields,
    holes,
    in_order,
    page,
    rendered,
    section_of,
    sentences,
)

from retour.model.text import Text, catalogue

GOLDEN = Path(__file__).parent / "golden_sentences.txt"


def test_the_golden_file_has_every_sentence_as_it_reads_now() -> None:
    """Run with RETOUR_WRITE_DOCS=1 to write it; then read what changed aloud, as a shop owner would."""
    if os.environ.get("RETOUR_WRITE_DOCS"):
        GOLDEN.write_text(page(), encoding="utf-8")
    assert GOLDEN.read_text(encoding="utf-8") == page()


def test_every_value_has_a_sample_and_no_sample_is_left_over() -> None:
    named = {
        name for package in PACKAGES for one in sentences(package) for form in one.message for name in fields(form)
    }
    assert named == SAMPLES.keys()


def test_every_place_of_a_section_still_says_something() -> None:
    places = {one.place for package in PACKAGES for one in sentences(package)}
    read = {section_of(place) for place in places}
    for number, section in enumerate(SECTIONS):
        for order, pattern in enumerate(section.places):
            assert (number, order) in read, f"{section.title}: nothing is said in {pattern}"
    assert all(found for _, found in in_order())


def texts_in(value: Any) -> Iterator[Text]:
    if isinstance(value, Text):
        yield value
        value = list(value.values.values())
    for one in value if isinstance(value, list) else ():
        yield from texts_in(one)


def test_every_sample_is_read_in_dutch_too() -> None:
    for one in texts_in(list(ALL_SAMPLES)):
        assert (one.message, 0) in catalogue(one.domain, "nl"), f"{one.message!r} is no sentence any more"


# --- what can be held of a sentence ----------------------------------------------------------------------


def read_by(*readers: str) -> list[Sentence]:
    return [one for section, found in in_order() if section.reader in readers for one in found]


def without_values(message: str) -> str:
    return re.sub(r"\{\w+\}|`retour \w+`", "", message)


A_NAME_IN_CODE = re.compile(
    r"[a-z]+_[a-z]|"  # settle_refund
    r"\b(?!PayPal|DocType)[A-Z][a-z]+[A-Z]|"  # ConnectionError
    r"\w\(|"  # refund(
    r"\w=|`"  # to=
)
OF_DEVELOPERS = re.compile(
    r"\b(reconcile|upcasters?|effects?|hooks?|JSON|exceptions?|tracebacks?|plugins=|None|True|False|fulfilled)\b"
)


@pytest.mark.parametrize("not_for_him", [A_NAME_IN_CODE, OF_DEVELOPERS], ids=["a name in code", "a developer's word"])
def test_a_shop_owner_is_told_what_to_do_in_his_own_words(not_for_him: re.Pattern[str]) -> None:
    """Where a developer needs the name of a method, an error has it beside the sentence: `RetourError.in_code`."""
    forms = [form for one in read_by(OWNER) for form in one.message]
    assert [form for form in forms if not_for_him.search(without_values(form))] == []


OF_A_PLUGIN = re.compile(r"\b(mollie|stripe|paypal|sendcloud|manual_transfer)\b")


def test_a_shop_owner_reads_what_a_provider_calls_itself() -> None:
    """`retour_manual_transfer` and the like, of which a person installs one, is another word."""
    for one in read_by(OWNER):
        if not OF_A_PLUGIN.search("".join(one.message)) and "Two plugins" not in one.message[0]:
            assert [words for words in [*rendered(one, "en"), *rendered(one, "nl")] if OF_A_PLUGIN.search(words)] == []


A_PROVIDER, A_PAYMENT = (
    re.compile(r"\bprovider(_name)?(\.name)?$"),
    re.compile(r"\bpayment(\.id|_id)$|^refund\.payment$"),
)


@pytest.mark.parametrize("package", PACKAGES)
def test_a_provider_and_a_payment_stand_in_holes_that_are_said_as_people_say_them(package: str) -> None:
    """One in a hole of another name would be read as it stands in code: `retour.model.text` knows these names."""
    for place, hole, value in holes(package):
        if A_PROVIDER.search(value):
            assert hole in ("provider", "providers"), f"{place}: {hole}={value}"
        if A_PAYMENT.search(value):
            assert hole in ("payment", "payments", "became"), f"{place}: {hole}={value}"


ODD_SPACE = re.compile(r"\S  +\S| [,.;:?!](?:\s|$)|\( | \)|\.\.(?!\.)")
TWICE = re.compile(r"\b(\w{2,}) \1\b")
ONE_OF_SEVERAL = re.compile(
    r"(?<![\d.,])1 (units|orders|refunds|returns|files|days|hours|minutes|labels|times|tries|payments|pieces|"
    r"stuks|bestellingen|terugbetalingen|retouren|bestanden|dagen|minuten|betalingen|pogingen)\b"
)


@pytest.mark.parametrize("language", ["en", "nl"])
def test_a_sentence_is_written_as_a_person_writes(language: str) -> None:
    columns = re.compile(r"^\{\w+\}  ")
    for one in read_by(*{section.reader for section in SECTIONS}):
        for words in rendered(one, language):
            said = words.strip().replace("...", "…")
            assert ONE_OF_SEVERAL.search(said) is None, said
            if columns.search(one.message[0]) is None:
                assert ODD_SPACE.search(said) is None, said
                assert TWICE.search(said) is None, said


ENGLISH = re.compile(
    r"\b(the|and|with|this|that|not|cannot|refund|refunds|payment|order|orders|return|returns|have|yet|which|from|"
    r"waits|who|what|its|are|been|it|be|were|nothing|you)\b"
)


def test_no_english_is_left_in_dutch() -> None:
    dutch = [words for one in read_by(OWNER) for words in rendered(one, "nl")]
    assert [words for words in dutch if ENGLISH.search(words)] == []


def test_a_sentence_ends_alike_in_both_languages() -> None:
    both = [
        pair for one in read_by(OWNER, DEVELOPER) for pair in zip(rendered(one, "en"), rendered(one, "nl"), strict=True)
    ]
    assert [pair for pair in both if (pair[0][-1] in ".?!") != (pair[1][-1] in ".?!")] == []


def test_an_amount_is_written_as_in_the_language_of_the_reader() -> None:
    for one in read_by(OWNER):
        assert not re.search(r"[€$]\d", "".join(rendered(one, "nl"))), one.message
        for language in ("en", "nl"):
            assert not re.search(r"\b(EUR|USD) -?\d", "".join(rendered(one, language))), one.message
