"""Labels over all orders as a list: what each waits for, by its filters, page by page, and whole after an upgrade."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import attrs
import pytest
from shipping.small_carrier import SmallCarrier, lost, signed_webhook
from shipping.world import ANNA, JANSEN, World
from sqlalchemy import text

from retour import GoodsState, InvalidArgument, LabelPage, LabelState, LabelSummary, LabelWait, ParcelState

MakeWorld = Callable[..., World]


def listed(world: World, **filters: Any) -> list[LabelSummary]:
    return list(world.desk.list_labels(**filters).labels)


def ids(page: LabelPage) -> list[str]:
    return [one.label_id for one in page.labels]


def with_labels(make_world: MakeWorld, several: int = 3) -> tuple[World, list[str]]:
    """A return with so many parcels, each with a label that can be used; their ids, the oldest first."""
    world = make_world()
    for number in range(several):
        world.order(f"label {number}", another_parcel=True)
    return world, list(world.desk.dossier("1001").labels)


def test_a_row_tells_what_the_dossier_knows_of_a_label(make_world: MakeWorld) -> None:
    world = make_world()
    world.order()
    label, (row,) = world.label(), listed(world)
    assert (row.order_id, row.return_id, row.label_id) == ("1001", label.return_id, label.id)
    assert row.number == world.desk.dossier("1001").return_(label.return_id).number
    assert (row.provider, row.account, row.state, row.progress) == (
        label.provider,
        label.account,
        label.state,
        label.progress,
    )
    assert (row.name, row.form) == (label.option.name, label.option.form)
    assert (row.carrier, row.tracking_number, row.tracking_url) == (
        label.carrier,
        label.tracking_number,
        label.tracking_url,
    )
    assert (row.valid_until, row.payer, row.cost, row.why) == (
        label.valid_until,
        label.payer,
        label.cost,
        label.because,
    )
    assert (row.since, row.opened_at) == (label.changed_at, label.ordered_at)


def test_a_label_waits_for_the_customer_until_a_carrier_has_its_parcel(make_world: MakeWorld) -> None:
    world = make_world()
    world.order()
    assert [one.waits_for for one in listed(world)] == [LabelWait.CUSTOMER]
    for progress, waits in (
        (ParcelState.ON_ITS_WAY, LabelWait.CARRIER),
        (ParcelState.DELIVERED, LabelWait.NOTHING),
    ):
        world.carrier.bought[-1].progress = progress
        world.work_for(hours=7)
        (row,) = listed(world, waits_for=waits)
        assert (row.progress, row.waits_for) == (progress, waits)
        assert listed(world, waits_for="customer") == []


def test_a_label_of_a_return_that_came_another_way_waits_for_nobody(make_world: MakeWorld) -> None:
    world = make_world()
    world.order()
    world.desk.mark_returned("1001", by=ANNA)
    assert world.desk.dossier("1001").return_(world.return_id).goods is GoodsState.RECEIVED
    assert [(one.state, one.waits_for) for one in listed(world)] == [(LabelState.READY, LabelWait.NOTHING)]


def test_a_label_that_was_taken_back_or_replaced_waits_for_nobody(make_world: MakeWorld) -> None:
    world, (first, second) = with_labels(make_world, 2)
    world.order("in its place", replaces=second)
    assert {one.label_id for one in listed(world, waits_for="customer")} == {first, world.label().id}
    world.desk.cancel_return("1001", world.return_id, by=JANSEN)
    assert [one.label_id for one in listed(world, waits_for="customer")] == []
    assert len(listed(world, state=LabelState.CANCELLED)) == 3


def test_a_label_that_its_carrier_does_not_have_yet_waits_for_its_provider(make_world: MakeWorld) -> None:
    world = make_world()
    world.carrier.announces = True
    world.order()
    assert [(one.state, one.waits_for) for one in listed(world)] == [(LabelState.ANNOUNCING, LabelWait.PROVIDER)]


def test_one_of_which_nobody_can_tell_whether_it_was_made_waits_for_a_person(make_world: MakeWorld) -> None:
    world = make_world(capabilities=attrs.evolve(SmallCarrier.capabilities, refuses_repeats=False))
    world.carrier.faults.append(lost)
    world.order()
    world.work_for(hours=1)
    assert [(one.state, one.waits_for) for one in listed(world)] == [(LabelState.UNKNOWN, LabelWait.PERSON)]
    assert listed(world)[0].why is not None


def test_labels_of_a_portal_are_listed_with_what_is_known_of_them(make_world: MakeWorld) -> None:
    world = make_world()
    said = {"id": "ev-1", "told": "ready", "reference": "P1", "order_id": "1001"}
    headers, body = signed_webhook(said, items=[{"quantity": 1, "sku": "lamp"}])
    world.desk.receive_webhook("small_carrier", headers, body)
    (row,) = listed(world)
    assert (row.name, row.form) == ("", None)
    assert row.return_id != world.return_id


@pytest.mark.parametrize("oldest_first", [False, True])
def test_pages_hold_every_label_once_and_lead_back(make_world: MakeWorld, oldest_first: bool) -> None:
    world, labels = with_labels(make_world, 5)
    asked: dict[str, Any] = {"limit": 2, "oldest_first": oldest_first, "waits_for": "customer"}
    pages = [world.desk.list_labels(**asked)]
    while pages[-1].next is not None:
        pages.append(world.desk.list_labels(after=pages[-1].next, **asked))
    assert [one for page in pages for one in ids(page)] == labels[:: 1 if oldest_first else -1]
    assert world.desk.list_labels(before=pages[-1].previous, **asked) == pages[-2]
    assert pages[0].previous is None


def test_filters_narrow_the_list_and_one_that_there_is_not_is_refused(make_world: MakeWorld) -> None:
    world, labels = with_labels(make_world, 2)
    begin = listed(world)[0].opened_at
    assert len(listed(world, provider="small_carrier", state="ready", order_id="1001")) == 2
    assert listed(world, order_id="1002") == []
    assert ids(world.desk.list_labels(search=listed(world)[0].tracking_number)) == labels[::-1]  # all of its order
    assert listed(world, opened_before=listed(world, oldest_first=True)[0].opened_at) == []
    assert listed(world, opened_from=begin)[0].label_id == labels[-1]
    for wrong in ({"provider": "mollie"}, {"state": "made"}, {"waits_for": "customers"}):
        with pytest.raises(InvalidArgument, match="is one of"):
            listed(world, **wrong)


def test_labels_of_before_are_listed_once_they_are_read_from_their_orders(make_world: MakeWorld) -> None:
    world, _ = with_labels(make_world, 2)
    before = listed(world)
    store = world.desk._services.store
    with store.engine.begin() as connection:
        connection.execute(text("DELETE FROM retour_label"))
        connection.execute(text("UPDATE retour_dossier SET amounts = ''"))
    world.desk._services.completing._whole.clear()
    assert listed(world) == before
    with store.engine.connect() as connection:
        assert connection.execute(text("SELECT count(*) FROM retour_label")).scalar() == len(before)
