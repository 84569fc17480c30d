"""`retour demo`: the flow of the reference article, case by case."""

from __future__ import annotations

import datetime
import json
import os
import re
import signal
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import attrs
import pytest
from click.testing import CliRunner, Result

from retour import Dossier, Money, Outcome, ReturnDesk, StockMovement
from retour.cli import demo_cases, demo_command, demo_refunds, main
from retour.cli.demo_cases import CASES, DemoCase, deal
from retour.cli.orders_file import bundled_orders
from retour.plugins import registry
from retour.store import connect as connecting
from retour_stripe import Stripe

Run = Callable[..., Result]


def rows(result: Result, language: str) -> dict[str, str]:
    """The closing table: each case's title, and what its row says."""
    lines = result.stdout.splitlines()
    table = lines[next(n for n, line in enumerate(lines) if line.startswith(("All cases", "Alle gevallen"))) :]
    found = {}
    for case in CASES:
        title = case.title.render(language)
        found[case.name] = next(line[len(title) :].strip() for line in table if re.match(re.escape(title) + " +", line))
    return found


def block(result: Result, case_name: str) -> str:
    """What the screen shows of one case."""
    number = 1 + [case.name for case in CASES].index(case_name)
    return result.stdout.split(f"\n{number}/{len(CASES)}  ")[1].split(f"\n{number + 1}/{len(CASES)}  ")[0]


@pytest.fixture(scope="module")
def english(tmp_path_factory: pytest.TempPathFactory) -> Result:
    """One run on the bundled orders, for the tests that only read what it shows."""
    runner = CliRunner(env={"LANG": "C", "COLUMNS": "200"})
    return runner.invoke(main, ["demo", "--db", f"sqlite:///{tmp_path_factory.mktemp('demo')}/demo.db"])


@pytest.mark.parametrize("language", ["nl", "en"])
def test_every_case_ends_in_the_closing_table_with_ok(run: Run, url: str, language: str) -> None:
    result = run("demo", "--db", url, "--lang", language)
    assert result.exit_code == 0, result.output
    assert {name: " ok" in row for name, row in rows(result, language).items()} == {case.name: True for case in CASES}


def test_at_the_end_it_says_where_somebody_does_the_same_himself(english: Result) -> None:
    assert (
        "Refund, dispute and send parcels yourself, in the providers' dashboards:\n  retour sandbox --open\n"
        in english.stdout
    )


def test_each_case_has_its_own_order_among_the_bundled_ones(english: Result) -> None:
    found = rows(english, "en")
    assert sorted(row.split()[0] for row in found.values()) == [str(number) for number in range(1001, 1022)]
    assert (found["sent_back"].split()[0], found["charged_back"].split()[0]) == ("1015", "1016")


def test_a_card_that_was_closed_is_paid_by_transfer_once_the_customer_agreed(english: Result) -> None:
    shown = block(english, "sent_back")
    for words in ("reports: reversed", "agrees to €29.85 on the account of Klant Voorbeeld, NL…4300", "by phone"):
        assert words in shown
    assert "NL91" not in shown


def test_what_the_bank_took_back_is_not_suggested_again(english: Result) -> None:
    shown = block(english, "charged_back")
    assert "the customer's bank took back €29.90. Suggestion for the goods: €0.00." in shown
    assert "There is nothing to refund." in shown


def test_the_units_of_every_row_add_up(english: Result) -> None:
    for name, row in rows(english, "en").items():
        _, back, stock, hand = row.split()[:4]
        rest = sum(int(number) for number in re.findall(r"(\d+) (?:damaged|without stock)", row))
        assert int(back) == int(stock) + int(hand) + rest, name


@pytest.mark.parametrize("lang, words", [("nl_NL.UTF-8", "Alle gevallen"), ("C", "All cases"), ("", "All cases")])
def test_the_language_follows_the_environment(run: Run, url: str, lang: str, words: str) -> None:
    assert words in run("demo", "--db", url, lang=lang).stdout


def test_one_product_is_restocked_without_a_question(english: Result) -> None:
    shown = block(english, "one_product")
    assert "3 units are back in stock at once" in shown
    assert "Add them all back to stock?" not in shown


def test_several_products_are_asked_as_the_merchant_sees_it(english: Result) -> None:
    shown = block(english, "several_ok")
    assert "The stock of 3 units is not updated yet. Add them all back to stock?" in shown
    assert "[OK – restock everything]  [Cancel – I will restock myself]  [Choose per product]" in shown
    assert "→ OK – restock everything" in shown
    assert "Stock booked: +1 × Theepot, +2 × Kop" in shown


def test_cancel_leaves_everything_to_book_by_hand(english: Result) -> None:
    shown = block(english, "several_cancel")
    assert "→ Cancel – I will restock myself" in shown
    assert "To book by hand: 1 × Vaas groen, 4 × Kaars" in shown
    assert rows(english, "en")["several_cancel"].split()[1:4] == ["5", "0", "5"]


def test_a_damaged_unit_is_not_restocked(english: Result) -> None:
    assert "4 × Bord (1 damaged)" in block(english, "per_line")
    assert rows(english, "en")["per_line"].split()[1:4] == ["5", "3", "1"]


def test_two_parts_are_refunded_apart_and_sum_to_the_goods(english: Result) -> None:
    shown = block(english, "part")
    parts = re.findall(r"Refund of €([\d.]+): refunded,\s+reference\s+re_\d+", shown)
    assert len(parts) == 2
    assert sum(int(part.replace(".", "")) for part in parts) == 6750
    assert "€67.50" in rows(english, "en")["part"]


@pytest.mark.parametrize(
    "case, address",
    [
        ("mollie", "https://my.mollie.com/dashboard/payments/tr_WDqYK6vllg"),
        ("stripe", "https://dashboard.stripe.com/test/payments/pi_3MtwBwLkdIwHu7ix28a3tqPa"),
        ("paypal", "https://www.sandbox.paypal.com/activity/payment/2GG279541U471931P"),
    ],
)
def test_a_payment_by_a_provider_has_its_page_in_the_history(english: Result, case: str, address: str) -> None:
    assert address in block(english, case)


def test_a_refund_is_pressed_and_the_provider_says_when_it_arrived(english: Result) -> None:
    shown = block(english, "one_product")
    assert "[Refund €38.85]" in shown
    assert "anna presses it. Mollie answers: being processed." in shown
    assert "After some days (here at once) Mollie reports by webhook: refunded." in shown
    history = shown.split("Order history")[1]
    said = [history.index(words) for words in ("€38.85 started", "€38.85: being processed", "€38.85: refunded")]
    assert said == sorted(said)
    assert rows(english, "en")["one_product"].split()[4:] == ["€38.85", "API", "brought", "back", "–", "ok"]


def test_a_refund_in_the_dashboard_is_found_and_nobody_confirms_it(english: Result) -> None:
    shown = block(english, "mollie")
    assert "[Refund at Mollie]  https://my.mollie.com/dashboard/payments/tr_WDqYK6vllg" in shown
    assert "retour looks at Mollie and finds it: being processed." in shown
    assert re.search(r"anna +€105.85 is being refunded by hand", shown)
    assert re.search(r"Mollie +Refund of €105.85: refunded,\s+reference\s+re_\d+", shown)
    assert " link " in rows(english, "en")["mollie"]


def test_a_lost_answer_is_unknown_until_the_provider_says_more(english: Result) -> None:
    shown = block(english, "stripe")
    assert "Stripe's answer is lost: unknown." in shown
    assert "Stripe reports by webhook: refunded." in shown
    assert rows(english, "en")["stripe"].split()[4:] == ["€35.90", "API", "brought", "back", "–", "ok"]


def test_what_went_back_is_what_the_providers_have_in_their_books(
    run: Run, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The table would say so if they differed: here Stripe's has one refund too many."""
    close = demo_refunds.Merchant.in_doubt

    def one_too_many(merchant: demo_refunds.Merchant, dossier: Dossier) -> object:
        if merchant.order.id == "1007":
            [payment] = merchant.order.payments
            at = merchant.providers.at(payment)
            assert at is not None
            at.refund_in_dashboard(payment.reference, Money.of("0.01", "EUR"))
        return close(merchant, dossier)

    monkeypatch.setattr(demo_refunds.Merchant, "in_doubt", one_too_many)
    result = run("demo", "--db", url)
    assert result.exit_code == 2
    assert "order 1007: Stripe's books differ" in result.stdout
    assert "1 order has a problem" in result.stderr


def test_the_books_are_read_again_where_no_webhook_told_what_became_of_the_money(
    run: Run, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By a link nobody told of it; of a second refund soon after the first the question waits; and after a charge-back
    and a refund that came back it is looked at what is left."""
    asked: list[str] = []
    reconcile = ReturnDesk.reconcile

    def noted(desk: ReturnDesk, order_id: str) -> Outcome:
        asked.append(order_id)
        return reconcile(desk, order_id)

    monkeypatch.setattr(ReturnDesk, "reconcile", noted)
    result = run("demo", "--db", url)
    assert result.exit_code == 0, result.stderr
    dealt, _ = deal(bundled_orders().orders)
    looked_at = ("part", "mollie", "sent_back", "charged_back", "two_parcels")
    assert sorted(asked) == sorted(dealt[case][0].id for case in looked_at)


@pytest.mark.parametrize("case", ["bank_transfer_in_advance", "invoice", "pay_on_delivery"])
def test_a_payment_outside_a_provider_is_a_transfer_with_a_code_to_scan(english: Result, case: str) -> None:
    shown = block(english, case)
    assert re.search(r"IBAN +[A-Z]{2}\d\d( \w{4})+", shown)
    assert re.search(r"description +Retour 10\d\d", shown)
    assert shown.count("█" * 20) >= 4
    assert " transfer " in rows(english, "en")[case]


def test_paid_on_pick_up_without_an_account_says_what_to_ask_the_customer(english: Result) -> None:
    assert "Ask the customer for the IBAN" in block(english, "pay_on_pickup")


def test_the_customer_sees_the_portal_and_can_send_it_himself(english: Result) -> None:
    shown = block(english, "portal")
    assert "[Get a return label]  https://sandbox.shipping-portal.com/rp/initiate/" in shown
    assert "[Send it yourself]" in shown
    assert "→ Get a return label" in shown
    assert "→ Send it yourself" in block(english, "self_sent")


def test_the_history_shows_the_refund_that_a_person_confirmed(english: Result) -> None:
    shown = block(english, "invoice")
    history = shown.split("Order history")[1]
    assert re.search(r"anna +€91.75 refunded, reference T\d+", history)
    assert history.index("Order placed") < history.index("paid") < history.index("Returned: ")


def test_the_bundled_orders_were_placed_last_week_whatever_the_day() -> None:
    orders = demo_command._as_of_last_week(demo_command.bundled_orders()).orders
    ages = {(datetime.datetime.now(demo_command.ZONE).date() - order.placed_at.date()).days for order in orders}
    assert min(ages) == 7
    assert max(ages) <= 14


def test_without_db_each_run_makes_a_new_file_and_names_it(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    for runs in (1, 2):
        result = run("demo")
        assert result.exit_code == 0
        made = sorted(tmp_path.glob("retour-demo-*.db"))
        assert len(made) == runs
        assert any(f"Database: sqlite:///{one}" in result.stdout for one in made)


def test_a_second_run_on_one_database_books_nothing_twice(run: Run, url: str, events: Callable[[], int]) -> None:
    first = rows(run("demo", "--db", url), "en")
    before = events()
    result = run("demo", "--db", url)
    assert result.exit_code == 0
    assert result.stdout.count("Already returned, nothing booked twice.") == len(CASES)
    assert f"{len(CASES)} orders were already returned: nothing booked twice." in result.stdout
    second = rows(result, "en")
    assert all("already returned" in row for row in second.values())
    assert [row.split()[1:4] for row in second.values()] == [row.split()[1:4] for row in first.values()]
    assert events() == before


@pytest.mark.parametrize("language", ["nl", "en"])
def test_a_narrow_terminal_gets_no_line_that_is_too_long_but_addresses(run: Run, url: str, language: str) -> None:
    shown = run("demo", "--db", url, "--lang", language, columns=80).stdout
    assert [line for line in shown.splitlines() if len(line) > 80 and "://" not in line] == []


def test_a_missing_plugin_is_said_and_the_rest_goes_on(run: Run, url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    without = {
        name: found for name, found in registry.installed_plugins().items() if name not in ("mollie", "sendcloud")
    }
    monkeypatch.setattr(registry, "installed_plugins", lambda: without)
    result = run("demo", "--db", url)
    assert result.exit_code == 0
    assert "Without plugin mollie: no installed distribution offers it" in result.stdout
    assert "Refund at Mollie yourself" in block(result, "mollie")
    found = rows(result, "en")
    assert " by hand " in found["mollie"]
    assert "no portal for this order" in found["portal"]
    for case in ("label", "qr_code", "missing", "two_parcels", "label_cancelled"):
        assert "customer, with PostNL" in found[case], case
        assert found[case].endswith("no label for this order"), case
    assert "Bought twice" not in result.stdout
    assert " API " in found["stripe"]


def test_many_orders_are_summed_behind_a_progress_bar(run: Run, url: str, tmp_path: Path) -> None:
    [order] = [one for one in bundled() if one["id"] == "1002"]
    path = tmp_path / "many.json"
    path.write_text(json.dumps([{**order, "id": f"A{number}"} for number in range(40)]))
    result = run("demo", "--db", url, "--orders", str(path))
    assert result.exit_code == 0
    assert "… and 34 more orders" in result.stdout
    assert result.stdout.count("Order history") == 6
    found = rows(result, "en")
    assert found["stripe"] == "no order in this file fits"
    counts = [int(row.split()[0]) for row in found.values() if "fits" not in row]
    assert sum(counts) == 40
    assert max(counts) - min(counts) <= 1
    assert sum(int(row.split()[2]) for row in found.values() if "fits" not in row) == 120


def test_an_order_of_which_nothing_can_come_back_is_named(run: Run, url: str, tmp_path: Path) -> None:
    [order] = [one for one in bundled() if one["id"] == "1001"]
    unsent = {**order, "id": "A2", "lines": [{**order["lines"][0], "fulfilled": 0}]}
    path = tmp_path / "orders.json"
    path.write_text(json.dumps([order, unsent]))
    result = run("demo", "--db", url, "--orders", str(path))
    assert result.exit_code == 0
    assert "so nothing of it can come back: A2" in result.stdout


def test_a_payment_of_a_second_account_is_refunded_there(run: Run, url: str, tmp_path: Path) -> None:
    [order] = [one for one in bundled() if one["id"] == "1006"]
    path = tmp_path / "orders.json"
    path.write_text(json.dumps([{**order, "payments": [{**order["payments"][0], "account": "belgium"}]}]))
    result = run("demo", "--db", url, "--orders", str(path))
    assert result.exit_code == 0
    assert "After some days (here at once) Mollie reports by webhook: refunded." in result.stdout


@pytest.mark.parametrize(
    "payment", [{"mode": "live"}, {"reference": "no-id-of-mollies"}], ids=["in live mode", "under another reference"]
)
def test_a_payment_that_no_sandbox_knows_is_confirmed_by_hand(
    run: Run, url: str, tmp_path: Path, payment: dict[str, str]
) -> None:
    [order] = [one for one in bundled() if one["id"] == "1006"]
    path = tmp_path / "orders.json"
    path.write_text(json.dumps([{**order, "payments": [{**order["payments"][0], **payment}]}]))
    result = run("demo", "--db", url, "--orders", str(path))
    assert result.exit_code == 0
    assert "anna did it and confirms it, reference DEMO-1." in result.stdout


def test_a_sandbox_that_cannot_be_imported_is_said_and_the_rest_goes_on(
    run: Run, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Stripe, "sandbox", "retour_stripe.not_there:Sandbox")
    result = run("demo", "--db", url)
    assert result.exit_code == 0
    assert "Stripe's sandbox cannot be imported" in result.stderr
    found = rows(result, "en")
    assert " by hand " in found["stripe"]
    assert " API " in found["paypal"]


def test_a_demo_that_was_killed_half_way_goes_on_and_refunds_nothing_twice(run: Run, url: str, file: Path) -> None:
    """Killed while the first refund is being sent: the next run's sandboxes have never heard of it."""
    code = (
        "import os, retour_mollie.provider as provider; from retour.cli import main\n"
        "provider.Mollie.refund = lambda *_: os.kill(os.getpid(), 9)\n"
        f"main(['demo', '--db', '{url}'])"
    )
    killed = subprocess.run([sys.executable, "-c", code], capture_output=True, check=False)
    assert killed.returncode == -9
    result = run("demo", "--db", url)
    found = rows(result, "en")
    assert "refund started" in found["one_product"]
    assert "–" in found["one_product"]  # retour's own worker goes on with it, when the lease is over
    assert "refunded" in block(result, "several_ok")


def bundled() -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(Path(demo_cases.__file__).with_name("orders.json").read_text())
    return found


def test_the_page_about_the_terminal_shows_what_the_command_shows(run: Run, url: str) -> None:
    page = (Path(__file__).parents[2] / "docs/terminal.md").read_text(encoding="utf-8")
    example, *_ = re.findall(r"^```text\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    shown = run("demo", "--db", url, columns=80).stdout
    assert without_times(example).rstrip() in without_times(shown)


def without_times(words: str) -> str:
    return re.sub(r"[ \d]\d [A-Z][a-z]{2} \d\d:\d\d", "day time", words)


# --- what can go wrong ----------------------------------------------------------------------------------


def test_a_locked_database_is_said_and_nothing_is_changed(
    run: Run, url: str, file: Path, events: Callable[[], int], monkeypatch: pytest.MonkeyPatch
) -> None:
    run("db", "upgrade", "--db", url)
    monkeypatch.setattr(connecting, "SECONDS_TO_WAIT", 0.1)
    other = sqlite3.connect(file, isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    result = run("demo", "--db", url, "--lang", "nl")
    other.execute("ROLLBACK")
    other.close()
    assert result.exit_code == 2
    assert "bezet door een ander proces" in result.stderr
    assert events() == 0


@pytest.mark.parametrize(
    "spoil, address, said",
    [
        (lambda file: file.write_bytes(b"no database at all " * 300), "sqlite:///{file}", "not an SQLite database"),
        (lambda file: newer(file), "sqlite:///{file}", "made by a newer retour"),
        (lambda file: empty(file), "sqlite:///file:{file}?mode=ro&uri=true", "read-only"),
        (lambda file: None, "sqlite:///{file}/is/no/folder.db", "cannot be opened"),
        (lambda file: None, "mysql://{file}", "not in mysql"),
        (lambda file: None, "somewhere", "not the address of a database"),
    ],
)
def test_a_database_that_cannot_be_used_is_said(
    run: Run, file: Path, spoil: Callable[[Path], object], address: str, said: str
) -> None:
    spoil(file)
    result = run("demo", "--db", address.format(file=file))
    assert result.exit_code == 2
    assert said in result.stderr
    assert "Traceback" not in result.output


def newer(file: Path) -> None:
    empty(file)
    connection = sqlite3.connect(file)
    connection.execute("INSERT INTO retour_migration VALUES (99, 'from the future', 0)")
    connection.commit()
    connection.close()


def empty(file: Path) -> None:
    engine = connecting.connect(f"sqlite:///{file}")
    demo_command.ReturnDesk(shop=demo_command.MemoryShop(), store=engine, migrate=True)
    engine.dispose()


def test_a_shop_that_cannot_book_is_a_problem_in_its_row_and_not_ok(
    run: Run, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_: object, movements: Sequence[StockMovement]) -> None:
        if movements[0].order_id == "1006":
            raise ConnectionError("the stock is away")

    monkeypatch.setattr(demo_command.MemoryShop, "book_stock", refuse)
    result = run("demo", "--db", url)
    assert result.exit_code == 2
    assert "1 order has a problem" in result.stderr
    found = rows(result, "en")
    assert found["mollie"].endswith("order 1006: not restocked yet")
    assert " ok" in found["stripe"]


def test_another_order_under_the_same_number_does_not_add_up(run: Run, url: str, tmp_path: Path) -> None:
    [order] = [one for one in bundled() if one["id"] == "1001"]
    run("demo", "--db", url)
    path = tmp_path / "orders.json"
    path.write_text(json.dumps([{**order, "lines": [{**order["lines"][0], "id": "another"}]}]))
    result = run("demo", "--db", url, "--orders", str(path))
    assert result.exit_code == 2
    assert "order 1001: the units do not add up; look at its history" in result.stdout


def test_what_nobody_expected_is_one_sentence_and_exit_code_1(
    run: Run, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def break_down(_: object) -> None:
        raise ZeroDivisionError("by nobody")

    monkeypatch.setattr(demo_command, "deal", break_down)
    result = run("demo", "--db", url)
    assert result.exit_code == 1
    assert "did not expect: ZeroDivisionError: by nobody" in result.stderr
    assert "Traceback" not in result.output
    assert isinstance(run("--debug", "demo", "--db", url).exception, ZeroDivisionError)


def test_an_unknown_language_is_bad_input(run: Run) -> None:
    assert run("demo", "--lang", "fr").exit_code == 2


def test_help_imports_neither_the_desk_nor_the_database_nor_the_screen() -> None:
    code = (
        "import sys; from retour.cli import main; main(['--help'], standalone_mode=False);"
        "assert not {'sqlalchemy', 'rich', 'retour.desk', 'babel', 'cattrs'} & sys.modules.keys()"
    )
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert shown.returncode == 0, shown.stderr
    assert all(name in shown.stdout for name in ("demo", "plugins", "db"))


def test_the_installed_command_runs_the_demo(tmp_path: Path) -> None:
    command = Path(sys.executable).with_name("retour")
    shown = subprocess.run(
        [command, "demo", "--db", f"sqlite:///{tmp_path}/demo.db", "--lang", "nl"],
        capture_output=True,
        encoding="utf-8",
        env={"PATH": "", "LANG": "C.UTF-8"},
        check=False,
    )
    assert shown.returncode == 0, shown.stderr
    assert "Alle gevallen" in shown.stdout
    assert shown.stderr == ""


@pytest.fixture
def ctrl_c_is_heard() -> Iterator[None]:
    """Also by processes of tests that run in the background, where a shell has it ignored."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("ctrl_c_is_heard")
def test_ctrl_c_says_how_to_go_on_with_an_exit_code_of_its_own(tmp_path: Path) -> None:
    [order] = [one for one in bundled() if one["id"] == "1002"]
    path = tmp_path / "more_than_it_has_done_by_then.json"
    path.write_text(json.dumps([{**order, "id": f"A{number}"} for number in range(300)]))
    url = f"sqlite:///{tmp_path}/demo.db"
    program = Path(sys.executable).with_name("retour")
    found = {**os.environ, "PATH": f"{program.parent}{os.pathsep}{os.environ['PATH']}"}
    command = [program, "demo", "--db", url, "--lang", "nl", "--orders", path]
    demo = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, encoding="utf-8", env=found)
    assert demo.stdout is not None
    while "A0" not in (line := demo.stdout.readline()):
        assert line, "it ended before it showed an order"
    demo.send_signal(signal.SIGINT)
    _, said = demo.communicate(timeout=120)
    assert demo.returncode == 130
    how = f"retour demo --orders {path} --lang nl --db {url}"
    assert f"Gestopt. Wat is opgeslagen blijft. Verder gaan: {how}" in said
    assert "Traceback" not in said


# --- which order runs which case ------------------------------------------------------------------------


def test_as_many_cases_as_possible_get_an_order() -> None:
    orders = {order.id: order for order in demo_command.bundled_orders().orders}
    only_self, any_case = orders["1001"], orders["1006"]
    for listed in ([only_self, any_case], [any_case, only_self]):
        dealt, nothing = demo_cases.deal(listed)
        assert sum(bool(some) for some in dealt.values()) == 2
        assert nothing == []


def test_the_only_order_for_a_case_is_kept_for_it() -> None:
    orders = {order.id: order for order in demo_command.bundled_orders().orders}
    on_delivery = orders["1012"]
    unpaid = [attrs.evolve(on_delivery, id=name, payments=()) for name in ("A1", "A2")]
    dealt, _ = demo_cases.deal([on_delivery, *unpaid])
    assert {name: [order.id for order in some] for name, some in dealt.items() if some} == {
        "one_product": ["A1"],
        "pay_on_delivery": ["1012"],
        "self_sent": ["A2"],
    }


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_what_a_case_brings_back_is_the_whole_order(case: DemoCase) -> None:
    for order in demo_command.bundled_orders().orders:
        if case.fits(order):
            arrivals = case.arrivals(order)
            assert arrivals[-1] is None or sum(count.units for count in arrivals[-1]) == sum(
                line.fulfilled for line in order.goods
            )
