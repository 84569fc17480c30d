"""Work: what is due, for all shops of the store. One thing that fails costs no other."""

from __future__ import annotations

import datetime
import logging
from collections.abc import Callable

import attrs

from retour.desk.commands import Command, Commands
from retour.desk.services import Services
from retour.effects.kinds import KINDS
from retour.model.actor import Actor
from retour.model.errors import InvalidArgument, OrderUnreadable, StoreError, StoreLocked
from retour.model.frozen import frozen
from retour.model.outcome import Postponed, WorkReport
from retour.model.text import text
from retour.providers.errors import redacted
from retour.rules import requests
from retour.rules.draft import Draft
from retour.store.clock import microseconds

MOST_AT_ONCE = 1_000_000
"""Of each kind, in one call."""

MOST_SIDE_BY_SIDE = 64
"""Orders, each in a thread."""

log = logging.getLogger("retour.desk")


@frozen(kw_only=True)
class Asked:
    """What one call is to do: up to ``limit`` of each, the effects of so many orders at once, until told to
    ``stop``."""

    limit: int
    concurrency: int
    stop: Callable[[], bool]


@frozen
class Work:
    """The work of all shops."""

    services: Services

    def do(self, limit: int, concurrency: int, stop: Callable[[], bool] | None) -> WorkReport:
        """Erase, run effects, those of so many orders at once, let returns expire, and prune: up to ``limit`` of each,
        until told to ``stop``. A store that cannot be used any more costs only what was not begun."""
        self._check(limit, concurrency, stop)
        asked = Asked(limit=limit, concurrency=concurrency, stop=stop or _never)
        report = WorkReport()
        steps = (
            self._forget,
            self._run,
            self._expire_overdue,
            self._whose_payments,
            self._count_left_alone,
            self._complete_rows,
            self._prune,
        )
        for step in steps:
            try:
                report = step(report, asked)
            except StoreError as error:
                if report.idle:
                    raise
                log.warning("the rest of the work waits for the next call: %s", error)
                break
        return report

    def _check(self, limit: int, concurrency: int, stop: object) -> None:
        if not 1 <= limit <= MOST_AT_ONCE:
            raise InvalidArgument(
                text("work() does 1 to {most} of each kind at once, not {limit}.", most=MOST_AT_ONCE, limit=limit)
            )
        if not 1 <= concurrency <= MOST_SIDE_BY_SIDE:
            raise InvalidArgument(
                text(
                    "work() does 1 to {most} orders side by side, not {concurrency}.",
                    most=MOST_SIDE_BY_SIDE,
                    concurrency=concurrency,
                )
            )
        if stop is not None and (isinstance(stop, type) or not callable(stop)):
            raise InvalidArgument(
                text("stop= is a function that says whether to stop, and no {given}.", given=type(stop).__name__)
            )
        if concurrency > self.most_side_by_side:
            raise one_at_a_time()

    @property
    def most_side_by_side(self) -> int:
        """Orders that can be worked on at once."""
        return 1 if self.services.store.in_memory else MOST_SIDE_BY_SIDE

    def _forget(self, report: WorkReport, asked: Asked) -> WorkReport:
        now = microseconds(self.services.clock())
        return attrs.evolve(report, forgotten=self.services.store.forget_expired(now, asked.limit))

    def _run(self, report: WorkReport, asked: Asked) -> WorkReport:
        ran = self.services.runner.work(asked.limit, asked.concurrency, asked.stop)
        return attrs.evolve(report, done=ran.done, failed=len(ran.postponed), postponed=tuple(ran.postponed))

    def _whose_payments(self, report: WorkReport, asked: Asked) -> WorkReport:
        """Ask providers about payments that webhooks named and nobody knows, when all else is done. What is found is
        kept as an effect: this was not idle, so the next call runs it."""
        left = asked.limit - report.done - report.failed
        found = self.services.whose_payment.ask(left, asked.stop) if left > 0 else ()
        return attrs.evolve(report, done=report.done + len(found))

    def _count_left_alone(self, report: WorkReport, asked: Asked) -> WorkReport:
        if report.done + report.failed >= asked.limit:  # there is more to do first, and counting takes its time
            return report
        left_alone = self.services.store.effects.left_alone(KINDS)
        for kind, count in left_alone.items():
            log.warning("%s effects of kind %s are left alone: a newer retour made them. Upgrade retour.", count, kind)
        return attrs.evolve(report, left_alone=left_alone)

    def _complete_rows(self, report: WorkReport, asked: Asked) -> WorkReport:
        """After an upgrade: what rows of lists lack that an older retour made."""
        return attrs.evolve(report, completed=self.services.completing.some(asked.limit, asked.stop))

    def _prune(self, report: WorkReport, asked: Asked) -> WorkReport:
        """After all else, for nobody waits for it; a store that is never idle is pruned too."""
        if asked.stop():
            return report
        return attrs.evolve(report, pruned=self.services.pruning.prune(asked.limit))

    def _expire_overdue(self, report: WorkReport, asked: Asked) -> WorkReport:
        """Let up to ``limit`` returns expire, of all shops; one that cannot is passed by, and looked at again by the
        next call."""
        today = self.services.clock().astimezone(self.services.zone).date()
        expired, postponed = 0, list(report.postponed)
        for shop_id, order_id, return_id in self.services.store.pages.overdue(today):
            if expired == asked.limit or asked.stop():
                break
            try:
                expired += self._expire(shop_id, order_id, return_id, today)
            except KeyboardInterrupt:
                raise
            except OrderUnreadable as error:
                if error.aside is None:
                    postponed.append(_not_expired(shop_id, order_id, return_id, error))
            except BaseException as error:  # noqa: BLE001 - it costs this return and no other
                postponed.append(_not_expired(shop_id, order_id, return_id, error))
                if isinstance(error, StoreLocked):  # so it is for all of them
                    break
        return attrs.evolve(report, expired=expired, postponed=tuple(postponed))

    def _expire(self, shop_id: str, order_id: str, return_id: str, today: datetime.date) -> bool:
        """The shop is not asked: it may have no such order any more."""
        command = Command(
            order_id=order_id,
            by=Actor.system(),
            decide=lambda draft, _: requests.expire(draft, return_id, min(today, self._day_in_the_database(draft))),
            as_last_seen=True,
        )
        return Commands(self.services, shop_id).run(command).changed

    def _day_in_the_database(self, draft: Draft) -> datetime.date:
        """The calendar day in the shop's zone by the database's clock: a return expires only where it says so too."""
        return (draft.earliest or draft.at).astimezone(self.services.zone).date()


def one_at_a_time() -> InvalidArgument:
    """The error where more are asked for than a database in memory can take."""
    return InvalidArgument(
        text(
            "A database in memory has one connection, so one order is worked on after the other there: leave "
            "concurrency out. For more keep the returns in a file (sqlite:///returns.db) or in PostgreSQL."
        )
    )


def _never() -> bool:
    return False


def _not_expired(shop_id: str, order_id: str, return_id: str, error: BaseException) -> Postponed:
    problem = redacted(f"{type(error).__name__}: {error}")
    log.warning("return %s of order %s cannot expire: %s", return_id, order_id, problem)
    return Postponed(shop=shop_id, order_id=order_id, what="expire a return", problem=problem)
