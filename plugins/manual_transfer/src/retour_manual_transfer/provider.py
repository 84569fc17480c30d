"""A manual transfer: the merchant pays back from his own bank account, and retour says what to transfer to whom."""

from __future__ import annotations

import datetime
from typing import TYPE_CHECKING, ClassVar

from retour.providers import (
    BankAccount,
    Destination,
    Idempotency,
    LinkKind,
    LinkRequest,
    PaymentCapabilities,
    ProviderSession,
    RefundLink,
    RefundRequest,
    RefundResult,
    RefundStatus,
    Support,
    Text,
    TextDomain,
    TransferInstruction,
)
from retour_manual_transfer.epc import epc_qr, one_line
from retour_manual_transfer.settings import Settings

if TYPE_CHECKING:
    from schwifty import IBAN

text = TextDomain("retour_manual_transfer").text


FOR_EVER = datetime.timedelta(days=365 * 100)
"""How long a repeated `ManualTransfer.refund` is the same refund."""


class ManualTransfer:
    """Payments that came in by bank transfer, on invoice, on pick-up or on delivery: no provider can refund those.

    Its refunds are under the same contract as any other, and wait for a person: `refund` moves no money and answers
    ``AWAITING_MERCHANT``. A bank transfer has no page, no API and no way back. That the money went back says a person
    or the bank's statement (`retour_manual_transfer.statement`), which is what a webhook is for other providers.
    """

    name: ClassVar[str] = "manual_transfer"
    display_name: ClassVar[str] = text("Bank transfer").message
    api: ClassVar[int] = 2
    settings_type: ClassVar[type[Settings]] = Settings
    sandbox: ClassVar[str] = "retour_manual_transfer.sandbox:BankSandbox"
    capabilities: ClassVar[PaymentCapabilities] = PaymentCapabilities(
        refund_page=Support.PROVIDER_CANNOT,
        refund_by_api=Support.PROVIDER_CANNOT,
        refund_by_person=Support.YES,
        partial_refund=Support.YES,
        refundable=Support.PROVIDER_CANNOT,
        payment_names=Support.PROVIDER_CANNOT,
        fetch_refund=Support.PROVIDER_CANNOT,
        cancel_refund=Support.PROVIDER_CANNOT,
        find_refund=Support.PROVIDER_CANNOT,
        list_refunds=Support.PROVIDER_CANNOT,
        check_settings=Support.PROVIDER_CANNOT,
        destinations=frozenset({Destination.BANK_ACCOUNT}),
        idempotency=Idempotency(header="", window=FOR_EVER),
    )

    def __init__(self, settings: Settings, http: ProviderSession) -> None:
        del http  # a bank transfer is not sent from here
        self.settings = settings

    def refund(self, request: RefundRequest) -> RefundResult:
        """Leave it to the merchant. Nothing happens here, so asking for it again does nothing a second time."""
        return RefundResult(
            reference="",
            target=request.target,
            status=RefundStatus.AWAITING_MERCHANT,
            amount=request.amount,
            provider_status="awaiting transfer",
            refund_id=request.refund_id,
        )

    def refund_url(self, request: LinkRequest) -> RefundLink:
        """The transfer to make, or what to ask for: see ``refund_link``."""
        return refund_link(request)


def refund_link(request: LinkRequest) -> RefundLink:
    """The transfer to make to ``request.to``; without a holder's name and a valid IBAN, what to ask for.

    The name has to be the account holder's. Since 9 October 2025 banks in the euro area tell the payer whether
    name and IBAN belong together before he pays (Verification of Payee, Regulation (EU) 2024/886;
    https://www.mhc.ie/latest/insights/instant-payments-regulation-update).
    """
    to = request.to or BankAccount(name="", iban="")
    holder, given = one_line(to.name), one_line(to.iban).replace(" ", "")
    if not holder or not given:
        return _ask(
            text(
                "Ask the customer for the IBAN and the name of the account holder. It has to be the holder's name, "
                "not the one on the delivery: the bank checks that it fits the IBAN."
            )
        )
    iban = valid_iban(given)
    if iban is None:
        return _ask(
            text(
                "The IBAN that ends in {last_four} is not valid. "
                "Ask the customer again for the IBAN and the name of the account holder.",
                last_four=given[-4:],
            )
        )
    return _transfer(request, BankAccount(name=holder, iban=str(iban)), iban)


def valid_iban(given: str) -> IBAN | None:
    """The IBAN, checked for its country's length and structure and its check digits (ISO 13616), or None."""
    from schwifty import IBAN

    try:
        return IBAN(given)
    except ValueError:
        return None


def _transfer(request: LinkRequest, to: BankAccount, iban: IBAN) -> RefundLink:
    remittance = one_line(request.remittance)
    qr = epc_qr(amount=request.amount, to=to, remittance=remittance)
    if qr is not None:
        instruction = text(
            "Scan the QR code with your banking app, or transfer {amount} to the account shown, "
            "with {remittance} as the description. Then confirm the refund here with the bank's reference.",
            amount=request.amount,
            remittance=remittance,
        )
    else:
        instruction = text(
            "Transfer {amount} to the account shown, with {remittance} as the description. "
            "Then confirm the refund here with the bank's reference.",
            amount=request.amount,
            remittance=remittance,
        )
    return RefundLink(
        kind=LinkKind.TRANSFER,
        label=text("Transfer it yourself"),
        instruction=instruction,
        transfer=TransferInstruction(
            amount=request.amount,
            to=to,
            bank=", ".join([str(known) for known in (iban.bank_name, iban.bic) if known]),
            remittance=remittance,
            qr=qr,
        ),
    )


def _ask(instruction: Text) -> RefundLink:
    return RefundLink(kind=LinkKind.TRANSFER, label=text("Ask the customer for an IBAN"), instruction=instruction)
