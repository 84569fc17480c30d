"""An order's history: its events, and the dossier that they fold to."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from retour.model.dossier import Dossier
from retour.model.errors import OrderUnreadable
from retour.model.events import (  # noqa: F401 - each step is known then
    attention_steps,
    books_steps,
    charge_backs_steps,
    goods_steps,
    labels_steps,
    money_steps,
    payment_identity_steps,
    stock_steps,
    transfers_steps,
)
from retour.model.events.event import Recorded
from retour.model.events.folding import GROW, STEPS, Changes
from retour.model.frozen import frozen
from retour.model.making import changed
from retour.model.unreadable import ReadingFault, UnreadableRow


def fold(order_id: str, events: Iterable[Recorded]) -> Dossier:
    """The dossier that ``events``, in their order, make. Raises `OrderUnreadable` at the first that does not follow."""
    folding = Folding(order_id)
    for recorded in events:
        try:
            folding.take(recorded)
        except Exception as error:
            raise OrderUnreadable(
                UnreadableRow(
                    order_id=order_id,
                    seq=recorded.seq,
                    kind=recorded.event.type,
                    version=recorded.event.version,
                    fault=ReadingFault.STEP,
                    error=type(error).__name__,
                )
            ) from error
    return folding.dossier


def apply(dossier: Dossier, recorded: Recorded) -> Dossier:
    """``dossier`` after one more event: another one, and this stays as it is."""
    fields = STEPS[type(recorded.event)](dossier, recorded.event, recorded)
    tally = dossier._tally_with(fields.get("returns", {}))  # both are asked for it when this is committed
    if recorded.request_id is not None and recorded.request_digest is not None:
        fields["requests"] = {recorded.request_id: (recorded.request_digest, recorded.command)}
    if _counts_otherwise(dossier, fields):
        fields["_reckoned"] = {}
    for name in GROW & fields.keys():
        fields[name] = _write({**getattr(dossier, name)}, fields[name])
    return changed(dossier, version=recorded.seq, _tally=tally, **fields)


def _counts_otherwise(dossier: Dossier, fields: Changes) -> bool:
    """Whether other units came back with these ``fields``, or of another order: what is reckoned of them
    (`Dossier.reckoned`) is reckoned anew then."""
    if "counted_on" in fields:
        return True
    before = dossier.returns
    return any(
        now is None
        or return_id not in before
        or now.receipts is not before[return_id].receipts
        or now.live is not before[return_id].live
        for return_id, now in fields.get("returns", {}).items()
    )


def _write(into: dict[str, Any], entries: Mapping[str, Any]) -> dict[str, Any]:
    for key, value in entries.items():
        if value is None:
            del into[key]
        else:
            into[key] = value
    return into


class Folding:
    """Events that are folded one after the other into a single ``dossier``, which is as the last of them left it: the
    next one is written into it, so that each costs the same, however many there were before. It is to be read
    meanwhile, and kept when all are taken."""

    def __init__(self, order_id: str) -> None:
        self.dossier = Dossier(order_id=order_id)

    def take(self, recorded: Recorded) -> None:
        """One more event: what `apply` does, in place."""
        dossier: Any = self.dossier
        changes = STEPS[type(recorded.event)](dossier, recorded.event, recorded)
        if dossier._reckoned and _counts_otherwise(dossier, changes):
            _set(dossier, "_reckoned", {})
        for name, change in changes.items():
            if name not in GROW:
                _set(dossier, name, change)
                continue
            if name == "returns" and dossier._tally is not None:
                _set(dossier, "_tally", dossier._tally_with(change))
            _write(getattr(dossier, name), change)
        if recorded.request_id is not None and recorded.request_digest is not None:
            dossier.requests[recorded.request_id] = recorded.request_digest, recorded.command
        _set(dossier, "version", recorded.seq)


_set = object.__setattr__
"""Sets a field of a frozen value: of the one dossier that nobody has yet."""


@frozen
class History:
    """An order's events, and the dossier that they make."""

    events: tuple[Recorded, ...]
    dossier: Dossier

    @classmethod
    def of(cls, order_id: str, events: Iterable[Recorded]) -> History:
        """The history that ``events``, in their order, tell. Raises `OrderUnreadable`."""
        told = tuple(events)
        return cls(told, fold(order_id, told))

    def after(self, events: Iterable[Recorded], dossier: Dossier) -> History:
        """This history with more ``events``, which made ``dossier`` of it."""
        return History((*self.events, *events), dossier)
