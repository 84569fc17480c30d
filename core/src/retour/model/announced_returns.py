"""A return as the hooks that announce it see it: requested, approved, ended."""

from __future__ import annotations

import datetime

import attrs

from retour.model.frozen import frozen
from retour.model.labels import Label
from retour.model.personal import PERSONAL
from retour.model.return_reasons import ReturnReason
from retour.model.returns import GoodsState, Objection, RequestedLine, reasons_in_words


@frozen(kw_only=True)
class RequestedReturn:
    """A return that somebody requested. ``number`` is what people call it, ``reasons`` are those of your list that its
    ``lines`` name (a line comes twice where its units have two reasons), ``objections`` what policies have against it,
    and ``files`` how many came with it."""

    return_id: str
    """Our id of it."""

    number: str
    lines: tuple[RequestedLine, ...]
    reasons: tuple[ReturnReason, ...]
    objections: tuple[Objection, ...]
    files: int

    def reason_text(self, line_id: str, language: str = "en") -> str:
        """Why a line comes back, in ``language``, each reason of its units once; empty where nothing was said."""
        return reasons_in_words(self.lines, self.reasons, line_id, language)


@frozen(kw_only=True)
class ApprovedReturn:
    """A return that was approved: until when the customer can send it (a day in the shop's zone), and the
    ``instructions`` that staff wrote for him, empty where there are none.

    ``again`` says that it was announced before: the day or the instructions are others now, it was reopened, or a label
    became ready. ``labels`` are those that are ready, with `ReturnDesk.label_document` to fetch each.
    """

    return_id: str
    """Our id of it."""

    number: str
    """What people call it."""

    lines: tuple[RequestedLine, ...]
    """What was announced."""

    send_by: datetime.date | None
    """The last calendar day to send it, in the shop's zone; None where there is no such day."""

    instructions: str = attrs.field(default="", repr=False, metadata=PERSONAL)
    again: bool
    labels: tuple[Label, ...] = ()


@frozen(kw_only=True)
class ClosedReturn:
    """A return of which nothing more is expected. ``ended`` is how: rejected, cancelled, expired or closed, and
    ``because`` why it was rejected, in the words that the customer reads. ``lines`` are what was announced: none where
    it began with its receipt."""

    return_id: str
    """Our id of it."""

    number: str
    """What people call it."""

    lines: tuple[RequestedLine, ...]
    ended: GoodsState
    because: str
