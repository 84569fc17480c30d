"""Whose label it is: an answer, a webhook and a person's word count for the label and the order that they are of."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import attrs
import pytest
from shipping.small_carrier import Bought, signed_webhook
from shipping.world import ANNA, BOX, HOME, JANSEN, World

from retour import AttentionKind, InvalidArgument, LabelState, ParcelState, ProviderUnavailable, WrongState
from retour.model.labels import Told
from retour.providers import ErrorCode, ProviderError, Shipment


@pytest.fixture
def unclear(make_world: Callable[..., World]) -> World:
    """A label of order 1001 waits for a person; R9 is one of order 1002."""
    world = make_world(names=False, says_our_id=False)
    world.carrier.lost_answers = 1
    world.order()
    [ours] = world.carrier.bought
    world.carrier.bought.append(attrs.evolve(ours, reference="R2"))
    of_another = attrs.evolve(ours.request, order_id="1002", label_id="lb-of-another", sender=SMITH)
    world.carrier.bought.append(Bought(request=of_another, reference="R9"))
    world.work_for(minutes=1)
    assert world.label().needs_person
    kind: Any = world.desk._services.registry.shipping["small_carrier"][0]
    kind.names = kind.says_our_id = True
    return world


SMITH = attrs.evolve(HOME, name="A. Smith")


def unavailable() -> ProviderError:
    return ProviderError(ErrorCode.UNAVAILABLE, "it is down")


def test_the_number_of_another_orders_label_is_refused(unclear: World) -> None:
    label_id = unclear.label().id
    with pytest.raises(InvalidArgument, match=r"R9 is no label of this order at Small Carrier: .*R9 is of order 1002"):
        unclear.desk.settle_label("1001", label_id, by=ANNA, made=True, reference="R9")
    with pytest.raises(InvalidArgument, match="R77 is no label of this order"):
        unclear.desk.settle_label("1001", label_id, by=ANNA, made=True, reference="R77")
    assert unclear.label().needs_person

    unclear.desk.settle_label("1001", label_id, by=ANNA, made=True, reference="R1")
    assert (unclear.label().state, unclear.label().parcel) == (LabelState.READY, "p-R1"), "its provider said so at once"
    assert unclear.desk.label_document("1001", label_id, by=JANSEN).content == b"%PDF-1.7 R1 J. Jansen"


def test_one_that_was_given_while_nobody_could_be_asked_is_shown_to_no_customer(unclear: World) -> None:
    label_id = unclear.label().id
    unclear.carrier.faults.append(unavailable)
    unclear.desk.settle_label("1001", label_id, by=ANNA, made=True, reference="R9")
    assert unclear.label().unconfirmed

    with pytest.raises(WrongState, match="is no label of this order"):
        unclear.desk.label_document("1001", label_id, by=JANSEN)
    unclear.carrier.faults.append(unavailable)
    with pytest.raises(ProviderUnavailable):
        unclear.desk.label_document("1001", label_id, by=JANSEN)
    assert "fetch_label" not in unclear.carrier.calls

    unclear.work_for(minutes=1)
    label = unclear.label()
    assert (label.state, label.reference, label.needs_person) == (LabelState.UNKNOWN, "", True)
    [item] = unclear.desk.attention(AttentionKind.LABEL_UNKNOWN).items
    assert "R9 is of order 1002" in item.why.render("en")
    assert "R9 is no label of this order" in unclear.desk.timeline("1001")[-1].text("en")
    unclear.desk.settle_label("1001", label_id, by=ANNA, made=True, reference="R1")
    unclear.desk.reconcile_labels("1001")
    assert unclear.label().state is LabelState.READY


def test_a_right_one_that_was_given_while_nobody_could_be_asked_is_confirmed_later(unclear: World) -> None:
    unclear.carrier.faults.append(unavailable)
    unclear.desk.settle_label("1001", unclear.label().id, by=ANNA, made=True, reference="R1")
    unclear.work_for(minutes=1)
    assert (unclear.label().state, unclear.label().unconfirmed) == (LabelState.READY, False)


def test_another_orders_label_is_never_cancelled(unclear: World) -> None:
    label_id = unclear.label().id
    unclear.carrier.faults.append(unavailable)
    unclear.desk.settle_label("1001", label_id, by=ANNA, made=True, reference="R9")
    unclear.desk.cancel_label("1001", label_id, by=ANNA)
    assert unclear.carrier.find("R9").told is Told.READY
    assert "cancel_label" not in unclear.carrier.calls
    assert (unclear.label().state, unclear.label().cancel_asked) == (LabelState.UNKNOWN, False)


@pytest.mark.parametrize("wrong", [{"order_id": "1002"}, {"label_id": "lb-of-another"}])
def test_an_answer_about_another_order_or_label_moves_nothing(
    make_world: Callable[..., World], wrong: dict[str, str]
) -> None:
    """As a cache gives it, or a provider that mixes them up: our number, and another customer's parcel."""
    world = make_world()
    world.order()
    kind: Any = world.desk._services.registry.shipping["small_carrier"][0]
    read = kind.fetch_shipment
    kind.fetch_shipment = lambda self, reference, parcel: attrs.evolve(
        read(self, reference, parcel), **wrong, progress=ParcelState.DELIVERED
    )
    kind.cancel_label = kind.fetch_shipment
    world.work_for(hours=7)
    with pytest.raises(ProviderUnavailable) as caught:
        world.desk.reconcile_labels("1001")
    assert "about something else" in caught.value.__cause__.reason.said  # type: ignore[union-attr]
    world.desk.cancel_label("1001", world.label().id, by=ANNA)
    assert (world.label().progress, world.label().cancel_asked) == (ParcelState.NOT_SENT, True)


def tell(world: World, **said: str) -> None:
    headers, body = signed_webhook({"id": "ev-1", "told": "ready", "progress": "delivered", **said})
    world.desk.receive_webhook("small_carrier", headers, body)


@pytest.mark.parametrize(
    "said",
    [
        {"parcel": "p-R1", "order_id": "1002"},
        {"tracking_number": "3SR1", "reference": "R9", "order_id": "1002"},
        {"parcel": "p-R1", "label_id": "lb-of-another"},
        {"parcel": "R1"},  # the number of a label, and of another parcel
        {"parcel": "p-R9", "tracking_number": "3SR1"},  # a tracking number that the carrier gave again
    ],
)
def test_a_webhook_about_another_order_label_or_parcel_moves_nothing(
    make_world: Callable[..., World], said: dict[str, str]
) -> None:
    world = make_world()
    world.order()
    tell(world, **said)
    label = next(iter(world.desk.dossier("1001").labels.values()))
    assert label.progress is ParcelState.NOT_SENT


def test_a_parcel_that_changed_its_tracking_number_is_the_same_parcel(make_world: Callable[..., World]) -> None:
    world = make_world()
    world.order()
    tell(world, parcel="p-R1", tracking_number="3SANOTHER")
    assert (world.label().progress, world.label().tracking_number) == (ParcelState.DELIVERED, "3SANOTHER")


def test_a_parcel_that_is_read_may_say_its_number_too(make_world: Callable[..., World]) -> None:
    """It was found with the number of its parcel alone."""
    world = make_world(says_our_id=False)
    kind: Any = world.desk._services.registry.shipping["small_carrier"][0]
    listed = kind.list_shipments
    kind.list_shipments = lambda self, order_id, since: [
        attrs.evolve(one, reference="", tracking_number="") for one in listed(self, order_id, since)
    ]
    kind.fetch_shipment = lambda self, reference, parcel: self.carrier.find(
        reference or parcel.removeprefix("p-")
    ).shipment()
    world.carrier.lost_answers = 1
    world.order()
    world.work_for(minutes=1)
    assert (world.label().reference, world.label().parcel) == ("", "p-R1")
    world.work_for(minutes=1)
    assert world.label().reference == "R1"


def test_two_providers_may_have_one_number(make_world: Callable[..., World]) -> None:
    """What is settled is a label of one account; a label of another may have its number there."""
    world = make_world(desk={"settings": {"small_carrier:second": {}}})
    world.order()
    world.carrier.bought.clear()
    world.carrier.lost_answers, world.carrier.faults = 1, world.carrier.faults
    world.order("second", another_parcel=True, account="second", parcel=BOX)
    kind: Any = world.desk._services.registry.shipping["small_carrier"][0]
    kind.list_shipments = lambda self, order_id, since: []
    world.work_for(minutes=1)
    label = world.label()
    assert (label.account, label.needs_person) == ("second", True)
    world.desk.settle_label("1001", label.id, by=ANNA, made=True, reference="R1")
    assert world.label().reference == "R1"


@pytest.mark.parametrize("then", ["announced", "refused"])
def test_a_return_from_the_portal_is_never_the_label_that_was_found_without_names_and_refused(
    make_world: Callable[..., World], then: str
) -> None:
    """It was shown as ready, with the cost of the customer's own, of which the shop never heard."""
    world = make_world(names=False, says_our_id=False)
    world.carrier.lost_answers, world.carrier.announces = 1, True
    label_id = str(world.order().label_id)
    world.work_for(minutes=1)
    world.carrier.bought[0].told = Told.REFUSED
    world.work_for(minutes=10)
    refused = world.desk.dossier("1001").labels[label_id]
    assert refused.state is LabelState.REFUSED
    assert (refused.reference, refused.parcel, refused.tracking_number) == ("", "", "")

    theirs = attrs.evolve(world.carrier.bought[0].request, label_id="")
    portal = Bought(request=theirs, reference="P1", told=Told.ANNOUNCING)
    world.carrier.bought.append(portal)
    tell(world, id="ev-p", told="announcing", reference="P1", order_id="1001", progress="not_sent")
    portal.told = Told.READY if then == "announced" else Told.REFUSED
    world.work_for(minutes=10)
    world.desk.reconcile_labels("1001")
    world.work_for(hours=7)
    labels = world.desk.dossier("1001").labels
    assert (labels[label_id].state, labels[label_id].reference, labels[label_id].cost) == (
        LabelState.REFUSED,
        "",
        refused.cost,
    )
    assert [(one.reference, one.state.value) for one in labels.values() if one.in_portal] == [
        ("P1", "ready" if then == "announced" else "refused")
    ]


def test_what_was_found_out_of_an_order_that_changed_meanwhile_is_recorded_of_nothing_and_found_out_again(
    make_world: Callable[..., World],
) -> None:
    """A label is ordered, and its answer lost, while the number of another is being read: it could be that one's."""
    world = make_world()
    kind: Any = world.desk._services.registry.shipping["small_carrier"][0]
    kind.list_shipments = lambda self, order_id, since: [Shipment(told=Told.READY, parcel="p-R1", order_id="1001")]
    world.carrier.lost_answers = 1
    first = str(world.order().label_id)
    world.work_for(minutes=1)
    reads: list[str] = []

    def read(self: object, reference: str, parcel: str) -> Shipment:
        reads.append(reference)
        if len(reads) == 1:
            world.carrier.lost_answers = 1
            world.order("meanwhile", another_parcel=True)
        return Shipment(told=Told.READY, parcel="p-P1", order_id="1001")

    kind.fetch_shipment = read
    tell(world, id="ev-p", told="announcing", reference="P1", order_id="1001", progress="not_sent")
    labels = world.desk.dossier("1001").labels
    assert [one.in_portal for one in labels.values()] == [False, False]
    [second] = [one.id for one in labels.values() if one.id != first]
    kind.list_shipments = lambda self, order_id, since: [
        Shipment(told=Told.READY, parcel=parcel, order_id="1001") for parcel in ("p-R1", "p-R2", "p-P1")
    ]
    world.work_for(minutes=1)
    assert [one.about for one in world.desk.attention(AttentionKind.LABEL_UNKNOWN).items] == [second]
    world.desk.settle_label("1001", second, by=ANNA, made=False)
    world.work_for(minutes=10)
    labels = world.desk.dossier("1001").labels
    assert [(one.reference, one.parcel) for one in labels.values() if one.in_portal] == [("P1", "p-P1")]
    assert (labels[first].reference, labels[first].parcel) == ("", "p-R1")
