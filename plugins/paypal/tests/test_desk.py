"""A desk whose order was paid by two captures at PayPal: what is said of one is never booked on the other."""

from __future__ import annotations

import pytest

from retour import Actor, MemoryShop, Mode, Money, Payment, PaymentDispute, ReturnDesk, hookimpl
from retour.testing import a_line, an_order
from retour_paypal.sandbox import PayPalSandbox

ANNA = Actor.staff("anna")


def eur(amount: str) -> Money:
    return Money.of(amount, "EUR")


class Shop(MemoryShop):
    """A shop that can be told to find no order by its payments."""

    finds_orders = True

    def find_order(self, provider: str, reference: str) -> str | None:
        return super().find_order(provider, reference) if self.finds_orders else None


class Disputes:
    """Hears what banks do."""

    name = "disputes"

    def __init__(self) -> None:
        self.steps: list[tuple[str, str, str]] = []

    @hookimpl
    def on_payment_disputed(self, dispute: PaymentDispute) -> None:
        self.steps.append((dispute.step.value, str(dispute.difference), str(dispute.taken_back)))


class TwoCaptures:
    """An order of EUR 94.95, paid in two parts, each stored under the prefix that a shop chose."""

    def __init__(self, sandbox: PayPalSandbox, stored: str, *plugins: object) -> None:
        self.sandbox = sandbox
        self.captures = (sandbox.pay(eur("40.00")), sandbox.pay(eur("54.95")))
        payments = [
            Payment(
                provider="paypal",
                reference=stored.format(capture=capture, order=sandbox.order_of(capture)),
                captured=amount,
                mode=Mode.TEST,
            )
            for capture, amount in zip(self.captures, (eur("40.00"), eur("54.95")), strict=True)
        ]
        self.payments = [payment.id for payment in payments]
        self.shop = Shop([an_order(a_line("teapot", 1, "94.95"), payments=payments)])
        self.desk = ReturnDesk(
            shop=self.shop,
            store="sqlite://",
            plugins=["paypal", *plugins],
            settings={"paypal": sandbox.settings},
            clock=sandbox.clock.now,
        )

    def deliver(self) -> int:
        """Hand every webhook that waits to the desk; gives how many things were kept."""
        return sum(
            self.desk.receive_webhook("paypal", webhook.headers, webhook.body, mode=Mode.TEST).kept
            for webhook in self.sandbox.take_webhooks()
        )

    def refunds(self) -> list[tuple[str, str, str]]:
        """Payment, amount and state of each refund."""
        return [
            (one.payment, str(one.amount.decimal), one.state.value)
            for one in self.desk.dossier("1001").refunds.values()
        ]


@pytest.fixture(params=["{capture}", "capture:{capture}"])
def two(request: pytest.FixtureRequest, sandbox: PayPalSandbox) -> TwoCaptures:
    return TwoCaptures(sandbox, request.param)


@pytest.fixture
def two_orders(sandbox: PayPalSandbox) -> TwoCaptures:
    """Each part was an order at PayPal, and the shop stored that: no webhook names it."""
    return TwoCaptures(sandbox, "order:{order}")


@pytest.mark.parametrize("which", [0, 1])
def test_a_refund_in_the_dashboard_is_found_on_its_own_payment(two: TwoCaptures, which: int) -> None:
    two.desk.mark_returned("1001", by=ANNA)  # so the order is known, and the shop is not asked for it
    two.shop.finds_orders = False
    two.sandbox.refund_in_dashboard(two.captures[which], eur("10.00"))
    assert two.deliver() == 1
    two.desk.reconcile("1001")
    assert two.refunds() == [(two.payments[which], "10.00", "succeeded")]
    assert not two.desk.reconcile("1001").changed


@pytest.mark.parametrize("which", [0, 1])
def test_a_refund_in_the_dashboard_of_an_order_that_was_never_seen_is_found_by_the_shop(
    two: TwoCaptures, which: int
) -> None:
    two.sandbox.refund_in_dashboard(two.captures[which], eur("10.00"))
    assert two.deliver() == 1
    assert two.refunds() == [(two.payments[which], "10.00", "succeeded")]


def test_a_refund_of_each_capture_is_told_of_its_own(two_orders: TwoCaptures) -> None:
    """By API both are made, and then one fails: the webhook names a capture that the shop never stored."""
    for number, (payment, amount) in enumerate(zip(two_orders.payments, ("15.00", "20.00"), strict=True)):
        two_orders.desk.refund("1001", payment, eur(amount), by=ANNA, request_id=f"form-{number}")
    assert two_orders.deliver() == 2
    assert [state for *_, state in two_orders.refunds()] == ["succeeded", "succeeded"]
    for which in (1, 0):
        two_orders.sandbox.refund_in_dashboard(two_orders.captures[which], eur("5.00"))
        assert two_orders.deliver() == 1
    assert two_orders.refunds() == [
        (two_orders.payments[0], "15.00", "succeeded"),
        (two_orders.payments[1], "20.00", "succeeded"),
        (two_orders.payments[1], "5.00", "succeeded"),
        (two_orders.payments[0], "5.00", "succeeded"),
    ]


def test_a_host_hears_of_a_case_of_its_end_and_of_a_bank(sandbox: PayPalSandbox) -> None:
    """That it is lost is told by its reversal; that it is won by nothing: it is seen when the capture is read."""
    heard = Disputes()
    two = TwoCaptures(sandbox, "{capture}", heard)
    first, second = two.captures
    sandbox.open_dispute(first)
    two.desk.reconcile("1001")
    sandbox.close_dispute(first)
    two.desk.reconcile("1001")
    sandbox.open_dispute(second)
    two.desk.reconcile("1001")
    sandbox.charge_back(second)
    two.deliver()
    two.desk.work()
    two.desk.reconcile("1001")
    sandbox.give_back(second)
    two.desk.reconcile("1001")
    assert heard.steps == [
        ("opened", "EUR 0.00", "EUR 0.00"),
        ("won", "EUR 0.00", "EUR 0.00"),
        ("opened", "EUR 0.00", "EUR 0.00"),
        ("taken_back", "EUR 54.95", "EUR 54.95"),
        ("lost", "EUR 0.00", "EUR 54.95"),
        ("given_back", "EUR -54.95", "EUR 0.00"),
    ]
