"""A provider class that was written for another contract is off by itself: what was begun with it waits and goes on."""

from __future__ import annotations

import datetime
from pathlib import Path
from typing import Any

import attrs
import pytest

from retour import Actor, InvalidWebhook, WrongState
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


def test_the_plugins_and_the_list_name_the_page_on_what_changed_where_it_is_installed(world: Any) -> None:
    world.open()
    reopen(world, 1)
    [item] = world.desk.attention("provider_off").items
    [plugin] = [one for one in world.desk.plugins if one.name == "ledger"]
    for said in (item.why.render("en"), plugin.providers_off[0].reason.render("en")):
        page = said.rpartition("What changed: ")[2]
        assert "contract 1" in said
        assert "# The contract of providers, and what changed in it" in Path(page).read_text()
    reopen(world, 2)
    assert world.desk.attention("provider_off").items == ()


@pytest.mark.parametrize("happened", [True, False])
def test_one_that_is_unknown_is_settled_by_hand_at_once(world: Any, happened: bool) -> None:
    world.open()
    world.ledger.after, world.ledger.blind = [LOST], True
    world.refund("10.00")
    assert world.states == ["unknown"]
    reopen(world, 1)
    [item] = world.desk.attention("refund_unknown").items
    assert item.can_do == ("settle_refund", "confirm_refund")
    reference = {"reference": "re_1"} if happened else {}
    refund = world.desk.settle_refund(
        "1001", item.about, happened=happened, evidence="looked at the dashboard", by=Actor.staff("anna"), **reference
    ).refund
    assert refund.state == ("succeeded" if happened else "failed")
    world.later(WEEK)
    reopen(world, 2)
    world.ledger.blind = False
    calls = world.ledger.calls
    world.later(WEEK)
    assert world.ledger.calls == calls, "what a person settled is not sent again"
    world.desk.reconcile("1001")
    counted = [refund for refund in world.refunds if refund.counts_against_payment]
    assert sum(refund.amount.minor for refund in counted) == world.went_back == 10_00


def test_what_it_is_to_do_waits_in_the_store_and_is_done_when_a_class_that_fits_comes(world: Any) -> None:
    world.open(inline_seconds=0)
    for amount in ("10.00", "5.00"):
        world.refund(amount)
    before = world.states
    reopen(world, 1)
    for _ in range(5):
        world.later(WEEK)
    assert (world.states, world.ledger.calls) == (before, 0)
    reopen(world, 2)
    for _ in range(4):
        world.later(WEEK)
    assert (world.states, world.went_back) == (["succeeded", "succeeded"], 15_00)


def test_the_settings_of_one_that_is_off_are_no_fault(world: Any) -> None:
    world.settings = {"ledger": {"secret": "right"}}
    world.open()
    reopen(world, 1)
    assert attrs.asdict(world.desk.plugins[0])["settings_faults"] == ()
