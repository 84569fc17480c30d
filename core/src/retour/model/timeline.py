"""The timeline: who did what and when, in words for the staff or for the customer."""

from __future__ import annotations

import datetime
from enum import StrEnum

import attrs

from retour.model.actor import Actor
from retour.model.evidence import EvidenceFile
from retour.model.frozen import frozen
from retour.model.personal import PERSONAL
from retour.model.text import Text


class Audience(StrEnum):
    """Who reads a timeline. The staff sees everything, the customer what concerns him."""

    CUSTOMER = "customer"  #: what concerns him
    STAFF = "staff"  #: everything


@frozen(kw_only=True)
class TimelineEntry:
    """One line of a timeline, for one of its two readers: what he may not know is empty."""

    seq: int
    """The event's number, from 1 on; 0 for what the host's order itself tells (placed, paid)."""

    at: datetime.datetime
    """When (UTC)."""

    by: Actor
    """Who did it, as far as its reader may know."""

    code: str
    """The event's type, as ``refund_requested``: a name that stays, for code that picks an icon."""

    message: Text
    """What happened, as a text."""

    note: str = attrs.field(default="", repr=False, metadata=PERSONAL)
    """What somebody wrote with it; for the staff alone, and empty again when it was removed."""

    url: str = ""
    """The page of the payment at its provider, or of the parcel at its carrier."""

    account: str = attrs.field(default="", repr=False, metadata=PERSONAL)
    """The bank account that money goes to, its IBAN masked; for the staff alone."""

    evidence: tuple[EvidenceFile, ...] = attrs.field(default=(), repr=False, metadata=PERSONAL)
    """The files that somebody added; for the staff alone."""

    return_number: str = ""
    """The number of the return that it is about, as people call it."""

    instructions: str = attrs.field(default="", repr=False, metadata=PERSONAL)
    """What the shop told the customer to do; for both, and empty again when it was removed."""

    name: str = attrs.field(default="", repr=False, metadata=PERSONAL)
    """What a `ShopWithNames` calls the customer or the colleague who did it; empty where it does not say, and of all
    that no person did: `in_words` of ``by`` calls those. Plain text, to be escaped as any other."""

    def text(self, language: str = "en") -> str:
        """The entry in ``language`` ("en" or "nl")."""
        return self.message.render(language)
