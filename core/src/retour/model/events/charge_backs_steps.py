"""How what a bank takes back, and what the customer disputes, changes the dossier."""

from __future__ import annotations

from retour.model.charge_backs import ChargeBack, Dispute
from retour.model.dossier import Dossier
from retour.model.events.charge_backs import PaymentChargedBack, PaymentDisputed, ReversalNotShown
from retour.model.events.event import Recorded
from retour.model.events.folding import Changes, step


@step(PaymentChargedBack)
def _charged_back(dossier: Dossier, event: PaymentChargedBack, at: Recorded) -> Changes:
    same = dossier.same_there()
    there = same.get(event.payment, event.payment)
    known = {name: one for name, one in dossier.charge_backs.items() if same.get(name, name) != there}
    before = [one for name, one in dossier.charge_backs.items() if name not in known]
    if event.amount:
        more = all(one.amount < event.amount for one in before)
        refunds = len(dossier.refunds) if more else max(one.refunds_before for one in before)
        known[event.payment] = ChargeBack(amount=event.amount, told=at.when, refunds_before=refunds)
    told = {name: since for name, since in dossier.reversals.items() if same.get(name, name) != there}
    return {"charge_backs": known, "reversals": told}


@step(PaymentDisputed)
def _disputed(dossier: Dossier, event: PaymentDisputed, at: Recorded) -> Changes:
    same = dossier.same_there()
    there = same.get(event.payment, event.payment)
    known = {name: one for name, one in dossier.disputes.items() if same.get(name, name) != there}
    if event.disputed:
        known[event.payment] = Dispute(told=at.when, only_whole=event.only_whole)
    return {"disputes": known}


@step(ReversalNotShown)
def _reversal_not_shown(dossier: Dossier, event: ReversalNotShown, at: Recorded) -> Changes:
    return {"reversals": {**dossier.reversals, event.payment: at.when}}
