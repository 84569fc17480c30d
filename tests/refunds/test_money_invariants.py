"""Invariants 3, 5, 6 and 7 under random refunds, faults, dashboards and webhooks: no refund twice, none lost, none
shown as done when it is not."""

from __future__ import annotations

import datetime
import logging
import os
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import text

from retour import Actor, Money, RetourError
from retour.providers import Disposition, ErrorCode, ProviderError, RefundStatus, Support
from retour.providers.errors import DISPOSITIONS

ANNA = Actor.staff("anna")
EXAMPLES = int(os.environ.get("RETOUR_EXAMPLES", "40"))
NOT_DONE = [code for code in ErrorCode if DISPOSITIONS[code] is not Disposition.RECONCILE]
UNCLEAR = [code for code in ErrorCode if DISPOSITIONS[code] is Disposition.RECONCILE]
AMOUNTS = st.sampled_from(["10.00", "10.00", "25.00", "40.00", "100.00"])


class Refunds(RuleBasedStateMachine):
    """One payment of EUR 100.00 at a provider that fails in every way it can."""

    world: Any

    @initialize(
        find=st.sampled_from([Support.YES, Support.YES, Support.PROVIDER_CANNOT]),
        complete=st.sampled_from([None, datetime.timedelta(hours=3)]),
    )
    def open(self, find: Support, complete: datetime.timedelta | None) -> None:
        world = self.world
        if world.desk is not None:
            with world.desk._house.store.engine.begin() as connection:
                for table in ("dossier", "event", "refund", "return", "effect", "reference", "personal"):
                    connection.execute(text(f"DELETE FROM retour_{table}"))  # noqa: S608 - our own names
        world.ledger = None
        world.open(find_refund=find, lookup_complete_after=complete)
        self.ledger = world.ledger
        self.desk = world.desk

    def attempt(self, command: Any) -> None:
        with suppress(RetourError):
            command()

    def pick(self, data: st.DataObject) -> Any:
        refunds = self.world.refunds
        return data.draw(st.sampled_from(refunds)) if refunds else None

    # --- what goes wrong -------------------------------------------------------------------------------

    @rule(code=st.sampled_from(NOT_DONE))
    def next_is_refused(self, code: ErrorCode) -> None:
        self.ledger.before = [ProviderError(code, "refused", not_before=datetime.timedelta(minutes=10))]

    @rule(code=st.sampled_from(UNCLEAR), done=st.booleans())
    def next_is_unclear(self, code: ErrorCode, done: bool) -> None:
        (self.ledger.after if done else self.ledger.before).append(ProviderError(code, "unclear"))

    @rule(fails=st.integers(0, 2))
    def lookups_fail(self, fails: int) -> None:
        self.ledger.lookup_fails = fails

    @rule(status=st.sampled_from([RefundStatus.SUCCEEDED, RefundStatus.SUCCEEDED, RefundStatus.PENDING]))
    def new_refunds_are(self, status: RefundStatus) -> None:
        self.ledger.new_status = status

    # --- what people do --------------------------------------------------------------------------------

    @rule(amount=AMOUNTS, twice=st.booleans())
    def refund(self, amount: str, twice: bool) -> None:
        form = f"form-{self.world.forms}"
        for _ in range(2 if twice else 1):
            self.attempt(lambda: self.world.refund(amount, request_id=form))

    @rule(amount=AMOUNTS)
    def open_link(self, amount: str) -> None:
        self.attempt(lambda: self.world.open_link(amount))

    @rule(amount=AMOUNTS)
    def refund_in_dashboard(self, amount: str) -> None:
        money = Money.of(amount, "EUR")
        if self.ledger.total("p_1") + money.minor <= 10000:
            self.world.now += datetime.timedelta(seconds=1)
            self.ledger.add("p_1", money)

    @rule(data=st.data(), status=st.sampled_from(list(RefundStatus)))
    def provider_moves_on(self, data: st.DataObject, status: RefundStatus) -> None:
        """Pending becomes anything, succeeded can fail; nothing comes back from the dead."""
        movable = [
            reference
            for reference, one in self.ledger.refunds.items()
            if one.status is RefundStatus.PENDING
            or (one.status, status) == (RefundStatus.SUCCEEDED, RefundStatus.FAILED)
        ]
        if movable:
            self.ledger.turn(data.draw(st.sampled_from(movable)), status)

    @rule(data=st.data(), step=st.sampled_from(["cancel", "retry"]))
    def step(self, data: st.DataObject, step: str) -> None:
        chosen = self.pick(data)
        if chosen is not None:
            command = self.desk.cancel_refund if step == "cancel" else self.desk.retry_refund
            self.attempt(lambda: command("1001", chosen.id, by=ANNA))

    @rule(data=st.data(), signed=st.booleans())
    def webhook(self, data: st.DataObject, signed: bool) -> None:
        if self.ledger.refunds:
            reference = data.draw(st.sampled_from(list(self.ledger.refunds)))
            body = f"refund:{reference}" if signed else "fetch:p_1"
            self.attempt(lambda: self.desk.receive_webhook("ledger", {"signature": "right"}, body.encode()))

    @rule()
    def reconcile(self) -> None:
        self.attempt(lambda: self.desk.reconcile("1001"))

    @rule(minutes=st.sampled_from([1, 10, 50, 90, 600]))
    def later(self, minutes: int) -> None:
        self.world.later(datetime.timedelta(minutes=minutes))

    # --- invariants ------------------------------------------------------------------------------------

    @precondition(lambda self: self.world.desk is not None)
    @invariant()
    def five_every_refund_of_ours_was_made_at_most_once(self) -> None:
        made = [one.refund_id for one in self.ledger.refunds.values() if one.refund_id]
        assert len(made) == len(set(made))

    @precondition(lambda self: self.world.desk is not None)
    @invariant()
    def three_what_we_decide_never_passes_what_was_captured(self) -> None:
        ours = [one for one in self.world.refunds if one.takes_money and one.source != "external"]
        assert sum(one.amount.minor for one in ours) <= 10000
        assert self.ledger.total("p_1") <= 10000

    @precondition(lambda self: self.world.desk is not None)
    @invariant()
    def nothing_is_shown_as_done_or_failed_that_the_provider_does_not_say(self) -> None:
        theirs = {one.refund_id: one for one in self.ledger.refunds.values() if one.refund_id}
        for refund in self.world.refunds:
            if refund.source != "api":
                continue
            if refund.state == "succeeded":
                assert refund.id in theirs
            if refund.state in ("failed", "cancelled", "planned") and not refund.reported:
                assert refund.id not in theirs

    @precondition(lambda self: self.world.desk is not None)
    @invariant()
    def seven_a_reconcile_right_after_another_changes_nothing(self) -> None:
        if not self.ledger.lookup_fails:
            self.desk.reconcile("1001")
            assert not self.desk.reconcile("1001").changed


def test_no_fault_pays_twice_loses_a_refund_or_lies_about_one(world: Any, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.CRITICAL, "retour")
    machine = type("Refunds", (Refunds,), {"world": world})
    run_state_machine_as_test(  # type: ignore[no-untyped-call]
        machine,
        settings=settings(
            max_examples=EXAMPLES if world.database.startswith("sqlite") else EXAMPLES // 2,
            stateful_step_count=30,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
