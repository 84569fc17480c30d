"""Refunds at Stripe by API, from the payment that the shop stored to the status that changes days later."""

from __future__ import annotations

import datetime
import json
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qsl

import attrs
import pytest

from retour.providers import (
    Disposition,
    ErrorCode,
    Mode,
    Money,
    Payment,
    ProviderError,
    Refundable,
    RefundRequest,
    RefundStatus,
    Secret,
)
from retour.sandbox import SandboxRequest, SandboxResponse, Step
from retour_stripe.provider import Stripe
from retour_stripe.sandbox import StripeSandbox

PAID = Money.of("94.95", "EUR")
DAY = datetime.timedelta(days=1)

RefundOf = Callable[..., RefundRequest]
PaymentOf = Callable[..., Payment]


def forms(sandbox: StripeSandbox) -> list[dict[str, str]]:
    return [dict(parse_qsl(request.body.decode())) for request in sandbox.server.requests if request.method == "POST"]


# --- the whole flow --------------------------------------------------------------------------------------


def test_a_refund_is_made_fetched_found_and_listed(
    sandbox: StripeSandbox, stripe: Stripe, payment: PaymentOf, refund_of: RefundOf
) -> None:
    reference = sandbox.pay(PAID)
    can = stripe.refundable(payment(reference))
    assert (can.target, can.remaining, can.possible, can.reason) == (reference, PAID, True, "")
    assert can.url == f"https://dashboard.stripe.com/test/payments/{reference}"

    request = refund_of(can.target)
    made = stripe.refund(request)
    assert made.reference.startswith("re_")
    assert (made.status, made.provider_status) == (RefundStatus.SUCCEEDED, "succeeded")
    assert (made.amount, made.refund_id) == (request.amount, request.refund_id)
    assert made.created_at == sandbox.clock.now()

    assert stripe.fetch_refund(can.target, made.reference) == made
    assert stripe.find_refund(request) == made
    assert stripe.list_refunds(can.target) == (made,)
    assert stripe.refundable(payment(reference)).remaining == Money.of("50.00", "EUR")


def test_the_form_has_the_amount_in_cents_the_payment_and_our_id_and_never_says_fraud(
    sandbox: StripeSandbox, stripe: Stripe, refund_of: RefundOf
) -> None:
    reference = sandbox.pay(PAID)
    request = refund_of(reference)
    stripe.refund(request)
    assert forms(sandbox) == [
        {
            "amount": "4495",
            "metadata[order_id]": "1001",
            "metadata[refund_id]": request.refund_id,
            "payment_intent": reference,
            "reason": "requested_by_customer",
        }
    ]


def test_the_version_and_the_key_are_pinned_in_every_request(
    sandbox: StripeSandbox, stripe: Stripe, refund_of: RefundOf
) -> None:
    request = refund_of(sandbox.pay(PAID))
    stripe.refund(request)
    stripe.list_refunds(request.target)
    for sent in sandbox.server.requests:
        assert sent.headers["stripe-version"] == "2024-04-10"
        assert sent.headers["authorization"] == f"Bearer {sandbox.api_key}"
    assert [sent.headers.get("idempotency-key") for sent in sandbox.server.requests] == [request.key, None]


def test_the_same_request_gives_the_same_bytes_and_headers(
    sandbox: StripeSandbox, stripe: Stripe, provider_with: Callable[..., Stripe], refund_of: RefundOf
) -> None:
    request = refund_of(sandbox.pay(PAID))
    stripe.refund(request)
    sandbox.advance(DAY / 2)
    provider_with(sandbox).refund(attrs.evolve(request))
    first, second = [sent for sent in sandbox.server.requests if sent.method == "POST"]
    assert (first.body, first.headers, first.path) == (second.body, second.headers, second.path)


@pytest.mark.parametrize("order_id", ["o" * 10_000, "bestelling €5 & [x]=y", "\ud800", "€" * 600])
def test_any_order_id_fits_the_metadata(
    sandbox: StripeSandbox, stripe: Stripe, refund_of: RefundOf, order_id: str
) -> None:
    request = refund_of(sandbox.pay(PAID), order_id=order_id)
    assert stripe.refund(request).refund_id == request.refund_id
    assert len(forms(sandbox)[0]["metadata[order_id]"]) <= 500


# --- the references of a shop ----------------------------------------------------------------------------


def test_a_checkout_session_is_resolved_to_its_payment(
    sandbox: StripeSandbox, stripe: Stripe, payment: PaymentOf, refund_of: RefundOf
) -> None:
    can = stripe.refundable(payment(sandbox.check_out(PAID)))
    assert can.target.startswith("pi_")
    assert can.remaining == PAID
    assert stripe.refund(refund_of(can.target)).status is RefundStatus.SUCCEEDED


def test_a_checkout_session_without_a_payment_cannot_be_refunded(
    sandbox: StripeSandbox, stripe: Stripe, payment: PaymentOf
) -> None:
    can = stripe.refundable(payment(sandbox.check_out(PAID, paid=False)))
    assert (can.possible, can.reason) == (False, "the checkout session has no payment")


def test_a_charge_without_a_payment_intent_is_refunded_as_a_charge(
    sandbox: StripeSandbox, stripe: Stripe, payment: PaymentOf, refund_of: RefundOf
) -> None:
    charge = sandbox.pay_by_charge(PAID)
    can = stripe.refundable(payment(charge))
    assert (can.target, can.possible) == (charge, True)
    made = stripe.refund(refund_of(charge))
    assert forms(sandbox)[0]["charge"] == charge
    assert stripe.list_refunds(charge) == (made,)


@pytest.mark.parametrize("method, prefix", [("card", "ch_"), ("ideal", "py_")])
def test_a_charge_that_the_shop_stored_is_refunded_as_one_though_it_has_a_payment_intent(
    sandbox: StripeSandbox, stripe: Stripe, payment: PaymentOf, refund_of: RefundOf, method: str, prefix: str
) -> None:
    reference = sandbox.pay(PAID, method=method)
    charge = sandbox.charge_of(reference)
    assert charge.startswith(prefix)
    can = stripe.refundable(payment(f" {charge}\n"))
    assert (can.target, can.remaining) == (charge, PAID)
    made = stripe.refund(refund_of(charge))
    assert stripe.list_refunds(charge) == (made,)
    assert stripe.list_refunds(reference) == (attrs.evolve(made, target=reference),), "the same by its other name"


@pytest.mark.parametrize("reference", ["tr_7UhSN1zuXS", "INV 42", "re_1Nispe", "pi_../../v1/charges", "pi_€", "cs_a/b"])
def test_a_reference_that_is_no_payment_is_unknown_without_a_call(
    sandbox: StripeSandbox, stripe: Stripe, payment: PaymentOf, refund_of: RefundOf, reference: str
) -> None:
    with pytest.raises(ProviderError) as caught:
        stripe.refundable(payment(reference))
    assert caught.value.code is ErrorCode.UNKNOWN_PAYMENT
    assert sandbox.server.requests == []


@pytest.mark.parametrize("target", ["cs_test_1", "tr_1", ""])
def test_a_target_that_stripe_cannot_refund_is_refused_without_a_call(
    sandbox: StripeSandbox, stripe: Stripe, refund_of: RefundOf, target: str
) -> None:
    for call in (stripe.refund, stripe.find_refund, lambda request: stripe.list_refunds(request.target)):
        with pytest.raises(ProviderError) as caught:
            call(refund_of(target))
        assert caught.value.code is ErrorCode.UNKNOWN_PAYMENT
    assert sandbox.server.requests == []


# --- what can be refunded --------------------------------------------------------------------------------


@pytest.mark.parametrize("stored", ["payment", "charge", "checkout"])
def test_one_call_gives_what_is_left_every_refund_and_every_name(
    sandbox: StripeSandbox, stripe: Stripe, payment: PaymentOf, refund_of: RefundOf, stored: str
) -> None:
    session = sandbox.check_out(PAID)
    intent, charge, _ = sandbox.names(session)
    reference = {"payment": intent, "charge": charge, "checkout": session}[stored]
    target = charge if stored == "charge" else intent
    assert stripe.refundable(payment(reference)).refunds == ()
    stripe.refund(refund_of(intent, "20.00"))
    failed = sandbox.refund_in_dashboard(intent, Money.of("1.00", "EUR"))
    sandbox.fail(failed)
    sandbox.server.requests.clear()
    can = stripe.refundable(payment(reference))
    assert [request.method for request in sandbox.server.requests] == ["GET"]
    assert (can.target, can.captured, can.remaining) == (target, PAID, Money.of("74.95", "EUR"))
    assert set(can.names) == ({intent, charge, session} if stored == "checkout" else {intent, charge})
    assert can.refunds == stripe.list_refunds(target)
    assert can.refunds is not None
    assert len(can.refunds) == 2


def test_the_refunds_of_a_payment_that_cannot_be_refunded_any_more_are_given_too(
    sandbox: StripeSandbox, stripe: Stripe, payment: PaymentOf, refund_of: RefundOf
) -> None:
    reference = sandbox.pay(PAID)
    made = stripe.refund(refund_of(reference, "94.95"))
    can = stripe.refundable(payment(reference))
    assert (can.possible, can.refunds) == (False, (made,))


def test_a_charge_of_old_has_no_other_name(sandbox: StripeSandbox, stripe: Stripe, payment: PaymentOf) -> None:
    charge = sandbox.pay_by_charge(PAID)
    assert stripe.refundable(payment(charge)).names == (charge,)


@pytest.mark.parametrize("made, whole", [(10, True), (11, False)])
def test_refunds_that_go_on_on_another_page_are_left_to_the_list(
    sandbox: StripeSandbox, stripe: Stripe, payment: PaymentOf, made: int, whole: bool
) -> None:
    reference = sandbox.pay(PAID)
    for _ in range(made):
        sandbox.refund_in_dashboard(reference, Money.of("1.00", "EUR"))
    can = stripe.refundable(payment(reference))
    assert (can.possible, can.refunds is not None) == (True, whole)
    assert len(stripe.list_refunds(can.target)) == made


@pytest.mark.parametrize("refunds", [{}, {"refunds": None}])
def test_a_charge_without_its_refunds_leaves_them_to_the_list(
    sandbox: StripeSandbox, stripe: Stripe, payment: PaymentOf, refunds: dict[str, None]
) -> None:
    reference = sandbox.charge_of(sandbox.pay(PAID))
    charge = _changed(sandbox, reference, stripe, payment, lambda body: body.pop("refunds") and body.update(refunds))
    assert (charge.possible, charge.refunds) == (True, None)


def test_a_refund_of_another_payment_among_those_of_a_charge_is_refused(
    sandbox: StripeSandbox, stripe: Stripe, payment: PaymentOf
) -> None:
    reference = sandbox.charge_of(sandbox.pay(PAID))
    sandbox.refund_in_dashboard(reference, Money.of("1.00", "EUR"))

    def of_another(body: Any) -> None:
        body["refunds"]["data"][0] |= {"charge": "ch_another", "payment_intent": "pi_another"}

    with pytest.raises(ProviderError, match="about another payment") as mixed_up:
        _changed(sandbox, reference, stripe, payment, of_another)
    assert mixed_up.value.disposition is Disposition.RECONCILE


@pytest.mark.parametrize(
    "field, value, code",
    [("payment_intent", "pi_another", ErrorCode.UNREADABLE_ANSWER), ("livemode", True, ErrorCode.CONFIGURATION)],
)
def test_a_charge_of_another_payment_or_mode_is_not_taken_for_ours(
    sandbox: StripeSandbox, stripe: Stripe, payment: PaymentOf, field: str, value: object, code: ErrorCode
) -> None:
    with pytest.raises(ProviderError) as refused:
        _changed(sandbox, sandbox.pay(PAID), stripe, payment, lambda body: body["latest_charge"].update({field: value}))
    assert refused.value.code is code


def _changed(
    sandbox: StripeSandbox, reference: str, stripe: Stripe, payment: PaymentOf, change: Callable[[Any], object]
) -> Refundable:
    """What can be refunded of a payment, where the answer is another."""
    truth = sandbox.server.handle

    def other(request: SandboxRequest) -> SandboxResponse:
        said = truth(request)
        body = json.loads(said.encoded())
        change(body)
        return attrs.evolve(said, body=body)

    sandbox.server.handle = other
    return stripe.refundable(payment(reference))


@pytest.mark.parametrize(
    "status, reason",
    [
        ("requires_capture", "it is authorised and not captured: cancel the payment instead"),
        ("processing", "it is still being paid"),
        ("canceled", "the payment was cancelled"),
        ("requires_payment_method", "it is not paid"),
        ("requires_action", "it is not paid"),
        ("requires_confirmation", "it is not paid"),
    ],
)
def test_only_a_payment_that_succeeded_is_refundable(
    sandbox: StripeSandbox, stripe: Stripe, payment: PaymentOf, refund_of: RefundOf, status: str, reason: str
) -> None:
    reference = sandbox.pay(PAID, status=status)
    can = stripe.refundable(payment(reference))
    assert (can.possible, can.reason, can.remaining) == (False, reason, Money.zero("EUR"))
    with pytest.raises(ProviderError):
        stripe.refund(refund_of(reference))


def test_what_remains_is_captured_less_refunded_by_anybody(
    sandbox: StripeSandbox, stripe: Stripe, payment: PaymentOf, refund_of: RefundOf
) -> None:
    reference = sandbox.pay(PAID)
    stripe.refund(refund_of(reference, "4.95"))
    sandbox.refund_in_dashboard(reference, Money.of("40.00", "EUR"))
    can = stripe.refundable(payment(reference))
    assert (can.remaining, can.possible) == (Money.of("50.00", "EUR"), True)
    sandbox.refund_in_dashboard(reference, Money.of("50.00", "EUR"))
    can = stripe.refundable(payment(reference))
    assert (can.remaining, can.possible, can.reason) == (Money.zero("EUR"), False, "everything is refunded")


def test_a_payment_in_another_currency_than_the_order_says_is_not_refundable(
    sandbox: StripeSandbox, stripe: Stripe, payment: PaymentOf
) -> None:
    can = stripe.refundable(payment(sandbox.pay(Money.of("94.95", "USD"))))
    assert (can.possible, can.reason) == (False, "Stripe has this payment in USD, the order in EUR")


# --- live and test ---------------------------------------------------------------------------------------


def test_a_live_payment_is_not_asked_for_with_a_test_key(
    sandbox: StripeSandbox, stripe: Stripe, payment: PaymentOf
) -> None:
    for reference, mode in (("pi_1", Mode.LIVE), ("cs_live_1", Mode.TEST)):
        with pytest.raises(ProviderError) as caught:
            stripe.refundable(payment(reference, mode=mode))
        assert caught.value.code is ErrorCode.CONFIGURATION
    assert sandbox.server.requests == []


@pytest.mark.parametrize("reference", ["pi_", "ch_", "cs_"])
def test_an_object_of_the_other_mode_is_never_taken_for_ours(
    sandbox: StripeSandbox, stripe: Stripe, payment: PaymentOf, reference: str
) -> None:
    paid = sandbox.pay(PAID)
    stored = {"pi_": paid, "ch_": sandbox.charge_of(paid), "cs_": sandbox.check_out(PAID)}[reference]
    truth = sandbox.server.handle

    def of_the_other_mode(request: object) -> SandboxResponse:
        answer = truth(request)  # type: ignore[arg-type]
        return attrs.evolve(answer, body={**answer.body, "livemode": True})  # type: ignore[dict-item]

    sandbox.server.handle = of_the_other_mode
    with pytest.raises(ProviderError) as caught:
        stripe.refundable(payment(stored))
    assert caught.value.code is ErrorCode.CONFIGURATION


def test_a_live_key_works_on_live_payments(
    watch: Callable[[StripeSandbox], StripeSandbox], provider_with: Callable[..., Stripe], payment: PaymentOf
) -> None:
    with watch(StripeSandbox(mode=Mode.LIVE)) as sandbox:
        can = provider_with(sandbox).refundable(payment(sandbox.pay(PAID), mode=Mode.LIVE))
        assert can.url == f"https://dashboard.stripe.com/payments/{can.target}"


# --- once, and only once ---------------------------------------------------------------------------------


def test_the_same_key_twice_is_one_refund(sandbox: StripeSandbox, stripe: Stripe, refund_of: RefundOf) -> None:
    request = refund_of(sandbox.pay(PAID))
    assert stripe.refund(request) == stripe.refund(request)
    assert len(stripe.list_refunds(request.target)) == 1


def test_two_refunds_of_the_same_amount_are_two_refunds(
    sandbox: StripeSandbox, stripe: Stripe, refund_of: RefundOf
) -> None:
    reference = sandbox.pay(PAID)
    one = stripe.refund(refund_of(reference, number=1))
    two = stripe.refund(refund_of(reference, number=2))
    assert one.reference != two.reference
    assert stripe.list_refunds(reference) == (two, one)
    assert stripe.find_refund(refund_of(reference, number=1)) == one


def test_a_key_may_be_forgotten_after_24_hours_and_is_a_new_request_then(
    sandbox: StripeSandbox, stripe: Stripe, refund_of: RefundOf
) -> None:
    idempotency = Stripe.capabilities.idempotency
    assert idempotency is not None
    request = refund_of(sandbox.pay(PAID), "10.00")
    first = stripe.refund(request)
    sandbox.advance(idempotency.window - datetime.timedelta(seconds=1))
    assert stripe.refund(request).reference == first.reference
    sandbox.advance(datetime.timedelta(seconds=1))
    assert stripe.refund(request).reference != first.reference


def test_an_answer_about_another_refund_is_not_taken_for_ours(
    sandbox: StripeSandbox, stripe: Stripe, refund_of: RefundOf
) -> None:
    reference = sandbox.pay(PAID)
    stripe.refund(refund_of(reference, number=1))
    other = sandbox.server.handle(sandbox.server.requests[-1])
    sandbox.server.handle = lambda _: other
    with pytest.raises(ProviderError) as caught:
        stripe.refund(refund_of(reference, number=2))
    assert caught.value.code is ErrorCode.UNREADABLE_ANSWER


@pytest.mark.parametrize("kind", ["payment", "charge", "session"])
def test_what_is_left_of_another_payment_is_not_taken_for_what_is_left_of_ours(
    sandbox: StripeSandbox, stripe: Stripe, payment: PaymentOf, kind: str
) -> None:
    """The refund would be made on the other one."""
    pay = {
        "payment": sandbox.pay,
        "charge": sandbox.pay_by_charge,
        "session": sandbox.check_out,
    }[kind]
    ours, other = pay(PAID), pay(PAID)
    stripe.refundable(payment(other))
    asked = [request for request in sandbox.server.requests if other in request.path]
    answer = sandbox.server.handle(asked[-1])
    sandbox.server.handle = lambda _: answer
    with pytest.raises(ProviderError, match="is about another") as caught:
        stripe.refundable(payment(ours))
    assert (caught.value.code, caught.value.disposition) == (ErrorCode.UNREADABLE_ANSWER, Disposition.RECONCILE)


def test_a_refund_is_not_fetched_or_cancelled_by_an_answer_about_another_one(
    sandbox: StripeSandbox, stripe: Stripe, refund_of: RefundOf
) -> None:
    reference = sandbox.pay(PAID)
    sandbox.hold()
    ours = stripe.refund(refund_of(reference, "10.00", number=1))
    stripe.refund(refund_of(reference, "20.00", number=2))
    truth, other = sandbox.server.handle, sandbox.server.handle(sandbox.server.requests[-1])
    for call, mixed_up in ((stripe.fetch_refund, "GET"), (stripe.cancel_refund, "GET"), (stripe.cancel_refund, "POST")):
        sandbox.server.handle = lambda request, mixed_up=mixed_up: (
            other if request.method == mixed_up else truth(request)
        )
        with pytest.raises(ProviderError) as caught:
            call(reference, ours.reference)
        assert caught.value.code is ErrorCode.UNREADABLE_ANSWER


# --- finding and listing ---------------------------------------------------------------------------------


def test_find_refund_finds_ours_and_never_one_that_is_only_alike(
    sandbox: StripeSandbox, stripe: Stripe, refund_of: RefundOf
) -> None:
    reference = sandbox.pay(PAID)
    sandbox.refund_in_dashboard(reference, Money.of("44.95", "EUR"))
    request = refund_of(reference)
    assert stripe.find_refund(request) is None
    made = stripe.refund(request)
    assert stripe.find_refund(request) == made
    assert stripe.find_refund(refund_of(reference, number=2)) is None


def test_not_found_is_no_proof_since_nothing_says_how_soon_a_refund_is_listed() -> None:
    assert Stripe.capabilities.lookup_complete_after is None


def test_every_page_of_the_list_is_read(sandbox: StripeSandbox, stripe: Stripe, refund_of: RefundOf) -> None:
    reference = sandbox.pay(Money.of("500.00", "EUR"))
    ours = stripe.refund(refund_of(reference, "1.00"))
    for _ in range(204):
        sandbox.refund_in_dashboard(reference, Money.of("1.00", "EUR"))
    sandbox.server.requests.clear()
    listed = stripe.list_refunds(reference)
    assert len({refund.reference for refund in listed}) == len(listed) == 205
    assert listed[-1] == stripe.find_refund(refund_of(reference)) == ours
    assert len(sandbox.server.requests) == 6


@pytest.mark.parametrize("data", [True, False])
def test_a_list_that_never_ends_is_unreadable(
    sandbox: StripeSandbox, stripe: Stripe, refund_of: RefundOf, data: bool
) -> None:
    reference = sandbox.pay(PAID)
    stripe.refund(refund_of(reference))
    stripe.list_refunds(reference)
    page = sandbox.server.handle(sandbox.server.requests[-1]).body
    assert isinstance(page, dict)
    endless = {**page, "has_more": True} | ({} if data else {"data": []})
    sandbox.server.handle = lambda _: SandboxResponse(status=200, body=endless)
    with pytest.raises(ProviderError) as caught:
        stripe.list_refunds(reference)
    assert caught.value.code is ErrorCode.UNREADABLE_ANSWER


def test_a_refund_made_in_the_dashboard_is_listed(sandbox: StripeSandbox, stripe: Stripe) -> None:
    reference = sandbox.pay(PAID)
    made = sandbox.refund_in_dashboard(reference, Money.of("10.00", "EUR"))
    [listed] = stripe.list_refunds(reference)
    assert (listed.reference, listed.refund_id, listed.amount) == (made, "", Money.of("10.00", "EUR"))


def test_the_refunds_of_another_payment_are_never_listed_or_fetched_as_this_ones(
    sandbox: StripeSandbox, stripe: Stripe, refund_of: RefundOf
) -> None:
    one, two = sandbox.pay(PAID), sandbox.pay(PAID)
    made = stripe.refund(refund_of(one))
    assert stripe.list_refunds(two) == ()
    for call in (stripe.fetch_refund, stripe.cancel_refund):
        with pytest.raises(ProviderError) as caught:
            call(two, made.reference)
        assert caught.value.code is ErrorCode.UNKNOWN_PAYMENT

    truth = sandbox.server.handle  # a list that forgets to filter
    sandbox.server.handle = lambda request: truth(attrs.evolve(request, query={"limit": "100"}))
    with pytest.raises(ProviderError) as caught:
        stripe.list_refunds(two)
    assert caught.value.code is ErrorCode.UNREADABLE_ANSWER


def test_a_refund_can_be_fetched_by_its_payment_and_by_its_charge(
    sandbox: StripeSandbox, stripe: Stripe, refund_of: RefundOf
) -> None:
    reference = sandbox.pay(PAID)
    made = stripe.refund(refund_of(reference))
    charge = sandbox.charge_of(reference)
    by_charge = attrs.evolve(made, target=charge)
    assert stripe.fetch_refund(charge, made.reference) == by_charge
    assert stripe.list_refunds(charge) == (by_charge,)


@pytest.mark.parametrize("reference", ["re_unknown", "..", "re_1/cancel", "re 1", "", "€"])
def test_a_refund_that_stripe_does_not_have_is_unknown(sandbox: StripeSandbox, stripe: Stripe, reference: str) -> None:
    for call in (stripe.fetch_refund, stripe.cancel_refund):
        with pytest.raises(ProviderError) as caught:
            call("pi_1", reference)
        assert caught.value.code is ErrorCode.UNKNOWN_PAYMENT


# --- statuses --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "status, ours",
    [
        ("pending", RefundStatus.PENDING),
        ("requires_action", RefundStatus.PENDING),
        ("succeeded", RefundStatus.SUCCEEDED),
        ("failed", RefundStatus.FAILED),
        ("canceled", RefundStatus.CANCELLED),
        ("a_status_of_next_year", RefundStatus.PENDING),
    ],
)
def test_every_status_has_its_meaning_and_an_unknown_one_is_pending(
    sandbox: StripeSandbox, stripe: Stripe, refund_of: RefundOf, status: str, ours: RefundStatus
) -> None:
    sandbox.plans.append([Step(status=status)])
    made = stripe.refund(refund_of(sandbox.pay(PAID)))
    assert (made.status, made.provider_status) == (ours, status)


def test_a_refund_to_a_bank_is_pending_first_and_succeeds_later(
    sandbox: StripeSandbox, stripe: Stripe, refund_of: RefundOf
) -> None:
    reference = sandbox.pay(PAID, method="ideal")
    made = stripe.refund(refund_of(reference))
    assert made.status is RefundStatus.PENDING
    sandbox.advance(DAY)
    assert stripe.fetch_refund(reference, made.reference).status is RefundStatus.SUCCEEDED


def test_a_refund_that_succeeded_can_fail_days_later(
    sandbox: StripeSandbox, stripe: Stripe, payment: PaymentOf, refund_of: RefundOf
) -> None:
    later = Step(status="failed", after=3 * DAY, reason="lost_or_stolen_card")
    sandbox.plans.append([Step(status="succeeded"), later])
    reference = sandbox.pay(PAID)
    made = stripe.refund(refund_of(reference))
    assert made.status is RefundStatus.SUCCEEDED
    sandbox.advance(3 * DAY)
    failed = stripe.fetch_refund(reference, made.reference)
    assert (failed.status, failed.reason) == (RefundStatus.FAILED, "the customer's card was lost or stolen")
    assert stripe.refund(refund_of(reference)).status is RefundStatus.SUCCEEDED, "a replay is the answer of then"


def test_a_card_refund_above_the_balance_is_pending_until_there_is_enough(
    sandbox: StripeSandbox, stripe: Stripe, refund_of: RefundOf
) -> None:
    sandbox.set_balance(Money.of("10.00", "EUR"))
    reference = sandbox.pay(PAID)
    made = stripe.refund(refund_of(reference))
    assert made.status is RefundStatus.PENDING
    sandbox.advance(30 * DAY)
    assert stripe.fetch_refund(reference, made.reference).status is RefundStatus.PENDING
    sandbox.set_balance(Money.of("100.00", "EUR"))
    assert stripe.fetch_refund(reference, made.reference).status is RefundStatus.SUCCEEDED


@pytest.mark.parametrize("missing", [None, ...])
def test_a_refund_that_does_not_name_its_payment_is_unreadable_and_not_another_ones(
    sandbox: StripeSandbox, stripe: Stripe, refund_of: RefundOf, missing: object
) -> None:
    reference = sandbox.pay(PAID)
    made = stripe.refund(refund_of(reference))
    handle = sandbox.server.handle

    def without(request: SandboxRequest) -> SandboxResponse:
        body = json.loads(handle(request).encoded()) | {"payment_intent": missing}
        return SandboxResponse(status=200, body={name: value for name, value in body.items() if value is not ...})

    sandbox.server.handle = without
    with pytest.raises(ProviderError) as caught:
        stripe.fetch_refund(reference, made.reference)
    assert caught.value.code is ErrorCode.UNREADABLE_ANSWER


def test_a_refund_in_another_currency_than_the_payments_is_never_told_as_the_one_that_was_asked_for(
    sandbox: StripeSandbox, stripe: Stripe, refund_of: RefundOf
) -> None:
    """Stripe's refunds take no currency: 44.95 of a payment in euros are euros, whatever we meant."""
    request = attrs.evolve(refund_of(sandbox.pay(PAID)), amount=Money.of("44.95", "USD"))
    with pytest.raises(ProviderError) as caught:
        stripe.refund(request)
    assert (caught.value.code, caught.value.disposition) == (ErrorCode.UNREADABLE_ANSWER, Disposition.RECONCILE)
    assert "EUR 44.95" in caught.value.message


def test_a_refund_of_another_method_above_the_balance_fails(
    sandbox: StripeSandbox, stripe: Stripe, refund_of: RefundOf
) -> None:
    sandbox.set_balance(Money.of("10.00", "EUR"))
    made = stripe.refund(refund_of(sandbox.pay(PAID, method="ideal")))
    assert (made.status, made.reason) == (RefundStatus.FAILED, "the balance at Stripe is too low")


def test_a_refund_that_was_cancelled_in_the_dashboard_is_cancelled(
    sandbox: StripeSandbox, stripe: Stripe, payment: PaymentOf, refund_of: RefundOf
) -> None:
    reference = sandbox.pay(PAID)
    made = stripe.refund(refund_of(reference))
    sandbox.cancel_in_dashboard(made.reference)
    assert stripe.fetch_refund(reference, made.reference).status is RefundStatus.CANCELLED
    assert stripe.refundable(payment(reference)).remaining == PAID


def test_a_refund_that_waits_for_the_consumer_can_be_cancelled_and_no_other(
    sandbox: StripeSandbox, stripe: Stripe, refund_of: RefundOf
) -> None:
    sandbox.plans.append([Step(status="requires_action")])
    reference = sandbox.pay(PAID)
    waiting = stripe.refund(refund_of(reference, number=1))
    done = stripe.refund(refund_of(reference, number=2))
    assert stripe.cancel_refund(reference, waiting.reference).status is RefundStatus.CANCELLED
    for reference_of in (waiting, done):
        with pytest.raises(ProviderError) as caught:
            stripe.cancel_refund(reference, reference_of.reference)
        assert caught.value.disposition == "final"
        assert caught.value.message


# --- settings --------------------------------------------------------------------------------------------


def test_settings_that_work_are_shown_by_one_cheap_call(sandbox: StripeSandbox, stripe: Stripe) -> None:
    stripe.check_settings()
    [request] = sandbox.server.requests
    assert (request.method, request.path, request.query) == ("GET", "/v1/refunds", {"limit": "1"})


@pytest.mark.parametrize(
    "key, status, code",
    [
        ("sk_test_wrong", 401, ErrorCode.AUTHENTICATION),
        ("rk_test_sandbox", 403, ErrorCode.AUTHENTICATION),
        ("sk_live_sandbox", 404, ErrorCode.CONFIGURATION),
    ],
)
def test_a_key_that_does_not_work_is_for_a_person_to_fix_and_never_shown(
    sandbox: StripeSandbox, provider_with: Callable[..., Stripe], key: str, status: int, code: ErrorCode
) -> None:
    with pytest.raises(ProviderError) as caught:
        provider_with(sandbox, api_key=Secret(key)).check_settings()
    assert (caught.value.code, caught.value.http_status) == (code, status)
    assert caught.value.disposition == "fix"
    assert key not in str(caught.value)
