"""Every method of the desk while the connection to PostgreSQL ends: at each COMMIT, and some at each statement.

What is there in the end is what is there when nothing ends, no error leaves a method, and nothing is done twice. The
methods, what is there before each, and how often each commits are those of the costs.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from itertools import count
from typing import Any

import cutting_proxy as proxies
import pytest
from refunds import test_costs as costs
from sqlalchemy import Engine, create_engine

from retour import MemoryShop, ReturnDesk
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


METHODS = {
    **costs.COMMANDS,
    "run, with effects": (committed_by_the_host, lambda desk, one: desk.run(one), (0, 0, 2, 0)),
    "work, with effects": (left_to_work, lambda desk, _: desk.work(), (0, 0, 2, 0)),
}
"""Those of the costs, and the two that commit where there is something to do: at least twice."""

AT_COMMIT = [name for name, (_, _, (_, _, commits, _)) in METHODS.items() if commits]
AT_THE_FIRST_STATEMENT = [name for name in METHODS if name not in AT_COMMIT and METHODS[name][2][0]]
WITHOUT_A_DATABASE = [name for name in METHODS if name not in (*AT_COMMIT, *AT_THE_FIRST_STATEMENT)]
AT_EVERY_STATEMENT = ["mark_returned", "answer_restock", "refund", "cancel_refund", "confirm_refund"]
BOTH_WAYS = (proxies.BEFORE, proxies.AFTER)


@pytest.fixture
def database(postgresql_url: str) -> Iterator[str]:
    """PostgreSQL alone."""
    yield postgresql_url
    engine = create_engine(postgresql_url)
    tables.metadata.drop_all(engine)
    engine.dispose()


def begin_anew(world: Any, server: Engine) -> None:
    """An empty store, a shop and a provider to whom nothing happened."""
    if world.desk is None:
        return
    with server.begin() as connection:
        for table in tables.metadata.sorted_tables:
            if table is not tables.migration:
                connection.execute(table.delete())
    world.shop, world.ledger, world.forms = MemoryShop(), None, 0


def ended(world: Any) -> dict[str, Any]:
    """What is there when all work is done, without ids and times."""
    world.later()
    dossier = world.desk.dossier("1001")
    return {
        "events": sorted(type(one.event).__name__ for one in world.desk._commands.read("1001").events),
        "returns": [(one.goods, one.stock) for one in dossier.returns.values()],
        "refunds": [(one.state, one.amount) for one in dossier.refunds.values()],
        "stock": world.shop.stock,
        "went back": world.went_back,
    }


def run(world: Any, server: Engine, name: str) -> Iterator[None]:
    """What is there before; then, when it is asked on, the method."""
    begin_anew(world, server)
    before, do, _ = METHODS[name]
    given = before(world)
    yield
    do(world.desk, given)
    yield


def without_a_cut(world: Any, server: Engine, name: str) -> dict[str, Any]:
    for _ in run(world, server, name):
        pass
    return ended(world)


def test_every_public_method_of_the_desk_is_called_at_a_fault() -> None:
    """Each test says for itself that there was one."""
    public = {name for name, _ in inspect.getmembers(ReturnDesk) if not name.startswith("_")}
    assert METHODS.keys() >= public - {"close", "for_shop", "most_side_by_side", "plugins", "return_reasons"}


@pytest.mark.parametrize("name", AT_COMMIT)
def test_a_connection_that_ends_at_any_commit_of_any_method_changes_nothing_of_what_is_done(
    world: Any, proxy: Any, server: Engine, name: str
) -> None:
    expected = without_a_cut(world, server, name)
    for how in proxies.CUTS if name in AT_EVERY_STATEMENT else BOTH_WAYS:
        for commit in count(1):
            steps, done = run(world, server, name), proxy.done
            next(steps)
            proxy.cut(how, commit)
            next(steps)
            proxy.cut("")
            if proxy.done == done:
                assert commit > METHODS[name][2][2]
                break
            assert ended(world) == expected, (commit, how)


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
            next(steps)
            proxy.cut("")
            if proxy.done == done:
                assert statement > METHODS[name][2][0]
                break
            assert ended(world) == expected, (statement, how)


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
