"""Manual transfer keeps every rule of a payment provider."""

from collections.abc import Iterator

import pytest

from retour.testing.contracts import *
from retour_manual_transfer.sandbox import BankSandbox


@pytest.fixture
def payment_sandbox() -> Iterator[BankSandbox]:
    with BankSandbox() as sandbox:
        yield sandbox
