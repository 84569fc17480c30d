"""Mollie's own two Python clients against the sandbox: what they are strict about, the sandbox does.

ReportedRefund with mollie-api-python 4.0.0, which is written by hand, and mollie-api-py 1.10.20, which is generated.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest

from retour.providers import Money
from retour_mollie.sandbox import MollieSandbox

WRITTEN = """
import sys
from mollie.api.client import Client
from mollie.api.error import BadRequestError, ConflictError, NotFoundError, UnauthorizedError, UnprocessableEntityError

url, key, reference = sys.argv[1:]
client = Client(api_endpoint=url)
client.set_api_key(key)
payment = client.payments.get(reference)
assert payment.is_paid() and payment.amount_remaining == {"currency": "EUR", "value": "94.95"}

ten = {"amount": {"currency": "EUR", "value": "10.00"}, "description": "Retour", "metadata": {"refund_id": "rf1"}}
made = payment.refunds.create(ten, idempotency_key="k1")
assert made.is_pending() and made.metadata == {"refund_id": "rf1"} and made.payment_id == reference
assert payment.refunds.create(ten, idempotency_key="k1").id == made.id
other = payment.refunds.create({"amount": {"currency": "EUR", "value": "5.00"}}, idempotency_key="k2")
assert [refund.id for refund in payment.refunds.list()] == [other.id, made.id]
whole = client.payments.get(reference, embed="refunds")
assert [refund["id"] for refund in whole["_embedded"]["refunds"]] == [other.id, made.id]
pages = payment.refunds.list(limit=1)
assert [refund.id for refund in pages.get_next()] == [made.id]
assert payment.refunds.get(made.id).amount == ten["amount"]

def refused(kind, call, *arguments, **named):
    try:
        call(*arguments, **named)
    except kind as error:
        return error
    raise AssertionError(f"no {kind.__name__}")

too_much = {"amount": {"currency": "EUR", "value": "500.00"}}
refused(ConflictError, payment.refunds.create, ten, idempotency_key="k3")
refused(BadRequestError, payment.refunds.create, too_much, idempotency_key="k1")
assert refused(UnprocessableEntityError, payment.refunds.create, too_much).field == "amount.value"
refused(NotFoundError, client.payments.get, "tr_unknown")
payment.refunds.delete(made.id)
assert client.payments.get(reference).amount_refunded == {"currency": "EUR", "value": "5.00"}
stranger = Client(api_endpoint=url)
stranger.set_api_key("test_wrong")
refused(UnauthorizedError, stranger.payments.get, reference)
"""

GENERATED = """
import sys
from mollie import ClientSDK, models

url, key, reference = sys.argv[1:]
client = ClientSDK(security=models.Security(api_key=key), server_url=url, retry_config=None)
assert client.payments.get(payment_id=reference).status == "paid"

ten = {"amount": {"currency": "EUR", "value": "10.00"}, "description": "Retour", "metadata": {"refund_id": "rf1"}}
refunds = client.refunds

def create(body, key):
    return refunds.create(payment_id=reference, refund_request=body, idempotency_key=key)

made = create(ten, "k1")
assert made.status == "pending" and made.mode == "test" and made.payment_id == reference
assert create(ten, "k1").id == made.id
other = create(ten | {"amount": {"currency": "EUR", "value": "5.00"}}, "k2")
pages, listed = refunds.list(payment_id=reference, limit=1), []
while pages is not None:
    listed += [refund.id for refund in pages.result.embedded.refunds]
    pages = pages.next()
assert listed == [other.id, made.id]
assert refunds.get(payment_id=reference, refund_id=made.id).amount.value == "10.00"
for body, status in ((ten, 409), (ten | {"amount": {"currency": "EUR", "value": "500.00"}}, 422)):
    try:
        create(body, f"k-{status}")
    except models.ErrorResponse as error:
        assert error.data.status == status
    else:
        raise AssertionError(status)
refunds.cancel(payment_id=reference, refund_id=made.id)
assert client.payments.get(payment_id=reference, embed="refunds").amount_refunded.value == "5.00"
"""


@pytest.mark.parametrize("sdk, program", [("mollie-api-python", WRITTEN), ("mollie-api-py", GENERATED)])
def test_mollies_own_client_refunds_lists_and_cancels(
    sandbox: MollieSandbox, run_with_sdk: Callable[..., None], sdk: str, program: str
) -> None:
    run_with_sdk(sdk, program, sandbox.url, sandbox.test_key, sandbox.pay(Money.of("94.95", "EUR")))
