"""Every method of the desk while the connection to PostgreSQL ends: at each COMMIT, and some at each statement.

What is there in the end is what is there when nothing ends, no error leaves a method, and nothing is done twice. The
methods, what is there before each, and how often each commits are those of the costs.
"""

from __future__ import annotations

import datetime
import inspect
from collections.abc import Iterator
from itertools import count
from typing import Any

import cutting_proxy as proxies
import pytest
from refunds import test_costs as costs
from shipping.small_carrier import signed_webhook
from sqlalchemy import Engine, create_engine, select

from retour import MemoryShop, Outcome, ReturnDesk, WebhookReceipt
from retour.providers import LabelDocument
from retour.store import tables

pytestmark = [pytest.mark.postgresql, pytest.mark.long]


def committed_by_the_host(world: Any) -> Any:
    """An outcome on the host's own connection, whose effects are still to be run."""
    world.open()
    engine = create_engine(world.database)
    with engine.begin() as connection:
        outcome = world.desk.mark_returned("1001", {"cup": 1}, by=costs.ANNA, request_id="f", connection=connection)
    engine.dispose()
    return outcome


def left_to_work(world: Any) -> None:
    """Stock to book and a refund to send."""
    world.open(inline_seconds=0)
    world.desk.mark_returned("1001", {"cup": 1}, by=costs.ANNA, request_id="f")
    world.refund()


def old_and_overdue(world: Any) -> None:
    """A note whose time has come, and a return that expires."""
    world.open()
    return_id = world.desk.request_return("1001", {"cup": 1}, by=costs.BUYER, request_id="f", note="a note").return_id
    world.desk.approve_return("1001", return_id, by=costs.ANNA, send_by=world.now.date())
    world.now += datetime.timedelta(days=366)


BROKEN = ("webhooks of ledger", "plugin ledger failed")


def broken_webhook(world: Any) -> str:
    world.open()
    world.desk._services.store.note_problem("default", *BROKEN)
    return ": ".join(BROKEN)


def labelled(world: Any, **more: object) -> Any:
    """A label of a provider that gives its document out ``once``, for example."""
    return_id, _ = costs.to_travel(world, **more)
    return costs.label(world.desk, return_id).label_id


STEPS = [
    {"id": "e1", "told": "ready", "parcel": "p-R1", "progress": "on_its_way"},
    {"id": "e2", "told": "ready", "parcel": "p-R1", "progress": "lost"},
]

METHODS = {
    **costs.COMMANDS,
    "run, with effects": (committed_by_the_host, lambda desk, one: desk.run(one), (0, 0, 2, 0)),
    "work, with effects": (left_to_work, lambda desk, _: desk.work(), (0, 0, 2, 0)),
    "work, that forgets and expires": (old_and_overdue, lambda desk, _: desk.work(), (0, 0, 2, 0)),
    "acknowledge, a broken webhook": (
        broken_webhook,
        lambda desk, one: desk.acknowledge("", "webhook_unreadable", one, by=costs.ANNA),
        (0, 0, 1, 0),
    ),
    "label_document, given once": (
        lambda world: labelled(world, once=True),
        lambda desk, one: desk.label_document("1001", one, by=costs.ANNA),
        (0, 0, 1, 0),
    ),
    "receive_webhook, of parcels": (
        labelled,
        lambda desk, _: desk.receive_webhook("small_carrier", *signed_webhook(*STEPS)),
        (0, 0, 4, 0),
    ),
}
"""Those of the costs, and what else commits, with how often at least."""

AT_COMMIT = [name for name, (_, _, (_, _, commits, _)) in METHODS.items() if commits]
AT_THE_FIRST_STATEMENT = [name for name in METHODS if name not in AT_COMMIT and METHODS[name][2][0]]
WITHOUT_A_DATABASE = [name for name in METHODS if name not in (*AT_COMMIT, *AT_THE_FIRST_STATEMENT)]
ADDED = ["retry_set_aside", "set_unreadable_aside", "take_unreadable_back", "acknowledge, a broken webhook"]
"""What is written beside the events of orders."""
AT_EVERY_STATEMENT = ["mark_returned", "answer_restock", "refund", "cancel_refund", "confirm_refund"]
BOTH_WAYS = (proxies.BEFORE, proxies.AFTER)


@pytest.fixture
def database(postgresql: str) -> str:
    """PostgreSQL alone."""
    return postgresql


def begin_anew(world: Any, server: Engine) -> None:
    """An empty store, a shop and a provider to whom nothing happened."""
    if world.desk is None:
        return
    with server.begin() as connection:
        for table in tables.metadata.sorted_tables:
            if table is not tables.migration:
                connection.execute(table.delete())
    world.shop, world.ledger, world.forms = MemoryShop(), None, 0


def told(given: object) -> object:
    """What a method gave, as far as it is the same each time: without ids and times, and without what is left to a
    worker, as an effect is whose claim nobody answered."""
    if isinstance(given, Outcome):
        return given.changed
    return given if isinstance(given, int | LabelDocument | WebhookReceipt) else None


def ended(world: Any) -> dict[str, Any]:
    """What is there when all work is done, without ids and times."""
    with world.desk._services.store.engine.connect() as connection:
        aside = connection.execute(select(tables.aside).order_by(tables.aside.c.number)).all()
    world.later()
    dossier = world.desk.dossier("1001")
    return {
        "aside": [row[2:-1] for row in aside],
        "events": sorted(type(one.event).__name__ for one in world.desk._commands.read("1001").events),
        "returns": [(one.goods, one.stock) for one in dossier.returns.values()],
        "refunds": [(one.state, one.amount) for one in dossier.refunds.values()],
        "stock": world.shop.stock,
        "went back": world.went_back,
    }


def run(world: Any, server: Engine, name: str) -> Iterator[object]:
    """What is there before; then, when it is asked on, the method, and what it gave."""
    begin_anew(world, server)
    before, do, _ = METHODS[name]
    given = before(world)
    yield None
    yield told(do(world.desk, given))


def without_a_cut(world: Any, server: Engine, name: str) -> tuple[object, dict[str, Any]]:
    """What the method gives, and what is there in the end."""
    _, gave = run(world, server, name)
    return gave, ended(world)


def test_every_public_method_of_the_desk_is_called_at_a_fault() -> None:
    """Each test says for itself that there was one."""
    public = {name for name, _ in inspect.getmembers(ReturnDesk) if not name.startswith("_")}
    assert METHODS.keys() >= public - {"close", "for_shop", "most_side_by_side", "plugins"}


@pytest.mark.parametrize("name", AT_COMMIT)
def test_a_connection_that_ends_at_any_commit_of_any_method_changes_nothing_of_what_is_done(
    world: Any, proxy: Any, server: Engine, name: str
) -> None:
    expected = without_a_cut(world, server, name)
    for how in proxies.CUTS if name in (*AT_EVERY_STATEMENT, *ADDED) else BOTH_WAYS:
        for commit in count(1):
            steps, done = run(world, server, name), proxy.done
            next(steps)
            proxy.cut(how, commit)
            gave = next(steps)
            proxy.cut("")
            if proxy.done == done:
                assert commit > METHODS[name][2][2]
                break
            assert (gave, ended(world)) == expected, (commit, how)


@pytest.mark.parametrize("name", AT_EVERY_STATEMENT)
def test_a_connection_that_ends_at_any_statement_changes_nothing_of_what_is_done(
    world: Any, proxy: Any, server: Engine, name: str
) -> None:
    expected = without_a_cut(world, server, name)
    for how in BOTH_WAYS:
        for statement in count(1):
            steps, done = run(world, server, name), proxy.done
            next(steps)
            proxy.cut(how, statement, every_statement=True)
            gave = next(steps)
            proxy.cut("")
            if proxy.done == done:
                assert statement > 3 * METHODS[name][2][2], "each commit is a BEGIN, a statement and a COMMIT at least"
                break
            assert (gave, ended(world)) == expected, (statement, how)


@pytest.mark.parametrize("name", AT_THE_FIRST_STATEMENT)
def test_a_connection_that_ends_at_the_first_statement_of_what_only_reads_is_noticed_by_nobody(
    world: Any, proxy: Any, server: Engine, name: str
) -> None:
    for how in BOTH_WAYS:
        steps, done = run(world, server, name), proxy.done
        next(steps)
        proxy.cut(how, every_statement=True)
        next(steps)
        assert proxy.done == done + 1


@pytest.mark.parametrize("name", WITHOUT_A_DATABASE)
def test_what_asks_no_database_works_while_the_server_is_away(
    world: Any, proxy: Any, server: Engine, name: str
) -> None:
    steps = run(world, server, name)
    next(steps)
    proxy.away = True
    proxy.let_go()
    next(steps)
    proxy.away = False
