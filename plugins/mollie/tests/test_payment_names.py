"""Every name of a payment at Mollie: its own, and that of the order that it was made for."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import attrs
import pytest

from retour import Actor, MemoryShop, Mode, Money, Payment, ReturnDesk
from retour.providers import ErrorCode, ProviderError, Secret
from retour.sandbox import SandboxRequest, SandboxResponse
from retour.testing import a_line, an_order
from retour_mollie.provider import MOST_PAYMENTS, Mollie
from retour_mollie.sandbox import MollieSandbox

ANNA = Actor.staff("anna")
PAID = Money.of("40.00", "EUR")

ProviderWith = Callable[..., Mollie]


def paths(sandbox: MollieSandbox) -> Sequence[str]:
    return [request.path for request in sandbox.server.requests]


def test_a_payment_and_its_order_are_names_of_each_other_for_one_question(
    mollie: Mollie, sandbox: MollieSandbox
) -> None:
    tried, paid = sandbox.pay(PAID, status="expired"), sandbox.pay(PAID)
    order = sandbox.order(tried, paid)
    assert set(mollie.payment_names(paid)) == {paid, order}
    assert set(mollie.payment_names(order)) == {paid, order}
    assert paths(sandbox) == [f"/v2/payments/{paid}", f"/v2/orders/{order}"]


def test_a_payment_without_an_order_has_one_name(mollie: Mollie, sandbox: MollieSandbox) -> None:
    paid = sandbox.pay(PAID)
    assert mollie.payment_names(f" {paid}\n") == [paid]


def test_an_order_of_several_payments_names_them_and_each_of_them_names_no_other(
    mollie: Mollie, sandbox: MollieSandbox
) -> None:
    one, other = sandbox.pay(PAID), sandbox.pay(PAID)
    order = sandbox.order(one, other)
    assert mollie.payment_names(order) == [order, one, other]
    assert mollie.payment_names(one) == [one, order]


def test_an_order_that_is_not_paid_has_its_own_name_since_it_can_be_paid_yet(
    mollie: Mollie, sandbox: MollieSandbox
) -> None:
    order = sandbox.order(sandbox.pay(PAID, status="open"))
    assert mollie.payment_names(order) == [order]


def test_of_an_order_of_very_many_payments_some_are_named(mollie: Mollie, sandbox: MollieSandbox) -> None:
    order = sandbox.order(*[sandbox.pay(PAID) for _ in range(MOST_PAYMENTS + 5)])
    assert len(mollie.payment_names(order)) == 1 + MOST_PAYMENTS


@pytest.mark.parametrize("name", ["tr_missing", "ord_missing"])
def test_a_name_that_mollie_does_not_know_has_no_names(mollie: Mollie, name: str) -> None:
    assert mollie.payment_names(name) == ()


@pytest.mark.parametrize("name", ["", "INV-42", "sub_1", "TR_1", "tr_/../../profiles/me", "ord_?x#y", "tr_é"])
def test_a_name_that_no_payment_of_mollie_has_is_asked_of_nobody(
    mollie: Mollie, sandbox: MollieSandbox, name: str
) -> None:
    assert mollie.payment_names(name) == ()
    assert paths(sandbox) == []


@pytest.mark.parametrize("kind", ["payment", "order"])
def test_the_answer_to_another_question_names_nothing(mollie: Mollie, sandbox: MollieSandbox, kind: str) -> None:
    one, other = sandbox.pay(PAID), sandbox.pay(PAID)
    if kind == "order":
        one, other = sandbox.order(one), sandbox.order(other)
    mollie.payment_names(other)
    answer = sandbox.server.handle(sandbox.server.requests[0])
    sandbox.server.handle = lambda _: answer
    with pytest.raises(ProviderError, match=f"about another {kind}"):
        mollie.payment_names(one)


def test_what_goes_wrong_is_no_name_that_nobody_has(
    mollie: Mollie, sandbox: MollieSandbox, provider_with: ProviderWith
) -> None:
    paid = sandbox.pay(PAID)
    with pytest.raises(ProviderError) as refused:
        provider_with(api_key=Secret("test_anotherKeyAnotherKeyAnotherKey0")).payment_names(paid)
    assert refused.value.code is ErrorCode.AUTHENTICATION
    handle = sandbox.server.handle

    def gateway(request: SandboxRequest) -> SandboxResponse:
        return attrs.evolve(handle(request), status=404, body=b"<html>")

    sandbox.server.handle = gateway
    with pytest.raises(ProviderError) as unreadable:
        mollie.payment_names(paid)
    assert unreadable.value.code is ErrorCode.UNREADABLE_ANSWER


def test_a_token_for_test_payments_says_so(sandbox: MollieSandbox, provider_with: ProviderWith) -> None:
    order = sandbox.order(sandbox.pay(PAID))
    token = provider_with(api_key=Secret(sandbox.token), token_mode="test")
    assert len(token.payment_names(order)) == 2
    assert provider_with(api_key=Secret(sandbox.live_key)).payment_names(order) == ()


# --- what is refunded --------------------------------------------------------------------------------------


def test_what_is_left_of_an_order_comes_with_both_names_and_that_of_its_payment_with_its_own(
    mollie: Mollie, sandbox: MollieSandbox, shop_payment_of: Callable[..., Payment]
) -> None:
    """The answer about a payment names its order, and not whether the order has another payment."""
    paid = sandbox.pay(PAID)
    order = sandbox.order(paid)
    by_order = mollie.refundable(shop_payment_of(f" {order} "))
    by_payment = mollie.refundable(shop_payment_of(f"{paid} "))
    assert (by_order.target, by_payment.target) == (paid, paid)
    assert (by_order.names, by_payment.names) == ((paid, order), (paid,))


def test_both_payments_of_one_order_are_refunded(sandbox: MollieSandbox) -> None:
    """Two payments with a name in common would be taken for one, and neither refunded."""
    references = [sandbox.pay(PAID), sandbox.pay(PAID)]
    sandbox.order(*references)
    payments = [Payment(provider="mollie", reference=one, captured=PAID, mode=Mode.TEST) for one in references]
    desk = ReturnDesk(
        shop=MemoryShop([an_order(a_line("cup", 2, "80.00"), payments=payments)]),
        store="sqlite://",
        plugins=["mollie"],
        settings={"mollie": sandbox.settings},
        clock=sandbox.clock.now,
    )
    for number, payment in enumerate(payments):
        desk.refund("1001", payment.id, PAID, by=ANNA, request_id=f"form-{number}")
    assert [[booked.amount for booked in sandbox.books(one)] for one in references] == [[PAID], [PAID]]
    desk.close()
