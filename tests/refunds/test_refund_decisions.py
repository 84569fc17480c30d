"""What staff decides about refunds: what is recorded of it, who may, and what is refused in which words."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Sequence
from typing import Any

import attrs
import pytest
from drafts import ACTORS, DATABASE, IN_WORDS, NOON, a_draft, eur, news, refused, said_by, words
from goods_events import order_became, requested
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

from retour import ActorKind, Money
from retour.model.destinations import Destination, RefundDestination
from retour.model.dossier import Dossier
from retour.model.errors import (
    ConsentMissing,
    InvalidAmount,
    InvalidArgument,
    InvalidReference,
    NotAllowed,
    RetourError,
    UnknownReturn,
    WrongState,
)
from retour.model.events.event import Event
from retour.model.events.money import (
    RefundCancelAsked,
    RefundCancelled,
    RefundConfirmed,
    RefundHandedOver,
    RefundHeld,
    RefundLinkOpened,
    RefundMatched,
    RefundPaidOnce,
    RefundPaidTwice,
    RefundPlanned,
    RefundRefused,
    RefundReversed,
    RefundSettled,
    RefundSubmitted,
    RefundUnclear,
)
from retour.model.events.transfers import RefundTransferPlanned, RefundTransferReleased
from retour.model.reasons import ReasonCode, reason
from retour.model.refunds import REFUND_WORDS, Evidence, RefundInstruction, Reported
from retour.rules import refunds
from retour.rules.draft import Draft
from retour.rules.matching import record_reports

Known = Event | datetime.timedelta
READ = NOON + datetime.timedelta(minutes=50)
HELD = reason(ReasonCode.HELD)


def sole(draft: Draft) -> Any:
    """The one event that was recorded."""
    (event,) = news(draft)
    return event


# --- deciding --------------------------------------------------------------------------------------------


def test_a_refund_by_api_is_decided_with_all_that_will_be_sent() -> None:
    draft = a_draft(ORDER, requested("rt-1", cup=1))
    refund_id = refunds.plan(
        draft,
        ORDER,
        ONE,
        eur("40.00"),
        "ch_1",
        step=5,
        hold=HELD,
        page="https://provider.example/ch_1",
        return_id="rt-1",
        note="as agreed",
        read_at=READ,
    )
    event = sole(draft)
    assert event == RefundPlanned(
        refund_id=refund_id,
        payment=ONE.id,
        amount=eur("40.00"),
        sent=RefundInstruction(target="ch_1", key=refund_id, description="Retour 1001"),
        return_id="rt-1",
        hold=HELD,
        note_id=event.note_id,
        page="https://provider.example/ch_1",
        books_read=True,
        read_at=READ,
        database_at=DATABASE.earliest,
        step=5,
    )
    assert refund_id == "rf-1"
    assert words(draft, event.note_id) == "as agreed"


def test_a_refund_by_api_needs_no_more_than_an_amount() -> None:
    draft = a_draft(ORDER)
    refunds.plan(draft, ORDER, ONE, eur("0.01"), "p_1", page="http://provider.example")
    event = sole(draft)
    assert (event.step, event.hold, event.page, event.return_id, event.note_id) == (1, None, "", None, None)
    assert (event.books_read, event.read_at) == (False, None)


def test_a_refund_that_waited_is_cancelled_by_the_one_in_its_place() -> None:
    draft = a_draft(ORDER, linked("rf", "70.00"))
    refunds.plan(draft, ORDER, ONE, eur("100.00"), "p_1", instead_of="rf")
    assert [type(one) for one in news(draft)] == [RefundCancelled, RefundPlanned]
    assert news(draft)[0] == RefundCancelled(refund_id="rf", because=reason(ReasonCode.REPLACED))


def test_a_link_that_is_opened_reserves_its_amount() -> None:
    draft = a_draft(ORDER, requested("rt-1", cup=1))
    refund_id = refunds.open_link(
        draft, ORDER, ONE, eur("40.00"), "rt-1", "by phone", by_transfer=True, lacks_consent=True, step=5
    )
    event = sole(draft)
    assert event == RefundLinkOpened(
        refund_id=refund_id,
        payment=ONE.id,
        amount=eur("40.00"),
        return_id="rt-1",
        note_id=event.note_id,
        by_transfer=True,
        lacks_consent=True,
        database_at=DATABASE.earliest,
        step=5,
    )
    assert refund_id == "rf-1"
    assert words(draft, event.note_id) == "by phone"


def test_a_link_is_to_the_provider_where_nothing_else_is_said() -> None:
    draft = a_draft(ORDER)
    refunds.open_link(draft, ORDER, ONE, eur("40.01"), None, None)
    assert (sole(draft).by_transfer, sole(draft).lacks_consent, sole(draft).step) == (False, False, 1)


DECIDING: dict[str, Callable[[Draft, Money, str | None], object]] = {
    "by API": lambda draft, amount, return_id: refunds.plan(draft, ORDER, ONE, amount, "p_1", return_id=return_id),
    "by link": lambda draft, amount, return_id: refunds.open_link(draft, ORDER, ONE, amount, return_id, None),
}
deciding = pytest.mark.parametrize("decide", DECIDING.values(), ids=DECIDING)

IS_UNCLEAR = (
    "Order 1001: it is not clear yet whether €40.00 of payment p_1 (Mollie) went back (refund rf). Wait until the "
    "provider has said so, or settle that refund yourself."
)


@deciding
def test_nothing_else_is_offered_for_money_of_which_it_is_unclear_whether_it_went_back(
    decide: Callable[[Draft, Money, str | None], object],
) -> None:
    draft = a_draft(ORDER, planned("rf"), unclear("rf"))
    with refused(WrongState, IS_UNCLEAR):
        decide(draft, eur("1.00"), None)
    decide(a_draft(ORDER, planned("rf", payment=OTHER.id), unclear("rf")), eur("1.00"), None)


@deciding
def test_a_refund_is_for_a_return_that_is_there_or_for_none(
    decide: Callable[[Draft, Money, str | None], object],
) -> None:
    with pytest.raises(UnknownReturn):
        decide(a_draft(ORDER), eur("1.00"), "rt-1")


@deciding
def test_nothing_is_sent_where_a_refund_in_another_currency_cannot_be_counted(
    decide: Callable[[Draft, Money, str | None], object],
) -> None:
    draft = a_draft(ORDER, external("rf", amount="7.00", currency="USD"))
    if decide is DECIDING["by API"]:
        with refused(
            WrongState,
            "Order 1001: refund rf of USD 7.00 on payment p_1 (Mollie) is in another currency than the order is in now "
            "(EUR), so what is left cannot be counted. Look at the provider what went back, refund the rest there, and "
            "confirm it here.",
        ):
            decide(draft, eur("1.00"), None)
        assert news(draft) == []
    decide(a_draft(ORDER, external("rf", payment=OTHER.id, currency="USD")), eur("1.00"), None)


@deciding
@pytest.mark.parametrize(
    "known, amount, sentence",
    [
        ((), "0.00", "Order 1001: a refund is above zero, not €0.00."),
        ((), "-1.00", "Order 1001: a refund is above zero, not -€1.00."),
        (
            (linked("rf", "60.00"),),
            "40.01",
            "Order 1001: €40.01 is more than the €40.00 that is left of payment p_1 (Mollie) (€100.00 was paid).",
        ),
        (
            (taken_back("70.00"),),
            "30.01",
            "Order 1001: €30.01 is more than the €30.00 that is left of payment p_1 (Mollie) (€100.00 was paid). The "
            "customer's bank took back €70.00.",
        ),
        (
            (taken_back("70.00"), external("rf", amount="40.00")),
            "0.01",
            "Order 1001: €0.01 is more than the €0.00 that is left of payment p_1 (Mollie) (€100.00 was paid). The "
            "customer's bank took back €70.00.",
        ),
        (
            (external("rf", "re_9", "80.00"), external("rf2", "re_8", "10.00")),
            "10.01",
            "Order 1001: €10.01 is more than the €10.00 that is left of payment p_1 (Mollie) (€100.00 was paid). "
            "At the provider went back: €80.00 (re_9), €10.00 (re_8).",
        ),
        (
            (external("rf", "re_9", "100.00"), external("rf2", "re_8", "10.00")),
            "0.01",
            "Order 1001: €0.01 is more than the €0.00 that is left of payment p_1 (Mollie) (€100.00 was paid). At the "
            "provider went back: €100.00 (re_9), €10.00 (re_8).",
        ),
        (
            (planned("rf", "100.00"), planned("rf2", "1.00")),
            "0.01",
            "Order 1001: €0.01 is more than the €0.00 that is left of payment p_1 (Mollie) (€100.00 was paid).",
        ),
    ],
)
def test_no_more_goes_back_than_is_left_of_a_payment(
    decide: Callable[[Draft, Money, str | None], object], known: Sequence[Known], amount: str, sentence: str
) -> None:
    draft = a_draft(ORDER, *known)
    with refused(InvalidAmount, sentence):
        decide(draft, eur(amount), None)
    assert news(draft) == []


@deciding
@pytest.mark.parametrize(
    "known, left",
    [
        ((), "100.00"),
        ((linked("rf", "60.00"),), "40.00"),
        ((taken_back("70.00"),), "30.00"),
        ((external("rf", amount="80.00"),), "20.00"),
        ((linked("rf", "100.00", OTHER.id), taken_back("1.00", OTHER.id)), "100.00"),
    ],
)
def test_all_that_is_left_can_go_back(
    decide: Callable[[Draft, Money, str | None], object], known: Sequence[Known], left: str
) -> None:
    draft = a_draft(ORDER, *known)
    decide(draft, eur(left), None)
    assert len(news(draft)) == 1


@deciding
def test_an_amount_is_money_of_the_orders_currency(decide: Callable[[Draft, Any, str | None], object]) -> None:
    with refused(InvalidAmount, "Order 1001: 40 is no amount of money in EUR.", in_code='Money.of("12.34", "EUR")'):
        decide(a_draft(ORDER), "40", None)
    with refused(InvalidAmount, "Order 1001 was paid in EUR; $1.00 is another currency."):
        decide(a_draft(ORDER), Money.of("1.00", "USD"), None)


@pytest.mark.parametrize("by_link", [True, False])
def test_an_amount_is_in_the_steps_of_its_provider(by_link: bool) -> None:
    """What is named beside it is no more than what is left."""
    draft = a_draft(ORDER, linked("rf", "60.00"))
    sentence = (
        "Order 1001: Mollie pays EUR back in steps of €3.00, so €40.00 of payment p_1 cannot be refunded "
        "there. Refund €39.00, and the rest by bank transfer."
    )
    with refused(InvalidAmount, sentence):
        if by_link:
            refunds.open_link(draft, ORDER, ONE, eur("40.00"), None, None, step=300)
        else:
            refunds.plan(draft, ORDER, ONE, eur("40.00"), "p_1", step=300)


# --- who may ---------------------------------------------------------------------------------------------

FOUND = external("ext", "re_9")
STAFF = {ActorKind.STAFF}
AS_WELL = {ActorKind.STAFF, ActorKind.SYSTEM}
DONE: list[tuple[str, Sequence[Known], set[ActorKind], Callable[[Draft], object]]] = [
    ("make a refund", (), AS_WELL, lambda d: refunds.plan(d, ORDER, ONE, eur("1.00"), "p_1")),
    ("make a refund", (), STAFF, lambda d: refunds.open_link(d, ORDER, ONE, eur("1.00"), None, None)),
    ("make a refund", (planned("rf", hold=HELD),), STAFF, lambda d: refunds.retry(d, "rf")),
    (
        "hand a refund to the bank",
        (linked("rf", by_transfer=True),),
        AS_WELL,
        lambda d: refunds.set_batch(d, "rf", "b"),
    ),
    ("confirm a refund", (), STAFF, lambda d: refunds.confirm(d, ORDER, ONE, eur("1.00"), "re_1", None, None)),
    (
        "confirm a refund",
        (planned("rf"), unclear("rf")),
        STAFF,
        lambda d: refunds.confirm_in_place_of(d, ORDER, d.dossier.refund("rf"), ONE, "re_1", None, None),
    ),
    (
        "settle a refund",
        (planned("rf"), unclear("rf")),
        STAFF,
        lambda d: refunds.settle(d, ORDER, "rf", "seen", "", happened=False),
    ),
    ("reverse a refund", (confirmed("rf", "re_1"),), STAFF, lambda d: refunds.reverse(d, ORDER, "rf", "bk_1", None)),
    ("cancel a refund", (linked("rf"),), STAFF, lambda d: refunds.cancel(d, ORDER, "rf", None, withdrawn=False)),
    ("match refunds", (linked("rf"), FOUND), STAFF, lambda d: refunds.match(d, "rf", "ext")),
]


@pytest.mark.parametrize("what, known, who, does", DONE, ids=[f"{one[0]} {n}" for n, one in enumerate(DONE)])
@pytest.mark.parametrize("kind", list(ActorKind))
def test_who_may_do_it(
    kind: ActorKind, what: str, known: Sequence[Known], who: set[ActorKind], does: Callable[[Draft], object]
) -> None:
    actor = ACTORS[kind]
    draft = a_draft(ORDER, *known, by=actor)
    if kind in who:
        does(draft)
        assert set(said_by(draft)) == {actor}
        return
    with refused(NotAllowed, f"Order 1001: {IN_WORDS[kind]} may not {what}; staff may."):
        does(draft)
    assert news(draft) == []


# --- the file for the bank -------------------------------------------------------------------------------

TRANSFER = linked("rf", by_transfer=True)


@pytest.mark.parametrize(
    "batches, recorded",
    [
        (["b1"], ["b1"]),
        (["b" * 35], ["b" * 35]),
        (["b1", "b1"], ["b1"]),
        (["b1", "", "b2"], ["b1", "", "b2"]),
        ([""], []),
    ],
)
def test_a_transfer_is_in_one_file_for_the_bank_at_most(batches: Sequence[str], recorded: Sequence[str]) -> None:
    draft = a_draft(ORDER, TRANSFER)
    for batch in batches:
        refunds.set_batch(draft, "rf", batch)
    assert news(draft) == [RefundHandedOver(refund_id="rf", batch=one) for one in recorded]


NO_NAME = "Order 1001: a batch's name is 1 to 35 letters without accents, digits, points and hyphens, not {!r}."


@pytest.mark.parametrize(
    "known, batch, kind, sentence",
    [
        ((TRANSFER,), "b" * 36, InvalidReference, NO_NAME.format("b" * 36)),
        ((TRANSFER,), " b", InvalidReference, NO_NAME.format(" b")),
        (
            (linked("rf"),),
            "b",
            WrongState,
            "Order 1001: refund rf of €40.00 is waiting for your refund, so it cannot be handed to the bank.",
        ),
        (
            (TRANSFER, confirmed("rf", "re_1")),
            "b",
            WrongState,
            "Order 1001: refund rf of €40.00 is refunded, so it cannot be handed to the bank.",
        ),
        (
            (linked("rf", by_transfer=True, lacks_consent=True),),
            "b",
            ConsentMissing,
            "Order 1001: refund rf of €40.00 would go back another way than the customer paid. Ask him, and record his "
            "consent first.",
        ),
        (
            (TRANSFER, RefundHandedOver(refund_id="rf", batch="b1")),
            "b2",
            WrongState,
            "Order 1001: refund rf of €40.00 is in batch b1 already, which the bank may pay.",
        ),
    ],
)
def test_what_cannot_be_handed_to_the_bank(
    known: Sequence[Known], batch: str, kind: type[RetourError], sentence: str
) -> None:
    draft = a_draft(ORDER, *known)
    anew = "refund(..., to=BankAccount(...), consent=Consent(...), instead_of='rf')"
    with refused(kind, sentence, in_code=anew if kind is ConsentMissing else None):
        refunds.set_batch(draft, "rf", batch)
    assert news(draft) == []


def test_one_without_consent_can_be_taken_out_of_a_file() -> None:
    draft = a_draft(ORDER, linked("rf", by_transfer=True, lacks_consent=True))
    refunds.set_batch(draft, "rf", "")
    assert news(draft) == []


# --- confirming ------------------------------------------------------------------------------------------


def confirm(draft: Draft, reference: str = "re_1", *, amount: str = "40.00", refund_id: str | None = None) -> str:
    return refunds.confirm(draft, ORDER, ONE, eur(amount), reference, None, None, refund_id)


@pytest.mark.parametrize(
    "known, named, which",
    [
        ((linked("a"),), None, "a"),
        ((linked("a"), linked("b", "30.00")), None, "a"),
        ((linked("a"), linked("b", payment=OTHER.id)), None, "a"),
        ((linked("a"), linked("b")), "b", "b"),
        ((), None, "rf-1"),
        ((planned("a", hold=HELD),), None, "rf-1"),
        ((planned("a", hold=HELD),), "a", "a"),
        ((planned("a"), unclear("a")), "a", "a"),
        ((external("a", status=Reported.PENDING), held("a")), "a", "a"),
    ],
)
def test_a_person_confirms_the_refund_that_he_names_or_the_only_one_that_waits_for_him(
    known: Sequence[Known], named: str | None, which: str
) -> None:
    draft = a_draft(ORDER, *known)
    reference = "re_9" if known and known[0] == external("a", status=Reported.PENDING) else "re_1"
    assert confirm(draft, reference, refund_id=named) == which
    assert sole(draft).refund_id == which


def test_of_two_that_wait_for_him_none_is_taken_for_the_one_that_he_made() -> None:
    draft = a_draft(ORDER, linked("a", "30.00"), linked("b", "30.00"))
    assert confirm(draft, amount="30.00") == "rf-1"


def test_a_confirmation_keeps_who_it_was_for_and_what_was_said() -> None:
    draft = a_draft(ORDER, requested("rt-1", cup=1))
    refund_id = refunds.confirm(draft, ORDER, ONE, eur("40.00"), "  re 1  ", "rt-1", "cash")
    event = sole(draft)
    assert event == RefundConfirmed(
        refund_id=refund_id,
        payment=ONE.id,
        amount=eur("40.00"),
        reference="re 1",
        return_id="rt-1",
        note_id=event.note_id,
    )
    assert words(draft, event.note_id) == "cash"


NOT_THIS = "so it cannot be confirmed with this payment and amount."


@pytest.mark.parametrize(
    "known, amount, sentence",
    [
        ((planned("rf"),), "40.00", f"Order 1001: refund rf of €40.00 is started, {NOT_THIS}"),
        ((planned("rf"), reported("rf")), "40.00", f"Order 1001: refund rf of €40.00 is refunded, {NOT_THIS}"),
        ((external("rf"),), "40.00", f"Order 1001: refund rf of €40.00 is refunded, {NOT_THIS}"),
        (
            (planned("rf"), reported("rf", Reported.PENDING), held("rf")),
            "40.00",
            f"Order 1001: refund rf of €40.00 is being processed, {NOT_THIS}",
        ),
        ((linked("rf"),), "39.00", f"Order 1001: refund rf of €40.00 is waiting for your refund, {NOT_THIS}"),
        (
            (linked("rf", payment=OTHER.id),),
            "40.00",
            f"Order 1001: refund rf of €40.00 is waiting for your refund, {NOT_THIS}",
        ),
    ],
)
def test_no_person_confirms_what_its_provider_decides_or_what_is_of_another_payment_or_amount(
    known: Sequence[Known], amount: str, sentence: str
) -> None:
    draft = a_draft(ORDER, *known)
    with refused(WrongState, sentence):
        confirm(draft, amount=amount, refund_id="rf")
    assert news(draft) == []


def test_a_refund_that_nobody_announced_is_for_a_return_that_is_there_and_within_what_is_left() -> None:
    with pytest.raises(UnknownReturn):
        refunds.confirm(a_draft(ORDER), ORDER, ONE, eur("40.00"), "re_1", "rt-1", None)
    with refused(
        InvalidAmount,
        "Order 1001: €100.01 is more than the €100.00 that is left of payment p_1 (Mollie) (€100.00 was paid).",
    ):
        confirm(a_draft(ORDER), amount="100.01")
    with refused(InvalidAmount, "Order 1001: 40 is no amount of money in EUR."):
        refunds.confirm(a_draft(ORDER, linked("rf")), ORDER, ONE, 40, "re_1", None, None, "rf")  # type: ignore[arg-type]


ONE_TO_140 = "Order 1001: give the refund's reference at the provider or the bank, 1 to 140 characters."
BEFORE = "Order 1001: refund re_1 of €30.00 was confirmed before. Two refunds have two references."


@pytest.mark.parametrize(
    "known, reference, sentence",
    [
        ((), " ", ONE_TO_140),
        ((), "r" * 141, ONE_TO_140),
        ((confirmed("rf", "re_1", "30.00"),), " re_1 ", BEFORE),
        ((confirmed("rf", "re_1", "30.00"),), "RE_1", BEFORE),
    ],
)
def test_a_reference_is_given_and_is_another_one_for_each_refund(
    known: Sequence[Known], reference: str, sentence: str
) -> None:
    with refused(InvalidReference, sentence):
        confirm(a_draft(ORDER, *known), reference)
    confirm(a_draft(ORDER, *known), "r" * 140)


def test_a_note_holds_no_card_number_and_that_is_said_before_a_provider_is_asked() -> None:
    given: Any = {"step": 1, "return_id": None, "instead_of": None}
    for note in (None, "", "she called twice"):
        refunds.check_plan(a_draft(ORDER), ORDER, ONE, eur("40.00"), note=note, **given)
    with pytest.raises(InvalidReference, match="what looks like a card number"):
        refunds.check_plan(a_draft(ORDER), ORDER, ONE, eur("40.00"), note="4111 1111 1111 1111", **given)


def test_a_reference_holds_no_card_number() -> None:
    with pytest.raises(InvalidReference, match="what looks like a card number"):
        confirm(a_draft(ORDER), "4111 1111 1111 1111")


@pytest.mark.parametrize(
    "known",
    [
        (external("rf", "re_9", status=Reported.PENDING), held("rf")),
        (planned("rf"), reported("rf", Reported.PENDING, "re_9"), unclear("rf")),
    ],
)
def test_what_was_found_is_confirmed_by_the_reference_it_was_found_under(known: Sequence[Known]) -> None:
    sentence = (
        "Order 1001: refund rf of €40.00 was found under the reference re_9. Confirm it with that one, so that it is "
        "known when it is found again."
    )
    draft = a_draft(ORDER, *known)
    with refused(InvalidReference, sentence):
        confirm(draft, "re_1", refund_id="rf")
    confirm(draft, "RE_9", refund_id="rf")
    assert sole(draft).reference == "re_9", "as the provider writes it"


# --- in the place of one that was unknown ----------------------------------------------------------------


@pytest.mark.parametrize("counts", [True, False])
def test_a_refund_by_hand_in_the_place_of_another_is_a_record_of_its_own(counts: bool) -> None:
    """Where both were made, it was paid twice."""
    known = [planned("rf"), unclear("rf"), *([] if counts else [reported("rf", Reported.FAILED)])]
    draft = a_draft(ORDER, requested("rt-1", cup=1), *known)
    before = draft.dossier.refund("rf")
    refund_id = refunds.confirm_in_place_of(draft, ORDER, before, ONE, " re_2 ", "rt-1", "by bank")
    first, *more = news(draft)
    assert isinstance(first, RefundConfirmed)
    assert first == RefundConfirmed(
        refund_id=refund_id,
        payment=ONE.id,
        amount=eur("40.00"),
        reference="re_2",
        return_id="rt-1",
        note_id=first.note_id,
        in_place_of="rf",
    )
    assert (refund_id, words(draft, first.note_id)) == ("rf-1", "by bank")
    assert more == ([RefundPaidTwice(refund_id=refund_id, other_id="rf")] if counts else [])
    with pytest.raises(UnknownReturn):
        refunds.confirm_in_place_of(a_draft(ORDER, *known), ORDER, before, ONE, "re_2", "rt-1", None)


# --- a person's word -------------------------------------------------------------------------------------


def settle(draft: Draft, *, happened: bool, reference: str = "", evidence: str = "seen") -> None:
    refunds.settle(draft, ORDER, "rf", evidence, reference, happened=happened)


@pytest.mark.parametrize(
    "happened, reference, recorded", [(True, " re_1 ", "re_1"), (False, "re_1", ""), (False, "", "")]
)
def test_a_persons_word_on_an_unknown_refund_is_recorded_with_how_he_knows(
    happened: bool, reference: str, recorded: str
) -> None:
    draft = a_draft(ORDER, planned("rf"), unclear("rf"))
    settle(draft, happened=happened, reference=reference, evidence=" seen at the bank ")
    event = sole(draft)
    assert event == RefundSettled(refund_id="rf", happened=happened, reference=recorded, note_id=event.note_id)
    assert words(draft, event.note_id) == "seen at the bank"
    settle(draft, happened=happened, reference=reference)
    assert len(news(draft)) == 1, "the same word again changes nothing"
    settle(draft, happened=not happened, reference="re_1")
    assert len(news(draft)) == 2, "another one is his word from now on"


def test_a_person_may_give_another_reference_than_his_own_and_any_where_none_was_found() -> None:
    draft = a_draft(ORDER, planned("rf"), unclear("rf"))
    for happened, reference in ((True, "re_1"), (False, ""), (True, "re_2")):
        settle(draft, happened=happened, reference=reference)
    assert draft.dossier.refund("rf").reference == "re_2"
    nameless = a_draft(ORDER, planned("rf"), reported("rf", Reported.PENDING, ""))
    settle(nameless, happened=True, reference="re_1")
    assert sole(nameless).reference == "re_1"


def test_without_another_reference_it_is_settled_under_its_own() -> None:
    draft = a_draft(ORDER, planned("rf"), reported("rf", Reported.PENDING, "re_5"))
    settle(draft, happened=True, reference=" ")
    assert sole(draft).reference == "re_5"


def test_a_persons_word_frees_the_money_that_another_refund_paid() -> None:
    draft = a_draft(ORDER, planned("rf"), unclear("rf"), confirmed("rf2", "re_2", in_place_of="rf"), twice("rf2", "rf"))
    settle(draft, happened=False)
    assert news(draft)[1:] == [RefundPaidOnce(refund_id="rf2", other_id="rf")]


def test_a_persons_word_says_how_he_knows() -> None:
    with refused(InvalidArgument, "Order 1001: say how you know what became of the refund, for whoever asks later."):
        settle(a_draft(ORDER, planned("rf"), unclear("rf")), happened=False, evidence=" ")


@pytest.mark.parametrize(
    "known, may",
    [
        ((planned("rf"),), False),
        ((planned("rf"), unclear("rf")), True),
        ((planned("rf"), reported("rf", Reported.PENDING)), True),
        ((planned("rf"), reported("rf")), False),
        ((planned("rf"), failed("rf")), False),
        ((linked("rf"),), False),
        ((planned("rf"), *settled("rf", happened=True)), True),
        ((planned("rf"), *settled("rf", happened=False)), True),
        ((planned("rf"), *settled("rf", happened=True), reported("rf", Reported.PENDING)), True),
        ((planned("rf"), reported("rf", Reported.PENDING), *settled("rf", happened=True), twice("rf", "rf2")), True),
        ((planned("rf"), *settled("rf", happened=True), reported("rf")), False),
        ((confirmed("rf", "re_1"),), False),
    ],
)
def test_a_persons_word_counts_where_the_providers_is_not_to_be_had(known: Sequence[Known], may: bool) -> None:
    draft = a_draft(ORDER, *known)
    refund = draft.dossier.refund("rf")
    assert refunds.may_be_settled(refund) is may
    if not may:
        state = REFUND_WORDS[refund.state]
        with refused(WrongState, f"Order 1001: refund rf of €40.00 is {state}, so it cannot be settled."):
            settle(draft, happened=False)


def test_where_the_provider_says_something_else_a_person_may_say_which_it_is() -> None:
    draft = a_draft(ORDER, planned("rf"), *settled("rf", happened=True))
    record_reports(draft, ONE, [seen("re_1", Reported.FAILED, ours="rf")], Evidence.RECONCILE)
    refund = draft.dossier.refund("rf")
    assert refund.contradicted
    assert refunds.may_be_settled(refund)
    settle(draft, happened=True, reference="re_1")
    assert isinstance(news(draft)[-1], RefundSettled), "he knew what its provider said"
    recorded = len(news(draft))
    settle(draft, happened=True, reference="re_1")
    assert len(news(draft)) == recorded


def test_one_that_the_provider_certainly_does_not_have_is_refused_by_the_provider() -> None:
    draft = a_draft(ORDER, planned("rf"), unclear("rf"))
    refunds.did_not_happen(draft, "rf")
    assert news(draft) == [RefundRefused(refund_id="rf", because=reason(ReasonCode.DID_NOT_HAPPEN))]
    assert said_by(draft) == [MOLLIE]


# --- money that came back --------------------------------------------------------------------------------


def test_money_that_came_back_is_recorded_once_and_frees_the_one_beside_it() -> None:
    draft = a_draft(ORDER, confirmed("rf", "re_1"), linked("rf2"), twice("rf2", "rf"))
    refunds.reverse(draft, ORDER, "rf", " bk_1 ", "account closed")
    first, *more = news(draft)
    assert isinstance(first, RefundReversed)
    assert first == RefundReversed(refund_id="rf", reference="bk_1", note_id=first.note_id)
    assert words(draft, first.note_id) == "account closed"
    assert more == [RefundPaidOnce(refund_id="rf2", other_id="rf")]
    refunds.reverse(draft, ORDER, "rf", "bk_1", None)
    assert len(news(draft)) == 2
    with refused(InvalidReference, BEFORE.replace("30.00", "40.00")):
        refunds.reverse(a_draft(ORDER, confirmed("rf", "re_1")), ORDER, "rf", "re_1", None)


@pytest.mark.parametrize(
    "known, state", [((linked("rf"),), "waiting for your refund"), ((planned("rf"), reported("rf")), "refunded")]
)
def test_what_a_provider_said_or_nobody_did_no_person_takes_back(known: Sequence[Known], state: str) -> None:
    sentence = (
        f"Order 1001: refund rf of €40.00 is {state}, so it cannot be reversed here. Have the order checked at the "
        "provider."
    )
    with refused(WrongState, sentence, in_code="reconcile('1001')"):
        refunds.reverse(a_draft(ORDER, *known), ORDER, "rf", "bk_1", None)


# --- what is left ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "known, payment, currency, left",
    [
        ((), ONE.id, "EUR", "100.00"),
        ((planned("rf"),), ONE.id, "EUR", "60.00"),
        ((planned("rf"), failed("rf")), ONE.id, "EUR", "100.00"),
        ((planned("rf"), taken_back("25.00")), ONE.id, "EUR", "35.00"),
        ((planned("rf", payment=OTHER.id), taken_back("25.00", OTHER.id)), ONE.id, "EUR", "100.00"),
        ((planned("rf"), unclear("rf")), ONE.id, "EUR", None),
        ((planned("rf", payment=OTHER.id), unclear("rf")), ONE.id, "EUR", "100.00"),
        ((external("rf", currency="USD"),), ONE.id, "EUR", None),
        ((), ONE.id, "USD", None),
        ((), "mollie:p_9", "EUR", None),
        ((planned("rf", payment=OTHER.id), order_became(attrs.evolve(ORDER, payments=(ONE,)))), ONE.id, "EUR", None),
        ((planned("rf", payment=OTHER.id), order_became(attrs.evolve(ORDER, payments=(ONE,)))), OTHER.id, "EUR", None),
    ],
)
def test_what_is_left_of_a_payment_is_told_where_nothing_about_it_is_unclear(
    known: Sequence[Known], payment: str, currency: str, left: str | None
) -> None:
    dossier = a_draft(ORDER, *known).dossier
    assert refunds.left_to_refund(dossier, payment, currency) == (None if left is None else eur(left))


def test_of_an_order_that_nobody_has_seen_nothing_is_known_to_be_left() -> None:
    assert refunds.left_to_refund(Dossier(order_id="1001"), ONE.id, "EUR") is None


# --- cancelling ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "known, withdrawn, recorded",
    [
        ((linked("rf"),), False, RefundCancelled),
        ((planned("rf", hold=HELD),), False, RefundCancelled),
        ((planned("rf"),), True, RefundCancelled),
        ((planned("rf"), reported("rf", Reported.PENDING)), False, RefundCancelAsked),
        ((planned("rf"), reported("rf", Reported.PENDING)), True, RefundCancelAsked),
    ],
)
def test_what_was_not_sent_is_cancelled_and_what_the_provider_has_is_asked_for_once(
    known: Sequence[Known], withdrawn: bool, recorded: type[RefundCancelled | RefundCancelAsked]
) -> None:
    draft = a_draft(ORDER, *known)
    refunds.cancel(draft, ORDER, "rf", "not needed", withdrawn=withdrawn)
    event = sole(draft)
    assert event == recorded(refund_id="rf", note_id=event.note_id)
    assert words(draft, event.note_id) == "not needed"
    if recorded is RefundCancelAsked:
        refunds.cancel(draft, ORDER, "rf", None, withdrawn=withdrawn)
        assert len(news(draft)) == 1


@pytest.mark.parametrize(
    "known, withdrawn, state",
    [
        ((planned("rf"),), False, "started"),
        ((planned("rf"), reported("rf")), True, "refunded"),
        ((planned("rf"), unclear("rf")), True, "unknown"),
        ((external("rf", status=Reported.PENDING),), False, "being processed"),
    ],
)
def test_what_may_be_under_way_or_is_done_is_not_cancelled(known: Sequence[Known], withdrawn: bool, state: str) -> None:
    with refused(WrongState, f"Order 1001: refund rf of €40.00 is {state}, so it cannot be cancelled."):
        refunds.cancel(a_draft(ORDER, *known), ORDER, "rf", None, withdrawn=withdrawn)


def test_one_in_a_file_for_the_bank_is_taken_out_before_it_is_cancelled() -> None:
    draft = a_draft(ORDER, TRANSFER, RefundHandedOver(refund_id="rf", batch="b1"))
    with refused(
        WrongState,
        "Order 1001: refund rf of €40.00 is in batch b1, which the bank may pay. Take it out at the bank and here, "
        "then cancel it.",
        in_code="set_refund_batch('1001', 'rf', \"\", ...)",
    ):
        refunds.cancel(draft, ORDER, "rf", None, withdrawn=False)


@pytest.mark.parametrize("known, state", [((planned("rf"),), "started"), ((confirmed("rf", "re_1"),), "refunded")])
def test_a_person_makes_what_waits_for_him(known: Sequence[Known], state: str) -> None:
    assert refunds.waiting(a_draft(ORDER, linked("rf")).dossier, "rf").id == "rf"
    with refused(WrongState, f"Order 1001: refund rf of €40.00 is {state}, so it cannot be made by hand.", in_code=""):
        refunds.waiting(a_draft(ORDER, *known).dossier, "rf")


# --- letting it go on ------------------------------------------------------------------------------------


@pytest.mark.parametrize("read_at", [None, READ])
def test_one_that_was_held_is_sent_with_its_own_key(read_at: datetime.datetime | None) -> None:
    draft = a_draft(ORDER, planned("rf", hold=HELD))
    refunds.retry(draft, "rf", read_at=read_at)
    assert news(draft) == [
        RefundSubmitted(refund_id="rf", books_read=read_at is not None, read_at=read_at, database_at=DATABASE.earliest)
    ]


def test_a_transfer_that_was_held_may_be_made_now() -> None:
    transfer = RefundTransferPlanned(
        refund_id="rf",
        payment=ONE.id,
        amount=eur("40.00"),
        to=RefundDestination(kind=Destination.BANK_ACCOUNT, account_id="ba-1"),
        hold=HELD,
    )
    draft = a_draft(ORDER, transfer)
    refunds.retry(draft, "rf")
    assert news(draft) == [RefundTransferReleased(refund_id="rf")]


def test_one_that_is_unknown_is_looked_up() -> None:
    draft = a_draft(ORDER, planned("rf"), unclear("rf"), held("rf", HELD))
    refunds.retry(draft, "rf", reason(ReasonCode.MORE_WENT_BACK))
    assert news(draft) == [RefundUnclear(refund_id="rf", because=HELD, database_at=DATABASE.latest)]


def test_one_waits_all_the_same_for_what_its_person_was_not_told_yet() -> None:
    told, new = reason(ReasonCode.MORE_WENT_BACK), reason(ReasonCode.CHARGED_BACK, amount="1", payment=ONE.id)
    draft = a_draft(ORDER, planned("rf", hold=told))
    refunds.retry(draft, "rf", new)
    assert news(draft) == [RefundHeld(refund_id="rf", because=new)]
    knew = a_draft(ORDER, planned("rf", hold=told))
    refunds.retry(knew, "rf", told)
    assert isinstance(sole(knew), RefundSubmitted)


@pytest.mark.parametrize(
    "known, state",
    [
        ((planned("rf"),), "started"),
        ((planned("rf"), unclear("rf")), "unknown"),
        ((planned("rf"), reported("rf", Reported.PENDING), held("rf")), "being processed"),
    ],
)
def test_only_one_that_waits_for_a_person_is_tried_again(known: Sequence[Known], state: str) -> None:
    with refused(WrongState, f"Order 1001: refund rf of €40.00 is {state}, so it cannot be tried again."):
        refunds.retry(a_draft(ORDER, *known), "rf")


# --- matching by hand ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "known, may",
    [
        ((linked("rf"), FOUND), True),
        ((planned("rf"), unclear("rf"), FOUND), True),
        ((confirmed("rf", "re_1"), FOUND), True),
        ((planned("rf"), FOUND), False),
        ((linked("rf", "41.00"), FOUND), False),
        ((linked("rf", payment=OTHER.id), FOUND), False),
        ((planned("rf"), reported("rf"), FOUND), False),
        ((external("rf", "re_8"), FOUND), False),
        ((linked("rf"), linked("ext")), False),
    ],
)
def test_a_refund_that_was_found_can_be_one_of_the_same_payment_and_amount_that_nobody_reported(
    known: Sequence[Known], may: bool
) -> None:
    draft = a_draft(ORDER, *known)
    if may:
        refunds.match(draft, "rf", "ext")
        assert news(draft) == [RefundMatched(refund_id="rf", external_id="ext")]
        return
    with refused(
        WrongState,
        "Order 1001: refunds rf and ext are not one: match a refund found at the provider with one of the same payment "
        "and amount that waits, is unknown, or was confirmed by a person.",
    ):
        refunds.match(draft, "rf", "ext")
