"""A label from the first question to its end, at the sandbox."""

from __future__ import annotations

import datetime
import io
import json
from collections.abc import Callable

import attrs
import pypdfium2
import pytest
import zxingcpp
from PIL import Image

from retour.providers import (
    Address,
    Charged,
    Disposition,
    ErrorCode,
    LabelDocument,
    LabelForm,
    LabelRequest,
    Money,
    Parcel,
    ParcelState,
    ProviderError,
    ProviderSession,
    SentItem,
    Shipment,
    Told,
)
from retour.sandbox import SandboxRequest, SandboxResponse
from retour_sendcloud.provider import Sendcloud
from retour_sendcloud.sandbox import SendcloudSandbox
from retour_sendcloud.settings import Settings

RequestFor = Callable[..., LabelRequest]
MINUTE, DAY = datetime.timedelta(minutes=1), datetime.timedelta(days=1)
FREE = Money.zero("EUR")


def refused(call: Callable[[], object]) -> ProviderError:
    with pytest.raises(ProviderError) as caught:
        call()
    return caught.value


def ready(sendcloud: Sendcloud, sandbox: SendcloudSandbox, request: LabelRequest) -> Shipment:
    """A label that its carrier has announced."""
    made = sendcloud.create_label(request)
    sandbox.advance(MINUTE)
    return made


def test_the_keys_are_checked(sendcloud: Sendcloud, provider_with: Callable[..., Sendcloud]) -> None:
    sendcloud.check_settings()
    error = refused(provider_with(public_key="another").check_settings)
    assert (error.code, error.disposition) == (ErrorCode.AUTHENTICATION, Disposition.FIX)


# --- options ---------------------------------------------------------------------------------------------


def test_the_options_are_those_for_returns_the_cheapest_first(sendcloud: Sendcloud, request_for: RequestFor) -> None:
    request = request_for()
    options = sendcloud.options(request.sender, request.recipient, request.parcel)
    assert [(one.code, one.contract, str(one.price)) for one in options] == [
        ("postnl:standard/return", "101", "EUR 5.45"),
        ("postnl:standard/return,labelless", "101", "EUR 5.65"),
        ("dpd:return/return", "203", "EUR 5.95"),
        ("dpd:return/return", "202", "EUR 6.15"),
        ("dhl:return/pickup", "301", "EUR 8.95"),
        ("ups:standard/return", "401", "EUR 14.80"),
    ]
    assert [one.form for one in options[:2]] == [LabelForm.PDF, LabelForm.QR_CODE]
    assert [one.charged for one in options[:3]] == [Charged.WHEN_MADE, Charged.WHEN_SCANNED, Charged.WHEN_MADE]
    assert [one.code for one in options if one.pick_up] == ["dhl:return/pickup"]
    assert options[0].carrier == "postnl"


def test_a_heavier_parcel_has_the_price_of_its_weight(sendcloud: Sendcloud, request_for: RequestFor) -> None:
    request = request_for()
    [option] = [
        one
        for one in sendcloud.options(request.sender, request.recipient, Parcel(weight_grams=10_001))
        if one.code == "postnl:standard/return"
    ]
    assert option.price == Money.of("10.95", "EUR")


def test_where_no_contract_goes_there_are_no_options(sendcloud: Sendcloud, request_for: RequestFor) -> None:
    request = request_for()
    assert sendcloud.options(request.sender, request.recipient, Parcel(weight_grams=900_000)) == []


def test_an_option_whose_contract_is_for_other_countries_makes_no_label(
    sendcloud: Sendcloud, sandbox: SendcloudSandbox, request_for: RequestFor
) -> None:
    request = request_for()
    in_italy = attrs.evolve(request, sender=attrs.evolve(request.sender, country="IT", postal_code="20121"))
    offered = [one.code for one in sendcloud.options(in_italy.sender, in_italy.recipient, in_italy.parcel)]
    assert offered == ["ups:standard/return"]
    error = refused(lambda: sendcloud.create_label(in_italy))
    assert (error.code, error.disposition) == (ErrorCode.NO_CONTRACT, Disposition.FIX)
    assert "not available for the sender's country" in error.message
    assert sandbox.books() == []


# --- before it is bought --------------------------------------------------------------------------------


def test_what_sendcloud_would_refuse_is_told_before_and_nothing_is_made(
    sendcloud: Sendcloud, sandbox: SendcloudSandbox, request_for: RequestFor
) -> None:
    request = request_for()
    sendcloud.validate_label(request)
    wrong = attrs.evolve(request, sender=attrs.evolve(request.sender, postal_code="9999"))
    error = refused(lambda: sendcloud.validate_label(wrong))
    assert (error.code, error.disposition) == (ErrorCode.INVALID_REQUEST, Disposition.FINAL)
    assert "The postal code is not valid for NL." in error.message
    error = refused(lambda: sendcloud.validate_label(attrs.evolve(request, contract="999")))
    assert (error.code, error.disposition) == (ErrorCode.NO_CONTRACT, Disposition.FIX)
    assert sandbox.books() == []
    sendcloud.create_label(request)  # its reference is unused


@pytest.mark.parametrize("status", [404, 405, 409, 410, 415, 422])
def test_an_account_that_has_no_such_call_says_nothing_of_the_label(
    sendcloud: Sendcloud, sandbox: SendcloudSandbox, request_for: RequestFor, status: int
) -> None:
    body = {"errors": [{"status": str(status), "code": "not_found", "detail": "Not found."}]}
    sandbox.server.handle = lambda request: SandboxResponse(status=status, body=body)
    error = refused(lambda: sendcloud.validate_label(request_for()))
    assert error.disposition is Disposition.RECONCILE


# --- a label ---------------------------------------------------------------------------------------------


def test_a_label_is_announced_later_and_costs_what_its_option_said(
    sendcloud: Sendcloud, sandbox: SendcloudSandbox, request_for: RequestFor
) -> None:
    made = sendcloud.create_label(request_for())
    assert (made.told, made.progress) == (Told.ANNOUNCING, ParcelState.NOT_SENT)
    assert len({made.reference, made.parcel, ""}) == 3
    assert sandbox.books()[0].charged == FREE
    before = sendcloud.fetch_shipment(made.reference, made.parcel)
    assert (before.told, before.tracking_number, before.cost) == (Told.ANNOUNCING, "", None)

    sandbox.advance(MINUTE)
    now = sendcloud.fetch_shipment(made.reference, made.parcel)
    assert (now.told, now.progress, now.provider_status) == (Told.READY, ParcelState.NOT_SENT, "ready-to-send")
    assert (now.order_id, now.parcel, now.carrier) == ("1001", made.parcel, "postnl")
    assert now.tracking_number
    assert now.tracking_url.startswith("https://")
    assert now.cost == Money.of("5.45", "EUR") == sandbox.books()[0].charged
    assert now.cancellable is True
    assert now.made_at == sandbox.clock.now() - MINUTE
    assert now.items == (SentItem(quantity=1, sku="teapot", description="Teapot", reason="11"),)


def test_what_is_read_of_a_return_has_neither_its_number_nor_our_id(
    sendcloud: Sendcloud, sandbox: SendcloudSandbox, request_for: RequestFor
) -> None:
    made = ready(sendcloud, sandbox, request_for())
    now = sendcloud.fetch_shipment(made.reference, made.parcel)
    assert (now.reference, now.label_id) == ("", "")


def test_a_label_is_bought_once_however_often_it_is_asked_for(
    sendcloud: Sendcloud, sandbox: SendcloudSandbox, request_for: RequestFor
) -> None:
    sendcloud.create_label(request_for())
    for _ in range(3):
        error = refused(lambda: sendcloud.create_label(request_for()))
        assert (error.code, error.disposition) == (ErrorCode.ALREADY_MADE, Disposition.RECONCILE)
    sandbox.advance(DAY)
    error = refused(lambda: sendcloud.create_label(attrs.evolve(request_for(), instead_of_refused=True)))
    assert error.code is ErrorCode.ALREADY_MADE
    assert [one.charged for one in sandbox.books()] == [Money.of("5.45", "EUR")]


def test_the_same_request_is_the_same_bytes(
    sendcloud: Sendcloud, sandbox: SendcloudSandbox, request_for: RequestFor
) -> None:
    sendcloud.create_label(request_for())
    refused(lambda: sendcloud.create_label(request_for()))
    first, second = sandbox.server.requests
    assert (first.path, first.body) == (second.path, second.body)


def test_a_label_that_is_charged_at_its_first_scan_costs_nothing_before(
    sendcloud: Sendcloud, sandbox: SendcloudSandbox, request_for: RequestFor
) -> None:
    made = ready(sendcloud, sandbox, request_for(option="dpd:return/return", contract="202"))
    assert sandbox.books()[0].charged == FREE
    sandbox.scan(made.reference)
    sandbox.deliver(made.reference)
    assert sandbox.books()[0].charged == Money.of("6.15", "EUR")


# --- documents -------------------------------------------------------------------------------------------


def pages_of(document: LabelDocument) -> tuple[str, Image.Image]:
    """The text of a PDF's one page, and what it looks like."""
    pdf = pypdfium2.PdfDocument(document.content)
    try:
        [page] = list(pdf)
        words = page.get_textpage()
        try:
            return words.get_text_bounded(), page.render(scale=3).to_pil()
        finally:
            words.close()
            page.close()
    finally:
        pdf.close()


def test_a_label_opens_names_both_addresses_and_its_bar_code_can_be_read(
    sendcloud: Sendcloud, sandbox: SendcloudSandbox, request_for: RequestFor
) -> None:
    made = ready(sendcloud, sandbox, request_for())
    label = sendcloud.fetch_label(made.reference, made.parcel, LabelForm.PDF)
    assert (label.form, label.media_type, label.once) == (LabelForm.PDF, "application/pdf", False)
    words, page = pages_of(label)
    for line in ("Damrak 70", "1012 LM", "Keizersgracht 1", "1015 CJ", "Order 1001", request_for().label_id):
        assert line in words
    tracking_number = sendcloud.fetch_shipment(made.reference, made.parcel).tracking_number
    assert [code.text for code in zxingcpp.read_barcodes(page)] == [tracking_number]


def test_letters_that_a_label_cannot_have_lose_their_accents(
    sendcloud: Sendcloud, sandbox: SendcloudSandbox, request_for: RequestFor
) -> None:
    sender = attrs.evolve(request_for().sender, name="Zoë Škvorecký", city="Reykjavík \U0001f600")
    made = ready(sendcloud, sandbox, request_for(sender=sender))
    words, _ = pages_of(sendcloud.fetch_label(made.reference, made.parcel, LabelForm.PDF))
    assert "Zoë Škvorecký" in words.replace("\x00", "")
    assert "Reykjavík ?" in words


def test_without_a_label_the_customer_gets_a_code_that_can_be_read(
    sendcloud: Sendcloud, sandbox: SendcloudSandbox, request_for: RequestFor
) -> None:
    made = ready(sendcloud, sandbox, request_for(option="postnl:standard/return,labelless", form=LabelForm.QR_CODE))
    code = sendcloud.fetch_label(made.reference, made.parcel, LabelForm.QR_CODE)
    assert (code.form, code.media_type) == (LabelForm.QR_CODE, "image/png")
    tracking_number = sendcloud.fetch_shipment(made.reference, made.parcel).tracking_number
    assert [found.text for found in zxingcpp.read_barcodes(image_of(code.content))] == [tracking_number]
    _, page = pages_of(sendcloud.fetch_label(made.reference, made.parcel, LabelForm.PDF))
    assert [found.text for found in zxingcpp.read_barcodes(page)] == [tracking_number]


def image_of(content: bytes) -> Image.Image:
    return Image.open(io.BytesIO(content)).convert("L")


def test_before_the_announcement_there_is_no_label_yet(sendcloud: Sendcloud, request_for: RequestFor) -> None:
    made = sendcloud.create_label(request_for())
    for parcel in (made.parcel, ""):
        error = refused(lambda parcel=parcel: sendcloud.fetch_label(made.reference, parcel, LabelForm.PDF))
        assert (error.code, error.disposition) == (ErrorCode.LABEL_NOT_READY, Disposition.RETRY)


def test_the_parcel_of_a_label_is_looked_up_where_it_is_not_known(
    sendcloud: Sendcloud, sandbox: SendcloudSandbox, request_for: RequestFor
) -> None:
    made = ready(sendcloud, sandbox, request_for())
    found = sendcloud.fetch_label(made.reference, "", LabelForm.PDF)
    assert found == sendcloud.fetch_label(made.reference, made.parcel, LabelForm.PDF)


def test_what_is_handed_in_at_the_shop_has_no_document(
    sendcloud: Sendcloud, sandbox: SendcloudSandbox, request_for: RequestFor
) -> None:
    made = ready(sendcloud, sandbox, request_for(form=LabelForm.NONE))
    assert refused(lambda: sendcloud.fetch_label(made.reference, made.parcel, LabelForm.NONE)).code is (
        ErrorCode.INVALID_REQUEST
    )
    assert refused(lambda: sendcloud.fetch_label(made.reference, made.parcel, LabelForm.PDF)).code is (
        ErrorCode.LABEL_NOT_READY
    )


def test_a_label_for_label_printers_only_is_told_and_not_handed_to_a_customer(
    sendcloud: Sendcloud, sandbox: SendcloudSandbox, request_for: RequestFor
) -> None:
    made = ready(sendcloud, sandbox, request_for())
    handle = sandbox.server.handle
    sandbox.server.handle = lambda request: attrs.evolve(
        handle(request), body=b"^XA^FDlabel^XZ", content_type="application/zpl"
    )
    error = refused(lambda: sendcloud.fetch_label(made.reference, made.parcel, LabelForm.PDF))
    assert error.code is ErrorCode.UNREADABLE_ANSWER
    assert "ZPL" in error.message


# --- refusals --------------------------------------------------------------------------------------------


def elsewhere(address: Address, **changes: str) -> Address:
    return attrs.evolve(address, **changes)


def test_a_refusal_behind_a_201_is_read_with_the_carriers_words(
    sendcloud: Sendcloud, sandbox: SendcloudSandbox, request_for: RequestFor
) -> None:
    sandbox.refuse("Parcel too large for this service")
    made = ready(sendcloud, sandbox, request_for())
    assert made.told is Told.ANNOUNCING
    now = sendcloud.fetch_shipment(made.reference, made.parcel)
    assert (now.told, now.provider_status) == (Told.REFUSED, "announcement-failed")
    assert now.because == "Parcel too large for this service"
    assert sandbox.books()[0].charged == FREE


def test_where_an_announcement_failed_without_a_word_the_next_label_is_waited_for_and_says_why(
    sendcloud: Sendcloud, sandbox: SendcloudSandbox, request_for: RequestFor
) -> None:
    sandbox.errors_are_told = False
    request = request_for(sender=elsewhere(request_for().sender, house_number=""))
    made = ready(sendcloud, sandbox, request)
    assert sendcloud.fetch_shipment(made.reference, made.parcel).because == "Announcement failed"

    error = refused(lambda: sendcloud.create_label(attrs.evolve(request, label_id="lb2", instead_of_refused=True)))
    assert (error.code, error.disposition) == (ErrorCode.CARRIER_REFUSED, Disposition.FINAL)
    assert error.message == "Shipper address: house number is missing"

    repaired = request_for(3, instead_of_refused=True)
    again = sendcloud.create_label(repaired)
    assert sendcloud.fetch_shipment(again.reference, again.parcel).told is Told.READY
    assert [one.charged for one in sandbox.books()] == [FREE, Money.of("5.45", "EUR")]


@pytest.mark.parametrize(
    "changes, code, disposition, said",
    [
        ({"option": "bpost:none"}, ErrorCode.INVALID_REQUEST, Disposition.FINAL, "bpost:none is not available"),
        ({"contract": "999"}, ErrorCode.NO_CONTRACT, Disposition.FIX, "Invalid contract."),
        (
            {"option": "dpd:return/return", "contract": ""},
            ErrorCode.NO_CONTRACT,
            Disposition.FIX,
            "several contracts with this carrier",
        ),
        ({"parcel": Parcel(weight_grams=40_000)}, ErrorCode.INVALID_REQUEST, Disposition.FINAL, "weight: "),
        ({"contract": "one"}, ErrorCode.INVALID_REQUEST, Disposition.FINAL, "a contract of Sendcloud is a number"),
    ],
)
def test_a_refusal_says_what_was_wrong_and_buys_nothing(
    sendcloud: Sendcloud,
    sandbox: SendcloudSandbox,
    request_for: RequestFor,
    changes: dict[str, object],
    code: ErrorCode,
    disposition: Disposition,
    said: str,
) -> None:
    error = refused(lambda: sendcloud.create_label(request_for(**changes)))
    assert (error.code, error.disposition) == (code, disposition)
    assert said in error.message
    assert sandbox.books() == []


def test_an_address_that_is_refused_is_named_by_its_field(
    sendcloud: Sendcloud, sandbox: SendcloudSandbox, request_for: RequestFor
) -> None:
    request = request_for(sender=elsewhere(request_for().sender, postal_code="1012"))
    error = refused(lambda: sendcloud.create_label(request))
    assert (error.code, error.provider_code) == (ErrorCode.INVALID_REQUEST, "invalid postal_code")
    assert error.message == "from_address.postal_code: The postal code is not valid for NL."
    assert sandbox.books() == []


def test_an_address_without_a_postal_code_is_refused_before_anything_is_sent(
    sendcloud: Sendcloud, sandbox: SendcloudSandbox, request_for: RequestFor
) -> None:
    request = request_for(sender=elsewhere(request_for().sender, country="IE", postal_code=""))
    assert refused(lambda: sendcloud.create_label(request)).code is ErrorCode.INVALID_REQUEST
    assert sandbox.server.requests == []


def test_a_return_from_outside_the_union_has_what_customs_ask_for(
    sendcloud: Sendcloud, sandbox: SendcloudSandbox, request_for: RequestFor
) -> None:
    london = elsewhere(request_for().sender, country="GB", city="London", postal_code="SW1A 1AA")
    from_london = request_for(sender=london, option="ups:standard/return", contract="401")
    assert sendcloud.create_label(from_london).told is Told.ANNOUNCING
    without = attrs.evolve(from_london, label_id="lb2", parcel=Parcel(weight_grams=900))
    error = refused(lambda: sendcloud.create_label(without))
    assert error.message == "parcel_items: This field is required for international returns."


def test_without_keys_each_call_names_the_settings_that_are_missing(request_for: RequestFor) -> None:
    nobody, request = Sendcloud(Settings(brand="my-shop"), ProviderSession()), request_for()
    calls: list[Callable[[], object]] = [
        lambda: nobody.options(request.sender, request.recipient, request.parcel),
        lambda: nobody.create_label(request),
        lambda: nobody.fetch_label("1", "2", LabelForm.PDF),
        lambda: nobody.fetch_shipment("1", "2"),
        lambda: nobody.list_shipments("1001", datetime.datetime.now(datetime.UTC)),
        lambda: nobody.cancel_label("1", "2"),
    ]
    for call in calls:
        error = refused(call)
        assert (error.code, error.disposition) == (ErrorCode.CONFIGURATION, Disposition.FIX)
        assert "public_key and secret_key" in error.message


@pytest.mark.parametrize("reference", ["", "abc", "1/../2", "٣", "9" * 40])
def test_what_is_no_number_of_sendcloud_is_never_asked_for(
    sendcloud: Sendcloud, sandbox: SendcloudSandbox, reference: str
) -> None:
    for call in (sendcloud.fetch_shipment, sendcloud.cancel_label):
        assert refused(lambda call=call: call(reference, "")).code is ErrorCode.UNKNOWN_SHIPMENT
    assert sandbox.server.requests == []


def test_a_return_that_is_not_there_is_unknown(sendcloud: Sendcloud) -> None:
    for call in (sendcloud.fetch_shipment, sendcloud.cancel_label):
        assert refused(lambda call=call: call("7", "")).code is ErrorCode.UNKNOWN_SHIPMENT


# --- cancelling ------------------------------------------------------------------------------------------


def test_a_label_is_cancelled_later_and_costs_nothing_then(
    sendcloud: Sendcloud, sandbox: SendcloudSandbox, request_for: RequestFor
) -> None:
    made = ready(sendcloud, sandbox, request_for())
    asked = sendcloud.cancel_label(made.reference, made.parcel)
    assert (asked.told, asked.cancellable) == (Told.CANCELLING, False)
    sandbox.advance(DAY)
    now = sendcloud.fetch_shipment(made.reference, made.parcel)
    assert (now.told, now.progress) == (Told.CANCELLED, ParcelState.CANCELLED)
    assert sandbox.books()[0].charged == FREE


def test_cancelling_twice_is_cancelling_once(
    sendcloud: Sendcloud, sandbox: SendcloudSandbox, request_for: RequestFor
) -> None:
    made = ready(sendcloud, sandbox, request_for())
    assert sendcloud.cancel_label(made.reference, "") == sendcloud.cancel_label(made.reference, "")
    sandbox.advance(DAY)
    assert sendcloud.cancel_label(made.reference, "").told is Told.CANCELLED


def test_a_label_that_is_scanned_while_it_is_being_cancelled_is_not_cancelled(
    sendcloud: Sendcloud, sandbox: SendcloudSandbox, request_for: RequestFor
) -> None:
    made = ready(sendcloud, sandbox, request_for())
    sendcloud.cancel_label(made.reference, made.parcel)
    sandbox.scan(made.reference)
    sandbox.advance(DAY)
    now = sendcloud.fetch_shipment(made.reference, made.parcel)
    assert (now.told, now.progress) == (Told.READY, ParcelState.ON_ITS_WAY)
    assert sandbox.books()[0].charged == Money.of("5.45", "EUR")


def test_a_label_that_was_used_cannot_be_cancelled(
    sendcloud: Sendcloud, sandbox: SendcloudSandbox, request_for: RequestFor
) -> None:
    made = ready(sendcloud, sandbox, request_for())
    sandbox.scan(made.reference)
    error = refused(lambda: sendcloud.cancel_label(made.reference, made.parcel))
    assert (error.code, error.disposition) == (ErrorCode.NOT_CANCELLABLE, Disposition.FINAL)
    assert error.message == "returns: Return is not cancellable."


def test_a_cancellation_that_was_accepted_and_is_not_in_the_history_yet_is_being_cancelled(
    sendcloud: Sendcloud, sandbox: SendcloudSandbox, request_for: RequestFor
) -> None:
    made = ready(sendcloud, sandbox, request_for())
    handle = sandbox.server.handle

    def slow(request: SandboxRequest) -> SandboxResponse:
        response = handle(request)
        body = response.body
        if isinstance(body, dict) and "status_history" in body:
            body["status_history"] = [one for one in body["status_history"] if one["parent_status"] != "cancelling"]
        return response

    sandbox.server.handle = slow
    assert sendcloud.cancel_label(made.reference, made.parcel).told is Told.CANCELLING


# --- where the parcel is ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "move, progress, because",
    [
        (SendcloudSandbox.scan, ParcelState.ON_ITS_WAY, ""),
        (SendcloudSandbox.deliver, ParcelState.DELIVERED, ""),
        (SendcloudSandbox.lose, ParcelState.PROBLEM, "The parcel is lost"),
        (SendcloudSandbox.send_back, ParcelState.RETURNED_TO_SENDER, ""),
    ],
)
def test_what_the_carrier_says_of_the_parcel_is_read(
    sendcloud: Sendcloud,
    sandbox: SendcloudSandbox,
    request_for: RequestFor,
    move: Callable[[SendcloudSandbox, str], None],
    progress: ParcelState,
    because: str,
) -> None:
    made = ready(sendcloud, sandbox, request_for())
    move(sandbox, made.reference)
    now = sendcloud.fetch_shipment(made.reference, made.parcel)
    assert (now.told, now.progress, now.because) == (Told.READY, progress, because)
    assert now.changed_at == sandbox.clock.now()
    assert sandbox.books()[0].progress is progress


def test_a_word_that_nobody_knows_is_kept_and_not_guessed(
    sendcloud: Sendcloud, sandbox: SendcloudSandbox, request_for: RequestFor
) -> None:
    made = ready(sendcloud, sandbox, request_for())
    sandbox.move(made.reference, "delivered-by-drone")
    now = sendcloud.fetch_shipment(made.reference, made.parcel)
    assert (now.told, now.progress) == (Told.READY, ParcelState.UNKNOWN)
    assert now.provider_status == "delivered-by-drone"


def test_where_only_its_parcel_is_known_that_is_read(
    sendcloud: Sendcloud, sandbox: SendcloudSandbox, request_for: RequestFor
) -> None:
    made = ready(sendcloud, sandbox, request_for())
    sandbox.scan(made.reference)
    now = sendcloud.fetch_shipment("", made.parcel)
    assert (now.told, now.progress, now.provider_status) == (Told.READY, ParcelState.ON_ITS_WAY, "picked-up-by-driver")
    assert (now.reference, now.parcel, now.order_id) == ("", made.parcel, "1001")
    assert now.tracking_number == sendcloud.fetch_shipment(made.reference, "").tracking_number
    sandbox.move(made.reference, "delivered-by-drone")
    assert sendcloud.fetch_shipment("", made.parcel).provider_status == "delivered-by-drone"


def test_a_parcel_to_a_customer_is_no_return(sendcloud: Sendcloud, sandbox: SendcloudSandbox) -> None:
    sandbox.send("1001", postal_code="1012 LM")
    [said] = [json.loads(webhook.body) for webhook in sandbox.take_webhooks()]
    assert refused(lambda: sendcloud.fetch_shipment("", str(said["parcel"]["id"]))).code is ErrorCode.UNKNOWN_SHIPMENT
    assert refused(lambda: sendcloud.fetch_shipment("", "7")).code is ErrorCode.UNKNOWN_SHIPMENT


# --- the returns of an order -----------------------------------------------------------------------------


def test_all_returns_of_an_order_are_listed_on_all_pages_whoever_made_them(
    sendcloud: Sendcloud, sandbox: SendcloudSandbox, request_for: RequestFor
) -> None:
    began = sandbox.clock.now()
    sandbox.send("1001", postal_code="1012 LM")
    for number in range(45):
        sendcloud.create_label(request_for(number, order_id="1002" if number % 3 else "1001"))
    sandbox.return_in_portal("1001", {"teapot": 2}, reason="11")
    sandbox.return_in_panel("1001")
    sandbox.advance(MINUTE)
    found = sendcloud.list_shipments("1001", began)
    assert len(found) == 17
    assert {one.order_id for one in found} == {"1001"}
    assert {one.reference for one in found} == {""}
    assert len({one.parcel for one in found} - {""}) == 17
    assert [one.items for one in found if one.items and one.items[0].quantity == 2] == [
        (SentItem(quantity=2, sku="teapot", description="teapot", reason="11"),)
    ]
    assert len([one for one in sandbox.server.requests if one.method == "GET"]) == 2


def test_returns_from_before_are_not_listed(
    sendcloud: Sendcloud, sandbox: SendcloudSandbox, request_for: RequestFor
) -> None:
    sendcloud.create_label(request_for(1))
    sandbox.advance(MINUTE)
    sendcloud.create_label(request_for(2))
    assert len(sendcloud.list_shipments("1001", sandbox.clock.now())) == 1


def test_a_list_that_leads_back_to_where_it_began_is_refused(
    sendcloud: Sendcloud, sandbox: SendcloudSandbox, request_for: RequestFor
) -> None:
    sendcloud.create_label(request_for())
    handle = sandbox.server.handle

    def round_and_round(request: SandboxRequest) -> SandboxResponse:
        response = handle(request)
        assert isinstance(response.body, dict)
        return attrs.evolve(response, body=response.body | {"next": f"{sandbox.url}/api/v3/returns?cursor=cD0x"})

    sandbox.server.handle = round_and_round
    error = refused(lambda: sendcloud.list_shipments("1001", sandbox.clock.now()))
    assert error.code is ErrorCode.UNREADABLE_ANSWER
