"""What a carrier tells by webhook: believed when it is signed, of a parcel of ours, once, and in any order."""

from __future__ import annotations

import datetime
from collections.abc import Callable
from typing import Any

import attrs
import pytest
from shipping.small_carrier import signed_webhook
from shipping.world import ANNA, World

from retour import AttentionKind, InvalidWebhook, LabelState, Mode, ParcelState, WebhookReceipt, WrongState
from retour.model.labels import Told
from retour.providers import Shipment
from retour.rules.label_reports import ReportedShipment
from retour.rules.whose_label import About, Ask, Learnt, This, Wait, known_labels, whose


def tell(world: World, **said: str) -> WebhookReceipt:
    headers, body = signed_webhook({"id": "ev-1", "told": "ready", **said})
    return world.desk.receive_webhook("small_carrier", headers, body)


def test_a_signed_webhook_moves_the_parcel(make_world: Callable[..., World]) -> None:
    world = make_world()
    world.order()
    assert tell(world, parcel="p-R1", progress="on_its_way") == WebhookReceipt(kept=1, unknown=0)
    assert world.label().progress is ParcelState.ON_ITS_WAY


def test_one_that_nobody_signed_is_refused(make_world: Callable[..., World]) -> None:
    world = make_world()
    world.order()
    headers, body = signed_webhook({"id": "ev-1", "told": "ready", "parcel": "p-R1", "progress": "lost"})
    with pytest.raises(InvalidWebhook):
        world.desk.receive_webhook("small_carrier", {**headers, "X-Signature": "0" * 64}, body)
    assert world.label().progress is ParcelState.NOT_SENT


def test_one_for_another_mode_is_refused_since_parcels_have_none(make_world: Callable[..., World]) -> None:
    """Else what came to the address of a test shop moved the parcels of the live one, whose account it has."""
    world = make_world()
    world.order()
    headers, body = signed_webhook({"id": "ev-1", "told": "ready", "parcel": "p-R1", "progress": "lost"})
    with pytest.raises(InvalidWebhook, match="it was for test parcels, and there are none"):
        world.desk.receive_webhook("small_carrier", headers, body, mode=Mode.TEST)
    assert world.label().progress is ParcelState.NOT_SENT
    assert world.desk.receive_webhook("small_carrier", headers, body, mode=Mode.LIVE).kept == 1


def test_the_same_webhook_again_changes_nothing(make_world: Callable[..., World]) -> None:
    world = make_world()
    world.order()
    for _ in range(3):
        tell(world, parcel="p-R1", progress="on_its_way")
    said = [entry.code for entry in world.desk.timeline("1001")]
    assert said.count("parcel_moved") == 1


def test_an_older_step_that_comes_later_does_not_move_it_back(make_world: Callable[..., World]) -> None:
    world = make_world()
    world.order()
    tell(world, id="ev-2", parcel="p-R1", progress="delivered", changed_at="2026-11-29T12:00:00+00:00")
    tell(world, id="ev-1", parcel="p-R1", progress="on_its_way", changed_at="2026-11-29T08:00:00+00:00")
    assert world.label().progress is ParcelState.DELIVERED


def test_a_word_without_a_time_that_comes_late_takes_no_label_back(make_world: Callable[..., World]) -> None:
    world = make_world()
    label_id = str(world.order().label_id)
    world.desk.cancel_label("1001", label_id, by=ANNA)
    before = len(world.desk.timeline("1001"))
    tell(world, id="ev-1", told="announcing", parcel="p-R1")
    tell(world, id="ev-2", told="ready", parcel="p-R1")
    assert world.label().state is LabelState.CANCELLED
    assert len(world.desk.timeline("1001")) == before


def test_of_two_words_about_a_label_the_later_one_counts_whichever_comes_first(
    make_world: Callable[..., World],
) -> None:
    world = make_world()
    world.order()
    tell(world, id="ev-2", told="cancelling", parcel="p-R1", changed_at="2026-11-29T12:00:00+00:00")
    tell(world, id="ev-1", told="ready", parcel="p-R1", changed_at="2026-11-29T08:00:00+00:00")
    assert world.label().state is LabelState.CANCELLING
    tell(world, id="ev-3", told="ready", parcel="p-R1", changed_at="2026-11-29T13:00:00+00:00")
    assert world.label().state is LabelState.READY, "its carrier did not cancel it"


def test_a_late_word_about_a_label_that_was_scanned_since_does_not_cancel_it(make_world: Callable[..., World]) -> None:
    world = make_world()
    world.order()
    tell(world, id="ev-2", parcel="p-R1", progress="on_its_way", changed_at="2026-11-29T12:00:00+00:00")
    tell(world, id="ev-1", told="cancelling", parcel="p-R1", changed_at="2026-11-29T11:00:00+00:00")
    assert (world.label().state, world.label().progress) == (LabelState.READY, ParcelState.ON_ITS_WAY)


@pytest.mark.parametrize("progress", ["on_its_way", "delivered", "lost"])
def test_a_label_that_is_used_while_it_is_being_cancelled_is_told_of_whoever_says_so(
    make_world: Callable[..., World], progress: str
) -> None:
    world = make_world()
    world.carrier.cancels_later = True
    label_id = str(world.order().label_id)
    world.desk.cancel_label("1001", label_id, by=ANNA)
    tell(world, parcel="p-R1", progress=progress)
    assert world.label().state is LabelState.READY
    [item] = world.desk.attention(AttentionKind.LABEL_NOT_CANCELLED).items
    assert item.about == label_id
    world.work_for(minutes=5)
    assert [one.code for one in world.desk.timeline("1001")].count("label_cancel_refused") == 1


def test_a_parcel_that_goes_out_is_none_of_ours(make_world: Callable[..., World]) -> None:
    world = make_world()
    world.order()
    assert tell(world, parcel="p-99", progress="delivered") == WebhookReceipt(kept=0, unknown=1)
    tell(world, parcel="p-99", order_id="1001", progress="delivered")  # the order's own parcel, on its way to him
    assert world.label().progress is ParcelState.NOT_SENT


def test_a_label_that_was_found_without_names_gets_them_by_webhook(make_world: Callable[..., World]) -> None:
    world = make_world(names=False, says_our_id=False)
    world.carrier.lost_answers = 1
    label_id = str(world.order().label_id)
    world.work_for(minutes=1)
    with pytest.raises(WrongState, match="has not said yet"):
        world.desk.cancel_label("1001", label_id, by=ANNA)
    tell(world, reference="R1", parcel="p-R1", order_id="1001")
    world.desk.cancel_label("1001", label_id, by=ANNA)
    assert world.label().state is LabelState.CANCELLED


@pytest.mark.parametrize("by", ["look", "reconcile"])
def test_a_label_that_was_found_without_names_gets_them_by_reading_where_no_webhook_comes(
    make_world: Callable[..., World], by: str
) -> None:
    world = make_world(names=False, says_our_id=False)
    world.carrier.lost_answers, world.carrier.announces = 1, True
    world.order()
    world.work_for(minutes=1)
    assert (world.label().state, world.label().reference) == (LabelState.ANNOUNCING, "")
    world.carrier.bought[0].told = Told.READY
    kind: Any = world.desk._services.registry.shipping["small_carrier"][0]
    kind.names = True
    if by == "look":
        world.work_for(minutes=10)
    else:
        world.desk.reconcile_labels("1001")
    label = world.label()
    assert (label.state, label.reference, label.parcel) == (LabelState.READY, "R1", "p-R1")
    assert len(world.desk.dossier("1001").labels) == 1


def test_a_webhook_that_is_faster_than_the_answer_is_of_our_label_and_no_return_from_the_portal(
    make_world: Callable[..., World],
) -> None:
    """The answer is lost, or on its way: whether the webhook names our label is known when that is."""
    world = make_world(names=False, says_our_id=False)
    world.carrier.lost_answers = 1
    label_id = str(world.order().label_id)
    assert world.label().state is LabelState.UNKNOWN
    tell(world, told="announcing", reference="R1", order_id="1001")
    assert list(world.desk.dossier("1001").returns) == [world.return_id]
    world.work_for(minutes=1)
    world.work_for(minutes=5)
    [label] = world.desk.dossier("1001").labels.values()
    assert (label.id, label.state, label.reference) == (label_id, LabelState.READY, "R1")
    assert list(world.desk.dossier("1001").returns) == [world.return_id]
    assert len(world.carrier.bought) == 1


def test_the_number_of_a_return_from_the_portal_is_not_given_to_a_label_that_has_another_parcel(
    make_world: Callable[..., World],
) -> None:
    """The webhook says its number alone: which parcel that has is read, and our label's is known by now."""
    world = make_world()
    kind: Any = world.desk._services.registry.shipping["small_carrier"][0]
    kind.list_shipments = lambda self, order_id, since: [
        attrs.evolve(one.shipment(ours=False), reference="") for one in world.carrier.bought
    ]
    read = kind.fetch_shipment
    in_portal = Shipment(told=Told.READY, parcel="p-R9", order_id="1001")
    kind.fetch_shipment = lambda self, reference, parcel: (
        in_portal if reference == "R9" else attrs.evolve(read(self, "R1", parcel), label_id="", reference="")
    )
    world.carrier.lost_answers = 1
    label_id = str(world.order().label_id)
    world.work_for(minutes=1)
    assert (world.label().reference, world.label().parcel) == ("", "p-R1")
    tell(world, id="ev-9", told="announcing", reference="R9", order_id="1001")
    labels = world.desk.dossier("1001").labels
    assert [(one.reference, one.parcel) for one in labels.values()] == [("", "p-R1"), ("R9", "p-R9")]
    tell(world, id="ev-1", told="announcing", reference="R1", order_id="1001")
    assert world.desk.dossier("1001").labels[label_id].reference == "R1"


@pytest.mark.parametrize("ended", ["announced", "refused", "never"])
def test_the_number_of_a_return_that_has_no_parcel_yet_is_not_given_to_a_label_that_has_one(
    make_world: Callable[..., World], ended: str
) -> None:
    """It waits until it has one, and is of the portal then; a label that took its number could never be read again."""
    world = make_world()
    kind: Any = world.desk._services.registry.shipping["small_carrier"][0]
    ours = Shipment(told=Told.READY, parcel="p-R1", order_id="1001")
    in_portal = [Shipment(told=Told.ANNOUNCING, order_id="1001")]
    kind.list_shipments = lambda self, order_id, since: [ours]
    kind.fetch_shipment = lambda self, reference, parcel: in_portal[-1] if reference == "R9" else ours
    world.carrier.lost_answers = 1
    label_id = str(world.order().label_id)
    world.work_for(minutes=1)
    tell(world, id="ev-9", told="announcing", reference="R9", order_id="1001")
    world.work_for(minutes=5)
    [label] = world.desk.dossier("1001").labels.values()
    assert (label.reference, label.parcel) == ("", "p-R1")
    world.desk.reconcile_labels("1001")
    told = Told.READY if ended == "announced" else Told.REFUSED
    if ended != "never":
        in_portal.append(attrs.evolve(ours, told=told, parcel="p-R9" if ended == "announced" else ""))
        tell(world, id="ev-10", told=told.value, reference="R9", order_id="1001")
    world.work_for(hours=24)
    named = {one.reference: one.parcel for one in world.desk.dossier("1001").labels.values()}
    assert named == ({"": "p-R1", "R9": "p-R9"} if ended == "announced" else {"": "p-R1"})
    tell(world, id="ev-1", told="announcing", reference="R1", order_id="1001")
    assert world.desk.dossier("1001").labels[label_id].reference == "R1"


@pytest.mark.parametrize("replaced", [False, True])
def test_a_number_alone_is_never_recorded_of_a_label_that_its_provider_can_be_asked_about_by_its_parcel(
    make_world: Callable[..., World], replaced: bool
) -> None:
    """Whenever that label became known, be it after the webhook was read, and also when another has replaced it."""
    world = make_world()
    kind: Any = world.desk._services.registry.shipping["small_carrier"][0]
    kind.list_shipments = lambda self, order_id, since: [Shipment(told=Told.READY, parcel="p-R1", order_id="1001")]
    world.carrier.lost_answers = 1
    label_id = str(world.order().label_id)
    world.work_for(minutes=1)
    draft = world.desk._services.cases.as_last_seen("default", "1001").draft(ANNA, datetime.datetime.now(datetime.UTC))
    label = draft.dossier.labels[label_id]
    if replaced:
        draft.dossier.labels[label_id] = attrs.evolve(label, replaced_by="lb-other")
    said = ReportedShipment(told=Told.ANNOUNCING, reference="R9", order_id="1001")
    known = known_labels(draft.dossier, "small_carrier", "default")
    assert whose(known, said, Learnt()) == Ask(About.ITSELF), "so that no return of the portal is made of it"
    assert whose(known, said, Learnt(itself=said)) is Wait.FOR_A_PARCEL
    assert whose(known, said, Learnt(itself=attrs.evolve(said, parcel="p-R1"))) == This(label_id)


@pytest.mark.parametrize("first", ["R9", "R1"])
def test_while_nothing_tells_two_shipments_apart_neither_number_is_given_to_a_label(
    make_world: Callable[..., World], first: str
) -> None:
    """Neither ours nor the customer's own has a parcel yet. A person sees at the provider which is which."""
    world = make_world()
    world.carrier.announces = True
    kind: Any = world.desk._services.registry.shipping["small_carrier"][0]
    numbers = {"R1": "p-R1", "R9": "p-R9"}
    announced = [False]

    def shown(number: str) -> Shipment:
        told, parcel = (Told.READY, numbers[number]) if announced[0] else (Told.ANNOUNCING, "")
        return Shipment(told=told, parcel=parcel, order_id="1001")

    kind.list_shipments = lambda self, order_id, since: [shown(number) for number in listed]
    kind.fetch_shipment = lambda self, reference, parcel: shown(reference or parcel.removeprefix("p-"))
    listed = ["R1"]
    world.carrier.lost_answers = 1
    world.order()
    world.work_for(minutes=1)
    assert (world.label().state, world.label().parcel) == (LabelState.ANNOUNCING, "")
    listed.append("R9")
    for number in (first, "R1" if first == "R9" else "R9"):
        tell(world, id=f"ev-{number}", told="announcing", reference=number, order_id="1001")
    assert [one.reference for one in world.desk.dossier("1001").labels.values()] == [""]
    announced[0] = True
    world.desk.reconcile_labels("1001")
    world.work_for(hours=2)
    [item] = world.desk.attention().items
    assert (item.kind, item.can_do) == (AttentionKind.LABEL_UNKNOWN, ("settle_label",))
    world.desk.settle_label("1001", item.about, by=ANNA, made=True, reference="R1")
    world.work_for(hours=2)
    world.work_for(hours=2)
    assert {one.reference: one.parcel for one in world.desk.dossier("1001").labels.values()} == numbers
    assert world.desk.attention().items == ()


def test_a_label_without_names_gets_none_by_reading_while_two_can_be_it(make_world: Callable[..., World]) -> None:
    world = make_world(names=False, says_our_id=False)
    world.carrier.lost_answers, world.carrier.announces = 1, True
    world.order()
    world.work_for(minutes=1)
    world.carrier.portal("R9", parcel="p-R9")
    world.work_for(minutes=10)
    world.desk.reconcile_labels("1001")
    label = next(iter(world.desk.dossier("1001").labels.values()))
    assert (label.reference, label.parcel) == ("", "")


def test_a_webhook_of_one_shop_moves_no_parcel_of_another(make_world: Callable[..., World]) -> None:
    one = make_world(desk={"shop_id": "one"})
    other = make_world(desk={"shop_id": "other"})
    one.order()
    other.order()
    tell(one, parcel="p-R1", progress="on_its_way")
    assert (one.label().progress, other.label().progress) == (ParcelState.ON_ITS_WAY, ParcelState.NOT_SENT)
