"""Bank transfers: those that wait, one file for the bank with many of them, and the statement that confirms them."""

from __future__ import annotations

import io
import re
from typing import Any

import pytest
from page_queries import queries_of
from scriptless_browser import Page, ShopBrowser
from sqlalchemy import update

from retour import Actor, BankAccount, Consent, ConsentWay, Refund, RefundState
from webshop import tables
from webshop.application import PAYS_FROM
from webshop.running import RunningShop

ANNA = Actor.staff("anna")


def a_transfer(shop: RunningShop, order_id: str = "1004") -> Refund:
    """A refund by bank transfer that waits for the merchant: by invoice, or instead of what another provider would."""
    desk = shop.desk
    desk.mark_returned(order_id, by=ANNA)
    [option] = desk.refund_options(order_id)
    invoice = option.payment.provider == "manual_transfer"
    to = None if invoice else BankAccount(name=f"Klant {order_id}", iban="NL91ABNA0417164300")
    consent = None if invoice else Consent(how=ConsentWay.EMAIL)
    outcome = desk.refund(
        order_id, option.payment.id, option.suggested, by=ANNA, request_id="f" * 32, to=to, consent=consent
    )
    assert outcome.refund is not None
    return outcome.refund


def a_file(merchant: ShopBrowser) -> Page:
    """The page of a new file with all that waits in it."""
    return send_ticked(merchant, merchant.get("/transfers"))


def send_ticked(merchant: ShopBrowser, page: Page) -> Page:
    fields: dict[str, Any] = dict(page.form("/batch").fields)
    for name in ("refund", "order"):
        fields[name] = [given["value"] for tag, given in page.elements if tag == "input" and given.get("name") == name]
    answer = merchant.client.post(
        "/transfers/batch", data=fields, headers={"Accept-Language": "nl"}, follow_redirects=True
    )
    return Page(answer.request.path, answer.status_code, answer.text, answer.headers)


def a_statement(*lines: tuple[str, int], account: str = PAYS_FROM.iban) -> bytes:
    """A CAMT.053 with a line for each (words, cents that came in)."""

    def amount(cents: int) -> str:
        direction = "DBIT" if cents < 0 else "CRDT"
        return f'<Amt Ccy="EUR">{abs(cents) / 100:.2f}</Amt><CdtDbtInd>{direction}</CdtDbtInd>'

    def balance(code: str, cents: int) -> str:
        kind = f"<Tp><CdOrPrtry><Cd>{code}</Cd></CdOrPrtry></Tp>"
        return f"<Bal>{kind}{amount(cents)}<Dt><Dt>2026-11-24</Dt></Dt></Bal>"

    entries = "".join(
        f"<Ntry>{amount(cents)}<Sts>BOOK</Sts><BookgDt><Dt>2026-11-24</Dt></BookgDt><AcctSvcrRef>{number}</AcctSvcrRef>"
        f"<NtryDtls><TxDtls><RmtInf><Ustrd>{words}</Ustrd></RmtInf></TxDtls></NtryDtls></Ntry>"
        for number, (words, cents) in enumerate(lines, start=17)
    )
    moved = 500_000 + sum(cents for _, cents in lines)
    return (
        '<Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.053.001.02"><BkToCstmrStmt><GrpHdr/><Stmt><Id>1</Id>'
        f"<Acct><Id><IBAN>{account}</IBAN></Id></Acct>{balance('OPBD', 500_000)}{balance('CLBD', moved)}"
        f"{entries}</Stmt></BkToCstmrStmt></Document>"
    ).encode()


def upload(merchant: ShopBrowser, content: bytes, name: str = "afschrift.xml") -> Page:
    form = merchant.get("/transfers").form("/transfers/statement")
    data = {**form.fields, "statement": (io.BytesIO(content), name)}
    answer = merchant.client.post(form.action, data=data, headers={"Accept-Language": "nl"})
    return Page(answer.request.path, answer.status_code, answer.text, answer.headers)


def test_nothing_waits(merchant: ShopBrowser) -> None:
    page = merchant.get("/transfers")
    assert "Er wacht geen overboeking op je" in page.words
    assert "Er wacht niets bij de bank" in page.words


def test_many_refunds_are_one_file_that_is_the_same_whenever_it_is_downloaded(
    merchant: ShopBrowser, shop: RunningShop
) -> None:
    refunds = [a_transfer(shop, order_id) for order_id in ("1004", "1010", "1009")]
    waiting = merchant.get("/transfers")
    assert "Klant 1004" in waiting.words
    page = send_ticked(merchant, waiting)
    assert "3 terugbetalingen staan in het bestand" in page.words
    again = send_ticked(merchant, waiting)  # the same form, pressed twice
    assert again.path == page.path
    [address] = [given["href"] for _, given in page.elements if given.get("href", "").endswith(".xml")]
    first, second = (merchant.client.get(address) for _ in range(2))
    assert first.data == second.data
    assert first.headers["Content-Disposition"] == f"attachment; filename={page.path.rpartition('/')[2]}.xml"
    assert first.headers["Cache-Control"] == "no-store"
    assert {one.id for one in refunds} == set(re.findall("<EndToEndId>(.*?)</EndToEndId>", first.text))
    assert "Er wacht geen overboeking op je" in merchant.get("/transfers").words


def test_a_statement_confirms_what_it_names_and_tells_of_the_rest(merchant: ShopBrowser, shop: RunningShop) -> None:
    paid, other, waits = (a_transfer(shop, order_id) for order_id in ("1004", "1010", "1009"))
    a_file(merchant)
    statement = a_statement(
        (f"Retour 1004 {paid.id.upper()}", -paid.amount.minor),
        (f"Retour 1010 {other.id.upper()}", -other.amount.minor - 1),
        ("Huur", -100_00),
    )
    page = upload(merchant, statement)
    assert page.status == 200
    assert "Betaald (1)" in page.words
    assert "Om naar te kijken (1)" in page.words
    assert "Andere regels (1)" in page.words
    assert "Huur" not in page.html  # what others write on the account is shown nowhere
    states = {one: shop.desk.dossier(one).refund(it.id).state for one, it in (("1004", paid), ("1009", waits))}
    assert states == {"1004": RefundState.SUCCEEDED, "1009": RefundState.AWAITING_MERCHANT}
    before = shop.desk.dossier("1004").version
    assert "Betaald (0)" in upload(merchant, statement).words
    assert shop.desk.dossier("1004").version == before


def test_money_that_the_bank_sends_back_is_told(merchant: ShopBrowser, shop: RunningShop) -> None:
    refund = a_transfer(shop)
    words = f"Retour 1004 {refund.id.upper()}"
    upload(merchant, a_statement((words, -refund.amount.minor)))
    page = upload(merchant, a_statement((words, -refund.amount.minor), (words, refund.amount.minor)))
    assert "De bank heeft het geld teruggestort (1)" in page.words
    assert shop.desk.dossier("1004").refund(refund.id).state is RefundState.REVERSED


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"<Document/>", "afschrift.xml"),
        (b"", "afschrift.xml"),
        (b"day,amount\n2026-11-24,-5.00", "afschrift.xml"),
        (a_statement(account="NL91ABNA0417164300"), "afschrift.xml"),
        (b'<!DOCTYPE x [<!ENTITY a "b">]><x>&a;</x>', "afschrift.xml"),
    ],
)
def test_a_file_that_is_no_statement_of_this_account_is_refused_whole(
    merchant: ShopBrowser, shop: RunningShop, content: bytes, said: str
) -> None:
    a_transfer(shop)
    page = upload(merchant, content)
    assert page.status == 422
    assert said in page.words
    assert shop.desk.total_refunds()[0].count == 1


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_a_file_that_is_too_large_is_not_read(merchant: ShopBrowser) -> None:
    sent = {"data": b"x" * (2**20 + 1), "content_type": "multipart/form-data; boundary=x"}
    assert merchant.client.post("/transfers/statement", **sent).status_code == 413
    form = merchant.get("/transfers").form("/transfers/statement")
    assert merchant.send(form).status == 422  # and none is none


def test_what_is_in_a_file_is_taken_out_or_confirmed_by_hand(merchant: ShopBrowser, shop: RunningShop) -> None:
    refund = a_transfer(shop)
    page = a_file(merchant)
    page = merchant.send(page.form("/out-of-batch"))
    assert shop.desk.dossier("1004").refund(refund.id).batch == ""
    page = a_file(merchant)
    empty = merchant.send(page.form("/transferred"), reference=" ")
    form = empty.form("/transferred")
    assert (empty.status, form.fields["request_id"]) == (422, page.form("/transferred").fields["request_id"])
    for _ in range(2):
        assert merchant.send(form, reference="2026-17").status == 200
    assert shop.desk.dossier("1004").refund(refund.id).state is RefundState.SUCCEEDED


def test_a_customer_without_an_account_is_told_and_the_others_are_in_the_file(
    merchant: ShopBrowser, shop: RunningShop
) -> None:
    first, second = a_transfer(shop, "1004"), a_transfer(shop, "1010")
    with shop.engine.begin() as connection:
        nobody = update(tables.payment).where(tables.payment.c.order_id == "1010")
        connection.execute(nobody.values(payer_iban="", payer_name=""))
    page = a_file(merchant)
    assert "1 terugbetaling staat in het bestand" in page.words
    assert "Bestelling 1010:" in page.words
    assert shop.desk.dossier("1004").refund(first.id).batch
    assert not shop.desk.dossier("1010").refund(second.id).batch


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_what_is_no_file_is_not_found_and_none_is_made_under_another_name(
    merchant: ShopBrowser, shop: RunningShop
) -> None:
    a_transfer(shop)
    for batch in ("x", "20261399-000000-00000000", "20261124-101010-0000000g", "20261124-101010-00000000"):
        assert merchant.get(f"/transfers/{batch}.xml").status == 404
    assert merchant.get("/transfers/x").status == 404
    assert merchant.get("/transfers?after=x").status == 404
    fields = merchant.get("/transfers").form("/batch").fields
    assert merchant.client.post("/transfers/batch", data={**fields, "batch": "../x"}).status_code == 400


def test_the_list_costs_the_same_however_many_wait(merchant: ShopBrowser, shop: RunningShop) -> None:
    a_transfer(shop, "1004")
    few = queries_of(merchant, shop, "/transfers")
    for order_id in ("1001", "1002", "1007", "1009", "1010"):
        a_transfer(shop, order_id)
    assert queries_of(merchant, shop, "/transfers") == few
