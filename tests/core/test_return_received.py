"""Plugins hear once that all that was announced is counted, and hear every change of the order's own status."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from retour import Actor, Counted, HookContext, MemoryShop, OrderStatus, ReturnDesk, hookimpl
from retour.model.returns import ReceivedReturn
from retour.testing import a_line, an_order

ANNA, BUYER = Actor.staff("anna"), Actor.customer("c-17")


class Listening:
    """Hears both, and fails as often as the test says."""

    name = "listening"

    def __init__(self, fails: int = 0) -> None:
        self.received: list[ReceivedReturn] = []
        self.statuses: list[OrderStatus] = []
        self.events: list[str] = []
        self.fails = fails

    def _fail(self) -> None:
        self.fails -= 1
        if self.fails >= 0:
            raise ValueError("not now")

    @hookimpl
    def on_return_received(self, received: ReceivedReturn, ctx: HookContext) -> None:
        self._fail()
        self.received.append(received)
        self.events.append(ctx.event)

    @hookimpl
    def on_order_status_changed(self, status: OrderStatus) -> None:
        self._fail()
        self.statuses.append(status)


class Another(Listening):
    name = "another"


def opened(*plugins: Listening) -> ReturnDesk:
    shop = MemoryShop([an_order(a_line("cup", 4), a_line("pot", 1))])
    return ReturnDesk(shop=shop, store="sqlite://", plugins=plugins)


def requested(desk: ReturnDesk, lines: dict[str, int]) -> str:
    return desk.request_return("1001", lines, by=BUYER, request_id=f"asked-{lines}").return_id


def figures(received: ReceivedReturn) -> dict[str, tuple[int, int, int]]:
    """Of each line what was announced, counted and never counted."""
    return {one.line_id: (one.announced, one.counted.units, one.never_counted) for one in received.lines}


def work_again(desk: ReturnDesk) -> None:
    with desk._services.store.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE retour_effect SET not_before = 0, lease_until = 0 WHERE state = 'waiting'")
    desk.work()


# --- all that was announced is counted -------------------------------------------------------------------


def test_it_is_heard_once_when_the_last_announced_unit_is_counted() -> None:
    listening = Listening()
    desk = opened(listening)
    return_id = requested(desk, {"cup": 2, "pot": 1})
    desk.receive("1001", return_id, {"cup": 2}, by=ANNA, request_id="f1")
    assert listening.received == []
    desk.receive("1001", return_id, [Counted(line_id="pot", missing=1)], by=ANNA, request_id="f2")
    (received,) = listening.received
    assert (received.return_id, received.complete) == (return_id, True)
    assert figures(received) == {"cup": (2, 2, 0), "pot": (1, 1, 0)}
    assert [one.counted for one in received.lines] == [
        Counted(line_id="cup", sellable=2),
        Counted(line_id="pot", missing=1),
    ]
    desk.receive("1001", return_id, {"pot": 1}, by=ANNA, request_id="f3")
    assert len(listening.received) == 1


def test_more_than_was_announced_is_told_with_what_was() -> None:
    listening = Listening()
    desk = opened(listening)
    return_id = requested(desk, {"cup": 1})
    counts = {"cup": 2, "pot": 1}
    desk.receive("1001", return_id, counts, by=ANNA, request_id="f1", more_than_requested=True)
    assert figures(listening.received[0]) == {"cup": (1, 2, 0), "pot": (0, 1, 0)}


def test_staff_closes_it_with_units_that_were_never_counted() -> None:
    listening = Listening()
    desk = opened(listening)
    return_id = requested(desk, {"cup": 3})
    counted = desk.receive("1001", return_id, [Counted(line_id="cup", damaged=1)], by=ANNA, request_id="f1")
    assert counted.changed
    desk.close_return("1001", return_id, by=ANNA)
    (received,) = listening.received
    assert not received.complete
    assert figures(received) == {"cup": (3, 1, 2)}


def test_closing_what_was_complete_says_nothing_anew() -> None:
    listening = Listening()
    desk = opened(listening)
    return_id = requested(desk, {"cup": 1})
    desk.receive("1001", return_id, [Counted(line_id="cup", damaged=1)], by=ANNA, request_id="f1")
    desk.close_return("1001", return_id, by=ANNA)
    assert len(listening.received) == 1


def test_a_return_that_nobody_announced_and_one_that_ended_are_not_told() -> None:
    listening = Listening()
    desk = opened(listening)
    return_id = requested(desk, {"cup": 1})
    desk.cancel_return("1001", return_id, by=BUYER)
    counted = desk.mark_returned("1001", [Counted(line_id="cup", damaged=1)], by=ANNA, request_id="f1")
    desk.close_return("1001", counted.return_id, by=ANNA)
    assert listening.received == []


def test_marking_the_order_returned_completes_what_was_announced() -> None:
    listening = Listening()
    desk = opened(listening)
    one, other = requested(desk, {"cup": 1}), requested(desk, {"cup": 2, "pot": 1})
    desk.mark_returned("1001", by=ANNA)
    assert [received.return_id for received in listening.received] == [one, other]


def test_a_correction_that_takes_units_back_makes_it_open_and_its_completion_news() -> None:
    listening = Listening()
    desk = opened(listening)
    return_id = requested(desk, {"cup": 2})
    receipt = desk.receive("1001", return_id, {"cup": 2}, by=ANNA, request_id="f1").receipt_id
    desk.correct_receipt("1001", str(receipt), [Counted(line_id="cup", damaged=2)], by=ANNA)
    assert len(listening.received) == 1  # still complete: no news
    desk.correct_receipt("1001", str(receipt), {"cup": 1}, by=ANNA)
    assert len(listening.received) == 1
    desk.receive("1001", return_id, [Counted(line_id="cup", wrong=1)], by=ANNA, request_id="f2")
    assert [figures(one)["cup"] for one in listening.received] == [(2, 2, 0), (2, 2, 0)]
    desk.correct_receipt("1001", str(receipt), {"cup": 0}, by=ANNA)
    desk.correct_receipt("1001", str(receipt), {"cup": 1}, by=ANNA)
    assert len(listening.received) == 3
    assert len(set(listening.events)) == 3


def test_an_inspection_completes_nothing_that_was_complete() -> None:
    listening = Listening()
    desk = opened(listening)
    return_id = requested(desk, {"cup": 2})
    receipt = desk.receive(
        "1001", return_id, [Counted(line_id="cup", to_inspect=2)], by=ANNA, request_id="f1"
    ).receipt_id
    desk.inspect_receipt("1001", str(receipt), [Counted(line_id="cup", missing=2)], by=ANNA, request_id="f2")
    assert [figures(one) for one in listening.received] == [{"cup": (2, 2, 0)}]


def test_a_plugin_that_fails_is_told_again_alone() -> None:
    failing, well = Listening(fails=1), Another()
    desk = opened(failing, well)
    return_id = requested(desk, {"cup": 1})
    desk.receive("1001", return_id, [Counted(line_id="cup", wrong=1)], by=ANNA, request_id="f1")
    assert (len(failing.received), len(well.received)) == (0, 1)
    work_again(desk)
    assert (len(failing.received), len(well.received)) == (1, 1)
    assert failing.received == well.received
    assert failing.events == well.events


def test_what_was_received_before_this_release_is_not_told_by_it() -> None:
    """Rows of an older release do not say that they completed anything: neither what is left to announce nor a
    correction that leaves a return complete tells plugins of it."""
    desk = opened()
    return_id = requested(desk, {"cup": 1})
    receipt = desk.receive("1001", return_id, {"cup": 1}, by=ANNA, request_id="f1").receipt_id
    listening = Listening()
    later = ReturnDesk(
        shop=MemoryShop([an_order(a_line("cup", 4), a_line("pot", 1))]),
        store=desk._services.store.engine,
        plugins=[listening],
    )
    later.correct_receipt("1001", str(receipt), [Counted(line_id="cup", damaged=1)], by=ANNA)
    later.work()
    assert (listening.received, listening.statuses) == ([], [])


# --- the order's status ----------------------------------------------------------------------------------


def test_the_status_follows_what_is_really_here() -> None:
    listening = Listening()
    desk = opened(listening)
    assert desk.dossier("1001").order_status is OrderStatus.NOT_RETURNED
    return_id = requested(desk, {"cup": 2})
    assert desk.dossier("1001").order_status is OrderStatus.NOT_RETURNED
    first = desk.receive("1001", return_id, {"cup": 1}, by=ANNA, request_id="f1")
    assert first.order_status is OrderStatus.PARTLY_RETURNED
    desk.receive("1001", return_id, {"cup": 1}, by=ANNA, request_id="f2")
    last = desk.mark_returned("1001", by=ANNA)
    assert last.order_status is OrderStatus.RETURNED
    assert listening.statuses == [OrderStatus.PARTLY_RETURNED, OrderStatus.RETURNED]


@pytest.mark.parametrize("lines", [{"cup": 3}, {"cup": 0, "pot": 0}])
def test_a_correction_takes_it_back_and_the_host_hears_it(lines: dict[str, int]) -> None:
    listening = Listening()
    desk = opened(listening)
    receipt = desk.mark_returned("1001", by=ANNA).receipt_id
    desk.correct_receipt("1001", str(receipt), lines, by=ANNA)
    expected = OrderStatus.PARTLY_RETURNED if any(lines.values()) else OrderStatus.NOT_RETURNED
    assert listening.statuses == [OrderStatus.RETURNED, expected]
    assert desk.dossier("1001").order_status is expected


def test_an_inspection_that_finds_another_article_takes_it_back() -> None:
    listening = Listening()
    desk = opened(listening)
    counts = [Counted(line_id="cup", sellable=4), Counted(line_id="pot", to_inspect=1)]
    receipt = desk.mark_returned("1001", counts, by=ANNA, request_id="f1").receipt_id
    desk.inspect_receipt("1001", str(receipt), [Counted(line_id="pot", wrong=1)], by=ANNA, request_id="f2")
    assert listening.statuses == [OrderStatus.RETURNED, OrderStatus.PARTLY_RETURNED]


END: dict[str, Callable[[ReturnDesk, str], object]] = {
    "cancelled": lambda desk, one: desk.cancel_return("1001", one, by=BUYER),
    "missing": lambda desk, one: desk.receive(
        "1001", one, [Counted(line_id="cup", missing=2)], by=ANNA, request_id="f1"
    ),
    "another article": lambda desk, one: desk.receive(
        "1001", one, [Counted(line_id="cup", wrong=2)], by=ANNA, request_id="f1"
    ),
}


@pytest.mark.parametrize("end", END)
def test_a_return_of_which_no_unit_is_here_never_touches_it(end: str) -> None:
    listening = Listening()
    desk = opened(listening)
    END[end](desk, requested(desk, {"cup": 2}))
    assert desk.dossier("1001").order_status is OrderStatus.NOT_RETURNED
    assert listening.statuses == []


def test_a_rejected_return_never_touches_it() -> None:
    class Never:
        @hookimpl
        def return_policy(self) -> object:
            from retour import Objection

            return Objection.refuse("no")

    listening = Listening()
    desk = ReturnDesk(shop=MemoryShop([an_order(a_line("cup", 4))]), store="sqlite://", plugins=[listening, Never()])
    requested(desk, {"cup": 4})
    assert desk.dossier("1001").order_status is OrderStatus.NOT_RETURNED
    assert listening.statuses == []


def test_every_status_reads_in_both_languages() -> None:
    assert [one.words.render("en") for one in OrderStatus] == ["not returned", "partly returned", "returned"]
    assert [one.words.render("nl") for one in OrderStatus] == [
        "niet geretourneerd",
        "deels geretourneerd",
        "geretourneerd",
    ]
