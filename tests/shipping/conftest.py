"""Makes the worlds of the tests about labels and parcels."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator

import pytest
from shipping.world import World, worlds


@pytest.fixture(autouse=True)
def quiet(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.CRITICAL, "retour")


@pytest.fixture
def make_world(database: str) -> Iterator[Callable[..., World]]:
    yield from worlds(database)
