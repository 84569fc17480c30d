"""What a person must look at is one list: of each thing since when, why, and which methods of the desk decide it."""

from __future__ import annotations

import datetime
import inspect
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import attrs
import pytest
from shipping.small_carrier import OPTION, Carrier, SmallCarrier, lost, plugin_of, signed_webhook
from shipping.world import BOX, HOME
from sqlalchemy import text

from retour import (
    Actor,
    AttentionItem,
    AttentionKind,
    BankAccount,
    Consent,
    ConsentWay,
    Counted,
    InvalidArgument,
    Money,
    NotAllowed,
    OrderLine,
    ParcelState,
    RestockDecision,
    ReturnDesk,
    UnknownOrder,
    WrongState,
    hookimpl,
)
from retour.model.attention import ATTENTION_WORDS
from retour.providers import AmountStep, ErrorCode, ProviderError, RefundStatus, Support
from retour.store.effects import SET_ASIDE
from retour.store.migrations import MIGRATIONS
from retour.testing import a_line, a_payment, an_order

ANNA = Actor.staff("anna")
HOUR = datetime.timedelta(hours=1)
EUR40 = Money.of("40", "EUR")
LOST = ProviderError(ErrorCode.OUTCOME_UNKNOWN, "no answer")
DISPUTED = ProviderError(ErrorCode.DISPUTED, "a case is open")
SIGNED = {"signature": "right"}
CANNOT = Support.PROVIDER_CANNOT


@pytest.fixture(autouse=True)
def quiet(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.CRITICAL, "retour")


def only(world: Any, kind: str | None = None) -> AttentionItem:
    item, *more = world.desk.attention(kind).items
    assert more == []
    return item  # type: ignore[no-any-return]


def sql(world: Any, statement: str, **values: object) -> None:
    with world.desk._services.store.engine.begin() as connection:
        connection.execute(text(statement), values)


# --- one situation of each kind --------------------------------------------------------------------------


def asked_for(world: Any) -> None:
    world.open().ledger.before = [LOST]
    world.refund()


def silent_for_a_day(world: Any) -> None:
    asked_for(world)
    world.ledger.lookup_fails = 100
    world.now += 24 * HOUR


def asked_for_and_the_plugin_is_gone(world: Any) -> None:
    asked_for(world)
    world.open_without_the_plugin()


def told_later_and_the_plugin_is_gone(world: Any) -> None:
    """A worker found that its plugin is gone."""
    asked_for_and_the_plugin_is_gone(world)
    world.later(HOUR)


def nobody_can_tell(world: Any) -> None:
    world.open(find_refund=CANNOT).ledger.before = [LOST]
    world.refund()
    world.later(2 * HOUR)


def never_told(world: Any) -> None:
    cannot = ("refundable", "fetch_refund", "find_refund", "list_refunds", "check_settings")
    world.open(outcome_within=72 * HOUR, **dict.fromkeys(cannot, CANNOT))
    world.ledger.new_status = RefundStatus.PENDING
    world.refund()
    world.later(73 * HOUR)


def on_its_way_and_the_plugin_is_gone(world: Any) -> None:
    world.open().ledger.new_status = RefundStatus.PENDING
    world.refund()
    world.open_without_the_plugin()
    for _ in range(5):
        world.later(24 * HOUR)


def held(world: Any) -> None:
    world.open().ledger.before = [ProviderError(ErrorCode.INSUFFICIENT_BALANCE, "top up")]
    world.refund()


def failed(world: Any) -> None:
    world.open().ledger.before = [DISPUTED]
    world.refund()


def failed_and_nothing_is_left(world: Any) -> None:
    failed(world)
    world.refund("100.00")


def came_back(world: Any) -> None:
    world.open().refund()
    world.ledger.turn("re_1", RefundStatus.FAILED)
    world.desk.receive_webhook("ledger", SIGNED, b"event:re_1")


def made_twice_there(world: Any) -> None:
    """Two refunds at the provider carry our id."""
    refund_id = world.open().refund().refund_id
    world.ledger.add("p_1", EUR40, refund_id)
    world.desk.reconcile("1001")


def made_by_hand_too(world: Any) -> None:
    """A person made it in the meantime, and the provider has it after all."""
    world.open(find_refund=Support.PARTIAL).ledger.after = [LOST]
    world.ledger.blind = True
    refund_id = world.refund().refund_id
    world.later(2 * HOUR)
    world.ledger.blind = False
    confirm(world, refund_id)


def contradicted(world: Any) -> None:
    """A person confirmed what he had refunded in the dashboard, and the provider says that it failed."""
    world.open().open_link()
    world.ledger.add("p_1", EUR40)
    (link,) = world.refunds
    world.desk.confirm_refund(
        "1001", "p_1", EUR40, reference="re_1", refund_id=link.id, by=ANNA, request_id="confirmed before"
    )
    world.ledger.turn("re_1", RefundStatus.FAILED)
    world.desk.reconcile("1001")


def answered_otherwise(world: Any) -> None:
    """The provider says another amount of the refund that it told of before."""
    world.open().refund()
    world.ledger.refunds["re_1"] = attrs.evolve(world.ledger.refunds["re_1"], amount=Money.of("1", "EUR"))
    world.desk.reconcile("1001")


def in_another_currency(world: Any) -> None:
    world.open().ledger.add("p_1", Money.of("7", "USD"))
    world.desk.reconcile("1001")


def perhaps_ours(world: Any) -> None:
    """Two refunds in the dashboard, and one link that was opened for such a refund."""
    world.open().open_link()
    world.ledger.add("p_1", EUR40)
    world.now += HOUR / 60
    world.ledger.paid["p_1"] = Money.of("100", "EUR")
    world.ledger.refunds["re_1"] = attrs.evolve(world.ledger.refunds["re_1"], created_at=world.now - 24 * HOUR)
    world.desk.reconcile("1001")


def not_explained(world: Any) -> None:
    world.open(list_refunds=CANNOT)
    world.ledger.paid["p_1"] = Money.of("70", "EUR")
    world.refund()


def taken_back(world: Any) -> None:
    world.open().refund()
    world.ledger.taken_back["p_1"] = Money.of("5", "EUR")
    world.desk.reconcile("1001")


def payment_left(world: Any) -> None:
    """The shop renamed the payment, and somebody tries to refund more."""
    world.open().refund()
    payment = a_payment("100.00", provider="ledger", reference="p_2")
    world.shop.orders["1001"] = an_order(a_line("cup", 4, "100.00"), payments=[payment])
    with pytest.raises(WrongState, match="explain_payment"):
        world.desk.refund("1001", "p_2", EUR40, by=ANNA, request_id="more")


def one_payment_twice(world: Any) -> None:
    world.open().refund()
    world.ledger.called = {"s_1": "p_1"}
    payments = [a_payment("50.00", provider="ledger", reference=one) for one in ("p_1", "s_1")]
    world.shop.orders["1001"] = an_order(a_line("cup", 4, "100.00"), payments=payments)
    with pytest.raises(WrongState, match="one payment"):
        world.desk.open_refund_link("1001", "s_1", Money.of("5", "EUR"), by=ANNA, request_id="more")


def a_remainder(world: Any) -> None:
    """All that was paid is to go back, and the provider pays whole forints."""
    world.open("manual_transfer", steps=(AmountStep(currency="HUF", minor_units=100),))
    payment = a_payment("2990.40", provider="ledger", reference="p_1", currency="HUF")
    world.ledger.paid["p_1"] = payment.captured
    pot = a_line("pot", 1, "2990.40", currency="HUF", stock_tracked=False)
    world.shop.orders["1001"] = an_order(pot, a_line("cup", 1, "0", currency="HUF"), payments=[payment])
    world.desk.mark_returned("1001", {"pot": 1}, by=ANNA, request_id="one")
    world.desk.refund("1001", "p_1", Money.of("2990", "HUF"), by=ANNA, request_id="whole")


def a_remainder_of_what_a_colleague_refunded(world: Any) -> None:
    """The same, and what the provider pays went back in its dashboard."""
    world.open("manual_transfer", steps=(AmountStep(currency="HUF", minor_units=100, method="paypal"),))
    world.ledger.methods = {"p_1": ""}
    payment = a_payment("2990.40", provider="ledger", reference="p_1", currency="HUF")
    world.ledger.paid["p_1"] = payment.captured
    pot = a_line("pot", 1, "2990.40", currency="HUF", stock_tracked=False)
    world.shop.orders["1001"] = an_order(pot, a_line("cup", 1, "0", currency="HUF"), payments=[payment])
    world.desk.mark_returned("1001", {"pot": 1}, by=ANNA, request_id="one")
    world.ledger.add("p_1", Money.of("2990", "HUF"))
    world.desk.reconcile("1001")


def an_odd_line(world: Any) -> None:
    """More units were fulfilled than were ordered."""
    world.open()
    cups = attrs.evolve(a_line("cup", 4, "100.00"), fulfilled=5)
    world.shop.orders["1001"] = an_order(cups, payments=[a_payment("100.00", provider="ledger", reference="p_1")])
    world.desk.mark_returned("1001", {"cup": 1}, by=ANNA, request_id="one")


def a_line_gone(world: Any) -> None:
    came_back_and_changed(world, a_line("pot", 1, "20.00"))


def a_line_repriced(world: Any) -> None:
    came_back_and_changed(world, a_line("cup", 4, "80.00"))


def came_back_and_changed(world: Any, *lines: OrderLine) -> None:
    """A cup came back, then the shop recalculated the order, and somebody opens its screen."""
    world.open().desk.mark_returned("1001", {"cup": 1}, by=ANNA, request_id="one")
    world.shop.orders["1001"] = an_order(*lines, payments=[a_payment("100.00", provider="ledger", reference="p_1")])
    world.desk.reconcile("1001")


def refunds_that_nobody_is_shown(world: Any) -> None:
    """The provider says what is left of a payment, and refuses to list what went back."""
    world.open()

    def watch(call: str, _: object) -> None:
        if call == "list_refunds":
            raise DISPUTED

    world.ledger.watch = watch
    world.desk.reconcile("1001")


def taken_back_and_not_shown(world: Any) -> None:
    """The provider told that money was taken back, and what it shows of the payment says nothing of it."""
    world.open()
    world.desk.receive_webhook("ledger", SIGNED, b"taken:p_1:WH-1")
    world.later(HOUR)


def a_pot_nobody_sent(world: Any) -> None:
    """The customer puts in the parcel what was ordered and never delivered to him."""
    world.open()
    lines = a_line("cup", 4, "100.00"), a_line("pot", 1, "0", fulfilled=0)
    world.shop.orders["1001"] = an_order(*lines, payments=[a_payment("100.00", provider="ledger", reference="p_1")])
    world.desk.mark_returned("1001", [Counted(line_id="pot", surplus=1)], by=ANNA, request_id="pot")


def stock_question(world: Any) -> None:
    world.open()
    lines = a_line("cup", 2, "50.00"), a_line("pot", 1, "50.00")
    world.shop.orders["1001"] = an_order(*lines, payments=[a_payment("100.00", provider="ledger", reference="p_1")])
    world.desk.mark_returned("1001", by=ANNA)


def travelling(world: Any, **more: object) -> tuple[Carrier, Callable[..., Any]]:
    """A carrier, and how a label of his is ordered for an approved return."""
    carrier = Carrier()
    world.open(plugin_of(carrier, **more))
    return_id = world.desk.request_return("1001", {"cup": 1}, by=ANNA, request_id="to send").return_id

    def order(request_id: str = "label") -> Any:
        given: Any = {"sender": HOME, "parcel": BOX, "by": ANNA, "request_id": request_id}
        return world.desk.order_label("1001", return_id, OPTION, **given).label

    return carrier, order


def a_label_nobody_can_tell_of(world: Any) -> None:
    carrier, order = travelling(world, capabilities=attrs.evolve(SmallCarrier.capabilities, refuses_repeats=False))
    carrier.faults.append(lost)
    order()
    world.later(HOUR)


def a_label_refused(world: Any) -> None:
    carrier, order = travelling(world)
    carrier.faults.append(lambda: ProviderError(ErrorCode.CARRIER_REFUSED, "too wide"))
    order()


def a_label_scanned_before_it_was_cancelled(world: Any) -> None:
    carrier, order = travelling(world)
    label = order()
    carrier.bought[0].progress = ParcelState.ON_ITS_WAY
    world.desk.cancel_label("1001", label.id, by=ANNA)


def a_label_that_stays(world: Any) -> None:
    """Its return is cancelled, and its provider takes none back."""
    carrier, order = travelling(
        world, capabilities=attrs.evolve(SmallCarrier.capabilities, cancel_label=Support.NOT_YET)
    )
    return_id = order().return_id
    world.desk.cancel_return("1001", return_id, by=ANNA)
    assert carrier.spent()


def announced_and_made_in_a_portal(world: Any) -> None:
    """The customer announces a cup at the shop, and makes a label for a cup at the carrier's page; he has four."""
    carrier, _ = travelling(world)
    carrier.portal("P1", parcel="p-1")
    headers, body = signed_webhook(
        {"id": "ev-1", "told": "ready", "reference": "P1", "order_id": "1001"}, items=[{"quantity": 1, "sku": "cup"}]
    )
    world.desk.receive_webhook("small_carrier", headers, body)


def a_parcel_nobody_expects(world: Any) -> None:
    carrier, order = travelling(world)
    return_id = order().return_id
    carrier.bought[0].progress = ParcelState.ON_ITS_WAY
    world.later(7 * HOUR)
    world.desk.cancel_return("1001", return_id, by=ANNA)


def a_parcel_lost(world: Any) -> None:
    carrier, order = travelling(world)
    order()
    carrier.bought[0].progress = ParcelState.LOST
    world.later(7 * HOUR)


def another_label(world: Any) -> Any:
    (return_id,) = world.desk.dossier("1001").returns
    given: Any = {"sender": HOME, "parcel": BOX, "by": ANNA, "request_id": "another label"}
    return world.desk.order_label("1001", return_id, OPTION, **given)


def fewer_cups(world: Any) -> None:
    world.open().desk.mark_returned("1001", {"cup": 3}, by=ANNA, request_id="three")
    changed(world, fulfilled=1)


def less_was_paid(world: Any) -> None:
    world.open().refund()
    changed(world, captured="10.00")


def changed(world: Any, *, fulfilled: int = 4, captured: str = "100.00") -> None:
    """The shop changes the order, and somebody opens its screen and notes a refund that he made by hand."""
    line = attrs.evolve(a_line("cup", 4, "100.00"), fulfilled=fulfilled)
    payment = a_payment(captured, provider="ledger", reference="p_1")
    gift = a_payment("5.00", provider="gift", reference="g_1")
    world.shop.orders["1001"] = an_order(line, payments=[payment, gift])
    confirm = world.desk.confirm_refund
    confirm("1001", "g_1", Money.of("5", "EUR"), reference="g", by=ANNA, request_id=f"g {fulfilled} {captured}")


ACKNOWLEDGED = ("acknowledge",)
ANEW = ("refund", "open_refund_link")
SITUATIONS: dict[Callable[[Any], None], tuple[str, tuple[str, ...]]] = {
    asked_for: ("refund_unknown", ("reconcile",)),
    silent_for_a_day: ("refund_unknown", ("settle_refund", "reconcile")),
    asked_for_and_the_plugin_is_gone: ("refund_unknown", ("settle_refund", "confirm_refund")),
    told_later_and_the_plugin_is_gone: ("refund_unknown", ("settle_refund", "confirm_refund")),
    nobody_can_tell: ("refund_unknown", ("settle_refund", "confirm_refund", "retry_refund")),
    never_told: ("refund_unknown", ("settle_refund", "confirm_refund")),
    on_its_way_and_the_plugin_is_gone: ("refund_unknown", ("settle_refund", "confirm_refund")),
    held: ("refund_held", ("retry_refund", "cancel_refund", "confirm_refund")),
    failed: ("refund_failed", (*ANEW, *ACKNOWLEDGED)),
    failed_and_nothing_is_left: ("refund_failed", ACKNOWLEDGED),
    came_back: ("refund_reversed", (*ANEW, *ACKNOWLEDGED)),
    made_twice_there: ("refund_paid_twice", ACKNOWLEDGED),
    made_by_hand_too: ("refund_paid_twice", ("reverse_refund", *ACKNOWLEDGED)),
    contradicted: ("refund_contradicted", ("settle_refund",)),
    answered_otherwise: ("another_answer", ("reconcile", *ACKNOWLEDGED)),
    in_another_currency: ("other_currency", ("confirm_refund",)),
    perhaps_ours: ("perhaps_ours", ("match_refund", *ACKNOWLEDGED)),
    not_explained: ("not_explained", ("reconcile", *ACKNOWLEDGED)),
    taken_back: ("charged_back", ("reconcile", *ACKNOWLEDGED)),
    payment_left: ("payment_vanished", ("explain_payment",)),
    one_payment_twice: ("payment_doubled", ("reconcile",)),
    a_remainder: ("remainder", ("refund", "confirm_refund", *ACKNOWLEDGED)),
    a_remainder_of_what_a_colleague_refunded: ("remainder", ("refund", "confirm_refund", *ACKNOWLEDGED)),
    stock_question: ("stock_question", ("answer_restock",)),
    an_odd_line: ("odd_line", ("reconcile", *ACKNOWLEDGED)),
    a_line_gone: ("line_changed", ("reconcile", *ACKNOWLEDGED)),
    a_line_repriced: ("line_changed", ("reconcile", *ACKNOWLEDGED)),
    taken_back_and_not_shown: ("reversal_not_shown", ("reconcile", *ACKNOWLEDGED)),
    refunds_that_nobody_is_shown: ("refunds_not_shown", ("reconcile", *ACKNOWLEDGED)),
    a_pot_nobody_sent: ("surplus", ("correct_receipt", *ACKNOWLEDGED)),
    a_label_nobody_can_tell_of: ("label_unknown", ("settle_label",)),
    a_label_refused: ("label_refused", ("order_label", *ACKNOWLEDGED)),
    a_label_scanned_before_it_was_cancelled: ("label_not_cancelled", ACKNOWLEDGED),
    a_label_that_stays: ("label_not_cancelled", ("cancel_label", *ACKNOWLEDGED)),
    announced_and_made_in_a_portal: ("announced_twice", ("cancel_return", *ACKNOWLEDGED)),
    a_parcel_lost: ("parcel", ACKNOWLEDGED),
    a_parcel_nobody_expects: ("parcel_not_expected", ("reopen_return", *ACKNOWLEDGED)),
    fewer_cups: ("beyond_order", ("reconcile", *ACKNOWLEDGED)),
    less_was_paid: ("beyond_order", ("reconcile", *ACKNOWLEDGED)),
}
"""How each comes about, what it is then, and what can be done."""


def confirm(world: Any, refund_id: str) -> Any:
    refund = world.desk.dossier("1001").refund(refund_id)
    return world.desk.confirm_refund(
        "1001",
        refund.payment,
        refund.amount,
        reference=refund.reference or "BANK-7",
        refund_id=refund_id,
        by=ANNA,
        request_id="confirmed",
    )


def confirm_what_waits(world: Any, item: AttentionItem) -> Any:
    """Of a refund, or of a remainder that a person transferred himself."""
    if item.kind != "remainder":
        return confirm(world, item.about)
    rest = Money.of("0.40", "HUF")
    return world.desk.confirm_refund("1001", item.about, rest, reference="BANK-8", by=ANNA, request_id="rest")


def refund_anew(world: Any, item: AttentionItem) -> Any:
    """Of what did not arrive; of a remainder by bank transfer, with the customer's consent."""
    if item.kind != "remainder":
        return world.refund("40.00")
    to, consent = BankAccount(name="J. Jansen", iban="NL91ABNA0417164300"), Consent(how=ConsentWay.PHONE)
    rest = Money.of("0.40", "HUF")
    return world.desk.refund("1001", item.about, rest, to=to, consent=consent, by=ANNA, request_id="by transfer")


def receipts(world: Any) -> list[str]:
    return [receipt for one in world.desk.dossier("1001").returns.values() for receipt in one.receipts]


def return_of_label(world: Any, label_id: str) -> str:
    return str(world.desk.dossier("1001").label(label_id).return_id)


def waiting_link(world: Any) -> str:
    return next(one.id for one in world.refunds if one.state == "awaiting_merchant")


CALLS: dict[str, Callable[[Any, AttentionItem], Any]] = {
    "reconcile": lambda world, _: world.desk.reconcile("1001"),
    "settle_refund": lambda world, one: world.desk.settle_refund(
        "1001", one.about, happened=False, evidence="I looked there", by=ANNA
    ),
    "confirm_refund": confirm_what_waits,
    "retry_refund": lambda world, one: world.desk.retry_refund("1001", one.about, by=ANNA),
    "cancel_refund": lambda world, one: world.desk.cancel_refund("1001", one.about, by=ANNA),
    "refund": refund_anew,
    "open_refund_link": lambda world, _: world.open_link("40.00"),
    "reverse_refund": lambda world, one: world.desk.reverse_refund("1001", one.about, reference="b", by=ANNA),
    "match_refund": lambda world, one: world.desk.match_refund("1001", one.others[0], one.about, by=ANNA),
    "explain_payment": lambda world, one: world.desk.explain_payment("1001", one.about, became="p_2", by=ANNA),
    "correct_receipt": lambda world, _: world.desk.correct_receipt("1001", receipts(world)[-1], {"pot": 0}, by=ANNA),
    "settle_label": lambda world, one: world.desk.settle_label("1001", one.about, by=ANNA, made=False),
    "order_label": lambda world, _: another_label(world),
    "cancel_return": lambda world, one: world.desk.cancel_return("1001", one.about, by=ANNA),
    "cancel_label": lambda world, one: world.desk.cancel_label("1001", one.about, by=ANNA),
    "reopen_return": lambda world, one: world.desk.reopen_return("1001", return_of_label(world, one.about), by=ANNA),
    "answer_restock": lambda world, one: world.desk.answer_restock("1001", one.about, RestockDecision.all(), by=ANNA),
    "acknowledge": lambda world, one: world.desk.acknowledge(one.order_id, one.kind, one.about, by=ANNA),
}
"""A right call of each method that is named for something of an order."""


@pytest.mark.parametrize("situation", SITUATIONS, ids=lambda one: one.__name__)
def test_what_waits_says_what_it_is_since_when_why_and_what_can_be_done(world: Any, situation: Any) -> None:
    kind, can_do = SITUATIONS[situation]
    situation(world)
    item = only(world, kind)
    assert (item.kind, item.order_id, item.can_do) == (kind, "1001", can_do)
    assert item.since is not None
    assert item.since <= world.now
    for words in (item.what, item.why):
        assert words.render("nl") != words.render("en")
        assert "{" not in words.render("nl") + words.render("en")
    assert world.desk.attention_counts()[AttentionKind(kind)] == 1


@pytest.mark.parametrize(
    ("situation", "method"),
    [(situation, method) for situation, (_, can_do) in SITUATIONS.items() for method in can_do],
    ids=lambda one: one if isinstance(one, str) else one.__name__,
)
def test_each_method_that_is_named_can_be_called_then(world: Any, situation: Any, method: str) -> None:
    situation(world)
    item = only(world, SITUATIONS[situation][0])
    assert method in dict(inspect.getmembers(ReturnDesk, inspect.isfunction))
    before = world.desk.dossier("1001").version
    CALLS[method](world, item)
    if method == "acknowledge":
        assert world.desk.attention(item.kind).items == ()
    if method != "reconcile":
        assert world.desk.dossier("1001").version > before


ANEW_ON_AN_ORDER = {"refund", "open_refund_link", "reopen_return"}


@pytest.mark.parametrize(
    ("situation", "method"),
    [
        (situation, method)
        for situation, (_, can_do) in SITUATIONS.items()
        for method in can_do
        if method not in ANEW_ON_AN_ORDER
    ],
    ids=lambda one: one if isinstance(one, str) else one.__name__,
)
def test_what_was_begun_is_finished_on_an_order_that_the_shop_has_no_more(
    world: Any, situation: Any, method: str
) -> None:
    situation(world)
    item = only(world, SITUATIONS[situation][0])
    del world.shop.orders["1001"]
    before = world.desk.dossier("1001").version
    CALLS[method](world, item)
    if method != "reconcile":
        assert world.desk.dossier("1001").version > before
        assert world.desk.timeline("1001")[-1].at == world.now


@pytest.mark.parametrize(
    "situation",
    [situation for situation, (_, can_do) in SITUATIONS.items() if "acknowledge" not in can_do],
    ids=lambda one: one.__name__,
)
def test_what_has_to_be_decided_cannot_be_acknowledged_away(world: Any, situation: Any) -> None:
    situation(world)
    item = only(world, SITUATIONS[situation][0])
    with pytest.raises(WrongState, match="waits for a decision, and to have looked at it is none"):
        world.desk.acknowledge("1001", item.kind, item.about, by=ANNA)
    assert only(world, item.kind) == item


OF_NO_ORDERS_HISTORY = {"provider_off", "order_unreadable", "webhook_unreadable", "effect_stuck"}


@pytest.mark.parametrize("kind", AttentionKind)
def test_every_kind_has_its_words_its_situation_and_its_row_in_the_docs(kind: AttentionKind) -> None:
    assert ATTENTION_WORDS[kind].render("nl")
    assert kind in {of_kind for of_kind, _ in SITUATIONS.values()} | OF_NO_ORDERS_HISTORY
    table = (Path(__file__).parent.parent.parent / "docs/embed.md").read_text()
    assert any(f"`{kind.value}`" in line for line in table.splitlines() if line.startswith("| `"))


def test_where_nothing_waits_the_list_is_empty(world: Any) -> None:
    world.open().refund()
    assert world.desk.attention().items == ()
    assert world.desk.attention_counts() == {}


@pytest.mark.parametrize("hours", [-48, 48])
def test_when_a_person_may_settle_it_the_databases_clock_says_and_not_the_processs(world: Any, hours: int) -> None:
    asked_for(world)
    world.wrong = hours * HOUR
    assert only(world).can_do == ("reconcile",)
    world.ledger.lookup_fails = 100
    world.now += 24 * HOUR
    assert only(world).can_do == ("settle_refund", "reconcile")
    CALLS["settle_refund"](world, only(world))


def test_an_order_that_nobody_can_read_is_listed_as_its_row_says_where_the_plugin_is_gone(world: Any) -> None:
    asked_for_and_the_plugin_is_gone(world)
    sql(world, "UPDATE retour_event SET version = 99 WHERE seq = 2")
    assert only(world, "refund_unknown").can_do == ("reconcile",)


# --- acknowledging ---------------------------------------------------------------------------------------


def test_who_acknowledged_it_stands_on_the_timeline_and_the_customer_reads_nothing_of_it(world: Any) -> None:
    failed(world)
    item = only(world)
    world.desk.acknowledge("1001", item.kind, item.about, by=ANNA, note="called the customer")
    entry = world.desk.timeline("1001")[-1]
    assert (entry.by, entry.note) == (ANNA, "called the customer")
    assert entry.text("en") == (
        "Acknowledged: a refund failed (€40.00): the customer disputes the payment (a case is open)"
    )
    assert entry.text("nl").startswith("Gezien: een terugbetaling is mislukt")
    assert "acknowledged" not in str([one.text("en") for one in world.desk.timeline("1001", "customer")]).lower()


def test_the_same_twice_changes_nothing(world: Any) -> None:
    for situation in (failed, made_twice_there):
        situation(world)
        item = only(world, SITUATIONS[situation][0])
        assert world.desk.acknowledge("1001", item.kind, item.about, by=ANNA).changed
        assert not world.desk.acknowledge("1001", item.kind, item.about, by=Actor.staff("bob")).changed


def test_a_refund_that_was_paid_twice_waits_for_nobody_once_a_person_has_looked(world: Any) -> None:
    made_twice_there(world)
    item = only(world)
    world.desk.acknowledge("1001", item.kind, item.about, by=ANNA)
    assert world.desk.list_refunds(waits_for="person").refunds == ()
    assert not world.desk.reconcile("1001").changed, "the same is no news"
    assert world.desk.attention().items == ()


def test_what_fails_otherwise_after_it_was_acknowledged_is_listed_again(world: Any) -> None:
    answered_otherwise(world)
    item = only(world)
    world.desk.acknowledge("1001", item.kind, item.about, by=ANNA)
    assert world.desk.attention().items == ()
    world.ledger.refunds["re_1"] = attrs.evolve(world.ledger.refunds["re_1"], amount=Money.of("2", "EUR"))
    world.desk.reconcile("1001")
    assert only(world).why.render("en").endswith("(EUR 2.00 re_1)")


def test_a_failure_that_becomes_a_reversal_is_listed_again(world: Any) -> None:
    world.open().ledger.new_status = RefundStatus.PENDING
    refund_id = world.refund().refund_id
    world.ledger.turn("re_1", RefundStatus.FAILED)
    world.desk.reconcile("1001")
    world.desk.acknowledge("1001", "refund_failed", refund_id, by=ANNA)
    assert world.desk.attention().items == ()
    world.desk.receive_webhook("ledger", SIGNED, b"refund:re_1:succeeded")
    assert only(world).kind == "refund_reversed"


def test_another_remainder_is_listed_again_and_the_same_is_not(world: Any) -> None:
    not_explained(world)
    refund_id, item = only(world, "refund_held").about, only(world, "not_explained")
    world.desk.acknowledge("1001", item.kind, item.about, by=ANNA)
    world.desk.cancel_refund("1001", refund_id, by=ANNA)
    world.now += HOUR
    again = world.refund().refund_id
    assert [one.kind for one in world.desk.attention().items] == ["refund_held"]
    world.desk.cancel_refund("1001", again, by=ANNA)
    world.ledger.paid["p_1"] = Money.of("60", "EUR")
    world.refund()
    assert only(world, "not_explained").why.render("en").startswith("at the provider €60.00 is left of the payment")


@pytest.mark.parametrize("situation", [failed, came_back], ids=lambda one: one.__name__)
@pytest.mark.parametrize("method", ["refund", "open_refund_link", "confirm_refund", "in_dashboard"])
def test_money_that_did_not_arrive_is_news_until_as_much_is_refunded_anew(
    world: Any, situation: Any, method: str
) -> None:
    situation(world)
    world.now += HOUR
    world.refund("10.00")
    assert only(world).about == world.refunds[0].id, "another amount is another refund"
    if method == "confirm_refund":
        world.desk.confirm_refund("1001", "p_1", EUR40, reference="by hand", by=ANNA, request_id="by hand")
    elif method == "in_dashboard":
        world.ledger.add("p_1", EUR40)
        world.desk.reconcile("1001")
    else:
        CALLS[method](world, only(world))
    assert world.desk.attention().items == ()


def test_the_same_money_that_fails_again_is_listed_once_and_ends_when_it_arrives(world: Any) -> None:
    failed(world)
    world.now += HOUR
    world.ledger.before = [DISPUTED]
    again = world.refund().refund_id
    assert only(world).about == again
    world.now += HOUR
    world.refund()
    assert world.desk.attention().items == ()


def test_two_refunds_that_failed_are_refunded_anew_by_two(world: Any) -> None:
    world.open()
    for _ in range(2):
        world.ledger.new_status = RefundStatus.PENDING
        world.refund("10.00")
        world.now += HOUR
    first, second = (one.id for one in world.refunds)
    for reference in ("re_1", "re_2"):
        world.ledger.turn(reference, RefundStatus.FAILED)
    world.desk.reconcile("1001")
    assert {one.about for one in world.desk.attention().items} == {first, second}, "neither is anew for the other"
    world.now += HOUR
    world.refund("10.00")
    assert only(world).about == second
    world.now += HOUR
    world.refund("10.00")
    assert world.desk.attention().items == ()


def test_what_a_person_said_himself_came_back_is_no_news(world: Any) -> None:
    made_by_hand_too(world)
    CALLS["reverse_refund"](world, only(world))
    assert world.desk.attention().items == ()
    assert [(one.state.value, one.problem, one.needs_person) for one in world.refunds] == [
        ("succeeded", None, False),
        ("reversed", None, False),
    ]


def test_a_refund_found_there_names_those_of_yours_that_it_may_be_as_the_desk_takes_them(world: Any) -> None:
    perhaps_ours(world)
    link, _ = world.refunds
    item = only(world)
    assert item.others == (link.id,)
    assert item.why.render("en") == f"it has the payment and the amount of a refund of yours: {link.id}"


def test_what_was_never_sent_is_not_said_to_have_been_refunded(world: Any) -> None:
    world.open().ledger.before = [ProviderError(ErrorCode.INSUFFICIENT_BALANCE, "top up")]
    world.refund()
    world.ledger.add("p_1", Money.of("70", "EUR"))
    world.desk.reconcile("1001")
    (said,) = world.desk.attention("beyond_order").items
    assert said.why.render("en") == (
        "payment p_1 (Ledger Pay): €10.00 more than was paid went back, by refunds and by a bank, or is to go back"
    )


def test_the_dutch_of_what_cannot_be_done_with_a_refund_is_a_sentence(world: Any) -> None:
    refund_id = world.open().refund().refund_id
    commands = (
        lambda: world.desk.settle_refund("1001", refund_id, happened=True, evidence="seen", by=ANNA),
        lambda: world.desk.reverse_refund("1001", refund_id, reference="b", by=ANNA),
        lambda: world.desk.set_refund_batch("1001", refund_id, "B1", by=ANNA),
        lambda: world.desk.refund_link("1001", refund_id=refund_id),
        lambda: world.desk.cancel_refund("1001", refund_id, by=ANNA),
    )
    cannot = (
        "kun je nu niet afhandelen",
        "kun je hier niet terugdraaien; laat de bestelling bij de betaalprovider controleren",
        "kun je nu niet aan de bank geven",
        "kun je nu niet zelf uitvoeren",
        "kun je nu niet annuleren",
    )
    for command, sentence in zip(commands, cannot, strict=True):
        with pytest.raises(WrongState) as error:
            command()
        said = error.value.text("nl").replace("\xa0", " ")
        assert said == f"Bestelling 1001: terugbetaling {refund_id} van € 40,00 {sentence}. Stand: terugbetaald."


def test_an_order_that_is_changed_again_is_listed_again(world: Any) -> None:
    fewer_cups(world)
    item = only(world)
    assert (item.about, item.why.render("en")) == ("cup", "line cup: 2 more in returns than the order has now")
    world.desk.acknowledge("1001", item.kind, "cup", by=ANNA)
    assert world.desk.attention().items == ()
    world.now += HOUR
    world.shop.orders["1001"] = attrs.evolve(
        world.shop.orders["1001"], lines=(attrs.evolve(a_line("cup", 4, "100.00"), fulfilled=2),)
    )
    world.desk.open_refund_link("1001", "p_1", EUR40, by=ANNA, request_id="look")
    assert only(world).why.render("en") == "line cup: 1 more in returns than the order has now"


def test_what_the_shop_took_back_meanwhile_leaves_the_list_with_that_on_the_timeline(world: Any) -> None:
    fewer_cups(world)
    item, order = only(world), world.shop.orders["1001"]
    for command in ("acknowledge", "reconcile"):
        world.shop.orders["1001"] = attrs.evolve(order, lines=(a_line("cup", 4, "100.00"),))
        CALLS[command](world, item)
        assert world.desk.attention().items == ()
        assert world.desk.timeline("1001")[-1].code == "order_seen"
        world.shop.orders["1001"] = order
        world.desk.reconcile("1001")
        assert only(world).about == "cup"


def test_another_link_beside_a_refund_that_was_acknowledged_as_no_ours_is_asked_about(world: Any) -> None:
    perhaps_ours(world)
    item = only(world)
    world.desk.acknowledge("1001", item.kind, item.about, by=ANNA)
    assert world.desk.attention().items == ()
    world.desk.cancel_refund("1001", waiting_link(world), by=ANNA)
    world.open_link()
    assert only(world).about == item.about


def test_what_waits_on_an_order_that_the_shop_has_no_more_is_acknowledged_too(world: Any) -> None:
    failed(world)
    item = only(world)
    del world.shop.orders["1001"]
    world.desk.acknowledge("1001", item.kind, item.about, by=ANNA, note="an order of last year")
    assert world.desk.attention().items == ()
    with pytest.raises(UnknownOrder):
        world.desk.acknowledge("1002", item.kind, item.about, by=ANNA)


@pytest.mark.parametrize("by", [Actor.customer("c-17"), Actor.system()])
def test_staff_acknowledges_and_nobody_else(world: Any, by: Actor) -> None:
    failed(world)
    with pytest.raises(NotAllowed):
        world.desk.acknowledge("1001", "refund_failed", only(world).about, by=by)
    assert only(world).kind == "refund_failed"


def test_what_is_not_there_cannot_be_acknowledged(world: Any) -> None:
    failed(world)
    item = only(world)
    for kind, about in (("refund_reversed", item.about), ("refund_failed", "rf_none")):
        with pytest.raises(WrongState, match="Look at the list again"):
            world.desk.acknowledge("1001", kind, about, by=ANNA)
    with pytest.raises(InvalidArgument, match="kind is one of"):
        world.desk.acknowledge("1001", "bogus", item.about, by=ANNA)


# --- pages -----------------------------------------------------------------------------------------------


def test_the_list_comes_page_by_page_the_oldest_first(world: Any) -> None:
    world.open()
    ids = []
    for euros in range(1, 6):
        world.ledger.before = [DISPUTED]
        ids.append(world.refund(f"{euros}.00").refund_id)
        world.now += HOUR
    seen, after = [], None
    while True:
        page = world.desk.attention(limit=2, after=after)
        seen.append([one.about for one in page.items])
        after = page.next
        if after is None:
            break
    assert seen == [ids[:2], ids[2:4], ids[4:]]


def test_the_pages_hold_all_kinds_from_all_places_once_each(world: Any) -> None:
    everything_that_is_of_no_order(world)
    whole = world.desk.attention().items
    found, after = [], None
    for _ in range(len(whole)):
        page = world.desk.attention(limit=1, after=after)
        found += page.items
        after = page.next
    assert (found, after) == (list(whole), None)
    assert len(whole) == sum(world.desk.attention_counts().values())
    for kind, number in world.desk.attention_counts().items():
        assert [one.kind for one in world.desk.attention(kind).items] == [kind] * number


@pytest.mark.parametrize("after", ["", "x", "[1]", "[1,2,3]", '["a","b","c"]', "{}", '[1.5,"a","b"]', "null"])
def test_what_is_no_page_is_refused(world: Any, after: str) -> None:
    with pytest.raises(InvalidArgument, match="is no page of this list"):
        world.open().desk.attention(after=after)


# --- what is of no order ---------------------------------------------------------------------------------


def everything_that_is_of_no_order(world: Any) -> None:
    """Two providers that are off, a webhook over which a plugin broke, effects that are stuck, a row that nobody can
    read; and a refund that failed."""
    world.open("molie", "strip", inline_seconds=0)
    world.ledger.before = [DISPUTED]
    world.refund("1.00")
    world.desk.work()
    world.desk._services.store.note_problem("default", "webhooks of ledger", "plugin ledger failed")
    for amount in ("2.00", "3.00", "4.00"):
        world.refund(amount)
    first, second, third = effects(world)
    change = (
        "UPDATE retour_effect SET problem = :problem, not_before = :then, attempts = 30, created_at = 1 WHERE id = :id"
    )
    sql(world, change, problem="it ended 3 processes", then=SET_ASIDE, id=first)
    sql(world, change, problem="no answer", then=SET_ASIDE // 2, id=second)
    sql(world, "UPDATE retour_effect SET body = '!' WHERE id = :id", id=third)
    world.desk.work()


def effects(world: Any) -> list[str]:
    with world.desk._services.store.engine.connect() as connection:
        return list(
            connection.execute(text("SELECT id FROM retour_effect WHERE state = 'waiting' ORDER BY id")).scalars()
        )


def test_what_is_of_no_order_is_on_the_same_list_with_what_ends_it(world: Any) -> None:
    everything_that_is_of_no_order(world)
    listed = [(one.kind.value, one.order_id, one.can_do) for one in world.desk.attention().items]
    assert listed[:2] == [("provider_off", "", ())] * 2
    assert sorted(listed[2:]) == [
        ("effect_stuck", "1001", ()),
        ("effect_stuck", "1001", ("retry_set_aside",)),
        ("order_unreadable", "1001", ("set_unreadable_aside",)),
        ("refund_failed", "1001", ("refund", "open_refund_link", "acknowledge")),
        ("webhook_unreadable", "", ("acknowledge",)),
    ]
    assert all(one.why.render(language) for one in world.desk.attention().items for language in ("en", "nl"))


@pytest.mark.parametrize("kind", ["provider_off", "order_unreadable", "effect_stuck"])
def test_what_ends_by_being_mended_is_not_acknowledged(world: Any, kind: str) -> None:
    everything_that_is_of_no_order(world)
    item = world.desk.attention(kind).items[0]
    with pytest.raises(WrongState, match="not ended by acknowledging it"):
        world.desk.acknowledge(item.order_id, kind, item.about, by=ANNA)
    assert item in world.desk.attention(kind).items


def test_a_plugin_that_broke_over_a_webhook_is_acknowledged_by_name_and_comes_back_when_it_breaks_again(
    world: Any,
) -> None:
    world.open()
    note = world.desk._services.store.note_problem
    note("default", "webhooks of ledger", "plugin ledger failed")
    note("south", "webhooks of ledger", "plugin ledger failed")
    item = only(world)
    assert item.why.render("en") == "a webhook from Ledger Pay could not be used; `retour doctor` says why (1 time)"
    for by, error in ((Actor.customer("c"), NotAllowed), (Actor.system(), NotAllowed)):
        with pytest.raises(error):
            world.desk.acknowledge("", item.kind, item.about, by=by)
    with pytest.raises(InvalidArgument, match="A note is kept with an order"):
        world.desk.acknowledge("", item.kind, item.about, by=ANNA, note="seen")
    assert world.desk.acknowledge("", item.kind, item.about, by=ANNA).changed
    assert not world.desk.acknowledge("", item.kind, item.about, by=ANNA).changed
    assert world.desk.attention().items == ()
    assert world.desk._services.store.problems("default") == [], "and the doctor is silent about it"
    with world.desk._services.store.engine.connect() as connection:
        kept = connection.execute(text("SELECT shop, actor_id FROM retour_problem WHERE acknowledged_at > 0")).all()
    assert [tuple(one) for one in kept] == [("default", "anna")]
    note("default", "webhooks of ledger", "plugin ledger failed")
    assert only(world).why.render("en").endswith("(2 times)")
    with pytest.raises(WrongState, match="Nothing called"):
        world.desk.acknowledge("", item.kind, "another", by=ANNA)


def test_a_provider_whose_settings_are_wrong_is_on_the_list_until_they_are_mended(world: Any) -> None:
    kept: dict[str, Any] = {"ledger": {"sekret": "x"}}
    world.settings = lambda shop: kept
    assert world.open().desk.attention().items == (), "nobody has read them yet"
    world.desk.refund_link("1001", "p_1")
    item = only(world)
    assert (item.kind, item.about, item.since) == ("provider_off", "ledger", None)
    assert item.why.render("en").startswith("Ledger Pay: ledger.sekret: is no setting")
    assert world.desk.attention_counts() == {AttentionKind.PROVIDER_OFF: 1}
    kept["ledger"] = {}
    world.desk.refund_link("1001", "p_1")
    assert world.desk.attention().items == ()


def test_each_account_whose_settings_are_wrong_is_an_item_that_can_be_checked_as_it_is_called(world: Any) -> None:
    kept: dict[str, Any] = {"ledger": {}, "ledger:second": {"sekret": "x"}, "ledger:third": {"kye": "x"}}
    world.settings = lambda shop: kept
    world.open("molie")
    assert [one.settings_faults for one in world.desk.plugins] != [(), ()]
    plugin, *accounts = world.desk.attention().items
    assert (plugin.about, plugin.can_do) == ("molie", ())
    assert [one.about for one in accounts] == ["ledger:second", "ledger:third"]
    for item, fault in zip(accounts, ("ledger:second.sekret", "ledger:third.kye"), strict=True):
        assert item.can_do == ("check_settings",)
        check = world.desk.check_settings(item.about)
        assert not check.ok
        for words in (check.reason.render("en"), item.why.render("en")):
            assert fault in words
        kept[item.about] = {}
        assert world.desk.check_settings(item.about).ok
    assert world.desk.attention().items == (plugin,)


def test_an_effect_that_failed_a_moment_ago_is_for_nobody_yet(world: Any) -> None:
    world.open(inline_seconds=0).refund()
    sql(world, "UPDATE retour_effect SET problem = 'no', attempts = 30")
    assert world.desk.attention().items == ()
    sql(world, "UPDATE retour_effect SET created_at = 1, attempts = 2")
    assert world.desk.attention().items == ()


class Broken:
    """A plugin that is told of a refund, and breaks over it."""

    name = "broken"

    @hookimpl
    def on_refund_changed(self, order: Any, refund: Any, ctx: Any) -> None:
        raise RuntimeError("plug 42")


@pytest.mark.parametrize("not_before", [SET_ASIDE // 2, SET_ASIDE])
def test_what_a_plugin_is_to_hear_that_is_not_there_any_more_says_what_ends_it(world: Any, not_before: int) -> None:
    world.open(Broken()).refund()
    stuck = "UPDATE retour_effect SET not_before = :then, attempts = 30, created_at = 1 WHERE plugin = 'broken'"
    sql(world, stuck, then=not_before)
    if not_before < SET_ASIDE:
        why = world.desk.attention().items[0].why
        assert why.render("en").startswith("telling a plugin what happened: plugin broken (broken) failed (")
        assert why.render("nl").startswith(
            "een plugin laten weten wat er is gebeurd: plugin broken (broken) gaf een fout ("
        )
        assert "Runtime" not in why.render("en"), "what it raised is for developers"
    world.open_without_the_plugin()
    item = world.desk.attention().items[0]
    assert (item.kind, item.can_do) == ("effect_stuck", ("acknowledge",))
    assert item.why.render("en") == (
        "telling a plugin what happened: plugin broken has yet to be told of it, and is off: that ends when the plugin "
        "is on again (30 tries)"
    )
    assert "42" not in item.why.render("nl")


def test_a_row_of_a_newer_retour_costs_its_own_place_and_no_other(world: Any) -> None:
    failed(world)
    world.ledger.before = [DISPUTED]
    world.refund("1.00")
    first, second = world.desk.attention().items
    sql(world, "UPDATE retour_attention SET kind = 'of_tomorrow' WHERE about = :about", about=first.about)
    assert world.desk.attention().items == (second,)


# --- what waited before there was a list -----------------------------------------------------------------


def as_it_was_before_the_list(world: Any) -> None:
    """The tables as migration 9 left them, and then migrated."""
    for statement in (
        "DROP TABLE retour_attention",
        "DROP INDEX retour_effect_troubled",
        "ALTER TABLE retour_dossier DROP COLUMN attention",
        "ALTER TABLE retour_problem DROP COLUMN acknowledged",
        "ALTER TABLE retour_problem DROP COLUMN acknowledged_at",
        "ALTER TABLE retour_problem DROP COLUMN actor_kind",
        "ALTER TABLE retour_problem DROP COLUMN actor_id",
    ):
        sql(world, statement)
    [change] = [change for _, name, change in MIGRATIONS if name == "what a person must look at"]
    with world.desk._services.store.engine.begin() as connection:
        change(connection)


UNSEEN = (
    *(perhaps_ours, less_was_paid, payment_left, one_payment_twice, taken_back),
    *(a_remainder, a_remainder_of_what_a_colleague_refunded, an_odd_line, a_line_repriced, a_pot_nobody_sent),
    *(a_label_nobody_can_tell_of, a_label_refused, a_label_scanned_before_it_was_cancelled, a_parcel_lost),
    *(a_label_that_stays, a_parcel_nobody_expects, announced_and_made_in_a_portal),
    *(refunds_that_nobody_is_shown, taken_back_and_not_shown),
)
"""Of which no row told before: such orders are listed when they are next written."""


@pytest.mark.parametrize("situation", SITUATIONS, ids=lambda one: one.__name__)
def test_what_waited_before_there_was_a_list_is_on_it(world: Any, situation: Any) -> None:
    situation(world)
    listed = world.desk.attention().items
    as_it_was_before_the_list(world)
    if situation in UNSEEN:
        assert world.desk.attention().items == ()
        world.desk.request_return("1001", {"cup": 1}, by=ANNA, request_id="written")
    else:
        assert sum(world.desk.attention_counts().values()) > 0
    assert world.desk.attention().items == listed
    assert sum(world.desk.attention_counts().values()) == len(listed)


def test_an_order_that_a_migration_listed_is_listed_as_it_is_when_it_is_next_written(world: Any) -> None:
    not_explained(world)
    as_it_was_before_the_list(world)
    assert world.desk.attention_counts() == {AttentionKind.REFUND_HELD: 1}, "more its row did not tell"
    (refund,) = world.refunds
    world.desk.cancel_refund("1001", refund.id, by=ANNA)
    assert world.desk.attention_counts() == {AttentionKind.NOT_EXPLAINED: 1}


def test_an_order_that_a_migration_listed_and_that_nobody_can_read_stays_as_it_was_listed(world: Any) -> None:
    failed(world)
    as_it_was_before_the_list(world)
    sql(world, "UPDATE retour_event SET version = 99 WHERE seq = 2")
    listed = {one.kind.value: one.why.render("en") for one in world.desk.attention().items}
    assert listed["refund_failed"] == "a refund failed"
    assert listed["order_unreadable"].startswith("a newer retour wrote it")
