"""The payment providers whose refunds are measured, by name."""

from __future__ import annotations

from importlib import import_module
from typing import Any

_PROVIDERS = {
    "mollie": "retour_mollie.provider:Mollie",
    "paypal": "retour_paypal.provider:PayPal",
    "stripe": "retour_stripe.provider:Stripe",
}


def provider_class(name: str) -> Any:
    """The class that the plugin hands over."""
    return _at(_PROVIDERS[name])


def sandbox_class(name: str) -> Any:
    """The sandbox that the provider names."""
    return _at(provider_class(name).sandbox)


def _at(place: str) -> Any:
    module, _, name = place.partition(":")
    return getattr(import_module(module), name)
