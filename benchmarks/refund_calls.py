"""What one refund call costs: ours, beside ``requests`` with the same bytes, and beside the provider's own SDK."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import attrs

from benchmarks.beside_requests import BARE, OURS, rows_beside
from benchmarks.partner import Partner
from benchmarks.refund_client import AMOUNT
from benchmarks.rounds import Timing, Turn, take_turns
from benchmarks.scale import Scale
from benchmarks.table import Part, Row, duration

SDKS = Path(__file__).parent.parent / ".sdks"
"""Where `make sdks` puts the environments."""

_PROVIDERS = {
    "Mollie": ("mollie-api-python", "mollie-api-py"),
    "PayPal": ("paypal-server-sdk",),
    "Stripe": ("stripe",),
}


def refund_calls(scale: Scale) -> Part:
    """Every provider, one after the other."""
    parts = [_provider(name, sdks, scale) for name, sdks in _PROVIDERS.items()]
    return Part(
        rows=tuple(row for part in parts for row in part.rows),
        notes=(_NOTE, *[note for part in parts for note in part.notes]),
    )


_NOTE = (
    "**A refund call** is `provider.refund(request)`, from the value to the value, over a connection that is kept. "
    "**requests** posts the bytes that ours would send, which are made beforehand, and reads the JSON of the answer: "
    "in a session as one makes it, and at its best, told not to search the environment and files for proxies and "
    "passwords for each call, which ours does not do either. An **SDK** makes the same refund, its arguments made "
    "beforehand. Each is a process of its own, and so is the sandbox: its time is in that on the clock, for all alike, "
    "and not in the processor time. A ratio has the middle half of the rounds behind it."
)


@attrs.frozen
class _Sandbox:
    """A provider's sandbox in another process, with the payments that are refunded in it, each once."""

    partner: Partner
    numbers: Iterator[int]

    def payments(self, count: int) -> list[tuple[str, int]]:
        """New payments, each with a number for its refund."""
        paid = self.partner.ask(pay=count, amount=AMOUNT)["references"]
        return [(reference, next(self.numbers)) for reference in paid]


def _provider(name: str, sdks: Sequence[str], scale: Scale) -> Part:
    section = f"One refund call, {name}"
    missing = [sdk for sdk in sdks if not (SDKS / sdk / "ready").exists()]
    with ExitStack() as stack:
        sandbox = _Sandbox(stack.enter_context(Partner("benchmarks.refund_sandbox", name.lower())), iter(range(10**9)))
        clients: dict[str, Partner] = {}
        versions = {}
        settings = sandbox.partner.ask()["settings"]
        for client in (OURS, *BARE, *[sdk for sdk in sdks if sdk not in missing]):
            python = SDKS / client / "bin" / "python" if client in sdks else sys.executable
            partner = Partner("benchmarks.refund_client", client, name.lower(), python=python)
            clients[client] = stack.enter_context(partner)
            versions[client] = partner.ask(connect=settings)["version"]
        _check_bytes(sandbox, clients)
        before = sandbox.partner.ask(refunds=True)
        turns = {client: _turn(sandbox, partner, scale) for client, partner in clients.items()}
        timings = take_turns(turns, rounds=scale.refund_rounds)
        after = sandbox.partner.ask(refunds=True)
    made = after["refunds"][len(before["refunds"]) :]
    if made != [1] * (1 + scale.refund_rounds) * scale.refunds * len(clients):
        raise AssertionError(f"not every payment at {name} was refunded once: {made}")
    rows = [row for other in timings if other != OURS for row in rows_beside(section, timings, other, versions[other])]
    rows += [Row(section=section, what=f"skipped: {sdk} is not there (make sdks)") for sdk in missing]
    spent = duration((after["cpu"] - before["cpu"]) / len(made))
    return Part(rows=tuple(rows), notes=(f"The sandbox of {name} takes {spent} of processor time per refund.",))


def _turn(sandbox: _Sandbox, client: Partner, scale: Scale) -> Turn:
    def turn(_: int) -> Timing:
        client.ask(prepare_refunds=sandbox.payments(scale.refunds))
        taken = client.ask(send=True)
        return Timing(wall=taken["wall"], cpu=taken["cpu"])

    return turn


def _check_bytes(sandbox: _Sandbox, clients: Mapping[str, Partner]) -> None:
    """What ``requests`` alone sends must be what ours sends, byte for byte: all send the same refund once."""
    same = sandbox.payments(1)
    sent: dict[str, Any] = {}
    for name in (OURS, *BARE):
        clients[name].ask(prepare_refunds=same)
        clients[name].ask(send=True)
        sent[name] = sandbox.partner.ask(last=1)["last"]
    for name in BARE:
        if sent[name] != sent[OURS]:
            raise AssertionError(f"{name} does not send what ours sends:\n{sent[name]}\n{sent[OURS]}")
