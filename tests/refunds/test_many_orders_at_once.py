"""Refunds side by side: of different orders at once, of one order never, no more at one account than it can bear."""

from __future__ import annotations

import contextvars
import datetime
import json
import logging
import os
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import attrs
import pytest
from sqlalchemy import create_engine

from retour import Actor, MemoryShop, Mode, Money, Order, Payment, Refund, ReturnDesk, StockMovement, hookimpl
from retour.effects.kinds import KINDS
from retour.effects.side_by_side import PLACES, SLOW, Places
from retour.model.errors import InvalidArgument
from retour.providers import (
    ErrorCode,
    Idempotency,
    LinkRequest,
    PaymentCapabilities,
    ProviderError,
    RefundLink,
    RefundRequest,
    RefundResult,
    RefundStatus,
    Support,
)
from retour.store.effects import Effects
from retour.testing import a_line, a_payment, an_order
from retour_stripe.sandbox import StripeSandbox

ANNA = Actor.staff("anna")
LONG = 30.0
"""Seconds after which a test has failed."""

MakeDesk = Callable[..., ReturnDesk]


@pytest.fixture(autouse=True)
def quiet(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.CRITICAL, "retour")


class Bank:
    """A provider that many threads ask: it sees who asks at once, and lets happen what ``meanwhile`` says."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.at_work: list[RefundRequest] = []
        self.accounts: Counter[str] = Counter()
        self.most: Counter[str] = Counter()
        self.overlapped: set[str] = set()
        self.made: Counter[str] = Counter()
        self.orders: list[str] = []
        self.meanwhile: Callable[[RefundRequest, str], object] = lambda _, __: None

    @contextmanager
    def asked(self, request: RefundRequest, account: str) -> Iterator[None]:
        with self.lock:
            if request.order_id in [one.order_id for one in self.at_work]:
                self.overlapped.add(request.order_id)
            self.at_work.append(request)
            self.accounts[account] += 1
            self.most[account] = max(self.most[account], self.accounts[account])
        try:
            yield
        finally:
            with self.lock:
                self.at_work.remove(request)
                self.accounts[account] -= 1

    def refund(self, request: RefundRequest, account: str) -> RefundResult:
        with self.asked(request, account):
            self.meanwhile(request, account)
            with self.lock:
                self.made[request.refund_id] += 1
                self.orders.append(request.order_id)
        return self.found(request)

    def found(self, request: RefundRequest) -> RefundResult:
        return RefundResult(
            reference=f"re_{request.refund_id}",
            target=request.target,
            status=RefundStatus.SUCCEEDED,
            amount=request.amount,
            provider_status="succeeded",
            refund_id=request.refund_id,
        )


@attrs.frozen(kw_only=True)
class Settings:
    account: str = "default"
    mode: Mode | None = None


def plugin_of(bank: Bank) -> object:
    """The plugin of a provider that asks ``bank``."""

    class Pay:
        name = "pay"
        display_name = "Pay"
        api = 2
        settings_type = Settings
        capabilities = PaymentCapabilities(
            refund_by_api=Support.YES,
            find_refund=Support.YES,
            outcome_within=datetime.timedelta(days=3),
            idempotency=Idempotency(header="Key", window=datetime.timedelta(hours=1)),
        )

        def __init__(self, settings: Settings, http: object) -> None:
            del http
            self.settings = settings

        def refund_url(self, request: LinkRequest) -> RefundLink:
            raise ProviderError(ErrorCode.CONFIGURATION, "there is no page")

        def refund(self, request: RefundRequest) -> RefundResult:
            return bank.refund(request, self.settings.account)

        def find_refund(self, request: RefundRequest) -> RefundResult | None:
            return bank.found(request) if bank.made[request.refund_id] else None

    class Plugin:
        name = "pay"

        @hookimpl
        def payment_providers(self) -> list[type]:
            return [Pay]

    return Plugin()


@attrs.define
class World:
    """A desk that leaves its refunds to ``work()``, and a bank."""

    make_desk: MakeDesk
    bank: Bank = attrs.field(factory=Bank)
    shop: MemoryShop = attrs.field(factory=MemoryShop)
    desk: ReturnDesk = None  # type: ignore[assignment]

    def open(self, *plugins: object, **more: Any) -> World:
        self.desk = self.make_desk(
            **{
                "shop": self.shop,
                "plugins": [plugin_of(self.bank), *plugins],
                "settings": {"pay": {}, "pay:slow": {"account": "slow"}},
                "inline_seconds": 0,
                **more,
            }
        )
        return self

    def leave(self, *order_ids: str, account: str = "default", refunds: int = 1) -> list[str]:
        """Leave refunds of new orders to ``work()``; gives their ids."""
        made: list[str] = []
        for order_id in order_ids:
            payment = attrs.evolve(a_payment("100.00", provider="pay", reference=f"p_{order_id}"), account=account)
            self.shop.orders[order_id] = an_order(a_line("cup", 1, "100.00"), order_id=order_id, payments=[payment])
            for number in range(refunds):
                outcome = self.desk.refund(
                    order_id, payment.id, Money.of("1", "EUR"), by=ANNA, request_id=f"form-{number}"
                )
                assert outcome.refund_id is not None
                made.append(outcome.refund_id)
        return made

    def states(self) -> Counter[str]:
        """The states of all refunds in the store."""
        dossiers = [self.desk.dossier(order_id) for order_id in self.shop.orders]
        return Counter(one.state.value for dossier in dossiers for one in dossier.refunds.values())

    def rows(self, what: str, where: str = "1 = 1") -> list[Any]:
        query = f"SELECT {what} FROM retour_effect WHERE {where} ORDER BY id"  # noqa: S608 - the test's own
        with self.desk._services.store.engine.connect() as connection:
            return [tuple(row) for row in connection.exec_driver_sql(query)]

    def held(self) -> list[Any]:
        """Effects that somebody has, or that nobody knows the end of."""
        return self.rows("kind, order_id", "state = 'waiting' AND (owner IS NOT NULL OR attempts <> settled)")


@pytest.fixture
def world(make_desk: MakeDesk) -> World:
    return World(make_desk)


def names(many: int, letter: str = "o") -> list[str]:
    return [f"{letter}{number:02}" for number in range(many)]


# --- at once ---------------------------------------------------------------------------------------------


def test_refunds_of_different_orders_are_sent_at_once(world: World) -> None:
    together = threading.Barrier(5)
    world.open().leave(*names(15))
    world.bank.meanwhile = lambda _, __: together.wait(LONG)  # or it breaks
    report = world.desk.work(concurrency=5)
    assert (report.done, report.failed, world.states()) == (15, 0, {"succeeded": 15})
    assert set(world.bank.made.values()) == {1}
    assert world.bank.most["default"] == 5


def test_one_is_the_usual_and_makes_no_thread(world: World) -> None:
    threads: list[threading.Thread] = []
    world.open().leave(*names(3))
    world.bank.meanwhile = lambda _, __: threads.append(threading.current_thread())
    assert world.desk.work().done == 3
    assert set(threads) == {threading.current_thread()}
    assert world.bank.most["default"] == 1


def test_one_order_is_never_worked_on_twice_at_once(world: World) -> None:
    world.open().leave("busy", refunds=12)
    world.leave(*names(12))
    world.bank.meanwhile = lambda _, __: time.sleep(0.03)
    assert world.desk.work(concurrency=8).done == 24
    assert world.bank.overlapped == set()
    assert world.bank.most["default"] > 1
    assert (set(world.bank.made.values()), world.states()) == ({1}, {"succeeded": 24})


def test_nothing_of_it_is_left_when_the_call_returns(world: World) -> None:
    world.open().leave(*names(6))
    before = threading.active_count()
    assert world.desk.work(concurrency=4).done == 6
    assert threading.active_count() == before


def test_a_thread_works_in_the_context_of_the_call(world: World) -> None:
    """What a host keeps there, and that a hook which has the desk work is asked within its own answer."""
    of_the_host: contextvars.ContextVar[str] = contextvars.ContextVar("of_the_host", default="")
    seen: set[str] = set()
    world.open().leave(*names(4))
    world.bank.meanwhile = lambda _, __: seen.add(of_the_host.get())
    token = of_the_host.set("a request")
    world.desk.work(concurrency=4)
    of_the_host.reset(token)
    assert seen == {"a request"}


@attrs.define
class Failing(MemoryShop):
    """A shop that cannot book every third order."""

    def __init__(self, orders: Sequence[Order]) -> None:
        super().__init__(orders)

    def book_stock(self, movements: Sequence[StockMovement]) -> None:
        if int(movements[0].order_id[1:]) % 3 == 0:
            raise ConnectionError(f"no answer about {movements[0].order_id}")
        super().book_stock(movements)


def test_the_report_is_the_same_whatever_is_done_at_once(make_desk: MakeDesk) -> None:
    orders = [an_order(a_line("cup", 2), order_id=order_id) for order_id in names(50)]
    shops = {name: Failing(orders) for name in ("a", "b")}
    desk = make_desk(shop=lambda name: shops[name], shop_id="a", inline_seconds=0)
    reports = []
    for name, concurrency in (("a", 1), ("b", 8)):
        for order in reversed(orders):
            desk.for_shop(name).mark_returned(order.id, by=ANNA)
        report = desk.work(concurrency=concurrency)
        assert {one.shop for one in report.postponed} == {name}
        postponed = tuple([attrs.evolve(one, shop="") for one in report.postponed])
        reports.append(attrs.evolve(report, postponed=postponed))
        with desk._services.store.engine.begin() as connection:
            connection.exec_driver_sql("UPDATE retour_effect SET state = 'done'")
    assert reports[0] == reports[1]
    assert (reports[0].done, reports[0].failed) == (33, 17)


def test_at_most_as_many_as_asked_for_are_taken(world: World) -> None:
    world.open().leave(*names(30))
    assert world.desk.work(limit=7, concurrency=8).done == 7
    assert sum(world.bank.made.values()) == 7
    assert world.held() == []


# --- what is slow, and what fails ------------------------------------------------------------------------


def test_an_account_that_does_not_answer_leaves_a_thread_to_the_others(world: World) -> None:
    """Also where so much of it was due before that nobody else's would be taken for long."""
    others_are_done, heard = threading.Event(), list[bool]()

    def meanwhile(_: RefundRequest, account: str) -> None:
        if account == "slow":
            heard.append(others_are_done.wait(LONG))
        elif sum(world.bank.made.values()) == 9:
            others_are_done.set()

    world.bank.meanwhile = meanwhile
    world.open().leave(*names(60, "s"), account="slow")
    world.leave(*names(10, "q"))
    report = world.desk.work(concurrency=4)
    assert (report.done, world.states()) == (70, {"succeeded": 70})
    assert set(heard) == {True}
    assert (world.bank.most["slow"], world.bank.most["default"]) == (4, 1)


def test_a_plugin_that_does_not_answer_holds_up_no_refund_of_another_order(world: World) -> None:
    refunds_are_made, heard = threading.Event(), list[bool]()

    class Crm:
        name = "crm"

        @hookimpl
        def on_refund_changed(self, order: Order, refund: Refund) -> None:
            if refund.state == "succeeded":
                heard.append(refunds_are_made.wait(LONG))

    def meanwhile(_: RefundRequest, __: str) -> None:
        if sum(world.bank.made.values()) == 11:
            refunds_are_made.set()

    world.bank.meanwhile = meanwhile
    world.open(Crm()).leave(*names(12))
    world.desk.work(concurrency=3)
    assert set(heard) == {True}
    assert world.states() == {"succeeded": 12}


def test_never_more_than_so_many_at_one_account_however_many_threads_there_are(world: World) -> None:
    together = threading.Barrier(PLACES)
    world.open().leave(*names(2 * PLACES))
    world.bank.meanwhile = lambda _, __: together.wait(LONG)
    assert world.desk.work(concurrency=3 * PLACES).done == 2 * PLACES
    assert world.bank.most["default"] == PLACES


def test_an_account_that_says_it_is_asked_too_often_is_asked_one_at_a_time(world: World) -> None:
    asked: list[int] = []

    def meanwhile(request: RefundRequest, _: str) -> None:
        time.sleep(0.05)
        asked.append(world.bank.accounts["default"])
        if request.order_id in ("o00", "o01"):
            raise ProviderError(ErrorCode.RATE_LIMITED, "slow down", not_before=datetime.timedelta(hours=1))

    world.bank.meanwhile = meanwhile
    world.open().leave("o00")
    world.desk.work(concurrency=8)
    world.leave(*names(12)[1:])
    report = world.desk.work(concurrency=8)
    assert (report.done, report.failed) == (10, 1)
    assert asked[:3] == [1, 1, 1]
    assert max(asked) > 1  # and more again when it answers


def test_places_grow_back_one_by_one_with_each_answer() -> None:
    places = Places()
    places.answered("a", SLOW + 1, too_often=False)
    assert (places.of("a"), places.of("b")) == (1, PLACES)
    for expected in (2, 3, 4, 5, 6, 7, 8, 8, 8):
        places.answered("a", 0.2, too_often=False)
        assert places.of("a") == expected
    places.answered("a", 0.2, too_often=True)
    assert places.of("a") == 1


def test_one_that_raises_costs_no_other(world: World) -> None:
    def meanwhile(request: RefundRequest, _: str) -> None:
        if request.order_id == "o03":
            raise SystemExit(3)

    world.bank.meanwhile = meanwhile
    world.open().leave(*names(8))
    report = world.desk.work(concurrency=4)
    assert (report.done, [one.order_id for one in report.postponed]) == (7, ["o03"])
    assert world.states() == {"succeeded": 7, "unknown": 1}


def test_what_ended_a_process_runs_when_nothing_else_does(world: World) -> None:
    beside: list[int] = []

    def meanwhile(request: RefundRequest, _: str) -> None:
        if request.order_id == "fallen":
            for _ in range(20):
                beside.append(len(world.bank.at_work))
                time.sleep(0.005)
        else:
            time.sleep(0.02)

    world.bank.meanwhile = meanwhile
    world.open().leave("fallen")
    store = world.desk._services.store
    assert len(store.effects.claim("wk gone", lease=0, limit=1, kinds=KINDS)) == 1
    world.leave(*names(30))
    assert world.desk.work(concurrency=8).done == 31
    assert set(beside) == {1}
    assert world.bank.orders.index("fallen") < 30  # it had its turn before the last
    assert world.bank.most["default"] > 1


def test_what_cannot_begin_in_time_is_given_back(world: World) -> None:
    elapsed = [0.0]

    def meanwhile(_: RefundRequest, __: str) -> None:
        elapsed[0] += 61

    world.bank.meanwhile = meanwhile
    world.open(elapsed=lambda: elapsed[0]).leave(*names(6))
    world.desk.work(limit=6, concurrency=2)
    made = sum(world.bank.made.values())
    assert made in (1, 2)
    assert world.held() == []
    world.bank.meanwhile = lambda _, __: None
    assert world.desk.work(concurrency=2).done == 6 - made
    assert set(world.bank.made.values()) == {1}


# --- stopped in the middle -------------------------------------------------------------------------------


def test_told_to_stop_it_finishes_what_has_begun_and_leaves_the_rest(world: World) -> None:
    begun = threading.Event()
    world.bank.meanwhile = lambda _, __: begun.set() or time.sleep(0.3)
    world.open().leave(*names(20))
    report = world.desk.work(concurrency=4, stop=begun.is_set)
    assert 1 <= report.done <= 4
    assert sum(world.bank.made.values()) == report.done
    assert world.states()["succeeded"] == report.done
    assert world.held() == []
    assert world.desk.work(concurrency=4).done == 20 - report.done
    assert set(world.bank.made.values()) == {1}


def test_told_to_stop_it_does_one_after_the_other_no_further(world: World) -> None:
    world.open().leave(*names(5))
    assert world.desk.work(stop=lambda: len(world.bank.made) == 2).done == 2
    assert world.held() == []
    assert world.desk.work(stop=lambda: True).idle
    assert world.desk.work().done == 3


@pytest.fixture
def interruptible() -> Iterator[None]:
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("interruptible")
def test_stopped_by_a_person_it_records_what_was_done_and_gives_the_rest_back(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    rest_is_given_back, settle = threading.Event(), Effects.settle

    def settled(*given: Any) -> None:
        settle(*given)
        rest_is_given_back.set()

    def meanwhile(_: RefundRequest, __: str) -> None:
        with world.bank.lock:
            if not world.bank.orders:
                world.bank.orders.append("interrupted")
                os.kill(os.getpid(), signal.SIGINT)
        assert rest_is_given_back.wait(LONG)

    world.bank.meanwhile = meanwhile
    world.open().leave(*names(6))
    with monkeypatch.context() as patch:
        patch.setattr(Effects, "settle", settled)
        with pytest.raises(KeyboardInterrupt):
            world.desk.work(concurrency=3)
    made = sum(world.bank.made.values())
    assert 1 <= made <= 3
    assert world.states() == {"succeeded": made, "submitting": 6 - made}
    assert world.held() == []
    assert world.desk.work(concurrency=3).done == 6 - made
    assert (set(world.bank.made.values()), world.states()) == ({1}, {"succeeded": 6})


@pytest.mark.parametrize("started", [False, True])
def test_stopped_while_a_thread_is_started_it_gives_the_rest_back(
    world: World, monkeypatch: pytest.MonkeyPatch, started: bool
) -> None:
    start, threads = threading.Thread.start, list[threading.Thread]()

    def interrupted(thread: threading.Thread) -> None:
        if thread.name == "retour work":
            threads.append(thread)
        if len(threads) != 2 or started:
            start(thread)
        if len(threads) == 2:
            raise KeyboardInterrupt

    world.open().leave(*names(6))
    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", interrupted)
        with pytest.raises(KeyboardInterrupt):
            world.desk.work(concurrency=3)
    assert world.held() == []
    world.desk.work(concurrency=3)
    assert (set(world.bank.made.values()), world.states()) == ({1}, {"succeeded": 6})


def test_a_keyboard_interrupt_in_a_thread_stops_the_call(world: World) -> None:
    def meanwhile(request: RefundRequest, _: str) -> None:
        if request.order_id == "o02":
            raise KeyboardInterrupt

    world.bank.meanwhile = meanwhile
    world.open().leave(*names(40))
    with pytest.raises(KeyboardInterrupt):
        world.desk.work(concurrency=3)
    assert 0 < world.states()["succeeded"] < 39
    assert world.states()["succeeded"] == sum(world.bank.made.values())
    assert world.held() == [("send_refund", "o02")]  # nobody knows how far it came
    world.bank.meanwhile = lambda _, __: None
    world.desk.work(concurrency=3)
    assert (set(world.bank.made.values()), world.states()) == ({1}, {"succeeded": 40})


# --- databases -------------------------------------------------------------------------------------------


def test_eight_threads_on_one_database_make_each_refund_once(world: World) -> None:
    world.open().leave(*names(40))
    report = world.desk.work(concurrency=8)
    assert (report.done, report.failed) == (40, 0)
    assert (len(world.bank.made), set(world.bank.made.values())) == (40, {1})
    assert world.states() == {"succeeded": 40}


def test_a_database_in_memory_takes_one_and_says_so() -> None:
    desk = ReturnDesk(shop=MemoryShop(), store="sqlite://")
    with pytest.raises(InvalidArgument, match="A database in memory has one connection") as refused:
        desk.work(concurrency=8)
    assert refused.value.text("nl").startswith("Een database in het geheugen heeft één verbinding")
    assert desk.most_side_by_side == 1
    assert desk.work(concurrency=desk.most_side_by_side).idle


def test_a_file_takes_many(make_desk: MakeDesk) -> None:
    assert make_desk().most_side_by_side == 64


@pytest.mark.parametrize("concurrency", [0, -1, 65, "8", 1.5, True])
def test_a_number_of_orders_that_is_none_is_refused(make_desk: MakeDesk, concurrency: Any) -> None:
    with pytest.raises(InvalidArgument):
        make_desk().work(concurrency=concurrency)


def test_what_does_not_say_whether_to_stop_is_refused(make_desk: MakeDesk) -> None:
    with pytest.raises(InvalidArgument, match="stop= is a function"):
        make_desk().work(stop=True)  # type: ignore[arg-type]  # as a host may


@pytest.mark.postgresql
def test_a_hosts_engine_with_two_connections_is_enough_for_eight_threads(postgresql: str, make_desk: MakeDesk) -> None:
    engine = create_engine(postgresql, pool_size=2, max_overflow=0)
    world = World(make_desk).open(store=engine)
    most = [0]

    def meanwhile(_: RefundRequest, __: str) -> None:
        most[0] = max(most[0], len(world.bank.at_work))
        time.sleep(0.02)

    world.bank.meanwhile = meanwhile
    world.leave(*names(30))
    report = world.desk.work(concurrency=8)
    assert (report.done, report.failed, world.states()) == (30, 0, {"succeeded": 30})
    assert set(world.bank.made.values()) == {1}
    assert most[0] > 2  # none of them holds a connection while it waits for the provider
    engine.dispose()


@pytest.mark.postgresql
def test_two_processes_of_eight_threads_make_each_refund_once(postgresql: str, make_desk: MakeDesk) -> None:
    with StripeSandbox() as sandbox:
        shop = MemoryShop()
        desk = make_desk(
            shop=shop,
            store=postgresql,
            plugins=["stripe"],
            settings={"stripe": sandbox.settings},
            inline_seconds=0,
        )
        paid = {order_id: sandbox.pay(Money.of("10", "EUR")) for order_id in names(60)}
        for order_id, reference in paid.items():
            payment = a_payment("10.00", provider="stripe", reference=reference, mode=Mode.TEST)
            shop.orders[order_id] = an_order(a_line("cup", 1, "10.00"), order_id=order_id, payments=[payment])
            desk.refund(order_id, payment.id, Money.of("10", "EUR"), by=ANNA, request_id="form")
        program = [sys.executable, str(Path(__file__).with_name("working.py")), postgresql]
        given = [json.dumps(dict(sandbox.settings))]
        workers = [subprocess.Popen([*program, *given], stdout=subprocess.PIPE, text=True) for _ in range(2)]
        reports = [json.loads(worker.communicate(timeout=120)[0]) for worker in workers]
        assert sum(one["done"] for one in reports) == 60
        assert [one["failed"] for one in reports] == [0, 0]
        assert {len(sandbox.books(reference)) for reference in paid.values()} == {1}
        states = [one.state.value for order_id in paid for one in desk.dossier(order_id).refunds.values()]
        assert states == ["succeeded"] * 60


# --- what is asked, in the rows --------------------------------------------------------------------------


def test_a_refund_knows_the_account_that_it_asks(world: World) -> None:
    world.open().leave("o1")
    world.leave("o2", account="slow")
    assert sorted(world.rows("account")) == [("pay/default/live",), ("pay/slow/live",)]


def test_a_claim_leaves_what_asks_what_is_busy(make_desk: MakeDesk) -> None:
    """A plugin, an account of a shop, and the shop itself: by the words of the database as by ours."""

    class Crm:
        name = "crm"

        @hookimpl
        def on_order_returned(self, order: Order) -> None: ...

    world = World(make_desk).open(Crm())
    world.leave("o1")
    world.leave("o2", account="slow")
    world.desk.mark_returned("o1", by=ANNA)
    effects = world.desk._services.store.effects

    def claimed(busy: Sequence[str] = ()) -> dict[str, str]:
        found = effects.claim("wk", lease=1_000_000, limit=9, kinds=KINDS, not_asking=busy)
        with world.desk._services.store.engine.begin() as connection:
            connection.exec_driver_sql("UPDATE retour_effect SET owner = NULL, lease_until = 0")
        return {one.id: one.asks for one in found}

    everything = claimed()
    assert sorted(everything.values()) == [
        "plugin crm",
        "shop default book_stock",
        "shop default pay/default/live",
        "shop default pay/slow/live",
    ]
    for busy in everything.values():
        assert claimed([busy]) == {one: asked for one, asked in everything.items() if asked != busy}
    assert claimed(list(everything.values())) == {}


def test_payments_of_two_accounts_are_two_places(world: World) -> None:
    payment = Payment(provider="pay", reference="p", captured=Money.of("1", "EUR"), mode=Mode.LIVE, account="slow")
    assert payment.id == "pay/slow:p"
    world.open().leave("o1", account="slow")
    assert world.desk.work(concurrency=2).done == 1
    assert world.bank.most == {"slow": 1}


def test_where_all_threads_ask_one_there_is_one_more_for_the_others_and_no_second(world: World) -> None:
    all_ask_it, go_on, at_once = threading.Event(), threading.Event(), list[int]()

    def meanwhile(_: RefundRequest, account: str) -> None:
        if account == "slow":
            if world.bank.accounts["slow"] == 3:
                all_ask_it.set()
            go_on.wait(LONG)
        else:
            all_ask_it.wait(LONG)
            time.sleep(0.1)  # so that a second could come
            at_once.append(len(world.bank.at_work))
            go_on.set()

    world.bank.meanwhile = meanwhile
    world.open().leave(*names(3, "a"), account="slow")
    world.leave(*names(4, "b"))
    assert world.desk.work(concurrency=3).done == 7
    assert at_once[0] == 4
    assert max(at_once) == 4
