"""A carrier with a return portal and nothing else is a whole provider: it keeps every rule that it is asked about."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from small_post import PortalOnly, PortalPostSandbox

from retour.testing.shipping_contracts import *
from retour.testing.shipping_contracts import RULES


@pytest.fixture
def shipping_sandbox() -> Iterator[PortalPostSandbox]:
    with PortalPostSandbox() as sandbox:
        yield sandbox


@pytest.fixture
def shipping_provider() -> type[Any]:
    return PortalOnly


def test_it_is_asked_about_its_portal_and_its_settings() -> None:
    rules = {name: globals()[name].__dict__.get("needs", ()) for name in RULES}
    asked = [name for name, needs in rules.items() if set(needs) <= {"portal"}]
    assert len(asked) > 10
    assert "test_the_portal_is_a_page_that_customers_can_open" in asked
