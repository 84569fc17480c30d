"""Every value that a screen shows has a word in both languages, and a host writes none of its own."""

from __future__ import annotations

import datetime
import enum
from decimal import Decimal
from types import ModuleType

import pytest

import retour
import retour.providers
from retour import InvalidArgument, Money, ReasonCode, RefundState, RefundWait, ReturnWait, UnknownLanguage, in_words
from retour.model.reasons import reason
from retour.plugins.values_in_words import capability_name
from retour.providers import AmountStep, Encoding, ErrorCode, Idempotency

NOT_SHOWN = {Encoding, ReasonCode}
"""One says how a provider writes its signatures; the other is a part of a `Reason`, which has the words."""


def shown(module: ModuleType) -> set[type[enum.Enum]]:
    public = [getattr(module, name) for name in dir(module) if not name.startswith("_")]
    return {one for one in public if isinstance(one, type) and issubclass(one, enum.Enum)} - NOT_SHOWN


@pytest.mark.parametrize("kind", sorted(shown(retour) | shown(retour.providers), key=lambda one: one.__name__))
def test_each_value_of_a_public_kind_has_a_word_in_both_languages(kind: type[enum.Enum]) -> None:
    for value in kind:
        english, dutch = in_words(value, "en"), in_words(value, "nl")
        assert english, value
        assert dutch, value
        assert not {"{", "_"} & {*english, *dutch}, value


@pytest.mark.parametrize(
    ("value", "english", "dutch"),
    [
        (RefundState.PENDING, "being processed", "in behandeling"),
        (ReturnWait.INSPECTION, "an inspection", "een keuring"),
        (RefundWait.NOTHING, "nothing", "niets"),
        (Money.of("1234.50", "EUR"), "€1,234.50", "€\N{NO-BREAK SPACE}1.234,50"),
        (datetime.date(2026, 11, 3), "3 November 2026", "3 november 2026"),
        (datetime.datetime(2026, 11, 3, 9, 5, tzinfo=datetime.UTC), "3 November 2026 09:05", "3 november 2026 09:05"),
        (datetime.timedelta(days=45), "45 days", "45 dagen"),
        (datetime.timedelta(days=2), "48 hours", "48 uur"),
        (datetime.timedelta(minutes=1), "1 minute", "1 minuut"),
        (datetime.timedelta(seconds=90), "90 seconds", "90 seconden"),
        (datetime.timedelta(days=365), "1 year", "1 jaar"),
        (Idempotency(header="", window=datetime.timedelta(days=36500)), "100 years", "100 jaar"),
        (1234567, "1,234,567", "1.234.567"),
        (True, "yes", "ja"),
        (None, "", ""),
        (frozenset({"EUR", "CHF"}), "CHF, EUR", "CHF, EUR"),
        ((RefundState.FAILED, RefundState.REVERSED), "failed, reversed", "mislukt, teruggedraaid"),
        (AmountStep(currency="EUR", minor_units=5, method="cash"), "€0.05 (cash)", "€\N{NO-BREAK SPACE}0,05 (cash)"),
        (Idempotency(header="Key", window=datetime.timedelta(hours=24)), "Key, 24 hours", "Key, 24 uur"),
        (reason(ReasonCode.HELD), "it was held", "de terugbetaling is tegengehouden"),
        (ErrorCode.RATE_LIMITED, "the provider was asked too often", "de provider kreeg te veel verzoeken"),
        ("in the provider's own words", "in the provider's own words", "in the provider's own words"),
    ],
)
def test_values_are_written_as_readers_of_the_language_write_them(value: object, english: str, dutch: str) -> None:
    assert (in_words(value, "en"), in_words(value, "nl-NL")) == (english, dutch)


def test_a_capability_has_a_name() -> None:
    assert (capability_name("refund_by_api"), capability_name("refund_by_api", "nl")) == (
        "refund by API",
        "terugbetalen via API",
    )
    assert capability_name("of_a_plugin_alone") == "of a plugin alone"


@pytest.mark.parametrize("value", [object(), Decimal("1.5"), b"bytes", enum.Enum("Foreign", ["A"]).A])
def test_a_value_that_has_no_words_is_an_error(value: object) -> None:
    with pytest.raises(InvalidArgument, match="has no words"):
        in_words(value)


def test_a_language_that_nobody_speaks_is_an_error() -> None:
    for value in (RefundState.PENDING, 7, Money.of("1", "EUR")):
        with pytest.raises(UnknownLanguage):
            in_words(value, "xx")
