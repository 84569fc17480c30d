"""What a running shop is made of, wherever a page needs it."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Sequence
from zoneinfo import ZoneInfo

import attrs
from flask import current_app
from sqlalchemy import Engine

from retour import Address, BankAccount, ReturnDesk
from webshop.masked import ShownSetting
from webshop.sandboxes import Sandboxes
from webshop.shop import Webshop


@attrs.frozen(kw_only=True)
class RunningShop:
    """The database of a shop, its port and its desk, and who may log in with which password; ``pays_from`` is
    the merchant's own account, ``returns_to`` where goods come back to, and ``settings_shown`` what of the providers'
    settings a page may show. ``clock`` tells its time, and ``files_kept`` is how long files are kept that were added to
    a return or a refund. Where its providers are sandboxes, these too."""

    engine: Engine
    port: Webshop
    desk: ReturnDesk
    zone: str
    clock: Callable[[], datetime.datetime]
    files_kept: datetime.timedelta
    pays_from: BankAccount
    returns_to: Address
    settings_shown: Sequence[ShownSetting]
    staff: str
    password: str = attrs.field(repr=False)
    sandboxes: Sandboxes | None = None

    @property
    def now(self) -> datetime.datetime:
        """What time it is, in the shop's zone."""
        return self.clock().astimezone(ZoneInfo(self.zone))


def the_shop() -> RunningShop:
    """The shop of the request at hand."""
    shop: RunningShop = current_app.extensions["webshop"]
    return shop
