"""How what a bank takes back reads."""

from __future__ import annotations

from retour.model.dossier import Dossier
from retour.model.events.charge_backs import PaymentChargedBack
from retour.model.events.telling import told
from retour.model.text import Text, text


@told(PaymentChargedBack)
def _charged_back(dossier: Dossier, event: PaymentChargedBack) -> Text:
    del dossier
    if not event.amount:
        return text("The customer's bank gave back what it had taken of payment {payment}.", payment=event.payment)
    return text(
        "The customer's bank took back {amount} of payment {payment}.", amount=event.amount, payment=event.payment
    )
