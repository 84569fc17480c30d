"""Acme Pay with one fault each, and the tests of the contract whose promise that breaks.

Most of these faults were shipped by somebody; a docstring says what the merchant would notice of it.
"""

from __future__ import annotations

import datetime
import hmac
import json
import logging
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from typing import Any, TypeVar
from urllib.parse import urlsplit

import acme_pay
import attrs
import requests
from acme_pay import AcmePay, AcmePaySandbox, Settings, WireEvent, WirePayment, WireRefund

from retour.providers import (
    Answer,
    Disposition,
    ErrorCode,
    Idempotency,
    LinkRequest,
    Money,
    Payment,
    PaymentCapabilities,
    ProviderError,
    RawWebhook,
    Refundable,
    RefundEvent,
    RefundLink,
    RefundRequest,
    RefundResult,
    RefundStatus,
    Secret,
    Support,
    ToFetch,
    VerifiedEvents,
    WebhookRejected,
    WebhookUnreadable,
    hmac_sha256,
    read_json,
    read_wire,
)
from retour.sandbox import BookkeepingSandbox

_Kind = TypeVar("_Kind", bound=type[Any])


@attrs.frozen(kw_only=True)
class Broken:
    """A provider with one fault, and the tests that must fail of it."""

    provider: type[Any]
    caught_by: tuple[str, ...]
    sandbox: type[BookkeepingSandbox] = AcmePaySandbox


BROKEN: dict[str, Broken] = {}


def breaks(*tests: str, sandbox: type[BookkeepingSandbox] = AcmePaySandbox) -> Callable[[_Kind], _Kind]:
    """Put a provider into the table, with the tests that must fail of it."""

    def put(provider: _Kind) -> _Kind:
        BROKEN[provider.__name__] = Broken(provider=provider, caught_by=tests, sandbox=sandbox)
        return provider

    return put


def declaring(**facts: Any) -> PaymentCapabilities:
    """Acme Pay's capabilities with others in their place."""
    return attrs.evolve(AcmePay.capabilities, **facts)


# --- one refund is one refund --------------------------------------------------------------------------------


@breaks(
    "test_the_same_request_twice_is_one_refund",
    "test_the_key_of_a_refund_is_where_it_is_declared",
    "test_threads_that_send_one_refund_make_it_once",
    "test_a_key_that_was_used_for_another_amount_makes_no_second_refund",
)
class SendsAnotherKeyOnAResend(AcmePay):
    def _key(self, request: RefundRequest) -> str:
        return f"{request.key}-{uuid.uuid4()}"


@breaks("test_the_key_of_a_refund_is_where_it_is_declared")
class DeclaresAnotherHeader(AcmePay):
    capabilities = declaring(idempotency=Idempotency(header="X-Request-Id", window=datetime.timedelta(hours=24)))


@breaks("test_two_refunds_of_one_amount_are_two_refunds")
class MakesTheKeyFromPaymentAndAmount(AcmePay):
    """The second cup is told as paid by the refund of the first."""

    def _key(self, request: RefundRequest) -> str:
        return f"{request.target} {request.amount}"

    def _body(self, request: RefundRequest) -> dict[str, object]:
        return {"amount": self._amount(request.amount), "metadata": {}}

    def _check(self, made: RefundResult, request: RefundRequest) -> None: ...


@breaks("test_the_same_request_is_the_same_bytes")
class PutsTheTimeIntoTheRequest(AcmePay):
    def _body(self, request: RefundRequest) -> dict[str, object]:
        return {**super()._body(request), "sent_at": time.time_ns()}


@breaks("test_a_key_that_was_used_for_another_amount_makes_no_second_refund")
class TakesAUsedKeyForARefusal(AcmePay):
    def _refusal(self, answer: Answer) -> ProviderError:
        error = super()._refusal(answer)
        return ProviderError(ErrorCode.INVALID_REQUEST, "no") if error.code is ErrorCode.KEY_REUSED else error


@breaks("test_more_than_is_left_is_refused_and_not_failed_blindly")
class TakesTooMuchForAWrongRequest(AcmePay):
    """It is final as well, and nobody looks for the colleague who refunded it."""

    def _refusal(self, answer: Answer) -> ProviderError:
        error = super()._refusal(answer)
        if error.code is ErrorCode.AMOUNT_TOO_HIGH:
            error.code = ErrorCode.INVALID_REQUEST
        return error


@breaks("test_more_than_is_left_is_refused_and_not_failed_blindly")
class RefundsWhatIsLeftInstead(AcmePay):
    def refund(self, request: RefundRequest) -> RefundResult:
        left = self._left(self._read(WirePayment, self._path(request.target)))
        return super().refund(attrs.evolve(request, amount=min(left, request.amount)))


@breaks("test_a_refund_in_the_dashboard_is_another_than_ours", "test_two_refunds_of_one_amount_are_two_refunds")
class TakesARefundOfTheAmountForOurs(AcmePay):
    def refund(self, request: RefundRequest) -> RefundResult:
        made = [one for one in self._walk(request.target) if one.amount == request.amount]
        return made[0] if made else super().refund(request)


@breaks("test_a_refusal_says_why")
class SaysNothing(AcmePay):
    def _refusal(self, answer: Answer) -> ProviderError:
        return ProviderError(super()._refusal(answer).code, "")


@breaks("test_a_refusal_says_why")
class DropsTheProvidersOwnCode(AcmePay):
    def _refusal(self, answer: Answer) -> ProviderError:
        error = super()._refusal(answer)
        return ProviderError(error.code, error.message)


@breaks("test_threads_that_share_a_provider_make_each_refund_once")
class KeepsTheRequestInTheInstance(AcmePay):
    def refund(self, request: RefundRequest) -> RefundResult:
        self.request = request
        time.sleep(0.1)
        return super().refund(self.request)


@breaks("test_refunds_of_two_payments_stay_apart")
class RemembersTheFirstPayment(AcmePay):
    target = ""

    def refund(self, request: RefundRequest) -> RefundResult:
        self.target = self.target or request.target
        return super().refund(attrs.evolve(request, target=self.target))


# --- what is refunded ----------------------------------------------------------------------------------------


class _Unchecked(AcmePay):
    """For faults that the provider's own look at the answer would tell."""

    def _check(self, made: RefundResult, request: RefundRequest) -> None: ...


@breaks("test_a_part_of_a_payment_is_refunded_to_the_last_unit")
class IgnoresTheAmount(_Unchecked):
    def refund(self, request: RefundRequest) -> RefundResult:
        left = self._left(self._read(WirePayment, self._path(request.target)))
        return super().refund(attrs.evolve(request, amount=left))


@breaks("test_a_part_of_a_payment_is_refunded_to_the_last_unit")
class CountsMoneyInFloats(_Unchecked):
    def _amount(self, amount: Money) -> object:
        wire: Any = super()._amount(amount)
        return {**wire, "value": str(int(float(wire["value"]) * 100) / 100)}  # 19.99 becomes 19.98


@breaks("test_a_part_of_a_payment_is_refunded_to_the_last_unit")
class RoundsToWholeUnits(_Unchecked):
    def _amount(self, amount: Money) -> object:
        return {"value": str(round(amount.decimal)), "currency": amount.currency}


@breaks("test_an_amount_is_exact_in_every_currency")
class WritesTwoDecimalsInEveryCurrency(_Unchecked):
    """A refund of JPY 1230 is one of JPY 12.30, or of a tenth of the dinars."""

    def _amount(self, amount: Money) -> object:
        return {"value": f"{amount.minor / 100:.2f}", "currency": amount.currency}


@breaks("test_an_amount_is_exact_in_every_currency")
class ReadsTwoDecimalsInEveryCurrency(AcmePay):
    def _left(self, payment: WirePayment) -> Money:
        left = super()._left(payment)
        return Money(minor=int(left.decimal * 100), currency=left.currency)


@breaks("test_a_whole_payment_is_refunded_once")
class TakesAFeeOffTheAnswer(AcmePay):
    def refund(self, request: RefundRequest) -> RefundResult:
        made = super().refund(request)
        return attrs.evolve(made, amount=Money(minor=made.amount.minor - 25, currency=made.amount.currency))


@breaks("test_a_whole_payment_is_refunded_once")
class ReadsTimesWithoutTheirOffset(AcmePay):
    def _result(self, refund: WireRefund, target: str) -> RefundResult:
        return super()._result(attrs.evolve(refund, created_at=refund.created_at.replace(tzinfo=None)), target)


@breaks("test_a_refund_was_made_when_it_was_made")
class ReadsLocalTimesAsUtc(AcmePay):
    """A refund looks an hour older than it is, and as if it was there before ours was sent."""

    def _result(self, refund: WireRefund, target: str) -> RefundResult:
        local = refund.created_at - datetime.timedelta(hours=1)
        return super()._result(attrs.evolve(refund, created_at=local), target)


@breaks("test_nothing_and_less_than_nothing_are_not_refunded")
class DropsTheSign(_Unchecked):
    def _amount(self, amount: Money) -> object:
        return super()._amount(Money(minor=abs(amount.minor), currency=amount.currency))


@breaks("test_nothing_and_less_than_nothing_are_not_refunded")
class TakesNothingForEverything(_Unchecked):
    def refund(self, request: RefundRequest) -> RefundResult:
        left = self._left(self._read(WirePayment, self._path(request.target)))
        return super().refund(attrs.evolve(request, amount=request.amount or left))


@breaks("test_a_refund_in_another_currency_is_never_told_as_made")
class LeavesTheCurrencyToTheProvider(_Unchecked):
    def refund(self, request: RefundRequest) -> RefundResult:
        own = self._left(self._read(WirePayment, self._path(request.target))).currency
        made = super().refund(attrs.evolve(request, amount=Money(minor=request.amount.minor, currency=own)))
        return attrs.evolve(made, amount=request.amount)


@breaks("test_a_refund_carries_our_id", "test_a_refund_is_found_by_our_id")
class DoesNotSendOurId(_Unchecked):
    def _body(self, request: RefundRequest) -> dict[str, object]:
        return {**super()._body(request), "metadata": {"order_id": request.order_id}}


@breaks("test_no_description_stops_a_refund")
class SendsADescriptionThatCannotBeWritten(AcmePay):
    def _body(self, request: RefundRequest) -> dict[str, object]:
        return {**super()._body(request), "description": request.description}


# --- what is left --------------------------------------------------------------------------------------------


@breaks("test_a_payment_resolves_to_what_can_be_refunded")
class FindsNoPaymentRefundable(AcmePay):
    def refundable(self, payment: Payment) -> Refundable:
        return attrs.evolve(super().refundable(payment), possible=False, reason="not today")


@breaks("test_what_was_refunded_is_no_longer_left")
class SaysWhatWasPaidIsLeft(AcmePay):
    def _left(self, payment: WirePayment) -> Money:
        return payment.amount.money


@breaks("test_a_refund_in_the_dashboard_is_no_longer_left")
class CountsOnlyOurOwnRefunds(AcmePay):
    """What a colleague refunded in the dashboard is offered again."""

    def _left(self, payment: WirePayment) -> Money:
        ours = [one.amount.minor for one in self._walk(payment.id) if one.refund_id]
        return Money(minor=payment.amount.money.minor - sum(ours), currency=payment.amount.currency)


@breaks("test_what_did_not_go_out_is_left_again")
class CountsRefundsThatFailed(AcmePay):
    """After a refund to a closed account the customer can never be paid."""

    def _left(self, payment: WirePayment) -> Money:
        made = [one.amount.minor for one in self._walk(payment.id)]
        return Money(minor=payment.amount.money.minor - sum(made), currency=payment.amount.currency)


@breaks(
    "test_a_reference_that_is_none_cannot_be_refunded",
    "test_a_payment_that_the_provider_does_not_have_is_unknown",
    "test_live_money_is_not_refunded_with_test_settings",
)
class DoesNotAskWhatCanBeRefunded(AcmePay):
    def refundable(self, payment: Payment) -> Refundable:
        return Refundable(target=payment.reference, remaining=payment.captured)


@breaks("test_a_reference_with_something_after_it_is_another_payment")
class CutsReferencesOff(AcmePay):
    def _path(self, target: str, reference: str = "") -> str:
        return super()._path(target[: len("ap_00000001")], reference)

    def refundable(self, payment: Payment) -> Refundable:
        return super().refundable(attrs.evolve(payment, reference=payment.reference[: len("ap_00000001")]))


@breaks("test_a_reference_that_is_none_cannot_be_refunded")
class WouldSendToNoPaymentForEver(AcmePay):
    def _path(self, target: str, reference: str = "") -> str:
        try:
            return super()._path(target, reference)
        except ProviderError:
            raise ProviderError(ErrorCode.NOT_YET, "the payment is not there yet") from None


@breaks("test_live_money_is_not_refunded_with_test_settings")
class DoesNotLookAtTheMode(AcmePay):
    def refundable(self, payment: Payment) -> Refundable:
        return super().refundable(attrs.evolve(payment, mode=self.settings.mode))


@breaks("test_a_payment_in_another_currency_is_told")
class BelievesTheShopsCurrency(AcmePay):
    def refundable(self, payment: Payment) -> Refundable:
        found = self._read(WirePayment, self._path(payment.reference))
        left = Money(minor=self._left(found).minor, currency=payment.captured.currency)
        return Refundable(target=found.id, remaining=left)


# --- on the way ----------------------------------------------------------------------------------------------


class _Meaning(AcmePay):
    """For faults in what an error means."""

    def refund(self, request: RefundRequest) -> RefundResult:
        try:
            return super().refund(request)
        except ProviderError as error:
            self._mean(error)
            raise

    def _mean(self, error: ProviderError) -> None: ...


@breaks("test_after_a_fault_the_error_tells_the_truth_about_the_money")
class SaysThatA5xxIsFinal(_Meaning):
    def _mean(self, error: ProviderError) -> None:
        if error.code is ErrorCode.UNAVAILABLE:
            error.disposition = Disposition.FINAL


@breaks(
    "test_after_a_fault_the_error_tells_the_truth_about_the_money",
    "test_after_a_fault_there_is_one_refund_in_the_end",
)
class SaysThatA5xxWasCertainlyNotDone(_Meaning):
    capabilities = declaring(idempotency=None)

    def _mean(self, error: ProviderError) -> None:
        if error.code is ErrorCode.UNAVAILABLE:
            error.disposition = Disposition.RETRY

    def _key(self, request: RefundRequest) -> str:
        return str(uuid.uuid4())


@breaks("test_after_a_fault_the_error_tells_the_truth_about_the_money")
class SaysThatA503IsForAPersonToMend(_Meaning):
    """Every bad minute of the provider becomes a task for the merchant."""

    def _refusal(self, answer: Answer) -> ProviderError:
        return super()._refusal(answer) if answer.status != 503 else ProviderError(ErrorCode.CONFIGURATION, "down")


@breaks("test_after_a_fault_the_error_tells_the_truth_about_the_money")
class SaysThatATimeoutWasCertainlyNotSent(_Meaning):
    def _mean(self, error: ProviderError) -> None:
        if error.code is ErrorCode.OUTCOME_UNKNOWN:
            error.code, error.disposition = ErrorCode.NOT_SENT, Disposition.RETRY


@breaks("test_after_a_fault_the_error_tells_the_truth_about_the_money")
class SaysThatACutConnectionIsFinal(_Meaning):
    def _mean(self, error: ProviderError) -> None:
        if error.code is ErrorCode.OUTCOME_UNKNOWN:
            error.disposition = Disposition.FINAL


@breaks("test_after_a_fault_the_error_tells_the_truth_about_the_money")
class SaysThatA429IsUnclear(AcmePay):
    def _refusal(self, answer: Answer) -> ProviderError:
        return super()._refusal(answer) if answer.status != 429 else ProviderError(ErrorCode.UNAVAILABLE, "busy")


@breaks("test_the_wait_that_a_429_asks_for_is_told")
class DoesNotTellHowLongToWait(AcmePay):
    """It asks again at once, and the provider shuts the door for longer."""

    def _refusal(self, answer: Answer) -> ProviderError:
        error = super()._refusal(answer)
        error.not_before = None
        return error


@breaks("test_the_wait_that_a_429_asks_for_is_told")
class TakesSecondsForMilliseconds(AcmePay):
    def _refusal(self, answer: Answer) -> ProviderError:
        error = super()._refusal(answer)
        error.not_before = error.not_before and error.not_before / 1000
        return error


@breaks("test_a_wait_that_cannot_be_read_is_no_accident")
class ReadsAnyWaitAsANumber(AcmePay):
    def _refusal(self, answer: Answer) -> ProviderError:
        error, said = super()._refusal(answer), answer.headers.get("retry-after")
        error.not_before = datetime.timedelta(seconds=float(said)) if said else None
        return error


@breaks("test_after_a_fault_the_error_tells_the_truth_about_the_money")
class RepeatsARefundByItself(AcmePay):
    def refund(self, request: RefundRequest) -> RefundResult:
        try:
            return super().refund(request)
        except ProviderError:
            return super().refund(request)


@breaks("test_every_call_goes_through_the_session_of_the_core")
class CallsPastTheSession(AcmePay):
    """It never waits in vain in a test, and for ever in a shop."""

    def check_settings(self) -> None:
        try:
            requests.get(self._url("account"), headers=self._headers, timeout=60)
        except requests.RequestException:
            raise ProviderError(ErrorCode.UNAVAILABLE, "no answer") from None


@breaks("test_a_closed_port_is_certainly_not_sent")
class SaysThatNoConnectionIsUnclear(_Meaning):
    def _mean(self, error: ProviderError) -> None:
        if error.code is ErrorCode.NOT_SENT:
            error.code, error.disposition = ErrorCode.OUTCOME_UNKNOWN, Disposition.RECONCILE


@breaks("test_a_redirect_of_a_refund_is_not_followed")
class FollowsRedirects(AcmePay):
    def refund(self, request: RefundRequest) -> RefundResult:
        body, headers = self._body(request), self._headers | {"Idempotency-Key": request.key}
        url = self._url(f"{self._path(request.target)}/refunds")
        answer = self.http.write("POST", url, headers=headers, json_body=body)
        if answer.status in (301, 302, 303, 307, 308):
            answer = self.http.write("POST", answer.headers["location"], headers=headers, json_body=body)
        return self._result(self._parsed(WireRefund, answer), request.target)


@breaks("test_a_redirect_of_a_refund_is_not_followed")
class TakesARedirectForARefusal(AcmePay):
    def _refusal(self, answer: Answer) -> ProviderError:
        moved = answer.status // 100 == 3
        return ProviderError(ErrorCode.INVALID_REQUEST, "moved") if moved else super()._refusal(answer)


@breaks("test_a_lost_refund_is_found_when_its_key_is_forgotten")
class LooksARefundUpBySendingItAgain(AcmePay):
    """Weeks later the key is forgotten, and looking is paying."""

    def find_refund(self, request: RefundRequest) -> RefundResult | None:
        found = super().find_refund(request)
        return found and self.refund(request)


@breaks("test_a_lookup_that_fails_is_not_a_refund_that_is_not_there")
class TakesAFailedLookupForNotFound(AcmePay):
    def find_refund(self, request: RefundRequest) -> RefundResult | None:
        try:
            return super().find_refund(request)
        except ProviderError:
            return None


@breaks("test_a_list_that_cannot_be_read_is_not_an_empty_list")
class TakesAFailedListForAnEmptyOne(AcmePay):
    def list_refunds(self, target: str) -> list[RefundResult]:
        try:
            return super().list_refunds(target)
        except ProviderError:
            return []


@breaks("test_a_question_that_is_not_answered_decides_nothing")
class SaysThatAFailedQuestionIsFinal(AcmePay):
    def _read(self, kind: type[Any], path: str, query: Mapping[str, str] | None = None) -> Any:
        try:
            return super()._read(kind, path, query)
        except ProviderError as error:
            if error.code is ErrorCode.UNAVAILABLE:
                error.disposition = Disposition.FINAL
            raise


# --- lookups -------------------------------------------------------------------------------------------------


@breaks("test_a_refund_is_fetched_as_the_books_have_it", "test_a_refund_that_fails_after_it_succeeded_is_failed")
class RemembersWhatItFetched(AcmePay):
    seen: dict[str, RefundResult]

    def fetch_refund(self, target: str, reference: str) -> RefundResult:
        found = vars(type(self)).get("seen", {})
        if reference not in found:
            found[reference] = super().fetch_refund(target, reference)
            type(self).seen = found
        return found[reference]


@breaks("test_a_refund_of_another_payment_is_not_fetched")
class FetchesFromWhicheverPayment(AcmePay):
    """A provider with refunds at an address of their own, and nobody looks whose it is."""

    def fetch_refund(self, target: str, reference: str) -> RefundResult:
        for number in range(1, 9):
            try:
                return super().fetch_refund(f"ap_{number:08d}", reference)
            except ProviderError as error:
                last = error
        raise last


@breaks("test_a_refund_that_is_not_there_is_not_fetched")
class FetchesTheLastOneInstead(AcmePay):
    def fetch_refund(self, target: str, reference: str) -> RefundResult:
        try:
            return super().fetch_refund(target, reference)
        except ProviderError:
            return list(self._walk(target))[-1]


@breaks("test_a_refund_that_is_only_alike_is_not_found")
class FindsByAmount(AcmePay):
    def find_refund(self, request: RefundRequest) -> RefundResult | None:
        return next((one for one in self._walk(request.target) if one.amount == request.amount), None)


@breaks("test_a_refund_that_is_only_alike_is_not_found")
class FindsByTheBeginningOfOurId(AcmePay):
    def find_refund(self, request: RefundRequest) -> RefundResult | None:
        ids = ((one, one.refund_id) for one in self._walk(request.target))
        return next((one for one, ours in ids if ours and ours.startswith(request.refund_id)), None)


@breaks("test_a_refund_is_found_by_our_id")
class FindsARefundOfAnotherTry(AcmePay):
    def find_refund(self, request: RefundRequest) -> RefundResult | None:
        found = super().find_refund(request)
        return found and list(self._walk(request.target))[-1]


@breaks("test_a_refund_on_another_payment_is_not_found")
class FindsARefundOfAnotherPayment(AcmePay):
    """A provider that searches the whole account for our id, and nobody looks on which payment it was found."""

    def find_refund(self, request: RefundRequest) -> RefundResult | None:
        for number in range(1, 9):
            with suppress(ProviderError):
                found = super().find_refund(attrs.evolve(request, target=f"ap_{number:08d}"))
                if found:
                    return found
        return super().find_refund(request)


@breaks("test_a_refund_that_was_never_sent_is_not_found")
class TakesNotFoundForAnError(AcmePay):
    def find_refund(self, request: RefundRequest) -> RefundResult | None:
        found = super().find_refund(request)
        if found is None:
            raise ProviderError(ErrorCode.UNKNOWN_PAYMENT, "there is no such refund")
        return found


@breaks("test_a_failed_refund_is_found_as_failed")
class DoesNotFindWhatFailed(AcmePay):
    def find_refund(self, request: RefundRequest) -> RefundResult | None:
        found = super().find_refund(request)
        return None if found and found.status is RefundStatus.FAILED else found


@breaks("test_a_list_of_hundreds_is_whole", "test_a_refund_is_found_behind_hundreds_of_others")
class ReadsOnePageOfTheList(AcmePay):
    def _walk(self, target: str) -> Iterator[RefundResult]:
        for number, one in enumerate(super()._walk(target)):
            if number < acme_pay.PAGE:
                yield one


@breaks("test_a_list_of_hundreds_is_whole")
class ReadsALineTwiceAtTheTurnOfThePage(AcmePay):
    def _walk(self, target: str) -> Iterator[RefundResult]:
        for number, one in enumerate(super()._walk(target), start=1):
            yield from [one] * (2 if number % acme_pay.PAGE == 0 else 1)


@breaks("test_all_refunds_of_a_payment_are_listed_as_the_books_have_them")
class ListsOnlyOurOwn(AcmePay):
    def list_refunds(self, target: str) -> list[RefundResult]:
        return [one for one in super().list_refunds(target) if one.refund_id]


@breaks("test_all_refunds_of_a_payment_are_listed_as_the_books_have_them")
class ListsOnlyWhatWentOut(AcmePay):
    def list_refunds(self, target: str) -> list[RefundResult]:
        return [one for one in super().list_refunds(target) if one.status is not RefundStatus.FAILED]


@breaks("test_a_payment_without_refunds_has_an_empty_list")
class TakesAnEmptyListForAnError(AcmePay):
    def list_refunds(self, target: str) -> list[RefundResult]:
        return super().list_refunds(target) or [][0]


# --- answers -------------------------------------------------------------------------------------------------


@breaks("test_an_answer_that_is_not_the_providers_own_decides_nothing")
class BelievesAGatewaysRefusal(AcmePay):
    def _refusal(self, answer: Answer) -> ProviderError:
        return ProviderError(ErrorCode.UNKNOWN_PAYMENT, "") if answer.status == 404 else super()._refusal(answer)


@breaks("test_a_method_raises_provider_errors_and_nothing_else")
class TakesAnyAnswerForAnObject(AcmePay):
    def check_settings(self) -> None:
        assert self.http.read(self._url("account"), headers=self._headers).json()["mode"]


@breaks("test_a_method_raises_provider_errors_and_nothing_else")
class TakesNoAnswerForAnEmptyList(AcmePay):
    def list_refunds(self, target: str) -> list[RefundResult]:
        body = self.http.read(self._url(f"{self._path(target)}/refunds"), headers=self._headers).body
        return super().list_refunds(target) if body else []


@breaks("test_a_field_that_is_missing_or_mistyped_is_never_guessed")
class GuessesWhatIsMissing(AcmePay):
    def _parsed(self, kind: type[Any], answer: Answer) -> Any:
        body = answer.json()
        if kind is WireRefund and isinstance(body, dict) and answer.status < 300:
            body.setdefault("amount", {"value": "0.00", "currency": "EUR"})
            return read_wire(kind, body)
        return super()._parsed(kind, answer)


@breaks("test_a_field_that_is_missing_or_mistyped_is_never_guessed")
class TakesAMissingStatusForSuccess(AcmePay):
    def _parsed(self, kind: type[Any], answer: Answer) -> Any:
        body = answer.json()
        if kind is WireRefund and isinstance(body, dict) and answer.status < 300:
            return read_wire(kind, {**body, "status": body.get("status") or "paid"})
        return super()._parsed(kind, answer)


@breaks("test_a_refund_whose_answer_lacks_a_field_is_unclear_or_as_it_is")
class TakesAnUnreadableAnswerForARefusal(_Meaning):
    def _mean(self, error: ProviderError) -> None:
        if error.code is ErrorCode.UNREADABLE_ANSWER:
            error.disposition = Disposition.FINAL


@breaks("test_an_answer_about_another_refund_is_not_believed")
class BelievesTheAnswerToAnotherRequest(_Unchecked):
    """A cache between shop and provider, and two customers are told of one refund."""

    def _result(self, refund: WireRefund, target: str) -> RefundResult:
        return super()._result(refund, refund.payment)


@breaks("test_an_answer_about_another_payment_is_not_believed")
class BelievesTheAnswerAboutAnotherPayment(AcmePay):
    """What is left of it is another customer's money, and the refund goes to him."""

    def _about(self, what: str, *, asked: str, found: str) -> None:
        del what, asked, found


@breaks("test_a_refund_that_was_not_asked_for_is_not_told")
class FetchesWhateverComes(AcmePay):
    def fetch_refund(self, target: str, reference: str) -> RefundResult:
        return self._result(self._read(WireRefund, self._path(target, reference)), target)


@breaks("test_a_refund_that_was_not_asked_for_is_not_told")
class CancelsWhateverComes(AcmePay):
    def cancel_refund(self, target: str, reference: str) -> RefundResult:
        answer = self.http.write("DELETE", self._url(self._path(target, reference)), headers=self._headers)
        return self._result(self._parsed(WireRefund, answer), target)


@breaks("test_an_unknown_status_is_pending")
class TakesAnUnknownStatusForSuccess(AcmePay):
    def _status(self, word: str) -> RefundStatus:
        return acme_pay.STATUSES.get(word, RefundStatus.SUCCEEDED)


@breaks("test_an_unknown_status_is_pending")
class TakesAnUnknownStatusForFailure(AcmePay):
    def _status(self, word: str) -> RefundStatus:
        return acme_pay.STATUSES.get(word, RefundStatus.FAILED)


@breaks("test_an_unknown_status_is_pending")
class TakesAnUnknownStatusOfANewRefundForSuccess(AcmePay):
    def refund(self, request: RefundRequest) -> RefundResult:
        made = super().refund(request)
        known = made.provider_status in acme_pay.STATUSES
        return made if known else attrs.evolve(made, status=RefundStatus.SUCCEEDED)


@breaks("test_an_unknown_status_is_pending")
class HidesTheProvidersOwnWord(AcmePay):
    def _result(self, refund: WireRefund, target: str) -> RefundResult:
        found = super()._result(refund, target)
        status = RefundStatus.SUCCEEDED if refund.status not in acme_pay.STATUSES else found.status
        return attrs.evolve(found, provider_status="", status=status)


@breaks("test_fields_that_are_new_change_nothing")
class ForbidsNewFields(AcmePay):
    def _parsed(self, kind: type[Any], answer: Answer) -> Any:
        known = {field.name for field in attrs.fields(kind)}
        if answer.status < 300 and set(answer.json()) - known:
            raise ProviderError(ErrorCode.UNREADABLE_ANSWER, "a field that nobody told us of")
        return super()._parsed(kind, answer)


# --- statuses ------------------------------------------------------------------------------------------------


@breaks("test_a_refund_that_waits_is_pending_until_it_is_paid")
class TakesWaitingForPaid(AcmePay):
    def _status(self, word: str) -> RefundStatus:
        return RefundStatus.SUCCEEDED if word == "waiting" else super()._status(word)


@breaks("test_a_refund_that_the_bank_refuses_is_failed", "test_a_refund_that_fails_after_it_succeeded_is_failed")
class TakesRefusedForPending(AcmePay):
    def _status(self, word: str) -> RefundStatus:
        return RefundStatus.PENDING if word == "refused" else super()._status(word)


@breaks("test_a_request_sent_again_never_says_more_than_the_books")
class TakesARepeatForSuccess(AcmePay):
    sent = ""

    def refund(self, request: RefundRequest) -> RefundResult:
        made = super().refund(request)
        before, self.sent = self.sent, request.key
        return attrs.evolve(made, status=RefundStatus.SUCCEEDED) if before == request.key else made


@breaks("test_a_refund_that_waits_can_be_cancelled", "test_a_refund_that_was_paid_is_never_told_as_cancelled")
class SaysCancelledWithoutCancelling(AcmePay):
    def cancel_refund(self, target: str, reference: str) -> RefundResult:
        return attrs.evolve(self.fetch_refund(target, reference), status=RefundStatus.CANCELLED)


@breaks("test_a_refund_that_waits_can_be_cancelled")
class DeclaresCancellingAndRefusesIt(AcmePay):
    def cancel_refund(self, target: str, reference: str) -> RefundResult:
        raise ProviderError(ErrorCode.NOT_REFUNDABLE, "not here")


@breaks("test_a_refund_of_another_payment_is_not_cancelled")
class CancelsOnWhicheverPayment(AcmePay):
    """A mixed-up reference takes another customer's money back."""

    def cancel_refund(self, target: str, reference: str) -> RefundResult:
        for number in range(1, 9):
            try:
                return super().cancel_refund(f"ap_{number:08d}", reference)
            except ProviderError as error:
                last = error
        raise last


# --- webhooks ------------------------------------------------------------------------------------------------


def _right(provider: AcmePay, webhook: RawWebhook) -> str:
    """The signature that a webhook would have to have."""
    return hmac_sha256(webhook.body, provider.settings.webhook_secret)


@breaks("test_a_forged_webhook_says_nothing_of_a_refund")
class BelievesAnUnsignedWebhook(AcmePay):
    def parse_webhook(self, webhook: RawWebhook) -> VerifiedEvents | ToFetch:
        signed = acme_pay.SIGNATURE.lower() in webhook.headers
        given = {acme_pay.SIGNATURE.lower(): _right(self, webhook)}
        return super().parse_webhook(webhook if signed else attrs.evolve(webhook, headers=given))


@breaks("test_a_forged_webhook_says_nothing_of_a_refund")
class TellsAForgedWebhookAsUnreadable(AcmePay):
    """Whoever knows the address fills the list of what staff must look at."""

    def parse_webhook(self, webhook: RawWebhook) -> VerifiedEvents | ToFetch:
        try:
            return super().parse_webhook(webhook)
        except WebhookRejected as error:
            raise WebhookUnreadable("not readable") from error


@breaks("test_a_signed_webhook_that_cannot_be_read_is_told_as_such")
class RejectsWhatItCannotRead(AcmePay):
    """What next year's event says of money is on no list."""

    def parse_webhook(self, webhook: RawWebhook) -> VerifiedEvents | ToFetch:
        try:
            return super().parse_webhook(webhook)
        except WebhookUnreadable:
            raise WebhookRejected("signed, but not readable") from None


@breaks("test_a_forged_webhook_says_nothing_of_a_refund")
class BelievesAnySignature(AcmePay):
    def parse_webhook(self, webhook: RawWebhook) -> VerifiedEvents | ToFetch:
        signed = acme_pay.SIGNATURE.lower() in webhook.headers
        given = {acme_pay.SIGNATURE.lower(): _right(self, webhook)}
        return super().parse_webhook(attrs.evolve(webhook, headers=given) if signed else webhook)


@breaks("test_a_forged_webhook_says_nothing_of_a_refund")
class ChecksTheSignatureOfTheBodyWrittenAnew(AcmePay):
    def _signed(self, body: bytes) -> bytes:
        return json.dumps(json.loads(body)).encode()


class _SandboxThatSignsSmallLetters(AcmePaySandbox):
    def _signed(self, body: bytes) -> str:
        return super()._signed(body.lower())


@breaks("test_a_forged_webhook_says_nothing_of_a_refund", sandbox=_SandboxThatSignsSmallLetters)
class ChecksTheSignatureInAnyCase(AcmePay):
    """A refund that was ``refused`` is one that was ``Refused``, which is no status at all, under one signature."""

    def _signed(self, body: bytes) -> bytes:
        return body.lower()


@breaks("test_a_forged_webhook_says_nothing_of_a_refund")
class ChecksTheBeginningOfTheSignature(AcmePay):
    def parse_webhook(self, webhook: RawWebhook) -> VerifiedEvents | ToFetch:
        whole = _right(self, webhook)
        given = webhook.headers.get(acme_pay.SIGNATURE.lower(), "")
        if given[:32] == whole[:32]:
            webhook = attrs.evolve(webhook, headers={acme_pay.SIGNATURE.lower(): whole})
        return super().parse_webhook(webhook)


@breaks("test_a_genuine_webhook_is_about_the_payment_that_it_is_about")
class LooksForAHeaderInItsOwnCase(AcmePay):
    """The web server writes it in small letters, and no webhook is ever believed."""

    def parse_webhook(self, webhook: RawWebhook) -> VerifiedEvents | ToFetch:
        given = webhook.headers.get(acme_pay.SIGNATURE, "")
        return super().parse_webhook(attrs.evolve(webhook, headers={acme_pay.SIGNATURE.lower(): given}))


@breaks("test_a_genuine_webhook_is_about_the_payment_that_it_is_about")
class TellsTheRefundForThePayment(AcmePay):
    def _event(self, event: WireEvent) -> RefundEvent:
        return attrs.evolve(super()._event(event), target=event.refund.id)


@breaks("test_a_webhook_never_says_more_than_the_books")
class SaysInAWebhookThatWhatWaitsIsPaid(AcmePay):
    """The customer is told of money that the bank still holds."""

    def _event(self, event: WireEvent) -> RefundEvent:
        if event.refund.status == "waiting":
            event = attrs.evolve(event, refund=attrs.evolve(event.refund, status="paid"))
        return super()._event(event)


@breaks("test_a_signed_webhook_tells_that_a_refund_failed")
class IgnoresWebhooksOfFailure(AcmePay):
    def parse_webhook(self, webhook: RawWebhook) -> VerifiedEvents | ToFetch:
        said = super().parse_webhook(webhook)
        failed = isinstance(said, VerifiedEvents) and said.events[0].refund.status is RefundStatus.FAILED
        return VerifiedEvents(events=()) if failed else said


@breaks("test_the_same_webhook_twice_is_the_same_event")
class MakesAnEventIdOfItsOwn(AcmePay):
    def _event(self, event: WireEvent) -> RefundEvent:
        return super()._event(attrs.evolve(event, id=str(uuid.uuid4())))


@breaks("test_the_same_webhook_twice_is_the_same_event")
class CallsAnEventByItsRefund(AcmePay):
    """The refund fails later, and that counts as the event that it was paid, sent again."""

    def _event(self, event: WireEvent) -> RefundEvent:
        return super()._event(attrs.evolve(event, id=event.refund.id))


@breaks("test_a_webhook_that_cannot_be_read_is_rejected_and_no_accident")
class ReadsAWebhookBeforeItIsChecked(AcmePay):
    def parse_webhook(self, webhook: RawWebhook) -> VerifiedEvents | ToFetch:
        assert read_json(webhook.body)["id"]
        return super().parse_webhook(webhook)


@breaks("test_a_webhook_moves_no_money")
class RefundsAgainWhenAWebhookTellsOfFailure(AcmePay):
    def parse_webhook(self, webhook: RawWebhook) -> VerifiedEvents | ToFetch:
        said = super().parse_webhook(webhook)
        for event in said.events if isinstance(said, VerifiedEvents) else ():
            if event.refund.status is RefundStatus.FAILED:
                with suppress(ProviderError):
                    self.refund(
                        RefundRequest(
                            refund_id=event.refund.refund_id,
                            key=str(uuid.uuid4()),
                            order_id="1001",
                            target=event.refund.target,
                            amount=event.refund.amount,
                            description="",
                        )
                    )
        return said


@breaks("test_a_rejection_does_not_help_the_forger")
class TellsTheSignatureThatWasExpected(AcmePay):
    """Whoever sees the answer, or the log, copies the signature of whatever he made up."""

    def parse_webhook(self, webhook: RawWebhook) -> VerifiedEvents | ToFetch:
        expected, given = _right(self, webhook), webhook.headers.get(acme_pay.SIGNATURE.lower(), "")
        if not hmac.compare_digest(expected.encode(), given.encode(errors="replace")):
            raise WebhookRejected(f"the signature is {given}, and should be {expected}")
        return super().parse_webhook(webhook)


# --- links ---------------------------------------------------------------------------------------------------


@breaks("test_a_refund_link_is_made_without_a_call")
class AsksBeforeItLinks(AcmePay):
    def refund_url(self, request: LinkRequest) -> RefundLink:
        try:
            self.http.read(self._url("account"), headers=self._headers)
        except OSError:
            logging.getLogger("acmepay").info("it is down")
        return super().refund_url(request)


@breaks("test_a_payment_has_a_page_where_it_can_be_refunded")
class LinksWithoutEncryption(AcmePay):
    def refund_url(self, request: LinkRequest) -> RefundLink:
        link = super().refund_url(request)
        return attrs.evolve(link, url=urlsplit(link.url)._replace(scheme="http").geturl())


@breaks("test_a_refund_link_is_given_for_a_reference_of_any_shape")
class PutsAnyReferenceIntoTheLink(AcmePay):
    def refund_url(self, request: LinkRequest) -> RefundLink:
        return attrs.evolve(super().refund_url(request), url=f"{acme_pay.DASHBOARD}/{request.payment.reference}")


@breaks("test_a_refund_link_is_the_same_each_time")
class LinksElsewhereEachTime(AcmePay):
    def refund_url(self, request: LinkRequest) -> RefundLink:
        link = super().refund_url(request)
        return attrs.evolve(link, url=f"{link.url}?session={uuid.uuid4()}")


@breaks("test_a_refund_that_waits_for_a_person_is_not_told_as_paid")
class SaysPaidWhereAPersonHasToPay(AcmePay):
    capabilities = declaring(refund_by_api=Support.PROVIDER_CANNOT, refund_by_person=Support.YES)

    def refund(self, request: RefundRequest) -> RefundResult:
        return RefundResult(
            reference=request.key,
            target=request.target,
            status=RefundStatus.SUCCEEDED,
            amount=request.amount,
            provider_status="paid",
        )


# --- secrets -------------------------------------------------------------------------------------------------


@breaks("test_no_secret_is_shown_by_the_settings_or_the_provider")
class ShowsItsKey(AcmePay):
    def __repr__(self) -> str:
        return f"AcmePay({self.settings.api_key.reveal()})"


@breaks("test_no_secret_is_in_the_log")
class LogsItsHeaders(AcmePay):
    def refund(self, request: RefundRequest) -> RefundResult:
        logging.getLogger("acmepay").debug("sending with %s", self._headers)
        return super().refund(request)


@breaks("test_no_secret_is_in_an_error")
class LeaksItsKeyInAnError(AcmePay):
    def _refusal(self, answer: Answer) -> ProviderError:
        error = super()._refusal(answer)
        return ProviderError(error.code, f"{error.message} (key {self.settings.api_key.reveal()})")


@breaks("test_no_secret_is_in_an_error")
class LeaksItsKeyInTheCauseOfAnError(AcmePay):
    def _refusal(self, answer: Answer) -> ProviderError:
        error = super()._refusal(answer)
        error.__cause__ = ValueError(f"headers {self._headers}")
        return error


@breaks("test_no_secret_is_in_an_address")
class SendsItsKeyInTheAddress(AcmePay):
    """Every proxy on the way keeps it in its log."""

    def _read(self, kind: type[Any], path: str, query: Mapping[str, str] | None = None) -> Any:
        return super()._read(kind, path, {**(query or {}), "key": self.settings.api_key.reveal()})


# --- what a provider says of itself --------------------------------------------------------------------------


@breaks("test_the_class_says_who_it_is")
class HasANameForPeopleOnly(AcmePay):
    name = "Acme Pay"


@breaks("test_the_class_says_who_it_is")
class WasWrittenForAnotherContract(AcmePay):
    api = 1


@breaks("test_a_declared_capability_has_its_method")
class DeclaresWhatItHasNot(AcmePay):
    list_refunds = None  # type: ignore[assignment]


@breaks("test_the_declared_facts_can_be_true")
class DeclaresACurrencyThatIsNone(AcmePay):
    capabilities = declaring(currencies=frozenset({"EUR", "EURO"}))


@breaks("test_the_declared_facts_can_be_true")
class DeclaresAWindowOfNothing(AcmePay):
    capabilities = declaring(idempotency=Idempotency(header="Idempotency-Key", window=datetime.timedelta(0)))


@breaks("test_the_declared_facts_can_be_true")
class DeclaresHalfALookupThatProves(AcmePay):
    capabilities = declaring(find_refund=Support.PARTIAL)


@breaks("test_the_settings_cannot_be_changed_or_confused")
class HasSettingsThatChange(AcmePay):
    @attrs.define(kw_only=True)
    class Changeable:
        api_key: Secret
        webhook_secret: Secret
        api_url: str

    settings_type = Changeable


@breaks("test_the_settings_cannot_be_changed_or_confused")
class HasSettingsWithoutNames(AcmePay):
    @attrs.frozen
    class ByPlace:
        api_key: Secret
        webhook_secret: Secret
        api_url: str

    settings_type = ByPlace


class _SandboxWithSecrets(AcmePaySandbox):
    @property
    def settings(self) -> Mapping[str, object]:
        return {**super().settings, "api_key": Secret(str(super().settings["api_key"]))}


@breaks("test_the_settings_of_the_sandbox_survive_being_written_as_json", sandbox=_SandboxWithSecrets)
class HasASandboxWhoseSettingsAreNoJson(AcmePay): ...


class _SandboxInEurope(AcmePaySandbox):
    @property
    def settings(self) -> Mapping[str, object]:
        return {**super().settings, "region": "eu"}


@breaks("test_settings_that_are_wrong_are_told_and_are_no_accident", sandbox=_SandboxInEurope)
class FallsOverAMissingSetting(AcmePay):
    @attrs.frozen(kw_only=True)
    class Regional(Settings):
        region: str = ""

        def __attrs_post_init__(self) -> None:
            assert {"eu": "https://eu.acmepay.example"}[self.region]

    settings_type = Regional


@breaks("test_settings_of_the_wrong_type_are_told_without_their_value")
class TakesAnythingForASetting(AcmePay):
    @attrs.frozen(kw_only=True)
    class Anything(Settings):
        api_url: Any = None

    settings_type = Anything


@breaks("test_a_setting_that_is_an_address_takes_no_other_kind_of_address")
class TakesAnyAddress(AcmePay):
    @attrs.frozen(kw_only=True)
    class Anywhere(Settings):
        api_url: str

    settings_type = Anywhere


@breaks("test_what_is_called_a_key_or_a_secret_is_one")
class HasAKeyThatIsNoSecret(AcmePay):
    @attrs.frozen(kw_only=True)
    class Open(Settings):
        webhook_secret: str

    settings_type = Open


@breaks("test_settings_that_work_are_told_to_work")
class RefusesSettingsThatWork(AcmePay):
    def check_settings(self) -> None:
        raise ProviderError(ErrorCode.CONFIGURATION, "the account is a test account")


@breaks("test_settings_that_work_are_told_to_work")
class TriesTheSettingsWithARefund(AcmePay):
    def check_settings(self) -> None:
        self.refund(
            RefundRequest(
                refund_id="try",
                key=str(uuid.uuid4()),
                order_id="",
                target="ap_00000001",
                amount=Money(minor=1, currency="EUR"),
                description="",
            )
        )


@breaks("test_a_wrong_secret_is_told_before_and_at_a_refund")
class DoesNotTryTheSettings(AcmePay):
    def check_settings(self) -> None: ...


@breaks("test_a_wrong_secret_is_told_before_and_at_a_refund")
class TakesAWrongKeyForARefusal(AcmePay):
    def _refusal(self, answer: Answer) -> ProviderError:
        error = super()._refusal(answer)
        return ProviderError(ErrorCode.NOT_REFUNDABLE, "no") if answer.status == 401 else error
