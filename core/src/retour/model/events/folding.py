"""Steps: how one event changes the dossier. Each track has its own beside its events."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias, TypeVar

from retour.model.dossier import Dossier
from retour.model.events.event import Event, Recorded
from retour.model.returns import Return

Changes: TypeAlias = dict[str, Any]
"""The fields of the dossier that an event changes, with their new values."""

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


def with_return(dossier: Dossier, return_: Return) -> Changes:
    """The change that puts a return in the place of the one of its id, or adds it."""
    return {"returns": {**dossier.returns, return_.id: return_}}
