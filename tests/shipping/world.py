"""A shop with a carrier: what the tests about labels and parcels share."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import attrs
from shipping.small_carrier import OPTION, Carrier, plugin_of
from sqlalchemy import update

from retour import Actor, Address, MemoryShop, Outcome, Parcel, ParcelItem, ReturnDesk
from retour.model.order import Delivery
from retour.store import tables
from retour.testing import a_line, an_order

ANNA = Actor.staff("anna")
JANSEN = Actor.customer("c-1")
HOME = Address(
    name="J. Jansen", street="Lindelaan", house_number="12", postal_code="3512 AB", city="Utrecht", country="NL"
)
SHOP = Address(name="Webshop", street="Kade 1", postal_code="1011 AA", city="Amsterdam", country="NL")
BOX = Parcel(weight_grams=900, items=[ParcelItem(line_id="cup", description="Cup", quantity=1)])


@attrs.define
class World:
    """A desk whose clock the test moves, a shop with order 1001 and one of another customer, 1002, and a carrier."""

    desk: ReturnDesk
    carrier: Carrier
    return_id: str = ""
    seconds: list[float] = attrs.field(factory=lambda: [0.0])

    def approved(self) -> World:
        self.return_id = self.desk.request_return("1001", {"cup": 1}, by=JANSEN, request_id="request").return_id
        return self

    def order(self, request_id: str = "label", **more: Any) -> Outcome:
        given = {"sender": HOME, "parcel": BOX, "by": ANNA, **more}
        return self.desk.order_label("1001", self.return_id, OPTION, request_id=request_id, **given)

    def label(self) -> Any:
        return list(self.desk.dossier("1001").labels.values())[-1]

    def work_for(self, **time: float) -> None:
        """Let time pass, and the work be done that is due."""
        with_time = datetime.timedelta(**time)
        move_effects(self.desk, with_time)
        self.desk.work()


def move_effects(desk: ReturnDesk, by: datetime.timedelta) -> None:
    """As if so much time had gone by for all that waits in the store."""
    engine = desk._services.store.engine
    ago = int(by.total_seconds() * 1_000_000)
    with engine.begin() as connection:
        connection.execute(update(tables.effect).values(not_before=tables.effect.c.not_before - ago))
        connection.execute(update(tables.looks).values(next_at=tables.looks.c.next_at - ago))


def worlds(database: str) -> Iterator[Callable[..., World]]:
    """Makes worlds on a database, and closes their desks in the end."""
    made: list[ReturnDesk] = []

    def make(
        *, desk: Any = None, plugins: Sequence[object] = (), delivery: Delivery | None = None, **kind: object
    ) -> World:
        carrier = Carrier()
        opened = ReturnDesk(
            shop=MemoryShop(
                [
                    an_order(a_line("cup", 2), customer="c-1", delivery=delivery),
                    an_order(a_line("cup", 2), order_id="1002", customer="c-2"),
                ]
            ),
            store=database,
            plugins=[plugin_of(carrier, **kind), *plugins],
            migrate=True,
            **{"return_address": SHOP, **(desk or {})},
        )
        made.append(opened)
        return World(opened, carrier).approved()

    yield make
    for one in made:
        one.close()
