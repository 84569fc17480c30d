"""What making and cancelling one label costs: ours, beside ``requests`` with the same bytes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from itertools import count
from typing import Any

import attrs

from benchmarks.beside_requests import BARE, OURS, rows_beside
from benchmarks.partner import Partner
from benchmarks.rounds import Timing, Turn, take_turns
from benchmarks.scale import Scale
from benchmarks.table import Part, duration

CALLS: Mapping[str, int] = {"create_label": 1, "cancel_label": 2}
"""What is called, and how many requests that is: what became of a cancellation has to be read."""

_NOTE = (
    "**A label call** is `provider.create_label(request)` or `provider.cancel_label(reference, parcel)` of Sendcloud, "
    "from the value to the value, over a connection that is kept. A label is cancelled by two requests, of which the "
    "second reads what became of it. **requests** sends the same bytes, made beforehand, and reads the JSON of each "
    "answer, in a session as one makes it and at its best, as for a refund call. Each is a process of its own, and so "
    "is the sandbox."
)


def label_calls(scale: Scale) -> Part:
    """Both calls, one after the other."""
    parts = [_call(call, requests, scale) for call, requests in CALLS.items()]
    return Part(
        rows=tuple(row for part in parts for row in part.rows),
        notes=(_NOTE, *[note for part in parts for note in part.notes]),
    )


@attrs.frozen
class _Bench:
    """A sandbox in another process, and a call that is made there, each time about another label."""

    sandbox: Partner
    call: str
    numbers: Iterator[int] = attrs.field(factory=count)

    def labels(self, labels: int) -> list[str]:
        """Ids for labels that are to be made, or names of such as are to be cancelled, in new books."""
        if self.call == "create_label":
            self.sandbox.ask(new_books=True)
            return [f"lb{next(self.numbers):026d}" for _ in range(labels)]
        references: list[str] = self.sandbox.ask(new_books=True, labels=labels)["references"]
        return references

    def turn(self, client: Partner, labels: int) -> Turn:
        def turn(_: int) -> Timing:
            about = self.labels(labels)
            client.ask(call=self.call, about=about)
            taken = client.ask(send=True)
            self.check(about)
            return Timing(wall=taken["wall"], cpu=taken["cpu"])

        return turn

    def check(self, about: list[str]) -> None:
        """Every label was made once, or every one is being cancelled."""
        books = self.sandbox.ask()
        if self.call == "create_label":
            right = sorted(books["ids"]) == sorted(about)
        else:
            right = books["told"] == {"cancelling": len(about)}
        if not right:
            raise AssertionError(f"{self.call} was not done once for each of {about}: {books}")


def _call(call: str, requests: int, scale: Scale) -> Part:
    with ExitStack() as stack:
        bench = _Bench(stack.enter_context(Partner("benchmarks.label_sandbox")), call)
        settings = bench.sandbox.ask()["settings"]
        clients: dict[str, Partner] = {}
        versions = {}
        for name in (OURS, *BARE):
            clients[name] = stack.enter_context(Partner("benchmarks.label_client", name))
            versions[name] = clients[name].ask(connect=settings)["version"]
        _check_bytes(bench, clients, requests)
        before = bench.sandbox.ask()["cpu"]
        turns = {name: bench.turn(client, scale.refunds) for name, client in clients.items()}
        timings = take_turns(turns, rounds=scale.refund_rounds)
        spent = bench.sandbox.ask()["cpu"] - before
    section = f"One {call}, Sendcloud"
    rows = [row for other in BARE for row in rows_beside(section, timings, other, versions[other])]
    calls = (1 + scale.refund_rounds) * scale.refunds * len(clients)
    return Part(
        rows=tuple(rows),
        notes=(f"The sandbox of Sendcloud takes {duration(spent / calls)} of processor time per `{call}`.",),
    )


def _check_bytes(bench: _Bench, clients: Mapping[str, Partner], requests: int) -> None:
    """What ``requests`` alone sends must be what ours sends, byte for byte: all do the same once, each in new books."""
    sent: dict[str, Any] = {}
    same = [f"lb{next(bench.numbers):026d}"]
    for name in (OURS, *BARE):
        about = bench.labels(1) if bench.call == "cancel_label" else same
        if bench.call == "create_label":
            bench.sandbox.ask(new_books=True)
        clients[name].ask(call=bench.call, about=about)
        clients[name].ask(send=True)
        bench.check(about)
        sent[name] = bench.sandbox.ask(last=requests)["last"]
    for name in BARE:
        if sent[name] != sent[OURS] or len(sent[name]) != requests:
            raise AssertionError(f"{name} does not send what ours sends:\n{sent[name]}\n{sent[OURS]}")
