"""What plugins hear of a return's request, approval and end: once per event, after commit, each plugin by itself."""

from __future__ import annotations

import datetime
import logging
from collections.abc import Callable
from typing import Any

import pytest

from retour import (
    Actor,
    ApprovedReturn,
    ClosedReturn,
    EvidenceFile,
    GoodsState,
    HookContext,
    Objection,
    Order,
    RequestedLine,
    RequestedReturn,
    RestockDecision,
    ReturnDesk,
    connect,
    hookimpl,
)
from retour.testing import a_line, an_order

ANNA = Actor.staff("anna")
CUSTOMER = Actor.customer("c-17")
NOW = datetime.datetime(2026, 11, 23, 12, 0, tzinfo=datetime.UTC)
TODAY = NOW.date()
MakeDesk = Callable[..., ReturnDesk]


class Listener:
    """Hears of returns; fails as often as it is told to."""

    def __init__(self, name: str = "listener", failures: int = 0) -> None:
        self.name, self.failures = name, failures
        self.heard: list[Any] = []
        self.events: list[str | None] = []
        self.by: list[str] = []

    def _hear(self, value: Any, ctx: HookContext) -> None:
        if self.failures:
            self.failures -= 1
            raise ConnectionError("not now")
        self.heard.append(value)
        self.events.append(ctx.event)
        self.by.append(ctx.by.id)

    @hookimpl
    def on_return_requested(self, order: Order, requested: RequestedReturn, ctx: HookContext) -> None:
        assert order.id == "1001"
        self._hear(requested, ctx)

    @hookimpl
    def on_return_approved(self, order: Order, approved: ApprovedReturn, ctx: HookContext) -> None:
        self._hear(approved, ctx)

    @hookimpl
    def on_return_closed(self, order: Order, closed: ClosedReturn, ctx: HookContext) -> None:
        self._hear(closed, ctx)


class Policy:
    """A return_policy that answers what the test says."""

    name = "policy"
    answer: Objection | None = None

    @hookimpl
    def return_policy(self) -> Objection | None:
        return self.answer


ORDER = an_order(a_line("cup", 4), a_line("pot", 1))


def asked(desk: ReturnDesk, form: str = "form-1", units: int = 2) -> Any:
    return desk.request_return("1001", {"cup": units}, by=CUSTOMER, request_id=form)


def make_due(desk: ReturnDesk) -> None:
    """Let every pause of an effect be over."""
    with desk._services.store.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE retour_effect SET not_before = 0, lease_until = 0 WHERE state = 'waiting'")


def kinds(listener: Listener) -> list[str]:
    return [type(one).__name__ for one in listener.heard]


def test_a_request_is_announced_with_reasons_objections_and_how_many_files(make_desk: MakeDesk) -> None:
    listener, policy = Listener(), Policy()
    policy.answer = Objection.review("look at the photo")
    desk = make_desk(ORDER, plugins=[listener, policy])
    lines = [RequestedLine(line_id="cup", quantity=2, reason="does_not_work"), RequestedLine(line_id="pot", quantity=1)]
    files = [EvidenceFile(reference="file-1")]
    outcome = desk.request_return("1001", lines, by=CUSTOMER, request_id="f", evidence=files, note="mine")
    (heard,) = listener.heard
    assert (heard.return_id, heard.number, heard.files) == (outcome.return_id, outcome.return_number, 1)
    assert heard.lines == tuple(lines)
    assert (heard.reason_text("cup", "nl"), heard.reason_text("pot", "nl")) == ("Werkt niet", "")
    assert [str(one.because) for one in heard.objections] == ["look at the photo"]
    assert listener.by == ["c-17"]
    assert "mine" not in repr(heard)
    desk.request_return("1001", lines, by=CUSTOMER, request_id="f", evidence=files, note="mine")
    assert len(listener.heard) == 1, "the same form is the same request"


def test_an_approval_is_announced_with_its_day_and_instructions(make_desk: MakeDesk) -> None:
    listener, policy = Listener(), Policy()
    policy.answer = Objection.review("look")
    desk = make_desk(ORDER, plugins=[listener, policy], clock=lambda: NOW)
    one = asked(desk)
    desk.approve_return("1001", one.return_id, by=ANNA, send_by=TODAY, instructions="Use the old box.", note="regular")
    approved = listener.heard[-1]
    assert (approved.number, approved.send_by, approved.again) == (one.return_number, TODAY, False)
    assert approved.instructions == "Use the old box."
    assert approved.lines == (RequestedLine(line_id="cup", quantity=2),)
    assert "old box" not in repr(approved)
    desk.approve_return("1001", one.return_id, by=ANNA)  # nothing new, and nothing is told
    desk.approve_return("1001", one.return_id, by=ANNA, send_by=TODAY + datetime.timedelta(days=1))
    assert kinds(listener) == ["RequestedReturn", "ApprovedReturn", "ApprovedReturn"]
    again = listener.heard[-1]
    assert (again.again, again.instructions) == (True, "Use the old box.")


def test_an_approval_by_no_objection_is_announced_too(make_desk: MakeDesk) -> None:
    listener = Listener()
    asked(make_desk(ORDER, plugins=[listener]))
    assert kinds(listener) == ["RequestedReturn", "ApprovedReturn"]
    assert listener.by == ["c-17", "policy"]
    assert len(set(listener.events)) == 2


def test_each_end_is_announced_with_how_it_ended(make_desk: MakeDesk) -> None:
    listener, policy, now = Listener(), Policy(), [NOW]
    desk = make_desk(ORDER, plugins=[listener, policy], clock=lambda: now[0])
    policy.answer = Objection.refuse("Cups stay sold")
    asked(desk)
    policy.answer = Objection.review("look")
    rejected = asked(desk, "form-2").return_id
    desk.reject_return("1001", rejected, by=ANNA, because="It was used")
    policy.answer = None
    cancelled = asked(desk, "form-3").return_id
    desk.cancel_return("1001", cancelled, by=CUSTOMER)
    expired = asked(desk, "form-4").return_id
    desk.approve_return("1001", expired, by=ANNA, send_by=TODAY)
    now[0] += datetime.timedelta(days=1)
    assert desk.work().expired == 1
    desk.work()
    closed = asked(desk, "form-5").return_id
    desk.receive("1001", closed, {"cup": 1}, by=ANNA, request_id="parcel")
    desk.answer_restock("1001", closed, RestockDecision.by_hand(), by=ANNA)
    desk.close_return("1001", closed, by=ANNA)
    ends = [one for one in listener.heard if isinstance(one, ClosedReturn)]
    assert [(one.ended, one.because) for one in ends] == [
        (GoodsState.REJECTED, "Cups stay sold"),
        (GoodsState.REJECTED, "It was used"),
        (GoodsState.CANCELLED, ""),
        (GoodsState.EXPIRED, ""),
        (GoodsState.CLOSED, ""),
    ]
    assert [one.return_id for one in ends[1:]] == [rejected, cancelled, expired, closed]
    assert len(set(listener.events)) == len(listener.events)


def test_a_plugin_that_fails_is_told_again_alone(make_desk: MakeDesk, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.CRITICAL, "retour.plugins")
    broken, fine = Listener("broken", failures=3), Listener("fine")
    desk = make_desk(ORDER, plugins=[broken, fine])
    one = asked(desk).return_id
    desk.cancel_return("1001", one, by=CUSTOMER)
    assert kinds(fine) == ["RequestedReturn", "ApprovedReturn", "ClosedReturn"]
    assert broken.heard == []
    make_due(desk)
    assert desk.work().done == 3
    assert sorted(kinds(broken)) == sorted(kinds(fine))
    assert sorted(map(str, broken.events)) == sorted(map(str, fine.events))
    make_due(desk)
    assert desk.work().done == 0
    assert len(fine.heard) == 3


def test_nothing_is_announced_of_what_was_not_committed(make_desk: MakeDesk, database: str) -> None:
    listener = Listener()
    desk = make_desk(ORDER, plugins=[listener])
    engine = connect(database)
    with engine.connect() as host:
        transaction = host.begin()
        desk.request_return("1001", {"cup": 1}, by=CUSTOMER, request_id="form-1", connection=host)
        transaction.rollback()
    assert (desk.work().done, listener.heard) == (0, [])
    with engine.begin() as host:
        kept = desk.request_return("1001", {"cup": 1}, by=CUSTOMER, request_id="form-1", connection=host)
        assert listener.heard == []
    engine.dispose()
    desk.run(kept)
    assert kinds(listener) == ["RequestedReturn", "ApprovedReturn"]


def test_what_happened_before_there_were_these_hooks_is_not_announced(make_desk: MakeDesk) -> None:
    """Rows of events alone announce nothing: a plugin that is new hears of what happens from then on."""
    before = make_desk(ORDER)
    old, ended = asked(before).return_id, asked(before, "form-2", 1).return_id
    before.cancel_return("1001", ended, by=CUSTOMER)
    listener = Listener()
    after = make_desk(ORDER, plugins=[listener])
    after.work()
    after.timeline("1001")
    after.reconcile("1001")
    asked(after)  # the form of before, sent again
    assert listener.heard == []
    after.cancel_return("1001", old, by=CUSTOMER)
    assert [(one.return_id, one.ended) for one in listener.heard] == [(old, GoodsState.CANCELLED)]


def test_forgotten_instructions_are_empty_where_a_plugin_hears_of_them_late(
    tell_database: Callable[[datetime.datetime], None], make_desk: MakeDesk
) -> None:
    listener, now = Listener(failures=3), [NOW]
    desk = make_desk(ORDER, plugins=[listener], clock=lambda: now[0])
    one = asked(desk).return_id
    desk.approve_return("1001", one, by=ANNA, instructions="Use the old box.")
    now[0] += datetime.timedelta(days=366)
    tell_database(now[0])
    make_due(desk)
    desk.work()
    told = [(one.instructions, one.again) for one in listener.heard if isinstance(one, ApprovedReturn)]
    assert sorted(told) == [("", False), ("", True)]
