"""What each command costs: statements, transactions, commits, and how often the shop is asked for the order.

The numbers are what is needed, and no cost may creep in unseen: a change of one is a decision.
"""

from __future__ import annotations

import datetime
import inspect
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import attrs
import pytest
from shipping.small_carrier import OPTION, Carrier, SmallCarrier, lost, plugin_of
from shipping.world import BOX, HOME
from sqlalchemy import event, update

from retour import (
    Actor,
    BankAccount,
    Consent,
    ConsentWay,
    Counted,
    EvidenceFile,
    Money,
    Objection,
    RestockDecision,
    ReturnDesk,
    hookimpl,
)
from retour.providers import ErrorCode, ProviderError, RefundStatus, Support
from retour.store import tables
from retour.store.effects import SET_ASIDE
from retour.testing import a_line, a_payment, an_order

ANNA, BUYER = Actor.staff("anna"), Actor.customer("c-17")
EUR1 = Money.of("1", "EUR")


@attrs.define
class Costs:
    """What was counted."""

    statements: int = 0
    transactions: int = 0
    commits: int = 0
    orders: int = 0

    @property
    def row(self) -> tuple[int, int, int, int]:
        return self.statements, self.transactions, self.commits, self.orders


def statements_in(sql: str) -> int:
    """How many statements one is: on PostgreSQL that which moves an order's version writes its other rows as well."""
    return len(re.findall(r"(?:INSERT INTO|UPDATE) retour_", sql)) if sql.startswith("WITH m AS") else 1


@contextmanager
def counted(world: Any) -> Iterator[Costs]:
    """Counts while the block runs: writes that commit, reads that are rolled back or in autocommit."""
    costs, engine, shop = Costs(), world.desk._services.store.engine, world.shop
    writing: set[int] = set()

    def statement(connection: Any, cursor: Any, sql: str, *rest: Any) -> None:
        costs.statements += statements_in(sql)

    def begin(connection: Any) -> None:
        if "retour_reads" not in connection.info:
            costs.transactions += 1
            writing.add(id(connection))

    def commit(connection: Any) -> None:
        if id(connection) in writing:
            writing.discard(id(connection))
            costs.commits += 1

    order, read_orders = shop.order, shop.read_orders

    def asked(order_id: str) -> Any:
        costs.orders += 1
        return order(order_id)

    def asked_for_several(order_ids: Any) -> Any:
        costs.orders += 1
        return read_orders(order_ids)

    listeners: list[tuple[str, Callable[..., None]]] = [
        ("before_cursor_execute", statement),
        ("begin", begin),
        ("commit", commit),
    ]
    for name, listener in listeners:
        event.listen(engine, name, listener)
    shop.order, shop.read_orders = asked, asked_for_several
    try:
        yield costs
    finally:
        del shop.order, shop.read_orders
        for name, listener in listeners:
            event.remove(engine, name, listener)


HOUR = datetime.timedelta(hours=1)


class LookAtAll:
    """A policy that lets nothing pass by itself."""

    name = "look-at-all"

    @hookimpl
    def return_policy(self) -> Objection:
        return Objection.review("look")


def requested(world: Any) -> Any:
    world.open(LookAtAll())
    return world.desk.request_return("1001", {"cup": 2}, by=BUYER, request_id="f").return_id


def approved(world: Any) -> Any:
    return_id = requested(world)
    world.desk.approve_return("1001", return_id, by=ANNA)
    return return_id


def rejected(world: Any) -> Any:
    return_id = requested(world)
    world.desk.reject_return("1001", return_id, by=ANNA, because="no")
    return return_id


def received(world: Any) -> Any:
    world.open()
    return world.desk.mark_returned("1001", {"cup": 1}, by=ANNA, request_id="f")


def arrived(world: Any) -> Any:
    world.open()
    counts = [Counted(line_id="cup", to_inspect=1)]
    return world.desk.mark_returned("1001", counts, by=ANNA, request_id="f").receipt_id


def asked(world: Any) -> Any:
    world.open()
    lines = a_line("cup", 2, "50.00"), a_line("pot", 1, "50.00")
    world.shop.orders["1001"] = an_order(*lines, payments=[a_payment("100.00", provider="ledger", reference="p_1")])
    return world.desk.mark_returned("1001", by=ANNA).return_id


def opened(world: Any) -> Any:
    world.open()
    world.desk.dossier("1001")


def pending(world: Any) -> Any:
    world.open(cancel_refund=Support.YES).ledger.new_status = RefundStatus.PENDING
    return world.refund().refund_id


def held(world: Any) -> Any:
    world.open().ledger.before = [ProviderError(ErrorCode.INSUFFICIENT_BALANCE, "top up")]
    return world.refund().refund_id


def unknown(world: Any) -> Any:
    """The answer was lost, the key is forgotten, and the provider cannot look the refund up."""
    world.open(find_refund=Support.PROVIDER_CANNOT).ledger.before = [ProviderError(ErrorCode.OUTCOME_UNKNOWN, "lost")]
    refund_id = world.refund().refund_id
    world.later(2 * HOUR)
    return refund_id


def vanished(world: Any) -> Any:
    world.open()
    world.refund()
    payment = a_payment("100.00", provider="ledger", reference="p_2")
    world.shop.orders["1001"] = an_order(a_line("cup", 4, "100.00"), payments=[payment])


TO, AGREED = BankAccount(name="J. Jansen", iban="NL91ABNA0417164300"), Consent(how=ConsentWay.PHONE)


def transfer(world: Any) -> Any:
    world.open("manual_transfer")
    return world.refund(to=TO, consent=AGREED).refund_id


def confirmed(world: Any) -> Any:
    world.open()
    confirm = world.desk.confirm_refund
    return confirm("1001", "p_1", EUR1, reference="r1", by=ANNA, request_id="f").refund_id


def linked(world: Any) -> Any:
    world.open()
    link = world.open_link("2").refund_id
    world.ledger.add("p_1", Money.of("2", "EUR"))
    world.ledger.add("p_1", Money.of("2", "EUR"))
    world.desk.reconcile("1001")
    external = next(one.id for one in world.refunds if one.id != link)
    return link, external


def set_aside(world: Any) -> Any:
    """Stock to book, which ended one process after the other."""
    world.open(inline_seconds=0)
    world.desk.mark_returned("1001", {"cup": 1}, by=ANNA, request_id="f")
    with world.desk._services.store.engine.begin() as connection:
        connection.execute(update(tables.effect).values(not_before=SET_ASIDE, problem="it died"))


def found(world: Any) -> Any:
    world.open().ledger.add("p_1", EUR1)


def unread(world: Any) -> Any:
    """An effect of the order cannot be read, and a worker has met it."""
    world.open(inline_seconds=0)
    world.refund()
    with world.desk._services.store.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE retour_effect SET body = '{'")
    world.desk.work()


def aside(world: Any) -> Any:
    unread(world)
    world.desk.set_unreadable_aside("1001", by=ANNA, because="seen")


def to_travel(world: Any, **more: object) -> Any:
    """An approved return, and a carrier; gives both."""
    carrier = Carrier()
    world.open(plugin_of(carrier, **more))
    return world.desk.request_return("1001", {"cup": 2}, by=BUYER, request_id="f").return_id, carrier


def label(desk: ReturnDesk, return_id: str, request_id: str = "r") -> Any:
    return desk.order_label("1001", return_id, OPTION, sender=HOME, parcel=BOX, by=ANNA, request_id=request_id)


def first_return(desk: ReturnDesk) -> str:
    return next(iter(desk.dossier("1001").returns))


def labelled(world: Any) -> Any:
    return_id, _ = to_travel(world)
    return label(world.desk, return_id).label_id


def label_unknown(world: Any) -> Any:
    """The answer was lost, and the carrier lists no shipments."""
    return_id, carrier = to_travel(world, capabilities=attrs.evolve(SmallCarrier.capabilities, refuses_repeats=False))
    carrier.faults.append(lost)
    label_id = label(world.desk, return_id).label_id
    world.later(HOUR)
    return label_id


def failed(world: Any) -> Any:
    world.open().ledger.before = [ProviderError(ErrorCode.DISPUTED, "a case is open")]
    return world.refund().refund_id


Before = Callable[[Any], Any]
Do = Callable[[ReturnDesk, Any], Any]
COMMANDS: dict[str, tuple[Before, Do, tuple[int, int, int, int]]] = {
    "request_return": (
        opened,
        lambda desk, _: desk.request_return("1001", {"cup": 1}, by=BUYER, request_id="r"),
        (5, 1, 1, 1),
    ),
    "add_evidence": (
        requested,
        lambda desk, one: desk.add_evidence("1001", one, [EvidenceFile(reference="f")], by=BUYER, request_id="r"),
        (5, 1, 1, 1),
    ),
    "evidence": (requested, lambda desk, one: desk.evidence("1001", one), (1, 0, 0, 0)),
    "find_return": (
        requested,
        lambda desk, one: desk.find_return(desk.dossier("1001").return_(one).number),
        (3, 0, 0, 1),
    ),
    "approve_return": (requested, lambda desk, one: desk.approve_return("1001", one, by=ANNA), (4, 1, 1, 1)),
    "reject_return": (
        requested,
        lambda desk, one: desk.reject_return("1001", one, by=ANNA, because="no"),
        (4, 1, 1, 1),
    ),
    "reopen_return": (rejected, lambda desk, one: desk.reopen_return("1001", one, by=ANNA), (4, 1, 1, 1)),
    "mark_sent": (approved, lambda desk, one: desk.mark_sent("1001", one, by=BUYER), (4, 1, 1, 1)),
    "cancel_return": (approved, lambda desk, one: desk.cancel_return("1001", one, by=BUYER), (4, 1, 1, 1)),
    "receive": (
        approved,
        lambda desk, one: desk.receive("1001", one, {"cup": 1}, by=ANNA, request_id="r"),
        (9, 2, 2, 1),
    ),
    "mark_returned": (opened, lambda desk, _: desk.mark_returned("1001", by=ANNA), (10, 2, 2, 1)),
    "close_return": (received, lambda desk, one: desk.close_return("1001", one.return_id, by=ANNA), (4, 1, 1, 1)),
    "correct_receipt": (
        received,
        lambda desk, one: desk.correct_receipt("1001", one.receipt_id, [Counted(line_id="cup", damaged=1)], by=ANNA),
        (9, 2, 2, 1),
    ),
    "inspect_receipt": (
        arrived,
        lambda desk, one: desk.inspect_receipt("1001", one, {"cup": 1}, by=ANNA, request_id="r"),
        (9, 2, 2, 1),
    ),
    "answer_restock": (
        asked,
        lambda desk, one: desk.answer_restock("1001", one, RestockDecision.all(), by=ANNA),
        (10, 2, 2, 1),
    ),
    "refund_options": (received, lambda desk, _: desk.refund_options("1001"), (1, 0, 0, 1)),
    "refund_link": (received, lambda desk, _: desk.refund_link("1001", "p_1"), (1, 0, 0, 1)),
    "refund": (
        opened,
        lambda desk, _: desk.refund("1001", "p_1", EUR1, by=ANNA, request_id="r"),
        (11, 2, 2, 1),
    ),
    "return_and_refund": (
        opened,
        lambda desk, _: desk.return_and_refund("1001", "p_1", EUR1, by=ANNA, request_id="r"),
        (13, 2, 2, 1),
    ),
    "open_refund_link": (
        opened,
        lambda desk, _: desk.open_refund_link("1001", "p_1", EUR1, by=ANNA, request_id="r"),
        (5, 1, 1, 1),
    ),
    "confirm_refund": (
        opened,
        lambda desk, _: desk.confirm_refund("1001", "p_1", EUR1, reference="r1", by=ANNA, request_id="r"),
        (5, 1, 1, 1),
    ),
    "reverse_refund": (
        confirmed,
        lambda desk, one: desk.reverse_refund("1001", one, reference="r2", by=ANNA),
        (4, 1, 1, 1),
    ),
    "cancel_refund": (pending, lambda desk, one: desk.cancel_refund("1001", one, by=ANNA), (9, 2, 2, 1)),
    "set_refund_batch": (transfer, lambda desk, one: desk.set_refund_batch("1001", one, "B1", by=ANNA), (4, 1, 1, 1)),
    "retry_refund": (held, lambda desk, one: desk.retry_refund("1001", one, by=ANNA), (11, 2, 2, 1)),
    "match_refund": (linked, lambda desk, two: desk.match_refund("1001", *two, by=ANNA), (8, 1, 1, 1)),
    "settle_refund": (
        unknown,
        lambda desk, one: desk.settle_refund("1001", one, happened=False, evidence="I looked", by=ANNA),
        (9, 1, 1, 1),
    ),
    "explain_payment": (
        vanished,
        lambda desk, _: desk.explain_payment("1001", "p_1", became="p_2", by=ANNA),
        (4, 1, 1, 1),
    ),
    "reconcile": (found, lambda desk, _: desk.reconcile("1001"), (6, 1, 1, 1)),
    "receive_webhook": (
        found,
        lambda desk, _: desk.receive_webhook("ledger", {"signature": "right"}, b"event:re_1"),
        (13, 3, 3, 1),
    ),
    "timeline": (received, lambda desk, _: desk.timeline("1001"), (2, 0, 0, 1)),
    "can_do": (received, lambda desk, _: desk.can_do("1001", by=ANNA), (1, 0, 0, 1)),
    "dossier": (received, lambda desk, _: desk.dossier("1001"), (1, 0, 0, 0)),
    "list_returns": (received, lambda desk, _: desk.list_returns(), (2, 0, 0, 1)),  # what went back is read too
    "list_refunds": (confirmed, lambda desk, _: desk.list_refunds(), (1, 0, 0, 1)),
    "count_returns": (received, lambda desk, _: desk.count_returns(), (1, 0, 0, 0)),
    "total_refunds": (confirmed, lambda desk, _: desk.total_refunds(), (1, 0, 0, 0)),
    "attention": (failed, lambda desk, _: desk.attention(), (1, 0, 0, 0)),
    "attention_counts": (failed, lambda desk, _: desk.attention_counts(), (1, 0, 0, 0)),
    "acknowledge": (
        failed,
        lambda desk, one: desk.acknowledge("1001", "refund_failed", one, by=ANNA),
        (5, 1, 1, 1),
    ),
    "label_options": (
        to_travel,
        lambda desk, _: desk.label_options("1001", sender=HOME, parcel=BOX, by=ANNA),
        (1, 0, 0, 1),
    ),
    "list_labels": (labelled, lambda desk, _: desk.list_labels(), (2, 0, 0, 1)),  # the first looks for rows of before
    "figures": (received, lambda desk, _: desk.figures(), (5, 0, 0, 0)),  # the first looks for rows of before
    "order_label": (to_travel, lambda desk, two: label(desk, two[0]), (15, 2, 2, 1)),
    "label_document": (labelled, lambda desk, one: desk.label_document("1001", one, by=ANNA), (1, 0, 0, 1)),
    "cancel_label": (labelled, lambda desk, one: desk.cancel_label("1001", one, by=ANNA), (14, 2, 2, 1)),
    "tracking_page": (labelled, lambda desk, _: desk.tracking_page("1001", first_return(desk)), (2, 0, 0, 0)),
    "reconcile_labels": (labelled, lambda desk, _: desk.reconcile_labels("1001"), (1, 0, 0, 1)),
    "settle_label": (
        label_unknown,
        lambda desk, one: desk.settle_label("1001", one, by=ANNA, made=False),
        (7, 1, 1, 1),
    ),
    "find_order": (received, lambda desk, _: desk.find_order("ledger", "p_1"), (1, 0, 0, 0)),
    "shipping_options": (received, lambda desk, _: desk.shipping_options("1001"), (0, 0, 0, 1)),
    "check_settings": (received, lambda desk, _: desk.check_settings("ledger"), (0, 0, 0, 0)),
    "return_reasons": (received, lambda desk, _: desk.return_reasons, (0, 0, 0, 0)),
    "run": (received, lambda desk, one: desk.run(one), (2, 0, 0, 0)),
    "retry_set_aside": (set_aside, lambda desk, _: desk.retry_set_aside("1001", by=ANNA), (5, 1, 1, 0)),
    "unreadable_orders": (unread, lambda desk, _: desk.unreadable_orders(), (4, 0, 0, 0)),
    "set_unreadable_aside": (
        unread,
        lambda desk, _: desk.set_unreadable_aside("1001", by=ANNA, because="seen"),
        (6, 1, 1, 0),
    ),
    "take_unreadable_back": (aside, lambda desk, _: desk.take_unreadable_back("1001", by=ANNA), (4, 1, 1, 0)),
    "work": (received, lambda desk, _: desk.work(), (7, 2, 2, 0)),  # once an hour what is pruned, once what is old
}
"""By the desk's method: what is there before, the call, and (statements, transactions, commits, order reads).

What puts something on the list of what a person must look at, or takes it off, has one statement for that."""

NO_COMMANDS = {"close", "for_shop", "most_side_by_side", "plugins"}


def test_every_method_of_the_desk_has_its_costs_here() -> None:
    public = {name for name, _ in inspect.getmembers(ReturnDesk) if not name.startswith("_")}
    assert public - NO_COMMANDS == COMMANDS.keys()


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_costs_what_it_needs_and_no_more(world: Any, name: str) -> None:
    before, do, expected = COMMANDS[name]
    given = before(world)
    with counted(world) as costs:
        do(world.desk, given)
    assert costs.row == expected


def test_a_refund_by_bank_transfer_is_one_commit(world: Any) -> None:
    world.open("manual_transfer")
    with counted(world) as costs:
        world.desk.refund("1001", "p_1", EUR1, to=TO, consent=AGREED, by=ANNA, request_id="r")
    assert costs.row == (6, 1, 1, 1)


def test_where_a_transfer_goes_is_read_with_one_more_statement(world: Any) -> None:
    refund_id = transfer(world)
    with counted(world) as costs:
        world.desk.refund_link("1001", refund_id=refund_id)
    assert costs.row == (2, 0, 0, 1)


def test_a_confirmation_of_a_named_refund_reads_the_order_once(world: Any) -> None:
    world.open()
    link = world.open_link("1").refund_id
    confirm = world.desk.confirm_refund
    with counted(world) as costs:
        confirm("1001", "p_1", EUR1, reference="r1", refund_id=link, by=ANNA, request_id="r")
    assert costs.row == (5, 1, 1, 1)
