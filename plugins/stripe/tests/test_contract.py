"""Stripe keeps every rule of a payment provider."""

from collections.abc import Iterator

import pytest

from retour.testing.contracts import *
from retour_stripe.sandbox import StripeSandbox


@pytest.fixture
def payment_sandbox() -> Iterator[StripeSandbox]:
    with StripeSandbox() as sandbox:
        yield sandbox
