"""What nobody can refund now is offered by no way: no page, no transfer, no suggestion, and it says why."""

from __future__ import annotations

from typing import Any

import pytest

from retour import Actor, BankAccount, Consent, ConsentWay, Money, RefundPlan, WrongState, hookimpl
from retour.providers import ErrorCode
from retour.testing import a_line, a_payment, an_order

ANNA = Actor.staff("anna")
TO = BankAccount(name="J. Jansen", iban="NL91ABNA0417164300")
AGREED = Consent(how=ConsentWay.PHONE)

WHYS = {
    ErrorCode.DISPUTED: "a dispute is open: answer it in the dashboard",
    ErrorCode.NOT_YET: "it is authorised, and not captured",
    ErrorCode.ALREADY_REFUNDED: "everything is refunded",
}
EACH = pytest.mark.parametrize("code", WHYS)


def eur(amount: str) -> Money:
    return Money.of(amount, "EUR")


def closed(world: Any, code: ErrorCode, *plugins: object, payments: tuple[str, ...] = ()) -> Any:
    """All cups came back, and nothing of the payment ``p_1`` can be refunded."""
    world.open("manual_transfer", *plugins)
    if payments:
        world.ledger.paid = {one: eur("100") for one in payments}
        paid = [a_payment("100.00", provider="ledger", reference=one) for one in payments]
        world.shop.orders["1001"] = an_order(a_line("cup", 4, "200.00"), payments=paid)
    world.desk.mark_returned("1001", by=ANNA)
    world.ledger.closed["p_1"] = code, WHYS[code]
    world.ledger.disputed = {"p_1"} if code is ErrorCode.DISPUTED else set()
    return world


def opens(world: Any) -> None:
    """It can be refunded after all: the dispute is won, the payment was captured, the refund failed."""
    world.ledger.closed.clear()
    world.ledger.disputed.clear()


@EACH
def test_the_first_who_asks_is_refused_with_what_is_so_and_no_way_that_is_closed(world: Any, code: ErrorCode) -> None:
    closed(world, code)
    with pytest.raises(WrongState) as refused:
        world.refund("100.00")
    assert WHYS[code] in str(refused.value)
    assert "refund link" not in str(refused.value)
    assert "bank transfer" not in str(refused.value)
    with pytest.raises(WrongState, match=WHYS[code]):
        world.open_link("100.00")
    with pytest.raises(WrongState, match=WHYS[code]):
        world.refund("100.00", to=TO, consent=AGREED)
    assert (world.refunds, world.ledger.calls) == ([], 0)


@EACH
@pytest.mark.parametrize("asked_by", ["refund", "reconcile"])
def test_once_it_was_asked_nothing_is_suggested_and_the_link_leads_nowhere(
    world: Any, code: ErrorCode, asked_by: str
) -> None:
    closed(world, code)
    if asked_by == "refund":
        with pytest.raises(WrongState):
            world.refund("100.00")
    else:
        world.desk.reconcile("1001")
    [option] = world.desk.refund_options("1001")
    assert (option.left, option.suggested) == (eur("100"), eur("0"))
    assert (option.link.kind, option.link.url) == ("unavailable", "")
    for link in (option.link, world.desk.refund_link("1001", "p_1"), world.desk.refund_link("1001", "p_1", to=TO)):
        assert link.kind == "unavailable"
        assert WHYS[code] in link.instruction.render("en")
    assert WHYS[code] in option.because.text("en")
    assert any(WHYS[code] in one.text("en") for one in world.desk.timeline("1001"))
    assert not world.desk.reconcile("1001").changed, "it is said once"


@EACH
def test_what_can_go_back_after_all_is_suggested_as_before(world: Any, code: ErrorCode) -> None:
    """The control: nobody has to reconcile first to refund it."""
    closed(world, code).desk.reconcile("1001")
    opens(world)
    assert world.open_link("20.00").refund.state == "awaiting_merchant"
    [option] = world.desk.refund_options("1001")
    assert (option.suggested, option.because, option.link.kind) == (eur("80"), None, "provider_page")
    assert world.refund("80.00").refund.state == "succeeded"


@EACH
def test_a_link_that_was_opened_before_leads_nowhere_as_long(world: Any, code: ErrorCode) -> None:
    world.open("manual_transfer")
    made = world.open_link("20.00").refund_id
    world.ledger.closed["p_1"] = code, WHYS[code]
    world.desk.reconcile("1001")
    assert world.desk.refund_link("1001", refund_id=made).kind == "unavailable"
    opens(world)
    world.desk.reconcile("1001")
    assert world.desk.refund_link("1001", refund_id=made).kind == "provider_page"


def test_a_plan_of_the_hosts_own_for_what_cannot_go_back_now_suggests_nothing_and_says_so(world: Any) -> None:
    class All:
        name = "all"

        @hookimpl
        def refund_plan(self) -> list[RefundPlan]:
            return [
                RefundPlan(payment="ledger:p_1", amount=eur("10")),
                RefundPlan(payment="ledger:p_2", amount=eur("10")),
            ]

    closed(world, ErrorCode.DISPUTED, All(), payments=("p_1", "p_2")).desk.reconcile("1001")
    disputed, other = world.desk.refund_options("1001")
    assert (disputed.suggested, other.suggested) == (eur("0"), eur("0"))
    assert "disputes" in disputed.because.text("en")
    assert "of which nothing can be refunded now" in other.because.said


def test_what_falls_on_a_payment_that_is_disputed_is_suggested_on_no_other(world: Any) -> None:
    """The customer may get it by the dispute. The other payment goes back as far as it falls on that."""
    closed(world, ErrorCode.DISPUTED, payments=("p_1", "p_2")).desk.reconcile("1001")
    assert [one.suggested for one in world.desk.refund_options("1001")] == [eur("0"), eur("100")]
    opens(world)
    world.desk.reconcile("1001")
    assert [one.suggested for one in world.desk.refund_options("1001")] == [eur("100"), eur("100")]


# --- only all of it, or nothing --------------------------------------------------------------------------


def test_of_what_goes_back_whole_or_not_at_all_no_part_is_suggested_opened_or_sent(world: Any) -> None:
    world.open("manual_transfer")
    world.desk.mark_returned("1001", {"cup": 1}, by=ANNA, request_id="one")
    world.ledger.disputed.add("p_1")
    world.ledger.only_whole.add("p_1")
    with pytest.raises(WrongState, match="only the whole payment"):
        world.refund("25.00")
    with pytest.raises(WrongState, match="only the whole payment"):
        world.open_link("25.00")
    [option] = world.desk.refund_options("1001")
    assert (option.suggested, option.link.kind) == (eur("0"), "provider_page")
    assert "only the whole payment" in option.because.text("en")
    assert world.ledger.calls == 0
    world.desk.mark_returned("1001", {"cup": 3}, by=ANNA, request_id="all")
    [option] = world.desk.refund_options("1001")
    assert (option.suggested, option.because) == (eur("100"), None)
    assert world.refund("100.00").refund.state == "succeeded"


def test_what_went_back_in_part_before_it_was_disputed_does_not_go_back_in_whole(world: Any) -> None:
    world.open("manual_transfer")
    world.refund("25.00")
    world.desk.mark_returned("1001", by=ANNA)
    world.ledger.disputed.add("p_1")
    world.ledger.only_whole.add("p_1")
    world.desk.reconcile("1001")
    [option] = world.desk.refund_options("1001")
    assert (option.left, option.suggested) == (eur("75"), eur("0"))
    assert "only the whole payment" in option.because.text("en")


def test_once_the_dispute_is_over_parts_go_back_again(world: Any) -> None:
    world.open()
    world.ledger.disputed.add("p_1")
    world.ledger.only_whole.add("p_1")
    with pytest.raises(WrongState):
        world.refund("25.00")
    world.ledger.disputed.clear()
    world.ledger.only_whole.clear()
    assert world.refund("25.00").refund.state == "succeeded"
