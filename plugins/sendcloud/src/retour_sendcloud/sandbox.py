"""Sendcloud on this machine: the part of its API that returns need, which Sendcloud has no sandbox for.

    >>> with SendcloudSandbox() as sandbox:
    ...     parcel = sandbox.send("1001", postal_code="1012 JS")
    ...     label = sandbox.return_in_portal("1001", {"teapot": 1}, reason="11")
    ...     sandbox.advance(datetime.timedelta(minutes=1))
    ...     [(booked.told.value, str(booked.charged)) for booked in sandbox.books("1001")]
    [('ready', 'EUR 5.45')]

Every answer is of Sendcloud's API description. How long carriers take, which options there are and what they cost, and
the words of errors that are not documented, are the sandbox's own.
"""

from __future__ import annotations

import base64
import binascii
import datetime
import json
import re
from collections import deque
from collections.abc import Mapping, Sequence, Set
from typing import Any, ClassVar

from retour.providers import Money, Secret, hmac_sha256
from retour.sandbox import (
    BookedLabel,
    DashboardAction,
    DashboardTable,
    LoopbackSandbox,
    NotPossible,
    Refused,
    SandboxClock,
    SandboxRequest,
    SandboxResponse,
    SandboxWebhook,
    spoilt,
)
from retour_sendcloud import sandbox_answers as answers
from retour_sendcloud import sandbox_dashboard, webhooks
from retour_sendcloud.sandbox_answers import Answers, Json
from retour_sendcloud.sandbox_dashboard import text
from retour_sendcloud.sandbox_documents import NoPrinter, Printed, code_png, label_pdf
from retour_sendcloud.sandbox_options import faults_of, find, grams_of, offered
from retour_sendcloud.sandbox_returns import NOTHING, Charge, Returns, SandboxReturn, SentParcel, SentParcels
from retour_sendcloud.settings import READS_A_MINUTE, WRITES_A_MINUTE, WRITES_A_SECOND

PUBLIC_KEY = "sandboxsandboxsandboxsandboxpub1"
SECRET_KEY = "sandboxsandboxsandboxsandboxsec1"  # noqa: S105 - it opens nothing

SHOP: Mapping[str, str] = {
    "name": "Returns department",
    "address_line_1": "Keizersgracht",
    "house_number": "1",
    "postal_code": "1015 CJ",
    "city": "Amsterdam",
    "country_code": "NL",
}
"""Where returns go that customers make in the portal."""

_WITHOUT_LIMIT = 1_000_000
_SECOND, _MINUTE = datetime.timedelta(seconds=1), datetime.timedelta(minutes=1)
_LARGEST_PAGE = 40
_STANDING = 1_750_000
_NUMBERS_SINCE = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)
_POSITION = re.compile(r"p=([0-9]{1,9})")


class SendcloudSandbox(LoopbackSandbox):
    """Sendcloud, from ``with`` until its end, at ``url``.

    ``clock`` stands still until `LoopbackSandbox.advance`; ``server`` has the ``faults`` to make and the ``requests``
    that came in. ``limited`` says whether it keeps Sendcloud's rate limits, by its clock. ``errors_are_told`` says
    whether a return whose announcement failed has the carrier's words; without them only the synchronous announcement
    tells them. ``has_portal`` says whether the brand has one, ``portal_urls_are_empty`` that it is given out as an
    empty text.
    """

    provider: ClassVar[str] = "sendcloud"
    dashboard_title: ClassVar[str] = "Sendcloud"
    dashboard_tables: ClassVar[Sequence[DashboardTable]] = sandbox_dashboard.TABLES
    dashboard_actions: ClassVar[Sequence[DashboardAction]] = sandbox_dashboard.ACTIONS

    def __init__(self, *, clock: SandboxClock | None = None, port: int = 0) -> None:
        super().__init__(clock=clock, port=port)
        self.returns = Returns(clock=self.clock, tell=self._tell, number=_last_number(self.clock))
        self.limited = False
        self.errors_are_told = True
        self.has_portal = True
        self.portal_urls_are_empty = False
        self._answers = Answers(self.server.url)
        self._sent = SentParcels()
        self._reads: deque[datetime.datetime] = deque()
        self._writes: deque[datetime.datetime] = deque()

    @property
    def settings(self) -> Mapping[str, object]:
        """Settings of the plugin here: ``settings={"sendcloud": sandbox.settings}``. Without the rate limits, unless it
        keeps them itself."""
        free = dict.fromkeys(("reads_a_minute", "writes_a_minute", "writes_a_second"), _WITHOUT_LIMIT)
        keys = {"public_key": PUBLIC_KEY, "secret_key": SECRET_KEY, "api_url": self.url}
        return {**keys, **({} if self.limited else free)}

    # --- what customers and carriers do ------------------------------------------------------------------

    def send(self, order_id: str, *, postal_code: str) -> str:
        """A parcel goes to a customer and is delivered; gives its tracking number."""
        with self.lock:
            number = self.returns.next_number()
            uuid = f"00000000-0000-4000-8000-{number:012d}"
            sent = SentParcel(
                id=number,
                order_number=order_id,
                tracking_number=f"3SSENT{number:09d}",
                postal_code=postal_code,
                shipment=uuid,
                portal=f"https://sandbox.shipping-portal.com/rp/initiate/{uuid}",
            )
            self._sent.add(sent)
            self._send(answers.sent(sent, "delivered", self.clock.now()))
            return sent.tracking_number

    def return_in_portal(self, order_id: str, items: Mapping[str, int], *, reason: str = "") -> str:
        """The customer makes a return in the portal; gives its number. He drops it off, with a printed label."""
        with self.lock:
            if not self._sent.of_order(order_id):
                raise NotPossible(
                    text("No parcel of order {order} was sent, so the portal knows none.", order=order_id)
                )
            sent = self._sent.of_order(order_id)[0]
            reasons = {"return_reason_id": reason} if reason else {}
            body: Json = {
                "from_address": {
                    "name": "Customer",
                    "address_line_1": "Damrak",
                    "house_number": "1",
                    "postal_code": sent.postal_code,
                    "city": "Amsterdam",
                    "country_code": "NL",
                },
                "to_address": dict(SHOP),
                "weight": {"value": 1000, "unit": "g"},
                "order_number": order_id,
                "delivery_option": "drop_off_point",
                "parcel_items": [
                    {"sku": sku, "description": sku, "quantity": quantity, **reasons} for sku, quantity in items.items()
                ],
            }
            return self._make(body, "postnl:standard/return", 101, in_portal=True).reference

    def return_in_panel(self, order_id: str) -> str:
        """Staff make a return by hand in the panel's form, of which no webhook tells; gives its number."""
        with self.lock:
            before = list(self.untaken)
            made = self.return_in_portal(order_id, {})
            self.untaken = before
            self.returns.of(made).in_portal = False
            return made

    def refuse(self, because: str) -> None:
        """The carrier refuses the next label that is announced to it, in these words."""
        with self.lock:
            self.returns.refusals.append(because)

    def scan(self, label: str) -> None:
        """The carrier gets the parcel."""
        self._move(label, "picked-up-by-driver")

    def deliver(self, label: str) -> None:
        """The parcel is at the shop."""
        self._move(label, "delivered")

    def lose(self, label: str) -> None:
        """The parcel is lost: Sendcloud has no status for that but "exception", and the carrier's words."""
        self._move(label, "exception", "The parcel is lost")

    def send_back(self, label: str) -> None:
        """The parcel goes back to the customer."""
        self._move(label, "returned-to-sender")

    def move(self, label: str, status: str, message: str = "") -> None:
        """The carrier says anything else of a parcel: a ``parent_status``, or a word that nobody knows."""
        self._move(label, status, message)

    @property
    def held(self) -> bool:
        """Whether nothing goes on by itself."""
        return self.returns.held

    def hold(self) -> None:
        """From now on nothing goes on by itself."""
        with self.lock:
            self.returns.held = True

    def release(self) -> None:
        """What was held goes its way again."""
        with self.lock:
            self.returns.held = False
            self.settle()

    # --- the books ---------------------------------------------------------------------------------------

    def settle(self) -> None:
        """Let every label go as far as it is due."""
        self.returns.settle()

    def books(self, order_id: str = "") -> Sequence[BookedLabel]:
        """All labels of an order, or of all orders, the oldest first."""
        with self.lock:
            self.settle()
            return [
                BookedLabel(
                    reference=one.reference,
                    parcel=str(one.parcel),
                    order_id=one.order_number,
                    label_id=str(one.body.get("external_reference", "")),
                    told=one.told,
                    progress=one.progress,
                    charged=self.returns.charged(one),
                )
                for one in (self.returns.of_order(order_id) if order_id else self.returns.made.values())
            ]

    @property
    def parcels_sent(self) -> Sequence[SentParcel]:
        """The parcels that went to customers, the oldest first."""
        with self.lock:
            return self._sent.every()

    def asked_of(self, label: str) -> Json:
        """What was asked for with a return, in Sendcloud's fields."""
        with self.lock:
            return self.returns.of(label).body

    @property
    def ledger(self) -> Sequence[Charge]:
        """Everything that was charged for labels, and given back for cancelled ones, the oldest first."""
        with self.lock:
            self.settle()
            return list(self.returns.charges)

    # --- webhooks ----------------------------------------------------------------------------------------

    def webhook_about(self, label: str) -> SandboxWebhook:
        """The webhook of the status that a return has now."""
        with self.lock:
            self.settle()
            return self._signed(answers.moved(self.returns.of(label)))

    def with_spoilt_signature(self, webhook: SandboxWebhook) -> SandboxWebhook:
        """The same webhook, signed wrong."""
        return spoilt(webhook, webhooks.SIGNATURE)

    def _tell(self, one: SandboxReturn) -> None:
        if len(one.history) == 1:
            self._send(answers.created(one))
        self._send(answers.moved(one))

    def _send(self, body: Json) -> None:
        self.untaken.append(self._signed(body))

    def _signed(self, said: Json) -> SandboxWebhook:
        body = json.dumps(said).encode()
        headers = {"content-type": "application/json", webhooks.SIGNATURE: hmac_sha256(body, Secret(SECRET_KEY))}
        return SandboxWebhook(headers=headers, body=body)

    # --- the API -----------------------------------------------------------------------------------------

    def handle(self, request: SandboxRequest) -> SandboxResponse:
        """The answer to a request; raises `Refused`."""
        self._check_keys(request)
        if self.limited:
            self._count(request)
        match request.method, *request.path.strip("/").split("/"):
            case "GET", "api", "v3", "user", "auth", "metadata":
                return _answer({"data": {"user_id": 1, "integration_id": 1}})
            case "POST", "api", "v3", "shipping-options":
                return self._options(_body(request))
            case "POST", "api", "v3", "returns":
                return self._create(_body(request))
            case "POST", "api", "v3", "returns", "validate":
                return self._validate(_body(request))
            case "POST", "api", "v3", "returns", "announce-synchronously":
                return self._announce(_body(request))
            case "GET", "api", "v3", "returns":
                return self._list(request.query)
            case "GET", "api", "v3", "returns", number:
                return _answer(self._answers.details(self._of(number), errors_are_told=self.errors_are_told))
            case "PATCH", "api", "v3", "returns", number, "cancel":
                return self._cancel(self._of(number))
            case "GET", "api", "v3", "parcels", number, "documents", "label":
                return self._document(number, request)
            case "GET", "api", "v3", "shipments", uuid, "return-portal-url":
                return self._portal(uuid)
            case "GET", "api", "v2", "parcels":
                return self._parcels(request.query)
            case "GET", "api", "v2", "parcels", number:
                return self._parcel(number)
            case "GET", "api", "v2", "parcels", number, "return_portal_url":
                return self._portal_of_parcel(number)
        raise Refused(SandboxResponse(status=404, body=b""))

    def _check_keys(self, request: SandboxRequest) -> None:
        scheme, _, given = request.headers.get("authorization", "").partition(" ")
        try:
            keys = base64.b64decode(given, validate=True).decode()
        except (binascii.Error, ValueError):
            keys = ""
        if scheme.lower() != "basic" or keys != f"{PUBLIC_KEY}:{SECRET_KEY}":
            fault = answers.error(401, "authentication_failed", "Invalid username/password.")
            raise Refused(SandboxResponse(status=401, body={"errors": [fault]}))

    def _count(self, request: SandboxRequest) -> None:
        now = self.clock.now()
        reading = request.method == "GET"
        sent = self._reads if reading else self._writes
        while sent and sent[0] <= now - _MINUTE:
            sent.popleft()
        within = sum(1 for when in sent if when > now - _SECOND)
        most = READS_A_MINUTE if reading else WRITES_A_MINUTE
        if len(sent) >= most or (not reading and within >= WRITES_A_SECOND):
            raise Refused(SandboxResponse(status=429, body=b""))
        sent.append(now)

    def _options(self, body: Json) -> SandboxResponse:
        parcels = body.get("parcels") or []
        if len(parcels) != 1:
            raise _invalid("At least one parcel must be provided.")
        grams = grams_of(parcels[0].get("weight") or {})
        country = (body.get("from_address") or {}).get("country_code", "")
        found = offered(country, grams, body.get("functionalities") or {})
        data = [self._answers.option(one) for one in found]
        return _answer({"data": data, "message": None if data else "There are no options for this request."})

    def _validate(self, body: Json) -> SandboxResponse:
        """Nothing is made of it. Whether Sendcloud looks for a used reference here is not described: it does not."""
        self._check(body, used=frozenset())
        return _answer(answers.validated(body))

    def _create(self, body: Json) -> SandboxResponse:
        self._check(body, used=self.returns.references)
        return self._created(self._make_asked(body))

    def _check(self, body: Json, *, used: Set[str]) -> None:
        faults = list(faults_of(body, used))
        if faults:
            raise Refused(SandboxResponse(status=400, body=answers.refused(faults)))

    def _announce(self, body: Json) -> SandboxResponse:
        """Wait for the carrier; what it refuses is not made, and its reference stays free. The description says
        neither."""
        faults = list(faults_of(body, self.returns.references))
        refusal = "; ".join([fault["message"] for fault in faults]) or self.returns.would_be_refused(body)
        if refusal:
            raise Refused(SandboxResponse(status=400, body=answers.not_announced(refusal)))
        made = self._make_asked(body)
        self.returns.announce(made)
        return self._created(made)

    def _make_asked(self, body: Json) -> SandboxReturn:
        ship_with = body["ship_with"]
        return self._make(body, ship_with["shipping_option_code"], ship_with.get("contract"))

    def _make(self, body: Json, code: str, contract: int | None, *, in_portal: bool = False) -> SandboxReturn:
        [option] = find(code, contract)
        price = option.price(grams_of(body["weight"]))
        cost = NOTHING if price is None else Money.of(price, "EUR")
        return self.returns.make(body, option, cost, in_portal=in_portal)

    def _created(self, made: SandboxReturn) -> SandboxResponse:
        return _answer({"return_id": made.id, "parcel_id": made.parcel, "multi_collo_ids": []}, status=201)

    def _list(self, query: Mapping[str, str]) -> SandboxResponse:
        since, until = _date(query.get("from_date", "")), _date(query.get("to_date", ""))
        size = int(query.get("page_size") or _LARGEST_PAGE)
        if since is None or until is None or not 1 <= size <= _LARGEST_PAGE:
            fault = {"field": "from_date", "code": "invalid", "message": "Enter a valid date and time."}
            raise Refused(SandboxResponse(status=400, body=answers.refused([fault])))
        found = self.returns.made_between(since, until)
        offset = _offset(query.get("cursor", ""))
        page = self._answers.page(found, query, offset=offset, size=size, errors_are_told=self.errors_are_told)
        return _answer(page)

    def _cancel(self, one: SandboxReturn) -> SandboxResponse:
        try:
            self.returns.cancel(one)
        except ValueError:
            raise Refused(SandboxResponse(status=409, body=answers.NOT_CANCELLABLE)) from None
        return _answer({"message": "Cancellation requested successfully"}, status=202)

    def _document(self, number: str, request: SandboxRequest) -> SandboxResponse:
        one = self.returns.with_parcel(number)
        if one is None or not one.announced or one.status == "cancelled":
            fault = answers.error(404, "not_found", "The requested document is not available for this parcel.")
            raise Refused(SandboxResponse(status=404, body={"errors": [fault]}))
        labelless = one.body.get("delivery_option") == "drop_off_labelless"
        accept = request.headers.get("accept", "application/pdf")
        try:
            if accept == "image/png" and labelless:
                return SandboxResponse(status=200, body=code_png(_printed(one)), content_type="image/png")
            if accept == "application/pdf":
                size = request.query.get("paper_size", "A6")
                pdf = label_pdf(_printed(one), size=size, code=labelless)
                return SandboxResponse(status=200, body=pdf, content_type="application/pdf")
        except NoPrinter as error:
            raise Refused(SandboxResponse(status=500, body={"errors": [{"detail": str(error)}]})) from error
        raise _invalid(f"The sandbox prints no {accept} of this label.")

    def _portal(self, uuid: str) -> SandboxResponse:
        sent = self._sent.called(uuid)
        if sent is None or sent.shipment != uuid or not self.has_portal:
            fault = answers.error(404, "not_found", "No return portal is configured for this shipment.")
            raise Refused(SandboxResponse(status=404, body=[fault]))
        return _answer({"data": {"url": sent.portal}})

    def _portal_of_parcel(self, number: str) -> SandboxResponse:
        sent = self._sent.called(number)
        if sent is None or str(sent.id) != number or not self.has_portal:
            raise Refused(SandboxResponse(status=404, body={"error": {"code": "404", "message": "Not found."}}))
        return _answer({"url": "" if self.portal_urls_are_empty else sent.portal})

    def _parcels(self, query: Mapping[str, str]) -> SandboxResponse:
        order = query.get("order_number")
        found = [
            self._answers.parcel(one)
            for one in (self._sent.every() if order is None else self._sent.of_order(order))
            if query.get("tracking_number") in (None, one.tracking_number)
        ]
        if self.portal_urls_are_empty:  # as in the one recording, which is older than shipments
            found = [{name: value for name, value in one.items() if name != "shipment_uuid"} for one in found]
        return _answer({"next": None, "previous": None, "parcels": found})

    def _parcel(self, number: str) -> SandboxResponse:
        sent, returned = self._sent.called(number), self.returns.with_parcel(number)
        if sent is not None and str(sent.id) == number:
            return _answer({"parcel": self._answers.parcel(sent)})
        if returned is None:
            raise Refused(SandboxResponse(status=404, body=b""))
        return _answer({"parcel": self._answers.returned(returned)})

    def _of(self, number: str) -> SandboxReturn:
        try:
            return self.returns.of(number)
        except ValueError:
            raise Refused(SandboxResponse(status=404, body=b"")) from None

    def _move(self, label: str, status: str, message: str = "") -> None:
        with self.lock:
            self.settle()
            self.returns.move(self.returns.of(label), status, message)


def _last_number(clock: SandboxClock) -> int:
    """The number before the first one that is given out. Sendcloud gives each number once, so one that is started again
    for a shop outside begins higher than the last one can have come: at the milliseconds of a time after that."""
    if not clock.runs:
        return _STANDING
    return _STANDING + (clock.now() - _NUMBERS_SINCE) // datetime.timedelta(milliseconds=1)


def _printed(one: SandboxReturn) -> Printed:
    return Printed(
        carrier=one.option.carrier,
        sender=_lines(one.body["from_address"]),
        recipient=_lines(one.body["to_address"]),
        tracking_number=one.tracking_number,
        order_number=one.order_number,
        reference=str(one.body.get("external_reference", "")),
        grams=int(grams_of(one.body["weight"])),
    )


def _lines(address: Mapping[str, Any]) -> tuple[str, ...]:
    lines = (
        address["name"],
        address.get("company_name", ""),
        f"{address['address_line_1']} {address.get('house_number', '')}",
        address.get("address_line_2", ""),
        f"{address['postal_code']}  {address['city']}",
        address["country_code"],
    )
    return tuple([line.strip() for line in lines if line.strip()])


def _body(request: SandboxRequest) -> Json:
    try:
        body = json.loads(request.body or b"{}")
    except ValueError:
        raise _invalid("JSON parse error") from None
    if not isinstance(body, dict):
        raise _invalid("JSON parse error")
    return body


def _answer(body: Json, *, status: int = 200) -> SandboxResponse:
    return SandboxResponse(status=status, body=body)


def _invalid(detail: str) -> Refused:
    return Refused(SandboxResponse(status=400, body={"errors": [answers.error(400, "invalid", detail)]}))


def _date(written: str) -> datetime.datetime | None:
    """A date as the list of returns takes it; in which zone is not described, and is UTC here."""
    try:
        return datetime.datetime.strptime(written, "%Y-%m-%d %H:%M:%S").replace(tzinfo=datetime.UTC)
    except ValueError:
        return None


def _offset(cursor: str) -> int:
    """Where a page begins (parameter ``Cursor``)."""
    try:
        found = _POSITION.search(base64.b64decode(cursor).decode())
    except ValueError:
        return 0
    return int(found[1]) if found else 0
