"""What outlives every process of a campaign: files with a line of JSON for each thing that happened."""

from __future__ import annotations

import json
import os
from pathlib import Path


def append(path: Path, value: object) -> None:
    """Add a line at once and whole: many processes write, and any may die."""
    file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.write(file, f"{json.dumps(value)}\n".encode())
    os.close(file)


def lines(path: Path) -> list[str]:
    """All lines so far; none where nothing was written."""
    return path.read_text().splitlines() if path.exists() else []
