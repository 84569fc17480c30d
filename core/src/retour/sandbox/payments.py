"""What every payment provider's sandbox offers, whichever it plays: for tests, the demo and `retour sandbox`."""

from __future__ import annotations

import datetime
import importlib
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import ClassVar, Protocol

import attrs

from retour.model.money import Money
from retour.model.refunds import Reported
from retour.sandbox.movable_clock import SandboxClock
from retour.sandbox.server import SandboxServer


@attrs.frozen(kw_only=True)
class BookedRefund:
    """A refund in the sandbox's own books. ``refund_id`` is ours, if it carries it; ``reference`` is the sandbox's."""

    reference: str
    amount: Money
    status: Reported
    refund_id: str = ""


@attrs.frozen(kw_only=True)
class SandboxWebhook:
    """A webhook that the sandbox has to send, as it goes over the wire: header names in lower case, the raw ``body``.
    ``url`` is where to, empty if the sandbox was not told; `send_webhook` sends it."""

    headers: Mapping[str, str]
    body: bytes
    url: str = ""


class PaymentSandbox(Protocol):
    """A payment provider on loopback, from ``with`` until its end, with a clock that stands still until it is moved.

    ``provider`` is the provider's name. A provider class names its sandbox in ``sandbox``, as ``"module:Class"``.
    Its methods raise `ValueError`, with a sentence, for what cannot be. Safe to use from several threads.
    """

    provider: ClassVar[str]
    clock: SandboxClock
    server: SandboxServer

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
        """The bank refuses a refund (the provider's id of it), whether it was pending or had succeeded."""

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


def sandbox_at(where: str) -> type[PaymentSandbox]:
    """The sandbox that a provider class names in ``sandbox``, as ``"module:Class"``.

    Raises `ImportError`, with a sentence, where there is none, and whatever its module raises.
    """
    module, colon, name = where.partition(":")
    if not (module and colon and name):
        raise ImportError(f"{where} is not of the form module:Class")
    found: type[PaymentSandbox] | None = getattr(importlib.import_module(module), name, None)
    if not isinstance(found, type):
        raise ImportError(f"{module} has no class {name}")
    return found
