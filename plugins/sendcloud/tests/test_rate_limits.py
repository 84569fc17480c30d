"""Both rate limits, shared by all threads of a process and by nobody else's account."""

from __future__ import annotations

import datetime
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import attrs
import pytest

from retour.providers import Disposition, ErrorCode, LabelRequest, ProviderError, Secret
from retour_sendcloud.provider import Sendcloud
from retour_sendcloud.rate_limits import PATIENCE, Budget, budget_of
from retour_sendcloud.sandbox import SendcloudSandbox
from retour_sendcloud.settings import Settings

MINE = Settings(public_key="mine", secret_key=Secret("secret"))


@attrs.define
class Clock:
    """A clock that only sleeping moves."""

    now: float = 1000.0
    slept: list[float] = attrs.field(factory=list)
    lock: threading.Lock = attrs.field(factory=threading.Lock)

    def sleep(self, seconds: float) -> None:
        with self.lock:
            self.slept.append(seconds)
            self.now += seconds


def a_budget(clock: Clock, settings: Settings = MINE) -> Budget:
    return Budget(settings, now=lambda: clock.now, sleep=clock.sleep)


def refused(take: Callable[[], None]) -> ProviderError:
    with pytest.raises(ProviderError) as caught:
        take()
    return caught.value


def test_fifteen_writes_go_at_once_and_the_next_waits_a_second() -> None:
    clock = Clock()
    budget = a_budget(clock)
    for _ in range(15):
        budget.write()
    assert clock.slept == []
    budget.write()
    assert clock.slept == [1.0]


def test_the_hundred_and_first_write_of_a_minute_is_not_sent() -> None:
    clock = Clock()
    budget = a_budget(clock)
    for _ in range(100):
        budget.write()
    assert clock.now - 1000 == 6
    error = refused(budget.write)
    assert (error.code, error.disposition) == (ErrorCode.RATE_LIMITED, Disposition.RETRY)
    assert error.not_before == datetime.timedelta(seconds=54)
    clock.now = 1060.0
    budget.write()


def test_the_thousand_and_first_read_of_a_minute_waits_and_reads_have_no_bursts() -> None:
    clock = Clock()
    budget = a_budget(clock)
    for _ in range(1000):
        budget.read()
    assert clock.slept == []
    assert refused(budget.read).not_before == datetime.timedelta(seconds=60)
    clock.now += 60 - PATIENCE
    budget.read()
    assert clock.slept == [PATIENCE]


def test_reads_and_writes_do_not_count_for_each_other() -> None:
    clock = Clock()
    budget = a_budget(clock)
    for _ in range(100):
        budget.write()
    budget.read()


def test_what_is_refused_takes_no_turn() -> None:
    clock = Clock()
    budget = a_budget(clock)
    for _ in range(100):
        budget.write()
    for _ in range(50):
        refused(budget.write)
    clock.now = 1061.0
    for _ in range(15):
        budget.write()


def test_all_threads_share_one_budget() -> None:
    """Whoever asks: never more than the limit in any window, and each that is not sent is told."""
    clock = Clock()
    budget = a_budget(clock, attrs.evolve(MINE, writes_a_minute=40))
    outcomes: list[str] = []

    def take() -> None:
        try:
            budget.write()
        except ProviderError:
            outcomes.append("refused")
        else:
            outcomes.append("sent")

    with ThreadPoolExecutor(8) as threads:
        for _ in range(200):
            threads.submit(take)
    assert outcomes.count("sent") == 40
    assert outcomes.count("refused") == 160


def test_an_account_has_one_budget_in_a_process_and_another_account_another() -> None:
    assert budget_of(MINE) is budget_of(attrs.evolve(MINE, brand="my-shop"))
    assert budget_of(MINE) is not budget_of(attrs.evolve(MINE, public_key="other"))
    assert budget_of(MINE) is not budget_of(attrs.evolve(MINE, api_url="http://127.0.0.1:1"))


def test_the_provider_keeps_the_limits_of_a_sandbox_that_keeps_them(
    sandbox: SendcloudSandbox, provider_with: Callable[..., Sendcloud], request_for: Callable[..., LabelRequest]
) -> None:
    sandbox.limited = True
    first, second = provider_with(writes_a_minute=3), provider_with(writes_a_minute=3)
    for number, one in enumerate((first, second, first)):
        one.create_label(request_for(number))
    with pytest.raises(ProviderError) as caught:
        second.create_label(request_for(9))
    assert caught.value.code is ErrorCode.RATE_LIMITED
    assert len(sandbox.server.requests) == 3  # it was not sent
    first.check_settings()


def test_a_sandbox_that_keeps_them_refuses_who_does_not(
    sandbox: SendcloudSandbox, provider_with: Callable[..., Sendcloud], request_for: Callable[..., LabelRequest]
) -> None:
    sandbox.limited = True
    careless = provider_with(writes_a_minute=1000, writes_a_second=1000, reads_a_minute=10_000)
    for number in range(15):
        careless.create_label(request_for(number))
    with pytest.raises(ProviderError) as caught:
        careless.create_label(request_for(99))
    assert (caught.value.code, caught.value.http_status) == (ErrorCode.RATE_LIMITED, 429)
    assert caught.value.not_before == datetime.timedelta(minutes=1)
    sandbox.advance(datetime.timedelta(seconds=2))
    careless.create_label(request_for(99))
    assert len(sandbox.books()) == 16
