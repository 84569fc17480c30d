"""People who look at the list of what waits for them, what always holds, and the end: all that was lost is found, all
that waits is decided, and the books are compared.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from functools import partial
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import invariant, precondition, rule
from money_told import banks_told, money_told
from one_order import ANNA, DAY, MINUTE, NOON, OneOrder

from retour import (
    AttentionItem,
    Refund,
    RefundState,
    RestockDecision,
)
from retour.providers import RefundStatus

MOST_DECISIONS = 40

_ENDED = frozenset(
    {RefundState.SUCCEEDED, RefundState.PENDING, RefundState.FAILED, RefundState.CANCELLED, RefundState.REVERSED}
)


class BooksCompared(OneOrder):
    """An order of which everything can be decided by what the list names, and both books are the same then."""

    # --- what a person does who looks at the list --------------------------------------------------------

    @rule(most=st.integers(1, 5))
    def a_person_does_what_the_list_says(self, most: int) -> None:
        for item in self.listed()[:most]:
            self.decide(item)

    def listed(self) -> list[AttentionItem]:
        return sorted(self.desk.attention(limit=500).items, key=lambda one: (one.kind, one.since or NOON))

    def decide(self, item: AttentionItem) -> None:
        """One thing that a person does about an item, by a method that it names."""
        for method in item.can_do:
            if self.attempt(partial(getattr(self, f"by_{method}", lambda _: None), item)):
                return

    def refund_named(self, item: AttentionItem) -> Refund:
        return self.desk.dossier("1001").refund(item.about)

    def by_settle_refund(self, item: AttentionItem) -> Any:
        """He looked in the provider's books first; one who is free may believe that it did not happen."""
        refund = self.refund_named(item)
        made = next((one for one in self.books() if one.refund_id == refund.id), None)
        if made is not None and made.status in (RefundStatus.FAILED, RefundStatus.CANCELLED):
            made = None
        return self.desk.settle_refund(
            "1001",
            refund.id,
            happened=made is not None,
            reference=made.reference if made is not None else "",
            evidence="I looked in the dashboard",
            by=ANNA,
        )

    def by_retry_refund(self, item: AttentionItem) -> Any:
        """What he let go before and waits again is not let go once more."""
        refund = self.refund_named(item)
        if refund.state is not RefundState.UNKNOWN and (
            refund.let_go_after is not None or not (self.free or self.is_still_owed(refund))
        ):
            return None
        return self.desk.retry_refund("1001", item.about, by=ANNA)

    def by_cancel_refund(self, item: AttentionItem) -> Any:
        return self.desk.cancel_refund("1001", item.about, by=ANNA)

    def by_match_refund(self, item: AttentionItem) -> Any:
        """He knows which one he made after which link."""
        external = self.refund_named(item)
        ours = next((one for one, made in self.made_for.items() if made == external.reference), None)
        return None if ours is None else self.desk.match_refund("1001", ours, item.about, by=ANNA)

    def by_explain_payment(self, item: AttentionItem) -> Any:
        """What has another name now became that; what another payment took the place of may be of another order."""
        gone = self.payment_called(self.desk.dossier("1001").payments[item.about].reference)
        now = list(self.shop.orders["1001"].payments)
        same = next((one for one in now if self.payment_called(one.reference) == gone), None)
        became = same or (now[0] if now and self.forms % 2 else None)
        done = self.desk.explain_payment("1001", item.about, became=became.id if became else None, by=ANNA)
        if became is None:
            self.said_gone.add(gone)
            self.became.pop(gone, None)
        elif same is None:
            self.said_gone.discard(gone)
            self.became[gone] = self.payment_called(became.reference)
        return done

    def by_reconcile(self, item: AttentionItem) -> Any:
        """He looks once more; what is on the list all the same wants something else of him."""
        if item.kind == "payment_doubled":
            self.shop_stores(self.names[0])
        if "acknowledge" in item.can_do:
            return None
        self.desk.reconcile("1001")
        return (item.kind, item.about) not in [(one.kind, one.about) for one in self.listed()]

    def by_acknowledge(self, item: AttentionItem) -> Any:
        return self.desk.acknowledge("1001", item.kind, item.about, by=ANNA)

    def by_answer_restock(self, item: AttentionItem) -> Any:
        return self.desk.answer_restock("1001", item.about, RestockDecision.all(), by=ANNA)

    def by_check_settings(self, item: AttentionItem) -> Any:
        self.mend()
        return True

    def by_retry_set_aside(self, item: AttentionItem) -> Any:
        return self.desk.retry_set_aside("1001", by=ANNA)

    # --- invariants --------------------------------------------------------------------------------------

    @precondition(lambda self: hasattr(self, "faults"))
    @invariant()
    def nothing_went_out_that_must_not(self) -> None:
        assert not self.faults, self.faults

    @precondition(lambda self: hasattr(self, "faults"))
    @invariant()
    def no_refund_of_ours_was_made_twice(self) -> None:
        made = Counter(one.refund_id for one in self.books() if one.refund_id)
        assert not {one: times for one, times in made.items() if times > 1}

    @precondition(lambda self: hasattr(self, "faults"))
    @invariant()
    def a_refund_whose_money_is_out_always_counts(self) -> None:
        """Whatever we believe of a refund of ours: if the provider made it, it counts, unless a person said before that
        it did not happen, or the provider had said that it failed."""
        out = {one.refund_id for one in self.books() if one.gone and one.refund_id}
        for refund in self.refunds:
            if refund.id in out and refund.settled is None:
                assert refund.counts_against_payment, f"{refund.id} is out, and {refund.state} here"

    # --- the end -----------------------------------------------------------------------------------------

    def teardown(self) -> None:
        """All that was lost is found, all that waits for a person is decided by one, and the books are the same."""
        if not hasattr(self, "faults"):
            return
        self.mend()
        self.find_what_is_lost()
        self.decide_everything()
        self.the_books_agree()
        self.what_is_suggested_is_what_is_owed()

    def find_what_is_lost(self) -> None:
        """No webhook comes any more. Reading the books and waiting for a day is enough."""
        for pause in (0 * MINUTE, 1 * MINUTE, 15 * MINUTE, 90 * MINUTE, 7 * 60 * MINUTE, DAY + MINUTE):
            self.pass_by(pause)
            self.attempt(lambda: self.desk.reconcile("1001"))
            self.work_until_idle()

    def work_until_idle(self) -> None:
        for _ in range(50):
            if self.desk.work().idle:
                return
        raise AssertionError("there is work without an end")

    def decide_everything(self) -> None:
        """Everything on the list can be decided, by a method that it names."""
        for _ in range(MOST_DECISIONS):
            items = self.listed()
            if not items and not self.give_up_open_links():
                break
            for item in items:
                self.decide(item)
            self.pass_by(DAY + MINUTE)
            self.attempt(lambda: self.desk.reconcile("1001"))
            self.work_until_idle()
        waits = [f"{one.what}: {one.why} {one.can_do}" for one in self.listed()]
        assert not waits, waits

    def give_up_open_links(self) -> bool:
        """What nobody made in the dashboard is not going to be made."""
        given_up = False
        for refund in self.refunds:
            if refund.state is RefundState.AWAITING_MERCHANT:
                self.desk.cancel_refund("1001", refund.id, by=ANNA)
                given_up = True
        return given_up

    def the_books_agree(self) -> None:
        """The provider's books with what a person paid by hand, what the store counts, and what the timeline's
        sentences tell are the same, refund by refund; nothing is unknown and nothing waits."""
        asked = {*self.stored, *[self.payment_called(self.reference_of(one)) for one in self.refunds]}
        there = {one.reference: one.minor for one in self.books() if one.gone and one.payment in asked}
        there |= {reference: minor for reference, (_, minor) in self.by_hand.items()}
        here = {one.reference: one.amount.minor for one in self.refunds if one.counts_against_payment}
        told = money_told(self.desk.timeline("1001"), self.sale.currency)
        assert here == there, f"the store has {here}, and the provider's books {there}"
        assert told == there, f"the timeline tells {told}, and the provider's books {there}"
        for payment in sorted(self.stored & {*self.with_payments()}):
            has, knows, tells = self.bank_has(payment), self.known_here(payment), self.told_here(payment)
            assert knows == has, f"the store has {knows} at the bank of {payment}, and the provider's books {has}"
            assert tells == has, f"the timeline tells of {tells} at the bank of {payment}, and it has {has}"
        assert len(here) == len([one for one in self.refunds if one.counts_against_payment])
        waits = [one for one in self.refunds if one.needs_person or one.state not in _ENDED]
        assert not waits, f"{[one.state.value for one in waits]} after all was decided"

    def told_here(self, payment: str) -> int:
        """What a bank has of it by the timeline: the last sentence about it, by any of its names."""
        told = banks_told(self.desk.timeline("1001"), self.sale.currency)
        of_it = [minor for name, minor in told if self.payment_called(name) == payment]
        return of_it[-1] if of_it else 0

    def what_is_suggested_is_what_is_owed(self) -> None:
        """What is owed for the goods and did not go back yet, as far as it is left on the payments; or nothing, and
        why."""
        options = self.desk.refund_options("1001")
        if self.nobody_counts(options):
            assert not any(one.suggested for one in options)
            return
        gone: Counter[str] = Counter()
        for payment, minor in self._money_of_the_order():
            gone[payment] += minor
        banks = Counter({payment: self.bank_has(payment) for payment in self.with_payments()})
        on_order = {one for payment in self.stored for one in self.one_with(payment)}
        went = sum(gone.values()) + sum(banks[payment] for payment in on_order)
        lefts = []
        for option in options:
            on_it = self.one_with(self.payment_called(option.payment.reference))
            lefts.append(max(self.sale.captured - sum(gone[payment] + banks[payment] for payment in on_it), 0))
            assert option.left.minor == lefts[-1], f"{option.left} of {option.payment.id} here, and {lefts[-1]} there"
        told, (shares, _) = [one.suggested.minor for one in options], self.suggested_of(went, lefts)
        assert told == shares, f"{shares} are owed by both books, and {told} are suggested"

    def _money_of_the_order(self) -> Iterator[tuple[str, int]]:
        asked = {*self.stored, *[self.payment_called(self.reference_of(one)) for one in self.refunds]}
        for one in self.books():
            if one.gone and one.payment in asked:
                yield one.payment, one.minor
        yield from self.by_hand.values()
