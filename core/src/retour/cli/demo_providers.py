"""The providers of the demo, each played by its sandbox."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import ExitStack
from typing import Any

import attrs

from retour.cli.sandbox_command import AnySandbox
from retour.desk import ReturnDesk
from retour.model.order import Mode, Order, Payment
from retour.sandbox import BookedLabel, HasPortal, PaymentSandbox, SandboxClock, ShippingSandbox


@attrs.define(kw_only=True)
class Providers:
    """The providers of the demo, each played by its sandbox, from ``with`` until its end, and the one clock of them all
    and of the shop.

    A payment provider that has none is only linked to; of a shipping provider without one there is no label. Payments
    in live mode are at no sandbox: the demo's keys are test keys.
    """

    kinds: Mapping[str, type[AnySandbox]]
    clock: SandboxClock = attrs.field(factory=SandboxClock.of_shop)
    payments: dict[str, PaymentSandbox] = attrs.field(factory=dict)
    parcels: dict[str, ShippingSandbox] = attrs.field(factory=dict)
    portals: dict[str, HasPortal] = attrs.field(factory=dict)
    _paid: set[tuple[str, str]] = attrs.field(factory=set)
    _open: ExitStack = attrs.field(factory=ExitStack)

    def __enter__(self) -> Providers:
        with ExitStack() as opening:
            for name, kind in self.kinds.items():
                sandbox: Any = kind(clock=self.clock)
                opening.enter_context(sandbox)
                if isinstance(sandbox, HasPortal):
                    self.portals[name] = sandbox
                if isinstance(sandbox, ShippingSandbox):
                    self.parcels[name] = sandbox
                else:
                    self.payments[name] = sandbox
            self._open = opening.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._open.close()

    def settings(self, provider: str) -> Mapping[str, object]:
        """The settings of an account at a sandbox; nothing where there is no sandbox."""
        sandbox = self.payments.get(provider) or self.parcels.get(provider)
        return {} if sandbox is None else sandbox.settings

    # --- what is paid ------------------------------------------------------------------------------------

    def pay(self, orders: Iterable[Order]) -> None:
        """The customers of these orders have paid. A payment that its provider would not know by this reference, or
        that two orders name, is at no sandbox."""
        seen: set[tuple[str, str]] = set()
        for payment in (one for order in orders for one in order.payments):
            key = (payment.provider, payment.reference)
            sandbox = self.payments.get(payment.provider)
            if key in seen:
                self._paid.discard(key)
            elif sandbox is not None and payment.captured and payment.reference and _testable(payment):
                try:
                    sandbox.pay(payment.captured, reference=payment.reference)
                except ValueError:
                    continue
                finally:
                    seen.add(key)
                self._paid.add(key)

    def at(self, payment: Payment) -> PaymentSandbox | None:
        """The sandbox where a payment is, if it is at one."""
        return self.payments[payment.provider] if (payment.provider, payment.reference) in self._paid else None

    def deliver(self, desk: ReturnDesk, payment: Payment) -> None:
        """Bring the desk the webhooks of a payment's provider."""
        for webhook in self.payments[payment.provider].take_webhooks():
            desk.receive_webhook(
                payment.provider, webhook.headers, webhook.body, account=payment.account, mode=payment.mode
            )

    # --- what travels ------------------------------------------------------------------------------------

    def ship(self, orders: Iterable[Order]) -> None:
        """The parcels of these orders went to their customers, as far as a shipping provider here delivered them. What
        it told of that the shop heard long before anybody thought of a return."""
        for order in orders:
            portal = self.portals.get(order.delivery.provider) if order.delivery is not None else None
            if portal is not None and order.delivery is not None:
                portal.send(order.id, postal_code=order.delivery.postal_code)
        for sandbox in self.parcels.values():
            sandbox.take_webhooks()

    def tell_of_parcels(self, desk: ReturnDesk, provider: str) -> None:
        """Bring the desk the webhooks of a shipping provider."""
        for webhook in self.parcels[provider].take_webhooks():
            desk.receive_webhook(provider, webhook.headers, webhook.body)

    def labels(self) -> Mapping[str, list[BookedLabel]]:
        """All labels that were bought or made, by the own books of each provider that has any."""
        books = {name: list(sandbox.books()) for name, sandbox in self.parcels.items()}
        return {name: labels for name, labels in books.items() if labels}


def _testable(payment: Payment) -> bool:
    return payment.mode is Mode.TEST or payment.provider == "manual_transfer"
