"""A sandbox in a few lines: what is its own is said by its class, and every handle is there."""

from __future__ import annotations

import datetime
import json
from collections.abc import Iterator, Mapping
from http.client import HTTPConnection
from typing import Any, ClassVar

import pytest

from retour.providers import Money, RefundStatus
from retour.sandbox import (
    BookkeepingSandbox,
    ChargesBack,
    Lifecycle,
    NamesPayments,
    PaymentSandbox,
    Refused,
    SandboxRefund,
    SandboxRequest,
    SandboxResponse,
    SandboxWebhook,
    Step,
    TellsOfRefunds,
    spoilt,
)

DAY = datetime.timedelta(days=1)
PAID = Money.of("94.95", "EUR")
PART = Money.of("44.95", "EUR")


class Small(BookkeepingSandbox):
    """A provider that refunds whatever it is asked, and tells the status of it."""

    provider: ClassVar[str] = "small"
    lifecycle: ClassVar[Lifecycle] = Lifecycle(
        statuses={
            "open": RefundStatus.PENDING,
            "done": RefundStatus.SUCCEEDED,
            "failed": RefundStatus.FAILED,
            "cancelled": RefundStatus.CANCELLED,
        },
        way=(Step(status="open"), Step(status="done", after=DAY)),
        cancellable=frozenset({"open"}),
        refusal="account closed",
    )
    said_in_dashboard: ClassVar[Mapping[str, Any]] = {"metadata": {}}

    @property
    def settings(self) -> Mapping[str, object]:
        return {"api_url": self.url}

    def handle(self, request: SandboxRequest) -> SandboxResponse:
        payment = self.ledger.find(request.path.strip("/"))
        if payment is None:
            raise Refused(SandboxResponse(status=404, body={"error": "unknown"}))
        return SandboxResponse(status=200, body={"left": payment.left.minor})

    def tell(self, refund: SandboxRefund) -> None:
        self.untaken.append(SandboxWebhook(headers={}, body=f"{refund.id} {refund.status}".encode()))

    def sign(self, webhook: SandboxWebhook) -> SandboxWebhook:
        return SandboxWebhook(headers={"signature": str(len(webhook.body))}, body=webhook.body)


_: type[PaymentSandbox] = Small


@pytest.fixture
def small() -> Iterator[Small]:
    with Small() as made:
        yield made


def ask(sandbox: Small, path: str) -> tuple[int, Any]:
    connection = HTTPConnection(sandbox.url.removeprefix("http://"), timeout=10)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read())
    finally:
        connection.close()


def test_a_customer_pays_and_its_answers_are_its_own(small: Small) -> None:
    payment = small.pay(PAID)
    assert payment == "pay_00000001"
    small.refund_in_dashboard(payment, PART)
    assert ask(small, f"/{payment}") == (200, {"left": 5000})
    assert ask(small, "/pay_9") == (404, {"error": "unknown"})


def test_a_reference_is_one_that_the_provider_gives_and_is_given_once(small: Small) -> None:
    assert small.pay(PAID, reference="pay_00000001") == "pay_00000001"
    assert small.pay(PAID) == "pay_00000002"
    with pytest.raises(ValueError, match=r"pay_00000002 is there already\."):
        small.pay(PAID, reference="pay_00000002")
    with pytest.raises(ValueError, match="tr_1 is no payment of Small"):
        small.pay(PAID, reference="tr_1")


def test_its_books_say_what_became_of_each_refund_and_whose_it_is(small: Small) -> None:
    payment = small.pay(PAID)
    ours = small.make_refund(small.stored(payment), PART, {"metadata": {"refund_id": "rf_1"}}).id
    small.advance(DAY)
    other = small.refund_in_dashboard(payment, Money.of("1", "EUR"))
    assert [(one.reference, one.status.value, one.refund_id) for one in small.books(payment)] == [
        (ours, "succeeded", "rf_1"),
        (other, "pending", ""),
    ]


def test_a_refund_that_is_hastened_arrives_and_it_is_no_later_for_any_other(small: Small) -> None:
    payment, began = small.pay(PAID), small.clock.now()
    first, _ = (small.refund_in_dashboard(payment, Money.of("1", "EUR")) for _ in range(2))
    small.hasten(first)
    assert [one.status.value for one in small.books(payment)] == ["succeeded", "pending"]
    assert [one.body.decode() for one in small.take_webhooks()][-1] == f"{first} done"
    assert small.clock.now() == began
    small.hasten(first)
    small.advance(DAY)
    assert [one.status.value for one in small.books(payment)] == ["succeeded", "succeeded"]
    with pytest.raises(ValueError, match=r"There is no refund re_9\."):
        small.hasten("re_9")


def test_a_refund_fails_for_the_reason_that_the_bank_gives_and_may_have_succeeded(small: Small) -> None:
    payment = small.pay(PAID)
    refund = small.refund_in_dashboard(payment, PAID)
    small.advance(DAY)
    small.fail(refund)
    assert small.ledger.refunds[refund].reason == "account closed"
    assert small.books(payment)[0].status is RefundStatus.FAILED


def test_a_refund_is_cancelled_as_long_as_it_can_be(small: Small) -> None:
    payment = small.pay(PAID)
    first, second = (small.refund_in_dashboard(payment, Money.of("1", "EUR")) for _ in range(2))
    small.cancel_in_dashboard(first)
    small.advance(DAY)
    with pytest.raises(ValueError, match="too late to cancel it"):
        small.cancel_in_dashboard(second)
    assert [one.status.value for one in small.books(payment)] == ["cancelled", "succeeded"]


def test_every_change_is_told_once_in_order_and_signed_when_it_is_taken(small: Small) -> None:
    refund = small.refund_in_dashboard(small.pay(PAID), PART)
    small.clock.advance(DAY)
    told = small.take_webhooks()
    assert [webhook.body.decode() for webhook in told] == [f"{refund} open", f"{refund} done"]
    assert [webhook.headers["signature"] for webhook in told] == ["16", "16"]
    assert small.take_webhooks() == []


def test_what_a_provider_does_not_do_its_sandbox_has_not(small: Small) -> None:
    for optional in (TellsOfRefunds, ChargesBack, NamesPayments):
        assert not isinstance(small, optional)


@pytest.mark.parametrize("signature", ["0", "1", "t=1700000000,v1=" + "0" * 64, "YWJj"])
def test_a_spoilt_signature_is_another_one_of_the_same_length(signature: str) -> None:
    webhook = SandboxWebhook(headers={"signature": signature, "other": "x"}, body=b"body", url="http://localhost/")
    made = spoilt(webhook, "signature")
    assert made.headers["signature"] != signature
    assert len(made.headers["signature"]) == len(signature)
    assert (made.headers["other"], made.body, made.url) == ("x", b"body", "http://localhost/")


@pytest.mark.parametrize("headers", [{}, {"signature": ""}])
def test_where_no_signature_is_none_can_be_spoilt(headers: dict[str, str]) -> None:
    with pytest.raises(ValueError, match="without the header signature has no signature"):
        spoilt(SandboxWebhook(headers=headers, body=b""), "signature")
