"""Stripe's own Python client against the sandbox: what it is strict about, the sandbox does.

ReportedRefund with stripe 16.1.0.
"""

from __future__ import annotations

from collections.abc import Callable

from retour.providers import Money
from retour_stripe.sandbox import StripeSandbox

RunWithSdk = Callable[..., None]

REFUNDING = """
import sys
import stripe

url, key, payment = sys.argv[1:]
client = stripe.StripeClient(key, base_addresses={"api": url}, max_network_retries=0)
form = {"payment_intent": payment, "amount": 1000, "metadata": {"refund_id": "rf1"}, "reason": "requested_by_customer"}

made = client.v1.refunds.create(form, {"idempotency_key": "k1"})
assert isinstance(made, stripe.Refund) and made.status == "succeeded" and made.metadata["refund_id"] == "rf1"
again = client.v1.refunds.create(form, {"idempotency_key": "k1"})
assert again.id == made.id and again.last_response.headers["idempotent-replayed"] == "true"
other = client.v1.refunds.create(form, {"idempotency_key": "k2"})
listed = client.v1.refunds.list({"payment_intent": payment, "limit": 1}).auto_paging_iter()
assert [refund.id for refund in listed] == [other.id, made.id]
intent = client.v1.payment_intents.retrieve(payment, {"expand": ["latest_charge"]})
assert isinstance(intent.latest_charge, stripe.Charge) and intent.latest_charge.amount_refunded == 2000
assert client.v1.charges.retrieve(intent.latest_charge.id).payment_intent == payment
whole = client.v1.payment_intents.retrieve(payment, {"expand": ["latest_charge.refunds"]}).latest_charge.refunds
assert [refund.id for refund in whole.auto_paging_iter()] == [other.id, made.id]
[session] = client.v1.checkout.sessions.list({"payment_intent": payment}).data
assert isinstance(session, stripe.checkout.Session) and session.payment_intent == payment

def refused(kind, status, code, call, *arguments):
    try:
        call(*arguments)
    except kind as error:
        assert (error.http_status, error.code) == (status, code), (error.http_status, error.code)
    else:
        raise AssertionError(f"no {kind.__name__}")

refused(stripe.IdempotencyError, 400, None, client.v1.refunds.create, {**form, "amount": 1}, {"idempotency_key": "k1"})
refused(stripe.InvalidRequestError, 400, None, client.v1.refunds.create, {**form, "amount": 99999})
refused(stripe.InvalidRequestError, 400, None, client.v1.refunds.cancel, made.id)
refused(stripe.InvalidRequestError, 404, "resource_missing", client.v1.refunds.retrieve, "re_unknown")
stranger = stripe.StripeClient("sk_test_wrong", base_addresses={"api": url})
refused(stripe.AuthenticationError, 401, None, stranger.v1.refunds.list)
"""

RECEIVING = """
import sys
import stripe

body, signature, secret = sys.argv[1:]
event = stripe.Webhook.construct_event(body.encode(), signature, secret)
assert event.type == "charge.refunded" and isinstance(event.data.object, stripe.Charge)
"""


def test_stripes_own_client_refunds_lists_and_is_refused(sandbox: StripeSandbox, run_with_sdk: RunWithSdk) -> None:
    payment, *_ = sandbox.names(sandbox.check_out(Money.of("94.95", "EUR")))
    run_with_sdk("stripe", REFUNDING, sandbox.url, sandbox.api_key, payment)


def test_stripes_own_client_believes_the_sandboxes_webhooks(sandbox: StripeSandbox, run_with_sdk: RunWithSdk) -> None:
    sandbox.refund_in_dashboard(sandbox.pay(Money.of("94.95", "EUR")), Money.of("1.00", "EUR"))
    webhook = sandbox.webhook(sandbox.events[-1])
    signature = webhook.headers["stripe-signature"]
    run_with_sdk("stripe", RECEIVING, webhook.body.decode(), signature, sandbox.webhook_secret)
