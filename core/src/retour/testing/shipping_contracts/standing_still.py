"""How long a shipping provider may take: a worker that stands still makes no labels, and there are few of them."""

from __future__ import annotations

import threading
from functools import partial
from typing import Any

import pytest

from retour.sandbox import Fault, SandboxResponse
from retour.testing.contracts.any_account import PATIENT, lacks, needs, outcome, replaced_by
from retour.testing.contracts.in_threads import PROMPT, Call, within
from retour.testing.contracts.on_the_way import ENOUGH
from retour.testing.contracts.waiting import SHORT, Held, awake
from retour.testing.shipping_contracts.shipping_account import ShippingAccount


@needs("labels")
def test_every_call_ends_at_its_deadline(account: ShippingAccount) -> None:
    """Whatever is asked, a provider that is silent is given up when the session's deadline is over.

    A question that waits for ever holds a worker for ever, and the labels behind it.
    """
    made = account.made()
    provider = account.provider(deadline=account.deadline)
    asked = account.questions(provider, made)
    if not lacks(account.capabilities, "cancel_label"):
        asked["cancel_label"] = partial(provider.cancel_label, *made.names)
    with account.faults(*[Fault.SILENT_AFTER] * 5 * ENOUGH):
        calls = {name: Call(partial(outcome, ask, name)) for name, ask in asked.items()}
        for name, call in calls.items():
            if not call.ends_within(PATIENT + account.deadline):
                pytest.fail(f"one silent answer holds a worker for ever: {name} stood here:\n{call.give_up()}")


@needs("labels")
def test_a_silent_answer_holds_up_no_other_call(account: ShippingAccount, other_account: ShippingAccount) -> None:
    """While the answer to one label does not come, others are made: of the same provider, of another instance, of
    another account.

    One lock around each call, and a provider that is silent for half a minute stops every worker of every shop.
    """
    http = Held()
    made = account.made(1)
    provider, again = account.provider(http=http), account.provider()
    silent = account.request(2)
    others: dict[str, Any] = {}
    for whose, instance in {"the same instance": provider, "another instance": again}.items():
        others |= {f"{method} of {whose}": ask for method, ask in account.questions(instance, made).items()}
    others["another label of the same account"] = partial(provider.create_label, account.request(3))
    others["a label of another account"] = partial(other_account.provider().create_label, other_account.request(4))
    waiting: list[Call[Any]] = []

    def make_silently() -> object:
        http.thread = threading.current_thread()
        return provider.create_label(silent)

    try:
        waiting.append(Call(make_silently))
        assert http.began.wait(PATIENT), "the label was not asked for through the session"
        for what, call in others.items():
            asked = partial(outcome, call, what)
            within(PROMPT, asked, f"one silent answer would stop every worker: while it does not come, {what} waits")
    finally:
        http.let_go.set()
        for one in waiting:
            one.ends_within(PATIENT)


@needs("labels")
def test_a_call_does_not_sleep(account: ShippingAccount, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is waited for but an answer: not the time that a 429 asks for, not that a label is announced, and not
    that it is cancelled.

    The core waits, for thousands of labels at once; a worker that sleeps makes none.
    """
    account.sandbox.hold()
    provider = account.provider()
    first, second = account.request(1), account.request(2)
    made = within(
        PROMPT + SHORT,
        partial(
            _told, monkeypatch, partial(provider.create_label, first), "a label that its carrier does not have yet"
        ),
        "a worker would stand still until the carrier has the label",
    )
    within(
        PROMPT + SHORT,
        partial(
            _told,
            monkeypatch,
            partial(provider.fetch_label, made.reference, made.parcel, first.form),
            "a document that is not there yet",
        ),
        "a worker would stand still until there is a document",
    )
    if not lacks(account.capabilities, "cancel_label"):
        within(
            PROMPT + SHORT,
            partial(
                _told,
                monkeypatch,
                partial(provider.cancel_label, made.reference, made.parcel),
                "a cancellation that its carrier does not have yet",
            ),
            "a worker would stand still until the carrier has cancelled",
        )
    bodies = account.sandbox.server.error_bodies
    busy = SandboxResponse(status=429, body=bodies.get(429, {}), headers={"Retry-After": "30"})
    with account.answers(replaced_by(busy), of=second):
        within(
            PROMPT + SHORT,
            partial(_told, monkeypatch, partial(provider.create_label, second), "a 429 that asks for 30 seconds"),
            "a worker would stand still for as long as a 429 says; the core waits, and does other work meanwhile",
        )


def _told(monkeypatch: pytest.MonkeyPatch, call: Any, what: str) -> Any:
    """What is told by a call in which nobody sleeps."""
    told: list[Any] = []
    awake(monkeypatch, lambda: told.append(outcome(call, what)), what)
    return told[0]
