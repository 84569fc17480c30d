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
    """One line of a timeline.

    ``by`` is who did it, and ``name`` how he is called: what a `ShopWithNames` says of customers and staff, and of a
    provider what it calls itself; empty where nobody says. It is plain text, to be escaped as any other.
    ``seq`` is the event's, 0 for what the host's order itself tells (placed, paid). ``code`` is the event's type.
    ``note`` is what somebody wrote with it, ``account`` the bank account that money goes to, its IBAN masked, and
    ``evidence`` the files that somebody added: for the staff only, empty when they were removed. ``url`` leads to the
    payment at its provider. ``return_number`` is the number of the return that it is about,
    and ``instructions`` what the shop told the customer to do: for both, empty when it was removed.
    """

    seq: int
    at: datetime.datetime
    """When (UTC)."""

    by: Actor
    """Who did it, as far as its reader may know."""

    code: str
    message: Text
    """What happened, as a text."""

    note: str = attrs.field(default="", repr=False, metadata=PERSONAL)
    url: str = ""
    account: str = attrs.field(default="", repr=False, metadata=PERSONAL)
    evidence: tuple[EvidenceFile, ...] = attrs.field(default=(), repr=False, metadata=PERSONAL)
    return_number: str = ""
    instructions: str = attrs.field(default="", repr=False, metadata=PERSONAL)
    name: str = attrs.field(default="", repr=False, metadata=PERSONAL)

    def text(self, language: str = "en") -> str:
        """The entry in ``language`` ("en" or "nl")."""
        return self.message.render(language)
