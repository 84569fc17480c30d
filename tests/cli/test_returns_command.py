"""`retour returns`: which returns are open, what each waits for, since when, and what money goes with it."""

from __future__ import annotations

import inspect
import json
import sys
from collections.abc import Callable, Iterator, Sequence
from types import ModuleType

import pytest
from click.testing import CliRunner, Result

from retour import Actor, MemoryShop, Money, Objection, ReturnDesk, hookimpl
from retour.cli import main
from retour.cli.returns_command import command
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


def test_a_row_tells_what_came_back_is_worth_and_what_of_its_money_waits(desk: ReturnDesk, run: Run) -> None:
    three(desk)
    desk.open_refund_link("order-2", "tr_order-2", Money.of("10", "EUR"), by=ANNA, request_id="link")
    (row,) = desk.list_returns(order_id="order-2").returns
    assert row.value is not None
    assert row.suggested is not None
    for language, format_ in (("en", "€{}.00"), ("nl", "€\xa0{},00")):
        said = run("--lang", language).output.splitlines()
        heads = next(line for line in said if line.startswith(("order ", "bestelling ")))
        rows = [line for line in said if line.startswith("order-")]
        cells = [format_.format(one.minor // 100) for one in (row.value, Money.of("10", "EUR"), row.suggested)]
        assert [cell for cell in cells if cell not in rows[2]] == []
        assert rows[2].index(cells[0]) < rows[2].rindex(cells[1]) < rows[2].rindex(cells[2])
        assert rows[2].rstrip().endswith(cells[2])
        assert len(rows[2].rstrip()) == len(heads.rstrip()), "amounts stand below each other, to the right"
        assert "€" not in rows[0], "nothing came back"


@pytest.mark.parametrize(
    "options, orders",
    [
        (("--goods", "requested"), ["order-1"]),
        (("--goods", "requested", "--goods", "approved"), ["order-0", "order-1"]),
        (("--stock", "undecided"), ["order-2"]),
        (("--waits-for", "review", "--waits-for", "goods"), ["order-0", "order-1"]),
        (("--waits-for", "review", "--goods", "approved"), []),
        (("--order", "order-0", "--order", "order-2"), ["order-0", "order-2"]),
        (("--reason", "too_small", "--reason", "too_large"), []),
        (("--from", "2020-01-01"), ["order-0", "order-1", "order-2"]),
        (("--before", "2020-01-01"), []),
        (("--newest-first",), ["order-2", "order-1", "order-0"]),
    ],
)
def test_every_filter_of_the_desk_is_one_here(
    desk: ReturnDesk, run: Run, options: Sequence[str], orders: Sequence[str]
) -> None:
    three(desk)
    assert [one["order_id"] for one in json.loads(run(*options, "--json").output)] == orders


def test_the_filters_are_those_that_a_list_of_the_desk_has() -> None:
    taken = set(inspect.signature(ReturnDesk.list_returns).parameters) - {"self", "limit", "after", "before"}
    names = {one.name for one in command.params} - {"where", "as_json", "lang"}
    assert {"oldest_first" if one == "newest_first" else one for one in names} == taken


def test_a_state_lists_what_has_ended_too(desk: ReturnDesk, run: Run) -> None:
    ids = three(desk)
    desk.cancel_return("order-0", ids[0], by=BUYER)
    assert [one["return_id"] for one in json.loads(run("--json", "--goods", "cancelled").output)] == [ids[0]]
    assert run("--goods", "expired").output == "There is no such return.\n"


@pytest.mark.parametrize("day", ["yesterday", "2026-02-30", "0001-01-01x", "01-11-2026"])
def test_what_is_no_day_is_said(desk: ReturnDesk, run: Run, day: str) -> None:
    refused = run("--from", day)
    assert refused.exit_code == 2
    assert f"{day} is not a day; write it as 2026-11-27." in refused.output
    dutch = CliRunner().invoke(main, ["returns", "--desk", "host_of_returns:desk", "--lang", "nl", "--from", day])
    assert f"{day} is geen dag; schrijf die als 2026-11-27." in dutch.output
