"""Labels: bought once, found again after a lost answer, shown as often as anybody wants, taken back while unused."""

from __future__ import annotations

import base64
import datetime
import json
from collections.abc import Callable

import attrs
import pytest
from shipping.small_carrier import OPTION, PRICE, SmallCarrier, lost, signed_webhook
from shipping.world import ANNA, BOX, HOME, JANSEN, World
from sqlalchemy import select

from retour import (
    Actor,
    Address,
    AttentionKind,
    Audience,
    GoodsState,
    InvalidArgument,
    LabelForm,
    LabelState,
    NotAllowed,
    Parcel,
    ParcelState,
    ProviderUnavailable,
    ReturnReason,
    UnknownLabel,
    WhatFollows,
    WhoPays,
    WrongState,
    hookimpl,
    in_words,
)
from retour.effects import labelling
from retour.model.announced_returns import ApprovedReturn
from retour.model.labels import Told
from retour.providers import ErrorCode, ProviderError, Support
from retour.steps.commit import DAYS_NOTES_ARE_KEPT
from retour.store import tables


def test_a_label_is_bought_and_its_document_shown(make_world: Callable[..., World]) -> None:
    world = make_world()
    assert list(world.desk.label_options("1001", sender=HOME, parcel=BOX, by=JANSEN)) == [OPTION]

    outcome = world.order()

    label = world.label()
    assert outcome.label_id == label.id
    assert outcome.label == label
    assert (label.state, label.cost, label.tracking_number) == (LabelState.READY, PRICE, "3SR1")
    document = world.desk.label_document("1001", label.id, by=JANSEN)
    assert document.content == b"%PDF-1.7 R1 J. Jansen"
    assert document.media_type == "application/pdf"
    assert world.carrier.spent() == PRICE


@pytest.mark.parametrize(
    ("carrier", "page"),
    [
        ("postnl", "https://jouw.postnl.nl/track-and-trace/3SR1-NL-1011AA"),
        ("dhl_express", "https://www.dhl.com/nl-en/home/tracking.html?tracking-id=3SR1"),
        ("a_small_one", ""),
    ],
)
def test_a_parcel_is_followed_at_its_carrier_before_its_provider_tells_a_page(
    make_world: Callable[..., World], carrier: str, page: str
) -> None:
    world = make_world()
    world.carrier.announces = True
    option = attrs.evolve(OPTION, carrier=carrier)
    world.desk.order_label("1001", world.return_id, option, sender=HOME, parcel=BOX, by=ANNA, request_id="label")
    assert world.desk.tracking_page("1001", world.return_id) == ""  # there is no number yet
    headers, body = signed_webhook({"id": "1", "told": "ready", "reference": "R1", "tracking_number": "3SR1"})
    world.desk.receive_webhook("small_carrier", headers, body)
    assert world.label().tracking_url == ""
    assert world.desk.tracking_page("1001", world.return_id) == page


def test_who_reads_the_timeline_sees_the_label_and_no_address(make_world: Callable[..., World]) -> None:
    world = make_world()
    world.order()
    of_staff = [entry.text("en") for entry in world.desk.timeline("1001", Audience.STAFF)]
    of_customer = [entry.text("nl") for entry in world.desk.timeline("1001", Audience.CUSTOMER)]
    assert "Label from Small Carrier ready; it costs €4.95" in of_staff or any("ready, for" in one for one in of_staff)
    assert any("retourlabel" in one for one in of_customer)
    assert not any("Jansen" in one or "Lindelaan" in one for one in (*of_staff, *of_customer))


def test_opening_the_page_twice_buys_no_second_label(make_world: Callable[..., World]) -> None:
    world = make_world()
    first = world.order("form-1")
    assert world.order("form-1").label_id == first.label_id
    with pytest.raises(WrongState, match="has label"):
        world.order("form-2")
    assert len(world.carrier.bought) == 1
    world.order("form-3", another_parcel=True)
    assert len(world.carrier.bought) == 2


@pytest.mark.parametrize("says_our_id", [True, False])
@pytest.mark.parametrize("names", [True, False])
def test_after_a_lost_answer_the_label_is_found_and_not_bought_again(
    make_world: Callable[..., World], names: bool, says_our_id: bool
) -> None:
    world = make_world(names=names, says_our_id=says_our_id)
    world.carrier.lost_answers = 1
    world.order()
    assert world.label().state is LabelState.UNKNOWN

    world.work_for(minutes=1)

    label = world.label()
    assert label.state is LabelState.READY
    assert len(world.carrier.bought) == 1
    assert label.reference == ("R1" if names else "")
    if not names:
        with pytest.raises(WrongState, match="has not said yet what it calls"):
            world.desk.cancel_label("1001", label.id, by=ANNA)
        with pytest.raises(WrongState, match="has not said yet"):
            world.desk.label_document("1001", label.id, by=ANNA)


def test_a_request_that_never_arrived_is_made_once(make_world: Callable[..., World]) -> None:
    world = make_world()
    world.carrier.faults.append(lambda: ProviderError(ErrorCode.OUTCOME_UNKNOWN, "cut before"))
    world.order()
    assert world.carrier.bought == []
    world.work_for(minutes=1)
    assert world.label().state is LabelState.READY
    assert len(world.carrier.bought) == 1


def test_two_that_can_be_it_wait_for_a_person(make_world: Callable[..., World]) -> None:
    world = make_world(names=False, says_our_id=False)
    world.carrier.lost_answers = 1
    world.order()
    world.carrier.bought.append(attrs.evolve(world.carrier.bought[0], reference="R9"))
    world.work_for(minutes=1)
    label = world.label()
    assert label.state is LabelState.UNKNOWN
    assert label.needs_person

    with pytest.raises(InvalidArgument, match="reference"):
        world.desk.settle_label("1001", label.id, by=ANNA, made=True)
    world.desk.settle_label("1001", label.id, by=ANNA, made=True, reference="R1")
    world.work_for(minutes=1)
    assert world.label().state is LabelState.READY
    assert len(world.carrier.bought) == 2


def test_no_label_is_taken_for_one_when_a_person_says_so(make_world: Callable[..., World]) -> None:
    world = make_world(capabilities=attrs.evolve(SmallCarrier.capabilities, refuses_repeats=False))
    world.carrier.faults.append(lambda: ProviderError(ErrorCode.OUTCOME_UNKNOWN, "cut before"))
    world.order()
    world.work_for(minutes=1)
    label = world.label()
    assert label.needs_person
    assert world.carrier.bought == []
    world.desk.settle_label("1001", label.id, by=ANNA, made=False)
    assert world.label().state is LabelState.REFUSED
    world.order("again")
    assert world.label().state is LabelState.READY
    assert len(world.carrier.bought) == 1


def test_a_refusal_reaches_staff_in_the_carriers_words(make_world: Callable[..., World]) -> None:
    world = make_world()
    world.carrier.faults.append(lambda: ProviderError(ErrorCode.CARRIER_REFUSED, "the parcel is too wide"))
    world.order()
    label = world.label()
    assert label.state is LabelState.REFUSED
    assert label.because is not None
    assert "the parcel is too wide" in label.because.text("en")
    world.order("another form")
    assert world.label().state is LabelState.READY


def test_a_label_is_announced_later_and_looked_at_until_then(make_world: Callable[..., World]) -> None:
    world = make_world()
    world.carrier.announces = True
    world.order()
    label = world.label()
    assert label.state is LabelState.ANNOUNCING
    with pytest.raises(ProviderUnavailable, match="not there yet"):
        world.desk.label_document("1001", label.id, by=ANNA)
    world.carrier.bought[0].told = Told.READY
    world.work_for(minutes=1)
    assert world.label().state is LabelState.READY


def test_a_parcel_is_followed_until_it_is_delivered(make_world: Callable[..., World]) -> None:
    world = make_world()
    world.order()
    for progress in (ParcelState.ON_ITS_WAY, ParcelState.DELIVERED):
        world.carrier.bought[0].progress = progress
        world.work_for(hours=7)
        assert world.label().progress is progress
    asked = world.carrier.calls.count("fetch_shipment")
    world.work_for(days=2)
    assert world.carrier.calls.count("fetch_shipment") == asked, "a parcel that arrived is not looked at any more"


def test_an_unused_label_is_cancelled_and_another_can_be_bought(make_world: Callable[..., World]) -> None:
    world = make_world()
    first = world.order().label_id
    assert first is not None
    world.desk.cancel_label("1001", first, by=ANNA)
    assert world.label().state is LabelState.CANCELLED
    assert not world.carrier.spent()
    second = world.order("another form").label_id
    assert second != first
    assert world.carrier.spent() == PRICE


def test_a_label_that_was_scanned_meanwhile_says_so(make_world: Callable[..., World]) -> None:
    world = make_world()
    label_id = world.order().label_id
    assert label_id is not None
    world.carrier.cancels_later = True
    world.desk.cancel_label("1001", label_id, by=ANNA)
    assert world.label().state is LabelState.CANCELLING
    world.carrier.bought[0].told = Told.READY
    world.carrier.bought[0].progress = ParcelState.ON_ITS_WAY
    world.work_for(minutes=1)
    label = world.label()
    assert label.state is LabelState.READY
    assert label.scanned
    assert not label.cancel_asked
    said = [entry.text("en") for entry in world.desk.timeline("1001", Audience.STAFF)]
    assert any("could not be cancelled" in one for one in said)


def test_a_label_that_runs_out_is_replaced_and_the_old_one_cancelled(make_world: Callable[..., World]) -> None:
    world = make_world()
    first = world.order().label_id
    second = world.order("replacement", replaces=first).label_id
    labels = world.desk.dossier("1001").labels
    assert labels[str(first)].replaced_by == second
    assert labels[str(first)].state is LabelState.CANCELLED
    assert world.carrier.spent() == PRICE
    with pytest.raises(WrongState, match="was replaced by"):
        world.desk.label_document("1001", str(first), by=ANNA)
    with pytest.raises(WrongState, match="replaced by"):
        world.order("replacement again", replaces=first)


@pytest.mark.parametrize("by", [JANSEN, ANNA, Actor.system("host")])
def test_who_may_order_a_label_may_replace_it_and_take_it_back(make_world: Callable[..., World], by: Actor) -> None:
    world = make_world()
    first = world.order(by=by).label_id
    second = world.order("replacement", replaces=first, by=by).label_id
    labels = world.desk.dossier("1001").labels
    assert [labels[str(one)].state for one in (first, second)] == [LabelState.CANCELLED, LabelState.READY]
    world.desk.cancel_label("1001", str(second), by=by)
    assert world.label().state is LabelState.CANCELLED
    assert not world.carrier.spent()


@pytest.mark.parametrize("later", [True, False])
def test_a_label_that_is_being_taken_back_can_be_replaced(make_world: Callable[..., World], later: bool) -> None:
    """Its provider was asked and says later, or cannot be reached yet: it is asked once."""
    world = make_world()
    first = str(world.order().label_id)
    world.carrier.cancels_later = later
    if not later:
        world.carrier.faults.append(lambda: ProviderError(ErrorCode.UNAVAILABLE, "down"))
    world.desk.cancel_label("1001", first, by=ANNA)
    assert world.label().cancel_asked
    second = world.order("replacement", replaces=first, by=JANSEN).label_id
    assert world.desk.dossier("1001").labels[first].replaced_by == second
    assert [one.code for one in world.desk.timeline("1001")].count("label_cancel_asked") == 1
    world.carrier.bought[0].told = Told.CANCELLED if later else Told.READY
    world.work_for(minutes=1)
    assert [one.state for one in world.desk.dossier("1001").labels.values()] == [LabelState.CANCELLED, LabelState.READY]
    assert world.carrier.spent() == PRICE


def test_a_customer_cannot_touch_the_label_of_another(make_world: Callable[..., World]) -> None:
    world = make_world()
    label_id = str(world.order().label_id)
    stranger = Actor.customer("c-2")
    with pytest.raises(NotAllowed):
        world.order("replacement", replaces=label_id, by=stranger)
    with pytest.raises(NotAllowed):
        world.desk.cancel_label("1001", label_id, by=stranger)
    assert world.label().state is LabelState.READY


def test_a_document_that_is_given_out_once_is_kept_and_shown_again(make_world: Callable[..., World]) -> None:
    world = make_world(once=True)
    label_id = str(world.order().label_id)
    first = world.desk.label_document("1001", label_id, by=ANNA)
    assert world.desk.label_document("1001", label_id, by=JANSEN) == first
    assert world.carrier.bought[0].documents == 1


def cancelled(world: World, label_id: str) -> None:
    world.desk.cancel_label("1001", label_id, by=ANNA)


def being_cancelled(world: World, label_id: str) -> None:
    world.carrier.faults.append(lambda: ProviderError(ErrorCode.UNAVAILABLE, "down"))
    cancelled(world, label_id)
    assert world.label().state is LabelState.READY


def run_out(world: World, label_id: str) -> None:
    del label_id
    world.carrier.bought[0].valid_until = datetime.date(2026, 1, 31)
    world.work_for(hours=7)


def replaced(world: World, label_id: str) -> None:
    world.carrier.cancels_later = True
    world.order("replacement", replaces=label_id)


@pytest.mark.parametrize("once", [True, False])
@pytest.mark.parametrize(
    ("becomes", "words"),
    [
        (cancelled, "is cancelled"),
        (being_cancelled, "is being cancelled"),
        (run_out, "could be used until"),
        (replaced, "was replaced"),
    ],
)
def test_a_document_that_must_not_be_used_any_more_is_not_shown_whether_it_was_kept_or_not(
    make_world: Callable[..., World], once: bool, becomes: Callable[[World, str], None], words: str
) -> None:
    world = make_world(once=once)
    label_id = str(world.order().label_id)
    world.desk.label_document("1001", label_id, by=JANSEN)
    becomes(world, label_id)
    for by in (JANSEN, ANNA):
        with pytest.raises(WrongState, match=words):
            world.desk.label_document("1001", label_id, by=by)


def test_a_document_that_was_kept_is_shown_in_the_form_that_it_has(make_world: Callable[..., World]) -> None:
    world = make_world(once=True)
    label_id = str(world.order().label_id)
    world.desk.label_document("1001", label_id, by=ANNA)
    assert world.desk.label_document("1001", label_id, by=ANNA, form=LabelForm.PDF).form is LabelForm.PDF
    with pytest.raises(ProviderUnavailable, match="was given out"):
        world.desk.label_document("1001", label_id, by=ANNA, form=LabelForm.QR_CODE)


def test_a_document_that_was_kept_is_forgotten_when_its_time_is_over(
    tell_database: Callable[[datetime.datetime], None], make_world: Callable[..., World]
) -> None:
    now = [datetime.datetime(2026, 11, 30, tzinfo=datetime.UTC)]
    world = make_world(once=True, desk={"clock": lambda: now[0]})
    label_id = str(world.order().label_id)
    world.desk.label_document("1001", label_id, by=JANSEN)
    kept = str(world.label().document_id)

    def stored() -> list[str]:
        with world.desk._services.store.engine.connect() as connection:
            return list(
                connection.execute(select(tables.personal.c.body).where(tables.personal.c.id == kept)).scalars()
            )

    now[0] += datetime.timedelta(days=DAYS_NOTES_ARE_KEPT - 1)
    tell_database(now[0])
    world.desk.work()
    (document,) = stored()
    assert "J. Jansen" in base64.b64decode(json.loads(document)["content"]).decode()

    now[0] += datetime.timedelta(days=1)
    tell_database(now[0])
    assert world.desk.work().forgotten
    assert stored() == []
    with pytest.raises(ProviderUnavailable, match="given out"):
        world.desk.label_document("1001", label_id, by=JANSEN)
    assert world.desk.dossier("1001").label(label_id).document_id == kept, "what happened is still told"


@pytest.mark.parametrize(
    ("sender", "parcel", "words"),
    [
        (attrs.evolve(HOME, house_number=""), BOX, "no house number"),
        (attrs.evolve(HOME, postal_code=" "), BOX, "no postal code"),
        (attrs.evolve(HOME, country="nl"), BOX, "two capital letters"),
        (attrs.evolve(HOME, country="CH"), BOX, "cup needs weight_grams, price, hs_code, origin_country"),
        (attrs.evolve(HOME, country="GB"), Parcel(weight_grams=1), "name its items"),
    ],
)
def test_what_no_carrier_takes_is_refused_before_anything_is_bought(
    make_world: Callable[..., World], sender: Address, parcel: Parcel, words: str
) -> None:
    world = make_world()
    with pytest.raises(InvalidArgument, match=words):
        world.order(sender=sender, parcel=parcel)
    assert world.carrier.calls == []
    assert world.desk.dossier("1001").labels == {}


def test_a_return_that_is_not_approved_gets_no_label(make_world: Callable[..., World]) -> None:
    world = make_world()
    world.desk.cancel_return("1001", world.return_id, by=ANNA)
    with pytest.raises(WrongState, match="cancelled"):
        world.order()
    with pytest.raises(UnknownLabel, match="no label"):
        world.desk.label_document("1001", "lb-1", by=ANNA)


# --- what follows from a parcel's steps ------------------------------------------------------------------


def moved(world: World, progress: ParcelState) -> None:
    world.carrier.bought[-1].progress = progress
    world.work_for(hours=7)


def test_a_first_scan_sends_the_return_and_a_delivery_asks_for_a_count(make_world: Callable[..., World]) -> None:
    world = make_world()
    world.order()
    moved(world, ParcelState.ON_ITS_WAY)
    return_ = world.desk.dossier("1001").return_(world.return_id)
    assert (return_.goods, return_.tracking) == (GoodsState.IN_TRANSIT, "3SR1")
    (sent,) = world.desk.list_returns(waits_for="goods").returns
    moved(world, ParcelState.DELIVERED)
    (waiting,) = world.desk.list_returns(waits_for="counting").returns
    assert waiting.return_id == world.return_id
    assert sent.since < waiting.since == world.label().changed_at
    world.desk.receive("1001", world.return_id, {"cup": 1}, by=ANNA, request_id="count")
    assert world.desk.list_returns(waits_for="counting").returns == ()


def test_the_customer_is_told_once_that_his_label_is_ready_and_not_what_it_costs(
    make_world: Callable[..., World],
) -> None:
    world = make_world()
    world.carrier.announces = True
    world.order()
    bought = world.carrier.bought[-1]
    bought.told = Told.READY
    of_ours = {"label_id": bought.request.label_id, "order_id": "1001", "reference": bought.reference}
    headers, body = signed_webhook({"id": "w-1", "told": "ready", **of_ours})  # which tells no price
    world.desk.receive_webhook("small_carrier", headers, body)
    world.work_for(hours=7)
    world.desk.reconcile_labels("1001")
    staff, customer = (
        [entry.message.render("en") for entry in world.desk.timeline("1001", audience)]
        for audience in (Audience.STAFF, Audience.CUSTOMER)
    )
    assert [one for one in staff if "ready" in one] == [
        "Label from Small Carrier ready",
        f"Label from Small Carrier ready; it costs {in_words(world.label().cost, 'en')}",
    ]
    assert customer.count("Your return label is ready") == 1


def test_no_step_of_a_parcel_counts_or_restocks_anything(make_world: Callable[..., World]) -> None:
    world = make_world()
    world.order()
    for progress in ParcelState:
        moved(world, progress)
    return_ = world.desk.dossier("1001").return_(world.return_id)
    assert return_.receipts == {}
    assert return_.movements == {}


@pytest.mark.parametrize("progress", [ParcelState.LOST, ParcelState.RETURNED_TO_SENDER, ParcelState.PROBLEM])
def test_a_parcel_that_got_lost_waits_for_a_look(make_world: Callable[..., World], progress: ParcelState) -> None:
    world = make_world()
    world.order()
    moved(world, progress)
    (item,) = world.desk.attention().items
    assert (item.kind, item.about, item.can_do) == (AttentionKind.PARCEL, world.label().id, ("acknowledge",))
    world.desk.acknowledge("1001", item.kind, item.about, by=ANNA)
    assert world.desk.attention().items == ()


def test_the_host_says_what_follows(make_world: Callable[..., World]) -> None:
    world = make_world(
        desk={
            "parcel_steps": {ParcelState.ON_ITS_WAY: WhatFollows.NOTHING, ParcelState.DELIVERED: WhatFollows.ASK},
        }
    )
    world.order()
    moved(world, ParcelState.ON_ITS_WAY)
    assert world.desk.dossier("1001").return_(world.return_id).goods is GoodsState.APPROVED
    moved(world, ParcelState.DELIVERED)
    assert [item.kind for item in world.desk.attention().items] == [AttentionKind.PARCEL]


def test_what_became_of_a_label_is_listed_until_it_is_settled(make_world: Callable[..., World]) -> None:
    world = make_world(names=False, says_our_id=False)
    world.carrier.lost_answers = 1
    world.order()
    world.carrier.bought.append(attrs.evolve(world.carrier.bought[0], reference="R9"))
    world.work_for(minutes=1)
    (item,) = world.desk.attention().items
    assert (item.kind, item.can_do) == (AttentionKind.LABEL_UNKNOWN, ("settle_label",))
    world.desk.settle_label("1001", item.about, by=ANNA, made=False)
    assert world.desk.attention().items == ()


def test_a_refused_label_is_listed_until_another_is_bought(make_world: Callable[..., World]) -> None:
    world = make_world()
    world.carrier.faults.append(lambda: ProviderError(ErrorCode.CARRIER_REFUSED, "too wide"))
    world.order()
    (item,) = world.desk.attention().items
    assert item.kind is AttentionKind.LABEL_REFUSED
    assert "too wide" in item.why.render("en")
    world.order("another form")
    assert world.desk.attention().items == ()


def test_a_label_that_could_not_be_cancelled_is_listed(make_world: Callable[..., World]) -> None:
    world = make_world()
    label_id = str(world.order().label_id)
    world.carrier.bought[0].progress = ParcelState.ON_ITS_WAY
    world.desk.cancel_label("1001", label_id, by=ANNA)
    assert [item.kind for item in world.desk.attention().items] == [AttentionKind.LABEL_NOT_CANCELLED]


def test_a_label_that_ran_out_is_not_shown_and_says_how_to_replace_it(make_world: Callable[..., World]) -> None:
    world = make_world()
    label_id = str(world.order().label_id)
    world.carrier.bought[0].valid_until = datetime.date(2026, 1, 31)
    world.work_for(hours=7)
    with pytest.raises(WrongState, match="could be used until"):
        world.desk.label_document("1001", label_id, by=JANSEN)
    world.order("replacement", replaces=label_id)
    assert world.desk.label_document("1001", world.label().id, by=JANSEN).content


class Mails:
    """Notes each return that was approved: whether it heard of it before, and its labels."""

    name = "mails"

    def __init__(self) -> None:
        self.heard: list[tuple[str, bool, list[str]]] = []

    @hookimpl
    def on_return_approved(self, approved: ApprovedReturn) -> None:
        self.heard.append((approved.return_id, approved.again, [label.id for label in approved.labels]))

    def of(self, return_id: str) -> list[tuple[bool, list[str]]]:
        return [(again, labels) for about, again, labels in self.heard if about == return_id]


def test_the_host_hears_of_an_approved_return_again_when_its_label_is_ready(make_world: Callable[..., World]) -> None:
    mails = Mails()
    world = make_world(plugins=[mails])
    world.carrier.announces = True
    label_id = str(world.order().label_id)
    world.work_for(minutes=1)
    assert mails.of(world.return_id) == [(False, [])]
    world.carrier.bought[0].told = Told.READY
    world.work_for(minutes=10)
    assert mails.of(world.return_id) == [(False, []), (True, [label_id])]


def test_the_host_hears_nothing_of_a_label_that_is_ready_for_a_return_that_was_cancelled(
    make_world: Callable[..., World],
) -> None:
    mails = Mails()
    world = make_world(
        plugins=[mails], capabilities=attrs.evolve(SmallCarrier.capabilities, cancel_label=Support.NOT_YET)
    )
    world.carrier.announces = True
    world.order()
    world.desk.cancel_return("1001", world.return_id, by=ANNA)
    world.carrier.bought[0].told = Told.READY
    world.work_for(minutes=10)
    assert world.label().state is LabelState.READY
    assert mails.of(world.return_id) == [(False, [])]


def test_the_host_hears_of_a_return_from_the_portal_when_it_is_approved_and_not_when_its_label_is_ready(
    make_world: Callable[..., World],
) -> None:
    mails = Mails()
    world = make_world(plugins=[mails])
    for told in ("announcing", "ready"):
        said = {"id": told, "told": told, "reference": "P1", "order_id": "1001"}
        headers, body = signed_webhook(said, items=[{"quantity": 1, "sku": "lamp"}])
        world.desk.receive_webhook("small_carrier", headers, body)
    label = world.label()
    assert (label.state, world.desk.dossier("1001").return_(label.return_id).goods) == (
        LabelState.READY,
        GoodsState.REQUESTED,
    )
    assert mails.of(label.return_id) == []
    world.desk.approve_return("1001", label.return_id, by=ANNA)
    assert mails.of(label.return_id) == [(False, [label.id])]


def test_a_label_that_nobody_says_was_cancelled_is_listed_when_it_is_looked_at_no_more(
    make_world: Callable[..., World], monkeypatch: pytest.MonkeyPatch
) -> None:
    world = make_world()
    world.carrier.cancels_later = True
    world.order()
    world.desk.cancel_label("1001", world.label().id, by=ANNA)
    monkeypatch.setattr(labelling, "WATCHED", datetime.timedelta(0))
    world.work_for(days=1)
    [item] = world.desk.attention().items
    assert (item.kind, item.about, item.can_do) == ("label_not_cancelled", world.label().id, ("acknowledge",))
    assert "never said what became of it" in item.why.render("en")
    world.desk.acknowledge("1001", item.kind, item.about, by=ANNA)
    assert world.desk.attention().items == ()


def test_a_label_that_is_never_taken_back_is_given_up_and_listed(make_world: Callable[..., World]) -> None:
    world = make_world()
    world.order()
    world.carrier.faults.extend([lost] * 99)
    world.desk.cancel_label("1001", world.label().id, by=ANNA)
    fail_for_days(world)
    [item] = [one for one in world.desk.attention("effect_stuck").items if "cancel a label" in one.why.render("en")]
    world.desk.acknowledge("1001", item.kind, item.about, by=ANNA)
    assert not world.label().cancel_asked
    [listed] = world.desk.attention("label_not_cancelled").items
    assert "no answer came from the provider" in listed.why.render("en")


def fail_for_days(world: World) -> None:
    """As if a worker had tried for days what waits."""
    with world.desk._services.store.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE retour_effect SET created_at = 1, attempts = 30 WHERE problem <> ''")


def test_the_hosts_own_reason_reaches_the_carrier_by_the_carriers_code(make_world: Callable[..., World]) -> None:
    reasons = [
        ReturnReason(code="too_small", words={"en": "Too small"}, provider_codes={"small_carrier": "31"}),
        ReturnReason(code="pinches", words={"en": "It pinches"}),
    ]
    world = make_world(desk={"return_reasons": reasons})
    items = [attrs.evolve(BOX.items[0], reason=code) for code in ("too_small", "pinches")]
    world.order(parcel=attrs.evolve(BOX, items=items))
    assert [item.reason for item in world.carrier.bought[0].request.parcel.items] == ["31", "pinches"]


@pytest.mark.parametrize(
    ("payer", "staff", "customer"),
    [
        (WhoPays.SHOP, "Label ordered from Small Carrier: ", "The shop is making a return label for you"),
        (
            WhoPays.CUSTOMER,
            "Label ordered from Small Carrier, at the customer's expense: ",
            "The shop is making a return label for you, at your expense",
        ),
    ],
)
def test_who_pays_a_label_is_kept_and_told_to_both(
    make_world: Callable[..., World], payer: WhoPays, staff: str, customer: str
) -> None:
    world = make_world()
    world.order(payer=payer)
    assert world.label().payer is payer
    for audience, words in ((Audience.STAFF, staff + OPTION.name), (Audience.CUSTOMER, customer)):
        assert words in [entry.text("en") for entry in world.desk.timeline("1001", audience)]
