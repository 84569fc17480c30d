"""PayPal as a payment provider: where a person refunds a payment."""

from __future__ import annotations

import re
from typing import ClassVar

from retour.providers import LinkKind, LinkRequest, Mode, PaymentCapabilities, RefundLink, Support, TextDomain
from retour_paypal.settings import Settings

text = TextDomain("retour_paypal").text

ACTIVITY = {Mode.LIVE: "https://www.paypal.com/activity", Mode.TEST: "https://www.sandbox.paypal.com/activity"}

HELP = "https://www.paypal.com/mt/cshelp/article/how-do-i-issue-a-refund-help101"
"""PayPal's help page "How do I issue a refund?"."""

_ID = re.compile(r"[A-Z0-9]{1,20}")
"""The shape of a capture's and of an order's id alike: ``related_ids`` in PayPal's description of Payments v2."""


class PayPal:
    """Payments by PayPal.

    A payment can be refunded for 180 days, in parts too, but only whole while a dispute is open; a refund cannot be
    taken back (`HELP`, and https://developer.paypal.com/docs/api/payments/v2/).
    """

    name: ClassVar = "paypal"
    display_name: ClassVar = "PayPal"
    api: ClassVar = 1
    settings_type: ClassVar = Settings
    capabilities: ClassVar = PaymentCapabilities(
        refund_page=Support.YES,
        refund_by_api=Support.NOT_YET,
        partial_refund=Support.YES,
        cancel_refund=Support.PROVIDER_CANNOT,
        refund_window_days=180,
    )

    def __init__(self, settings: Settings) -> None:
        self.settings = settings

    def refund_url(self, request: LinkRequest) -> RefundLink:
        """The page of a capture; for an order, or what is neither, all activity of the account.

        The pages are those of woocommerce/woocommerce-paypal-payments, ``TransactionUrlProvider``. An order's id
        leads a merchant nowhere: https://github.com/solidusio/solidus_paypal_commerce_platform/issues/69.
        """
        url = ACTIVITY[request.payment.mode]
        kind, reference = self._read(request.payment.reference)
        if kind == "capture" and _ID.fullmatch(reference):
            url += f"/payment/{reference}"
            instruction = text(
                "Refund {amount} on the payment's page at PayPal. "
                "Then confirm it here with the transaction ID that PayPal gives the refund.",
                amount=request.amount,
            )
        else:
            instruction = text(
                "PayPal has no page for {reference}: find its payment of {captured} in your activity, by date or "
                "customer, and refund {amount} there. "
                "Then confirm it here with the transaction ID that PayPal gives the refund.",
                reference=reference,
                captured=request.payment.captured,
                amount=request.amount,
            )
        return RefundLink(
            kind=LinkKind.PROVIDER_PAGE,
            label=text("Refund at PayPal"),
            instruction=instruction,
            url=url,
            help_url=HELP,
        )

    def _read(self, stored: str) -> tuple[str, str]:
        """What a stored reference is, a capture or an order, and its id; ``order:5O190127TN364715T`` says it itself."""
        kind, colon, reference = stored.strip().partition(":")
        if colon and kind in ("capture", "order"):
            return kind, reference.strip()
        return self.settings.reference_is, stored.strip()
