"""What is measured is what the store does: the baselines of the benchmarks send its statements. Nothing is timed."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

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
