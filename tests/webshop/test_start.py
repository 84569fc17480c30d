"""``python -m webshop``: it starts with nothing to set up, says where it is, and stops when it is told to."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
import urllib.request
from pathlib import Path


def test_it_starts_says_its_address_and_a_password_and_stops(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "webshop", "--port", "0", "--orders", "3", "--folder", str(tmp_path)]
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)  # as a shell starts what it leaves in the background
    try:
        started = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    finally:
        signal.signal(signal.SIGINT, before)
    with started as shop:
        assert shop.stdout is not None
        assert shop.stderr is not None
        try:
            said = re.fullmatch(r"(http://127\.0\.0\.1:\d+)  password: (\S{12})\n", shop.stdout.readline())
            assert said is not None
            with urllib.request.urlopen(f"{said[1]}/orders", timeout=10) as answer:  # noqa: S310 - it is on loopback
                assert answer.url == f"{said[1]}/login?next=/orders"
            shop.send_signal(signal.SIGTERM)
            assert shop.wait(timeout=20) == 0
            assert shop.stderr.read() == ""
        finally:
            shop.kill()
