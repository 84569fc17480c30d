"""How it reads that a person has looked at something: for the staff alone."""

from __future__ import annotations

from retour.model.attention import ATTENTION_WORDS, AttentionKind
from retour.model.background_work import work_in_words
from retour.model.dossier import Dossier
from retour.model.events.attention import AttentionAcknowledged, SetAsideRetried
from retour.model.events.telling import told
from retour.model.text import Text, payment_text, text


@told(AttentionAcknowledged)
def _acknowledged(dossier: Dossier, event: AttentionAcknowledged) -> Text:
    known = event.kind in list(AttentionKind)
    what = ATTENTION_WORDS[AttentionKind(event.kind)] if known else event.kind  # a newer retour's has no words here
    refund = dossier.refunds.get(event.about)
    about = refund.amount if refund is not None else _in_words(dossier, event.about)
    if event.kind == AttentionKind.EFFECT_STUCK and event.why is not None:
        return text("Given up: {work} ({problem})", **event.why.words.values)
    if event.why is None:
        return text("Acknowledged: {what} ({about})", what=what, about=about)
    return text("Acknowledged: {what} ({about}): {why}", what=what, about=about, why=event.why.words)


def _in_words(dossier: Dossier, about: str) -> Text | str:
    if about in dossier.returns:
        return dossier.returns[about].number
    return payment_text(about) if about in dossier.payments else about


@told(SetAsideRetried)
def _retried(_: Dossier, event: SetAsideRetried) -> Text:
    return text("Tried again, after it was set aside: {works}", works=[work_in_words(work) for work in event.works])
