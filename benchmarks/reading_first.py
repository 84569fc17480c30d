"""What it costs to read a payment's books before its refund: `desk.refund` from the click to what is stored as paid,
and beside it the same with a provider that never reads them."""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from itertools import count
from typing import Any

import attrs

from benchmarks.databases import NewDatabase
from benchmarks.orders import one_product
from benchmarks.partner import Partner
from benchmarks.recording import STAFF
from benchmarks.refund_client import AMOUNT
from benchmarks.refund_provider import provider_class
from benchmarks.rounds import Contestant, Timings, interleave
from benchmarks.scale import Scale
from benchmarks.table import Part, Row, duration
from retour import MemoryShop, Mode, Money, Order, Payment, ReturnDesk, hookimpl
from retour.providers import Refundable, Support, WebhookTrust

_PROVIDERS = ("mollie", "paypal", "stripe")
_READS, _BLIND = "reads first", "never reads"


def reading_first(database: str, new: NewDatabase, scale: Scale) -> Part:
    """Each provider, one after the other."""
    section = f"A refund from the click to its outcome, {database}"
    rows = [row for name in _PROVIDERS for row in _provider(section, name, new, scale)]
    return Part(rows=tuple(rows), notes=(_NOTE,) if database == "SQLite" else ())


_NOTE = (
    "**A refund from the click to its outcome** is `desk.refund`, which reads the payment's books, decides, commits, "
    "sends the refund and commits what became of it. The other desk has the same provider with what reads the books "
    "taken out: it believes what the shop stored. Each payment is refunded once. The sandbox answers at once from "
    "another process, so on the way to a real provider each call more is a round trip more. Calls are counted there; "
    "PayPal's have one for an access token in each round."
)


def _provider(section: str, name: str, new: NewDatabase, scale: Scale) -> Iterator[Row]:
    with ExitStack() as stack:
        sandbox = stack.enter_context(Partner("benchmarks.refund_sandbox", name))
        settings = {name: sandbox.ask()["settings"]}
        numbers = count()
        refunding: dict[str, _Refunding] = {}
        for label, plugin in ((_READS, name), (_BLIND, _without_books(name))):
            shop = MemoryShop()
            store = new(f"{name}_{label.replace(' ', '_')}")
            desk = ReturnDesk(shop=shop, store=store, plugins=[plugin], settings=settings)
            stack.callback(desk.close)
            refunding[label] = _Refunding(name, sandbox, shop, desk, numbers, scale.refunds)
        timings = _timed(refunding, scale)
    yield from _rows(section, name, timings, refunding)


def _timed(refunding: Mapping[str, _Refunding], scale: Scale) -> Mapping[str, Timings]:
    contestants: dict[str, Contestant] = {label: one.round for label, one in refunding.items()}
    return interleave(contestants, rounds=scale.refund_rounds)


@attrs.define
class _Refunding:
    """A desk that refunds new payments in each round. ``calls`` are those that the provider got per refund."""

    provider: str
    sandbox: Partner
    shop: MemoryShop
    desk: ReturnDesk
    numbers: Iterator[int]
    refunds: int
    calls: list[float] = attrs.field(factory=list)

    def round(self, _: int) -> int:
        """Refund each of a round's payments, which are in new books, and be sure that each went back once."""
        paid = self.sandbox.ask(new_books=True, pay=self.refunds, amount=AMOUNT)
        orders = [self._order(reference) for reference in paid["references"]]
        self.shop.orders = {order.id: order for order in orders}
        for order in orders:
            payment = order.payments[0]
            self.desk.refund(order.id, payment.id, payment.captured, by=STAFF, request_id=f"refund-{order.id}")
        after = self.sandbox.ask(refunds=True)
        if after["refunds"] != [1] * self.refunds:
            raise AssertionError(f"not every payment at {self.provider} was refunded once: {after['refunds']}")
        self.calls.append((after["requests"] - paid["requests"]) / self.refunds)
        return self.refunds

    def _order(self, reference: str) -> Order:
        payment = Payment(provider=self.provider, reference=reference, captured=Money.of(AMOUNT, "EUR"), mode=Mode.TEST)
        return attrs.evolve(one_product(next(self.numbers)), payments=(payment,))


def _without_books(name: str) -> object:
    """A plugin with the provider that refunds what the shop stored, and asks nothing before."""
    reading: Any = provider_class(name)

    class NeverReads(reading):  # type: ignore[misc]  # which class it is, the name says
        capabilities = attrs.evolve(
            reading.capabilities,
            refundable=Support.NOT_YET,
            list_refunds=Support.NOT_YET,
            webhooks=WebhookTrust.NONE,
        )

        def refundable(self, payment: Payment) -> Refundable:
            return Refundable(target=payment.reference, remaining=payment.captured, possible=True)

    class Plugin:
        @hookimpl
        def payment_providers(self) -> list[Any]:
            return [NeverReads]

    return Plugin()


def _rows(
    section: str, name: str, timings: Mapping[str, Timings], refunding: Mapping[str, _Refunding]
) -> Iterator[Row]:
    display, reads, blind = provider_class(name).display_name, timings[_READS], timings[_BLIND]
    yield Row(
        section=section,
        what=f"{display}, reads first / never reads",
        value=duration(reads.wall),
        against=duration(blind.wall),
        ratio=str(reads.wall_ratio(blind)),
    )
    yield Row(
        section=section,
        what=f"processor time, {display}, reads first / never reads",
        value=duration(reads.cpu),
        against=duration(blind.cpu),
        ratio=str(reads.cpu_ratio(blind)),
    )
    calls = [statistics.median(refunding[label].calls) for label in (_READS, _BLIND)]
    yield Row(section=section, what=f"calls per refund, {display}", value=f"{calls[0]:.2f}", against=f"{calls[1]:.2f}")
