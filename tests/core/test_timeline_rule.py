"""What a timeline shows of each event, to whom, and where between what the order itself tells."""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence

import attrs
import pytest
from drafts import ACTORS, ANNA, HOUR, NOON, eur, numbered
from goods_events import approved, order_became, requested, sent
from label_events import in_portal, moved, ordered, told
from refund_events import linked, planned

from retour import Actor, ActorKind, Audience, BankAccount, Order
from retour.model.destinations import Destination, RefundDestination, account_as_words
from retour.model.dossier import Dossier
from retour.model.events.event import Event, Recorded
from retour.model.events.goods import ReturnRequested
from retour.model.events.money import RefundCancelled
from retour.model.events.transfers import RefundTransferPlanned
from retour.model.evidence import EvidenceFile, evidence_as_words
from retour.model.labels import ParcelState
from retour.model.return_number import return_number
from retour.model.text import text
from retour.model.timeline import TimelineEntry
from retour.rules.draft import Draft
from retour.rules.timeline import entries, kept_evidence
from retour.testing import a_line, a_payment, an_order

DAY = datetime.timedelta(days=1)
PLACED, PAID = NOON - 2 * HOUR, NOON - HOUR
ORDER: Order = attrs.evolve(
    an_order(
        a_line("cup", 2, "200.00"),
        payments=[a_payment("150.00", reference="p_1"), a_payment("50.00", reference="p_2", provider="stripe")],
        customer="c-17",
    ),
)
ONE, OTHER = ORDER.payments


def dated(placed: datetime.datetime | None, *paid: datetime.datetime | None) -> Order:
    """The order, placed and paid at these times."""
    payments = [attrs.evolve(one, paid_at=at) for one, at in zip(ORDER.payments, paid, strict=True)]
    return attrs.evolve(ORDER, placed_at=placed, payments=tuple(payments))


def recorded(*events: Event, by: Actor = ANNA, order: Order = ORDER) -> list[Recorded]:
    """The order is seen at noon, and then each of these happens."""
    draft = Draft(dossier=Dossier(order_id=order.id), at=NOON, by=by, new_id=numbered())
    draft.see(order)
    for one in events:
        draft.record(one)
    return draft.events


def shown(
    events: Sequence[Recorded],
    audience: Audience = Audience.STAFF,
    *,
    order: Order = ORDER,
    kept: Mapping[str, str] | None = None,
    pages: Mapping[str, str] | None = None,
) -> tuple[TimelineEntry, ...]:
    return entries(order, events, audience, kept=kept or {}, pages=pages or {})


# --- what the order itself tells --------------------------------------------------------------------------


@pytest.mark.parametrize("audience", Audience)
def test_a_timeline_begins_with_the_order_and_what_was_paid(audience: Audience) -> None:
    pages = {ONE.id: "https://mollie.example/p_1", "p_3": "https://mollie.example/p_3"}
    of_staff = audience is Audience.STAFF
    order = dated(PLACED, PAID, NOON)
    assert shown(recorded(order=order), audience, order=order, pages=pages) == (
        TimelineEntry(seq=0, at=PLACED, by=Actor.customer("c-17"), code="order_placed", message=text("Order placed")),
        TimelineEntry(
            seq=0,
            at=PAID,
            by=Actor.provider("mollie"),
            code="order_paid",
            message=text("{amount} paid", amount=eur("150.00")),
            url=pages[ONE.id] if of_staff else "",
        ),
        TimelineEntry(
            seq=0,
            at=NOON,
            by=Actor.provider("stripe"),
            code="order_paid",
            message=text("{amount} paid", amount=eur("50.00")),
        ),
    )


def test_what_has_no_time_is_not_told() -> None:
    assert shown(recorded(), order=dated(None, None, None)) == ()
    told = shown(recorded(), order=dated(None, None, PAID))
    assert [(one.code, one.at) for one in told] == [("order_paid", PAID)]


@pytest.mark.parametrize(
    "placed, paid, codes",
    [
        (PLACED, (PAID, None), ["order_placed", "order_paid", "return_requested"]),
        (PAID, (PLACED, None), ["order_paid", "order_placed", "return_requested"]),
        (NOON, (None, None), ["order_placed", "return_requested"]),
        (PLACED, (NOON + HOUR, None), ["order_placed", "return_requested", "order_paid"]),
        (NOON + DAY, (NOON + HOUR, PAID), ["order_paid", "return_requested", "order_paid", "order_placed"]),
    ],
)
def test_everything_stands_in_its_time_and_the_orders_own_first(
    placed: datetime.datetime, paid: tuple[datetime.datetime | None, ...], codes: Sequence[str]
) -> None:
    assert [one.code for one in shown(recorded(requested("rt", cup=1)), order=dated(placed, *paid))] == codes


def test_an_order_is_told_of_when_it_changed_and_not_when_it_was_first_seen() -> None:
    fewer = attrs.evolve(ORDER, lines=(attrs.evolve(ORDER.lines[0], fulfilled=1),))
    events = recorded(order_became(fewer))
    assert [(one.seq, one.code) for one in shown(events)] == [(2, "order_seen")]
    assert shown(events, Audience.CUSTOMER) == ()


# --- what an event tells ----------------------------------------------------------------------------------

ACCOUNT = BankAccount(name="J. Jansen", iban="NL91ABNA0417164300")
FILES = {"ev-1": EvidenceFile(reference="f1", name="a.jpg"), "ev-2": EvidenceFile(reference="f2", name="b.jpg")}
KEPT = {
    "nt-1": "box was wet",
    "ac-1": account_as_words(ACCOUNT),
    "in-1": "Bring it to the shop",
    "ev-1": evidence_as_words(FILES["ev-1"]),
    "ev-2": evidence_as_words(FILES["ev-2"]),
}


@pytest.mark.parametrize("audience", Audience)
def test_an_entry_has_what_its_event_is_about_and_the_notes_and_files_are_for_the_staff(audience: Audience) -> None:
    asked = ReturnRequested(return_id="rt", lines=requested("rt", cup=1).lines, note_id="nt-1", evidence_ids=("ev-1",))
    of_staff = audience is Audience.STAFF
    entry = shown(recorded(asked, by=ACTORS[ActorKind.CUSTOMER]), audience, kept=KEPT)[0]
    assert (entry.seq, entry.at, entry.code, entry.by) == (2, NOON, "return_requested", ACTORS[ActorKind.CUSTOMER])
    assert (entry.note, entry.evidence) == (("box was wet", (FILES["ev-1"],)) if of_staff else ("", ()))
    assert entry.return_number == return_number("rt")
    assert (entry.url, entry.account, entry.instructions) == ("", "", "")
    assert "1 × Cup" in entry.text("nl")


@pytest.mark.parametrize("audience", Audience)
def test_what_the_customer_has_to_do_is_shown_to_him_too(audience: Audience) -> None:
    events = recorded(requested("rt", cup=1), approved("rt", instructions_id="in-1"))
    assert shown(events, audience, kept=KEPT)[-1].instructions == "Bring it to the shop"


def test_what_is_not_kept_any_more_is_empty() -> None:
    asked = ReturnRequested(return_id="rt", lines=requested("rt", cup=1).lines, note_id="nt-1", evidence_ids=("ev-1",))
    first, second = shown(recorded(asked, approved("rt", instructions_id="in-1")))
    assert (first.note, first.evidence, second.instructions) == ("", (), "")


def test_files_that_are_still_kept_are_in_their_order() -> None:
    assert kept_evidence(KEPT, ["ev-2", "ev-9", "ev-1"]) == (FILES["ev-2"], FILES["ev-1"])


def test_money_leads_to_its_payments_page_and_belongs_to_no_return() -> None:
    pages = {ONE.id: "https://mollie.example/p_1", OTHER.id: "https://stripe.example/p_2"}
    events = recorded(planned("rf", payment=OTHER.id))
    assert [(one.url, one.return_number) for one in shown(events, pages=pages)] == [(pages[OTHER.id], "")]
    assert shown(events)[0].url == ""
    assert {one.url for one in shown(events, Audience.CUSTOMER, pages=pages)} <= {""}


@pytest.mark.parametrize("audience", Audience)
def test_the_account_that_money_goes_to_is_masked_and_for_the_staff(audience: Audience) -> None:
    to = RefundDestination(kind=Destination.BANK_ACCOUNT, account_id="ac-1")
    events = recorded(RefundTransferPlanned(refund_id="rf", payment=ONE.id, amount=eur("40.00"), to=to))
    of_staff = audience is Audience.STAFF
    assert [one.account for one in shown(events, audience, kept=KEPT)] == ["J. Jansen, NL…4300" if of_staff else ""]
    assert [one.account for one in shown(events, audience)] == [""]


def test_an_event_that_has_no_words_for_a_reader_is_not_told_to_him() -> None:
    """Of a link that was opened in the shop the customer never read, so that its end is no news to him."""
    events = recorded(linked("rf"), RefundCancelled(refund_id="rf"), requested("rt", cup=1))
    assert [one.seq for one in shown(events, Audience.CUSTOMER)] == [4]
    assert [one.seq for one in shown(events)] == [2, 3, 4]


@pytest.mark.parametrize("kind", ActorKind)
def test_a_customer_reads_no_name_of_the_staff_and_who_else_it_was(kind: ActorKind) -> None:
    events = recorded(requested("rt", cup=1), by=ACTORS[kind])
    assert shown(events, Audience.STAFF)[0].by == ACTORS[kind]
    nameless = Actor.staff("") if kind is ActorKind.STAFF else ACTORS[kind]
    assert shown(events, Audience.CUSTOMER)[0].by == nameless


@pytest.mark.parametrize("audience", Audience)
def test_each_reader_is_shown_what_is_declared_for_him(audience: Audience) -> None:
    events = recorded(requested("rt", cup=1), approved("rt"), ordered("lb"), told("lb"))
    readable = [one.seq for one in events if audience in one.event.readers and one.seq > 1]
    assert [one.seq for one in shown(events, audience)] == readable


# --- the page of a parcel ---------------------------------------------------------------------------------

COMES = [requested("rt", cup=1), approved("rt")]
PARCELS = {name: f"https://carrier.example/{name}" for name in ("rt", "lb", "lb2", "other")}


@pytest.mark.parametrize("audience", Audience)
@pytest.mark.parametrize(
    "known, page",
    [
        ([*COMES, sent("rt")], "rt"),
        ([*COMES, sent("rt", "3S1")], "rt"),
        ([*COMES, in_portal("lb", tracking_number="3S1"), sent("rt", "3S1")], "lb"),
        ([*COMES, in_portal("lb", tracking_number="3S1"), sent("rt", "3S2")], "rt"),
        ([*COMES, in_portal("lb"), sent("rt")], "rt"),
        (
            [
                *COMES,
                in_portal("lb", tracking_number="3S1"),
                in_portal("lb2", tracking_number="3S1"),
                sent("rt", "3S1"),
            ],
            "lb2",
        ),
        (
            [
                *COMES,
                in_portal("lb", tracking_number="3S1"),
                in_portal("lb2", tracking_number="3S2"),
                sent("rt", "3S1"),
            ],
            "lb",
        ),
        ([*COMES, in_portal("other", "rt2", tracking_number="3S1"), sent("rt", "3S1")], "rt"),
        ([*COMES, in_portal("lb"), moved("lb", ParcelState.DELIVERED)], "lb"),
        ([*COMES, ordered("lb3"), moved("lb3", ParcelState.DELIVERED)], ""),
        (COMES, ""),
    ],
)
def test_a_parcel_that_moves_leads_to_its_carriers_page(known: Sequence[Event], page: str, audience: Audience) -> None:
    last = entries(ORDER, recorded(*known), audience, kept={}, pages={}, parcels=PARCELS)[-1]
    assert last.url == PARCELS.get(page, "")
    assert shown(recorded(*known), audience)[-1].url == ""
