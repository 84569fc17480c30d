"""What is made of a label that a customer made in a provider's portal: which return it is of, and what is in it."""

from __future__ import annotations

import datetime
from collections.abc import Sequence

import pytest
from drafts import HOUR, NOON, a_draft, news, said_by
from goods_events import approved, asked, closed, found, received, requested, sent
from label_events import CARRIER, in_portal, not_made, ordered, shown, told

from retour import Order, ReturnReason
from retour.model.events.event import Event
from retour.model.events.goods import ReturnApproved, ReturnRequested, ReturnSent
from retour.model.events.labels import LabelReported, ParcelMoved, PortalLabelFound
from retour.model.labels import USUALLY_FOLLOWS, ParcelState, Told, WhatFollows
from retour.model.reasons import Reason, ReasonCode, reason
from retour.model.refunds import Evidence
from retour.model.returns import Objection, RequestedLine
from retour.rules.draft import Draft
from retour.rules.label_reports import ReportedItem, ReportedShipment
from retour.rules.portal_returns import Portal, is_under_way, record_listed, record_shipment
from retour.rules.whose_label import Learnt
from retour.testing import a_line, a_service, an_order

ORDER = an_order(a_line("cup", 2, "40.00"), a_line("pot", 1, "30.00"), a_service())
SMALL = ReturnReason(code="small", words={"en": "Too small"}, provider_codes={"sendcloud": "31", "myparcel": "9"})
BROKEN = ReturnReason(code="broken", words={"en": "Broken"}, provider_codes={"sendcloud": "25"})
OTHER = ReturnReason(code="other", words={"en": "Other"})
PORTAL = Portal(provider="sendcloud", account="second", reasons=(SMALL, BROKEN, OTHER), follows=USUALLY_FOLLOWS)


def item(quantity: int, sku: str = "cup", code: str = "", description: str = "") -> ReportedItem:
    return ReportedItem(quantity=quantity, sku=sku, reason=code, description=description)


def reported(draft: Draft, *items: ReportedItem, order: Order = ORDER, reads: bool = True) -> list[Event]:
    """What is recorded of a parcel with these items in it."""
    record_shipment(draft, order, PORTAL, shown(items=items), Evidence.WEBHOOK, Learnt(reads=reads, lists=reads))
    return news(draft)


# --- what is kept of it -----------------------------------------------------------------------------------


def test_a_return_from_the_portal_is_announced_approved_and_has_its_label_by_the_providers_word() -> None:
    draft = a_draft(ORDER)
    seen = shown(
        reference="sc_1",
        parcel="p_1",
        tracking_number="3S1",
        carrier="postnl",
        progress=ParcelState.ON_ITS_WAY,
        made_at=NOON,
        changed_at=NOON + HOUR,
        items=(item(1, code="31"),),
    )
    record_shipment(draft, ORDER, PORTAL, seen, Evidence.RECONCILE, Learnt())
    lines = (RequestedLine(line_id="cup", quantity=1, reason="small"),)
    assert news(draft) == [
        ReturnRequested(return_id="rt-1", lines=lines, reasons=(SMALL,)),
        ReturnApproved(return_id="rt-1"),
        PortalLabelFound(
            label_id="lb-1",
            return_id="rt-1",
            provider="sendcloud",
            account="second",
            told=Told.READY,
            evidence=Evidence.RECONCILE,
            reference="sc_1",
            parcel="p_1",
            tracking_number="3S1",
            made_at=NOON,
        ),
        LabelReported(
            return_id="rt-1",
            label_id="lb-1",
            told=Told.READY,
            evidence=Evidence.RECONCILE,
            reference="sc_1",
            parcel="p_1",
            tracking_number="3S1",
            carrier="postnl",
            said_at=NOON + HOUR,
            made_at=NOON,
        ),
        ParcelMoved(
            return_id="rt-1",
            label_id="lb-1",
            progress=ParcelState.ON_ITS_WAY,
            follows=WhatFollows.SENT,
            moved_at=NOON + HOUR,
        ),
        ReturnSent(return_id="rt-1", tracking="3S1"),
    ]
    assert set(said_by(draft)) == {CARRIER}


def test_what_is_said_of_a_label_that_is_known_is_of_that_one() -> None:
    draft = a_draft(ORDER, requested("rt", cup=2), approved("rt"), in_portal("lb", reference="sc_1", account="second"))
    seen = shown(reference="sc_1", parcel="p_1", progress=ParcelState.DELIVERED, items=(item(1),))
    record_shipment(draft, ORDER, PORTAL, seen, Evidence.LOOKUP, Learnt())
    known, step = news(draft)
    assert isinstance(known, LabelReported)
    assert (known.label_id, known.parcel, known.evidence) == ("lb", "p_1", Evidence.LOOKUP)
    assert isinstance(step, ParcelMoved)
    assert (step.label_id, step.follows) == ("lb", WhatFollows.COUNT)


@pytest.mark.parametrize(
    "seen, is_news",
    [
        (shown(), True),
        (shown(Told.ANNOUNCING), True),
        (shown(Told.CANCELLING), True),
        (shown(Told.REFUSED), False),
        (shown(Told.CANCELLED), False),
        (shown(reference=""), False),
        (shown(reference="", parcel="p_1"), True),
        (shown(reference="", tracking_number="3S1"), True),
    ],
)
def test_a_label_with_which_nothing_comes_or_that_has_no_name_is_no_return(
    seen: ReportedShipment, is_news: bool
) -> None:
    draft = a_draft(ORDER)
    record_shipment(draft, ORDER, PORTAL, seen, Evidence.LOOKUP, Learnt(listed=[seen]))
    assert any(isinstance(one, PortalLabelFound) for one in news(draft)) is is_news


def test_a_parcel_alone_is_a_return_where_it_is_listed_as_one_and_else_may_have_gone_to_the_customer() -> None:
    seen = shown(reference="", parcel="p_1")
    for learnt, is_news in ((Learnt(), False), (Learnt(listed=[seen]), True)):
        draft = a_draft(ORDER)
        record_shipment(draft, ORDER, PORTAL, seen, Evidence.WEBHOOK, learnt)
        assert any(isinstance(one, PortalLabelFound) for one in news(draft)) is is_news


def test_a_return_that_was_refused_by_the_time_it_is_read_is_no_return() -> None:
    draft, seen = a_draft(ORDER), shown(Told.ANNOUNCING)
    learnt = Learnt(itself=shown(Told.REFUSED))
    record_shipment(draft, ORDER, PORTAL, seen, Evidence.WEBHOOK, learnt)
    assert news(draft) == []


ANOTHERS = "lb01KASM4X000000000000000001"
"""The id of a label that another retour ordered at the same account."""


@pytest.mark.parametrize(
    "said, read, is_news",
    [
        (ANOTHERS, None, False),
        ("", ANOTHERS, False),
        (ANOTHERS, "", False),
        ("", None, True),
        ("", "", True),
        ("A-1001", None, True),
        (ANOTHERS.replace("lb", "rf"), None, True),
    ],
)
def test_a_label_that_another_retour_ordered_is_no_return_that_the_customer_made(
    said: str, read: str | None, is_news: bool
) -> None:
    draft = a_draft(ORDER)
    itself = None if read is None else shown(label_id=read)
    record_shipment(draft, ORDER, PORTAL, shown(label_id=said), Evidence.WEBHOOK, Learnt(itself=itself))
    assert any(isinstance(one, PortalLabelFound) for one in news(draft)) is is_news


@pytest.mark.parametrize(
    "label, waits",
    [
        (ordered("lb", account="second"), True),
        (ordered("lb", account="default"), False),
        (ordered("lb", account="second", provider="myparcel"), False),
    ],
)
def test_while_a_label_is_being_made_there_one_that_nobody_knows_can_be_that(label: Event, waits: bool) -> None:
    draft = a_draft(ORDER, requested("rt", cup=1), approved("rt"), label)
    assert bool(reported(draft, item(1))) is not waits


@pytest.mark.parametrize("reads", [True, False])
def test_a_number_alone_is_not_taken_for_that_of_a_label_that_can_be_asked_for_its_own(reads: bool) -> None:
    known = in_portal("lb", reference="", parcel="p_1", account="second")
    draft = a_draft(ORDER, requested("rt", cup=2), approved("rt"), known)
    assert len(reported(draft, item(1), reads=reads)) == (not reads)


# --- which return it is of --------------------------------------------------------------------------------

ALL_CUPS = [requested("rt", cup=2), approved("rt")]
ONE_CUP_IS_MISSING = [requested("rt2", cup=1), received("rt2", "rc", found("cup", missing=1))]
THE_POT_IS_HERE = [requested("rt2", pot=1), received("rt2", "rc", found("pot", 1))]


@pytest.mark.parametrize(
    "known, items, theirs",
    [
        (ALL_CUPS, [item(1)], True),
        (ALL_CUPS, [item(1), item(1)], True),
        (ALL_CUPS, [item(2), item(1)], False),
        (ALL_CUPS, [item(3)], False),
        (ALL_CUPS, [item(0)], False),
        (ALL_CUPS, [item(1), item(0)], False),
        (ALL_CUPS, [item(1), item(1, "vase")], False),
        (ALL_CUPS, [item(1), item(1, "")], False),
        (ALL_CUPS, [], False),
        # a unit that is in no return can be in the parcel
        ([requested("rt", cup=1), approved("rt")], [item(1)], False),
        (ALL_CUPS, [item(1), item(1, "pot")], False),
        # two returns that can have it
        ([requested("rt", cup=1), approved("rt"), requested("rt2", cup=1), approved("rt2")], [item(1)], False),
        ([*ONE_CUP_IS_MISSING, requested("rt", cup=1), approved("rt")], [item(1)], False),
        # one whose units are all here is none of them
        ([*THE_POT_IS_HERE, *ALL_CUPS], [item(1)], True),
        ([*THE_POT_IS_HERE, *ALL_CUPS], [item(1), item(1, "pot")], False),
        ([requested("rt2", cup=1), approved("rt2"), closed("rt2"), *ALL_CUPS], [item(1)], True),
        # not one that nobody approved, or of which something is known of how it comes
        (ALL_CUPS[:1], [item(1)], False),
        ([*ALL_CUPS, sent("rt")], [item(1)], False),
        ([*ALL_CUPS, in_portal("lb")], [item(1)], False),
        ([*ALL_CUPS, ordered("lb"), not_made("lb")], [item(1)], True),
    ],
)
def test_it_is_the_return_that_was_announced_where_it_can_be_nothing_else(
    known: Sequence[Event], items: Sequence[ReportedItem], theirs: bool
) -> None:
    draft = a_draft(ORDER, *known)
    label = next(one for one in reported(draft, *items) if isinstance(one, PortalLabelFound))
    assert label.return_id == ("rt" if theirs else "rt-1")
    assert isinstance(news(draft)[0], PortalLabelFound if theirs else ReturnRequested)


@pytest.mark.parametrize(
    "announced, codes, chosen, reasons",
    [
        ("small", ["31"], [], ()),
        ("small", [""], [], ()),
        ("small", ["25"], [("cup", 1, "broken")], (BROKEN,)),
        ("small", ["9"], [("cup", 1, "sendcloud: 9")], ()),
        ("small", ["31", "25"], [("cup", 1, "broken")], (BROKEN,)),
        ("small", ["25", "25"], [("cup", 2, "broken")], (BROKEN,)),
        ("small", ["25", "9"], [("cup", 1, "broken"), ("cup", 1, "sendcloud: 9")], (BROKEN,)),
        ("", ["31"], [("cup", 1, "small")], (SMALL,)),
        ("", [""], [], ()),
    ],
)
def test_another_reason_than_was_announced_is_kept_with_the_label(
    announced: str, codes: Sequence[str], chosen: Sequence[tuple[str, int, str]], reasons: Sequence[ReturnReason]
) -> None:
    draft = a_draft(ORDER, ReturnRequested(return_id="rt", lines=asked({"cup": 2}, {"cup": announced})), *ALL_CUPS[1:])
    [label] = reported(draft, *[item(1, code=one) for one in codes])
    assert isinstance(label, PortalLabelFound)
    assert (label.return_id, label.reasons) == ("rt", tuple(reasons))
    assert label.chosen == tuple([line(*one) for one in chosen])


def test_one_of_which_some_product_is_on_two_lines_can_be_of_either() -> None:
    order = an_order(a_line("cup", 2, "40.00"), a_line("blue", 1, "20.00", product="cup"))
    draft = a_draft(order, requested("rt", cup=2, blue=1), approved("rt"))
    assert isinstance(reported(draft, item(1), order=order)[0], ReturnRequested)
    draft = a_draft(order, requested("rt", cup=2, blue=1), approved("rt"))
    assert isinstance(reported(draft, item(1, "blue"), order=order)[0], PortalLabelFound)


@pytest.mark.parametrize(
    "known, under_way",
    [
        ([], False),
        ([sent("rt", tracking="3S1")], True),
        ([ReturnSent(return_id="rt", carrier="PostNL")], True),
        ([ReturnSent(return_id="rt", sent_on=datetime.date(2026, 11, 23))], True),
        ([received("rt", "rc", found("cup", 1))], True),
        ([ordered("lb")], True),
        ([ordered("lb"), not_made("lb")], False),
        ([ordered("lb"), not_made("lb"), ordered("lb2")], True),
        ([ordered("lb", "other")], False),
    ],
)
def test_a_return_is_under_way_that_was_sent_counted_or_has_a_label(known: Sequence[Event], under_way: bool) -> None:
    dossier = a_draft(ORDER, *ALL_CUPS, *known).dossier
    assert is_under_way(dossier, dossier.returns["rt"]) is under_way


# --- what is in it ----------------------------------------------------------------------------------------


def line(line_id: str, quantity: int, why: str = "") -> RequestedLine:
    return RequestedLine(line_id=line_id, quantity=quantity, reason=why)


def more_than_there_is(items: str) -> Reason:
    return reason(ReasonCode.PORTAL_ITEMS, items=items)


@pytest.mark.parametrize(
    "items, lines, chosen",
    [
        ([item(1)], [line("cup", 1)], ()),
        ([item(1, code="31")], [line("cup", 1, "small")], (SMALL,)),
        ([item(1, code="9")], [line("cup", 1, "sendcloud: 9")], ()),
        ([item(1, code="other")], [line("cup", 1, "sendcloud: other")], ()),
        ([item(1), item(1)], [line("cup", 2)], ()),
        ([item(1, code="31"), item(1, code="31")], [line("cup", 2, "small")], (SMALL,)),
        (
            [item(2, code="25"), item(1, "pot", code="31")],
            [line("cup", 2, "broken"), line("pot", 1, "small")],
            (BROKEN, SMALL),
        ),
    ],
)
def test_what_is_in_it_is_announced_by_line_with_the_shops_own_reasons(
    items: Sequence[ReportedItem], lines: Sequence[RequestedLine], chosen: Sequence[ReturnReason]
) -> None:
    announced, agreed, label = reported(a_draft(ORDER), *items)
    assert announced == ReturnRequested(return_id="rt-1", lines=tuple(lines), reasons=tuple(chosen))
    assert agreed == ReturnApproved(return_id="rt-1")
    assert isinstance(label, PortalLabelFound)


@pytest.mark.parametrize(
    "codes, first, chosen",
    [
        (["31", "25"], "small", (SMALL, BROKEN)),
        (["25", "31"], "broken", (BROKEN, SMALL)),
        (["", "31"], "small", (SMALL,)),
        (["31", ""], "small", (SMALL,)),
        (["8", "31"], "sendcloud: 8", (SMALL,)),
    ],
)
def test_units_of_one_line_keep_the_reason_of_each_and_the_line_has_the_first(
    codes: Sequence[str], first: str, chosen: Sequence[ReturnReason]
) -> None:
    whys = {"": "", "31": "small", "25": "broken", "8": "sendcloud: 8"}
    items = [item(1, code=one) for one in codes]
    assert reported(a_draft(ORDER), *items)[0] == ReturnRequested(
        return_id="rt-1",
        lines=(line("cup", 2, first),),
        reasons=tuple(chosen),
        by_reason=tuple([line("cup", 1, whys[one]) for one in codes]),
    )


@pytest.mark.parametrize(
    "items, lines, left_out",
    [
        ([item(3)], [line("cup", 2)], "1 × cup"),
        ([item(4, code="31"), item(1)], [line("cup", 2, "small")], "2 × cup, 1 × cup"),
        ([item(1), item(2, "vase", description="Vase, blue")], [line("cup", 1)], "2 × vase"),
        ([item(1, "", description="Vase, blue")], [], "1 × Vase, blue"),
        ([item(1, "postage")], [], "1 × postage"),
        ([item(1), item(0)], [line("cup", 1)], "0 × cup"),
        ([item(0), item(1)], [line("cup", 1)], "0 × cup"),
    ],
)
def test_what_the_order_has_not_or_no_more_waits_for_a_person_with_what_is_left_out(
    items: Sequence[ReportedItem], lines: Sequence[RequestedLine], left_out: str
) -> None:
    announced, label = reported(a_draft(ORDER), *items)
    assert isinstance(announced, ReturnRequested)
    assert announced.lines == tuple(lines)
    assert announced.objections == (Objection.review(more_than_there_is(left_out)),)
    assert isinstance(label, PortalLabelFound)


def test_a_parcel_of_which_nothing_is_said_waits_for_a_person() -> None:
    announced, label = reported(a_draft(ORDER))
    nothing = Objection.review(reason(ReasonCode.PORTAL_SAYS_NOTHING))
    assert announced == ReturnRequested(return_id="rt-1", lines=(), objections=(nothing,))
    assert isinstance(label, PortalLabelFound)


def test_units_that_another_return_has_are_not_announced_again() -> None:
    draft = a_draft(ORDER, requested("other", cup=1))
    announced = reported(draft, item(2))[0]
    assert isinstance(announced, ReturnRequested)
    assert announced.lines == (line("cup", 1),)
    assert announced.objections == (Objection.review(more_than_there_is("1 × cup")),)


def test_of_a_line_of_which_the_shop_took_units_off_none_is_announced() -> None:
    fewer = an_order(a_line("cup", 2, "40.00", fulfilled=1), a_line("blue", 2, "40.00", product="cup"))
    draft = a_draft(fewer, requested("other", cup=2))
    announced = reported(draft, item(1), order=fewer)[0]
    assert announced == ReturnRequested(return_id="rt-1", lines=(line("blue", 1),))


def test_units_of_a_product_on_two_lines_are_taken_from_one_after_the_other() -> None:
    order = an_order(a_line("cup", 2, "40.00"), a_line("blue", 2, "40.00", product="cup"))
    announced = reported(a_draft(order), item(1), item(2), order=order)[0]
    assert announced == ReturnRequested(return_id="rt-1", lines=(line("cup", 2), line("blue", 1)))


# --- all that a provider lists of an order ----------------------------------------------------------------

MINE = [requested("rt", cup=1), approved("rt"), ordered("lb", account="second"), told("lb", reference="")]
"""A label of ours of which no name is known yet."""


def listed(draft: Draft, *shipments: ReportedShipment, when_listed: Sequence[str] = ("lb",)) -> list[Event]:
    """What is recorded of all the return shipments of an order."""
    learnt = Learnt(listed=shipments, when_listed=frozenset(when_listed))
    record_listed(draft, ORDER, PORTAL, Evidence.LOOKUP, learnt)
    return news(draft)


def test_of_each_shipment_that_is_listed_a_return_is_announced() -> None:
    shipments = [shown(reference=name, items=(item(1, sku),)) for name, sku in (("sc_1", "cup"), ("sc_2", "pot"))]
    events = listed(a_draft(ORDER), *shipments)
    found_there = [one for one in events if isinstance(one, PortalLabelFound)]
    assert [(one.reference, one.evidence) for one in found_there] == [
        ("sc_1", Evidence.LOOKUP),
        ("sc_2", Evidence.LOOKUP),
    ]
    assert [one.lines for one in events if isinstance(one, ReturnRequested)] == [(line("cup", 1),), (line("pot", 1),)]


def test_what_is_listed_again_and_nothing_at_all_are_no_news() -> None:
    draft = a_draft(ORDER)
    once = list(listed(draft, shown(items=(item(1),))))
    assert listed(draft, shown(items=(item(1),))) == once
    record_listed(draft, ORDER, PORTAL, Evidence.LOOKUP, Learnt())
    assert news(draft) == once


def test_the_one_shipment_without_a_return_is_the_label_of_ours_that_has_no_name_yet() -> None:
    draft = a_draft(ORDER, *MINE)
    [event] = listed(draft, shown(reference="sc_1", parcel="p_1"))
    assert isinstance(event, LabelReported)
    assert (event.label_id, event.reference, event.parcel, event.evidence) == ("lb", "sc_1", "p_1", Evidence.LOOKUP)


def test_a_list_that_was_read_before_a_label_was_there_names_none() -> None:
    assert listed(a_draft(ORDER, *MINE), shown(reference="sc_1", parcel="p_1"), when_listed=[]) == []


def test_a_label_at_another_account_is_none_of_those_that_are_listed() -> None:
    elsewhere = [requested("rt", cup=1), ordered("lb", account="default"), told("lb", reference="")]
    events = listed(a_draft(ORDER, *elsewhere), shown(reference="sc_1", parcel="p_1", items=(item(1),)))
    assert [type(one) for one in events[:1]] == [ReturnRequested]
