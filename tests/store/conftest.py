"""What is tried with the store itself begins without its tables."""

from __future__ import annotations

import pytest


@pytest.fixture(autouse=True)
def without_our_tables(request: pytest.FixtureRequest) -> None:
    """Drops them where a test has a database."""
    if "database" in request.fixturenames:
        request.getfixturevalue("bare_database")
