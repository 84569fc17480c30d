"""A label from the order for it to its parcel's delivery: a desk with its store, beside the same requests alone."""

from __future__ import annotations

import statistics
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from itertools import count
from typing import Any

import attrs
from sqlalchemy import Engine

from benchmarks.databases import NewDatabase
from benchmarks.label_client import BOX, CREATE, CUSTOMER, FETCH, SHOP
from benchmarks.orders import one_product
from benchmarks.partner import Partner
from benchmarks.recording import STAFF
from benchmarks.rounds import Timing, Timings, Turn, take_turns
from benchmarks.scale import Scale
from benchmarks.table import Part, Row, duration
from retour import LabelOption, MemoryShop, ParcelState, ReturnDesk

_OPTION = LabelOption(code="postnl:standard/return", name="PostNL return", carrier="postnl", contract="101")

_PARCEL = attrs.evolve(BOX, items=[attrs.evolve(item, line_id="1") for item in BOX.items])
"""With the line of an order of one product in it."""

_BARE = ("requests", "requests at its best")


def label_flow(database: str, new: NewDatabase, scale: Scale) -> Part:
    """The desk and the bare requests by turns, each time with labels of their own in new books."""
    with ExitStack() as stack:
        sandbox = stack.enter_context(Partner("benchmarks.label_sandbox"))
        bench = _Bench(engine=new("store"), sandbox=sandbox, labels=scale.refunds)
        turns: dict[str, Turn] = {"retour": bench.with_a_desk}
        versions = {}
        for name in _BARE:
            client = stack.enter_context(Partner("benchmarks.label_client", name))
            versions[name] = client.ask(connect=bench.settings)["version"]
            turns[name] = bench.alone(client)
        timings = take_turns(turns, rounds=scale.refund_rounds)
    return Part(rows=tuple(_rows(database, bench, timings, versions)), notes=(_note(database, bench),))


@attrs.define
class _Bench:
    """A sandbox of Sendcloud in another process, and so many labels a turn. ``steps`` are the seconds of each step of a
    desk, per label, of each turn."""

    engine: Engine
    sandbox: Partner
    labels: int
    steps: dict[str, list[float]] = attrs.field(factory=lambda: defaultdict(list))
    webhooks: float = 0
    numbers: Iterator[int] = attrs.field(factory=count)

    @property
    def settings(self) -> dict[str, Any]:
        """Those with which the sandbox is reached."""
        settings: dict[str, Any] = self.sandbox.ask()["settings"]
        return settings

    def with_a_desk(self, _: int) -> Timing:
        """Order labels, hear that they are ready, show them, hear that their parcels were delivered. The sandbox names
        its labels anew in each turn, so a turn is a shop of its own in the store."""
        orders = [one_product(next(self.numbers)) for _ in range(self.labels)]
        desk = ReturnDesk(
            shop=MemoryShop(orders),
            store=self.engine,
            plugins=["sendcloud"],
            settings={"sendcloud": self.settings},
            shop_id=f"shop-{next(self.numbers)}",
            return_address=SHOP,
        )
        returns = {
            one.id: desk.request_return(one.id, {"1": 1}, by=STAFF, request_id="return").return_id for one in orders
        }
        self.sandbox.ask(new_books=True)
        spent = _Spent(self.labels)

        def order() -> list[str]:
            made = [
                desk.order_label(
                    order_id,
                    return_id,
                    _OPTION,
                    sender=CUSTOMER,
                    parcel=_PARCEL,
                    by=STAFF,
                    request_id="label",
                )
                for order_id, return_id in returns.items()
            ]
            return [str(one.label_id) for one in made]

        def hear(told: Sequence[tuple[dict[str, str], bytes]]) -> None:
            for headers, body in told:
                desk.receive_webhook("sendcloud", headers, body)

        labels = dict(zip(returns, spent.on("order_label", order), strict=True))
        ready = self._announced()
        spent.on("its webhooks, until it is ready", lambda: hear(ready))
        spent.on(
            "label_document",
            lambda: [desk.label_document(order_id, label_id, by=STAFF) for order_id, label_id in labels.items()],
        )
        references = [desk.dossier(order_id).label(label_id).reference for order_id, label_id in labels.items()]
        delivered = _webhooks(self.sandbox.ask(deliver=references))
        spent.on("its webhook, when the parcel is delivered", lambda: hear(delivered))
        self._check(desk, labels)
        desk.close()
        self.webhooks = (len(ready) + len(delivered)) / self.labels
        for step, seconds in spent.steps.items():
            self.steps[step].append(seconds)
        return Timing(wall=sum(spent.steps.values()), cpu=spent.cpu)

    def alone(self, client: Partner) -> Turn:
        """The two requests of each label, and nothing else: make it, and fetch its document."""

        def turn(_: int) -> Timing:
            self.sandbox.ask(new_books=True)
            ids = [f"lb{next(self.numbers):026d}" for _ in range(self.labels)]
            client.ask(call=CREATE, about=ids)
            made = client.ask(send=True)
            self._announced()
            parcels = self.sandbox.ask()["parcels"]
            client.ask(call=FETCH, about=parcels)
            fetched = client.ask(send=True)
            if sorted(self.sandbox.ask()["ids"]) != sorted(ids):
                raise AssertionError(f"not every label was made once: {ids}")
            return Timing(wall=made["wall"] + fetched["wall"], cpu=made["cpu"] + fetched["cpu"])

        return turn

    def _announced(self) -> list[tuple[dict[str, str], bytes]]:
        return _webhooks(self.sandbox.ask(announce=True))

    def _check(self, desk: ReturnDesk, labels: Mapping[str, str]) -> None:
        """Every label was made once, and every parcel is delivered in the store."""
        if sorted(self.sandbox.ask()["ids"]) != sorted(labels.values()):
            raise AssertionError(f"not every label was made once: {labels}")
        for order_id, label_id in labels.items():
            progress = desk.dossier(order_id).label(label_id).progress
            if progress is not ParcelState.DELIVERED:
                raise AssertionError(f"the parcel of label {label_id} of order {order_id} is {progress}")


@attrs.define
class _Spent:
    """What the steps of a turn took, per label."""

    labels: int
    steps: dict[str, float] = attrs.field(factory=dict)
    cpu: float = 0

    def on(self, step: str, work: Callable[[], Any]) -> Any:
        """Do a step's work for all labels, and keep what it took."""
        wall, cpu = time.perf_counter(), time.process_time()
        done = work()
        self.steps[step] = (time.perf_counter() - wall) / self.labels
        self.cpu += (time.process_time() - cpu) / self.labels
        return done


def _webhooks(said: Mapping[str, Any]) -> list[tuple[dict[str, str], bytes]]:
    return [(headers, body.encode()) for headers, body in said["webhooks"]]


def _rows(database: str, bench: _Bench, timings: Mapping[str, Timings], versions: Mapping[str, str]) -> Iterator[Row]:
    section = f"A label until its parcel is delivered, {database}"
    ours = timings["retour"]
    for name, version in versions.items():
        alone = timings[name]
        yield Row(
            section=section,
            what=f"the desk / its requests alone, {name} {version}",
            value=duration(ours.wall),
            against=duration(alone.wall),
            ratio=str(ours.wall_ratio(alone)),
        )
        yield Row(
            section=section,
            what=f"processor time, the desk / its requests alone, {name} {version}",
            value=duration(ours.cpu),
            against=duration(alone.cpu),
            ratio=str(ours.cpu_ratio(alone)),
        )
    for step, seconds in bench.steps.items():
        yield Row(section=section, what=step, value=duration(statistics.median(seconds)))


def _note(database: str, bench: _Bench) -> str:
    return (
        f"**A label until its parcel is delivered, {database}**: `desk.order_label` with the label bought at "
        f"Sendcloud's sandbox, `desk.receive_webhook` for each of its {bench.webhooks:.0f} webhooks, and "
        f"`desk.label_document`, all committed: {bench.labels} labels a turn, each of an order of its own, and each "
        "step for all of them before the next. What the sandbox does by itself in between is not timed. **Its requests "
        "alone** are the two that the desk makes for a label, sent by `requests` to the same sandbox: one makes it, "
        "one fetches its document. Every label was made once, and every parcel is delivered in the store."
    )
