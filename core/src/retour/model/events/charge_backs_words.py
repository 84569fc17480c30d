"""How what a bank takes back, and what the customer disputes, reads."""

from __future__ import annotations

from retour.model.dossier import Dossier
from retour.model.events.charge_backs import PaymentChargedBack, PaymentDisputed, ReversalNotShown
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


@told(PaymentDisputed)
def _disputed(dossier: Dossier, event: PaymentDisputed) -> Text:
    del dossier
    if event.disputed:
        return text("The customer disputes payment {payment}.", payment=event.payment)
    return text("The dispute about payment {payment} is over.", payment=event.payment)


@told(ReversalNotShown)
def _reversal_not_shown(dossier: Dossier, event: ReversalNotShown) -> Text:
    del dossier
    return text(
        "The provider told that money of payment {payment} was taken back, and does not show how much.",
        payment=event.payment,
    )
