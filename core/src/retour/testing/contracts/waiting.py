"""How long a provider may take: a worker that stands still refunds nobody, and there are few of them."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from retour.providers.contract import RefundsByApi
from retour.providers.http import Answer, ProviderSession
from retour.sandbox import Fault, SandboxRequest, SandboxResponse
from retour.testing.contracts.account import Account
from retour.testing.contracts.any_account import PATIENT, lacks, needs, outcome
from retour.testing.contracts.in_threads import PROMPT, Call, within

SHORT = 1.0
"""Seconds that a call may sleep: as long as the session does before it repeats a question."""

_ENOUGH = 40
"""Times that a fault is repeated: more than all methods together ask."""


class Held(ProviderSession):
    """A session in which one thread's answer to what it sends does not come until it is let go."""

    def __init__(self) -> None:
        super().__init__(deadline=PATIENT)
        self.thread: threading.Thread | None = None
        self.began, self.let_go = threading.Event(), threading.Event()

    def write(self, method: str, url: str, **more: Any) -> Answer:
        answer = super().write(method, url, **more)
        if threading.current_thread() is self.thread:
            self.began.set()
            self.let_go.wait(4 * PATIENT)
        return answer


@needs("refund_by_api")
def test_a_silent_answer_holds_up_no_other_call(account: Account, other_account: Account) -> None:
    """While the answer to one refund does not come, others are made: of the same provider, of another instance, of
    another account.

    One lock around each call, and a provider that is silent for half a minute stops every worker of every shop.
    """
    http = Held()
    provider, theirs = account.provider(http=http), other_account.provider()
    payments, their_payment = [account.pay() for _ in range(3)], other_account.pay()
    silent, second, third = [account.request(paid, number=number) for number, paid in enumerate(payments, start=1)]
    their_request = other_account.request(their_payment, number=4)
    reference = provider.refund(third).reference  # and has logged in, if that is what providers do here
    waiting: list[Call[Any]] = []

    def refund_silently() -> object:
        http.thread = threading.current_thread()
        return provider.refund(silent)

    instances = {"the same instance": provider, "another instance": account.provider()}
    others = {
        f"{method} of {whose}": ask
        for whose, instance in instances.items()
        for method, ask in account.questions(instance, payments[1], third, reference).items()
    }
    others["another refund of the same account"] = partial(provider.refund, second)
    others["a refund of another account"] = partial(theirs.refund, their_request)
    try:
        waiting.append(Call(refund_silently))
        assert http.began.wait(PATIENT), "the refund was not sent through the session"
        for what, call in others.items():
            within(PROMPT, call, f"one silent answer would stop every worker: while it does not come, {what} waits")
    finally:
        http.let_go.set()
        for one in waiting:
            one.ends_within(PATIENT)


@needs("refund_by_api")
def test_every_call_ends_at_its_deadline(account: Account) -> None:
    """Whatever is asked, a provider that is silent is given up when the session's deadline is over.

    A question that waits for ever holds a worker for ever, and the refunds behind it.
    """
    account.sandbox.hold()
    payment = account.pay()
    request = account.request(payment)
    provider = account.provider(deadline=account.deadline)
    reference = account.provider().refund(request).reference
    asked = account.questions(provider, payment, request, reference)
    if not lacks(account.capabilities, "cancel_refund"):
        asked["cancel_refund"] = partial(provider.cancel_refund, request.target, reference)
    asked["refund"] = partial(provider.refund, account.request(account.pay(), number=2))
    if "check_settings" in asked:
        provider.check_settings()
    with account.faults(*[Fault.SILENT_AFTER] * _ENOUGH):
        calls = {name: Call(partial(outcome, ask, name)) for name, ask in asked.items()}
        ends = time.monotonic() + PATIENT + len(calls) * account.deadline  # where they wait for one login, one by one
        for name, call in calls.items():
            if not call.ends_within(max(0.0, ends - time.monotonic())):
                pytest.fail(
                    f"one silent answer would hold a worker for ever: {name} does not end. It stood here:\n"
                    f"{call.give_up()}"
                )


@needs("refund_by_api")
def test_a_call_does_not_sleep(account: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is waited for but an answer: not the time that a 429 asks for, and not that a refund is paid.

    The core waits, for thousands of refunds at once; a worker that sleeps refunds nobody.
    """
    account.sandbox.hold()
    payments = [account.pay(), account.pay()]
    provider = account.provider()
    first, second = [account.request(payment, number=number) for number, payment in enumerate(payments, start=1)]
    within(
        PROMPT + SHORT,
        partial(awake, monkeypatch, partial(provider.refund, first), "a refund that the bank holds up"),
        "a worker would stand still until the bank has paid: a refund was sent, and is waited for",
    )
    server = account.sandbox.server
    busy = SandboxResponse(status=429, body=server.error_bodies.get(429, {}), headers={"Retry-After": "30"})
    with account.answers(partial(_instead, busy), of=second):
        within(
            PROMPT + SHORT,
            partial(awake, monkeypatch, partial(_told, provider, second), "a 429 that asks for 30 seconds"),
            "a worker would stand still for as long as a 429 says; the core waits, and refunds others meanwhile",
        )


def _told(provider: RefundsByApi, request: Any) -> object:
    return outcome(partial(provider.refund, request), "status 429")


def _instead(response: SandboxResponse, sent: SandboxRequest, made: SandboxResponse) -> SandboxResponse:
    del sent, made
    return response


def awake(monkeypatch: pytest.MonkeyPatch, call: Callable[[], object], what: str) -> None:
    """Make a call in which nobody sleeps; the test fails at once where somebody would."""
    slept = 0.0
    thread, sleep = threading.current_thread(), time.sleep

    def noted(seconds: float) -> None:
        nonlocal slept
        if threading.current_thread() is not thread:
            sleep(seconds)
            return
        slept += seconds
        if slept > SHORT:
            pytest.fail(f"a worker that sleeps does no work: {what}, and it would sleep for {slept:g} seconds or more")

    with monkeypatch.context() as patch:
        patch.setattr(time, "sleep", noted)
        call()
