"""Which functions a whole return of retour's spends its processor time in, for somebody who makes it faster.

``python -m benchmarks.whole_return.profiled --returns 300 --top 25 --postgresql URL``

A profiler charges a fee for each call: believe its order among functions, and the rooms of the benchmark's table for
what a share really is.
"""

from __future__ import annotations

import argparse
import cProfile
import pstats
import time
from contextlib import AbstractContextManager

from benchmarks.databases import NewDatabase, postgresql_databases, settle, sqlite_databases
from benchmarks.whole_return.measure import payments_of
from benchmarks.whole_return.retour_host import RetourHost
from benchmarks.whole_return.shop import open_shop, three_products

_WARM = 50
"""Returns before the profile begins: what is made once is made then."""


def profiled(databases: AbstractContextManager[NewDatabase], returns: int, top: int) -> None:
    """Print the functions that took most, by their own time and with all that they called."""
    with databases as new:
        engine, orders = new("profiled"), [three_products(number) for number in range(_WARM + returns)]
        open_shop(engine, orders)
        settle(engine)
        host = RetourHost(engine)
        host.provider.pay(payments_of(orders))
        for order in orders[:_WARM]:
            host.give_back(order.id)
        profile = cProfile.Profile(time.process_time)
        profile.enable()
        for order in orders[_WARM:]:
            host.give_back(order.id)
        profile.disable()
    found = pstats.Stats(profile)
    for order_of in ("tottime", "cumulative"):
        found.sort_stats(order_of).print_stats(top)


def main() -> None:
    """Profile on SQLite, or on a server."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.whole_return.profiled")
    parser.add_argument("--returns", type=int, default=300, help="how many are profiled")
    parser.add_argument("--top", type=int, default=25, help="how many functions are shown")
    parser.add_argument("--postgresql", metavar="URL", help="a server, in place of an SQLite file")
    options = parser.parse_args()
    databases = postgresql_databases(options.postgresql) if options.postgresql else sqlite_databases(None)
    profiled(databases, options.returns, options.top)


if __name__ == "__main__":
    main()
