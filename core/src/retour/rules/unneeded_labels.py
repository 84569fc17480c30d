"""Labels that nobody needs any more: they are taken back, since each may be used, or charged."""

from __future__ import annotations

from retour.model.events.labels import LabelCancelAsked
from retour.model.labels import MADE, Label
from retour.model.returns import GoodsState
from retour.rules.draft import Draft

NOT_TO_COME = frozenset({GoodsState.REJECTED, GoodsState.CANCELLED})
"""Returns whose goods somebody said should not come. One that expired is none: its parcel may be in the post."""


def may_be_cancelled(label: Label) -> bool:
    """Whether a label's provider can be asked to take it back: it is there by a name, and nobody used it."""
    return label.state in MADE and bool(label.reference) and not label.scanned and not label.cancel_asked


def take_back(draft: Draft, label: Label) -> None:
    """Want a label taken back that is not needed any more, whoever decides that. One that was scanned, has no name at
    its provider or is being taken back already stays as it is."""
    if may_be_cancelled(label):
        draft.record(LabelCancelAsked(return_id=label.return_id, label_id=label.id))


def take_labels_back(draft: Draft, return_id: str) -> None:
    """Want every label of a return taken back that is not used yet."""
    for label in draft.dossier.labels_of(return_id):
        take_back(draft, label)


def take_back_late(draft: Draft, before: Label) -> None:
    """Want a label taken back that came to be known, or to have a name, after its return had ended."""
    now, return_ = draft.dossier.label(before.id), draft.dossier.returns.get(before.return_id)
    was_known = before.state in MADE and before.reference
    if return_ is not None and return_.goods in NOT_TO_COME and not was_known:
        take_back(draft, now)
