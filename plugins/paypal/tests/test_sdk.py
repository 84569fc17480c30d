"""PayPal's own Python client against the sandbox: what it is strict about, the sandbox does.

ReportedRefund with paypal-server-sdk 2.4.0.
"""

from __future__ import annotations

from collections.abc import Callable

from retour.providers import Money
from retour_paypal.sandbox import CREDENTIALS, PayPalSandbox

RunWithSdk = Callable[..., None]

CONNECTED = """
import sys
from paypalserversdk.configuration import Configuration, Environment, Server
from paypalserversdk.exceptions.api_exception import ApiException
from paypalserversdk.exceptions.error_exception import ErrorException
from paypalserversdk.http.auth.o_auth_2 import ClientCredentialsAuthCredentials
from paypalserversdk.models.capture_status import CaptureStatus
from paypalserversdk.models.money import Money
from paypalserversdk.models.refund_request import RefundRequest
from paypalserversdk.models.refund_status import RefundStatus
from paypalserversdk.paypal_serversdk_client import PaypalServersdkClient

url, client_id, client_secret, *references = sys.argv[1:]
Configuration.environments[Environment.SANDBOX][Server.DEFAULT] = url

def client(secret):
    credentials = ClientCredentialsAuthCredentials(o_auth_client_id=client_id, o_auth_client_secret=secret)
    return PaypalServersdkClient(environment=Environment.SANDBOX, client_credentials_auth_credentials=credentials)

paypal = client(client_secret)
payments = paypal.payments

def part(value):
    return RefundRequest(amount=Money(currency_code="EUR", value=value), custom_id="rf1", note_to_payer="Retour 1001")

def refund(capture, key, body=None):
    return payments.refund_captured_payment(
        {"capture_id": capture, "paypal_request_id": key, "prefer": "return=representation", "body": body}
    ).body

def refused(status, name, issue, call, *arguments):
    try:
        call(*arguments)
    except ErrorException as error:
        found = (error.response_code, error.name, [detail.issue for detail in error.details or ()])
        assert found == (status, name, issue), found
        return error
    raise AssertionError(f"no {name}")
"""

IN_FULL = """
[order] = references
[unit] = paypal.orders.get_order({"id": order}).body.purchase_units
[capture] = unit.payments.captures
assert capture.status == CaptureStatus.COMPLETED and capture.amount.value == "94.95"
assert payments.get_captured_payment({"capture_id": capture.id}).body.supplementary_data.related_ids.order_id == order

made = refund(capture.id, "k1")
assert made.status == RefundStatus.COMPLETED and made.amount.value == "94.95", made
assert made.seller_payable_breakdown.total_refunded_amount.value == "94.95"
assert refund(capture.id, "k1").id == made.id
refused(422, "UNPROCESSABLE_ENTITY", ["CAPTURE_FULLY_REFUNDED"], refund, capture.id, "k2")
assert payments.get_captured_payment({"capture_id": capture.id}).body.status == CaptureStatus.REFUNDED
[unit] = paypal.orders.get_order({"id": order}).body.purchase_units
assert [refund.id for refund in unit.payments.refunds] == [made.id]
"""

IN_PARTS = """
[capture] = references
made = refund(capture, "k1", part("44.95"))
assert made.amount.value == "44.95" and made.custom_id == "rf1" and made.note_to_payer == "Retour 1001"
again = refund(capture, "k1", part("44.95"))
assert again.id == made.id and again.seller_payable_breakdown.total_refunded_amount.value == "44.95"
other = refund(capture, "k2", part("44.95"))
assert other.id != made.id and other.seller_payable_breakdown.total_refunded_amount.value == "89.90"
assert payments.get_captured_payment({"capture_id": capture}).body.status == CaptureStatus.PARTIALLY_REFUNDED

fetched = payments.get_refund({"refund_id": made.id}).body
assert (fetched.id, fetched.status, fetched.amount.value) == (made.id, RefundStatus.COMPLETED, "44.95")
assert [link.href for link in fetched.links if link.rel == "up"] == [f"{url}/v2/payments/captures/{capture}"]

one = {"capture_id": capture, "paypal_request_id": "k3", "body": part("1.00")}
briefly = payments.refund_captured_payment(one).body
assert briefly.status == RefundStatus.COMPLETED and not hasattr(briefly, "amount")
assert payments.get_refund({"refund_id": briefly.id}).body.amount.value == "1.00"
"""

REFUSED = """
[capture] = references
error = refused(422, "UNPROCESSABLE_ENTITY", ["REFUND_AMOUNT_EXCEEDED"], refund, capture, "k1", part("94.96"))
assert error.details[0].field == "/amount/value" and error.details[0].description and error.debug_id and error.links
dollars = RefundRequest(amount=Money(currency_code="USD", value="1.00"))
refused(422, "UNPROCESSABLE_ENTITY", ["REFUND_CAPTURE_CURRENCY_MISMATCH"], refund, capture, "k2", dollars)
refused(400, "INVALID_REQUEST", ["INVALID_PARAMETER_SYNTAX"], refund, capture, "k3", part("ten"))
refused(404, "RESOURCE_NOT_FOUND", ["INVALID_RESOURCE_ID"], refund, "UNKNOWN", "k4", part("1.00"))
refused(404, "RESOURCE_NOT_FOUND", ["INVALID_RESOURCE_ID"], payments.get_refund, {"refund_id": "UNKNOWN"})
assert refund(capture, "k1", part("94.95")).amount.value == "94.95", "a refused request uses up no id"

try:
    client("wrong").payments.get_captured_payment({"capture_id": capture})
except Exception as error:
    assert "OAuthToken is undefined or expired" in str(error), error
else:
    raise AssertionError("a token for the wrong secret")
"""


def test_paypals_own_client_finds_the_capture_of_an_order_and_refunds_it_in_full(
    sandbox: PayPalSandbox, run_with_sdk: RunWithSdk
) -> None:
    order = sandbox.order_of(sandbox.pay(Money.of("94.95", "EUR")))
    run_with_sdk("paypal-server-sdk", CONNECTED + IN_FULL, sandbox.url, *CREDENTIALS, order)
    sent = [request.body for request in sandbox.server.requests if request.path.endswith("/refund")]
    assert sent == [b"", b"", b""], "the client refunds in full by saying nothing"


def test_paypals_own_client_refunds_in_parts_and_a_repeated_request_is_one_refund(
    sandbox: PayPalSandbox, run_with_sdk: RunWithSdk
) -> None:
    capture = sandbox.pay(Money.of("94.95", "EUR"))
    run_with_sdk("paypal-server-sdk", CONNECTED + IN_PARTS, sandbox.url, *CREDENTIALS, capture)


def test_paypals_own_client_is_refused_with_the_issue_that_says_why(
    sandbox: PayPalSandbox, run_with_sdk: RunWithSdk
) -> None:
    capture = sandbox.pay(Money.of("94.95", "EUR"))
    run_with_sdk("paypal-server-sdk", CONNECTED + REFUSED, sandbox.url, *CREDENTIALS, capture)
