"""Mollie keeps every rule of a payment provider."""

from collections.abc import Iterator

import pytest

from retour.testing.contracts import *
from retour_mollie.sandbox import MollieSandbox


@pytest.fixture
def payment_sandbox() -> Iterator[MollieSandbox]:
    with MollieSandbox() as sandbox:
        yield sandbox
