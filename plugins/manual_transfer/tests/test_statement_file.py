"""A bank's statement file: read whole into lines that confirm refunds, or refused by name."""

from __future__ import annotations

import datetime
import io
import sys
import zipfile

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st
from statement_samples import IBAN, VERSIONS, a_camt, a_file, an_entry, an_mt940

from retour import Actor, BankAccount, MemoryShop, Money, RefundState, ReturnDesk
from retour.testing import a_line, a_payment, an_order
from retour_manual_transfer.statement import StatementLine, StatementMatch, confirm_statement
from retour_manual_transfer.statement_file import InvalidStatement, read_statement
from retour_manual_transfer.waiting import put_in_batch, transfers_of

ANNA = Actor.staff("anna")
ONE_DAY = datetime.timedelta(days=1)
A_REFUND, ANOTHER = f"rf01KASM4X00{1:016d}", f"rf01KASM4X00{2:016d}"
FORMATS = [*[f"camt.053.001.{version}" for version in VERSIONS], "mt940", "mt940, German"]


# --- files, as banks write them -------------------------------------------------------------------------


def lines_of(data: bytes | str) -> tuple[StatementLine, ...]:
    return read_statement("afschrift", data if isinstance(data, bytes) else data.encode(), iban=IBAN)


def amounts_of(lines: tuple[StatementLine, ...]) -> list[str]:
    return [str(line.amount.decimal) for line in lines]


# --- what becomes of refunds ----------------------------------------------------------------------------


def a_desk() -> tuple[ReturnDesk, str]:
    """A refund of 45.50 that is in a batch, and its id."""
    payer = BankAccount(name="J. Jansen", iban="NL91ABNA0417164300")
    payment = a_payment("45.50", provider="manual_transfer", reference="inv-1001", payer=payer)
    order = an_order(a_line("teapot", gross="45.50"), order_id="1001", payments=[payment])
    desk = ReturnDesk(shop=MemoryShop([order]), store="sqlite://", plugins=["manual_transfer"])
    desk.mark_returned("1001", by=ANNA)
    desk.refund("1001", "inv-1001", Money.of("45.50", "EUR"), by=ANNA, request_id="form-1")
    [inside] = put_in_batch(desk, transfers_of(desk).transfers, "B1", by=ANNA)
    return desk, inside.refund_id


def confirm(desk: ReturnDesk, data: bytes) -> StatementMatch:
    return confirm_statement(desk, read_statement("afschrift", data, iban=IBAN), by=ANNA)


@pytest.mark.parametrize("form", FORMATS)
def test_a_file_confirms_a_transfer_and_the_same_file_again_changes_nothing(form: str):
    desk, refund_id = a_desk()
    file = a_file(form, refund_id)
    assert [one.refund.refund_id for one in confirm(desk, file).paid] == [refund_id]
    assert desk.dossier("1001").refunds[refund_id].state is RefundState.SUCCEEDED
    before = desk.timeline("1001")
    assert confirm(desk, file) == StatementMatch(paid=(), to_look_at=())
    assert desk.timeline("1001") == before


@pytest.mark.parametrize("form", FORMATS)
def test_a_file_in_which_a_transfer_came_back_reverses_its_refund(form: str):
    desk, refund_id = a_desk()
    confirm(desk, a_file(form, refund_id))
    back = a_file(form, refund_id, "45.50", reference="30")
    assert [one.refund.refund_id for one in confirm(desk, back).came_back] == [refund_id]
    assert desk.dossier("1001").refunds[refund_id].state is RefundState.REVERSED
    assert confirm(desk, back) == confirm(desk, a_file(form, refund_id)) == StatementMatch(paid=(), to_look_at=())


@pytest.mark.parametrize("form", FORMATS)
def test_a_transfer_that_came_back_before_its_payment_was_read_is_never_shown_as_paid(form: str):
    """Files are read in any order: that of the day on which it was paid comes last, or again."""
    desk, refund_id = a_desk()
    out, back = a_file(form, refund_id), a_file(form, refund_id, "45.50", reference="30")
    assert [one.refund.refund_id for one in confirm(desk, back).came_back] == [refund_id]
    before = desk.timeline("1001")
    for file in (out, back, out):
        assert confirm(desk, file) == StatementMatch(paid=(), to_look_at=())
    assert (desk.timeline("1001"), desk.dossier("1001").refunds[refund_id].state) == (before, RefundState.REVERSED)
    again = desk.refund("1001", "inv-1001", Money.of("45.50", "EUR"), by=ANNA, request_id="form-2").refund_id
    assert [one.refund.refund_id for one in confirm(desk, a_file(form, again, reference="44")).paid] == [again]


@pytest.mark.parametrize("days, alarms", [(-1, 0), (0, 0), (1, 1)])
def test_what_was_paid_after_it_had_come_back_is_for_a_person(days: int, alarms: int):
    """Of two payments of which one came back, the other is gone."""
    desk, refund_id = a_desk()
    day = datetime.date(2026, 11, 24)
    back = StatementLine(reference="30", amount=Money.of("45.50", "EUR"), words=refund_id, booked=day)
    out = attrs.evolve(back, reference="17", amount=Money.of("-45.50", "EUR"), booked=day + days * ONE_DAY)
    confirm_statement(desk, [back], by=ANNA)
    match = confirm_statement(desk, [out], by=ANNA)
    assert [one.because.render("en") for one in match.to_look_at] == alarms * [
        "Order 1001: €45.50 was paid, though its refund was given up or had come back."
    ]
    assert len(confirm_statement(desk, [out, attrs.evolve(out, reference="18")], by=ANNA).to_look_at) == 1


@pytest.mark.parametrize("form", FORMATS)
def test_a_file_with_another_amount_confirms_nothing_and_is_for_a_person(form: str):
    desk, refund_id = a_desk()
    match = confirm(desk, a_file(form, refund_id, "-45.00"))
    assert (match.paid, [one.refund.refund_id for one in match.to_look_at]) == ((), [refund_id])
    assert desk.dossier("1001").refunds[refund_id].state is RefundState.AWAITING_MERCHANT


# --- what is read ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", FORMATS)
def test_a_line_has_its_reference_its_amount_and_its_day(form: str):
    [line] = lines_of(a_file(form, A_REFUND))
    assert (line.reference, line.amount) == ("17", Money.of("-45.50", "EUR"))
    assert line.booked == datetime.date(2026, 11, 24)


@pytest.mark.parametrize("version", VERSIONS)
def test_an_entry_of_several_transfers_is_a_line_for_each(version: str):
    entry = an_entry(A_REFUND, ANOTHER, amount="-60.00", parts=("45.50", "14.50"), version=version)
    lines = lines_of(a_camt(entry, moved="-60.00", version=version))
    assert amounts_of(lines) == ["-45.50", "-14.50"]
    assert [A_REFUND in line.words for line in lines] == [True, False]
    assert [line.reference for line in lines] == ["17", "17 (2)"]


@pytest.mark.parametrize("parts", [(), ("45.50", "14.00"), ("45.50",)])
def test_an_entry_whose_transfers_do_not_add_up_stays_one_line_that_names_them_all(parts: tuple[str, ...]):
    [line] = lines_of(a_camt(an_entry(A_REFUND, ANOTHER, amount="-60.00", parts=parts), moved="-60.00"))
    assert (amounts_of((line,)), A_REFUND in line.words, ANOTHER in line.words) == (["-60.00"], True, True)


@pytest.mark.parametrize("status", ["PDNG", "INFO"])
def test_what_is_not_booked_yet_is_no_line(status: str):
    entries = an_entry(A_REFUND, status=status), an_entry(ANOTHER, amount="-14.50")
    assert amounts_of(lines_of(a_camt(*entries, moved="-14.50"))) == ["-14.50"]


def test_two_lines_that_the_bank_gave_no_reference_are_two_and_have_each_their_own():
    twice = lines_of(a_camt(*[an_entry(A_REFUND, reference="")] * 2, moved="-91.00"))
    assert [line.reference for line in twice] == ["2026-11-24 -45.50", "2026-11-24 -45.50 (2)"]
    [line] = lines_of(an_mt940(("D", "45.50", A_REFUND), moved="-45.50", reference="//NONREF"))
    assert line.reference == "2026-11-24 -45.50"


@pytest.mark.parametrize("mark, moved", [("RC", "-45.50"), ("RD", "45.50"), ("D", "-45.50"), ("C", "45.50")])
def test_a_reversal_in_mt940_moves_the_money_the_other_way(mark: str, moved: str):
    assert amounts_of(lines_of(an_mt940((mark, "45.50", A_REFUND), moved=moved))) == [moved]


def test_names_of_others_are_not_taken_from_camt():
    [line] = lines_of(a_file("camt.053.001.02", A_REFUND))
    assert "Jansen" not in line.words
    assert A_REFUND not in repr(line)


def test_several_statements_in_one_file_are_all_read():
    one = an_mt940(("D", "45.50", A_REFUND), moved="-45.50")
    assert amounts_of(lines_of(one + one)) == ["-45.50", "-45.50"]


@pytest.mark.parametrize("told", [f"{IBAN}EUR", f"INGBNL2A/{IBAN}", "0001234567", "1234567EUR", "001234567 EUR"])
def test_an_account_in_mt940_may_be_told_by_its_number_and_with_its_currency(told: str):
    assert len(lines_of(MT940.replace(f"{IBAN} EUR", told))) == 1


@pytest.mark.parametrize("told", ["4567", "0001234568", "12345678", "EUR", "?"])
def test_an_account_that_may_be_another_is_refused(told: str):
    with pytest.raises(InvalidStatement, match="not of the one that ends in 4567"):
        lines_of(MT940.replace(f"{IBAN} EUR", told))
    assert len(read_statement("afschrift", MT940.replace(f"{IBAN} EUR", told).encode())) == 1


def test_a_page_of_a_statement_has_interim_balances():
    assert len(lines_of(a_camt(an_entry(A_REFUND), codes=("ITBD", "ITBD")))) == 1
    assert len(lines_of(a_camt(an_entry(A_REFUND), codes=("PRCD", "CLBD")))) == 1


def test_zeros_after_the_cents_are_no_other_amount():
    assert amounts_of(lines_of(a_camt(an_entry(A_REFUND, amount="-45.50000")))) == ["-45.50"]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "iso-8859-1", "windows-1252"])
def test_the_characters_are_those_that_the_file_says(encoding: str):
    file = a_camt(an_entry(A_REFUND, more="<AddtlNtryInf>Zoë</AddtlNtryInf>"))
    told = file.replace("UTF-8", encoding.removesuffix("-sig").upper())
    [line] = lines_of(told.encode(encoding))
    assert "Zoë" in line.words


# --- what is refused ------------------------------------------------------------------------------------


def zipped(*names: str) -> bytes:
    """A ZIP file with files of these names."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        for name in names:
            archive.writestr(name, "<xml/>")
    return made.getvalue()


CAMT = a_camt(an_entry(A_REFUND))
MT940 = an_mt940(("D", "45.50", A_REFUND), moved="-45.50")
BOMB = '<!DOCTYPE d [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;">]>'
A_WORKBOOK = zipped("[Content_Types].xml", "xl/workbook.xml")
REFUSED = {
    "nothing": (b"", "It is empty."),
    "blanks": (b" \n ", "It is empty."),
    "prose": (b"hello", "It is neither CAMT.053 nor MT940."),
    "a csv": (b'"Datum","Naam"', "It is a CSV file, which is not read"),
    "a letter": (b"Dear sir, madam,\n\nhello.", "It is neither CAMT.053 nor MT940."),
    "zip": (b"PK\x03\x04", "It is a ZIP file. Unpack it"),
    "excel": (A_WORKBOOK, "It is an Excel file, which is not read."),
    "old excel": (bytes.fromhex("D0CF11E0A1B11AE1") + b"\0" * 504, "It is an Excel file, which is not read."),
    "pdf": (b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n", "It is a PDF, which is not read."),
    "other xml": (b"<html/>", "It is XML, but no CAMT.053 (a statement of what was booked): it is 'html'."),
    "camt.052": (CAMT.replace("camt.053", "camt.052"), "it is camt.052."),
    "camt.054": (CAMT.replace("camt.053", "camt.054"), "it is camt.054."),
    "cut off": (CAMT[:-30], "It is broken XML, or was cut off"),
    "document type": (CAMT.replace("\n", BOMB), "It declares a document type (DOCTYPE)"),
    "file entity": (CAMT.replace("\n", '<!DOCTYPE d SYSTEM "file:///etc/hostname">'), "It declares a document type"),
    "no statement": (CAMT.replace("Stmt>", "Rpt>"), "It holds no statement."),
    "line gone": (a_camt(), "Statement 2026-229 is not whole: with its lines, €20.00 becomes €20.00, and the bank"),
    "line twice": (a_camt(*[an_entry(A_REFUND)] * 2), "is not whole"),
    "no balance": (CAMT.replace("CLBD", "CLAV"), "has no balance CLBD"),
    "status": (a_camt(an_entry(A_REFUND, status="MAYB")), "An entry has the status 'MAYB'"),
    "direction": (CAMT.replace("<CdtDbtInd>DBIT</CdtDbtInd><Sts>", "<Sts>"), "'' is neither CRDT nor DBIT."),
    "amount": (CAMT.replace(">45.50<", ">-45.50<"), "'-45.50' 'EUR' is no amount."),
    "more than cents": (CAMT.replace(">45.50<", ">45.505<"), "'45.505' 'EUR' is no amount."),
    "no currency": (CAMT.replace(' Ccy="EUR">45.50', ">45.50"), "'45.50' '' is no amount."),
    "currencies": (CAMT.replace('Ccy="EUR">45.50', 'Ccy="USD">45.50'), "is in several currencies."),
    "day": (CAMT.replace("<BookgDt><Dt>2026-11-24", "<BookgDt><Dt>2026-11-31"), "'2026-11-31', which is no day"),
    "another account": (CAMT.replace(IBAN, "NL91ABNA0417164300"), "ends in 4300, not of the one that ends in 4567"),
    "characters": (CAMT.replace("UTF-8", "EBCDIC"), "Its characters cannot be read."),
    "not its characters": (CAMT.replace("Retour", "Zoë").encode("latin-1"), "Its characters cannot be read."),
    "mt940 cut off": (MT940[: MT940.index(":62F:")], "Statement 229 has no balance :62F:"),
    "mt940 line gone": (an_mt940(moved="-45.50"), "is not whole"),
    "mt940 torn amount": (MT940.replace("D45,50N", "D4x5,50N"), "Statement 229 is not whole"),
    "mt940 nonsense": (MT940.replace(":61:2611", ":61:nonsense"), "a tag of it cannot be read."),
    "mt940 outside": (":61:2611241124D1,00NTRFX\n" + MT940, "has lines (:61:) outside of any statement"),
    "mt940 another account": (MT940.replace(IBAN, "NL91ABNA0417164300"), "ends in 4300, not"),
}


SAVED_AS = {
    "names, commas and quotes": (
        '"IBAN/BBAN","Munt","Datum","Bedrag","Omschrijving-1"\n"{iban}","EUR","2026-11-24","{amount}","{words}"\n'
    ),
    "semicolons": "Datum;Rekening;Af Bij;Bedrag (EUR);Mededelingen\n20261124;{iban};Af;{amount};{words}\n",
    "no names, tabs": "{iban}\tEUR\t20261124\t100,00\t54,50\t{amount}\t{words}\n" * 2,
    "saved by Excel": "sep=;\nDatum;Rekening;Bedrag;Mededelingen\n24-11-2026;{iban};{amount};{words}\n",
    "words above the table": (
        "Mutaties\n\nDatum;Rekening;Bedrag\n24-11-2026;{iban};{amount}\n25-11-2026;{iban};{amount}\n"
    ),
}


@pytest.mark.parametrize("saved_as", SAVED_AS)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252"])
def test_a_csv_of_a_bank_is_told_for_what_it_is_whatever_it_is_called(saved_as: str, encoding: str):
    file = SAVED_AS[saved_as].format(iban=IBAN, amount="-45,50", words="Zoë, retour 1001")
    for name in ("afschrift.csv", "afschrift.xml", "afschrift"):
        with pytest.raises(InvalidStatement) as refused:
            read_statement(name, file.encode(encoding), iban=IBAN)
        assert refused.value.text("nl") == (
            f"{name} is niet gelezen. Het is een CSV-bestand, en dat wordt niet gelezen: er is niet aan te zien of er "
            "regels ontbreken. Download dezelfde dagen bij je bank als CAMT.053 of MT940."
        )


@pytest.mark.parametrize("name", REFUSED)
def test_a_file_that_is_no_whole_statement_is_refused_by_name(name: str, caplog: pytest.LogCaptureFixture):
    data, cause = REFUSED[name]
    with pytest.raises(InvalidStatement) as refused:
        lines_of(data)
    assert str(refused.value).startswith("afschrift was not read. ")
    assert cause in str(refused.value)
    assert refused.value.text("nl").startswith("afschrift is niet gelezen. ")
    assert A_REFUND not in caplog.text


def test_the_files_that_these_are_made_of_are_read():
    assert amounts_of(lines_of(CAMT)) == amounts_of(lines_of(MT940)) == ["-45.50"]


def test_without_the_library_mt940_is_refused_with_what_to_install_and_camt_is_read(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "mt940", None)
    with pytest.raises(InvalidStatement, match=r"install retour-manual-transfer\[statements\]"):
        lines_of(MT940)
    assert amounts_of(lines_of(CAMT)) == ["-45.50"]


@given(start=st.integers(0, len(MT940)), length=st.integers(1, 40), words=st.text(max_size=8), camt=st.booleans())
def test_whatever_is_wrong_in_a_file_its_lines_are_right_or_it_is_refused(
    start: int, length: int, words: str, camt: bool
):
    whole = CAMT if camt else MT940
    try:
        lines = lines_of((whole[:start] + words + whole[start + length :]).encode("utf-8", "replace"))
    except InvalidStatement:
        return
    assert amounts_of(lines) == ["-45.50"]
