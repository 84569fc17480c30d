"""Where nobody is sent to a provider's page in vain: by what the provider declares, before anybody asked it."""

from __future__ import annotations

from typing import Any

import pytest

from retour import Actor, BankAccount, Consent, ConsentWay, Money, WrongState
from retour.testing import a_line, a_payment, an_order

ANNA = Actor.staff("anna")
TO = BankAccount(name="J. Jansen", iban="NL91ABNA0417164300")
AGREED = Consent(how=ConsentWay.PHONE)


def sold(world: Any, currency: str, method: str = "") -> Money:
    """Four cups, paid in a currency and by some method as the shop calls it; all came back."""
    paid = Money.of("100", currency)
    world.ledger.paid["p_1"] = paid
    payment = a_payment("100", provider="ledger", reference="p_1", currency=currency, method=method)
    world.shop.orders["1001"] = an_order(a_line("cup", 4, "100", currency=currency), payments=[payment])
    world.desk.mark_returned("1001", by=ANNA)
    return paid


DECLARED: dict[str, Any] = {
    "currency": {"currencies": frozenset({"EUR", "USD"})},
    "method": {"never_refunded": frozenset({"giftcard"})},
}


@pytest.mark.parametrize("what", DECLARED)
def test_what_a_provider_declares_that_it_never_refunds_is_offered_by_transfer_and_nobody_is_asked(
    world: Any, what: str
) -> None:
    calls: list[str] = []
    world.open("manual_transfer", **DECLARED[what])
    paid = sold(world, "HUF", "giftcard")
    world.ledger.watch = lambda call, _: calls.append(call)
    [option] = world.desk.refund_options("1001")
    assert option.suggested == paid
    for link in (option.link, world.desk.refund_link("1001", "p_1"), world.desk.refund_link("1001", "p_1", paid)):
        assert (link.kind, link.url) == ("transfer", "")
        assert ("HUF" if what == "currency" else "giftcard") in link.instruction.render("en")
    assert calls == []
    opened = world.desk.open_refund_link("1001", "p_1", paid, by=ANNA, request_id="link").refund
    assert (opened.by_transfer, opened.lacks_consent) == (True, True)
    transferred = world.desk.refund(
        "1001", "p_1", paid, to=TO, consent=AGREED, instead_of=opened.id, by=ANNA, request_id="f1"
    )
    assert world.desk.refund_link("1001", refund_id=transferred.refund_id).transfer.to == TO


@pytest.mark.parametrize("what", DECLARED)
def test_what_it_declares_nothing_of_leads_to_its_page(world: Any, what: str) -> None:
    """The control: another currency, another method."""
    world.open("manual_transfer", **DECLARED[what])
    sold(world, "EUR", "ideal")
    [option] = world.desk.refund_options("1001")
    assert option.link.kind == "provider_page"
    assert world.refund("100.00").refund.state == "succeeded"


def test_a_currency_that_is_not_declared_is_refused_with_the_way_that_is_open(world: Any) -> None:
    world.open("manual_transfer", currencies=frozenset({"EUR"}))
    paid = sold(world, "HUF")
    with pytest.raises(WrongState, match="does not refund HUF") as refused:
        world.desk.refund("1001", "p_1", paid, by=ANNA, request_id="f1")
    assert "refund link" not in str(refused.value)
    assert "bank transfer" in str(refused.value)


def test_the_providers_own_word_on_the_method_counts_before_the_shops(world: Any) -> None:
    world.open("manual_transfer", never_refunded=frozenset({"giftcard"}))
    sold(world, "EUR", "giftcard")
    world.ledger.methods["p_1"] = "ideal"
    assert world.desk.refund_options("1001")[0].link.kind == "transfer"
    world.desk.reconcile("1001")
    assert world.desk.refund_options("1001")[0].link.kind == "provider_page"
    assert not world.desk.reconcile("1001").changed


def test_a_method_without_refunds_of_a_plugin_that_is_away_says_what_to_do(world: Any) -> None:
    world.open("manual_transfer", never_refunded=frozenset({"giftcard"}))
    sold(world, "EUR", "giftcard")
    world._enter(["manual_transfer"], 10.0)
    assert world.desk.refund_options("1001")[0].link.kind == "unavailable"
