"""How the sandbox of Sendcloud writes what it keeps: Sendcloud's JSON, its four shapes of errors, its webhooks."""

from __future__ import annotations

import base64
import datetime
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

import attrs

from retour_sendcloud import webhooks
from retour_sendcloud.sandbox_options import SandboxOption, functionalities, grams_of
from retour_sendcloud.sandbox_returns import CANCELLABLE, SandboxReturn, SentParcel
from retour_sendcloud.statuses import WORDS

Json = dict[str, Any]

WORDS_OF: Mapping[str, str] = {status: words[0].upper() + words[1:] for words, status in WORDS.items()}
"""The words that people read for a status."""

IDS: Mapping[str, int] = {
    "announced": 1,
    "to-sorting": 3,
    "delivered": 11,
    "picked-up-by-driver": 22,
    "shipment-on-route": 91,
    "no-label": 999,
    "ready-to-send": 1000,
    "announcing": 1001,
    "announcement-failed": 1002,
    "cancelling": 1999,
    "cancelled": 2000,
    "returned-to-sender": 62992,
    "exception": 62996,
}
"""The numbers of statuses in webhooks, as clients in public repositories have them; no document of Sendcloud lists
all."""

NOT_CANCELLABLE: Json = {"errors": [{"field": "returns", "code": 409, "message": "Return is not cancellable."}]}


def refused(faults: Sequence[Json]) -> Json:
    """Shape 1: schema ``errors``."""
    return {"errors": list(faults)}


def validated(body: Json) -> Json:
    """Schema ``ReturnValidation``: what was asked for, with its weight as a number of kilograms and its sides in
    centimetres, both without a unit. What it does not describe, as the number of the customs invoice, is left out."""
    answer = {name: body[name] for name in _ECHOED if name in body}
    answer["weight"] = float(grams_of(body["weight"]) / 1000)
    if "dimensions" in body:
        sides = body["dimensions"]
        answer["dimensions"] = {name: sides[name] / 10 for name in ("length", "width", "height")}
    return answer


_ECHOED = (
    "from_address",
    "to_address",
    "ship_with",
    "parcel_items",
    "send_tracking_emails",
    "order_number",
    "external_reference",
    "delivery_option",
)


def not_announced(message: str) -> Json:
    """Shape 2: what the synchronous announcement answers."""
    return {
        "error": {
            "code": "parcel_announcement_error",
            "request": "api/v3/returns/announce-synchronously",
            "message": message,
        }
    }


def error(status: int, code: str, detail: str) -> Json:
    """Shape 3: one ``ErrorObject``."""
    return {"status": str(status), "code": code, "detail": detail}


@attrs.frozen
class Answers:
    """Sendcloud's answers, of a sandbox at ``url``. ``errors_are_told`` is whether a return has its carrier's
    errors."""

    url: str

    def details(self, one: SandboxReturn, *, errors_are_told: bool) -> Json:
        """Schema ``Return``. What is not there before the announcement is null or left out, as the schema has it."""
        label = f"{self.url}/api/v3/parcels/{one.parcel}/documents/label"
        has_label = one.announced and one.body.get("delivery_option") != "in_store"
        asked: Json = {
            name: one.body[name]
            for name in ("from_address", "to_address", "weight", "dimensions", "delivery_option", "customs_invoice_nr")
            if name in one.body
        }
        answer: Json = {
            **asked,
            "shipping_product": {"code": one.option.code.partition("/")[0]},
            "shipping_option": {"code": one.option.code},
            "collo_count": 1,
            "parcel_items": [_item(item) for item in one.body.get("parcel_items") or []],
            "send_tracking_emails": bool(one.body.get("send_tracking_emails")),
            "contract": one.option.contract,
            "label_url": label if has_label else None,
            "tracking_number": one.tracking_number or None,
            "tracking_url": self._tracking(one) if one.announced else None,
            "is_cancellable": one.status in CANCELLABLE,
            "status_history": [_moment(number, moment, one) for number, moment in enumerate(one.history)],
            "created_at": _written(one.made_at),
            "delivered_at_iso": next((_written(m.at) for m in one.history if m.status == "delivered"), None),
            "order_number": one.order_number,
            "status": "open",
            "errors": [error(400, "parcel_announcement_error", one.refusal)] if one.refused and errors_are_told else [],
        }
        if one.in_portal:  # null for others, it says, and that it is an object: so it is left out
            answer["refund"] = {"refund_type": "money", "message": None}
        if has_label:
            answer["label"] = {"label_printer": label, "normal_printer": [f"{label}?paper_size=a4"] * 4}
        if one.announced:
            answer["label_cost"] = _price(one.cost.decimal, one.cost.currency)
        return answer

    def page(
        self, found: Sequence[SandboxReturn], query: Mapping[str, str], *, offset: int, size: int, errors_are_told: bool
    ) -> Json:
        """One page of returns, with where the next one is."""
        shown = found[offset : offset + size]
        answer: Json = {"data": [self.details(one, errors_are_told=errors_are_told) for one in shown]}
        if offset + size < len(found):
            cursor = base64.b64encode(f"p={offset + size}".encode()).decode()
            answer["next"] = f"{self.url}/api/v3/returns?{urlencode({**query, 'cursor': cursor})}"
        return answer

    def option(self, option: SandboxOption) -> Json:
        """Schema ``shipping-option``."""
        heaviest = max(option.prices)
        return {
            "code": option.code,
            "name": option.name,
            "carrier": {"code": option.carrier, "name": option.carrier.upper()},
            "product": {"code": option.code.partition("/")[0], "name": option.name},
            "functionalities": functionalities(option),
            "contract": {
                "id": option.contract,
                "client_id": "",
                "carrier_code": option.carrier,
                "name": f"{option.carrier.upper()} {option.contract}",
            },
            "weight": _range(1, heaviest),
            "requirements": {"fields": [], "export_documents": False, "is_service_point_required": False},
            "charging_type": option.charging,
            "quotes": [
                {"weight": _range(low, high), "price": _quoted(price), "lead_time": 24}
                for low, high, price in _bands(option)
            ],
        }

    def parcel(self, sent: SentParcel) -> Json:
        """Schema ``ParcelResponseShort`` of API v2."""
        return {
            "id": sent.id,
            "order_number": sent.order_number,
            "tracking_number": sent.tracking_number,
            "postal_code": sent.postal_code,
            "shipment_uuid": sent.shipment,
            "is_return": False,
            "status": {"id": IDS["delivered"], "message": WORDS_OF["delivered"]},
        }

    def returned(self, one: SandboxReturn) -> Json:
        """The same schema, of the parcel of a return."""
        tracked = {"tracking_number": one.tracking_number, "tracking_url": self._tracking(one)} if one.announced else {}
        return {
            "id": one.parcel,
            "order_number": one.order_number,
            "is_return": True,
            "status": status(one.status),
            **tracked,
        }

    def _tracking(self, one: SandboxReturn) -> str:
        query = urlencode({"carrier": one.option.carrier, "code": one.tracking_number})
        return f"https://tracking.eu-central-1-0.sendcloud.sc/forward?{query}"


# --- webhooks --------------------------------------------------------------------------------------------


def moved(one: SandboxReturn) -> Json:
    """Schema ``ParcelStatusChangedWebhook``, of a return. Who has the parcel first is its sender."""
    moment, address = one.history[-1], one.body["from_address"]
    parcel: Json = {
        "id": one.parcel,
        "name": address["name"],
        "address": f"{address['address_line_1']} {address.get('house_number', '')}".strip(),
        "city": address["city"],
        "postal_code": address["postal_code"],
        "tracking_number": one.tracking_number,
        "status": status(moment.status),
        "order_number": one.order_number,
    }
    return _action(moment.at, parcel)


def sent(parcel: SentParcel, status_word: str, at: datetime.datetime) -> Json:
    """The same of a parcel to a customer."""
    body: Json = {
        "id": parcel.id,
        "postal_code": parcel.postal_code,
        "tracking_number": parcel.tracking_number,
        "status": status(status_word),
        "order_number": parcel.order_number,
        "shipment_uuid": parcel.shipment,
    }
    return _action(at, body)


def created(one: SandboxReturn) -> Json:
    """Schema ``ReturnCreatedWebhook``."""
    items = [
        {
            "quantity": item["quantity"],
            **{name: item[name] for name in ("item_id", "description", "sku", "hs_code") if item.get(name)},
            **({"return_reason_id": int(item["return_reason_id"])} if item.get("return_reason_id") else {}),
        }
        for item in one.body.get("parcel_items") or []
    ]
    data: Json = {"id": one.id, "order_number": one.order_number, "items": items}
    if one.in_portal:
        data["refund_type"] = "money"
    return {"action": webhooks.CREATED, "timestamp": _milliseconds(one.made_at), "data": data}


def status(word: str) -> Json:
    """A status as a webhook has it."""
    return {"id": IDS.get(word, 1337), "message": WORDS_OF.get(word, word)}


def _action(at: datetime.datetime, parcel: Json) -> Json:
    moment = _milliseconds(at)
    return {
        "action": webhooks.MOVED,
        "timestamp": moment,
        "carrier_status_change_timestamp": moment,
        "parcel": parcel,
    }


# --- parts -----------------------------------------------------------------------------------------------


def _item(item: Json) -> Json:
    """Schema ``parcel-item-returns-details``."""
    reason = item.get("return_reason_id")
    return item | ({"return_reason": {"id": int(reason)}} if reason else {})


def _moment(number: int, moment: Any, one: SandboxReturn) -> Json:
    return {
        "carrier_update_timestamp": _written(moment.at),
        "parcel_status_history_id": str(number + 1),
        "parent_status": moment.status,
        "carrier_code": one.option.carrier,
        "carrier_message": moment.message or WORDS_OF.get(moment.status, moment.status),
    }


def _bands(option: SandboxOption) -> list[tuple[int, int, str]]:
    """From which weight to which a price holds."""
    bands, low = [], 1
    for high, price in sorted(option.prices.items()):
        bands.append((low, high, price))
        low = high + 1
    return bands


def _range(low: int, high: int) -> Json:
    return {"min": _weight(low), "max": _weight(high)}


def _weight(grams: int) -> Json:
    return {"value": f"{Decimal(grams) / 1000:f}", "unit": "kg"}


def _quoted(price: str) -> Json:
    total = {"value": price, "currency": "EUR"}
    return {"breakdown": [{"type": "price_without_insurance", "label": "Label", "price": total}], "total": total}


def _price(amount: Decimal, currency: str) -> Json:
    return {"value": float(amount), "currency": currency}


def _written(time: datetime.datetime) -> str:
    return time.isoformat()


def _milliseconds(time: datetime.datetime) -> int:
    return int(time.timestamp() * 1000)
