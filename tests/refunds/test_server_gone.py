"""The server goes away while a method of the desk is under way, and stays away: no error says that nothing was changed
where something was, and the same again, when it is back, does it once. Nor does one where it hears nothing more."""

from __future__ import annotations

from contextlib import suppress
from itertools import count
from typing import Any

import cutting_proxy as proxies
import pytest
from refunds.test_every_method_cut import AT_COMMIT, METHODS, begin_anew, ended, without_a_cut
from refunds.test_three_ends import wait_until_nobody_is_connected
from sqlalchemy import Engine, select

from retour import PerhapsSaved, RetourError, UnknownRefund, WrongState
from retour.store import connect as connecting
from retour.store import database as databases
from retour.store import tables

pytestmark = [pytest.mark.postgresql, pytest.mark.long]


@pytest.fixture
def database(postgresql: str) -> str:
    """PostgreSQL alone."""
    return postgresql


def rows(server: Engine) -> dict[str, list[Any]]:
    with server.connect() as connection:
        return {
            table.name: sorted(connection.execute(select(table)).all(), key=repr)
            for table in tables.metadata.sorted_tables
        }


@pytest.mark.parametrize("name", AT_COMMIT)
def test_no_error_says_that_nothing_was_changed_where_something_was(
    world: Any, proxy: Any, server: Engine, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It goes with the answer to any COMMIT, or before any statement after the first one."""
    monkeypatch.setattr(databases, "SECONDS_TO_WAIT", 0.2)
    _, expected = without_a_cut(world, server, name)
    before, do, _ = METHODS[name]

    def away() -> None:
        proxy.away = True
        proxy.let_go()

    for how, first in ((proxies.AFTER, {}), (proxies.BEFORE, {"every_statement": True, "saved_first": True})):
        for at in count(1):
            begin_anew(world, server)
            given, done, there = before(world), proxy.done, rows(server)
            proxy.meanwhile = away
            proxy.cut(how, at, **first)
            try:
                do(world.desk, given)
            except PerhapsSaved:
                pass
            except RetourError:
                assert rows(server) == there, (how, at)
            proxy.cut("")
            proxy.meanwhile, proxy.away = lambda: None, False
            if proxy.done == done:
                assert how is proxies.BEFORE or at > METHODS[name][2][2]
                break
            with suppress(WrongState, UnknownRefund):  # it was done, and there is no form to tell that it is the same
                do(world.desk, given)
            assert ended(world) == expected, (how, at)


ONCE = "label_document, given once"


@pytest.mark.parametrize("name", [name for name in AT_COMMIT if name != ONCE])
def test_a_commit_that_nobody_can_tell_of_is_an_error_of_its_own_and_the_same_again_does_it_once(
    world: Any, proxy: Any, server: Engine, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its transaction stays open and keeps what it locked: what takes what nobody has locked goes on."""
    monkeypatch.setattr(databases, "SECONDS_TO_WAIT", 0.2)
    monkeypatch.setattr(connecting, "SECONDS_TO_WAIT", 0.2)
    _, expected = without_a_cut(world, server, name)
    before, do, _ = METHODS[name]
    begin_anew(world, server)
    given, done = before(world), proxy.done
    proxy.cut(proxies.NEVER)
    with suppress(PerhapsSaved):
        do(world.desk, given)
    assert proxy.done == done + 1
    proxy.let_go()
    wait_until_nobody_is_connected(server)
    do(world.desk, given)
    assert ended(world) == expected


def test_a_document_that_is_given_out_once_is_shown_also_where_it_cannot_be_kept(
    world: Any, proxy: Any, server: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(databases, "SECONDS_TO_WAIT", 0.2)
    before, do, _ = METHODS[ONCE]
    given = before(world)
    proxy.meanwhile = lambda: setattr(proxy, "away", True)
    proxy.cut(proxies.BEFORE)
    assert do(world.desk, given).content.startswith(b"%PDF")
    assert proxy.done == 1
