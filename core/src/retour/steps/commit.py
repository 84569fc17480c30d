"""One commit: every row that follows from what was decided, written in one transaction, whoever decided it."""

from __future__ import annotations

import datetime
import logging
from collections.abc import Callable, Sequence
from functools import partial

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from retour.model.actor import Actor
from retour.model.attention import Attention
from retour.model.dossier import Dossier
from retour.model.errors import StoreError
from retour.model.events.event import Recorded
from retour.model.frozen import frozen
from retour.model.making import changed
from retour.model.returns import StockMovement
from retour.model.text import text
from retour.rules.amounts import order_amounts
from retour.rules.attention import RULES, needs_attention
from retour.rules.draft import Draft, Note
from retour.rules.effects import stock_to_book
from retour.rules.stock import record_applied
from retour.shop import ShopCaller
from retour.steps.case import Case
from retour.store.clock import microseconds
from retour.store.commit import Commit, HostsWriting, NewEffect, NotBooked, NotWritten, Question, SettledEffect
from retour.store.connect import within
from retour.store.index import (
    attention_rows,
    label_rows,
    merged_refunds,
    reason_rows,
    reference_rows,
    refund_rows,
    return_rows,
)
from retour.store.records import as_json, proven_row
from retour.store.store import Store

log = logging.getLogger("retour.steps")

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
    """Writes commits. ``effects_of`` says what events ask for; one of the ``shops`` may keep its stock in our
    database."""

    store: Store
    effects_of: EffectsOf
    shops: Callable[[str], ShopCaller]

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
        also: HostsWriting | None = None,
    ) -> Committed:
        """Write what a ``draft`` of ``case`` decided, in a transaction of its own or in the host's.

        ``owner`` runs the effects that its events ask for; ``effects`` and ``questions`` are others, ``settled`` those
        that the writer has claimed and is done with. Stock that the shop keeps in our database is booked with it, and
        needs no effect then; what cannot be booked so is left to one. ``also`` writes what the caller has to in the
        same transaction.

        Raises `VersionMoved`, `LeaseLost`, `EffectTaken`, `NotReadable`, `NotWritten` from what ``also`` raised, or an
        error of the store, with nothing written; `PerhapsSaved` where nobody can say.
        """

        def write(decided: Draft, booking: HostsWriting | None) -> Committed:
            return self._write(
                case,
                decided,
                beside=[one for one in (None if also is None else partial(_also, also), booking) if one is not None],
                owner=owner,
                effects=effects,
                questions=questions,
                settled=settled,
                connection=connection,
            )

        movements = stock_to_book(draft.events)
        shop = self.shops(case.shop) if movements else None
        if shop is not None and shop.books_on_connections:
            booked = draft.copy()
            record_applied(booked, movements, by=Actor.system())
            try:
                return write(booked, lambda own: _book(shop, own, movements))
            except NotBooked:
                log.warning("stock of order %s is booked by itself", case.order_id, exc_info=True)
        return write(draft, None)

    def _write(
        self,
        case: Case,
        draft: Draft,
        *,
        beside: Sequence[HostsWriting],
        owner: str | None,
        effects: Sequence[NewEffect],
        questions: Sequence[Question],
        settled: Sequence[SettledEffect],
        connection: Connection | None,
    ) -> Committed:
        commit_id, events, after = draft.new_id("cm"), draft.events, case.after(draft)
        asked = self.effects_of(draft.dossier, events, draft.new_id, owner)
        before = _listed_before(case)
        listed = needs_attention(draft.dossier)
        begun = self.store.elapsed()
        self.store.save(
            Commit(
                id=commit_id,
                shop=case.shop,
                order_id=case.order_id,
                expected=case.dossier.version,
                amounts=as_json(order_amounts(draft.dossier)),
                events=[proven_row(case.shop, case.order_id, one, commit_id) for one in events],
                returns=return_rows(case.shop, case.dossier, draft.dossier, events),
                reasons=reason_rows(case.shop, draft.dossier, events),
                refunds=refund_rows(case.shop, draft.dossier, events),
                merged_refunds=merged_refunds(events),
                labels=label_rows(case.shop, case.dossier, draft.dossier),
                attention=attention_rows(case.shop, case.order_id, before, listed, RULES),
                references=reference_rows(case.shop, draft.dossier, events),
                personal=[_note_row(case, note, draft.at) for note in draft.notes],
                effects=[*asked, *effects],
                questions=questions,
                settled=settled,
                withdrawn=draft.withdrawn,
                superseded=draft.superseded,
                retried=draft.retried,
                beside=beside,
            ),
            connection,
        )
        return Committed(id=commit_id, case=changed(after, listed=listed), effects=asked, begun=begun)


def _listed_before(case: Case) -> Sequence[Attention]:
    """What of the order was on the list; of one to which nothing ever happened, nothing was."""
    if case.listed is not None:
        return case.listed
    return needs_attention(case.dossier) if case.events else ()


def _book(shop: ShopCaller, connection: Connection, movements: Sequence[StockMovement]) -> None:
    """Let the shop book on a connection of ours. Raises `NotBooked` for whatever went wrong there."""
    error = _gone_wrong(connection, lambda own: shop.book_stock_on(own, movements))
    if error is not None:
        raise NotBooked from error


def _also(write: HostsWriting, connection: Connection) -> None:
    """Let the caller write on a connection of ours. Raises `NotWritten` for whatever went wrong there."""
    error = _gone_wrong(connection, write)
    if error is not None:
        raise NotWritten from error


def _gone_wrong(connection: Connection, write: HostsWriting) -> BaseException | None:
    """What a host's code raised on a connection of ours, or did with its transaction. A connection that ended is ours,
    and another is tried: that is raised."""
    transaction = connection.get_nested_transaction() or connection.get_transaction()
    try:
        with within(connection):
            write(connection)
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        if isinstance(error, DBAPIError) and error.connection_invalidated:
            raise
        return error
    if transaction is not None and transaction.is_active:
        return None
    return StoreError(
        text(
            "What writes on a connection that retour hands over ended its transaction. It neither commits nor rolls "
            "back: retour does, when all is written."
        )
    )


def _note_row(case: Case, note: Note, now: datetime.datetime) -> dict[str, object]:
    """Kept from when both clocks say that it is: a process whose clock is behind shortens no time."""
    kept_from = max(now, case.time.now().latest)
    return {
        "shop": case.shop,
        "id": note.id,
        "order_id": case.order_id,
        "customer": note.customer,
        "class": "operational",
        "expires_at": microseconds(kept_from + datetime.timedelta(days=DAYS_NOTES_ARE_KEPT)),
        "body": note.words,
    }
