"""Every name of a payment at Stripe: the PaymentIntent, its charge, and the checkout session that it was paid with."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import attrs
import pytest

from retour.providers import ErrorCode, Mode, Money, ProviderError, Secret
from retour.sandbox import SandboxRequest, SandboxResponse
from retour_stripe.provider import MOST_SESSIONS, Stripe
from retour_stripe.sandbox import StripeSandbox

PAID = Money.of("40.00", "EUR")
SESSIONS = "/v1/checkout/sessions"


def paths(sandbox: StripeSandbox) -> Sequence[str]:
    return [request.path for request in sandbox.server.requests]


@pytest.mark.parametrize("asked, calls", [(0, 2), (1, 2), (2, 1)], ids=["payment", "charge", "checkout"])
def test_every_name_leads_to_all_of_them_by_one_question_more_than_it_takes_to_find_the_payment(
    sandbox: StripeSandbox, stripe: Stripe, asked: int, calls: int
) -> None:
    sandbox.check_out(PAID)
    names = sandbox.names(sandbox.check_out(PAID))
    assert [name[:3] for name in names] == ["pi_", "ch_", "cs_"]
    assert set(stripe.payment_names(names[asked])) == set(names)
    assert len(sandbox.server.requests) == calls


def test_a_payment_without_a_checkout_has_two_names_and_a_charge_of_old_one(
    sandbox: StripeSandbox, stripe: Stripe
) -> None:
    intent, old = sandbox.pay(PAID), sandbox.pay_by_charge(PAID)
    assert stripe.payment_names(f" {intent}\n") == (intent, sandbox.charge_of(intent))
    sandbox.server.requests.clear()
    assert stripe.payment_names(old) == (old,)
    assert paths(sandbox) == [f"/v1/charges/{old}"]


def test_what_is_not_paid_has_its_own_name_since_it_can_be_paid_yet(sandbox: StripeSandbox, stripe: Stripe) -> None:
    session, intent = sandbox.check_out(PAID, paid=False), sandbox.pay(PAID, status="requires_payment_method")
    assert stripe.payment_names(session) == (session,)
    assert stripe.payment_names(intent) == (intent,)


def test_a_restricted_key_that_may_not_read_checkouts_gives_what_it_may(
    sandbox: StripeSandbox, provider_with: Callable[..., Stripe]
) -> None:
    intent, charge, session = sandbox.names(sandbox.check_out(PAID))
    sandbox.restricted_from = ("checkout",)
    restricted = provider_with(sandbox, api_key=Secret(sandbox.restricted_key))
    assert restricted.payment_names(charge) == (charge, intent)
    with pytest.raises(ProviderError) as refused:
        restricted.payment_names(session)
    assert refused.value.code is ErrorCode.AUTHENTICATION


@pytest.mark.parametrize("name", ["pi_missing", "ch_missing", "py_missing", "cs_test_missing"])
def test_a_name_that_stripe_does_not_know_has_no_names(stripe: Stripe, name: str) -> None:
    assert stripe.payment_names(name) == ()


@pytest.mark.parametrize("name", ["", "tr_7UhSN1zuXS", "re_1Nispe", "PI_1", "pi_../../v1/charges", "pi_€", "cs_a/b"])
def test_a_name_that_no_payment_of_stripe_has_is_asked_of_nobody(
    sandbox: StripeSandbox, stripe: Stripe, name: str
) -> None:
    assert stripe.payment_names(name) == ()
    assert paths(sandbox) == []


def test_a_payment_of_the_other_mode_is_not_unknown(
    sandbox: StripeSandbox, provider_with: Callable[..., Stripe]
) -> None:
    """Stripe says that there is one, and that the key is wrong."""
    with pytest.raises(ProviderError) as refused:
        provider_with(sandbox, api_key=Secret(sandbox.other_mode_key)).payment_names(sandbox.pay(PAID))
    assert refused.value.code is ErrorCode.CONFIGURATION


@pytest.mark.parametrize(
    "status, body",
    [(403, b"<html>"), (404, b"<html>"), (500, b"{}"), (200, b"[]"), (200, b'{"object": "list"}')],
)
def test_sessions_that_cannot_be_read_are_not_sessions_that_are_not_there(
    sandbox: StripeSandbox, stripe: Stripe, status: int, body: bytes
) -> None:
    """A gateway's 403 is no word of Stripe about the key."""
    intent = sandbox.pay(PAID)
    handle = sandbox.server.handle

    def changed(request: SandboxRequest) -> SandboxResponse:
        answer = handle(request)
        return attrs.evolve(answer, status=status, body=body) if request.path == SESSIONS else answer

    sandbox.server.handle = changed
    with pytest.raises(ProviderError):
        stripe.payment_names(intent)


@pytest.mark.parametrize("change", [{"payment_intent": "pi_other"}, {"payment_intent": None}, {"livemode": True}])
def test_a_session_of_another_payment_or_mode_names_nothing(
    sandbox: StripeSandbox, stripe: Stripe, change: dict[str, object]
) -> None:
    intent, *_ = sandbox.names(sandbox.check_out(PAID))
    handle = sandbox.server.handle

    def changed(request: SandboxRequest) -> SandboxResponse:
        answer = handle(request)
        if request.path != SESSIONS:
            return answer
        return attrs.evolve(answer, body={**answer.body, "data": [{**answer.body["data"][0], **change}]})

    sandbox.server.handle = changed
    with pytest.raises(ProviderError):
        stripe.payment_names(intent)


def test_as_many_sessions_are_asked_for_as_are_named(sandbox: StripeSandbox, stripe: Stripe) -> None:
    intent, *_ = sandbox.names(sandbox.check_out(PAID))
    stripe.payment_names(intent)
    query = sandbox.server.requests[-1].query
    assert query == {"payment_intent": intent, "limit": str(MOST_SESSIONS)}


def test_the_sandbox_lists_the_checkouts_of_one_payment_or_all_the_newest_first(sandbox: StripeSandbox) -> None:
    first, second = sandbox.check_out(PAID), sandbox.check_out(PAID, paid=False)
    intent = sandbox.names(first)[0]

    def listed(**query: str) -> list[str]:
        headers = {"authorization": f"Bearer {sandbox.api_key}"}
        asked = SandboxRequest(method="GET", path=SESSIONS, query=query, headers=headers, body=b"")
        answer = sandbox.server.handle(asked)
        return [session["id"] for session in answer.body["data"]]

    assert listed() == [second, first]
    assert listed(limit="1") == [second]
    assert listed(payment_intent=intent) == [first]
    assert listed(payment_intent=sandbox.pay(PAID)) == []
    assert sandbox.mode is Mode.TEST
