"""A person settles an unclear refund while a worker is asking for it: it is paid once, whoever is faster."""

from __future__ import annotations

import datetime
from typing import Any

import pytest

from retour import Actor, Money, WrongState
from retour.providers import ErrorCode, ProviderError, Support

ANNA = Actor.staff("anna")
EUR40 = Money.of("40", "EUR")
HOUR = datetime.timedelta(hours=1)


def unclear(world: Any, **capabilities: object) -> str:
    """A refund whose answer was lost before the provider made it; a colleague then makes it in the dashboard."""
    lost = ProviderError(ErrorCode.OUTCOME_UNKNOWN, "no answer")
    world.open(**capabilities).ledger.before = [lost]
    refund_id = world.refund().refund_id
    world.ledger.add("p_1", EUR40)
    return str(refund_id)


def settle(world: Any, how: str, refund_id: str) -> None:
    if how == "confirm":
        world.desk.confirm_refund(
            "1001", "p_1", EUR40, reference="re_1", by=ANNA, request_id="own", refund_id=refund_id
        )
        return
    external = next(one.id for one in world.refunds if one.id != refund_id)
    world.desk.match_refund("1001", refund_id, external, by=ANNA)


@pytest.mark.parametrize("how", ["confirm", "match"])
def test_a_person_waits_while_a_worker_asks_who_may_send_it_again(world: Any, how: str) -> None:
    refund_id = unclear(world)
    if how == "match":
        world.desk.reconcile("1001")
    refused: list[str] = []

    def person(call: str, _: object) -> None:
        if call == "find_refund" and not refused:
            with pytest.raises(WrongState, match="right now") as caught:
                settle(world, how, refund_id)
            refused.append(str(caught.value))

    world.ledger.watch = person
    world.later()
    assert len(refused) == 1


@pytest.mark.parametrize("how", ["confirm", "match"])
def test_a_worker_who_was_too_slow_does_not_send_what_a_person_has_settled(world: Any, how: str) -> None:
    """His lease ran out while he asked the provider."""
    refund_id = unclear(world)
    if how == "match":
        world.desk.reconcile("1001")
    settled: list[str] = []

    def person(call: str, _: object) -> None:
        if call == "find_refund" and not settled:
            settled.append(call)
            world.end_leases()
            settle(world, how, refund_id)

    world.ledger.watch = person
    world.later()
    world.later(HOUR)
    assert settled
    assert (world.went_back, world.desk.dossier("1001").refunds[refund_id].state) == (4000, "succeeded")


@pytest.mark.parametrize("how", ["confirm", "match"])
def test_with_a_persons_word_nobody_asks_any_more(world: Any, how: str) -> None:
    refund_id = unclear(world)
    if how == "match":
        world.desk.reconcile("1001")
    settle(world, how, refund_id)
    calls = world.ledger.calls
    world.later(HOUR)
    assert (world.ledger.calls, world.went_back) == (calls, 4000)


def test_a_waiting_refund_is_not_replaced_where_nobody_can_tell_whether_it_was_made(world: Any) -> None:
    world.open(list_refunds=Support.PROVIDER_CANNOT)
    link = world.open_link("40.00").refund_id
    world.ledger.add("p_1", EUR40)
    with pytest.raises(WrongState, match="cannot tell whether refund"):
        world.refund("40.00", instead_of=link)
    assert (world.ledger.calls, world.went_back) == (0, 4000)
    world.desk.confirm_refund("1001", "p_1", EUR40, reference="re_1", by=ANNA, request_id="own", refund_id=link)
    assert world.states == ["succeeded"]
