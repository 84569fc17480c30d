"""What a provider's report of a refund changes, and what it makes of the refunds beside it."""

from __future__ import annotations

import datetime
from collections.abc import Sequence

import attrs
import pytest
from drafts import DATABASE, NOON, SECOND, a_draft, eur, news, said_by
from hypothesis import given
from hypothesis import strategies as st
from refund_events import (
    MOLLIE,
    ONE,
    ORDER,
    OTHER,
    confirmed,
    external,
    failed,
    held,
    linked,
    planned,
    reported,
    seen,
    settled,
    taken_back,
    twice,
    unclear,
)

from retour.model.events.event import Event
from retour.model.events.money import (
    ExternalRefundFound,
    RefundCancelAsked,
    RefundHeld,
    RefundPaidOnce,
    RefundReported,
    RefundReversed,
    RefundUnclear,
)
from retour.model.reasons import Reason, ReasonCode, as_reason, reason
from retour.model.refunds import Evidence, MatchedBy, Reported
from retour.rules.matching import (
    hold_for_another_answer,
    record_paid_once,
    record_reports,
    record_twice_or_once,
    why_no_longer,
)
from retour.rules.said_again import MOST_SAID_AGAIN, is_said_too_often

EUR40 = eur("40.00")


def once(refund_id: str, other_id: str) -> RefundPaidOnce:
    return RefundPaidOnce(refund_id=refund_id, other_id=other_id)


# --- what is kept of a report ----------------------------------------------------------------------------


def test_a_report_keeps_all_that_the_provider_said_and_is_said_by_the_provider_whoever_asked_it() -> None:
    draft = a_draft(ORDER, planned("rf"))
    told = attrs.evolve(seen("re_1", Reported.FAILED, ours="rf"), provider_status="bounced", because="account closed")
    record_reports(draft, ONE, [told], Evidence.WEBHOOK)
    assert news(draft) == [
        RefundReported(
            refund_id="rf",
            status=Reported.FAILED,
            reference="re_1",
            provider_status="bounced",
            because="account closed",
            evidence=Evidence.WEBHOOK,
            matched=MatchedBy.KEY,
            database_at=DATABASE.latest,
        )
    ]
    assert said_by(draft) == [MOLLIE]


def test_a_refund_that_nobody_asked_for_keeps_all_that_the_provider_said_and_is_said_by_the_provider() -> None:
    draft = a_draft(ORDER)
    told = attrs.evolve(seen("re_1", Reported.PENDING), provider_status="queued")
    record_reports(draft, OTHER, [told], Evidence.RECONCILE)
    assert news(draft) == [
        ExternalRefundFound(
            refund_id="rf-1",
            payment=OTHER.id,
            amount=EUR40,
            status=Reported.PENDING,
            reference="re_1",
            provider_status="queued",
            evidence=Evidence.RECONCILE,
            database_at=DATABASE.latest,
        )
    ]
    assert said_by(draft) == [MOLLIE]


@pytest.mark.parametrize(
    "known, by",
    [
        ([planned("rf"), reported("rf", Reported.PENDING)], MatchedBy.KEY),
        ([linked("rf"), confirmed("rf", "re_1")], MatchedBy.REFERENCE),
    ],
)
def test_a_known_reference_is_the_refunds_own_key_where_it_carries_that_too(
    known: Sequence[Event], by: MatchedBy
) -> None:
    draft = a_draft(ORDER, *known)
    ours = "rf" if by is MatchedBy.KEY else ""
    record_reports(draft, ONE, [seen("re_1", ours=ours)], Evidence.LOOKUP)
    assert [one.matched for one in news(draft) if isinstance(one, RefundReported)] == [by]


def test_pending_after_a_person_confirmed_it_is_no_news_and_after_the_provider_did_it_is() -> None:
    by_person = a_draft(ORDER, linked("rf"), confirmed("rf", "re_1"))
    record_reports(by_person, ONE, [seen("re_1", Reported.PENDING)], Evidence.WEBHOOK)
    assert news(by_person) == []
    by_provider = a_draft(ORDER, planned("rf"), reported("rf", Reported.SUCCEEDED))
    record_reports(by_provider, ONE, [seen("re_1", Reported.PENDING)], Evidence.WEBHOOK)
    assert [one.status for one in news(by_provider) if isinstance(one, RefundReported)] == [Reported.PENDING]


PENDING = [planned("rf"), reported("rf", Reported.PENDING)]


@pytest.mark.parametrize(
    "known, is_news",
    [
        (PENDING, False),
        ([*PENDING, held("rf")], True),
        ([*PENDING, *settled("rf", happened=False)], True),
        ([*PENDING, *settled("rf", happened=False), reported("rf")], False),
        ([*PENDING, reported("rf", Reported.FAILED)], False),
    ],
)
def test_that_it_is_pending_is_news_again_where_a_person_looks_or_has_said_that_it_did_not_happen(
    known: Sequence[Event], is_news: bool
) -> None:
    draft = a_draft(ORDER, *known)
    record_reports(draft, ONE, [seen("re_1", Reported.PENDING)], Evidence.WEBHOOK)
    assert len(news(draft)) == is_news


BY_HAND = [linked("rf"), confirmed("rf", "re_1")]
CAME_BACK = [*BY_HAND, RefundReversed(refund_id="rf", reference="bk_1")]


@pytest.mark.parametrize(
    "known, status, because, beside",
    [
        (PENDING, Reported.CANCELLED, reason(ReasonCode.CANCELLED_THERE, "by an admin"), False),
        ([*PENDING, RefundCancelAsked(refund_id="rf")], Reported.CANCELLED, as_reason("by an admin"), False),
        ([external("rf", "re_1", status=Reported.PENDING)], Reported.CANCELLED, as_reason("by an admin"), False),
        (BY_HAND, Reported.CANCELLED, as_reason("by an admin"), True),
        (BY_HAND, Reported.FAILED, as_reason("by an admin"), True),
        (BY_HAND, Reported.SUCCEEDED, as_reason("by an admin"), False),
        (CAME_BACK, Reported.SUCCEEDED, as_reason("by an admin"), True),
        (CAME_BACK, Reported.CANCELLED, reason(ReasonCode.CANCELLED_THERE, "by an admin"), False),
        (CAME_BACK, Reported.FAILED, as_reason("by an admin"), False),
    ],
)
def test_what_nobody_here_asked_for_is_told_and_what_a_person_said_otherwise_stands_beside_his_word(
    known: Sequence[Event], status: Reported, because: Reason, beside: bool
) -> None:
    draft = a_draft(ORDER, *known)
    told = attrs.evolve(seen("re_1", status), because="by an admin")
    record_reports(draft, ONE, [told], Evidence.WEBHOOK)
    event = news(draft)[0]
    assert isinstance(event, RefundReported)
    assert (event.because, event.beside) == (because, beside)


# --- one of another amount -------------------------------------------------------------------------------


def test_a_known_reference_with_another_amount_is_held_for_a_person_once() -> None:
    draft = a_draft(ORDER, planned("rf"), reported("rf", Reported.PENDING))
    for _ in range(2):
        record_reports(draft, ONE, [seen("re_1", amount="30.00")], Evidence.WEBHOOK)
    assert news(draft) == [
        RefundHeld(refund_id="rf", because=reason(ReasonCode.ANOTHER_ANSWER, "EUR 30.00 re_1")),
    ]


def test_another_such_answer_each_time_is_looked_at_ten_times_in_a_row() -> None:
    draft = a_draft(ORDER, planned("rf"), reported("rf", Reported.PENDING), held("rf"))
    for number in range(20):
        record_reports(draft, ONE, [seen("re_1", amount=f"{number}.50")], Evidence.WEBHOOK)
    assert news(draft) == [
        RefundHeld(refund_id="rf", because=reason(ReasonCode.ANOTHER_ANSWER, f"EUR {number}.50 re_1"))
        for number in range(MOST_SAID_AGAIN + 1)
    ]


SOON, LATER = reason(ReasonCode.RATE_LIMITED, "request 1"), reason(ReasonCode.RATE_LIMITED, "request 2")


@pytest.mark.parametrize(
    "because, before, times, too_often",
    [
        (LATER, SOON, 9, False),
        (LATER, SOON, 10, True),
        (LATER, SOON, 11, True),
        (LATER, reason(ReasonCode.NOT_YET), 10, False),
        (LATER, None, 10, False),
    ],
)
def test_a_reason_is_kept_ten_times_in_a_row_and_another_one_always(
    because: Reason, before: Reason | None, times: int, too_often: bool
) -> None:
    assert is_said_too_often(because, before, times) is too_often


def test_an_answer_about_something_else_leaves_a_refund_that_was_sent_unknown() -> None:
    draft = a_draft(ORDER, planned("rf"))
    for _ in range(2):
        hold_for_another_answer(draft, draft.dossier.refund("rf"), seen("", amount="30.00"))
    because = reason(ReasonCode.ANOTHER_ANSWER, "EUR 30.00")
    assert news(draft) == [
        RefundUnclear(refund_id="rf", because=because, database_at=DATABASE.latest),
        RefundHeld(refund_id="rf", because=because),
    ]


@pytest.mark.parametrize("reference", ["", "re_1"])
def test_a_refund_of_another_currency_is_not_the_known_one_whatever_its_reference(reference: str) -> None:
    draft = a_draft(ORDER, planned("rf"), reported("rf", Reported.PENDING, reference))
    record_reports(draft, ONE, [seen(reference, currency="USD")], Evidence.WEBHOOK)
    assert [type(one) for one in news(draft)] == [ExternalRefundFound]


def test_one_without_a_reference_is_not_another_one_without() -> None:
    draft = a_draft(ORDER, linked("rf", "30.00"))
    record_reports(draft, ONE, [seen("", amount="40.00")], Evidence.WEBHOOK)
    assert [type(one) for one in news(draft)] == [ExternalRefundFound]


# --- two with one key ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "first, second, both",
    [
        (Reported.SUCCEEDED, Reported.SUCCEEDED, True),
        (Reported.PENDING, Reported.SUCCEEDED, True),
        (Reported.FAILED, Reported.SUCCEEDED, False),
        (Reported.SUCCEEDED, Reported.FAILED, False),
        (Reported.FAILED, Reported.CANCELLED, False),
    ],
)
def test_two_refunds_with_one_key_are_paid_twice_where_both_were_made(
    first: Reported, second: Reported, both: bool
) -> None:
    draft = a_draft(ORDER, planned("rf"), reported("rf", first))
    record_reports(draft, ONE, [seen("re_2", second, ours="rf")], Evidence.WEBHOOK)
    found, *more = news(draft)
    assert isinstance(found, ExternalRefundFound)
    assert (found.reference, found.refund_id) == ("re_2", "rf-1")
    assert more == ([twice("rf-1", "rf")] if both else [])


# --- a refund and one that was made in its place ---------------------------------------------------------


def after_its_success(*known: Event | datetime.timedelta) -> list[Event]:
    """What is said of refunds beside each other when the provider reports that the refund ``rf`` was made."""
    draft = a_draft(ORDER, *known)
    record_reports(draft, ONE, [seen("re_1", ours="rf")], Evidence.LOOKUP)
    told, *more = news(draft)
    assert isinstance(told, RefundReported)
    return more


@pytest.mark.parametrize(
    "beside, expected",
    [
        pytest.param([confirmed("by-hand", "hand", in_place_of="rf")], [twice("rf", "by-hand")], id="made by hand"),
        pytest.param(
            [confirmed("more", "more"), confirmed("by-hand", "hand", "10.00", in_place_of="rf")],
            [twice("rf", "by-hand")],
            id="the one in its place, not one of its amount",
        ),
        pytest.param(
            [confirmed("by-hand", "hand", in_place_of="rf"), RefundReversed(refund_id="by-hand", reference="back")],
            [],
            id="but its money came back",
        ),
        pytest.param([confirmed("by-hand", "hand", in_place_of="other")], [], id="made in another one's place"),
        pytest.param([confirmed("by-hand", "hand")], [], id="made in nobody's place"),
        pytest.param(
            [confirmed("by-hand", "hand", in_place_of="rf"), twice("by-hand", "rf")],
            [],
            id="which the other one says already",
        ),
        pytest.param(
            [confirmed("by-hand", "hand", in_place_of="rf"), twice("by-hand", "another")],
            [twice("rf", "by-hand")],
            id="where the other one says it of a third",
        ),
        pytest.param(
            [confirmed("by-hand", "hand", in_place_of="rf"), held("by-hand")],
            [twice("rf", "by-hand")],
            id="where the other one waits for another reason",
        ),
    ],
)
def test_one_that_was_unknown_and_happened_after_all_was_paid_twice_with_the_one_in_its_place(
    beside: Sequence[Event], expected: Sequence[Event]
) -> None:
    assert after_its_success(planned("rf"), unclear("rf"), *beside) == list(expected)


LATER = SECOND
DAY = datetime.timedelta(days=1)


@pytest.mark.parametrize(
    "beside, expected",
    [
        pytest.param([planned("anew")], [twice("rf", "anew")], id="the same amount in the same second"),
        pytest.param([LATER, planned("anew")], [twice("rf", "anew")], id="the same amount later"),
        pytest.param([-DAY, planned("anew")], [twice("rf", "anew")], id="the same amount, of a clock that is behind"),
        pytest.param(
            [LATER, planned("anew"), LATER, planned("once-more")], [twice("rf", "anew")], id="the first of two such"
        ),
        pytest.param([LATER, planned("anew", "39.99")], [], id="another amount, and both are there"),
        pytest.param([LATER, planned("anew", "60.00")], [], id="another amount, and together they are all there is"),
        pytest.param(
            [LATER, planned("anew", "60.01")], [twice("rf", "anew")], id="another amount, and both are more than all"
        ),
        pytest.param([LATER, planned("anew", payment=OTHER.id)], [], id="on the other payment"),
        pytest.param(
            [LATER, planned("anew"), failed("anew")],
            [],
            id="but that one failed",
        ),
        pytest.param([], [], id="nothing beside it"),
    ],
)
def test_one_that_a_person_settled_as_not_made_and_was_made_was_paid_twice_with_the_one_that_his_money_went_to(
    beside: Sequence[Event | datetime.timedelta], expected: Sequence[Event]
) -> None:
    assert after_its_success(planned("rf"), *settled("rf", happened=False), *beside) == list(expected)


EVERYBODY_ACTED = [
    planned("first"),
    planned("rf"),
    *settled("rf", happened=False),
    planned("anew"),
    attrs.evolve(linked("link", "20.00"), database_at=NOON),
    external("of-a-colleague", "re_8"),
    confirmed("by-hand", "hand"),
]
"""Refunds of one amount, before and after one that a person settled as not made, and one that is to be made by link."""


@given(wrong=st.lists(st.timedeltas(-30 * DAY, 30 * DAY), min_size=len(EVERYBODY_ACTED), max_size=len(EVERYBODY_ACTED)))
def test_the_same_refund_is_matched_and_paid_twice_whatever_the_clocks_of_those_who_acted_said(
    wrong: list[datetime.timedelta],
) -> None:
    known = [one for went_by_and_event in zip(wrong, EVERYBODY_ACTED, strict=True) for one in went_by_and_event]
    draft = a_draft(ORDER, *known)
    by_link = attrs.evolve(seen("re_2", amount="20.00"), created_at=NOON + SECOND)
    record_reports(draft, ONE, [seen("re_1", ours="rf"), by_link], Evidence.LOOKUP)
    told, paid_twice, matched = news(draft)
    assert isinstance(told, RefundReported)
    assert isinstance(matched, RefundReported)
    assert (told.refund_id, paid_twice, matched.refund_id) == ("rf", twice("rf", "anew"), "link")


def test_one_that_was_made_before_it_did_not_take_its_place() -> None:
    for went_by in (LATER, -DAY):  # by the clocks of their processes
        known = [planned("first"), went_by, planned("rf"), *settled("rf", happened=False)]
        assert after_its_success(*known) == []


@pytest.mark.parametrize("word", [True, None])
def test_of_one_that_nobody_settled_as_not_made_another_of_its_amount_is_another(word: bool | None) -> None:
    said = [] if word is None else settled("rf", happened=word)
    assert after_its_success(planned("rf"), *said, LATER, planned("anew", "40.00")) == []


def test_more_than_was_captured_is_said_only_of_a_payment_that_is_known_in_its_currency() -> None:
    first, anew = planned("rf", "70", currency="USD"), planned("anew", "71", currency="USD")
    draft = a_draft(ORDER, first, *settled("rf", happened=False), LATER, anew)
    record_reports(draft, ONE, [seen("re_1", amount="70.00", currency="USD", ours="rf")], Evidence.LOOKUP)
    assert [type(one) for one in news(draft)] == [RefundReported]
    never_seen = "mollie:p_9"
    known = [planned("rf", payment=never_seen), reported("rf", Reported.SUCCEEDED), planned("anew", "90", never_seen)]
    gone = a_draft(ORDER, *known)
    record_twice_or_once(gone, attrs.evolve(gone.dossier.refund("rf"), settled=False))
    assert news(gone) == []


def test_nothing_is_said_of_one_that_waits_for_a_person_already() -> None:
    known = [planned("rf"), unclear("rf"), confirmed("by-hand", "hand", in_place_of="rf")]
    draft = a_draft(ORDER, *known, held("rf"))
    record_twice_or_once(draft, draft.dossier.refund("rf"))
    assert news(draft) == []


# --- paid once after all ---------------------------------------------------------------------------------


def test_when_one_of_two_fails_the_other_is_the_only_one() -> None:
    both = [planned("rf"), unclear("rf"), confirmed("by-hand", "hand", in_place_of="rf"), twice("by-hand", "rf")]
    draft = a_draft(ORDER, *both, confirmed("third", "third"), twice("third", "by-hand"))
    record_reports(draft, ONE, [seen("re_1", Reported.FAILED, ours="rf")], Evidence.LOOKUP)
    told, *more = news(draft)
    assert isinstance(told, RefundReported)
    assert more == [once("by-hand", "rf")]


@pytest.mark.parametrize("problem", [[], [held("other")]])
def test_one_that_was_not_paid_twice_is_not_paid_once(problem: Sequence[Event]) -> None:
    draft = a_draft(ORDER, planned("rf"), planned("other"), *problem)
    record_paid_once(draft, "rf")
    assert news(draft) == []


# --- what was not sent yet -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "refunds, bank, why",
    [
        ([], None, None),
        ([planned("rf", "100.00")], None, None),
        ([planned("rf", "100.01")], None, reason(ReasonCode.MORE_WENT_BACK)),
        ([planned("rf", "60.00")], "40.00", None),
        (
            [planned("rf", "60.00")],
            "40.01",
            reason(ReasonCode.CHARGED_BACK, amount="EUR 40.01", payment=ONE.id),
        ),
        ([planned("rf", "100.01", OTHER.id)], None, None),
    ],
)
def test_nothing_is_sent_where_more_would_be_gone_than_was_captured(
    refunds: Sequence[Event], bank: str | None, why: object
) -> None:
    taken = [] if bank is None else [taken_back(bank)]
    assert why_no_longer(a_draft(ORDER, *refunds, *taken).dossier, ONE) == why


def test_nothing_is_sent_where_a_refund_of_the_same_payment_cannot_be_counted() -> None:
    dossier = a_draft(ORDER, planned("rf", "1", currency="USD")).dossier
    assert why_no_longer(dossier, ONE) == reason(ReasonCode.OTHER_CURRENCY)
    assert why_no_longer(dossier, OTHER) is None
