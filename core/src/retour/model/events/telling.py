"""Words: how one event reads on the timeline, for each of its readers. Each track has its own beside its events."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias, TypeVar

from retour.model.dossier import Dossier
from retour.model.events.event import STAFF, Event
from retour.model.return_reasons import ReturnReason
from retour.model.returns import RequestedLine
from retour.model.text import Text, text
from retour.model.timeline import Audience

_E = TypeVar("_E", bound=Event)
Words: TypeAlias = Callable[[Dossier, _E], Text | None]
"""The words of an event, given the dossier as it is after it; None where it tells this reader nothing new."""

WORDS: dict[tuple[type[Event], Audience], Words[Any]] = {}
"""The words of each event for each of its readers."""

CUSTOMER = frozenset({Audience.CUSTOMER})


def told(kind: type[_E], *, to: frozenset[Audience] = STAFF) -> Callable[[Words[_E]], Words[_E]]:
    """Register a function as the words of an event for some of its readers: ``@told(ReturnClosed, to=EVERYBODY)``."""

    def register(function: Words[_E]) -> Words[_E]:
        for audience in to:
            WORDS[kind, audience] = function
        return function

    return register


def name_of(dossier: Dossier, line_id: str) -> str:
    """A line's product name; its id where the order no longer has it."""
    for line in dossier.order.lines if dossier.order is not None else ():
        if line.id == line_id:
            return line.name or line.product
    return line_id


def units_of(dossier: Dossier, units: Mapping[str, int]) -> list[Text | str]:
    """``2 × Cup, 1 × Teapot``"""
    return [
        text("{units} × {name}", units=number, name=name_of(dossier, line_id))
        for line_id, number in units.items()
        if number
    ]


def units_and_reasons(
    dossier: Dossier, lines: Sequence[RequestedLine], reasons: Sequence[ReturnReason], *, told_all: bool
) -> list[Text | str]:
    """``2 × Cup (Too small), 1 × Teapot``. A text that is none of the ``reasons`` of a list may be somebody's about the
    customer: the staff is ``told_all``."""
    shown: list[Text | str] = []
    chosen = {one.code: one for one in reasons}
    for line in lines:
        (what,) = units_of(dossier, {line.line_id: line.quantity})
        why = chosen.get(line.reason) or (line.reason if told_all else "")
        shown.append(Text(message="{what} ({why})", values={"what": what, "why": why}) if why else what)
    return shown
