"""What a person must look at is one list: of each thing since when, why, and which methods of the desk decide it."""

from __future__ import annotations

import datetime
import logging
from typing import Any

import pytest

from retour import Actor, AttentionItem, AttentionKind, Money
from retour.providers import ErrorCode, ProviderError

ANNA = Actor.staff("anna")
HOUR = datetime.timedelta(hours=1)
EUR40 = Money.of("40", "EUR")


@pytest.fixture(autouse=True)
def quiet(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.CRITICAL, "retour")


def kinds(world: Any) -> list[str]:
    return [one.kind.value for one in world.desk.attention().items]


def only(world: Any) -> AttentionItem:
    (item,) = world.desk.attention().items
    return item


def test_where_nothing_waits_the_list_is_empty(world: Any) -> None:
    world.open().refund()
    assert world.desk.attention().items == ()
    assert world.desk.attention_counts() == {}


def test_a_refund_that_failed_is_listed_until_somebody_acknowledges_it(world: Any) -> None:
    world.open().ledger.before = [ProviderError(ErrorCode.DISPUTED, "a case is open")]
    refund_id = world.refund().refund_id
    item = only(world)
    assert (item.kind, item.order_id, item.about, item.since) == ("refund_failed", "1001", refund_id, world.now)
    assert item.why.render("en") == "the customer disputes the payment (a case is open)"
    assert item.can_do == ("refund", "open_refund_link", "acknowledge")
    assert world.desk.attention_counts() == {AttentionKind.REFUND_FAILED: 1}
    world.desk.acknowledge("1001", "refund_failed", refund_id, by=ANNA, note="called the customer")
    assert world.desk.attention().items == ()
    entry = world.desk.timeline("1001")[-1]
    assert (entry.by, entry.note) == (ANNA, "called the customer")
