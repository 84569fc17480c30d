"""A process that orders a label, has one cancelled, or works; it kills itself at the moment it is told to."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from crash.refunder import dies

from retour import Actor, Address, MemoryShop, Parcel, ParcelItem, ReturnDesk
from retour.store.store import Store
from retour.testing import a_line, an_order

ANNA, CUSTOMER = Actor.staff("anna"), Actor.customer("c-1")
HOME = Address(
    name="Customer", street="Damrak", house_number="70", postal_code="1012 LM", city="Amsterdam", country="NL"
)
SHOP = Address(name="Returns", street="Keizersgracht 1", postal_code="1015 CJ", city="Amsterdam", country="NL")
BOX = Parcel(weight_grams=900, items=[ParcelItem(line_id="cup", description="Cup", quantity=1, reason="11")])


def a_desk(database: str, settings: dict[str, object]) -> ReturnDesk:
    """The desk of a shop with one order of two cups, and labels of Sendcloud."""
    return ReturnDesk(
        shop=MemoryShop([an_order(a_line("cup", 2), customer="c-1")]),
        store=database,
        plugins=["sendcloud"],
        settings={"sendcloud": settings},
        return_address=SHOP,
        migrate=True,
    )


def order(desk: ReturnDesk, return_id: str, request_id: str = "form-1", **more: Any) -> str:
    """Order the cheapest label; gives its id."""
    option = desk.label_options("1001", sender=HOME, parcel=BOX, by=ANNA)[0]
    made = desk.order_label(
        "1001", return_id, option, sender=HOME, parcel=BOX, by=CUSTOMER, request_id=request_id, **more
    )
    assert made.label is not None
    return made.label.id


def does(database: str, settings: dict[str, object], what: str, about: str, moment: str) -> None:
    """``what`` is "order", for a return, "cancel", of a label, or "work"; be killed at a ``moment`` of that.

    A command has an intent and an outcome, and work has outcomes.
    """
    desk = a_desk(database, settings)
    kind: Any = desk._services.registry.shipping["sendcloud"][0]
    before, after = moment.startswith("before"), moment.startswith("after")
    for call in ("create_label", "cancel_label", "fetch_shipment", "list_shipments"):
        setattr(kind, call, dies("provider" in moment and (before or after), getattr(kind, call), after=after))
    outcome = 1 if what == "work" else 2
    _at_a_save({"intent": 1, "outcome": outcome}.get(moment.rpartition("the ")[2].split()[0]), after=after)
    todo: dict[str, Callable[[], object]] = {
        "order": lambda: order(desk, about),
        "cancel": lambda: desk.cancel_label("1001", about, by=ANNA),
        "work": desk.work,
    }
    todo[what]()


def _at_a_save(number: int | None, *, after: bool) -> None:
    save, saved = Store.save, []

    def counting(*arguments: Any) -> Any:
        saved.append(1)
        return dies(len(saved) == number, save, after=after)(*arguments)

    Store.save = counting  # type: ignore[method-assign]
