"""Invariant 7: what a provider reports gives the same end state applied twice and in any order."""

from __future__ import annotations

import logging
import os
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from retour import Money
from retour.providers import RefundStatus

EXAMPLES = int(os.environ.get("RETOUR_EXAMPLES", "40"))
PENDING, SUCCEEDED = RefundStatus.PENDING, RefundStatus.SUCCEEDED
FAILED, CANCELLED = RefundStatus.FAILED, RefundStatus.CANCELLED

GOES_WELL = ([PENDING], [SUCCEEDED], [PENDING, SUCCEEDED])
GOES_WRONG = ([PENDING, FAILED], [PENDING, CANCELLED], [SUCCEEDED, FAILED], [PENDING, SUCCEEDED, FAILED])
Reports = Sequence[tuple[str, RefundStatus]]

usual = settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))


@st.composite
def shuffled_twice(draw: st.DrawFn, theirs: Sequence[list[RefundStatus]]) -> tuple[Reports, Reports]:
    """What becomes of a refund of ours and of one in the dashboard, told in two ways, some of it more than once."""
    ours = draw(st.sampled_from([*GOES_WELL, *GOES_WRONG]))
    told = [("re_1", status) for status in ours] + [("re_2", status) for status in draw(st.sampled_from(theirs))]
    again = draw(st.lists(st.sampled_from(told), max_size=3))
    return draw(st.permutations(told)), draw(st.permutations(told + again))


def end_state(world: Any, reports: Reports) -> list[tuple[str, str, bool]]:
    """Where the refunds are after these reports, on an order of which one refund was sent and is pending."""
    if world.desk is None:
        world.open()
    with world.desk._services.store.engine.begin() as connection:
        for table in ("dossier", "event", "refund", "return", "attention", "effect", "reference", "personal"):
            connection.execute(text(f"DELETE FROM retour_{table}"))  # noqa: S608 - our own names
    world.ledger.refunds.clear()
    world.ledger.new_status = PENDING
    world.refund("40.00")
    world.ledger.add("p_1", Money.of("25", "EUR"))
    for reference, status in reports:
        body = f"refund:{reference}:{status.value}".encode()
        assert world.desk.receive_webhook("ledger", {"signature": "right"}, body).kept == 1
    return sorted((one.reference, one.state.value, one.counts_against_payment) for one in world.refunds)


@pytest.fixture(autouse=True)
def quiet(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.CRITICAL, "retour")


@usual
@given(told=shuffled_twice(GOES_WELL))
def test_reports_of_refunds_give_one_end_state_in_any_order_and_told_twice(
    world: Any, told: tuple[Reports, Reports]
) -> None:
    one, other = told
    assert end_state(world, one) == end_state(world, other)


def test_a_dashboard_refund_that_failed_ends_the_same_whether_its_failure_is_told_first_or_last(world: Any) -> None:
    told = [("re_2", SUCCEEDED), ("re_2", FAILED)]
    assert end_state(world, told) == end_state(world, told[::-1])
