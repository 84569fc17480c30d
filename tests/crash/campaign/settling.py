"""The end of a campaign: nobody is killed and nothing fails any more, and all that waits is settled, by people too."""

from __future__ import annotations

import datetime
import json
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import attrs
from sqlalchemy import select, text

from retour import AttentionItem, InvalidWebhook, RetourError, WrongState
from retour.model.attention import AttentionKind
from retour.model.refunds import RefundState
from retour.sandbox import BookedRefund
from retour.store import tables

from .attending import ANNA, Attending
from .audit_transfers import timeline_of
from .deaths import counted
from .deciding import Deciding
from .forms import Form, Forms
from .people import AT_A_PROVIDER, decided, deliver, keep_books
from .plan import CANCEL, DASHBOARD, Decision
from .run import HOUR, Campaign
from .suspensions import suspended
from .tellers import TELLERS, DoesBoth, Teller

STRIDES = (
    *(HOUR / 4,) * (4 * 24),
    *(HOUR,) * 24,
    *(24 * HOUR,) * 50,
)
"""How much time passes at least between two rounds of working off what waits: a day of quarters of an hour, in which
all pauses and the keys of Mollie and Stripe end; one of hours; and then every day, since a refund that PayPal refuses
after an unclear try is asked about each hour for the 45 days of its window, and a worker that comes by once a day must
do as well."""

ATTENDED = 8
"""How often at most a person goes through all that waits for one."""

OPEN = (
    RefundState.PLANNED,
    RefundState.AWAITING_MERCHANT,
    RefundState.SUBMITTING,
    RefundState.PENDING,
    RefundState.UNKNOWN,
)
"""States of which a refund is in none when everything is settled."""


@attrs.frozen
class Settling:
    """Settles a campaign that has raged, or never did."""

    campaign: Campaign

    def settle(self) -> None:
        """Nobody is killed and nothing fails any more: all that is due is done, as often and as late as it takes."""
        with self.campaign.desk._services.store.engine.begin() as connection:
            connection.execute(text("UPDATE retour_effect SET lease_until = 0 WHERE state = 'waiting'"))
        failures = self.campaign.world.folder / "failures"
        self.campaign.failures = (
            [json.loads(line) for line in failures.read_text().splitlines()] if failures.exists() else []
        )
        self.campaign.deaths += counted(self.campaign.world.folder / "deaths")
        self.campaign.suspensions += suspended(self.campaign.world.folder / "suspended")
        for payments in self.campaign.world.plan.payments.values():
            for payment in payments:
                self.campaign.spellings.store(payment, self.campaign.chance.choice(payment.telling))
        self._without_a_plugin()
        self._decide_the_rest()
        while self.campaign.dashboards.refund_unannounced():
            pass
        for row in list(self.campaign.rows(waits_for="merchant")):
            if row.refund_id not in self.campaign.dashboards.made:
                self.campaign.pass_time(datetime.timedelta(seconds=1))
                self.campaign.dashboards.make_linked(row)
        self._work_it_all_off()
        self._deliver_the_rest()
        self._reconcile()  # what the shop calls its payments now is seen
        self._explain()  # and transfers and links go by that
        while keep_books(self.campaign.world, self.campaign.desk):
            pass
        self._transfer_the_rest(self._does_both)
        self._work_it_all_off()
        self.campaign.forgotten = self._waiting_for_nothing()
        self._reconcile()
        self._match_links()
        self._work_it_all_off()

    def _without_a_plugin(self) -> None:
        """One plugin is gone for a while in which the others work: its refunds keep their state, and of those of which
        nobody knows what became a person settles every second one by hand, by what he sees in its dashboard."""
        campaign, gone = self.campaign, self.campaign.chance.choice(AT_A_PROVIDER)
        whole = campaign.desk
        campaign.desk = campaign.world.desk(inline_seconds=10, clock=campaign.clock, without=gone)
        try:
            before = self._states_at(gone)
            for _ in range(3):  # not longer: the keys of what waits elsewhere are to be good still
                campaign.pass_time(HOUR / 12)
                while campaign.desk.work(limit=500).done:
                    pass
            for refund_id, state in self._states_at(gone).items():
                was = before.get(refund_id, state)
                stopped = (was, state) == (RefundState.SUBMITTING, RefundState.UNKNOWN)  # who sent it died
                if was != state and not stopped:
                    campaign.untold.append(f"{refund_id} was {was} and is {state}: {gone} is gone")
            campaign.attended[f"(kept their state without {gone})"] = len(before)
            attending = self._attending()
            unknown = [one for one in self._attention() if one.kind is AttentionKind.REFUND_UNKNOWN]
            for item in [one for one in unknown if before.get(one.about) is RefundState.UNKNOWN][::2]:
                try:
                    attending.settle(item)
                    campaign.attended[f"settle_refund without {gone}"] += 1
                except RetourError as error:
                    campaign.untold.append(f"order {item.order_id}: {item.about} is not settled by hand: {error}")
        finally:
            campaign.desk.close()
            campaign.desk = whole

    def _states_at(self, provider: str) -> dict[str, RefundState]:
        rows = self.campaign.rows(state=OPEN)
        return {row.refund_id: row.state for row in rows if row.payment.partition(":")[0] == provider}

    def _decide_the_rest(self) -> None:
        """What no merchant came to the end of, by a person who first says what became of payments that left."""
        known, shop = decided(self.campaign.world), self.campaign.world.shop()
        forms = [
            Forms(self.campaign.world.folder / f"forms-{number}", shop)
            for number in range(self.campaign.world.merchants)
        ]
        attending = self._attending()
        for decision in self.campaign.world.plan.decisions:
            if decision.kind in (DASHBOARD, CANCEL) or decision.number in known:
                continue
            own = forms[self.campaign.world.plan.merchant_of(decision, self.campaign.world.merchants)]
            deciding = Deciding(desk=self.campaign.desk, forms=own, faster=self._colleague)
            for payment in self.campaign.desk.dossier(decision.order_id).vanished():
                with suppress(WrongState):  # it was there again when the order was read anew
                    attending.explain(decision.order_id, payment.id)
            try:
                deciding.decide(decision)
            except RetourError as error:
                self.campaign.counts["decisions refused"] += 1
                self.campaign.counts[f"  {type(error).__name__}"] += 1

    def _colleague(self, decision: Decision, form: Form) -> None:
        self.campaign.dashboards.be_faster(str(decision.number), decision.order_id, form.payment, form.amount)

    def _transfer_the_rest(self, does_both: DoesBoth) -> None:
        """All that staff pay by hand: each of them goes on where he was killed."""
        for number in range(TELLERS):
            Teller(
                desk=self.campaign.desk,
                account=self.campaign.account,
                number=number,
                chance=self.campaign.chance,
                does_both=does_both,
                perhaps=lambda _: None,
            ).see_to_all()

    def _does_both(self, row: Any) -> str:
        self.campaign.pass_time(datetime.timedelta(seconds=1))
        return self.campaign.dashboards.do_both(row.refund_id, row.order_id, row.payment, row.amount)

    def _attending(self) -> Attending:
        """A person who looks at the providers' dashboards too."""
        return Attending(
            desk=self.campaign.desk,
            plan=self.campaign.world.plan,
            shop=self.campaign.world.shop(),
            chance=self.campaign.chance,
            books=self._in_the_books,
        )

    def _in_the_books(self, order_id: str, refund_id: str) -> BookedRefund | None:
        """A refund that stands in its provider's books."""
        payment = self.campaign.world.plan.payment(
            order_id, self.campaign.desk.dossier(order_id).refunds[refund_id].payment
        )
        standing = [
            one
            for one in self.campaign.sandboxes[payment.provider].books(payment.reference)
            if one.refund_id == refund_id and one.status in ("pending", "succeeded")
        ]
        return standing[-1] if standing else None

    def attend(self) -> None:
        """A person goes through all that waits for one, until nothing does; and so again after a last look at the
        providers, which may find more. What is listed without a word of what to do about it, and what is left in the
        end, is ``locked``."""
        self._attend_to_all()
        self._cancel_what_nobody_pays()
        self._reconcile()
        self._attend_to_all()
        self.campaign.locked = [
            f"order {one.order_id}: {one.kind} {one.about}: {one.why}\n{timeline_of(self.campaign, one.order_id)}"
            for one in self._attention()
        ]
        self.campaign.locked += [
            f"order {row.order_id}: {row.refund_id} of {row.amount} is {row.state}"
            for row in self.campaign.rows(state=OPEN)
        ]

    def _attend_to_all(self) -> None:
        """Each day anew, for some days."""
        attending = self._attending()
        for round_ in range(ATTENDED):
            if not any(self._attention()):
                break
            self.campaign.pass_time(datetime.timedelta(hours=24, minutes=5))
            for item in self._attention():
                self.campaign.listed[item.kind.value] += 1
                if item.kind is AttentionKind.REFUND_PAID_TWICE:
                    self.campaign.known_twice.add((item.order_id, item.about))
                try:
                    done = attending.attend_to(item, gives_up=round_ > 1)
                    if not done:
                        self.campaign.untold.append(f"order {item.order_id}: {item.kind} {item.about}: {item.can_do}")
                    self.campaign.attended[done] += 1
                except RetourError as error:
                    self.campaign.refused_to_a_person[f"order {item.order_id}: {item.kind} {item.about}: {error}"] += 1
            self._transfer_the_rest(lambda _: "")
            self._work_it_all_off()

    def _cancel_what_nobody_pays(self) -> None:
        """What became a transfer, and to whom is unknown."""
        for row in list(self.campaign.rows(state=RefundState.AWAITING_MERCHANT)):
            if row.batch and not self.campaign.account.transfers(row.refund_id):  # a teller began, and it is unpaid
                self.campaign.desk.set_refund_batch(row.order_id, row.refund_id, "", by=ANNA)
            self.campaign.desk.cancel_refund(row.order_id, row.refund_id, by=ANNA)
            self.campaign.attended["cancel_refund"] += 1

    def _explain(self) -> None:
        """Say of each payment that left its order what it became."""
        attending = self._attending()
        for item in list(self._attention()):
            if item.kind is AttentionKind.PAYMENT_VANISHED:
                attending.explain(item.order_id, item.about)
                self.campaign.attended["explain_payment"] += 1

    def _attention(self) -> Iterator[AttentionItem]:
        after = None
        while True:
            page = self.campaign.desk.attention(limit=100, after=after)
            yield from page.items
            after = page.next
            if after is None:
                return

    def _work_it_all_off(self) -> None:
        """Work until nothing waits, letting time pass; what only ever waits for a far day is brought there."""
        for stride in STRIDES:
            while self.campaign.desk.work(limit=500).done:
                pass
            self.campaign.ask_who_asks()
            self.campaign.collect_webhooks()
            waits = self.campaign.waits()
            if not waits:
                return
            self.campaign.pass_time(max(min(waits), stride))
            for sandbox in self.campaign.sandboxes.values():
                sandbox.advance(datetime.timedelta())

    def _deliver_the_rest(self) -> None:
        inbox = self.campaign.world.folder / "webhooks"
        left = [json.loads(path.read_text()) for path in inbox.iterdir()] + self.campaign.kept
        self.campaign.chance.shuffle(left)
        for webhook in left:
            try:
                if not deliver(self.campaign.desk, webhook):
                    self.campaign.counts["webhooks refused"] += 1
            except InvalidWebhook:
                self.campaign.counts["webhooks too old"] += 1

    def _waiting_for_nothing(self) -> list[str]:
        """Refunds by API that wait for the provider while nobody is going to ask it: forgotten. With the effects that
        the order still has, and the last that was said of the refund."""
        found = []
        for row in self.campaign.rows(state=(RefundState.SUBMITTING, RefundState.PENDING, RefundState.UNKNOWN)):
            if row.waits_for == "provider" and not self._is_external(row):
                said = self.campaign.desk.dossier(row.order_id).refunds[row.refund_id].problem
                left = self._effects_of(row.order_id)
                found.append(
                    f"order {row.order_id} refund {row.refund_id} of {row.amount} on {row.payment} is {row.state} "
                    f"({said}); effects: {left or 'none'}"
                )
        return found

    def _effects_of(self, order_id: str) -> list[str]:
        columns = tables.effect.c
        asked = select(columns.kind, columns.attempts, columns.settled, columns.problem, columns.owner)
        asked = asked.where(columns.order_id == order_id, columns.state == "waiting")
        with self.campaign.reading() as connection:
            return [str(tuple(row)) for row in connection.execute(asked)]

    def _is_external(self, row: Any) -> bool:
        return self.campaign.desk.dossier(row.order_id).refunds[row.refund_id].instruction is None

    def _reconcile(self) -> None:
        """Ask every provider about everything, as a person can for one order after the other."""
        for order_id in self.campaign.world.plan.orders:
            if self.campaign.desk.reconcile(order_id).not_asked:
                self.campaign.counts["orders that cannot be reconciled"] += 1

    def _match_links(self) -> None:
        """A person says which refund of the dashboard is his where retour could not tell, and gives up what was not
        possible any more."""
        for row in list(self.campaign.rows(state=RefundState.AWAITING_MERCHANT)):
            if row.refund_id not in self.campaign.dashboards.made:
                continue
            made = self.campaign.dashboards.made[row.refund_id]
            payment = self.campaign.world.plan.payment(row.order_id, row.payment)
            books = {
                one.reference: one.status for one in self.campaign.sandboxes[payment.provider].books(payment.reference)
            }
            if books.get(made) not in ("pending", "succeeded"):
                self.campaign.desk.cancel_refund(row.order_id, row.refund_id, by=ANNA)
                continue
            found = [
                one.id
                for one in self.campaign.desk.dossier(row.order_id).refunds.values()
                if one.source == "external" and one.reference == made
            ]
            if found:
                self.campaign.desk.match_refund(row.order_id, row.refund_id, found[0], by=ANNA)
            else:
                self._confirm_by_hand(row, made)

    def _confirm_by_hand(self, row: Any, made: str) -> None:
        try:
            self.campaign.desk.confirm_refund(
                row.order_id,
                row.payment,
                row.amount,
                reference=made,
                refund_id=row.refund_id,
                by=ANNA,
                request_id=f"by hand {row.refund_id}",
            )
        except RetourError:
            self.campaign.counts["links not settled"] += 1
