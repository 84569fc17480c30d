"""From returned orders to a batch, and from the bank's statement to confirmed refunds."""

from __future__ import annotations

import datetime
import itertools

import attrs
import pytest

from retour import (
    Actor,
    BankAccount,
    Consent,
    ConsentWay,
    InvalidReference,
    MemoryShop,
    Mode,
    Money,
    Order,
    Payment,
    RefundState,
    ReturnDesk,
    WrongState,
)
from retour.testing import a_line, a_payment, an_order
from retour_manual_transfer import waiting
from retour_manual_transfer.batch import Debtor, InvalidBatch, pain001
from retour_manual_transfer.statement import StatementLine, confirm_statement, match_statement
from retour_manual_transfer.waiting import NotReady, WaitingRefund, put_in_batch, transfers_of, waiting_refunds

ANNA = Actor.staff("anna")
SHOP = Debtor(name="Theewinkel B.V.", iban="NL20INGB0001234567")
JANSEN = BankAccount(name="J. Jansen", iban="nl91 abna 0417 1643 00")
ON = datetime.date(2026, 11, 24)
MADE = datetime.datetime(2026, 11, 23, 16, 45, tzinfo=datetime.UTC)


def an_invoice(order_id: str = "1001", *, payer: BankAccount | None = JANSEN, **changed: object) -> Order:
    payment = a_payment("45.50", provider="manual_transfer", reference=f"inv-{order_id}", payer=payer)
    return an_order(a_line("teapot", gross="45.50"), order_id=order_id, payments=[attrs.evolve(payment, **changed)])


def a_desk(*orders: Order) -> ReturnDesk:
    return ReturnDesk(shop=MemoryShop(list(orders)), store="sqlite://", plugins=["manual_transfer"])


def wait(desk: ReturnDesk, order_id: str = "1001", amount: str = "45.50", request_id: str = "form-1") -> str:
    """A returned order whose refund waits for the merchant; gives the refund's id."""
    desk.mark_returned(order_id, by=ANNA)
    payment = f"inv-{order_id}"
    before = set(desk.dossier(order_id).refunds)
    desk.open_refund_link(order_id, payment, Money.of(amount, "EUR"), by=ANNA, request_id=request_id)
    [made] = set(desk.dossier(order_id).refunds) - before
    return made


def a_line_for(*refunds: str, paid: str = "45.50", reference: str = "st-17", words: str = "") -> StatementLine:
    return StatementLine(
        reference=reference,
        amount=Money.of(f"-{paid}".replace("--", ""), "EUR"),
        words=words or f"SEPA Overboeking J JANSEN Retour 1001 {' '.join(refunds)}",
        booked=ON,
    )


def test_a_returned_order_is_paid_back_by_a_batch_and_confirmed_by_the_statement():
    desk = a_desk(an_invoice())
    refund_id = wait(desk)
    ready = transfers_of(desk)
    [transfer] = ready.transfers
    assert ready.not_ready == ()
    assert (transfer.refund_id, transfer.amount) == (refund_id, Money.of("45.50", "EUR"))
    assert transfer.to == BankAccount(name="J. Jansen", iban="NL91ABNA0417164300")
    assert transfer.remittance == "Retour 1001"

    batch = put_in_batch(desk, ready.transfers, "2026-11-24.1", by=ANNA)
    written = pain001(SHOP, batch, batch_id="2026-11-24.1", execution_date=ON, created_at=MADE)
    assert f"<EndToEndId>{refund_id}</EndToEndId>".encode() in written
    assert desk.dossier("1001").refunds[refund_id].state is RefundState.AWAITING_MERCHANT

    [paid] = match_statement([a_line_for(refund_id)], waiting_refunds(desk)).paid
    desk.confirm_refund(
        paid.refund.order_id,
        paid.refund.payment,
        paid.refund.amount,
        refund_id=paid.refund.refund_id,
        reference=paid.line.reference,
        by=ANNA,
        request_id=paid.line.reference,
    )
    refund = desk.dossier("1001").refunds[refund_id]
    assert (refund.state, refund.reference) == (RefundState.SUCCEEDED, "st-17")
    assert len(desk.dossier("1001").refunds) == 1
    assert "st-17" in desk.timeline("1001")[-1].text("nl")
    assert transfers_of(desk).transfers == ()


def test_of_two_waiting_refunds_of_one_amount_the_one_on_the_statement_is_confirmed():
    desk = a_desk(an_invoice())
    first, second = wait(desk, amount="20.00"), wait(desk, amount="20.00", request_id="form-2")
    match = match_statement([a_line_for(second, paid="20.00")], waiting_refunds(desk))
    assert [paid.refund.refund_id for paid in match.paid] == [second]
    assert match.to_look_at == ()
    assert {transfer.refund_id for transfer in transfers_of(desk).transfers} == {first, second}


def test_a_refund_in_an_earlier_batch_is_left_out_of_the_next():
    desk = a_desk(an_invoice("1001"), an_invoice("1002"))
    first = wait(desk, "1001")
    batch = put_in_batch(desk, transfers_of(desk).transfers, "B1", by=ANNA)
    second = wait(desk, "1002")
    assert [transfer.refund_id for transfer in batch] == [first]
    assert [transfer.refund_id for transfer in transfers_of(desk).transfers] == [second]


def test_a_refund_is_in_one_batch_however_often_two_people_export():
    desk = a_desk(an_invoice("1001"), an_invoice("1002"))
    wait(desk, "1001")
    wait(desk, "1002")
    seen_by_both = transfers_of(desk).transfers
    assert len(put_in_batch(desk, seen_by_both, "B1", by=ANNA)) == 2
    assert put_in_batch(desk, seen_by_both, "B2", by=Actor.staff("ben")) == ()
    assert len(put_in_batch(desk, seen_by_both, "B1", by=ANNA)) == 2  # the same again, as after a crash


def test_a_second_export_of_a_batch_is_the_same_file():
    desk = a_desk(an_invoice("1001"), an_invoice("1002"), an_invoice("1003"))
    wait(desk, "1001")
    wait(desk, "1002")
    batch = put_in_batch(desk, transfers_of(desk).transfers, "B1", by=ANNA)
    first = pain001(SHOP, batch, batch_id="B1", execution_date=ON, created_at=MADE)
    wait(desk, "1003")
    again = transfers_of(desk, batch="B1").transfers
    assert pain001(SHOP, again, batch_id="B1", execution_date=ON, created_at=MADE) == first


def test_a_refund_in_a_batch_is_cancelled_only_after_it_was_taken_out():
    desk = a_desk(an_invoice())
    refund_id = wait(desk)
    put_in_batch(desk, transfers_of(desk).transfers, "B1", by=ANNA)
    with pytest.raises(WrongState, match="is in batch B1, which the bank may pay"):
        desk.cancel_refund("1001", refund_id, by=ANNA)
    desk.set_refund_batch("1001", refund_id, "", by=ANNA)
    assert [transfer.refund_id for transfer in transfers_of(desk).transfers] == [refund_id]
    desk.cancel_refund("1001", refund_id, by=ANNA)
    assert transfers_of(desk).transfers == ()
    assert "uit" in desk.timeline("1001")[-2].text("nl")


@pytest.mark.parametrize("name", ["x" * 36, " B1", "RETOUR_2026_11_24", "24/11", "é"])
def test_a_batch_with_a_name_that_no_bank_takes_is_refused_and_its_refunds_stay_free(name: str):
    desk = a_desk(an_invoice())
    refund_id = wait(desk)
    with pytest.raises(InvalidReference, match="a batch's name is 1 to 35 letters"):
        desk.set_refund_batch("1001", refund_id, name, by=ANNA)
    with pytest.raises(InvalidBatch, match="A batch's id is 1 to 35 letters"):
        put_in_batch(desk, transfers_of(desk).transfers, name, by=ANNA)
    free = transfers_of(desk).transfers
    assert [transfer.refund_id for transfer in free] == [refund_id]
    assert put_in_batch(desk, free, "RETOUR-2026-11-24", by=ANNA) == free


def test_a_batch_without_a_name_is_refused_and_takes_nothing_out():
    desk = a_desk(an_invoice())
    wait(desk)
    inside = put_in_batch(desk, transfers_of(desk).transfers, "B1", by=ANNA)
    with pytest.raises(InvalidBatch, match="A batch's id is"):
        put_in_batch(desk, inside, "", by=ANNA)
    assert transfers_of(desk, batch="B1").transfers == inside


def test_a_statement_confirms_what_it_names_and_again_changes_nothing():
    desk = a_desk(an_invoice("1001"), an_invoice("1002"))
    first, second = wait(desk, "1001"), wait(desk, "1002")
    put_in_batch(desk, transfers_of(desk).transfers, "B1", by=ANNA)
    lines = [a_line_for(first), a_line_for(second, reference="st-18", paid="45.00")]
    match = confirm_statement(desk, lines, by=ANNA)
    assert [paid.refund.refund_id for paid in match.paid] == [first]
    assert [one.refund.refund_id for one in match.to_look_at] == [second]
    assert desk.dossier("1001").refunds[first].state is RefundState.SUCCEEDED
    assert desk.dossier("1002").refunds[second].state is RefundState.AWAITING_MERCHANT
    assert confirm_statement(desk, lines, by=ANNA).paid == ()
    assert transfers_of(desk, batch="B1").transfers[0].refund_id == second


def confirmed_by_statement(desk: ReturnDesk) -> str:
    """A refund that a statement confirmed; gives its id."""
    refund_id = wait(desk)
    put_in_batch(desk, transfers_of(desk).transfers, "B1", by=ANNA)
    assert len(confirm_statement(desk, [a_line_for(refund_id)], by=ANNA).paid) == 1
    return refund_id


def came_back(refund_id: str, amount: str = "45.50") -> StatementLine:
    line = a_line_for(refund_id, reference="st-30")
    return attrs.evolve(line, amount=Money.of(amount, "EUR"))


def test_a_confirmed_transfer_that_came_back_is_reversed_and_can_be_refunded_again():
    desk = a_desk(an_invoice())
    refund_id = confirmed_by_statement(desk)
    match = confirm_statement(desk, [came_back(refund_id)], by=ANNA)
    assert [one.refund.refund_id for one in match.came_back] == [refund_id]
    assert desk.dossier("1001").refunds[refund_id].state is RefundState.REVERSED
    assert desk.timeline("1001")[-1].text("nl") == "De bank heeft €\N{NO-BREAK SPACE}45,50 teruggestort, kenmerk st-30"
    assert desk.refund_options("1001")[0].suggested == Money.of("45.50", "EUR")
    again = confirm_statement(desk, [a_line_for(refund_id), came_back(refund_id)], by=ANNA)
    assert (again.paid, again.came_back, again.to_look_at) == ((), (), ())


def test_a_part_that_came_back_is_for_a_person():
    desk = a_desk(an_invoice())
    refund_id = confirmed_by_statement(desk)
    match = confirm_statement(desk, [came_back(refund_id, "45.00")], by=ANNA)
    assert [str(one.because) for one in match.to_look_at] == ["Order 1001: €45.00 of the €45.50 came back."]
    assert desk.dossier("1001").refunds[refund_id].state is RefundState.SUCCEEDED


def test_a_confirmed_transfer_that_the_bank_paid_again_is_for_a_person():
    desk = a_desk(an_invoice())
    refund_id = confirmed_by_statement(desk)
    match = confirm_statement(desk, [a_line_for(refund_id), a_line_for(refund_id, reference="st-18")], by=ANNA)
    assert [str(one.because) for one in match.to_look_at] == ["Order 1001: €45.50 was paid more than once."]
    assert [line.reference for line in match.to_look_at[0].lines] == ["st-18"]


def test_a_transfer_whose_refund_was_given_up_is_for_a_person():
    desk = a_desk(an_invoice())
    refund_id = wait(desk)
    desk.cancel_refund("1001", refund_id, by=ANNA)
    match = confirm_statement(desk, [a_line_for(refund_id)], by=ANNA)
    assert "though its refund was given up" in str(match.to_look_at[0].because)


def test_a_transfer_confirmed_by_hand_is_on_the_statement_once_and_that_is_no_news():
    desk = a_desk(an_invoice())
    refund_id = wait(desk)
    payment = desk.dossier("1001").refunds[refund_id].payment
    desk.confirm_refund(
        "1001",
        payment,
        Money.of("45.50", "EUR"),
        reference="my banking app",
        by=ANNA,
        request_id="f",
        refund_id=refund_id,
    )
    assert confirm_statement(desk, [a_line_for(refund_id)], by=ANNA).to_look_at == ()
    twice = [a_line_for(refund_id), a_line_for(refund_id, reference="st-18")]
    assert len(confirm_statement(desk, twice, by=ANNA).to_look_at) == 1


def test_a_line_about_several_confirmed_refunds_reverses_none():
    desk = a_desk(an_invoice("1001"), an_invoice("1002"))
    first, second = wait(desk, "1001"), wait(desk, "1002")
    put_in_batch(desk, transfers_of(desk).transfers, "B1", by=ANNA)
    confirm_statement(desk, [a_line_for(first), a_line_for(second, reference="st-18")], by=ANNA)
    line = attrs.evolve(came_back(first), words=f"{first} {second}")
    match = confirm_statement(desk, [line], by=ANNA)
    assert sorted(str(one.because) for one in match.to_look_at) == [
        "Order 1001: a line names several refunds at once.",
        "Order 1002: a line names several refunds at once.",
    ]


def test_a_refund_by_the_desk_waits_for_the_merchant_and_says_how_to_make_it():
    desk = a_desk(an_invoice())
    outcome = desk.refund("1001", "inv-1001", Money.of("20.00", "EUR"), by=ANNA, request_id="form-1")
    assert outcome.refund is not None
    assert outcome.refund.state is RefundState.AWAITING_MERCHANT
    link = desk.refund_link("1001", refund_id=outcome.refund_id)
    assert link.transfer is not None
    assert link.transfer.amount == Money.of("20.00", "EUR")
    assert [row.refund_id for row in desk.list_refunds(waits_for="transfer").refunds] == [outcome.refund_id]
    assert [transfer.refund_id for transfer in transfers_of(desk).transfers] == [outcome.refund_id]
    assert desk.timeline("1001")[-1].text("nl") == "€\xa020,00 wacht op je overboeking"
    again = desk.refund("1001", "inv-1001", Money.of("20.00", "EUR"), by=ANNA, request_id="form-1")
    assert (again.changed, again.refund_id) == (False, outcome.refund_id)


def test_only_the_named_orders_are_asked_for_each_once():
    desk = a_desk(*[an_invoice(order_id) for order_id in ("1001", "1002", "1003")])
    opened = {order_id: wait(desk, order_id) for order_id in ("1001", "1002", "1003")}
    ready = transfers_of(desk, ["1003", "1001", "1003"])
    assert [transfer.refund_id for transfer in ready.transfers] == [opened["1003"], opened["1001"]]
    assert transfers_of(desk, []).transfers == ()


def test_refunds_by_other_providers_and_other_accounts_of_the_merchant_are_not_in_the_batch():
    card = a_payment("45.50", provider="mollie", reference="inv-1001")
    desk = a_desk(
        an_order(a_line("teapot", gross="45.50"), order_id="1001", payments=[card]),
        an_invoice("1002", account="germany"),
        an_invoice("1003", reference="inv-1003:manual/x"),
    )
    wait(desk, "1001")
    german = wait(desk, "1002")
    desk.mark_returned("1003", by=ANNA)
    desk.open_refund_link("1003", "inv-1003:manual/x", Money.of("1.00", "EUR"), by=ANNA, request_id="form-1")
    assert [transfer.remittance for transfer in transfers_of(desk).transfers] == ["Retour 1003"]
    assert [transfer.refund_id for transfer in transfers_of(desk, account="germany").transfers] == [german]


# --- whom to ask -----------------------------------------------------------------------------------------


def apart(desk: ReturnDesk) -> NotReady:
    ready = transfers_of(desk)
    assert ready.transfers == ()
    [found] = ready.not_ready
    return found


@pytest.mark.parametrize(
    ("payer", "asked"),
    [
        (None, "Ask the customer for the IBAN and the name of the account holder."),
        (BankAccount(name="", iban=JANSEN.iban), "Ask the customer for the IBAN and the name of the account holder."),
        (BankAccount(name="J. Jansen", iban="NL01ABNA0417164300"), "The IBAN that ends in 4300 is not valid."),
        (BankAccount(name="J. Jansen", iban="CH9300762011623852957"), "is outside the European Economic Area"),
        (BankAccount(name="😀", iban=JANSEN.iban), "the name of the account holder is missing or has no letters"),
    ],
)
def test_a_refund_without_a_usable_account_is_apart_with_what_to_ask(payer: BankAccount | None, asked: str):
    desk = a_desk(an_invoice(payer=payer))
    refund_id = wait(desk)
    found = apart(desk)
    assert found.refund == WaitingRefund(
        order_id="1001", refund_id=refund_id, payment="manual_transfer:inv-1001", amount=Money.of("45.50", "EUR")
    )
    assert asked in found.instruction.render("en")


def test_an_account_that_the_customer_gave_later_is_used_and_checked():
    desk = a_desk(an_invoice(payer=None))
    refund_id = wait(desk)
    [transfer] = transfers_of(desk, accounts={refund_id: JANSEN}).transfers
    assert transfer.to.iban == "NL91ABNA0417164300"
    assert transfers_of(desk, accounts={refund_id: BankAccount(name="J", iban="NL1")}).transfers == ()
    assert apart(desk).refund.refund_id == refund_id  # it was stored nowhere


def test_no_real_money_goes_back_for_a_payment_in_test_mode():
    desk = a_desk(an_invoice(mode=Mode.TEST))
    wait(desk)
    assert apart(desk).instruction.render("nl") == (
        "Betaling inv-1001 (Bankoverschrijving) van bestelling 1001 is een test: er kwam geen geld binnen, "
        "dus er gaat ook geen geld terug."
    )


def test_another_currency_is_apart_and_holds_up_nobody_else():
    crowns = an_order(
        a_line("teapot", gross="45.50", currency="SEK"),
        order_id="1002",
        payments=[a_payment("45.50", provider="manual_transfer", reference="x", currency="SEK", payer=JANSEN)],
    )
    desk = a_desk(an_invoice("1001"), crowns)
    wait(desk, "1001")
    desk.mark_returned("1002", by=ANNA)
    desk.open_refund_link("1002", "x", Money.of("45.50", "SEK"), by=ANNA, request_id="form-1")
    ready = transfers_of(desk)
    assert [transfer.remittance for transfer in ready.transfers] == ["Retour 1001"]
    assert "a SEPA transfer is in EUR" in ready.not_ready[0].instruction.render("en")


class ShopWithout(MemoryShop):
    """A shop that forgets orders, or their payments."""

    forgotten: frozenset[str] = frozenset()
    instead: tuple[Payment, ...] = ()

    def order(self, order_id: str) -> Order | None:
        order = super().order(order_id)
        if order is None or order_id not in self.forgotten:
            return order
        return attrs.evolve(order, payments=self.instead) if self.instead else None


@pytest.mark.parametrize(
    ("instead", "told"),
    [
        ((), "The shop has no order 1001. Check the number."),
        (
            (a_payment("45.50", provider="manual_transfer", reference="other"),),
            "Order 1001 does not name payment inv-1001 (Bank transfer) any more. Look into the order, then cancel "
            "this refund or transfer it by hand.",
        ),
    ],
)
def test_an_order_that_cannot_be_read_holds_up_nobody_else(instead: tuple[Payment, ...], told: str):
    shop = ShopWithout([an_invoice("1001"), an_invoice("1002")])
    desk = ReturnDesk(shop=shop, store="sqlite://", plugins=["manual_transfer"])
    wait(desk, "1001")
    wait(desk, "1002")
    shop.forgotten, shop.instead = frozenset({"1001"}), instead
    ready = transfers_of(desk)
    assert [transfer.remittance for transfer in ready.transfers] == ["Retour 1002"]
    assert [found.instruction.render("en") for found in ready.not_ready] == [told]


@pytest.mark.parametrize("explained", [False, True])
def test_a_transfer_of_a_payment_that_the_shop_calls_otherwise_now_is_in_the_batch(explained: bool):
    shop = ShopWithout([an_invoice()])
    desk = ReturnDesk(shop=shop, store="sqlite://", plugins=["manual_transfer"])
    opened = wait(desk)
    name = "2026-17" if explained else " INV-1001"
    shop.forgotten = frozenset({"1001"})
    shop.instead = (attrs.evolve(an_invoice().payments[0], reference=name),)
    desk.reconcile("1001")
    if explained:
        assert transfers_of(desk).transfers == ()
        desk.explain_payment("1001", "inv-1001", became=name, by=ANNA)
    assert [transfer.refund_id for transfer in transfers_of(desk).transfers] == [opened]


def test_more_refunds_than_fit_on_a_page_are_all_in_the_batch(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(waiting, "PAGE", 2)
    desk = a_desk(an_invoice())
    opened = {wait(desk, amount="1.00", request_id=f"form-{number}") for number in range(5)}
    transfers = transfers_of(desk).transfers
    assert {transfer.refund_id for transfer in transfers} == opened
    assert len(transfers) == 5


# --- the statement ---------------------------------------------------------------------------------------

FIRST, SECOND = [
    WaitingRefund(
        order_id=order_id,
        refund_id=f"rf01KASM4X00000000000000{order_id}",
        payment=f"manual_transfer:inv-{order_id}",
        amount=Money.of("45.50", "EUR"),
    )
    for order_id in ("1001", "1002")
]


@pytest.mark.parametrize(
    "words",
    [
        f"/EREF/{FIRST.refund_id}/REMI/Retour 1001",
        f"J JANSEN {FIRST.refund_id.upper()} RETOUR 1001",
        f"Kenmerk:{FIRST.refund_id[:9]}\n {FIRST.refund_id[9:]}Retour",
    ],
)
def test_a_refund_is_found_by_its_id_however_the_bank_writes_it(words: str):
    match = match_statement([a_line_for(words=words)], [FIRST, SECOND])
    assert ([paid.refund for paid in match.paid], match.to_look_at) == ([FIRST], ())


def test_an_amount_alone_confirms_nothing():
    match = match_statement([a_line_for(words="J Jansen Retour 1001")], [FIRST, SECOND])
    assert (match.paid, match.to_look_at) == ((), ())


def test_the_same_line_in_two_statements_is_one_line():
    line = a_line_for(FIRST.refund_id)
    assert [paid.line for paid in match_statement([line, line], [FIRST]).paid] == [line]


def test_what_was_paid_and_came_back_whole_is_said_with_both_lines():
    out, back = a_line_for(FIRST.refund_id), a_line_for(FIRST.refund_id, paid="-45.50", reference="st-18")
    for ordered in ([out, back], [back, out]):
        match = match_statement(ordered, [FIRST, SECOND])
        assert [(one.refund, one.paid, one.line) for one in match.came_back] == [(FIRST, out, back)]
        assert (match.paid, match.to_look_at) == ((), ())


@pytest.mark.parametrize(
    ("lines", "because"),
    [
        ([a_line_for(FIRST.refund_id, paid="45.00")], "Order 1001: €45.00 was paid, not €45.50."),
        (
            [a_line_for(FIRST.refund_id), a_line_for(FIRST.refund_id, reference="st-18")],
            "Order 1001: €45.50 was paid more than once.",
        ),
        (
            [a_line_for(FIRST.refund_id), a_line_for(FIRST.refund_id, paid="-45.00", reference="st-18")],
            "Order 1001: the €45.50 came back. Ask the customer for another account before you pay again.",
        ),
        (
            [a_line_for(FIRST.refund_id, SECOND.refund_id)],
            "Order 1001: a line names several refunds at once.",
        ),
    ],
)
def test_a_line_that_leaves_a_doubt_is_for_a_person(lines: list[StatementLine], because: str):
    for ordered in itertools.permutations(lines):
        match = match_statement(ordered, [FIRST, SECOND])
        assert match.paid == ()
        assert match.to_look_at[0].refund == FIRST
        assert match.to_look_at[0].lines == ordered
        assert match.to_look_at[0].because.render("en") == because


def test_a_refund_of_another_providers_payment_is_in_the_batch_with_the_account_that_the_customer_agreed_to():
    """Its payment was made by card; the account is kept with the refund, and nobody has to give it again."""
    desk = a_desk(an_invoice(provider="mollie", reference="tr_1", payer=None))
    agreed = Consent(how=ConsentWay.PHONE)
    made = desk.refund("1001", "tr_1", Money.of("45.50", "EUR"), to=JANSEN, consent=agreed, by=ANNA, request_id="f1")
    [transfer] = transfers_of(desk).transfers
    assert transfer.to == BankAccount(name="J. Jansen", iban="NL91ABNA0417164300")
    batch = put_in_batch(desk, [transfer], "2026-11-24.1", by=ANNA)
    assert pain001(SHOP, batch, batch_id="2026-11-24.1", execution_date=ON, created_at=MADE).count(b"NL91ABNA") == 1
    confirm_statement(desk, [a_line_for(made.refund_id)], by=ANNA)
    assert desk.dossier("1001").refund(made.refund_id).state is RefundState.SUCCEEDED


def test_a_payment_that_its_provider_refunds_no_more_is_transferred_only_when_the_customer_agreed():
    """PayPal refunds nothing after 180 days: the link says what to ask him first."""
    long_ago = datetime.datetime.now(datetime.UTC) - datetime.timedelta(days=200)
    order = an_invoice(provider="paypal", reference="2GG279541U471931P", payer=JANSEN, paid_at=long_ago)
    keys = {"client_id": "x", "client_secret": "x", "environment": "live", "webhook_id": "x"}
    desk = ReturnDesk(
        shop=MemoryShop([order]), store="sqlite://", plugins=["paypal", "manual_transfer"], settings={"paypal": keys}
    )
    opened = desk.refund_link("1001", "2GG279541U471931P", Money.of("10.00", "EUR"))
    assert (opened.kind, opened.transfer) == ("transfer", None)
