"""What the rows of lists tell of an order's money: what went back, what of that waits, and what is suggested."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from drafts import a_draft, eur
from goods_events import found, order_became, received
from refund_events import ORDER, OTHER, external, failed, linked, planned, reported, settled

from retour import Money
from retour.model.dossier import Dossier
from retour.model.events.event import Event
from retour.model.refunds import Reported
from retour.model.summaries import OrderAmounts
from retour.rules.amounts import order_amounts
from retour.testing import a_line, a_payment, an_order

ONE_BACK, BOTH_BACK = received("rt", "rc", found("cup", 1)), received("rt", "rc", found("cup", 2))
PAID = [planned("rf"), reported("rf")]


@pytest.mark.parametrize(
    "known, refunded, waiting, suggested",
    [
        ([], [], [], "0.00"),
        ([ONE_BACK], [], [], "100.00"),
        ([ONE_BACK, *PAID], ["40.00"], [], "60.00"),
        ([ONE_BACK, planned("rf")], ["40.00"], ["40.00"], "60.00"),
        ([ONE_BACK, *PAID, linked("rg", "30.00")], ["70.00"], ["30.00"], "30.00"),
        ([ONE_BACK, planned("rf"), failed("rf")], [], [], "100.00"),
        ([ONE_BACK, planned("rf"), *settled("rf", happened=True)], ["40.00"], [], "60.00"),
        ([ONE_BACK, *PAID, linked("rg", "60.00")], ["100.00"], ["60.00"], "0.00"),
        ([ONE_BACK, *PAID, linked("rg", "60.00"), linked("rh", "50.00", OTHER.id)], ["150.00"], ["110.00"], "0.00"),
        ([BOTH_BACK, *PAID], ["40.00"], [], "160.00"),
    ],
)
def test_what_went_back_what_waits_and_what_is_suggested(
    known: Sequence[Event], refunded: Sequence[str], waiting: Sequence[str], suggested: str
) -> None:
    assert order_amounts(a_draft(ORDER, *known).dossier) == OrderAmounts(
        refunded=tuple([eur(one) for one in refunded]),
        waiting=tuple([eur(one) for one in waiting]),
        suggested=eur(suggested),
    )


def test_money_of_several_currencies_is_told_apart_by_their_names() -> None:
    pending = external("rg", currency="CHF", status=Reported.PENDING)
    amounts = order_amounts(a_draft(ORDER, ONE_BACK, *PAID, pending).dossier)
    francs = Money.of("40.00", "CHF")
    assert (amounts.refunded, amounts.waiting) == ((francs, eur("40.00")), (francs,))
    assert amounts.suggested == eur("0.00"), "nobody can count them together"


def test_what_is_still_due_for_the_rest_is_taken_off_what_is_suggested() -> None:
    less = an_order(a_line("cup", 2, "200.00"), payments=[a_payment("130.00", reference="p_1")])
    assert order_amounts(a_draft(ORDER, ONE_BACK, order_became(less)).dossier).suggested == eur("30.00")


def test_of_an_order_that_nobody_has_seen_nothing_is_told() -> None:
    assert order_amounts(Dossier(order_id="1001")) == OrderAmounts()
