"""Rows of lists that an older retour made get what they lack from their orders' histories: in bounded steps, that can
end anywhere, while everybody goes on."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import Engine, event, select, text

from retour import Actor, Busy, MemoryShop, Money, Order, RequestedLine, ReturnDesk, connect
from retour.desk import completing
from retour.store import migrations, tables
from retour.store.migrations import MIGRATIONS, migrate
from retour.testing import a_line, a_payment, an_order

ANNA, BUYER = Actor.staff("anna"), Actor.customer("c-17")
MakeDesk = Callable[..., ReturnDesk]
IDS = [f"100{number}" for number in range(1, 8)]


@pytest.fixture(autouse=True)
def quiet(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.CRITICAL, "retour")


def orders() -> list[Order]:
    payment = a_payment("40.00", provider="manual_transfer", reference="bank")
    return [an_order(a_line("cup", 4, "40.00"), payments=[payment], order_id=one, customer="c-17") for one in IDS]


@pytest.fixture
def desk(make_desk: MakeDesk) -> ReturnDesk:
    """Orders with a return for a reason and a refund that the bank knows."""
    made = make_desk(*orders(), plugins=["manual_transfer"])
    for number, one in enumerate(IDS):
        line = RequestedLine(line_id="cup", quantity=2, reason="too_small")
        returned = made.request_return(one, [line], by=BUYER, request_id="f")
        made.mark_sent(one, returned.return_id, by=BUYER, tracking=f"3S{number}")
        given: Any = {"reference": f"bank-{number}", "by": ANNA, "request_id": "g"}
        made.confirm_refund(one, "manual_transfer:bank", orders()[0].paid, **given)
    return made


LISTED = (tables.dossier, tables.return_, tables.refund, tables.return_reason)


def rows(engine: Engine) -> dict[str, list[tuple[Any, ...]]]:
    with engine.connect() as connection:
        return {one.name: sorted(map(tuple, connection.execute(select(one)).all()), key=str) for one in LISTED}


def as_before(desk: ReturnDesk) -> dict[str, list[tuple[Any, ...]]]:
    """Take away what an older retour did not keep; gives what was there."""
    engine = desk._services.store.engine
    whole = rows(engine)
    with engine.begin() as connection:
        connection.execute(text("UPDATE retour_return SET details = ''"))
        connection.execute(text("UPDATE retour_refund SET details = '', reference = ''"))
        connection.execute(text("DELETE FROM retour_return_reason"))
        connection.execute(text("UPDATE retour_dossier SET amounts = ''"))
    return whole


def engine_of(desk: ReturnDesk) -> Engine:
    return desk._services.store.engine


def test_a_list_that_is_looked_at_tells_all_at_once(desk: ReturnDesk) -> None:
    returns, refunds = desk.list_returns(), desk.list_refunds()
    whole = as_before(desk)
    assert desk.list_returns(limit=3).returns == returns.returns[:3]
    lacking = [row for row in rows(engine_of(desk))["retour_return"] if row[-1] == ""]
    assert len(lacking) == len(IDS) - 3  # the others are for whoever looks at them, and for the work
    assert desk.list_returns() == returns
    assert desk.list_refunds() == refunds
    assert rows(engine_of(desk)) == whole


def test_the_work_gives_all_rows_what_they_lack_in_steps(desk: ReturnDesk, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = as_before(desk)
    monkeypatch.setattr(completing, "AT_ONCE", 2)
    report = desk.work(limit=3)
    assert (report.completed, report.idle) == (3, False)
    assert desk.work().completed == len(IDS) - 3
    assert desk.work().completed == 0
    assert rows(engine_of(desk)) == whole


def test_a_step_that_ends_anywhere_has_changed_nothing_and_the_next_goes_on(
    desk: ReturnDesk, make_desk: MakeDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = as_before(desk)
    monkeypatch.setattr(completing, "AT_ONCE", 2)
    for last in range(1, 12):
        broken = make_desk(*orders(), plugins=["manual_transfer"])
        before, seen = rows(engine_of(broken)), 0

        @event.listens_for(engine_of(broken), "before_cursor_execute")
        def ends(_: Any, __: Any, statement: str, *___: Any, last: int = last) -> None:
            nonlocal seen
            writes = statement.startswith(
                ("UPDATE retour_re", "UPDATE retour_dossier", "INSERT INTO retour_return_reason")
            )
            seen += writes
            if writes and seen == last:
                raise KeyboardInterrupt

        try:
            broken.work(limit=2)
        except KeyboardInterrupt:
            assert rows(engine_of(broken)) == before
        else:
            break
        broken.close()
    assert last > 1
    assert desk.work().completed
    assert rows(engine_of(desk)) == whole


def test_what_an_order_did_meanwhile_is_kept(desk: ReturnDesk, monkeypatch: pytest.MonkeyPatch) -> None:
    as_before(desk)
    old_rows = desk._services.store.old_rows
    complete = type(old_rows).complete

    def late(self: Any, found: Any, unreadable: Any) -> None:
        if not moved:
            moved.append(desk.mark_returned("1001", {"cup": 2}, by=ANNA, request_id="meanwhile"))
        complete(self, found, unreadable)

    moved: list[object] = []
    monkeypatch.setattr(type(old_rows), "complete", late)
    desk.work()
    row = desk.list_returns(order_id="1001").returns[0]
    assert row.lines is not None
    assert [(one.announced, one.came_back) for one in row.lines] == [(2, 2)]
    assert (row.value, row.refunded) == (Money.of("20", "EUR"), (Money.of("40", "EUR"),))


def test_the_rows_of_an_order_that_goes_on_before_it_was_completed_lack_nothing_when_it_is(desk: ReturnDesk) -> None:
    desk.mark_returned("1001", {"cup": 1}, by=ANNA, request_id="one")
    as_before(desk)
    desk.mark_returned("1001", {"cup": 1}, by=ANNA, request_id="another")
    desk.cancel_return("1002", desk.list_returns(order_id="1002").returns[0].return_id, by=ANNA)
    assert desk.work().completed
    rows = {one.return_id: one for one in desk.list_returns().returns}
    assert all(one.value is not None and one.suggested is not None for one in rows.values())
    assert sum(one.value.minor for one in rows.values() if one.value and one.order_id == "1001") == 2000
    assert desk.work().completed == 0


def test_a_reason_and_a_reference_find_what_was_there_before_too(desk: ReturnDesk) -> None:
    as_before(desk)
    assert len(desk.list_returns(reason="too_small").returns) == len(IDS)
    as_before(desk)
    desk._services.completing._whole.clear()
    assert [one.order_id for one in desk.list_refunds(search="bank-3").refunds] == ["1004"]


def test_a_list_that_cannot_be_whole_yet_says_so_and_is_no_empty_page(
    desk: ReturnDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    as_before(desk)
    monkeypatch.setattr(completing, "MOST", 2)
    for look in (lambda: desk.list_returns(reason="too_small"), lambda: desk.list_refunds(search="bank-6")):
        with pytest.raises(Busy, match="orders would be missing from this one"):
            look()
    desk.work()
    assert [one.order_id for one in desk.list_refunds(search="bank-6").refunds] == ["1007"]


def test_an_order_that_cannot_be_read_is_listed_without_what_only_its_history_tells(desk: ReturnDesk) -> None:
    as_before(desk)
    with engine_of(desk).begin() as connection:
        body = connection.execute(
            text("SELECT body FROM retour_event WHERE order_id = '1002' AND seq = 1")
        ).scalar_one()
        connection.execute(text("UPDATE retour_event SET body = '{' WHERE order_id = '1002' AND seq = 1"))
    assert desk.work().completed == len(IDS)
    assert desk.work().completed == 0  # it does not come again and again
    found = {one.order_id: one for one in desk.list_returns().returns}
    assert found["1002"].lines is None
    assert found["1002"].references is None
    assert found["1002"].refunded is None
    assert (found["1002"].value, found["1002"].waiting, found["1002"].suggested) == (None, None, None)
    assert all(one.lines for order_id, one in found.items() if order_id != "1002")
    assert [one.source for one in desk.list_refunds(order_id="1002").refunds] == [None]
    with engine_of(desk).begin() as connection:
        given = {"body": body}
        connection.execute(text("UPDATE retour_event SET body = :body WHERE order_id = '1002' AND seq = 1"), given)
    assert desk.list_returns(order_id="1002").returns[0].lines


def test_a_database_of_before_is_migrated_and_tells_the_same(
    desk: ReturnDesk, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    returns, refunds = desk.list_returns(), desk.list_refunds()
    kept = {}
    with engine_of(desk).connect() as connection:
        for table in tables.metadata.sorted_tables:
            if table.name not in ("retour_migration", "retour_return_reason"):
                kept[table.name] = [dict(row) for row in connection.execute(select(table)).mappings()]
    desk.close()
    engine = connect(database)
    tables.metadata.drop_all(engine)
    monkeypatch.setattr(migrations, "MIGRATIONS", MIGRATIONS[:15])
    migrate(engine)
    monkeypatch.undo()
    with engine.begin() as connection:
        for table in tables.metadata.sorted_tables:
            for row in kept.get(table.name, []):
                old = {name: value for name, value in row.items() if name not in ("details", "reference", "amounts")}
                old |= {"reference": row["reference"]} if table is tables.reference else {}
                names = ", ".join(old)
                given = ", ".join(f":{name}" for name in old)
                connection.execute(text(f"INSERT INTO {table.name} ({names}) VALUES ({given})"), old)  # noqa: S608
    assert migrate(engine) == [name for _, name, _ in MIGRATIONS[15:]]
    after = ReturnDesk(shop=MemoryShop(orders()), store=engine, plugins=["manual_transfer"])
    assert after.list_returns() == returns
    assert after.list_refunds() == refunds
    assert len(after.list_returns(reason="too_small").returns) == len(IDS)
    engine.dispose()


def test_a_database_that_can_only_be_read_tells_all_the_same(desk: ReturnDesk, database: str) -> None:
    returns, refunds = desk.list_returns(), desk.list_refunds()
    as_before(desk)
    before = rows(engine_of(desk))
    reading = {
        "sqlite": f"{database}?mode=ro&uri=true".replace("///", "///file:"),
        "postgresql": f"{database}?options=-c%20default_transaction_read_only%3Don",
    }
    engine = connect(reading[engine_of(desk).dialect.name])
    only_reads = ReturnDesk(shop=MemoryShop(orders()), store=engine, plugins=["manual_transfer"])
    assert only_reads.list_returns() == returns
    assert only_reads.list_refunds() == refunds
    assert rows(engine_of(desk)) == before
    engine.dispose()
