"""How it changes the dossier that a person has looked at something."""

from __future__ import annotations

from retour.model.attention import LOOKED_AT, Acknowledgement
from retour.model.dossier import Dossier
from retour.model.events.attention import AttentionAcknowledged, SetAsideRetried
from retour.model.events.event import Recorded
from retour.model.events.folding import Changes, step
from retour.model.making import changed


@step(AttentionAcknowledged)
def _acknowledged(dossier: Dossier, event: AttentionAcknowledged, at: Recorded) -> Changes:
    """A refund that waited for nothing but a look waits no more. Its problem stays: it is what was looked at."""
    seen = Acknowledgement(kind=event.kind, about=event.about, since=event.since, why=event.why, by=at.by, when=at.when)
    others = [one for one in dossier.acknowledged if (one.kind, one.about) != (seen.kind, seen.about)]
    changes: Changes = {"acknowledged": (*others, seen)}
    if event.refund_id is not None and event.kind in LOOKED_AT:
        refund = changed(dossier.refunds[event.refund_id], needs_person=False)
        changes["refunds"] = {refund.id: refund}
    return changes


@step(SetAsideRetried)
def _retried(_: Dossier, __: SetAsideRetried, ___: Recorded) -> Changes:
    """What is tried again tells by itself what became of it."""
    return {}
