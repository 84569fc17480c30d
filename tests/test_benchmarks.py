"""What is measured is what the store does: the baselines of the benchmarks send its statements. Nothing is timed."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

import pytest

pytestmark = pytest.mark.long

ROOT = Path(__file__).parent.parent

CHECK = """
from benchmarks.databases import sqlite_databases
from benchmarks.recording import record
from benchmarks.throughput import check_scripts

with sqlite_databases(None) as new:
    recordings = record(new("recorded"), range(3))
    for built_once in (False, True):
        check_scripts(new(f"replayed_{built_once}"), recordings, built_once=built_once)
"""


def test_the_baselines_of_the_benchmarks_send_what_the_desk_sends() -> None:
    ran = subprocess.run([sys.executable, "-c", CHECK], cwd=ROOT, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr


FOLDING = """
import attrs
from benchmarks.folding import folding
from benchmarks.scale import QUICK

folding(attrs.evolve(QUICK, folds=1))
"""


def test_the_dossier_that_is_folded_has_its_events_and_is_read_as_the_store_reads_it() -> None:
    ran = subprocess.run([sys.executable, "-c", FOLDING], cwd=ROOT, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr


READING = """
import attrs
from benchmarks.databases import sqlite_databases
from benchmarks.reading_first import reading_first
from benchmarks.scale import QUICK

with sqlite_databases(None) as new:
    part = reading_first("SQLite", new, attrs.evolve(QUICK, refund_rounds=2, refunds=2))
for row in part.rows:
    if row.what.startswith("calls"):
        print(row.what, float(row.value) - float(row.against))
"""


def test_reading_first_is_one_call_more_at_mollie_and_stripe_and_two_at_paypal() -> None:
    ran = subprocess.run([sys.executable, "-c", READING], cwd=ROOT, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.splitlines() == [
        "calls per refund, Mollie 1.0",
        "calls per refund, PayPal 2.0",
        "calls per refund, Stripe 1.0",
    ]


LABELS = """
import attrs
from benchmarks.label_calls import label_calls
from benchmarks.scale import QUICK

for row in label_calls(attrs.evolve(QUICK, refund_rounds=2, refunds=2)).rows:
    print(row.section, "|", row.what.split(" / ")[0], "|", row.aim)
"""


def test_labels_are_made_and_cancelled_once_by_the_same_bytes_as_requests_sends() -> None:
    ran = subprocess.run([sys.executable, "-c", LABELS], cwd=ROOT, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.splitlines() == [
        f"One {call}, Sendcloud | {what} | at most 1.3 ×"
        for call in ("create_label", "cancel_label")
        for _ in ("requests", "requests at its best")
        for what in ("retour", "processor time, retour")
    ]


WHOLE = """
import attrs
from benchmarks.databases import sqlite_databases
from benchmarks.scale import QUICK
from benchmarks.whole_return.measure import whole_return

few = attrs.evolve(QUICK, whole_rounds=2, whole_returns=2, whole_starts=1, whole_samples=10)
with sqlite_databases(None) as new:
    part = whole_return("SQLite", new, few)
for row in part.rows:
    if row.what.startswith(("statements, ", "commits, ")):
        print(row.what, "of", row.against)
"""


def test_a_whole_return_by_retour_by_core_and_by_django_leaves_the_same_stock_and_the_same_money(
    missing: Callable[[str], NoReturn],
) -> None:
    if not (ROOT / ".sdks" / "django" / "ready").exists():
        missing("Django (make sdks)")
    ran = subprocess.run([sys.executable, "-c", WHOLE], cwd=ROOT, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.splitlines() == [
        "statements, retour / two presses of 24",
        "statements, retour / Core of 15",
        "statements, retour / Django of 12",
        "commits, retour / two presses of 4",
        "commits, retour / Core of 2",
    ]


CHECKED = """
from benchmarks.databases import sqlite_databases
from benchmarks.whole_return.measure import payments_of
from benchmarks.whole_return.retour_host import RetourHost
from benchmarks.whole_return.shop import check_shop, open_shop, three_products

with sqlite_databases(None) as new:
    engine, orders = new("checked"), [three_products(number) for number in range(2)]
    open_shop(engine, orders)
    host = RetourHost(engine)
    host.provider.pay(payments_of(orders))
    host.give_back(orders[0].id)
    host.give_back(orders[0].id)
    check_shop("once", engine, orders[:1])
    for spoilt in ("UPDATE shop_product SET stock = stock + 1 WHERE id = 'mug'",), (
        "UPDATE shop_product SET stock = stock - 1 WHERE id = 'mug'",
        "UPDATE shop_order SET status = 'returned'",
    ):
        with engine.begin() as connection:
            for statement in spoilt:
                connection.exec_driver_sql(statement)
        try:
            check_shop("spoilt", engine, orders[:1])
        except AssertionError as error:
            print(str(error).partition("[")[0].partition("{")[0])
"""


def test_a_partner_that_leaves_another_stock_or_another_order_ends_the_run() -> None:
    ran = subprocess.run([sys.executable, "-c", CHECKED], cwd=ROOT, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.splitlines() == ["spoilt: the stock is ", "spoilt: not these orders are returned: "]


DRIVER = """
import sys
from sqlalchemy import event
from benchmarks.whole_return.measure import payments_of
from benchmarks.whole_return.retour_host import RetourHost
from benchmarks.whole_return.rooms import room_of
from benchmarks.whole_return.shop import open_shop, three_products
from retour import connect

engine, order, rooms = connect("sqlite://"), three_products(1), []

@event.listens_for(engine, "checkout")
def trace(driver, _, __):
    driver.set_trace_callback(lambda sql: rooms.append((room_of(sys._getframe(1)), sql.split()[0])))

open_shop(engine, [order])
host = RetourHost(engine)
host.provider.pay(payments_of([order]))
rooms.clear()
host.give_back(order.id)
print(len(rooms) > 20, sorted({room for room, _ in rooms}))
print({"BEGIN", "SELECT", "INSERT", "UPDATE", "COMMIT"} <= {word for _, word in rooms})
"""


def test_all_that_the_driver_does_counts_as_the_drivers() -> None:
    ran = subprocess.run([sys.executable, "-c", DRIVER], cwd=ROOT, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.splitlines() == ["True ['driver']", "True"]


SLOW_PROVIDER = """
import attrs
from benchmarks import slow_provider
from benchmarks.databases import sqlite_databases
from benchmarks.scale import QUICK

slow_provider.TAKES = 0.0
with sqlite_databases(None) as new:
    part = slow_provider.slow_provider("SQLite", new, attrs.evolve(QUICK, slow_rounds=1, slow_refunds=3))
for row in part.rows:
    print(row.what.partition(",")[0], row.met)
"""


def test_refunds_at_a_slow_provider_take_as_many_calls_as_they_say() -> None:
    """It raises where one was made twice, or by more calls or fewer."""
    ran = subprocess.run([sys.executable, "-c", SLOW_PROVIDER], cwd=ROOT, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.splitlines() == ["their books read within the minute None", "with a reading each None"]


LABEL_FLOW = """
import attrs
from benchmarks.databases import sqlite_databases
from benchmarks.label_flow import label_flow
from benchmarks.scale import QUICK

with sqlite_databases(None) as new:
    part = label_flow("SQLite", new, attrs.evolve(QUICK, refund_rounds=2, refunds=2))
for row in part.rows:
    print(row.what.split(", requests")[0])
"""


def test_a_label_is_followed_from_its_order_to_its_parcels_delivery_beside_its_requests_alone() -> None:
    ran = subprocess.run([sys.executable, "-c", LABEL_FLOW], cwd=ROOT, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.splitlines() == [
        *["the desk / its requests alone", "processor time, the desk / its requests alone"] * 2,
        *("order_label", "its webhooks, until it is ready", "label_document"),
        "its webhook, when the parcel is delivered",
    ]


STARVATION = """
import attrs
from benchmarks.databases import sqlite_databases
from benchmarks.scale import QUICK
from benchmarks.starvation import starvation

with sqlite_databases(None) as new:
    for row in starvation("SQLite", new, attrs.evolve(QUICK, small=40, large=200)).rows:
        print(row.what, "|", row.against, "|", row.aim)
"""


def test_a_few_effects_are_done_beside_very_many_and_beside_one_that_ends_its_process() -> None:
    """It raises where no process was ended, and says so where they were not done."""
    ran = subprocess.run([sys.executable, "-c", STARVATION], cwd=ROOT, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    first, second = ran.stdout.splitlines()
    assert first.startswith("all 10 done by one worker | ")
    assert (
        second
        == "half of them refunds, and one of 40 refunds beside them ends its process | 1 worker ended | within 5 s"
    )


COMPARED = """
from pathlib import Path
from benchmarks import compare
from benchmarks.__main__ import RESULTS
from benchmarks.report import markdown
from benchmarks.table import Row

def row(what, value, ratio, section="Refunds", against="9"):
    return Row(section=section, what=what, value=value, against=against, ratio=ratio)

def share(what, ratio):
    return row(what, "9 µs", ratio, "Where it goes", against="")

before = [
    row("sent / requests 2.34.2", "1.61 ms", "1.00 × (0.93-1.05)"), row("looked up", "2 ms", "1.00 ×"),
    row("returns", "400/s", "156%"), row("more workers", "349/s", "0.40 × (0.39-0.41)"), row("no ratio", "3 ms", ""),
    row("only then", "3 ms", "1.00 ×"), share("rules", "24%"), share("no more", "1%"),
]
now = [
    row("sent / requests 2.40.0", "1.61 ms", "1.11 × (1.10-1.12)"), row("looked up", "2 ms", "1.10 ×"),
    row("returns", "300/s", "120%"), row("more workers", "300/s", "0.50 ×"), row("no ratio", "9 ms", ""),
    row("only now", "3 ms", "9.00 ×"), share("rules", "30%"),
]
path = Path("RESULTS.md")
path.write_text(markdown(before, {}, [], date="", seconds=1))
read = compare.recorded(path)
print([(one.section, one.what, one.value, one.ratio) for one in read]
    == [(one.section, one.what, one.value, one.ratio) for one in before])
print(*compare.worse(read, now), sep="\\n")
print(compare.missing(read, now), compare.worse(read, read), compare.missing(read, read))
print(compare.recorded(Path("none.md")))
kept = compare.recorded(RESULTS)
print(len(kept) > 50, compare.worse(kept, kept), compare.missing(kept, kept))
"""


def test_a_ratio_that_is_more_than_a_tenth_worse_than_was_recorded_is_named(tmp_path: Path) -> None:
    ran = subprocess.run(
        [sys.executable, "-c", COMPARED],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.splitlines() == [
        "True",
        "Refunds: sent / requests 2.40.0: 1.11 × (1.10-1.12), and 1.00 × (0.93-1.05) was recorded: 11% worse",
        "Refunds: returns: 120%, and 156% was recorded: 30% worse",
        "['Refunds: only then'] [] []",
        "[]",
        "True [] []",
    ]


EXIT_CODE = """
import sys
from pathlib import Path
from benchmarks import __main__ as bench
from benchmarks.table import Part, Row

RATIO = sys.argv.pop()

def folding(scale):
    return Part(rows=(Row(section="Folding", what="it", value="1 ms", against="1 ms", ratio=RATIO),))

bench._WITHOUT_DATABASE, bench._MEASURES = (folding,), ()
bench.RESULTS = Path("RESULTS.md")
bench._PARTS[:] = ["folding"]
print(bench.main())
"""


def test_the_exit_code_says_that_something_is_worse_and_nothing_is_written_unless_it_is_to_be_recorded(
    tmp_path: Path,
) -> None:
    def ran(*arguments: str) -> str:
        done = subprocess.run(
            [sys.executable, "-c", EXIT_CODE, *arguments],
            cwd=tmp_path,
            env={
                **os.environ,
                "PYTHONPATH": str(ROOT),
                "RETOUR_TEST_POSTGRESQL": "postgresql+psycopg://127.0.0.1:1/no",
            },
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    assert ran("--record", "1.00 ×").endswith("Written: RESULTS.md\n0\n")
    written = (tmp_path / "RESULTS.md").read_text()
    assert ran("1.05 ×").endswith("No ratio is more than 10% worse than RESULTS.md says.\n0\n")
    said = ran("1.20 ×")
    assert "WORSE: Folding: it: 1.20 ×, and 1.00 × was recorded: 20% worse" in said
    assert said.endswith("\n1\n")
    assert ran("--quick", "1.20 ×").endswith("\n0\n")
    assert (tmp_path / "RESULTS.md").read_text() == written
