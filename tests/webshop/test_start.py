"""``python -m webshop``: it starts with nothing to set up, says where it is, and stops when it is told to."""

from __future__ import annotations

import os
import re
import signal
import sqlite3
import subprocess
import sys
import urllib.request
from contextlib import closing
from math import gcd
from pathlib import Path

import pytest

from webshop.seed import PAID_BY, STATUSES, ways_to_pay

ACME = """
from acme_pay import AcmePay
from retour import hookimpl

class Unplayed(AcmePay):
    sandbox = {sandbox!r}

@hookimpl
def payment_providers():
    return [Unplayed]
"""


def installed(folder: Path, *, sandbox: str = "acme_pay:AcmePaySandbox") -> dict[str, str]:
    """The environment of a process in which a plugin of somebody else is installed."""
    (folder / "retour_acmepay.py").write_text(ACME.format(sandbox=sandbox))
    about = folder / "retour_acmepay-0.1.0.dist-info"
    about.mkdir(parents=True)
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: retour-acmepay\nVersion: 0.1.0\n")
    (about / "entry_points.txt").write_text("[retour]\nacmepay = retour_acmepay\n")
    kit = Path(__file__).parents[1] / "testing"
    return {**os.environ, "PYTHONPATH": os.pathsep.join([str(folder), str(kit)])}


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


def test_a_plugin_that_is_installed_takes_payments_too(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "webshop", "--port=0", "--orders=9", f"--folder={tmp_path}", "--plugin=acmepay"]
    environment = installed(tmp_path)
    with subprocess.Popen(command, stdout=subprocess.PIPE, env=environment, text=True) as shop:
        try:
            assert shop.stdout is not None
            assert shop.stdout.readline().startswith("http://127.0.0.1:")
            with closing(sqlite3.connect(tmp_path / "webshop.db")) as database:
                paid = database.execute("SELECT order_id, reference FROM shop_payment WHERE provider = 'acmepay'")
                assert dict(paid.fetchall()) == {
                    order: f"ap_{number:08}" for number, order in enumerate(("1001", "1002", "1008", "1009"), start=1)
                }
            shop.send_signal(signal.SIGTERM)
            assert shop.wait(timeout=20) == 0
        finally:
            shop.kill()


@pytest.mark.parametrize(
    "plugin, sandbox, why",
    [
        ("acmepai", "acme_pay:AcmePaySandbox", "plugin acmepai: no installed distribution offers it; did you mean"),
        ("acmepay", "", "provider acmepay has no sandbox: its class names one as sandbox, module:Class"),
        ("acmepay", "acme_pay:Nothing", "provider acmepay: acme_pay has no class Nothing"),
    ],
)
def test_a_plugin_that_cannot_be_played_is_told(tmp_path: Path, plugin: str, sandbox: str, why: str) -> None:
    command = [sys.executable, "-m", "webshop", "--port=0", f"--folder={tmp_path}", f"--plugin={plugin}"]
    environment = installed(tmp_path, sandbox=sandbox)
    told = subprocess.run(command, capture_output=True, text=True, env=environment, check=False, timeout=60)
    assert (told.returncode, told.stdout) == (2, "")
    assert why in told.stderr
    assert "Traceback" not in told.stderr


@pytest.mark.parametrize("more", [[], ["one"], ["one", "two"], ["one", "two", "three"]])
def test_each_way_of_paying_meets_each_status(more: list[str]) -> None:
    ways = ways_to_pay(["mollie", *more])
    assert set(ways) == {*PAID_BY, *((provider, "") for provider in more)}
    assert gcd(len(ways), len(STATUSES)) == 1
