"""Labels that customers and staff order, replace and cancel, while a carrier scans, webhooks come late, twice or never,
and processes are killed; and then an audit against the ledger of Sendcloud's sandbox.

``make crash`` runs a hundred returns on each database. What a campaign does, `labels_campaign.run` tells; what is
compared, `labels_campaign.audit`.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.long

TESTS = Path(__file__).parent.parent
ORDERS = 8

FOUND = {
    "nothing": set(),
    "buy again": {"labels bought twice"},
    "buy unasked": {"in the ledger, and nobody knows it"},
    "forget": {"labels lost", "in the ledger, and nobody knows it"},
    "vanish": {"labels lost"},
    "cancel there": {"state differs from the books", "money differs from the ledger"},
    "scan cancelled": {"cancelled while scanned"},
    "charge more": {"money differs from the ledger"},
    "tell another": {"one page ordered two labels, or two pages one", "labels lost"},
    "order beside": {"a parcel has more labels than it was given"},
    "not cancelled": {"not cancelled, and nobody is told"},
    "say nothing": {"waits for a person who is not told"},
}
"""What is tampered with, and what the audit finds of it."""


@pytest.mark.parametrize("database", ["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)])
def test_no_label_is_lost_or_bought_twice_whatever_dies(
    database: str, tmp_path: Path, request: pytest.FixtureRequest, tell: Callable[[str, Mapping[str, int]], None]
) -> None:
    if database == "postgresql":
        request.getfixturevalue("postgresql_url")  # so that it is skipped where there is none
    found, ran = campaign(database, tmp_path / "report.json", ORDERS)
    tell(f"labels of {ORDERS} returns on {database}", found["result"])
    assert found["clean"], ran.stdout
    assert found["numbers"]["killed"] > 5, ran.stdout  # of so few orders nobody may have died at some moment
    assert "this never went on at the carrier" not in found["never happened"], ran.stdout
    assert found["numbers"]["labels that customers replaced or cancelled"], ran.stdout
    assert found["numbers"]["people who did all that they wanted"] == 4, ran.stdout


def test_the_audit_of_labels_finds_what_is_wrong() -> None:
    """Without that, a clean audit would prove nothing."""
    ran = _python("crash.labels_campaign.tampering")
    assert ran.returncode == 0, ran.stderr
    found = json.loads(ran.stdout)
    assert {name: what & {*found[name]} for name, what in FOUND.items()} == FOUND
    assert found.keys() == FOUND.keys()
    assert found["nothing"] == []


def test_a_campaign_of_labels_in_which_something_never_happened_has_not_succeeded(tmp_path: Path) -> None:
    """There is no time for anything in a thousandth of a second."""
    found, ran = campaign("sqlite", tmp_path / "report.json", 1, "--seconds", "0.001")
    assert found["clean"], ran.stdout
    assert "after a webhook was kept" in found["never happened"]["nobody ever died"]
    assert "So nothing is proved of it: take more orders." in ran.stdout
    assert ran.returncode == 1, ran.stdout + ran.stderr


def campaign(database: str, report: Path, orders: int, *more: str) -> tuple[Any, subprocess.CompletedProcess[str]]:
    """Run one in a process of its own; gives what it found, and how it ended."""
    arguments = ["--database", database, "--orders", str(orders), "--seed", "20261130", "--report", str(report), *more]
    ran = _python("crash.labels_campaign", *arguments)
    assert report.exists(), ran.stdout + ran.stderr
    return json.loads(report.read_text())[database], ran


def _python(module: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", module, *arguments], cwd=TESTS, capture_output=True, text=True, check=False
    )
