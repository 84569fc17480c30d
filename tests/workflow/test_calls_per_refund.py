"""What a refund costs at each provider: questions asked of it, and orders given, from the click to the money."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import database_clock
import pytest

from retour import Actor, MemoryShop, Mode, Money, Payment, ReturnDesk
from retour.sandbox import BookkeepingSandbox
from retour.testing import a_line, an_order
from retour_mollie.sandbox import MollieSandbox
from retour_paypal.sandbox import PayPalSandbox
from retour_stripe.sandbox import StripeSandbox

ANNA = Actor.staff("anna")
CENT = Money.of("0.01", "EUR")
PAID = Money.of("94.95", "EUR")
HALF = Money.of("44.95", "EUR")

SANDBOXES: Mapping[str, Callable[[], Any]] = {
    "mollie": MollieSandbox,
    "stripe": StripeSandbox,
    "paypal": PayPalSandbox,
}


@pytest.fixture(autouse=True)
def the_databases_clock() -> Iterator[None]:
    """It tells a sandbox's time, where one is given."""
    database_clock.install()
    yield
    database_clock.tell(None)


class Counter:
    """A payment at a provider's sandbox, a desk that refunds it, and the calls that the provider got from the desk."""

    def __init__(self, sandbox: Any) -> None:
        self.sandbox: Any = sandbox
        self.reference = ""

    def pay(self, *, in_order: bool = False) -> None:
        """A customer pays. The shop stores the payment, or what it is a part of: an order, a checkout session."""
        provider = self.sandbox.provider
        if not in_order:
            self.reference = self.sandbox.pay(PAID)
        elif provider == "mollie":
            self.reference = self.sandbox.order(self.sandbox.pay(PAID))
        elif provider == "stripe":
            self.reference = self.sandbox.check_out(PAID)
        else:
            self.reference = f"order:{self.sandbox.order_of(self.sandbox.pay(PAID))}"

    def open(self, beside: Sequence[str] = (), **more: Any) -> None:
        """A desk for the payment, and for those of the same order that are ``beside`` it."""
        provider = self.sandbox.provider
        database_clock.tell(self.sandbox.clock.now)
        paid = [
            Payment(provider=provider, reference=one, captured=PAID, mode=Mode.TEST)
            for one in (self.reference, *beside)
        ]
        sold = a_line("teapot", len(paid), str(PAID.decimal * len(paid)))
        self.desk = ReturnDesk(
            shop=MemoryShop([an_order(sold, payments=paid)]),
            store="sqlite://",
            plugins=[provider],
            settings={provider: self.sandbox.settings},
            clock=self.sandbox.clock.now,
            **more,
        )

    def made_in_dashboard(self, count: int) -> None:
        """A colleague refunds some cents at the provider."""
        for _ in range(count):
            self.sandbox.refund_in_dashboard(self.reference, CENT)

    def click(self) -> None:
        self.desk.refund("1001", f"{self.sandbox.provider}:{self.reference}", HALF, by=ANNA, request_id="form-1")

    @property
    def calls(self) -> tuple[int, int]:
        """Questions and orders; an access token is neither."""
        methods = [one.method for one in self.sandbox.server.requests if one.path != "/v1/oauth2/token"]
        return methods.count("GET"), len(methods) - methods.count("GET")

    @property
    def refunds_of_ours(self) -> int:
        return sum(refund.amount == HALF for refund in self.sandbox.books(self.reference))


def a_payment(counter: Counter) -> None:
    counter.pay()
    counter.open()
    counter.click()


def an_order_or_a_checkout(counter: Counter) -> None:
    counter.pay(in_order=True)
    counter.open()
    counter.click()


def known_refunds(count: int) -> Callable[[Counter], None]:
    """Made in the dashboard, and known here before somebody clicks."""

    def refund(counter: Counter) -> None:
        counter.pay()
        counter.open()
        counter.made_in_dashboard(count)
        counter.desk.reconcile("1001")
        counter.sandbox.server.requests.clear()
        counter.click()

    return refund


def held_and_retried(counter: Counter) -> None:
    """A refund in the dashboard is found at the click, so that a person looks, and lets it go."""
    counter.pay()
    counter.open()
    counter.made_in_dashboard(1)
    counter.click()
    [held] = [refund for refund in counter.desk.dossier("1001").refunds.values() if refund.amount == HALF]
    assert counter.refunds_of_ours == 0
    counter.desk.retry_refund("1001", held.id, by=ANNA)


def by_a_worker(later: datetime.timedelta) -> Callable[[Counter], None]:
    """What was read at the click is good for a minute."""

    def refund(counter: Counter) -> None:
        counter.pay()
        counter.open(inline_seconds=0)
        counter.click()
        counter.sandbox.advance(later)
        counter.desk.work()

    return refund


def a_charge_or_a_capture(counter: Counter) -> None:
    """The shop stores the innermost name that a provider has for the payment."""
    counter.pay()
    if counter.sandbox.provider == "stripe":
        counter.reference = counter.sandbox.charge_of(counter.reference)
    counter.open()
    counter.click()


def a_bare_charge(counter: Counter) -> None:
    """At Stripe a charge that belongs to no PaymentIntent; elsewhere a payment like any other."""
    counter.pay()
    if counter.sandbox.provider == "stripe":
        counter.reference = counter.sandbox.pay_by_charge(PAID)
    counter.open()
    counter.click()


def disputed_once(counter: Counter) -> None:
    """The customer disputed the payment, and that is decided for the shop; at Mollie, which has no disputes, his bank
    took a part of it."""
    counter.pay()
    sandbox = counter.sandbox
    if sandbox.provider == "stripe":
        sandbox.move_dispute(sandbox.open_dispute(counter.reference), "won")
    elif sandbox.provider == "paypal":
        sandbox.open_dispute(counter.reference)
        sandbox.close_dispute(counter.reference)
    else:
        sandbox.charge_back(counter.reference, Money.of("10", "EUR"))
    counter.open()
    counter.desk.reconcile("1001")
    sandbox.server.requests.clear()
    counter.click()


def a_payment_beside(counter: Counter) -> None:
    """The order has two payments, and a refund is made on one of them."""
    counter.pay()
    counter.open(beside=[counter.sandbox.pay(PAID)])
    counter.click()


def two_payments_beside(counter: Counter) -> None:
    counter.pay()
    counter.open(beside=[counter.sandbox.pay(PAID), counter.sandbox.pay(PAID)])
    counter.click()


TABLE: Sequence[tuple[str, Callable[[Counter], None], tuple[int, int, int]]] = [
    # what is refunded                                                              questions: Mollie, Stripe, PayPal
    ("a payment", a_payment, (1, 1, 2)),
    ("an order or a checkout session", an_order_or_a_checkout, (2, 1, 1)),
    ("a charge or a capture", a_charge_or_a_capture, (1, 1, 2)),
    ("a charge without an intent", a_bare_charge, (1, 1, 2)),
    ("disputed once", disputed_once, (2, 2, 2)),
    ("a payment beside", a_payment_beside, (2, 2, 4)),
    ("two payments beside", two_payments_beside, (3, 3, 6)),
    ("one dashboard refund", known_refunds(1), (1, 1, 3)),
    ("more refunds than a page has", known_refunds(51), (2, 2, 53)),
    ("held and retried", held_and_retried, (2, 2, 6)),
    ("by a worker within a minute", by_a_worker(datetime.timedelta(seconds=59)), (1, 1, 2)),
    ("by a worker later", by_a_worker(datetime.timedelta(seconds=61)), (2, 2, 4)),
]
"""PayPal has no pages, and a refund that was made there is one question more: the order does not show it whole."""


@pytest.mark.parametrize("provider, column", [("mollie", 0), ("stripe", 1), ("paypal", 2)])
@pytest.mark.parametrize("refund, questions", [row[1:] for row in TABLE], ids=[row[0] for row in TABLE])
def test_a_refund_costs_these_questions_and_one_order(
    refund: Callable[[Counter], None], questions: tuple[int, int, int], provider: str, column: int
) -> None:
    with SANDBOXES[provider]() as sandbox:
        assert isinstance(sandbox, BookkeepingSandbox)
        counter = Counter(sandbox)
        refund(counter)
        assert counter.calls == (questions[column], 1)
        assert counter.refunds_of_ours == 1
