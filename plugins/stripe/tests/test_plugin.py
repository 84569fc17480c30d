"""Stripe as a plugin of a desk: found by its name, asked through the public API."""

from __future__ import annotations

from importlib.metadata import version

from retour import Actor, MemoryShop, Mode, Money, Order, OrderLine, Paid, Payment, ReturnDesk

ANNA = Actor.staff("anna")
SETTINGS = {"api_key": "sk_live_key"}


def desk_with(*payments: Payment) -> ReturnDesk:
    order = Order(
        id="1001",
        currency="EUR",
        lines=(
            OrderLine(id="1", product="teapot", name="Teapot", ordered=1, fulfilled=1, paid=Paid.of("44.95", "EUR")),
            OrderLine(id="2", product="cup", name="Cup", ordered=2, fulfilled=2, paid=Paid.of("50.00", "EUR")),
        ),
        payments=payments,
    )
    return ReturnDesk(shop=MemoryShop([order]), store="sqlite://", plugins=["stripe"], settings={"stripe": SETTINGS})


def test_the_plugin_is_found_by_its_name_with_its_distribution_and_version() -> None:
    [plugin] = desk_with().plugins
    assert (plugin.name, plugin.status.value, plugin.reason) == ("stripe", "loaded", "")
    assert (plugin.distribution, plugin.version) == ("retour-stripe", version("retour-stripe"))
    assert [provider.name for provider in plugin.payment_providers] == ["stripe"]
    assert plugin.hooks == ("payment_providers",)


def test_what_came_back_is_suggested_with_the_link_to_refund_it_and_confirmed() -> None:
    payment = Payment(provider="stripe", reference="pi_3MtwBw", captured=Money.of("94.95", "EUR"))
    desk = desk_with(payment)
    desk.mark_returned("1001", {"1": 1}, by=ANNA, request_id="form-1")

    option = desk.refund_options("1001")[0]
    assert option.suggested == Money.of("44.95", "EUR")
    assert option.link.url == "https://dashboard.stripe.com/payments/pi_3MtwBw"
    assert "€44.95" in option.link.instruction.render("en")

    desk.confirm_refund("1001", payment.id, option.suggested, reference="re_1Nispe", by=ANNA, request_id="form-2")
    assert desk.refund_options("1001")[0].left == Money.of("50.00", "EUR")


def test_a_test_payment_leads_to_its_test_page_whatever_the_settings_are_of() -> None:
    payment = Payment(provider="stripe", reference="pi_3MtwBw", captured=Money.of("94.95", "EUR"), mode=Mode.TEST)
    link = desk_with(payment).refund_link("1001", payment.id, Money.of("10.00", "EUR"))
    assert link.url == "https://dashboard.stripe.com/test/payments/pi_3MtwBw"
