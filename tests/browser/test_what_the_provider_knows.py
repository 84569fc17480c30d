"""What happens at a provider shows in the shop by itself, and what nobody knows is settled by a person."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest

from retour import Money, RefundState
from retour.sandbox import Fault

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = pytest.mark.browser

OpenPage = Callable[..., "Page"]


@pytest.mark.parametrize("provider", ["mollie", "stripe", "paypal"])
def test_a_refund_that_a_colleague_makes_at_the_provider_appears_by_itself(
    open_page: OpenPage, served: Any, picture: Callable[[Page, str], None], provider: str
) -> None:
    from playwright.sync_api import expect

    order_id = served.take(provider)
    served.shop.desk.mark_returned(order_id, by=served.anna)  # so that the desk knows its payment
    page = open_page(f"/orders/{order_id}")
    expect(page.get_by_role("heading", name="Terugbetalingen")).to_have_count(0)
    there = served.sandboxes.payment(provider)
    there.refund_in_dashboard(served.payment(order_id), Money(minor=700, currency="EUR"))
    there.advance(datetime.timedelta(days=2))  # a provider that tells so only then, Mollie, has paid by now
    expect(page.get_by_role("heading", name="Terugbetalingen")).to_be_visible()  # nobody presses anything
    expect(page.get_by_role("region", name="Terugbetalingen")).to_contain_text("€ 7,00")
    expect(page.get_by_role("region", name="Betalingen").locator(".sums")).to_contain_text("€ 7,00")
    picture(page, f"gevonden-bij-{provider}")
    assert [refund.amount.minor for refund in served.refunds(order_id)] == [700]


@pytest.mark.parametrize("happened, state", [("Ja", RefundState.SUCCEEDED), ("Nee", RefundState.FAILED)])
def test_a_refund_of_which_nobody_knows_is_settled_with_how_one_knows(
    open_page: OpenPage, served: Any, picture: Callable[[Page, str], None], happened: str, state: RefundState
) -> None:
    from playwright.sync_api import expect

    order_id = served.take("stripe")
    page = open_page(f"/orders/{order_id}")
    page.get_by_label("Terug te betalen bedrag").fill("5,00")
    with away_from_the_first_refund(served.sandboxes.payment("stripe").server, done=happened == "Ja"):
        page.get_by_role("button", name="Nu terugbetalen via Stripe").click()
        expect(page.get_by_text("Betaal niet nog eens terug")).to_be_visible()
        picture(page, f"onbekend-{happened.lower()}")
        served.clock.advance(SO_LONG_CAN_STRIPE_TELL)
        page.get_by_text("Ik weet wat ermee is gebeurd").click()
        page.get_by_label(happened, exact=True).check()
        page.get_by_label("Hoe je dat weet").fill("Gebeld met Stripe, Sanne, 14.10 uur")
        press_save(page)
        if happened == "Ja":  # then it has a name there
            expect(page.get_by_role("alert")).to_contain_text("Vul het kenmerk")
            page.get_by_label("Kenmerk van de terugbetaling bij Stripe").fill("re_volgens_sanne")
            press_save(page)
        while page.get_by_role("alert").filter(has_text="wordt op dit moment gestart").count():
            press_save(page)  # the worker was asking Stripe; what was typed still stands there
        history = page.get_by_role("region", name="Verloop van de bestelling")
        expect(history).to_contain_text("Gebeld met Stripe, Sanne, 14.10 uur")
        picture(page, f"afgehandeld-{happened.lower()}")
        assert [refund.state for refund in served.refunds(order_id)] == [state]


SO_LONG_CAN_STRIPE_TELL = datetime.timedelta(hours=25)
"""Before that it may still say by itself what became of a refund, and nobody settles it."""


def press_save(page: Page) -> None:
    with page.expect_navigation():
        page.get_by_role("article").get_by_role("button", name="Opslaan").click()


@contextmanager
def away_from_the_first_refund(server: Any, *, done: bool) -> Iterator[None]:
    """A provider that cannot be reached any more from the next refund on, whose answer is lost: it is ``done`` there,
    or is not."""
    asked_before, gone = server.faulty, False

    def is_gone(request: Any) -> bool:
        nonlocal gone
        gone = gone or request.method != "GET"
        return gone

    server.faults.extend([Fault.CUT_AFTER if done else Fault.CUT_BEFORE, *[Fault.CUT_BEFORE] * 500])
    server.faulty = is_gone
    try:
        yield
    finally:
        server.faults.clear()
        server.faulty = asked_before
