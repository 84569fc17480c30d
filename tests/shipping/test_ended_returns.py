"""What is on its way, or can still be used, of a return that has ended: its label goes with it, and a parcel that comes
all the same is somebody's to look at."""

from __future__ import annotations

import datetime
from collections.abc import Callable
from typing import Any

import attrs
import pytest
from shipping.small_carrier import SmallCarrier, signed_webhook
from shipping.world import ANNA, JANSEN, World

from retour import Actor, AttentionKind, GoodsState, LabelState, ParcelState, WhatFollows, WrongState
from retour.model.labels import Told
from retour.providers import ErrorCode, ProviderError, Support

CANNOT_CANCEL = attrs.evolve(SmallCarrier.capabilities, cancel_label=Support.PROVIDER_CANNOT)
NOON = datetime.datetime(2026, 11, 23, 12, 0, tzinfo=datetime.UTC)


def moved(world: World, progress: ParcelState, which: int = -1) -> None:
    world.carrier.bought[which].progress = progress
    world.work_for(hours=7)


def waits(world: World) -> list[tuple[AttentionKind, tuple[str, ...]]]:
    return [(one.kind, one.can_do) for one in world.desk.attention().items]


def goods(world: World) -> GoodsState:
    return world.desk.dossier("1001").return_(world.return_id).goods


NOT_EXPECTED = (AttentionKind.PARCEL_NOT_EXPECTED, ("reopen_return", "acknowledge"))
STAYS = AttentionKind.LABEL_NOT_CANCELLED


# --- the label goes with it ------------------------------------------------------------------------------


@pytest.mark.parametrize("by", [ANNA, JANSEN])
def test_a_return_that_is_cancelled_takes_its_unused_label_with_it(make_world: Callable[..., World], by: Actor) -> None:
    world = make_world()
    world.order()
    world.desk.cancel_return("1001", world.return_id, by=by)
    assert goods(world) is GoodsState.CANCELLED
    assert world.label().state is LabelState.CANCELLED
    assert not world.carrier.spent()
    assert waits(world) == []
    told = [entry.code for entry in world.desk.timeline("1001")][-3:]
    assert told == ["return_cancelled", "label_cancel_asked", "label_reported"]


def test_every_label_of_it_goes_and_one_that_a_carrier_has_does_not(make_world: Callable[..., World]) -> None:
    world = make_world()
    for number in ("one", "two", "three"):
        world.order(number, another_parcel=True)
    moved(world, ParcelState.ON_ITS_WAY, which=1)
    world.desk.cancel_return("1001", world.return_id, by=ANNA)
    states = [one.state for one in world.desk.dossier("1001").labels.values()]
    assert states == [LabelState.CANCELLED, LabelState.READY, LabelState.CANCELLED]
    assert waits(world) == [NOT_EXPECTED]


def test_a_return_from_the_portal_that_is_rejected_takes_its_label_with_it(make_world: Callable[..., World]) -> None:
    world = make_world()
    said = {"id": "ev-1", "told": "ready", "reference": "P1", "order_id": "1001"}
    headers, body = signed_webhook(said, items=[{"quantity": 1, "sku": "lamp"}])
    world.desk.receive_webhook("small_carrier", headers, body)
    kind: Any = world.desk._services.registry.shipping["small_carrier"][0]
    kind.cancel_label = lambda self, reference, parcel: attrs.evolve(
        SmallCarrier.list_shipments(self, "1001", NOON)[0], told=Told.CANCELLED, reference=reference
    )
    world.carrier.portal("P1", parcel="")
    label = world.label()
    world.desk.reject_return("1001", label.return_id, because="We never sold you a lamp.", by=ANNA)
    assert world.label().state is LabelState.CANCELLED


def test_a_label_that_cannot_be_cancelled_is_listed(make_world: Callable[..., World]) -> None:
    world = make_world(capabilities=CANNOT_CANCEL)
    world.order()
    world.desk.cancel_return("1001", world.return_id, by=ANNA)
    [item] = world.desk.attention().items
    assert (item.kind, item.about, item.can_do) == (STAYS, world.label().id, ("cancel_label", "acknowledge"))
    world.desk.acknowledge("1001", item.kind, item.about, by=ANNA)
    assert waits(world) == []


def test_a_label_without_its_number_is_listed_and_cancelled_when_that_is_told(make_world: Callable[..., World]) -> None:
    world = make_world(names=False, says_our_id=False)
    world.carrier.lost_answers = 1
    label_id = str(world.order().label_id)
    world.work_for(minutes=1)
    world.desk.cancel_return("1001", world.return_id, by=ANNA)
    assert waits(world) == [(STAYS, ("acknowledge",))]
    assert "can still be used" in world.desk.attention().items[0].why.render("en")

    headers, body = signed_webhook({"id": "ev-1", "told": "ready", "reference": "R1", "order_id": "1001"})
    kind: Any = world.desk._services.registry.shipping["small_carrier"][0]
    kind.names = True
    world.desk.receive_webhook("small_carrier", headers, body)
    world.desk.work()
    assert world.desk.dossier("1001").labels[label_id].state is LabelState.CANCELLED
    assert waits(world) == []


def test_a_label_that_was_not_asked_for_yet_is_not_bought(make_world: Callable[..., World]) -> None:
    world = make_world()
    world.carrier.faults.append(lambda: ProviderError(ErrorCode.RATE_LIMITED, "slow down"))
    world.order()
    assert world.label().state is LabelState.ORDERED
    world.desk.cancel_return("1001", world.return_id, by=ANNA)
    world.work_for(minutes=5)
    assert world.carrier.bought == []
    assert world.label().state is LabelState.REFUSED
    assert waits(world) == []


def test_a_label_whose_answer_was_lost_is_found_and_taken_back(make_world: Callable[..., World]) -> None:
    world = make_world()
    world.carrier.lost_answers = 1
    world.order()
    world.desk.cancel_return("1001", world.return_id, by=ANNA)
    world.work_for(minutes=5)
    world.work_for(minutes=5)
    assert len(world.carrier.bought) == 1
    assert world.label().state is LabelState.CANCELLED
    assert not world.carrier.spent()


def test_a_label_that_could_not_be_taken_back_is_asked_about_once(make_world: Callable[..., World]) -> None:
    world = make_world(capabilities=CANNOT_CANCEL)
    world.carrier.announces = True
    world.order()
    world.desk.cancel_return("1001", world.return_id, by=ANNA)
    world.carrier.bought[0].told = Told.READY
    for _ in range(3):
        world.work_for(hours=7)
    assert [entry.code for entry in world.desk.timeline("1001")].count("label_cancel_asked") == 1


def test_a_label_of_a_return_that_has_ended_is_not_shown(make_world: Callable[..., World]) -> None:
    world = make_world(capabilities=CANNOT_CANCEL, once=True)
    label_id = str(world.order().label_id)
    world.desk.label_document("1001", label_id, by=JANSEN)
    world.desk.cancel_return("1001", world.return_id, by=ANNA)
    for by in (JANSEN, ANNA):
        with pytest.raises(WrongState, match=r"is cancelled, .* Reopen the return"):
            world.desk.label_document("1001", label_id, by=by)
    world.desk.reopen_return("1001", world.return_id, by=ANNA)
    assert world.desk.label_document("1001", label_id, by=JANSEN).content


# --- and a parcel that comes all the same ----------------------------------------------------------------


def test_a_parcel_of_a_cancelled_return_is_listed_at_each_step_and_counted_once_it_is_reopened(
    make_world: Callable[..., World],
) -> None:
    world = make_world(capabilities=CANNOT_CANCEL)
    world.order()
    world.desk.cancel_return("1001", world.return_id, by=ANNA)
    moved(world, ParcelState.ON_ITS_WAY)
    assert waits(world) == [NOT_EXPECTED]
    [item] = world.desk.attention().items
    assert item.about == world.label().id
    assert "the carrier has the parcel of a return that has ended" in item.why.render("en")
    world.desk.acknowledge("1001", item.kind, item.about, by=ANNA)
    assert waits(world) == []

    moved(world, ParcelState.DELIVERED)
    [item] = world.desk.attention().items
    assert (item.kind, item.can_do) == NOT_EXPECTED
    assert "was delivered" in item.why.render("en")
    assert world.desk.list_returns(waits_for="counting").returns == ()

    world.desk.reopen_return("1001", world.return_id, by=ANNA)
    assert waits(world) == []
    assert [one.return_id for one in world.desk.list_returns(waits_for="counting").returns] == [world.return_id]


def test_a_return_that_is_cancelled_while_its_parcel_is_on_its_way_says_so_at_once(
    make_world: Callable[..., World],
) -> None:
    world = make_world()
    world.order()
    moved(world, ParcelState.ON_ITS_WAY)
    assert goods(world) is GoodsState.IN_TRANSIT
    world.desk.cancel_return("1001", world.return_id, by=JANSEN)
    assert waits(world) == [NOT_EXPECTED]


@pytest.mark.parametrize(
    ("progress", "kind"),
    [
        (ParcelState.LOST, AttentionKind.PARCEL),
        (ParcelState.RETURNED_TO_SENDER, AttentionKind.PARCEL),
        (ParcelState.PROBLEM, AttentionKind.PARCEL),
        (ParcelState.DELAYED, AttentionKind.PARCEL_NOT_EXPECTED),
    ],
)
def test_each_step_of_it_is_listed_once(
    make_world: Callable[..., World], progress: ParcelState, kind: AttentionKind
) -> None:
    steps = {ParcelState.DELAYED: WhatFollows.ASK}
    world = make_world(capabilities=CANNOT_CANCEL, desk={"parcel_steps": steps})
    world.order()
    world.desk.cancel_return("1001", world.return_id, by=ANNA)
    moved(world, ParcelState.ON_ITS_WAY)
    moved(world, progress)
    assert [one.kind for one in world.desk.attention().items] == [kind]


@attrs.define
class Days:
    """The host's clock."""

    now: datetime.datetime = NOON

    def __call__(self) -> datetime.datetime:
        return self.now


def test_a_parcel_of_an_expired_return_is_listed(make_world: Callable[..., World]) -> None:
    clock = Days()
    world = make_world(desk={"clock": clock})
    world.desk.approve_return("1001", world.return_id, by=ANNA, send_by=NOON.date() + datetime.timedelta(days=2))
    world.order()
    clock.now += datetime.timedelta(days=4)
    world.desk.work()
    assert goods(world) is GoodsState.EXPIRED
    assert world.label().state is LabelState.READY, "it may be in the post"
    assert waits(world) == []
    moved(world, ParcelState.DELIVERED)
    assert waits(world) == [NOT_EXPECTED]


@pytest.mark.parametrize("progress", [ParcelState.ON_ITS_WAY, ParcelState.DELIVERED])
def test_a_return_whose_parcel_the_carrier_has_does_not_expire(
    make_world: Callable[..., World], progress: ParcelState
) -> None:
    """Whatever the host wants to follow from a scan: the goods were sent in time."""
    clock = Days()
    world = make_world(desk={"clock": clock, "parcel_steps": {ParcelState.ON_ITS_WAY: WhatFollows.NOTHING}})
    world.desk.approve_return("1001", world.return_id, by=ANNA, send_by=NOON.date() + datetime.timedelta(days=2))
    world.order()
    moved(world, progress)
    assert goods(world) is GoodsState.APPROVED
    clock.now += datetime.timedelta(days=4)
    for _ in range(2):
        world.desk.work()
    assert goods(world) is GoodsState.APPROVED
    assert list(world.desk._services.store.pages.overdue(clock.now.date())) == [], "nobody looks at it every day"


@pytest.mark.parametrize("hours", [1, 0, 30, -30])
def test_a_second_parcel_of_a_closed_return_is_listed_and_the_first_is_not(
    make_world: Callable[..., World], hours: int
) -> None:
    """Whatever the clock of the process says that hears of it."""
    clock = Days()
    world = make_world(desk={"clock": clock})
    world.order()
    world.order("second", another_parcel=True)
    moved(world, ParcelState.DELIVERED, which=0)
    world.desk.receive("1001", world.return_id, {"cup": 1}, by=ANNA, request_id="count")
    world.desk.close_return("1001", world.return_id, by=ANNA)
    assert waits(world) == []
    clock.now += datetime.timedelta(hours=hours)
    moved(world, ParcelState.DELIVERED, which=1)
    [item] = world.desk.attention().items
    second = list(world.desk.dossier("1001").labels)[1]
    assert (item.kind, item.about) == (AttentionKind.PARCEL_NOT_EXPECTED, second)


def test_a_parcel_that_was_counted_before_its_carrier_said_so_is_no_surprise(make_world: Callable[..., World]) -> None:
    world = make_world()
    world.order()
    world.desk.receive("1001", world.return_id, {"cup": 1}, by=ANNA, request_id="count")
    world.desk.close_return("1001", world.return_id, by=ANNA)
    moved(world, ParcelState.DELIVERED)
    assert waits(world) == []


def test_a_refused_label_of_a_return_that_has_ended_is_nobodys_to_replace(make_world: Callable[..., World]) -> None:
    world = make_world()
    world.carrier.faults.append(lambda: ProviderError(ErrorCode.CARRIER_REFUSED, "too wide"))
    world.order()
    assert [one.kind for one in world.desk.attention().items] == [AttentionKind.LABEL_REFUSED]
    world.desk.cancel_return("1001", world.return_id, by=ANNA)
    assert waits(world) == []
    world.desk.reopen_return("1001", world.return_id, by=ANNA)
    assert [one.kind for one in world.desk.attention().items] == [AttentionKind.LABEL_REFUSED]
