"""Goods that came back and money that goes back by one press: both are decided or neither, whatever happens."""

from __future__ import annotations

import datetime
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from sqlalchemy import Connection, select, text

from retour import (
    Actor,
    Counted,
    InvalidAmount,
    InvalidQuantity,
    InvalidReference,
    MissingRequestId,
    Money,
    NotAllowed,
    Outcome,
    ProviderUnavailable,
    RequestReused,
    RestockDecision,
    StoreError,
    StoreLocked,
    UnknownPayment,
    WrongState,
    connect,
    hookimpl,
)
from retour.providers import ErrorCode, ProviderError, RefundStatus, Support
from retour.store import tables
from retour.store.commit import VersionMoved
from retour.testing import a_line, a_payment, an_order

ANNA = Actor.staff("anna")
EUR25, EUR100 = Money.of("25", "EUR"), Money.of("100", "EUR")


class RestockAll:
    """Nobody is asked about the stock."""

    name = "restock-all"

    @hookimpl
    def restock_policy(self) -> RestockDecision:
        return RestockDecision.all()


def press(world: Any, amount: Money = EUR100, lines: Any = None, request_id: str = "form", **more: Any) -> Outcome:
    outcome: Outcome = world.desk.return_and_refund(
        "1001", "p_1", amount, lines, **{"by": ANNA, "request_id": request_id, **more}
    )
    return outcome


def commits(world: Any) -> set[str]:
    """The commits of which there are events."""
    with world.desk._services.store.engine.connect() as connection:
        return set(connection.execute(select(tables.event.c.commit_id)).scalars())


def nothing_happened(world: Any) -> bool:
    dossier = world.desk.dossier("1001")
    return not dossier.returns and not dossier.refunds and world.went_back == 0 and not world.shop.stock


def test_the_goods_are_counted_and_the_money_goes_back_by_one_press(world: Any) -> None:
    outcome = press(world.open(RestockAll()))
    assert outcome.order_status == "returned"
    assert [one.goods.value for one in outcome.returns] == ["received"]
    assert outcome.refund is not None
    assert (outcome.refund.state, outcome.refund.return_id) == ("succeeded", outcome.return_id)
    assert (world.went_back, dict(world.shop.stock)) == (100_00, {"cup": 4})


def test_both_are_one_commit_before_the_provider_is_asked_to_pay(world: Any) -> None:
    world.open(RestockAll(), inline_seconds=0)
    press(world)
    assert len(commits(world)) == 1
    assert (world.ledger.calls, world.states) == (0, ["submitting"])


def test_the_merchant_is_still_asked_about_the_stock_where_no_policy_says_it(world: Any) -> None:
    world.open()
    lines = [a_line("cup", 1, "40.00"), a_line("pot", 1, "60.00")]
    paid = a_payment("100.00", provider="ledger", reference="p_1")
    world.shop.orders["1001"] = an_order(*lines, payments=[paid])
    outcome = press(world)
    assert outcome.returns[0].restock.needs_answer
    assert world.states == ["succeeded"]


def test_a_part_comes_back_and_its_part_is_paid(world: Any) -> None:
    outcome = press(world.open(RestockAll()), EUR25, {"cup": 1})
    assert outcome.order_status == "partly_returned"
    assert (world.went_back, dict(world.shop.stock)) == (25_00, {"cup": 1})
    again = press(world, EUR25, [Counted(line_id="cup", damaged=1)], request_id="another form")
    assert again.returns[0].return_id != outcome.return_id
    assert (world.went_back, dict(world.shop.stock)) == (50_00, {"cup": 1})


def test_a_double_click_counts_once_and_pays_once(world: Any) -> None:
    first, second = press(world.open(RestockAll())), press(world)
    assert (first.changed, second.changed) == (True, False)
    assert (first.return_id, first.refund) == (second.return_id, second.refund)
    assert (world.went_back, dict(world.shop.stock)) == (100_00, {"cup": 4})


def test_two_clicks_at_once_count_once_and_pay_once(world: Any) -> None:
    world.open(RestockAll())
    together, outcomes = threading.Barrier(2), []

    def click() -> None:
        together.wait()
        outcomes.append(press(world))

    threads = [threading.Thread(target=click) for _ in range(2)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert sorted(one.changed for one in outcomes) == [False, True]
    assert (world.went_back, dict(world.shop.stock)) == (100_00, {"cup": 4})


def test_the_same_form_for_something_else_is_refused(world: Any) -> None:
    press(world.open(RestockAll()), EUR25, {"cup": 1})
    with pytest.raises(RequestReused):
        press(world, EUR25, {"cup": 2})
    with pytest.raises(RequestReused):
        press(world, EUR100, {"cup": 1})


def test_goods_that_were_counted_before_are_not_counted_again_and_their_return_gets_the_refund(world: Any) -> None:
    world.open(RestockAll())
    counted = world.desk.mark_returned("1001", by=ANNA)
    outcome = press(world)
    assert outcome.refund is not None
    assert outcome.refund.return_id == counted.return_id
    assert dict(world.shop.stock) == {"cup": 4}


def test_goods_of_several_returns_have_a_refund_that_is_of_none(world: Any) -> None:
    world.open(RestockAll())
    for units in (1, 2):
        world.desk.request_return("1001", {"cup": units}, by=ANNA, request_id=f"asked-{units}")
    outcome = press(world)
    assert len(outcome.returns) == 2 + 1  # two that were announced, and the fourth cup
    assert outcome.refund is not None
    assert outcome.refund.return_id is None


REFUSED: dict[str, tuple[type[Exception], dict[str, Any]]] = {
    "more money than was paid": (InvalidAmount, {"amount": Money.of("100.01", "EUR")}),
    "money in another currency": (InvalidAmount, {"amount": Money.of("25", "USD")}),
    "more units than were sent": (InvalidQuantity, {"lines": {"cup": 5}}),
    "who may not": (NotAllowed, {"by": Actor.customer("c-17")}),
    "no form": (MissingRequestId, {"request_id": ""}),
}


@pytest.mark.parametrize("why", REFUSED)
def test_what_cannot_be_is_refused_whole_and_nobody_is_asked(world: Any, why: str) -> None:
    asked: list[str] = []
    world.open(RestockAll())
    world.ledger.watch = lambda call, _: asked.append(call)
    error, given = REFUSED[why]
    with pytest.raises(error):
        press(world, **given)
    assert asked == []
    assert nothing_happened(world)


def test_a_payment_that_is_none_of_the_orders_is_refused_whole(world: Any) -> None:
    world.open(RestockAll())
    with pytest.raises(UnknownPayment):
        world.desk.return_and_refund("1001", "p_2", EUR25, by=ANNA, request_id="form")
    assert nothing_happened(world)


def test_a_parcel_that_was_counted_before_is_refused_with_its_money(world: Any) -> None:
    press(world.open(RestockAll()), EUR25, {"cup": 1}, parcel="3S 1")
    with pytest.raises(WrongState, match="3S 1"):
        press(world, EUR25, {"cup": 1}, request_id="another form", parcel="3s1")
    assert (world.went_back, dict(world.shop.stock)) == (25_00, {"cup": 1})


def test_where_the_provider_cannot_be_asked_now_neither_is_decided(world: Any) -> None:
    world.open(RestockAll())
    world.ledger.hidden["p_1"] = ProviderError(ErrorCode.UNAVAILABLE, "try later")
    with pytest.raises(ProviderUnavailable):
        press(world)
    assert nothing_happened(world)


def test_where_the_provider_refunds_nothing_by_api_the_goods_can_be_counted_alone(world: Any) -> None:
    world.open(RestockAll(), refund_by_api=Support.PROVIDER_CANNOT)
    with pytest.raises(WrongState):
        press(world)
    assert nothing_happened(world)
    assert world.desk.mark_returned("1001", by=ANNA).order_status == "returned"


def test_what_a_colleague_refunded_in_the_dashboard_is_recorded_where_it_leaves_too_little(world: Any) -> None:
    world.open(RestockAll())
    world.ledger.add("p_1", Money.of("80", "EUR"))
    with pytest.raises(InvalidAmount):
        press(world)
    dossier = world.desk.dossier("1001")
    assert not dossier.returns
    assert [one.amount for one in dossier.refunds.values()] == [Money.of("80", "EUR")]
    assert world.went_back == 80_00


def test_what_a_colleague_refunded_is_looked_at_by_a_person_before_more_is_paid(world: Any) -> None:
    world.open(RestockAll())
    world.ledger.add("p_1", EUR25)
    outcome = press(world, EUR25, {"cup": 1})
    assert outcome.refund is not None
    assert outcome.refund.state == "planned"  # until he says that it is another one
    assert (world.went_back, dict(world.shop.stock)) == (25_00, {"cup": 1})


def test_a_refund_whose_answer_is_lost_is_unknown_and_its_goods_stay_counted(world: Any) -> None:
    world.open(RestockAll())
    world.ledger.after.append(ProviderError(ErrorCode.OUTCOME_UNKNOWN, "lost"))
    outcome = press(world)
    assert outcome.refund is not None
    assert (outcome.refund.state, outcome.order_status) == ("unknown", "returned")
    world.later()
    assert (world.states, world.went_back, dict(world.shop.stock)) == (["succeeded"], 100_00, {"cup": 4})


def test_a_stock_that_cannot_be_booked_now_holds_up_no_money(world: Any) -> None:
    world.open(RestockAll())
    world.shop.book_stock = broken
    assert press(world).refund.state == "succeeded"  # type: ignore[union-attr]
    assert not world.shop.stock
    del world.shop.book_stock
    world.later(datetime.timedelta(hours=1))
    assert dict(world.shop.stock) == {"cup": 4}


def broken(movements: object) -> None:
    raise ConnectionError("the stock is away")


def test_a_policy_that_fails_leaves_the_question_to_the_merchant_and_the_money_goes_back(world: Any) -> None:
    class Broken:
        name = "broken"

        @hookimpl
        def restock_policy(self) -> RestockDecision:
            raise RuntimeError("no idea")

    outcome = press(world.open(Broken()))
    assert outcome.returns[0].restock.needs_answer
    assert world.states == ["succeeded"]


def test_somebody_who_counts_at_the_same_moment_is_seen_and_nothing_is_counted_twice(world: Any) -> None:
    world.open(RestockAll())
    colleague = threading.Thread(
        target=lambda: world.desk.mark_returned("1001", {"cup": 1}, by=Actor.staff("ben"), request_id="ben's")
    )

    def meanwhile(call: str, _: object) -> None:
        if call == "list_refunds" and colleague.ident is None:
            colleague.start()
            colleague.join()

    world.ledger.watch = meanwhile
    outcome = press(world)
    assert (outcome.order_status, world.went_back) == ("returned", 100_00)
    assert dict(world.shop.stock) == {"cup": 4}


def test_a_refund_that_fails_can_be_made_anew_and_the_goods_stay_counted(world: Any) -> None:
    world.open(RestockAll())
    world.ledger.new_status = RefundStatus.FAILED
    assert press(world).refund.state == "failed"  # type: ignore[union-attr]
    world.ledger.new_status = RefundStatus.SUCCEEDED
    outcome = press(world, request_id="another form")
    assert (outcome.refund.state, dict(world.shop.stock)) == ("succeeded", {"cup": 4})  # type: ignore[union-attr]


def test_a_second_payment_takes_its_own_press(world: Any) -> None:
    world.open(RestockAll())
    payments = [a_payment("60.00", provider="ledger", reference="p_1"), a_payment("40.00", reference="tr_gift")]
    world.shop.orders["1001"] = an_order(a_line("cup", 4, "100.00"), payments=payments)
    outcome = press(world, Money.of("60", "EUR"))
    assert outcome.refund is not None
    assert world.desk.confirm_refund(
        "1001", payments[1].id, Money.of("40", "EUR"), by=ANNA, reference="card 7", request_id="other"
    ).changed


# --- what the host writes with it -------------------------------------------------------------------------


@pytest.fixture
def statuses(world: Any, database: str) -> Iterator[Callable[[], list[str]]]:
    """The host's own table of orders, in the desk's database; gives the statuses in it."""
    engine = connect(database)
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE shop_status (status VARCHAR(40))"))

    def found() -> list[str]:
        with engine.connect() as connection:
            return list(connection.execute(text("SELECT status FROM shop_status")).scalars())

    yield found
    with engine.begin() as connection:
        connection.execute(text("DROP TABLE shop_status"))
    engine.dispose()


def set_returned(connection: Connection) -> None:
    connection.execute(text("INSERT INTO shop_status VALUES ('returned')"))


def test_what_the_host_writes_is_in_the_same_transaction(world: Any, statuses: Any) -> None:
    world.open(RestockAll())
    seen: list[list[str]] = []
    world.ledger.watch = lambda call, _: seen.append([call, *statuses()])
    press(world, also=set_returned)
    assert statuses() == ["returned"]
    assert ["refund", "returned"] in seen  # it is committed before money moves
    assert [call for call, *status in seen if not status] == ["refundable", "list_refunds"]


def test_a_double_click_writes_it_once(world: Any, statuses: Any) -> None:
    world.open(RestockAll())
    press(world, also=set_returned)
    assert not press(world, also=set_returned).changed
    assert statuses() == ["returned"]


def test_what_is_refused_leaves_nothing_of_the_hosts(world: Any, statuses: Any) -> None:
    world.open(RestockAll())
    with pytest.raises(InvalidAmount):
        press(world, Money.of("101", "EUR"), also=set_returned)
    assert statuses() == []


def test_what_the_host_raises_is_raised_and_nothing_is_written(world: Any, statuses: Any) -> None:
    def raises(connection: Connection) -> None:
        set_returned(connection)
        raise LookupError("no such order here")

    with pytest.raises(LookupError, match="no such order here"):
        press(world.open(RestockAll()), also=raises)
    assert nothing_happened(world)
    assert statuses() == []
    assert press(world, also=set_returned).changed


@pytest.mark.parametrize("ending", ["commit", "rollback"])
def test_a_host_that_ends_the_transaction_is_told_and_nothing_of_ours_is_written(
    world: Any, statuses: Any, ending: str
) -> None:
    with pytest.raises(StoreError, match="neither commits nor rolls back"):
        press(world.open(RestockAll()), also=lambda connection: getattr(connection, ending)())
    assert nothing_happened(world)


def test_it_is_written_once_where_somebody_else_was_faster(world: Any, statuses: Any) -> None:
    world.open(RestockAll())
    tries: list[int] = []

    def at_first_somebody_is_faster(connection: Connection) -> None:
        set_returned(connection)
        tries.append(1)
        if len(tries) == 1:
            raise VersionMoved

    assert press(world, also=at_first_somebody_is_faster).changed
    assert (len(tries), statuses()) == (2, ["returned"])


def test_a_command_in_it_that_would_wait_for_ourselves_is_refused_on_sqlite(world: Any, statuses: Any) -> None:
    world.open(RestockAll())
    if not world.database.startswith("sqlite"):
        pytest.skip("PostgreSQL has many writers")
    with pytest.raises(StoreLocked):
        press(world, also=lambda _: world.desk.mark_returned("1001", by=ANNA))
    assert nothing_happened(world)


def test_a_card_number_in_its_note_is_refused_before_anybody_is_asked(world: Any) -> None:
    asked: list[str] = []
    world.open(RestockAll()).ledger.watch = lambda call, _: asked.append(call)
    with pytest.raises(InvalidReference):
        press(world, note="card 4111 1111 1111 1111")
    assert asked == []
    assert nothing_happened(world)
