"""A remainder at the provider that nothing explains is told by whoever finds it, and ends when it is explained."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from retour import Actor, Money
from retour.providers import ErrorCode

ANNA = Actor.staff("anna")
SIGNED = {"Signature": "right"}
KIND = "not_explained"


def reconcile(world: Any) -> None:
    world.desk.reconcile("1001")


def hint(world: Any) -> None:
    world.desk.receive_webhook("ledger", SIGNED, b"fetch:p_1")
    world.desk.work()


def open_link(world: Any) -> None:
    world.open_link("10.00")


def refund(world: Any) -> None:
    world.refund("10.00")


FOUND_BY = [reconcile, hint, open_link, refund]


def gone(world: Any, left: str) -> None:
    """Money is gone at the provider, and its list shows nothing of it."""
    world.ledger.paid["p_1"] = Money.of(left, "EUR")


def told(world: Any) -> list[str]:
    return [one.why.render("en") for one in world.desk.attention(KIND).items]


@pytest.mark.parametrize("found_by", FOUND_BY, ids=lambda one: one.__name__)
def test_it_is_listed_and_on_the_timeline_with_both_figures(world: Any, found_by: Callable[[Any], None]) -> None:
    world.open()
    world.desk.mark_returned("1001", by=ANNA)
    found_by(world)
    assert told(world) == [], "the control: all is there"
    gone(world, "70.00")
    found_by(world)
    [said] = told(world)
    assert "70.00" in said or "60.00" in said
    [item] = world.desk.attention(KIND).items
    assert (item.about, item.can_do) == ("ledger:p_1", ("reconcile", "acknowledge"))
    entries = [one.text("en") for one in world.desk.timeline("1001")]
    assert any("by the refunds that are known here it would be" in one for one in entries)


@pytest.mark.parametrize("found_by", FOUND_BY[:3], ids=lambda one: one.__name__)
def test_it_ends_by_whatever_reads_that_it_is_explained(world: Any, found_by: Callable[[Any], None]) -> None:
    world.open()
    world.desk.mark_returned("1001", by=ANNA)
    gone(world, "70.00")
    reconcile(world)
    assert len(told(world)) == 1
    gone(world, "100.00")
    world.ledger.add("p_1", Money.of("30", "EUR"))
    if found_by is open_link:
        reconcile(world)  # a link is not opened on what a colleague refunded meanwhile, and was not seen
    found_by(world)
    assert told(world) == []
    assert any("explained by its refunds again" in one.text("en") for one in world.desk.timeline("1001"))


def test_while_the_same_money_is_missing_nothing_is_told_anew(world: Any) -> None:
    """What was acknowledged stays so after further refunds: what is left and what should be become less together."""
    world.open()
    world.desk.mark_returned("1001", by=ANNA)
    gone(world, "70.00")
    reconcile(world)
    [item] = world.desk.attention(KIND).items
    world.desk.acknowledge("1001", KIND, item.about, by=ANNA)
    world.ledger.add("p_1", Money.of("20", "EUR"))
    gone(world, "50.00")
    reconcile(world)
    hint(world)
    assert told(world) == []
    gone(world, "45.00")
    reconcile(world)
    assert len(told(world)) == 1, "five euros more are gone"


def test_all_of_it_can_be_gone(world: Any) -> None:
    """Then the provider says that everything was refunded, and lists nothing."""
    world.open()
    world.desk.mark_returned("1001", by=ANNA)
    gone(world, "0.00")
    world.ledger.closed["p_1"] = (ErrorCode.ALREADY_REFUNDED, "all of it went back")
    reconcile(world)
    assert len(told(world)) == 1
