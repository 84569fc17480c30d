"""`retour demo`: how the goods come back, and what their labels cost."""

from __future__ import annotations

import json
import re
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from retour import Dossier, Money, Outcome, ReturnDesk
from retour.cli import demo_cases, demo_parcels, main
from retour.cli.demo_cases import CASES
from retour.cli.demo_providers import Providers
from retour.cli.orders_file import bundled_orders
from retour_sendcloud.provider import Sendcloud
from retour_sendcloud.sandbox import SendcloudSandbox

Run = Callable[..., Result]


def rows(result: Result, language: str = "en") -> dict[str, list[str]]:
    """The closing table: the cells of each case's row behind its title."""
    table = re.split(r"^(?:All cases|Alle gevallen) ", result.stdout, flags=re.MULTILINE)[1]
    found = {}
    for case in CASES:
        title = re.escape(case.title.render(language))
        [row] = re.findall(rf"^{title}  +(.*)$", table, re.MULTILINE)
        found[case.name] = re.split(r" {2,}", row)
    return found


def block(result: Result, case_name: str) -> str:
    """What the screen shows of one case."""
    number = 1 + [case.name for case in CASES].index(case_name)
    shown = result.stdout.split(f"\n{number}/{len(CASES)}  ")[1].split(f"\n{number + 1}/{len(CASES)}  ")[0]
    return shown.split("\nAll cases ")[0]


def in_this_order(shown: str, *words: str) -> bool:
    places = [shown.find(one) for one in words]
    return -1 not in places and places == sorted(places)


@pytest.fixture(scope="module")
def english(tmp_path_factory: pytest.TempPathFactory) -> Result:
    """One run on the bundled orders, for the tests that only read what it shows."""
    runner = CliRunner(env={"LANG": "C", "COLUMNS": "200"})
    return runner.invoke(main, ["demo", "--db", f"sqlite:///{tmp_path_factory.mktemp('demo')}/demo.db"])


@pytest.fixture
def many(tmp_path: Path) -> Callable[..., str]:
    """A file with copies of a bundled order that Sendcloud delivered, with another ``delivery`` where one is given."""

    def write(copies: int, letter: str = "A", **delivery: str) -> str:
        orders = json.loads(Path(demo_cases.__file__).with_name("orders.json").read_text())
        [order] = [one for one in orders if one["id"] == "1020"]
        named = [f"{letter}{number}" for number in range(copies)]
        path = tmp_path / f"many-{letter}.json"
        path.write_text(
            json.dumps(
                [{**order, "id": one, "delivery": {**order["delivery"], "number": one, **delivery}} for one in named]
            )
        )
        return str(path)

    return write


SENT_WITH_SENDCLOUD = 12
"""The cases that an order of several products fits which Sendcloud delivered and Mollie was paid for."""


# --- each way ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "case, came, dutch, cost",
    [
        ("several_ok", "brought back", "gebracht", "–"),
        ("portal", "Sendcloud's portal", "portaal van Sendcloud", "5.45"),
        ("label", "Sendcloud label", "label van Sendcloud", "5.45"),
        ("qr_code", "Sendcloud QR code", "QR-code van Sendcloud", "5.65"),
        ("self_sent", "customer, with PostNL", "klant, met PostNL", "–"),
        ("missing", "Sendcloud label", "label van Sendcloud", "5.45"),
        ("two_parcels", "Sendcloud label", "label van Sendcloud", "10.90"),
        ("label_cancelled", "brought back", "gebracht", "0.00"),
    ],
)
def test_the_table_says_how_the_goods_came_and_what_the_labels_cost(
    english: Result, dutch_run: Result, case: str, came: str, dutch: str, cost: str
) -> None:
    assert rows(english)[case][6:8] == [came, cost if cost == "–" else f"€{cost}"]
    assert rows(dutch_run, "nl")[case][6:8] == [dutch, cost if cost == "–" else f"€\xa0{cost.replace('.', ',')}"]


@pytest.fixture(scope="module")
def dutch_run(tmp_path_factory: pytest.TempPathFactory) -> Result:
    runner = CliRunner(env={"LANG": "nl_NL.UTF-8", "COLUMNS": "200"})
    return runner.invoke(main, ["demo", "--db", f"sqlite:///{tmp_path_factory.mktemp('demo')}/demo.db"])


def test_a_return_of_the_portal_is_there_by_webhook_with_its_lines_and_reason(english: Result) -> None:
    shown = block(english, "portal")
    assert re.search(r"Sendcloud reports by webhook: return \w{3}-\w{3}-\w{3}, 3 units\.", shown)
    assert in_this_order(
        shown,
        "retour reads at Sendcloud that the label is ready, tracking number 3SSEND",
        "reports by webhook that the parcel is on its way.",
        "reports by webhook that the parcel is delivered at the shop. It waits to be counted.",
        "anna counts parcel 3SSEND",
        "Order history",
        "Return requested: 1 × Tafellamp (Not as expected), 2 × Ledlamp (Not as expected)",
        "The carrier has the parcel",
        "The parcel was delivered at the shop",
        "Returned: 1 × Tafellamp, 2 × Ledlamp. The whole order is back.",
    )


def test_a_label_is_bought_announced_scanned_delivered_and_counted(english: Result) -> None:
    shown = block(english, "label")
    assert in_this_order(
        shown,
        "The customer asks for a label. Sendcloud sells for his parcel:",
        "[PostNL return without a printer, €5.65]",
        "→ PostNL return, drop-off, €5.45",
        "Sendcloud reports by webhook that the label is ready, tracking number 3SSEND",
        "The customer opens the label: PDF, ",
        "the parcel is on its way",
        "the parcel is delivered at the shop",
        "anna counts parcel 3SSEND",
    )
    ordered = "ordered from Sendcloud: PostNL return, drop-off"
    said = (ordered, "announces it to the carrier", "The carrier has the parcel")
    assert in_this_order(shown.split("Order history")[1], *said, "delivered at the shop", "Returned: 1 × Spiegel")


def test_a_code_without_a_printer_is_an_image_to_show(english: Result) -> None:
    shown = block(english, "qr_code")
    assert in_this_order(shown, "→ PostNL return without a printer, €5.65", "The customer opens the code: PNG, ")


def test_a_parcel_that_the_customer_sends_has_its_carrier_page_and_proof(english: Result) -> None:
    shown = block(english, "self_sent")
    assert "He sends it with PostNL, tracking number 3SDEMO0000001, and keeps the proof of that." in shown
    page = "https://jouw.postnl.nl/track-and-trace/3SDEMO0000001-NL-1015CJ"
    assert in_this_order(shown, page, "Order history", "The goods are on their way with PostNL")


def test_one_damaged_and_one_missing_unit_are_told_apart_and_only_what_came_is_refunded(english: Result) -> None:
    shown = block(english, "missing")
    assert "anna saves as Returned: 6 × Beker (1 damaged) (1 missing), 1 × Dienblad" in shown
    assert "Not received: 1 × Beker" in shown
    assert "[Refund €72.25]" in shown  # of 81.20, less a sixth of the 53.70 that the mugs cost
    assert rows(english)["missing"] == [
        *("1019", "6", "5", "0", "€72.25", "API", "Sendcloud label", "€5.45", "ok, 1 damaged, 1 missing"),
    ]


def test_the_rest_comes_in_a_second_parcel_with_its_own_label(english: Result) -> None:
    shown = block(english, "two_parcels")
    assert "The customer asks for a label for a second parcel. Sendcloud sells for it:" in shown
    counted = re.findall(r"anna counts parcel (3SSEND\d+)\.", shown)
    assert len(set(counted)) == 2
    history = shown.split("Order history")[1]
    assert re.findall(r"delivered at the shop: (3SSEND\d+)", history) == counted
    assert history.count("Return requested: ") == 1
    assert "Returned: 2 × Stoelkussen\n" in history
    assert "Returned: 2 × Stoelkussen, 1 × Buitenkleed. The whole order is back." in history


def test_a_label_that_is_cancelled_costs_nothing_and_the_goods_are_brought(english: Result) -> None:
    shown = block(english, "label_cancelled")
    assert "so anna has the label taken back. Sendcloud reports by webhook that it is cancelled." in shown
    assert "on its way." not in shown.split("Order history")[0].split("The refund is not automatic")[0]
    assert in_this_order(shown.split("Order history")[1], "asked to cancel the label", "cancelled", "Returned: 1 × ")
    assert "has no name here" not in english.stdout


def test_the_page_about_the_terminal_has_the_table_as_it_is_shown(run: Run, url: str) -> None:
    page = (Path(__file__).parents[2] / "docs/terminal.md").read_text(encoding="utf-8")
    _, table, *_ = re.findall(r"^```text\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    assert len(table.splitlines()) > len(CASES)
    assert table in run("demo", "--db", url, columns=130).stdout


# --- what they cost ---------------------------------------------------------------------------------------


def test_what_the_rows_say_of_labels_is_what_sendcloud_charged_in_all(english: Result) -> None:
    costs = [row[7] for row in rows(english).values()]
    said = sum(int(cost[1:].replace(".", "")) for cost in costs if cost != "–")
    [(count, charged, twice)] = re.findall(
        r"Sendcloud made (\d+) labels, charged €([\d.]+)\. Bought twice: (\d+)\.", english.stdout
    )
    assert (int(count), said, int(twice)) == (7, int(charged.replace(".", "")), 0)


def a_return_too_many(sandbox: SendcloudSandbox) -> None:
    sandbox.return_in_portal("1017", {"spiegel": 1})


def a_charge_too_many(sandbox: SendcloudSandbox) -> None:
    [label] = sandbox.books("1017")
    cent = Money.of("0.01", "EUR")
    sandbox.returns.charge(sandbox.returns.of(label.reference), cent, sandbox.clock.now())


@pytest.mark.parametrize("spoil, twice", [(a_return_too_many, 1), (a_charge_too_many, 0)])
def test_books_of_sendcloud_that_differ_are_a_problem_of_that_row(
    run: Run, url: str, monkeypatch: pytest.MonkeyPatch, spoil: Callable[[SendcloudSandbox], None], twice: int
) -> None:
    compare = demo_parcels.Customer.in_doubt

    def spoilt(customer: demo_parcels.Customer, dossier: Dossier) -> object:
        if customer.order.id == "1017":
            sandbox = customer.providers.parcels["sendcloud"]
            assert isinstance(sandbox, SendcloudSandbox)
            spoil(sandbox)
        return compare(customer, dossier)

    monkeypatch.setattr(demo_parcels.Customer, "in_doubt", spoilt)
    result = run("demo", "--db", url)
    assert result.exit_code == 2
    assert rows(result)["label"][-1] == "order 1017: Sendcloud's books differ; look at its history"
    assert f"Bought twice: {twice}." in result.stdout
    assert "1 order has a problem" in result.stderr


def test_a_label_that_the_desk_buys_twice_is_seen(run: Run, url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    order_label = ReturnDesk.order_label

    def twice(desk: ReturnDesk, order_id: str, *given: Any, **named: Any) -> Outcome:
        if order_id == "1017":
            order_label(desk, order_id, *given, **{**named, "request_id": "once-more"})
            named["another_parcel"] = True
        return order_label(desk, order_id, *given, **named)

    monkeypatch.setattr(ReturnDesk, "order_label", twice)
    result = run("demo", "--db", url)
    assert result.exit_code == 2
    assert "order 1017: labels were made that this shop did not order" in rows(result)["label"][-1]
    assert "Sendcloud made 8 labels" in result.stdout
    assert "Bought twice: 1." in result.stdout


def test_a_second_run_on_one_database_buys_no_label(run: Run, url: str) -> None:
    first = rows(run("demo", "--db", url))
    result = run("demo", "--db", url)
    second = rows(result)
    assert "Bought twice" not in result.stdout
    assert {name: row[6] for name, row in second.items()} == {name: row[6] for name, row in first.items()}
    assert {row[7] for row in second.values()} == {"–"}


def test_a_demo_that_was_killed_while_a_label_was_bought_goes_on_and_buys_no_second(run: Run, url: str) -> None:
    code = (
        "import os, retour_sendcloud.provider as provider; from retour.cli import main\n"
        "provider.Sendcloud.create_label = lambda *_: os.kill(os.getpid(), 9)\n"
        f"main(['demo', '--db', '{url}'])"
    )
    killed = subprocess.run([sys.executable, "-c", code], capture_output=True, check=False)
    assert killed.returncode == -9
    result = run("demo", "--db", url)
    assert result.exit_code == 0, result.output
    assert rows(result)["label"][6:] == ["brought back", "–", "ok"]
    assert "Sendcloud made 5 labels" in result.stdout


def test_labels_of_another_file_on_the_same_database_have_numbers_of_their_own(
    run: Run, url: str, file: Path, many: Callable[..., str]
) -> None:
    def of_the_first() -> int:
        with closing(sqlite3.connect(file)) as connection:
            found: int = connection.execute("SELECT count(*) FROM retour_event WHERE order_id LIKE 'A%'").fetchone()[0]
        return found

    run("demo", "--db", url, "--orders", many(SENT_WITH_SENDCLOUD, "A"))
    before = of_the_first()
    result = run("demo", "--db", url, "--orders", many(SENT_WITH_SENDCLOUD, "B"))
    assert result.exit_code == 0
    assert of_the_first() == before
    assert result.stdout.count("reports by webhook that the label is ready") == 6


# --- what is not there ------------------------------------------------------------------------------------


def test_without_what_draws_labels_the_demo_says_what_to_install_and_goes_on(
    run: Run, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in [name for name in sys.modules if name.partition(".")[0] == "reportlab"] + ["reportlab"]:
        monkeypatch.setitem(sys.modules, name, None)
    result = run("demo", "--db", url)
    assert result.exit_code == 0
    shown = block(result, "label")
    assert "The label cannot be shown here." in shown
    assert "pip install retour-sendcloud[sandbox]" in shown
    assert rows(result)["label"][6:] == ["Sendcloud label", "€5.45", "ok"]


def test_a_sandbox_of_sendcloud_that_cannot_be_imported_is_said_and_customers_send_it_themselves(
    run: Run, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Sendcloud, "sandbox", "retour_sendcloud.not_there:Sandbox")
    result = run("demo", "--db", url)
    assert result.exit_code == 0
    assert "Sendcloud's sandbox cannot be imported" in result.stderr
    found = rows(result)
    assert found["portal"][6:] == ["customer, with PostNL", "–", "ok, no portal for this order"]
    assert found["label"][6:] == ["customer, with PostNL", "–", "ok, no label for this order"]


def test_what_was_told_of_parcels_to_customers_is_not_told_once_more() -> None:
    """With 100,000 orders that would be as many webhooks before the first label is shown."""
    delivered = [one for one in bundled_orders().orders if one.delivery is not None and one.delivery.provider]
    assert delivered
    with Providers(kinds={"sendcloud": SendcloudSandbox}) as providers:
        providers.ship(delivered)
        assert providers.parcels["sendcloud"].take_webhooks() == []
        assert all(providers.portals["sendcloud"].return_in_portal(one.id, {}) for one in delivered), "they are there"


@pytest.mark.parametrize(
    "delivery, said",
    [
        ({"country": "US"}, ""),  # customs ask for what an orders file does not know
        ({"postal_code": "9000"}, "Sendcloud makes no label for this parcel: "),
    ],
)
def test_where_no_label_can_be_made_the_customer_sends_it_himself(
    run: Run, url: str, many: Callable[..., str], delivery: dict[str, str], said: str
) -> None:
    result = run("demo", "--db", url, "--orders", many(SENT_WITH_SENDCLOUD, **delivery))
    assert result.exit_code == 0, result.output
    assert said in block(result, "label")
    found = rows(result)
    for case in ("label", "qr_code", "missing", "two_parcels", "label_cancelled"):
        assert found[case][6:8] == ["customer, with PostNL", "–"], case
        assert found[case][-1].endswith("no label for this order"), case
    assert "Sendcloud made 1 label, charged €5.45. Bought twice: 0." in result.stdout  # that of the portal


# --- many, and narrow -------------------------------------------------------------------------------------


def test_the_labels_of_many_orders_are_summed(run: Run, url: str, many: Callable[..., str]) -> None:
    result = run("demo", "--db", url, "--orders", many(2 * SENT_WITH_SENDCLOUD))
    assert result.exit_code == 0
    found = rows(result)
    assert found["label"] == ["2 orders", "10", "10", "0", "€339.50", "by hand", "Sendcloud label", "€10.90", "ok"]
    assert (found["two_parcels"][7], found["qr_code"][7]) == ("€21.80", "€11.30")
    assert "Sendcloud made 14 labels, charged €65.80. Bought twice: 0." in result.stdout


@pytest.mark.parametrize("columns", [80, 110])
def test_a_row_that_does_not_fit_is_two_lines_in_columns_of_their_own(run: Run, url: str, columns: int) -> None:
    shown = run("demo", "--db", url, columns=columns).stdout
    if columns == 80:
        assert "\n    came by                 label  status\n" in shown
        assert "\n    Sendcloud's portal      €5.45  ok\n" in shown
        assert "\n    Sendcloud label        €10.90  ok\n" in shown
    else:
        assert "\nlabel by return portal    1013      3      3     0   €83.85  API       Sendcloud's portal" in shown
