"""When money goes back by bank transfer in place of the way it came in, what is recorded of it, and what stops it; and
what stands in every way back."""

from __future__ import annotations

import datetime
from collections.abc import Sequence

import attrs
import pytest
from drafts import ACTORS, DATABASE, IN_WORDS, NOON, a_draft, eur, news, refused, said_by, words
from goods_events import requested
from refund_events import (
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
    taken_back,
    unclear,
)

from retour import ActorKind, BankAccount, Consent, ConsentWay, Money, Payment
from retour.model.destinations import Destination, RefundDestination, account_as_words
from retour.model.dossier import Dossier
from retour.model.errors import ConsentMissing, InvalidAmount, NotAllowed, UnknownReturn, WrongState
from retour.model.events.books import RefundsNotShown
from retour.model.events.charge_backs import PaymentDisputed, ReversalNotShown
from retour.model.events.event import Event
from retour.model.events.money import RefundCancelled, RefundReversed
from retour.model.events.payment_identity import PaymentIdentified
from retour.model.events.transfers import (
    PaymentNotRefundable,
    RefundConsentRecorded,
    RefundTransferPlanned,
    RefundTransferReleased,
)
from retour.model.payment_identity import PaymentIdentity
from retour.model.reasons import Reason, ReasonCode, as_reason, reason
from retour.model.refunds import Reported
from retour.providers.capabilities import AmountStep, PaymentCapabilities
from retour.rules.amount_steps import (
    Payable,
    check_step,
    in_whole_steps,
    known_step,
    less_than_a_step,
    payable,
    safe_step,
)
from retour.rules.closed_ways import refuse_not_now, why_nobody_knows, why_not_now, why_nothing_is_suggested
from retour.rules.draft import Draft
from retour.rules.transfers import (
    check_consent,
    instead_of_transferring,
    is_another_way,
    is_past_window,
    plan_transfer,
    refuse_transfer,
    why_by_transfer,
    why_not_transferred,
)

Known = Event | datetime.timedelta
TO = BankAccount(name="J. Jansen", iban="NL91 ABNA 0417 1643 00")
ELSEWHERE = BankAccount(name="J. Jansen", iban="NL20INGB0001234567")
AGREED = Consent(how=ConsentWay.PHONE, note="she called")
HELD = reason(ReasonCode.HELD)
DAY = datetime.timedelta(days=1)


def knows(*known: Known) -> Dossier:
    return a_draft(ORDER, *known).dossier


# --- deciding it -----------------------------------------------------------------------------------------


def test_a_bank_transfer_is_decided_with_where_it_goes_and_how_the_customer_agreed() -> None:
    draft = a_draft(ORDER, requested("rt-1", cup=1))
    refund_id = plan_transfer(
        draft, ORDER, ONE, eur("40.00"), TO, AGREED, hold=HELD, return_id="rt-1", note="card is closed"
    )
    decided, agreed = news(draft)
    assert isinstance(decided, RefundTransferPlanned)
    assert decided == RefundTransferPlanned(
        refund_id=refund_id,
        payment=ONE.id,
        amount=eur("40.00"),
        to=RefundDestination(kind=Destination.BANK_ACCOUNT, account_id=decided.to.account_id),
        return_id="rt-1",
        hold=HELD,
        note_id=decided.note_id,
        database_at=DATABASE.earliest,
    )
    assert isinstance(agreed, RefundConsentRecorded)
    assert agreed == RefundConsentRecorded(refund_id=refund_id, how=ConsentWay.PHONE, note_id=agreed.note_id)
    assert refund_id == "rf-1"
    assert [words(draft, one) for one in (decided.to.account_id, decided.note_id, agreed.note_id)] == [
        account_as_words(TO),
        "card is closed",
        "she called",
    ]


def test_a_consent_that_is_not_needed_is_not_recorded() -> None:
    draft = a_draft(ORDER)
    plan_transfer(draft, ORDER, ONE, eur("40.00"), TO, None)
    (decided,) = news(draft)
    assert isinstance(decided, RefundTransferPlanned)
    assert (decided.hold, decided.return_id, decided.in_place_of, decided.note_id) == (None, None, None, None)


@pytest.mark.parametrize("kind", list(ActorKind))
def test_staff_and_the_system_decide_transfers(kind: ActorKind) -> None:
    actor = ACTORS[kind]
    draft = a_draft(ORDER, by=actor)
    if kind in (ActorKind.STAFF, ActorKind.SYSTEM):
        plan_transfer(draft, ORDER, ONE, eur("40.00"), TO, None)
        assert said_by(draft) == [actor]
    else:
        with refused(NotAllowed, f"Order 1001: {IN_WORDS[kind]} may not make a refund; staff may."):
            plan_transfer(draft, ORDER, ONE, eur("40.00"), TO, None)


def test_a_transfer_is_within_what_is_left_and_for_a_return_that_is_there() -> None:
    with refused(
        InvalidAmount,
        "Order 1001: €100.01 is more than the €100.00 that is left of payment p_1 (Mollie) (€100.00 was paid).",
    ):
        plan_transfer(a_draft(ORDER), ORDER, ONE, eur("100.01"), TO, None)
    with pytest.raises(UnknownReturn):
        plan_transfer(a_draft(ORDER), ORDER, ONE, eur("1.00"), TO, None, return_id="rt-1")


def in_place_of(draft: Draft, refund_id: str = "rf", amount: str = "40.00") -> str:
    return plan_transfer(draft, ORDER, ONE, eur(amount), TO, None, instead_of=refund_id)


@pytest.mark.parametrize(
    "known, cancelled",
    [
        ((linked("rf", "100.00"),), True),
        ((planned("rf", "100.00", hold=HELD),), True),
        ((planned("rf", "100.00"), failed("rf")), False),
        ((confirmed("rf", "re_1", "100.00"), RefundReversed(refund_id="rf", reference="bk")), False),
    ],
)
def test_one_that_waits_is_cancelled_and_of_one_that_did_not_arrive_there_is_nothing_to_cancel(
    known: Sequence[Known], cancelled: bool
) -> None:
    draft = a_draft(ORDER, *known)
    in_place_of(draft, amount="100.00")
    *before, decided = news(draft)
    assert before == ([RefundCancelled(refund_id="rf", because=reason(ReasonCode.REPLACED))] if cancelled else [])
    assert isinstance(decided, RefundTransferPlanned)
    assert decided.in_place_of == "rf"


def test_each_is_replaced_once() -> None:
    draft = a_draft(ORDER, planned("rf"), failed("rf"))
    first = in_place_of(draft)
    with refused(WrongState, f"Order 1001: refund {first} of €40.00 was made in place of refund rf already."):
        in_place_of(draft)
    draft.record(RefundCancelled(refund_id=first))
    in_place_of(draft)
    other = a_draft(ORDER, planned("rf"), failed("rf"), linked("rf2", "30.00"))
    in_place_of(other)
    assert len(news(other)) == 1, "what stands in the place of none is no second one"


def test_one_that_may_be_under_way_is_not_replaced() -> None:
    with refused(WrongState, "Order 1001: refund rf of €40.00 is started, so it cannot be cancelled."):
        in_place_of(a_draft(ORDER, planned("rf")))


# --- consent ---------------------------------------------------------------------------------------------

PAID_BY = attrs.evolve(ONE, payer=BankAccount(name="J. Jansen", iban="NL91ABNA0417164300"))
NO_CONSENT = (
    "Order 1001: €40.00 of payment p_1 (Mollie) would go back another way than the customer paid, and that needs his "
    "consent. Ask him, and record how he agreed. Nothing was changed."
)


@pytest.mark.parametrize(
    "payment, to, by_transfer, another",
    [
        (PAID_BY, TO, True, False),
        (PAID_BY, ELSEWHERE, True, True),
        (ONE, ELSEWHERE, True, False),
        (PAID_BY, TO, False, True),
        (ONE, TO, False, True),
    ],
)
def test_money_that_goes_another_way_than_it_came_needs_the_customers_consent(
    payment: Payment, to: BankAccount, by_transfer: bool, another: bool
) -> None:
    assert is_another_way(payment, to, by_transfer=by_transfer) is another
    check_consent(ORDER, payment, eur("40.00"), to, AGREED, by_transfer=by_transfer)
    if another:
        with refused(ConsentMissing, NO_CONSENT, in_code="consent=Consent(how=ConsentWay.EMAIL)"):
            check_consent(ORDER, payment, eur("40.00"), to, None, by_transfer=by_transfer)
    else:
        check_consent(ORDER, payment, eur("40.00"), to, None, by_transfer=by_transfer)


# --- when it is the way ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "days, ago, past",
    [
        (30, 31 * DAY, False),
        (30, 31 * DAY + datetime.timedelta(seconds=1), True),
        (0, DAY, False),
        (0, 2 * DAY, True),
        (None, 900 * DAY, False),
        (30, None, False),
    ],
)
def test_a_payment_is_too_old_a_day_after_its_last_one(
    days: int | None, ago: datetime.timedelta | None, past: bool
) -> None:
    payment = attrs.evolve(ONE, paid_at=None if ago is None else NOON - ago)
    assert is_past_window(payment, days, NOON) is past


CAN = PaymentCapabilities()
NEVER_BY_SWISH = PaymentCapabilities(never_refunded=frozenset({"swish"}))
TOO_LATE = PaymentNotRefundable(payment=ONE.id, because=reason(ReasonCode.TOO_LATE))
DID_NOT_ARRIVE = reason(ReasonCode.DID_NOT_ARRIVE)
NEVER = reason(ReasonCode.NOT_REFUNDABLE)
NOT_THERE = (planned("rf"), reported("rf", Reported.FAILED))
CLOSED = (planned("rf"), attrs.evolve(NOT_THERE[1], because=as_reason("account closed")))
SWISH = PaymentIdentified(payment=ONE.id, identity=PaymentIdentity(target="p_1", names=("p_1",), method="swish"))


@pytest.mark.parametrize(
    "known, declared, why",
    [
        ((), CAN, None),
        ((), None, None),
        ((TOO_LATE,), CAN, reason(ReasonCode.TOO_LATE)),
        ((PaymentNotRefundable(payment=ONE.id, because=reason(ReasonCode.NOT_YET)),), CAN, None),
        ((), PaymentCapabilities(currencies=frozenset({"EUR"})), None),
        (
            (),
            PaymentCapabilities(currencies=frozenset({"SEK"})),
            reason(ReasonCode.CURRENCY_NOT_REFUNDED, currency="EUR"),
        ),
        (
            (SWISH,),
            PaymentCapabilities(never_refunded=frozenset({"swish"})),
            reason(ReasonCode.NOT_REFUNDABLE, "swish"),
        ),
        ((), PaymentCapabilities(never_refunded=frozenset({"swish"})), None),
        ((), PaymentCapabilities(refund_window_days=30), None),
        ((), PaymentCapabilities(refund_window_days=3), reason(ReasonCode.TOO_LATE)),
        (
            (),
            PaymentCapabilities(steps=(AmountStep(currency="EUR", minor_units=5000),)),
            reason(ReasonCode.LESS_THAN_A_STEP, step="EUR 50.00"),
        ),
        (NOT_THERE, CAN, DID_NOT_ARRIVE),
        (NOT_THERE, None, DID_NOT_ARRIVE),
        (CLOSED, CAN, reason(ReasonCode.DID_NOT_ARRIVE, "account closed")),
        ((*NOT_THERE, external("rf2")), CAN, None),
        ((*NOT_THERE, linked("rf2")), CAN, DID_NOT_ARRIVE),
        ((*NOT_THERE, planned("rf2", hold=HELD), RefundCancelled(refund_id="rf2")), CAN, DID_NOT_ARRIVE),
        ((external("rf2"), *NOT_THERE), CAN, DID_NOT_ARRIVE),
        ((external("rf2", status=Reported.FAILED),), CAN, DID_NOT_ARRIVE),
        ((linked("rf"), confirmed("rf", "re_1"), reported("rf", Reported.FAILED)), CAN, DID_NOT_ARRIVE),
        ((planned("rf"), failed("rf")), CAN, None),
        ((planned("rf", payment=OTHER.id), reported("rf", Reported.FAILED)), CAN, None),
        ((planned("rf"), unclear("rf"), held("rf", NEVER)), CAN, NEVER),
        ((planned("rf"), reported("rf"), reported("rf", Reported.FAILED)), CAN, DID_NOT_ARRIVE),
    ],
)
def test_money_goes_by_bank_transfer_where_its_provider_cannot_or_could_not(
    known: Sequence[Known], declared: PaymentCapabilities | None, why: Reason | None
) -> None:
    payment = attrs.evolve(ONE, paid_at=NOON - 10 * DAY)
    found = why_by_transfer(knows(*known), payment, eur("40.00"), declared, NOON)
    assert found == why


# --- what stops one that waits ---------------------------------------------------------------------------

WAITS = RefundTransferPlanned(
    refund_id="rf",
    payment=ONE.id,
    amount=eur("40.00"),
    to=RefundDestination(kind=Destination.BANK_ACCOUNT, account_id="ba-1"),
)
DISPUTE = PaymentDisputed(payment=ONE.id, disputed=True)
SHOWN_NOT = RefundsNotShown(payment=ONE.id, because=reason(ReasonCode.REFUNDS_NOT_SHOWN))
MORE = reason(ReasonCode.MORE_WENT_BACK)
LOOK = "Look at the other refunds of the payment; cancel this one, and refund anew what is still owed."


@pytest.mark.parametrize(
    "before, after, why",
    [
        ((), (), None),
        ((), (planned("rf2", "60.00"),), None),
        ((), (planned("rf2", "60.01"),), MORE),
        ((), (DISPUTE,), reason(ReasonCode.DISPUTED)),
        ((), (planned("rf2", "60.01"), DISPUTE), reason(ReasonCode.DISPUTED)),
        ((), (external("rf2", "re_9", "5.00"),), reason(ReasonCode.REFUNDED_MEANWHILE, "EUR 5.00 re_9")),
        ((external("rf2", "re_9", "5.00"),), (), None),
        ((), (ReversalNotShown(payment=ONE.id),), reason(ReasonCode.REVERSAL_NOT_SHOWN)),
        ((), (taken_back("70.00"),), reason(ReasonCode.CHARGED_BACK, amount="EUR 70.00", payment=ONE.id)),
    ],
)
def test_a_transfer_that_waits_is_not_made_where_its_money_may_be_gone(
    before: Sequence[Known], after: Sequence[Known], why: Reason | None
) -> None:
    dossier = knows(*before, WAITS, *after)
    refund = dossier.refund("rf")
    assert why_not_transferred(dossier, ONE, refund) == why
    if why is None:
        refuse_transfer(dossier, ONE, refund)
        return
    advice = "Wait until the dispute is decided; if the customer wins it, cancel this refund."
    with refused(
        WrongState,
        f"Order 1001: refund rf of €40.00 must not be transferred as things are now: {why.words}. "
        f"{advice if why.code is ReasonCode.DISPUTED else LOOK}",
    ):
        refuse_transfer(dossier, ONE, refund)
    assert str(instead_of_transferring(why)) == (advice if why.code is ReasonCode.DISPUTED else LOOK)


def test_a_person_who_has_read_why_can_let_it_go_and_not_while_it_is_disputed() -> None:
    let_go = [WAITS, external("rf2", "re_9", "5.00")]
    meanwhile = reason(ReasonCode.REFUNDED_MEANWHILE, "EUR 5.00 re_9")
    known = [*let_go, held("rf", meanwhile), RefundTransferReleased(refund_id="rf")]
    dossier = knows(*known)
    assert why_not_transferred(dossier, ONE, dossier.refund("rf")) is None
    disputed = knows(*known, DISPUTE)
    assert why_not_transferred(disputed, ONE, disputed.refund("rf")) == reason(ReasonCode.DISPUTED)


# --- every way is closed ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "known, amount, why",
    [
        ((), "40.00", None),
        ((TOO_LATE,), "40.00", None),
        *[
            ((PaymentNotRefundable(payment=ONE.id, because=reason(code)),), "40.00", reason(code))
            for code in (ReasonCode.DISPUTED, ReasonCode.ALREADY_REFUNDED, ReasonCode.NOT_YET)
        ],
        ((PaymentDisputed(payment=ONE.id, disputed=True, only_whole=True),), "40.00", reason(ReasonCode.ONLY_WHOLE)),
        ((PaymentDisputed(payment=ONE.id, disputed=True, only_whole=True),), "100.00", None),
        ((DISPUTE,), "40.00", None),
        (
            (
                PaymentDisputed(payment=ONE.id, disputed=True, only_whole=True),
                PaymentNotRefundable(payment=ONE.id, because=reason(ReasonCode.DISPUTED)),
            ),
            "40.00",
            reason(ReasonCode.DISPUTED),
        ),
    ],
)
def test_nothing_goes_back_any_way_while_the_money_is_not_the_customers_to_have(
    known: Sequence[Known], amount: str, why: Reason | None
) -> None:
    dossier = knows(*known)
    assert why_nothing_is_suggested(dossier, ONE, eur(amount)) == why
    assert (why_not_now(dossier, ONE) is not None) == (why is not None and why.code is not ReasonCode.ONLY_WHOLE)
    assert why_nothing_is_suggested(dossier, OTHER, eur(amount)) is None
    if why is None:
        refuse_not_now(dossier, ORDER, ONE, eur(amount))
        return
    with refused(WrongState, f"Order 1001: €{amount} of payment p_1 (Mollie) cannot be refunded now: {why.words}."):
        refuse_not_now(dossier, ORDER, ONE, eur(amount))


@pytest.mark.parametrize(
    "known, why",
    [
        ((), None),
        ((SHOWN_NOT,), SHOWN_NOT.because),
        ((ReversalNotShown(payment=ONE.id),), reason(ReasonCode.REVERSAL_NOT_SHOWN)),
        ((SHOWN_NOT, ReversalNotShown(payment=ONE.id)), reason(ReasonCode.REVERSAL_NOT_SHOWN)),
    ],
)
def test_nobody_knows_what_is_gone_where_the_provider_does_not_show_it(
    known: Sequence[Known], why: Reason | None
) -> None:
    dossier = knows(*known)
    assert why_nobody_knows(dossier, ONE) == why
    assert why_nothing_is_suggested(dossier, ONE, eur("40.00")) == why
    refuse_not_now(dossier, ORDER, ONE, eur("40.00"))


# --- amounts that a provider can pay ---------------------------------------------------------------------


def cents(minor: int) -> Money:
    return Money(minor=minor, currency="EUR")


@pytest.mark.parametrize(
    "owed, left, step, known, amount, never",
    [
        (100, 500, 1, None, 100, 0),
        (149, 500, 100, None, 100, 0),
        (150, 500, 100, None, 200, 0),
        (149, 149, 100, None, 100, 49),
        (150, 150, 100, None, 100, 50),
        (160, 150, 100, None, 100, 50),
        (151, 151, 3, None, 150, 1),
        (152, 152, 3, None, 150, 2),
        (151, 500, 3, None, 150, 0),
        (152, 500, 3, None, 153, 0),
        (150, 150, 100, 1, 100, 0),
        (150, 150, 100, 40, 100, 30),
        (0, 0, 100, None, 0, 0),
    ],
)
def test_the_nearest_amount_in_whole_steps_is_paid_and_what_no_step_pays_is_told(
    owed: int, left: int, step: int, known: int | None, amount: int, never: int
) -> None:
    assert payable(cents(owed), cents(left), step, known) == Payable(amount=cents(amount), never=cents(never))


@pytest.mark.parametrize("minor, step, most", [(149, 100, 100), (200, 100, 200), (99, 100, 0), (7, 1, 7)])
def test_the_most_that_can_be_paid_in_whole_steps(minor: int, step: int, most: int) -> None:
    assert in_whole_steps(cents(minor), step) == cents(most)


def test_less_than_a_step_can_never_be_paid() -> None:
    assert less_than_a_step(cents(99), 100) == reason(ReasonCode.LESS_THAN_A_STEP, step="EUR 1.00")
    assert less_than_a_step(cents(100), 100) is None


STEPS = PaymentCapabilities(
    steps=(
        AmountStep(currency="EUR", minor_units=5),
        AmountStep(currency="EUR", minor_units=100, method="swish"),
        AmountStep(currency="HUF", minor_units=1000),
    )
)


def identified(method: str = "", step: int = 1) -> PaymentIdentified:
    identity = PaymentIdentity(target="p_1", names=("p_1",), method=method, step=step)
    return PaymentIdentified(payment=ONE.id, identity=identity)


@pytest.mark.parametrize(
    "known, declared, step, safe",
    [
        ((), None, 1, 1),
        ((), STEPS, 5, 100),
        ((identified("swish"),), STEPS, 100, 100),
        ((identified("card"),), STEPS, 5, 5),
        ((identified(step=50),), STEPS, 50, 100),
        ((identified(step=2),), STEPS, 2, 100),
        ((identified("card", step=50),), STEPS, 5, 5),
        ((identified(),), STEPS, 5, 100),
        ((identified(step=50),), None, 1, 1),
    ],
)
def test_the_step_of_a_payment_is_by_how_it_was_paid_and_the_largest_where_nobody_knows(
    known: Sequence[Known], declared: PaymentCapabilities | None, step: int, safe: int
) -> None:
    dossier = knows(*known)
    assert known_step(dossier, ONE, declared) == step
    assert safe_step(dossier, ONE, declared) == safe


NEVER_PAID = "so {amount} of payment p_1 cannot be refunded there."


@pytest.mark.parametrize(
    "minor, left, advice",
    [
        (4950, 10000, "Refund €49.00 or €50.00."),
        (4950, 5000, "Refund €49.00 or €50.00."),
        (4950, 4999, "Refund €49.00, and the rest by bank transfer."),
        (99, 10000, "Refund it by bank transfer."),
    ],
)
def test_an_amount_that_no_step_pays_is_refused_with_those_beside_it(minor: int, left: int, advice: str) -> None:
    amount = cents(minor)
    by_transfer = "refund(..., to=BankAccount(...), consent=Consent(...))"
    with refused(
        InvalidAmount,
        f"Order 1001: Mollie pays EUR back in steps of €1.00, {NEVER_PAID.format(amount=amount.render())} {advice}",
        in_code=by_transfer if "transfer" in advice else "",
    ):
        check_step(ORDER, ONE, amount, cents(left), 100)
    check_step(ORDER, ONE, cents(minor - minor % 100), cents(left), 100)
