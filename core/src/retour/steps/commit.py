"""One commit: every row that follows from what was decided, written in one transaction, whoever decided it."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Sequence

from sqlalchemy import Connection

from retour.model.dossier import Dossier
from retour.model.events.event import Recorded
from retour.model.frozen import frozen
from retour.model.making import changed
from retour.rules.attention import RULES, needs_attention
from retour.rules.draft import Draft, Note
from retour.steps.case import Case
from retour.store.clock import microseconds
from retour.store.commit import Commit, NewEffect, Question, SettledEffect
from retour.store.index import attention_rows, merged_refunds, reference_rows, refund_rows, return_rows
from retour.store.records import proven_row
from retour.store.store import Store

DAYS_NOTES_ARE_KEPT = 365
"""Calendar days after which notes are forgotten: they are operational data, no books and no evidence."""

EffectsOf = Callable[[Dossier, Sequence[Recorded], Callable[[str], str], str | None], list[NewEffect]]
"""The effects that events ask for, which made a dossier what it is, with ids of their own, born claimed by an owner or
by nobody."""


@frozen(kw_only=True)
class Committed:
    """What was written: the ``case`` with it, the ``effects`` that follow, and the commit's ``id``. It had not begun
    before ``begun``, in elapsed seconds."""

    id: str
    case: Case
    effects: Sequence[NewEffect]
    begun: float


@frozen(kw_only=True)
class Commits:
    """Writes commits. ``effects_of`` says what events ask for."""

    store: Store
    effects_of: EffectsOf

    def write(
        self,
        case: Case,
        draft: Draft,
        *,
        owner: str | None = None,
        effects: Sequence[NewEffect] = (),
        questions: Sequence[Question] = (),
        settled: Sequence[SettledEffect] = (),
        connection: Connection | None = None,
    ) -> Committed:
        """Write what a ``draft`` of ``case`` decided, in a transaction of its own or in the host's.

        ``owner`` runs the effects that its events ask for; ``effects`` and ``questions`` are others, ``settled`` those
        that the writer has claimed and is done with. Raises `VersionMoved`, `LeaseLost`, `EffectTaken`, `NotReadable`
        or an error of the store, with nothing written; `PerhapsSaved` where nobody can say.
        """
        commit_id, events, after = draft.new_id("cm"), draft.events, case.after(draft)
        asked = self.effects_of(draft.dossier, events, draft.new_id, owner)
        before = case.listed if case.listed is not None else needs_attention(case.dossier)
        listed = needs_attention(draft.dossier)
        begun = self.store.elapsed()
        self.store.save(
            Commit(
                id=commit_id,
                shop=case.shop,
                order_id=case.order_id,
                expected=case.dossier.version,
                events=[proven_row(case.shop, case.order_id, one, commit_id) for one in events],
                returns=return_rows(case.shop, draft.dossier, events),
                refunds=refund_rows(case.shop, draft.dossier, events),
                merged_refunds=merged_refunds(events),
                attention=attention_rows(case.shop, case.order_id, before, listed, RULES),
                references=reference_rows(case.shop, draft.dossier, events),
                personal=[_note_row(case, note, draft.at) for note in draft.notes],
                effects=[*asked, *effects],
                questions=questions,
                settled=settled,
                withdrawn=draft.withdrawn,
                superseded=draft.superseded,
                retried=draft.retried,
            ),
            connection,
        )
        return Committed(id=commit_id, case=changed(after, listed=listed), effects=asked, begun=begun)


def _note_row(case: Case, note: Note, now: datetime.datetime) -> dict[str, object]:
    return {
        "shop": case.shop,
        "id": note.id,
        "order_id": case.order_id,
        "customer": note.customer,
        "class": "operational",
        "expires_at": microseconds(now + datetime.timedelta(days=DAYS_NOTES_ARE_KEPT)),
        "body": note.words,
    }
