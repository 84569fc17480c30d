"""What is stored can be read again: an event is written, read and compared before it is committed."""

from __future__ import annotations

import datetime
from collections.abc import Callable
from typing import Any

import attrs
import pytest

from retour import Actor, InvalidOrder, MemoryShop, NotReadable, Order, ReturnDesk
from retour.model.events.event import Recorded
from retour.model.events.goods import OrderSeen
from retour.model.reasons import Reason, ReasonCode
from retour.store.records import as_json, from_json, proven_row
from retour.testing import a_line, an_order

ANNA = Actor.staff("anna")


def spoiled(**values: object) -> Order:
    """An order with values that slipped in behind every check, as a plugin can put them there."""
    order = an_order(a_line("cup", 2))
    line = order.lines[0]
    for name, value in values.items():
        object.__setattr__(line, name, value)
    return order


HOSTILE = pytest.mark.parametrize(
    "values",
    [{"name": "half a \ud83d character"}, {"name": "a\0b"}, {"tags": [1]}],
    ids=["half a character", "a NUL", "a number among words"],
)


@HOSTILE
def test_an_order_with_a_value_that_cannot_be_is_refused_and_nothing_is_changed(values: dict[str, Any]) -> None:
    desk = ReturnDesk(shop=MemoryShop([spoiled(**values)]), store="sqlite://", inline_seconds=0)
    with pytest.raises(InvalidOrder, match="Order 1001: the shop gave an order that cannot be"):
        desk.mark_returned("1001", by=ANNA)
    desk._services.shops("default").shop.orders["1001"] = an_order(a_line("cup", 2))  # type: ignore[attr-defined]
    assert desk.dossier("1001").version == 0
    assert desk.mark_returned("1001", by=ANNA).changed
    desk.close()


@HOSTILE
def test_what_could_not_be_read_again_is_never_a_row(values: dict[str, Any]) -> None:
    """Also where it came by a way on which nobody looked at it."""
    event = OrderSeen(order=spoiled(**values))
    at = datetime.datetime(2026, 11, 20, 12, tzinfo=datetime.UTC)
    recorded = Recorded(seq=1, command=1, at=at, by=ANNA, event=event, request_id=None, request_digest=None)
    with pytest.raises(NotReadable, match="Order 1001: order_seen holds a value that could not be read again"):
        proven_row("default", "1001", recorded, "c1")


def test_a_reason_that_only_a_newer_retour_knows_reads_and_keeps_what_was_said() -> None:
    stored = as_json(Reason(code=ReasonCode.DISPUTED, said="a case is open")).replace("disputed", "from_2027")
    read: Callable[..., Any] = from_json
    assert read(Reason, stored).text("nl") == "a case is open"
    silent = attrs.evolve(read(Reason, stored), said="")
    assert silent.text("nl") == "een nieuwere versie van retour kent de reden"
