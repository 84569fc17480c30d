"""What a command gives back: what its own events made of the returns and the refund that they speak of."""

from __future__ import annotations

from collections.abc import Sequence

import attrs

from retour.model.errors import RequestReused
from retour.model.events.event import Recorded, touched_labels, touched_refunds, touched_returns
from retour.model.events.goods import GoodsReceived
from retour.model.events.stock import RestockAsked
from retour.model.outcome import Outcome, ReturnOutcome, return_outcome
from retour.model.text import text
from retour.steps.case import Case


def outcome_of(
    case: Case,
    events: Sequence[Recorded],
    *,
    commit_id: str = "",
    effect_ids: tuple[str, ...] = (),
    shows: Sequence[str] = (),
) -> Outcome:
    """What ``events``, a command's own, made of the order. Where there are none, it ``shows`` these returns."""
    receipts = {
        recorded.event.return_id: recorded.event.receipt_id
        for recorded in events
        if isinstance(recorded.event, GoodsReceived)
    }
    because = {
        recorded.event.return_id: recorded.event.because
        for recorded in events
        if isinstance(recorded.event, RestockAsked)
    }
    dossier, refunded = case.dossier, touched_refunds(events)
    labelled = touched_labels(events) if dossier.labels else []
    return Outcome(
        order_id=case.order_id,
        version=dossier.version,
        changed=bool(events),
        commit_id=commit_id,
        order_status=dossier.order_status,
        returns=tuple(
            [
                return_outcome(
                    dossier.returns[return_id],
                    dossier.returns[return_id].undecided(case.order),
                    receipt_id=receipts.get(return_id),
                    because=because.get(return_id),
                )
                for return_id in (touched_returns(events) if events else shows)
                if return_id in dossier.returns
            ]
        ),
        refund=dossier.refunds.get(refunded[-1]) if refunded else None,
        label=dossier.labels.get(labelled[0]) if labelled else None,
        effect_ids=effect_ids,
    )


def first_outcome(case: Case, request_id: str, digest: str) -> Outcome | None:
    """The outcome of a request_id that was used before, None for a new one. Raises `RequestReused` where it was used
    for something else."""
    used = case.dossier.requests.get(request_id)
    if used is None:
        return None
    known, command = used
    if known != digest:
        raise RequestReused(
            text(
                "Order {order}: request_id {request} was used before for something else. "
                "Make a new one for each form that is shown.",
                order=case.order_id,
                request=request_id,
            )
        )
    own = [recorded for recorded in case.events if recorded.command == command]
    return attrs.evolve(outcome_of(case, own), changed=False, version=own[-1].seq)


def as_it_is_now(case: Case, outcome: Outcome) -> Outcome:
    """An outcome after its effects ran."""
    returns = [_return_now(case, one) for one in outcome.returns if one.return_id in case.dossier.returns]
    return attrs.evolve(
        outcome,
        version=case.dossier.version,
        returns=tuple(returns),
        effect_ids=(),
        order_status=case.dossier.order_status,
    )


def _return_now(case: Case, before: ReturnOutcome) -> ReturnOutcome:
    return_, question = case.dossier.returns[before.return_id], before.restock.question
    return return_outcome(
        return_,
        return_.undecided(case.order),
        receipt_id=before.receipt_id,
        because=question.because if question is not None else None,
    )
