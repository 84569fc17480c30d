"""``python -m webshop``: the shop on this machine, with orders to try and every provider's sandbox."""

from __future__ import annotations

import argparse
import logging
import os
import secrets
import signal
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path

from werkzeug.serving import make_server

from webshop.application import PLUGINS, create_app
from webshop.housekeeping import keep_house
from webshop.past import live_through
from webshop.sandboxes import NoSandbox, in_the_background, sandboxes_of
from webshop.seed import fill, ways_to_pay


def main() -> None:
    """Serve until Ctrl-C."""
    parser = argparse.ArgumentParser(prog="python -m webshop", description=__doc__)
    parser.add_argument("--port", type=int, default=8000, help="0 for any that is free. Default: 8000")
    parser.add_argument("--orders", type=int, default=120, help="how many orders there are. Default: 120")
    parser.add_argument("--no-returns", action="store_true", help="nothing has come back yet")
    parser.add_argument("--folder", type=Path, help="where the database is made. Default: the temporary folder")
    parser.add_argument(
        "--plugin",
        action="append",
        default=[],
        metavar="NAME",
        help="a plugin that is installed, beside the shop's own: orders are paid at its sandbox too. Can be repeated",
    )
    given = parser.parse_args()
    logging.getLogger("werkzeug").setLevel(logging.WARNING)  # a line for each request would hide the password
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # stops it as Ctrl-C does
    password = os.environ.get("WEBSHOP_PASSWORD") or secrets.token_urlsafe(9)
    try:
        _serve(given, password, tuple(dict.fromkeys([*PLUGINS, *given.plugin])))
    except NoSandbox as error:
        parser.error(str(error))


def _serve(given: argparse.Namespace, password: str, plugins: Sequence[str]) -> None:
    with sandboxes_of(plugins) as sandboxes:
        app = create_app(
            f"sqlite:///{_new_file(given.folder)}",
            password=password,
            secret_key=secrets.token_hex(32),
            settings=sandboxes.settings,
            plugins=plugins,
            sandboxes=sandboxes,
            https=False,
        )
        shop = app.extensions["webshop"]
        fill(shop.engine, sandboxes.pay, orders=given.orders, paid_by=ways_to_pay(sandboxes.of_payments))
        if not given.no_returns:
            live_through(shop)
        server = make_server("127.0.0.1", given.port, app, threaded=True)
        address = f"http://127.0.0.1:{server.server_port}"
        with in_the_background(partial(keep_house, shop), sandboxes, address):
            with suppress(KeyboardInterrupt):
                print(f"{address}  password: {password}", flush=True)
                print(
                    f"Customers: {address}/return  with the number of an order and the mail address on its page",
                    flush=True,
                )
                print("Ctrl-C stops it. No money moves: every provider is a sandbox on this machine.", flush=True)
                server.serve_forever()
            server.server_close()


def _new_file(folder: Path | None) -> Path:
    """A database in which nothing happened yet."""
    if folder is None:
        return Path(tempfile.mkdtemp(prefix="webshop-")) / "webshop.db"
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.glob("webshop.db*"):
        old.unlink()
    return folder.resolve() / "webshop.db"


if __name__ == "__main__":
    main()
