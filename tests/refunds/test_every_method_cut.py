"""Every method of the desk while the connection to PostgreSQL ends: at each COMMIT, and some at each statement.

What is there in the end is what is there when nothing ends, no error leaves a method, and nothing is done twice. The
methods, what is there before each, and how often each commits are those of the costs.
"""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from sqlalchemy import Engine, create_engine

from retour import MemoryShop
from retour.store import tables

pytestmark = [pytest.mark.postgresql, pytest.mark.long]


def _load(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, Path(__file__).with_name(f"{name}.py"))
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


proxies, costs = _load("cutting_proxy"), _load("test_costs")

METHODS = costs.COMMANDS
AT_EVERY_STATEMENT = ["mark_returned", "answer_restock", "refund", "cancel_refund", "confirm_refund"]
BOTH_WAYS = (proxies.BEFORE, proxies.AFTER)


@pytest.fixture
def database(postgresql_url: str) -> Iterator[str]:
    """PostgreSQL alone."""
    yield postgresql_url
    engine = create_engine(postgresql_url)
    tables.metadata.drop_all(engine)
    engine.dispose()


@pytest.fixture
def server(database: str) -> Iterator[Engine]:
    """The server itself, past the proxy."""
    engine = create_engine(database)
    yield engine
    engine.dispose()


@pytest.fixture
def proxy(world: Any, database: str) -> Iterator[Any]:
    """Stands between the world's desk and the server."""
    made = proxies.CuttingProxy(database)
    world.database = made.url
    yield made
    made.close()


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


@pytest.mark.parametrize("name", [name for name in METHODS if METHODS[name][2][2]])
def test_a_connection_that_ends_at_any_commit_of_any_method_changes_nothing_of_what_is_done(
    world: Any, proxy: Any, server: Engine, name: str
) -> None:
    expected = without_a_cut(world, server, name)
    for commit in range(1, METHODS[name][2][2] + 1):
        for how in BOTH_WAYS:
            steps, done = run(world, server, name), proxy.done
            next(steps)
            proxy.cut(how, commit)
            next(steps)
            assert proxy.done == done + 1
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


@pytest.mark.parametrize("name", [name for name in METHODS if not METHODS[name][2][2] and METHODS[name][2][0]])
def test_a_connection_that_ends_at_the_first_statement_of_what_only_reads_is_noticed_by_nobody(
    world: Any, proxy: Any, server: Engine, name: str
) -> None:
    for how in BOTH_WAYS:
        steps, done = run(world, server, name), proxy.done
        next(steps)
        proxy.cut(how, every_statement=True)
        next(steps)
        assert proxy.done == done + 1
