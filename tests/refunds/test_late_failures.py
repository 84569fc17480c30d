"""Succeeded is not the end: while a bank can send a refund back, work() looks again, behind all else and at a pace."""

from __future__ import annotations

import datetime
import logging
import threading
from collections.abc import Sequence
from typing import Any

import attrs
import pytest

from retour import Actor, Mode, Money, StockMovement, When
from retour.effects.kinds import KINDS, LookAgain, to_store
from retour.model.refunds import Refund, RefundSource, RefundState, Reported
from retour.providers import ErrorCode, ProviderError, RefundStatus, Support, WebhookTrust
from retour.rules.late_failures import LONGEST, first_look, until_next_look
from retour.store.clock import SECOND
from retour.store.commit import Commit
from retour.store.effects import BETWEEN_LOOKS, LOOKS_AT_ONCE
from retour.testing import a_line, a_payment, an_order

ANNA = Actor.staff("anna")
EUR40 = Money.of("40", "EUR")
HOUR, DAY = datetime.timedelta(hours=1), datetime.timedelta(days=1)
NINETY_DAYS = 90 * DAY
MINUTE_OF_LOOKS = 60 * SECOND // BETWEEN_LOOKS


@pytest.fixture(autouse=True)
def quiet(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.CRITICAL, "retour")


@pytest.fixture
def looks(world: Any) -> list[datetime.datetime]:
    """When a provider was asked about a refund, whose money can come back for ninety days."""
    asked: list[datetime.datetime] = []
    world.open(late_failure_within=NINETY_DAYS)
    world.ledger.watch = lambda call, _: asked.append(world.now) if call == "fetch_refund" else None
    return asked


def sql(world: Any, statement: str) -> None:
    with world.desk._services.store.engine.begin() as connection:
        connection.exec_driver_sql(statement)


def rows(world: Any, what: str, where: str = "kind = 'look_again'") -> list[Any]:
    query = f"SELECT {what} FROM retour_effect WHERE {where} ORDER BY id"  # noqa: S608 - the words are the tests'
    with world.desk._services.store.engine.connect() as connection:
        return [tuple(row) for row in connection.exec_driver_sql(query)]


def pass_by(world: Any, by: datetime.timedelta) -> None:
    """Time passes for the desk and for the database."""
    world.now += by


def days(world: Any, number: int) -> list[Any]:
    """So many days pass, and each day a worker does what is due; gives what it reported."""
    reports = []
    for _ in range(number):
        pass_by(world, DAY)
        reports.append(world.desk.work())
    return reports


def flood(world: Any, many: int, account: str = "ledger/default/live", shop: str = "default") -> None:
    """So many looks that are due since long ago, each of an order of its own that succeeded."""
    effect = to_store(LookAgain(refund_id="rf", account=account), "la")
    sql(
        world,
        "INSERT INTO retour_effect (id, shop, order_id, kind, plugin, body, state, lease_until, attempts, settled, "  # noqa: S608 - the values are the test's
        "not_before, created_at, problem, behind, account) WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 "
        f"FROM n WHERE i < {many}) SELECT '{account}{shop}' || i, '{shop}', 'o' || i, '{effect.kind}', '', "
        f"'{effect.body}', 'waiting', 0, 0, 0, 1, 1, '', {effect.behind}, '{account}' FROM n",
    )


def claimed(world: Any, limit: int = 20, owner: str = "wk") -> list[Any]:
    """The looks that a worker would take next."""
    effects = world.desk._services.store.effects
    accounts, _ = effects.accounts_to_ask("")
    taken: list[Any] = effects.claim_looks(accounts, owner, lease=60 * SECOND, limit=limit, kinds=KINDS)
    return taken


# --- what is found ---------------------------------------------------------------------------------------


def test_a_refund_that_fails_after_it_succeeded_is_reversed_and_its_money_can_go_back_again(
    world: Any, looks: list[Any]
) -> None:
    world.desk.mark_returned("1001", by=ANNA)
    world.refund("100.00")
    assert not world.desk.refund_options("1001")[0].suggested
    days(world, 2)
    world.ledger.turn("re_1", RefundStatus.FAILED)
    days(world, 3)
    assert world.states == ["reversed"]
    assert world.desk.refund_options("1001")[0].suggested == Money.of("100", "EUR")
    assert "reversed" in world.desk.timeline("1001")[-1].text("en")
    asked = len(looks)
    days(world, 100)
    assert (len(looks), rows(world, "state", "kind = 'look_again' AND state <> 'done'")) == (asked, [])


def test_a_refund_that_was_made_in_the_dashboard_can_come_back_too(world: Any, looks: list[Any]) -> None:
    world.ledger.add("p_1", EUR40)
    world.desk.reconcile("1001")
    world.ledger.turn("re_1", RefundStatus.FAILED)
    days(world, 2)
    assert world.states == ["reversed"]


def test_a_refund_that_was_matched_is_looked_at_once_each_time(world: Any, looks: list[Any]) -> None:
    world.open_link("40.00")
    for _ in range(2):
        world.ledger.add("p_1", EUR40)
    pass_by(world, HOUR)
    world.desk.reconcile("1001")
    waiting, one, _ = world.refunds
    world.desk.match_refund("1001", waiting.id, one.id, by=ANNA)
    days(world, 2)
    assert len(looks) == 2
    world.ledger.turn(one.reference, RefundStatus.FAILED)
    days(world, 3)
    assert world.states == ["reversed", "succeeded"]


def test_a_refund_that_a_person_confirmed_first_and_the_provider_then_reported_is_looked_at(
    world: Any, looks: list[Any]
) -> None:
    world.open_link("40.00")
    pass_by(world, HOUR)
    world.ledger.add("p_1", EUR40)
    confirm = world.desk.confirm_refund
    confirm("1001", "p_1", EUR40, reference="re_1", refund_id=world.refunds[0].id, by=ANNA, request_id="c")
    assert rows(world, "state") == []
    world.desk.reconcile("1001")
    days(world, 2)
    assert len(looks) == 1


def test_what_only_a_person_said_is_not_asked_about(world: Any, looks: list[Any]) -> None:
    confirm = world.desk.confirm_refund
    confirm("1001", "p_1", EUR40, reference="BANK-77", by=ANNA, request_id="c")
    days(world, 10)
    assert (looks, rows(world, "state")) == ([], [])


def test_a_look_at_what_only_a_person_said_as_a_migration_leaves_one_asks_nobody(world: Any, looks: list[Any]) -> None:
    confirm = world.desk.confirm_refund
    refund_id = confirm("1001", "p_1", EUR40, reference="BANK-77", by=ANNA, request_id="c").refund_id
    effect = to_store(LookAgain(refund_id=refund_id, account="ledger/default/live"), f"la{refund_id}")
    world.desk._services.store.save(
        Commit(id="cm", shop="default", order_id="1001", expected=0, events=(), effects=[effect])
    )
    days(world, 2)
    assert (looks, rows(world, "state")) == ([], [("done",)])


def test_a_refund_that_came_back_by_webhook_is_asked_about_no_more(world: Any, looks: list[Any]) -> None:
    world.refund()
    world.ledger.turn("re_1", RefundStatus.FAILED)
    world.desk.receive_webhook("ledger", {"Signature": "right"}, b"event:re_1")
    assert world.states == ["reversed"]
    days(world, 10)
    assert (looks, rows(world, "state")) == ([], [("done",)])


def test_an_answer_about_another_refund_is_recorded_as_it_is_and_changes_nothing_of_this_one(
    world: Any, looks: list[Any]
) -> None:
    world.refund()
    another = world.ledger.add("p_1", Money.of("7", "EUR"))
    world.ledger.refunds["re_1"], kept = another, world.ledger.refunds["re_1"]
    (report,) = [one for one in days(world, 2) if not one.idle]
    assert (report.failed, world.states) == (1, ["succeeded", "succeeded"])
    world.ledger.refunds["re_1"] = kept
    days(world, 2)
    assert world.states == ["succeeded", "succeeded"]


# --- how often -------------------------------------------------------------------------------------------


def test_it_is_looked_at_seven_times_in_ninety_days_ever_more_rarely_and_then_no_more(
    world: Any, looks: list[Any]
) -> None:
    began = world.now
    world.refund()
    reports = days(world, 120)
    ages = [(at - began) / DAY for at in looks]
    assert len(ages) == 7
    assert all(plan <= age <= plan * 1.25 + 1 for age, plan in zip(ages, (1, 3, 7, 14, 30, 60, 90), strict=True))
    assert rows(world, "state, problem") == [("done", "")]
    assert [one.failed for one in reports] == [0] * 120
    assert sum(one.done for one in reports) == 1  # a look that found nothing is no news, and the last ends it


def test_a_look_that_found_nothing_leaves_a_worker_idle(world: Any, looks: list[Any]) -> None:
    world.refund()
    (first, _) = days(world, 2)
    assert (first.idle, first.failed, first.postponed) == (True, 0, ())
    assert len(looks) == 1


@pytest.mark.parametrize(
    "capabilities",
    [
        {"late_failure_within": None},
        {"late_failure_within": NINETY_DAYS, "fetch_refund": Support.PROVIDER_CANNOT},
    ],
    ids=["where nothing comes back", "where nobody can be asked"],
)
def test_nobody_is_asked(world: Any, capabilities: dict[str, Any]) -> None:
    calls: list[str] = []
    world.open(**capabilities).ledger.watch = lambda call, _: calls.append(call)
    world.refund()
    calls.clear()
    days(world, 2)
    assert (calls, rows(world, "state")) == ([], [("done",)])


def test_who_works_only_after_the_time_is_over_looks_once(world: Any, looks: list[Any]) -> None:
    world.refund()
    pass_by(world, 400 * DAY)
    world.ledger.turn("re_1", RefundStatus.FAILED)
    world.desk.work()
    assert (len(looks), world.states, rows(world, "state")) == (1, ["reversed"], [("done",)])


def a_refund(number: int = 0) -> Refund:
    at = datetime.datetime(2026, 11, 23, tzinfo=datetime.UTC)
    return Refund(
        id=f"rf{number}",
        payment="ledger:p_1",
        amount=EUR40,
        state=RefundState.SUCCEEDED,
        source=RefundSource.API,
        opened=When(seq=1, at=at),
        changed=When(seq=1, at=at),
        reported=frozenset({Reported.SUCCEEDED}),
        succeeded_at=at,
    )


def test_refunds_of_one_moment_are_looked_at_hours_apart() -> None:
    firsts = [first_look(f"rf{number}") for number in range(1000)]
    assert len({int(one.total_seconds() / 60) for one in firsts}) > 300  # of the 360 minutes that there are
    assert DAY <= min(firsts) <= max(firsts) <= 1.25 * DAY
    for days_later in (2, 5, 10, 20, 50, 89):
        nexts = [
            until_next_look(a_refund(number), a_refund().at + days_later * DAY, NINETY_DAYS) for number in range(1000)
        ]
        assert len({one for one in nexts if one is not None}) > 300


@pytest.mark.parametrize("within", [HOUR, 3 * DAY, NINETY_DAYS, 180 * DAY, 3000 * DAY])
def test_looks_end_shortly_after_the_time_is_over_and_at_the_latest_after_a_year(within: datetime.timedelta) -> None:
    refund, now, last = a_refund(), a_refund().at, None
    while (pause := until_next_look(refund, now, within)) is not None:
        assert pause > 0 * DAY
        now, last = now + pause, now + pause
    assert last is not None
    assert min(within, LONGEST) <= last - refund.at <= min(within, LONGEST) + DAY / 4


# --- where it cannot be asked ----------------------------------------------------------------------------


def test_a_plugin_that_is_away_is_waited_for_and_what_came_back_meanwhile_is_found(
    world: Any, looks: list[Any]
) -> None:
    world.refund()
    days(world, 2)
    world.open_without_the_plugin()
    world.ledger.turn("re_1", RefundStatus.FAILED)
    tried = [one for one in days(world, 30) if one.failed]
    assert 1 <= len(tried) <= 4  # as rarely as it would have been looked at
    assert [one.what for one in tried[0].postponed] == ["look_again"]
    assert "no plugin of this name" in tried[0].postponed[0].problem
    world.open(late_failure_within=NINETY_DAYS)
    days(world, 40)
    assert world.states == ["reversed"]


def test_a_plugin_that_never_comes_back_is_not_waited_for_longer_than_a_year(world: Any, looks: list[Any]) -> None:
    world.refund()
    world.open_without_the_plugin()
    tried = 0
    for _ in range(60):
        pass_by(world, 10 * DAY)
        tried += world.desk.work().failed
    assert tried < 20
    assert rows(world, "state", "kind = 'look_again' AND state <> 'done'") == []


def test_a_provider_that_is_down_is_asked_again_within_the_day_and_one_that_refuses_when_the_next_look_is_due(
    world: Any, looks: list[Any]
) -> None:
    world.refund()
    for error, again in ((ErrorCode.UNAVAILABLE, 2), (ErrorCode.AUTHENTICATION, 1)):
        looks.clear()
        pass_by(world, 1.25 * DAY)

        def fails(call: str, _: object, error: ErrorCode = error) -> None:
            if call == "fetch_refund":
                looks.append(world.now)
                raise ProviderError(error, "not now")

        world.ledger.watch = fails
        assert world.desk.work().failed == 1
        pass_by(world, 7.5 * HOUR)
        world.desk.work()
        assert len(looks) == again
        pass_by(world, 3 * DAY)


def test_where_the_last_look_cannot_be_made_it_is_tried_once_more_a_week_later(world: Any, looks: list[Any]) -> None:
    world.refund()

    def refuses(call: str, _: object) -> None:
        if call == "fetch_refund":
            looks.append(world.now)
            raise ProviderError(ErrorCode.AUTHENTICATION, "the key was revoked")

    world.ledger.watch = refuses
    days(world, 200)
    assert len(looks) == 8
    assert rows(world, "state", "kind = 'look_again' AND state <> 'done'") == []


# --- behind all else -------------------------------------------------------------------------------------


def test_a_flood_of_looks_holds_up_neither_a_refund_nor_a_hint(world: Any) -> None:
    world.open(inline_seconds=0, late_failure_within=NINETY_DAYS, webhooks=WebhookTrust.FETCH)
    for number in range(50):
        flood(world, 20, account=f"ledger/{number:02}/live")
    asked: list[str] = []
    world.ledger.watch = lambda call, _: asked.append(call)
    world.desk.receive_webhook("ledger", {"Signature": "right"}, b"fetch:p_1")
    world.refund()
    world.desk.work(limit=1)
    assert world.states == ["succeeded"]
    world.desk.work(limit=1)
    assert "list_refunds" in asked
    assert rows(world, "id", "kind = 'look_again' AND state = 'done'") == []


def test_looks_have_a_turn_beside_a_flood_of_other_work_one_at_a_time(world: Any, looks: list[Any]) -> None:
    world.refund("1.00")
    pass_by(world, 2 * DAY)
    flood(world, 20, account="ledger/another/live")
    lines = [a_line("cup", 1, "10.00")]
    served: list[str] = []

    class Listening(type(world.shop)):  # type: ignore[misc]
        def book_stock(self, movements: Sequence[StockMovement]) -> None:
            served.append(movements[0].order_id)

    world.shop.__class__ = Listening
    world.open(inline_seconds=0, late_failure_within=NINETY_DAYS)
    for number in range(100):
        order_id = f"o{number:03}"
        payment = a_payment("10.00", provider="ledger", reference=f"p_{order_id}")
        world.shop.orders[order_id] = an_order(*lines, order_id=order_id, payments=[payment])
        world.desk.mark_returned(order_id, by=ANNA)
    for _ in range(8):
        before = len(served)
        world.desk.work(limit=5)
        assert len(served) - before >= 4
    assert len(looks) == 1


def test_orders_that_wait_for_a_look_alone_take_no_turn_of_the_orders_that_wait_for_more(world: Any) -> None:
    world.open(inline_seconds=0)
    flood(world, 300)
    world.refund()
    due = world.desk._services.store.effects.due_by_order("default", "", KINDS, 20)
    assert due == ([rows(world, "id", "kind = 'send_refund'")[0][0]], "")


# --- at an account's pace --------------------------------------------------------------------------------


def test_five_hundred_refunds_of_one_account_are_looked_at_thirty_a_minute_and_none_is_lost(world: Any) -> None:
    world.open()
    flood(world, 500)
    minutes = []
    while rows(world, "id", "state = 'waiting'"):
        looked = 0
        for _ in range(12):  # a worker that looks every five seconds
            looked += world.desk.work(limit=100).done
            pass_by(world, datetime.timedelta(seconds=5, milliseconds=1))  # SQLite's clock is not exact
        minutes.append(looked)
    assert max(minutes) <= MINUTE_OF_LOOKS == 30
    assert sum(minutes) == 500
    assert len(minutes) <= 500 / MINUTE_OF_LOOKS + 2


def test_each_account_mode_and_shop_has_a_pace_of_its_own(world: Any) -> None:
    world.open()
    accounts = ["ledger/default/live", "ledger/default/test", "ledger/second/live", "mollie/default/live"]
    for account in accounts:
        flood(world, 20, account=account)
    flood(world, 20, shop="another")
    taken = claimed(world, limit=1000)
    assert len(taken) == (len(accounts) + 1) * LOOKS_AT_ONCE
    assert claimed(world, limit=1000) == []


def test_who_may_take_few_takes_them_of_the_account_that_was_asked_longest_ago(world: Any) -> None:
    world.open()
    for name in ("c", "b", "a"):
        flood(world, 5, account=name)
        assert claimed(world, limit=1)[0].id[0] == name
        pass_by(world, datetime.timedelta(milliseconds=1))
    pass_by(world, datetime.timedelta(seconds=10))
    assert [claimed(world, limit=1)[0].id[0] for _ in range(3)] == ["c", "b", "a"]


def test_shops_take_turns_where_there_are_many(world: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("retour.store.effects._SHOPS", 2)
    world.open()
    for shop in ("s1", "s2", "s3"):
        flood(world, 1, shop=shop)
    effects = world.desk._services.store.effects
    assert effects.accounts_to_ask("") == ([("s1", "ledger/default/live"), ("s2", "ledger/default/live")], "s2")
    assert effects.accounts_to_ask("s2") == ([("s3", "ledger/default/live")], "")


def test_workers_that_look_at_once_keep_to_one_pace(world: Any) -> None:
    world.open()
    flood(world, 500)
    together, taken = threading.Barrier(4), []

    def worker(number: int) -> None:
        together.wait()
        taken.extend(claimed(world, owner=f"wk{number}"))

    threads = [threading.Thread(target=worker, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(taken) == LOOKS_AT_ONCE
    assert len({one.id for one in taken}) == LOOKS_AT_ONCE


def test_a_worker_that_dies_with_a_look_costs_that_look_a_while(world: Any, looks: list[Any]) -> None:
    world.refund()
    pass_by(world, 2 * DAY)
    assert len(claimed(world, owner="wk gone")) == 1
    assert world.desk.work().idle
    sql(world, "UPDATE retour_effect SET lease_until = 0 WHERE state = 'waiting'")
    world.ledger.turn("re_1", RefundStatus.FAILED)
    world.desk.work()
    assert world.states == ["reversed"]


def test_a_kind_that_a_newer_retour_made_is_left_alone_and_counted(world: Any) -> None:
    world.open()
    flood(world, 3)
    sql(world, "UPDATE retour_effect SET kind = 'look_closer'")
    assert world.desk.work().left_alone == {"look_closer": 3}
    assert rows(world, "state, attempts", "1 = 1") == [("waiting", 0)] * 3


def test_a_look_names_the_account_and_the_mode_of_its_payment(world: Any, looks: list[Any]) -> None:
    payment = attrs.evolve(a_payment("100.00", provider="ledger", reference="p_1", mode=Mode.TEST), account="second")
    world.settings["ledger:second"] = {}
    world.shop.orders["1001"] = an_order(a_line("cup", 4, "100.00"), payments=[payment])
    world.desk.refund("1001", payment.id, EUR40, by=ANNA, request_id="f")
    assert rows(world, "account, behind") == [("ledger/second/test", 2)]
