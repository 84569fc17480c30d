"""Mollie's webhooks: the classic hint and the signed event."""

from __future__ import annotations

import datetime
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retour.providers import (
    Mode,
    Money,
    Payment,
    RawWebhook,
    RefundRequest,
    RefundStatus,
    Secret,
    ToFetch,
    VerifiedEvents,
    WebhookRejected,
    WebhookUnreadable,
    hmac_sha256,
)
from retour.sandbox import SandboxWebhook, send_webhook
from retour_mollie import webhooks
from retour_mollie.provider import Mollie
from retour_mollie.sandbox import MollieSandbox

RequestFor = Callable[..., RefundRequest]
ProviderWith = Callable[..., Mollie]

SECRET = Secret("VpQ3WukU6uSCGQ8TPTD3WPDpac3GyNEj")
OLD = Secret("an-older-secret")
FORM = {"content-type": "application/x-www-form-urlencoded"}
HOURS_3 = datetime.timedelta(hours=3)


def read(headers: dict[str, str], body: bytes, *secrets: Secret, mode: Mode = Mode.TEST) -> VerifiedEvents | ToFetch:
    return webhooks.parse(RawWebhook(headers=headers, body=body), secrets, mode)


def event(kind: str = "refund.refunded", **changes: Any) -> dict[str, Any]:
    """A next-gen event with a refund in it."""
    entity = {
        "resource": "refund",
        "id": "re_1",
        "mode": "test",
        "amount": {"currency": "EUR", "value": "5.95"},
        "status": "refunded",
        "metadata": {"refund_id": "rf_1"},
        "paymentId": "tr_1",
        "createdAt": "2026-11-23T10:00:00+00:00",
    }
    return {"resource": "event", "id": "event_1", "type": kind, "_embedded": {"entity": entity | changes}}


def signed(body: bytes, secret: Secret = SECRET, prefix: str = "sha256=") -> dict[str, str]:
    return {"content-type": "application/json", "x-mollie-signature": prefix + hmac_sha256(body, secret)}


# --- classic ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("content_type", [FORM["content-type"], "Application/X-WWW-Form-Urlencoded; charset=utf-8"])
@pytest.mark.parametrize("named", ["tr_5B8cwPMGnU6qLbRvo7qEZo", "ord_kEn1PlbGa"])
def test_a_classic_webhook_is_only_a_hint_to_fetch_its_payment_or_order(content_type: str, named: str) -> None:
    assert read({"content-type": content_type}, f"id={named}".encode(), SECRET) == ToFetch(targets=(named,))


@pytest.mark.parametrize(
    "named", ["sub_1", "pl_1", "re_1", "tr_", "ord_", "ord_1/../2", "tr_1/../2", "tr_%00", "tr_%C3%A9", "TR_1", "1"]
)
def test_an_id_of_something_else_is_answered_and_hints_at_nothing(named: str) -> None:
    """A refusal would make Mollie send it nine times more (webhooks.rst: answer 200 for unknown ids too)."""
    assert read(FORM, f"id={named}".encode()) == ToFetch(targets=())


@pytest.mark.parametrize(
    "body", [b"", b"id", b"id=", b"tr_1", b"id=tr_1&id=tr_2", b"id=tr_\xc3\xa9", b"a=b", b"&" * 99]
)
def test_a_form_without_one_id_is_rejected(body: bytes) -> None:
    with pytest.raises(WebhookRejected):
        read(FORM, body)


@pytest.mark.parametrize("content_type", [None, "", "application/json", "text/plain"])
def test_a_webhook_without_a_signature_is_a_classic_one_only_if_it_is_a_form(content_type: str | None) -> None:
    headers = {} if content_type is None else {"content-type": content_type}
    for body in (b"id=tr_1", json.dumps(event()).encode()):
        with pytest.raises(WebhookRejected):
            read(headers, body, SECRET)


# --- signed ----------------------------------------------------------------------------------------------


def test_a_signed_event_says_how_a_refund_is() -> None:
    body = json.dumps(event()).encode()
    told = read(signed(body), body, SECRET)
    assert isinstance(told, VerifiedEvents)
    [refund_event] = told.events
    assert (refund_event.event_id, refund_event.refund.target) == ("event_1", "tr_1")
    assert (refund_event.refund.reference, refund_event.refund.refund_id) == ("re_1", "rf_1")
    assert refund_event.refund.status is RefundStatus.SUCCEEDED
    assert refund_event.refund.amount == Money.of("5.95", "EUR")


def test_the_signature_is_the_hex_hmac_sha256_of_the_raw_body() -> None:
    """Computed by: printf '%s' '{}' | openssl dgst -sha256 -hmac Jefe"""
    given = {"x-mollie-signature": "sha256=7bb7ae87018c3fb8b9be866ac39dea2bcc1ad2c907c314bbcad059bdeee591d6"}
    with pytest.raises(WebhookRejected, match="signed, but"):
        read(given, b"{}", Secret("Jefe"))


@pytest.mark.parametrize("prefix", ["sha256=", ""])
def test_the_prefix_of_a_signature_may_be_missing(prefix: str) -> None:
    body = json.dumps(event()).encode()
    assert isinstance(read(signed(body, prefix=prefix), body, SECRET), VerifiedEvents)


@pytest.mark.parametrize("secret", [SECRET, OLD])
def test_old_and_new_secret_are_taken_while_one_replaces_the_other(secret: Secret) -> None:
    body = json.dumps(event()).encode()
    assert isinstance(read(signed(body, secret), body, SECRET, OLD), VerifiedEvents)


def test_one_good_signature_among_several_is_enough() -> None:
    body = json.dumps(event()).encode()
    both = f"sha256={'0' * 64}, {signed(body)['x-mollie-signature']}"
    assert isinstance(read({"x-mollie-signature": both}, body, SECRET), VerifiedEvents)


@pytest.mark.parametrize(
    "header", ["", " ", ",", "sha256=", "sha256", "0" * 64, "sha256=" + "0" * 64, "é", "\ud800", "\x00", "sha1=x"]
)
def test_a_signature_that_is_none_of_ours_is_rejected_even_an_empty_one(header: str) -> None:
    body = json.dumps(event()).encode()
    with pytest.raises(WebhookRejected):
        read({"x-mollie-signature": header} | FORM, body, SECRET)
    with pytest.raises(WebhookRejected):
        read({"x-mollie-signature": header} | FORM, b"id=tr_1", SECRET)


def test_without_a_secret_no_signed_webhook_is_believed() -> None:
    body = json.dumps(event()).encode()
    with pytest.raises(WebhookRejected, match="setting webhook_secrets is empty"):
        read(signed(body), body)


def test_one_changed_byte_is_rejected() -> None:
    body = json.dumps(event()).encode()
    headers = signed(body)
    for position in range(len(body)):
        changed = body[:position] + bytes([body[position] ^ 1]) + body[position + 1 :]
        with pytest.raises(WebhookRejected):
            read(headers, changed, SECRET)


def test_the_signature_of_another_secret_is_rejected() -> None:
    body = json.dumps(event()).encode()
    with pytest.raises(WebhookRejected):
        read(signed(body, OLD), body, SECRET)


@pytest.mark.parametrize(
    "told",
    [
        event("payment.paid"),
        event("payment-link.paid"),
        event("something.new"),
        event() | {"_embedded": None},
        {name: value for name, value in event().items() if name != "_embedded"},
        event(mode="live"),
    ],
)
def test_an_event_about_something_else_or_the_other_mode_says_nothing(told: dict[str, Any]) -> None:
    body = json.dumps(told).encode()
    assert read(signed(body), body, SECRET) == VerifiedEvents(events=())


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"\xff",
        b"[]",
        b"null",
        b"[" * 100_000,
        b"id=tr_1",
        b'{"id": 1, "type": "refund.failed"}',
        json.dumps(event(amount=None)).encode(),
        json.dumps(event(amount={"currency": "EUR", "value": "NaN"})).encode(),
        json.dumps(event(createdAt="0001-01-01T00:00:00+14:00")).encode(),
    ],
)
def test_what_is_signed_and_cannot_be_read_is_told_as_such_and_what_is_not_signed_is_rejected(body: bytes) -> None:
    with pytest.raises(WebhookUnreadable, match="signed, but"):
        read(signed(body), body, SECRET)
    with pytest.raises(WebhookRejected) as caught:
        read({"x-mollie-signature": "sha256=" + "0" * 64}, body, SECRET)
    assert not isinstance(caught.value, WebhookUnreadable)


@given(
    headers=st.dictionaries(st.sampled_from(["content-type", "x-mollie-signature"]), st.text()),
    body=st.binary() | st.text().map(lambda words: words.encode(errors="replace")),
)
def test_whatever_comes_in_is_a_hint_or_rejected(headers: dict[str, str], body: bytes) -> None:
    for sent in (headers, FORM):
        with suppress(WebhookRejected):
            assert isinstance(read(sent, body, SECRET), ToFetch)


# --- from the sandbox ------------------------------------------------------------------------------------


def received(webhook: SandboxWebhook) -> RawWebhook:
    """A webhook as a host receives it."""
    return RawWebhook(headers=webhook.headers, body=webhook.body)


def events_of(sandbox: MollieSandbox) -> list[SandboxWebhook]:
    """The signed webhooks that nobody took yet."""
    return [webhook for webhook in sandbox.take_webhooks() if "x-mollie-signature" in webhook.headers]


def test_an_event_says_the_same_as_the_api(
    mollie: Mollie, sandbox: MollieSandbox, provider_with: ProviderWith, request_for: RequestFor
) -> None:
    sandbox.subscribe("http://127.0.0.1/", SECRET.reveal())
    sent = mollie.refund(request_for())
    listening = provider_with(webhook_secrets=(SECRET,))
    for step in (datetime.timedelta(0), datetime.timedelta(hours=2), datetime.timedelta(days=1)):
        sandbox.advance(step)
        [webhook] = events_of(sandbox)
        told = listening.parse_webhook(received(webhook))
        assert isinstance(told, VerifiedEvents)
        assert told.events[0].refund == mollie.fetch_refund(request_for().target, sent.reference)


@pytest.mark.parametrize("webhook_url", ["http://127.0.0.1/", ""])
def test_the_classic_webhook_comes_when_a_refund_goes_out_arrives_or_fails_and_not_before(
    mollie: Mollie, sandbox: MollieSandbox, request_for: RequestFor, webhook_url: str
) -> None:
    target = sandbox.pay(Money.of("94.95", "EUR"), webhook_url=webhook_url)
    sent = mollie.refund(request_for(target=target))
    cancelled = mollie.refund(request_for("10.00", 2, target=target))
    mollie.cancel_refund(target, cancelled.reference)
    assert sandbox.take_webhooks() == []
    for happens in (
        lambda: sandbox.advance(2 * HOURS_3 / 3),
        lambda: sandbox.advance(8 * HOURS_3),
        lambda: sandbox.fail(sent.reference),
    ):
        happens()
        [webhook] = sandbox.take_webhooks()
        assert webhook.url == webhook_url
        assert mollie.parse_webhook(received(webhook)) == ToFetch(targets=(target,))


@pytest.fixture
def host() -> Iterator[tuple[str, list[RawWebhook]]]:
    """A host that keeps the webhooks it gets: its address, and what came."""
    came: list[RawWebhook] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            headers = {name.lower(): value for name, value in self.headers.items()}
            came.append(RawWebhook(headers=headers, body=self.rfile.read(int(headers["content-length"]))))
            self.send_response(200)
            self.end_headers()

        def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002 - the base class's name
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}/webhooks/mollie", came
        server.shutdown()
        thread.join()


def test_webhooks_reach_a_host_twice_and_in_the_wrong_order(
    mollie: Mollie,
    sandbox: MollieSandbox,
    provider_with: ProviderWith,
    request_for: RequestFor,
    host: tuple[str, list[RawWebhook]],
) -> None:
    address, came = host
    sandbox.subscribe(address, SECRET.reveal())
    mollie.refund(request_for())
    sandbox.advance(datetime.timedelta(days=2))
    for webhook in reversed(events_of(sandbox)):
        assert webhook.url == address
        for _ in range(2):
            assert send_webhook(webhook.url, webhook.headers, webhook.body) == 200
    assert sandbox.take_webhooks() == []

    listening = provider_with(webhook_secrets=(OLD, SECRET))
    told = [listening.parse_webhook(webhook) for webhook in came]
    events = [event for one in told if isinstance(one, VerifiedEvents) for event in one.events]
    assert [event.refund.provider_status for event in events[::2]] == ["refunded", "processing", "pending"]
    assert [event.event_id for event in events[::2]] == [event.event_id for event in events[1::2]]
    assert len({event.event_id for event in events}) == 3


def test_settings_without_a_subscription_verify_the_events_of_a_later_one(
    sandbox: MollieSandbox, provider_with: ProviderWith, paid: Payment
) -> None:
    listening = provider_with(webhook_secrets=tuple(Secret(one) for one in sandbox.settings["webhook_secrets"]))
    sandbox.subscribe()
    refund = sandbox.refund_in_dashboard(paid.reference, Money.of("1.00", "EUR"))
    [webhook] = events_of(sandbox)
    told = listening.parse_webhook(received(webhook))
    assert isinstance(told, VerifiedEvents)
    assert [event.refund.reference for event in told.events] == [refund]
