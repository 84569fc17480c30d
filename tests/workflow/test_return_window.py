"""The return window: what is late waits for somebody, who reads from which day it was counted."""

from __future__ import annotations

import datetime
from typing import Any

import attrs
import pytest
from hypothesis import given, strategies

from retour import (
    Actor,
    Delivery,
    InvalidArgument,
    MemoryShop,
    Order,
    Paid,
    RequestedLine,
    ReturnDesk,
    ReturnWindow,
)
from retour.model.calendar import last_day_of_period
from retour.model.reasons import ReasonCode, reason
from retour.testing import a_line, an_order

ORDERED = datetime.datetime(2026, 10, 1, 22, 30, tzinfo=datetime.UTC)  # in Amsterdam it is 2 October by now
DELIVERED = datetime.date(2026, 10, 5)  # a Monday
BY = Actor.customer("c-17")


@pytest.mark.parametrize(
    ("settings", "english", "dutch"),
    [
        (
            {"days": 30},
            "What is asked for later than 30 days after the delivery waits for staff to decide.",
            "Over wat later dan 30 dagen na de levering wordt aangemeld, beslist een medewerker.",
        ),
        (
            {"days": 1, "refuses": True},
            "What is asked for later than 1 day after the delivery is refused.",
            "Wat later dan 1 dag na de levering wordt aangemeld, wordt geweigerd.",
        ),
    ],
)
def test_it_says_what_it_decides_where_a_shop_sees_its_plugins(
    settings: dict[str, Any], english: str, dutch: str
) -> None:
    desk = ReturnDesk(shop=MemoryShop(), store="sqlite://", plugins=[ReturnWindow(**settings)])
    [plugin] = desk.plugins
    assert plugin.words is not None
    assert (plugin.words.render("en"), plugin.words.render("nl")) == (english, dutch)
    desk.close()


def an_order_delivered(on: datetime.date | None, placed: datetime.datetime | None = ORDERED) -> Order:
    delivery = Delivery(paid=Paid.of("4.95", "EUR"), delivered_on=on)
    return attrs.evolve(an_order(a_line("cup", 2)), delivery=delivery, placed_at=placed)


def asked(order: Order, at: datetime.datetime, **settings: Any) -> tuple[str, str, str]:
    """What became of it, and what was said of it in both languages."""
    desk = ReturnDesk(shop=MemoryShop([order]), store="sqlite://", plugins=[ReturnWindow(**settings)], clock=lambda: at)
    done = desk.request_return(order.id, [RequestedLine(line_id="cup", quantity=1)], by=BY, request_id="f1")
    entries = desk.timeline(order.id)
    return (
        desk.dossier(order.id).return_(done.return_id).goods,
        " ".join(entry.text("en") for entry in entries),
        " ".join(entry.text("nl") for entry in entries),
    )


def utc(*parts: int) -> datetime.datetime:
    return datetime.datetime(*parts, tzinfo=datetime.UTC)  # type: ignore[misc]  # parts of a time


@pytest.mark.parametrize(
    ("at", "goods"),
    [
        (utc(2026, 10, 19, 21, 59), "approved"),  # 23:59 of the last day in Amsterdam
        (utc(2026, 10, 19, 22, 0), "requested"),
    ],
)
def test_the_last_day_is_open_to_its_end_in_the_shops_zone(at: datetime.datetime, goods: str) -> None:
    assert asked(an_order_delivered(DELIVERED), at)[0] == goods


def test_what_is_late_waits_and_says_from_when_it_was_counted() -> None:
    goods, english, dutch = asked(an_order_delivered(DELIVERED), utc(2026, 10, 20, 9))
    assert goods == "requested"
    assert (
        "the return window of 14 days ended on 19 October 2026, counted from the delivery on 5 October 2026" in english
    )
    assert "is op 19 oktober 2026 verlopen, gerekend vanaf de bezorging op 5 oktober 2026" in dutch


def test_without_a_delivery_date_it_is_counted_from_the_order_and_says_so() -> None:
    for order in (an_order_delivered(None), attrs.evolve(an_order_delivered(None), delivery=None)):
        goods, english, dutch = asked(order, utc(2026, 10, 20, 9), refuses=True)
        assert goods == "requested"  # nobody knows that it is late, so it is not refused
        assert "ended on 16 October 2026, counted from the order on 2 October 2026, since its delivery date" in english
        assert "gerekend vanaf de bestelling op 2 oktober 2026, omdat de bezorgdatum niet bekend is" in dutch


def test_without_any_date_nobody_can_tell() -> None:
    goods, english, _ = asked(an_order_delivered(None, placed=None), utc(2026, 10, 2, 9), refuses=True)
    assert goods == "requested"
    assert "the order has no delivery date and no order date" in english


def test_a_shop_may_refuse_what_is_late_after_a_known_delivery() -> None:
    assert asked(an_order_delivered(DELIVERED), utc(2026, 10, 20, 9), refuses=True)[0] == "rejected"


def test_a_window_ends_on_no_holiday_and_no_weekend() -> None:
    christmas = {datetime.date(2026, 12, 25), datetime.date(2026, 12, 26)}
    order = an_order_delivered(datetime.date(2026, 12, 11))  # 14 days on it is Christmas, a Friday
    assert asked(order, utc(2026, 12, 28, 9), holidays=christmas)[0] == "approved"
    assert asked(order, utc(2026, 12, 28, 9))[0] == "requested"


@given(since=strategies.dates(max_value=datetime.date(9000, 1, 1)), days=strategies.integers(1, 3660))
def test_a_period_is_never_shorter_than_its_days_and_ends_on_a_working_day(since: datetime.date, days: int) -> None:
    last = last_day_of_period(since, days)
    assert days <= (last - since).days <= days + 2
    assert last.weekday() < 5


@pytest.mark.parametrize("days", [0, -1, 3661, True, 14.0, "14", None])
def test_days_that_are_none_are_an_error_that_says_what_they_are(days: Any) -> None:
    with pytest.raises(InvalidArgument, match="days= is a whole number of days, from 1 to 3660"):
        ReturnWindow(days)


def test_a_zone_that_is_none_is_an_error() -> None:
    with pytest.raises(InvalidArgument, match="zone="):
        ReturnWindow(zone="Mars/Olympus")


def test_a_day_that_can_not_be_read_stays_as_it_was_written() -> None:
    assert "ended on soon" in reason(ReasonCode.WINDOW_ENDED, days="14", ended="soon", since="2026-10-05").text("en")
