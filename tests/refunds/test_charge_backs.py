"""What the customer's bank took back is gone: it is not paid to him once more, and it is told."""

from __future__ import annotations

import datetime
from typing import Any

import pytest

from retour import Actor, BankAccount, Consent, ConsentWay, InvalidAmount, Money, WrongState
from retour.providers import ErrorCode, ProviderError, Support, WebhookTrust
from retour.testing import a_line, a_payment, an_order

ANNA = Actor.staff("anna")


def eur(amount: str) -> Money:
    return Money.of(amount, "EUR")


def taken_back(world: Any, amount: str) -> None:
    """By the customer's bank, as the provider says when it is asked."""
    world.ledger.taken_back["p_1"] = eur(amount)
    world.ledger.paid["p_1"] = eur("100") - eur(amount)


def told(world: Any) -> list[str]:
    return [entry.text("en") for entry in world.desk.timeline("1001", audience="staff")]


@pytest.mark.parametrize(("amount", "left"), [("100", "0"), ("25", "75"), ("0", "100")])
def test_goods_that_come_back_after_a_charge_back_are_paid_once(world: Any, amount: str, left: str) -> None:
    world.open()
    world.desk.mark_returned("1001", by=ANNA)
    taken_back(world, amount)
    world.desk.reconcile("1001")
    [option] = world.desk.refund_options("1001")
    assert (option.charged_back, option.left, option.suggested) == (eur(amount), eur(left), eur(left))


def test_a_refund_is_decided_on_what_the_books_say_of_the_bank(world: Any) -> None:
    """Nobody had told: it is read with the books, recorded, and refuses what is more than is left."""
    world.open()
    world.desk.mark_returned("1001", by=ANNA)
    taken_back(world, "25")
    with pytest.raises(InvalidAmount, match=r"bank took back €25\.00"):
        world.refund("100.00")
    assert "The customer's bank took back €25.00 of payment p_1 (Ledger Pay)." in told(world)
    assert world.refund("75.00").refund.state == "succeeded"
    assert world.went_back == 7500


@pytest.mark.parametrize(("amount", "anew"), [("0", True), ("60", True), ("61", False), ("100", False)])
def test_a_refund_that_failed_is_offered_anew_only_where_the_bank_leaves_as_much(
    world: Any, amount: str, *, anew: bool
) -> None:
    world.open()
    world.ledger.before = [ProviderError(ErrorCode.NOT_REFUNDABLE, "not now")]
    assert world.refund("40.00").refund.state == "failed"
    taken_back(world, amount)
    world.desk.reconcile("1001")
    (item,) = world.desk.attention("refund_failed").items
    assert ("refund" in item.can_do) is ("open_refund_link" in item.can_do) is anew
    if not anew:
        with pytest.raises(InvalidAmount):
            world.refund("40.00")


def test_who_refunds_while_the_bank_takes_money_back_is_told_before_more_goes_out(world: Any) -> None:
    """€50 of goods came back and the bank took €30: paying what was suggested before would pay some of it twice."""
    world.open()
    world.desk.mark_returned("1001", by=ANNA)
    taken_back(world, "30")
    held = world.refund("50.00").refund
    assert (held.state, held.problem.code, held.problem.values["amount"]) == (
        "planned",
        "charged_back_meanwhile",
        "EUR 30.00",
    )
    assert world.went_back == 0
    [item] = world.desk.attention("refund_held").items
    assert "retry_refund" in item.can_do
    assert world.desk.retry_refund("1001", held.id, by=ANNA).refund.state == "succeeded", "a person has seen it"
    assert world.went_back == 5000


@pytest.mark.parametrize("told", ["by a webhook", "when it is sent"])
def test_what_the_bank_took_back_since_a_refund_was_decided_holds_it_whoever_told(world: Any, told: str) -> None:
    world.open()
    world.ledger.before = [ProviderError(ErrorCode.RATE_LIMITED, "later")]
    world.refund("40.00")
    taken_back(world, "30")
    if told == "by a webhook":
        world.desk.reconcile("1001")
    world.later(datetime.timedelta(hours=1))
    [refund] = world.refunds
    assert (refund.state, refund.needs_person, refund.problem.code) == ("planned", True, "charged_back_meanwhile")
    assert world.desk.retry_refund("1001", refund.id, by=ANNA).refund.state == "succeeded"
    assert world.went_back == 4000


def test_who_let_a_refund_go_after_a_colleague_has_not_seen_what_the_bank_took_since(world: Any) -> None:
    world.open()
    world.ledger.before = [ProviderError(ErrorCode.RATE_LIMITED, "later")]
    refund_id = world.refund("20.00").refund_id
    world.ledger.add("p_1", eur("10"))
    world.later(datetime.timedelta(hours=1))
    assert world.desk.dossier("1001").refunds[refund_id].problem.code == "refunded_meanwhile"
    world.ledger.before = [ProviderError(ErrorCode.RATE_LIMITED, "later")]
    world.desk.retry_refund("1001", refund_id, by=ANNA)
    taken_back(world, "30")
    world.later(datetime.timedelta(hours=1))
    held = world.desk.dossier("1001").refunds[refund_id]
    assert (held.state, held.problem.code, held.problem.said) == ("planned", "charged_back_meanwhile", "EUR 10.00 re_1")
    assert world.went_back == 1000
    assert world.desk.retry_refund("1001", refund_id, by=ANNA).refund.state == "succeeded"


def test_what_the_bank_took_back_before_a_refund_was_decided_holds_nothing_up(world: Any) -> None:
    world.open(inline_seconds=0)
    taken_back(world, "30")
    world.desk.mark_returned("1001", by=ANNA)
    world.desk.reconcile("1001")
    world.refund("40.00")
    world.later(datetime.timedelta(hours=1))
    assert (world.states, world.went_back) == (["succeeded"], 4000)


def test_what_the_bank_gave_back_since_holds_nothing_up(world: Any) -> None:
    world.open(inline_seconds=0)
    taken_back(world, "30")
    world.desk.mark_returned("1001", by=ANNA)
    world.desk.reconcile("1001")
    world.refund("40.00")
    taken_back(world, "10")
    world.later(datetime.timedelta(hours=1))
    assert (world.states, world.went_back) == (["succeeded"], 4000)


def test_a_link_is_not_opened_on_what_was_left_before_the_bank_took_money_back(world: Any) -> None:
    world.open()
    world.desk.mark_returned("1001", by=ANNA)
    taken_back(world, "30")
    with pytest.raises(WrongState, match=r"bank took money back meanwhile: €30\.00.*Look at what is left"):
        world.open_link("50.00")
    assert world.refunds == []
    assert world.open_link("50.00").refund.state == "awaiting_merchant", "a person has seen it"


def test_a_refund_that_was_not_sent_yet_is_held_when_the_bank_took_its_money_back(world: Any) -> None:
    world.open()
    world.ledger.before = [ProviderError(ErrorCode.RATE_LIMITED, "later")]
    world.refund("80.00")
    taken_back(world, "100")
    world.later(datetime.timedelta(hours=1))
    [refund] = world.refunds
    assert (refund.state, refund.needs_person, world.went_back) == ("planned", True, 0)


@pytest.mark.parametrize("gives_back", [True, False])
def test_what_the_bank_has_is_not_sent_although_a_person_lets_it_go(world: Any, gives_back: bool) -> None:
    """Nobody's word brings it back; once the bank gave it back, the refund goes."""
    world.open()
    world.ledger.before = [ProviderError(ErrorCode.RATE_LIMITED, "later")]
    world.refund("80.00")
    taken_back(world, "40")
    world.ledger.paid["p_1"] = eur("100")  # this provider would refund it all the same
    world.later(datetime.timedelta(hours=1))
    [refund] = world.refunds
    assert "the customer's bank took back" in refund.problem.text("en")
    if gives_back:
        taken_back(world, "0")
    world.desk.retry_refund("1001", refund.id, by=ANNA)
    world.later(datetime.timedelta(hours=1))
    if not gives_back:
        world.desk.retry_refund("1001", refund.id, by=ANNA)
        world.later(datetime.timedelta(hours=1))
    [refund] = world.refunds
    assert (refund.state, world.went_back) == (("succeeded", 8000) if gives_back else ("planned", 0))


def test_what_the_bank_gives_back_can_be_refunded_again(world: Any) -> None:
    world.open()
    world.desk.mark_returned("1001", by=ANNA)
    taken_back(world, "100")
    world.desk.reconcile("1001")
    taken_back(world, "0")
    world.desk.reconcile("1001")
    [option] = world.desk.refund_options("1001")
    assert (option.charged_back, option.suggested) == (eur("0"), eur("100"))
    assert "The customer's bank gave back what it had taken of payment p_1 (Ledger Pay)." in told(world)
    assert world.desk.attention("charged_back").items == ()


@pytest.mark.parametrize("has_it_still", [True, False])
@pytest.mark.parametrize("how", ["by API", "by link"])
def test_what_the_bank_has_is_asked_before_a_refund_is_refused_for_it(world: Any, how: str, has_it_still: bool) -> None:
    """It gave it back, and no webhook told of it: nobody has to reconcile first."""
    world.open()
    taken_back(world, "100")
    world.desk.reconcile("1001")
    taken_back(world, "100" if has_it_still else "0")

    def refund() -> Any:
        if how == "by API":
            return world.refund("100.00")
        return world.desk.open_refund_link("1001", "p_1", eur("100"), by=ANNA, request_id="link")

    if has_it_still:
        with pytest.raises(InvalidAmount, match="bank took back"):
            refund()
    else:
        assert refund().refund.state == ("succeeded" if how == "by API" else "awaiting_merchant")
    assert world.went_back == (0 if has_it_still or how == "by link" else 10000)


def stores(world: Any, reference: str) -> None:
    payment = a_payment("100.00", provider="ledger", reference=reference)
    world.shop.orders["1001"] = an_order(a_line("cup", 4, "100.00"), payments=[payment])


@pytest.mark.parametrize("renamed", [True, False])
def test_what_the_bank_has_is_one_figure_whatever_the_shop_calls_the_payment(world: Any, renamed: bool) -> None:
    """It took some by one name, more by another, and gave back all: then nothing is with it, by any."""
    world.open()
    world.ledger.called = {"s_1": "p_1"}
    world.desk.mark_returned("1001", by=ANNA)
    taken_back(world, "25")
    world.desk.reconcile("1001")
    if renamed:
        stores(world, "s_1")
    for amount in ("35", "10", "0"):
        taken_back(world, amount)
        world.desk.reconcile("1001")
        [option] = world.desk.refund_options("1001")
        assert (option.charged_back, option.suggested) == (eur(amount), eur("100") - eur(amount))
        assert not world.desk.reconcile("1001").changed
    assert world.desk.attention("charged_back").items == ()


def test_what_the_bank_has_of_two_payments_that_a_person_calls_one_is_both(world: Any) -> None:
    world.open()
    world.ledger.paid["p_2"] = eur("100")
    world.desk.mark_returned("1001", {"cup": 1}, by=ANNA, request_id="return")
    world.refund("5.00")
    taken_back(world, "25")
    world.desk.reconcile("1001")
    stores(world, "p_2")
    world.desk.reconcile("1001")
    world.desk.explain_payment("1001", "p_1", became="p_2", by=ANNA)
    world.ledger.taken_back["p_2"] = eur("10")
    world.desk.reconcile("1001")
    [option] = world.desk.refund_options("1001")
    assert (option.refunded, option.charged_back, option.left) == (eur("5"), eur("35"), eur("60"))
    assert not world.desk.reconcile("1001").changed


@pytest.mark.parametrize("became", ["p_2", None])
def test_nothing_is_suggested_while_nobody_says_what_a_payment_became_of_which_a_bank_took(
    world: Any, became: str | None
) -> None:
    """It left the order with money gone, like one on which something was refunded."""
    world.open()
    world.ledger.paid["p_2"] = eur("100")
    world.desk.mark_returned("1001", by=ANNA)
    taken_back(world, "25")
    world.desk.reconcile("1001")
    stores(world, "p_2")
    [option] = world.desk.refund_options("1001")
    assert not option.suggested
    assert "p_1 (Ledger Pay)" in option.because.text("en")
    with pytest.raises(WrongState, match=r"€25\.00 went back, .* Say first what it became"):
        world.desk.refund("1001", "p_2", eur("100"), by=ANNA, request_id="form")
    assert "payment_vanished" in world.desk.attention_counts()
    world.desk.explain_payment("1001", "p_1", became=became, by=ANNA)
    [option] = world.desk.refund_options("1001")
    assert option.suggested == (eur("75") if became else eur("100"))
    assert "payment_vanished" not in world.desk.attention_counts()


def test_what_a_bank_gives_back_of_a_payment_that_left_the_order_is_read(world: Any) -> None:
    """Then no money is gone on it, and nobody has to say what it became."""
    world.open()
    world.ledger.paid["p_2"] = eur("100")
    world.desk.mark_returned("1001", by=ANNA)
    taken_back(world, "25")
    world.desk.reconcile("1001")
    stores(world, "p_2")
    world.desk.reconcile("1001")
    assert "payment_vanished" in world.desk.attention_counts()
    taken_back(world, "0")
    world.desk.reconcile("1001")
    assert world.desk.attention_counts() == {}
    assert world.desk.refund_options("1001")[0].suggested == eur("100")


def test_what_a_bank_takes_of_a_payment_that_became_another_counts_whenever_it_does(world: Any) -> None:
    """A person said what it became; the bank gave back what it had, and takes some of it again."""
    world.open()
    world.ledger.paid["p_2"] = eur("100")
    world.desk.mark_returned("1001", by=ANNA)
    taken_back(world, "25")
    world.desk.reconcile("1001")
    stores(world, "p_2")
    world.desk.reconcile("1001")
    world.desk.explain_payment("1001", "p_1", became="p_2", by=ANNA)
    for amount in ("0", "10"):
        taken_back(world, amount)
        world.desk.reconcile("1001")
        assert world.desk.refund_options("1001")[0].charged_back == eur(amount)


def test_it_is_said_once_however_often_the_books_are_read(world: Any) -> None:
    world.open()
    world.desk.mark_returned("1001", by=ANNA)
    taken_back(world, "25")
    assert world.desk.reconcile("1001").changed
    assert not world.desk.reconcile("1001").changed


def test_what_went_back_before_the_bank_took_all_of_it_is_counted_and_nothing_is_suggested(world: Any) -> None:
    world.open()
    world.desk.mark_returned("1001", by=ANNA)
    world.refund("40.00")
    taken_back(world, "100")
    world.desk.reconcile("1001")
    [option] = world.desk.refund_options("1001")
    assert (option.refunded, option.charged_back, option.left, option.suggested) == (
        eur("40"),
        eur("100"),
        eur("0"),
        eur("0"),
    )
    items = {item.kind: item.why.render("en") for item in world.desk.attention().items}
    assert items.keys() == {"charged_back", "beyond_order"}
    assert "€40.00 more than was paid" in items["beyond_order"]


# --- the provider tells of it, and does not show it ------------------------------------------------------


def told_of(world: Any, event: str = "ev_1") -> None:
    """A signed webhook says that money was taken back."""
    world.desk.receive_webhook("ledger", {"signature": "right"}, f"taken:p_1:{event}".encode())


def test_what_was_told_of_and_is_not_shown_is_for_a_person_and_nothing_is_suggested(world: Any) -> None:
    world.open("manual_transfer")
    world.desk.mark_returned("1001", by=ANNA)
    told_of(world)
    assert "does not show how much" in told(world)[-1]
    [item] = world.desk.attention("reversal_not_shown").items
    assert (item.about, item.can_do) == ("ledger:p_1", ("reconcile", "acknowledge"))
    [option] = world.desk.refund_options("1001")
    assert (option.charged_back, option.suggested) == (eur("0"), eur("0"))
    assert "does not show how much" in option.because.text("en")
    held = world.refund("40.00").refund
    assert (held.state, held.problem.code) == ("planned", "reversal_not_shown")
    to = {"to": BankAccount(name="J. Jansen", iban="NL91ABNA0417164300"), "consent": Consent(how=ConsentWay.PHONE)}
    assert world.refund("20.00", **to).refund.problem.code == "reversal_not_shown"
    assert world.went_back == 0
    assert world.desk.retry_refund("1001", held.id, by=ANNA).refund.state == "succeeded", "a person has looked"


def test_once_a_person_has_looked_it_goes_on_as_before(world: Any) -> None:
    world.open()
    world.desk.mark_returned("1001", by=ANNA)
    told_of(world)
    world.desk.acknowledge("1001", "reversal_not_shown", "ledger:p_1", by=ANNA)
    assert world.desk.attention().items == ()
    assert world.desk.refund_options("1001")[0].suggested == eur("100")
    assert world.refund("40.00").refund.state == "succeeded"
    world.later()
    told_of(world, "ev_2")
    assert "reversal_not_shown" in world.desk.attention_counts(), "it is told anew"


def test_what_is_shown_of_it_later_takes_its_place(world: Any) -> None:
    world.open()
    told_of(world)
    taken_back(world, "30")
    world.desk.reconcile("1001")
    assert [item.kind for item in world.desk.attention().items] == ["charged_back"]
    assert world.desk.refund_options("1001")[0].left == eur("70")


def test_what_is_shown_at_once_is_told_by_its_amount_alone(world: Any) -> None:
    """The control."""
    world.open()
    taken_back(world, "30")
    told_of(world)
    assert [item.kind for item in world.desk.attention().items] == ["charged_back"]


def test_the_same_webhook_twice_is_one_item(world: Any) -> None:
    world.open()
    told_of(world)
    before = len(told(world))
    told_of(world)
    assert len(told(world)) == before


def test_a_refund_that_waited_for_its_turn_is_held_when_it_is_told(world: Any) -> None:
    world.open()
    world.ledger.before = [ProviderError(ErrorCode.RATE_LIMITED, "later")]
    world.refund("40.00")
    told_of(world)
    world.later(datetime.timedelta(hours=1))
    [refund] = world.refunds
    assert (refund.state, refund.problem.code, world.went_back) == ("planned", "reversal_not_shown", 0)


def test_it_is_not_lost_where_nobody_knows_the_payment_by_that_name_yet(world: Any) -> None:
    """The shop stores another name of it: the provider is asked for the others first."""
    world.open(payment_names=Support.YES)
    world.ledger.called = {"s_1": "p_1"}
    stores(world, "s_1")
    told_of(world)
    world.shop.found = lambda _, name: "1001" if name == "s_1" else None
    for _ in range(3):
        world.later(datetime.timedelta(minutes=10))
    assert "reversal_not_shown" in world.desk.attention_counts()


def test_an_unsigned_webhook_that_tells_of_it_is_a_hint_and_no_more(world: Any) -> None:
    world.open(webhooks=WebhookTrust.FETCH)
    told_of(world)
    world.later(datetime.timedelta(hours=1))
    assert world.desk.attention().items == ()


def test_where_everything_is_at_the_bank_the_option_and_its_link_say_so(world: Any) -> None:
    world.open()
    world.desk.mark_returned("1001", by=ANNA)
    taken_back(world, "100")
    world.desk.reconcile("1001")
    [option] = world.desk.refund_options("1001")
    assert (option.left, option.because and option.because.code) == (eur("0"), "charged_back")
    assert "bank took back €100.00" in option.link.instruction.render("en")
    assert "heeft €\xa0100,00 teruggehaald" in option.link.instruction.render("nl")
    taken_back(world, "0")
    world.desk.reconcile("1001")
    [option] = world.desk.refund_options("1001")
    assert (option.suggested, option.because) == (eur("100"), None)
    world.refund("100.00")
    [option] = world.desk.refund_options("1001")
    assert option.because is None, "what was refunded is at no bank"
    assert "went back already" in option.link.instruction.render("en")
