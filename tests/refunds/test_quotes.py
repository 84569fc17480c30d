"""What is owed for the goods that came back, how it falls on the payments, and the plan that may say otherwise."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Mapping, Sequence

import attrs
import pytest
from drafts import SECOND, a_draft, eur
from goods_events import found, order_became, received
from refund_events import ONE, ORDER, OTHER, external, failed, linked, planned, taken_back

from retour import Money, Order, Payment
from retour.model.dossier import Dossier
from retour.model.events.charge_backs import PaymentDisputed
from retour.model.events.event import Event
from retour.model.events.transfers import PaymentNotRefundable
from retour.model.reasons import Reason, ReasonCode, reason
from retour.model.refunds import RefundPlan, RefundQuote
from retour.rules.refunds import by_plan, quote, suggested_total, without_plan
from retour.testing import a_line, a_payment, a_service, an_order

Known = Event | datetime.timedelta
BACK, BOTH = received("rt-1", "rc-1", found("cup", 1)), received("rt-1", "rc-1", found("cup", 2))
COUNTED = linked("rf", "1.00")
NOT_YET = PaymentNotRefundable(payment=ONE.id, because=reason(ReasonCode.NOT_YET))
THIRDS: Mapping[str, int] = {ONE.id: 300, OTHER.id: 300}


def knows(order: Order, *known: Known) -> Dossier:
    return a_draft(order, *known).dossier


def by_steps(steps: Mapping[str, int]) -> Callable[[Payment], int]:
    return lambda payment: steps[payment.id]


def spread(quoted: RefundQuote) -> list[str]:
    return [str(share.suggested.decimal) for share in quoted.shares]


# --- what is owed ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "captured, known, owed",
    [
        ("94.95", (), "0.00"),
        ("94.95", (received("rt-1", "rc-1", found("teapot", 1)),), "50.00"),
        ("94.95", (received("rt-1", "rc-1", found("teapot", 1), found("cup", 1)),), "94.95"),
        ("60.00", (received("rt-1", "rc-1", found("teapot", 1)),), "15.05"),
        ("44.95", (received("rt-1", "rc-1", found("teapot", 1)),), "0.00"),
        ("44.94", (received("rt-1", "rc-1", found("teapot", 1)),), "0.00"),
        ("60.00", (received("rt-1", "rc-1", found("teapot", 1)), linked("rf", "5.00")), "10.05"),
        ("60.00", (received("rt-1", "rc-1", found("teapot", 1)), taken_back("5.00")), "10.05"),
        ("94.95", (received("rt-1", "rc-1", found("teapot", 1)), linked("rf", "20.00")), "30.00"),
        ("94.95", (received("rt-1", "rc-1", found("teapot", 1)), taken_back("20.00")), "30.00"),
        ("94.95", (received("rt-1", "rc-1", found("teapot", 1)), taken_back("20.00"), linked("rf", "30.00")), "0.00"),
        ("94.95", (received("rt-1", "rc-1", found("teapot", 1)), linked("rf", "60.00")), "0.00"),
        ("120.00", (received("rt-1", "rc-1", found("teapot", 1)), linked("rf", "20.00")), "30.00"),
        ("94.95", (received("rt-1", "rc-1", found("teapot", 1)), planned("rf", "20.00"), failed("rf")), "50.00"),
    ],
)
def test_what_came_back_is_owed_less_what_is_gone_and_what_is_still_due(
    captured: str, known: Sequence[Known], owed: str
) -> None:
    order = an_order(
        a_line("teapot", 1, "50.00"), a_line("cup", 1, "44.95"), payments=[a_payment(captured, reference="p_1")]
    )
    assert suggested_total(knows(order, *known), order) == eur(owed)


# --- how it falls on the payments ------------------------------------------------------------------------


@pytest.mark.parametrize(
    "known, suggested, left",
    [
        ((), ["0.00", "0.00"], ["100.00", "100.00"]),
        ((BACK,), ["100.00", "0.00"], ["100.00", "100.00"]),
        ((BOTH,), ["100.00", "100.00"], ["100.00", "100.00"]),
        ((BOTH, linked("rf", "60.00")), ["40.00", "100.00"], ["40.00", "100.00"]),
        ((BOTH, linked("rf", "60.00", OTHER.id)), ["100.00", "40.00"], ["100.00", "40.00"]),
        ((BOTH, taken_back("30.00")), ["70.00", "100.00"], ["70.00", "100.00"]),
        ((BACK, taken_back("80.00"), external("rf", amount="90.00")), ["0.00", "0.00"], ["0.00", "100.00"]),
        ((BOTH, taken_back("80.00"), external("rf", amount="90.00")), ["0.00", "30.00"], ["0.00", "100.00"]),
    ],
)
def test_what_is_owed_falls_on_the_payments_in_their_order_as_far_as_something_is_left(
    known: Sequence[Known], suggested: Sequence[str], left: Sequence[str]
) -> None:
    quoted = quote(knows(ORDER, *known), ORDER)
    assert spread(quoted) == suggested
    assert [share.left for share in quoted.shares] == [eur(one) for one in left]
    assert quoted.suggested == sum((eur(one) for one in suggested), start=eur("0"))
    assert (quoted.remainder, quoted.because) == (eur("0"), None)
    assert [(one.payment, one.step, one.remainder, one.held) for one in quoted.shares] == [
        (ONE, 1, None, None),
        (OTHER, 1, None, None),
    ]


def test_a_share_says_what_went_back_and_what_the_bank_has() -> None:
    dossier = knows(ORDER, BOTH, linked("rf", "60.00"), taken_back("30.00"), linked("rf2", "1.00", OTHER.id))
    shares = quote(dossier, ORDER).shares
    assert [(one.refunded, one.charged_back) for one in shares] == [
        (eur("60.00"), eur("30.00")),
        (eur("1.00"), eur("0.00")),
    ]


def test_units_that_nobody_has_inspected_are_counted_and_told() -> None:
    quoted = quote(knows(ORDER, received("rt-1", "rc-1", found("cup", 1, to_inspect=1))), ORDER)
    assert (quoted.suggested, quoted.to_inspect) == (eur("200.00"), {"cup": 1})


# --- in steps --------------------------------------------------------------------------------------------


def test_what_no_step_can_pay_is_a_remainder_of_the_payments_on_which_nothing_else_is_left() -> None:
    quoted = quote(knows(ORDER, BOTH), ORDER, by_steps(THIRDS))
    assert spread(quoted) == ["99.00", "99.00"]
    assert [one.remainder for one in quoted.shares] == [eur("1.00"), eur("1.00")]
    assert [one.step for one in quoted.shares] == [300, 300]
    assert (quoted.suggested, quoted.remainder) == (eur("198.00"), eur("2.00"))
    assert quoted.because == reason(ReasonCode.REMAINDER, amount="EUR 2.00")


def test_a_remainder_is_no_more_than_what_is_owed_and_belongs_to_the_first_payments() -> None:
    """No step pays the last euro of either payment, and one of the two is owed."""
    order = an_order(a_line("cup", 2, "199.00"), a_service("postage", "1.00"), payments=ORDER.payments)
    quoted = quote(knows(order, BOTH), order, by_steps(THIRDS))
    assert spread(quoted) == ["99.00", "99.00"]
    assert [one.remainder for one in quoted.shares] == [eur("1.00"), None]
    assert quoted.remainder == eur("1.00")


def test_what_another_payment_can_pay_is_no_remainder() -> None:
    quoted = quote(knows(ORDER, BACK), ORDER, by_steps({ONE.id: 300, OTHER.id: 1}))
    assert spread(quoted) == ["99.00", "1.00"]
    assert (quoted.remainder, quoted.because) == (eur("0"), None)


def test_what_no_step_can_ever_pay_is_told_by_the_step_that_is_known() -> None:
    quoted = quote(knows(ORDER, BOTH), ORDER, by_steps(THIRDS), by_steps({ONE.id: 1, OTHER.id: 700}))
    assert spread(quoted) == ["99.00", "99.00"]
    assert [one.remainder for one in quoted.shares] == [None, eur("2.00")]
    assert quoted.remainder == eur("2.00")


# --- what stands in the way ------------------------------------------------------------------------------


def test_of_a_payment_of_which_nothing_can_go_back_now_nothing_is_suggested_and_it_falls_on_no_other() -> None:
    quoted = quote(knows(ORDER, BACK, NOT_YET), ORDER)
    assert spread(quoted) == ["0.00", "0.00"]
    assert [one.held for one in quoted.shares] == [NOT_YET.because, None]
    assert quoted.suggested == eur("0")


def test_of_one_on_which_nothing_is_owed_nothing_is_said() -> None:
    assert [one.held for one in quote(knows(ORDER, NOT_YET), ORDER).shares] == [None, None]


def test_of_one_on_which_less_than_a_step_is_owed_it_is_said_and_is_no_remainder() -> None:
    order = an_order(a_line("cup", 1, "1.00"), payments=[a_payment("1.00", reference="p_1")])
    quoted = quote(knows(order, BACK, NOT_YET), order, lambda _: 300)
    assert [one.held for one in quoted.shares] == [NOT_YET.because]
    assert (quoted.remainder, quoted.because) == (eur("0"), None)


def test_while_only_the_whole_of_a_disputed_payment_can_go_back_no_part_is_suggested() -> None:
    dispute = PaymentDisputed(payment=ONE.id, disputed=True, only_whole=True)
    whole, part = quote(knows(ORDER, BACK, dispute), ORDER), quote(knows(ORDER, BACK, COUNTED, dispute), ORDER)
    assert (spread(whole), whole.shares[0].held) == (["100.00", "0.00"], None)
    assert (spread(part), part.shares[0].held) == (["0.00", "0.00"], reason(ReasonCode.ONLY_WHOLE))


def test_where_refunds_are_in_another_currency_nobody_can_count() -> None:
    quoted = quote(knows(ORDER, BOTH, external("rf", currency="USD")), ORDER)
    assert (quoted.suggested, spread(quoted)) == (eur("0"), ["0.00", "0.00"])
    assert quoted.because == reason(ReasonCode.OTHER_CURRENCY)


def test_where_a_payment_left_the_order_with_money_gone_back_on_it_nobody_can_count() -> None:
    fewer = attrs.evolve(ORDER, payments=(ONE,))
    dossier = knows(ORDER, BOTH, linked("rf", "60.00", OTHER.id), order_became(fewer))
    quoted = quote(dossier, fewer)
    assert (quoted.suggested, spread(quoted)) == (eur("0"), ["0.00"])
    assert quoted.because == reason(ReasonCode.PAYMENT_VANISHED, payment=OTHER.id)


TWO_LINES = an_order(a_line("cup", 1, "5.00"), a_line("bowl", 1, "3.00"))


@pytest.mark.parametrize(
    "cup, bowl, because",
    [
        ("5.00", "3.00", None),
        ("5.00", "2.00", {"line": "bowl"}),
        ("4.00", "2.00", {"lines": "bowl, cup"}),
    ],
)
def test_what_a_person_has_to_decide_about_lines_is_told_before_a_remainder(
    cup: str, bowl: str, because: Mapping[str, str] | None
) -> None:
    now = an_order(a_line("cup", 1, cup), a_line("bowl", 1, bowl), payments=[a_payment("8.00")])
    before = attrs.evolve(TWO_LINES, payments=now.payments)
    dossier = knows(before, received("rt-1", "rc-1", found("cup", 1), found("bowl", 1)), SECOND, order_became(now))
    for step in (1, 300):
        said = quote(dossier, now, lambda _, step=step: step).because  # type: ignore[misc]
        if because is None:
            assert said is None or said.code is ReasonCode.REMAINDER
        else:
            assert said is not None
            told = {name: said.values.get(name) for name in because}
            assert {name: sorted(str(value).split(", ")) for name, value in told.items()} == {
                name: value.split(", ") for name, value in because.items()
            }
            assert said.code is (ReasonCode.SEVERAL_LINES if "lines" in because else ReasonCode.LINE_REPRICED)


# --- by a plan -------------------------------------------------------------------------------------------


def a_plan(*amounts: str, payments: Sequence[Payment] = (ONE, OTHER)) -> list[RefundPlan]:
    return [RefundPlan(payment=one.id, amount=eur(amount)) for one, amount in zip(payments, amounts, strict=False)]


def test_a_plan_says_how_much_goes_back_on_each_payment() -> None:
    quoted = quote(knows(ORDER, BACK), ORDER)
    assert spread(by_plan(quoted, a_plan("0.00", "100.00"))) == ["0.00", "100.00"]
    assert spread(by_plan(quoted, a_plan("40.00"))) == ["40.00", "0.00"], "what it leaves out gets nothing"


def test_who_plans_himself_is_told_of_the_lines_and_of_no_remainder() -> None:
    quoted = quote(knows(ORDER, BOTH), ORDER, by_steps(THIRDS))
    planned_ = by_plan(quoted, a_plan("99.00", "99.00"))
    assert (planned_.remainder, planned_.because) == (None, None)
    assert [one.remainder for one in planned_.shares] == [None, None]
    lines = reason(ReasonCode.SEVERAL_LINES, lines="cup")
    assert by_plan(attrs.evolve(quoted, because=lines), ()).because == lines
    assert by_plan(attrs.evolve(quoted, because=None), ()).because is None


STRANGE = a_payment("1.00", reference="p_9")


@pytest.mark.parametrize(
    "known, plan, step, fault",
    [
        ((), a_plan("1.00", payments=[STRANGE]), 1, "there is no payment mollie:p_9"),
        ((), a_plan("1.00", "1.00", payments=[ONE, ONE]), 1, "payment mollie:p_1 is planned twice"),
        (
            (NOT_YET,),
            a_plan("1.00"),
            1,
            f"EUR 1.00 of payment mollie:p_1, of which nothing can be refunded now: {NOT_YET.because}",
        ),
        ((), a_plan("1.00"), 300, "EUR 1.00 of payment mollie:p_1, which is paid in steps of 300 minor units"),
        ((), a_plan("100.01"), 1, "EUR 100.01 of payment mollie:p_1, of which EUR 100.00 is left"),
        ((), a_plan("-0.01"), 1, "EUR -0.01 of payment mollie:p_1, of which EUR 100.00 is left"),
        (
            (),
            [RefundPlan(payment=ONE.id, amount=Money.of("1.00", "USD"))],
            1,
            "USD 1.00 of payment mollie:p_1, of which EUR 100.00 is left",
        ),
    ],
)
def test_a_plan_that_cannot_be_followed_is_refused(
    known: Sequence[Known], plan: Sequence[RefundPlan], step: int, fault: str
) -> None:
    quoted = quote(knows(ORDER, BACK, *known), ORDER, lambda _: step)
    with pytest.raises(ValueError) as caught:
        by_plan(quoted, plan)
    assert str(caught.value) == fault


def test_nothing_may_be_planned_of_a_payment_of_which_nothing_can_go_back_now() -> None:
    quoted = quote(knows(ORDER, BACK, NOT_YET), ORDER)
    assert spread(by_plan(quoted, a_plan("0.00", "100.00"))) == ["0.00", "100.00"]


def test_all_that_is_left_can_be_planned() -> None:
    quoted = quote(knows(ORDER, BACK, linked("rf", "60.00")), ORDER)
    assert spread(by_plan(quoted, a_plan("40.00", "100.00"))) == ["40.00", "100.00"]


def test_without_a_plan_nothing_is_suggested_and_it_is_said_why() -> None:
    why: Reason = reason(ReasonCode.HELD)
    quoted = without_plan(quote(knows(ORDER, BACK), ORDER), why)
    assert (spread(quoted), quoted.because) == (["0.00", "0.00"], why)
