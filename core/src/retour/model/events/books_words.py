"""How what a provider's books do not show reads."""

from __future__ import annotations

from retour.model.dossier import Dossier
from retour.model.events.books import RefundsNotShown, RemainderUnexplained
from retour.model.events.telling import told
from retour.model.text import Text, text


@told(RefundsNotShown)
def _not_shown(dossier: Dossier, event: RefundsNotShown) -> Text:
    del dossier
    if event.because is None:
        return text("The provider shows the refunds of payment {payment} again.", payment=event.payment)
    return text("Payment {payment}: {because}", payment=event.payment, because=event.because.words)


@told(RemainderUnexplained)
def _unexplained(dossier: Dossier, event: RemainderUnexplained) -> Text:
    del dossier
    if event.because is None:
        return text("What is left of payment {payment} is explained by its refunds again.", payment=event.payment)
    return text("Payment {payment}: {because}", payment=event.payment, because=event.because.words)
