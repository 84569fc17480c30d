"""Acme Pay and its faults, as modules that the tests here, and the runs of the contract that they start, import."""

from __future__ import annotations

import sys
from pathlib import Path

HERE = str(Path(__file__).parent)

if HERE not in sys.path:
    sys.path.append(HERE)
