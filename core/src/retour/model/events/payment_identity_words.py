"""How what is learnt of payments reads."""

from __future__ import annotations

from retour.model.dossier import Dossier
from retour.model.events.payment_identity import PaymentExplained, PaymentIdentified
from retour.model.events.telling import told
from retour.model.text import Text, text


@told(PaymentIdentified)
def _identified(dossier: Dossier, event: PaymentIdentified) -> Text | None:
    payment = dossier.payments.get(event.payment)
    target = event.identity.target
    doubled = [one.id for one in dossier.doubled()]
    if event.payment in doubled:
        return text("At the provider these are one payment: {payments}.", payments=doubled)
    if payment is None or not target or target in payment.names:
        return None
    return text("The provider knows payment {payment} as {target}.", payment=event.payment, target=target)


@told(PaymentExplained)
def _explained(dossier: Dossier, event: PaymentExplained) -> Text:
    del dossier
    if event.became is None:
        return text("Payment {payment} is no part of the order any more.", payment=event.payment)
    return text("Payment {payment} is payment {became} now.", payment=event.payment, became=event.became)
