"""What every payment provider's sandbox offers, whichever it plays: for tests, the demo and `retour sandbox`.

`PaymentSandbox` is what each of them has. `TellsOfRefunds`, `ChargesBack`, `GivesBack` and `NamesPayments` are
optional: a sandbox has them where its provider does what they say, and ``isinstance`` asks for that.
"""

from __future__ import annotations

import datetime
import importlib
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Any, ClassVar, Protocol, runtime_checkable

import attrs

from retour.model.money import Money
from retour.model.refunds import Reported
from retour.sandbox.movable_clock import SandboxClock
from retour.sandbox.server import SandboxServer


@attrs.frozen(kw_only=True)
class BookedRefund:
    """A refund in the sandbox's own books."""

    reference: str
    """The sandbox's id of it."""

    amount: Money
    """What goes back."""

    status: Reported
    """How far it is."""

    refund_id: str = ""
    """Ours, if it carries it; empty for one that was made in the dashboard."""


@attrs.frozen(kw_only=True)
class SandboxWebhook:
    """A webhook that the sandbox has to send, as it goes over the wire: header names in lower case, the raw ``body``.
    `send_webhook` sends it."""

    headers: Mapping[str, str]
    """With the signature, where there is one."""

    body: bytes
    """The bytes that are signed."""

    url: str = ""
    """Where to; empty if the sandbox was not told."""


class PaymentSandbox(Protocol):
    """A payment provider on loopback, from ``with`` until its end, with a clock that stands still until it is moved.

    A provider class names its sandbox in ``sandbox``, as ``"module:Class"``. Its methods raise `ValueError`, with a
    sentence, for what cannot be. Safe to use from several threads."""

    provider: ClassVar[str]
    """The name of the provider's plugin."""

    clock: SandboxClock
    """What time it is there."""

    server: SandboxServer
    """Its requests, and the faults to make."""

    def __init__(self, *, clock: SandboxClock | None = None, port: int = 0) -> None: ...

    def __enter__(self) -> PaymentSandbox: ...

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

    def pay(self, amount: Money, *, reference: str = "") -> str:
        """A customer pays; gives the reference that a shop stores, which is ``reference`` if that is given.

        Raises `ValueError` for a reference that this provider does not give, or has given before.
        """

    def refund_in_dashboard(self, reference: str, amount: Money) -> str:
        """A person refunds in the provider's dashboard; gives the provider's id of the refund.

        Raises `ValueError` for a payment that is not there, and for more than is left of it.
        """

    def fail(self, refund: str) -> None:
        """The bank refuses a refund (the provider's id of it) that is pending, or sends back one that had succeeded.

        Raises `ValueError` for a refund that is not there, and for one that failed or was cancelled already.
        """

    def hold(self) -> None:
        """From now on refunds stay pending, however long it takes."""

    def release(self) -> None:
        """What was held goes its way again."""

    def advance(self, by: datetime.timedelta) -> None:
        """Let time pass, and everything happen that happens by itself; a year settles every refund that can be."""

    def books(self, reference: str) -> Sequence[BookedRefund]:
        """All refunds of a payment by the sandbox's own books, whatever became of them, the oldest first."""

    def take_webhooks(self) -> list[SandboxWebhook]:
        """The webhooks that nobody took yet, the oldest first."""


@runtime_checkable
class TellsOfRefunds(Protocol):
    """Of a provider whose webhooks say, signed, how a refund is: a sandbox that makes one when a test asks for it.

    Not of one whose webhooks are hints without a signature, and not of one that has none.
    """

    def webhook_about(self, *refunds: str) -> SandboxWebhook:
        """One genuine webhook about these refunds (the provider's ids) as they are now.

        Raises `ValueError` for a refund that is not there, for one of which the provider tells nothing yet, and for
        several where it has no webhook that speaks of several.
        """

    def with_spoilt_signature(self, webhook: SandboxWebhook) -> SandboxWebhook:
        """The same webhook, but for its signature, or that of one thing of several, which is wrong by one character,
        wherever it stands.

        Raises `ValueError` for a webhook that has none.
        """


@runtime_checkable
class ChargesBack(Protocol):
    """Of a provider whose payments the customer's bank can take back."""

    def charge_back(self, reference: str, amount: Money | None = None) -> str:
        """The customer's bank takes money back, by default all that was paid; gives the provider's id of that, empty
        where it has none. What the provider tells of it is among the webhooks.

        Raises `ValueError` for a payment that is not there, for more than it is, and for a part where the provider
        says nothing of parts.
        """


@runtime_checkable
class GivesBack(Protocol):
    """Of a provider that says so when a bank gives back what it took: the charge-back was reversed, the dispute won."""

    def give_back(self, reference: str) -> None:
        """The customer's bank gives back all that it took of a payment. What the provider tells of it is among the
        webhooks.

        Raises `ValueError` for a payment that is not there, and for one of which the bank has nothing.
        """


@runtime_checkable
class NamesPayments(Protocol):
    """Of a provider at which a payment can be found by several names: its order, its checkout, the charge of it."""

    def names(self, reference: str) -> Sequence[str]:
        """Every name of a payment that a shop can have stored, ``reference`` included.

        Raises `ValueError` for a payment that is not there.
        """


def sandbox_at(where: str) -> type[Any]:
    """The sandbox that a provider class names in ``sandbox``, as ``"module:Class"``: a `PaymentSandbox` of one for
    payments, a `ShippingSandbox` of one for parcels.

    Raises `ImportError`, with a sentence, where there is none, and whatever its module raises.
    """
    module, colon, name = where.partition(":")
    if not (module and colon and name):
        raise ImportError(f"{where} is not of the form module:Class")
    found: type[Any] | None = getattr(importlib.import_module(module), name, None)
    if not isinstance(found, type):
        raise ImportError(f"{module} has no class {name}")
    return found
