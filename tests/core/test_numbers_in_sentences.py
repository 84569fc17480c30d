"""A number with decimals in a sentence is written as the reader's language writes it, and kept as it was."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retour import text, to_dict
from retour.model.reasons import ReasonCode, reason
from retour.model.text import TextDomain


@pytest.mark.parametrize(
    "kept, english, dutch",
    [
        ("0.5", "0.5", "0,5"),
        ("-1.25", "-1.25", "-1,25"),
        ("1500.125", "1,500.125", "1.500,125"),
        ("2.50", "2.5", "2,5"),
        ("-2", "-2", "-2"),
        ("two", "two", "two"),
        ("1.2.3", "1.2.3", "1.2.3"),
        ("1.5 kg", "1.5 kg", "1.5 kg"),
    ],
)
def test_a_quantity_and_a_rate_are_written_as_in_the_readers_language(kept: str, english: str, dutch: str) -> None:
    for code, name in ((ReasonCode.LINE_PART_OF_A_UNIT, "quantity"), (ReasonCode.LINE_TAX_RATE, "rate")):
        why = reason(code, line="2", **{name: kept})
        assert f"line 2: {english} " in why.text("en")
        assert f"regel 2: {dutch} " in why.text("nl")
        assert to_dict(why)["values"][name] == kept


@given(st.decimals(allow_nan=False, allow_infinity=False, places=3, min_value=-(10**15), max_value=10**15))
def test_no_decimal_of_a_number_is_lost(number: object) -> None:
    written = text("{rate}", rate=f"{number:f}").render("en")
    assert float(written.replace(",", "")) == float(str(number))


def test_what_somebody_typed_is_repeated_as_he_typed_it() -> None:
    words = TextDomain("retour.cli").text("{quantity} is not a number", quantity="1.5")
    assert words.render("nl") == "1.5 is geen getal"
