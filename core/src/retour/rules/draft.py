"""The draft of one command: the events it makes, and the dossier as it would be with them."""

from __future__ import annotations

import datetime
import re
from collections.abc import Mapping, Sequence

import attrs

from retour.model.actor import Actor, ActorKind
from retour.model.destinations import account_as_words
from retour.model.dossier import Dossier
from retour.model.errors import InvalidReference, NotAllowed
from retour.model.events.event import Event, Recorded
from retour.model.events.goods import OrderSeen
from retour.model.evidence import EvidenceFile, evidence_as_words
from retour.model.frozen import frozen
from retour.model.history import apply
from retour.model.ids import NewId
from retour.model.making import changed, unchecked
from retour.model.moment import Moment
from retour.model.order import BankAccount, Order
from retour.model.parcels import Address, addresses_as_words
from retour.model.text import Text, text
from retour.model.unseen import unseen

_recorded = unchecked(Recorded)


@frozen(kw_only=True)
class Note:
    """Personal data, free words that somebody wrote, a bank account or a file: kept apart from the event that names it
    by ``id``."""

    id: str
    customer: str
    words: str


@attrs.define(kw_only=True)
class Draft:
    """What a command has decided so far. ``dossier`` always includes the events recorded up to now.

    ``at`` is what the timeline shows. What time it is for money is the database's ``moment``; None where nothing is
    dated that counts for it.

    ``withdrawn`` are ids of effects that must be nobody's when this is committed, and are not needed any more;
    ``retried`` of such that were set aside, and are tried again.
    """

    dossier: Dossier
    at: datetime.datetime
    by: Actor
    new_id: NewId
    moment: Moment | None = None
    request_id: str | None = None
    request_digest: str | None = None
    events: list[Recorded] = attrs.field(factory=list)
    notes: list[Note] = attrs.field(factory=list)
    withdrawn: list[str] = attrs.field(factory=list)
    superseded: list[str] = attrs.field(factory=list)
    retried: list[str] = attrs.field(factory=list)

    @property
    def earliest(self) -> datetime.datetime | None:
        """The database's time, as early as it can be: for what must not count too long."""
        return None if self.moment is None else self.moment.earliest

    @property
    def latest(self) -> datetime.datetime | None:
        """The database's time, as late as it can be: for what must have been long enough ago."""
        return None if self.moment is None else self.moment.latest

    def record(self, event: Event, by: Actor | None = None) -> None:
        """Add an event, and let the dossier follow. ``by`` names another actor than the command's: a policy."""
        if not (by or self.by).id:
            raise NotAllowed(text("Say who does this."), in_code='by=Actor.staff("anna")')
        seq = self.dossier.version + 1
        first = not self.events
        recorded = _recorded(  # of what was checked: who, what, and the request when it was given
            seq=seq,
            command=seq if first else self.events[0].seq,
            at=self.at.astimezone(datetime.UTC),
            by=by or self.by,
            event=event,
            request_id=self.request_id if first else None,
            request_digest=self.request_digest if first else None,
        )
        self.events.append(recorded)
        self.dossier = apply(self.dossier, recorded)

    def tell_more(self, event: Event) -> None:
        """Put ``event`` in the place of the last one, of which it tells more to plugins: the dossier follows from both
        alike."""
        self.events[-1] = changed(self.events[-1], event=event)

    def copy(self) -> Draft:
        """The same draft, to go on with and perhaps to throw away."""
        return Draft(
            dossier=self.dossier,
            at=self.at,
            by=self.by,
            new_id=self.new_id,
            moment=self.moment,
            request_id=self.request_id,
            request_digest=self.request_digest,
            events=list(self.events),
            notes=list(self.notes),
            withdrawn=list(self.withdrawn),
            superseded=list(self.superseded),
            retried=list(self.retried),
        )

    def see(self, order: Order, facts: Order | None = None) -> None:
        """Record the order if it is new to us or differs from what we last saw. ``facts`` are what an event may hold of
        it, where the caller has them."""
        told = order.without_personal_data() if facts is None else facts
        if told is not self.dossier.order and told != self.dossier.order:
            self.record(OrderSeen(order=told))

    def note(self, order: Order, words: str | None) -> str | None:
        """Keep what somebody wrote; gives the id under which an event names it."""
        if words is None:
            return None
        if not words.strip():
            return None
        refuse_card_number(order.id, words)
        return self._keep("nt", order, words.strip())

    def account(self, order: Order, account: BankAccount) -> str:
        """Keep a bank account that money goes to; gives the id under which an event names it."""
        return self._keep("ba", order, account_as_words(account))

    def addresses(self, order: Order, sender: Address, recipient: Address) -> str:
        """Keep where a parcel goes, from whom to whom; gives the id under which an event names it."""
        return self._keep("ad", order, addresses_as_words(sender, recipient))

    def document(self, order: Order, words: str) -> str:
        """Keep a label's document; gives the id under which an event names it."""
        return self._keep("do", order, words)

    def evidence(self, order: Order, evidence: Sequence[EvidenceFile]) -> tuple[str, ...]:
        """Keep files that somebody added; gives the ids under which an event names them."""
        for one in evidence:
            refuse_card_number(order.id, one.name)
        return tuple([self._keep("ev", order, evidence_as_words(one)) for one in evidence])

    def _keep(self, prefix: str, order: Order, words: str) -> str:
        note = Note(id=self.new_id(prefix), customer=order.customer, words=unseen(words))
        self.notes.append(note)
        return note.id

    def only(self, *kinds: ActorKind, refusal: Text) -> None:
        """Refuse with `NotAllowed` when an actor of another kind does this. ``refusal`` says so, and who may; the order
        and the actor are filled in here."""
        if self.by.kind not in kinds:
            values = {"order": self.dossier.order_id, "actor": _ACTORS[self.by.kind]}
            raise NotAllowed(attrs.evolve(refusal, values=values))


_ACTORS: Mapping[ActorKind, Text] = {
    ActorKind.CUSTOMER: text("a customer"),
    ActorKind.STAFF: text("a member of staff"),
    ActorKind.PROVIDER: text("a provider"),
    ActorKind.SYSTEM: text("retour itself"),
}
"""Who was refused something, as a sentence names him."""


_CARD_PREFIX = r"3[04-9]|[456]|222[1-9]|22[3-9]|2[3-6]|27[01]|2720"
"""How the numbers of the card networks begin (ISO/IEC 7812): a bank's reference of as many digits, which often begins
with a year, is none of them."""


def refuse_card_number(order_id: str, words: str) -> None:
    """Refuse words that hold a card number, so that no card data is ever stored (PCI DSS, SAQ A)."""
    run = ""
    for character in [*words, "."]:
        if character.isascii() and character.isdigit():
            run += character
        elif character not in " -" or not run:
            if 13 <= len(run) <= 19 and re.match(_CARD_PREFIX, run) and _passes_luhn(run):
                raise InvalidReference(
                    text(
                        "Order {order}: this text holds what looks like a card number. Leave it out; "
                        "if it is none, write it with points.",
                        order=order_id,
                    )
                )
            run = ""


def _passes_luhn(digits: str) -> bool:
    doubled = [int(digit) * (1 + position % 2) for position, digit in enumerate(reversed(digits))]
    return sum(value - 9 if value > 9 else value for value in doubled) % 10 == 0
