"""One campaign: processes decide, work, receive and keep books, and are killed; providers fail; then all is settled."""

from __future__ import annotations

import datetime
import json
import random
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import attrs
import database_clock
from sqlalchemy import Connection, exists, literal_column, select

from retour import ReturnDesk, reading
from retour.effects.kinds import LEASE, SendRefund
from retour.model.refunds import RefundState
from retour.store import tables
from retour.store.clock import NOW
from retour.store.effects import UNTIL_A_PERSON

from .account import MerchantsAccount
from .banks import Banks
from .clock import CampaignClock
from .cuts import Cuts
from .dashboards import Dashboards
from .deaths import AT_RANDOM
from .late_writes import ARRIVED, MADE, LateWrites
from .nursery import Nursery
from .people import World, decided
from .plan import PlannedPayment
from .spellings import Spellings
from .suspensions import ANY_MOMENT
from .trouble import Trouble

HOUR = datetime.timedelta(hours=1)

OUTAGES = 4
"""How often more than an hour passes at once while refunds are decided."""

A_WHILE = datetime.timedelta(seconds=15)
"""By how much time is moved ahead every half second, so that pauses of seconds and minutes are over soon; four times
as much once all is decided."""

A_LEASE = datetime.timedelta(microseconds=LEASE, seconds=1)
SLEEPS = (A_LEASE, 1.1 * HOUR, 25 * HOUR)
SLEEP_ODDS = (16, 4, 1)
"""How long processes are suspended: past the lease; past Mollie's key; past Stripe's."""

SUSPENSIONS_PER_SECOND = 0.2
"""At random moments; one on SQLite that had just begun to write keeps everybody else from it."""

MOMENT_TO_TAKE_OVER = 0.4
"""Seconds, real ones, in which others can take over from who is suspended."""

SENT_BACK = 0.15
"""How many of the transfers that staff make a bank sends back."""

SOON = datetime.timedelta(minutes=2)
"""What is due within this time is waited for before a phase ends."""


@attrs.define(kw_only=True)
class Asleep:
    """A suspended process: when it ``began``, by the clock of what elapses, and when the campaign has ``seen`` it."""

    began: float
    seen: float
    lease_over: bool = False


@attrs.define(kw_only=True)
class Campaign:
    """A campaign while it runs, and what it has counted."""

    world: World
    clock: CampaignClock
    sandboxes: Mapping[str, Any]
    banks: Banks
    account: MerchantsAccount
    dashboards: Dashboards
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
            self._at_the_bank()
            self._in_the_shop()
            if time.monotonic() - looked > 0.5:
                looked = time.monotonic()
                self.pass_time(A_WHILE if len(self.sold) < self.world.merchants else 4 * A_WHILE)
                self.collect_webhooks()
                self.ask_who_asks()
                if len(self.sold) < self.world.merchants or any(wait < SOON for wait in self.waits()):
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
        with self.reading() as connection:
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

    def collect_webhooks(self) -> None:
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
        if self.chance.random() < 0.3:
            self.dashboards.refund_unannounced()
        for row in self.rows(waits_for="merchant") if self.chance.random() < 0.05 else ():
            if row.refund_id not in self.dashboards.made and self.chance.random() < 0.7:
                self.dashboards.make_linked(row)
        self.dashboards.answer_those_who_ask()

    def _at_the_bank(self) -> None:
        """Now and then the bank of a customer sends back what staff transferred to him."""
        for paid in self.account.transfers() if self.chance.random() < 0.02 else ():
            if not paid.came_back and random.Random(paid.reference).random() < SENT_BACK:
                self.account.send_back(paid)
                self.counts["transfers that a bank sent back"] += 1

    def rows(self, **filters: Any) -> Iterator[Any]:
        """The refunds on the list of the desk, page by page."""
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
        with self.reading() as connection:
            found = connection.execute(query).all()
        for order_id, refund_id, state in found:
            self.unasked.setdefault(refund_id, f"order {order_id} refund {refund_id} is {state}")

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A connection that waits for no process that was suspended while it wrote."""
        with reading(self.desk._services.store.engine) as connection:
            yield connection

    def waits(self) -> list[datetime.timedelta]:
        """How long each waiting effect waits still. Looks at what succeeded go on for months, and nothing waits for
        them; what ended three processes waits for a person."""
        columns = tables.effect.c
        now: Any = literal_column(NOW[self.desk._services.store.engine.dialect.name])
        with self.reading() as connection:
            rows = connection.execute(
                select(columns.not_before - now).where(columns.state == "waiting", columns.behind < 2)
            ).scalars()
            return [datetime.timedelta(microseconds=int(row)) for row in rows if row < UNTIL_A_PERSON // 2]
