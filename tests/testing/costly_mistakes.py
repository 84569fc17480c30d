"""More of Acme Pay with one fault each: what authors of providers got wrong, and what each of it costs."""

from __future__ import annotations

import datetime
import decimal
import hashlib
import hmac
import http.client
import json
import logging
import os
import re
import socket
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from typing import Any, ClassVar
from urllib.parse import urlsplit

import acme_pay
import attrs
import requests
from acme_pay import (
    AcmePay,
    AcmePaySandbox,
    Settings,
    WireAccount,
    WireAmount,
    WireEvent,
    WirePage,
    WirePayment,
    WireRefund,
)
from broken_providers import BROKEN, breaks, declaring
from keyed_pay import KeyedPay, KeyedPaySandbox

from retour.providers import (
    Answer,
    Disposition,
    ErrorCode,
    Idempotency,
    Mode,
    Money,
    Payment,
    ProviderError,
    ProviderSession,
    RawWebhook,
    Refundable,
    RefundEvent,
    RefundRequest,
    RefundResult,
    RefundStatus,
    Secret,
    Support,
    ToFetch,
    VerifiedEvents,
    WebhookRejected,
    WebhookUnreadable,
    api_address,
    hmac_sha256,
    read_json,
    read_wire,
)
from retour.sandbox import SandboxResponse, SandboxWebhook

__all__ = ["BROKEN"]  # the whole table: its own and those of broken_providers

log = logging.getLogger("acmepay")

SECRET = "whsec_acme_9876543210"


def signature(secret: Secret, body: bytes) -> str:
    """How Acme Pay signs."""
    return hmac_sha256(body, secret)


class _Unchecked(AcmePay):
    """For faults that the provider's own look at the answer would tell."""

    def _check(self, made: RefundResult, request: RefundRequest) -> None: ...


def _told(request: RefundRequest, status: RefundStatus) -> RefundResult:
    """A refund that nobody told us of."""
    return RefundResult(
        reference="rf_000001", target=request.target, status=status, amount=request.amount, provider_status=status.value
    )


# --- one refund is one refund --------------------------------------------------------------------------------


@breaks("test_the_key_of_a_refund_is_where_it_is_declared", "test_the_same_request_is_the_same_bytes")
class MakesTheKeyOfTheDay(AcmePay):
    """A refund that is sent before midnight and again after it is two."""

    def _key(self, request: RefundRequest) -> str:
        return f"{request.key}-{datetime.date.today().isoformat()}"  # noqa: DTZ011 - the fault


@breaks("test_the_key_of_a_refund_is_where_it_is_declared")
class CutsTheKey(AcmePay):
    """Keys differ at their end; what is left of them is one key for all refunds."""

    def _key(self, request: RefundRequest) -> str:
        return request.key[:20]


@breaks("test_the_key_of_a_refund_is_where_it_is_declared", sandbox=KeyedPaySandbox)
class DeclaresAnotherField(KeyedPay):
    capabilities = declaring(idempotency=Idempotency(field="request_id", window=datetime.timedelta(hours=24)))


@breaks(
    "test_the_key_of_a_refund_is_where_it_is_declared",
    "test_the_declared_facts_can_be_true",
    sandbox=KeyedPaySandbox,
)
class DeclaresAFieldAsAHeader(KeyedPay):
    capabilities = declaring(idempotency=Idempotency(header="idempotency_key", window=datetime.timedelta(hours=24)))


@breaks("test_the_declared_facts_can_be_true")
class SaysNotWhereTheKeyStands(AcmePay):
    capabilities = declaring(idempotency=Idempotency(window=datetime.timedelta(hours=24)))


@breaks("test_two_refunds_of_one_amount_are_two_refunds")
class TakesTheOrderForTheKey(AcmePay):
    def _key(self, request: RefundRequest) -> str:
        return request.order_id


@breaks("test_the_same_request_is_the_same_bytes")
class WritesTheDateIntoTheDescription(AcmePay):
    """Tried again on another day it is another request under the same key, and is refused, or made again."""

    def _body(self, request: RefundRequest) -> dict[str, object]:
        return {**super()._body(request), "description": f"{datetime.datetime.now(datetime.UTC):%d-%m-%Y}"}


@breaks("test_the_same_request_is_the_same_bytes")
class CountsItsTries(AcmePay):
    tries = 0

    def _body(self, request: RefundRequest) -> dict[str, object]:
        self.tries += 1
        return {**super()._body(request), "description": f"Refund, try {self.tries}"}


@breaks("test_after_a_fault_the_error_tells_the_truth_about_the_money")
class RepeatsOnlyAfterA503(AcmePay):
    """The gateway says "try again", and had passed the first one on."""

    def refund(self, request: RefundRequest) -> RefundResult:
        try:
            return super().refund(request)
        except ProviderError as error:
            if error.http_status != 503:
                raise
            return super().refund(request)


@breaks("test_after_a_fault_the_error_tells_the_truth_about_the_money")
class TakesTheNewestForOurs(AcmePay):
    """After a lost answer the newest refund of the payment is ours: or that of a colleague."""

    def refund(self, request: RefundRequest) -> RefundResult:
        try:
            return super().refund(request)
        except ProviderError as error:
            made = list(self._walk(request.target)) if error.code is ErrorCode.OUTCOME_UNKNOWN else []
            if not made:
                raise
            return made[-1]


@breaks("test_two_refunds_of_one_amount_are_two_refunds")
class AnswersByAmountFromMemory(AcmePay):
    """The second cup is told as paid by the refund of the first."""

    def __init__(self, settings: Settings, http: ProviderSession) -> None:
        super().__init__(settings, http)
        self.made: dict[tuple[str, Money], RefundResult] = {}

    def refund(self, request: RefundRequest) -> RefundResult:
        asked = (request.target, request.amount)
        if asked not in self.made:
            self.made[asked] = super().refund(request)
        return self.made[asked]


@breaks("test_a_failed_refund_is_found_as_failed")
class AnswersByOurIdFromMemory(AcmePay):
    """What was once told of a refund is told for ever, by every account of the process."""

    made: ClassVar[dict[str, RefundResult]] = {}

    def refund(self, request: RefundRequest) -> RefundResult:
        if request.refund_id not in self.made:
            self.made[request.refund_id] = super().refund(request)
        return self.made[request.refund_id]

    def find_refund(self, request: RefundRequest) -> RefundResult | None:
        return self.made.get(request.refund_id) or super().find_refund(request)


# --- windows of a key ----------------------------------------------------------------------------------------


@breaks("test_a_key_is_known_for_as_long_as_is_declared")
class DeclaresALongerWindow(AcmePay):
    """Acme forgets a key after a day; sent again on the second, a refund is made twice."""

    capabilities = declaring(idempotency=Idempotency(header="Idempotency-Key", window=datetime.timedelta(days=30)))


@breaks("test_a_key_is_known_for_as_long_as_is_declared")
class DeclaresALongerWindowAndNoLookup(AcmePay):
    capabilities = declaring(
        find_refund=Support.NOT_YET,
        lookup_complete_after=None,
        idempotency=Idempotency(header="Idempotency-Key", window=datetime.timedelta(days=30)),
    )


# --- what is refunded ----------------------------------------------------------------------------------------


@breaks("test_an_amount_is_exact_in_every_currency")
class RoundsThroughAFloat(_Unchecked):
    def _amount(self, amount: Money) -> object:
        return {"value": f"{round(float(amount.decimal), 2):.2f}", "currency": amount.currency}


@breaks("test_a_part_of_a_payment_is_refunded_to_the_last_unit")
class GroupsThousands(_Unchecked):
    """1,234.50 is one euro at some providers, and no amount at others: the largest refunds never go out."""

    def _amount(self, amount: Money) -> object:
        return {"value": f"{amount.decimal:,}", "currency": amount.currency}


class _SandboxThatReadsPlainNumbers(AcmePaySandbox):
    def _make(self, payment: str, asked: Any) -> SandboxResponse:
        plain = re.fullmatch(r"[0-9]+([.][0-9]+)?", asked["amount"]["value"])
        return super()._make(payment, asked if plain else {"amount": {"value": "0", "currency": "EUR"}})


@breaks("test_a_part_of_a_payment_is_refunded_to_the_last_unit", sandbox=_SandboxThatReadsPlainNumbers)
class WritesAThousandAsAPower(_Unchecked):
    """A decimal without its zeros is written 1E+3."""

    def _amount(self, amount: Money) -> object:
        return {"value": str(amount.decimal.normalize()), "currency": amount.currency}


class _SandboxThatRefundsTheRest(AcmePaySandbox):
    """A refund without an amount is one of all that is left."""

    def _make(self, payment: str, asked: Any) -> SandboxResponse:
        left = self._left(payment)
        return super()._make(payment, {"amount": {"value": str(left.decimal), "currency": left.currency}, **asked})


@breaks("test_the_whole_is_not_what_is_left_of_it", sandbox=_SandboxThatRefundsTheRest)
class SendsNoAmountForTheWhole(_Unchecked):
    """A colleague refunded a part a minute before: the rest goes out, and the whole is told."""

    def refund(self, request: RefundRequest) -> RefundResult:
        self.paid = self._read(WirePayment, self._path(request.target)).amount.money
        return attrs.evolve(super().refund(request), amount=request.amount)

    def _body(self, request: RefundRequest) -> dict[str, object]:
        body = super()._body(request)
        if request.amount == self.paid:
            del body["amount"]
        return body


@breaks("test_an_amount_is_exact_in_every_currency")
class ReadsWhatIsLeftThroughAFloat(AcmePay):
    def _left(self, payment: WirePayment) -> Money:
        paid, refunded = float(payment.amount.value), float(payment.refunded.value)
        return Money(minor=int(paid * 100) - int(refunded * 100), currency=payment.amount.currency)


@breaks("test_what_was_refunded_is_no_longer_left")
class CountsWhatWaitsAsLeft(AcmePay):
    """What the bank still works on is offered again."""

    def _left(self, payment: WirePayment) -> Money:
        paid = [one.amount.minor for one in self._walk(payment.id) if one.status is RefundStatus.SUCCEEDED]
        return Money(minor=payment.amount.money.minor - sum(paid), currency=payment.amount.currency)


@breaks("test_an_amount_is_exact_in_every_currency")
class ReadsNoCurrency(AcmePay):
    def _result(self, refund: WireRefund, target: str) -> RefundResult:
        in_euros = WireAmount(value=refund.amount.value, currency="EUR")
        return super()._result(attrs.evolve(refund, amount=in_euros), target)


@breaks("test_an_amount_that_was_not_asked_for_is_told")
class TellsTheAmountThatWasAsked(_Unchecked):
    """Acme refunded something else, and nobody reads it."""

    def refund(self, request: RefundRequest) -> RefundResult:
        return attrs.evolve(super().refund(request), amount=request.amount)


@breaks("test_what_a_customer_reads_stays_where_it_is")
class RepeatsTheCustomersWords(AcmePay):
    """The reason stands on the timeline for ever."""

    def refund(self, request: RefundRequest) -> RefundResult:
        return attrs.evolve(super().refund(request), reason=f"asked for: {request.description}")


def _in_cents(amount: Money) -> Money:
    """As somebody reads it who never sold in Japan or Kuwait."""
    return Money(minor=int(amount.decimal * 100), currency=amount.currency)


@breaks("test_an_amount_is_exact_in_every_currency")
class ListsCentsInEveryCurrency(AcmePay):
    """The list has another shape than a refund, and is read by other lines."""

    def list_refunds(self, target: str) -> list[RefundResult]:
        return [attrs.evolve(one, amount=_in_cents(one.amount)) for one in super().list_refunds(target)]


@breaks("test_an_amount_is_exact_in_every_currency")
class FetchesCentsInEveryCurrency(AcmePay):
    def fetch_refund(self, target: str, reference: str) -> RefundResult:
        found = super().fetch_refund(target, reference)
        return attrs.evolve(found, amount=_in_cents(found.amount))


@breaks("test_an_amount_in_a_webhook_is_exact_in_every_currency")
class ReadsCentsInEveryWebhook(AcmePay):
    def _event(self, event: WireEvent) -> RefundEvent:
        told = super()._event(event)
        return attrs.evolve(told, refund=attrs.evolve(told.refund, amount=_in_cents(told.refund.amount)))


# --- on the way ----------------------------------------------------------------------------------------------


@breaks("test_after_a_fault_the_error_tells_the_truth_about_the_money")
class TellsATimeoutAsFailed(AcmePay):
    def refund(self, request: RefundRequest) -> RefundResult:
        try:
            return super().refund(request)
        except ProviderError as error:
            if error.code is not ErrorCode.OUTCOME_UNKNOWN:
                raise
            return _told(request, RefundStatus.FAILED)


@breaks("test_more_than_is_left_is_refused_and_not_failed_blindly")
class TakesAlreadyRefundedForDone(AcmePay):
    """Somebody else's refund is told as ours, and the customer waits."""

    def refund(self, request: RefundRequest) -> RefundResult:
        try:
            return super().refund(request)
        except ProviderError as error:
            if error.code is not ErrorCode.AMOUNT_TOO_HIGH:
                raise
            return _told(request, RefundStatus.SUCCEEDED)


@breaks("test_a_key_that_was_used_for_another_amount_makes_no_second_refund")
class TakesAUsedKeyForDone(AcmePay):
    def refund(self, request: RefundRequest) -> RefundResult:
        try:
            return super().refund(request)
        except ProviderError as error:
            if error.code is not ErrorCode.KEY_REUSED:
                raise
            return _told(request, RefundStatus.SUCCEEDED)


@breaks("test_after_a_fault_the_error_tells_the_truth_about_the_money")
class SaysThatA429IsFinal(AcmePay):
    """A busy morning ends the refunds of every customer."""

    def _refusal(self, answer: Answer) -> ProviderError:
        return super()._refusal(answer) if answer.status != 429 else ProviderError(ErrorCode.INVALID_REQUEST, "busy")


@breaks("test_a_payment_that_the_provider_does_not_have_is_unknown")
class SaysThatAnUnknownPaymentIsNotThereYet(AcmePay):
    """A reference with a slip of the pen is sent for ever."""

    def _refusal(self, answer: Answer) -> ProviderError:
        error = super()._refusal(answer)
        return ProviderError(ErrorCode.NOT_YET, "not yet") if error.provider_code == "payment_unknown" else error


@breaks("test_a_failure_of_the_provider_is_unclear_whatever_it_says")
class BelievesAnErrorsWordsMoreThanItsStatus(AcmePay):
    """The refund was made, its booking failed: 500, with the words of a refusal."""

    def _refusal(self, answer: Answer) -> ProviderError:
        try:
            return super()._refusal(attrs.evolve(answer, status=422))
        except ProviderError:
            return super()._refusal(answer)


@breaks("test_a_call_does_not_sleep")
class SleepsAsLongAsA429Says(AcmePay):
    """A worker that sleeps refunds nobody."""

    def _refusal(self, answer: Answer) -> ProviderError:
        refused = super()._refusal(answer)
        time.sleep(refused.not_before.total_seconds() if refused.not_before else 0)
        return refused


@breaks("test_a_call_does_not_sleep")
class SleepsBeforeItSends(AcmePay):
    def refund(self, request: RefundRequest) -> RefundResult:
        time.sleep(3)  # "not more than twenty a minute"
        return super().refund(request)


@breaks("test_a_call_does_not_sleep")
class AsksUntilItIsPaid(AcmePay):
    """A bank takes days, and so does the worker."""

    def refund(self, request: RefundRequest) -> RefundResult:
        made = super().refund(request)
        for _ in range(600):
            if made.status is not RefundStatus.PENDING:
                break
            time.sleep(0.5)
            made = self.fetch_refund(request.target, made.reference)
        return made


class _PastTheSession(AcmePay):
    """Makes calls of its own."""

    def _ask(self, method: str, path: str, *, seconds: float | None, body: object = None, key: str = "") -> Answer:
        address = urlsplit(self._url(path))
        connection = http.client.HTTPConnection(str(address.hostname), address.port, timeout=seconds)
        try:
            connection.request(
                method,
                address.path,
                body=None if body is None else json.dumps(body, sort_keys=True),
                headers={**self._headers, "Content-Type": "application/json", "Idempotency-Key": key},
            )
            said = connection.getresponse()
            return Answer(
                status=said.status, headers={name.lower(): value for name, value in said.getheaders()}, body=said.read()
            )
        except ConnectionRefusedError:
            raise ProviderError(ErrorCode.NOT_SENT, "no connection") from None
        except (OSError, http.client.HTTPException):
            raise ProviderError(ErrorCode.OUTCOME_UNKNOWN, "no answer") from None
        finally:
            connection.close()


@breaks("test_after_a_fault_there_is_one_refund_in_the_end", "test_every_call_goes_through_the_session_of_the_core")
class WaitsForEver(_PastTheSession):
    """One answer that never comes holds a worker for ever."""

    def refund(self, request: RefundRequest) -> RefundResult:
        path = f"{self._path(request.target)}/refunds"
        answer = self._ask("POST", path, seconds=None, body=self._body(request), key=self._key(request))
        made = self._result(self._parsed(WireRefund, answer), request.target)
        self._check(made, request)
        return made


@breaks("test_every_call_ends_at_its_deadline", "test_every_call_goes_through_the_session_of_the_core")
class FetchesForEver(_PastTheSession):
    def fetch_refund(self, target: str, reference: str) -> RefundResult:
        answer = self._ask("GET", self._path(target, reference), seconds=None)
        return self._same(self._parsed(WireRefund, answer), target, reference)


@breaks("test_every_call_goes_through_the_session_of_the_core")
class RefundsPastTheSession(AcmePay):
    def refund(self, request: RefundRequest) -> RefundResult:
        try:
            with requests.Session() as session:
                session.trust_env = False
                said = session.post(
                    self._url(f"{self._path(request.target)}/refunds"),
                    headers={**self._headers, "Idempotency-Key": self._key(request)},
                    json=self._body(request),
                    timeout=20,
                    allow_redirects=False,
                )
        except requests.ConnectionError as error:
            refused = "refused" in str(error)
            raise ProviderError(ErrorCode.NOT_SENT if refused else ErrorCode.OUTCOME_UNKNOWN, "no answer") from None
        except requests.RequestException:
            raise ProviderError(ErrorCode.OUTCOME_UNKNOWN, "no answer") from None
        headers = {name.lower(): value for name, value in said.headers.items()}
        answer = Answer(status=said.status_code, headers=headers, body=said.content)
        made = self._result(self._parsed(WireRefund, answer), request.target)
        self._check(made, request)
        return made


@breaks("test_every_call_goes_through_the_session_of_the_core")
class ReadsPastTheSession(_PastTheSession):
    def fetch_refund(self, target: str, reference: str) -> RefundResult:
        answer = self._ask("GET", self._path(target, reference), seconds=5)
        return self._same(self._parsed(WireRefund, answer), target, reference)


@breaks("test_every_call_goes_through_the_session_of_the_core")
class CancelsPastTheSession(_PastTheSession):
    def cancel_refund(self, target: str, reference: str) -> RefundResult:
        answer = self._ask("DELETE", self._path(target, reference), seconds=5)
        return self._same(self._parsed(WireRefund, answer), target, reference)


@breaks("test_a_silent_answer_holds_up_no_other_call")
class HoldsALockWhileItWaits(AcmePay):
    """One silent answer stops every worker of the account."""

    def __init__(self, settings: Settings, http: ProviderSession) -> None:
        super().__init__(settings, http)
        self.lock = threading.RLock()

    def refund(self, request: RefundRequest) -> RefundResult:
        with self.lock:
            return super().refund(request)

    def _read(self, kind: type[Any], path: str, query: Mapping[str, str] | None = None) -> Any:
        with self.lock:
            return super()._read(kind, path, query)


@breaks("test_a_silent_answer_holds_up_no_other_call")
class HoldsALockOverAllAccounts(AcmePay):
    """One silent answer stops every shop."""

    lock: ClassVar[Any] = threading.RLock()

    def refund(self, request: RefundRequest) -> RefundResult:
        with self.lock:
            return super().refund(request)


# --- two accounts --------------------------------------------------------------------------------------------


@breaks("test_two_accounts_refund_their_own", "test_a_key_is_of_its_own_account")
class SharesTheSettingsOfTheLast(AcmePay):
    """Settings on the class: the account that was made last is everybody's."""

    kept: ClassVar[Settings]

    def __init__(self, settings: Settings, http: ProviderSession) -> None:
        super().__init__(settings, http)
        type(self).kept = settings

    @property
    def settings(self) -> Settings:
        return self.kept

    @settings.setter
    def settings(self, settings: Settings) -> None: ...


@breaks("test_two_accounts_refund_their_own")
class SharesTheSettingsOfTheFirst(AcmePay):
    """A client that is made once, for whoever asked first."""

    kept: ClassVar[Settings | None] = None

    def __init__(self, settings: Settings, http: ProviderSession) -> None:
        type(self).kept = self.kept or settings
        super().__init__(self.kept or settings, http)


@breaks("test_a_key_is_of_its_own_account")
class SharesAKeyByAddress(AcmePay):
    """A token that is kept by the address of the API, which two accounts at one provider share."""

    kept: ClassVar[dict[str, Mapping[str, str]]] = {}

    @property
    def _headers(self) -> dict[str, str]:
        return dict(self.kept.setdefault(self.settings.api_url, super()._headers))


@breaks("test_two_accounts_refund_their_own")
class SharesTheAddressOfTheFirst(AcmePay):
    """The address is read once: the live shop's refunds go to the test account, or the other way round."""

    kept: ClassVar[str] = ""

    def _url(self, path: str) -> str:
        type(self).kept = self.kept or self.settings.api_url
        return f"{self.kept}/{path}"


@breaks("test_a_webhook_of_another_account_is_rejected")
class SharesTheWebhookSecretOfTheFirst(AcmePay):
    kept: ClassVar[list[Secret]] = []

    def _secrets(self) -> list[Secret]:
        if not self.kept:
            self.kept.append(self.settings.webhook_secret)
        return self.kept


@breaks("test_two_accounts_refund_their_own")
class RemembersWhatWasPaidByReference(AcmePay):
    """What was paid never changes, so it is kept: by a reference that another account has as well."""

    kept: ClassVar[dict[str, WireAmount]] = {}

    def _left(self, payment: WirePayment) -> Money:
        return self.kept.setdefault(payment.id, payment.amount).money - payment.refunded.money


@breaks("test_a_refund_that_failed_is_told_in_its_own_account")
class RemembersRefundsByReference(AcmePay):
    """What has failed stays so, and is kept: by a reference that another account has as well."""

    kept: ClassVar[dict[str, RefundResult]] = {}

    def fetch_refund(self, target: str, reference: str) -> RefundResult:
        found = self.kept.get(reference) or super().fetch_refund(target, reference)
        if found.status is RefundStatus.FAILED:
            self.kept[reference] = found
        return found


@breaks("test_a_refund_is_cancelled_in_its_own_account")
class CancelsAtTheAddressOfTheFirst(AcmePay):
    """The refund of one shop's customer is taken back because another shop cancelled its own."""

    kept: ClassVar[str] = ""

    def __init__(self, settings: Settings, http: ProviderSession) -> None:
        super().__init__(settings, http)
        type(self).kept = self.kept or settings.api_url

    def cancel_refund(self, target: str, reference: str) -> RefundResult:
        address = f"{self.kept}/{self._path(target, reference)}"
        answer = self.http.write("DELETE", address, headers=self._headers)
        return self._same(self._parsed(WireRefund, answer), target, reference)


@breaks("test_the_settings_are_all_that_there_is")
class TakesItsKeyFromTheEnvironment(AcmePay):
    """The key in a variable is the key of every shop of the host."""

    @property
    def _headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {os.environ.get('ACMEPAY_KEY') or self.settings.api_key.reveal()}"}


@breaks("test_nothing_is_changed_for_the_rest_of_the_process")
class SetsATimeoutForEverybody(AcmePay):
    """A deadline for its own calls, and for the database's."""

    def refund(self, request: RefundRequest) -> RefundResult:
        socket.setdefaulttimeout(5)
        return super().refund(request)


@breaks("test_nothing_is_changed_for_the_rest_of_the_process")
class RoundsForEverybody(AcmePay):
    """Six digits are enough for its own amounts, and for nobody's totals."""

    def _amount(self, amount: Money) -> object:
        decimal.getcontext().prec = 6
        return super()._amount(amount)


# --- lookups -------------------------------------------------------------------------------------------------


@breaks("test_a_refund_that_is_only_alike_is_not_found")
class FindsTheOnlyOneOfTheAmount(AcmePay):
    def find_refund(self, request: RefundRequest) -> RefundResult | None:
        alike = [one for one in self._walk(request.target) if one.amount == request.amount and not one.refund_id]
        return super().find_refund(request) or (alike[0] if len(alike) == 1 else None)


@breaks("test_a_refund_that_is_only_alike_is_not_found")
class FindsByOrder(AcmePay):
    """The second return of an order is told as paid by the refund of the first."""

    def find_refund(self, request: RefundRequest) -> RefundResult | None:
        page = self._read(WirePage, f"{self._path(request.target)}/refunds")
        for refund in page.refunds:
            if refund.metadata.get("order_id") == request.order_id:
                return self._result(refund, request.target)
        return super().find_refund(request)


@breaks("test_a_lost_refund_is_found_when_its_key_is_forgotten")
class FindsOnlyWhatIsNew(AcmePay):
    """A worker that stood still for a week asks, finds nothing, and pays again."""

    def find_refund(self, request: RefundRequest) -> RefundResult | None:
        found = super().find_refund(request)
        since = datetime.datetime.now(datetime.UTC) - datetime.timedelta(days=2)
        return found if found and found.created_at and found.created_at > since else None


@breaks("test_what_was_not_found_is_found_when_it_is_there")
class RemembersThatNothingWasFound(AcmePay):
    """The refund is made, its answer is lost, and "not there" is still believed."""

    def __init__(self, settings: Settings, http: ProviderSession) -> None:
        super().__init__(settings, http)
        self.missing: set[str] = set()

    def find_refund(self, request: RefundRequest) -> RefundResult | None:
        found = None if request.refund_id in self.missing else super().find_refund(request)
        if found is None:
            self.missing.add(request.refund_id)
        return found


@breaks("test_a_list_that_was_read_is_read_again")
class RemembersTheList(AcmePay):
    """What a colleague refunds in the dashboard afterwards is never seen."""

    def __init__(self, settings: Settings, http: ProviderSession) -> None:
        super().__init__(settings, http)
        self.lists: dict[str, list[RefundResult]] = {}

    def list_refunds(self, target: str) -> list[RefundResult]:
        if target not in self.lists:
            self.lists[target] = super().list_refunds(target)
        return self.lists[target]


@breaks("test_a_refund_that_fails_after_it_succeeded_is_failed")
class RemembersThatItSucceeded(AcmePay):
    """What is paid is paid, until the bank sends it back."""

    def __init__(self, settings: Settings, http: ProviderSession) -> None:
        super().__init__(settings, http)
        self.done: dict[str, RefundResult] = {}

    def fetch_refund(self, target: str, reference: str) -> RefundResult:
        found = self.done.get(reference) or super().fetch_refund(target, reference)
        if found.status is RefundStatus.SUCCEEDED:
            self.done[reference] = found
        return found


@breaks("test_a_list_whose_end_cannot_be_read_proves_nothing")
class StopsAtAPageThatFails(AcmePay):
    """The page with our refund does not come, and it is made again."""

    def _walk(self, target: str) -> Iterator[RefundResult]:
        seen = 0
        try:
            for one in super()._walk(target):
                seen += 1
                yield one
        except ProviderError:
            if not seen:
                raise


class _RemembersWhenDown(AcmePay):
    """While Acme is down, what it said before is good enough."""

    def __init__(self, settings: Settings, http: ProviderSession) -> None:
        super().__init__(settings, http)
        self.said: dict[object, Any] = {}

    def _or_as_before(self, what: object, ask: Callable[[], Any]) -> Any:
        try:
            self.said[what] = ask()
        except ProviderError:
            if what not in self.said:
                raise
        return self.said[what]


@breaks("test_a_question_that_is_not_answered_decides_nothing")
class TellsWhatWasLeftBefore(_RemembersWhenDown):
    def refundable(self, payment: Payment) -> Refundable:
        ask = super().refundable
        left: Refundable = self._or_as_before(payment.reference, lambda: ask(payment))
        return left


@breaks("test_a_lookup_that_fails_is_not_a_refund_that_is_not_there")
class FindsAsItFoundBefore(_RemembersWhenDown):
    """It was not there yet, the answer to it was lost, and it is made again."""

    def find_refund(self, request: RefundRequest) -> RefundResult | None:
        find = super().find_refund
        found: RefundResult | None = self._or_as_before(request.refund_id, lambda: find(request))
        return found


@breaks("test_a_list_that_cannot_be_read_is_not_an_empty_list")
class ListsAsItListedBefore(_RemembersWhenDown):
    def list_refunds(self, target: str) -> list[RefundResult]:
        read = super().list_refunds
        listed: list[RefundResult] = self._or_as_before(target, lambda: read(target))
        return listed


@breaks("test_threads_that_ask_are_told_of_their_own")
class KeepsWhatIsAskedInTheInstance(AcmePay):
    target = ""

    def list_refunds(self, target: str) -> list[RefundResult]:
        self.target = target
        time.sleep(0.1)
        return super().list_refunds(self.target)


# --- answers -------------------------------------------------------------------------------------------------


@breaks("test_an_answer_about_another_amount_and_payment_is_not_believed")
class BelievesAnyAnswerAndFindsNothing(_Unchecked):
    """A provider without lookups, and two customers are told of one refund."""

    capabilities = declaring(find_refund=Support.NOT_YET, lookup_complete_after=None)

    def _result(self, refund: WireRefund, target: str) -> RefundResult:
        return super()._result(refund, refund.payment)


@breaks("test_a_refund_on_another_payment_is_not_told_as_made")
class BelievesARefundOfAnyPayment(AcmePay):
    """The answer carries our id, and the money went to somebody else."""

    def refund(self, request: RefundRequest) -> RefundResult:
        answer = self.http.write(
            "POST",
            self._url(f"{self._path(request.target)}/refunds"),
            headers=self._headers | {acme_pay.KEY_HEADER: self._key(request)},
            json_body=self._body(request),
        )
        refund = self._parsed(WireRefund, answer)
        made = attrs.evolve(self._result(refund, refund.payment), target=request.target)
        self._check(made, request)
        return made


@breaks("test_a_payment_that_was_not_asked_for_is_not_refunded")
class RefundsWhateverPaymentComes(AcmePay):
    """A cache between shop and provider answers with another payment, and that is refunded."""

    def refundable(self, payment: Payment) -> Refundable:
        if payment.mode is not self.settings.mode:
            raise ProviderError(ErrorCode.CONFIGURATION, "the other mode")
        found = self._read(WirePayment, self._path(payment.reference))
        left = self._left(found)
        reason = "everything is refunded" if left.minor <= 0 else ""
        if left.currency != payment.captured.currency:
            reason = "another currency"
        return Refundable(target=found.id, remaining=left, possible=not reason, reason=reason)


@breaks("test_a_list_of_another_payment_is_not_told")
class ListsWhateverComes(AcmePay):
    def list_refunds(self, target: str) -> list[RefundResult]:
        page: str | None = ""
        found: list[RefundResult] = []
        while page is not None:
            read = self._read(WirePage, f"{self._path(target)}/refunds", {"after": page})
            found += [self._result(refund, refund.payment) for refund in read.refunds]
            if read.next is not None and read.next <= page:
                raise ProviderError(ErrorCode.UNREADABLE_ANSWER, "the pages go round in a circle")
            page = read.next
        return found


@breaks("test_an_answer_of_the_other_mode_is_not_believed")
class DoesNotLookAtTheModeOfThePayment(AcmePay):
    """The key was changed for a live one, and the order of a test is refunded with money."""

    def _read(self, kind: type[Any], path: str, query: Mapping[str, str] | None = None) -> Any:
        found = super()._read(kind, path, query)
        return attrs.evolve(found, mode=self.settings.mode.value) if kind is WirePayment else found


@breaks("test_an_answer_of_the_other_mode_is_not_believed")
class DoesNotLookAtTheModeOfTheAccount(AcmePay):
    def check_settings(self) -> None:
        self._read(WireAccount, "account")


@breaks("test_a_refund_that_is_not_there_is_not_fetched")
class TellsARefundThatIsNotThereAsFailed(AcmePay):
    def fetch_refund(self, target: str, reference: str) -> RefundResult:
        try:
            return super().fetch_refund(target, reference)
        except ProviderError as error:
            if error.provider_code != "refund_unknown":
                raise
            amount = self._left(self._read(WirePayment, self._path(target)))
            return RefundResult(
                reference=reference, target=target, status=RefundStatus.FAILED, amount=amount, provider_status="unknown"
            )


@breaks("test_a_method_raises_provider_errors_and_nothing_else")
class ReadsPlainDictionaries(AcmePay):
    def fetch_refund(self, target: str, reference: str) -> RefundResult:
        said = self.http.read(self._url(self._path(target, reference)), headers=self._headers).json()
        assert (said["id"], said["payment"]) == (reference, target)
        return self._result(read_wire(WireRefund, said), target)


@breaks("test_an_unknown_status_is_pending")
class FallsOverANewStatus(AcmePay):
    def _status(self, word: str) -> RefundStatus:
        return acme_pay.STATUSES[word]


# --- statuses ------------------------------------------------------------------------------------------------


@breaks("test_a_word_that_holds_the_word_for_paid_is_not_paid")
class TakesAWordWithPaidInItForPaid(AcmePay):
    """ "unpaid" and "paid_back_to_us" have it in them too."""

    def _status(self, word: str) -> RefundStatus:
        return RefundStatus.SUCCEEDED if "paid" in word else super()._status(word)


@breaks("test_a_refund_that_waits_can_be_cancelled")
class TakesCancelledForPaid(AcmePay):
    def _status(self, word: str) -> RefundStatus:
        return RefundStatus.SUCCEEDED if word == "cancelled" else super()._status(word)


class _OldOnes(AcmePay):
    """Decides by itself about a refund that waits for long."""

    becomes: ClassVar[RefundStatus]

    def _result(self, refund: WireRefund, target: str) -> RefundResult:
        found = super()._result(refund, target)
        age = datetime.datetime.now(datetime.UTC) - refund.created_at
        old = found.status is RefundStatus.PENDING and age > datetime.timedelta(days=14)
        return attrs.evolve(found, status=self.becomes) if old else found


@breaks("test_a_refund_that_waits_is_pending_until_it_is_paid")
class TakesAnOldRefundForPaid(_OldOnes):
    becomes = RefundStatus.SUCCEEDED


@breaks("test_a_refund_that_waits_is_pending_until_it_is_paid")
class TakesAnOldRefundForFailed(_OldOnes):
    """It is paid again by hand, and then the bank pays too."""

    becomes = RefundStatus.FAILED


@breaks("test_after_a_fault_the_error_tells_the_truth_about_a_cancelled_refund")
class TakesAFailedCancelForCancelled(AcmePay):
    """Told as cancelled and still paid, it is paid twice."""

    def cancel_refund(self, target: str, reference: str) -> RefundResult:
        try:
            return super().cancel_refund(target, reference)
        except ProviderError as error:
            if error.code not in (ErrorCode.UNAVAILABLE, ErrorCode.OUTCOME_UNKNOWN):
                raise
            found = self.fetch_refund(target, reference)
            return attrs.evolve(found, status=RefundStatus.CANCELLED)


@breaks("test_after_a_fault_the_error_tells_the_truth_about_a_cancelled_refund")
class TakesALostCancelForFinal(AcmePay):
    """Cancelled after all, it is told as on its way, and never comes."""

    def cancel_refund(self, target: str, reference: str) -> RefundResult:
        try:
            return super().cancel_refund(target, reference)
        except ProviderError as error:
            if error.code is ErrorCode.OUTCOME_UNKNOWN:
                error.disposition = Disposition.FINAL
            raise


@breaks("test_a_refund_that_is_not_there_is_not_cancelled")
class TakesNothingThereForCancelled(AcmePay):
    """A reference with a slip of the pen is "gone", so it is cancelled."""

    def cancel_refund(self, target: str, reference: str) -> RefundResult:
        try:
            return super().cancel_refund(target, reference)
        except ProviderError as error:
            if error.provider_code != "refund_unknown":
                raise
            nothing = Money(minor=0, currency="EUR")
            return RefundResult(
                reference=reference,
                target=target,
                status=RefundStatus.CANCELLED,
                amount=nothing,
                provider_status="gone",
            )


# --- times ---------------------------------------------------------------------------------------------------


@breaks("test_a_refund_was_made_when_it_was_made")
class TellsWhenItAsked(AcmePay):
    def _result(self, refund: WireRefund, target: str) -> RefundResult:
        now = datetime.datetime.now(datetime.UTC)
        return super()._result(attrs.evolve(refund, created_at=now), target)


@breaks("test_a_time_with_another_offset_is_the_same_moment")
class StripsTheOffset(AcmePay):
    """In summer a refund is two hours older than it is, and as if it was there before ours was sent."""

    def _parsed(self, kind: type[Any], answer: Answer) -> Any:
        said = re.sub(rb"([0-9]{2}:[0-9]{2}:[0-9]{2})[+-][0-9]{2}:[0-9]{2}", rb"\1+00:00", answer.body)
        return super()._parsed(kind, attrs.evolve(answer, body=said))


@breaks("test_a_refund_was_made_when_it_was_made")
class ReadsTheClockOfItsServer(AcmePay):
    """Right on a server in UTC, and an hour off on the merchant's own."""

    def _result(self, refund: WireRefund, target: str) -> RefundResult:
        local = datetime.datetime.fromtimestamp(refund.created_at.timestamp())  # noqa: DTZ006 - the fault
        return super()._result(attrs.evolve(refund, created_at=local.replace(tzinfo=datetime.UTC)), target)


# --- webhooks ------------------------------------------------------------------------------------------------


@breaks("test_a_forged_webhook_says_nothing_of_a_refund")
class ComparesAsMuchAsWasGiven(AcmePay):
    def parse_webhook(self, webhook: RawWebhook) -> VerifiedEvents | ToFetch:
        whole = signature(self.settings.webhook_secret, webhook.body)
        given = webhook.headers.get(acme_pay.SIGNATURE.lower(), "")
        if whole.startswith(given):
            webhook = attrs.evolve(webhook, headers={acme_pay.SIGNATURE.lower(): whole})
        return super().parse_webhook(webhook)


@breaks("test_a_signature_is_compared_in_a_time_that_tells_nothing")
class ComparesSignaturesInTheOpen(AcmePay):
    """How long it takes tells the forger how much of his signature is right."""

    def parse_webhook(self, webhook: RawWebhook) -> VerifiedEvents | ToFetch:
        if webhook.headers.get(acme_pay.SIGNATURE.lower(), "") != signature(self.settings.webhook_secret, webhook.body):
            raise WebhookRejected("the signature is wrong or missing")
        return super().parse_webhook(webhook)


class _SandboxThatSignsTheId(AcmePaySandbox):
    def _signed(self, body: bytes) -> str:
        return super()._signed(json.loads(body)["id"].encode())


@breaks("test_a_forged_webhook_says_nothing_of_a_refund", sandbox=_SandboxThatSignsTheId)
class ChecksTheSignatureOfTheId(AcmePay):
    """The rest of the webhook is whoever's."""

    def _signed(self, body: bytes) -> bytes:
        try:
            said: str = read_json(body)["id"]
            return said.encode()
        except (ValueError, KeyError, TypeError, AttributeError):
            raise WebhookRejected("no event") from None


@breaks("test_a_webhook_that_is_signed_with_nothing_is_rejected")
class TakesNoSecretForAnEmptyOne(AcmePay):
    """A merchant leaves the secret out, and everybody can sign with nothing."""

    @attrs.frozen(kw_only=True)
    class Lenient:
        api_key: Secret
        webhook_secret: Secret | None = None
        api_url: str = attrs.field(validator=api_address)

        @property
        def mode(self) -> Any:
            return Settings(api_key=self.api_key, webhook_secret=self.api_key).mode

    settings_type = Lenient

    def parse_webhook(self, webhook: RawWebhook) -> VerifiedEvents | ToFetch:
        if self.settings.webhook_secret is not None:
            return super().parse_webhook(webhook)
        expected = hmac.new(b"", webhook.body, hashlib.sha256).hexdigest()
        if webhook.headers.get(acme_pay.SIGNATURE.lower(), "") != expected:
            raise WebhookRejected("the signature is wrong or missing")
        return VerifiedEvents(events=(self._event(read_wire(WireEvent, read_json(webhook.body))),))


@breaks("test_a_webhook_that_is_signed_with_another_secret_is_rejected")
class TakesTheApiKeyForAWebhookSecretToo(AcmePay):
    """ "Old accounts sign with the key": whoever has the one can make the other."""

    def parse_webhook(self, webhook: RawWebhook) -> VerifiedEvents | ToFetch:
        old = signature(self.settings.api_key, webhook.body)
        if webhook.headers.get(acme_pay.SIGNATURE.lower(), "") == old:
            given = {acme_pay.SIGNATURE.lower(): signature(self.settings.webhook_secret, webhook.body)}
            webhook = attrs.evolve(webhook, headers=given)
        return super().parse_webhook(webhook)


@breaks("test_a_genuine_webhook_is_about_the_payment_that_it_is_about")
class TellsNoAmountInAWebhook(AcmePay):
    """The status is taken, and the amount is not read."""

    def _event(self, event: WireEvent) -> RefundEvent:
        told = super()._event(event)
        return attrs.evolve(told, refund=attrs.evolve(told.refund, amount=Money(minor=0, currency="EUR")))


@breaks("test_a_webhook_with_an_unknown_status_is_pending")
class TakesAnUnknownStatusInAWebhookForSuccess(AcmePay):
    def _event(self, event: WireEvent) -> RefundEvent:
        told = super()._event(event)
        known = event.refund.status in acme_pay.STATUSES
        return told if known else attrs.evolve(told, refund=attrs.evolve(told.refund, status=RefundStatus.SUCCEEDED))


@breaks("test_a_signed_webhook_that_lacks_a_field_is_never_guessed")
class GuessesInAWebhook(AcmePay):
    """A webhook of next year's version has the status elsewhere."""

    def parse_webhook(self, webhook: RawWebhook) -> VerifiedEvents | ToFetch:
        try:
            return super().parse_webhook(webhook)
        except WebhookUnreadable:
            said = read_json(webhook.body)
            if not isinstance(said, dict) or not isinstance(said.get("refund"), dict):
                raise
            said["refund"]["status"] = "paid"
            return VerifiedEvents(events=(self._event(read_wire(WireEvent, said)),))


@breaks("test_the_same_webhook_twice_is_the_same_event")
class TellsAnEventByItsTime(AcmePay):
    def _event(self, event: WireEvent) -> RefundEvent:
        return super()._event(attrs.evolve(event, id=f"{event.refund.id}-{event.refund.created_at.timestamp()}"))


@breaks("test_the_same_webhook_twice_is_the_same_event")
class NamesAnEventByItsReception(AcmePay):
    def _event(self, event: WireEvent) -> RefundEvent:
        return super()._event(attrs.evolve(event, id=f"{event.id}-{uuid.getnode()}-{datetime.date.today()}"))  # noqa: DTZ011


class _SandboxWithSeveralSecrets(AcmePaySandbox):
    @property
    def settings(self) -> Mapping[str, object]:
        return {"api_key": "test_acme_0123456789", "webhook_secrets": [SECRET], "api_url": self.url}

    def _signed(self, body: bytes) -> str:
        return hmac_sha256(body, Secret(SECRET))


class _HasSeveralSecrets(AcmePay):
    @attrs.frozen(kw_only=True)
    class Several:
        api_key: Secret
        webhook_secrets: tuple[Secret, ...] = ()
        api_url: str = attrs.field(validator=api_address)

        @property
        def mode(self) -> Mode:
            return Mode.TEST

    settings_type = Several

    def parse_webhook(self, webhook: RawWebhook) -> VerifiedEvents | ToFetch:
        given = webhook.headers.get(acme_pay.SIGNATURE.lower(), "").encode(errors="replace")
        own = self.settings.webhook_secrets  # type: ignore[attr-defined]  # of Several
        if not self._agree([hmac.compare_digest(signature(one, webhook.body).encode(), given) for one in own]):
            raise WebhookRejected("the signature is wrong or missing")
        return VerifiedEvents(events=(self._event(read_wire(WireEvent, read_json(webhook.body))),))

    def _agree(self, fits: list[bool]) -> bool:
        return any(fits)


@breaks(
    "test_a_webhook_that_is_signed_with_nothing_is_rejected",
    "test_each_of_several_secrets_counts",
    sandbox=_SandboxWithSeveralSecrets,
)
class AsksWhetherAllSecretsFit(_HasSeveralSecrets):
    """Of two only one can fit; and of none at all, all do."""

    def _agree(self, fits: list[bool]) -> bool:
        return all(fits)


@breaks("test_each_of_several_secrets_counts", sandbox=_SandboxWithSeveralSecrets)
class AsksTheFirstSecretOnly(_HasSeveralSecrets):
    """While the secret is replaced by another, every webhook is dropped."""

    def _agree(self, fits: list[bool]) -> bool:
        return any(fits[:1])


class _SandboxWithModes(AcmePaySandbox):
    """Its webhooks say of which mode they are."""

    def take_webhooks(self) -> list[SandboxWebhook]:
        bodies = [json.dumps({**json.loads(one.body), "mode": "test"}).encode() for one in super().take_webhooks()]
        return [
            SandboxWebhook(
                headers={acme_pay.SIGNATURE: self._signed(body), "Content-Type": "application/json"}, body=body
            )
            for body in bodies
        ]


@breaks("test_a_webhook_of_the_other_mode_says_nothing", sandbox=_SandboxWithModes)
class DoesNotLookAtTheModeOfAWebhook(AcmePay):
    """A test of last week tells that this week's customer was paid."""


class _SandboxThatTellsSeveralAtOnce(AcmePaySandbox):
    """All that is new stands in one webhook."""

    def take_webhooks(self) -> list[SandboxWebhook]:
        told = super().take_webhooks()
        if not told:
            return []
        body = json.dumps({"events": [json.loads(one.body) for one in told]}).encode()
        headers = {acme_pay.SIGNATURE: self._signed(body), "Content-Type": "application/json"}
        return [SandboxWebhook(headers=headers, body=body)]


@attrs.frozen(kw_only=True)
class WireEvents:
    events: list[WireEvent]


class _ReadsSeveral(AcmePay):
    def parse_webhook(self, webhook: RawWebhook) -> VerifiedEvents | ToFetch:
        given = webhook.headers.get(acme_pay.SIGNATURE.lower(), "").encode(errors="replace")
        if not hmac.compare_digest(signature(self.settings.webhook_secret, webhook.body).encode(), given):
            raise WebhookRejected("the signature is wrong or missing")
        said = read_wire(WireEvents, read_json(webhook.body)).events
        return VerifiedEvents(events=tuple(self._several(said)))

    def _several(self, said: list[WireEvent]) -> list[RefundEvent]:
        return [self._event(event) for event in said]


@breaks("test_every_refund_that_failed_is_told", sandbox=_SandboxThatTellsSeveralAtOnce)
class TellsOnlyTheFirstOfSeveral(_ReadsSeveral):
    def _several(self, said: list[WireEvent]) -> list[RefundEvent]:
        return super()._several(said[:1])


@breaks("test_every_refund_that_failed_is_told", sandbox=_SandboxThatTellsSeveralAtOnce)
class TellsSeveralOnlyOfOnePayment(_ReadsSeveral):
    """The failure of the second customer's refund is never told."""

    def _several(self, said: list[WireEvent]) -> list[RefundEvent]:
        return super()._several([event for event in said if event.refund.payment == said[0].refund.payment])


@breaks(
    "test_every_refund_that_failed_is_told",
    "test_the_same_webhook_twice_is_the_same_event",
    sandbox=_SandboxThatTellsSeveralAtOnce,
)
class CallsSeveralEventsByOneId(_ReadsSeveral):
    """The first counts, and the others are taken for it, sent again."""

    def _several(self, said: list[WireEvent]) -> list[RefundEvent]:
        return super()._several([attrs.evolve(event, id=said[0].id) for event in said])


# --- secrets and customers' words ----------------------------------------------------------------------------


@breaks("test_nothing_of_a_secret_is_printed")
class PrintsItsHeaders(AcmePay):
    def refund(self, request: RefundRequest) -> RefundResult:
        print("sending", self._headers)
        return super().refund(request)


@breaks("test_what_a_customer_reads_stays_where_it_is")
class LogsWhatItSends(AcmePay):
    """The customer's name stands in the log of the shop, for as long as that is kept."""

    def refund(self, request: RefundRequest) -> RefundResult:
        log.debug("sending %s", self._body(request))
        return super().refund(request)


@breaks("test_what_a_customer_reads_stays_where_it_is")
class LogsWhatItIsAnswered(AcmePay):
    def _parsed(self, kind: type[Any], answer: Answer) -> Any:
        log.info("Acme Pay says %s", answer.body.decode(errors="replace"))
        return super()._parsed(kind, answer)


@breaks("test_what_a_customer_reads_stays_where_it_is")
class QuotesAnAnswerThatItCannotRead(AcmePay):
    """What it quotes stands on the timeline for ever."""

    def _parsed(self, kind: type[Any], answer: Answer) -> Any:
        try:
            return super()._parsed(kind, answer)
        except ProviderError as error:
            if error.code is not ErrorCode.UNREADABLE_ANSWER:
                raise
            raise ProviderError(error.code, f"cannot be read: {answer.body.decode(errors='replace')[:200]}") from None


@breaks("test_what_a_customer_reads_stays_where_it_is")
class TellsTheCustomersWordsInAnError(AcmePay):
    def refund(self, request: RefundRequest) -> RefundResult:
        try:
            return super().refund(request)
        except ProviderError as error:
            raise ProviderError(
                error.code, f"{error.message}: {request.description}", provider_code=error.provider_code
            ) from None


@breaks("test_a_key_that_was_refused_is_not_quoted")
class QuotesTheRefusedKey(AcmePay):
    def _refusal(self, answer: Answer) -> ProviderError:
        if answer.status == 401:
            return ProviderError(ErrorCode.AUTHENTICATION, f"the key {self.settings.api_key.reveal()} was refused")
        return super()._refusal(answer)


@breaks("test_no_secret_is_among_the_variables_of_an_error")
class KeepsItsKeyAmongItsVariables(AcmePay):
    """A host that logs a traceback with its variables logs the key."""

    def refund(self, request: RefundRequest) -> RefundResult:
        headers = self._headers | {"Idempotency-Key": request.key}
        answer = self.http.write(
            "POST",
            self._url(f"{self._path(request.target)}/refunds"),
            headers=headers,
            json_body=self._body(request),
        )
        made = self._result(self._parsed(WireRefund, answer), request.target)
        self._check(made, request)
        return made


@breaks("test_a_refund_link_is_made_without_a_call")
class LogsInWhenItIsMade(AcmePay):
    """A shop whose provider is down cannot even show a refund link."""

    def __init__(self, settings: Settings, http: ProviderSession) -> None:
        super().__init__(settings, http)
        self.check_settings()
