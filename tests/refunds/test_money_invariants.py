"""Invariants 3, 5, 6 and 7 under random refunds, faults, dashboards and webhooks: no refund twice, none lost, none
shown as done when it is not."""

from __future__ import annotations

import datetime
import json
import logging
import os
from contextlib import suppress
from typing import Any

import attrs
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
from sqlalchemy import Engine, create_engine, text

from retour import Actor, Money, RetourError
from retour.model.dossier import Dossier
from retour.model.events.money import RefundLinkOpened, RefundPlanned
from retour.model.history import apply
from retour.model.refunds import RefundState
from retour.providers import Disposition, ErrorCode, ProviderError, RefundStatus, Support
from retour.providers.errors import DISPOSITIONS

ANNA = Actor.staff("anna")
EXAMPLES = int(os.environ.get("RETOUR_EXAMPLES", "24"))
NOT_DONE = [code for code in ErrorCode if DISPOSITIONS[code] is not Disposition.RECONCILE]
UNCLEAR = [code for code in ErrorCode if DISPOSITIONS[code] is Disposition.RECONCILE]
CAPTURED = Money.of("100", "EUR")
UNCLEAR_FAULTS = st.tuples(st.sampled_from(UNCLEAR), st.booleans())
FAULTS = st.one_of(st.tuples(st.sampled_from(NOT_DONE), st.just(False)), UNCLEAR_FAULTS)
"""How a refund can go wrong, and whether it was done all the same."""

AMOUNTS = st.sampled_from(["10.00", "10.00", "25.00", "40.00", "100.00"])


class Refunds(RuleBasedStateMachine):
    """One payment of EUR 100.00 at a provider that fails in every way it can."""

    world: Any
    plain: Any
    """The second fold, with which the product's is compared."""
    other: Engine
    """Another connection to the same database: what it sees is committed."""

    @initialize(
        lookup=st.sampled_from(
            [
                (Support.YES, None),
                (Support.YES, datetime.timedelta(hours=3)),
                (Support.PARTIAL, None),
                (Support.PROVIDER_CANNOT, None),
                (Support.PROVIDER_CANNOT, datetime.timedelta(hours=3)),
            ]
        )
    )
    def open(self, lookup: tuple[Support, datetime.timedelta | None]) -> None:
        find, complete = lookup
        world = self.world
        if world.desk is not None:
            with world.desk._services.store.engine.begin() as connection:
                for table in ("dossier", "event", "refund", "return", "attention", "effect", "reference", "personal"):
                    connection.execute(text(f"DELETE FROM retour_{table}"))  # noqa: S608 - our own names
        world.ledger = None
        world.open(find_refund=find, lookup_complete_after=complete)
        self.may_be_blind = complete is None or find is not Support.YES
        self.ledger = world.ledger
        self.desk = world.desk
        self.faults: list[str] = []
        self.ledger.watch = self.watch

    def watch(self, call: str, request: Any) -> None:
        """Invariant 6, at the moment of each call. What is raised here would be taken for the provider's own error,
        so it is noted."""
        pool: Any = self.desk._services.store.engine.pool
        if pool.checkedout():
            self.faults.append(f"{call}: a connection, and so perhaps a transaction, is in use")
        if request is not None:
            with self.other.connect() as connection:
                bodies = connection.execute(
                    text("SELECT body FROM retour_event WHERE order_id = '1001' AND type = 'refund_planned'")
                ).scalars()
                if not any(request.refund_id in body for body in bodies):
                    self.faults.append(f"{call}: the intent of refund {request.refund_id} is not committed")

    def attempt(self, command: Any) -> None:
        with suppress(RetourError):
            command()

    def pick(self, data: st.DataObject) -> Any:
        refunds = self.world.refunds
        return data.draw(st.sampled_from(refunds)) if refunds else None

    # --- what goes wrong -------------------------------------------------------------------------------

    def next_goes_wrong(self, code: ErrorCode, done: bool) -> None:
        """The next refund is refused, or its answer is lost, and it was ``done`` all the same."""
        error = ProviderError(code, "wrong", not_before=datetime.timedelta(minutes=10))
        self.ledger.before, self.ledger.after = ([], [error]) if done else ([error], [])

    @rule(fails=st.integers(0, 2))
    def lookups_fail(self, fails: int) -> None:
        self.ledger.lookup_fails = fails
        self.ledger.blind = False

    @rule(status=st.sampled_from([RefundStatus.SUCCEEDED, RefundStatus.SUCCEEDED, RefundStatus.PENDING]))
    def new_refunds_are(self, status: RefundStatus) -> None:
        self.ledger.new_status = status

    # --- what people do --------------------------------------------------------------------------------

    @rule(amount=AMOUNTS, twice=st.booleans(), fault=st.one_of(st.none(), FAULTS))
    def refund(self, amount: str, twice: bool, fault: tuple[ErrorCode, bool] | None) -> None:
        if fault is not None:
            self.next_goes_wrong(*fault)
        self.world.forms += 1
        form = f"form-{self.world.forms}"
        for _ in range(2 if twice else 1):
            self.attempt(lambda: self.world.refund(amount, request_id=form))

    @rule(amount=AMOUNTS, fault=UNCLEAR_FAULTS, minutes=st.sampled_from([1, 50, 90, 240, 600]), sees=st.booleans())
    def lose_an_answer_and_wait(self, amount: str, fault: tuple[ErrorCode, bool], minutes: int, sees: bool) -> None:
        """A refund of which nobody knows what became, and a provider that may not find it when it is asked.

        One that promises a complete lookup keeps its promise.
        """
        self.ledger.lookup_fails = 0
        self.ledger.blind = self.may_be_blind and not sees
        self.refund(amount, False, fault)
        self.later(minutes)

    @rule(amount=AMOUNTS, others=AMOUNTS)
    def wait_for_a_turn_while_somebody_else_is_faster(self, amount: str, others: str) -> None:
        """The refund was certainly not sent yet; what went back in the dashboard may leave no room for it."""
        self.refund(amount, False, (ErrorCode.RATE_LIMITED, False))
        self.refund_in_dashboard(others)
        self.three_what_the_provider_reports_is_recorded_and_what_no_longer_fits_is_held()

    @rule(amount=AMOUNTS)
    def open_link(self, amount: str) -> None:
        self.attempt(lambda: self.world.open_link(amount))

    @rule(data=st.data())
    def refund_instead_of_a_link(self, data: st.DataObject) -> None:
        waiting = [one for one in self.world.refunds if one.state is RefundState.AWAITING_MERCHANT]
        if waiting:
            chosen = data.draw(st.sampled_from(waiting))
            self.attempt(lambda: self.world.refund(str(chosen.amount.decimal), instead_of=chosen.id))

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

    @rule(data=st.data(), signed=st.booleans(), times=st.integers(1, 2))
    def webhook(self, data: st.DataObject, signed: bool, times: int) -> None:
        """About anything that ever happened, however late, once or twice, or only a hint."""
        if self.ledger.said:
            reference, status = data.draw(st.sampled_from(self.ledger.said))
            body = f"refund:{reference}:{status.value}" if signed else "fetch:p_1"
            for _ in range(times):
                self.attempt(lambda: self.desk.receive_webhook("ledger", {"signature": "right"}, body.encode()))

    @rule()
    def three_what_the_provider_reports_is_recorded_and_what_no_longer_fits_is_held(self) -> None:
        """All is read at the provider. A failed refund that we never heard of took nothing and need not be known."""
        self.attempt(lambda: self.desk.reconcile("1001"))
        if self.ledger.lookup_fails:
            return
        self.desk.reconcile("1001")
        known = {one.reference: one for one in self.world.refunds if one.reference}
        for reference, theirs in self.ledger.refunds.items():
            if theirs.status in (RefundStatus.PENDING, RefundStatus.SUCCEEDED):
                assert theirs.status in known[reference].reported
                assert known[reference].amount == theirs.amount
        postpone = [one for one in self.world.refunds if one.state is RefundState.SUBMITTING and one.waits_until]
        if postpone and self.desk.dossier("1001").refunded("ledger:p_1", "EUR") > CAPTURED:
            sent = {one.id: len(self.ledger.sent[one.id]) for one in postpone}
            self.world.later()  # their turn comes
            for refund in postpone:
                assert len(self.ledger.sent[refund.id]) == sent[refund.id]
                assert self.desk.dossier("1001").refund(refund.id).needs_person

    @rule()
    def seven_a_reconcile_right_after_another_changes_nothing(self) -> None:
        if not self.ledger.lookup_fails:
            self.desk.reconcile("1001")
            assert not self.desk.reconcile("1001").changed

    @rule(minutes=st.sampled_from([1, 10, 50, 90, 600]))
    def later(self, minutes: int) -> None:
        """Invariant 7: no clock turns pending or unknown into failed. Only the provider's answer does."""
        before = {one.id: one.state for one in self.world.refunds}
        self.world.later(datetime.timedelta(minutes=minutes))
        says = {reference: one.status for reference, one in self.ledger.refunds.items()}
        for refund in self.world.refunds:
            waited = before.get(refund.id) in (RefundState.PENDING, RefundState.UNKNOWN)
            if waited and refund.state in (RefundState.FAILED, RefundState.CANCELLED):
                assert says.get(refund.reference) == refund.state.value

    # --- invariants ------------------------------------------------------------------------------------

    @precondition(lambda self: self.world.desk is not None)
    @invariant()
    def three_no_decision_of_ours_ever_passed_what_was_captured(self) -> None:
        """With everything that was known then: each event that decides a refund is folded, and leaves it fitting."""
        dossier = Dossier(order_id="1001")
        for recorded in self.desk._services.store.events("default", "1001"):
            dossier = apply(dossier, recorded)
            if isinstance(recorded.event, RefundPlanned | RefundLinkOpened):
                assert dossier.refunded(recorded.event.payment, "EUR") <= CAPTURED
        assert self.ledger.total("p_1") <= CAPTURED.minor

    @precondition(lambda self: self.world.desk is not None)
    @invariant()
    def five_every_refund_of_ours_was_made_at_most_once(self) -> None:
        made = [one.refund_id for one in self.ledger.refunds.values() if one.refund_id]
        assert len(made) == len(set(made))

    @precondition(lambda self: self.world.desk is not None)
    @invariant()
    def five_the_bytes_of_a_refund_were_fixed_when_it_was_decided_and_never_changed(self) -> None:
        planned = {
            one.event.refund_id: one.event
            for one in self.desk._services.store.events("default", "1001")
            if isinstance(one.event, RefundPlanned)
        }
        for refund_id, tries in self.ledger.sent.items():
            assert len(set(tries)) == 1
            event = planned[refund_id]
            fixed = {"refund_id": refund_id, "order_id": "1001", "amount": attrs.asdict(event.amount), "to": None}
            assert json.loads(tries[0]) == fixed | attrs.asdict(event.sent)
        keys = [json.loads(tries[0])["key"] for tries in self.ledger.sent.values()]
        assert len(keys) == len(set(keys))

    @precondition(lambda self: self.world.desk is not None)
    @invariant()
    def six_the_intent_was_committed_and_no_transaction_open_when_the_provider_was_called(self) -> None:
        assert self.faults == []

    @precondition(lambda self: self.world.desk is not None)
    @invariant()
    def seven_a_state_is_what_the_reports_make_whatever_their_order(self) -> None:
        """Written out here once more, and not by the rule that is tested."""
        for refund in self.world.refunds:
            said = {one.value for one in refund.reported}
            if "failed" in said:
                assert refund.state == ("reversed" if "succeeded" in said else "failed")
            elif "cancelled" in said:
                assert refund.state == "cancelled"
            elif said:
                assert refund.state == next(one for one in ("succeeded", "pending", "awaiting_merchant") if one in said)

    @precondition(lambda self: self.world.desk is not None)
    @invariant()
    def eight_the_events_as_they_are_stored_mean_what_the_dossier_says(self) -> None:
        events = self.plain.stored_events(self.other, "1001")
        assert [seq for seq, _, _ in events] == list(range(1, len(events) + 1))
        assert self.plain.plain_fold(events) == self.plain.plain_dossier(self.desk.dossier("1001"))


def test_no_fault_pays_twice_loses_a_refund_or_lies_about_one(
    world: Any, plain_fold: Any, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.CRITICAL, "retour")
    other = create_engine(world.database)
    machine = type("Refunds", (Refunds,), {"world": world, "other": other, "plain": plain_fold})
    run_state_machine_as_test(  # type: ignore[no-untyped-call]
        machine,
        settings=settings(
            max_examples=EXAMPLES if world.database.startswith("sqlite") else EXAMPLES // 2,
            stateful_step_count=40,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
    other.dispose()


@pytest.mark.parametrize("find", [Support.PROVIDER_CANNOT, Support.NOT_YET, Support.PARTIAL])
def test_where_nothing_was_looked_up_completely_a_refund_is_not_sent_anew(
    world: Any, find: Support, caplog: pytest.LogCaptureFixture
) -> None:
    """Declaring a complete lookup and none at all contradict each other; money must not depend on it."""
    caplog.set_level(logging.CRITICAL, "retour")
    world.open(find_refund=find, lookup_complete_after=datetime.timedelta(hours=3))
    world.ledger.blind = True
    world.ledger.after = [ProviderError(ErrorCode.OUTCOME_UNKNOWN, "no answer")]
    world.refund("40.00")
    for _ in range(3):
        world.later(datetime.timedelta(hours=4))
    assert world.went_back == 4000
