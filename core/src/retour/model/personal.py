"""Which fields of values are about a person, and which hold secrets: each says so where it is declared.

What retour keeps apart from its events, and forgets in its time, is personal: names, addresses, bank accounts, notes,
what the customer was told, files. A key that only means something to the host (an order's id, `Actor.id`) is not.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

PERSONAL: Mapping[str, bool] = MappingProxyType({"retour_personal": True})
"""The ``metadata=`` of a field that is about a person: `retour.to_dict` leaves it out unless it is asked for. Give it
``repr=False`` too, so that no log shows it."""

SECRET: Mapping[str, bool] = MappingProxyType({"retour_secret": True})
"""The ``metadata=`` of a field that can hold a secret, as the headers of a request do: its class has no plain form."""


def is_personal(field: Any) -> bool:
    """Whether a field of an attrs class is about a person."""
    return bool(field.metadata.get("retour_personal"))


def is_secret(field: Any) -> bool:
    """Whether a field of an attrs class can hold a secret."""
    return bool(field.metadata.get("retour_secret"))
