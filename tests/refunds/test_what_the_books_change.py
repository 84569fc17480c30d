"""The provider's books, read before money goes out: what of them is recorded, and what waits for a person then."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from typing import Any

import attrs
import pytest
from drafts import NOON, a_draft, eur, news, said_by
from hypothesis import given
from hypothesis import strategies as st
from refund_events import (
    MOLLIE,
    ONE,
    ORDER,
    OTHER,
    external,
    failed,
    held,
    linked,
    planned,
    reported,
    seen,
    taken_back,
    unclear,
)

from retour import Money
from retour.model.events.books import RefundsNotShown, RemainderUnexplained
from retour.model.events.charge_backs import PaymentChargedBack, PaymentDisputed, ReversalNotShown
from retour.model.events.event import Event
from retour.model.events.money import ExternalRefundFound, RefundReported, RefundSubmitted
from retour.model.events.payment_identity import PaymentIdentified
from retour.model.events.transfers import PaymentNotRefundable
from retour.model.payment_identity import PaymentIdentity
from retour.model.reasons import Reason, ReasonCode, reason
from retour.model.refunds import Evidence, Reported
from retour.rules.books import (
    BooksRead,
    as_planned,
    fits_as_planned,
    gone_meanwhile,
    gone_since_decided,
    holds_up,
    is_of_before,
    record_books,
    refunded_there,
)

TOO_LATE, NOT_REFUNDABLE = reason(ReasonCode.TOO_LATE), reason(ReasonCode.NOT_REFUNDABLE)
NOT_YET = reason(ReasonCode.NOT_YET)


def books(left: str | None = None, **said: Any) -> BooksRead:
    """What the provider says of the first payment; ``left`` is what it would still give back."""
    return BooksRead(target="p_1", remaining=None if left is None else eur(left), **said)


def read(
    known: Sequence[Event | datetime.timedelta], said: BooksRead, own: str | None = None
) -> tuple[Reason | None, list[Event]]:
    """Why what is about to go out has to wait by what the books say, and what of it is news, besides names."""
    draft = a_draft(ORDER, *known)
    refund = None if own is None else draft.dossier.refund(own)
    why = record_books(draft, ONE, said, refund)
    assert all(by == MOLLIE for by in said_by(draft)), "the provider says what is in its books"
    return why, [one for one in news(draft) if not isinstance(one, PaymentIdentified)]


# --- what is recorded ------------------------------------------------------------------------------------


def test_the_names_and_the_method_that_a_provider_tells_are_recorded() -> None:
    draft = a_draft(ORDER)
    told = BooksRead(target="pi_1", names=["ch_1", "pi_1"], method="swish", step=100)
    assert record_books(draft, ONE, told) is None
    identity = PaymentIdentity(target="pi_1", names=("pi_1", "ch_1"), method="swish", step=100)
    assert news(draft) == [PaymentIdentified(payment=ONE.id, identity=identity)]


def test_refunds_that_nobody_told_us_of_are_recorded_as_read_in_the_books() -> None:
    _, recorded = read([planned("rf")], books(seen=[seen("re_1", ours="rf"), seen("re_2", amount="5.00")]))
    assert [(type(one), one.evidence) for one in recorded if isinstance(one, RefundReported | ExternalRefundFound)] == [
        (RefundReported, Evidence.RECONCILE),
        (ExternalRefundFound, Evidence.RECONCILE),
    ]


@pytest.mark.parametrize(
    "before, told, recorded",
    [
        (None, "10.00", True),
        (None, None, False),
        (None, "0.00", False),
        ("10.00", "10.00", False),
        ("10.00", "25.00", True),
        ("10.00", "0.00", True),
        ("10.00", None, False),
    ],
)
def test_what_a_bank_took_back_is_recorded_where_it_is_news(
    before: str | None, told: str | None, recorded: bool
) -> None:
    known = [] if before is None else [taken_back(before)]
    _, events = read(known, books(charged_back=None if told is None else eur(told)))
    assert events == ([PaymentChargedBack(payment=ONE.id, amount=eur(str(told)))] if recorded else [])


@pytest.mark.parametrize(
    "before, because, disputed, recorded",
    [
        (None, TOO_LATE, False, [TOO_LATE]),
        (None, NOT_YET, False, [NOT_YET]),
        (None, None, False, []),
        (None, TOO_LATE, None, []),
        (TOO_LATE, TOO_LATE, False, []),
        (TOO_LATE, NOT_REFUNDABLE, False, [NOT_REFUNDABLE]),
        (TOO_LATE, NOT_YET, False, [NOT_YET]),
        (TOO_LATE, None, False, [None]),
        (TOO_LATE, None, None, []),
    ],
)
def test_that_nothing_goes_back_by_a_provider_is_recorded_until_it_says_otherwise(
    before: Reason | None, because: Reason | None, disputed: bool | None, recorded: Sequence[Reason | None]
) -> None:
    """A provider that could not be asked, which says nothing of disputes either, changes nothing."""
    known = [] if before is None else [PaymentNotRefundable(payment=ONE.id, because=before)]
    _, events = read(known, books(because=because, disputed=disputed))
    assert events == [PaymentNotRefundable(payment=ONE.id, because=one) for one in recorded]


# --- what is gone meanwhile ------------------------------------------------------------------------------


def meanwhile(named: str) -> Reason:
    return reason(ReasonCode.REFUNDED_MEANWHILE, named)


def bank_meanwhile(named: str, amount: str) -> Reason:
    return reason(ReasonCode.CHARGED_BACK_MEANWHILE, named, amount=f"EUR {amount}", payment=ONE.id)


@pytest.mark.parametrize(
    "known, said, why",
    [
        pytest.param([], books(seen=[]), None, id="nothing"),
        pytest.param([], books(), None, id="books that cannot be listed"),
        pytest.param(
            [],
            books(seen=[seen("re_1", amount="5.00"), seen("re_2", Reported.PENDING, "6.00")]),
            meanwhile("EUR 5.00 re_1, EUR 6.00 re_2"),
            id="two of a colleague",
        ),
        pytest.param([external("old")], books(seen=[seen("re_9")]), None, id="one that was known"),
        pytest.param(
            [external("old")],
            books(seen=[seen("re_9"), seen("re_1", amount="5.00")]),
            meanwhile("EUR 5.00 re_1"),
            id="another beside one that was known",
        ),
        pytest.param([], books(seen=[seen("re_1", Reported.FAILED)]), None, id="one that failed"),
        pytest.param(
            [planned("rf", "5.00"), failed("rf")],
            books(seen=[seen("re_1", amount="5.00", ours="rf")]),
            reason(ReasonCode.REFUNDED_MEANWHILE),
            id="one of ours that had failed and happened after all",
        ),
        pytest.param([linked("rf")], books(seen=[seen("re_1", ours="rf")]), None, id="one that counted already"),
        pytest.param([], books(charged_back=eur("7.00")), bank_meanwhile("", "7.00"), id="the bank"),
        pytest.param([taken_back("7.00")], books(charged_back=eur("7.00")), None, id="the bank, as was known"),
        pytest.param([taken_back("7.00")], books(charged_back=eur("3.00")), None, id="the bank gave some back"),
        pytest.param(
            [taken_back("7.00")],
            books(charged_back=eur("9.00"), seen=[seen("re_1", amount="5.00")]),
            bank_meanwhile("EUR 5.00 re_1", "9.00"),
            id="the bank once more, and a colleague",
        ),
    ],
)
def test_what_is_about_to_be_decided_waits_where_more_is_gone_than_was_known(
    known: Sequence[Event], said: BooksRead, why: Reason | None
) -> None:
    assert read(known, said)[0] == why


def test_one_that_is_decided_waits_for_what_is_gone_since_whoever_told_it() -> None:
    known = [external("old", "re_8", "1.00"), planned("rf"), external("new", "re_9", "5.00")]
    assert read(known, books(), "rf")[0] == meanwhile("EUR 5.00 re_9")
    assert read(known, books())[0] is None, "who decides now knows of it"
    assert read(known[:2], books(), "rf")[0] is None
    found_now = books(seen=[seen("re_1", amount="6.00")])
    assert read(known, found_now, "rf")[0] == meanwhile("EUR 5.00 re_9, EUR 6.00 re_1")


def test_one_that_is_decided_waits_for_what_the_bank_took_since() -> None:
    assert read([taken_back("3.00"), planned("rf")], books(), "rf")[0] is None
    assert read([planned("rf"), taken_back("3.00")], books(), "rf")[0] == bank_meanwhile("", "3.00")
    elsewhere = [planned("rf"), taken_back("3.00", OTHER.id), external("theirs", payment=OTHER.id)]
    assert read(elsewhere, books(), "rf")[0] is None


def test_what_is_gone_since_is_counted_from_the_place_of_the_decision_among_the_refunds() -> None:
    known = [external("old", "re_8", "1.00"), taken_back("3.00"), planned("rf")]
    before = a_draft(ORDER, *known).dossier
    assert gone_since_decided(before, ONE, before.refund("rf")) is None
    after = a_draft(ORDER, *known, taken_back("4.00")).dossier
    assert gone_since_decided(after, ONE, after.refund("rf")) == bank_meanwhile("", "4.00")


def test_more_is_gone_than_he_saw_who_decided_it() -> None:
    seen_by_him = a_draft(ORDER, external("old", "re_8", "1.00"), taken_back("3.00"))
    now = a_draft(ORDER, external("old", "re_8", "1.00"), taken_back("3.00"), external("new", "re_9", "5.00"))
    assert gone_meanwhile(seen_by_him.dossier, ONE, seen_by_him.dossier) is None
    assert gone_meanwhile(now.dossier, ONE, seen_by_him.dossier) == meanwhile("EUR 5.00 re_9")
    now.record(taken_back("3.01"))
    assert gone_meanwhile(now.dossier, ONE, seen_by_him.dossier) == bank_meanwhile("EUR 5.00 re_9", "3.01")


def test_a_colleagues_refunds_are_those_that_count_and_that_nobody_asked_retour_for() -> None:
    known = [planned("rf"), linked("by-link"), external("here"), external("failed", "re_7", status=Reported.FAILED)]
    dossier = a_draft(ORDER, *known, external("there", payment=OTHER.id)).dossier
    assert [one.id for one in refunded_there(dossier, ONE)] == ["here"]


@pytest.mark.parametrize(
    "because, let_go_after, holds",
    [
        (TOO_LATE, None, True),
        (TOO_LATE, NOT_REFUNDABLE, True),
        (TOO_LATE, TOO_LATE, False),
        (bank_meanwhile("", "3.00"), bank_meanwhile("", "3.00"), False),
        (
            reason(ReasonCode.CHARGED_BACK, amount="EUR 3.00", payment=ONE.id),
            reason(ReasonCode.CHARGED_BACK, amount="EUR 3.00", payment=ONE.id),
            True,
        ),
    ],
)
def test_a_person_lets_a_refund_go_after_what_he_has_read_and_never_after_the_bank_has_the_money(
    because: Reason, let_go_after: Reason | None, holds: bool
) -> None:
    dossier = a_draft(ORDER, planned("rf")).dossier
    assert holds_up(because, attrs.evolve(dossier.refund("rf"), let_go_after=let_go_after)) is holds


# --- what nobody can explain -----------------------------------------------------------------------------


def unexplained(left: str, expected: str) -> Reason:
    return reason(ReasonCode.NOT_EXPLAINED, left=f"EUR {left}", expected=f"EUR {expected}")


SUBMITTED = RefundSubmitted(refund_id="rf", database_at=NOON)


@pytest.mark.parametrize(
    "known, said, why",
    [
        pytest.param([], books("100.00"), None, id="all is there"),
        pytest.param([], books("99.99"), unexplained("99.99", "100.00"), id="a cent is gone"),
        pytest.param([planned("rf")], books("60.00"), None, id="one of ours was sent"),
        pytest.param([planned("rf")], books("59.99"), unexplained("59.99", "60.00"), id="and a cent more"),
        pytest.param([planned("rf"), unclear("rf")], books("60.00"), None, id="one of ours that is unknown"),
        pytest.param([planned("rf"), failed("rf")], books("60.00"), unexplained("60.00", "100.00"), id="one failed"),
        pytest.param(
            [planned("rf", hold="look")], books("60.00"), unexplained("60.00", "100.00"), id="one was never sent"
        ),
        pytest.param(
            [planned("rf", hold="look"), SUBMITTED, held("rf")], books("60.00"), None, id="one was sent and is held"
        ),
        pytest.param([linked("rf")], books("60.00"), None, id="a person followed a link"),
        pytest.param(
            [linked("rf", by_transfer=True)], books("60.00"), unexplained("60.00", "100.00"), id="a bank transfer"
        ),
        pytest.param(
            [planned("rf", payment=OTHER.id)], books("60.00"), unexplained("60.00", "100.00"), id="on the other payment"
        ),
        pytest.param(
            [planned("rf", currency="USD")], books("60.00"), unexplained("60.00", "100.00"), id="in another currency"
        ),
        pytest.param([], books("90.00", captured=eur("90.00")), None, id="the provider received less"),
        pytest.param(
            [], books("99.00", captured=eur("120.00")), unexplained("99.00", "100.00"), id="the provider received more"
        ),
        pytest.param(
            [], books("90.00", captured=Money.of("90", "USD")), unexplained("90.00", "100.00"), id="in other money"
        ),
        pytest.param([taken_back("30.00")], books("70.00", charged_back=eur("30.00")), None, id="the bank has it"),
        pytest.param(
            [taken_back("30.00")],
            books("69.99", charged_back=eur("30.00")),
            unexplained("69.99", "70.00"),
            id="the bank has it, and a cent more is gone",
        ),
        pytest.param(
            [planned("rf"), taken_back("30.00")], books("30.00", charged_back=eur("30.00")), None, id="bank and refund"
        ),
        pytest.param([planned("one", "60.00"), planned("two", "60.00")], books("0.00"), None, id="never below zero"),
        pytest.param([], BooksRead(target="p_1", remaining=Money.of("1", "USD")), None, id="left in another currency"),
    ],
)
def test_what_is_about_to_be_decided_waits_where_less_is_left_than_anything_explains(
    known: Sequence[Event], said: BooksRead, why: Reason | None
) -> None:
    assert read(known, said)[0] == why


def test_one_that_is_about_to_be_sent_has_not_lowered_what_is_left_yet() -> None:
    known = [planned("rf", database_at=NOON), reported("rf", Reported.PENDING), planned("other", "10.00")]
    assert read(known, books("90.00"), "rf")[0] is None
    assert read(known, books("80.00"), "rf")[0] == unexplained("80.00", "90.00")
    assert read(known, books("50.00"))[0] is None


in_cents = st.integers(1, 200_00)


@given(refunds=st.lists(in_cents, max_size=3), left=st.integers(0, 200_00), captured=st.none() | in_cents)
def test_what_is_left_is_explained_by_the_refunds_and_what_was_received(
    refunds: Sequence[int], left: int, captured: int | None
) -> None:
    """By plain arithmetic on minor units."""
    known = [planned(f"rf-{number}", str(eur("0.01").decimal * minor)) for number, minor in enumerate(refunds)]
    received = None if captured is None else Money(minor=captured, currency="EUR")
    why, _ = read(known, BooksRead(target="p_1", remaining=Money(minor=left, currency="EUR"), captured=received))
    expected = max(0, min(100_00, captured or 100_00) - sum(refunds))
    assert (why is None) is (left >= expected)


def told_of(left: str, expected: str) -> RemainderUnexplained:
    why = reason(ReasonCode.NOT_EXPLAINED, left=str(eur(left)), expected=str(eur(expected)))
    return RemainderUnexplained(payment=ONE.id, because=why)


@pytest.mark.parametrize(
    "known, left, told",
    [
        ([], "60.00", [told_of("60.00", "100.00")]),
        ([told_of("60.00", "100.00")], "60.00", []),
        ([told_of("60.00", "100.00")], "50.00", [told_of("50.00", "100.00")]),
        ([told_of("60.00", "100.00")], "70.00", [told_of("70.00", "100.00")]),
        ([told_of("60.00", "100.00"), external("rf", amount="20.00")], "40.00", []),
        ([told_of("60.00", "100.00")], "100.00", [RemainderUnexplained(payment=ONE.id, because=None)]),
    ],
)
def test_that_money_is_gone_which_nothing_explains_is_told_once_for_as_much(
    known: Sequence[Event], left: str, told: Sequence[Event]
) -> None:
    """What is left and what should be can become less together: the same money is gone."""
    assert read(known, books(left))[1] == told


@pytest.mark.parametrize(
    "known, news_",
    [
        ([], True),
        ([external("rf", amount="99.99")], True),
        ([external("rf", amount="100.00")], False),
        ([external("rf", amount="60.00"), taken_back("40.00")], False),
        ([external("rf", amount="60.00"), taken_back("39.99")], True),
    ],
)
def test_that_nothing_goes_back_by_a_provider_is_no_news_where_nothing_is_left(
    known: Sequence[Event], news_: bool
) -> None:
    _, recorded = read(known, books(because=TOO_LATE, disputed=False))
    assert [one for one in recorded if isinstance(one, PaymentNotRefundable)] == (
        [PaymentNotRefundable(payment=ONE.id, because=TOO_LATE)] if news_ else []
    )


def test_that_money_goes_back_by_a_provider_after_all_is_news_also_where_nothing_is_left() -> None:
    known = [PaymentNotRefundable(payment=ONE.id, because=TOO_LATE), external("rf", amount="100.00")]
    assert read(known, books(disputed=False))[1] == [PaymentNotRefundable(payment=ONE.id, because=None)]


# --- a refund of before the order was in another currency ------------------------------------------------

IN_DOLLARS = attrs.evolve(ONE, captured=Money.of("110.00", "USD"))


def test_a_payment_is_read_for_a_refund_in_the_currency_that_it_had_when_that_was_planned() -> None:
    refund = a_draft(ORDER, planned("rf")).dossier.refund("rf")
    assert is_of_before(IN_DOLLARS, refund)
    assert as_planned(IN_DOLLARS, refund) == attrs.evolve(ONE, captured=eur("40.00"))
    assert not is_of_before(ONE, refund)
    assert as_planned(ONE, refund) == ONE


@pytest.mark.parametrize(
    "known, said, fits",
    [
        ([], {"captured": eur("100.00"), "remaining": eur("100.00")}, True),
        ([], {"captured": eur("40.00"), "remaining": eur("40.00")}, True),
        ([], {"captured": eur("39.99"), "remaining": eur("40.00")}, False),
        ([], {"captured": eur("40.00"), "remaining": eur("39.99")}, False),
        ([], {"captured": eur("100.00"), "remaining": eur("40.00"), "charged_back": eur("60.00")}, True),
        ([], {"captured": eur("100.00"), "remaining": eur("40.00"), "charged_back": eur("60.01")}, False),
        ([], {"captured": None, "remaining": eur("100.00")}, False),
        ([], {"captured": eur("100.00"), "remaining": None}, False),
        ([], {"captured": Money.of("100.00", "USD"), "remaining": eur("100.00")}, False),
        ([], {"captured": eur("100.00"), "remaining": Money.of("100.00", "USD")}, False),
        ([external("rf2", amount="60.00")], {"captured": eur("100.00"), "remaining": eur("40.00")}, True),
        ([external("rf2", amount="60.01")], {"captured": eur("100.00"), "remaining": eur("40.00")}, False),
        ([planned("rf2", "60.01"), failed("rf2")], {"captured": eur("100.00"), "remaining": eur("40.00")}, True),
        ([external("rf2", currency="USD")], {"captured": eur("100.00"), "remaining": eur("40.00")}, False),
    ],
)
def test_a_refund_is_finished_in_the_currency_it_was_planned_in_where_the_provider_has_as_much(
    known: Sequence[Event], said: dict[str, Any], fits: bool
) -> None:
    dossier = a_draft(ORDER, planned("rf"), *known).dossier
    refund = dossier.refund("rf")
    told = BooksRead(target="p_1", **said)
    assert fits_as_planned(dossier, IN_DOLLARS, refund, told) is fits
    assert not fits_as_planned(dossier, ONE, refund, told), "it is in no other currency"


# --- disputes, and what a provider does not show ---------------------------------------------------------


def disputed(*, over: bool = False, only_whole: bool = False) -> PaymentDisputed:
    return PaymentDisputed(payment=ONE.id, disputed=not over, only_whole=only_whole)


@pytest.mark.parametrize(
    "known, said, told",
    [
        ([], {"disputed": None}, []),
        ([], {"disputed": False}, []),
        ([], {"disputed": True}, [disputed()]),
        ([], {"disputed": True, "only_whole": True}, [disputed(only_whole=True)]),
        ([disputed()], {"disputed": None}, []),
        ([disputed()], {"disputed": True}, []),
        ([disputed()], {"disputed": True, "only_whole": True}, [disputed(only_whole=True)]),
        ([disputed(only_whole=True)], {"disputed": True, "only_whole": True}, []),
        ([disputed(only_whole=True)], {"disputed": True}, [disputed()]),
        ([disputed(only_whole=True)], {"disputed": False, "only_whole": True}, [disputed(over=True)]),
        ([disputed(), disputed(over=True)], {"disputed": False}, []),
    ],
)
def test_a_dispute_is_told_where_it_is_news(
    known: Sequence[Event], said: dict[str, Any], told: Sequence[Event]
) -> None:
    assert read(known, books(**said))[1] == told


REVERSED = ReversalNotShown(payment=ONE.id)
SILENT = reason(ReasonCode.REFUNDS_NOT_SHOWN)
NOT_SHOWN, SHOWN = (RefundsNotShown(payment=ONE.id, because=why) for why in (SILENT, None))


@pytest.mark.parametrize(
    "known, said, told",
    [
        ([], {"taken_back": True}, [REVERSED]),
        ([], {"taken_back": False}, []),
        ([REVERSED], {"taken_back": True}, []),
        ([], {"taken_back": True, "charged_back": eur("0.00")}, [REVERSED]),
        ([taken_back("5.00")], {"taken_back": True, "charged_back": eur("5.00")}, []),
        ([], {"not_shown": SILENT}, [NOT_SHOWN]),
        ([NOT_SHOWN], {"not_shown": SILENT}, []),
        ([NOT_SHOWN], {"seen": []}, [SHOWN]),
        ([NOT_SHOWN], {"seen": None}, []),
        ([NOT_SHOWN, SHOWN], {"seen": []}, []),
        ([], {"seen": []}, []),
        ([], {"seen": None}, []),
    ],
)
def test_what_a_provider_does_not_show_is_told_once_and_when_it_does_after_all(
    known: Sequence[Event], said: dict[str, Any], told: Sequence[Event]
) -> None:
    assert read(known, books(**said))[1] == told
