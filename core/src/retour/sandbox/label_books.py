"""A shipping provider on loopback but for its own words: every handle of `ShippingSandbox`, over books of labels.

What is left to a provider's own sandbox is what its documentation says: paths and fields, words, refusals, webhooks.
"""

from __future__ import annotations

import datetime
from collections import deque
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import attrs

from retour.model.labels import SCANNED, Charged, ParcelState, Told
from retour.model.money import Money
from retour.model.text import text
from retour.sandbox.dashboard_contract import DashboardAction, DashboardTable
from retour.sandbox.label_dashboard import LABEL_ACTIONS, LABEL_TABLES
from retour.sandbox.loopback_sandbox import LoopbackSandbox
from retour.sandbox.movable_clock import SandboxClock
from retour.sandbox.not_possible import NotPossible
from retour.sandbox.payments import SandboxWebhook
from retour.sandbox.shipping_sandbox import BookedLabel


@attrs.define(kw_only=True, eq=False)
class SandboxLabel:
    """A label, as far as it is by the sandbox's clock."""

    reference: str
    """Its name in the API."""

    parcel: str
    """Its parcel's name in the API."""

    order_id: str
    """The shop's number of the order."""

    label_id: str
    """Our id of it, if it carries it."""

    asked: dict[str, Any]
    """What was asked for, in the provider's fields."""

    price: Money
    """What it costs."""

    made_at: datetime.datetime
    """When it was asked for, by the sandbox's clock."""

    changed_at: datetime.datetime
    """When anything of it last changed, by the sandbox's clock."""

    told: Told = Told.ANNOUNCING
    """How far it is."""

    progress: ParcelState = ParcelState.NOT_SENT
    """How far its parcel is."""

    because: str = ""
    """Why it was refused, in the carrier's words; else empty."""

    charged: bool = False
    """Whether it was paid for."""

    to_come: tuple[datetime.datetime, Told] | None = None
    """What happens to it by itself, and when; None where nothing does."""

    @property
    def has_document(self) -> bool:
        """Whether its carrier has it, so that there is something to print."""
        return self.told is Told.READY

    @property
    def status(self) -> ParcelState | Told:
        """The one thing to say of it: where its parcel is, once it was sent, and till then how far it is itself."""
        return self.told if self.progress is ParcelState.NOT_SENT else self.progress


class LabellingSandbox(LoopbackSandbox):
    """A shipping provider from ``with`` until its end, at ``url``. Its class says the rest:

    - ``provider``, its name, and ``label_ids`` and ``parcel_ids``;
    - ``announcement_takes``, ``cancellation_takes`` and ``charges``;
    - `LoopbackSandbox.settings`, and ``handle``, which answers a request or raises `Refused`;
    - ``tell``, if it has webhooks, and `with_spoilt_signature`;
    - ``dashboard_actions``, if people can do more at the provider than with these books, and ``dashboard_tables``.

    ``labels`` are its books. ``handle`` and ``tell`` are called with the ``lock`` held and the books brought up to now;
    whatever else a sandbox adds takes the lock itself.
    """

    label_ids: ClassVar[str] = "la"
    """How the ids of labels begin, before eight digits."""

    parcel_ids: ClassVar[str] = "pa"
    """How the ids of parcels begin, before eight digits."""

    announcement_takes: ClassVar[datetime.timedelta] = datetime.timedelta(seconds=20)
    """How long a carrier needs until it knows of a label."""

    cancellation_takes: ClassVar[datetime.timedelta] = datetime.timedelta(minutes=10)
    """How long a carrier needs to cancel one."""

    charges: ClassVar[Charged] = Charged.WHEN_MADE
    """When a label is charged."""

    dashboard_tables: ClassVar[Sequence[DashboardTable]] = LABEL_TABLES
    dashboard_actions: ClassVar[Sequence[DashboardAction]] = LABEL_ACTIONS

    def __init__(self, *, clock: SandboxClock | None = None, port: int = 0) -> None:
        super().__init__(clock=clock, port=port)
        self.labels: list[SandboxLabel] = []
        self._called: dict[str, SandboxLabel] = {}
        self._of_ours: dict[str, SandboxLabel] = {}
        self._waiting: list[SandboxLabel] = []
        self._refusals: deque[str] = deque()
        self._held = False

    # --- the provider's own ------------------------------------------------------------------------------

    def tell(self, label: SandboxLabel) -> None:
        """A label is new or has another status: put what the provider sends of it in ``untaken``."""

    def with_spoilt_signature(self, webhook: SandboxWebhook) -> SandboxWebhook:
        """The same webhook, signed wrong; `retour.sandbox.spoilt` does it."""
        raise NotImplementedError  # where the signature stands, its own sandbox knows

    # --- the handles that every sandbox has --------------------------------------------------------------

    def refuse(self, because: str) -> None:
        """The carrier refuses the next label that is announced to it, in these words."""
        with self.lock:
            self._refusals.append(because)

    def scan(self, label: str) -> None:
        """The carrier gets the parcel."""
        self.move(label, ParcelState.ON_ITS_WAY)

    def deliver(self, label: str) -> None:
        """The parcel is at the shop."""
        self.move(label, ParcelState.DELIVERED)

    def lose(self, label: str) -> None:
        """The carrier says that the parcel is lost."""
        self.move(label, ParcelState.LOST)

    def send_back(self, label: str) -> None:
        """The parcel goes back to the customer."""
        self.move(label, ParcelState.RETURNED_TO_SENDER)

    @property
    def held(self) -> bool:
        """Whether labels stay as they are."""
        return self._held

    def hold(self) -> None:
        """From now on nothing goes on by itself."""
        with self.lock:
            self._held = True

    def release(self) -> None:
        """What was held goes its way again."""
        with self.lock:
            self._held = False
            self.settle()

    def books(self, order_id: str = "") -> Sequence[BookedLabel]:
        """All labels of an order, or of all orders, the oldest first."""
        with self.lock:
            self.settle()
            return [
                BookedLabel(
                    reference=one.reference,
                    parcel=one.parcel,
                    order_id=one.order_id,
                    label_id=one.label_id,
                    told=one.told,
                    progress=one.progress,
                    charged=one.price if one.charged else Money.zero(one.price.currency),
                )
                for one in self.labels
                if order_id in ("", one.order_id)
            ]

    def asked_of(self, label: str) -> Mapping[str, object]:
        """What was asked for with a label, in the provider's fields, and why it was refused, if it was."""
        one = self.label(label)
        return {"because": one.because, **one.asked}

    # --- the steps ---------------------------------------------------------------------------------------

    def make(self, *, order_id: str, label_id: str, price: Money, asked: dict[str, Any]) -> SandboxLabel:
        """A label that is announced to its carrier later. Whether ``label_id`` was used before is for the provider's
        own sandbox to ask (`labelled`)."""
        now = self.clock.now()
        number = f"{len(self.labels) + 1:08d}"
        made = SandboxLabel(
            reference=f"{self.label_ids}_{number}",
            parcel=f"{self.parcel_ids}_{number}",
            order_id=order_id,
            label_id=label_id,
            asked=asked,
            price=price,
            made_at=now,
            changed_at=now,
            because=self._refusals.popleft() if self._refusals else "",
        )
        made.to_come = (now + self.announcement_takes, Told.REFUSED if made.because else Told.READY)
        self.labels.append(made)
        self._called[made.reference] = made
        self._of_ours.setdefault(label_id, made)
        self._waiting.append(made)
        self.tell(made)
        return made

    def labelled(self, label_id: str) -> SandboxLabel | None:
        """The label with this id of ours, None if there is none."""
        return self._of_ours.get(label_id)

    def label(self, reference: str) -> SandboxLabel:
        """The label that the provider calls so; raises `ValueError` if there is none."""
        found = self._called.get(reference)
        if found is None:
            raise NotPossible(text("There is no label {label}.", label=reference))
        return found

    def cancel(self, label: SandboxLabel) -> None:
        """Begin to cancel a label; raises `ValueError` for one that a carrier has or had. Of one that is being
        cancelled, or is, nothing changes."""
        if label.progress is not ParcelState.NOT_SENT or label.told is Told.REFUSED:
            raise NotPossible(text("It is too late to cancel label {label}.", label=label.reference))
        if label.told not in (Told.CANCELLING, Told.CANCELLED):
            label.to_come = (self.clock.now() + self.cancellation_takes, Told.CANCELLED)
            self._waiting.append(label)
            self._becomes(label, told=Told.CANCELLING)

    def move(self, label: str, progress: ParcelState) -> None:
        """The carrier says where a parcel is. One whose label is not announced, or cancelled, it cannot have."""
        with self.lock:
            self.settle()
            one = self.label(label)
            if one.told not in (Told.READY, Told.CANCELLING):
                raise NotPossible(
                    text("Label {label} cannot be used, so no carrier can have its parcel.", label=one.reference)
                )
            one.to_come = None  # a label that is used is not cancelled any more
            one.charged = one.charged or progress in SCANNED
            self._becomes(one, told=Told.READY, progress=progress)

    def settle(self) -> None:
        """Let everything happen that is due."""
        if self._held or not self._waiting:
            return
        waiting = sorted(self._waiting, key=lambda one: one.reference)  # the oldest first
        self._waiting = []
        for one in waiting:
            if one.to_come is not None and one.to_come[0] <= self.clock.now():
                told, one.to_come = one.to_come[1], None
                if told is not Told.REFUSED:
                    one.charged = told is Told.READY and self.charges is Charged.WHEN_MADE
                self._becomes(one, told=told)
        self._waiting += [one for one in waiting if one.to_come is not None]

    def _becomes(self, label: SandboxLabel, *, told: Told, progress: ParcelState = ParcelState.NOT_SENT) -> None:
        label.told, label.progress, label.changed_at = told, progress, self.clock.now()
        self.tell(label)
