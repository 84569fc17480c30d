"""Money is whole minor units; its decimals are the currency's; every split sums to the whole."""

from __future__ import annotations

from decimal import Decimal
from itertools import pairwise

import pytest
from babel.core import get_global
from babel.numbers import get_currency_precision
from hypothesis import given
from hypothesis import strategies as st

from retour import Money
from retour.model.errors import InvalidAmount
from retour.model.money import _DECIMALS, currency_decimals, shares_by_value, total, value_of_units

CURRENCIES = st.sampled_from(sorted(_DECIMALS))


@pytest.mark.parametrize(
    "amount, currency, minor",
    [
        ("44.95", "EUR", 4495),
        ("44.9", "EUR", 4490),
        (44, "EUR", 4400),
        ("1200", "JPY", 1200),
        ("1.234", "KWD", 1234),
        (Decimal("0.05"), "GBP", 5),
        ("-3.50", "EUR", -350),
        (" 7 ", "EUR", 700),
        ("1e2", "EUR", 10000),
    ],
)
def test_an_amount_in_whole_units_becomes_minor_units(amount: str | int | Decimal, currency: str, minor: int) -> None:
    assert Money.of(amount, currency) == Money(minor=minor, currency=currency)


@pytest.mark.parametrize(
    "amount, currency, match",
    [
        ("44.955", "EUR", "44.955 has more decimals than EUR has"),
        ("1.5", "JPY", "more decimals than JPY has"),
        ("1.2345", "KWD", "more decimals than KWD has"),
        (44.95, "EUR", "floats lose cents"),
        (True, "EUR", "cannot be an amount"),
        ("4,95", "EUR", "is not an amount"),
        ("", "EUR", "is not an amount"),
        ("NaN", "EUR", "is not an amount"),
        ("Infinity", "EUR", "is not an amount"),
        ("1", "EURO", "is not a currency"),
        ("1", "eur", "is not a currency"),
    ],
)
def test_what_is_no_amount_is_refused_with_the_reason(amount: object, currency: str, match: str) -> None:
    with pytest.raises(InvalidAmount, match=match):
        Money.of(amount, currency)  # type: ignore[arg-type]


@pytest.mark.parametrize("minor", [1.0, "1", True, None])
def test_minor_units_are_whole_numbers_and_nothing_else(minor: object) -> None:
    with pytest.raises(InvalidAmount, match="whole number of minor units"):
        Money(minor=minor, currency="EUR")  # type: ignore[arg-type]


def test_amounts_of_different_currencies_are_never_counted_together() -> None:
    with pytest.raises(InvalidAmount, match="different currencies"):
        Money.of("1", "EUR") + Money.of("1", "USD")
    with pytest.raises(InvalidAmount, match="different currencies"):
        assert Money.of("1", "EUR") < Money.of("1", "USD")


@given(st.integers(-(10**12), 10**12), CURRENCIES)
def test_the_decimal_form_reads_back_as_the_same_money(minor: int, currency: str) -> None:
    money = Money(minor=minor, currency=currency)
    assert Money.of(money.decimal, currency) == money
    assert Money.of(str(money).split()[1], currency) == money


@given(st.integers(0, 10**9), st.integers(1, 200))
def test_any_split_into_units_sums_to_the_whole_and_no_unit_differs_by_more_than_one(minor: int, units: int) -> None:
    whole = Money(minor=minor, currency="EUR")
    values = [value_of_units(whole, units=units, first=n).minor for n in range(units + 1)]
    singles = [after - before for before, after in pairwise(values)]
    assert sum(singles) == minor
    assert max(singles) - min(singles) <= 1
    assert singles == sorted(singles, reverse=True)


def test_decimals_agree_with_cldr_but_for_the_currencies_that_people_count_without() -> None:
    """CLDR tells how people write an amount, ISO 4217 how it is kept: some currencies have decimals nobody writes."""
    written_without = {code for code in _DECIMALS if get_currency_precision(code) < _DECIMALS[code]}
    written_with = {code for code in _DECIMALS if get_currency_precision(code) > _DECIMALS[code]}
    assert written_with == {"BEF", "BYB", "GRD", "PTE", "TPE"}  # all of them have ended
    assert not written_without & {"EUR", "GBP", "USD", "CHF", "DKK", "SEK", "NOK", "PLN", "KWD"}


def test_every_currency_that_was_once_tender_of_a_country_is_read() -> None:
    tender = {code for ever in get_global("territory_currencies").values() for code, *_, tender in ever if tender}
    assert tender - _DECIMALS.keys() == set()


@pytest.mark.parametrize(("code", "amount"), [("BGN", "44.95"), ("HRK", "44.95"), ("ANG", "44.95"), ("XCG", "44.95")])
def test_currencies_that_the_euro_and_others_replaced_have_two_decimals_as_when_they_were_paid(
    code: str, amount: str
) -> None:
    assert Money.of(amount, code).minor == 4495
    assert Money.of(amount, code).render("nl")


@pytest.mark.parametrize(("code", "decimals"), [("SLL", 2), ("MRO", 2), ("STD", 2), ("ZMK", 2), ("BYR", 0), ("ITL", 0)])
def test_a_currency_that_has_ended_is_counted_as_providers_counted_it(code: str, decimals: int) -> None:
    assert currency_decimals(code) == decimals


@pytest.mark.parametrize("code", ["XXX", "XTS", "XAU", "XEU", "USN", "CLF", "CNH"])
def test_what_no_country_pays_with_is_no_currency(code: str) -> None:
    with pytest.raises(InvalidAmount, match="is not a currency"):
        Money.of("1", code)


@given(st.integers(0, 10**6), st.lists(st.integers(0, 10**6), min_size=1, max_size=6), st.booleans())
def test_shares_by_value_sum_to_the_whole_and_none_is_more_than_its_value(
    size: int, minor: list[int], below_zero: bool
) -> None:
    values = [Money(minor=one, currency="EUR") for one in [*minor, 1]]
    whole = min(size, sum(minor) + 1)
    shares = shares_by_value(Money(minor=-whole if below_zero else whole, currency="EUR"), values)
    assert abs(sum(share.minor for share in shares)) == whole
    assert all(abs(share.minor) <= value.minor for share, value in zip(shares, values, strict=True))


def test_no_amounts_sum_to_zero() -> None:
    assert total([], "EUR") == Money.zero("EUR")


@pytest.mark.parametrize(
    "money, language, words",
    [
        (Money.of("1234.5", "EUR"), "nl", "€ 1.234,50"),
        (Money.of("1234.5", "EUR"), "en", "€1,234.50"),
        (Money.of("1200", "JPY"), "en", "¥1,200"),
        (Money.of("1.234", "KWD"), "en", "KWD 1.234"),
        (Money.of("3.330", "KWD"), "nl", "KWD 3,330"),
        (Money.of("10.50", "HUF"), "nl", "HUF 10,50"),  # which people write without decimals, where there are none
        (Money.of("0.40", "HUF"), "nl", "HUF 0,40"),
        (Money.of("-0.40", "HUF"), "nl", "HUF -0,40"),
        (Money.of("1234.50", "HUF"), "en", "HUF 1,234.50"),
        (Money.of("2990", "HUF"), "nl", "HUF 2.990"),
        (Money.of("12.30", "MGA"), "nl", "MGA 12,30"),
        (Money.of("10.50", "MRO"), "en", "MRO 10.50"),
        (Money.of("5.00", "COP"), "en", "COP 5"),
        (Money.of("0", "EUR"), "nl", "€ 0,00"),
    ],
)
def test_amounts_read_as_the_reader_writes_them(money: Money, language: str, words: str) -> None:
    assert money.render(language).replace("\xa0", " ") == words


@given(st.integers(-(10**12), 10**12), CURRENCIES, st.sampled_from(["en", "nl"]))
def test_an_amount_is_shown_to_its_last_decimal_or_without_any(minor: int, currency: str, language: str) -> None:
    """Never with some of them, which reads as another amount, or as none of that currency: with the decimals that the
    currency has, or where they are all zero with those that people write."""
    money = Money(minor=minor, currency=currency)
    digits = "".join(one for one in money.render(language) if one.isdigit())
    units, rest = divmod(abs(minor), 10 ** currency_decimals(currency))
    written = f"{units}{rest:0{currency_decimals(currency)}}" if currency_decimals(currency) else f"{units}"
    assert digits == (written if rest else f"{units}{'0' * get_currency_precision(currency)}")


# --- as people type it ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "typed, currency, minor",
    [
        ("44,95", "EUR", 4495),
        ("44.95", "EUR", 4495),
        ("44,9", "EUR", 4490),
        ("44", "EUR", 4400),
        (" € 44,95 ", "EUR", 4495),
        ("£5", "GBP", 500),
        ("1200", "JPY", 1200),
        ("1,234", "KWD", 1234),
    ],
)
def test_an_amount_is_typed_with_a_point_or_a_comma(typed: str, currency: str, minor: int) -> None:
    assert Money.typed(typed, currency) == Money(minor=minor, currency=currency)


@pytest.mark.parametrize(
    "typed, currency, why",
    [
        ("", "EUR", "Vul een bedrag in."),
        ("€", "EUR", "Vul een bedrag in."),
        (None, "EUR", "Vul een bedrag in."),
        ("veel", "EUR", "veel is geen bedrag. Schrijf een getal zoals 12,50, zonder punten tussen duizendtallen."),
        ("1.234,56", "EUR", "1.234,56 is geen bedrag. Schrijf een getal zoals 12,50"),
        ("1 234", "JPY", "1 234 is geen bedrag. Schrijf een getal zoals 1250,"),
        ("x", "KWD", "Schrijf een getal zoals 12,500,"),
        ("x" * 99, "EUR", f"{'x' * 39}… is geen bedrag."),
        ("-5", "EUR", "-5 is geen bedrag."),
        ("£5", "EUR", "£5 is geen bedrag."),
        ("0,00", "EUR", "Het bedrag moet hoger zijn dan nul."),
        ("1.234", "EUR", "1.234 heeft meer decimalen dan EUR"),
        ("5", "EURO", "EURO"),
    ],
)
def test_what_cannot_be_read_as_an_amount_is_told_to_who_typed_it(typed: str, currency: str, why: str) -> None:
    with pytest.raises(InvalidAmount) as refused:
        Money.typed(typed, currency)
    assert why in refused.value.text("nl")


@given(st.integers(1, 10**11), CURRENCIES, st.sampled_from(["nl", "nl_BE", "en", "en_GB"]))
def test_what_a_field_is_filled_with_is_the_same_amount_when_it_comes_back(
    minor: int, currency: str, language: str
) -> None:
    amount = Money(minor=minor, currency=currency)
    assert Money.typed(amount.as_typed(language), currency) == amount
    assert ("," in amount.as_typed(language)) is (language.startswith("nl") and currency_decimals(currency) > 0)
