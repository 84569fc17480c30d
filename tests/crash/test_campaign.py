"""Hundreds of refunds at four providers, while processes are killed and providers and the database fail, and then an
audit.

``make crash`` runs ten thousand. What a campaign does, `campaign.run` tells; what is compared, `campaign.audit`.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from crash.campaign.__main__ import CUT, WORKERS, found_by
from crash.campaign.cuts import EVERY_CUT
from crash.campaign.deaths import AT_RANDOM, ODDS
from crash.campaign.report import BRANCHES, BY_PROOF, Report
from crash.campaign.suspensions import ANY_MOMENT, POINTS
from crash.campaign.trouble import WEIGHTS

pytestmark = pytest.mark.long

TESTS = Path(__file__).parent.parent
REFUNDS = {"sqlite": 150, "postgresql": 125}
"""On each of the two databases: so many that all happens that a campaign is for; more of the same is `make crash`."""

CUT_REFUNDS = 75
"""On PostgreSQL behind a proxy that cuts, delays and drops."""

TRANSFERS = {
    "transfer again": {"paid twice, and nobody was told", "timeline differs from the books"},
    "transfer undecided": {"refunds lost"},
    "send back": {"refunds lost", "timeline differs from the books"},
    "confirm unpaid": {"refunds lost", "timeline differs from the books"},
    "pay cancelled": {"refunds lost", "timeline differs from the books"},
    "mistype": {"state or amount differs from the books"},
    "transfer beside": {"paid twice, and nobody was told"},
    "transfer instead": {
        "paid twice, and nobody was told",
        "state or amount differs from the books",
        "timeline differs from the books",
    },
    "transfer too much": {"more went back than was captured"},
    "transfer unasked": {"more went back than was suggested"},
}
"""What is tampered with of bank transfers, and what the audit finds of it."""


ALWAYS = {
    "before the provider is called",
    "after the provider was called",
    "before the record",
    "in the middle of the commit, before COMMIT",
    AT_RANDOM,
    "COMMIT: the server never reads it",
    "COMMIT: the server has done it and its answer is lost",
    "statement: the server never reads it",
    "the server is away, and all connections end",
    "found by our key",
    "not found: the same request again",
    "matched by our key",
}
"""What happens in each campaign, however small."""


@pytest.mark.parametrize("database", ["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)])
def test_no_refund_is_lost_or_paid_twice_whatever_dies(
    database: str, tmp_path: Path, request: pytest.FixtureRequest, tell: Callable[[str, Mapping[str, int]], None]
) -> None:
    if database == "postgresql":
        request.getfixturevalue("postgresql_url")  # so that it is skipped where there is none
    found, said, _ = campaign(database, tmp_path / "report.json", REFUNDS[database])
    tell(f"{REFUNDS[database]} refunds on {database}", found["result"])
    assert found["clean"], said
    assert not ALWAYS & never(found), said
    assert found["transferred"], said


@pytest.mark.postgresql
@pytest.mark.usefixtures("postgresql_url")  # so that it is skipped where there is none
def test_no_refund_is_lost_or_paid_twice_whatever_becomes_of_the_connections_to_postgresql(
    tmp_path: Path, tell: Callable[[str, Mapping[str, int]], None]
) -> None:
    """And no error but ours leaves a method of the desk: a process that met one would have ended by it."""
    found, said, _ = campaign("postgresql-cut", tmp_path / "report.json", CUT_REFUNDS)
    tell(f"{CUT_REFUNDS} refunds on PostgreSQL behind a cutting proxy", found["result"])
    assert found["clean"], said
    assert not ALWAYS & never(found), said


def never(found: Any) -> set[str]:
    """What was to happen in a campaign and did not: in so few refunds something seldom may not."""
    return {one for several in found["never happened"].values() for one in several}


@pytest.mark.parametrize("kind", WORKERS)
def test_a_campaign_in_which_something_never_happened_has_not_succeeded(kind: str) -> None:
    """Nobody died or was suspended somewhere, a provider or a database never failed in some way, a branch was never
    taken: of that nothing is proved."""
    every = {
        "deaths": {*ODDS, AT_RANDOM},
        "suspensions": {*POINTS, ANY_MOMENT},
        "faults": {fault.value for fault in WEIGHTS},
        "cuts": {*EVERY_CUT},
        "branches": {*BRANCHES},
    }

    def succeeded(**left_out: str) -> Any:
        counters = {name: Counter(dict.fromkeys(several, 1)) for name, several in every.items()}
        for name, one in left_out.items():
            counters[name][one] = 0
        return found_by(kind, Report(happened={}, late={}, **counters))["succeeded"]

    needed = {"faults", "cuts"} if kind == CUT else {"deaths", "suspensions", "faults", "branches"}
    assert succeeded()
    for name, several in every.items():
        for one in several:
            proves_by_itself = kind != "postgresql" or name != "branches" or one in BY_PROOF
            assert succeeded(**{name: one}) is not (name in needed and proves_by_itself), one


def campaign(database: str, report: Path, refunds: int) -> tuple[Any, str, int]:
    """Run one in a process of its own; gives what it found, its report in words, and its exit code."""
    arguments = ["--database", database, "--refunds", str(refunds), "--seed", "20261124", "--report", str(report)]
    ran = subprocess.run(
        [sys.executable, "-m", "crash.campaign", *arguments], cwd=TESTS, capture_output=True, text=True, check=False
    )
    said = ran.stdout + ran.stderr
    assert report.exists(), said
    return json.loads(report.read_text())[database], said, ran.returncode


def test_the_audit_finds_what_is_wrong() -> None:
    """Without that, a clean audit would prove nothing."""
    ran = subprocess.run(
        [sys.executable, "-m", "crash.campaign.tampering"], cwd=TESTS, capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stderr
    found = json.loads(ran.stdout)  # in this order, and what is new after each
    assert "refunds lost" in found["lose"]
    assert "paid twice, and nobody was told" in found["pay again"]
    assert "state or amount differs from the books" in found["bounce"]
    assert found["take back"] == ["state or amount differs from the books", "timeline differs from the books"]
    assert "restocked twice" in found["book again"]
    assert "unknown at some moment and asked by nobody" in found["ask nobody"]
    assert found["call it otherwise"] == ["one payment counted as several"]
    assert "more went back than was captured" in found["pay too much"]
    assert found["pay unasked"] == ["more went back than was suggested"]
    assert "waits for a person who is not told what to do" in found["say nothing"]
    assert "waits although a person did all that he was told" in found["hold for ever"]
    assert {name: what & {*found[name]} for name, what in TRANSFERS.items()} == TRANSFERS
