"""Sendcloud keeps every rule of the contract of shipping providers."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from retour.testing.shipping_contracts import *
from retour_sendcloud.sandbox import SendcloudSandbox

pytestmark = pytest.mark.long


@pytest.fixture
def shipping_sandbox() -> Iterator[SendcloudSandbox]:
    with SendcloudSandbox() as sandbox:
        yield sandbox
