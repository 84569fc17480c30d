"""Stripe's webhooks: believed when they are signed, now, with one of our secrets; never an exception but a refusal."""

from __future__ import annotations

import datetime
import hashlib
import hmac
import json
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retour.providers import (
    Mode,
    Money,
    RawWebhook,
    RefundRequest,
    RefundStatus,
    Secret,
    ToFetch,
    VerifiedEvents,
    WebhookRejected,
    WebhookUnreadable,
)
from retour.sandbox import SandboxRequest, SandboxResponse, SandboxServer, Step, send_webhook
from retour_stripe.provider import Stripe
from retour_stripe.sandbox import StripeSandbox
from retour_stripe.webhooks import check_signature, read_events

PAID = Money.of("94.95", "EUR")
OLD, NEW = "2024-04-10", "2024-10-28.acacia"

# computed by: printf '1700000000.{"id":"evt_1"}' | openssl dgst -sha256 -hmac whsec_test
SECRET = Secret("whsec_test")
SENT = 1_700_000_000
BODY = b'{"id":"evt_1"}'
SIGNATURE = "c89214b5b5da833daed6f0b8c5bb6bd58cea9022bd80ccc78230f3942d632925"

RefundOf = Callable[..., RefundRequest]


def check(
    header: str | None, *, body: bytes = BODY, secrets: tuple[Secret, ...] = (SECRET,), now: float = SENT
) -> None:
    headers = {} if header is None else {"stripe-signature": header}
    at = datetime.datetime.fromtimestamp(now, datetime.UTC)
    check_signature(RawWebhook(headers=headers, body=body), secrets, now=at)


def signed_by(sandbox: StripeSandbox, body: bytes) -> RawWebhook:
    """A webhook of any body, with a signature that is right."""
    sent = str(int(time.time()))
    digest = hmac.new(sandbox.webhook_secret.encode(), sent.encode() + b"." + body, hashlib.sha256).hexdigest()
    return RawWebhook(headers={"stripe-signature": f"t={sent},v1={digest}"}, body=body)


# --- the signature ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "header",
    [
        f"t={SENT},v1={SIGNATURE}",
        f"t={SENT},v1={'0' * 64},v1={SIGNATURE}",
        f"t={SENT},v1={SIGNATURE},v1=,v0=anything",
        f"v0={'0' * 64},v1={SIGNATURE},t={SENT}",
        f"t={SENT}, v1={SIGNATURE}",
        f"t={SENT},v1={SIGNATURE},v2=é",
    ],
)
def test_any_v1_that_matches_is_enough_and_other_schemes_are_ignored(header: str) -> None:
    check(header)


@pytest.mark.parametrize("secrets", [(SECRET,), (Secret("whsec_old"), SECRET), (SECRET, Secret("whsec_new"))])
def test_while_a_secret_is_replaced_both_are_good(secrets: tuple[Secret, ...]) -> None:
    check(f"t={SENT},v1={SIGNATURE}", secrets=secrets)


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        ",",
        "=",
        f"t={SENT}",
        f"v1={SIGNATURE}",
        f"t=,v1={SIGNATURE}",
        f"t={SENT},v0={SIGNATURE}",
        f"t={SENT},v1={SIGNATURE[:-1]}",
        f"t={SENT},v1={SIGNATURE[:-1]}4",
        f"t={SENT},v1={SIGNATURE.upper()}",
        f"t={SENT + 1},v1={SIGNATURE}",
        f"t={SENT},t={SENT},v1={SIGNATURE}",
        f"t=-{SENT},v1={SIGNATURE}",
        f"t={SENT}.0,v1={SIGNATURE}",
        f"t= {SENT},v1={SIGNATURE}",
        f"t=²,v1={SIGNATURE}",
        f"t={'9' * 5000},v1={SIGNATURE}",
        f"t={SENT},v1=é",
        f"t={SENT},v1=\ud800",
        f"t={SENT},v1={SIGNATURE}é",
        f"{SENT},{SIGNATURE}",
        "\x00",
    ],
)
def test_a_signature_that_is_wrong_malformed_or_not_ascii_is_refused(header: str | None) -> None:
    with pytest.raises(WebhookRejected):
        check(header)


@given(st.text() | st.text(alphabet="t=v1,0 9aé").map(lambda rest: f"t={SENT},v1={rest}"))
def test_no_header_raises_anything_but_a_refusal(header: str) -> None:
    with pytest.raises(WebhookRejected):
        check(header)


def test_one_changed_byte_of_the_body_is_refused() -> None:
    with pytest.raises(WebhookRejected):
        check(f"t={SENT},v1={SIGNATURE}", body=BODY + b"\n")


def test_without_a_secret_in_the_settings_every_webhook_is_refused() -> None:
    with pytest.raises(WebhookRejected, match="setting webhook_secrets is empty"):
        check(f"t={SENT},v1={SIGNATURE}", secrets=())


@pytest.mark.parametrize("late", [-300, -299.5, 0, 299.5, 300])
def test_a_signature_of_five_minutes_ago_or_ahead_is_good(late: float) -> None:
    check(f"t={SENT},v1={SIGNATURE}", now=SENT + late)


@pytest.mark.parametrize("late", [-301, -86400, 301, 86400])
def test_an_older_signature_is_refused_and_so_is_one_from_the_future(late: float) -> None:
    with pytest.raises(WebhookRejected, match="too old" if late > 0 else "from the future"):
        check(f"t={SENT},v1={SIGNATURE}", now=SENT + late)


# --- what they say ---------------------------------------------------------------------------------------


def events_of(sandbox: StripeSandbox, stripe: Stripe) -> list[tuple[str, VerifiedEvents | ToFetch]]:
    return [(event["type"], stripe.parse_webhook(sandbox.webhook(event))) for event in sandbox.events]


@pytest.fixture(params=[OLD, NEW])
def either(request: pytest.FixtureRequest, watch: Callable[[StripeSandbox], StripeSandbox]) -> Iterator[StripeSandbox]:
    """A sandbox whose webhook endpoint is of the version before, or since, ``refund.*`` is about all refunds."""
    with StripeSandbox(webhook_version=request.param) as made:
        yield watch(made)


def test_a_refund_that_fails_later_is_told_by_either_family(
    either: StripeSandbox, provider_with: Callable[..., Stripe], refund_of: RefundOf
) -> None:
    days = datetime.timedelta(days=3)
    either.plans.append([Step(status="succeeded"), Step(status="failed", after=days, reason="declined")])
    stripe = provider_with(either)
    request = refund_of(either.pay(PAID))
    made = stripe.refund(request)
    either.advance(days)
    failed = stripe.fetch_refund(request.target, made.reference)
    told = dict(events_of(either, stripe))
    new = ["refund.created", "refund.failed"] if either.webhook_version == NEW else []
    assert sorted(told) == sorted(["charge.refunded", "charge.refund.updated", *new])
    for kind, refund in {"refund.created": made, "refund.failed": failed, "charge.refund.updated": failed}.items():
        if kind in told:
            events = told[kind]
            assert isinstance(events, VerifiedEvents)
            [event] = events.events
            assert event.payments == (request.target, either.charge_of(request.target))
            assert event.refund == refund
            assert event.refund.refund_id == request.refund_id


def test_a_refunded_charge_does_not_list_its_refunds_and_is_fetched(
    either: StripeSandbox, provider_with: Callable[..., Stripe]
) -> None:
    reference = either.pay(PAID)
    either.refund_in_dashboard(reference, Money.of("10.00", "EUR"))
    told = dict(events_of(either, provider_with(either)))["charge.refunded"]
    assert told == ToFetch(targets=(reference, either.charge_of(reference)))
    for target in told.targets:
        assert len(provider_with(either).list_refunds(target)) == 1


def test_a_refund_of_a_charge_without_a_payment_intent_is_on_the_charge(
    watch: Callable[[StripeSandbox], StripeSandbox], provider_with: Callable[..., Stripe]
) -> None:
    with watch(StripeSandbox(webhook_version=NEW)) as sandbox:
        charge = sandbox.pay_by_charge(PAID)
        refund = sandbox.refund_in_dashboard(charge, PAID)
        told = dict(events_of(sandbox, provider_with(sandbox)))
        assert told["charge.refunded"] == ToFetch(targets=(charge,))
        events = told["refund.created"]
        assert isinstance(events, VerifiedEvents)
        [event] = events.events
        assert (event.payments, event.refund.reference) == ((charge,), refund)


def test_the_same_webhook_twice_is_the_same_event(sandbox: StripeSandbox, stripe: Stripe) -> None:
    refund = sandbox.refund_in_dashboard(sandbox.pay(PAID), PAID)
    sandbox.cancel_in_dashboard(refund)
    event = sandbox.events[-1]
    first, again = (stripe.parse_webhook(sandbox.webhook(event)) for _ in range(2))
    assert first == again
    assert isinstance(first, VerifiedEvents)
    assert {told.refund.status for told in first.events} == {RefundStatus.CANCELLED}


def test_our_own_key_is_in_the_event_of_our_own_refund(
    sandbox: StripeSandbox, stripe: Stripe, refund_of: RefundOf
) -> None:
    request = refund_of(sandbox.pay(PAID))
    stripe.refund(request)
    assert sandbox.events[-1]["request"]["idempotency_key"] == request.key


@pytest.mark.parametrize("kind", ["charge.succeeded", "payment_intent.succeeded", "refund", "payout.paid", ""])
def test_an_event_about_something_else_says_nothing(sandbox: StripeSandbox, stripe: Stripe, kind: str) -> None:
    sandbox.refund_in_dashboard(sandbox.pay(PAID), PAID)
    webhook = sandbox.webhook({**sandbox.events[-1], "type": kind})
    assert stripe.parse_webhook(webhook) == VerifiedEvents(events=())


def test_an_event_of_the_other_mode_says_nothing(sandbox: StripeSandbox, stripe: Stripe) -> None:
    sandbox.refund_in_dashboard(sandbox.pay(PAID), PAID)
    webhook = sandbox.webhook({**sandbox.events[-1], "livemode": True})
    assert stripe.parse_webhook(webhook) == VerifiedEvents(events=())
    assert isinstance(read_events(webhook.body, Mode.LIVE), ToFetch)


def test_a_refund_on_no_payment_says_nothing(sandbox: StripeSandbox, stripe: Stripe) -> None:
    sandbox.cancel_in_dashboard(sandbox.refund_in_dashboard(sandbox.pay(PAID), PAID))
    event = sandbox.events[-1]
    alone = {**event["data"]["object"], "charge": None, "payment_intent": None}
    webhook = sandbox.webhook({**event, "data": {"object": alone}})
    assert stripe.parse_webhook(webhook) == VerifiedEvents(events=())


@pytest.mark.parametrize(
    "change",
    [
        {"id": None},
        {"livemode": "false"},
        {"data": {}},
        {"data": {"object": []}},
        {"data": {"object": {"object": "charge"}}},
        {"object": "v2.core.event"},
        {"type": 1},
    ],
)
def test_a_signed_body_that_cannot_be_read_is_told_as_such(
    sandbox: StripeSandbox, stripe: Stripe, change: dict[str, Any]
) -> None:
    sandbox.cancel_in_dashboard(sandbox.refund_in_dashboard(sandbox.pay(PAID), PAID))
    with pytest.raises(WebhookUnreadable, match="not readable"):
        stripe.parse_webhook(sandbox.webhook({**sandbox.events[-1], **change}))


@pytest.mark.parametrize("change", [{"type": "refund.undone"}, {"type": "charge.refund.undone"}, {"amount": None}])
def test_what_cannot_be_read_of_a_refund_has_its_payment_fetched_and_is_told(
    sandbox: StripeSandbox, stripe: Stripe, change: dict[str, Any]
) -> None:
    sandbox.cancel_in_dashboard(sandbox.refund_in_dashboard(sandbox.pay(PAID), PAID))
    event = sandbox.events[-1]
    about = {**event["data"]["object"], **{name: value for name, value in change.items() if name == "amount"}}
    other = {**event, **change, "data": {"object": about}}
    told = stripe.parse_webhook(sandbox.webhook(other))
    assert isinstance(told, ToFetch)
    assert told.targets == (about["payment_intent"], about["charge"])
    assert other["type"] in told.unread
    alone = {**other, "data": {"object": {**about, "payment_intent": None, "charge": 7}}}
    with pytest.raises(WebhookUnreadable) as caught:
        stripe.parse_webhook(sandbox.webhook(alone))
    assert caught.value.event == event["id"]


@pytest.mark.parametrize("body", [b"", b"\xff", b"not json", b"[" * 100_000, b"1" * 5000, b'{"a": NaN', b"null"])
def test_a_signed_body_that_is_no_event_is_told_as_such(sandbox: StripeSandbox, stripe: Stripe, body: bytes) -> None:
    with pytest.raises(WebhookUnreadable):
        stripe.parse_webhook(signed_by(sandbox, body))


# --- delivery --------------------------------------------------------------------------------------------


def test_webhooks_reach_a_host_as_they_were_signed_and_are_taken_once(sandbox: StripeSandbox, stripe: Stripe) -> None:
    got: list[tuple[str, VerifiedEvents | ToFetch]] = []

    def receive(request: SandboxRequest) -> SandboxResponse:
        webhook = RawWebhook(headers=request.headers, body=request.body)
        got.append((json.loads(request.body)["type"], stripe.parse_webhook(webhook)))
        return SandboxResponse(status=200)

    sandbox.cancel_in_dashboard(sandbox.refund_in_dashboard(sandbox.pay(PAID), PAID))
    with SandboxServer(receive) as host:
        for webhook in sandbox.take_webhooks():
            assert send_webhook(f"{host.url}/hook", webhook.headers, webhook.body) == 200
        assert {request.path for request in host.requests} == {"/hook"}
    assert got == events_of(sandbox, stripe)
    assert [kind for kind, _ in got] == ["charge.refunded", "charge.refund.updated"]
    assert sandbox.take_webhooks() == []
