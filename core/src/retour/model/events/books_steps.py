"""How what a provider's books do not show changes the dossier."""

from __future__ import annotations

from retour.model.attention import HiddenRefunds, UnexplainedRemainder
from retour.model.dossier import Dossier
from retour.model.events.books import RefundsNotShown, RemainderUnexplained
from retour.model.events.event import Recorded
from retour.model.events.folding import Changes, step


@step(RefundsNotShown)
def _not_shown(dossier: Dossier, event: RefundsNotShown, at: Recorded) -> Changes:
    same = dossier.same_there()
    there = same.get(event.payment, event.payment)
    known = {name: one for name, one in dossier.hidden_refunds.items() if same.get(name, name) != there}
    if event.because is not None:
        known[event.payment] = HiddenRefunds(told=at.when, why=event.because)
    return {"hidden_refunds": known}


@step(RemainderUnexplained)
def _unexplained(dossier: Dossier, event: RemainderUnexplained, at: Recorded) -> Changes:
    same = dossier.same_there()
    there = same.get(event.payment, event.payment)
    known = {name: one for name, one in dossier.unexplained.items() if same.get(name, name) != there}
    if event.because is not None:
        known[event.payment] = UnexplainedRemainder(told=at.when, why=event.because)
    return {"unexplained": known}
