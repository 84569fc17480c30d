"""An order whose currency changed after money went back: it is never unreadable, and nothing is counted wrong."""

from __future__ import annotations

from typing import Any

import attrs
import pytest

from retour import Actor, InvalidReference, MemoryShop, Money, NotPossibleNow, ReturnDesk
from retour.providers import RefundStatus
from retour.testing import a_line, a_payment, an_order

ANNA = Actor.staff("anna")
EUR = an_order(a_line("cup", 4, "100.00"), payments=[a_payment("100.00", reference="p_1")])
USD = an_order(
    a_line("cup", 4, "120.00", currency="USD"), payments=[a_payment("120.00", reference="p_1", currency="USD")]
)


@pytest.fixture
def desk() -> ReturnDesk:
    """EUR 40.00 went back, EUR 10.00 waits for the merchant, then the shop says that all of it was in dollars."""
    shop = MemoryShop([EUR])
    made = ReturnDesk(shop=shop, store="sqlite://")
    made.mark_returned("1001", {"cup": 1}, by=ANNA, request_id="cup")
    made.confirm_refund("1001", "p_1", Money.of("40", "EUR"), reference="re_1", by=ANNA, request_id="a")
    made.open_refund_link("1001", "p_1", Money.of("10", "EUR"), by=ANNA, request_id="b")
    shop.orders["1001"] = USD
    made.mark_returned("1001", by=ANNA)
    return made


def test_options_suggest_nothing_and_say_why(desk: ReturnDesk) -> None:
    (option,) = desk.refund_options("1001")
    assert option.suggested == Money.zero("USD")
    assert option.because is not None
    assert option.because.text("en") == "there are refunds in another currency than the order is in now"
    assert option.because.text("nl") == "er is terugbetaald in een andere valuta dan die van de bestelling nu"
    assert option.link.label.render("nl")


def test_links_timeline_and_lists_go_on(desk: ReturnDesk) -> None:
    assert desk.refund_link("1001", "p_1", Money.of("5", "USD")).label.render("nl")
    assert desk.refund_link("1001", "p_1").label.render("en")
    assert all(entry.text(language) for entry in desk.timeline("1001") for language in ("en", "nl"))
    assert len(desk.list_refunds().refunds) == 2


def test_somebody_has_to_look_at_such_an_order(desk: ReturnDesk) -> None:
    assert desk.dossier("1001").excess_over_order() == {"mollie:p_1": 5000}


def test_a_person_can_settle_what_waited_and_confirm_what_he_sees_at_the_provider(desk: ReturnDesk) -> None:
    desk.confirm_refund("1001", "p_1", Money.of("10", "EUR"), reference="re_2", by=ANNA, request_id="c")
    desk.confirm_refund("1001", "p_1", Money.of("7", "USD"), reference="re_3", by=ANNA, request_id="d")
    amounts = [str(refund.amount) for refund in desk.dossier("1001").refunds.values()]
    assert amounts == ["EUR 40.00", "EUR 10.00", "USD 7.00"]
    assert desk.dossier("1001").refunded("mollie:p_1", "USD") == Money.of("7", "USD")


def test_no_refund_goes_out_by_api_on_a_payment_that_cannot_be_counted(world: Any) -> None:
    world.open()
    world.refund("40.00")
    order = world.shop.orders["1001"]
    payment = attrs.evolve(order.payments[0], captured=Money.of("120", "USD"))
    world.shop.orders["1001"] = attrs.evolve(
        order, currency="USD", lines=(a_line("cup", 4, "120.00", currency="USD"),), payments=(payment,)
    )
    with pytest.raises(
        NotPossibleNow, match=r"refund rf\w+ of EUR 40.00 on payment p_1 \(Ledger Pay\) is in another currency"
    ):
        world.desk.refund("1001", "p_1", Money.of("5", "USD"), by=ANNA, request_id="again")
    assert world.ledger.calls == 1


def test_what_was_not_sent_yet_when_the_currency_changed_is_held_for_a_person(world: Any) -> None:
    world.open(inline_seconds=0)
    world.refund("40.00")
    order = world.shop.orders["1001"]
    payment = attrs.evolve(order.payments[0], captured=Money.of("120", "USD"))
    world.shop.orders["1001"] = attrs.evolve(
        order, currency="USD", lines=(a_line("cup", 4, "120.00", currency="USD"),), payments=(payment,)
    )
    world.desk.mark_returned("1001", by=ANNA)
    world.later()
    (refund,) = world.refunds
    assert (refund.state.value, refund.needs_person, world.ledger.calls) == ("planned", True, 0)
    world.desk.cancel_refund("1001", refund.id, by=ANNA)
    assert world.states == ["cancelled"]


# --- what a provider reports in another currency ---------------------------------------------------------

OTHER = [Money.of("1", "USD"), Money.of("3000", "JPY"), Money.of("2.125", "KWD")]
"""Amounts of other currencies, with other decimals too."""


def told(world: Any, how: str) -> None:
    """The provider says all that it knows: when it is asked, by a hint, or by a signed webhook for each refund."""
    if how == "reconcile":
        assert world.desk.reconcile("1001").not_asked == ()
    elif how == "hint":
        world.desk.receive_webhook("ledger", {"Signature": "right"}, b"fetch:p_1")
    else:
        for reference in list(world.ledger.refunds):
            world.desk.receive_webhook("ledger", {"Signature": "right"}, f"refund:{reference}".encode())


@pytest.mark.parametrize("how", ["reconcile", "hint", "webhook"])
@pytest.mark.parametrize("amount", OTHER, ids=str)
def test_a_refund_in_another_currency_is_recorded_as_it_is_and_waits_for_a_person(
    world: Any, amount: Money, how: str
) -> None:
    world.open().ledger.add("p_1", amount)
    world.ledger.add("p_1", Money.of("5", "EUR"))
    for _ in range(2):
        told(world, how)
    assert [str(one.amount) for one in world.refunds] == [str(amount), "EUR 5.00"]
    (waiting,) = world.desk.list_refunds(waits_for="person").refunds
    assert waiting.amount == amount
    problem = world.desk.dossier("1001").refund(waiting.refund_id).problem
    assert problem is not None
    assert problem.text("nl") == "er is terugbetaald in een andere valuta dan die van de bestelling nu"
    world.later()
    assert world.desk.work().idle, "nothing is left that asks again and again"


@pytest.fixture
def foreign(world: Any) -> Any:
    """USD 1.00 was found on a payment of EUR 100.00, beside a refund that waits for the merchant and one that is
    held."""
    world.open(inline_seconds=0)
    world.desk.mark_returned("1001", {"cup": 1}, by=ANNA, request_id="cup")
    world.open_link("10.00")
    world.refund("20.00")
    world.ledger.add("p_1", Money.of("1", "USD"))
    world.desk.reconcile("1001")
    world.later()
    return world


def refund_of(world: Any, amount: str) -> str:
    (found,) = [one.id for one in world.refunds if str(one.amount) == amount]
    return str(found)


GO_ON: dict[str, Any] = {
    "refund_options": lambda desk, _: desk.refund_options("1001"),
    "refund_link": lambda desk, _: [desk.refund_link("1001", "p_1"), desk.refund_link("1001", "p_1", EUR_5)],
    "refund_link of one that waits": lambda desk, one: desk.refund_link("1001", refund_id=one("EUR 10.00")),
    "confirm_refund": lambda desk, one: desk.confirm_refund(
        "1001", "p_1", Money.of("10", "EUR"), reference="r", by=ANNA, request_id="c", refund_id=one("EUR 10.00")
    ),
    "confirm_refund of one that nobody announced": lambda desk, _: desk.confirm_refund(
        "1001", "p_1", EUR_5, reference="r", by=ANNA, request_id="c"
    ),
    "confirm_refund of the other currency": lambda desk, one: desk.confirm_refund(
        "1001", "p_1", OTHER[0], reference="re_1", by=ANNA, request_id="c", refund_id=one("USD 1.00")
    ),
    "open_refund_link": lambda desk, _: desk.open_refund_link("1001", "p_1", EUR_5, by=ANNA, request_id="o"),
    "cancel_refund of one that waits": lambda desk, one: desk.cancel_refund("1001", one("EUR 10.00"), by=ANNA),
    "cancel_refund of one that is held": lambda desk, one: desk.cancel_refund("1001", one("EUR 20.00"), by=ANNA),
    "retry_refund of one that is held": lambda desk, one: desk.retry_refund("1001", one("EUR 20.00"), by=ANNA),
    "reconcile": lambda desk, _: desk.reconcile("1001"),
    "receive_webhook": lambda desk, _: desk.receive_webhook("ledger", {"Signature": "right"}, b"refund:re_1"),
    "receive_webhook, unsigned": lambda desk, _: desk.receive_webhook("ledger", {"Signature": "right"}, b"fetch:p_1"),
    "mark_returned": lambda desk, _: desk.mark_returned("1001", by=ANNA),
    "request_return": lambda desk, _: desk.request_return("1001", {"cup": 1}, by=ANNA, request_id="q"),
    "timeline": lambda desk, _: [
        entry.text(language)
        for audience in ("staff", "customer")
        for entry in desk.timeline("1001", audience)
        for language in ("en", "nl")
    ],
    "lists": lambda desk, _: [desk.list_refunds(), desk.list_returns()],
    "work": lambda desk, _: desk.work(),
}
EUR_5 = Money.of("5", "EUR")


@pytest.mark.parametrize("what", GO_ON)
def test_what_does_not_depend_on_it_goes_on(foreign: Any, what: str) -> None:
    GO_ON[what](foreign.desk, lambda amount: refund_of(foreign, amount))
    foreign.later()
    assert foreign.desk.work().idle
    GO_ON["timeline"](foreign.desk, None)
    assert foreign.ledger.calls == 0, "and nothing is sent that cannot be counted"


def test_what_was_not_sent_yet_is_held_and_says_why(foreign: Any) -> None:
    held = foreign.desk.dossier("1001").refund(refund_of(foreign, "EUR 20.00"))
    assert (held.state.value, held.needs_person) == ("planned", True)
    assert held.problem.text("en") == "there are refunds in another currency than the order is in now"
    with pytest.raises(NotPossibleNow, match=r"USD 1\.00 on payment p_1 \(Ledger Pay\) is in another currency"):
        foreign.refund("5.00")


def test_who_has_seen_it_confirms_it_by_its_own_reference_and_it_waits_no_more(foreign: Any) -> None:
    one = refund_of(foreign, "USD 1.00")

    def confirm(reference: str) -> None:
        foreign.desk.confirm_refund(
            "1001", "p_1", OTHER[0], reference=reference, by=ANNA, request_id=f"c-{reference}", refund_id=one
        )

    with pytest.raises(InvalidReference, match="was found under the reference re_1"):
        confirm("bank 1")
    confirm("re_1")
    assert one not in [waiting.refund_id for waiting in foreign.desk.list_refunds(waits_for="person").refunds]
    foreign.desk.reconcile("1001")
    assert [refund.id for refund in foreign.refunds].count(one) == 1
    assert not foreign.desk.dossier("1001").refund(one).needs_person


@pytest.mark.parametrize("later", ["succeeded", "failed"])
def test_it_waits_on_until_it_is_seen_unless_it_took_nothing(world: Any, later: str) -> None:
    world.open().ledger.new_status = RefundStatus.PENDING
    world.ledger.add("p_1", OTHER[1])
    world.desk.reconcile("1001")
    world.ledger.turn("re_1", RefundStatus(later))
    world.desk.reconcile("1001")
    (refund,) = world.refunds
    assert (refund.state.value, refund.needs_person) == (later, later == "succeeded")


def test_a_reference_of_ours_in_another_currency_is_another_refund(world: Any) -> None:
    """What was asked for is not what the provider tells of: both stand side by side."""
    world.open().ledger.new_status = RefundStatus.PENDING
    world.refund("40.00")
    world.ledger.refunds["re_1"] = attrs.evolve(world.ledger.refunds["re_1"], amount=OTHER[0], refund_id="")
    for _ in range(2):
        world.desk.reconcile("1001")
    assert [(str(one.amount), one.needs_person) for one in world.refunds] == [("EUR 40.00", False), ("USD 1.00", True)]


# --- an order of which there is nothing any more ---------------------------------------------------------


def test_a_line_of_which_nothing_is_ordered_any_more_is_worth_what_was_paid_for_it() -> None:
    shop = MemoryShop([EUR])
    desk = ReturnDesk(shop=shop, store="sqlite://")
    desk.mark_returned("1001", by=ANNA)
    shop.orders["1001"] = attrs.evolve(EUR, lines=(a_line("cup", 0, "0.00"), a_line("saucer", 1, "100.00")))
    (option,) = desk.refund_options("1001")
    assert option.suggested == Money.zero("EUR")
