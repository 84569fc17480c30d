"""The matching rule as a table: which refund at the provider is which of ours."""

from __future__ import annotations

import datetime
from collections.abc import Sequence

import pytest

from retour import Actor, Money, Order
from retour.model.dossier import Dossier
from retour.model.events.event import Event
from retour.model.events.money import (
    ExternalRefundFound,
    RefundConfirmed,
    RefundLinkOpened,
    RefundPlanned,
    RefundReported,
)
from retour.model.refunds import Evidence, RefundInstruction, Reported
from retour.rules.draft import Draft
from retour.rules.matching import ReportedRefund, record_reports
from retour.testing import a_line, a_payment, an_order

OPENED = datetime.datetime(2026, 11, 24, 9, 0, 7, 400_000, tzinfo=datetime.UTC)
EUR40, EUR30 = Money.of("40", "EUR"), Money.of("30", "EUR")
ORDER: Order = an_order(
    a_line("cup", 2, "200.00"),
    payments=[a_payment("100.00", reference="p_1"), a_payment("100.00", reference="p_2")],
)
ONE, OTHER = ORDER.payments


def by_api(refund_id: str, amount: Money = EUR40) -> RefundPlanned:
    sent = RefundInstruction(target="p_1", key=refund_id, description="Return")
    return RefundPlanned(refund_id=refund_id, payment=ONE.id, amount=amount, sent=sent)


def by_link(refund_id: str, amount: Money = EUR40, payment: str = ONE.id) -> RefundLinkOpened:
    return RefundLinkOpened(refund_id=refund_id, payment=payment, amount=amount)


def confirmed(refund_id: str, reference: str) -> RefundConfirmed:
    return RefundConfirmed(refund_id=refund_id, payment=ONE.id, amount=EUR40, reference=reference)


def reported(refund_id: str, reference: str) -> RefundReported:
    return RefundReported(refund_id=refund_id, status=Reported.PENDING, reference=reference)


def made(
    reference: str,
    amount: Money = EUR40,
    *,
    ours: str = "",
    after: float = 60.0,
    status: Reported = Reported.SUCCEEDED,
    dated: bool = True,
) -> ReportedRefund:
    """A refund at the provider, made so many seconds after the links were opened."""
    created = OPENED + datetime.timedelta(seconds=after) if dated else None
    return ReportedRefund(reference=reference, status=status, amount=amount, refund_id=ours, created_at=created)


def matched(known: Sequence[Event], seen: Sequence[ReportedRefund]) -> tuple[dict[str, str], set[str]]:
    """By our id: how each refund of ours was recognised; and the references of those that are external."""
    draft = Draft(
        dossier=Dossier(order_id=ORDER.id),
        at=OPENED,
        by=Actor.system(),
        new_id=lambda kind: f"{kind}{len(draft.events)}",
    )
    draft.see(ORDER)
    for event in known:
        draft.record(event)
    before = len(draft.events)
    record_reports(draft, ONE, seen, Evidence.RECONCILE)
    news = [one.event for one in draft.events[before:]]
    again = len(draft.events)
    record_reports(draft, ONE, seen, Evidence.RECONCILE)
    assert len(draft.events) == again, "the same report again is news"
    return (
        {one.refund_id: one.matched for one in news if isinstance(one, RefundReported)},
        {one.reference for one in news if isinstance(one, ExternalRefundFound)},
    )


@pytest.mark.parametrize(
    "known, seen, ours, external",
    [
        pytest.param([by_api("rf1")], [made("re_1", ours="rf1")], {"rf1": "key"}, set(), id="our key"),
        pytest.param(
            [by_api("rf1"), by_link("rf2")],
            [made("re_1", ours="rf1")],
            {"rf1": "key"},
            set(),
            id="our key, though a link of that amount waits",
        ),
        pytest.param(
            [by_api("rf1"), by_api("rf2")],
            [made("re_2", ours="rf2"), made("re_1", ours="rf1")],
            {"rf1": "key", "rf2": "key"},
            set(),
            id="two of one amount, each by its key",
        ),
        pytest.param([by_api("rf1")], [made("re_1", EUR30, ours="rf1")], {}, {"re_1"}, id="our key, another amount"),
        pytest.param([by_api("rf1")], [made("re_1", ours="rf9")], {}, {"re_1"}, id="a key that is not ours"),
        pytest.param(
            [by_link("rf1", payment=OTHER.id)],
            [made("re_1", ours="rf1")],
            {},
            {"re_1"},
            id="our key, but that refund is on another payment",
        ),
        pytest.param(
            [by_link("rf1"), confirmed("rf1", "re_1")],
            [made("re_1")],
            {"rf1": "reference"},
            set(),
            id="the reference that a person confirmed",
        ),
        pytest.param(
            [by_link("rf1"), confirmed("rf1", "RE_1")],
            [made("re_1")],
            {"rf1": "reference"},
            set(),
            id="the reference that a person confirmed, in capitals",
        ),
        pytest.param(
            [by_link("rf1"), confirmed("rf1", "RE_1"), by_link("rf2"), confirmed("rf2", "re_1")],
            [made("re_1")],
            {"rf2": "reference"},
            set(),
            id="the very reference before one in capitals",
        ),
        pytest.param(
            [by_api("rf1"), reported("rf1", "RE_1")],
            [made("re_1")],
            {},
            {"re_1"},
            id="another reference than the provider told, though in capitals it is the same",
        ),
        pytest.param(
            [by_api("rf1"), reported("rf1", "re_1")],
            [made("re_1")],
            {"rf1": "reference"},
            set(),
            id="the reference of an earlier report",
        ),
        pytest.param(
            [by_link("rf1"), confirmed("rf1", "re_1"), by_link("rf2")],
            [made("re_1"), made("re_2")],
            {"rf1": "reference", "rf2": "amount"},
            set(),
            id="the confirmed one does not stand in the way of the other",
        ),
        pytest.param([by_link("rf1")], [made("re_1")], {"rf1": "amount"}, set(), id="one for one waiting link"),
        pytest.param(
            [by_link("rf1")], [made("re_1", after=-0.4)], {"rf1": "amount"}, set(), id="in the second of the opening"
        ),
        pytest.param([by_link("rf1")], [made("re_1", after=-0.5)], {}, {"re_1"}, id="made before the link was opened"),
        pytest.param([by_link("rf1")], [made("re_1", dated=False)], {}, {"re_1"}, id="not dated"),
        pytest.param([by_link("rf1")], [made("re_1", EUR30)], {}, {"re_1"}, id="another amount"),
        pytest.param(
            [by_link("rf1", payment=OTHER.id)], [made("re_1")], {}, {"re_1"}, id="a link for the other payment"
        ),
        pytest.param(
            [by_link("rf1")], [made("re_1"), made("re_2")], {}, {"re_1", "re_2"}, id="two candidates for one link"
        ),
        pytest.param([by_link("rf1"), by_link("rf2")], [made("re_1")], {}, {"re_1"}, id="one candidate for two links"),
        pytest.param(
            [by_link("rf1"), by_link("rf2", EUR30)],
            [made("re_1"), made("re_2", EUR30)],
            {"rf1": "amount", "rf2": "amount"},
            set(),
            id="two links of two amounts",
        ),
        pytest.param(
            [by_link("rf1")],
            [made("re_1", status=Reported.FAILED)],
            {"rf1": "amount"},
            set(),
            id="one that failed is that one all the same",
        ),
        pytest.param([by_api("rf1")], [made("re_1")], {}, {"re_1"}, id="an amount alone never settles one by API"),
        pytest.param([], [made("re_1")], {}, {"re_1"}, id="nobody asked for it"),
        pytest.param([by_api("rf1")], [], {}, set(), id="nothing is there"),
    ],
)
def test_which_refund_is_which(
    known: Sequence[Event], seen: Sequence[ReportedRefund], ours: dict[str, str], external: set[str]
) -> None:
    assert matched(known, seen) == (ours, external)
    assert matched(known, seen[::-1]) == (ours, external), "in the other order it is another"
