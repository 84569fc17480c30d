"""A desk that was made before its process forked: every child has connections of its own, to the database and to the
provider, so no answer is another's."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from retour import Money
from retour_stripe.sandbox import StripeSandbox

CHILDREN, EACH = 4, 5

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")


@pytest.fixture
def sandbox() -> Iterator[StripeSandbox]:
    with StripeSandbox() as made:
        yield made


@pytest.mark.parametrize("host_made", [False, True], ids=["an address", "the host's engine"])
def test_children_of_one_desk_refund_and_restock_each_order_once_and_are_told_of_their_own(
    database: str, sandbox: StripeSandbox, host_made: bool
) -> None:
    numbers = iter(range(10, 100))  # the cents of the amount, by which an answer is known
    shares = [
        {str(next(numbers)): sandbox.pay(Money.of("10", "EUR")) for _ in range(many)}
        for many in (1, *[EACH] * (1 + CHILDREN))
    ]
    program = [sys.executable, Path(__file__).with_name("forking.py"), database]
    given = [json.dumps(one) for one in (shares, sandbox.settings, host_made)]
    done = subprocess.run([*program, *given], capture_output=True, text=True, check=True, timeout=120)
    told = [tuple(one) for line in done.stdout.splitlines() for one in json.loads(line)]
    expected = {(number, "succeeded", 100 + int(number), 1) for share in shares for number in share}
    assert set(told) == expected
    assert done.stderr == ""
    went_back = {
        (number, one.amount.minor) for share in shares for number in share for one in sandbox.books(share[number])
    }
    assert went_back == {(number, 100 + int(number)) for share in shares for number in share}
