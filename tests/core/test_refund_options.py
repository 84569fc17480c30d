"""What can go back on which payment: amounts that add up, links, and a person's confirmation."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retour import (
    Actor,
    BankAccount,
    Counted,
    Delivery,
    LinkKind,
    MemoryShop,
    Money,
    Order,
    Paid,
    Payment,
    RefundLink,
    ReturnDesk,
    hookimpl,
    text,
)
from retour.model.errors import InvalidAmount, InvalidReference, RequestReused, UnknownPayment, UnknownReturn
from retour.model.money import total
from retour.rules.quote import goods_value
from retour.testing import a_line, a_payment, a_service, an_order

ANNA = Actor.staff("anna")
EUR = "EUR"


def opened(*orders: Order, plugins: Sequence[object] = ()) -> ReturnDesk:
    return ReturnDesk(shop=MemoryShop(orders), store="sqlite://", plugins=plugins)


def eur(amount: str) -> Money:
    return Money.of(amount, EUR)


STANDARD = Delivery(paid=Paid.of("4.95", EUR))
TEAPOT_AND_CUPS = an_order(a_line("teapot", 1, "50.00"), a_line("cup", 2, "40.00"), delivery=STANDARD)


# --- what is suggested -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "captured, back, suggested",
    [
        ("94.95", {"teapot": 1}, "50.00"),
        ("94.95", {"teapot": 1, "cup": 2}, "90.00"),
        ("94.95", {"cup": 1}, "20.00"),
        ("0.00", {"teapot": 1}, "0.00"),
        ("60.00", {"teapot": 1}, "15.05"),
    ],
)
def test_the_suggestion_is_what_the_goods_were_paid_less_what_is_still_owed(
    captured: str, back: dict[str, int], suggested: str
) -> None:
    """The last two rows are rule R6: an invoice that is not paid, or not paid in full."""
    order = an_order(
        a_line("teapot", 1, "50.00"),
        a_line("cup", 2, "40.00"),
        delivery=STANDARD,
        payments=[a_payment(captured)],
    )
    desk = opened(order)
    desk.mark_returned("1001", back, by=ANNA, request_id="form-1")
    assert desk.refund_options("1001")[0].suggested == eur(suggested)


def test_damaged_units_are_refunded_and_missing_or_wrong_ones_are_not_suggested() -> None:
    desk = opened(an_order(a_line("cup", 4, "40.00")))
    desk.mark_returned(
        "1001", [Counted(line_id="cup", sellable=1, damaged=1, missing=1, wrong=1)], by=ANNA, request_id="form-1"
    )
    assert desk.refund_options("1001")[0].suggested == eur("20.00")


def test_nothing_is_suggested_before_goods_came_back() -> None:
    desk = opened(TEAPOT_AND_CUPS)
    desk.request_return("1001", {"teapot": 1}, by=Actor.customer("c"), request_id="form-1")
    option = desk.refund_options("1001")[0]
    assert option.suggested == eur("0.00")
    assert option.left == eur("94.95")


def test_a_confirmed_refund_lowers_what_is_left_and_what_is_suggested() -> None:
    desk = opened(TEAPOT_AND_CUPS)
    desk.mark_returned("1001", by=ANNA)
    desk.confirm_refund("1001", "tr_1001", eur("30.00"), reference="re_1", by=ANNA, request_id="form-1")
    option = desk.refund_options("1001")[0]
    assert (option.refunded, option.left, option.suggested) == (eur("30.00"), eur("64.95"), eur("60.00"))


def test_the_suggestion_is_spread_over_several_payments_in_their_order() -> None:
    order = an_order(
        a_line("teapot", 1, "50.00"),
        payments=[a_payment("20.00", reference="tr_a"), a_payment("30.00", reference="tr_b")],
    )
    desk = opened(order)
    desk.mark_returned("1001", by=ANNA)
    assert [one.suggested for one in desk.refund_options("1001")] == [eur("20.00"), eur("30.00")]


def test_a_service_line_is_not_part_of_the_goods() -> None:
    desk = opened(an_order(a_line("cup", 1, "20.00"), a_service("postage", "4.95")))
    desk.mark_returned("1001", by=ANNA)
    assert desk.refund_options("1001")[0].suggested == eur("20.00")


@pytest.mark.parametrize(
    "gross, units, parts",
    [
        ("290.00", 3, ["96.67", "96.67", "96.66"]),  # an order discount of 10 on three units of 100 (Solidus)
        ("57.00", 3, ["19.00", "19.00", "19.00"]),  # not 19.00, 19.01, 18.99 (magento2#38388)
        ("10.00", 3, ["3.34", "3.33", "3.33"]),
        ("0.02", 3, ["0.01", "0.01", "0.00"]),
        ("0.00", 2, ["0.00", "0.00"]),
    ],
)
def test_units_that_come_back_one_by_one_sum_to_what_was_paid(gross: str, units: int, parts: list[str]) -> None:
    desk = opened(an_order(a_line("cup", units, gross, vat="21"), a_service("postage", "1.00")))
    before = eur("0.00")
    for number, part in enumerate(parts):
        desk.mark_returned("1001", {"cup": 1}, by=ANNA, request_id=f"form-{number}")
        now = desk.refund_options("1001")[0].suggested
        assert now - before == eur(part)
        before = now
    assert before == eur(gross)


@given(
    grosses=st.lists(st.integers(0, 99_999), min_size=1, max_size=5),
    units=st.integers(1, 9),
    rate=st.sampled_from(["0", "9", "21", "5.5"]),
    data=st.data(),
)
def test_any_split_of_an_order_sums_exactly_per_line_per_tax_rate_and_in_all(
    grosses: list[int], units: int, rate: str, data: st.DataObject
) -> None:
    lines = [a_line(f"{n}", units, f"{g // 100}.{g % 100:02}", vat=rate) for n, g in enumerate(grosses)]
    order = an_order(*lines)
    left = {line.id: line.ordered for line in order.lines}
    back: dict[str, int] = dict.fromkeys(left, 0)
    pieces = []
    while any(left.values()):
        take = {name: data.draw(st.integers(0, rest)) for name, rest in left.items()}
        if not any(take.values()):
            take = dict(left)
        pieces.append(goods_value(order, take, after=back))
        for name, number in take.items():
            left[name] -= number
            back[name] += number
    for line in order.lines:
        shares = [piece.lines[line.id] for piece in pieces if line.id in piece.lines]
        assert total([share.gross for share in shares], EUR) == line.paid.gross
        for position, part in enumerate(line.paid.taxes):
            assert total([share.taxes[position].tax for share in shares], EUR) == part.tax
            assert total([share.taxes[position].net for share in shares], EUR) == part.net
        assert all(share.gross == total([tax.gross for tax in share.taxes], EUR) for share in shares)
        assert all(share.gross.minor >= 0 for share in shares)
    assert total([piece.gross for piece in pieces], EUR) == total([line.paid.gross for line in order.lines], EUR)


# --- links -----------------------------------------------------------------------------------------------


def test_a_payment_whose_plugin_is_not_loaded_still_gets_an_answer() -> None:
    link = opened(TEAPOT_AND_CUPS).refund_link("1001", "tr_1001", eur("5.00"))
    assert link.kind is LinkKind.UNAVAILABLE
    said = link.instruction.render("en")
    assert "Mollie" in said
    assert "€5.00" in said
    assert "tr_1001" in said


class OwnLink:
    """A host's own refund_link."""

    name = "own-link"

    def __init__(self, answer: object) -> None:
        self.answer = answer

    @hookimpl
    def refund_link(self, payment: Payment) -> object:
        if isinstance(self.answer, BaseException):
            raise self.answer
        return self.answer


OURS = RefundLink(
    kind=LinkKind.PROVIDER_PAGE, label=text("approve"), instruction=text("close"), url="https://a.example"
)


@pytest.mark.parametrize(
    "answer, kind",
    [
        (OURS, LinkKind.PROVIDER_PAGE),
        (None, LinkKind.UNAVAILABLE),
        (ValueError("broken"), LinkKind.UNAVAILABLE),
        (SystemExit(3), LinkKind.UNAVAILABLE),
        ("https://a.example", LinkKind.UNAVAILABLE),
    ],
)
def test_the_hosts_own_link_comes_first_and_a_broken_one_gives_the_providers(answer: object, kind: LinkKind) -> None:
    desk = opened(TEAPOT_AND_CUPS, plugins=[OwnLink(answer)])
    assert desk.refund_link("1001", "tr_1001").kind is kind


@pytest.mark.parametrize("amount", ["0.00", "-1.00", "94.96"])
def test_a_link_for_an_amount_that_cannot_go_back_is_refused(amount: str) -> None:
    with pytest.raises(InvalidAmount, match="Order 1001"):
        opened(TEAPOT_AND_CUPS).refund_link("1001", "tr_1001", eur(amount))


def test_an_unknown_payment_is_refused_and_the_known_ones_are_named() -> None:
    with pytest.raises(UnknownPayment, match=r"tr_1001 \(Mollie\)"):
        opened(TEAPOT_AND_CUPS).refund_link("1001", "tr_9")


def test_a_reference_that_two_payments_share_must_be_named_with_its_provider() -> None:
    order = an_order(
        a_line("cup", 1, "20.00"),
        payments=[a_payment("10.00", reference="77"), a_payment("10.00", provider="stripe", reference="77")],
    )
    desk = opened(order)
    with pytest.raises(UnknownPayment, match=r"77 \(Mollie\), 77 \(Stripe\)") as refused:
        desk.refund_link("1001", "77")
    assert refused.value.in_code == "payment: 'mollie:77', 'stripe:77'"
    assert desk.refund_link("1001", "stripe:77").kind is LinkKind.UNAVAILABLE


# --- a person confirms -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "amount, error, match",
    [
        (Money.of("94.96", "EUR"), InvalidAmount, "€94.96 is more than the €94.95 that is left"),
        (Money.of("0", "EUR"), InvalidAmount, "above zero"),
        (Money.of("-5", "EUR"), InvalidAmount, "above zero"),
        (Money.of("5", "USD"), InvalidAmount, "paid in EUR"),
        ("5.00", InvalidAmount, "is no amount"),
    ],
)
def test_a_wrong_amount_is_refused_with_order_and_cause_and_nothing_changes(
    amount: object, error: type[Exception], match: str
) -> None:
    desk = opened(TEAPOT_AND_CUPS)
    with pytest.raises(error, match=match) as caught:
        desk.confirm_refund("1001", "tr_1001", amount, reference="re_1", by=ANNA, request_id="1")  # type: ignore[arg-type]
    assert "1001" in str(caught.value)
    assert desk.dossier("1001").refunds == {}


def test_two_refunds_of_the_same_amount_are_two_refunds() -> None:
    desk = opened(TEAPOT_AND_CUPS)
    for number in (1, 2):
        desk.confirm_refund("1001", "tr_1001", eur("25"), reference=f"re_{number}", by=ANNA, request_id=f"f{number}")
    assert desk.refund_options("1001")[0].refunded == eur("50.00")


def test_a_refund_reference_counts_once() -> None:
    desk = opened(TEAPOT_AND_CUPS)
    desk.confirm_refund("1001", "tr_1001", eur("25"), reference="re_1", by=ANNA, request_id="form-1")
    with pytest.raises(InvalidReference, match=r"refund re_1 of €25\.00 was confirmed before"):
        desk.confirm_refund("1001", "tr_1001", eur("25"), reference=" re_1 ", by=ANNA, request_id="form-2")


def test_a_double_click_confirms_once_and_gives_the_first_outcome_again() -> None:
    desk = opened(TEAPOT_AND_CUPS)
    once, twice = [
        desk.confirm_refund("1001", "tr_1001", eur("25"), reference="re_1", by=ANNA, request_id="form-1")
        for _ in range(2)
    ]
    assert once.changed
    assert not twice.changed
    assert once.refund_id == twice.refund_id
    assert desk.refund_options("1001")[0].refunded == eur("25.00")


def test_a_request_id_used_for_something_else_is_refused() -> None:
    desk = opened(TEAPOT_AND_CUPS)
    desk.confirm_refund("1001", "tr_1001", eur("25"), reference="re_1", by=ANNA, request_id="form-1")
    with pytest.raises(RequestReused, match="used before for something else"):
        desk.confirm_refund("1001", "tr_1001", eur("26"), reference="re_1", by=ANNA, request_id="form-1")
    with pytest.raises(RequestReused, match="used before for something else"):
        desk.mark_returned("1001", {"cup": 1}, by=ANNA, request_id="form-1")


@pytest.mark.parametrize("reference", ["", "   ", "x" * 141, "4111 1111 1111 1111", None])
def test_a_reference_that_is_empty_too_long_or_a_card_number_is_refused(reference: str) -> None:
    with pytest.raises(InvalidReference, match="Order 1001"):
        opened(TEAPOT_AND_CUPS).confirm_refund(
            "1001", "tr_1001", eur("1"), reference=reference, by=ANNA, request_id="form-1"
        )


def test_a_refund_can_name_its_return_and_no_other() -> None:
    desk = opened(TEAPOT_AND_CUPS)
    return_id = desk.mark_returned("1001", by=ANNA).return_id
    with pytest.raises(UnknownReturn):
        desk.confirm_refund(
            "1001", "tr_1001", eur("1"), reference="re_1", by=ANNA, request_id="f", return_id="rt_other"
        )
    desk.confirm_refund("1001", "tr_1001", eur("1"), reference="re_1", by=ANNA, request_id="f", return_id=return_id)
    (refund,) = desk.dossier("1001").refunds.values()
    assert refund.return_id == return_id


def test_a_refund_without_goods_and_goods_without_a_refund_are_both_legal() -> None:
    desk = opened(TEAPOT_AND_CUPS, an_order(a_line("cup", 1), order_id="1002"))
    desk.confirm_refund("1001", "tr_1001", eur("5"), reference="goodwill", by=ANNA, request_id="form-1")
    desk.mark_returned("1002", by=ANNA)
    assert desk.dossier("1001").returns == {}
    assert desk.dossier("1002").refunds == {}


def test_personal_data_of_the_payer_never_enters_an_event() -> None:
    order = an_order(
        a_line("cup", 1, "20.00"),
        payments=[
            a_payment(
                "20.00", provider="manual_transfer", payer=BankAccount(name="A. Holder", iban="NL91ABNA0417164300")
            )
        ],
        delivery=Delivery(paid=Paid.of("0", EUR), postal_code="1234 AB", country="NL"),
        customer="c-17",
    )
    desk = opened(order)
    desk.mark_returned("1001", by=ANNA, note="left with the neighbour at number 9")
    with desk._services.store.engine.connect() as connection:
        bodies = "".join(row[0] for row in connection.exec_driver_sql("SELECT body FROM retour_event"))
        effects = "".join(row[0] for row in connection.exec_driver_sql("SELECT body FROM retour_effect"))
    for personal in ("A. Holder", "NL91ABNA", "1234 AB", "neighbour", "c-17"):
        assert personal not in bodies + effects
