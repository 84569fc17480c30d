"""Work: what is due, for all shops of the store. One thing that fails costs no other."""

from __future__ import annotations

import datetime
import logging

import attrs

from retour.desk.commands import Command, Commands
from retour.desk.services import Services
from retour.effects.kinds import KINDS
from retour.model.actor import Actor
from retour.model.errors import InvalidArgument, OrderUnreadable, StoreError, StoreLocked
from retour.model.outcome import Postponed, WorkReport
from retour.model.text import text
from retour.providers.errors import redacted
from retour.rules import requests
from retour.store.clock import microseconds

MOST_AT_ONCE = 1_000_000
"""Of each kind, in one call."""

log = logging.getLogger("retour.desk")


@attrs.frozen
class Work:
    """The work of all shops."""

    services: Services

    def do(self, limit: int) -> WorkReport:
        """Erase, run effects, let returns expire: up to ``limit`` of each."""
        if not 1 <= limit <= MOST_AT_ONCE:
            raise InvalidArgument(
                text("work() does 1 to {most} of each kind at once, not {limit}.", most=MOST_AT_ONCE, limit=limit)
            )
        report = WorkReport()
        for step in (self._forget, self._run, self._whose_payments, self._expire_overdue, self._count_left_alone):
            try:
                report = step(report, limit)
            except StoreError as error:
                if report.idle:
                    raise
                log.warning("the rest of the work waits for the next call: %s", error)
                break
        return report

    def _forget(self, report: WorkReport, limit: int) -> WorkReport:
        now = microseconds(self.services.clock())
        return attrs.evolve(report, forgotten=self.services.store.forget_expired(now, limit))

    def _run(self, report: WorkReport, limit: int) -> WorkReport:
        ran = self.services.runner.work(limit)
        return attrs.evolve(report, done=ran.done, failed=len(ran.postponed), postponed=tuple(ran.postponed))

    def _whose_payments(self, report: WorkReport, limit: int) -> WorkReport:
        """Ask providers about payments that webhooks named and nobody knows, when all else is done. What is found is
        kept as an effect: this was not idle, so the next call runs it."""
        left = limit - report.done - report.failed
        found = self.services.whose_payment.ask(left) if left > 0 else ()
        return attrs.evolve(report, done=report.done + len(found))

    def _count_left_alone(self, report: WorkReport, limit: int) -> WorkReport:
        if report.done + report.failed >= limit:  # there is more to do first, and counting takes its time
            return report
        left_alone = self.services.store.effects.left_alone(KINDS)
        for kind, count in left_alone.items():
            log.warning("%s effects of kind %s are left alone: a newer retour made them. Upgrade retour.", count, kind)
        return attrs.evolve(report, left_alone=left_alone)

    def _expire_overdue(self, report: WorkReport, limit: int) -> WorkReport:
        """Let up to ``limit`` returns expire, of all shops; one that cannot is passed by, and looked at again by the
        next call."""
        today = self.services.clock().astimezone(self.services.zone).date()
        expired, postponed = 0, list(report.postponed)
        for shop_id, order_id, return_id in self.services.store.pages.overdue(today):
            if expired == limit:
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
            decide=lambda draft, _: requests.expire(draft, return_id, today),
            as_last_seen=True,
        )
        return Commands(self.services, shop_id).run(command).changed


def _not_expired(shop_id: str, order_id: str, return_id: str, error: BaseException) -> Postponed:
    problem = redacted(f"{type(error).__name__}: {error}")
    log.warning("return %s of order %s cannot expire: %s", return_id, order_id, problem)
    return Postponed(shop=shop_id, order_id=order_id, what="expire a return", problem=problem)
