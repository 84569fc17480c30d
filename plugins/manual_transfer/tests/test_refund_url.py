"""What a person is told to transfer to whom, and what to ask where that cannot be said."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from retour.providers import BankAccount, LinkKind, LinkRequest, Money, Payment, ProviderSession, RefundLink, Support
from retour_manual_transfer.provider import ManualTransfer
from retour_manual_transfer.settings import Settings

JANSEN = BankAccount(name="J. Jansen", iban="NL91ABNA0417164300")


def link_to(
    account: BankAccount | None, *, amount: str = "45.50", currency: str = "EUR", remittance: str = "Retour 1001"
) -> RefundLink:
    money = Money.of(amount, currency)
    payment = Payment(provider="manual_transfer", reference="2026-0042", captured=money, method="invoice")
    request = LinkRequest(order_id="1001", payment=payment, amount=money, remittance=remittance, to=account)
    return ManualTransfer(Settings(), ProviderSession()).refund_url(request)


def test_a_link_holds_everything_that_a_transfer_needs():
    link = link_to(JANSEN)
    assert link.kind is LinkKind.TRANSFER
    assert link.transfer is not None
    assert link.transfer.amount == Money.of("45.50", "EUR")
    assert link.transfer.to == JANSEN
    assert link.transfer.bank == "ABN AMRO BANK N.V., ABNANL2A"
    assert link.transfer.remittance == "Retour 1001"
    assert link.transfer.qr is not None
    assert link.url == ""


@pytest.mark.parametrize(
    ("written", "iban", "bank"),
    [
        ("NL91ABNA0417164300", "NL91ABNA0417164300", "ABN AMRO BANK N.V., ABNANL2A"),
        ("nl91abna0417164300", "NL91ABNA0417164300", "ABN AMRO BANK N.V., ABNANL2A"),
        (" NL91 ABNA\t0417 1643\u00a000\n", "NL91ABNA0417164300", "ABN AMRO BANK N.V., ABNANL2A"),
        ("DE89370400440532013000", "DE89370400440532013000", "Commerzbank, COBADEFFXXX"),
        ("BE68539007547034", "BE68539007547034", ""),
    ],
)
def test_a_valid_iban_is_written_compact_with_its_bank_if_that_is_known(written: str, iban: str, bank: str):
    transfer = link_to(BankAccount(name="J. Jansen", iban=written)).transfer
    assert transfer is not None
    assert transfer.to.iban == iban
    assert transfer.bank == bank
    assert transfer.qr is not None


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("NL01ABNA0417164300", "4300"),  # check digits
        ("NL91ABNA041716430", "6430"),  # too short
        ("NL91ABNA04171643000", "3000"),  # too long
        ("XX91ABNA0417164300", "4300"),  # no such country
        ("NL91-ABNA-0417-1643-00", "3-00"),
        ("0417164300", "4300"),  # an account number of before the IBAN
        ("NL91ABNA041716430\u0660", "430\u0660"),  # an Arabic zero
        ("NL", "NL"),
    ],
)
def test_an_invalid_iban_is_asked_for_again_and_shown_by_its_last_four_characters_only(written: str, shown: str):
    link = link_to(BankAccount(name="J. Jansen", iban=written))
    assert (link.kind, link.transfer) == (LinkKind.TRANSFER, None)
    assert link.instruction.render("en") == (
        f"The IBAN that ends in {shown} is not valid. "
        "Ask the customer again for the IBAN and the name of the account holder."
    )
    assert f"op {shown} is niet geldig" in link.instruction.render("nl")
    if len(written) > 4:
        assert written not in repr(link)


KEPT = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=255)
"""Whatever a bank account can hold."""


@given(name=KEPT, iban=KEPT | st.from_regex(r"(NL|DE|BE|FR|GB|SA)[0-9]{2}[A-Z0-9]{10,26}", fullmatch=True))
@settings(deadline=None)  # the first call reads the register of banks
def test_whatever_is_given_as_an_account_there_is_an_answer(name: str, iban: str):
    assert link_to(BankAccount(name=name, iban=iban)).kind is LinkKind.TRANSFER


@pytest.mark.parametrize(
    "account",
    [
        None,
        BankAccount(name="", iban="NL91ABNA0417164300"),
        BankAccount(name=" \n", iban="NL91ABNA0417164300"),
        BankAccount(name="J. Jansen", iban=""),
        BankAccount(name="J. Jansen", iban=" \t"),
    ],
)
def test_a_missing_iban_or_holder_is_asked_for_and_it_must_be_the_holders_name(account: BankAccount | None):
    link = link_to(account)
    assert (link.kind, link.transfer) == (LinkKind.TRANSFER, None)
    assert link.label.render("nl") == "Vraag de klant om een IBAN"
    assert "the holder's name, not the one on the delivery" in link.instruction.render("en")
    assert "de naam van de rekeninghouder zijn, niet de naam op het bezorgadres" in link.instruction.render("nl")


@pytest.mark.parametrize(
    ("amount", "currency", "iban"),
    [
        ("45.50", "SEK", "SE4550000000058398257466"),
        ("0.00", "EUR", "NL91ABNA0417164300"),
        ("1000000000.00", "EUR", "NL91ABNA0417164300"),
        ("45.50", "EUR", "CH9300762011623852957"),  # outside the EEA the code needs a BIC
        ("45.50", "EUR", "GB29NWBK60161331926819"),
    ],
)
def test_where_no_qr_code_can_be_the_plain_fields_are_there(amount: str, currency: str, iban: str):
    link = link_to(BankAccount(name="J. Jansen", iban=iban), amount=amount, currency=currency)
    assert link.transfer is not None
    assert (link.transfer.to.iban, link.transfer.qr) == (iban, None)
    assert link.transfer.amount == Money.of(amount, currency)
    assert "QR" not in link.instruction.render("nl") + link.instruction.render("en")


def test_a_name_with_line_breaks_is_one_line_in_the_plain_fields_too():
    transfer = link_to(
        BankAccount(name=" J.\r\nJansen\u2028EUR1 ", iban=JANSEN.iban), remittance="Retour\n1001"
    ).transfer
    assert transfer is not None
    assert (transfer.to.name, transfer.remittance) == ("J. Jansen EUR1", "Retour 1001")


def test_the_instruction_is_in_dutch_and_in_english():
    link = link_to(JANSEN)
    assert link.label.render("en") == "Transfer it yourself"
    assert link.label.render("nl") == "Zelf overmaken"
    assert link.instruction.render("en") == (
        "Scan the QR code with your banking app, or transfer €45.50 to the account shown, with Retour 1001 "
        "as the description. Then confirm the refund here with the bank's reference."
    )
    assert link.instruction.render("nl") == (
        "Scan de QR-code met je bankapp, of maak €\u00a045,50 over naar de getoonde rekening, met Retour 1001 "
        "als omschrijving. Bevestig de terugbetaling daarna hier met het kenmerk van de bank."
    )


def test_what_a_bank_transfer_cannot_do_is_declared():
    can = ManualTransfer.capabilities
    assert can.partial_refund is Support.YES
    assert {can.refund_page, can.refund_by_api, can.cancel_refund} == {Support.PROVIDER_CANNOT}
    assert (can.currencies, can.refund_window_days) == (frozenset(), None)
