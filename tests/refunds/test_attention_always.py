"""Whatever people, providers and workers do: the list is what the rule says, and nothing leaves it without an event."""

from __future__ import annotations

import datetime
import logging
import os
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

import attrs
import pytest
from hypothesis import HealthCheck, Phase, settings
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

from retour import Actor, LineKind, Money, RestockDecision, RetourError
from retour.providers import ErrorCode, ProviderError, RefundStatus, Support
from retour.rules.attention import ACKNOWLEDGE, needs_attention
from retour.testing import a_line, a_payment, a_service, an_order

ANNA = Actor.staff("anna")
EXAMPLES = int(os.environ.get("RETOUR_EXAMPLES", "12"))
AMOUNTS = st.sampled_from(["10.00", "10.00", "25.00", "60.00"])
ERRORS = st.sampled_from(
    [None, ErrorCode.DISPUTED, ErrorCode.INSUFFICIENT_BALANCE, ErrorCode.OUTCOME_UNKNOWN, ErrorCode.RATE_LIMITED]
)
SEEN = {"retry_refund", "cancel_refund", "settle_refund", "match_refund", "answer_restock", "acknowledge"}


class Attentive(RuleBasedStateMachine):
    """One order, a provider that fails, a shop that changes the order, and a person who does what the list says."""

    world: Any

    @initialize(find=st.sampled_from([Support.YES, Support.PROVIDER_CANNOT]))
    def open(self, find: Support) -> None:
        world = self.world
        if world.desk is not None:
            with world.desk._services.store.engine.begin() as connection:
                for table in ("dossier", "event", "refund", "return", "attention", "effect", "reference", "personal"):
                    connection.execute(text(f"DELETE FROM retour_{table}"))  # noqa: S608 - our own names
        world.ledger = None
        world.open(find_refund=find)
        self.ledger, self.desk = world.ledger, world.desk
        self.order(4, "100.00")
        self.listed: set[tuple[str, str]] = set()
        self.version = 0

    def attempt(self, command: Any) -> None:
        with suppress(RetourError):
            command()

    def form(self) -> str:
        self.world.forms += 1
        return f"form-{self.world.forms}"

    @rule(fulfilled=st.integers(0, 4), captured=st.sampled_from(["20.00", "100.00"]))
    def order(self, fulfilled: int, captured: str) -> None:
        """The shop changes the order, which the next command sees."""
        cup = attrs.evolve(a_line("cup", 4, "60.00"), fulfilled=fulfilled)
        payment = a_payment(captured, provider="ledger", reference="p_1")
        self.world.shop.orders["1001"] = an_order(cup, a_line("pot", 2, "40.00"), payments=[payment])

    @rule(price=st.sampled_from(["60.00", "48.00"]), units=st.integers(3, 5), pot=st.booleans(), sale=st.booleans())
    def recalculate(self, price: str, units: int, pot: bool, sale: bool) -> None:
        """The shop removes a line, gives one another price or a discount, or says what cannot be right."""
        cup = attrs.evolve(a_line("cup", 4, price), fulfilled=units)
        lines = [cup, *([a_line("pot", 2, "40.00")] if pot else [])]
        lines += [attrs.evolve(a_service("sale", "-6.00"), kind=LineKind.DISCOUNT, spread_over=["pot"])] if sale else []
        self.world.shop.orders["1001"] = an_order(
            *lines, payments=[a_payment("100.00", provider="ledger", reference="p_1")]
        )

    @rule(amount=AMOUNTS, error=ERRORS, done=st.booleans())
    def refund(self, amount: str, error: ErrorCode | None, done: bool) -> None:
        errors = [] if error is None else [ProviderError(error, "wrong")]
        self.ledger.before, self.ledger.after = ([], errors) if done else (errors, [])
        self.attempt(lambda: self.world.refund(amount))

    @rule(amount=AMOUNTS)
    def open_link(self, amount: str) -> None:
        self.attempt(lambda: self.world.open_link(amount))

    @rule(amount=AMOUNTS)
    def refund_in_dashboard(self, amount: str) -> None:
        self.ledger.add("p_1", Money.of(amount, "EUR"))
        self.attempt(lambda: self.desk.reconcile("1001"))

    @rule(amount=AMOUNTS)
    def refund_by_hand(self, amount: str) -> None:
        form = self.form()
        confirm, money = self.desk.confirm_refund, Money.of(amount, "EUR")
        self.attempt(lambda: confirm("1001", "p_1", money, reference=form, by=ANNA, request_id=form))

    @rule(which=st.integers(0, 20), status=st.sampled_from(list(RefundStatus)), twin=st.booleans())
    def provider_says(self, which: int, status: RefundStatus, twin: bool) -> None:
        """Anything of any refund, also that there is another one with our id."""
        if self.ledger.refunds:
            reference = self.pick(which, list(self.ledger.refunds))
            if twin:
                one = self.ledger.refunds[reference]
                self.ledger.add("p_1", one.amount, one.refund_id)
            self.ledger.turn(reference, status)
            self.attempt(
                lambda: self.desk.receive_webhook("ledger", {"signature": "right"}, f"event:{reference}".encode())
            )

    @rule(left=st.sampled_from(["40", "100"]))
    def less_is_left(self, left: str) -> None:
        """The provider would give back less than all that is known explains."""
        self.ledger.paid["p_1"] = Money.of(left, "EUR")

    @rule(line=st.sampled_from(["cup", "pot"]))
    def receive(self, line: str) -> None:
        self.attempt(lambda: self.desk.mark_returned("1001", {line: 1}, by=ANNA, request_id=self.form()))

    @rule(minutes=st.sampled_from([1, 90, 1500]))
    def later(self, minutes: int) -> None:
        self.world.later(datetime.timedelta(minutes=minutes))

    def pick(self, number: int, several: Sequence[Any]) -> Any:
        return several[number % len(several)] if several else None

    @rule(which=st.integers(0, 20), how=st.integers(0, 20), ours=st.integers(0, 20))
    def do_what_the_list_says(self, which: int, how: int, ours: int) -> None:
        dossier = self.desk._services.cases.as_last_seen("default", "1001").dossier
        ids = [*dossier.refunds, *dossier.returns]  # in an order that is not by chance, as the ids are
        order = {name: number for number, name in enumerate(ids)}
        items = self.desk.attention().items
        item = self.pick(which, sorted(items, key=lambda one: (one.kind, order.get(one.about, -1), one.about)))
        if item is None:
            return
        method = self.pick(how, sorted(SEEN & {*item.can_do}))
        if method == "acknowledge":
            assert self.desk.acknowledge("1001", item.kind, item.about, by=ANNA).changed
            assert (item.kind, item.about) not in {(one.kind, one.about) for one in self.desk.attention().items}
        elif method == "answer_restock":
            self.attempt(lambda: self.desk.answer_restock("1001", item.about, RestockDecision.all(), by=ANNA))
        elif method == "match_refund":
            chosen = self.pick(ours, self.world.refunds)
            self.attempt(lambda: self.desk.match_refund("1001", chosen.id, item.about, by=ANNA))
        elif method == "settle_refund":
            settle = self.desk.settle_refund
            self.attempt(lambda: settle("1001", item.about, happened=False, evidence="I looked", by=ANNA))
        elif method is not None:
            self.attempt(lambda: getattr(self.desk, method)("1001", item.about, by=ANNA))

    @precondition(lambda self: self.world.desk is not None)
    @invariant()
    def the_list_is_what_the_rule_says_and_nothing_left_it_without_an_event(self) -> None:
        dossier = self.desk._services.cases.as_last_seen("default", "1001").dossier
        found = {(one.kind, one.about): (one.since, one.can_do) for one in needs_attention(dossier)}
        listed = {(one.kind, one.about): one for one in self.desk.attention(limit=500).items}
        assert listed.keys() == found.keys()
        assert len(found) == len(needs_attention(dossier))
        for key, item in listed.items():
            since, can_do = found[key]
            assert (item.since, {*can_do} - {*item.can_do}) == (since, set())
            assert (ACKNOWLEDGE in item.can_do) == (ACKNOWLEDGE in can_do)
        if dossier.version == self.version:
            assert listed.keys() == self.listed
        self.listed, self.version = set(listed), dossier.version
        counts = self.desk.attention_counts()
        assert sum(counts.values()) == len(listed)


def test_nothing_leaves_the_list_without_a_cause_on_the_timeline(world: Any, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.CRITICAL, "retour")
    run_state_machine_as_test(  # type: ignore[no-untyped-call]
        type("Attentive", (Attentive,), {"world": world}),
        settings=settings(
            max_examples=EXAMPLES if world.database.startswith("sqlite") else EXAMPLES // 3,
            stateful_step_count=30,
            deadline=None,
            phases=[one for one in Phase if one is not Phase.shrink],
            suppress_health_check=list(HealthCheck),
        ),
    )
