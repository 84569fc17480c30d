"""The books of a sandbox: what is left of a payment, how refunds go on by themselves, what there is on the balance."""

from __future__ import annotations

import datetime
from typing import Any

import pytest

from retour.providers import Money, RefundStatus
from retour.sandbox import Ledger, Lifecycle, SandboxClock, SandboxPayment, SandboxRefund, Step

DAY = datetime.timedelta(days=1)
PAID = Money.of("94.95", "EUR")
PART = Money.of("44.95", "EUR")
STATUSES = {
    "open": RefundStatus.PENDING,
    "sent": RefundStatus.PENDING,
    "done": RefundStatus.SUCCEEDED,
    "failed": RefundStatus.FAILED,
    "cancelled": RefundStatus.CANCELLED,
}
SLOW = (Step(status="open"), Step(status="sent", after=DAY), Step(status="done", after=2 * DAY))
AT_ONCE = (Step(status="done"),)


class Books:
    """A ledger with one payment, and everything that it told."""

    def __init__(self, *way: Step, **lifecycle: Any) -> None:
        self.clock = SandboxClock()
        self.told: list[tuple[str, str, datetime.datetime]] = []
        self.ledger = Ledger(
            lifecycle=Lifecycle(statuses=STATUSES, way=way or SLOW, **lifecycle), clock=self.clock, tell=self.tell
        )
        self.payment = self.ledger.add(SandboxPayment(id="pay_1", amount=PAID, made_at=self.clock.now()))

    def tell(self, refund: SandboxRefund) -> None:
        self.told.append((refund.before, refund.status, refund.changed_at))

    def refund(self, amount: Money = PART, **more: Any) -> SandboxRefund:
        return self.ledger.refund(self.payment, amount, reference=f"re_{len(self.ledger.refunds)}", said={}, **more)

    def advance(self, by: datetime.timedelta) -> None:
        self.clock.advance(by)
        self.ledger.settle()

    @property
    def statuses(self) -> list[str]:
        return [refund.status for refund in self.payment.refunds]


# --- going on by itself ----------------------------------------------------------------------------------


def test_a_refund_goes_its_way_step_by_step_and_tells_each() -> None:
    books = Books()
    began = books.clock.now()
    books.refund()
    books.advance(DAY)
    assert books.statuses == ["sent"]
    books.advance(DAY)
    assert books.statuses == ["sent"]
    books.advance(DAY)
    assert books.told == [("", "open", began), ("open", "sent", began + DAY), ("sent", "done", began + 3 * DAY)]


def test_a_long_time_makes_every_step_each_when_it_was_due() -> None:
    books = Books()
    began = books.clock.now()
    books.refund()
    books.advance(100 * DAY)
    assert [(status, since - began) for _, status, since in books.told] == [
        ("open", 0 * DAY),
        ("sent", DAY),
        ("done", 3 * DAY),
    ]


def test_a_refund_can_have_a_way_of_its_own() -> None:
    books = Books()
    books.refund(way=[Step(status="done"), Step(status="failed", after=3 * DAY, reason="account closed")])
    assert books.statuses == ["done"]
    books.advance(3 * DAY)
    [refund] = books.payment.refunds
    assert (refund.status, refund.reason, refund.before) == ("failed", "account closed", "done")


def test_a_word_that_is_not_known_is_pending() -> None:
    assert Books().ledger.lifecycle.meaning("new word") is RefundStatus.PENDING
    assert Books().ledger.lifecycle.counts("new word")


def test_a_provider_without_a_word_says_so() -> None:
    lifecycle = Lifecycle(statuses={"done": RefundStatus.SUCCEEDED}, way=AT_ONCE)
    with pytest.raises(ValueError, match="No refund of this provider is ever cancelled"):
        lifecycle.word(RefundStatus.CANCELLED)


# --- held ------------------------------------------------------------------------------------------------


def test_while_they_are_held_refunds_stay_as_they_are() -> None:
    books = Books()
    books.refund()
    books.advance(DAY)
    books.ledger.hold()
    books.refund()
    books.advance(100 * DAY)
    assert books.statuses == ["sent", "open"]


def test_a_held_refund_that_would_be_done_at_once_is_pending() -> None:
    books = Books(*AT_ONCE)
    books.ledger.hold()
    books.refund()
    assert books.statuses == ["open"]
    books.advance(100 * DAY)
    books.ledger.release()
    assert books.statuses == ["done"]


def test_what_is_due_is_done_before_the_bank_stands_still() -> None:
    books = Books()
    books.refund()
    books.clock.advance(DAY)
    books.ledger.hold()
    assert books.statuses == ["sent"]


def test_what_was_held_goes_as_far_as_it_is_due_when_it_is_released_and_changes_then() -> None:
    books = Books()
    refund = books.refund()
    books.ledger.hold()
    books.advance(10 * DAY)
    assert refund.changed_at == refund.made_at
    books.ledger.release()
    assert [status for _, status, _ in books.told] == ["open", "sent", "done"]
    assert {changed_at for _, _, changed_at in books.told[1:]} == {books.clock.now()}


def test_what_was_not_due_is_not_early_when_it_is_released() -> None:
    books = Books()
    books.refund()
    books.ledger.hold()
    books.advance(DAY / 2)
    books.ledger.release()
    assert books.statuses == ["open"]
    books.advance(DAY / 2)
    assert books.statuses == ["sent"]


# --- ending ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("days", [0, 1, 3])
def test_a_refund_fails_at_any_time_stays_failed_and_its_money_is_left_again(days: int) -> None:
    books = Books()
    refund = books.refund()
    books.advance(days * DAY)
    assert books.payment.left == PAID - PART
    books.ledger.end(refund, RefundStatus.FAILED, reason="declined")
    assert (books.payment.left, refund.reason) == (PAID, "declined")
    books.advance(100 * DAY)
    assert books.statuses == ["failed"]


def test_what_ended_does_not_end_again() -> None:
    books = Books()
    refund = books.refund()
    books.ledger.end(refund, RefundStatus.CANCELLED)
    with pytest.raises(ValueError, match="re_0 has ended already: cancelled"):
        books.ledger.end(refund, RefundStatus.FAILED)


def test_a_refund_that_is_not_there_is_said() -> None:
    with pytest.raises(ValueError, match="There is no refund re_9"):
        Books().ledger.made("re_9")


# --- the balance -----------------------------------------------------------------------------------------


def balanced(euros: str, *way: Step, **lifecycle: Any) -> Books:
    books = Books(*way, **lifecycle)
    books.ledger.balance["EUR"] = Money.of(euros, "EUR")
    return books


def test_where_nothing_is_said_there_is_always_enough() -> None:
    books = balanced("0")
    assert not books.ledger.covers(PART)
    assert books.ledger.covers(Money.of("1000000", "USD"))


def test_a_refund_takes_from_the_balance_and_gives_it_back_once_when_it_fails() -> None:
    books = balanced("50")
    refund = books.refund()
    assert books.ledger.balance["EUR"] == Money.of("5.05", "EUR")
    books.ledger.end(refund, RefundStatus.FAILED)
    assert books.ledger.balance["EUR"] == Money.of("50", "EUR")


def test_a_refund_that_is_too_high_waits_and_goes_its_way_once_there_is_enough() -> None:
    books = balanced("40", waits_for_balance="waiting")
    books.refund()
    books.advance(100 * DAY)
    assert (books.statuses, books.ledger.balance["EUR"]) == (["waiting"], Money.of("40", "EUR"))
    books.ledger.balance["EUR"] = Money.of("50", "EUR")
    books.ledger.settle()
    assert (books.statuses, books.ledger.balance["EUR"]) == (["open"], Money.of("5.05", "EUR"))
    books.advance(DAY)
    assert books.statuses == ["sent"]


def test_a_refund_that_waits_for_balance_can_be_cancelled_and_gives_back_nothing() -> None:
    books = balanced("40", waits_for_balance="waiting")
    books.ledger.end(books.refund(), RefundStatus.CANCELLED)
    books.ledger.balance["EUR"] = Money.of("50", "EUR")
    books.ledger.settle()
    assert (books.statuses, books.ledger.balance["EUR"]) == (["cancelled"], Money.of("50", "EUR"))


def test_a_refund_that_fails_at_once_takes_nothing() -> None:
    books = balanced("40", waits_for_balance="waiting")
    books.refund(way=[Step(status="failed", reason="too little")])
    assert (books.statuses, books.ledger.balance["EUR"]) == (["failed"], Money.of("40", "EUR"))


# --- what is left, and what the bank takes back ----------------------------------------------------------


def test_what_is_left_is_what_was_paid_and_comes_with_it_less_what_went_back() -> None:
    books = Books()
    books.payment.extra = Money.of("5", "EUR")
    books.refund()
    assert books.payment.left == PAID + Money.of("5", "EUR") - PART
    books.ledger.charge_back(books.payment, Money.of("10", "EUR"), reference="cb_1")
    assert books.payment.left == Money.of("45", "EUR")
    assert books.payment.charged_back == Money.of("10", "EUR")


def test_the_bank_takes_back_what_was_refunded_too_and_nothing_is_left() -> None:
    books = Books()
    books.refund(PAID)
    assert books.ledger.charge_back(books.payment, None, reference="cb_1").amount == PAID
    assert (books.payment.left, books.payment.refunded) == (Money.zero("EUR"), PAID)


def test_what_the_bank_takes_back_it_takes_from_the_balance_however_low_that_is() -> None:
    books = balanced("40")
    books.ledger.charge_back(books.payment, PART, reference="cb_1")
    assert books.ledger.balance["EUR"] == Money(minor=-495, currency="EUR")


@pytest.mark.parametrize("amount", [Money.of("94.96", "EUR"), Money.zero("EUR"), Money.of("1", "USD")])
def test_the_bank_takes_back_no_more_than_was_paid(amount: Money) -> None:
    books = Books()
    with pytest.raises(ValueError, match=r"cannot be charged back: €94\.95 is not charged back yet"):
        books.ledger.charge_back(books.payment, amount, reference="cb_1")
    books.ledger.charge_back(books.payment, None, reference="cb_1")
    with pytest.raises(ValueError, match="cannot be charged back"):
        books.ledger.charge_back(books.payment, None, reference="cb_2")


def test_what_the_bank_gives_back_is_on_the_balance_and_left_again() -> None:
    books = balanced("40")
    first = books.ledger.charge_back(books.payment, PART, reference="cb_1")
    books.ledger.charge_back(books.payment, Money.of("10", "EUR"), reference="cb_2")
    books.ledger.give_back(books.payment)
    assert (books.payment.left, books.payment.charged_back) == (PAID, Money.zero("EUR"))
    assert (books.ledger.balance["EUR"], first.reversed_at) == (Money.of("40", "EUR"), books.clock.now())
    with pytest.raises(ValueError, match="nothing of"):
        books.ledger.give_back(books.payment)


# --- names -----------------------------------------------------------------------------------------------


def test_a_payment_is_found_by_each_of_its_names_and_as_the_only_one_of_an_order() -> None:
    ledger = Books().ledger
    paid = SandboxPayment(id="pay_2", names=("charge_2",), amount=PAID, made_at=datetime.datetime.now(datetime.UTC))
    ledger.add(paid, order="order_2")
    assert ledger.names(paid) == ["pay_2", "charge_2", "order_2"]
    assert all(ledger.stored(name) is paid and ledger.knows(name) for name in ledger.names(paid))


def test_an_order_of_none_or_several_payments_is_no_payment() -> None:
    books = Books()
    other = SandboxPayment(id="pay_2", amount=PAID, made_at=books.clock.now())
    books.ledger.add(other, order="order_2")
    books.ledger.orders["order_2"].append(books.payment)
    books.ledger.orders["order_3"] = []
    assert books.ledger.names(other) == ["pay_2"]
    for order in ("order_2", "order_3", "order_4"):
        with pytest.raises(ValueError, match=f"There is no payment {order}"):
            books.ledger.stored(order)


# --- payouts and delays ----------------------------------------------------------------------------------


def another(books: Books, amount: Money, name: str) -> None:
    books.ledger.add(SandboxPayment(id=name, amount=amount, made_at=books.clock.now()))


def test_what_was_paid_and_is_not_gone_is_paid_out_and_then_only_what_comes_in_is_there() -> None:
    books = Books(waits_for_balance="waiting")
    another(books, Money.of("1200", "JPY"), "pay_yen")
    books.refund()
    books.ledger.charge_back(books.payment, Money.of("10", "EUR"), reference="cb_1")
    payout = books.ledger.pay_out("EUR", reference="po_1")
    assert (payout.amount, payout.made_at) == (Money.of("40", "EUR"), books.clock.now())
    assert books.ledger.on_balance("EUR") == Money.zero("EUR")
    assert books.ledger.on_balance("JPY") == Money.of("1200", "JPY")
    books.refund(Money.of("1", "EUR"))
    assert books.statuses == ["open", "waiting"]
    another(books, Money.of("5", "EUR"), "pay_2")
    books.ledger.settle()
    assert books.statuses == ["open", "open"]
    assert books.ledger.pay_out("EUR", reference="po_2").amount == Money.of("4", "EUR")
    assert [one.id for one in books.ledger.payouts] == ["po_1", "po_2"]


def test_what_is_not_there_or_below_zero_is_not_paid_out() -> None:
    books = Books()
    books.ledger.pay_out("EUR", reference="po_1")
    books.ledger.charge_back(books.payment, None, reference="cb_1")
    for currency, balance in (("EUR", r"-€94\.95"), ("USD", r"\$0\.00")):
        with pytest.raises(ValueError, match=f"nothing to pay out: the balance is {balance}"):
            books.ledger.pay_out(currency, reference="po_2")


def test_a_delay_puts_off_the_next_step_and_those_behind_it() -> None:
    books = Books()
    refund = books.refund()
    books.ledger.delay(refund, DAY)
    books.ledger.delay(refund, DAY)
    books.advance(2 * DAY)
    assert books.statuses == ["open"]
    books.advance(DAY)
    assert books.statuses == ["sent"]
    books.advance(2 * DAY)
    assert books.statuses == ["done"]


def test_what_goes_no_further_or_waits_for_balance_is_not_delayed() -> None:
    done, waiting = Books(*AT_ONCE), balanced("1", waits_for_balance="waiting")
    for books in (done, waiting):
        with pytest.raises(ValueError, match="nothing comes by itself that could be delayed"):
            books.ledger.delay(books.refund(), DAY)
