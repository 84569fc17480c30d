"""Effects side by side: threads that each run those of one order, and no two at once those of the same.

What an effect asks, an account at a provider, a plugin or the shop itself, has a number of places, so that none is
asked by more at once than it can bear. And one that is slow cannot take all threads: where all ask it, there is one
thread more, for the others.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from contextvars import copy_context
from typing import TypeAlias

import attrs

from retour.model.frozen import frozen
from retour.steps.case import Case
from retour.store.effects import ClaimedEffect

PLACES = 8
"""Effects that ask one account, one plugin or one shop at once, whatever the number of threads."""

SLOW = 10.0
"""Seconds for one effect, after which what it asked is asked one at a time."""


class Places:
    """How many places everything that is asked has: all of them, but one where it was slow or said that it is asked too
    often, and one more after each answer since.

    It is asked by many threads and has no lock: a place more or less for a moment changes nothing.
    """

    def __init__(self) -> None:
        self._fewer: dict[str, int] = {}

    def of(self, asked: str) -> int:
        """The places of what is ``asked``."""
        return self._fewer.get(asked, PLACES)

    def answered(self, asked: str, seconds: float, *, too_often: bool) -> None:
        """What was ``asked`` took so long, or said that it is asked ``too_often``."""
        if too_often or seconds > SLOW:
            self._fewer[asked] = 1
        elif (places := self._fewer.get(asked, PLACES) + 1) <= PLACES:
            self._fewer[asked] = places
        else:
            self._fewer.pop(asked, None)


@attrs.define(eq=False)
class Batch:
    """Effects of one order that wait for a thread. None of them begins after ``until``, in elapsed seconds. ``case`` is
    the order's, where it was read a moment ago."""

    effects: list[ClaimedEffect]
    until: float
    case: Case | None = None

    @property
    def order(self) -> tuple[str, str]:
        """Whose they are: the shop and the order."""
        return self.effects[0].shop, self.effects[0].order_id

    @property
    def asks(self) -> set[str]:
        """All that they ask."""
        return {effect.asks for effect in self.effects}

    @property
    def alone(self) -> bool:
        """Whether a process died with one of them: then nothing else runs that could die with it too."""
        return any(effect.died for effect in self.effects)


@frozen(kw_only=True)
class View:
    """What the threads are doing: whether nothing runs and nothing waits, whether one has nothing to do and could have,
    whether one has ended since the last look, and what is ``busy``: it has no place left, or is waited for."""

    at_rest: bool
    wants_more: bool
    news: bool
    busy: frozenset[str]


Run: TypeAlias = Callable[[Batch], Batch | None]
"""Runs a batch; gives what follows from it, of the same order."""


class SideBySide:
    """The threads of one call of ``work()``: as many as are needed, ``most`` at most, and one more where all of those
    ask the same. They end with it, or with the process. Each runs in the context that the call was made in."""

    def __init__(self, most: int, places: Places, run: Run) -> None:
        self._most = most
        self._places = places
        self._run = run
        self._changed = threading.Condition()
        self._waiting: list[Batch] = []
        self._running: list[Batch] = []
        self._threads: list[threading.Thread] = []
        self._ended = self._seen = 0
        self.goes_on = True
        self.failure: BaseException | None = None

    # --- who gives them something to do ---------------------------------------------------------------

    def look(self) -> View:
        """What they are doing now."""
        with self._changed:
            taken = self._taken()
            full = {asked for asked, number in taken.items() if self._is_full(asked, number)}
            waited = {asked for batch in self._waiting for asked in batch.asks}
            news, self._seen = self._ended != self._seen, self._ended
            return View(
                at_rest=not self._running and not self._waiting,
                wants_more=self._plan()[1],
                news=news,
                busy=frozenset(full | waited),
            )

    def add(self, batches: Iterable[Batch]) -> None:
        """Let these be run, one of them after the other where they are of the same order."""
        with self._changed:
            self._waiting.extend(batches)
            needed = min(len(self._running) + len(self._waiting), self._most + 1)
            self._changed.notify_all()
        while len(self._threads) < needed:
            thread = threading.Thread(target=copy_context().run, args=(self._serve,), name="retour work", daemon=True)
            self._threads.append(thread)
            thread.start()

    def wait(self, seconds: float) -> None:
        """Wait until there is news, but not for longer."""
        with self._changed:
            self._changed.wait_for(lambda: self._ended != self._seen, seconds)

    def overdue(self, elapsed: float) -> list[ClaimedEffect]:
        """What waited for so long that it may not begin any more; nobody else has it now."""
        with self._changed:
            late = [batch for batch in self._waiting if batch.until < elapsed]
            self._waiting = [batch for batch in self._waiting if batch not in late]
            return [effect for batch in late for effect in batch.effects]

    def stop(self) -> list[ClaimedEffect]:
        """Begin nothing more; gives what has not begun: what follows from those that have is there when they end."""
        with self._changed:
            self.goes_on = False
            left, self._waiting = self._waiting, []
            self._changed.notify_all()
            return [effect for batch in left for effect in batch.effects]

    def join(self) -> None:
        """Wait until what has begun has ended. Whoever is stopped while he starts a thread leaves one that was not
        started, or begins only now and, since nothing goes on, with nothing: there is none to wait for."""
        for thread in self._threads:
            with suppress(RuntimeError):
                thread.join()

    # --- the threads ----------------------------------------------------------------------------------

    def _serve(self) -> None:
        batch = self._next()
        while batch is not None:
            follows = None
            try:
                follows = self._run(batch)
            except BaseException as error:  # noqa: BLE001 - raised where the call was made
                self.failure = self.failure or error
            batch = self._next(batch, follows)

    def _next(self, ended: Batch | None = None, follows: Batch | None = None) -> Batch | None:
        """The next batch, what ``follows`` from the one that ended before all others; None where there will be none."""
        with self._changed:
            if ended is not None:
                self._running.remove(ended)
                self._ended += 1
            if follows is not None:
                self._waiting.insert(0, follows)
            self._changed.notify_all()
            while self.goes_on:
                begun = self._begun()
                if follows is not None and begun is not follows:
                    follows.case = None  # it is read again: who knows how long this waits
                    follows = None
                if begun is not None:
                    return begun
                self._changed.wait()
            return None

    def _begun(self) -> Batch | None:
        """The first that can begin, as one that runs; what it has no place for waits on, and reads its order again."""
        can_begin, _ = self._plan()
        if not can_begin:
            return None
        batch, ready = can_begin[0]
        if len(ready) < len(batch.effects):
            rest = [effect for effect in batch.effects if effect not in ready]
            self._waiting[self._waiting.index(batch)] = Batch(rest, batch.until)
            batch.effects = ready
        else:
            self._waiting.remove(batch)
        self._running.append(batch)
        return batch

    def _plan(self) -> tuple[list[tuple[Batch, list[ClaimedEffect]]], bool]:
        """Those that can begin now, in their order, each with the effects of it that there is a place for; and whether
        there is a thread for one more."""
        can_begin: list[tuple[Batch, list[ClaimedEffect]]] = []
        if any(batch.alone for batch in self._running):
            return can_begin, False
        orders, at_work = {batch.order for batch in self._running}, [batch.asks for batch in self._running]
        taken = self._taken()
        for batch in self._waiting:
            if batch.alone and not at_work:
                can_begin.append((batch, batch.effects))
            if batch.alone or not self._has_a_thread(at_work):
                return can_begin, False
            if batch.order in orders:
                continue
            orders.add(batch.order)  # also where there is no place: what came later of the order comes after it
            ready = [one for one in batch.effects if not self._is_full(one.asks, taken[one.asks])]
            if ready:
                can_begin.append((batch, ready))
                at_work.append({one.asks for one in ready})
                taken.update(at_work[-1])
        return can_begin, self._has_a_thread(at_work)

    def _has_a_thread(self, at_work: Sequence[set[str]]) -> bool:
        """Whether there is a thread beside those that are ``at_work``, by what each asks: where all of them ask the
        same, there is one for what asks something else, since that has no place left."""
        if len(at_work) == self._most:
            return bool(set.intersection(*at_work))
        return len(at_work) < self._most

    def _is_full(self, asked: str, taken: int) -> bool:
        return taken >= min(self._most, self._places.of(asked))

    def _taken(self) -> Counter[str]:
        return Counter([asked for batch in self._running for asked in batch.asks])
