"""PayPal for retour. The plugin is this module: its hooks, and nothing else."""

from collections.abc import Sequence

from retour import hookimpl
from retour.providers import PaymentProvider
from retour_paypal.provider import PayPal


@hookimpl
def payment_providers() -> Sequence[type[PaymentProvider]]:
    """Hand over PayPal."""
    return [PayPal]
