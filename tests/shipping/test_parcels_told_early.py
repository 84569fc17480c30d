"""What a webhook says of a parcel before it is known whose it is: kept until then, and lost by nobody."""

from __future__ import annotations

import datetime
from collections.abc import Callable
from typing import Any

import attrs
import pytest
from shipping.small_carrier import signed_webhook
from shipping.world import ANNA, World
from sqlalchemy import update

from retour import LabelState, ParcelState, WebhookReceipt
from retour.model.labels import Told
from retour.providers import ErrorCode, ProviderError, Shipment
from retour.store import tables

DAY = datetime.timedelta(days=1)
NOON = datetime.datetime.now(datetime.UTC).replace(microsecond=0) - DAY


def tell(world: World, **said: str) -> WebhookReceipt:
    headers, body = signed_webhook({"id": "-".join(said.values()), "told": "ready", **said}, items=CUP)
    return world.desk.receive_webhook("small_carrier", headers, body)


CUP = [{"quantity": 1, "sku": "cup"}]


def moves(world: World, parcel: str, progress: str, hour: int) -> WebhookReceipt:
    """As a provider tells of every parcel of its account: its number, its order, and no label."""
    at = (NOON + datetime.timedelta(hours=hour)).isoformat()
    return tell(world, parcel=parcel, order_id="1001", progress=progress, changed_at=at)


@attrs.define
class Portal:
    """The returns that the customer made in the portal, by their numbers, each with its parcel once it has one."""

    parcels: dict[str, str] = attrs.field(factory=dict)
    broken: list[ProviderError] = attrs.field(factory=list)

    def fetch(self, reference: str, parcel: str) -> Shipment:
        if self.broken:
            raise self.broken.pop()
        number = reference or next(one for one, its in self.parcels.items() if its == parcel)
        known = self.parcels[number]
        return Shipment(told=Told.READY if known else Told.ANNOUNCING, parcel=known, order_id="1001")


@pytest.fixture
def portal(make_world: Callable[..., World]) -> tuple[World, Portal]:
    """The customer made two returns of order 1001, P1 and P2, and their carrier has not announced either."""
    world, portal = make_world(), Portal(parcels={"P1": "", "P2": ""})
    world.desk.cancel_return("1001", world.return_id, by=ANNA)
    kind: Any = world.desk._services.registry.shipping["small_carrier"][0]
    kind.fetch_shipment = lambda self, reference, parcel: portal.fetch(reference, parcel)
    for number in portal.parcels:
        tell(world, told="announcing", reference=number, order_id="1001")
    assert [(one.reference, one.parcel) for one in labels(world)] == [("P1", ""), ("P2", "")]
    return world, portal


def labels(world: World) -> list[Any]:
    return list(world.desk.dossier("1001").labels.values())


def steps(world: World) -> list[tuple[str, ParcelState]]:
    """Every step of a parcel that the timeline has, by the number of its label."""
    events = world.desk._services.cases.as_last_seen("default", "1001").events
    number = {one.id: one.reference for one in labels(world)}
    return [(number[one.event.label_id], one.event.progress) for one in events if one.event.type == "parcel_moved"]


ON_ITS_WAY, DELIVERED = ParcelState.ON_ITS_WAY, ParcelState.DELIVERED


def test_its_label_is_read_at_once_where_that_is_known_by_its_number_alone(portal: tuple[World, Portal]) -> None:
    world, theirs = portal
    theirs.parcels["P2"] = "p-2"
    assert moves(world, "p-2", "on_its_way", 1) == WebhookReceipt(kept=1, unknown=0)
    assert [(one.reference, one.parcel, one.progress) for one in labels(world)] == [
        ("P1", "", ParcelState.NOT_SENT),
        ("P2", "p-2", ON_ITS_WAY),
    ]


def test_what_is_said_before_that_is_kept_and_every_step_is_there_in_the_end(portal: tuple[World, Portal]) -> None:
    world, theirs = portal
    moves(world, "p-1", "on_its_way", 1)
    moves(world, "p-1", "at_pickup_point", 2)
    moves(world, "p-1", "delivered", 3)
    assert steps(world) == []
    theirs.parcels |= {"P1": "p-1", "P2": "p-2"}
    world.work_for(minutes=1)
    assert sorted(steps(world)) == sorted([("P1", ON_ITS_WAY), ("P1", ParcelState.AT_PICKUP_POINT), ("P1", DELIVERED)])
    assert labels(world)[0].progress is DELIVERED
    assert [one.return_id for one in world.desk.list_returns(waits_for="counting").returns] == [
        labels(world)[0].return_id
    ]


def test_while_its_provider_cannot_be_asked_it_is_kept(portal: tuple[World, Portal]) -> None:
    world, theirs = portal
    theirs.parcels |= {"P1": "p-1", "P2": "p-2"}
    theirs.broken += [ProviderError(ErrorCode.UNAVAILABLE, "it is down")]
    moves(world, "p-1", "on_its_way", 1)
    assert steps(world) == []
    world.work_for(minutes=1)
    assert ("P1", ON_ITS_WAY) in steps(world)


def test_what_was_delivered_to_the_customer_is_never_taken_for_what_he_sends_back(portal: tuple[World, Portal]) -> None:
    world, theirs = portal
    assert moves(world, "p-out", "delivered", 1) == WebhookReceipt(kept=1, unknown=0), "it may be one of them"
    theirs.parcels["P1"] = "p-1"
    world.work_for(minutes=1)
    assert steps(world) == []
    theirs.parcels["P2"] = "p-2"
    world.work_for(minutes=10)
    world.work_for(hours=2)
    assert steps(world) == []
    assert moves(world, "p-out", "on_its_way", 2) == WebhookReceipt(kept=0, unknown=1), "now each has its own"
    assert waiting(world) == []


def waiting(world: World) -> list[str]:
    with world.desk._services.store.engine.begin() as connection:
        query = "SELECT kind FROM retour_effect WHERE state = 'waiting' AND kind = 'shipment_event'"
        return [row[0] for row in connection.exec_driver_sql(query)]


def test_a_label_that_never_gets_a_parcel_keeps_nothing_for_ever(portal: tuple[World, Portal]) -> None:
    world, _ = portal
    at = (NOON - 30 * DAY).isoformat()
    tell(world, parcel="p-out", order_id="1001", progress="delivered", changed_at=at)
    assert waiting(world) == []


@pytest.mark.parametrize("at", [None, "2096-11-24T12:00:00+00:00"])
def test_what_is_told_of_no_time_is_kept_for_as_long_as_its_label_is_new(
    portal: tuple[World, Portal], at: str | None
) -> None:
    """It went to the customer: a carrier that tells no time, or one that cannot be, had each of its words asked about
    once an hour for ever."""
    world, _ = portal
    tell(world, parcel="p-out", order_id="1001", progress="delivered", **({} if at is None else {"changed_at": at}))
    assert len(waiting(world)) == 1
    made_long_ago(world)
    world.work_for(hours=2)
    assert waiting(world) == []


def made_long_ago(world: World) -> None:
    """As if all that is known of the order had happened a month ago."""
    month = 30 * DAY.total_seconds() * 1_000_000
    with world.desk._services.store.engine.begin() as connection:
        connection.execute(update(tables.event).values(at=tables.event.c.at - int(month)))


def test_of_an_order_whose_labels_are_all_known_nothing_is_kept(make_world: Callable[..., World]) -> None:
    world = make_world()
    world.order()
    assert moves(world, "p-out", "delivered", 1) == WebhookReceipt(kept=0, unknown=1)
    assert moves(world, "p-R1", "on_its_way", 2) == WebhookReceipt(kept=1, unknown=0)
    assert steps(world) == [("R1", ON_ITS_WAY)]


def test_a_parcel_of_a_label_that_is_being_made_waits_until_that_is_known(make_world: Callable[..., World]) -> None:
    world = make_world()
    world.carrier.lost_answers = 1
    world.order()
    assert world.label().state is LabelState.UNKNOWN
    assert moves(world, "p-R1", "on_its_way", 1) == WebhookReceipt(kept=1, unknown=0)
    assert moves(world, "p-out", "delivered", 2) == WebhookReceipt(kept=1, unknown=0)
    world.work_for(minutes=1)
    world.work_for(minutes=1)
    assert steps(world) == [("R1", ON_ITS_WAY)]
    assert waiting(world) == []
    assert list(world.desk.dossier("1001").returns) == [world.return_id]


def test_the_shop_is_not_asked_about_the_parcels_of_orders_that_have_no_label(make_world: Callable[..., World]) -> None:
    world = make_world()
    asked: list[str] = []
    shop: Any = world.desk._services.shops("default").shop
    given = shop.order
    shop.order = lambda order_id: (asked.append(order_id), given(order_id))[1]
    assert tell(world, parcel="p-77", order_id="1002", progress="delivered") == WebhookReceipt(kept=0, unknown=1)
    assert asked == []
