"""What each process of a campaign does until it is killed: a merchant, a worker, a receiver of webhooks, a bookkeeper.

Each can be killed at any moment and is started again with nothing but its files and the store.
"""

from __future__ import annotations

import datetime
import json
import os
import random
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import attrs
import database_clock
import requests

from retour import Actor, Mode, Money, RetourError, ReturnDesk, StoreError
from retour.model.errors import InvalidAmount, InvalidWebhook
from retour.providers.http import ProviderSession
from retour_manual_transfer.batch import Debtor, pain001
from retour_manual_transfer.statement import StatementLine, confirm_statement
from retour_manual_transfer.waiting import put_in_batch, transfers_of
from retour_mollie import Mollie

from .clock import CampaignClock
from .deaths import Deaths
from .plan import CANCEL, LINK, REFUND, RETURN, Decision, Plan
from .shop import PlannedShop

ANNA = Actor.staff("anna")
DEADLINE_SECONDS = 0.5
"""A call's deadline as it is in a campaign, instead of 30 seconds: a silent provider does not hold it up."""

MOST_TRIES = 4
"""How often a merchant tries what is not possible now, in all his lives; the campaign's end tries it again."""

PLUGINS = ("mollie", "stripe", "paypal", "manual_transfer")
DEBTOR = Debtor(name="Teapots and Cups", iban="NL20INGB0001234567")


@attrs.frozen(kw_only=True)
class World:
    """Where everything is. Plain data, so that it can be sent to another process. ``complete`` says that Mollie's
    lookup is taken to be complete, as its sandbox's is, so that "not found" becomes a proof."""

    folder: Path
    database: str
    plan: Plan
    settings: Mapping[str, Any]
    bank: str
    merchants: int
    seed: int
    complete: bool

    def desk(self, *, inline_seconds: float, clock: CampaignClock | None = None) -> ReturnDesk:
        """A desk of the one shop there is, on the clock that all share."""
        clock = clock or self.clock()
        database_clock.install()
        database_clock.tell(clock.now)
        return ReturnDesk(
            shop=PlannedShop(self.plan, self.folder / "stock.db"),
            store=self.database,
            plugins=PLUGINS,
            settings=self.settings,
            inline_seconds=inline_seconds,
            migrate=False,
            clock=clock.now,
            elapsed=clock.elapsed,
        )

    def clock(self) -> CampaignClock:
        """The clock that all share."""
        return CampaignClock(self.folder / "clock")


COMPLETE_AFTER = datetime.timedelta(minutes=20)


def believe_lookups() -> None:
    """Take Mollie's lookup to be complete, in this process."""
    capabilities: Any = Mollie.capabilities
    Mollie.capabilities = attrs.evolve(capabilities, lookup_complete_after=COMPLETE_AFTER)


def hurry() -> None:
    """Shorten the deadline in this process."""
    ProviderSession.__init__.__kwdefaults__["deadline"] = DEADLINE_SECONDS


@attrs.frozen(kw_only=True)
class Person:
    """One life of one process."""

    world: World
    role: str
    number: int
    life: int

    def live(self) -> None:
        """Work until killed, or until everything is done."""
        chance = random.Random(f"{self.world.seed}/{self.role}/{self.number}/{self.life}")
        deaths = Deaths(chance, self.world.folder / "deaths")
        hurry()
        if self.world.complete:
            believe_lookups()
        desk = self._desk(inline_seconds=10)
        deaths.lie_in_wait(desk)
        deaths.watch(desk)
        PlannedShop.book_stock = deaths.around(  # type: ignore[method-assign]
            "before the stock is booked", PlannedShop.book_stock, "after the stock is booked"
        )
        roles = {
            "merchant": self._sell,
            "worker": self._work,
            "receiver": self._receive,
            "bookkeeper": self._keep_books,
        }
        roles[self.role](desk, chance, deaths)

    def _desk(self, *, inline_seconds: float) -> ReturnDesk:
        """A desk, as soon as there is a database."""
        while True:
            try:
                return self.world.desk(inline_seconds=inline_seconds)
            except StoreError as error:
                self._complain(error)
                time.sleep(0.1)

    # --- the worker ----------------------------------------------------------------------------------

    def _work(self, desk: ReturnDesk, chance: random.Random, deaths: Deaths) -> None:
        del deaths
        while True:
            report = self._tried(lambda: desk.work(limit=chance.choice((3, 5, 20, 40))))
            if report is None or not (report.done or report.failed):
                time.sleep(chance.uniform(0.05, 0.15))

    # --- the merchant --------------------------------------------------------------------------------

    def _sell(self, desk: ReturnDesk, chance: random.Random, deaths: Deaths) -> None:
        """Decide everything of his share, however often he has to begin again; what was refused is not tried again."""
        leaving = self._desk(inline_seconds=0)
        deaths.watch(leaving)
        settled, tried = self.world.folder / f"decided-{self.number}", self.world.folder / f"tried-{self.number}"
        before = {json.loads(line)["decision"] for line in _lines(settled)}
        tries = Counter(json.loads(line)["decision"] for line in _lines(tried))
        todo = [
            one
            for one in self.world.plan.decisions
            if one.number % self.world.merchants == self.number
            and one.number not in before
            and one.kind in (REFUND, LINK, RETURN, CANCEL)
        ]
        while todo:
            later = []
            for decision in (one for one in todo if tries[one.number] < MOST_TRIES):
                refund = None
                try:
                    refund = decide(desk if decision.inline else leaving, decision)
                except InvalidAmount:
                    pass  # somebody refunded in the dashboard what this was to come from
                except StoreError as error:  # it is not saved, or perhaps it is: he presses again in the same form
                    self._complain(error)
                    later.append(decision)
                    time.sleep(0.05)
                    continue
                except RetourError:
                    if decision.kind != CANCEL:  # what cannot be taken back now is left as it is
                        _append(tried, {"decision": decision.number})
                        tries[decision.number] += 1
                        later.append(decision)
                        time.sleep(0.05 * tries[decision.number])
                        continue
                _append(settled, {"decision": decision.number, "refund": refund})
                if refund is not None and chance.random() < 0.02:  # a double click
                    self._tried(lambda decision=decision: decide(desk, decision))  # type: ignore[misc]
            todo = later

    # --- the receiver of webhooks --------------------------------------------------------------------

    def _receive(self, desk: ReturnDesk, chance: random.Random, deaths: Deaths) -> None:
        """Take webhooks in any order, many twice; one that was not answered with 200 comes again."""
        inbox = self.world.folder / "webhooks"
        while True:
            waiting = sorted(inbox.iterdir())
            if not waiting:
                time.sleep(0.05)
            for path in chance.sample(waiting[:40], min(len(waiting), 10)):
                try:
                    webhook = json.loads(path.read_text())
                except FileNotFoundError:
                    continue  # the other receiver is done with it
                deaths.perhaps("before a webhook is kept")
                if deliver(desk, webhook):
                    deaths.perhaps("after a webhook was kept")
                    if chance.random() < 0.75:
                        path.unlink(missing_ok=True)

    # --- the bookkeeper ------------------------------------------------------------------------------

    def _keep_books(self, desk: ReturnDesk, chance: random.Random, deaths: Deaths) -> None:
        while True:
            time.sleep(chance.uniform(0.3, 0.8))
            self._tried(lambda: keep_books(self.world, desk, deaths))

    def _tried(self, work: Callable[[], Any]) -> Any:
        """What ``work`` gives, None where it could not be done now: as `retour worker`, it goes on."""
        try:
            return work()
        except (RetourError, requests.RequestException) as error:
            self._complain(error)
            return None

    def _complain(self, error: Exception) -> None:
        said = {"role": self.role, "kind": type(error).__name__, "error": str(error)}
        _append(self.world.folder / "complaints", said)


# --- what they do ----------------------------------------------------------------------------------------


def decide(desk: ReturnDesk, decision: Decision) -> str | None:
    """Do what was decided; gives the refund's id where there is one. Raises what the desk raises."""
    order_id, request = decision.order_id, decision.request_id
    if decision.kind == REFUND:
        return desk.refund(order_id, decision.payment, decision.amount, by=ANNA, request_id=request).refund_id
    if decision.kind == LINK:
        return desk.open_refund_link(order_id, decision.payment, decision.amount, by=ANNA, request_id=request).refund_id
    if decision.kind == RETURN:
        desk.mark_returned(order_id, {"cup": decision.units}, by=ANNA, request_id=request)
        return None
    for refund in desk.dossier(order_id).refunds.values():
        taken_back = refund.state == "pending" and refund.instruction is not None and not refund.cancelling
        if taken_back or refund.state == "submitting":
            desk.cancel_refund(order_id, refund.id, by=ANNA)
            break
    return None


def deliver(desk: ReturnDesk, webhook: Mapping[str, str]) -> bool:
    """Give a webhook to the desk; whether the provider is answered so that it does not come again."""
    try:
        desk.receive_webhook(
            webhook["provider"], json.loads(webhook["headers"]), webhook["body"].encode(), mode=Mode.TEST
        )
    except InvalidWebhook:
        raise
    except RetourError:
        return False
    return True


def keep_books(world: World, desk: ReturnDesk, deaths: Deaths | None = None) -> int:
    """Pay by file what waits for a transfer, and confirm what the statement says; gives how many transfers there were.

    The file is written before it is handed to the bank, and is the only one of its name: after a crash that one is
    handed in again, which the bank refuses if it had it.
    """

    def perhaps(point: str) -> None:
        if deaths is not None:
            deaths.perhaps(point)

    folder = world.folder / "batches"
    begun = sorted(folder.glob("*.begun"))
    current = begun[-1].stem if begun else ""
    if not current or (folder / f"{current}.done").exists():
        current = f"B{len(begun) + 1:05d}"
    file = folder / f"{current}.xml"
    paid = 0
    if not file.exists():
        ready = transfers_of(desk).transfers
        if ready and not (folder / f"{current}.begun").exists():
            (folder / f"{current}.begun").touch()
        for transfer in ready:
            put_in_batch(desk, [transfer], current, by=ANNA)
            perhaps("between two transfers handed over")
        handed = transfers_of(desk, batch=current).transfers
        if handed:
            day = datetime.date(2026, 11, 24)
            written = pain001(
                DEBTOR,
                handed,
                batch_id=current,
                execution_date=day,
                created_at=datetime.datetime(2026, 11, 24, 9, 0),  # noqa: DTZ001 - a batch's own clock
            )
            draft = folder / f"{current}.draft"
            draft.write_bytes(written)
            draft.rename(file)
    if file.exists():
        perhaps("before the file is uploaded")
        answer = requests.post(f"{world.bank}/files", data=file.read_bytes(), timeout=DEADLINE_SECONDS)
        perhaps("after the file was uploaded")
        if answer.status_code in (201, 409):
            (folder / f"{current}.done").touch()
            paid = file.read_bytes().count(b"<CdtTrfTxInf>")
    confirm(world, desk, perhaps)
    return paid


def confirm(world: World, desk: ReturnDesk, perhaps: Callable[[str], None]) -> None:
    """Confirm every refund that the bank's statement says was paid."""
    lines = [
        StatementLine(
            reference=line["reference"],
            amount=Money.of(line["amount"], line["currency"]),
            words=line["words"],
            booked=datetime.date.fromisoformat(line["booked"]),
        )
        for line in requests.get(f"{world.bank}/statement", timeout=DEADLINE_SECONDS).json()
    ]
    perhaps("while the statement is confirmed")
    confirm_statement(desk, lines, by=ANNA)


def decided(world: World) -> dict[int, str | None]:
    """The decisions that a merchant was told are made or refused, each with its refund, if it has one."""
    told = [
        json.loads(line) for number in range(world.merchants) for line in _lines(world.folder / f"decided-{number}")
    ]
    return {one["decision"]: one["refund"] for one in told}


def complaints(world: World) -> Sequence[Mapping[str, str]]:
    """What could not be done at a moment, by whom."""
    return [json.loads(line) for line in _lines(world.folder / "complaints")]


def _append(path: Path, value: object) -> None:
    """Add a line at once and whole: many processes write, and any may die."""
    file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.write(file, f"{json.dumps(value)}\n".encode())
    os.close(file)


def _lines(path: Path) -> list[str]:
    return path.read_text().splitlines() if path.exists() else []
