"""The recovery rule as a table: what becomes of a refund that may have been sent, and that nobody finds."""

from __future__ import annotations

import datetime

import attrs
import pytest

from retour import Money, When
from retour.model.moment import Moment
from retour.model.refunds import Refund, RefundInstruction, RefundSource, RefundState
from retour.rules.recovery import MARGIN, Next, begins_anew, next_step, window_ends

SENT = datetime.datetime(2026, 11, 24, 9, 0, tzinfo=datetime.UTC)
SECOND = datetime.timedelta(seconds=1)
MINUTE = datetime.timedelta(minutes=1)
HOUR = datetime.timedelta(hours=1)
DAYS = datetime.timedelta(days=45)

UNKNOWN = Refund(
    id="rf1",
    payment="p",
    amount=Money.of("40", "EUR"),
    state=RefundState.UNKNOWN,
    source=RefundSource.API,
    opened=When(seq=1, at=SENT),
    changed=When(seq=1, at=SENT),
    instruction=RefundInstruction(target="tr_1", key="rf1", description="Return 1001"),
    sent_at=SENT,
    unclear_at=SENT,
)


@pytest.mark.parametrize(
    "window, complete_after, after, step",
    [
        # inside the window the same request goes out again, whatever a lookup proves
        (HOUR, None, SECOND, Next.RESEND),
        (HOUR, None, HOUR - MARGIN - SECOND, Next.RESEND),
        (HOUR, MINUTE, 2 * MINUTE, Next.RESEND),
        (DAYS, None, 44 * HOUR * 24, Next.RESEND),
        # five minutes before its end the window is over: clocks differ
        (HOUR, None, HOUR - MARGIN, Next.HOLD),
        (HOUR, None, HOUR, Next.HOLD),
        (MARGIN, None, SECOND, Next.HOLD),
        (MARGIN - SECOND, None, SECOND, Next.HOLD),
        # a provider that never recognises a repeated request
        (None, None, SECOND, Next.HOLD),
        (None, None, DAYS, Next.HOLD),
        # outside the window only a complete lookup proves anything, and only of a try that is old enough
        (HOUR, 3 * HOUR, 2 * HOUR, Next.WAIT),
        (HOUR, 3 * HOUR, 3 * HOUR, Next.WAIT),
        (HOUR, 3 * HOUR, 3 * HOUR + SECOND, Next.SEND_ANEW),
        (None, MINUTE, MINUTE, Next.WAIT),
        (None, MINUTE, MINUTE + SECOND, Next.SEND_ANEW),
        (None, datetime.timedelta(0), SECOND, Next.SEND_ANEW),
    ],
)
def test_what_follows_when_a_refund_is_not_found(
    window: datetime.timedelta | None,
    complete_after: datetime.timedelta | None,
    after: datetime.timedelta,
    step: Next,
) -> None:
    assert next_step(UNKNOWN, Moment.exactly(SENT + after), window=window, lookup_complete_after=complete_after) is step


@pytest.mark.parametrize(
    "unclear_after, after, step",
    [
        (2 * HOUR, 4 * HOUR, Next.WAIT),
        (2 * HOUR, 5 * HOUR + SECOND, Next.SEND_ANEW),
        (30 * MINUTE, 3 * HOUR + 31 * MINUTE, Next.SEND_ANEW),
    ],
)
def test_the_last_try_counts_for_the_lookup_and_the_first_for_the_window(
    unclear_after: datetime.timedelta, after: datetime.timedelta, step: Next
) -> None:
    refund = attrs.evolve(UNKNOWN, unclear_at=SENT + unclear_after)
    assert next_step(refund, Moment.exactly(SENT + after), window=HOUR, lookup_complete_after=3 * HOUR) is step


def test_a_refund_whose_first_try_is_not_dated_is_not_sent_again() -> None:
    """It cannot be told whether the provider still recognises it."""
    refund = attrs.evolve(UNKNOWN, sent_at=None)
    assert next_step(refund, Moment.exactly(SENT), window=HOUR, lookup_complete_after=None) is Next.HOLD


@pytest.mark.parametrize(
    "window, after, anew",
    [
        (HOUR, SECOND, False),
        (HOUR, HOUR - MARGIN - SECOND, False),
        (HOUR, HOUR - MARGIN, True),
        (HOUR, DAYS, True),
        (None, DAYS, False),  # without a window there is nothing to be inside of
        (MARGIN, DAYS, False),
    ],
)
def test_one_that_certainly_was_not_made_begins_anew_when_its_window_went_by(
    window: datetime.timedelta | None, after: datetime.timedelta, anew: bool
) -> None:
    assert begins_anew(UNKNOWN, Moment.exactly(SENT + after), window=window) is anew


@pytest.mark.parametrize("inexact", [datetime.timedelta(0), SECOND, 2 * HOUR])
def test_a_time_that_is_not_known_exactly_closes_a_window_as_early_and_proves_a_lookup_as_late_as_can_be(
    inexact: datetime.timedelta,
) -> None:
    """A process that was suspended while it asked for the time knows it as badly as that."""
    ends = SENT + HOUR - MARGIN
    open_, over = (Moment(earliest=latest - inexact, latest=latest) for latest in (ends - SECOND, ends))
    assert next_step(UNKNOWN, open_, window=HOUR, lookup_complete_after=None) is Next.RESEND
    assert next_step(UNKNOWN, over, window=HOUR, lookup_complete_after=None) is Next.HOLD
    assert not begins_anew(UNKNOWN, open_, window=HOUR)
    assert begins_anew(UNKNOWN, over, window=HOUR)
    proven = SENT + 3 * HOUR
    early, old = (Moment(earliest=at, latest=at + inexact) for at in (proven, proven + SECOND))
    assert next_step(UNKNOWN, early, window=None, lookup_complete_after=3 * HOUR) is Next.WAIT
    assert next_step(UNKNOWN, old, window=None, lookup_complete_after=3 * HOUR) is Next.SEND_ANEW


@pytest.mark.parametrize(
    "window, ends", [(None, None), (MARGIN, None), (HOUR, SENT + HOUR - MARGIN), (DAYS, SENT + DAYS - MARGIN)]
)
def test_a_request_may_begin_until_its_window_is_over(
    window: datetime.timedelta | None, ends: datetime.datetime | None
) -> None:
    assert window_ends(UNKNOWN, window) == ends
    assert window_ends(attrs.evolve(UNKNOWN, sent_at=None), window) is None
