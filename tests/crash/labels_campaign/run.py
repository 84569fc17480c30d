"""One campaign of labels: people ask, workers work, a carrier scans, processes are killed; then all is settled."""

from __future__ import annotations

import datetime
import json
import random
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

import attrs
from crash.campaign.clock import CampaignClock
from crash.campaign.deaths import AT_RANDOM, counted
from crash.campaign.files import lines
from crash.campaign.nursery import Nursery
from crash.campaign.trouble import Trouble, pass_over_the_dead
from database_clock import tell_postgresql
from sqlalchemy import text

from retour import Actor, AttentionKind, ReturnDesk, connect
from retour.model.labels import Told
from retour.store.migrations import migrate
from retour_sendcloud.sandbox import SendcloudSandbox

from .people import deliver
from .world import ANNA, BOX, FIRST, HOME, World, a_desk

A_WHILE = datetime.timedelta(seconds=20)
"""By how much time is moved ahead four times a second, so that pauses and leases are over soon."""

SCANS_MADE, MADE_IN_PORTAL = "scans", "labels by customers in the portal"
"""What goes on at the carrier, as it is counted."""

SCANS, PORTALS, REFUSALS, LOST_WEBHOOKS = 0.3, 0.15, 0.04, 0.2
KILLS_PER_SECOND = 1.0
LONGEST = datetime.timedelta(hours=16)
"""How far time is moved while people act: Sendcloud lists by date, and a day is between the clocks at most."""


@attrs.define(kw_only=True)
class Campaign:
    """A campaign while it runs, and what it has counted."""

    world: World
    clock: CampaignClock
    sandbox: SendcloudSandbox
    nursery: Nursery
    desk: ReturnDesk
    chance: random.Random
    alive: dict[int, tuple[str, int]] = attrs.field(factory=dict)
    lives: Counter[tuple[str, int]] = attrs.field(factory=Counter)
    finished: set[tuple[str, int]] = attrs.field(factory=set)
    counts: Counter[str] = attrs.field(factory=Counter)
    faults: Counter[str] = attrs.field(factory=Counter)
    deaths: Counter[str] = attrs.field(factory=Counter)
    attended: Counter[str] = attrs.field(factory=Counter)
    unsaid: list[str] = attrs.field(factory=list)

    def rage(self, longest: float) -> None:
        """Everybody acts and dies and Sendcloud fails, until all have done what they wanted, for ``longest`` seconds at
        most, and some seconds more in which the rest is worked off."""
        trouble = Trouble(self.sandbox, random.Random(f"{self.world.seed}/trouble"), self.faults)  # type: ignore[arg-type]
        for role, people in self.world.people.items():
            for number in range(people):
                self._start(role, number)
        wanted = {(role, n) for role in ("customer", "staff") for n in range(self.world.people.get(role, 0))}
        began = looked = time.monotonic()
        until = None
        while time.monotonic() < (until or began + longest):
            if until is None and self.finished >= wanted:
                until = time.monotonic() + 3.0
            self._kill_somebody()
            if time.monotonic() - looked > 0.25:
                looked = time.monotonic()
                if self.clock.ahead < LONGEST:
                    self.pass_time(A_WHILE)
                self._at_the_carrier()
                self.collect_webhooks()
            time.sleep(0.03)
        self.counts["people who did all that they wanted"] = len(self.finished & wanted)
        trouble.over()
        for pid in list(self.alive):
            self.nursery.kill(pid)
        while self.alive:
            self._bury()
            time.sleep(0.01)
        self.deaths += counted(self.world.folder / "deaths")

    def _start(self, role: str, number: int) -> None:
        self.alive[self.nursery.start(role, number, self.lives[role, number])] = role, number
        self.lives[role, number] += 1

    def _kill_somebody(self) -> None:
        if self.alive and self.chance.random() < KILLS_PER_SECOND * 0.03:
            self.deaths[AT_RANDOM] += self.nursery.kill(self.chance.choice(list(self.alive)))
        for who, code in self._bury():
            if code == 0:
                self.finished.add(who)
            else:
                self._start(*who)

    def _bury(self) -> list[tuple[tuple[str, int], int]]:
        return [(self.alive.pop(pid), code) for pid, code in self.nursery.ended().items()]

    def pass_time(self, by: datetime.timedelta) -> None:
        """Time passes for everybody."""
        self.sandbox.advance(by)
        if not self.world.database.startswith("sqlite"):
            tell_postgresql(self.desk._services.store.engine, None, self.clock.ahead)

    def _at_the_carrier(self) -> None:
        """A parcel gets on, a customer makes a label in the portal, a carrier refuses the next one. No parcel gets on
        before customers have changed their minds about one; and there is at least one of each."""
        never = [what for what in (SCANS_MADE, MADE_IN_PORTAL) if not self.counts[what]]
        if self._minds_were_changed() and (self.chance.random() < SCANS or SCANS_MADE in never):
            booked = [one for one in self.sandbox.books() if one.told in (Told.READY, Told.CANCELLING)]
            if booked:
                one = self.chance.choice(booked)
                with suppress(ValueError):
                    (self.sandbox.deliver if self.chance.random() < 0.2 else self.sandbox.scan)(one.reference)
                    self.counts[SCANS_MADE] += 1
                    self.counts["  of a label that was being cancelled"] += one.told is Told.CANCELLING
        if self.chance.random() < PORTALS or MADE_IN_PORTAL in never:
            self.sandbox.return_in_portal(self.chance.choice(list(self.world.returns)), {"cup": 1}, reason="11")
            self.counts[MADE_IN_PORTAL] += 1
        if self.chance.random() < REFUSALS:
            self.sandbox.refuse("This postal code is not served")

    def _minds_were_changed(self) -> bool:
        customers = range(self.world.people.get("customer", 0))
        return all(len(lines(self.world.folder / f"done-customer-{one}")) >= len(FIRST) for one in customers)

    def collect_webhooks(self, lost: float = LOST_WEBHOOKS) -> None:
        """What Sendcloud sends, in any order, and now and then never."""
        taken = self.sandbox.take_webhooks()
        self.chance.shuffle(taken)
        for webhook in taken:
            self.counts["webhooks"] += 1
            if self.chance.random() < lost:
                self.counts["  lost"] += 1
                continue
            said = {"headers": dict(webhook.headers), "body": webhook.body.decode()}
            name = f"{self.chance.randrange(10**12):012d}"
            draft = self.world.folder / name
            draft.write_text(json.dumps(said))
            draft.rename(self.world.folder / "webhooks" / name)  # whoever finds it there finds all of it

    # --- when nobody dies any more -------------------------------------------------------------------

    def settle(self) -> None:
        """All that is due is done; then a person does what he is told, by what he sees at Sendcloud."""
        self.collect_webhooks()
        for path in sorted((self.world.folder / "webhooks").iterdir(), key=lambda _: self.chance.random()):
            assert deliver(self.desk, path)
            path.unlink()
        self.work_off()
        self._open_pages()
        self.look_for_silent_cancellations()
        for _ in range(2):
            self.attend()
            self.work_off()
            self._open_pages()  # what could be one of two is told apart by now

    def _open_pages(self) -> None:
        """The page of each order is opened, which reads what Sendcloud has of it."""
        for order_id in self.world.returns:
            self.desk.reconcile_labels(order_id)
        self.work_off()

    def work_off(self) -> None:
        """Every lease and pause is over, some times one after the other, with time between for what takes some."""
        for _ in range(5):
            self.pass_time(datetime.timedelta(minutes=16))
            with self.desk._services.store.engine.begin() as connection:
                connection.execute(
                    text("UPDATE retour_effect SET lease_until = 0, not_before = 0 WHERE state = 'waiting'")
                )
            while self.desk.work().done:
                pass

    def attend(self) -> None:
        """A person does what the list says."""
        page = self.desk.attention(limit=500)
        for item in page.items:
            self.attended[item.kind.value] += 1
            if item.kind is AttentionKind.LABEL_UNKNOWN:
                seen = [one.reference for one in self.sandbox.books(item.order_id) if one.label_id == item.about]
                self.desk.settle_label(
                    item.order_id, item.about, by=ANNA, made=bool(seen), reference=seen[0] if seen else ""
                )
            elif "acknowledge" in item.can_do:
                self.desk.acknowledge(item.order_id, item.kind, item.about, by=ANNA)

    def look_for_silent_cancellations(self) -> None:
        """Labels that somebody wanted cancelled, that are not, and of which nobody is told."""
        told = {item.about for item in self.desk.attention(limit=500).items}
        for order_id in self.world.returns:
            dossier = self.desk.dossier(order_id)
            asked = {
                one.event.label_id
                for one in self.desk._services.store.events(self.desk.shop_id, order_id)
                if one.event.type == "label_cancel_asked"
            }
            for label_id in sorted(asked):
                state = dossier.labels[label_id].state.value
                if state not in ("cancelled", "refused") and label_id not in told:
                    self.unsaid.append(f"order {order_id}: {label_id} is {state}, and was to be cancelled")

    @property
    def acted(self) -> set[str]:
        """The kinds of what people have done."""
        every = [(role, n) for role in ("customer", "staff") for n in range(self.world.people.get(role, 0))]
        return {
            act.kind
            for role, number in every
            for act in self.world.acts(role, number)[: len(lines(self.world.folder / f"done-{role}-{number}"))]
        }

    @property
    def told(self) -> list[dict[str, Any]]:
        """What people were told that they ordered."""
        return [json.loads(line) for line in lines(self.world.folder / "told")]

    @property
    def failures(self) -> list[str]:
        """What ended processes that was no death of the campaign's."""
        return lines(self.world.folder / "failures")


@contextmanager
def campaign(database: str, folder: Path, *, orders: int, seed: int, workers: int) -> Iterator[Campaign]:
    """A campaign on an empty database, ready to `rage`."""
    pass_over_the_dead()
    with ExitStack() as stack:
        nursery = stack.enter_context(Nursery())  # before there are threads
        clock = CampaignClock(folder / "clock")
        sandbox = stack.enter_context(SendcloudSandbox(clock=clock))
        engine = connect(database)
        migrate(engine)
        engine.dispose()
        for name in ("webhooks", "pages"):
            (folder / name).mkdir()
        order_ids = [str(1001 + number) for number in range(orders)]
        desk = a_desk(database, sandbox.settings, order_ids, clock)
        stack.callback(desk.close)
        customer = Actor.customer("c-1")
        returns = {}
        for order_id in order_ids:
            sandbox.send(order_id, postal_code=HOME.postal_code)
            made = desk.request_return(order_id, {"cup": 1}, by=customer, request_id="request")
            assert made.return_id is not None
            returns[order_id] = made.return_id
        sandbox.take_webhooks()
        world = World(
            folder=folder,
            database=database,
            returns=returns,
            option=desk.label_options(order_ids[0], sender=HOME, parcel=BOX, by=ANNA)[0],
            settings=dict(sandbox.settings),
            people={"customer": 2, "staff": 2, "worker": workers, "receiver": 1} if workers else {},
            seed=seed,
        )
        nursery.settle_in(world)
        yield Campaign(
            world=world, clock=clock, sandbox=sandbox, nursery=nursery, desk=desk, chance=random.Random(seed)
        )
