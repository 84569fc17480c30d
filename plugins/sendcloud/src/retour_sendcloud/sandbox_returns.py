"""The books of the sandbox of Sendcloud: its returns, how far each is, what labels cost, and the parcels to
customers."""

from __future__ import annotations

import datetime
from collections import deque
from collections.abc import Callable, Sequence
from itertools import takewhile
from typing import Any

import attrs

from retour.providers import Money, ParcelState, TextDomain, Told
from retour.sandbox import NotPossible, SandboxClock
from retour_sendcloud.sandbox_options import SandboxOption, refused_by_carrier
from retour_sendcloud.statuses import standing

text = TextDomain("retour_sendcloud").text

Json = dict[str, Any]

ANNOUNCEMENT_TAKES = datetime.timedelta(seconds=20)
"""How long a carrier takes to announce a label here; Sendcloud does not say how long it is."""

CANCELLATION_TAKES = datetime.timedelta(minutes=30)
"""How long a carrier takes to cancel one here."""

CANCELLABLE = frozenset({"no-label", "announcing", "announced", "ready-to-send"})
"""Where a return can be cancelled here: before a carrier has the parcel."""

NOTHING = Money.zero("EUR")


@attrs.frozen(kw_only=True)
class Moment:
    """One entry of a history: a ``parent_status`` since a time, with the carrier's words where it has some."""

    status: str
    at: datetime.datetime
    message: str = ""


@attrs.frozen(kw_only=True)
class Charge:
    """What was paid for a label, or, below zero, given back for it."""

    reference: str
    amount: Money
    at: datetime.datetime


@attrs.define(kw_only=True, eq=False)
class SandboxReturn:
    """A return, with its label. ``body`` is what was asked for, ``to_come`` what happens by itself and when."""

    id: int
    parcel: int
    body: Json
    option: SandboxOption
    cost: Money
    made_at: datetime.datetime
    in_portal: bool = False
    history: list[Moment] = attrs.field(factory=list)
    to_come: deque[tuple[datetime.datetime, str]] = attrs.field(factory=deque)
    tracking_number: str = ""
    refusal: str = ""
    refused: bool = False
    cancelled_from: str = ""

    @property
    def reference(self) -> str:
        return str(self.id)

    @property
    def order_number(self) -> str:
        return str(self.body.get("order_number") or "")

    @property
    def status(self) -> str:
        return self.history[-1].status

    @property
    def announced(self) -> bool:
        """Whether there is a label, or a code."""
        return bool(self.tracking_number)

    @property
    def told(self) -> Told:
        return standing([moment.status for moment in self.history]).told or Told.ANNOUNCING

    @property
    def progress(self) -> ParcelState:
        return standing([moment.status for moment in self.history]).progress or ParcelState.UNKNOWN


@attrs.frozen(kw_only=True)
class SentParcel:
    """A parcel that went to a customer, with the portal's address for it; empty where it has none."""

    id: int
    order_number: str
    tracking_number: str
    postal_code: str
    shipment: str
    portal: str


class SentParcels:
    """The parcels that went to customers, each found by what it is asked for, however many there are."""

    def __init__(self) -> None:
        self._of_order: dict[str, list[SentParcel]] = {}
        self._named: dict[str, SentParcel] = {}

    def add(self, sent: SentParcel) -> None:
        """Another one."""
        self._of_order.setdefault(sent.order_number, []).append(sent)
        self._named |= dict.fromkeys((str(sent.id), sent.shipment, sent.tracking_number), sent)

    def called(self, name: str) -> SentParcel | None:
        """The one with this number, shipment or tracking number; None if there is none."""
        return self._named.get(name)

    def of_order(self, order_number: str) -> Sequence[SentParcel]:
        """Those of an order, the oldest first."""
        return self._of_order.get(order_number, ())

    def every(self) -> list[SentParcel]:
        """All of them, the oldest first."""
        return sorted([one for several in self._of_order.values() for one in several], key=lambda one: one.id)


@attrs.define(kw_only=True)
class Returns:
    """All returns. ``tell`` is called for every status that a return gets; ``number`` is the last given out.

    Each is found by its number, and only those of which something is ``waiting`` to happen are looked through: a shop
    can have very many.
    """

    clock: SandboxClock
    tell: Callable[[SandboxReturn], None]
    made: dict[int, SandboxReturn] = attrs.field(factory=dict)
    charges: list[Charge] = attrs.field(factory=list)
    refusals: deque[str] = attrs.field(factory=deque)
    number: int
    held: bool = False
    references: set[str] = attrs.field(factory=set)
    """The references that were used, for ever."""
    waiting: dict[int, SandboxReturn] = attrs.field(factory=dict)
    _of_parcel: dict[int, SandboxReturn] = attrs.field(factory=dict)
    _of_order: dict[str, list[SandboxReturn]] = attrs.field(factory=dict)
    _charged: dict[str, Money] = attrs.field(factory=dict)

    def next_number(self) -> int:
        """Another number, for a return or a parcel."""
        self.number += 1
        return self.number

    def make(self, body: Json, option: SandboxOption, cost: Money, *, in_portal: bool = False) -> SandboxReturn:
        """A return that is announced later."""
        now = self.clock.now()
        made = SandboxReturn(
            id=self.next_number(),
            parcel=self.next_number(),
            body=body,
            option=option,
            cost=cost,
            made_at=now,
            in_portal=in_portal,
        )
        self.made[made.id] = self._of_parcel[made.parcel] = made
        self._of_order.setdefault(made.order_number, []).append(made)
        if "external_reference" in body:
            self.references.add(body["external_reference"])
        made.refusal = self.would_be_refused(body)
        in_store = body.get("delivery_option") == "in_store"
        self._set(made, "no-label" if in_store else "announcing")
        if not in_store:
            self._later(made, now + ANNOUNCEMENT_TAKES, "announcement-failed" if made.refusal else "ready-to-send")
        return made

    def would_be_refused(self, body: Json) -> str:
        """What the carrier says of it, empty if it takes it. What a test asked for is used up."""
        return self.refusals.popleft() if self.refusals else refused_by_carrier(body)

    def of(self, reference: str) -> SandboxReturn:
        """The return with this number; raises `ValueError` if there is none."""
        found = self.made.get(int(reference)) if reference.isdecimal() else None
        if found is None:
            raise NotPossible(text("There is no return {number}.", number=reference))
        return found

    def with_parcel(self, number: str) -> SandboxReturn | None:
        """The return with this parcel; None if there is none."""
        return self._of_parcel.get(int(number)) if number.isdecimal() else None

    def of_order(self, order_number: str) -> Sequence[SandboxReturn]:
        """The returns of an order, the oldest first."""
        return self._of_order.get(order_number, ())

    def made_between(self, since: datetime.datetime, until: datetime.datetime) -> list[SandboxReturn]:
        """The returns that were made in this time, the newest first."""
        not_before = takewhile(lambda one: one.made_at >= since, reversed(self.made.values()))
        return [one for one in not_before if one.made_at <= until]

    def settle(self) -> None:
        """Let everything happen that is due."""
        if self.held or not self.waiting:
            return
        for one in sorted(self.waiting.values(), key=lambda one: one.id):
            while one.to_come and one.to_come[0][0] <= self.clock.now():
                at, status = one.to_come.popleft()
                self._happen(one, status, at)
            if not one.to_come:
                del self.waiting[one.id]

    def announce(self, one: SandboxReturn) -> None:
        """Announce it at once."""
        one.to_come.clear()
        self._happen(one, "ready-to-send", self.clock.now())

    def cancel(self, one: SandboxReturn) -> None:
        """Begin to cancel it; raises `ValueError` where that is not possible any more."""
        if one.status not in CANCELLABLE:
            raise NotPossible(text("It is too late to cancel return {number}.", number=str(one.id)))
        one.cancelled_from = one.status
        one.to_come.clear()
        self._set(one, "cancelling")
        self._later(one, self.clock.now() + CANCELLATION_TAKES, "cancelled")

    def move(self, one: SandboxReturn, status: str, message: str = "") -> None:
        """The carrier says where the parcel is. One whose label is not announced, or cancelled, it cannot have."""
        if not one.announced or one.status == "cancelled":
            raise NotPossible(
                text(
                    "The label of return {number} cannot be used, so no carrier can have its parcel.",
                    number=str(one.id),
                )
            )
        one.to_come.clear()  # a label that is used is not cancelled any more
        if one.option.charging == "first_scan" and not self.charged(one):
            self.charge(one, one.cost, self.clock.now())
        self._set(one, status, message)

    def charged(self, one: SandboxReturn) -> Money:
        """What its label cost so far."""
        return self._charged.get(one.reference, NOTHING)

    def charge(self, one: SandboxReturn, amount: Money, at: datetime.datetime) -> None:
        """Charge so much for its label, or give it back where the amount is negative."""
        self.charges.append(Charge(reference=one.reference, amount=amount, at=at))
        self._charged[one.reference] = self.charged(one) + amount

    def _later(self, one: SandboxReturn, at: datetime.datetime, status: str) -> None:
        one.to_come.append((at, status))
        self.waiting[one.id] = one

    def _happen(self, one: SandboxReturn, status: str, at: datetime.datetime) -> None:
        if status == "ready-to-send":
            one.tracking_number = f"3SSEND{one.parcel:09d}"
            if one.option.charging == "label_creation":
                self.charge(one, one.cost, at)
        elif status == "announcement-failed":
            one.refused = True
        elif status == "cancelled" and (charged := self.charged(one)):
            self.charge(one, NOTHING - charged, at)
        self._set(one, status, at=at)

    def _set(self, one: SandboxReturn, status: str, message: str = "", at: datetime.datetime | None = None) -> None:
        one.history.append(Moment(status=status, at=at or self.clock.now(), message=message))
        self.tell(one)
