"""One row that cannot be read makes one order unreadable, by name, and stops nothing else."""

from __future__ import annotations

import datetime
import json
import logging
from collections.abc import Callable
from typing import Any

import attrs
import pytest
from sqlalchemy import text

from retour import (
    Actor,
    InvalidReference,
    MemoryShop,
    Money,
    NotAllowed,
    Objection,
    Order,
    OrderUnreadable,
    ReadingFault,
    ReturnDesk,
    UnreadableOrder,
    WrongState,
    hookimpl,
)
from retour.providers import (
    PaymentCapabilities,
    RawWebhook,
    RefundEvent,
    RefundResult,
    RefundStatus,
    VerifiedEvents,
    WebhookTrust,
)
from retour.store import upcasters
from retour.testing import a_line, a_payment, an_order

ANNA, BOB = Actor.staff("anna"), Actor.staff("bob")
MakeDesk = Callable[..., ReturnDesk]


@pytest.fixture(autouse=True)
def _quiet(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.CRITICAL, "retour")


def orders(*ids: str) -> list[Order]:
    payment = a_payment("40.00")
    return [an_order(a_line("cup", 4, "40.00"), payments=[payment], order_id=one) for one in ids]


@pytest.fixture
def desk(make_desk: MakeDesk) -> ReturnDesk:
    """Two orders that came back, with a stock booking each that waits; the first is the one that will not read."""
    made = make_desk(*orders("1001", "1002"), inline_seconds=0)
    for one in ("1001", "1002"):
        made.mark_returned(one, by=ANNA)
    return made


def spoil(desk: ReturnDesk, statement: str, **values: object) -> None:
    """Write behind the back of everything, as a disk or a person with SQL does."""
    with desk._services.store.engine.begin() as connection:
        assert connection.execute(text(statement), values).rowcount == 1


def stored(desk: ReturnDesk, table: str) -> list[tuple[Any, ...]]:
    with desk._services.store.engine.connect() as connection:
        return [tuple(row) for row in connection.execute(text(f"SELECT * FROM {table}"))]  # noqa: S608 - a name of ours


EVENT = "UPDATE retour_event SET {} WHERE order_id = '1001' AND seq = 2"


def a_body_that_is_no_json(desk: ReturnDesk) -> None:
    spoil(desk, EVENT.format("body = '{half'"))


def a_body_that_goes_too_deep(desk: ReturnDesk) -> None:
    spoil(desk, EVENT.format("body = :body"), body="[" * 200_000)


def a_type_that_nobody_knows(desk: ReturnDesk) -> None:
    spoil(desk, EVENT.format("type = 'goods_teleported'"))


def a_newer_version(desk: ReturnDesk) -> None:
    spoil(desk, EVENT.format("version = 99"))


def a_value_that_does_not_fit(desk: ReturnDesk) -> None:
    spoil(desk, EVENT.format("body = :body"), body=json.dumps({"return_id": "rt", "lines": 12}))


def an_actor_that_there_is_not(desk: ReturnDesk) -> None:
    spoil(desk, EVENT.format("actor_kind = 'robot'"))


def a_body_that_no_upcaster_takes(desk: ReturnDesk) -> None:
    spoil(desk, EVENT.format("type = 'restock_decided', version = 1, body = :body"), body=json.dumps({"decision": 1}))


def an_event_that_does_not_follow(desk: ReturnDesk) -> None:
    body = json.dumps({"refund_id": "rf_none", "batch": "b"})
    spoil(desk, EVENT.format("type = 'refund_handed_over', version = 1, body = :body"), body=body)


SPOILED: dict[Callable[[ReturnDesk], None], ReadingFault] = {
    a_body_that_is_no_json: ReadingFault.NOT_JSON,
    a_body_that_goes_too_deep: ReadingFault.NOT_JSON,
    a_type_that_nobody_knows: ReadingFault.NEWER,
    a_newer_version: ReadingFault.NEWER,
    a_value_that_does_not_fit: ReadingFault.VALUE,
    an_actor_that_there_is_not: ReadingFault.VALUE,
    a_body_that_no_upcaster_takes: ReadingFault.UPCASTER,
    an_event_that_does_not_follow: ReadingFault.STEP,
}

MEETS: dict[str, Callable[[ReturnDesk], object]] = {
    "a command": lambda desk: desk.mark_returned("1001", by=ANNA),
    "a command about money": lambda desk: desk.confirm_refund(
        "1001", "tr_1", Money.of("1", "EUR"), reference="r", by=ANNA, request_id="f"
    ),
    "options": lambda desk: desk.refund_options("1001"),
    "the timeline": lambda desk: desk.timeline("1001", "customer"),
    "the dossier": lambda desk: desk.dossier("1001"),
    "reconcile": lambda desk: desk.reconcile("1001"),
}


def the_one(desk: ReturnDesk) -> UnreadableOrder:
    (order,) = desk.unreadable_orders().orders
    return order


@pytest.mark.parametrize("spoiled", SPOILED, ids=lambda function: function.__name__)
def test_whatever_cannot_be_read_is_one_error_of_ours_that_names_its_row(
    desk: ReturnDesk, spoiled: Callable[[ReturnDesk], None]
) -> None:
    spoiled(desk)
    for meet in MEETS.values():
        with pytest.raises(OrderUnreadable, match=r"^Order 1001 cannot be read: ") as caught:
            meet(desk)
        assert caught.value.row.fault is SPOILED[spoiled]
        assert caught.value.text("nl").startswith("Bestelling 1001 kan niet worden gelezen: ")
        assert caught.value.__notes__[0].startswith("event 2 ("), "where it is stands beside it, for developers"
    order = the_one(desk)
    assert (order.order_id, [row.seq for row in order.rows], order.rows[0].fault) == ("1001", [2], SPOILED[spoiled])
    assert order.rows[0].what_to_do.render("nl")


@pytest.mark.parametrize("who", MEETS)
def test_whoever_meets_it_first_keeps_it_once(desk: ReturnDesk, who: str) -> None:
    a_newer_version(desk)
    for _ in range(2):
        with pytest.raises(OrderUnreadable):
            MEETS[who](desk)
    (row,) = stored(desk, "retour_unreadable")
    assert row[:8] == ("default", "1001", 2, "", "goods_received", 99, "newer", "")
    a_body_that_is_no_json(desk)
    with pytest.raises(OrderUnreadable):
        MEETS[who](desk)
    assert stored(desk, "retour_unreadable") == [row], "a newer version is told before its body is read"
    spoil(desk, EVENT.format("version = 1"))
    with pytest.raises(OrderUnreadable):
        MEETS[who](desk)
    (again,) = stored(desk, "retour_unreadable")
    assert (again[6], again[8]) == ("not_json", row[8]), "another reason, since the same time"


def test_the_same_reason_is_not_written_again(desk: ReturnDesk, monkeypatch: pytest.MonkeyPatch) -> None:
    a_newer_version(desk)
    with pytest.raises(OrderUnreadable):
        desk.dossier("1001")
    database = desk._services.store.unreadable._database
    monkeypatch.setattr(database, "write", None)
    with pytest.raises(OrderUnreadable):
        desk.dossier("1001")


@pytest.mark.parametrize("spoiled", SPOILED, ids=lambda function: function.__name__)
def test_work_puts_its_effects_off_and_goes_on_with_the_others(
    desk: ReturnDesk, spoiled: Callable[[ReturnDesk], None]
) -> None:
    spoiled(desk)
    report = desk.work()
    assert (report.done, [(one.order_id, one.what) for one in report.postponed]) == (1, [("1001", "book_stock")])
    assert report.postponed[0].problem.startswith("OrderUnreadable: Order 1001 cannot be read: ")
    assert "(event 2 (" in report.postponed[0].problem
    assert desk.dossier("1002").returns
    (died, attempts, settled) = next(
        (row.died, row.attempts, row.settled) for row in effects(desk) if row.order_id == "1001"
    )
    assert (died, attempts - settled) == (0, 0)
    assert desk.work().idle, "it has its pause"
    assert the_one(desk).order_id == "1001"


def effects(desk: ReturnDesk) -> list[Any]:
    with desk._services.store.engine.connect() as connection:
        return list(connection.execute(text("SELECT * FROM retour_effect WHERE state = 'waiting'")))


def end_pauses(desk: ReturnDesk) -> None:
    with desk._services.store.engine.begin() as connection:
        connection.execute(
            text("UPDATE retour_effect SET not_before = 0 WHERE state = 'waiting' AND not_before < 200000000000000000")
        )


def test_an_effect_whose_body_cannot_be_read_costs_itself_alone(desk: ReturnDesk) -> None:
    spoil(desk, "UPDATE retour_effect SET body = '{' WHERE order_id = '1001'")
    report = desk.work()
    assert (report.done, report.failed) == (1, 1)
    assert desk.dossier("1001").returns, "the order reads"
    (row,) = the_one(desk).rows
    assert (row.seq, row.kind, row.fault) == (0, "book_stock", ReadingFault.NOT_JSON)
    assert row.name.render("nl").startswith("actie ef")
    (waiting,) = effects(desk)
    assert waiting.attempts == waiting.settled, "nothing of it was tried: no crash"


def test_an_effect_that_ended_processes_and_cannot_be_read_stops_no_worker(desk: ReturnDesk) -> None:
    """Who takes it reads its body before he decides what becomes of it."""
    spoil(
        desk,
        "UPDATE retour_effect SET kind = 'send_refund', body = '[]', died = 2, owner = 'wk', lease_until = 0 "
        "WHERE order_id = '1001'",
    )
    report = desk.work()
    assert (report.done, report.failed) == (1, 1)


def test_a_command_that_needs_an_effect_that_cannot_be_read_says_so(make_desk: MakeDesk) -> None:
    desk = make_desk(*orders("1001"))
    link = desk.open_refund_link("1001", "tr_1", Money.of("5", "EUR"), by=ANNA, request_id="f")
    with desk._services.store.engine.begin() as connection:
        connection.execute(
            text(
                "INSERT INTO retour_effect (id, shop, order_id, kind, plugin, body, state, lease_until, attempts, "
                "settled, not_before, created_at, problem) VALUES "
                "('ef_1', 'default', '1001', 'send_refund', '', '{}', 'waiting', 0, 0, 0, 0, 0, '')"
            )
        )
    with pytest.raises(OrderUnreadable, match=r"Order 1001 cannot be read: a value that was stored of it"):
        desk.confirm_refund(
            "1001",
            "tr_1",
            Money.of("5", "EUR"),
            reference="r",
            by=ANNA,
            request_id="g",
            refund_id=str(link.refund_id),
        )


class LookAtAll:
    """A policy that lets nothing pass by itself."""

    name = "look-at-all"

    @hookimpl
    def return_policy(self) -> Objection:
        return Objection.review("look")


def test_an_overdue_return_of_such_an_order_is_passed_by(make_desk: MakeDesk) -> None:
    now = [datetime.datetime(2026, 1, 1, 12, tzinfo=datetime.UTC)]
    desk = make_desk(*orders("1001", "1002"), plugins=[LookAtAll()], clock=lambda: now[0])
    for one in ("1001", "1002"):
        asked = desk.request_return(one, {"cup": 1}, by=ANNA, request_id="f")
        desk.approve_return(one, asked.return_id, by=ANNA, send_by=datetime.date(2026, 1, 1))
    now[0] += datetime.timedelta(days=1)
    a_newer_version(desk)
    report = desk.work()
    assert report.expired == 1
    (passed,) = report.postponed
    assert (passed.order_id, passed.what) == ("1001", "expire a return")
    desk.set_unreadable_aside("1001", by=ANNA, because="I know")
    assert desk.work().postponed == ()


def test_a_list_goes_on_without_a_row_that_a_newer_retour_wrote(desk: ReturnDesk) -> None:
    a_newer_version(desk)
    spoil(desk, "UPDATE retour_return SET goods = 'teleported' WHERE order_id = '1001'")
    assert [one.order_id for one in desk.list_returns().returns] == ["1002"]
    assert stored(desk, "retour_unreadable"), "who meets it keeps it"


class Acme:
    """A provider whose webhooks speak of several payments at once."""

    name, display_name, api = "acme", "Acme", 2
    capabilities = PaymentCapabilities(webhooks=WebhookTrust.SIGNED)

    @attrs.frozen(kw_only=True)
    class settings_type:  # noqa: N801 - the contract's name
        """None."""

    def __init__(self, settings: object, http: object) -> None:
        pass

    def parse_webhook(self, webhook: RawWebhook) -> VerifiedEvents:
        told = [
            RefundEvent(
                event_id=target,
                refund=RefundResult(
                    reference=f"re_{target}",
                    target=target,
                    status=RefundStatus.SUCCEEDED,
                    amount=Money.of("1", "EUR"),
                    provider_status="ok",
                ),
            )
            for target in webhook.body.decode().split()
        ]
        return VerifiedEvents(events=tuple(told))

    def refund_url(self, request: object) -> object:
        raise NotImplementedError


class AcmePlugin:
    """Hands it over."""

    name = "acme"

    @hookimpl
    def payment_providers(self) -> list[type]:
        return [Acme]


def test_a_webhook_is_kept_for_the_orders_that_read_and_comes_again_for_the_one_that_does_not(
    make_desk: MakeDesk,
) -> None:
    paid = [
        an_order(
            a_line("cup", 4, "40.00"), payments=[a_payment("40.00", provider="acme", reference=f"p{one}")], order_id=one
        )
        for one in ("1001", "1002")
    ]
    desk = make_desk(*paid, plugins=[AcmePlugin()])
    for one in ("1001", "1002"):
        desk.mark_returned(one, by=ANNA)
    a_newer_version(desk)
    for _ in range(2):
        with pytest.raises(OrderUnreadable, match="Order 1001 cannot be read"):
            desk.receive_webhook("acme", {}, b"p1001 p1002")
    assert [one.order_id for one in desk.list_refunds().refunds] == ["1002"]
    spoil(desk, EVENT.format("version = 1"))
    assert desk.receive_webhook("acme", {}, b"p1001 p1002").kept == 2
    assert sorted(one.order_id for one in desk.list_refunds().refunds) == ["1001", "1002"]


def test_a_command_in_the_hosts_own_transaction_is_refused_and_writes_nothing_beside_it(desk: ReturnDesk) -> None:
    a_newer_version(desk)
    with desk._services.store.engine.begin() as connection, pytest.raises(OrderUnreadable, match="Order 1001"):
        desk.mark_returned("1001", by=ANNA, connection=connection)
    assert stored(desk, "retour_unreadable") == []


def test_that_it_cannot_be_kept_hides_nothing(desk: ReturnDesk, monkeypatch: pytest.MonkeyPatch) -> None:
    spoil(desk, EVENT.format("version = 99"))
    with desk._services.store.engine.begin() as connection:
        connection.execute(text("ALTER TABLE retour_unreadable RENAME TO elsewhere"))
    with pytest.raises(OrderUnreadable, match="Order 1001 cannot be read"):
        desk.dossier("1001")
    with desk._services.store.engine.begin() as connection:
        connection.execute(text("ALTER TABLE elsewhere RENAME TO retour_unreadable"))


def test_what_reads_again_is_forgotten_and_its_effects_run(desk: ReturnDesk, monkeypatch: pytest.MonkeyPatch) -> None:
    (before,) = [row for row in stored(desk, "retour_event") if row[1] == "1001" and row[2] == 2]
    a_body_that_no_upcaster_takes(desk)
    desk.work()
    assert the_one(desk).rows[0].fault is ReadingFault.UPCASTER
    spoil(desk, EVENT.format("type = :type, body = :body"), type=before[7], body=before[9])
    mended = {**upcasters.UPCASTERS, (before[7], 1): lambda body: body}
    monkeypatch.setattr(upcasters, "UPCASTERS", mended)
    assert desk.unreadable_orders().orders == ()
    assert stored(desk, "retour_unreadable") == []
    end_pauses(desk)
    assert desk.work().done == 1
    assert desk._services.shops("default").shop.stock == {"cup": 8}  # type: ignore[attr-defined]


# --- set aside by a person -------------------------------------------------------------------------------


def test_who_sets_it_aside_is_named_its_effects_rest_and_work_is_silent(desk: ReturnDesk) -> None:
    a_newer_version(desk)
    desk.work()
    assert desk.set_unreadable_aside("1001", by=ANNA, because="the supplier is asked.") == 1
    with pytest.raises(OrderUnreadable) as caught:
        desk.mark_returned("1001", by=BOB)
    assert "anna set the order aside on" in str(caught.value)
    assert "the supplier is asked." in caught.value.text("nl")
    end_pauses(desk)
    assert desk.work().idle
    aside = the_one(desk).set_aside
    assert aside is not None
    assert (aside.by, aside.because) == (ANNA, "the supplier is asked.")


def test_what_was_with_a_worker_when_it_was_set_aside_rests_from_then_on(desk: ReturnDesk) -> None:
    a_newer_version(desk)
    desk.set_unreadable_aside("1001", by=ANNA, because="I know")
    spoil(
        desk, "UPDATE retour_effect SET not_before = 0 WHERE not_before > 200000000000000000"
    )  # given back by a worker
    assert desk.work().failed == 1
    end_pauses(desk)
    assert desk.work().idle


def test_it_is_taken_back_by_name_and_goes_on_where_it_reads_meanwhile(desk: ReturnDesk) -> None:
    a_newer_version(desk)
    desk.set_unreadable_aside("1001", by=ANNA, because="we upgrade tonight")
    spoil(desk, EVENT.format("version = 1"))
    order = the_one(desk)
    assert (order.rows, order.set_aside is not None) == ((), True), "it is listed: its effects rest"
    end_pauses(desk)
    assert desk.work().done == 1, "the other order's"
    assert desk.take_unreadable_back("1001", by=BOB) == 1
    assert desk.unreadable_orders().orders == ()
    assert desk.work().done == 1
    told = [(row[3], row[5], row[6]) for row in sorted(stored(desk, "retour_aside"))]
    assert told == [(1, "anna", "we upgrade tonight"), (0, "bob", "")]


def test_an_effect_that_cannot_be_read_is_set_aside_alone(desk: ReturnDesk) -> None:
    spoil(desk, "UPDATE retour_effect SET body = '{' WHERE order_id = '1001'")
    assert desk.set_unreadable_aside("1001", by=ANNA, because="seen") == 1
    assert desk.dossier("1001").returns, "its commands go on"


def test_nothing_is_set_aside_without_a_name_a_reason_and_something_unreadable(desk: ReturnDesk) -> None:
    with pytest.raises(WrongState, match="Order 1001 can be read"):
        desk.set_unreadable_aside("1001", by=ANNA, because="a guess")
    with pytest.raises(WrongState, match="Nobody has set order 1001 aside"):
        desk.take_unreadable_back("1001", by=ANNA)
    a_newer_version(desk)
    for because in ("", "  ", "a\0b", None, "4111 1111 1111 1111"):
        with pytest.raises(InvalidReference):
            desk.set_unreadable_aside("1001", by=ANNA, because=because)  # type: ignore[arg-type]
    for by in (Actor.customer("c-1"), Actor.provider("mollie"), "anna"):
        with pytest.raises(NotAllowed):
            desk.set_unreadable_aside("1001", by=by, because="no")  # type: ignore[arg-type]
    assert stored(desk, "retour_aside") == []


def test_the_list_goes_by_pages_and_by_shop(make_desk: MakeDesk) -> None:
    ids = [f"order-{number}" for number in range(5)]
    desk = make_desk(shop=lambda _: MemoryShop(orders(*ids)), shop_id="north")
    for shop in ("north", "south"):
        for one in ids:
            desk.for_shop(shop).mark_returned(one, by=ANNA)
    with desk._services.store.engine.begin() as connection:
        connection.execute(text("UPDATE retour_event SET version = 99 WHERE seq = 2 AND shop = 'north'"))
    for one in ids:
        with pytest.raises(OrderUnreadable):
            desk.dossier(one)
    found: list[str] = []
    after = None
    while page := desk.unreadable_orders(limit=2, after=after):
        found += [one.order_id for one in page.orders]
        if page.next is None:
            break
        after = page.next
    assert found == ids
    assert desk.for_shop("south").unreadable_orders().orders == ()
