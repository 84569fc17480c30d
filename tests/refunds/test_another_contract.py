"""A provider class that was written for another contract is off by itself: what was begun with it waits and goes on."""

from __future__ import annotations

import datetime
from typing import Any

import attrs
import pytest

from retour import InvalidWebhook, WrongState
from retour.providers import ErrorCode, ProviderError, RefundStatus

LOST = ProviderError(ErrorCode.OUTCOME_UNKNOWN, "no answer")
NOT_SENT = ProviderError(ErrorCode.NOT_SENT, "no connection")
WEEK = datetime.timedelta(days=7)


def reopen(world: Any, api: int) -> None:
    """Open the desk again with the provider's class of that contract."""
    made = world.provider.make_provider(world.ledger)
    made.api = api
    world._enter([world.provider.plugin(made)], 10.0)


def test_its_refunds_keep_their_state_and_go_on_when_a_class_that_fits_comes(world: Any) -> None:
    world.open()
    world.ledger.before = [NOT_SENT]
    world.refund("10.00")
    world.ledger.after = [LOST]
    world.ledger.new_status = RefundStatus.PENDING
    before = world.states
    assert before == ["submitting"]
    reopen(world, 1)
    world.later(WEEK)
    assert (world.states, world.ledger.calls) == (before, 1)
    reopen(world, 2)
    world.later()
    assert world.states == ["unknown"], "it was sent, and its answer was lost"
    world.later()
    assert (world.states, world.went_back) == (["pending"], 10_00)


def test_one_that_is_pending_is_looked_at_again_only_then(world: Any) -> None:
    world.open()
    world.ledger.new_status = RefundStatus.PENDING
    world.refund("10.00")
    reopen(world, 1)
    world.ledger.turn("re_1", RefundStatus.SUCCEEDED)
    world.later(WEEK)
    assert world.states == ["pending"]
    reopen(world, 2)
    world.later(WEEK)
    assert world.states == ["succeeded"]


def test_whoever_needs_it_reads_what_to_do(world: Any) -> None:
    world.open()
    reopen(world, 1)
    words = "Ledger Pay was written for contract 1 of providers, and this retour has contract 2"
    with pytest.raises(WrongState, match=words):
        world.refund("10.00")
    with pytest.raises(InvalidWebhook, match=words):
        world.desk.receive_webhook("ledger", {"signature": "right"}, b"event:re_1")
    [asked] = world.desk.reconcile("1001").not_asked
    assert words in str(asked.why)
    assert words in str(world.desk.check_settings("ledger").reason)
    [plugin] = [one for one in world.desk.plugins if one.name == "ledger"]
    assert (plugin.status, [off.name for off in plugin.providers_off]) == ("loaded", ["ledger"])


def test_the_settings_of_one_that_is_off_are_no_fault(world: Any) -> None:
    world.settings = {"ledger": {"secret": "right"}}
    world.open()
    reopen(world, 1)
    assert attrs.asdict(world.desk.plugins[0])["settings_faults"] == ()
