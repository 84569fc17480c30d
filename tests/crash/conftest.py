"""What the tests of crashes print at the end: what became of the refunds."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

RESULTS: dict[str, Mapping[str, int]] = {}
"""By campaign: what its audit found, in numbers."""


def pytest_terminal_summary(terminalreporter: Any) -> None:
    for campaign, found in RESULTS.items():
        terminalreporter.write_line(f"{campaign}: {', '.join(f'{name} {number}' for name, number in found.items())}")
