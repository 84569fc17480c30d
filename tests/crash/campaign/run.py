"""One campaign: processes decide, work, receive and keep books, and are killed; providers fail; then all is settled."""

from __future__ import annotations

import datetime
import json
import random
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

import attrs
import database_clock
from sqlalchemy import Connection, exists, literal_column, select, text

from retour import AttentionItem, InvalidWebhook, Money, RetourError, ReturnDesk, WrongState, connect
from retour.effects.kinds import LEASE, SendRefund
from retour.model.attention import AttentionKind
from retour.model.refunds import RefundState
from retour.sandbox import BookedRefund
from retour.store import tables
from retour.store.clock import NOW
from retour.store.connect import TO_READ
from retour.store.effects import UNTIL_A_PERSON
from retour.store.migrations import migrate
from retour_manual_transfer.sandbox import BankSandbox
from retour_mollie.sandbox import MollieSandbox
from retour_paypal.sandbox import PayPalSandbox
from retour_stripe.sandbox import StripeSandbox

from .attending import ANNA, Attending
from .banks import Banks
from .clock import CampaignClock
from .cuts import Cuts
from .deaths import AT_RANDOM, counted
from .deciding import Deciding
from .forms import Form, Forms
from .late_writes import ARRIVED, MADE, LateWrites
from .nursery import Nursery
from .people import World, believe_lookups, complaints, decided, deliver, keep_books
from .plan import CANCEL, DASHBOARD, Decision, PlannedPayment, make_plan
from .shop import empty_stock
from .spellings import Spellings
from .suspensions import ANY_MOMENT, suspended
from .trouble import Trouble, pass_over_the_dead

HOUR = datetime.timedelta(hours=1)
STRIDES = (
    *(HOUR / 4,) * (4 * 24),
    *(HOUR,) * 24,
    *(24 * HOUR,) * 50,
)
"""How much time passes at least between two rounds of working off what waits: a day of quarters of an hour, in which
all pauses and the keys of Mollie and Stripe end; one of hours; and then every day, since a refund that PayPal refuses
after an unclear try is asked about each hour for the 45 days of its window, and a worker that comes by once a day must
do as well."""

OUTAGES = 4
"""How often more than an hour passes at once while refunds are decided."""

A_WHILE = datetime.timedelta(seconds=15)
"""By how much time is moved ahead every half second, so that pauses of seconds and minutes are over soon; four times
as much once all is decided."""

ATTENDED = 8
"""How often at most a person goes through all that waits for one."""

A_LEASE = datetime.timedelta(microseconds=LEASE, seconds=1)
SLEEPS = (A_LEASE, 1.1 * HOUR, 25 * HOUR)
SLEEP_ODDS = (16, 4, 1)
"""How long processes are suspended: past the lease; past Mollie's key; past Stripe's."""

SUSPENSIONS_PER_SECOND = 0.2
"""At random moments; one on SQLite that had just begun to write keeps everybody else from it."""

MOMENT_TO_TAKE_OVER = 0.4
"""Seconds, real ones, in which others can take over from who is suspended."""

OPEN = (
    RefundState.PLANNED,
    RefundState.AWAITING_MERCHANT,
    RefundState.SUBMITTING,
    RefundState.PENDING,
    RefundState.UNKNOWN,
)
"""States of which a refund is in none when everything is settled."""

SOON = datetime.timedelta(minutes=2)
"""What is due within this time is waited for before a phase ends."""

SANDBOXES: tuple[type[Any], ...] = (MollieSandbox, StripeSandbox, PayPalSandbox, BankSandbox)


@attrs.define(kw_only=True)
class Asleep:
    """A suspended process: when it ``began``, by the clock of what elapses, and when the campaign has ``seen`` it."""

    began: float
    seen: float
    lease_over: bool = False


@attrs.define(kw_only=True)
class Campaign:
    """A campaign while it runs, and what it has counted. ``dashboard`` is what the provider calls the refund that was
    made there for a link, empty where it was not possible; ``unannounced`` is what is refunded there without one."""

    world: World
    clock: CampaignClock
    sandboxes: Mapping[str, Any]
    banks: Banks
    nursery: Nursery
    desk: ReturnDesk
    spellings: Spellings
    chance: random.Random
    people: Mapping[str, int]
    kills_per_second: float
    alive: dict[int, tuple[str, int]] = attrs.field(factory=dict)
    lives: Counter[tuple[str, int]] = attrs.field(factory=Counter)
    sold: set[int] = attrs.field(factory=set)
    counts: Counter[str] = attrs.field(factory=Counter)
    faults: Counter[str] = attrs.field(factory=Counter)
    deaths: Counter[str] = attrs.field(factory=Counter)
    dashboard: dict[str, str] = attrs.field(factory=dict)
    unannounced: list[Decision] = attrs.field(factory=list)
    kept: list[dict[str, str]] = attrs.field(factory=list)
    forgotten: list[str] = attrs.field(factory=list)
    unasked: dict[str, str] = attrs.field(factory=dict)
    failures: list[str] = attrs.field(factory=list)
    listed: Counter[str] = attrs.field(factory=Counter)
    attended: Counter[str] = attrs.field(factory=Counter)
    refused_to_a_person: Counter[str] = attrs.field(factory=Counter)
    late: Counter[str] = attrs.field(factory=lambda: Counter({ARRIVED: 0, MADE: 0}))
    suspensions: Counter[str] = attrs.field(factory=Counter)
    asleep: dict[int, Asleep] = attrs.field(factory=dict)
    known_twice: set[tuple[str, str]] = attrs.field(factory=set)
    untold: list[str] = attrs.field(factory=list)
    locked: list[str] = attrs.field(factory=list)
    cuts: Cuts | None = None

    # --- while everything goes wrong -----------------------------------------------------------------

    def rage(self) -> None:
        """Everybody works and dies, the providers fail, until all was decided and nothing is due; then an hour passes,
        and then a day, and the same again."""
        trouble = [
            Trouble(sandbox, random.Random(f"{self.world.seed}/{name}"), self.faults)
            for name, sandbox in self.sandboxes.items()
        ]
        for sandbox in self.sandboxes.values():
            LateWrites(sandbox, self.clock, self.late)
        for role, people in self.people.items():
            for number in range(people):
                self._start(role, number)
        size = len(self.world.plan.decisions)
        self._live_through(max(40.0, size / 6), [share / (OUTAGES + 1) for share in range(1, OUTAGES + 1)])
        for wait in (HOUR + datetime.timedelta(minutes=1), datetime.timedelta(hours=27)):
            self.pass_time(wait)
            self._live_through(max(15.0, size / 20), [])
        for one in trouble:
            one.over()
        if self.cuts is not None:
            self.cuts.over()
        for pid in list(self.alive):
            if self.nursery.kill(pid):
                self.deaths[AT_RANDOM] += 1
        while self.alive:
            self._bury()
            time.sleep(0.01)

    def _live_through(self, longest: float, outages: list[float]) -> None:
        """Until all is decided and nothing is due, ``longest`` seconds at most. At each share of the decisions in
        ``outages`` more than an hour passes at once, as soon as a refund waits to be sent: that one, and whoever died
        before, is past the shortest key's window."""
        began = quiet_since = looked = time.monotonic()
        while time.monotonic() - quiet_since < 1.0 and time.monotonic() - began < longest:
            self._look_after_people()
            self._at_the_providers()
            self._at_the_dashboard()
            self._in_the_shop()
            if time.monotonic() - looked > 0.5:
                looked = time.monotonic()
                self.pass_time(A_WHILE if len(self.sold) < self.world.merchants else 4 * A_WHILE)
                self._collect_webhooks()
                self.ask_who_asks()
                if len(self.sold) < self.world.merchants or any(wait < SOON for wait in self._waits()):
                    quiet_since = time.monotonic()
            if outages and self._is_time(outages[0]):
                outages.pop(0)
                self.pass_time(HOUR * self.chance.uniform(1.05, 1.3))
            time.sleep(0.03)

    def _is_time(self, share: float) -> bool:
        """Whether that share of the decisions is made and a refund waits to be sent, or some more are made."""
        made = len(decided(self.world)) / len(self.world.plan.decisions)
        return made > share and (self._one_waits_to_be_sent() or made > share + 0.1)

    def _one_waits_to_be_sent(self) -> bool:
        columns = tables.effect.c
        waiting = select(columns.id).where(
            columns.state == "waiting", columns.kind == SendRefund.kind, columns.attempts == columns.settled
        )
        with self._reading() as connection:
            return connection.execute(waiting.limit(1)).first() is not None

    def _start(self, role: str, number: int) -> None:
        life = self.lives[role, number]
        self.lives[role, number] += 1
        self.alive[self.nursery.start(role, number, life)] = role, number

    def _look_after_people(self) -> None:
        if self.alive and self.chance.random() < self.kills_per_second * 0.03:
            pid = self.chance.choice(list(self.alive))
            if self.nursery.kill(pid):
                self.deaths[AT_RANDOM] += 1
        if self.alive and self.chance.random() < SUSPENSIONS_PER_SECOND * 0.03:
            pid = self.chance.choice(list(self.alive))
            if pid not in self.asleep and self.nursery.suspend(pid):
                self.suspensions[ANY_MOMENT] += 1
                (self.world.folder / "asleep" / str(pid)).touch()
        self._look_after_the_suspended()
        for (role, number), code in self._bury():
            if code == 0:
                self.sold.add(number)
            else:
                self._start(role, number)

    def _look_after_the_suspended(self) -> None:
        """Whoever is suspended stays so until his lease is over; then others have a moment to take over what he was
        doing. Now and then his provider forgets his key after that, and he goes on."""
        for path in (self.world.folder / "asleep").iterdir():
            pid = int(path.name)
            asleep = self.asleep.setdefault(pid, Asleep(began=self.clock.elapsed(), seen=time.monotonic()))
            if pid not in self.alive:
                path.unlink()
                del self.asleep[pid]
            elif not asleep.lease_over and time.monotonic() - asleep.seen > 0.1:
                self._sleep_until(asleep.began + A_LEASE.total_seconds())
                asleep.lease_over = True
            elif time.monotonic() - asleep.seen > MOMENT_TO_TAKE_OVER:
                self._sleep_until(asleep.began + self.chance.choices(SLEEPS, SLEEP_ODDS)[0].total_seconds())
                path.unlink()
                del self.asleep[pid]
                self.nursery.wake(pid)

    def _sleep_until(self, elapsed: float) -> None:
        if elapsed > self.clock.elapsed():
            self.pass_time(datetime.timedelta(seconds=elapsed - self.clock.elapsed()))

    def _bury(self) -> list[tuple[tuple[str, int], int]]:
        return [(self.alive.pop(pid), code) for pid, code in self.nursery.ended().items()]

    def _collect_webhooks(self) -> None:
        """What the providers send, in any order, and now and then never."""
        taken = [
            {"provider": name, "headers": json.dumps(dict(webhook.headers)), "body": webhook.body.decode()}
            for name, sandbox in self.sandboxes.items()
            for webhook in sandbox.take_webhooks()
        ]
        self.chance.shuffle(taken)
        for webhook in taken:
            self.counts["webhooks"] += 1
            if webhook["provider"] != "paypal" and self.chance.random() < 0.4:
                self.counts["webhooks never sent"] += 1
                continue
            if self.chance.random() < 0.05:
                self.kept.append(webhook)  # and again much later
            place = self.world.folder / "webhooks" / f"{self.counts['webhooks'] + self.chance.randrange(60):08d}"
            draft = self.world.folder / "draft"
            draft.write_text(json.dumps(webhook))
            draft.rename(place.with_suffix(f".{self.counts['webhooks']}"))

    def _at_the_providers(self) -> None:
        """What goes on there: PayPal takes its time or not, Stripe keeps an error for a key, a bank refuses."""
        if self.chance.random() < 0.02:
            self.sandboxes["paypal"].refunds_take = self.chance.choice((datetime.timedelta(), 2 * HOUR))
        if self.chance.random() < 0.003:
            self.sandboxes["stripe"].break_next(done=self.chance.random() < 0.5)
            self.counts["errors that Stripe keeps"] += 1
        if self.chance.random() < 0.02:
            payment = self._any_payment()
            books = self.sandboxes[payment.provider].books(payment.reference)
            standing = [one for one in books if one.status in ("pending", "succeeded")]
            if standing:
                self.sandboxes[payment.provider].fail(self.chance.choice(standing).reference)
                self.counts["refunds that a bank refused"] += 1
        self.banks.act_on(self._any_payment())

    def _any_payment(self) -> PlannedPayment:
        return self.chance.choice(self.chance.choice(list(self.world.plan.payments.values())))

    def _in_the_shop(self) -> None:
        """The shop stores a payment by another of its names, or twice, or by a name that nobody else knows."""
        if self.chance.random() > 0.1:
            return
        payment = self._any_payment()
        name, drawn = self.chance.choice(payment.names), self.chance.random()
        if drawn < 0.1:
            self.spellings.store(payment, payment.unrelated)
            self.counts["payments under a name that nobody knows"] += 1
        elif drawn < 0.2:
            other = self.chance.choice([one for one in payment.names if one != name])
            self.spellings.store(payment, name, other)
            self.counts["payments that an order has twice"] += 1
        else:
            self.spellings.store(payment, name)
            self.counts["payments under another of their names"] += 1

    def _at_the_dashboard(self) -> None:
        """The merchant refunds at the provider what he opened a link for, and what nobody knows of; and his colleague
        what he is about to refund himself."""
        if self.unannounced and self.chance.random() < 0.3:
            self._refund_in_dashboard(self.unannounced.pop())
        for row in self._rows(waits_for="merchant") if self.chance.random() < 0.05 else ():
            if row.refund_id not in self.dashboard and self.chance.random() < 0.7:
                self._make_linked(row)
        for asked in (self.world.folder / "colleagues").glob("*.asked"):
            order_id, payment_id, minor = json.loads(asked.read_text())
            self._be_faster(order_id, payment_id, Money(minor=minor, currency="EUR"))
            asked.rename(asked.with_suffix(".done"))

    def _be_faster(self, order_id: str, payment_id: str, amount: Money) -> None:
        payment = self.world.plan.payment(order_id, payment_id)
        if payment.provider == "manual_transfer":
            return  # what he typed into his banking app nobody could tell from the refund that it was for
        try:
            self.sandboxes[payment.provider].refund_in_dashboard(payment.reference, amount)
            self.counts["refunds by a colleague who was faster"] += 1
        except ValueError:
            self.counts["not possible in a dashboard"] += 1

    def _make_linked(self, row: Any) -> None:
        payment = self.world.plan.payment(row.order_id, row.payment)
        sandbox = self.sandboxes[payment.provider]
        try:
            self.dashboard[row.refund_id] = sandbox.refund_in_dashboard(payment.reference, row.amount)
            self.counts["refunds in a dashboard"] += 1
        except ValueError:
            self.dashboard[row.refund_id] = ""  # not enough is left there any more

    def _refund_in_dashboard(self, decision: Decision) -> None:
        payment = self.world.plan.payment(decision.order_id, decision.provider)
        try:
            self.sandboxes[payment.provider].refund_in_dashboard(payment.reference, decision.amount)
            self.counts["refunds in a dashboard"] += 1
        except ValueError:
            self.counts["not possible in a dashboard"] += 1

    def _rows(self, **filters: Any) -> Iterator[Any]:
        after = None
        while True:
            page = self.desk.list_refunds(limit=500, after=after, **filters)
            yield from page.refunds
            after = page.next
            if after is None:
                return

    # --- time ----------------------------------------------------------------------------------------

    def pass_time(self, by: datetime.timedelta) -> None:
        """Move every clock: ours, the sandboxes', the database's, and what elapses. Whoever holds a lease and is alive
        loses it like a process that was asleep so long."""
        engine = self.desk._services.store.engine
        if engine.dialect.name == "postgresql":  # SQLite asks the clock that is moved below
            database_clock.tell_postgresql(engine, None, self.clock.ahead + by)
        self.clock.advance(by)

    def ask_who_asks(self) -> None:
        """Keep every refund that is being sent or unknown, and that no effect will send or ask about: as of this
        moment, for both are written in one transaction."""
        refunds, effects = tables.refund.c, tables.effect.c
        asked = exists().where(
            effects.shop == refunds.shop,
            effects.order_id == refunds.order_id,
            effects.state == "waiting",
            effects.kind == SendRefund.kind,
            effects.body.contains(refunds.refund_id),
        )
        query = select(refunds.order_id, refunds.refund_id, refunds.state).where(
            refunds.state.in_((RefundState.SUBMITTING.value, RefundState.UNKNOWN.value)),
            refunds.waits_for == "provider",
            ~asked,
        )
        with self._reading() as connection:
            found = connection.execute(query).all()
        for order_id, refund_id, state in found:
            self.unasked.setdefault(refund_id, f"order {order_id} refund {refund_id} is {state}")

    @contextmanager
    def _reading(self) -> Iterator[Connection]:
        """A connection that waits for no process that was suspended while it wrote."""
        with self.desk._services.store.engine.connect() as connection:
            yield connection.execution_options(**TO_READ)

    def _waits(self) -> list[datetime.timedelta]:
        """How long each waiting effect waits still. Looks at what succeeded go on for months, and nothing waits for
        them; what ended three processes waits for a person."""
        columns = tables.effect.c
        now: Any = literal_column(NOW[self.desk._services.store.engine.dialect.name])
        with self._reading() as connection:
            rows = connection.execute(
                select(columns.not_before - now).where(columns.state == "waiting", columns.behind < 2)
            ).scalars()
            return [datetime.timedelta(microseconds=int(row)) for row in rows if row < UNTIL_A_PERSON // 2]

    # --- and when it is over -------------------------------------------------------------------------

    def settle(self) -> None:
        """Nobody is killed and nothing fails any more: all that is due is done, as often and as late as it takes."""
        with self.desk._services.store.engine.begin() as connection:
            connection.execute(text("UPDATE retour_effect SET lease_until = 0 WHERE state = 'waiting'"))
        failures = self.world.folder / "failures"
        self.failures = [json.loads(line) for line in failures.read_text().splitlines()] if failures.exists() else []
        self.deaths += counted(self.world.folder / "deaths")
        self.suspensions += suspended(self.world.folder / "suspended")
        for payments in self.world.plan.payments.values():
            for payment in payments:
                self.spellings.store(payment, self.chance.choice(payment.telling))
        self._decide_the_rest()
        while self.unannounced:
            self._refund_in_dashboard(self.unannounced.pop())
        for row in list(self._rows(waits_for="merchant")):
            if row.refund_id not in self.dashboard:
                self.pass_time(datetime.timedelta(seconds=1))
                self._make_linked(row)
        self._work_it_all_off()
        self._deliver_the_rest()
        self._reconcile()  # what the shop calls its payments now is seen
        self._explain()  # and transfers and links go by that
        while keep_books(self.world, self.desk):
            pass
        self._work_it_all_off()
        self.forgotten = self._waiting_for_nothing()
        self._reconcile()
        self._match_links()
        self._work_it_all_off()

    def _decide_the_rest(self) -> None:
        """What no merchant came to the end of, by a person who first says what became of payments that left."""
        known, shop = decided(self.world), self.world.shop()
        forms = [Forms(self.world.folder / f"forms-{number}", shop) for number in range(self.world.merchants)]
        attending = self._attending()
        for decision in self.world.plan.decisions:
            if decision.kind in (DASHBOARD, CANCEL) or decision.number in known:
                continue
            own = forms[self.world.plan.merchant_of(decision, self.world.merchants)]
            deciding = Deciding(desk=self.desk, forms=own, faster=self._colleague)
            for payment in self.desk.dossier(decision.order_id).vanished():
                with suppress(WrongState):  # it was there again when the order was read anew
                    attending.explain(decision.order_id, payment.id)
            try:
                deciding.decide(decision)
            except RetourError as error:
                self.counts["decisions refused"] += 1
                self.counts[f"  {type(error).__name__}"] += 1

    def _colleague(self, decision: Decision, form: Form) -> None:
        self._be_faster(decision.order_id, form.payment, form.amount)

    def _attending(self) -> Attending:
        """A person who looks at the providers' dashboards too."""
        return Attending(
            desk=self.desk, plan=self.world.plan, shop=self.world.shop(), chance=self.chance, books=self._in_the_books
        )

    def _in_the_books(self, order_id: str, refund_id: str) -> BookedRefund | None:
        """A refund that stands in its provider's books."""
        payment = self.world.plan.payment(order_id, self.desk.dossier(order_id).refunds[refund_id].payment)
        standing = [
            one
            for one in self.sandboxes[payment.provider].books(payment.reference)
            if one.refund_id == refund_id and one.status in ("pending", "succeeded")
        ]
        return standing[-1] if standing else None

    def attend(self) -> None:
        """A person goes through all that waits for one, a day later and again, until nothing does. What is listed
        without a word of what to do about it, and what is left in the end, is ``locked``."""
        attending = self._attending()
        for round_ in range(ATTENDED):
            items = list(self._attention())
            if not items:
                break
            self.pass_time(datetime.timedelta(hours=24, minutes=5))
            for item in self._attention():
                self.listed[item.kind.value] += 1
                if item.kind is AttentionKind.REFUND_PAID_TWICE:
                    self.known_twice.add((item.order_id, item.about))
                try:
                    done = attending.attend_to(item, gives_up=round_ > 1)
                    if not done:
                        self.untold.append(f"order {item.order_id}: {item.kind} {item.about}: {item.can_do}")
                    self.attended[done] += 1
                except RetourError as error:
                    self.refused_to_a_person[f"order {item.order_id}: {item.kind} {item.about}: {error}"] += 1
            self._work_it_all_off()
        for row in list(
            self._rows(state=RefundState.AWAITING_MERCHANT)
        ):  # it became a transfer, and to whom is unknown
            self.desk.cancel_refund(row.order_id, row.refund_id, by=ANNA)
            self.attended["cancel_refund"] += 1
        self._reconcile()
        self.locked = [f"order {one.order_id}: {one.kind} {one.about}: {one.why}" for one in self._attention()]
        self.locked += [
            f"order {row.order_id}: {row.refund_id} of {row.amount} is {row.state}" for row in self._rows(state=OPEN)
        ]

    def _explain(self) -> None:
        """Say of each payment that left its order what it became."""
        attending = self._attending()
        for item in list(self._attention()):
            if item.kind is AttentionKind.PAYMENT_VANISHED:
                attending.explain(item.order_id, item.about)
                self.attended["explain_payment"] += 1

    def _attention(self) -> Iterator[AttentionItem]:
        after = None
        while True:
            page = self.desk.attention(limit=100, after=after)
            yield from page.items
            after = page.next
            if after is None:
                return

    def _work_it_all_off(self) -> None:
        """Work until nothing waits, letting time pass; what only ever waits for a far day is brought there."""
        for stride in STRIDES:
            while self.desk.work(limit=500).done:
                pass
            self.ask_who_asks()
            self._collect_webhooks()
            waits = self._waits()
            if not waits:
                return
            self.pass_time(max(min(waits), stride))
            for sandbox in self.sandboxes.values():
                sandbox.advance(datetime.timedelta())

    def _deliver_the_rest(self) -> None:
        inbox = self.world.folder / "webhooks"
        left = [json.loads(path.read_text()) for path in inbox.iterdir()] + self.kept
        self.chance.shuffle(left)
        for webhook in left:
            try:
                if not deliver(self.desk, webhook):
                    self.counts["webhooks refused"] += 1
            except InvalidWebhook:
                self.counts["webhooks too old"] += 1

    def _waiting_for_nothing(self) -> list[str]:
        """Refunds by API that wait for the provider while nobody is going to ask it: forgotten. With the effects that
        the order still has, and the last that was said of the refund."""
        found = []
        for row in self._rows(state=(RefundState.SUBMITTING, RefundState.PENDING, RefundState.UNKNOWN)):
            if row.waits_for == "provider" and not self._is_external(row):
                said = self.desk.dossier(row.order_id).refunds[row.refund_id].problem
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
        with self._reading() as connection:
            return [str(tuple(row)) for row in connection.execute(asked)]

    def _is_external(self, row: Any) -> bool:
        return self.desk.dossier(row.order_id).refunds[row.refund_id].instruction is None

    def _reconcile(self) -> None:
        """Ask every provider about everything, as a person can for one order after the other."""
        for order_id in self.world.plan.orders:
            if self.desk.reconcile(order_id).not_asked:
                self.counts["orders that cannot be reconciled"] += 1

    def _match_links(self) -> None:
        """A person says which refund of the dashboard is his where retour could not tell, and gives up what was not
        possible any more."""
        for row in list(self._rows(state=RefundState.AWAITING_MERCHANT)):
            if row.refund_id not in self.dashboard:
                continue
            made = self.dashboard[row.refund_id]
            payment = self.world.plan.payment(row.order_id, row.payment)
            books = {one.reference: one.status for one in self.sandboxes[payment.provider].books(payment.reference)}
            if books.get(made) not in ("pending", "succeeded"):
                self.desk.cancel_refund(row.order_id, row.refund_id, by=ANNA)
                continue
            found = [
                one.id
                for one in self.desk.dossier(row.order_id).refunds.values()
                if one.source == "external" and one.reference == made
            ]
            if found:
                self.desk.match_refund(row.order_id, row.refund_id, found[0], by=ANNA)
            else:
                self._confirm_by_hand(row, made)

    def _confirm_by_hand(self, row: Any, made: str) -> None:
        try:
            self.desk.confirm_refund(
                row.order_id,
                row.payment,
                row.amount,
                reference=made,
                refund_id=row.refund_id,
                by=ANNA,
                request_id=f"by hand {row.refund_id}",
            )
        except RetourError:
            self.counts["links not settled"] += 1


@contextmanager
def campaign(
    database: str,
    folder: Path,
    *,
    refunds: int,
    seed: int,
    workers: int,
    complete: bool,
    cut: bool = False,
    merchants: int = 3,
    kills_per_second: float = 1.1,
) -> Iterator[Campaign]:
    """A campaign on an empty database, ready to `rage`. With ``cut``, everybody in it reaches a PostgreSQL through a
    proxy; the campaign's own eyes do not."""
    pass_over_the_dead()
    chance = random.Random(seed)
    with ExitStack() as stack:
        nursery = stack.enter_context(Nursery())  # before there are threads
        clock = CampaignClock(folder / "clock")
        sandboxes = {kind.provider: stack.enter_context(kind(clock=clock)) for kind in SANDBOXES}
        sandboxes["mollie"].subscribe()
        plan = make_plan(chance, refunds, sandboxes)
        engine = connect(database)
        migrate(engine)
        engine.dispose()
        empty_stock(folder / "stock.db")
        (folder / "webhooks").mkdir()
        (folder / "colleagues").mkdir()
        (folder / "asleep").mkdir()
        (folder / "batches").mkdir()
        world = World(
            folder=folder,
            database=database,
            plan=plan,
            settings={name: dict(sandbox.settings) for name, sandbox in sandboxes.items()},
            bank=sandboxes["manual_transfer"].url,
            merchants=merchants,
            seed=seed,
            complete=complete,
        )
        if complete:
            believe_lookups()
        cuts = Cuts(database, random.Random(f"{seed}/cuts")) if cut else None
        if cuts is not None:
            stack.callback(cuts.close)
        nursery.settle_in(world if cuts is None else attrs.evolve(world, database=cuts.url))
        desk = world.desk(inline_seconds=10, clock=clock)
        stack.callback(desk.close)
        counts: Counter[str] = Counter()
        yield Campaign(
            world=world,
            clock=clock,
            sandboxes=sandboxes,
            banks=Banks(sandboxes, random.Random(f"{seed}/banks"), counts),
            counts=counts,
            nursery=nursery,
            desk=desk,
            spellings=world.spellings(),
            chance=chance,
            unannounced=[one for one in plan.decisions if one.kind == DASHBOARD],
            people={"merchant": merchants, "worker": workers, "receiver": 2, "bookkeeper": 1},
            kills_per_second=kills_per_second,
            cuts=cuts,
        )


def summary(campaign: Campaign) -> Mapping[str, int]:
    """What happened, in numbers."""
    return {
        "decisions": len(campaign.world.plan.decisions),
        "of which a merchant was told": len(decided(campaign.world)),
        "processes started": sum(campaign.lives.values()),
        "killed": sum(campaign.deaths.values()),
        "could not be done at a moment": len(complaints(campaign.world)),
        **_of_each_kind(complaints(campaign.world)),
        **campaign.counts,
    }


def _of_each_kind(said: Sequence[Mapping[str, str]]) -> Mapping[str, int]:
    kinds = Counter(one["kind"] for one in said)
    return {f"  {kind}": number for kind, number in sorted(kinds.items())}
