"""`retour attention`: what a person must look at, of all kinds, and what decides it."""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any

import pytest
from click.testing import CliRunner, Result

from retour import Actor, MemoryShop, Money, ReturnDesk
from retour.cli import main
from retour.model.return_number import return_number
from retour.testing import a_line, a_payment, an_order

Run = Callable[..., Result]

ANNA = Actor.staff("anna")
ORDERS = [f"order-{number}" for number in range(4)]


@pytest.fixture
def desk(sqlite_url: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> Iterator[ReturnDesk]:
    caplog.set_level(logging.CRITICAL, "retour")
    shop = MemoryShop([an_order(a_line("cup", 2), a_line("pot", 1), order_id=one) for one in ORDERS])
    made = ReturnDesk(shop=shop, store=sqlite_url)
    module: Any = ModuleType("host_with_attention")
    module.desk = made
    monkeypatch.setitem(sys.modules, "host_with_attention", module)
    yield made
    made.close()


def attention(run: Run, *options: str, **more: Any) -> str:
    result = run("attention", "--desk", "host_with_attention:desk", *options, **more)
    assert result.exit_code == 0, result.output
    return result.stdout


def ask(desk: ReturnDesk, order_id: str) -> str:
    """An order of several products came back: what goes back in stock is asked."""
    return desk.mark_returned(order_id, by=ANNA).return_id


def break_over_a_webhook(desk: ReturnDesk) -> None:
    desk._services.store.note_problem("default", "webhooks of acme", "plugin acme [/bold] failed")


def test_an_empty_list_says_that_nothing_waits(run: Run, desk: ReturnDesk) -> None:
    assert attention(run) == "Nothing waits for a person.\n"
    assert attention(run, "--lang", "nl") == "Er is niets waar iemand naar moet kijken.\n"
    assert json.loads(attention(run, "--json")) == []


def test_what_waits_is_counted_and_listed_with_what_decides_it(run: Run, desk: ReturnDesk) -> None:
    return_ids = [ask(desk, one) for one in ORDERS[:2]]
    break_over_a_webhook(desk)
    shown = attention(run)
    lines = shown.splitlines()
    assert lines[:2] == ["2 × the question about the stock is open", "1 × a webhook cannot be read"]
    for order_id, return_id in zip(ORDERS, return_ids, strict=False):
        (row,) = [line for line in lines if order_id in line]
        assert return_number(return_id) in row
        assert row.rstrip().endswith("answer the question about the stock")
    (row,) = [line for line in lines if "[/bold]" in line]
    assert "say that you have looked at it" in row
    assert ORDERS[2] not in shown


def test_one_kind_is_listed_where_it_is_asked_for(run: Run, desk: ReturnDesk) -> None:
    ask(desk, ORDERS[0])
    break_over_a_webhook(desk)
    shown = attention(run, "--kind", "stock_question")
    assert ORDERS[0] in shown
    assert "webhook" not in shown
    assert attention(run, "--kind", "refund_failed") == "Nothing waits for a person.\n"
    result = run("attention", "--desk", "host_with_attention:desk", "--kind", "bogus")
    assert (result.exit_code, "stock_question" in result.stderr) == (2, True)


def test_for_machines_it_is_a_list_of_objects(run: Run, desk: ReturnDesk) -> None:
    return_id = ask(desk, ORDERS[0])
    (one,) = json.loads(attention(run, "--json"))
    (item,) = desk.attention().items
    assert item.since is not None
    assert one == {
        "kind": "stock_question",
        "order_id": ORDERS[0],
        "about": return_id,
        "since": item.since.isoformat(),
        "what": "the question about the stock is open",
        "why": "the question about the stock is open",
        "can_do": ["answer_restock"],
        "steps": ["answer the question about the stock"],
        "others": [],
    }


def test_every_page_of_the_list_is_shown(run: Run, desk: ReturnDesk, monkeypatch: pytest.MonkeyPatch) -> None:
    numbers = [return_number(ask(desk, one)) for one in ORDERS]
    whole = desk.attention
    monkeypatch.setattr(desk, "attention", lambda kind, **asked: whole(kind, **{**asked, "limit": 3}))
    assert all(one in attention(run) for one in numbers)


def test_a_narrow_terminal_breaks_no_order(run: Run, desk: ReturnDesk) -> None:
    ask(desk, ORDERS[0])
    shown = attention(run, columns=80)
    assert ORDERS[0] in shown
    assert max(len(line) for line in shown.splitlines()) <= 80


def test_in_a_file_an_item_is_one_line(desk: ReturnDesk, monkeypatch: pytest.MonkeyPatch) -> None:
    desk._services.store.note_problem("default", "webhooks of acme", "failed " * 50)
    monkeypatch.delenv("COLUMNS", raising=False)
    shown = CliRunner(env={"LANG": "C"}).invoke(main, ["attention", "--desk", "host_with_attention:desk"]).stdout
    (row,) = [line for line in shown.splitlines() if "failed" in line]
    assert row.count("failed") == 50
    assert "a webhook from Acme could not be used; `retour doctor` says why (1 time)" in row


def test_in_dutch_it_is_dutch(run: Run, desk: ReturnDesk) -> None:
    ask(desk, ORDERS[0])
    shown = attention(run, "--lang", "nl")
    assert "1 × de vraag over de voorraad staat nog open" in shown
    assert "wat te doen" in shown
    assert shown == attention(run, lang="nl_NL.UTF-8")


def test_the_desk_has_to_be_named(run: Run) -> None:
    result = run("attention")
    assert result.exit_code == 2
    assert "--desk" in result.stderr


def test_a_payment_and_a_provider_are_called_as_people_call_them(run: Run, desk: ReturnDesk) -> None:
    """Also those of a stranger whose plugin this process does not have."""
    shop: Any = desk._services.shops("default").shop
    paid = an_order(a_line("cup", 2, "40.00"), payments=[a_payment("40.00", provider="corner_pay", reference="t_1")])
    shop.orders[paid.id] = paid
    desk.confirm_refund(paid.id, "t_1", Money.of("10", "EUR"), reference="re_1", by=ANNA, request_id="form-1")
    shop.orders[paid.id] = an_order(a_line("cup", 2, "40.00"), payments=[a_payment("40.00", reference="tr_1")])
    desk.mark_returned(paid.id, by=ANNA)
    for language in ("en", "nl"):
        (row,) = [
            line
            for line in attention(run, "--lang", language, columns=600).splitlines()
            if line.count("t_1 (Corner pay)") == 2
        ]
        assert "corner_pay" not in row
    (item,) = [one for one in json.loads(attention(run, "--json")) if one["kind"] == "payment_vanished"]
    assert item["about"] == "corner_pay:t_1"


def test_a_provider_that_is_off_stands_there_by_its_name(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    module: Any = ModuleType("host_without_a_plugin")
    module.desk = lambda: ReturnDesk(shop=MemoryShop(), store="sqlite://", plugins=["corner_pay"])
    monkeypatch.setitem(sys.modules, "host_without_a_plugin", module)
    (row,) = [
        line
        for line in run("attention", "--desk", "host_without_a_plugin:desk").stdout.splitlines()
        if "Corner pay" in line
    ]
    assert "corner_pay: no installed distribution offers it" in row, (
        "what is to be installed is called as it is in code"
    )
