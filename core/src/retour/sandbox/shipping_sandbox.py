"""What every shipping provider's sandbox offers, whichever it plays: for tests, the demo and `retour sandbox`.

`ShippingSandbox` is what each of them has. `HasPortal` is optional: a sandbox has it where its provider has a return
portal, and ``isinstance`` asks for that.
"""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import ClassVar, Protocol, runtime_checkable

import attrs

from retour.model.labels import ParcelState, Told
from retour.model.money import Money
from retour.sandbox.movable_clock import SandboxClock
from retour.sandbox.payments import SandboxWebhook
from retour.sandbox.server import SandboxServer


@attrs.frozen(kw_only=True)
class BookedLabel:
    """A label in the sandbox's own books."""

    reference: str
    """The sandbox's id of it."""

    parcel: str
    """The sandbox's id of its parcel."""

    order_id: str
    """The shop's number of the order."""

    told: Told
    """How far the label is."""

    progress: ParcelState
    """How far its parcel is."""

    charged: Money
    """What it cost so far; nothing once that was given back."""

    label_id: str = ""
    """Ours, if it carries it; empty for one that was made in a portal."""


@runtime_checkable
class ShippingSandbox(Protocol):
    """A shipping provider on loopback, from ``with`` until its end, with a clock that stands still until it is moved.

    A provider class names its sandbox in ``sandbox``, as ``"module:Class"``. A label is announced to its carrier only
    when time passes. Its methods raise `ValueError`, with a sentence, for what cannot be. Safe to use from several
    threads. Where a method takes a label, that is the provider's ``reference`` of it."""

    provider: ClassVar[str]
    """The name of the provider's plugin."""

    clock: SandboxClock
    """What time it is there."""

    server: SandboxServer
    """Its requests, and the faults to make."""

    def __init__(self, *, clock: SandboxClock | None = None, port: int = 0) -> None: ...

    def __enter__(self) -> ShippingSandbox: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    @property
    def url(self) -> str:
        """Where it is."""

    @property
    def settings(self) -> Mapping[str, object]:
        """The settings of a test account here, webhooks included: ``settings={sandbox.provider: sandbox.settings}``.
        They are JSON, so that they can be handed to another process."""

    def refuse(self, because: str) -> None:
        """The carrier refuses the next label that is announced to it, in these words."""

    def scan(self, label: str) -> None:
        """The carrier gets the parcel: the label is used, and one that is being cancelled is not cancelled any more."""

    def deliver(self, label: str) -> None:
        """The parcel is at the shop."""

    def lose(self, label: str) -> None:
        """The carrier says that the parcel is lost."""

    def send_back(self, label: str) -> None:
        """The parcel goes back to the customer."""

    def hold(self) -> None:
        """From now on nothing goes on by itself: labels stay with whoever has them, however long it takes."""

    def release(self) -> None:
        """What was held goes its way again."""

    def advance(self, by: datetime.timedelta) -> None:
        """Let time pass, and everything happen that happens by itself: labels are announced, cancellations go
        through."""

    def books(self, order_id: str = "") -> Sequence[BookedLabel]:
        """All labels of an order, or of all orders, by the sandbox's own books, the oldest first."""

    def take_webhooks(self) -> list[SandboxWebhook]:
        """The webhooks that nobody took yet, the oldest first."""

    def with_spoilt_signature(self, webhook: SandboxWebhook) -> SandboxWebhook:
        """The same webhook, but for its signature, which is wrong by one character."""


@runtime_checkable
class HasPortal(Protocol):
    """Of a provider with a return portal, in which a customer makes a label without the shop."""

    def send(self, order_id: str, *, postal_code: str) -> str:
        """A parcel goes to a customer; gives its tracking number, which the portal knows it by."""

    def return_in_portal(self, order_id: str, items: Mapping[str, int], *, reason: str = "") -> str:
        """The customer sends units back, by SKU, in the portal; gives the label that this makes. ``reason`` is the
        provider's own code. Raises `ValueError` for an order of which no parcel was sent."""
