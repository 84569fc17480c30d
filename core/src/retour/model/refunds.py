"""Refunds: money going back on one payment, and the links that lead a person to where it is done."""

from __future__ import annotations

import datetime
from enum import StrEnum
from typing import Protocol

import attrs

from retour.model.money import Money
from retour.model.order import BankAccount, Payment
from retour.model.text import Text


class RefundState(StrEnum):
    """Where one refund is. A person's confirmation makes it succeeded at once."""

    SUCCEEDED = "succeeded"


@attrs.frozen(kw_only=True)
class Refund:
    """Money that went back on one payment. ``reference`` is what the provider or the bank calls it."""

    id: str
    payment: str
    amount: Money
    state: RefundState
    reference: str
    at: datetime.datetime
    return_id: str | None = None


class QrCode(Protocol):
    """A QR code that can be shown."""

    def svg(self) -> str:
        """A complete SVG document, for a page."""

    def terminal(self) -> str:
        """Block characters, for a terminal, several lines."""


@attrs.frozen(kw_only=True)
class TransferInstruction:
    """What a person needs to transfer money back from the merchant's own bank account.

    ``to`` is the account, its IBAN checked and without blanks; ``remittance`` goes on the statement. ``qr`` is the
    EPC QR code that fills a banking app, or None where there can be none (another currency than EUR).
    """

    amount: Money
    to: BankAccount
    bank: str
    remittance: str
    qr: QrCode | None = attrs.field(default=None, eq=False)


class LinkKind(StrEnum):
    """What a refund link is: a page of the provider, a bank transfer, or no way that we know of."""

    PROVIDER_PAGE = "provider_page"
    TRANSFER = "transfer"
    UNAVAILABLE = "unavailable"


@attrs.frozen(kw_only=True)
class RefundLink:
    """Where a person goes to refund one payment, and what to do there. It never moves money by itself.

    ``label`` is the words for a button, ``instruction`` at most two sentences, ``url`` the payment's own page at
    the provider, ``help_url`` the provider's help page on refunding, ``transfer`` the bank transfer to make.
    """

    kind: LinkKind
    label: Text
    instruction: Text
    url: str = ""
    help_url: str = ""
    transfer: TransferInstruction | None = None


@attrs.frozen(kw_only=True)
class LinkRequest:
    """What a provider is asked for a refund link about.

    ``remittance`` is the text for a bank statement. ``to`` is the account that the host named for a transfer,
    or None: then the payment's ``payer``, if the host knows one.
    """

    order_id: str
    payment: Payment
    amount: Money
    remittance: str
    to: BankAccount | None = None


@attrs.frozen(kw_only=True)
class RefundOption:
    """What can go back on one payment: captured, refunded so far, what is left of it, what we suggest, and how."""

    payment: Payment
    captured: Money
    refunded: Money
    left: Money
    suggested: Money
    link: RefundLink
