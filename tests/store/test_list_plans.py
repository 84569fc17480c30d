"""Pages, searches and counts read what they show and little more, however many orders there are.

``RETOUR_ROWS=200000`` tries it on as many.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from sqlalchemy import Engine, event, text

from retour import connect
from retour.store.migrations import migrate
from retour.store.pages import LetThrough, PageWanted
from retour.store.search import TooManyFound
from retour.store.store import Store

ROWS = int(os.environ.get("RETOUR_ROWS", "20000"))
"""Orders of a shop, each with a return and a refund; one in fifty waits for something."""

PAGE = 50

FILL = """
INSERT INTO retour_dossier (shop, order_id, version, attention) NUMBERS SELECT :shop, 'o' || i, 1, 0 FROM n;
INSERT INTO retour_return (shop, return_id, order_id, goods, stock, waits_for, since, opened_at, number, details)
    NUMBERS SELECT :shop, 'rt' || i, 'o' || i, CASE WHEN i % 50 = 0 THEN 'approved' ELSE 'received' END, 'applied',
        CASE WHEN i % 50 = 0 THEN 'goods' ELSE '' END, i, i, 'N' || i, '{}' FROM n;
INSERT INTO retour_return_reason NUMBERS SELECT :shop, 'code' || i % 20, i, 'rt' || i, 'o' || i FROM n;
INSERT INTO retour_refund (shop, refund_id, order_id, payment, minor, currency, state, waits_for, since, opened_at,
        reference, details)
    NUMBERS SELECT :shop, 'rf' || i, 'o' || i, 'p', 100, 'EUR',
        CASE WHEN i % 50 = 0 THEN 'pending' ELSE 'succeeded' END, CASE WHEN i % 50 = 0 THEN 'provider' ELSE '' END,
        i, i, 're_' || i, '{}' FROM n;
INSERT INTO retour_label (shop, label_id, order_id, return_id, provider, state, waits_for, since, opened_at, details)
    NUMBERS SELECT :shop, 'lb' || i, 'o' || i, 'rt' || i, CASE WHEN i % 50 = 0 THEN 'sendcloud' ELSE 'other' END,
        'ready', CASE WHEN i % 50 = 0 THEN 'customer' ELSE '' END, i, i, '{}' FROM n;
INSERT INTO retour_reference NUMBERS SELECT :shop, 'mollie', 'default', 'tr_' || i, 'live', 'o' || i FROM n
""".replace("NUMBERS", "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < :rows)")


@pytest.fixture
def full(database: str) -> Iterator[Engine]:
    """Two shops with as many orders of the same names."""
    engine = connect(database)
    migrate(engine)
    with engine.begin() as connection:
        for shop in ("north", "south"):
            for fill in FILL.split(";"):
                connection.execute(text(fill), {"rows": ROWS, "shop": shop})
    with engine.connect() as connection:
        connection.execution_options(isolation_level="AUTOCOMMIT").execute(text("ANALYZE"))
    yield engine
    engine.dispose()


MIDDLE = f"{ROWS // 2}.x"
LAST_HUNDRED = {"opened_from": ROWS - 99}

PAGE_OF_ORDERS = [f"o{number}" for number in range(1, PAGE + 1)]

Ask = Callable[[Store], Any]


def returns(asked: LetThrough | None = None, **page: Any) -> Ask:
    return lambda store: store.pages.returns("north", asked or LetThrough(), PageWanted(limit=PAGE, **page))


def refunds(asked: LetThrough | None = None, **page: Any) -> Ask:
    return lambda store: store.pages.refunds("north", asked or LetThrough(), PageWanted(limit=PAGE, **page))


def labels(asked: LetThrough | None = None, **page: Any) -> Ask:
    return lambda store: store.pages.labels("north", asked or LetThrough(), PageWanted(limit=PAGE, **page))


def values(**given: list[str]) -> LetThrough:
    return LetThrough(values=given)


PAGES: dict[str, Ask] = {
    "the newest": returns(),
    "the oldest": returns(oldest_first=True),
    "from the middle": returns(after=MIDDLE),
    "from the middle, the oldest first": returns(after=MIDDLE, oldest_first=True),
    "before the middle": returns(before=MIDDLE),
    "before the middle, the oldest first": returns(before=MIDDLE, oldest_first=True),
    "what waits before the middle": returns(values(waits_for=["goods", "answer", "stock"]), before=MIDDLE),
    "for several reasons before the middle": returns(LetThrough(reasons=["code7", "code8"]), before=MIDDLE),
    "refunds before the middle": refunds(before=MIDDLE),
    "refunds in several states before the middle": refunds(values(state=["succeeded", "failed"]), before=MIDDLE),
    "what waits": returns(values(waits_for=["goods", "answer", "stock"])),
    "goods in several states": returns(values(goods=["received", "approved", "closed"]), after=MIDDLE),
    "stock in several states": returns(values(stock=["applied", "nothing"]), oldest_first=True, after=MIDDLE),
    "in a period": returns(LetThrough(opened_from=ROWS // 2, opened_before=ROWS // 2 + 500)),
    "in a period, what waits": returns(LetThrough(values={"waits_for": ["goods"]}, opened_from=ROWS // 2)),
    "for a reason": returns(LetThrough(reasons=["code7"])),
    "for several reasons": returns(LetThrough(reasons=["code7", "code8"]), after=MIDDLE, oldest_first=True),
    "for a reason in a period": returns(LetThrough(reasons=["code7"], opened_before=ROWS // 2)),
    "of an order": returns(values(order_id=["o7"])),
    "of an order for a reason": returns(LetThrough(values={"order_id": ["o7"]}, reasons=["code7"])),
    "of orders that were found": returns(LetThrough(orders=[f"o{number}" for number in range(1, 101)])),
    "refunds, the newest": refunds(after=MIDDLE),
    "refunds, the oldest": refunds(after=MIDDLE, oldest_first=True),
    "refunds that wait": refunds(values(waits_for=["provider", "person"])),
    "refunds in several states": refunds(values(state=["succeeded", "failed"]), after=MIDDLE),
    "refunds by their id": refunds(values(refund_id=[f"rf{number}" for number in range(1, 51)])),
    "refunds of a batch": refunds(values(batch=["B1"])),
    "labels, the newest": labels(after=MIDDLE),
    "labels before the middle": labels(before=MIDDLE),
    "labels that wait": labels(values(waits_for=["customer", "person"]), oldest_first=True),
    "labels of a provider": labels(values(provider=["sendcloud"])),
    "labels of no provider": labels(values(provider=["nobody"])),
    "labels in several states": labels(values(state=["ready", "refused"]), after=MIDDLE),
    "labels of a provider in a state": labels(values(state=["ready"], provider=["other"]), after=MIDDLE),
    "labels of an order": labels(values(order_id=["o7"])),
    "labels of orders that were found": labels(LetThrough(orders=[f"o{number}" for number in range(1, 101)])),
    "labels of a period": labels(LetThrough(opened_from=ROWS // 2, opened_before=ROWS // 2 + 500)),
    "whether a provider made a label": lambda store: store.pages.has_label_of("north", "nobody"),
    "the money of the orders of a page": lambda store: store.pages.amounts("north", [f"o{n}" for n in range(1, 51)]),
}

SEARCHES: dict[str, str] = {
    "an order": "o77",
    "the beginning of orders": f"o{ROWS // 10}",
    "a return": "rt77",
    "a refund": "rf77",
    "a payment": "tr_77",
    "the beginning of a payment": f"tr_{ROWS // 10}",
    "what a provider calls a refund": "re_77",
    "nothing": "x",
    "with a sign that has a meaning in patterns": "o7%",
}

COUNTS: dict[str, Ask] = {
    "returns that wait": lambda store: store.pages.count_returns("north", LetThrough()),
    "returns of a period": lambda store: store.pages.count_returns("north", LetThrough(**LAST_HUNDRED)),
    "returns for a reason in a period": lambda store: store.pages.count_returns(
        "north", LetThrough(reasons=["code7"], **LAST_HUNDRED)
    ),
    "refunds that wait": lambda store: store.pages.total_refunds("north", LetThrough()),
    "figures of some weeks": lambda store: store.periods.count("north", [ROWS - 99, ROWS - 50, ROWS + 1], "succeeded"),
    "refunds of a period": lambda store: store.pages.total_refunds("north", LetThrough(**LAST_HUNDRED)),
}


def asked_by(engine: Engine, ask: Callable[[Store], Any]) -> list[tuple[str, Any]]:
    """The statements that a look makes, with what is bound."""
    store, statements = Store(engine), []

    def listen(_: Any, __: Any, statement: str, given: Any, *___: Any) -> None:
        if "retour_" in statement and "retour_migration" not in statement:
            statements.append((statement, given))

    event.listen(engine, "before_cursor_execute", listen)
    try:
        ask(store)
    except TooManyFound:
        pass
    finally:
        event.remove(engine, "before_cursor_execute", listen)
    assert statements
    return statements


def read_by(engine: Engine, statement: str, given: Any) -> int:
    """About how many rows a statement reads: on PostgreSQL those of its largest step, on SQLite as many as its steps
    would be enough for."""
    if engine.dialect.name == "sqlite":
        return read_by_sqlite(engine, statement, given)
    with engine.connect() as connection:
        plan = list(connection.exec_driver_sql(f"EXPLAIN (ANALYZE, TIMING OFF) {statement}", given).scalars())
        connection.rollback()
    told = "\n".join(plan)
    assert "Seq Scan" not in told, told
    rows = [int(float(one) * int(loops)) for one, loops in re.findall(r"actual rows=([\d.]+) loops=(\d+)", told)]
    return max([*rows, *[int(one) for one in re.findall(r"Rows Removed by Filter: (\d+)", told)]])


STEPS_A_ROW = 40
"""Of SQLite's machine, to find a row, compare it and give all its columns."""


def read_by_sqlite(engine: Engine, statement: str, given: Any) -> int:
    steps = []
    with engine.connect() as connection:
        plan = [row[3] for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", given)]
        assert not [line for line in plan if line.startswith("SCAN retour_")], plan
        driver: Any = connection.connection.dbapi_connection
        driver.set_progress_handler(lambda: steps.append(STEPS_A_ROW), STEPS_A_ROW)
        connection.exec_driver_sql(statement, given).all()
        driver.set_progress_handler(None, 0)
        connection.rollback()
    return len(steps)


def test_a_page_reads_its_own_rows_and_few_others(full: Engine) -> None:
    for what, ask in PAGES.items():
        for statement, given in asked_by(full, ask):
            assert read_by(full, statement, given) <= 10 * PAGE, what


def test_a_search_reads_no_more_than_it_can_find(full: Engine) -> None:
    for what, typed in SEARCHES.items():
        for statement, given in asked_by(full, lambda store, typed=typed: store.search.orders("north", typed, None)):
            assert read_by(full, statement, given) <= 500, what


def test_a_count_reads_what_waits_or_what_is_of_its_period(full: Engine) -> None:
    for what, ask in COUNTS.items():
        for statement, given in asked_by(full, ask):
            assert read_by(full, statement, given) <= ROWS // 50 + 100, what
