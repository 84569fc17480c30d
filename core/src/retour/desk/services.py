"""What all shops of one desk share, and how its store is made ready."""

from __future__ import annotations

import datetime
from collections.abc import Callable
from zoneinfo import ZoneInfo

import attrs
from sqlalchemy import Engine

from retour.desk.completing import Completing
from retour.desk.hints import Hints
from retour.desk.turns import Turns
from retour.effects.keeping import Keeping
from retour.effects.labelling import Labelling
from retour.effects.pruning import Pruning
from retour.effects.refunding import Refunding
from retour.effects.runner import Runner
from retour.effects.whose_payment import WhosePayment
from retour.model.frozen import frozen
from retour.model.parcels import Address
from retour.model.return_reasons import ReturnReason
from retour.plugins.accounts import Accounts
from retour.plugins.hooks import Hooks
from retour.plugins.registry import Registry
from retour.shop import ShopCaller
from retour.steps.case import Cases
from retour.steps.commit import Commits
from retour.store.connect import connect
from retour.store.migrations import check, migrate
from retour.store.store import Store


@frozen(kw_only=True)
class Services:
    """What all shops of one desk share."""

    store: Store
    cases: Cases
    commits: Commits
    registry: Registry
    hooks: Hooks
    accounts: Accounts
    refunding: Refunding
    runner: Runner
    keeping: Keeping
    whose_payment: WhosePayment
    pruning: Pruning
    completing: Completing
    shops: Callable[[str], ShopCaller]
    return_reasons: Callable[[str], tuple[ReturnReason, ...] | None]
    clock: Callable[[], datetime.datetime]
    zone: ZoneInfo
    labelling: Labelling
    return_address: Callable[[str], Address | None]
    inline_seconds: float
    owns_engine: bool
    one_shop: bool
    hints: Hints = attrs.field(factory=Hints)
    turns: Turns = attrs.field(factory=Turns)


def ready(store: str | Engine, migrate_now: bool | None) -> Engine:
    """The engine of a store whose tables are there; one that we made is closed again when they are not."""
    engine = connect(store) if isinstance(store, str) else store
    try:
        if migrate_now if migrate_now is not None else engine.dialect.name == "sqlite":
            migrate(engine)
        else:
            check(engine)
    except BaseException:
        if isinstance(store, str):
            engine.dispose()
        raise
    return engine
