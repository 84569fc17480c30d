"""`retour returns`: which returns are open, what each waits for, and since when."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from types import ModuleType

import pytest
from click.testing import CliRunner, Result

from retour import Actor, MemoryShop, Objection, ReturnDesk, hookimpl
from retour.cli import main
from retour.testing import a_line, an_order

Run = Callable[..., Result]
ANNA, BUYER = Actor.staff("anna"), Actor.customer("c-17")


class LooksAtPots:
    """A policy that wants pots looked at."""

    name = "looks-at-pots"

    @hookimpl
    def return_policy(self, request: object) -> Objection | None:
        lines = getattr(request, "lines", ())
        return Objection.review("look") if any(one.line_id == "pot" for one in lines) else None


@pytest.fixture
def desk(sqlite_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[ReturnDesk]:
    """A host's module whose desk has three orders."""
    orders = [an_order(a_line("cup", 2), a_line("pot", 1), order_id=f"order-{number}") for number in range(3)]

    def make() -> ReturnDesk:
        return ReturnDesk(shop=MemoryShop(orders), store=sqlite_url, plugins=[LooksAtPots()])

    host = ModuleType("host_of_returns")
    host.desk = make  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "host_of_returns", host)
    made = make()
    yield made
    made.close()


@pytest.fixture
def run() -> Run:
    def invoke(*arguments: str) -> Result:
        given = ["returns", "--desk", "host_of_returns:desk", "--lang", "en", *arguments]
        return CliRunner(env={"COLUMNS": "300"}).invoke(main, given)

    return invoke


def three(desk: ReturnDesk) -> list[str]:
    """One that waits for the goods, one for a decision, and one about whose stock the merchant is asked."""
    first = desk.request_return("order-0", {"cup": 1}, by=BUYER, request_id="f1").return_id
    second = desk.request_return("order-1", {"pot": 1}, by=BUYER, request_id="f1").return_id
    third = desk.mark_returned("order-2", by=ANNA).return_id
    return [first, second, third]


def test_the_oldest_stands_first_with_what_it_waits_for(desk: ReturnDesk, run: Run) -> None:
    ids = three(desk)
    said = run().output.splitlines()
    rows = [line for line in said if line.startswith("order-")]
    assert [row.split()[0] for row in rows] == ["order-0", "order-1", "order-2"]
    waits = ["the goods", "a decision", "an answer about the stock"]
    assert all(word in row for word, row in zip(waits, rows, strict=True))
    numbers = [desk.dossier(f"order-{one}").return_(return_id).number for one, return_id in enumerate(ids)]
    assert [row.split()[1] for row in rows] == numbers
    assert said[-1] == "3 returns."


def test_it_is_for_machines_too(desk: ReturnDesk, run: Run) -> None:
    ids = three(desk)
    listed = json.loads(run("--json").output)
    assert [(one["return_id"], one["waits_for"]) for one in listed] == list(
        zip(ids, ["goods", "review", "answer"], strict=True)
    )
    assert {"number", "goods", "stock", "since", "due", "opened_at", "order_id"} <= listed[0].keys()


def test_it_is_filtered_by_what_is_waited_for_and_by_order(desk: ReturnDesk, run: Run) -> None:
    ids = three(desk)
    assert [one["return_id"] for one in json.loads(run("--json", "--waits-for", "review").output)] == [ids[1]]
    desk.cancel_return("order-0", ids[0], by=BUYER)
    assert ids[0] not in run("--json").output, "what has ended waits for nothing"
    assert [one["return_id"] for one in json.loads(run("--json", "--order", "order-0").output)] == [ids[0]]


def test_where_nothing_waits_it_says_so(desk: ReturnDesk, run: Run) -> None:
    assert run().output == "No return waits.\n"
    assert json.loads(run("--json").output) == []


def test_a_page_has_no_end_that_is_seen(desk: ReturnDesk, monkeypatch: pytest.MonkeyPatch) -> None:
    ids = three(desk)
    first = desk.list_returns(oldest_first=True, limit=2)
    rest = desk.list_returns(oldest_first=True, limit=2, after=first.next)
    assert [one.return_id for one in (*first.returns, *rest.returns)] == ids
    assert rest.next is None


def test_a_row_says_what_is_in_it_by_the_names_that_the_shop_has(desk: ReturnDesk, run: Run) -> None:
    three(desk)
    rows = {line.split()[0]: line for line in run().output.splitlines() if line.startswith("order-")}
    assert "1 × Cup" in rows["order-0"]
    assert "2 × Cup, 1 × Pot" in rows["order-2"]
    listed = json.loads(run("--json").output)
    line = {"line_id": "cup", "announced": 1, "came_back": 0, "reasons": []}
    assert (listed[0]["lines"], listed[0]["references"], listed[0]["refunded"]) == ([line], [], [])


def test_those_that_somebody_looks_for_are_shown_alone(desk: ReturnDesk, run: Run) -> None:
    ids = three(desk)
    for typed, found in (("order-1", {"order-1"}), (ids[2], {"order-2"}), ("order", {"order-0", "order-1", "order-2"})):
        shown = run("--search", typed).output
        assert {line.split()[0] for line in shown.splitlines() if line.startswith("order-")} == found
    assert run("--reason", "too_small").output.strip() == "No return waits."
    refused = run("--reason", "too_smal")
    assert refused.exit_code == 2
    assert "reason is one of too_small" in refused.output


def test_a_shop_that_cannot_tell_its_orders_costs_the_names_alone(
    desk: ReturnDesk, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    three(desk)

    def gone(self: object, order_ids: object) -> None:
        raise RuntimeError("no database")

    monkeypatch.setattr(MemoryShop, "read_orders", gone)
    shown = run().output
    assert "1 × cup" in shown
    assert "The shop could not tell who the customers of these orders are" in shown
    assert "3 returns." in shown
