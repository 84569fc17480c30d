"""The bank on this machine does what banks do: it pays what it is told, once a file, and says so on its statement."""

from __future__ import annotations

import datetime
import json
from collections.abc import Iterator
from http.client import HTTPConnection
from urllib.parse import urlsplit

import pytest

from retour import Actor, BankAccount, MemoryShop, Money, RefundState, ReturnDesk
from retour.sandbox import Fault
from retour.testing import a_line, a_payment, an_order
from retour_manual_transfer.batch import Debtor, pain001
from retour_manual_transfer.sandbox import BankSandbox
from retour_manual_transfer.statement import confirm_statement
from retour_manual_transfer.waiting import put_in_batch, transfers_of

ANNA = Actor.staff("anna")
JANSEN = BankAccount(name="J. Jansen", iban="NL91ABNA0417164300")
PAID = Money.of("45.50", "EUR")


@pytest.fixture
def bank() -> Iterator[BankSandbox]:
    with BankSandbox() as made:
        yield made


@pytest.fixture
def desk(bank: BankSandbox) -> ReturnDesk:
    bank.pay(PAID, reference="invoice 1001")
    payment = a_payment("45.50", provider="manual_transfer", reference="invoice 1001", payer=JANSEN)
    return ReturnDesk(
        shop=MemoryShop([an_order(a_line("teapot", gross="45.50"), payments=[payment])]),
        store="sqlite://",
        plugins=["manual_transfer"],
    )


def refund(desk: ReturnDesk, amount: str = "20.00", form: str = "form-1") -> str:
    outcome = desk.refund("1001", "invoice 1001", Money.of(amount, "EUR"), by=ANNA, request_id=form)
    assert outcome.refund_id is not None
    return outcome.refund_id


def a_file(desk: ReturnDesk, batch_id: str = "B1") -> bytes:
    batch = transfers_of(desk, batch=batch_id).transfers or put_in_batch(
        desk, transfers_of(desk).transfers, batch_id, by=ANNA
    )
    return pain001(
        Debtor(name="Theewinkel B.V.", iban="NL20INGB0001234567"),
        batch,
        batch_id=batch_id,
        execution_date=datetime.date(2026, 11, 26),
        created_at=datetime.datetime(2026, 11, 25, 9, 0, tzinfo=datetime.UTC),
    )


def ask(bank: BankSandbox, method: str, path: str, body: bytes = b"") -> tuple[int, object]:
    connection = HTTPConnection(urlsplit(bank.url).netloc, timeout=10)
    try:
        connection.request(method, path, body=body)
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read())
    finally:
        connection.close()


def test_a_batch_is_paid_and_the_statement_confirms_it_cent_for_cent(bank: BankSandbox, desk: ReturnDesk) -> None:
    refunds = [refund(desk), refund(desk, form="form-2")]
    assert bank.upload(a_file(desk)) == 2
    match = confirm_statement(desk, bank.statement(), by=ANNA)
    assert {one.refund.refund_id for one in match.paid} == set(refunds)
    dossier = desk.dossier("1001")
    assert {one.state for one in dossier.refunds.values()} == {RefundState.SUCCEEDED}
    assert sorted((one.refund_id, one.amount) for one in bank.books("invoice 1001")) == sorted(
        (one.id, one.amount) for one in dossier.refunds.values()
    )


def test_the_same_file_twice_is_paid_once(bank: BankSandbox, desk: ReturnDesk) -> None:
    refund(desk)
    assert ask(bank, "POST", "/files", a_file(desk)) == (201, {"transfers": 1})
    status, _ = ask(bank, "POST", "/files", a_file(desk))
    assert status == 409
    assert len(bank.books("invoice 1001")) == 1


def test_a_file_whose_answer_was_lost_is_handed_in_again_and_paid_once(bank: BankSandbox, desk: ReturnDesk) -> None:
    refund(desk)
    bank.server.faults.append(Fault.CUT_AFTER)
    with pytest.raises(ConnectionError):
        ask(bank, "POST", "/files", a_file(desk))
    assert ask(bank, "POST", "/files", a_file(desk))[0] == 409
    assert len(confirm_statement(desk, bank.statement(), by=ANNA).paid) == 1


def test_a_transfer_that_came_back_is_reversed(bank: BankSandbox, desk: ReturnDesk) -> None:
    made = refund(desk)
    bank.upload(a_file(desk))
    bank.fail(bank.books("invoice 1001")[0].reference)
    match = confirm_statement(desk, bank.statement(), by=ANNA)
    assert (match.paid, match.to_look_at) == ((), ())
    assert [one.refund.refund_id for one in match.came_back] == [made]
    assert desk.dossier("1001").refunds[made].state is RefundState.REVERSED
    again = confirm_statement(desk, bank.statement(), by=ANNA)
    assert (again.paid, again.to_look_at, again.came_back) == ((), (), ())


def test_what_is_held_is_on_no_statement_until_it_is_released(bank: BankSandbox, desk: ReturnDesk) -> None:
    refund(desk)
    bank.hold()
    bank.upload(a_file(desk))
    bank.advance(datetime.timedelta(days=365))
    assert (bank.statement(), bank.books("invoice 1001")[0].status.value) == ((), "pending")
    bank.release()
    assert len(confirm_statement(desk, bank.statement(), by=ANNA).paid) == 1


def test_a_transfer_typed_into_the_banking_app_confirms_nothing_by_itself(bank: BankSandbox, desk: ReturnDesk) -> None:
    refund(desk)
    bank.refund_in_dashboard("invoice 1001", Money.of("20.00", "EUR"))
    assert confirm_statement(desk, bank.statement(), by=ANNA).paid == ()


@pytest.mark.parametrize("file", [b"", b"<x/>", b"no xml", b"<Document><GrpHdr><MsgId>1</MsgId></GrpHdr></Document>"])
def test_what_is_no_file_of_transfers_is_refused_whole(bank: BankSandbox, file: bytes) -> None:
    assert ask(bank, "POST", "/files", file)[0] == 422
    assert bank.statement() == ()


def test_the_statement_can_be_read_over_http(bank: BankSandbox) -> None:
    bank.pay(PAID, reference="invoice 7")
    bank.refund_in_dashboard("invoice 7", PAID)
    status, lines = ask(bank, "GET", "/statement")
    assert status == 200
    assert lines == [
        {
            "reference": "S00000001",
            "amount": "-45.50",
            "currency": "EUR",
            "words": "Retour 7",
            "booked": bank.clock.now().date().isoformat(),
        }
    ]
    assert ask(bank, "GET", "/nothing")[0] == 404


def test_an_invoice_is_paid_once_and_only_what_was_paid_goes_back(bank: BankSandbox) -> None:
    bank.pay(PAID, reference="invoice 7")
    with pytest.raises(ValueError, match="paid already"):
        bank.pay(PAID, reference="invoice 7")
    with pytest.raises(ValueError, match="never paid"):
        bank.refund_in_dashboard("invoice 8", PAID)
    with pytest.raises(ValueError, match="There is no refund T1"):
        bank.fail("T1")
