"""Units are worth what they were when they were counted, in the order in which they were, whatever a clock said."""

from __future__ import annotations

import datetime

from retour import Actor, MemoryShop, Money, ReturnDesk
from retour.testing import a_line, a_payment, an_order

NOON = datetime.datetime(2026, 11, 23, 12, 0, tzinfo=datetime.UTC)
ANNA = Actor.staff("anna")


def an_order_of(bowls: int, paid: str) -> object:
    lines = [a_line("cup", 1, "100.00"), a_line("bowl", bowls, paid)]
    return an_order(*lines, payments=[a_payment("400.00", provider="manual_transfer", reference="INV-1")])


def suggested(desk: ReturnDesk) -> list[Money]:
    return [option.suggested for option in desk.refund_options("1001")]


def test_a_clock_that_was_a_day_ahead_at_the_first_count_changes_no_amount() -> None:
    """The first bowl was one of two for EUR 60.00, the others two of three for EUR 60.00."""
    now = [NOON + datetime.timedelta(days=1)]
    shop = MemoryShop([an_order_of(2, "60.00")])
    desk = ReturnDesk(shop=shop, store="sqlite://", plugins=["manual_transfer"], clock=lambda: now[0])
    desk.mark_returned("1001", {"bowl": 1}, by=ANNA, request_id="first")
    shop.orders["1001"] = an_order_of(3, "60.00")  # type: ignore[assignment]
    now[0] = NOON
    desk.mark_returned("1001", {"bowl": 2}, by=ANNA, request_id="second")
    assert suggested(desk) == [Money.of("70.00", "EUR")]
