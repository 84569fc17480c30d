"""Lists of refunds over all orders: what needs a person, what waits for the merchant or the provider."""

from __future__ import annotations

import logging
from typing import Any

import pytest

from retour import Actor, Money
from retour.providers import ErrorCode, ProviderError

ANNA = Actor.staff("anna")


@pytest.fixture(autouse=True)
def quiet(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.CRITICAL, "retour")


def test_refunds_are_listed_by_what_they_wait_for(world: Any) -> None:
    world.open().ledger.before = [
        ProviderError(ErrorCode.AUTHENTICATION, "wrong key"),
        ProviderError(ErrorCode.RATE_LIMITED, "later"),
    ]
    person = world.refund("10.00").refund_id
    provider = world.refund("11.00").refund_id
    merchant = world.open_link("12.00").refund_id
    done = world.refund("13.00").refund_id
    listed = {one.refund_id: one for one in world.desk.list_refunds().refunds}
    assert {one.refund_id: one.waits_for for one in listed.values()} == {
        person: "person",
        provider: "provider",
        merchant: "merchant",
        done: "",
    }
    assert listed[done].amount == Money.of("13", "EUR")
    assert [one.refund_id for one in world.desk.list_refunds(waits_for="person").refunds] == [person]
    assert [one.refund_id for one in world.desk.list_refunds(state="succeeded").refunds] == [done]
    first = world.desk.list_refunds(limit=3)
    assert len(first.refunds) == 3
    assert len(world.desk.list_refunds(limit=3, after=first.next).refunds) == 1


def test_the_list_follows_every_change(world: Any) -> None:
    world.open().open_link()
    world.open_link()
    world.ledger.add("p_1", Money.of("40", "EUR"))
    world.desk.reconcile("1001")
    external = next(one for one in world.refunds if one.source == "external")
    world.desk.match_refund("1001", world.refunds[0].id, external.id, by=ANNA)
    listed = {one.refund_id: one.state for one in world.desk.list_refunds(order_id="1001").refunds}
    assert listed == {one.id: one.state for one in world.refunds}
