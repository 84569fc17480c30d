"""The steps of a life: for each method of the desk the arguments that are possible now, and how to make it possible.

`POSSIBLE` has what a method can be called with as things are now, or None where nothing fits; `ARRANGED` has what makes
a rare one possible, by what a host, a provider and a carrier can do.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any, TypeAlias

import attrs
from fuzz.one_life import ANNA, BUYER, DAY, SECRET, Life
from shipping.small_carrier import OPTION, lost, signed_webhook
from shipping.world import BOX, HOME
from sqlalchemy import text

from retour import (
    AttentionKind,
    BankAccount,
    Consent,
    ConsentWay,
    Counted,
    EvidenceFile,
    GoodsState,
    Label,
    LabelForm,
    Mode,
    Money,
    ParcelState,
    Refund,
    RefundState,
    RequestedLine,
    RestockDecision,
    RetourError,
    Return,
    WhoPays,
)
from retour.model.labels import MADE, LabelState
from retour.providers import ErrorCode, ProviderError, RefundStatus
from retour.rules.refunds import may_be_one, may_be_reversed, may_be_settled

EUR1 = Money.of("1", "EUR")
JANSEN = BankAccount(name="J. Jansen", iban="NL91ABNA0417164300")
AGREED = Consent(how=ConsentWay.PHONE, note="he called")
FILE = EvidenceFile(reference="file-1", name="left.jpg")

Arguments: TypeAlias = dict[str, Any]


def _one(life: Life, several: Sequence[Any]) -> Any:
    """One of several things, for the most part the newest; None where there are none."""
    if not several:
        return None
    return several[-1] if life.choose.random() < 0.6 else life.choose.choice(several)


def _returns(life: Life, *goods: GoodsState) -> list[Return]:
    return [one for one in life.desk.dossier("1001").returns.values() if not goods or one.goods in goods]


def _refunds(life: Life, fits: Callable[[Refund], bool] = lambda _: True) -> list[Refund]:
    return [one for one in life.desk.dossier("1001").refunds.values() if fits(one)]


def _of_return(life: Life, found: Sequence[Return], **more: Any) -> Arguments | None:
    one = _one(life, found)
    return None if one is None else {"order_id": "1001", "return_id": one.id, "by": ANNA, "note": "a note", **more}


def _of_refund(life: Life, fits: Callable[[Refund], bool], **more: Any) -> Arguments | None:
    one = _one(life, _refunds(life, fits))
    return None if one is None else {"order_id": "1001", "refund_id": one.id, "by": ANNA, **more}


# --- goods ---------------------------------------------------------------------------------------------------


def request_return(life: Life) -> Arguments:
    cups: Any = {"cup": 2, "pot": 1}
    lines = [RequestedLine(line_id="cup", quantity=2, reason="too small"), RequestedLine(line_id="pot", quantity=1)]
    return {
        "order_id": "1001",
        "lines": life.choose.choice([cups, {"cup": 1}, lines]),
        "by": life.choose.choice([BUYER, ANNA]),
        "request_id": life.form(),
        "note": "it is too small",
        "evidence": life.choose.choice([(), [FILE]]),
    }


def add_evidence(life: Life) -> Arguments | None:
    given = _of_return(life, _returns(life, GoodsState.REQUESTED, GoodsState.APPROVED), request_id=life.form())
    return None if given is None else {**given, "evidence": [FILE]}


def approve_return(life: Life) -> Arguments | None:
    day = life.choose.choice([None, (life.now + 9 * DAY).date()])
    found = _returns(life, GoodsState.REQUESTED, GoodsState.REQUESTED, GoodsState.APPROVED)
    return _of_return(life, found, send_by=day, instructions="use the old box")


def reject_return(life: Life) -> Arguments | None:
    return _of_return(life, _returns(life, GoodsState.REQUESTED), because="worn")


def mark_sent(life: Life) -> Arguments | None:
    more = {"tracking": "3S1", "carrier": "PostNL", "sent_on": life.now.date(), "proof": FILE}
    return _of_return(life, _returns(life, GoodsState.APPROVED), **more)


def cancel_return(life: Life) -> Arguments | None:
    waiting = _returns(life, GoodsState.REQUESTED, GoodsState.APPROVED)
    return _of_return(life, [one for one in waiting if not life.desk.dossier("1001").carrier_has(one.id)])


def close_return(life: Life) -> Arguments | None:
    here = _returns(life, GoodsState.PARTLY_RECEIVED, GoodsState.RECEIVED)
    return _of_return(life, [one for one in here if not one.question_open])


def reopen_return(life: Life) -> Arguments | None:
    ended = _returns(life, GoodsState.REJECTED, GoodsState.CANCELLED, GoodsState.EXPIRED, GoodsState.CLOSED)
    return _of_return(life, [one for one in ended if one.requested and not one.receipts])


def receive(life: Life) -> Arguments | None:
    coming = _returns(life, GoodsState.APPROVED, GoodsState.IN_TRANSIT, GoodsState.PARTLY_RECEIVED)
    coming = [
        one for one in coming if one.counted.get("cup", Counted(line_id="cup")).units < one.requested.get("cup", 0)
    ]
    lines = life.choose.choice([{"cup": 1}, [Counted(line_id="cup", to_inspect=1)], [Counted(line_id="cup", wrong=1)]])
    return _of_return(
        life,
        coming,
        lines=lines,
        request_id=life.form(),
        parcel=f"parcel {life.forms}",
        more_than_requested=life.choose.random() < 0.2,
    )


def mark_returned(life: Life) -> Arguments:
    inspected = [Counted(line_id="cup", sellable=1, to_inspect=1), Counted(line_id="pot", damaged=1)]
    lines = life.choose.choice([{"cup": 1}, {"cup": 1, "pot": 1}, inspected])
    return {"order_id": "1001", "lines": lines, "by": ANNA, "request_id": life.form(), "parcel": f"box {life.forms}"}


def _receipts(life: Life, fits: Callable[[Any], bool]) -> list[str]:
    return [one.id for return_ in _returns(life) if return_.live for one in return_.receipts.values() if fits(one)]


def correct_receipt(life: Life) -> Arguments | None:
    receipt = _one(life, _receipts(life, lambda one: "cup" in one.lines and not one.lines["cup"].to_inspect))
    lines = [Counted(line_id="cup", damaged=1), Counted(line_id="cup", sellable=1), Counted(line_id="cup", missing=1)]
    given = {"order_id": "1001", "receipt_id": receipt, "lines": [life.choose.choice(lines)], "by": ANNA}
    return None if receipt is None else given


def inspect_receipt(life: Life) -> Arguments | None:
    receipt = _one(life, _receipts(life, lambda one: "cup" in one.lines and one.lines["cup"].to_inspect > 0))
    lines = life.choose.choice([{"cup": 1}, [Counted(line_id="cup", damaged=1)]])
    given = {"order_id": "1001", "receipt_id": receipt, "lines": lines, "by": ANNA, "request_id": life.form()}
    return None if receipt is None else given


def answer_restock(life: Life) -> Arguments | None:
    asked = _one(life, [one for one in _returns(life) if one.question_open])
    if asked is None:
        return None
    lines = {line_id: 1 for line_id, count in asked.counted.items() if count.sellable}
    decisions = [RestockDecision.all("fine"), RestockDecision.by_hand(), RestockDecision.lines(lines)]
    return {"order_id": "1001", "return_id": asked.id, "decision": life.choose.choice(decisions), "by": ANNA}


# --- money ---------------------------------------------------------------------------------------------------


def _payments(life: Life) -> list[str]:
    """The payments of the order now that a provider refunds."""
    return [one.id for one in life.shop.orders["1001"].payments if one.provider == "ledger"]


def _money(life: Life) -> Arguments | None:
    if life.desk.dossier("1001").vanished():  # then nothing new is decided on the order
        return None
    returns = [one.id for one in _returns(life) if one.live]
    return {
        "order_id": "1001",
        "payment": life.choose.choice(_payments(life)),
        "amount": Money(minor=life.choose.randrange(100, 300), currency="EUR"),
        "by": ANNA,
        "request_id": life.form(),
        "return_id": _one(life, [None, *returns]),
        "note": "a note",
    }


def refund(life: Life) -> Arguments | None:
    given = _money(life)
    if given is None:
        return None
    if life.choose.random() < 0.3:
        return {**given, "to": JANSEN, "consent": AGREED}
    if life.choose.random() < 0.2:
        return {**given, "payment": "bank_1"}
    waiting = _refunds(life, lambda one: one.state is RefundState.AWAITING_MERCHANT and one.provider == "ledger")
    if waiting and life.choose.random() < 0.3:
        return {**given, "instead_of": waiting[-1].id, "payment": waiting[-1].payment, "amount": waiting[-1].amount}
    return given


def return_and_refund(life: Life) -> Arguments | None:
    given = _money(life)
    if given is None:
        return None
    given.pop("return_id", None)
    return {**given, "lines": {"cup": 1}, "parcel": f"box {life.forms}"}


def open_refund_link(life: Life) -> Arguments | None:
    return _money(life)


def confirm_refund(life: Life) -> Arguments | None:
    money = _money(life)
    if money is None:
        return None
    given = {**money, "reference": f"bank {life.forms}"}
    waiting = _refunds(life, lambda one: one.state is RefundState.AWAITING_MERCHANT)
    if not waiting or life.choose.random() < 0.4:
        return given
    one = waiting[-1]
    return {**given, "payment": one.payment, "amount": one.amount, "refund_id": one.id, "return_id": None}


def reverse_refund(life: Life) -> Arguments | None:
    return _of_refund(life, may_be_reversed, reference=f"back {life.form()}", note="the account was closed")


def cancel_refund(life: Life) -> Arguments | None:
    states = (RefundState.AWAITING_MERCHANT, RefundState.PLANNED, RefundState.PENDING)
    return _of_refund(life, lambda one: one.state in states and not one.cancelling)


def set_refund_batch(life: Life) -> Arguments | None:
    def waits(one: Refund) -> bool:
        return one.by_transfer and one.state is RefundState.AWAITING_MERCHANT and not one.needs_person

    return _of_refund(life, lambda one: waits(one) and not one.batch, batch="B1") or _of_refund(life, waits, batch="")


def retry_refund(life: Life) -> Arguments | None:
    return _of_refund(life, lambda one: one.needs_person and one.state in (RefundState.PLANNED, RefundState.UNKNOWN))


def settle_refund(life: Life) -> Arguments | None:
    def can_be(one: Refund) -> bool:
        return may_be_settled(one) and one.unclear_at is not None and one.unclear_at < life.now - 2 * DAY

    happened = life.choose.random() < 0.5
    given = _of_refund(life, can_be, happened=happened, evidence="looked at the dashboard")
    return None if given is None else {**given, "reference": f"re_settled_{life.form()}" if happened else ""}


def match_refund(life: Life) -> Arguments | None:
    dossier = life.desk.dossier("1001")
    every = list(dossier.refunds.values())
    pairs = [(ours.id, other.id) for ours in every for other in every if may_be_one(dossier, ours, other)]
    pair = _one(life, pairs)
    return None if pair is None else {"order_id": "1001", "refund_id": pair[0], "external_id": pair[1], "by": ANNA}


def explain_payment(life: Life) -> Arguments | None:
    gone = _one(life, life.desk.dossier("1001").vanished())
    if gone is None:
        return None
    now = [one.id for one in life.shop.orders["1001"].payments if one.provider == gone.provider]
    return {"order_id": "1001", "payment": gone.id, "became": life.choose.choice([None, *now]), "by": ANNA, "note": "x"}


def refund_link(life: Life) -> Arguments:
    waiting = _refunds(life, lambda one: one.state is RefundState.AWAITING_MERCHANT)
    if waiting and life.choose.random() < 0.5:
        return {"order_id": "1001", "refund_id": waiting[-1].id}
    return {"order_id": "1001", "payment": _payments(life)[0], "amount": EUR1}


def receive_webhook(life: Life) -> Arguments:
    if life.choose.random() < 0.5:
        return _of_a_parcel(life)
    target = life.choose.choice(_payments(life)).partition(":")[2]
    if life.choose.random() < 0.2:  # a payment that nobody knows by this name
        target = f"p_{life.form()}"
        life.ledger.paid[target] = EUR1
    made = life.ledger.add(target, EUR1)
    body = life.choose.choice([f"event:{made.reference}", f"fetch:{target}", f"taken:{target}:ev_{life.form()}"])
    return {"provider": "ledger", "headers": {"Signature": SECRET}, "body": body.encode(), "mode": Mode.LIVE}


def _of_a_parcel(life: Life) -> Arguments:
    said = {
        "id": f"ev {life.form()}",
        "told": "ready",
        "order_id": "1001",
        "reference": life.carrier.bought[-1].reference if life.carrier.bought else "R9",
        "progress": life.choose.choice(list(ParcelState)).value,
        "changed_at": life.now.isoformat(),
    }
    headers, body = signed_webhook(said)
    return {"provider": "small_carrier", "headers": headers, "body": body}


# --- labels --------------------------------------------------------------------------------------------------


def label_options(life: Life) -> Arguments:
    return {"order_id": "1001", "sender": HOME, "parcel": BOX, "by": ANNA, "provider": "small_carrier"}


def order_label(life: Life) -> Arguments | None:
    given = _of_return(life, _returns(life, GoodsState.APPROVED, GoodsState.PARTLY_RECEIVED))
    if given is None:
        return None
    here = [one for one in life.desk.dossier("1001").labels_of(given["return_id"]) if one.open and not one.scanned]
    replaces = here[-1].id if here and here[-1].state in MADE and life.choose.random() < 0.3 else None
    return {
        **given,
        "option": OPTION,
        "sender": HOME,
        "parcel": BOX,
        "request_id": life.form(),
        "provider": "small_carrier",
        "payer": life.choose.choice(list(WhoPays)),
        "another_parcel": bool(here) and replaces is None,
        "replaces": replaces,
    }


def _of_label(life: Life, fits: Callable[[Label], bool], **more: Any) -> Arguments | None:
    found = [one for one in life.desk.dossier("1001").labels.values() if fits(one)]
    one = _one(life, found)
    return None if one is None else {"order_id": "1001", "label_id": one.id, "by": ANNA, **more}


def label_document(life: Life) -> Arguments | None:
    live = {one.id for one in _returns(life) if one.live}

    def fits(one: Label) -> bool:
        return one.state in MADE and not one.cancel_asked and one.open and one.return_id in live and bool(one.reference)

    return _of_label(life, fits, form=life.choose.choice([None, LabelForm.PDF]))


def cancel_label(life: Life) -> Arguments | None:
    def fits(one: Label) -> bool:
        return one.state in MADE and not one.cancel_asked and not one.scanned and bool(one.reference)

    return _of_label(life, fits, note="unused")


def settle_label(life: Life) -> Arguments | None:
    made = life.choose.random() < 0.3
    given = _of_label(life, lambda one: one.state is LabelState.UNKNOWN and one.needs_person, note="looked")
    bought = [one.reference for one in life.carrier.bought if one.request.label_id == (given or {}).get("label_id")]
    made = made and bool(bought)
    return None if given is None else {**given, "made": made, "reference": bought[0] if made else ""}


def tracking_page(life: Life) -> Arguments | None:
    one = _one(life, _returns(life))
    return None if one is None else {"order_id": "1001", "return_id": one.id}


def find_return(life: Life) -> Arguments | None:
    one = _one(life, _returns(life))
    return None if one is None else {"number": one.number}


# --- what a person looks at ------------------------------------------------------------------------------------


def acknowledge(life: Life) -> Arguments | None:
    one = _one(life, [item for item in life.desk.attention().items if "acknowledge" in item.can_do])
    if one is None:
        return None
    note = "seen" if one.order_id else None
    return {"order_id": one.order_id, "kind": one.kind, "about": one.about, "by": ANNA, "note": note}


def attention(life: Life) -> Arguments:
    return {"kind": life.choose.choice([None, *AttentionKind]), "limit": 9, "after": None}


def list_returns(life: Life) -> Arguments:
    filters = {"goods": [GoodsState.APPROVED], "stock": None, "waits_for": "answer", "order_id": "1001"}
    return {**filters, "reason": "too_small", "search": "100", "opened_from": LONG_AGO, "limit": 9}


def list_refunds(life: Life) -> Arguments:
    return {"state": [RefundState.PENDING], "waits_for": "person", "order_id": "1001", "batch": "B1", "limit": 9}


def list_labels(life: Life) -> Arguments:
    named = {"state": [LabelState.READY], "waits_for": "customer", "provider": "small_carrier", "order_id": "1001"}
    return {**named, "search": "100", "opened_from": LONG_AGO, "limit": 9}


def count_returns(life: Life) -> Arguments:
    return {"goods": [GoodsState.APPROVED], "waits_for": "goods", "search": "1001", "opened_from": LONG_AGO}


def total_refunds(life: Life) -> Arguments:
    return {"state": [RefundState.PENDING], "waits_for": "person", "search": "re_", "opened_before": LONG_AGO}


LONG_AGO = datetime.datetime(2020, 1, 1, tzinfo=datetime.UTC)


def set_unreadable_aside(life: Life) -> Arguments | None:
    found = [one for one in life.desk.unreadable_orders().orders if one.set_aside is None]
    return {"order_id": found[0].order_id, "by": ANNA, "because": "we wait for the upgrade"} if found else None


def take_unreadable_back(life: Life) -> Arguments | None:
    found = [one for one in life.desk.unreadable_orders().orders if one.set_aside is not None]
    return {"order_id": found[0].order_id, "by": ANNA} if found else None


def retry_set_aside(life: Life) -> Arguments | None:
    aside = _count(life, "state = 'waiting' AND not_before >= 300000000000000000")
    return {"order_id": "1001", "by": ANNA, "note": "mended"} if aside else None


def run(life: Life) -> Arguments | None:
    outcome = _one(life, life.outcomes)
    return None if outcome is None else {"outcome": outcome}


def work(life: Life) -> Arguments:
    """What is due: a refund that is pending, one that was lost on its way, what a webhook said, a label."""
    with suppress(RetourError):
        life.choose.choice([_pending, _lost, _unheard_of, _labelled, _approved])(life)
    life.let_pass(DAY / 8)
    return {"limit": 1000, "concurrency": 1}


def check_settings(life: Life) -> Arguments:
    provider = life.choose.choice(["ledger", "small_carrier"])
    return {"provider": provider, "account": "default", "mode": Mode.LIVE}


def _count(life: Life, where: str) -> int:
    with life.engine.connect() as connection:
        found = connection.execute(
            text(f"SELECT count(*) FROM retour_effect WHERE order_id = '1001' AND shop = :shop AND {where}"),  # noqa: S608
            {"shop": life.desk.shop_id},
        )
        return int(found.scalar_one())


def _of_the_order(_: Life) -> Arguments:
    return {"order_id": "1001"}


POSSIBLE: Mapping[str, Callable[[Life], Arguments | None]] = {
    **{
        one.__name__: one
        for one in (
            *(request_return, add_evidence, approve_return, reject_return, mark_sent, cancel_return, close_return),
            *(reopen_return, receive, mark_returned, correct_receipt, inspect_receipt, answer_restock, refund),
            *(return_and_refund,),
            *(open_refund_link, confirm_refund, reverse_refund, cancel_refund, set_refund_batch, retry_refund),
            *(settle_refund, match_refund, explain_payment, refund_link, receive_webhook, label_options, order_label),
            *(label_document, cancel_label, settle_label, tracking_page, find_return, acknowledge, attention),
            *(count_returns, total_refunds),
            *(list_returns, list_refunds, list_labels, set_unreadable_aside, take_unreadable_back, retry_set_aside),
            *(run, work, check_settings),
        )
    },
    "reconcile": _of_the_order,
    "reconcile_labels": _of_the_order,
    "refund_options": _of_the_order,
    "timeline": lambda life: {"order_id": "1001", "audience": life.choose.choice(["staff", "customer"])},
    "dossier": _of_the_order,
    "can_do": lambda life: {"order_id": "1001", "by": life.choose.choice([ANNA, BUYER])},
    "evidence": tracking_page,
    "shipping_options": _of_the_order,
    "attention_counts": lambda _: {},
    "figures": lambda _: {"weeks": 4, "until": LONG_AGO.date()},
    "unreadable_orders": lambda _: {"limit": 9},
    "find_order": lambda _: {"provider": "ledger", "reference": "p_1", "account": "default", "mode": Mode.LIVE},
    "for_shop": lambda life: {"shop_id": life.desk.shop_id},
}
"""What each public method can be called with now."""


# --- how to make it possible -----------------------------------------------------------------------------------


def call(life: Life, name: str, **more: Any) -> Any:
    """Do what is possible now, with nothing hostile; None where nothing is."""
    given = POSSIBLE[name](life)
    return None if given is None else getattr(life.desk, name)(**{**given, **more})


def _approved(life: Life) -> None:
    call(life, "request_return", by=ANNA)
    call(life, "approve_return", send_by=None)


def _inspected(life: Life) -> None:
    counted = [Counted(line_id="cup", to_inspect=2)]
    call(life, "mark_returned", lines=counted)


def _ended(life: Life) -> None:
    _approved(life)
    call(life, "cancel_return")


def _transferred(life: Life) -> None:
    call(life, "reconcile")
    call(life, "refund", payment=_payments(life)[0], amount=EUR1, to=JANSEN, consent=AGREED, instead_of=None)
    held = [one for one in _refunds(life) if one.needs_person and one.by_transfer]
    for one in held[-1:]:
        life.desk.retry_refund("1001", one.id, by=ANNA)


def _held(life: Life) -> None:
    life.ledger.before.append(ProviderError(ErrorCode.INSUFFICIENT_BALANCE, "top up"))
    call(life, "refund", payment=_payments(life)[0], amount=EUR1, to=None, consent=None, instead_of=None)
    life.ledger.before.clear()


def _pending(life: Life) -> None:
    life.ledger.new_status = RefundStatus.PENDING
    call(life, "refund", payment=_payments(life)[1], amount=EUR1, to=None, consent=None, instead_of=None)
    life.ledger.new_status = RefundStatus.SUCCEEDED


def _lost(life: Life) -> None:
    """A refund whose answer was lost."""
    life.ledger.before.append(ProviderError(ErrorCode.OUTCOME_UNKNOWN, "no answer"))
    call(life, "refund", payment=_payments(life)[0], amount=EUR1, to=None, consent=None, instead_of=None)
    life.ledger.before.clear()


def _unheard_of(life: Life) -> None:
    """A webhook about a payment that nobody knows by the name that it has there."""
    target = f"p_{life.form()}"
    life.ledger.paid[target] = EUR1
    made = life.ledger.add(target, EUR1)
    life.desk.receive_webhook("ledger", {"Signature": SECRET}, f"event:{made.reference}".encode())


def _unknown(life: Life) -> None:
    """A refund of which nobody heard for days: its answer was lost, and so are the lookups'."""
    _lost(life)
    life.ledger.lookup_fails = 3
    life.let_pass(3 * DAY)


def _two_alike(life: Life) -> None:
    """A refund that waits for the merchant, who made two alike in the dashboard."""
    call(life, "reconcile")
    call(life, "open_refund_link", payment=_payments(life)[0], amount=EUR1)
    for _ in range(2):
        life.ledger.add("p_1", EUR1)
    call(life, "reconcile")


def _vanished(life: Life) -> None:
    """The shop calls a payment another name, and money went back on it."""
    order = life.shop.orders["1001"]
    old = next(one for one in order.payments if one.reference.startswith("p_2"))
    call(life, "confirm_refund", payment=old.id, amount=EUR1, refund_id=None, return_id=None)
    new = f"p_2 {life.form()}"
    life.ledger.paid[new] = old.captured
    payments = [attrs.evolve(one, reference=new) if one == old else one for one in order.payments]
    life.shop.orders["1001"] = attrs.evolve(order, payments=payments)
    call(life, "confirm_refund", payment="bank_1", amount=EUR1, refund_id=None, return_id=None)


def _labelled(life: Life) -> None:
    _approved(life)
    call(life, "order_label", another_parcel=False, replaces=None)


def _lost_label(life: Life) -> None:
    _approved(life)
    life.carrier.faults.extend([lost, lost])  # what is asked before it is bought, too
    call(life, "order_label", another_parcel=False, replaces=None)
    life.carrier.faults.clear()
    life.let_pass(DAY)
    life.desk.work()


def _failed(life: Life) -> None:
    """A refund that its provider refuses for good, which a person looks at."""
    life.ledger.before.append(ProviderError(ErrorCode.DISPUTED, "a case is open"))
    call(life, "refund", payment=_payments(life)[0], amount=EUR1, to=None, consent=None, instead_of=None)
    life.ledger.before.clear()


def _set_aside(life: Life) -> None:
    """What three processes died of, one after the other."""
    with life.engine.begin() as connection:
        outcome = life.desk.mark_returned("1001", {"cup": 1}, by=ANNA, request_id=life.form(), connection=connection)
    with life.engine.begin() as connection:
        for effect_id in outcome.effect_ids:
            connection.execute(
                text("UPDATE retour_effect SET not_before = 300000000000000000 WHERE id = :id"), {"id": effect_id}
            )


def _unreadable(life: Life) -> None:
    """Another order that a newer retour wrote an event of."""
    with suppress(RetourError):
        life.desk.mark_returned("1003", {"cup": 1}, by=ANNA, request_id=life.form())
    with life.engine.begin() as connection:
        connection.execute(
            text("UPDATE retour_event SET type = 'Tomorrow' WHERE order_id = '1003' AND shop = :shop"),
            {"shop": life.desk.shop_id},
        )
    with suppress(RetourError):
        life.desk.dossier("1003")
    life.desk.work()


def _aside(life: Life) -> None:
    _unreadable(life)
    call(life, "set_unreadable_aside")


ARRANGED: Mapping[str, Callable[[Life], None]] = {
    "add_evidence": lambda life: call(life, "request_return"),
    "approve_return": lambda life: call(life, "request_return"),
    "reject_return": lambda life: call(life, "request_return"),
    "mark_sent": _approved,
    "cancel_return": _approved,
    "close_return": lambda life: call(life, "mark_returned"),
    "receive": _approved,
    "reopen_return": _ended,
    "correct_receipt": lambda life: call(life, "mark_returned"),
    "inspect_receipt": _inspected,
    "answer_restock": lambda life: call(life, "mark_returned", lines={"cup": 1, "pot": 1}),
    "reverse_refund": lambda life: call(life, "confirm_refund", refund_id=None),
    "cancel_refund": _pending,
    "set_refund_batch": _transferred,
    "retry_refund": _held,
    "settle_refund": _unknown,
    "match_refund": _two_alike,
    "explain_payment": _vanished,
    "order_label": _approved,
    "label_document": _labelled,
    "cancel_label": _labelled,
    "settle_label": _lost_label,
    "tracking_page": _approved,
    "evidence": _approved,
    "find_return": _approved,
    "acknowledge": _failed,
    "set_unreadable_aside": _unreadable,
    "take_unreadable_back": _aside,
    "retry_set_aside": _set_aside,
    "run": lambda life: call(life, "mark_returned"),
    "refund": lambda life: call(life, "explain_payment"),
    "return_and_refund": lambda life: call(life, "explain_payment"),
    "open_refund_link": lambda life: call(life, "explain_payment"),
    "confirm_refund": lambda life: call(life, "explain_payment"),
}
"""What makes a method possible that is not."""


ASKED_BY: Mapping[str, str] = {
    "shop read_orders": "find_return",
    "hook return_policy": "request_return",
    "hook restock_policy": "mark_returned",
    "hook refund_link": "refund_options",
    "hook refund_plan": "refund_options",
    "hook refund_approval": "refund",
    "hook on_return_requested": "request_return",
    "hook on_return_approved": "approve_return",
    "hook on_return_closed": "reject_return",
    "hook on_order_returned": "mark_returned",
    "hook on_return_received": "receive",
    "hook on_order_status_changed": "mark_returned",
    "hook on_restocked": "answer_restock",
    "hook on_refund_changed": "confirm_refund",
    "hook on_payment_disputed": "receive_webhook",
    "hook on_parcel_moved": "reconcile_labels",
    "answer ledger.refund_url": "refund_link",
    "answer ledger.refundable": "refund",
    "answer ledger.payment_names": "work",
    "answer ledger.refund": "refund",
    "answer ledger.fetch_refund": "work",
    "answer ledger.find_refund": "work",
    "answer ledger.list_refunds": "reconcile",
    "answer ledger.cancel_refund": "cancel_refund",
    "answer ledger.parse_webhook": "receive_webhook",
    "answer ledger.check_settings": "check_settings",
    "answer small_carrier.portal_url": "shipping_options",
    "answer small_carrier.options": "label_options",
    "answer small_carrier.validate_label": "order_label",
    "answer small_carrier.create_label": "order_label",
    "answer small_carrier.fetch_label": "label_document",
    "answer small_carrier.fetch_shipment": "reconcile_labels",
    "answer small_carrier.find_shipment": "work",
    "answer small_carrier.list_shipments": "reconcile_labels",
    "answer small_carrier.cancel_label": "cancel_label",
    "answer small_carrier.parse_webhook": "receive_webhook",
    "answer small_carrier.check_settings": "check_settings",
    "shop order": "timeline",
    "shop find_order": "receive_webhook",
    "shop book_stock": "answer_restock",
}
"""By which method each hook, provider, carrier and shop is asked; those that register are asked when a desk is made."""

FIRST: Mapping[str, Callable[[Life], None]] = {
    "hook on_parcel_moved": lambda life: _scanned(life),
    "answer ledger.payment_names": lambda life: _unheard_of(life),
    "answer ledger.fetch_refund": lambda life: _pending(life),
    "answer ledger.find_refund": lambda life: _lost(life),
    "answer ledger.cancel_refund": lambda life: _pending(life),
    "answer small_carrier.fetch_shipment": lambda life: _labelled(life),
    "answer small_carrier.find_shipment": lambda life: _unanswered_label(life),
    "hook on_restocked": lambda life: call(life, "mark_returned", lines={"cup": 1, "pot": 1}),
    "shop book_stock": lambda life: call(life, "mark_returned", lines={"cup": 1, "pot": 1}),
}
"""What must be so for it to be asked."""


def _scanned(life: Life) -> None:
    _labelled(life)
    life.carrier.bought[-1].progress = ParcelState.ON_ITS_WAY


def _unanswered_label(life: Life) -> None:
    _approved(life)
    life.carrier.faults.extend([lost, lost])  # what is asked before it is bought, too
    call(life, "order_label", another_parcel=False, replaces=None)
    life.carrier.faults.clear()


def happens(life: Life) -> None:
    """What goes on outside: a colleague refunds in the dashboard, a parcel is scanned, time passes."""
    how = life.choose.randrange(8)
    if how == 0:
        life.ledger.add("p_1", EUR1)
    elif how == 1 and life.carrier.bought:
        life.carrier.bought[-1].progress = life.choose.choice(list(ParcelState))
    elif how == 2:
        life.carrier.portal(f"P{life.form()}", parcel=f"p-{life.forms}")
    elif how == 3:
        pending = [name for name, one in life.ledger.refunds.items() if one.status is RefundStatus.PENDING]
        for name in pending[-1:]:
            life.ledger.turn(name, life.choose.choice(list(RefundStatus)[2:]))
    elif how == 4:
        life.let_pass(DAY / 4)
