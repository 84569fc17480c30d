"""What the returns of some weeks come to: by week, by reason, and in days until the money had gone back."""

from __future__ import annotations

import datetime
from collections.abc import Iterator
from typing import Any

import attrs
import pytest

from retour import (
    Actor,
    InvalidArgument,
    MemoryShop,
    Money,
    RefundsAfterDays,
    RequestedLine,
    ReturnDesk,
    ReturnsForReason,
)
from retour.testing import a_line, a_payment, an_order

ANNA, BUYER = Actor.staff("anna"), Actor.customer("c-1")
DAY = datetime.timedelta(days=1)
LAST = datetime.date(2026, 10, 27)
"""Two days after the clocks went back: the week that ends with it has an hour more than others."""


@attrs.define
class Told:
    desk: ReturnDesk
    now: list[datetime.datetime]

    def at(self, day: datetime.date, hour: int = 12) -> Told:
        """From now on it is this hour of a day in the shop's zone."""
        zone = self.desk._services.zone
        self.now[0] = datetime.datetime.combine(day, datetime.time(hour), tzinfo=zone)
        return self

    def ask(self, order_id: str, *reasons: str) -> None:
        lines = [RequestedLine(line_id=f"line-{n}", quantity=1, reason=one) for n, one in enumerate(reasons)]
        self.desk.request_return(order_id, lines, by=BUYER, request_id="f")

    def refund(self, order_id: str, amount: str, request_id: str = "g") -> None:
        given: Any = {"reference": f"{order_id}/{request_id}", "by": ANNA, "request_id": request_id}
        self.desk.confirm_refund(order_id, f"inv-{order_id}", Money.of(amount, "EUR"), **given)


@pytest.fixture
def told(database: str) -> Iterator[Told]:
    now = [datetime.datetime(2026, 10, 1, tzinfo=datetime.UTC)]
    orders = [
        an_order(
            *[a_line(f"line-{n}", 2, "20.00") for n in range(3)],
            payments=[a_payment("60.00", provider="manual_transfer", reference=f"inv-{number}")],
            order_id=f"{number}",
            customer="c-1",
        )
        for number in range(1, 7)
    ]
    desk = ReturnDesk(
        shop=MemoryShop(orders), store=database, migrate=True, plugins=["manual_transfer"], clock=lambda: now[0]
    )
    yield Told(desk, now)
    desk.close()


def test_returns_are_counted_in_the_week_of_the_shops_calendar_in_which_they_began(told: Told) -> None:
    told.at(LAST - 7 * DAY, 23).ask("1", "too_small")  # the last hour of the week before
    told.at(LAST - 6 * DAY, 0).ask("2", "too_small")  # the first of the last one
    told.at(LAST, 23).ask("3", "too_large")
    told.at(LAST + DAY, 0).ask("4", "too_large")  # after it
    figures = told.desk.figures(weeks=3, until=LAST)
    assert [one.first for one in figures.weeks] == [LAST - number * DAY for number in (20, 13, 6)]
    assert [one.returns for one in figures.weeks] == [0, 1, 2]
    assert told.at(LAST + DAY).desk.figures(weeks=1).weeks[0].returns == 2  # ends with today: the first is out


def test_a_return_for_several_reasons_is_counted_for_each_once(told: Told) -> None:
    told.at(LAST).ask("1", "too_small", "too_small", "changed_mind")
    told.ask("2", "changed_mind")
    told.at(LAST - 30 * DAY).ask("3", "too_large")
    assert told.desk.figures(weeks=2, until=LAST).reasons == (
        ReturnsForReason(reason="changed_mind", returns=2),
        ReturnsForReason(reason="too_small", returns=1),
    )


def test_days_are_counted_from_the_first_return_of_an_order_to_each_refund_that_succeeded(told: Told) -> None:
    told.at(LAST - 6 * DAY, 10).ask("1", "too_small")
    told.at(LAST - 4 * DAY, 9).refund("1", "5")  # an hour less than two days
    told.at(LAST - 4 * DAY, 11).refund("1", "6", "h")
    told.refund("2", "7")  # of no return of these weeks
    told.at(LAST).desk.open_refund_link("1", "inv-1", Money.of("8", "EUR"), by=ANNA, request_id="i")  # it waits
    figures = told.desk.figures(weeks=1, until=LAST)
    assert figures.days_to_refund == (RefundsAfterDays(days=1, refunds=1), RefundsAfterDays(days=2, refunds=1))
    assert figures.weeks[0].refunded == (Money.of("18", "EUR"),)


def test_money_that_was_there_before_its_return_took_no_days(told: Told) -> None:
    told.at(LAST - DAY).refund("1", "5")
    told.at(LAST).ask("1", "too_small")
    assert told.desk.figures(weeks=1, until=LAST).days_to_refund == (RefundsAfterDays(days=0, refunds=1),)


def test_figures_agree_with_the_lists_of_the_same_period(told: Told) -> None:
    for number in range(1, 7):
        told.at(LAST - number * 3 * DAY).ask(f"{number}", "too_small")
    figures = told.desk.figures(weeks=2, until=LAST)
    begin = datetime.datetime.combine(figures.weeks[0].first, datetime.time(), tzinfo=told.desk._services.zone)
    rows = told.desk.list_returns(opened_from=begin, reason="too_small").returns
    assert sum(one.returns for one in figures.weeks) == figures.reasons[0].returns == len(rows) == 4


def test_another_shops_returns_are_in_no_figure(database: str) -> None:
    shop = MemoryShop([an_order(a_line("cup", 2))])
    desk = ReturnDesk(shop=lambda _: shop, store=database, migrate=True)
    desk.for_shop("north").mark_returned("1001", by=ANNA)
    assert [desk.for_shop(one).figures(weeks=1).weeks[0].returns for one in ("north", "south")] == [1, 0]
    desk.close()


@pytest.mark.parametrize("weeks", [0, -1, 107, True])
def test_figures_are_of_a_bounded_number_of_weeks(told: Told, weeks: int) -> None:
    with pytest.raises(InvalidArgument):
        told.desk.figures(weeks=weeks)


@pytest.mark.parametrize("until", [datetime.date.min, datetime.date.max])
def test_figures_end_with_a_day_that_has_weeks_before_it(told: Told, until: datetime.date) -> None:
    with pytest.raises(InvalidArgument, match="Figures end with a day"):
        told.desk.figures(until=until)
