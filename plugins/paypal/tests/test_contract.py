"""PayPal keeps every rule of a payment provider."""

from collections.abc import Iterator

import pytest

from retour.testing.contracts import *
from retour_paypal.sandbox import PayPalSandbox


@pytest.fixture
def payment_sandbox() -> Iterator[PayPalSandbox]:
    with PayPalSandbox() as sandbox:
        yield sandbox
