"""What each process of a campaign does until it is killed: a merchant, a worker, a receiver of webhooks, a bookkeeper.

Each can be killed at any moment and is started again with nothing but its files and the store.
"""

from __future__ import annotations

import datetime
import json
import random
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import attrs
import database_clock
import requests

from retour import InvalidWebhook, Mode, Money, RetourError, ReturnDesk, StoreError
from retour.providers.http import ProviderSession
from retour_manual_transfer.batch import Debtor, pain001
from retour_manual_transfer.statement import StatementLine, confirm_statement
from retour_manual_transfer.waiting import put_in_batch, transfers_of
from retour_mollie import Mollie

from .account import MerchantsAccount
from .attending import ANNA
from .clock import CampaignClock
from .dashboards import BESIDE, ask_a_colleague
from .deaths import Deaths
from .deciding import Merchant
from .files import append, lines
from .plan import Plan
from .shop import PlannedShop
from .spellings import Spellings
from .suspensions import Suspensions
from .tellers import Teller

DEADLINE_SECONDS = 0.5
"""A call's deadline as it is in a campaign, instead of 30 seconds: a silent provider does not hold it up."""

A_DAY = datetime.timedelta(days=1)

SIDE_BY_SIDE = 8
"""Orders that half of the workers do at once."""

WITHOUT_A_PLUGIN = 0.2
"""How many of the workers live on a host on which one plugin is missing."""

AT_A_PROVIDER = ("mollie", "stripe", "paypal")
"""The plugins that can be."""

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

    def desk(
        self,
        *,
        inline_seconds: float,
        clock: CampaignClock | None = None,
        off: datetime.timedelta = datetime.timedelta(0),
        without: str = "",
    ) -> ReturnDesk:
        """A desk of the one shop there is. What elapses and the database's clock are those that all share; the clock of
        its host is so far ``off``. One plugin can be gone: it is ``without`` that."""
        clock = clock or self.clock()
        database_clock.install()
        database_clock.tell(clock.now)
        return ReturnDesk(
            shop=self.shop(),
            store=self.database,
            plugins=[name for name in PLUGINS if name != without],
            settings={name: given for name, given in self.settings.items() if name != without},
            inline_seconds=inline_seconds,
            migrate=False,
            clock=lambda: clock.now() + off,
            elapsed=clock.elapsed,
        )

    def shop(self) -> PlannedShop:
        """The shop as it is now."""
        return PlannedShop(self.plan, self.folder / "stock.db", self.spellings())

    def spellings(self) -> Spellings:
        """How the shop has its payments."""
        return Spellings(self.folder / "spellings", sum(map(len, self.plan.payments.values())))

    def account(self) -> MerchantsAccount:
        """The bank account from which staff transfer by hand."""
        return MerchantsAccount(self.folder / "account")

    def clock(self) -> CampaignClock:
        """The clock that all share."""
        return CampaignClock(self.folder / "clock")

    def live(self, role: str, number: int, life: int) -> None:
        """One life of one process."""
        Person(world=self, role=role, number=number, life=life).live()


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
        folder = self.world.folder
        Suspensions(chance, folder / "asleep", folder / "suspended").lie_in_wait(desk)
        PlannedShop.book_stock = deaths.around(  # type: ignore[method-assign]
            "before the stock is booked", PlannedShop.book_stock, "after the stock is booked"
        )
        roles = {
            "merchant": self._sell,
            "worker": self._work,
            "receiver": self._receive,
            "bookkeeper": self._keep_books,
            "teller": self._transfer,
        }
        roles[self.role](desk, chance, deaths)

    def _desk(self, *, inline_seconds: float) -> ReturnDesk:
        """A desk, as soon as there is a database, on a host whose clock is up to a day off."""
        off = random.Random(f"{self.world.seed}/{self.role}/{self.number}/{self.life}/off").uniform(-1, 1) * A_DAY
        gone = random.Random(f"{self.world.seed}/{self.role}/{self.number}/{self.life}/without")
        missing = self.role == "worker" and gone.random() < WITHOUT_A_PLUGIN
        without = gone.choice(AT_A_PROVIDER) if missing else ""
        while True:
            try:
                return self.world.desk(inline_seconds=inline_seconds, off=off, without=without)
            except StoreError as error:
                self._complain(error)
                time.sleep(0.1)

    # --- the worker ----------------------------------------------------------------------------------

    def _work(self, desk: ReturnDesk, chance: random.Random, deaths: Deaths) -> None:
        """Every second worker does one order after the other, by the same draws in each campaign; the others have
        threads, which draw as they come."""
        del deaths
        concurrency = SIDE_BY_SIDE if self.number % 2 else 1
        while True:
            limit = chance.choice((3, 5, 20, 40))
            report = self._tried(lambda limit=limit: desk.work(limit=limit, concurrency=concurrency))
            if report is None or not (report.done or report.failed):
                time.sleep(chance.uniform(0.05, 0.15))

    # --- the merchant --------------------------------------------------------------------------------

    def _sell(self, desk: ReturnDesk, chance: random.Random, deaths: Deaths) -> None:
        leaving = self._desk(inline_seconds=0)
        deaths.watch(leaving)
        Merchant(
            world=self.world, number=self.number, desk=desk, leaving=leaving, chance=chance, complain=self._complain
        ).sell()

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

    # --- who transfers by hand -----------------------------------------------------------------------

    def _transfer(self, desk: ReturnDesk, chance: random.Random, deaths: Deaths) -> None:
        asked = self.world.folder / "colleagues"
        teller = Teller(
            desk=desk,
            account=self.world.account(),
            number=self.number,
            chance=chance,
            does_both=lambda row: ask_a_colleague(
                asked, f"{BESIDE}{row.refund_id}", row.order_id, row.payment, row.amount
            ),
            perhaps=deaths.perhaps,
        )
        while True:
            time.sleep(chance.uniform(0.2, 0.6))
            self._tried(teller.see_to_all)

    def _tried(self, work: Callable[[], Any]) -> Any:
        """What ``work`` gives, None where it could not be done now: as `retour worker`, it goes on."""
        try:
            return work()
        except (RetourError, requests.RequestException) as error:
            self._complain(error)
            return None

    def _complain(self, error: Exception) -> None:
        said = {"role": self.role, "kind": type(error).__name__, "error": str(error)}
        append(self.world.folder / "complaints", said)


# --- what they do ----------------------------------------------------------------------------------------


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
        waiting = transfers_of(desk, batch=current)
        for one in waiting.not_ready:  # its order has changed since: it is for a later file
            desk.set_refund_batch(one.refund.order_id, one.refund.refund_id, "", by=ANNA)
        handed = waiting.transfers
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
    told = [json.loads(line) for number in range(world.merchants) for line in lines(world.folder / f"decided-{number}")]
    return {one["decision"]: one["refund"] for one in told}


def complaints(world: World) -> Sequence[Mapping[str, str]]:
    """What could not be done at a moment, by whom."""
    return [json.loads(line) for line in lines(world.folder / "complaints")]
