"""Whole returns side by side: per second, from the start of a process, and what they cost retour where."""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TypeVar

import attrs
from sqlalchemy import Engine, column, select, table

from benchmarks.databases import NewDatabase, settle
from benchmarks.partner import Partner
from benchmarks.refund_calls import SDKS
from benchmarks.rounds import Timing, Timings, Turn, take_turns
from benchmarks.scale import Scale
from benchmarks.table import Part, Row, duration
from benchmarks.whole_return.shop import check_shop, open_shop, three_products
from retour import Order

_Found = TypeVar("_Found")

AIM, FLOOR = 2.0, 1.2
"""Retour's returns per second, as times those of hand-written Django: what is aimed at, and what must be."""

START_AIM = 0.15
"""Seconds from the start of a process to its first return, above importing SQLAlchemy and connecting."""

RETOUR, TWO_PRESSES, CORE, DJANGO, CONNECTING = "retour", "two presses", "Core", "Django", "import and connect"


@attrs.frozen(kw_only=True)
class Host:
    """How a partner is started, and which table has a row for each return. One that is ``safe`` can be asked twice.
    ``environment`` is that which `make sdks` makes for it; one without runs in ours."""

    module: str
    returns: str
    safe: bool
    environment: str = ""

    @property
    def there(self) -> bool:
        """Whether it can be started."""
        return not self.environment or (SDKS / self.environment / "ready").exists()

    @property
    def python(self) -> Path:
        """The interpreter that runs it."""
        return SDKS / self.environment / "bin" / "python" if self.environment else Path(sys.executable)


HOSTS = {
    RETOUR: Host(module="retour_host", returns="retour_return", safe=True),
    TWO_PRESSES: Host(module="two_presses", returns="retour_return", safe=True),
    CORE: Host(module="core_host", returns="hand_return", safe=True),
    DJANGO: Host(module="django_host", returns="shop_return", safe=False, environment="django"),
}


@attrs.define(kw_only=True)
class _Contestant:
    """A partner on a database of its own, and the orders that it has given back there."""

    host: Host
    engine: Engine
    version: str = ""
    returned: list[Order] = attrs.field(factory=list)

    def started(self) -> Partner:
        return _started(self.host.module, self.engine, self.host.python)

    def give_back(self, partner: Partner, orders: Sequence[Order], how: str = "timed") -> dict[str, float]:
        """Have orders given back whose payments the partner's provider has; gives its answer."""
        self.returned += orders
        answered: dict[str, float] = partner.ask(**{how: [order.id for order in orders]})
        return answered

    def by_turns(self, partner: Partner, orders: Sequence[Order], returns: int) -> Turn:
        """As many returns in each turn, in a process that goes on."""

        def turn(number: int) -> Timing:
            first = number * returns
            taken = self.give_back(partner, orders[first : first + returns])
            return Timing(wall=taken["wall"], cpu=taken["cpu"])

        return turn

    def from_the_start(self, orders: Sequence[Order]) -> Turn:
        """A process in each turn, for one return."""

        def turn(number: int) -> Timing:
            order = orders[number]
            began = time.perf_counter()
            with self.started() as partner:
                partner.ask(pay=payments_of([order]))
                life = self.give_back(partner, [order])["life"]
                wall = time.perf_counter() - began
                _check_books(self.host.module, partner, [order])
            return Timing(wall=wall, cpu=life)

        return turn


def whole_return(database: str, new: NewDatabase, scale: Scale) -> Part:
    """Every partner on a database of its own, with the same orders, by turns."""
    numbers = iter(range(10**9))

    def new_orders(count: int) -> list[Order]:
        return [three_products(next(numbers)) for _ in range(count)]

    timed = new_orders((1 + scale.whole_rounds) * scale.whole_returns)
    first, sampled, counted = new_orders(1 + scale.whole_starts), new_orders(scale.whole_samples), new_orders(1)
    contestants = {name: _Contestant(host=host, engine=new(host.module)) for name, host in HOSTS.items() if host.there}
    with ExitStack() as stack:
        partners: dict[str, Partner] = {}
        for name, one in contestants.items():
            open_shop(one.engine, [*timed, *first, *sampled, *counted])
            settle(one.engine)
            partners[name] = stack.enter_context(one.started())
            one.version = partners[name].ask(tables=True)["version"]
            partners[name].ask(pay=payments_of([*timed, *sampled, *counted]))
        turns = {name: one.by_turns(partners[name], timed, scale.whole_returns) for name, one in contestants.items()}
        timings = take_turns(turns, rounds=scale.whole_rounds)
        costs = {name: one.give_back(partners[name], counted, "counted") for name, one in contestants.items()}
        rooms = contestants[RETOUR].give_back(partners[RETOUR], sampled, "sampled")
        for name, one in contestants.items():
            if one.host.safe:  # all of it again, and nothing happens
                partners[name].ask(timed=[order.id for order in one.returned[:2]])
            _check_books(name, partners[name], one.returned)
        starts = take_turns(
            {
                CONNECTING: _connecting(contestants[RETOUR].engine),
                **{name: one.from_the_start(first) for name, one in contestants.items()},
            },
            rounds=scale.whole_starts,
        )
    for name, one in contestants.items():
        _check_host(name, one)
    versions = {name: one.version for name, one in contestants.items()}
    return Part(
        rows=(
            *_rate_rows(database, timings, versions),
            *_start_rows(database, starts),
            *_cost_rows(database, costs),
            *_room_rows(database, rooms, timings[RETOUR].cpu),
        ),
    )


def _started(module: str, engine: Engine, python: Path = Path(sys.executable)) -> Partner:
    url = engine.url.render_as_string(hide_password=False)
    return Partner(f"benchmarks.whole_return.{module}", url, python=python)


def _connecting(engine: Engine) -> Turn:
    """A process in each turn, that does no more than everybody has to."""

    def turn(_: int) -> Timing:
        began = time.perf_counter()
        with _started("connecting", engine) as partner:
            life = partner.ask()["life"]
            return Timing(wall=time.perf_counter() - began, cpu=life)

    return turn


def payments_of(orders: Sequence[Order]) -> dict[str, int]:
    """What the orders' customers paid, in minor units, by reference."""
    return {one.reference: one.captured.minor for order in orders for one in order.payments}


# --- the checks ------------------------------------------------------------------------------------------


def _check_books(name: str, partner: Partner, orders: Sequence[Order]) -> None:
    """Every payment must have been refunded in full, once."""
    paid = payments_of(orders)
    refunds = partner.ask(books=list(paid))["refunds"]
    if refunds != [[captured] for captured in paid.values()]:
        raise AssertionError(f"{name}: not every payment was refunded in full, once: {refunds}")


def _check_host(name: str, contestant: _Contestant) -> None:
    """Each order must have come back once: it is returned, has its return, and its goods are in stock."""
    orders = contestant.returned
    check_shop(name, contestant.engine, orders)
    query = select(column("order_id")).select_from(table(contestant.host.returns))
    with contestant.engine.connect() as connection:
        returns = connection.execute(query).scalars().all()
    if sorted(returns) != sorted(order.id for order in orders):
        raise AssertionError(f"{name}: not every order has one return: {returns}")


# --- the rows --------------------------------------------------------------------------------------------


def _rate_rows(database: str, timings: Mapping[str, Timings], versions: Mapping[str, str]) -> Iterator[Row]:
    section, ours = f"A whole return, {database}", timings[RETOUR]
    for name, theirs in _others(timings):
        faster = theirs.wall_ratio(ours)
        yield Row(
            section=section,
            what=f"retour / {name} {versions[name]}".rstrip(),
            value=f"{1 / ours.wall:,.0f}/s",
            against=f"{1 / theirs.wall:,.0f}/s",
            ratio=str(faster),
            aim=f"at least {AIM:g} × (floor {FLOOR:g})" if name == DJANGO else "",
            met=faster.median >= AIM if name == DJANGO else None,
        )
    for name, theirs in _others(timings):
        yield Row(
            section=section,
            what=f"processor time, retour / {name} {versions[name]}".rstrip(),
            value=duration(ours.cpu),
            against=duration(theirs.cpu),
            ratio=str(ours.cpu_ratio(theirs)),
        )
    if DJANGO not in timings:
        yield Row(section=section, what="skipped: Django is not there (make sdks)")


def _start_rows(database: str, starts: Mapping[str, Timings]) -> Iterator[Row]:
    section, least = f"From its start to the first return, {database}", starts[CONNECTING]
    for name, timings in starts.items():
        if name != CONNECTING:
            above = statistics.median(
                mine.wall - others.wall for mine, others in zip(timings.rounds, least.rounds, strict=True)
            )
            yield Row(
                section=section,
                what=f"{name} / {CONNECTING}",
                value=f"{timings.wall:.2f} s",
                against=f"{least.wall:.2f} s",
                ratio=f"{above:+.2f} s",
                aim=f"at most +{START_AIM:g} s" if name == RETOUR else "",
                met=above <= START_AIM if name == RETOUR else None,
            )
    for name, timings in starts.items():
        if name != CONNECTING:
            above = statistics.median(
                mine.cpu - others.cpu for mine, others in zip(timings.rounds, least.rounds, strict=True)
            )
            yield Row(
                section=section,
                what=f"processor time, {name} / {CONNECTING}",
                value=f"{timings.cpu:.2f} s",
                against=f"{least.cpu:.2f} s",
                ratio=f"{above:+.2f} s",
                aim=f"at most +{START_AIM:g} s" if name == RETOUR else "",
                met=above <= START_AIM if name == RETOUR else None,
            )


def _cost_rows(database: str, costs: Mapping[str, Mapping[str, float]]) -> Iterator[Row]:
    section, ours = f"What a whole return sends, {database}", costs[RETOUR]
    for what in ("statements", "transactions", "commits"):
        for name, theirs in _others(costs):
            if what in theirs:
                yield Row(
                    section=section,
                    what=f"{what}, retour / {name}",
                    value=f"{ours[what]:,.0f}",
                    against=f"{theirs[what]:,.0f}",
                )
    yield Row(section=section, what="statements of the host itself, retour", value=f"{ours['host']:,.0f}")
    yield Row(section=section, what="reads of the order, retour", value=f"{ours['reads of the order']:,.0f}")


def _room_rows(database: str, rooms: Mapping[str, float], cpu: float) -> Iterator[Row]:
    samples = sum(rooms.values())
    for room, found in sorted(rooms.items(), key=lambda one: -one[1]):
        yield Row(
            section=f"Where retour spends it, {database}",
            what=room,
            value=duration(found / samples * cpu),
            ratio=f"{found / samples:.0%}",
        )


def _others(given: Mapping[str, _Found]) -> Iterator[tuple[str, _Found]]:
    """What was found of all but retour."""
    return ((name, found) for name, found in given.items() if name != RETOUR)
