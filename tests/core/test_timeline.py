"""The timeline: who did what and when, for the staff and for the customer, in their language."""

from __future__ import annotations

import datetime
from collections.abc import Iterator

import attrs
import pytest

from retour import (
    Actor,
    Audience,
    Counted,
    MemoryShop,
    Money,
    Objection,
    Order,
    RestockDecision,
    ReturnDesk,
    hookimpl,
)
from retour.model.errors import InvalidArgument
from retour.testing import a_line, an_order

ANNA = Actor.staff("anna")
START = datetime.datetime(2026, 11, 20, 9, 12, tzinfo=datetime.UTC)


def order() -> Order:
    plain = an_order(a_line("theepot", 1, "50.00"), a_line("kop", 2, "40.00"), customer="c-17")
    paid = attrs.evolve(plain.payments[0], paid_at=START + datetime.timedelta(minutes=1))
    return attrs.evolve(plain, placed_at=START, payments=(paid,))


@pytest.fixture
def desk() -> ReturnDesk:
    def clock() -> Iterator[datetime.datetime]:
        at = START + datetime.timedelta(days=7)
        while True:
            yield at
            at += datetime.timedelta(seconds=1)

    ticks = clock()
    return ReturnDesk(shop=MemoryShop([order()]), store="sqlite://", clock=lambda: next(ticks))


def told(desk: ReturnDesk, language: str, audience: str = "staff") -> list[str]:
    return [
        f"{entry.by.kind.value} {entry.by.id}: {entry.text(language)}".replace("\xa0", " ")
        for entry in desk.timeline("1001", audience)
    ]


def a_whole_return(desk: ReturnDesk) -> None:
    outcome = desk.mark_returned(
        "1001",
        [Counted(line_id="theepot", sellable=1), Counted(line_id="kop", sellable=1, damaged=1)],
        by=ANNA,
        request_id="form-1",
        note="box was wet",
    )
    desk.answer_restock("1001", outcome.return_id, RestockDecision.lines({"theepot": 1}), by=ANNA)
    desk.confirm_refund("1001", "tr_1001", Money.of("90.00", "EUR"), reference="re_1", by=ANNA, request_id="form-2")


def test_the_staff_reads_everything_in_dutch(desk: ReturnDesk) -> None:
    a_whole_return(desk)
    assert told(desk, "nl") == [
        "customer c-17: Bestelling geplaatst",
        "provider mollie: € 90,00 betaald",
        "staff anna: Geretourneerd: 1 × Theepot, 2 × Kop (1 beschadigd). De hele bestelling is terug.",
        "system policy: De voorraad is nog niet bijgewerkt; er staat een vraag voor je open.",
        "staff anna: 1 stuk naar de voorraad: 1 × Theepot. Handmatig te boeken: 1 × Kop",
        "system retour: Voorraad geboekt: +1 × Theepot",
        "staff anna: € 90,00 terugbetaald, kenmerk re_1",
    ]


def test_the_customer_reads_what_concerns_him_and_no_name_of_the_staff(desk: ReturnDesk) -> None:
    a_whole_return(desk)
    assert told(desk, "en", "customer") == [
        "customer c-17: Order placed",
        "provider mollie: €90.00 paid",
        "staff : Returned: 1 × Theepot, 2 × Kop (1 damaged). The whole order is back.",
        "staff : €90.00 refunded, reference re_1",
    ]


def test_a_note_is_shown_to_the_staff_only_and_reads_on_when_it_is_gone(desk: ReturnDesk) -> None:
    a_whole_return(desk)
    assert [entry.note for entry in desk.timeline("1001") if entry.note] == ["box was wet"]
    assert not any(entry.note for entry in desk.timeline("1001", Audience.CUSTOMER))
    with desk._services.store.engine.begin() as connection:
        connection.exec_driver_sql("DELETE FROM retour_personal")
    assert not any(entry.note for entry in desk.timeline("1001"))
    assert len(told(desk, "en")) == 7


def test_every_state_change_is_exactly_one_entry(desk: ReturnDesk) -> None:
    a_whole_return(desk)
    seqs = [entry.seq for entry in desk.timeline("1001") if entry.seq]
    assert seqs == list(range(2, desk.dossier("1001").version + 1))  # event 1 is the order itself: placed and paid


def test_an_order_without_a_return_tells_when_it_was_placed_and_paid(desk: ReturnDesk) -> None:
    assert [entry.code for entry in desk.timeline("1001")] == ["order_placed", "order_paid"]


def test_an_unknown_audience_is_refused(desk: ReturnDesk) -> None:
    with pytest.raises(InvalidArgument, match="nobody reads no timeline"):
        desk.timeline("1001", "nobody")


def test_a_changed_order_is_an_entry_and_one_that_undercuts_what_came_back_asks_for_a_look() -> None:
    shop = MemoryShop([an_order(a_line("cup", 4, "40.00"))])
    desk = ReturnDesk(shop=shop, store="sqlite://")
    desk.mark_returned("1001", {"cup": 3}, by=ANNA, request_id="form-1")
    shop.orders["1001"] = an_order(a_line("cup", 4, "40.00", fulfilled=2))
    desk.confirm_refund("1001", "tr_1001", Money.of("1", "EUR"), reference="re_1", by=ANNA, request_id="form-2")
    texts = [entry.text("en") for entry in desk.timeline("1001")]
    assert any("below what already came back or was refunded: Cup" in words for words in texts)
    assert [one.waits_for for one in desk.list_returns(waits_for="order").returns] == ["order"]
    shop.orders["1001"] = an_order(a_line("cup", 4, "40.00"))
    desk.confirm_refund("1001", "tr_1001", Money.of("1", "EUR"), reference="re_2", by=ANNA, request_id="form-3")
    assert desk.timeline("1001")[-2].text("en") == "The order was changed in the shop."
    assert desk.list_returns(waits_for="order").returns == ()


def test_a_refusal_without_a_reason_does_not_end_in_a_colon() -> None:
    class Policy:
        @hookimpl
        def return_policy(self) -> Objection:
            return Objection.refuse("")

    desk = ReturnDesk(shop=MemoryShop([order()]), store="sqlite://", plugins=[Policy()])
    desk.request_return("1001", {"kop": 1}, by=Actor.customer("c-17"), request_id="form-1")
    assert told(desk, "nl", "customer")[-1] == "system policy: Retour afgewezen"
