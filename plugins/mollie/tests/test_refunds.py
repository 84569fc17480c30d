"""Refunds by API, against the sandbox: the whole way, and every trap that Mollie is known for."""

from __future__ import annotations

import datetime
import json
from collections.abc import Callable

import attrs
import pytest

from retour.providers import (
    Disposition,
    ErrorCode,
    Mode,
    Money,
    Payment,
    ProviderError,
    RefundRequest,
    RefundsByApi,
    RefundStatus,
    Secret,
)
from retour.sandbox import SandboxResponse
from retour_mollie.provider import Mollie
from retour_mollie.sandbox import MollieSandbox

HOUR = datetime.timedelta(hours=1)
DAY = datetime.timedelta(days=1)

RequestFor = Callable[..., RefundRequest]
ProviderWith = Callable[..., Mollie]
ShopPayment = Callable[..., Payment]


def euros(amount: str) -> Money:
    return Money.of(amount, "EUR")


def test_a_refund_is_sent_fetched_found_listed_and_paid_out(
    mollie: RefundsByApi, sandbox: MollieSandbox, paid: Payment, request_for: RequestFor
) -> None:
    before = mollie.refundable(paid)
    assert (before.target, before.remaining, before.possible) == (paid.reference, euros("94.95"), True)

    request = request_for("44.95")
    sent = mollie.refund(request)
    assert sent.reference.startswith("re_")
    assert (sent.status, sent.provider_status, sent.reason) == (RefundStatus.PENDING, "pending", "")
    assert (sent.amount, sent.refund_id) == (request.amount, request.refund_id)
    assert sent.created_at == sandbox.clock.now()

    assert mollie.fetch_refund(sent_on := request.target, sent.reference) == sent
    assert mollie.find_refund(request) == sent
    assert mollie.list_refunds(sent_on) == [sent]
    assert mollie.refundable(paid).remaining == euros("50.00")

    sandbox.advance(2 * HOUR)
    assert mollie.fetch_refund(sent_on, sent.reference).provider_status == "processing"
    sandbox.advance(DAY)
    assert mollie.fetch_refund(sent_on, sent.reference).status is RefundStatus.SUCCEEDED


# --- what is sent ----------------------------------------------------------------------------------------


def test_the_same_request_is_always_the_same_bytes_and_headers(
    sandbox: MollieSandbox, provider_with: ProviderWith, request_for: RequestFor
) -> None:
    for _ in range(2):
        provider_with().refund(request_for())
    first, again = sandbox.server.requests
    assert first == again
    assert first.headers["idempotency-key"] == request_for().key


def test_the_amount_is_sent_for_a_full_refund_too(
    mollie: Mollie, sandbox: MollieSandbox, request_for: RequestFor
) -> None:
    mollie.refund(request_for("94.95"))
    assert json.loads(sandbox.server.requests[-1].body) == {
        "amount": {"currency": "EUR", "value": "94.95"},
        "description": "Retour 1001",
        "metadata": {"refund_id": request_for().refund_id},
    }


def test_a_refund_is_sent_without_reading_anything_first(
    mollie: Mollie, sandbox: MollieSandbox, request_for: RequestFor
) -> None:
    mollie.refund(request_for())
    assert [request.method for request in sandbox.server.requests] == ["POST"]


@pytest.mark.parametrize(
    "description, sent",
    [
        ("x" * 300, "x" * 140),
        ("Retour\n1001\t€", "Retour 1001 €"),
        ("half \ud83d", "half ?"),
        ("", ""),
    ],
)
def test_a_description_is_one_line_of_at_most_140_characters(
    mollie: Mollie, sandbox: MollieSandbox, request_for: RequestFor, description: str, sent: str
) -> None:
    mollie.refund(request_for(description=description))
    assert json.loads(sandbox.server.requests[-1].body)["description"] == sent


# --- exactly once ----------------------------------------------------------------------------------------


def test_the_same_request_twice_within_the_hour_is_one_refund(
    mollie: Mollie, sandbox: MollieSandbox, request_for: RequestFor
) -> None:
    first = mollie.refund(request_for())
    sandbox.advance(HOUR - datetime.timedelta(seconds=1))
    assert mollie.refund(request_for()) == first
    assert len(sandbox.refunds(request_for().target)) == 1


def test_after_the_hour_the_same_key_is_a_new_request(
    mollie: Mollie, sandbox: MollieSandbox, request_for: RequestFor
) -> None:
    """Why a key is not resent after its window before `find_refund` was asked."""
    window = Mollie.capabilities.idempotency
    assert window is not None
    first = mollie.refund(request_for())
    sandbox.advance(window.window)
    assert mollie.refund(request_for()).reference != first.reference


def test_two_refunds_of_different_amounts_are_two_refunds(mollie: Mollie, request_for: RequestFor) -> None:
    one, other = mollie.refund(request_for("10.00", 1)), mollie.refund(request_for("20.00", 2))
    assert one.reference != other.reference


def test_a_second_refund_of_the_same_amount_is_refused_for_an_hour_even_with_a_fresh_key(
    mollie: Mollie, sandbox: MollieSandbox, request_for: RequestFor
) -> None:
    mollie.refund(request_for("10.00", 1))
    with pytest.raises(ProviderError) as refused:
        mollie.refund(request_for("10.00", 2))
    assert (refused.value.code, refused.value.disposition) == (ErrorCode.DUPLICATE, Disposition.RETRY)
    assert refused.value.not_before == HOUR
    assert refused.value.message == "A duplicate refund has been detected"
    assert mollie.find_refund(request_for("10.00", 2)) is None

    sandbox.advance(HOUR)
    mollie.refund(request_for("10.00", 2))
    assert len(mollie.list_refunds(request_for().target)) == 2


def test_the_refusal_of_a_duplicate_is_repeated_to_its_own_key_until_the_hour_is_over(
    mollie: Mollie, sandbox: MollieSandbox, request_for: RequestFor
) -> None:
    mollie.refund(request_for("10.00", 1))
    sandbox.advance(HOUR / 2)
    for wait in (HOUR / 2, HOUR / 2 - datetime.timedelta(seconds=1)):
        with pytest.raises(ProviderError) as refused:
            mollie.refund(request_for("10.00", 2))
        assert refused.value.code is ErrorCode.DUPLICATE
        sandbox.advance(wait)
    sandbox.advance(datetime.timedelta(seconds=1))
    mollie.refund(request_for("10.00", 2))


def test_a_key_that_is_being_worked_on_is_reconciled(
    mollie: Mollie, sandbox: MollieSandbox, request_for: RequestFor
) -> None:
    sandbox.keys_in_progress.add(request_for().key)
    with pytest.raises(ProviderError) as refused:
        mollie.refund(request_for())
    assert (refused.value.code, refused.value.disposition) == (ErrorCode.IN_PROGRESS, Disposition.RECONCILE)


def test_a_key_with_other_parameters_is_reconciled(mollie: Mollie, request_for: RequestFor) -> None:
    mollie.refund(request_for("10.00"))
    with pytest.raises(ProviderError) as refused:
        mollie.refund(request_for("11.00"))
    assert (refused.value.code, refused.value.disposition) == (ErrorCode.KEY_REUSED, Disposition.RECONCILE)


# --- finding and listing ---------------------------------------------------------------------------------


def test_only_our_own_refund_is_found_never_one_that_is_alike(
    mollie: Mollie, sandbox: MollieSandbox, request_for: RequestFor
) -> None:
    request = request_for("10.00", 7)
    sandbox.refund_in_dashboard(request.target, request.amount, description=request.description)
    mollie.refund(request_for("11.00", 8))
    assert mollie.find_refund(request) is None
    sandbox.advance(HOUR)
    assert mollie.refund(request) == mollie.find_refund(request)


@pytest.mark.parametrize("metadata", [None, "text", "[", "[" * 100_000, 12, 1.5, ["x"], {"refund_id": 7}, {"x": "y"}])
def test_metadata_of_others_can_be_anything(
    mollie: Mollie, sandbox: MollieSandbox, request_for: RequestFor, metadata: object
) -> None:
    foreign = sandbox.refund_in_dashboard(request_for().target, euros("10.00"))
    sandbox.ledger.refunds[foreign].said["metadata"] = metadata
    assert mollie.find_refund(request_for()) is None
    assert [refund.refund_id for refund in mollie.list_refunds(request_for().target)] == [""]


def test_our_id_is_found_where_metadata_comes_back_as_json_in_a_text(
    mollie: Mollie, sandbox: MollieSandbox, request_for: RequestFor
) -> None:
    """As in the example of a refund in Mollie's own description."""
    sent = mollie.refund(request_for())
    sandbox.ledger.refunds[sent.reference].said["metadata"] = json.dumps({"refund_id": request_for().refund_id})
    assert mollie.find_refund(request_for()) == sent


def test_a_refund_made_in_the_dashboard_is_listed_without_an_id_of_ours(
    mollie: Mollie, sandbox: MollieSandbox, paid: Payment, request_for: RequestFor
) -> None:
    made = sandbox.refund_in_dashboard(paid.reference, euros("10.00"))
    ours = mollie.refund(request_for("20.00"))
    assert [(refund.reference, refund.refund_id) for refund in mollie.list_refunds(paid.reference)] == [
        (ours.reference, request_for().refund_id),
        (made, ""),
    ]
    assert mollie.refundable(paid).remaining == euros("64.95")


def test_every_page_of_a_long_list_is_read(mollie: Mollie, sandbox: MollieSandbox, request_for: RequestFor) -> None:
    first = mollie.refund(request_for("1.00"))
    for _ in range(600):
        sandbox.refund_in_dashboard(request_for().target, euros("0.01"))
    assert len(mollie.list_refunds(request_for().target)) == 601
    assert mollie.find_refund(request_for("1.00")) == first
    assert [request.query for request in sandbox.server.requests[-3:]] == [
        {"limit": "250"},
        {"limit": "250", "from": "re_0000000351"},
        {"limit": "250", "from": "re_0000000101"},
    ]


def test_a_next_page_elsewhere_does_not_get_our_key(
    mollie: Mollie, sandbox: MollieSandbox, request_for: RequestFor
) -> None:
    target = request_for().target
    made = sandbox.refund_in_dashboard(target, euros("1.00"))
    page = sandbox.server.handle
    elsewhere = f"http://127.0.0.1:1/v2/payments/{target}/refunds?from={made}"
    sandbox.server.handle = lambda request: (
        page(request) if "from" in request.query else _with_next(page(request), elsewhere)
    )
    assert [refund.reference for refund in mollie.list_refunds(target)] == [made]
    assert len(sandbox.server.requests) == 2


@pytest.mark.parametrize("address", ["https://api.mollie.com/v2/payments/tr_1/refunds", "http://[", "?from=&limit=1"])
def test_a_next_page_without_a_beginning_is_unreadable(
    mollie: Mollie, sandbox: MollieSandbox, request_for: RequestFor, address: str
) -> None:
    page = sandbox.server.handle
    sandbox.server.handle = lambda request: _with_next(page(request), address)
    with pytest.raises(ProviderError) as unreadable:
        mollie.list_refunds(request_for().target)
    assert unreadable.value.code is ErrorCode.UNREADABLE_ANSWER


def test_a_list_that_goes_round_in_a_circle_is_not_read_for_ever(
    mollie: Mollie, sandbox: MollieSandbox, request_for: RequestFor
) -> None:
    made = sandbox.refund_in_dashboard(request_for().target, euros("1.00"))
    page = sandbox.server.handle
    sandbox.server.handle = lambda request: _with_next(page(request), f"{sandbox.url}/x?from={made}")
    with pytest.raises(ProviderError, match="circle"):
        mollie.list_refunds(request_for().target)


def _with_next(page: SandboxResponse, address: str) -> SandboxResponse:
    body = json.loads(page.encoded())
    body["_links"]["next"] = {"href": address, "type": "application/hal+json"}
    return attrs.evolve(page, body=body)


def test_a_refund_that_is_not_there_proves_nothing(mollie: Mollie, request_for: RequestFor) -> None:
    with pytest.raises(ProviderError) as missing:
        mollie.fetch_refund(request_for().target, "re_missing")
    assert missing.value.disposition is Disposition.RECONCILE
    assert Mollie.capabilities.lookup_complete_after is None


def test_a_payment_that_is_not_there_proves_nothing_of_its_refunds(mollie: Mollie, request_for: RequestFor) -> None:
    lost = request_for(target="tr_missing")
    for ask in (
        lambda: mollie.fetch_refund(lost.target, "re_1"),
        lambda: mollie.find_refund(lost),
        lambda: mollie.list_refunds(lost.target),
        lambda: mollie.cancel_refund(lost.target, "re_1"),
    ):
        with pytest.raises(ProviderError) as missing:
            ask()
        assert (missing.value.code, missing.value.disposition) == (ErrorCode.UNKNOWN_PAYMENT, Disposition.RECONCILE)


@pytest.mark.parametrize("typed", ["re_/../../payments", "re_..", "re_?x#y", "re_\ud800", "re_é", "re_" + "x" * 5000])
def test_a_reference_that_a_person_typed_stays_one_part_of_the_path(
    mollie: Mollie, sandbox: MollieSandbox, request_for: RequestFor, typed: str
) -> None:
    with pytest.raises(ProviderError):
        mollie.fetch_refund(request_for().target, typed)
    for request in sandbox.server.requests:
        assert request.path.startswith(f"/v2/payments/{request_for().target}/refunds")
        assert request.path.count("/") <= 5


@pytest.mark.parametrize("typed", ["", "..", "tr_0000000001", "refund 12", "RE_1"])
def test_a_reference_that_is_no_refund_is_not_asked_for(
    mollie: Mollie, sandbox: MollieSandbox, request_for: RequestFor, typed: str
) -> None:
    with pytest.raises(ProviderError, match="begin with re_"):
        mollie.fetch_refund(request_for().target, typed)
    assert sandbox.server.requests == []


# --- statuses --------------------------------------------------------------------------------------------


def test_a_low_balance_is_no_error_but_a_queued_refund_that_goes_on_by_itself(
    mollie: Mollie, sandbox: MollieSandbox, request_for: RequestFor
) -> None:
    sandbox.set_balance(euros("10.00"))
    queued = mollie.refund(request_for("44.95"))
    assert (queued.status, queued.provider_status) == (RefundStatus.PENDING, "queued")
    assert "balance at Mollie is too low" in queued.reason
    sandbox.advance(30 * DAY)
    assert mollie.fetch_refund(request_for().target, queued.reference) == queued

    sandbox.set_balance(euros("50.00"))
    assert mollie.fetch_refund(request_for().target, queued.reference).provider_status == "pending"
    sandbox.advance(2 * DAY)
    assert mollie.fetch_refund(request_for().target, queued.reference).status is RefundStatus.SUCCEEDED
    assert sandbox.balance("EUR") == euros("5.05")


def test_a_refund_that_the_bank_refuses_has_failed_with_a_reason(
    mollie: Mollie, sandbox: MollieSandbox, request_for: RequestFor
) -> None:
    sent = mollie.refund(request_for())
    sandbox.advance(2 * HOUR)
    sandbox.fail(sent.reference)
    failed = mollie.fetch_refund(request_for().target, sent.reference)
    assert failed.status is RefundStatus.FAILED
    assert "the bank refused the refund" in failed.reason


def test_a_refund_that_was_paid_out_can_still_fail(
    mollie: Mollie, sandbox: MollieSandbox, request_for: RequestFor
) -> None:
    sent = mollie.refund(request_for())
    sandbox.advance(3 * DAY)
    assert mollie.fetch_refund(request_for().target, sent.reference).status is RefundStatus.SUCCEEDED
    sandbox.fail(sent.reference)
    assert mollie.fetch_refund(request_for().target, sent.reference).status is RefundStatus.FAILED


def test_a_refund_can_be_pending_for_ever(mollie: Mollie, sandbox: MollieSandbox, request_for: RequestFor) -> None:
    sandbox.hold()
    sent = mollie.refund(request_for())
    sandbox.advance(365 * DAY)
    assert mollie.fetch_refund(request_for().target, sent.reference).status is RefundStatus.PENDING


def test_a_status_that_we_do_not_know_is_pending(
    mollie: Mollie, sandbox: MollieSandbox, request_for: RequestFor
) -> None:
    sent = mollie.refund(request_for())
    answer = sandbox.server.handle
    sandbox.server.handle = lambda request: _changed(answer(request), status="on-hold")
    fetched = mollie.fetch_refund(request_for().target, sent.reference)
    assert (fetched.status, fetched.provider_status) == (RefundStatus.PENDING, "on-hold")


def _changed(response: SandboxResponse, **fields: object) -> SandboxResponse:
    return attrs.evolve(response, body=json.loads(response.encoded()) | fields)


# --- cancelling ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("gone", [False, True])
@pytest.mark.parametrize("balance", ["0.00", "100.00"])
def test_a_refund_that_waits_can_be_cancelled_whether_it_is_gone_then_or_not(
    mollie: Mollie, sandbox: MollieSandbox, paid: Payment, request_for: RequestFor, gone: bool, balance: str
) -> None:
    """The description says that a cancelled refund is answered with 404; the documentation has it as a status."""
    sandbox.cancelled_are_gone = gone
    sandbox.set_balance(euros(balance))
    sent = mollie.refund(request_for())
    cancelled = mollie.cancel_refund(request_for().target, sent.reference)
    assert (cancelled.status, cancelled.provider_status, cancelled.reason) == (RefundStatus.CANCELLED, "canceled", "")
    assert (cancelled.amount, cancelled.refund_id) == (sent.amount, sent.refund_id)
    assert mollie.refundable(paid).remaining == euros("94.95")
    assert sandbox.balance("EUR") == euros(balance)


def test_cancelling_twice_gives_the_cancelled_refund_again(mollie: Mollie, request_for: RequestFor) -> None:
    sent = mollie.refund(request_for())
    first = mollie.cancel_refund(request_for().target, sent.reference)
    assert mollie.cancel_refund(request_for().target, sent.reference) == first


@pytest.mark.parametrize("after", [2 * HOUR, 3 * DAY])
def test_a_refund_that_went_out_cannot_be_cancelled_any_more(
    mollie: Mollie, sandbox: MollieSandbox, request_for: RequestFor, after: datetime.timedelta
) -> None:
    sent = mollie.refund(request_for())
    sandbox.advance(after)
    with pytest.raises(ProviderError, match="cannot be cancelled any more") as refused:
        mollie.cancel_refund(request_for().target, sent.reference)
    assert (refused.value.code, refused.value.disposition) == (ErrorCode.TOO_LATE, Disposition.FINAL)
    assert sandbox.server.requests[-1].method == "GET"


@pytest.mark.parametrize("gone", [False, True])
def test_a_refund_that_moves_on_while_it_is_cancelled_is_read_again(
    mollie: Mollie, sandbox: MollieSandbox, request_for: RequestFor, gone: bool
) -> None:
    sent = mollie.refund(request_for())
    answer = sandbox.server.handle

    def meanwhile(request: object) -> SandboxResponse:
        if getattr(request, "method", "") == "DELETE":
            if gone:
                sandbox.cancel_in_dashboard(sent.reference)
            else:
                sandbox.advance(2 * HOUR)
        return answer(request)  # type: ignore[arg-type]

    sandbox.server.handle = meanwhile
    if gone:
        assert mollie.cancel_refund(request_for().target, sent.reference).status is RefundStatus.CANCELLED
    else:
        with pytest.raises(ProviderError) as refused:
            mollie.cancel_refund(request_for().target, sent.reference)
        assert (refused.value.code, refused.value.http_status) == (ErrorCode.TOO_LATE, 404)


def test_a_refund_cancelled_in_the_dashboard_is_cancelled(
    mollie: Mollie, sandbox: MollieSandbox, request_for: RequestFor
) -> None:
    sent = mollie.refund(request_for())
    sandbox.cancel_in_dashboard(sent.reference)
    assert mollie.fetch_refund(request_for().target, sent.reference).status is RefundStatus.CANCELLED


# --- what can be refunded --------------------------------------------------------------------------------


def test_the_page_of_the_payment_comes_from_the_answer(mollie: Mollie, paid: Payment) -> None:
    assert mollie.refundable(paid).url == f"https://www.mollie.com/dashboard/org_12345678/payments/{paid.reference}"


def test_more_than_was_paid_may_remain_and_is_only_a_hint(
    mollie: Mollie, sandbox: MollieSandbox, shop_payment_of: ShopPayment
) -> None:
    reference = sandbox.pay(euros("94.95"), extra=euros("25.00"))
    assert mollie.refundable(shop_payment_of(reference)).remaining == euros("119.95")


@pytest.mark.parametrize("method", ["giftcard", "voucher", "paysafecard"])
def test_no_remaining_amount_means_that_no_refund_is_possible(
    mollie: Mollie, sandbox: MollieSandbox, shop_payment_of: ShopPayment, method: str
) -> None:
    found = mollie.refundable(shop_payment_of(sandbox.pay(euros("94.95"), method=method)))
    assert (found.possible, found.remaining) == (False, euros("0.00"))
    assert "a method without refunds" in found.reason
    assert found.url.startswith("https://www.mollie.com/dashboard/")


def test_an_authorised_payment_must_be_captured_first(
    mollie: Mollie, sandbox: MollieSandbox, shop_payment_of: ShopPayment
) -> None:
    found = mollie.refundable(shop_payment_of(sandbox.pay(euros("94.95"), method="klarna", status="authorized")))
    assert not found.possible
    assert "capture it first" in found.reason


@pytest.mark.parametrize("status", ["open", "pending", "canceled", "expired", "failed"])
def test_a_payment_that_is_not_paid_cannot_be_refunded(
    mollie: Mollie, sandbox: MollieSandbox, shop_payment_of: ShopPayment, status: str
) -> None:
    found = mollie.refundable(shop_payment_of(sandbox.pay(euros("94.95"), status=status)))
    assert not found.possible
    assert status in found.reason


def test_a_payment_stays_paid_when_everything_was_refunded(
    mollie: Mollie, sandbox: MollieSandbox, paid: Payment, request_for: RequestFor
) -> None:
    mollie.refund(request_for("94.95"))
    sandbox.advance(3 * DAY)
    found = mollie.refundable(paid)
    assert (found.possible, found.reason) == (False, "everything of this payment was refunded")


def test_too_much_is_told_as_such_since_somebody_may_have_refunded_in_the_dashboard_meanwhile(
    mollie: Mollie, sandbox: MollieSandbox, paid: Payment, request_for: RequestFor
) -> None:
    sandbox.refund_in_dashboard(paid.reference, euros("90.00"))
    with pytest.raises(ProviderError) as refused:
        mollie.refund(request_for("44.95"))
    assert (refused.value.code, refused.value.disposition) == (ErrorCode.AMOUNT_TOO_HIGH, Disposition.FINAL)
    assert refused.value.message == "The specified amount cannot be refunded"
    assert (refused.value.provider_code, refused.value.http_status) == ("422 amount.value", 422)


def test_the_refusal_once_seen_for_a_low_balance_is_told_as_too_much(
    mollie: Mollie, sandbox: MollieSandbox, request_for: RequestFor
) -> None:
    """Documented is a queued refund; seen was a 422 (mollie/mollie-api-ruby#143)."""
    refusal = {"status": 422, "title": "Unprocessable Entity", "detail": "The specified amount cannot be refunded"}
    sandbox.server.handle = lambda _: SandboxResponse(status=422, body=refusal)
    with pytest.raises(ProviderError) as refused:
        mollie.refund(request_for())
    assert (refused.value.code, refused.value.disposition) == (ErrorCode.AMOUNT_TOO_HIGH, Disposition.FINAL)


def test_a_payment_in_another_currency_than_the_order_is_not_refunded(
    mollie: Mollie, sandbox: MollieSandbox, shop_payment_of: ShopPayment
) -> None:
    found = mollie.refundable(shop_payment_of(sandbox.pay(Money.of("94.95", "USD"))))
    assert (found.possible, found.remaining) == (False, euros("0.00"))
    assert "is in USD, and the order says EUR" in found.reason


def test_a_reference_of_another_kind_is_not_asked_for(
    mollie: Mollie, sandbox: MollieSandbox, shop_payment_of: ShopPayment
) -> None:
    found = mollie.refundable(shop_payment_of("INV-42"))
    assert (found.possible, found.target) == (False, "")
    assert "INV-42 is no payment of Mollie" in found.reason
    assert sandbox.server.requests == []


def test_an_unknown_payment_is_told(mollie: Mollie, shop_payment_of: ShopPayment) -> None:
    with pytest.raises(ProviderError) as unknown:
        mollie.refundable(shop_payment_of("tr_missing"))
    assert (unknown.value.code, unknown.value.disposition) == (ErrorCode.UNKNOWN_PAYMENT, Disposition.FINAL)


def test_a_refund_is_not_fetched_by_an_answer_about_another_one(
    mollie: Mollie, sandbox: MollieSandbox, request_for: RequestFor
) -> None:
    ours, other = mollie.refund(request_for("10.00")), mollie.refund(request_for("20.00", number=2))
    target = request_for().target
    mollie.fetch_refund(target, other.reference)
    answer = sandbox.server.handle(sandbox.server.requests[-1])
    sandbox.server.handle = lambda _: answer
    with pytest.raises(ProviderError) as mixed_up:
        mollie.fetch_refund(target, ours.reference)
    assert (mixed_up.value.code, mixed_up.value.disposition) == (ErrorCode.UNREADABLE_ANSWER, Disposition.RECONCILE)


def test_one_call_gives_what_is_left_and_every_refund_as_the_list_has_them(
    mollie: Mollie, sandbox: MollieSandbox, paid: Payment, request_for: RequestFor
) -> None:
    assert mollie.refundable(paid).refunds == ()
    mollie.refund(request_for("20.00"))
    failed, cancelled = (sandbox.refund_in_dashboard(paid.reference, euros(amount)) for amount in ("1.00", "2.00"))
    sandbox.cancel_in_dashboard(cancelled)
    sandbox.fail(failed)
    sandbox.server.requests.clear()
    found = mollie.refundable(paid)
    assert [(request.path, request.query) for request in sandbox.server.requests] == [
        (f"/v2/payments/{paid.reference}", {"embed": "refunds"})
    ]
    assert (found.remaining, found.refunds) == (euros("74.95"), tuple(mollie.list_refunds(paid.reference)))


def test_the_refunds_of_a_payment_that_cannot_be_refunded_any_more_are_given_too(
    mollie: Mollie, paid: Payment, request_for: RequestFor
) -> None:
    made = mollie.refund(request_for("94.95"))
    found = mollie.refundable(paid)
    assert (found.possible, found.refunds) == (False, (made,))
    other = mollie.refundable(attrs.evolve(paid, captured=Money.of("94.95", "USD")))
    assert (other.possible, other.refunds) == (False, (made,))


@pytest.mark.parametrize("made, whole", [(49, True), (50, False), (51, False)])
def test_as_many_embedded_refunds_as_a_page_has_are_not_taken_for_all(
    mollie: Mollie, sandbox: MollieSandbox, paid: Payment, made: int, whole: bool
) -> None:
    """The description names no limit of what it embeds, which is no promise that there is none."""
    for _ in range(made):
        sandbox.refund_in_dashboard(paid.reference, euros("0.01"))
    found = mollie.refundable(paid)
    assert found.remaining == euros("94.95") - Money(minor=made, currency="EUR")
    assert (found.refunds is not None) is whole
    assert len(mollie.list_refunds(found.target)) == made


def test_embedded_refunds_that_come_to_less_than_was_refunded_are_not_all(
    mollie: Mollie, sandbox: MollieSandbox, paid: Payment
) -> None:
    for amount in ("1.00", "2.00"):
        sandbox.refund_in_dashboard(paid.reference, euros(amount))
    answer = sandbox.server.handle

    def cut_short(request: object) -> SandboxResponse:
        said = answer(request)  # type: ignore[arg-type]
        body = json.loads(said.encoded())
        del body["_embedded"]["refunds"][1:]
        return attrs.evolve(said, body=body)

    sandbox.server.handle = cut_short
    assert mollie.refundable(paid).refunds is None


@pytest.mark.parametrize("embedded", [None, {}, {"captures": []}])
def test_refunds_that_are_not_embedded_are_left_to_the_list(
    mollie: Mollie, sandbox: MollieSandbox, paid: Payment, embedded: object
) -> None:
    answer = sandbox.server.handle
    sandbox.server.handle = lambda request: _changed(answer(request), _embedded=embedded)
    found = mollie.refundable(paid)
    assert (found.possible, found.refunds) == (True, None)


@pytest.mark.parametrize(
    "field, value, code",
    [("paymentId", "tr_another", ErrorCode.UNREADABLE_ANSWER), ("mode", "live", ErrorCode.CONFIGURATION)],
)
def test_an_embedded_refund_of_another_payment_or_mode_is_refused(
    mollie: Mollie, sandbox: MollieSandbox, paid: Payment, field: str, value: str, code: ErrorCode
) -> None:
    sandbox.refund_in_dashboard(paid.reference, euros("1.00"))
    answer = sandbox.server.handle

    def mixed_up(request: object) -> SandboxResponse:
        said = answer(request)  # type: ignore[arg-type]
        body = json.loads(said.encoded())
        body["_embedded"]["refunds"][0][field] = value
        return attrs.evolve(said, body=body)

    sandbox.server.handle = mixed_up
    with pytest.raises(ProviderError) as refused:
        mollie.refundable(paid)
    assert (refused.value.code, refused.value.disposition) == (code, Disposition.RECONCILE)


# --- orders ----------------------------------------------------------------------------------------------


def test_an_order_is_refunded_by_amount_on_its_one_paid_payment(
    mollie: Mollie, sandbox: MollieSandbox, shop_payment_of: ShopPayment, request_for: RequestFor
) -> None:
    tried = sandbox.pay(euros("94.95"), status="expired")
    paid = sandbox.pay(euros("94.95"))
    found = mollie.refundable(shop_payment_of(sandbox.order(tried, paid)))
    assert (found.possible, found.target, found.remaining) == (True, paid, euros("94.95"))
    assert mollie.refund(request_for(target=found.target)).status is RefundStatus.PENDING


@pytest.mark.parametrize(
    "statuses, said",
    [((), "no paid payment"), (("expired",), "no paid payment"), (("paid", "paid"), "2 paid payments")],
)
def test_an_order_without_one_paid_payment_is_refunded_by_hand(
    mollie: Mollie, sandbox: MollieSandbox, shop_payment_of: ShopPayment, statuses: tuple[str, ...], said: str
) -> None:
    payments = [sandbox.pay(euros("10.00"), status=status) for status in statuses]
    found = mollie.refundable(shop_payment_of(sandbox.order(*payments)))
    assert (found.possible, found.target) == (False, "")
    assert said in found.reason
    several = tuple(payments) if len(payments) > 1 else ()
    assert found.choices == several
    assert all(payment in found.reason for payment in several)


def test_the_payment_of_another_order_is_not_taken_for_the_one_of_ours(
    mollie: Mollie, sandbox: MollieSandbox, shop_payment_of: ShopPayment
) -> None:
    """The refund would be made on the other one."""
    ours, other = (sandbox.order(sandbox.pay(euros("94.95"))) for _ in range(2))
    mollie.refundable(shop_payment_of(other))
    answer = sandbox.server.handle(sandbox.server.requests[0])
    sandbox.server.handle = lambda _: answer
    with pytest.raises(ProviderError, match="about another order than") as mixed_up:
        mollie.refundable(shop_payment_of(ours))
    assert (mixed_up.value.code, mixed_up.value.disposition) == (ErrorCode.UNREADABLE_ANSWER, Disposition.RECONCILE)


@pytest.mark.parametrize("reference", ["tr_/../../profiles/me", "tr_é", "ord_?x#y", "ord_ 1", "tr_%2e"])
def test_a_reference_that_mollie_cannot_have_is_unknown_without_a_call(
    mollie: Mollie, sandbox: MollieSandbox, shop_payment_of: ShopPayment, reference: str
) -> None:
    with pytest.raises(ProviderError) as unknown:
        mollie.refundable(shop_payment_of(reference))
    assert (unknown.value.code, unknown.value.disposition) == (ErrorCode.UNKNOWN_PAYMENT, Disposition.FINAL)
    assert sandbox.server.requests == []


def test_an_unknown_order_is_told(mollie: Mollie, shop_payment_of: ShopPayment) -> None:
    with pytest.raises(ProviderError) as unknown:
        mollie.refundable(shop_payment_of("ord_missing"))
    assert unknown.value.code is ErrorCode.UNKNOWN_PAYMENT


# --- live and test ---------------------------------------------------------------------------------------


def test_a_live_payment_is_not_looked_up_with_a_test_key(mollie: Mollie, sandbox: MollieSandbox, paid: Payment) -> None:
    with pytest.raises(ProviderError, match="Set a live key") as refused:
        mollie.refundable(attrs.evolve(paid, mode=Mode.LIVE))
    assert (refused.value.code, refused.value.disposition) == (ErrorCode.CONFIGURATION, Disposition.FIX)
    assert sandbox.server.requests == []


def test_a_test_payment_is_unknown_to_a_live_key(
    sandbox: MollieSandbox, provider_with: ProviderWith, paid: Payment, request_for: RequestFor
) -> None:
    live = provider_with(api_key=Secret(sandbox.live_key))
    with pytest.raises(ProviderError) as unknown:
        live.refund(request_for())
    assert unknown.value.code is ErrorCode.UNKNOWN_PAYMENT
    assert sandbox.refunds(paid.reference) == []


def test_an_answer_about_the_other_mode_is_never_taken_for_ours(
    mollie: Mollie, sandbox: MollieSandbox, paid: Payment, request_for: RequestFor
) -> None:
    sent = mollie.refund(request_for())
    answer = sandbox.server.handle
    sandbox.server.handle = lambda request: _changed(answer(request), mode="live")
    for ask in (
        lambda: mollie.refundable(paid),
        lambda: mollie.refund(request_for("1.00", 2)),
        lambda: mollie.fetch_refund(request_for().target, sent.reference),
        mollie.check_settings,
    ):
        with pytest.raises(ProviderError) as mixed_up:
            ask()
        assert (mixed_up.value.code, mixed_up.value.disposition) == (ErrorCode.CONFIGURATION, Disposition.RECONCILE)


def test_a_token_says_testmode_with_every_call_and_a_key_never_does(
    sandbox: MollieSandbox, provider_with: ProviderWith, paid: Payment, request_for: RequestFor
) -> None:
    for settings, says in (({"api_key": Secret(sandbox.token), "token_mode": "test"}, True), ({}, False)):
        provider = provider_with(**settings)
        sandbox.server.requests.clear()
        provider.refundable(paid)
        sent = provider.refund(request_for("1.00" if says else "2.00", 1 + says))
        provider.fetch_refund(paid.reference, sent.reference)
        provider.list_refunds(paid.reference)
        provider.cancel_refund(paid.reference, sent.reference)
        for request in sandbox.server.requests:
            told = json.loads(request.body) if request.method == "POST" else request.query
            assert told.get("testmode") == ({"POST": True}.get(request.method, "true") if says else None)


def test_a_token_for_live_payments_says_nothing(
    sandbox: MollieSandbox, provider_with: ProviderWith, shop_payment_of: ShopPayment
) -> None:
    live = shop_payment_of(sandbox.pay(euros("94.95"), mode=Mode.LIVE), mode=Mode.LIVE)
    assert provider_with(api_key=Secret(sandbox.token)).refundable(live).possible
    assert sandbox.server.requests[-1].query == {"embed": "refunds"}


# --- settings --------------------------------------------------------------------------------------------


def test_settings_that_work_are_checked_with_one_call(sandbox: MollieSandbox, provider_with: ProviderWith) -> None:
    for key, path in ((sandbox.test_key, "profiles"), (sandbox.live_key, "profiles"), (sandbox.token, "organizations")):
        provider_with(api_key=Secret(key), token_mode="test").check_settings()
        assert sandbox.server.requests[-1].path == f"/v2/{path}/me"
        assert sandbox.server.requests[-1].query == {}
    assert len(sandbox.server.requests) == 3


@pytest.mark.parametrize("key", ["test_wrong", "access_wrong"])
def test_a_wrong_key_is_told_and_never_shown(provider_with: ProviderWith, key: str) -> None:
    with pytest.raises(ProviderError) as refused:
        provider_with(api_key=Secret(key)).check_settings()
    assert (refused.value.code, refused.value.disposition) == (ErrorCode.AUTHENTICATION, Disposition.FIX)
    assert "wrong" not in str(refused.value)
