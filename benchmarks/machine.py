"""What the numbers were measured on: the facts that decide about them, and nothing that says whose machine it is."""

from __future__ import annotations

import os
import platform
import re
import sqlite3
import statistics
import tempfile
import time
from importlib.metadata import version
from pathlib import Path

from sqlalchemy import create_engine, text

from benchmarks.table import duration


def facts(folder: Path | None, postgresql: str | None) -> dict[str, str]:
    """The machine and the software, by name; ``postgresql`` is the server's address if it took part."""
    found = {
        "Processor": f"{_processor()}, {os.cpu_count()} cores",
        "System": f"{platform.system()} {platform.machine()}",
        "Making 4 kB durable (fsync)": f"{duration(_fsync(folder))}, the median of 100",
        "Python": f"{platform.python_implementation()} {platform.python_version()}",
        "SQLite": sqlite3.sqlite_version,
        "SQLAlchemy": version("SQLAlchemy"),
    }
    if postgresql is not None:
        engine = create_engine(postgresql)
        with engine.connect() as connection:
            for name, setting in (("PostgreSQL", "server_version"), ("synchronous_commit", "synchronous_commit")):
                found[name] = str(connection.execute(text(f"SHOW {setting}")).scalar_one())
        engine.dispose()
        found["psycopg"] = version("psycopg")
    return found


def load() -> str:
    """How many processes wanted to run in the last minute, on average: more than there are cores is a busy machine."""
    return f"{os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else "unknown"


def _processor() -> str:
    information = Path("/proc/cpuinfo")
    if information.exists():
        found = re.search(r"^model name\s*:\s*(.+)$", information.read_text(), re.MULTILINE)
        if found is not None:
            return found[1].strip()
    return platform.processor() or "unknown processor"


def _fsync(folder: Path | None) -> float:
    """Seconds that the disk takes to make a small write durable, where the SQLite files are."""
    taken = []
    with tempfile.TemporaryFile(dir=folder) as file:
        for _ in range(100):
            file.write(b"0" * 4096)
            file.flush()
            started = time.perf_counter()
            os.fsync(file.fileno())
            taken.append(time.perf_counter() - started)
    return statistics.median(taken)
