"""An order whose currency changed after money went back: it is never unreadable, and nothing is counted wrong."""

from __future__ import annotations

from typing import Any

import attrs
import pytest

from retour import Actor, MemoryShop, Money, NotPossibleNow, ReturnDesk
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
    assert option.because.text("en") == "refunds were made in another currency than the order is in now"
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
    with pytest.raises(NotPossibleNow, match=r"refund rf\w+ of EUR 40.00 on payment ledger:p_1 is in another currency"):
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


def test_a_line_of_which_nothing_is_ordered_any_more_is_worth_what_was_paid_for_it() -> None:
    shop = MemoryShop([EUR])
    desk = ReturnDesk(shop=shop, store="sqlite://")
    desk.mark_returned("1001", by=ANNA)
    shop.orders["1001"] = attrs.evolve(EUR, lines=(a_line("cup", 0, "0.00"), a_line("saucer", 1, "100.00")))
    (option,) = desk.refund_options("1001")
    assert option.suggested == Money.zero("EUR")
