"""One clock for all processes of a campaign and for the sandboxes: the real one, moved ahead by a shared offset."""

from __future__ import annotations

import datetime
import mmap
import struct
import time
from pathlib import Path

from retour.sandbox import SandboxClock


class CampaignClock(SandboxClock):
    """Runs like the real clock. `advance` moves it ahead in every process that opened the same file."""

    def __init__(self, path: Path) -> None:
        self.runs = True
        if not path.exists():
            path.write_bytes(struct.pack("d", 0.0))
        with path.open("r+b") as file:
            self._offset = mmap.mmap(file.fileno(), struct.calcsize("d"))

    def now(self) -> datetime.datetime:
        """The time, in UTC."""
        return datetime.datetime.now(datetime.UTC) + datetime.timedelta(seconds=self._seconds())

    def elapsed(self) -> float:
        """The seconds that went by."""
        return time.monotonic() + self._seconds()

    @property
    def ahead(self) -> datetime.timedelta:
        """How far it was moved."""
        return datetime.timedelta(seconds=self._seconds())

    def advance(self, by: datetime.timedelta) -> None:
        """Let time pass. Only the campaign's own process does."""
        self._offset[:] = struct.pack("d", self._seconds() + by.total_seconds())

    def _seconds(self) -> float:
        (seconds,) = struct.unpack("d", self._offset[:])
        return float(seconds)
