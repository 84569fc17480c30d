"""Where a campaign of labels takes place: one shop, its orders with a return each, and who asks for what."""

from __future__ import annotations

import datetime
import random
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import attrs
import database_clock
from crash.campaign.clock import CampaignClock

from retour import Actor, Address, LabelOption, MemoryShop, Parcel, ParcelItem, ReturnDesk
from retour.testing import a_line, an_order

ANNA = Actor.staff("anna")
HOME = Address(
    name="Customer", street="Damrak", house_number="70", postal_code="1012 LM", city="Amsterdam", country="NL"
)
SHOP = Address(name="Returns", street="Keizersgracht 1", postal_code="1015 CJ", city="Amsterdam", country="NL")
BOX = Parcel(weight_grams=900, items=[ParcelItem(line_id="cup", description="Cup", quantity=1, reason="11")])

ORDER, ANOTHER, REPLACE, CANCEL, READ, SHOW = "order", "another", "replace", "cancel", "read", "show"

OF_CUSTOMERS: Mapping[str, int] = {ORDER: 6, SHOW: 2, REPLACE: 3, CANCEL: 3}
OF_STAFF: Mapping[str, int] = {ORDER: 3, ANOTHER: 1, REPLACE: 3, CANCEL: 3, READ: 1}
"""What people do, and how likely each is."""

FIRST = (ORDER, REPLACE, CANCEL)
"""What each of them does first, with an order that nobody else begins with, before it can be scanned."""

ROUNDS = 3
"""How often each of them comes by an order."""


@attrs.frozen
class Act:
    """Something that a person does about an order; ``request_id`` is of the page on which he does it."""

    order_id: str
    kind: str
    request_id: str


@attrs.frozen(kw_only=True)
class World:
    """Plain data, so that it can be sent to another process. ``returns`` are the orders, each with its return."""

    folder: Path
    database: str
    returns: Mapping[str, str]
    option: LabelOption
    settings: Mapping[str, Any]
    people: Mapping[str, int]
    seed: int

    def desk(self, *, off: datetime.timedelta = datetime.timedelta(0)) -> ReturnDesk:
        """A desk of the one shop there is, on a host whose clock is so far ``off``."""
        return a_desk(self.database, self.settings, self.returns, self.clock(), off)

    def clock(self) -> CampaignClock:
        """The clock that all share."""
        return CampaignClock(self.folder / "clock")

    def acts(self, role: str, number: int) -> list[Act]:
        """What a person does, in this order."""
        chance = random.Random(f"{self.seed}/{role}/{number}")
        kinds = OF_CUSTOMERS if role == "customer" else OF_STAFF
        orders = list(self.returns) * ROUNDS
        chance.shuffle(orders)
        chosen = chance.choices(list(kinds), list(kinds.values()), k=len(orders))
        own = list(self.returns)[(-1 - number if role == "customer" else number) % len(self.returns)]
        done = [*[(own, kind) for kind in FIRST], *zip(orders, chosen, strict=True)]
        return [Act(order_id, kind, f"{role}-{number}-{place}") for place, (order_id, kind) in enumerate(done)]

    def live(self, role: str, number: int, life: int) -> None:
        """One life of one process."""
        from .people import Person

        Person(world=self, role=role, number=number, life=life).live()


def a_desk(
    database: str,
    settings: Mapping[str, Any],
    order_ids: Mapping[str, str] | list[str],
    clock: CampaignClock,
    off: datetime.timedelta = datetime.timedelta(0),
) -> ReturnDesk:
    """A desk of a shop with these orders, by the clocks of a campaign."""
    database_clock.install()
    database_clock.tell(clock.now)
    orders = [an_order(a_line("cup", 9), order_id=order_id, customer="c-1") for order_id in order_ids]
    return ReturnDesk(
        shop=MemoryShop(orders),
        store=database,
        plugins=["sendcloud"],
        settings={"sendcloud": settings},
        return_address=SHOP,
        migrate=False,
        clock=lambda: clock.now() + off,
        elapsed=clock.elapsed,
    )
