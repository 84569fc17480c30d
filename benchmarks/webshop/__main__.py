"""``python -m benchmarks.webshop``: how long gunicorn takes for each page of the example shop, on PostgreSQL, where
there are 10,000 orders of which 2,000 came back, and 200 more are to.

It ends with exit code 1 where a page's 95th percentile is not under 100 ms, or where no link led to a page.
``--record`` writes WEBSHOP.md; ``--quick`` has a tenth of the orders and of the requests.
"""

from __future__ import annotations

import argparse
import datetime
import json
import os
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import requests
from flask import Flask
from sqlalchemy import Engine

from benchmarks import machine
from benchmarks.databases import NoServer, postgresql_databases, settle
from benchmarks.webshop import served
from benchmarks.webshop.pages import Visitor, endpoint_of, found_by, visit
from webshop.application import PLUGINS
from webshop.sandboxes import sandboxes_of
from webshop.seed import announce, bring_back, fill

MOST = 0.1
"""Seconds that nineteen pages in twenty have to be made within."""

WORKERS = VISITORS = 2
RESULTS = Path(__file__).parent.parent / "WEBSHOP.md"
LOGGED = "%(U)s %(s)s %(D)s"
"""What gunicorn writes of each request: its path, its status, and how many microseconds it took."""


NOT_TIMED = {"static", "evidence.open_file", "labels.open_one", "transfers.show_batch", "transfers.download"}
"""What is no page of the shop's own making: a file, also one that somebody added, a document that its provider makes,
and files for the bank, of which there are none. Nor are the pages of customers: each shows one order, and is opened
with a session of its own."""


def main() -> int:
    """Fill, serve, visit, and say how long it took; gives the exit code."""
    options = _options()
    orders, returns, times, addresses = (1_000, 200, 20, 10) if options.quick else (10_000, 2_000, 200, 50)
    load_before = machine.load()
    with postgresql_databases(options.postgresql) as new, sandboxes_of(PLUGINS) as sandboxes:
        engine = new("webshop")
        app = served.shop_on(_address_of(engine), sandboxes.settings)
        began = time.monotonic()
        fill(engine, sandboxes.pay, orders=orders)
        bring_back(app.extensions["webshop"], returns)
        on_their_way = announce(app.extensions["webshop"], returns // 10)
        settle(engine)
        filled = time.monotonic() - began
        with _gunicorn(engine, sandboxes.settings) as (address, log):
            visitors = [Visitor(address, served.PASSWORD) for _ in range(VISITORS)]
            found = found_by(visitors[0], app, most=addresses, orders=on_their_way[:3])
            visit(visitors, found, times=addresses)  # what is made once, such as a picture, each process has made then
            warm = log.stat().st_size
            visit(visitors, found, times=times)
            taken = _taken(app, log, warm)
    rows = [_row(endpoint, found[endpoint], taken[endpoint]) for endpoint in sorted(found)]
    unseen = sorted(_pages_of(app) - found.keys())
    facts = machine.facts(None, options.postgresql)
    facts["Load of the machine"] = f"{load_before} before, {machine.load()} at the end, this run included"
    text = _report(rows, unseen, facts, orders=orders, returns=returns, filled=filled)
    print(text)
    if options.record:
        RESULTS.write_text(text)
    slow = [endpoint for endpoint in found if _percentile(taken[endpoint]) >= MOST]
    for endpoint in slow:
        print(f"TOO SLOW: {endpoint}, {_percentile(taken[endpoint]) * 1000:.0f} ms")
    for endpoint in unseen:
        print(f"NO LINK LEADS TO: {endpoint}")
    return 1 if slow or unseen else 0


@contextmanager
def _gunicorn(engine: Engine, settings: Mapping[str, Mapping[str, object]]) -> Iterator[tuple[str, Path]]:
    """The shop served by a process of its own, with its address and the log of its requests."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    environment = {
        **os.environ,
        served.DATABASE: _address_of(engine),
        served.SETTINGS: json.dumps(settings),
    }
    with tempfile.TemporaryDirectory(prefix="webshop-bench-") as folder:
        log = Path(folder) / "requests"
        command = [
            *(sys.executable, "-m", "gunicorn", "benchmarks.webshop.served:from_environment()"),
            *("--bind", f"127.0.0.1:{port}", "--workers", str(WORKERS), "--threads", "2"),
            *("--access-logfile", str(log), "--access-logformat", LOGGED, "--log-level", "warning"),
        ]
        with subprocess.Popen(command, env=environment) as server:
            try:
                _wait_for(f"http://127.0.0.1:{port}", server)
                yield f"http://127.0.0.1:{port}", log
            finally:
                server.send_signal(signal.SIGTERM)


def _address_of(engine: Engine) -> str:
    return engine.url.render_as_string(hide_password=False)


def _wait_for(address: str, server: subprocess.Popen[bytes]) -> None:
    for _ in range(600):
        if server.poll() is not None:
            raise SystemExit("gunicorn did not start: pip install -r requirements-bench.txt")
        try:
            requests.get(f"{address}/login", timeout=60).raise_for_status()
            return
        except requests.RequestException:
            time.sleep(0.1)
    raise SystemExit("gunicorn does not answer")


def _taken(app: Flask, log: Path, since: int) -> Mapping[str, Sequence[float]]:
    """Seconds of each request after the first bytes of the log, by the page that it was for."""
    taken: defaultdict[str, list[float]] = defaultdict(list)
    for line in log.read_bytes()[since:].decode().splitlines():
        path, status, microseconds = line.split()
        if status in ("200", "302"):
            taken[str(endpoint_of(app, path))].append(int(microseconds) / 1e6)
    return taken


def _pages_of(app: Flask) -> set[str]:
    pages = {rule.endpoint for rule in app.url_map.iter_rules() if "GET" in (rule.methods or ())}
    return {one for one in pages - NOT_TIMED if not one.startswith("customer_")}


def _percentile(taken: Sequence[float]) -> float:
    """The time within which nineteen of twenty were made."""
    return statistics.quantiles(taken, n=20, method="inclusive")[18]


def _row(endpoint: str, paths: Sequence[str], taken: Sequence[float]) -> str:
    figures = (statistics.median(taken), _percentile(taken), max(taken))
    return (
        f"| `{endpoint}` | {len(paths)} | {len(taken)} | " + " | ".join(f"{one * 1000:.1f}" for one in figures) + " |"
    )


def _report(
    rows: Sequence[str], unseen: Sequence[str], facts: Mapping[str, str], *, orders: int, returns: int, filled: float
) -> str:
    date = datetime.datetime.now(datetime.UTC).date().isoformat()
    lines = [
        "# How long the pages of the webshop take",
        "",
        f"Written by `python -m benchmarks.webshop` on {date}; no number is typed by hand.",
        "",
        *(f"- {name}: {fact}" for name, fact in facts.items()),
        "",
        f"The shop has {orders:,} orders, of which {returns:,} came back and {returns // 10:,} more are to; a third of",
        f"what came back waits for the merchant's refund. Filling it took {filled:.0f} seconds. gunicorn serves it",
        f"with {WORKERS} processes on the machine",
        f"that also has the database and the {VISITORS} visitors, who follow links, then open each kind of page",
        "by turns, side by side.",
        "The times are gunicorn's own, in milliseconds, from the request to the last byte of the answer.",
        "",
        "| page | addresses | requests | median | 95th percentile | longest |",
        "| --- | --- | --- | --- | --- | --- |",
        *rows,
        "",
        *(f"No link led to `{endpoint}`: it was not measured." for endpoint in unseen),
    ]
    return "\n".join(lines).rstrip() + "\n"


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.webshop", description="Time the pages of the webshop.")
    parser.add_argument("--quick", action="store_true", help="a tenth of the orders; writes nothing")
    parser.add_argument("--record", action="store_true", help="write WEBSHOP.md")
    parser.add_argument(
        "--postgresql",
        metavar="URL",
        default=os.environ.get("RETOUR_TEST_POSTGRESQL", "postgresql+psycopg://127.0.0.1:5432/postgres"),
        help="a server on which a database of this run's own may be made, and is dropped (RETOUR_TEST_POSTGRESQL)",
    )
    options = parser.parse_args()
    if options.quick and options.record:
        parser.error("--record takes a whole run: without --quick")
    return options


if __name__ == "__main__":
    try:
        sys.exit(main())
    except NoServer as problem:
        sys.exit(f"There is no PostgreSQL to measure on: {problem}")
