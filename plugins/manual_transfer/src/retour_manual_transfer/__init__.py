"""Refunds by bank transfer, for payments that no provider can refund."""

from retour import hookimpl
from retour_manual_transfer.provider import ManualTransfer


@hookimpl
def payment_providers() -> list[type[ManualTransfer]]:
    """The one provider of this plugin."""
    return [ManualTransfer]
