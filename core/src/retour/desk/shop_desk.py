"""What every part of a desk stands on: one shop, what serves it, and the way of a command."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from sqlalchemy import Connection

from retour.desk.commands import Command, Commands, Decide, Request
from retour.desk.services import Services
from retour.model.actor import Actor
from retour.model.dossier import Dossier
from retour.model.outcome import Outcome

if TYPE_CHECKING:
    from sqlalchemy.orm import Session


class ShopDesk:
    """One shop of a host, and what serves it."""

    shop_id: str
    _services: Services
    _commands: Commands

    def _enter(self, services: Services, shop_id: str) -> None:
        self.shop_id = shop_id
        self._services = services
        self._commands = Commands(services, shop_id)

    def _command(
        self,
        order_id: str,
        by: Actor,
        decide: Decide,
        *,
        request: Request | None = None,
        connection: Connection | Session | None = None,
        expects: Callable[[Dossier], Sequence[str]] = lambda _: (),
        finishes: bool = False,
    ) -> Outcome:
        return self._commands.run(
            Command(
                order_id=order_id,
                by=by,
                decide=decide,
                request=request,
                connection=connection,
                expects=expects,
                finishes=finishes,
            )
        )

    def _today(self) -> datetime.date:
        """The calendar day in the shop's zone."""
        return self._services.clock().astimezone(self._services.zone).date()
