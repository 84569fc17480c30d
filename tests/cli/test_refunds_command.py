"""`retour refunds`: which refunds wait, for whom, and why."""

from __future__ import annotations

import datetime
import importlib.util
import inspect
import json
import logging
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from click.testing import CliRunner, Result

from retour import Actor, MemoryShop, Money, ReturnDesk
from retour.cli import main
from retour.cli.refunds_command import command
from retour.providers import ErrorCode, ProviderError, RefundStatus
from retour.testing import a_line, a_payment, an_order

Run = Callable[..., Result]

ANNA = Actor.staff("anna")
ORDERS = [f"order-{number}" for number in range(4)]


def ledger_provider() -> ModuleType:
    """The provider in memory of the tests of refunds."""
    source = Path(__file__).parent.parent / "refunds/ledger_provider.py"
    spec = importlib.util.spec_from_file_location("ledger_provider_of_the_cli", source)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


class Host:
    """A host's module with a desk, whose orders were paid with a provider in memory."""

    def __init__(self, store: str) -> None:
        provider = ledger_provider()
        self.ledger = provider.Ledger(
            clock=lambda: datetime.datetime.now(datetime.UTC),
            paid={f"p_{one}": Money.of("100", "EUR") for one in ORDERS},
        )
        self.shop = MemoryShop(
            [
                an_order(
                    a_line("cup", 4, "100.00"),
                    payments=[a_payment("100.00", provider="ledger", reference=f"p_{one}")],
                    order_id=one,
                )
                for one in ORDERS
            ]
        )
        self.desk = ReturnDesk(
            shop=self.shop, store=store, plugins=[provider.plugin(provider.make_provider(self.ledger))]
        )

    def refund(self, order: str, amount: str, *errors: ProviderError) -> str:
        """Refund by API; the provider answers with ``errors`` first."""
        self.ledger.before = list(errors)
        outcome = self.desk.refund(
            order, f"p_{order}", Money.of(amount, "EUR"), by=ANNA, request_id=f"form-{order}-{amount}"
        )
        return str(outcome.refund_id)

    def open_link(self, order: str, amount: str) -> str:
        """Go and refund by hand."""
        outcome = self.desk.open_refund_link(
            order, f"p_{order}", Money.of(amount, "EUR"), by=ANNA, request_id=f"form-{order}-{amount}"
        )
        return str(outcome.refund_id)


WRONG_KEY = ProviderError(ErrorCode.AUTHENTICATION, "the key [/bold] is wrong")
LATER = ProviderError(ErrorCode.RATE_LIMITED, "later")


@pytest.fixture
def host(sqlite_url: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> Iterator[Host]:
    caplog.set_level(logging.CRITICAL, "retour")
    made = Host(sqlite_url)
    module: Any = ModuleType("host_with_refunds")
    module.desk = made.desk
    monkeypatch.setitem(sys.modules, "host_with_refunds", module)
    yield made
    made.desk.close()


def refunds(run: Run, *options: str, **more: Any) -> Result:
    result = run("refunds", "--desk", "host_with_refunds:desk", *options, **more)
    assert result.exit_code == 0, result.output
    return result


def test_what_needs_a_person_is_listed_with_the_reason(run: Run, host: Host) -> None:
    person = host.refund("order-0", "10.00", WRONG_KEY)
    provider = host.refund("order-1", "11.00", LATER)
    merchant = host.open_link("order-2", "12.00")
    done = host.refund("order-3", "13.00")
    shown = refunds(run).stdout
    (row,) = [line for line in shown.splitlines() if person in line]
    for cell in ("order-0", "€10.00", "p_order-0 (Ledger Pay)", "waiting for you", "the key [/bold] is wrong"):
        assert cell in row
    assert str(datetime.datetime.now().astimezone().year) in row
    assert "1 refund waits." in shown
    for other in (provider, merchant, done):
        assert other not in shown


def test_the_others_are_listed_when_they_are_asked_for(run: Run, host: Host) -> None:
    waiting = {
        "person": host.refund("order-0", "10.00", WRONG_KEY),
        "provider": host.refund("order-1", "11.00", LATER),
        "merchant": host.open_link("order-2", "12.00"),
    }
    done = host.refund("order-3", "13.00")
    for whom, refund in waiting.items():
        shown = refunds(run, "--waits-for", whom).stdout
        assert refund in shown
        assert "1 refund waits." in shown
    everything = refunds(run, "--waits-for", "all").stdout
    assert "3 refunds wait." in everything
    assert done not in everything
    places = [everything.index(waiting[whom]) for whom in ("person", "merchant", "provider")]
    assert places == sorted(places)
    assert "waits for" in everything
    assert "the merchant" in everything


def test_a_transfer_that_the_customer_has_not_agreed_to_is_listed_with_that(run: Run, host: Host) -> None:
    host.refund("order-0", "10.00", ProviderError(ErrorCode.NOT_REFUNDABLE, "a gift card"))
    waits = host.open_link("order-0", "12.00")
    (row,) = [line for line in refunds(run, "--waits-for", "transfer").stdout.splitlines() if waits in line]
    assert "the customer has not agreed to a bank transfer yet" in row


def test_what_failed_or_came_back_is_listed_when_it_is_asked_for(run: Run, host: Host) -> None:
    assert "No refund failed or came back." in refunds(run, "--failed").stdout
    failed = host.refund("order-0", "10.00", ProviderError(ErrorCode.NOT_REFUNDABLE, "the account was closed"))
    arrived = host.refund("order-1", "11.00")
    reversed_ = host.refund("order-2", "12.00")
    host.ledger.turn("re_2", RefundStatus.FAILED)
    host.desk.reconcile("order-2")
    shown = refunds(run, "--failed").stdout
    assert "2 refunds did not arrive." in shown
    assert "the account was closed" in next(line for line in shown.splitlines() if failed in line)
    assert "reversed" in next(line for line in shown.splitlines() if reversed_ in line)
    assert arrived not in shown


def test_an_order_that_cannot_be_read_is_told_in_its_row_and_stops_no_other(run: Run, host: Host) -> None:
    ids = [host.refund(order, "10.00", WRONG_KEY) for order in ("order-0", "order-1")]
    with host.desk._services.store.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE retour_event SET version = 99 WHERE order_id = 'order-0'")
    shown = refunds(run).stdout
    rows = [next(line for line in shown.splitlines() if one in line) for one in ids]
    assert all("the key [/bold] is wrong" in row for row in rows)  # as it was told last
    with host.desk._services.store.engine.begin() as connection:  # as an older retour left it
        connection.exec_driver_sql("UPDATE retour_refund SET details = ''")
    shown = refunds(run).stdout
    rows = [next(line for line in shown.splitlines() if one in line) for one in ids]
    assert "The order's history cannot be read. Run `retour doctor`" in rows[0]
    assert "the key [/bold] is wrong" in rows[1]


def test_one_that_somebody_looks_for_is_shown_alone(run: Run, host: Host) -> None:
    ids = [host.refund(order, "10.00", WRONG_KEY) for order in ("order-0", "order-1")]
    shown = refunds(run, "--search", ids[1]).stdout
    assert (ids[0] in shown, ids[1] in shown) == (False, True)


def test_every_page_of_the_list_is_shown(run: Run, host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    ids = [host.refund(order, "10.00", WRONG_KEY) for order in ORDERS]
    whole = host.desk.list_refunds
    monkeypatch.setattr(host.desk, "list_refunds", lambda **asked: whole(**{**asked, "limit": 3}))
    shown = refunds(run).stdout
    assert all(one in shown for one in ids)
    assert "4 refunds wait." in shown


@pytest.mark.parametrize(
    "whom, said",
    [
        ("person", "No refund needs a person."),
        ("merchant", "No refund waits for the merchant."),
        ("provider", "No refund waits for its provider."),
        ("all", "No refund waits for anything."),
    ],
)
def test_an_empty_list_says_so(run: Run, host: Host, whom: str, said: str) -> None:
    host.refund("order-0", "10.00")
    assert refunds(run, "--waits-for", whom).stdout.strip() == said


def test_of_an_order_that_the_shop_no_longer_has_it_says_why_too(run: Run, host: Host) -> None:
    gone, there = host.refund("order-0", "10.00", WRONG_KEY), host.refund("order-1", "10.00", WRONG_KEY)
    del host.shop.orders["order-0"]
    shown = refunds(run).stdout
    (row,) = [line for line in shown.splitlines() if gone in line]
    assert "the provider does not accept the key" in row
    assert there in shown


def test_a_narrow_terminal_breaks_no_id(run: Run, host: Host) -> None:
    refund = host.refund("order-0", "10.00", WRONG_KEY)
    shown = refunds(run, columns=80).stdout
    assert refund in shown
    assert max(len(line) for line in shown.splitlines()) <= 80


def test_in_a_file_a_refund_is_one_line(run: Run, host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    refund = host.refund("order-0", "10.00", ProviderError(ErrorCode.AUTHENTICATION, "wrong " * 50))
    monkeypatch.delenv("COLUMNS", raising=False)
    shown = CliRunner(env={"LANG": "C"}).invoke(main, ["refunds", "--desk", "host_with_refunds:desk"]).stdout
    (row,) = [line for line in shown.splitlines() if refund in line]
    assert row.count("wrong") == 50


def test_in_dutch_it_is_dutch(run: Run, host: Host) -> None:
    host.refund("order-0", "10.00", WRONG_KEY)
    shown = refunds(run, "--lang", "nl").stdout
    assert "1 terugbetaling wacht." in shown
    assert "10,00" in shown
    assert "wacht op jou" in shown
    assert "1 terugbetaling wacht." in refunds(run, lang="nl_NL.UTF-8").stdout


def test_the_desk_has_to_be_named(run: Run) -> None:
    result = run("refunds")
    assert result.exit_code == 2
    assert "--desk" in result.stderr


def test_the_filters_are_those_that_a_list_of_the_desk_has() -> None:
    paging = {"self", "limit", "after", "before"}
    taken = set(inspect.signature(ReturnDesk.list_refunds).parameters) - paging - {"refund_id"}  # --search finds it
    assert {one.name for one in command.params} - {"where", "as_json", "lang", "failed"} == taken


@pytest.mark.parametrize(
    "options, orders",
    [
        ((), ["order-0"]),
        (("--waits-for", "person", "--waits-for", "merchant"), ["order-0", "order-2"]),
        (("--state", "succeeded"), ["order-3"]),
        (("--state", "succeeded", "--state", "awaiting_merchant", "--oldest-first"), ["order-2", "order-3"]),
        (("--order", "order-3"), ["order-3"]),
        (("--from", "2020-01-01"), ["order-3", "order-2", "order-0"]),
        (("--before", "2020-01-01"), []),
        (("--batch", "november"), []),
        (("--waits-for", "merchant", "--order", "order-3"), []),
    ],
)
def test_every_filter_of_the_desk_is_one_here(
    run: Run, host: Host, options: Sequence[str], orders: Sequence[str]
) -> None:
    host.refund("order-0", "10.00", WRONG_KEY)
    host.open_link("order-2", "12.00")
    host.refund("order-3", "13.00")
    assert [one["order_id"] for one in json.loads(refunds(run, *options, "--json").stdout)] == orders
    shown = refunds(run, *options).stdout
    assert [line.split()[0] for line in shown.splitlines() if line.startswith("order-")] == orders


def test_what_was_named_counts_and_not_what_it_waits_for(run: Run, host: Host) -> None:
    host.refund("order-3", "13.00")
    assert refunds(run, "--order", "order-3").stdout.splitlines()[-1] == "1 refund."
    assert refunds(run, "--order", "order-1", "--lang", "nl").stdout == "Zo'n terugbetaling is er niet.\n"
    two = ("--waits-for", "person", "--waits-for", "bank")
    assert refunds(run, *two).stdout == "No refund waits for any of these.\n"
