"""Currencies that Stripe lists, and those that it does not: their money goes back by bank transfer, before any call."""

from __future__ import annotations

import pytest

from retour import Actor, LinkKind, MemoryShop, Mode, Money, Payment, ReturnDesk, WrongState
from retour.testing import a_line, an_order
from retour_stripe.provider import Stripe
from retour_stripe.sandbox import StripeSandbox

ANNA = Actor.staff("anna")


@pytest.mark.parametrize("currency, captured", [("IQD", "12.345"), ("LYD", "12.340"), ("SDG", "94.95")])
def test_a_payment_in_a_currency_that_stripe_does_not_list_is_refused_before_any_call(
    currency: str, captured: str
) -> None:
    with StripeSandbox() as sandbox:
        payment = Payment(provider="stripe", reference="pi_3NrQ", captured=Money.of(captured, currency), mode=Mode.TEST)
        order = an_order(a_line("teapot", 1, captured, currency=currency), payments=[payment])
        desk = ReturnDesk(
            shop=MemoryShop([order]), store="sqlite://", plugins=["stripe"], settings={"stripe": sandbox.settings}
        )
        desk.mark_returned("1001", by=ANNA)
        [option] = desk.refund_options("1001")
        assert option.link.kind is LinkKind.TRANSFER, "the merchant is shown the way that is left"
        with pytest.raises(WrongState) as refused:
            desk.refund("1001", payment.id, payment.captured, by=ANNA, request_id="form-1")
        assert f"Stripe does not refund {currency}" in refused.value.text("en")
        assert currency in refused.value.text("nl")
        assert list(sandbox.server.requests) == []
        desk.close()


def test_stripe_declares_the_currencies_that_its_sandbox_takes() -> None:
    assert Stripe.capabilities.currencies == StripeSandbox.currencies
    assert {step.currency for step in Stripe.capabilities.steps} <= Stripe.capabilities.currencies
