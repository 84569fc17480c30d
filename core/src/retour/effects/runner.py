"""The runner: does what a command or an earlier failure left to do, and records what became of it.

The intent is committed before the runner starts, and nothing here runs inside a transaction. Every effect can be run
more than once: a stock movement by its id, an announcement by its event.
"""

from __future__ import annotations

import datetime
import logging
import random
import time
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from itertools import groupby
from typing import TypeAlias

import attrs

from retour.effects.attempt import Attempt, Outdated, given_back, postpone
from retour.effects.kinds import KINDS, LEASE, Outside, effect_of, left_to_a_person
from retour.effects.side_by_side import Batch, Places, SideBySide
from retour.model.actor import Actor
from retour.model.errors import Busy, OrderUnreadable, RetourError, StoreError
from retour.model.frozen import frozen
from retour.model.ids import id_maker
from retour.model.making import changed
from retour.model.outcome import Postponed
from retour.model.text import text
from retour.plugins.calling import hearing
from retour.providers.http import time_limit
from retour.providers.write_limit import writes_begin_before
from retour.rules.draft import Draft
from retour.steps.case import Case, Cases
from retour.steps.commit import Commits, Committed
from retour.store.clock import SECOND, microseconds
from retour.store.commit import LeaseLost, SettledEffect, VersionMoved
from retour.store.effects import OF_ONE_ORDER, UNTIL_A_PERSON, ClaimedEffect, Fallen, asked_of
from retour.store.store import Store

log = logging.getLogger("retour.effects")

RETOUR = Actor.system("retour")


@frozen
class Claim:
    """What can be claimed: for an ``owner``, up to a ``limit``, and nothing that asks what is ``busy``."""

    owner: str
    limit: int
    busy: frozenset[str] = frozenset()


Turn: TypeAlias = Callable[[Claim], list[ClaimedEffect]]
"""Claims what is next of something."""


@attrs.define
class Ran:
    """What came of effects: how many were ``done``, which were ``postponed``, and the order's ``case`` with it,
    where they are of one order that could be read."""

    done: int = 0
    postponed: list[Postponed] = attrs.field(factory=list)
    case: Case | None = None


@attrs.define
class Runner:
    """Runs effects for all shops of one store. ``chance`` gives numbers from 0 to 1, for the pauses between tries."""

    store: Store
    cases: Cases
    commits: Commits
    outside: Outside
    clock: Callable[[], datetime.datetime]
    chance: Callable[[], float] = random.random
    _places: Places = attrs.field(factory=Places, init=False)
    _turns: deque[Turn] = attrs.field(factory=deque, init=False)
    _after_shop: str = attrs.field(default="", init=False)
    _after_looks: str = attrs.field(default="", init=False)
    _after_order: dict[str, str] = attrs.field(factory=dict, init=False)
    _fell: Fallen = attrs.field(factory=Fallen, init=False)

    # --- running them --------------------------------------------------------------------------------

    def work(self, limit: int, concurrency: int = 1, stop: Callable[[], bool] = lambda: False) -> Ran:
        """Claim and run effects that are due, up to ``limit``, those of so many orders at once, until told to ``stop``:
        then what has begun is finished. One that fails costs no other, and a store that cannot be used any more costs
        only what was not begun."""
        owner = id_maker(time.time_ns() // 1_000_000)("wk")
        if concurrency > 1:
            ran = self._side_by_side(owner, limit, concurrency, stop)
        else:
            ran = self._one_by_one(owner, limit, stop)
        ran.postponed.sort(key=lambda one: (one.shop, one.order_id))
        return ran

    def _one_by_one(self, owner: str, limit: int, stop: Callable[[], bool]) -> Ran:
        ran, taken = Ran(), 0
        while taken < limit and not stop():
            claimed = self._claim(Claim(owner, min(_BATCH, limit - taken)), begun=taken > 0)
            if not claimed:
                break
            taken += len(claimed)
            until = half_of_lease(claimed)
            batches = deque(by_order(claimed))
            try:
                while batches and not stop():
                    of_order = self.run(batches.popleft(), until=until)
                    ran.done += of_order.done
                    ran.postponed += of_order.postponed
            finally:
                self._settle([given_back(effect) for batch in batches for effect in batch])
        return ran

    def _side_by_side(self, owner: str, limit: int, concurrency: int, stop: Callable[[], bool]) -> Ran:
        every: list[Ran] = []

        def run(batch: Batch) -> Batch | None:
            ran = Ran(case=batch.case)
            follows = self._step(batch.effects, ran, lambda: side.goes_on and self.store.elapsed() <= batch.until)
            every.append(ran)
            return Batch(follows, batch.until, ran.case) if follows else None

        side = SideBySide(concurrency, self._places, run)
        try:
            self._give_work(side, Claim(owner, limit), max(_BATCH, 2 * concurrency), stop)
        except KeyboardInterrupt:
            log.warning("stopped: what has begun is finished first, unless you stop it once more")
            raise
        finally:
            self._settle([given_back(effect) for effect in side.stop()])
            side.join()
            self._settle([given_back(effect) for effect in side.stop()])
        if side.failure is not None:
            raise side.failure
        return Ran(done=sum(one.done for one in every), postponed=[one for ran in every for one in ran.postponed])

    def _give_work(self, side: SideBySide, all_of_it: Claim, at_once: int, stop: Callable[[], bool]) -> None:
        """Claim whenever a thread has nothing to do, until nothing is due and all has ended. Where all that is due asks
        what is busy, it is not looked for again before some of that is free, or a second has passed."""
        taken, may_be_due, in_vain, looked = 0, True, frozenset[str](), 0.0
        while side.failure is None and not stop():
            seen, now = side.look(), time.monotonic()
            if now - looked > _BETWEEN_LOOKS:
                may_be_due, in_vain = True, frozenset()
            may_be_due = may_be_due or seen.news or seen.at_rest
            only_busy = bool(in_vain) and seen.busy >= in_vain
            if seen.wants_more and may_be_due and not only_busy and taken < all_of_it.limit:
                wanted = Claim(all_of_it.owner, min(at_once, all_of_it.limit - taken), seen.busy)
                claimed = self._claim(wanted, begun=taken > 0)
                taken, may_be_due = taken + len(claimed), bool(claimed)
                if claimed:
                    until = half_of_lease(claimed)
                    side.add([Batch(of_order, until) for of_order in by_order(claimed)])
                    continue
                in_vain, looked = seen.busy, now
            if seen.at_rest:
                return
            side.wait(_GLANCE)
            self._settle([given_back(effect) for effect in side.overdue(self.store.elapsed())])

    def _claim(self, claim: Claim, *, begun: bool) -> list[ClaimedEffect]:
        """Claim what is next; nothing where something was ``begun`` and the store cannot be used any more."""
        try:
            return self._next(claim)
        except StoreError as error:
            if not begun:
                raise
            log.warning("what else is due waits: %s", error)
            return []

    def _next(self, claim: Claim) -> list[ClaimedEffect]:
        """Claim what is next: what was taken by a process that died, one by one, until that which it died of is known;
        then the oldest of all; then, where that can be a flood, some of each kind of each shop; then some of what
        anybody can ask for; then one that a process died of. Each is one turn among the others, and at the end of a
        round is one look at what succeeded; more of them where nothing else is due."""
        while True:
            try:
                turn = self._turns.popleft()
            except IndexError:
                break
            if self._fell.of_orders:
                self._fell = self.store.effects.fallen(KINDS)
            if claimed := turn(attrs.evolve(claim, busy=claim.busy | self._fell.doubted)):
                return claimed
        due = self.store.effects.what_is_due(KINDS)
        self._fell = self.store.effects.fallen(KINDS) if due.any_fallen else Fallen()
        claim = attrs.evolve(claim, busy=claim.busy | self._fell.doubted)
        if self._fell.untried and (claimed := self._fallen(claim)):
            return claimed
        claimed = self._oldest(claim) if due.ordinary else []
        last = [self._hints] * due.behind + [self._fallen] * due.fallen
        one_look = [self._one_look] * due.looks
        if claimed:
            self._turns.extend([*last, *one_look])
            return claimed
        for turn in last:
            if claimed := turn(claim):
                self._turns.extend(one_look)
                return claimed
        return self._looks(claim) if due.looks else []

    def _oldest(self, claim: Claim) -> list[ClaimedEffect]:
        claimed = self._claimed(claim)
        crowding = self._let_other_orders_pass(claimed, claim.limit)
        if crowding or len(claimed) == claim.limit:
            turns, self._after_shop = self.store.effects.due_by_shop(self._after_shop, KINDS)
            self._turns.extend([partial(self._of, shop, kind) for shop, kind in turns if len(turns) > 1])
        return claimed

    def _claimed(self, claim: Claim, *, behind: bool = False) -> list[ClaimedEffect]:
        effects = self.store.effects
        return effects.claim(
            claim.owner, lease=LEASE, limit=claim.limit, kinds=KINDS, behind=behind, not_asking=claim.busy
        )

    def _of(self, shop: str, kind: str, claim: Claim) -> list[ClaimedEffect]:
        effects = self.store.effects
        claimed = effects.claim_of(shop, kind, claim.owner, lease=LEASE, limit=claim.limit, not_asking=claim.busy)
        self._let_other_orders_pass(claimed, claim.limit)
        return claimed

    def _let_other_orders_pass(self, claimed: Sequence[ClaimedEffect], limit: int) -> bool:
        """Give the orders of a shop a turn where one of them has so many effects that it can hold up the others."""
        per_order = Counter([(one.shop, one.order_id) for one in claimed])
        crowded = {shop for (shop, _), number in per_order.items() if number >= min(OF_ONE_ORDER, limit)}
        self._turns.extend([partial(self._of_each_order, shop) for shop in sorted(crowded)])
        return bool(crowded)

    def _of_each_order(self, shop: str, claim: Claim) -> list[ClaimedEffect]:
        after = self._after_order.pop(shop, "")
        found, after = self.store.effects.due_by_order(shop, after, KINDS, claim.limit)
        if after:
            self._after_order[shop] = after
        if not found:
            return []
        return self.store.effects.claim(
            claim.owner, lease=LEASE, limit=claim.limit, kinds=KINDS, ids=found, not_asking=self._fell.doubted
        )

    def _hints(self, claim: Claim) -> list[ClaimedEffect]:
        return self._claimed(claim, behind=True)

    def _one_look(self, claim: Claim) -> list[ClaimedEffect]:
        """Alone: what a provider that is slow takes for it is all that others wait."""
        return self._looks(attrs.evolve(claim, limit=1))

    def _looks(self, claim: Claim) -> list[ClaimedEffect]:
        accounts, self._after_looks = self.store.effects.accounts_to_ask(self._after_looks)
        free = [(shop, account) for shop, account in accounts if asked_of(shop, account) not in claim.busy]
        return self.store.effects.claim_looks(free, claim.owner, lease=LEASE, limit=claim.limit, kinds=KINDS)

    def _fallen(self, claim: Claim) -> list[ClaimedEffect]:
        """One alone."""
        effects = self.store.effects
        return effects.claim_fallen(claim.owner, lease=LEASE, kinds=KINDS, doubted=self._fell.doubted)

    def run(self, effects: Sequence[ClaimedEffect], case: Case | None = None, *, until: float) -> Ran:
        """Run claimed effects of one order, and those that follow from them.

        ``case`` is the order's, if the caller has it. After ``until`` (elapsed seconds) what is left goes back
        to ``work()``. Nothing that fails is raised: it is put off. `KeyboardInterrupt` goes on up, when what was done
        is recorded and the rest given back.
        """
        ran = Ran(case=case)
        while effects:
            effects = self._step(effects, ran, lambda: self.store.elapsed() <= until)
        return ran

    def _step(self, effects: Sequence[ClaimedEffect], ran: Ran, may_begin: Callable[[], bool]) -> list[ClaimedEffect]:
        """Run claimed effects of one order as `run` does; gives those that follow from them."""
        effects = [self._with_pause(effect) for effect in effects if not self._waits_for_fallen(effect)]
        if not effects:
            return []
        try:
            known = ran.case = ran.case or self.cases.as_last_seen(effects[0].shop, effects[0].order_id)
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # noqa: BLE001 - it costs this order's effects and no others
            ran.postponed += self._give_back(effects, error, unclear=False)
            return []
        return self._record_safely(effects, self._tries(effects, known, may_begin), known, ran)

    def _waits_for_fallen(self, effect: ClaimedEffect) -> bool:
        """Whether an effect is given back, since a worker died with another of its order that asks the same, or with
        some of several orders that do: it would end this one too."""
        if effect.died:
            return False
        of_order = effect.shop, effect.order_id, effect.asks
        if of_order not in self._fell.of_orders and effect.asks not in self._fell.doubted:
            return False
        delay = _WHILE_FALLEN if of_order in self._fell.paused or effect.asks in self._fell.doubted else 0
        self._settle([attrs.evolve(given_back(effect), delay=delay)])
        return True

    def _tries(self, effects: Sequence[ClaimedEffect], case: Case, may_begin: Callable[[], bool]) -> list[Attempt]:
        tries: list[Attempt] = []
        try:
            for effect in effects:
                tries.append(self._try(effect, case) if may_begin() else Attempt(settled=given_back(effect)))
        except KeyboardInterrupt:
            self._stopped(effects, tries, case)
            raise
        return tries

    def _stopped(self, effects: Sequence[ClaimedEffect], tries: Sequence[Attempt], case: Case) -> None:
        """A person stopped the process in the middle of ``effects``: what came of ``tries`` is recorded, and nobody
        knows how far the one after them came. All that is left goes to the next worker, who need not wait."""
        log.warning("stopped in the middle of the effects of order %s", effects[0].order_id)
        self._settle([given_back(effect, unclear=not number) for number, effect in enumerate(effects[len(tries) :])])
        if tries:
            with suppress(RetourError):  # then the leases run out, as after any crash
                self._record(effects[: len(tries)], tries, case, owner=None)

    def _settle(self, settled: Sequence[SettledEffect]) -> None:
        with suppress(RetourError):  # then the leases run out, as after any crash
            self.store.effects.settle(settled, self._commit_id())

    def _commit_id(self) -> str:
        return id_maker(microseconds(self.clock()) // 1000)("cm")

    def _with_pause(self, effect: ClaimedEffect) -> ClaimedEffect:
        return changed(effect, pause=KINDS[effect.kind].pauses.after(effect.attempts, self.chance()))

    def _try(self, effect: ClaimedEffect, case: Case) -> Attempt:
        try:
            asked = effect_of(KINDS[effect.kind], effect.order_id, effect.id, effect.body)
        except OrderUnreadable as error:
            return Attempt(settled=_unread(effect, self.store.unreadable.met(effect.shop, error)))
        try:
            if effect.died >= MOST_DEATHS:
                log.error("effect %s of order %s ended %s processes", effect.kind, effect.order_id, effect.died)
                left = left_to_a_person(effect, asked, case)
                if left.settled is not None and left.settled.state == "waiting":
                    self.store.effects.set_aside_beside(effect, left.settled.problem)
                return left
            with (
                time_limit(LEASE / SECOND / 2),
                writes_begin_before(_lease_ends(effect, case), self.store.elapsed),
                self._how_it_answers(effect),
            ):
                return asked.attempt(effect, case, self.outside)
        except KeyboardInterrupt:
            raise
        except BaseException as error:
            # Nobody knows how far it came: the next worker treats it as a crash, and asks a provider first.
            log.warning("effect %s of order %s failed", effect.kind, effect.order_id, exc_info=True)
            return Attempt(settled=attrs.evolve(postpone(effect, _said(error)), unclear=True))

    @contextmanager
    def _how_it_answers(self, effect: ClaimedEffect) -> Iterator[None]:
        """Note how what an effect asks answers, so that it gets no more places than it can bear."""
        began = time.monotonic()
        with hearing() as heard:
            try:
                yield
            finally:
                self._places.answered(effect.asks, time.monotonic() - began, too_often=heard.too_often)

    def _give_back(self, effects: Sequence[ClaimedEffect], error: BaseException, *, unclear: bool) -> list[Postponed]:
        """Put off effects of an order that cannot be read, or whose outcome cannot be recorded."""
        said = _said(error)
        log.warning("effects of order %s wait: %s", effects[0].order_id, said)
        log.debug("why they wait", exc_info=error)
        if isinstance(error, OrderUnreadable):
            settled = [attrs.evolve(_unread(effect, error), unclear=unclear or effect.crashed) for effect in effects]
        else:
            settled = [attrs.evolve(postpone(effect, said), unclear=unclear or effect.crashed) for effect in effects]
        try:
            self.store.effects.settle(settled, self._commit_id())
        except Exception as also:  # noqa: BLE001 - the database is away: their leases run out
            log.warning("effects of order %s wait for their leases to end: %s", effects[0].order_id, _said(also))
        return list(_postponed(effects, settled))

    # --- recording what became of them ---------------------------------------------------------------

    def _record_safely(
        self, effects: Sequence[ClaimedEffect], tries: Sequence[Attempt], case: Case, ran: Ran
    ) -> list[ClaimedEffect]:
        """Commit the outcome and count it; gives the effects that follow. Where that fails by an outcome of one of
        them, each is recorded by itself; what cannot be recorded is put off, and whoever takes it asks first."""
        try:
            ran.case, settled, new = self._record(effects, tries, case, effects[0].owner)
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # noqa: BLE001 - it costs what it is about and no other
            if isinstance(error, RetourError) or len(tries) == 1:
                ran.postponed += self._give_back(effects, error, unclear=True)
                return []
            return [
                follows
                for effect, one in zip(effects, tries, strict=True)
                for follows in self._record_safely([effect], [one], ran.case or case, ran)
            ]
        ran.done += sum(1 for one in settled if one.state == "done")
        ran.postponed += _postponed(effects, settled)
        return new

    def _record(
        self, effects: Sequence[ClaimedEffect], tries: Sequence[Attempt], case: Case, owner: str | None
    ) -> tuple[Case, list[SettledEffect], list[ClaimedEffect]]:
        """Commit the outcome: what the tries found out, the effects settled, and what follows from both: to be run by
        ``owner``, or by any worker."""
        for _ in range(_ROUNDS):
            draft = case.draft(RETOUR, self.clock())
            settled = []
            for effect, one in zip(effects, tries, strict=True):
                draft, outcome = _applied(draft, effect, one)
                settled += [outcome] if outcome is not None else []
            try:
                done = self.commits.write(case, draft, owner=owner, settled=settled)
            except VersionMoved:
                case = self.cases.as_last_seen(case.shop, case.order_id)
            except LeaseLost:
                log.warning("another worker took over effects of order %s", case.order_id)
                held = self.store.effects.held(settled)
                tries = [one if one.settled and one.settled.id in held else one.without_lease for one in tries]
            else:
                return done.case, settled, as_claimed(done)
        raise Busy(text("Order {order} keeps being changed; its work waits.", order=case.order_id))


MOST_DEATHS = 3
"""Processes that an effect ends before it is tried no more, and waits for a person."""

_WHILE_FALLEN = 30 * SECOND
"""Microseconds that an effect waits which asks what workers died with, while that is not tried either."""

_BATCH = 20
_ROUNDS = 10
_GLANCE, _BETWEEN_LOOKS = 0.1, 1.0
"""While threads are at work: seconds between two looks at whether to stop, and at what has become due meanwhile."""


def _applied(draft: Draft, effect: ClaimedEffect, one: Attempt) -> tuple[Draft, SettledEffect | None]:
    """The draft with what one try found out; without it, and the effect put off, where that cannot be recorded."""
    ahead = draft.copy()
    try:
        if one.given is not None:
            ahead.see(one.given)
        for found in (one.fact, one.record):
            if found is not None:
                found(ahead)
    except Outdated as error:
        return draft, None if one.settled is None else postpone(effect, str(error))
    except Exception as error:
        log.warning("what effect %s of order %s gave cannot be recorded", effect.kind, effect.order_id, exc_info=True)
        if one.settled is None:
            return draft, None
        return draft, attrs.evolve(postpone(effect, _said(error)), unclear=True)
    return ahead, one.settled


def _lease_ends(effect: ClaimedEffect, case: Case) -> float:
    """When a lease ends, in elapsed seconds: by what elapsed since before the claim, and by what the database told of
    its time since, where that is sooner. A machine that was stopped from outside has no clock that counted it."""
    if effect.lease_until is None:
        return effect.lease_ends
    left = (effect.lease_until - case.time.now().latest).total_seconds()
    return min(effect.lease_ends, case.time.elapsed() + left)


def _unread(effect: ClaimedEffect, error: OrderUnreadable) -> SettledEffect:
    """An effect of which nothing was tried: it waits, or until a person takes back what he has set aside."""
    settled = attrs.evolve(postpone(effect, f"{_said(error)} ({error.row.name})"), unclear=effect.crashed)
    return settled if error.aside is None else attrs.evolve(settled, delay=UNTIL_A_PERSON)


def _said(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}"


def _postponed(effects: Iterable[ClaimedEffect], settled: Iterable[SettledEffect]) -> Iterator[Postponed]:
    """Those that failed and wait. What has no problem only waits: its provider had no news."""
    of_id = {effect.id: effect for effect in effects}
    for one in settled:
        if one.state == "waiting" and one.problem:
            effect = of_id[one.id]
            yield Postponed(shop=effect.shop, order_id=effect.order_id, what=effect.kind, problem=one.problem)


def half_of_lease(claimed: Sequence[ClaimedEffect]) -> float:
    """Until when effects may begin, in elapsed seconds: what begins then still ends within the lease."""
    return min(effect.lease_ends for effect in claimed) - LEASE / SECOND / 2


def as_claimed(done: Committed) -> list[ClaimedEffect]:
    """Effects that were born claimed by a commit, as their owner runs them."""
    return [
        ClaimedEffect(
            id=effect.id,
            shop=done.case.shop,
            order_id=done.case.order_id,
            kind=effect.kind,
            plugin=effect.plugin,
            account=effect.account,
            body=effect.body,
            attempts=0,
            owner=effect.owner,
            lease_ends=done.begun + effect.lease / SECOND,
        )
        for effect in done.effects
        if effect.owner is not None
    ]


def by_order(effects: Sequence[ClaimedEffect]) -> list[list[ClaimedEffect]]:
    """Effects grouped by shop and order."""

    def key(effect: ClaimedEffect) -> tuple[str, str]:
        return effect.shop, effect.order_id

    return [list(group) for _, group in groupby(sorted(effects, key=key), key=key)]
