"""What Mollie answers, recorded: no sandbox runs here, and nothing listens.

`pytest plugins/mollie --retour-record -k cassettes` records it anew: from Mollie itself where MOLLIE_TEST_KEY holds an
API key (``test_…``) and MOLLIE_TEST_PAYMENT a paid test payment of at least 94.95 euros; else from the sandbox.
"""

from __future__ import annotations

import pytest

from retour.providers import Money, RefundRequest, RefundStatus
from retour.testing import Cassette
from retour_mollie.provider import Mollie


@pytest.fixture
def mollie(cassette: Cassette) -> Mollie:
    return cassette.provider(Mollie, settings={"api_key": "test_made_up"}, environment={"api_key": "MOLLIE_TEST_KEY"})


@pytest.fixture
def payment(cassette: Cassette, mollie: Mollie) -> str:
    """A payment of 94.95."""
    return cassette.fact(
        "payment", lambda sandbox: sandbox.pay(Money.of("94.95", "EUR")), environment="MOLLIE_TEST_PAYMENT"
    )


def request_for(payment: str, amount: str = "44.95", number: int = 1) -> RefundRequest:
    return RefundRequest(
        refund_id=f"rf{number:026d}",
        key=f"rf{number:026d}-1",
        order_id="1001",
        target=payment,
        amount=Money.of(amount, "EUR"),
        description="Retour 1001",
    )


def test_a_refund_is_made_and_found_again_by_our_id(mollie: Mollie, payment: str) -> None:
    made = mollie.refund(request_for(payment))
    assert (made.status, made.amount) == (RefundStatus.PENDING, Money.of("44.95", "EUR"))
    assert mollie.find_refund(request_for(payment)) == made
    assert mollie.find_refund(request_for(payment, number=2)) is None
