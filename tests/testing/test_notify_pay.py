"""Notify Pay behind a desk: what it answers is no outcome, and every outcome is one that its notifications tell."""

from __future__ import annotations

import datetime
from collections.abc import Iterator
from typing import Any

import attrs
import pytest
from notify_pay import NotifyPay, NotifyPaySandbox

from retour import Actor, InvalidWebhook, MemoryShop, Mode, Money, Refund, ReturnDesk, hookimpl
from retour.sandbox import Fault, SandboxWebhook
from retour.testing import a_line, a_payment, an_order

ANNA = Actor.staff("anna")
PAID = Money.of("20.00", "EUR")
TWO_DAYS = datetime.timedelta(days=2)


class NotifyPlugin:
    name = "notifypay"

    @hookimpl
    def payment_providers(self) -> list[type[Any]]:
        return [NotifyPay]


@attrs.define
class Shop:
    """A shop with one order, paid at Notify Pay."""

    sandbox: NotifyPaySandbox
    desk: ReturnDesk
    payment: str

    def refund(self) -> Refund:
        self.desk.refund("1001", self.payment, PAID, by=ANNA, request_id="one")
        return self.refunded

    @property
    def refunded(self) -> Refund:
        [refund] = self.desk.dossier("1001").refunds.values()
        return refund

    def receive(self, *webhooks: SandboxWebhook) -> None:
        for webhook in webhooks:
            self.desk.receive_webhook("notifypay", webhook.headers, webhook.body, mode=Mode.TEST)


@pytest.fixture
def shop() -> Iterator[Shop]:
    with NotifyPaySandbox() as sandbox:
        reference = sandbox.pay(PAID)
        paid = a_payment("20.00", provider="notifypay", reference=reference, mode=Mode.TEST)
        desk = ReturnDesk(
            shop=MemoryShop([an_order(a_line("cup", 1), payments=[paid])]),
            store="sqlite://",
            plugins=[NotifyPlugin()],
            settings={"notifypay": sandbox.settings},
            clock=sandbox.clock.now,
        )
        sandbox.take_webhooks()
        yield Shop(sandbox, desk, reference)
        desk.close()


def test_received_is_pending_until_a_notification_tells_more(shop: Shop) -> None:
    assert shop.refund().state == "pending"
    shop.sandbox.advance(TWO_DAYS)
    assert shop.refunded.state == "pending"
    shop.receive(*shop.sandbox.take_webhooks())
    assert shop.refunded.state == "succeeded"


def test_what_the_bank_sends_back_is_told_after_it_was_paid(shop: Shop) -> None:
    reference = shop.refund().reference
    shop.sandbox.advance(TWO_DAYS)
    shop.sandbox.fail(reference)
    [both] = shop.sandbox.take_webhooks()
    shop.receive(both, both)
    assert shop.refunded.state == "reversed"


def test_the_failure_counts_also_where_the_success_comes_after_it(shop: Shop) -> None:
    reference = shop.refund().reference
    shop.sandbox.advance(TWO_DAYS)
    paid = shop.sandbox.take_webhooks()
    shop.sandbox.fail(reference)
    shop.receive(*shop.sandbox.take_webhooks(), *paid)
    assert shop.refunded.state in ("failed", "reversed")


def test_a_notification_that_is_signed_wrongly_changes_nothing(shop: Shop) -> None:
    reference = shop.refund().reference
    shop.sandbox.advance(TWO_DAYS)
    with pytest.raises(InvalidWebhook, match="webhook_key"):
        shop.receive(shop.sandbox.with_spoilt_signature(shop.sandbox.webhook_about(reference)))
    assert shop.refunded.state == "pending"


def test_a_lost_answer_pays_once_and_the_notification_finds_its_refund(shop: Shop) -> None:
    shop.sandbox.server.faults.append(Fault.CUT_AFTER)
    assert shop.refund().state == "unknown"
    shop.sandbox.advance(TWO_DAYS)
    shop.receive(*shop.sandbox.take_webhooks())
    assert shop.refunded.state == "succeeded"
    assert [one.reference for one in shop.sandbox.books(shop.payment)] == [shop.refunded.reference]
