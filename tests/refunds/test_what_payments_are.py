"""What is known of an order's payments: which are one, which left it, and what a person says of those."""

from __future__ import annotations

from collections.abc import Sequence

import attrs
import pytest
from drafts import ACTORS, IN_WORDS, a_draft, eur, news, refused, said_by, words
from goods_events import order_became
from refund_events import MOLLIE, ONE, ORDER, OTHER, external, failed, planned, taken_back

from retour import ActorKind, Mode, Order, Payment
from retour.model.errors import NotAllowed, UnknownPayment, WrongState
from retour.model.events.event import Event
from retour.model.events.payment_identity import PaymentExplained, PaymentIdentified
from retour.model.payment_identity import PaymentIdentity
from retour.model.reasons import Reason, ReasonCode, reason
from retour.rules.payment_identity import explain, identify, identify_by_refunds, refuse_unplaced, unplaced, untold
from retour.rules.said_again import MOST_SAID_AGAIN
from retour.testing import a_line, a_payment, an_order

ALONE: Order = an_order(a_line("cup", 1, "100.00"), payments=[a_payment("100.00", reference="capture:p_1")])
(SINGLE,) = ALONE.payments


def told(payment: Payment, target: str, *names: str, method: str = "", again: int = 0) -> PaymentIdentified:
    identity = PaymentIdentity(target=target, names=names, method=method, again=again)
    return PaymentIdentified(payment=payment.id, identity=identity)


# --- what a provider calls a payment ---------------------------------------------------------------------


@pytest.mark.parametrize(
    "known, target, names, method, expected",
    [
        pytest.param([], "p_1", ["p_1"], None, None, id="the shop's own name of it is no news"),
        pytest.param([], "p_1", ["capture:p_1", "p_1"], None, None, id="nor are all of them"),
        pytest.param([], "", [], None, None, id="no name is none"),
        pytest.param([], "pi_1", ["", "ch_1"], None, told(SINGLE, "pi_1", "pi_1", "ch_1"), id="another target"),
        pytest.param([], "p_1", ["ch_1", "ch_1"], None, told(SINGLE, "p_1", "p_1", "ch_1"), id="another name"),
        pytest.param([], "p_1", [], "swish", told(SINGLE, "p_1", "p_1", method="swish"), id="the way of paying"),
        pytest.param([told(SINGLE, "p_1", "p_1", "ch_1")], "p_1", ["ch_1"], None, None, id="what was told before"),
        pytest.param(
            [told(SINGLE, "p_1", "p_1", "ch_1", again=3)], "p_1", ["ch_1"], None, None, id="also after others"
        ),
        pytest.param(
            [told(SINGLE, "p_1", "p_1", "ch_1", "ch_2")],
            "p_1",
            ["ch_2", "ch_1"],
            None,
            None,
            id="the same names in another order",
        ),
        pytest.param(
            [told(SINGLE, "p_1", "p_1", "ch_9")],
            "p_1",
            ["ch_1"],
            None,
            told(SINGLE, "p_1", "p_1", "ch_1", again=1),
            id="what was told wrong is put right",
        ),
        pytest.param(
            [told(SINGLE, "p_1", "p_1", "ch_1", method="swish")],
            "",
            ["re_1"],
            None,
            told(SINGLE, "p_1", "p_1", "ch_1", "re_1", method="swish"),
            id="a name that was learnt besides",
        ),
        pytest.param(
            [told(SINGLE, "p_1", "p_1", method="swish")],
            "p_1",
            [],
            "card",
            told(SINGLE, "p_1", "p_1", method="card", again=1),
            id="another way of paying",
        ),
        pytest.param(
            [told(SINGLE, "pi_1", "pi_1")], "p_1", [], None, told(SINGLE, "p_1", "p_1"), id="the shop's name after all"
        ),
    ],
)
def test_what_a_provider_calls_a_payment_is_recorded_where_it_is_news(
    known: Sequence[Event],
    target: str,
    names: Sequence[str],
    method: str | None,
    expected: PaymentIdentified | None,
) -> None:
    draft = a_draft(ALONE, *known)
    identify(draft, SINGLE, target, names, *([] if method is None else [method]))
    assert news(draft) == ([] if expected is None else [expected])
    assert said_by(draft) == [MOLLIE] * len(draft.events)


def beside(**more: object) -> Payment:
    return attrs.evolve(a_payment("100.00", reference="p_2"), **more)


@pytest.mark.parametrize("step, is_news", [(None, False), (1, False), (2, True)])
def test_a_step_of_more_than_one_minor_unit_is_news_and_is_kept_until_another_is_told(
    step: int | None, is_news: bool
) -> None:
    draft = a_draft(ALONE)
    identify(draft, SINGLE, "p_1", [], step=step)
    assert len(news(draft)) == is_news
    identify(draft, SINGLE, "", ["re_1"])
    assert draft.dossier.identities[SINGLE.id].step == (step or 1)
    identify(draft, SINGLE, "p_1", ["re_1"], step=5)
    assert draft.dossier.identities[SINGLE.id].step == 5


@pytest.mark.parametrize(
    "other, recorded",
    [
        (beside(), True),
        (beside(provider="stripe"), False),
        (beside(account="second"), False),
        (beside(mode=Mode.TEST), False),
    ],
)
def test_where_another_payment_is_beside_it_at_its_account_its_own_name_is_news_too(
    other: Payment, recorded: bool
) -> None:
    """Two payments can turn out to be one: both are told then."""
    order = attrs.evolve(ALONE, payments=(SINGLE, other))
    draft = a_draft(order)
    identify(draft, SINGLE, "p_1", [])
    assert news(draft) == ([told(SINGLE, "p_1", "p_1")] if recorded else [])


@pytest.mark.parametrize(
    "known, other, untold_",
    [
        ([], beside(), True),
        ([told(beside(), "p_2", "p_2")], beside(), False),
        ([], beside(account="second"), False),
    ],
)
def test_a_payment_beside_it_may_be_the_same_one_until_its_provider_was_asked(
    known: Sequence[Event], other: Payment, untold_: bool
) -> None:
    order = attrs.evolve(ALONE, payments=(SINGLE, other))
    assert untold(a_draft(order, *known).dossier, order, SINGLE) == ([other] if untold_ else [])


# --- names that are others each time ---------------------------------------------------------------------

FIRST = a_payment("100.00", reference="p_0")
AS_ONE = attrs.evolve(ALONE, payments=(FIRST, SINGLE))
MADE_ONE = [told(FIRST, "p_0", "p_0"), told(SINGLE, "p_1", "p_1", "p_0")]


@pytest.mark.parametrize("order, known", [(ALONE, [told(SINGLE, "p_1", "p_1", "x")]), (AS_ONE, MADE_ONE)])
def test_other_names_each_time_are_kept_ten_times_in_a_row(order: Order, known: Sequence[Event]) -> None:
    draft = a_draft(order, *known)
    stand_for = draft.dossier.one_with
    common = ["p_0"] if order is AS_ONE else []
    for number in range(20):
        identify(draft, SINGLE, "p_1", [*common, f"name-{number}"])
    assert news(draft) == [
        told(SINGLE, "p_1", "p_1", *common, f"name-{number}", again=number + 1) for number in range(MOST_SAID_AGAIN)
    ]
    assert draft.dossier.one_with == stand_for


def test_names_on_which_depends_which_payments_are_one_are_always_kept() -> None:
    draft = a_draft(AS_ONE, *MADE_ONE)
    for _ in range(20):
        identify(draft, SINGLE, "p_1", [])
        identify(draft, SINGLE, "p_1", ["p_0"])
    apart, one = told(SINGLE, "p_1", "p_1"), told(SINGLE, "p_1", "p_1", "p_0")
    assert news(draft) == [apart, one] * 20
    assert draft.dossier.stands_for(SINGLE.id) == FIRST.id


# --- one payment by the refunds of another --------------------------------------------------------------

CHARGE = a_payment("100.00", reference="ch_1")
TWO: Order = an_order(a_line("cup", 1, "200.00"), payments=[ONE, CHARGE])


@pytest.mark.parametrize(
    "known, references, one",
    [
        pytest.param(
            [
                told(ONE, "p_1", "p_1", "x"),
                told(CHARGE, "ch_1", "ch_1", "x"),
                external("rf", "re_1", payment=CHARGE.id),
            ],
            ["re_1"],
            False,
            id="they are one already",
        ),
        pytest.param([external("rf", "re_1", payment=CHARGE.id)], ["re_1"], False, id="no name in common"),
        pytest.param([external("rf", "", payment=CHARGE.id)], [""], False, id="a refund without a reference"),
    ],
)
def test_a_refund_that_the_provider_shows_on_two_payments_makes_them_one_by_a_common_name(
    known: Sequence[Event], references: Sequence[str], one: bool
) -> None:
    draft = a_draft(TWO, *known)
    identify_by_refunds(draft, ONE, references)
    assert bool(news(draft)) is one


PREFIXED = a_payment("100.00", reference="charge:p_1")
ALIKE: Order = an_order(a_line("cup", 1, "200.00"), payments=[ONE, PREFIXED])


@pytest.mark.parametrize(
    "references, reference, payment, one",
    [
        (["re_1"], "re_1", PREFIXED.id, True),
        (["re_1", "re_2"], "re_2", PREFIXED.id, True),
        (["re_1"], "re_2", PREFIXED.id, False),
        (["re_1"], "re_1", ONE.id, False),
    ],
)
def test_two_that_a_shop_spells_alike_are_one_where_the_provider_shows_a_refund_of_one_on_the_other(
    references: Sequence[str], reference: str, payment: str, one: bool
) -> None:
    """The shop has two at once, so it means two, unless their provider knows better."""
    draft = a_draft(ALIKE, external("rf", reference, payment=payment))
    assert draft.dossier.stands_for(PREFIXED.id) == PREFIXED.id
    identify_by_refunds(draft, ONE, references)
    assert news(draft) == ([told(ONE, "", "p_1"), told(PREFIXED, "", "p_1")] if one else [])
    assert draft.dossier.stands_for(PREFIXED.id) == (ONE.id if one else PREFIXED.id)


# --- money that nobody can place -------------------------------------------------------------------------

WITHOUT_OTHER = attrs.evolve(ORDER, payments=(ONE,))
WITHOUT_BOTH = attrs.evolve(ORDER, payments=(a_payment("200.00", reference="p_3"),))
GONE_BACK = [planned("rf", payment=OTHER.id)]


@pytest.mark.parametrize(
    "known, order, why, sentence",
    [
        pytest.param([*GONE_BACK], ORDER, None, "", id="all are there"),
        pytest.param(
            [order_became(WITHOUT_OTHER)], WITHOUT_OTHER, None, "", id="nothing went back on the one that left"
        ),
        pytest.param(
            [*GONE_BACK, failed("rf"), order_became(WITHOUT_OTHER)], WITHOUT_OTHER, None, "", id="and it failed there"
        ),
        pytest.param(
            [*GONE_BACK, taken_back("15.00", OTHER.id), order_became(WITHOUT_OTHER)],
            WITHOUT_OTHER,
            reason(ReasonCode.PAYMENT_VANISHED, payment="mollie:p_2"),
            "Order 1001: €55.00 went back, or is to go back, on payment p_2 (Mollie), which is not on the order any "
            "more. Say first what it became: another payment of the order, or none.",
            id="one left with money gone back on it",
        ),
        pytest.param(
            [*GONE_BACK, planned("rf-2"), order_became(WITHOUT_BOTH)],
            WITHOUT_BOTH,
            reason(ReasonCode.PAYMENT_VANISHED, payment="mollie:p_2, mollie:p_1"),
            "Order 1001: €40.00 went back, or is to go back, on payment p_2 (Mollie), which is not on the order any "
            "more. Say first what it became: another payment of the order, or none.",
            id="two left",
        ),
        pytest.param(
            [told(ONE, "p_1", "p_1", "p_2")],
            ORDER,
            reason(ReasonCode.PAYMENT_DOUBLED, payments="mollie:p_1, mollie:p_2"),
            "Order 1001: at the provider these are one payment: p_1 (Mollie), p_2 (Mollie). Leave one of them on the "
            "order, so that its money goes back once.",
            id="one has two names on the order",
        ),
    ],
)
def test_where_nobody_can_place_money_nothing_is_suggested_or_decided(
    known: Sequence[Event], order: Order, why: Reason | None, sentence: str
) -> None:
    dossier = a_draft(ORDER, *known).dossier
    assert unplaced(dossier) == why
    if why is None:
        refuse_unplaced(dossier, order)
        return
    vanished = why is not None and why.code is ReasonCode.PAYMENT_VANISHED
    with refused(WrongState, sentence, in_code=f"explain_payment('1001', '{OTHER.id}', ...)" if vanished else ""):
        refuse_unplaced(dossier, order)


# --- what a person says of one that left -----------------------------------------------------------------

LEFT = [*GONE_BACK, order_became(WITHOUT_OTHER)]


def explained(became: str | None) -> PaymentExplained:
    return PaymentExplained(payment=OTHER.id, became=became)


@pytest.mark.parametrize("name", [OTHER.id, OTHER.reference])
@pytest.mark.parametrize("became, now", [(ONE.id, ONE.id), (ONE.reference, ONE.id), (None, None)])
def test_a_person_says_what_a_payment_became_that_left_the_order(
    name: str, became: str | None, now: str | None
) -> None:
    draft = a_draft(ORDER, *LEFT)
    for _ in range(2):
        explain(draft, WITHOUT_OTHER, name, became, " paid anew ")
    (event,) = news(draft)
    assert words(draft, event.subject.note_id) == "paid anew"
    assert event == attrs.evolve(explained(now), note_id=event.subject.note_id)
    assert unplaced(draft.dossier) is None


@pytest.mark.parametrize(
    "before, now, recorded",
    [
        (ONE.id, ONE.id, False),
        (ONE.id, None, True),
        (None, None, False),
        (None, ONE.id, True),
    ],
)
def test_another_word_on_a_payment_that_left_is_his_word_from_now_on(
    before: str | None, now: str | None, recorded: bool
) -> None:
    draft = a_draft(ORDER, *LEFT, explained(before))
    explain(draft, WITHOUT_OTHER, OTHER.id, now, None)
    assert news(draft) == ([explained(now)] if recorded else [])


def test_what_the_order_still_has_needs_no_explaining() -> None:
    draft = a_draft(ORDER, *GONE_BACK)
    with refused(
        WrongState, "Order 1001 still has payment p_2 (Mollie), as p_2 (Mollie). There is nothing to explain."
    ):
        explain(draft, ORDER, OTHER.id, ONE.id, None)
    respelled = attrs.evolve(ORDER, payments=(ONE, a_payment("100.00", reference="capture:p_2")))
    other = a_draft(ORDER, *GONE_BACK, order_became(respelled))
    with refused(
        WrongState, "Order 1001 still has payment p_2 (Mollie), as capture:p_2 (Mollie). There is nothing to explain."
    ):
        explain(other, respelled, OTHER.id, ONE.id, None)
    assert news(draft) == news(other) == []


@pytest.mark.parametrize(
    "known, name, sentence",
    [
        (LEFT, "p_9", "Order 1001 never had a payment p_9. Those that left it are p_2 (Mollie)."),
        (GONE_BACK, "p_9", "Order 1001 never had a payment p_9. Those that left it are none."),
        (LEFT, 7, "Order 1001 never had a payment 7. Those that left it are p_2 (Mollie)."),
    ],
)
def test_what_the_order_never_had_is_not_explained(known: Sequence[Event], name: str, sentence: str) -> None:
    draft = a_draft(ORDER, *known)
    with refused(UnknownPayment, sentence):
        explain(draft, WITHOUT_OTHER, name, None, None)


def test_a_payment_becomes_one_that_the_order_has() -> None:
    draft = a_draft(ORDER, *LEFT)
    with pytest.raises(UnknownPayment):
        explain(draft, WITHOUT_OTHER, OTHER.id, "p_9", None)
    assert news(draft) == []


@pytest.mark.parametrize("kind", [ActorKind.CUSTOMER, ActorKind.PROVIDER, ActorKind.SYSTEM])
def test_staff_alone_says_what_a_payment_became(kind: ActorKind) -> None:
    draft = a_draft(ORDER, *LEFT, by=ACTORS[kind])
    sentence = f"Order 1001: {IN_WORDS[kind]} may not say what became of a payment; staff may."
    with refused(NotAllowed, sentence):
        explain(draft, WITHOUT_OTHER, OTHER.id, None, None)


def test_what_went_back_on_a_payment_that_left_is_told_with_what_a_bank_has_of_it() -> None:
    dossier = a_draft(ORDER, taken_back("15.00", OTHER.id), order_became(WITHOUT_OTHER)).dossier
    with pytest.raises(WrongState, match=f"{eur('15.00').render('en')} went back"):
        refuse_unplaced(dossier, WITHOUT_OTHER)
