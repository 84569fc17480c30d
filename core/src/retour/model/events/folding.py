"""Steps: how one event changes the dossier. Each track has its own beside its events."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias, TypeVar

from retour.model.attention import UnexplainedRemainder
from retour.model.dossier import Dossier
from retour.model.events.event import Event, Recorded
from retour.model.labels import Label
from retour.model.making import changed, unchecked
from retour.model.reasons import Reason, ReasonCode
from retour.model.refunds import Refund
from retour.model.returns import Return

Changes: TypeAlias = dict[str, Any]
"""The fields of the dossier that an event changes, with their new values; of those that `GROW`, the entries that it
changes, each with its new value, None for one that is gone."""

GROW = frozenset({"returns", "refunds", "labels", "requests"})
"""The fields of the dossier that have an entry for each thing that ever happened."""

_E = TypeVar("_E", bound=Event)
Step: TypeAlias = Callable[[Dossier, _E, Recorded], Changes]

STEPS: dict[type[Event], Step[Any]] = {}
"""The step of each event."""


def step(kind: type[_E]) -> Callable[[Step[_E]], Step[_E]]:
    """Register a function as the step of an event: ``@step(ReturnClosed)``."""

    def register(function: Step[_E]) -> Step[_E]:
        STEPS[kind] = function
        return function

    return register


_refund = unchecked(Refund)


def with_return(return_: Return) -> Changes:
    """The change that puts a return in the place of the one of its id, or adds it."""
    return {"returns": {return_.id: return_}}


def with_refund(dossier: Dossier, refund_id: str, at: Recorded, **changes: Any) -> Changes:
    """The change of one refund."""
    refund = changed(dossier.refunds[refund_id], changed=at.when, **changes)
    return {"refunds": {refund_id: refund}}


def new_refund(at: Recorded, **values: Any) -> Changes:
    """The change that adds a refund."""
    when = at.when
    refund = _refund(opened=when, changed=when, **values)
    return {"refunds": {refund.id: refund}}


def with_label(label: Label) -> Changes:
    """The change that puts a label in the place of the one of its id, or adds it."""
    return {"labels": {label.id: label}}


def unexplained(dossier: Dossier, payment: str, because: Reason | None, at: Recorded) -> Changes:
    """The remainder of a payment that nothing explains, where that is why a refund waits; the same figures are no
    news."""
    known = dossier.unexplained.get(payment)
    if because is None or because.code is not ReasonCode.NOT_EXPLAINED or (known and known.why == because):
        return {}
    return {"unexplained": {**dossier.unexplained, payment: UnexplainedRemainder(told=at.when, why=because)}}
