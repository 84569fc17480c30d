"""The smallest amounts that Mollie pays back: by currency, and by how the payment was made."""

from __future__ import annotations

from collections.abc import Callable

import attrs
import pytest

from retour import Actor, InvalidAmount, MemoryShop, Mode, Money, Payment, ReturnDesk
from retour.providers import Disposition, ProviderError, RefundRequest, RefundsByApi
from retour.testing import a_line, an_order
from retour_mollie.provider import Mollie
from retour_mollie.sandbox import MollieSandbox

STEPS = [
    ("EUR", "ideal", "0.01"),
    ("USD", "paypal", "0.01"),
    ("HUF", "ideal", "0.01"),
    ("HUF", "paypal", "1"),
    ("TWD", "creditcard", "0.01"),
    ("TWD", "paypal", "1"),
    ("JPY", "creditcard", "1"),
    ("JPY", "paypal", "1"),
    ("ISK", "creditcard", "1"),
]


@pytest.mark.parametrize(("currency", "method", "smallest"), STEPS)
def test_the_smallest_amount_of_each_currency_is_declared_and_goes_back_whole(
    mollie: RefundsByApi,
    sandbox: MollieSandbox,
    request_for: Callable[..., RefundRequest],
    currency: str,
    method: str,
    smallest: str,
) -> None:
    least = Money.of(smallest, currency)
    assert Mollie.capabilities.step(currency, method) == least.minor
    assert Mollie.capabilities.largest_step(currency) >= least.minor
    reference = sandbox.pay(Money.of("2990", currency), method=method)
    for number, times in ((1, 1), (2, 7)):
        amount = attrs.evolve(least, minor=least.minor * times)
        asked = attrs.evolve(request_for(number=number), target=reference, amount=amount)
        assert mollie.refund(asked).amount == amount
    assert sandbox.stored(reference).refunded == attrs.evolve(least, minor=8 * least.minor)


@pytest.mark.parametrize("currency", ["HUF", "TWD"])
def test_what_is_between_two_steps_is_rounded_by_mollie_so_it_is_never_sent(
    sandbox: MollieSandbox, mollie: RefundsByApi, request_for: Callable[..., RefundRequest], currency: str
) -> None:
    """Asked for 996.67, Mollie would give back 997: another amount than was decided."""
    between, paid = Money.of("996.67", currency), Money.of("2990", currency)
    reference = sandbox.pay(paid, method="paypal")
    with pytest.raises(ProviderError, match=r"997\.00, and .* was asked for") as caught:
        mollie.refund(attrs.evolve(request_for(), target=reference, amount=between))
    assert caught.value.disposition is Disposition.RECONCILE, "it moved money, and not what was decided"
    assert sandbox.stored(reference).refunded == Money.of("997", currency)

    reference = sandbox.pay(paid, method="paypal")
    payment = Payment(provider="mollie", reference=reference, captured=paid, mode=Mode.TEST)
    desk = ReturnDesk(
        shop=MemoryShop([an_order(a_line("pot", 3, "2990", currency=currency), payments=[payment])]),
        store="sqlite://",
        plugins=["mollie"],
        settings={"mollie": sandbox.settings},
        clock=sandbox.clock.now,
    )
    anna = Actor.staff("anna")
    desk.mark_returned("1001", {"pot": 1}, by=anna, request_id="one")
    with pytest.raises(InvalidAmount, match="in steps of"):
        desk.refund("1001", payment.id, between, by=anna, request_id="f1")
    [option] = desk.refund_options("1001")
    desk.refund("1001", payment.id, option.suggested, by=anna, request_id="f2")
    assert sandbox.stored(reference).refunded == option.suggested == Money.of("997", currency)
    desk.close()
