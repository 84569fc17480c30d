"""A provider on loopback, whatever it does: its server, its clock, one request at a time, and its webhooks."""

from __future__ import annotations

import datetime
import threading
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import ClassVar, TypeVar
from urllib.parse import quote

from retour.sandbox.dashboard_contract import DashboardAction, DashboardFile, DashboardTable, Shown, Words
from retour.sandbox.dashboard_pages import ROOT
from retour.sandbox.dashboard_site import DashboardSite
from retour.sandbox.every_dashboard import EVERYWHERE, dashboard_facts
from retour.sandbox.faults import Fault
from retour.sandbox.movable_clock import SandboxClock
from retour.sandbox.payments import SandboxWebhook
from retour.sandbox.server import Refused, SandboxRequest, SandboxResponse, SandboxServer

_Self = TypeVar("_Self", bound="LoopbackSandbox")


class LoopbackSandbox:
    """A provider from ``with`` until its end, at ``url``: what `BookkeepingSandbox` and `LabellingSandbox` are made of,
    and a sandbox with books of its own. ``handle`` is called with the ``lock`` held and everything settled that is due.
    """

    provider: ClassVar[str]
    """The provider's name."""

    dashboard_title: ClassVar[Words] = ""
    """What people call the provider, on its dashboard; its name unless it is given."""

    dashboard_tables: ClassVar[Sequence[DashboardTable]] = ()
    """What its dashboard shows of its books."""

    dashboard_actions: ClassVar[Sequence[DashboardAction]] = EVERYWHERE
    """What can be done in its dashboard."""

    dashboard_files: ClassVar[Sequence[DashboardFile]] = ()
    """What can be downloaded there."""

    def __init__(self, *, clock: SandboxClock | None = None, port: int = 0) -> None:
        self.clock = clock or SandboxClock()
        self.untaken: list[SandboxWebhook] = []
        self.lock = threading.RLock()
        site = DashboardSite(self)
        self.server = SandboxServer(self._answer, port=port)
        self.server.beside[ROOT] = site.handle

    def __enter__(self: _Self) -> _Self:
        self.server.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.server.stop()

    @property
    def called(self) -> Words:
        """What people call the provider."""
        return self.dashboard_title or self.provider

    @property
    def url(self) -> str:
        """Where it is: what ``api_url`` is in the settings."""
        return self.server.url

    @property
    def dashboard_url(self) -> str:
        """Where a person does in a browser what a merchant does at the provider."""
        return f"{self.url}{ROOT}"

    def dashboard_page(self, name: str, table: str = "") -> str:
        """The page of one thing there, by a name that a shop stored: of a payment or a label, the first table's, unless
        a table is named."""
        return f"{self.dashboard_url}/{table or self.dashboard_tables[0].name}/{quote(name, safe='')}"

    # --- the provider's own ------------------------------------------------------------------------------

    @property
    def settings(self) -> Mapping[str, object]:
        """The settings of a test account here."""
        raise NotImplementedError  # each provider's sandbox says it

    def handle(self, request: SandboxRequest) -> SandboxResponse:
        """The answer to a request; raises `Refused`."""
        raise NotImplementedError  # each provider's sandbox says it

    def sign(self, webhook: SandboxWebhook) -> SandboxWebhook:
        """A webhook as it is sent, now."""
        return webhook

    @property
    def held(self) -> bool:
        """Whether nothing goes on by itself."""
        return False

    def dashboard_facts(self) -> Sequence[tuple[Words, Shown]]:
        """What stands at the top of the dashboard: the time, and what waits."""
        return dashboard_facts(self)

    # --- the handles that every sandbox has --------------------------------------------------------------

    def advance(self, by: datetime.timedelta) -> None:
        """Let time pass; everything goes as far as it is due."""
        with self.lock:
            self.clock.advance(by)
            self.settle()

    def make_fault(self, fault: str) -> None:
        """The next write goes wrong in this way (`Fault`). Raises `ValueError` for what is none."""
        self.server.faults.append(Fault(fault))

    def make_no_fault(self) -> None:
        """No write goes wrong any more."""
        self.server.faults.clear()

    def take_webhooks(self) -> list[SandboxWebhook]:
        """The webhooks that nobody took yet, the oldest first."""
        with self.lock:
            self.settle()
            taken, self.untaken = self.untaken, []
            return [self.sign(webhook) for webhook in taken]

    # --- the steps ---------------------------------------------------------------------------------------

    def settle(self) -> None:
        """Let everything happen that is due."""
        raise NotImplementedError  # it is in the books, which each kind of provider has its own of

    def _answer(self, request: SandboxRequest) -> SandboxResponse:
        with self.lock:
            self.settle()
            try:
                return self.handle(request)
            except Refused as refused:
                return refused.answer
