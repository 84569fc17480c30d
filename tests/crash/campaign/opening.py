"""A campaign on an empty database: its providers and bank, its plan, and the people who are going to act in it."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import attrs

from retour import connect
from retour.store.migrations import migrate
from retour_manual_transfer.sandbox import BankSandbox
from retour_mollie.sandbox import MollieSandbox
from retour_paypal.sandbox import PayPalSandbox
from retour_stripe.sandbox import StripeSandbox

from .banks import Banks
from .clock import CampaignClock
from .cuts import Cuts
from .dashboards import Dashboards
from .nursery import Nursery
from .people import World, believe_lookups
from .plan import DASHBOARD, make_plan
from .run import Campaign
from .shop import empty_stock
from .tellers import TELLERS
from .trouble import pass_over_the_dead

SANDBOXES: tuple[type[Any], ...] = (MollieSandbox, StripeSandbox, PayPalSandbox, BankSandbox)


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
            account=world.account(),
            dashboards=Dashboards(
                sandboxes=sandboxes,
                plan=plan,
                asked=folder / "colleagues",
                counts=counts,
                unannounced=[one for one in plan.decisions if one.kind == DASHBOARD],
            ),
            people={"merchant": merchants, "worker": workers, "receiver": 2, "bookkeeper": 1, "teller": TELLERS},
            kills_per_second=kills_per_second,
            cuts=cuts,
        )
