"""The pain.001 file: valid by its schema, the same a second time, and told what is wrong before there is one."""

from __future__ import annotations

import datetime
import subprocess
import sys
import xml.etree.ElementTree as ET
from decimal import Decimal
from functools import cache
from pathlib import Path

import attrs
import pytest
import sepaxml
import xmlschema
from hypothesis import given, settings
from hypothesis import strategies as st

from retour import RetourError
from retour.providers import BankAccount, Money
from retour_manual_transfer import batch
from retour_manual_transfer.batch import SCHEMAS, Debtor, InvalidBatch, Transfer, pain001
from retour_manual_transfer.characters import sepa_text
from retour_manual_transfer.target_days import next_target_day

SHOP = Debtor(name="Theewinkel B.V.", iban="NL20INGB0001234567", bic="INGBNL2A")
ON = datetime.date(2026, 11, 24)
MADE = datetime.datetime(2026, 11, 23, 16, 45, 12, 654321, tzinfo=datetime.UTC)
CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
TAKEN = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789/-?:().,'+ ")


def an_id(number: int = 1) -> str:
    return f"rf01KASM4X00{number:016d}"


def a_transfer(
    number: int = 1,
    amount: str = "45.50",
    *,
    currency: str = "EUR",
    name: str = "J. Jansen",
    iban: str = "NL91ABNA0417164300",
    remittance: str = "Retour 1001",
) -> Transfer:
    return Transfer(
        order_id="1001",
        refund_id=an_id(number),
        amount=Money.of(amount, currency),
        to=BankAccount(name=name, iban=iban),
        remittance=remittance,
    )


def a_file(
    *transfers: Transfer,
    debtor: Debtor = SHOP,
    batch_id: str = "2026-11-24.1",
    on: datetime.date = ON,
    schema: str = SCHEMAS[0],
) -> bytes:
    return pain001(debtor, transfers, batch_id=batch_id, execution_date=on, created_at=MADE, schema=schema)


@cache
def schema_of(name: str) -> xmlschema.XMLSchema:
    return xmlschema.XMLSchema(str(Path(sepaxml.__file__).parent / "schemas" / f"{name}.xsd"))


def check(written: bytes, schema: str = SCHEMAS[0]) -> ET.Element:
    """The document, checked by its schema."""
    schema_of(schema).validate(written.decode())
    return ET.fromstring(written)  # noqa: S314 - our own document


def texts(written: ET.Element, element: str) -> list[str]:
    return [found.text or "" for found in written.iterfind(f".//{{*}}{element}")]


@pytest.mark.parametrize("schema", SCHEMAS)
def test_a_file_holds_what_a_bank_needs_to_pay_each_refund(schema: str):
    written = check(a_file(a_transfer(1), a_transfer(2, "0.05", name="K. de Vries"), schema=schema), schema)
    assert written.tag == f"{{urn:iso:std:iso:20022:tech:xsd:{schema}}}Document"
    assert texts(written, "MsgId") == texts(written, "PmtInfId") == ["2026-11-24.1"]
    assert texts(written, "CreDtTm") == ["2026-11-23T16:45:12"]
    assert texts(written, "NbOfTxs") == ["2", "2"]
    assert texts(written, "CtrlSum") == ["45.55", "45.55"]
    assert texts(written, "PmtMtd") == ["TRF"]
    assert texts(written, "ChrgBr") == ["SLEV"]
    assert texts(written, "SvcLvl/{*}Cd") == ["SEPA"]
    assert [day.strip() for found in written.iterfind(".//{*}ReqdExctnDt") for day in found.itertext()] == [
        "2026-11-24"
    ]
    assert texts(written, "IBAN") == ["NL20INGB0001234567", "NL91ABNA0417164300", "NL91ABNA0417164300"]
    assert texts(written, "Cdtr/{*}Nm") == ["J. Jansen", "K. de Vries"]
    assert texts(written, "EndToEndId") == [an_id(1), an_id(2)]
    assert texts(written, "InstdAmt") == ["45.50", "0.05"]
    assert {found.get("Ccy") for found in written.iterfind(".//{*}InstdAmt")} == {"EUR"}
    assert texts(written, "Ustrd") == ["Retour 1001", "Retour 1001"]


def test_each_refund_is_asked_to_be_on_a_line_of_its_own_on_the_statement():
    assert texts(check(a_file(a_transfer(1), a_transfer(2))), "BtchBookg") == ["false"]


@pytest.mark.parametrize("schema", SCHEMAS)
@pytest.mark.parametrize("bic", ["", "INGBNL2A", "ingb nl2a xxx"])
def test_the_bank_is_named_by_its_bic_or_as_not_provided(bic: str, schema: str):
    written = check(a_file(a_transfer(), debtor=attrs.evolve(SHOP, bic=bic), schema=schema), schema)
    [bank] = written.iterfind(".//{*}DbtrAgt/{*}FinInstnId")
    assert "".join(bank.itertext()) == (bic.replace(" ", "").upper() or "NOTPROVIDED")


def test_a_second_export_is_the_same_to_the_byte_whatever_the_order_of_the_transfers():
    transfers = [a_transfer(1), a_transfer(2), a_transfer(3, "10.00")]
    assert a_file(*transfers) == a_file(*transfers) == a_file(*reversed(transfers))


def test_a_second_export_in_another_process_is_the_same_to_the_byte():
    script = (
        "import datetime; from retour.providers import BankAccount, Money\n"
        "from retour_manual_transfer.batch import *\n"
        "one = Transfer(order_id='1001', refund_id='rf01KASM4X000000000000000001', amount=Money.of('45.50', 'EUR'),\n"
        "    to=BankAccount(name='J. Jansen', iban='NL91ABNA0417164300'), remittance='Retour 1001')\n"
        "shop = Debtor(name='Theewinkel B.V.', iban='NL20INGB0001234567', bic='INGBNL2A')\n"
        "made = datetime.datetime(2026, 11, 23, 16, 45, 12)\n"
        "print(pain001(shop, [one], batch_id='2026-11-24.1', execution_date=datetime.date(2026, 11, 24),\n"
        "    created_at=made).decode())\n"
    )
    said = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert said.stdout.strip() == a_file(a_transfer()).decode()


def test_a_written_iban_may_have_blanks_and_lower_case():
    written = check(
        a_file(a_transfer(iban="nl91 abna 0417 1643 00"), debtor=attrs.evolve(SHOP, iban="nl20 ingb 0001 2345 67"))
    )
    assert texts(written, "IBAN") == ["NL20INGB0001234567", "NL91ABNA0417164300"]


def test_two_refunds_of_one_amount_to_one_account_are_two_transfers():
    assert texts(check(a_file(a_transfer(1), a_transfer(2))), "InstdAmt") == ["45.50", "45.50"]


def test_a_moment_is_a_day_too():
    written = check(a_file(a_transfer(), on=datetime.datetime(2026, 11, 24, 9, 30)))  # noqa: DTZ001
    assert texts(written, "ReqdExctnDt") == ["2026-11-24"]


# --- characters ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "written"),
    [
        ("Zoë Jansén", "Zoe Jansen"),
        ("Zoe\u0308", "Zoe"),
        ("Straßer & Søn", "Strasser + Son"),
        ("Łukasz Żółć", "Lukasz Zolc"),
        ("Γιώργος Жуков", "Giorgos Zhukov"),
        ("a/b-c?d:e(f).g,h'i+j", "a/b-c?d:e(f).g,h'i+j"),
        ("D’Hondt – “de Bakker”", "D'Hondt - de Bakker"),
        ('<Nm>&amp;"#@_;*|', "Nm +amp"),
        ("J.\r\nJansen\u2028\x00 \ud800", "J. Jansen"),
        ("😀", ""),
    ],
)
def test_text_is_reduced_to_what_every_bank_takes(given: str, written: str):
    assert sepa_text(given, longest=70) == written


@given(st.text() | st.text("ß½ﷺé😀王&<>\r\n\u2028 a"), st.integers(1, 140))
def test_whatever_a_text_holds_only_the_characters_of_sepa_are_left_and_no_more_than_fit(words: str, longest: int):
    reduced = sepa_text(words, longest=longest)
    assert set(reduced) <= TAKEN
    assert len(reduced) <= longest
    assert reduced == reduced.strip()
    assert sepa_text(reduced, longest=longest) == reduced


def test_a_name_is_cut_after_70_characters_and_the_text_after_140():
    written = check(a_file(a_transfer(name="ß" * 40, remittance="½" * 50), debtor=attrs.evolve(SHOP, name="W" * 71)))
    assert texts(written, "Cdtr/{*}Nm") == ["s" * 70]
    assert len(texts(written, "Ustrd")[0]) == 140
    assert texts(written, "Dbtr/{*}Nm") == texts(written, "InitgPty/{*}Nm") == ["W" * 70]


# --- faults ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("transfer", "fault"),
    [
        (a_transfer(iban="NL01ABNA0417164300"), "Refund {id}: the IBAN that ends in 4300 is not valid."),
        (a_transfer(iban=""), "Refund {id}: the IBAN is missing."),
        (
            a_transfer(iban="CH9300762011623852957"),
            "Refund {id}: the account that ends in 2957 is outside the European Economic Area and needs its bank's "
            "BIC. Make this transfer by hand.",
        ),
        (a_transfer(currency="SEK"), "Refund {id}: a SEPA transfer is in EUR, not SEK\xa045.50."),
        (a_transfer(amount="0"), "Refund {id}: a SEPA transfer is of €0.01 to €999,999,999.99, not €0.00."),
        (a_transfer(amount="-1"), "Refund {id}: a SEPA transfer is of €0.01 to €999,999,999.99, not -€1.00."),
        (
            a_transfer(amount="1000000000"),
            "Refund {id}: a SEPA transfer is of €0.01 to €999,999,999.99, not €1,000,000,000.00.",
        ),
        (a_transfer(name=" \n"), "Refund {id}: the name of the account holder is missing or has no letters."),
        (a_transfer(name="😀"), "Refund {id}: the name of the account holder is missing or has no letters."),
        (a_transfer(remittance=""), "Refund {id}: the text for the statement is missing or has no letters."),
        (
            attrs.evolve(a_transfer(), refund_id="1001"),
            "1001 is no refund's id. Take it from the list of refunds.",
        ),
        (
            attrs.evolve(a_transfer(), refund_id=an_id().lower()),
            f"{an_id().lower()} is no refund's id. Take it from the list of refunds.",
        ),
    ],
)
def test_a_transfer_that_no_bank_takes_is_refused(transfer: Transfer, fault: str):
    with pytest.raises(InvalidBatch) as refused:
        a_file(transfer)
    assert [found.render("en") for found in refused.value.faults] == [fault.replace("{id}", an_id())]


@pytest.mark.parametrize("amount", ["0.01", "999999999.99"])
def test_the_smallest_and_the_largest_amount_are_taken(amount: str):
    assert texts(check(a_file(a_transfer(amount=amount))), "CtrlSum") == [amount, amount]


@pytest.mark.parametrize(
    ("changed", "fault"),
    [
        ({"name": ""}, "Your own name, as your bank knows it, is missing or has no letters."),
        ({"iban": "NL21INGB0001234567"}, "Your own IBAN, which ends in 4567, is not valid."),
        ({"iban": " "}, "Your own IBAN is missing."),
        ({"bic": "INGB"}, "INGB is no BIC. Leave your bank's BIC out, or take it from your statement."),
        ({"bic": "1NGBNL2A"}, "1NGBNL2A is no BIC. Leave your bank's BIC out, or take it from your statement."),
    ],
)
def test_a_debtor_that_no_bank_knows_is_refused(changed: dict[str, str], fault: str):
    with pytest.raises(InvalidBatch) as refused:
        a_file(a_transfer(), debtor=attrs.evolve(SHOP, **changed))
    assert str(refused.value) == fault


@pytest.mark.parametrize("batch_id", ["", "x" * 36, "novémber", "a b", "24/11", "a\n", "<Id>"])
def test_a_batch_id_that_does_not_fit_is_refused_and_not_bent(batch_id: str):
    with pytest.raises(InvalidBatch, match="A batch's id is 1 to 35 letters"):
        a_file(a_transfer(), batch_id=batch_id)


def test_the_longest_batch_id_fits():
    assert texts(check(a_file(a_transfer(), batch_id="x" * 35)), "MsgId") == ["x" * 35]


def test_an_empty_batch_is_refused():
    with pytest.raises(InvalidBatch, match=r"^There is no transfer in this batch\.$"):
        a_file()


def test_a_refund_that_is_twice_in_a_batch_is_refused():
    with pytest.raises(InvalidBatch, match="is in this batch 2 times, and would be paid as often"):
        a_file(a_transfer(), a_transfer())


def test_a_day_before_the_batch_was_made_is_refused():
    with pytest.raises(InvalidBatch) as refused:
        a_file(a_transfer(), on=datetime.date(2026, 11, 22))
    assert (
        refused.value.text("nl")
        == "De bank kan niet betalen op 22 november 2026: de batch is gemaakt op 23 november 2026."
    )


@pytest.mark.parametrize(
    "day, open_on",
    [
        ("2026-11-28", "2026-11-30"),  # a Saturday
        ("2026-11-29", "2026-11-30"),  # a Sunday
        ("2026-12-25", "2026-12-28"),  # Christmas, then a weekend
        ("2027-01-01", "2027-01-04"),  # New Year's Day, a Friday
        ("2027-03-26", "2027-03-30"),  # Good Friday to Easter Monday
        ("2028-05-01", "2028-05-02"),  # Labour Day, a Monday
        ("2028-12-26", "2028-12-27"),  # the day after Christmas, a Tuesday
    ],
)
def test_a_day_on_which_banks_pay_nothing_is_refused_and_the_next_is_told(day: str, open_on: str):
    closed, following = datetime.date.fromisoformat(day), datetime.date.fromisoformat(open_on)
    with pytest.raises(InvalidBatch) as refused:
        a_file(a_transfer(), on=closed)
    [fault] = refused.value.faults
    assert str(following.day) in fault.render("nl")
    assert fault.render("nl").startswith("De banken zijn dicht op ")
    assert next_target_day(closed) == following
    assert next_target_day(datetime.datetime.combine(closed, datetime.time(23, 59))) == following
    assert texts(check(a_file(a_transfer(), on=following)), "ReqdExctnDt") == [open_on]


@pytest.mark.parametrize("day", ["2026-04-27", "2027-05-05", "2026-12-24", "2026-12-31", "2027-05-06", "2027-05-17"])
def test_banks_pay_on_a_day_that_is_a_holiday_in_one_country_only(day: str):
    assert next_target_day(datetime.date.fromisoformat(day)) == datetime.date.fromisoformat(day)


def test_a_schema_that_we_do_not_write_is_refused():
    with pytest.raises(
        InvalidBatch, match=r"pain\.008\.001\.02 cannot be written; these can: pain\.001\.001\.03, pain"
    ):
        a_file(a_transfer(), schema="pain.008.001.02")


def test_all_faults_are_told_at_once_in_the_readers_language_and_without_the_account():
    transfers = [a_transfer(1, name="", iban="NL01ABNA0417164300"), a_transfer(2, currency="SEK"), a_transfer(2)]
    with pytest.raises(RetourError) as refused:
        a_file(*transfers, debtor=Debtor(name="", iban=""), batch_id="")
    assert isinstance(refused.value, InvalidBatch)
    assert len(refused.value.faults) == 7
    assert refused.value.text("nl") == " ".join([fault.render("nl") for fault in refused.value.faults])
    assert "Je eigen naam, zoals je bank die kent, ontbreekt" in refused.value.text("nl")
    assert "NL01ABNA0417164300" not in str(refused.value) + repr(refused.value) + repr(transfers)


# --- any list --------------------------------------------------------------------------------------------

ids = st.text(CROCKFORD, min_size=26, max_size=26).map("rf".__add__)
words = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=160).map("a".__add__)
valid = st.builds(
    Transfer,
    order_id=st.just("1001"),
    refund_id=ids,
    amount=st.integers(1, 99_999_999_999).map(lambda cents: Money(minor=cents, currency="EUR")),
    to=st.builds(
        BankAccount,
        name=words,
        iban=st.sampled_from(["NL91ABNA0417164300", "DE89370400440532013000", "MT84MALT011000012345MTLCAST001S"]),
    ),
    remittance=words,
)


@given(
    transfers=st.lists(valid, min_size=1, max_size=30, unique_by=lambda transfer: transfer.refund_id),
    schema=st.sampled_from(SCHEMAS),
    name=words,
)
@settings(deadline=None, max_examples=20)
def test_any_valid_list_gives_a_valid_file_with_its_number_and_its_sum(
    transfers: list[Transfer], schema: str, name: str
):
    written = check(a_file(*transfers, debtor=attrs.evolve(SHOP, name=name), schema=schema), schema)
    total = sum(transfer.amount.minor for transfer in transfers)
    assert texts(written, "NbOfTxs") == [str(len(transfers))] * 2
    assert [Decimal(found) * 100 for found in texts(written, "CtrlSum")] == [total] * 2
    paid = dict(zip(texts(written, "EndToEndId"), map(Decimal, texts(written, "InstdAmt")), strict=True))
    assert paid == {transfer.refund_id: transfer.amount.decimal for transfer in transfers}


def test_a_sepaxml_that_writes_otherwise_is_noticed_and_not_handed_to_a_bank(monkeypatch: pytest.MonkeyPatch):
    export = sepaxml.SepaTransfer.export
    monkeypatch.setattr(
        sepaxml.SepaTransfer, "export", lambda *args, **named: export(*args, **named).replace(b"MsgId", b"Id")
    )
    with pytest.raises(RuntimeError, match="sepaxml wrote MsgId 0 times"):
        a_file(a_transfer())


def test_loading_the_batch_does_not_load_what_writes_it():
    heavy = {"holidays", "sepaxml", "xmlschema", "schwifty", "text_unidecode"}
    script = f"import {batch.__name__}, sys; print({heavy!r} & set(sys.modules))"
    answer = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert answer.stdout.strip() == "set()"
