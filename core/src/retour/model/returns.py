"""A return: the goods of (part of) an order coming back, and what was decided about their stock."""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum
from typing import Annotated, TypeAlias, cast

import attrs

from retour.model.actor import Actor
from retour.model.evidence import MOST_EVIDENCE
from retour.model.fields import MOST_UNITS, Between, Id, Units, checked
from retour.model.frozen import frozen
from retour.model.making import changed, unchecked
from retour.model.order import Order
from retour.model.reasons import Reason, as_reason
from retour.model.return_number import return_number
from retour.model.return_reasons import ReturnReason
from retour.model.text import Text, text
from retour.model.when import When


class GoodsState(StrEnum):
    """Where the goods of one return are."""

    REQUESTED = "requested"  #: announced, and nobody has decided
    APPROVED = "approved"  #: may be sent
    REJECTED = "rejected"  #: refused; it never counts as returned
    IN_TRANSIT = "in_transit"  #: on their way
    PARTLY_RECEIVED = "partly_received"  #: counted in part
    RECEIVED = "received"  #: all that was announced is settled
    CANCELLED = "cancelled"  #: taken back before it was sent
    EXPIRED = "expired"  #: not sent in time
    CLOSED = "closed"  #: ended by staff; what came counts


CAN_TRAVEL = frozenset({GoodsState.APPROVED, GoodsState.IN_TRANSIT, GoodsState.PARTLY_RECEIVED})
"""Returns of which goods may come, and are still to."""


class StockState(StrEnum):
    """What was decided about the stock of one return, and how far that got.

    Derived from the decisions and movements of the return, never stored as the truth.
    """

    NOTHING = "nothing"  #: no sellable unit of a product whose stock is tracked came back
    UNDECIDED = "undecided"  #: the merchant was asked and has not answered
    ALL = "all"  #: decided; the movements are on their way
    BY_HAND = "by_hand"  #: the merchant books it himself
    PER_LINE = "per_line"  #: some go back, the others not
    APPLIED = "applied"  #: booked by the shop
    PARTLY_APPLIED = "partly_applied"  #: booked in part
    FAILED = "failed"  #: the shop could not book it


class Extent(StrEnum):
    """How much of the order has come back: every fulfilled unit is here again, or not yet."""

    FULL = "full"  #: every fulfilled unit is here again
    PART = "part"  #: not yet


class OrderStatus(StrEnum):
    """What a host can make of its own order's status, by the units that are really here again. It is never written by
    retour: a return that was rejected, cancelled or never came leaves it as it was."""

    NOT_RETURNED = "not_returned"  #: no unit is here
    PARTLY_RETURNED = "partly_returned"  #: some units are here
    RETURNED = "returned"  #: every fulfilled unit is here

    @property
    def words(self) -> Text:
        """The status in words."""
        return ORDER_STATUS_WORDS[self]


ORDER_STATUS_WORDS: Mapping[OrderStatus, Text] = {
    OrderStatus.NOT_RETURNED: text("not returned"),
    OrderStatus.PARTLY_RETURNED: text("partly returned"),
    OrderStatus.RETURNED: text("returned"),
}


@frozen(kw_only=True, field_transformer=checked())
class RequestedLine:
    """Units of one order line that a customer wants to send back, and why, if he says so.

    >>> RequestedLine(line_id="1", quantity=2, reason="too_small").quantity
    2
    """

    line_id: Id
    """The order line."""

    quantity: Units
    """Units."""

    reason: str = ""
    """The code of a `ReturnReason` of the host's list; where it gives none, any text."""


def reasons_in_words(
    lines: Sequence[RequestedLine], chosen: Sequence[ReturnReason], line_id: str, language: str
) -> str:
    """Why a line comes back: each reason of its units once, in words of those that were ``chosen`` from a list."""
    words = {one.code: one.text(language) for one in chosen}
    given = [words.get(line.reason, line.reason) for line in lines if line.line_id == line_id and line.reason]
    return ", ".join(dict.fromkeys(given))


@frozen(kw_only=True, field_transformer=checked())
class Counted:
    """What one count found of one order line, in units.

    >>> Counted(line_id="1", sellable=2, damaged=1, missing=1).sellable
    2
    """

    line_id: Id
    """The order line."""

    sellable: Units = 0
    """Units that can go back in stock."""

    damaged: Units = 0
    """Units that never do."""

    missing: Units = 0
    """Units that were announced and not in the parcel: counted, and not back."""

    wrong: Units = 0
    """Units in whose place another article came: not back either."""

    to_inspect: Units = 0
    """Units that are here and that nobody has judged yet: back, and nobody's stock."""

    surplus: Units = 0
    """Units beyond all that was delivered on the line: nobody restocks them, and nothing is paid for them."""

    @property
    def units(self) -> int:
        """All units of the order that this count speaks of."""
        return self.sellable + self.damaged + self.missing + self.wrong + self.to_inspect

    @property
    def arrived(self) -> int:
        """The units that were in the parcel, another article than the line's and surplus included."""
        return self.sellable + self.damaged + self.wrong + self.to_inspect + self.surplus

    @property
    def came_back(self) -> int:
        """The units of the line's own product that are really here again, inspected or not."""
        return self.sellable + self.damaged + self.to_inspect

    @property
    def absent(self) -> int:
        """The units of the line's own product that were counted and are not here."""
        return self.missing + self.wrong

    @property
    def empty(self) -> bool:
        """Whether it speaks of no unit at all."""
        return not self.units and not self.surplus


@frozen(kw_only=True)
class Receipt:
    """One count of what arrived."""

    id: str
    """Our id of it."""

    opened: When
    """When it began."""

    by: Actor
    """Who counted."""

    lines: Mapping[str, Counted]
    """The newest counts, corrections and inspections applied, by the id of the order line."""

    parcel: str = ""
    """What the parcel is called: its tracking number, or the host's own name of it; empty where nobody said."""

    late: bool = False
    """Whether it was made after the return was closed: of units that had been absent."""

    announced: bool = False
    """Whether plugins hear of it."""

    @property
    def at(self) -> datetime.datetime:
        """When it was counted, by the clock of the process that recorded it: UTC."""
        return self.opened.at


class Restock(StrEnum):
    """The four answers to "does it go back in stock?"."""

    ALL = "all"  #: every sellable unit
    ASK = "ask"  #: the merchant decides
    BY_HAND = "by_hand"  #: nothing; what to book goes on a list
    PER_LINE = "per_line"  #: so many units of each line


@frozen(kw_only=True, field_transformer=checked())
class RestockDecision:
    """An answer to "does it go back in stock?", by a policy or by the merchant.

    >>> RestockDecision.all().kind.value
    'all'
    >>> RestockDecision.lines({"line-2": 1}).units
    {'line-2': 1}
    """

    kind: Restock
    """Which of the four."""

    units: Mapping[Id, Units] = attrs.field(factory=dict)
    """Per order line, for ``PER_LINE`` alone."""

    because: Reason | None = attrs.field(default=None, converter=as_reason)
    """Why, for whoever books by hand."""

    @classmethod
    def all(cls, because: str | Reason | None = None) -> RestockDecision:
        """OK: every sellable unit goes back in stock."""
        return cls(kind=Restock.ALL, because=because)

    @classmethod
    def ask(cls, because: str | Reason | None = None) -> RestockDecision:
        """Ask the merchant. Only a policy can say this."""
        return cls(kind=Restock.ASK, because=because)

    @classmethod
    def by_hand(cls, because: str | Reason | None = None) -> RestockDecision:
        """Cancel: nothing is booked; the dossier keeps the list of what to book by hand."""
        return cls(kind=Restock.BY_HAND, because=because)

    @classmethod
    def lines(cls, units: Mapping[str, int], because: str | Reason | None = None) -> RestockDecision:
        """Per line: so many ``units`` of each order line go back; what is not named stays on the list by hand."""
        return cls(kind=Restock.PER_LINE, units=dict(units) if isinstance(units, Mapping) else units, because=because)


@frozen(kw_only=True, field_transformer=checked())
class StockMovement:
    """One stock booking, for `Shop.book_stock`."""

    id: Id
    """Never changes: a shop that has booked it does nothing when it is called with it again."""

    order_id: Id
    """The order."""

    return_id: Id
    """The return."""

    line_id: Id
    """The order line."""

    product: Id
    """The product's id in the shop, as on the order line."""

    quantity: Annotated[int, Between(-MOST_UNITS, MOST_UNITS)]
    """Units to add to the stock; below zero, to take out again."""


class MovementState(StrEnum):
    """How far a stock movement is."""

    PLANNED = "planned"  #: not booked yet
    APPLIED = "applied"  #: booked by the shop
    FAILED = "failed"  #: tried, and will be tried again
    REFUSED = "refused"  #: the shop said never: its units are on the list to book by hand


@frozen(kw_only=True)
class Movement:
    """A stock movement of a return, and how far it is."""

    booking: StockMovement
    """What the shop is asked to book."""

    state: MovementState = MovementState.PLANNED
    """How far that is."""

    why: Reason | None = None
    """What the shop said when it failed; else None."""


class Severity(StrEnum):
    """How strongly a policy objects to a return: somebody should look, or it should be refused."""

    REVIEW = "review"  #: staff looks at it
    REFUSE = "refuse"  #: it is rejected, where a customer asks


@frozen(kw_only=True, field_transformer=checked())
class Objection:
    """What a `return_policy` has against a requested return.

    >>> Objection.refuse("Gift cards cannot be returned").severity.value
    'refuse'
    >>> Objection.review("More than ten pieces").severity.value
    'review'
    """

    severity: Severity
    """Whether staff looks at the return, or it is refused."""

    because: Reason | None = attrs.field(converter=as_reason)
    """Read by staff, and by a customer whose return is refused."""

    @classmethod
    def review(cls, because: str | Reason) -> Objection:
        """Somebody should look at it before it is approved."""
        return cls(severity=Severity.REVIEW, because=because)

    @classmethod
    def refuse(cls, because: str | Reason) -> Objection:
        """It should be refused; staff can still approve it."""
        return cls(severity=Severity.REFUSE, because=because)


@frozen(kw_only=True, field_transformer=checked())
class ReturnRequest:
    """What a `return_policy` is asked about."""

    return_id: Id
    """Our id of it."""

    lines: tuple[RequestedLine, ...]
    """What the customer wants to send back, and why."""

    files: Annotated[int, Between(0, MOST_EVIDENCE)] = 0
    """How many files came with it."""


@frozen(kw_only=True)
class ReturnedLine:
    """What came back of one order line, as the hooks see it."""

    line_id: str
    """The order line."""

    product: str
    """The host's product key."""

    name: str
    """What people call it."""

    tags: frozenset[str]
    """The host's own marks."""

    stock_tracked: bool
    """Whether the host keeps stock of it."""

    sellable: int
    """Units that can go back in stock."""

    damaged: int
    """Units that never do."""

    missing: int
    """Units that were announced and not in the parcel."""

    wrong: int
    """Units of another article than the line's."""

    to_inspect: int = 0
    """Units that are here, and that nobody has judged yet."""

    surplus: int = 0
    """Units beyond all that was delivered."""


@frozen(kw_only=True)
class Returned:
    """What one receipt counted, as the hooks see it."""

    return_id: str
    """The return."""

    receipt_id: str
    """The count that this is about."""

    extent: Extent
    """How much of the whole order is back after this receipt."""

    lines: tuple[ReturnedLine, ...]
    """What came back, per order line."""


@frozen(kw_only=True)
class ReceivedLine:
    """One order line of a return, as far as it has come."""

    line_id: str
    """The order line."""

    announced: int
    """Units that were announced."""

    counted: Counted
    """What all receipts of the return counted of it."""

    @property
    def never_counted(self) -> int:
        """Announced units that nobody counted, not even as missing."""
        return max(0, self.announced - self.counted.units)


@frozen(kw_only=True)
class ReceivedReturn:
    """A return of which nothing more is expected, as the hooks see it: all that was announced is counted, or staff
    closed it before."""

    return_id: str
    """Our id of it."""

    lines: tuple[ReceivedLine, ...]
    """What was announced and what was counted, per order line."""

    @property
    def complete(self) -> bool:
        """Whether all that was announced is counted."""
        return not any(line.never_counted for line in self.lines)


@frozen(kw_only=True)
class Restocked:
    """Stock movements of one return that the shop has applied, as the hooks see them."""

    return_id: str
    """The return."""

    movements: tuple[StockMovement, ...]
    """What was booked."""


_Sums: TypeAlias = tuple[Mapping[str, Receipt], Mapping[str, Counted]]
"""Receipts, and the counts of all of them together: they stand for as long as a return has just these receipts."""


@frozen(kw_only=True)
class Return:
    """One return, as its events make it. Units are per order line, by the line's id; times are UTC."""

    id: str
    """Our id of it, 28 characters."""

    opened: When
    """When it began."""

    goods: GoodsState
    """Where its goods are."""

    changed: When
    """When something of it last changed."""

    requested: Mapping[str, int] = attrs.field(factory=dict)
    """Units that were announced; empty for a return that began with its receipt."""

    reasons: Mapping[str, str] = attrs.field(factory=dict)
    """What was said why, per order line: a code of the host's list, or a text of its own."""

    reasons_chosen: tuple[ReturnReason, ...] = ()
    """Those of the list, as they were then."""

    by_reason: tuple[RequestedLine, ...] = ()
    """The units of each line and reason, where a line has more than one reason; `announced` gives them in any case."""

    chosen_in_portal: tuple[RequestedLine, ...] = ()
    """What the customer chose in a provider's portal for units of it, where that is another reason than was
    announced."""

    evidence_ids: tuple[str, ...] = ()
    """The files that were added: `ReturnDesk.evidence` gives those that are still kept."""

    objections: tuple[Objection, ...] = ()
    """What policies had against it."""

    send_by: datetime.date | None = None
    """The last calendar day to send it, in the shop's zone."""

    instructions_id: str | None = None
    """Names what the customer was told to do: the timeline shows it."""

    ended_from: GoodsState | None = None
    """Where it was when it was rejected, cancelled, expired or closed; None while it goes on."""

    tracking: str = ""
    """The number of his parcel, as the customer said it."""

    carrier: str = ""
    """Who brings his parcel, as the customer said it."""

    sent_on: datetime.date | None = None
    """The calendar day on which the customer sent it."""

    proof_ids: tuple[str, ...] = ()
    """The files that prove that he sent it: the shop owes his money once it has the goods or that proof, whichever is
    first (directive 2011/83/EU, article 13(3))."""

    receipts: Mapping[str, Receipt] = attrs.field(factory=dict)
    """Its counts, by their id."""

    decided: RestockDecision | None = None
    """The last answer about its stock."""

    question_open: bool = False
    """Whether the merchant was asked about the stock, and has not answered."""

    by_hand: Mapping[str, int] = attrs.field(factory=dict)
    """Units that the merchant books himself."""

    movements: Mapping[str, Movement] = attrs.field(factory=dict)
    """Its stock bookings, by their id."""

    _sums: _Sums | None = attrs.field(default=None, init=False, eq=False, repr=False)

    @property
    def opened_at(self) -> datetime.datetime:
        """When it began, by the clock of the process that recorded it: UTC."""
        return self.opened.at

    @property
    def changed_at(self) -> datetime.datetime:
        """When it last became what it is, by the clock of the process that recorded it: UTC."""
        return self.changed.at

    @property
    def number(self) -> str:
        """What is written on its label and in mails: short, and found by `ReturnDesk.find_return`."""
        return return_number(self.id)

    @property
    def announced(self) -> tuple[RequestedLine, ...]:
        """What was announced: one for each line, and one for each reason of a line whose units have several."""
        return self.by_reason or tuple(
            [
                RequestedLine(line_id=line_id, quantity=units, reason=self.reasons.get(line_id, ""))
                for line_id, units in self.requested.items()
            ]
        )

    def reason(self, line_id: str) -> ReturnReason | None:
        """The reason that was chosen for a line, as the host's list had it then, the first where its units have
        several; None where none of a list was."""
        return next((one for one in self.reasons_chosen if one.code == self.reasons.get(line_id)), None)

    def reason_text(self, line_id: str, language: str = "en") -> str:
        """Why a line comes back, in ``language``: the words of the reason that was chosen, else the text that was
        given, each reason of its units once; empty where nothing was said."""
        return reasons_in_words(self.announced, self.reasons_chosen, line_id, language)

    def portal_reason_text(self, line_id: str, language: str = "en") -> str:
        """Why a line comes back by what the customer chose in a provider's portal, in ``language``, each reason of its
        units once; empty where he chose none there, or the one that was announced."""
        return reasons_in_words(self.chosen_in_portal, self.reasons_chosen, line_id, language)

    @property
    def live(self) -> bool:
        """Whether its units are taken: a rejected, cancelled or expired return never counts."""
        return self.goods not in _NOT_LIVE

    @property
    def open(self) -> bool:
        """Whether something can still be counted on it: it is live, and nobody closed it."""
        return self.live and self.goods is not GoodsState.CLOSED

    @property
    def counted(self) -> Mapping[str, Counted]:
        """The counts of all its receipts together, per order line. What came after it was counted missing, or after
        another article in its place, is no longer absent."""
        if self._sums is None or self._sums[0] is not self.receipts:
            receipts = tuple(self.receipts.values())
            alone = len(receipts) == 1  # as most are, and is its own sum then
            self._found_out(receipts[0].lines if alone else self._with_later_receipts({}, receipts))
        return cast("_Sums", self._sums)[1]

    def with_receipt(self, receipt: Receipt, when: When) -> Return:
        """This return with one more receipt, or with another in the place of the one of its id. For one more, the
        others are not added up again: each would take longer, the more there are."""
        more = changed(self, receipts={**self.receipts, receipt.id: receipt}, changed=when)
        if receipt.id not in self.receipts:
            more._found_out(self._with_later_receipts({**self.counted}, (receipt,)))
        return more

    def _with_later_receipts(self, sums: dict[str, Counted], receipts: Iterable[Receipt]) -> Mapping[str, Counted]:
        """The ``sums`` of earlier receipts with those of later ones."""
        for receipt in receipts:
            for line_id, count in receipt.lines.items():
                before = sums.get(line_id)
                if before is None:
                    sums[line_id] = count
                    continue
                announced = 0 if receipt.late else self.requested.get(line_id, 0)
                sums[line_id] = _with_later(before, count, announced=announced)
        return sums

    def _found_out(self, sums: Mapping[str, Counted]) -> None:
        object.__setattr__(self, "_sums", (self.receipts, sums))  # it follows from what is frozen

    def outstanding(self) -> dict[str, int]:
        """Units per order line that were announced and not counted yet."""
        if not self.requested:
            return {}
        counted = self.counted
        return {
            line_id: max(0, units - (counted[line_id].units if line_id in counted else 0))
            for line_id, units in self.requested.items()
        }

    def absent(self) -> dict[str, int]:
        """Units per order line that were counted and are not here: they can still come."""
        return {line_id: count.absent for line_id, count in self.counted.items() if count.absent}

    def still_to_come(self) -> dict[str, int]:
        """Units per order line that can still come on it: announced and not counted, or counted and not here."""
        absent = self.absent()
        units = {line_id: units + absent.get(line_id, 0) for line_id, units in self.outstanding().items()}
        return {line_id: number for line_id, number in (absent | units).items() if number}

    def more_than_requested(self) -> dict[str, int]:
        """Units per order line that were counted on it beyond what was announced, where anything was."""
        if not self.requested:
            return {}
        beyond = {line_id: one.units - self.requested.get(line_id, 0) for line_id, one in self.counted.items()}
        return {line_id: units for line_id, units in beyond.items() if units > 0}

    def more_than_requested_with(self, receipt_id: str) -> dict[str, int]:
        """Those of them that would not be without one of its receipts."""
        after = self.more_than_requested()
        if not after:
            return {}  # nor are there without it: nothing is counted once more for each of many receipts
        rest = {one.id: one for one in self.receipts.values() if one.id != receipt_id}
        before = changed(self, receipts=rest).more_than_requested()
        return {line_id: units - before.get(line_id, 0) for line_id, units in after.items()}

    def to_inspect(self) -> dict[str, int]:
        """Units per order line that are here and that nobody has judged yet."""
        return {line_id: count.to_inspect for line_id, count in self.counted.items() if count.to_inspect}

    def claimed(self) -> dict[str, int]:
        """How many units of each order line this return takes, so that no other return can.

        While it is open: what was requested, or what was counted where that is more. Once it is closed: what was
        counted. Nothing when it is not live.
        """
        if not self.live:
            return {}
        if not self.requested:
            return {line_id: count.units for line_id, count in self.counted.items()}
        units = {} if self.goods is GoodsState.CLOSED else dict(self.requested)
        for line_id, count in self.counted.items():
            units[line_id] = max(units.get(line_id, 0), count.units)
        return units

    def moved(self, *, applied_only: bool = False) -> dict[str, int]:
        """Units per order line that went back in stock, net of corrections: planned ones count, refused ones do not."""
        units: dict[str, int] = {}
        for movement in self.movements.values():
            counts = (
                movement.state is MovementState.APPLIED if applied_only else movement.state is not MovementState.REFUSED
            )
            if counts:
                line_id = movement.booking.line_id
                units[line_id] = units.get(line_id, 0) + movement.booking.quantity
        return units

    def undecided(self, order: Order) -> dict[str, int]:
        """Sellable units per line of its order, of products whose stock is tracked, about whose stock nobody has
        decided yet."""
        moved, counted, open_units = self.moved(), self.counted, {}
        for line in order.goods:
            if line.stock_tracked and line.id in counted:
                units = counted[line.id].sellable - moved.get(line.id, 0) - self.by_hand.get(line.id, 0)
                if units > 0:
                    open_units[line.id] = units
        return open_units

    @property
    def stock(self) -> StockState:
        """How far the stock track is; see `StockState`."""
        if self.question_open:
            return StockState.UNDECIDED
        states = {movement.state for movement in self.movements.values()}
        if not states:
            return StockState.BY_HAND if self.by_hand else StockState.NOTHING
        if states == {MovementState.REFUSED}:
            return StockState.BY_HAND
        if states <= {MovementState.APPLIED}:
            return StockState.APPLIED
        if MovementState.PLANNED in states:
            per_line = self.decided is not None and self.decided.kind is Restock.PER_LINE
            return StockState.PER_LINE if per_line else StockState.ALL
        return StockState.PARTLY_APPLIED if MovementState.APPLIED in states else StockState.FAILED


_NOT_LIVE = (GoodsState.REJECTED, GoodsState.CANCELLED, GoodsState.EXPIRED)

_sum = unchecked(Counted)


def _with_later(before: Counted, later: Counted, *, announced: int) -> Counted:
    """What is counted of a line after one more count of it: its units are first those that were ``announced`` and not
    counted, then those that were absent, the missing ones first, and only then more than were known."""
    known = max(0, announced - before.units)
    found = min(before.absent, max(0, later.units - known))
    no_longer_missing = min(before.missing, found)
    return _sum(
        line_id=before.line_id,
        sellable=before.sellable + later.sellable,
        damaged=before.damaged + later.damaged,
        missing=before.missing + later.missing - no_longer_missing,
        wrong=before.wrong + later.wrong - (found - no_longer_missing),
        to_inspect=before.to_inspect + later.to_inspect,
        surplus=before.surplus + later.surplus,
    )


GOODS_WORDS: Mapping[GoodsState, Text] = {
    GoodsState.REQUESTED: text("requested"),
    GoodsState.APPROVED: text("approved"),
    GoodsState.REJECTED: text("rejected"),
    GoodsState.IN_TRANSIT: text("on its way"),
    GoodsState.PARTLY_RECEIVED: text("partly received"),
    GoodsState.RECEIVED: text("received"),
    GoodsState.CANCELLED: text("cancelled"),
    GoodsState.EXPIRED: text("expired"),
    GoodsState.CLOSED: text("closed"),
}

STOCK_WORDS: Mapping[StockState, Text] = {
    StockState.NOTHING: text("nothing to restock"),
    StockState.UNDECIDED: text("waiting for an answer"),
    StockState.ALL: text("being restocked"),
    StockState.BY_HAND: text("to be booked by hand"),
    StockState.PER_LINE: text("being restocked"),
    StockState.APPLIED: text("restocked"),
    StockState.PARTLY_APPLIED: text("partly restocked"),
    StockState.FAILED: text("not restocked yet"),
}
