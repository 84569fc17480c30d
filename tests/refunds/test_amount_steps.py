"""What is suggested can be paid: in the steps of the provider that it goes to, and all parts sum to what was paid."""

from __future__ import annotations

import datetime
from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from retour import (
    Actor,
    BankAccount,
    Consent,
    ConsentWay,
    InvalidAmount,
    Money,
    RefundPlan,
    WrongState,
    hookimpl,
)
from retour.providers import AmountStep
from retour.rules.amount_steps import payable
from retour.rules.refunds import quote
from retour.testing import a_line, a_payment, an_order

ANNA = Actor.staff("anna")
TO = BankAccount(name="J. Jansen", iban="NL91ABNA0417164300")
AGREED = Consent(how=ConsentWay.PHONE)
FORINTS = (AmountStep(currency="HUF", minor_units=100),)
BY_METHOD = (AmountStep(currency="HUF", minor_units=100, method="paypal"),)


def huf(amount: str) -> Money:
    return Money.of(amount, "HUF")


# --- the rule --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("owed", "left", "step", "amount", "never"),
    [
        ("996.67", "2990", 100, "997", "0"),  # the nearest, for the customer where it is half
        ("333.33", "1000", 100, "333", "0"),
        ("0.50", "10", 100, "1", "0"),
        ("0.49", "10", 100, "0", "0"),
        ("0", "10", 100, "0", "0"),
        ("10.60", "10.60", 100, "10", "0.60"),  # never more than is left, and what no step can pay is told
        ("10.20", "10.60", 100, "10", "0"),
        ("10.55", "10.60", 100, "10", "0"),
        ("996.67", "2990", 1, "996.67", "0"),
        ("12", "7", 100, "7", "0"),
    ],
)
def test_the_nearest_amount_that_can_be_paid_and_at_most_what_is_left(
    owed: str, left: str, step: int, amount: str, never: str
) -> None:
    found = payable(huf(owed), huf(left), step)
    assert (found.amount, found.never) == (huf(amount), huf(never))


@given(
    lines=st.lists(st.tuples(st.integers(1, 5), st.integers(0, 5000)), min_size=1, max_size=4),
    step=st.sampled_from([1, 10, 100]),
    cuts=st.lists(st.integers(1, 99), max_size=2, unique=True),
    order=st.randoms(use_true_random=False),
)
def test_whatever_comes_back_in_parts_each_suggestion_can_be_paid_and_all_sum_to_what_was_paid(
    lines: list[tuple[int, int]], step: int, cuts: list[int], order: Any
) -> None:
    """Of up to three payments, each a whole number of steps. Nothing is lost on the way by rounding."""
    whole = [a_line(f"l{n}", units, str(minor * step / 100), currency="HUF") for n, (units, minor) in enumerate(lines)]
    total = sum(minor * step for _, minor in lines)
    ends = sorted({cut * (total // step) // 100 * step for cut in cuts})
    parts = [end - start for start, end in zip([0, *ends], [*ends, total], strict=True)]
    payments = [
        a_payment(str(minor / 100), provider="ledger", reference=f"p_{n}", currency="HUF")
        for n, minor in enumerate(parts)
    ]
    sold = an_order(*whole, payments=payments)
    units = [line.id for line in whole for _ in range(line.ordered)]
    order.shuffle(units)
    paid = dict.fromkeys([payment.id for payment in payments], 0)
    for number in range(1, len(units) + 1):
        dossier = _of(sold, units[:number], paid)
        quoted = quote(dossier, sold, lambda _: step)
        assert quoted.remainder is None or not quoted.remainder
        for share in quoted.shares:
            assert share.suggested.minor % step == 0
            assert share.suggested <= share.left
            paid[share.payment.id] += share.suggested.minor
    assert sum(paid.values()) == total


def _of(sold: Any, units: list[str], paid: dict[str, int]) -> Any:
    class Known:
        payments: dict[str, Any] = {}  # noqa: RUF012 - of one test

        def came_back(self) -> dict[str, int]:
            return {one: units.count(one) for one in units}

        def counted(self, order: Any) -> list[Any]:
            return [(order, self.came_back())]

        def reckoned(self, reckon: Any, order: Any) -> Any:
            return reckon(self, order)

        def to_inspect(self) -> dict[str, int]:
            return {}

        def back_and_on(self, _: Any) -> dict[str, int]:
            return self.came_back()

        def changed_lines(self, _: Any) -> dict[str, Any]:
            return {}

        def refunded(self, payment: str, currency: str) -> Money:
            return Money(minor=paid[payment], currency=currency)

        def refunded_in_all(self, currency: str) -> Money:
            return Money(minor=sum(paid.values()), currency=currency)

        def charged_back(self, _: str, currency: str) -> Money:
            return Money.zero(currency)

        def in_another_currency(self, _: str) -> list[Any]:
            return []

        def vanished(self) -> list[Any]:
            return []

        def doubled(self) -> list[Any]:
            return []

        def refunds_not_shown(self, _: str) -> None:
            return None

        def not_refundable_because(self, _: str) -> None:
            return None

        def reversal(self, _: str) -> None:
            return None

        def dispute(self, _: str) -> None:
            return None

    return Known()


# --- at a desk -------------------------------------------------------------------------------------------


def sold(world: Any, *captured: str, **more: Any) -> None:
    """Three cups for HUF 2990.00, paid by ``captured``."""
    payments = [
        attrs.evolve(a_payment(amount, provider="ledger", reference=f"p_{number}", currency="HUF"), **more)
        for number, amount in enumerate(captured, 1)
    ]
    world.ledger.paid = {one.reference: one.captured for one in payments}
    paid = sum((one.captured for one in payments[1:]), payments[0].captured)
    cups = a_line("cup", 3, str(paid.decimal), currency="HUF")
    world.shop.orders["1001"] = an_order(cups, payments=payments)


def comes_back(world: Any, form: str) -> None:
    world.desk.mark_returned("1001", {"cup": 1}, by=ANNA, request_id=form)


def test_every_part_can_be_paid_and_in_the_end_all_of_it_went_back(world: Any) -> None:
    world.open(steps=FORINTS)
    sold(world, "2990")
    amounts = []
    for form in ("1", "2", "3"):
        comes_back(world, form)
        [option] = world.desk.refund_options("1001")
        amounts.append(option.suggested)
        assert option.because is None
        made = world.desk.refund("1001", "p_1", option.suggested, by=ANNA, request_id=f"refund {form}")
        assert made.refund.state == "succeeded"
    assert amounts == [huf("997"), huf("996"), huf("997")]
    assert not world.desk.refund_options("1001")[0].suggested


def test_what_no_step_can_pay_is_named_with_the_way_that_it_goes(world: Any) -> None:
    world.open(steps=FORINTS)
    sold(world, "2990.40")
    world.desk.mark_returned("1001", by=ANNA)
    [option] = world.desk.refund_options("1001")
    assert option.suggested == huf("2990")
    assert "refund it by bank transfer" in option.because.text("en")
    assert "0.40" in option.because.text("en")
    world.desk.refund("1001", "p_1", option.suggested, by=ANNA, request_id="f1")
    [option] = world.desk.refund_options("1001")
    assert (option.suggested, option.left) == (huf("0"), huf("0.40"))
    assert "0.40" in option.because.text("en")
    world.desk.confirm_refund("1001", "p_1", huf("0.40"), reference="bank 7", by=ANNA, request_id="f2")
    [option] = world.desk.refund_options("1001")
    assert (option.left, option.because) == (huf("0"), None)


def rest_of(world: Any) -> None:
    """All of it came back and went back that can: HUF 0.40 are left."""
    world.open("manual_transfer", steps=FORINTS)
    sold(world, "2990.40")
    world.desk.mark_returned("1001", by=ANNA)
    world.desk.refund("1001", "p_1", huf("2990"), by=ANNA, request_id="f1")


def test_what_no_step_can_pay_leads_to_no_page_and_goes_by_transfer(world: Any) -> None:
    rest_of(world)
    [option] = world.desk.refund_options("1001")
    for link in (
        option.link,
        world.desk.refund_link("1001", "p_1"),
        world.desk.refund_link("1001", "p_1", huf("0.40")),
    ):
        assert (link.kind, link.url) == ("transfer", "")
        assert "steps of HUF\N{NO-BREAK SPACE}1" in link.instruction.render("en")
    opened = world.desk.open_refund_link("1001", "p_1", huf("0.40"), by=ANNA, request_id="f2").refund
    assert (opened.by_transfer, opened.lacks_consent) == (True, True)
    made = world.desk.refund(
        "1001", "p_1", huf("0.40"), to=TO, consent=AGREED, instead_of=opened.id, by=ANNA, request_id="f3"
    )
    assert world.desk.refund_link("1001", refund_id=made.refund_id).transfer.amount == huf("0.40")


@pytest.mark.parametrize(("amount", "below", "above"), [("996.67", "996", "997"), ("2990.40", "2990", None)])
def test_a_link_for_an_amount_between_two_steps_names_those_that_can_be_paid(
    world: Any, amount: str, below: str, above: str | None
) -> None:
    """And none that is more than is left."""
    world.open("manual_transfer", steps=FORINTS)
    sold(world, "2990.40")
    asks = {
        "refund": lambda: world.desk.refund("1001", "p_1", huf(amount), by=ANNA, request_id="f1"),
        "open": lambda: world.desk.open_refund_link("1001", "p_1", huf(amount), by=ANNA, request_id="f2"),
        "link": lambda: world.desk.refund_link("1001", "p_1", huf(amount)),
    }
    for ask in asks.values():
        with pytest.raises(InvalidAmount) as refused:
            ask()
        said = str(refused.value)
        assert f"Refund HUF\xa0{int(below):,}" in said
        assert (f"or HUF\xa0{above}" in said) if above else ("bank transfer" in said)
    assert (world.ledger.calls, world.desk.dossier("1001").refunds) == (0, {})


def test_less_than_a_step_is_refused_by_api_with_the_transfer_as_its_way(world: Any) -> None:
    rest_of(world)
    with pytest.raises(InvalidAmount, match="bank transfer") as refused:
        world.desk.refund("1001", "p_1", huf("0.40"), by=ANNA, request_id="f2")
    assert "HUF\xa00 " not in str(refused.value)


def test_where_nothing_is_owed_the_link_is_for_what_can_be_paid(world: Any) -> None:
    """The control: nothing came back, and a merchant may be generous."""
    world.open("manual_transfer", steps=FORINTS)
    sold(world, "2990.40")
    [option] = world.desk.refund_options("1001")
    assert (option.left, option.suggested, option.link.kind) == (huf("2990.40"), huf("0"), "provider_page")
    assert world.desk.refund_link("1001", "p_1", huf("2990")).kind == "provider_page"


def test_what_one_payment_cannot_pay_another_one_does(world: Any) -> None:
    world.open(steps=FORINTS)
    sold(world, "1000.40", "1000.60")
    world.desk.mark_returned("1001", by=ANNA)
    options = world.desk.refund_options("1001")
    assert [one.suggested for one in options] == [huf("1000"), huf("1000")]
    assert "HUF\N{NO-BREAK SPACE}1 " in options[0].because.text("en")


@pytest.mark.parametrize("how", ["refund", "open_refund_link"])
def test_an_amount_that_the_provider_never_pays_is_refused_with_the_two_beside_it(world: Any, how: str) -> None:
    world.open(steps=FORINTS)
    sold(world, "2990")
    with pytest.raises(InvalidAmount, match=r"steps of .*996.*997"):
        getattr(world.desk, how)("1001", "p_1", huf("996.67"), by=ANNA, request_id="f1")
    assert (world.ledger.calls, world.desk.dossier("1001").refunds) == (0, {})


@pytest.mark.parametrize("calls_it", ["paypal", "PayPal Express", "creditcard", ""])
@pytest.mark.parametrize("method", ["paypal", "ideal", ""])
def test_what_is_suggested_first_can_be_paid_whatever_the_shop_calls_the_way_of_paying(
    world: Any, method: str, calls_it: str
) -> None:
    """The provider's own word is not known yet: the largest step that it can be is paid in any case. Once it is known,
    all that is left can go back, in its steps."""
    world.open("manual_transfer", steps=BY_METHOD)
    sold(world, "2990.40", method=calls_it)
    world.ledger.methods = {"p_1": method}
    gone = []
    for form in ("1", "2", "3", "4"):
        if form != "4":
            comes_back(world, form)
        [option] = world.desk.refund_options("1001")
        if option.suggested:
            made = world.desk.refund("1001", "p_1", option.suggested, by=ANNA, request_id=f"refund {form}").refund
            assert made.state == "succeeded"
            gone.append(made.amount)
    assert gone[0] == huf("997")
    [option] = world.desk.refund_options("1001")
    in_parts = method == "ideal"
    assert (option.left, option.remainder) == ((huf("0"), None) if in_parts else (huf("0.40"), huf("0.40")))


@pytest.mark.parametrize(("calls_it", "remainder"), [("paypal", "0.40"), ("creditcard", None)])
def test_a_remainder_is_told_before_anybody_asked_where_the_shop_says_how_it_was_paid(
    world: Any, calls_it: str, remainder: str | None
) -> None:
    world.open(steps=BY_METHOD)
    sold(world, "2990.40", method=calls_it)
    world.desk.mark_returned("1001", by=ANNA)
    [option] = world.desk.refund_options("1001")
    assert (option.suggested, option.remainder) == (huf("2990"), None if remainder is None else huf(remainder))


@pytest.mark.parametrize(("method", "can"), [("paypal", False), ("ideal", True), ("", False)])
def test_the_step_is_that_of_the_way_of_paying(world: Any, method: str, can: bool) -> None:
    """By the provider's word; where it has none, the largest that it can be."""
    world.open(steps=BY_METHOD)
    sold(world, "2990")
    world.ledger.methods = {"p_1": method}
    made = world.desk.open_refund_link("1001", "p_1", huf("500"), by=ANNA, request_id="f1").refund  # the books are read
    world.desk.cancel_refund("1001", made.id, by=ANNA)
    if can:
        assert world.desk.refund("1001", "p_1", huf("996.67"), by=ANNA, request_id="f2").refund.state == "succeeded"
    else:
        with pytest.raises(InvalidAmount, match="996"):
            world.desk.refund("1001", "p_1", huf("996.67"), by=ANNA, request_id="f2")


def test_a_policy_that_plans_what_cannot_be_paid_suggests_nothing_and_says_so(world: Any) -> None:
    class Exactly:
        name = "exactly"

        @hookimpl
        def refund_plan(self) -> list[RefundPlan]:
            return [RefundPlan(payment="ledger:p_1", amount=huf("996.67"))]

    world.open(Exactly(), steps=FORINTS)
    sold(world, "2990")
    comes_back(world, "1")
    [option] = world.desk.refund_options("1001")
    assert not option.suggested
    assert "steps of 100" in option.because.said


# --- what else a provider declares -----------------------------------------------------------------------


def test_a_currency_that_the_provider_does_not_declare_is_refused_before_it_is_asked(world: Any) -> None:
    calls: list[str] = []
    world.open(currencies=frozenset({"EUR", "USD"}))
    sold(world, "2990")
    world.ledger.watch = lambda call, _: calls.append(call)
    with pytest.raises(WrongState, match="does not refund HUF"):
        world.desk.refund("1001", "p_1", huf("100"), by=ANNA, request_id="f1")
    assert calls == []


@pytest.mark.parametrize(("days", "state"), [(179, "succeeded"), (182, "awaiting_merchant")])
def test_a_payment_that_is_older_than_the_provider_refunds_goes_by_transfer_and_is_not_sent(
    world: Any, days: int, state: str
) -> None:
    world.open(refund_window_days=180)
    sold(world, "2990", paid_at=world.now - datetime.timedelta(days=days))
    refund = world.desk.refund("1001", "p_1", huf("100"), by=ANNA, request_id="f1").refund
    assert (refund.state, refund.by_transfer) == (state, state == "awaiting_merchant")
    assert world.ledger.calls == (state == "succeeded")
