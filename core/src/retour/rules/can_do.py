"""What somebody can do about an order now, by the same rules that decide it when it is done."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Iterator

from retour.model.actor import ActorKind
from retour.model.can_do import CanDo, DeskStep
from retour.model.dossier import Dossier
from retour.model.events.goods import (
    ReturnApproved,
    ReturnCancelled,
    ReturnClosed,
    ReturnRejected,
    ReturnSent,
)
from retour.model.evidence import MOST_EVIDENCE
from retour.model.frozen import frozen
from retour.model.labels import Label
from retour.model.order import Order, Payment
from retour.model.reasons import ReasonCode
from retour.model.refunds import Refund, RefundSource, RefundState
from retour.model.returns import CAN_TRAVEL, Return
from retour.rules.labels import may_be_replaced, may_be_settled, may_be_used
from retour.rules.left import units_left
from retour.rules.refunds import (
    left_to_refund,
    may_be_confirmed,
    may_be_one,
    may_be_retried,
    may_be_reversed,
    may_be_withdrawn,
)
from retour.rules.requests import may_be_reopened, may_follow
from retour.rules.stock import may_be_answered
from retour.rules.unneeded_labels import may_be_cancelled

OF_CUSTOMERS = frozenset(
    {
        DeskStep.REQUEST_RETURN,
        DeskStep.MARK_SENT,
        DeskStep.CANCEL_RETURN,
        DeskStep.ADD_EVIDENCE,
        DeskStep.ORDER_LABEL,
        DeskStep.LABEL_DOCUMENT,
        DeskStep.CANCEL_LABEL,
    }
)
"""What a customer does about his own order; staff does all there is."""


@frozen(kw_only=True)
class Able:
    """What the desk and its plugins can: whether labels are made, whether a payment's provider refunds by API, whether
    a refund's provider takes one back that it has, and whether a label's takes that back."""

    makes_labels: bool
    refunds_by_api: Callable[[Payment], bool]
    takes_back: Callable[[Refund], bool]
    cancels_label: Callable[[Label], bool]


def can_do(dossier: Dossier, order: Order, by: ActorKind, today: datetime.date, able: Able) -> CanDo:
    """All that staff, or else a customer, can do about an order as the shop has it now."""

    def offered(steps: Iterator[DeskStep]) -> tuple[DeskStep, ...]:
        return tuple([one for one in steps if by is ActorKind.STAFF or one in OF_CUSTOMERS])

    by_customer = by is not ActorKind.STAFF
    here = dossier.came_back()
    to_request = _above_zero(units_left(dossier, order))
    to_count = _above_zero({line.id: line.fulfilled - here.get(line.id, 0) for line in order.goods})
    return CanDo(
        order=offered(_with_the_order(dossier, order, to_request, to_count, able)),
        to_request=to_request,
        to_count={} if by_customer else to_count,
        returns={
            one.id: offered(_with_return(dossier, order, one, able, by_customer=by_customer))
            for one in dossier.returns.values()
        },
        refunds={one.id: offered(_with_refund(dossier, one, able)) for one in dossier.refunds.values()},
        labels={one.id: offered(_with_label(dossier, one, today, able)) for one in dossier.labels.values()},
        another_parcel=tuple(
            [one.id for one in dossier.returns.values() if _can_have_a_label(one, able) and _has_a_label(dossier, one)]
        ),
    )


def _above_zero(units: dict[str, int]) -> dict[str, int]:
    return {line_id: number for line_id, number in units.items() if number > 0}


def _with_the_order(
    dossier: Dossier, order: Order, to_request: dict[str, int], to_count: dict[str, int], able: Able
) -> Iterator[DeskStep]:
    if to_request:
        yield DeskStep.REQUEST_RETURN
    if to_count:
        yield DeskStep.MARK_RETURNED
    left = [one for one in order.payments if _has_something_left(dossier, order, one)]
    if any(able.refunds_by_api(one) for one in left):
        yield DeskStep.REFUND
    if left:
        yield DeskStep.OPEN_REFUND_LINK


def _has_something_left(dossier: Dossier, order: Order, payment: Payment) -> bool:
    left = left_to_refund(dossier, payment.id, order.currency)
    return left is not None and left.minor > 0


def _with_return(
    dossier: Dossier, order: Order, return_: Return, able: Able, *, by_customer: bool
) -> Iterator[DeskStep]:
    if may_be_answered(return_):
        yield DeskStep.ANSWER_RESTOCK
    if may_follow(return_, ReturnApproved):
        yield DeskStep.APPROVE_RETURN
    if may_follow(return_, ReturnRejected):
        yield DeskStep.REJECT_RETURN
    if _can_have_a_label(return_, able) and not _has_a_label(dossier, return_):
        yield DeskStep.ORDER_LABEL
    if may_follow(return_, ReturnSent):
        yield DeskStep.MARK_SENT
    if any(return_.still_to_come().values()) and (return_.open or return_.absent()):
        yield DeskStep.RECEIVE
    if return_.live and any(return_.to_inspect().values()):
        yield DeskStep.INSPECT_RECEIPT
    if return_.live and return_.receipts:
        yield DeskStep.CORRECT_RECEIPT
    if may_follow(return_, ReturnCancelled) and not (by_customer and dossier.carrier_has(return_.id)):
        yield DeskStep.CANCEL_RETURN
    if may_follow(return_, ReturnClosed) and not return_.question_open:
        yield DeskStep.CLOSE_RETURN
    if may_be_reopened(dossier, order, return_):
        yield DeskStep.REOPEN_RETURN
    if len(return_.evidence_ids) < MOST_EVIDENCE:
        yield DeskStep.ADD_EVIDENCE


def _can_have_a_label(return_: Return, able: Able) -> bool:
    return able.makes_labels and return_.goods in CAN_TRAVEL


def _has_a_label(dossier: Dossier, return_: Return) -> bool:
    return any(one.open for one in dossier.labels_of(return_.id))


def _with_refund(dossier: Dossier, refund: Refund, able: Able) -> Iterator[DeskStep]:
    if _a_person_made_it(refund):
        yield DeskStep.CONFIRM_REFUND
    if may_be_retried(refund):
        yield DeskStep.RETRY_REFUND
    if refund.state is RefundState.UNKNOWN or refund.contradicted or refund.held_for_its_outcome:
        yield DeskStep.SETTLE_REFUND
    if refund.state in _ON_THE_WAY or refund.needs_person:
        yield DeskStep.RECONCILE
    if may_be_withdrawn(refund) or _can_be_taken_back(refund, able):
        yield DeskStep.CANCEL_REFUND
    if (
        refund.state is RefundState.AWAITING_MERCHANT
        and refund.by_transfer
        and (refund.batch or not refund.lacks_consent)
    ):
        yield DeskStep.SET_REFUND_BATCH
    if may_be_reversed(refund):
        yield DeskStep.REVERSE_REFUND
    if any(may_be_one(dossier, one, refund) for one in dossier.refunds.values()):
        yield DeskStep.MATCH_REFUND


_ON_THE_WAY = frozenset({RefundState.PENDING, RefundState.UNKNOWN, RefundState.AWAITING_MERCHANT})


def _a_person_made_it(refund: Refund) -> bool:
    """Whether a person can say that he made it. Of one that is unknown that is asked where its provider cannot tell:
    before, he would easily pay twice."""
    if refund.state is RefundState.UNKNOWN:
        return refund.needs_person and refund.problem is not None and refund.problem.code is ReasonCode.CANNOT_TELL
    ours_held = refund.held_for_its_outcome and refund.source is not RefundSource.EXTERNAL
    return may_be_confirmed(refund) or ours_held


def _can_be_taken_back(refund: Refund, able: Able) -> bool:
    with_its_provider = refund.state is RefundState.PENDING and refund.instruction is not None
    return with_its_provider and not refund.cancelling and able.takes_back(refund)


def _with_label(dossier: Dossier, label: Label, today: datetime.date, able: Able) -> Iterator[DeskStep]:
    if may_be_settled(label):
        yield DeskStep.SETTLE_LABEL
    if may_be_used(dossier, label, today) and (label.parcel or label.reference):
        yield DeskStep.LABEL_DOCUMENT
    goes_on = _can_have_a_label(dossier.return_(label.return_id), able)
    if label.open and goes_on and may_be_replaced(label):
        yield DeskStep.ORDER_LABEL
    if may_be_cancelled(label) and able.cancels_label(label):
        yield DeskStep.CANCEL_LABEL
