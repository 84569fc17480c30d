"""A merchant in trouble and his two books, the provider's and ours: a machine that does at random what people, shops,
providers, hosts and clocks do to one order, and compares the books.

What it does and what must hold is the same for every provider; where the provider is, its machine says.
"""

from __future__ import annotations

import datetime
from functools import partial

from books_compared import BooksCompared
from goods_sold import AS_SOLD, THE_BOWLS
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.errors import FlakyStrategyDefinition
from hypothesis.stateful import precondition, rule, run_state_machine_as_test
from one_order import ALL, ANNA, MINUTE, WHICH

from retour import (
    BankAccount,
    Consent,
    ConsentWay,
    Money,
    Refund,
    RefundOption,
    RefundSource,
    RefundState,
)

CAN_BE_REPLACED = (RefundState.AWAITING_MERCHANT, RefundState.PLANNED, RefundState.FAILED, RefundState.REVERSED)
JANSEN = BankAccount(name="J. Jansen", iban="NL91ABNA0417164300")
AGREED = Consent(how=ConsentWay.PHONE)


class TwoBooks(BooksCompared):
    """Everybody who has to do with the goods and the money of one order, each at random."""

    # --- what the merchant does --------------------------------------------------------------------------

    def colleague_refunds(self, payment: str, minor: int) -> None:
        """A colleague refunds in the dashboard, if the provider lets him."""
        made = self.refund_in_dashboard(payment, minor)
        if made is not None:
            self.by_colleagues[made] = self.what_time_it_is()

    @rule(units=st.integers(1, 2), line=st.sampled_from(["cup", "cup", "bowl"]))
    def goods_come_back(self, units: int, line: str) -> None:
        self.goods_arrive(units, line)

    def press(self, payment: str, amount: Money, times: int = 1) -> None:
        """Refund, perhaps with a double click."""
        form, before = self.form(), {*self.desk.dossier("1001").refunds}
        nobody_can_say = self.has_vanished() or self.is_doubled()
        unclear = self.unclear_on(payment)
        self.made_before_the_click = {*self.by_colleagues}
        self.clicked_at = self.what_time_it_is()
        for _ in range(times):
            self.attempt(lambda: self.desk.refund("1001", payment, amount, by=ANNA, request_id=form))
        self.made_before_the_click, self.clicked_at = set(), None
        decided = [one for one in self.refunds if one.id not in before and one.source is RefundSource.API]
        assert len(decided) <= 1, "a double click decided two refunds"
        assert not (decided and nobody_can_say), "it was decided while nobody can say where money of the order went"
        assert not (decided and unclear & self.unclear_on(payment)), "it was decided while another is unclear"

    def unclear_on(self, payment: str) -> set[str]:
        """The refunds of a payment, by their ids, of which nobody knows what became."""
        dossier = self.desk.dossier("1001")
        return {one.id for one in dossier.on_payment(payment) if one.state is RefundState.UNKNOWN}

    def refund_what_is_suggested(self, times: int = 1, *, tidy: bool = False) -> None:
        """One who is tidy decides before what stands in the way."""
        if tidy:
            self.a_person_does_what_the_list_says(5)
        option = self.suggestion()
        if option is not None:
            self.press(option.payment.id, option.suggested, times)

    def refund_an_amount(self, amount: int) -> None:
        payments = self.shop.orders["1001"].payments
        if payments:
            self.press(payments[-1].id, self.sale.money(amount or self.sale.captured))

    @rule(others=st.sampled_from(["the same", "half of it"]))
    def refund_while_a_colleague_is_faster(self, others: str) -> None:
        """He refunds just what is about to be refunded, a moment before, and no webhook comes."""
        option = self.suggestion()
        if option is None:
            return
        minor = option.suggested.minor if others == "the same" else option.suggested.minor // 2
        minor -= minor % self.sale.step
        self.colleague_refunds(self.payment_called(option.payment.reference), minor)
        self.press(option.payment.id, option.suggested)

    @rule(amount=st.sampled_from([5_00, 10_00, 25_00, 5_00]))
    def a_colleague_refunds_in_the_dashboard(self, amount: int) -> None:
        self.a_colleague_pays(amount)

    def a_colleague_pays(self, amount: int) -> None:
        for payment in sorted(self.stored):
            self.colleague_refunds(payment, amount)

    @rule(which=WHICH, then=st.sampled_from(["opened", "followed", "followed", "confirmed", "refunded instead"]))
    def a_person_refunds_by_link(self, which: int, then: str) -> None:
        """He opens a link where something is suggested, and makes in the dashboard, or at his bank, what waits for him;
        he says so, or nothing, or refunds by retour after all."""
        option = self.suggestion()
        if option is not None:
            payment, suggested, form = option.payment.id, option.suggested, self.form()
            opened, before = self.desk.open_refund_link, {one.id for one in self.refunds}
            self.attempt(lambda: opened("1001", payment, suggested, by=ANNA, request_id=form))
            if not self.desk.plugins:
                self.steps_unknown |= {one.id for one in self.refunds} - before
        waiting = [one for one in self.refunds if one.state is RefundState.AWAITING_MERCHANT]
        if not waiting or then == "opened":
            return
        chosen = waiting[which % len(waiting)]
        if then == "refunded instead":
            self.refund_instead_of(chosen)
            return
        if chosen.by_transfer:
            self.transfer(chosen)
            return
        self.follow(chosen)
        if then == "confirmed":
            self.confirm(chosen)

    @rule(which=WHICH, instead=st.booleans(), pays=st.booleans())
    def a_refund_goes_by_bank_transfer(self, which: int, instead: bool, pays: bool) -> None:
        """What is suggested, or what waits or did not arrive; the customer has agreed. Perhaps the merchant pays it at
        once, or another that waits, or none."""
        replaced = [one for one in self.refunds if one.state in CAN_BE_REPLACED]
        if instead and replaced:
            chosen = replaced[which % len(replaced)]
            if self.free or (chosen.counts_against_payment and self.is_still_owed(chosen)):
                self.decide_transfer(chosen.payment, chosen.amount, instead_of=chosen.id)
        elif (option := self.suggestion()) is not None:
            self.decide_transfer(option.payment.id, option.suggested)
        elif (option := self.what_no_step_can_pay()) is not None and option.remainder is not None:
            self.decide_transfer(option.payment.id, option.remainder)
        waiting = [one for one in self.refunds if one.state is RefundState.AWAITING_MERCHANT and one.by_transfer]
        if waiting and pays:
            self.transfer(waiting[which % len(waiting)])

    @rule(who=st.sampled_from(["a colleague", "a colleague", "a bank"]), is_told=st.booleans())
    def a_transfer_waits_while_others_pay(self, who: str, is_told: bool) -> None:
        """Then the merchant pays what still waits, if he is still told where to."""
        option = self.suggestion()
        if option is None:
            return
        self.decide_transfer(option.payment.id, option.suggested)
        before = {one.reference for one in self.refunds}
        if who == "a bank":
            self.a_bank_acts("takes", 100_00, is_told=is_told)
        else:
            self.a_colleague_pays(5_00)
        if is_told:
            self.compare_the_books(once_more=False)
        told = [one for one in self.refunds if one.counts_against_payment and one.reference not in before]
        for waiting in [one for one in self.refunds if one.state is RefundState.AWAITING_MERCHANT and one.by_transfer]:
            if any(one.payment == waiting.payment and one.reference in self.by_colleagues for one in told):
                link = self.attempt(partial(self.desk.refund_link, "1001", refund_id=waiting.id))
                assert link is None or link.transfer is None, "it is to be paid, though a colleague refunded meanwhile"
            self.transfer(waiting)

    def what_no_step_can_pay(self) -> RefundOption | None:
        """What is left over of a payment that its provider never pays."""
        options = self.attempt(lambda: self.desk.refund_options("1001")) or ()
        return next((one for one in options if one.remainder), None)

    def decide_transfer(self, payment: str, amount: Money, instead_of: str | None = None) -> None:
        self.made_before_the_click = {*self.by_colleagues}
        form, unclear = self.form(), self.unclear_on(payment)
        nobody_can_say = self.has_vanished() or self.is_doubled()
        refund = partial(self.desk.refund, "1001", payment, amount, by=ANNA, request_id=form, instead_of=instead_of)
        assert self.attempt(partial(refund, to=JANSEN)) is None, "a transfer was decided without the customer's consent"
        done = [self.attempt(partial(refund, to=JANSEN, consent=AGREED)) for _ in range(2)]
        made = {one.refund_id for one in done if one is not None}
        assert len(made) <= 1, "a double click decided two transfers"
        assert not (made and (nobody_can_say or unclear)), "it was decided while nobody can say where money went"

    def transfer(self, refund: Refund) -> None:
        """He pays from his bank account what retour says that he can, and confirms it under the bank's reference."""
        link = self.attempt(lambda: self.desk.refund_link("1001", refund_id=refund.id))
        if link is None or link.transfer is None:
            return
        payment, minor = self.payment_called(self.reference_of(refund)), refund.amount.minor
        known = {one.reference for one in self.refunds if one.counts_against_payment}
        there = [one for one in self.books() if one.gone and one.payment == payment and one.reference in known]
        by_hand = [paid for on, paid in self.by_hand.values() if on == payment]
        bank = min(self.known_here(payment), self.bank_has(payment)) if payment in self.stored else 0
        gone = sum(one.minor for one in there) + sum(by_hand) + bank
        if gone + minor > self.sale.captured:
            self.faults.append(f"{minor} are transferred of {payment}, of which {gone} are known to be gone")
        colleagues = sum(
            one.minor for one in self.books() if one.gone and one.reference in known & self.by_colleagues.keys()
        )
        his_mistake = self.free or self.came_again or self.is_left_behind(payment)
        if not his_mistake and self.sent_by_us() + colleagues + bank + minor > self.owed:
            self.faults.append(
                f"{minor} are transferred of {self.owed} owed, though colleagues had refunded {colleagues}, and a bank "
                f"has {bank}"
            )
        self.confirm(refund)

    def refund_instead_of(self, refund: Refund) -> None:
        payment, amount, form = refund.payment, refund.amount, self.form()
        self.attempt(lambda: self.desk.refund("1001", payment, amount, instead_of=refund.id, by=ANNA, request_id=form))

    def follow(self, refund: Refund) -> None:
        if refund.id in self.made_for or refund.by_transfer:
            return
        if refund.amount.minor % self.sale.step and refund.id not in self.steps_unknown:
            self.faults.append(f"{refund.amount} is to be refunded at a provider in steps of {self.sale.step}")
        made = self.refund_in_dashboard(self.payment_called(self.reference_of(refund)), refund.amount.minor)
        if made is not None:
            self.made_for[refund.id] = made

    def confirm(self, refund: Refund) -> None:
        """A person says that he made it, and under which reference: the provider's, or that of his bank."""
        reference = self.made_for.get(refund.id) or f"bank-{self.form()}"
        said = self.attempt(
            lambda: self.desk.confirm_refund(
                "1001",
                refund.payment,
                refund.amount,
                reference=reference,
                refund_id=refund.id,
                by=ANNA,
                request_id=self.form(),
            )
        )
        if said is not None and reference.startswith("bank-"):
            self.by_hand[reference] = (self.payment_called(self.reference_of(refund)), refund.amount.minor)

    @rule(which=WHICH, cancel=st.booleans())
    def cancel_or_retry_a_refund(self, which: int, cancel: bool) -> None:
        if self.refunds:
            chosen = self.refunds[-1 - which % len(self.refunds)]
            if cancel:
                self.attempt(lambda: self.desk.cancel_refund("1001", chosen.id, by=ANNA))
            else:
                self.let_go(chosen)

    def let_go(self, refund: Refund) -> None:
        """A person lets go what waits for him: one who only pays suggestions looks first whether it is still owed."""
        if self.free or refund.state is RefundState.UNKNOWN or self.is_still_owed(refund):
            self.attempt(lambda: self.desk.retry_refund("1001", refund.id, by=ANNA))

    # --- what the shop does ------------------------------------------------------------------------------

    @precondition(lambda self: self.sale.bowls)
    @rule(how=st.sampled_from([AS_SOLD, AS_SOLD, *THE_BOWLS]), comes_back=st.booleans())
    def the_shop_changes_the_bowls(self, how: str, comes_back: bool) -> None:
        """It makes them cheaper, takes some or all of them off, or has a line that cannot be right; or it sets all that
        right again. Perhaps one comes back just before."""
        if comes_back:
            self.goods_arrive(1, "bowl")
        self.goods.change(how)
        self.shop_stores(*[one.reference for one in self.shop.orders["1001"].payments])

    @rule(
        which=WHICH,
        how=st.sampled_from(
            ["anew", "as it was", "anew", "another", "anew", "another too", "as it was", "twice", "not at all"]
        ),
    )
    def the_shop_stores_the_payment(self, which: int, how: str) -> None:
        """Anew: with a blank, a prefix, in another case, or by another of its provider's names. Another: in its place,
        or beside it."""
        other = self.unrelated[which % len(self.unrelated)]
        anew = self.names[which % len(self.names)]
        self.shop_stores(
            *{
                "anew": (anew,),
                "as it was": (self.names[0],),
                "another": (other,),
                "another too": (self.names[0], other),
                "twice": self.names[:2],
                "not at all": (),
            }[how]
        )

    # --- what the provider and the banks do --------------------------------------------------------------

    @rule(which=WHICH)
    def the_provider_moves_on(self, which: int) -> None:
        self.bank_moves(which)

    @rule(
        what=st.sampled_from(["opens", "takes", "gives back", "gives back"]),
        amount=st.sampled_from([25_00, 100_00, ALL]),
        is_told=st.booleans(),
    )
    def the_customers_bank_acts(self, what: str, amount: int, is_told: bool) -> None:
        """It opens a dispute, which it wins or loses later, or takes money back at once, and perhaps gives it back."""
        self.a_bank_acts(what, amount, is_told=is_told)

    def a_bank_acts(self, what: str, amount: int, *, is_told: bool) -> None:
        for payment in sorted(self.stored & {*self.with_payments()}):
            self.pass_by(datetime.timedelta(seconds=1))
            self.bank_acts(what, payment, amount or self.sale.captured)
            self.with_banks.setdefault(payment, []).append((self.what_time_it_is(), self.bank_has(payment)))
        if is_told:
            self.attempt(lambda: self.desk.reconcile("1001"))

    @rule(which=WHICH, then=st.sampled_from(["takes", "gives back"]), is_told=st.booleans())
    def a_bank_goes_on_when_the_payment_has_another_name(self, which: int, then: str, is_told: bool) -> None:
        """What it has of one payment was told under two names, and is what was told last."""
        self.a_bank_acts("takes", 25_00, is_told=True)
        self.shop_stores(self.names[which % len(self.names)])
        self.a_bank_acts(then, 25_00, is_told=is_told)

    @rule(which=WHICH, times=st.integers(1, 2), by=st.sampled_from(["webhook", "webhook", "its books"]))
    def the_provider_is_heard(self, which: int, times: int, by: str) -> None:
        """By a webhook about anything that ever happened: late, twice, in any order; most never come. Or in its
        books."""
        if by == "its books":
            self.compare_the_books(once_more=times > 1)
            return
        told = self.webhooks()
        if told:
            headers, body = told[-1 - which % len(told)]
            for _ in range(times):
                self.attempt(lambda: self.desk.receive_webhook(self.provider, headers, body, mode=self.mode))

    # --- hosts, workers and clocks -----------------------------------------------------------------------

    @rule(minutes=st.sampled_from([0, 1, 3, 30, 58, 90, 600, 2000]), works=st.booleans(), other=st.booleans())
    def time_passes(self, minutes: int, works: bool, other: bool) -> None:
        """Then it is perhaps another host's turn, and a worker's."""
        self.pass_by(minutes * MINUTE)
        if other:
            self.turn = 1 - self.turn
        if works:
            self.desk.work()

    def set_clock(self, hours: int) -> None:
        """Somebody sets the clock of the host whose turn it is."""
        self.hosts[self.turn].ahead += datetime.timedelta(hours=hours)

    def compare_the_books(self, *, once_more: bool) -> None:
        """Where the provider can be asked, no refund is said to be done that its books do not have done, but where a
        person said so and is asked about it; and who asks once more learns nothing."""
        done = self.attempt(lambda: self.desk.reconcile("1001"))
        if done is not None and not done.not_asked and self.is_doubled():
            assert "payment_doubled" in self.desk.attention_counts()
        if done is not None and not done.not_asked and once_more:
            again = self.attempt(lambda: self.desk.reconcile("1001"))
            assert again is None or again.not_asked or not again.changed
        if done is None or done.not_asked:
            return
        there = {one.reference: one for one in self.books()}
        for refund in self.refunds:
            if refund.reference in there and not self.asks_in_vain(refund):
                theirs = there[refund.reference]
                if refund.state is RefundState.SUCCEEDED and refund.reported and not refund.contradicted:
                    assert theirs.gone, f"{refund.reference} is told as done, and is {theirs.status}"

    def asks_in_vain(self, refund: Refund) -> bool:
        """Whether the payment of a refund is one that a reconcile cannot ask about."""
        return refund.payment not in {one.id for one in self.shop.orders["1001"].payments}


def explore(machine: type[TwoBooks], *, examples: int, steps: int) -> None:
    """Run a machine of two books. Time really passes here as well: where a second more makes the same choices go
    another way, Hypothesis stops before it has found anything, and begins again with others."""
    for tries_left in (3, 2, 1, 0):
        try:
            run_state_machine_as_test(  # type: ignore[no-untyped-call]
                machine,
                settings=settings(
                    max_examples=examples,
                    stateful_step_count=steps,
                    deadline=None,
                    phases=[Phase.generate],
                    suppress_health_check=list(HealthCheck),
                ),
            )
        except FlakyStrategyDefinition:
            if not tries_left:
                raise
        else:
            return
