"""Every name of a payment at PayPal: the capture and its order, in every spelling that a shop can have stored."""

from __future__ import annotations

from typing import Any

import attrs
import pytest

from retour.providers import ErrorCode, Money, ProviderError
from retour.sandbox import SandboxRequest, SandboxResponse
from retour_paypal.provider import MOST_CAPTURES, PayPal
from retour_paypal.sandbox import PayPalSandbox

PAID = Money.of("40.00", "EUR")
UNKNOWN = "3C679366HH908993F"


def reads(sandbox: PayPalSandbox) -> list[str]:
    """What was asked about since the last time, in order: captures, orders."""
    asked = [request.path.split("/")[3] for request in sandbox.server.requests if request.method == "GET"]
    sandbox.server.requests.clear()
    return asked


@pytest.mark.parametrize(
    "asked, calls",
    [
        ("{capture}", ["captures"]),
        ("capture:{capture}", ["captures"]),
        ("order:{order}", ["orders"]),
        ("{order}", ["captures", "orders"]),
        (" ORDER : {small}\n", ["orders"]),
    ],
)
@pytest.mark.parametrize("reference_is", ["capture", "order"])
def test_every_spelling_of_a_capture_and_its_order_leads_to_all_of_them(
    connect: Any, sandbox: PayPalSandbox, asked: str, calls: list[str], reference_is: str
) -> None:
    sandbox.pay(PAID)
    capture = sandbox.pay(PAID)
    order = sandbox.order_of(capture)
    paypal: PayPal = connect(reference_is=reference_is)
    names = paypal.payment_names(asked.format(capture=capture, order=order, small=order.lower()))
    assert set(names) == {capture, f"capture:{capture}", order, f"order:{order}"}
    assert reads(sandbox) == calls


def test_a_capture_that_does_not_say_its_order_has_its_own_name(paypal: PayPal, sandbox: PayPalSandbox) -> None:
    capture = sandbox.pay(PAID, names_order=False)
    assert paypal.payment_names(capture) == [capture, f"capture:{capture}"]


def test_a_capture_says_its_order_by_a_link_only(paypal: PayPal, sandbox: PayPalSandbox) -> None:
    capture = sandbox.pay(PAID)
    handle = sandbox.server.handle

    def brief(request: SandboxRequest) -> SandboxResponse:
        answer = handle(request)
        body = {name: value for name, value in answer.body.items() if name != "supplementary_data"}
        return attrs.evolve(answer, body=body)

    sandbox.server.handle = brief
    assert f"order:{sandbox.order_of(capture)}" in paypal.payment_names(capture)


def test_an_order_of_several_captures_names_those_that_are_payments_and_each_names_no_other(
    paypal: PayPal, sandbox: PayPalSandbox
) -> None:
    one = sandbox.pay(PAID)
    order = sandbox.order_of(one)
    declined, other = sandbox.pay(PAID, order=order, status="DECLINED"), sandbox.pay(PAID, order=order)
    names = paypal.payment_names(f"order:{order}")
    assert {order, one, other} < set(names)
    assert declined not in names
    assert other not in paypal.payment_names(one)


def test_of_an_order_of_a_thousand_captures_some_are_named(paypal: PayPal, sandbox: PayPalSandbox) -> None:
    order = sandbox.order_of(sandbox.pay(PAID))
    for _ in range(999):
        sandbox.pay(PAID, order=order)
    assert len(paypal.payment_names(f"order:{order}")) == 2 + 2 * MOST_CAPTURES
    assert reads(sandbox) == ["orders"]


@pytest.mark.parametrize(
    "name, calls",
    [(UNKNOWN, ["captures", "orders"]), (f"capture:{UNKNOWN}", ["captures"]), (f"order:{UNKNOWN}", ["orders"])],
)
def test_a_name_that_paypal_does_not_know_has_no_names(
    paypal: PayPal, sandbox: PayPalSandbox, name: str, calls: list[str]
) -> None:
    assert paypal.payment_names(name) == ()
    assert reads(sandbox) == calls


@pytest.mark.parametrize("name", ["", ":", "order:", "INV-42", "tr_7UhSN1zuXS", "../v1/oauth2", "é", "order:order:1"])
def test_a_name_that_no_payment_of_paypal_has_is_asked_of_nobody(
    paypal: PayPal, sandbox: PayPalSandbox, name: str
) -> None:
    assert paypal.payment_names(name) == ()
    assert sandbox.server.requests == []


def test_what_goes_wrong_is_no_name_that_nobody_has(connect: Any, sandbox: PayPalSandbox) -> None:
    capture = sandbox.pay(PAID)
    with pytest.raises(ProviderError) as refused:
        connect(client_secret="wrong").payment_names(capture)
    assert refused.value.code is ErrorCode.AUTHENTICATION
    handle = sandbox.server.handle

    def gateway(request: SandboxRequest) -> SandboxResponse:
        answer = handle(request)
        return attrs.evolve(answer, status=404, body=b"<html>") if request.method == "GET" else answer

    sandbox.server.handle = gateway
    with pytest.raises(ProviderError) as unreadable:
        connect().payment_names(capture)
    assert unreadable.value.code is ErrorCode.UNREADABLE_ANSWER


@pytest.mark.parametrize("kind", ["capture", "order"])
def test_the_answer_to_another_question_names_nothing(paypal: PayPal, sandbox: PayPalSandbox, kind: str) -> None:
    one, other = sandbox.pay(PAID), sandbox.pay(PAID)
    if kind == "order":
        one, other = sandbox.order_of(one), sandbox.order_of(other)
    paypal.payment_names(f"{kind}:{other}")
    [asked] = [request for request in sandbox.server.requests if request.method == "GET"]
    answer = sandbox.server.handle(asked)
    sandbox.server.handle = lambda _: answer
    with pytest.raises(ProviderError, match=f"about another {kind}"):
        paypal.payment_names(f"{kind}:{one}")
