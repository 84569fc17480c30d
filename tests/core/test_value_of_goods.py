"""What units of an order were paid: per line, per tax rate, together, and by the order as it was when they came."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal

import attrs
import pytest
from drafts import SECOND, a_draft, eur
from goods_events import found, order_became, received, requested
from hypothesis import given
from hypothesis import strategies as st

from retour import LineKind, Money, Order, OrderLine, Paid, TaxPart
from retour.model.dossier import Dossier
from retour.model.money import total
from retour.model.reasons import ReasonCode
from retour.rules.quote import GoodsValue, goods_value, value_of_what_came_back, values_of_returns
from retour.testing import a_line, a_service, an_order

HIGH, LOW = Decimal(21), Decimal(9)


def taxed(rate: Decimal, net: str, tax: str) -> TaxPart:
    return TaxPart(rate=rate, net=eur(net), tax=eur(tax))


def a_set(units: int, gross: str, *taxes: TaxPart) -> OrderLine:
    return attrs.evolve(a_line("set", units, gross), paid=Paid(gross=eur(gross), taxes=taxes))


def rounded(by: str, *, currency: str = "EUR") -> OrderLine:
    return attrs.evolve(a_service("rounding", by, currency=currency), kind=LineKind.ROUNDING)


SET = a_set(3, "10.00", taxed(HIGH, "5.00", "1.05"), taxed(LOW, "3.62", "0.33"))
"""Three units of which a part is taxed high and the rest low."""


@pytest.mark.parametrize(
    "units, before, gross, taxes",
    [
        (1, 0, "3.34", (taxed(HIGH, "1.67", "0.35"), taxed(LOW, "1.21", "0.11"))),
        (1, 1, "3.34", (taxed(HIGH, "1.67", "0.35"), taxed(LOW, "1.21", "0.11"))),
        (1, 2, "3.32", (taxed(HIGH, "1.66", "0.35"), taxed(LOW, "1.20", "0.11"))),
        (2, 0, "6.68", (taxed(HIGH, "3.34", "0.70"), taxed(LOW, "2.42", "0.22"))),
        (2, 1, "6.66", (taxed(HIGH, "3.33", "0.70"), taxed(LOW, "2.41", "0.22"))),
        (3, 0, "10.00", SET.paid.taxes),
    ],
)
def test_units_are_worth_their_part_of_what_was_paid_at_each_tax_rate(
    units: int, before: int, gross: str, taxes: Sequence[TaxPart]
) -> None:
    value = goods_value(an_order(SET, a_line("cup")), {"set": units, "cup": 0}, after={"set": before})
    assert value.lines == {"set": Paid(gross=eur(gross), taxes=tuple(taxes))}
    assert value.gross == eur(gross)
    assert value.undecided == {}
    """Largest remainder at each rate: what cannot be shared evenly belongs to the first units."""


def test_what_an_invoice_was_rounded_by_stays_with_its_line() -> None:
    """Its tax parts miss what was paid by a cent: units are worth what was paid, and their taxes are as invoiced."""
    parts = (taxed(HIGH, "5.00", "1.05"), taxed(LOW, "3.61", "0.33"))
    value = goods_value(an_order(a_set(2, "10.00", *parts), a_line("cup")), {"set": 2})
    assert value.lines == {"set": Paid(gross=eur("10.00"), taxes=parts)}
    half = goods_value(an_order(a_set(2, "10.00", *parts), a_line("cup")), {"set": 1}).lines["set"]
    assert half == Paid(gross=eur("5.00"), taxes=(taxed(HIGH, "2.50", "0.53"), taxed(LOW, "1.80", "0.17")))


def test_a_line_without_tax_parts_has_its_gross_alone() -> None:
    assert goods_value(an_order(a_line("cup", 3, "10.00")), {"cup": 1}).lines == {"cup": Paid(gross=eur("3.34"))}


@given(
    gross=st.integers(0, 5000),
    tax=st.integers(0, 2000),
    split=st.lists(st.integers(1, 4), min_size=1, max_size=6),
)
def test_any_split_sums_to_what_was_paid_per_line_and_per_rate(gross: int, tax: int, split: Sequence[int]) -> None:
    part = TaxPart(rate=HIGH, net=Money(minor=gross, currency="EUR"), tax=Money(minor=tax, currency="EUR"))
    line = attrs.evolve(a_line("cup", sum(split)), paid=Paid(gross=part.gross, taxes=(part,)))
    order = an_order(line)
    values, before = [], 0
    for units in split:
        values.append(goods_value(order, {"cup": units}, after={"cup": before}).lines["cup"])
        before += units
    assert total([one.gross for one in values], "EUR") == part.gross
    assert total([one.taxes[0].net for one in values], "EUR") == part.net
    assert total([one.taxes[0].tax for one in values], "EUR") == part.tax


# --- together --------------------------------------------------------------------------------------------


CUPS_AND_BOWL = (a_line("cup", 2, "5.01"), a_line("bowl", 1, "3.00"))


@pytest.mark.parametrize(
    "units, before, gross",
    [
        ({"cup": 1}, {}, "2.51"),
        ({"cup": 2}, {}, "5.01"),
        ({"cup": 1}, {"cup": 1}, "2.50"),
        ({"bowl": 1}, {}, "3.00"),
        ({"cup": 2, "bowl": 1}, {}, "8.00"),
        ({"bowl": 1}, {"cup": 1}, "3.00"),
        ({"bowl": 1}, {"cup": 2}, "2.99"),
        ({"cup": 1}, {"cup": 1, "bowl": 1}, "2.49"),
        ({}, {"cup": 2, "bowl": 1}, "0.00"),
    ],
)
def test_the_rounding_of_an_order_goes_with_the_last_of_its_goods(
    units: Mapping[str, int], before: Mapping[str, int], gross: str
) -> None:
    order = an_order(*CUPS_AND_BOWL, rounded("-0.01"))
    assert goods_value(order, units, after=before).gross == eur(gross)


def test_goods_are_never_worth_more_than_all_that_was_paid_for_them() -> None:
    """What was rounded down was never paid, whichever goods come back first."""
    order = an_order(*CUPS_AND_BOWL, rounded("-4.00"))
    assert goods_value(order, {"cup": 2}).gross == eur("4.01")
    assert goods_value(order, {"bowl": 1}, after={"cup": 2}).gross == eur("0.00")


def why(value: GoodsValue) -> dict[str, ReasonCode]:
    return {line_id: one.code for line_id, one in value.undecided.items()}


@pytest.mark.parametrize(
    "units, before, undecided",
    [
        ({"cup": 1}, {}, {}),
        ({"mug": 1}, {}, {"mug": ReasonCode.LINE_CURRENCY}),
        ({"cup": 1, "mug": 0}, {}, {}),
        ({"cup": 1}, {"mug": 1}, {"rounding": ReasonCode.LINE_CURRENCY}),
        ({"cup": 1, "mug": 1}, {}, {"mug": ReasonCode.LINE_CURRENCY, "rounding": ReasonCode.LINE_CURRENCY}),
        ({"cup": 0}, {"cup": 1, "mug": 1}, {}),
    ],
)
def test_a_line_is_undecided_where_units_of_it_come_back_and_a_rounding_with_the_last_of_all(
    units: Mapping[str, int], before: Mapping[str, int], undecided: Mapping[str, ReasonCode]
) -> None:
    lines = (a_line("cup", 1, "5.00"), a_line("mug", currency="USD"), rounded("0.01", currency="USD"))
    value = goods_value(Order(id="1001", currency="EUR", lines=lines), units, after=before)
    assert why(value) == undecided
    assert set(value.lines) == {one for one, number in units.items() if number} - {"mug"}


# --- by the order as it was ------------------------------------------------------------------------------


CUPS = a_line("cup", 3, "10.00")
BEFORE = an_order(CUPS, a_line("bowl", 1, "3.00"))
CHEAPER = an_order(CUPS, a_line("bowl", 1, "2.00"))


def what_came(*known: object) -> Dossier:
    """The dossier of the order, a second between what happened."""
    apart = [one for event in known for one in (SECOND, event)]
    return a_draft(BEFORE, *apart).dossier  # type: ignore[arg-type]


def test_what_came_back_is_worth_what_it_was_paid_when_it_came_and_each_unit_counts_once() -> None:
    """The second cup is the second one, though the order was changed between: a cent less than the first."""
    dossier = what_came(
        received("rt-1", "rc-1", found("cup", 1)), order_became(CHEAPER), received("rt-2", "rc-2", found("cup", 1))
    )
    value = value_of_what_came_back(dossier, CHEAPER)
    assert value.gross == eur("6.67")
    assert value.lines == {"cup": Paid(gross=eur("3.33"))}, "of the last count of a line"
    assert why(value) == {}


def test_a_line_that_the_shop_changed_since_is_counted_at_the_price_it_had_and_is_undecided() -> None:
    dossier = what_came(received("rt-1", "rc-1", found("bowl", 1)), order_became(CHEAPER))
    value = value_of_what_came_back(dossier, CHEAPER)
    assert (value.gross, why(value)) == (eur("3.00"), {"bowl": ReasonCode.LINE_REPRICED})


def test_what_nobody_can_say_the_price_of_is_undecided_and_not_counted() -> None:
    odd = an_order(CUPS, a_line("bowl", 1, "-3.00"))
    dossier = what_came(order_became(odd), received("rt-1", "rc-1", found("bowl", 1), found("cup", 1)))
    value = value_of_what_came_back(dossier, odd)
    assert (value.gross, why(value)) == (eur("3.34"), {"bowl": ReasonCode.LINE_BELOW_ZERO})


def test_what_came_back_when_the_order_was_in_another_currency_cannot_be_counted_with_the_rest() -> None:
    in_dollars = an_order(a_line("cup", 3, "12.00", currency="USD"))
    dossier = what_came(
        received("rt-1", "rc-1", found("cup", 1)), order_became(in_dollars), received("rt-2", "rc-2", found("cup", 1))
    )
    assert value_of_what_came_back(dossier, in_dollars).gross == Money.of("4.00", "USD")
    assert value_of_what_came_back(what_came(), BEFORE).gross == eur("0.00")


# --- apart for each return -------------------------------------------------------------------------------

ONE_CUP, ANOTHER, BOTH = found("cup", 1), found("cup", 1), [found("bowl", 1), found("cup", 1)]


@pytest.mark.parametrize(
    "known, values",
    [
        ([], {}),
        ([requested("rt-1", cup=1)], {"rt-1": "0.00"}),
        ([received("rt-1", "rc-1", ONE_CUP)], {"rt-1": "3.34"}),
        ([received("rt-1", "rc-1", ONE_CUP), requested("rt-2", cup=1)], {"rt-1": "3.34", "rt-2": "0.00"}),
        (
            [received("rt-1", "rc-1", ONE_CUP), received("rt-2", "rc-2", ANOTHER), received("rt-3", "rc-3", *BOTH)],
            {"rt-1": "3.34", "rt-2": "3.33", "rt-3": "6.33"},
        ),
        (
            [received("rt-1", "rc-1", ONE_CUP), received("rt-2", "rc-2", ANOTHER), received("rt-1", "rc-3", *BOTH)],
            {"rt-1": "9.67", "rt-2": "3.33"},
        ),
        (
            [received("rt-1", "rc-1", found("bowl", 1)), order_became(CHEAPER), received("rt-2", "rc-2", ONE_CUP)],
            {"rt-1": "3.00", "rt-2": "3.34"},
        ),
    ],
)
def test_each_return_is_worth_what_its_units_were_paid_and_all_are_together_what_all_of_them_were(
    known: Sequence[object], values: Mapping[str, str]
) -> None:
    dossier = what_came(*known)
    told = values_of_returns(dossier)
    assert told == {return_id: eur(amount) for return_id, amount in values.items()}
    assert dossier.order is not None
    assert total(told.values(), "EUR") == value_of_what_came_back(dossier, dossier.order).gross


def test_what_some_returns_are_worth_counts_the_units_that_came_before_on_others() -> None:
    known = [received("rt-1", "rc-1", ONE_CUP), received("rt-2", "rc-2", ANOTHER)]
    dossier = what_came(*known)
    assert values_of_returns(dossier, ["rt-2"]) == {"rt-2": eur("3.33")}
    assert values_of_returns(dossier, ["rt-1"]) == {"rt-1": eur("3.34")}
    assert values_of_returns(dossier, []) == {}
    assert values_of_returns(what_came(requested("rt-3", cup=1), known[0]), ["rt-3"]) == {"rt-3": eur("0.00")}


def test_units_of_another_currency_are_in_no_value_of_a_return() -> None:
    in_dollars = an_order(a_line("cup", 3, "12.00", currency="USD"))
    counts = (received("rt-1", "rc-1", ONE_CUP), order_became(in_dollars), received("rt-2", "rc-2", ANOTHER))
    assert values_of_returns(what_came(*counts)) == {"rt-1": Money.zero("USD"), "rt-2": Money.of("4.00", "USD")}
    assert values_of_returns(what_came(*counts[:2])) == {"rt-1": Money.zero("USD")}


def test_returns_of_an_order_that_nobody_has_seen_have_no_value() -> None:
    assert values_of_returns(Dossier(order_id="1001")) == {}
