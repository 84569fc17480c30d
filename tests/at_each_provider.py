"""Tests that start processes for each moment of a refund: at each provider, and on each database, but not on both at
each. What a provider does depends on no database, and what a database does on no provider."""

from __future__ import annotations

import pytest

AT_EACH_PROVIDER = pytest.mark.parametrize(
    "shop, database",
    [
        ("mollie", "sqlite"),
        ("stripe", "sqlite"),
        pytest.param("stripe", "postgresql", marks=pytest.mark.postgresql),
        pytest.param("paypal", "postgresql", marks=pytest.mark.postgresql),
    ],
    indirect=True,
)
"""For tests with the fixtures ``shop``, which opens at a provider, and ``database``."""
