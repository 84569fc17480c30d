"""What can be done about an order now, by the rule alone: each step where it can follow, and nowhere else."""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence
from typing import Any

import attrs
import pytest
from drafts import NOON, a_draft
from goods_events import approved, cancelled, closed, found, received, requested, sent
from label_events import in_portal, lost_answer, moved, not_made, ordered, said_made, told, wanted_back
from refund_events import (
    ONE,
    OTHER,
    confirmed,
    external,
    failed,
    held,
    linked,
    planned,
    reported,
    settled,
    taken_back,
    unclear,
)
from refund_events import ORDER as PAID_TWICE

from retour import ActorKind, CanDo, DeskStep, Order, RestockDecision
from retour.model.events.event import Event
from retour.model.events.goods import EvidenceAdded, ReturnExpired, ReturnRejected
from retour.model.events.labels import LabelHeld
from retour.model.events.money import RefundCancelAsked, RefundHandedOver
from retour.model.events.stock import RestockAsked, RestockDecided
from retour.model.evidence import MOST_EVIDENCE
from retour.model.labels import Told
from retour.model.reasons import ReasonCode, reason
from retour.model.refunds import Reported
from retour.rules.can_do import Able, can_do
from retour.testing import a_line, a_service, an_order

STAFF, CUSTOMER = ActorKind.STAFF, ActorKind.CUSTOMER
ORDER: Order = an_order(a_line("cup", 3, "60.00"), a_line("pot", 2, "40.00", fulfilled=1), a_service())
TODAY = NOON.date()
DAY = datetime.timedelta(days=1)
ALL_THERE_IS = Able(
    makes_labels=True,
    refunds_by_api=lambda payment: True,
    takes_back=lambda refund: True,
    cancels_label=lambda label: True,
)


def now(*known: Event | datetime.timedelta, order: Order = ORDER, by: ActorKind = STAFF, **otherwise: Any) -> CanDo:
    """What can be done by a desk that can do all there is, but for what is ``otherwise``."""
    return can_do(a_draft(order, *known).dossier, order, by, TODAY, attrs.evolve(ALL_THERE_IS, **otherwise))


# --- the order -------------------------------------------------------------------------------------------

MONEY = (DeskStep.REFUND, DeskStep.OPEN_REFUND_LINK)
GOODS = (DeskStep.REQUEST_RETURN, DeskStep.MARK_RETURNED)


@pytest.mark.parametrize(
    "known, to_request, to_count",
    [
        ([], {"cup": 3, "pot": 1}, {"cup": 3, "pot": 1}),
        ([requested("rt", cup=1)], {"cup": 2, "pot": 1}, {"cup": 3, "pot": 1}),
        ([requested("rt", cup=3)], {"pot": 1}, {"cup": 3, "pot": 1}),
        ([received("rt", "rc", found("cup", 2, missing=1))], {"pot": 1}, {"cup": 1, "pot": 1}),
        ([requested("rt", cup=3, pot=1)], {}, {"cup": 3, "pot": 1}),
        ([received("rt", "rc", found("cup", 3), found("pot", 1))], {}, {}),
    ],
)
def test_units_are_asked_back_that_are_in_no_return_and_counted_that_are_not_here(
    known: Sequence[Event], to_request: Mapping[str, int], to_count: Mapping[str, int]
) -> None:
    staff, customer = now(*known), now(*known, by=CUSTOMER)
    assert (staff.to_request, staff.to_count) == (to_request, to_count)
    assert (customer.to_request, customer.to_count) == (to_request, {})
    assert [one for one in staff.order if one not in MONEY] == [
        *[DeskStep.REQUEST_RETURN] * bool(to_request),
        *[DeskStep.MARK_RETURNED] * bool(to_count),
    ]
    assert customer.order == (DeskStep.REQUEST_RETURN,) * bool(to_request)


@pytest.mark.parametrize(
    "known, by_api, steps",
    [
        ([], {ONE.id, OTHER.id}, MONEY),
        ([], {OTHER.id}, MONEY),
        ([], set(), MONEY[1:]),
        ([linked("rf", "100.00")], {ONE.id, OTHER.id}, MONEY),
        ([linked("rf", "100.00")], {ONE.id}, MONEY[1:]),
        ([linked("rf", "99.99")], {ONE.id}, MONEY),
        ([taken_back("100.00")], {ONE.id}, MONEY[1:]),
        ([planned("rf"), unclear("rf")], {ONE.id}, MONEY[1:]),
        ([linked("a", "100.00"), linked("b", "100.00", OTHER.id)], {ONE.id, OTHER.id}, ()),
    ],
)
def test_money_goes_back_while_something_of_a_payment_is_left_and_by_api_where_its_provider_does_that(
    known: Sequence[Event], by_api: set[str], steps: Sequence[DeskStep]
) -> None:
    def refunds_by_api(payment: Any) -> bool:
        return payment.id in by_api

    offered = now(*known, order=PAID_TWICE, refunds_by_api=refunds_by_api).order
    assert offered == (*GOODS, *steps)
    assert now(*known, order=PAID_TWICE, by=CUSTOMER).order == GOODS[:1]


# --- returns ---------------------------------------------------------------------------------------------

ANNOUNCED = [requested("rt", cup=2)]
COMES = [*ANNOUNCED, approved("rt")]
PARTLY = [*COMES, received("rt", "rc", found("cup", 1))]
MADE = [*COMES, ordered("lb"), told("lb")]
BY_HAND = RestockDecision.by_hand()

APPROVE, REJECT, REOPEN = DeskStep.APPROVE_RETURN, DeskStep.REJECT_RETURN, DeskStep.REOPEN_RETURN
LABEL, SENT, RECEIVE = DeskStep.ORDER_LABEL, DeskStep.MARK_SENT, DeskStep.RECEIVE
INSPECT, CORRECT, ANSWER = DeskStep.INSPECT_RECEIPT, DeskStep.CORRECT_RECEIPT, DeskStep.ANSWER_RESTOCK
CANCEL, CLOSE, FILES = DeskStep.CANCEL_RETURN, DeskStep.CLOSE_RETURN, DeskStep.ADD_EVIDENCE


def files(number: int) -> EvidenceAdded:
    return EvidenceAdded(return_id="rt", evidence_ids=tuple([f"ev-{one}" for one in range(number)]))


RETURNS = [
    pytest.param(ANNOUNCED, {APPROVE, REJECT, RECEIVE, CANCEL, FILES}, {CANCEL, FILES}, id="announced"),
    pytest.param(COMES, {APPROVE, LABEL, SENT, RECEIVE, CANCEL, FILES}, {LABEL, SENT, CANCEL, FILES}, id="to be sent"),
    pytest.param(
        [*COMES, sent("rt")], {LABEL, SENT, RECEIVE, CANCEL, FILES}, {LABEL, SENT, CANCEL, FILES}, id="on its way"
    ),
    pytest.param([*ANNOUNCED, ReturnRejected(return_id="rt", because="worn")], {REOPEN, FILES}, {FILES}, id="rejected"),
    pytest.param([*ANNOUNCED, cancelled("rt")], {REOPEN, FILES}, {FILES}, id="cancelled"),
    pytest.param([*COMES, ReturnExpired(return_id="rt")], {REOPEN, FILES}, {FILES}, id="expired"),
    pytest.param(PARTLY, {LABEL, RECEIVE, CORRECT, CLOSE, FILES}, {LABEL, FILES}, id="partly here"),
    pytest.param(
        [*PARTLY, RestockAsked(return_id="rt")],
        {ANSWER, LABEL, RECEIVE, CORRECT, FILES},
        {LABEL, FILES},
        id="asked about its stock, which comes before its end",
    ),
    pytest.param(
        [*PARTLY, RestockDecided(return_id="rt", decision=BY_HAND, by_hand={"cup": 1})],
        {ANSWER, LABEL, RECEIVE, CORRECT, CLOSE, FILES},
        {LABEL, FILES},
        id="to be booked by hand, which can be booked here still",
    ),
    pytest.param(
        [*COMES, received("rt", "rc", found("cup", to_inspect=2))],
        {INSPECT, CORRECT, CLOSE, FILES},
        {FILES},
        id="here, and to be inspected",
    ),
    pytest.param(
        [*COMES, received("rt", "rc", found("cup", 2))], {CORRECT, CLOSE, FILES}, {FILES}, id="all that was announced"
    ),
    pytest.param(
        [*COMES, received("rt", "rc", found("cup", 1, missing=1))],
        {RECEIVE, CORRECT, CLOSE, FILES},
        {FILES},
        id="what was missing may come",
    ),
    pytest.param([*PARTLY, closed("rt")], {CORRECT, REOPEN, FILES}, {FILES}, id="closed before the rest came"),
    pytest.param(
        [*COMES, received("rt", "rc", found("cup", 1, missing=1)), closed("rt")],
        {RECEIVE, CORRECT, REOPEN, FILES},
        {FILES},
        id="closed, and what was missing may come",
    ),
    pytest.param(
        [*ANNOUNCED, cancelled("rt"), requested("other", cup=2)],
        {FILES},
        {FILES},
        id="cancelled, and its units are in another return",
    ),
    pytest.param(
        [*COMES, files(MOST_EVIDENCE - 1)],
        {APPROVE, LABEL, SENT, RECEIVE, CANCEL, FILES},
        {LABEL, SENT, CANCEL, FILES},
        id="one more file can be added",
    ),
    pytest.param(
        [*COMES, files(MOST_EVIDENCE)],
        {APPROVE, LABEL, SENT, RECEIVE, CANCEL},
        {LABEL, SENT, CANCEL},
        id="as many files as there can be",
    ),
    pytest.param(
        MADE, {APPROVE, SENT, RECEIVE, CANCEL, FILES}, {SENT, CANCEL, FILES}, id="it has a label, and is not sent"
    ),
    pytest.param(
        [*COMES, ordered("lb"), not_made("lb")],
        {APPROVE, LABEL, SENT, RECEIVE, CANCEL, FILES},
        {LABEL, SENT, CANCEL, FILES},
        id="its label was refused",
    ),
    pytest.param(
        [*MADE, moved("lb")],
        {APPROVE, SENT, RECEIVE, CANCEL, FILES},
        {SENT, FILES},
        id="a carrier has it, and staff alone cancels it",
    ),
]


@pytest.mark.parametrize("known, staff, customer", RETURNS)
def test_a_return_is_led_on_from_where_it_is(
    known: Sequence[Event], staff: set[DeskStep], customer: set[DeskStep]
) -> None:
    for by, steps in ((STAFF, staff), (CUSTOMER, customer)):
        offered = now(*known, by=by).returns["rt"]
        assert (set(offered), len(offered)) == (steps, len(steps))


def test_a_label_is_for_goods_that_come_where_labels_are_made() -> None:
    assert LABEL not in now(*COMES, makes_labels=False).returns["rt"]


@pytest.mark.parametrize(
    "known, makes_labels, beside",
    [
        (COMES, True, ()),
        (MADE, True, ("rt",)),
        (MADE, False, ()),
        ([*MADE, told("lb", Told.CANCELLED)], True, ()),
        ([*MADE, sent("rt")], True, ("rt",)),
        ([*MADE, received("rt", "rc", found("cup", 2))], True, ()),
    ],
)
def test_one_more_parcel_of_a_return_that_has_a_label_can_have_one_too(
    known: Sequence[Event], makes_labels: bool, beside: Sequence[str]
) -> None:
    assert now(*known, makes_labels=makes_labels).another_parcel == beside


# --- refunds ---------------------------------------------------------------------------------------------

SENDING = [planned("rf")]
PENDING = [*SENDING, reported("rf", Reported.PENDING)]
UNCLEAR = [*SENDING, unclear("rf")]
CONFIRM, RETRY, SETTLE = DeskStep.CONFIRM_REFUND, DeskStep.RETRY_REFUND, DeskStep.SETTLE_REFUND
ASK, WITHDRAW, BATCH = DeskStep.RECONCILE, DeskStep.CANCEL_REFUND, DeskStep.SET_REFUND_BATCH
REVERSE, MATCH = DeskStep.REVERSE_REFUND, DeskStep.MATCH_REFUND
NOBODY_CAN_TELL = reason(ReasonCode.CANNOT_TELL)

REFUNDS = [
    pytest.param([planned("rf", hold="look")], {CONFIRM, RETRY, ASK, WITHDRAW}, id="held"),
    pytest.param(SENDING, set(), id="being sent"),
    pytest.param(UNCLEAR, {SETTLE, ASK}, id="unknown"),
    pytest.param([*UNCLEAR, held("rf")], {RETRY, SETTLE, ASK}, id="unknown, and held"),
    pytest.param(
        [*UNCLEAR, held("rf", NOBODY_CAN_TELL)],
        {CONFIRM, RETRY, SETTLE, ASK},
        id="unknown, and its provider cannot tell",
    ),
    pytest.param(PENDING, {ASK, WITHDRAW}, id="on its way"),
    pytest.param([*PENDING, RefundCancelAsked(refund_id="rf")], {ASK}, id="on its way, and to be taken back"),
    pytest.param([*PENDING, held("rf")], {CONFIRM, SETTLE, ASK, WITHDRAW}, id="on its way, and held for its outcome"),
    pytest.param([*SENDING, reported("rf")], set(), id="refunded"),
    pytest.param([*SENDING, failed("rf")], set(), id="refused"),
    pytest.param([confirmed("rf", "x")], {REVERSE}, id="refunded by hand"),
    pytest.param([*SENDING, *settled("rf", happened=True)], {REVERSE}, id="refunded, as a person said"),
    pytest.param([*SENDING, *settled("rf", happened=False)], set(), id="not refunded, as a person said"),
    pytest.param([linked("rf")], {CONFIRM, ASK, WITHDRAW}, id="by a link"),
    pytest.param([linked("rf", by_transfer=True)], {CONFIRM, ASK, WITHDRAW, BATCH}, id="by bank transfer"),
    pytest.param(
        [linked("rf", by_transfer=True, lacks_consent=True)],
        {CONFIRM, ASK, WITHDRAW},
        id="by bank transfer, and nobody agreed to that",
    ),
    pytest.param(
        [linked("rf", by_transfer=True), RefundHandedOver(refund_id="rf", batch="B1")],
        {CONFIRM, ASK, BATCH},
        id="the bank has it",
    ),
    pytest.param(
        [linked("rf", by_transfer=True, lacks_consent=True), RefundHandedOver(refund_id="rf", batch="B1")],
        {CONFIRM, ASK, BATCH},
        id="the bank has it, and nobody agreed to that",
    ),
    pytest.param([external("rf")], set(), id="found at the provider"),
    pytest.param([external("rf", status=Reported.PENDING)], {ASK}, id="found there on its way, where it is taken back"),
    pytest.param(
        [external("rf", status=Reported.PENDING), held("rf")],
        {CONFIRM, SETTLE, ASK},
        id="found there on its way, and held for its outcome",
    ),
    pytest.param([linked("other"), external("rf")], {MATCH}, id="found there beside one that may be it"),
    pytest.param([linked("other", "39.99"), external("rf")], set(), id="found there beside one of another amount"),
]


@pytest.mark.parametrize("known, steps", REFUNDS)
def test_a_refund_is_led_on_from_where_it_is_and_by_staff_alone(known: Sequence[Event], steps: set[DeskStep]) -> None:
    offered = now(*known, order=PAID_TWICE).refunds["rf"]
    assert (set(offered), len(offered)) == (steps, len(steps))
    assert now(*known, order=PAID_TWICE, by=CUSTOMER).refunds["rf"] == ()


def test_what_a_provider_has_is_cancelled_where_it_takes_that_back() -> None:
    assert WITHDRAW not in now(*PENDING, order=PAID_TWICE, takes_back=lambda refund: refund.id != "rf").refunds["rf"]


# --- labels ----------------------------------------------------------------------------------------------

SETTLE_IT, SHOW, TAKE_BACK = DeskStep.SETTLE_LABEL, DeskStep.LABEL_DOCUMENT, DeskStep.CANCEL_LABEL
ASKED_FOR = [*COMES, ordered("lb")]
LOST = [*ASKED_FOR, lost_answer("lb")]
LABELS = [
    pytest.param(ASKED_FOR, set(), id="asked for"),
    pytest.param(LOST, set(), id="not known to be made"),
    pytest.param(
        [*LOST, LabelHeld(return_id="rt", label_id="lb", because="look")],
        {SETTLE_IT},
        id="nobody knows, a person is asked",
    ),
    pytest.param([*ASKED_FOR, not_made("lb")], set(), id="refused"),
    pytest.param(MADE, {SHOW, LABEL, TAKE_BACK}, id="ready"),
    pytest.param([*ASKED_FOR, told("lb", reference="", parcel="pc_1")], {SHOW, LABEL}, id="ready, by its parcel alone"),
    pytest.param([*LOST, said_made("lb")], {LABEL}, id="made, as a person said who has no number"),
    pytest.param([*ASKED_FOR, told("lb", valid_until=TODAY)], {SHOW, LABEL, TAKE_BACK}, id="its last day"),
    pytest.param(
        [*ASKED_FOR, told("lb", valid_until=TODAY - DAY)], {LABEL, TAKE_BACK}, id="its last day was yesterday"
    ),
    pytest.param([*MADE, wanted_back("lb")], {LABEL}, id="to be taken back"),
    pytest.param([*MADE, told("lb", Told.CANCELLED)], set(), id="taken back"),
    pytest.param([*MADE, moved("lb")], {SHOW}, id="a carrier has its parcel"),
    pytest.param([*MADE, ordered("next", replaces="lb")], {TAKE_BACK}, id="replaced by another"),
    pytest.param([*MADE, cancelled("rt")], {TAKE_BACK}, id="its return was cancelled"),
    pytest.param([*MADE, received("rt", "rc", found("cup", 2))], {SHOW, TAKE_BACK}, id="its goods are here"),
    pytest.param([*COMES, in_portal("lb")], {SHOW, LABEL, TAKE_BACK}, id="made in the portal"),
]


@pytest.mark.parametrize("known, steps", LABELS)
def test_a_label_is_shown_replaced_and_taken_back_while_it_can_be_used(
    known: Sequence[Event], steps: set[DeskStep]
) -> None:
    staff, customer = now(*known).labels["lb"], now(*known, by=CUSTOMER).labels["lb"]
    assert (set(staff), len(staff)) == (steps, len(steps))
    assert set(customer) == steps - {SETTLE_IT}


def test_a_label_is_replaced_where_labels_are_made_and_taken_back_where_its_provider_does_that() -> None:
    assert set(now(*MADE, makes_labels=False).labels["lb"]) == {SHOW, TAKE_BACK}
    assert set(now(*MADE, cancels_label=lambda label: label.id != "lb").labels["lb"]) == {SHOW, LABEL}
