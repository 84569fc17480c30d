"""A webhook counts for payments of the account and mode with whose settings it was verified, and for no other."""

from __future__ import annotations

from typing import Any

import attrs
import pytest
from sqlalchemy import text

from retour import Actor, InvalidOrder, InvalidWebhook, Mode, Money, Payment
from retour.testing import a_line, a_payment, an_order

ANNA = Actor.staff("anna")
EUR40 = Money.of("40", "EUR")

LIVE, SECOND, TEST = {"signature": "right"}, {"signature": "second's"}, {"signature": "test's"}


def paid_with(world: Any, *payments: Payment) -> Any:
    """A desk with three accounts, whose order has ``payments``."""
    world.settings = {
        "ledger": {"key_of": "live"},
        "ledger:second": {"secret": "second's"},
        "ledger:test": {"secret": "test's", "key_of": "test"},
    }
    world.open()
    world.shop.orders["1001"] = an_order(a_line("cup", 4, "100.00"), payments=payments)
    return world.desk


def payment(account: str = "default", mode: Mode = Mode.LIVE, captured: str = "100.00") -> Payment:
    made = a_payment(captured, provider="ledger", reference="p_1", mode=mode)
    return attrs.evolve(made, account=account)


@pytest.mark.parametrize("seen", [False, True], ids=["found by the shop", "seen before"])
@pytest.mark.parametrize("body", [b"event:re_1", b"fetch:p_1"])
def test_a_webhook_of_another_account_says_nothing_of_a_payment(world: Any, seen: bool, body: bytes) -> None:
    desk = paid_with(world, payment())
    if seen:
        desk.mark_returned("1001", {"cup": 1}, by=ANNA, request_id="f1")
    world.ledger.add("p_1", EUR40)
    assert desk.receive_webhook("ledger", SECOND, body, account="second").kept == 0
    assert desk.receive_webhook("ledger", TEST, body, account="test", mode=Mode.TEST).kept == 0
    assert world.refunds == []
    assert desk.receive_webhook("ledger", LIVE, body).kept == 1
    assert world.states == ["succeeded"]


@pytest.mark.parametrize("seen", [False, True], ids=["found by the shop", "seen before"])
def test_a_webhook_of_another_mode_says_nothing_of_a_payment(world: Any, seen: bool) -> None:
    desk = paid_with(world, payment("second", Mode.TEST))
    if seen:
        desk.mark_returned("1001", {"cup": 1}, by=ANNA, request_id="f1")
    world.ledger.add("p_1", EUR40)
    assert desk.receive_webhook("ledger", SECOND, b"event:re_1", account="second").kept == 0
    assert desk.receive_webhook("ledger", SECOND, b"event:re_1", account="second", mode=Mode.TEST).kept == 1


def test_what_one_account_said_is_not_what_another_said_with_the_same_ids(world: Any) -> None:
    desk = paid_with(world, payment(captured="50.00"), payment("second", captured="50.00"))
    world.ledger.add("p_1", EUR40)
    assert desk.receive_webhook("ledger", SECOND, b"event:re_1", account="second").kept == 1
    assert [one.payment for one in world.refunds] == ["ledger/second:p_1"]
    assert desk.receive_webhook("ledger", LIVE, b"event:re_1").kept == 1
    assert [one.payment for one in world.refunds] == ["ledger/second:p_1", "ledger:p_1"]


def test_settings_that_are_of_test_verify_no_live_webhook(world: Any) -> None:
    desk = paid_with(world, payment("test"))
    with pytest.raises(InvalidWebhook, match="its settings are for test payments, and the webhook was for live ones"):
        desk.receive_webhook("ledger", TEST, b"fetch:p_1", account="test")
    with pytest.raises(InvalidWebhook, match="its settings are for live payments"):
        desk.receive_webhook("ledger", LIVE, b"fetch:p_1", mode=Mode.TEST)


@pytest.mark.parametrize("seen", [False, True], ids=["found by the shop", "seen before"])
def test_an_order_is_found_by_a_payment_of_its_account_and_mode_only(world: Any, seen: bool) -> None:
    desk = paid_with(world, payment("second", Mode.TEST))
    if seen:
        desk.mark_returned("1001", {"cup": 1}, by=ANNA, request_id="f1")
    assert desk.find_order("ledger", "p_1", account="second", mode=Mode.TEST) == "1001"
    assert desk.find_order("ledger", "p_1", account="second") is None
    assert desk.find_order("ledger", "p_1", mode=Mode.TEST) is None


def test_two_payments_that_differ_by_their_mode_alone_are_refused_in_a_sentence(world: Any) -> None:
    with pytest.raises(InvalidOrder, match=r"payment p_1 \(Ledger Pay\) is there in live and in test mode") as refused:
        paid_with(world, payment(captured="50.00"), payment(mode=Mode.TEST, captured="50.00"))
    assert "staat er in live- en in testmodus" in refused.value.text("nl")
    assert paid_with(world, payment(captured="50.00"), payment("test", Mode.TEST, captured="50.00"))


@pytest.mark.parametrize("account, mode", [("second", Mode.LIVE), ("second", Mode.TEST), ("default", Mode.TEST)])
@pytest.mark.parametrize("body", [b"event:re_1", b"fetch:p_1"])
def test_an_order_that_the_shop_names_is_kept_for_none_but_a_payment_of_that_account_and_mode(
    world: Any, account: str, mode: Mode, body: bytes
) -> None:
    """A shop is asked by provider and reference alone, and can name an order for anything."""
    world.settings = {"ledger": {}, "ledger:second": {}}
    desk = world.open().desk
    world.shop.orders["1001"] = an_order(a_line("cup", 4, "100.00"), payments=[payment(account, mode)])
    world.shop.find_order = lambda provider, reference: "1001"
    world.ledger.add("p_1", EUR40)
    others = {("default", Mode.LIVE), ("default", Mode.TEST), ("second", Mode.LIVE), ("second", Mode.TEST)}
    for other_account, other_mode in others - {(account, mode)}:
        assert desk.find_order("ledger", "p_1", account=other_account, mode=other_mode) is None
        assert desk.receive_webhook("ledger", LIVE, body, account=other_account, mode=other_mode).kept == 0
    assert desk.dossier("1001").version == 0
    assert desk.find_order("ledger", "p_1", account=account, mode=mode) == "1001"
    assert desk.receive_webhook("ledger", LIVE, body, account=account, mode=mode).kept == 1


def test_equal_references_of_two_accounts_find_each_their_own_order(world: Any) -> None:
    desk = paid_with(world, payment())
    world.shop.orders["1002"] = an_order(a_line("cup", 4, "100.00"), order_id="1002", payments=[payment("second")])
    for order_id in ("1001", "1002"):
        desk.mark_returned(order_id, by=ANNA)
    world.ledger.add("p_1", EUR40)
    assert desk.receive_webhook("ledger", SECOND, b"event:re_1", account="second").kept == 1
    assert [one.payment for one in desk.dossier("1002").refunds.values()] == ["ledger/second:p_1"]
    assert world.refunds == []


def test_a_payment_seen_before_modes_were_kept_is_found_until_its_order_is_seen_with_another(world: Any) -> None:
    desk = paid_with(world, payment())
    desk.mark_returned("1001", {"cup": 1}, by=ANNA, request_id="f1")
    with desk._services.store.engine.begin() as connection:
        connection.execute(text("UPDATE retour_reference SET mode = 'any'"))
    assert desk.find_order("ledger", "p_1") == desk.find_order("ledger", "p_1", mode=Mode.TEST) == "1001"
    world.ledger.add("p_1", EUR40)
    assert desk.receive_webhook("ledger", LIVE, b"event:re_1").kept == 1
    world.shop.orders["1001"] = an_order(a_line("cup", 5, "120.00"), payments=[payment()])
    desk.mark_returned("1001", {"cup": 1}, by=ANNA, request_id="f2")
    assert desk.find_order("ledger", "p_1") == "1001"
    assert desk._services.store.find_order("default", "ledger", "default", "test", "p_1") is None
