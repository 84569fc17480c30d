"""Small Post with one fault each, and the tests of the contract whose promise that breaks.

Each is a mistake that is easily made; a docstring says what the merchant or the customer would notice of it.
"""

from __future__ import annotations

import datetime
import hmac
import json
import logging
import os
import threading
import time
import uuid
from collections.abc import Callable, Sequence
from typing import Any, ClassVar, TypeVar

import attrs
import requests
from small_post import PortalPost, PortalPostSandbox, SmallPost, SmallPostSandbox, WirePortal, smallpost

from retour.providers import (
    Disposition,
    ErrorCode,
    LabelDocument,
    LabelForm,
    LabelOption,
    LabelRequest,
    Money,
    Order,
    ParcelState,
    ProviderError,
    RawWebhook,
    Secret,
    Shipment,
    ShipmentEvent,
    ShipmentEvents,
    ShippingCapabilities,
    ShippingOption,
    Support,
    Told,
    WebhookRejected,
    WebhookUnreadable,
    check_signed,
    hmac_sha256,
    read_wire,
)

_Kind = TypeVar("_Kind", bound=type[Any])


@attrs.frozen(kw_only=True)
class Broken:
    """A carrier with one fault, and the tests that must fail of it."""

    provider: type[Any]
    caught_by: tuple[str, ...]
    sandbox: type[Any] = SmallPostSandbox


BROKEN: dict[str, Broken] = {}


def breaks(*tests: str) -> Callable[[_Kind], _Kind]:
    """Put a carrier into the table, with the tests that must fail of it."""

    def put(provider: _Kind) -> _Kind:
        sandbox = PortalPostSandbox if issubclass(provider, PortalPost) else SmallPostSandbox
        BROKEN[provider.__name__] = Broken(provider=provider, caught_by=tests, sandbox=sandbox)
        return provider

    return put


def declaring(**facts: Any) -> ShippingCapabilities:
    """Small Post's capabilities with others in their place."""
    return attrs.evolve(SmallPost.capabilities, **facts)


def made_of(answer: Any) -> Shipment:
    """What an answer says of a label."""
    shipment: Shipment = read_wire(smallpost.WireLabel, smallpost.accepted(answer).json()).shipment
    return shipment


# --- what is declared ------------------------------------------------------------------------------------------------


@breaks("test_a_declared_capability_has_its_method")
class DeclaresAPortalThatItHasNot(SmallPost):
    capabilities = declaring(portal=Support.YES)


@breaks("test_the_declared_facts_can_be_true")
class SaysThatAHalfLookupIsComplete(SmallPost):
    capabilities = declaring(find_shipment=Support.PARTIAL, lookup_complete_after=datetime.timedelta(minutes=1))


@breaks("test_each_declared_form_can_be_bought")
class PromisesACodeThatItHasNot(SmallPost):
    capabilities = declaring(forms=frozenset({LabelForm.PDF, LabelForm.QR_CODE}))


@breaks("test_settings_that_work_are_told_to_work")
class BuysALabelToTryTheSettings(SmallPost):
    def check_settings(self) -> None:
        body = {"reference": str(uuid.uuid4()), "order": "test", "service": "letter", "from": {}, "to": {}}
        self.write("labels", body)


@breaks(
    "test_a_wrong_secret_is_told_before_and_at_a_label",
    "test_a_key_is_of_its_own_account",
    "test_a_key_that_was_refused_is_not_quoted",
)
class TakesAWrongKeyForARefusal(SmallPost):
    """The customer is told no, and the key stands in the mail that says so."""

    def create_label(self, request: LabelRequest) -> Shipment:
        try:
            return super().create_label(request)
        except ProviderError as error:
            if error.code is not ErrorCode.AUTHENTICATION:
                raise
            key = self.settings.api_key.reveal()
            raise ProviderError(ErrorCode.INVALID_REQUEST, f"the key {key} was refused") from None


# --- what can be chosen ----------------------------------------------------------------------------------------------


@breaks("test_what_is_offered_can_be_bought")
class OffersWhatItDoesNotSell(SmallPost):
    def options(self, *parcel: Any) -> Sequence[LabelOption]:
        found = super().options(*parcel)
        return [*found, attrs.evolve(found[-1], code="express")]


@breaks("test_the_cheapest_is_offered_first")
class OffersTheDearestFirst(SmallPost):
    def options(self, *parcel: Any) -> Sequence[LabelOption]:
        return list(reversed(super().options(*parcel)))


@breaks("test_a_label_costs_what_was_offered")
class TellsPricesInAnotherUnit(SmallPost):
    def options(self, *parcel: Any) -> Sequence[LabelOption]:
        return [
            attrs.evolve(one, price=Money(minor=one.price.minor * 100, currency="EUR"))
            for one in super().options(*parcel)
        ]


@breaks("test_options_that_cannot_be_read_are_not_none")
class HasNoOptionsInABadMoment(SmallPost):
    def options(self, *parcel: Any) -> Sequence[LabelOption]:
        try:
            found: Sequence[LabelOption] = super().options(*parcel)
        except ProviderError:
            return []
        return found


@breaks("test_a_form_that_there_is_not_is_refused", "test_the_document_is_what_it_is_called")
class GivesAnyFormUnderAnotherName(SmallPost):
    def fetch_label(self, reference: str, parcel: str, form: LabelForm) -> LabelDocument:
        found = super().fetch_label(reference, parcel, LabelForm.PDF)
        return attrs.evolve(found, form=LabelForm.QR_CODE, media_type="image/png")


# --- what is asked before ---------------------------------------------------------------------------------------------


@breaks("test_what_is_validated_is_not_bought")
class BuysWhatItShouldValidate(SmallPost):
    """The customer has two labels, and the shop pays for both."""

    def validate_label(self, request: LabelRequest) -> None:
        self.write("labels", {**smallpost.label_body(request), "reference": str(uuid.uuid4())})


@breaks("test_what_cannot_be_bought_is_told_before")
class FindsNothingWrong(SmallPost):
    """Whatever is answered, it was asked."""

    def validate_label(self, request: LabelRequest) -> None:
        self.post("labels/check", smallpost.label_body(request))


@breaks("test_a_question_that_is_not_answered_refuses_no_label")
class TakesABadMomentForARefusal(SmallPost):
    def validate_label(self, request: LabelRequest) -> None:
        try:
            super().validate_label(request)
        except ProviderError as error:
            raise ProviderError(ErrorCode.INVALID_REQUEST, error.message) from None


# --- what goes out ---------------------------------------------------------------------------------------------------


class SendsAnother(SmallPost):
    """What is sent is not what was asked for."""

    def body(self, request: LabelRequest) -> dict[str, Any]:
        found: dict[str, Any] = smallpost.label_body(request)
        return found

    def create_label(self, request: LabelRequest) -> Shipment:
        made: Shipment = self.write("labels", self.body(request))
        return made


@breaks("test_what_was_asked_for_goes_out")
class RoundsTheWeightToHundredsOfGrams(SendsAnother):
    """The carrier weighs it, and charges the difference with a fee."""

    def body(self, request: LabelRequest) -> dict[str, Any]:
        return {**super().body(request), "grams": round(request.parcel.weight_grams, -2)}


@breaks("test_what_was_asked_for_goes_out")
class MeasuresInWholeCentimetres(SendsAnother):
    """The carrier measures a millimetre too much, and charges for a larger parcel."""

    def body(self, request: LabelRequest) -> dict[str, Any]:
        parcel = request.parcel
        sides = {"length": parcel.length_mm, "width": parcel.width_mm, "height": parcel.height_mm}
        return {
            **super().body(request),
            **{name: round((side or 0) / 10, name == "width") for name, side in sides.items()},
        }


@breaks("test_what_was_asked_for_goes_out")
class DropsTheCountryOfOrigin(SendsAnother):
    def body(self, request: LabelRequest) -> dict[str, Any]:
        found = super().body(request)
        return {**found, "items": [{**item, "origin": ""} for item in found["items"]]}


@breaks("test_a_price_is_written_exactly")
class CountsCentsWithFloats(SendsAnother):
    """19.99 is 1998 cents by ``int(19.99 * 100)``, and 0.29 is 28."""

    def body(self, request: LabelRequest) -> dict[str, Any]:
        found = super().body(request)
        return {**found, "items": [{**item, "price": int(float(item["price"]) * 100)} for item in found["items"]]}


@breaks("test_the_parcel_goes_from_the_customer_to_the_shop")
class SendsToTheCustomer(SendsAnother):
    """Labels to customers are made so, and this was copied from there."""

    def body(self, request: LabelRequest) -> dict[str, Any]:
        found = super().body(request)
        return {**found, "from": found["to"], "to": found["from"]}


@breaks("test_the_same_request_gives_the_same_bytes")
class WritesWhenItWasSent(SendsAnother):
    def body(self, request: LabelRequest) -> dict[str, Any]:
        return {**super().body(request), "sent": datetime.datetime.now(datetime.UTC).isoformat()}


@breaks(
    "test_our_id_of_a_label_goes_along",
    "test_after_a_fault_there_is_one_label_in_the_end",
    "test_a_label_is_made_once",
    "test_threads_that_make_one_label_make_it_once",
)
class MakesUpAReferenceForEachTry(SendsAnother):
    """A label is bought for each try of a bad morning."""

    def body(self, request: LabelRequest) -> dict[str, Any]:
        return {**super().body(request), "reference": f"{request.label_id}-{uuid.uuid4()}", "order": request.label_id}


@breaks("test_two_labels_of_one_order_are_two")
class GivesTheFirstLabelOfAnOrderAgain(SmallPost):
    def create_label(self, request: LabelRequest) -> Shipment:
        there = self.list_shipments(request.order_id, datetime.datetime.fromtimestamp(0, datetime.UTC))
        made: Shipment = there[0] if there else super().create_label(request)
        return made


@breaks("test_a_label_is_told_as_the_books_have_it", "test_a_field_that_is_missing_or_mistyped_is_never_guessed")
class TellsEachNewLabelAsReady(SmallPost):
    def create_label(self, request: LabelRequest) -> Shipment:
        return attrs.evolve(super().create_label(request), told=Told.READY)


@breaks("test_a_name_of_any_letters_is_no_accident")
class WritesNamesInLatin(SendsAnother):
    def body(self, request: LabelRequest) -> dict[str, Any]:
        request.sender.name.encode("latin-1")
        return super().body(request)


# --- what was refused ------------------------------------------------------------------------------------------------


@breaks("test_a_refusal_says_why_and_buys_nothing")
class KeepsTheReasonToItself(SmallPost):
    def create_label(self, request: LabelRequest) -> Shipment:
        try:
            return super().create_label(request)
        except ProviderError as error:
            raise ProviderError(error.code, "refused", disposition=error.disposition) from None


@breaks("test_a_refusal_behind_a_success_is_a_refusal")
class ReadsNoErrorInASuccess(SmallPost):
    def create_label(self, request: LabelRequest) -> Shipment:
        url = f"{self.settings.api_url}/labels"
        answer = self.http.write("POST", url, headers=self.headers, json_body=smallpost.label_body(request))
        body = smallpost.accepted(answer).json()
        return read_wire(smallpost.WireLabel, {name: value for name, value in body.items() if name != "error"}).shipment


@breaks("test_a_refusal_behind_a_success_is_a_refusal")
class BelievesEveryStatusThatSaysCreated(SmallPost):
    def create_label(self, request: LabelRequest) -> Shipment:
        url = f"{self.settings.api_url}/labels"
        answer = self.http.write("POST", url, headers=self.headers, json_body=smallpost.label_body(request))
        body = smallpost.accepted(answer).json()
        if "id" not in body:
            return Shipment(told=Told.ANNOUNCING, label_id=request.label_id)
        return made_of(answer)


@breaks("test_what_the_carrier_refuses_is_told_in_its_words")
class SaysRefusedAndNotWhy(SmallPost):
    def fetch_shipment(self, reference: str, parcel: str) -> Shipment:
        return attrs.evolve(super().fetch_shipment(reference, parcel), because="")


@breaks("test_what_an_answer_does_not_say_is_not_filled_in")
class FillsInWhatWasAskedFor(SendsAnother):
    def create_label(self, request: LabelRequest) -> Shipment:
        made = super().create_label(request)
        return attrs.evolve(made, label_id=request.label_id, order_id=request.order_id)


# --- what goes wrong on the way --------------------------------------------------------------------------------------


class TellsErrorsAs(SmallPost):
    """An error of a write is told as another one."""

    codes: ClassVar[dict[ErrorCode, ErrorCode]] = {}

    def write(self, path: str, body: Any = None) -> Shipment:
        try:
            written: Shipment = super().write(path, body)
        except ProviderError as error:
            if error.code not in self.codes:
                raise
            raise ProviderError(self.codes[error.code], error.message) from None
        return written


@breaks(
    "test_after_a_fault_the_error_tells_the_truth_about_the_label",
    "test_after_a_fault_the_error_tells_the_truth_about_a_cancellation",
)
class TakesALostAnswerForNotSent(TellsErrorsAs):
    """A second label is bought at once."""

    codes: ClassVar = {ErrorCode.OUTCOME_UNKNOWN: ErrorCode.NOT_SENT}


@breaks(
    "test_after_a_fault_the_error_tells_the_truth_about_the_label",
    "test_after_a_fault_the_error_tells_the_truth_about_a_cancellation",
)
class TakesABrokenServerForARefusal(TellsErrorsAs):
    codes: ClassVar = {ErrorCode.UNAVAILABLE: ErrorCode.CARRIER_REFUSED}


@breaks(
    "test_what_is_not_the_providers_own_proves_nothing",
    "test_a_redirect_of_a_label_is_not_followed",
    "test_a_field_that_is_missing_or_mistyped_is_never_guessed",
)
class TakesWhatItCannotReadForARefusal(TellsErrorsAs):
    codes: ClassVar = {ErrorCode.UNREADABLE_ANSWER: ErrorCode.INVALID_REQUEST}


@breaks("test_after_a_fault_the_error_tells_the_truth_about_the_label")
class AsksAgainByItself(SmallPost):
    """The answer was lost, and so was the first label."""

    def write(self, path: str, body: Any = None) -> Shipment:
        try:
            written: Shipment = super().write(path, body)
        except ProviderError:
            written = super().write(path, body)
        return written


@breaks("test_a_closed_port_is_certainly_not_sent")
class TakesAClosedPortForUnclear(TellsErrorsAs):
    codes: ClassVar = {ErrorCode.NOT_SENT: ErrorCode.OUTCOME_UNKNOWN}


@breaks("test_the_wait_that_a_429_asks_for_is_told")
class DropsTheWait(TellsErrorsAs):
    codes: ClassVar = {ErrorCode.RATE_LIMITED: ErrorCode.RATE_LIMITED}


@breaks("test_a_label_is_made_once", "test_after_a_fault_there_is_one_label_in_the_end")
class TakesALabelThatIsThereForARefusal(TellsErrorsAs):
    """Staff order another, since this one was refused."""

    codes: ClassVar = {ErrorCode.ALREADY_MADE: ErrorCode.INVALID_REQUEST}
    capabilities = declaring(find_shipment=Support.NOT_YET)


@breaks("test_a_question_that_is_not_answered_decides_nothing")
class FindsNothingInABadMoment(SmallPost):
    def find_shipment(self, request: LabelRequest) -> Shipment | None:
        try:
            found: Shipment | None = super().find_shipment(request)
        except ProviderError:
            return None
        return found


@breaks("test_a_question_that_is_not_answered_decides_nothing")
class TakesABadMomentForAnUnknownLabel(SmallPost):
    def fetch_shipment(self, reference: str, parcel: str) -> Shipment:
        try:
            return super().fetch_shipment(reference, parcel)
        except ProviderError:
            raise ProviderError(ErrorCode.UNKNOWN_SHIPMENT, "it is not there") from None


@breaks("test_every_call_goes_through_the_session_of_the_core", "test_every_call_ends_at_its_deadline")
class AsksPastTheSession(SmallPost):
    def check_settings(self) -> None:
        requests.get(f"{self.settings.api_url}/account", headers=self.headers, timeout=60)


@breaks("test_a_failure_of_the_provider_is_unclear_whatever_it_says")
class BelievesTheWordsOfAFailure(SmallPost):
    """The carrier broke down after its work, and a second label is bought."""

    def write(self, path: str, body: Any = None) -> Shipment:
        answer = self.http.write("POST", f"{self.settings.api_url}/{path}", headers=self.headers, json_body=body)
        if answer.status >= 500 and b"unknown_service" in answer.body:
            raise ProviderError(ErrorCode.INVALID_REQUEST, "there is no such service")
        return made_of(answer)


@breaks("test_a_call_does_not_sleep")
class WaitsForTheCarrier(SmallPost):
    def create_label(self, request: LabelRequest) -> Shipment:
        made = super().create_label(request)
        for _ in range(5):
            if made.told is not Told.ANNOUNCING:
                break
            time.sleep(1)
            made = self.fetch_shipment(made.reference, made.parcel)
        return made


@breaks("test_a_silent_answer_holds_up_no_other_call")
class LetsOneCallInAtATime(SmallPost):
    lock: ClassVar = threading.RLock()

    def write(self, path: str, body: Any = None) -> Shipment:
        with self.lock:
            written: Shipment = super().write(path, body)
        return written


# --- documents -------------------------------------------------------------------------------------------------------


@breaks("test_a_label_that_is_not_announced_has_no_document")
class SaysThatThereIsNoDocumentAndNeverWillBe(SmallPost):
    def fetch_label(self, reference: str, parcel: str, form: LabelForm) -> LabelDocument:
        try:
            return super().fetch_label(reference, parcel, form)
        except ProviderError as error:
            raise ProviderError(error.code, error.message, disposition=Disposition.FINAL) from None


@breaks("test_what_is_no_document_is_not_shown_as_one")
class ShowsWhateverComes(SmallPost):
    """The customer prints a page that says "Please log in"."""

    def fetch_label(self, reference: str, parcel: str, form: LabelForm) -> LabelDocument:
        if form is not LabelForm.PDF:
            raise ProviderError(ErrorCode.INVALID_REQUEST, "there is no such form")
        content = smallpost.accepted(self.get(f"{smallpost.path(reference)}/document")).body
        return LabelDocument(form=form, media_type="application/pdf", content=content)


@breaks("test_the_document_is_what_it_is_called")
class CutsDocumentsShort(SmallPost):
    def fetch_label(self, reference: str, parcel: str, form: LabelForm) -> LabelDocument:
        found = super().fetch_label(reference, parcel, form)
        return attrs.evolve(found, content=found.content[:500])


@breaks("test_the_document_is_shown_again")
class StampsEachDocument(SmallPost):
    def fetch_label(self, reference: str, parcel: str, form: LabelForm) -> LabelDocument:
        found = super().fetch_label(reference, parcel, form)
        return attrs.evolve(found, content=found.content + f"% {time.monotonic_ns()}\n%%EOF\n".encode())


@breaks("test_a_document_is_of_its_own_label")
class KeepsTheLastDocument(SmallPost):
    """A customer reads where another one lives."""

    kept: LabelDocument | None = None

    def fetch_label(self, reference: str, parcel: str, form: LabelForm) -> LabelDocument:
        if self.kept is None or form is not LabelForm.PDF:
            self.kept = super().fetch_label(reference, parcel, form)
        return self.kept


# --- parcels ---------------------------------------------------------------------------------------------------------


class ReadsWordsAs(SmallPost):
    """Some of the carrier's words are read as others."""

    def progress(self, word: str, found: Shipment) -> Shipment:
        raise NotImplementedError

    def fetch_shipment(self, reference: str, parcel: str) -> Shipment:
        found = super().fetch_shipment(reference, parcel)
        return self.progress(found.provider_status, found)


@breaks("test_a_parcel_that_nobody_sent_is_not_sent")
class TakesReadyForOnItsWay(ReadsWordsAs):
    def progress(self, word: str, found: Shipment) -> Shipment:
        return attrs.evolve(found, progress=ParcelState.ON_ITS_WAY) if word == "ready" else found


@breaks("test_a_parcel_is_told_where_it_is")
class TakesEveryEndForDelivered(ReadsWordsAs):
    """What went back to the customer is waited for at the shop's door."""

    def progress(self, word: str, found: Shipment) -> Shipment:
        ended = word in ("delivered", "lost", "sent back")
        return attrs.evolve(found, progress=ParcelState.DELIVERED) if ended else found


@breaks("test_a_parcel_is_told_where_it_is")
class ReadsTimesInItsOwnZone(ReadsWordsAs):
    """What was scanned at ten is told as at eight: a step before it seems to come after it."""

    def progress(self, word: str, found: Shipment) -> Shipment:
        assert found.changed_at is not None
        return attrs.evolve(found, changed_at=found.changed_at - datetime.timedelta(hours=2))


@breaks("test_times_stay_until_a_parcel_gets_further")
class TellsTheTimeOfTheQuestion(ReadsWordsAs):
    """Each look at a parcel is kept with its order, since it tells of a later time than the one before."""

    asked: ClassVar[int] = 0

    def progress(self, word: str, found: Shipment) -> Shipment:
        assert found.changed_at is not None
        type(self).asked += 1
        return attrs.evolve(found, changed_at=found.changed_at + datetime.timedelta(seconds=type(self).asked))


@breaks("test_times_stay_until_a_parcel_gets_further")
class ListsTheTimeOfTheLastStep(SmallPost):
    """A label whose answer was lost is not known again in the list of its order once it was scanned."""

    def list_shipments(self, order_id: str, since: datetime.datetime) -> Sequence[Shipment]:
        return [attrs.evolve(one, made_at=one.changed_at) for one in super().list_shipments(order_id, since)]


@breaks("test_a_word_that_nobody_knows_is_unknown_and_kept")
class LooksForAPartOfTheWord(ReadsWordsAs):
    """ "not delivered" is delivered."""

    def progress(self, word: str, found: Shipment) -> Shipment:
        return attrs.evolve(found, progress=ParcelState.DELIVERED) if "delivered" in word else found


@breaks("test_a_word_that_nobody_knows_is_unknown_and_kept")
class TakesWhatItDoesNotKnowForLost(ReadsWordsAs):
    def progress(self, word: str, found: Shipment) -> Shipment:
        unknown = word not in smallpost.STATUSES
        return attrs.evolve(found, progress=ParcelState.LOST) if unknown else found


@breaks("test_a_word_that_nobody_knows_is_unknown_and_kept")
class DropsTheCarriersWord(ReadsWordsAs):
    def progress(self, word: str, found: Shipment) -> Shipment:
        return found if word in smallpost.STATUSES else attrs.evolve(found, provider_status="unknown")


@breaks("test_a_label_that_nobody_has_is_told_so")
class TakesAnUnknownLabelForABadMoment(SmallPost):
    def fetch_shipment(self, reference: str, parcel: str) -> Shipment:
        try:
            return super().fetch_shipment(reference, parcel)
        except ProviderError as error:
            raise ProviderError(ErrorCode.UNAVAILABLE, error.message) from None


@breaks("test_a_reference_of_any_shape_leads_nowhere_else")
class WritesAnyReferenceIntoTheAddress(SmallPost):
    """``../account`` asks for something else."""

    def fetch_shipment(self, reference: str, parcel: str) -> Shipment:
        found: Shipment = self.read(smallpost.WireLabel, f"labels/{reference}").shipment
        return found


@breaks("test_the_answer_about_another_shipment_is_not_believed")
class FillsInTheReference(SmallPost):
    """A parcel of another customer is told as delivered for ours."""

    def fetch_shipment(self, reference: str, parcel: str) -> Shipment:
        found = self.read(smallpost.WireLabel, smallpost.path(reference)).shipment
        return attrs.evolve(found, reference=reference)


@breaks("test_a_tracking_page_is_https")
class LosesTheParcelForItsTrackingPage(SmallPost):
    def fetch_shipment(self, reference: str, parcel: str) -> Shipment:
        found = self.read(smallpost.WireLabel, smallpost.path(reference))
        return attrs.evolve(found.shipment, tracking_url=found.track or "")


# --- which labels there are ------------------------------------------------------------------------------------------


@breaks("test_a_label_is_found_by_our_id_and_never_one_that_is_alike")
class FindsTheLastLabelOfTheOrder(SmallPost):
    def find_shipment(self, request: LabelRequest) -> Shipment | None:
        found = self.pages({"order": request.order_id})
        return found[-1] if found else None


@breaks("test_a_label_is_found_by_our_id_and_never_one_that_is_alike")
class DoesNotSayWhichLabelItFound(SmallPost):
    """It is found, and the core cannot believe it: a person has to look."""

    def find_shipment(self, request: LabelRequest) -> Shipment | None:
        found = super().find_shipment(request)
        return None if found is None else attrs.evolve(found, label_id="")


@breaks("test_a_label_is_found_by_our_id_and_never_one_that_is_alike")
class FindsWhatBeginsAlike(SmallPost):
    def find_shipment(self, request: LabelRequest) -> Shipment | None:
        found = self.pages({"order": request.order_id})
        return next((one for one in found if one.label_id.startswith(request.label_id)), None)


@breaks("test_all_shipments_of_an_order_are_listed_and_none_of_another")
class ListsOrdersWhoseNumberIsAlike(SmallPost):
    def list_shipments(self, order_id: str, since: datetime.datetime) -> Sequence[Shipment]:
        return [one for one in self.pages({}) if one.order_id.startswith(order_id)]


@breaks("test_all_shipments_of_an_order_are_listed_and_none_of_another")
class ListsNoCancelledLabels(SmallPost):
    """A label that is being cancelled can be scanned yet, and nobody knows whose it is."""

    def list_shipments(self, order_id: str, since: datetime.datetime) -> Sequence[Shipment]:
        return [one for one in super().list_shipments(order_id, since) if one.told is Told.READY]


@breaks("test_a_list_has_all_of_its_pages")
class ReadsTheFirstPage(SmallPost):
    def pages(self, query: dict[str, str]) -> list[Shipment]:
        return [label.shipment for label in self.read(smallpost.WirePage, "labels", query).labels]


@breaks("test_a_list_that_leads_to_itself_ends")
class ReadsPagesForEver(SmallPost):
    def pages(self, query: dict[str, str]) -> list[Shipment]:
        found: list[Shipment] = []
        asked = query
        while True:
            page = self.read(smallpost.WirePage, "labels", asked)
            found += [label.shipment for label in page.labels]
            if page.next is None:
                return found
            asked = query | {"page": page.next}


@breaks("test_what_a_customer_made_in_the_portal_is_listed")
class ListsOnlyWhatHasOurId(PortalPost):
    def list_shipments(self, order_id: str, since: datetime.datetime) -> Sequence[Shipment]:
        return [one for one in super().list_shipments(order_id, since) if one.label_id]


@breaks("test_what_is_not_a_list_is_not_an_empty_one")
class TakesEvery404ForNothing(SmallPost):
    """A gateway that does not find the carrier buys a second label."""

    def list_shipments(self, order_id: str, since: datetime.datetime) -> Sequence[Shipment]:
        if self.get("labels", {"order": order_id}).status == 404:
            return []
        return super().list_shipments(order_id, since)


@breaks("test_a_list_whose_answer_lacks_a_part_is_not_an_empty_one")
class TakesAMissingListForAnEmptyOne(SmallPost):
    def pages(self, query: dict[str, str]) -> list[Shipment]:
        body = smallpost.accepted(self.get("labels", query)).json()
        labels = (body.get("labels") or []) if isinstance(body, dict) else []
        return [read_wire(smallpost.WireLabel, label).shipment for label in labels]


# --- taking back -----------------------------------------------------------------------------------------------------


@breaks(
    "test_a_label_is_cancelled_before_it_is_used",
    "test_a_label_is_cancelled_once",
)
class TellsACancellationAsDone(SmallPost):
    def cancel_label(self, reference: str, parcel: str) -> Shipment:
        return attrs.evolve(super().cancel_label(reference, parcel), told=Told.CANCELLED)


@breaks("test_a_label_is_cancelled_before_it_is_used")
class DoesNotAskForIt(SmallPost):
    def cancel_label(self, reference: str, parcel: str) -> Shipment:
        return attrs.evolve(super().fetch_shipment(reference, parcel), told=Told.CANCELLING)


@breaks("test_a_label_is_cancelled_once")
class TakesACancelledLabelForTooLate(SmallPost):
    def cancel_label(self, reference: str, parcel: str) -> Shipment:
        if self.fetch_shipment(reference, parcel).told in (Told.CANCELLING, Told.CANCELLED):
            raise ProviderError(ErrorCode.NOT_CANCELLABLE, "it is cancelled already")
        return super().cancel_label(reference, parcel)


@breaks("test_a_label_that_was_used_is_not_cancelled")
class CallsAUsedLabelCancelled(SmallPost):
    """The customer is told to throw it away, and his parcel is on its way."""

    def cancel_label(self, reference: str, parcel: str) -> Shipment:
        try:
            return super().cancel_label(reference, parcel)
        except ProviderError as error:
            if error.code is not ErrorCode.NOT_CANCELLABLE:
                raise
            return attrs.evolve(self.fetch_shipment(reference, parcel), told=Told.CANCELLED)


@breaks("test_a_label_that_is_used_while_it_is_cancelled_was_used")
class RemembersWhatWasCancelled(SmallPost):
    cancelled: ClassVar[set[tuple[str, str]]] = set()

    def cancel_label(self, reference: str, parcel: str) -> Shipment:
        now = super().cancel_label(reference, parcel)
        self.cancelled.add((self.settings.api_url, reference))
        return now

    def fetch_shipment(self, reference: str, parcel: str) -> Shipment:
        found = super().fetch_shipment(reference, parcel)
        if (self.settings.api_url, reference) in self.cancelled and found.told is Told.READY:
            return attrs.evolve(found, told=Told.CANCELLING)
        return found


# --- the portal ------------------------------------------------------------------------------------------------------


@breaks("test_a_portal_of_another_kind_of_address_is_not_shown")
class ShowsAnyAddress(PortalPost):
    def portal_url(self, order: Order) -> ShippingOption | None:
        return self.portal(self.read(WirePortal, "portal").url)


@breaks("test_the_portal_is_a_page_that_customers_can_open")
class WritesAnOpenAddress(PortalPost):
    def portal_url(self, order: Order) -> ShippingOption | None:
        return self.portal(f"http://smallpost.example/returns?order={order.id}")


@breaks("test_an_order_that_was_never_sent_is_no_accident")
class TakesADeliveryForGranted(PortalPost):
    def portal_url(self, order: Order) -> ShippingOption | None:
        delivery: Any = order.delivery
        return self.portal(f"https://smallpost.example/returns?parcel={delivery.number}")


# --- webhooks --------------------------------------------------------------------------------------------------------


class ReadsWebhooks(SmallPost):
    """What is read of a webhook once it was checked, or was not."""

    def said(self, webhook: RawWebhook) -> ShipmentEvents:
        try:
            body = json.loads(webhook.body)
            return ShipmentEvents(events=[self.event(body, read_wire(smallpost.WireLabel, body).shipment)])
        except (ProviderError, ValueError, AttributeError, TypeError, RecursionError) as error:
            raise WebhookUnreadable("signed, but not readable") from error

    def event(self, body: Any, shipment: Shipment) -> ShipmentEvent:
        return ShipmentEvent(event_id=body["event"], shipment=shipment)

    def parse_webhook(self, webhook: RawWebhook) -> ShipmentEvents:
        super().parse_webhook(webhook)
        return self.said(webhook)

    def signature(self, webhook: RawWebhook) -> str:
        key = self.settings.webhook_key
        return hmac_sha256(webhook.body, key) if key else ""


@breaks("test_a_forged_webhook_is_rejected", "test_a_webhook_of_another_account_is_rejected")
class BelievesEveryWebhook(ReadsWebhooks):
    def parse_webhook(self, webhook: RawWebhook) -> ShipmentEvents:
        return self.said(webhook)


@breaks("test_a_forged_webhook_is_rejected", "test_a_webhook_whose_signature_is_wrong_by_a_letter_is_rejected")
class LooksOnlyWhetherThereIsASignature(ReadsWebhooks):
    def parse_webhook(self, webhook: RawWebhook) -> ShipmentEvents:
        if len(webhook.headers.get("smallpost-signature", "")) != 64:
            raise WebhookRejected("there is no signature")
        return self.said(webhook)


@breaks("test_a_webhook_whose_signature_is_wrong_by_a_letter_is_rejected")
class ComparesHowTheyBegin(ReadsWebhooks):
    def parse_webhook(self, webhook: RawWebhook) -> ShipmentEvents:
        given = webhook.headers.get("smallpost-signature", "")
        if not hmac.compare_digest(self.signature(webhook)[:8].encode(), given[:8].encode()):
            raise WebhookRejected("the signature is wrong")
        return self.said(webhook)


@breaks("test_a_signature_is_compared_in_a_time_that_tells_nothing")
class ComparesLetterByLetter(ReadsWebhooks):
    def parse_webhook(self, webhook: RawWebhook) -> ShipmentEvents:
        if webhook.headers.get("smallpost-signature", "") != self.signature(webhook):
            raise WebhookRejected("the signature is wrong")
        return self.said(webhook)


@breaks("test_a_webhook_without_a_secret_names_the_setting")
class TakesAnEmptySecret(ReadsWebhooks):
    """Anybody can sign with nothing."""

    def parse_webhook(self, webhook: RawWebhook) -> ShipmentEvents:
        key = self.settings.webhook_key.reveal().encode() if self.settings.webhook_key else b""
        right = hmac.new(key, webhook.body, "sha256").hexdigest()
        if not hmac.compare_digest(right.encode(), webhook.headers.get("smallpost-signature", "").encode()):
            raise WebhookRejected("the signature is wrong")
        return self.said(webhook)


@breaks("test_a_webhook_without_a_secret_names_the_setting")
class SaysNothingOfTheSetting(SmallPost):
    def parse_webhook(self, webhook: RawWebhook) -> ShipmentEvents:
        try:
            return super().parse_webhook(webhook)
        except WebhookRejected:
            raise WebhookRejected("no") from None


@attrs.frozen(kw_only=True)
class SeveralKeys(smallpost.Settings):
    webhook_keys: tuple[Secret, ...] = ()


@breaks("test_each_of_several_secrets_counts")
class TakesTheFirstOfSeveralSecrets(ReadsWebhooks):
    """While the merchant replaces a secret, he hears of no parcel."""

    settings_type = SeveralKeys

    def parse_webhook(self, webhook: RawWebhook) -> ShipmentEvents:
        keys = self.settings.webhook_keys or (self.settings.webhook_key,)
        given = webhook.headers.get("smallpost-signature", "")
        check_signed(webhook.body, [given], keys[:1], setting="webhook_key or webhook_keys")
        return self.said(webhook)


@breaks("test_the_same_webhook_twice_is_the_same_event")
class CountsEachWebhookAnew(ReadsWebhooks):
    def event(self, body: Any, shipment: Shipment) -> ShipmentEvent:
        return ShipmentEvent(event_id=str(uuid.uuid4()), shipment=shipment)


@breaks("test_the_same_webhook_twice_is_the_same_event")
class NamesEventsByTheirLabel(ReadsWebhooks):
    """The first thing that is told of a label is the only one."""

    def event(self, body: Any, shipment: Shipment) -> ShipmentEvent:
        return ShipmentEvent(event_id=shipment.reference, shipment=shipment)


@breaks("test_a_genuine_webhook_is_about_its_parcel")
class TellsWebhooksAtTheTimeOfTheLabel(ReadsWebhooks):
    def event(self, body: Any, shipment: Shipment) -> ShipmentEvent:
        return super().event(body, attrs.evolve(shipment, changed_at=shipment.made_at))


@breaks("test_a_genuine_webhook_is_about_its_parcel")
class LeadsToTheFirstLabel(ReadsWebhooks):
    def event(self, body: Any, shipment: Shipment) -> ShipmentEvent:
        return super().event(
            body, attrs.evolve(shipment, reference="la_99999999", parcel="", label_id="", tracking_number="")
        )


@breaks("test_a_forged_webhook_is_rejected")
class TellsAForgedWebhookAsUnreadable(SmallPost):
    """Whoever knows the address fills the list of what staff must look at."""

    def parse_webhook(self, webhook: RawWebhook) -> ShipmentEvents:
        try:
            return super().parse_webhook(webhook)
        except WebhookRejected as error:
            raise WebhookUnreadable(str(error)) from error


@breaks("test_a_webhook_that_cannot_be_read_is_rejected_and_no_accident")
class RejectsWhatItCannotRead(SmallPost):
    """What next year's event says of a parcel is on no list."""

    def parse_webhook(self, webhook: RawWebhook) -> ShipmentEvents:
        try:
            return super().parse_webhook(webhook)
        except WebhookUnreadable:
            raise WebhookRejected("signed, but no more") from None


@breaks("test_a_webhook_that_cannot_be_read_is_rejected_and_no_accident")
class FallsOverWhatItCannotRead(SmallPost):
    """The carrier sends it again, and again it falls."""

    def parse_webhook(self, webhook: RawWebhook) -> ShipmentEvents:
        try:
            return super().parse_webhook(webhook)
        except WebhookRejected as error:
            if "not readable" in str(error):
                raise KeyError("event") from None
            raise


@breaks("test_a_webhook_with_a_word_that_nobody_knows_is_unknown")
class TakesAnyWordForDelivered(ReadsWebhooks):
    def event(self, body: Any, shipment: Shipment) -> ShipmentEvent:
        unknown = shipment.progress is ParcelState.UNKNOWN
        return super().event(body, attrs.evolve(shipment, progress=ParcelState.DELIVERED) if unknown else shipment)


@breaks("test_a_signed_webhook_that_lacks_a_field_is_never_guessed")
class ReadsAMissingWordAsLost(ReadsWebhooks):
    def parse_webhook(self, webhook: RawWebhook) -> ShipmentEvents:
        try:
            return super().parse_webhook(webhook)
        except WebhookRejected as error:
            if "not readable" not in str(error):
                raise
            lost = Shipment(told=Told.READY, reference="la_00000001", progress=ParcelState.LOST)
            return ShipmentEvents(events=[ShipmentEvent(event_id="lost", shipment=lost)])


@breaks("test_a_webhook_moves_nothing")
class AsksBackForEachWebhook(SmallPost):
    def parse_webhook(self, webhook: RawWebhook) -> ShipmentEvents:
        told = super().parse_webhook(webhook)
        for event in told.events:
            self.fetch_shipment(event.shipment.reference, event.shipment.parcel)
        return told


# --- secrets, and where customers live -------------------------------------------------------------------------------


@breaks("test_no_secret_is_told", "test_where_a_customer_lives_is_told_nowhere")
class LogsWhatItSends(SmallPost):
    def create_label(self, request: LabelRequest) -> Shipment:
        logging.getLogger("smallpost").debug("%s %s", self.headers, smallpost.label_body(request))
        return super().create_label(request)


@breaks("test_where_a_customer_lives_is_told_nowhere")
class QuotesTheAnswer(SmallPost):
    def create_label(self, request: LabelRequest) -> Shipment:
        answer = self.http.write(
            "POST", f"{self.settings.api_url}/labels", headers=self.headers, json_body=smallpost.label_body(request)
        )
        try:
            return made_of(answer)
        except ProviderError as error:
            raise ProviderError(error.code, answer.body.decode(), disposition=error.disposition) from None


@breaks("test_no_secret_is_in_an_address")
class WritesTheKeyIntoTheAddress(SmallPost):
    def check_settings(self) -> None:
        self.get("account", {"key": self.settings.api_key.reveal()})


@breaks("test_no_secret_is_among_the_variables_of_an_error")
class KeepsTheKeyInAVariable(SmallPost):
    def create_label(self, request: LabelRequest) -> Shipment:
        key = self.settings.api_key.reveal()
        assert key
        return super().create_label(request)


@breaks("test_no_secret_is_shown_by_the_settings_or_the_provider")
class PrintsItsKey(SmallPost):
    def __repr__(self) -> str:
        return f"<SmallPost {self.settings.api_key.reveal()}>"


# --- two shops, and threads ------------------------------------------------------------------------------------------


@breaks("test_two_accounts_make_their_own_labels")
class KeepsTheFirstAccount(SmallPost):
    """One shop pays for the labels of the other."""

    first: ClassVar[list[Any]] = []

    def __init__(self, settings: Any, http: Any) -> None:
        self.first.append(settings)
        super().__init__(self.first[0], http)


@breaks("test_threads_make_their_own_labels")
class KeepsTheRequestForAMoment(SmallPost):
    """A customer gets the label of another one."""

    current: Any = None

    def create_label(self, request: LabelRequest) -> Shipment:
        self.current = request
        time.sleep(0.02)
        return super().create_label(self.current)


@breaks("test_nothing_is_changed_for_the_rest_of_the_process")
class ReadsItsKeyFromTheEnvironment(SmallPost):
    def __init__(self, settings: Any, http: Any) -> None:
        os.environ.get("SMALLPOST_KEY")
        super().__init__(settings, http)
