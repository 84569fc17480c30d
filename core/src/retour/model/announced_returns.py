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
    """A return that somebody requested, and that nobody has decided about yet."""

    return_id: str
    """Our id of it."""

    number: str
    """What people call it: nine letters and digits."""

    lines: tuple[RequestedLine, ...]
    """What the customer wants to send back. A line comes twice where its units have two reasons."""

    reasons: tuple[ReturnReason, ...]
    """Those of your list that its lines name, each once."""

    objections: tuple[Objection, ...]
    """What policies have against it; empty where staff has nothing to look at."""

    files: int
    """How many files of the customer came with it."""

    def reason_text(self, line_id: str, language: str = "en") -> str:
        """Why a line comes back, in ``language``, each reason of its units once; empty where nothing was said."""
        return reasons_in_words(self.lines, self.reasons, line_id, language)


@frozen(kw_only=True)
class ApprovedReturn:
    """A return that was approved: until when, and how, the customer can send it."""

    return_id: str
    """Our id of it."""

    number: str
    """What people call it."""

    lines: tuple[RequestedLine, ...]
    """What was announced."""

    send_by: datetime.date | None
    """The last calendar day to send it, in the shop's zone; None where there is no such day."""

    instructions: str = attrs.field(default="", repr=False, metadata=PERSONAL)
    """What staff wrote for the customer, empty where nothing was written."""

    again: bool
    """Whether it was announced before: the day or the instructions are others now, it was reopened, or a label became
    ready."""

    labels: tuple[Label, ...] = ()
    """Those that are ready; `ReturnDesk.label_document` fetches what the customer prints or shows."""


@frozen(kw_only=True)
class ClosedReturn:
    """A return of which nothing more is expected."""

    return_id: str
    """Our id of it."""

    number: str
    """What people call it."""

    lines: tuple[RequestedLine, ...]
    """What was announced; empty where it began with its receipt."""

    ended: GoodsState
    """How it ended: rejected, cancelled, expired or closed."""

    because: str
    """Why it was rejected, in the words that the customer reads; else empty."""
