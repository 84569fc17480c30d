"""How what is learnt of payments changes the dossier."""

from __future__ import annotations

from retour.model.dossier import Dossier
from retour.model.events.event import Recorded
from retour.model.events.folding import Changes, step
from retour.model.events.payment_identity import PaymentExplained, PaymentIdentified
from retour.model.payment_identity import one_payment


@step(PaymentIdentified)
def _identified(dossier: Dossier, event: PaymentIdentified, at: Recorded) -> Changes:
    identities = {**dossier.identities, event.payment: event.identity}
    one_with = one_payment(dossier.order, dossier.payments, identities, dossier.explained)
    return {"identities": identities, "one_with": one_with, "payments_known": at.when}


@step(PaymentExplained)
def _explained(dossier: Dossier, event: PaymentExplained, at: Recorded) -> Changes:
    del at
    explained = {payment: became for payment, became in dossier.explained.items() if payment != event.payment}
    left_behind = dossier.left_behind - {event.payment}
    if event.became is not None:
        explained[event.payment] = event.became
    elif dossier.order is None or all(one.id != event.payment for one in dossier.order.payments):
        left_behind |= {event.payment}
    one_with = one_payment(dossier.order, dossier.payments, dossier.identities, explained)
    return {"explained": explained, "left_behind": left_behind, "one_with": one_with}
