"""Mollie as a payment provider: where a person refunds a payment."""

from __future__ import annotations

from typing import ClassVar
from urllib.parse import quote

from retour.providers import LinkKind, LinkRequest, PaymentCapabilities, RefundLink, Support, TextDomain
from retour_mollie.settings import Settings

text = TextDomain("retour_mollie").text

DASHBOARD = "https://my.mollie.com/dashboard"
"""The same for live and test payments; Mollie takes who is logged in to the right organisation."""

HELP = "https://help.mollie.com/hc/en-us/articles/115000014489"
"""Mollie's help page "How do I refund a payment?"."""


class Mollie:
    """Payments by Mollie: iDEAL, cards, Bancontact and the rest.

    Any part of a payment can be refunded, but nothing of gift cards, vouchers and paysafecard; the time limit depends
    on the method (`HELP`). A refund can be cancelled in the dashboard for two hours:
    https://help.mollie.com/hc/en-us/articles/360011073860.
    """

    name: ClassVar = "mollie"
    display_name: ClassVar = "Mollie"
    api: ClassVar = 1
    settings_type: ClassVar = Settings
    capabilities: ClassVar = PaymentCapabilities(
        refund_page=Support.YES,
        refund_by_api=Support.NOT_YET,
        partial_refund=Support.YES,
        cancel_refund=Support.NOT_YET,
    )

    def __init__(self, settings: Settings) -> None:
        self.settings = settings

    def refund_url(self, request: LinkRequest) -> RefundLink:
        """The page of a payment (``tr_…``) or an Orders API order (``ord_…``); for anything else all payments.

        Mollie's own shop modules link to the same pages: ``DashboardUrlProvider`` in mollie/PrestaShop.
        """
        reference = request.payment.reference.strip()
        if reference.startswith("tr_"):
            page = f"payments/{_quoted(reference)}"
            instruction = text(
                "Refund {amount} on the payment's page at Mollie. "
                "Then confirm it here with the reference that Mollie gives the refund.",
                amount=request.amount,
            )
        elif reference.startswith("ord_"):
            page = f"orders/{_quoted(reference)}"
            instruction = text(
                "The link leads to the order at Mollie: refund {amount} on its lines or on its payment. "
                "Then confirm it here with the reference that Mollie gives the refund.",
                amount=request.amount,
            )
        else:
            page = "payments"
            instruction = text(
                "Look up {reference} among the payments at Mollie, or one of {captured}, and refund {amount} there. "
                "Then confirm it here with the reference that Mollie gives the refund.",
                reference=reference,
                captured=request.payment.captured,
                amount=request.amount,
            )
        return RefundLink(
            kind=LinkKind.PROVIDER_PAGE,
            label=text("Refund at Mollie"),
            instruction=instruction,
            url=f"{DASHBOARD}/{page}",
            help_url=HELP,
        )


def _quoted(reference: str) -> str:
    """One part of a path, whatever the shop stored."""
    return quote(reference, safe="", errors="replace")
