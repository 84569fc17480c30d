"""Whole returns per second: retour beside the same return written by hand, on the same host's tables."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path

import attrs
from sqlalchemy import Engine, column, select, table

from benchmarks.databases import NewDatabase
from benchmarks.partner import Partner
from benchmarks.refund_calls import SDKS
from benchmarks.rounds import Timing, Timings, Turn, take_turns
from benchmarks.scale import Scale
from benchmarks.table import Part, Row, duration
from benchmarks.whole_return import shop
from retour import Order

AIM, FLOOR = 2.0, 1.2
"""Retour's returns per second, as times those of hand-written Django: what is aimed at, and what must be."""

RETOUR, DJANGO = "retour", "Django"


@attrs.frozen(kw_only=True)
class Host:
    """How a partner is started, and which of its tables has a row for each return."""

    module: str
    returns: str
    python: Path = Path(sys.executable)

    def started(self, engine: Engine) -> Partner:
        """The partner in a process of its own, on a database."""
        url = engine.url.render_as_string(hide_password=False)
        return Partner(f"benchmarks.whole_return.{self.module}", url, python=self.python)


HOSTS = {
    RETOUR: Host(module="retour_host", returns="retour_return"),
    DJANGO: Host(module="django_host", returns="shop_return", python=SDKS / "django" / "bin" / "python"),
}


def whole_return(database: str, new: NewDatabase, scale: Scale) -> Part:
    """Every partner on a database of its own, with the same orders, by turns."""
    orders = [shop.three_products(number) for number in range((1 + scale.whole_rounds) * scale.whole_returns)]
    hosts = {name: host for name, host in HOSTS.items() if host.python.exists()}
    with ExitStack() as stack:
        turns: dict[str, Turn] = {}
        versions: dict[str, str] = {}
        checks = []
        for name, host in hosts.items():
            engine = new(name.lower())
            shop.open_shop(engine, orders)
            partner = stack.enter_context(host.started(engine))
            versions[name] = partner.ask(pay=_payments(orders))["version"]
            turns[name] = _turn(partner, orders, scale.whole_returns)
            checks.append((name, host, engine, partner))
        timings = take_turns(turns, rounds=scale.whole_rounds)
        for name, host, engine, partner in checks:
            _check(name, host, engine, partner, orders)
    return Part(rows=tuple(_rows(f"A whole return, {database}", timings, versions)))


def _turn(partner: Partner, orders: Sequence[Order], returns: int) -> Turn:
    def turn(number: int) -> Timing:
        first = number * returns
        taken = partner.ask(orders=[order.id for order in orders[first : first + returns]])
        return Timing(wall=taken["wall"], cpu=taken["cpu"])

    return turn


def _payments(orders: Sequence[Order]) -> dict[str, int]:
    return {one.reference: one.captured.minor for order in orders for one in order.payments}


def _check(name: str, host: Host, engine: Engine, partner: Partner, orders: Sequence[Order]) -> None:
    """Each order must have come back once: its goods in stock, its return on record, its money with the customer."""
    shop.check_shop(name, engine, orders)
    with engine.connect() as connection:
        returned = connection.execute(select(column("order_id")).select_from(table(host.returns))).scalars().all()
    if sorted(returned) != [order.id for order in orders]:
        raise AssertionError(f"{name}: not every order has one return: {returned}")
    paid = _payments(orders)
    refunds = partner.ask(books=list(paid))["refunds"]
    if refunds != [[captured] for captured in paid.values()]:
        raise AssertionError(f"{name}: not every payment was refunded in full, once: {refunds}")


def _rows(section: str, timings: Mapping[str, Timings], versions: Mapping[str, str]) -> Iterator[Row]:
    ours = timings[RETOUR]
    for name, theirs in timings.items():
        if name == RETOUR:
            continue
        faster = theirs.wall_ratio(ours)
        yield Row(
            section=section,
            what=f"retour / {name} {versions[name]}",
            value=f"{1 / ours.wall:,.0f}/s",
            against=f"{1 / theirs.wall:,.0f}/s",
            ratio=str(faster),
            aim=f"at least {AIM:g} ×, floor {FLOOR:g} ×",
            met=faster.median >= AIM,
        )
        yield Row(
            section=section,
            what=f"processor time, retour / {name} {versions[name]}",
            value=duration(ours.cpu),
            against=duration(theirs.cpu),
            ratio=str(ours.cpu_ratio(theirs)),
        )
