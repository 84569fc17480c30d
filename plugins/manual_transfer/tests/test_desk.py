"""The plugin in a desk: from an order that was paid on invoice to a confirmed refund."""

from __future__ import annotations

import subprocess
import sys

import pytest

from retour import Actor, BankAccount, LinkKind, MemoryShop, Money, RetourError, ReturnDesk
from retour.testing import a_line, a_payment, an_order

PAYER = BankAccount(name="J. Jansen", iban="nl91 abna 0417 1643 00")


def a_desk(payer: BankAccount | None = None, settings: dict[str, object] | None = None) -> ReturnDesk:
    invoice = a_payment("45.50", provider="manual_transfer", reference="2026-0042", method="invoice", payer=payer)
    shop = MemoryShop([an_order(a_line("teapot", gross="45.50"), payments=[invoice])])
    return ReturnDesk(shop=shop, store="sqlite://", plugins=["manual_transfer"], settings=settings)


def test_an_invoice_is_refunded_by_transfer_to_the_account_that_the_customer_gave():
    desk = a_desk()
    desk.mark_returned("1001", by=Actor.staff("anna"))
    link = desk.refund_link("1001", "2026-0042", to=PAYER)
    assert link.kind is LinkKind.TRANSFER
    assert link.transfer is not None
    assert link.transfer.to == BankAccount(name="J. Jansen", iban="NL91ABNA0417164300")
    assert link.transfer.amount == Money.of("45.50", "EUR")
    assert link.transfer.remittance == "Retour 1001"
    assert link.transfer.qr is not None

    desk.confirm_refund(
        "1001",
        "2026-0042",
        link.transfer.amount,
        reference="bank statement 17",
        by=Actor.staff("anna"),
        request_id="form-1",
    )
    [option] = desk.refund_options("1001")
    assert option.left == Money.zero("EUR")


def test_part_of_a_payment_can_be_transferred():
    link = a_desk(PAYER).refund_link("1001", "2026-0042", Money.of("10.00", "EUR"))
    assert link.transfer is not None
    assert link.transfer.amount == Money.of("10.00", "EUR")


def test_the_payer_that_the_order_names_is_used_where_nobody_gives_an_account():
    [option] = a_desk(PAYER).refund_options("1001")
    assert option.link.transfer is not None
    assert option.link.transfer.to.iban == "NL91ABNA0417164300"


def test_without_an_account_the_merchant_is_told_what_to_ask():
    [option] = a_desk().refund_options("1001")
    assert (option.link.kind, option.link.transfer) == (LinkKind.TRANSFER, None)
    assert option.link.instruction.render("nl").startswith("Vraag de klant om het IBAN")


def test_a_setting_that_does_not_exist_is_refused():
    with pytest.raises(RetourError, match=r"manual_transfer\.iban: is no setting"):
        a_desk(settings={"manual_transfer": {"iban": "NL91ABNA0417164300"}})


def test_loading_the_plugin_does_not_load_the_bank_register_or_the_qr_code():
    script = "import retour_manual_transfer, sys; print({'schwifty', 'segno'} & set(sys.modules))"
    answer = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert answer.stdout.strip() == "set()"
