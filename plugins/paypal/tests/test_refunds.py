"""Refunds by PayPal's API, against the sandbox: sent once, found again, and never another's."""

from __future__ import annotations

import datetime
import json
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import attrs
import pytest

from retour.providers import Disposition, ErrorCode, Mode, Money, ProviderError, RefundStatus, Support
from retour.sandbox import Fault, SandboxRequest, SandboxResponse
from retour_paypal.provider import PayPal
from retour_paypal.sandbox import PayPalSandbox

EUR = "EUR"
DAY = datetime.timedelta(days=1)
HELD_BACK = (Fault.SILENT_AFTER, Fault.TRICKLE_AFTER)


def eur(amount: str) -> Money:
    return Money.of(amount, EUR)


@pytest.fixture
def capture(sandbox: PayPalSandbox) -> str:
    return sandbox.pay(eur("94.95"))


def sent(sandbox: PayPalSandbox) -> list[SandboxRequest]:
    """The refunds that reached PayPal."""
    return [request for request in sandbox.server.requests if request.path.endswith("/refund")]


def answering(sandbox: PayPalSandbox, change: Any) -> None:
    """Let the sandbox answer with something else: ``change`` gets the JSON of every answer to a refund or a read."""
    handle = sandbox.server.handle

    def changed(request: SandboxRequest) -> SandboxResponse:
        response = handle(request)
        if not request.path.startswith("/v2/"):
            return response
        return SandboxResponse(status=response.status, body=change(request, json.loads(response.encoded())))

    sandbox.server.handle = changed


# --- the happy flow --------------------------------------------------------------------------------------


def test_a_refund_is_sent_fetched_found_and_listed(paypal: PayPal, capture: str, a: Any) -> None:
    before = paypal.refundable(a.payment(capture))
    assert (before.target, before.remaining, before.possible) == (capture, eur("94.95"), True)

    request = a.request(before.target)
    made = paypal.refund(request)
    assert (made.status, made.amount, made.provider_status) == (RefundStatus.SUCCEEDED, eur("44.95"), "COMPLETED")
    assert made.refund_id == request.refund_id
    assert made.created_at is not None

    assert paypal.fetch_refund(capture, made.reference) == made
    assert paypal.find_refund(request) == made
    assert list(paypal.list_refunds(capture)) == [made]
    assert paypal.refundable(a.payment(capture)).remaining == eur("50.00")


def test_the_same_request_is_always_the_same_bytes_and_headers(
    paypal: PayPal, connect: Any, sandbox: PayPalSandbox, capture: str, a: Any
) -> None:
    paypal.refund(a.request(capture))
    paypal.refund(a.request(capture))
    connect().refund(a.request(capture))
    bodies = {request.body for request in sent(sandbox)}
    assert bodies == {
        b'{"amount":{"currency_code":"EUR","value":"44.95"},'
        b'"custom_id":"rf01JD3MZ8000000000000000001","note_to_payer":"Retour 1001"}'
    }
    names = ("paypal-request-id", "prefer", "content-type")
    assert {tuple(request.headers[name] for name in names) for request in sent(sandbox)} == {
        ("rf01JD3MZ8000000000000000001.refund", "return=representation", "application/json")
    }


def test_a_refund_is_sent_from_its_request_alone(paypal: PayPal, sandbox: PayPalSandbox, capture: str, a: Any) -> None:
    paypal.refund(a.request(capture))
    assert [request.method for request in sandbox.server.requests] == ["POST", "POST"]  # the token, the refund


def test_a_full_refund_names_its_amount_too(paypal: PayPal, sandbox: PayPalSandbox, capture: str, a: Any) -> None:
    paypal.refund(a.request(capture, "94.95"))
    assert json.loads(sent(sandbox)[0].body)["amount"]["value"] == "94.95"
    assert paypal.refundable(a.payment(capture)).possible is False


@pytest.mark.parametrize("amount, currency", [("1200", "JPY"), ("1200", "HUF"), ("7", "TWD")])
def test_a_currency_without_decimals_at_paypal_is_sent_without_and_comes_back_whole(
    paypal: PayPal, sandbox: PayPalSandbox, a: Any, amount: str, currency: str
) -> None:
    capture = sandbox.pay(Money.of("5000", currency))
    assert paypal.refund(a.request(capture, amount, currency=currency)).amount == Money.of(amount, currency)
    assert json.loads(sent(sandbox)[0].body)["amount"] == {"currency_code": currency, "value": amount}


def test_an_amount_that_paypal_cannot_write_is_not_sent(paypal: PayPal, sandbox: PayPalSandbox, a: Any) -> None:
    capture = sandbox.pay(Money.of("5000", "HUF"))
    with pytest.raises(ProviderError) as caught:
        paypal.refund(a.request(capture, "10.50", currency="HUF"))
    assert caught.value.disposition is Disposition.FINAL
    assert sent(sandbox) == []


@pytest.mark.parametrize(
    "description, note",
    [("Retour 1001\nline two\t!", "Retour 1001 line two !"), ("x" * 400, "x" * 255), ("  ", None), ("\ud800?", "??")],
)
def test_a_note_to_the_payer_is_one_line_of_at_most_255_characters_or_left_out(
    paypal: PayPal, sandbox: PayPalSandbox, capture: str, a: Any, description: str, note: str | None
) -> None:
    paypal.refund(attrs.evolve(a.request(capture), description=description))
    assert json.loads(sent(sandbox)[0].body).get("note_to_payer") == note


# --- once, and only once ---------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [200, 201])
def test_the_same_key_twice_is_one_refund(
    paypal: PayPal, sandbox: PayPalSandbox, capture: str, a: Any, status: int
) -> None:
    sandbox.replay_status = status
    assert paypal.refund(a.request(capture)) == paypal.refund(a.request(capture))
    assert len(paypal.list_refunds(capture)) == 1


def test_two_refunds_of_the_same_amount_are_two_refunds(paypal: PayPal, capture: str, a: Any) -> None:
    first = paypal.refund(a.request(capture, "10.00", number=1))
    second = paypal.refund(a.request(capture, "10.00", number=2))
    assert first.reference != second.reference
    assert paypal.find_refund(a.request(capture, "10.00", number=2)) == second
    assert len(paypal.list_refunds(capture)) == 2


@pytest.mark.parametrize(
    "fault", [Fault.SILENT_AFTER, Fault.CUT_AFTER, Fault.TRICKLE_AFTER, Fault.NO_JSON_AFTER, Fault.ERROR_500_AFTER]
)
def test_a_refund_whose_answer_was_lost_is_found_and_the_same_request_is_the_same_refund(
    paypal: PayPal, hasty: PayPal, sandbox: PayPalSandbox, capture: str, a: Any, fault: Fault
) -> None:
    sandbox.server.faults.append(fault)
    with pytest.raises(ProviderError) as caught:
        (hasty if fault in HELD_BACK else paypal).refund(a.request(capture))
    assert caught.value.disposition is Disposition.RECONCILE
    found = paypal.find_refund(a.request(capture))
    assert found is not None
    assert paypal.refund(a.request(capture)) == found
    assert len(paypal.list_refunds(capture)) == 1


FAULTS = {
    Fault.REFUSED_429: (ErrorCode.RATE_LIMITED, Disposition.RETRY),
    Fault.ERROR_500_BEFORE: (ErrorCode.UNAVAILABLE, Disposition.RECONCILE),
    Fault.ERROR_500_AFTER: (ErrorCode.UNAVAILABLE, Disposition.RECONCILE),
    Fault.UNAVAILABLE_503: (ErrorCode.UNAVAILABLE, Disposition.RECONCILE),
    Fault.CUT_BEFORE: (ErrorCode.OUTCOME_UNKNOWN, Disposition.RECONCILE),
    Fault.CUT_AFTER: (ErrorCode.OUTCOME_UNKNOWN, Disposition.RECONCILE),
    Fault.SILENT_AFTER: (ErrorCode.OUTCOME_UNKNOWN, Disposition.RECONCILE),
    Fault.TRICKLE_AFTER: (ErrorCode.OUTCOME_UNKNOWN, Disposition.RECONCILE),
    Fault.NO_JSON_AFTER: (ErrorCode.UNREADABLE_ANSWER, Disposition.RECONCILE),
}


@pytest.mark.parametrize("fault", Fault)
def test_every_fault_means_the_right_thing_for_the_money(
    paypal: PayPal, hasty: PayPal, sandbox: PayPalSandbox, capture: str, a: Any, fault: Fault
) -> None:
    sandbox.server.faults.append(fault)
    with pytest.raises(ProviderError) as caught:
        (hasty if fault in HELD_BACK else paypal).refund(a.request(capture))
    assert (caught.value.code, caught.value.disposition) == FAULTS[fault]
    assert paypal.refund(a.request(capture)).status is RefundStatus.SUCCEEDED
    assert len(paypal.list_refunds(capture)) == 1


def test_a_server_that_is_not_there_got_nothing(connect: Any, sandbox: PayPalSandbox, capture: str, a: Any) -> None:
    paypal = connect()
    paypal.check_settings()
    sandbox.server.stop()
    with ThreadPoolExecutor(1) as thread:  # which has no connection open yet
        error = thread.submit(paypal.refund, a.request(capture)).exception()
    assert isinstance(error, ProviderError)
    assert (error.code, error.disposition) == (ErrorCode.NOT_SENT, Disposition.RETRY)


def test_a_key_is_known_for_45_days(paypal: PayPal, sandbox: PayPalSandbox, capture: str, a: Any) -> None:
    first = paypal.refund(a.request(capture, "10.00"))
    sandbox.advance(44 * DAY)
    assert paypal.refund(a.request(capture, "10.00")) == first
    sandbox.advance(2 * DAY)
    assert paypal.refund(a.request(capture, "10.00")).reference != first.reference
    assert paypal.capabilities.idempotency is not None
    assert paypal.capabilities.idempotency.window == 45 * DAY


def test_a_repeat_gives_the_latest_status(paypal: PayPal, sandbox: PayPalSandbox, capture: str, a: Any) -> None:
    sandbox.refunds_take = 3 * DAY
    assert paypal.refund(a.request(capture)).status is RefundStatus.PENDING
    sandbox.advance(4 * DAY)
    assert paypal.refund(a.request(capture)).status is RefundStatus.SUCCEEDED


def test_a_key_that_was_used_for_another_refund_is_never_taken_for_this_one(
    paypal: PayPal, capture: str, a: Any
) -> None:
    paypal.refund(a.request(capture, "10.00"))
    for other in (a.request(capture, "20.00"), attrs.evolve(a.request(capture, "10.00"), refund_id="rf2")):
        with pytest.raises(ProviderError) as caught:
            paypal.refund(other)
        assert (caught.value.code, caught.value.disposition) == (ErrorCode.KEY_REUSED, Disposition.RECONCILE)


def test_a_brief_answer_is_completed_by_reading_the_refund(
    paypal: PayPal, sandbox: PayPalSandbox, capture: str, a: Any
) -> None:
    def brief(request: SandboxRequest, body: dict[str, Any]) -> dict[str, Any]:
        return {name: body[name] for name in ("id", "status", "links")} if request.method == "POST" else body

    answering(sandbox, brief)
    assert paypal.refund(a.request(capture)).amount == eur("44.95")


def test_a_refund_that_was_made_and_cannot_be_read_is_unclear(
    paypal: PayPal, sandbox: PayPalSandbox, capture: str, a: Any
) -> None:
    answering(sandbox, lambda request, body: {**body, "amount": None, "id": f"X{body['id'][1:]}"})
    with pytest.raises(ProviderError) as caught:
        paypal.refund(a.request(capture))
    assert (caught.value.code, caught.value.disposition) == (ErrorCode.UNREADABLE_ANSWER, Disposition.RECONCILE)


@pytest.mark.parametrize(
    "change, path",
    [
        ({"id": None}, "$.id"),
        ({"status": 1}, "$.status"),
        ({"amount": {"currency_code": "EUR", "value": 44.95}}, "$.amount"),
        ({"amount": {"currency_code": "EUR", "value": "1e3"}}, "decimal"),
        ({"amount": {"currency_code": "EUR", "value": "١٢"}}, "decimal"),
        ({"amount": {"currency_code": "EUR", "value": "44.951"}}, "decimals"),
        ({"amount": {"currency_code": "XXX", "value": "44.95"}}, "in none"),
        ({"create_time": "yesterday"}, "$.create_time"),
    ],
)
def test_an_answer_that_cannot_be_read_after_a_refund_was_made_is_unclear(
    paypal: PayPal, sandbox: PayPalSandbox, capture: str, a: Any, change: dict[str, Any], path: str
) -> None:
    answering(sandbox, lambda request, body: body | change)
    with pytest.raises(ProviderError, match=path.replace("$", r"\$")) as caught:
        paypal.refund(a.request(capture))
    assert (caught.value.code, caught.value.disposition) == (ErrorCode.UNREADABLE_ANSWER, Disposition.RECONCILE)


def test_fields_that_we_do_not_know_and_a_status_that_we_do_not_know_do_no_harm(
    paypal: PayPal, sandbox: PayPalSandbox, capture: str, a: Any
) -> None:
    answering(sandbox, lambda request, body: body | {"status": "SETTLING", "new": {"field": [1.5]}})
    made = paypal.refund(a.request(capture))
    assert (made.status, made.provider_status) == (RefundStatus.PENDING, "SETTLING")


# --- the token -------------------------------------------------------------------------------------------


def tokens(sandbox: PayPalSandbox) -> int:
    return sum(request.path == "/v1/oauth2/token" for request in sandbox.server.requests)


def test_one_token_serves_all_threads(paypal: PayPal, sandbox: PayPalSandbox, capture: str, a: Any) -> None:
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda number: paypal.refund(a.request(capture, "1.00", number=number)), range(16)))
    assert tokens(sandbox) == 1
    assert len(paypal.list_refunds(capture)) == 16


def test_a_token_that_paypal_no_longer_knows_is_renewed_once_and_the_refund_made_once(
    paypal: PayPal, sandbox: PayPalSandbox, capture: str, a: Any
) -> None:
    paypal.check_settings()
    sandbox.revoke_tokens()
    paypal.refund(a.request(capture))
    assert tokens(sandbox) == 2
    assert len(paypal.list_refunds(capture)) == 1


def test_a_token_that_expired_is_renewed(paypal: PayPal, sandbox: PayPalSandbox, capture: str, a: Any) -> None:
    paypal.refund(a.request(capture))
    sandbox.advance(DAY)
    assert paypal.refund(a.request(capture)).status is RefundStatus.SUCCEEDED


def test_many_threads_with_a_revoked_token_renew_it_once(paypal: PayPal, sandbox: PayPalSandbox, capture: str) -> None:
    paypal.check_settings()
    sandbox.revoke_tokens()
    ready = threading.Barrier(6)

    def ask(_: int) -> None:
        ready.wait()
        paypal.list_refunds(capture)

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(ask, range(6)))
    assert tokens(sandbox) == 2


def test_a_token_is_renewed_before_it_expires(
    paypal: PayPal, sandbox: PayPalSandbox, capture: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("retour_paypal.sandbox.TOKEN_SECONDS", 61)
    paypal.list_refunds(capture)
    assert tokens(sandbox) == 1
    monkeypatch.setattr("retour_paypal.api.MARGIN_SECONDS", 61)
    other = PayPal(paypal.settings, paypal.http)
    other.list_refunds(capture)
    assert tokens(sandbox) == 3  # two calls, and no token was good for the second


def test_a_token_that_is_refused_twice_is_an_error_of_authentication(
    paypal: PayPal, sandbox: PayPalSandbox, capture: str, a: Any
) -> None:
    handle = sandbox.server.handle

    def forgetful(request: SandboxRequest) -> SandboxResponse:
        response = handle(request)
        sandbox.revoke_tokens()
        return response

    sandbox.server.handle = forgetful
    with pytest.raises(ProviderError) as caught:
        paypal.refund(a.request(capture))
    assert (caught.value.code, caught.value.disposition) == (ErrorCode.AUTHENTICATION, Disposition.FIX)
    assert caught.value.provider_code == "AUTHENTICATION_FAILURE"
    assert len(sent(sandbox)) == 2


@pytest.mark.parametrize("fault", Fault)
def test_without_a_token_no_refund_was_sent_so_it_is_certainly_not_done(
    paypal: PayPal, hasty: PayPal, sandbox: PayPalSandbox, capture: str, a: Any, fault: Fault
) -> None:
    sandbox.server.faulty = lambda request: request.path == "/v1/oauth2/token"
    sandbox.server.faults.append(fault)
    with pytest.raises(ProviderError) as caught:
        (hasty if fault in HELD_BACK else paypal).refund(a.request(capture))
    assert caught.value.disposition is Disposition.RETRY
    assert sent(sandbox) == []


def test_an_empty_token_is_no_token(paypal: PayPal, sandbox: PayPalSandbox, capture: str, a: Any) -> None:
    handle = sandbox.server.handle

    def empty(request: SandboxRequest) -> SandboxResponse:
        if request.path == "/v1/oauth2/token":
            return SandboxResponse(status=200, body={"access_token": " ", "expires_in": 30000})
        return handle(request)

    sandbox.server.handle = empty
    with pytest.raises(ProviderError) as caught:
        paypal.refund(a.request(capture))
    assert (caught.value.code, caught.value.disposition) == (ErrorCode.UNREADABLE_ANSWER, Disposition.RETRY)
    assert sent(sandbox) == []


def test_wrong_credentials_are_told_by_the_check_of_the_settings_and_by_a_refund(
    connect: Any, sandbox: PayPalSandbox, capture: str, a: Any
) -> None:
    paypal = connect(client_secret="wrong")
    for call in (paypal.check_settings, lambda: paypal.refund(a.request(capture))):
        with pytest.raises(ProviderError) as caught:
            call()
        assert (caught.value.code, caught.value.disposition) == (ErrorCode.AUTHENTICATION, Disposition.FIX)
        assert caught.value.provider_code == "invalid_client"
        assert "wrong" not in str(caught.value)
    assert sent(sandbox) == []


def test_right_settings_pass_their_check_with_one_call(paypal: PayPal, sandbox: PayPalSandbox) -> None:
    paypal.check_settings()
    assert [request.path for request in sandbox.server.requests] == ["/v1/oauth2/token"]


# --- what can be refunded --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "stored, reference_is",
    [
        ("capture:{capture}", "order"),
        (" {capture}\n", "capture"),
        ("Capture : {capture} ", "order"),
        ("capture:{small}", "order"),
        ("{small}", "capture"),
    ],
)
def test_a_capture_is_its_own_target(connect: Any, capture: str, a: Any, stored: str, reference_is: str) -> None:
    paypal = connect(reference_is=reference_is)
    reference = stored.format(capture=capture, small=capture.lower())
    assert paypal.refundable(a.payment(reference)).target == capture


@pytest.mark.parametrize("letter", ["ı", "ſ", "ß"])
def test_no_letter_becomes_another_by_its_capital(paypal: PayPal, sandbox: PayPalSandbox, a: Any, letter: str) -> None:
    """The capitals of these are letters of PayPal's ids."""
    with pytest.raises(ProviderError) as unknown:
        paypal.refundable(a.payment(f"3C679366HH90899{letter}"))
    assert unknown.value.code is ErrorCode.UNKNOWN_PAYMENT
    assert sent(sandbox) == reads(sandbox) == []


@pytest.mark.parametrize("stored, reference_is", [("order:{order}", "capture"), ("{order}", "order")])
def test_an_order_is_resolved_to_its_one_capture(
    connect: Any, sandbox: PayPalSandbox, capture: str, a: Any, stored: str, reference_is: str
) -> None:
    paypal = connect(reference_is=reference_is)
    paypal.refund(a.request(capture))
    found = paypal.refundable(a.payment(stored.format(order=sandbox.order_of(capture))))
    assert (found.target, found.remaining, found.possible) == (capture, eur("50.00"), True)


def test_of_an_order_with_one_capture_that_can_be_refunded_that_one_is_the_target(
    paypal: PayPal, sandbox: PayPalSandbox, a: Any
) -> None:
    declined = sandbox.pay(eur("94.95"), status="DECLINED")
    capture = sandbox.pay(eur("94.95"), order=sandbox.order_of(declined))
    assert paypal.refundable(a.payment(f"order:{sandbox.order_of(declined)}")).target == capture


def test_an_order_with_several_captures_is_not_guessed_at(paypal: PayPal, sandbox: PayPalSandbox, a: Any) -> None:
    first = sandbox.pay(eur("40.00"))
    order = sandbox.order_of(first)
    second = sandbox.pay(eur("54.95"), order=order)
    sandbox.pay(eur("54.95"), order=order, status="DECLINED")
    found = paypal.refundable(a.payment(f"order:{order}"))
    assert (found.target, found.possible, found.choices) == ("", False, (first, second))
    assert f"several captures, {first}, {second}:" in found.reason


def test_of_several_captures_those_that_were_refunded_are_named_where_none_can_be(
    paypal: PayPal, sandbox: PayPalSandbox, a: Any
) -> None:
    first = sandbox.pay(eur("40.00"))
    order = sandbox.order_of(first)
    second = sandbox.pay(eur("54.95"), order=order)
    for capture, amount in ((first, "40.00"), (second, "54.95")):
        sandbox.refund_in_dashboard(capture, eur(amount))
    assert paypal.refundable(a.payment(f"order:{order}")).choices == (first, second)


def test_an_order_of_which_every_payment_was_declined_says_so(paypal: PayPal, sandbox: PayPalSandbox, a: Any) -> None:
    first = sandbox.pay(eur("94.95"), status="DECLINED")
    sandbox.pay(eur("94.95"), order=sandbox.order_of(first), status="DECLINED")
    found = paypal.refundable(a.payment(f"order:{sandbox.order_of(first)}"))
    assert (found.possible, found.choices, found.reason) == (False, (), "this payment was declined")


def test_refunds_of_another_capture_of_the_order_are_not_counted(
    paypal: PayPal, sandbox: PayPalSandbox, a: Any
) -> None:
    first = sandbox.pay(eur("40.00"))
    second = sandbox.pay(eur("54.95"), order=sandbox.order_of(first))
    sandbox.refund_in_dashboard(second, eur("10.00"))
    assert paypal.refundable(a.payment(first)).remaining == eur("40.00")
    assert paypal.list_refunds(first) == ()
    assert len(paypal.list_refunds(second)) == 1


def reads(sandbox: PayPalSandbox) -> list[str]:
    """What was asked about since the last time, in order: captures, orders, refunds."""
    asked = [request.path.split("/")[3] for request in sandbox.server.requests if request.method == "GET"]
    sandbox.server.requests.clear()
    return asked


@pytest.mark.parametrize("stored, calls", [("capture", ["captures", "orders"]), ("order", ["orders"])])
def test_what_is_left_comes_with_every_refund_as_the_list_has_them(
    paypal: PayPal, sandbox: PayPalSandbox, capture: str, a: Any, stored: str, calls: list[str]
) -> None:
    payment = a.payment(capture if stored == "capture" else f"order:{sandbox.order_of(capture)}")
    assert paypal.refundable(payment).refunds == ()
    paypal.refund(a.request(capture, "20.00"))
    reads(sandbox)
    found = paypal.refundable(payment)
    assert reads(sandbox) == calls
    assert (found.target, found.captured, found.remaining) == (capture, eur("94.95"), eur("74.95"))
    assert found.refunds == paypal.list_refunds(capture)
    assert found.refunds is not None
    assert len(found.refunds) == 1


@pytest.mark.parametrize("brief, read", [(False, 1), (True, 2)])
def test_a_refund_that_the_order_does_not_show_whole_is_read_once_by_itself(
    paypal: PayPal, sandbox: PayPalSandbox, capture: str, a: Any, brief: bool, read: int
) -> None:
    """One made at PayPal has no ``custom_id``, and nothing says whether an order shows all that there are."""
    sandbox.brief_orders = brief
    ours = paypal.refund(a.request(capture, "20.00"))
    theirs = sandbox.refund_in_dashboard(capture, eur("10.00"))
    reads(sandbox)
    found = paypal.refundable(a.payment(capture))
    assert reads(sandbox) == ["captures", "orders", *["refunds"] * read]
    assert found.remaining == eur("64.95")
    assert found.refunds is not None
    assert [(refund.reference, refund.refund_id) for refund in found.refunds] == [
        (ours.reference, ours.refund_id),
        (theirs, ""),
    ]


def test_a_refund_that_names_no_capture_is_read_where_the_order_has_several(
    paypal: PayPal, sandbox: PayPalSandbox, a: Any
) -> None:
    first = sandbox.pay(eur("40.00"))
    second = sandbox.pay(eur("54.95"), order=sandbox.order_of(first))
    made = paypal.refund(a.request(first, "10.00", number=1))
    paypal.refund(a.request(second, "20.00", number=2))

    def without_links(request: SandboxRequest, body: dict[str, Any]) -> dict[str, Any]:
        for unit in body.get("purchase_units", ()):
            for refund in unit["payments"]["refunds"]:
                del refund["links"]
        return body

    answering(sandbox, without_links)
    found = paypal.refundable(a.payment(first))
    assert (found.remaining, found.refunds) == (eur("30.00"), (made,))


@pytest.mark.parametrize("status", ["COMPLETED", "PENDING", "DECLINED", "FAILED"])
def test_a_capture_that_names_no_order_and_was_never_refunded_has_no_refunds(
    paypal: PayPal, sandbox: PayPalSandbox, a: Any, status: str
) -> None:
    capture = sandbox.pay(eur("94.95"), status=status, names_order=False)
    assert paypal.refundable(a.payment(capture)).refunds == ()
    assert reads(sandbox) == ["captures"]


@pytest.mark.parametrize("amount", ["10.00", "94.95"])
def test_a_capture_that_names_no_order_and_was_refunded_leaves_it_to_the_list_to_say_why(
    paypal: PayPal, sandbox: PayPalSandbox, a: Any, amount: str
) -> None:
    capture = sandbox.pay(eur("94.95"), names_order=False)
    sandbox.refund_in_dashboard(capture, eur(amount))
    assert paypal.refundable(a.payment(capture)).refunds is None
    with pytest.raises(ProviderError, match="does not say in which order"):
        paypal.list_refunds(capture)


@pytest.mark.parametrize(
    "payments, reason", [({"authorizations": [{"id": "0AW2184448108334S"}]}, "not captured"), ({}, "not paid")]
)
def test_an_order_that_was_not_captured_has_nothing_to_refund(
    paypal: PayPal, sandbox: PayPalSandbox, capture: str, a: Any, payments: dict[str, Any], reason: str
) -> None:
    answering(sandbox, lambda request, body: body | {"purchase_units": [{"payments": payments}]})
    found = paypal.refundable(a.payment(f"order:{sandbox.order_of(capture)}"))
    assert (found.target, found.possible, found.remaining) == ("", False, eur("0"))
    assert reason in found.reason


@pytest.mark.parametrize("status", ["PENDING", "DECLINED", "FAILED"])
def test_a_payment_that_did_not_come_in_cannot_be_refunded_and_says_why(
    paypal: PayPal, sandbox: PayPalSandbox, a: Any, status: str
) -> None:
    found = paypal.refundable(a.payment(sandbox.pay(eur("94.95"), status=status)))
    assert found.possible is False
    assert found.reason


def test_a_status_of_a_payment_that_we_do_not_know_is_not_taken_for_paid(
    paypal: PayPal, sandbox: PayPalSandbox, capture: str, a: Any
) -> None:
    answering(sandbox, lambda request, body: body | {"status": "FROZEN"})
    found = paypal.refundable(a.payment(capture))
    assert (found.possible, "FROZEN" in found.reason) == (False, True)


def test_failed_and_cancelled_refunds_are_left_to_refund_again_and_pending_ones_are_not(
    paypal: PayPal, sandbox: PayPalSandbox, capture: str, a: Any
) -> None:
    sandbox.hold()
    references = [paypal.refund(a.request(capture, "10.00", number=number)).reference for number in (1, 2, 3)]
    sandbox.fail(references[0])
    sandbox.cancel_in_dashboard(references[1])
    assert paypal.refundable(a.payment(capture)).remaining == eur("84.95")


def test_what_is_left_is_counted_where_the_order_names_no_amounts(
    paypal: PayPal, sandbox: PayPalSandbox, capture: str, a: Any
) -> None:
    sandbox.brief_orders = True
    paypal.refund(a.request(capture))
    assert paypal.refundable(a.payment(capture)).remaining == eur("50.00")


def test_a_payment_of_the_other_environment_is_never_asked_about(
    paypal: PayPal, sandbox: PayPalSandbox, capture: str, a: Any
) -> None:
    with pytest.raises(ProviderError) as caught:
        paypal.refundable(a.payment(capture, mode=Mode.LIVE))
    assert (caught.value.code, caught.value.disposition) == (ErrorCode.CONFIGURATION, Disposition.FIX)
    assert sandbox.server.requests == []


@pytest.mark.parametrize("reference", ["..", "../../v1/oauth2/token", "a b", "3C6?x=1", "%2E%2E", "X" * 99, "€"])
def test_what_is_no_id_never_becomes_part_of_an_address(
    paypal: PayPal, sandbox: PayPalSandbox, capture: str, a: Any, reference: str
) -> None:
    for call in (
        lambda: paypal.refundable(a.payment(reference)),
        lambda: paypal.fetch_refund(capture, reference),
        lambda: paypal.refund(a.request(reference)),
        lambda: paypal.list_refunds(reference),
    ):
        with pytest.raises(ProviderError) as caught:
            call()
        assert (caught.value.code, caught.value.disposition) == (ErrorCode.UNKNOWN_PAYMENT, Disposition.FINAL)
    assert sandbox.server.requests == []


def test_a_payment_that_paypal_does_not_know_is_unknown(paypal: PayPal, a: Any) -> None:
    with pytest.raises(ProviderError) as caught:
        paypal.refundable(a.payment("3C679366HH908993F"))
    assert (caught.value.code, caught.value.provider_code) == (ErrorCode.UNKNOWN_PAYMENT, "INVALID_RESOURCE_ID")


def test_an_answer_about_something_else_is_not_believed(
    paypal: PayPal, sandbox: PayPalSandbox, capture: str, a: Any
) -> None:
    answering(sandbox, lambda request, body: body | {"id": "3C679366HH908993F"})
    with pytest.raises(ProviderError) as caught:
        paypal.refundable(a.payment(capture))
    assert caught.value.code is ErrorCode.UNREADABLE_ANSWER


# --- looking refunds up ----------------------------------------------------------------------------------


def test_only_our_own_refund_is_found(paypal: PayPal, sandbox: PayPalSandbox, capture: str, a: Any) -> None:
    sandbox.refund_in_dashboard(capture, eur("44.95"))
    paypal.refund(a.request(capture, "44.95", number=2))
    assert paypal.find_refund(a.request(capture, "44.95", number=1)) is None


def test_not_found_never_proves_that_nothing_was_done(paypal: PayPal) -> None:
    assert paypal.capabilities.lookup_complete_after is None
    assert paypal.capabilities.find_refund is Support.PARTIAL
    assert paypal.capabilities.list_refunds is Support.PARTIAL


def test_a_refund_is_found_where_the_order_does_not_show_our_id(
    paypal: PayPal, sandbox: PayPalSandbox, capture: str, a: Any
) -> None:
    made = paypal.refund(a.request(capture))
    sandbox.brief_orders = True
    assert paypal.find_refund(a.request(capture)) == made


def test_a_refund_made_in_the_dashboard_is_listed(paypal: PayPal, sandbox: PayPalSandbox, capture: str, a: Any) -> None:
    ours = paypal.refund(a.request(capture))
    reference = sandbox.refund_in_dashboard(capture, eur("10.00"))
    listed = {refund.reference: refund for refund in paypal.list_refunds(capture)}
    assert listed.keys() == {ours.reference, reference}
    assert (listed[reference].refund_id, listed[reference].amount) == ("", eur("10.00"))


def test_a_capture_that_names_its_order_by_a_link_only_is_looked_up_too(
    paypal: PayPal, sandbox: PayPalSandbox, capture: str, a: Any
) -> None:
    answering(sandbox, lambda request, body: {key: body[key] for key in body if key != "supplementary_data"})
    made = paypal.refund(a.request(capture))
    assert paypal.find_refund(a.request(capture)) == made


def test_where_a_capture_does_not_name_its_order_nothing_is_found_and_no_list_is_made_up(
    paypal: PayPal, sandbox: PayPalSandbox, a: Any
) -> None:
    capture = sandbox.pay(eur("94.95"), names_order=False)
    assert paypal.list_refunds(capture) == ()
    made = paypal.refund(a.request(capture))
    assert paypal.find_refund(a.request(capture)) is None
    with pytest.raises(ProviderError) as caught:
        paypal.list_refunds(capture)
    assert caught.value.disposition is Disposition.RECONCILE
    assert paypal.fetch_refund(capture, made.reference) == made
    assert paypal.refund(a.request(capture)) == made


def test_a_refund_of_another_capture_is_not_taken_for_one_of_this(
    paypal: PayPal, sandbox: PayPalSandbox, capture: str, a: Any
) -> None:
    other = paypal.refund(a.request(sandbox.pay(eur("94.95"))))
    with pytest.raises(ProviderError) as caught:
        paypal.fetch_refund(capture, other.reference)
    assert caught.value.code is ErrorCode.UNKNOWN_PAYMENT


# --- later -----------------------------------------------------------------------------------------------


def test_a_pending_refund_says_why_and_is_completed_with_time(
    paypal: PayPal, sandbox: PayPalSandbox, capture: str, a: Any
) -> None:
    sandbox.refunds_take = 3 * DAY
    made = paypal.refund(a.request(capture))
    why = "the customer paid from his bank account, and PayPal does not have that money yet"
    assert (made.status, made.reason) == (RefundStatus.PENDING, why)
    sandbox.advance(2 * DAY)
    assert paypal.fetch_refund(capture, made.reference).status is RefundStatus.PENDING
    sandbox.advance(DAY)
    assert paypal.fetch_refund(capture, made.reference).status is RefundStatus.SUCCEEDED


def test_no_clock_ends_a_refund_that_is_pending_for_ever(
    paypal: PayPal, sandbox: PayPalSandbox, capture: str, a: Any
) -> None:
    sandbox.hold()
    made = paypal.refund(a.request(capture))
    sandbox.advance(365 * DAY)
    assert paypal.fetch_refund(capture, made.reference).status is RefundStatus.PENDING


@pytest.mark.parametrize(
    "end, status", [("fail", RefundStatus.FAILED), ("cancel_in_dashboard", RefundStatus.CANCELLED)]
)
def test_a_refund_that_fails_or_is_cancelled_at_paypal_is_seen(
    paypal: PayPal, sandbox: PayPalSandbox, capture: str, a: Any, end: str, status: RefundStatus
) -> None:
    sandbox.hold()
    made = paypal.refund(a.request(capture))
    getattr(sandbox, end)(made.reference)
    assert paypal.fetch_refund(capture, made.reference).status is status


def test_a_refund_cannot_be_taken_back(paypal: PayPal, sandbox: PayPalSandbox, capture: str, a: Any) -> None:
    made = paypal.refund(a.request(capture))
    before = len(sandbox.server.requests)
    with pytest.raises(ProviderError, match="cannot take back") as caught:
        paypal.cancel_refund(capture, made.reference)
    assert (caught.value.code, caught.value.disposition) == (ErrorCode.NOT_REFUNDABLE, Disposition.FINAL)
    assert len(sandbox.server.requests) == before
    assert paypal.capabilities.cancel_refund is Support.PROVIDER_CANNOT
