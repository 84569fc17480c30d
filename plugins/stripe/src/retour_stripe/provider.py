"""Stripe as a payment provider: where a person refunds a payment."""

from __future__ import annotations

from typing import ClassVar
from urllib.parse import quote

from retour.providers import LinkKind, LinkRequest, Mode, PaymentCapabilities, RefundLink, Support, TextDomain
from retour_stripe.settings import Settings

text = TextDomain("retour_stripe").text

DASHBOARD = {Mode.LIVE: "https://dashboard.stripe.com", Mode.TEST: "https://dashboard.stripe.com/test"}

HELP = "https://docs.stripe.com/refunds?dashboard-or-api=dashboard"
"""Stripe's page "Refund and cancel payments", opened where it is done in the dashboard."""

_PAYMENTS = ("pi_", "ch_", "py_")
"""A PaymentIntent, a charge, and a charge of a bank method: they share one kind of page."""


class Stripe:
    """Payments by Stripe.

    Several partial refunds are allowed, up to what was paid (https://docs.stripe.com/refunds); no general time limit
    is known. Some card refunds can be cancelled in the dashboard for a short time:
    https://support.stripe.com/questions/canceling-a-refund.
    """

    name: ClassVar = "stripe"
    display_name: ClassVar = "Stripe"
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
        """The page of a payment (``pi_…``, ``ch_…``, ``py_…``); for anything else a search in the dashboard.

        That a search takes an object's id and can be linked to: https://docs.stripe.com/dashboard/search. No page
        of Stripe's names an address for a checkout session (``cs_…``), so it is searched for too.
        """
        reference = request.payment.reference.strip()
        quoted = quote(reference, safe="", errors="replace")
        if reference.startswith(_PAYMENTS):
            page = f"payments/{quoted}"
            instruction = text(
                "Refund {amount} on the payment's page at Stripe. "
                "Then confirm it here with the reference that Stripe gives the refund.",
                amount=request.amount,
            )
        else:
            page = f"search?query={quoted}"
            instruction = text(
                "Open the payment that Stripe's search finds for {reference}, or search for one of {captured}, "
                "and refund {amount} there. "
                "Then confirm it here with the reference that Stripe gives the refund.",
                reference=reference,
                captured=request.payment.captured,
                amount=request.amount,
            )
        return RefundLink(
            kind=LinkKind.PROVIDER_PAGE,
            label=text("Refund at Stripe"),
            instruction=instruction,
            url=f"{DASHBOARD[_mode(reference, request.payment.mode)]}/{page}",
            help_url=HELP,
        )


def _mode(reference: str, stored: Mode) -> Mode:
    """The mode of a payment: a checkout session's id says it itself, for the others the shop does."""
    return next((mode for mode in Mode if reference.startswith(f"cs_{mode.value}_")), stored)
