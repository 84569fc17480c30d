"""Webhooks: only what PayPal sent, to us, lately; and what it says of a refund."""

from __future__ import annotations

import datetime
import json
import threading
import zlib
from collections.abc import Iterator, Mapping
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import attrs
import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from retour.providers import (
    Answer,
    ErrorCode,
    Money,
    ProviderError,
    ProviderSession,
    RawWebhook,
    RefundStatus,
    Secret,
    ToFetch,
    VerifiedEvents,
    WebhookRejected,
    WebhookTrust,
    WebhookUnreadable,
)
from retour.sandbox import Fault, send_webhook
from retour_paypal.certificates import HOSTS, Certificates
from retour_paypal.provider import PayPal
from retour_paypal.sandbox import PayPalSandbox
from retour_paypal.sandbox_signer import Signer, sandbox_signer
from retour_paypal.settings import Settings
from retour_paypal.webhooks import OLDEST, Transmission, read_event

NOTHING = VerifiedEvents(events=())
NOW = datetime.datetime.now(datetime.UTC)
MINUTE = datetime.timedelta(minutes=1)


@pytest.fixture
def capture(sandbox: PayPalSandbox) -> str:
    return sandbox.pay(Money.of("94.95", "EUR"))


@pytest.fixture
def webhook(sandbox: PayPalSandbox, capture: str) -> RawWebhook:
    """A webhook of a refund of 10.00 in the dashboard."""
    sandbox.refund_in_dashboard(capture, Money.of("10.00", "EUR"))
    return received(sandbox)[-1]


def received(sandbox: PayPalSandbox) -> list[RawWebhook]:
    """The webhooks that PayPal has to send, as a host receives them."""
    return [RawWebhook(headers=webhook.headers, body=webhook.body) for webhook in sandbox.take_webhooks()]


def changed(webhook: RawWebhook, body: bytes | None = None, **headers: str | None) -> RawWebhook:
    """A webhook with another body or other headers; None takes a header away."""
    other: Mapping[str, str | None] = {
        **webhook.headers,
        **{f"paypal-{name.replace('_', '-')}": value for name, value in headers.items()},
    }
    return RawWebhook(
        headers={name: value for name, value in other.items() if value is not None},
        body=webhook.body if body is None else body,
    )


def rejected(paypal: PayPal, webhook: RawWebhook) -> str:
    with pytest.raises(WebhookRejected) as caught:
        paypal.parse_webhook(webhook)
    return str(caught.value)


# --- what a webhook says ---------------------------------------------------------------------------------


@pytest.mark.parametrize("check", ["local", "api"])
def test_a_refund_in_the_dashboard_is_told_with_its_capture(
    connect: Any, sandbox: PayPalSandbox, capture: str, check: str
) -> None:
    paypal = connect(webhook_check=check)
    reference = sandbox.refund_in_dashboard(capture, Money.of("10.00", "EUR"))
    told = paypal.parse_webhook(received(sandbox)[-1])
    assert isinstance(told, VerifiedEvents)
    [event] = told.events
    assert (event.refund.target, event.refund.reference, event.refund.refund_id) == (capture, reference, "")
    assert (event.refund.amount, event.refund.status) == (Money.of("10.00", "EUR"), RefundStatus.SUCCEEDED)
    assert event.event_id.startswith("WH-")
    assert event.refund == paypal.fetch_refund(capture, reference)
    assert paypal.capabilities.webhooks is WebhookTrust.SIGNED


def test_a_webhook_of_our_own_refund_carries_our_id_so_that_it_is_not_booked_twice(
    paypal: PayPal, sandbox: PayPalSandbox, capture: str, a: Any
) -> None:
    made = paypal.refund(a.request(capture))
    told = paypal.parse_webhook(received(sandbox)[-1])
    assert isinstance(told, VerifiedEvents)
    assert [event.refund for event in told.events] == [made]


def test_a_webhook_that_comes_twice_has_the_same_event_id(
    paypal: PayPal, sandbox: PayPalSandbox, webhook: RawWebhook
) -> None:
    again = sandbox.webhook(webhook.body)
    assert again.headers["paypal-transmission-id"] != webhook.headers["paypal-transmission-id"]
    assert paypal.parse_webhook(again) == paypal.parse_webhook(webhook)


def test_pending_completed_and_failed_refunds_are_told_in_any_order(
    paypal: PayPal, sandbox: PayPalSandbox, capture: str
) -> None:
    sandbox.refunds_take = datetime.timedelta(days=3)
    sandbox.refund_in_dashboard(capture, Money.of("10.00", "EUR"))
    sandbox.advance(datetime.timedelta(days=4))
    sandbox.fail(sandbox.refund_in_dashboard(capture, Money.of("5.00", "EUR")))
    told = [paypal.parse_webhook(webhook) for webhook in reversed(received(sandbox))]
    statuses = [event.refund.status for one in told if isinstance(one, VerifiedEvents) for event in one.events]
    assert statuses == [RefundStatus.FAILED, RefundStatus.PENDING, RefundStatus.SUCCEEDED, RefundStatus.PENDING]


def test_a_reversal_is_a_reason_to_look_and_says_that_money_was_taken_back(
    paypal: PayPal, sandbox: PayPalSandbox, capture: str
) -> None:
    sandbox.charge_back(capture)
    hint = paypal.parse_webhook(received(sandbox)[-1])
    assert isinstance(hint, ToFetch)
    assert (hint.targets, bool(hint.taken_back)) == ((capture,), True)


UP = {"href": "https://api.paypal.com/v2/payments/captures/3C679366HH908993F", "rel": "up"}
REFUND = {
    "id": "1JU08902781691411",
    "status": "COMPLETED",
    "amount": {"currency_code": "EUR", "value": "1.00"},
    "links": [UP],
}


def event(kind: str = "PAYMENT.CAPTURE.REFUNDED", **resource: Any) -> bytes:
    """An event about `REFUND`, with some of its fields changed; None takes one away."""
    fields = {name: value for name, value in {**REFUND, **resource}.items() if value is not None}
    return json.dumps({"id": "WH-1", "event_type": kind, "resource": fields}).encode()


@pytest.mark.parametrize("kind", ["PAYMENT.CAPTURE.COMPLETED", "CHECKOUT.ORDER.APPROVED", "PAYMENT.SALE.REFUNDED", ""])
def test_events_about_something_else_say_nothing(kind: str) -> None:
    assert read_event(event(kind)) == NOTHING


@pytest.mark.parametrize("kind", ["PAYMENT.CAPTURE.REFUNDED", "PAYMENT.REFUND.PENDING", "PAYMENT.REFUND.NEW"])
@pytest.mark.parametrize(
    "change", [{"amount": None}, {"amount": {"currency_code": "EUR", "value": 1.0}}, {"status": 1}]
)
def test_a_refund_that_cannot_be_read_is_fetched(kind: str, change: dict[str, Any]) -> None:
    told = read_event(event(kind, **change))
    assert isinstance(told, ToFetch)
    assert told.targets == ("3C679366HH908993F",)
    assert told.unread.startswith(f"{kind}: ")


def test_a_type_about_a_capture_that_is_not_known_has_the_capture_fetched_and_is_told() -> None:
    unread = "no event of type PAYMENT.CAPTURE.TAKEN is known"
    assert read_event(event("PAYMENT.CAPTURE.TAKEN")) == ToFetch(targets=("3C679366HH908993F",), unread=unread)


@pytest.mark.parametrize(
    "body",
    [
        event(links=None),
        event(links=[{"href": "https://api.paypal.com/v2/checkout/orders/5O190127TN364715T", "rel": "up"}]),
        event(links="up"),
        event(links=[{"href": f"{UP['href']}{'9' * 250}", "rel": "up"}]),
        event().replace(b"WH-1", b""),
        event().replace(b"WH-1", b"W" * 256),
        b"{}",
        b"[]",
        b"7",
        b"",
        b"\xff",
        b"[" * 100_000,
        b'{"id":"WH-1","event_type":"PAYMENT.CAPTURE.REFUNDED","resource":[]}',
        b'{"id":1,"event_type":"PAYMENT.CAPTURE.REFUNDED","resource":{}}',
        "{}".encode("utf-16"),
    ],
)
def test_a_checked_event_that_does_not_say_what_it_is_about_is_told_as_unreadable(body: bytes) -> None:
    with pytest.raises(WebhookUnreadable):
        read_event(body)


# --- whose it is -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("check", ["local", "api"])
def test_a_webhook_that_was_changed_on_its_way_is_rejected(connect: Any, webhook: RawWebhook, check: str) -> None:
    paypal = connect(webhook_check=check)
    assert "signature" in rejected(paypal, changed(webhook, webhook.body.replace(b"10.00", b"90.00")))


@pytest.mark.parametrize("check", ["local", "api"])
def test_a_body_that_was_parsed_and_written_again_is_no_longer_what_was_signed(
    connect: Any, sandbox: PayPalSandbox, webhook: RawWebhook, check: str
) -> None:
    again = json.dumps(json.loads(webhook.body), separators=(",", ":")).encode()
    assert again != webhook.body
    rejected(connect(webhook_check=check), changed(webhook, again))


@pytest.mark.parametrize("check", ["local", "api"])
def test_the_raw_bytes_are_what_is_checked_however_they_are_written(
    connect: Any, sandbox: PayPalSandbox, webhook: RawWebhook, check: str
) -> None:
    body = event(n=1.0).replace(b'"id"', b'\r\n "summary" : "\\u00e9 \xc3\xa9" ,\t"id"', 1)
    url = webhook.headers["paypal-cert-url"]
    headers = sandbox.signer.headers(body, webhook_id=sandbox.webhook_id, cert_url=url, sent_at=NOW)
    told = connect(webhook_check=check).parse_webhook(RawWebhook(headers=headers, body=body))
    assert isinstance(told, VerifiedEvents)
    assert told.events[0].refund.reference == "1JU08902781691411"


@pytest.mark.parametrize("check", ["local", "api"])
def test_a_webhook_for_another_webhook_id_is_not_for_us(connect: Any, webhook: RawWebhook, check: str) -> None:
    rejected(connect(webhook_check=check, webhook_id="1JE4291016473214C"), webhook)


def test_without_a_webhook_id_every_webhook_is_rejected(connect: Any, webhook: RawWebhook) -> None:
    assert "webhook_id" in rejected(connect(webhook_id=""), webhook)


@pytest.mark.parametrize("name", ["transmission_id", "transmission_time", "transmission_sig", "cert_url", "auth_algo"])
@pytest.mark.parametrize("value", [None, "", "é", "\ud800", "a\nb", "a\x00b", "|", " ", "x" * 10_000, "%", "::1"])
@pytest.mark.parametrize("check", ["local", "api"])
def test_a_missing_or_malformed_header_rejects_the_webhook(
    connect: Any, webhook: RawWebhook, name: str, value: str | None, check: str
) -> None:
    rejected(connect(webhook_check=check), changed(webhook, **{name: value}))


@pytest.mark.parametrize("algorithm", ["SHA1withRSA", "sha256withrsa", "none", "SHA512withRSA"])
def test_no_other_algorithm_is_accepted(paypal: PayPal, webhook: RawWebhook, algorithm: str) -> None:
    rejected(paypal, changed(webhook, auth_algo=algorithm))


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    headers=st.dictionaries(
        st.sampled_from(["id", "time", "sig"]).map(lambda name: f"paypal-transmission-{name}"), st.text(), max_size=3
    ),
    body=st.binary(),
)
def test_whatever_comes_in_is_rejected_and_nothing_else(
    paypal: PayPal, webhook: RawWebhook, headers: dict[str, str], body: bytes
) -> None:
    rejected(paypal, RawWebhook(headers={**webhook.headers, **headers}, body=body))


@pytest.mark.parametrize("age", [datetime.timedelta(0), OLDEST - MINUTE, -4 * MINUTE])
def test_a_webhook_counts_as_long_as_paypal_tries_to_deliver_it(
    paypal: PayPal, sandbox: PayPalSandbox, webhook: RawWebhook, age: datetime.timedelta
) -> None:
    again = sandbox.webhook(webhook.body, sent_at=datetime.datetime.now(datetime.UTC) - age)
    assert paypal.parse_webhook(again) != NOTHING


@pytest.mark.parametrize("age", [OLDEST + MINUTE, -6 * MINUTE, datetime.timedelta(days=4000)])
def test_a_webhook_that_is_too_old_or_from_the_future_is_rejected(
    paypal: PayPal, sandbox: PayPalSandbox, webhook: RawWebhook, age: datetime.timedelta
) -> None:
    said = rejected(paypal, sandbox.webhook(webhook.body, sent_at=datetime.datetime.now(datetime.UTC) - age))
    assert ("too old" if age > OLDEST else "from the future") in said


@pytest.mark.parametrize(
    "time",
    ["2026-13-01T00:00:00Z", "2026-11-23T10:00:00", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "1"],
)
def test_a_time_that_is_none_is_rejected(paypal: PayPal, webhook: RawWebhook, time: str) -> None:
    rejected(paypal, changed(webhook, transmission_time=time))


# --- the certificate -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "url",
    [
        "http://api.paypal.com/v1/notifications/certs/CERT-1",
        "https://api.paypal.com.evil.example/v1/notifications/certs/CERT-1",
        "https://evil.example/v1/notifications/certs/CERT-1",
        "https://api.paypal.com@evil.example/v1/notifications/certs/CERT-1",
        "https://evil.example#https://api.paypal.com/v1/notifications/certs/CERT-1",
        "https://api.paypal.com:444/v1/notifications/certs/CERT-1",
        "https://api.paypal.com/v1/notifications/certs/../../../evil",
        "https://api.paypal.com/v1/notifications/certs/CERT-1/../x",
        "https://api.paypal.com/v1/notifications/certs/%2e%2e",
        "https://api.paypal.com/v1/notifications/certs/CERT-1?x=1",
        "https://api.paypal.com/v1/notifications/certs/",
        "https://api.paypal.com/v1/other/CERT-1",
        "https://API.paypal.com/v1/notifications/certs/CERT-1",
        "https://www.paypal.com/v1/notifications/certs/CERT-1",
        "//api.paypal.com/v1/notifications/certs/CERT-1",
        "http://127.0.0.1:1/v1/notifications/certs/CERT-1",
        "file:///v1/notifications/certs/CERT-1",
    ],
)
@pytest.mark.parametrize("check", ["local", "api"])
def test_a_certificate_comes_from_paypals_two_hosts_or_nothing_is_fetched(
    connect: Any, sandbox: PayPalSandbox, webhook: RawWebhook, url: str, check: str
) -> None:
    before = len(sandbox.server.requests)
    assert "certificate" in rejected(connect(webhook_check=check), changed(webhook, cert_url=url))
    assert len(sandbox.server.requests) == before


def test_a_live_shop_takes_no_certificate_from_this_machine(webhook: RawWebhook) -> None:
    live = Settings(client_id="AY", client_secret=Secret("EL"), environment="live", webhook_id="1JE4291016473214C")
    assert "not from PayPal" in rejected(PayPal(live, ProviderSession()), webhook)


def test_a_certificate_is_fetched_once(paypal: PayPal, sandbox: PayPalSandbox, webhook: RawWebhook) -> None:
    for _ in range(3):
        paypal.parse_webhook(webhook)
    assert sum("/certs/" in request.path for request in sandbox.server.requests) == 1


def test_a_new_certificate_has_a_new_address_and_both_count(
    connect: Any, sandbox: PayPalSandbox, webhook: RawWebhook
) -> None:
    old = connect()
    assert old.parse_webhook(webhook) != NOTHING
    sandbox.signer = Signer.make()
    assert connect().parse_webhook(sandbox.webhook(webhook.body)) == old.parse_webhook(webhook)


@pytest.mark.parametrize(
    "signer, said",
    [
        ({"valid_days": -1}, "certificate"),
        ({"name": "evil.example"}, "not PayPal's"),
        ({"name": "paypal.com"}, "not PayPal's"),
        ({"name": "api.paypal.com.evil.example"}, "not PayPal's"),
    ],
)
def test_a_certificate_that_expired_or_is_anothers_is_not_trusted(
    connect: Any, sandbox: PayPalSandbox, webhook: RawWebhook, signer: dict[str, Any], said: str
) -> None:
    sandbox.signer = Signer.make(**signer)
    assert said in rejected(connect(), sandbox.webhook(webhook.body))


def test_a_certificate_of_another_root_is_not_trusted(
    paypal: PayPal, sandbox: PayPalSandbox, webhook: RawWebhook
) -> None:
    sandbox.signer = Signer.make()
    assert "not to be trusted" in rejected(paypal, sandbox.webhook(webhook.body))


def test_a_certificate_that_paypal_does_not_have_rejects_the_webhook(paypal: PayPal, webhook: RawWebhook) -> None:
    url = webhook.headers["paypal-cert-url"]
    assert "no such certificate" in rejected(paypal, changed(webhook, cert_url=f"{url}x"))


@pytest.mark.parametrize("body", [b"", b"<html>", b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"])
def test_where_paypal_answers_with_no_certificate_the_webhook_should_come_again(
    paypal: PayPal, sandbox: PayPalSandbox, webhook: RawWebhook, body: bytes
) -> None:
    """Its host answered, so nothing is wrong with the webhook; a moment later there may be a certificate."""
    genuine = sandbox.signer
    sandbox.signer = attrs.evolve(genuine, certificate=body.decode())
    with pytest.raises(ProviderError) as caught:
        paypal.parse_webhook(sandbox.webhook(webhook.body))
    assert caught.value.code is ErrorCode.UNREADABLE_ANSWER
    sandbox.signer = genuine
    assert paypal.parse_webhook(sandbox.webhook(webhook.body))


class Served(ProviderSession):
    """A session that answers every read with one body, as if it had come from PayPal's host."""

    def __init__(self, body: str, status: int = 200) -> None:
        super().__init__()
        self.answer = Answer(status=status, headers={}, body=body.encode())

    def read(self, url: str, **more: Any) -> Answer:
        assert url.startswith(HOSTS)
        return self.answer


LIVE = Settings(client_id="AY", client_secret=Secret("EL"), environment="live", webhook_id="1JE4291016473214C")


def signed_by(signer: Signer, certificates: Certificates) -> None:
    message = b"69cd13f0-d67a-11e5-baa3-778b53f4ae55|2026-11-23T10:00:00Z|1JE4291016473214C|1"
    signature = signer.key.sign(message, padding.PKCS1v15(), hashes.SHA256())
    certificates.verify(f"{HOSTS[0]}/v1/notifications/certs/CERT-1", signature, message, NOW)


def test_paypals_certificate_alone_is_vouched_for_by_the_host_it_came_from() -> None:
    signer = sandbox_signer()
    signed_by(signer, Certificates(LIVE, Served(signer.certificate)))


def test_a_chain_from_paypals_host_must_lead_to_a_public_root() -> None:
    signer = sandbox_signer()
    with pytest.raises(WebhookRejected, match="not to be trusted"):
        signed_by(signer, Certificates(LIVE, Served(signer.certificate + signer.root)))


@pytest.mark.parametrize("status, code", [(429, ErrorCode.RATE_LIMITED), (503, ErrorCode.UNAVAILABLE)])
def test_where_paypal_cannot_be_asked_for_a_certificate_the_webhook_should_come_again(
    status: int, code: ErrorCode
) -> None:
    with pytest.raises(ProviderError) as caught:
        signed_by(sandbox_signer(), Certificates(LIVE, Served("", status)))
    assert caught.value.code is code


# --- asking PayPal ---------------------------------------------------------------------------------------


def test_paypal_is_asked_with_the_event_in_its_own_bytes(
    connect: Any, sandbox: PayPalSandbox, webhook: RawWebhook, description: Any
) -> None:
    connect(webhook_check="api").parse_webhook(webhook)
    [request] = [one for one in sandbox.server.requests if one.path.endswith("/verify-webhook-signature")]
    assert webhook.body in request.body
    assert description.faults(json.loads(request.body), description.schema("verify_webhook_signature")) == []
    assert request.headers["content-type"] == "application/json"


@pytest.mark.parametrize(
    "body",
    [b'{},"webhook_id":"X"', b'{"id":"WH-1"},"webhook_event":{}', b"", b"[]", b"\xff", b"{}}", b"\xef\xbb\xbf{}"],
)
def test_a_body_cannot_speak_for_the_fields_around_it(
    connect: Any, sandbox: PayPalSandbox, webhook: RawWebhook, body: bytes
) -> None:
    rejected(connect(webhook_check="api"), changed(webhook, body))
    assert not any("verify" in request.path for request in sandbox.server.requests)


def test_where_paypal_cannot_be_asked_about_a_webhook_it_should_come_again(
    connect: Any, sandbox: PayPalSandbox, webhook: RawWebhook
) -> None:
    sandbox.server.faulty = lambda request: "verify" in request.path
    sandbox.server.faults.append(Fault.UNAVAILABLE_503)
    with pytest.raises(ProviderError) as caught:
        connect(webhook_check="api").parse_webhook(webhook)
    assert caught.value.code is ErrorCode.UNAVAILABLE


# --- delivery --------------------------------------------------------------------------------------------


@pytest.fixture
def receiver() -> Iterator[tuple[str, list[RawWebhook]]]:
    """A host on this machine that takes webhooks in."""
    got: list[RawWebhook] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            got.append(RawWebhook(headers={name.lower(): text for name, text in self.headers.items()}, body=body))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}/webhooks/paypal", got
    server.shutdown()
    server.server_close()
    thread.join()


def test_webhooks_can_be_sent_to_a_host_and_come_twice(
    paypal: PayPal, sandbox: PayPalSandbox, webhook: RawWebhook, receiver: tuple[str, list[RawWebhook]]
) -> None:
    url, got = receiver
    again = sandbox.webhook(webhook.body)
    for sent in (webhook, webhook, again):
        assert send_webhook(url, sent.headers, sent.body) == 200
    assert [paypal.parse_webhook(one) for one in got] == [paypal.parse_webhook(webhook)] * 3


# --- PayPal's own signatures -----------------------------------------------------------------------------


def test_the_signed_text_is_the_one_that_paypal_documents() -> None:
    sent = Transmission(
        id="69cd13f0-d67a-11e5-baa3-778b53f4ae55",
        time="2016-02-18T20:01:35Z",
        signature="AA==",
        certificate="https://api.paypal.com/v1/notifications/certs/CERT-1",
        algorithm="SHA256withRSA",
    )
    body = b'{"id":"WH-1"}'
    assert sent.message("1JE4291016473214C", body) == (
        f"69cd13f0-d67a-11e5-baa3-778b53f4ae55|2016-02-18T20:01:35Z|1JE4291016473214C|{zlib.crc32(body)}".encode()
    )
    assert zlib.crc32(b"a") == 3904355907  # decimal, and never negative
