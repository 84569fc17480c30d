"""Sendcloud as a shipping provider: return labels by API v3, and the return portal."""

from __future__ import annotations

import datetime
import re
from collections.abc import Mapping, Sequence
from typing import ClassVar, TypeVar
from urllib.parse import quote, urlencode

import attrs

from retour.providers import (
    Address,
    Answer,
    Delivery,
    ErrorCode,
    LabelDocument,
    LabelForm,
    LabelOption,
    LabelRequest,
    Order,
    Parcel,
    ParcelState,
    ProviderError,
    ProviderSession,
    RawWebhook,
    Shipment,
    ShipmentEvents,
    ShippingCapabilities,
    ShippingOption,
    ShippingWay,
    Support,
    TextDomain,
    Told,
    WebhookTrust,
    read_wire,
)
from retour_sendcloud import requests, webhooks, wire
from retour_sendcloud.errors import Call, refusal
from retour_sendcloud.rate_limits import budget_of
from retour_sendcloud.settings import Settings

_T = TypeVar("_T")

text = TextDomain("retour_sendcloud").text

LARGEST_PAGE = 40
"""Returns on one page of a list at most (parameter ``page_size``)."""

MOST_PAGES = 100
"""Pages of a list that are read at most: what is said to be all of an order's returns has to be."""

ZONE_UNKNOWN = datetime.timedelta(days=1)
"""In which zone ``from_date`` and ``to_date`` are is not described: so much more is asked for on both sides."""

_NUMBER = re.compile(r"[0-9]{1,18}")
_UUID = re.compile(r"[0-9A-Za-z-]{1,64}")
_BEGINNINGS = {b"%PDF-": "application/pdf", b"\x89PNG\r\n\x1a\n": "image/png"}
_WANTED: Mapping[LabelForm, tuple[str, dict[str, str], frozenset[str]]] = {
    LabelForm.PDF: ("application/pdf", {"paper_size": "A4"}, frozenset({"application/pdf"})),
    LabelForm.QR_CODE: ("image/png", {"dpi": "300"}, frozenset({"image/png", "application/pdf"})),
}
"""How a document is asked for, and what it can be: a customer prints on A4, and shows a code on his phone."""


class Sendcloud:
    """Return labels of the carriers that an account has at Sendcloud, and its return portal.

    A label is announced to its carrier after it was made: `fetch_shipment` says how that went. Its
    ``external_reference`` is our id of the label, which Sendcloud takes once, for ever; nothing finds a return by it.
    What is read of a return has neither its number nor our reference, and the number of its parcel only once it has a
    label.

    The portal is there in part: without keys, and for an order that Sendcloud does not find, its link is written here,
    in the form that is seen in the wild."""

    name: ClassVar[str] = "sendcloud"
    display_name: ClassVar[str] = "Sendcloud"
    sandbox: ClassVar[str] = "retour_sendcloud.sandbox:SendcloudSandbox"
    api: ClassVar[int] = 2
    settings_type: ClassVar[type[Settings]] = Settings
    capabilities: ClassVar[ShippingCapabilities] = ShippingCapabilities(
        portal=Support.PARTIAL,
        labels=Support.YES,
        options=Support.YES,
        prices=Support.PARTIAL,
        validate_label=Support.YES,
        fetch_label=Support.YES,
        fetch_shipment=Support.YES,
        find_shipment=Support.PROVIDER_CANNOT,
        list_shipments=Support.PARTIAL,
        cancel_label=Support.YES,
        check_settings=Support.YES,
        webhooks=WebhookTrust.SIGNED,
        forms=frozenset(LabelForm),
        refuses_repeats=True,
    )

    def __init__(self, settings: Settings, http: ProviderSession) -> None:
        self.settings = settings
        self.http = http

    def check_settings(self) -> None:
        """Ask whose keys they are (``GET /user/auth/metadata``); a brand alone needs none."""
        if self.settings.keys is None and self.settings.portal:
            return
        self._read(wire.AccountAnswer, "v3/user/auth/metadata")

    # --- labels ------------------------------------------------------------------------------------------

    def options(self, sender: Address, recipient: Address, parcel: Parcel) -> Sequence[LabelOption]:
        """The return options of the account's contracts for a parcel, with what they cost where Sendcloud says so."""
        answer = self._write("POST", "v3/shipping-options", requests.options_body(sender, recipient, parcel))
        found = read_wire(wire.Options, self._accepted(answer).json()).data or ()
        options = [one.option(parcel.weight_grams) for one in found if one.is_for_returns]
        return sorted(options, key=lambda one: (one.price is None, one.price and (one.price.currency, one.price.minor)))

    def validate_label(self, request: LabelRequest) -> None:
        """Ask what Sendcloud would refuse (``POST /returns/validate``, with the body that makes the return). What it
        answers is not read: it repeats what was asked. Of its carrier it knows nothing yet."""
        self._accepted(self._write("POST", "v3/returns/validate", requests.return_body(request)), Call.VALIDATE)

    def create_label(self, request: LabelRequest) -> Shipment:
        """Make a return (``POST /returns``), which its carrier is told of later.

        Where it stands for one whose announcement failed, its carrier is waited for
        (``/returns/announce-synchronously``), which says why in the carrier's words. That buys no second label: the
        first was never announced."""
        waits = request.instead_of_refused
        path, call = ("v3/returns/announce-synchronously", Call.ANNOUNCE) if waits else ("v3/returns", Call.MAKE)
        answer = self._write("POST", path, requests.return_body(request))
        return read_wire(wire.Created, self._accepted(answer, call).json()).shipment

    def fetch_label(self, reference: str, parcel: str, form: LabelForm) -> LabelDocument:
        """The label as a PDF for A4, or the code as an image; a 404 says that there is none yet."""
        if form not in _WANTED:
            raise ProviderError(ErrorCode.INVALID_REQUEST, "a parcel that is handed in at the shop has no document")
        parcel = parcel or self._return(reference).parcel
        if not parcel:
            raise ProviderError(ErrorCode.LABEL_NOT_READY, "the carrier has not announced the label yet")
        accept, query, allowed = _WANTED[form]
        answer = self._get(f"v3/parcels/{_number(parcel, 'parcel')}/documents/label", query, accept=accept)
        if answer.status == 404:
            error = refusal(answer)
            raise ProviderError(
                ErrorCode.LABEL_NOT_READY, error.message, provider_code=error.provider_code, http_status=404
            )
        content = self._accepted(answer).body
        media_type = next((kind for beginning, kind in _BEGINNINGS.items() if content.startswith(beginning)), "")
        if media_type not in allowed:
            raise ProviderError(
                ErrorCode.UNREADABLE_ANSWER,
                f"the label is no {' or '.join(sorted(allowed))}: some carriers give one for label printers only (ZPL)",
            )
        return LabelDocument(form=form, media_type=media_type, content=content)

    def fetch_shipment(self, reference: str, parcel: str) -> Shipment:
        """The return as it is now. Where only its parcel is known that is read, with less in it: API v3 reads a parcel
        by its tracking number alone, so API v2 does (``GET /parcels/{id}``)."""
        if reference or not parcel:
            return self._return(reference).shipment
        found = self._read(wire.ParcelAnswer, f"v2/parcels/{_number(parcel, 'parcel')}").parcel
        if found.is_return is False:
            raise ProviderError(ErrorCode.UNKNOWN_SHIPMENT, f"parcel {parcel} went to a customer: it is no return")
        return found.shipment

    def list_shipments(self, order_id: str, since: datetime.datetime) -> Sequence[Shipment]:
        """The returns of an order, by date: none has its number, and only one with a label that of its parcel."""
        until = datetime.datetime.now(datetime.UTC) + ZONE_UNKNOWN
        query = {"from_date": _date(since - ZONE_UNKNOWN), "to_date": _date(until), "page_size": str(LARGEST_PAGE)}
        found: list[wire.Return] = []
        cursors: set[str] = set()
        for _ in range(MOST_PAGES):
            page = self._read(wire.ReturnPage, "v3/returns", query)
            found += [one for one in page.data if one.order_number == order_id]
            if not page.cursor:
                return [one.shipment for one in found if one.made_at is None or one.made_at >= since]
            if page.cursor in cursors:
                raise ProviderError(ErrorCode.UNREADABLE_ANSWER, "the list of returns leads back to where it began")
            cursors.add(page.cursor)
            query["cursor"] = page.cursor
        raise ProviderError(
            ErrorCode.UNREADABLE_ANSWER, f"there are more than {MOST_PAGES * LARGEST_PAGE} returns since {_date(since)}"
        )

    def cancel_label(self, reference: str, parcel: str) -> Shipment:
        """Ask that a return is cancelled, and read what became of it: the answer (202) is about the question only.

        One that Sendcloud refuses to cancel since it is cancelled already is no refusal.
        """
        del parcel
        answer = self._write("PATCH", f"v3/returns/{_number(reference, 'return')}/cancel")
        if answer.status != 409:
            self._accepted(answer)
        try:
            now = self._return(reference).shipment
        except ProviderError as error:
            why = f"it was asked to cancel return {reference}, and what became of it cannot be read: {error.message}"
            raise ProviderError(ErrorCode.OUTCOME_UNKNOWN, why, http_status=error.http_status) from error
        if answer.status == 409 and now.told not in (Told.CANCELLING, Told.CANCELLED):
            raise refusal(answer)
        waits = now.told in (Told.ANNOUNCING, Told.READY) and now.progress is ParcelState.NOT_SENT
        return attrs.evolve(now, told=Told.CANCELLING) if waits else now

    def parse_webhook(self, webhook: RawWebhook) -> ShipmentEvents:
        """What a signed webhook says of a return; nothing, if it is about an integration."""
        return webhooks.parse(webhook, self.settings.signing)

    # --- the return portal -------------------------------------------------------------------------------

    def portal_url(self, order: Order) -> ShippingOption | None:
        """The portal for the parcel of ``order``, as Sendcloud has it; else the brand's, or None where there is none.

        Where Sendcloud says that this parcel has no portal, there is none. The brand's link finds a parcel by postal
        code and by order or tracking number (https://sendcloud.dev/api/v2/return-portal); where we miss one of them,
        the customer fills in both."""
        try:
            found = self._portal_of(order)
        except ProviderError:
            if not self.settings.portal:
                raise
            found = None
        if found is not None:
            return self._portal(found, knows_parcel=True) if found else None
        if not self.settings.portal:
            return None
        parcel = {}
        if order.delivery is not None:
            delivery = order.delivery
            parcel = {"postal_code": delivery.postal_code.strip(), "identifier": delivery.number.strip()}
        if parcel and all(parcel.values()):
            query = urlencode(parcel, quote_via=quote, safe="")
            return self._portal(f"{self.settings.portal}?{query}", knows_parcel=True)
        return self._portal(self.settings.portal, knows_parcel=False)

    def _portal(self, url: str, *, knows_parcel: bool) -> ShippingOption:
        instruction = (
            text("Open the link and choose the products and the reason. The portal then gives a label for the parcel.")
            if knows_parcel
            else text(
                "Open the link, fill in the order number and the postal code, and choose the products and the reason. "
                "The portal then gives a label for the parcel."
            )
        )
        return ShippingOption(
            way=ShippingWay.PORTAL,
            provider=self.name,
            label=text("Get a return label"),
            instruction=instruction,
            url=url,
        )

    def _portal_of(self, order: Order) -> str | None:
        """What Sendcloud answers for the parcel: an address, empty where it has no portal, None where that is not
        known.

        An address that is not https is not shown, and takes nothing from the brand's.
        """
        delivery = order.delivery
        if self.settings.keys is None or delivery is None or not delivery.number.strip():
            return None
        parcel = self._outgoing(order.id, delivery)
        if parcel is None:
            return None
        if parcel.shipment_uuid and _UUID.fullmatch(parcel.shipment_uuid):
            answer = self._get(f"v3/shipments/{parcel.shipment_uuid}/return-portal-url")
        else:
            answer = self._get(f"v2/parcels/{parcel.id}/return_portal_url")
        if answer.status == 404:  # no portal, or no brand, for this shipment (both documents)
            return ""
        body = self._accepted(answer).json()
        newer = isinstance(body, Mapping) and "data" in body
        said = read_wire(wire.PortalAnswer, body).data if newer else read_wire(wire.PortalUrl, body)
        return (wire.https_only(said.url) or None) if said.url else ""

    def _outgoing(self, order_id: str, delivery: Delivery) -> wire.OutgoingParcel | None:
        """The one parcel that went to this customer. API v3 finds no parcel by its order (v2 ``GET /parcels``)."""
        number, code = delivery.number.strip(), _plain(delivery.postal_code)
        fields = ("order_number", "tracking_number")
        for field in fields if number == order_id else reversed(fields):  # the likelier one first
            found = self._read(wire.OutgoingParcels, "v2/parcels", {field: number}).parcels
            same = [one for one in found if number in (one.tracking_number, one.order_number) and not one.is_return]
            mine = [one for one in same if not code or _plain(one.postal_code or "") in ("", code)]
            if same:
                return mine[0] if len(mine) == 1 else None
        return None

    # --- calling -----------------------------------------------------------------------------------------

    def _return(self, reference: str) -> wire.Return:
        if not reference:
            raise ProviderError(
                ErrorCode.UNKNOWN_SHIPMENT,
                "the number of this return at Sendcloud is not known yet: it comes by the webhook return_created alone",
            )
        return self._read(wire.Return, f"v3/returns/{_number(reference, 'return')}")

    def _read(self, kind: type[_T], path: str, query: Mapping[str, str] | None = None) -> _T:
        return read_wire(kind, self._accepted(self._get(path, query)).json())

    def _get(self, path: str, query: Mapping[str, str] | None = None, *, accept: str = "application/json") -> Answer:
        self._check_keys()
        budget_of(self.settings).read()
        return self.http.read(self._url(path), headers={"Accept": accept}, query=query, auth=self.settings.keys)

    def _write(self, method: str, path: str, body: object = None) -> Answer:
        self._check_keys()
        budget_of(self.settings).write()
        return self.http.write(
            method, self._url(path), headers={"Accept": "application/json"}, json_body=body, auth=self.settings.keys
        )

    def _accepted(self, answer: Answer, call: Call = Call.OTHER) -> Answer:
        if not 200 <= answer.status < 300:
            raise refusal(answer, call)
        return answer

    def _url(self, path: str) -> str:
        return f"{self.settings.api_url.rstrip('/')}/api/{path}"

    def _check_keys(self) -> None:
        """Raise for settings without keys. The keys themselves are in no variable here: those are sent along when a
        host reports an error."""
        if self.settings.secret_key is None:
            raise ProviderError(
                ErrorCode.CONFIGURATION,
                "the settings public_key and secret_key of Sendcloud are empty: fill in those of an integration",
            )


def _number(written: str, what: str) -> str:
    if not (written.isascii() and _NUMBER.fullmatch(written)):
        raise ProviderError(ErrorCode.UNKNOWN_SHIPMENT, f"{written[:100]} is no {what} of Sendcloud: those are numbers")
    return written


def _date(time: datetime.datetime) -> str:
    return time.astimezone(datetime.UTC).strftime("%Y-%m-%d %H:%M:%S")


def _plain(postal_code: str) -> str:
    return "".join(postal_code.split()).upper()
