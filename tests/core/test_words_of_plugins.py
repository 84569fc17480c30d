"""What a provider's plugin says of a refund is stored in English, and read in the language of who reads it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

import pytest

from retour.model import provider_names
from retour.model.fields import LONGEST_WORDS
from retour.model.reasons import ReasonCode, as_reason, reason
from retour.model.said import in_its_words
from retour.model.text import Text, catalogue
from retour.plugins.registry import load
from retour.store.records import as_json
from retour_mollie import wire as mollie
from retour_paypal import wire as paypal
from retour_stripe import wire as stripe

WORDS = {"mollie": mollie.REASONS, "paypal": paypal.REASONS, "stripe": stripe.REASONS}


@pytest.fixture(autouse=True)
def _loaded() -> None:
    load(list(WORDS))


@pytest.mark.parametrize("words", WORDS.values(), ids=WORDS)
def test_no_word_of_a_provider_for_why_a_refund_waits_or_failed_reaches_a_person(words: Mapping[str, Text]) -> None:
    for word, sentence in words.items():
        why = as_reason(str(sentence))
        assert why is not None
        assert (word not in why.text("en"), word not in why.text("nl")) == (True, True)
        assert why.text("en") != why.text("nl") == sentence.render("nl")
        assert why.text("en") in as_json(why), "what is stored is English"


@pytest.mark.parametrize(
    "said, dutch",
    [
        (
            "dispute dp_1 of EUR 25.00 was lost, and Stripe refunds nothing more of the payment",
            "geschil dp_1 van €\xa025,00 is verloren, en Stripe betaalt van deze betaling niets meer terug",
        ),
        ("everything is refunded", "alles is al terugbetaald"),
        ("the payment is not paid: Mollie calls it open", "er is nog niet betaald, status bij Mollie: open"),
        ("PayPal says 50 % off of this payment", "status van deze betaling bij PayPal: 50 % off"),
    ],
)
def test_a_sentence_with_values_is_read_with_them(said: str, dutch: str) -> None:
    assert (as_reason(said) or reason(ReasonCode.HELD)).text("nl") == dutch
    assert (as_reason(said) or reason(ReasonCode.HELD)).text("en") == said.replace("EUR ", "€")
    assert reason(ReasonCode.DISPUTED, said).text("nl").endswith(f"({dutch})")


@pytest.mark.parametrize(
    "said",
    [
        "a_word_that_is_new",
        "Anna zegt: {amount} klopt niet",
        "{",
        "of dispute",
        "",
        "\\",
        "100%",
        "dispute dp_1",
        "x" * 900,
    ],
)
def test_other_words_stay_as_they_were_said(said: str) -> None:
    why = reason(ReasonCode.DISPUTED, said)
    for language in ("en", "nl"):
        assert (f"({why.said})" in why.text(language)) == bool(said)


def test_it_is_looked_for_in_sentences_that_have_words_of_their_own() -> None:
    """A sentence that is hardly more than its values would be found in everything."""
    for said in ("1 2", "tr_1 (Mollie)", "status: open"):
        assert as_reason(said) is not None
        assert re.sub(r"\s", " ", (as_reason(said) or reason(ReasonCode.HELD)).text("nl")) == said


def test_words_from_outside_are_looked_through_once_however_long_they_are() -> None:
    """Each sentence begins and goes on as it should, again and again, and never ends: who tried every place for every
    value would not come to an end either."""
    for package in provider_names.packages():
        for message, _ in catalogue(package, "nl"):
            first, *following = re.split(r"\{\w+\}", message)
            for literal in following:
                said = (first + literal * LONGEST_WORDS)[: LONGEST_WORDS - 1] + "\x01"
                assert str(in_its_words(said)) == said


def test_a_catalogue_that_no_values_can_be_put_in_is_passed_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "oddly_worded/locale").mkdir(parents=True)
    (tmp_path / "oddly_worded/__init__.py").touch()
    ids = [
        "a brace alone { in a sentence",
        "a value {0} without a name",
        "a {part.of} something else",
        "the card has expired",
    ]
    entries = [f'msgid "{one}"\nmsgstr "{one}, in het Nederlands"' for one in ids]
    words = "\n\n".join(['msgid ""\nmsgstr "Content-Type: text/plain; charset=UTF-8"', *entries])
    (tmp_path / "oddly_worded/locale/nl.po").write_text(words + "\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(provider_names, "_called", {"odd": provider_names.Called("Odd", "oddly_worded")})
    for one in ids[:3]:
        filled = one.replace("{0}", "7").replace("{part.of}", "part of")
        assert in_its_words(filled) == filled
    assert (as_reason(ids[3]) or reason(ReasonCode.HELD)).text("nl") == f"{ids[3]}, in het Nederlands"
