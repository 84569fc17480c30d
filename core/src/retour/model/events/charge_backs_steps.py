"""How what a bank takes back changes the dossier."""

from __future__ import annotations

from retour.model.charge_backs import ChargeBack
from retour.model.dossier import Dossier
from retour.model.events.charge_backs import PaymentChargedBack
from retour.model.events.event import Recorded
from retour.model.events.folding import Changes, step


@step(PaymentChargedBack)
def _charged_back(dossier: Dossier, event: PaymentChargedBack, at: Recorded) -> Changes:
    known = {payment: one for payment, one in dossier.charge_backs.items() if payment != event.payment}
    before = dossier.charge_backs.get(event.payment)
    if event.amount:
        given_back = before is not None and before.amount >= event.amount
        refunds = before.refunds_before if before is not None and given_back else len(dossier.refunds)
        known[event.payment] = ChargeBack(amount=event.amount, since=at.at, refunds_before=refunds)
    return {"charge_backs": known}
