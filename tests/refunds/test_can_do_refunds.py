"""What a page offers of a refund is what the desk does, wherever the refund is."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest
from refunds import test_costs as costs

from retour import DeskStep, ProviderUnavailable, ReturnDesk, UnknownRefund, WrongState
from retour.model.attention import Attention
from retour.rules.attention import ACKNOWLEDGE, needs_attention

Arrange = Callable[[Any], Any]


def only(arrange: Arrange, which: int = 0) -> Arrange:
    """The id of one refund, after this was arranged."""

    def arranged(world: Any) -> Any:
        arrange(world)
        return [one.id for one in world.refunds][which]

    return arranged


def in_a_batch(world: Any) -> Any:
    refund_id = costs.transfer(world)
    world.desk.set_refund_batch("1001", refund_id, "B1", by=costs.ANNA)
    return refund_id


def cancelled(world: Any) -> Any:
    refund_id = costs.transfer(world)
    world.desk.cancel_refund("1001", refund_id, by=costs.ANNA)
    return refund_id


REFUNDS: Mapping[str, Arrange] = {
    "held": costs.held,
    "pending, and can be cancelled": costs.pending,
    "unknown": costs.unknown,
    "failed": costs.failed,
    "confirmed by hand": costs.confirmed,
    "a link that waits": lambda world: costs.linked(world)[0],
    "found at the provider": lambda world: costs.linked(world)[1],
    "a transfer that waits": costs.transfer,
    "a transfer in a batch": in_a_batch,
    "cancelled": cancelled,
}


def confirm(desk: ReturnDesk, one: str) -> object:
    refund = desk.dossier("1001").refund(one)
    given: Any = {"reference": refund.reference or "r9", "by": costs.ANNA, "request_id": "c", "refund_id": one}
    return desk.confirm_refund("1001", refund.payment, refund.amount, **given)


def match(desk: ReturnDesk, one: str) -> object:
    ours = next((other for other in desk.dossier("1001").refunds if other != one), one)
    return desk.match_refund("1001", ours, one, by=costs.ANNA)


def settle(desk: ReturnDesk, one: str) -> object:
    return desk.settle_refund("1001", one, happened=False, evidence="looked", by=costs.ANNA)


DO: Mapping[DeskStep, Callable[[ReturnDesk, str], object]] = {
    DeskStep.CONFIRM_REFUND: confirm,
    DeskStep.CANCEL_REFUND: lambda desk, one: desk.cancel_refund("1001", one, by=costs.ANNA),
    DeskStep.RETRY_REFUND: lambda desk, one: desk.retry_refund("1001", one, by=costs.ANNA),
    DeskStep.SETTLE_REFUND: settle,
    DeskStep.REVERSE_REFUND: lambda desk, one: desk.reverse_refund("1001", one, reference="b1", by=costs.ANNA),
    DeskStep.MATCH_REFUND: match,
    DeskStep.SET_REFUND_BATCH: lambda desk, one: desk.set_refund_batch("1001", one, "B1", by=costs.ANNA),
}


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
@pytest.mark.parametrize("step", DO)
@pytest.mark.parametrize("where", REFUNDS)
def test_what_is_offered_of_a_refund_is_what_the_desk_does(world: Any, where: str, step: DeskStep) -> None:
    refund_id = REFUNDS[where](world)
    offered = step in world.desk.can_do("1001", by=costs.ANNA).refunds[refund_id]
    before = world.desk.dossier("1001").version
    try:
        done = bool(DO[step](world.desk, refund_id))
    except (WrongState, UnknownRefund, ProviderUnavailable):
        done = False
    changed = world.desk.dossier("1001").version > before
    assert done is offered or (done and not changed), changed  # what was said before is said again


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
@pytest.mark.parametrize("where", REFUNDS)
def test_what_decides_something_that_needs_attention_is_offered_at_what_it_is_about(world: Any, where: str) -> None:
    REFUNDS[where](world)
    dossier, offered = world.desk.dossier("1001"), world.desk.can_do("1001", by=costs.ANNA)
    found: list[Attention] = [one for one in needs_attention(dossier) if one.about in dossier.refunds]
    for one in found:
        assert set(one.can_do) - {ACKNOWLEDGE} <= {*offered.refunds[one.about], *offered.order}, one.kind


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_money_is_offered_while_something_of_a_payment_is_left_and_clear(world: Any) -> None:
    costs.received(world)
    assert {DeskStep.REFUND, DeskStep.OPEN_REFUND_LINK} <= set(world.desk.can_do("1001", by=costs.ANNA).order)
    assert not {DeskStep.REFUND, DeskStep.OPEN_REFUND_LINK} & set(world.desk.can_do("1001", by=costs.BUYER).order)
    left = world.desk.refund_options("1001")[0].left
    world.desk.confirm_refund("1001", "p_1", left, reference="r", by=costs.ANNA, request_id="all")
    assert DeskStep.OPEN_REFUND_LINK not in world.desk.can_do("1001", by=costs.ANNA).order
